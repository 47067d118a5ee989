//! Any text, read as MJCF: an error or a world that takes a step, never a panic.
#![no_main]

use costate::model::{Input, State};
use costate::physics::derive;
use costate::rollout::simulate;
use costate::scene::mjcf;

libfuzzer_sys::fuzz_target!(|text: &str| {
    // A folder that does not exist: what the text includes is not there.
    let Ok(description) = mjcf::parse(text, "/nowhere/model".as_ref()) else { return };
    let model = derive::compile(&description);
    // A world that diverges in its first step says so, and that is fine.
    let _ = simulate(&model, &State::reference(&model), &[Input::zero(&model)]);
});
