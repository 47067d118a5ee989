//! The joint-space inertia matrix.

use super::Links;
use super::tendon;
use crate::model::{Model, Pattern};
use crate::number::Real;
use crate::spatial::Inertia;

/// `M`, in the rows of the tree's pattern: `M_ij = S_j · I^c S_i` for `j` above `i`, armature on the
/// diagonal, and of `α J_tᵀ J_t` for each tendon with armature the entries inside the pattern (as
/// MuJoCo does). `composite` is scratch (one per body), `jacobian` holds the rows `J_t`.
///
/// Composite rigid bodies, Featherstone 2008, table 6.2.
pub fn mass_matrix<R: Real>(
    model: &Model<R>,
    links: &Links<R>,
    composite: &mut [Inertia<R>],
    jacobian: &[R],
    rows: &mut [R],
) {
    let t = &model.topology;
    for (sum, link) in composite.iter_mut().zip(&links.bodies) {
        *sum = link.inertia;
    }
    // From the leaves to the root: collect inertias.
    for b in (1..t.bodies.len()).rev() {
        let own = composite[b];
        composite[t.bodies[b].parent] += own;
    }
    for (i, dof) in t.dofs.iter().enumerate() {
        let momentum = composite[dof.body].mul(links.axes[i].motion);
        let row = t.pattern.row(i);
        for k in row.clone() {
            rows[k] = links.axes[t.pattern.column[k]].motion.dot(momentum);
        }
        rows[row.end - 1] += model.joints[dof.joint].armature;
    }
    if t.tendon_armature {
        tendon::add_armature(model, jacobian, rows);
    }
}

/// `M x` for rows in the tree's pattern.
pub fn times<R: Real>(pattern: &Pattern, mass: &[R], x: &[R], out: &mut [R]) {
    out.fill(R::zero());
    for i in 0..pattern.rows() {
        let row = pattern.row(i);
        let (mut sum, xi) = (mass[row.end - 1] * x[i], x[i]);
        for k in row.start..row.end - 1 {
            let j = pattern.column[k];
            sum += mass[k] * x[j];
            out[j] += mass[k] * xi;
        }
        out[i] += sum;
    }
}

/// `M x`, and the sizes of what each entry sums.
pub fn times_and_size<R: Real>(pattern: &Pattern, mass: &[R], x: &[R], out: &mut [R], size: &mut [R]) {
    out.fill(R::zero());
    size.fill(R::zero());
    for i in 0..pattern.rows() {
        let row = pattern.row(i);
        let own = mass[row.end - 1] * x[i];
        let (mut sum, mut sizes, xi) = (own, own.abs(), x[i]);
        for k in row.start..row.end - 1 {
            let j = pattern.column[k];
            let (here, there) = (mass[k] * x[j], mass[k] * xi);
            sum += here;
            sizes += here.abs();
            out[j] += there;
            size[j] += there.abs();
        }
        out[i] += sum;
        size[i] += sizes;
    }
}

/// The dense matrix of rows in the tree's pattern.
pub fn dense<R: Real>(model: &Model<R>, rows: &[R]) -> Vec<Vec<R>> {
    let (n, pattern) = (model.topology.nv, &model.topology.pattern);
    let mut out = vec![vec![R::zero(); n]; n];
    for i in 0..n {
        for k in pattern.row(i) {
            let j = pattern.column[k];
            out[i][j] = rows[k];
            out[j][i] = rows[k];
        }
    }
    out
}
