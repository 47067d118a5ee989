//! What no motion changes.

use super::super::ladder::described;
use super::super::recorded::root;
use super::closed_forms::elliptic_k;
use super::{after, assert_close};
use costate::model::description::Integrator;
use costate::model::{Input, Model, State};
use costate::physics::articulated::energy;
use costate::physics::{Record, Stage, acceleration, derive, step};
use costate::scene::mjcf;
use costate::spatial::{Quat, Vec3};

/// A free rigid body with principal moments 1, 2 and 3, far from any force.
fn free_body() -> Model<f64> {
    derive::compile(&described(
        r#"<mujoco><option gravity="0 0 0" timestep="0.002" integrator="RK4"/><worldbody><body><freejoint/>
        <inertial pos="0 0 0" mass="1" diaginertia="1 2 3"/></body></worldbody></mujoco>"#,
    ))
}

#[test]
fn a_body_without_torque_keeps_its_angular_momentum_in_space() {
    let model = free_body();
    let mut state = State::reference(&model);
    state.q[3..].copy_from_slice(&Quat::exp(Vec3::new(0.3, -1.0, 0.7)).to_array());
    state.v.copy_from_slice(&[0.4, 0.5, 0.6, 1.0, -2.0, 1.5]);
    let momentum = |s: &State<f64>| {
        let spin = Vec3::new(s.v[3], s.v[4], s.v[5]);
        s.quat(3).rotate(model.bodies[1].inertia.to_mat3() * spin)
    };
    let before = momentum(&state);
    let end = after(&model, &state, 2000);
    let turned = (end.quat(3).conjugate() * state.quat(3)).log().norm();
    assert!(turned > 0.1, "it must have turned to prove something");
    assert_close("angular momentum", (momentum(&end) - before).norm(), 0.0, 1e-9);
    // Four seconds at constant velocity.
    assert_close(
        "place",
        (end.q[0] - 1.6).abs() + (end.q[1] - 2.0).abs() + (end.q[2] - 2.4).abs(),
        0.0,
        1e-12,
    );
}

#[test]
fn a_wing_nut_flips_with_the_period_of_dzhanibekov() {
    let (i1, i2, i3) = (1.0, 2.0, 3.0);
    let spin = [0.01, 1.0, 0.02_f64];
    let energy = 0.5 * (i1 * spin[0].powi(2) + i2 * spin[1].powi(2) + i3 * spin[2].powi(2));
    let square = (i1 * spin[0]).powi(2) + (i2 * spin[1]).powi(2) + (i3 * spin[2]).powi(2);
    // With M² > 2 E I₂ (Landau and Lifshitz, Mechanics, § 37).
    assert!(square > 2.0 * energy * i2);
    let lower = square - 2.0 * energy * i1;
    let modulus = ((i2 - i1) * (2.0 * energy * i3 - square) / ((i3 - i2) * lower)).sqrt();
    let period = 4.0 * elliptic_k(modulus) * (i1 * i2 * i3 / ((i3 - i2) * lower)).sqrt();
    assert_close("the tabulated period", period, 33.194997, 1e-7);
    let mut model = free_body();
    let steps = 20_000;
    model.option.timestep = period / f64::from(steps);
    let mut state = State::reference(&model);
    state.v[3..].copy_from_slice(&spin);
    let half = after(&model, &state, steps as usize / 2);
    assert_close("half a period later it spins the other way", half.v[4], -1.0, 1e-6);
    let end = after(&model, &state, steps as usize);
    for (v, start) in end.v[3..].iter().zip(spin) {
        assert_close("spin after a period", *v, start, 1e-7);
    }
}

/// Linear momentum, and angular momentum about the common centre of mass.
fn momenta(model: &Model<f64>, state: &State<f64>) -> (Vec3<f64>, Vec3<f64>) {
    let mut stage = Stage::new(model);
    acceleration(model, state, &Input::zero(model), &mut stage);
    let all = || model.bodies.iter().zip(&stage.links.bodies).skip(1);
    let mass: f64 = all().map(|(b, _)| b.mass).sum();
    let center = all().fold(Vec3::zero(), |sum, (b, l)| sum + l.center * (b.mass / mass));
    let velocity =
        |l: &costate::physics::articulated::kinematics::Link<f64>| l.velocity.at(l.center - l.origin);
    let linear = all().fold(Vec3::zero(), |sum, (b, l)| sum + velocity(l) * b.mass);
    let angular = all().fold(Vec3::zero(), |sum, (b, l)| {
        let spin = b.inertia.rotated(l.rotation).to_mat3() * l.velocity.angular;
        sum + spin + (l.center - center).cross(velocity(l) * b.mass)
    });
    (linear, angular)
}

#[test]
fn only_gravity_changes_the_momentum_of_a_floating_quadruped() {
    let mut d = mjcf::load(&root().join("tests/models/quadruped.xml")).unwrap();
    d.option.integrator = Integrator::RungeKutta4;
    d.option.timestep = 1e-4;
    // A force that meets its bound has a kink, on which no integrator keeps its order.
    d.actuators.iter_mut().for_each(|a| a.force_range = None);
    // Nothing stops it in the air.
    d.option.flags.constraint = false;
    let model = derive::compile(&d);
    let mut state = State::reference(&model);
    let mut input = Input::zero(&model);
    for (k, v) in state.v.iter_mut().enumerate() {
        *v = (1.7 * k as f64).sin();
    }
    for (k, u) in input.u.iter_mut().enumerate() {
        *u = -0.4 + 0.5 * (2.3 * k as f64).cos();
    }
    let (before, steps) = (momenta(&model, &state), 2000);
    let start = state.clone();
    let (mut record, mut next) = (Record::new(&model), state.clone());
    for _ in 0..steps {
        step(&model, &state, &input, &mut record, &mut next);
        std::mem::swap(&mut state, &mut next);
    }
    let moved: f64 = state.q[7..].iter().zip(&start.q[7..]).map(|(a, b)| (a - b).abs()).sum();
    assert!(moved > 0.5, "its legs must move to prove something");
    let end = momenta(&model, &state);
    let mass: f64 = model.bodies.iter().map(|b| b.mass).sum();
    let fall = model.option.gravity * (mass * 1e-4 * f64::from(steps));
    assert_close("linear momentum [N s]", (end.0 - before.0 - fall).norm(), 0.0, 1e-9);
    assert_close("angular momentum [N m s]", (end.1 - before.1).norm(), 0.0, 1e-9);
}

/// A tree of hinges, a ball, a slide and springs, without anything that takes energy.
const TREE: &str = r#"<mujoco><worldbody>
    <body pos="0 0 1"><joint axis="0 1 0" armature=".01"/><geom type="capsule" fromto="0 0 0 .1 .05 -.4" size=".04"/>
      <body pos=".1 .05 -.4"><joint type="ball"/><geom type="box" size=".05 .1 .15" pos="0 .05 -.1"/>
        <body pos="0 .1 -.2"><joint axis="1 0 1" stiffness="2" springref="20"/><geom type="capsule" fromto="0 0 0 .2 0 0" size=".03"/></body>
      </body>
      <body pos="0 0 -.2"><joint type="slide" axis="1 0 0" stiffness="50"/><geom size=".06"/></body>
    </body></worldbody></mujoco>"#;

/// How much the energy has changed after half a second.
fn energy_error(integrator: Integrator, steps: usize) -> f64 {
    let mut d = described(TREE);
    d.option.integrator = integrator;
    d.option.timestep = 0.5 / steps as f64;
    let model = derive::compile(&d);
    let mut state = State::reference(&model);
    for (k, v) in state.v.iter_mut().enumerate() {
        *v = 2.0 * (1.3 * k as f64 + 0.5).cos();
    }
    let total = |state: &State<f64>| {
        let mut stage = Stage::new(&model);
        acceleration(&model, state, &Input::zero(&model), &mut stage);
        energy::potential(&model, state, &stage.links) + energy::kinetic(&model, &stage.mass, &state.v)
    };
    total(&after(&model, &state, steps)) - total(&state)
}

#[test]
fn a_tree_without_damping_keeps_its_energy_to_the_order_of_the_integrator() {
    for (integrator, order, steps) in [
        (Integrator::Euler, 1, 4000),
        (Integrator::Implicit, 1, 4000),
        (Integrator::ImplicitFast, 1, 4000),
        (Integrator::RungeKutta4, 4, 250),
    ] {
        let (coarse, fine) = (energy_error(integrator, steps), energy_error(integrator, 2 * steps));
        let measured = (coarse / fine).abs().log2();
        println!("{integrator:?}: energy error {fine:.1e} J, order {measured:.2}");
        assert!(fine.abs() < 0.1 && measured > f64::from(order) - 0.15, "{integrator:?}: order {measured}");
    }
}
