//! Sensors that follow from configuration and velocity.

use super::Senses;
use super::frame::{Seen, SeenCotangent, seen, seen_pullback};
use super::subtree;
use crate::model::{Costate, Frame, Measured, Model, State};
use crate::number::Real;
use crate::physics::articulated::actuation::{length_and_rate, length_and_rate_pullback};
use crate::physics::articulated::line::Pulling;
use crate::physics::articulated::{Links, LinksCotangent, tendon};
use crate::spatial::{Motion, Quat, Vec3};

/// Writes the values of one sensor; nothing if it measures forces or accelerations.
pub fn measure<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    links: &Links<R>,
    measured: &Measured,
    out: &mut [R],
) {
    let t = &model.topology;
    let at = |j: usize| (t.joints[j].q, t.joints[j].v);
    let velocity = |b: usize| links.bodies[b].velocity;
    let scalar = match *measured {
        Measured::Clock => state.time,
        Measured::JointPosition(j) => state.q[at(j).0],
        Measured::JointVelocity(j) => state.v[at(j).1],
        Measured::TendonPosition(k) => tendon::length(model, state, links, k),
        Measured::TendonVelocity(k) => tendon::rate(model, links, k, &state.v, velocity),
        Measured::ActuatorPosition(k) => length_and_rate(model, state, links, k).0,
        // MuJoCo leaves the rate out with the actuation.
        Measured::ActuatorVelocity(k) if t.flags.actuation => length_and_rate(model, state, links, k).1,
        Measured::ActuatorVelocity(_) => R::zero(),
        Measured::BallPosition(j) => {
            out[..4].copy_from_slice(&state.quat(at(j).0).normalized().to_array());
            return;
        }
        Measured::Orientation(object, reference) => {
            let q = seen(model, links, object).quat;
            let q = reference.map_or(q, |r| seen(model, links, r).quat.conjugate() * q);
            out[..4].copy_from_slice(&q.to_array());
            return;
        }
        _ => {
            if let Some(v) = vector(model, state, links, measured) {
                out[..3].copy_from_slice(&v.to_array());
            }
            return;
        }
    };
    out[0] = scalar;
}

/// The frames of a sensor, and the vector that it sees from the second one, in the world.
fn relative<R: Real>(
    model: &Model<R>,
    links: &Links<R>,
    measured: &Measured,
) -> Option<(Frame, Option<Frame>, Vec3<R>)> {
    let (object, reference) = match *measured {
        Measured::Position(f, r)
        | Measured::Axis(f, r, _)
        | Measured::LinearVelocity(f, r)
        | Measured::AngularVelocity(f, r) => (f, r),
        // These see themselves from their own axes, but move against the world.
        Measured::Velocimeter(s) | Measured::Gyro(s) => (Frame::Site(s), Some(Frame::Site(s))),
        _ => return None,
    };
    let o = seen(model, links, object);
    let vector = match (*measured, reference.map(|r| seen(model, links, r))) {
        (Measured::Position(..), Some(r)) => o.place - r.place,
        (Measured::Position(..), None) => o.place,
        (Measured::LinearVelocity(..), Some(r)) => o.linear - r.linear - r.angular.cross(o.place - r.place),
        (Measured::AngularVelocity(..), Some(r)) => o.angular - r.angular,
        (Measured::AngularVelocity(..), None) | (Measured::Gyro(_), _) => o.angular,
        (Measured::Axis(_, _, k), _) => o.rotation.columns()[k],
        _ => o.linear,
    };
    Some((object, reference, vector))
}

fn vector<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    links: &Links<R>,
    measured: &Measured,
) -> Option<Vec3<R>> {
    if let Some((_, reference, v)) = relative(model, links, measured) {
        return Some(reference.map_or(v, |r| seen(model, links, r).rotation.transpose_mul(v)));
    }
    match *measured {
        Measured::BallVelocity(j) => {
            let v = &state.v[model.topology.joints[j].v..];
            Some(Vec3::new(v[0], v[1], v[2]))
        }
        Measured::SubtreeCenter(b) => Some(subtree::center(model, links, b).1),
        Measured::SubtreeVelocity(b) => Some(subtree::velocity(model, links, b)),
        Measured::SubtreeMomentum(b) => Some(subtree::angular_momentum(model, links, b)),
        _ => None,
    }
}

/// The pullback of [`measure`] of all sensors.
pub(super) fn pullback<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    links: &Links<R>,
    senses: &mut Senses<R>,
    (cotangent, out, out_model): (&mut LinksCotangent<R>, &mut Costate<R>, &mut Model<R>),
) {
    let Senses { cotangent: all, velocity, weight, .. } = senses;
    velocity.set(model, links, true, |i| state.v[i]);
    weight.set(model, links, true, |_| R::zero());
    let zero = R::zero();
    let mut p = Pulling { model, state, links, cotangent, out, out_model };
    for s in model.topology.sensors.iter().filter(|s| s.measured.is_motion()) {
        let w = &all[s.first..s.first + s.measured.count()];
        let at = |j: usize| model.topology.joints[j].v;
        match s.measured {
            Measured::Clock => {}
            Measured::JointPosition(j) => p.out.q[at(j)] += w[0],
            Measured::JointVelocity(j) => p.out.v[at(j)] += w[0],
            Measured::BallVelocity(j) => (0..3).for_each(|k| p.out.v[at(j) + k] += w[k]),
            Measured::TendonPosition(k) => tendon::pullback(&mut p, k, w[0], &mut []),
            Measured::TendonVelocity(k) => tendon::pullback(&mut p, k, zero, &mut [(&mut *velocity, w[0])]),
            Measured::ActuatorPosition(k) => {
                length_and_rate_pullback(&mut p, k, [w[0], zero], (velocity, weight));
            }
            Measured::ActuatorVelocity(k) => {
                if model.topology.flags.actuation {
                    length_and_rate_pullback(&mut p, k, [zero, w[0]], (velocity, weight));
                }
            }
            Measured::BallPosition(j) => {
                // q exp(w): a turn in the child's axes.
                let q = state.quat(model.topology.joints[j].q).normalized();
                for k in 0..3 {
                    let moved = q * Quat { w: zero, v: Vec3::unit(k) };
                    p.out.q[at(j) + k] += along(moved, w).times(0.5);
                }
            }
            _ => frames_pullback(&mut p, &s.measured, w),
        }
    }
    velocity.finish(model, links, p.cotangent);
    for (v, own) in p.out.v.iter_mut().zip(&velocity.y_cotangent) {
        *v += *own;
    }
}

fn along<R: Real>(q: Quat<R>, w: &[R]) -> R {
    q.to_array().iter().zip(w).fold(R::zero(), |sum, (q, w)| sum + *q * *w)
}

/// Sensors of frames and of subtrees.
fn frames_pullback<R: Real>(p: &mut Pulling<'_, R>, measured: &Measured, w: &[R]) {
    let (model, links) = (p.model, p.links);
    let out = (&mut *p.cotangent, &mut *p.out_model);
    let none = Motion::zero();
    if let Measured::Orientation(object, reference) = *measured {
        let q = seen(model, links, object).quat;
        let base = reference.map_or(Quat::identity(), |r| seen(model, links, r).quat.conjugate());
        let mut by_turn = SeenCotangent::zero();
        // A turn on the left by w moves q by ½ (0, w) q, and its conjugate by the opposite.
        by_turn.turn = Vec3::from([0, 1, 2].map(|k| {
            let moved = base * Quat { w: R::zero(), v: Vec3::unit(k) } * q;
            along(moved, w).times(0.5)
        }));
        seen_pullback(model, links, object, none, &by_turn, (&mut *out.0, &mut *out.1));
        if let Some(reference) = reference {
            by_turn.turn = -by_turn.turn;
            seen_pullback(model, links, reference, none, &by_turn, out);
        }
        return;
    }
    let w = Vec3::new(w[0], w[1], w[2]);
    match *measured {
        Measured::SubtreeCenter(b) => subtree::center_pullback(model, links, b, w, out),
        Measured::SubtreeVelocity(b) => {
            subtree::momentum_pullback(model, links, b, [w, Vec3::zero()], out);
        }
        Measured::SubtreeMomentum(b) => {
            subtree::momentum_pullback(model, links, b, [Vec3::zero(), w], out);
        }
        _ => relative_pullback(model, links, measured, w, out),
    }
}

/// The pullback of `R₀ᵀ v` of a vector in the world, seen from another frame.
fn relative_pullback<R: Real>(
    model: &Model<R>,
    links: &Links<R>,
    measured: &Measured,
    w: Vec3<R>,
    (cotangent, out_model): (&mut LinksCotangent<R>, &mut Model<R>),
) {
    let Some((object, reference, v)) = relative(model, links, measured) else { return };
    let o: Seen<R> = seen(model, links, object);
    let base = reference.map(|r| seen(model, links, r));
    let w = base.map_or(w, |r| r.rotation * w);
    let (mut by_object, mut by_reference) = (SeenCotangent::zero(), SeenCotangent::zero());
    by_reference.turn = w.cross(v);
    match *measured {
        Measured::Position(..) => {
            by_object.place = w;
            by_reference.place = -w;
        }
        Measured::Axis(..) => by_object.turn = v.cross(w),
        Measured::LinearVelocity(..) => {
            by_object.linear = w;
            by_reference.linear = -w;
            if let Some(r) = base {
                by_reference.angular = w.cross(o.place - r.place);
                by_reference.place = w.cross(r.angular);
                by_object.place = -by_reference.place;
            }
        }
        Measured::AngularVelocity(..) => {
            by_object.angular = w;
            by_reference.angular = -w;
        }
        Measured::Gyro(_) => by_object.angular = w,
        _ => by_object.linear = w,
    }
    let none = Motion::zero();
    seen_pullback(model, links, object, none, &by_object, (&mut *cotangent, &mut *out_model));
    if let Some(reference) = reference {
        seen_pullback(model, links, reference, none, &by_reference, (cotangent, out_model));
    }
}
