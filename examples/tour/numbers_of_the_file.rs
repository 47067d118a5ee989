//! Stop 4: derivatives by the numbers of the model's file. `cargo run --release --example tour -- 4`
//!
//! One sweep gives the derivative of where a pendulum is after three seconds by every mass, length, damping and
//! angle that its file states, as if each had been edited and the file loaded again. The picture edits two of them,
//! and draws the tangents that the sweep promised.

use costate::model::{Input, Model, State};
use costate::number::Real;
use costate::objective::{Custom, Law};
use costate::physics::derive::{Compilation, compile, parameters};
use costate::report::Scale;
use costate::rollout::{Memory, Workspace, simulate, value_and_gradient};
use costate::scene::mjcf;

use super::{Done, curves, figure, show};

const STEPS: usize = 300;

/// The angle in the end [rad].
struct Angle;

impl Law for Angle {
    fn cost<R: Real>(&self, _: &Model<R>, x: &State<R>, _: Option<&Input<R>>, step: usize) -> R {
        if step == STEPS { x.q[0] } else { R::zero() }
    }
}

pub fn run() -> Done {
    let description = mjcf::load("scenes/models/pendulum.xml".as_ref())?;
    let model = compile(&description);
    let mut start = State::reference(&model);
    start.q[0] = 1.0;
    let inputs = vec![Input::zero(&model); STEPS];
    let mut workspace = Workspace::new(&model, &start);
    let (end, gradient) =
        value_and_gradient(&model, &start, &inputs, &mut Custom(Angle), Memory::Full, &mut workspace)?;
    let all = parameters(&description);
    let values: Vec<f64> = all.iter().map(|p| p.value).collect();
    let slopes = Compilation::new(&description, &values).pullback(&gradient.model);
    println!("{end:.4} rad after 3 s; by the numbers of the file [rad per unit]:");
    for (p, slope) in all.iter().zip(&slopes).filter(|(_, slope)| **slope != 0.0) {
        println!("{slope:12.4}  {} = {} {}", p.name, p.value, p.unit);
    }
    let shares: Vec<f64> = (0..=60).map(|k| 0.7 + 0.01 * f64::from(k)).collect();
    let mut rows = Vec::new();
    for (name, short) in [("geom.bob.mass", "mass"), ("option.gravity[2]", "gravity")] {
        let k = all.iter().position(|p| p.name == name).ok_or(name)?;
        let (mut edited, mut tangent) = (Vec::new(), Vec::new());
        for share in &shares {
            let mut values = values.clone();
            values[k] *= share;
            let model = Compilation::new(&description, &values).model;
            edited.push(simulate(&model, &start, &inputs)?.states[STEPS].q[0]);
            tangent.push(end + slopes[k] * (values[k] - all[k].value));
        }
        let lines = vec![("edited", edited), ("tangent by one sweep", tangent)];
        rows.push(curves(&format!("angle [rad] by {short}"), Scale::Linear, &shares, lines));
    }
    show("04_numbers_of_the_file", &figure("share of the file's own number", rows))
}
