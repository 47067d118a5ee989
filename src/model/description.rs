//! What a model file says, in plain numbers: angles in radians, lengths in metres.
//!
//! Elements are numbered as MuJoCo numbers them: bodies depth-first in document order with the
//! world as body 0; joints, geoms and sites body by body. Everything outside the tree keeps the
//! order of the document.

use crate::spatial::{Pose, Quat, Vec3};

/// A whole model as read from a file; what the reader returns is valid.
#[derive(Clone, Debug)]
pub struct Description {
    pub name: String,
    /// The file it was read from, for messages.
    pub path: String,
    pub option: Options,
    pub rule: InertiaRule,
    pub bodies: Vec<Body>,
    pub joints: Vec<Joint>,
    pub geoms: Vec<Geom>,
    pub sites: Vec<Site>,
    pub meshes: Vec<Mesh>,
    pub tendons: Vec<Tendon>,
    pub actuators: Vec<Actuator>,
    pub keyframes: Vec<Keyframe>,
    pub constraints: Constraints,
    /// What the file asks for and the simulation does not do (yet).
    pub remarks: Vec<Remark>,
}

/// Something that the file asks for and that is not done.
#[derive(Clone, Debug, PartialEq)]
pub struct Remark {
    pub severity: Severity,
    /// The element or attribute, as in the file: `joint "knee" range`.
    pub what: String,
    /// One sentence that says what happens instead.
    pub why: String,
    pub file: String,
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
    #[default]
    Euler,
    RungeKutta4,
    Implicit,
    ImplicitFast,
}

impl Integrator {
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
    pub integrator: Integrator,
    pub flags: Flags,
    pub elliptic: bool,
    pub impratio: f64,
    pub disabled_actuator_groups: Vec<i64>,
    pub override_margin: f64,
    pub override_solref: [f64; 2],
    pub override_solimp: [f64; 5],
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

pub const DEFAULT_SOLREF: [f64; 2] = [0.02, 1.0];
pub const DEFAULT_SOLIMP: [f64; 5] = [0.9, 0.95, 0.001, 0.5, 2.0];

/// What the `flag` element switches on or off.
#[derive(Clone, Copy, Debug)]
pub struct Flags {
    pub constraint: bool,
    pub equality: bool,
    pub frictionloss: bool,
    pub limit: bool,
    pub contact: bool,
    pub spring: bool,
    pub damper: bool,
    pub gravity: bool,
    pub clampctrl: bool,
    pub filterparent: bool,
    pub actuation: bool,
    pub refsafe: bool,
    pub eulerdamp: bool,
    pub override_contacts: bool,
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
    pub bound_mass: f64,
    pub bound_inertia: f64,
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
    pub name: Option<String>,
    /// The number of the parent body; 0 for the world itself.
    pub parent: usize,
    pub placement: Placement,
    pub inertial: Inertial,
    pub gravcomp: f64,
    pub mocap: bool,
    pub line: u32,
}

/// Where a body's inertia comes from.
#[derive(Clone, Debug)]
pub enum Inertial {
    /// From the geoms that count ([`Geom::weighs`]); none if there are none.
    FromGeoms,
    /// Principal moments in the frame of the placement [kg m²].
    Diagonal { mass: f64, placement: Placement, moments: [f64; 3] },
    /// The tensor `xx yy zz xy xz yz` about the centre of mass in the axes of the placement.
    Full { mass: f64, placement: Placement, tensor: [f64; 6] },
    /// The logarithmic Cholesky factor of the pseudo-inertia: every value is a physical body.
    LogCholesky([f64; 10]),
}

/// The four kinds of joints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JointKind {
    Free,
    Ball,
    Slide,
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
    pub name: Option<String>,
    pub body: usize,
    pub kind: JointKind,
    /// The pose of the dissolved frames around it, which turns `axis` and moves `position`.
    pub frame: Option<Pose<f64>>,
    /// As in the file; not zero.
    pub axis: [f64; 3],
    pub position: [f64; 3],
    pub reference: f64,
    pub spring_reference: f64,
    /// `k, p₀, p₁`: the spring's polynomial.
    pub stiffness: [f64; 3],
    /// `d, p₀, p₁`: the damper's polynomial.
    pub damping: [f64; 3],
    /// Time constant and damping ratio that replace stiffness and damping.
    pub springdamper: Option<[f64; 2]>,
    pub armature: f64,
    pub range: Option<[f64; 2]>,
    pub margin: f64,
    pub frictionloss: f64,
    pub solref_limit: [f64; 2],
    pub solimp_limit: [f64; 5],
    pub solref_friction: [f64; 2],
    pub solimp_friction: [f64; 5],
    pub actuator_force_range: Option<[f64; 2]>,
    pub actuator_gravcomp: bool,
    pub line: u32,
}

/// The shape of a geom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Plane,
    Sphere,
    Capsule,
    Ellipsoid,
    Cylinder,
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
    Pose(Placement),
    /// Between two points; local z points from the second to the first.
    FromTo {
        frame: Option<Pose<f64>>,
        ends: [f64; 6],
    },
}

/// One geometric shape.
#[derive(Clone, Debug)]
pub struct Geom {
    pub name: Option<String>,
    pub body: usize,
    pub shape: Shape,
    /// As in the file. With [`Extent::FromTo`] only the entries that the file states matter.
    pub size: [f64; 3],
    pub extent: Extent,
    pub weight: Weight,
    /// Whether it counts in the inertia of its body.
    pub weighs: bool,
    /// Whether only its surface weighs; a density is then per area [kg/m²].
    pub shell: bool,
    pub contact: ContactProperties,
    /// Red, green, blue, opacity.
    pub color: [f64; 4],
    pub group: i64,
    pub line: u32,
}

/// The numbers of a geom that matter when it touches.
#[derive(Clone, Debug)]
pub struct ContactProperties {
    pub contype: u32,
    pub conaffinity: u32,
    pub condim: u32,
    pub priority: i64,
    pub friction: [f64; 3],
    pub solmix: f64,
    pub solref: [f64; 2],
    pub solimp: [f64; 5],
    pub margin: f64,
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
    pub name: Option<String>,
    pub body: usize,
    pub extent: Extent,
    pub shape: Shape,
    pub size: [f64; 3],
    pub color: [f64; 4],
    pub line: u32,
}

/// A triangle mesh, centred and turned to its principal axes.
#[derive(Clone, Debug)]
pub struct Mesh {
    pub name: String,
    /// In the mesh's own inertial frame [m].
    pub vertices: Vec<[f64; 3]>,
    pub triangles: Vec<[u32; 3]>,
    /// [m³], or the area [m²] for a shell.
    pub volume: f64,
    /// Principal moments for unit density.
    pub moments: [f64; 3],
    /// Where the inertial frame was in the mesh's own coordinates; it is multiplied into each geom.
    pub pose: Pose<f64>,
}

/// A tendon: a length that is a function of the configuration.
#[derive(Clone, Debug)]
pub struct Tendon {
    pub name: Option<String>,
    pub path: TendonPath,
    pub stiffness: [f64; 3],
    pub damping: [f64; 3],
    /// The ends of the spring's dead band; `None`: the length at the spring reference.
    pub spring_length: Option<[f64; 2]>,
    pub armature: f64,
    pub range: Option<[f64; 2]>,
    pub margin: f64,
    pub frictionloss: f64,
    pub solref_limit: [f64; 2],
    pub solimp_limit: [f64; 5],
    pub solref_friction: [f64; 2],
    pub solimp_friction: [f64; 5],
    pub actuator_force_range: Option<[f64; 2]>,
    /// Half of its drawn thickness [m].
    pub width: f64,
    pub color: [f64; 4],
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
    Site(usize),
    /// Breaks the chain; what follows is divided by the number.
    Pulley(f64),
}

/// One actuator.
#[derive(Clone, Debug)]
pub struct Actuator {
    pub name: Option<String>,
    pub transmission: Transmission,
    pub gear: [f64; 6],
    pub law: Law,
    pub dynamics: Dynamics,
    /// [s]
    pub time_constant: f64,
    pub act_early: bool,
    pub ctrl_range: Option<[f64; 2]>,
    pub force_range: Option<[f64; 2]>,
    pub act_range: Option<[f64; 2]>,
    pub damping: [f64; 3],
    pub armature: f64,
    pub group: i64,
    pub line: u32,
}

/// What an actuator pulls at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transmission {
    Joint(usize),
    /// The gear of a ball or free joint is given in the parent's axes.
    JointInParent(usize),
    Tendon(usize),
    Site {
        site: usize,
        reference: Option<usize>,
    },
}

/// `force = gain(ℓ, ℓ̇) w + bias(ℓ, ℓ̇)`, in the numbers of the file.
#[derive(Clone, Copy, Debug)]
pub enum Law {
    /// Gain and bias as `c₀ + c₁ ℓ + c₂ ℓ̇`; a fixed gain and a missing bias state no slopes.
    General {
        gain: [f64; 3],
        affine_gain: bool,
        bias: Option<[f64; 3]>,
    },
    Motor,
    /// `kp (w − ℓ) − kv ℓ̇`; with a damping ratio, `kv` follows from the inertia at `qpos0`.
    Servo {
        kp: f64,
        kv: f64,
        damping_ratio: Option<f64>,
    },
    /// `kv (w − ℓ̇)`.
    Velocity {
        kv: f64,
    },
    /// `−kv ℓ̇ w`.
    Damper {
        kv: f64,
    },
    /// `area w + bias`.
    Cylinder {
        area: f64,
        bias: [f64; 3],
    },
}

/// How an actuator's activation follows its control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dynamics {
    None,
    Integrator,
    Filter,
    FilterExact,
}

/// A named state.
#[derive(Clone, Debug)]
pub struct Keyframe {
    pub name: Option<String>,
    pub time: f64,
    pub qpos: Vec<f64>,
    pub qvel: Vec<f64>,
    pub act: Vec<f64>,
    pub ctrl: Vec<f64>,
    /// `position, quaternion` of each mocap body.
    pub mocap: Vec<Pose<f64>>,
}

/// Contact and constraint elements, kept as the file states them.
#[derive(Clone, Debug, Default)]
pub struct Constraints {
    pub excludes: Vec<(usize, usize)>,
    pub pairs: Vec<Pair>,
    pub equalities: Vec<Equality>,
    pub sensors: Vec<Sensor>,
}

/// An explicit pair of geoms; what the file leaves out is `None`.
#[derive(Clone, Debug)]
pub struct Pair {
    pub geoms: (usize, usize),
    pub condim: Option<u32>,
    pub friction: Option<[f64; 5]>,
    pub solref: Option<[f64; 2]>,
    pub solref_friction: Option<[f64; 2]>,
    pub solimp: Option<[f64; 5]>,
    pub margin: f64,
    pub gap: f64,
    pub line: u32,
}

/// An equality constraint.
#[derive(Clone, Debug)]
pub struct Equality {
    pub name: Option<String>,
    pub kind: EqualityKind,
    pub active: bool,
    pub solref: [f64; 2],
    pub solimp: [f64; 5],
    pub line: u32,
}

/// What an equality ties together.
#[derive(Clone, Debug)]
pub enum EqualityKind {
    Connect { bodies: (usize, usize), anchor: [f64; 3] },
    ConnectSites { sites: (usize, usize) },
    Weld { bodies: (usize, usize), anchor: [f64; 3], relative_pose: Option<[f64; 7]>, torque_scale: f64 },
    WeldSites { sites: (usize, usize), torque_scale: f64 },
    Joint { joints: (usize, Option<usize>), polynomial: [f64; 5] },
    Tendon { tendons: (usize, Option<usize>), polynomial: [f64; 5] },
}

/// A sensor element with its attributes as text.
#[derive(Clone, Debug)]
pub struct Sensor {
    pub kind: String,
    pub name: Option<String>,
    pub attributes: Vec<(String, String)>,
    pub line: u32,
}
