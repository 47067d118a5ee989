//! Automatic pullbacks of small functions.

use super::{Dual, Real, Tangent, Wide};

/// Pulls the cotangent of `f`'s results back to its inputs: `x̄ = (∂f/∂x)ᵀ ȳ`.
///
/// The function runs once on dual numbers for every [`Tangent::WIDTH`] inputs. It may branch as it
/// likes and should take the fewest numbers that determine it.
#[inline]
pub fn leaf_pullback<R: Real, const N: usize, const M: usize>(
    f: impl Fn([Wide<R>; N]) -> [Wide<R>; M],
    x: [R; N],
    cotangent: [R; M],
) -> [R; N] {
    let width = <R::Tangents as Tangent<R>>::WIDTH;
    let mut out = [R::zero(); N];
    let mut start = 0;
    while start < N {
        let mut input: [Wide<R>; N] = x.map(Dual::constant);
        let end = (start + width).min(N);
        for (k, input) in input[start..end].iter_mut().enumerate() {
            input.tangent.set(k, R::one());
        }
        let y = f(input);
        let mut sum = <R::Tangents as Tangent<R>>::zeros();
        for (y, w) in y.iter().zip(cotangent) {
            sum = sum + y.tangent.scale(w);
        }
        for (k, out) in out[start..end].iter_mut().enumerate() {
            *out = sum.get(k);
        }
        start = end;
    }
    out
}
