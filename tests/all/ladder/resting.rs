//! Rung 17: bodies that lie flat, against where MuJoCo's come to rest (`record_resting.py`).

use costate::model::{Input, State};
use costate::physics::{Record, Stage, acceleration, derive, step};
use serde_json::Value;

use super::super::recorded::{numbers, root};
use super::described;

#[test]
fn shapes_that_lie_flat_rest_as_high_as_in_mujoco() {
    let text = std::fs::read_to_string(root().join("tests/recorded/resting.json")).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(file["mujoco"], "4.0.0");
    let mut wrong = 0;
    for case in file["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let model = derive::compile(&described(case["xml"].as_str().unwrap()));
        let (mut state, input) = (State::reference(&model), Input::zero(&model));
        let mut next = state.clone();
        let mut record = Record::new(&model);
        for _ in 0..case["steps"].as_u64().unwrap() {
            step(&model, &state, &input, &mut record, &mut next);
            std::mem::swap(&mut state, &mut next);
        }
        let mut stage = Stage::new(&model);
        acceleration(&model, &state, &input, &mut stage);
        let force: Vec<f64> = stage.total.iter().zip(&stage.smooth).map(|(t, s)| t - s).collect();
        let (theirs, their_force) = (numbers(&case["qpos"]), numbers(&case["force"]));
        let lift = (state.q[2] - theirs[2]).abs();
        let weight = their_force[2].abs();
        let wrench = force.iter().zip(&their_force).map(|(a, b)| (a - b).abs() / weight).fold(0.0, f64::max);
        // Some of MuJoCo's cylinders keep rocking: what holds them up is not their weight alone.
        let sideways = (0..6).filter(|k| *k != 2).map(|k| their_force[k].abs() / weight);
        let unrest = sideways.fold(0.0, f64::max);
        let right = lift <= 1e-4 && wrench <= 1e-4 + 1.5 * unrest;
        wrong += usize::from(!right);
        let counts = (stage.constraint.contacts.list.len(), &case["contacts"]);
        println!("{name:36} height {lift:8.1e}, wrench {wrench:8.1e}, {counts:?} contacts, {right}");
    }
    assert_eq!(wrong, 0);
}
