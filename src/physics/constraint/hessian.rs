//! `H = M + Jᵀ W J` and its factor, tree by tree.
//!
//! `M` couples the degrees of freedom of one kinematic tree, and a constraint those of the trees that it acts
//! on: a heap of a thousand boxes has a matrix of six by six blocks, few in each row. Trees are eliminated
//! one after the other, the one with the fewest neighbours first (minimum degree, Tinney and Walker 1967);
//! all that is stored are blocks that are not zero. A robot alone is one dense block.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use super::law::{Curvature, MOST};
use super::rows::Rows;
use crate::model::Pattern;
use crate::number::{Mask, Real, copy};

/// A kinematic tree among those of a factor.
#[derive(Clone, Debug, Default)]
struct Tree {
    /// Its degrees of freedom.
    dofs: Range<usize>,
    /// Trees that are eliminated later and that its rows have entries for, the last one first.
    later: Vec<usize>,
    /// Where the entries for each of them begin in a row; last, those for its own degrees of freedom.
    offset: Vec<usize>,
    /// Where its rows begin.
    start: usize,
    /// Its place in the order of elimination.
    turn: usize,
}

impl Tree {
    /// The entries of its row `k`: those for later trees, and the lower triangle of its own.
    #[inline(always)]
    fn row(&self, k: usize) -> Range<usize> {
        let width = self.offset[self.later.len()];
        let start = self.start + k * width + k * (k + 1) / 2;
        start..start + width + k + 1
    }
    /// Where the entries for tree `other` begin in its rows, if it has any.
    fn place(&self, other: usize) -> Option<usize> {
        self.later.iter().position(|&t| t == other).map(|n| self.offset[n])
    }
}

/// The factor `H = Lᵀ D L`.
#[derive(Clone, Debug)]
pub struct Hessian<R> {
    trees: Vec<Tree>,
    /// The tree of each degree of freedom.
    tree_of: Vec<usize>,
    /// Trees in the order of their elimination.
    order: Vec<usize>,
    values: Vec<R>,
    inverse_diagonal: Vec<R>,
    /// The diagonal of `H` itself.
    diagonal: Vec<R>,
    /// Scratch of the order: the trees that each tree is coupled with.
    coupled: Vec<Vec<usize>>,
    waiting: BinaryHeap<Reverse<(usize, usize)>>,
    /// Whether any row acts on each tree.
    acted: Vec<bool>,
    /// The trees of one block.
    touched: Vec<usize>,
    /// Scratch of the elimination.
    places: Vec<usize>,
    own: Vec<R>,
    /// Scratch of a block: `W J`, and its runs.
    bent: Vec<R>,
    runs: Vec<Run>,
}

/// Consecutive degrees of freedom of one tree among those of a block.
#[derive(Clone, Debug)]
struct Run {
    tree: usize,
    /// The first of them.
    dof: usize,
    /// Their places in the block.
    columns: Range<usize>,
}

impl<R: Real> Hessian<R> {
    /// Room for the trees of a pattern.
    pub fn new(pattern: &Pattern) -> Self {
        let n = pattern.rows();
        let (mut trees, mut tree_of): (Vec<Tree>, Vec<usize>) = (Vec::new(), Vec::new());
        for i in 0..n {
            // The first entry of a row is the root of its tree.
            if pattern.column[pattern.start[i]] == i {
                trees.push(Tree { dofs: i..i, ..Tree::default() });
            }
            let last = trees.len() - 1;
            trees[last].dofs.end = i + 1;
            tree_of.push(last);
        }
        let count = trees.len();
        Self {
            trees,
            tree_of,
            order: Vec::with_capacity(count),
            values: Vec::new(),
            inverse_diagonal: vec![R::zero(); n],
            diagonal: vec![R::zero(); n],
            coupled: vec![Vec::new(); count],
            waiting: BinaryHeap::new(),
            acted: vec![false; count],
            touched: Vec::new(),
            places: Vec::new(),
            own: Vec::new(),
            bent: Vec::new(),
            runs: Vec::new(),
        }
    }

    /// Decides on the order of elimination and on the blocks that the rows need. Trees that no row acts on are
    /// left out unless `all` are asked for.
    pub fn analyze<S: Real>(&mut self, rows: &Rows<S>, all: bool) {
        for list in &mut self.coupled {
            list.clear();
        }
        self.acted.fill(all);
        for block in &rows.blocks {
            self.touched.clear();
            let trees = rows.dofs[block.columns()].iter().map(|&i| self.tree_of[i]);
            for t in trees {
                if !self.touched.contains(&t) {
                    self.touched.push(t);
                }
            }
            self.touched.iter().for_each(|&t| self.acted[t] = true);
            join(&mut self.coupled, &self.touched);
        }
        self.order_trees();
        let mut start = 0;
        for t in (0..self.trees.len()).filter(|&t| self.acted[t]) {
            let mut later = std::mem::take(&mut self.trees[t].later);
            later.sort_unstable_by_key(|&s| Reverse(self.trees[s].turn));
            let mut offset = std::mem::take(&mut self.trees[t].offset);
            offset.clear();
            let mut width = 0;
            for &s in &later {
                offset.push(width);
                width += self.trees[s].dofs.len();
            }
            offset.push(width);
            let own = self.trees[t].dofs.len();
            let tree = &mut self.trees[t];
            (tree.later, tree.offset, tree.start) = (later, offset, start);
            start += own * width + own * (own + 1) / 2;
        }
        self.values.clear();
        self.values.resize(start, R::zero());
    }

    /// Eliminates the trees in thought, and leaves with each of them those that it ties together.
    fn order_trees(&mut self) {
        self.order.clear();
        self.waiting.clear();
        let acted = (0..self.trees.len()).filter(|&t| self.acted[t]);
        self.waiting.extend(acted.map(|t| Reverse((self.coupled[t].len(), t))));
        for tree in &mut self.trees {
            tree.turn = usize::MAX;
        }
        while let Some(Reverse((count, t))) = self.waiting.pop() {
            // Entries of before a change are passed over.
            if self.trees[t].turn != usize::MAX || count != self.coupled[t].len() {
                continue;
            }
            self.trees[t].turn = self.order.len();
            self.order.push(t);
            let mut near = std::mem::take(&mut self.coupled[t]);
            for &s in &near {
                self.coupled[s].retain(|&x| x != t);
            }
            join(&mut self.coupled, &near);
            self.waiting.extend(near.iter().map(|&s| Reverse((self.coupled[s].len(), s))));
            std::mem::swap(&mut self.trees[t].later, &mut near);
            near.clear();
            self.coupled[t] = near;
        }
    }

    /// The degrees of freedom of the trees that were left out.
    pub fn left_out(&self) -> impl Iterator<Item = usize> + '_ {
        let idle = self.trees.iter().zip(&self.acted).filter(|(_, acted)| !**acted);
        idle.flat_map(|(tree, _)| tree.dofs.clone())
    }

    /// Sets `M + Jᵀ W J` at the residuals `r`, without their derivatives.
    pub fn set<S: Real<Plain = R>>(&mut self, pattern: &Pattern, mass: &[S], rows: &Rows<S>, r: &[S]) {
        self.values.fill(R::zero());
        for tree in self.order.iter().map(|&t| &self.trees[t]) {
            for (k, i) in tree.dofs.clone().enumerate() {
                let row = tree.row(k);
                let own = &mut self.values[row.end - k - 1..row.end];
                for e in pattern.row(i) {
                    own[pattern.column[e] - tree.dofs.start] = mass[e].plain();
                }
            }
        }
        let mut w: Curvature<R> = [[R::zero(); MOST]; MOST];
        let mut plain = [R::zero(); MOST];
        for block in &rows.blocks {
            copy(&mut plain, &r[block.rows()], S::plain);
            block.law.map(S::plain).curvature(&plain[..block.count], &mut w);
            self.add(&rows.dofs[block.columns()], &rows.values[block.values()], &w, block.count);
        }
    }

    /// Adds `jᵀ W j` of one block.
    fn add<S: Real<Plain = R>>(&mut self, dofs: &[usize], j: &[S], w: &Curvature<R>, count: usize) {
        let width = dofs.len();
        if (0..count).all(|k| w[k][k].is_zero().all()) {
            return;
        }
        self.bent.clear();
        for w in &w[..count] {
            let entry = |p: usize| (0..count).fold(R::zero(), |sum, l| sum + w[l] * j[l * width + p].plain());
            self.bent.extend((0..width).map(entry));
        }
        self.runs.clear();
        for (p, &dof) in dofs.iter().enumerate() {
            let tree = self.tree_of[dof];
            match self.runs.last_mut() {
                Some(run) if run.tree == tree && run.dof + run.columns.len() == dof => run.columns.end += 1,
                _ => self.runs.push(Run { tree, dof, columns: p..p + 1 }),
            }
        }
        for own in &self.runs {
            let tree = &self.trees[own.tree];
            for other in &self.runs {
                let same = own.tree == other.tree;
                let place = if same { Some(tree.offset[tree.later.len()]) } else { tree.place(other.tree) };
                // An entry stands in the row that is eliminated first.
                let Some(place) = place else { continue };
                let place = place + other.dof - self.trees[other.tree].dofs.start;
                for (n, p) in own.columns.clone().enumerate() {
                    let dof = own.dof + n;
                    let start = tree.row(dof - tree.dofs.start).start + place;
                    let most = if same { (dof + 1).saturating_sub(other.dof) } else { usize::MAX };
                    let columns =
                        other.columns.start..other.columns.end.min(most.saturating_add(other.columns.start));
                    let target = &mut self.values[start..start + columns.len()];
                    for k in 0..count {
                        let share = self.bent[k * width + p];
                        let row = &j[k * width..][columns.clone()];
                        for (entry, x) in target.iter_mut().zip(row) {
                            *entry += share * x.plain();
                        }
                    }
                }
            }
        }
    }

    /// Factors in place.
    pub fn factor(&mut self) {
        for tree in self.order.iter().map(|&t| &self.trees[t]) {
            for (k, i) in tree.dofs.clone().enumerate() {
                self.diagonal[i] = self.values[tree.row(k).end - 1];
            }
        }
        for turn in 0..self.order.len() {
            let t = self.order[turn];
            self.factor_tree(t);
            self.update(t);
        }
    }

    /// By how much the elimination made a diagonal entry smaller at most: the factor is as much less precise than
    /// its entries. At least as much is the condition number of `H` with its diagonal scaled to one.
    pub fn strain(&self) -> R {
        let dofs = self.order.iter().flat_map(|&t| self.trees[t].dofs.clone());
        dofs.fold(R::one(), |most, i| {
            let (inverse, strain) = (self.inverse_diagonal[i], self.diagonal[i] * self.inverse_diagonal[i]);
            // What is not positive any more has lost all its digits, and comparisons with what is no number fail.
            let kept = inverse.gt(R::zero()) & strain.le(R::from_f64(f64::MAX));
            most.max(R::select(kept, strain, R::from_f64(f64::MAX)))
        })
    }

    /// Eliminates the degrees of freedom of a tree from each other, from the leaves to the root.
    fn factor_tree(&mut self, t: usize) {
        let tree = &self.trees[t];
        let width = tree.offset[tree.later.len()];
        for k in (0..tree.dofs.len()).rev() {
            let row = tree.row(k);
            let (above, own) = self.values.split_at_mut(row.start);
            let own = &mut own[..row.len()];
            let inverse = own[width + k].recip();
            self.inverse_diagonal[tree.dofs.start + k] = inverse;
            for j in (0..k).rev() {
                let share = own[width + j] * inverse;
                if share.is_zero().all() {
                    continue;
                }
                for (entry, x) in above[tree.row(j)].iter_mut().zip(&own[..=width + j]) {
                    *entry -= share * *x;
                }
                own[width + j] = share;
            }
            for x in &mut own[..width] {
                *x *= inverse;
            }
        }
    }

    /// Takes what tree `t` explains away from the rows of later trees.
    fn update(&mut self, t: usize) {
        let tree = &self.trees[t];
        // Where the rows of each later tree keep their entries for those after it.
        self.places.clear();
        for (n, &s) in tree.later.iter().enumerate() {
            let other = &self.trees[s];
            self.places.extend(tree.later[..n].iter().map(|&r| other.place(r).unwrap_or(0)));
        }
        let width = tree.offset[tree.later.len()];
        for k in 0..tree.dofs.len() {
            let row = tree.row(k);
            self.own.clear();
            self.own.extend_from_slice(&self.values[row.start..row.start + width]);
            let diagonal = self.inverse_diagonal[tree.dofs.start + k].recip();
            let mut first = 0;
            for (n, &s) in tree.later.iter().enumerate() {
                let other = &self.trees[s];
                let places = &self.places[first..first + n];
                first += n;
                for j in 0..other.dofs.len() {
                    let share = self.own[tree.offset[n] + j] * diagonal;
                    if share.is_zero().all() {
                        continue;
                    }
                    let target = other.row(j);
                    let end = target.len();
                    let target = &mut self.values[target];
                    for (m, &place) in places.iter().enumerate() {
                        let from = &self.own[tree.offset[m]..tree.offset[m + 1]];
                        for (to, x) in target[place..].iter_mut().zip(from) {
                            *to -= share * *x;
                        }
                    }
                    let from = &self.own[tree.offset[n]..=tree.offset[n] + j];
                    for (to, x) in target[end - j - 1..].iter_mut().zip(from) {
                        *to -= share * *x;
                    }
                }
            }
        }
    }

    /// Solves `H x = b` in place, for all trees that were not left out; the factor may be over the plain number.
    pub fn solve<S: Real>(&self, x: &mut [S], lift: impl Fn(R) -> S) {
        for &t in &self.order {
            let tree = &self.trees[t];
            for k in (0..tree.dofs.len()).rev() {
                let xi = x[tree.dofs.start + k];
                self.each(tree, k, |d, value| x[d] -= lift(value) * xi);
            }
        }
        for &t in self.order.iter().rev() {
            let tree = &self.trees[t];
            for k in 0..tree.dofs.len() {
                let i = tree.dofs.start + k;
                let mut sum = x[i] * lift(self.inverse_diagonal[i]);
                self.each(tree, k, |d, value| sum -= lift(value) * x[d]);
                x[i] = sum;
            }
        }
    }

    /// Visits the entries of a row of `L` with their degrees of freedom, the diagonal aside.
    #[inline(always)]
    fn each(&self, tree: &Tree, k: usize, mut visit: impl FnMut(usize, R)) {
        let row = &self.values[tree.row(k)];
        for (n, &s) in tree.later.iter().enumerate() {
            let dofs = self.trees[s].dofs.clone();
            for (d, value) in dofs.zip(&row[tree.offset[n]..]) {
                visit(d, *value);
            }
        }
        let width = tree.offset[tree.later.len()];
        for (j, value) in row[width..width + k].iter().enumerate() {
            visit(tree.dofs.start + j, *value);
        }
    }
}

/// Couples all trees of a list with each other.
fn join(coupled: &mut [Vec<usize>], list: &[usize]) {
    for &a in list {
        for &b in list {
            if a != b && !coupled[a].contains(&b) {
                coupled[a].push(b);
            }
        }
    }
}
