//! The search for the constraint forces ends at the optimum, and its derivatives with it.

use costate::model::{Input, Model, State};
use costate::number::{LanesF32, Mask, Real, Twice};
use costate::physics::constraint::{Constraint, Solver};
use costate::physics::{Linearization, Record, Stage, acceleration, derive, step};
use serde_json::Value;

use super::ladder::described;
use super::recorded::{difference, numbers, root};

fn model(xml: &str) -> Model<f64> {
    derive::compile(&described(xml))
}

fn at(model: &Model<f64>, q: &[f64], v: &[f64]) -> State<f64> {
    let mut state = State::reference(model);
    state.q.copy_from_slice(q);
    state.v.copy_from_slice(v);
    state
}

/// The state after so many steps, and in how many of them the search needed more digits.
fn run(model: &Model<f64>, mut state: State<f64>, steps: usize) -> (State<f64>, usize) {
    let (mut record, input, mut next) = (Record::new(model), Input::zero(model), state.clone());
    let mut refined = 0;
    for k in 0..steps {
        step(model, &state, &input, &mut record, &mut next);
        assert!(record.solved(), "the search failed at step {k}");
        refined += record.stages[0].refined();
        std::mem::swap(&mut state, &mut next);
    }
    (state, refined)
}

#[test]
fn a_puck_glides_over_ice_as_in_mujoco() {
    let model = model(
        r#"<mujoco><worldbody><geom type="plane" size="5 5 .1" friction="0.001 0 0"/>
        <body pos="0 0 .0605"><freejoint/><geom type="box" size=".1 .08 .06" friction="0.001 0 0"/></body>
        </worldbody></mujoco>"#,
    );
    let start = at(&model, &[0.0, 0.0, 0.0605, 1.0, 0.0, 0.0, 0.0], &[1.0, 0.2, 0.0, 0.0, 0.0, 0.5]);
    let (end, refined) = run(&model, start, 1500);
    let q = [2.95582620, 0.6, 0.0598744560, 0.731687840, 1.80478233e-4, 1.81697607e-4, 0.681639816];
    let error = difference(&end.q, &q);
    println!("after 1,500 steps {error:.1e} off, {refined} searches with more digits");
    assert!(error < 1e-8);
}

#[test]
fn a_plank_about_its_middle_bounces_on_its_end_as_in_mujoco() {
    let model = model(
        r#"<mujoco><option timestep="0.002"/><worldbody><geom type="plane" size="2 2 .1"/>
        <body pos="0 0 .2"><joint axis="0 1 0"/><geom type="capsule" fromto="-.6 0 0 .6 0 0" size=".03" mass="2"/>
        </body></worldbody></mujoco>"#,
    );
    let (end, refined) = run(&model, at(&model, &[0.1], &[0.7]), 400);
    println!("angle {:.7}, rate {:.7}, {refined} searches with more digits", end.q[0], end.v[0]);
    assert!((end.q[0] - 0.236838).abs() < 1e-6 && (end.v[0] + 0.106038).abs() < 1e-6);
    assert!(refined > 0, "the contact is as stiff as can be");
}

#[test]
fn both_limits_of_a_hinge_push_at_once_as_in_mujoco() {
    let model = model(
        r#"<mujoco><worldbody><body><joint axis="1 0 0" range="0 0.12" limited="true" margin="0.25"/>
        <geom size="0.5" density="1000"/></body></worldbody></mujoco>"#,
    );
    let (input, mut stage) = (Input::zero(&model), Stage::new(&model));
    acceleration(&model, &State::reference(&model), &input, &mut stage);
    assert!(stage.solved());
    assert!((stage.a[0] - 2.6851219261454).abs() < 1e-10, "{}", stage.a[0]);
}

/// A bar that turns about an upright axis through its centre and rubs on the floor, into which it reaches: its
/// contacts have `D = 5e14` and push with 1e15 N straight along the axis, which nothing feels.
fn turntable(damper: &str) -> Model<f64> {
    model(&format!(
        r#"<mujoco><option timestep="0.002">{damper}</option><worldbody>
        <geom type="plane" size="1 1 .1" pos="0 0 .05"/>
        <body pos="0.01 0.01 0.0595"><joint axis="0 0 1" damping="0.3"/>
        <geom type="box" size=".01 .03 .01" mass="0.1"/></body></worldbody></mujoco>"#
    ))
}

#[test]
fn friction_that_sticks_brakes_a_turntable_and_so_does_its_derivative() {
    // a = −b v, b = 2/(0.95 · 0.02); the damper then shares the change of velocity in proportion to the inertia
    // M/(M + h d) where it is implicit (Todorov 2014; MuJoCo's documentation, "Numerical integration").
    let (h, b, inertia) = (0.002, 2.0 / (0.95 * 0.02), 0.1 / 3.0 * (1e-4 + 9e-4));
    let explicit = r#"<flag eulerdamp="disable"/>"#;
    for (damper, share) in [(explicit, 1.0), ("", inertia / (inertia + h * 0.3))] {
        let model = turntable(damper);
        let (state, input) = (at(&model, &[0.0], &[0.3]), Input::zero(&model));
        let mut stage = Stage::new(&model);
        acceleration(&model, &state, &input, &mut stage);
        assert!((stage.a[0] + b * 0.3).abs() < 1e-9, "{}", stage.a[0]);
        let mut linear = Linearization::new(&model);
        linear.update(&state, &input);
        let rate = 1.0 - h * b * share;
        let error = difference(&linear.a, &[1.0, h * rate, 0.0, rate]);
        println!("A {:?}, {error:.1e} off", linear.a);
        assert!(error < 1e-9);
    }
}

#[test]
fn bodies_that_cannot_move_are_tied_without_a_force() {
    let model = model(
        r#"<mujoco><worldbody><body name="a"><geom size=".1"/></body><body name="b" pos="1 0 0"><geom size=".1"/></body>
        <body pos="0 0 2"><joint type="slide" axis="0 0 1" damping="1"/><geom size=".1"/></body></worldbody>
        <equality><weld body1="a" body2="b"/></equality></mujoco>"#,
    );
    let (end, _) = run(&model, State::reference(&model), 3);
    assert!(end.q[0].is_finite() && end.v[0] < 0.0);
    let (input, mut stage) = (Input::zero(&model), Stage::new(&model));
    for _ in 0..3 {
        acceleration(&model, &State::reference(&model), &input, &mut stage);
        let (first, again) = (stage.constraint.force.clone(), stage.constraint.residual.clone());
        acceleration(&model, &State::reference(&model), &input, &mut stage);
        assert_eq!((first, again), (stage.constraint.force.clone(), stage.constraint.residual.clone()));
    }
}

/// The acceleration by a search in twice the precision over the same rows, from the free acceleration.
fn in_twice_the_precision(model: &Model<f64>, stage: &Stage<f64>) -> Vec<f64> {
    let lifted = |list: &[f64]| list.iter().map(|&x| Twice::from(x)).collect::<Vec<_>>();
    let mut free = stage.smooth.clone();
    stage.factor.solve(&model.topology.pattern, &mut free);
    let model = model.map(Twice::from);
    let (mut constraint, mut solver) = (Constraint::new(&model), Solver::new(&model));
    constraint.copy_from(&stage.constraint, Twice::from);
    let [mass, smooth, free] = [&stage.mass, &stage.smooth, &free].map(|list| lifted(list));
    constraint.solve(&model, (&mass, &smooth, &free), &free, &mut solver);
    constraint.a.iter().map(|a| a.first()).collect()
}

/// The worst of many random worlds, recorded by `benches/peers/worlds.py --record`.
#[test]
fn the_worst_of_many_random_worlds_are_solved_as_in_twice_the_precision() {
    let file = root().join("tests/recorded/search/worlds.json");
    let all: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(all["mujoco"], "4.0.0");
    let worlds = all["worlds"].as_array().unwrap();
    let (mut refined, mut in_single, mut worst, mut by_mujoco) = (0, 0, [0.0f64; 2], 0);
    for world in worlds {
        let xml = world["xml"].as_str().unwrap();
        let model = model(xml);
        let state = at(&model, &numbers(&world["qpos"]), &numbers(&world["qvel"]));
        let state = state.moved(&model, &vec![0.0; state.v.len()], &[], &[]);
        let (input, mut stage) = (Input::zero(&model), Stage::new(&model));
        acceleration(&model, &state, &input, &mut stage);
        assert!(stage.solved(), "no optimum found of {xml}");
        refined += stage.refined();
        let rounding = 1e-9 + 100.0 * f64::EPSILON * world["kappa"].as_f64().unwrap();
        let share = |wanted: &[f64], allowed: f64| {
            let scale = wanted.iter().fold(1e-6f64, |m, x| m.max(x.abs()));
            let off = stage.a.iter().zip(wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            off / scale / allowed
        };
        if stage.constraint.acts() {
            let own = share(&in_twice_the_precision(&model, &stage), rounding);
            assert!(own < 1.0, "{own:.1e} times the rounding error allowed, of {xml}");
            worst[0] = worst[0].max(own);
        }
        if world["comparable"] == true {
            let theirs =
                share(&numbers(&world["acceleration"]), rounding + world["spread"].as_f64().unwrap());
            assert!(theirs < 2.0, "{theirs:.1e} times what is allowed from MuJoCo's answer, of {xml}");
            worst[1] = worst[1].max(theirs);
            by_mujoco += 1;
        }
        let (model, state) =
            (model.map(|x| LanesF32::splat(x as f32)), state.map(|x| LanesF32::splat(x as f32)));
        let mut stage = Stage::new(&model);
        acceleration(&model, &state, &Input::zero(&model), &mut stage);
        // Masses that differ by more than 1e7 leave single precision no inertia matrix to search with.
        let possible = world["single"] == true;
        assert!(stage.solved().all() || !possible, "no optimum found in single precision of {xml}");
        in_single += usize::from(stage.refined() > 0);
    }
    println!(
        "{} worlds, {refined} with more digits than double, {in_single} with more than single precision; {:.2} of what is \
         allowed against twice the precision, {:.2} against MuJoCo in {by_mujoco}",
        worlds.len(),
        worst[0],
        worst[1]
    );
}
