//! Observations, controllers and layers of neurons.

use std::ops::Range;

use costate::control::{
    Activation, Controller, Custom, Feedback, Law, Mlp, Network, Part, Policy, Rhythm, Rule,
    initial_parameters,
};
use costate::model::description::Integrator;
use costate::model::{Input, Model, Parameter, State};
use costate::number::{Dual, Real, Single, derivative_check, dot_check};
use costate::physics::Engine;
use costate::sense::{Observation, Observer, observations};
use costate::spatial::{Force, Vec3};

use super::world::{Back, Operation, Place, World, ask_all};
use super::{Answer, Row};
use crate::recorded::{Recorded, all};

const STEP: usize = 3;

/// Everything that a model lets a controller see, joints also by sine and cosine.
fn seen<R>(model: &Model<R>) -> Vec<Observation> {
    let t = &model.topology;
    let patterns = [
        "joint.*",
        "sin(joint.*.position)",
        "cos(joint.*.position)",
        "body.*.position",
        "site.*",
        "phase(1.5)",
    ];
    let list = patterns.iter().filter_map(|p| observations(t, p).ok()).flatten();
    list.map(|o| Observation { center: 0.1, scale: 0.7, ..o }).collect()
}

fn wave(n: usize, a: f64) -> Vec<f64> {
    (0..n).map(|k| (a * (k + 1) as f64).sin()).collect()
}

fn parameters(values: Vec<f64>) -> Vec<Parameter> {
    let of = |value| Parameter { name: String::new(), unit: "", lower: -1e9, upper: 1e9, value };
    values.into_iter().map(of).collect()
}

/// One part of every kind, on all actuators.
pub fn parts<R>(model: &Model<R>) -> Vec<Part> {
    let actuators: Vec<usize> = (0..model.topology.nu).collect();
    let (n, observed) = (actuators.len(), seen(model));
    let mlp = Mlp { sizes: vec![observed.len(), 6, 5, n], activation: Activation::Tanh, norm: false };
    let part = |name: &str, law, steps, values| Part {
        name: name.to_owned(),
        law,
        steps,
        parameters: parameters(values),
    };
    let held = (0..2 * n).map(|i| observed[i % observed.len()].clone()).collect();
    let reference = vec![wave(2 * n, 0.3); 4];
    vec![
        part(
            "feedback",
            Law::Feedback(Feedback { actuators: actuators.clone(), observed: held, reference }),
            0..1000,
            wave(3 * n, 0.4),
        ),
        part("rhythm", Law::Rhythm(Rhythm { actuators: actuators.clone() }), 1..1000, wave(1 + 3 * n, 1.7)),
        part(
            "network",
            Law::Network(Network {
                ranges: (0..n).map(|i| (i % 2 == 0).then_some([0.2, 0.6])).collect(),
                actuators,
                observed,
                mlp: mlp.clone(),
            }),
            0..1000,
            wave(mlp.count(), 2.3).iter().map(|x| 0.4 * x).collect(),
        ),
    ]
}

/// The parts with a layer norm in the network.
fn normed(mut parts: Vec<Part>) -> Vec<Part> {
    for part in &mut parts {
        if let Law::Network(network) = &mut part.law {
            network.mlp.norm = true;
            part.parameters = parameters(wave(network.mlp.count(), 1.9));
        }
    }
    parts
}

/// The controls that some of the parts decide on.
macro_rules! deciding {
    ($name:ident, $choose:expr) => {
        struct $name;
        impl Operation for $name {
            fn forward<R: Engine>(&self, world: &World<R>, _: &Place) -> Vec<R> {
                let chosen: Vec<Part> = ($choose)(parts(&world.model));
                let mut policy = Policy::new(&world.model, &chosen);
                let theta: Vec<R> = initial_parameters(&chosen).into_iter().map(R::from_f64).collect();
                policy.start(&theta, STEP + 1);
                let mut input = Input::zero(&world.model);
                policy.act(&world.model, &world.state, STEP, &mut input);
                input.u
            }
            fn pullback(&mut self, world: &World<f64>, _: &Place, w: &[f64], out: &mut Back) {
                let chosen: Vec<Part> = ($choose)(parts(&world.model));
                let mut policy = Policy::new(&world.model, &chosen);
                policy.start(&initial_parameters(&chosen), STEP + 1);
                policy.act(&world.model, &world.state, STEP, &mut Input::zero(&world.model));
                let w = Input { u: w.to_vec(), ..Input::zero(&world.model) };
                policy.act_pullback(&world.model, &world.state, STEP, &w, &mut out.out);
            }
        }
    };
}

deciding!(OfFeedback, |mut parts: Vec<Part>| vec![parts.remove(0)]);
deciding!(OfRhythm, |mut parts: Vec<Part>| vec![parts.remove(1)]);
deciding!(OfNetwork, |mut parts: Vec<Part>| vec![parts.remove(2)]);
deciding!(OfNormed, |parts: Vec<Part>| normed(parts).split_off(2));
deciding!(OfSum, |parts: Vec<Part>| parts);

/// A rule that somebody wrote: of the numbers of the model, of quaternions as they are stored, and of time;
/// with forces on joints and on bodies.
struct Written;

impl Rule for Written {
    fn count(&self) -> usize {
        2
    }
    fn decide<R: Real>(&self, model: &Model<R>, x: &State<R>, k: usize, theta: &[R], input: &mut Input<R>) {
        let sum = x.q.iter().zip(1..).fold(R::zero(), |sum, (q, n)| sum + q.times(f64::from(n).sin()));
        let heavy = model.bodies.iter().fold(R::zero(), |sum, b| sum + b.mass * b.center.z);
        for (i, u) in input.u.iter_mut().enumerate() {
            let rate = x.v.get(i).copied().unwrap_or(R::one());
            *u += theta[0] * rate * heavy + (theta[1] * sum + model.option.timestep.times(k as f64)).sin();
        }
        input.force.iter_mut().zip(&x.v).for_each(|(force, v)| *force -= theta[1] * v.square() * heavy);
        input.wrench.iter_mut().for_each(|wrench| wrench.force.y += theta[0] * sum);
    }
}

/// All numbers of an input, in a row.
fn flat<R: Real>(input: &Input<R>) -> Vec<R> {
    let wrenches = input.wrench.iter().flat_map(|w| [w.torque.to_array(), w.force.to_array()].concat());
    input.u.iter().chain(&input.force).copied().chain(wrenches).collect()
}

struct OfRule;

impl Operation for OfRule {
    fn forward<R: Engine>(&self, world: &World<R>, _: &Place) -> Vec<R> {
        let mut input = Input::zero_applied(&world.model);
        let theta = [R::from_f64(0.4), R::from_f64(0.7)];
        Written.decide(&world.model, &world.state, STEP, &theta, &mut input);
        flat(&input)
    }
    fn pullback(&mut self, world: &World<f64>, _: &Place, w: &[f64], out: &mut Back) {
        let mut own = Custom::new(Written);
        own.start(&[0.4, 0.7], STEP + 1);
        let mut weights = Input::zero_applied(&world.model);
        let (nu, nv) = (weights.u.len(), weights.force.len());
        weights.u.copy_from_slice(&w[..nu]);
        weights.force.copy_from_slice(&w[nu..nu + nv]);
        for (own, w) in weights.wrench.iter_mut().zip(w[nu + nv..].chunks(6)) {
            *own = Force::new(Vec3::new(w[0], w[1], w[2]), Vec3::new(w[3], w[4], w[5]));
        }
        own.act_pullback(&world.model, &world.state, STEP, &weights, &mut out.out);
    }
}

/// Nobody decides.
struct OfNobody;

impl Operation for OfNobody {
    fn forward<R: Engine>(&self, world: &World<R>, _: &Place) -> Vec<R> {
        ().act(&world.model, &world.state, STEP, &mut Input::zero(&world.model));
        world.state.v.clone()
    }
    fn pullback(&mut self, world: &World<f64>, _: &Place, w: &[f64], out: &mut Back) {
        ().act_pullback(&world.model, &world.state, STEP, &Input::zero(&world.model), &mut out.out);
        out.out.state.v.iter_mut().zip(w).for_each(|(own, w)| *own += w);
    }
}

/// With the energies, which saturate a network.
fn all_seen<R>(model: &Model<R>) -> Vec<Observation> {
    let energies = observations(&model.topology, "energy.*").unwrap();
    seen(model).into_iter().chain(energies).collect()
}

struct Observing;

impl Operation for Observing {
    fn forward<R: Engine>(&self, world: &World<R>, _: &Place) -> Vec<R> {
        let list = all_seen(&world.model);
        let mut out = vec![R::from_f64(f64::NAN); list.len()];
        Observer::new(&world.model, list).at(STEP).observe(&world.model, &world.state, &mut out);
        out
    }
    fn pullback(&mut self, world: &World<f64>, _: &Place, w: &[f64], out: &mut Back) {
        let mut observer = Observer::new(&world.model, all_seen(&world.model));
        observer.at(STEP).observe_pullback(&world.model, &world.state, w, &mut out.out);
    }
}

/// How many evaluations of a network are looked at, and how many of them at once.
const RUNS: usize = 14;
const BATCHES: [usize; 3] = [1, 7, 14];

fn batches(size: usize) -> impl Iterator<Item = Range<usize>> {
    (0..RUNS).step_by(size).map(move |first| first..first + size)
}

/// Outputs, values and slopes of a network for inputs one after the other; `x` holds parameters and inputs.
fn run<R: Real>(mlp: &Mlp, batch: usize, x: &[R]) -> (Vec<R>, Vec<R>, Vec<R>) {
    let (theta, inputs) = x.split_at(mlp.count());
    let mut values = vec![R::from_f64(f64::NAN); RUNS * mlp.width()];
    let mut slopes = values.clone();
    values[..inputs.len()].copy_from_slice(inputs);
    for some in batches(batch) {
        mlp.forward(theta, (&mut values, &mut slopes), some);
    }
    (values[values.len() - RUNS * mlp.outputs()..].to_vec(), values, slopes)
}

/// The cotangents of parameters and inputs for those of the outputs.
fn run_back(mlp: &Mlp, batch: usize, x: &[f64], w: &[f64]) -> Vec<f64> {
    let (_, values, slopes) = run(mlp, batch, x);
    let (theta, last) = (&x[..mlp.count()], values.len() - RUNS * mlp.outputs());
    let mut cotangents = vec![f64::NAN; values.len()];
    let mut by = vec![0.0; mlp.count()];
    cotangents[last..].copy_from_slice(w);
    for some in batches(batch) {
        mlp.pullback(theta, (&values, &slopes), &mut cotangents, some);
    }
    mlp.parameters_pullback(&values, &cotangents, &mut by);
    by.extend_from_slice(&cotangents[..RUNS * mlp.inputs()]);
    by
}

/// Outputs of a network as a function of parameters and inputs.
fn layers() -> Answer {
    let mut worst = Answer::default();
    for activation in [Activation::Tanh, Activation::Elu, Activation::Silu, Activation::Relu] {
        for (norm, batch) in [false, true].into_iter().flat_map(|norm| BATCHES.map(|b| (norm, b))) {
            let mlp = Mlp { sizes: vec![7, 9, 8, 3], activation, norm };
            let n = mlp.count() + RUNS * mlp.inputs();
            let (x, d, w) = (wave(n, 1.3), wave(n, 0.9), wave(RUNS * mlp.outputs(), 2.1));
            let dual = |x: &[Single<f64>]| run(&mlp, batch, x).0;
            let difference = derivative_check(dual, |x| run(&mlp, batch, x).0, &x, &d).error;
            let moved: Vec<_> = x.iter().zip(&d).map(|(&x, &d)| Single::new(x, d)).collect();
            let jd: Vec<f64> = dual(&moved).iter().map(Dual::derivative).collect();
            let by = run_back(&mlp, batch, &x, &w);
            worst = worst.worse(Answer { difference, dot: dot_check(&w, &jd, &by, &d).error });
        }
    }
    worst
}

#[test]
fn a_batch_of_evaluations_equals_single_ones_to_rounding() {
    for norm in [false, true] {
        let mlp = Mlp { sizes: vec![7, 40, 30, 6], activation: Activation::Silu, norm };
        let (x, w) = (wave(mlp.count() + RUNS * mlp.inputs(), 1.3), wave(RUNS * mlp.outputs(), 2.1));
        let all = |batch| [run(&mlp, batch, &x).0, run_back(&mlp, batch, &x, &w)].concat();
        let one = all(1);
        let size = one.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        for batch in BATCHES {
            for (a, b) in all(batch).iter().zip(&one) {
                assert!((a - b).abs() < 1e-13 * size, "{a} is not {b} in batches of {batch}");
            }
        }
    }
}

/// The models with actuators.
fn driven() -> Vec<Recorded> {
    all().into_iter().filter(|r| !r.description.actuators.is_empty()).collect()
}

pub fn rows() -> Vec<Row> {
    macro_rules! row {
        ($name:literal, $operation:expr) => {
            Row::new($name, || ask_all(&driven(), Integrator::Euler, false, |_| $operation))
        };
    }
    vec![
        row!("sense/observation.rs::observe_pullback", Observing),
        row!("control/feedback.rs::act_pullback", OfFeedback),
        row!("control/rhythm.rs::act_pullback", OfRhythm),
        row!("control/network.rs::act_pullback", OfNetwork),
        row!("control/network.rs::act_pullback", OfNormed),
        row!("control/part.rs::act_pullback", OfSum),
        row!("control/mod.rs::act_pullback", OfNobody),
        row!("control/custom.rs::act_pullback", OfRule),
        Row::new("control/mlp.rs::pullback", layers),
        Row::new("control/mlp.rs::parameters_pullback", layers),
    ]
}
