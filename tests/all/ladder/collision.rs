//! Rung 9: where two shapes touch, against MuJoCo's recorded contacts (`record_collision.py`).

use costate::model::Hull;
use costate::model::description::Shape;
use costate::physics::contact::{Feature, Placed, features, touch};
use costate::scene::mesh;
use costate::spatial::{Quat, Vec3};
use serde_json::Value;

use crate::recorded::{difference, numbers};

/// A recorded pair of placed shapes.
pub struct Meeting {
    pub names: String,
    pub shapes: (Shape, Shape),
    pub placed: [Placed<'static, f64>; 2],
    pub reach: f64,
    /// Distance, point, normal, first tangent.
    pub contacts: Vec<Vec<f64>>,
}

fn shape(name: &str) -> Shape {
    match name {
        "plane" => Shape::Plane,
        "sphere" => Shape::Sphere,
        "capsule" => Shape::Capsule,
        "ellipsoid" => Shape::Ellipsoid,
        "cylinder" => Shape::Cylinder,
        "box" => Shape::Box,
        _ => Shape::Mesh(0),
    }
}

fn hull(v: &Value) -> Hull {
    let vertices = numbers(&v["vertices"]).chunks(3).map(|v| [v[0], v[1], v[2]]).collect();
    let face = |f: &Value| numbers(f).iter().map(|k| *k as u32).collect();
    Hull::new(vertices, v["faces"].as_array().unwrap().iter().map(face).collect())
}

fn placed(v: &Value, hull: Option<&'static Hull>) -> Placed<'static, f64> {
    let (mut size, place, q) = (numbers(&v[0]), numbers(&v[1]), numbers(&v[2]));
    size.resize(3, 0.0);
    Placed {
        position: Vec3::new(place[0], place[1], place[2]),
        rotation: Quat::new(q[0], q[1], q[2], q[3]).normalized().to_matrix(),
        size: Vec3::new(size[0], size[1], size[2]),
        hull,
    }
}

/// Every recorded meeting of shapes that have closed formulas.
pub fn meetings() -> Vec<Meeting> {
    read("collision")
}

/// The meetings of a file.
pub fn read(name: &str) -> Vec<Meeting> {
    let path = format!("{}/tests/recorded/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(file["mujoco"], "4.0.0");
    let hulls: &'static [Hull] =
        file["hulls"].as_array().unwrap().iter().map(hull).collect::<Vec<_>>().leak();
    let mut out = Vec::new();
    for pair in file["pairs"].as_array().unwrap() {
        let names = [0, 1].map(|k| pair["pair"][k].as_str().unwrap());
        for v in pair["poses"].as_array().unwrap() {
            let of = |k: &Value| k.as_u64().map(|k| &hulls[k as usize]);
            let second = of(&v["hull"]).or(of(&v["hulls"][1]));
            out.push(Meeting {
                names: names.join("–"),
                shapes: (shape(names[0]), shape(names[1])),
                placed: [placed(&v["first"], of(&v["hulls"][0])), placed(&v["second"], second)],
                reach: pair["margin"].as_f64().unwrap(),
                contacts: v["contacts"].as_array().unwrap().iter().map(numbers).collect(),
            });
        }
    }
    out
}

impl Meeting {
    pub fn features(&self) -> Vec<Feature> {
        let mut out = Vec::new();
        features(self.shapes, &self.placed[0], &self.placed[1], self.reach, &mut out);
        out
    }
}

#[test]
fn two_shapes_touch_where_mujoco_says_and_in_its_order() {
    let mut worst: std::collections::BTreeMap<String, (f64, usize, usize)> = Default::default();
    let mut wrong = Vec::new();
    for (k, m) in meetings().iter().enumerate() {
        let ours: Vec<Vec<f64>> = m
            .features()
            .iter()
            .map(|f| {
                let t = touch(*f, &m.placed[0], &m.placed[1]);
                let [n, t1, _] = t.frame.map(Vec3::to_array);
                [vec![t.distance], t.point.to_array().to_vec(), n.to_vec(), t1.to_vec()].concat()
            })
            .collect();
        let entry = worst.entry(m.names.clone()).or_default();
        entry.1 += 1;
        entry.2 += m.contacts.len();
        let error = ours
            .concat()
            .iter()
            .zip(m.contacts.concat())
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, |m: f64, e| if e.is_nan() { f64::INFINITY } else { m.max(e) });
        // A round axis that is almost along the plane's normal hardly knows where across is.
        let axes = m.placed.map(|p| p.rotation.z);
        let across = match m.shapes {
            (Shape::Plane, Shape::Capsule | Shape::Cylinder) => axes[0].cross(axes[1]).norm(),
            _ => 1.0,
        };
        let error = error * across;
        let same = ours.len() == m.contacts.len() && error <= 1e-12;
        entry.0 = entry.0.max(error);
        if !same {
            wrong.push((k, m.names.clone()));
            if wrong.iter().filter(|w| w.1 == m.names).count() <= 3 {
                println!("{k} {}: {} contacts of {}, {error:.1e}", m.names, ours.len(), m.contacts.len());
                for (a, b) in ours.iter().zip(&m.contacts) {
                    println!("  ours   {:.6?}\n  theirs {:.6?}", &a[..7], &b[..7]);
                }
            }
        }
    }
    for (names, (error, poses, contacts)) in worst {
        let count = wrong.iter().filter(|w| w.1 == names).count();
        println!("{names:20} {poses:5} poses {contacts:5} contacts, worst {error:8.1e}, {count} wrong");
    }
    assert!(wrong.is_empty(), "{} meetings are not those of MuJoCo: see above", wrong.len());
}

fn shape_at(size: [f64; 3], place: [f64; 3], euler: [f64; 3]) -> Placed<'static, f64> {
    let turn = |k: usize| Quat::from_axis_angle(Vec3::unit(k), euler[k].to_radians());
    Placed {
        position: Vec3::from(place),
        rotation: (turn(0) * turn(1) * turn(2)).to_matrix(),
        size: Vec3::from(size),
        hull: None,
    }
}

/// Distance and point of every contact, and the last frame.
fn contacts(shapes: (Shape, Shape), placed: [Placed<'static, f64>; 2], reach: f64) -> (Vec<f64>, Vec<f64>) {
    let m = Meeting { names: String::new(), shapes, placed, reach, contacts: Vec::new() };
    let (mut out, mut frame) = (Vec::new(), Vec::new());
    for f in m.features() {
        let t = touch(f, &m.placed[0], &m.placed[1]);
        out.push(t.distance);
        out.extend(t.point.to_array());
        frame = t.frame.iter().flat_map(|v| v.to_array()).collect();
    }
    (out, frame)
}

/// The golden numbers have fifteen digits.
fn assert_golden(ours: &[f64], golden: &[f64]) {
    let error = difference(ours, golden);
    assert!(error <= 5e-14, "{ours:?} instead of {golden:?}, relative error {error:.1e}");
}

#[test]
fn the_golden_boxes_touch_edge_on_edge() {
    let boxes = [
        shape_at([0.1, 0.2, 0.3], [0.0; 3], [0.0; 3]),
        shape_at([0.2, 0.15, 0.3], [0.15, 0.1, 0.55], [10.0, 20.0, 30.0]),
    ];
    let (contact, frame) = contacts((Shape::Box, Shape::Box), boxes, 0.0);
    let golden = [-0.0687986443262602, 0.0916019851738738, 0.00230989348599158, 0.266641542118033];
    assert_golden(&contact, &golden);
    assert_golden(&frame[..3], &[0.244133148505099, 0.0, 0.969741721181979]);
}

#[test]
fn the_golden_shapes_lie_on_a_plane() {
    let on_plane = |shape: Shape, size: [f64; 3], height: f64| {
        let plane = shape_at([0.0; 3], [0.0; 3], [0.0; 3]);
        let other = shape_at(size, [0.1, 0.2, height], [80.0, 20.0, 30.0]);
        contacts((Shape::Plane, shape), [plane, other], 0.2)
    };
    let (capsule, frame) = on_plane(Shape::Capsule, [0.05, 0.2, 0.0], 0.1);
    assert_golden(
        &capsule,
        &[
            0.082635182233307,
            0.168404028665134,
            0.0149166843203354,
            0.0413175911166535,
            0.017364817766693,
            0.0315959713348663,
            0.385083315679665,
            0.00868240888334652,
        ],
    );
    assert_golden(&frame[3..6], &[0.346666517896648, -0.937988446287806, 0.0]);
    let (cylinder, frame) = on_plane(Shape::Cylinder, [0.05, 0.2, 0.0], 0.12);
    assert_golden(
        &cylinder,
        &[
            0.0380349682327909,
            0.034424352581302,
            0.37743045971033,
            0.0190174841163954,
            0.103305332699405,
            0.17123240991157,
            0.00726382835100059,
            0.0516526663497024,
            0.112029742533644,
            0.0707978718587252,
            0.403920844221332,
            0.0560148712668221,
            0.112029742533644,
            -0.0104343104354284,
            0.373898643107333,
            0.0560148712668221,
        ],
    );
    assert_golden(&frame[3..6], &[0.0, 1.0, 0.0]);
    let (solid, _) = on_plane(Shape::Box, [0.1, 0.05, 0.08], 0.1);
    assert_golden(
        &solid,
        &[
            -0.00127923990928029,
            0.0147509359186569,
            0.237082511196701,
            -0.000639619954640146,
            0.0869146821966962,
            0.177510472188532,
            0.31278697247066,
            0.0434573410983481,
            0.0869771720166583,
            -0.0322336951206385,
            0.235279680073072,
            0.0434885860083291,
            0.0248289058773653,
            0.0694741588507638,
            0.0890158586529698,
            0.0124144529386826,
        ],
    );
    let (ellipsoid, _) = on_plane(Shape::Ellipsoid, [0.1, 0.05, 0.08], 0.07);
    assert_golden(&ellipsoid, &[0.006264222333738, 0.0543567631050335, 0.189598400220659, 0.003132111166869]);
}

#[test]
fn the_twelve_triangles_of_a_box_make_six_faces() {
    let corner = |k: usize, at: usize| if k >> at & 1 == 1 { 0.1 } else { -0.1 };
    let vertices: Vec<[f64; 3]> = (0..8).map(|k| [corner(k, 0), 2.0 * corner(k, 1), corner(k, 2)]).collect();
    let triangles = mesh::hull(&vertices).unwrap();
    let hull = Hull::from_triangles(vertices, &triangles);
    assert_eq!((triangles.len(), hull.faces.len()), (12, 6));
    for face in &hull.faces {
        assert_eq!(face.corners.len(), 4);
        // Outward, and across every corner.
        for k in &face.corners {
            let height = face.normal.dot(Vec3::from(hull.vertices[*k as usize]));
            assert!((height - face.normal.map(f64::abs).dot(Vec3::new(0.1, 0.2, 0.1))).abs() < 1e-15);
        }
    }
}
