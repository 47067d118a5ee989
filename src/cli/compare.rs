//! `compare`: one task, several ways to it.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::optimize::{failed_trials, progress_bar, show};
use super::{Answer, Common};
use crate::error::Error;
use crate::optimize::{self, Row, Settings};
use crate::report::{self, RunFolder, Table};
use crate::scene::toml;

#[derive(Args, Debug)]
pub struct Compare {
    /// A scene (.toml) with variants.
    #[arg(value_name = "SCENE")]
    path: PathBuf,
    /// Instead of the variants' own budgets.
    #[arg(long)]
    iterations: Option<usize>,
    /// The seed of the first guesses.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The run folder; otherwise the next free one under runs/.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

/// How one variant did.
struct Way {
    name: String,
    variables: usize,
    done: optimize::Outcome,
    /// The share of the goals that it reached.
    reached: (usize, usize),
}

impl Compare {
    pub fn run(&self) -> Result<Answer, Error> {
        let variants = toml::variants(&self.path)?;
        let name = self.path.file_stem().map_or("compare".into(), |n| n.to_string_lossy().into_owned());
        let target = self.out.clone().unwrap_or_else(|| report::next_folder(&name));
        let folder = RunFolder::create(&target)?;
        let mut ways = Vec::new();
        for (name, scene) in variants {
            let settings =
                Settings { iterations: self.iterations, seed: self.seed, resume: None, checkpoint: None };
            let bar = progress_bar();
            bar.set_prefix(name.clone());
            let done = optimize::run(&scene.problem, &settings, &mut |p| show(&bar, p))?;
            bar.finish_and_clear();
            let judged = scene.judge(&done.solution)?;
            let reached = (judged.iter().filter(|j| j.reached).count(), judged.len());
            let variables = scene.problem.groups.iter().map(|g| g.variables.len()).sum();
            ways.push(Way { name, variables, done, reached });
        }
        let curve = |horizontal: &str, of: &dyn Fn(&Row) -> f64| {
            let curves = ways.iter().map(|way| {
                let points = way.done.history.iter().map(|row| (of(row), row.best)).collect();
                (way.name.clone(), points)
            });
            report::descents(horizontal, curves.collect())
        };
        folder.picture("seconds", &curve("time [s]", &|row| row.seconds))?;
        folder.picture("rollouts", &curve("rollouts with gradients", &|row| row.rollouts as f64))?;
        let mut table = Table::new(["variant", "iteration", "rollouts", "cost", "best", "seconds"]);
        for (k, way) in ways.iter().enumerate() {
            let row =
                |r: &Row| vec![k as f64, r.iteration as f64, r.rollouts as f64, r.cost, r.best, r.seconds];
            table.rows.extend(way.done.history.iter().map(row));
        }
        folder.write("metrics.csv", &table.csv())?;
        let summary = json!({ "out": target.display().to_string(), "variants": each(&ways) });
        folder.write("summary.json", format!("{summary:#}\n").as_bytes())?;
        folder.publish()?;
        Ok(Answer::new(&self.common, || summary.clone(), || tell(&ways) + &format!("{}\n", target.display())))
    }
}

fn each(ways: &[Way]) -> Vec<Value> {
    let one = |way: &Way| {
        json!({
            "name": way.name,
            "variables": way.variables,
            "iterations": way.done.iterations,
            "rollouts": way.done.history.last().map_or(0, |r| r.rollouts),
            "seconds": way.done.seconds,
            "cost_first": way.done.cost_first,
            "cost_best": way.done.cost_best,
            "goals_reached": way.reached.0,
            "goals": way.reached.1,
            "stop": way.done.stop,
            "failed_trials": failed_trials(&way.done.failed_trials),
        })
    };
    ways.iter().map(one).collect()
}

fn tell(ways: &[Way]) -> String {
    let mut out = format!(
        "{:<16}{:>10}{:>11}{:>10}{:>9}{:>13}{:>8}\n",
        "variant", "variables", "iterations", "rollouts", "seconds", "best cost", "goals"
    );
    for way in ways {
        let rollouts = way.done.history.last().map_or(0, |r| r.rollouts);
        let (reached, asked) = way.reached;
        out += &format!(
            "{:<16}{:>10}{:>11}{:>10}{:>9.2}{:>13.5}{:>8}\n",
            way.name,
            way.variables,
            way.done.iterations,
            rollouts,
            way.done.seconds,
            way.done.cost_best,
            format!("{reached}/{asked}"),
        );
    }
    for way in ways {
        if let Some(failed) = way.done.failed_trials.tell() {
            out += &format!("{}: {failed}\n", way.name);
        }
    }
    out
}
