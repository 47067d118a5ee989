//! The work that each particle does for itself, a few side by side.

use super::Scene;
use super::matrix::matrix;
use super::matter::{Given, Matter};
use super::transfer::{Node, Packet, Stencil, empty, spread, spread_pullback};
use crate::model::continuum::Constants;
use crate::number::{Real, Work};

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
    #[inline(always)]
    fn store<const N: usize>(&mut self, group: usize, at: usize, width: usize, values: [[R; N]; 8])
    where
        R: Copy,
    {
        for n in 0..N {
            for (k, value) in values[..width].iter().enumerate() {
                self.0[group + n][at + k] = value[n];
            }
        }
    }
}

/// Every particle's stress and what it gives to the grid.
pub struct Prepare<const D: usize>;

/// [`Prepare`] for some particles.
pub struct PrepareOf<'a, R, const D: usize> {
    pub scene: Scene<'a, R, D>,
    /// The number of the first particle.
    pub first: usize,
    /// In which row of the grid each particle's nodes begin.
    pub rows: &'a mut [u32],
    pub packets: &'a mut [Packet<R>],
    /// Where the deformations go, if they are asked for.
    pub next: Option<Fields<'a, R>>,
}

impl<const D: usize> Work for Prepare<D> {
    type Of<'a, R: Real + 'a> = PrepareOf<'a, R, D>;

    fn run<R: Real>(work: PrepareOf<'_, R, D>) {
        let PrepareOf { scene, first, rows, packets, mut next } = work;
        let one = |x: f64| R::pack(|_| R::from_f64(x));
        for at in (0..rows.len()).step_by(R::WIDTH) {
            let width = R::WIDTH.min(rows.len() - at);
            let p = first + at;
            let given = Matter::new::<R>(&scene, p, width).give();
            let x: [_; D] = std::array::from_fn(|k| scene.mesh.along(k, scene.load(k, p, width)));
            let v: [_; D] = std::array::from_fn(|k| scene.load(D + k, p, width));
            let spacing = one(scene.mesh.spacing);
            let (mut value, mut slopes) = ([one(0.0); 4], [[one(0.0); 4]; D]);
            value[0] = given.mass;
            for i in 0..D {
                value[i + 1] = given.mass * v[i];
                for j in 0..D {
                    slopes[j][i + 1] = given.affine[i][j] * spacing;
                }
            }
            let packet = spread(x.map(|x| x.1), value, slopes);
            for k in 0..width {
                rows[at + k] = scene.mesh.row(x.map(|x| x.0.lane(k)));
                packets[at + k] = packet.map(|node| node.map(|x| R::unpack(&x, k)));
            }
            if let Some(next) = &mut next {
                let list = given.deformation;
                for i in 0..D {
                    for j in 0..D {
                        for k in 0..width {
                            next.0[2 * D + D * D + i * D + j][at + k] = R::unpack(&list[i][j], k);
                        }
                    }
                }
            }
        }
    }

    fn halves<'a, R: Real + 'a>(
        work: PrepareOf<'a, R, D>,
    ) -> Result<[PrepareOf<'a, R, D>; 2], PrepareOf<'a, R, D>> {
        let Some(half) = middle(work.rows.len()) else { return Err(work) };
        let PrepareOf { scene, first, rows, packets, next } = work;
        let (r0, r1) = rows.split_at_mut(half);
        let (p0, p1) = packets.split_at_mut(half);
        let [n0, n1] = match next.map(|next| next.split(half)) {
            Some([a, b]) => [Some(a), Some(b)],
            None => [None, None],
        };
        Ok([
            PrepareOf { scene, first, rows: r0, packets: p0, next: n0 },
            PrepareOf { scene, first: first + half, rows: r1, packets: p1, next: n1 },
        ])
    }
}

/// Every particle takes its velocity from the grid and moves.
///
/// ```text
/// v = Σ w v_i,  C = 4/Δx² Σ w v_i (x_i − x)ᵀ,  x ← x + dt v
/// ```
pub struct Collect<const D: usize>;

/// [`Collect`] for some particles.
pub struct CollectOf<'a, R, const D: usize> {
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
            let stencil = Stencil::new(&scene.mesh, x);
            let packet = stencil.gather(&scene.mesh, velocity);
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
pub fn collect_pullback<R: Real, const D: usize>(
    scene: &Scene<'_, R, D>,
    offset: [R; D],
    cotangent: &[R],
    p: usize,
) -> Packet<R> {
    let n = scene.layout.count();
    let rate = R::from_f64(4.0 / scene.mesh.spacing);
    let (mut value, mut slopes) = (empty(), [empty(); D]);
    for i in 0..D {
        value[i + 1] = cotangent[(D + i) * n + p] + scene.conditions.dt * cotangent[i * n + p];
        for j in 0..D {
            slopes[j][i + 1] = rate * cotangent[(2 * D + i * D + j) * n + p];
        }
    }
    spread(offset, value, slopes)
}

/// The cotangents of the particles' state from those at the nodes.
pub struct Recede<const D: usize>;

/// [`Recede`] for some particles.
pub struct RecedeOf<'a, R, const D: usize> {
    pub scene: Scene<'a, R, D>,
    pub first: usize,
    pub packets: &'a [Packet<R>],
    pub velocity: &'a [Node<R>],
    /// The cotangents of masses and momenta.
    pub adjoint: &'a [Node<R>],
    /// Of the next state, of all particles.
    pub cotangent: &'a [R],
    pub out: Fields<'a, R>,
    /// For each part: the cotangents of the constants of each material, of the muscles and of dt.
    pub sums: &'a mut [R],
}

/// What one particle has of its nodes' cotangents.
struct FromNodes<R, const D: usize> {
    position: [R; D],
    mass: R,
    velocity: [R; D],
    affine: [[R; D]; D],
    dt: R,
}

impl<R: Real, const D: usize> RecedeOf<'_, R, D> {
    /// How many sums a part has.
    pub fn sums_of(scene: &Scene<'_, R, D>) -> usize {
        5 * scene.constants.len() + scene.activation.len() + 1
    }

    #[inline(always)]
    fn from_nodes(&self, at: usize) -> FromNodes<R, D> {
        let (scene, p) = (&self.scene, self.first + at);
        let (n, inverse) = (scene.layout.count(), 1.0 / scene.mesh.spacing);
        let stencil = Stencil::new(&scene.mesh, scene.position(p));
        let back = collect_pullback(scene, stencil.offset, self.cotangent, p);
        let (taken, taken_slopes) = stencil.gather_with_slopes(&scene.mesh, &back, self.velocity);
        let (taken_offset, value, _) = spread_pullback(stencil.offset, &back, &taken);
        let given = &self.packets[at];
        let (given_bar, given_slopes) = stencil.gather_with_slopes(&scene.mesh, given, self.adjoint);
        let (given_offset, bar, slopes) = spread_pullback(stencil.offset, given, &given_bar);
        let mass = given[0][0];
        let mut mass_bar = bar[0];
        let mut dt = R::zero();
        for i in 0..D {
            mass_bar += scene.state[(D + i) * n + p] * bar[i + 1];
            dt += self.cotangent[i * n + p] * value[i + 1];
        }
        FromNodes {
            position: std::array::from_fn(|k| {
                let offset = (taken_slopes[k] + given_slopes[k]) + (taken_offset[k] + given_offset[k]);
                self.cotangent[k * n + p] + offset.times(inverse)
            }),
            mass: mass_bar,
            velocity: std::array::from_fn(|i| mass * bar[i + 1]),
            affine: matrix(|i, j| slopes[j][i + 1].times(scene.mesh.spacing)),
            dt,
        }
    }

    #[inline(always)]
    fn few(&mut self, at: usize, width: usize) {
        let p = self.first + at;
        let matter = Matter::new::<R>(&self.scene, p, width);
        let nodes: [FromNodes<R, D>; 8] = std::array::from_fn(|k| self.from_nodes(at + k.min(width - 1)));
        let n = self.scene.layout.count();
        let group = 2 * D + D * D;
        let last = |k: usize| p + k.min(width - 1);
        let bar = matter.give_pullback(&Given {
            deformation: matrix(|i, j| R::pack(|k| self.cotangent[(group + i * D + j) * n + last(k)])),
            mass: R::pack(|k| nodes[k].mass),
            affine: matrix(|i, j| R::pack(|k| nodes[k].affine[i][j])),
        });
        self.out.store(0, at, width, std::array::from_fn(|k| nodes[k].position));
        self.out.store(D, at, width, std::array::from_fn(|k| nodes[k].velocity));
        for i in 0..D {
            for j in 0..D {
                for k in 0..width {
                    self.out.0[2 * D + i * D + j][at + k] = R::unpack(&bar.velocity_gradient[i][j], k);
                    self.out.0[group + i * D + j][at + k] = R::unpack(&bar.deformation[i][j], k);
                }
            }
        }
        let length = Self::sums_of(&self.scene);
        let sums = &mut self.sums[at / PART * length..][..length];
        for k in 0..width {
            let material = self.scene.layout.material[p + k];
            let list = &mut sums[5 * material..][..5];
            list.iter_mut().zip(bar.constants.to_array()).for_each(|(s, c)| *s += R::unpack(&c, k));
            if let Some(muscle) = self.scene.layout.muscle.get(p + k).copied().flatten() {
                sums[5 * self.scene.constants.len() + muscle] += R::unpack(&bar.activation, k);
            }
            sums[length - 1] += R::unpack(&bar.dt, k) + nodes[k].dt;
        }
    }
}

impl<const D: usize> Work for Recede<D> {
    type Of<'a, R: Real + 'a> = RecedeOf<'a, R, D>;

    fn run<R: Real>(mut work: RecedeOf<'_, R, D>) {
        work.sums.fill(R::zero());
        for at in (0..work.packets.len()).step_by(R::WIDTH) {
            work.few(at, R::WIDTH.min(work.packets.len() - at));
        }
    }

    fn halves<'a, R: Real + 'a>(
        work: RecedeOf<'a, R, D>,
    ) -> Result<[RecedeOf<'a, R, D>; 2], RecedeOf<'a, R, D>> {
        let Some(half) = middle(work.packets.len()) else { return Err(work) };
        let length = RecedeOf::sums_of(&work.scene);
        let RecedeOf { scene, first, packets, velocity, adjoint, cotangent, out, sums } = work;
        let (p0, p1) = packets.split_at(half);
        let [o0, o1] = out.split(half);
        let (s0, s1) = sums.split_at_mut(half / PART * length);
        let second = first + half;
        Ok([
            RecedeOf { scene, first, packets: p0, velocity, adjoint, cotangent, out: o0, sums: s0 },
            RecedeOf { scene, first: second, packets: p1, velocity, adjoint, cotangent, out: o1, sums: s1 },
        ])
    }
}

/// The number of particles in the first of two halves; none when there is only one part.
fn middle(count: usize) -> Option<usize> {
    let half = count.div_ceil(PART) / 2 * PART;
    (half > 0).then_some(half)
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
