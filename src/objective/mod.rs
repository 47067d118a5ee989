//! What is wished for.

mod random;

use crate::model::{Input, Model, State};
use crate::number::Real;
use crate::physics::Cotangents;

pub use random::RandomLinear;

/// A cost on every state of a rollout and on the input that acts there.
pub trait Objective<R: Real> {
    /// The cost of state `k` and of the input of step `k`; the last state has no input.
    fn cost(&mut self, model: &Model<R>, state: &State<R>, input: Option<&Input<R>>, k: usize) -> R;

    /// Adds the cotangents of the same cost.
    fn cost_pullback(
        &mut self,
        model: &Model<R>,
        state: &State<R>,
        input: Option<&Input<R>>,
        k: usize,
        out: &mut Cotangents<R>,
    );
}
