//! From one state to the next.

use std::slice;

use super::articulated::Links;
use super::articulated::actuation::Actuation;
use super::articulated::actuation::{final_activation, final_activation_pullback};
use super::articulated::factor::{Factor, GeneralFactor};
use super::articulated::kinematics;
use super::articulated::passive::damping_slope;
use super::constraint::{Constraint, ConstraintBackward};
use super::particles::KeptSwarm;
use super::step::{Backward, Cotangents, Stage, constrain, forces, forces_pullback, free, stage};
use super::{implicit, runge_kutta};
use crate::model::description::Integrator;
use crate::model::{Costate, Input, Model, State, advance_configuration, advance_configuration_pullback};
use crate::number::{Real, copy};

/// What one step remembers for its pullback; allocated once and overwritten.
#[derive(Clone, Debug)]
pub struct Record<R: Real> {
    /// One stage, or four.
    pub stages: Vec<Stage<R>>,
    /// `M + h diag(β)`, in the tree's pattern.
    damped: Vec<R>,
    pub(super) runge_kutta: Option<runge_kutta::Stages<R>>,
    pub(super) implicit: Option<implicit::Implicit<R>>,
}

/// A [`Record`] for steps of one model.
pub fn record<R: Real>(model: &Model<R>) -> Record<R> {
    let four = model.topology.integrator == Integrator::RungeKutta4;
    let stages = if four { 4 } else { 1 };
    Record {
        stages: vec![stage(model); stages],
        damped: vec![R::zero(); model.topology.pattern.entries()],
        runge_kutta: four.then(|| runge_kutta::Stages::new(model)),
        implicit: model.topology.integrator.is_implicit().then(|| implicit::Implicit::new(model)),
    }
}

/// The part of a [`Record`] that the pullback of its step needs.
#[derive(Clone, Debug)]
pub struct Kept<R: Real> {
    stages: Vec<KeptStage<R>>,
    runge_kutta: Option<runge_kutta::Stages<R>>,
    implicit: Option<GeneralFactor<R>>,
}

#[derive(Clone, Debug)]
struct KeptStage<R: Real> {
    /// Of one world. Those of many fill the cache, and are sooner found again than fetched from memory.
    links: Option<Links<R>>,
    mass: Vec<R>,
    constraint: Constraint<R>,
    jacobian: Vec<R>,
    factor: Factor<R>,
    actuation: Actuation<R>,
    swarm: Option<KeptSwarm<R>>,
    a: Vec<R>,
}

/// What a pullback needs of a [`Record`] of one model.
pub fn kept<R: Real>(model: &Model<R>) -> Kept<R> {
    let record = record(model);
    let stage = |s: &Stage<R>| KeptStage {
        links: (R::LANES == 1).then(|| s.links.clone()),
        mass: s.mass.clone(),
        constraint: s.constraint.kept(),
        jacobian: s.jacobian.clone(),
        factor: s.factor.clone(),
        actuation: s.actuation.clone(),
        swarm: s.swarm.as_ref().map(|swarm| swarm.kept().clone()),
        a: s.a.clone(),
    };
    Kept {
        stages: record.stages.iter().map(stage).collect(),
        runge_kutta: record.runge_kutta.clone(),
        implicit: record.implicit.as_ref().map(|i| i.factor.clone()),
    }
}

impl<R: Real> Record<R> {
    /// Overwrites what the pullback of the step needs with the same over another number.
    pub fn copy_from<S: Real>(&mut self, other: &Record<S>, f: impl Fn(S) -> R + Copy) {
        for (own, x) in self.stages.iter_mut().zip(&other.stages) {
            own.links.copy_from(&x.links, f);
            own.constraint.copy_from(&x.constraint, f);
            own.factor.copy_from(&x.factor, f);
            own.actuation.copy_from(&x.actuation, f);
            if let (Some(own), Some(x)) = (&mut own.swarm, &x.swarm) {
                own.copy_from(x, f);
            }
            copy(&mut own.mass, &x.mass, f);
            copy(&mut own.jacobian, &x.jacobian, f);
            copy(&mut own.a, &x.a, f);
        }
        if let (Some(own), Some(x)) = (&mut self.runge_kutta, &other.runge_kutta) {
            own.copy_from(x, f);
        }
        if let (Some(own), Some(x)) = (&mut self.implicit, &other.implicit) {
            own.factor.copy_from(&x.factor, f);
        }
    }
    /// The worlds in which the constraint forces of the last step were found.
    pub fn solved(&self) -> R::Mask {
        self.stages.iter().fold(R::zero().is_zero(), |all, stage| all & stage.solved())
    }
    /// The bytes that a [`Kept`] of this step takes.
    pub fn kept_bytes(&self) -> usize {
        let stage = |s: &Stage<R>| {
            let numbers = [&s.mass, &s.jacobian, &s.a].map(Vec::len).iter().sum();
            let swarm = s.swarm.as_ref().map_or(0, |swarm| swarm.kept().bytes());
            let links = if R::LANES == 1 { s.links.bytes() } else { 0 };
            swarm + links + stage_bytes((&s.actuation, &s.constraint, &s.factor), numbers)
        };
        let own: usize = self.stages.iter().map(stage).sum();
        own + beside_bytes(self.implicit.as_ref().map(|i| &i.factor), self.runge_kutta.as_ref())
    }
}

impl<R: Real> Kept<R> {
    /// The bytes of memory behind it.
    pub fn bytes(&self) -> usize {
        let stage = |s: &KeptStage<R>| {
            let numbers = [&s.mass, &s.jacobian, &s.a].map(Vec::len).iter().sum();
            let swarm = s.swarm.as_ref().map_or(0, KeptSwarm::bytes);
            let links = s.links.as_ref().map_or(0, Links::bytes);
            swarm + links + stage_bytes((&s.actuation, &s.constraint, &s.factor), numbers)
        };
        let own: usize = self.stages.iter().map(stage).sum();
        own + beside_bytes(self.implicit.as_ref(), self.runge_kutta.as_ref())
    }
}

/// Exchanges what a record remembers with `kept`, without copying a number.
pub fn exchange<R: Real>(record: &mut Record<R>, kept: &mut Kept<R>) {
    use std::mem::swap;
    for (stage, kept) in record.stages.iter_mut().zip(&mut kept.stages) {
        if let Some(links) = &mut kept.links {
            swap(&mut stage.links, links);
        }
        if !stage.constraint.a.is_empty() {
            swap(&mut stage.mass, &mut kept.mass);
            stage.constraint.exchange(&mut kept.constraint);
        }
        swap(&mut stage.jacobian, &mut kept.jacobian);
        swap(&mut stage.factor, &mut kept.factor);
        swap(&mut stage.actuation, &mut kept.actuation);
        if let (Some(swarm), Some(kept)) = (&mut stage.swarm, &mut kept.swarm) {
            swarm.exchange(kept);
        }
        swap(&mut stage.a, &mut kept.a);
    }
    swap(&mut record.runge_kutta, &mut kept.runge_kutta);
    if let (Some(own), Some(kept)) = (&mut record.implicit, &mut kept.implicit) {
        swap(&mut own.factor, kept);
    }
}

/// Takes back what [`exchange`] kept of the step from this state, and finds what was not kept.
pub fn recall<R: Real>(record: &mut Record<R>, model: &Model<R>, state: &State<R>, kept: &mut Kept<R>) {
    exchange(record, kept);
    let states = record.runge_kutta.as_ref().map_or(slice::from_ref(state), |runge| &runge.states);
    for ((stage, kept), state) in record.stages.iter_mut().zip(&kept.stages).zip(states) {
        if kept.links.is_none() {
            kinematics(model, state, &mut stage.links);
        }
    }
}

/// The bytes behind what is kept of a stage, with so many numbers in lists.
fn stage_bytes<R: Real>(
    (actuation, constraint, factor): (&Actuation<R>, &Constraint<R>, &Factor<R>),
    numbers: usize,
) -> usize {
    let numbers = numbers + factor.rows.len() + factor.inverse_diagonal.len();
    actuation.bytes() + constraint.bytes() + numbers * size_of::<R>()
}

/// The bytes behind what some integrators keep beside their stages.
fn beside_bytes<R: Real>(factor: Option<&GeneralFactor<R>>, means: Option<&runge_kutta::Stages<R>>) -> usize {
    let factor = factor.map_or(0, |factor| 2 * factor.lower.len());
    (factor + means.map_or(0, |means| 8 * means.mean.len())) * size_of::<R>()
}

/// Whether Euler's step treats joint damping implicitly.
fn is_damped<R>(model: &Model<R>) -> bool {
    let t = &model.topology;
    t.any_damping && t.flags.eulerdamp && t.flags.damper
}

/// Advances a world by one time step.
pub fn step<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    input: &Input<R>,
    record: &mut Record<R>,
    next: &mut State<R>,
) {
    match model.topology.integrator {
        Integrator::RungeKutta4 => runge_kutta::step(model, state, input, record, next),
        Integrator::Euler => euler(model, state, input, record, next),
        _ => implicit::step(model, state, input, record, next),
    }
}

/// Semi-implicit Euler: `acc = (M + h diag(β))⁻¹ (f_s + Jᵀ f)`, `v' = v + h acc`, `q' = q ⊞ h v'`, with the
/// slopes `β` of the joints' dampers.
fn euler<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    input: &Input<R>,
    record: &mut Record<R>,
    next: &mut State<R>,
) {
    let stage = &mut record.stages[0];
    forces(model, state, input, stage);
    constrain(model, state, stage);
    let pattern = &model.topology.pattern;
    if is_damped(model) {
        record.damped.copy_from_slice(&stage.mass);
        let h = model.option.timestep;
        for (i, dof) in model.topology.dofs.iter().enumerate() {
            let slope = damping_slope(state.v[i], &model.joints[dof.joint].damping);
            record.damped[pattern.start[i + 1] - 1] += h * slope;
        }
        stage.factor.compute(pattern, &record.damped);
        stage.a.copy_from_slice(&stage.total);
        stage.factor.solve(pattern, &mut stage.a);
    } else if stage.constraint.acts() {
        stage.a.copy_from_slice(&stage.constraint.a);
    } else {
        free(model, stage);
    }
    advance(model, state, stage, next);
}

/// Activations, then velocity, then position with the new velocity, then time.
pub(super) fn advance<R: Real>(model: &Model<R>, state: &State<R>, stage: &Stage<R>, next: &mut State<R>) {
    let h = model.option.timestep;
    for (k, layout) in model.topology.actuators.iter().enumerate() {
        if let Some(at) = layout.act {
            let (rate, length) = (stage.actuation.act_rate[at], stage.actuation.length[k]);
            next.act[at] = final_activation(model, k, state.act[at], rate, length);
        }
    }
    for (next, (v, a)) in next.v.iter_mut().zip(state.v.iter().zip(&stage.a)) {
        *next = *v + h * *a;
    }
    advance_configuration(model, &state.q, &next.v, h, &mut next.q);
    next.time = state.time + h;
    next.mocap.copy_from_slice(&state.mocap);
    if let Some(swarm) = &stage.swarm {
        next.particles.copy_from_slice(swarm.end());
    }
    stage.keep_warm(&mut next.warm);
}

/// The pullback of [`step`].
pub fn step_pullback<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    input: &Input<R>,
    record: &Record<R>,
    cotangent: &Costate<R>,
    scratch: &mut StepBackward<R>,
    out: &mut Cotangents<R>,
) {
    match model.topology.integrator {
        Integrator::RungeKutta4 => {
            runge_kutta::step_pullback(model, state, input, record, cotangent, scratch, out);
        }
        Integrator::Euler => euler_pullback(model, state, input, record, cotangent, scratch, out),
        _ => implicit::step_pullback(model, state, input, record, cotangent, scratch, out),
    }
}

/// Scratch of [`step_pullback`]; allocated once.
#[derive(Clone, Debug)]
pub struct StepBackward<R: Real> {
    pub(crate) forces: Backward<R>,
    pub(crate) constraint: ConstraintBackward<R>,
    pub(super) velocity: Vec<R>,
    pub(crate) weight: Vec<R>,
    pub(crate) act: Vec<R>,
    pub(super) runge_kutta: Option<runge_kutta::RungeKuttaBackward<R>>,
    pub(super) implicit: Option<implicit::ImplicitBackward<R>>,
}

impl<R: Real> StepBackward<R> {
    /// From now on leaves out what is dear among the cotangents of the model's numbers; what remains
    /// of them means nothing.
    pub fn forget_parameters(&mut self) {
        self.forces.links.parameters = false;
    }
}

/// A [`StepBackward`] for one model.
pub fn step_backward<R: Real>(model: &Model<R>) -> StepBackward<R> {
    let zero = |n| vec![R::zero(); n];
    let t = &model.topology;
    let four = t.integrator == Integrator::RungeKutta4;
    StepBackward {
        forces: Backward::of_step(model),
        constraint: ConstraintBackward::new(model),
        velocity: zero(t.nv),
        weight: zero(t.nv),
        act: zero(t.na),
        runge_kutta: four.then(|| runge_kutta::RungeKuttaBackward::new(model)),
        implicit: t.integrator.is_implicit().then(|| implicit::ImplicitBackward::new(model)),
    }
}

/// Takes over the numbers of a model that changed.
pub fn refresh<R: Real>(scratch: &mut StepBackward<R>, model: &Model<R>) {
    if let Some(implicit) = &mut scratch.implicit {
        implicit.refresh(model);
    }
}

fn euler_pullback<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    input: &Input<R>,
    record: &Record<R>,
    cotangent: &Costate<R>,
    scratch: &mut StepBackward<R>,
    out: &mut Cotangents<R>,
) {
    let stage = &record.stages[0];
    let h = model.option.timestep;
    advance_pullback(model, state, stage, cotangent, scratch, out);
    // N η = h v̄', N = M + h diag(β).
    for (w, v) in scratch.weight.iter_mut().zip(&scratch.velocity) {
        *w = h * *v;
    }
    if is_damped(model) {
        stage.factor.solve(&model.topology.pattern, &mut scratch.weight);
        damping_pullback(model, state, &stage.a, &scratch.weight, out);
        constrained_pullback(model, state, input, stage, scratch, out);
    } else {
        optimum_pullback(model, state, input, stage, scratch, out);
    }
}

/// The pullback of the acceleration `a` of [`acceleration`](super::step::acceleration), with the cotangent
/// `ā` in the scratch: `H λ = ā` is the weight of all forces, `M λ = ā` without constraints.
pub(crate) fn optimum_pullback<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    input: &Input<R>,
    stage: &Stage<R>,
    scratch: &mut StepBackward<R>,
    out: &mut Cotangents<R>,
) {
    let (c, back) = (&stage.constraint, &mut scratch.constraint);
    if c.acts() {
        back.weigh(model, &stage.mass, c, &scratch.weight);
        let own = (&mut scratch.forces.links, &mut out.state, &mut out.model);
        back.pull(model, state, &stage.links, c, own);
        let asked = (&c.a[..], &back.weights.weight[..], &scratch.act[..]);
        forces_pullback(model, state, input, stage, asked, &mut scratch.forces, out);
    } else {
        stage.factor.solve(&model.topology.pattern, &mut scratch.weight);
        let asked = (&stage.a[..], &scratch.weight[..], &scratch.act[..]);
        forces_pullback(model, state, input, stage, asked, &mut scratch.forces, out);
    }
}

/// The pullback of `N â = f_s + Jᵀ f` at fixed `N − M`, with `η = N⁻ᵀ` of the cotangent of `â` in the
/// scratch.
///
/// The forces `f` belong to the optimum `a`: with `H λ = −Jᵀ W J η` and `m = η + λ` the scalar is
/// `m·f_s − η·M â − λ·M a + … = m·(f_s − M a) − η·M (â − a) + …`.
pub(super) fn constrained_pullback<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    input: &Input<R>,
    stage: &Stage<R>,
    scratch: &mut StepBackward<R>,
    out: &mut Cotangents<R>,
) {
    let (c, back) = (&stage.constraint, &mut scratch.constraint);
    if !c.acts() {
        let asked = (&stage.a[..], &scratch.weight[..], &scratch.act[..]);
        forces_pullback(model, state, input, stage, asked, &mut scratch.forces, out);
        return;
    }
    back.weigh_force(model, &stage.mass, c, &scratch.weight);
    let own = (&mut scratch.forces.links, &mut out.state, &mut out.model);
    back.pull(model, state, &stage.links, c, own);
    for (own, (implicit, a)) in scratch.velocity.iter_mut().zip(stage.a.iter().zip(&c.a)) {
        *own = *implicit - *a;
    }
    let inertial = (&scratch.weight[..], &scratch.velocity[..]);
    back.pull_mass(model, state, stage, inertial, (&mut scratch.forces.links, out));
    let asked = (&c.a[..], &back.weights.weight[..], &scratch.act[..]);
    forces_pullback(model, state, input, stage, asked, &mut scratch.forces, out);
}

/// The derivative of `−h Σ η β(v) a`.
pub(super) fn damping_pullback<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    a: &[R],
    weight: &[R],
    out: &mut Cotangents<R>,
) {
    let h = model.option.timestep;
    for (i, dof) in model.topology.dofs.iter().enumerate() {
        let (d, v) = (&model.joints[dof.joint].damping, state.v[i]);
        let speed = v.abs();
        let push = -(weight[i] * a[i]);
        out.model.option.timestep += push * damping_slope(v, d);
        let by_slope = h * push;
        let share = &mut out.model.joints[dof.joint].damping;
        share[0] += by_slope;
        share[1] += by_slope * speed.times(2.0);
        share[2] += by_slope * (speed * speed).times(3.0);
        let sign = R::select(v.lt(R::zero()), -R::one(), R::one());
        out.state.v[i] += by_slope * (sign * d[1].times(2.0) + v * d[2].times(6.0));
    }
}

/// The pullback of [`advance`]: leaves the cotangents of the new velocity and of the activation rates
/// in the scratch, and adds the direct shares of the old state and of the time step.
pub(super) fn advance_pullback<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    stage: &Stage<R>,
    cotangent: &Costate<R>,
    scratch: &mut StepBackward<R>,
    out: &mut Cotangents<R>,
) {
    let h = model.option.timestep;
    if let Some(back) = &mut scratch.forces.swarm {
        back.end.copy_from_slice(&cotangent.particles);
        scratch.forces.by_force.fill(R::zero());
    }
    scratch.velocity.copy_from_slice(&cotangent.v);
    let new_velocity = |i: usize| state.v[i] + h * stage.a[i];
    let timestep = advance_configuration_pullback(
        model,
        new_velocity,
        h,
        &cotangent.q,
        (&mut out.state.q, &mut scratch.velocity),
    );
    out.model.option.timestep += timestep;
    for (i, w) in scratch.velocity.iter().enumerate() {
        out.state.v[i] += *w;
        out.model.option.timestep += *w * stage.a[i];
    }
    for (k, layout) in model.topology.actuators.iter().enumerate() {
        if let Some(at) = layout.act {
            let values = (state.act[at], stage.actuation.act_rate[at], stage.actuation.length[k]);
            let (by_act, by_rate) =
                final_activation_pullback(model, k, values, cotangent.act[at], &mut out.model);
            out.state.act[at] += by_act;
            scratch.act[at] = by_rate;
        }
    }
    for (own, w) in out.state.mocap.iter_mut().zip(&cotangent.mocap) {
        *own += *w;
    }
}
