//! The command line: one file for each verb.
//!
//! A verb computes first and prints last, so that on an error standard output stays empty and nothing
//! is half-written.

#[doc(hidden)]
pub mod check;
mod compare;
mod controls_file;
mod estimates;
mod inspect;
mod linearize;
mod loss;
mod optimize;
mod outcome;
mod profile;
mod simulate;
mod state_file;
mod subject;
mod tree;

use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Args, Parser, Subcommand};
use serde_json::{Value, json};

use crate::error::Error;
use crate::rollout::Health;

/// A differentiable physics simulator: from a robot file to an optimized motion.
#[derive(Debug, Parser)]
#[command(name = "costate", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Roll out a scene or a model, and write the trajectory and its plots.
    Simulate(simulate::Simulate),
    /// Change a scene's controls, start or parameters until its goals are reached.
    Optimize(optimize::Optimize),
    /// Run the variants of a scene, and compare what they reach at what cost.
    Compare(compare::Compare),
    /// Compare adjoint, dual and finite-difference gradients for every group of inputs.
    Check(check::Check),
    /// Show a compiled model, and what its file asks for that is not done.
    Inspect(inspect::Inspect),
    /// Give the matrices A and B of one step, in the tangent order (q, v, act).
    Linearize(linearize::Linearize),
    /// Measure the time of a step, forward and with its gradient.
    Profile(profile::Profile),
}

/// What every verb takes.
#[derive(Args, Clone, Debug)]
struct Common {
    /// Print exactly one JSON object on standard output.
    #[arg(long)]
    json: bool,
    /// Run although the file asks for NAME, which is not done (may be given again).
    #[arg(long, value_name = "NAME")]
    ignore: Vec<String>,
}

/// How a verb ended, other than by an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    /// A gradient is off.
    CheckFailed,
    /// The budget ended without the goals.
    GoalsMissed,
}

/// What a verb says on standard output.
struct Answer {
    outcome: Outcome,
    text: String,
}

impl Answer {
    /// The JSON object if it was asked for, the text otherwise.
    fn new(common: &Common, json: impl FnOnce() -> Value, text: impl FnOnce() -> String) -> Self {
        let text = if common.json { json().to_string() + "\n" } else { text() };
        Self { outcome: Outcome::Done, text }
    }
}

/// Runs the command line; `start` is when the process began.
pub fn run(start: Instant) -> ExitCode {
    let arguments = Arguments::parse();
    let answer = match &arguments.verb {
        Verb::Simulate(verb) => verb.run(),
        Verb::Optimize(verb) => verb.run(),
        Verb::Compare(verb) => verb.run(),
        Verb::Check(verb) => verb.run(),
        Verb::Inspect(verb) => verb.run(),
        Verb::Linearize(verb) => verb.run(),
        Verb::Profile(verb) => verb.run(start),
    };
    match answer {
        Ok(answer) => {
            // A reader that stops listening, such as `head`, is no failure of ours.
            let _ = std::io::stdout().write_all(answer.text.as_bytes());
            match answer.outcome {
                Outcome::Done => ExitCode::SUCCESS,
                Outcome::CheckFailed => ExitCode::from(1),
                Outcome::GoalsMissed => ExitCode::from(3),
            }
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// What a sweep back met, as JSON.
fn healthy(h: &Health) -> Value {
    json!({
        "growth_per_step": h.growth,
        "growth": h.total_growth(),
        "switches": h.switches.len(),
        "first_switches": h.switches.iter().take(10).collect::<Vec<_>>(),
        "not_finite": h.broken.as_ref().map(|(step, of)| json!({ "step": step, "quantity": of })),
        "missing": h.missing.iter().map(|m| m.tell(h.steps)).collect::<Vec<_>>(),
        "refined_searches": h.refined,
        "advice": h.advice(),
    })
}

/// Refuses a number that is not above zero, where nothing else makes sense.
fn positive(option: &str, x: f64) -> Result<f64, Error> {
    if x > 0.0 && x.is_finite() {
        return Ok(x);
    }
    Err(Error::message(format!("{option} is {x} (it must be a finite number above zero)")))
}
