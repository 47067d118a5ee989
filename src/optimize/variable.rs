//! What may change, and the coordinates in which it changes.

use std::ops::Range;

/// Where a variable acts.
#[derive(Clone, Debug, PartialEq)]
pub enum Subject {
    /// The values of the plan, knot by knot.
    Controls,
    /// Entries of the velocity at the start.
    Velocity(Vec<usize>),
    /// Entries of a tangent that moves the configuration at the start.
    Configuration(Vec<usize>),
    /// Numbers of the model file, by their places in the list of parameters.
    Parameters(Vec<usize>),
    /// Parameters of controllers, by their places among those of all of them.
    Controllers(Vec<usize>),
}

/// Variables that belong together.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// As in the scene.
    pub name: String,
    /// What is varied.
    pub subject: Subject,
    /// Multiplies the learning rate.
    pub rate: f64,
    /// How far the seed moves each variable from its start, at most, relative to its scale.
    pub noise: f64,
    /// One for each number.
    pub variables: Vec<Variable>,
}

/// One number that may change.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// As a person would write it.
    pub name: String,
    /// Empty if it has none, or if nobody knows.
    pub unit: &'static str,
    /// In its own unit.
    pub start: f64,
    /// Lower bound.
    pub lower: f64,
    /// Upper bound.
    pub upper: f64,
    /// How large a change matters.
    pub scale: f64,
}

/// How the optimizer's number `x` becomes the variable `p`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Coordinate {
    /// `p = origin + scale x`, with `x` kept in a range by projection.
    Linear {
        /// The variable at zero.
        origin: f64,
        /// Its change for one.
        scale: f64,
        /// Lower end of the range.
        lower: f64,
        /// Upper end of the range.
        upper: f64,
    },
    /// `p = bound + scale eˣ`, which never reaches the bound; a negative scale stays below it.
    Exponential {
        /// What is never reached.
        bound: f64,
        /// Its change for one.
        scale: f64,
    },
    /// `p = middle + half tanh x`, which stays between two bounds.
    Tanh {
        /// The variable at zero.
        middle: f64,
        /// Half of the distance between the bounds.
        half: f64,
    },
}

impl Coordinate {
    /// By a smooth change of variables, or by projection on the bounds.
    pub fn new(v: &Variable, smooth: bool) -> Self {
        let linear = Self::Linear {
            origin: v.start,
            scale: v.scale,
            lower: (v.lower - v.start) / v.scale,
            upper: (v.upper - v.start) / v.scale,
        };
        if !smooth {
            return linear;
        }
        match (v.lower.is_finite(), v.upper.is_finite()) {
            (true, true) if v.lower < v.upper => {
                Self::Tanh { middle: 0.5 * (v.lower + v.upper), half: 0.5 * (v.upper - v.lower) }
            }
            (true, false) => {
                Self::Exponential { bound: v.lower, scale: (v.start - v.lower).max(1e-3 * v.scale) }
            }
            (false, true) => {
                Self::Exponential { bound: v.upper, scale: (v.start - v.upper).min(-1e-3 * v.scale) }
            }
            _ => linear,
        }
    }
    /// The variable of the optimizer's number.
    pub fn value(self, x: f64) -> f64 {
        match self {
            Self::Linear { origin, scale, .. } => origin + scale * x,
            Self::Exponential { bound, scale } => bound + scale * x.exp(),
            Self::Tanh { middle, half } => middle + half * x.tanh(),
        }
    }
    /// `dp/dx`.
    pub fn slope(self, x: f64) -> f64 {
        match self {
            Self::Linear { scale, .. } => scale,
            Self::Exponential { scale, .. } => scale * x.exp(),
            Self::Tanh { half, .. } => half * (1.0 - x.tanh().powi(2)),
        }
    }
    /// The `x` of a value, or of one near it where bounds are in the way.
    pub fn of(self, p: f64) -> f64 {
        match self {
            Self::Linear { origin, scale, .. } => self.projected((p - origin) / scale),
            Self::Exponential { bound, scale } => ((p - bound) / scale).max(1e-6).ln(),
            Self::Tanh { middle, half } => ((p - middle) / half).clamp(-0.995, 0.995).atanh(),
        }
    }
    /// The nearest `x` within the bounds.
    pub fn projected(self, x: f64) -> f64 {
        match self {
            Self::Linear { lower, upper, .. } => x.max(lower).min(upper),
            _ => x,
        }
    }
}

/// The places of each group's variables among all variables.
pub(super) fn ranges(groups: &[Group]) -> Vec<Range<usize>> {
    let mut start = 0;
    groups
        .iter()
        .map(|g| {
            let range = start..start + g.variables.len();
            start = range.end;
            range
        })
        .collect()
}
