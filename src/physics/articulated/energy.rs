//! What a world stores: the energy of motion, of height and of springs.

use super::passive::{beyond, deflections};
use super::{Links, tendon};
use crate::model::description::JointKind;
use crate::model::{Model, State};
use crate::number::Real;

/// The kinetic energy `½ vᵀ M v` [J], with `M` in the rows of the tree's pattern.
pub fn kinetic<R: Real>(model: &Model<R>, mass: &[R], v: &[R]) -> R {
    let pattern = &model.topology.pattern;
    let mut sum = R::zero();
    for i in 0..pattern.rows() {
        let row = pattern.row(i);
        for k in row.start..row.end - 1 {
            sum += v[i] * mass[k] * v[pattern.column[k]];
        }
        // The diagonal counts once where each other entry stands for two.
        sum += (v[i] * mass[row.end - 1] * v[i]).times(0.5);
    }
    sum
}

/// The potential energy `−Σ m g·x_com` and that of all springs [J].
///
/// Gravity compensation is a force without potential here, as in MuJoCo's energy.
pub fn potential<R: Real>(model: &Model<R>, state: &State<R>, links: &Links<R>) -> R {
    let gravity = model.option.gravity;
    let bodies = model.bodies.iter().zip(&links.bodies).skip(1);
    let height = bodies.fold(R::zero(), |sum, (body, link)| sum - body.mass * gravity.dot(link.center));
    if model.topology.flags.spring { height + springs(model, state, links) } else { height }
}

/// The energy of the springs of joints and tendons [J].
fn springs<R: Real>(model: &Model<R>, state: &State<R>, links: &Links<R>) -> R {
    let mut sum = R::zero();
    for (j, (joint, at)) in model.joints.iter().zip(&model.topology.joints).enumerate() {
        if matches!(at.kind, JointKind::Slide | JointKind::Hinge) {
            sum += stored(state.q[at.q] - joint.spring_reference, &joint.stiffness);
        } else if at.has_spring {
            for x in deflections(model, state, j).into_iter().flatten() {
                sum += stored(x.norm(), &joint.stiffness);
            }
        }
    }
    for (t, tendon) in model.tendons.iter().enumerate() {
        let x = beyond(tendon::length(model, state, links, t), &tendon.spring_length);
        sum += stored(x, &tendon.stiffness);
    }
    sum
}

/// `½ k x² + ⅓ p₀ x³ + ¼ p₁ x⁴`, the integral of the spring's polynomial.
fn stored<R: Real>(x: R, k: &[R; 3]) -> R {
    x * x * (k[0].times(0.5) + x * (k[1].times(1.0 / 3.0) + x * k[2].times(0.25)))
}
