//! All particles scatter to the grid at once, in the same order for any number of threads.
//!
//! Particles are sorted by the row of their first node. A slab of four columns writes to six; slabs with
//! even numbers do not meet, nor do those with odd numbers.

use super::Scene;
use super::particles::collect_pullback;
use super::transfer::{LOST, Node, empty, packet_in};
use crate::number::{Real, Work};

/// The columns of a slab.
pub const SLAB: usize = 4;

/// The particles by rows.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// The particles, row after row.
    particles: Vec<u32>,
    /// Where each row begins in the list, and the end.
    start: Vec<u32>,
    /// Rows whose nodes are near a particle.
    active: Vec<bool>,
}

impl Order {
    /// Sorts particles by the rows of their first nodes; the first lost one is an error.
    pub fn sort(&mut self, nodes: &[u32], [total, per_column, length]: [usize; 3]) -> Result<(), usize> {
        self.start.clear();
        self.start.resize(total + 2, 0);
        let length = length as u32;
        for (p, node) in nodes.iter().enumerate() {
            if *node == LOST {
                return Err(p);
            }
            self.start[(node / length) as usize + 2] += 1;
        }
        for row in 2..total + 2 {
            self.start[row] += self.start[row - 1];
        }
        self.particles.resize(nodes.len(), 0);
        for (p, node) in nodes.iter().enumerate() {
            let next = &mut self.start[(node / length) as usize + 1];
            self.particles[*next as usize] = p as u32;
            *next += 1;
        }
        self.active.clear();
        self.active.resize(total, false);
        for row in 0..total {
            if self.start[row] < self.start[row + 1] {
                for a in 0..3 {
                    let first = row + a * per_column;
                    self.active[first..first + if per_column > 1 { 3 } else { 1 }].fill(true);
                }
            }
        }
        Ok(())
    }
    /// Whether particles are near each row.
    pub fn active(&self) -> &[bool] {
        &self.active
    }
    /// Empties the rows that particles are near.
    pub fn clear<R: Real>(&self, nodes: &mut [Node<R>]) {
        let length = nodes.len() / self.active.len();
        for (row, active) in nodes.chunks_exact_mut(length).zip(&self.active) {
            if *active {
                row.fill(empty::<R>());
            }
        }
    }
}

/// Slabs of one parity scatter what their particles give; for a pullback also what the particles' next
/// velocities give back.
pub struct Scatter<const D: usize>;

/// [`Scatter`] for some slabs.
pub struct ScatterOf<'a, R: Real, const D: usize> {
    pub scene: Scene<'a, R, D>,
    pub order: &'a Order,
    /// The first column.
    pub first: usize,
    pub packets: &'a [Node<R>],
    pub momentum: &'a mut [Node<R>],
    /// The cotangent of the next state, and where it goes.
    pub back: Option<(&'a [R], &'a mut [Node<R>])>,
}

impl<const D: usize> Work for Scatter<D> {
    type Of<'a, R: Real + 'a> = ScatterOf<'a, R, D>;

    fn run<R: Real>(work: ScatterOf<'_, R, D>) {
        let ScatterOf { scene, order, first, packets, momentum, mut back } = work;
        let mesh = scene.mesh;
        let (per_column, start) = (mesh.rows_per_column(), first * mesh.stride[0]);
        let end = first + momentum.len() / mesh.stride[0];
        for slab in (first..end).step_by(2 * SLAB) {
            let rows = slab * per_column..(slab + SLAB).min(end) * per_column;
            let list = order.start[rows.start] as usize..order.start[rows.end] as usize;
            for p in order.particles[list].iter().map(|p| *p as usize) {
                let stencil = scene.stencil(p);
                stencil.scatter(&mesh, &packet_in::<R, D>(packets, p), momentum, start);
                if let Some((cotangent, adjoint)) = &mut back {
                    let packet = collect_pullback(&scene, stencil.offset, cotangent, p);
                    stencil.scatter(&mesh, &packet, adjoint, start);
                }
            }
        }
    }

    fn halves<'a, R: Real + 'a>(
        work: ScatterOf<'a, R, D>,
    ) -> Result<[ScatterOf<'a, R, D>; 2], ScatterOf<'a, R, D>> {
        let stride = work.scene.mesh.stride[0];
        let half = (work.momentum.len() / stride).div_ceil(2 * SLAB) / 2 * 2 * SLAB;
        if half == 0 {
            return Err(work);
        }
        let ScatterOf { scene, order, first, packets, momentum, back } = work;
        let (m0, m1) = momentum.split_at_mut(half * stride);
        let [b0, b1] = match back {
            Some((cotangent, adjoint)) => {
                let (a, b) = adjoint.split_at_mut(half * stride);
                [Some((cotangent, a)), Some((cotangent, b))]
            }
            None => [None, None],
        };
        Ok([
            ScatterOf { scene, order, first, packets, momentum: m0, back: b0 },
            ScatterOf { scene, order, first: first + half, packets, momentum: m1, back: b1 },
        ])
    }
}

/// Scatters even slabs, then odd ones.
pub fn scatter<R: Real, const D: usize>(
    scene: Scene<'_, R, D>,
    order: &Order,
    packets: &[Node<R>],
    momentum: &mut [Node<R>],
    mut back: Option<(&[R], &mut [Node<R>])>,
) {
    order.clear::<R>(momentum);
    if let Some((_, adjoint)) = &mut back {
        order.clear::<R>(adjoint);
    }
    for first in [0, SLAB.min(scene.mesh.nodes[0])] {
        let skip = first * scene.mesh.stride[0];
        let back = back.as_mut().map(|(cotangent, adjoint)| (&**cotangent, &mut adjoint[skip..]));
        let momentum = &mut momentum[skip..];
        R::share::<Scatter<D>>(ScatterOf { scene, order, first, packets, momentum, back });
    }
}
