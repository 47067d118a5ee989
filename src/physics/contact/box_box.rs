//! Two boxes: an edge on an edge, or the overlap of two faces.
//!
//! The axis of least overlap among the face normals and the products of edges (the separating axis
//! theorem; Gottschalk, Lin and Manocha 1996) says which. The overlap of two faces is one of them
//! clipped by the sides of the other (Sutherland and Hodgman 1974); every corner of it is where two
//! lines cross, each an edge of the one or a side of the other, and this names it.

use super::axes::{self, Axis};
use super::{Along, Approach, Place, Placed, Side, direction, sign};
use crate::number::{Real, smooth};
use crate::spatial::{Mat3, Vec3};

/// An edge of a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The axis that it is parallel to.
    pub axis: u8,
    /// A corner at its end.
    pub corner: u8,
    /// Which point of it.
    pub at: Along,
}

/// An edge on an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdgePair {
    /// Of each box.
    pub edges: [Edge; 2],
    /// Whether the normal is along the product of the two axes.
    pub normal: Side,
}

/// A face of a box: the axis that it is across, and the side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoxFace {
    /// The axis.
    pub axis: u8,
    /// The side.
    pub side: Side,
}

/// A line in the plane of the reference face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Edge `k` of the incident face, from its corner `k` to the next.
    Edge(u8),
    /// A side of the reference face: across its first or second axis.
    Side(u8, Side),
}

/// Where two lines cross: the one on which the polygon arrives, and the one on which it goes on.
pub type Crossing = [Line; 2];

/// A corner of the overlap of two faces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FacePoint {
    /// Whether the reference face belongs to the second box.
    pub swapped: bool,
    /// The face that gives the normal.
    pub reference: BoxFace,
    /// The face of the other box.
    pub incident: BoxFace,
    /// Which corner.
    pub at: Crossing,
}

/// The axis of an edge, in the world.
fn edge_axis<R: Real>(edge: Edge, solid: &Placed<R>) -> Axis<R> {
    let k = edge.axis as usize;
    let size = solid.size.to_array();
    let middle: [R; 3] =
        std::array::from_fn(|i| if i == k { R::zero() } else { size[i].times(sign(edge.corner, i)) });
    Axis {
        center: solid.position + solid.rotation * Vec3::from(middle),
        direction: solid.rotation.columns()[k],
        half: size[k],
    }
}

/// Distance, point and normal of two edges.
pub(super) fn edges<R: Real>(pair: EdgePair, first: &Placed<R>, second: &Placed<R>) -> Approach<R> {
    let [one, two] = pair.edges;
    let both = [edge_axis(one, first), edge_axis(two, second)];
    let [x1, x2] = axes::points([one.at, two.at], &both);
    let across = both[0].direction.cross(both[1].direction) * R::from_f64(pair.normal.sign());
    let normal = direction(across, Vec3::unit(0));
    Approach { distance: normal.dot(x2 - x1), point: (x1 + x2) * R::from_f64(0.5), normal }
}

/// The corners of a face of the other box as the reference face sees them: along its two axes, and the
/// height over it.
fn incident_corners<R: Real>(
    faces: [BoxFace; 2],
    reference: &Placed<R>,
    incident: &Placed<R>,
) -> [Vec3<R>; 4] {
    let [face, other] = faces;
    let (a, k) = (face.axis as usize, other.axis as usize);
    let axes = reference.rotation.columns();
    let outward = axes[a] * R::from_f64(face.side.sign());
    let rows = [axes[(a + 1) % 3], axes[(a + 2) % 3], outward];
    let see = |v: Vec3<R>| Vec3::from(rows.map(|row| row.dot(v)));
    let size = incident.size.to_array();
    let half = |k: usize| see(incident.rotation.columns()[k]) * size[k];
    let height = Vec3::new(R::zero(), R::zero(), reference.size.to_array()[a]);
    let middle =
        see(incident.position - reference.position) - height + half(k) * R::from_f64(other.side.sign());
    let (u, v) = (half((k + 1) % 3), half((k + 2) % 3));
    [middle + u + v, middle - u + v, middle - u - v, middle + u - v]
}

/// A corner of the overlap, along the reference face's axes.
///
/// On an incident edge from `A` to `B` it divides the edge by its distances from the side; at a corner of
/// the reference face its height is that of the incident face.
fn crossing<R: Real>(at: Crossing, corners: &[Vec3<R>; 4], half: [R; 2]) -> Vec3<R> {
    let on_side = |axis: u8, side: Side| half[axis as usize].times(side.sign());
    match at {
        [Line::Edge(_), Line::Edge(k)] => corners[k as usize],
        [Line::Edge(k), Line::Side(axis, side)] | [Line::Side(axis, side), Line::Edge(k)] => {
            let (a, b) = (corners[k as usize], corners[(k as usize + 1) % 4]);
            let entry = |v: Vec3<R>| v.to_array()[axis as usize];
            let part = smooth::safe_div(on_side(axis, side) - entry(a), entry(b) - entry(a));
            a + (b - a) * part
        }
        [Line::Side(i, side), Line::Side(_, other)] => {
            let (own, next) = (on_side(i, side), on_side(1 - i, other));
            let (u, v) = if i == 0 { (own, next) } else { (next, own) };
            let normal = (corners[1] - corners[0]).cross(corners[3] - corners[0]);
            let rise = normal.x * (u - corners[0].x) + normal.y * (v - corners[0].y);
            Vec3::new(u, v, corners[0].z - smooth::safe_div(rise, normal.z))
        }
    }
}

/// Distance, point and normal at a corner of the overlap of two faces.
pub(super) fn face_point<R: Real>(point: FacePoint, first: &Placed<R>, second: &Placed<R>) -> Approach<R> {
    let (reference, incident) = if point.swapped { (second, first) } else { (first, second) };
    let a = point.reference.axis as usize;
    let (axes, size) = (reference.rotation.columns(), reference.size.to_array());
    let half = [size[(a + 1) % 3], size[(a + 2) % 3]];
    let corners = incident_corners([point.reference, point.incident], reference, incident);
    let x = crossing(point.at, &corners, half);
    let side = point.reference.side.sign();
    let on_face = axes[(a + 1) % 3] * x.x + axes[(a + 2) % 3] * x.y;
    let up = axes[a] * (size[a] + x.z.times(0.5)).times(side);
    let outward = if point.swapped { -side } else { side };
    Approach {
        distance: x.z,
        point: reference.position + on_face + up,
        normal: axes[a] * R::from_f64(outward),
    }
}

/// Two boxes as they see each other.
struct Seen {
    /// `R₁ᵀ R₂`.
    turn: Mat3<f64>,
    /// The second center seen from the first, the first seen from the second.
    centers: [Vec3<f64>; 2],
    sizes: [Vec3<f64>; 2],
}

/// A way to part two boxes.
#[derive(Clone, Copy)]
enum Parting {
    /// Along the normal of a face of the first or second box.
    Face { swapped: bool, axis: usize },
    /// Along a product of edges: the unit vector from the first box to the second, in the first's axes.
    Edges { axes: [usize; 2], normal: Vec3<f64>, side: Side },
}

impl Seen {
    fn of(first: &Placed<f64>, second: &Placed<f64>) -> Self {
        Self {
            turn: first.rotation.transpose() * second.rotation,
            centers: [first.local(second.position), second.local(first.position)],
            sizes: [first.size, second.size],
        }
    }
    /// How far a box reaches along a direction given in its own axes.
    fn extent(&self, which: usize, d: Vec3<f64>) -> f64 {
        self.sizes[which].dot(d.map(f64::abs))
    }
    /// The best parting and its separation; none if the boxes are farther apart than `most`.
    fn parting(&self, most: f64) -> Option<Parting> {
        let mut face = (f64::NEG_INFINITY, Parting::Face { swapped: false, axis: 0 });
        for which in 0..2 {
            for axis in 0..3 {
                let other = if which == 0 { self.turn.transpose() } else { self.turn };
                let separation = self.centers[which].to_array()[axis].abs()
                    - self.sizes[which].to_array()[axis]
                    - self.extent(1 - which, other.columns()[axis]);
                if separation > most {
                    return None;
                }
                if separation > face.0 {
                    face = (separation, Parting::Face { swapped: which == 1, axis });
                }
            }
        }
        let mut best = face;
        for i in 0..3 {
            for j in 0..3 {
                let Some((separation, parting)) = self.edge_parting(i, j) else { continue };
                if separation > most {
                    return None;
                }
                if separation - 1e-6 * separation.abs() > best.0 && separation > face.0 {
                    best = (separation, parting);
                }
            }
        }
        let (Parting::Face { swapped, axis }, Parting::Edges { normal, .. }) = (face.1, best.1) else {
            return Some(best.1);
        };
        let of_face = if swapped { self.turn.columns()[axis] } else { Vec3::unit(axis) };
        let alike = normal.dot(of_face).abs() > 0.99;
        let hardly_better = best.0 < face.0 + 0.05 * face.0.abs() + 1e-15;
        Some(if alike && hardly_better { face.1 } else { best.1 })
    }
    /// The parting along the product of edge `i` of the first box and `j` of the second.
    fn edge_parting(&self, i: usize, j: usize) -> Option<(f64, Parting)> {
        let across = Vec3::unit(i).cross(self.turn.columns()[j]);
        let square = across.dot(across);
        if square < 1e-16 {
            return None;
        }
        let axis = across * square.sqrt().recip();
        let apart = self.centers[0].dot(axis);
        let separation = apart.abs() - self.extent(0, axis) - self.extent(1, self.turn.transpose_mul(axis));
        let side = if apart < 0.0 { Side::Lower } else { Side::Upper };
        Some((separation, Parting::Edges { axes: [i, j], normal: axis * side.sign(), side }))
    }
}

/// The contacts of two boxes.
pub(super) fn features(
    first: &Placed<f64>,
    second: &Placed<f64>,
    reach: f64,
    found: &mut dyn FnMut(Place) -> usize,
) {
    let seen = Seen::of(first, second);
    let extent: f64 = seen.sizes.iter().map(|s| s.x + s.y + s.z).sum();
    match seen.parting(reach + 1e-13 * extent) {
        None => {}
        Some(Parting::Edges { axes, normal, side }) => {
            if let Some(pair) = nearest_edges(&seen, [first, second], axes, normal, side) {
                found(Place::BoxEdges(pair));
            }
        }
        Some(Parting::Face { swapped, axis }) => {
            let pair = if swapped { [second, first] } else { [first, second] };
            overlap(&seen, pair, swapped, axis, reach, found);
        }
    }
}

/// The supporting edges of both boxes towards each other.
///
/// Where the normal is across another axis too, two edges support; the nearest pair counts.
fn nearest_edges(
    seen: &Seen,
    boxes: [&Placed<f64>; 2],
    axes: [usize; 2],
    normal: Vec3<f64>,
    side: Side,
) -> Option<EdgePair> {
    let towards = [normal, -seen.turn.transpose_mul(normal)].map(Vec3::to_array);
    let supports = |which: usize, bits: u8| {
        let t = towards[which];
        (0..3).all(|k| match k == axes[which] {
            true => bits >> k & 1 == 0,
            false => t[k].abs() < 1e-9 || sign(bits, k) * t[k] > 0.0,
        })
    };
    let edge = |which: usize, corner, at| Edge { axis: axes[which] as u8, corner, at };
    let mut best = None;
    let mut least = f64::INFINITY;
    for one in (0..8).filter(|bits| supports(0, *bits)) {
        for two in (0..8).filter(|bits| supports(1, *bits)) {
            let lines = [
                edge_axis(edge(0, one, Along::Foot), boxes[0]),
                edge_axis(edge(1, two, Along::Foot), boxes[1]),
            ];
            let along = axes::nearest_of_segments(&lines);
            let [x1, x2] = axes::points(along, &lines);
            let square = (x2 - x1).dot(x2 - x1);
            if square < least {
                least = square;
                best =
                    Some(EdgePair { edges: [edge(0, one, along[0]), edge(1, two, along[1])], normal: side });
            }
        }
    }
    best
}

/// A corner of the polygon that is being clipped.
#[derive(Clone, Copy)]
struct Corner {
    at: Crossing,
    place: Vec3<f64>,
}

/// Clips the polygon by one side of the reference face: `side · u ≤ h`.
fn clip(
    polygon: &mut ([Corner; 8], usize),
    (axis, side): (u8, Side),
    corners: &[Vec3<f64>; 4],
    half: [f64; 2],
) {
    let (old, count) = *polygon;
    let over = |c: &Corner| side.sign() * c.place.to_array()[axis as usize] - half[axis as usize];
    polygon.1 = 0;
    let mut push = |at: Crossing, place| {
        // Four corners and four sides make eight at most.
        if let Some(slot) = polygon.0.get_mut(polygon.1) {
            *slot = Corner { at, place };
            polygon.1 += 1;
        }
    };
    let new = Line::Side(axis, side);
    for k in 0..count {
        let (here, next) = (old[k], old[(k + 1) % count]);
        let (inside, stays) = (over(&here) <= 0.0, over(&next) <= 0.0);
        let line = here.at[1];
        if inside {
            push(here.at, here.place);
        }
        if inside != stays {
            let at = if inside { [line, new] } else { [new, line] };
            push(at, crossing(at, corners, half));
        }
    }
}

/// The overlap of the reference face with the face of the other box that looks at it most.
fn overlap(
    seen: &Seen,
    [reference, incident]: [&Placed<f64>; 2],
    swapped: bool,
    axis: usize,
    reach: f64,
    found: &mut dyn FnMut(Place) -> usize,
) {
    let which = usize::from(swapped);
    let side = if seen.centers[which].to_array()[axis] < 0.0 { Side::Lower } else { Side::Upper };
    let turn = if swapped { seen.turn } else { seen.turn.transpose() };
    // The reference normal in the axes of the other box.
    let normal = (turn.columns()[axis] * side.sign()).to_array();
    let looks = (1..3).fold(0, |best, k| if normal[k].abs() > normal[best].abs() { k } else { best });
    let faces =
        [BoxFace { axis: axis as u8, side }, BoxFace { axis: looks as u8, side: Side::of(-normal[looks]) }];
    let corners = incident_corners(faces, reference, incident);
    let size = reference.size.to_array();
    let half = [size[(axis + 1) % 3], size[(axis + 2) % 3]];
    let start = Corner { at: [Line::Edge(0); 2], place: Vec3::zero() };
    let mut polygon = ([start; 8], 4);
    for k in 0..4 {
        let at = [Line::Edge((k as u8 + 3) % 4), Line::Edge(k as u8)];
        polygon.0[k] = Corner { at, place: corners[k] };
    }
    for line in [(0, Side::Upper), (0, Side::Lower), (1, Side::Upper), (1, Side::Lower)] {
        clip(&mut polygon, line, &corners, half);
    }
    let near = 1e-14 * (half[0] * half[0] + half[1] * half[1]);
    let mut kept = 0;
    for k in 0..polygon.1 {
        let corner = polygon.0[k];
        let twice = polygon.0[..kept].iter().any(|other| {
            let d = other.place - corner.place;
            d.x * d.x + d.y * d.y < near
        });
        if corner.place.z <= reach && !twice {
            polygon.0[kept] = corner;
            kept += 1;
            let at = corner.at;
            found(Place::BoxFaces(FacePoint { swapped, reference: faces[0], incident: faces[1], at }));
        }
    }
}
