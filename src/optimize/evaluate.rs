//! The cost of a choice of all variables, and its gradient.

use std::fmt::Debug;

use super::episodes::Episodes;
use super::problem::{Drawn, Precision, Problem, Realized};
use super::variable::{Coordinate, Subject, ranges};
use crate::control::Policy;
use crate::error::Error;
use crate::model::{Costate, Input, Model, Parameter, State};
use crate::number::{Lanes, LanesF32};
use crate::objective::{Objective, Terms};
use crate::physics::Engine;
use crate::physics::derive::{Compilation, compile, parameters};
use crate::rollout::{
    Batch, Batched, Health, Trajectory, Workspace, Worlds, health, simulate_batch,
    value_and_gradient_controlled,
};
use crate::spatial::{Vec3, so3_right_jacobian};

/// Evaluates a problem again and again.
#[derive(Debug)]
pub struct Evaluator<'p, O> {
    problem: &'p Problem,
    objective: O,
    coordinates: Vec<Coordinate>,
    /// As the file states it, if no parameter changes.
    fixed: Option<Model<f64>>,
    listing: Vec<Parameter>,
    workspace: Workspace<f64>,
    controls: Vec<f64>,
    inputs: Vec<Input<f64>>,
    natural: Vec<f64>,
    policy: Policy<'static, f64>,
    weights: Vec<f64>,
    /// Of the gradient from one start.
    share: Vec<f64>,
    /// Seed and number of the minibatch.
    minibatch: (u64, usize),
    /// Many starts at a time, if the objective is the problem's own terms.
    batch: Option<Box<dyn Together>>,
    pub(super) episodes: Option<Episodes>,
    left_out: LeftOut,
}

/// Worlds of a problem that are rolled out together, whatever number holds them.
pub(super) trait Together: Debug {
    /// Their trajectories.
    fn trajectories(&self, worlds: Worlds<'_>, problem: &Problem, weights: &[f64]) -> Vec<Rolled>;
    /// Their costs.
    fn costs(&mut self, worlds: Worlds<'_>, problem: &Problem, weights: &[f64]) -> Vec<Result<f64, Error>>;
    /// With their gradients.
    fn values_and_gradients(&mut self, worlds: Worlds<'_>, problem: &Problem, weights: &[f64]) -> &Batched;
    /// What the last gradient met.
    fn health(&self) -> Option<&Health>;
}

type Rolled = Result<Trajectory<f64>, Error>;

/// Worlds with particles have threads of their own, others share registers.
pub(super) fn together(problem: &Problem, precision: Precision) -> Box<dyn Together> {
    let memory = problem.gradients.memory;
    match precision {
        _ if !problem.description.particles.is_empty() => Box::new(Rolling::<f64>::new(memory)),
        Precision::Double => Box::new(Rolling::<Lanes>::new(memory)),
        Precision::Single => Box::new(Rolling::<LanesF32>::new(memory)),
    }
}

type Rolling<R> = Batch<R, Policy<'static, R>, Terms<R>>;

impl<R: Engine + Send + Sync + 'static> Together for Rolling<R>
where
    Workspace<R>: Send,
    Policy<'static, R>: Send,
    Terms<R>: Send,
{
    fn trajectories(&self, worlds: Worlds<'_>, problem: &Problem, weights: &[f64]) -> Vec<Rolled> {
        simulate_batch(worlds, (|model: &Model<R>| Policy::new(model, &problem.parts), weights))
    }
    fn costs(&mut self, worlds: Worlds<'_>, problem: &Problem, weights: &[f64]) -> Vec<Result<f64, Error>> {
        let policy = |model: &Model<R>| Policy::new(model, &problem.parts);
        let terms = |model: &Model<R>| Terms::new(model, problem.terms_seen());
        Batch::costs(self, worlds, (policy, weights), terms)
    }
    fn values_and_gradients(&mut self, worlds: Worlds<'_>, problem: &Problem, weights: &[f64]) -> &Batched {
        let policy = |model: &Model<R>| Policy::new(model, &problem.parts);
        let terms = |model: &Model<R>| Terms::new(model, problem.terms_seen());
        self.value_and_gradient(worlds, (policy, weights), terms)
    }
    fn health(&self) -> Option<&Health> {
        Batch::health(self)
    }
}

/// The worlds that failed and that gradients went on without.
#[derive(Clone, Debug, Default)]
struct LeftOut {
    count: usize,
    first: Option<(usize, Error)>,
}

/// What the worlds of a minibatch gave.
struct Found {
    costs: Vec<Result<f64, Error>>,
    /// Where they ended, if a gradient was asked for.
    ends: Vec<State<f64>>,
}

impl<'p> Evaluator<'p, Terms<f64>> {
    /// The function of a problem with its own costs: many starts are rolled out together.
    pub fn of_terms(problem: &'p Problem) -> Self {
        let terms = Terms::new(&compile(&problem.description), problem.terms_seen());
        let batch = problem.starts.as_ref().map(|_| together(problem, problem.gradients.precision));
        Self { batch, ..Self::new(problem, terms) }
    }
}

impl<'p, O: Objective<f64>> Evaluator<'p, O> {
    /// The function of a problem with this objective.
    pub fn new(problem: &'p Problem, objective: O) -> Self {
        let model = compile(&problem.description);
        let changes = problem.groups.iter().any(|g| matches!(g.subject, Subject::Parameters(_)));
        let coordinates = problem.coordinates();
        Self {
            problem,
            objective,
            natural: vec![0.0; coordinates.len()],
            coordinates,
            workspace: Workspace::new(&model, &problem.start),
            controls: problem.controls.clone(),
            inputs: vec![Input::zero(&model); problem.steps_seen()],
            policy: Policy::new(&model, &problem.parts),
            weights: Vec::new(),
            share: Vec::new(),
            minibatch: (0, 0),
            batch: None,
            episodes: Episodes::new(problem),
            left_out: LeftOut::default(),
            fixed: (!changes).then_some(model),
            listing: parameters(&problem.description),
        }
    }

    /// Chooses the minibatch of starts that the next gradients see.
    pub fn draw(&mut self, seed: u64, number: usize) {
        self.minibatch = (seed, number);
    }

    /// The variables in their own units.
    pub fn natural(&self, x: &[f64]) -> Vec<f64> {
        self.coordinates.iter().zip(x).map(|(c, x)| c.value(*x)).collect()
    }

    /// The cost at `x`, in the optimizer's coordinates; overwrites its gradient, unless there is no room for one.
    ///
    /// # Errors
    /// A rollout that diverges, or a cost that is not finite.
    pub fn value_and_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> Result<f64, Error> {
        for (p, (c, x)) in self.natural.iter_mut().zip(self.coordinates.iter().zip(x)) {
            *p = c.value(*x);
        }
        let cost = match self.fixed.take() {
            Some(model) => {
                let start = self.problem.place(&model, &self.natural, &mut self.controls);
                let cost = self.roll_batch(&model, &start, None, gradient);
                self.fixed = Some(model);
                cost?
            }
            None => {
                let Realized { compilation, start } = self.problem.realize(&self.natural, &mut self.controls);
                self.roll_batch(&compilation.model, &start, Some(&compilation), gradient)?
            }
        };
        for (g, (c, x)) in gradient.iter_mut().zip(self.coordinates.iter().zip(x)) {
            *g *= c.slope(*x);
        }
        if cost.is_finite() && gradient.iter().all(|g| g.is_finite()) {
            return Ok(cost);
        }
        Err(self.health().failure())
    }

    /// The mean over all starts.
    fn roll_batch(
        &mut self,
        model: &Model<f64>,
        start: &State<f64>,
        compilation: Option<&Compilation<f64>>,
        out: &mut [f64],
    ) -> Result<f64, Error> {
        self.problem.plan.inputs(&self.controls, &mut self.inputs);
        self.weights = self.problem.weights(&self.natural);
        let asked = !out.is_empty();
        let Some(starts) = &self.problem.starts else {
            let world = Drawn { start: start.clone(), numbers: Vec::new() };
            let cost = self.roll((model, compilation), &world, asked)?;
            out.iter_mut().zip(&self.share).for_each(|(out, g)| *out = *g);
            return Ok(cost);
        };
        let mut drawn = starts.minibatch(model, start, self.minibatch);
        if let Some(episodes) = &self.episodes {
            episodes.go_on(&mut drawn);
        }
        let own = self.problem.drawn_models(&self.listing, &self.natural, &mut drawn);
        let found = match self.batch.is_some() {
            true => self.roll_together((model, compilation), &drawn, &own, asked),
            false => self.roll_in_turn((model, compilation), &drawn, &own, asked),
        };
        self.mean(drawn, found, out)
    }

    /// The mean over the worlds that did not fail. A method that compares costs needs all of them.
    fn mean(&mut self, drawn: Vec<Drawn>, found: Found, out: &mut [f64]) -> Result<f64, Error> {
        let worlds = found.costs.iter().enumerate();
        let failed: Vec<(usize, Error)> =
            worlds.filter_map(|(world, cost)| Some((world, cost.clone().err()?))).collect();
        let alive = found.costs.len() - failed.len();
        if alive == 0 || !(failed.is_empty() || self.problem.method.draws_anew()) {
            return Err(Error::Worlds(failed));
        }
        self.left_out.count += failed.len();
        if self.left_out.first.is_none() {
            self.left_out.first = (!failed.is_empty()).then_some((self.minibatch.1, Error::Worlds(failed)));
        }
        let part = 1.0 / alive as f64;
        out.iter_mut().zip(&self.share).for_each(|(out, g)| *out = g * part);
        if let Some(episodes) = self.episodes.as_mut().filter(|_| !out.is_empty()) {
            episodes.advance(self.minibatch.1, drawn, &found.costs, &found.ends);
        }
        Ok(found.costs.iter().flatten().sum::<f64>() * part)
    }

    /// Worlds that were drawn; leaves the sum of their gradients in `share`.
    fn roll_together(
        &mut self,
        (model, compilation): (&Model<f64>, Option<&Compilation<f64>>),
        drawn: &[Drawn],
        own: &[Compilation<f64>],
        asked: bool,
    ) -> Found {
        let problem = self.problem;
        let starts: Vec<State<f64>> = drawn.iter().map(|d| d.start.clone()).collect();
        let models: Vec<Model<f64>> = own.iter().map(|own| own.model.clone()).collect();
        let worlds = Worlds {
            models: if own.is_empty() { std::slice::from_ref(model) } else { &models },
            starts: &starts,
            inputs: std::slice::from_ref(&self.inputs),
        };
        let batch = self.batch.as_mut().expect("worlds are rolled out together by a batch");
        if !asked {
            return Found { costs: batch.costs(worlds, problem, &self.weights), ends: Vec::new() };
        }
        let all = batch.values_and_gradients(worlds, problem, &self.weights);
        let numbers = compilation.map(|compilation| {
            if let Some(model) = &all.shared.model {
                return compilation.pullback(model);
            }
            let mut sum = vec![0.0; self.listing.len()];
            for ((drawn, own), world) in drawn.iter().zip(own).zip(&all.worlds) {
                let model = world.own.model.as_ref().expect("worlds with numbers of their own have models");
                let numbers = drawn.pullback(own, model, &world.start);
                sum.iter_mut().zip(numbers).for_each(|(sum, x)| *sum += x);
            }
            sum
        });
        // A start that is drawn at random is no variable.
        let cotangents = (&Costate::zero(model), &all.shared.inputs[..], &all.controller[..]);
        pull(problem, (model, numbers), &self.natural, cotangents, &mut self.share);
        let worlds = all.worlds.iter();
        let (costs, ends) = worlds.map(|world| (world.cost.clone(), world.end.clone())).unzip();
        Found { costs, ends }
    }

    /// The same, one after the other.
    fn roll_in_turn(
        &mut self,
        (model, compilation): (&Model<f64>, Option<&Compilation<f64>>),
        drawn: &[Drawn],
        own: &[Compilation<f64>],
        asked: bool,
    ) -> Found {
        let mut found = Found { costs: Vec::new(), ends: Vec::new() };
        let mut sum = vec![0.0; self.natural.len()];
        for (k, world) in drawn.iter().enumerate() {
            let (model, compilation) = match own.get(k) {
                Some(own) => (&own.model, compilation.map(|_| own)),
                None => (model, compilation),
            };
            let cost = self.roll((model, compilation), world, asked);
            if asked && cost.is_ok() {
                sum.iter_mut().zip(&self.share).for_each(|(sum, g)| *sum += g);
            }
            found.costs.push(cost);
            found.ends.push(self.workspace.end().clone());
        }
        self.share = sum;
        found
    }

    /// The cost of one world; leaves its gradient in `share`, if it is asked for.
    fn roll(
        &mut self,
        (model, compilation): (&Model<f64>, Option<&Compilation<f64>>),
        world: &Drawn,
        asked: bool,
    ) -> Result<f64, Error> {
        let controller = (&mut self.policy, &self.weights[..]);
        let (start, inputs, objective) = (&world.start, &self.inputs, &mut self.objective);
        if !asked {
            return self.workspace.cost(model, start, inputs, controller, objective);
        }
        let (cost, gradient) = value_and_gradient_controlled(
            model,
            start,
            inputs,
            controller,
            objective,
            self.problem.gradients.memory,
            &mut self.workspace,
        )?;
        let numbers = compilation.map(|c| world.pullback(c, &gradient.model, &gradient.start));
        let cotangents = (&gradient.start, &gradient.inputs[..], &gradient.controller[..]);
        pull(self.problem, (model, numbers), &self.natural, cotangents, &mut self.share);
        let finite = cost.is_finite() && self.share.iter().all(|g| g.is_finite());
        if finite { Ok(cost) } else { Err(health(&self.workspace).failure()) }
    }

    /// How many worlds failed that gradients went on without, as a sentence.
    pub fn left_out(&self) -> Option<String> {
        let (iteration, error) = self.left_out.first.as_ref()?;
        let count = self.left_out.count;
        Some(format!(
            "{count} rollouts failed and were left out; the first at iteration {iteration}: {error}"
        ))
    }

    /// What the last gradient met.
    pub fn health(&self) -> Health {
        let together = self.batch.as_ref().and_then(|batch| batch.health());
        together.cloned().unwrap_or_else(|| health(&self.workspace))
    }

    /// The numbers of the file at `x`.
    pub fn file_numbers(&self, x: &[f64]) -> Vec<f64> {
        self.problem.file_numbers(&self.listing, &self.natural(x))
    }
}

impl Drawn {
    /// The cotangents of the numbers of the file; one that the world draws for itself is no variable there.
    fn pullback(&self, own: &Compilation<f64>, model: &Model<f64>, start: &Costate<f64>) -> Vec<f64> {
        let mut numbers = own.pullback_from(model, start);
        self.numbers.iter().for_each(|(place, _)| numbers[*place] = 0.0);
        numbers
    }
}

/// The cotangents of the variables, in their own units, from those by start, inputs and controllers.
fn pull(
    problem: &Problem,
    (model, numbers): (&Model<f64>, Option<Vec<f64>>),
    natural: &[f64],
    (start, inputs, controllers): (&Costate<f64>, &[Input<f64>], &[f64]),
    out: &mut Vec<f64>,
) {
    let numbers = numbers.unwrap_or_default();
    out.clear();
    out.resize(natural.len(), 0.0);
    for (group, range) in problem.groups.iter().zip(ranges(&problem.groups)) {
        let out = &mut out[range.clone()];
        match &group.subject {
            Subject::Controls => problem.plan.inputs_pullback(inputs, out),
            Subject::Velocity(places) => {
                out.iter_mut().zip(places).for_each(|(out, i)| *out = start.v[*i]);
            }
            Subject::Configuration(places) => {
                let mut all = start.q.clone();
                turns_pullback(model, &problem.turn(natural).unwrap_or_default(), &mut all);
                out.iter_mut().zip(places).for_each(|(out, i)| *out = all[*i]);
            }
            Subject::Parameters(places) => {
                for (out, place) in out.iter_mut().zip(places) {
                    *out = numbers[*place];
                }
            }
            Subject::Controllers(places) => {
                for (out, place) in out.iter_mut().zip(places) {
                    *out = controllers[*place];
                }
            }
        }
    }
}

/// Pulls the cotangents of turns back through `exp`: `q ⊗ exp(w + δ) = q ⊗ exp(w) ⊗ exp(J_r δ)`.
fn turns_pullback(model: &Model<f64>, tangent: &[f64], out: &mut [f64]) {
    use crate::model::description::JointKind;
    for at in &model.topology.joints {
        let v = match at.kind {
            JointKind::Free => at.v + 3,
            JointKind::Ball => at.v,
            _ => continue,
        };
        let w = Vec3::new(tangent[v], tangent[v + 1], tangent[v + 2]);
        let turned = so3_right_jacobian(w).transpose_mul(Vec3::new(out[v], out[v + 1], out[v + 2]));
        out[v..v + 3].copy_from_slice(&turned.to_array());
    }
}
