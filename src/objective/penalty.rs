//! How much a deviation costs.

use crate::number::{Real, smooth};
use crate::spatial::Vec3;

/// The cost of a deviation `d`: one number, or a vector of three.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Penalty {
    /// `|d|²`.
    Square,
    /// `1 − cos d`, the same after every full turn; for angles.
    Wrapped,
    /// `√(|d|² + w²) − w`: a distance, with a rounded corner of width `w`.
    Distance {
        /// Of the rounded corner.
        width: f64,
    },
    /// The square of how far `d` is outside of `[lower, upper]`; for single numbers.
    Outside {
        /// Below it a deviation costs.
        lower: f64,
        /// Above it a deviation costs.
        upper: f64,
    },
    /// `d` itself, for single numbers; it has no least value.
    Linear,
    /// `max(0, r − |d|)²`: stay out of a ball of radius `r`.
    Avoid {
        /// Of the ball.
        radius: f64,
    },
}

impl Penalty {
    /// The cost of a deviation.
    pub fn cost<R: Real>(self, d: Vec3<R>) -> R {
        let (zero, one) = (R::zero(), R::one());
        match self {
            Self::Square => d.dot(d),
            Self::Wrapped => d.to_array().iter().fold(zero, |sum, d| sum + (one - d.cos())),
            Self::Distance { width } => {
                let width = R::from_f64(width);
                (d.dot(d) + width * width).sqrt() - width
            }
            Self::Outside { lower, upper } => outside(d.x, lower, upper).square(),
            Self::Avoid { radius } => (R::from_f64(radius) - d.norm()).max(zero).square(),
            Self::Linear => d.x,
        }
    }

    /// A vector whose square is the cost, without a corner where the cost has none: what least squares
    /// linearize. A linear cost is no square, and has none.
    pub fn residual<R: Real>(self, d: Vec3<R>) -> Vec3<R> {
        let (zero, two) = (R::zero(), R::from_f64(2.0));
        match self {
            Self::Square => d,
            // 1 − cos d = 2 sin²(d/2)
            Self::Wrapped => d.map(|d| d.times(0.5).sin()) * two.sqrt(),
            // √(d² + w²) − w = d² / (√(d² + w²) + w)
            Self::Distance { width } => {
                let width = R::from_f64(width);
                d * ((d.dot(d) + width * width).sqrt() + width).sqrt().recip()
            }
            Self::Outside { lower, upper } => Vec3::new(outside(d.x, lower, upper), zero, zero),
            Self::Avoid { radius } => Vec3::new((R::from_f64(radius) - d.norm()).max(zero), zero, zero),
            Self::Linear => Vec3::zero(),
        }
    }

    /// The cotangent of `d` for a cotangent `w` of the cost.
    pub fn pullback<R: Real>(self, d: Vec3<R>, w: R) -> Vec3<R> {
        let zero = R::zero();
        match self {
            Self::Square => d * w.times(2.0),
            Self::Wrapped => d.map(R::sin) * w,
            Self::Linear => Vec3::new(w, zero, zero),
            Self::Distance { width } => {
                let width = R::from_f64(width);
                d * (w / (d.dot(d) + width * width).sqrt())
            }
            Self::Outside { lower, upper } => {
                Vec3::new(outside(d.x, lower, upper).times(2.0) * w, zero, zero)
            }
            Self::Avoid { radius } => {
                let norm = d.norm();
                let depth = (R::from_f64(radius) - norm).max(zero);
                d * (smooth::safe_div(depth.times(-2.0), norm) * w)
            }
        }
    }
}

/// How far `x` is above `upper` (positive) or below `lower` (negative).
fn outside<R: Real>(x: R, lower: f64, upper: f64) -> R {
    x - x.clamp(R::from_f64(lower), R::from_f64(upper))
}
