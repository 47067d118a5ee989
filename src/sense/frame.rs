//! Frames in the world: where they are and how they move.

use crate::model::{Frame, Model};
use crate::number::Real;
use crate::physics::articulated::{Links, LinksCotangent};
use crate::spatial::{Force, Mat3, Motion, Quat, Vec3};

/// A frame at one state.
#[derive(Clone, Copy, Debug)]
pub struct Seen<R> {
    /// The body that carries it.
    pub body: usize,
    /// In the world.
    pub place: Vec3<R>,
    /// To the axes of the world.
    pub quat: Quat<R>,
    /// The same as a matrix.
    pub rotation: Mat3<R>,
    /// From the reference point of its tree.
    pub offset: Vec3<R>,
    /// Of its origin.
    pub linear: Vec3<R>,
    /// Of the frame.
    pub angular: Vec3<R>,
}

/// The cotangent of a frame: of its place, of a small turn, of its velocities, and of its accelerations.
#[derive(Clone, Copy, Debug)]
pub struct SeenCotangent<R> {
    pub place: Vec3<R>,
    pub turn: Vec3<R>,
    pub linear: Vec3<R>,
    pub angular: Vec3<R>,
    pub linear_acceleration: Vec3<R>,
    pub angular_acceleration: Vec3<R>,
}

impl<R: Real> SeenCotangent<R> {
    pub fn zero() -> Self {
        let zero = Vec3::zero();
        Self {
            place: zero,
            turn: zero,
            linear: zero,
            angular: zero,
            linear_acceleration: zero,
            angular_acceleration: zero,
        }
    }
}

/// Where a frame is in its body.
fn local<R: Real>(model: &Model<R>, frame: Frame) -> (usize, Vec3<R>, Quat<R>) {
    let t = &model.topology;
    match frame {
        Frame::Body(b) => (b, Vec3::zero(), Quat::identity()),
        Frame::Center(b) => (b, model.bodies[b].center, Quat::identity()),
        Frame::Geom(g) => (t.geoms[g].body, model.geoms[g].position, model.geoms[g].rotation),
        Frame::Site(s) => (t.sites[s], model.sites[s].position, model.sites[s].rotation),
    }
}

/// A frame at the state of the links.
pub fn seen<R: Real>(model: &Model<R>, links: &Links<R>, frame: Frame) -> Seen<R> {
    let (body, position, rotation) = local(model, frame);
    let link = &links.bodies[body];
    let quat = link.quat * rotation;
    let place = links.point(body, position);
    let offset = place - link.origin;
    let (linear, angular) = (link.velocity.at(offset), link.velocity.angular);
    Seen { body, place, quat, rotation: quat.to_matrix(), offset, linear, angular }
}

/// The classical acceleration of the origin of a frame whose body accelerates with `a`.
pub fn point_acceleration<R: Real>(s: &Seen<R>, a: Motion<R>) -> Vec3<R> {
    a.at(s.offset) + s.angular.cross(s.linear)
}

/// The pullback of [`seen`] and of [`point_acceleration`].
pub(super) fn seen_pullback<R: Real>(
    model: &Model<R>,
    links: &Links<R>,
    frame: Frame,
    a: Motion<R>,
    w: &SeenCotangent<R>,
    (cotangent, out_model): (&mut LinksCotangent<R>, &mut Model<R>),
) {
    let s = seen(model, links, frame);
    let twist = |torque: Vec3<R>| Force::new(torque, Vec3::zero());
    let by_a = w.linear_acceleration;
    cotangent.acceleration[s.body] += Force::at(s.offset, by_a) + twist(w.angular_acceleration);
    // The point's own acceleration contains ω × v, v = V(offset).
    let by_linear = w.linear + by_a.cross(s.angular);
    let by_angular = w.angular + s.linear.cross(by_a);
    cotangent.velocity[s.body] += Force::at(s.offset, by_linear) + twist(by_angular);
    let place = w.place + by_linear.cross(s.angular) + by_a.cross(a.angular);
    cotangent.add_point(links, s.body, s.place, place);
    cotangent.wrench[s.body].torque += w.turn;
    let link = &links.bodies[s.body];
    let (by_position, by_turn) = (link.rotation.transpose_mul(place), link.rotation.transpose_mul(w.turn));
    match frame {
        Frame::Body(_) => {}
        Frame::Center(b) => out_model.bodies[b].center += by_position,
        Frame::Geom(g) => {
            out_model.geoms[g].position += by_position;
            out_model.geoms[g].rotation.v += by_turn;
        }
        Frame::Site(s) => {
            out_model.sites[s].position += by_position;
            out_model.sites[s].rotation.v += by_turn;
        }
    }
}
