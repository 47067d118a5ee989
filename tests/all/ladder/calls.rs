//! Rung 19: calls of the library that users of MuJoCo look for, against its answers (`record_calls.py`).

use std::cell::{Cell, RefCell};

use costate::model::{Input, Model, State};
use costate::number::{Lanes, Real};
use costate::physics::articulated::inverse_dynamics::project;
use costate::physics::articulated::jacobian::jacobian;
use costate::physics::{Cotangents, Engine, Stage, StepBackward, acceleration, inverse, inverse_pullback};
use costate::sense::{contact_wrenches, contact_wrenches_pullback};
use costate::spatial::{Force, Motion, Vec3};
use serde_json::Value;

use super::sensors::sensed;
use crate::recorded::{Recorded, Table, difference, numbers, root, situation};

/// The recorded models, with the states and what MuJoCo answers there.
fn asked() -> impl Iterator<Item = (Recorded, Vec<(Value, Value)>)> {
    let path = root().join("tests/recorded/calls.json");
    let all: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(all["mujoco"], "4.0.0");
    sensed().into_iter().enumerate().map(move |(k, r)| {
        let case = &all["cases"][k];
        assert_eq!(case["name"], r.name);
        let states = r.values["states"].as_array().unwrap().iter().cloned();
        let pairs = states.zip(case["states"].as_array().unwrap().iter().cloned()).collect();
        (r, pairs)
    })
}

fn six(w: &Force<f64>) -> [f64; 6] {
    let (f, t) = (w.force, w.torque);
    [f.x, f.y, f.z, t.x, t.y, t.z]
}

#[test]
fn inverse_dynamics_jacobians_and_contact_wrenches_are_those_of_mujoco() {
    let mut table = Table::default();
    let mut touched = 0;
    for (r, states) in asked() {
        let (model, nv) = (&r.model, r.model.topology.nv);
        let mut stage = Stage::new(model);
        for (k, (v, answer)) in states.iter().enumerate() {
            let place = format!("{} state {k}", r.name);
            let mut compare = |field: &'static str, ours: &[f64]| {
                table.add(field, difference(ours, &numbers(&answer[field])), place.clone());
            };
            let (state, input) = situation(model, v);
            acceleration(model, &state, &input, &mut stage);
            let mut wrenches = vec![Force::zero(); model.bodies.len()];
            contact_wrenches(model, &stage, false, &mut wrenches);
            touched += wrenches.iter().filter(|w| w.force.norm() > 0.0).count();
            compare("contact", &wrenches.iter().flat_map(six).collect::<Vec<_>>());

            let local = Vec3::from([0, 1, 2].map(|i| numbers(&answer["local"])[i]));
            let mut columns = vec![Motion::zero(); nv];
            let body = answer["body"].as_u64().unwrap() as usize;
            jacobian(model, &stage.links, body, local, &mut columns);
            let row = |k: usize, of: fn(&Motion<f64>) -> Vec3<f64>| {
                columns.iter().map(move |c| of(c).to_array()[k])
            };
            compare("jacp", &(0..3).flat_map(|k| row(k, |c| c.linear)).collect::<Vec<_>>());
            compare("jacr", &(0..3).flat_map(|k| row(k, |c| c.angular)).collect::<Vec<_>>());

            // MuJoCo's force is all that is not passive: the actuators' share and what is applied too.
            let unapplied = Input { u: input.u, ..Input::zero(model) };
            let mut tau = vec![0.0; nv];
            inverse(model, &state, &unapplied, &numbers(&answer["qacc"]), &mut stage, &mut tau);
            tau.iter_mut().zip(&stage.actuation.total).for_each(|(tau, u)| *tau += u);
            compare("qfrc_inverse", &tau);
        }
    }
    println!("{touched} bodies touch something");
    assert!(touched > 50);
    table.check(|field| if field == "contact" { 1e-9 } else { 1e-11 });
}

#[test]
fn a_motion_asks_for_exactly_the_force_that_causes_it() {
    let mut worst: f64 = 0.0;
    for (r, states) in asked() {
        let (model, nv) = (&r.model, r.model.topology.nv);
        let mut stage = Stage::new(model);
        for (v, _) in &states {
            let (state, input) = situation(model, v);
            acceleration(model, &state, &input, &mut stage);
            let (a, mut tau) = (stage.a.clone(), vec![0.0; nv]);
            let unforced = Input { force: vec![0.0; nv], ..input.clone() };
            inverse(model, &state, &unforced, &a, &mut stage, &mut tau);
            // As large as the forces that cancel in it.
            let scale = stage.total.iter().chain(&input.force).fold(1.0, |m: f64, x| m.max(x.abs()));
            let error = tau.iter().zip(&input.force).fold(0.0, |m: f64, (t, f)| m.max((t - f).abs()));
            worst = worst.max(error / scale);
        }
    }
    println!("worst {worst:.1e}");
    assert!(worst < 1e-10);
}

#[test]
fn the_contact_wrench_of_a_body_with_all_that_hangs_on_it_is_the_sum_about_its_center() {
    for (r, states) in asked() {
        let model = &r.model;
        let mut stage = Stage::new(model);
        for (v, _) in &states {
            let (state, input) = situation(model, v);
            acceleration(model, &state, &input, &mut stage);
            let mut alone = vec![Force::zero(); model.bodies.len()];
            let mut all = alone.clone();
            contact_wrenches(model, &stage, false, &mut alone);
            contact_wrenches(model, &stage, true, &mut all);
            for b in 1..alone.len() {
                let center = stage.links.bodies[b].center;
                let mut sum = Force::zero();
                for (k, w) in alone.iter().enumerate().skip(1) {
                    let mut above = k;
                    while above > b {
                        above = model.topology.bodies[above].parent;
                    }
                    if above == b {
                        let lever = stage.links.bodies[k].center - center;
                        sum += *w + Force::new(lever.cross(w.force), Vec3::zero());
                    }
                }
                // As large as the forces that cancel in it.
                let scale = alone.iter().flat_map(six).fold(1.0, |m: f64, x| m.max(x.abs()));
                let error = difference(&six(&(all[b] - sum)), &[0.0; 6]) * 1e-3 / scale;
                assert!(error < 1e-13, "{} body {b}: {error:.1e}", r.name);
            }
            assert_eq!(six(&all[0]), [0.0; 6]);
        }
    }
}

#[test]
fn a_force_at_a_point_is_its_jacobian_transposed_times_the_force() {
    let (r, states) = asked().nth(1).unwrap();
    let (model, nv) = (&r.model, r.model.topology.nv);
    let mut stage = Stage::new(model);
    let (state, input) = situation(model, &states[0].0);
    acceleration(model, &state, &input, &mut stage);
    let (local, push) =
        (Vec3::new(0.1, -0.2, 0.3), Force::new(Vec3::new(0.3, 0.1, -0.5), Vec3::new(2.0, -1.0, 4.0)));
    for b in 1..model.bodies.len() {
        let mut columns = vec![Motion::zero(); nv];
        jacobian(model, &stage.links, b, local, &mut columns);
        let ours: Vec<f64> = columns.iter().map(|c| c.dot(push)).collect();
        let offset = stage.links.point(b, local) - stage.links.bodies[b].origin;
        let mut wrench = vec![Force::zero(); model.bodies.len()];
        wrench[b] = Force::at(offset, push.force) + Force::new(push.torque, Vec3::zero());
        let mut tau = vec![0.0; nv];
        project(model, &stage.links, &mut wrench, &mut tau);
        assert!(difference(&ours, &tau) < 1e-13);
    }
}

/// Inverse dynamics and contact wrenches with some derivatives of theirs.
fn everything<R: Engine>(model: &Model<R>, state: &State<R>, input: &Input<R>) -> [Vec<R>; 2] {
    let (n, bodies) = (model.topology.nv, model.bodies.len());
    let weight: Vec<R> = (0..n).map(|i| R::from_f64((0.7 * i as f64).cos())).collect();
    let (mut stage, mut back) = (Stage::new(model), StepBackward::new(model));
    let (mut tau, mut by_a) = (vec![R::zero(); n], vec![R::zero(); n]);
    let mut out = Cotangents::zero(model, input);
    inverse(model, state, input, &weight, &mut stage, &mut tau);
    inverse_pullback(model, state, input, &stage, &weight, &mut back, (&mut by_a, &mut out));
    let explicit = [tau, by_a, out.state.q, out.state.v].concat();
    let mut out = Cotangents::zero(model, input);
    let mut wrenches = vec![Force::zero(); bodies];
    let w = vec![Force::new(Vec3::unit(0), Vec3::unit(2)); bodies];
    acceleration(model, state, input, &mut stage);
    contact_wrenches(model, &stage, true, &mut wrenches);
    let own = (&mut back, &mut out);
    contact_wrenches_pullback(model, state, input, &stage, true, (&wrenches, &w), own);
    let flat = wrenches.iter().flat_map(|w| [w.torque.to_array(), w.force.to_array()].concat());
    [explicit, [flat.collect(), out.state.q, out.state.v].concat()]
}

#[test]
fn eight_worlds_at_once_give_the_answers_of_eight_single_worlds() {
    for (r, states) in asked() {
        let worlds: Vec<_> = states.iter().map(|(v, _)| situation(&r.model, v)).collect();
        let alone: Vec<_> = worlds.iter().map(|(s, i)| everything(&r.model, s, i)).collect();
        // The numbers of all worlds, in the order in which `map` asks for them.
        let numbers = worlds.iter().map(|(s, i)| {
            let list = RefCell::new(Vec::new());
            let keep = |x: f64| {
                list.borrow_mut().push(x);
                x
            };
            s.map(keep);
            i.map(keep);
            list.into_inner()
        });
        let numbers: Vec<Vec<f64>> = numbers.collect();
        let next = Cell::new(0);
        let gather = |_: f64| {
            let n = next.replace(next.get() + 1);
            Lanes::from_lanes(|k| numbers[k][n])
        };
        let (state, input) = (worlds[0].0.map(gather), worlds[0].1.map(gather));
        let together = everything(&r.model.map(Lanes::splat), &state, &input);
        for (k, alone) in alone.iter().enumerate() {
            for (part, tolerance) in [(0, 1e-13), (1, 1e-8)] {
                let lane: Vec<f64> = together[part].iter().map(|x| x.lane(k)).collect();
                let error = difference(&lane, &alone[part]);
                assert!(error <= tolerance, "{} world {k} part {part}: {error:.1e}", r.name);
            }
        }
    }
}
