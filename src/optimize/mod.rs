//! Getting there.
//!
//! A [`Problem`] says what is given, what is wished for and what may change. [`run`] changes it, by
//! [`Adam`](Kind::Adam), [gradient descent](Kind::Descent), [L-BFGS](Kind::Lbfgs), a
//! [trust region](Kind::TrustRegion), [iterative LQR](Kind::Ilqr), [least squares](Kind::LevenbergMarquardt) or,
//! without gradients, [CMA-ES](Kind::Cmaes), until a tolerance, a budget, the goals or a divergence stops it, and
//! can go on from a checkpoint to the same bits. [`fit`] says what a recording determines.

mod adam;
mod checkpoint;
mod cma_es;
mod episodes;
mod evaluate;
mod fit;
mod gradient_descent;
#[doc(hidden)]
pub mod ilqr;
mod lbfgs;
mod least_squares;
mod normalize;
mod oracle;
mod pace;
mod problem;
mod run;
mod solution;
mod trials;
mod trust_region;
mod variable;

use crate::error::Error;

pub use adam::AdamSettings;
pub use cma_es::CmaesSettings;
pub use episodes::Ended;
pub use evaluate::Evaluator;
pub use fit::{Combination, Estimate, Fit, fit};
pub use gradient_descent::DescentSettings;
pub use least_squares::jacobian;
pub use pace::Schedule;
pub use problem::{Bounds, Gradients, Kind, Method, Precision, Problem, Rollout, Spread, Starts};
pub use run::{Outcome, Row, Settings, run, run_with};
pub use solution::{Solution, Tensor};
pub use trials::{FailedTrials, Progress, Reason};
pub use variable::{Coordinate, Group, Subject, Variable};

// A problem names its method and never meets it. Tests do, on functions whose minimum is known.
#[doc(hidden)]
pub use adam::Adam;
#[doc(hidden)]
pub use cma_es::Cmaes;
#[doc(hidden)]
pub use gradient_descent::GradientDescent;
#[doc(hidden)]
pub use lbfgs::Lbfgs;
#[doc(hidden)]
pub use trials::Trials;

/// A function to minimize: returns the cost at a point and overwrites its gradient, if there is room for one.
#[doc(hidden)]
pub type Function<'f> = dyn FnMut(&[f64], &mut [f64]) -> Result<f64, Error> + 'f;

/// A place on the way, with its cost and gradient.
#[derive(Clone, Debug, PartialEq)]
#[doc(hidden)]
pub struct Point {
    pub x: Vec<f64>,
    pub cost: f64,
    pub gradient: Vec<f64>,
}

impl Point {
    pub fn at(x: Vec<f64>, f: &mut Function<'_>) -> Result<Self, Error> {
        let mut gradient = vec![0.0; x.len()];
        let cost = f(&x, &mut gradient)?;
        Ok(Self { x, cost, gradient })
    }
    fn gradient_norm(&self) -> f64 {
        norm(&self.gradient)
    }
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// A way of descending, one iteration at a time.
#[doc(hidden)]
pub trait Descent {
    fn point(&self) -> &Point;

    /// Goes to the next point; a sentence if it cannot.
    fn advance(&mut self, f: &mut Function<'_>) -> Result<Option<String>, Error>;

    /// Everything that the next iterations depend on.
    fn save(&self) -> Vec<Tensor>;
}
