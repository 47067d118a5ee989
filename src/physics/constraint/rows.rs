//! The rows of all constraints of a world: Jacobian, reference, and law.

use std::ops::Range;

use super::law::Law;
use crate::number::Real;

/// One of two ends of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The value is bounded from below.
    Lower,
    /// The value is bounded from above.
    Upper,
}

/// Where a block of rows comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Equality `k` of points, of joints or of tendons.
    Equality(usize),
    /// The turn of equality `k` of frames.
    Turn(usize),
    /// Dry friction of a dof.
    DofLoss(usize),
    /// Dry friction along a tendon.
    TendonLoss(usize),
    /// The limit of a joint.
    JointLimit(usize, End),
    /// The limit of a tendon.
    TendonLimit(usize, End),
    /// A contact of the list.
    Contact(usize),
}

/// Rows that belong together and share their degrees of freedom.
#[derive(Clone, Copy, Debug)]
pub struct Block<R> {
    /// What it comes from.
    pub origin: Origin,
    /// How it answers.
    pub law: Law<R>,
    /// Its first row, and how many there are.
    pub row: usize,
    /// See `row`.
    pub count: usize,
    /// Its first entry among the degrees of freedom, and how many there are.
    pub column: usize,
    /// See `column`.
    pub width: usize,
    /// Its first entry of `J`; row by row.
    pub value: usize,
}

impl<R> Block<R> {
    /// Its rows among all rows.
    pub fn rows(&self) -> Range<usize> {
        self.row..self.row + self.count
    }
    /// Its degrees of freedom among those of all blocks.
    pub fn columns(&self) -> Range<usize> {
        self.column..self.column + self.width
    }
    /// Its entries of `J`.
    pub fn values(&self) -> Range<usize> {
        self.value..self.value + self.count * self.width
    }
}

/// All rows; lists are cleared and filled again, so that a step allocates nothing after some.
#[derive(Clone, Debug)]
pub struct Rows<R> {
    /// In MuJoCo's order: equalities, dry friction, limits, contacts.
    pub blocks: Vec<Block<R>>,
    /// The degrees of freedom of each block.
    pub dofs: Vec<usize>,
    /// The entries of `J`.
    pub values: Vec<R>,
    /// `a_ref` of each row.
    pub reference: Vec<R>,
}

impl<R> Default for Rows<R> {
    /// No rows.
    fn default() -> Self {
        Self { blocks: Vec::new(), dofs: Vec::new(), values: Vec::new(), reference: Vec::new() }
    }
}

impl<R: Real> Rows<R> {
    /// Forgets all rows.
    pub fn clear(&mut self) {
        self.blocks.clear();
        self.dofs.clear();
        self.values.clear();
        self.reference.clear();
    }

    /// How many rows there are.
    pub fn count(&self) -> usize {
        self.reference.len()
    }

    /// Adds a block with these degrees of freedom; its entries of `J` are zero, its references too.
    pub fn push(
        &mut self,
        origin: Origin,
        law: Law<R>,
        count: usize,
        dofs: impl IntoIterator<Item = usize>,
    ) -> Block<R> {
        let column = self.dofs.len();
        self.dofs.extend(dofs);
        let width = self.dofs.len() - column;
        let block = Block { origin, law, row: self.count(), count, column, width, value: self.values.len() };
        self.values.resize(block.value + count * width, R::zero());
        self.reference.resize(block.row + count, R::zero());
        self.blocks.push(block);
        block
    }

    /// `J x` of one block.
    #[inline]
    pub fn block_times(&self, block: &Block<R>, x: &[R], out: &mut [R]) {
        let dofs = &self.dofs[block.columns()];
        if dofs.is_empty() {
            // What ties two bodies that cannot move.
            return out[..block.count].fill(R::zero());
        }
        for (out, row) in out.iter_mut().zip(self.values[block.values()].chunks_exact(block.width)) {
            *out = dofs.iter().zip(row).fold(R::zero(), |sum, (&i, j)| sum + *j * x[i]);
        }
    }

    /// `J x`.
    pub fn times(&self, x: &[R], out: &mut [R]) {
        for block in &self.blocks {
            self.block_times(block, x, &mut out[block.rows()]);
        }
    }

    /// Adds `Jᵀ f`.
    pub fn add_transposed(&self, f: &[R], out: &mut [R]) {
        for block in &self.blocks {
            let dofs = &self.dofs[block.columns()];
            let rows = self.values[block.values()].chunks_exact(block.width.max(1));
            for (f, row) in f[block.rows()].iter().zip(rows) {
                for (&i, j) in dofs.iter().zip(row) {
                    out[i] += *j * *f;
                }
            }
        }
    }

    /// The same, and adds the sizes of all that it sums.
    pub fn add_transposed_and_size(&self, f: &[R], out: &mut [R], size: &mut [R]) {
        for block in &self.blocks {
            let dofs = &self.dofs[block.columns()];
            let rows = self.values[block.values()].chunks_exact(block.width.max(1));
            for (f, row) in f[block.rows()].iter().zip(rows) {
                for (&i, j) in dofs.iter().zip(row) {
                    let push = *j * *f;
                    out[i] += push;
                    size[i] += push.abs();
                }
            }
        }
    }

    /// `r = J a − a_ref`.
    pub fn residual(&self, a: &[R], out: &mut [R]) {
        self.times(a, out);
        for (out, reference) in out.iter_mut().zip(&self.reference) {
            *out -= *reference;
        }
    }

    /// `f = −∇s(r)`.
    pub fn force(&self, r: &[R], f: &mut [R]) {
        for block in &self.blocks {
            block.law.force(&r[block.rows()], &mut f[block.rows()]);
        }
    }

    /// `Σ s(r)`.
    pub fn cost(&self, r: &[R]) -> R {
        self.blocks.iter().fold(R::zero(), |sum, block| sum + block.law.cost(&r[block.rows()]))
    }

    /// Overwrites these rows with those over another number.
    pub fn copy_from<S: Real>(&mut self, other: &Rows<S>, f: impl Fn(S) -> R + Copy) {
        self.clear();
        self.blocks.extend(other.blocks.iter().map(|b| Block {
            origin: b.origin,
            law: b.law.map(f),
            row: b.row,
            count: b.count,
            column: b.column,
            width: b.width,
            value: b.value,
        }));
        self.dofs.extend_from_slice(&other.dofs);
        self.values.extend(other.values.iter().map(|&x| f(x)));
        self.reference.extend(other.reference.iter().map(|&x| f(x)));
    }
}
