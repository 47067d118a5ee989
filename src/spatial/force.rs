//! Wrenches: forces with their torques, and cotangents of motions.

use std::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};

use super::Vec3;
use crate::number::Real;

/// A wrench `(n, f)`: torque about the reference point, and force.
#[derive(Clone, Copy, Debug)]
pub struct Force<R> {
    /// About the reference point [N m].
    pub torque: Vec3<R>,
    /// [N]
    pub force: Vec3<R>,
}

impl<R: Real> Force<R> {
    /// A wrench of torque and force.
    #[inline(always)]
    pub fn new(torque: Vec3<R>, force: Vec3<R>) -> Self {
        Self { torque, force }
    }
    /// No wrench.
    #[inline(always)]
    pub fn zero() -> Self {
        Self::new(Vec3::zero(), Vec3::zero())
    }
    /// The wrench of a force that acts at `offset` from the reference point.
    #[inline(always)]
    pub fn at(offset: Vec3<R>, force: Vec3<R>) -> Self {
        Self::new(offset.cross(force), force)
    }
}

impl<R: Real> Add for Force<R> {
    type Output = Self;
    #[inline(always)]
    fn add(self, o: Self) -> Self {
        Self::new(self.torque + o.torque, self.force + o.force)
    }
}
impl<R: Real> Sub for Force<R> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, o: Self) -> Self {
        Self::new(self.torque - o.torque, self.force - o.force)
    }
}
impl<R: Real> Neg for Force<R> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self::new(-self.torque, -self.force)
    }
}
impl<R: Real> Mul<R> for Force<R> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, s: R) -> Self {
        Self::new(self.torque * s, self.force * s)
    }
}
impl<R: Real> AddAssign for Force<R> {
    #[inline(always)]
    fn add_assign(&mut self, o: Self) {
        *self = *self + o;
    }
}
impl<R: Real> SubAssign for Force<R> {
    #[inline(always)]
    fn sub_assign(&mut self, o: Self) {
        *self = *self - o;
    }
}
