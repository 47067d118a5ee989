//! Points on straight axes with balls around them: spheres, capsules, the side of a cylinder.
//!
//! The nearest points of two segments are ends, or feet of perpendiculars, or the feet of the common
//! perpendicular (Ericson 2005, section 5.1.9).

use super::{Approach, Place, Placed, PlacedCotangent, SHORTEST, Side, balls, direction};
use crate::number::{Real, smooth};
use crate::spatial::{Force, Vec3};

/// Below this square of the sine of their angle two capsules count as parallel.
const PARALLEL: f64 = 1e-8;

/// Where on its axis a point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Along {
    /// At the center of the shape.
    Center,
    /// At an end of the axis.
    End(Side),
    /// At the foot of the perpendicular from the other point; of the common perpendicular if both are.
    Foot,
}

/// A straight axis: `center + s direction` with `s` between `−half` and `half`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis<R> {
    pub center: Vec3<R>,
    pub direction: Vec3<R>,
    pub half: R,
}

impl<R: Real> Axis<R> {
    /// Of a capsule or cylinder.
    #[inline(always)]
    fn of(shape: &Placed<R>) -> Self {
        Self { center: shape.position, direction: shape.rotation.z, half: shape.size.y }
    }
    #[inline(always)]
    fn at(&self, s: R) -> Vec3<R> {
        self.center + self.direction * s
    }
    /// The coordinate of the foot of the perpendicular from a point.
    #[inline(always)]
    fn foot(&self, x: Vec3<R>) -> R {
        self.direction.dot(x - self.center)
    }
    /// The coordinate of a point that does not depend on the other axis.
    #[inline(always)]
    fn fixed(&self, along: Along) -> R {
        match along {
            Along::End(side) => self.half.times(side.sign()),
            _ => R::zero(),
        }
    }
}

impl Axis<f64> {
    /// Clamps a coordinate; says which end it is at, if at one.
    pub(super) fn clamp(&self, s: f64) -> Along {
        if s > self.half {
            Along::End(Side::Upper)
        } else if s < -self.half {
            Along::End(Side::Lower)
        } else {
            Along::Foot
        }
    }
}

/// The square of the sine of the angle between two axes.
#[inline(always)]
fn sine_square<R: Real>(axes: &[Axis<R>; 2]) -> R {
    let cross = axes[0].direction.cross(axes[1].direction);
    cross.dot(cross)
}

/// The coordinates of the feet of the common perpendicular of two lines.
///
/// With `w = c₂ − c₁` and `c = d₁ × d₂`: `c² s₁ = (d₂ × c)·w`, `c² s₂ = (d₁ × c)·w`, which loses no digits
/// when the lines are nearly parallel.
#[inline(always)]
pub(super) fn common_perpendicular<R: Real>(axes: &[Axis<R>; 2]) -> [R; 2] {
    let [one, two] = axes;
    let w = two.center - one.center;
    let cross = one.direction.cross(two.direction);
    let square = cross.dot(cross);
    [two, one].map(|other| smooth::safe_div(other.direction.cross(cross).dot(w), square))
}

/// The coordinates of two points on their axes.
#[inline(always)]
pub(super) fn coordinates<R: Real>(along: [Along; 2], axes: &[Axis<R>; 2]) -> [R; 2] {
    let [one, two] = axes;
    match along {
        [Along::Foot, Along::Foot] => common_perpendicular(axes),
        [Along::Foot, _] => {
            let s2 = two.fixed(along[1]);
            [one.foot(two.at(s2)), s2]
        }
        _ => {
            let s1 = one.fixed(along[0]);
            let s2 = match along[1] {
                Along::Foot => two.foot(one.at(s1)),
                _ => two.fixed(along[1]),
            };
            [s1, s2]
        }
    }
}

/// Two points on their axes.
#[inline(always)]
pub(super) fn points<R: Real>(along: [Along; 2], axes: &[Axis<R>; 2]) -> [Vec3<R>; 2] {
    let s = coordinates(along, axes);
    [axes[0].at(s[0]), axes[1].at(s[1])]
}

/// The nearest point of a segment to a point.
pub(super) fn nearest(x: Vec3<f64>, shape: &Placed<f64>) -> Along {
    let axis = Axis::of(shape);
    axis.clamp(axis.foot(x))
}

/// The features of two capsules: one, or two if they are parallel.
pub(super) fn features(first: &Placed<f64>, second: &Placed<f64>, found: &mut dyn FnMut(Place) -> usize) {
    let axes = [Axis::of(first), Axis::of(second)];
    if sine_square(&axes) >= PARALLEL {
        let [along, beside] = nearest_of_segments(&axes);
        found(Place::Axes(along, beside));
        return;
    }
    for side in [Side::Lower, Side::Upper] {
        let [along, beside] = nearest_from([Along::End(side), Along::Foot], &axes);
        found(Place::Axes(along, beside));
    }
}

/// The nearest points with the first at an end: if the second is then at an end too, the first follows.
fn nearest_from(mut along: [Along; 2], axes: &[Axis<f64>; 2]) -> [Along; 2] {
    let [one, two] = axes;
    along[1] = two.clamp(coordinates(along, axes)[1]);
    if along[1] != Along::Foot {
        along[0] = one.clamp(one.foot(two.at(two.fixed(along[1]))));
    }
    along
}

/// The nearest points of two segments that are not parallel.
pub(super) fn nearest_of_segments(axes: &[Axis<f64>; 2]) -> [Along; 2] {
    let s = common_perpendicular(axes)[0];
    nearest_from([axes[0].clamp(s), Along::Foot], axes)
}

/// Distance, point and normal of two points on axes with balls around them.
#[inline(always)]
pub(super) fn approach<R: Real>(along: [Along; 2], first: &Placed<R>, second: &Placed<R>) -> Approach<R> {
    let [x1, x2] = points(along, &[Axis::of(first), Axis::of(second)]);
    // Where the points coincide, the normal is across both axes.
    let cross = first.rotation.z.plain().cross(second.rotation.z.plain());
    balls(x1, x2 - x1, [first.size.x, second.size.x], direction(cross, Vec3::unit(0)))
}

/// Pullback of [`approach`].
///
/// A foot satisfies `d_i·(x_i − x_j) = 0`; its cotangent is divided by the derivative of these equations
/// by the coordinates, `[[1, −b], [−b, 1]]` for two feet.
#[inline(always)]
pub(super) fn approach_pullback<R: Real>(
    along: [Along; 2],
    first: &Placed<R>,
    second: &Placed<R>,
    value: &Approach<R>,
    cotangent: &Approach<R>,
) -> [PlacedCotangent<R>; 2] {
    let axes = [Axis::of(first), Axis::of(second)];
    let [d1, d2] = [axes[0].direction, axes[1].direction];
    let s = coordinates(along, &axes);
    let [x1, x2] = [axes[0].at(s[0]), axes[1].at(s[1])];
    let apart = x2 - x1;
    let (points, radii) = balls_pullback(apart, first.size.x, value, cotangent);
    // The multipliers of the feet.
    let pulled = [points[0].dot(d1), points[1].dot(d2)];
    let lambda = match along {
        [Along::Foot, Along::Foot] => {
            let (b, square) = (d1.dot(d2), sine_square(&axes));
            [
                smooth::safe_div(pulled[0] + b * pulled[1], square),
                smooth::safe_div(pulled[1] + b * pulled[0], square),
            ]
        }
        [Along::Foot, _] => [pulled[0], R::zero()],
        [_, Along::Foot] => [R::zero(), pulled[1]],
        _ => [R::zero(); 2],
    };
    let feet = d1 * lambda[0] - d2 * lambda[1];
    let on_points = [points[0] - feet, points[1] + feet];
    let on_axes = [on_points[0] * s[0] + apart * lambda[0], on_points[1] * s[1] - apart * lambda[1]];
    std::array::from_fn(|k| {
        let d = axes[k].direction;
        let half = match along[k] {
            Along::End(side) => d.dot(on_points[k]).times(side.sign()),
            _ => R::zero(),
        };
        PlacedCotangent {
            wrench: Force::new(d.cross(on_axes[k]), on_points[k]),
            size: Vec3::new(radii[k], half, R::zero()),
        }
    })
}

/// Pullback of [`balls`] with `x₂ = x₁ + apart`: to the two points and the two radii.
#[inline(always)]
fn balls_pullback<R: Real>(
    apart: Vec3<R>,
    radius: R,
    value: &Approach<R>,
    cotangent: &Approach<R>,
) -> ([Vec3<R>; 2], [R; 2]) {
    let normal = value.normal;
    let square = apart.dot(apart);
    let long = square.ge(R::from_f64(SHORTEST * SHORTEST));
    let per_length = R::select(long, square, R::one()).sqrt().recip();
    let along = normal.dot(cotangent.point);
    let distance = cotangent.distance + along.times(0.5);
    let turn = cotangent.normal + cotangent.point * (radius + value.distance.times(0.5));
    let turn = (turn - normal * normal.dot(turn)) * per_length;
    let apart_bar = normal * distance + Vec3::select(long, turn, Vec3::zero());
    ([cotangent.point - apart_bar, apart_bar], [along - distance, -distance])
}
