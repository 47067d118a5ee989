//! Integrators that are implicit in velocity: `acc = (M − h 𝒟)⁻¹ f_s`, `𝒟 = ∂(τ_p + τ_u − c)/∂v`.
//!
//! Entries between different branches are left out, and so are actuators that sit at a bound.
//! `implicitfast` leaves out `∂c/∂v` too, except for free bodies that nothing moves on.

use super::articulated::actuation;
use super::articulated::factor::GeneralFactor;
use super::articulated::inverse_dynamics::{Fields, inverse_dynamics_pullback};
use super::articulated::line::{Field, Pulling};
use super::articulated::passive::damping_slope;
use super::articulated::{Links, LinksCotangent, fluid, kinematics, kinematics_pullback, tendon};
use super::integrate::{
    Record, StepBackward, advance, advance_pullback, constrained_pullback, damping_pullback,
};
use super::step::{Cotangents, Stage, constrain, forces};
use crate::model::description::{Integrator, JointKind};
use crate::model::{Costate, Input, Model, State};
use crate::number::{Real, Single};
use crate::spatial::{Force, Inertia, Motion};

/// `N = M − h 𝒟` and its factor.
#[derive(Clone, Debug)]
pub struct Implicit<R> {
    /// `𝒟`, lower rows and upper columns.
    lower: Vec<R>,
    upper: Vec<R>,
    pub factor: GeneralFactor<R>,
    composite: Vec<(Inertia<R>, [Force<R>; 6])>,
    drag: Vec<[Force<R>; 6]>,
    moment: Vec<R>,
    /// `M − h 𝒟`, lower rows and upper columns.
    matrix: [Vec<R>; 2],
}

impl<R: Real> Implicit<R> {
    pub fn new(model: &Model<R>) -> Self {
        let (pattern, bodies) = (&model.topology.pattern, model.topology.bodies.len());
        Self {
            lower: vec![R::zero(); pattern.entries()],
            upper: vec![R::zero(); pattern.entries()],
            factor: GeneralFactor::new(pattern),
            composite: vec![(Inertia::zero(), [Force::zero(); 6]); bodies],
            drag: vec![[Force::zero(); 6]; bodies],
            moment: vec![R::zero(); model.topology.nv],
            matrix: [vec![R::zero(); pattern.entries()], vec![R::zero(); pattern.entries()]],
        }
    }
    /// Adds `k m mᵀ`, its entries inside the pattern.
    fn add_outer(&mut self, model: &Model<R>, m: &[R], k: R) {
        let pattern = &model.topology.pattern;
        for i in 0..m.len() {
            let scaled = m[i] * k;
            for e in pattern.row(i) {
                let x = scaled * m[pattern.column[e]];
                self.lower[e] += x;
                self.upper[e] += x;
            }
        }
    }
    fn add_diagonal(&mut self, model: &Model<R>, i: usize, x: R) {
        let e = model.topology.pattern.start[i + 1] - 1;
        self.lower[e] += x;
        self.upper[e] += x;
    }
}

/// Whether the bias of body `b` counts in `𝒟`.
fn bias_counts<R>(model: &Model<R>, b: usize) -> bool {
    let t = &model.topology;
    t.integrator == Integrator::Implicit || t.lone_free[b]
}

/// The six unit motions.
fn unit_motion<R: Real>(k: usize) -> Motion<R> {
    use crate::spatial::Vec3;
    if k < 3 {
        Motion::new(Vec3::unit(k), Vec3::zero())
    } else {
        Motion::new(Vec3::zero(), Vec3::unit(k - 3))
    }
}

/// A 6×6 matrix by columns times a motion.
fn times<R: Real>(columns: &[Force<R>; 6], m: Motion<R>) -> Force<R> {
    let x = [m.angular.x, m.angular.y, m.angular.z, m.linear.x, m.linear.y, m.linear.z];
    columns.iter().zip(x).fold(Force::zero(), |sum, (c, x)| sum + *c * x)
}

/// Subtracts `∂c/∂v`. With composites `I`, `B` of the deeper body,
/// `∂c_i/∂v_j = S_i · (I X_j + B S_j)`, where `B S = V ×* I S − I (V × S) + S ×* I V` and `X_j` is the
/// rate that `v_j` adds to the axes: `(V_before + V_after) × S_j`.
fn add_bias<R: Real>(model: &Model<R>, state: &State<R>, links: &Links<R>, out: &mut Implicit<R>) {
    let t = &model.topology;
    for (b, link) in links.bodies.iter().enumerate() {
        let momentum = link.inertia.mul(link.velocity);
        let column = |k: usize| {
            let s = unit_motion(k);
            link.velocity.cross_force(link.inertia.mul(s))
                + -link.inertia.mul(link.velocity.cross(s))
                + s.cross_force(momentum)
        };
        out.composite[b] = (link.inertia, std::array::from_fn(column));
    }
    for b in (1..t.bodies.len()).rev() {
        let (inertia, columns) = out.composite[b];
        let parent = &mut out.composite[t.bodies[b].parent];
        parent.0 += inertia;
        for (sum, c) in parent.1.iter_mut().zip(columns) {
            *sum += c;
        }
    }
    for i in 0..t.nv {
        let b = t.dofs[i].body;
        if !bias_counts(model, b) {
            continue;
        }
        let (inertia, columns) = out.composite[b];
        let s = links.axes[i].motion;
        let push = inertia.mul(added_rate(model, state, links, i)) + times(&columns, s);
        let momentum = inertia.mul(s);
        for e in t.pattern.row(i) {
            let j = t.pattern.column[e];
            let above = links.axes[j].motion;
            out.upper[e] -= above.dot(push);
            out.lower[e] -= added_rate(model, state, links, j).dot(momentum) + s.dot(times(&columns, above));
        }
    }
}

/// `X_j = (V_before + V_after) × S_j`, of the joint that dof `j` belongs to; the translations of a
/// free joint have the velocity after all of them only.
fn added_rate<R: Real>(model: &Model<R>, state: &State<R>, links: &Links<R>, j: usize) -> Motion<R> {
    let t = &model.topology;
    let dof = &t.dofs[j];
    let at = &t.joints[dof.joint];
    let sum_to = |end: usize| {
        let layout = &t.bodies[dof.body];
        (layout.dofs.start..end)
            .fold(links.bodies[layout.parent].velocity, |v, i| v + links.axes[i].motion * state.v[i])
    };
    let s = links.axes[j].motion;
    let last = at.v + at.kind.sizes().1;
    if at.kind == JointKind::Free {
        let middle = sum_to(at.v + 3);
        return if j < at.v + 3 { middle.cross(s) } else { (middle + sum_to(last)).cross(s) };
    }
    (sum_to(at.v) + sum_to(last)).cross(s)
}

/// Adds what the medium takes: `J_bᵀ B_b J_b` of every body.
fn add_fluid<R: Real>(model: &Model<R>, links: &Links<R>, out: &mut Implicit<R>) {
    let t = &model.topology;
    for b in 0..t.bodies.len() {
        out.drag[b] = fluid::drag_matrix(model, links, b);
    }
    for b in (1..t.bodies.len()).rev() {
        let columns = out.drag[b];
        for (sum, c) in out.drag[t.bodies[b].parent].iter_mut().zip(columns) {
            *sum += c;
        }
    }
    for i in 0..t.nv {
        let columns = out.drag[t.dofs[i].body];
        let s = links.axes[i].motion;
        let push = times(&columns, s);
        for e in t.pattern.row(i) {
            let above = links.axes[t.pattern.column[e]].motion;
            out.upper[e] += above.dot(push);
            out.lower[e] += s.dot(times(&columns, above));
        }
    }
}

/// `𝒟` at a stage whose forces are known.
fn velocity_derivative<R: Real>(model: &Model<R>, state: &State<R>, stage: &Stage<R>, out: &mut Implicit<R>) {
    let t = &model.topology;
    out.lower.fill(R::zero());
    out.upper.fill(R::zero());
    if t.integrator == Integrator::Implicit || t.lone_free.iter().any(|x| *x) {
        add_bias(model, state, &stage.links, out);
    }
    if t.flags.damper {
        for (i, dof) in t.dofs.iter().enumerate() {
            let slope = damping_slope(state.v[i], &model.joints[dof.joint].damping);
            out.add_diagonal(model, i, -slope);
        }
        for (k, row) in stage.jacobian.chunks(t.nv.max(1)).enumerate() {
            let rate = row.iter().zip(&state.v).fold(R::zero(), |sum, (j, v)| sum + *j * *v);
            let slope = damping_slope(rate, &model.tendons[k].damping);
            out.add_outer(model, row, -slope);
        }
    }
    if t.any_fluid && (t.flags.damper || t.flags.spring) {
        add_fluid(model, &stage.links, out);
    }
    let mut moment = std::mem::take(&mut out.moment);
    for k in 0..model.actuators.len() {
        if actuation::depends_on_rate(model, k) {
            let slope = actuation::rate_slope(model, &stage.actuation, k);
            if let Some(i) = actuation::only_dof(model, k) {
                out.add_diagonal(model, i, model.actuators[k].gear[0].square() * slope);
                continue;
            }
            actuation::moment_row(model, state, (&stage.links, &stage.jacobian), k, &mut moment);
            out.add_outer(model, &moment, slope);
        }
    }
    out.moment = moment;
}

/// One step of either implicit integrator.
pub(super) fn step<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    input: &Input<R>,
    record: &mut Record<R>,
    next: &mut State<R>,
) {
    let stage = &mut record.stages[0];
    forces(model, state, input, stage);
    constrain(model, state, stage);
    let Some(implicit) = &mut record.implicit else { return };
    velocity_derivative(model, state, stage, implicit);
    let h = model.option.timestep;
    let pattern = &model.topology.pattern;
    for (n, d) in implicit.matrix.iter_mut().zip([&implicit.lower, &implicit.upper]) {
        for ((n, d), m) in n.iter_mut().zip(d).zip(&stage.mass) {
            *n = *m - h * *d;
        }
    }
    implicit.factor.compute(pattern, &implicit.matrix[0], &implicit.matrix[1]);
    stage.a.copy_from_slice(&stage.total);
    implicit.factor.solve(pattern, &mut stage.a);
    advance(model, state, stage, next);
}

/// Scratch of [`step_pullback`]: the world on dual numbers, whose tangent is `v̇ = h â`.
#[derive(Clone, Debug)]
pub struct ImplicitBackward<R> {
    model: Model<Single<R>>,
    state: State<Single<R>>,
    links: Links<Single<R>>,
    cotangent: LinksCotangent<Single<R>>,
    fields: Fields<Single<R>>,
    weight: Field<Single<R>>,
    out: Costate<Single<R>>,
    out_model: Model<Single<R>>,
    zero: Vec<Single<R>>,
    by_slope: Vec<R>,
    row: Vec<R>,
    sums: [Vec<R>; 2],
    field: Field<R>,
    unused: Field<R>,
}

impl<R: Real> ImplicitBackward<R> {
    pub fn new(model: &Model<R>) -> Self {
        let dual = model.map(Single::constant);
        let n = model.topology.nv;
        Self {
            state: State::reference(&dual),
            links: Links::new(&dual),
            cotangent: LinksCotangent::new(&dual),
            fields: Fields::new(&dual),
            weight: Field::new(&dual),
            out: Costate::zero(&dual),
            out_model: dual.zeros(),
            zero: vec![Single::zero(); n],
            model: dual,
            by_slope: vec![R::zero(); model.topology.nu],
            row: vec![R::zero(); n],
            sums: [vec![R::zero(); n], vec![R::zero(); n]],
            field: Field::new(model),
            unused: Field::new(model),
        }
    }
    /// Takes over the numbers of a model that changed.
    pub fn refresh(&mut self, model: &Model<R>) {
        self.model = model.map(Single::constant);
        self.out_model = self.model.zeros();
    }
}

/// The pullback of [`step`]: of `η · (f_s − M â) + h η · 𝒟 â`, `Nᵀ η = h v̄'`.
pub(super) fn step_pullback<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    input: &Input<R>,
    record: &Record<R>,
    cotangent: &Costate<R>,
    scratch: &mut StepBackward<R>,
    out: &mut Cotangents<R>,
) {
    let stage = &record.stages[0];
    let Some(implicit) = &record.implicit else { return };
    let h = model.option.timestep;
    advance_pullback(model, state, stage, cotangent, scratch, out);
    for (w, v) in scratch.weight.iter_mut().zip(&scratch.velocity) {
        *w = h * *v;
    }
    implicit.factor.solve_transposed(&model.topology.pattern, &mut scratch.weight);
    let Some(back) = &mut scratch.implicit else { return };
    let (weight, a) = (&scratch.weight[..], &stage.a[..]);
    if model.topology.flags.damper {
        damping_pullback(model, state, a, weight, out);
    }
    dual_pullback(model, state, (a, weight), back, out);
    let mut p = Pulling {
        model,
        state,
        links: &stage.links,
        cotangent: &mut scratch.forces.links,
        out: &mut out.state,
        out_model: &mut out.model,
    };
    tendon_damping_pullback(&mut p, stage, (a, weight), back);
    actuator_slopes_pullback(&mut p, stage, (a, weight), back);
    scratch.forces.by_slope.copy_from_slice(&back.by_slope);
    constrained_pullback(model, state, input, stage, scratch, out);
    scratch.forces.by_slope.fill(R::zero());
}

/// The shares of bias and medium: the derivative of `η · ∂f/∂v · (h â)` is the tangent of the pullback
/// of `η · f` on dual numbers with `v̇ = h â`.
fn dual_pullback<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    (a, weight): (&[R], &[R]),
    back: &mut ImplicitBackward<R>,
    out: &mut Cotangents<R>,
) {
    let t = &model.topology;
    let any_bias = (1..t.bodies.len()).any(|b| bias_counts(model, b));
    let with_fluid = t.any_fluid && (t.flags.damper || t.flags.spring);
    if !any_bias && !with_fluid {
        return;
    }
    let h = model.option.timestep;
    for with_bias in [true, false] {
        if (with_bias && !any_bias) || (!with_bias && !with_fluid) {
            continue;
        }
        for (own, q) in back.state.q.iter_mut().zip(&state.q) {
            *own = Single::constant(*q);
        }
        for (own, pose) in back.state.mocap.iter_mut().zip(&state.mocap) {
            *own = pose.map(Single::constant);
        }
        for i in 0..t.nv {
            let counts = !with_bias || bias_counts(model, t.dofs[i].body);
            let tangent = if counts { h * a[i] } else { R::zero() };
            back.state.v[i] = Single::new(state.v[i], tangent);
        }
        kinematics(&back.model, &back.state, &mut back.links);
        if with_bias {
            for (own, w) in back.weight.y.iter_mut().zip(weight) {
                *own = Single::constant(-*w);
            }
            inverse_dynamics_pullback(
                &back.model,
                &back.links,
                (&back.zero, &back.weight.y),
                &mut back.fields,
                &mut back.cotangent,
                &mut back.out_model,
            );
        } else {
            back.weight.set(&back.model, &back.links, true, |i| Single::constant(weight[i]));
            fluid::fluid_pullback(
                &back.model,
                &back.links,
                &mut back.weight,
                &mut back.cotangent,
                &mut back.out_model,
            );
            back.weight.finish(&back.model, &back.links, &mut back.cotangent);
        }
        kinematics_pullback(
            &back.model,
            &back.state,
            &back.links,
            &mut back.cotangent,
            &mut back.out,
            &mut back.out_model,
        );
        back.cotangent.clear();
        take_tangents(back, out);
        for i in 0..t.nv {
            if !with_bias || bias_counts(model, t.dofs[i].body) {
                out.model.option.timestep += back.out.v[i].value * a[i];
            }
        }
        back.out.clear();
    }
}

/// Adds the tangents of the dual cotangents.
fn take_tangents<R: Real>(back: &mut ImplicitBackward<R>, out: &mut Cotangents<R>) {
    for (own, x) in out.state.q.iter_mut().zip(&back.out.q) {
        *own += x.derivative();
    }
    for (own, x) in out.state.v.iter_mut().zip(&back.out.v) {
        *own += x.derivative();
    }
    for (own, x) in out.state.mocap.iter_mut().zip(&back.out.mocap) {
        *own += Force::new(x.torque.map(|x| x.derivative()), x.force.map(|x| x.derivative()));
    }
    out.model.add_tangents(&mut back.out_model);
}

/// `−h s(L̇) η · J_tᵀ J_t â`, inside the pattern.
fn tendon_damping_pullback<R: Real>(
    p: &mut Pulling<'_, R>,
    stage: &Stage<R>,
    (a, weight): (&[R], &[R]),
    back: &mut ImplicitBackward<R>,
) {
    let model = p.model;
    let (n, h) = (model.topology.nv, model.option.timestep);
    if !model.topology.flags.damper {
        return;
    }
    for (t, row) in stage.jacobian.chunks(n.max(1)).enumerate() {
        let damping = model.tendons[t].damping;
        let rate = row.iter().zip(&p.state.v).fold(R::zero(), |sum, (j, v)| sum + *j * *v);
        let slope = damping_slope(rate, &damping);
        let [by_a, by_weight] = &mut back.sums;
        tendon::related_sums(model, row, a, by_a);
        tendon::related_sums(model, row, weight, by_weight);
        let product = (0..n).fold(R::zero(), |sum, i| sum + weight[i] * row[i] * by_a[i]);
        p.out_model.option.timestep -= slope * product;
        let by_slope = -(h * product);
        let (speed, sign) = (rate.abs(), R::select(rate.lt(R::zero()), -R::one(), R::one()));
        let share = &mut p.out_model.tendons[t].damping;
        share[0] += by_slope;
        share[1] += by_slope * speed.times(2.0);
        share[2] += by_slope * (speed * speed).times(3.0);
        let by_rate = by_slope * (sign * damping[1].times(2.0) + rate * damping[2].times(6.0));
        let k = -(h * slope);
        back.field.set(model, p.links, model.topology.acts_on_bodies(), |i| {
            k * (weight[i] * by_a[i] + a[i] * by_weight[i])
        });
        back.unused.set(model, p.links, model.topology.acts_on_bodies(), |i| p.state.v[i]);
        let rates = &mut [(&mut back.field, R::one()), (&mut back.unused, by_rate)];
        tendon::pullback(p, t, R::zero(), rates);
        back.field.finish(model, p.links, p.cotangent);
        back.unused.finish(model, p.links, p.cotangent);
        for (v, own) in p.out.v.iter_mut().zip(&back.unused.y_cotangent) {
            *v += *own;
        }
    }
}

/// `h k η · m mᵀ â` of the actuators, inside the pattern: leaves the cotangents of the slopes `k` in
/// `by_slope`.
fn actuator_slopes_pullback<R: Real>(
    p: &mut Pulling<'_, R>,
    stage: &Stage<R>,
    (a, weight): (&[R], &[R]),
    back: &mut ImplicitBackward<R>,
) {
    let model = p.model;
    let h = model.option.timestep;
    back.by_slope.fill(R::zero());
    for k in 0..model.actuators.len() {
        if !actuation::depends_on_rate(model, k) {
            continue;
        }
        let slope = actuation::rate_slope(model, &stage.actuation, k);
        let counts = actuation::slope_counts(model, &stage.actuation, k);
        if let Some(i) = actuation::only_dof(model, k) {
            let (gear, along) = (model.actuators[k].gear[0], weight[i] * a[i]);
            let product = gear.square() * along;
            p.out_model.option.timestep += slope * product;
            p.out_model.actuators[k].gear[0] += (h * slope * gear * along).times(2.0);
            back.by_slope[k] = R::select(counts, h * product, R::zero());
            continue;
        }
        actuation::moment_row(model, p.state, (&stage.links, &stage.jacobian), k, &mut back.row);
        let [by_a, by_weight] = &mut back.sums;
        tendon::related_sums(model, &back.row, a, by_a);
        tendon::related_sums(model, &back.row, weight, by_weight);
        let product = (0..a.len()).fold(R::zero(), |sum, i| sum + weight[i] * back.row[i] * by_a[i]);
        p.out_model.option.timestep += slope * product;
        back.by_slope[k] = R::select(counts, h * product, R::zero());
        back.field.set(model, p.links, model.topology.acts_on_bodies(), |i| {
            h * slope * (weight[i] * by_a[i] + a[i] * by_weight[i])
        });
        back.unused.set(model, p.links, model.topology.acts_on_bodies(), |_| R::zero());
        actuation::moment_pullback(p, k, &mut back.unused, &mut back.field);
        back.field.finish(model, p.links, p.cotangent);
    }
}
