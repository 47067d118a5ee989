//! Stop 3: the controls of a swing-up. `cargo run --release --example tour -- 3`
//!
//! A scene file says which model, from where, what is wished for and what may change; L-BFGS finds a force for every
//! tenth of a second. `costate optimize` does the same from the command line. The picture shows the motion.

use costate::optimize::{self, Settings};
use costate::report::{Filmstrip, Motion, filmstrip};
use costate::scene::toml;

use super::{Done, show};

pub fn run() -> Done {
    let scene = toml::load("scenes/cartpole_swingup.toml".as_ref())?;
    let found = optimize::run(&scene.problem, &Settings::default(), &mut |p| {
        if p.iteration % 20 == 0 {
            println!("{:3}  cost {:9.4}  gradient {:.1e}", p.iteration, p.cost, p.gradient_norm);
        }
    })?;
    println!("{} in {:.2} s", found.stop, found.seconds);
    // The goals are judged on a rollout of their own.
    for goal in scene.judge(&found.solution)? {
        println!("{} {}: {:.4}", goal.name, goal.asked, goal.measured);
    }
    let rollout = scene.problem.rollout(&found.solution)?;
    let motion = Motion {
        description: &scene.problem.description,
        model: &rollout.model,
        states: &rollout.trajectory.states,
        inputs: &rollout.trajectory.inputs,
    };
    show(
        "03_swing_up",
        &filmstrip(&motion, &Filmstrip { trace: Some("tip".to_owned()), ..Filmstrip::default() }),
    )
}
