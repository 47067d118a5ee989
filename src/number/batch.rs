//! The same on many numbers at once: products of matrices, and a function of every number of a list.

use nalgebra::{DMatrixView, DMatrixViewMut, Dyn, RealField};

use super::Real;

/// A function of one number, and its slope.
pub trait Pointwise {
    /// `f(x)` and `f′(x)`.
    fn value_and_slope<R: Real>(&self, x: R) -> (R, R);
}

/// A matrix in a list: entry `(i, j)` is number `i rows + j columns`.
#[derive(Clone, Copy, Debug)]
pub struct Strides {
    /// From one row to the next.
    pub rows: usize,
    /// From one column to the next.
    pub columns: usize,
}

impl Strides {
    /// Rows of this length, one after the other.
    pub fn rows_of(length: usize) -> Self {
        Self { rows: length, columns: 1 }
    }
    /// Those of the transposed matrix.
    pub fn transposed(self) -> Self {
        Self { rows: self.columns, columns: self.rows }
    }
}

/// [`Real::add_product`] for any number.
#[inline]
pub(super) fn add_product<R: Real>(
    [m, k, n]: [usize; 3],
    (a, sa): (&[R], Strides),
    (b, sb): (&[R], Strides),
    (c, sc): (&mut [R], Strides),
) {
    if n == 0 || k == 0 {
        return;
    }
    if (sb.columns, sc.columns) == (1, 1) {
        for i in 0..m {
            let row = |p: usize| (a[i * sa.rows + p * sa.columns], &b[p * sb.rows..][..n]);
            add_rows(k, row, &mut c[i * sc.rows..][..n]);
        }
    } else if (sa.columns, sb.rows) == (1, 1) {
        for i in 0..m {
            for j in 0..n {
                let product = dot(&a[i * sa.rows..][..k], &b[j * sb.columns..][..k]);
                c[i * sc.rows + j * sc.columns] += product;
            }
        }
    } else {
        for (i, j) in (0..m).flat_map(|i| (0..n).map(move |j| (i, j))) {
            let term = |p| a[i * sa.rows + p * sa.columns] * b[p * sb.rows + j * sb.columns];
            let sum = (0..k).fold(R::zero(), |sum, p| sum + term(p));
            c[i * sc.rows + j * sc.columns] += sum;
        }
    }
}

/// The same for plain numbers: what is large goes to the kernels of `matrixmultiply`, in nalgebra's hands.
pub(super) fn add_product_by_kernel<R: Real + RealField>(
    size: [usize; 3],
    (a, sa): (&[R], Strides),
    (b, sb): (&[R], Strides),
    (c, sc): (&mut [R], Strides),
) {
    if size.iter().any(|n| *n <= 5) {
        return add_product(size, (a, sa), (b, sb), (c, sc));
    }
    let [m, k, n] = size;
    let view = |x, (rows, columns), s: Strides| {
        DMatrixView::<R, Dyn, Dyn>::from_slice_with_strides(x, rows, columns, s.rows, s.columns)
    };
    let one = <R as Real>::one();
    DMatrixViewMut::<R, Dyn, Dyn>::from_slice_with_strides_mut(c, m, n, sc.rows, sc.columns).gemm(
        one,
        &view(a, (m, k), sa),
        &view(b, (k, n), sb),
        one,
    );
}

/// `y += Σ_p x_p row_p`, four rows at a time.
#[inline]
fn add_rows<'a, R: Real + 'a>(k: usize, row: impl Fn(usize) -> (R, &'a [R]), y: &mut [R]) {
    let whole = k - k % 4;
    for p in (0..whole).step_by(4) {
        let [(x0, a), (x1, b), (x2, c), (x3, d)] = [row(p), row(p + 1), row(p + 2), row(p + 3)];
        for ((((y, a), b), c), d) in y.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            *y += (x0 * *a + x1 * *b) + (x2 * *c + x3 * *d);
        }
    }
    for p in whole..k {
        let (x, row) = row(p);
        y.iter_mut().zip(row).for_each(|(y, w)| *y += x * *w);
    }
}

/// `a · b` in eight sums, which fit into vector registers.
#[inline]
pub fn dot<R: Real>(a: &[R], b: &[R]) -> R {
    let mut sums = [R::zero(); 8];
    let (mut left, mut right) = (a.chunks_exact(8), b.chunks_exact(8));
    for (a, b) in (&mut left).zip(&mut right) {
        for k in 0..8 {
            sums[k] += a[k] * b[k];
        }
    }
    let rest = left.remainder().iter().zip(right.remainder());
    let tail = rest.fold(R::zero(), |sum, (a, b)| sum + *a * *b);
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + e) + (b + f)) + ((c + g) + (d + h)) + tail
}
