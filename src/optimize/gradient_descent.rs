//! Gradient descent with momentum: the plainest method, for comparison and for well-scaled problems.

use super::pace::{Schedule, shortening, walk};
use super::solution::Tensor;
use super::variable::Coordinate;
use super::{Descent, Function, Point, norm};
use crate::error::Error;

/// The numbers of gradient descent with a heavy ball (Polyak 1964).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DescentSettings {
    /// The learning rate, in the optimizer's coordinates.
    pub rate: f64,
    /// How it changes on the way.
    pub schedule: Schedule,
    /// How much of the last step is kept.
    pub momentum: f64,
    /// Whether every gradient counts with length one, which makes steps as long as the rate.
    pub normalize: bool,
    /// The largest norm of a gradient; a longer one is shortened.
    pub clip: Option<f64>,
}

impl Default for DescentSettings {
    fn default() -> Self {
        Self { rate: 0.01, schedule: Schedule::Constant, momentum: 0.0, normalize: false, clip: None }
    }
}

/// Gradient descent with projection on the bounds.
pub struct GradientDescent<'p> {
    settings: DescentSettings,
    coordinates: &'p [Coordinate],
    /// Of every variable, relative to the learning rate.
    rates: Vec<f64>,
    point: Point,
    /// The sum of all gradients so far, with what momentum has left of them.
    heap: Vec<f64>,
    steps: f64,
    /// What divergence has left of the learning rate.
    caution: f64,
}

impl<'p> GradientDescent<'p> {
    /// At a point, with a rate for every variable.
    pub fn new(
        settings: DescentSettings,
        coordinates: &'p [Coordinate],
        rates: Vec<f64>,
        point: Point,
    ) -> Self {
        let heap = vec![0.0; point.x.len()];
        Self { settings, coordinates, rates, point, heap, steps: 0.0, caution: 1.0 }
    }

    /// Goes on from what [`Descent::save`] saved.
    pub fn restore(&mut self, saved: &[Tensor]) -> Option<()> {
        let find = |name: &str| saved.iter().find(|t| t.name == name).map(|t| t.data.clone());
        self.heap = find("descent.heap").filter(|heap| heap.len() == self.point.x.len())?;
        let [steps, caution] = find("descent.progress")?[..] else { return None };
        (self.steps, self.caution) = (steps, caution);
        Some(())
    }

    /// `m ← μ m + g`, `δ_i = −rate rate_i m_i`.
    fn step(&mut self) -> Vec<f64> {
        let DescentSettings { rate, schedule, momentum, normalize, clip } = self.settings;
        let length = norm(&self.point.gradient);
        let factor = match normalize {
            // Where the cost is flat there is no direction to go in.
            true if length > 0.0 => 1.0 / length,
            true => 0.0,
            false => shortening(&self.point.gradient, clip),
        };
        let rate = rate * schedule.share(self.steps);
        self.steps += 1.0;
        let each = self.heap.iter_mut().zip(&self.point.gradient).zip(&self.rates);
        each.map(|((m, g), own)| {
            *m = momentum * *m + factor * g;
            -rate * own * *m
        })
        .collect()
    }
}

impl Descent for GradientDescent<'_> {
    fn point(&self) -> &Point {
        &self.point
    }

    fn advance(&mut self, f: &mut Function<'_>) -> Result<Option<String>, Error> {
        let step = self.step();
        walk(&mut self.point, &step, &mut self.caution, self.coordinates, f)
    }

    fn save(&self) -> Vec<Tensor> {
        vec![
            Tensor::row("descent.heap", self.heap.clone()),
            Tensor::row("descent.progress", vec![self.steps, self.caution]),
        ]
    }
}
