//! Rotations: unit quaternions, exponential and logarithm, and their Jacobians.

use std::ops::Mul;

use super::{Mat3, Vec3};
use crate::number::{Mask, Real};

/// A quaternion `(w, x, y, z)`, Hamilton product, active: it takes body axes to parent axes.
#[derive(Clone, Copy, Debug)]
pub struct Quat<R> {
    /// The scalar part.
    pub w: R,
    /// The vector part.
    pub v: Vec3<R>,
}

impl<R: Real> Quat<R> {
    /// From its four numbers.
    #[inline(always)]
    pub fn new(w: R, x: R, y: R, z: R) -> Self {
        Self { w, v: Vec3::new(x, y, z) }
    }
    /// No turn.
    #[inline(always)]
    pub fn identity() -> Self {
        Self { w: R::one(), v: Vec3::zero() }
    }
    /// From four plain numbers `w, x, y, z`.
    #[inline(always)]
    pub fn from_f64(q: [f64; 4]) -> Self {
        Self::from(q.map(R::from_f64))
    }
    /// `w, x, y, z`.
    #[inline(always)]
    pub fn to_array(self) -> [R; 4] {
        [self.w, self.v.x, self.v.y, self.v.z]
    }
    /// The same over another number.
    #[inline(always)]
    pub fn map<S>(self, f: impl Fn(R) -> S) -> Quat<S> {
        Quat { w: f(self.w), v: self.v.map(f) }
    }
    /// The inverse of a unit quaternion.
    #[inline(always)]
    pub fn conjugate(self) -> Self {
        Self { w: self.w, v: -self.v }
    }
    /// `q / |q|`, and the identity for a norm below 1e-15.
    #[inline(always)]
    pub fn normalized(self) -> Self {
        let s = self.w * self.w + self.v.dot(self.v);
        let good = s.ge(R::from_f64(1e-30));
        let k = R::select(good, s, R::one()).sqrt().recip();
        Self { w: R::select(good, self.w * k, R::one()), v: Vec3::select(good, self.v * k, Vec3::zero()) }
    }
    /// A turn by `angle` about the unit `axis`.
    #[inline(always)]
    pub fn from_axis_angle(axis: Vec3<R>, angle: R) -> Self {
        let (s, c) = angle.times(0.5).sin_cos();
        Self { w: c, v: axis * s }
    }
    /// `exp(w)`: the turn by `|w|` about `w`, smooth at zero.
    ///
    /// With `s = w·w`: `(cos(½√s), w sin(½√s)/√s)`, both analytic in `s`.
    pub fn exp(w: Vec3<R>) -> Self {
        let s = w.dot(w);
        let small = s.lt(R::from_f64(SMALL));
        let n = R::select(small, R::one(), s).sqrt();
        let (sin, cos) = n.times(0.5).sin_cos();
        let q = s.times(0.25);
        let series = |c: [f64; 4]| polynomial(q, c);
        let k = R::select(small, series([1.0, -1.0 / 6.0, 1.0 / 120.0, -1.0 / 5040.0]).times(0.5), sin / n);
        let c = R::select(small, series([1.0, -0.5, 1.0 / 24.0, -1.0 / 720.0]), cos);
        Self { w: c, v: w * k }
    }
    /// `log(q)`: the rotation vector of a unit quaternion, `|log| ≤ π`, smooth at the identity.
    pub fn log(self) -> Vec3<R> {
        // q and −q are the same rotation; the one with w ≥ 0 turns by at most π.
        let flip = self.w.lt(R::zero());
        let w = R::select(flip, -self.w, self.w);
        let v = Vec3::select(flip, -self.v, self.v);
        let s = v.dot(v);
        let small = s.lt(R::from_f64(SMALL));
        let n = R::select(small, R::one(), s).sqrt();
        let safe_w = R::select(small, w, R::one());
        // 2 atan(n/w)/n = (2/w)(1 − t/3 + t²/5 − …), t = n²/w².
        let t = R::select(small, s, R::zero()) / (safe_w * safe_w);
        let series = polynomial(t, [1.0, -1.0 / 3.0, 0.2, -1.0 / 7.0]).times(2.0) / safe_w;
        let k = R::select(small, series, n.atan2(w).times(2.0) / n);
        v * k
    }
    /// The rotation matrix of a unit quaternion.
    #[inline(always)]
    pub fn to_matrix(self) -> Mat3<R> {
        let Vec3 { x, y, z } = self.v;
        let w = self.w;
        let (ww, xx, yy, zz) = (w * w, x * x, y * y, z * z);
        let (wx, wy, wz) = ((w * x).times(2.0), (w * y).times(2.0), (w * z).times(2.0));
        let (xy, xz, yz) = ((x * y).times(2.0), (x * z).times(2.0), (y * z).times(2.0));
        Mat3::from_columns(
            Vec3::new(ww + xx - yy - zz, xy + wz, xz - wy),
            Vec3::new(xy - wz, ww - xx + yy - zz, yz + wx),
            Vec3::new(xz + wy, yz - wx, ww - xx - yy + zz),
        )
    }
    /// The rotation whose matrix has these columns, a right-handed orthonormal frame.
    pub fn of_axes(x: Vec3<R>, y: Vec3<R>, z: Vec3<R>) -> Self {
        let one = R::one();
        // Four times the outer product of the quaternion with itself, row by row.
        let rows = [
            [one + x.x + y.y + z.z, y.z - z.y, z.x - x.z, x.y - y.x],
            [y.z - z.y, one + x.x - y.y - z.z, x.y + y.x, z.x + x.z],
            [z.x - x.z, x.y + y.x, one - x.x + y.y - z.z, y.z + z.y],
            [x.y - y.x, z.x + x.z, y.z + z.y, one - x.x - y.y + z.z],
        ];
        // The row with the largest diagonal entry loses no digits.
        let (mut best, mut largest) = (Self::from(rows[0]), rows[0][0]);
        for k in 1..4 {
            let better = largest.lt(rows[k][k]);
            let row = Self::from(rows[k]);
            best = Self { w: R::select(better, row.w, best.w), v: Vec3::select(better, row.v, best.v) };
            largest = R::select(better, rows[k][k], largest);
        }
        best.normalized()
    }
    /// The rotated vector `q v q*`.
    #[inline(always)]
    pub fn rotate(self, v: Vec3<R>) -> Vec3<R> {
        let t = self.v.cross(v);
        let t = t + t;
        v + t * self.w + self.v.cross(t)
    }
    /// The cotangent of the four numbers from a cotangent `t` of a small rotation on the left,
    /// `δq = ½ (0, δθ) ⊗ q`: `q̄ = 2 (0, t) ⊗ q`.
    pub fn pullback_of_turn(self, t: Vec3<R>) -> Self {
        let q = Self { w: R::zero(), v: t } * self;
        Self { w: q.w.times(2.0), v: q.v + q.v }
    }
}

impl<R> From<[R; 4]> for Quat<R> {
    #[inline(always)]
    fn from([w, x, y, z]: [R; 4]) -> Self {
        Self { w, v: Vec3 { x, y, z } }
    }
}
impl<R: Real> Mul for Quat<R> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, o: Self) -> Self {
        Self { w: self.w * o.w - self.v.dot(o.v), v: o.v * self.w + self.v * o.w + self.v.cross(o.v) }
    }
}
impl From<Quat<f64>> for nalgebra::UnitQuaternion<f64> {
    fn from(q: Quat<f64>) -> Self {
        Self::from_quaternion(nalgebra::Quaternion::new(q.w, q.v.x, q.v.y, q.v.z))
    }
}
impl From<nalgebra::UnitQuaternion<f64>> for Quat<f64> {
    fn from(q: nalgebra::UnitQuaternion<f64>) -> Self {
        Self::new(q.w, q.i, q.j, q.k)
    }
}

/// Squares of angles below which the series are used: their first neglected term is below 1e-19.
const SMALL: f64 = 1e-4;

/// `c₀ + c₁ s + c₂ s² + c₃ s³`.
#[inline(always)]
fn polynomial<R: Real>(s: R, c: [f64; 4]) -> R {
    let f = R::from_f64;
    f(c[0]) + s * (f(c[1]) + s * (f(c[2]) + s * f(c[3])))
}

/// `((1 − cos n)/n², (n − sin n)/n³)` of `n = |w|`, smooth at zero.
#[inline(always)]
fn jacobian_terms<R: Real>(w: Vec3<R>) -> (R, R) {
    let s = w.dot(w);
    let small = s.lt(R::from_f64(1e-3));
    let square = R::select(small, R::one(), s);
    let n = square.sqrt();
    let (sin, cos) = n.sin_cos();
    let a = polynomial(s, [0.5, -1.0 / 24.0, 1.0 / 720.0, -1.0 / 40320.0]);
    let b = polynomial(s, [1.0 / 6.0, -1.0 / 120.0, 1.0 / 5040.0, -1.0 / 362880.0]);
    (R::select(small, a, (R::one() - cos) / square), R::select(small, b, (n - sin) / (square * n)))
}

/// `J_r(w) = 1 − (1−cos n)/n² [w] + (n−sin n)/n³ [w]²`: `exp(w + δ) = exp(w) exp(J_r δ)`.
#[inline(always)]
pub fn so3_right_jacobian<R: Real>(w: Vec3<R>) -> Mat3<R> {
    let (a, b) = jacobian_terms(w);
    let k = Mat3::skew(w);
    Mat3::identity() - k.scale(a) + (k * k).scale(b)
}

/// `J_l(w) = J_r(−w)`: `exp(w + δ) = exp(J_l δ) exp(w)`.
#[inline(always)]
pub fn so3_left_jacobian<R: Real>(w: Vec3<R>) -> Mat3<R> {
    so3_right_jacobian(-w)
}

/// `J_r⁻¹(w) = 1 + ½ [w] + (1/n² − (1 + cos n)/(2 n sin n)) [w]²`: the derivative of the logarithm,
/// `log(exp(w) exp(δ)) = w + J_r⁻¹ δ`.
pub fn so3_log_jacobian<R: Real>(w: Vec3<R>) -> Mat3<R> {
    let s = w.dot(w);
    let small = s.lt(R::from_f64(1e-3));
    let square = R::select(small, R::one(), s);
    let n = square.sqrt();
    let (sin, cos) = n.sin_cos();
    // (1 + cos n)/sin n = cot(n/2); at n = π both vanish and the guard only avoids 0/0.
    let flat = sin.abs().lt(R::from_f64(1e-300));
    let cot = R::select(flat, R::zero(), (R::one() + cos) / R::select(flat, R::one(), sin));
    let exact = (R::one() - (n * cot).times(0.5)) / square;
    let series = polynomial(s, [1.0 / 12.0, 1.0 / 720.0, 1.0 / 30240.0, 1.0 / 1209600.0]);
    let k = Mat3::skew(w);
    Mat3::identity() + k.scale(R::from_f64(0.5)) + (k * k).scale(R::select(small, series, exact))
}

/// The rotation that takes the z axis to the direction of `d`; half a turn about x for `−z`.
///
/// The turn is about `z × d` by `atan2(|z × d|, d_z)`; the half-angle form needs no trigonometry. At
/// `−z`, where the turn jumps, the derivative is that of the shortest turn from `−z` itself: the
/// direction's own derivative is right everywhere.
pub fn rotation_z_to<R: Real>(d: Vec3<R>) -> Quat<R> {
    let n = d.norm();
    let down = (d.x * d.x + d.y * d.y).lt((n * n).times(1e-20)) & d.z.lt(R::zero());
    // There the half turn comes first and the least turn from −z to d follows: smooth in d.
    // n + d_z without cancellation below the horizon.
    let below = d.z.lt(R::zero());
    let square = d.x * d.x + d.y * d.y;
    let lift = square / R::select(below, n - d.z, R::one());
    let sum = R::select(below, lift, n + d.z);
    let q = Quat {
        w: R::select(down, -d.y, sum),
        v: Vec3::select(down, Vec3::new(n - d.z, R::zero(), d.x), Vec3::new(-d.y, d.x, R::zero())),
    };
    q.normalized()
}

/// `a exp(t log(a* b))`: the shortest way from `a` to `b`, constant in angular velocity.
pub fn slerp<R: Real>(a: Quat<R>, b: Quat<R>, t: R) -> Quat<R> {
    a * Quat::exp((a.conjugate() * b).log() * t)
}

/// The rotation nearest to an `m` with positive determinant (its polar factor), `m = R S` with
/// symmetric `S`.
///
/// Newton's iteration `X ← ½ (X + X⁻ᵀ)` from `m` (Higham 1986); the derivatives converge with it.
pub fn polar<R: Real>(m: Mat3<R>) -> Mat3<R> {
    let newton = |x: Mat3<R>| (x + x.inverse().transpose()).scale(R::from_f64(0.5));
    let mut x = m;
    let mut moving = R::zero().le(R::zero());
    for _ in 0..60 {
        let next = newton(x);
        let change =
            (0..3).map(|k| (next.columns()[k] - x.columns()[k]).norm()).fold(R::zero(), |a, b| a + b);
        // A world that has arrived waits for the others: it takes the same steps as if it were alone.
        x = Mat3::select(moving, next, x);
        moving = moving & change.ge(R::from_f64(1e-9));
        if !moving.any() {
            break;
        }
    }
    // Two more steps carry the tangents to full accuracy.
    newton(newton(x))
}
