//! A search without gradients, to show what gradients are worth: the covariance of a population adapts to the
//! shape of the cost.
//!
//! Hansen 2016, "The CMA Evolution Strategy: A Tutorial" (arXiv 1604.00772), with the constants of its table 1
//! and no negative weights.

use nalgebra::{DMatrix, DVector, SymmetricEigen};
use rand::RngExt;
use rand_distr::StandardNormal;
use rand_pcg::Pcg64;

use super::solution::Tensor;
use super::variable::Coordinate;
use super::{Descent, Function, Point};
use crate::error::Error;

/// The numbers of CMA-ES.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CmaesSettings {
    /// The first standard deviation, in the optimizer's coordinates.
    pub step: f64,
    /// Rollouts of one iteration; `4 + ⌊3 ln n⌋` for `n` variables if it is not stated.
    pub population: Option<usize>,
}

/// The covariance has an entry for every pair of variables.
const MOST_VARIABLES: usize = 2000;
/// A population this narrow has nowhere to go.
const LEAST_STEP: f64 = 1e-12;

/// The search: its point is the best one it has seen.
pub struct Cmaes<'p> {
    coordinates: &'p [Coordinate],
    population: usize,
    seed: u64,
    point: Point,
    mean: DVector<f64>,
    step: f64,
    covariance: DMatrix<f64>,
    /// Where the mean has been going, as a shape and in standard deviations.
    path: DVector<f64>,
    straight: DVector<f64>,
    generation: usize,
}

impl<'p> Cmaes<'p> {
    /// Around a point, with numbers drawn from a seed.
    ///
    /// # Errors
    /// More variables than a covariance has room for.
    pub fn new(
        settings: CmaesSettings,
        coordinates: &'p [Coordinate],
        point: Point,
        seed: u64,
    ) -> Result<Self, Error> {
        let n = point.x.len();
        if n > MOST_VARIABLES {
            let what = format!(
                "cma-es keeps a covariance of all pairs of variables, and has room for {MOST_VARIABLES}: for {n} choose \
                 \"adam\""
            );
            return Err(Error::message(what));
        }
        let usual = 4 + (3.0 * (n.max(1) as f64).ln()) as usize;
        Ok(Self {
            coordinates,
            population: settings.population.unwrap_or(usual).max(2),
            seed,
            mean: DVector::from_column_slice(&point.x),
            // It has none, and none is small.
            point: Point { gradient: vec![f64::NAN; n], ..point },
            step: settings.step,
            covariance: DMatrix::identity(n, n),
            path: DVector::zeros(n),
            straight: DVector::zeros(n),
            generation: 0,
        })
    }

    /// Goes on from what [`Descent::save`] saved.
    pub fn restore(&mut self, saved: &[Tensor]) -> Option<()> {
        let n = self.point.x.len();
        let find = |name: &str| saved.iter().find(|t| t.name == name).map(|t| &t.data);
        let vector = |name: &str| find(name).map(|data| DVector::from_column_slice(data));
        self.mean = vector("cma.mean")?;
        self.path = vector("cma.path")?;
        self.straight = vector("cma.straight")?;
        self.covariance = DMatrix::from_column_slice(n, n, find("cma.covariance")?);
        let [step, generation] = find("cma.progress")?[..] else { return None };
        (self.step, self.generation) = (step, generation as usize);
        Some(())
    }

    /// Evaluates a population, the best first: steps from the mean in units of the step size.
    fn sample(&mut self, root: &DMatrix<f64>, f: &mut Function<'_>) -> Result<Vec<DVector<f64>>, Error> {
        let n = self.mean.len();
        let mut random = Pcg64::new(u128::from(self.seed), self.generation as u128);
        let mut all = Vec::with_capacity(self.population);
        for _ in 0..self.population {
            let z = DVector::from_fn(n, |_, _| random.sample::<f64, _>(StandardNormal));
            let drawn = &self.mean + root * z * self.step;
            let x: Vec<f64> = drawn.iter().zip(self.coordinates).map(|(x, c)| c.projected(*x)).collect();
            let cost = match f(&x, &mut []) {
                Ok(cost) => cost,
                Err(e) if e.is_of_rollout() => f64::INFINITY,
                Err(e) => return Err(e),
            };
            all.push((cost, (DVector::from_column_slice(&x) - &self.mean) / self.step));
            if cost < self.point.cost {
                (self.point.cost, self.point.x) = (cost, x);
            }
        }
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        Ok(all.into_iter().map(|(_, y)| y).collect())
    }
}

impl Descent for Cmaes<'_> {
    fn point(&self) -> &Point {
        &self.point
    }

    fn advance(&mut self, f: &mut Function<'_>) -> Result<Option<String>, Error> {
        let n = self.mean.len() as f64;
        let half = self.population / 2;
        let raw = |i: usize| (0.5 * (self.population as f64 + 1.0)).ln() - (i as f64 + 1.0).ln();
        let sum: f64 = (0..half).map(raw).sum();
        let weights: Vec<f64> = (0..half).map(|i| raw(i) / sum).collect();
        let mass = 1.0 / weights.iter().map(|w| w * w).sum::<f64>();
        let c_step = (mass + 2.0) / (n + mass + 5.0);
        let damping = 1.0 + 2.0 * (((mass - 1.0) / (n + 1.0)).sqrt() - 1.0).max(0.0) + c_step;
        let c_path = (4.0 + mass / n) / (n + 4.0 + 2.0 * mass / n);
        let c_one = 2.0 / ((n + 1.3).powi(2) + mass);
        let c_many = (1.0 - c_one).min(2.0 * (mass - 2.0 + 1.0 / mass) / ((n + 2.0).powi(2) + mass));
        let usual = n.sqrt() * (1.0 - 1.0 / (4.0 * n) + 1.0 / (21.0 * n * n));

        let eigen = SymmetricEigen::new(self.covariance.clone());
        let lengths = eigen.eigenvalues.map(|e| e.max(1e-20).sqrt());
        let root = &eigen.eigenvectors * DMatrix::from_diagonal(&lengths);
        let steps = self.sample(&root, f)?;
        let ranked = || weights.iter().zip(&steps);
        let mut shift = DVector::zeros(self.mean.len());
        ranked().for_each(|(w, y)| shift.axpy(*w, y, 1.0));
        self.mean += &shift * self.step;
        let white = eigen.eigenvectors.tr_mul(&shift).component_div(&lengths);
        self.straight = &self.straight * (1.0 - c_step)
            + &eigen.eigenvectors * white * (c_step * (2.0 - c_step) * mass).sqrt();
        self.generation += 1;
        let length = self.straight.norm();
        let settled = 1.0 - (1.0 - c_step).powf(2.0 * self.generation as f64);
        let moving = length / settled.sqrt() < (1.4 + 2.0 / (n + 1.0)) * usual;
        self.path *= 1.0 - c_path;
        if moving {
            self.path += shift * (c_path * (2.0 - c_path) * mass).sqrt();
        }
        let lost = if moving { 0.0 } else { c_path * (2.0 - c_path) };
        self.covariance *= 1.0 - c_one - c_many + c_one * lost;
        self.covariance.ger(c_one, &self.path, &self.path, 1.0);
        ranked().for_each(|(w, y)| self.covariance.ger(c_many * w, y, y, 1.0));
        self.step *= (c_step / damping * (length / usual - 1.0)).exp();
        let narrow = self.step * lengths.max() < LEAST_STEP;
        Ok(narrow.then(|| "the population has become a point".to_owned()))
    }

    fn save(&self) -> Vec<Tensor> {
        let row = |name: &str, v: &DVector<f64>| Tensor::row(name, v.as_slice().to_vec());
        let n = self.mean.len();
        vec![
            row("cma.mean", &self.mean),
            row("cma.path", &self.path),
            row("cma.straight", &self.straight),
            Tensor::new("cma.covariance", vec![n, n], self.covariance.as_slice().to_vec()),
            Tensor::row("cma.progress", vec![self.step, self.generation as f64]),
        ]
    }
}
