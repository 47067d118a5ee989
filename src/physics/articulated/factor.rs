//! Factors of matrices that follow the tree: no fill-in, since branches never couple.

use crate::model::Pattern;
use crate::number::{Real, copy};

/// `M = Lᵀ D L` with unit lower `L` in the tree's pattern (Featherstone 2008, section 6.5).
#[derive(Clone, Debug, Default)]
pub struct Factor<R> {
    /// `L`, row by row; the place of the diagonal is unused.
    pub rows: Vec<R>,
    /// `1/D`.
    pub inverse_diagonal: Vec<R>,
}

impl<R: Real> Factor<R> {
    /// Room for a pattern.
    pub fn new(pattern: &Pattern) -> Self {
        Self { rows: vec![R::zero(); pattern.entries()], inverse_diagonal: vec![R::zero(); pattern.rows()] }
    }

    /// Overwrites this factor with that over another number.
    pub fn copy_from<S: Real>(&mut self, other: &Factor<S>, f: impl Fn(S) -> R + Copy) {
        copy(&mut self.rows, &other.rows, f);
        copy(&mut self.inverse_diagonal, &other.inverse_diagonal, f);
    }

    /// Factors the symmetric matrix with these rows.
    pub fn compute(&mut self, pattern: &Pattern, matrix: &[R]) {
        self.rows.copy_from_slice(matrix);
        // From the leaves to the root: eliminate dof i from its ancestors.
        for i in (0..pattern.rows()).rev() {
            let row = pattern.row(i);
            let inverse = self.rows[row.end - 1].recip();
            self.inverse_diagonal[i] = inverse;
            let (above, own) = self.rows.split_at_mut(row.start);
            for k in (0..row.len() - 1).rev() {
                let share = own[k] * inverse;
                let start = pattern.start[pattern.column[row.start + k]];
                for (entry, x) in above[start..=start + k].iter_mut().zip(&own[..=k]) {
                    *entry -= share * *x;
                }
                own[k] = share;
            }
        }
    }

    /// Solves `M x = b` in place.
    pub fn solve(&self, pattern: &Pattern, x: &mut [R]) {
        for i in (0..pattern.rows()).rev() {
            let row = pattern.row(i);
            let xi = x[i];
            for k in row.start..row.end - 1 {
                x[pattern.column[k]] -= self.rows[k] * xi;
            }
        }
        for i in 0..pattern.rows() {
            let row = pattern.row(i);
            let mut sum = x[i] * self.inverse_diagonal[i];
            for k in row.start..row.end - 1 {
                sum -= self.rows[k] * x[pattern.column[k]];
            }
            x[i] = sum;
        }
    }
}

/// `N = U L` of an unsymmetric matrix in the tree's pattern: unit upper `U`, lower `L`.
#[derive(Clone, Debug, Default)]
pub struct GeneralFactor<R> {
    /// `L`, row by row, the diagonal last.
    pub lower: Vec<R>,
    /// `U`, column by column: entry `(j, i)` stands where `(i, j)` stands in `lower`.
    pub upper: Vec<R>,
}

impl<R: Real> GeneralFactor<R> {
    /// Room for a pattern.
    pub fn new(pattern: &Pattern) -> Self {
        Self { lower: vec![R::zero(); pattern.entries()], upper: vec![R::zero(); pattern.entries()] }
    }

    /// Overwrites this factor with that over another number.
    pub fn copy_from<S: Real>(&mut self, other: &GeneralFactor<S>, f: impl Fn(S) -> R + Copy) {
        copy(&mut self.lower, &other.lower, f);
        copy(&mut self.upper, &other.upper, f);
    }

    /// Factors the matrix with these lower rows and upper columns; the diagonal is read from `lower`.
    pub fn compute(&mut self, pattern: &Pattern, lower: &[R], upper: &[R]) {
        self.lower.copy_from_slice(lower);
        self.upper.copy_from_slice(upper);
        for i in (0..pattern.rows()).rev() {
            let row = pattern.row(i);
            let inverse = self.lower[row.end - 1].recip();
            let (above_lower, own_lower) = self.lower.split_at_mut(row.start);
            let (above_upper, own_upper) = self.upper.split_at_mut(row.start);
            for entry in &mut own_upper[..row.len() - 1] {
                *entry *= inverse;
            }
            for k in 0..row.len() - 1 {
                let start = pattern.start[pattern.column[row.start + k]];
                let (below, right) = (own_upper[k], own_lower[k]);
                for m in 0..=k {
                    above_lower[start + m] -= below * own_lower[m];
                }
                for m in 0..k {
                    above_upper[start + m] -= own_upper[m] * right;
                }
            }
        }
    }

    /// Solves `N x = b` in place.
    pub fn solve(&self, pattern: &Pattern, x: &mut [R]) {
        for i in (0..pattern.rows()).rev() {
            let row = pattern.row(i);
            let xi = x[i];
            for k in row.start..row.end - 1 {
                x[pattern.column[k]] -= self.upper[k] * xi;
            }
        }
        for i in 0..pattern.rows() {
            let row = pattern.row(i);
            let mut sum = x[i];
            for k in row.start..row.end - 1 {
                sum -= self.lower[k] * x[pattern.column[k]];
            }
            x[i] = sum / self.lower[row.end - 1];
        }
    }

    /// Solves `Nᵀ x = b` in place.
    pub fn solve_transposed(&self, pattern: &Pattern, x: &mut [R]) {
        for i in (0..pattern.rows()).rev() {
            let row = pattern.row(i);
            let xi = x[i] / self.lower[row.end - 1];
            x[i] = xi;
            for k in row.start..row.end - 1 {
                x[pattern.column[k]] -= self.lower[k] * xi;
            }
        }
        for i in 0..pattern.rows() {
            let row = pattern.row(i);
            let mut sum = x[i];
            for k in row.start..row.end - 1 {
                sum -= self.upper[k] * x[pattern.column[k]];
            }
            x[i] = sum;
        }
    }
}
