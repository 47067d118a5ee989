//! Where two shapes touch: signed distance, point, and frame.
//!
//! A pair of shapes meets in up to eight contacts. Which corner, edge or clip of a face each of them
//! belongs to is a [`Feature`]: [`features`] decides it in plain numbers, in MuJoCo's order. [`touch`] is
//! then a smooth formula of both placements and sizes, without any choice left, and [`touch_pullback`]
//! its transpose.

mod axes;
mod box_box;
mod capsule_box;
mod closest;
mod convex;
mod depth;
mod flat;
mod frame;
mod plane;
mod relative;
mod settle;
mod sphere_box;
mod sphere_cylinder;
mod survey;

pub use axes::Along;
pub use box_box::{BoxFace, Crossing, Edge, EdgePair, FacePoint, Line};
pub use capsule_box::{Anchor, Station};
pub use convex::{Corners, Facing, Part, Solid};
pub use flat::{Bound, Flat, Overlap};
pub use frame::Hint;
pub use plane::{Rim, Spot};
pub use sphere_box::Nearest;

use crate::model::Hull;
use crate::model::description::Shape;
use crate::number::Real;
use crate::spatial::{Force, Mat3, Vec3};

/// Shorter than this a vector has no direction [m].
const SHORTEST: f64 = 1e-15;

/// A shape somewhere in the world.
#[derive(Clone, Copy, Debug)]
pub struct Placed<'a, R> {
    /// Of its center [m].
    pub position: Vec3<R>,
    /// Its axes as columns.
    pub rotation: Mat3<R>,
    /// As in [`Shape`] [m].
    pub size: Vec3<R>,
    /// Of a mesh, in its own axes.
    pub hull: Option<&'a Hull>,
}

impl<'a, R: Real> Placed<'a, R> {
    /// The same over another number.
    pub fn map<S: Real>(&self, f: impl Fn(R) -> S) -> Placed<'a, S> {
        Placed {
            position: self.position.map(&f),
            rotation: self.rotation.map(&f),
            size: self.size.map(&f),
            hull: self.hull,
        }
    }
    /// Where a point of the world is for the shape.
    #[inline(always)]
    fn local(&self, x: Vec3<R>) -> Vec3<R> {
        self.rotation.transpose_mul(x - self.position)
    }
}

/// What a cotangent does to a shape.
#[derive(Clone, Copy, Debug)]
pub struct PlacedCotangent<R> {
    /// Of a small turn on the left and a small shift: torque about the shape's own position, and force.
    pub wrench: Force<R>,
    /// Of the size.
    pub size: Vec3<R>,
}

/// One of two directions along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Against the axis.
    Lower,
    /// Along the axis.
    Upper,
}

impl Side {
    /// Along the axis where `x` is positive.
    fn of(x: f64) -> Self {
        if x > 0.0 { Self::Upper } else { Self::Lower }
    }
    /// −1 or 1.
    fn sign(self) -> f64 {
        match self {
            Self::Lower => -1.0,
            Self::Upper => 1.0,
        }
    }
}

/// The formula that gives distance, point and normal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    /// A plane, and a point of a shape with a ball around it.
    PlaneSpot(Spot),
    /// A plane, and a point of a cylinder's rim.
    PlaneCylinder(Rim),
    /// A plane, and the lowest point of an ellipsoid.
    PlaneEllipsoid,
    /// Two points on the axes of round shapes, each with a ball around it.
    Axes(Along, Along),
    /// A sphere on a cylinder's cap.
    SphereCap(Side),
    /// A sphere on the edge of a cylinder's cap.
    SphereRim(Side),
    /// A sphere, and a point or face of a box.
    SphereBox(Nearest),
    /// A point on a capsule's axis with a ball around it, and a point or face of a box.
    CapsuleBox(Station, Nearest),
    /// Two edges of boxes.
    BoxEdges(EdgePair),
    /// A corner of the overlap of two faces of boxes.
    BoxFaces(FacePoint),
    /// Parts of any two convex shapes.
    Facing(Facing),
    /// A corner of the overlap of flat sides of any two convex shapes.
    Overlap(Overlap),
}

/// The discrete choice of how two shapes touch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Feature {
    /// What touches what.
    pub place: Place,
    /// Where the tangents start from.
    pub hint: Hint,
}

impl Feature {
    /// Whether the normal was not found, and is held constant.
    pub fn is_frozen(&self) -> bool {
        matches!(self.place, Place::Facing(facing) if !facing.solved)
    }
}

/// Where and how closely two shapes meet.
#[derive(Clone, Copy, Debug)]
struct Approach<R> {
    /// Negative inside [m].
    distance: R,
    /// Midway between the two surfaces [m].
    point: Vec3<R>,
    /// From the first shape to the second.
    normal: Vec3<R>,
}

/// A contact.
#[derive(Clone, Copy, Debug)]
pub struct Touch<R> {
    /// Signed distance, negative inside [m].
    pub distance: R,
    /// Midway between the two surfaces [m].
    pub point: Vec3<R>,
    /// Normal from the first shape to the second, and two tangents `t₁`, `t₂ = n × t₁`.
    pub frame: [Vec3<R>; 3],
}

impl<R: Real> Touch<R> {
    /// The same over another number.
    pub fn map<S>(self, f: impl Fn(R) -> S + Copy) -> Touch<S> {
        Touch { distance: f(self.distance), point: self.point.map(f), frame: self.frame.map(|n| n.map(f)) }
    }
}

/// Appends the features of two shapes that are no farther apart than `reach`, in MuJoCo's order.
///
/// The shapes come in the order plane, sphere, capsule, ellipsoid, cylinder, box, mesh.
pub fn features(
    shapes: (Shape, Shape),
    first: &Placed<f64>,
    second: &Placed<f64>,
    reach: f64,
    out: &mut Vec<Feature>,
) {
    let start = out.len();
    let mut found = |place: Place| {
        let a = approach(place, first, second);
        if a.distance <= reach {
            out.push(Feature { place, hint: Hint::of(place, a.normal, second) });
        }
        out.len() - start
    };
    match shapes {
        (Shape::Plane, shape) => plane::features(shape, first, second, &mut found),
        (Shape::Sphere, Shape::Sphere) => {
            found(Place::Axes(Along::Center, Along::Center));
        }
        (Shape::Sphere, Shape::Capsule) => {
            found(Place::Axes(Along::Center, axes::nearest(first.position, second)));
        }
        (Shape::Sphere, Shape::Cylinder) => {
            found(sphere_cylinder::place(first, second));
        }
        (Shape::Sphere, Shape::Box) => {
            found(Place::SphereBox(sphere_box::nearest(first.position, second)));
        }
        (Shape::Capsule, Shape::Capsule) => axes::features(first, second, &mut found),
        (Shape::Capsule, Shape::Box) => capsule_box::features(first, second, &mut found),
        (Shape::Box, Shape::Box) => box_box::features(first, second, reach, &mut found),
        (one, two) => settle::features([one, two], [first, second], reach, &mut found),
    }
}

/// Distance, point and frame of a feature.
///
/// For placements that have another feature the numbers mean nothing but stay finite.
pub fn touch<R: Real>(feature: Feature, first: &Placed<R>, second: &Placed<R>) -> Touch<R> {
    let a = approach(feature.place, first, second);
    let frame = frame::frame(a.normal, feature.hint.direction(second));
    Touch { distance: a.distance, point: a.point, frame }
}

/// Pullback of [`touch`].
pub fn touch_pullback<R: Real>(
    feature: Feature,
    first: &Placed<R>,
    second: &Placed<R>,
    cotangent: &Touch<R>,
) -> [PlacedCotangent<R>; 2] {
    let a = approach(feature.place, first, second);
    let hint = feature.hint.direction(second);
    let (normal, hint_cotangent) = frame::frame_pullback(a.normal, hint, cotangent.frame);
    let cotangent = Approach { distance: cotangent.distance, point: cotangent.point, normal };
    let mut out = approach_pullback(feature.place, first, second, &a, &cotangent);
    if feature.hint == Hint::Axis {
        out[1].wrench.torque += hint.cross(hint_cotangent);
    }
    out
}

fn approach<R: Real>(place: Place, first: &Placed<R>, second: &Placed<R>) -> Approach<R> {
    match place {
        Place::PlaneSpot(spot) => plane::spot(spot, first, second),
        Place::PlaneCylinder(rim) => plane::cylinder(rim, first, second),
        Place::PlaneEllipsoid => plane::ellipsoid(first, second),
        Place::Axes(a, b) => axes::approach([a, b], first, second),
        Place::SphereCap(side) => sphere_cylinder::cap(side, first, second),
        Place::SphereRim(side) => sphere_cylinder::rim(side, first, second),
        Place::SphereBox(nearest) => sphere_box::approach(nearest, first.position, first.size.x, second),
        Place::CapsuleBox(station, nearest) => capsule_box::approach(station, nearest, first, second),
        Place::BoxEdges(edges) => box_box::edges(edges, first, second),
        Place::BoxFaces(point) => box_box::face_point(point, first, second),
        Place::Facing(facing) => convex::approach(&facing, first, second),
        Place::Overlap(overlap) => flat::approach(&overlap, first, second),
    }
}

/// Pullback of [`approach`]: by hand for the frequent pairs, by duals for the others, with as many inputs
/// as the relative motion and the sizes of both shapes have numbers.
fn approach_pullback<R: Real>(
    place: Place,
    first: &Placed<R>,
    second: &Placed<R>,
    value: &Approach<R>,
    cotangent: &Approach<R>,
) -> [PlacedCotangent<R>; 2] {
    match place {
        Place::PlaneSpot(spot) => plane::spot_pullback(spot, first, second, value, cotangent),
        Place::Axes(a, b) => axes::approach_pullback([a, b], first, second, value, cotangent),
        Place::PlaneCylinder(_) => relative::pullback::<R, 8>(place, first, second, 0, cotangent),
        Place::PlaneEllipsoid => relative::pullback::<R, 9>(place, first, second, 0, cotangent),
        Place::SphereCap(_) | Place::SphereRim(_) => {
            relative::pullback::<R, 9>(place, first, second, 1, cotangent)
        }
        Place::SphereBox(_) => relative::pullback::<R, 10>(place, first, second, 1, cotangent),
        Place::CapsuleBox(..) => relative::pullback::<R, 11>(place, first, second, 2, cotangent),
        Place::BoxEdges(_) | Place::BoxFaces(_) | Place::Facing(_) | Place::Overlap(_) => {
            relative::pullback::<R, 12>(place, first, second, 3, cotangent)
        }
    }
}

/// The direction of a vector, and `otherwise` for one without.
#[inline(always)]
fn direction<R: Real>(v: Vec3<R>, otherwise: Vec3<R>) -> Vec3<R> {
    let square = v.dot(v);
    let long = square.ge(R::from_f64(SHORTEST * SHORTEST));
    let norm = R::select(long, square, R::one()).sqrt();
    Vec3::select(long, v * norm.recip(), otherwise)
}

/// Two points with balls around them, `to_second` apart; where they coincide, the normal is the constant
/// `otherwise`.
#[inline(always)]
fn balls<R: Real>(
    center: Vec3<R>,
    to_second: Vec3<R>,
    radii: [R; 2],
    otherwise: Vec3<R::Plain>,
) -> Approach<R> {
    let normal = direction(to_second, otherwise.map(R::from_plain));
    let distance = normal.dot(to_second) - radii[0] - radii[1];
    let point = center + normal * (radii[0] + distance.times(0.5));
    Approach { distance, point, normal }
}

/// Corner `bits` of a box in its own axes: bit `k` says that coordinate `k` is positive.
#[inline(always)]
fn corner<R: Real>(bits: u8, size: Vec3<R>) -> Vec3<R> {
    Vec3::new(size.x.times(sign(bits, 0)), size.y.times(sign(bits, 1)), size.z.times(sign(bits, 2)))
}

/// The sign of a corner's coordinate `k`.
#[inline(always)]
fn sign(bits: u8, k: usize) -> f64 {
    if bits >> k & 1 == 1 { 1.0 } else { -1.0 }
}
