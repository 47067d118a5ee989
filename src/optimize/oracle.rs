//! Answers for `argmin`, which asks for cost and gradient in two calls.

use std::cell::RefCell;

use argmin::core::{CostFunction, Error as ArgminError, Gradient, Hessian};

use super::variable::Coordinate;
use super::{Function, Point};
use crate::error::Error;

pub(super) type Vector = Vec<f64>;

/// The cost and gradient of one place; a divergence has neither.
type Answer = Result<(f64, Vector), ()>;

/// Answers questions for cost and gradient at the same place by one rollout.
pub(super) struct Oracle<'a, 'f> {
    function: RefCell<&'a mut Function<'f>>,
    coordinates: &'a [Coordinate],
    last: RefCell<(Vector, Answer)>,
    failure: RefCell<Option<Error>>,
}

impl<'a, 'f> Oracle<'a, 'f> {
    /// A function whose value at a point is known.
    pub(super) fn new(f: &'a mut Function<'f>, coordinates: &'a [Coordinate], known: &Point) -> Self {
        let last = (known.x.clone(), Ok((known.cost, known.gradient.clone())));
        let (function, last) = (RefCell::new(f), RefCell::new(last));
        Self { function, coordinates, last, failure: RefCell::new(None) }
    }

    /// What kept a question from being answered.
    pub fn failure(&self) -> Option<Error> {
        self.failure.take()
    }

    /// Whether the last place diverged.
    pub fn diverged(&self) -> bool {
        self.last.borrow().1.is_err()
    }

    fn ask<T>(&self, x: &Vector, answer: impl Fn(&Answer) -> T) -> Result<T, ArgminError> {
        let x: Vector = x.iter().zip(self.coordinates).map(|(x, c)| c.projected(*x)).collect();
        let mut last = self.last.borrow_mut();
        if last.0 != x {
            let mut gradient = vec![0.0; x.len()];
            let value = match (self.function.borrow_mut())(&x, &mut gradient) {
                Ok(cost) => Ok((cost, gradient)),
                Err(e) if e.is_of_rollout() => Err(()),
                Err(e) => {
                    self.failure.replace(Some(e));
                    return Err(ArgminError::msg("the cost cannot be evaluated"));
                }
            };
            *last = (x, value);
        }
        Ok(answer(&last.1))
    }
}

impl CostFunction for &Oracle<'_, '_> {
    type Param = Vector;
    type Output = f64;
    fn cost(&self, x: &Vector) -> Result<f64, ArgminError> {
        self.ask(x, |answer| answer.as_ref().map_or(f64::INFINITY, |(cost, _)| *cost))
    }
}

impl Gradient for &Oracle<'_, '_> {
    type Param = Vector;
    type Gradient = Vector;
    fn gradient(&self, x: &Vector) -> Result<Vector, ArgminError> {
        self.ask(x, |answer| answer.as_ref().map_or(vec![0.0; x.len()], |(_, g)| g.clone()))
    }
}

/// Quasi-Newton methods bring their own.
impl Hessian for &Oracle<'_, '_> {
    type Param = Vector;
    type Hessian = Vec<Vector>;
    fn hessian(&self, _: &Vector) -> Result<Vec<Vector>, ArgminError> {
        Err(ArgminError::msg("the second derivative is not asked for"))
    }
}
