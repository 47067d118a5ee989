//! Between particles and grid: quadratic B-splines and affine velocities (APIC, Jiang et al. 2015).
//!
//! A particle speaks to its `3^D` nodes through a [`Packet`]: at the node with offsets `a, b, c ∈ {0, 1,
//! 2}` its value is `P₀ + a P₁ + b P₂ + c P₃`. To scatter is `node += w (P₀ + a P₁ + …)`, to gather is
//! `P₀ = Σ w node, P₁ = Σ w a node, …`: each is the pullback of the other, and the derivative of both by
//! the weights is the same sum.

use crate::model::continuum::ContinuumLayout;
use crate::number::{Quad, Real, Tangent};

/// At a node: a mass and a momentum, or nothing and a velocity, or their cotangents.
pub type Node<R> = <R as Real>::Quad;
/// What a particle gives to its nodes or takes from them.
pub type Packet<R> = [Node<R>; 4];

/// A packet in a list of packets of `D + 1` nodes each.
#[inline(always)]
pub fn packet_in<R: Real, const D: usize>(list: &[Node<R>], p: usize) -> Packet<R> {
    let list = &list[p * (D + 1)..][..D + 1];
    [list[0], list[1], list[2], list[D]]
}

/// Nothing at a node.
#[inline(always)]
pub fn empty<R: Real>() -> Node<R> {
    Node::<R>::zeros()
}

/// The nodes of the grid in memory, the last axis fastest.
#[derive(Clone, Copy, Debug)]
pub struct Mesh<const D: usize> {
    /// Along each axis.
    pub nodes: [usize; D],
    /// From a node to the next along each axis.
    pub stride: [usize; D],
    /// Of a cell [m].
    pub spacing: f64,
    inverse: f64,
    lower: [f64; D],
}

impl<const D: usize> Mesh<D> {
    /// The nodes of a layout.
    pub fn new(layout: &ContinuumLayout) -> Self {
        let nodes: [usize; D] = std::array::from_fn(|k| layout.cells[k] + 1);
        let stride = std::array::from_fn(|k| nodes[k + 1..].iter().product());
        let lower = std::array::from_fn(|k| layout.lower[k]);
        Self { nodes, stride, spacing: layout.spacing, inverse: 1.0 / layout.spacing, lower }
    }
    /// How many rows, along the last axis, one column at the same place of the first axis has.
    pub fn rows_per_column(&self) -> usize {
        if D == 3 { self.nodes[1] } else { 1 }
    }
    /// How many rows there are in all and in a column, and how many nodes in each.
    pub fn row_sizes(&self) -> [usize; 3] {
        [self.nodes[0] * self.rows_per_column(), self.rows_per_column(), self.nodes[D - 1]]
    }
    /// Where a node is [m].
    #[inline(always)]
    pub fn place(&self, index: [usize; D]) -> [f64; D] {
        std::array::from_fn(|k| self.lower[k] + index[k] as f64 * self.spacing)
    }
    /// The first node of a particle along axis `k`, as a number, and the particle's offset from it in
    /// cells, between ½ and 1½.
    #[inline(always)]
    pub fn along<P: Real>(&self, k: usize, x: P) -> (P, P) {
        let cells = (x - P::from_f64(self.lower[k])).times(self.inverse);
        let first = (cells - P::one()).round();
        (first, cells - first)
    }
    /// The first of a particle's nodes, [`LOST`] where they are not all on the grid.
    #[inline(always)]
    pub fn first(&self, node: [f64; D]) -> u32 {
        let inside = (0..D).all(|k| node[k] >= 0.0 && node[k] <= (self.nodes[k] - 3) as f64);
        let first: usize = (0..D).map(|k| node[k] as usize * self.stride[k]).sum();
        if inside { first as u32 } else { LOST }
    }
}

/// The first node of a particle that has left the grid, or is not a number.
pub const LOST: u32 = u32::MAX;

/// The weights of a particle on its nodes.
#[derive(Clone, Copy, Debug)]
pub struct Stencil<R, const D: usize> {
    /// The node with the smallest index.
    first: usize,
    /// Offset from it in cells, between ½ and 1½.
    pub offset: [R; D],
    weight: [[R; 3]; D],
}

impl<R: Real, const D: usize> Stencil<R, D> {
    /// `w = ½ (3/2 − f)², ¾ − (f − 1)², ½ (f − ½)²` along each axis.
    #[inline(always)]
    pub fn new(first: u32, offset: &[R]) -> Self {
        let (mut own, mut weight) = ([R::zero(); D], [[R::zero(); 3]; D]);
        for k in 0..D {
            let f = offset[k];
            let [a, b, c] = [R::from_f64(1.5) - f, f - R::one(), f - R::from_f64(0.5)];
            weight[k] = [(a * a).times(0.5), R::from_f64(0.75) - b * b, (c * c).times(0.5)];
            own[k] = f;
        }
        Self { first: first as usize, offset: own, weight }
    }
    /// The derivative of the weights along each axis by the offset.
    #[inline(always)]
    fn slopes(&self) -> [[R; 3]; D] {
        self.offset.map(|f| {
            let [a, b, c] = [f - R::from_f64(1.5), R::one() - f, f - R::from_f64(0.5)];
            [a, b.times(2.0), c]
        })
    }
    /// `node += w (P₀ + a P₁ + …)`.
    #[inline(always)]
    pub fn scatter(&self, mesh: &Mesh<D>, packet: &Packet<R>, nodes: &mut [Node<R>], start: usize) {
        let mut value = packet[0];
        for a in 0..3 {
            let mut along = value;
            for b in 0..if D == 3 { 3 } else { 1 } {
                let w = if D == 3 { self.weight[0][a] * self.weight[1][b] } else { self.weight[0][a] };
                let at =
                    self.first - start + a * mesh.stride[0] + if D == 3 { b * mesh.stride[1] } else { 0 };
                let row: &mut [Node<R>; 3] = (&mut nodes[at..at + 3]).try_into().expect("three nodes");
                let mut here = along;
                for c in 0..3 {
                    row[c] = row[c] + here.scale(w * self.weight[D - 1][c]);
                    here = here + packet[D];
                }
                along = along + packet[2];
            }
            value = value + packet[1];
        }
    }
    /// `Σ w node, Σ w a node, …`.
    #[inline(always)]
    pub fn gather(&self, mesh: &Mesh<D>, nodes: &[Node<R>]) -> Packet<R> {
        let mut out = [empty::<R>(); 4];
        for a in 0..3 {
            for b in 0..if D == 3 { 3 } else { 1 } {
                let w = if D == 3 { self.weight[0][a] * self.weight[1][b] } else { self.weight[0][a] };
                let [sum, first] = self.row(mesh, nodes, [a, b], &self.weight[D - 1]);
                collect::<R, D>(&mut out, [a, b], w, sum, first);
            }
        }
        out
    }
    /// The gathered packet, and `Σ ∂w/∂f_k node · (P₀ + a P₁ + …)` for each axis `k`: the cotangent of
    /// the offsets through the weights, of a packet's scattering with cotangents at the nodes, or of
    /// gathering from the nodes with a packet as cotangent.
    #[inline(always)]
    pub fn gather_with_slopes(
        &self,
        mesh: &Mesh<D>,
        packet: &Packet<R>,
        nodes: &[Node<R>],
    ) -> (Packet<R>, [R; D]) {
        let (mut out, mut sums) = ([empty::<R>(); 4], [empty::<R>(); D]);
        let slope = self.slopes();
        let mut value = packet[0];
        for a in 0..3 {
            let mut along = value;
            for b in 0..if D == 3 { 3 } else { 1 } {
                let wb = if D == 3 { self.weight[1][b] } else { R::one() };
                let w = self.weight[0][a] * wb;
                let [sum, first] = self.row(mesh, nodes, [a, b], &self.weight[D - 1]);
                let [sum_slope, first_slope] = self.row(mesh, nodes, [a, b], &slope[D - 1]);
                collect::<R, D>(&mut out, [a, b], w, sum, first);
                let through = sum.product(along) + first.product(packet[D]);
                sums[0] = sums[0] + through.scale(slope[0][a] * wb);
                if D == 3 {
                    sums[1] = sums[1] + through.scale(self.weight[0][a] * slope[1][b]);
                }
                let last = sum_slope.product(along) + first_slope.product(packet[D]);
                sums[D - 1] = sums[D - 1] + last.scale(w);
                along = along + packet[2];
            }
            value = value + packet[1];
        }
        (out, std::array::from_fn(|k| sums[k].total()))
    }
    /// `Σ w node` and `Σ w c node` along a row.
    #[inline(always)]
    fn row(&self, mesh: &Mesh<D>, nodes: &[Node<R>], [a, b]: [usize; 2], w: &[R; 3]) -> [Node<R>; 2] {
        let at = self.first + a * mesh.stride[0] + if D == 3 { b * mesh.stride[1] } else { 0 };
        let row: &[Node<R>; 3] = nodes[at..at + 3].try_into().expect("three nodes");
        let (one, two) = (row[1].scale(w[1]), row[2].scale(w[2]));
        let both = one + two;
        [both + row[0].scale(w[0]), both + two]
    }
}

/// Adds a row's sums to a packet.
#[inline(always)]
fn collect<R: Real, const D: usize>(
    out: &mut Packet<R>,
    [a, b]: [usize; 2],
    w: R,
    sum: Node<R>,
    first: Node<R>,
) {
    let sum = sum.scale(w);
    out[0] = out[0] + sum;
    if a > 0 {
        out[1] = out[1] + sum.scale(R::from_f64(a as f64));
    }
    if D == 3 && b > 0 {
        out[2] = out[2] + sum.scale(R::from_f64(b as f64));
    }
    out[D] = out[D] + first.scale(w);
}

/// The packet of a value at the particle and its slopes, per cell, along the axes: `P₀ = value − Σ f_j P_j`.
#[inline(always)]
pub fn spread<R: Real, const D: usize>(offset: [R; D], value: Node<R>, slopes: [Node<R>; D]) -> Packet<R> {
    let mut out = [value, empty::<R>(), empty::<R>(), empty::<R>()];
    for j in 0..D {
        out[0] = out[0] - slopes[j].scale(offset[j]);
        out[j + 1] = slopes[j];
    }
    out
}

/// The cotangents of the offset, the value and the slopes from the packet's, and from the packet itself.
#[inline(always)]
pub(super) fn spread_pullback<R: Real, const D: usize>(
    offset: [R; D],
    packet: &Packet<R>,
    cotangent: &Packet<R>,
) -> ([R; D], Node<R>, [Node<R>; D]) {
    let offset_bar = std::array::from_fn(|j| -packet[j + 1].product(cotangent[0]).total());
    let slopes = std::array::from_fn(|j| cotangent[j + 1] - cotangent[0].scale(offset[j]));
    (offset_bar, cotangent[0], slopes)
}
