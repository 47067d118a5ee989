//! Poses: where a frame is and how it is turned.

use std::ops::Mul;

use super::{Quat, Vec3};
use crate::number::Real;

/// A rigid placement: `x_parent = position + rotation x_child`.
#[derive(Clone, Copy, Debug)]
pub struct Pose<R> {
    /// Of the child's origin in the parent.
    pub position: Vec3<R>,
    /// From child axes to parent axes.
    pub rotation: Quat<R>,
}

impl<R: Real> Pose<R> {
    /// Where the parent is.
    pub fn identity() -> Self {
        Self { position: Vec3::zero(), rotation: Quat::identity() }
    }
    /// The same over another number.
    pub fn map<S>(self, f: impl Fn(R) -> S) -> Pose<S> {
        Pose { position: self.position.map(&f), rotation: self.rotation.map(&f) }
    }
    /// The place of a point given in the child frame.
    pub fn point(self, x: Vec3<R>) -> Vec3<R> {
        self.position + self.rotation.rotate(x)
    }
    /// The parent's pose in the child.
    pub fn inverse(self) -> Self {
        let rotation = self.rotation.conjugate();
        Self { position: -rotation.rotate(self.position), rotation }
    }
}

impl<R: Real> Mul for Pose<R> {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        Self { position: self.point(o.position), rotation: self.rotation * o.rotation }
    }
}
