//! Ratios against numbers of joints: gradient over forward, lanes over single worlds, Jacobians by
//! lanes of cotangents against duals.

use std::time::Instant;

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

type Work<'a> = (&'a str, Box<dyn FnMut() + 'a>);

/// Times several works in turn, so that what disturbs one disturbs all, and prints the median of each [µs] with its
/// ratio to the first. Each runs `count` times in a round.
fn alternate(what: &str, count: usize, mut works: Vec<Work<'_>>) {
    const ROUNDS: usize = 41;
    let mut times = vec![Vec::with_capacity(ROUNDS); works.len()];
    for _ in 0..ROUNDS {
        for ((_, work), times) in works.iter_mut().zip(&mut times) {
            let begin = Instant::now();
            (0..count).for_each(|_| work());
            times.push(begin.elapsed().as_secs_f64() * 1e6 / count as f64);
        }
    }
    let medians: Vec<f64> = times
        .iter_mut()
        .map(|times| {
            times.sort_by(f64::total_cmp);
            times[ROUNDS / 2]
        })
        .collect();
    for ((name, _), median) in works.iter().zip(&medians) {
        println!("{what:<24} {name:<22} {median:>10.3} µs   {:>6.3}", median / medians[0]);
    }
}

fn rollouts() {
    for joints in [2, 7, 20, 40] {
        let model = chain(joints);
        let (start, inputs) = (start(&model), vec![Input::zero(&model); STEPS]);
        let (mut objective, mut same) =
            (RandomLinear::new(&model, STEPS, 1), RandomLinear::new(&model, STEPS, 1));
        let mut workspace = Workspace::new(&model, &start);
        let forward = || {
            cost(&model, &start, &inputs, &mut objective).expect("a chain stays finite");
        };
        let gradient = || {
            value_and_gradient(&model, &start, &inputs, &mut same, Memory::Full, &mut workspace)
                .expect("a chain stays finite");
        };
        let works: Vec<Work<'_>> =
            vec![("forward", Box::new(forward)), ("value and gradient", Box::new(gradient))];
        alternate(&format!("100 steps, {joints} joints"), 5, works);
    }
}

fn lanes() {
    for joints in [7, 20] {
        let model = chain(joints);
        let state = start(&model);
        let (eight, states) = (model.map(Lanes::splat), state.map(Lanes::splat));
        let [single, single_back] = one_step(&model, &state);
        let [wide, wide_back] = one_step(&eight, &states);
        alternate(&format!("step, {joints} joints"), 1000, vec![("one world", single), ("eight", wide)]);
        let works = vec![("one world", single_back), ("eight", wide_back)];
        alternate(&format!("pullback, {joints} joints"), 1000, works);
    }
}

/// A step, and its pullback.
fn one_step<'a, R: Engine>(model: &'a Model<R>, state: &'a State<R>) -> [Box<dyn FnMut() + 'a>; 2] {
    let input = Input::zero(model);
    let (mut record, mut next) = (Record::new(model), state.clone());
    step(model, state, &input, &mut record, &mut next);
    let (kept, applied) = (record.clone(), input.clone());
    let (mut backward, mut out) = (StepBackward::new(model), Cotangents::zero(model, &input));
    let mut unit = Costate::zero(model);
    unit.v[0] = R::one();
    let forward = move || step(model, state, &input, &mut record, &mut next);
    let pullback = move || {
        out.clear_step();
        step_pullback(model, state, &applied, &kept, &unit, &mut backward, &mut out);
    };
    [Box::new(forward), Box::new(pullback)]
}

fn jacobians() {
    for joints in [7, 20] {
        let model = chain(joints);
        let (state, input) = (start(&model), Input::zero(&model));
        let mut linearization = Linearization::new(&model);
        let dual: Model<Wide<f64>> = model.map(Dual::constant);
        let mut x: State<Wide<f64>> = state.map(Dual::constant);
        let u = Input::zero(&dual);
        let (mut record, mut next) = (Record::new(&dual), x.clone());
        let by_duals = || {
            // Eight of the 3 n inputs at a time.
            for first in (0..3 * joints).step_by(8) {
                x.q[first % joints].tangent.set(0, 1.0);
                step(&dual, &x, &u, &mut record, &mut next);
            }
        };
        let works: Vec<Work<'_>> = vec![
            ("lanes of cotangents", Box::new(|| linearization.update(&state, &input))),
            ("duals", Box::new(by_duals)),
        ];
        alternate(&format!("A and B, {joints} joints"), 100, works);
    }
}

fn main() {
    rollouts();
    lanes();
    jacobians();
}
