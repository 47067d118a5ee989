//! Activations: how they follow their controls, and how those of servos wind with a rotation.

use super::{bounded, bounded_pullback};
use crate::model::Model;
use crate::model::description::{Dynamics, Transmission};
use crate::number::{Real, leaf_pullback};
use crate::spatial::Vec3;

/// The rate of an activation: of `(act, u, τ)`.
pub(super) fn activation_rate<R: Real>(dynamics: Dynamics, [act, u, tau]: [R; 3]) -> R {
    match dynamics {
        Dynamics::None => R::zero(),
        Dynamics::Integrator => u,
        Dynamics::Filter | Dynamics::FilterExact => (u - act) / tau.max(R::from_f64(1e-15)),
    }
}

/// The activation after a step `h` at a given rate, before its range: of `(act, rate, τ, h)`.
fn advanced<R: Real>(dynamics: Dynamics, [act, rate, tau, h]: [R; 4]) -> R {
    if dynamics == Dynamics::FilterExact {
        let tau = tau.max(R::from_f64(1e-15));
        act + rate * tau * (R::one() - (-(h / tau)).exp())
    } else {
        act + rate * h
    }
}

/// Whether the activation of actuator `k` stands still.
fn frozen<R>(model: &Model<R>, k: usize) -> bool {
    model.topology.actuators[k].disabled || !model.topology.flags.actuation
}

/// The activation of actuator `k` after a step at `rate`, within its range.
pub(super) fn next_activation<R: Real>(model: &Model<R>, k: usize, act: R, rate: R) -> R {
    if frozen(model, k) {
        return act;
    }
    let actuator = &model.actuators[k];
    let x = [act, rate, actuator.time_constant, model.option.timestep];
    bounded(advanced(model.topology.actuators[k].dynamics, x), &actuator.act_range)
}

/// The pullback of [`next_activation`]: cotangents of activation and rate.
pub(super) fn next_activation_pullback<R: Real>(
    model: &Model<R>,
    k: usize,
    act: R,
    rate: R,
    weight: R,
    out: &mut Model<R>,
) -> (R, R) {
    if frozen(model, k) {
        return (weight, R::zero());
    }
    let (actuator, dynamics) = (&model.actuators[k], model.topology.actuators[k].dynamics);
    let x = [act, rate, actuator.time_constant, model.option.timestep];
    let inside =
        bounded_pullback(advanced(dynamics, x), &actuator.act_range, weight, &mut out.actuators[k].act_range);
    let [by_act, by_rate, by_tau, by_h] = leaf_pullback(|x| [advanced(dynamics, x)], x, [inside]);
    out.actuators[k].time_constant += by_tau;
    out.option.timestep += by_h;
    (by_act, by_rate)
}

/// The activation that a step ends with: that of a servo on a rotation in space moves by whole turns
/// to where it is nearest to the length at the start of the step.
pub(in crate::physics) fn final_activation<R: Real>(
    model: &Model<R>,
    k: usize,
    act: R,
    rate: R,
    length: R,
) -> R {
    let next = next_activation(model, k, act, rate);
    match period(model, k) {
        Some(period) if !frozen(model, k) => next + period * ((length - next) / period).round(),
        _ => next,
    }
}

/// The pullback of [`final_activation`]: cotangents of activation and rate.
pub(in crate::physics) fn final_activation_pullback<R: Real>(
    model: &Model<R>,
    k: usize,
    (act, rate, length): (R, R, R),
    weight: R,
    out: &mut Model<R>,
) -> (R, R) {
    if let Some(period) = period(model, k).filter(|_| !frozen(model, k)) {
        let turns = ((length - next_activation(model, k, act, rate)) / period).round();
        period_pullback(model, k, weight * turns, out);
    }
    next_activation_pullback(model, k, act, rate, weight, out)
}

/// The signal of one turn, `2π |gear|`, of a servo on a rotation in space: its set point and its
/// control move by whole turns to where they are nearest to length and activation.
pub(super) fn period<R: Real>(model: &Model<R>, k: usize) -> Option<R> {
    model.topology.actuators[k].winds.then(|| turning_gear(model, k).norm().times(2.0 * std::f64::consts::PI))
}

/// The pullback of [`period`].
pub(super) fn period_pullback<R: Real>(model: &Model<R>, k: usize, weight: R, out: &mut Model<R>) {
    let gear = turning_gear(model, k);
    let by = gear * (weight.times(2.0 * std::f64::consts::PI) / gear.norm());
    let start = turning_start(model, k);
    for (own, by) in out.actuators[k].gear[start..start + 3].iter_mut().zip(by.to_array()) {
        *own += by;
    }
}

/// The part of the gear that belongs to rotations.
fn turning_gear<R: Real>(model: &Model<R>, k: usize) -> Vec3<R> {
    let (gear, start) = (&model.actuators[k].gear, turning_start(model, k));
    Vec3::new(gear[start], gear[start + 1], gear[start + 2])
}

fn turning_start<R>(model: &Model<R>, k: usize) -> usize {
    if matches!(model.topology.actuators[k].transmission, Transmission::Site { .. }) { 3 } else { 0 }
}
