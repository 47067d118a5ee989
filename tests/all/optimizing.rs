//! Optimization through scenes: gradients, goals, and going on from a checkpoint.

use std::path::{Path, PathBuf};

use costate::objective::Terms;
use costate::optimize::{Bounds, Evaluator, Settings, run, run_with};
use costate::physics::derive::compile;
use costate::scene::toml::{Scene, load, parse};

fn scenes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes")
}

fn scene(text: &str) -> Scene {
    parse(text, &scenes().join("test.toml")).unwrap()
}

const EVERYTHING: &str = r#"
model = "models/arm_free.xml"
steps = 30
start = { keyframe = "ready" }
control = { kind = "spline", knots = 6 }
cost = [
    { quantity = "site.tip.position", target = [0.4, 0.2, 0.6], weight = 3.0, when = "final" },
    { quantity = "site.tip.velocity", weight = 1.0, when = "final" },
    { quantity = "joint.*.velocity", weight = 0.1 },
    { quantity = "control.*", weight = 0.001 },
    { quantity = "body.hand.position", target = [0.3, 0.0, 0.6], penalty = "avoid", radius = 0.9, weight = 2.0 },
]
optimize = [
    { what = "controls", noise = 0.3 },
    { what = "start.velocity", noise = 0.1 },
    { what = "start.configuration", noise = 0.1 },
    { what = "joint.*.damping", noise = 0.1 },
    { what = "body.hand.inertial", noise = 0.1 },
    { what = "option.timestep", noise = 0.1 },
]
"#;

/// One control for every step, some of them at their bounds.
const REACH: &str = r#"
model = "models/arm_free.xml"
steps = 40
start = { keyframe = "ready" }
cost = [
    { quantity = "site.tip.position", target = [0.35, 0.35, 0.4], weight = 100.0, when = "final" },
    { quantity = "joint.*.velocity", weight = 1.0, when = "final" },
    { quantity = "body.wrist.position", target = [0.17, 0.3, 0.68], penalty = "avoid", radius = 0.2, weight = 10.0 },
    { quantity = "control.*", weight = 1e-4 },
]
optimize = [{ what = "controls", lower = -25.0 }]
"#;

#[test]
fn gradients_by_every_kind_of_variable_equal_differences() {
    for bounds in ["projection", "smooth"] {
        let scene = scene(&format!("{EVERYTHING}\n[optimizer]\nbounds = \"{bounds}\"\n"));
        let problem = &scene.problem;
        let mut evaluator = Evaluator::of_terms(problem);
        let variables = problem.groups.iter().flat_map(|g| &g.variables);
        let x: Vec<f64> = problem
            .coordinates()
            .iter()
            .zip(variables)
            .enumerate()
            .map(|(k, (c, v))| c.of(v.start + 0.1 * v.scale * (1.7 * k as f64).sin()))
            .collect();
        let mut gradient = vec![0.0; x.len()];
        evaluator.value_and_gradient(&x, &mut gradient).unwrap();
        let scale = gradient.iter().fold(0.0, |m: f64, g| m.max(g.abs()));
        let mut ignored = gradient.clone();
        for k in 0..x.len() {
            let mut at = |h: f64| {
                let mut x = x.clone();
                x[k] += h;
                evaluator.value_and_gradient(&x, &mut ignored).unwrap()
            };
            // Richardson's extrapolation: torques on light wrists have large third derivatives.
            let mut slope = |h: f64| (at(h) - at(-h)) / (2.0 * h);
            let difference = (4.0 * slope(1e-6) - slope(2e-6)) / 3.0;
            let error = (difference - gradient[k]).abs();
            assert!(error < 1e-7 * scale, "{bounds}, entry {k}: {} is not {difference}", gradient[k]);
        }
    }
}

#[test]
fn a_solution_rolls_out_to_the_cost_that_was_found() {
    let scene = scene(EVERYTHING);
    let problem = &scene.problem;
    let out = run(problem, &Settings { iterations: Some(5), ..Settings::default() }, &mut |_| {}).unwrap();
    let rollout = problem.rollout(&out.solution).unwrap();
    let mut terms = Terms::new(&rollout.model, problem.terms.clone());
    let start = &rollout.trajectory.states[0];
    let cost = costate::rollout::cost(&rollout.model, start, &rollout.trajectory.inputs, &mut terms).unwrap();
    assert_eq!(cost, out.cost_best);
    assert!(out.cost_best < out.cost_first);
    let mass = &out.solution.get("body.hand.mass").expect("the mass is reported").data;
    assert_eq!(
        mass[0],
        rollout.model.bodies[rollout.model.topology.names.bodies.iter().position(|b| b == "hand").unwrap()]
            .mass
    );
}

#[test]
fn a_run_goes_on_from_its_checkpoint_to_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let all = [
        (EVERYTHING, "kind = \"adam\""),
        (EVERYTHING, "kind = \"adam\"\nschedule = \"cosine\"\nclip = 3.0"),
        (EVERYTHING, "kind = \"l-bfgs\"\nmemory = 3"),
        (EVERYTHING, "kind = \"trust-region\""),
        (EVERYTHING, "kind = \"levenberg-marquardt\""),
        (EVERYTHING, "kind = \"cma-es\"\nstep = 0.1\npopulation = 6"),
        (EVERYTHING, "kind = \"descent\"\nmomentum = 0.8\nschedule = \"exponential\"\nrate = 1e-4"),
        (EVERYTHING, "kind = \"descent\"\nnormalize = true\nschedule = \"cosine\""),
        (REACH, "kind = \"ilqr\""),
    ];
    for (text, optimizer) in all {
        let scene = scene(&format!("{text}\n[optimizer]\n{optimizer}\n"));
        let checkpoint = Some(folder.path().join("checkpoint.safetensors"));
        let go = |iterations, resume, checkpoint| {
            let settings = Settings { iterations: Some(iterations), seed: 3, resume, checkpoint };
            run(&scene.problem, &settings, &mut |_| {}).unwrap()
        };
        let whole = go(13, None, None);
        go(6, None, checkpoint.clone());
        let rest = go(13, checkpoint, None);
        assert_eq!(whole.solution, rest.solution, "{optimizer}");
        let costs = |out: &costate::optimize::Outcome| out.history.iter().map(|r| r.cost).collect::<Vec<_>>();
        assert_eq!(costs(&whole), costs(&rest), "{optimizer}");
        assert_eq!((whole.iterations, whole.cost_first), (rest.iterations, rest.cost_first));
    }
}

#[test]
fn iterative_lqr_finds_the_same_to_the_last_bit_with_any_number_of_threads() {
    let scene = scene(&format!("{REACH}\n[optimizer]\nkind = \"ilqr\"\n"));
    let settings = Settings { iterations: Some(8), ..Settings::default() };
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| run(&scene.problem, &settings, &mut |_| {}).unwrap())
    };
    let one = with(1);
    assert!(one.cost_best < 0.5 * one.cost_first, "{} is not far below {}", one.cost_best, one.cost_first);
    for threads in [2, 3, 64] {
        assert_eq!(one.solution, with(threads).solution, "{threads} threads");
    }
}

#[test]
fn iterative_lqr_ends_where_no_control_can_move_and_lower_the_cost() {
    let scene = scene(&format!("{REACH}\n[optimizer]\nkind = \"ilqr\"\niterations = 200\n"));
    let problem = &scene.problem;
    let out = run(problem, &Settings::default(), &mut |_| {}).unwrap();
    let coordinates = problem.coordinates();
    let found = &out.solution.get("controls").unwrap().data;
    let x: Vec<f64> = coordinates.iter().zip(found).map(|(c, u)| c.of(*u)).collect();
    let mut gradient = vec![0.0; x.len()];
    let mut evaluator = Evaluator::of_terms(problem);
    evaluator.value_and_gradient(&x, &mut gradient).unwrap();
    let mut held = 0;
    for ((c, x), g) in coordinates.iter().zip(&x).zip(&gradient) {
        let [lower, upper] = [f64::NEG_INFINITY, f64::INFINITY].map(|end| c.projected(end));
        let outward = *x <= lower + 1e-12 && *g > 0.0 || *x >= upper - 1e-12 && *g < 0.0;
        held += usize::from(outward);
        assert!(
            outward || g.abs() < 1e-4 * out.cost_first,
            "{x} in {lower} … {upper} has the slope {g}: {}",
            out.stop
        );
    }
    assert!(held > 0, "some controls are at their bounds");
}

#[test]
fn iterative_lqr_turns_a_body_in_space_through_its_rotations() {
    // A free body with thrusters and turning motors: half a turn about a skew axis, and a shift.
    let folder = tempfile::tempdir().unwrap();
    let motors: String = (0..6)
        .map(|k| {
            let gear: Vec<_> = (0..6).map(|i| if i == k { "1" } else { "0" }).collect();
            format!("<motor joint=\"free\" gear=\"{}\" ctrlrange=\"-3 3\"/>", gear.join(" "))
        })
        .collect();
    let model = format!(
        "<mujoco><option gravity=\"0 0 0\" timestep=\"0.02\"/><worldbody><body name=\"ship\"><joint name=\"free\" \
         type=\"free\"/><geom type=\"box\" size=\"0.3 0.2 0.1\" mass=\"2\"/><site name=\"nose\" pos=\"1 0 0\"/>\
         <site name=\"wing\" pos=\"0 1 0\"/></body></worldbody><actuator>{motors}</actuator></mujoco>"
    );
    std::fs::write(folder.path().join("ship.xml"), model).unwrap();
    let text = r#"
model = "ship.xml"
steps = 100
cost = [
    { quantity = "body.ship.position", target = [0.5, -0.3, 0.2], weight = 100.0, when = "final" },
    { quantity = "site.nose.position", target = [0.5, -0.3, 1.2], weight = 100.0, when = "final" },
    { quantity = "site.wing.position", target = [1.5, -0.3, 0.2], weight = 100.0, when = "final" },
    { quantity = "joint.*.velocity*", weight = 10.0, when = "final" },
    { quantity = "control.*", weight = 0.001 },
]
optimize = [{ what = "controls" }]
optimizer = { kind = "ilqr", iterations = 60 }
goal = [
    { quantity = "site.nose.position", target = [0.5, -0.3, 1.2], at_most = 0.01 },
    { quantity = "site.wing.position", target = [1.5, -0.3, 0.2], at_most = 0.01 },
]
"#;
    let scene = parse(text, &folder.path().join("turn.toml")).unwrap();
    let out = run(&scene.problem, &Settings::default(), &mut |_| {}).unwrap();
    for goal in scene.judge(&out.solution).unwrap() {
        assert!(goal.reached, "{goal:?}, although {} after {}", out.stop, out.iterations);
    }
}

#[test]
fn iterative_lqr_refuses_problems_that_are_not_its_own() {
    let scene = scene(&format!("{REACH}\n[optimizer]\nkind = \"ilqr\"\n"));
    let mut smooth = scene.problem.clone();
    smooth.method.bounds = Bounds::Smooth;
    let refused = run(&smooth, &Settings::default(), &mut |_| {}).unwrap_err().to_string();
    assert!(refused.contains("with bounds by projection"), "{refused}");
    let terms = Terms::new(&compile(&scene.problem.description), scene.problem.terms.clone());
    let refused = run_with(&scene.problem, terms, &Settings::default(), &mut |_| {}).unwrap_err().to_string();
    assert!(refused.contains("needs the curvature of the cost"), "{refused}");
}

#[test]
fn a_checkpoint_of_another_scene_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = Some(folder.path().join("checkpoint.safetensors"));
    let settings = Settings { iterations: Some(1), checkpoint: checkpoint.clone(), ..Settings::default() };
    run(&scene(EVERYTHING).problem, &settings, &mut |_| {}).unwrap();
    let other = scene(&EVERYTHING.replace("weight = 3.0", "weight = 4.0"));
    let settings = Settings { resume: checkpoint, ..Settings::default() };
    let refused = run(&other.problem, &settings, &mut |_| {}).unwrap_err().to_string();
    assert!(refused.contains("another scene or model"), "{refused}");
}

#[test]
fn every_scene_reaches_its_goals() {
    let all = [
        ("pendulum_swingup", 2),
        ("cartpole_swingup", 2),
        ("cartpole_ilqr", 2),
        ("double_pendulum_throw", 2),
        ("arm_reach", 2),
        ("block_push", 2),
        ("five_bar", 2),
        ("stack", 2),
        ("gripper_lift", 2),
        ("hopper", 2),
        ("walker", 1),
        ("billiards", 1),
        ("spring_triangle", 1),
        ("spring_robot_b", 1),
        ("rope_swing", 1),
        ("cloth_throw", 1),
        ("paddle_ball", 1),
    ];
    for (name, seeds) in all {
        let scene = load(&scenes().join(format!("{name}.toml"))).unwrap();
        for seed in 0..seeds {
            let out = run(&scene.problem, &Settings { seed, ..Settings::default() }, &mut |_| {}).unwrap();
            println!("{name}, seed {seed}: {} ({:.2} s)", out.stop, out.seconds);
            for goal in scene.judge(&out.solution).unwrap() {
                assert!(goal.reached, "{name}, seed {seed}: {goal:?}, although {}", out.stop);
            }
        }
    }
}

#[test]
fn the_quadruped_gets_nearer_to_its_trot() {
    // Reaching its goals takes it six times as many, and longer than all other scenes together.
    let scene = load(&scenes().join("quadruped.toml")).unwrap();
    let settings = Settings { iterations: Some(30), ..Settings::default() };
    let out = run(&scene.problem, &settings, &mut |_| {}).unwrap();
    assert!(out.cost_best < 0.2 * out.cost_first, "{} is not far below {}", out.cost_best, out.cost_first);
}

#[test]
fn friction_at_its_lower_bound_has_a_slope_that_leads_back() {
    let scene = scene(
        r#"
model = "models/sled.xml"
horizon = 0.05
start = { velocity = { sled = [1.2, 0.0, 0.0, 0.0, 0.0, 0.0] } }
cost = [{ quantity = "site.front.position.x", target = 0.0, weight = 1.0, when = "final" }]
optimize = [{ what = "geom.runner.friction[0]", lower = 0.0 }]
"#,
    );
    let mut evaluator = Evaluator::of_terms(&scene.problem);
    let lowest = scene.problem.coordinates()[0].projected(f64::NEG_INFINITY);
    let mut gradient = [0.0];
    evaluator.value_and_gradient(&[lowest], &mut gradient).unwrap();
    // More friction stops the sled nearer to where it is wished.
    assert!(gradient[0] < -1e-6, "{gradient:?}");
}
