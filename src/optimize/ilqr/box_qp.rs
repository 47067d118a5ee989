//! A small convex quadratic problem in a box.

use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

/// Where the minimum lies, and how it moves with the slope: `δd_free = −H_free⁻¹ δg_free`.
pub struct Minimum {
    /// The minimizer.
    pub d: DVector<f64>,
    /// The entries that no bound holds.
    pub free: Vec<usize>,
    /// Of the free part of `H`, if anything is free.
    pub factor: Option<Cholesky<f64, Dyn>>,
}

/// More iterations than any search took.
const ITERATIONS: usize = 100;
/// Of the slope along what is free, relative to the slope at the start.
const TOLERANCE: f64 = 1e-11;
/// How much of the promised decrease must come, and how steps shrink until it does.
const DECREASE: f64 = 0.1;
const SHRINK: f64 = 0.6;
const SHORTEST: f64 = 1e-12;

/// The minimum of `½ dᵀ H d + gᵀ d` in a box around zero, by projected Newton steps (Bertsekas 1982; Tassa,
/// Mansard and Todorov 2014, "Control-limited differential dynamic programming"). `H: (m, m)`, `g: (m)`,
/// `reach: (m)` with the lower bound, at most zero, and the upper one, at least zero.
///
/// `None` if the part of `H` that the search needs is not positive definite.
pub fn minimize(h: &DMatrix<f64>, g: &DVector<f64>, reach: &[[f64; 2]]) -> Option<Minimum> {
    let mut at = Minimum { d: DVector::zeros(g.len()), free: Vec::new(), factor: None };
    for _ in 0..ITERATIONS {
        let slope = g + h * &at.d;
        let held = |i: usize| {
            let [lower, upper] = reach[i];
            at.d[i] <= lower && slope[i] > 0.0 || at.d[i] >= upper && slope[i] < 0.0
        };
        let free: Vec<usize> = (0..g.len()).filter(|&i| !held(i)).collect();
        if free != at.free || at.factor.is_none() {
            at.factor = match free.is_empty() {
                true => None,
                false => Some(h.select_rows(&free).select_columns(&free).cholesky()?),
            };
            at.free = free;
        }
        let Some(factor) = &at.factor else { return Some(at) };
        let own = slope.select_rows(&at.free);
        if own.amax() <= TOLERANCE * g.amax() {
            return Some(at);
        }
        let mut direction = DVector::zeros(g.len());
        for (i, d) in at.free.iter().zip(factor.solve(&own).iter()) {
            direction[*i] = -d;
        }
        let Some(d) = descend(h, reach, (&at.d, &slope, &direction)) else { return Some(at) };
        at.d = d;
    }
    Some(at)
}

/// A lower place along a projected direction; none if only rounding is left.
fn descend(
    h: &DMatrix<f64>,
    reach: &[[f64; 2]],
    (from, slope, direction): (&DVector<f64>, &DVector<f64>, &DVector<f64>),
) -> Option<DVector<f64>> {
    let promised = slope.dot(direction);
    let mut length = 1.0;
    while length > SHORTEST {
        let mut d = from + direction * length;
        for (d, [lower, upper]) in d.iter_mut().zip(reach) {
            *d = d.max(*lower).min(*upper);
        }
        // The change of the cost, without the cancellation of two costs.
        let moved = &d - from;
        let change = moved.dot(slope) + 0.5 * moved.dot(&(h * &moved));
        if change < 0.0 && change <= DECREASE * length * promised || from.iter().eq(d.iter()) {
            return (change < 0.0).then_some(d);
        }
        length *= SHRINK;
    }
    None
}
