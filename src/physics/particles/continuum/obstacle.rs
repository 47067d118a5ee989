//! Rigid bodies in the way: how far a node is from one, and what the body does to its velocity.

use crate::model::continuum::{Form, Obstacle};
use crate::number::{Mask, Real, leaf_pullback, smooth};
use crate::spatial::{Force, Mat3, Vec3};

/// The signed distance of a point from a form, negative inside, and the unit normal there; both in the
/// form's axes. That of an ellipsoid is exact to first order near its surface.
#[inline]
pub fn distance<R: Real>(form: Form, x: Vec3<R>, size: Vec3<R>) -> (R, Vec3<R>) {
    let zero = R::zero();
    match form {
        Form::Plane => (x.z, Vec3::unit(2)),
        Form::Sphere => outward(x, size.x),
        Form::Capsule => {
            let along = x.z.clamp(-size.y, size.y);
            outward(Vec3::new(x.x, x.y, x.z - along), size.x)
        }
        Form::Box => rectangle(x, size),
        Form::Cylinder => {
            let radius = smooth::safe_sqrt(x.x * x.x + x.y * x.y);
            let corner = Vec3::new(size.x, size.x, size.y);
            let (d, n) = rectangle(Vec3::new(radius, zero, x.z), corner);
            let radial = |x: R| smooth::safe_div(x, radius) * n.x;
            (d, Vec3::new(radial(x.x), radial(x.y), n.z))
        }
        Form::Ellipsoid => {
            let over = |x: Vec3<R>| Vec3::new(x.x / size.x, x.y / size.y, x.z / size.z);
            let y = over(x);
            let slope = over(y);
            let (k, g) = (y.norm(), slope.norm());
            (smooth::safe_div(k * (k - R::one()), g), slope * smooth::safe_div(R::one(), g))
        }
    }
}

/// The gradient of [`distance`], whose value and normal are given: the normal, but for an ellipsoid, whose distance
/// `d = k (k − 1)/g` of `k = |x/s|` and `g = |x/s²|` is not exact.
#[inline]
pub(crate) fn slope<R: Real>(form: Form, x: Vec3<R>, size: Vec3<R>, (d, n): (R, Vec3<R>)) -> Vec3<R> {
    if form != Form::Ellipsoid {
        return n;
    }
    let over = |x: Vec3<R>| Vec3::new(x.x / size.x, x.y / size.y, x.z / size.z);
    let y = over(x);
    let arrow = over(y);
    let share = R::from_f64(2.0) - smooth::safe_div(R::one(), y.norm());
    n * share - over(over(arrow)) * smooth::safe_div(d, arrow.dot(arrow))
}

/// The distance of the end of an arrow from a sphere of this radius about its start.
#[inline(always)]
fn outward<R: Real>(arrow: Vec3<R>, radius: R) -> (R, Vec3<R>) {
    let length = arrow.norm();
    (length - radius, arrow * smooth::safe_div(R::one(), length))
}

/// The distance from a box with these half lengths.
#[inline(always)]
fn rectangle<R: Real>(x: Vec3<R>, half: Vec3<R>) -> (R, Vec3<R>) {
    let (zero, one) = (R::zero(), R::one());
    let sign = x.map(|x| R::select(x.lt(zero), -one, one));
    let beyond = x.product(sign) - half;
    let out = beyond.map(|q| q.max(zero));
    let (length, direction) = outward(out, zero);
    let inside = length.le(zero);
    // Inside, the nearest face decides.
    let deepest = beyond.x.max(beyond.y).max(beyond.z);
    let on_x = deepest.le(beyond.x);
    let on_y = deepest.le(beyond.y) & !on_x;
    let face = Vec3::select(on_x, Vec3::unit(0), Vec3::select(on_y, Vec3::unit(1), Vec3::unit(2)));
    let normal = Vec3::select(inside, face, direction);
    (R::select(inside, deepest, length), normal.product(sign))
}

/// What Coulomb's law adds to a velocity `v` into a surface with unit normal `n`: nothing when it leaves.
///
/// ```text
/// v_n = n · v < 0,  v_t = v − v_n n:  v + Δ = v_t max(0, 1 + μ v_n/|v_t|)
/// ```
#[inline(always)]
pub fn resist<R: Real>(n: Vec3<R>, v: Vec3<R>, friction: R) -> Vec3<R> {
    let (zero, one) = (R::zero(), R::one());
    let approach = n.dot(v);
    let tangent = v - n * approach;
    let left = (one + friction * smooth::safe_div(approach, tangent.norm())).max(zero);
    Vec3::select(approach.lt(zero), tangent * left - v, Vec3::zero())
}

/// [`resist`] with the share that a surface at this distance has: all inside, nothing from one cell on,
/// `1 − 3 s² + 2 s³` between.
///
/// A flat world sees the section with the plane, and nothing of what moves across it.
#[inline(always)]
fn deflect<R: Real>([nx, ny, nz, cells, vx, vy, vz, friction]: [R; 8], flat: bool) -> [R; 3] {
    let n = if flat { Vec3::new(nx, ny, R::zero()) } else { Vec3::new(nx, ny, nz) };
    let n = if flat { n * smooth::safe_div(R::one(), n.norm()) } else { n };
    let v = Vec3::new(vx, vy, if flat { R::zero() } else { vz });
    let s = cells.clamp(R::zero(), R::one());
    let share = R::one() - s * s * (R::from_f64(3.0) - s.times(2.0));
    (resist(n, v, friction) * share).to_array()
}

/// One node and one obstacle.
struct Meeting<R> {
    /// From the obstacle's origin to the node.
    arm: Vec3<R>,
    axes: Mat3<R>,
    /// The arm in the obstacle's axes.
    inside: Vec3<R>,
    /// What decides: normal, distance in cells, relative velocity, friction.
    input: [R; 8],
}

/// Farther from an obstacle's origin than this plain length there is nothing of it.
pub(crate) fn reach<R: Real>(obstacle: &Obstacle<R>) -> f64 {
    let [x, y, z] = obstacle.size.to_array().map(|s| s.first());
    match obstacle.form {
        Form::Plane => f64::INFINITY,
        Form::Sphere => x,
        Form::Capsule => x + y,
        Form::Box => (x * x + y * y + z * z).sqrt(),
        Form::Cylinder => (x * x + y * y).sqrt(),
        Form::Ellipsoid => x.max(y).max(z),
    }
}

impl<R: Real> Meeting<R> {
    /// Where they meet; nothing when the node is more than a cell away.
    #[inline]
    fn new(obstacle: &Obstacle<R>, place: Vec3<f64>, spacing: f64, v: Vec3<R>) -> Option<Self> {
        let origin = obstacle.position.map(|x| x.first());
        let apart = place - origin;
        if apart.dot(apart) > (reach(obstacle) + spacing).powi(2) {
            return None;
        }
        let axes = obstacle.rotation.to_matrix();
        let arm = place.map(R::from_f64) - obstacle.position;
        let inside = axes.transpose_mul(arm);
        let (d, n) = distance(obstacle.form, inside, obstacle.size);
        let cells = d.times(1.0 / spacing);
        if !cells.lt(R::one()).any() {
            return None;
        }
        let n = axes * n;
        let u = v - obstacle.velocity - obstacle.angular_velocity.cross(arm);
        let input = [n.x, n.y, n.z, cells, u.x, u.y, u.z, obstacle.friction];
        Some(Self { arm, axes, inside, input })
    }
}

/// The velocity of a node past an obstacle, and the impulse that the obstacle takes, about its origin.
///
/// A flat world lies in the x-y plane.
#[inline]
pub fn pass<R: Real>(
    obstacle: &Obstacle<R>,
    (place, spacing, flat): (Vec3<f64>, f64, bool),
    mass: R,
    v: Vec3<R>,
) -> Option<(Vec3<R>, Force<R>)> {
    let meeting = Meeting::new(obstacle, place, spacing, v)?;
    let change = Vec3::from(deflect(meeting.input, flat));
    Some((v + change, Force::at(meeting.arm, change * -mass)))
}

/// Adds the cotangents of the obstacle and of the mass, and replaces that of the velocity.
#[inline]
pub(super) fn pass_pullback<R: Real>(
    obstacle: &Obstacle<R>,
    (place, spacing, flat): (Vec3<f64>, f64, bool),
    mass: R,
    v: Vec3<R>,
    impulse: Force<R>,
    cotangent: &mut Obstacle<R>,
    (mass_bar, v_bar): (&mut R, &mut Vec3<R>),
) {
    let Some(Meeting { arm, axes, inside, input }) = Meeting::new(obstacle, place, spacing, v) else {
        return;
    };
    let change = Vec3::from(deflect(input, flat));
    // The torque is arm × force.
    let force_bar = impulse.force + impulse.torque.cross(arm);
    let mut arm_bar = (change * -mass).cross(impulse.torque);
    *mass_bar -= change.dot(force_bar);
    let change_bar = *v_bar - force_bar * mass;
    let bar = leaf_pullback(|x| deflect(x, flat), input, change_bar.to_array());
    let [nx, ny, nz, cells_bar, ux, uy, uz, friction_bar] = bar;
    let (n_bar, u_bar) = (Vec3::new(nx, ny, nz), Vec3::new(ux, uy, uz));
    cotangent.friction += friction_bar;
    // The relative velocity is v − velocity − ω × arm.
    *v_bar += u_bar;
    cotangent.velocity -= u_bar;
    cotangent.angular_velocity -= arm.cross(u_bar);
    arm_bar -= u_bar.cross(obstacle.angular_velocity);
    // The distance and the normal of the arm in the obstacle's axes.
    let n_inside_bar = axes.transpose_mul(n_bar);
    let x = [inside.x, inside.y, inside.z, obstacle.size.x, obstacle.size.y, obstacle.size.z];
    let w = [cells_bar.times(1.0 / spacing), n_inside_bar.x, n_inside_bar.y, n_inside_bar.z];
    let bar = leaf_pullback(|x| distance_of(obstacle.form, x), x, w);
    let inside_bar = Vec3::new(bar[0], bar[1], bar[2]);
    cotangent.size += Vec3::new(bar[3], bar[4], bar[5]);
    let pushed = axes * inside_bar;
    arm_bar += pushed;
    // A turn δθ moves the normal by δθ × n and the arm in the obstacle's axes by −δθ × arm.
    let n = Vec3::new(input[0], input[1], input[2]);
    let turn = obstacle.rotation.pullback_of_turn(n.cross(n_bar) - arm.cross(pushed));
    cotangent.rotation.w += turn.w;
    cotangent.rotation.v += turn.v;
    cotangent.position -= arm_bar;
}

/// [`distance`] as a list of numbers.
#[inline(always)]
fn distance_of<R: Real>(form: Form, [x, y, z, a, b, c]: [R; 6]) -> [R; 4] {
    let (d, n) = distance(form, Vec3::new(x, y, z), Vec3::new(a, b, c));
    [d, n.x, n.y, n.z]
}
