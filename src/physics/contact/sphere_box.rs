//! A ball on a box.

use super::{Approach, Placed, SHORTEST, Side, balls};
use crate::number::Real;
use crate::spatial::Vec3;

/// What of a box is nearest to a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nearest {
    /// The point is outside: these coordinates of it are clamped to the box.
    Clamped([Option<Side>; 3]),
    /// The point is inside: the nearest face is across this axis.
    Face(u8, Side),
}

/// What of a box is nearest to a point of the world.
pub(super) fn nearest(x: Vec3<f64>, solid: &Placed<f64>) -> Nearest {
    let (x, size) = (solid.local(x).to_array(), solid.size.to_array());
    let over: [f64; 3] = std::array::from_fn(|k| (x[k].abs() - size[k]).max(0.0));
    if over.iter().map(|o| o * o).sum::<f64>().sqrt() > SHORTEST {
        return Nearest::Clamped(std::array::from_fn(|k| (over[k] > 0.0).then(|| Side::of(x[k]))));
    }
    let mut best = (f64::INFINITY, Nearest::Face(0, Side::Lower));
    for k in 0..3 {
        for side in [Side::Lower, Side::Upper] {
            let depth = size[k] - side.sign() * x[k];
            if depth < best.0 {
                best = (depth, Nearest::Face(k as u8, side));
            }
        }
    }
    best.1
}

/// Distance, point and normal of a ball and a box.
pub(super) fn approach<R: Real>(
    nearest: Nearest,
    center: Vec3<R>,
    radius: R,
    solid: &Placed<R>,
) -> Approach<R> {
    match nearest {
        Nearest::Clamped(sides) => {
            let (x, size) = (solid.local(center).to_array(), solid.size.to_array());
            let across: [R; 3] =
                std::array::from_fn(|k| sides[k].map_or(R::zero(), |side| size[k].times(side.sign()) - x[k]));
            balls(center, solid.rotation * Vec3::from(across), [radius, R::zero()], Vec3::unit(0))
        }
        Nearest::Face(k, side) => {
            let k = k as usize;
            let normal = solid.rotation.columns()[k] * R::from_f64(-side.sign());
            let face = solid.position - normal * solid.size.to_array()[k];
            let distance = normal.dot(face - center) - radius;
            Approach { distance, point: center + normal * (radius + distance.times(0.5)), normal }
        }
    }
}
