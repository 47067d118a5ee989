//! The choices of the variables that were tried: how many of them failed, and why.

use std::cell::{Cell, RefCell};

use crate::error::Error;

/// One iteration, as it happens; told again when a trial on the way to the next one fails.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// Counts from zero.
    pub iteration: usize,
    /// The budget.
    pub iterations: usize,
    /// At this iteration.
    pub cost: f64,
    /// Euclidean, in the optimizer's variables.
    pub gradient_norm: f64,
    /// Simulated steps with their gradient, per second.
    pub steps_per_second: f64,
    /// The lowest cost so far.
    pub best: f64,
    /// How many trials failed so far.
    pub failed_trials: usize,
}

/// How many trials failed, and why. A trial is one choice of the variables and its rollouts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FailedTrials {
    /// All trials, failed or not.
    pub tried: usize,
    /// The failed ones by reason, the first reason first.
    pub reasons: Vec<Reason>,
}

/// Trials that failed alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    /// What they have in common.
    pub kind: String,
    /// How many they are.
    pub count: usize,
    /// The iteration of the first one.
    pub iteration: usize,
    /// What it said.
    pub error: Error,
}

impl FailedTrials {
    /// How many failed.
    pub fn count(&self) -> usize {
        self.reasons.iter().map(|r| r.count).sum()
    }

    /// How many failed and why, as a sentence, if some did.
    pub fn tell(&self) -> Option<String> {
        let several = self.reasons.len() > 1;
        let each = self.reasons.iter().map(|r| {
            let own = if several { format!("{} ", r.count) } else { String::new() };
            format!("{own}because {} (at iteration {}: {})", r.kind, r.iteration, r.error)
        });
        let each: Vec<String> = each.collect();
        let (count, tried) = (self.count(), self.tried);
        (count > 0).then(|| format!("{count} of {tried} trials failed, {}", each.join(", ")))
    }

    fn take(&mut self, iteration: usize, error: Option<&Error>) {
        self.tried += 1;
        let Some(error) = error else { return };
        let kind = error.kind();
        match self.reasons.iter_mut().find(|r| r.kind == kind) {
            Some(reason) => reason.count += 1,
            None => self.reasons.push(Reason { kind, count: 1, iteration, error: error.clone() }),
        }
    }
}

/// Counts every trial of a run, and shows the failed ones as they happen.
pub struct Trials<'t> {
    iteration: Cell<usize>,
    all: RefCell<FailedTrials>,
    /// Of this iteration.
    recent: RefCell<FailedTrials>,
    progress: RefCell<&'t mut dyn FnMut(&Progress)>,
    shown: Cell<Option<Progress>>,
}

impl<'t> Trials<'t> {
    /// Of a run that goes on at an iteration; `progress` hears of it.
    pub fn new(iteration: usize, progress: &'t mut dyn FnMut(&Progress)) -> Self {
        Self {
            iteration: Cell::new(iteration),
            all: RefCell::default(),
            recent: RefCell::default(),
            progress: RefCell::new(progress),
            shown: Cell::new(None),
        }
    }

    /// A new iteration begins.
    pub fn begin(&self, iteration: usize) {
        self.iteration.set(iteration);
        self.recent.take();
    }

    /// The iteration that runs.
    pub fn iteration(&self) -> usize {
        self.iteration.get()
    }

    /// Counts a trial, and hands on what it gave.
    pub fn counted<T>(&self, given: Result<T, Error>) -> Result<T, Error> {
        // An error of another kind is the end of the run, and speaks for itself.
        let error = given.as_ref().err().filter(|e| e.is_of_rollout());
        for list in [&self.all, &self.recent] {
            list.borrow_mut().take(self.iteration.get(), error);
        }
        if let (Some(_), Some(shown)) = (error, self.shown.get()) {
            self.show(shown);
        }
        given
    }

    /// Shows how far the run is, with the failed trials so far.
    pub fn show(&self, progress: Progress) {
        let progress = Progress { failed_trials: self.all.borrow().count(), ..progress };
        self.shown.set(Some(progress));
        (self.progress.borrow_mut())(&progress);
    }

    /// A reason to stop, and the trials of this iteration that failed before it.
    pub fn explain(&self, stop: String) -> String {
        let recent = self.recent.borrow();
        let kinds: Vec<&str> = recent.reasons.iter().map(|r| r.kind.as_str()).collect();
        match recent.count() {
            0 => stop,
            count => {
                format!(
                    "{stop}; {count} of the last {} trials failed because {}",
                    recent.tried,
                    kinds.join(", or because ")
                )
            }
        }
    }

    /// All trials of the run so far.
    pub fn all(&self) -> FailedTrials {
        self.all.borrow().clone()
    }
}
