//! `profile`: how long a step takes, forward and with its gradient.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde_json::json;

use super::loss::{Loss, Over};
use super::subject::Subject;
use super::{Answer, Common};
use crate::control::{Controller, Policy};
use crate::error::Error;
use crate::model::{Input, Model, Parameter, State};
use crate::number::{Lanes, LanesF32};
use crate::physics::{Engine, Linearization, Record, Stage, derive, step};
use crate::rollout::{Batch, Memory, Remembered, Workspace, Worlds, value_and_gradient_controlled};

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
    /// Many worlds in single precision, sixteen to a register instead of eight.
    #[arg(long)]
    single: bool,
    /// Keep at most this much of all rollouts together, such as 500MB; or full, or light.
    #[arg(long, value_name = "BYTES", default_value = "full")]
    memory: Memory,
    #[command(flatten)]
    common: Common,
}

/// What a run of all worlds works on.
struct Bench {
    subject: Subject,
    parameters: Vec<Parameter>,
    worlds: Vec<Vec<Input<f64>>>,
    memory: Memory,
    loss: Loss,
    register: Register,
}

/// Does something so many times, and says what it kept.
type Work = fn(&Bench, usize) -> Result<Vec<Remembered>, Error>;

/// The number that holds many worlds, and what is done with it.
struct Register {
    lanes: usize,
    forwards: Work,
    gradients: Work,
    sharing: fn(&Bench) -> Sharing,
}

impl Register {
    fn of<R: Engine + Send + Sync + 'static>() -> Self
    where
        Workspace<R>: Send,
        Policy<'static, R>: Send,
        Over<R>: Send,
    {
        Self {
            lanes: R::LANES,
            forwards: Bench::forwards_together::<R>,
            gradients: Bench::gradients_together::<R>,
            sharing: Bench::sharing::<R>,
        }
    }
}

/// What the worlds of a register share.
struct Sharing {
    /// Steps of Newton's method until the slowest world is done.
    newton_mean: f64,
    newton_most: usize,
    /// Of the contacts' places the part that is used.
    places_used: f64,
}

/// What was measured.
struct Found {
    /// [µs per step and world]
    forward: f64,
    gradient: f64,
    /// Of the first world alone.
    single: f64,
    single_gradient: f64,
    linearize_us: Option<f64>,
    newton_mean: f64,
    newton_most: usize,
    bytes_per_step: f64,
    first_gradient_ms: f64,
    parameters: usize,
    /// Of many worlds.
    together: Option<Sharing>,
    kept: Vec<Remembered>,
}

impl Profile {
    pub fn run(&self, start: Instant) -> Result<Answer, Error> {
        let subject = Subject::load(&self.path, &self.common)?;
        let steps = self.steps as usize;
        // Worlds with particles do not share a register.
        let alone = !subject.model.topology.particles.is_empty();
        let register = match (alone, self.single) {
            (true, true) => {
                let what = "worlds with particles are rolled out in double precision: leave --single out";
                return Err(Error::in_file(self.path.display().to_string(), what));
            }
            (true, false) => Register::of::<f64>(),
            (false, false) => Register::of::<Lanes>(),
            (false, true) => Register::of::<LanesF32>(),
        };
        let bench = Bench {
            parameters: derive::parameters(&subject.description),
            worlds: (0..self.worlds).map(|w| subject.random_controls(steps, self.seed + w)).collect(),
            memory: self.memory,
            loss: Loss::of(&subject, steps, self.seed),
            subject,
            register,
        };
        let one = bench.gradients(1)?[0];
        let first_gradient_ms = 1e3 * start.elapsed().as_secs_f64();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.threads as usize).build();
        let pool = pool.map_err(|e| Error::message(format!("the threads cannot be started: {e}")))?;
        let ([single, single_gradient, forward, gradient], kept) = pool.install(|| bench.measure())?;
        let many = self.worlds > 1;
        let (newton_mean, newton_most) = bench.solver_steps();
        let found = Found {
            forward,
            gradient,
            single,
            single_gradient,
            linearize_us: (!alone).then(|| bench.linearization()),
            newton_mean,
            newton_most,
            bytes_per_step: one.bytes as f64 / steps as f64,
            first_gradient_ms,
            parameters: bench.parameters.len(),
            together: (many && !alone).then(|| (bench.register.sharing)(&bench)),
            kept,
        };
        let lanes = bench.register.lanes;
        let answer = || {
            let mut all = found.answer();
            let run = json!({
                "horizon": steps, "worlds": self.worlds, "threads": self.threads, "lanes": lanes, "target": target(),
            });
            for (key, value) in run.as_object().into_iter().flatten() {
                all[key] = value.clone();
            }
            all
        };
        let text = || {
            let many = if many { found.text_of_many(lanes, steps) } else { String::new() };
            let (worlds, threads, target) = (self.worlds, self.threads, target());
            let run = format!(
                "{worlds} worlds of {steps} steps, {threads} threads, built for {target} ({lanes} lanes)\n"
            );
            found.text() + &many + &run
        };
        Ok(Answer::new(&self.common, answer, text))
    }
}

impl Found {
    fn answer(&self) -> serde_json::Value {
        let together = self.together.as_ref();
        let kept = |kept: &Remembered| json!({ "states": kept.states, "records": kept.records, "bytes": kept.bytes });
        json!({
            "forward_us_per_step": self.forward,
            "gradient_us_per_step": self.gradient,
            "ratio": self.gradient / self.forward,
            "forward_steps_per_second": 1e6 / self.forward,
            "gradient_steps_per_second": 1e6 / self.gradient,
            "single_forward_us_per_step": self.single,
            "single_gradient_us_per_step": self.single_gradient,
            "bytes_per_step": self.bytes_per_step,
            "linearize_us": self.linearize_us,
            "newton_steps_mean": self.newton_mean,
            "newton_steps_most": self.newton_most,
            "lanes_newton_steps_mean": together.map(|l| l.newton_mean),
            "lanes_newton_steps_most": together.map(|l| l.newton_most),
            "contact_places_used": together.map(|l| l.places_used),
            "kept": self.kept.iter().map(kept).collect::<Vec<_>>(),
            "parameters": self.parameters,
            "first_gradient_ms": self.first_gradient_ms,
        })
    }

    fn text(&self) -> String {
        format!(
            "forward            {:>10.3} µs per step\n\
             value and gradient {:>10.3} µs per step, {:.2} times as much, by {} parameters\n\
             {}\
             constraint forces  {:>10.2} steps of Newton's method, at most {}\n\
             kept               {:>10.0} bytes per step\n\
             first gradient     {:>10.1} ms after the start of the process\n",
            self.single,
            self.single_gradient,
            self.single_gradient / self.single,
            self.parameters,
            self.linearize_us.map_or(String::new(), |us| format!("A and B            {us:>10.3} µs\n")),
            self.newton_mean,
            self.newton_most,
            self.bytes_per_step,
            self.first_gradient_ms,
        )
    }

    fn text_of_many(&self, lanes: usize, steps: usize) -> String {
        let mut text = format!(
            "all worlds forward {:>10.0} steps per second, {:.2} times one world alone\n\
             … and gradient     {:>10.0} steps per second, {:.2} times\n",
            1e6 / self.forward,
            self.single / self.forward,
            1e6 / self.gradient,
            self.single_gradient / self.gradient,
        );
        if let Some(sharing) = &self.together {
            text += &format!(
                "constraint forces  {:>10.2} steps of Newton's method until the slowest of {lanes} worlds is done, \
                 at most {}\n\
                 contacts           {:>10.0} % of the places that {lanes} worlds share are used\n",
                sharing.newton_mean,
                sharing.newton_most,
                100.0 * sharing.places_used,
            );
        }
        for kept in &self.kept {
            text += &format!(
                "kept by a thread   {:>10.1} MB: {} states of {lanes} worlds, {} of {steps} steps with forces and factor\n",
                1e-6 * kept.bytes as f64,
                kept.states,
                kept.records,
            );
        }
        text
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
    /// The medians of alternating runs [µs per step and world]: forward and with gradient, of one world, and of
    /// all of them if they are many; with what the gradients of these kept.
    fn measure(&self) -> Result<([f64; 4], Vec<Remembered>), Error> {
        let all: [(Work, usize); 4] = [
            (Self::forwards, 1),
            (Self::gradients, 1),
            (self.register.forwards, self.worlds.len()),
            (self.register.gradients, self.worlds.len()),
        ];
        let work = &all[..if self.worlds.len() > 1 { 4 } else { 2 }];
        let counts: Vec<usize> =
            work.iter().map(|(work, _)| self.repeats(*work)).collect::<Result<_, _>>()?;
        let (mut times, mut kept): ([Vec<f64>; 4], _) = Default::default();
        for _ in 0..RUNS {
            for (k, (work, worlds)) in work.iter().enumerate() {
                let clock = Instant::now();
                kept = work(self, counts[k])?;
                let steps = counts[k] * worlds * self.worlds[0].len();
                times[k].push(1e6 * clock.elapsed().as_secs_f64() / steps as f64);
            }
        }
        let [forward, gradient, forward_all, gradient_all] = times.map(median);
        Ok(if self.worlds.len() > 1 {
            ([forward, gradient, forward_all, gradient_all], kept)
        } else {
            ([forward, gradient, forward, gradient], Vec::new())
        })
    }

    /// How often to repeat some work so that the clock sees it; this also warms up.
    fn repeats(&self, work: Work) -> Result<usize, Error> {
        let mut count = 1;
        loop {
            let clock = Instant::now();
            work(self, count)?;
            if clock.elapsed().as_secs_f64() >= SHORTEST || count >= 1 << 20 {
                return Ok(count);
            }
            count *= 2;
        }
    }

    /// Plain rollouts of the first world, which remember nothing.
    fn forwards(&self, count: usize) -> Result<Vec<Remembered>, Error> {
        let (model, start) = (&self.subject.model, &self.subject.start);
        let mut record = Record::new(model);
        let (mut state, mut next) = (start.clone(), start.clone());
        let mut own = Input::zero(model);
        let (mut policy, weights) = (Policy::new(model, self.subject.parts()), self.subject.weights());
        let inputs = &self.worlds[0];
        for _ in 0..count {
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
        Ok(Vec::new())
    }

    /// Cost and gradient of the first world by start, controls and parameters.
    ///
    /// The model is compiled once, as in any optimization that leaves its parameters alone; the
    /// pullback of the compilation is part of every gradient.
    fn gradients(&self, count: usize) -> Result<Vec<Remembered>, Error> {
        let start = &self.subject.start;
        let compiled = self.compiled();
        let mut objective = self.loss.over(&self.subject.model);
        let mut workspace = Workspace::new(&self.subject.model, start);
        let mut policy = Policy::new(&compiled.model, self.subject.parts());
        let weights = self.subject.weights();
        for _ in 0..count {
            let (_, gradient) = value_and_gradient_controlled(
                &compiled.model,
                start,
                &self.worlds[0],
                (&mut policy, &weights),
                &mut objective,
                self.memory,
                &mut workspace,
            )?;
            std::hint::black_box(compiled.pullback(&gradient.model));
        }
        Ok(vec![workspace.remembered()])
    }

    fn compiled(&self) -> derive::Compilation<f64> {
        let values: Vec<f64> = self.parameters.iter().map(|p| p.value).collect();
        derive::Compilation::new(&self.subject.description, &values)
    }

    /// All worlds, shared out among the threads.
    fn together<'a>(&'a self, starts: &'a [State<f64>]) -> Worlds<'a> {
        Worlds { models: std::slice::from_ref(&self.subject.model), starts, inputs: &self.worlds }
    }

    fn forwards_together<R: Engine + Send + Sync + 'static>(
        &self,
        count: usize,
    ) -> Result<Vec<Remembered>, Error>
    where
        Workspace<R>: Send,
        Policy<'static, R>: Send,
        Over<R>: Send,
    {
        let starts = vec![self.subject.start.clone(); self.worlds.len()];
        let (parts, weights) = (self.subject.parts(), self.subject.weights());
        let mut batch = Batch::new(self.memory);
        for _ in 0..count {
            let policy = |model: &Model<R>| Policy::new(model, parts);
            let loss = |model: &Model<R>| self.loss.over(model);
            let all = batch.costs(self.together(&starts), (policy, &weights), loss);
            std::hint::black_box(all.into_iter().collect::<Result<Vec<_>, _>>()?);
        }
        Ok(Vec::new())
    }

    fn gradients_together<R: Engine + Send + Sync + 'static>(
        &self,
        count: usize,
    ) -> Result<Vec<Remembered>, Error>
    where
        Workspace<R>: Send,
        Policy<'static, R>: Send,
        Over<R>: Send,
    {
        let starts = vec![self.subject.start.clone(); self.worlds.len()];
        let (parts, weights, compiled) = (self.subject.parts(), self.subject.weights(), self.compiled());
        let mut batch = Batch::new(self.memory);
        for _ in 0..count {
            let policy = |model: &Model<R>| Policy::new(model, parts);
            let loss = |model: &Model<R>| self.loss.over(model);
            let all = batch.value_and_gradient(self.together(&starts), (policy, &weights), loss);
            let model = all.shared.model.as_ref().expect("all worlds have one model");
            std::hint::black_box(compiled.pullback(model));
            all.worlds.iter().try_for_each(|world| world.cost.clone().map(drop))?;
        }
        Ok(batch.remembered())
    }

    /// What the first worlds share in a register, on their way together.
    fn sharing<R: Engine>(&self) -> Sharing {
        let model = self.subject.model.map(R::from_f64);
        let mut record = Record::new(&model);
        let mut state = self.subject.start.map(R::from_f64);
        let mut next = state.clone();
        let (mut used, mut newton) = ([0; 2], Vec::new());
        for k in 0..self.worlds[0].len() {
            let mut input = Input::zero(&model);
            for (i, u) in input.u.iter_mut().enumerate() {
                *u = R::from_lanes(|w| self.worlds[w % self.worlds.len()][k].u[i]);
            }
            step(&model, &state, &input, &mut record, &mut next);
            let own = record.stages[0].constraint.contacts.places_used();
            used = [used[0] + own[0], used[1] + own[1]];
            newton.extend(record.stages.iter().map(Stage::solver_steps));
            std::mem::swap(&mut state, &mut next);
        }
        let (newton_mean, newton_most) = mean_and_most(&newton);
        Sharing { newton_mean, newton_most, places_used: used[0] as f64 / used[1].max(1) as f64 }
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
        mean_and_most(&all)
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

fn mean_and_most(all: &[usize]) -> (f64, usize) {
    let sum: usize = all.iter().sum();
    (sum as f64 / all.len().max(1) as f64, all.iter().max().copied().unwrap_or(0))
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}
