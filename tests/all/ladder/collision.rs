//! Rung 9: where two shapes touch, against MuJoCo's recorded contacts (`record_collision.py`).

use costate::model::Hull;
use costate::model::description::Shape;
use costate::physics::contact::{Feature, Placed, features, touch};
use costate::spatial::{Quat, Vec3};
use serde_json::Value;

/// A recorded pair of placed shapes.
pub struct Meeting {
    pub names: String,
    pub shapes: (Shape, Shape),
    pub placed: [Placed<'static, f64>; 2],
    pub reach: f64,
    /// Distance, point, normal, first tangent.
    pub contacts: Vec<Vec<f64>>,
}

fn numbers(v: &Value) -> Vec<f64> {
    v.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
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

/// Every recorded meeting.
pub fn meetings() -> Vec<Meeting> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recorded/collision.json");
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(file["mujoco"], "4.0.0");
    let hulls: &'static [Hull] =
        file["hulls"].as_array().unwrap().iter().map(hull).collect::<Vec<_>>().leak();
    let mut out = Vec::new();
    for pair in file["pairs"].as_array().unwrap() {
        let names = [0, 1].map(|k| pair["pair"][k].as_str().unwrap());
        for v in pair["poses"].as_array().unwrap() {
            let hull = v["hull"].as_u64().map(|k| &hulls[k as usize]);
            out.push(Meeting {
                names: names.join("–"),
                shapes: (shape(names[0]), shape(names[1])),
                placed: [placed(&v["first"], None), placed(&v["second"], hull)],
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
