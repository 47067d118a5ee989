//! The acceleration of a world. Start here.

use super::articulated::actuation::{Actuation, actuation, actuation_pullback, bounds_pullback};
use super::articulated::factor::Factor;
use super::articulated::inverse_dynamics::{self, Fields, inverse_dynamics_pullback};
use super::articulated::line::{Field, Pulling};
use super::articulated::mass_matrix::{mass_matrix, times};
use super::articulated::passive::{self, Passive, passive};
use super::articulated::{Links, LinksCotangent, kinematics, kinematics_pullback, tendon};
use super::constraint::{Constraint, Solver};
use super::particles::{self, ParticlesOut, Swarm, SwarmBackward};
use crate::model::{Costate, Input, Model, State};
use crate::number::Real;
use crate::spatial::{Force, Inertia, Vec3};

/// Everything that one evaluation of the forces produces; allocated once and overwritten.
#[derive(Clone, Debug)]
pub struct Stage<R: Real> {
    /// Poses, velocities and axes.
    pub links: Links<R>,
    /// `J_t` of every tendon, if tendons have armature or an implicit integrator asks.
    pub jacobian: Vec<R>,
    /// `M`, in the rows of the tree's pattern.
    pub mass: Vec<R>,
    /// Of the mass matrix, or of what the integrator adds to it.
    pub factor: Factor<R>,
    /// `c` (nv).
    pub bias: Vec<R>,
    /// Springs, dampers and the medium.
    pub passive: Passive<R>,
    /// What the actuators do.
    pub actuation: Actuation<R>,
    /// What the particles do, if there are any.
    pub swarm: Option<Swarm<R>>,
    /// `f_s = τ_p + τ_u + τ_e − c` (nv).
    pub smooth: Vec<R>,
    /// What limits, ties and touches.
    pub constraint: Constraint<R>,
    /// `f_s + Jᵀ f` (nv).
    pub total: Vec<R>,
    /// The acceleration (nv).
    pub a: Vec<R>,
    composite: Vec<Inertia<R>>,
    wrench: Vec<Force<R>>,
    scratch: Vec<R>,
    pub(super) solver: Solver<R>,
}

impl<R: Real> Stage<R> {
    /// Leaves the acceleration to the next step's search.
    pub(super) fn keep_warm(&self, warm: &mut [R]) {
        if !warm.is_empty() {
            warm.copy_from_slice(if self.constraint.acts() { &self.constraint.a } else { &self.a });
        }
    }
    /// How many steps of Newton's method found the constraint forces, in the slowest world.
    pub fn solver_steps(&self) -> usize {
        if self.constraint.acts() { self.solver.steps() } else { 0 }
    }
    /// In how many worlds the search for the constraint forces went on with more digits.
    pub fn refined(&self) -> usize {
        if self.constraint.acts() { self.solver.refined() } else { 0 }
    }
    /// The worlds in which the constraint forces were found.
    pub fn solved(&self) -> R::Mask {
        if self.constraint.acts() { self.solver.found() } else { R::zero().is_zero() }
    }
}

/// A [`Stage`] for one model.
pub fn stage<R: Real>(model: &Model<R>) -> Stage<R> {
    let t = &model.topology;
    let zero = |n| vec![R::zero(); n];
    Stage {
        links: Links::new(model),
        jacobian: zero(t.nv * t.tendons.len()),
        mass: zero(t.pattern.entries()),
        factor: Factor::new(&t.pattern),
        bias: zero(t.nv),
        passive: Passive::new(model),
        actuation: Actuation::new(model),
        swarm: (!t.particles.is_empty()).then(|| Swarm::new(model)),
        smooth: zero(t.nv),
        constraint: Constraint::new(model),
        total: zero(t.nv),
        a: zero(t.nv),
        composite: vec![Inertia::zero(); t.bodies.len()],
        wrench: vec![Force::zero(); t.bodies.len()],
        scratch: zero(t.nv),
        solver: Solver::new(model),
    }
}

/// The acceleration: `M a = f_s + Jᵀ f`.
pub fn acceleration<R: Real>(model: &Model<R>, state: &State<R>, input: &Input<R>, stage: &mut Stage<R>) {
    forces(model, state, input, stage);
    constrain(model, state, stage);
    if stage.constraint.acts() {
        stage.a.copy_from_slice(&stage.constraint.a);
    } else {
        free(model, stage);
    }
}

/// `a = M⁻¹ f_s`: the acceleration without constraints.
pub(super) fn free<R: Real>(model: &Model<R>, stage: &mut Stage<R>) {
    stage.factor.compute(&model.topology.pattern, &stage.mass);
    stage.a.copy_from_slice(&stage.smooth);
    stage.factor.solve(&model.topology.pattern, &mut stage.a);
}

/// The forces `f` of all constraints, and `f_s + Jᵀ f`.
pub fn constrain<R: Real>(model: &Model<R>, state: &State<R>, stage: &mut Stage<R>) {
    stage.constraint.assemble(model, state, &stage.links, &mut stage.solver);
    stage.total.copy_from_slice(&stage.smooth);
    if stage.constraint.acts() {
        free(model, stage);
        let given = (&stage.mass[..], &stage.smooth[..], &stage.a[..]);
        stage.constraint.solve(model, given, &state.warm, &mut stage.solver);
        // At the optimum f_s + Jᵀ f = M a, in which stiff rows do not cancel.
        times(&model.topology.pattern, &stage.mass, &stage.constraint.a, &mut stage.total);
    }
}

/// Poses, mass matrix and the smooth force `f_s = τ_p + τ_u + τ_e − c`.
pub fn forces<R: Real>(model: &Model<R>, state: &State<R>, input: &Input<R>, stage: &mut Stage<R>) {
    kinematics(model, state, &mut stage.links);
    if model.topology.tendon_armature || !model.tendons.is_empty() && model.topology.integrator.is_implicit()
    {
        for (t, row) in stage.jacobian.chunks_mut(model.topology.nv.max(1)).enumerate() {
            tendon::row(model, &stage.links, t, row);
        }
    }
    passive(model, state, &stage.links, &mut stage.passive);
    actuation(model, state, input, &stage.links, &stage.passive.gravcomp, &mut stage.actuation);
    mass_matrix(model, &stage.links, &mut stage.composite, &stage.jacobian, &mut stage.mass);
    inverse_dynamics::bias(model, &stage.links, &mut stage.wrench, &mut stage.bias);
    tendon_bias(model, stage);
    for (i, f) in stage.smooth.iter_mut().enumerate() {
        *f = stage.passive.total[i] + stage.actuation.total[i] - stage.bias[i];
    }
    if let Some(swarm) = &mut stage.swarm {
        let force = &stage.actuation.force;
        particles::advance(model, &stage.links, &state.particles, force, input, swarm);
    }
    applied(model, input, stage);
}

/// Adds `α J_tᵀ J̇_t v` of tendons with armature to the bias.
fn tendon_bias<R: Real>(model: &Model<R>, stage: &mut Stage<R>) {
    if !model.topology.tendon_armature {
        return;
    }
    for (t, row) in stage.jacobian.chunks(model.topology.nv).enumerate() {
        let push = model.tendons[t].armature * tendon::rate_of_rate(model, &stage.links, t);
        for (c, j) in stage.bias.iter_mut().zip(row) {
            *c += *j * push;
        }
    }
}

/// Adds the applied forces: generalized ones, and wrenches at the centres of mass.
fn applied<R: Real>(model: &Model<R>, input: &Input<R>, stage: &mut Stage<R>) {
    for (f, x) in stage.smooth.iter_mut().zip(&input.force) {
        *f += *x;
    }
    let pushed = stage.swarm.as_ref().filter(|_| model.topology.particles.pushes());
    if input.wrench.is_empty() && pushed.is_none() {
        return;
    }
    stage.wrench.fill(Force::zero());
    if let Some(swarm) = pushed {
        stage.wrench.copy_from_slice(swarm.wrench());
    }
    for ((out, w), link) in stage.wrench.iter_mut().zip(&input.wrench).zip(&stage.links.bodies) {
        *out += Force::at(link.center - link.origin, w.force) + Force::new(w.torque, Vec3::zero());
    }
    inverse_dynamics::project(model, &stage.links, &mut stage.wrench, &mut stage.scratch);
    for (f, x) in stage.smooth.iter_mut().zip(&stage.scratch) {
        *f += *x;
    }
}

/// Scratch of the pullback; allocated once.
#[derive(Clone, Debug)]
pub struct Backward<R: Real> {
    /// Of the bodies: shares that others add before the pullback.
    pub links: LinksCotangent<R>,
    fields: Fields<R>,
    velocity: Field<R>,
    passive: Field<R>,
    actuator: Field<R>,
    mixed: Field<R>,
    negative: Vec<R>,
    bounded: Vec<R>,
    /// Of tendons with armature.
    sums: [Vec<R>; 2],
    /// Cotangents of the actuators' derivatives by their rates.
    pub by_slope: Vec<R>,
    /// Cotangents of the actuators' forces themselves, for who measures them.
    pub by_force: Vec<R>,
    /// Of the particles at the end of the step; none where they do not matter.
    pub swarm: Option<SwarmBackward<R>>,
}

impl<R: Real> Backward<R> {
    /// Room for the pullback of a whole step, with that of the particles.
    pub fn of_step(model: &Model<R>) -> Self {
        let swarm = (!model.topology.particles.is_empty()).then(|| SwarmBackward::new(model));
        Self { swarm, ..Self::new(model) }
    }
    /// Room for one model.
    pub fn new(model: &Model<R>) -> Self {
        let n = model.topology.nv;
        Self {
            links: LinksCotangent::new(model),
            fields: Fields::new(model),
            velocity: Field::new(model),
            passive: Field::new(model),
            actuator: Field::new(model),
            mixed: Field::new(model),
            negative: vec![R::zero(); n],
            bounded: vec![R::zero(); n],
            sums: [vec![R::zero(); n], vec![R::zero(); n]],
            by_slope: vec![R::zero(); model.topology.nu],
            by_force: vec![R::zero(); model.topology.nu],
            swarm: None,
        }
    }
}

/// What a pullback adds to: cotangents of state, input and model.
#[derive(Clone, Debug)]
pub struct Cotangents<R> {
    /// By the state.
    pub state: Costate<R>,
    /// By the input.
    pub input: Input<R>,
    /// By the numbers of the model.
    pub model: Model<R>,
}

impl<R: Real> Cotangents<R> {
    /// No cotangent; applied forces get one if the input has them.
    pub fn zero(model: &Model<R>, input: &Input<R>) -> Self {
        Self { state: Costate::zero(model), input: input.map(|_| R::zero()), model: model.zeros() }
    }
    /// Forgets the cotangents of state and input, and keeps those of the model.
    pub fn clear_step(&mut self) {
        self.state.clear();
        self.input.clear();
    }
}

/// The pullback of [`forces`]: adds the derivative of `λ · (f_s − M a)` at fixed `λ` and `a`, and of
/// the activation rates with cotangents `act`. The links' own cotangents may hold shares of others
/// already and are used up.
pub fn forces_pullback<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    input: &Input<R>,
    stage: &Stage<R>,
    (a, weight, act): (&[R], &[R], &[R]),
    scratch: &mut Backward<R>,
    out: &mut Cotangents<R>,
) {
    for (n, w) in scratch.negative.iter_mut().zip(weight) {
        *n = -*w;
    }
    let links = &stage.links;
    inverse_dynamics_pullback(
        model,
        links,
        (a, &scratch.negative),
        &mut scratch.fields,
        &mut scratch.links,
        &mut out.model,
    );
    for (i, dof) in model.topology.dofs.iter().enumerate() {
        out.model.joints[dof.joint].armature -= weight[i] * a[i];
    }
    for (own, w) in out.input.force.iter_mut().zip(weight) {
        *own += *w;
    }
    let mut p = Pulling {
        model,
        state,
        links,
        cotangent: &mut scratch.links,
        out: &mut out.state,
        out_model: &mut out.model,
    };
    passive::joint_forces_pullback(&mut p, weight);
    bounds_pullback(&mut p, &stage.actuation, weight, &mut scratch.bounded);
    let t = &model.topology;
    let on_bodies = t.acts_on_bodies() || !input.wrench.is_empty() || t.particles.pushes();
    let anywhere = on_bodies || !model.tendons.is_empty();
    let bounded = &scratch.bounded;
    if anywhere {
        scratch.velocity.set(model, links, on_bodies, |i| state.v[i]);
        scratch.passive.set(model, links, on_bodies, |i| weight[i]);
        scratch.actuator.set(model, links, on_bodies, |i| bounded[i]);
        let lifted = |i: usize| t.joints[t.dofs[i].joint].actuator_gravcomp;
        scratch.mixed.set(model, links, on_bodies, |i| if lifted(i) { bounded[i] } else { weight[i] });
        passive::body_forces_pullback(&mut p, &mut scratch.passive, &mut scratch.mixed);
        scratch.mixed.finish(model, links, p.cotangent);
        let weights = (a, &scratch.negative[..]);
        let fields = (&mut scratch.velocity, &mut scratch.passive, &mut scratch.mixed);
        tendons_pullback(&mut p, stage, weights, fields, &mut scratch.sums);
        applied_pullback(&mut p, input, &mut scratch.passive, &mut out.input);
    } else {
        scratch.actuator.y.copy_from_slice(bounded);
    }
    if let (Some(back), Some(swarm)) = (&mut scratch.swarm, &stage.swarm) {
        let out = ParticlesOut {
            start: &mut p.out.particles,
            force: &mut scratch.by_force,
            push: &mut out.input.push,
            links: p.cotangent,
            model: p.out_model,
        };
        let acting = (&stage.actuation.force[..], input);
        let twists = if t.particles.pushes() { &scratch.passive.bodies[..] } else { &[] };
        particles::advance_pullback(model, (links, &state.particles), acting, swarm, twists, back, out);
        if t.particles.pushes() {
            scratch.passive.cotangent.iter_mut().zip(swarm.wrench()).for_each(|(own, w)| *own += *w);
        }
    }
    actuation_pullback(
        &mut p,
        input,
        &stage.actuation,
        (act, &scratch.by_slope, &scratch.by_force),
        (&mut scratch.velocity, &mut scratch.actuator),
        &mut out.input.u,
    );
    if anywhere {
        for field in [&mut scratch.velocity, &mut scratch.passive, &mut scratch.actuator] {
            field.finish(model, links, p.cotangent);
        }
        for (v, own) in p.out.v.iter_mut().zip(&scratch.velocity.y_cotangent) {
            *v += *own;
        }
    }
    kinematics_pullback(model, state, links, &mut scratch.links, &mut out.state, &mut out.model);
    scratch.links.clear();
}

/// Springs, dampers and armature of tendons.
fn tendons_pullback<R: Real>(
    p: &mut Pulling<'_, R>,
    stage: &Stage<R>,
    (a, negative): (&[R], &[R]),
    (velocity, weight, scratch): (&mut Field<R>, &mut Field<R>, &mut Field<R>),
    sums: &mut [Vec<R>; 2],
) {
    let (model, links) = (p.model, p.links);
    for t in 0..model.tendons.len() {
        let length = tendon::length(model, p.state, links, t);
        let rate = tendon::rate(model, links, t, &p.state.v, |b| links.bodies[b].velocity);
        let along = tendon::rate(model, links, t, &weight.y, |b| weight.bodies[b]);
        let (force, by_length, by_rate) = passive::tendon_force_pullback(p, t, length, rate, along);
        let rates = &mut [(&mut *velocity, by_rate), (&mut *weight, force)];
        tendon::pullback(p, t, by_length, rates);
        tendon::apply_at_rest_pullback(p, t, passive::tendon_slope(model, t, length), weight);
        if model.topology.tendon_armature {
            let nv = model.topology.nv;
            let row = &stage.jacobian[t * nv..(t + 1) * nv];
            tendon::armature_pullback(p, t, row, (a, negative), true, (&mut *scratch, &mut *sums));
        }
    }
}

/// Wrenches applied at the centres of mass.
pub(crate) fn applied_pullback<R: Real>(
    p: &mut Pulling<'_, R>,
    input: &Input<R>,
    weight: &mut Field<R>,
    out: &mut Input<R>,
) {
    for (b, w) in input.wrench.iter().enumerate().skip(1) {
        let link = &p.links.bodies[b];
        let offset = link.center - link.origin;
        let y = weight.bodies[b];
        out.wrench[b] += Force::new(y.angular, y.at(offset));
        weight.cotangent[b] += Force::at(offset, w.force) + Force::new(w.torque, Vec3::zero());
        let place = w.force.cross(y.angular);
        p.cotangent.add_point(p.links, b, link.center, place);
        p.out_model.bodies[b].center += link.rotation.transpose_mul(place);
    }
}
