//! What is wished for.
//!
//! An [`Objective`] is a cost on every state of a rollout. [`Terms`] adds up costs of the form
//! *weight × penalty(quantity − target)*, with hand-written pullbacks; [`Custom`] takes a cost that
//! a user writes as a generic function, and finds its pullback on a tape; a pair of objectives is
//! their sum. [`goals`] judges a finished rollout against bounds.

mod custom;
pub mod goals;
mod penalty;
mod random;
mod terms;

use crate::model::{Input, Model, State};
use crate::number::Real;
use crate::physics::Cotangents;

pub use custom::{Custom, Law};
pub use penalty::Penalty;
pub use random::RandomLinear;
pub use terms::{Term, Terms, When};

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

/// An objective of any kind.
impl<R: Real, O: Objective<R> + ?Sized> Objective<R> for Box<O> {
    fn cost(&mut self, model: &Model<R>, state: &State<R>, input: Option<&Input<R>>, k: usize) -> R {
        (**self).cost(model, state, input, k)
    }

    fn cost_pullback(
        &mut self,
        model: &Model<R>,
        state: &State<R>,
        input: Option<&Input<R>>,
        k: usize,
        out: &mut Cotangents<R>,
    ) {
        (**self).cost_pullback(model, state, input, k, out);
    }
}

/// The sum of two objectives.
impl<R: Real, A: Objective<R>, B: Objective<R>> Objective<R> for (A, B) {
    fn cost(&mut self, model: &Model<R>, state: &State<R>, input: Option<&Input<R>>, k: usize) -> R {
        self.0.cost(model, state, input, k) + self.1.cost(model, state, input, k)
    }

    fn cost_pullback(
        &mut self,
        model: &Model<R>,
        state: &State<R>,
        input: Option<&Input<R>>,
        k: usize,
        out: &mut Cotangents<R>,
    ) {
        self.0.cost_pullback(model, state, input, k, out);
        self.1.cost_pullback(model, state, input, k, out);
    }
}
