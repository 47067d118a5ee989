//! A trust region by `argmin`, whose second derivatives are learned from gradients.

use argmin::core::{IterState, Problem, Solver, State};
use argmin::solver::quasinewton::SR1TrustRegion;
use argmin::solver::trustregion::Steihaug;

use super::oracle::{Oracle, Vector};
use super::solution::Tensor;
use super::variable::Coordinate;
use super::{Descent, Function, Point};
use crate::error::Error;

type Iterate = IterState<Vector, Vector, (), Vec<Vector>, (), f64>;
type Inner = SR1TrustRegion<Steihaug<Vector, f64>, f64>;

/// Every step minimizes a quadratic model within a radius, with second derivatives by symmetric rank-one
/// updates (Nocedal and Wright 2006, algorithm 6.2; Steihaug 1983 for the step). Where the cost is rough, it
/// shortens its steps instead of searching along a line.
pub struct TrustRegion<'p> {
    coordinates: &'p [Coordinate],
    point: Point,
    hessian: Vec<Vector>,
    radius: f64,
}

/// A radius relative to the point's own size in which no step matters.
const LEAST_RADIUS: f64 = 1e-13;

impl<'p> TrustRegion<'p> {
    pub fn new(coordinates: &'p [Coordinate], point: Point) -> Self {
        // The first step along the gradient has length one.
        let (n, scale) = (point.x.len(), point.gradient_norm().max(f64::MIN_POSITIVE));
        let hessian = (0..n).map(|i| (0..n).map(|j| if i == j { scale } else { 0.0 }).collect()).collect();
        Self { coordinates, point, hessian, radius: 1.0 }
    }

    /// Goes on from what [`Descent::save`] saved.
    pub fn restore(&mut self, saved: &[Tensor]) -> Option<()> {
        let find = |name: &str| saved.iter().find(|t| t.name == name).map(|t| &t.data);
        self.hessian =
            find("trust.hessian")?.chunks(self.point.x.len().max(1)).map(<[f64]>::to_vec).collect();
        self.radius = *find("trust.radius")?.first()?;
        Some(())
    }
}

impl Descent for TrustRegion<'_> {
    fn point(&self) -> &Point {
        &self.point
    }

    fn advance(&mut self, f: &mut Function<'_>) -> Result<Option<String>, Error> {
        let oracle = Oracle::new(f, self.coordinates, &self.point);
        let subproblem = Steihaug::new().with_max_iters(2 * self.point.x.len() as u64);
        let mut solver: Inner = SR1TrustRegion::new(subproblem).with_radius(self.radius);
        let state = Iterate::new()
            .param(self.point.x.clone())
            .gradient(self.point.gradient.clone())
            .hessian(self.hessian.clone())
            .cost(self.point.cost);
        let result = solver.next_iter(&mut Problem::new(&oracle), state);
        if let Some(failure) = oracle.failure() {
            return Err(failure);
        }
        if let Ok((mut state, report)) = result {
            let cost = state.get_cost();
            if let (Some(x), Some(gradient)) = (state.take_param(), state.take_gradient()) {
                let x = x.iter().zip(self.coordinates).map(|(x, c)| c.projected(*x)).collect();
                self.point = Point { x, cost, gradient };
            }
            // A place without a gradient teaches nothing about the curvature.
            if let Some(hessian) = state.take_hessian().filter(|_| !oracle.diverged()) {
                self.hessian = hessian;
            }
            let radius = report.as_ref().and_then(|kv| kv.get("radius")).and_then(|r| r.get_float());
            self.radius = radius.unwrap_or(0.5 * self.radius);
        } else {
            self.radius *= 0.5;
        }
        let size = 1.0 + super::norm(&self.point.x);
        let shrunk = self.radius < LEAST_RADIUS * size;
        Ok(shrunk.then(|| "the region in which the model is trusted has shrunk to nothing".to_owned()))
    }

    fn save(&self) -> Vec<Tensor> {
        let n = self.point.x.len();
        vec![
            Tensor::new("trust.hessian", vec![n, n], self.hessian.concat()),
            Tensor::row("trust.radius", vec![self.radius]),
        ]
    }
}
