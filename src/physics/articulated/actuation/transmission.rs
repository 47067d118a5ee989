//! Transmissions: lengths, rates and moments of what actuators pull at.

use super::super::line::{self, Field, Pulling, SiteLine};
use super::super::{Links, tendon};
use crate::model::description::{JointKind, Transmission};
use crate::model::{Model, State};
use crate::number::Real;
use crate::spatial::{Quat, Vec3, so3_log_jacobian};

/// Length and rate of the transmission of actuator `k`.
pub(crate) fn length_and_rate<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    links: &Links<R>,
    k: usize,
) -> (R, R) {
    let gear = &model.actuators[k].gear;
    let velocity = |b: usize| links.bodies[b].velocity;
    match model.topology.actuators[k].transmission {
        Transmission::Joint(j) | Transmission::JointInParent(j) => {
            let at = &model.topology.joints[j];
            if matches!(at.kind, JointKind::Slide | JointKind::Hinge) {
                return (gear[0] * state.q[at.q], gear[0] * state.v[at.v]);
            }
            let moment = joint_moment(model, state, k, j);
            let n = at.kind.sizes().1;
            let rate = (0..n).fold(R::zero(), |sum, i| sum + moment[i] * state.v[at.v + i]);
            let length = match at.kind {
                JointKind::Ball => {
                    Vec3::new(moment[0], moment[1], moment[2]).dot(state.quat(at.q).normalized().log())
                }
                _ => R::zero(),
            };
            (length, rate)
        }
        Transmission::Tendon(t) => {
            let length = tendon::length(model, state, links, t);
            (gear[0] * length, gear[0] * tendon::rate(model, links, t, &state.v, velocity))
        }
        Transmission::Site { site, reference } => {
            let (length, parts) = line::site_line(model, links, &SiteLine { site, reference }, gear);
            (length, parts.iter().fold(R::zero(), |sum, &(b, g)| sum + velocity(b).dot(g)))
        }
        Transmission::Particles => (R::zero(), R::zero()),
    }
}

/// The moment of an actuator on a ball or free joint; given in the parent's axes, its rotation is
/// seen from the child's.
pub(super) fn joint_moment<R: Real>(model: &Model<R>, state: &State<R>, k: usize, j: usize) -> [R; 6] {
    let mut gear = model.actuators[k].gear;
    let at = &model.topology.joints[j];
    let in_parent = matches!(model.topology.actuators[k].transmission, Transmission::JointInParent(_));
    let (start, q) = if at.kind == JointKind::Free { (3, at.q + 3) } else { (0, at.q) };
    if in_parent {
        let g = Vec3::new(gear[start], gear[start + 1], gear[start + 2]);
        let turned = state.quat(q).normalized().conjugate().rotate(g);
        gear[start..start + 3].copy_from_slice(&turned.to_array());
    }
    gear
}

/// The only degree of freedom that actuator `k` moves, if it is that of a slide or hinge.
pub(in crate::physics) fn only_dof<R>(model: &Model<R>, k: usize) -> Option<usize> {
    match model.topology.actuators[k].transmission {
        Transmission::Joint(j) | Transmission::JointInParent(j) => {
            let at = &model.topology.joints[j];
            matches!(at.kind, JointKind::Slide | JointKind::Hinge).then_some(at.v)
        }
        _ => None,
    }
}

/// The moment of actuator `k`, dense (nv).
pub(in crate::physics) fn moment_row<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    stage: (&Links<R>, &[R]),
    k: usize,
    out: &mut [R],
) {
    out.fill(R::zero());
    let (links, jacobian) = stage;
    let gear = &model.actuators[k].gear;
    match model.topology.actuators[k].transmission {
        Transmission::Joint(j) | Transmission::JointInParent(j) => {
            let at = &model.topology.joints[j];
            let n = at.kind.sizes().1;
            let moment = joint_moment(model, state, k, j);
            out[at.v..at.v + n].copy_from_slice(&moment[..n]);
        }
        Transmission::Tendon(t) => {
            let nv = model.topology.nv;
            for (own, x) in out.iter_mut().zip(&jacobian[t * nv..(t + 1) * nv]) {
                *own = gear[0] * *x;
            }
        }
        Transmission::Site { site, reference } => {
            for (b, g) in line::site_line(model, links, &SiteLine { site, reference }, gear).1 {
                tendon::add_row(model, links, b, g, out);
            }
        }
        Transmission::Particles => {}
    }
}

/// The pullback of `m · y` of the moment of actuator `k`, for the joint velocity of the field.
pub(in crate::physics) fn moment_pullback<R: Real>(
    p: &mut Pulling<'_, R>,
    k: usize,
    unused: &mut Field<R>,
    field: &mut Field<R>,
) {
    let nothing = Asked { length: R::zero(), rate: R::zero() };
    transmission_pullback(p, k, [R::zero(), R::zero(), R::one()], nothing, unused, field);
}

/// The pullback of [`length_and_rate`]; the rate belongs to the velocity of the field.
pub(crate) fn length_and_rate_pullback<R: Real>(
    p: &mut Pulling<'_, R>,
    k: usize,
    [by_length, by_rate]: [R; 2],
    (velocity, unused): (&mut Field<R>, &mut Field<R>),
) {
    let (length, rate) = length_and_rate(p.model, p.state, p.links, k);
    let asked = Asked { length: by_length, rate: by_rate };
    transmission_pullback(p, k, [length, rate, R::zero()], asked, velocity, unused);
}

/// Cotangents of the length and the rate of a transmission.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<R> {
    pub length: R,
    pub rate: R,
}

/// The moment of actuator `k` times a joint velocity `y` whose body velocities are in `field`.
pub(super) fn moment_times<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    links: &Links<R>,
    k: usize,
    y: &[R],
    field: &Field<R>,
) -> R {
    let gear = &model.actuators[k].gear;
    match model.topology.actuators[k].transmission {
        Transmission::Joint(j) | Transmission::JointInParent(j) => {
            let at = &model.topology.joints[j];
            if matches!(at.kind, JointKind::Slide | JointKind::Hinge) {
                return gear[0] * y[at.v];
            }
            let moment = joint_moment(model, state, k, j);
            (0..at.kind.sizes().1).fold(R::zero(), |sum, i| sum + moment[i] * y[at.v + i])
        }
        Transmission::Tendon(t) => gear[0] * tendon::rate(model, links, t, y, |b| field.bodies[b]),
        Transmission::Site { site, reference } => {
            line::site_line(model, links, &SiteLine { site, reference }, gear)
                .1
                .iter()
                .fold(R::zero(), |sum, &(b, g)| sum + field.bodies[b].dot(g))
        }
        Transmission::Particles => R::zero(),
    }
}

/// Back through length, rate and moment, given their values and the force.
pub(super) fn transmission_pullback<R: Real>(
    p: &mut Pulling<'_, R>,
    k: usize,
    [length, rate, force]: [R; 3],
    asked: Asked<R>,
    velocity: &mut Field<R>,
    weight: &mut Field<R>,
) {
    let model = p.model;
    let gear = &model.actuators[k].gear;
    match model.topology.actuators[k].transmission {
        Transmission::Joint(j) | Transmission::JointInParent(j) => {
            let at = &model.topology.joints[j];
            if matches!(at.kind, JointKind::Slide | JointKind::Hinge) {
                p.out.q[at.v] += gear[0] * asked.length;
                p.out.v[at.v] += gear[0] * asked.rate;
                p.out_model.actuators[k].gear[0] +=
                    p.state.q[at.q] * asked.length + p.state.v[at.v] * asked.rate + weight.y[at.v] * force;
                return;
            }
            turning_joint_pullback(p, k, j, force, asked, weight);
        }
        Transmission::Tendon(t) => {
            // Lengths and rates of the actuator are the tendon's times the gear.
            let share = (length * asked.length + rate * asked.rate) / gear[0];
            let by_force = moment_times(model, p.state, p.links, k, &weight.y, weight) / gear[0];
            p.out_model.actuators[k].gear[0] += share + by_force * force;
            let rates = &mut [(velocity, gear[0] * asked.rate), (weight, gear[0] * force)];
            tendon::pullback(p, t, gear[0] * asked.length, rates);
        }
        Transmission::Site { site, reference } => {
            let rates = &mut [(velocity, asked.rate), (weight, force)];
            let line = SiteLine { site, reference };
            let share = line::site_line_pullback(p, &line, gear, asked.length, rates);
            for (own, by) in p.out_model.actuators[k].gear.iter_mut().zip(share) {
                *own += by;
            }
        }
        Transmission::Particles => {}
    }
}

/// Actuators on ball and free joints.
fn turning_joint_pullback<R: Real>(
    p: &mut Pulling<'_, R>,
    k: usize,
    j: usize,
    force: R,
    asked: Asked<R>,
    weight: &Field<R>,
) {
    let model = p.model;
    let at = &model.topology.joints[j];
    let moment = joint_moment(model, p.state, k, j);
    let n = at.kind.sizes().1;
    let mut by_moment = [R::zero(); 6];
    for i in 0..n {
        p.out.v[at.v + i] += moment[i] * asked.rate;
        by_moment[i] = p.state.v[at.v + i] * asked.rate + weight.y[at.v + i] * force;
    }
    let (start, q) = if at.kind == JointKind::Free { (3, at.q + 3) } else { (0, at.q) };
    let rotation: Quat<R> = p.state.quat(q).normalized();
    let mut by_turn = Vec3::zero();
    let g = Vec3::new(moment[start], moment[start + 1], moment[start + 2]);
    if at.kind == JointKind::Ball {
        let turn = rotation.log();
        by_turn += so3_log_jacobian(turn).transpose_mul(g * asked.length);
        for (own, x) in by_moment.iter_mut().zip(turn.to_array()) {
            *own += x * asked.length;
        }
    }
    if matches!(model.topology.actuators[k].transmission, Transmission::JointInParent(_)) {
        // g = Rᵀ gear: a turn w of the child on the right changes it by −w × g.
        let by = Vec3::new(by_moment[start], by_moment[start + 1], by_moment[start + 2]);
        by_turn += -g.cross(by);
        by_moment[start..start + 3].copy_from_slice(&rotation.rotate(by).to_array());
    }
    for (own, by) in p.out.q[at.v + start..at.v + start + 3].iter_mut().zip(by_turn.to_array()) {
        *own += by;
    }
    for (own, by) in p.out_model.actuators[k].gear.iter_mut().zip(by_moment).take(n) {
        *own += by;
    }
}
