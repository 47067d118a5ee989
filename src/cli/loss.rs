//! What a rollout is measured by: the terms of a scene, or a random function for a bare model.

use super::subject::Subject;
use crate::model::{Input, Model, State};
use crate::number::Real;
use crate::objective::{Objective, RandomLinear, Term, Terms};
use crate::physics::{Cotangents, Engine};

/// A loss that can be had over any number.
#[derive(Clone, Debug)]
pub enum Loss {
    Random(RandomLinear),
    Terms(Vec<Term>),
}

/// A loss over one number.
#[derive(Clone, Debug)]
pub enum Over<R: Real> {
    Random(RandomLinear),
    Terms(Box<Terms<R>>),
}

impl Loss {
    /// The terms of a scene; for a bare model a seeded random linear function of all states.
    pub fn of(subject: &Subject, steps: usize, seed: u64) -> Self {
        match &subject.scene {
            Some(scene) => Self::Terms(scene.problem.terms.clone()),
            None => Self::Random(RandomLinear::new(&subject.model, steps, seed)),
        }
    }

    pub fn over<R: Engine>(&self, model: &Model<R>) -> Over<R> {
        match self {
            Self::Random(loss) => Over::Random(loss.clone()),
            Self::Terms(terms) => Over::Terms(Box::new(Terms::new(model, terms.clone()))),
        }
    }
}

impl<R: Engine> Objective<R> for Over<R> {
    fn cost(&mut self, model: &Model<R>, state: &State<R>, input: Option<&Input<R>>, k: usize) -> R {
        match self {
            Self::Random(loss) => loss.cost(model, state, input, k),
            Self::Terms(loss) => loss.cost(model, state, input, k),
        }
    }

    fn cost_pullback(
        &mut self,
        model: &Model<R>,
        state: &State<R>,
        input: Option<&Input<R>>,
        k: usize,
        out: &mut Cotangents<R>,
    ) {
        match self {
            Self::Random(loss) => loss.cost_pullback(model, state, input, k, out),
            Self::Terms(loss) => loss.cost_pullback(model, state, input, k, out),
        }
    }
}
