//! The questions that every derivative must answer.

use super::{Dual, Few};

/// What a check found: the worst relative error.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Relative; infinite for NaN.
    pub error: f64,
}

/// `|a − b|` relative to the larger of the two and to one.
pub fn relative_error(a: f64, b: f64) -> f64 {
    (a - b).abs() / a.abs().max(b.abs()).max(1.0)
}

/// Asks whether the tangent of `f` on duals equals its central difference along `direction`.
///
/// `f` is given twice because a closure cannot be generic: on duals and on plain numbers.
pub fn derivative_check(
    dual: impl Fn(&[Dual<f64, Few<f64, 1>>]) -> Vec<Dual<f64, Few<f64, 1>>>,
    plain: impl Fn(&[f64]) -> Vec<f64>,
    x: &[f64],
    direction: &[f64],
) -> Check {
    let input: Vec<_> = x.iter().zip(direction).map(|(&x, &d)| Dual::<f64, Few<f64, 1>>::new(x, d)).collect();
    let tangent: Vec<f64> = dual(&input).iter().map(Dual::derivative).collect();
    let shifted = |h: f64| plain(&x.iter().zip(direction).map(|(x, d)| x + h * d).collect::<Vec<_>>());
    // Richardson's extrapolation of two central differences: an error of order h⁴.
    let h = 1e-4;
    let difference = |h: f64| -> Vec<f64> {
        shifted(h).iter().zip(shifted(-h)).map(|(a, b)| (a - b) / (2.0 * h)).collect()
    };
    let (coarse, fine) = (difference(h), difference(0.5 * h));
    let scale = tangent.iter().fold(1.0, |m: f64, t| m.max(t.abs()));
    let error = tangent
        .iter()
        .zip(coarse.iter().zip(&fine))
        .map(|(t, (c, f))| (t - (4.0 * f - c) / 3.0).abs() / scale)
        .fold(0.0, nan_max);
    Check { error }
}

/// Asks whether `⟨w, J d⟩ = ⟨Jᵀ w, d⟩`.
pub fn dot_check(w: &[f64], jd: &[f64], jtw: &[f64], d: &[f64]) -> Check {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let size = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a * b).abs()).sum::<f64>();
    let scale = size(w, jd).max(size(jtw, d)).max(f64::MIN_POSITIVE);
    let error = (dot(w, jd) - dot(jtw, d)).abs() / scale;
    Check { error: if error.is_nan() { f64::INFINITY } else { error } }
}

/// The maximum, in which NaN wins: a NaN must never look like a small error.
fn nan_max(a: f64, b: f64) -> f64 {
    if b.is_nan() { f64::INFINITY } else { a.max(b) }
}
