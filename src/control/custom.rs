//! Controllers that a user writes as generic functions.

use super::Controller;
use crate::model::{Input, Model, State};
use crate::number::{Real, Tape, Var};
use crate::physics::Cotangents;

/// A controller or a force of a user: one function, generic over the number; its derivative follows.
///
/// What it needs beyond the state, such as the place of a site, the function computes itself, for
/// instance by [`kinematics`](crate::physics::articulated::kinematics).
pub trait Rule {
    /// How many parameters `θ` it has.
    fn count(&self) -> usize;

    /// Adds to the input of step `k`: controls `u` (nu); generalized forces `force` (nv) [N, N m], or wrenches
    /// of bodies and forces on mass points, if the rollout's inputs have room for them ([`Input::zero_applied`]).
    fn decide<R: Real>(
        &self,
        model: &Model<R>,
        state: &State<R>,
        k: usize,
        parameters: &[R],
        input: &mut Input<R>,
    );
}

/// A user's rule at work; its pullback runs on a tape, which allocates: a policy of 129 weights takes 5 times as
/// long as a [`Network`](super::Network), one of 4,609 weights 40 times, 0.2 ms for each step
/// (`examples/own_network.rs`).
#[derive(Clone, Debug)]
pub struct Custom<L, R> {
    rule: L,
    parameters: Vec<R>,
    gradient: Vec<R>,
}

impl<L: Rule, R: Real> Custom<L, R> {
    /// At work on one kind of number.
    pub fn new(rule: L) -> Self {
        let zero = vec![R::zero(); rule.count()];
        Self { rule, parameters: zero.clone(), gradient: zero }
    }
}

impl<L: Rule, R: Real<Mask = bool>> Controller<R> for Custom<L, R> {
    fn count(&self) -> usize {
        self.parameters.len()
    }
    fn start(&mut self, parameters: &[R], _: usize) {
        self.parameters.copy_from_slice(parameters);
        self.gradient.fill(R::zero());
    }
    fn act(&mut self, model: &Model<R>, state: &State<R>, k: usize, input: &mut Input<R>) {
        self.rule.decide(model, state, k, &self.parameters, input);
    }
    fn act_pullback(
        &mut self,
        model: &Model<R>,
        state: &State<R>,
        k: usize,
        w: &Input<R>,
        out: &mut Cotangents<R>,
    ) {
        let tape = Tape::default();
        let var = |x: R| tape.variable(x);
        let (model_var, state_var) = (model.map(var), state.map(var));
        let parameters: Vec<_> = self.parameters.iter().map(|&x| var(x)).collect();
        let mut input = w.map(|_| Var::zero());
        self.rule.decide(&model_var, &state_var, k, &parameters, &mut input);
        let seeds = numbers(&input).zip(numbers(w)).filter_map(|(x, w)| Some((x.node()?, w)));
        let all = tape.pullback(seeds);
        let of = |x: Var<'_, R>| x.node().map_or(R::zero(), |n| all[n as usize]);
        out.add_numbers(model, state, (model_var.map(of), &state_var.map(of)));
        self.gradient.iter_mut().zip(&parameters).for_each(|(own, x)| *own += of(*x));
    }
    fn finish(&mut self, out: &mut [R]) {
        out.iter_mut().zip(&self.gradient).for_each(|(out, g)| *out += *g);
    }
}

/// All numbers of an input.
fn numbers<R: Real>(input: &Input<R>) -> impl Iterator<Item = R> {
    let wrenches =
        input.wrench.iter().flat_map(|w| w.torque.to_array().into_iter().chain(w.force.to_array()));
    let pushes = input.push.iter().flat_map(|x| x.to_array());
    input.u.iter().chain(&input.force).copied().chain(wrenches).chain(pushes)
}
