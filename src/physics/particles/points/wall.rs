//! Points that meet walls.

use super::holds;
use crate::model::Model;
use crate::number::smooth::{safe_div, safe_sqrt};
use crate::number::{Real, leaf_pullback};
use crate::spatial::Vec3;

/// A point that met a wall during a substep.
#[derive(Clone, Copy, Debug)]
pub struct Hit<R> {
    /// Which.
    pub point: usize,
    wall: usize,
    /// Between the point, or its ball, and the wall at the start [m].
    gap: R,
    /// At the end of the step without the wall [m/s].
    velocity: Vec3<R>,
}

/// Meeting a wall on the way `x + s v` at the time `t = −gap/(n·v)`: the shift `t (v − v')` of the path and the
/// velocity `v'` at the end of the step, where it was `v` under the acceleration `a`.
///
/// What arrives with `p = −n·(v − a (h − t))` leaves with `e p`, and the acceleration goes on; the wall holds what
/// it would pull back: `n·v' = max(0, e p + n·a (h − t))`. What slides loses at most `μ n·(v' − v)`, or everything
/// where points stick.
fn meet<R: Real>(normal: [f64; 3], sticks: bool, x: [R; 10]) -> [R; 6] {
    let [gap, vx, vy, vz, mu, e, h, ax, ay, az] = x;
    let (n, v, zero) = (Vec3::from_f64(normal), Vec3::new(vx, vy, vz), R::zero());
    let (rate, pull) = (n.dot(v), n.dot(Vec3::new(ax, ay, az)));
    let t = (-(gap / rate)).clamp(zero, h);
    let arrival = (pull * (h - t) - rate).max(zero);
    let departure = (e * arrival + pull * (h - t)).max(zero);
    let along = v - n * rate;
    let loss = safe_div(mu * (departure - rate), safe_sqrt(along.dot(along)));
    let kept = (R::one() - loss).max(zero);
    let after = if sticks { Vec3::zero() } else { along * kept + n * departure };
    let [a, b, c] = ((v - after) * t).to_array();
    [a, b, c, after.x, after.y, after.z]
}

/// Whether a point meets a wall on its way `x + h v`, and if so, the shift of its path and its velocity after.
pub(super) fn hit<R: Real>(
    model: &Model<R>,
    (point, wall): (usize, usize),
    x: Vec3<R>,
    [v, a]: [Vec3<R>; 2],
    radius: R,
    h: R,
) -> Option<(Hit<R>, Vec3<R>, Vec3<R>)> {
    let (normal, sticks) = model.topology.particles.walls[wall];
    let n = Vec3::from_f64(normal);
    let numbers = &model.particles.walls[wall];
    let gap = n.dot(x) - numbers.offset - radius;
    let rate = n.dot(v);
    if !holds((gap + h * rate).lt(R::zero()) & rate.lt(R::zero())) {
        return None;
    }
    let input = [gap, v.x, v.y, v.z, numbers.friction, numbers.restitution, h, a.x, a.y, a.z];
    let [a, b, c, d, e, f] = meet(normal, sticks, input);
    Some((Hit { point, wall, gap, velocity: v }, Vec3::new(a, b, c), Vec3::new(d, e, f)))
}

/// The pullback of [`hit`] under the acceleration `a`: the cotangents of place, velocity, acceleration and `h`;
/// adds those of the numbers.
pub(super) fn hit_pullback<R: Real>(
    model: &Model<R>,
    met: &Hit<R>,
    (h, a): (R, Vec3<R>),
    by_shift: Vec3<R>,
    by_after: Vec3<R>,
    out: &mut Model<R>,
) -> ([Vec3<R>; 3], R) {
    let layout = &model.topology.particles;
    let (normal, sticks) = layout.walls[met.wall];
    let (numbers, v) = (&model.particles.walls[met.wall], met.velocity);
    let ([s, t, u], [d, e, f]) = (by_shift.to_array(), by_after.to_array());
    let [gap, vx, vy, vz, mu, bounce, time, ax, ay, az] = leaf_pullback(
        |x| meet(normal, sticks, x),
        [met.gap, v.x, v.y, v.z, numbers.friction, numbers.restitution, h, a.x, a.y, a.z],
        [s, t, u, d, e, f],
    );
    let share = &mut out.particles.walls[met.wall];
    share.offset -= gap;
    share.friction += mu;
    share.restitution += bounce;
    out.particles.points[layout.body_of(met.point)].radius -= gap;
    ([Vec3::from_f64(normal) * gap, Vec3::new(vx, vy, vz), Vec3::new(ax, ay, az)], time)
}
