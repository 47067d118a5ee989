//! Ratios against numbers of joints: gradient over forward, lanes over single worlds, Jacobians by
//! lanes of cotangents against duals.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

use costate::model::{Costate, Input, Model, State};
use costate::number::{Dual, Lanes, Tangent, Wide};
use costate::objective::RandomLinear;
use costate::physics::{
    Cotangents, Engine, Linearization, Record, StepBackward, derive, step, step_pullback,
};
use costate::rollout::{Memory, Workspace, cost, value_and_gradient};
use costate::scene::mjcf;

const STEPS: usize = 100;

/// A hanging chain of hinges with a motor each.
fn chain(joints: usize) -> Model<f64> {
    let mut body = String::new();
    let mut motors = String::new();
    for k in 0..joints {
        let axis = ["1 0 0", "0 1 0"][k % 2];
        body += &format!(
            "<body pos='0 0 -0.2'><joint name='j{k}' axis='{axis}' damping='0.01' armature='0.001'/>\
             <geom type='capsule' fromto='0 0 0 0 0 -0.2' size='0.02'/>"
        );
        motors += &format!("<motor joint='j{k}'/>");
    }
    let close = "</body>".repeat(joints);
    let text = format!("<mujoco><worldbody>{body}{close}</worldbody><actuator>{motors}</actuator></mujoco>");
    derive::compile(&mjcf::parse(&text, "chain.xml".as_ref()).expect("the chain is valid"))
}

fn start(model: &Model<f64>) -> State<f64> {
    let mut state = State::reference(model);
    for (k, q) in state.q.iter_mut().enumerate() {
        *q = 0.3 * (k as f64).sin();
    }
    state
}

fn rollouts(c: &mut Criterion) {
    let mut group = c.benchmark_group("rollout of 100 steps");
    for joints in [2, 7, 20, 40] {
        let model = chain(joints);
        let (start, inputs) = (start(&model), vec![Input::zero(&model); STEPS]);
        let mut objective = RandomLinear::new(&model, STEPS, 1);
        let mut workspace = Workspace::new(&model, &start);
        group.bench_function(BenchmarkId::new("forward", joints), |b| {
            b.iter(|| cost(&model, &start, &inputs, &mut objective).expect("a chain stays finite"));
        });
        group.bench_function(BenchmarkId::new("value and gradient", joints), |b| {
            b.iter(|| {
                value_and_gradient(&model, &start, &inputs, &mut objective, Memory::Full, &mut workspace)
                    .expect("a chain stays finite")
                    .0
            });
        });
    }
}

fn lanes(c: &mut Criterion) {
    let mut group = c.benchmark_group("one world or eight");
    for joints in [7, 20] {
        let model = chain(joints);
        let state = start(&model);
        one_step(&mut group, "single", joints, &model, &state);
        one_step(&mut group, "eight", joints, &model.map(Lanes::splat), &state.map(Lanes::splat));
    }
}

type Group<'a> = criterion::BenchmarkGroup<'a, criterion::measurement::WallTime>;

fn one_step<R: Engine>(group: &mut Group<'_>, name: &str, joints: usize, model: &Model<R>, state: &State<R>) {
    let input = Input::zero(model);
    let (mut record, mut next) = (Record::new(model), state.clone());
    group.bench_function(BenchmarkId::new(format!("step, {name}"), joints), |b| {
        b.iter(|| step(model, state, &input, &mut record, &mut next));
    });
    let mut backward = StepBackward::new(model);
    let mut out = Cotangents::zero(model, &input);
    let mut unit = Costate::zero(model);
    unit.v[0] = R::one();
    group.bench_function(BenchmarkId::new(format!("pullback, {name}"), joints), |b| {
        b.iter(|| {
            out.clear_step();
            step_pullback(model, state, &input, &record, &unit, &mut backward, &mut out);
        });
    });
}

fn jacobians(c: &mut Criterion) {
    let mut group = c.benchmark_group("A and B");
    for joints in [7, 20] {
        let model = chain(joints);
        let (state, input) = (start(&model), Input::zero(&model));
        let mut linearization = Linearization::new(&model);
        group.bench_function(BenchmarkId::new("lanes of cotangents", joints), |b| {
            b.iter(|| linearization.update(&state, &input));
        });
        let dual: Model<Wide<f64>> = model.map(Dual::constant);
        let mut x: State<Wide<f64>> = state.map(Dual::constant);
        let u = Input::zero(&dual);
        let (mut record, mut next) = (Record::new(&dual), x.clone());
        group.bench_function(BenchmarkId::new("duals", joints), |b| {
            b.iter(|| {
                // Eight of the 3 n inputs at a time.
                for first in (0..3 * joints).step_by(8) {
                    x.q[first % joints].tangent.set(0, 1.0);
                    step(&dual, &x, &u, &mut record, &mut next);
                }
            });
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = rollouts, lanes, jacobians
}
criterion_main!(benches);
