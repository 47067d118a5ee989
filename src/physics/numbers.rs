//! From cotangents of the numbers of a world, as a tape finds them, to those in its tangent space.

use super::Cotangents;
use crate::model::description::JointKind;
use crate::model::{Model, State};
use crate::number::Real;
use crate::spatial::{Force, Pose, Quat, Vec3};

impl<R: Real> Cotangents<R> {
    /// Adds cotangents of the numbers of a model and of a state; those of quaternions become turns.
    pub fn add_numbers(
        &mut self,
        model: &Model<R>,
        state: &State<R>,
        (by_model, by_state): (Model<R>, &State<R>),
    ) {
        add_model(model, by_model, &mut self.model);
        add_state(model, state, by_state, self);
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

/// Adds the cotangents of a state's numbers, after turning those of its quaternions into turns.
fn add_state<R: Real>(model: &Model<R>, state: &State<R>, cotangent: &State<R>, out: &mut Cotangents<R>) {
    let scalars = |own: &mut [R], w: &[R]| own.iter_mut().zip(w).for_each(|(own, w)| *own += *w);
    scalars(&mut out.state.particles, &cotangent.particles);
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
