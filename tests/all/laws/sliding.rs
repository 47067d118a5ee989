//! Dry friction under a block, in closed form.

use costate::model::{Input, Model, State};
use costate::physics::{Record, derive, step};

use super::super::ladder::described;

const GRAVITY: f64 = 9.81;

/// A flat block on a plane that is tilted by an angle, settled; its first coordinate points down the
/// slope.
fn block(friction: f64, angle: f64) -> (Model<f64>, State<f64>) {
    let (x, z) = (GRAVITY * angle.sin(), -GRAVITY * angle.cos());
    let model = derive::compile(&described(&format!(
        r#"<mujoco><option cone="elliptic" impratio="100" timestep="0.001" gravity="{x} 0 {z}"/><worldbody>
        <geom type="plane" size="9 9 1" friction="{friction}"/><body pos="0 0 0.05"><freejoint/>
        <geom type="box" size=".2 .2 .05" mass="1" friction="{friction}"/></body></worldbody></mujoco>"#
    )));
    let mut state = State::reference(&model);
    let rest = (model.option.gravity.x, model.option.gravity.z);
    assert_eq!(rest, (x, z));
    run(&model, &mut state, 1000, |state| {
        state.q[0] = 0.0;
        state.v[0] = 0.0;
    });
    (model, state)
}

fn run(model: &Model<f64>, state: &mut State<f64>, steps: usize, mut after: impl FnMut(&mut State<f64>)) {
    let (mut record, input, mut next) = (Record::new(model), Input::zero(model), state.clone());
    for _ in 0..steps {
        step(model, state, &input, &mut record, &mut next);
        std::mem::swap(state, &mut next);
        after(state);
    }
}

#[test]
fn a_block_slides_as_far_as_its_speed_squared_over_twice_its_friction() {
    for (speed, friction) in [(1.0f64, 0.3), (2.0, 0.5), (3.0, 0.8)] {
        let (model, mut state) = block(friction, 0.0);
        state.v[0] = speed;
        run(&model, &mut state, 1500, |_| {});
        let expected = speed * speed / (2.0 * friction * GRAVITY);
        let error = (state.q[0] - expected).abs() / expected;
        println!("{speed} m/s, friction {friction}: {:.4} m, error {error:.1e}", state.q[0]);
        assert!(error < 5e-3);
    }
}

#[test]
fn a_block_sticks_below_the_friction_angle_and_slides_above_it() {
    let friction: f64 = 0.5;
    for degrees in [15.0f64, 25.0, 28.0, 35.0] {
        let angle = degrees.to_radians();
        let (model, mut state) = block(friction, angle);
        let steps = 500;
        run(&model, &mut state, steps, |_| {});
        let pull = GRAVITY * (angle.sin() - friction * angle.cos());
        let measured = state.v[0] / (steps as f64 * 1e-3);
        println!("{degrees}°: {measured:.5} m/s² down the slope, {:.5} by the formula", pull.max(0.0));
        assert!((measured - pull.max(0.0)).abs() < 5e-3 * GRAVITY);
    }
}
