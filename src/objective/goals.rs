//! Bounds that a finished rollout is judged against.

use std::ops::RangeInclusive;

use super::terms::wanted;
use crate::model::{Input, Model, State};
use crate::sense::{Needs, Quantity, View};
use crate::spatial::Vec3;

/// What is asked of a quantity in a window of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Goal {
    /// As the scene calls it.
    pub name: String,
    /// What is measured.
    pub quantity: Quantity,
    /// How it becomes one number.
    pub measured_as: MeasuredAs,
    /// The bound.
    pub asked: Bound,
    /// The states that count, first and last.
    pub window: RangeInclusive<usize>,
}

/// How a quantity becomes the one number that is bounded.
#[derive(Clone, Debug, PartialEq)]
pub enum MeasuredAs {
    /// The number itself.
    Itself,
    /// Its absolute value, or the length of a vector.
    Size,
    /// The distance from a point or from a value, state by state; the last one holds on.
    DistanceTo(Vec<[f64; 3]>),
}

/// The bound, which holds over the whole window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// The measured number is not larger.
    AtMost(f64),
    /// The measured number is not smaller.
    AtLeast(f64),
}

/// A goal after a rollout.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// As the scene calls it.
    pub name: String,
    /// `≤ 0.05`, for instance.
    pub asked: String,
    /// The worst value in the window.
    pub measured: f64,
    /// Whether the bound holds.
    pub reached: bool,
}

/// Judges the states and inputs of a rollout.
pub fn judge(
    model: &Model<f64>,
    goals: &[Goal],
    states: &[State<f64>],
    inputs: &[Input<f64>],
) -> Vec<Judged> {
    let mut view = View::new(model, goals.iter().map(|g| g.quantity));
    goals.iter().map(|goal| goal.judge(model, states, inputs, &mut view)).collect()
}

impl Goal {
    fn judge(
        &self,
        model: &Model<f64>,
        states: &[State<f64>],
        inputs: &[Input<f64>],
        view: &mut View<f64>,
    ) -> Judged {
        let (worst, better): (f64, fn(f64, f64) -> bool) = match self.asked {
            Bound::AtMost(_) => (f64::NEG_INFINITY, |x, worst| x <= worst),
            Bound::AtLeast(_) => (f64::INFINITY, |x, worst| x >= worst),
        };
        let last = *self.window.end().min(&states.len().saturating_sub(1));
        let mut measured = worst;
        for k in *self.window.start()..=last {
            if self.quantity.needs_input() && k >= inputs.len() {
                continue;
            }
            let (state, input) = (&states[k], inputs.get(k));
            view.step = k;
            view.past = k.checked_sub(1).map_or(Vec::new(), |past| inputs[past].u.clone());
            view.look(model, state, input, Needs::of(std::iter::once(self.quantity)));
            let x = self.measured_as.number(self.quantity.measure(model, state, input, view), k);
            // A NaN is never better, and stays.
            if !better(x, measured) && !measured.is_nan() {
                measured = x;
            }
        }
        let (asked, reached) = match self.asked {
            Bound::AtMost(bound) => (format!("≤ {bound}"), measured <= bound),
            Bound::AtLeast(bound) => (format!("≥ {bound}"), measured >= bound),
        };
        Judged { name: self.name.clone(), asked, measured, reached }
    }
}

impl MeasuredAs {
    fn number(&self, x: Vec3<f64>, k: usize) -> f64 {
        match self {
            Self::Itself => x.x,
            Self::Size => x.norm(),
            Self::DistanceTo(target) => (x - Vec3::from(wanted(target, k))).norm(),
        }
    }
}
