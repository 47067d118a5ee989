//! Costs of quantities, running and at single times.

use std::ops::{Range, RangeInclusive};

use super::{Objective, Penalty};
use crate::model::{Input, Model, State};
use crate::number::Real;
use crate::physics::{Cotangents, Engine};
use crate::sense::{Needs, Quantity, View, ViewCotangent};
use crate::spatial::Vec3;

/// When a term counts, in steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// At every step of the range, times the time step: an integral over time.
    Running(Range<usize>),
    /// At one state.
    At(usize),
    /// At every so many states of the range, its last included, once each: a row of a recording.
    Rows {
        /// First and last state.
        states: RangeInclusive<usize>,
        /// States from one row to the next.
        every: usize,
    },
}

/// `weight × penalty(quantity − target)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// As the scene calls it.
    pub name: String,
    /// What is measured.
    pub quantity: Quantity,
    /// What it should be, state by state; the last one holds on, and one number stands first.
    pub target: Vec<[f64; 3]>,
    /// How a deviation costs.
    pub penalty: Penalty,
    /// Multiplies the penalty.
    pub weight: f64,
    /// At which states it counts.
    pub when: When,
}

impl Term {
    fn acts(&self, k: usize, has_input: bool) -> bool {
        match &self.when {
            // The integral counts every step once, at its start.
            When::Running(steps) => has_input && steps.contains(&k),
            When::At(step) => k == *step,
            When::Rows { states, every } => {
                states.contains(&k)
                    && (k - states.start()).is_multiple_of(*every)
                    && (has_input || !self.quantity.needs_input())
            }
        }
    }
    fn deviation<R: Real>(
        &self,
        model: &Model<R>,
        state: &State<R>,
        input: Option<&Input<R>>,
        k: usize,
        view: &View<R>,
    ) -> Vec3<R> {
        self.quantity.measure(model, state, input, view) - Vec3::from_f64(wanted(&self.target, k))
    }
}

/// What a target asks for at a state.
pub(super) fn wanted(target: &[[f64; 3]], k: usize) -> [f64; 3] {
    target.get(k).or(target.last()).copied().unwrap_or_default()
}

/// The sum of terms.
#[derive(Clone, Debug)]
pub struct Terms<R: Real> {
    terms: Vec<Term>,
    view: View<R>,
    cotangent: ViewCotangent<R>,
    /// The controls of every step that had a cost so far, if a term asks for those of the step before.
    controls: Vec<Vec<R>>,
}

impl<R: Engine> Terms<R> {
    /// The sum of these terms, with scratch for one model.
    pub fn new(model: &Model<R>, terms: Vec<Term>) -> Self {
        let view = View::new(model, terms.iter().map(|t| t.quantity));
        Self { terms, view, cotangent: ViewCotangent::new(model), controls: Vec::new() }
    }

    /// Keeps the controls of a step: costs come step by step, from the first on.
    fn remember(&mut self, input: Option<&Input<R>>, k: usize) {
        let Some(input) = input.filter(|_| self.terms.iter().any(|t| t.quantity.needs_past())) else {
            return;
        };
        if k == self.controls.len() {
            self.controls.push(input.u.clone());
        } else if let Some(own) = self.controls.get_mut(k) {
            own.clone_from(&input.u);
        }
    }

    /// Looks at what the acting terms ask for.
    fn prepare(&mut self, model: &Model<R>, state: &State<R>, input: Option<&Input<R>>, k: usize) {
        self.view.step = k;
        self.view.past.clear();
        if let Some(past) = k.checked_sub(1).and_then(|past| self.controls.get(past)) {
            self.view.past.extend_from_slice(past);
        }
        let acting = self.terms.iter().filter(|t| t.acts(k, input.is_some()));
        self.view.look(model, state, input, Needs::of(acting.map(|t| t.quantity)));
    }

    /// Appends numbers whose squares add up to the cost of state `k`, one for each number of a term that acts; weights
    /// are not negative.
    pub fn residuals(
        &mut self,
        model: &Model<R>,
        state: &State<R>,
        input: Option<&Input<R>>,
        k: usize,
        out: &mut Vec<R>,
    ) {
        self.remember(input, k);
        self.prepare(model, state, input, k);
        for term in self.terms.iter().filter(|t| t.acts(k, input.is_some())) {
            let residual = term.penalty.residual(term.deviation(model, state, input, k, &self.view));
            let share = match term.when {
                When::Running(_) => model.option.timestep.sqrt(),
                When::At(_) | When::Rows { .. } => R::one(),
            };
            let count = if term.quantity.is_vector() { 3 } else { 1 };
            out.extend(&(residual * share.times(term.weight.sqrt())).to_array()[..count]);
        }
    }
}

impl<R: Engine> Objective<R> for Terms<R> {
    fn cost(&mut self, model: &Model<R>, state: &State<R>, input: Option<&Input<R>>, k: usize) -> R {
        self.remember(input, k);
        self.prepare(model, state, input, k);
        let mut sum = R::zero();
        for term in self.terms.iter().filter(|t| t.acts(k, input.is_some())) {
            let d = term.deviation(model, state, input, k, &self.view);
            let cost = term.penalty.cost(d).times(term.weight);
            sum += match term.when {
                When::Running(_) => cost * model.option.timestep,
                When::At(_) | When::Rows { .. } => cost,
            };
        }
        sum
    }

    fn cost_pullback(
        &mut self,
        model: &Model<R>,
        state: &State<R>,
        input: Option<&Input<R>>,
        k: usize,
        out: &mut Cotangents<R>,
    ) {
        self.prepare(model, state, input, k);
        // What the step behind this one asked of its past; pullbacks come from the last step on.
        for (past, u) in self.cotangent.past.iter_mut().zip(&mut out.input.u) {
            let share = std::mem::replace(past, R::zero());
            if input.is_some() {
                *u += share;
            }
        }
        for term in self.terms.iter().filter(|t| t.acts(k, input.is_some())) {
            let d = term.deviation(model, state, input, k, &self.view);
            let mut weight = R::from_f64(term.weight);
            if let When::Running(_) = term.when {
                out.model.option.timestep += term.penalty.cost(d) * weight;
                weight *= model.option.timestep;
            }
            let w = term.penalty.pullback(d, weight);
            term.quantity.measure_pullback(model, state, &self.view, w, &mut self.cotangent, out);
        }
        self.view.look_pullback(model, state, input, &mut self.cotangent, out);
    }
}
