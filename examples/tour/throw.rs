//! Stop 2: a throw that hits the basket. `cargo run --release --example tour -- 2`
//!
//! With an exact gradient, descent is a loop of ten lines. The picture shows the throw that it finds, against the
//! wind.

use costate::model::{Input, State};
use costate::objective::Custom;
use costate::physics::derive;
use costate::report::{Filmstrip, Motion, filmstrip};
use costate::rollout::{Memory, Workspace, simulate, value_and_gradient};
use costate::scene::mjcf;

use super::first_gradient::{BALL, Miss, STEPS};
use super::{Done, show};

/// How far the velocity moves for each unit of slope [m/s per m² per m/s].
const RATE: f64 = 0.4;

pub fn run() -> Done {
    let description = mjcf::parse(BALL, "ball.xml".as_ref())?;
    let model = derive::compile(&description);
    let mut start = State::reference(&model);
    start.v = vec![3.0, 5.0];
    let inputs = vec![Input::zero(&model); STEPS];
    let mut workspace = Workspace::new(&model, &start);
    for iteration in 0..30 {
        let (cost, gradient) =
            value_and_gradient(&model, &start, &inputs, &mut Custom(Miss), Memory::Full, &mut workspace)?;
        if iteration % 5 == 0 {
            println!("{iteration:2}  misses by {:.6} m, thrown at {:.3?} m/s", (2.0 * cost).sqrt(), start.v);
        }
        start.v.iter_mut().zip(&gradient.start.v).for_each(|(v, slope)| *v -= RATE * slope);
    }
    let states = simulate(&model, &start, &inputs)?.states;
    let motion = Motion { description: &description, model: &model, states: &states, inputs: &inputs };
    show("02_throw", &filmstrip(&motion, &Filmstrip { frames: 6, trace: Some("ball".to_owned()) }))
}
