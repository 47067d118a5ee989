//! Worlds that move along one direction, on a number for which the library has compiled the physics.

use costate::number::{Dual, Single, Tangent, Wide, derivative_check};

/// A number with this tangent, the first of eight.
pub fn moving(value: f64, tangent: f64) -> Wide<f64> {
    let mut out: Wide<f64> = Dual::constant(value);
    out.tangent.set(0, tangent);
    out
}

/// The tangent.
pub fn slope(x: &Wide<f64>) -> f64 {
    x.tangent.get(0)
}

type Function<'a, R> = &'a dyn Fn(&[R]) -> Vec<R>;

/// How far the tangent of a function is from its central difference along a direction.
pub fn difference(
    moving: Function<'_, Wide<f64>>,
    plain: Function<'_, f64>,
    x: &[f64],
    direction: &[f64],
) -> f64 {
    let widened = |x: &Single<f64>| self::moving(x.value, x.derivative());
    let dual = |x: &[Single<f64>]| {
        let y = moving(&x.iter().map(widened).collect::<Vec<_>>());
        y.iter().map(|y| Single::new(y.value, slope(y))).collect()
    };
    derivative_check(dual, plain, x, direction).error
}
