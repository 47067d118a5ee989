//! Worlds that move along one direction, on a number for which the library has compiled the physics.

use costate::number::{Dual, Single, Tangent, Wide};

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

/// The same function, on numbers that have no other tangent.
pub fn alone(f: impl Fn(&[Wide<f64>]) -> Vec<Wide<f64>>) -> impl Fn(&[Single<f64>]) -> Vec<Single<f64>> {
    let widened = |x: &Single<f64>| moving(x.value, x.derivative());
    move |x| {
        let y = f(&x.iter().map(widened).collect::<Vec<_>>());
        y.iter().map(|y| Dual::new(y.value, slope(y))).collect()
    }
}
