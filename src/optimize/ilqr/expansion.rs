//! The world and its cost near a trajectory: linear the one, quadratic the other.

use nalgebra::{DMatrix, DVector, SymmetricEigen};

use crate::model::{Input, Model, State};
use crate::number::{Dual, Lanes, Tangent, Wide};
use crate::objective::{Objective, Term, Terms};
use crate::physics::{Cotangents, Linearization};
use crate::sense::Quantity;

/// `ℓ ≈ ℓ₀ + xᵀ δx + uᵀ δu + ½ δxᵀ xx δx + δuᵀ ux δx + ½ δuᵀ uu δu`, with `δx = (q tangent, v, act): (n)`
/// and `δu: (m)` in the optimizer's coordinates.
#[derive(Clone, Debug)]
pub struct Quadratic {
    /// (n)
    pub x: DVector<f64>,
    /// (m)
    pub u: DVector<f64>,
    /// (n, n)
    pub xx: DMatrix<f64>,
    /// (m, n)
    pub ux: DMatrix<f64>,
    /// (m, m)
    pub uu: DMatrix<f64>,
}

impl Quadratic {
    /// No cost.
    pub fn zero(n: usize, m: usize) -> Self {
        Self {
            x: DVector::zeros(n),
            u: DVector::zeros(m),
            xx: DMatrix::zeros(n, n),
            ux: DMatrix::zeros(m, n),
            uu: DMatrix::zeros(m, m),
        }
    }
}

/// `δx' = A δx + B δu`, and the cost of the step.
#[derive(Clone, Debug)]
pub struct Step {
    /// (n, n)
    pub a: DMatrix<f64>,
    /// (n, m)
    pub b: DMatrix<f64>,
    /// Running and at single times.
    pub cost: Quadratic,
}

impl Step {
    /// Nothing moves and nothing costs.
    pub fn zero(n: usize, m: usize) -> Self {
        Self { a: DMatrix::zeros(n, n), b: DMatrix::zeros(n, m), cost: Quadratic::zero(n, m) }
    }
}

/// Expands steps one after the other; each thread has its own.
pub struct Survey {
    linearization: Linearization,
    model: Model<Wide<f64>>,
    terms: Terms<Wide<f64>>,
    out: Cotangents<Wide<f64>>,
    /// For every coordinate (q tangent, v, act, u) its column among the tangents of dual numbers, and the
    /// column that all coordinates share whose curvature stands on the diagonal alone.
    columns: Vec<usize>,
    shared: usize,
}

impl Survey {
    /// Room for one model and its costs.
    pub fn new(model: &Model<f64>, terms: Vec<Term>) -> Self {
        let dual = model.map(Dual::constant);
        let (columns, shared) = columns(model, &terms);
        Self {
            columns,
            shared,
            linearization: Linearization::new(model),
            terms: Terms::new(&dual, terms),
            out: Cotangents::zero(&dual, &Input::zero(&dual)),
            model: dual,
        }
    }

    /// The expansion of step `k` at a state and an input, whose entries change by `scales: (m)` for one.
    pub fn step(&mut self, state: &State<f64>, input: &Input<f64>, k: usize, scales: &[f64], out: &mut Step) {
        self.linearization.update(state, input);
        let (n, m) = (out.a.nrows(), scales.len());
        for row in 0..n {
            for column in 0..n {
                out.a[(row, column)] = self.linearization.a[row * n + column];
            }
            for (column, scale) in scales.iter().enumerate() {
                out.b[(row, column)] = scale * self.linearization.b[row * m + column];
            }
        }
        self.cost(state, Some(input), k, scales, &mut out.cost);
    }

    /// The expansion of the cost of state `k`: its gradient by the pullback, and its Hessian by the pullback
    /// on dual numbers, eight columns at a time; what bends down is taken for straight.
    pub fn cost(
        &mut self,
        state: &State<f64>,
        input: Option<&Input<f64>>,
        k: usize,
        scales: &[f64],
        out: &mut Quadratic,
    ) {
        let n = out.x.len();
        let total = if input.is_some() { n + scales.len() } else { n };
        let unit = |i: usize| if i < n { 1.0 } else { scales[i - n] };
        let mut gradient = vec![0.0; total];
        let mut hessian = DMatrix::zeros(total, total);
        for first in (0..=self.shared).step_by(Lanes::COUNT) {
            self.pull(state, input, k, first);
            let Cotangents { state: by, input: by_input, .. } = &self.out;
            let entries = by.q.iter().chain(&by.v).chain(&by.act).chain(&by_input.u);
            for (i, entry) in entries.enumerate().take(total) {
                gradient[i] = unit(i) * entry.value;
                for j in (0..total).filter(|&j| i == j || self.columns[j] != self.shared) {
                    if let Some(slot) = slot(self.columns[j], first) {
                        hessian[(i, j)] = unit(i) * unit(j) * entry.tangent.get(slot);
                    }
                }
            }
        }
        // The second derivative along a tangent of rotations is the symmetric part of what the pullback gives.
        let mut hessian = (&hessian + hessian.transpose()) * 0.5;
        make_convex(&mut hessian);
        out.x.copy_from_slice(&gradient[..n]);
        out.xx.copy_from(&hessian.view((0, 0), (n, n)));
        if input.is_some() {
            let m = scales.len();
            out.u.copy_from_slice(&gradient[n..]);
            out.ux.copy_from(&hessian.view((n, 0), (m, n)));
            out.uu.copy_from(&hessian.view((n, n), (m, m)));
        }
    }

    /// Leaves in `out` the cotangents of the cost and their derivatives along eight columns.
    fn pull(&mut self, state: &State<f64>, input: Option<&Input<f64>>, k: usize, first: usize) {
        let mut columns = self.columns.iter();
        let mut small = |x: f64| match columns.next().and_then(|&column| slot(column, first)) {
            Some(slot) => Dual::variable(x, slot),
            None => Dual::constant(x),
        };
        let (nv, na) = (state.v.len(), state.act.len());
        let [q, v, act] = [nv, nv, na].map(|count| (0..count).map(|_| small(0.0)).collect::<Vec<_>>());
        let state = state.map(Dual::constant).moved(&self.model, &q, &v, &act);
        let input = input.map(|input| {
            let mut dual = input.map(Dual::constant);
            dual.u = input.u.iter().map(|&u| small(u)).collect();
            dual
        });
        self.out.clear_step();
        self.terms.cost_pullback(&self.model, &state, input.as_ref(), k, &mut self.out);
    }
}

/// The place of a column among the eight from `first` on.
fn slot(column: usize, first: usize) -> Option<usize> {
    column.checked_sub(first).filter(|&slot| slot < Lanes::COUNT)
}

/// The columns of all coordinates, and the one that is shared: positions of places couple the configuration,
/// velocities and sensors the velocity too, forces everything; other quantities are coordinates themselves.
fn columns(model: &Model<f64>, terms: &[Term]) -> (Vec<usize>, usize) {
    let any = |asks: fn(&Quantity) -> bool| terms.iter().any(|t| asks(&t.quantity));
    let forces = any(|q| q.needs_forces());
    let places = any(|q| q.needs_links());
    let speeds = any(|q| q.needs_speeds());
    let t = &model.topology;
    let blocks = [(t.nv, places), (t.nv, speeds), (t.na, forces), (t.nu, forces)];
    let own = blocks.iter().filter(|(_, coupled)| *coupled).map(|(count, _)| count).sum();
    let mut next = 0..own;
    let all = blocks.into_iter().flat_map(|(count, coupled)| std::iter::repeat_n(coupled, count));
    (all.map(|coupled| if coupled { next.next().unwrap_or(own) } else { own }).collect(), own)
}

/// More sweeps than any matrix took.
const SWEEPS: usize = 1000;

/// Makes a symmetric matrix positive semidefinite: negative eigenvalues become zero. Entries that are coupled
/// to no other are their own eigenvalues.
pub fn make_convex(h: &mut DMatrix<f64>) {
    let n = h.nrows();
    let alone = |h: &DMatrix<f64>, i: usize| (0..n).all(|j| j == i || h[(i, j)] == 0.0);
    let (single, coupled): (Vec<usize>, Vec<usize>) = (0..n).partition(|&i| alone(h, i));
    for i in single {
        h[(i, i)] = h[(i, i)].max(0.0);
    }
    if coupled.is_empty() {
        return;
    }
    let block = h.select_rows(&coupled).select_columns(&coupled);
    let finite = block.iter().all(|x| x.is_finite());
    let eigen = finite.then(|| SymmetricEigen::try_new(block, f64::EPSILON, SWEEPS)).flatten();
    let Some(mut eigen) = eigen else {
        // Without eigenvalues the diagonal has to do.
        for &i in &coupled {
            let own = h[(i, i)].max(0.0);
            h.row_mut(i).fill(0.0);
            h.column_mut(i).fill(0.0);
            h[(i, i)] = own;
        }
        return;
    };
    if eigen.eigenvalues.iter().all(|x| *x >= 0.0) {
        return;
    }
    eigen.eigenvalues.apply(|x| *x = x.max(0.0));
    let convex = eigen.recompose();
    for (a, &i) in coupled.iter().enumerate() {
        for (b, &j) in coupled.iter().enumerate() {
            h[(i, j)] = 0.5 * (convex[(a, b)] + convex[(b, a)]);
        }
    }
}
