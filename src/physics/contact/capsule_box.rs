//! A capsule on a box: the nearest point of its axis, and a second one if it lies on a face or an edge.

use super::{Approach, Nearest, Place, Placed, Side, corner, sign, sphere_box};
use crate::number::{Real, smooth};
use crate::spatial::Vec3;

/// A point of the capsule's axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Station {
    /// Nearest to something.
    At(Anchor),
    /// Where the axis crosses the plane of a face: across this axis of the box, on this side.
    Crossing(u8, Side),
    /// From the anchor along the axis until this coordinate has moved by the whole width of the box.
    Beyond(Anchor, u8, Side),
}

/// What the point is nearest to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// An end of the axis.
    End(Side),
    /// The edge of the box along this axis through this corner.
    Edge(u8, u8),
    /// A corner of the box.
    Corner(u8),
}

/// The capsule's axis as the box sees it: `center + s direction`.
#[derive(Clone, Copy)]
struct Seen<R> {
    center: Vec3<R>,
    direction: Vec3<R>,
    half: R,
    size: Vec3<R>,
}

impl<R: Real> Seen<R> {
    #[inline(always)]
    fn of(capsule: &Placed<R>, solid: &Placed<R>) -> Self {
        Self {
            center: solid.local(capsule.position),
            direction: solid.rotation.transpose_mul(capsule.rotation.z),
            half: capsule.size.y,
            size: solid.size,
        }
    }
    /// The coordinate of an anchor.
    fn anchor(&self, anchor: Anchor) -> R {
        let to = |bits| corner(bits, self.size) - self.center;
        match anchor {
            Anchor::End(side) => self.half.times(side.sign()),
            Anchor::Corner(bits) => self.direction.dot(to(bits)),
            Anchor::Edge(axis, bits) => {
                // Only what is across the edge counts.
                let across = self.direction - along(self.direction, axis);
                smooth::safe_div(across.dot(to(bits)), across.dot(across))
            }
        }
    }
    /// The coordinate of a station.
    fn station(&self, station: Station) -> R {
        let entry = |v: Vec3<R>, k: u8| v.to_array()[k as usize];
        match station {
            Station::At(anchor) => self.anchor(anchor),
            Station::Crossing(k, side) => {
                let to = entry(self.size, k).times(side.sign()) - entry(self.center, k);
                smooth::safe_div(to, entry(self.direction, k))
            }
            Station::Beyond(anchor, k, side) => {
                let width = entry(self.size, k).times(2.0 * side.sign());
                self.anchor(anchor) + smooth::safe_div(width, entry(self.direction, k))
            }
        }
    }
}

/// The part of a vector along one axis.
#[inline(always)]
fn along<R: Real>(v: Vec3<R>, axis: u8) -> Vec3<R> {
    let unit = Vec3::<R>::unit(axis as usize);
    v.product(unit)
}

/// Distance, point and normal at a station.
pub(super) fn approach<R: Real>(
    station: Station,
    nearest: Nearest,
    capsule: &Placed<R>,
    solid: &Placed<R>,
) -> Approach<R> {
    let s = Seen::of(capsule, solid).station(station);
    sphere_box::approach(nearest, capsule.position + capsule.rotation.z * s, capsule.size.x, solid)
}

/// What the nearest point of the axis is nearest to.
#[derive(Clone, Copy)]
enum Kind {
    /// Nothing but the inside of a face: the coordinate in which the end is outside, if in any.
    Face(Option<u8>),
    /// The edge along an axis, inside its ends.
    Edge(u8, u8),
    /// An edge, at its end: the corner, and the edge's axis.
    Corner(u8),
}

/// The nearest point of the axis, and a second one.
pub(super) fn features(capsule: &Placed<f64>, solid: &Placed<f64>, found: &mut dyn FnMut(Place) -> usize) {
    let seen = Seen::of(capsule, solid);
    let (anchor, kind) = nearest(&seen);
    let mut add = |station: Station| {
        let x = capsule.position + capsule.rotation.z * seen.station(station);
        found(Place::CapsuleBox(station, sphere_box::nearest(x, solid)));
    };
    add(Station::At(anchor));
    let second = match kind {
        Kind::Face(None) => None,
        Kind::Face(Some(axis)) => beside_face(&seen, anchor, axis),
        Kind::Edge(axis, bits) => beside_edge(&seen, anchor, axis, bits),
        Kind::Corner(bits) => beside_corner(&seen, anchor, bits),
    };
    if let Some(station) = second {
        add(station);
    }
}

/// The nearest point of the axis: first its ends, then each edge of the box.
fn nearest(seen: &Seen<f64>) -> (Anchor, Kind) {
    let size = seen.size.to_array();
    let mut best = (f64::INFINITY, (Anchor::End(Side::Lower), Kind::Face(None)));
    for side in [Side::Lower, Side::Upper] {
        let x = (seen.center + seen.direction * (side.sign() * seen.half)).to_array();
        let over: [f64; 3] = std::array::from_fn(|k| (x[k].abs() - size[k]).max(0.0));
        let square = over.iter().map(|o| o * o).sum::<f64>();
        if over.iter().filter(|o| **o > 0.0).count() < 2 && square < best.0 {
            let outside = (0..3).rev().find(|k| over[*k] > 0.0).map(|k| k as u8);
            best = (square, (Anchor::End(side), Kind::Face(outside)));
        }
    }
    for axis in 0..3u8 {
        for bits in (0..8u8).filter(|bits| bits >> axis & 1 == 0) {
            if let Some((square, anchor, kind)) = near_edge(seen, axis, bits)
                && square < best.0 - 1e-15
            {
                best = (square, (anchor, kind));
            }
        }
    }
    best.1
}

/// The nearest points of the capsule's axis and an edge: their squared distance and where they are.
///
/// With `x` along the edge and `s` along the axis, both counted from their middles.
fn near_edge(seen: &Seen<f64>, axis: u8, bits: u8) -> Option<(f64, Anchor, Kind)> {
    let j = axis as usize;
    let h = seen.size.to_array()[j];
    let d = seen.direction;
    let middle = corner(bits, seen.size) + Vec3::unit(j) * h;
    let w = middle - seen.center;
    let (d_j, w_j) = (d.to_array()[j], w.to_array()[j]);
    let across = d - along(d, axis);
    let square = across.dot(across);
    if square * (h * seen.half).powi(2) < 1e-15 {
        return None;
    }
    let foot = |x: f64| d.dot(w) + d_j * x;
    let mut anchor = Anchor::Edge(axis, bits);
    let mut s = across.dot(w) / square;
    let mut x = s * d_j - w_j;
    let mut end = None;
    if x.abs() > h {
        x = x.clamp(-h, h);
        end = Some(x > 0.0);
        s = foot(x);
        anchor = Anchor::Corner(bits | u8::from(x > 0.0) << axis);
    }
    if s.abs() > seen.half {
        s = s.clamp(-seen.half, seen.half);
        anchor = Anchor::End(Side::of(s));
        x = s * d_j - w_j;
        if x.abs() > h {
            x = x.clamp(-h, h);
            end = Some(x > 0.0);
        }
    }
    let apart = w + Vec3::unit(j) * x - d * s;
    let kind = match end {
        None => Kind::Edge(axis, bits),
        Some(upper) => Kind::Corner(bits | u8::from(upper) << axis),
    };
    Some((apart.dot(apart), anchor, kind))
}

/// The bits of the coordinates along which the axis rises.
fn rising(seen: &Seen<f64>) -> u8 {
    let d = seen.direction.to_array();
    (0..3).map(|k| u8::from(d[k] > 0.0) << k).sum()
}

/// Of the axis' end and the given stations the one that is first in this direction.
fn first_towards(
    seen: &Seen<f64>,
    side: Side,
    stations: impl IntoIterator<Item = Station>,
) -> Option<Station> {
    let mut best = Station::At(Anchor::End(side));
    let order = |station| side.sign() * seen.station(station);
    for station in stations {
        if order(station) < order(best) {
            best = station;
        }
    }
    Some(best)
}

/// From an end over a face: where the axis crosses the plane of the first face beside it.
fn beside_face(seen: &Seen<f64>, anchor: Anchor, axis: u8) -> Option<Station> {
    let Anchor::End(side) = anchor else { return None };
    let towards = -side.sign();
    let from = seen.station(Station::At(anchor));
    let mut best = (2.0 * seen.half, Station::At(Anchor::End(Side::of(towards))));
    for k in (0..3u8).filter(|k| *k != axis) {
        for face in [Side::Lower, Side::Upper] {
            if seen.direction.to_array()[k as usize] == 0.0 {
                continue;
            }
            let station = Station::Crossing(k, face);
            let way = towards * (seen.station(station) - from);
            if way > 0.0 && way < best.0 {
                best = (way, station);
            }
        }
    }
    Some(best.1)
}

/// Along an edge, if the axis leaves the box on neither or one side of it.
fn beside_edge(seen: &Seen<f64>, anchor: Anchor, axis: u8, bits: u8) -> Option<Station> {
    let d = seen.direction.to_array();
    let rises = rising(seen);
    let left = (rises ^ bits) & !(1 << axis);
    if left.count_ones() != 1 {
        return None;
    }
    let (k, l) = ((axis + 1) % 3, (axis + 2) % 3);
    let m = if d[k as usize].abs() > d[l as usize].abs() { k } else { l };
    let side = if left >> m & 1 == 1 { Side::Upper } else { Side::Lower };
    let moves = |k: u8| Side::of(side.sign() * sign(rises, k as usize));
    let mut stations = [None, None];
    if d[m as usize] != 0.0 {
        stations[0] = Some(Station::Beyond(anchor, m, moves(m)));
    }
    if d[axis as usize] != 0.0 {
        stations[1] = Some(Station::Crossing(axis, moves(axis)));
    }
    first_towards(seen, side, stations.into_iter().flatten())
}

/// From a corner along the one coordinate in which the axis enters or leaves the box.
fn beside_corner(seen: &Seen<f64>, anchor: Anchor, bits: u8) -> Option<Station> {
    let d = seen.direction.to_array();
    let rises = rising(seen);
    let left = rises ^ bits;
    let (k, towards) = match left.count_ones() {
        1 => (left.trailing_zeros() as u8, Side::Upper),
        2 => ((!left & 7).trailing_zeros() as u8, Side::Lower),
        _ => return None,
    };
    let beyond = |side: Side, k: u8| {
        let moves = Side::of(side.sign() * sign(rises, k as usize));
        (d[k as usize] != 0.0).then_some(Station::Beyond(anchor, k, moves))
    };
    if d[k as usize].powi(2) > 0.5 {
        first_towards(seen, towards, beyond(towards, k))
    } else {
        let away = Side::of(-towards.sign());
        let others = [beyond(away, (k + 1) % 3), beyond(away, (k + 2) % 3)];
        first_towards(seen, away, others.into_iter().flatten())
    }
}
