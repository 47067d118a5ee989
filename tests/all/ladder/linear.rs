//! Rung 20: the derivative of a step against MuJoCo's own finite differences.

use costate::physics::linearize;

use super::super::recorded::{Table, all, difference, numbers, situation};

#[test]
fn the_derivative_of_a_step_is_the_difference_that_mujoco_takes() {
    let mut table = Table::default();
    for r in all() {
        for v in r.values["linear"].as_array().into_iter().flatten() {
            let (state, input) = situation(&r.model, v);
            let (a, b) = linearize(&r.model, &state, &input);
            table.add("A", difference(&a.concat(), &numbers(&v["A"])), r.name.clone());
            table.add("B", difference(&b.concat(), &numbers(&v["B"])), r.name.clone());
        }
    }
    table.check(|_| 1e-5);
}
