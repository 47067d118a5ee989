//! Tendons whose direction is undetermined, because a piece of them has no length.

use super::{Links, line, passive, tendon};
use crate::model::description::Transmission;
use crate::model::{Model, State, TendonPath, Tie};
use crate::number::{Mask, Real};

/// A spring that is longer by less than this is at rest [m].
const AT_REST: f64 = 1e-12;

/// Whether forces along tendon `t` have no derivative, because a piece between two bodies has no length and what pulls
/// along it depends on its direction.
///
/// Only a spring at rest pulls with `−k d` on the ends `d` apart of its single moving piece, which is smooth. Everything
/// else jumps with the direction: a tension, a damper, an actuator, an inertia, a constraint.
pub fn undetermined<R: Real>(model: &Model<R>, state: &State<R>, links: &Links<R>, t: usize) -> bool {
    let TendonPath::Spatial(pieces) = &model.topology.tendons[t] else { return false };
    let moving = || {
        let site = |s: usize| model.topology.sites[s];
        pieces.iter().filter(move |p| site(p.from) != site(p.to))
    };
    if !moving().any(|p| line::vanishes(model, links, p)) {
        return false;
    }
    let (own, flags) = (&model.tendons[t], &model.topology.flags);
    let acts = |x: &R| !x.is_zero().all();
    let length = tendon::length(model, state, links, t);
    let taut = passive::shares(length, &own.spring_length);
    let pulls = passive::beyond(length, &own.spring_length).abs().gt(R::from_f64(AT_REST)).any();
    let elastic = flags.spring && own.stiffness.iter().any(acts) && taut.iter().any(acts);
    let damped = flags.damper && own.damping.iter().any(acts);
    let driven = model.topology.actuators.iter().any(|a| a.transmission == Transmission::Tendon(t));
    let tied = model.topology.equalities.iter().any(|e| match e.tie {
        Tie::Tendons(a, b) => e.active && (a == t || b == Some(t)),
        _ => false,
    });
    let limited = own.limit.as_ref().is_some_and(|limit| {
        let [low, high] = limit.range;
        ((length - low).lt(limit.margin) | (high - length).lt(limit.margin)).any()
    });
    let constrained = tied || limited || own.friction_loss.is_some();
    (elastic && (pulls || moving().count() > 1)) || damped || driven || constrained || acts(&own.armature)
}
