//! The compiled model: the kinematic tree and its numbers.

use std::ops::Range;
use std::sync::Arc;

use super::constraint::{Constants, Equality, EqualityLayout, FrictionLoss, Limit, Override, Pair};
use super::description::{self, Dynamics, Flags, Integrator, JointKind, Shape, Transmission};
use super::hull::Hull;
use super::particle::{ParticleLayout, Particles};
use super::sensor::Sensor;
use super::touch::{Candidate, PairLayout};
use crate::number::Real;
use crate::spatial::{Pose, Quat, Sym3, Vec3};

/// A model over the number `R`: what is fixed during a rollout.
///
/// The same type holds cotangents of a model ([`Model::zeros`]); there the vector part of each
/// rotation is the cotangent of a small turn on the left.
#[derive(Clone, Debug)]
pub struct Model<R> {
    /// What does not depend on numbers.
    pub topology: Arc<Topology>,
    /// Time step, gravity and medium.
    pub option: Options<R>,
    /// The world first, parents before children.
    pub bodies: Vec<Body<R>>,
    /// Body by body.
    pub joints: Vec<Joint<R>>,
    /// Marked places.
    pub sites: Vec<Site<R>>,
    /// Shapes.
    pub geoms: Vec<Geom<R>>,
    /// Lengths with springs, dampers and forces.
    pub tendons: Vec<Tendon<R>>,
    /// What drives.
    pub actuators: Vec<Actuator<R>>,
    /// What is tied together.
    pub equalities: Vec<Equality<R>>,
    /// Explicit pairs of geoms.
    pub pairs: Vec<Pair<R>>,
    /// What constraints need to know about the inertia.
    pub constants: Constants<R>,
    /// Bodies of particles.
    pub particles: Particles<R>,
    /// Scratch of [`Model::add_tangents`].
    pub(super) queue: Vec<R>,
}

/// The numbers of the `option` element.
#[derive(Clone, Copy, Debug)]
pub struct Options<R> {
    /// [s]
    pub timestep: R,
    /// [m/s²]
    pub gravity: Vec3<R>,
    /// [m/s]
    pub wind: Vec3<R>,
    /// [kg/m³]
    pub density: R,
    /// [Pa s]
    pub viscosity: R,
    /// The ratio of frictional to normal impedance of elliptic cones.
    pub impratio: R,
    /// What replaces the numbers of every contact, if anything does.
    pub overriding: Option<Override<R>>,
}

/// One rigid body.
#[derive(Clone, Copy, Debug)]
pub struct Body<R> {
    /// In the parent.
    pub position: Vec3<R>,
    /// In the parent.
    pub rotation: Quat<R>,
    /// [kg]
    pub mass: R,
    /// Centre of mass in the body [m].
    pub center: Vec3<R>,
    /// About the centre of mass, in body axes [kg m²].
    pub inertia: Sym3<R>,
    /// The share of its weight that is lifted.
    pub gravcomp: R,
    /// The box that the medium acts on, if there is a medium.
    pub fluid: Option<FluidBox<R>>,
}

impl<R: Real> Body<R> {
    /// In the parent.
    pub fn pose(&self) -> Pose<R> {
        Pose { position: self.position, rotation: self.rotation }
    }
}

/// The box that stands for a body in a fluid: same mass, same inertia.
#[derive(Clone, Copy, Debug)]
pub struct FluidBox<R> {
    /// Full edges [m].
    pub edges: Vec3<R>,
    /// Principal axes in the body.
    pub rotation: Quat<R>,
}

/// One joint.
#[derive(Clone, Copy, Debug)]
pub struct Joint<R> {
    /// Unit axis of a slide or hinge, before its own motion.
    pub axis: Vec3<R>,
    /// The point it turns about, in the body.
    pub anchor: Vec3<R>,
    /// The value of a slide or hinge in the drawn pose.
    pub reference: R,
    /// The value at which the spring is at rest [m, rad].
    pub spring_reference: R,
    /// `k, p₀, p₁` of `F = −x (k + p₀ x + p₁ x²)`.
    pub stiffness: [R; 3],
    /// `d, p₀, p₁` of `F = −v (d + p₀ |v| + p₁ v²)`, of each dof, actuators' included.
    pub damping: [R; 3],
    /// Added to the diagonal of the mass matrix, actuators' included.
    pub armature: R,
    /// Time constant and damping ratio that determine stiffness and damping.
    pub springdamper: Option<[R; 2]>,
    /// Bounds of the actuator force on a slide or hinge.
    pub force_range: Option<[R; 2]>,
    /// The range that it does not leave, if it is limited.
    pub limit: Option<Limit<R>>,
    /// Dry friction of each of its dofs, if there is any.
    pub friction_loss: Option<FrictionLoss<R>>,
}

/// A marked place.
#[derive(Clone, Copy, Debug)]
pub struct Site<R> {
    /// In its body [m].
    pub position: Vec3<R>,
    /// In its body.
    pub rotation: Quat<R>,
}

/// A shape: where it is in its body, its half-sizes, and what it is like to touch.
#[derive(Clone, Copy, Debug)]
pub struct Geom<R> {
    /// In its body [m].
    pub position: Vec3<R>,
    /// In its body.
    pub rotation: Quat<R>,
    /// Half-sizes, radii, as the shape reads them [m].
    pub size: Vec3<R>,
    /// Sliding, torsional [m], rolling [m].
    pub friction: [R; 3],
    /// Weight when the numbers of two geoms are mixed.
    pub solmix: R,
    /// Reference of its contacts.
    pub solref: [R; 2],
    /// Impedance of its contacts.
    pub solimp: [R; 5],
    /// The distance at which a contact acts [m].
    pub margin: R,
    /// How much earlier a contact is listed [m]; without effect on the motion.
    pub gap: R,
}

/// A tendon.
#[derive(Clone, Debug)]
pub struct Tendon<R> {
    /// Coefficients of a fixed tendon, or divisors of the pieces of a spatial one.
    pub weights: Vec<R>,
    /// `k, p₀, p₁` of `F = −x (k + p₀ x + p₁ x²)`.
    pub stiffness: [R; 3],
    /// `d, p₀, p₁` of `F = −v (d + p₀ |v| + p₁ v²)`, actuators' included.
    pub damping: [R; 3],
    /// Ends of the spring's dead band [m].
    pub spring_length: [R; 2],
    /// Inertia along its length, actuators' included [kg].
    pub armature: R,
    /// Bounds of all actuator forces along it together [N].
    pub force_range: Option<[R; 2]>,
    /// The range that it does not leave, if it is limited.
    pub limit: Option<Limit<R>>,
    /// Dry friction along it, if there is any.
    pub friction_loss: Option<FrictionLoss<R>>,
}

/// An actuator: `force = (g₀ + g₁ ℓ + g₂ ℓ̇) w + b₀ + b₁ ℓ + b₂ ℓ̇`.
#[derive(Clone, Copy, Debug)]
pub struct Actuator<R> {
    /// Scales length and force; of a site or a rotation, a direction.
    pub gear: [R; 6],
    /// `g`.
    pub gain: [R; 3],
    /// `b`.
    pub bias: [R; 3],
    /// Of a servo whose velocity gain follows from the inertia at the reference.
    pub damping_ratio: Option<R>,
    /// [s]
    pub time_constant: R,
    /// Bounds of the control.
    pub ctrl_range: Option<[R; 2]>,
    /// Bounds of the force [N, N m].
    pub force_range: Option<[R; 2]>,
    /// Bounds of the activation.
    pub act_range: Option<[R; 2]>,
}

/// Everything about a model that is not a number of the file.
#[derive(Clone, Debug, Default)]
pub struct Topology {
    /// Numbers of a configuration.
    pub nq: usize,
    /// Degrees of freedom.
    pub nv: usize,
    /// Actuators.
    pub nu: usize,
    /// Activations.
    pub na: usize,
    /// How a step advances the state.
    pub integrator: Integrator,
    /// What is switched on.
    pub flags: Flags,
    /// The world first, parents before children.
    pub bodies: Vec<BodyLayout>,
    /// Body by body.
    pub joints: Vec<JointLayout>,
    /// Joint by joint.
    pub dofs: Vec<DofLayout>,
    /// The body of each site.
    pub sites: Vec<usize>,
    /// Body by body.
    pub geoms: Vec<GeomLayout>,
    /// How each tendon's length is made.
    pub tendons: Vec<TendonPath>,
    /// What each actuator pulls at, and how.
    pub actuators: Vec<ActuatorLayout>,
    /// What each equality constraint acts on.
    pub equalities: Vec<EqualityLayout>,
    /// Explicit pairs of geoms.
    pub pairs: Vec<PairLayout>,
    /// Pairs of bodies that do not touch, the first one first.
    pub excludes: Vec<[usize; 2]>,
    /// The pairs of geoms that may touch, in the order of their contacts; none if they are too many for a
    /// list, and a broad phase asks [`Topology::candidate`] for each pair that is near.
    pub candidates: Option<Vec<Candidate>>,
    /// What is measured.
    pub sensors: Vec<Sensor>,
    /// Whether friction cones are elliptic rather than pyramids.
    pub elliptic: bool,
    /// Whether there is anything that limits, ties or touches.
    pub constrained: bool,
    /// Bodies whose poses are inputs.
    pub mocap_bodies: Vec<usize>,
    /// Whether a body has a free joint and no dof hangs below it.
    pub lone_free: Vec<bool>,
    /// Whether some damping, spring, drag, … is there at all: what is absent is skipped.
    pub any_fluid: bool,
    /// Whether a body's weight is compensated.
    pub any_gravcomp: bool,
    /// Of joints, actuators' included.
    pub any_damping: bool,
    /// Whether forces act along lines between bodies: spatial tendons and site actuators.
    pub any_lines: bool,
    /// Whether a tendon has inertia.
    pub tendon_armature: bool,
    /// The shape of matrices that follow the tree.
    pub pattern: Pattern,
    /// Where particles are.
    pub particles: ParticleLayout,
    /// For messages, tables and parameters.
    pub names: Names,
}

/// Names of the elements; a nameless one is `kind#number`.
#[derive(Clone, Debug, Default)]
pub struct Names {
    pub bodies: Vec<String>,
    pub joints: Vec<String>,
    pub geoms: Vec<String>,
    pub sites: Vec<String>,
    pub tendons: Vec<String>,
    pub actuators: Vec<String>,
    pub equalities: Vec<String>,
    pub pairs: Vec<String>,
    pub sensors: Vec<String>,
}

impl Topology {
    /// How many numbers all sensors have.
    pub fn sensed(&self) -> usize {
        self.sensors.last().map_or(0, |s| s.first + s.measured.count())
    }
    /// Whether something pulls at bodies rather than at joints, applied wrenches aside.
    pub fn acts_on_bodies(&self) -> bool {
        self.any_lines || self.any_fluid || self.any_gravcomp
    }
}

#[derive(Clone, Debug)]
pub struct BodyLayout {
    pub parent: usize,
    pub joints: Range<usize>,
    pub dofs: Range<usize>,
    /// The top body of its tree below the world.
    pub root: usize,
    pub mocap: Option<usize>,
    /// The last dof on the way to the world, this body's own included.
    pub last_dof: Option<usize>,
    /// The nearest body on the way to the world, itself included, that has joints or a pose of its own.
    pub weld: usize,
    /// Whether MuJoCo takes its inverse weight from its mass alone: it slides, and nothing else.
    pub slides_alone: bool,
}

/// Where a joint is.
#[derive(Clone, Debug)]
pub struct JointLayout {
    /// How it moves.
    pub kind: JointKind,
    /// The body that it moves.
    pub body: usize,
    /// First entry in the configuration and in the velocity.
    pub q: usize,
    /// First entry in the velocity.
    pub v: usize,
    /// Whether the file states a stiffness.
    pub has_spring: bool,
    /// Whether its gravity compensation counts as actuation.
    pub actuator_gravcomp: bool,
}

#[derive(Clone, Debug)]
pub struct DofLayout {
    pub joint: usize,
    pub body: usize,
    /// The previous dof on the way to the world.
    pub parent: Option<usize>,
}

#[derive(Clone, Debug)]
pub struct GeomLayout {
    pub body: usize,
    pub shape: Shape,
    pub color: [f64; 4],
    pub group: i64,
    /// Bits: what it is.
    pub contype: u32,
    /// Bits: what it collides with.
    pub conaffinity: u32,
    /// How many directions its contacts have: 1, 3, 4 or 6, the normal counted.
    pub condim: usize,
    /// Of two geoms the one with the higher priority decides.
    pub priority: i64,
    /// Of a mesh: in the axes of the geom.
    pub hull: Option<Arc<Hull>>,
}

/// How a tendon's length is made.
#[derive(Clone, Debug)]
pub enum TendonPath {
    /// Entries of the configuration and of the velocity, one for each coefficient.
    Fixed(Vec<(usize, usize)>),
    /// Straight pieces between sites.
    Spatial(Vec<SpatialPiece>),
}

/// A straight piece between two sites.
#[derive(Clone, Copy, Debug)]
pub struct SpatialPiece {
    /// The site where it starts.
    pub from: usize,
    /// The site where it ends.
    pub to: usize,
    /// Which divisor counts.
    pub weight: usize,
}

#[derive(Clone, Debug)]
pub struct ActuatorLayout {
    pub transmission: Transmission,
    pub dynamics: Dynamics,
    pub affine_gain: bool,
    pub act: Option<usize>,
    pub act_early: bool,
    /// Whether its force may depend on the rate of its transmission.
    pub rate_dependent: bool,
    /// Whether it is a servo on a rotation in space, whose set point is the same after every turn.
    pub winds: bool,
    pub disabled: bool,
}

/// The sparsity of a mass matrix: row `i` holds one entry for every dof on the path from the root
/// to `i`, in this order, so that the row of an ancestor is as long as a prefix of it.
#[derive(Clone, Debug, Default)]
pub struct Pattern {
    /// Where each row starts; one entry more than there are rows.
    pub start: Vec<usize>,
    /// The dof of each entry.
    pub column: Vec<usize>,
}

impl Pattern {
    /// The pattern of a forest given by parents, which precede their children.
    pub fn new(parents: impl Iterator<Item = Option<usize>>) -> Self {
        let mut pattern = Self { start: vec![0], column: Vec::new() };
        for (i, parent) in parents.enumerate() {
            if let Some(parent) = parent {
                let row = pattern.start[parent]..pattern.start[parent + 1];
                pattern.column.extend_from_within(row);
            }
            pattern.column.push(i);
            pattern.start.push(pattern.column.len());
        }
        pattern
    }
    /// The entries of a row.
    #[inline(always)]
    pub fn row(&self, i: usize) -> Range<usize> {
        self.start[i]..self.start[i + 1]
    }
    /// How many entries are stored.
    pub fn entries(&self) -> usize {
        self.column.len()
    }
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.start.len().saturating_sub(1)
    }
    /// Whether one of two dofs is above the other.
    pub fn related(&self, i: usize, j: usize) -> bool {
        let (lo, hi) = (i.min(j), i.max(j));
        self.column[self.row(hi)].binary_search(&lo).is_ok()
    }
}

impl Names {
    pub fn new(d: &description::Description) -> Self {
        fn list<'a>(kind: &str, names: impl Iterator<Item = &'a Option<String>>) -> Vec<String> {
            names.enumerate().map(|(k, n)| n.clone().unwrap_or_else(|| format!("{kind}#{k}"))).collect()
        }
        Self {
            bodies: list("body", d.bodies.iter().map(|b| &b.name)),
            joints: list("joint", d.joints.iter().map(|b| &b.name)),
            geoms: list("geom", d.geoms.iter().map(|b| &b.name)),
            sites: list("site", d.sites.iter().map(|b| &b.name)),
            tendons: list("tendon", d.tendons.iter().map(|b| &b.name)),
            actuators: list("actuator", d.actuators.iter().map(|b| &b.name)),
            equalities: list("equality", d.constraints.equalities.iter().map(|b| &b.name)),
            pairs: list("pair", d.constraints.pairs.iter().map(|b| &b.name)),
            sensors: Vec::new(),
        }
    }
}
