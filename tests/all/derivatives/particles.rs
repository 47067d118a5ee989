//! Whole steps of worlds with particles: points, balls, matter in a plane and in space, robots among them.

use std::path::Path;

use costate::model::{Costate, Input, Model, State, Values, assemble};
use costate::number::{Single, derivative_check, dot_check};
use costate::physics::derive::{Compilation, compile, parameters};
use costate::rollout::simulate;
use costate::scene::toml;
use costate::spatial::Vec3;

use super::steps::Step;
use super::world::{Place, ask};
use super::{Answer, Row};

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
        let particles = |x: &[Single<f64>]| {
            let model: Model<Single<f64>> = assemble(&description, &mut Values(x.iter()));
            model.particles.start(&model.topology.particles)
        };
        let plain = |x: &[f64]| {
            let model: Model<f64> = assemble(&description, &mut Values(x.iter()));
            model.particles.start(&model.topology.particles)
        };
        let difference = derivative_check(particles, plain, &values, &d).error;
        let moved: Vec<_> = values.iter().zip(&d).map(|(x, d)| Single::new(*x, *d)).collect();
        let jd: Vec<f64> = particles(&moved).iter().map(|x| x.derivative()).collect();
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
            steps_of(PRESSED, &[0, 10, 20]).worse(steps_of(DROPPED, &[0, 10]))
        }),
        Row::new("physics/derive.rs::pullback_from", start),
        Row::new("model/particle.rs::start_pullback", start),
    ]
}
