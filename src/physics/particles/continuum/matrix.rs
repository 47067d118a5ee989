//! Square matrices of two or three rows.

use crate::number::Real;

/// A matrix by its rows.
pub type Matrix<R, const D: usize> = [[R; D]; D];

/// The matrix with these entries.
///
/// Written out: the compiler leaves a loop over large entries a loop, with its entries in memory.
#[inline(always)]
pub fn matrix<R: Real, const D: usize>(mut entry: impl FnMut(usize, usize) -> R) -> Matrix<R, D> {
    let mut out = [[R::zero(); D]; D];
    (out[0][0], out[0][1]) = (entry(0, 0), entry(0, 1));
    (out[1][0], out[1][1]) = (entry(1, 0), entry(1, 1));
    if D == 3 {
        (out[0][2], out[1][2]) = (entry(0, 2), entry(1, 2));
        (out[2][0], out[2][1], out[2][2]) = (entry(2, 0), entry(2, 1), entry(2, 2));
    }
    out
}

/// `s 1`.
#[inline(always)]
pub fn scalar<R: Real, const D: usize>(s: R) -> Matrix<R, D> {
    matrix(|i, j| if i == j { s } else { R::zero() })
}

/// `A + s B`.
#[inline(always)]
pub fn plus<R: Real, const D: usize>(a: Matrix<R, D>, s: R, b: Matrix<R, D>) -> Matrix<R, D> {
    matrix(|i, j| a[i][j] + s * b[i][j])
}

/// `A B`.
#[inline(always)]
pub fn product<R: Real, const D: usize>(a: &Matrix<R, D>, b: &Matrix<R, D>) -> Matrix<R, D> {
    matrix(|i, j| sum(|k| a[i][k] * b[k][j], D))
}

/// `Aᵀ`.
#[inline(always)]
pub fn transpose<R: Real, const D: usize>(a: &Matrix<R, D>) -> Matrix<R, D> {
    matrix(|i, j| a[j][i])
}

/// `Σ A_ij B_ij`.
#[inline(always)]
pub fn inner<R: Real, const D: usize>(a: &Matrix<R, D>, b: &Matrix<R, D>) -> R {
    sum(|i| sum(|j| a[i][j] * b[i][j], D), D)
}

/// `Σ A_ii`.
#[inline(always)]
pub fn trace<R: Real, const D: usize>(a: &Matrix<R, D>) -> R {
    sum(|i| a[i][i], D)
}

/// The determinant and its derivative, the matrix of cofactors `J A⁻ᵀ`.
#[inline(always)]
pub fn determinant<R: Real, const D: usize>(a: &Matrix<R, D>) -> (R, Matrix<R, D>) {
    let cofactors: Matrix<R, D> = if D == 2 {
        matrix(|i, j| if i == j { a[1 - i][1 - j] } else { -a[1 - i][1 - j] })
    } else {
        matrix(|i, j| {
            let (i1, i2, j1, j2) = ((i + 1) % 3, (i + 2) % 3, (j + 1) % 3, (j + 2) % 3);
            a[i1][j1] * a[i2][j2] - a[i1][j2] * a[i2][j1]
        })
    };
    (sum(|j| a[0][j] * cofactors[0][j], D), cofactors)
}

/// `f(0) + f(1)` and, of three terms, `f(2)`.
#[inline(always)]
pub fn sum<R: Real>(f: impl Fn(usize) -> R, n: usize) -> R {
    let two = f(0) + f(1);
    if n == 3 { two + f(2) } else { two }
}
