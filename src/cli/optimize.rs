//! `optimize`: the main job, from a scene to a motion with its pictures.

use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::subject::Subject;
use super::{Answer, Common, estimates, healthy, outcome};
use crate::error::Error;
use crate::objective::goals::Judged;
use crate::optimize::{self, FailedTrials, Fit, Progress, Reason, Settings};
use crate::report::{self, Motion, RunFolder, Table};
use crate::scene::toml::Scene;

/// The file of a run folder from which a run goes on.
const CHECKPOINT: &str = "checkpoint.safetensors";

#[derive(Args, Debug)]
pub struct Optimize {
    /// A scene (.toml).
    #[arg(value_name = "SCENE")]
    path: PathBuf,
    /// Instead of the scene's own budget.
    #[arg(long)]
    iterations: Option<usize>,
    /// The seed of the first guess.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The run folder; otherwise the next free one under runs/.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write no motion.gif, which may take longer than all the rest.
    #[arg(long)]
    no_animation: bool,
    /// A run folder, or its checkpoint, to go on from.
    #[arg(long, value_name = "RUN")]
    resume: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

impl Optimize {
    pub fn run(&self) -> Result<Answer, Error> {
        let subject = Subject::load(&self.path, &self.common)?;
        let Some(scene) = &subject.scene else {
            let message = "a model says nothing to optimize (a scene, which ends in .toml, does)";
            return Err(Error::in_file(self.path.display().to_string(), message));
        };
        let (target, resume) = self.places(&subject)?;
        let is_new = !target.exists();
        // The folder is there before the work, so that a run that is killed can go on from it.
        let folder = RunFolder::create(&target)?;
        outcome::copy_files(&folder, &subject)?;
        folder.publish()?;
        let settings = Settings {
            iterations: self.iterations,
            seed: self.seed,
            resume,
            checkpoint: Some(target.join(CHECKPOINT)),
        };
        let bar = progress_bar();
        let done = optimize::run(&scene.problem, &settings, &mut |p| show(&bar, p));
        bar.finish_and_clear();
        let done = done.inspect_err(|_| {
            if is_new && !target.join(CHECKPOINT).exists() {
                // Nothing half-written: the copies alone are no run. They may stay if they must.
                let _ = std::fs::remove_dir_all(&target);
            }
        })?;
        let fit = optimize::fit(&scene.problem, &done.solution)?;
        let goals = write(&target, scene, &done, fit.as_ref(), !self.no_animation)?;
        let reached = goals.iter().all(|g| g.reached);
        if let Some(advice) = done.health.advice() {
            eprintln!("{advice}");
        }
        if let Some(left_out) = &done.left_out {
            eprintln!("{left_out}");
        }
        let json = || summary(&done, &goals, fit.as_ref(), &target);
        let mut answer = Answer::new(&self.common, json, || tell(&done, &goals, fit.as_ref(), &target));
        if !reached {
            answer.outcome = super::Outcome::GoalsMissed;
        }
        Ok(answer)
    }

    /// The run folder, and the checkpoint to go on from.
    fn places(&self, subject: &Subject) -> Result<(PathBuf, Option<PathBuf>), Error> {
        let next = || report::next_folder(&subject.name());
        let Some(run) = &self.resume else { return Ok((self.out.clone().unwrap_or_else(next), None)) };
        let file = if run.is_dir() { run.join(CHECKPOINT) } else { run.clone() };
        if !file.is_file() {
            let message = "there is no checkpoint to go on from (a run folder holds checkpoint.safetensors)";
            return Err(Error::in_file(file.display().to_string(), message));
        }
        let own = file.parent().map(Path::to_owned).filter(|p| !p.as_os_str().is_empty());
        Ok((self.out.clone().or(own).unwrap_or_else(next), Some(file)))
    }
}

pub fn progress_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix} {bar:24} {pos}/{len}  {msg}  {eta} left")
        .expect("the template is ours");
    ProgressBar::new(0).with_style(style)
}

pub fn show(bar: &ProgressBar, p: &Progress) {
    bar.set_length(p.iterations as u64);
    bar.set_position(p.iteration as u64);
    let thousands = p.steps_per_second / 1e3;
    let failed = match p.failed_trials {
        0 => String::new(),
        n => format!("  {n} trials failed"),
    };
    bar.set_message(format!(
        "cost {:.5}  gradient {:.2e}  {thousands:.0} thousand steps/s{failed}",
        p.cost, p.gradient_norm
    ));
}

/// Rolls the solution out afresh, judges it, and writes everything into the run folder.
fn write(
    target: &Path,
    scene: &Scene,
    done: &optimize::Outcome,
    fit: Option<&Fit>,
    animated: bool,
) -> Result<Vec<Judged>, Error> {
    let goals = scene.judge(&done.solution)?;
    let rollout = scene.problem.rollout(&done.solution)?;
    let motion = Motion {
        description: &scene.problem.description,
        model: &rollout.model,
        states: &rollout.trajectory.states,
        inputs: &rollout.trajectory.inputs,
    };
    let folder = RunFolder::create(target)?;
    done.solution.save(&folder.draft("parameters.safetensors"))?;
    outcome::write_motion(&folder, &motion, animated)?;
    let mut metrics = Table::new(["iteration", "cost", "gradient_norm", "best", "seconds"]);
    let row = |r: &optimize::Row| vec![r.iteration as f64, r.cost, r.gradient_norm, r.best, r.seconds];
    metrics.rows = done.history.iter().map(row).collect();
    folder.write("metrics.csv", &metrics.csv())?;
    if !done.episodes.is_empty() {
        let mut episodes = Table::new(["iteration", "world", "steps", "cost", "failed"]);
        let row = |e: &optimize::Ended| {
            vec![e.iteration as f64, e.world as f64, e.steps as f64, e.cost, f64::from(u8::from(e.failed))]
        };
        episodes.rows = done.episodes.iter().map(row).collect();
        folder.write("episodes.csv", &episodes.csv())?;
    }
    let costs: Vec<f64> = done.history.iter().map(|r| r.cost).collect();
    let norms: Vec<f64> = done.history.iter().map(|r| r.gradient_norm).collect();
    folder.picture("cost", &report::cost(&costs, &norms))?;
    if let Some(picture) = report::fitted(&motion, &scene.problem.terms) {
        folder.picture("fit", &picture)?;
    }
    let summary = summary(done, &goals, fit, target);
    folder.write("summary.json", format!("{summary:#}\n").as_bytes())?;
    folder.publish()?;
    Ok(goals)
}

fn summary(done: &optimize::Outcome, goals: &[Judged], fit: Option<&Fit>, out: &Path) -> Value {
    let goal = |g: &Judged| json!({ "name": g.name, "asked": g.asked, "measured": g.measured, "reached": g.reached });
    json!({
        "cost_first": done.cost_first,
        "cost_last": done.cost_last,
        "cost_best": done.cost_best,
        "iterations": done.iterations,
        "seconds": done.seconds,
        "out": out,
        "reached": goals.iter().all(|g| g.reached),
        "goals": goals.iter().map(goal).collect::<Vec<_>>(),
        "stop": done.stop,
        "gradients": healthy(&done.health),
        "left_out": done.left_out,
        "failed_trials": failed_trials(&done.failed_trials),
        "episodes": done.episodes.len(),
        "fit": fit.map(estimates::object),
    })
}

/// How many trials failed and why, as JSON.
pub fn failed_trials(all: &FailedTrials) -> Value {
    let reason = |r: &Reason| json!({ "reason": r.kind, "count": r.count, "first_iteration": r.iteration, "first_error": r.error.to_string() });
    json!({
        "count": all.count(),
        "of": all.tried,
        "reasons": all.reasons.iter().map(reason).collect::<Vec<_>>(),
    })
}

fn tell(done: &optimize::Outcome, goals: &[Judged], fit: Option<&Fit>, out: &Path) -> String {
    let mut text = format!(
        "cost {:.6} → {:.6} in {} iterations, {:.2} s: {}\n",
        done.cost_first, done.cost_best, done.iterations, done.seconds, done.stop
    );
    if let Some(fit) = fit {
        text += &estimates::table(fit);
    }
    if let Some(failed) = done.failed_trials.tell() {
        text += &format!("{failed}\n");
    }
    for g in goals {
        let verdict = if g.reached { "reached" } else { "missed" };
        text += &format!("{verdict}: {} {} (measured {:.4})\n", g.name, g.asked, g.measured);
    }
    text + &format!("wrote {}\n", out.display())
}
