//! What a model file says, in plain numbers: angles in radians, lengths in metres.
//!
//! Elements are numbered as MuJoCo numbers them: bodies depth-first in document order with the
//! world as body 0; joints, geoms and sites body by body. Everything outside the tree keeps the
//! order of the document.

use std::sync::Arc;

use super::hull::Hull;
use super::particle::ParticlesFile;
use crate::spatial::{Pose, Quat, Vec3};

/// A whole model as read from a file; what the reader returns is valid.
#[derive(Clone, Debug)]
pub struct Description {
    /// Of the model.
    pub name: String,
    /// The file it was read from, for messages.
    pub path: String,
    /// The `option` element.
    pub option: Options,
    /// How masses and inertias are bounded and scaled.
    pub rule: InertiaRule,
    /// Depth first, the world first.
    pub bodies: Vec<Body>,
    /// Body by body.
    pub joints: Vec<Joint>,
    /// Body by body.
    pub geoms: Vec<Geom>,
    /// Body by body.
    pub sites: Vec<Site>,
    /// Triangle meshes that geoms refer to.
    pub meshes: Vec<Mesh>,
    /// In the order of the file.
    pub tendons: Vec<Tendon>,
    /// In the order of the file.
    pub actuators: Vec<Actuator>,
    /// Named states.
    pub keyframes: Vec<Keyframe>,
    /// What limits, ties and touches.
    pub constraints: Constraints,
    /// Bodies of particles.
    pub particles: ParticlesFile,
    /// What the file asks for and the simulation does not do (yet).
    pub remarks: Vec<Remark>,
}

/// Something that the file asks for and that is not done.
#[derive(Clone, Debug, PartialEq)]
pub struct Remark {
    /// How much it matters.
    pub severity: Severity,
    /// The element or attribute, as in the file: `joint "knee" range`.
    pub what: String,
    /// One sentence that says what happens instead.
    pub why: String,
    /// Where the file asks for it.
    pub file: String,
    /// Counts from one.
    pub line: u32,
}

/// How much an ignored element matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Affects only the path of the constraint solver.
    Solver,
    /// A contact or constraint element: kept, not yet simulated.
    Constraint,
    /// Affects the motion: every verb but `inspect` refuses the model unless told to ignore it.
    Motion,
}

/// How a step advances the state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Integrator {
    /// Semi-implicit, with implicit joint damping.
    #[default]
    Euler,
    /// Explicit, fourth order, four evaluations of the forces.
    RungeKutta4,
    /// Implicit in velocity, Coriolis and centrifugal forces included.
    Implicit,
    /// Implicit in velocity, without Coriolis and centrifugal forces.
    ImplicitFast,
}

impl Integrator {
    /// Whether a step solves with a derivative of the forces by the velocity.
    pub fn is_implicit(self) -> bool {
        matches!(self, Self::Implicit | Self::ImplicitFast)
    }
}

/// The `option` element and its flags.
#[derive(Clone, Debug)]
pub struct Options {
    /// [s]
    pub timestep: f64,
    /// [m/s²]
    pub gravity: [f64; 3],
    /// [m/s]
    pub wind: [f64; 3],
    /// Of the medium [kg/m³].
    pub density: f64,
    /// Of the medium [Pa s].
    pub viscosity: f64,
    /// How a step advances the state.
    pub integrator: Integrator,
    /// What is switched on.
    pub flags: Flags,
    /// Whether friction cones are elliptic rather than pyramids.
    pub elliptic: bool,
    /// The ratio of frictional to normal impedance.
    pub impratio: f64,
    /// Actuators of these groups do nothing.
    pub disabled_actuator_groups: Vec<i64>,
    /// Of every contact, if contacts are overridden [m].
    pub override_margin: f64,
    /// Reference of every contact, if contacts are overridden.
    pub override_solref: [f64; 2],
    /// Impedance of every contact, if contacts are overridden.
    pub override_solimp: [f64; 5],
    /// Of every contact, if contacts are overridden.
    pub override_friction: [f64; 5],
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timestep: 0.002,
            gravity: [0.0, 0.0, -9.81],
            wind: [0.0; 3],
            density: 0.0,
            viscosity: 0.0,
            integrator: Integrator::Euler,
            flags: Flags::default(),
            elliptic: false,
            impratio: 1.0,
            disabled_actuator_groups: Vec::new(),
            override_margin: 0.0,
            override_solref: [0.02, 1.0],
            override_solimp: DEFAULT_SOLIMP,
            override_friction: [1.0, 1.0, 0.005, 0.0001, 0.0001],
        }
    }
}

/// MuJoCo's time constant [s] and damping ratio of constraints.
pub const DEFAULT_SOLREF: [f64; 2] = [0.02, 1.0];
/// MuJoCo's impedance of constraints: `d₀, d_width, width, midpoint, power`.
pub const DEFAULT_SOLIMP: [f64; 5] = [0.9, 0.95, 0.001, 0.5, 2.0];

/// What the `flag` element switches on or off.
#[derive(Clone, Copy, Debug)]
pub struct Flags {
    /// Everything that the constraint solver does.
    pub constraint: bool,
    /// Equality constraints.
    pub equality: bool,
    /// Dry friction of joints and tendons.
    pub frictionloss: bool,
    /// Limits of joints and tendons.
    pub limit: bool,
    /// Contacts.
    pub contact: bool,
    /// Springs of joints and tendons.
    pub spring: bool,
    /// Dampers of joints and tendons.
    pub damper: bool,
    /// Gravity.
    pub gravity: bool,
    /// Whether controls are kept in their ranges.
    pub clampctrl: bool,
    /// Whether a body and its parent do not touch.
    pub filterparent: bool,
    /// Actuators.
    pub actuation: bool,
    /// Whether time constants of constraints stay above two time steps.
    pub refsafe: bool,
    /// Whether Euler's step treats joint damping implicitly.
    pub eulerdamp: bool,
    /// Whether the overriding numbers count for every contact.
    pub override_contacts: bool,
}

impl Flags {
    /// Whether equality constraints act.
    pub fn equalities(&self) -> bool {
        self.constraint && self.equality
    }
    /// Whether joints and tendons have limits.
    pub fn limits(&self) -> bool {
        self.constraint && self.limit
    }
    /// Whether joints and tendons have dry friction.
    pub fn friction_losses(&self) -> bool {
        self.constraint && self.frictionloss
    }
    /// Whether geoms touch.
    pub fn contacts(&self) -> bool {
        self.constraint && self.contact
    }
}

impl Default for Flags {
    fn default() -> Self {
        Self {
            constraint: true,
            equality: true,
            frictionloss: true,
            limit: true,
            contact: true,
            spring: true,
            damper: true,
            gravity: true,
            clampctrl: true,
            filterparent: true,
            actuation: true,
            refsafe: true,
            eulerdamp: true,
            override_contacts: false,
        }
    }
}

/// How the compiler treats inertia after it was collected.
#[derive(Clone, Copy, Debug)]
pub struct InertiaRule {
    /// No body weighs less [kg].
    pub bound_mass: f64,
    /// No principal moment is smaller [kg m²].
    pub bound_inertia: f64,
    /// Whether moments that no body can have are replaced by their mean.
    pub balance: bool,
    /// If given, all masses and inertias are scaled to this total [kg].
    pub total_mass: Option<f64>,
}

impl Default for InertiaRule {
    fn default() -> Self {
        Self { bound_mass: 0.0, bound_inertia: 0.0, balance: false, total_mass: None }
    }
}

/// Where an element is: in a frame that dissolved at load, inside its body.
#[derive(Clone, Copy, Debug)]
pub struct Placement {
    /// The pose of the dissolved `frame` elements around it; not a parameter.
    pub frame: Option<Pose<f64>>,
    /// In the frame, or in the body if there is none [m].
    pub position: [f64; 3],
    /// Normalized.
    pub rotation: [f64; 4],
}

impl Default for Placement {
    fn default() -> Self {
        Self { frame: None, position: [0.0; 3], rotation: [1.0, 0.0, 0.0, 0.0] }
    }
}

impl Placement {
    /// The pose inside the parent body.
    pub fn pose(&self) -> Pose<f64> {
        let own = Pose { position: Vec3::from(self.position), rotation: Quat::from(self.rotation) };
        self.frame.map_or(own, |frame| frame * own)
    }
}

/// One rigid body.
#[derive(Clone, Debug)]
pub struct Body {
    /// If the file gives one.
    pub name: Option<String>,
    /// The number of the parent body; 0 for the world itself.
    pub parent: usize,
    /// In the parent.
    pub placement: Placement,
    /// Where mass and inertia come from.
    pub inertial: Inertial,
    /// The share of its weight that is lifted.
    pub gravcomp: f64,
    /// Whether its pose is an input.
    pub mocap: bool,
    /// In the file.
    pub line: u32,
}

/// Where a body's inertia comes from.
#[derive(Clone, Debug)]
pub enum Inertial {
    /// From the geoms that count ([`Geom::weighs`]); none if there are none.
    FromGeoms,
    /// Principal moments in the frame of the placement [kg m²].
    Diagonal {
        /// [kg]
        mass: f64,
        /// Of the centre of mass and the axes.
        placement: Placement,
        /// Principal [kg m²].
        moments: [f64; 3],
    },
    /// The tensor `xx yy zz xy xz yz` about the centre of mass in the axes of the placement.
    Full {
        /// [kg]
        mass: f64,
        /// Of the centre of mass and the axes.
        placement: Placement,
        /// `xx yy zz xy xz yz` [kg m²].
        tensor: [f64; 6],
    },
    /// The logarithmic Cholesky factor of the pseudo-inertia: every value is a physical body.
    LogCholesky([f64; 10]),
}

/// The four kinds of joints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JointKind {
    /// Three translations and a rotation: six dofs.
    Free,
    /// A rotation in space: three dofs.
    Ball,
    /// A translation along an axis.
    Slide,
    /// A turn about an axis.
    Hinge,
}

impl JointKind {
    /// The numbers of configuration and velocity entries.
    pub fn sizes(self) -> (usize, usize) {
        match self {
            Self::Free => (7, 6),
            Self::Ball => (4, 3),
            Self::Slide | Self::Hinge => (1, 1),
        }
    }
}

/// One joint, in the order of the body's joints.
#[derive(Clone, Debug)]
pub struct Joint {
    /// If the file gives one.
    pub name: Option<String>,
    /// The body that it moves.
    pub body: usize,
    /// How it moves.
    pub kind: JointKind,
    /// The pose of the dissolved frames around it, which turns `axis` and moves `position`.
    pub frame: Option<Pose<f64>>,
    /// As in the file; not zero.
    pub axis: [f64; 3],
    /// The point that it turns about, in the frame [m].
    pub position: [f64; 3],
    /// The value in the drawn pose [m, rad].
    pub reference: f64,
    /// The value at which its spring is at rest [m, rad].
    pub spring_reference: f64,
    /// `k, p₀, p₁`: the spring's polynomial.
    pub stiffness: [f64; 3],
    /// `d, p₀, p₁`: the damper's polynomial.
    pub damping: [f64; 3],
    /// Time constant and damping ratio that replace stiffness and damping.
    pub springdamper: Option<[f64; 2]>,
    /// Added to the diagonal of the mass matrix [kg, kg m²].
    pub armature: f64,
    /// Its limits, if it has any [m, rad].
    pub range: Option<[f64; 2]>,
    /// How far from a limit it begins to act [m, rad].
    pub margin: f64,
    /// Dry friction [N, N m].
    pub frictionloss: f64,
    /// Reference of its limits.
    pub solref_limit: [f64; 2],
    /// Impedance of its limits.
    pub solimp_limit: [f64; 5],
    /// Reference of its friction.
    pub solref_friction: [f64; 2],
    /// Impedance of its friction.
    pub solimp_friction: [f64; 5],
    /// Bounds of all actuator forces on it together [N, N m].
    pub actuator_force_range: Option<[f64; 2]>,
    /// Whether its gravity compensation counts as actuation.
    pub actuator_gravcomp: bool,
    /// In the file.
    pub line: u32,
}

/// The shape of a geom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The half-space below local z = 0.
    Plane,
    /// Radius.
    Sphere,
    /// Radius, half-length of the tube.
    Capsule,
    /// Three half-axes.
    Ellipsoid,
    /// Radius, half-length.
    Cylinder,
    /// Three half-edges.
    Box,
    /// Of the mesh with this number.
    Mesh(usize),
}

/// How heavy a geom is.
#[derive(Clone, Copy, Debug)]
pub enum Weight {
    /// [kg]
    Mass(f64),
    /// [kg/m³]
    Density(f64),
}

/// Where a geom or site is.
#[derive(Clone, Copy, Debug)]
pub enum Extent {
    /// By a placement.
    Pose(Placement),
    /// Between two points; local z points from the second to the first.
    FromTo {
        /// The pose of the dissolved frames around it.
        frame: Option<Pose<f64>>,
        /// Both points [m].
        ends: [f64; 6],
    },
}

/// One geometric shape.
#[derive(Clone, Debug)]
pub struct Geom {
    /// If the file gives one.
    pub name: Option<String>,
    /// The body that carries it.
    pub body: usize,
    /// Its shape.
    pub shape: Shape,
    /// As in the file. With [`Extent::FromTo`] only the entries that the file states matter.
    pub size: [f64; 3],
    /// Where it is.
    pub extent: Extent,
    /// How heavy it is.
    pub weight: Weight,
    /// Whether it counts in the inertia of its body.
    pub weighs: bool,
    /// Whether only its surface weighs; a density is then per area [kg/m²].
    pub shell: bool,
    /// What matters when it touches.
    pub contact: ContactProperties,
    /// Red, green, blue, opacity.
    pub color: [f64; 4],
    /// For showing and hiding.
    pub group: i64,
    /// In the file.
    pub line: u32,
}

/// The numbers of a geom that matter when it touches.
#[derive(Clone, Debug)]
pub struct ContactProperties {
    /// Bits: what it is.
    pub contype: u32,
    /// Bits: what it collides with.
    pub conaffinity: u32,
    /// How many directions friction acts in: 1, 3, 4 or 6.
    pub condim: u32,
    /// Of two geoms the one with the higher priority decides.
    pub priority: i64,
    /// Sliding, torsional [m], rolling [m].
    pub friction: [f64; 3],
    /// Weight when the numbers of two geoms are mixed.
    pub solmix: f64,
    /// Reference of its contacts.
    pub solref: [f64; 2],
    /// Impedance of its contacts.
    pub solimp: [f64; 5],
    /// The distance at which a contact is made [m].
    pub margin: f64,
    /// The part of the margin in which it does not act yet [m].
    pub gap: f64,
}

impl Default for ContactProperties {
    fn default() -> Self {
        Self {
            contype: 1,
            conaffinity: 1,
            condim: 3,
            priority: 0,
            friction: [1.0, 0.005, 0.0001],
            solmix: 1.0,
            solref: DEFAULT_SOLREF,
            solimp: DEFAULT_SOLIMP,
            margin: 0.0,
            gap: 0.0,
        }
    }
}

/// A marked place on a body.
#[derive(Clone, Debug)]
pub struct Site {
    /// If the file gives one.
    pub name: Option<String>,
    /// The body that carries it.
    pub body: usize,
    /// Where it is.
    pub extent: Extent,
    /// As it is drawn.
    pub shape: Shape,
    /// Half-sizes as it is drawn [m].
    pub size: [f64; 3],
    /// Red, green, blue, opacity.
    pub color: [f64; 4],
    /// In the file.
    pub line: u32,
}

/// A triangle mesh, centred and turned to its principal axes.
#[derive(Clone, Debug)]
pub struct Mesh {
    /// Of the asset.
    pub name: String,
    /// In the mesh's own inertial frame [m].
    pub vertices: Vec<[f64; 3]>,
    /// Three vertices each, counterclockwise from outside.
    pub triangles: Vec<[u32; 3]>,
    /// [m³], or the area [m²] for a shell.
    pub volume: f64,
    /// Principal moments for unit density.
    pub moments: [f64; 3],
    /// Where the inertial frame was in the mesh's own coordinates; it is multiplied into each geom.
    pub pose: Pose<f64>,
    /// What touches, if a geom that may touch is this mesh.
    pub hull: Option<Arc<Hull>>,
}

/// A tendon: a length that is a function of the configuration.
#[derive(Clone, Debug)]
pub struct Tendon {
    /// If the file gives one.
    pub name: Option<String>,
    /// What its length is made of.
    pub path: TendonPath,
    /// `k, p₀, p₁`: the spring's polynomial.
    pub stiffness: [f64; 3],
    /// `d, p₀, p₁`: the damper's polynomial.
    pub damping: [f64; 3],
    /// The ends of the spring's dead band; `None`: the length at the spring reference.
    pub spring_length: Option<[f64; 2]>,
    /// Inertia along its length [kg].
    pub armature: f64,
    /// Limits of its length, if it has any [m].
    pub range: Option<[f64; 2]>,
    /// How far from a limit it begins to act [m].
    pub margin: f64,
    /// Dry friction [N].
    pub frictionloss: f64,
    /// Reference of its limits.
    pub solref_limit: [f64; 2],
    /// Impedance of its limits.
    pub solimp_limit: [f64; 5],
    /// Reference of its friction.
    pub solref_friction: [f64; 2],
    /// Impedance of its friction.
    pub solimp_friction: [f64; 5],
    /// Bounds of all actuator forces along it together [N].
    pub actuator_force_range: Option<[f64; 2]>,
    /// Half of its drawn thickness [m].
    pub width: f64,
    /// Red, green, blue, opacity.
    pub color: [f64; 4],
    /// In the file.
    pub line: u32,
}

/// How a tendon's length is made.
#[derive(Clone, Debug)]
pub enum TendonPath {
    /// `Σ coefficient · q`.
    Fixed(Vec<(usize, f64)>),
    /// Along sites.
    Spatial(Vec<PathPoint>),
}

/// One point of a spatial tendon's path.
#[derive(Clone, Copy, Debug)]
pub enum PathPoint {
    /// Through a site.
    Site(usize),
    /// Breaks the chain; what follows is divided by the number.
    Pulley(f64),
}

/// One actuator.
#[derive(Clone, Debug)]
pub struct Actuator {
    /// If the file gives one.
    pub name: Option<String>,
    /// What it pulls at.
    pub transmission: Transmission,
    /// Scales length and force; of a site or a rotation, a direction.
    pub gear: [f64; 6],
    /// From control and state to force.
    pub law: Law,
    /// How its activation follows its control.
    pub dynamics: Dynamics,
    /// [s]
    pub time_constant: f64,
    /// Whether its force reads the activation at the end of the step.
    pub act_early: bool,
    /// Bounds of the control.
    pub ctrl_range: Option<[f64; 2]>,
    /// Bounds of the force [N, N m].
    pub force_range: Option<[f64; 2]>,
    /// Bounds of the activation.
    pub act_range: Option<[f64; 2]>,
    /// `d, p₀, p₁` that it adds to its joint or tendon.
    pub damping: [f64; 3],
    /// Inertia that it adds to its joint or tendon.
    pub armature: f64,
    /// For switching off.
    pub group: i64,
    /// In the file.
    pub line: u32,
}

/// What an actuator pulls at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transmission {
    /// A joint.
    Joint(usize),
    /// The gear of a ball or free joint is given in the parent's axes.
    JointInParent(usize),
    /// A tendon.
    Tendon(usize),
    /// A wrench at a site.
    Site {
        /// Where it acts.
        site: usize,
        /// Whose axes it is seen from, and which takes the reaction.
        reference: Option<usize>,
    },
    /// Particles, which know what its force means to them.
    Particles,
}

/// `force = gain(ℓ, ℓ̇) w + bias(ℓ, ℓ̇)`, in the numbers of the file.
#[derive(Clone, Copy, Debug)]
pub enum Law {
    /// Gain and bias as `c₀ + c₁ ℓ + c₂ ℓ̇`; a fixed gain and a missing bias state no slopes.
    General {
        /// `c₀, c₁, c₂`.
        gain: [f64; 3],
        /// Whether the file states the slopes of the gain.
        affine_gain: bool,
        /// `c₀, c₁, c₂`, if there is one.
        bias: Option<[f64; 3]>,
    },
    /// `w`.
    Motor,
    /// `kp (w − ℓ) − kv ℓ̇`; with a damping ratio, `kv` follows from the inertia at `qpos0`.
    Servo {
        /// [N/m, N m/rad]
        kp: f64,
        /// [N s/m, N m s/rad]
        kv: f64,
        /// Replaces `kv`.
        damping_ratio: Option<f64>,
    },
    /// `kv (w − ℓ̇)`.
    Velocity {
        /// [N s/m, N m s/rad]
        kv: f64,
    },
    /// `−kv ℓ̇ w`.
    Damper {
        /// [N s/m, N m s/rad]
        kv: f64,
    },
    /// `area w + bias`.
    Cylinder {
        /// [m²]
        area: f64,
        /// `c₀, c₁, c₂`, if there is one.
        bias: [f64; 3],
    },
}

/// How an actuator's activation follows its control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dynamics {
    /// It has no activation: the control acts at once.
    None,
    /// `ȧ = u`.
    Integrator,
    /// `ȧ = (u − a)/τ`.
    Filter,
    /// `ȧ = (u − a)/τ`, advanced by its exact solution.
    FilterExact,
}

/// A named state.
#[derive(Clone, Debug)]
pub struct Keyframe {
    /// If the file gives one.
    pub name: Option<String>,
    /// [s]
    pub time: f64,
    /// Configuration (nq).
    pub qpos: Vec<f64>,
    /// Velocity (nv).
    pub qvel: Vec<f64>,
    /// Activations (na).
    pub act: Vec<f64>,
    /// Controls (nu).
    pub ctrl: Vec<f64>,
    /// `position, quaternion` of each mocap body.
    pub mocap: Vec<Pose<f64>>,
}

/// Contact and constraint elements, kept as the file states them.
#[derive(Clone, Debug, Default)]
pub struct Constraints {
    /// Pairs of bodies that do not touch.
    pub excludes: Vec<(usize, usize)>,
    /// Explicit pairs of geoms.
    pub pairs: Vec<Pair>,
    /// Equality constraints.
    pub equalities: Vec<Equality>,
    /// Sensors.
    pub sensors: Vec<Sensor>,
}

/// An explicit pair of geoms: its numbers are its own, none come from the geoms.
#[derive(Clone, Debug)]
pub struct Pair {
    /// If the file gives one.
    pub name: Option<String>,
    /// The two that touch.
    pub geoms: (usize, usize),
    /// How many directions friction acts in.
    pub condim: u32,
    /// Two sliding, one torsional, two rolling.
    pub friction: [f64; 5],
    /// Reference of the contact.
    pub solref: [f64; 2],
    /// Reference of the friction; zero: that of the contact.
    pub solref_friction: [f64; 2],
    /// Impedance of the contact.
    pub solimp: [f64; 5],
    /// The distance at which a contact is made [m].
    pub margin: f64,
    /// The part of the margin in which it does not act yet [m].
    pub gap: f64,
    /// In the file.
    pub line: u32,
}

/// An equality constraint.
#[derive(Clone, Debug)]
pub struct Equality {
    /// If the file gives one.
    pub name: Option<String>,
    /// What it ties together.
    pub kind: EqualityKind,
    /// Whether it acts at the start.
    pub active: bool,
    /// Reference of the constraint.
    pub solref: [f64; 2],
    /// Impedance of the constraint.
    pub solimp: [f64; 5],
    /// In the file.
    pub line: u32,
}

/// What an equality ties together.
#[derive(Clone, Debug)]
pub enum EqualityKind {
    /// Two bodies at a point.
    Connect {
        /// The second one may be the world.
        bodies: (usize, usize),
        /// In the first body for a connection, in the second for a weld [m].
        anchor: [f64; 3],
    },
    /// Two sites at a point.
    ConnectSites {
        /// One on each body.
        sites: (usize, usize),
    },
    /// Two bodies, position and rotation.
    Weld {
        /// The second one may be the world.
        bodies: (usize, usize),
        /// In the first body for a connection, in the second for a weld [m].
        anchor: [f64; 3],
        /// Position and quaternion of the second in the first.
        relative_pose: Option<[f64; 7]>,
        /// Weighs rotations against translations.
        torque_scale: f64,
    },
    /// Two sites, position and rotation.
    WeldSites {
        /// One on each body.
        sites: (usize, usize),
        /// Weighs rotations against translations.
        torque_scale: f64,
    },
    /// One joint as a polynomial of another, or fixed.
    Joint {
        /// The one that follows, the one that leads.
        joints: (usize, Option<usize>),
        /// Five coefficients, from the constant on.
        polynomial: [f64; 5],
    },
    /// One tendon as a polynomial of another, or fixed.
    Tendon {
        /// The one that follows, the one that leads.
        tendons: (usize, Option<usize>),
        /// Five coefficients, from the constant on.
        polynomial: [f64; 5],
    },
}

/// A sensor element with its attributes as text.
#[derive(Clone, Debug)]
pub struct Sensor {
    /// The element's name.
    pub kind: String,
    /// If the file gives one.
    pub name: Option<String>,
    /// Name and text of each.
    pub attributes: Vec<(String, String)>,
    /// In the file.
    pub line: u32,
}
