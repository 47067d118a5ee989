//! Policies: sums of controllers.

use std::ops::Range;

use super::Controller;
use super::feedback::{Feedback, Feeding};
use super::mlp::Named;
use super::network::{Network, Networking};
use super::rhythm::{Rhythm, Swinging};
use crate::model::{Input, Model, Parameter, State};
use crate::number::Real;
use crate::physics::{Cotangents, Engine};

/// Which law a part follows.
#[derive(Clone, Debug, PartialEq)]
pub enum Law {
    /// Proportional and derivative feedback.
    Feedback(Feedback),
    /// A central pattern generator.
    Rhythm(Rhythm),
    /// A neural network.
    Network(Network),
}

/// One of the controllers whose controls are added up.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// First word of the names of its parameters.
    pub name: String,
    /// What it does.
    pub law: Law,
    /// The steps at which it acts.
    pub steps: Range<usize>,
    /// Its parameters with names, units, bounds, and the values to begin with.
    pub parameters: Vec<Parameter>,
}

impl Part {
    /// Its parameters as arrays: of a network those of every layer, as PyTorch names and shapes them in a
    /// `Sequential` of `Linear`, `LayerNorm` if there is one, and the activation; otherwise all in one.
    ///
    /// `NAME.0.weight` is (outputs, inputs) and `NAME.0.bias` (outputs), those of the norm `NAME.1.weight`
    /// and `NAME.1.bias`; the next layer is number 2, or 3 behind a norm.
    pub fn arrays(&self) -> Vec<Named> {
        let Law::Network(network) = &self.law else {
            let all = self.parameters.len();
            return vec![Named { name: self.name.clone(), shape: vec![all], places: (0..all).collect() }];
        };
        let mut out = network.mlp.arrays();
        out.iter_mut().for_each(|array| array.name = format!("{}.{}", self.name, array.name));
        out
    }
}

/// The parameters of parts to begin with, one after the other.
pub fn initial_parameters(parts: &[Part]) -> Vec<f64> {
    parts.iter().flat_map(|part| &part.parameters).map(|p| p.value).collect()
}

/// A sum of controllers, each at work in its own time.
pub struct Policy<'c, R: Real> {
    parts: Vec<(Range<usize>, AtWork<'c, R>)>,
}

/// A controller at work.
enum AtWork<'c, R: Real> {
    Feedback(Feeding<R>),
    Rhythm(Swinging<R>),
    Network(Networking<R>),
    Own(Box<dyn Controller<R> + Send + 'c>),
}

impl<R: Engine> AtWork<'_, R> {
    fn get(&self) -> &dyn Controller<R> {
        match self {
            Self::Feedback(own) => own,
            Self::Rhythm(own) => own,
            Self::Network(own) => own,
            Self::Own(own) => &**own,
        }
    }
    fn get_mut(&mut self) -> &mut dyn Controller<R> {
        match self {
            Self::Feedback(own) => own,
            Self::Rhythm(own) => own,
            Self::Network(own) => own,
            Self::Own(own) => &mut **own,
        }
    }
}

impl<R: Real> std::fmt::Debug for Policy<'_, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a policy of {} parts", self.parts.len())
    }
}

impl<'c, R: Real + 'c> Policy<'c, R> {
    /// The policy of these parts, at work on one model.
    pub fn new(model: &Model<R>, parts: &[Part]) -> Self {
        let at_work = |part: &Part| match &part.law {
            Law::Feedback(law) => AtWork::Feedback(Feeding::new(model, law.clone())),
            Law::Rhythm(law) => AtWork::Rhythm(Swinging::new(law)),
            Law::Network(law) => AtWork::Network(Networking::new(model, law.clone())),
        };
        Self { parts: parts.iter().map(|part| (part.steps.clone(), at_work(part))).collect() }
    }

    /// Adds a controller of any kind.
    pub fn push(&mut self, steps: Range<usize>, controller: impl Controller<R> + Send + 'c) {
        self.parts.push((steps, AtWork::Own(Box::new(controller))));
    }
}

impl<R: Engine> Controller<R> for Policy<'_, R> {
    fn count(&self) -> usize {
        self.parts.iter().map(|(_, part)| part.get().count()).sum()
    }
    fn worlds(&mut self, count: usize) {
        self.parts.iter_mut().for_each(|(_, part)| part.get_mut().worlds(count));
    }
    fn start(&mut self, parameters: &[R], steps: usize) {
        let mut rest = parameters;
        for (_, part) in &mut self.parts {
            let (own, others) = rest.split_at(part.get().count());
            part.get_mut().start(own, steps);
            rest = others;
        }
    }
    fn act(&mut self, model: &Model<R>, state: &State<R>, k: usize, input: &mut Input<R>) {
        for (_, part) in self.parts.iter_mut().filter(|(steps, _)| steps.contains(&k)) {
            part.get_mut().act(model, state, k, input);
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
        for (_, part) in self.parts.iter_mut().filter(|(steps, _)| steps.contains(&k)) {
            part.get_mut().act_pullback(model, state, k, w, out);
        }
    }
    fn finish(&mut self, out: &mut [R]) {
        let mut rest = out;
        for (_, part) in &mut self.parts {
            let (own, others) = rest.split_at_mut(part.get().count());
            part.get_mut().finish(own);
            rest = others;
        }
    }
}
