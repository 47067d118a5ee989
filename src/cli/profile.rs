//! `profile`: how long a step takes, forward and with its gradient.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde_json::json;

use super::loss::Loss;
use super::subject::Subject;
use super::{Answer, Common};
use crate::control::{Controller, Policy};
use crate::error::Error;
use crate::model::{Input, Parameter, State};
use crate::physics::{Linearization, Record, Stage, derive, step};
use crate::rollout::{Memory, Workspace, value_and_gradient_controlled};

/// Alternating runs from which medians are taken.
const RUNS: usize = 7;
/// A run repeats its work until it lasts this long [s].
const SHORTEST: f64 = 0.02;

#[derive(Args, Debug)]
pub struct Profile {
    /// A scene (.toml) or a model (.xml, .urdf).
    #[arg(value_name = "SCENE|MODEL")]
    path: PathBuf,
    /// The horizon.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    steps: u64,
    /// How many worlds, each with controls of its own.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    worlds: u64,
    /// Among how many threads the worlds are shared out.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1024))]
    threads: u64,
    /// The seed of the random controls.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Keep at most this many bytes of each rollout.
    #[arg(long, value_name = "BYTES")]
    memory: Option<usize>,
    #[command(flatten)]
    common: Common,
}

/// What a run of all worlds works on.
struct Bench {
    subject: Subject,
    parameters: Vec<Parameter>,
    worlds: Vec<Vec<Input<f64>>>,
    memory: Memory,
    threads: usize,
    loss: Loss,
}

impl Profile {
    pub fn run(&self, start: Instant) -> Result<Answer, Error> {
        let subject = Subject::load(&self.path, &self.common)?;
        let steps = self.steps as usize;
        let bench = Bench {
            parameters: derive::parameters(&subject.description),
            worlds: (0..self.worlds).map(|w| subject.random_controls(steps, self.seed + w)).collect(),
            memory: self.memory.map_or(Memory::Full, Memory::Bytes),
            threads: self.threads as usize,
            loss: Loss::of(&subject, steps, self.seed),
            subject,
        };
        bench.gradients(1)?;
        let first_gradient_ms = 1e3 * start.elapsed().as_secs_f64();
        let (forward, gradient) = bench.measure()?;
        let model = &bench.subject.model;
        let workspace = Workspace::new(model, &bench.subject.start);
        let bytes = workspace.bytes_per_step(model, steps, bench.memory);
        let linearize_us = bench.linearization();
        let (newton_mean, newton_most) = bench.solver_steps();
        let count = bench.parameters.len();
        let answer = || {
            json!({
                "forward_us_per_step": forward,
                "gradient_us_per_step": gradient,
                "ratio": gradient / forward,
                "bytes_per_step": bytes,
                "linearize_us": linearize_us,
                "newton_steps_mean": newton_mean,
                "newton_steps_most": newton_most,
                "parameters": count,
                "horizon": steps,
                "worlds": self.worlds,
                "threads": self.threads,
                "lanes": 8,
                "target": target(),
                "first_gradient_ms": first_gradient_ms,
            })
        };
        let text = || {
            format!(
                "forward            {forward:>10.3} µs per step\n\
                 value and gradient {gradient:>10.3} µs per step, {:.2} times as much, by {count} parameters\n\
                 A and B            {linearize_us:>10.3} µs\n\
                 constraint forces  {newton_mean:>10.2} steps of Newton's method, at most {newton_most}\n\
                 kept               {bytes:>10.0} bytes per step\n\
                 first gradient     {first_gradient_ms:>10.1} ms after the start of the process\n\
                 {} worlds of {steps} steps, {} threads, built for {} (8 lanes)\n",
                gradient / forward,
                self.worlds,
                self.threads,
                target(),
            )
        };
        Ok(Answer::new(&self.common, answer, text))
    }
}

/// The vector instructions that the binary was built for.
fn target() -> &'static str {
    if cfg!(target_feature = "avx512f") {
        "avx512f"
    } else if cfg!(target_feature = "avx2") {
        "avx2"
    } else if cfg!(target_feature = "neon") {
        "neon"
    } else {
        "sse2"
    }
}

impl Bench {
    /// The medians of alternating runs [µs per step and world].
    fn measure(&self) -> Result<(f64, f64), Error> {
        let (f, g) = (self.repeats(|n| self.forwards(n))?, self.repeats(|n| self.gradients(n))?);
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..RUNS {
            times[0].push(self.timed(f, |n| self.forwards(n))?);
            times[1].push(self.timed(g, |n| self.gradients(n))?);
        }
        let [forward, gradient] = times.map(median);
        Ok((forward, gradient))
    }

    /// How often to repeat some work so that the clock sees it; this also warms up.
    fn repeats(&self, work: impl Fn(usize) -> Result<(), Error>) -> Result<usize, Error> {
        let mut count = 1;
        loop {
            let clock = Instant::now();
            work(count)?;
            if clock.elapsed().as_secs_f64() >= SHORTEST || count >= 1 << 20 {
                return Ok(count);
            }
            count *= 2;
        }
    }

    fn timed(&self, count: usize, work: impl Fn(usize) -> Result<(), Error>) -> Result<f64, Error> {
        let clock = Instant::now();
        work(count)?;
        let steps = count * self.worlds.len() * self.worlds[0].len();
        Ok(1e6 * clock.elapsed().as_secs_f64() / steps as f64)
    }

    /// Shares the worlds out among the threads.
    fn each_world(&self, work: impl Fn(&[Vec<Input<f64>>]) -> Result<(), Error> + Sync) -> Result<(), Error> {
        if self.threads == 1 {
            return work(&self.worlds);
        }
        std::thread::scope(|scope| {
            let parts = self.worlds.chunks(self.worlds.len().div_ceil(self.threads));
            let threads: Vec<_> = parts.map(|part| scope.spawn(|| work(part))).collect();
            threads.into_iter().try_for_each(|t| t.join().expect("no world panics"))
        })
    }

    /// Plain rollouts, which remember nothing.
    fn forwards(&self, count: usize) -> Result<(), Error> {
        let (model, start) = (&self.subject.model, &self.subject.start);
        self.each_world(|worlds| {
            let mut record = Record::new(model);
            let (mut state, mut next) = (start.clone(), start.clone());
            let mut own = Input::zero(model);
            let (mut policy, weights) = (Policy::new(model, self.subject.parts()), self.subject.weights());
            for inputs in (0..count).flat_map(|_| worlds) {
                state.copy_from(start);
                policy.start(&weights, inputs.len());
                for (k, input) in inputs.iter().enumerate() {
                    own.copy_from(input);
                    policy.act(model, &state, k, &mut own);
                    step(model, &state, &own, &mut record, &mut next);
                    std::mem::swap(&mut state, &mut next);
                }
                finite(&state, inputs.len())?;
            }
            Ok(())
        })
    }

    /// Cost and gradient of rollouts by start, controls and parameters.
    ///
    /// The model is compiled once, as in any optimization that leaves its parameters alone; the
    /// pullback of the compilation is part of every gradient.
    fn gradients(&self, count: usize) -> Result<(), Error> {
        let start = &self.subject.start;
        let values: Vec<f64> = self.parameters.iter().map(|p| p.value).collect();
        self.each_world(|worlds| {
            let mut objective = self.loss.over(&self.subject.model);
            let mut workspace = Workspace::new(&self.subject.model, start);
            let compiled = derive::Compilation::new(&self.subject.description, &values);
            let mut policy = Policy::new(&compiled.model, self.subject.parts());
            let weights = self.subject.weights();
            for inputs in (0..count).flat_map(|_| worlds) {
                let (_, gradient) = value_and_gradient_controlled(
                    &compiled.model,
                    start,
                    inputs,
                    (&mut policy, &weights),
                    &mut objective,
                    self.memory,
                    &mut workspace,
                )?;
                std::hint::black_box(compiled.pullback(&gradient.model));
            }
            Ok(())
        })
    }

    /// How many steps of Newton's method find the constraint forces: in the mean, and at most.
    fn solver_steps(&self) -> (f64, usize) {
        let (model, start) = (&self.subject.model, &self.subject.start);
        let mut record = Record::new(model);
        let (mut state, mut next) = (start.clone(), start.clone());
        let mut all = Vec::new();
        for input in &self.worlds[0] {
            step(model, &state, input, &mut record, &mut next);
            all.extend(record.stages.iter().map(Stage::solver_steps));
            std::mem::swap(&mut state, &mut next);
        }
        let sum: usize = all.iter().sum();
        (sum as f64 / all.len().max(1) as f64, all.into_iter().max().unwrap_or(0))
    }

    /// The time of A and B of one step [µs].
    fn linearization(&self) -> f64 {
        let (model, start) = (&self.subject.model, &self.subject.start);
        let input = &self.worlds[0][0];
        let mut linearization = Linearization::new(model);
        let mut once = |count: usize| {
            let clock = Instant::now();
            for _ in 0..count {
                linearization.update(start, input);
                std::hint::black_box(&linearization.a);
            }
            clock.elapsed().as_secs_f64() / count as f64
        };
        let first = once(1);
        if first > 1.0 {
            return 1e6 * first;
        }
        let count = (SHORTEST / once(3).max(1e-9)).ceil() as usize;
        1e6 * median((0..RUNS).map(|_| once(count)).collect())
    }
}

fn finite(state: &State<f64>, step: usize) -> Result<(), Error> {
    if state.v.iter().all(|v| v.is_finite()) {
        return Ok(());
    }
    Err(Error::Diverged {
        step,
        quantity: "a velocity".to_owned(),
        remedy: "choose fewer steps or a smaller time step".to_owned(),
    })
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
