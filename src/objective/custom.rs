//! Costs that a user writes as generic functions.

use super::Objective;
use crate::model::{Input, Model, State};
use crate::number::{Real, Tape, Var};
use crate::physics::Cotangents;
use crate::spatial::Force;

/// A cost of a user: one function, generic over the number; its derivative follows.
///
/// What it needs beyond the state, such as the place of a site, the function computes itself, for
/// instance by [`kinematics`](crate::physics::articulated::kinematics).
pub trait Law {
    /// The cost of state `k` and of the input of step `k`; the last state has no input.
    fn cost<R: Real>(&self, model: &Model<R>, state: &State<R>, input: Option<&Input<R>>, k: usize) -> R;
}

/// A user's law as an objective; its pullback runs on a tape, which allocates.
#[derive(Clone, Copy, Debug)]
pub struct Custom<L>(pub L);

impl<R: Real<Mask = bool>, L: Law> Objective<R> for Custom<L> {
    fn cost(&mut self, model: &Model<R>, state: &State<R>, input: Option<&Input<R>>, k: usize) -> R {
        self.0.cost(model, state, input, k)
    }

    fn cost_pullback(
        &mut self,
        model: &Model<R>,
        state: &State<R>,
        input: Option<&Input<R>>,
        k: usize,
        out: &mut Cotangents<R>,
    ) {
        let tape = Tape::default();
        let var = |x: R| tape.variable(x);
        let model_var = model.map(var);
        let state_var = state.map(var);
        let input_var = input.map(|i| i.map(var));
        let cost = self.0.cost(&model_var, &state_var, input_var.as_ref(), k);
        let Some(seed) = cost.node() else { return };
        let all = tape.pullback([(seed, R::one())]);
        let of = |x: Var<'_, R>| x.node().map_or(R::zero(), |n| all[n as usize]);

        out.add_numbers(model, state, (model_var.map(of), &state_var.map(of)));
        if let Some(input) = input_var {
            for (own, u) in out.input.u.iter_mut().zip(input.u) {
                *own += of(u);
            }
            for (own, f) in out.input.force.iter_mut().zip(input.force) {
                *own += of(f);
            }
            for (own, w) in out.input.wrench.iter_mut().zip(input.wrench) {
                *own += Force::new(w.torque.map(of), w.force.map(of));
            }
        }
    }
}
