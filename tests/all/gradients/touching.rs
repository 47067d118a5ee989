//! The same questions where bodies touch, are limited, rub or are tied.

use costate::model::{Input, State};
use costate::number::{Lanes, Real};
use costate::physics::{Stage, acceleration, derive};
use costate::rollout::Memory;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::super::recorded::{Recorded, constrained, numbers};
use super::curvature::{self, Entry};
use super::lanes::{Worlds, everything};
use super::{INTEGRATORS, Rollout, worst};

/// A rollout from a recorded state; every integrator has a state and a friction cone of its own.
fn rollout(r: &Recorded, number: usize, steps: usize) -> Rollout {
    let state = &r.values["states"][[1, 5, 10, 15][number] + usize::from(number == 1)];
    let mut description = r.with(state);
    description.option.integrator = INTEGRATORS[number];
    Rollout::at(description, state, steps)
}

/// Models whose derivatives are ill-conditioned by 1e10 on a pyramid: friction is the least there is.
const SLIPPERY: &str = "slippery";

#[test]
fn in_contact_the_adjoint_equals_dual_numbers_for_every_model_integrator_and_input() {
    let (mut failed, mut largest) = (false, 0.0f64);
    for r in constrained().iter().filter(|r| r.name != SLIPPERY) {
        for (number, integrator) in INTEGRATORS.into_iter().enumerate() {
            let (error, place) = worst(&rollout(r, number, 2));
            largest = largest.max(error);
            if error > 1e-11 {
                failed = true;
                println!("{:20} {integrator:?} {error:.1e} {place}", r.name);
            }
        }
    }
    println!("worst difference of adjoint and dual: {largest:.1e}");
    assert!(!failed, "see the table above");
}

#[test]
fn in_contact_every_memory_gives_the_same_gradient_to_the_last_bit() {
    for r in constrained() {
        for (number, integrator) in INTEGRATORS.into_iter().enumerate() {
            let rollout = rollout(&r, number, 5);
            let full = rollout.adjoint(Memory::Full);
            for memory in [Memory::Light, Memory::Bytes(1), Memory::Bytes(2000)] {
                let other = rollout.adjoint(memory);
                let same = full.1.iter().zip(&other.1).all(|(a, b)| a.to_bits() == b.to_bits());
                assert!(
                    same && full.0.to_bits() == other.0.to_bits(),
                    "{} {integrator:?} {memory:?}",
                    r.name
                );
            }
        }
    }
}

#[test]
fn in_contact_eight_lanes_equal_eight_single_worlds() {
    let mut largest: f64 = 0.0;
    let mut failed = false;
    for r in constrained().iter().filter(|r| r.name != SLIPPERY) {
        for number in [0, 2] {
            let rollout = rollout(r, number, 2);
            let mut worlds = Worlds::new(&rollout);
            let together =
                everything(&rollout, &mut |x| Lanes::new(worlds.vary(x).map(|y| x + 0.1 * (y - x))));
            for lane in [0, 3, 7] {
                let mut worlds = Worlds::new(&rollout);
                let alone = everything(&rollout, &mut |x| x + 0.1 * (worlds.vary(x)[lane] - x));
                let scale = alone.iter().fold(1.0, |m: f64, x| m.max(x.abs()));
                let errors = together.iter().zip(&alone).map(|(a, b)| (a.lane(lane) - b).abs() / scale);
                let error = errors.fold(0.0, |m, e| if e.is_nan() { f64::INFINITY } else { m.max(e) });
                largest = largest.max(error);
                if error > 1e-9 {
                    failed = true;
                    println!("{:20} {number} lane {lane}: {error:.1e}", r.name);
                }
            }
        }
    }
    println!("worst difference of lanes and single worlds: {largest:.1e}");
    assert!(!failed, "see the table above");
}

const STEPS: usize = 100;

/// A recorded motion of a robot, with its controls.
fn walk(r: &Recorded, number: usize) -> Rollout {
    let path = &r.values["paths"][number];
    let mut out = Rollout::at(r.with(path), path, STEPS);
    let controls: Vec<Vec<f64>> = path["controls"].as_array().unwrap().iter().map(numbers).collect();
    let model = derive::compile(&out.description);
    out.inputs = (0..STEPS)
        .map(|k| Input { u: controls[k % controls.len()].clone(), ..Input::zero(&model) })
        .collect();
    out
}

/// The largest error along eight random changes of some of the variables.
fn error_along(rollout: &Rollout, adjoint: &[f64], range: std::ops::Range<usize>) -> f64 {
    let mut random = Pcg64::seed_from_u64(5);
    let directions: Vec<[f64; 8]> =
        range.clone().map(|_| std::array::from_fn(|_| random.random_range(-1.0..1.0))).collect();
    let of = |k: usize| if range.contains(&k) { directions[k - range.start] } else { [0.0; 8] };
    let dual = rollout.along(of);
    let ours: [f64; 8] =
        std::array::from_fn(|i| directions.iter().zip(&adjoint[range.clone()]).map(|(d, a)| d[i] * a).sum());
    let scale = dual.iter().fold(f64::MIN_POSITIVE, |m, x| m.max(x.abs()));
    let errors = ours.iter().zip(&dual).map(|(a, b)| (a - b).abs() / scale);
    errors.fold(0.0, |m, e| if e.is_nan() { f64::INFINITY } else { m.max(e) })
}

#[test]
fn after_a_hundred_steps_on_the_floor_the_adjoint_still_equals_dual_numbers() {
    let mut failed = false;
    let robots =
        constrained().into_iter().filter(|r| r.values["model"].as_str().unwrap().starts_with("scenes"));
    for r in robots {
        for number in 0..r.values["paths"].as_array().unwrap().len() {
            let rollout = walk(&r, number);
            let adjoint = rollout.adjoint(Memory::Full).1;
            let (start, inputs) =
                (2 * rollout.start.v.len() + rollout.start.act.len(), rollout.parameters_from());
            let ranges = [0..start, start..inputs, inputs..adjoint.len()];
            let errors = ranges.map(|range| error_along(&rollout, &adjoint, range));
            let table = errors.map(|e| format!("{e:.1e}")).join(", ");
            println!(
                "{:10} {}: start, controls, parameters {table}",
                r.name, r.values["paths"][number]["integrator"]
            );
            failed |= errors.iter().any(|e| *e > 1e-9);
        }
    }
    assert!(!failed, "see the table above");
}

#[test]
fn in_contact_a_hessian_times_a_vector_is_the_difference_of_exact_gradients() {
    let some = [
        "sphere_on_plane",
        "box_on_plane",
        "sphere_box",
        "capsule_capsule",
        "pair_friction",
        "closed_chain",
        "ball_limits",
        "weld_anchored",
        "limits_of_spatial_tendons",
        "friction_of_joints",
        "wheels",
        "hopper",
    ];
    let mut largest: f64 = 0.0;
    for r in constrained().iter().filter(|r| some.contains(&r.name.as_str())) {
        for number in 0..2 {
            let rollout = rollout(r, number, 2);
            let Entry { error, variable, dual, difference } = curvature::worst(&rollout);
            largest = largest.max(error);
            if error > 1e-6 {
                let name = curvature::name(&rollout, variable);
                println!("{:20} {number} {error:.1e} {name}: {dual} instead of {difference}", r.name);
            }
        }
    }
    println!("worst error of a Hessian-vector product in contact: {largest:.1e}");
    assert!(largest <= 1e-6, "see the table above");
}

#[test]
fn a_robot_that_stands_touches_the_floor() {
    for r in constrained().iter().filter(|r| r.values["model"].as_str().unwrap().starts_with("scenes")) {
        let model = derive::compile(&r.description);
        let key = r.description.keyframes.iter().find(|k| k.name.as_deref() == Some("stand")).unwrap();
        let mut state = State::reference(&model);
        state.q.copy_from_slice(&key.qpos);
        let mut stage = Stage::new(&model);
        acceleration(&model, &state, &Input::zero(&model), &mut stage);
        assert!(!stage.constraint.contacts.list.is_empty(), "{}", r.name);
    }
}
