//! The Jacobians of a step, by lanes of cotangents.

use super::integrate::{Record, StepBackward, step, step_pullback};
use super::step::Cotangents;
use crate::model::description::Integrator;
use crate::model::{Costate, Input, Model, State, advance_configuration_pullback};
use crate::number::{Lanes, Real};

/// A step, the same in all lanes, and its Jacobians; allocated once.
#[derive(Clone, Debug)]
pub struct Linearization {
    model: Model<Lanes>,
    state: State<Lanes>,
    next: State<f64>,
    plain_model: Model<f64>,
    plain: Record<f64>,
    input: Input<Lanes>,
    record: Record<Lanes>,
    backward: StepBackward<Lanes>,
    out: Cotangents<Lanes>,
    cotangent: Costate<Lanes>,
    /// Of the position update: unit rows, and their cotangents by configuration and velocity.
    unit: Vec<Lanes>,
    by_q: Vec<Lanes>,
    by_v: Vec<Lanes>,
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
            next: State::reference(model),
            plain_model: model.clone(),
            plain: Record::new(model),
            record: Record::new(&lanes),
            backward,
            out: Cotangents::zero(&lanes, &input),
            cotangent: Costate::zero(&lanes),
            unit: vec![Lanes::zero(); t.nv],
            by_q: vec![Lanes::zero(); t.nv],
            by_v: vec![Lanes::zero(); t.nv],
            a: vec![0.0; rows * rows],
            b: vec![0.0; rows * t.nu],
            input,
            model: lanes,
        }
    }

    /// Computes `a` and `b` at a state and an input: one step in plain numbers, whose record all lanes then
    /// share, and one pullback for every eight rows of velocity and activation. The rows of position follow
    /// from those of velocity, except with Runge and Kutta's method.
    pub fn update(&mut self, state: &State<f64>, input: &Input<f64>) {
        step(&self.plain_model, state, input, &mut self.plain, &mut self.next);
        self.record.copy_from(&self.plain, Lanes::splat);
        self.state.copy_as(state, Lanes::splat);
        self.input = input.map(Lanes::splat);
        let (nv, na) = (self.model.topology.nv, self.model.topology.na);
        let four = self.model.topology.integrator == Integrator::RungeKutta4;
        let first = if four { 0 } else { nv };
        for start in (first..2 * nv + na).step_by(Lanes::COUNT) {
            self.rows(start, (start + Lanes::COUNT).min(2 * nv + na));
            // The four stages of that method share one room for their factors.
            self.backward.constraint.weights.factored = !four;
        }
        self.backward.constraint.weights.factored = false;
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

    /// The rows of position: `δq' = exp(φ)ᵀ δq + h J_r(φ) δv'`, joint by joint. The pullback of the
    /// position update mixes only the dofs of one joint, so eight of its rows fit into the lanes.
    fn position_rows(&mut self) {
        let t = &self.model.topology;
        let (nv, nu, n) = (t.nv, t.nu, 2 * t.nv + t.na);
        let h = self.model.option.timestep;
        let next = &self.next.v;
        let lane = |i: usize| i - t.joints[t.dofs[i].joint].v;
        self.unit.iter_mut().enumerate().for_each(|(i, u)| {
            *u = Lanes::zero();
            u.set_lane(lane(i), 1.0);
        });
        self.by_q.fill(Lanes::zero());
        self.by_v.fill(Lanes::zero());
        advance_configuration_pullback(
            &self.model,
            |i| Lanes::splat(next[i]),
            h,
            &self.unit,
            (&mut self.by_q, &mut self.by_v),
        );
        let (position, velocity) = self.a.split_at_mut(nv * n);
        let (b_position, b_velocity) = self.b.split_at_mut(nv * nu);
        for i in 0..nv {
            let joint = &t.joints[t.dofs[i].joint];
            let row = &mut position[i * n..(i + 1) * n];
            let b_row = &mut b_position[i * nu..(i + 1) * nu];
            row.fill(0.0);
            b_row.fill(0.0);
            for j in joint.v..joint.v + joint.kind.sizes().1 {
                row[j] += self.by_q[j].lane(lane(i));
                let w = self.by_v[j].lane(lane(i));
                if w != 0.0 {
                    add_scaled(row, w, &velocity[j * n..(j + 1) * n]);
                    add_scaled(b_row, w, &b_velocity[j * nu..(j + 1) * nu]);
                }
            }
        }
    }
}

fn add_scaled(out: &mut [f64], w: f64, row: &[f64]) {
    for (x, r) in out.iter_mut().zip(row) {
        *x += w * r;
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
