//! A neural controller.

use std::ops::Range;

use super::{Controller, Mlp};
use crate::model::{Input, Model, State};
use crate::number::Real;
use crate::physics::{Cotangents, Engine};
use crate::sense::{Observation, Observer};

/// `u_i = m_i + s_i tanh(z_i)`, `z` the outputs of a network that sees the observations; without a range of the
/// actuator, `u_i = z_i`.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// The actuators.
    pub actuators: Vec<usize>,
    /// Middle and half of the range of each, if it has one.
    pub ranges: Vec<Option<[f64; 2]>>,
    /// What it sees.
    pub observed: Vec<Observation>,
    /// Its layers.
    pub mlp: Mlp,
}

/// A [`Network`] at work. Worlds that share a register share its weights: what they see at one step is one
/// matrix of plain numbers, a row for each world. Numbers with derivatives go through it one by one.
///
/// What every step sees and does is kept, so that the cotangents of the weights are found for all steps at once.
#[derive(Clone, Debug)]
pub struct Networking<R: Real> {
    law: Network,
    observer: Observer<R>,
    seen: Vec<R>,
    parameters: Vec<R::Row>,
    steps: usize,
    /// How many worlds of a register count; the others only stand in.
    worlds: usize,
    /// Of every step, as [`Mlp::forward`] and [`Mlp::pullback`] leave them.
    values: Vec<R::Row>,
    slopes: Vec<R::Row>,
    cotangents: Vec<R::Row>,
}

impl<R: Real> Networking<R> {
    /// Room for one model.
    pub fn new(model: &Model<R>, law: Network) -> Self {
        Self {
            observer: Observer::new(model, law.observed.clone()),
            seen: vec![R::zero(); law.mlp.inputs()],
            parameters: vec![R::Row::zero(); law.mlp.count()],
            steps: 0,
            worlds: R::ROWS,
            values: Vec::new(),
            slopes: Vec::new(),
            cotangents: Vec::new(),
            law,
        }
    }

    /// The evaluations of step `k`.
    fn own(&self, k: usize) -> Range<usize> {
        k * R::ROWS..(k + 1) * R::ROWS
    }

    /// The place of output `o` of an evaluation among the values.
    fn output(&self, o: usize, evaluation: usize) -> usize {
        let (mlp, all) = (&self.law.mlp, self.steps * R::ROWS);
        (mlp.width() - mlp.outputs()) * all + evaluation * mlp.outputs() + o
    }

    /// Output `o` of all worlds at step `k`.
    fn answer(&self, o: usize, k: usize) -> R {
        R::from_rows(|row| self.values[self.output(o, self.own(k).start + row)])
    }
}

impl<R: Engine> Controller<R> for Networking<R> {
    fn count(&self) -> usize {
        self.parameters.len()
    }
    fn worlds(&mut self, count: usize) {
        self.worlds = count.min(R::ROWS);
    }
    fn start(&mut self, parameters: &[R], steps: usize) {
        self.parameters.iter_mut().zip(parameters).for_each(|(own, x)| *own = x.row(0));
        self.steps = steps;
        let all = steps * R::ROWS * self.law.mlp.width();
        for list in [&mut self.values, &mut self.slopes, &mut self.cotangents] {
            list.resize(all, R::Row::zero());
        }
        self.cotangents.fill(R::Row::zero());
    }
    fn act(&mut self, model: &Model<R>, state: &State<R>, k: usize, input: &mut Input<R>) {
        self.observer.at(k).observe(model, state, &mut self.seen);
        let own = self.own(k);
        let places = self.values.chunks_exact_mut(self.law.mlp.inputs().max(1)).skip(own.start);
        for (row, places) in places.take(own.len()).enumerate() {
            places.iter_mut().zip(&self.seen).for_each(|(place, x)| *place = x.row(row));
        }
        self.law.mlp.forward(&self.parameters, (&mut self.values, &mut self.slopes), own);
        for (o, (&i, range)) in self.law.actuators.iter().zip(&self.law.ranges).enumerate() {
            let z = self.answer(o, k);
            input.u[i] += match range {
                Some([middle, half]) => R::from_f64(*middle) + z.tanh().times(*half),
                None => z,
            };
        }
    }

    fn act_pullback(
        &mut self,
        model: &Model<R>,
        state: &State<R>,
        k: usize,
        w: &Input<R>,
        out: &mut Cotangents<R>,
    ) {
        let (own, n) = (self.own(k), self.law.mlp.inputs());
        for (o, (&i, range)) in self.law.actuators.iter().zip(&self.law.ranges).enumerate() {
            let w = match range {
                Some([_, half]) => w.u[i].times(*half) * (R::one() - self.answer(o, k).tanh().square()),
                None => w.u[i],
            };
            for row in 0..self.worlds {
                let at = self.output(o, own.start + row);
                self.cotangents[at] = w.row(row);
            }
        }
        let known = (&self.values[..], &self.slopes[..]);
        self.law.mlp.pullback(&self.parameters, known, &mut self.cotangents, own.clone());
        let of_inputs = &self.cotangents[own.start * n..];
        for (i, seen) in self.seen.iter_mut().enumerate() {
            *seen = R::from_rows(|row| of_inputs[row * n + i]);
        }
        self.observer.at(k).observe_pullback(model, state, &self.seen, out);
    }

    fn finish(&mut self, out: &mut [R]) {
        let mut sums = vec![R::Row::zero(); out.len()];
        self.law.mlp.parameters_pullback(&self.values, &self.cotangents, &mut sums);
        // The sum of all worlds stands in the first one.
        for (out, sum) in out.iter_mut().zip(sums) {
            *out += R::from_rows(|row| if row == 0 { sum } else { R::Row::zero() });
        }
    }
}
