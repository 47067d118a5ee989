//! Costs that a user writes as generic functions.

use super::Objective;
use crate::model::description::JointKind;
use crate::model::{Input, Model, State};
use crate::number::{Real, Tape, Var};
use crate::physics::Cotangents;
use crate::spatial::{Force, Pose, Quat, Vec3};

/// A cost of a user: one function, generic over the number; its derivative follows.
///
/// What it needs beyond the state, such as the place of a site, the function computes itself, for
/// instance by [`kinematics`](crate::physics::articulated::kinematics).
pub trait Law {
    /// The cost of state `k` and of the input of step `k`; the last state has no input.
    fn cost<R: Real>(&self, model: &Model<R>, state: &State<R>, input: Option<&Input<R>>, k: usize) -> R;
}

/// A user's law as an objective; its pullback runs on a tape, which allocates.
#[derive(Clone, Copy, Debug)]
pub struct Custom<L>(pub L);

impl<R: Real<Mask = bool>, L: Law> Objective<R> for Custom<L> {
    fn cost(&mut self, model: &Model<R>, state: &State<R>, input: Option<&Input<R>>, k: usize) -> R {
        self.0.cost(model, state, input, k)
    }

    fn cost_pullback(
        &mut self,
        model: &Model<R>,
        state: &State<R>,
        input: Option<&Input<R>>,
        k: usize,
        out: &mut Cotangents<R>,
    ) {
        let tape = Tape::default();
        let var = |x: R| tape.variable(x);
        let model_var = model.map(var);
        let state_var = state.map(var);
        let input_var = input.map(|i| i.map(var));
        let cost = self.0.cost(&model_var, &state_var, input_var.as_ref(), k);
        let Some(seed) = cost.node() else { return };
        let all = tape.pullback([(seed, R::one())]);
        let of = |x: Var<'_, R>| x.node().map_or(R::zero(), |n| all[n as usize]);

        add_model(model, model_var.map(of), &mut out.model);
        add_state(model, state, &state_var.map(of), out);
        if let Some(input) = input_var {
            for (own, u) in out.input.u.iter_mut().zip(input.u) {
                *own += of(u);
            }
            for (own, f) in out.input.force.iter_mut().zip(input.force) {
                *own += of(f);
            }
            for (own, w) in out.input.wrench.iter_mut().zip(input.wrench) {
                *own += Force::new(w.torque.map(of), w.force.map(of));
            }
        }
    }
}

/// The cotangent of a small turn of `q` on the left, `δq = ½ (0, δθ) ⊗ q`.
fn turn_on_the_left<R: Real>(q: Quat<R>, cotangent: Quat<R>) -> Vec3<R> {
    (cotangent * q.conjugate()).v * R::from_f64(0.5)
}

/// The cotangent of a small turn of `q` on the right, `δq = ½ q ⊗ (0, δθ)`.
fn turn_on_the_right<R: Real>(q: Quat<R>, cotangent: Quat<R>) -> Vec3<R> {
    (q.conjugate() * cotangent).v * R::from_f64(0.5)
}

/// Adds the cotangents of a model's numbers, after turning those of its rotations into turns.
fn add_model<R: Real>(model: &Model<R>, mut cotangent: Model<R>, out: &mut Model<R>) {
    for (q, w) in model.clone().rotations().zip(cotangent.rotations()) {
        *w = Quat { w: R::zero(), v: turn_on_the_left(*q, *w) };
    }
    let mut shares = cotangent.numbers().into_iter();
    *out = out.map(|x| x + shares.next().expect("two models of one shape"));
}

fn add_state<R: Real>(model: &Model<R>, state: &State<R>, cotangent: &State<R>, out: &mut Cotangents<R>) {
    let scalars = |own: &mut [R], w: &[R]| own.iter_mut().zip(w).for_each(|(own, w)| *own += *w);
    for at in &model.topology.joints {
        let turn = |q: usize, own: &mut [R]| {
            let w = turn_on_the_right(state.quat(q), cotangent.quat(q));
            scalars(own, &w.to_array());
        };
        let own = &mut out.state.q[at.v..at.v + at.kind.sizes().1];
        match at.kind {
            JointKind::Free => {
                scalars(&mut own[..3], &cotangent.q[at.q..at.q + 3]);
                turn(at.q + 3, &mut own[3..]);
            }
            JointKind::Ball => turn(at.q, own),
            _ => scalars(own, &cotangent.q[at.q..=at.q]),
        }
    }
    scalars(&mut out.state.v, &cotangent.v);
    scalars(&mut out.state.act, &cotangent.act);
    for ((own, pose), w) in out.state.mocap.iter_mut().zip(&state.mocap).zip(&cotangent.mocap) {
        let Pose { position, rotation } = *w;
        *own += Force::new(turn_on_the_left(pose.rotation, rotation), position);
    }
}
