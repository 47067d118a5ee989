//! Whole steps of worlds with particles: points, balls, matter in a plane and in space, robots among them.

use std::path::Path;

use costate::model::{Costate, Input, Model, State, Values, assemble};
use costate::number::{Wide, derivative_check, dot_check};
use costate::objective::RandomLinear;
use costate::optimize::Problem;
use costate::physics::derive::{Compilation, compile, parameters};
use costate::rollout::{Memory, Workspace, cost, simulate, value_and_gradient};
use costate::scene::toml;
use costate::spatial::Vec3;

use super::steps::Step;
use super::world::{Place, ask};
use super::{Answer, Row};
use crate::moving::{alone, moving, slope};

/// Points that fall on a floor and slide on it, muscles, drag, and two balls that meet in the next step.
pub const POINTS: &str = r#"
    steps = 3
    [world]
    timestep = 0.02
    gravity = [0.0, 0.0, -4.0]
    [particles]
    substeps = 2
    drag = 1.5
    [[wall]]
    offset = 0.1
    friction = 0.3
    restitution = 0.4
    [[wall]]
    normal = [-1.0, 0.2, 0.1]
    offset = -0.9
    [[points]]
    name = "net"
    positions = [[0.2, 0.0, 0.11], [0.5, 0.1, 0.104], [0.4, 0.3, 0.3], [0.89, 0.2, 0.4]]
    springs = [[0, 1], [1, 2], [2, 3], [3, 0], [1, 3]]
    stiffness = [30.0, 40.0, 50.0, 20.0, 35.0]
    rest_length = [0.2, 0.35, 0.4, 0.7, 0.5]
    damping = 0.4
    mass = 0.3
    velocity = [0.9, 0.2, -0.7]
    actuated = [0, 2]
    actuation = 0.3
    [[points]]
    name = "first"
    positions = [[0.0, 0.0, 0.8]]
    velocity = [0.4, 0.05, -0.1]
    radius = 0.05
    restitution = 0.7
    mass = 0.2
    [[points]]
    name = "second"
    positions = [[0.105, 0.02, 0.79], [0.4, 0.5, 0.6]]
    velocity = [-0.5, 0.1, 0.0]
    radius = 0.05
    restitution = 0.9
    mass = 0.1
"#;

/// A slide presses on elastic matter with a muscle and on other matter, in a plane; above the floor, since a difference
/// sees two sides where walls begin to act. Yielding materials have rows of their own.
const PRESSED: &str = r#"
    model = "../../scenes/models/press.xml"
    steps = 3
    [particles]
    substeps = 2
    [grid]
    lower = [0.0, 0.0]
    upper = [1.0, 0.5]
    cells = 24
    walls = "friction"
    friction = 0.3
    [[matter]]
    name = "muscle"
    material = "corotated"
    box = { lower = [0.27, 0.22], upper = [0.45, 0.37] }
    density = 900.0
    young = 3e4
    velocity = [-0.5, -1.0]
    muscle = { direction = [0.6, 0.8], strength = 4e3 }
    [[matter]]
    name = "rubber"
    material = "neo-hookean"
    box = { lower = [0.55, 0.22], upper = [0.72, 0.37] }
    young = 3e4
    velocity = [0.8, -0.5]
"#;

/// A free capsule falls onto a soft body and water, in space.
const DROPPED: &str = r#"
    model = "../models/particles/dropped.xml"
    steps = 3
    [grid]
    lower = [0.0, 0.0, 0.0]
    upper = [1.0, 1.0, 1.0]
    cells = 12
    [[matter]]
    name = "clay"
    material = "corotated"
    box = { lower = [0.35, 0.35, 0.3], upper = [0.5, 0.65, 0.5] }
    young = 3e4
    [[matter]]
    name = "water"
    material = "fluid"
    box = { lower = [0.5, 0.35, 0.3], upper = [0.65, 0.65, 0.5] }
    bulk = 3e4
    viscosity = 0.5
"#;

/// Balls and bare points meet geoms of every form on bodies that move: faces, edges, corners and rims, sliding and
/// held by friction, in two substeps, with a spring from one body to another through a point that is fixed.
const MET: &str = r#"
    model = "../models/particles/forms.xml"
    steps = 3
    [start.velocity]
    ball = [0.3, -0.2, 0.9, 1.0, -2.0, 0.5]
    rod = [1.0, 0.5, -1.5]
    plate = -1.2
    drum = 0.8
    egg = [-0.2, 0.4, 0.7, 2.0, 1.0, -1.0]
    [particles]
    substeps = 2
    [[points]]
    name = "balls"
    radius = 0.03
    restitution = 0.6
    mass = 0.2
    positions = [
        [0.05, 0.03, 0.145], [0.97, 0.09, 0.215], [2.1, 0.05, 0.073], [2.195, -0.11, 0.059],
        [2.83, 0.02, 0.2], [3.63, 0.03, 0.12], [0.3, 0.2, -0.45], [5.05, 0.1, 0.085],
    ]
    velocity = [0.8, 0.3, -5.0]
    [[points]]
    name = "bare"
    positions = [
        [-0.03, -0.04, 0.108], [1.1, 0.02, 0.176], [1.9, -0.06, 0.06], [2.76, 0.05, 0.177],
        [3.55, -0.05, 0.078], [0.5, 0.3, -0.468], [5.0, -0.1, 0.058],
    ]
    springs = [[0, 1], [2, 3]]
    stiffness = 20.0
    rest_length = [0.9, 0.9]
    fixed = [1]
    velocity = [-2.5, 0.5, -2.0]
    mass = 0.1
"#;

/// The problem of a scene that is written here.
fn scene(text: &str) -> toml::Scene {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/scene.toml");
    toml::parse(text, &here).unwrap()
}

/// A world under way, with controls and pushes.
fn under_way(text: &str, steps: usize) -> (Model<f64>, State<f64>, Input<f64>) {
    let problem = scene(text).problem;
    let model = compile(&problem.description);
    let mut input = Input::zero(&model);
    input.u.iter_mut().enumerate().for_each(|(k, u)| *u = 0.1 + 0.1 * k as f64);
    let count = model.topology.particles.count;
    input.push = (0..count).map(|k| Vec3::new(0.1, -0.2 * k as f64, 0.3)).collect();
    let start = State { particles: State::reference(&model).particles, ..problem.start };
    let rollout = simulate(&model, &start, &vec![input.clone(); steps]).unwrap();
    (model, rollout.states[steps].clone(), input)
}

fn steps_of(text: &str, steps: &[usize]) -> Answer {
    let one = |steps: &usize| {
        let (model, state, input) = under_way(text, *steps);
        let place = Place::of(model, state, input).with_fixed_fields();
        ask(&mut Step::new(&place), &place)
    };
    steps.iter().map(one).fold(Answer::default(), Answer::worse)
}

/// The particles at the start, by the numbers of the file.
fn start() -> Answer {
    let mut worst = Answer::default();
    for text in [POINTS, PRESSED, DROPPED] {
        let description = scene(text).problem.description;
        let values: Vec<f64> = parameters(&description).iter().map(|p| p.value).collect();
        let d: Vec<f64> = (0..values.len()).map(|k| (1.7 * k as f64).sin()).collect();
        let particles = |x: &[Wide<f64>]| {
            let model: Model<Wide<f64>> = assemble(&description, &mut Values(x.iter()));
            model.particles.start(&model.topology.particles)
        };
        let plain = |x: &[f64]| {
            let model: Model<f64> = assemble(&description, &mut Values(x.iter()));
            model.particles.start(&model.topology.particles)
        };
        let difference = derivative_check(alone(particles), plain, &values, &d).error;
        let moved: Vec<_> = values.iter().zip(&d).map(|(x, d)| moving(*x, *d)).collect();
        let jd: Vec<f64> = particles(&moved).iter().map(slope).collect();
        let w: Vec<f64> = (0..jd.len()).map(|k| (0.3 * k as f64).cos()).collect();
        let compilation = Compilation::new(&description, &values);
        let cotangent = Costate { particles: w.clone(), ..Costate::zero(&compilation.model) };
        let jtw = compilation.pullback_from(&compilation.model.zeros(), &cotangent);
        worst = worst.worse(Answer { difference, dot: dot_check(&w, &jd, &jtw, &d).error });
    }
    worst
}

pub fn rows() -> Vec<Row> {
    vec![
        Row::new("physics/particles/points/mod.rs::substep_pullback", || steps_of(POINTS, &[0, 1, 2])),
        Row::new("physics/particles/mod.rs::advance_pullback", || {
            let matter = steps_of(PRESSED, &[0, 10, 20]).worse(steps_of(DROPPED, &[0, 10]));
            // Later some points lie on a body, where a difference would see two sides.
            matter.worse(steps_of(MET, &[0]))
        }),
        Row::new("physics/derive.rs::pullback_from", start),
        Row::new("model/particle.rs::start_pullback", start),
    ]
}

#[test]
fn the_gradient_of_many_steps_in_which_particles_push_robots_is_that_of_differences_for_every_memory() {
    for text in [MET, DROPPED] {
        let Problem { description, start, .. } = scene(text).problem;
        let listed: Vec<f64> = parameters(&description).iter().map(|p| p.value).collect();
        let d: Vec<f64> = (0..listed.len()).map(|k| (1.7 * k as f64).sin()).collect();
        let (steps, mut slopes) = (12, Vec::new());
        let input = Input::zero(&compile(&description));
        let mut objective = RandomLinear::new(&compile(&description), steps, 5);
        let cost_at = |t: f64| {
            let values: Vec<f64> = listed.iter().zip(&d).map(|(x, d)| x + t * d * x.abs()).collect();
            let model: Model<f64> = assemble(&description, &mut Values(values.iter()));
            let start = State { particles: State::reference(&model).particles, ..start.clone() };
            cost(&model, &start, &vec![input.clone(); steps], &mut objective.clone()).unwrap()
        };
        let difference = (cost_at(1e-6) - cost_at(-1e-6)) / 2e-6;
        for memory in [Memory::Full, Memory::Light, Memory::Bytes(1)] {
            let compilation = Compilation::new(&description, &listed);
            let (model, mut workspace) = (&compilation.model, Workspace::new(&compilation.model, &start));
            let inputs = vec![input.clone(); steps];
            let run = value_and_gradient(model, &start, &inputs, &mut objective, memory, &mut workspace);
            let gradient = run.unwrap().1;
            let only_particles =
                Costate { particles: gradient.start.particles.clone(), ..Costate::zero(model) };
            let slope = compilation.pullback_from(&gradient.model, &only_particles);
            let along = slope.iter().zip(&listed).zip(&d).map(|((s, x), d)| s * d * x.abs());
            slopes.push(along.sum::<f64>());
        }
        let error = (slopes[0] - difference).abs() / difference.abs();
        assert!(error < 1e-5, "{} is not {difference}: {error:.1e}", slopes[0]);
        assert!(slopes.iter().all(|s| s.to_bits() == slopes[0].to_bits()), "{slopes:?}");
    }
}
