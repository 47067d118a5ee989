//! Any text, read as a scene beside ours: an error or a world that takes a step, never a panic.
#![no_main]

use costate::control::{Policy, initial_parameters};
use costate::model::Input;
use costate::objective::{Objective, Terms};
use costate::physics::derive;
use costate::rollout::simulate_controlled;
use costate::scene::toml;

const BESIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenes/any.toml");

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(scene) = toml::parse(text, BESIDE.as_ref()) else { return };
    let problem = scene.problem;
    let model = derive::compile(&problem.description);
    let mut input = Input::zero(&model);
    // The controls of the first step.
    input.u.iter_mut().zip(&problem.controls).for_each(|(u, planned)| *u = *planned);
    let weights = initial_parameters(&problem.parts);
    let controller = (&mut Policy::new(&model, &problem.parts), &weights[..]);
    let Ok(done) = simulate_controlled(&model, &problem.start, &[input], controller) else { return };
    let mut terms = Terms::new(&model, problem.terms);
    terms.cost(&model, &done.states[0], Some(&done.inputs[0]), 0);
    terms.cost(&model, &done.states[1], None, problem.plan.steps());
});
