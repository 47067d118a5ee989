//! Functions with a derivative everywhere: the one place to look for kinks.

use super::Real;

/// `√s`, and zero with zero derivative where `s` is not positive: the norm of a vector from its sum of
/// squares `s`.
#[inline(always)]
pub fn safe_sqrt<R: Real>(s: R) -> R {
    let positive = s.gt(R::zero());
    let root = R::select(positive, s, R::one()).sqrt();
    R::select(positive, root, R::zero())
}

/// `x / y`, and zero with zero derivative where `y` is zero.
#[inline(always)]
pub fn safe_div<R: Real>(x: R, y: R) -> R {
    let zero = y.le(R::zero()) & R::zero().le(y);
    let quotient = x / R::select(zero, R::one(), y);
    R::select(zero, R::zero(), quotient)
}

/// `√(x² + w²) − w`: the absolute value with a rounded corner of width `w > 0`.
#[inline(always)]
pub fn smooth_abs<R: Real>(x: R, width: R) -> R {
    (x * x + width * width).sqrt() - width
}

/// `½ (a + b + √((a − b)² + w²))`: the maximum with a rounded corner of width `w > 0`; at a tie
/// it is above both by `½ w`.
#[inline(always)]
pub fn smooth_max<R: Real>(a: R, b: R, width: R) -> R {
    let d = a - b;
    (a + b + (d * d + width * width).sqrt()).times(0.5)
}
