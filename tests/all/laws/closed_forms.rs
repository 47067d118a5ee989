//! Motions that are known in closed form, and their derivatives.

use std::f64::consts::FRAC_PI_2;

use super::super::ladder::described;
use super::{Experiment, after, assert_close};
use costate::model::State;
use costate::physics::derive;

/// The complete elliptic integral of the first kind, by the arithmetic-geometric mean (Gauss 1799).
pub fn elliptic_k(modulus: f64) -> f64 {
    let (mut a, mut b) = (1.0, (1.0 - modulus * modulus).sqrt());
    for _ in 0..60 {
        (a, b) = (0.5 * (a + b), (a * b).sqrt());
    }
    FRAC_PI_2 / a
}

const GRAVITY: f64 = 9.81;

/// A heavy bob on a rod without weight, released at rest; it is read at a quarter of `period`.
fn pendulum(angle: f64, length: f64, inertia: f64, period: f64, steps: usize) -> Experiment {
    let mut d = described(&format!(
        r#"<mujoco><option integrator="RK4"/><worldbody><body name="bob"><joint axis="0 1 0"/>
        <inertial pos="0 0 -{length}" mass="1.3" diaginertia="{inertia} {inertia} {inertia}"/></body></worldbody></mujoco>"#
    ));
    d.option.timestep = 0.25 * period / steps as f64;
    Experiment::new(d, &[angle], &[0.0], 0, steps)
}

#[test]
fn a_pendulum_swings_with_the_period_of_the_elliptic_integral_and_its_derivatives() {
    let (length, inertia) = (1.1, 0.05);
    let moment = inertia + 1.3 * length * length;
    for angle in [0.1, 1.0, 2.0, 3.0_f64] {
        // ω² = m g l / J, T = 4 K(sin θ₀/2) / ω.
        let period = 4.0 * elliptic_k((0.5 * angle).sin()) * (moment / (1.3 * GRAVITY * length)).sqrt();
        let steps = 1500;
        let experiment = pendulum(angle, length, inertia, period, steps);
        let model = derive::compile(&experiment.description);
        let end = after(&model, &experiment.start, steps);
        // A quarter of a period after its release the bob hangs straight down.
        let measured = period - 4.0 * end.q[0] / end.v[0];
        assert_close(&format!("period from {angle} rad"), measured, period, 1e-10);
        // θ(T/4; p) = 0 holds for every p: dT/dp = −4 (∂θ/∂p) / θ̇.
        let by = |parameter: &str| -4.0 * experiment.slope(&[(parameter, 1.0)], &[0.0]) / end.v[0];
        let by_length = period * (1.3 * length / moment - 0.5 / length);
        assert_close("its derivative by the length", -by("body.bob.ipos[2]"), by_length, 1e-8);
        assert_close("its derivative by gravity", -by("option.gravity[2]"), -0.5 * period / GRAVITY, 1e-8);
        let by_mass = 0.5 * period * (length * length / moment - 1.0 / 1.3);
        assert_close("its derivative by the mass", by("body.bob.mass"), by_mass, 1e-8);
    }
}

#[test]
fn the_mathematical_pendulum_of_one_metre_has_its_tabulated_periods() {
    for (angle, period) in [(0.1, 2.0073212), (1.0, 2.1391376), (2.0, 2.6658709), (3.0, 5.1580668)] {
        let experiment = pendulum(angle, 1.0, 1e-9, period, 1500);
        let model = derive::compile(&experiment.description);
        let end = after(&model, &experiment.start, 1500);
        assert_close("period", period - 4.0 * end.q[0] / end.v[0], period, 2e-8);
    }
}

#[test]
fn a_spinning_projectile_flies_as_far_as_galileo_says_and_farther_by_the_right_derivative() {
    let (speed, angle, steps) = (5.0_f64, 0.6_f64, 40);
    let (sine, cosine) = angle.sin_cos();
    let mut d = described(
        r#"<mujoco><option integrator="RK4"/><worldbody><body><freejoint/>
        <geom type="box" size=".1 .07 .03"/></body></worldbody></mujoco>"#,
    );
    d.option.timestep = 2.0 * speed * sine / GRAVITY / steps as f64;
    let v = [speed * cosine, 0.0, speed * sine, 3.0, -2.0, 1.0];
    let along = Experiment::new(d.clone(), &[], &v, 0, steps);
    let up = Experiment::new(d.clone(), &[], &v, 2, steps);
    let end = after(&derive::compile(&d), &along.start, steps);
    let rate = end.v[0] / end.v[2];
    let range = end.q[0] - end.q[2] * rate;
    assert_close("range", range, speed * speed * (2.0 * angle).sin() / GRAVITY, 1e-13);
    // It lands where z = 0: the range changes by ∂x − ∂z ẋ/ż.
    let by_angle = [-speed * sine, 0.0, speed * cosine, 0.0, 0.0, 0.0];
    let slope = along.slope(&[], &by_angle) - up.slope(&[], &by_angle) * rate;
    assert_close("by the angle", slope, 2.0 * speed * speed * (2.0 * angle).cos() / GRAVITY, 1e-12);
    let by_speed = [cosine, 0.0, sine, 0.0, 0.0, 0.0];
    let slope = along.slope(&[], &by_speed) - up.slope(&[], &by_speed) * rate;
    assert_close("by the speed", slope, 2.0 * speed * (2.0 * angle).sin() / GRAVITY, 1e-12);
}

#[test]
fn an_oscillator_has_the_exact_discrete_frequency_of_semi_implicit_euler() {
    let (mass, stiffness, h, start) = (0.7, 35.0, 0.02, 0.3);
    let mut d = described(&format!(
        r#"<mujoco><option gravity="0 0 0"/><worldbody><body><joint name="spring" type="slide" axis="1 0 0" stiffness="{stiffness}"/>
        <inertial pos="0 0 0" mass="{mass}" diaginertia="1 1 1"/></body></worldbody></mujoco>"#
    ));
    d.option.timestep = h;
    let model = derive::compile(&d);
    // cos φ = 1 − (ω h)²/2, and xₙ = x₀ cos((n + ½) φ) / cos(φ/2) from rest.
    let phase = (1.0 - 0.5 * h * h * stiffness / mass).acos();
    let by_stiffness = 0.5 * h * h / mass / phase.sin();
    let mut state = State::reference(&model);
    state.q[0] = start;
    for n in [1, 7, 100, 1000] {
        let turned = (n as f64 + 0.5) * phase;
        let x = start * turned.cos() / (0.5 * phase).cos();
        assert_close("place", after(&model, &state, n).q[0], x, 1e-11);
        let slope = Experiment::new(d.clone(), &[start], &[0.0], 0, n)
            .slope(&[("joint.spring.stiffness[0]", 1.0)], &[0.0]);
        let by_phase = (0.5 * (0.5 * phase).tan() * turned.cos() - (n as f64 + 0.5) * turned.sin()) * start
            / (0.5 * phase).cos();
        assert_close("its derivative by the stiffness", slope, by_phase * by_stiffness, 1e-10);
    }
}
