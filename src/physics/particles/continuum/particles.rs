//! The work that each particle does for itself, a few side by side.

use super::Scene;
use super::matrix::matrix;
use super::matter::{Given, Matter, MatterBar};
use super::transfer::{Node, Packet, packet_in, spread, spread_pullback};
use crate::model::continuum::Constants;
use crate::number::{Quad, Real, Tangent, Work};

/// One part of the work has this many particles.
pub const PART: usize = 512;

/// The components of a state, from some particle on: as many lists as there are components.
pub struct Fields<'a, R>([&'a mut [R]; 24]);

impl<'a, R> Fields<'a, R> {
    /// Those of a whole state of `count` particles.
    pub fn new(state: &'a mut [R], count: usize) -> Self {
        let mut lists = state.chunks_exact_mut(count.max(1));
        Self(std::array::from_fn(|_| lists.next().unwrap_or_default()))
    }
    fn split(self, at: usize) -> [Self; 2] {
        let mut rest: [&'a mut [R]; 24] = Default::default();
        let mut second = rest.iter_mut();
        let first = self.0.map(|list| {
            let (a, b) = if list.is_empty() { Default::default() } else { list.split_at_mut(at) };
            if let Some(second) = second.next() {
                *second = b;
            }
            a
        });
        [Self(first), Self(rest)]
    }
    /// Writes a component of some particles.
    #[inline(always)]
    fn store(&mut self, component: usize, at: usize, width: usize, pack: &R::Pack)
    where
        R: Real,
    {
        R::store(pack, &mut self.0[component][at..at + width]);
    }
}

/// Every particle's stress and what it gives to the grid.
pub struct Prepare<const D: usize>;

/// [`Prepare`] for some particles.
pub struct PrepareOf<'a, R: Real, const D: usize> {
    pub scene: Scene<'a, R, D>,
    /// The number of the first particle.
    pub first: usize,
    /// The first node of each particle.
    pub nodes: &'a mut [u32],
    /// The offset of each particle from it in cells.
    pub offsets: &'a mut [R],
    pub packets: &'a mut [Node<R>],
    /// Where the deformations go, if they are asked for.
    pub next: Option<Fields<'a, R>>,
}

impl<const D: usize> Work for Prepare<D> {
    type Of<'a, R: Real + 'a> = PrepareOf<'a, R, D>;

    fn run<R: Real>(work: PrepareOf<'_, R, D>) {
        let PrepareOf { scene, first, nodes, offsets, packets, mut next } = work;
        let spacing = R::from_f64(scene.mesh.spacing).splat();
        let zero = R::zero().splat();
        for at in (0..nodes.len()).step_by(R::WIDTH) {
            let width = R::WIDTH.min(nodes.len() - at);
            let p = first + at;
            let given = Matter::new(&scene, p, width).give();
            let mut offset = [zero; D];
            let (mut node, mut list) = ([[0.0; D]; 8], [R::zero(); 8]);
            let (mut value, mut slopes) = ([zero; 4], [[zero; 4]; D]);
            value[0] = given.mass;
            for i in 0..D {
                let place = scene.mesh.along(i, scene.load(i, p, width));
                offset[i] = place.1;
                R::store(&place.1, &mut list[..width]);
                for k in 0..width {
                    node[k][i] = place.0.lane(k);
                    offsets[(at + k) * D + i] = list[k];
                }
                value[i + 1] = given.mass * scene.load(D + i, p, width);
                for j in 0..D {
                    slopes[j][i + 1] = given.affine[i][j] * spacing;
                }
            }
            let packs = spread(offset, Quad::new(value), slopes.map(Quad::new));
            unpack::<R, D>(&packs, &mut packets[at * (D + 1)..(at + width) * (D + 1)]);
            for k in 0..width {
                nodes[at + k] = scene.mesh.first(node[k]);
            }
            if let Some(next) = &mut next {
                for i in 0..D {
                    for j in 0..D {
                        next.store(2 * D + D * D + i * D + j, at, width, &given.deformation[i][j]);
                    }
                }
            }
        }
    }

    fn halves<'a, R: Real + 'a>(
        work: PrepareOf<'a, R, D>,
    ) -> Result<[PrepareOf<'a, R, D>; 2], PrepareOf<'a, R, D>> {
        let Some(half) = middle(work.nodes.len()) else { return Err(work) };
        let PrepareOf { scene, first, nodes, offsets, packets, next } = work;
        let (nodes, i) = nodes.split_at_mut(half);
        let (offsets, o) = offsets.split_at_mut(half * D);
        let (packets, p) = packets.split_at_mut(half * (D + 1));
        let [next, n] = match next.map(|next| next.split(half)) {
            Some([a, b]) => [Some(a), Some(b)],
            None => [None, None],
        };
        let second = first + half;
        Ok([
            PrepareOf { scene, first, nodes, offsets, packets, next },
            PrepareOf { scene, first: second, nodes: i, offsets: o, packets: p, next: n },
        ])
    }
}

/// Writes the packets of particles that stand side by side.
#[inline(always)]
fn unpack<R: Real, const D: usize>(packs: &Packet<R::Pack>, packets: &mut [Node<R>]) {
    let width = packets.len() / (D + 1);
    for node in 0..=D {
        let mut lists = [[R::zero(); 8]; 4];
        for i in 0..=D {
            R::store(&packs[node].get(i), &mut lists[i][..width]);
        }
        for k in 0..width {
            packets[k * (D + 1) + node] =
                Node::<R>::new([lists[0][k], lists[1][k], lists[2][k], lists[3][k]]);
        }
    }
}

/// Every particle takes its velocity from the grid and moves.
///
/// ```text
/// v = Σ w v_i,  C = 4/Δx² Σ w v_i (x_i − x)ᵀ,  x ← x + dt v
/// ```
pub struct Collect<const D: usize>;

/// [`Collect`] for some particles.
pub struct CollectOf<'a, R: Real, const D: usize> {
    pub scene: Scene<'a, R, D>,
    pub first: usize,
    pub count: usize,
    pub velocity: &'a [Node<R>],
    pub next: Fields<'a, R>,
}

impl<const D: usize> Work for Collect<D> {
    type Of<'a, R: Real + 'a> = CollectOf<'a, R, D>;

    fn run<R: Real>(work: CollectOf<'_, R, D>) {
        let CollectOf { scene, first, count, velocity, next } = work;
        let rate = R::from_f64(4.0 / scene.mesh.spacing);
        for at in 0..count {
            let x = scene.position(first + at);
            let stencil = scene.stencil(first + at);
            let packet = stencil.gather(&scene.mesh, velocity).map(Quad::<R>::to_array);
            for i in 0..D {
                let v = packet[0][i + 1];
                next.0[i][at] = x[i] + scene.conditions.dt * v;
                next.0[D + i][at] = v;
                for j in 0..D {
                    next.0[2 * D + i * D + j][at] = rate * (packet[j + 1][i + 1] - stencil.offset[j] * v);
                }
            }
        }
    }

    fn halves<'a, R: Real + 'a>(
        work: CollectOf<'a, R, D>,
    ) -> Result<[CollectOf<'a, R, D>; 2], CollectOf<'a, R, D>> {
        let Some(half) = middle(work.count) else { return Err(work) };
        let CollectOf { scene, first, count, velocity, next } = work;
        let [n0, n1] = next.split(half);
        Ok([
            CollectOf { scene, first, count: half, velocity, next: n0 },
            CollectOf { scene, first: first + half, count: count - half, velocity, next: n1 },
        ])
    }
}

/// What a particle's new velocity, matrix and position give back to the grid's velocities.
#[inline(always)]
pub(super) fn collect_pullback<R: Real, const D: usize>(
    scene: &Scene<'_, R, D>,
    offset: [R; D],
    cotangent: &[R],
    p: usize,
) -> Packet<R> {
    let n = scene.layout.count();
    let rate = R::from_f64(4.0 / scene.mesh.spacing);
    let (mut value, mut slopes) = ([R::zero(); 4], [[R::zero(); 4]; D]);
    for i in 0..D {
        value[i + 1] = cotangent[(D + i) * n + p] + scene.conditions.dt * cotangent[i * n + p];
        for j in 0..D {
            slopes[j][i + 1] = rate * cotangent[(2 * D + i * D + j) * n + p];
        }
    }
    spread(offset, Quad::new(value), slopes.map(Quad::new))
}

/// The cotangents of the particles' state from those at the nodes.
pub struct Recede<const D: usize>;

/// [`Recede`] for some particles.
pub struct RecedeOf<'a, R: Real, const D: usize> {
    pub scene: Scene<'a, R, D>,
    pub first: usize,
    pub packets: &'a [Node<R>],
    pub count: usize,
    pub velocity: &'a [Node<R>],
    /// The cotangents of masses and momenta.
    pub adjoint: &'a [Node<R>],
    /// Of the next state, of all particles.
    pub cotangent: &'a [R],
    pub out: Fields<'a, R>,
    /// For each part: the cotangents of the constants of each material, of the muscles and of dt.
    pub sums: &'a mut [R],
}

/// What a few particles have of their nodes' cotangents.
struct FromNodes<R, const D: usize> {
    position: [[R; 8]; D],
    mass: [R; 8],
    velocity: [[R; 8]; D],
    affine: [[[R; 8]; D]; D],
    dt: R,
}

impl<R: Real, const D: usize> RecedeOf<'_, R, D> {
    /// How many sums a part has.
    pub fn sums_of(scene: &Scene<'_, R, D>) -> usize {
        5 * scene.constants.len() + scene.activation.len() + 1
    }

    /// Fills place `k` of the list from the nodes of a particle.
    ///
    /// Apart from the rest: inlined together, they take each other's registers.
    #[inline(never)]
    fn visit(&self, at: usize, k: usize, list: &mut FromNodes<R, D>) {
        let (scene, p) = (&self.scene, self.first + at + k);
        let (n, spacing) = (scene.layout.count(), scene.mesh.spacing);
        let stencil = scene.stencil(p);
        let back = collect_pullback(scene, stencil.offset, self.cotangent, p);
        let (taken, taken_slopes) = stencil.gather_with_slopes(&scene.mesh, &back, self.velocity);
        let (taken_offset, value, _) = spread_pullback(stencil.offset, &back, &taken);
        let value = value.to_array();
        let given = &packet_in::<R, D>(self.packets, at + k);
        let (given_bar, given_slopes) = stencil.gather_with_slopes(&scene.mesh, given, self.adjoint);
        let (given_offset, bar, slopes) = spread_pullback(stencil.offset, given, &given_bar);
        let (bar, slopes) = (bar.to_array(), slopes.map(Quad::<R>::to_array));
        let mass = given[0].get(0);
        list.mass[k] = bar[0];
        for i in 0..D {
            let offset = (taken_slopes[i] + given_slopes[i]) + (taken_offset[i] + given_offset[i]);
            let next_bar = self.cotangent[i * n + p];
            list.position[i][k] = next_bar + offset.times(1.0 / spacing);
            list.mass[k] += scene.state[(D + i) * n + p] * bar[i + 1];
            list.velocity[i][k] = mass * bar[i + 1];
            list.dt += next_bar * value[i + 1];
            for j in 0..D {
                list.affine[i][j][k] = slopes[j][i + 1].times(spacing);
            }
        }
    }

    #[inline(always)]
    fn few(&mut self, at: usize, width: usize) {
        let (p, n) = (self.first + at, self.scene.layout.count());
        let none = [R::zero(); 8];
        let (mass, affine) = (none, [[none; D]; D]);
        let mut nodes = FromNodes { position: [none; D], mass, velocity: [none; D], affine, dt: R::zero() };
        for k in 0..width {
            self.visit(at, k, &mut nodes);
        }
        let group = 2 * D + D * D;
        let bar = Matter::new(&self.scene, p, width).give_pullback(&Given {
            deformation: matrix(|i, j| R::load(&self.cotangent[(group + i * D + j) * n + p..][..width])),
            mass: R::load(&nodes.mass[..width]),
            affine: matrix(|i, j| R::load(&nodes.affine[i][j][..width])),
        });
        for i in 0..D {
            self.out.0[i][at..at + width].copy_from_slice(&nodes.position[i][..width]);
            self.out.0[D + i][at..at + width].copy_from_slice(&nodes.velocity[i][..width]);
            for j in 0..D {
                self.out.store(2 * D + i * D + j, at, width, &bar.velocity_gradient[i][j]);
                self.out.store(group + i * D + j, at, width, &bar.deformation[i][j]);
            }
        }
        self.sum(at, width, &bar, nodes.dt);
    }

    /// Adds the cotangents of common numbers to the sums of the part.
    #[inline(always)]
    fn sum(&mut self, at: usize, width: usize, bar: &MatterBar<R::Pack, D>, dt: R) {
        let (p, materials) = (self.first + at, 5 * self.scene.constants.len());
        let length = Self::sums_of(&self.scene);
        let sums = &mut self.sums[at / PART * length..][..length];
        let layout = self.scene.layout;
        let material = &layout.material[p..p + width];
        let alike = material.iter().all(|m| *m == material[0]);
        let mut list = [R::zero(); 8];
        for (c, constant) in bar.constants.to_array().iter().enumerate() {
            R::store(constant, &mut list[..width]);
            if alike {
                sums[5 * material[0] + c] += added(&list[..width]);
            } else {
                (0..width).for_each(|k| sums[5 * material[k] + c] += list[k]);
            }
        }
        if !layout.muscle.is_empty() {
            R::store(&bar.activation, &mut list[..width]);
            for k in 0..width {
                if let Some(muscle) = layout.muscle[p + k] {
                    sums[materials + muscle] += list[k];
                }
            }
        }
        R::store(&bar.dt, &mut list[..width]);
        sums[length - 1] += dt + added(&list[..width]);
    }
}

impl<const D: usize> Work for Recede<D> {
    type Of<'a, R: Real + 'a> = RecedeOf<'a, R, D>;

    fn run<R: Real>(mut work: RecedeOf<'_, R, D>) {
        work.sums.fill(R::zero());
        for at in (0..work.count).step_by(R::WIDTH) {
            work.few(at, R::WIDTH.min(work.count - at));
        }
    }

    fn halves<'a, R: Real + 'a>(
        work: RecedeOf<'a, R, D>,
    ) -> Result<[RecedeOf<'a, R, D>; 2], RecedeOf<'a, R, D>> {
        let Some(half) = middle(work.count) else { return Err(work) };
        let length = RecedeOf::sums_of(&work.scene);
        let RecedeOf { scene, first, packets, count, velocity, adjoint, cotangent, out, sums } = work;
        let (p0, p1) = packets.split_at(half * (D + 1));
        let [o0, o1] = out.split(half);
        let (s0, s1) = sums.split_at_mut(half / PART * length);
        let second = first + half;
        Ok([
            RecedeOf {
                scene,
                first,
                packets: p0,
                count: half,
                velocity,
                adjoint,
                cotangent,
                out: o0,
                sums: s0,
            },
            RecedeOf {
                scene,
                first: second,
                packets: p1,
                count: count - half,
                velocity,
                adjoint,
                cotangent,
                out: o1,
                sums: s1,
            },
        ])
    }
}

/// The number of particles in the first of two halves; none when there is only one part.
fn middle(count: usize) -> Option<usize> {
    let half = count.div_ceil(PART) / 2 * PART;
    (half > 0).then_some(half)
}

/// The sum of a short list, by halves.
#[inline(always)]
fn added<R: Real>(list: &[R]) -> R {
    match list {
        [a, b, c, d, e, f, g, h] => ((*a + *e) + (*b + *f)) + ((*c + *g) + (*d + *h)),
        _ => list.iter().fold(R::zero(), |sum, x| sum + *x),
    }
}

/// The sums of all parts, in their order.
pub fn total<R: Real>(sums: &[R], length: usize, out: &mut [R]) {
    out.fill(R::zero());
    for part in sums.chunks_exact(length) {
        out.iter_mut().zip(part).for_each(|(out, x)| *out += *x);
    }
}

/// The constants of a material in a part's sums.
pub fn constants_in<R: Real>(sums: &[R], material: usize) -> Constants<R> {
    Constants::from_array(std::array::from_fn(|k| sums[5 * material + k]))
}
