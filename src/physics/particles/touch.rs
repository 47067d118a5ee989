//! The geoms that particles meet, as they move on during a step, and what particles do to their bodies.

use crate::model::Model;
use crate::model::continuum::{Form, Obstacle};
use crate::model::particle::ParticleLayout;
use crate::number::Real;
use crate::physics::articulated::{Links, LinksCotangent};
use crate::spatial::{Force, Quat, Vec3, so3_right_jacobian};

/// From the axes of the world to those of the grid, which in a plane are x, z and −y.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axes {
    planar: bool,
}

impl Axes {
    pub(super) fn of(layout: &ParticleLayout) -> Self {
        Self { planar: layout.continuum.as_ref().is_some_and(|c| c.dimension == 2) }
    }
    pub(super) fn to_grid<R: Real>(self, v: Vec3<R>) -> Vec3<R> {
        if self.planar { Vec3::new(v.x, v.z, -v.y) } else { v }
    }
    pub(super) fn to_world<R: Real>(self, v: Vec3<R>) -> Vec3<R> {
        if self.planar { Vec3::new(v.x, -v.z, v.y) } else { v }
    }
    /// The turn from the axes of the world to those of the grid.
    fn turn<R: Real>(self) -> Quat<R> {
        let half = 0.5_f64.sqrt();
        if self.planar { Quat::from_f64([half, -half, 0.0, 0.0]) } else { Quat::identity() }
    }
    /// Impulses along the axes of the grid, or their cotangents.
    pub(super) fn impulses_to_grid<R: Real>(self, impulses: &mut [Force<R>]) {
        impulses.iter_mut().for_each(|w| *w = Force::new(self.to_grid(w.torque), self.to_grid(w.force)));
    }
    /// The same along those of the world.
    pub(super) fn impulses_to_world<R: Real>(self, impulses: &mut [Force<R>]) {
        impulses.iter_mut().for_each(|w| *w = Force::new(self.to_world(w.torque), self.to_world(w.force)));
    }
    /// Obstacles along the axes of the grid.
    pub(super) fn obstacles_to_grid<R: Real>(self, obstacles: &mut [Obstacle<R>]) {
        if !self.planar {
            return;
        }
        for o in obstacles {
            [&mut o.position, &mut o.velocity, &mut o.angular_velocity]
                .into_iter()
                .for_each(|v| *v = self.to_grid(*v));
            o.rotation = self.turn() * o.rotation;
        }
    }
    /// The pullback of [`Axes::obstacles_to_grid`]: adds the cotangents of the obstacles along the axes of the world.
    pub(super) fn obstacles_to_grid_pullback<R: Real>(
        self,
        cotangent: &[Obstacle<R>],
        out: &mut [Obstacle<R>],
    ) {
        for (sum, w) in out.iter_mut().zip(cotangent) {
            sum.size += w.size;
            sum.position += self.to_world(w.position);
            let rotation = self.turn().conjugate() * w.rotation;
            sum.rotation.w += rotation.w;
            sum.rotation.v += rotation.v;
            sum.angular_velocity += self.to_world(w.angular_velocity);
            sum.velocity += self.to_world(w.velocity);
            sum.friction += w.friction;
        }
    }
}

/// A geom, a time after the start of the step.
struct Passing<R> {
    position: Vec3<R>,
    rotation: Quat<R>,
    velocity: Vec3<R>,
    angular: Vec3<R>,
    /// `ω t`.
    turn: Vec3<R>,
}

/// Where geom `g` is at the time `t` if its body goes on as it moves at the start.
fn passing<R: Real>(model: &Model<R>, links: &Links<R>, g: usize, t: R) -> Passing<R> {
    let (b, geom) = (model.topology.geoms[g].body, &model.geoms[g]);
    let link = &links.bodies[b];
    let place = links.point(b, geom.position);
    let (velocity, angular) = (link.velocity.at(place - link.origin), link.velocity.angular);
    let turn = angular * t;
    let rotation = Quat::exp(turn) * (link.quat * geom.rotation);
    Passing { position: place + velocity * t, rotation, velocity, angular, turn }
}

/// The geoms that particles meet, at the time `t` after the start of the step.
pub(super) fn obstacles<R: Real>(model: &Model<R>, links: &Links<R>, t: R, out: &mut Vec<Obstacle<R>>) {
    out.clear();
    for &g in &model.topology.particles.touching {
        let Some(form) = Form::of(model.topology.geoms[g].shape) else { continue };
        let at = passing(model, links, g, t);
        out.push(Obstacle {
            form,
            size: model.geoms[g].size,
            position: at.position,
            rotation: at.rotation,
            angular_velocity: at.angular,
            velocity: at.velocity,
            friction: model.geoms[g].friction[0],
        });
    }
}

/// The pullback of [`obstacles`]: adds to the cotangents of bodies and model, and returns that of `t`.
pub(super) fn obstacles_pullback<R: Real>(
    model: &Model<R>,
    links: &Links<R>,
    t: R,
    cotangent: &[Obstacle<R>],
    (out_links, out): (&mut LinksCotangent<R>, &mut Model<R>),
) -> R {
    let mut by_t = R::zero();
    for (&g, w) in model.topology.particles.touching.iter().zip(cotangent) {
        let (b, geom) = (model.topology.geoms[g].body, &model.geoms[g]);
        let link = &links.bodies[b];
        let at = passing(model, links, g, t);
        // q̄ = 2 (0, w) ⊗ q of a small turn w.
        let turned = (w.rotation * at.rotation.conjugate()).v.times(0.5);
        let by_turn = so3_right_jacobian(at.turn) * turned;
        let by_rotation = Quat::exp(at.turn).conjugate().rotate(turned);
        let by_angular = w.angular_velocity + by_turn * t;
        let by_place = w.position;
        let by_velocity = w.velocity + by_place * t;
        by_t += by_turn.dot(at.angular) + by_place.dot(at.velocity);
        let place = links.point(b, geom.position);
        out_links.velocity[b] += Force::at(place - link.origin, by_velocity);
        out_links.velocity[b].torque += by_angular;
        let by_place = by_place + by_velocity.cross(at.angular);
        out_links.add_point(links, b, place, by_place);
        out_links.wrench[b].torque += by_rotation;
        let share = &mut out.geoms[g];
        share.position += link.rotation.transpose_mul(by_place);
        share.rotation.v += link.rotation.transpose_mul(by_rotation);
        share.size += w.size;
        share.friction[0] += w.friction;
    }
    by_t
}

/// Adds what particles gave to the geoms at the time `t`, impulses about their origins, to the wrenches of their
/// bodies about the origins of their links.
pub(super) fn push<R: Real>(
    model: &Model<R>,
    links: &Links<R>,
    t: R,
    impulses: &[Force<R>],
    wrench: &mut [Force<R>],
) {
    for (&g, impulse) in model.topology.particles.touching.iter().zip(impulses) {
        let b = model.topology.geoms[g].body;
        let offset = passing(model, links, g, t).position - links.bodies[b].origin;
        wrench[b] += Force::at(offset, impulse.force) + Force::new(impulse.torque, Vec3::zero());
    }
}

/// The pullback of [`push`]: writes the cotangents of the impulses, adds those of the places of the geoms to
/// `by_place`.
pub(super) fn push_pullback<R: Real>(
    model: &Model<R>,
    links: &Links<R>,
    t: R,
    impulses: &[Force<R>],
    weight: &[Force<R>],
    (by_impulse, by_place): (&mut [Force<R>], &mut [Obstacle<R>]),
) {
    for (k, &g) in model.topology.particles.touching.iter().enumerate() {
        let b = model.topology.geoms[g].body;
        let offset = passing(model, links, g, t).position - links.bodies[b].origin;
        let Force { torque, force } = weight[b];
        by_impulse[k] = Force::new(torque, force + torque.cross(offset));
        by_place[k].position += impulses[k].force.cross(torque);
    }
}
