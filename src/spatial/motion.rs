//! Twists: velocities, accelerations and joint axes.

use std::ops::{Add, AddAssign, Mul, Neg, Sub};

use super::{Force, Vec3};
use crate::number::Real;

/// A twist `(ω, v)`: angular velocity, and the velocity of the body's point at the reference point.
#[derive(Clone, Copy, Debug)]
pub struct Motion<R> {
    /// `ω` [rad/s].
    pub angular: Vec3<R>,
    /// Of the body's point at the reference point [m/s].
    pub linear: Vec3<R>,
}

impl<R: Real> Motion<R> {
    /// A twist of angular and linear velocity.
    #[inline(always)]
    pub fn new(angular: Vec3<R>, linear: Vec3<R>) -> Self {
        Self { angular, linear }
    }
    /// Rest.
    #[inline(always)]
    pub fn zero() -> Self {
        Self::new(Vec3::zero(), Vec3::zero())
    }
    /// The power `m · f`.
    #[inline(always)]
    pub fn dot(self, f: Force<R>) -> R {
        self.angular.dot(f.torque) + self.linear.dot(f.force)
    }
    /// `(ω, v) × (w, u) = (ω×w, ω×u + v×w)`: the rate of a motion vector that moves along.
    #[inline(always)]
    pub fn cross(self, m: Self) -> Self {
        Self::new(self.angular.cross(m.angular), self.angular.cross(m.linear) + self.linear.cross(m.angular))
    }
    /// `(ω, v) × (n, f) = (ω×n + v×f, ω×f)`: the rate of a force vector that moves along.
    ///
    /// The two crosses are adjoint with a change of sign, `(a × b)·f = −b·(a ×* f) = a·(b ×* f)`,
    /// so that `b ×* f` is the cotangent of `a`.
    #[inline(always)]
    pub fn cross_force(self, f: Force<R>) -> Force<R> {
        Force::new(self.angular.cross(f.torque) + self.linear.cross(f.force), self.angular.cross(f.force))
    }
    /// The velocity of the body's point at `offset` from the reference point.
    #[inline(always)]
    pub fn at(self, offset: Vec3<R>) -> Vec3<R> {
        self.linear + self.angular.cross(offset)
    }
}

impl<R: Real> Motion<R> {
    /// The same over another number.
    #[inline(always)]
    pub fn map<S>(self, f: impl Fn(R) -> S) -> Motion<S> {
        Motion { angular: self.angular.map(&f), linear: self.linear.map(f) }
    }
}

impl<R: Real> Add for Motion<R> {
    type Output = Self;
    #[inline(always)]
    fn add(self, o: Self) -> Self {
        Self::new(self.angular + o.angular, self.linear + o.linear)
    }
}
impl<R: Real> Sub for Motion<R> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, o: Self) -> Self {
        Self::new(self.angular - o.angular, self.linear - o.linear)
    }
}
impl<R: Real> Neg for Motion<R> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self::new(-self.angular, -self.linear)
    }
}
impl<R: Real> Mul<R> for Motion<R> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, s: R) -> Self {
        Self::new(self.angular * s, self.linear * s)
    }
}
impl<R: Real> AddAssign for Motion<R> {
    #[inline(always)]
    fn add_assign(&mut self, o: Self) {
        *self = *self + o;
    }
}
