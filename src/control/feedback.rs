//! Proportional and derivative feedback.

use super::Controller;
use crate::model::{Input, Model, State};
use crate::number::Real;
use crate::physics::{Cotangents, Engine};
use crate::sense::{Observation, Observer};

/// `u_i = K_i (t_i + r_ik − x_i) + D_i (ṙ_ik − ẋ_i)` for every actuator `i`, with a target `t`, a reference
/// motion `r` and gains `K`, `D`.
#[derive(Clone, Debug, PartialEq)]
pub struct Feedback {
    /// The actuators.
    pub actuators: Vec<usize>,
    /// What each of them holds, and then the rates of the same.
    pub observed: Vec<Observation>,
    /// One row `(r, ṙ)` for each step, if the target moves.
    pub reference: Vec<Vec<f64>>,
}

/// A [`Feedback`] at work. Its parameters are `(K, D, t)` of one actuator after the other.
#[derive(Clone, Debug)]
pub struct Feeding<R: Real> {
    law: Feedback,
    observer: Observer<R>,
    seen: Vec<R>,
    asked: Vec<R>,
    parameters: Vec<R>,
    gradient: Vec<R>,
}

impl<R: Real> Feeding<R> {
    /// Room for one model.
    pub fn new(model: &Model<R>, law: Feedback) -> Self {
        let zero = |n| vec![R::zero(); n];
        let (n, seen) = (3 * law.actuators.len(), law.observed.len());
        let observer = Observer::new(model, law.observed.clone());
        Self { law, observer, seen: zero(seen), asked: zero(seen), parameters: zero(n), gradient: zero(n) }
    }

    fn reference(&self, k: usize, i: usize) -> R {
        R::from_f64(self.law.reference.get(k).map_or(0.0, |row| row[i]))
    }
}

impl<R: Engine> Controller<R> for Feeding<R> {
    fn count(&self) -> usize {
        self.parameters.len()
    }
    fn start(&mut self, parameters: &[R], _: usize) {
        self.parameters.copy_from_slice(parameters);
        self.gradient.fill(R::zero());
    }
    fn act(&mut self, model: &Model<R>, state: &State<R>, k: usize, input: &mut Input<R>) {
        self.observer.observe(model, state, &mut self.seen);
        let n = self.law.actuators.len();
        for (i, &actuator) in self.law.actuators.iter().enumerate() {
            let [gain, damping, target] = [0, 1, 2].map(|p| self.parameters[3 * i + p]);
            let error = target + self.reference(k, i) - self.seen[i];
            input.u[actuator] += gain * error + damping * (self.reference(k, n + i) - self.seen[n + i]);
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
        self.observer.observe(model, state, &mut self.seen);
        let n = self.law.actuators.len();
        for (i, &actuator) in self.law.actuators.iter().enumerate() {
            let [gain, damping, target] = [0, 1, 2].map(|p| self.parameters[3 * i + p]);
            let w = w.u[actuator];
            let error = target + self.reference(k, i) - self.seen[i];
            let rate_error = self.reference(k, n + i) - self.seen[n + i];
            self.gradient[3 * i] += w * error;
            self.gradient[3 * i + 1] += w * rate_error;
            self.gradient[3 * i + 2] += w * gain;
            (self.asked[i], self.asked[n + i]) = (-(w * gain), -(w * damping));
        }
        self.observer.observe_pullback(model, state, &self.asked, out);
    }
    fn finish(&mut self, out: &mut [R]) {
        out.iter_mut().zip(&self.gradient).for_each(|(out, g)| *out += *g);
    }
}
