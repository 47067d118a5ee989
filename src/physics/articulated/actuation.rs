//! Actuators: from controls and activations to generalized forces.

mod activation;
mod transmission;

use super::line::{self, Field, Pulling, SiteLine};
use super::{Links, inverse_dynamics, tendon};
use crate::model::description::{Dynamics, JointKind, Transmission};
use crate::model::{Input, Model, State};
use crate::number::{Real, copy, leaf_pullback};
use crate::spatial::Force;
use activation::{activation_rate, next_activation, next_activation_pullback, period, period_pullback};
pub(in crate::physics) use activation::{final_activation, final_activation_pullback};
use transmission::{Asked, joint_moment, moment_times, transmission_pullback};
pub(crate) use transmission::{length_and_rate, length_and_rate_pullback};
pub(in crate::physics) use transmission::{moment_pullback, moment_row, only_dof};

/// What the actuators do, each entry (nu) unless said.
#[derive(Clone, Debug)]
pub struct Actuation<R> {
    /// Of the transmissions [m, rad].
    pub length: Vec<R>,
    /// Of the lengths [m/s, rad/s].
    pub rate: Vec<R>,
    /// Clamped.
    pub force: Vec<R>,
    /// Before the force ranges of tendons and of the actuators themselves.
    raw: Vec<R>,
    /// The control or activation that multiplies the gain.
    signal: Vec<R>,
    /// By how many turns a servo on a rotation in space moved its signal and its control.
    turns: Vec<[R; 2]>,
    /// The rate of the activations (na).
    pub act_rate: Vec<R>,
    /// The generalized force (nv), within the joints' bounds.
    pub total: Vec<R>,
    /// The same before these bounds.
    unbounded: Vec<R>,
    /// The sum of forces on each tendon, and the factor that keeps it in range.
    tendons: Vec<(R, R)>,
    wrench: Vec<Force<R>>,
    scratch: Vec<R>,
}

impl<R: Real> Actuation<R> {
    /// Overwrites this with the same over another number.
    pub fn copy_from<S: Real>(&mut self, other: &Actuation<S>, f: impl Fn(S) -> R + Copy) {
        copy(&mut self.length, &other.length, f);
        copy(&mut self.rate, &other.rate, f);
        copy(&mut self.force, &other.force, f);
        copy(&mut self.raw, &other.raw, f);
        copy(&mut self.signal, &other.signal, f);
        copy(&mut self.turns, &other.turns, |x| x.map(f));
        copy(&mut self.act_rate, &other.act_rate, f);
        copy(&mut self.total, &other.total, f);
        copy(&mut self.unbounded, &other.unbounded, f);
        copy(&mut self.tendons, &other.tendons, |(force, share)| (f(force), f(share)));
    }
    /// Room for one model.
    pub fn new(model: &Model<R>) -> Self {
        let t = &model.topology;
        let zero = |n| vec![R::zero(); n];
        Self {
            length: zero(t.nu),
            rate: zero(t.nu),
            force: zero(t.nu),
            raw: zero(t.nu),
            signal: zero(t.nu),
            turns: vec![[R::zero(); 2]; t.nu],
            act_rate: zero(t.na),
            total: zero(t.nv),
            unbounded: zero(t.nv),
            tendons: vec![(R::zero(), R::one()); t.tendons.len()],
            wrench: vec![Force::zero(); t.bodies.len()],
            scratch: zero(t.nv),
        }
    }
}

impl<R> Actuation<R> {
    /// The bytes of memory behind it.
    pub fn bytes(&self) -> usize {
        let numbers =
            7 * self.length.len() + self.act_rate.len() + 3 * self.total.len() + 2 * self.tendons.len();
        numbers * size_of::<R>() + size_of_val(&self.wrench[..])
    }
}

fn bounded<R: Real>(x: R, range: &Option<[R; 2]>) -> R {
    range.map_or(x, |[lo, hi]| x.clamp(lo, hi))
}

/// The pullback of a clamp: the cotangent of the number, and those of the bounds.
fn bounded_pullback<R: Real>(x: R, range: &Option<[R; 2]>, weight: R, out: &mut Option<[R; 2]>) -> R {
    let (Some([lo, hi]), Some(share)) = (range, out) else { return weight };
    let below = R::select(x.lt(*lo), weight, R::zero());
    let above = R::select(x.gt(*hi), weight, R::zero());
    share[0] += below;
    share[1] += above;
    weight - below - above
}

fn control<R: Real>(model: &Model<R>, input: &Input<R>, k: usize) -> R {
    let clamp = model.topology.flags.clampctrl;
    if clamp { bounded(input.u[k], &model.actuators[k].ctrl_range) } else { input.u[k] }
}

/// `gain · signal + bias`.
fn law<R: Real>(model: &Model<R>, k: usize, length: R, rate: R, signal: R) -> R {
    let a = &model.actuators[k];
    let gain = a.gain[0] + a.gain[1] * length + a.gain[2] * rate;
    gain * signal + a.bias[0] + a.bias[1] * length + a.bias[2] * rate
}

/// All actuator forces. Writes forces, activation rates, and the generalized force; `gravcomp` is the
/// gravity compensation of all joints.
pub fn actuation<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    input: &Input<R>,
    links: &Links<R>,
    gravcomp: &[R],
    out: &mut Actuation<R>,
) {
    let t = &model.topology;
    let active = t.flags.actuation;
    for (k, layout) in t.actuators.iter().enumerate() {
        let actuator = &model.actuators[k];
        (out.length[k], out.rate[k]) = length_and_rate(model, state, links, k);
        if !active {
            out.rate[k] = R::zero();
        }
        let mut u = control(model, input, k);
        let period = period(model, k);
        out.turns[k] = [R::zero(); 2];
        if let (Some(at), Some(period)) = (layout.act, period)
            && layout.dynamics != Dynamics::Integrator
        {
            let turns = ((state.act[at] - u) / period).round();
            out.turns[k][1] = turns;
            u += turns * period;
        }
        out.signal[k] = u;
        if let Some(at) = layout.act {
            let act = state.act[at];
            let rate = activation_rate(layout.dynamics, [act, u, actuator.time_constant]);
            out.act_rate[at] = if active { rate } else { R::zero() };
            out.signal[k] =
                if layout.act_early { next_activation(model, k, act, out.act_rate[at]) } else { act };
        }
        if let Some(period) = period {
            out.turns[k][0] = ((out.length[k] - out.signal[k]) / period).round();
            out.signal[k] += out.turns[k][0] * period;
        }
        let force = law(model, k, out.length[k], out.rate[k], out.signal[k]);
        out.raw[k] = if layout.disabled || !active { R::zero() } else { force };
    }
    keep_tendons_in_range(model, out);
    for (k, actuator) in model.actuators.iter().enumerate() {
        let factor = match t.actuators[k].transmission {
            Transmission::Tendon(t) => out.tendons[t].1,
            _ => R::one(),
        };
        let off = t.actuators[k].disabled || !active;
        out.force[k] = if off { R::zero() } else { bounded(out.raw[k] * factor, &actuator.force_range) };
    }
    gather(model, state, links, out);
    for (j, at) in t.joints.iter().enumerate() {
        for i in at.v..at.v + at.kind.sizes().1 {
            if at.actuator_gravcomp {
                out.unbounded[i] += gravcomp[i];
            }
            out.total[i] = bounded(out.unbounded[i], &model.joints[j].force_range);
        }
    }
}

/// If the forces on a tendon leave its range together, all are scaled by `bound / sum`.
fn keep_tendons_in_range<R: Real>(model: &Model<R>, out: &mut Actuation<R>) {
    for (t, tendon) in model.tendons.iter().enumerate() {
        out.tendons[t] = (R::zero(), R::one());
        let Some([lo, hi]) = tendon.force_range else { continue };
        let sum = model.topology.actuators.iter().zip(&out.raw).fold(R::zero(), |sum, (layout, &f)| {
            if layout.transmission == Transmission::Tendon(t) { sum + f } else { sum }
        });
        let (below, above) = (sum.lt(lo), sum.gt(hi));
        let bound = R::select(below, lo, R::select(above, hi, R::one()));
        let safe = R::select(below, sum, R::select(above, sum, R::one()));
        out.tendons[t] = (sum, bound / safe);
    }
}

/// `Σ mᵀ f` over all actuators.
fn gather<R: Real>(model: &Model<R>, state: &State<R>, links: &Links<R>, out: &mut Actuation<R>) {
    let t = &model.topology;
    out.unbounded.fill(R::zero());
    let mut bodies = false;
    for (k, layout) in t.actuators.iter().enumerate() {
        let (force, gear) = (out.force[k], &model.actuators[k].gear);
        match layout.transmission {
            Transmission::Joint(j) | Transmission::JointInParent(j) => {
                let at = &t.joints[j];
                if matches!(at.kind, JointKind::Slide | JointKind::Hinge) {
                    out.unbounded[at.v] += gear[0] * force;
                } else {
                    let moment = joint_moment(model, state, k, j);
                    for i in 0..at.kind.sizes().1 {
                        out.unbounded[at.v + i] += moment[i] * force;
                    }
                }
            }
            Transmission::Tendon(t) => {
                if model.topology.any_lines {
                    first_wrench(&mut out.wrench, &mut bodies);
                }
                tendon::apply(model, links, t, gear[0] * force, &mut out.unbounded, &mut out.wrench);
            }
            Transmission::Site { site, reference } => {
                first_wrench(&mut out.wrench, &mut bodies);
                for (b, g) in line::site_line(model, links, &SiteLine { site, reference }, gear).1 {
                    out.wrench[b] += g * force;
                }
            }
            Transmission::Particles => {}
        }
    }
    if bodies {
        inverse_dynamics::project(model, links, &mut out.wrench, &mut out.scratch);
        for (tau, x) in out.unbounded.iter_mut().zip(&out.scratch) {
            *tau += *x;
        }
    }
}

fn first_wrench<R: Real>(wrench: &mut [Force<R>], started: &mut bool) {
    if !*started {
        wrench.fill(Force::zero());
        *started = true;
    }
}

/// Whether the force of actuator `k` depends on the rate of its transmission.
pub(in crate::physics) fn depends_on_rate<R>(model: &Model<R>, k: usize) -> bool {
    let layout = &model.topology.actuators[k];
    layout.rate_dependent && !layout.disabled && model.topology.flags.actuation
}

/// Whether actuator `k` is away from every bound that an implicit integrator looks at: its own range,
/// that of its tendon, and that of the joint that it drives directly.
pub(in crate::physics) fn slope_counts<R: Real>(
    model: &Model<R>,
    actuation: &Actuation<R>,
    k: usize,
) -> R::Mask {
    let within = |x: R, range: &Option<[R; 2]>| match range {
        Some([lo, hi]) => x.ge(*lo) & x.le(*hi),
        None => R::zero().le(R::zero()),
    };
    let own = |scaled: R| within(scaled, &model.actuators[k].force_range);
    match model.topology.actuators[k].transmission {
        Transmission::Joint(j) | Transmission::JointInParent(j) => {
            let i = model.topology.joints[j].v;
            own(actuation.raw[k]) & within(actuation.unbounded[i], &model.joints[j].force_range)
        }
        Transmission::Tendon(t) => {
            let (sum, factor) = actuation.tendons[t];
            own(actuation.raw[k] * factor) & within(sum, &model.tendons[t].force_range)
        }
        Transmission::Site { .. } | Transmission::Particles => own(actuation.raw[k]),
    }
}

/// The derivative of the force of actuator `k` by its rate, as the implicit integrators take it.
pub(in crate::physics) fn rate_slope<R: Real>(model: &Model<R>, actuation: &Actuation<R>, k: usize) -> R {
    let a = &model.actuators[k];
    let slope = a.gain[2] * actuation.signal[k] + a.bias[2];
    R::select(slope_counts(model, actuation, k), slope, R::zero())
}

/// The weight of the unbounded forces: zero where a joint's bound acts. Bounds get their share.
pub fn bounds_pullback<R: Real>(
    p: &mut Pulling<'_, R>,
    actuation: &Actuation<R>,
    weight: &[R],
    out: &mut [R],
) {
    for (j, at) in p.model.topology.joints.iter().enumerate() {
        for i in at.v..at.v + at.kind.sizes().1 {
            let range = &p.model.joints[j].force_range;
            let share = &mut p.out_model.joints[j].force_range;
            out[i] = bounded_pullback(actuation.unbounded[i], range, weight[i], share);
        }
    }
}

/// The pullback of the actuator forces: `weight` is the field of the weight of the unbounded
/// generalized force, `velocity` that of the velocity, `act` the cotangents of the activation rates,
/// `by_slope` those of the derivatives of the forces by the rates, `by_force` those of the forces themselves.
/// Adds to the controls' cotangent `out_u`.
pub fn actuation_pullback<R: Real>(
    p: &mut Pulling<'_, R>,
    input: &Input<R>,
    actuation: &Actuation<R>,
    (act, by_slope, by_force): (&[R], &[R], &[R]),
    (velocity, weight): (&mut Field<R>, &mut Field<R>),
    out_u: &mut [R],
) {
    if !p.model.topology.flags.actuation {
        return;
    }
    let model = p.model;
    for k in 0..model.actuators.len() {
        let layout = &model.topology.actuators[k];
        if layout.disabled {
            // It exerts no force, but its activation has a rate.
            law_pullback(p, input, actuation, k, (R::zero(), R::zero()), act, out_u);
            continue;
        }
        let by_own = by_force[k] + moment_times(model, p.state, p.links, k, &weight.y, weight);
        let by_raw = ranges_pullback(p, actuation, k, by_own, (weight, by_force));
        let asked = law_pullback(p, input, actuation, k, (by_raw, by_slope[k]), act, out_u);
        let values = [actuation.length[k], actuation.rate[k], actuation.force[k]];
        transmission_pullback(p, k, values, asked, velocity, weight);
    }
}

/// Back through the force ranges of the actuator and of its tendon.
fn ranges_pullback<R: Real>(
    p: &mut Pulling<'_, R>,
    actuation: &Actuation<R>,
    k: usize,
    by_own: R,
    (weight, by_force): (&Field<R>, &[R]),
) -> R {
    let model = p.model;
    let inside = |p: &mut Pulling<'_, R>, m: usize, scaled: R, by: R| {
        bounded_pullback(
            scaled,
            &model.actuators[m].force_range,
            by,
            &mut p.out_model.actuators[m].force_range,
        )
    };
    let Transmission::Tendon(t) = model.topology.actuators[k].transmission else {
        return inside(p, k, actuation.raw[k], by_own);
    };
    let (sum, factor) = actuation.tendons[t];
    let by_scaled = inside(p, k, actuation.raw[k] * factor, by_own);
    let Some([lo, hi]) = model.tendons[t].force_range else { return by_scaled };
    let outside = |x: R| R::select(sum.lt(lo), x, R::select(sum.gt(hi), x, R::zero()));
    // The factor bound/sum depends on every force on the tendon, this one included.
    let mut by_factor = R::zero();
    for m in 0..model.actuators.len() {
        let layout = &model.topology.actuators[m];
        if layout.transmission == Transmission::Tendon(t) && !layout.disabled {
            let by = by_force[m] + moment_times(model, p.state, p.links, m, &weight.y, weight);
            let mut unused = model.actuators[m].force_range.map(|_| [R::zero(); 2]);
            let scaled = actuation.raw[m] * factor;
            let by = bounded_pullback(scaled, &model.actuators[m].force_range, by, &mut unused);
            by_factor += by * actuation.raw[m];
        }
    }
    let safe = R::select(sum.lt(lo), sum, R::select(sum.gt(hi), sum, R::one()));
    if let Some(share) = &mut p.out_model.tendons[t].force_range {
        // Each actuator of the tendon comes by here: each gives its own part of the sum.
        let part = by_scaled * actuation.raw[k] / safe;
        share[0] += R::select(sum.lt(lo), part, R::zero());
        share[1] += R::select(sum.gt(hi), part, R::zero());
    }
    by_scaled * factor - outside(by_factor * factor / safe)
}

/// Back through gain, bias, activation and control.
fn law_pullback<R: Real>(
    p: &mut Pulling<'_, R>,
    input: &Input<R>,
    actuation: &Actuation<R>,
    k: usize,
    (by_force, by_slope): (R, R),
    act: &[R],
    out_u: &mut [R],
) -> Asked<R> {
    let (model, layout) = (p.model, &p.model.topology.actuators[k]);
    let a = &model.actuators[k];
    let (length, rate, signal) = (actuation.length[k], actuation.rate[k], actuation.signal[k]);
    let gain = a.gain[0] + a.gain[1] * length + a.gain[2] * rate;
    let by_gain = by_force * signal;
    let share = &mut p.out_model.actuators[k];
    for (own, x) in [R::one(), length, rate].into_iter().enumerate() {
        share.gain[own] += by_gain * x;
        share.bias[own] += by_force * x;
    }
    share.gain[2] += by_slope * signal;
    share.bias[2] += by_slope;
    let by_signal = gain * by_force + a.gain[2] * by_slope;
    let mut by_u = by_signal;
    let [turns, control_turns] = actuation.turns[k];
    let winding = period(model, k);
    if winding.is_some() {
        period_pullback(model, k, by_signal * turns, p.out_model);
    }
    if let Some(at) = layout.act {
        let (state_act, mut by_rate) = (p.state.act[at], act[at]);
        if layout.act_early {
            let (by_act, more) =
                next_activation_pullback(model, k, state_act, actuation.act_rate[at], by_signal, p.out_model);
            p.out.act[at] += by_act;
            by_rate += more;
        } else {
            p.out.act[at] += by_signal;
        }
        let u = control(model, input, k) + winding.map_or(R::zero(), |period| control_turns * period);
        let x = [state_act, u, a.time_constant];
        let dynamics = layout.dynamics;
        let [by_act, u, by_tau] = leaf_pullback(|x| [activation_rate(dynamics, x)], x, [by_rate]);
        p.out.act[at] += by_act;
        p.out_model.actuators[k].time_constant += by_tau;
        by_u = u;
        if winding.is_some() {
            period_pullback(model, k, by_u * control_turns, p.out_model);
        }
    }
    out_u[k] += if model.topology.flags.clampctrl {
        bounded_pullback(input.u[k], &a.ctrl_range, by_u, &mut p.out_model.actuators[k].ctrl_range)
    } else {
        by_u
    };
    Asked {
        length: by_force * (a.gain[1] * signal + a.bias[1]),
        rate: by_force * (a.gain[2] * signal + a.bias[2]),
    }
}
