//! What a scene file can say.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scene {
    pub model: Option<Spanned<String>>,
    pub world: Option<Spanned<World>>,
    #[serde(default)]
    pub particles: Particles,
    #[serde(default)]
    pub wall: Vec<Spanned<Wall>>,
    #[serde(default)]
    pub points: Vec<Spanned<Points>>,
    pub grid: Option<Spanned<Grid>>,
    #[serde(default)]
    pub matter: Vec<Spanned<Matter>>,
    /// [s]
    pub horizon: Option<Spanned<f64>>,
    pub steps: Option<Spanned<usize>>,
    #[serde(default)]
    pub start: Start,
    #[serde(default)]
    pub control: Control,
    #[serde(default)]
    pub controller: Vec<Spanned<Controller>>,
    #[serde(default)]
    pub cost: Vec<Cost>,
    #[serde(default)]
    pub optimize: Vec<Optimize>,
    #[serde(default)]
    pub optimizer: Optimizer,
    #[serde(default)]
    pub gradient: Gradient,
    #[serde(default)]
    pub goal: Vec<Goal>,
    /// Keys that replace those of the scene, for a comparison.
    #[serde(default)]
    pub variant: Vec<Spanned<toml::Table>>,
}

/// How gradients are computed.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gradient {
    /// Of the rollouts of all threads together.
    pub memory: Option<Spanned<String>>,
    pub precision: Option<Spanned<crate::optimize::Precision>>,
}

/// A world without a model file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// [s]
    pub timestep: Option<Spanned<f64>>,
    pub gravity: Option<Spanned<Vec<f64>>>,
}

/// What all particles share.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Particles {
    pub substeps: Option<Spanned<usize>>,
    pub drag: Option<Spanned<f64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wall {
    pub name: Option<String>,
    pub normal: Option<Spanned<Vec<f64>>>,
    #[serde(default)]
    pub offset: f64,
    /// Particles stick without one.
    pub friction: Option<Spanned<f64>>,
    pub restitution: Option<Spanned<f64>>,
}

/// A body of mass points: listed, along a line, or in a rectangle.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Points {
    pub name: Option<String>,
    pub positions: Option<Spanned<Vec<Vec<f64>>>>,
    pub rope: Option<Spanned<Rope>>,
    pub cloth: Option<Spanned<Cloth>>,
    pub velocity: Option<Spanned<Vec<f64>>>,
    /// Whether each point has a velocity of its own, which may be optimized.
    #[serde(default)]
    pub velocity_of_each: bool,
    pub mass: Option<Spanned<f64>>,
    pub radius: Option<Spanned<f64>>,
    pub restitution: Option<Spanned<f64>>,
    #[serde(default)]
    pub springs: Vec<Spanned<[usize; 2]>>,
    pub stiffness: Option<Spanned<Numbers>>,
    pub damping: Option<Spanned<f64>>,
    pub rest_length: Option<Spanned<Numbers>>,
    pub actuation: Option<Spanned<f64>>,
    pub actuated: Option<Spanned<Vec<usize>>>,
    pub fixed: Option<Spanned<Vec<usize>>>,
    pub color: Option<[f64; 3]>,
}

/// Where matter is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grid {
    pub lower: Vec<f64>,
    pub upper: Vec<f64>,
    /// Along x.
    pub cells: usize,
    #[serde(default)]
    pub walls: WallKind,
    /// The lower end of z, if it is unlike the other walls.
    pub floor: Option<WallKind>,
    pub friction: Option<Spanned<f64>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WallKind {
    #[default]
    Slip,
    Sticky,
    Friction,
}

/// A body of matter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matter {
    pub name: Option<String>,
    pub material: Spanned<Material>,
    #[serde(rename = "box")]
    pub block: Option<Spanned<Extent>>,
    pub ball: Option<Spanned<Ball>>,
    /// Particles along each side of a cell.
    pub per_cell: Option<Spanned<f64>>,
    pub density: Option<Spanned<f64>>,
    pub young: Option<Spanned<f64>>,
    pub poisson: Option<Spanned<f64>>,
    /// [degrees]
    pub friction: Option<Spanned<f64>>,
    #[serde(rename = "yield")]
    pub yield_stress: Option<Spanned<f64>>,
    pub bulk: Option<Spanned<f64>>,
    pub exponent: Option<Spanned<f64>>,
    pub viscosity: Option<Spanned<f64>>,
    pub velocity: Option<Spanned<Vec<f64>>>,
    pub muscle: Option<Spanned<Muscle>>,
    pub color: Option<[f64; 3]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Material {
    Corotated,
    NeoHookean,
    Fluid,
    Sand,
    Plasticine,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extent {
    pub lower: Vec<f64>,
    pub upper: Vec<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ball {
    pub center: Vec<f64>,
    pub radius: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Muscle {
    pub direction: Vec<f64>,
    /// [Pa]
    pub strength: f64,
}

/// Springs from each point to the next, and to the one after it against bending.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rope {
    pub from: Vec<f64>,
    pub to: Vec<f64>,
    pub points: usize,
}

/// Springs along both edges, along the diagonals against shear, and over two points against bending.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cloth {
    pub corner: Vec<f64>,
    /// The two edges.
    pub edges: [Vec<f64>; 2],
    pub points: [usize; 2],
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    pub keyframe: Option<Spanned<String>>,
    pub qpos: Option<Spanned<Vec<f64>>>,
    pub qvel: Option<Spanned<Vec<f64>>>,
    /// By joint.
    #[serde(default)]
    pub position: BTreeMap<String, Spanned<Numbers>>,
    #[serde(default)]
    pub velocity: BTreeMap<String, Spanned<Numbers>>,
    /// By actuator.
    #[serde(default)]
    pub control: BTreeMap<String, Spanned<f64>>,
    pub random: Option<Spanned<Random>>,
}

/// Starts around the stated one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Random {
    /// Half widths, by joint.
    #[serde(default)]
    pub position: BTreeMap<String, Spanned<Numbers>>,
    #[serde(default)]
    pub velocity: BTreeMap<String, Spanned<Numbers>>,
    /// Ranges of numbers of the model file, by parameter.
    #[serde(default)]
    pub parameter: BTreeMap<String, Spanned<[f64; 2]>>,
    pub batch: Option<Spanned<usize>>,
    /// What each gradient sees of an episode as long as the scene [s].
    pub window: Option<Spanned<f64>>,
    #[serde(default)]
    pub judged: Judged,
}

/// The starts at which the goals are judged.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judged {
    /// Half widths of their own, if there are any.
    #[serde(default)]
    pub position: BTreeMap<String, Spanned<Numbers>>,
    #[serde(default)]
    pub velocity: BTreeMap<String, Spanned<Numbers>>,
    #[serde(default)]
    pub parameter: BTreeMap<String, Spanned<[f64; 2]>>,
    pub count: Option<Spanned<usize>>,
    #[serde(default)]
    pub seed: u64,
    pub share: Option<Spanned<f64>>,
}

/// One number, or a list.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Numbers {
    One(f64),
    Many(Vec<f64>),
}

impl Numbers {
    pub fn list(&self) -> &[f64] {
        match self {
            Self::One(x) => std::slice::from_ref(x),
            Self::Many(x) => x,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    #[serde(default)]
    pub kind: ControlKind,
    pub hold: Option<Spanned<usize>>,
    pub knots: Option<Spanned<usize>>,
    #[serde(default)]
    pub guess: Guess,
    /// A file whose columns `control.NAME` are the controls.
    pub recording: Option<Spanned<String>>,
}

/// What the controls are before anything is optimized.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Guess {
    /// Those of the start: of its keyframe, or zero.
    #[default]
    Start,
    /// Those that hold the start as still as they can.
    Hold,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Controller {
    pub kind: ControllerKind,
    pub name: Option<String>,
    pub actuators: Option<Vec<Spanned<String>>>,
    pub observe: Option<Spanned<Vec<Spanned<Observe>>>>,
    pub hidden: Option<Spanned<Vec<usize>>>,
    pub activation: Option<Spanned<Activation>>,
    pub layer_norm: Option<Spanned<bool>>,
    pub initial: Option<Spanned<Initial>>,
    pub seed: Option<Spanned<u64>>,
    pub weights: Option<Spanned<Weights>>,
    pub mean: Option<Spanned<Vec<f64>>>,
    pub scale: Option<Spanned<Vec<f64>>>,
    pub normalize: Option<Spanned<bool>>,
    pub squash: Option<Spanned<bool>>,
    pub gain: Option<Spanned<Numbers>>,
    pub damping: Option<Spanned<Numbers>>,
    pub target: Option<Spanned<Numbers>>,
    /// A file of columns over time.
    pub reference: Option<Spanned<String>>,
    pub frequency: Option<Spanned<f64>>,
    pub amplitude: Option<Spanned<Numbers>>,
    pub phase: Option<Spanned<Numbers>>,
    pub offset: Option<Spanned<Numbers>>,
    pub from: Option<Spanned<f64>>,
    pub to: Option<Spanned<f64>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ControllerKind {
    Feedback,
    Rhythm,
    Network,
}

impl ControllerKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Feedback => "feedback",
            Self::Rhythm => "rhythm",
            Self::Network => "network",
        }
    }
}

/// What a controller sees: `(quantity − center) / scale`.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "a network observes \"NAME\", or { quantity = \"NAME\", center = 0.0, scale = 1.0 }"
)]
pub enum Observe {
    Name(String),
    Scaled {
        quantity: String,
        #[serde(default)]
        center: f64,
        #[serde(default = "one")]
        scale: f64,
    },
}

fn one() -> f64 {
    1.0
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    #[default]
    Tanh,
    Elu,
    Silu,
    Relu,
}

/// Where the weights of a network begin.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Initial {
    #[serde(default)]
    pub kind: Scheme,
    pub gain: Option<Spanned<f64>>,
    pub last: Option<Spanned<f64>>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    #[default]
    LeCun,
    Kaiming,
    Xavier,
    Orthogonal,
}

/// A file of weights, with the names that its arrays have there.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "weights are \"FILE\", or { file = \"FILE\", prefix = \"actor.\", names = { 0 = \"fc1\" } }"
)]
pub enum Weights {
    File(String),
    Named {
        file: String,
        prefix: Option<String>,
        #[serde(default)]
        names: BTreeMap<String, String>,
    },
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ControlKind {
    #[default]
    Steps,
    Spline,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    pub quantity: Spanned<String>,
    pub target: Option<Spanned<Numbers>>,
    /// Corners `[time, …]`, with straight lines between them.
    pub path: Option<Spanned<Vec<Vec<f64>>>>,
    /// A file of columns over time.
    pub reference: Option<Spanned<String>>,
    pub weight: Option<Spanned<f64>>,
    /// Of what the reference measured, instead of a weight.
    pub deviation: Option<Spanned<f64>>,
    #[serde(default)]
    pub penalty: Penalty,
    pub width: Option<Spanned<f64>>,
    pub lower: Option<Spanned<f64>>,
    pub upper: Option<Spanned<f64>>,
    pub radius: Option<Spanned<f64>>,
    #[serde(default)]
    pub when: When,
    pub from: Option<Spanned<f64>>,
    pub to: Option<Spanned<f64>>,
    pub at: Option<Spanned<f64>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Penalty {
    #[default]
    Square,
    Wrapped,
    Distance,
    Outside,
    Avoid,
    Linear,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    #[default]
    Running,
    Final,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Optimize {
    pub what: Spanned<String>,
    pub lower: Option<Spanned<f64>>,
    pub upper: Option<Spanned<f64>>,
    pub rate: Option<Spanned<f64>>,
    pub noise: Option<Spanned<f64>>,
    pub scale: Option<Spanned<f64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Optimizer {
    pub kind: OptimizerKind,
    pub iterations: usize,
    pub tolerance: f64,
    pub rate: Option<Spanned<f64>>,
    pub clip: Option<Spanned<f64>>,
    pub schedule: Option<Spanned<ScheduleKind>>,
    pub decay: Option<Spanned<f64>>,
    pub momentum: Option<Spanned<f64>>,
    pub normalize: Option<Spanned<bool>>,
    pub memory: Option<Spanned<usize>>,
    pub step: Option<Spanned<f64>>,
    pub population: Option<Spanned<usize>>,
    pub bounds: Option<Spanned<Bounds>>,
    pub until: Until,
}

impl Default for Optimizer {
    fn default() -> Self {
        Self {
            kind: OptimizerKind::default(),
            iterations: 300,
            tolerance: 1e-6,
            rate: None,
            clip: None,
            schedule: None,
            decay: None,
            momentum: None,
            normalize: None,
            memory: None,
            step: None,
            population: None,
            bounds: None,
            until: Until::default(),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    #[default]
    Adam,
    Descent,
    #[serde(rename = "l-bfgs")]
    Lbfgs,
    Ilqr,
    #[serde(rename = "levenberg-marquardt")]
    LevenbergMarquardt,
    #[serde(rename = "trust-region")]
    TrustRegion,
    #[serde(rename = "cma-es")]
    Cmaes,
}

impl OptimizerKind {
    /// As the file writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Adam => "adam",
            Self::Descent => "descent",
            Self::Lbfgs => "l-bfgs",
            Self::Ilqr => "ilqr",
            Self::LevenbergMarquardt => "levenberg-marquardt",
            Self::TrustRegion => "trust-region",
            Self::Cmaes => "cma-es",
        }
    }
}

/// How the learning rate changes over the iterations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScheduleKind {
    Constant,
    Cosine,
    Exponential,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bounds {
    Projection,
    Smooth,
}

/// What ends an optimization before its budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Until {
    #[default]
    Tolerance,
    Goals,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    pub quantity: Spanned<String>,
    pub target: Option<Spanned<Numbers>>,
    /// Corners `[time, …]`, with straight lines between them.
    pub path: Option<Spanned<Vec<Vec<f64>>>>,
    /// A file of columns over time.
    pub reference: Option<Spanned<String>>,
    pub at_most: Option<Spanned<f64>>,
    pub at_least: Option<Spanned<f64>>,
    /// The length of a window that ends with the scene [s].
    pub last: Option<Spanned<f64>>,
    pub from: Option<Spanned<f64>>,
    pub to: Option<Spanned<f64>>,
}
