//! How long the steps of a first-order method are.

use std::f64::consts::PI;

use super::variable::Coordinate;
use super::{Function, Point, norm};
use crate::error::Error;

/// How the learning rate changes with the number `t` of steps, `T` of them planned.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Schedule {
    /// It stays.
    #[default]
    Constant,
    /// `c + (1 − c) (1 + cos(π t / T)) / 2` (Loshchilov and Hutter 2017, without restarts), and `c` from
    /// `T` on.
    Cosine {
        /// What is left in the end, `c`.
        decay: f64,
        /// The planned steps, `T`.
        steps: usize,
    },
    /// `c^(t / T)`, and `c` from `T` on.
    Exponential {
        /// What is left in the end, `c`.
        decay: f64,
        /// The planned steps, `T`.
        steps: usize,
    },
}

impl Schedule {
    /// What step `t` has of the learning rate.
    pub fn share(self, t: f64) -> f64 {
        let part = |steps: usize| (t / steps.max(1) as f64).min(1.0);
        match self {
            Self::Constant => 1.0,
            Self::Cosine { decay, steps } => decay + (1.0 - decay) * 0.5 * (1.0 + (PI * part(steps)).cos()),
            Self::Exponential { decay, steps } => decay.powf(part(steps)),
        }
    }
}

/// What a gradient is multiplied by to be no longer than `clip`.
pub(super) fn shortening(gradient: &[f64], clip: Option<f64>) -> f64 {
    let length = norm(gradient);
    clip.map_or(1.0, |clip| if length > clip { clip / length } else { 1.0 })
}

/// How often a step is halved when the rollout diverges.
const RETRIES: usize = 8;

/// Takes a step, projected on the bounds, from a point. Where the rollout diverges, `caution` halves this
/// step and all later ones; a sentence says so if that does not help.
pub(super) fn walk(
    point: &mut Point,
    step: &[f64],
    caution: &mut f64,
    coordinates: &[Coordinate],
    f: &mut Function<'_>,
) -> Result<Option<String>, Error> {
    for _ in 0..RETRIES {
        let moved = point.x.iter().zip(step).zip(coordinates);
        let x = moved.map(|((x, d), c)| c.projected(x + *caution * d)).collect();
        match Point::at(x, f) {
            Ok(next) => {
                *point = next;
                return Ok(None);
            }
            Err(e) if e.is_of_rollout() => {
                *caution *= 0.5;
            }
            Err(e) => return Err(e),
        }
    }
    Ok(Some(format!("the step was halved {RETRIES} times and the rollout still fails")))
}
