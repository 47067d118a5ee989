//! `simulate`: rolls out and writes what happened.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde_json::json;

use super::subject::Subject;
use super::{Answer, Common, controls_file, outcome, positive};
use crate::control::{Policy, initial_parameters};
use crate::error::Error;
use crate::model::{Input, State};
use crate::report::{self, Motion, RunFolder};
use crate::rollout::{self, Trajectory};

/// How long a model runs if nobody says [s].
const SECONDS: f64 = 5.0;

#[derive(Args, Debug)]
pub struct Simulate {
    /// A scene (.toml) or a model (.xml, .urdf).
    #[arg(value_name = "SCENE|MODEL")]
    path: PathBuf,
    /// How long to run [s].
    #[arg(long, conflicts_with = "steps", allow_negative_numbers = true)]
    seconds: Option<f64>,
    /// How many steps to run.
    #[arg(long)]
    steps: Option<usize>,
    /// CSV with a header of actuator names and a row for each step.
    #[arg(long, value_name = "FILE")]
    controls: Option<PathBuf>,
    /// The keyframe of the model to start from.
    #[arg(long, value_name = "NAME")]
    keyframe: Option<String>,
    /// The run folder; otherwise the next free one under runs/.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write no motion.gif, which may take longer than all the rest.
    #[arg(long)]
    no_animation: bool,
    #[command(flatten)]
    common: Common,
}

impl Simulate {
    pub fn run(&self) -> Result<Answer, Error> {
        let mut subject = Subject::load(&self.path, &self.common)?;
        if let Some(name) = &self.keyframe {
            subject.start_at(name)?;
        }
        let inputs = self.inputs(&subject)?;
        let target = self.out.clone().unwrap_or_else(|| report::next_folder(&subject.name()));
        // A place where nothing can be written is told before the work, not after.
        let folder = RunFolder::create(&target)?;
        let clock = Instant::now();
        // A file says all that the actuators do.
        let parts = if self.controls.is_some() { &[] } else { subject.parts() };
        let mut policy = Policy::new(&subject.model, parts);
        let weights = initial_parameters(parts);
        let controller = (&mut policy, &weights[..]);
        let Trajectory { states, inputs } =
            rollout::simulate_controlled(&subject.model, &subject.start, &inputs, controller)?;
        let seconds = clock.elapsed().as_secs_f64();
        let motion = Motion {
            description: &subject.description,
            model: &subject.model,
            states: &states,
            inputs: &inputs,
        };
        outcome::copy_files(&folder, &subject)?;
        outcome::write_motion(&folder, &motion, !self.no_animation)?;
        let summary = json!({
            "verb": "simulate",
            "model": self.path.display().to_string(),
            "steps": inputs.len(),
            "timestep": subject.model.option.timestep,
            "seconds": seconds,
        });
        folder.write("summary.json", format!("{summary:#}\n").as_bytes())?;
        let out = folder.publish()?;
        let answer = || {
            let all = |f: fn(&State<f64>) -> &Vec<f64>| states.iter().map(f).collect::<Vec<_>>();
            let time: Vec<f64> = states.iter().map(|s| s.time).collect();
            json!({ "time": time, "qpos": all(|s| &s.q), "qvel": all(|s| &s.v), "out": out })
        };
        let text = || {
            let per_step = 1e6 * seconds / inputs.len().max(1) as f64;
            let end = states.last().map_or(0.0, |s| s.time);
            format!(
                "{} steps to {end:.3} s, {per_step:.2} µs per step\nwrote {}\n",
                inputs.len(),
                out.display()
            )
        };
        Ok(Answer::new(&self.common, answer, text))
    }

    /// One input for each step.
    fn inputs(&self, subject: &Subject) -> Result<Vec<Input<f64>>, Error> {
        let h = subject.model.option.timestep;
        let asked = match (self.steps, self.seconds) {
            (Some(steps), _) => Some(steps),
            (None, Some(seconds)) => Some((positive("--seconds", seconds)? / h).round() as usize),
            (None, None) => None,
        };
        let Some(file) = &self.controls else {
            if let Some(mut planned) = subject.planned() {
                // Beyond its horizon a scene goes on without control.
                planned.resize(asked.unwrap_or(planned.len()), subject.idle.clone());
                return Ok(planned);
            }
            let steps = asked.unwrap_or((SECONDS / h).round() as usize);
            return Ok(vec![subject.idle.clone(); steps]);
        };
        let mut inputs = controls_file::read(file, &subject.model, &subject.idle)?;
        let steps = asked.unwrap_or(inputs.len());
        if steps > inputs.len() {
            let message =
                format!("{} rows of controls for {steps} steps (each step takes one row)", inputs.len());
            return Err(Error::in_file(file.display().to_string(), message));
        }
        inputs.truncate(steps);
        Ok(inputs)
    }
}
