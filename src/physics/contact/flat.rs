//! Flat sides of two convex shapes that lie on each other touch in more than one point.
//!
//! Sides are flat on each other if both are across the normal within [`FLAT`]. One with an area is the
//! reference; the corners of the other, and of the overlap of both, are the contacts (the clipping of
//! Sutherland and Hodgman 1974), thinned to four that span the largest area. Two lines side by side touch
//! at both ends of what they share.

use super::convex::{Corners, Part, Solid, extreme};
use super::{Approach, Place, Placed, Side, corner, plane, settle};
use crate::model::HullFace;
use crate::model::description::Shape;
use crate::number::{Real, smooth};
use crate::spatial::Vec3;

/// Sides that lean less than this are flat [rad].
const FLAT: f64 = 1e-3;
/// The edge of a cap counts as a polygon with this many corners.
const ROUND: usize = 16;
/// As many corners of a hull's face count at most, evenly chosen.
const MOST: usize = 32;

/// A flat side of a core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flat {
    /// The face of a box across an axis.
    BoxFace(u8, Side),
    /// A face of a hull.
    HullFace(u32),
    /// A cylinder's cap.
    Cap(Side),
    /// The line of a cylinder's side that faces the other shape.
    Barrel,
    /// An edge, or a capsule's axis, between two corners.
    Edge(Solid, [u32; 2]),
}

/// A line that bounds the overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// From this corner of the incident side to the next.
    Incident(u8),
    /// From this corner of the reference side to the next.
    Reference(u8),
}

/// A corner of the overlap of two flat sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// Whether the reference belongs to the second shape.
    pub swapped: bool,
    /// The side that gives the normal.
    pub reference: Flat,
    /// The side of the other shape.
    pub incident: Flat,
    /// The bound on which the overlap arrives at the corner, and the one on which it goes on.
    pub at: [Bound; 2],
}

/// A face of a hull, and its corners are every so many of the hull's.
fn hull_face<'a, R>(shape: &Placed<'a, R>, k: u32) -> Option<(&'a HullFace, usize)> {
    let face = shape.hull?.faces.get(k as usize)?;
    Some((face, face.corners.len().div_ceil(MOST).max(1)))
}

impl Flat {
    /// Whether it has an area.
    fn is_face(self) -> bool {
        !matches!(self, Self::Barrel | Self::Edge(..))
    }
    fn count<R>(self, shape: &Placed<R>) -> usize {
        match self {
            Self::BoxFace(..) => 4,
            Self::HullFace(k) => {
                hull_face(shape, k).map_or(0, |(face, every)| face.corners.len().div_ceil(every))
            }
            Self::Cap(_) => ROUND,
            Self::Barrel | Self::Edge(..) => 2,
        }
    }
    /// The outward normal of a face.
    fn normal<R: Real>(self, shape: &Placed<R>) -> Vec3<R> {
        let columns = shape.rotation.columns();
        match self {
            Self::BoxFace(axis, side) => columns[axis as usize].times(side.sign()),
            Self::HullFace(k) => {
                let own = hull_face(shape, k).map_or(Vec3::unit(2), |(face, _)| face.normal);
                shape.rotation * own.map(R::from_f64)
            }
            Self::Cap(side) => columns[2].times(side.sign()),
            Self::Barrel | Self::Edge(..) => columns[2],
        }
    }
    /// Corner `k` in the world; a face's corners go round counter-clockwise seen from outside.
    ///
    /// The line of a barrel is the one that is farthest along `n`.
    fn corner<R: Real>(self, k: usize, n: Vec3<R>, shape: &Placed<R>) -> Vec3<R> {
        let own = match self {
            Self::BoxFace(axis, side) => {
                let k = if side == Side::Upper { k } else { 3 - k };
                let (u, v) = ((axis + 1) % 3, (axis + 2) % 3);
                // The corners ++, −+, −−, +− along the two other axes.
                let along = u8::from(k == 0 || k == 3) << u | u8::from(k < 2) << v;
                corner(along | u8::from(side == Side::Upper) << axis, shape.size)
            }
            Self::HullFace(face) => hull_face(shape, face)
                .and_then(|(face, every)| face.corners.get(k * every))
                .map_or(Vec3::zero(), |k| plane::vertex(shape, *k)),
            Self::Cap(side) => {
                let angle = std::f64::consts::TAU * k as f64 / ROUND as f64 * side.sign();
                let (r, half) = (shape.size.x, shape.size.y);
                Vec3::new(r.times(angle.cos()), r.times(angle.sin()), half.times(side.sign()))
            }
            Self::Barrel => {
                let side = if k == 0 { Side::Lower } else { Side::Upper };
                return shape.position + Part::Rim(side).point(n, shape);
            }
            Self::Edge(of, ends) => of.corner(ends[k], shape),
        };
        shape.position + shape.rotation * own
    }
    /// The radius of the ball around it.
    fn radius<R: Real>(self, shape: &Placed<R>) -> R {
        if let Self::Edge(Solid::Segment, _) = self { shape.size.x } else { R::zero() }
    }
    /// As a part of its core.
    fn line(self) -> Part {
        match self {
            Self::Edge(of, [a, b]) => Part::Corners(Corners { of, corners: [a, b, u32::MAX], count: 2 }),
            _ => Part::Barrel,
        }
    }
    /// An end of a line as a part of its core.
    fn end(self, k: usize) -> Part {
        match self {
            Self::Edge(of, ends) => Part::Corners(Corners { of, corners: [ends[k]; 3], count: 1 }),
            _ => Part::Rim(if k == 0 { Side::Lower } else { Side::Upper }),
        }
    }
    /// The side of a core that is flat across an outward normal, if there is one.
    fn of(shape: Shape, n: Vec3<f64>, placed: &Placed<f64>) -> Option<Self> {
        let axes = placed.rotation.columns();
        match shape {
            Shape::Box => {
                if let Some(k) = (0..3).find(|k| axes[*k].cross(n).norm() < FLAT) {
                    return Some(Self::BoxFace(k as u8, Side::of(axes[k].dot(n))));
                }
                let k = (0..3).find(|k| axes[*k].dot(n).abs() < FLAT)?;
                let start = extreme(shape, n - axes[k] * axes[k].dot(n), placed).1 & !(1 << k);
                Some(Self::Edge(Solid::Box, [start, start | 1 << k]))
            }
            Shape::Mesh(_) => Self::of_hull(n, placed),
            Shape::Cylinder => {
                let lean = axes[2].dot(n);
                let upright = axes[2].cross(n).norm() < FLAT;
                (upright || lean.abs() < FLAT)
                    .then(|| if upright { Self::Cap(Side::of(lean)) } else { Self::Barrel })
            }
            Shape::Capsule => (axes[2].dot(n).abs() < FLAT).then_some(Self::Edge(Solid::Segment, [0, 1])),
            _ => None,
        }
    }
    /// The flattest face across the normal, or the flattest edge at the farthest vertex along it.
    fn of_hull(n: Vec3<f64>, placed: &Placed<f64>) -> Option<Self> {
        let hull = placed.hull?;
        let n = placed.rotation.transpose_mul(n);
        let lean = |face: &HullFace| face.normal.cross(n).norm();
        let looks = hull.faces.iter().enumerate().filter(|(_, f)| f.normal.dot(n) > 0.0 && lean(f) < FLAT);
        if let Some((k, _)) = looks.min_by(|a, b| lean(a.1).total_cmp(&lean(b.1))) {
            return Some(Self::HullFace(k as u32));
        }
        let at = |k: u32| plane::vertex(placed, k);
        let top = Solid::Hull.farthest(n, placed);
        let mut best = (FLAT, None);
        for face in hull.faces.iter().filter(|face| face.corners.contains(&top)) {
            let count = face.corners.len();
            for k in (0..count).filter(|k| face.corners[*k] == top) {
                let next = face.corners[(k + 1) % count];
                let along = at(next) - at(top);
                let lean = n.dot(along).abs() / along.norm().max(f64::MIN_POSITIVE);
                if lean < best.0 {
                    best = (lean, Some(Self::Edge(Solid::Hull, [top, next])));
                }
            }
        }
        best.1
    }
}

/// A corner of the overlap, on the incident side.
///
/// With the outward normal `m` of the reference and its corners `r`, `s(x) = (m × (r_{j+1} − r_j))·(x − r_j)`
/// is positive inside of side `j`; it divides an incident edge.
fn crossing<R: Real>(overlap: &Overlap, reference: &Placed<R>, incident: &Placed<R>) -> Vec3<R> {
    let m = overlap.reference.normal(reference);
    let counts = [overlap.incident.count(incident), overlap.reference.count(reference)].map(|n| n.max(1));
    let p = |k: u8| overlap.incident.corner(k as usize % counts[0], -m, incident);
    let r = |k: u8| overlap.reference.corner(k as usize % counts[1], m, reference);
    match overlap.at {
        [Bound::Incident(_), Bound::Incident(k)] => p(k),
        [Bound::Incident(k), Bound::Reference(j)] | [Bound::Reference(j), Bound::Incident(k)] => {
            let (a, b) = (p(k), p(k + 1));
            let inward = m.cross(r(j + 1) - r(j));
            let part = smooth::safe_div(inward.dot(r(j) - a), inward.dot(b - a));
            a + (b - a) * part
        }
        [Bound::Reference(i), Bound::Reference(j)] => {
            let x = r(if (i as usize + 1) % counts[1] == j as usize { j } else { i });
            let across = overlap.incident.normal(incident);
            x + m * smooth::safe_div(across.dot(p(0) - x), across.dot(m))
        }
    }
}

/// Distance, point and normal at a corner of the overlap.
pub(super) fn approach<R: Real>(overlap: &Overlap, first: &Placed<R>, second: &Placed<R>) -> Approach<R> {
    let (reference, incident) = if overlap.swapped { (second, first) } else { (first, second) };
    let m = overlap.reference.normal(reference);
    let x = crossing(overlap, reference, incident);
    let height = m.dot(x - overlap.reference.corner(0, m, reference));
    let radius = overlap.incident.radius(incident);
    Approach {
        distance: height - radius,
        point: x - m * (height + radius).times(0.5),
        normal: if overlap.swapped { -m } else { m },
    }
}

/// A corner of the polygon that is being clipped.
#[derive(Clone, Copy)]
struct Corner {
    at: [Bound; 2],
    place: Vec3<f64>,
}

/// All corners of the overlap.
struct Polygon {
    corners: [Corner; 2 * MOST],
    count: usize,
}

impl Polygon {
    fn push(&mut self, at: [Bound; 2], place: Vec3<f64>) {
        if let Some(slot) = self.corners.get_mut(self.count) {
            *slot = Corner { at, place };
            self.count += 1;
        }
    }
    /// The incident side, clipped by all sides of the reference.
    fn new(sides: Overlap, reference: &Placed<f64>, incident: &Placed<f64>) -> Self {
        let m = sides.reference.normal(reference);
        let empty = Corner { at: [Bound::Incident(0); 2], place: Vec3::zero() };
        let mut polygon = Self { corners: [empty; 2 * MOST], count: 0 };
        let count = sides.incident.count(incident);
        for k in 0..count {
            let before = (k + count - 1) % count;
            let at = [Bound::Incident(before as u8), Bound::Incident(k as u8)];
            polygon.push(at, sides.incident.corner(k, -m, incident));
        }
        let around = sides.reference.count(reference);
        for j in 0..around {
            let [r, next] = [j, (j + 1) % around].map(|j| sides.reference.corner(j, m, reference));
            let inward = m.cross(next - r);
            let (old, all) = (polygon.corners, std::mem::take(&mut polygon.count));
            let side = Bound::Reference(j as u8);
            for k in 0..all {
                let (here, next) = (old[k], old[(k + 1) % all]);
                let [inside, stays] = [here, next].map(|c| inward.dot(c.place - r) >= 0.0);
                if inside {
                    polygon.push(here.at, here.place);
                }
                if inside != stays {
                    let at = if inside { [here.at[1], side] } else { [side, here.at[1]] };
                    // A line goes there and back, and where it turns it has no length to be cut.
                    let turns = matches!(at, [Bound::Reference(_), Bound::Reference(_)]);
                    if sides.incident.is_face() || !turns {
                        polygon.push(at, crossing(&Overlap { at, ..sides }, reference, incident));
                    }
                }
            }
        }
        polygon
    }
    /// Leaves out what is twice there, and what stands out too far.
    fn thin(&mut self, stays: impl Fn(&Corner) -> bool, near: f64) {
        let old = self.corners;
        for k in 0..std::mem::take(&mut self.count) {
            let own = &self.corners[..self.count];
            if stays(&old[k]) && own.iter().all(|c| (c.place - old[k].place).norm() > near) {
                self.push(old[k].at, old[k].place);
            }
        }
    }
}

/// Finds the contacts of two shapes that lie flat on each other across a normal; says whether they do.
pub(super) fn features(
    shapes: [Shape; 2],
    placed: [&Placed<f64>; 2],
    normal: Vec3<f64>,
    reach: f64,
    found: &mut dyn FnMut(Place) -> usize,
) -> bool {
    let sides = [Flat::of(shapes[0], normal, placed[0]), Flat::of(shapes[1], -normal, placed[1])];
    let [Some(one), Some(two)] = sides else { return false };
    let flats = [one, two];
    let lean = |k: usize| match flats[k].is_face() {
        true => flats[k].normal(placed[k]).cross(normal).norm(),
        false => f64::INFINITY,
    };
    if lean(0).min(lean(1)) == f64::INFINITY {
        return side_by_side(flats, placed, normal, found);
    }
    let swapped = lean(1) < lean(0);
    let [one, two] = if swapped { [1, 0] } else { [0, 1] };
    let (reference, incident) = (placed[one], placed[two]);
    let sides = Overlap { swapped, reference: flats[one], incident: flats[two], at: [Bound::Incident(0); 2] };
    let mut polygon = Polygon::new(sides, reference, incident);
    let m = sides.reference.normal(reference);
    let base = sides.reference.corner(0, m, reference);
    let height = |c: &Corner| m.dot(c.place - base) - sides.incident.radius(incident);
    let size = (sides.reference.corner(1, m, reference) - base).norm();
    polygon.thin(|c| height(c) <= reach, 1e-7 * size);
    let count = polygon.count;
    let corners = &polygon.corners[..count];
    let lowest = (0..count).min_by(|a, b| height(&corners[*a]).total_cmp(&height(&corners[*b])));
    let Some(deepest) = lowest else { return false };
    let corner = |k: usize| corners[(deepest + k) % count];
    let [b, c, d] = if count > 4 { plane::widest(count, |k| corner(k).place) } else { [1, 2, 3] };
    for k in [0, b, c, d].into_iter().filter(|k| *k < count) {
        found(Place::Overlap(Overlap { at: corner(k).at, ..sides }));
    }
    true
}

/// Two parallel lines: at each end of what they share, the end of one and the other line.
fn side_by_side(
    flats: [Flat; 2],
    placed: [&Placed<f64>; 2],
    normal: Vec3<f64>,
    found: &mut dyn FnMut(Place) -> usize,
) -> bool {
    let ends = [0, 1].map(|k| {
        let outward = if k == 0 { normal } else { -normal };
        [0, 1].map(|end| flats[k].corner(end, outward, placed[k]))
    });
    let [one, two] = ends.map(|[a, b]| b - a);
    if one.cross(two).norm() > FLAT * one.norm() * two.norm() {
        return false;
    }
    // The first end of what they share is the last of both first ends, if the second line is turned along.
    let turned = usize::from(one.dot(two) < 0.0);
    let at = |k: usize, end: usize| one.dot(ends[k][if k == 1 { end ^ turned } else { end }]);
    let lower = usize::from(at(1, 0) > at(0, 0));
    let upper = usize::from(at(1, 1) < at(0, 1));
    if at(lower, 0) >= at(upper, 1) {
        return false;
    }
    for (owner, end) in [(lower, 0), (upper, 1)] {
        let mut parts = flats.map(Flat::line);
        parts[owner] = flats[owner].end(if owner == 1 { end ^ turned } else { end });
        settle::face(parts, placed, normal, true, found);
    }
    true
}
