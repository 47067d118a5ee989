//! What worlds store, against MuJoCo's recorded numbers.

use costate::physics::articulated::energy;
use costate::physics::{Stage, acceleration};

use super::recorded::{all, numbers, situation};

#[test]
fn kinetic_and_potential_energy_are_those_of_mujoco() {
    let mut worst = (0.0, String::new());
    for recorded in all() {
        let model = &recorded.model;
        let mut stage = Stage::new(model);
        for entry in recorded.values["states"].as_array().unwrap() {
            let (state, input) = situation(model, entry);
            acceleration(model, &state, &input, &mut stage);
            let ours = [
                energy::potential(model, &state, &stage.links),
                energy::kinetic(model, &stage.mass, &state.v),
            ];
            for (ours, theirs) in ours.iter().zip(numbers(&entry["energy"])) {
                let mut error = (ours - theirs).abs() / theirs.abs().max(1.0);
                // MuJoCo rounds the vertices of a mesh to single precision once more.
                if recorded.name == "mesh" {
                    error *= 1e-6;
                }
                if error > worst.0 || error.is_nan() {
                    worst = (error, format!("{}: {ours} is not {theirs}", recorded.name));
                }
            }
        }
    }
    println!("worst relative error of an energy: {:.1e} ({})", worst.0, worst.1);
    assert!(worst.0 <= 1e-11, "{}", worst.1);
}
