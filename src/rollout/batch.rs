//! Many worlds: as many to a register as its number has lanes, and registers shared out among threads.

use std::ops::Range;

use rayon::prelude::*;

use super::adjoint::{Gradient, Memory, Remembered, Workspace, value_and_gradient_controlled};
use super::forward::{Trajectory, cost_controlled, simulate_controlled};
use super::health::{Health, health, not_finite};
use crate::control::Controller;
use crate::error::Error;
use crate::model::{Costate, Input, Model, State};
use crate::number::{Mask, Real};
use crate::objective::Objective;
use crate::spatial::{Force, Pose, Quat, Vec3};

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

/// Costs and gradients of all worlds. Of a world that fails, cotangents are zero, and sums leave it out.
#[derive(Clone, Debug)]
pub struct Batched {
    /// Of each world; or how it failed.
    pub costs: Vec<Result<f64, Error>>,
    /// Where each world ends; one that fails, where it began.
    pub ends: Vec<State<f64>>,
    /// By the start of each world.
    pub starts: Vec<Costate<f64>>,
    /// By the inputs of each world.
    pub inputs: Vec<Vec<Input<f64>>>,
    /// By the numbers of each model: of all worlds together if they share one.
    pub models: Vec<Model<f64>>,
    /// By the parameters of the controller, which all worlds share: the sum.
    pub controller: Vec<f64>,
    /// Whether all worlds have one model.
    shared: bool,
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

    /// These worlds in one register; the last one stands in where there are fewer than it holds.
    fn gathered<R: Real>(&self, own: &[usize]) -> (Model<R>, State<R>, Vec<Input<R>>) {
        let group: Vec<usize> = (0..R::LANES).map(|k| own[k.min(own.len() - 1)]).collect();
        let numbers: Vec<Vec<f64>> = match self.models {
            [_] => Vec::new(),
            models => group.iter().map(|&w| models[w].numbers()).collect(),
        };
        let mut at = 0;
        let model = member(self.models, group[0]).map(|x| {
            at += 1;
            if numbers.is_empty() { R::from_f64(x) } else { R::from_lanes(|k| numbers[k][at - 1]) }
        });
        let starts: Vec<&State<f64>> = group.iter().map(|&w| member(self.starts, w)).collect();
        let inputs: Vec<&[Input<f64>]> = group.iter().map(|&w| &member(self.inputs, w)[..]).collect();
        let input = |k: usize| gather_input(|w| &inputs[w][k]);
        (model, gather_state(|k| starts[k]), (0..inputs[0].len()).map(input).collect())
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

fn gather<'a, R: Real>(list: impl Fn(usize) -> &'a [f64]) -> Vec<R> {
    (0..list(0).len()).map(|i| R::from_lanes(|k| list(k)[i])).collect()
}

fn gather_vector<R: Real>(of: impl Fn(usize) -> Vec3<f64>) -> Vec3<R> {
    Vec3::from([0, 1, 2].map(|i| R::from_lanes(|k| of(k).to_array()[i])))
}

fn gather_state<'a, R: Real>(of: impl Fn(usize) -> &'a State<f64>) -> State<R> {
    let pose = |i: usize| Pose {
        position: gather_vector(|k| of(k).mocap[i].position),
        rotation: Quat {
            w: R::from_lanes(|k| of(k).mocap[i].rotation.w),
            v: gather_vector(|k| of(k).mocap[i].rotation.v),
        },
    };
    State {
        q: gather(|k| &of(k).q),
        v: gather(|k| &of(k).v),
        act: gather(|k| &of(k).act),
        time: R::from_lanes(|k| of(k).time),
        mocap: (0..of(0).mocap.len()).map(pose).collect(),
        warm: gather(|k| &of(k).warm),
        particles: gather(|k| &of(k).particles),
    }
}

fn gather_input<'a, R: Real>(of: impl Fn(usize) -> &'a Input<f64>) -> Input<R> {
    let wrench = |i: usize| {
        Force::new(gather_vector(|k| of(k).wrench[i].torque), gather_vector(|k| of(k).wrench[i].force))
    };
    Input {
        u: gather(|k| &of(k).u),
        force: gather(|k| &of(k).force),
        wrench: (0..of(0).wrench.len()).map(wrench).collect(),
        push: (0..of(0).push.len()).map(|i| gather_vector(|k| of(k).push[i])).collect(),
    }
}

/// Rolls all worlds out; every one as [`simulate_controlled`] does, to the solver's tolerance, and to the same bits
/// for any number of threads. A world that fails leaves the others alone.
pub fn simulate_batch<R: Real + Sync, C: Controller<R>>(
    worlds: Worlds<'_>,
    (controller, parameters): (impl Fn(&Model<R>) -> C + Sync, &[f64]),
) -> Vec<Result<Trajectory<f64>, Error>> {
    let parameters: Vec<R> = parameters.iter().map(|x| R::from_f64(*x)).collect();
    let of = |worker: &mut Option<C>, number: usize| -> Vec<Result<Trajectory<f64>, Error>> {
        let rolled = Rolled::new(worlds.own(number, R::LANES), |own| {
            let (model, start, inputs) = worlds.gathered(own);
            let controller = worker.get_or_insert_with(|| controller(&model));
            simulate_controlled(&model, &start, &inputs, (controller, &parameters))
        });
        let lane = |rollout: &Trajectory<R>, k: usize| Trajectory {
            states: rollout.states.iter().map(|s| s.map(|x| x.lane(k))).collect(),
            inputs: rollout.inputs.iter().map(|u| u.map(|x| x.lane(k))).collect(),
        };
        worlds.own(number, R::LANES).map(|world| rolled.of(world, lane)).collect()
    };
    let registers = (0..worlds.count().div_ceil(R::LANES)).into_par_iter();
    registers.map_init(|| None, of).flatten_iter().collect()
}

/// The cost of every world, remembering nothing; or how it failed.
pub fn cost_batch<R: Real + Sync, C: Controller<R>, O: Objective<R>>(
    worlds: Worlds<'_>,
    (controller, parameters): (impl Fn(&Model<R>) -> C + Sync, &[f64]),
    objective: impl Fn(&Model<R>) -> O + Sync,
) -> Vec<Result<f64, Error>> {
    let parameters: Vec<R> = parameters.iter().map(|x| R::from_f64(*x)).collect();
    let of = |worker: &mut Option<(C, O)>, number: usize| -> Vec<Result<f64, Error>> {
        let rolled = Rolled::new(worlds.own(number, R::LANES), |own| {
            let (model, start, inputs) = worlds.gathered(own);
            let (controller, objective) =
                worker.get_or_insert_with(|| (controller(&model), objective(&model)));
            let cost = cost_controlled(&model, &start, &inputs, (controller, &parameters), objective)?;
            finite(cost, || not_finite((inputs.len(), "the cost".to_owned())))?;
            Ok(cost)
        });
        worlds.own(number, R::LANES).map(|world| rolled.of(world, |cost, k| cost.lane(k))).collect()
    };
    let registers = (0..worlds.count().div_ceil(R::LANES)).into_par_iter();
    registers.map_init(|| None, of).flatten_iter().collect()
}

/// Gradients of many worlds: one workspace for each thread, used again and again with its controller and its
/// objective, which take nothing but sizes from the model that they are made for.
///
/// With [`Lanes`](crate::number::Lanes) eight worlds share a register, with
/// [`LanesF32`](crate::number::LanesF32) sixteen; with `f64` each world is alone, as those with particles must be.
#[derive(Debug)]
pub struct Batch<R: Real, C, O> {
    workers: Vec<Option<Worker<R, C, O>>>,
    memory: Memory,
}

/// What a thread works with.
#[derive(Debug)]
struct Worker<R: Real, C, O> {
    workspace: Workspace<R>,
    controller: C,
    objective: O,
}

impl<R: Real + Sync, C: Controller<R> + Send, O: Objective<R> + Send> Batch<R, C, O>
where
    Workspace<R>: Send,
{
    /// Room for as many threads as there are; a memory in bytes is that of all of them together.
    pub fn new(memory: Memory) -> Self {
        let threads = rayon::current_num_threads();
        let memory = match memory {
            Memory::Bytes(bytes) => Memory::Bytes(bytes / threads),
            other => other,
        };
        Self { workers: (0..threads).map(|_| None).collect(), memory }
    }

    /// Cost and gradient of every world; those of what worlds share are summed in the order of the worlds, so that
    /// the bits do not depend on the number of threads. A world that fails leaves the others alone.
    pub fn value_and_gradient(
        &mut self,
        worlds: Worlds<'_>,
        (controller, parameters): (impl Fn(&Model<R>) -> C + Sync, &[f64]),
        objective: impl Fn(&Model<R>) -> O + Sync,
    ) -> Batched {
        let lanes: Vec<R> = parameters.iter().map(|x| R::from_f64(*x)).collect();
        let (memory, threads) = (self.memory, self.workers.len());
        let registers = worlds.count().div_ceil(R::LANES);
        let of = |worker: &mut Option<Worker<R, C, O>>, number: usize| {
            let rolled = Rolled::new(worlds.own(number, R::LANES), |own| {
                let (model, start, inputs) = worlds.gathered(own);
                let worker = worker.get_or_insert_with(|| Worker {
                    workspace: Workspace::new(&model, &start),
                    controller: controller(&model),
                    objective: objective(&model),
                });
                worker.controller.worlds(own.len());
                worker.roll((&model, &start, &inputs), &lanes, memory)
            });
            let workspace = &worker.as_ref().expect("a register has a world at least").workspace;
            worlds.separated(number, &rolled, workspace, parameters.len())
        };
        let work = |(thread, worker): (usize, &mut Option<Worker<R, C, O>>)| -> Vec<Batched> {
            (thread..registers).step_by(threads).map(|number| of(worker, number)).collect()
        };
        let all: Vec<Vec<Batched>> = self.workers.par_iter_mut().enumerate().map(work).collect();
        let mut all: Vec<_> = all.into_iter().map(Vec::into_iter).collect();
        let mut in_order =
            (0..registers).map(|number| all[number % threads].next().expect("each has its share"));
        let mut out = in_order.next().expect("a batch has a world at least");
        in_order.for_each(|register| out.append(register));
        out
    }
}

impl<R: Real, C, O> Batch<R, C, O> {
    /// What the last gradient of the first thread met.
    pub fn health(&self) -> Option<Health> {
        self.workers.first().and_then(Option::as_ref).map(|worker| health(&worker.workspace))
    }

    /// What the last gradient of each thread kept, of the worlds of a register.
    pub fn remembered(&self) -> Vec<Remembered> {
        self.workers.iter().flatten().map(|worker| worker.workspace.remembered()).collect()
    }
}

impl<R: Real, C: Controller<R>, O: Objective<R>> Worker<R, C, O> {
    /// The costs of a register, whose gradient stays in the workspace.
    fn roll(
        &mut self,
        (model, start, inputs): (&Model<R>, &State<R>, &[Input<R>]),
        parameters: &[R],
        memory: Memory,
    ) -> Result<R, Error> {
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
    /// What a register holds, world by world; what the worlds share is summed.
    fn separated<R: Real>(
        &self,
        number: usize,
        rolled: &Rolled<R>,
        workspace: &Workspace<R>,
        parameters: usize,
    ) -> Batched {
        let (gradient, end) = (workspace.gradient(), workspace.end());
        let each = || self.own(number, R::LANES);
        let sum = |x: R| (0..rolled.alive.len()).map(|k| x.lane(k)).sum::<f64>();
        let of = |world: usize| {
            let lane = rolled.lane(world);
            move |x: R| lane.map_or(0.0, |k| x.lane(k))
        };
        let models = match self.models {
            [_] => vec![gradient.model.map(sum)],
            _ => each().map(|world| gradient.model.map(of(world))).collect(),
        };
        let of_inputs = |world: usize| gradient.inputs.iter().map(|u| u.map(of(world))).collect();
        let ends = |world: usize| match rolled.lane(world) {
            Some(_) => end.map(of(world)),
            None => member(self.starts, world).clone(),
        };
        // Where no world came through there is no cotangent of a parameter either.
        let of_parameter = |i: usize| gradient.controller.get(i).map_or(0.0, |x| sum(*x));
        Batched {
            costs: each().map(|world| rolled.of(world, |cost, k| cost.lane(k))).collect(),
            ends: each().map(ends).collect(),
            starts: each().map(|world| gradient.start.map(of(world))).collect(),
            inputs: each().map(of_inputs).collect(),
            models,
            controller: (0..parameters).map(of_parameter).collect(),
            shared: self.models.len() == 1,
        }
    }
}

impl Batched {
    fn append(&mut self, other: Self) {
        self.costs.extend(other.costs);
        self.ends.extend(other.ends);
        self.starts.extend(other.starts);
        self.inputs.extend(other.inputs);
        self.controller.iter_mut().zip(other.controller).for_each(|(a, b)| *a += b);
        if self.shared {
            add(&mut self.models[0], &other.models[0]);
        } else {
            self.models.extend(other.models);
        }
    }

    /// The gradient of the sum of all costs, for worlds that share everything but their starts.
    pub fn summed(self) -> Gradient<f64> {
        let mut inputs = self.inputs.into_iter();
        let mut sum = inputs.next().expect("a batch has a world at least");
        for own in inputs {
            for (sum, own) in sum.iter_mut().zip(&own) {
                sum.u.iter_mut().zip(&own.u).for_each(|(a, b)| *a += b);
            }
        }
        let mut models = self.models.into_iter();
        let mut model = models.next().expect("a batch has a model at least");
        models.for_each(|own| add(&mut model, &own));
        let start = self.starts[0].map(|_| 0.0);
        Gradient { start, inputs: sum, model, controller: self.controller }
    }
}

/// Adds the numbers of a cotangent to those of another.
fn add(sum: &mut Model<f64>, own: &Model<f64>) {
    let mut numbers = own.numbers().into_iter();
    sum.visit(|x| *x += numbers.next().expect("both models have the same shape"));
}
