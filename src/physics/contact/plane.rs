//! A plane, and what lies on it.
//!
//! With the plane's normal `n` and a point `p` on it, a point `x` with a ball of radius `r` around it has
//! the distance `d = n·(x − p) − r`, and the point of contact is `x − n (r + d/2)`. All shapes reduce to
//! such points (MuJoCo documentation, chapter Computation, section Collision detection).

use super::{Approach, Place, Placed, PlacedCotangent, Side, corner, direction};
use crate::model::HullFace;
use crate::model::description::Shape;
use crate::number::Real;
use crate::spatial::{Force, Vec3};

/// A point that moves with a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    /// The center of a sphere, with its radius.
    Center,
    /// An end of a capsule's axis, with its radius.
    End(Side),
    /// A corner of a box: bit `k` says that coordinate `k` is positive.
    Corner(u8),
    /// A vertex of a mesh.
    Vertex(u32),
}

impl Spot {
    /// The point in the shape's axes, and its radius.
    #[inline(always)]
    fn place<R: Real>(self, shape: &Placed<R>) -> (Vec3<R>, R) {
        match self {
            Self::Center => (Vec3::zero(), shape.size.x),
            Self::End(side) => {
                (Vec3::new(R::zero(), R::zero(), shape.size.y.times(side.sign())), shape.size.x)
            }
            Self::Corner(bits) => (corner(bits, shape.size), R::zero()),
            Self::Vertex(k) => (vertex(shape, k), R::zero()),
        }
    }
    /// Pullback of [`place`](Self::place) to the size.
    #[inline(always)]
    fn place_pullback<R: Real>(self, point: Vec3<R>, radius: R) -> Vec3<R> {
        match self {
            Self::Center => Vec3::new(radius, R::zero(), R::zero()),
            Self::End(side) => Vec3::new(radius, point.z.times(side.sign()), R::zero()),
            Self::Corner(bits) => corner(bits, point),
            Self::Vertex(_) => Vec3::zero(),
        }
    }
}

/// The candidates for a cylinder on a plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rim {
    /// Which end of the axis is nearer to the plane.
    pub lower: Side,
    /// Which point of the rims.
    pub at: RimPoint,
}

/// Points of the two rims of a cylinder that lies or stands on a plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RimPoint {
    /// The lowest of the lower rim.
    Lowest,
    /// The lowest of the upper rim.
    LowestOfUpper,
    /// On the lower rim, a third of a turn from the lowest: these three make a triangle.
    Third(Side),
}

/// The features of a plane and a shape.
pub(super) fn features(
    shape: Shape,
    plane: &Placed<f64>,
    other: &Placed<f64>,
    found: &mut dyn FnMut(Place) -> usize,
) {
    let n = plane.rotation.z;
    match shape {
        Shape::Sphere => {
            found(Place::PlaneSpot(Spot::Center));
        }
        Shape::Capsule => {
            found(Place::PlaneSpot(Spot::End(Side::Upper)));
            found(Place::PlaneSpot(Spot::End(Side::Lower)));
        }
        Shape::Ellipsoid => {
            found(Place::PlaneEllipsoid);
        }
        Shape::Box => {
            for bits in 0..8 {
                // Only the lower half of the box can stand on the plane.
                let below = n.dot(other.rotation * corner(bits, other.size)) <= 0.0;
                if below && found(Place::PlaneSpot(Spot::Corner(bits))) == 4 {
                    break;
                }
            }
        }
        Shape::Cylinder => {
            let lower = if n.dot(other.rotation.z) > 0.0 { Side::Lower } else { Side::Upper };
            let point = |at| Place::PlaneCylinder(Rim { lower, at });
            if found(point(RimPoint::Lowest)) == 0 {
                return;
            }
            for at in [RimPoint::LowestOfUpper, RimPoint::Third(Side::Upper), RimPoint::Third(Side::Lower)] {
                found(point(at));
            }
        }
        Shape::Mesh(_) => vertices(plane, other, found),
        Shape::Plane => {}
    }
}

/// A vertex of a mesh in its axes.
#[inline(always)]
pub(super) fn vertex<R: Real>(mesh: &Placed<R>, k: u32) -> Vec3<R> {
    let place = mesh.hull.and_then(|hull| hull.vertices.get(k as usize));
    place.map_or(Vec3::zero(), |v| Vec3::from_f64(*v))
}

/// The features of a plane and a hull: corners of the face that lies flattest among those around the
/// lowest vertex, which comes first.
fn vertices(plane: &Placed<f64>, mesh: &Placed<f64>, found: &mut dyn FnMut(Place) -> usize) {
    let Some(hull) = mesh.hull else { return };
    // The plane's normal for the mesh.
    let n = mesh.rotation.transpose_mul(plane.rotation.z);
    let height = |k: u32| n.dot(vertex(mesh, k));
    let lower = |a: &&HullFace, b: &&HullFace| n.dot(a.normal).total_cmp(&n.dot(b.normal));
    let corners = hull.faces.iter().flat_map(|face| face.corners.iter().copied());
    let Some(lowest) = corners.min_by(|a, b| height(*a).total_cmp(&height(*b)).then(a.cmp(b))) else {
        return;
    };
    let Some(face) = hull.faces.iter().filter(|f| f.corners.contains(&lowest)).min_by(lower) else {
        return;
    };
    let count = face.corners.len();
    let first = face.corners.iter().position(|k| *k == lowest).unwrap_or(0);
    let corner = |k: usize| face.corners[(first + k) % count];
    let [b, c, d] = if count > 4 { widest(count, |k| vertex(mesh, corner(k))) } else { [1, 2, 3] };
    for k in [0, b, c, d].into_iter().filter(|k| *k < count) {
        // Only the lower half of the mesh can stand on the plane.
        if height(corner(k)) <= 0.0 {
            found(Place::PlaneSpot(Spot::Vertex(corner(k))));
        }
    }
}

/// The three corners of a convex polygon that make the largest quadrilateral with its corner 0.
///
/// For each opposite corner the best corners on the two sides of the diagonal are independent.
pub(super) fn widest(count: usize, corner: impl Fn(usize) -> Vec3<f64>) -> [usize; 3] {
    let start = corner(0);
    let area = |k: usize, diagonal: Vec3<f64>| (corner(k) - start).cross(diagonal).norm();
    let mut best = (-1.0, [1, 2, 3]);
    for c in 2..count - 1 {
        let diagonal = corner(c) - start;
        let farthest = |range: std::ops::Range<usize>| {
            range.fold((-1.0, 0), |best, k| {
                let own = area(k, diagonal);
                if own > best.0 { (own, k) } else { best }
            })
        };
        let (left, right) = (farthest(1..c), farthest(c + 1..count));
        if left.0 + right.0 > best.0 {
            best = (left.0 + right.0, [left.1, c, right.1]);
        }
    }
    best.1
}

/// A point with a ball around it.
#[inline(always)]
fn ball<R: Real>(plane: &Placed<R>, center: Vec3<R>, radius: R) -> Approach<R> {
    let normal = plane.rotation.z;
    let distance = normal.dot(center - plane.position) - radius;
    Approach { distance, point: center - normal * (radius + distance.times(0.5)), normal }
}

/// A point that moves with the shape.
#[inline(always)]
pub(super) fn spot<R: Real>(spot: Spot, plane: &Placed<R>, other: &Placed<R>) -> Approach<R> {
    let (local, radius) = spot.place(other);
    ball(plane, other.position + other.rotation * local, radius)
}

/// Pullback of [`spot`].
#[inline(always)]
pub(super) fn spot_pullback<R: Real>(
    spot: Spot,
    plane: &Placed<R>,
    other: &Placed<R>,
    value: &Approach<R>,
    cotangent: &Approach<R>,
) -> [PlacedCotangent<R>; 2] {
    let (local, radius) = spot.place(other);
    let offset = other.rotation * local;
    let normal = value.normal;
    let above = normal.dot(cotangent.point);
    let distance = cotangent.distance - above.times(0.5);
    let normal_bar = cotangent.normal - cotangent.point * (radius + value.distance.times(0.5))
        + (other.position + offset - plane.position) * distance;
    let center_bar = cotangent.point + normal * distance;
    let size = spot.place_pullback(other.rotation.transpose_mul(center_bar), -above - distance);
    [
        PlacedCotangent {
            wrench: Force::new(normal.cross(normal_bar), -(normal * distance)),
            size: Vec3::zero(),
        },
        PlacedCotangent { wrench: Force::at(offset, center_bar), size },
    ]
}

/// A point of a cylinder's rim.
///
/// With the axis `a` towards the lower end and `e` the radial direction that goes down, of length `r`:
/// `± L a + e`, and `L a − e/2 ± (e/r × a) r √3/2`.
pub(super) fn cylinder<R: Real>(rim: Rim, plane: &Placed<R>, other: &Placed<R>) -> Approach<R> {
    let n = plane.rotation.z;
    let a = other.rotation.z * R::from_f64(rim.lower.sign());
    let down = direction(a * n.dot(a) - n, other.rotation.x);
    let (radius, half) = (other.size.x, other.size.y);
    let offset = match rim.at {
        RimPoint::Lowest => down * radius + a * half,
        RimPoint::LowestOfUpper => down * radius - a * half,
        RimPoint::Third(side) => {
            let across = down.cross(a) * radius.times(side.sign() * 0.75f64.sqrt());
            a * half - down * radius.times(0.5) + across
        }
    };
    ball(plane, other.position + offset, R::zero())
}

/// The lowest point of an ellipsoid with half-axes `s`: `c + R (s ∘ û)`, `u = −s ∘ Rᵀ n`.
pub(super) fn ellipsoid<R: Real>(plane: &Placed<R>, other: &Placed<R>) -> Approach<R> {
    let u = -other.size.product(other.rotation.transpose_mul(plane.rotation.z));
    let lowest = other.size.product(direction(u, Vec3::unit(2)));
    ball(plane, other.position + other.rotation * lowest, R::zero())
}
