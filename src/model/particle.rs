//! Bodies of particles: what a file states about them, their numbers, and where their states are.
//!
//! Mass points carry springs, may collide as balls, and meet walls and geoms. All particles of a world are one list of numbers in its
//! [`State`](super::State), the positions and the velocities of all points first.

use std::ops::Range;
use std::sync::Arc;

use super::continuum::{self, Continuum, ContinuumLayout, Form, Kind, Material, Muscle};
use super::tree::GeomLayout;
use crate::number::Real;
use crate::spatial::Vec3;

/// All bodies of particles, as a file states them.
#[derive(Clone, Debug, Default)]
pub struct ParticlesFile {
    /// How many steps of the particles one step of the world has; none means one.
    pub substeps: usize,
    /// The rate at which the velocities of mass points decay [1/s].
    pub drag: f64,
    /// What stands still and is not entered.
    pub walls: Vec<WallFile>,
    /// Of mass points.
    pub points: Vec<PointsFile>,
    /// Where matter is.
    pub grid: GridFile,
    /// Bodies of matter on the grid.
    pub matter: Vec<MatterFile>,
}

impl ParticlesFile {
    /// Whether there is no particle.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty() && self.matter.is_empty()
    }
}

/// The grid over which matter exchanges momentum; in a plane its axes are x and z.
#[derive(Clone, Debug)]
pub struct GridFile {
    /// Whether there are but two axes.
    pub planar: bool,
    /// The side of a cell [m].
    pub spacing: f64,
    /// The lower corner [m].
    pub lower: [f64; 3],
    /// Along each axis.
    pub cells: [usize; 3],
    /// Walls act on this many layers of nodes.
    pub border: usize,
    /// At the low and the high end of each axis.
    pub walls: [continuum::Wall; 6],
    /// Coulomb's coefficient of all walls with friction.
    pub friction: f64,
}

impl Default for GridFile {
    fn default() -> Self {
        let walls = [continuum::Wall::Slip; 6];
        Self { planar: false, spacing: 1.0, lower: [0.0; 3], cells: [0; 3], border: 3, walls, friction: 0.0 }
    }
}

/// A body of matter.
#[derive(Clone, Debug)]
pub struct MatterFile {
    /// If the file gives one.
    pub name: Option<String>,
    /// How it answers to a deformation.
    pub kind: Kind,
    /// Its numbers; those that its kind does not read mean nothing.
    pub material: Material<f64>,
    /// Of the particles, along the axes of the grid [m].
    pub places: Vec<[f64; 3]>,
    /// Of each particle [m³ or m²].
    pub volume: f64,
    /// How far the whole body is moved [m].
    pub position: [f64; 3],
    /// Of all particles at the start [m/s].
    pub velocity: [f64; 3],
    /// What pulls it, if anything does.
    pub muscle: Option<MuscleFile>,
    /// Red, green, blue, opacity.
    pub color: [f64; 4],
}

/// A muscle that fills a whole body.
#[derive(Clone, Debug)]
pub struct MuscleFile {
    /// Whose force, from −1 to 1, tightens it.
    pub actuator: usize,
    /// Along the axes of the grid, of length one.
    pub direction: [f64; 3],
    /// Its stress at a force of one [Pa].
    pub strength: f64,
}

/// A half space that particles do not enter, `n · x < offset`.
#[derive(Clone, Debug)]
pub struct WallFile {
    /// If the file gives one.
    pub name: Option<String>,
    /// Outward, of length one.
    pub normal: [f64; 3],
    /// [m]
    pub offset: f64,
    /// Coulomb's coefficient; none where particles stick.
    pub friction: Option<f64>,
    /// The share of the speed of approach that comes back.
    pub restitution: f64,
}

/// A body of mass points.
#[derive(Clone, Debug)]
pub struct PointsFile {
    /// If the file gives one.
    pub name: Option<String>,
    /// Of the points at the start [m].
    pub positions: Vec<[f64; 3]>,
    /// At the start, one for all points or one for each [m/s].
    pub velocity: Vec<[f64; 3]>,
    /// Of each point [kg].
    pub mass: f64,
    /// Of the ball around each point [m]; zero for points that meet no others.
    pub radius: f64,
    /// The share of the speed of approach that comes back from other balls and from geoms.
    pub restitution: f64,
    /// The points that each spring joins, and which of the stiffnesses is its own.
    pub springs: Vec<([usize; 2], usize)>,
    /// One for each group of springs [N/m].
    pub stiffness: Vec<f64>,
    /// Of all springs [N s/m].
    pub damping: f64,
    /// Of every spring [m].
    pub rest_length: Vec<f64>,
    /// By which share an actuator lengthens its spring with a control of one.
    pub actuation: f64,
    /// The springs with an actuator of their own, and the actuator.
    pub actuated: Vec<(usize, usize)>,
    /// Points that stay where they are.
    pub fixed: Vec<usize>,
    /// Red, green, blue, opacity.
    pub color: [f64; 4],
}

/// The numbers of all particles.
#[derive(Clone, Debug, Default)]
pub struct Particles<R> {
    /// [1/s]
    pub drag: Option<R>,
    /// What stands still.
    pub walls: Vec<Wall<R>>,
    /// Of mass points.
    pub points: Vec<Points<R>>,
    /// Of matter, if there is any.
    pub continuum: Option<Continuum<R>>,
    /// Where each body of matter is, and how it moves at the start.
    pub matter: Vec<Placed<R>>,
}

/// How far a body is moved from where its file puts it [m], and its velocity [m/s].
#[derive(Clone, Copy, Debug)]
pub struct Placed<R> {
    /// [m]
    pub position: Vec3<R>,
    /// [m/s]
    pub velocity: Vec3<R>,
}

/// The numbers of a half space.
#[derive(Clone, Copy, Debug)]
pub struct Wall<R> {
    /// [m]
    pub offset: R,
    /// Coulomb's coefficient.
    pub friction: R,
    /// The share of the speed of approach that comes back.
    pub restitution: R,
}

/// The numbers of a body of mass points.
#[derive(Clone, Debug)]
pub struct Points<R> {
    /// At the start [m].
    pub positions: Vec<Vec3<R>>,
    /// At the start, one for all points or one for each [m/s].
    pub velocity: Vec<Vec3<R>>,
    /// Of each point [kg].
    pub mass: R,
    /// Of the ball around each point [m].
    pub radius: R,
    /// The share of the speed of approach that comes back from other balls and from geoms.
    pub restitution: R,
    /// One for each group of springs [N/m].
    pub stiffness: Vec<R>,
    /// Of all springs [N s/m].
    pub damping: R,
    /// Of every spring [m].
    pub rest_length: Vec<R>,
    /// By which share an actuator lengthens its spring with a control of one.
    pub actuation: R,
}

/// Where particles are in the state, and what is fixed about them.
#[derive(Clone, Debug, Default)]
pub struct ParticleLayout {
    /// How many numbers of the state belong to particles.
    pub numbers: usize,
    /// How many steps of the particles one step of the world has.
    pub substeps: usize,
    /// The outward normal of each wall, and whether particles stick to it.
    pub walls: Vec<([f64; 3], bool)>,
    /// How many mass points there are.
    pub count: usize,
    /// Bodies of mass points.
    pub points: Vec<PointsLayout>,
    /// Names of bodies of mass points.
    pub names: Vec<String>,
    /// Everything about matter that is not a number, if there is any.
    pub continuum: Option<Arc<ContinuumLayout>>,
    /// Bodies of matter.
    pub matter: Vec<MatterLayout>,
    /// The geoms that particles meet.
    pub touching: Vec<usize>,
}

/// Where a body of matter is.
#[derive(Clone, Debug)]
pub struct MatterLayout {
    /// For messages, tables and parameters.
    pub name: String,
    /// Its particles among those of all bodies of matter.
    pub particles: Range<usize>,
    /// Where its file puts them, along the axes of the grid [m].
    pub places: Arc<[[f64; 3]]>,
    /// Red, green, blue, opacity.
    pub color: [f64; 4],
}

/// Where a body of mass points is.
#[derive(Clone, Debug)]
pub struct PointsLayout {
    /// Its points among those of all bodies.
    pub points: Range<usize>,
    /// In the order of the file.
    pub springs: Vec<SpringLayout>,
    /// Whether each point stays where it is.
    pub fixed: Vec<bool>,
    /// Whether its points are balls that collide.
    pub collides: bool,
    /// Red, green, blue, opacity.
    pub color: [f64; 4],
}

/// What a spring joins.
#[derive(Clone, Copy, Debug)]
pub struct SpringLayout {
    /// Among the points of all bodies.
    pub ends: [usize; 2],
    /// Which of the body's stiffnesses is its own.
    pub group: usize,
    /// What lengthens it, if anything does.
    pub actuator: Option<usize>,
}

impl ParticleLayout {
    /// Whether there is no particle.
    pub fn is_empty(&self) -> bool {
        self.numbers == 0
    }
    /// Whether particles push bodies.
    pub fn pushes(&self) -> bool {
        !self.touching.is_empty()
    }
    /// The first of the three numbers of the position of a mass point.
    #[inline(always)]
    pub fn position(&self, point: usize) -> usize {
        3 * point
    }
    /// The first of the three numbers of the velocity of a mass point.
    #[inline(always)]
    pub fn velocity(&self, point: usize) -> usize {
        3 * (self.count + point)
    }
    /// The body of a mass point.
    pub fn body_of(&self, point: usize) -> usize {
        self.points.partition_point(|body| body.points.end <= point)
    }

    pub(super) fn new(file: &ParticlesFile, geoms: &[GeomLayout]) -> Self {
        let mut layout = Self { substeps: file.substeps.max(1), ..Self::default() };
        layout.walls = file.walls.iter().map(|w| (w.normal, w.friction.is_none())).collect();
        for (k, body) in file.points.iter().enumerate() {
            let first = layout.count;
            layout.count += body.positions.len();
            let actuator = |s: usize| body.actuated.iter().find(|(spring, _)| *spring == s).map(|a| a.1);
            let spring = |(s, (ends, group)): (usize, &([usize; 2], usize))| SpringLayout {
                ends: ends.map(|e| first + e),
                group: *group,
                actuator: actuator(s),
            };
            let mut fixed = vec![false; body.positions.len()];
            body.fixed.iter().for_each(|&p| fixed[p] = true);
            layout.points.push(PointsLayout {
                points: first..layout.count,
                springs: body.springs.iter().enumerate().map(spring).collect(),
                fixed,
                collides: body.radius > 0.0,
                color: body.color,
            });
            layout.names.push(body.name.clone().unwrap_or_else(|| format!("points#{k}")));
        }
        layout.numbers = 6 * layout.count;
        layout.add_matter(file);
        if !file.is_empty() {
            // What collides with nothing, and a mesh, is not there for particles.
            let meets =
                |g: &GeomLayout| (g.contype != 0 || g.conaffinity != 0) && Form::of(g.shape).is_some();
            layout.touching = (0..geoms.len()).filter(|&g| meets(&geoms[g])).collect();
        }
        layout
    }

    fn add_matter(&mut self, file: &ParticlesFile) {
        if file.matter.is_empty() {
            return;
        }
        let grid = &file.grid;
        let mut own = ContinuumLayout {
            dimension: if grid.planar { 2 } else { 3 },
            spacing: grid.spacing,
            lower: grid.lower,
            cells: grid.cells,
            border: grid.border,
            walls: grid.walls,
            kinds: file.matter.iter().map(|m| m.kind).collect(),
            material: Vec::new(),
            volume: Vec::new(),
            muscles: Vec::new(),
            muscle: Vec::new(),
        };
        let any_muscle = file.matter.iter().any(|m| m.muscle.is_some());
        for (k, matter) in file.matter.iter().enumerate() {
            let (first, count) = (own.count(), matter.places.len());
            own.material.resize(first + count, k);
            own.volume.resize(first + count, matter.volume);
            if any_muscle {
                own.muscle.resize(first + count, matter.muscle.as_ref().map(|_| own.muscles.len()));
            }
            let muscle = |m: &MuscleFile| Muscle { control: m.actuator, direction: m.direction };
            own.muscles.extend(matter.muscle.as_ref().map(muscle));
            self.matter.push(MatterLayout {
                name: matter.name.clone().unwrap_or_else(|| format!("matter#{k}")),
                particles: first..first + count,
                places: matter.places.clone().into(),
                color: matter.color,
            });
        }
        self.numbers += own.state_len();
        self.continuum = Some(Arc::new(own));
    }

    /// Where the numbers of matter begin: those of all particles for one component after the other.
    pub fn first_of_matter(&self) -> usize {
        6 * self.count
    }
}

impl<R> Particles<R> {
    /// The same over another number.
    pub(super) fn map<S>(&self, f: &mut dyn FnMut(R) -> S) -> Particles<S>
    where
        R: Copy,
    {
        fn three<R: Copy, S>(f: &mut dyn FnMut(R) -> S, v: Vec3<R>) -> Vec3<S> {
            Vec3 { x: f(v.x), y: f(v.y), z: f(v.z) }
        }
        let wall = |f: &mut dyn FnMut(R) -> S, w: &Wall<R>| Wall {
            offset: f(w.offset),
            friction: f(w.friction),
            restitution: f(w.restitution),
        };
        let points = |f: &mut dyn FnMut(R) -> S, p: &Points<R>| Points {
            positions: p.positions.iter().map(|x| three(f, *x)).collect(),
            velocity: p.velocity.iter().map(|v| three(f, *v)).collect(),
            mass: f(p.mass),
            radius: f(p.radius),
            restitution: f(p.restitution),
            stiffness: p.stiffness.iter().map(|x| f(*x)).collect(),
            damping: f(p.damping),
            rest_length: p.rest_length.iter().map(|x| f(*x)).collect(),
            actuation: f(p.actuation),
        };
        Particles {
            drag: self.drag.map(&mut *f),
            walls: self.walls.iter().map(|w| wall(f, w)).collect(),
            points: self.points.iter().map(|p| points(f, p)).collect(),
            continuum: self.continuum.as_ref().map(|c| c.map(&mut *f)),
            matter: self
                .matter
                .iter()
                .map(|p| Placed { position: three(f, p.position), velocity: three(f, p.velocity) })
                .collect(),
        }
    }

    /// Visits all numbers in place, in the order of [`Particles::map`].
    pub(super) fn visit(&mut self, f: &mut impl FnMut(&mut R))
    where
        R: Copy,
    {
        fn three<R>(f: &mut impl FnMut(&mut R), v: &mut Vec3<R>) {
            [&mut v.x, &mut v.y, &mut v.z].into_iter().for_each(f);
        }
        self.drag.iter_mut().for_each(&mut *f);
        for w in &mut self.walls {
            [&mut w.offset, &mut w.friction, &mut w.restitution].into_iter().for_each(&mut *f);
        }
        for p in &mut self.points {
            p.positions.iter_mut().for_each(|x| three(f, x));
            p.velocity.iter_mut().for_each(|v| three(f, v));
            [&mut p.mass, &mut p.radius, &mut p.restitution].into_iter().for_each(&mut *f);
            p.stiffness.iter_mut().for_each(&mut *f);
            f(&mut p.damping);
            p.rest_length.iter_mut().for_each(&mut *f);
            f(&mut p.actuation);
        }
        if let Some(continuum) = &mut self.continuum {
            continuum.visit(f);
        }
        for p in &mut self.matter {
            three(f, &mut p.position);
            three(f, &mut p.velocity);
        }
    }
}

impl<R: Real> Particles<R> {
    /// The particles at the start, in the order of the layout.
    pub fn start(&self, layout: &ParticleLayout) -> Vec<R> {
        let mut out = vec![R::zero(); layout.numbers];
        for (body, at) in self.points.iter().zip(&layout.points) {
            for (k, (p, position)) in at.points.clone().zip(&body.positions).enumerate() {
                out[layout.position(p)..][..3].copy_from_slice(&position.to_array());
                if !at.fixed[k] {
                    let velocity = body.velocity[k.min(body.velocity.len() - 1)];
                    out[layout.velocity(p)..][..3].copy_from_slice(&velocity.to_array());
                }
            }
        }
        if let Some(continuum) = &layout.continuum {
            self.start_of_matter(layout, continuum, &mut out[layout.first_of_matter()..]);
        }
        out
    }

    /// Moved and with the velocity of its body; without a gradient of the velocity, and undeformed.
    fn start_of_matter(&self, layout: &ParticleLayout, continuum: &ContinuumLayout, out: &mut [R]) {
        let (n, d) = (continuum.count(), continuum.dimension);
        for (body, at) in self.matter.iter().zip(&layout.matter) {
            for (p, place) in at.particles.clone().zip(at.places.iter()) {
                for k in 0..d {
                    let axis = continuum.axis(k);
                    out[k * n + p] = R::from_f64(place[k]) + body.position.to_array()[axis];
                    out[(d + k) * n + p] = body.velocity.to_array()[axis];
                    out[(2 * d + d * d + k * (d + 1)) * n + p] = R::one();
                }
            }
        }
    }

    /// The pullback of [`Particles::start`]: adds to `self`, the cotangents of the numbers.
    pub fn start_pullback(&mut self, layout: &ParticleLayout, cotangent: &[R]) {
        let three = |at: usize| Vec3::new(cotangent[at], cotangent[at + 1], cotangent[at + 2]);
        for (body, at) in self.points.iter_mut().zip(&layout.points) {
            let last = body.velocity.len() - 1;
            for (k, (p, position)) in at.points.clone().zip(&mut body.positions).enumerate() {
                *position += three(layout.position(p));
                if !at.fixed[k] {
                    body.velocity[k.min(last)] += three(layout.velocity(p));
                }
            }
        }
        let Some(continuum) = &layout.continuum else { return };
        let (n, d, first) = (continuum.count(), continuum.dimension, layout.first_of_matter());
        for (body, at) in self.matter.iter_mut().zip(&layout.matter) {
            let sum = |component: usize| {
                let list = &cotangent[first + component * n..][at.particles.clone()];
                list.iter().fold(R::zero(), |sum, x| sum + *x)
            };
            for k in 0..d {
                let unit = Vec3::unit(continuum.axis(k));
                body.position += unit * sum(k);
                body.velocity += unit * sum(d + k);
            }
        }
    }
}
