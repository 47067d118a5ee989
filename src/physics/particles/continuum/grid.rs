//! What happens at the nodes: gravity, obstacles and walls.

use super::obstacle::{pass, pass_pullback, resist};
use super::transfer::{Mesh, Node, empty};
use super::{Conditions, Scene};
use crate::model::continuum::{Obstacle, Wall};
use crate::number::{Mask, Quad, Real, Work, leaf_pullback};
use crate::spatial::{Force, Vec3};

/// Nodes of this many columns make one part of the work.
pub const COLUMNS: usize = 8;
/// A lighter node is empty.
const LIGHTEST: f64 = 1e-100;

/// The velocities of all nodes, and what the obstacles take.
pub struct Velocities<const D: usize>;

/// [`Velocities`] of some columns.
pub struct VelocitiesOf<'a, R: Real, const D: usize> {
    pub scene: Scene<'a, R, D>,
    /// The number of the first column.
    pub first: usize,
    /// Mass and momentum.
    pub momentum: &'a [Node<R>],
    /// Zero and velocity.
    pub velocity: &'a mut [Node<R>],
    /// The impulses on the obstacles, for each part.
    pub impulses: &'a mut [Force<R>],
}

impl<const D: usize> Work for Velocities<D> {
    type Of<'a, R: Real + 'a> = VelocitiesOf<'a, R, D>;

    fn run<R: Real>(work: VelocitiesOf<'_, R, D>) {
        let VelocitiesOf { scene, first, momentum, velocity, impulses } = work;
        let stride = scene.mesh.stride[0];
        let obstacles = scene.conditions.obstacles.len();
        impulses.fill(Force::zero());
        nodes(&scene, first, momentum.len() / stride, |at, index| {
            let [mass, momentum @ ..] = momentum[at].to_array();
            velocity[at] = empty::<R>();
            if mass.gt(R::from_f64(LIGHTEST)).any() {
                let part = at / (COLUMNS * stride) * obstacles;
                let mut v = free(&scene, mass, momentum);
                v = past_obstacles(&scene, (index, mass), v, obstacles, |k, impulse| {
                    impulses[part + k] += impulse;
                });
                for k in 0..D {
                    v = against_wall(&scene, k, index[k], v);
                }
                velocity[at] = Node::<R>::new([R::zero(), v.x, v.y, v.z]);
            }
        });
    }

    fn halves<'a, R: Real + 'a>(
        work: VelocitiesOf<'a, R, D>,
    ) -> Result<[VelocitiesOf<'a, R, D>; 2], VelocitiesOf<'a, R, D>> {
        let stride = work.scene.mesh.stride[0];
        let Some(columns) = middle(work.momentum.len() / stride) else { return Err(work) };
        let VelocitiesOf { scene, first, momentum, velocity, impulses } = work;
        let (m0, m1) = momentum.split_at(columns * stride);
        let (v0, v1) = velocity.split_at_mut(columns * stride);
        let (i0, i1) = impulses.split_at_mut(columns / COLUMNS * scene.conditions.obstacles.len());
        Ok([
            VelocitiesOf { scene, first, momentum: m0, velocity: v0, impulses: i0 },
            VelocitiesOf { scene, first: first + columns, momentum: m1, velocity: v1, impulses: i1 },
        ])
    }
}

/// The cotangents of what is common to the nodes.
#[derive(Clone, Debug)]
pub struct NodesBar<R> {
    pub gravity: Vec3<R>,
    pub dt: R,
    pub wall_friction: [R; 6],
    pub obstacles: Vec<Obstacle<R>>,
}

impl<R: Real> NodesBar<R> {
    /// Room for these obstacles.
    pub fn new(obstacles: &[Obstacle<R>]) -> Self {
        let obstacles = obstacles.iter().map(|o| Obstacle::zero(o.form)).collect();
        Self { gravity: Vec3::zero(), dt: R::zero(), wall_friction: [R::zero(); 6], obstacles }
    }
    /// Starts again, with these obstacles.
    fn clear(&mut self, obstacles: &[Obstacle<R>]) {
        (self.gravity, self.dt, self.wall_friction) = (Vec3::zero(), R::zero(), [R::zero(); 6]);
        self.obstacles.clear();
        self.obstacles.extend(obstacles.iter().map(|o| Obstacle::zero(o.form)));
    }
}

/// The velocities again, and the cotangents of masses and momenta from theirs.
pub struct VelocitiesPullback<const D: usize>;

/// [`VelocitiesPullback`] of some columns.
pub struct VelocitiesPullbackOf<'a, R: Real, const D: usize> {
    pub scene: Scene<'a, R, D>,
    pub first: usize,
    pub momentum: &'a [Node<R>],
    pub velocity: &'a mut [Node<R>],
    /// The cotangents of the velocities; becomes those of the momenta.
    pub adjoint: &'a mut [Node<R>],
    /// The cotangents of the impulses on the obstacles.
    pub impulses: &'a [Force<R>],
    /// For each part.
    pub sums: &'a mut [NodesBar<R>],
}

impl<const D: usize> Work for VelocitiesPullback<D> {
    type Of<'a, R: Real + 'a> = VelocitiesPullbackOf<'a, R, D>;

    fn run<R: Real>(work: VelocitiesPullbackOf<'_, R, D>) {
        let VelocitiesPullbackOf { scene, first, momentum, velocity, adjoint, impulses, sums } = work;
        let stride = scene.mesh.stride[0];
        sums.iter_mut().for_each(|sum| sum.clear(scene.conditions.obstacles));
        nodes(&scene, first, momentum.len() / stride, |at, index| {
            let sum = &mut sums[at / (COLUMNS * stride)];
            let [mass, momentum @ ..] = momentum[at].to_array();
            let [_, x, y, z] = adjoint[at].to_array();
            (velocity[at], adjoint[at]) = (empty::<R>(), empty::<R>());
            if mass.gt(R::from_f64(LIGHTEST)).any() {
                let mut v_bar = Vec3::new(x, y, z);
                let v = node_pullback(&scene, (index, mass), momentum, impulses, &mut v_bar, sum);
                velocity[at] = Node::<R>::new([R::zero(), v.0.x, v.0.y, v.0.z]);
                let over = mass.recip();
                let mass_bar = v.1 - (Vec3::from(momentum).dot(v_bar)) * over * over;
                let v_bar = v_bar * over;
                adjoint[at] = Node::<R>::new([mass_bar, v_bar.x, v_bar.y, v_bar.z]);
            }
        });
    }

    fn halves<'a, R: Real + 'a>(
        work: VelocitiesPullbackOf<'a, R, D>,
    ) -> Result<[VelocitiesPullbackOf<'a, R, D>; 2], VelocitiesPullbackOf<'a, R, D>> {
        let stride = work.scene.mesh.stride[0];
        let Some(columns) = middle(work.momentum.len() / stride) else { return Err(work) };
        let VelocitiesPullbackOf { scene, first, momentum, velocity, adjoint, impulses, sums } = work;
        let (momentum, m) = momentum.split_at(columns * stride);
        let (velocity, v) = velocity.split_at_mut(columns * stride);
        let (adjoint, a) = adjoint.split_at_mut(columns * stride);
        let (sums, s) = sums.split_at_mut(columns / COLUMNS);
        let second = first + columns;
        Ok([
            VelocitiesPullbackOf { scene, first, momentum, velocity, adjoint, impulses, sums },
            VelocitiesPullbackOf {
                scene,
                first: second,
                momentum: m,
                velocity: v,
                adjoint: a,
                impulses,
                sums: s,
            },
        ])
    }
}

/// The velocity of one node and the cotangent of its mass from the impulses; `v_bar` becomes the cotangent
/// of the free velocity.
#[inline(always)]
fn node_pullback<R: Real, const D: usize>(
    scene: &Scene<'_, R, D>,
    (index, mass): ([usize; D], R),
    momentum: [R; 3],
    impulses: &[Force<R>],
    v_bar: &mut Vec3<R>,
    sum: &mut NodesBar<R>,
) -> (Vec3<R>, R) {
    let Conditions { gravity, dt, obstacles, .. } = scene.conditions;
    let start = free(scene, mass, momentum);
    let mut mass_bar = R::zero();
    let past = past_obstacles(scene, (index, mass), start, obstacles.len(), |_, _| {});
    let mut before = [past; 4];
    for k in 0..D {
        before[k + 1] = against_wall(scene, k, index[k], before[k]);
    }
    for k in (0..D).rev() {
        against_wall_pullback(scene, k, index[k], before[k], v_bar, &mut sum.wall_friction);
    }
    for k in (0..obstacles.len()).rev() {
        let v = past_obstacles(scene, (index, mass), start, k, |_, _| {});
        let node = scene.node(index);
        pass_pullback(
            &obstacles[k],
            node,
            mass,
            v,
            impulses[k],
            &mut sum.obstacles[k],
            (&mut mass_bar, v_bar),
        );
    }
    sum.gravity += *v_bar * *dt;
    sum.dt += v_bar.dot(*gravity);
    (before[D], mass_bar)
}

/// The number of columns in the first of two halves; none when there is only one part.
fn middle(columns: usize) -> Option<usize> {
    let half = columns.div_ceil(COLUMNS) / 2 * COLUMNS;
    (half > 0).then_some(half)
}

/// Visits the nodes in the rows where particles are: their place in the list and their index.
#[inline(always)]
fn nodes<R: Real, const D: usize>(
    scene: &Scene<'_, R, D>,
    first: usize,
    columns: usize,
    mut visit: impl FnMut(usize, [usize; D]),
) {
    let Mesh { nodes, stride, .. } = scene.mesh;
    let per_column = scene.mesh.rows_per_column();
    for column in 0..columns {
        for row in 0..per_column {
            if scene.active[(first + column) * per_column + row] {
                for last in 0..nodes[D - 1] {
                    let mut index = [last; D];
                    index[0] = first + column;
                    if D == 3 {
                        index[1] = row;
                    }
                    visit(column * stride[0] + row * nodes[D - 1] + last, index);
                }
            }
        }
    }
}

/// `p/m + g dt`.
#[inline(always)]
fn free<R: Real, const D: usize>(scene: &Scene<'_, R, D>, mass: R, momentum: [R; 3]) -> Vec3<R> {
    let mut v = Vec3::from(momentum) * mass.recip() + scene.conditions.gravity * scene.conditions.dt;
    if D == 2 {
        v.z = R::zero();
    }
    v
}

/// The velocity past the first `count` obstacles.
#[inline(always)]
fn past_obstacles<R: Real, const D: usize>(
    scene: &Scene<'_, R, D>,
    (index, mass): ([usize; D], R),
    mut v: Vec3<R>,
    count: usize,
    mut take: impl FnMut(usize, Force<R>),
) -> Vec3<R> {
    for (k, obstacle) in scene.conditions.obstacles[..count].iter().enumerate() {
        if let Some((past, impulse)) = pass(obstacle, scene.node(index), mass, v) {
            take(k, impulse);
            v = past;
        }
    }
    v
}

/// The wall that a node is in along axis `k`, and the sign of the velocities into it.
#[inline(always)]
fn wall<R: Real, const D: usize>(scene: &Scene<'_, R, D>, k: usize, i: usize) -> Option<(usize, Wall, f64)> {
    let border = scene.layout.border;
    let low = i < border;
    if !low && i + border <= scene.layout.cells[k] {
        return None;
    }
    let at = 2 * k + usize::from(!low);
    Some((at, scene.layout.walls[at], if low { 1.0 } else { -1.0 }))
}

/// The velocity that a wall leaves.
#[inline(always)]
fn against_wall<R: Real, const D: usize>(scene: &Scene<'_, R, D>, k: usize, i: usize, v: Vec3<R>) -> Vec3<R> {
    let Some((at, wall, sign)) = wall(scene, k, i) else { return v };
    let normal = Vec3::<R>::unit(k).times(sign);
    let into = normal.dot(v).lt(R::zero());
    let left = match wall {
        Wall::Slip => v - normal * normal.dot(v),
        Wall::Sticky => Vec3::zero(),
        Wall::Friction => v + resist(normal, v, scene.numbers.wall_friction[at]),
    };
    Vec3::select(into, left, v)
}

#[inline(always)]
fn against_wall_pullback<R: Real, const D: usize>(
    scene: &Scene<'_, R, D>,
    k: usize,
    i: usize,
    v: Vec3<R>,
    v_bar: &mut Vec3<R>,
    friction_bar: &mut [R; 6],
) {
    let Some((at, wall, sign)) = wall(scene, k, i) else { return };
    let normal = Vec3::<R>::unit(k).times(sign);
    let into = normal.dot(v).lt(R::zero());
    let left = match wall {
        Wall::Slip => *v_bar - normal * normal.dot(*v_bar),
        Wall::Sticky => Vec3::zero(),
        Wall::Friction if into.any() => {
            let law = |[x, y, z, friction]: [_; 4]| {
                resist(Vec3::unit(k).times(sign), Vec3::new(x, y, z), friction).to_array()
            };
            let x = [v.x, v.y, v.z, scene.numbers.wall_friction[at]];
            let bar = leaf_pullback(law, x, v_bar.to_array());
            friction_bar[at] += bar[3];
            *v_bar + Vec3::new(bar[0], bar[1], bar[2])
        }
        Wall::Friction => *v_bar,
    };
    *v_bar = Vec3::select(into, left, *v_bar);
}
