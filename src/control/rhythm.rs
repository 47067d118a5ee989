//! A central pattern generator.

use std::f64::consts::TAU;

use super::Controller;
use crate::model::{Input, Model, State};
use crate::number::Real;
use crate::physics::Cotangents;

/// `u_i = o_i + a_i sin(2π f t + p_i)` for every actuator `i`, `t = k h`: one frequency `f` for all, and an
/// offset, an amplitude and a phase for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rhythm {
    /// The actuators.
    pub actuators: Vec<usize>,
}

/// A [`Rhythm`] at work. Its parameters are `f`, and then `(o, a, p)` of one actuator after the other.
#[derive(Clone, Debug)]
pub struct Swinging<R> {
    actuators: Vec<usize>,
    parameters: Vec<R>,
    gradient: Vec<R>,
}

impl<R: Real> Swinging<R> {
    /// At work on one kind of number.
    pub fn new(law: &Rhythm) -> Self {
        let zero = vec![R::zero(); 1 + 3 * law.actuators.len()];
        Self { actuators: law.actuators.clone(), parameters: zero.clone(), gradient: zero }
    }
}

impl<R: Real> Controller<R> for Swinging<R> {
    fn count(&self) -> usize {
        self.parameters.len()
    }
    fn start(&mut self, parameters: &[R], _: usize) {
        self.parameters.copy_from_slice(parameters);
        self.gradient.fill(R::zero());
    }
    fn act(&mut self, model: &Model<R>, _: &State<R>, k: usize, input: &mut Input<R>) {
        let turn = (self.parameters[0] * model.option.timestep).times(TAU * k as f64);
        for (&i, p) in self.actuators.iter().zip(self.parameters[1..].chunks_exact(3)) {
            input.u[i] += p[0] + p[1] * (turn + p[2]).sin();
        }
    }
    fn act_pullback(
        &mut self,
        model: &Model<R>,
        _: &State<R>,
        k: usize,
        w: &Input<R>,
        out: &mut Cotangents<R>,
    ) {
        let (frequency, h) = (self.parameters[0], model.option.timestep);
        let turn = (frequency * h).times(TAU * k as f64);
        let (first, each) = self.gradient.split_at_mut(1);
        let parameters = self.parameters[1..].chunks_exact(3);
        for ((&i, p), own) in self.actuators.iter().zip(parameters).zip(each.chunks_exact_mut(3)) {
            let (sine, cosine) = ((turn + p[2]).sin(), (turn + p[2]).cos());
            let by_turn = w.u[i] * p[1] * cosine;
            own[0] += w.u[i];
            own[1] += w.u[i] * sine;
            own[2] += by_turn;
            let by_cycles = by_turn.times(TAU * k as f64);
            first[0] += by_cycles * h;
            out.model.option.timestep += by_cycles * frequency;
        }
    }
    fn finish(&mut self, out: &mut [R]) {
        out.iter_mut().zip(&self.gradient).for_each(|(out, g)| *out += *g);
    }
}
