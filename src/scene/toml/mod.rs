//! Scene files: a model, where it starts, what is wished for, and what may change to get there.
//!
//! ```toml
//! model = "models/cartpole.xml"   # beside the scene
//! horizon = 3.0                   # seconds; or steps = 300
//!
//! [start]                         # all optional; the model's reference at rest otherwise
//! keyframe = "hanging"
//! position = { pole = 3.1 }       # by joint; a list for ball and free joints
//! velocity = { cart = 0.2 }
//!
//! [control]
//! kind = "spline"                 # or "steps", with hold = 2 for one value every two steps
//! knots = 20
//! guess = "hold"                  # before anything is optimized: controls that hold the start still;
//!                                 # otherwise "start", those of the keyframe or of start.control
//!                                 # or recording = "run.csv": columns control.NAME, held from row to row
//!
//! [[controller]]                  # any number of them; their controls are added to those of the plan
//! kind = "network"                # or "feedback" (gain, damping, target of each actuator), or "rhythm"
//!                                 # (one frequency; offset, amplitude, phase of each actuator)
//! observe = ["sin(joint.pole.position)", "joint.*.velocity"]
//!                                 # or { quantity = "joint.cart.position", center = 0.0, scale = 2.0 }
//! hidden = [64, 64]
//! activation = "tanh"             # or "elu", "silu", "relu"
//! layer_norm = false              # or true: of every hidden layer before its activation, as in PyTorch
//! initial = { kind = "lecun", gain = 1.0, last = 0.1 }
//!                                 # or "kaiming", "xavier", "orthogonal"; last multiplies the last layer
//! normalize = true                # mean and scale of what it sees, found in rollouts before the training; or
//!                                 # state mean = […] and scale = […]
//! squash = true                   # tanh into the range of each actuator; otherwise u is the output itself
//! weights = "policy.safetensors"  # of a PyTorch Sequential, or of an earlier run; or { file = "…",
//!                                 # prefix = "actor.", names = { 0 = "fc1", 2 = "fc2" } }
//!
//! [start.random]                  # train from starts drawn evenly within half widths around the start
//! position = { pole = 0.3 }
//! parameter = { "geom.*.mass" = [0.8, 1.2] }  # and with models of their own: ranges of numbers of the file
//! batch = 16                      # for each gradient
//! window = 0.5                    # each gradient sees half a second and goes on where the last one ended; a world
//!                                 # starts anew after the scene's horizon, or where it fails
//! [start.random.judged]           # at others the goals are judged: a share of them must reach each
//! count = 100
//! share = 0.95
//!
//! [[cost]]                        # weight × penalty(quantity − target)
//! quantity = "joint.pole.position"
//! target = 0.0                    # or path = [[0.0, 3.1], [2.0, 0.0]]: times, straight lines between;
//!                                 # or reference = "run.csv": the column of the quantity's name
//! weight = 10.0                   # or, beside a reference, deviation = 0.01: ½ (error/deviation)² at each row
//! when = "final"                  # or "running" (times the time step) with from and to, or at = 1.2
//!
//! [[optimize]]
//! what = "controls"               # those of the plan; or "controllers", "network.*", "feedback.*.gain";
//!                                 # or "start.velocity", "start.configuration", parameters by name
//!                                 # ("joint.*.damping", "body.torso.inertial"), each with lower,
//!                                 # upper, rate, noise and scale
//!
//! [optimizer]
//! kind = "l-bfgs"                 # with memory; "ilqr" for one control for every step, the fastest where
//!                                 # it applies; "adam" or "descent", with rate, clip, schedule =
//!                                 # "constant", "cosine" or "exponential" over all iterations, and decay,
//!                                 # what it leaves of the rate; "descent" with momentum and normalize;
//!                                 # "levenberg-marquardt" for squares, "trust-region" where a cost is rough,
//!                                 # "cma-es" (step, population) without gradients
//! iterations = 300
//!
//! [gradient]
//! memory = "4GB"                  # at most, for what is kept of the rollouts; or "full", or "light": every state
//!                                 # and no more. The gradient is the same
//! precision = "double"            # or "single", for worlds from [start.random]: sixteen to a register
//!
//! [[goal]]                        # holds in a window: the last 0.5 s, or from … to, or the end
//! quantity = "abs(joint.pole.position)"
//! at_most = 0.05
//! last = 0.5
//! ```
//!
//! Particles are stated in the scene itself; a plane is that of x and z, and takes two entries instead of three.
//!
//! ```toml
//! [world]                         # instead of a model file
//! timestep = 1e-3
//! gravity = [0.0, -9.81]
//!
//! [particles]
//! substeps = 2                    # of the particles in a step of the world
//! drag = 0.5                      # 1/s, of mass points
//!
//! [[wall]]                        # for mass points: nothing enters n · x < offset
//! normal = [0.0, 1.0]
//! offset = 0.1
//! friction = 0.5                  # with restitution = 0.2, perhaps; without friction points stick
//!
//! [[points]]                      # mass points
//! name = "net"
//! positions = [[0.0, 0.3], [0.1, 0.3], [0.1, 0.4]]
//!                                 # or rope = { from, to, points }, or cloth = { corner, edges, points }
//! springs = [[0, 1], [1, 2]]      # between them; a rope and a cloth make their own
//! stiffness = 1e3                 # N/m: one, or one for each; of a cloth along threads, in shear, in bending
//! damping = 0.1
//! rest_length = [0.1, 0.1]        # otherwise as the springs are at the start
//! actuated = [1]                  # springs with an actuator each: NAME.1, controls from −1 to 1
//! actuation = 0.1                 # the share by which a control of one lengthens its spring
//! velocity = [0.0, 1.0]           # with velocity_of_each = true one for each point, to be optimized
//! radius = 0.02                   # points are balls that collide
//! restitution = 0.8               # the share of the speed of approach that comes back from other balls and from
//!                                 # geoms; otherwise 1 for balls, and 0 for points without a radius
//! fixed = [0]
//!
//! [grid]                          # for matter
//! lower = [0.0, 0.0]
//! upper = [1.0, 1.0]
//! cells = 64                      # along x
//! walls = "slip"                  # or "sticky", or "friction" with friction = 0.5; floor = … for the lower end of z
//!
//! [[matter]]
//! name = "jelly"
//! material = "corotated"          # or "neo-hookean" (young, poisson), "fluid" (bulk, exponent, viscosity), "sand"
//!                                 # (young, poisson, friction φ in degrees, of a cylinder that is pressed: a
//!                                 # slope in a plane stands up to tan θ = 4/√3 sin φ/(3 − sin φ), 25° of 30°;
//!                                 # half as much again in space), "plasticine" (young, poisson, yield)
//! box = { lower = [0.3, 0.1], upper = [0.5, 0.3] }   # or ball = { center, radius }
//! per_cell = 2                    # particles along each side of a cell
//! density = 1000.0
//! young = 1e4
//! velocity = [1.0, 0.0]
//! muscle = { direction = [0.0, 1.0], strength = 1e3 } # an actuator of the body's name
//! ```
//!
//! Matter and mass points touch the geoms of the model that collide (meshes aside), with the first number of their
//! friction, and push back; mass points touch walls and balls besides. A hit sees the geom as it moves and as if
//! nothing could stop it: what it takes from the body acts in the same step. Parameters are called `points.net.stiffness`, `points.net.position`, `points.net.velocity`,
//! `wall.floor.friction`, `matter.jelly.young`, `matter.jelly.velocity`, `matter.jelly.strength` and so on.
//! Quantities are `points.NAME.center` and `.velocity` (means), `.position[3]` and `.velocity[3]` of one point,
//! `.area` of a polygon; `matter.NAME.center`, `.velocity` and `.spread` (standard deviation), without a name of all
//! matter; with `.x`, `.y` or `.z` for one coordinate, and differences of two.
//!
//! A `reference` or `recording` is a CSV file beside the scene: a header with `time` and names of quantities (a
//! unit in brackets after them is left out, lines that begin with `#` are), and rows at equal distances of whole
//! time steps. With costs by `deviation`, `optimize` ends with a table of estimates and their 95 % intervals. A
//! feedback controller follows a `reference` of its joints.
//!
//! A `[[variant]]` has a name and keys that replace those of the scene; `compare` runs all of them.
//!
//! Quantities are `joint.NAME.position` and `.velocity`; of a `site` or a `body` `.position`, `.velocity` and
//! `.up` (the cosines of its axes with the upward axis: `body.torso.up.z` is 1 where the torso stands upright),
//! with `.x`, `.y` or `.z` for one coordinate; the difference of two positions,
//! `site.hand.position - site.cup.position`; `energy.kinetic`, `.potential` and `.total`; `sensor.NAME`;
//! `control.NAME`, and `control_rate.NAME` (how fast it changes from step to step); `phase(1.5)` (`2π f t`, for
//! networks that see `sin(phase(1.5))`; `phase(1.5, 0.25)` is a quarter turn ahead). A `*` stands for any text and makes a term of each. Penalties are
//! `square`, `wrapped` (`1 − cos`), `distance` (with `width`), `outside` (with `lower` and `upper`: soft bounds) `avoid`
//! (with `radius`, around the target) and `linear` (the number itself, with a negative weight to make it large).
//! Unknown keys are errors.

mod aims;
mod controllers;
mod file;
mod matter;
mod method;
mod network;
mod particles;
mod place;
mod recording;
mod start;
mod variables;

use std::path::Path;

use ::toml::Spanned;

use crate::control::{Plan, Shape};
use crate::error::Error;
use crate::model::Model;
use crate::model::description::Description;
use crate::objective::goals::Judged;
use crate::optimize::{Problem, Solution};
use crate::physics::derive::compile;
use crate::rollout::Trajectory;
use place::Source;
use recording::Recording;

/// A scene: where it came from, and the problem that it states.
#[derive(Clone, Debug)]
pub struct Scene {
    /// Of the scene's file.
    pub path: String,
    /// Files that it reads beside its model, as it names them: recordings and reference motions.
    pub beside: Vec<String>,
    /// What the scene asks for.
    pub problem: Problem,
}

/// Reads a scene and its model; what loads is valid.
///
/// # Errors
/// One sentence, with file and line, for anything that a scene cannot say.
pub fn load(path: &Path) -> Result<Scene, Error> {
    parse(&super::text_of(path)?, path)
}

/// Reads the text of a scene; `path` is where it would be, for messages and for the model's place.
///
/// # Errors
/// As [`load`].
pub fn parse(text: &str, path: &Path) -> Result<Scene, Error> {
    let name = path.display().to_string();
    let source = Source { file: &name, text };
    let scene: file::Scene = ::toml::from_str(text).map_err(|e| source.refused(&e))?;
    let mut description = world(&source, &scene, path)?;
    particles::read(&source, &scene, &mut description)?;
    variables::make_inertias_explicit(&source, &scene.optimize, &mut description)?;
    let model = compile(&description);
    let problem = problem(&source, &scene, description, &model)?;
    particles::outside_geoms(&source, &scene, &problem, &model)?;
    let references = (scene.control.recording.iter())
        .chain(scene.cost.iter().filter_map(|cost| cost.reference.as_ref()))
        .chain(scene.goal.iter().filter_map(|goal| goal.reference.as_ref()))
        .chain(scene.controller.iter().filter_map(|c| c.get_ref().reference.as_ref()));
    let beside = references.map(|reference| reference.get_ref().clone()).collect();
    Ok(Scene { path: name, beside, problem })
}

/// The model file of a scene, or the empty world that it states instead.
fn world(source: &Source<'_>, scene: &file::Scene, path: &Path) -> Result<Description, Error> {
    match (&scene.model, &scene.world) {
        (Some(model), None) => {
            let model_path = path.parent().unwrap_or(Path::new("")).join(model.get_ref());
            if !model_path.is_file() {
                let missing = format!("there is no model file {}", model_path.display());
                return Err(source.error(model.span(), missing));
            }
            super::load_model(&model_path)
        }
        (None, Some(world)) => particles::empty_world(source, world.get_ref()),
        (Some(_), Some(world)) => {
            Err(source.error(world.span(), "a scene has a model file or a [world], not both"))
        }
        (None, None) => {
            Err(Error::in_file(source.file, "a scene needs a model file, or a [world] for particles alone"))
        }
    }
}

/// The variants of a scene with their names, for a comparison: each is the scene with some of its keys
/// replaced.
///
/// # Errors
/// As [`load`], and a scene without variants.
pub fn variants(path: &Path) -> Result<Vec<(String, Scene)>, Error> {
    let file = path.display().to_string();
    let text = super::text_of(path)?;
    let source = Source { file: &file, text: &text };
    let scene: file::Scene = ::toml::from_str(&text).map_err(|e| source.refused(&e))?;
    let mut base: ::toml::Table = ::toml::from_str(&text).map_err(|e| source.refused(&e))?;
    base.remove("variant");
    if scene.variant.is_empty() {
        let message = "there is nothing to compare: the scene has no [[variant]] with a name and the keys that it \
                       replaces, such as controller, optimize and optimizer";
        return Err(Error::in_file(&file, message));
    }
    let mut out: Vec<(String, Scene)> = Vec::new();
    for variant in &scene.variant {
        let mut merged = base.clone();
        let mut own = variant.get_ref().clone();
        let Some(::toml::Value::String(name)) = own.remove("name") else {
            return Err(source.error(variant.span(), "a variant needs a name"));
        };
        if out.iter().any(|(other, _)| *other == name) {
            return Err(source.error(variant.span(), format!("two variants are called \"{name}\"")));
        }
        merged.extend(own);
        // Lines of the merged text would lead astray: the place is that of the variant.
        let at = |e: String| source.error(variant.span(), format!("variant \"{name}\": {e}"));
        let text = ::toml::to_string(&merged).map_err(|e| at(e.to_string()))?;
        let scene = parse(&text, path).map_err(|e| match e {
            Error::File { file: own, message, .. } if own == file => at(message),
            other => other,
        })?;
        out.push((name, scene));
    }
    Ok(out)
}

fn problem(
    source: &Source<'_>,
    scene: &file::Scene,
    description: Description,
    model: &Model<f64>,
) -> Result<Problem, Error> {
    let timestep = model.option.timestep;
    let recording = scene.control.recording.as_ref();
    let recording = recording.map(|name| Recording::read(source, name, timestep)).transpose()?;
    let steps = steps(source, scene, recording.as_ref(), timestep)?;
    let (start, mut guess) = start::read(source, &scene.start, &description, model)?;
    if scene.control.guess == file::Guess::Hold {
        guess = start::holding(model, &start);
    }
    let plan = plan(source, &scene.control, steps, model.topology.nu)?;
    let controls = match &recording {
        Some(recording) => recorded(source, &scene.control, recording, (model, steps))?,
        None => guess.repeat(plan.knots()),
    };
    let clock = aims::Clock { timestep, steps };
    let parts = controllers::parts(source, &scene.controller, model, clock)?;
    let given = variables::Given { model, plan: &plan, start: &start, controls: &controls, parts: &parts };
    let mut problem = Problem {
        starts: start::random(source, &scene.start, &scene.optimize, (&description, model))?,
        terms: aims::terms(source, &scene.cost, model, clock)?,
        goals: aims::goals(source, &scene.goal, model, clock)?,
        groups: variables::groups(source, &scene.optimize, &description, &given)?,
        method: method::method(source, scene)?,
        gradients: method::gradients(source, scene)?,
        description,
        start,
        plan,
        controls,
        parts,
    };
    let window = start::window(source, &scene.start, &problem)?;
    if let Some(starts) = &mut problem.starts {
        starts.window = window;
    }
    let normal = |c: &Spanned<file::Controller>| c.get_ref().normalize.as_ref().is_some_and(|n| *n.get_ref());
    let which = scene.controller.iter().map(normal).collect::<Vec<bool>>();
    if let Some(place) = which.iter().position(|normal| *normal) {
        let span = scene.controller[place].span();
        problem.normalize(&which).map_err(|e| source.error(span, format!("normalize: {e}")))?;
    }
    Ok(problem)
}

/// How many steps the scene lasts.
fn steps(
    source: &Source<'_>,
    scene: &file::Scene,
    recording: Option<&Recording>,
    timestep: f64,
) -> Result<usize, Error> {
    match (&scene.horizon, &scene.steps) {
        (Some(horizon), None) => {
            let steps = (horizon.get_ref() / timestep).round();
            if !(1.0..=1e7).contains(&steps) {
                let what =
                    format!("the horizon of {} s is {steps} steps (1 to 10 million)", horizon.get_ref());
                return Err(source.error(horizon.span(), what));
            }
            Ok(steps as usize)
        }
        (None, Some(steps)) if (1..=10_000_000).contains(steps.get_ref()) => Ok(*steps.get_ref()),
        (None, Some(steps)) => {
            let what = format!("a scene lasts 1 to 10 million steps, not {}", steps.get_ref());
            Err(source.error(steps.span(), what))
        }
        (Some(_), Some(steps)) => Err(source.error(steps.span(), "give either horizon or steps, not both")),
        (None, None) if recording.is_some() => Ok(recording.map_or(1, Recording::last)),
        (None, None) => {
            Err(Error::in_file(source.file, "a scene needs its horizon in seconds, or its steps"))
        }
    }
}

fn plan(source: &Source<'_>, file: &file::Control, steps: usize, actuators: usize) -> Result<Plan, Error> {
    let refuse = |span, what: String| Err(source.error(span, what));
    let shape = match (file.kind, &file.hold, &file.knots) {
        (file::ControlKind::Steps, hold, None) => {
            let hold = hold.as_ref().map_or(1, |h| *h.get_ref());
            Shape::Steps { hold: hold.clamp(1, steps) }
        }
        (file::ControlKind::Spline, None, Some(knots)) if (4..=steps.max(4)).contains(knots.get_ref()) => {
            Shape::Spline { knots: *knots.get_ref() }
        }
        (file::ControlKind::Spline, None, Some(knots)) => {
            let what = format!("a spline of {steps} steps has 4 to {steps} knots, not {}", knots.get_ref());
            return refuse(knots.span(), what);
        }
        (file::ControlKind::Spline, Some(hold), _) => {
            return refuse(hold.span(), "hold belongs to kind = \"steps\", not to a spline".to_owned());
        }
        (file::ControlKind::Steps, _, Some(knots)) => {
            return refuse(knots.span(), "knots belong to kind = \"spline\", not to steps".to_owned());
        }
        (file::ControlKind::Spline, None, None) => {
            return Err(Error::in_file(source.file, "a spline of controls needs its number of knots"));
        }
    };
    Ok(Plan::new(shape, steps, actuators))
}

/// One control for each step and actuator, from columns `control.NAME`; each row holds until the next.
fn recorded(
    source: &Source<'_>,
    file: &file::Control,
    recording: &Recording,
    (model, steps): (&Model<f64>, usize),
) -> Result<Vec<f64>, Error> {
    let place = file.recording.as_ref().map(Spanned::span).unwrap_or_default();
    if file.knots.is_some() || file.hold.is_some() || file.guess == file::Guess::Hold {
        return Err(source
            .error(place, "recorded controls are one for each step: hold, knots and guess are in the way"));
    }
    recording.covers(0, steps, model.option.timestep)?;
    let names = &model.topology.names.actuators;
    let each = names.iter().map(|name| recording.steps(&format!("control.{name}")));
    let columns: Vec<Vec<f64>> = each.collect::<Result<_, _>>()?;
    Ok((0..steps).flat_map(|k| columns.iter().map(move |column| column[k])).collect())
}

impl Scene {
    /// Rolls a solution out.
    ///
    /// # Errors
    /// A solution of another scene, or a rollout that diverges.
    pub fn rollout(&self, solution: &Solution) -> Result<Trajectory<f64>, Error> {
        Ok(self.problem.rollout(solution)?.trajectory)
    }

    /// Judges the goals on a fresh rollout of a solution.
    ///
    /// # Errors
    /// As [`Scene::rollout`].
    pub fn judge(&self, solution: &Solution) -> Result<Vec<Judged>, Error> {
        self.problem.judge(solution)
    }
}
