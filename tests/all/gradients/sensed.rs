//! Rollouts whose cost is what sensors say.

use costate::model::{Input, Model};
use costate::number::Wide;
use costate::objective::{Penalty, Term, Terms, When};
use costate::physics::Engine;
use costate::rollout::{Memory, Workspace, cost, value_and_gradient};
use costate::sense::known_quantities;

use crate::ladder::sensors::sensed;
use crate::moving::{moving, slope};
use crate::recorded::situation;

const STEPS: usize = 6;

/// A term for every number of every sensor, running or at the end.
fn terms<R: Engine>(model: &Model<R>) -> Terms<R> {
    let all = known_quantities(&model.topology).into_iter().filter(|(_, q)| q.is_sensor());
    let term = |(k, (name, quantity)): (usize, (String, costate::sense::Quantity))| Term {
        name,
        quantity,
        target: vec![[0.1; 3]],
        penalty: Penalty::Distance { width: 0.5 },
        weight: 1.0,
        when: if quantity.needs_forces() || k % 2 == 0 { When::Running(0..STEPS) } else { When::At(STEPS) },
    };
    Terms::new(model, all.enumerate().map(term).collect())
}

/// With contacts, limits and ties, forces and accelerations included.
#[test]
fn the_gradient_of_what_sensors_say_over_a_rollout_equals_dual_numbers() {
    let mut worst = 0.0f64;
    for r in sensed() {
        let model = &r.model;
        let t = &model.topology;
        let (mut start, input) = situation(model, &r.values["states"][1]);
        start.v.iter_mut().for_each(|v| *v *= 0.3);
        let inputs = vec![input; STEPS];
        let mut workspace = Workspace::new(model, &start);
        let (_, gradient) =
            value_and_gradient(model, &start, &inputs, &mut terms(model), Memory::Full, &mut workspace)
                .unwrap();
        let wave = |n: usize, f: f64| -> Vec<f64> { (0..n).map(|k| (f * k as f64).sin()).collect() };
        let (q, v, u) = (wave(t.nv, 1.7), wave(t.nv, 0.9), wave(t.nu, 0.7));
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let by_inputs: f64 = gradient.inputs.iter().map(|i| dot(&i.u, &u)).sum();
        let adjoint = dot(&gradient.start.q, &q) + dot(&gradient.start.v, &v) + by_inputs;
        let constant = |x: f64| moving(x, 0.0);
        let along = |d: &[f64]| -> Vec<Wide<f64>> { d.iter().map(|d| moving(0.0, *d)).collect() };
        let lifted = model.map(constant);
        let act = vec![constant(0.0); t.na];
        let start = start.map(constant).moved(&lifted, &along(&q), &along(&v), &act);
        let pushed = |input: &Input<f64>| {
            let mut input = input.map(constant);
            input.u.iter_mut().zip(along(&u)).for_each(|(u, d)| *u += d);
            input
        };
        let inputs: Vec<_> = inputs.iter().map(pushed).collect();
        let dual = slope(&cost(&lifted, &start, &inputs, &mut terms(&lifted)).unwrap());
        let error = (adjoint - dual).abs() / dual.abs().max(1.0);
        println!("{:12} adjoint {adjoint:14.6} dual {dual:14.6} error {error:.1e}", r.name);
        worst = if error.is_nan() { f64::INFINITY } else { worst.max(error) };
    }
    assert!(worst < 1e-10, "{worst:e}");
}
