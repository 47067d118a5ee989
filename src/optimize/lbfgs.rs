//! L-BFGS by `argmin`, with a line search that takes divergence for an infinite cost.

use argmin::core::{
    CostFunction, Error as ArgminError, Gradient, IterState, LineSearch, Problem, Solver, State,
    TerminationReason, TerminationStatus,
};
use argmin::solver::quasinewton::LBFGS;
use serde::{Deserialize, Serialize};

use super::oracle::{Oracle, Vector};
use super::solution::Tensor;
use super::variable::Coordinate;
use super::{Descent, Function, Point};
use crate::error::Error;

type Iterate = IterState<Vector, Vector, (), (), (), f64>;
type Inner = LBFGS<Wolfe, Vector, Vector, f64>;

/// L-BFGS in coordinates without bounds, or with projected trial points.
pub struct Lbfgs<'p> {
    coordinates: &'p [Coordinate],
    memory: usize,
    solver: Inner,
    /// How many steps it remembers.
    pairs: usize,
    /// How many of the last iterations lowered the cost by no more than rounding.
    stalls: usize,
    point: Point,
}

/// A fall of the cost that counts as none, relative to the cost, and how many of them end it.
const ROUNDING: f64 = 1e-13;
const STALLS: usize = 5;

impl<'p> Lbfgs<'p> {
    /// At a point, remembering `memory` steps.
    pub fn new(memory: usize, coordinates: &'p [Coordinate], point: Point) -> Self {
        Self { coordinates, memory, solver: LBFGS::new(Wolfe::default(), memory), pairs: 0, stalls: 0, point }
    }

    /// Goes on from what [`Descent::save`] saved.
    pub fn restore(&mut self, saved: &[Tensor]) -> Option<()> {
        let mut state = serde_json::to_value(&self.solver).ok()?;
        for (field, name) in [("s", "lbfgs.s"), ("y", "lbfgs.y")] {
            let tensor = saved.iter().find(|t| t.name == name)?;
            self.pairs = tensor.shape[0];
            let rows = tensor.data.chunks(self.point.x.len().max(1)).map(<[f64]>::to_vec);
            state[field] = serde_json::to_value(rows.collect::<Vec<_>>()).ok()?;
        }
        self.solver = serde_json::from_value(state).ok()?;
        self.stalls = *saved.iter().find(|t| t.name == "lbfgs.stalls")?.data.first()? as usize;
        Some(())
    }

    /// One iteration; `None` if the line search found nothing better.
    fn iterate(&mut self, f: &mut Function<'_>) -> Result<Option<Point>, Error> {
        let oracle = Oracle::new(f, self.coordinates, &self.point);
        let mut state = Iterate::new()
            .param(self.point.x.clone())
            .gradient(self.point.gradient.clone())
            .cost(self.point.cost);
        // The solver forgets its oldest step once it counts as many iterations as its memory holds.
        for _ in 0..self.pairs {
            state.increment_iter();
        }
        let result = self.solver.next_iter(&mut Problem::new(&oracle), state);
        if let Some(failure) = oracle.failure() {
            return Err(failure);
        }
        let Ok((mut state, _)) = result else { return Ok(None) };
        let cost = state.get_cost();
        Ok(match (state.take_param(), state.take_gradient()) {
            (Some(x), Some(gradient)) => {
                self.pairs = (self.pairs + 1).min(self.memory);
                let x = x.iter().zip(self.coordinates).map(|(x, c)| c.projected(*x)).collect();
                Some(Point { x, cost, gradient })
            }
            _ => None,
        })
    }
}

impl Descent for Lbfgs<'_> {
    fn point(&self) -> &Point {
        &self.point
    }

    fn advance(&mut self, f: &mut Function<'_>) -> Result<Option<String>, Error> {
        if let Some(point) = self.iterate(f)? {
            let fall = self.point.cost - point.cost;
            self.stalls = if fall > ROUNDING * self.point.cost.abs() { 0 } else { self.stalls + 1 };
            self.point = point;
            let over = self.stalls >= STALLS;
            return Ok(over.then(|| format!("the last {STALLS} iterations did not lower the cost")));
        }
        // What it remembers may point uphill: once more along the gradient alone.
        let fresh = self.pairs == 0;
        self.solver = LBFGS::new(Wolfe::default(), self.memory);
        self.pairs = 0;
        if !fresh && let Some(point) = self.iterate(f)? {
            self.point = point;
            return Ok(None);
        }
        Ok(Some("no step along the gradient lowers the cost any further".to_owned()))
    }

    fn save(&self) -> Vec<Tensor> {
        let state = serde_json::to_value(&self.solver).unwrap_or_default();
        let rows = |field: &str| -> Vec<f64> {
            let rows = state[field].as_array().into_iter().flatten();
            rows.filter_map(|r| r.as_array()).flatten().filter_map(serde_json::Value::as_f64).collect()
        };
        let shape = vec![self.pairs, self.point.x.len()];
        vec![
            Tensor::new("lbfgs.s", shape.clone(), rows("s")),
            Tensor::new("lbfgs.y", shape, rows("y")),
            Tensor::row("lbfgs.stalls", vec![self.stalls as f64]),
        ]
    }
}

/// A step that satisfies the weak conditions of Wolfe, by bisection (Lewis and Overton 2013).
///
/// It asks of a cost only that it is lower: an infinite one is too high like any other.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Wolfe {
    direction: Vector,
}

/// How much of the promised decrease must come, and how much of the slope may stay.
const DECREASE: f64 = 1e-4;
const SLOPE: f64 = 0.9;
/// How far the first trial moves any coordinate at most.
const REACH: f64 = 0.5;
const TRIALS: usize = 40;

impl LineSearch<Vector, f64> for Wolfe {
    fn search_direction(&mut self, direction: Vector) {
        self.direction = direction;
    }
    fn initial_step_length(&mut self, _: f64) -> Result<(), ArgminError> {
        Ok(())
    }
}

impl<O> Solver<O, Iterate> for Wolfe
where
    O: CostFunction<Param = Vector, Output = f64> + Gradient<Param = Vector, Gradient = Vector>,
{
    fn name(&self) -> &'static str {
        "weak Wolfe bisection"
    }

    /// The whole search; the inner loop of an executor has nothing left to repeat.
    fn next_iter(
        &mut self,
        problem: &mut Problem<O>,
        mut state: Iterate,
    ) -> Result<(Iterate, Option<argmin::core::KV>), ArgminError> {
        let none = || ArgminError::msg("the search has no start");
        let x0 = state.take_param().ok_or_else(none)?;
        let (f0, g0) = (state.get_cost(), state.take_gradient().ok_or_else(none)?);
        let slope = dot(&g0, &self.direction);
        if slope >= 0.0 || slope.is_nan() {
            return Err(ArgminError::msg("the direction does not lead down"));
        }
        let longest = self.direction.iter().fold(0.0, |m: f64, d| m.max(d.abs()));
        let mut t = (REACH / longest).min(1.0);
        let (mut low, mut high) = (0.0, f64::INFINITY);
        let mut best = None;
        for _ in 0..TRIALS {
            let x: Vector = x0.iter().zip(&self.direction).map(|(x, d)| x + t * d).collect();
            let cost = problem.cost(&x)?;
            if cost <= f0 + DECREASE * t * slope {
                let gradient = problem.gradient(&x)?;
                let enough = dot(&gradient, &self.direction) >= SLOPE * slope;
                best = Some((x, cost, gradient));
                if enough {
                    break;
                }
                low = t;
            } else {
                high = t;
            }
            t = if high.is_finite() { trial(low, high, cost, f0, slope) } else { 2.0 * low };
        }
        let (x, cost, gradient) = best.ok_or_else(|| ArgminError::msg("no step lowers the cost"))?;
        let state = state.param(x).cost(cost).gradient(gradient);
        Ok((state.terminate_with(TerminationReason::SolverConverged), None))
    }

    fn terminate(&mut self, _: &Iterate) -> TerminationStatus {
        TerminationStatus::NotTerminated
    }
}

/// The next trial in a bracket: the lowest point of a parabola as long as the bracket starts at zero,
/// the middle otherwise.
fn trial(low: f64, high: f64, cost: f64, f0: f64, slope: f64) -> f64 {
    let middle = 0.5 * (low + high);
    let rise = cost - f0 - slope * high;
    if low > 0.0 || !rise.is_finite() || rise <= 0.0 {
        return middle;
    }
    (-0.5 * slope * high * high / rise).clamp(0.1 * high, 0.5 * high)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
