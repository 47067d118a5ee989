//! The best small change of all controls, from the last step to the first.

use nalgebra::{DMatrix, DVector};

use super::box_qp::minimize;
use super::expansion::{Quadratic, Step};

/// What a step does about a change of its state: `δu = length × feedforward + gain δx`.
#[derive(Clone, Debug)]
pub struct Policy {
    /// (m)
    pub feedforward: DVector<f64>,
    /// (m, n)
    pub gain: DMatrix<f64>,
}

/// How the cost is expected to change with the length `α` of the step: `α slope + ½ α² bend`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Promise {
    /// Below zero.
    pub slope: f64,
    /// Above zero.
    pub bend: f64,
}

impl Promise {
    /// How far the cost is expected to fall.
    pub fn fall(self, length: f64) -> f64 {
        -length * (self.slope + 0.5 * length * self.bend)
    }
}

/// Minimizes the sum of all costs along the linear world, step by step backward (Riccati's recursion), with
/// `weight × |δu|² / 2` added to each and with `δu` in `reach: (steps × m)` (Tassa, Mansard and Todorov 2014).
///
/// `V(δx) = min_δu ℓ(δx, δu) + V'(A δx + B δu)`
///
/// `None` if some step has no minimum, which a greater weight mends.
pub fn sweep(
    steps: &[Step],
    last: &Quadratic,
    reach: &[[f64; 2]],
    weight: f64,
    policies: &mut [Policy],
) -> Option<Promise> {
    let (mut vx, mut vxx) = (last.x.clone(), last.xx.clone());
    let mut promise = Promise { slope: 0.0, bend: 0.0 };
    for (k, (Step { a, b, cost }, policy)) in steps.iter().zip(policies).enumerate().rev() {
        let m = b.ncols();
        let (va, vb) = (&vxx * a, &vxx * b);
        let (qx, qu) = (&cost.x + a.tr_mul(&vx), &cost.u + b.tr_mul(&vx));
        let (qxx, qux, quu) = (&cost.xx + a.tr_mul(&va), &cost.ux + b.tr_mul(&va), &cost.uu + b.tr_mul(&vb));
        let mut damped = quu.clone();
        for i in 0..m {
            damped[(i, i)] += weight;
        }
        let minimum = minimize(&damped, &qu, &reach[k * m..(k + 1) * m])?;
        policy.gain.fill(0.0);
        if let Some(factor) = &minimum.factor {
            let own = factor.solve(&qux.select_rows(&minimum.free));
            for (row, &i) in minimum.free.iter().enumerate() {
                policy.gain.set_row(i, &-own.row(row));
            }
        }
        policy.feedforward = minimum.d;
        let (d, gain) = (&policy.feedforward, &policy.gain);
        let bent = &quu * d;
        promise.slope += d.dot(&qu);
        promise.bend += d.dot(&bent);
        vx = qx + gain.tr_mul(&(bent + qu)) + qux.tr_mul(d);
        vxx = qxx + gain.tr_mul(&(quu * gain + &qux)) + qux.tr_mul(gain);
        // What rounding makes of a symmetric matrix would grow from step to step.
        vxx = (&vxx + vxx.transpose()) * 0.5;
    }
    Some(promise)
}
