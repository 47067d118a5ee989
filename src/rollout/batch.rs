//! Many worlds: as many to a register as its number has lanes, and registers shared out among threads.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::adjoint::{Gradient, Memory, Remembered, Workspace, value_and_gradient_controlled};
use super::forward::{Trajectory, simulate_controlled};
use super::health::{Health, health, not_finite};
use crate::control::Controller;
use crate::error::Error;
use crate::model::{Costate, Input, Model, State, copy_inputs};
use crate::number::{Mask, Real};
use crate::objective::Objective;
use crate::physics::Engine;
use crate::spatial::Vec3;

/// Worlds of one structure. A list of one member stands for as many as there are starts.
#[derive(Clone, Copy, Debug)]
pub struct Worlds<'a> {
    /// Their numbers.
    pub models: &'a [Model<f64>],
    /// Where each begins.
    pub starts: &'a [State<f64>],
    /// What acts on each, step by step.
    pub inputs: &'a [Vec<Input<f64>>],
}

/// Costs and gradients of all worlds.
#[derive(Clone, Debug, Default)]
pub struct Batched {
    /// One by one.
    pub worlds: Vec<World>,
    /// By what all worlds share: sums, which leave out the worlds that failed.
    pub shared: Share,
    /// By the parameters of the controller, which all worlds share.
    pub controller: Vec<f64>,
}

/// Cost and gradient of one world. Where it fails, cotangents are zero.
#[derive(Clone, Debug)]
pub struct World {
    /// Or how it failed.
    pub cost: Result<f64, Error>,
    /// Where it ends; where it fails, its start.
    pub end: State<f64>,
    /// By its start.
    pub start: Costate<f64>,
    /// By what no other world has.
    pub own: Share,
}

/// Cotangents of what one world has for itself, or of what all worlds share: each of them stands in one place, and
/// nothing in the other.
#[derive(Clone, Debug, Default)]
pub struct Share {
    /// By the input of every step.
    pub inputs: Vec<Input<f64>>,
    /// By the numbers of the model.
    pub model: Option<Model<f64>>,
}

/// A member of a list, of which the only one stands for all.
fn member<T>(list: &[T], world: usize) -> &T {
    &list[if list.len() == 1 { 0 } else { world }]
}

impl Worlds<'_> {
    /// How many they are.
    pub fn count(&self) -> usize {
        self.starts.len()
    }

    /// The worlds of a register of so many.
    fn own(&self, number: usize, lanes: usize) -> Range<usize> {
        number * lanes..self.count().min((number + 1) * lanes)
    }
}

/// Worlds in one register.
#[derive(Debug)]
struct Gathered<R> {
    model: Model<R>,
    start: State<R>,
    inputs: Vec<Input<R>>,
}

impl<R: Real> Gathered<R> {
    /// Room for worlds like these.
    fn new(worlds: Worlds<'_>) -> Self {
        Self {
            model: worlds.models[0].map(R::from_f64),
            start: worlds.starts[0].map(R::from_f64),
            inputs: Vec::new(),
        }
    }

    /// Overwrites all with these worlds; the last one stands in where there are fewer than a register holds.
    fn fill(&mut self, worlds: Worlds<'_>, own: &[usize]) {
        let group: Vec<usize> = (0..R::LANES).map(|k| own[k.min(own.len() - 1)]).collect();
        let numbers: Vec<Vec<f64>> = match worlds.models {
            [model] => vec![model.numbers()],
            models => group.iter().map(|&w| models[w].numbers()).collect(),
        };
        let mut at = 0;
        self.model.visit(|x| {
            *x = R::from_lanes(|k| member(&numbers, k)[at]);
            at += 1;
        });
        gather_state(&mut self.start, |k| member(worlds.starts, group[k]));
        let inputs: Vec<&[Input<f64>]> = group.iter().map(|&w| &member(worlds.inputs, w)[..]).collect();
        copy_inputs(&mut self.inputs, inputs[0], R::from_f64);
        for (step, input) in self.inputs.iter_mut().enumerate() {
            gather_input(input, |k| &inputs[k][step]);
        }
    }
}

/// A register that was rolled out.
struct Rolled<T> {
    /// The worlds that came through, lane by lane.
    alive: Vec<usize>,
    /// What they gave, if there are any.
    found: Option<T>,
    /// How the others failed.
    failed: Vec<(usize, Error)>,
}

impl<T> Rolled<T> {
    /// Rolls worlds out; where some fail, again without them, until the others come through: those find what
    /// they would find beside empty lanes.
    fn new(own: Range<usize>, mut roll: impl FnMut(&[usize]) -> Result<T, Error>) -> Self {
        let (mut alive, mut failed): (Vec<usize>, _) = (own.collect(), Vec::new());
        while !alive.is_empty() {
            match roll(&alive) {
                Ok(found) => return Self { alive, found: Some(found), failed },
                Err(Error::Worlds(lanes)) => {
                    // What fails in a lane that stands in fails in its world.
                    let last = alive.len() - 1;
                    failed.extend(lanes.into_iter().map(|(lane, e)| (alive[lane.min(last)], e)));
                }
                Err(e) => failed.extend(alive.iter().map(|&world| (world, e.clone()))),
            }
            alive.retain(|world| failed.iter().all(|(other, _)| other != world));
        }
        Self { alive, found: None, failed }
    }

    fn lane(&self, world: usize) -> Option<usize> {
        self.alive.iter().position(|alive| *alive == world)
    }

    /// What a world gave, or how it failed.
    fn of<U>(&self, world: usize, take: impl FnOnce(&T, usize) -> U) -> Result<U, Error> {
        if let (Some(found), Some(lane)) = (&self.found, self.lane(world)) {
            return Ok(take(found, lane));
        }
        let mut failed = self.failed.iter();
        Err(failed.find(|(other, _)| *other == world).expect("it came through or failed").1.clone())
    }
}

/// Says which worlds of a register have a number that is not finite.
fn finite<R: Real>(sum: R, error: impl Fn() -> Error) -> Result<(), Error> {
    if sum.is_finite().all() {
        return Ok(());
    }
    let bad = (0..R::LANES).filter(|&k| !sum.lane(k).is_finite());
    Err(Error::Worlds(bad.map(|k| (k, error())).collect()))
}

fn gather<'a, R: Real>(out: &mut [R], list: impl Fn(usize) -> &'a [f64]) {
    for (i, out) in out.iter_mut().enumerate() {
        *out = R::from_lanes(|k| list(k)[i]);
    }
}

fn gather_vector<R: Real>(of: impl Fn(usize) -> Vec3<f64>) -> Vec3<R> {
    Vec3::from([0, 1, 2].map(|i| R::from_lanes(|k| of(k).to_array()[i])))
}

fn gather_state<'a, R: Real>(out: &mut State<R>, of: impl Fn(usize) -> &'a State<f64>) {
    gather(&mut out.q, |k| &of(k).q);
    gather(&mut out.v, |k| &of(k).v);
    gather(&mut out.act, |k| &of(k).act);
    out.time = R::from_lanes(|k| of(k).time);
    for (i, pose) in out.mocap.iter_mut().enumerate() {
        pose.position = gather_vector(|k| of(k).mocap[i].position);
        pose.rotation.w = R::from_lanes(|k| of(k).mocap[i].rotation.w);
        pose.rotation.v = gather_vector(|k| of(k).mocap[i].rotation.v);
    }
    gather(&mut out.warm, |k| &of(k).warm);
    gather(&mut out.particles, |k| &of(k).particles);
}

fn gather_input<'a, R: Real>(out: &mut Input<R>, of: impl Fn(usize) -> &'a Input<f64>) {
    gather(&mut out.u, |k| &of(k).u);
    gather(&mut out.force, |k| &of(k).force);
    for (i, wrench) in out.wrench.iter_mut().enumerate() {
        wrench.torque = gather_vector(|k| of(k).wrench[i].torque);
        wrench.force = gather_vector(|k| of(k).wrench[i].force);
    }
    for (i, push) in out.push.iter_mut().enumerate() {
        *push = gather_vector(|k| of(k).push[i]);
    }
}

/// Shares jobs out among workers, one thread each: who is done takes the next one. What a job leaves must not
/// depend on who did it.
fn share_out<W: Send, J: Send>(
    workers: &mut [W],
    jobs: impl Iterator<Item = J> + Send,
    work: impl Fn(&mut W, J) + Sync,
) {
    let jobs = Mutex::new(jobs.fuse());
    let next = || jobs.lock().unwrap_or_else(PoisonError::into_inner).next();
    workers.par_iter_mut().with_max_len(1).for_each(|worker| {
        while let Some(job) = next() {
            work(worker, job);
        }
    });
}

/// One for each thread.
fn workers<W>() -> Vec<Option<W>> {
    (0..rayon::current_num_threads()).map(|_| None).collect()
}

/// Rolls all worlds out; every one as [`simulate_controlled`] does, to the solver's tolerance, and to the same bits
/// for any number of threads. A world that fails leaves the others alone.
pub fn simulate_batch<R: Engine + Send + Sync, C: Controller<R> + Send>(
    worlds: Worlds<'_>,
    (controller, parameters): (impl Fn(&Model<R>) -> C + Sync, &[f64]),
) -> Vec<Result<Trajectory<f64>, Error>> {
    let parameters: Vec<R> = parameters.iter().map(|x| R::from_f64(*x)).collect();
    let lane = |rollout: &Trajectory<R>, k: usize| Trajectory {
        states: rollout.states.iter().map(|s| s.map(|x| x.lane(k))).collect(),
        inputs: rollout.inputs.iter().map(|u| u.map(|x| x.lane(k))).collect(),
    };
    let mut out: Vec<_> = worlds.starts.iter().map(|_| None).collect();
    let registers = out.chunks_mut(R::LANES).enumerate();
    let new = || {
        let worlds = Gathered::new(worlds);
        (controller(&worlds.model), worlds)
    };
    share_out(&mut workers(), registers, |worker, (number, out)| {
        let own = worlds.own(number, R::LANES);
        let (controller, gathered) = worker.get_or_insert_with(new);
        let rolled = Rolled::new(own.clone(), |own| {
            gathered.fill(worlds, own);
            let Gathered { model, start, inputs } = &*gathered;
            simulate_controlled(model, start, inputs, (&mut *controller, &parameters))
        });
        own.zip(out).for_each(|(world, out)| *out = Some(rolled.of(world, lane)));
    });
    out.into_iter().map(|found| found.expect("every register was rolled out")).collect()
}

/// Costs and gradients of many worlds: one workspace for each thread, used again and again with its controller and
/// its objective, which take nothing but sizes from the model that they are made for.
///
/// With [`Lanes`](crate::number::Lanes) eight worlds share a register, with
/// [`LanesF32`](crate::number::LanesF32) sixteen; with `f64` each world is alone, as those with particles must be.
/// What is found does not depend on the number of threads, to the last bit, and a world that fails leaves the others
/// alone.
#[derive(Debug)]
pub struct Batch<R: Real, C, O> {
    workers: Vec<Option<Worker<R, C, O>>>,
    memory: Memory,
    registers: Vec<Register>,
    found: Batched,
}

/// What a thread works with.
#[derive(Debug)]
struct Worker<R: Real, C, O> {
    worlds: Gathered<R>,
    workspace: Workspace<R>,
    controller: C,
    objective: O,
}

/// What a register leaves of the worlds that share it.
#[derive(Debug, Default)]
struct Register {
    share: Share,
    controller: Vec<f64>,
    health: Option<Health>,
}

impl<R, C, O> Batch<R, C, O>
where
    R: Engine + Send + Sync,
    C: Controller<R> + Send,
    O: Objective<R> + Send,
    Workspace<R>: Send,
{
    /// Room for as many threads as there are; a memory in bytes is that of all of them together.
    pub fn new(memory: Memory) -> Self {
        let workers: Vec<_> = workers();
        let memory = match memory {
            Memory::Bytes(bytes) => Memory::Bytes(bytes / workers.len()),
            other => other,
        };
        Self { workers, memory, registers: Vec::new(), found: Batched::default() }
    }

    /// The cost of every world, remembering nothing of its rollout; or how it failed.
    pub fn costs(
        &mut self,
        worlds: Worlds<'_>,
        (controller, parameters): (impl Fn(&Model<R>) -> C + Sync, &[f64]),
        objective: impl Fn(&Model<R>) -> O + Sync,
    ) -> Vec<Result<f64, Error>> {
        let parameters: Vec<R> = parameters.iter().map(|x| R::from_f64(*x)).collect();
        let new = || Worker::new(worlds, &controller, &objective);
        let mut costs: Vec<Result<f64, Error>> = vec![Ok(0.0); worlds.count()];
        let registers = costs.chunks_mut(R::LANES).enumerate();
        share_out(&mut self.workers, registers, |worker, (number, costs)| {
            let own = worlds.own(number, R::LANES);
            let worker = worker.get_or_insert_with(new);
            let rolled = Rolled::new(own.clone(), |own| {
                worker.worlds.fill(worlds, own);
                worker.cost(&parameters)
            });
            own.zip(costs).for_each(|(world, out)| *out = rolled.of(world, |cost, k| cost.lane(k)));
        });
        costs
    }

    /// Cost and gradient of every world; those of what worlds share are summed in the order of the worlds.
    pub fn value_and_gradient(
        &mut self,
        worlds: Worlds<'_>,
        (controller, parameters): (impl Fn(&Model<R>) -> C + Sync, &[f64]),
        objective: impl Fn(&Model<R>) -> O + Sync,
    ) -> &Batched {
        let parameters: Vec<R> = parameters.iter().map(|x| R::from_f64(*x)).collect();
        let new = || Worker::new(worlds, &controller, &objective);
        let (memory, out) = (self.memory, &mut self.found);
        out.worlds.resize_with(worlds.count(), || World {
            cost: Ok(0.0),
            end: worlds.starts[0].clone(),
            start: Costate::zero(&worlds.models[0]),
            own: Share::default(),
        });
        self.registers.resize_with(worlds.count().div_ceil(R::LANES), Register::default);
        let registers = out.worlds.chunks_mut(R::LANES).zip(&mut self.registers).enumerate();
        share_out(&mut self.workers, registers, |worker, (number, (out, register))| {
            let worker = worker.get_or_insert_with(new);
            let rolled = Rolled::new(worlds.own(number, R::LANES), |own| {
                worker.worlds.fill(worlds, own);
                worker.controller.worlds(own.len());
                worker.value_and_gradient(&parameters, memory)
            });
            register.health = (number == 0).then(|| health(&worker.workspace));
            register.controller.resize(parameters.len(), 0.0);
            worlds.separate(number, &rolled, &worker.workspace, (out, register));
        });
        let (first, others) = self.registers.split_first().expect("a batch has a world at least");
        out.shared.clone_from(&first.share);
        out.controller.clone_from(&first.controller);
        for other in others {
            out.shared.add(&other.share);
            out.controller.iter_mut().zip(&other.controller).for_each(|(a, b)| *a += b);
        }
        out
    }
}

impl<R: Engine, C, O> Batch<R, C, O> {
    /// What the last gradient of the first worlds met.
    pub fn health(&self) -> Option<&Health> {
        self.registers.first().and_then(|register| register.health.as_ref())
    }

    /// What the last gradient of each thread kept, of the worlds of a register.
    pub fn remembered(&self) -> Vec<Remembered> {
        self.workers.iter().flatten().map(|worker| worker.workspace.remembered()).collect()
    }
}

impl<R: Engine, C: Controller<R>, O: Objective<R>> Worker<R, C, O> {
    fn new(
        worlds: Worlds<'_>,
        controller: impl Fn(&Model<R>) -> C,
        objective: impl Fn(&Model<R>) -> O,
    ) -> Self {
        let worlds = Gathered::new(worlds);
        Self {
            workspace: Workspace::new(&worlds.model, &worlds.start),
            controller: controller(&worlds.model),
            objective: objective(&worlds.model),
            worlds,
        }
    }

    /// The costs of its worlds.
    fn cost(&mut self, parameters: &[R]) -> Result<R, Error> {
        let Gathered { model, start, inputs } = &self.worlds;
        let controller = (&mut self.controller, parameters);
        let cost = self.workspace.cost(model, start, inputs, controller, &mut self.objective)?;
        finite(cost, || not_finite((inputs.len(), "the cost".to_owned())))?;
        Ok(cost)
    }

    /// The costs of its worlds, whose gradients stay in the workspace.
    fn value_and_gradient(&mut self, parameters: &[R], memory: Memory) -> Result<R, Error> {
        let Gathered { model, start, inputs } = &self.worlds;
        let controller = (&mut self.controller, parameters);
        let (objective, workspace) = (&mut self.objective, &mut self.workspace);
        let (cost, gradient) =
            value_and_gradient_controlled(model, start, inputs, controller, objective, memory, workspace)?;
        let (start, numbers) = (&gradient.start, gradient.model.numbers());
        let all = start.q.iter().chain(&start.v).chain(&start.act).chain(&numbers);
        let all = all.chain(gradient.inputs.iter().flat_map(|input| &input.u));
        finite(all.fold(cost, |sum, x| sum + *x), || health(&self.workspace).failure())?;
        Ok(cost)
    }
}

impl Worlds<'_> {
    /// Takes a register apart, world by world; what the worlds share is summed.
    fn separate<R: Engine>(
        &self,
        number: usize,
        rolled: &Rolled<R>,
        workspace: &Workspace<R>,
        (out, register): (&mut [World], &mut Register),
    ) {
        let gradient = workspace.gradient();
        let (inputs, models) = (self.inputs.len() > 1, self.models.len() > 1);
        for (world, out) in self.own(number, R::LANES).zip(out) {
            let lane = rolled.lane(world);
            let of = move |x: R| lane.map_or(0.0, |k| x.lane(k));
            out.cost = rolled.of(world, |cost, k| cost.lane(k));
            match lane {
                Some(k) => out.end.copy_as(workspace.end(), |x| x.lane(k)),
                None => out.end.copy_from(member(self.starts, world)),
            }
            out.start.copy_as(&gradient.start, of);
            out.own.take(gradient, [inputs, models], of);
        }
        let sum = |x: R| (0..rolled.alive.len()).map(|k| x.lane(k)).sum::<f64>();
        register.share.take(gradient, [!inputs, !models], sum);
        // Where no world came through there is no cotangent of a parameter either.
        register.controller.fill(0.0);
        register.controller.iter_mut().zip(&gradient.controller).for_each(|(out, x)| *out = sum(*x));
    }
}

impl Share {
    /// Overwrites cotangents of inputs and model with those of a register, where they belong here.
    fn take<R: Real>(
        &mut self,
        gradient: &Gradient<R>,
        [inputs, model]: [bool; 2],
        of: impl Fn(R) -> f64 + Copy,
    ) {
        copy_inputs(&mut self.inputs, if inputs { &gradient.inputs } else { &[] }, of);
        match &mut self.model {
            Some(own) if model => {
                let mut numbers = gradient.model.numbers().into_iter();
                own.visit(|x| *x = of(numbers.next().expect("both models have the same shape")));
            }
            own => *own = model.then(|| gradient.model.map(of)),
        }
    }

    fn add(&mut self, other: &Self) {
        for (sum, own) in self.inputs.iter_mut().zip(&other.inputs) {
            sum.add(own);
        }
        if let (Some(sum), Some(own)) = (&mut self.model, &other.model) {
            let mut numbers = own.numbers().into_iter();
            sum.visit(|x| *x += numbers.next().expect("both models have the same shape"));
        }
    }
}
