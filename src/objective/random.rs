//! A cost that touches everything: for checks of gradients.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::Objective;
use crate::model::description::JointKind;
use crate::model::{Input, Model, State};
use crate::number::Real;
use crate::physics::Cotangents;
use crate::spatial::Quat;

/// A seeded random linear function of the numbers of all states: configuration, velocity and
/// activation.
#[derive(Clone, Debug)]
pub struct RandomLinear {
    /// One row for each state.
    rows: Vec<Vec<f64>>,
}

impl RandomLinear {
    /// For rollouts of `steps` steps.
    pub fn new<R: Real>(model: &Model<R>, steps: usize, seed: u64) -> Self {
        let mut random = Pcg64::seed_from_u64(seed);
        let t = &model.topology;
        let entries = t.nq + t.nv + t.na;
        let mut row = || (0..entries).map(|_| random.random_range(-1.0..1.0)).collect();
        Self { rows: (0..=steps).map(|_| row()).collect() }
    }
}

impl<R: Real> Objective<R> for RandomLinear {
    fn cost(&mut self, _: &Model<R>, state: &State<R>, _: Option<&Input<R>>, k: usize) -> R {
        let numbers = state.q.iter().chain(&state.v).chain(&state.act);
        numbers.zip(&self.rows[k]).fold(R::zero(), |sum, (x, c)| sum + x.times(*c))
    }

    fn cost_pullback(
        &mut self,
        model: &Model<R>,
        state: &State<R>,
        _: Option<&Input<R>>,
        k: usize,
        out: &mut Cotangents<R>,
    ) {
        let t = &model.topology;
        let row = &self.rows[k];
        let c = |i: usize| R::from_f64(row[i]);
        for at in &t.joints {
            let turn = |q: usize| {
                // δq = ½ q ⊗ (0, δθ) of the normalized quaternion, scaled back: its norm is a constant.
                let q4 = state.quat(q);
                let by = Quat::new(c(q), c(q + 1), c(q + 2), c(q + 3));
                (q4.conjugate() * by).v * R::from_f64(0.5)
            };
            let (scalars, turns) = match at.kind {
                JointKind::Free => (3, Some((at.v + 3, turn(at.q + 3)))),
                JointKind::Ball => (0, Some((at.v, turn(at.q)))),
                _ => (1, None),
            };
            for i in 0..scalars {
                out.state.q[at.v + i] += c(at.q + i);
            }
            if let Some((v, w)) = turns {
                for (own, w) in out.state.q[v..v + 3].iter_mut().zip(w.to_array()) {
                    *own += w;
                }
            }
        }
        for (i, v) in out.state.v.iter_mut().enumerate() {
            *v += c(t.nq + i);
        }
        for (i, act) in out.state.act.iter_mut().enumerate() {
            *act += c(t.nq + t.nv + i);
        }
    }
}
