//! The classical fourth-order method of Runge and Kutta, on the manifold of configurations.

use super::articulated::actuation::{final_activation, final_activation_pullback};
use super::integrate::{Record, StepBackward, optimum_pullback};
use super::step::{Cotangents, acceleration};
use crate::model::description::JointKind;
use crate::model::{
    Costate, Input, JointLayout, Model, State, advance_configuration, advance_configuration_pullback,
};
use crate::number::{Real, copy, leaf_pullback};
use crate::spatial::{Vec3, so3_log_jacobian};

/// The share of the step at which each stage is evaluated, and its weight in the result.
const NODES: [f64; 4] = [0.0, 0.5, 0.5, 1.0];
const WEIGHTS: [f64; 4] = [1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0];

/// States and rates of the four stages.
#[derive(Clone, Debug)]
pub struct Stages<R> {
    pub states: Vec<State<R>>,
    /// The rate of the configuration at each stage, in the tangent space at the start of the step.
    pub rates: Vec<Vec<R>>,
    pub mean: Vec<R>,
    pub mean_act: Vec<R>,
}

impl<R: Real> Stages<R> {
    pub fn new(model: &Model<R>) -> Self {
        let t = &model.topology;
        Self {
            states: vec![State::reference(model); 4],
            rates: vec![vec![R::zero(); t.nv]; 4],
            mean: vec![R::zero(); t.nv],
            mean_act: vec![R::zero(); t.na],
        }
    }
}

impl<R: Real> Stages<R> {
    /// Overwrites these stages with those over another number.
    pub fn copy_from<S: Real>(&mut self, other: &Stages<S>, f: impl Fn(S) -> R + Copy) {
        for (own, x) in self.states.iter_mut().zip(&other.states) {
            own.copy_as(x, f);
        }
        for (own, x) in self.rates.iter_mut().zip(&other.rates) {
            copy(own, x, f);
        }
        copy(&mut self.mean, &other.mean, f);
        copy(&mut self.mean_act, &other.mean_act, f);
    }
}

/// `k = J_r⁻¹(θ) ω`: an angular velocity at `exp(θ)`, as the rate of `θ`.
fn rate<R: Real>(x: [R; 6]) -> [R; 3] {
    let (theta, omega) = (Vec3::new(x[0], x[1], x[2]), Vec3::new(x[3], x[4], x[5]));
    (so3_log_jacobian(theta) * omega).to_array()
}

/// The first dof of a joint's rotation in space.
fn rotation(at: &JointLayout) -> Option<usize> {
    match at.kind {
        JointKind::Free => Some(at.v + 3),
        JointKind::Ball => Some(at.v),
        _ => None,
    }
}

/// State and rate of stage `i` from the stage before.
fn set_stage<R: Real>(model: &Model<R>, start: &State<R>, record: &mut Record<R>, i: usize) {
    let Some(runge) = &mut record.runge_kutta else { return };
    if i == 0 {
        runge.states[0].copy_from(start);
        runge.rates[0].copy_from_slice(&start.v);
        return;
    }
    let step = model.option.timestep.times(NODES[i]);
    let before = &record.stages[i - 1];
    let (past, own) = runge.rates.split_at_mut(i);
    let (last, own) = (&past[i - 1], &mut own[0]);
    let state = &mut runge.states[i];
    before.keep_warm(&mut state.warm);
    state.time = start.time + step;
    state.mocap.copy_from_slice(&start.mocap);
    advance_configuration(model, &start.q, last, step, &mut state.q);
    for k in 0..state.v.len() {
        state.v[k] = start.v[k] + step * before.a[k];
    }
    for k in 0..state.act.len() {
        state.act[k] = start.act[k] + step * before.actuation.act_rate[k];
    }
    own.copy_from_slice(&state.v);
    for v in model.topology.joints.iter().filter_map(rotation) {
        let theta = [0, 1, 2].map(|k| step * last[v + k]);
        let x = [theta[0], theta[1], theta[2], state.v[v], state.v[v + 1], state.v[v + 2]];
        own[v..v + 3].copy_from_slice(&rate(x));
    }
}

/// One step: `v' = v + h Σ b a`, `q' = q ⊞ h Σ b k`.
pub(super) fn step<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    input: &Input<R>,
    record: &mut Record<R>,
    next: &mut State<R>,
) {
    for i in 0..4 {
        set_stage(model, state, record, i);
        let Some(runge) = &record.runge_kutta else { return };
        acceleration(model, &runge.states[i], input, &mut record.stages[i]);
    }
    set_means(model, record);
    let Some(runge) = &record.runge_kutta else { return };
    let h = model.option.timestep;
    for (k, layout) in model.topology.actuators.iter().enumerate() {
        if let Some(at) = layout.act {
            let length = record.stages[0].actuation.length[k];
            next.act[at] = final_activation(model, k, state.act[at], runge.mean_act[at], length);
        }
    }
    for i in 0..next.v.len() {
        next.v[i] = state.v[i] + h * mean_acceleration(record, i);
    }
    advance_configuration(model, &state.q, &runge.mean, h, &mut next.q);
    next.time = state.time + h;
    next.mocap.copy_from_slice(&state.mocap);
    record.stages[3].keep_warm(&mut next.warm);
}

fn mean_acceleration<R: Real>(record: &Record<R>, i: usize) -> R {
    (0..4).fold(R::zero(), |sum, s| sum + record.stages[s].a[i].times(WEIGHTS[s]))
}

fn set_means<R: Real>(model: &Model<R>, record: &mut Record<R>) {
    let Some(runge) = &mut record.runge_kutta else { return };
    for i in 0..model.topology.nv {
        runge.mean[i] = (0..4).fold(R::zero(), |sum, s| sum + runge.rates[s][i].times(WEIGHTS[s]));
    }
    for i in 0..model.topology.na {
        let rate = |s: usize| record.stages[s].actuation.act_rate[i].times(WEIGHTS[s]);
        runge.mean_act[i] = (0..4).fold(R::zero(), |sum, s| sum + rate(s));
    }
}

/// Scratch of [`step_pullback`].
#[derive(Clone, Debug)]
pub struct RungeKuttaBackward<R> {
    /// Cotangents of each stage's acceleration, rate and activation rate.
    a: Vec<Vec<R>>,
    rates: Vec<Vec<R>>,
    act: Vec<Vec<R>>,
    mean: Vec<R>,
    stage: Costate<R>,
}

impl<R: Real> RungeKuttaBackward<R> {
    pub fn new(model: &Model<R>) -> Self {
        let t = &model.topology;
        let four = |n| vec![vec![R::zero(); n]; 4];
        Self {
            a: four(t.nv),
            rates: four(t.nv),
            act: four(t.na),
            mean: vec![R::zero(); t.nv],
            stage: Costate::zero(model),
        }
    }
}

/// The pullback of [`step`].
pub(super) fn step_pullback<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    input: &Input<R>,
    record: &Record<R>,
    cotangent: &Costate<R>,
    scratch: &mut StepBackward<R>,
    out: &mut Cotangents<R>,
) {
    let (Some(runge), Some(mut own)) = (&record.runge_kutta, scratch.runge_kutta.take()) else { return };
    let back = &mut own;
    last_pullback(model, state, record, cotangent, back, out);
    // From the last stage to the first; each hands cotangents on to the one before.
    for i in (0..4).rev() {
        let stage = &record.stages[i];
        scratch.weight.copy_from_slice(&back.a[i]);
        scratch.act.copy_from_slice(&back.act[i]);
        back.stage.clear();
        std::mem::swap(&mut back.stage, &mut out.state);
        optimum_pullback(model, &runge.states[i], input, stage, scratch, out);
        std::mem::swap(&mut back.stage, &mut out.state);
        stage_pullback(model, record, i, back, out);
    }
    scratch.runge_kutta = Some(own);
}

/// From the cotangent of the new state to those of the stages' accelerations and rates.
fn last_pullback<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    record: &Record<R>,
    cotangent: &Costate<R>,
    back: &mut RungeKuttaBackward<R>,
    out: &mut Cotangents<R>,
) {
    let Some(runge) = &record.runge_kutta else { return };
    let h = model.option.timestep;
    back.mean.fill(R::zero());
    let rate = |i: usize| runge.mean[i];
    let own = (&mut out.state.q[..], &mut back.mean[..]);
    let by_h = advance_configuration_pullback(model, rate, h, &cotangent.q, own);
    out.model.option.timestep += by_h;
    for i in 0..model.topology.nv {
        let w = cotangent.v[i];
        out.state.v[i] += w;
        out.model.option.timestep += w * mean_acceleration(record, i);
        for s in 0..4 {
            back.a[s][i] = (h * w).times(WEIGHTS[s]);
            back.rates[s][i] = back.mean[i].times(WEIGHTS[s]);
        }
    }
    for (k, layout) in model.topology.actuators.iter().enumerate() {
        if let Some(at) = layout.act {
            let values = (state.act[at], runge.mean_act[at], record.stages[0].actuation.length[k]);
            let (by_act, by_rate) =
                final_activation_pullback(model, k, values, cotangent.act[at], &mut out.model);
            out.state.act[at] += by_act;
            for s in 0..4 {
                back.act[s][at] = by_rate.times(WEIGHTS[s]);
            }
        }
    }
    for (own, w) in out.state.mocap.iter_mut().zip(&cotangent.mocap) {
        *own += *w;
    }
}

/// From the cotangent of stage `i`'s state and rate to the start and the stage before.
fn stage_pullback<R: Real>(
    model: &Model<R>,
    record: &Record<R>,
    i: usize,
    back: &mut RungeKuttaBackward<R>,
    out: &mut Cotangents<R>,
) {
    let Some(runge) = &record.runge_kutta else { return };
    let step = model.option.timestep.times(NODES[i]);
    let mut by_step = R::zero();
    let (past, own) = back.rates.split_at_mut(i);
    let own = &own[0];
    for at in &model.topology.joints {
        let v = rotation(at);
        // The rate of a scalar is its velocity.
        for k in at.v..v.unwrap_or(at.v + 1) {
            back.stage.v[k] += own[k];
        }
        let Some(v) = v else { continue };
        let last = if i == 0 { &runge.rates[0] } else { &runge.rates[i - 1] };
        let theta = [0, 1, 2].map(|k| step * last[v + k]);
        let omega = &runge.states[i].v[v..v + 3];
        let x = [theta[0], theta[1], theta[2], omega[0], omega[1], omega[2]];
        let share = leaf_pullback(rate, x, [own[v], own[v + 1], own[v + 2]]);
        for k in 0..3 {
            back.stage.v[v + k] += share[3 + k];
            if i > 0 {
                past[i - 1][v + k] += step * share[k];
                by_step += share[k] * last[v + k];
            }
        }
    }
    for (own, w) in out.state.mocap.iter_mut().zip(&back.stage.mocap) {
        *own += *w;
    }
    if i == 0 {
        for (all, own) in [
            (&mut out.state.q, &back.stage.q),
            (&mut out.state.v, &back.stage.v),
            (&mut out.state.act, &back.stage.act),
        ] {
            for (a, b) in all.iter_mut().zip(own) {
                *a += *b;
            }
        }
        return;
    }
    let before = &record.stages[i - 1];
    let last = &runge.rates[i - 1];
    let rate = |k: usize| last[k];
    let own = (&mut out.state.q[..], &mut past[i - 1][..]);
    by_step += advance_configuration_pullback(model, rate, step, &back.stage.q, own);
    for k in 0..model.topology.nv {
        let w = back.stage.v[k];
        out.state.v[k] += w;
        back.a[i - 1][k] += step * w;
        by_step += w * before.a[k];
    }
    for k in 0..model.topology.na {
        let w = back.stage.act[k];
        out.state.act[k] += w;
        back.act[i - 1][k] += step * w;
        by_step += w * before.actuation.act_rate[k];
    }
    out.model.option.timestep += by_step.times(NODES[i]);
}
