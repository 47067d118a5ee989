//! Laws of mechanics and closed forms, for values and for derivatives.

mod closed_forms;
mod conservation;
mod continuum;
mod drops;
mod grazing;
mod order;
mod points;
mod points_on_geoms;
mod regulator;
mod sliding;
mod touching;

use costate::model::{Description, Input, Model, State, Values, assemble};
use costate::number::{Real, relative_error};
use costate::objective::Objective;
use costate::physics::{Cotangents, Engine, Record, derive, step};
use costate::rollout::{Memory, Workspace, cost, value_and_gradient};

use crate::moving::{difference, moving, slope};

/// Steps without any input.
fn after(model: &Model<f64>, start: &State<f64>, steps: usize) -> State<f64> {
    let (mut record, input) = (Record::new(model), Input::zero(model));
    let (mut state, mut next) = (start.clone(), start.clone());
    for _ in 0..steps {
        step(model, &state, &input, &mut record, &mut next);
        std::mem::swap(&mut state, &mut next);
    }
    state
}

/// One coordinate of the last state: a slide, a hinge, or a translation of the first free joint.
#[derive(Clone, Copy)]
struct LastCoordinate {
    entry: usize,
    steps: usize,
}

impl<R: Real> Objective<R> for LastCoordinate {
    fn cost(&mut self, _: &Model<R>, state: &State<R>, _: Option<&Input<R>>, k: usize) -> R {
        if k == self.steps { state.q[self.entry] } else { R::zero() }
    }
    fn cost_pullback(
        &mut self,
        _: &Model<R>,
        _: &State<R>,
        _: Option<&Input<R>>,
        k: usize,
        out: &mut Cotangents<R>,
    ) {
        if k == self.steps {
            out.state.q[self.entry] += R::one();
        }
    }
}

/// A rollout without inputs, as a function of the model's parameters and of the initial velocity.
struct Experiment {
    description: Description,
    start: State<f64>,
    reading: LastCoordinate,
}

impl Experiment {
    /// Reads `entry` after a number of steps.
    fn new(description: Description, q: &[f64], v: &[f64], entry: usize, steps: usize) -> Self {
        let mut start = State::reference(&derive::compile(&description));
        start.q[..q.len()].copy_from_slice(q);
        start.v.copy_from_slice(v);
        Self { description, start, reading: LastCoordinate { entry, steps } }
    }

    fn parameters(&self) -> Vec<f64> {
        derive::parameters(&self.description).iter().map(|p| p.value).collect()
    }

    fn value<R: Engine>(&self, x: &[R]) -> R {
        let (parameters, v) = x.split_at(x.len() - self.start.v.len());
        let mut model: Model<R> = assemble(&self.description, &mut Values(parameters.iter()));
        derive::complete(&self.description, &mut model);
        let mut start = self.start.map(R::from_f64);
        start.v.copy_from_slice(v);
        let inputs = vec![Input::zero(&model); self.reading.steps];
        cost(&model, &start, &inputs, &mut self.reading.clone()).unwrap()
    }

    fn adjoint(&self) -> Vec<f64> {
        let compiled = derive::Compilation::new(&self.description, &self.parameters());
        let inputs = vec![Input::zero(&compiled.model); self.reading.steps];
        let mut workspace = Workspace::new(&compiled.model, &self.start);
        let (model, memory) = (&compiled.model, Memory::Light);
        let mut reading = self.reading;
        let (_, gradient) =
            value_and_gradient(model, &self.start, &inputs, &mut reading, memory, &mut workspace).unwrap();
        [compiled.pullback(&gradient.model), gradient.start.v.clone()].concat()
    }

    /// The derivative by the named parameters and by the initial velocity along a direction, by the
    /// adjoint; the dual number and the difference quotient must agree.
    fn slope(&self, parameters: &[(&str, f64)], velocity: &[f64]) -> f64 {
        let x = [self.parameters(), self.start.v.clone()].concat();
        let direction = self.direction(parameters, velocity);
        let error = difference(&|x| vec![self.value(x)], &|x| vec![self.value(x)], &x, &direction);
        assert!(error <= 1e-7, "dual against difference: {:.1e}", error);
        self.derivative(parameters, velocity)
    }

    fn direction(&self, parameters: &[(&str, f64)], velocity: &[f64]) -> Vec<f64> {
        let known = derive::parameters(&self.description);
        let mut direction = vec![0.0; known.len()];
        for (name, rate) in parameters {
            let at = known.iter().position(|p| p.name == *name);
            direction[at.unwrap_or_else(|| panic!("no parameter {name}"))] = *rate;
        }
        direction.extend(velocity);
        direction
    }

    /// The same without a difference quotient, for motions that meet kinks.
    fn derivative(&self, parameters: &[(&str, f64)], velocity: &[f64]) -> f64 {
        let direction = self.direction(parameters, velocity);
        let x = [self.parameters(), self.start.v.clone()].concat();
        let adjoint = self.adjoint().iter().zip(&direction).map(|(a, d)| a * d).sum();
        let dual: Vec<_> = x.iter().zip(&direction).map(|(&x, &d)| moving(x, d)).collect();
        let dual = slope(&self.value(&dual));
        assert!(relative_error(adjoint, dual) <= 1e-10, "the adjoint says {adjoint}, the dual {dual}");
        adjoint
    }
}

fn assert_close(what: &str, ours: f64, theirs: f64, tolerance: f64) {
    let error = relative_error(ours, theirs);
    println!("{what}: {error:.1e}");
    assert!(error <= tolerance, "{what}: {ours} instead of {theirs}, relative error {error:.1e}");
}
