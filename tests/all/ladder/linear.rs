//! Rung 20: the derivative of a step against MuJoCo's own finite differences.

use costate::model::{Costate, Input, Model, State};
use costate::physics::{Cotangents, Record, StepBackward, step, step_pullback};

use super::super::recorded::{Table, all, difference, numbers, situation};

/// `A` and `B` of one step, row by row: each row is the pullback of one unit cotangent.
fn linearized(model: &Model<f64>, state: &State<f64>, input: &Input<f64>) -> (Vec<f64>, Vec<f64>) {
    let t = &model.topology;
    let (mut record, mut next) = (Record::new(model), state.clone());
    step(model, state, input, &mut record, &mut next);
    let mut backward = StepBackward::new(model);
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for i in 0..2 * t.nv + t.na {
        let mut unit = Costate::zero(model);
        let entries = unit.q.iter_mut().chain(&mut unit.v).chain(&mut unit.act);
        *entries.into_iter().nth(i).unwrap() = 1.0;
        let mut out = Cotangents::zero(model, input);
        step_pullback(model, state, input, &record, &unit, &mut backward, &mut out);
        a.extend([&out.state.q[..], &out.state.v, &out.state.act].concat());
        b.extend(&out.input.u);
    }
    (a, b)
}

#[test]
fn the_derivative_of_a_step_is_the_difference_that_mujoco_takes() {
    let mut table = Table::default();
    for r in all() {
        for v in r.values["linear"].as_array().into_iter().flatten() {
            let (state, input) = situation(&r.model, v);
            let (a, b) = linearized(&r.model, &state, &input);
            table.add("A", difference(&a, &numbers(&v["A"])), r.name.clone());
            table.add("B", difference(&b, &numbers(&v["B"])), r.name.clone());
        }
    }
    table.check(|_| 1e-5);
}
