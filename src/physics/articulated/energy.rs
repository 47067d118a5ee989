//! What a world stores: the energy of motion, of height and of springs.

use super::inverse_dynamics::inertia_pullback;
use super::line::{Field, Pulling};
use super::passive::{beyond, deflection_pullback, deflections, shares, spring};
use super::{Links, tendon};
use crate::model::description::JointKind;
use crate::model::{Model, State};
use crate::number::{Mask, Real};
use crate::spatial::Inertia;

/// The kinetic energy `½ vᵀ M v` [J], with `M` in the rows of the tree's pattern.
pub fn kinetic<R: Real>(model: &Model<R>, mass: &[R], v: &[R]) -> R {
    let pattern = &model.topology.pattern;
    let mut sum = R::zero();
    for i in 0..pattern.rows() {
        let row = pattern.row(i);
        for k in row.start..row.end - 1 {
            sum += v[i] * mass[k] * v[pattern.column[k]];
        }
        // The diagonal counts once where each other entry stands for two.
        sum += (v[i] * mass[row.end - 1] * v[i]).times(0.5);
    }
    sum
}

/// The kinetic energy `½ Σ V·I V` of the bodies and that of armatures [J]: the same, from how bodies move.
pub fn of_motion<R: Real>(model: &Model<R>, state: &State<R>, links: &Links<R>) -> R {
    let t = &model.topology;
    let mut twice = R::zero();
    for link in links.bodies.iter().skip(1) {
        twice += link.velocity.dot(link.inertia.mul(link.velocity));
    }
    for (v, dof) in state.v.iter().zip(&t.dofs) {
        twice += model.joints[dof.joint].armature * v.square();
    }
    for k in 0..if t.tendon_armature { t.tendons.len() } else { 0 } {
        let rate = tendon::rate(model, links, k, &state.v, |b| links.bodies[b].velocity);
        twice += model.tendons[k].armature * rate.square();
    }
    twice.times(0.5)
}

/// The pullback of [`of_motion`] and of [`potential`].
pub(crate) fn pullback<R: Real>(mut p: Pulling<'_, R>, [kinetic, potential]: [R; 2]) {
    if !kinetic.is_zero().all() {
        of_motion_pullback(&mut p, kinetic);
    }
    if potential.is_zero().all() {
        return;
    }
    let gravity = p.model.option.gravity;
    for (b, (body, link)) in p.model.bodies.iter().zip(&p.links.bodies).enumerate().skip(1) {
        let push = gravity * -(body.mass * potential);
        p.out_model.bodies[b].mass -= gravity.dot(link.center) * potential;
        p.out_model.option.gravity -= link.center * (body.mass * potential);
        p.cotangent.add_point(p.links, b, link.center, push);
        p.out_model.bodies[b].center += link.rotation.transpose_mul(push);
    }
    if p.model.topology.flags.spring {
        springs_pullback(&mut p, potential);
    }
}

fn of_motion_pullback<R: Real>(p: &mut Pulling<'_, R>, w: R) {
    let (model, links) = (p.model, p.links);
    let t = &model.topology;
    for (b, link) in links.bodies.iter().enumerate().skip(1) {
        let momentum = link.inertia.mul(link.velocity) * w;
        p.cotangent.velocity[b] += momentum;
        // The inertia moves rigidly with the body.
        p.cotangent.wrench[b] -= link.velocity.cross_force(momentum);
        if p.cotangent.parameters {
            let form = Inertia::form(link.velocity, link.velocity * w.times(0.5));
            inertia_pullback(model, links, b, form, p.out_model);
        }
    }
    for (i, dof) in t.dofs.iter().enumerate() {
        let v = p.state.v[i];
        p.out.v[i] += w * model.joints[dof.joint].armature * v;
        p.out_model.joints[dof.joint].armature += (w * v.square()).times(0.5);
    }
    if !t.tendon_armature {
        return;
    }
    let mut velocity = Field::new(model);
    velocity.set(model, links, true, |i| p.state.v[i]);
    for k in 0..t.tendons.len() {
        let rate = tendon::rate(model, links, k, &p.state.v, |b| links.bodies[b].velocity);
        p.out_model.tendons[k].armature += (w * rate.square()).times(0.5);
        let share = w * rate * model.tendons[k].armature;
        tendon::pullback(p, k, R::zero(), &mut [(&mut velocity, share)]);
    }
    velocity.finish(model, links, p.cotangent);
    p.out.v.iter_mut().zip(&velocity.y_cotangent).for_each(|(v, own)| *v += *own);
}

/// The pullback of [`springs`]: the slope of what a spring stores is minus its force.
fn springs_pullback<R: Real>(p: &mut Pulling<'_, R>, w: R) {
    let model = p.model;
    for (j, (joint, at)) in model.joints.iter().zip(&model.topology.joints).enumerate() {
        if matches!(at.kind, JointKind::Slide | JointKind::Hinge) {
            let x = p.state.q[at.q] - joint.spring_reference;
            let push = -spring(x, &joint.stiffness) * w;
            p.out.q[at.v] += push;
            p.out_model.joints[j].spring_reference -= push;
            add(&mut p.out_model.joints[j].stiffness, x, w);
        } else if at.has_spring {
            let mut start = at.v;
            for (turning, x) in deflections(model, p.state, j).into_iter().enumerate() {
                let Some(x) = x else { continue };
                let (n, k) = (x.norm(), joint.stiffness);
                let by_x = x * (w * (k[0] + n * (k[1] + n * k[2])));
                add(&mut p.out_model.joints[j].stiffness, n, w);
                deflection_pullback(p, (j, turning == 1, start), x, by_x);
                start += 3;
            }
        }
    }
    for (t, tendon) in model.tendons.iter().enumerate() {
        let length = tendon::length(model, p.state, p.links, t);
        let x = beyond(length, &tendon.spring_length);
        let push = -spring(x, &tendon.stiffness) * w;
        let band = &mut p.out_model.tendons[t].spring_length;
        let [below, above] = shares(length, &tendon.spring_length);
        band[0] -= below * push;
        band[1] -= above * push;
        add(&mut p.out_model.tendons[t].stiffness, x, w);
        tendon::pullback(p, t, push, &mut []);
    }
}

/// Adds the cotangents of a spring's coefficients at the deflection `x`.
fn add<R: Real>(stiffness: &mut [R; 3], x: R, w: R) {
    let square = x.square() * w;
    stiffness[0] += square.times(0.5);
    stiffness[1] += (square * x).times(1.0 / 3.0);
    stiffness[2] += (square * x.square()).times(0.25);
}

/// The potential energy `−Σ m g·x_com` and that of all springs [J].
///
/// Gravity compensation is a force without potential here, as in MuJoCo's energy.
pub fn potential<R: Real>(model: &Model<R>, state: &State<R>, links: &Links<R>) -> R {
    let gravity = model.option.gravity;
    let bodies = model.bodies.iter().zip(&links.bodies).skip(1);
    let height = bodies.fold(R::zero(), |sum, (body, link)| sum - body.mass * gravity.dot(link.center));
    if model.topology.flags.spring { height + springs(model, state, links) } else { height }
}

/// The energy of the springs of joints and tendons [J].
fn springs<R: Real>(model: &Model<R>, state: &State<R>, links: &Links<R>) -> R {
    let mut sum = R::zero();
    for (j, (joint, at)) in model.joints.iter().zip(&model.topology.joints).enumerate() {
        if matches!(at.kind, JointKind::Slide | JointKind::Hinge) {
            sum += stored(state.q[at.q] - joint.spring_reference, &joint.stiffness);
        } else if at.has_spring {
            for x in deflections(model, state, j).into_iter().flatten() {
                sum += stored(x.norm(), &joint.stiffness);
            }
        }
    }
    for (t, tendon) in model.tendons.iter().enumerate() {
        let x = beyond(tendon::length(model, state, links, t), &tendon.spring_length);
        sum += stored(x, &tendon.stiffness);
    }
    sum
}

/// `½ k x² + ⅓ p₀ x³ + ¼ p₁ x⁴`, the integral of the spring's polynomial.
fn stored<R: Real>(x: R, k: &[R; 3]) -> R {
    x * x * (k[0].times(0.5) + x * (k[1].times(1.0 / 3.0) + x * k[2].times(0.25)))
}
