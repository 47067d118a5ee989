//! Costs of quantities, running and at single times.

use std::ops::Range;

use super::{Objective, Penalty, Quantity};
use crate::model::{Input, Model, State};
use crate::number::Real;
use crate::physics::Cotangents;
use crate::physics::articulated::{Links, LinksCotangent, kinematics, kinematics_pullback};
use crate::spatial::Vec3;

/// When a term counts, in steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// At every step of the range, times the time step: an integral over time.
    Running(Range<usize>),
    /// At one state.
    At(usize),
}

/// `weight × penalty(quantity − target)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// As the scene calls it.
    pub name: String,
    /// What is measured.
    pub quantity: Quantity,
    /// What it should be; one number stands first.
    pub target: [f64; 3],
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
        }
    }
    fn deviation<R: Real>(
        &self,
        model: &Model<R>,
        state: &State<R>,
        input: Option<&Input<R>>,
        links: &Links<R>,
    ) -> Vec3<R> {
        self.quantity.measure(model, state, input, links) - Vec3::from_f64(self.target)
    }
}

/// The sum of terms.
#[derive(Clone, Debug)]
pub struct Terms<R> {
    terms: Vec<Term>,
    links: Links<R>,
    cotangent: LinksCotangent<R>,
}

impl<R: Real> Terms<R> {
    /// The sum of these terms, with scratch for one model.
    pub fn new(model: &Model<R>, terms: Vec<Term>) -> Self {
        Self { terms, links: Links::new(model), cotangent: LinksCotangent::new(model) }
    }

    /// Finds out where the bodies are, if an acting term asks.
    fn prepare(&mut self, model: &Model<R>, state: &State<R>, k: usize, has_input: bool) -> bool {
        let needed = self.terms.iter().any(|t| t.quantity.needs_links() && t.acts(k, has_input));
        if needed {
            kinematics(model, state, &mut self.links);
        }
        needed
    }
}

impl<R: Real> Objective<R> for Terms<R> {
    fn cost(&mut self, model: &Model<R>, state: &State<R>, input: Option<&Input<R>>, k: usize) -> R {
        self.prepare(model, state, k, input.is_some());
        let mut sum = R::zero();
        for term in self.terms.iter().filter(|t| t.acts(k, input.is_some())) {
            let d = term.deviation(model, state, input, &self.links);
            let cost = term.penalty.cost(d).times(term.weight);
            sum += match term.when {
                When::Running(_) => cost * model.option.timestep,
                When::At(_) => cost,
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
        let placed = self.prepare(model, state, k, input.is_some());
        for term in self.terms.iter().filter(|t| t.acts(k, input.is_some())) {
            let d = term.deviation(model, state, input, &self.links);
            let mut weight = R::from_f64(term.weight);
            if let When::Running(_) = term.when {
                out.model.option.timestep += term.penalty.cost(d) * weight;
                weight *= model.option.timestep;
            }
            let w = term.penalty.pullback(d, weight);
            term.quantity.measure_pullback(model, &self.links, w, &mut self.cotangent, out);
        }
        if placed {
            kinematics_pullback(
                model,
                state,
                &self.links,
                &mut self.cotangent,
                &mut out.state,
                &mut out.model,
            );
            self.cotangent.clear();
        }
    }
}
