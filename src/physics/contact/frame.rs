//! The frame of a contact: the normal and two tangents.

use super::{Place, Placed, Spot};
use crate::number::Real;
use crate::spatial::Vec3;

/// The direction that the first tangent leans towards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// World axis x.
    X,
    /// World axis y.
    Y,
    /// World axis z.
    Z,
    /// Axis z of the second shape.
    Axis,
}

impl Hint {
    /// MuJoCo's choice: the capsule's axis on a plane, otherwise y unless the normal leans towards it.
    ///
    /// Where a capsule stands straight on a plane, its axis hints nowhere.
    pub(super) fn of(place: Place, normal: Vec3<f64>, second: &Placed<f64>) -> Self {
        let axis = second.rotation.z;
        let across = axis - normal * normal.dot(axis);
        match place {
            Place::PlaneSpot(Spot::End(_)) if across.dot(across) > 1e-20 => Self::Axis,
            Place::PlaneSpot(Spot::End(_)) if normal.x.abs() < 0.5 => Self::X,
            _ if normal.y.abs() < 0.5 => Self::Y,
            _ => Self::Z,
        }
    }
    /// In the world.
    #[inline(always)]
    pub(super) fn direction<R: Real>(self, second: &Placed<R>) -> Vec3<R> {
        match self {
            Self::X => Vec3::unit(0),
            Self::Y => Vec3::unit(1),
            Self::Z => Vec3::unit(2),
            Self::Axis => second.rotation.z,
        }
    }
}

/// `e = h − n (n·h)`, and `1/|e|`.
#[inline(always)]
fn across<R: Real>(n: Vec3<R>, hint: Vec3<R>) -> (Vec3<R>, R) {
    let e = hint - n * n.dot(hint);
    let square = e.dot(e);
    let long = square.ge(R::from_f64(1e-30));
    (e, R::select(long, square, R::one()).sqrt().recip())
}

/// `t₁ = e/|e|` with `e = h − n (n·h)`, `t₂ = n × t₁`, for a unit normal `n` and a hint `h`.
#[inline(always)]
pub(super) fn frame<R: Real>(n: Vec3<R>, hint: Vec3<R>) -> [Vec3<R>; 3] {
    let (e, k) = across(n, hint);
    let t1 = e * k;
    [n, t1, n.cross(t1)]
}

/// Pullback of [`frame`]: the cotangents of normal and hint.
#[inline(always)]
pub(super) fn frame_pullback<R: Real>(
    n: Vec3<R>,
    hint: Vec3<R>,
    cotangent: [Vec3<R>; 3],
) -> (Vec3<R>, Vec3<R>) {
    let (e, k) = across(n, hint);
    let t1 = e * k;
    let [n_bar, t1_bar, t2_bar] = cotangent;
    let t1_bar = t1_bar + t2_bar.cross(n);
    let e_bar = (t1_bar - t1 * t1.dot(t1_bar)) * k;
    let along = n.dot(e_bar);
    (n_bar + t1.cross(t2_bar) - e_bar * n.dot(hint) - hint * along, e_bar - n * along)
}
