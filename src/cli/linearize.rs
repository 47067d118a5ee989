//! `linearize`: the derivative of one step.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::subject::Subject;
use super::{Answer, Common, state_file};
use crate::error::Error;
use crate::model::State;
use crate::physics::articulated::direction::undetermined;
use crate::physics::articulated::{Links, kinematics};
use crate::physics::linearize;

#[derive(Args, Debug)]
pub struct Linearize {
    /// A model (.xml, .urdf).
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
        if !subject.model.topology.particles.is_empty() {
            let what = "A and B are those of robots: of worlds with particles they have millions of entries";
            return Err(Error::in_file(self.path.display().to_string(), what));
        }
        let (state, input) = match &self.state {
            Some(file) => state_file::read(file, &subject)?,
            None => (subject.start.clone(), subject.idle.clone()),
        };
        determined(&subject, &state)?;
        let (a, b) = linearize(&subject.model, &state, &input);
        let text = || format!("A\n{}\nB\n{}", rows(&a), rows(&b));
        Ok(Answer::new(&self.common, || json!({ "A": a, "B": b }), text))
    }
}

/// Refuses a state at which a step has no derivative.
fn determined(subject: &Subject, state: &State<f64>) -> Result<(), Error> {
    let model = &subject.model;
    let mut links = Links::new(model);
    kinematics(model, state, &mut links);
    match (0..model.tendons.len()).find(|&t| undetermined(model, state, &links, t)) {
        None => Ok(()),
        Some(t) => Err(Error::message(format!(
            "tendon \"{}\" has a piece of length 0 here, whose direction is undetermined: what pulls along it has no \
             derivative, only a spring at rest would (give --state a configuration a little beside, by 1e-6 m)",
            model.topology.names.tendons[t]
        ))),
    }
}

type Matrix = Vec<Vec<f64>>;

fn rows(matrix: &Matrix) -> String {
    let row = |r: &Vec<f64>| r.iter().map(|x| format!("{x:>13.6e}")).collect::<Vec<_>>().join(" ") + "\n";
    matrix.iter().map(row).collect()
}
