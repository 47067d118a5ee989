//! What mass points and bodies do to each other.

use std::collections::BTreeMap;
use std::path::Path;

use costate::model::{Input, Model, State};
use costate::objective::Terms;
use costate::physics::articulated::{Links, kinematics};
use costate::physics::derive::{Compilation, compile, parameters};
use costate::rollout::{Memory, Workspace, simulate, value_and_gradient};
use costate::scene::toml;
use costate::spatial::Vec3;

fn scene(text: &str) -> toml::Scene {
    toml::parse(text, &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/scene.toml")).unwrap()
}

fn close(a: f64, b: f64, tolerance: f64, what: &str) {
    assert!((a - b).abs() <= tolerance, "{what}: {a} is not {b}");
}

/// The states of a scene without controls.
fn states(text: &str) -> (Model<f64>, Vec<State<f64>>) {
    let problem = scene(text).problem;
    let model = compile(&problem.description);
    let inputs = vec![Input::zero(&model); problem.plan.steps()];
    let states = simulate(&model, &problem.start, &inputs).unwrap().states;
    (model, states)
}

fn point(model: &Model<f64>, state: &State<f64>, p: usize) -> [Vec3<f64>; 2] {
    let layout = &model.topology.particles;
    [layout.position(p), layout.velocity(p)].map(|at| Vec3::from([0, 1, 2].map(|c| state.particles[at + c])))
}

#[test]
fn a_ball_that_drops_on_any_form_bounces_to_the_square_of_its_restitution() {
    let (e, drop, g) = (0.7, 0.5, 9.81);
    for (x, top) in [(0.5, 0.3), (2.0, 0.6), (4.0, 0.6), (6.0, 0.6), (8.0, 0.6), (10.0, 0.6)] {
        for radius in [0.0, 0.05] {
            let rest = top + radius;
            let (model, states) = states(&format!(
                "model = \"../models/particles/bounces.xml\"\nsteps = 900\n\
                 [[points]]\npositions = [[{x}, 0.0, {}]]\nradius = {radius}\nrestitution = {e}\n",
                rest + drop
            ));
            let [place, velocity] = point(&model, &states[900], 0);
            // Past the one bounce: where it would stand still.
            let height = place.z - rest + velocity.z * velocity.z / (2.0 * g);
            close(height, e * e * drop, 4e-3, &format!("at {x} with radius {radius}"));
            close(place.x, x, 1e-9, "aside");
        }
    }
}

#[test]
fn a_net_that_hits_a_raft_hands_its_momentum_over() {
    let run = |substeps: usize, timestep: f64| {
        let text = format!(
            "model = \"../models/particles/raft.xml\"\nhorizon = 0.4\n[particles]\nsubsteps = {substeps}\n\
             [start.velocity]\nraft = [0.1, -0.2, 0.3, 0.4, -0.3, 0.5]\n\
             [[points]]\ncloth = {{ corner = [0.0, -0.1, 0.25], edges = [[0.3, 0.0, 0.05], [0.0, 0.25, 0.0]], \
             points = [4, 4] }}\nmass = 0.02\nstiffness = [30.0, 10.0]\ndamping = 0.02\nvelocity = [-0.5, 0.1, -2.0]\n\
             radius = 0.02\nrestitution = 0.5\n"
        );
        let mut problem = scene(&text).problem;
        problem.description.option.timestep = timestep;
        let model = compile(&problem.description);
        let steps = (0.4 / timestep) as usize;
        let states = simulate(&model, &problem.start, &vec![Input::zero(&model); steps]).unwrap().states;
        let momentum = |state: &State<f64>| {
            let mut links = Links::new(&model);
            kinematics(&model, state, &mut links);
            let raft = &links.bodies[1];
            let body = raft.inertia.mul(raft.velocity);
            let (mut linear, mut angular) = (body.force, body.torque + raft.origin.cross(body.force));
            for p in 0..16 {
                let [x, v] = point(&model, state, p);
                linear += v * 0.02;
                angular += x.cross(v * 0.02);
            }
            (linear, angular)
        };
        let ((p0, l0), (p1, l1)) = (momentum(&states[0]), momentum(&states[steps]));
        assert!((states[0].v[2] - states[steps].v[2]).abs() > 0.1, "they met");
        ((p1 - p0).norm(), (l1 - l0).norm())
    };
    let (linear, coarse) = run(1, 0.002);
    close(linear, 0.0, 1e-12, "momentum");
    close(run(3, 0.002).0, 0.0, 1e-12, "momentum over substeps");
    // Turns are integrated with the order of the step.
    let (_, fine) = run(1, 0.00025);
    assert!(coarse < 0.02 && fine < 0.25 * coarse, "angular momentum: {coarse:.1e} and {fine:.1e}");
}

#[test]
fn a_ball_that_a_paddle_hits_has_the_slopes_of_the_closed_form() {
    let (e, v, x0, time) = (0.8, 2.0, 0.6, 0.7);
    let text = format!(
        "model = \"../models/particles/paddle.xml\"\nhorizon = {time}\n[start.velocity]\nslide = {v:?}\n\
         [[points]]\nname = \"ball\"\npositions = [[{x0}, 0.05, 0.02]]\nradius = 0.04\nrestitution = {e}\nmass = 0.1\n\
         [[cost]]\nquantity = \"points.ball.center.x\"\npenalty = \"linear\"\nweight = 1.0\nwhen = \"final\"\n"
    );
    let problem = scene(&text).problem;
    let listing = parameters(&problem.description);
    let values: Vec<f64> = listing.iter().map(|p| p.value).collect();
    let compilation = Compilation::new(&problem.description, &values);
    let (model, start) = (&compilation.model, &problem.start);
    let inputs = vec![Input::zero(model); problem.plan.steps()];
    let mut terms = Terms::new(model, problem.terms.clone());
    let mut workspace = Workspace::new(model, start);
    let memory = Memory::Full;
    let (x, gradient) =
        value_and_gradient(model, start, &inputs, &mut terms, memory, &mut workspace).unwrap();
    let slopes = compilation.pullback_from(&gradient.model, &gradient.start);
    let slope: BTreeMap<String, f64> = listing.into_iter().map(|p| p.name).zip(slopes).collect();
    // It leaves with (1 + e) v where the paddle's face, ahead of its middle, has come up to it.
    let gap = x0 - 0.04 - 0.05;
    close(x, x0 + (1.0 + e) * (v * time - gap), 1e-10, "place");
    close(gradient.start.v[0], (1.0 + e) * time, 1e-10, "by the velocity of the paddle");
    close(gradient.start.q[0], 1.0 + e, 1e-10, "by the place of the paddle");
    close(slope["points.ball.position[0]"], -e, 1e-10, "by the place of the ball");
    close(slope["points.ball.radius"], 1.0 + e, 1e-10, "by the radius");
    close(slope["points.ball.restitution"], v * time - gap, 1e-10, "by the restitution");
    close(slope["geom.paddle.size[0]"], 1.0 + e, 1e-10, "by the thickness of the paddle");
}

#[test]
fn a_paddle_stops_where_an_elastic_ball_takes_its_momentum() {
    // The paddle is seen as it comes, and what the ball gains it loses.
    let (model, states) = states(
        "model = \"../models/particles/paddle.xml\"\nsteps = 500\n[start.velocity]\nslide = 2.0\n\
         [[points]]\npositions = [[0.6, 0.0, 0.0]]\nmass = 0.3\nradius = 0.04\nrestitution = 0.5\n",
    );
    let [_, velocity] = point(&model, &states[500], 0);
    close(velocity.x, 3.0, 1e-12, "the ball");
    close(states[500].v[0], 2.0 - 0.1 * 3.0, 1e-12, "the paddle");
}

#[test]
fn points_that_lie_on_a_scale_press_it_with_their_weight() {
    let (model, states) = states(
        "model = \"../models/particles/scale.xml\"\nsteps = 3000\n\
         [[points]]\npositions = [[0.1, 0.0, 0.05], [-0.1, 0.05, 0.06], [0.0, -0.1, 0.08]]\nmass = 0.1\n\
         springs = [[0, 1], [1, 2], [0, 2]]\nstiffness = 10.0\ndamping = 0.2\n",
    );
    let state = &states[3000];
    close(state.q[0], -(1.0 + 3.0 * 0.1) * 9.81 / 800.0, 1e-9, "deflection");
    for p in 0..3 {
        let [place, velocity] = point(&model, state, p);
        close(place.z, state.q[0] + 0.02, 1e-9, "on the pan");
        close(velocity.norm(), 0.0, 1e-6, "at rest");
    }
}

#[test]
fn a_point_that_is_fixed_stays_where_a_paddle_passes() {
    let (model, states) = states(
        "model = \"../models/particles/paddle.xml\"\nsteps = 500\n[start.velocity]\nslide = 2.0\n\
         [[points]]\npositions = [[0.6, 0.0, 0.0]]\nfixed = [0]\n",
    );
    let [place, velocity] = point(&model, &states[500], 0);
    assert_eq!((place.x, velocity.norm(), states[500].v[0]), (0.6, 0.0, 2.0));
}

#[test]
fn a_ball_flies_past_a_corner_that_it_does_not_touch() {
    // In one step past the edge of the paddle, whose nearest point is in front of it at first.
    let run = |z: f64| {
        let (model, states) = states(&format!(
            "model = \"../models/particles/paddle.xml\"\nsteps = 10\n\
             [[points]]\npositions = [[0.08, 0.0, {z}]]\nvelocity = [-150.0, 0.0, 0.0]\nradius = 0.02\n"
        ));
        point(&model, &states[10], 0)[1].x
    };
    close(run(0.2201), -150.0, 0.0, "past it");
    assert!(run(0.2199) > -150.0, "against it");
}

#[test]
fn a_point_that_begins_in_a_geom_is_refused_with_its_depth() {
    let text = "model = \"../models/particles/paddle.xml\"\nsteps = 10\n\n[[points]]\nname = \"dust\"\n\
                positions = [[0.3, 0.0, 0.0], [0.04, 0.0, 0.0]]\n";
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/scene.toml");
    let error = toml::parse(text, &here).map(|_| ()).unwrap_err().to_string();
    let rule = "point 1 of \"dust\" begins 0.0100 m inside geom \"paddle\": move it out";
    assert!(error.contains("scene.toml:4") && error.contains(rule), "{error}");
}
