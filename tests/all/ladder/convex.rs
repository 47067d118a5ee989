//! Rung 17: general convex shapes, against MuJoCo's recorded contacts (`record_convex.py`).

use costate::model::Hull;
use costate::model::description::Shape;
use costate::number::{Mask, Real, Tangent, Wide};
use costate::physics::contact::{Place, Placed, touch, touch_pullback};
use costate::scene::mesh;
use costate::spatial::{Quat, Vec3};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::collision::{Meeting, read};

/// Every recorded meeting of general convex shapes, in general position.
pub fn meetings() -> Vec<Meeting> {
    read("convex")
}

/// How many random poses are asked.
const POSES: usize = 60_000;

/// A hull with the corners of a box.
fn brick(half: [f64; 3]) -> &'static Hull {
    let sign = |k: usize, at: usize| if k >> at & 1 == 1 { 1.0 } else { -1.0 };
    let vertices: Vec<[f64; 3]> = (0..8).map(|k| [0, 1, 2].map(|i| half[i] * sign(k, i))).collect();
    let triangles = mesh::hull(&vertices).unwrap();
    Box::leak(Box::new(Hull::from_triangles(vertices, &triangles)))
}

const SHAPES: [(&str, Shape, [f64; 3]); 6] = [
    ("sphere", Shape::Sphere, [0.11, 0.0, 0.0]),
    ("capsule", Shape::Capsule, [0.07, 0.16, 0.0]),
    ("ellipsoid", Shape::Ellipsoid, [0.09, 0.15, 0.12]),
    ("cylinder", Shape::Cylinder, [0.13, 0.08, 0.0]),
    ("box", Shape::Box, [0.12, 0.17, 0.06]),
    ("mesh", Shape::Mesh(0), [0.0; 3]),
];

/// Half the height of a shape as it lies: a capsule on its side.
fn lying(shape: Shape, size: [f64; 3]) -> (f64, Quat<f64>) {
    match shape {
        Shape::Capsule => (size[0], Quat::from_axis_angle(Vec3::unit(0), std::f64::consts::FRAC_PI_2)),
        Shape::Cylinder => (size[1], Quat::identity()),
        Shape::Mesh(_) => (0.1, Quat::identity()),
        _ => (size[2], Quat::identity()),
    }
}

/// Whether a pair has a formula of its own.
fn closed(first: Shape, second: Shape) -> bool {
    match first {
        Shape::Sphere => !matches!(second, Shape::Ellipsoid | Shape::Mesh(_)),
        Shape::Capsule => matches!(second, Shape::Capsule | Shape::Box),
        _ => first == Shape::Box && second == Shape::Box,
    }
}

/// A capsule or a cylinder beside a cylinder, with axes that are nearly parallel.
fn side_by_side() -> impl Iterator<Item = Meeting> {
    let each = |k: usize| {
        let (first, size, names) = match k % 2 {
            0 => (Shape::Capsule, [0.07, 0.16, 0.0], "flat capsule–cylinder"),
            _ => (Shape::Cylinder, [0.07, 0.2, 0.0], "flat cylinder–cylinder"),
        };
        let turned = if k.is_multiple_of(3) {
            Vec3::new(0.0, std::f64::consts::PI - 6e-4, 0.0)
        } else {
            Vec3::new(2e-4, -4e-4, 0.1)
        };
        let placed = |position, rotation: Quat<f64>, size: [f64; 3]| Placed {
            position,
            rotation: rotation.to_matrix(),
            size: Vec3::from(size),
            hull: None,
        };
        let second =
            placed(Vec3::new(0.11, 0.15, 0.06 * k as f64 - 0.1), Quat::exp(turned), [0.12, 0.1, 0.0]);
        Meeting {
            names: names.into(),
            shapes: (first, Shape::Cylinder),
            placed: [placed(Vec3::zero(), Quat::identity(), size), second],
            reach: 0.01,
            contacts: Vec::new(),
        }
    };
    (0..6).map(each)
}

/// Shapes that lie on each other, in and out of each other, a little askew and aside.
pub fn flat_meetings() -> Vec<Meeting> {
    let mut out = Vec::new();
    let hull = brick([0.14, 0.09, 0.1]);
    for (i, (one, first, size)) in SHAPES.iter().enumerate() {
        for (two, second, other) in SHAPES[i..].iter() {
            let round = |s: &Shape| matches!(s, Shape::Sphere | Shape::Ellipsoid);
            if round(first) || round(second) || closed(*first, *second) {
                continue;
            }
            for k in 0..6 {
                let [(low, lay), (high, over)] = [lying(*first, *size), lying(*second, *other)];
                let height = low + high - 0.004 + 0.006 * (k % 2) as f64;
                let lean = Vec3::new(2e-4, -3e-4, 0.0) * (k % 3) as f64;
                let about = |angle: f64| Quat::from_axis_angle(Vec3::unit(2), angle);
                let tilted = Quat::exp(lean) * about(0.3 + 0.4 * k as f64) * over;
                let frame = Quat::exp(Vec3::new(0.4, -0.3, 0.2 * k as f64));
                let of = |s: &Shape| matches!(s, Shape::Mesh(_)).then_some(hull);
                let aside = Vec3::new(0.02 * k as f64, -0.015 * k as f64, height);
                let placed = |position: Vec3<f64>, rotation: Quat<f64>, size: [f64; 3], s: &Shape| Placed {
                    position: frame.to_matrix() * position,
                    rotation: (frame * rotation).to_matrix(),
                    size: Vec3::from(size),
                    hull: of(s),
                };
                out.push(Meeting {
                    names: format!("flat {one}–{two}"),
                    shapes: (*first, *second),
                    placed: [placed(Vec3::zero(), lay, *size, first), placed(aside, tilted, *other, second)],
                    reach: 0.01,
                    contacts: Vec::new(),
                });
            }
        }
    }
    out.extend(side_by_side());
    out.sort_by(|a, b| a.names.cmp(&b.names));
    out
}

/// How far a shape reaches along a direction, from the origin.
fn reach(shape: Shape, p: &Placed<f64>, n: Vec3<f64>) -> f64 {
    let (own, s) = (p.rotation.transpose() * n, p.size);
    let across = (own.x * own.x + own.y * own.y).sqrt();
    let core = match shape {
        Shape::Plane => 0.0,
        Shape::Sphere => s.x,
        Shape::Capsule => s.x + s.y * own.z.abs(),
        Shape::Ellipsoid => own.product(s).norm(),
        Shape::Cylinder => s.x * across + s.y * own.z.abs(),
        Shape::Box => s.dot(own.map(f64::abs)),
        Shape::Mesh(_) => {
            let heights = p.hull.unwrap().vertices.iter().map(|v| own.dot(Vec3::from(*v)));
            heights.fold(f64::NEG_INFINITY, f64::max)
        }
    };
    n.dot(p.position) + core
}

#[test]
fn no_direction_parts_two_shapes_further_than_their_distance() {
    let mut random = Pcg64::seed_from_u64(11);
    let hulls: Vec<_> = meetings().iter().flat_map(|m| m.placed).filter_map(|p| p.hull).collect();
    let mut worst: std::collections::BTreeMap<String, [f64; 2]> = Default::default();
    for k in 0..POSES {
        let mut draw = |lo: f64, hi: f64| random.random_range(lo..hi);
        let (i, j) = (draw(0.0, 6.0) as usize, draw(0.0, 6.0) as usize);
        let [(one, first, _), (two, second, _)] = [SHAPES[i.min(j)], SHAPES[i.max(j)]];
        if closed(first, second) {
            continue;
        }
        let placed = [first, second].map(|shape| Placed {
            position: Vec3::new(draw(-0.2, 0.2), draw(-0.2, 0.2), draw(-0.2, 0.2)),
            rotation: Quat::exp(Vec3::new(draw(-2.0, 2.0), draw(-2.0, 2.0), draw(-2.0, 2.0))).to_matrix(),
            size: Vec3::new(draw(-4.0, -1.0), draw(-4.0, -1.0), draw(-4.0, -1.0)).map(f64::exp),
            hull: matches!(shape, Shape::Mesh(_)).then_some(hulls[k % hulls.len()]),
        });
        let m = Meeting {
            names: format!("{one}–{two}"),
            shapes: (first, second),
            placed,
            reach: 10.0,
            contacts: Vec::new(),
        };
        let apart = |n: Vec3<f64>| -reach(first, &placed[0], n) - reach(second, &placed[1], -n);
        // Flat sides share their normal, and not every one of their points is the nearest.
        let [feature] = m.features()[..] else { continue };
        if matches!(feature.place, Place::Overlap(_)) {
            continue;
        }
        let t = touch(feature, &placed[0], &placed[1]);
        let own = (apart(t.frame[0]) - t.distance).abs();
        let mut better = 0.0f64;
        for spread in [10.0, 10.0, 10.0, 1.0, 1.0, 0.1, 0.1, 0.01, 0.001, 1e-4].repeat(20) {
            let turn = Vec3::new(draw(-1.0, 1.0), draw(-1.0, 1.0), draw(-1.0, 1.0)) * spread;
            let n = t.frame[0] + turn;
            better = better.max(apart(n * n.norm().recip()) - t.distance);
        }
        let entry = worst.entry(m.names.clone()).or_default();
        *entry = [entry[0].max(own), entry[1].max(better)];
        if own > 1e-9 || better > 1e-9 {
            println!("{k} {}: {own:.1e} {better:.1e} {:.4} {:?}", m.names, t.distance, feature.place);
        }
    }
    for (names, [own, better]) in &worst {
        println!("{names:20} along the normal {own:8.1e}, another direction {better:8.1e}");
    }
    assert!(worst.values().flatten().all(|x| *x <= 1e-9));
}

#[test]
fn flat_sides_touch_in_more_than_one_point_and_never_deeper_than_the_shapes() {
    for (k, m) in flat_meetings().iter().enumerate() {
        let features = m.features();
        let touches: Vec<_> = features.iter().map(|f| touch(*f, &m.placed[0], &m.placed[1])).collect();
        println!("{k} {}: {:?}", m.names, touches.iter().map(|t| t.distance).collect::<Vec<_>>());
        assert!(touches.len() >= 2 && touches.len() <= 4, "{}: {features:?}", m.names);
        let least = touches.iter().fold(f64::INFINITY, |m, t| t.distance.min(m));
        for t in &touches {
            assert!(t.distance - least < 1e-3 && t.distance.abs() < 0.01, "{} {}", m.names, t.distance);
            assert!(t.frame[0].dot(touches[0].frame[0]) > 0.999, "{}: {:?}", m.names, t.frame);
        }
    }
}

#[test]
fn shapes_in_the_middle_of_each_other_still_have_finite_contacts_and_derivatives() {
    let hull = brick([0.14, 0.09, 0.1]);
    for (i, (one, first, size)) in SHAPES.into_iter().enumerate() {
        for (two, second, other) in SHAPES.into_iter().skip(i).filter(|s| !closed(first, s.1)) {
            for k in 0..8 {
                let shift = if k < 4 { 0.0 } else { 1e-9 } * (k + 1) as f64;
                let turn = Quat::exp(Vec3::new(0.0, 0.0, 0.5) * (k % 4) as f64 + Vec3::unit(0) * shift);
                let placed = |size: [f64; 3], s: Shape, position, rotation: Quat<f64>| Placed {
                    position,
                    rotation: rotation.to_matrix(),
                    size: Vec3::from(size),
                    hull: matches!(s, Shape::Mesh(_)).then_some(hull),
                };
                let m = Meeting {
                    names: format!("{one}–{two}"),
                    shapes: (first, second),
                    placed: [
                        placed(size, first, Vec3::zero(), Quat::identity()),
                        placed(other, second, Vec3::new(shift, 0.0, 2.0 * shift), turn),
                    ],
                    reach: 0.0,
                    contacts: Vec::new(),
                };
                let features = m.features();
                assert!(!features.is_empty(), "{} {k}", m.names);
                for f in features {
                    let t = touch(f, &m.placed[0], &m.placed[1]);
                    assert!(t.distance.is_finite() && t.distance < 0.0, "{} {k}: {f:?} {t:?}", m.names);
                    let size = t.frame[0].norm();
                    assert!((size - 1.0).abs() < 1e-12, "{} {k}: {f:?} {size}", m.names);
                    for c in touch_pullback(f, &m.placed[0], &m.placed[1], &t) {
                        let all = [c.wrench.torque, c.wrench.force, c.size].map(Vec3::to_array).concat();
                        assert!(all.iter().all(|x| x.is_finite()), "{} {k}: {f:?} {all:?}", m.names);
                    }
                    let wide = m.placed.map(|p| p.map(|x| Wide::<f64>::variable(x, 0)));
                    let y = touch(f, &wide[0], &wide[1]).distance;
                    assert!(y.is_finite().all() && y.tangent.get(0).is_finite(), "{} {k}: {f:?}", m.names);
                }
            }
        }
    }
}

#[test]
fn the_feature_of_a_smooth_contact_is_the_same_for_worlds_that_touch_alike() {
    for m in meetings().iter().filter(|m| m.names == "ellipsoid–ellipsoid") {
        let Some(feature) = m.features().first().copied() else { continue };
        let Place::Facing(facing) = feature.place else { panic!("{feature:?}") };
        assert!(facing.towards.iter().all(|x| x.abs() <= 1024), "{facing:?}");
    }
}

/// How far apart the shapes of one pair are.
#[derive(Default)]
struct Found {
    poses: usize,
    /// Farther than 1e-5 in distance or twice that in the normal from MuJoCo's answer.
    worse: usize,
    distances: Vec<f64>,
    normals: Vec<f64>,
}

#[test]
fn two_convex_shapes_are_as_far_apart_as_mujoco_says() {
    let mut table: std::collections::BTreeMap<String, Found> = Default::default();
    for (k, m) in meetings().iter().enumerate() {
        let entry = table.entry(m.names.clone()).or_default();
        entry.poses += 1;
        let features = m.features();
        let theirs = &m.contacts[0];
        let Some(feature) = features.first() else {
            println!("{k} {}: nothing instead of {:?}", m.names, &theirs[..7]);
            entry.worse += 1;
            continue;
        };
        let ours = touch(*feature, &m.placed[0], &m.placed[1]);
        let error = (ours.distance - theirs[0]).abs();
        let turned = (ours.frame[0] - Vec3::new(theirs[4], theirs[5], theirs[6])).norm();
        entry.distances.push(error);
        entry.normals.push(turned);
        if !(error <= 1e-5 && turned <= 2e-5) {
            entry.worse += 1;
            println!("{k} {}: {error:.1e} {turned:.1e} {:?}", m.names, feature.place);
            println!("  ours   {:.9} {:.6?}\n  theirs {:.6?}", ours.distance, ours.frame[0], &theirs[..7]);
        }
    }
    for (names, found) in &mut table {
        let mut quantiles = |which: fn(&mut Found) -> &mut Vec<f64>| {
            let list = which(found);
            list.sort_by(f64::total_cmp);
            [0.5, 0.9, 1.0].map(|q| list[((list.len() - 1) as f64 * q) as usize])
        };
        let [d, n] = [quantiles(|f| &mut f.distances), quantiles(|f| &mut f.normals)]
            .map(|list| list.map(|x| format!("{x:7.1e}")).join(" "));
        println!("{names:20} {:3} poses, {:2} worse, dist {d} normal {n}", found.poses, found.worse);
    }
    assert!(table.values().all(|f| f.worse == 0));
}
