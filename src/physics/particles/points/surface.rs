//! Points that meet surfaces: walls, which stand still, and geoms, whose motion stands during a substep.
//!
//! In the axes of a surface both go straight. The time of impact solves `d(X + t U) = r` for the signed distance `d`
//! of the surface, the path `X + s U` of the point against it and the radius `r` of its ball.

use super::holds;
use crate::model::Model;
use crate::model::continuum::{Form, Obstacle};
use crate::number::smooth::{safe_div, safe_sqrt};
use crate::number::{Real, leaf_pullback};
use crate::physics::particles::continuum::{distance, reach, slope};
use crate::spatial::{Force, Mat3, Vec3};

/// The way `x + s v` of a point without a surface, and the surface: walls first, then obstacles.
#[derive(Clone, Copy, Debug)]
pub struct Path<R> {
    /// Which point.
    pub point: usize,
    /// Its body.
    pub body: usize,
    /// What it may meet.
    pub surface: usize,
    /// Where it would have to start to go straight [m].
    pub x: Vec3<R>,
    /// At the end of the substep [m/s].
    pub v: Vec3<R>,
}

/// A point that met a surface during a substep.
#[derive(Clone, Copy, Debug)]
pub struct Hit<R> {
    /// Without the surface.
    pub path: Path<R>,
    near: Near<R>,
    /// From the origin of the surface to the start of the path; zero for walls.
    arm: Vec3<R>,
}

/// How a point comes upon a surface.
#[derive(Clone, Copy, Debug)]
struct Near<R> {
    /// Of the impact, after the start of the substep [s].
    t: R,
    /// Outward, at the impact.
    n: Vec3<R>,
    /// The velocity of the point against the surface [m/s].
    u: Vec3<R>,
}

/// What a surface does to velocities.
struct Skin<R> {
    friction: R,
    restitution: R,
    sticks: bool,
}

/// The change of the velocity of a point, and the time of its impact, `[Δ, t]`, from what comes against a surface
/// with normal `n` with velocity `u` at the end of the substep, where the acceleration is `a`.
///
/// What arrives with `p = −n·(u − a (h − t))` leaves with `e p`, and the acceleration goes on; the surface holds what
/// it would pull back: `n·u' = max(0, e p + n·a (h − t))`. What slides loses at most `μ n·(u' − u)`, or everything
/// where points stick. A surface that sped up is met up to one substep late: then `t` is negative, and the point
/// is where it would be had it been met in time.
fn meet<R: Real>(sticks: bool, x: [R; 13]) -> [R; 4] {
    let [t, nx, ny, nz, ux, uy, uz, mu, e, h, ax, ay, az] = x;
    let (n, u, zero) = (Vec3::new(nx, ny, nz), Vec3::new(ux, uy, uz), R::zero());
    let t = t.clamp(-h, h);
    let (rate, pull) = (n.dot(u), n.dot(Vec3::new(ax, ay, az)));
    let arrival = (pull * (h - t) - rate).max(zero);
    let departure = (e * arrival + pull * (h - t)).max(zero);
    let along = u - n * rate;
    let loss = safe_div(mu * (departure - rate), safe_sqrt(along.dot(along)));
    let kept = (R::one() - loss).max(zero);
    let after = if sticks { Vec3::zero() } else { along * kept + n * departure };
    let [x, y, z] = (after - u).to_array();
    [x, y, z, t]
}

/// Whether a point meets a surface within `h`, and if so, when and by what its velocity changes under the
/// acceleration `a`.
pub(super) fn hit<R: Real>(
    model: &Model<R>,
    obstacles: &[Obstacle<R>],
    path: Path<R>,
    (h, a): (R, Vec3<R>),
) -> Option<(Hit<R>, R, Vec3<R>)> {
    let radius = model.particles.points[path.body].radius;
    let walls = model.particles.walls.len();
    let (near, arm) = if path.surface < walls {
        (at_wall(model, &path, radius, h)?, Vec3::zero())
    } else {
        let obstacle = &obstacles[path.surface - walls];
        (at_geom(obstacle, &path, radius, h)?, path.x - obstacle.position)
    };
    let skin = Skin::of(model, obstacles, &path);
    let [x, y, z, t] = meet(skin.sticks, skin.input(&near, (h, a)));
    Some((Hit { path, near, arm }, t, Vec3::new(x, y, z)))
}

/// The pullback of [`hit`], of its share in velocity and place and of its impulse, with the cotangents of those after
/// it and of all impulses: the cotangents of place, velocity, acceleration and `h`; adds those of obstacles and model.
pub(super) fn hit_pullback<R: Real>(
    model: &Model<R>,
    obstacles: &[Obstacle<R>],
    met: &Hit<R>,
    (h, a): (R, Vec3<R>),
    (by_shift, by_after, by_impulse): (Vec3<R>, Vec3<R>, &[Force<R>]),
    (out_obstacles, out): (&mut [Obstacle<R>], &mut Model<R>),
) -> ([Vec3<R>; 3], R) {
    let Hit { path, near, arm } = met;
    let skin = Skin::of(model, obstacles, path);
    let input = skin.input(near, (h, a));
    let [x, y, z, t] = meet(skin.sticks, input);
    let change = Vec3::new(x, y, z);
    let walls = model.particles.walls.len();
    let geom = path.surface.checked_sub(walls);
    // The impulse is −m Δ, and its moment arm × it.
    let mass = model.particles.points[path.body].mass;
    let weight = geom.map_or(Force::zero(), |k| by_impulse[k]);
    let by_force = weight.force + weight.torque.cross(*arm);
    out.particles.points[path.body].mass -= change.dot(by_force);
    let by_change = by_after - by_shift * t - by_force * mass;
    let [cx, cy, cz] = by_change.to_array();
    let cotangent = [cx, cy, cz, -change.dot(by_shift)];
    let [by_t, nx, ny, nz, ux, uy, uz, by_mu, by_e, by_h, ax, ay, az] =
        leaf_pullback(|x| meet(skin.sticks, x), input, cotangent);
    let by_near = Near { t: by_t, n: Vec3::new(nx, ny, nz), u: Vec3::new(ux, uy, uz) };
    let (by_x, by_v, late) = match geom {
        None => {
            let share = &mut out.particles.walls[path.surface];
            share.friction += by_mu;
            share.restitution += by_e;
            let (by_x, by_v) = at_wall_pullback(model, path, (near, t), by_near, out);
            (by_x, by_v, R::zero())
        }
        Some(k) => {
            out_obstacles[k].friction += by_mu;
            out.particles.points[path.body].restitution += by_e;
            let by_arm = (change * -mass).cross(weight.torque);
            let radius = model.particles.points[path.body].radius;
            let share = (&mut out_obstacles[k], &mut out.particles.points[path.body].radius);
            at_geom_pullback(&obstacles[k], (path, radius, h), near, (by_near, by_arm), share)
        }
    };
    ([by_x, by_after + by_v, Vec3::new(ax, ay, az)], by_h + late)
}

impl<R: Real> Hit<R> {
    /// What the surface takes, about its origin.
    pub(super) fn impulse(&self, model: &Model<R>, change: Vec3<R>) -> Force<R> {
        Force::at(self.arm, change * -model.particles.points[self.path.body].mass)
    }
}

impl<R: Real> Skin<R> {
    fn of(model: &Model<R>, obstacles: &[Obstacle<R>], path: &Path<R>) -> Self {
        match model.particles.walls.get(path.surface) {
            Some(wall) => {
                let sticks = model.topology.particles.walls[path.surface].1;
                Self { friction: wall.friction, restitution: wall.restitution, sticks }
            }
            None => Self {
                friction: obstacles[path.surface - model.particles.walls.len()].friction,
                restitution: model.particles.points[path.body].restitution,
                sticks: false,
            },
        }
    }
    fn input(&self, Near { t, n, u }: &Near<R>, (h, a): (R, Vec3<R>)) -> [R; 13] {
        [*t, n.x, n.y, n.z, u.x, u.y, u.z, self.friction, self.restitution, h, a.x, a.y, a.z]
    }
}

/// A wall has one normal: `t = −(n·x − offset − r)/(n·v)`.
fn at_wall<R: Real>(model: &Model<R>, path: &Path<R>, radius: R, h: R) -> Option<Near<R>> {
    let n = Vec3::from_f64(model.topology.particles.walls[path.surface].0);
    let gap = n.dot(path.x) - model.particles.walls[path.surface].offset - radius;
    let rate = n.dot(path.v);
    let meets = holds((gap + h * rate).lt(R::zero()) & rate.lt(R::zero()));
    meets.then(|| Near { t: -(gap / rate), n, u: path.v })
}

/// The pullback of [`at_wall`], with the time within bounds: the cotangents of place and velocity; adds those of
/// offset and radius.
fn at_wall_pullback<R: Real>(
    model: &Model<R>,
    path: &Path<R>,
    (near, t): (&Near<R>, R),
    by: Near<R>,
    out: &mut Model<R>,
) -> (Vec3<R>, Vec3<R>) {
    let n = Vec3::from_f64(model.topology.particles.walls[path.surface].0);
    let by_gap = -(by.t / n.dot(near.u));
    out.particles.walls[path.surface].offset -= by_gap;
    out.particles.points[path.body].radius -= by_gap;
    (n * by_gap, by.u + n * (by_gap * t))
}

/// The place and the velocity of a path in the axes of an obstacle, `X = Aᵀ (x − p)`, and these axes `A`.
fn inside<R: Real>(obstacle: &Obstacle<R>, arm: Vec3<R>, u: Vec3<R>) -> (Mat3<R>, [Vec3<R>; 2]) {
    let axes = obstacle.rotation.to_matrix();
    (axes, [axes.transpose_mul(arm), axes.transpose_mul(u)])
}

fn at_geom<R: Real>(obstacle: &Obstacle<R>, path: &Path<R>, radius: R, h: R) -> Option<Near<R>> {
    let arm = path.x - obstacle.position;
    let u = path.v - obstacle.velocity - obstacle.angular_velocity.cross(arm);
    let first = |v: Vec3<R>| v.map(|x| x.first());
    let apart = reach(obstacle) + radius.first() + h.first() * first(u).norm();
    if first(arm).dot(first(arm)) > apart * apart {
        return None;
    }
    let (axes, [x, w]) = inside(obstacle, arm, u);
    let plain = (first(x), first(w), first(obstacle.size));
    let start = first_touch(obstacle.form, plain, radius.first(), h.first())?;
    let [t, nx, ny, nz] = strike(obstacle.form, start, strike_input((x, w), obstacle.size, radius, h));
    Some(Near { t, n: axes * Vec3::new(nx, ny, nz), u })
}

/// The pullback of [`at_geom`], with the cotangent of the arm of the impulse besides: the cotangents of place,
/// velocity and `h`; adds those of the obstacle and the radius.
fn at_geom_pullback<R: Real>(
    obstacle: &Obstacle<R>,
    (path, radius, h): (&Path<R>, R, R),
    near: &Near<R>,
    (by, by_arm): (Near<R>, Vec3<R>),
    (out, out_radius): (&mut Obstacle<R>, &mut R),
) -> (Vec3<R>, Vec3<R>, R) {
    let (arm, u) = (path.x - obstacle.position, near.u);
    let (axes, [x, w]) = inside(obstacle, arm, u);
    let [nx, ny, nz] = axes.transpose_mul(by.n).to_array();
    let start = near.t.first();
    let input = strike_input((x, w), obstacle.size, radius, h);
    let bar = leaf_pullback(|x| strike(obstacle.form, start, x), input, [by.t, nx, ny, nz]);
    let three = |k: usize| Vec3::new(bar[k], bar[k + 1], bar[k + 2]);
    let (by_x, by_w) = (axes * three(0), axes * three(3));
    out.size += three(6);
    *out_radius += bar[9];
    // A turn δθ moves the normal by δθ × n, and place and velocity in the obstacle's axes by −δθ × both.
    let turn = near.n.cross(by.n) - arm.cross(by_x) - u.cross(by_w);
    let turn = obstacle.rotation.pullback_of_turn(turn);
    out.rotation.w += turn.w;
    out.rotation.v += turn.v;
    // The relative velocity is v − velocity − ω × arm.
    let by_u = by.u + by_w;
    out.velocity -= by_u;
    out.angular_velocity -= arm.cross(by_u);
    let by_arm = by_arm + by_x - by_u.cross(obstacle.angular_velocity);
    out.position -= by_arm;
    (by_arm, by_u, bar[10])
}

/// When a point on a straight path first touches a form, if within `h`. A point inside has touched before, at most `h`
/// ago.
///
/// Along a line the distance from what is convex is convex, so Newton's method comes to the first touch from outside
/// and the touch lies between where the path is outside and approaches and where it is inside, or leaves. Where the
/// steps of Newton's method do not halve, as along a surface that is just grazed, this bracket is halved instead.
pub fn first_touch(
    form: Form,
    (x, u, size): (Vec3<f64>, Vec3<f64>, Vec3<f64>),
    radius: f64,
    h: f64,
) -> Option<f64> {
    let at = |t: f64| gap_and_rate(form, (x + u * t, u), size, radius);
    let (mut gap, mut rate) = at(0.0);
    if rate >= 0.0 || rate.is_nan() {
        return None;
    }
    // Whether the path is inside at the upper end: then it does touch.
    let mut inside = gap <= 0.0;
    let (mut low, mut high) = if inside { (-h, 0.0) } else { (0.0, h) };
    if inside && at(-h).0 <= 0.0 {
        return Some(-h);
    }
    let (mut t, mut last) = (0.0, f64::INFINITY);
    for _ in 0..MOST_HALVINGS {
        let newton = t - gap / rate;
        if rate < 0.0 && gap > 0.0 && newton >= h {
            return None;
        }
        let quick = newton > low && newton < high && (newton - t).abs() <= 0.5 * last;
        let next = if quick { newton } else { 0.5 * (low + high) };
        last = if quick { (newton - t).abs() } else { high - low };
        t = next;
        if last <= 1e-12 * h {
            return (inside || quick).then_some(t);
        }
        (gap, rate) = at(t);
        if gap <= 0.0 {
            (high, inside) = (t, true);
        } else if rate < 0.0 || inside {
            low = t;
        } else {
            high = t;
        }
    }
    inside.then_some(high)
}

/// More than enough halvings from `h` to 1e-12 of it, each of which a step of Newton's method may precede.
const MOST_HALVINGS: usize = 120;

/// How far a ball is from a form, and how fast that grows.
pub fn gap_and_rate<R: Real>(form: Form, (x, u): (Vec3<R>, Vec3<R>), size: Vec3<R>, radius: R) -> (R, R) {
    let near = distance(form, x, size);
    (near.0 - radius, slope(form, x, size, near).dot(u))
}

fn strike_input<R: Real>((x, u): (Vec3<R>, Vec3<R>), size: Vec3<R>, radius: R, h: R) -> [R; 11] {
    [x.x, x.y, x.z, u.x, u.y, u.z, size.x, size.y, size.z, radius, h]
}

/// The time of impact and the normal there, `[t, n]`, near the plain time that solves `d(X + t U) = r`: one more step
/// of Newton's method for every derivative that the number carries.
fn strike<R: Real>(form: Form, start: f64, [x, y, z, u, v, w, a, b, c, radius, h]: [R; 11]) -> [R; 4] {
    let (x, u, size) = (Vec3::new(x, y, z), Vec3::new(u, v, w), Vec3::new(a, b, c));
    let mut t = R::from_f64(start);
    for _ in 0..R::ORDER.max(1) {
        let (gap, rate) = gap_and_rate(form, (x + u * t, u), size, radius);
        t = (t - gap / rate).clamp(-h, h);
    }
    let n = distance(form, x + u * t, size).1;
    [t, n.x, n.y, n.z]
}
