//! `H = M + Jᵀ W J` and its factor.

use super::law::{Curvature, MOST};
use super::rows::Rows;
use crate::model::Pattern;
use crate::number::{Mask, Real};

/// `H = Lᵀ D L`, eliminated from the leaves to the root, so that branches which no constraint couples
/// stay apart: entries that are zero in all worlds are left out.
#[derive(Clone, Debug)]
pub struct Hessian<R> {
    /// The lower triangle, row after row; after [`factor`](Self::factor) `L` without its diagonal.
    rows: Vec<R>,
    inverse_diagonal: Vec<R>,
    /// The entries of each row of `L` that are not zero.
    present: Vec<usize>,
    start: Vec<usize>,
    end: Vec<usize>,
}

/// Where row `i` of the triangle begins.
#[inline(always)]
fn first(i: usize) -> usize {
    i * (i + 1) / 2
}

impl<R: Real> Hessian<R> {
    /// Room for `n` degrees of freedom.
    pub fn new(n: usize) -> Self {
        Self {
            rows: vec![R::zero(); first(n)],
            inverse_diagonal: vec![R::zero(); n],
            present: Vec::with_capacity(first(n)),
            start: vec![0; n],
            end: vec![0; n],
        }
    }

    /// Sets `M + Jᵀ W J` at the residuals `r`.
    pub fn set(&mut self, pattern: &Pattern, mass: &[R], rows: &Rows<R>, r: &[R]) {
        self.rows.fill(R::zero());
        for i in 0..pattern.rows() {
            let at = first(i);
            for k in pattern.row(i) {
                self.rows[at + pattern.column[k]] = mass[k];
            }
        }
        let mut w: Curvature<R> = [[R::zero(); MOST]; MOST];
        for block in &rows.blocks {
            block.law.curvature(&r[block.rows()], &mut w);
            self.add(&rows.dofs[block.columns()], &rows.values[block.values()], &w, block.count);
        }
    }

    /// Adds `jᵀ W j` of one block with ascending degrees of freedom.
    fn add(&mut self, dofs: &[usize], j: &[R], w: &Curvature<R>, count: usize) {
        let width = dofs.len();
        if (0..count).all(|k| w[k][k].is_zero().all()) {
            return;
        }
        for (p, &i) in dofs.iter().enumerate() {
            let mut wj = [R::zero(); MOST];
            for k in 0..count {
                for l in 0..count {
                    wj[k] += w[k][l] * j[l * width + p];
                }
            }
            let row = &mut self.rows[first(i)..first(i + 1)];
            for (q, &d) in dofs[..=p].iter().enumerate() {
                let mut sum = R::zero();
                for k in 0..count {
                    sum += wj[k] * j[k * width + q];
                }
                row[d] += sum;
            }
        }
    }

    /// Factors in place.
    pub fn factor(&mut self) {
        let n = self.inverse_diagonal.len();
        self.present.clear();
        // From the leaves to the root: eliminate dof i from those that it is coupled with.
        for i in (0..n).rev() {
            let (above, own) = self.rows.split_at_mut(first(i));
            let inverse = own[i].recip();
            self.inverse_diagonal[i] = inverse;
            self.start[i] = self.present.len();
            self.present.extend((0..i).filter(|&j| !own[j].is_zero().all()));
            let list = &self.present[self.start[i]..];
            for (count, &j) in list.iter().enumerate().rev() {
                let share = own[j] * inverse;
                let row = &mut above[first(j)..first(j + 1)];
                for &k in &list[..=count] {
                    row[k] -= share * own[k];
                }
                own[j] = share;
            }
            self.end[i] = self.present.len();
        }
    }

    /// The entries of row `i` of `L` that are not zero.
    #[inline(always)]
    fn list(&self, i: usize) -> &[usize] {
        &self.present[self.start[i]..self.end[i]]
    }

    /// Solves `H x = b` in place; the factor may be over the plain number.
    pub fn solve<S: Real>(&self, x: &mut [S], lift: impl Fn(R) -> S) {
        let n = x.len();
        for i in (0..n).rev() {
            let (row, xi) = (&self.rows[first(i)..first(i + 1)], x[i]);
            for &k in self.list(i) {
                x[k] -= lift(row[k]) * xi;
            }
        }
        for i in 0..n {
            let row = &self.rows[first(i)..first(i + 1)];
            let mut sum = x[i] * lift(self.inverse_diagonal[i]);
            for &k in self.list(i) {
                sum -= lift(row[k]) * x[k];
            }
            x[i] = sum;
        }
    }
}
