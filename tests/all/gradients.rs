//! Whole rollouts: the adjoint against dual numbers, on every model, integrator and kind of input.

mod batches;
mod checkpoints;
mod cords;
mod curvature;
mod deciding;
mod health;
mod lanes;
mod long;
mod sensed;
mod touching;

use costate::model::description::{Description, Integrator, JointKind};
use costate::model::{Input, Model, State, Values, assemble};
use costate::number::{Dual, Lanes, Real, Wide};
use costate::objective::RandomLinear;
use costate::physics::Engine;
use costate::physics::derive::{self, Compilation};
use costate::rollout::{Gradient, Memory, Workspace, cost, value_and_gradient};
use costate::spatial::{Force, Quat, Vec3};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use serde_json::Value;

use crate::recorded::{Recorded, all, situation};

type Number = Wide<f64>;

/// A rollout with everything that can be differentiated, as a function of its variables: tangents of
/// the start, all inputs, all parameters, in this order.
pub struct Rollout {
    pub description: Description,
    pub parameters: Vec<f64>,
    pub start: State<f64>,
    pub inputs: Vec<Input<f64>>,
    pub objective: RandomLinear,
}

impl Rollout {
    pub fn new(r: &Recorded, integrator: Integrator, steps: usize) -> Self {
        let mut description = r.description.clone();
        description.option.integrator = integrator;
        let mut out = Self::at(description, &r.values["steps"][0], steps);
        for (k, q) in out.start.q.iter_mut().enumerate() {
            *q *= 1.0 + 1e-3 * k as f64;
        }
        out
    }

    /// From a recorded situation, with noise on its inputs.
    pub fn at(description: Description, situated: &Value, steps: usize) -> Self {
        let model = derive::compile(&description);
        let (start, input) = situation(&model, situated);
        let mut random = Pcg64::seed_from_u64(7);
        let inputs = (0..steps)
            .map(|_| {
                let mut input = input.map(|x| x);
                let mut noise = || random.random_range(-0.5..0.5);
                input.u.iter_mut().for_each(|u| *u += noise());
                input.force.iter_mut().for_each(|u| *u += noise());
                for w in &mut input.wrench {
                    let f = Vec3::new(noise(), noise(), noise());
                    *w = Force::new(Vec3::new(noise(), noise(), noise()), f);
                }
                input
            })
            .collect();
        let parameters = derive::parameters(&description).iter().map(|p| p.value).collect();
        let objective = RandomLinear::new(&model, steps, 3);
        Self { description, parameters, start, inputs, objective }
    }

    /// How many variables there are besides the parameters.
    pub fn parameters_from(&self) -> usize {
        let start = 2 * self.start.v.len() + self.start.act.len() + 6 * self.start.mocap.len();
        let size = |i: &Input<f64>| i.u.len() + i.force.len() + 6 * i.wrench.len();
        start + self.inputs.iter().map(size).sum::<usize>()
    }

    /// Start, inputs and parameters over another number; `vary` sees every variable once, in order.
    pub fn varied<R: Real>(&self, vary: &mut impl FnMut(f64) -> R) -> (State<R>, Vec<Input<R>>, Vec<R>) {
        let plain = derive::compile(&self.description);
        let start = moved(&plain, &self.start, vary);
        let inputs = self.inputs.iter().map(|i| vary_input(i, vary)).collect();
        (start, inputs, self.parameters.iter().map(|&x| vary(x)).collect())
    }

    /// Cost and gradient by the adjoint, flat.
    pub fn gradient<R: Engine<Mask = bool>>(
        &self,
        memory: Memory,
        vary: &mut impl FnMut(f64) -> R,
    ) -> (R, Vec<R>) {
        let (start, inputs, parameters) = self.varied(vary);
        let compiled = Compilation::new(&self.description, &parameters);
        let mut workspace = Workspace::new(&compiled.model, &start);
        let mut objective = self.objective.clone();
        let (cost, gradient) =
            value_and_gradient(&compiled.model, &start, &inputs, &mut objective, memory, &mut workspace)
                .unwrap();
        (cost, [flat(gradient), compiled.pullback(&gradient.model)].concat())
    }

    pub fn adjoint(&self, memory: Memory) -> (f64, Vec<f64>) {
        self.gradient(memory, &mut |x| x)
    }

    /// Derivatives along eight directions at once; `direction` gives the entries of a variable.
    pub fn along(&self, direction: impl Fn(usize) -> [f64; 8]) -> [f64; 8] {
        let mut next = 0;
        let (start, inputs, parameters) = self.varied(&mut |x| -> Number {
            next += 1;
            Dual { value: x, tangent: Lanes::new(direction(next - 1)) }
        });
        let mut model: Model<Number> = assemble(&self.description, &mut Values(parameters.iter()));
        derive::complete(&self.description, &mut model);
        cost(&model, &start, &inputs, &mut self.objective.clone()).unwrap().tangent.to_array()
    }

    /// Derivatives by the given variables, on dual numbers.
    pub fn dual(&self, variables: &[usize]) -> Vec<f64> {
        let eight = |some: &[usize]| {
            let unit = |k: usize| std::array::from_fn(|i| f64::from(u8::from(some.get(i) == Some(&k))));
            self.along(unit)[..some.len()].to_vec()
        };
        variables.chunks(8).flat_map(eight).collect()
    }
}

/// A state with all its tangents varied.
pub fn moved<R: Real>(model: &Model<f64>, state: &State<f64>, vary: &mut impl FnMut(f64) -> R) -> State<R> {
    let zero = |n: usize| vec![0.0; n];
    let t = &model.topology;
    let mut tangent = |n: usize| zero(n).into_iter().map(&mut *vary).collect::<Vec<_>>();
    let (q, v, act) = (tangent(t.nv), tangent(t.nv), tangent(t.na));
    let start = state.map(R::from_f64);
    let mut out = start.moved(&model.map(R::from_f64), &q, &v, &act);
    // A displacement normalizes a quaternion; the stored length is kept.
    for at in &t.joints {
        let q = match at.kind {
            JointKind::Free => at.q + 3,
            JointKind::Ball => at.q,
            _ => continue,
        };
        let norm: f64 = state.q[q..q + 4].iter().map(|x| x * x).sum::<f64>().sqrt();
        out.q[q..q + 4].iter_mut().for_each(|x| *x = x.times(norm));
    }
    for pose in &mut out.mocap {
        let mut three = || Vec3::new(vary(0.0), vary(0.0), vary(0.0));
        let (turn, shift) = (three(), three());
        pose.rotation = Quat::exp(turn) * pose.rotation;
        pose.position += shift;
    }
    out
}

pub fn vary_input<R: Real>(input: &Input<f64>, vary: &mut impl FnMut(f64) -> R) -> Input<R> {
    let u = input.u.iter().map(|&x| vary(x)).collect();
    let force = input.force.iter().map(|&x| vary(x)).collect();
    let mut three = |v: Vec3<f64>| Vec3::new(vary(v.x), vary(v.y), vary(v.z));
    let wrench = input.wrench.iter().map(|w| Force::new(three(w.torque), three(w.force))).collect();
    let push = input.push.iter().map(|x| three(*x)).collect();
    Input { u, force, wrench, push }
}

/// The derivatives by start and inputs in the order of the variables.
pub fn flat<R: Real>(g: &Gradient<R>) -> Vec<R> {
    let wrench = |w: &Force<R>| [w.torque.to_array(), w.force.to_array()].concat();
    let mut out = [&g.start.q[..], &g.start.v, &g.start.act].concat();
    out.extend(g.start.mocap.iter().flat_map(wrench));
    for i in &g.inputs {
        out.extend(&i.u);
        out.extend(&i.force);
        out.extend(i.wrench.iter().flat_map(wrench));
    }
    out
}

pub const INTEGRATORS: [Integrator; 4] =
    [Integrator::Euler, Integrator::RungeKutta4, Integrator::Implicit, Integrator::ImplicitFast];

/// The largest difference of adjoint and dual, relative to the largest derivative of its kind.
fn worst(rollout: &Rollout) -> (f64, String) {
    let (_, adjoint) = rollout.adjoint(Memory::Full);
    let n = adjoint.len();
    let names = derive::parameters(&rollout.description);
    let parameters_from = rollout.parameters_from();
    let name = |k: usize| match k.checked_sub(parameters_from) {
        Some(p) => names[p].name.clone(),
        None => format!("input {k}"),
    };
    let (mut worst, mut place) = (0.0, String::new());
    let dual = rollout.dual(&(0..n).collect::<Vec<_>>());
    let scale = |range: std::ops::Range<usize>| dual[range].iter().fold(1.0, |m: f64, x| m.max(x.abs()));
    let scales = [scale(0..parameters_from), scale(parameters_from..n)];
    for k in 0..n {
        let error = (adjoint[k] - dual[k]).abs() / scales[usize::from(k >= parameters_from)];
        if error > worst || error.is_nan() {
            worst = if error.is_nan() { f64::INFINITY } else { error };
            place = format!("{}: {} instead of {}", name(k), adjoint[k], dual[k]);
        }
    }
    (worst, place)
}

#[test]
fn the_adjoint_equals_dual_numbers_for_every_model_integrator_and_input() {
    let mut failed = false;
    for r in all() {
        for integrator in INTEGRATORS {
            let (error, place) = worst(&Rollout::new(&r, integrator, 3));
            if error > 1e-11 {
                failed = true;
                println!("{:20} {integrator:?} {error:.1e} {place}", r.name);
            }
        }
    }
    assert!(!failed, "see the table above");
}

#[test]
fn every_memory_gives_the_same_gradient_to_the_last_bit() {
    for r in all() {
        for integrator in INTEGRATORS {
            let rollout = Rollout::new(&r, integrator, 7);
            let full = rollout.adjoint(Memory::Full);
            for memory in [Memory::Light, Memory::Bytes(1), Memory::Bytes(2000)] {
                let other = rollout.adjoint(memory);
                assert_eq!(full.0.to_bits(), other.0.to_bits());
                assert!(
                    full.1.iter().zip(&other.1).all(|(a, b)| a.to_bits() == b.to_bits()),
                    "{} {integrator:?} {memory:?}",
                    r.name
                );
            }
        }
    }
}

#[test]
fn the_jacobians_of_a_step_by_lanes_are_those_of_single_cotangents() {
    use costate::model::Costate;
    use costate::physics::{Cotangents, Record, StepBackward, linearize, step, step_pullback};
    for r in all() {
        for integrator in INTEGRATORS {
            let rollout = Rollout::new(&r, integrator, 1);
            let model = derive::compile(&rollout.description);
            let (state, input) = (&rollout.start, &rollout.inputs[0]);
            let (a, b) = linearize(&model, state, input);
            let (mut record, mut next) = (Record::new(&model), state.clone());
            step(&model, state, input, &mut record, &mut next);
            let (mut backward, mut out) = (StepBackward::new(&model), Cotangents::zero(&model, input));
            let nv = model.topology.nv;
            for (i, (a, b)) in a.iter().zip(&b).enumerate() {
                let mut unit = Costate::zero(&model);
                match i {
                    i if i < nv => unit.q[i] = 1.0,
                    i if i < 2 * nv => unit.v[i - nv] = 1.0,
                    i => unit.act[i - 2 * nv] = 1.0,
                }
                out.clear_step();
                step_pullback(&model, state, input, &record, &unit, &mut backward, &mut out);
                let expected = [&out.state.q[..], &out.state.v, &out.state.act, &out.input.u].concat();
                let scale = expected.iter().fold(1.0, |m: f64, x| m.max(x.abs()));
                for (x, y) in a.iter().chain(b).zip(&expected) {
                    assert!((x - y).abs() <= 1e-12 * scale, "{} {integrator:?} row {i}: {x} {y}", r.name);
                }
            }
        }
    }
}
