//! Worlds that go on from gradient to gradient, so that each sees a short window of a long episode (Xu and others
//! 2022, "Accelerated policy learning with parallel differentiable simulation").

use std::cell::RefCell;

use super::Tensor;
use super::problem::{Drawn, Problem};
use crate::error::Error;
use crate::model::State;

/// An episode that is over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ended {
    /// The iteration whose gradient saw its last window.
    pub iteration: usize,
    /// The place of its world in the batch.
    pub world: usize,
    /// How many steps it lasted.
    pub steps: usize,
    /// Of all its windows together.
    pub cost: f64,
    /// Whether its world failed in the window after them.
    pub failed: bool,
}

/// A world on its way.
#[derive(Clone, Debug)]
struct Running {
    /// Where it is, with the numbers that it drew at its start.
    world: Drawn,
    steps: usize,
    cost: f64,
}

/// The worlds of a batch, and all episodes that are over.
#[derive(Clone, Debug)]
pub(super) struct Episodes {
    window: usize,
    /// The most steps of an episode.
    length: usize,
    running: Vec<Option<Running>>,
    pub ended: Vec<Ended>,
}

impl Episodes {
    /// The worlds of a problem whose gradients see windows.
    pub fn new(problem: &Problem) -> Option<Self> {
        let starts = problem.starts.as_ref()?;
        let (window, length) = (starts.window?, problem.plan.steps());
        Some(Self { window, length, running: vec![None; starts.batch], ended: Vec::new() })
    }

    /// Puts the worlds that are on their way in the place of those that were drawn.
    pub fn go_on(&self, drawn: &mut [Drawn]) {
        for (drawn, running) in drawn.iter_mut().zip(&self.running) {
            if let Some(running) = running {
                drawn.clone_from(&running.world);
            }
        }
    }

    /// Takes the ends of a window over. A world starts anew if it failed, or if no window is left of its episode.
    pub fn advance(
        &mut self,
        iteration: usize,
        seen: Vec<Drawn>,
        costs: &[Result<f64, Error>],
        ends: &[State<f64>],
    ) {
        let all = self.running.iter_mut().zip(seen).zip(costs).zip(ends);
        for (world, (((running, seen), cost), end)) in all.enumerate() {
            let (steps, past) = running.as_ref().map_or((0, 0.0), |r| (r.steps, r.cost));
            let end_of = |steps, cost, failed| Ended { iteration, world, steps, cost, failed };
            *running = None;
            match cost {
                Err(_) => self.ended.push(end_of(steps, past, true)),
                Ok(cost) if steps + 2 * self.window > self.length => {
                    self.ended.push(end_of(steps + self.window, past + cost, false));
                }
                Ok(cost) => {
                    let world = Drawn { start: end.clone(), ..seen };
                    *running = Some(Running { world, steps: steps + self.window, cost: past + cost });
                }
            }
        }
    }

    /// Everything that the next gradients depend on, and what is over.
    pub fn save(&self) -> Vec<Tensor> {
        let rows = RefCell::new(Vec::new());
        for running in self.running.iter().flatten() {
            rows.borrow_mut().extend([running.steps as f64, running.cost]);
            rows.borrow_mut().extend(running.world.numbers.iter().map(|(_, x)| x));
            running.world.start.map(|x| rows.borrow_mut().push(x));
        }
        let which = self.running.iter().map(|running| f64::from(u8::from(running.is_some())));
        let ended = self.ended.iter().flat_map(|e| {
            [e.iteration as f64, e.world as f64, e.steps as f64, e.cost, f64::from(u8::from(e.failed))]
        });
        vec![
            Tensor::row("episodes.running", which.collect()),
            Tensor::row("episodes.worlds", rows.into_inner()),
            Tensor::new("episodes.ended", vec![self.ended.len(), 5], ended.collect()),
        ]
    }

    /// Goes on from what was saved; nothing if it does not fit.
    pub fn restore(&mut self, problem: &Problem, saved: &[Tensor]) -> Option<()> {
        let find = |name: &str| saved.iter().find(|t| t.name == name).map(|t| &t.data);
        let places = &problem.starts.as_ref()?.seen.numbers;
        let rows = RefCell::new(find("episodes.worlds")?.iter().copied());
        let next = || rows.borrow_mut().next();
        for (running, which) in self.running.iter_mut().zip(find("episodes.running")?) {
            *running = None;
            if *which == 0.0 {
                continue;
            }
            let (steps, cost) = (next()? as usize, next()?);
            let numbers = places.iter().map(|(place, _)| Some((*place, next()?))).collect::<Option<_>>()?;
            let start = problem.start.map(|_| next().unwrap_or(f64::NAN));
            *running = Some(Running { world: Drawn { start, numbers }, steps, cost });
        }
        let (ended, _) = find("episodes.ended")?.as_chunks::<5>();
        let of = |&[iteration, world, steps, cost, failed]: &[f64; 5]| Ended {
            iteration: iteration as usize,
            world: world as usize,
            steps: steps as usize,
            cost,
            failed: failed != 0.0,
        };
        self.ended = ended.iter().map(of).collect();
        Some(())
    }
}
