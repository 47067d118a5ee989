//! `check`: three ways to the same gradient.

mod entries;
pub mod table;
pub mod verdict;

use std::path::PathBuf;

use clap::Args;
use rand::SeedableRng;
use rand_pcg::Pcg64;
use serde_json::json;

use super::loss::Loss;
use super::subject::{Subject, normal};
use super::{Answer, Common, Outcome, healthy};
use crate::error::Error;
use crate::model::Input;
use entries::Rollout;

/// How many steps a bare model takes.
const STEPS: usize = 20;

#[derive(Args, Debug)]
pub struct Check {
    /// A scene (.toml) or a model (.xml, .urdf).
    #[arg(value_name = "SCENE|MODEL")]
    path: PathBuf,
    /// The seed of loss, controls and velocities.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    common: Common,
}

impl Check {
    pub(super) fn run(&self) -> Result<Answer, Error> {
        let mut subject = Subject::load(&self.path, &self.common)?;
        let controls = match subject.planned() {
            Some(planned) => self.shaken(&subject, planned),
            None => {
                self.shake_start(&mut subject);
                subject.random_controls(STEPS, self.seed)
            }
        };
        let applied = Input::zero_applied(&subject.model);
        let inputs: Vec<Input<f64>> =
            controls.into_iter().map(|i| Input { u: i.u, ..applied.clone() }).collect();
        let loss = Loss::of(&subject, inputs.len(), self.seed);
        let rollout = Rollout::new(&subject, inputs, loss);
        let (groups, health) = rollout.compare(self.seed)?;
        let passed = groups.iter().all(|g| g.passed());
        let off = verdict::off(&groups);
        let advice = verdict::advice(&groups, &health, (self.seed, rollout.refused().as_ref()));
        let json = || {
            let group = |g: &table::Group| {
                json!({
                    "name": g.name,
                    "entries": g.entries,
                    "worst_entry": g.worst.name,
                    "adjoint": g.worst.adjoint,
                    "dual": g.worst.dual,
                    "difference": g.worst.difference,
                    "error": g.error,
                    "difference_error": g.difference_error,
                })
            };
            let mut gradients = healthy(&health);
            gradients["advice"] = json!(advice);
            gradients["distrust"] = json!(off);
            json!({
                "groups": groups.iter().map(group).collect::<Vec<_>>(),
                "passed": passed,
                "gradients": gradients,
            })
        };
        let last = advice.as_deref().unwrap_or("the gradients look healthy");
        let text = || table::draw(&groups) + &health.tell() + last + "\n";
        let mut answer = Answer::new(&self.common, json, text);
        if !passed {
            answer.outcome = Outcome::CheckFailed;
        }
        Ok(answer)
    }

    /// Moves the start of a bare model: at its reference much is zero, and a slack tendon may be at the
    /// very end of its slack, where no derivative is.
    fn shake_start(&self, subject: &mut Subject) {
        let mut random = Pcg64::seed_from_u64(self.seed);
        let t = &subject.model.topology;
        let mut draw = |count: usize, scale: f64| -> Vec<f64> {
            (0..count).map(|_| scale * normal(&mut random)).collect()
        };
        let (q, v, act) = (draw(t.nv, 0.1), draw(t.nv, 0.3), draw(t.na, 0.3));
        subject.start = subject.start.moved(&subject.model, &q, &v, &act);
    }

    /// The controls of a scene moved a little toward random ones: at rest much would cancel.
    fn shaken(&self, subject: &Subject, mut planned: Vec<Input<f64>>) -> Vec<Input<f64>> {
        let random = subject.random_controls(planned.len(), self.seed);
        for (input, random) in planned.iter_mut().zip(random) {
            for (u, r) in input.u.iter_mut().zip(random.u) {
                *u += 0.1 * (r - *u);
            }
        }
        planned
    }
}
