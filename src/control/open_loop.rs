//! Controls that are planned in advance.

use crate::model::Input;
use crate::number::Real;

/// How a plan's few values become one control per step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One value for every `hold` steps.
    Steps {
        /// Steps for each value.
        hold: usize,
    },
    /// A uniform cubic B-spline with this many control points, clamped at its ends.
    ///
    /// Every control is a mean of four control points: what bounds them bounds the controls.
    Spline {
        /// Control points, at least four.
        knots: usize,
    },
}

/// Controls as a linear function of few values: `u_k = Σ_j w_kj x_j` for every actuator.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How values become controls.
    pub shape: Shape,
    /// How many controls a step has.
    pub actuators: usize,
    knots: usize,
    /// For every step the first value that counts, and the weights of it and its followers.
    rows: Vec<(usize, [f64; 4])>,
}

impl Plan {
    /// A plan for `steps` steps. The values of a knot stand side by side: `x: (knots, actuators)`.
    pub fn new(shape: Shape, steps: usize, actuators: usize) -> Self {
        let rows: Vec<_> = match shape {
            Shape::Steps { hold } => (0..steps).map(|k| (k / hold.max(1), [1.0, 0.0, 0.0, 0.0])).collect(),
            Shape::Spline { knots } => {
                let knots = knots.max(4);
                let last = steps.saturating_sub(1).max(1) as f64;
                (0..steps).map(|k| b_spline_row(k as f64 / last, knots)).collect()
            }
        };
        let knots = match shape {
            Shape::Steps { hold } => steps.div_ceil(hold.max(1)),
            Shape::Spline { knots } => knots.max(4),
        };
        Self { shape, actuators, knots, rows }
    }
    /// How many steps it plans.
    pub fn steps(&self) -> usize {
        self.rows.len()
    }
    /// How many knots it has: values of one actuator.
    pub fn knots(&self) -> usize {
        self.knots
    }
    /// How many values it takes.
    pub fn values(&self) -> usize {
        self.knots * self.actuators
    }

    /// Overwrites the controls of every step.
    pub fn inputs<R: Real>(&self, values: &[R], out: &mut [Input<R>]) {
        for ((first, weights), input) in self.rows.iter().zip(out) {
            input.u.fill(R::zero());
            self.each(*first, *weights, |at, w| {
                for (u, x) in input.u.iter_mut().zip(&values[at..]) {
                    *u += x.times(w);
                }
            });
        }
    }

    /// The transpose of [`Plan::inputs`]: adds the cotangents of the values.
    pub fn inputs_pullback<R: Real>(&self, cotangent: &[Input<R>], out: &mut [R]) {
        for ((first, weights), input) in self.rows.iter().zip(cotangent) {
            self.each(*first, *weights, |at, w| {
                for (x, u) in out[at..].iter_mut().zip(&input.u) {
                    *x += u.times(w);
                }
            });
        }
    }

    /// Visits the values of every knot that counts, by the place of their first.
    fn each(&self, first: usize, weights: [f64; 4], mut visit: impl FnMut(usize, f64)) {
        for (j, w) in weights.into_iter().enumerate().filter(|(_, w)| *w != 0.0) {
            visit((first + j) * self.actuators, w);
        }
    }
}

/// The four cubic B-spline functions that are not zero at `t` in `[0, 1]`, and the first of them, on a
/// uniform knot vector with fourfold ends (de Boor 1972).
fn b_spline_row(t: f64, knots: usize) -> (usize, [f64; 4]) {
    let spans = knots - 3;
    let x = t * spans as f64;
    let span = (x.floor() as usize).min(spans - 1);
    // The knot vector 0 0 0 0 1 2 … spans spans spans spans; the span is [node(3), node(4)].
    let node = |i: usize| ((span + i) as f64 - 3.0).clamp(0.0, spans as f64);
    let mut w = [1.0, 0.0, 0.0, 0.0];
    for degree in 1..4 {
        let mut left = 0.0;
        for j in 0..degree {
            let (a, b) = (node(4 + j - degree), node(4 + j));
            let share = w[j] / (b - a);
            w[j] = left + (b - x) * share;
            left = (x - a) * share;
        }
        w[degree] = left;
    }
    (span, w)
}
