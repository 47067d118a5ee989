//! Which parts of two convex shapes face each other.
//!
//! A search in few digits finds the normal and the corners around; then the equations of every pair of
//! parts there are solved to rounding, and the pair that lies inside both shapes and hides nothing of them
//! is the answer.

use super::convex::{Corners, Facing, Part, System, approach, extreme, solid, supporting, unpack};
use super::survey::{Pair, around};
use super::{Place, Placed, Side, closest, depth, flat};
use crate::model::description::Shape;
use crate::spatial::Vec3;

/// Grids for the direction that a search starts from; the finest is only for hard cases.
const GRIDS: [f64; 5] = [4.0, 32.0, 1024.0, 32768.0, 1_073_741_824.0];

/// Up to four corners of a core that may take part.
#[derive(Clone, Copy, Default)]
struct Known {
    corners: [u32; 4],
    count: usize,
}

impl Known {
    fn add(&mut self, corner: u32) -> bool {
        let new = self.count < 4 && !self.corners[..self.count].contains(&corner);
        if new {
            self.corners[self.count] = corner;
            self.count += 1;
        }
        new
    }
}

/// Calls with every part of a core that may face along a normal, the flattest first.
fn parts(shape: Shape, placed: &Placed<f64>, n: Vec3<f64>, known: &Known, mut each: impl FnMut(Part)) {
    match shape {
        Shape::Ellipsoid => each(Part::Ellipsoid),
        Shape::Cylinder => {
            let lean = placed.rotation.z.dot(n);
            if lean.abs() > 0.99 {
                each(Part::Cap(Side::of(lean)));
            }
            if lean.abs() < 0.1 {
                each(Part::Barrel);
                each(Part::Rim(Side::of(-lean)));
            }
            each(Part::Rim(Side::of(lean)));
        }
        _ => {
            let of = solid(shape);
            for count in [3, 2, 1] {
                for set in (1u32..1 << known.count).filter(|set| set.count_ones() == count) {
                    let mut corners = [u32::MAX; 3];
                    let members = (0..known.count).filter(|k| set >> k & 1 == 1);
                    for (slot, k) in corners.iter_mut().zip(members) {
                        *slot = known.corners[k];
                    }
                    each(Part::Corners(Corners { of, corners, count: count as u8 }));
                }
            }
        }
    }
}

/// How far a solution is from the answer [m]: how far its points lie beyond their parts, how far something of
/// the cores lies before them, and by how much less it parts the cores than a direction that is known.
fn wrong(
    shapes: [Shape; 2],
    placed: [&Placed<f64>; 2],
    [one, two]: [Part; 2],
    system: &System<'_, f64>,
    (n, t): (Vec3<f64>, [f64; 2]),
    least: f64,
) -> f64 {
    let flats = one.flats();
    let beyond = one.beyond(&t[..flats], placed[0]).max(two.beyond(&t[flats..], placed[1]));
    let [a, b] = system.points(n, t);
    let hidden = [
        n.dot(extreme(shapes[0], n, placed[0]).0 - a),
        n.dot(b - system.apart - extreme(shapes[1], -n, placed[1]).0),
    ];
    beyond.max(hidden[0]).max(hidden[1]).max(least - n.dot(b - a)).max(0.0)
}

/// The parts whose solution is a minimum of both cores, or comes nearest to one, and its normal.
fn settle(
    shapes: [Shape; 2],
    placed: [&Placed<f64>; 2],
    near: Vec3<f64>,
    mut known: [Known; 2],
) -> ([Part; 2], Vec3<f64>, bool) {
    let scale = placed.iter().fold(0.0, |m: f64, p| {
        m.max(p.size.x).max(p.size.y).max(p.size.z).max(p.hull.map_or(0.0, |hull| hull.radius))
    });
    // Where all directions are alike, as in the middle of two balls, none has a solution of its own: there
    // the direction that was found stays.
    let general = [supporting(shapes[0], near, placed[0]), supporting(shapes[1], -near, placed[1])];
    let mut best = (1e-6 * scale, (general, near, false));
    // The answer parts the cores further than any direction: what parts them less than the direction that
    // was found is another extremum.
    let [a, b] = System::new(general, placed[0], placed[1]).points(near, [0.0; 2]);
    let least = near.dot(b - a);
    for _ in 0..4 {
        let mut nearly = (f64::INFINITY, near);
        parts(shapes[0], placed[0], near, &known[0], |one| {
            parts(shapes[1], placed[1], -near, &known[1], |two| {
                if one.flats() + two.flats() > 2 || best.0 <= 1e-11 * scale {
                    return;
                }
                let system = System::new([one, two], placed[0], placed[1]);
                let found = system.solve(near);
                let (n, _, t) = unpack(&found.x);
                if !found.converged || n.dot(near) < 0.95 {
                    return;
                }
                let wrong = wrong(shapes, placed, [one, two], &system, (n, t), least);
                if wrong < nearly.0 {
                    nearly = (wrong, n);
                }
                if wrong < best.0 {
                    best = (wrong, ([one, two], n, true));
                }
            });
        });
        if best.0 <= 1e-11 * scale {
            break;
        }
        let n = nearly.1;
        let more = [extreme(shapes[0], n, placed[0]).1, extreme(shapes[1], -n, placed[1]).1];
        let grown = [known[0].add(more[0]), known[1].add(more[1])];
        if !grown.contains(&true) {
            break;
        }
    }
    best.1
}

/// The same from directions all around, where the first search found no solution.
fn again(pair: Pair<'_>, first: ([Part; 2], Vec3<f64>, bool)) -> ([Part; 2], Vec3<f64>, bool) {
    let n = pair.farthest(first.1);
    if pair.parting(n) < pair.parting(first.1) {
        return first;
    }
    let mut known = [Known::default(); 2];
    for turned in around(n) {
        known[0].add(extreme(pair.shapes[0], turned, pair.placed[0]).1);
        known[1].add(extreme(pair.shapes[1], -turned, pair.placed[1]).1);
    }
    settle(pair.shapes, pair.placed, n, known)
}

/// The feature of two convex shapes.
pub(super) fn features(
    shapes: [Shape; 2],
    placed: [&Placed<f64>; 2],
    reach: f64,
    found: &mut dyn FnMut(Place) -> usize,
) {
    let around = [0, 1].map(|k| match shapes[k] {
        Shape::Sphere | Shape::Capsule => placed[k].size.x,
        _ => 0.0,
    });
    let apart = placed[1].position - placed[0].position;
    // The farthest point of the difference of the cores along a direction.
    let farthest = |along: Vec3<f64>| {
        let (b, two) = extreme(shapes[1], along, placed[1]);
        let (a, one) = extreme(shapes[0], -along, placed[0]);
        closest::Vertex { place: apart + b - a, corners: [one, two] }
    };
    let Some(meeting) = closest::closest(&farthest, apart, reach + around[0] + around[1])
        .and_then(|found| found.or_else(|| depth::depth(&farthest)))
    else {
        return;
    };
    let mut known = [Known::default(); 2];
    for (vertex, weight) in &meeting.vertices[..meeting.count] {
        for k in 0..2 {
            if *weight > 1e-7 {
                known[k].add(vertex.corners[k]);
            }
        }
    }
    let mut settled = settle(shapes, placed, meeting.normal, known);
    if !settled.2 {
        settled = again(Pair { shapes, placed }, settled);
    }
    let (parts, normal, solved) = settled;
    if !flat::features(shapes, placed, normal, reach, found) {
        face(parts, placed, normal, solved, found);
    }
}

/// The feature of two parts that face each other nearly along a direction.
///
/// It holds the coarsest direction from which the solution is found, so that most worlds of a batch that
/// touch alike have the same feature.
pub(super) fn face(
    parts: [Part; 2],
    placed: [&Placed<f64>; 2],
    near: Vec3<f64>,
    solved: bool,
    found: &mut dyn FnMut(Place) -> usize,
) {
    let system = System::new(parts, placed[0], placed[1]);
    let normal = match solved {
        true => unpack(&system.solve(near).x).0,
        false => near,
    };
    for grid in GRIDS {
        let towards = normal.to_array().map(|x| (grid * x).round() as i32);
        let facing = Facing { parts, towards, solved };
        let turned = approach(&facing, placed[0], placed[1]).normal - normal;
        if turned.dot(turned) < 1e-16 {
            found(Place::Facing(facing));
            return;
        }
    }
    // From its own last digits a solution is found again, or it is none.
    let towards = normal.to_array().map(|x| (GRIDS[4] * x).round() as i32);
    let solved = solved && system.solve(Vec3::from(towards.map(f64::from))).converged;
    found(Place::Facing(Facing { parts, towards, solved }));
}
