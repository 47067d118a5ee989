//! The cost of a choice of all variables, and its gradient.

use super::problem::{Drawn, Problem, Realized};
use super::variable::{Coordinate, Subject, ranges};
use crate::control::Policy;
use crate::error::Error;
use crate::model::{Input, Model, Parameter, State};
use crate::number::Lanes;
use crate::objective::{Objective, Terms};
use crate::physics::derive::{Compilation, compile, parameters};
use crate::rollout::{
    Batch, Gradient, Health, Memory, Workspace, Worlds, cost_batch, cost_controlled, health,
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
    /// Eight starts at a time, if the objective is the problem's own terms.
    batch: Option<Batch>,
}

impl<'p> Evaluator<'p, Terms<f64>> {
    /// The function of a problem with its own costs: many starts are rolled out together.
    pub fn of_terms(problem: &'p Problem) -> Self {
        let terms = Terms::new(&compile(&problem.description), problem.terms.clone());
        // Worlds with particles do not share registers.
        let together = problem.starts.is_some() && problem.description.particles.is_empty();
        let batch = together.then(|| Batch::new(Memory::Full));
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
            inputs: vec![Input::zero(&model); problem.plan.steps()],
            policy: Policy::new(&model, &problem.parts),
            weights: Vec::new(),
            share: Vec::new(),
            minibatch: (0, 0),
            batch: None,
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
        let whole = (self.problem.plan.steps(), "the cost or its gradient".to_owned());
        let broken = self.health().broken.map(|(step, of)| (step, format!("the cotangent of {of}")));
        let (step, quantity) = broken.unwrap_or(whole);
        Err(Error::Diverged {
            step,
            quantity,
            remedy: "choose a smaller learning rate, a smaller time step or smaller weights".to_owned(),
        })
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
        let Some(starts) = &self.problem.starts else {
            if out.is_empty() {
                let controller = (&mut self.policy, &self.weights[..]);
                return cost_controlled(model, start, &self.inputs, controller, &mut self.objective);
            }
            let cost = self.roll((model, compilation), start)?;
            out.copy_from_slice(&self.share);
            return Ok(cost);
        };
        let drawn = starts.minibatch(model, start, self.minibatch);
        let own = self.problem.drawn_models(&self.listing, &self.natural, &drawn);
        if self.batch.is_some() {
            return self.roll_together((model, compilation), &drawn, own, out);
        }
        out.fill(0.0);
        let (mut sum, part) = (0.0, 1.0 / drawn.len() as f64);
        for (k, world) in drawn.iter().enumerate() {
            let (model, compilation) = match own.get(k) {
                Some(own) => (&own.model, compilation.map(|_| own)),
                None => (model, compilation),
            };
            sum += self.roll((model, compilation), &world.start)? * part;
            out.iter_mut().zip(&self.share).for_each(|(out, g)| *out += g * part);
        }
        Ok(sum)
    }

    /// The mean over worlds that were drawn, eight to a register.
    fn roll_together(
        &mut self,
        (model, compilation): (&Model<f64>, Option<&Compilation<f64>>),
        drawn: &[Drawn],
        own: Vec<Compilation<f64>>,
        out: &mut [f64],
    ) -> Result<f64, Error> {
        let problem = self.problem;
        let starts: Vec<State<f64>> = drawn.iter().map(|d| d.start.clone()).collect();
        let models: Vec<Model<f64>> = own.iter().map(|own| own.model.clone()).collect();
        let worlds = Worlds {
            models: if own.is_empty() { std::slice::from_ref(model) } else { &models },
            starts: &starts,
            inputs: std::slice::from_ref(&self.inputs),
        };
        let policy = (|model: &Model<Lanes>| Policy::new(model, &problem.parts), &self.weights[..]);
        let terms = |model: &Model<Lanes>| Terms::new(model, problem.terms.clone());
        let part = 1.0 / drawn.len() as f64;
        let Some(batch) = self.batch.as_mut().filter(|_| !out.is_empty()) else {
            return Ok(cost_batch(worlds, policy, terms)?.iter().sum::<f64>() * part);
        };
        let all = batch.value_and_gradient(worlds, policy, terms)?;
        let cost = all.costs.iter().sum::<f64>() * part;
        // A number that a world draws for itself is no variable there.
        let numbers = compilation.map(|shared| match &own[..] {
            [] => shared.pullback(&all.models[0]),
            own => {
                let mut sum = vec![0.0; self.listing.len()];
                for ((own, model), drawn) in own.iter().zip(&all.models).zip(drawn) {
                    let mut numbers = own.pullback(model);
                    drawn.numbers.iter().for_each(|(place, _)| numbers[*place] = 0.0);
                    sum.iter_mut().zip(numbers).for_each(|(sum, x)| *sum += x);
                }
                sum
            }
        });
        pull(problem, (model, numbers), &self.natural, &all.summed(), &mut self.share);
        out.iter_mut().zip(&self.share).for_each(|(out, g)| *out = g * part);
        Ok(cost)
    }

    /// The cost from one start; leaves its gradient in `share`.
    fn roll(
        &mut self,
        (model, compilation): (&Model<f64>, Option<&Compilation<f64>>),
        start: &State<f64>,
    ) -> Result<f64, Error> {
        let (cost, gradient) = value_and_gradient_controlled(
            model,
            start,
            &self.inputs,
            (&mut self.policy, &self.weights),
            &mut self.objective,
            Memory::Full,
            &mut self.workspace,
        )?;
        let numbers = compilation.map(|c| c.pullback_from(&gradient.model, &gradient.start));
        pull(self.problem, (model, numbers), &self.natural, gradient, &mut self.share);
        Ok(cost)
    }

    /// What the last gradient met.
    pub fn health(&self) -> Health {
        self.batch.as_ref().and_then(Batch::health).unwrap_or_else(|| health(&self.workspace))
    }

    /// The numbers of the file at `x`.
    pub fn file_numbers(&self, x: &[f64]) -> Vec<f64> {
        self.problem.file_numbers(&self.listing, &self.natural(x))
    }
}

/// The cotangents of the variables, in their own units.
fn pull(
    problem: &Problem,
    (model, numbers): (&Model<f64>, Option<Vec<f64>>),
    natural: &[f64],
    gradient: &Gradient<f64>,
    out: &mut Vec<f64>,
) {
    let numbers = numbers.unwrap_or_default();
    out.clear();
    out.resize(natural.len(), 0.0);
    for (group, range) in problem.groups.iter().zip(ranges(&problem.groups)) {
        let out = &mut out[range.clone()];
        match &group.subject {
            Subject::Controls => problem.plan.inputs_pullback(&gradient.inputs, out),
            Subject::Velocity(places) => {
                out.iter_mut().zip(places).for_each(|(out, i)| *out = gradient.start.v[*i]);
            }
            Subject::Configuration(places) => {
                let mut all = gradient.start.q.clone();
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
                    *out = gradient.controller[*place];
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
