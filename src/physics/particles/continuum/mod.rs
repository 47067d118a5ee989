//! Matter as particles that exchange momentum over a grid: the material point method.
//!
//! One [`substep`] in the form of MLS-MPM (Hu et al. 2018) with affine velocities (APIC, Jiang et al. 2015)
//! and quadratic B-splines `w`:
//!
//! ```text
//! F ← (1 + dt C) F, past the material's flow; τ its Kirchhoff stress
//! (m, p)_i = Σ w (m, m v + (m C − dt V₀ 4/Δx² τ)(x_i − x))
//! v_i = p_i/m_i + dt g, past obstacles and walls
//! v ← Σ w v_i,  C ← 4/Δx² Σ w v_i (x_i − x)ᵀ,  x ← x + dt v
//! ```
//!
//! Only particles are remembered between forward and backward; [`substep_pullback`] computes the grid again.

mod grid;
pub mod isotropic;
pub mod material;
pub mod matrix;
mod matter;
mod obstacle;
mod particles;
mod slabs;
mod transfer;

use crate::model::continuum::{Constants, Continuum, ContinuumLayout, Obstacle};
use crate::number::Real;
use crate::spatial::{Force, Vec3};
use grid::{COLUMNS, NodesBar, Velocities, VelocitiesOf, VelocitiesPullback, VelocitiesPullbackOf};
use particles::{
    Collect, CollectOf, Fields, PART, Prepare, PrepareOf, Recede, RecedeOf, constants_in, total,
};
use slabs::{Order, scatter};
use transfer::{Mesh, Node, Stencil, empty};

pub use obstacle::distance;
pub(super) use obstacle::{reach, slope};

/// What acts on a continuum during one substep.
#[derive(Clone, Copy, Debug)]
pub struct Conditions<'a, R> {
    /// [m/s²]; two dimensions read x and y.
    pub gravity: Vec3<R>,
    /// The length of the substep [s].
    pub dt: R,
    /// What the muscles listen to.
    pub controls: &'a [R],
    /// Rigid bodies in the way.
    pub obstacles: &'a [Obstacle<R>],
}

/// The cotangents of [`Conditions`]; a pullback adds to them.
#[derive(Clone, Debug)]
pub struct ConditionsBar<R> {
    /// Of the gravity.
    pub gravity: Vec3<R>,
    /// Of the length of the substep.
    pub dt: R,
    /// Of the controls.
    pub controls: Vec<R>,
    /// Of the obstacles; that of a rotation is `Quat::pullback_of_turn` of a small turn's.
    pub obstacles: Vec<Obstacle<R>>,
}

impl<R: Real> ConditionsBar<R> {
    /// Every number zero.
    pub fn zero(conditions: &Conditions<'_, R>) -> Self {
        Self {
            gravity: Vec3::zero(),
            dt: R::zero(),
            controls: vec![R::zero(); conditions.controls.len()],
            obstacles: conditions.obstacles.iter().map(|o| Obstacle::zero(o.form)).collect(),
        }
    }
}

/// A particle whose nodes are not all on the grid, or whose position is not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Its number.
    pub particle: usize,
}

/// What every part of a substep reads.
#[derive(Clone, Copy, Debug)]
struct Scene<'a, R, const D: usize> {
    layout: &'a ContinuumLayout,
    numbers: &'a Continuum<R>,
    /// Of each material.
    constants: &'a [Constants<R>],
    /// The stress of each muscle.
    activation: &'a [R],
    conditions: &'a Conditions<'a, R>,
    state: &'a [R],
    mesh: Mesh<D>,
    /// The first node of each particle, and its offset from it in cells.
    nodes: (&'a [u32], &'a [R]),
    /// Rows near particles.
    active: &'a [bool],
}

impl<'a, R: Real, const D: usize> Scene<'a, R, D> {
    /// Before particles know their nodes.
    fn new(
        (layout, numbers, conditions): (&'a ContinuumLayout, &'a Continuum<R>, &'a Conditions<'a, R>),
        (constants, activation): (&'a [Constants<R>], &'a [R]),
        state: &'a [R],
    ) -> Self {
        let (mesh, nodes) = (Mesh::new(layout), Default::default());
        Self { layout, numbers, constants, activation, conditions, state, mesh, nodes, active: &[] }
    }
    #[inline(always)]
    fn position(&self, p: usize) -> [R; D] {
        let n = self.layout.count();
        std::array::from_fn(|k| self.state[k * n + p])
    }
    #[inline(always)]
    fn stencil(&self, p: usize) -> Stencil<R, D> {
        Stencil::new(self.nodes.0[p], &self.nodes.1[p * D..][..D])
    }
    /// A component of some particles.
    #[inline(always)]
    fn load(&self, component: usize, first: usize, width: usize) -> R::Pack {
        R::load(&self.state[component * self.layout.count() + first..][..width])
    }
    /// A node as obstacles see it.
    #[inline(always)]
    fn node(&self, index: [usize; D]) -> (Vec3<f64>, f64, bool) {
        let place = self.mesh.place(index);
        let z = if D == 3 { place[D - 1] } else { 0.0 };
        (Vec3::new(place[0], place[1], z), self.mesh.spacing, D == 2)
    }
}

/// What a substep needs to know in passing; allocated once.
#[derive(Clone, Debug)]
pub struct Scratch<R: Real> {
    constants: Vec<Constants<R>>,
    activation: Vec<R>,
    nodes: Vec<u32>,
    offsets: Vec<R>,
    packets: Vec<Node<R>>,
    order: Order,
    momentum: Vec<Node<R>>,
    velocity: Vec<Node<R>>,
    adjoint: Vec<Node<R>>,
    impulses: Vec<Force<R>>,
    node_sums: Vec<NodesBar<R>>,
    particle_sums: Vec<R>,
    total: Vec<R>,
}

impl<R: Real> Default for Scratch<R> {
    fn default() -> Self {
        Self {
            constants: Vec::new(),
            activation: Vec::new(),
            nodes: Vec::new(),
            offsets: Vec::new(),
            packets: Vec::new(),
            order: Order::default(),
            momentum: Vec::new(),
            velocity: Vec::new(),
            adjoint: Vec::new(),
            impulses: Vec::new(),
            node_sums: Vec::new(),
            particle_sums: Vec::new(),
            total: Vec::new(),
        }
    }
}

impl<R: Real> Scratch<R> {
    /// Fits the lists to a continuum, and computes what its particles read.
    fn fit(&mut self, numbers: &Continuum<R>, layout: &ContinuumLayout, conditions: &Conditions<'_, R>) {
        assert!(R::LANES == 1, "the particles of a world fill the lanes: worlds of particles do not");
        self.constants.clear();
        let of_kind = numbers.materials.iter().zip(&layout.kinds);
        self.constants.extend(of_kind.map(|(material, kind)| material.constants(*kind)));
        self.activation.clear();
        let muscles = layout.muscles.iter().zip(&numbers.strength);
        self.activation.extend(muscles.map(|(muscle, s)| *s * conditions.controls[muscle.control]));
        let nodes = (0..layout.dimension).map(|k| layout.cells[k] + 1).product();
        let parts = (layout.cells[0] + 1).div_ceil(COLUMNS);
        self.nodes.resize(layout.count(), 0);
        self.offsets.resize(layout.dimension * layout.count(), R::zero());
        self.packets.resize((layout.dimension + 1) * layout.count(), empty::<R>());
        self.momentum.resize(nodes, empty::<R>());
        self.velocity.resize(nodes, empty::<R>());
        self.impulses.resize(parts * conditions.obstacles.len(), Force::zero());
    }
    /// The same for a pullback.
    fn fit_pullback(&mut self, layout: &ContinuumLayout, obstacles: &[Obstacle<R>]) {
        self.adjoint.resize(self.momentum.len(), empty::<R>());
        let length = 5 * self.constants.len() + self.activation.len() + 1;
        self.total.resize(length, R::zero());
        self.particle_sums.resize(layout.count().div_ceil(PART) * length, R::zero());
        let parts = (layout.cells[0] + 1).div_ceil(COLUMNS);
        self.node_sums.resize_with(parts, || NodesBar::new(obstacles));
    }
}

/// Moves a continuum by one substep.
///
/// `state, next: (2 (D + D²) n)`, see [`crate::model::continuum`]. What the obstacles take is added to
/// `impulses`: the momentum [N s] and the angular momentum [N m s] about each obstacle's origin.
///
/// # Errors
///
/// A particle that has left the grid, or is not a number; `next` then says nothing.
pub fn substep<R: Real>(
    numbers: &Continuum<R>,
    layout: &ContinuumLayout,
    conditions: &Conditions<'_, R>,
    state: &[R],
    next: &mut [R],
    impulses: &mut [Force<R>],
    scratch: &mut Scratch<R>,
) -> Result<(), Lost> {
    match layout.dimension {
        2 => substep_in::<R, 2>(numbers, layout, conditions, state, next, impulses, scratch),
        _ => substep_in::<R, 3>(numbers, layout, conditions, state, next, impulses, scratch),
    }
}

fn substep_in<R: Real, const D: usize>(
    numbers: &Continuum<R>,
    layout: &ContinuumLayout,
    conditions: &Conditions<'_, R>,
    state: &[R],
    next: &mut [R],
    impulses: &mut [Force<R>],
    scratch: &mut Scratch<R>,
) -> Result<(), Lost> {
    let n = layout.count();
    scratch.fit(numbers, layout, conditions);
    let Scratch { constants, activation, nodes, offsets, packets, order, momentum, velocity, .. } = scratch;
    let scene = Scene::new((layout, numbers, conditions), (constants, activation), state);
    let out = Some(Fields::new(next, n));
    R::share::<Prepare<D>>(PrepareOf { scene, first: 0, nodes, offsets, packets, next: out });
    order.sort(nodes, scene.mesh.row_sizes()).map_err(|particle| Lost { particle })?;
    let scene = Scene { nodes: (nodes, offsets), active: order.active(), ..scene };
    scatter(scene, order, packets, momentum, None);
    let parts = &mut scratch.impulses;
    R::share::<Velocities<D>>(VelocitiesOf { scene, first: 0, momentum, velocity, impulses: parts });
    for part in parts.chunks_exact(conditions.obstacles.len().max(1)) {
        impulses.iter_mut().zip(part).for_each(|(sum, impulse)| *sum += *impulse);
    }
    R::share::<Collect<D>>(CollectOf { scene, first: 0, count: n, velocity, next: Fields::new(next, n) });
    Ok(())
}

/// The pullback of [`substep`] at the same arguments: from the cotangents of the next state and of the
/// impulses to those of everything before.
///
/// `state_bar` is overwritten; the cotangents of numbers and conditions are added to.
///
/// # Errors
///
/// As [`substep`].
pub fn substep_pullback<R: Real>(
    (numbers, layout): (&Continuum<R>, &ContinuumLayout),
    conditions: &Conditions<'_, R>,
    state: &[R],
    cotangent: (&[R], &[Force<R>]),
    state_bar: &mut [R],
    (numbers_bar, conditions_bar): (&mut Continuum<R>, &mut ConditionsBar<R>),
    scratch: &mut Scratch<R>,
) -> Result<(), Lost> {
    let bars = (numbers_bar, conditions_bar);
    match layout.dimension {
        2 => substep_pullback_in::<R, 2>(
            (numbers, layout),
            conditions,
            state,
            cotangent,
            state_bar,
            bars,
            scratch,
        ),
        _ => substep_pullback_in::<R, 3>(
            (numbers, layout),
            conditions,
            state,
            cotangent,
            state_bar,
            bars,
            scratch,
        ),
    }
}

fn substep_pullback_in<R: Real, const D: usize>(
    (numbers, layout): (&Continuum<R>, &ContinuumLayout),
    conditions: &Conditions<'_, R>,
    state: &[R],
    (next_bar, impulses): (&[R], &[Force<R>]),
    state_bar: &mut [R],
    (numbers_bar, conditions_bar): (&mut Continuum<R>, &mut ConditionsBar<R>),
    scratch: &mut Scratch<R>,
) -> Result<(), Lost> {
    scratch.fit(numbers, layout, conditions);
    scratch.fit_pullback(layout, conditions.obstacles);
    let Scratch {
        constants, activation, nodes, offsets, packets, order, momentum, velocity, adjoint, ..
    } = scratch;
    let scene = Scene::new((layout, numbers, conditions), (constants, activation), state);
    R::share::<Prepare<D>>(PrepareOf { scene, first: 0, nodes, offsets, packets, next: None });
    order.sort(nodes, scene.mesh.row_sizes()).map_err(|particle| Lost { particle })?;
    let scene = Scene { nodes: (nodes, offsets), active: order.active(), ..scene };
    // What particles take from the grid knows nothing of the grid: its pullback scatters with them.
    scatter(scene, order, packets, momentum, Some((next_bar, adjoint)));
    let sums = &mut scratch.node_sums[..];
    let work = VelocitiesPullbackOf { scene, first: 0, momentum, velocity, adjoint, impulses, sums };
    R::share::<VelocitiesPullback<D>>(work);
    let (out, sums) = (Fields::new(state_bar, layout.count()), &mut scratch.particle_sums[..]);
    let (cotangent, first, count) = (next_bar, 0, layout.count());
    let work = RecedeOf { scene, first, packets, count, velocity, adjoint, cotangent, out, sums };
    R::share::<Recede<D>>(work);
    add_node_sums(&scratch.node_sums, numbers_bar, conditions_bar);
    total(&scratch.particle_sums, scratch.total.len(), &mut scratch.total);
    add_particle_sums((numbers, layout, conditions), &scratch.total, numbers_bar, conditions_bar);
    Ok(())
}

/// Adds what the nodes know of common numbers, part after part.
fn add_node_sums<R: Real>(
    parts: &[NodesBar<R>],
    numbers_bar: &mut Continuum<R>,
    conditions_bar: &mut ConditionsBar<R>,
) {
    for part in parts {
        conditions_bar.gravity += part.gravity;
        conditions_bar.dt += part.dt;
        numbers_bar.wall_friction.iter_mut().zip(part.wall_friction).for_each(|(sum, x)| *sum += x);
        for (sum, x) in conditions_bar.obstacles.iter_mut().zip(&part.obstacles) {
            sum.size += x.size;
            sum.position += x.position;
            sum.rotation.w += x.rotation.w;
            sum.rotation.v += x.rotation.v;
            sum.angular_velocity += x.angular_velocity;
            sum.velocity += x.velocity;
            sum.friction += x.friction;
        }
    }
}

/// Adds what the particles know of common numbers.
fn add_particle_sums<R: Real>(
    (numbers, layout, conditions): (&Continuum<R>, &ContinuumLayout, &Conditions<'_, R>),
    total: &[R],
    numbers_bar: &mut Continuum<R>,
    conditions_bar: &mut ConditionsBar<R>,
) {
    for (m, (material, kind)) in numbers.materials.iter().zip(&layout.kinds).enumerate() {
        let bar = material.constants_pullback(*kind, constants_in(total, m)).to_array();
        let mut sum = numbers_bar.materials[m].to_array();
        sum.iter_mut().zip(bar).for_each(|(sum, x)| *sum += x);
        numbers_bar.materials[m] = crate::model::continuum::Material::from_array(sum);
    }
    let muscles = &total[5 * numbers.materials.len()..];
    for (m, muscle) in layout.muscles.iter().enumerate() {
        numbers_bar.strength[m] += muscles[m] * conditions.controls[muscle.control];
        conditions_bar.controls[muscle.control] += muscles[m] * numbers.strength[m];
    }
    conditions_bar.dt += muscles[layout.muscles.len()];
}
