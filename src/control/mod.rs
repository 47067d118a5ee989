//! What decides.
//!
//! A [`Plan`] gives controls in advance. A [`Controller`] finds them from the state, inside the adjoint; the
//! [`Part`]s of a [`Policy`] are added up: a law with ten meaningful numbers, a network with ten thousand, and
//! a mix of both are trained by the same gradient. A [`Rule`] of your own is one generic function.

mod custom;
mod feedback;
mod initial;
mod mlp;
mod network;
mod open_loop;
mod part;
mod rhythm;

use crate::model::{Input, Model, State};
use crate::number::Real;
use crate::physics::Cotangents;

pub use custom::{Custom, Rule};
pub use feedback::Feedback;
pub use initial::{Initial, Scheme};
pub use mlp::{Activation, Layer, Mlp, Named};
pub use network::Network;
pub use open_loop::{Plan, Shape};
pub use part::{Law, Part, Policy, initial_parameters};
pub use rhythm::Rhythm;

/// Controls as a function of the state, `u_k = c(x_k, k; θ)`.
///
/// A rollout calls [`start`](Controller::start) once, [`act`](Controller::act) once for every step, then
/// [`act_pullback`](Controller::act_pullback) once for every step, the last first, and
/// [`finish`](Controller::finish) once: what is dear about the parameters may wait for all steps.
pub trait Controller<R: Real> {
    /// How many parameters `θ` it has.
    fn count(&self) -> usize;

    /// How many of the worlds that a number holds count; the others stand in for missing ones. The cotangents of
    /// parameters are those of the worlds that count, each in its own or all of them in the first.
    fn worlds(&mut self, _count: usize) {}

    /// Takes the parameters over, and makes room for so many steps.
    fn start(&mut self, parameters: &[R], steps: usize);

    /// Adds the controls of step `k`, and forces if it applies any, for which the input needs to have room.
    fn act(&mut self, model: &Model<R>, state: &State<R>, k: usize, input: &mut Input<R>);

    /// The pullback of [`act`](Controller::act) at the same state: adds the cotangents of state and model, and
    /// notes those of the parameters.
    fn act_pullback(
        &mut self,
        model: &Model<R>,
        state: &State<R>,
        k: usize,
        w: &Input<R>,
        out: &mut Cotangents<R>,
    );

    /// Adds the cotangents of the parameters.
    fn finish(&mut self, out: &mut [R]);
}

/// Nobody decides: the controls are those that are given.
impl<R: Real> Controller<R> for () {
    fn count(&self) -> usize {
        0
    }
    fn start(&mut self, _: &[R], _: usize) {}
    fn act(&mut self, _: &Model<R>, _: &State<R>, _: usize, _: &mut Input<R>) {}
    fn act_pullback(&mut self, _: &Model<R>, _: &State<R>, _: usize, _: &Input<R>, _: &mut Cotangents<R>) {}
    fn finish(&mut self, _: &mut [R]) {}
}
