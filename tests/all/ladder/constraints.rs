//! Rungs 6, 7 and 10: what constraints and contacts are compiled into.

use costate::model::description::Description;
use costate::model::{Candidate, Equality, Model, Tie, touch};
use costate::physics::derive;
use costate::spatial::Quat;
use serde_json::Value;

use super::super::recorded::{Table, difference, numbers, root};
use super::described;

/// The recorded cases: name, description, MuJoCo's numbers.
pub fn cases() -> Vec<(String, Description, Value)> {
    let path = root().join("tests/recorded/constraints_model.json");
    let all: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(all["mujoco"], "4.0.0");
    let case = |case: &Value| {
        let text = |key: &str| case[key].as_str().unwrap().to_owned();
        (text("name"), described(&text("xml")), case.clone())
    };
    all["cases"].as_array().unwrap().iter().map(case).collect()
}

/// Our numbers in MuJoCo's order, as far as the kind of equality has them.
fn data(e: &Equality<f64>, tie: Tie, sites: bool, theirs: &[f64]) -> Vec<f64> {
    let mut out = theirs.to_vec();
    let [first, second] = e.frames.map(|f| f.position.to_array());
    match tie {
        Tie::Point(_) if sites => {}
        Tie::Point(_) => out[..6].copy_from_slice(&[first, second].concat()),
        Tie::Frame(_) => {
            out[10] = e.torque_scale;
            if !sites {
                let quat = |q: [f64; 4]| Quat::from(q).to_array();
                let q = quat(e.frames[0].rotation.to_array());
                out[..6].copy_from_slice(&[second, first].concat());
                out[6..10].copy_from_slice(&q);
            }
        }
        Tie::Joints(..) | Tie::Tendons(..) => out[..5].copy_from_slice(&e.polynomial),
    }
    out
}

#[test]
fn equalities_hold_where_mujoco_says_that_they_hold() {
    let mut table = Table::default();
    for (name, d, theirs) in cases().iter().filter(|(_, _, v)| v.get("eq_data").is_some()) {
        let model = derive::compile(d);
        let expected = numbers(&theirs["eq_data"]);
        let (solref, solimp) = (numbers(&theirs["eq_solref"]), numbers(&theirs["eq_solimp"]));
        for (k, e) in model.equalities.iter().enumerate() {
            let row = &expected[12 * k..12 * (k + 1)];
            let layout = &model.topology.equalities[k];
            let sites = name.ends_with("of_sites");
            table.add("eq_data", difference(&data(e, layout.tie, sites, row), row), name.clone());
            table.add("eq_solref", difference(&e.solref, &solref[2 * k..2 * k + 2]), name.clone());
            table.add("eq_solimp", difference(&e.solimp, &solimp[5 * k..5 * k + 5]), name.clone());
            assert_eq!(f64::from(u8::from(layout.active)), numbers(&theirs["eq_active0"])[k], "{name}");
        }
        let c = &model.constants;
        let mut compare = |field: &'static str, ours: &[f64]| {
            table.add(field, difference(ours, &numbers(&theirs[field])), name.clone());
        };
        compare("body_invweight0", &c.body_invweight.concat());
        compare("dof_invweight0", &c.dof_invweight);
        compare("tendon_invweight0", &c.tendon_invweight);
        compare("tendon_length0", &c.tendon_length);
    }
    table.check(|_| 1e-13);
}

/// Where the frames of an equality are in the world at the reference configuration.
#[test]
fn a_weld_without_a_stated_pose_is_closed_at_the_reference_configuration() {
    use costate::model::State;
    use costate::physics::articulated::{Links, kinematics};
    for (name, d, _) in cases() {
        let model = derive::compile(&d);
        let mut links = Links::new(&model);
        kinematics(&model, &State::reference(&model), &mut links);
        for (e, layout) in model.equalities.iter().zip(&model.topology.equalities) {
            let (Tie::Point(bodies) | Tie::Frame(bodies)) = layout.tie else { continue };
            if layout.found.is_none() {
                continue;
            }
            let places = [0, 1].map(|k| links.point(bodies[k], e.frames[k].position));
            let turns = [0, 1].map(|k| links.bodies[bodies[k]].quat * e.frames[k].rotation);
            assert!((places[1] - places[0]).norm() < 1e-14, "{name}");
            let apart = (turns[0].conjugate() * turns[1]).log().norm();
            assert!(apart < 1e-14 || matches!(layout.tie, Tie::Point(_)), "{name}: {apart}");
        }
    }
}

fn numbers_of(model: &Model<f64>, c: &Candidate) -> [Vec<f64>; 5] {
    let t = touch(model, c);
    [vec![t.margin], t.friction.into(), t.solref.into(), t.solref_friction.into(), t.solimp.into()]
}

#[test]
fn geoms_touch_in_the_pairs_the_order_and_with_the_numbers_of_mujoco() {
    let mut table = Table::default();
    let mut contacts = 0;
    for (name, d, theirs) in cases().iter().filter(|(_, _, v)| v.get("geoms").is_some()) {
        let model = derive::compile(d);
        let candidates = model.topology.candidates.as_ref().unwrap();
        let pairs: Vec<f64> = candidates.iter().flat_map(|c| c.geoms.map(|g| g as f64)).collect();
        assert_eq!(pairs, numbers(&theirs["geoms"]), "{name}");
        let condim: Vec<f64> = candidates.iter().map(|c| c.condim as f64).collect();
        assert_eq!(condim, numbers(&theirs["dim"]), "{name}");
        let fields = ["includemargin", "friction", "solref", "solreffriction", "solimp"];
        for (k, field) in fields.into_iter().enumerate() {
            let ours: Vec<f64> = candidates.iter().flat_map(|c| numbers_of(&model, c)[k].clone()).collect();
            table.add(field, difference(&ours, &numbers(&theirs[field])), name.clone());
        }
        contacts += candidates.len();
    }
    println!("{contacts} contacts");
    assert!(contacts > 300);
    table.check(|_| 1e-15);
}

#[test]
fn a_broad_phase_that_asks_for_each_pair_finds_the_same_candidates() {
    for (name, d, _) in cases() {
        let t = derive::compile(&d).topology;
        let mut all: Vec<Candidate> = t.explicit_candidates().collect();
        // Pairs come in any order, and either way around.
        for a in (0..t.geoms.len()).rev() {
            all.extend((0..a).filter_map(|b| t.candidate(a, b)));
        }
        all.sort_by_key(|c| t.order(c));
        assert_eq!(Some(all), t.candidates, "{name}");
    }
}

#[test]
fn only_numbers_that_can_change_the_motion_are_parameters() {
    let model = |option: &str, rest: &str| {
        described(&format!(
            r#"<mujoco><option>{option}</option><worldbody><geom name="floor" type="plane" size="1 1 1"/>
            <body name="leg"><joint name="knee" range="-10 20" {rest}/><geom name="foot" size=".1" mass="1"/>
            <geom name="skin" size=".2" contype="0" conaffinity="0" mass="0"/></body>
            </worldbody></mujoco>"#
        ))
    };
    let names =
        |d: &Description| -> Vec<String> { derive::parameters(d).into_iter().map(|p| p.name).collect() };
    let has = |list: &[String], name: &str| list.iter().any(|n| n == name);
    let all = names(&model("", r#"frictionloss=".1""#));
    for name in [
        "geom.foot.friction[0]",
        "geom.foot.solref[0]",
        "geom.floor.margin",
        "geom.floor.pos[2]",
        "joint.knee.range[1]",
        "joint.knee.solreflimit[0]",
        "joint.knee.solimplimit[4]",
        "joint.knee.frictionloss",
        "option.impratio",
    ] {
        assert!(has(&all, name), "{name} is no parameter");
    }
    for name in [
        "geom.foot.friction[1]",
        "geom.foot.gap",
        "geom.skin.friction[0]",
        "joint.knee.solreffriction[1]",
        "joint.knee.solimpfriction[2]",
    ] {
        assert!(!has(&all, name), "{name} is a parameter");
    }
    let free = names(&model(r#"<flag constraint="disable"/>"#, r#"frictionloss=".1""#));
    assert!(!free.iter().any(|n| n.contains("sol") || n.contains("friction") || n.contains("impratio")));
    assert!(!has(&free, "geom.floor.pos[2]") && has(&free, "geom.foot.pos[2]"));
}

#[test]
fn a_body_that_only_slides_weighs_its_mass_if_its_inertial_frame_is_its_own() {
    let weight = |inside: &str| {
        let model = derive::compile(&described(&format!(
            r#"<mujoco><worldbody><body><joint type="slide"/>{inside}</body></worldbody></mujoco>"#
        )));
        derive::constants(&model).body_invweight[1][0] * model.bodies[1].mass
    };
    let own = [
        r#"<geom type="box" size=".1 .2 .3"/>"#,
        r#"<geom type="capsule" fromto="0 0 .06 0 0 -.06" size=".03"/>"#,
        r#"<geom size=".1" pos="0 0 .2"/><geom size=".1" pos="0 0 -.2"/>"#,
        r#"<inertial mass="1" pos="0 0 0" diaginertia="1 2 2.5" quat="-1 0 0 0"/>"#,
        r#"<inertial mass="1" pos="0 0 0" fullinertia="2.5 2 1 0 0 0"/>"#,
    ];
    let another = [
        r#"<geom type="box" size=".1 .2 .3" pos=".1 0 0"/>"#,
        r#"<geom type="capsule" fromto="0 0 -.06 0 0 .06" size=".03"/>"#,
        r#"<geom size=".1" pos=".2 0 0"/><geom size=".1" pos="-.2 0 0"/>"#,
        r#"<inertial mass="1" pos="0 0 0" diaginertia="1 2 2.5" quat="0 1 0 0"/>"#,
        r#"<inertial mass="1" pos="0 0 0" fullinertia="1 2 2.5 0 0 0"/>"#,
    ];
    assert!(own.iter().all(|inside| (weight(inside) - 1.0).abs() < 1e-14));
    assert!(another.iter().all(|inside| (weight(inside) - 1.0 / 3.0).abs() < 1e-14));
}
