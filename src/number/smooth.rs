//! Functions with a derivative everywhere: the one place to look for kinks.

use super::{Mask, Real};

/// `√(x·x)`, with derivative zero (not NaN) where the sum of squares `s` is zero.
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

/// `√(x² + w²) − w`: the absolute value with a rounded corner of width `w`.
#[inline(always)]
pub fn smooth_abs<R: Real>(x: R, width: R) -> R {
    (x * x + width * width).sqrt() - width
}

/// `½ (a + b + √((a − b)² + w²))`: the maximum with a rounded corner of width `w`.
#[inline(always)]
pub fn smooth_max<R: Real>(a: R, b: R, width: R) -> R {
    let d = a - b;
    (a + b + (d * d + width * width).sqrt()).times(0.5)
}

/// Whether a number is finite in every world.
#[inline(always)]
pub fn all_finite<R: Real>(x: &[R]) -> bool {
    x.iter().all(|x| x.is_finite().all())
}
