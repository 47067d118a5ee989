//! A neural controller.

use std::ops::Range;

use super::{Controller, Mlp};
use crate::model::{Input, Model, State};
use crate::number::Real;
use crate::physics::Cotangents;
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
#[derive(Clone, Debug)]
pub enum Networking<R: Real> {
    /// For plain numbers.
    Plain(Working<R, f64>),
    /// For numbers with derivatives.
    General(Working<R, R>),
}

/// A network over `N` in worlds over `R`. What every step sees and does is kept, so that the cotangents of the
/// weights are found for all steps at once.
#[derive(Clone, Debug)]
pub struct Working<R: Real, N: Real> {
    law: Network,
    observer: Observer<R>,
    seen: Vec<R>,
    parameters: Vec<N>,
    steps: usize,
    /// Rows of a step, the first of which belong to worlds that count.
    rows: usize,
    worlds: usize,
    /// Of every step, as [`Mlp::forward`] and [`Mlp::pullback`] leave them.
    values: Vec<N>,
    slopes: Vec<N>,
    cotangents: Vec<N>,
    /// From a number to that of one row, and back from all of them.
    split: fn(R, usize) -> N,
    join: fn(&dyn Fn(usize) -> N) -> R,
}

impl<R: Real> Networking<R> {
    /// Room for one model.
    pub fn new(model: &Model<R>, law: Network) -> Self {
        if R::ORDER == 0 {
            Self::Plain(Working::new(model, law, R::LANES, |x, k| x.lane(k), |row| R::from_lanes(row)))
        } else {
            Self::General(Working::new(model, law, 1, |x, _| x, |row| row(0)))
        }
    }
}

impl<R: Real, N: Real> Working<R, N> {
    fn new(
        model: &Model<R>,
        law: Network,
        rows: usize,
        split: fn(R, usize) -> N,
        join: fn(&dyn Fn(usize) -> N) -> R,
    ) -> Self {
        let nothing = Vec::new;
        Self {
            observer: Observer::new(model, law.observed.clone()),
            seen: vec![R::zero(); law.mlp.inputs()],
            parameters: vec![N::zero(); law.mlp.count()],
            steps: 0,
            rows,
            worlds: rows,
            values: nothing(),
            slopes: nothing(),
            cotangents: nothing(),
            split,
            join,
            law,
        }
    }

    /// The places of step `k` among those of all steps.
    fn own(&self, k: usize) -> Range<usize> {
        let width = self.rows * self.law.mlp.width();
        k * width..(k + 1) * width
    }

    /// Output `o` of every world, in the values or cotangents of a step.
    fn output(&self, o: usize, k: usize) -> usize {
        self.own(k).end - (self.rows * self.law.mlp.outputs()) + o
    }

    fn start(&mut self, parameters: &[R], steps: usize) {
        self.parameters.iter_mut().zip(parameters).for_each(|(own, x)| *own = (self.split)(*x, 0));
        self.steps = steps;
        let all = steps * self.rows * self.law.mlp.width();
        for list in [&mut self.values, &mut self.slopes, &mut self.cotangents] {
            list.resize(all, N::zero());
        }
        self.cotangents.fill(N::zero());
    }

    fn act(&mut self, model: &Model<R>, state: &State<R>, k: usize, input: &mut Input<R>) {
        let (own, n, m) = (self.own(k), self.law.mlp.inputs(), self.law.mlp.outputs());
        self.observer.at(k).observe(model, state, &mut self.seen);
        for row in 0..self.rows {
            let places = &mut self.values[own.start + row * n..][..n];
            places.iter_mut().zip(&self.seen).for_each(|(place, x)| *place = (self.split)(*x, row));
        }
        let (values, slopes) = (&mut self.values[own.clone()], &mut self.slopes[own]);
        self.law.mlp.forward(&self.parameters, values, slopes);
        for (o, (&i, range)) in self.law.actuators.iter().zip(&self.law.ranges).enumerate() {
            let z = (self.join)(&|row| self.values[self.output(row * m + o, k)]);
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
        let (own, n, m) = (self.own(k), self.law.mlp.inputs(), self.law.mlp.outputs());
        for (o, (&i, range)) in self.law.actuators.iter().zip(&self.law.ranges).enumerate() {
            let z = (self.join)(&|row| self.values[self.output(row * m + o, k)]);
            let w = match range {
                Some([_, half]) => w.u[i].times(*half) * (R::one() - z.tanh().square()),
                None => w.u[i],
            };
            for row in 0..self.worlds {
                let at = self.output(row * m + o, k);
                self.cotangents[at] = (self.split)(w, row);
            }
        }
        let (values, slopes) = (&self.values[own.clone()], &self.slopes[own.clone()]);
        let cotangents = &mut self.cotangents[own];
        self.law.mlp.pullback(&self.parameters, (values, slopes), cotangents, true);
        for (i, seen) in self.seen.iter_mut().enumerate() {
            *seen = (self.join)(&|row| cotangents[row * n + i]);
        }
        self.observer.at(k).observe_pullback(model, state, &self.seen, out);
    }

    fn finish(&mut self, out: &mut [R]) {
        let all = self.steps * self.rows * self.law.mlp.width();
        let mut sums = vec![N::zero(); out.len()];
        let (values, cotangents) = (&self.values[..all], &self.cotangents[..all]);
        self.law.mlp.parameters_pullback(self.rows, values, cotangents, &mut sums);
        // The sum of all worlds stands in the first one.
        for (out, sum) in out.iter_mut().zip(sums) {
            *out += (self.join)(&|row| if row == 0 { sum } else { N::zero() });
        }
    }
}

impl<R: Real> Controller<R> for Networking<R> {
    fn count(&self) -> usize {
        match self {
            Self::Plain(own) => own.parameters.len(),
            Self::General(own) => own.parameters.len(),
        }
    }
    fn worlds(&mut self, count: usize) {
        if let Self::Plain(own) = self {
            own.worlds = count.min(own.rows);
        }
    }
    fn start(&mut self, parameters: &[R], steps: usize) {
        match self {
            Self::Plain(own) => own.start(parameters, steps),
            Self::General(own) => own.start(parameters, steps),
        }
    }
    fn act(&mut self, model: &Model<R>, state: &State<R>, k: usize, input: &mut Input<R>) {
        match self {
            Self::Plain(own) => own.act(model, state, k, input),
            Self::General(own) => own.act(model, state, k, input),
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
        match self {
            Self::Plain(own) => own.act_pullback(model, state, k, w, out),
            Self::General(own) => own.act_pullback(model, state, k, w, out),
        }
    }
    fn finish(&mut self, out: &mut [R]) {
        match self {
            Self::Plain(own) => own.finish(out),
            Self::General(own) => own.finish(out),
        }
    }
}
