//! The loop: descend, keep the best, report, and stop for a reason.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::adam::Adam;
use super::cma_es::Cmaes;
use super::episodes::{Ended, Episodes};
use super::gradient_descent::GradientDescent;
use super::ilqr::Ilqr;
use super::lbfgs::Lbfgs;
use super::least_squares::LevenbergMarquardt;
use super::problem::{Kind, Problem};
use super::trials::{FailedTrials, Progress, Trials};
use super::trust_region::TrustRegion;
use super::variable::Coordinate;
use super::{Descent, Evaluator, Function, Point, Solution, Tensor, checkpoint};
use crate::error::Error;
use crate::objective::Objective;
use crate::rollout::Health;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

/// What belongs to one run and not to the problem.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Instead of the problem's own budget.
    pub iterations: Option<usize>,
    /// Of the small random guess.
    pub seed: u64,
    /// A checkpoint to go on from; its own seed counts.
    pub resume: Option<PathBuf>,
    /// Where to keep a checkpoint: every 25 iterations or 2 seconds, and at the end.
    pub checkpoint: Option<PathBuf>,
}

/// How often the goals are judged at many starts.
const JUDGED_ITERATIONS: usize = 20;
const CHECKPOINT_ITERATIONS: usize = 25;
const CHECKPOINT_SECONDS: f64 = 2.0;

/// One line of the metrics.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// Counts from zero.
    pub iteration: usize,
    /// At this iteration.
    pub cost: f64,
    /// Euclidean, in the optimizer's variables.
    pub gradient_norm: f64,
    /// The lowest cost so far.
    pub best: f64,
    /// Since the first start, pauses between runs left out.
    pub seconds: f64,
    /// Rollouts with their gradient since the first start.
    pub rollouts: usize,
}

/// What a run leaves.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The best one found.
    pub solution: Solution,
    /// One row for each iteration.
    pub history: Vec<Row>,
    /// Of the start.
    pub cost_first: f64,
    /// Of the last iteration.
    pub cost_last: f64,
    /// Of the solution.
    pub cost_best: f64,
    /// How many were done.
    pub iterations: usize,
    /// How long they took [s].
    pub seconds: f64,
    /// Why it ended, as a sentence.
    pub stop: String,
    /// What the last gradient met.
    pub health: Health,
    /// How many rollouts failed that gradients went on without, as a sentence, if some did.
    pub left_out: Option<String>,
    /// The trials of this run that failed: methods that compare costs take them for too far away.
    pub failed_trials: FailedTrials,
    /// The episodes that ended, if worlds go on from gradient to gradient.
    pub episodes: Vec<Ended>,
}

/// Optimizes a problem whose cost is its own terms.
///
/// # Errors
/// A rollout that diverges at the start, or a checkpoint that does not fit or cannot be written.
pub fn run(
    problem: &Problem,
    settings: &Settings,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Outcome, Error> {
    travel(problem, Evaluator::of_terms(problem), settings, progress)
}

/// Optimizes a problem with any objective.
///
/// # Errors
/// As [`run`]; and iterative LQR and least squares, which need the problem's own terms.
pub fn run_with<'o>(
    problem: &'o Problem,
    objective: impl Objective<f64> + 'o,
    settings: &Settings,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Outcome, Error> {
    run_boxed(problem, Box::new(objective), settings, progress)
}

/// The same, for all objectives at once.
fn run_boxed<'o>(
    problem: &'o Problem,
    objective: Box<dyn Objective<f64> + 'o>,
    settings: &Settings,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Outcome, Error> {
    if matches!(problem.method.kind, Kind::Ilqr | Kind::LevenbergMarquardt) {
        let what = "this optimizer needs the curvature of the cost: state it as terms, or choose L-BFGS";
        return Err(Error::message(what));
    }
    travel(problem, Evaluator::new(problem, objective), settings, progress)
}

fn travel(
    problem: &Problem,
    mut evaluator: Evaluator<'_>,
    settings: &Settings,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Outcome, Error> {
    let coordinates = problem.coordinates();
    let mut journey = Journey::new(problem, settings);
    let saved = match &settings.resume {
        Some(path) => Some(journey.resume(path)?),
        None => None,
    };
    let fresh = problem.method.draws_anew();
    if let (Some(saved), Some(episodes)) = (&saved, &mut evaluator.episodes) {
        let unfit = || Error::message("the checkpoint lacks the worlds on their way; start afresh");
        episodes.restore(problem, saved).ok_or_else(unfit)?;
    }
    let evaluator = RefCell::new(evaluator);
    let batch = problem.starts.as_ref().map_or(1, |s| s.batch);
    let (rollouts, seed, trials) = (Cell::new(0), journey.seed, Trials::new(journey.iteration, progress));
    let mut f = |x: &[f64], g: &mut [f64]| {
        rollouts.set(rollouts.get() + batch);
        let mut evaluator = evaluator.borrow_mut();
        evaluator.draw(seed, if fresh { trials.iteration() } else { 0 });
        trials.counted(evaluator.value_and_gradient(x, g))
    };
    let mut descent = depart(problem, (&coordinates, &trials), saved.as_deref(), journey.seed, &mut f)?;
    if saved.is_none() {
        trials.show(journey.note(descent.point(), rollouts.get()));
    }
    let stop = loop {
        if let Some(reason) = journey.arrived(descent.point(), &coordinates)? {
            break reason;
        }
        trials.begin(journey.iteration + 1);
        if let Some(reason) = descent.advance(&mut f)? {
            break trials.explain(reason);
        }
        journey.iteration += 1;
        trials.show(journey.note(descent.point(), rollouts.get()));
        journey.keep(descent.as_ref(), &evaluator.borrow(), false)?;
    };
    journey.keep(descent.as_ref(), &evaluator.borrow(), true)?;
    Ok(journey.outcome(descent.point(), &coordinates, (stop, trials.all()), evaluator.into_inner()))
}

/// The optimizer at its first point: a seeded guess, or where a checkpoint was.
fn depart<'p>(
    problem: &'p Problem,
    (coordinates, trials): (&'p [Coordinate], &'p Trials<'_>),
    saved: Option<&[Tensor]>,
    seed: u64,
    f: &mut Function<'_>,
) -> Result<Box<dyn Descent + 'p>, Error> {
    let unfit = || Error::message("the checkpoint is not of this optimizer");
    let find =
        |name: &str| -> Option<Vec<f64>> { saved?.iter().find(|t| t.name == name).map(|t| t.data.clone()) };
    let point = match saved {
        None => Point::at(guess(problem, coordinates, seed), f)?,
        Some(_) => {
            let (x, gradient) = (find("x").ok_or_else(unfit)?, find("gradient").ok_or_else(unfit)?);
            Point { x, gradient, cost: find("cost").ok_or_else(unfit)?[0] }
        }
    };
    let rates = || {
        let each = problem.groups.iter().flat_map(|g| std::iter::repeat_n(g.rate, g.variables.len()));
        each.collect()
    };
    Ok(match problem.method.kind {
        Kind::Adam(settings) => {
            let mut adam = Adam::new(settings, coordinates, rates(), point);
            saved.map_or(Some(()), |s| adam.restore(s)).ok_or_else(unfit)?;
            Box::new(adam)
        }
        Kind::Descent(settings) => {
            let mut descent = GradientDescent::new(settings, coordinates, rates(), point);
            saved.map_or(Some(()), |s| descent.restore(s)).ok_or_else(unfit)?;
            Box::new(descent)
        }
        Kind::LevenbergMarquardt => {
            let mut squares = LevenbergMarquardt::new(problem, coordinates, point)?;
            saved.map_or(Some(()), |s| squares.restore(s)).ok_or_else(unfit)?;
            Box::new(squares)
        }
        Kind::TrustRegion => {
            let mut region = TrustRegion::new(coordinates, point);
            saved.map_or(Some(()), |s| region.restore(s)).ok_or_else(unfit)?;
            Box::new(region)
        }
        Kind::Cmaes(settings) => {
            let mut search = Cmaes::new(settings, coordinates, point, seed)?;
            saved.map_or(Some(()), |s| search.restore(s)).ok_or_else(unfit)?;
            Box::new(search)
        }
        Kind::Ilqr => {
            let mut ilqr = Ilqr::new(problem, (coordinates, trials), point)?;
            saved.map_or(Some(()), |s| ilqr.restore(s)).ok_or_else(unfit)?;
            Box::new(ilqr)
        }
        Kind::Lbfgs { memory } => {
            let mut lbfgs = Lbfgs::new(memory, coordinates, point);
            saved.map_or(Some(()), |s| lbfgs.restore(s)).ok_or_else(unfit)?;
            Box::new(lbfgs)
        }
    })
}

/// The start of every variable, moved a little at random to break symmetries.
fn guess(problem: &Problem, coordinates: &[Coordinate], seed: u64) -> Vec<f64> {
    let mut random = Pcg64::seed_from_u64(seed);
    let variables = problem.groups.iter().flat_map(|g| g.variables.iter().map(move |v| (g.noise, v)));
    let each = variables.zip(coordinates);
    each.map(|((noise, v), c)| c.of(v.start + noise * v.scale * random.random_range(-1.0..1.0))).collect()
}

/// What is remembered on the way.
struct Journey<'p> {
    problem: &'p Problem,
    fingerprint: String,
    settings: &'p Settings,
    seed: u64,
    budget: usize,
    iteration: usize,
    history: Vec<Row>,
    best: (f64, Vec<f64>),
    started: Instant,
    /// Of the runs before this one: seconds and rollouts.
    earlier: f64,
    rollouts: usize,
    kept: Instant,
}

impl<'p> Journey<'p> {
    fn new(problem: &'p Problem, settings: &'p Settings) -> Self {
        Self {
            problem,
            fingerprint: problem.fingerprint(),
            settings,
            seed: settings.seed,
            budget: settings.iterations.unwrap_or(problem.method.iterations),
            iteration: 0,
            history: Vec::new(),
            best: (f64::INFINITY, Vec::new()),
            started: Instant::now(),
            earlier: 0.0,
            rollouts: 0,
            kept: Instant::now(),
        }
    }

    fn seconds(&self) -> f64 {
        self.earlier + self.started.elapsed().as_secs_f64()
    }

    /// Takes a new point into the records, and says how far the run is.
    fn note(&mut self, point: &Point, rollouts: usize) -> Progress {
        // Costs of different starts cannot be compared.
        if point.cost < self.best.0 || self.best.1.is_empty() || self.problem.starts.is_some() {
            self.best = (point.cost, point.x.clone());
        }
        let gradient_norm = point.gradient_norm();
        self.history.push(Row {
            iteration: self.iteration,
            cost: point.cost,
            gradient_norm,
            best: self.best.0,
            seconds: self.seconds(),
            rollouts: self.rollouts + rollouts,
        });
        let steps = (rollouts * self.problem.steps_seen()) as f64;
        Progress {
            iteration: self.iteration,
            iterations: self.budget,
            cost: point.cost,
            gradient_norm,
            steps_per_second: steps / self.started.elapsed().as_secs_f64().max(1e-9),
            best: self.best.0,
            failed_trials: 0,
        }
    }

    /// Why to stop at this point, if there is a reason.
    fn arrived(&mut self, point: &Point, coordinates: &[Coordinate]) -> Result<Option<String>, Error> {
        let method = &self.problem.method;
        let due = self.problem.starts.is_none() || self.iteration.is_multiple_of(JUDGED_ITERATIONS);
        if method.until_goals && !self.problem.goals.is_empty() && due {
            let natural: Vec<f64> = coordinates.iter().zip(&point.x).map(|(c, x)| c.value(*x)).collect();
            let judged = self.problem.judge_natural(&natural)?;
            if judged.iter().all(|j| j.reached) {
                self.best = (point.cost, point.x.clone());
                return Ok(Some(format!("all goals are reached after {} iterations", self.iteration)));
            }
        }
        let norm = point.gradient_norm();
        if norm <= method.tolerance {
            let tolerance = method.tolerance;
            return Ok(Some(format!("the gradient norm {norm:.3e} is within the tolerance {tolerance:e}")));
        }
        let over = self.iteration >= self.budget;
        Ok(over.then(|| format!("the budget of {} iterations is used up", self.budget)))
    }

    fn outcome(
        self,
        last: &Point,
        coordinates: &[Coordinate],
        (stop, failed_trials): (String, FailedTrials),
        evaluator: Evaluator<'_>,
    ) -> Outcome {
        let natural: Vec<f64> = coordinates.iter().zip(&self.best.1).map(|(c, x)| c.value(*x)).collect();
        Outcome {
            solution: Solution::of(self.problem, &natural),
            cost_first: self.history.first().map_or(last.cost, |r| r.cost),
            cost_last: last.cost,
            cost_best: self.best.0,
            iterations: self.iteration,
            seconds: self.seconds(),
            history: self.history,
            stop,
            health: evaluator.health(),
            left_out: evaluator.left_out(),
            failed_trials,
            episodes: evaluator.episodes.map_or(Vec::new(), |episodes| episodes.ended),
        }
    }

    /// Writes a checkpoint, if it is time.
    fn keep(&mut self, descent: &dyn Descent, evaluator: &Evaluator<'_>, now: bool) -> Result<(), Error> {
        let Some(path) = &self.settings.checkpoint else { return Ok(()) };
        let due = self.iteration.is_multiple_of(CHECKPOINT_ITERATIONS)
            || self.kept.elapsed().as_secs_f64() > CHECKPOINT_SECONDS;
        if !due && !now {
            return Ok(());
        }
        let point = descent.point();
        let rows = self.history.iter().flat_map(|r| {
            [r.iteration as f64, r.cost, r.gradient_norm, r.best, r.seconds, r.rollouts as f64]
        });
        let mut tensors = vec![
            Tensor::row("x", point.x.clone()),
            Tensor::row("gradient", point.gradient.clone()),
            Tensor::row("cost", vec![point.cost]),
            Tensor::row("best.x", self.best.1.clone()),
            Tensor::row("best.cost", vec![self.best.0]),
            Tensor::new("history", vec![self.history.len(), 6], rows.collect()),
        ];
        tensors.extend(descent.save());
        tensors.extend(evaluator.episodes.iter().flat_map(Episodes::save));
        let notes = [
            ("seed", self.seed.to_string()),
            ("iteration", self.iteration.to_string()),
            ("problem", self.fingerprint.clone()),
        ];
        checkpoint::write(path, &tensors, &notes)?;
        self.kept = Instant::now();
        Ok(())
    }

    /// Takes up the records of a checkpoint, and returns its tensors.
    fn resume(&mut self, path: &Path) -> Result<Vec<Tensor>, Error> {
        let (tensors, notes) = checkpoint::read(path)?;
        let file = path.display().to_string();
        let unfit = |what: &str| Error::in_file(&file, what.to_owned());
        if notes.get("problem") != Some(&self.fingerprint) {
            return Err(unfit(
                "the checkpoint is of another scene or model; go on with the files that it was made with",
            ));
        }
        let number = |name: &str| notes.get(name).and_then(|n| n.parse::<u64>().ok());
        let find = |name: &str| tensors.iter().find(|t| t.name == name).map(|t| &t.data);
        let broken = || unfit("the checkpoint lacks a part; start afresh");
        self.seed = number("seed").ok_or_else(broken)?;
        self.iteration = number("iteration").ok_or_else(broken)? as usize;
        self.best = (find("best.cost").ok_or_else(broken)?[0], find("best.x").ok_or_else(broken)?.clone());
        let (rows, _) = find("history").ok_or_else(broken)?.as_chunks::<6>();
        let row = |&[iteration, cost, gradient_norm, best, seconds, rollouts]: &[f64; 6]| Row {
            iteration: iteration as usize,
            cost,
            gradient_norm,
            best,
            seconds,
            rollouts: rollouts as usize,
        };
        self.history = rows.iter().map(row).collect();
        self.earlier = self.history.last().map_or(0.0, |r| r.seconds);
        self.rollouts = self.history.last().map_or(0, |r| r.rollouts);
        Ok(tensors)
    }
}
