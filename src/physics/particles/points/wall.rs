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
    /// Before [m/s].
    velocity: Vec3<R>,
}

/// Meeting a wall at the time `t = −gap/(n·v)`: the shift `t (v − v')` of the path and the velocity `v'` after
/// it. What approaches comes back with a share of its speed, `−e n·v`; what slides loses at most
/// `μ (1 + e) |n·v|`, or everything where points stick.
fn meet<R: Real>(normal: [f64; 3], sticks: bool, [gap, vx, vy, vz, mu, e, h]: [R; 7]) -> [R; 6] {
    let (n, v) = (Vec3::from_f64(normal), Vec3::new(vx, vy, vz));
    let approach = -n.dot(v);
    let t = (gap / approach).clamp(R::zero(), h);
    let along = v + n * approach;
    let speed = safe_sqrt(along.dot(along));
    let loss = safe_div(mu * (R::one() + e) * approach, speed);
    let kept = (R::one() - loss).max(R::zero());
    let after = if sticks { Vec3::zero() } else { along * kept + n * (e * approach) };
    let [a, b, c] = ((v - after) * t).to_array();
    [a, b, c, after.x, after.y, after.z]
}

/// Whether a point meets a wall on its way `x + h v`, and if so, the shift of its path and its velocity after.
pub(super) fn hit<R: Real>(
    model: &Model<R>,
    (point, wall): (usize, usize),
    x: Vec3<R>,
    v: Vec3<R>,
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
    let met = Hit { point, wall, gap, velocity: v };
    let [a, b, c, d, e, f] =
        meet(normal, sticks, [gap, v.x, v.y, v.z, numbers.friction, numbers.restitution, h]);
    Some((met, Vec3::new(a, b, c), Vec3::new(d, e, f)))
}

/// The pullback of [`hit`]: the cotangents of place, velocity and `h`; adds those of the numbers.
pub(super) fn hit_pullback<R: Real>(
    model: &Model<R>,
    met: &Hit<R>,
    h: R,
    by_shift: Vec3<R>,
    by_after: Vec3<R>,
    out: &mut Model<R>,
) -> (Vec3<R>, Vec3<R>, R) {
    let layout = &model.topology.particles;
    let (normal, sticks) = layout.walls[met.wall];
    let (numbers, v) = (&model.particles.walls[met.wall], met.velocity);
    let ([a, b, c], [d, e, f]) = (by_shift.to_array(), by_after.to_array());
    let [gap, vx, vy, vz, mu, bounce, time] = leaf_pullback(
        |x| meet(normal, sticks, x),
        [met.gap, v.x, v.y, v.z, numbers.friction, numbers.restitution, h],
        [a, b, c, d, e, f],
    );
    let share = &mut out.particles.walls[met.wall];
    share.offset -= gap;
    share.friction += mu;
    share.restitution += bounce;
    out.particles.points[layout.body_of(met.point)].radius -= gap;
    (Vec3::from_f64(normal) * gap, Vec3::new(vx, vy, vz), time)
}
