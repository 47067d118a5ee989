//! Recordings: what they say about parameters, and what is wrong with them.

use std::path::{Path, PathBuf};

use costate::optimize::{Evaluator, Fit, Settings, fit, jacobian, run};
use costate::physics::derive::compile;
use costate::scene::toml::{Scene, load, parse};

fn scenes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes")
}

fn fitted(scene: &Scene) -> Fit {
    let out = run(&scene.problem, &Settings::default(), &mut |_| {}).unwrap();
    for goal in scene.judge(&out.solution).unwrap() {
        assert!(goal.reached, "{goal:?}, although {}", out.stop);
    }
    fit(&scene.problem, &out.solution).unwrap().expect("costs compare with recordings")
}

fn assert_within(fit: &Fit, truth: &[(&str, f64)]) {
    for (name, truth) in truth {
        let e = fit.estimates.iter().find(|e| e.name == *name).unwrap_or_else(|| panic!("no {name}"));
        println!("{name}: {truth} is to be in {} ± {}", e.value, e.half_width);
        assert!(
            (e.value - truth).abs() <= e.half_width,
            "{name}: {truth} is not in {} ± {}",
            e.value,
            e.half_width
        );
        assert!(e.half_width < 0.5 * truth.abs(), "{name}: ± {} says nothing about {truth}", e.half_width);
    }
}

#[test]
fn the_masses_and_dampings_of_an_arm_are_within_their_intervals_of_the_true_ones() {
    let fit = fitted(&load(&scenes().join("identify_arm.toml")).unwrap());
    assert!((fit.errors - 1.0).abs() < 0.05, "errors of {} deviations", fit.errors);
    // Those of `scenes/recordings/record.py`.
    let truth = [
        ("geom.upper.mass", 3.9),
        ("geom.upper_roll.mass", 2.2),
        ("geom.forearm.mass", 2.45),
        ("geom.forearm_roll.mass", 1.3),
        ("geom.wrist.mass", 1.15),
        ("geom.palm.mass", 0.6),
        ("joint.yaw.damping[0]", 1.9),
        ("joint.shoulder.damping[0]", 1.1),
        ("joint.upper_roll.damping[0]", 0.6),
        ("joint.elbow.damping[0]", 1.05),
        ("joint.forearm_roll.damping[0]", 0.33),
        ("joint.wrist.damping[0]", 0.19),
        ("joint.hand_roll.damping[0]", 0.31),
    ];
    assert_within(&fit, &truth);
}

#[test]
fn the_friction_of_a_sled_is_within_its_interval_of_the_true_one() {
    let fit = fitted(&load(&scenes().join("identify_friction.toml")).unwrap());
    assert!((fit.errors - 1.0).abs() < 0.1, "errors of {} deviations", fit.errors);
    let truth = [
        ("geom.runner.friction[0]", 0.27),
        ("start.velocity.sled[0]", 1.3),
        ("start.velocity.sled[1]", 0.25),
        ("start.velocity.sled[5]", 2.0),
    ];
    assert_within(&fit, &truth);
}

/// A pendulum whose gravity, mass and rod only count together.
const PENDULUM: &str = r#"
model = "models/pendulum.xml"
horizon = 1.0
[start]
position = { hinge = 0.7 }
[[cost]]
quantity = "joint.*.position"
reference = "swing.csv"
deviation = 0.01
[[optimize]]
what = "option.gravity[2]"
[[optimize]]
what = "joint.*.damping[0]"
"#;

#[test]
fn the_jacobian_of_residuals_gives_the_gradient_of_their_squares() {
    // Every kind of variable, penalty and time.
    for name in ["identify_arm", "arm_reach", "block_push", "hopper_rhythm", "cartpole_swingup"] {
        let path = scenes().join(format!("{name}.toml"));
        // Controls of the step before are asked for as well.
        let more = match name {
            "cartpole_swingup" => "\n[[cost]]\nquantity = \"control_rate.push\"\nweight = 0.01\n",
            _ => "",
        };
        let mut scene = parse(&(std::fs::read_to_string(&path).unwrap() + more), &path).unwrap();
        let problem = &mut scene.problem;
        problem.method.bounds = costate::optimize::Bounds::Projection;
        let coordinates = problem.coordinates();
        let x: Vec<f64> = (0..coordinates.len()).map(|k| 0.02 * (1.7 * k as f64).sin()).collect();
        let mut evaluator = Evaluator::of_terms(problem);
        let mut gradient = vec![0.0; x.len()];
        let cost = evaluator.value_and_gradient(&x, &mut gradient).unwrap();
        let (r, j) = jacobian(problem, &evaluator.natural(&x)).unwrap();
        assert!((r.norm_squared() - cost).abs() < 1e-12 * cost, "{name}: {} is not {cost}", r.norm_squared());
        let size = gradient.iter().fold(0.0, |m: f64, g| m.max(g.abs()));
        let mut worst = 0.0_f64;
        for (k, (g, c)) in gradient.iter().zip(&coordinates).enumerate() {
            worst = worst.max((2.0 * r.dot(&j.column(k)) * c.slope(x[k]) - g).abs() / size);
        }
        println!("{name}: {worst:.1e}");
        assert!(worst < 1e-9, "{name}: 2 Jᵀ r differs from the gradient by {worst:e}");
    }
}

fn refused(scene: &str, csv: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("models")).unwrap();
    std::fs::copy(scenes().join("models/pendulum.xml"), folder.path().join("models/pendulum.xml")).unwrap();
    std::fs::write(folder.path().join("swing.csv"), csv).unwrap();
    let message = parse(scene, &folder.path().join("scene.toml")).expect_err(csv).to_string();
    message.replacen(&format!("{}/", folder.path().display()), "", 1)
}

#[test]
fn a_recording_that_does_not_fit_is_refused_with_its_row_and_the_nearest_right_answer() {
    let model = compile(&costate::scene::mjcf::load(&scenes().join("models/pendulum.xml")).unwrap());
    let (joint, dt) = (model.topology.names.joints[0].clone(), model.option.timestep);
    let scene = PENDULUM.replace("hinge =", &format!("{joint} ="));
    let csv = |times: &[f64]| {
        let rows = times.iter().map(|t| format!("{t:.6},0.1\n"));
        format!("time [s],joint.{joint}.position [rad]\n{}", rows.collect::<String>())
    };
    let cases = [
        (csv(&[0.0, 2.0 * dt, 4.0 * dt, 8.0 * dt]), "swing.csv:5: this row is at"),
        (csv(&[0.0, 1.4 * dt, 2.8 * dt]), "swing.csv:3: the rows stand"),
        (csv(&[0.3 * dt, 1.3 * dt]), "swing.csv:2: the first row is at"),
        (csv(&[0.0]), "swing.csv: a recording has two rows at least"),
        (csv(&[0.0, dt]).replace(".position", ".positon"), "swing.csv:1: there is no column \"joint."),
        (csv(&[0.0, dt]).replace("time", "seconds"), "swing.csv:1: there is no column \"time\""),
        (
            csv(&[0.0, dt]).replace("0.1\n", "0.1,3\n"),
            "swing.csv:2: a row of 3 numbers (there are 2 columns)",
        ),
        (csv(&[0.0, dt]).replace("0.1\n", "nan\n"), "swing.csv:2: \"nan\" for joint."),
    ];
    for (csv, expected) in &cases {
        let message = refused(&scene, csv);
        assert!(message.starts_with(expected), "{message}\nis not\n{expected}");
    }
    let good = csv(&[0.0, dt, 2.0 * dt]);
    let scenes = [
        (scene.replace("swing.csv", "swin.csv"), "scene.toml:8: there is no file"),
        (scene.replace("deviation = 0.01", ""), "scene.toml:7: a cost needs a weight"),
        (scene.replace("deviation = 0.01", "weight = 1.0"), "swing.csv: the rows last from"),
        (
            scene.replace("deviation = 0.01", "deviation = 0.01\nweight = 1.0"),
            "scene.toml:9: give either weight or",
        ),
        (scene.replace("reference = \"swing.csv\"", ""), "scene.toml:9: deviation is that of a recording"),
        (
            scene.replace("deviation = 0.01", "deviation = -0.01"),
            "scene.toml:9: deviation is -0.01, and must be above",
        ),
    ];
    for (scene, expected) in &scenes {
        let message = refused(scene, &good);
        assert!(message.starts_with(expected), "{message}\nis not\n{expected}");
    }
}

#[test]
fn what_only_counts_together_is_said_to_be_undetermined() {
    // Gravity and mass move a point mass on a weightless rod without damping only through gravity; so the mass
    // alone is open, and beside damping it is known only relative to it.
    let folder = tempfile::tempdir().unwrap();
    let model = r#"<mujoco><option timestep="0.01"/><worldbody><body name="bob" pos="0 0 0">
        <joint name="pivot" axis="0 1 0" damping="0.05"/>
        <inertial pos="0 0 -0.5" mass="0.8" diaginertia="1e-9 1e-9 1e-9"/></body></worldbody></mujoco>"#;
    std::fs::write(folder.path().join("pendulum.xml"), model).unwrap();
    let text = r#"
model = "pendulum.xml"
horizon = 1.0
start = { position = { pivot = 0.7 } }
cost = [{ quantity = "joint.pivot.position", reference = "swing.csv", deviation = 0.001 }]
optimize = [{ what = "body.bob.mass", lower = 0.1 }, { what = "joint.pivot.damping[0]" }]
optimizer = { kind = "levenberg-marquardt" }
"#;
    let path = folder.path().join("scene.toml");
    std::fs::write(folder.path().join("swing.csv"), "time,joint.pivot.position\n0,0.7\n1,0.7\n").unwrap();
    let scene = parse(text, &path).unwrap();
    let still = costate::optimize::Solution::of(&scene.problem, &[0.8, 0.05]);
    let motion = scene.rollout(&still).unwrap();
    let rows = motion.states.iter().map(|s| format!("{},{}\n", s.time, s.q[0]));
    let csv = format!("time,joint.pivot.position\n{}", rows.collect::<String>());
    std::fs::write(folder.path().join("swing.csv"), csv).unwrap();
    let scene = parse(text, &path).unwrap();
    let fit = fit(&scene.problem, &still).unwrap().unwrap();
    let [open] = &fit.undetermined[..] else { panic!("{:?}", fit.undetermined) };
    let shares: Vec<f64> = open.shares.iter().map(|s| s.0).collect();
    assert!(shares.iter().all(|s| (s - 0.5f64.sqrt()).abs() < 1e-6), "{shares:?}: both in proportion");
    assert!(open.half_width.is_infinite() && fit.estimates.iter().all(|e| e.half_width.is_infinite()));
}
