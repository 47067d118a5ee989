//! Iterative LQR in a box: every iteration solves the linear world with a quadratic cost near the last
//! trajectory, and follows the solution in the true world.
//!
//! Li and Todorov 2004, "Iterative linear quadratic regulator design"; Tassa, Mansard and Todorov 2014,
//! "Control-limited differential dynamic programming". The world is taken for linear (Gauss and Newton),
//! with exact derivatives; the cost has its exact Hessian, as far as it is convex.

mod box_qp;
mod expansion;
mod sweep;

use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;

use super::solution::Tensor;
use super::trials::Trials;
use super::variable::Coordinate;
use super::{Bounds, Descent, Function, Point, Problem, Subject};
use crate::control::Shape;
use crate::error::Error;
use crate::model::{Input, Model, State};
use crate::objective::{Objective, Terms};
use crate::physics::derive::compile;
use crate::physics::{Record, step};
use crate::rollout::{simulate, sound};
use expansion::Survey;

pub use box_qp::{Minimum, minimize};
pub use expansion::{Quadratic, Step, make_convex};
pub use sweep::{Policy, Promise, sweep};

/// How much of the promised fall must come.
const LEAST_FALL: f64 = 1e-4;
/// A promised fall that is no more than rounding, relative to the cost.
const ROUNDING: f64 = 1e-13;
/// How often the length of a step is halved before more weight is tried.
const LENGTHS: i32 = 10;
/// Shorter steps than this say that the linear world is not to be trusted so far, longer ones that it is.
const DOUBTFUL: f64 = 0.1;
const TRUSTED: f64 = 0.5;

/// The weight on changes of the controls (Levenberg 1944), which grows and shrinks ever faster (Tassa, Erez
/// and Todorov 2012, "Synthesis and stabilization of complex behaviors through online trajectory
/// optimization").
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weight {
    pub value: f64,
    pace: f64,
}

impl Weight {
    pub const FIRST: Self = Self { value: 1e-3, pace: 1.0 };
    pub const LEAST: f64 = 1e-9;
    const MOST: f64 = 1e10;
    const PACE: f64 = 1.6;

    pub fn grow(&mut self) {
        self.pace = (self.pace * Self::PACE).max(Self::PACE);
        self.value = (self.value * self.pace).max(Self::LEAST);
    }
    pub fn shrink(&mut self) {
        self.pace = (self.pace / Self::PACE).min(1.0 / Self::PACE);
        self.value *= self.pace;
        if self.value < Self::LEAST {
            self.value = 0.0;
        }
    }
}

/// Iterative LQR on the controls of every step.
pub struct Ilqr<'p, 't> {
    coordinates: &'p [Coordinate],
    trials: &'p Trials<'t>,
    model: Model<f64>,
    terms: Terms<f64>,
    point: Point,
    /// Of the point, and of the step that is tried.
    path: Path,
    trial: Path,
    record: Record<f64>,
    /// One for each thread; what they find does not depend on how many they are.
    surveys: Vec<Survey>,
    steps: Vec<Step>,
    last: Quadratic,
    policies: Vec<Policy>,
    weight: Weight,
}

/// States and inputs of a rollout.
#[derive(Clone)]
struct Path {
    states: Vec<State<f64>>,
    inputs: Vec<Input<f64>>,
}

impl<'p, 't> Ilqr<'p, 't> {
    /// At the point `x: (steps × m)`.
    pub fn new(
        problem: &Problem,
        (coordinates, trials): (&'p [Coordinate], &'p Trials<'t>),
        point: Point,
    ) -> Result<Self, Error> {
        let plain = problem.method.bounds == Bounds::Projection
            && problem.plan.shape == Shape::Steps { hold: 1 }
            && matches!(&problem.groups[..], [group] if group.subject == Subject::Controls);
        if !plain {
            return Err(Error::message(
                "iterative LQR optimizes one control for every step, and nothing else, with bounds by projection",
            ));
        }
        if !problem.description.particles.is_empty() {
            let what = "iterative LQR needs the derivative of every step by the whole state, which particles make \
                        too large: choose \"l-bfgs\" or \"adam\"";
            return Err(Error::message(what));
        }
        let model = compile(&problem.description);
        let mut inputs = vec![Input::zero(&model); problem.plan.steps()];
        let controls: Vec<f64> = coordinates.iter().zip(&point.x).map(|(c, x)| c.value(*x)).collect();
        problem.plan.inputs(&controls, &mut inputs);
        let path = Path { states: simulate(&model, &problem.start, &inputs)?.states, inputs };
        let t = &model.topology;
        let (n, m) = (2 * t.nv + t.na, t.nu);
        let policy = Policy { feedforward: DVector::zeros(m), gain: DMatrix::zeros(m, n) };
        let survey = || Survey::new(&model, problem.terms.clone());
        let threads = rayon::current_num_threads().min(path.inputs.len()).max(1);
        Ok(Self {
            coordinates,
            trials,
            terms: Terms::new(&model, problem.terms.clone()),
            point,
            trial: path.clone(),
            record: Record::new(&model),
            surveys: (0..threads).map(|_| survey()).collect(),
            steps: vec![Step::zero(n, m); path.inputs.len()],
            last: Quadratic::zero(n, m),
            policies: vec![policy; path.inputs.len()],
            weight: Weight::FIRST,
            path,
            model,
        })
    }

    /// Goes on from what [`Descent::save`] saved.
    pub fn restore(&mut self, saved: &[Tensor]) -> Option<()> {
        let [value, pace] = saved.iter().find(|t| t.name == "ilqr.weight")?.data[..] else { return None };
        self.weight = Weight { value, pace };
        Some(())
    }

    /// Expands world and cost at every step of the path, the steps shared out among threads.
    fn survey(&mut self) {
        let (path, m) = (&self.path, self.model.topology.nu);
        let scales: Vec<f64> = self.coordinates.iter().zip(&self.point.x).map(|(c, x)| c.slope(*x)).collect();
        let share = self.steps.len().div_ceil(self.surveys.len());
        let shares = self.surveys.par_iter_mut().zip(self.steps.par_chunks_mut(share)).enumerate();
        shares.for_each(|(part, (survey, steps))| {
            for (k, step) in (part * share..).zip(steps) {
                survey.step(&path.states[k], &path.inputs[k], k, &scales[k * m..(k + 1) * m], step);
            }
        });
        let end = path.inputs.len();
        self.surveys[0].cost(&path.states[end], None, end, &[], &mut self.last);
    }

    /// How far every control may move.
    fn reach(&self) -> Vec<[f64; 2]> {
        let each = self.coordinates.iter().zip(&self.point.x);
        each.map(|(c, x)| [f64::NEG_INFINITY, f64::INFINITY].map(|end| c.projected(end) - x)).collect()
    }

    /// Follows the policies in the true world; the cost and the controls in the optimizer's coordinates.
    fn follow(&mut self, length: f64) -> Result<(f64, Vec<f64>), Error> {
        let m = self.model.topology.nu;
        let mut x = self.point.x.clone();
        let mut cost = 0.0;
        for (k, policy) in self.policies.iter().enumerate() {
            let (past, future) = self.trial.states.split_at_mut(k + 1);
            let (state, input) = (&past[k], &mut self.trial.inputs[k]);
            let change = difference(&self.model, state, &self.path.states[k]);
            let wanted = &policy.feedforward * length + &policy.gain * change;
            for i in 0..m {
                let at = k * m + i;
                // The control is that of the coordinate, to the last bit: a run goes on from coordinates.
                x[at] = self.coordinates[at].projected(x[at] + wanted[i]);
                input.u[i] = self.coordinates[at].value(x[at]);
            }
            cost += self.terms.cost(&self.model, state, Some(input), k);
            step(&self.model, state, input, &mut self.record, &mut future[0]);
            sound(&self.model, &self.record, &future[0], k + 1)?;
        }
        let end = self.policies.len();
        Ok((cost + self.terms.cost(&self.model, &self.trial.states[end], None, end), x))
    }

    /// The longest step that keeps enough of the promise, with its point; the path is then that of the point.
    fn search(&mut self, promise: Promise, f: &mut Function<'_>) -> Result<Option<(f64, Point)>, Error> {
        for length in (0..LENGTHS).map(|k| 0.5_f64.powi(k)) {
            let followed = self.follow(length);
            let tried = self.trials.counted(followed).and_then(|(cost, x)| {
                let enough = self.point.cost - cost >= LEAST_FALL * promise.fall(length);
                enough.then(|| Point::at(x, f)).transpose()
            });
            match tried {
                Ok(Some(point)) => {
                    std::mem::swap(&mut self.path, &mut self.trial);
                    return Ok(Some((length, point)));
                }
                // A world that cannot be computed is too far away, like one that costs too much.
                Ok(None) => {}
                Err(e) if e.is_of_rollout() => {}
                Err(e) => return Err(e),
            }
        }
        Ok(None)
    }
}

impl Descent for Ilqr<'_, '_> {
    fn point(&self) -> &Point {
        &self.point
    }

    fn advance(&mut self, f: &mut Function<'_>) -> Result<Option<String>, Error> {
        self.survey();
        let reach = self.reach();
        while self.weight.value < Weight::MOST {
            let promise = sweep(&self.steps, &self.last, &reach, self.weight.value, &mut self.policies);
            if let Some(promise) = promise {
                if promise.fall(1.0) <= ROUNDING * self.point.cost.abs() {
                    return Ok(Some(
                        "no small change of the controls lowers the cost any further".to_owned(),
                    ));
                }
                if let Some((length, point)) = self.search(promise, f)? {
                    self.point = point;
                    match length {
                        length if length >= TRUSTED => self.weight.shrink(),
                        length if length < DOUBTFUL => self.weight.grow(),
                        _ => {}
                    }
                    return Ok(None);
                }
            }
            self.weight.grow();
        }
        Ok(Some("no step lowers the cost, however small it is".to_owned()))
    }

    fn save(&self) -> Vec<Tensor> {
        vec![Tensor::row("ilqr.weight", vec![self.weight.value, self.weight.pace])]
    }
}

/// The tangent (q, v, act) that moves `base` to `state`.
fn difference(model: &Model<f64>, state: &State<f64>, base: &State<f64>) -> DVector<f64> {
    let mut all = state.minus(base, model);
    all.extend(state.v.iter().zip(&base.v).map(|(a, b)| a - b));
    all.extend(state.act.iter().zip(&base.act).map(|(a, b)| a - b));
    DVector::from_vec(all)
}
