//! Least squares: the residuals of a problem, their exact Jacobian, and the method of Levenberg and Marquardt.
//!
//! Every term of a cost is the square of a residual ([`Penalty::residual`](crate::objective::Penalty)), so every
//! cost is `Σ rᵢ²`. The Jacobian `J = ∂r/∂x` comes from dual numbers through the rollout, eight columns at a time.

use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;

use super::solution::Tensor;
use super::variable::Coordinate;
use super::{Descent, Function, Point, Problem};
use crate::control::Policy;
use crate::error::Error;
use crate::model::{Input, Model, Values, assemble};
use crate::number::{Dual, Real, Tangent, Wide};
use crate::objective::Penalty;
use crate::objective::Terms;
use crate::physics::Engine;
use crate::physics::derive::{complete, parameters};
use crate::rollout::simulate_controlled;

type Tangents = <f64 as Real>::Tangents;

/// The residuals of one rollout, for variables in their own units: (m), terms side by side, state after state.
///
/// # Errors
/// A rollout that diverges.
fn residuals<R: Engine>(problem: &Problem, natural: &[R]) -> Result<Vec<R>, Error> {
    let d = &problem.description;
    let numbers = problem.file_numbers(&parameters(d), natural);
    let mut model: Model<R> = assemble(d, &mut Values(numbers.iter()));
    complete(d, &mut model);
    let mut controls: Vec<R> = problem.controls.iter().map(|u| R::from_f64(*u)).collect();
    let start = problem.place(&model, natural, &mut controls);
    let mut inputs = vec![Input::zero(&model); problem.plan.steps()];
    problem.plan.inputs(&controls, &mut inputs);
    let (mut policy, weights) = (Policy::new(&model, &problem.parts), problem.weights(natural));
    let rollout = simulate_controlled(&model, &start, &inputs, (&mut policy, &weights))?;
    let mut terms = Terms::new(&model, problem.terms.clone());
    let mut out = Vec::new();
    for (k, state) in rollout.states.iter().enumerate() {
        terms.residuals(&model, state, rollout.inputs.get(k), k, &mut out);
    }
    Ok(out)
}

/// Residuals (m) and their Jacobian by the variables in their own units: (m, n).
///
/// # Errors
/// A rollout that diverges.
pub fn jacobian(problem: &Problem, natural: &[f64]) -> Result<(DVector<f64>, DMatrix<f64>), Error> {
    let width = <Tangents as Tangent<f64>>::WIDTH;
    let columns = |first: usize| -> Result<Vec<Wide<f64>>, Error> {
        let mut x: Vec<Wide<f64>> = natural.iter().map(|x| Dual::constant(*x)).collect();
        for (k, x) in x[first..].iter_mut().take(width).enumerate() {
            x.tangent.set(k, 1.0);
        }
        residuals(problem, &x)
    };
    let firsts: Vec<usize> = (0..natural.len().max(1)).step_by(width).collect();
    let parts: Vec<Vec<Wide<f64>>> = firsts.into_par_iter().map(columns).collect::<Result<_, _>>()?;
    let r = DVector::from_iterator(parts[0].len(), parts[0].iter().map(|r| r.value));
    let entry = |i: usize, j: usize| parts[j / width][i].tangent.get(j % width);
    Ok((r, DMatrix::from_fn(parts[0].len(), natural.len(), entry)))
}

/// How much of the promised fall must come.
const LEAST_FALL: f64 = 1e-4;
/// A promised fall that is no more than rounding, relative to the cost.
const ROUNDING: f64 = 1e-14;
/// Of the weight on the step at the start, relative to the diagonal of `JᵀJ`; and where hope ends.
const FIRST_WEIGHT: f64 = 1e-3;
const MOST_WEIGHT: f64 = 1e12;

/// `(JᵀJ + w D) δ = −Jᵀ r` with `D` the diagonal of `JᵀJ` (Marquardt 1963), and a weight `w` that follows how
/// well the linear residuals foretell the cost (Nielsen 1999, "Damping parameter in Marquardt's method").
pub struct LevenbergMarquardt<'p> {
    problem: &'p Problem,
    coordinates: &'p [Coordinate],
    point: Point,
    weight: f64,
    growth: f64,
}

impl<'p> LevenbergMarquardt<'p> {
    /// # Errors
    /// A problem with many starts, whose residuals are not those of one rollout.
    pub fn new(problem: &'p Problem, coordinates: &'p [Coordinate], point: Point) -> Result<Self, Error> {
        if problem.starts.is_some() {
            let what = "least squares are those of one rollout, and not of many starts: choose \"adam\"";
            return Err(Error::message(what));
        }
        if problem.terms.iter().any(|term| term.penalty == Penalty::Linear) {
            let what =
                "a linear cost is not a square: give it a target and another penalty, or choose \"l-bfgs\"";
            return Err(Error::message(what));
        }
        Ok(Self { problem, coordinates, point, weight: FIRST_WEIGHT, growth: 2.0 })
    }

    /// Goes on from what [`Descent::save`] saved.
    pub fn restore(&mut self, saved: &[Tensor]) -> Option<()> {
        let [weight, growth] = saved.iter().find(|t| t.name == "squares.weight")?.data[..] else {
            return None;
        };
        (self.weight, self.growth) = (weight, growth);
        Some(())
    }

    /// Residuals and Jacobian in the optimizer's coordinates.
    fn linearize(&self) -> Result<(DVector<f64>, DMatrix<f64>), Error> {
        let each = || self.coordinates.iter().zip(&self.point.x);
        let natural: Vec<f64> = each().map(|(c, x)| c.value(*x)).collect();
        let (r, mut j) = jacobian(self.problem, &natural)?;
        for (mut column, (c, x)) in j.column_iter_mut().zip(each()) {
            column *= c.slope(*x);
        }
        Ok((r, j))
    }

    fn heavier(&mut self) {
        self.weight *= self.growth;
        self.growth *= 2.0;
    }

    /// The step for the present weight; variables that a bound holds back stay.
    fn step(&self, hessian: &DMatrix<f64>, slope: &DVector<f64>) -> Option<DVector<f64>> {
        let (mut damped, mut right) = (hessian.clone(), -slope);
        let largest = hessian.diagonal().max();
        for (i, (c, x)) in self.coordinates.iter().zip(&self.point.x).enumerate() {
            let held = c.projected(x - slope[i].signum() * x.abs().max(1.0) * 1e-9) == *x;
            if held {
                damped.row_mut(i).fill(0.0);
                damped.column_mut(i).fill(0.0);
                right[i] = 0.0;
            }
            // What changes nothing has no diagonal of its own.
            damped[(i, i)] += self.weight * hessian[(i, i)].max(1e-12 * largest).max(f64::MIN_POSITIVE);
        }
        damped.cholesky().map(|factor| factor.solve(&right))
    }
}

impl Descent for LevenbergMarquardt<'_> {
    fn point(&self) -> &Point {
        &self.point
    }

    fn advance(&mut self, f: &mut Function<'_>) -> Result<Option<String>, Error> {
        let (r, j) = self.linearize()?;
        let (hessian, slope) = (j.tr_mul(&j), j.tr_mul(&r));
        while self.weight < MOST_WEIGHT {
            if let Some(step) = self.step(&hessian, &slope) {
                let x: Vec<f64> = (self.coordinates.iter().zip(&self.point.x).zip(step.iter()))
                    .map(|((c, x), d)| c.projected(x + d))
                    .collect();
                let moved = DVector::from_iterator(x.len(), x.iter().zip(&self.point.x).map(|(a, b)| a - b));
                let promised = -(2.0 * slope.dot(&moved) + (&j * &moved).norm_squared());
                if promised <= ROUNDING * self.point.cost.abs() {
                    // A bound may have cut the step short in a direction that leads nowhere.
                    if moved != step {
                        self.heavier();
                        continue;
                    }
                    return Ok(Some("no step lowers the squares by more than rounding".to_owned()));
                }
                let mut gradient = vec![0.0; x.len()];
                let trial = match f(&x, &mut gradient) {
                    Ok(cost) => Some(Point { x, cost, gradient }),
                    Err(e) if e.is_of_rollout() => None,
                    Err(e) => return Err(e),
                };
                let share = trial.as_ref().map_or(-1.0, |t| (self.point.cost - t.cost) / promised);
                if let Some(trial) = trial.filter(|_| share > LEAST_FALL) {
                    self.point = trial;
                    self.weight *= (1.0 - (2.0 * share - 1.0).powi(3)).max(1.0 / 3.0);
                    self.growth = 2.0;
                    return Ok(None);
                }
            }
            self.heavier();
        }
        Ok(Some("no step lowers the cost, however short".to_owned()))
    }

    fn save(&self) -> Vec<Tensor> {
        vec![Tensor::row("squares.weight", vec![self.weight, self.growth])]
    }
}
