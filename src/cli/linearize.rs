//! `linearize`: the derivative of one step.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::subject::Subject;
use super::{Answer, Common, state_file};
use crate::error::Error;
use crate::model::{Costate, Input, Model, State};
use crate::physics::{Cotangents, Record, StepBackward, step, step_pullback};

#[derive(Args, Debug)]
pub struct Linearize {
    /// A model (.xml).
    #[arg(value_name = "MODEL")]
    path: PathBuf,
    /// JSON with qpos, qvel, act, ctrl, qfrc_applied, xfrc_applied, mocap_pos, mocap_quat.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

impl Linearize {
    pub fn run(&self) -> Result<Answer, Error> {
        let subject = Subject::load(&self.path, &self.common)?;
        let (state, input) = match &self.state {
            Some(file) => state_file::read(file, &subject)?,
            None => (subject.start.clone(), subject.idle.clone()),
        };
        let (a, b) = linearize(&subject.model, &state, &input);
        let text = || format!("A\n{}\nB\n{}", rows(&a), rows(&b));
        Ok(Answer::new(&self.common, || json!({ "A": a, "B": b }), text))
    }
}

type Matrix = Vec<Vec<f64>>;

/// `A` and `B` of one step: `δx' = A δx + B δu`, `x` in the tangent order (q, v, act).
///
/// Each row is the pullback of one unit cotangent.
pub fn linearize(model: &Model<f64>, state: &State<f64>, input: &Input<f64>) -> (Matrix, Matrix) {
    let t = &model.topology;
    let mut record = Record::new(model);
    let mut next = state.clone();
    step(model, state, input, &mut record, &mut next);
    let mut backward = StepBackward::new(model);
    let mut out = Cotangents::zero(model, input);
    let row = |i: usize| {
        let mut unit = Costate::zero(model);
        let (v, act) = (t.nv, 2 * t.nv);
        match i {
            i if i < v => unit.q[i] = 1.0,
            i if i < act => unit.v[i - v] = 1.0,
            i => unit.act[i - act] = 1.0,
        }
        out.clear_step();
        step_pullback(model, state, input, &record, &unit, &mut backward, &mut out);
        let a = [&out.state.q[..], &out.state.v, &out.state.act].concat();
        (a, out.input.u.clone())
    };
    (0..2 * t.nv + t.na).map(row).unzip()
}

fn rows(matrix: &Matrix) -> String {
    let row = |r: &Vec<f64>| r.iter().map(|x| format!("{x:>13.6e}")).collect::<Vec<_>>().join(" ") + "\n";
    matrix.iter().map(row).collect()
}
