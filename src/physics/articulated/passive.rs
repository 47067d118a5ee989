//! Springs, dampers, gravity compensation and the medium.

use super::line::{Field, Pulling};
use super::{Links, fluid, inverse_dynamics, tendon};
use crate::model::description::JointKind;
use crate::model::{Model, State};
use crate::number::{Real, leaf_pullback};
use crate::spatial::{Force, Quat, Vec3, so3_log_jacobian};

/// Passive forces by origin, each generalized (nv) [N, N m].
#[derive(Clone, Debug)]
pub struct Passive<R> {
    /// Of springs.
    pub spring: Vec<R>,
    /// Of dampers.
    pub damper: Vec<R>,
    /// What lifts bodies against gravity.
    pub gravcomp: Vec<R>,
    /// Drag and viscosity of the medium.
    pub fluid: Vec<R>,
    /// Their sum, without the gravity compensation that counts as actuation.
    pub total: Vec<R>,
    wrench: Vec<Force<R>>,
    scratch: Vec<R>,
}

impl<R: Real> Passive<R> {
    /// Room for one model.
    pub fn new(model: &Model<R>) -> Self {
        let zero = || vec![R::zero(); model.topology.nv];
        Self {
            spring: zero(),
            damper: zero(),
            gravcomp: zero(),
            fluid: zero(),
            total: zero(),
            wrench: vec![Force::zero(); model.topology.bodies.len()],
            scratch: zero(),
        }
    }
}

/// `−x (k + p₀ x + p₁ x²)`, with the signed deflection.
#[inline(always)]
pub(super) fn spring<R: Real>(x: R, k: &[R; 3]) -> R {
    -(x * (k[0] + x * (k[1] + x * k[2])))
}

/// The derivatives of [`spring`] by `x` and by the coefficients.
#[inline(always)]
fn spring_slopes<R: Real>(x: R, k: &[R; 3]) -> (R, [R; 3]) {
    let slope = -(k[0] + x * (k[1].times(2.0) + x * k[2].times(3.0)));
    (slope, [-x, -(x * x), -(x * x * x)])
}

/// `−v (d + p₀ |v| + p₁ v²)`.
#[inline(always)]
fn damper<R: Real>(v: R, d: &[R; 3]) -> R {
    let speed = v.abs();
    -(v * (d[0] + speed * (d[1] + speed * d[2])))
}

/// `d + 2 p₀ |v| + 3 p₁ v²`: minus the derivative of [`damper`] by `v`.
#[inline(always)]
pub(in crate::physics) fn damping_slope<R: Real>(v: R, d: &[R; 3]) -> R {
    let speed = v.abs();
    d[0] + speed * (d[1].times(2.0) + speed * d[2].times(3.0))
}

/// The pullback of [`damper`]: by `v`, and by the coefficients.
#[inline(always)]
fn damper_pullback<R: Real>(v: R, d: &[R; 3], weight: R) -> (R, [R; 3]) {
    let speed = v.abs();
    let by = -(v * weight);
    (-(damping_slope(v, d) * weight), [by, by * speed, by * speed * speed])
}

/// The spring force for a deflection in three dimensions, `−x (k + p₀ |x| + p₁ |x|²)`.
fn spring3<R: Real>(x: [R; 6]) -> [R; 3] {
    let d = Vec3::new(x[0], x[1], x[2]);
    let n = d.norm();
    (-(d * (x[3] + n * (x[4] + n * x[5])))).to_array()
}

/// How much the lower and the upper end of a tendon's dead band count: the one that the length has passed, and both
/// halves of a band without width at whose length the spring is just at rest.
pub(super) fn shares<R: Real>(length: R, band: &[R; 2]) -> [R; 2] {
    let (below, above) = (length.lt(band[0]), length.gt(band[1]));
    let at_rest = band[1].le(band[0]) & !below & !above;
    let half = R::select(at_rest, R::from_f64(0.5), R::zero());
    [below, above].map(|passed| R::select(passed, R::one(), half))
}

/// The deflection of a tendon's spring from its dead band.
pub(super) fn beyond<R: Real>(length: R, band: &[R; 2]) -> R {
    let [below, above] = shares(length, band);
    above * (length - band[1]) + below * (length - band[0])
}

/// The deflections of a free or ball joint from its spring's rest, three numbers each.
pub(super) fn deflections<R: Real>(model: &Model<R>, state: &State<R>, j: usize) -> [Option<Vec3<R>>; 2] {
    let at = &model.topology.joints[j];
    let body = &model.bodies[at.body];
    let turned = |rest: Quat<R>, q: usize| Some((rest.conjugate() * state.quat(q).normalized()).log());
    match at.kind {
        JointKind::Free => {
            let p = Vec3::new(state.q[at.q], state.q[at.q + 1], state.q[at.q + 2]);
            [Some(p - body.position), turned(body.rotation, at.q + 3)]
        }
        JointKind::Ball => [None, turned(Quat::identity(), at.q)],
        _ => [None, None],
    }
}

/// All passive forces.
pub fn passive<R: Real>(model: &Model<R>, state: &State<R>, links: &Links<R>, out: &mut Passive<R>) {
    let t = &model.topology;
    let (springs, dampers) = (t.flags.spring, t.flags.damper);
    if !springs && !dampers {
        // Gravity compensation and drag go with them.
        for all in [&mut out.spring, &mut out.damper, &mut out.gravcomp, &mut out.fluid, &mut out.total] {
            all.fill(R::zero());
        }
        return;
    }
    for (j, (joint, at)) in model.joints.iter().zip(&t.joints).enumerate() {
        let (nv, v) = (at.kind.sizes().1, at.v);
        if matches!(at.kind, JointKind::Slide | JointKind::Hinge) {
            out.spring[v] = spring(state.q[at.q] - joint.spring_reference, &joint.stiffness);
        } else if at.has_spring {
            let mut start = v;
            for x in deflections(model, state, j).into_iter().flatten() {
                let k = joint.stiffness;
                let force = spring3([x.x, x.y, x.z, k[0], k[1], k[2]]);
                out.spring[start..start + 3].copy_from_slice(&force);
                start += 3;
            }
        } else {
            out.spring[v..v + nv].fill(R::zero());
        }
        for i in v..v + nv {
            out.damper[i] = damper(state.v[i], &joint.damping);
        }
    }
    tendons(model, state, links, out);
    if !springs {
        out.spring.fill(R::zero());
    }
    if !dampers {
        out.damper.fill(R::zero());
    }
    for (total, (a, b)) in out.total.iter_mut().zip(out.spring.iter().zip(&out.damper)) {
        *total = *a + *b;
    }
    if t.any_gravcomp {
        gravity_compensation(model, links, out);
    }
    if t.any_fluid {
        out.wrench.fill(Force::zero());
        fluid::fluid(model, links, &mut out.wrench);
        inverse_dynamics::project(model, links, &mut out.wrench, &mut out.fluid);
        for (total, x) in out.total.iter_mut().zip(&out.fluid) {
            *total += *x;
        }
    }
}

fn tendons<R: Real>(model: &Model<R>, state: &State<R>, links: &Links<R>, out: &mut Passive<R>) {
    let velocity = |b: usize| links.bodies[b].velocity;
    for kind in 0..2 {
        if model.tendons.is_empty() {
            return;
        }
        out.wrench.fill(Force::zero());
        let tau = if kind == 0 { &mut out.spring } else { &mut out.damper };
        for (t, tendon) in model.tendons.iter().enumerate() {
            let force = if kind == 0 {
                let length = tendon::length(model, state, links, t);
                spring(beyond(length, &tendon.spring_length), &tendon.stiffness)
            } else {
                damper(tendon::rate(model, links, t, &state.v, velocity), &tendon.damping)
            };
            tendon::apply(model, links, t, force, tau, &mut out.wrench);
            if kind == 0 {
                let slope = tendon_slope(model, t, tendon::length(model, state, links, t));
                tendon::apply_at_rest(model, links, t, slope, &mut out.wrench);
            }
        }
        if model.topology.any_lines {
            inverse_dynamics::project(model, links, &mut out.wrench, &mut out.scratch);
            for (tau, x) in tau.iter_mut().zip(&out.scratch) {
                *tau += *x;
            }
        }
    }
}

/// The force `−m g_c gravity` at each centre of mass.
fn gravity_compensation<R: Real>(model: &Model<R>, links: &Links<R>, out: &mut Passive<R>) {
    for (b, (body, link)) in model.bodies.iter().zip(&links.bodies).enumerate() {
        let lift = model.option.gravity * -(body.mass * body.gravcomp);
        out.wrench[b] = Force::at(link.center - link.origin, lift);
    }
    inverse_dynamics::project(model, links, &mut out.wrench, &mut out.gravcomp);
    for (i, dof) in model.topology.dofs.iter().enumerate() {
        if !model.topology.joints[dof.joint].actuator_gravcomp {
            out.total[i] += out.gravcomp[i];
        }
    }
}

/// The pullback of [`passive`] at the joints: adds the derivative of `λ · τ` of their springs and
/// dampers.
pub fn joint_forces_pullback<R: Real>(p: &mut Pulling<'_, R>, weight: &[R]) {
    let t = &p.model.topology;
    for (j, (joint, at)) in p.model.joints.iter().zip(&t.joints).enumerate() {
        let (nv, v) = (at.kind.sizes().1, at.v);
        if t.flags.spring {
            if matches!(at.kind, JointKind::Slide | JointKind::Hinge) {
                let x = p.state.q[at.q] - joint.spring_reference;
                let (slope, by) = spring_slopes(x, &joint.stiffness);
                let push = slope * weight[v];
                p.out.q[v] += push;
                p.out_model.joints[j].spring_reference -= push;
                for (k, by) in p.out_model.joints[j].stiffness.iter_mut().zip(by) {
                    *k += by * weight[v];
                }
            } else if at.has_spring {
                spring3_pullback(p, j, weight);
            }
        }
        if t.flags.damper {
            for i in v..v + nv {
                let (by_v, by) = damper_pullback(p.state.v[i], &joint.damping, weight[i]);
                p.out.v[i] += by_v;
                for (d, by) in p.out_model.joints[j].damping.iter_mut().zip(by) {
                    *d += by;
                }
            }
        }
    }
}

/// Springs of free and ball joints.
fn spring3_pullback<R: Real>(p: &mut Pulling<'_, R>, j: usize, weight: &[R]) {
    let at = &p.model.topology.joints[j];
    let k = p.model.joints[j].stiffness;
    let mut start = at.v;
    for (turning, x) in deflections(p.model, p.state, j).into_iter().enumerate() {
        let Some(x) = x else { continue };
        let w = [weight[start], weight[start + 1], weight[start + 2]];
        let share = leaf_pullback(spring3, [x.x, x.y, x.z, k[0], k[1], k[2]], w);
        for (own, by) in p.out_model.joints[j].stiffness.iter_mut().zip(&share[3..]) {
            *own += *by;
        }
        let by_x = Vec3::new(share[0], share[1], share[2]);
        deflection_pullback(p, (j, turning == 1, start), x, by_x);
        start += 3;
    }
}

/// The pullback of one of the [`deflections`] `x` of joint `j`: of its turn, or of its displacement, whose
/// three velocities begin at `start`.
pub(super) fn deflection_pullback<R: Real>(
    p: &mut Pulling<'_, R>,
    (j, turning, start): (usize, bool, usize),
    x: Vec3<R>,
    by_x: Vec3<R>,
) {
    let at = &p.model.topology.joints[j];
    let rest = &mut p.out_model.bodies[at.body];
    let by_q = if turning {
        // x = log(rest* q): by a turn of q on the right, and by one of the rest on the left.
        let jacobian = so3_log_jacobian(x);
        if at.kind == JointKind::Free {
            let rotation = p.model.bodies[at.body].rotation;
            rest.rotation.v -= rotation.rotate(jacobian * by_x);
        }
        jacobian.transpose_mul(by_x)
    } else {
        rest.position -= by_x;
        by_x
    };
    for (q, by) in p.out.q[start..start + 3].iter_mut().zip(by_q.to_array()) {
        *q += by;
    }
}

/// The pullback of the passive forces that act on bodies: the medium's and gravity compensation.
pub fn body_forces_pullback<R: Real>(p: &mut Pulling<'_, R>, passive: &mut Field<R>, all: &mut Field<R>) {
    let flags = &p.model.topology.flags;
    if !flags.spring && !flags.damper {
        return;
    }
    if p.model.topology.any_fluid {
        fluid::fluid_pullback(p.model, p.links, passive, p.cotangent, p.out_model);
    }
    if !p.model.topology.any_gravcomp {
        return;
    }
    let gravity = p.model.option.gravity;
    for b in 1..p.model.bodies.len() {
        let (body, link) = (&p.model.bodies[b], &p.links.bodies[b]);
        let lift = gravity * -(body.mass * body.gravcomp);
        let offset = link.center - link.origin;
        let y = all.bodies[b];
        let by_lift = y.at(offset);
        all.cotangent[b] += Force::at(offset, lift);
        let place = lift.cross(y.angular);
        p.cotangent.add_point(p.links, b, link.center, place);
        let share = &mut p.out_model.bodies[b];
        share.center += link.rotation.transpose_mul(place);
        let weight = -gravity.dot(by_lift);
        share.mass += weight * body.gravcomp;
        share.gravcomp += weight * body.mass;
        p.out_model.option.gravity += by_lift * -(body.mass * body.gravcomp);
    }
}

/// The force of tendon `t`'s spring and damper at this length and rate.
pub(crate) fn tendon_force<R: Real>(model: &Model<R>, t: usize, length: R, rate: R) -> R {
    let (tendon, flags) = (&model.tendons[t], &model.topology.flags);
    let mut force = R::zero();
    if flags.spring {
        force += spring(beyond(length, &tendon.spring_length), &tendon.stiffness);
    }
    if flags.damper {
        force += damper(rate, &tendon.damping);
    }
    force
}

/// The derivative of the force of tendon `t`'s spring by the length.
pub(crate) fn tendon_slope<R: Real>(model: &Model<R>, t: usize, length: R) -> R {
    let own = &model.tendons[t];
    let [below, above] = shares(length, &own.spring_length);
    let slope = spring_slopes(beyond(length, &own.spring_length), &own.stiffness).0 * (below + above);
    if model.topology.flags.spring { slope } else { R::zero() }
}

/// The force of tendon `t`'s spring and damper at this length and rate, and its pullback: the
/// cotangents of length and rate.
pub(crate) fn tendon_force_pullback<R: Real>(
    p: &mut Pulling<'_, R>,
    t: usize,
    length: R,
    rate: R,
    weight: R,
) -> (R, R, R) {
    let (tendon, flags) = (&p.model.tendons[t], &p.model.topology.flags);
    let share = &mut p.out_model.tendons[t];
    let (mut force, mut by_length, mut by_rate) = (R::zero(), R::zero(), R::zero());
    if flags.spring {
        let x = beyond(length, &tendon.spring_length);
        force += spring(x, &tendon.stiffness);
        let (slope, by) = spring_slopes(x, &tendon.stiffness);
        let push = slope * weight;
        let [below, above] = shares(length, &tendon.spring_length);
        share.spring_length[0] -= below * push;
        share.spring_length[1] -= above * push;
        by_length += (below + above) * push;
        for (k, by) in share.stiffness.iter_mut().zip(by) {
            *k += by * weight;
        }
    }
    if flags.damper {
        force += damper(rate, &tendon.damping);
        let (by_v, by) = damper_pullback(rate, &tendon.damping, weight);
        by_rate += by_v;
        for (d, by) in share.damping.iter_mut().zip(by) {
            *d += by;
        }
    }
    (force, by_length, by_rate)
}
