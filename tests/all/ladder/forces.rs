//! Rungs 7, 8 and 10 to 16: rows, forces and motions of what is limited, rubs, is tied or touches.

use costate::model::Model;
use costate::physics::constraint::{Block, Constraint, Origin, law::Law};
use costate::physics::{Record, Stage, acceleration, derive, step};
use serde_json::Value;

use super::super::recorded::{Recorded, Table, constrained, difference, numbers, situation};

fn weight(law: &Law<f64>) -> f64 {
    match *law {
        Law::Quadratic { weight }
        | Law::Friction { weight, .. }
        | Law::OneSided { weight }
        | Law::Pyramid { weight, .. }
        | Law::Elliptic { weight, .. } => weight,
    }
}

fn list(v: &Value) -> Vec<Vec<f64>> {
    v.as_array().unwrap().iter().map(numbers).collect()
}

fn of_contact(block: &&Block<f64>) -> bool {
    matches!(block.origin, Origin::Contact(_))
}

/// Geoms, distance, point, frame and force of every contact that acts.
fn contacts(c: &Constraint<f64>) -> Vec<Vec<f64>> {
    let flat = |contact: &costate::physics::constraint::Contact<f64>| {
        let t = &contact.touch;
        let mut out = contact.candidate.geoms.map(|g| g as f64).to_vec();
        out.push(t.distance);
        out.extend([t.point].iter().chain(&t.frame).flat_map(|v| v.to_array()));
        out.extend([0.0; 6]);
        out
    };
    let mut out: Vec<Vec<f64>> = c.contacts.list.iter().map(flat).collect();
    for block in c.rows.blocks.iter().filter(of_contact) {
        let Origin::Contact(k) = block.origin else { continue };
        out[k][15..15 + block.count].copy_from_slice(&c.force[block.rows()]);
    }
    let acts = |k: usize| c.contacts.list[k].touch.distance < c.contacts.list[k].numbers.margin;
    out.into_iter().enumerate().filter(|(k, _)| acts(*k)).map(|(_, contact)| contact).collect()
}

/// Velocity, reference, weight and force of every row but those of contacts. A turn of two frames has the
/// sign of `signs`: it is that of a quaternion, which nothing determines.
fn rows(c: &Constraint<f64>, v: &[f64], signs: &[f64]) -> [Vec<f64>; 4] {
    let mut velocity = vec![0.0; c.rows.count()];
    c.rows.times(v, &mut velocity);
    let mut out: [Vec<f64>; 4] = Default::default();
    for block in c.rows.blocks.iter().filter(|b| !of_contact(b)) {
        let range = block.rows();
        let reference = &c.rows.reference[range.clone()];
        let theirs = signs.get(range.clone()).unwrap_or(&[]);
        let dot: f64 = reference.iter().zip(theirs).map(|(a, b)| a * b).sum();
        let sign = if matches!(block.origin, Origin::Turn(_)) && dot < 0.0 { -1.0 } else { 1.0 };
        for k in range {
            out[0].push(sign * velocity[k]);
            out[1].push(sign * c.rows.reference[k]);
            out[2].push(weight(&block.law));
            out[3].push(sign * c.force[k]);
        }
    }
    out
}

/// The largest relative error of single entries.
fn entrywise(ours: &[f64], theirs: &[f64]) -> f64 {
    ours.iter().zip(theirs).fold(0.0, |m: f64, (a, b)| m.max(difference(&[*a], &[*b])))
}

/// Forces on a pyramid whose friction is the least there is, 1e-5, have lost ten digits: its edges are 1e10
/// times as stiff as its normal. The acceleration has not.
fn lost(place: &str) -> f64 {
    if place.starts_with("slippery") { 1e-5 } else { 1.0 }
}

fn compare_contacts(table: &mut Table, ours: &[Vec<f64>], v: &Value, cone: usize, place: &str) {
    let theirs = list(&v["contacts"]);
    let geoms = |list: &[Vec<f64>]| list.iter().map(|c| [c[0], c[1]]).collect::<Vec<_>>();
    if geoms(ours) != geoms(&theirs) {
        println!("{place}: contacts of {:?} instead of {:?}", geoms(ours), geoms(&theirs));
        return table.add("contact list", f64::INFINITY, place);
    }
    let part = |list: &[Vec<f64>], range: std::ops::Range<usize>| -> Vec<f64> {
        list.iter().flat_map(|c| c[range.clone()].to_vec()).collect()
    };
    for (name, range) in [("contact dist", 2..3), ("contact pos", 3..6), ("contact frame", 6..15)] {
        table.add(name, difference(&part(ours, range.clone()), &part(&theirs, range)), place);
    }
    let force = ["contact force, pyramid", "contact force, cone"][cone];
    table.add(force, lost(place) * difference(&part(ours, 15..21), &part(&theirs, 15..21)), place);
}

fn compare_state(table: &mut Table, r: &Recorded, v: &Value, place: &str) {
    let model = derive::compile(&r.with(v));
    let cone = usize::from(model.topology.elliptic);
    let (state, input) = situation(&model, v);
    let mut stage = Stage::new(&model);
    acceleration(&model, &state, &input, &mut stage);
    let c = &stage.constraint;
    assert!(c.converged, "{place}");
    compare_contacts(table, &contacts(c), v, cone, place);
    let theirs = ["vel", "aref", "R", "force"].map(|f| numbers(&v[f]));
    let ours = rows(c, &state.v, &theirs[1]);
    if ours[0].len() == theirs[0].len() {
        table.add("efc_vel", difference(&ours[0], &theirs[0]), place);
        table.add("efc_aref", difference(&ours[1], &theirs[1]), place);
        let inverse: Vec<f64> = theirs[2].iter().map(|r| 1.0 / r).collect();
        table.add("1/efc_R", entrywise(&ours[2], &inverse), place);
        let field = ["efc_force, pyramid", "efc_force, cone"][cone];
        table.add(field, difference(&ours[3], &theirs[3]), place);
    } else {
        println!("{place}: {} rows instead of {}", ours[0].len(), theirs[0].len());
        table.add("rows", f64::INFINITY, place);
    }
    let mut total = vec![0.0; model.topology.nv];
    c.rows.add_transposed(&c.force, &mut total);
    let field = ["qfrc_constraint, pyramid", "qfrc_constraint, cone"][cone];
    table.add(field, lost(place) * difference(&total, &numbers(&v["qfrc_constraint"])), place);
    let field = ["qacc, pyramid", "qacc, cone"][cone];
    table.add(field, difference(&stage.a, &numbers(&v["qacc"])), place);
    let (mut record, mut next) = (Record::new(&model), state.clone());
    step(&model, &state, &input, &mut record, &mut next);
    let ours = [&next.q[..], &next.v, &next.act].concat();
    let theirs = ["qpos", "qvel", "act"].iter().flat_map(|f| numbers(&v["after1"][*f])).collect::<Vec<_>>();
    let field = ["one step, pyramid", "one step, cone"][cone];
    table.add(field, difference(&ours, &theirs), place);
}

#[test]
fn rows_contacts_and_forces_of_constraints_are_those_of_mujoco() {
    let mut table = Table::default();
    let (mut touching, mut states) = (0, 0);
    for r in constrained() {
        for (k, v) in r.values["states"].as_array().unwrap().iter().enumerate() {
            compare_state(&mut table, &r, v, &format!("{} state {k}", r.name));
            touching += usize::from(!v["contacts"].as_array().unwrap().is_empty());
            states += 1;
        }
    }
    println!("{states} states, {touching} of them in contact");
    assert!(touching >= 500);
    table.check(|field| match field {
        "contact force, cone" | "efc_force, cone" | "qfrc_constraint, cone" => 1e-7,
        "qacc, cone" | "one step, cone" => 1e-8,
        "contact force, pyramid" | "efc_force, pyramid" | "qfrc_constraint, pyramid" => 1e-9,
        "qacc, pyramid" | "one step, pyramid" => 1e-10,
        _ => 1e-12,
    });
}

/// The largest error after each mark of a recorded motion.
fn motion(model: &Model<f64>, v: &Value) -> Vec<f64> {
    let (mut state, mut input) = situation(model, v);
    let (mut record, mut next) = (Record::new(model), state.clone());
    let (controls, ends, marks) = (list(&v["controls"]), list(&v["ends"]), numbers(&v["marks"]));
    let mut out = Vec::new();
    for k in 0..marks[marks.len() - 1] as usize {
        input.u.copy_from_slice(&controls[k % controls.len()]);
        step(model, &state, &input, &mut record, &mut next);
        std::mem::swap(&mut state, &mut next);
        if (k + 1) as f64 == marks[out.len()] {
            let ours = [&state.q[..], &state.v, &state.act].concat();
            out.push(difference(&ours, &ends[out.len()]));
        }
    }
    out
}

#[test]
fn motions_in_contact_are_those_of_mujoco() {
    let mut table = Table::default();
    for r in constrained() {
        for v in r.values["paths"].as_array().unwrap() {
            let model = derive::compile(&r.with(v));
            let growth = numbers(&v["growth"]);
            for (k, error) in motion(&model, v).into_iter().enumerate() {
                let steps = ["60 steps", "100 steps", "200 steps"][if growth.len() == 1 { 1 } else { 2 * k }];
                let cone = if model.topology.elliptic { "cone" } else { "pyramid" };
                let field: &'static str = format!("{steps}, {cone}").leak();
                let place = format!("{} {} growth {:.0e}", r.name, v["integrator"], growth[k]);
                // A motion that doubles an error every few steps says nothing.
                if growth[k] < 1e4 {
                    table.add(field, error / growth[k].max(1.0), place);
                }
            }
        }
    }
    table.check(|field| match field {
        "60 steps, pyramid" => 1e-10,
        "100 steps, pyramid" => 1e-9,
        "200 steps, pyramid" => 1e-8,
        "60 steps, cone" => 1e-8,
        _ => 1e-6,
    });
}
