//! Isotropic functions of a matrix, `U g(σ) Vᵀ` of `F = U σ Vᵀ`, and their derivatives.
//!
//! The factors `U` and `V` are found in plain numbers and then held fixed: the function is expanded to
//! first order in `A = Uᵀ F V`, which is diagonal up to rounding. Off the diagonal
//! its slopes are divided differences of `g`, which have limits where singular values meet, as they do
//! at rest (Papadopoulo and Lourakis 2000). First derivatives are exact; second derivatives through a turn of the axes are not carried.

use super::matrix::{Matrix, determinant, matrix, product, sum, transpose};
use crate::number::{Mask, Real};

/// A matrix seen from its singular axes.
#[derive(Clone, Copy, Debug)]
pub struct Axes<R, const D: usize> {
    /// `U`, a rotation.
    left: Matrix<R, D>,
    /// `V`, a rotation.
    right: Matrix<R, D>,
    /// `A = Uᵀ F V`: the singular values on the diagonal, the last one with the sign of the determinant.
    pub stretch: Matrix<R, D>,
}

/// The singular axes of a matrix, by Hestenes' one-sided Jacobi rotations.
pub fn axes<R: Real, const D: usize>(f: &Matrix<R, D>) -> Axes<R, D> {
    let plain: Matrix<R::Plain, D> = matrix(|i, j| f[i][j].plain());
    let (left, right) = factors(plain);
    let left = matrix(|i, j| R::from_plain(left[i][j]));
    let right = matrix(|i, j| R::from_plain(right[i][j]));
    Axes { left, right, stretch: product(&transpose(&left), &product(f, &right)) }
}

/// Turns columns `p` and `q` of a matrix by an angle with this cosine and sine.
#[inline(always)]
fn turn<P: Real, const D: usize>(m: &mut Matrix<P, D>, [p, q]: [usize; 2], [cos, sin]: [P; 2]) {
    for row in m {
        (row[p], row[q]) = (cos * row[p] - sin * row[q], sin * row[p] + cos * row[q]);
    }
}

/// `U` and `V` in plain numbers, singular values in falling order.
fn factors<P: Real, const D: usize>(f: Matrix<P, D>) -> (Matrix<P, D>, Matrix<P, D>) {
    let (mut b, mut v) = (f, super::matrix::scalar(P::one()));
    let (zero, one) = (P::zero(), P::one());
    let dot = |b: &Matrix<P, D>, p: usize, q: usize| sum(|i| b[i][p] * b[i][q], D);
    for _ in 0..12 {
        let mut turned = zero;
        for [p, q] in [[0, 1], [0, 2], [1, 2]] {
            if q >= D {
                continue;
            }
            let (alpha, beta, gamma) = (dot(&b, p, p), dot(&b, q, q), dot(&b, p, q));
            // Columns that are orthogonal up to rounding stay, however close their lengths are.
            let still = (gamma * gamma).le((alpha * beta).times(4.0 * P::EPSILON * P::EPSILON));
            let zeta = (beta - alpha) / P::select(still, one, gamma.times(2.0));
            let tangent = (zeta.abs() + (one + zeta * zeta).sqrt()).recip();
            let tangent = P::select(zeta.lt(zero), -tangent, tangent);
            let tangent = P::select(still, zero, tangent);
            let cos = (one + tangent * tangent).sqrt().recip();
            turn(&mut b, [p, q], [cos, cos * tangent]);
            turn(&mut v, [p, q], [cos, cos * tangent]);
            turned = turned.max(tangent.abs());
        }
        // Two columns are orthogonal after one turn; of three the error squares with every round.
        if D == 2 || turned.lt(P::from_f64(1e-8)).all() {
            break;
        }
    }
    for [p, q] in [[0, 1], [0, 2], [1, 2]] {
        if q < D {
            // A quarter turn exchanges columns and stays a rotation.
            let swap = dot(&b, p, p).lt(dot(&b, q, q));
            let quarter = [P::select(swap, zero, one), P::select(swap, one, zero)];
            turn(&mut b, [p, q], quarter);
            turn(&mut v, [p, q], quarter);
        }
    }
    (rotation_of(&b), v)
}

/// The rotation whose first columns are the directions of these, which are orthogonal up to rounding.
fn rotation_of<P: Real, const D: usize>(b: &Matrix<P, D>) -> Matrix<P, D> {
    let unit = |v: [P; D], instead: [P; D]| {
        let square = sum(|i| v[i] * v[i], D);
        let tiny = square.lt(P::from_f64(1e-200));
        let scale = P::select(tiny, P::one(), square).sqrt().recip();
        let mut out = [P::zero(); D];
        for i in 0..D {
            out[i] = P::select(tiny, instead[i], v[i] * scale);
        }
        out
    };
    let column = |j: usize| std::array::from_fn::<P, D, _>(|i| b[i][j]);
    let mut e = [P::zero(); D];
    e[0] = P::one();
    let u = unit(column(0), e);
    if D == 2 {
        return matrix(|i, j| {
            if j == 0 {
                u[i]
            } else if i == 0 {
                -u[1]
            } else {
                u[0]
            }
        });
    }
    // Any direction across u, in case that there is no second singular value.
    let slanted = u[0].abs().gt(P::from_f64(0.5));
    let mut across = [P::zero(); D];
    across[0] = P::select(slanted, -u[1], P::zero());
    across[1] = P::select(slanted, u[0], -u[2]);
    across[2] = P::select(slanted, P::zero(), u[1]);
    let across = unit(across, e);
    let w = column(1);
    let along = sum(|i| u[i] * w[i], D);
    let w = unit(std::array::from_fn(|i| w[i] - along * u[i]), across);
    let m: Matrix<P, D> = matrix(|i, j| [u[i], w[i], P::zero()][j]);
    let (_, cofactors) = determinant(&m);
    matrix(|i, j| if j == 2 { cofactors[i][2] } else { m[i][j] })
}

impl<R: Real, const D: usize> Axes<R, D> {
    /// The signed singular values.
    #[inline(always)]
    pub fn values(&self) -> [R; D] {
        std::array::from_fn(|i| self.stretch[i][i])
    }

    /// `U g(σ) Vᵀ` from the values of `g` and, for each pair of axes, `(g_i − g_j)/(σ_i − σ_j)` and
    /// `(g_i + g_j)/(σ_i + σ_j)`.
    #[inline(always)]
    pub fn two_sided(&self, g: [R; D], slopes: impl Fn(usize, usize) -> [R; 2]) -> Matrix<R, D> {
        let a = &self.stretch;
        let seen = matrix(|i, j| {
            if i == j {
                return g[i];
            }
            let [even, odd] = slopes(i, j);
            ((a[i][j] + a[j][i]) * even + (a[i][j] - a[j][i]) * odd).times(0.5)
        });
        product(&self.left, &product(&seen, &transpose(&self.right)))
    }
    /// The cotangents of `g` and of `A` off its diagonal.
    #[inline(always)]
    pub(super) fn two_sided_pullback(
        &self,
        slopes: impl Fn(usize, usize) -> [R; 2],
        cotangent: &Matrix<R, D>,
    ) -> ([R; D], Matrix<R, D>) {
        let w = product(&transpose(&self.left), &product(cotangent, &self.right));
        let a = matrix(|i, j| {
            if i == j {
                return R::zero();
            }
            let [even, odd] = slopes(i, j);
            ((w[i][j] + w[j][i]) * even + (w[i][j] - w[j][i]) * odd).times(0.5)
        });
        (std::array::from_fn(|i| w[i][i]), a)
    }

    /// `U t(σ) Uᵀ` from the values of `t` and, for each pair of axes, `(t_i − t_j)/(σ_i² − σ_j²)`.
    #[inline(always)]
    pub fn one_sided(&self, t: [R; D], slope: impl Fn(usize, usize) -> R) -> Matrix<R, D> {
        let a = &self.stretch;
        let seen =
            matrix(|i, j| if i == j { t[i] } else { slope(i, j) * (a[j][j] * a[i][j] + a[i][i] * a[j][i]) });
        product(&self.left, &product(&seen, &transpose(&self.left)))
    }
    /// The cotangents of `t` and of `A` off its diagonal.
    #[inline(always)]
    pub(super) fn one_sided_pullback(
        &self,
        slope: impl Fn(usize, usize) -> R,
        cotangent: &Matrix<R, D>,
    ) -> ([R; D], Matrix<R, D>) {
        let z = product(&transpose(&self.left), &product(cotangent, &self.left));
        let a =
            matrix(
                |i, j| {
                    if i == j { R::zero() } else { (z[i][j] + z[j][i]) * slope(i, j) * self.stretch[j][j] }
                },
            );
        (std::array::from_fn(|i| z[i][i]), a)
    }

    /// `F̄` from the cotangent of `A`.
    #[inline(always)]
    pub(super) fn pullback(&self, a: &Matrix<R, D>) -> Matrix<R, D> {
        product(&self.left, &product(a, &transpose(&self.right)))
    }
}

/// `(eᵃ − eᵇ)/(a − b)`.
#[inline]
pub fn exp_slope<R: Real>(a: R, b: R) -> R {
    let half = (a - b).times(0.5);
    let small = half.abs().lt(R::from_f64(0.1));
    let s = half * half;
    let series = [1.0 / 362880.0, 1.0 / 5040.0, 1.0 / 120.0, 1.0 / 6.0, 1.0];
    let near = series.iter().fold(R::zero(), |sum, c| sum * s + R::from_f64(*c));
    let d = R::select(small, R::one(), half);
    let e = d.exp();
    let far = (e - e.recip()).times(0.5) / d;
    (a + b).times(0.5).exp() * R::select(small, near, far)
}

/// `(ln a − ln b)/(a − b)` of positive numbers and their logarithms.
#[inline]
pub fn ln_slope<R: Real>([a, ln_a]: [R; 2], [b, ln_b]: [R; 2]) -> R {
    let (difference, total) = (a - b, a + b);
    let z = difference / total;
    let small = z.abs().lt(R::from_f64(0.05));
    let s = z * z;
    let series = [1.0 / 11.0, 1.0 / 9.0, 1.0 / 7.0, 0.2, 1.0 / 3.0, 1.0];
    let near = series.iter().fold(R::zero(), |sum, c| sum * s + R::from_f64(*c)).times(2.0) / total;
    let far = (ln_a - ln_b) / R::select(small, R::one(), difference);
    R::select(small, near, far)
}
