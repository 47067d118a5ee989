//! A neural controller.

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

/// A [`Network`] at work. What every step sees and does is kept, so that the cotangents of the weights are
/// found for all steps at once.
#[derive(Clone, Debug)]
pub struct Networking<R: Real> {
    law: Network,
    observer: Observer<R>,
    parameters: Vec<R>,
    steps: usize,
    /// Of every step, as [`Mlp::forward`] and [`Mlp::pullback`] leave them.
    values: Vec<R>,
    slopes: Vec<R>,
    cotangents: Vec<R>,
}

impl<R: Real> Networking<R> {
    /// Room for one model.
    pub fn new(model: &Model<R>, law: Network) -> Self {
        let observer = Observer::new(model, law.observed.clone());
        let parameters = vec![R::zero(); law.mlp.count()];
        let nothing = Vec::new;
        Self {
            law,
            observer,
            parameters,
            steps: 0,
            values: nothing(),
            slopes: nothing(),
            cotangents: nothing(),
        }
    }

    /// The places of step `k` among those of all steps.
    fn own(&self, k: usize) -> std::ops::Range<usize> {
        let width = self.law.mlp.width();
        k * width..(k + 1) * width
    }
}

impl<R: Real> Controller<R> for Networking<R> {
    fn count(&self) -> usize {
        self.parameters.len()
    }
    fn start(&mut self, parameters: &[R], steps: usize) {
        self.parameters.copy_from_slice(parameters);
        self.steps = steps;
        for list in [&mut self.values, &mut self.slopes, &mut self.cotangents] {
            list.resize(steps * self.law.mlp.width(), R::zero());
        }
        self.cotangents.fill(R::zero());
    }
    fn act(&mut self, model: &Model<R>, state: &State<R>, k: usize, input: &mut Input<R>) {
        let own = self.own(k);
        let (values, slopes) = (&mut self.values[own.clone()], &mut self.slopes[own]);
        self.observer.at(k).observe(model, state, &mut values[..self.law.mlp.inputs()]);
        self.law.mlp.forward(&self.parameters, values, slopes);
        let outputs = &values[values.len() - self.law.mlp.outputs()..];
        for ((&i, range), z) in self.law.actuators.iter().zip(&self.law.ranges).zip(outputs) {
            input.u[i] += match range {
                Some([middle, half]) => R::from_f64(*middle) + z.tanh().times(*half),
                None => *z,
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
        let own = self.own(k);
        let (values, slopes) = (&self.values[own.clone()], &self.slopes[own.clone()]);
        let cotangents = &mut self.cotangents[own];
        let first = values.len() - self.law.mlp.outputs();
        let outputs = values[first..].iter().zip(&mut cotangents[first..]);
        for ((&i, range), (z, own)) in self.law.actuators.iter().zip(&self.law.ranges).zip(outputs) {
            *own = match range {
                Some([_, half]) => w.u[i].times(*half) * (R::one() - z.tanh().square()),
                None => w.u[i],
            };
        }
        self.law.mlp.pullback(&self.parameters, (values, slopes), cotangents, true);
        let seen = &cotangents[..self.law.mlp.inputs()];
        self.observer.at(k).observe_pullback(model, state, seen, out);
    }
    fn finish(&mut self, out: &mut [R]) {
        let all = self.steps * self.law.mlp.width();
        self.law.mlp.parameters_pullback(1, &self.values[..all], &self.cotangents[..all], out);
    }
}
