//! The Jacobians of a step, by lanes of cotangents.

use super::integrate::{Record, StepBackward, step, step_pullback};
use super::step::Cotangents;
use crate::model::description::Integrator;
use crate::model::{Costate, Input, Model, State, advance_configuration_pullback};
use crate::number::{Lanes, Real};

/// A step in all lanes, and its Jacobians; allocated once.
#[derive(Clone, Debug)]
pub struct Linearization {
    model: Model<Lanes>,
    state: State<Lanes>,
    next: State<Lanes>,
    input: Input<Lanes>,
    record: Record<Lanes>,
    backward: StepBackward<Lanes>,
    out: Cotangents<Lanes>,
    cotangent: Costate<Lanes>,
    /// `∂x'/∂x`, row by row, `x = (q tangent, v, act)`.
    pub a: Vec<f64>,
    /// `∂x'/∂u`, row by row.
    pub b: Vec<f64>,
}

impl Linearization {
    /// Room for one model.
    pub fn new(model: &Model<f64>) -> Self {
        let lanes = model.map(Lanes::splat);
        let t = &model.topology;
        let input = Input::zero(&lanes);
        let rows = 2 * t.nv + t.na;
        let mut backward = StepBackward::new(&lanes);
        backward.forget_parameters();
        Self {
            state: State::reference(&lanes),
            next: State::reference(&lanes),
            record: Record::new(&lanes),
            backward,
            out: Cotangents::zero(&lanes, &input),
            cotangent: Costate::zero(&lanes),
            a: vec![0.0; rows * rows],
            b: vec![0.0; rows * t.nu],
            input,
            model: lanes,
        }
    }

    /// Computes `a` and `b` at a state and an input: one step in lanes whose numbers are all the same,
    /// then one pullback for every eight rows of velocity and activation. The rows of position follow
    /// from those of velocity, except with Runge and Kutta's method.
    pub fn update(&mut self, state: &State<f64>, input: &Input<f64>) {
        for (own, x) in self.state.q.iter_mut().zip(&state.q) {
            *own = Lanes::splat(*x);
        }
        for (own, x) in self.state.v.iter_mut().zip(&state.v) {
            *own = Lanes::splat(*x);
        }
        for (own, x) in self.state.act.iter_mut().zip(&state.act) {
            *own = Lanes::splat(*x);
        }
        for (own, x) in self.state.mocap.iter_mut().zip(&state.mocap) {
            *own = x.map(Lanes::splat);
        }
        self.input = input.map(Lanes::splat);
        step(&self.model, &self.state, &self.input, &mut self.record, &mut self.next);
        let (nv, na) = (self.model.topology.nv, self.model.topology.na);
        let four = self.model.topology.integrator == Integrator::RungeKutta4;
        let first = if four { 0 } else { nv };
        for start in (first..2 * nv + na).step_by(Lanes::COUNT) {
            self.rows(start, (start + Lanes::COUNT).min(2 * nv + na));
        }
        if !four {
            self.position_rows();
        }
    }

    /// The rows `start..end`, one in each lane.
    fn rows(&mut self, start: usize, end: usize) {
        let t = &self.model.topology;
        let (nv, nu, na) = (t.nv, t.nu, t.na);
        let n = 2 * nv + na;
        self.cotangent.clear();
        for row in start..end {
            let entry = match row {
                i if i < nv => &mut self.cotangent.q[i],
                i if i < 2 * nv => &mut self.cotangent.v[i - nv],
                i => &mut self.cotangent.act[i - 2 * nv],
            };
            entry.set_lane(row - start, 1.0);
        }
        self.out.state.clear();
        if self.out.input.force.len() != self.input.force.len()
            || self.out.input.wrench.len() != self.input.wrench.len()
        {
            self.out.input = self.input.map(|_| Lanes::zero());
        }
        self.out.input.clear();
        step_pullback(
            &self.model,
            &self.state,
            &self.input,
            &self.record,
            &self.cotangent,
            &mut self.backward,
            &mut self.out,
        );
        let columns = self.out.state.q.iter().chain(&self.out.state.v).chain(&self.out.state.act);
        for (column, x) in columns.enumerate() {
            for (lane, x) in x.to_array()[..end - start].iter().enumerate() {
                self.a[(start + lane) * n + column] = *x;
            }
        }
        for (column, x) in self.out.input.u.iter().enumerate() {
            for (lane, x) in x.to_array()[..end - start].iter().enumerate() {
                self.b[(start + lane) * nu + column] = *x;
            }
        }
    }

    /// The rows of position: `δq' = exp(φ)ᵀ δq + h J_r(φ) δv'`, by the pullback of the position update.
    fn position_rows(&mut self) {
        let t = &self.model.topology;
        let (nv, nu, n) = (t.nv, t.nu, 2 * t.nv + t.na);
        let velocity = |i: usize| self.next.v[i];
        let mut unit = vec![Lanes::zero(); nv];
        let (mut by_q, mut by_v) = (unit.clone(), unit.clone());
        for i in 0..nv {
            unit[i] = Lanes::splat(1.0);
            by_q.fill(Lanes::zero());
            by_v.fill(Lanes::zero());
            let h = self.model.option.timestep;
            advance_configuration_pullback(&self.model, velocity, h, &unit, (&mut by_q, &mut by_v));
            unit[i] = Lanes::zero();
            let (position, velocity_rows) = self.a.split_at_mut(nv * n);
            let row = &mut position[i * n..(i + 1) * n];
            row.fill(0.0);
            for (x, q) in row.iter_mut().zip(&by_q) {
                *x = q.lane(0);
            }
            let (b_position, b_velocity) = self.b.split_at_mut(nv * nu);
            let b_row = &mut b_position[i * nu..(i + 1) * nu];
            b_row.fill(0.0);
            for j in 0..nv {
                let w = by_v[j].lane(0);
                if w != 0.0 {
                    for (x, v) in row.iter_mut().zip(&velocity_rows[j * n..(j + 1) * n]) {
                        *x += w * v;
                    }
                    for (x, v) in b_row.iter_mut().zip(&b_velocity[j * nu..(j + 1) * nu]) {
                        *x += w * v;
                    }
                }
            }
        }
    }
}

/// `A = ∂x'/∂x` and `B = ∂x'/∂u` of one step, nested rows, `x = (q tangent, v, act)`.
pub fn linearize(
    model: &Model<f64>,
    state: &State<f64>,
    input: &Input<f64>,
) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
    let mut linearization = Linearization::new(model);
    linearization.update(state, input);
    let n = 2 * model.topology.nv + model.topology.na;
    let rows = |all: &[f64], width: usize| (0..n).map(|i| all[i * width..(i + 1) * width].to_vec()).collect();
    (rows(&linearization.a, n), rows(&linearization.b, model.topology.nu))
}
