//! Gradient descent with momentum and a step size per variable.

use super::pace::{Schedule, shortening, walk};
use super::solution::Tensor;
use super::variable::Coordinate;
use super::{Descent, Function, Point};
use crate::error::Error;

/// The numbers of Adam (Kingma and Ba 2015).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamSettings {
    /// The learning rate, in the optimizer's coordinates.
    pub rate: f64,
    /// How it changes on the way.
    pub schedule: Schedule,
    /// How much of the mean gradient and of the mean square is kept.
    pub memory: [f64; 2],
    /// The largest norm of a gradient; a longer one is shortened.
    pub clip: Option<f64>,
}

impl Default for AdamSettings {
    fn default() -> Self {
        Self { rate: 0.05, schedule: Schedule::Constant, memory: [0.9, 0.999], clip: None }
    }
}

/// Adam with projection on the bounds.
pub struct Adam<'p> {
    settings: AdamSettings,
    coordinates: &'p [Coordinate],
    /// Of every variable, relative to the learning rate.
    rates: Vec<f64>,
    point: Point,
    mean: Vec<f64>,
    square: Vec<f64>,
    steps: f64,
    /// What divergence has left of the learning rate.
    caution: f64,
}

impl<'p> Adam<'p> {
    /// At a point, with a rate for every variable.
    pub fn new(settings: AdamSettings, coordinates: &'p [Coordinate], rates: Vec<f64>, point: Point) -> Self {
        let zeros = vec![0.0; point.x.len()];
        Self {
            settings,
            coordinates,
            rates,
            point,
            mean: zeros.clone(),
            square: zeros,
            steps: 0.0,
            caution: 1.0,
        }
    }

    /// Goes on from what [`Descent::save`] saved.
    pub fn restore(&mut self, saved: &[Tensor]) -> Option<()> {
        let find = |name: &str| saved.iter().find(|t| t.name == name).map(|t| t.data.clone());
        self.mean = find("adam.mean")?;
        self.square = find("adam.square")?;
        let [steps, caution] = find("adam.progress")?[..] else { return None };
        (self.steps, self.caution) = (steps, caution);
        Some(())
    }

    /// `δ_i = −rate_i m̂_i / (√v̂_i + ε)`.
    fn step(&mut self) -> Vec<f64> {
        let AdamSettings { rate, schedule, memory: [b1, b2], clip } = self.settings;
        let shorter = shortening(&self.point.gradient, clip);
        let rate = rate * schedule.share(self.steps);
        self.steps += 1.0;
        let (c1, c2) = (1.0 - b1.powf(self.steps), 1.0 - b2.powf(self.steps));
        let moments = self.mean.iter_mut().zip(&mut self.square);
        let each = self.point.gradient.iter().zip(moments).zip(&self.rates);
        each.map(|((g, (m, v)), own)| {
            let g = g * shorter;
            *m = b1 * *m + (1.0 - b1) * g;
            *v = b2 * *v + (1.0 - b2) * g * g;
            -rate * own * (*m / c1) / ((*v / c2).sqrt() + 1e-8)
        })
        .collect()
    }
}

impl Descent for Adam<'_> {
    fn point(&self) -> &Point {
        &self.point
    }

    fn advance(&mut self, f: &mut Function<'_>) -> Result<Option<String>, Error> {
        let step = self.step();
        walk(&mut self.point, &step, &mut self.caution, self.coordinates, f)
    }

    fn save(&self) -> Vec<Tensor> {
        vec![
            Tensor::row("adam.mean", self.mean.clone()),
            Tensor::row("adam.square", self.square.clone()),
            Tensor::row("adam.progress", vec![self.steps, self.caution]),
        ]
    }
}
