//! A step in steady state asks the system for no memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use costate::model::description::Integrator;
use costate::model::{Costate, Input};
use costate::objective::RandomLinear;
use costate::physics::{Cotangents, Record, StepBackward, derive, step, step_pullback};
use costate::rollout::{Memory, Workspace, value_and_gradient};

use crate::recorded::{all, situation};

/// Counts what the current thread asks for.
struct Counting;

thread_local! {
    // Without a destructor and known at compile time: reading it allocates nothing itself.
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    COUNT.set(COUNT.get() + 1);
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is handed on.
        unsafe { System.realloc(old, layout, size) }
    }
    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is handed on.
        unsafe { System.dealloc(old, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How often `f` asks for memory.
fn allocations(f: impl FnOnce()) -> usize {
    let before = COUNT.get();
    f();
    COUNT.get() - before
}

const INTEGRATORS: [Integrator; 4] =
    [Integrator::Euler, Integrator::RungeKutta4, Integrator::Implicit, Integrator::ImplicitFast];

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(vec![1.0_f64; 10]))), 1);
}

#[test]
fn a_step_and_its_pullback_allocate_nothing_after_the_first() {
    let mut culprits = Vec::new();
    for r in all() {
        for integrator in INTEGRATORS {
            let mut description = r.description.clone();
            description.option.integrator = integrator;
            let model = derive::compile(&description);
            let (state, input) = situation(&model, &r.values["steps"][0]);
            let (mut record, mut back) = (Record::new(&model), StepBackward::new(&model));
            let (mut next, mut out) = (state.clone(), Cotangents::zero(&model, &input));
            let mut cotangent = Costate::zero(&model);
            cotangent.v.fill(1.0);
            let mut both = || {
                let forward = allocations(|| step(&model, &state, &input, &mut record, &mut next));
                let backward = allocations(|| {
                    step_pullback(&model, &state, &input, &record, &cotangent, &mut back, &mut out);
                });
                (forward, backward)
            };
            both();
            let (forward, backward) = both();
            if forward + backward > 0 {
                culprits.push(format!("{} {integrator:?}: {forward} forward, {backward} back", r.name));
            }
        }
    }
    assert!(culprits.is_empty(), "\n{}", culprits.join("\n"));
}

#[test]
fn a_step_in_which_points_lie_on_a_robot_allocates_nothing_after_the_first() {
    let text = "model = \"../models/particles/scale.xml\"\nsteps = 1\n[[points]]\nmass = 0.1\n\
                positions = [[0.1, 0.0, 0.021], [-0.1, 0.05, 0.021], [0.0, -0.1, 0.021]]\n";
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/scene.toml");
    let problem = costate::scene::toml::parse(text, &here).unwrap().problem;
    let (model, mut state) = (derive::compile(&problem.description), problem.start);
    let (input, mut next) = (Input::zero(&model), state.clone());
    let (mut record, mut back) = (Record::new(&model), StepBackward::new(&model));
    let (mut out, mut cotangent) = (Cotangents::zero(&model, &input), Costate::zero(&model));
    cotangent.particles.fill(1.0);
    let mut both = || {
        step(&model, &state, &input, &mut record, &mut next);
        step_pullback(&model, &state, &input, &record, &cotangent, &mut back, &mut out);
        std::mem::swap(&mut state, &mut next);
    };
    (0..50).for_each(|_| both());
    assert_eq!(allocations(|| (0..50).for_each(|_| both())), 0);
}

#[test]
fn a_gradient_allocates_as_often_for_many_steps_as_for_few() {
    for r in all() {
        for integrator in INTEGRATORS {
            let mut description = r.description.clone();
            description.option.integrator = integrator;
            // Small steps: nothing diverges.
            description.option.timestep = 1e-5;
            let model = derive::compile(&description);
            let (start, input) = situation(&model, &r.values["steps"][0]);
            let count = |memory: Memory, steps: usize| {
                let inputs: Vec<Input<f64>> = vec![input.clone(); steps];
                let mut objective = RandomLinear::new(&model, steps, 1);
                let mut workspace = Workspace::new(&model, &start);
                let mut run = || {
                    value_and_gradient(&model, &start, &inputs, &mut objective, memory, &mut workspace)
                        .map(|(cost, _)| cost)
                        .unwrap()
                };
                run();
                allocations(|| assert!(run().is_finite()))
            };
            for memory in [Memory::Full, Memory::Light] {
                let (few, many) = (count(memory, 3), count(memory, 30));
                assert_eq!(few, many, "{} {integrator:?} {memory:?}", r.name);
            }
        }
    }
}
