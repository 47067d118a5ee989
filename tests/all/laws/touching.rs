//! Sticking, resting and bouncing, in closed form, and their derivatives.

use super::super::ladder::described;
use super::{Experiment, after, assert_close};
use costate::model::{Description, State};
use costate::physics::{Stage, acceleration, derive};

const GRAVITY: f64 = 9.81;

/// A block that cannot turn on a floor that is tilted by `angle`, seen along the floor.
fn block(friction: f64, angle: f64, ratio: f64) -> Description {
    let (sine, cosine) = angle.sin_cos();
    described(&format!(
        r#"<mujoco><option timestep="0.001" gravity="{} 0 {}" cone="elliptic" impratio="{ratio}"/><worldbody>
        <geom name="floor" type="plane" size="9 9 1"/>
        <body name="block" pos="0 0 .1"><joint type="slide" axis="1 0 0"/><joint type="slide" axis="0 1 0"/>
        <joint type="slide" axis="0 0 1"/><geom name="block" size=".1" mass="2"/></body></worldbody>
        <contact><pair name="sole" geom1="floor" geom2="block" friction="{friction} {friction}" solref=".01 1" solimp=".9 .9 .001"/></contact></mujoco>"#,
        GRAVITY * sine,
        -GRAVITY * cosine
    ))
}

#[test]
fn a_block_sticks_below_the_friction_angle_and_creeps_as_slowly_as_its_impedance_says() {
    let (friction, ratio) = (0.5, 10.0);
    let angle = 0.8 * f64::atan(friction);
    let d = block(friction, angle, ratio);
    let model = derive::compile(&d);
    let rest = after(&model, &State::reference(&model), 1000);
    // At rest m g sin θ = D₁ B v, with D₁ = ratio·m I/(1 − I) and B = 2/(I s₀).
    let creep = GRAVITY * angle.sin() * (0.1 / 0.9) / ratio * (0.9 * 0.01 / 2.0);
    assert_close("creep", rest.v[0], creep, 1e-10);
    let slope = Experiment::new(d, &rest.q, &rest.v, 0, 1000).slope(&[("option.gravity[0]", 1.0)], &[0.0; 3]);
    assert_close("its derivative by gravity", slope, creep / (GRAVITY * angle.sin()), 1e-4);
}

#[test]
fn a_resting_box_carries_its_weight_with_every_cone_and_sinks_in_proportion_to_gravity() {
    for cone in ["pyramidal", "elliptic"] {
        let d = described(&format!(
            r#"<mujoco><option cone="{cone}"/><worldbody><geom type="plane" size="1 1 1"/>
            <body pos="0 0 .1"><freejoint/><geom type="box" size=".2 .15 .1" density="500"/></body></worldbody></mujoco>"#
        ));
        let model = derive::compile(&d);
        let rest = after(&model, &State::reference(&model), 2000);
        let mut stage = Stage::new(&model);
        acceleration(&model, &rest, &costate::model::Input::zero(&model), &mut stage);
        let c = &stage.constraint;
        let normal: f64 = c.rows.blocks.iter().map(|b| c.force[b.row]).sum();
        assert_close(cone, normal, model.bodies[1].mass * GRAVITY, 1e-9);
    }
    // A ball alone: m g = D K I x, D = m I/(1 − I), K = 1/(I s₀ s₁)².
    let d = described(
        r#"<mujoco><worldbody><geom type="plane" size="1 1 1" priority="-1"/>
        <body pos="0 0 .1"><joint type="slide" axis="0 0 1"/><geom size=".1" condim="1" solref=".02 1" solimp=".9 .9 .001"/></body></worldbody></mujoco>"#,
    );
    let depth = GRAVITY * (0.1 / 0.9) * 0.9 * 0.02 * 0.02;
    let model = derive::compile(&d);
    let rest = after(&model, &State::reference(&model), 2000);
    assert_close("depth", -rest.q[0], depth, 1e-10);
    let slope = Experiment::new(d, &rest.q, &[0.0], 0, 2000).slope(&[("option.gravity[2]", -1.0)], &[0.0]);
    assert_close("its derivative by gravity", -slope, depth / GRAVITY, 1e-9);
}

/// Balls on a line, without gravity; a contact is a spring of 10⁴/s² without damping.
fn balls(places: &[f64], solref: &str, solimp: &str, timestep: f64) -> Description {
    let bodies: String = places
        .iter()
        .map(|x| {
            format!(
                r#"<body pos="{x} 0 0"><joint type="slide" axis="1 0 0"/><geom size=".1" condim="1" mass="1.5" solref="{solref}" solimp="{solimp}"/></body>"#
            )
        })
        .collect();
    described(&format!(
        r#"<mujoco><option timestep="{timestep}" gravity="0 0 0"/><worldbody>
        <geom type="plane" size="1 1 1" zaxis="1 0 0" priority="-1"/>{bodies}</worldbody></mujoco>"#
    ))
}

#[test]
fn an_elastic_ball_bounces_back_as_fast_as_it_came_after_half_a_period() {
    let d = balls(&[0.15], "-10000 0", ".9 .9 .001", 1e-4);
    let model = derive::compile(&d);
    let mut start = State::reference(&model);
    start.v[0] = -1.0;
    let end = after(&model, &start, 2000);
    assert_close("speed", end.v[0], 1.0, 1e-4);
    // It touches after 0.05 s and for π/100 s.
    let place = (0.2 - 0.05 - std::f64::consts::PI / 100.0) - 0.05;
    assert_close("place", end.q[0], place, 2e-4);
}

#[test]
fn equal_balls_exchange_their_velocities_and_keep_their_momentum() {
    let d = balls(&[0.5, 0.75], "-10000 0", ".9 .9 .001", 1e-4);
    let model = derive::compile(&d);
    let mut start = State::reference(&model);
    start.v.copy_from_slice(&[0.8, 0.1]);
    let end = after(&model, &start, 2000);
    assert_close("the first", end.v[0], 0.1, 1e-4);
    assert_close("the second", end.v[1], 0.8, 1e-4);
    assert_close("momentum", end.v[0] + end.v[1], 0.9, 1e-13);
}

#[test]
fn an_impact_of_spinning_boxes_keeps_their_momentum() {
    let d = described(
        r#"<mujoco><option gravity="0 0 0"/><worldbody>
        <body><freejoint/><geom type="box" size=".1 .2 .15"/></body>
        <body pos=".4 .05 .1"><freejoint/><geom type="box" size=".15 .1 .1" condim="4" density="400"/></body></worldbody></mujoco>"#,
    );
    let model = derive::compile(&d);
    let mut start = State::reference(&model);
    start.v.copy_from_slice(&[1.0, 0.2, 0.0, 1.0, 2.0, -1.0, -2.0, 0.0, 0.1, 0.5, -1.0, 2.0]);
    let momentum =
        |s: &State<f64>| [0, 1, 2].map(|k| model.bodies[1].mass * s.v[k] + model.bodies[2].mass * s.v[6 + k]);
    let end = after(&model, &start, 300);
    assert!((end.v[0] - start.v[0]).abs() > 0.1, "they did not meet");
    for (a, b) in momentum(&start).into_iter().zip(momentum(&end)) {
        assert_close("momentum", b, a, 1e-12);
    }
}

/// The relative error of the derivative of a damped bounce by the ball's place. Starting later by `t` ends
/// later by `t`: `∂x_end/∂x_start = v_end/v_start`.
fn bounce(solimp: &str, timestep: f64, place: f64) -> f64 {
    let d = balls(&[place], ".02 1", solimp, timestep);
    let experiment = Experiment::new(d, &[0.0], &[-1.0], 0, (0.3 / timestep).round() as usize);
    let end = after(&derive::compile(&experiment.description), &experiment.start, experiment.reading.steps);
    // The joint reads the place from the ball's own.
    let slope = 1.0 + experiment.derivative(&[("body#1.pos[0]", 1.0)], &[0.0]);
    (slope + end.v[0]).abs() / end.v[0]
}

/// The worst of several places, that meet the wall at different parts of a step.
fn worst_bounce(solimp: &str, timestep: f64) -> f64 {
    (0..5).map(|k| bounce(solimp, timestep, 0.15 + 0.23 * f64::from(k) * timestep)).fold(0.0, f64::max)
}

#[test]
fn a_force_that_jumps_at_touch_has_no_derivative_of_its_bounce_and_one_that_grows_has() {
    let [coarse, middle, fine] = [1e-3, 5e-4, 2.5e-4].map(|h| worst_bounce(".9 .95 .001", h));
    println!("by default {coarse:.2e}, {middle:.2e}, {fine:.2e}");
    assert!(coarse > 0.05 && middle > 0.05 && fine > 0.05, "the bounce has a derivative");
    let [coarse, middle, fine] = [1e-3, 5e-4, 2.5e-4].map(|h| worst_bounce("0 .95 .05 .5 2", h));
    println!("from zero over a wide way {coarse:.2e}, {middle:.2e}, {fine:.2e}");
    assert!(middle < 0.75 * coarse && fine < 0.75 * middle && fine < 0.04);
}
