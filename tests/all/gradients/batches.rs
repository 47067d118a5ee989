//! Many worlds at once against each of them alone.

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::sync::Arc;

use costate::Error;
use costate::control::{Policy, initial_parameters};
use costate::model::{Input, Model, State};
use costate::number::{Lanes, LanesF32, Real};
use costate::objective::RandomLinear;
use costate::physics::derive::{Compilation, compile, parameters};
use costate::physics::{Stage, acceleration};
use costate::rollout::{
    Batch, Batched, Memory, Workspace, Worlds, simulate_batch, simulate_controlled,
    value_and_gradient_controlled,
};
use costate::scene::{mjcf, toml};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

const STEPS: usize = 60;
/// More than one register holds, and not a multiple of it.
const WORLDS: usize = 19;

struct Many {
    models: Vec<Model<f64>>,
    starts: Vec<State<f64>>,
    inputs: Vec<Vec<Input<f64>>>,
    parts: Vec<costate::control::Part>,
    weights: Vec<f64>,
}

/// Worlds with masses, starts and controls of their own, under one controller.
fn many(model: &str, scene: Option<&str>) -> Many {
    let scenes = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes");
    let scene = scene.map(|name| toml::load(&scenes.join(name)).unwrap());
    let description = match &scene {
        Some(scene) => scene.problem.description.clone(),
        None => mjcf::load(&scenes.join(model)).unwrap(),
    };
    let listing = parameters(&description);
    let mut random = Pcg64::seed_from_u64(3);
    let mut one = || {
        let values: Vec<f64> = (listing.iter())
            .map(|p| if p.name.ends_with("mass") { p.value * random.random_range(0.9..1.1) } else { p.value })
            .collect();
        let model = Compilation::new(&description, &values).model;
        let t = &model.topology;
        let base = scene.as_ref().map_or_else(|| State::reference(&model), |s| s.problem.start.clone());
        let q: Vec<f64> = (0..t.nv).map(|_| random.random_range(-0.02..0.02)).collect();
        let v: Vec<f64> = (0..t.nv).map(|_| random.random_range(-0.2..0.2)).collect();
        let start = base.moved(&model, &q, &v, &vec![0.0; t.na]);
        let hold = scene.as_ref().map_or(vec![0.0; t.nu], |s| s.problem.controls[..t.nu].to_vec());
        let input = |random: &mut Pcg64| Input {
            u: hold.iter().map(|u| u + random.random_range(-0.1..0.1)).collect(),
            ..Input::zero(&model)
        };
        let inputs = (0..STEPS).map(|_| input(&mut random)).collect();
        (model, start, inputs)
    };
    let all: Vec<_> = (0..WORLDS).map(|_| one()).collect();
    let parts = scene.map_or(Vec::new(), |s| s.problem.parts);
    let weights = initial_parameters(&parts);
    let (mut models, mut starts, mut inputs) = (Vec::new(), Vec::new(), Vec::new());
    for (model, start, own) in all {
        models.push(model);
        starts.push(start);
        inputs.push(own);
    }
    Many { models, starts, inputs, parts, weights }
}

impl Many {
    fn worlds(&self) -> Worlds<'_> {
        Worlds { models: &self.models, starts: &self.starts, inputs: &self.inputs }
    }
    fn together(&self, memory: Memory) -> Batched {
        let policy = |model: &Model<Lanes>| Policy::new(model, &self.parts);
        let loss = |model: &Model<Lanes>| RandomLinear::new(model, STEPS, 3);
        Batch::new(memory).value_and_gradient(self.worlds(), (policy, &self.weights), loss).clone()
    }
    fn in_single_precision(&self) -> Batched {
        let policy = |model: &Model<LanesF32>| Policy::new(model, &self.parts);
        let loss = |model: &Model<LanesF32>| RandomLinear::new(model, STEPS, 3);
        Batch::new(Memory::Full).value_and_gradient(self.worlds(), (policy, &self.weights), loss).clone()
    }
}

/// Everything that a batch finds of one world.
fn flat_of(b: &Batched, w: usize) -> Vec<f64> {
    let world = &b.worlds[w];
    let inputs = world.own.inputs.iter().flat_map(|i| i.u.clone());
    let (start, model) = (&world.start, world.own.model.as_ref().unwrap().numbers());
    [vec![*world.cost.as_ref().unwrap()], start.q.clone(), start.v.clone(), model, inputs.collect()].concat()
}

/// Everything that a batch finds, world by world, and the sum for the controller.
fn flat(b: &Batched) -> (Vec<Vec<f64>>, &[f64]) {
    ((0..b.worlds.len()).map(|w| flat_of(b, w)).collect(), &b.controller)
}

/// A state near the reference; what can fall is a little lower there, and touches the floor or sinks into it.
fn anywhere(model: &Model<f64>, random: &mut Pcg64) -> State<f64> {
    let t = &model.topology;
    let mut near =
        |n: usize, by: f64| (0..n).map(|_| by * random.random_range(-1.0..1.0)).collect::<Vec<f64>>();
    let (mut q, v) = (near(t.nv, 0.1), near(t.nv, 2.0));
    if t.nq > t.nv {
        q[2] -= random.random_range(0.0..0.15);
    }
    State::reference(model).moved(model, &q, &v, &vec![0.0; t.na])
}

/// Eight states in one register.
fn gathered(states: &[State<f64>; 8]) -> State<Lanes> {
    let lists = states.each_ref().map(|state| {
        let list = RefCell::new(Vec::new());
        state.map(|x| list.borrow_mut().push(x));
        list.into_inner()
    });
    let next = Cell::new(0);
    states[0].map(|_| {
        let i = next.replace(next.get() + 1);
        Lanes::new(lists.each_ref().map(|list| list[i]))
    })
}

fn off(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let scale = b.iter().fold(1.0, |m: f64, x| m.max(x.abs()));
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs() / scale)
        .fold(0.0, |m, e| if e.is_nan() { f64::INFINITY } else { m.max(e) })
}

#[test]
fn a_world_in_a_batch_costs_and_pulls_back_as_it_does_alone() {
    let all = [
        ("models/double_pendulum.xml", None, 0.0),
        ("", Some("cartpole_network.toml"), 1e-12),
        ("", Some("hopper_rhythm.toml"), 1e-9),
        ("models/quadruped.xml", None, 1e-9),
    ];
    for (model, scene, tolerance) in all {
        let many = many(model, scene);
        let together = many.together(Memory::Full);
        let (own, summed) = flat(&together);
        let mut controller = vec![0.0; many.weights.len()];
        for (w, own) in own.iter().enumerate() {
            let model = &many.models[w];
            let mut policy = Policy::new(model, &many.parts);
            let mut workspace = Workspace::new(model, &many.starts[w]);
            let (cost, gradient) = value_and_gradient_controlled(
                model,
                &many.starts[w],
                &many.inputs[w],
                (&mut policy, &many.weights),
                &mut RandomLinear::new(model, STEPS, 3),
                Memory::Full,
                &mut workspace,
            )
            .unwrap();
            let inputs = gradient.inputs.iter().flat_map(|i| i.u.clone());
            let (start, numbers) = (&gradient.start, gradient.model.numbers());
            let alone = [vec![cost], start.q.clone(), start.v.clone(), numbers, inputs.collect()].concat();
            let error = off(own, &alone);
            assert!(error <= tolerance, "{scene:?}, world {w}: {error:e}");
            controller.iter_mut().zip(&gradient.controller).for_each(|(a, b)| *a += b);
        }
        assert!(off(summed, &controller) < 1e-9, "{scene:?}");
        let paths =
            simulate_batch(many.worlds(), (|m: &Model<Lanes>| Policy::new(m, &many.parts), &many.weights));
        for (w, path) in paths.into_iter().map(Result::unwrap).enumerate() {
            let controller = (&mut Policy::new(&many.models[w], &many.parts), &many.weights[..]);
            let alone =
                simulate_controlled(&many.models[w], &many.starts[w], &many.inputs[w], controller).unwrap();
            let error = off(&path.states[STEPS].q, &alone.states[STEPS].q);
            assert!(error <= tolerance, "{scene:?}, world {w}: {error:e}");
        }
    }
}

#[test]
fn worlds_in_single_precision_keep_the_first_digits_of_costs_and_gradients() {
    let all = [
        ("models/double_pendulum.xml", None, [1e-6, 2e-5]),
        ("", Some("cartpole_network.toml"), [4e-6, 2e-5]),
        ("", Some("hopper_rhythm.toml"), [1e-5, 2e-3]),
        ("models/quadruped.xml", None, [3e-4, 5e-3]),
    ];
    for (model, scene, most) in all {
        let many = many(model, scene);
        let (double, single) = (many.together(Memory::Full), many.in_single_precision());
        let mut worst = [0.0_f64; 2];
        for w in 0..WORLDS {
            let [a, b] = [&single, &double].map(|all| flat_of(all, w));
            worst[0] = worst[0].max(off(&a[..1], &b[..1]));
            worst[1] = worst[1].max(off(&a[1..], &b[1..]));
        }
        println!("{model}{scene:?}: costs to {:.1e}, gradients to {:.1e}", worst[0], worst[1]);
        assert!(worst[0] < most[0] && worst[1] < most[1], "{model}{scene:?}: {worst:?}");
    }
}

#[test]
fn a_batch_finds_the_same_to_the_last_bit_with_any_number_of_threads_and_any_memory() {
    let many = many("", Some("hopper_rhythm.toml"));
    let with = |threads, memory| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let found = pool.install(|| many.together(memory));
        let (own, controller) = flat(&found);
        own.concat().iter().chain(controller).map(|x| x.to_bits()).collect::<Vec<_>>()
    };
    let one = with(1, Memory::Full);
    for threads in [2, 3, 16] {
        assert_eq!(one, with(threads, Memory::Full), "{threads} threads");
    }
    assert_eq!(one, with(2, Memory::Light), "a lighter record");
    assert_eq!(one, with(2, Memory::Bytes(100_000)), "checkpoints");
    assert_eq!(one, with(2, Memory::Bytes(2_000_000)), "records of some steps");
}

#[test]
fn a_world_that_fails_says_so_and_leaves_the_others_to_the_last_bit() {
    let healthy = many("", Some("hopper_rhythm.toml"));
    let before = healthy.together(Memory::Full);
    let mut broken = many("", Some("hopper_rhythm.toml"));
    broken.starts[5].v.fill(1e200);
    let after = broken.together(Memory::Full);
    let five = &after.worlds[5];
    let failed = five.cost.clone().unwrap_err();
    assert!(matches!(failed, Error::Diverged { step: 1, .. }), "{failed}");
    assert!(five.start.q.iter().chain(&five.own.model.as_ref().unwrap().numbers()).all(|x| *x == 0.0));
    // Its register finds what it finds beside an empty lane.
    let mut beside = many("", Some("hopper_rhythm.toml"));
    beside.models.remove(5);
    beside.starts.remove(5);
    beside.inputs.remove(5);
    beside.models.truncate(7);
    beside.starts.truncate(7);
    beside.inputs.truncate(7);
    let beside = beside.together(Memory::Full);
    let bits = |b: &Batched, w: usize| flat_of(b, w).iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    for w in (0..WORLDS).filter(|w| *w != 5) {
        let expected = match w {
            0..=4 => bits(&beside, w),
            6 | 7 => bits(&beside, w - 1),
            _ => bits(&before, w),
        };
        assert_eq!(bits(&after, w), expected, "world {w}");
    }
    assert!(after.controller.iter().all(|x| x.is_finite()));
    let policy = |m: &Model<Lanes>| Policy::new(m, &broken.parts);
    let paths = simulate_batch(broken.worlds(), (policy, &broken.weights));
    assert_eq!(paths.iter().filter(|path| path.is_err()).count(), 1);
    assert!(paths[5].is_err());
    let loss = |model: &Model<Lanes>| RandomLinear::new(model, STEPS, 3);
    let costs = Batch::new(Memory::Full).costs(broken.worlds(), (policy, &broken.weights), loss);
    for (cost, world) in costs.iter().zip(&after.worlds) {
        assert_eq!(cost.as_ref().ok(), world.cost.as_ref().ok());
    }
}

#[test]
fn eight_worlds_accelerate_as_each_of_them_alone() {
    for (name, contact) in [("double_pendulum", false), ("humanoid", true), ("quadruped", true)] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenes/models/{name}.xml"));
        let description = mjcf::load(&path).unwrap();
        let mut model = compile(&description);
        for acts in [contact, false] {
            Arc::make_mut(&mut model.topology).flags.constraint = acts;
            let mut random = Pcg64::seed_from_u64(7);
            let lifted = model.map(Lanes::splat);
            let (mut alone, mut together) = (Stage::new(&model), Stage::new(&lifted));
            let (mut worst, mut touching) = (0.0_f64, 0);
            for _ in 0..125 {
                let states: [State<f64>; 8] = std::array::from_fn(|_| anywhere(&model, &mut random));
                let state = gathered(&states);
                acceleration(&lifted, &state, &Input::zero(&lifted), &mut together);
                for (lane, state) in states.iter().enumerate() {
                    acceleration(&model, state, &Input::zero(&model), &mut alone);
                    touching += usize::from(acts && !alone.constraint.contacts.list.is_empty());
                    let own: Vec<f64> = together.a.iter().map(|x| x.lane(lane)).collect();
                    if acts {
                        worst = worst.max(off(&own, &alone.a));
                    } else {
                        assert_eq!(own, alone.a, "{name}");
                    }
                }
            }
            println!("{name}: {touching} of 1,000 states with contact, worst {worst:e}");
            assert!(worst <= 1e-9, "{name}: {worst:e}");
            assert!(!acts || touching > 500, "{name}: {touching}");
        }
    }
}
