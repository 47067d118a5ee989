//! Two hundred steps: the adjoint and dual numbers stay together over a whole motion.

use costate::model::{Input, State};
use costate::physics::derive;
use costate::rollout::Memory;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::super::recorded::{Recorded, all};
use super::{INTEGRATORS, Rollout};
use costate::objective::RandomLinear;

const STEPS: usize = 200;

/// From near the reference, with controls of a tenth of their range.
fn moderate(r: &Recorded, integrator: costate::model::description::Integrator) -> Rollout {
    let mut rollout = Rollout::new(r, integrator, 0);
    let model = derive::compile(&rollout.description);
    let mut random = Pcg64::seed_from_u64(11);
    let mut noise = || random.random_range(-1.0..1.0);
    let mut tangent = |n: usize, size: f64| (0..n).map(|_| size * noise()).collect::<Vec<f64>>();
    let t = &model.topology;
    let (q, v, act) = (tangent(t.nv, 0.2), tangent(t.nv, 0.3), tangent(t.na, 0.2));
    rollout.start = State::reference(&model).moved(&model, &q, &v, &act);
    rollout.inputs = (0..STEPS)
        .map(|_| {
            let bound = |k: usize| model.actuators[k].ctrl_range.map_or(1.0, |[lo, hi]| 0.5 * (hi - lo));
            let u = tangent(t.nu, 0.1).iter().enumerate().map(|(k, u)| u * bound(k)).collect();
            Input { u, ..Input::zero(&model) }
        })
        .collect();
    rollout.objective = RandomLinear::new(&model, STEPS, 3);
    rollout
}

/// The largest error of a group of derivatives, relative to its largest entry.
fn error(ours: &[f64], theirs: &[f64]) -> f64 {
    let scale = theirs.iter().fold(f64::MIN_POSITIVE, |m, x| m.max(x.abs()));
    let errors = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs() / scale);
    errors.fold(0.0, |m, e| if e.is_nan() { f64::INFINITY } else { m.max(e) })
}

/// Errors by the start, by the controls of some steps and along random changes of all of them, and by
/// the parameters.
fn errors(rollout: &Rollout) -> [f64; 4] {
    let adjoint = rollout.adjoint(Memory::Full).1;
    let (first, last) = (adjoint.len() - rollout.parameters_from(), adjoint.len());
    let (parameters, nu) = (last - first, rollout.inputs[0].u.len());
    let start = parameters - STEPS * nu;
    let by = |variables: Vec<usize>| {
        let ours: Vec<f64> = variables.iter().map(|&k| adjoint[k]).collect();
        error(&ours, &rollout.dual(&variables))
    };
    let some_steps = [0, 1, 60, 130, STEPS - 1].iter().flat_map(|k| start + k * nu..start + (k + 1) * nu);
    let mut random = Pcg64::seed_from_u64(5);
    let directions: Vec<[f64; 8]> =
        (0..STEPS * nu).map(|_| std::array::from_fn(|_| random.random_range(-1.0..1.0))).collect();
    let of = |k: usize| k.checked_sub(start).and_then(|k| directions.get(k)).copied().unwrap_or([0.0; 8]);
    let ours: [f64; 8] =
        std::array::from_fn(|i| directions.iter().zip(&adjoint[start..]).map(|(d, a)| d[i] * a).sum());
    [
        by((0..start).collect()),
        by(some_steps.collect()),
        error(&ours, &rollout.along(of)),
        by((parameters..last).collect()),
    ]
}

#[test]
fn after_two_hundred_steps_the_adjoint_still_equals_dual_numbers() {
    let mut failed = false;
    for r in all().iter().filter(|r| ["cartpole", "arm", "humanoid"].contains(&r.name.as_str())) {
        for integrator in INTEGRATORS {
            let errors = errors(&moderate(r, integrator));
            let table = errors.map(|e| format!("{e:.1e}")).join(", ");
            println!("{:10} {integrator:?}: start, controls, controls together, parameters {table}", r.name);
            failed |= errors.iter().any(|e| *e > 1e-11);
        }
    }
    assert!(!failed, "see the table above");
}
