//! Many worlds: eight to a register, and registers shared out among threads.

use std::ops::Range;

use rayon::prelude::*;

use super::adjoint::{Gradient, Memory, Remembered, Workspace, value_and_gradient_controlled};
use super::forward::{Trajectory, cost_controlled, simulate_controlled};
use super::health::{Health, health, not_finite};
use crate::control::Controller;
use crate::error::Error;
use crate::model::{Costate, Input, Model, State};
use crate::number::{Lanes, Mask, Real};
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

    /// The worlds of a register.
    fn own(&self, number: usize) -> Range<usize> {
        number * Lanes::COUNT..self.count().min((number + 1) * Lanes::COUNT)
    }

    fn registers(&self) -> usize {
        self.count().div_ceil(Lanes::COUNT)
    }

    /// These worlds in one register; the last one stands in where there are fewer than eight.
    fn gathered(&self, own: &[usize]) -> (Model<Lanes>, State<Lanes>, Vec<Input<Lanes>>) {
        let group: [usize; Lanes::COUNT] = std::array::from_fn(|k| own[k.min(own.len() - 1)]);
        let numbers: Vec<Vec<f64>> = match self.models {
            [_] => Vec::new(),
            models => group.iter().map(|&w| models[w].numbers()).collect(),
        };
        let mut at = 0;
        let model = member(self.models, group[0]).map(|x| {
            at += 1;
            if numbers.is_empty() { Lanes::splat(x) } else { Lanes::from_lanes(|k| numbers[k][at - 1]) }
        });
        let start = gather_state(group.map(|w| member(self.starts, w)));
        let steps = member(self.inputs, group[0]).len();
        let input = |k: usize| gather_input(group.map(|w| &member(self.inputs, w)[k]));
        (model, start, (0..steps).map(input).collect())
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
                    failed.extend(lanes.into_iter().filter_map(|(lane, e)| Some((*alive.get(lane)?, e))));
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
fn finite(sum: Lanes, error: impl Fn() -> Error) -> Result<(), Error> {
    if sum.is_finite().all() {
        return Ok(());
    }
    let bad = (0..Lanes::COUNT).filter(|&k| !sum.lane(k).is_finite());
    Err(Error::Worlds(bad.map(|k| (k, error())).collect()))
}

fn gather(lists: [&[f64]; Lanes::COUNT]) -> Vec<Lanes> {
    (0..lists[0].len()).map(|i| Lanes::from_lanes(|k| lists[k][i])).collect()
}

fn gather_vector(all: [Vec3<f64>; Lanes::COUNT]) -> Vec3<Lanes> {
    let arrays = all.map(Vec3::to_array);
    Vec3::from([0, 1, 2].map(|i| Lanes::from_lanes(|k| arrays[k][i])))
}

fn gather_state(all: [&State<f64>; Lanes::COUNT]) -> State<Lanes> {
    let pose = |i: usize| Pose {
        position: gather_vector(all.map(|s| s.mocap[i].position)),
        rotation: Quat {
            w: Lanes::from_lanes(|k| all[k].mocap[i].rotation.w),
            v: gather_vector(all.map(|s| s.mocap[i].rotation.v)),
        },
    };
    State {
        q: gather(all.map(|s| &s.q[..])),
        v: gather(all.map(|s| &s.v[..])),
        act: gather(all.map(|s| &s.act[..])),
        time: Lanes::from_lanes(|k| all[k].time),
        mocap: (0..all[0].mocap.len()).map(pose).collect(),
        warm: gather(all.map(|s| &s.warm[..])),
        particles: gather(all.map(|s| &s.particles[..])),
    }
}

fn gather_input(all: [&Input<f64>; Lanes::COUNT]) -> Input<Lanes> {
    let wrench = |i: usize| {
        Force::new(
            gather_vector(all.map(|x| x.wrench[i].torque)),
            gather_vector(all.map(|x| x.wrench[i].force)),
        )
    };
    Input {
        u: gather(all.map(|x| &x.u[..])),
        force: gather(all.map(|x| &x.force[..])),
        wrench: (0..all[0].wrench.len()).map(wrench).collect(),
        push: (0..all[0].push.len()).map(|i| gather_vector(all.map(|x| x.push[i]))).collect(),
    }
}

/// Rolls all worlds out; every one as [`simulate_controlled`] does, to the solver's tolerance, and to the same bits
/// for any number of threads. A world that fails leaves the others alone.
pub fn simulate_batch<C: Controller<Lanes>>(
    worlds: Worlds<'_>,
    (controller, parameters): (impl Fn(&Model<Lanes>) -> C + Sync, &[f64]),
) -> Vec<Result<Trajectory<f64>, Error>> {
    let parameters: Vec<Lanes> = parameters.iter().map(|x| Lanes::splat(*x)).collect();
    let of = |worker: &mut Option<C>, number: usize| -> Vec<Result<Trajectory<f64>, Error>> {
        let rolled = Rolled::new(worlds.own(number), |own| {
            let (model, start, inputs) = worlds.gathered(own);
            let controller = worker.get_or_insert_with(|| controller(&model));
            simulate_controlled(&model, &start, &inputs, (controller, &parameters))
        });
        let lane = |rollout: &Trajectory<Lanes>, k: usize| Trajectory {
            states: rollout.states.iter().map(|s| s.map(|x| x.lane(k))).collect(),
            inputs: rollout.inputs.iter().map(|u| u.map(|x| x.lane(k))).collect(),
        };
        worlds.own(number).map(|world| rolled.of(world, lane)).collect()
    };
    let registers = (0..worlds.registers()).into_par_iter();
    registers.map_init(|| None, of).flatten_iter().collect()
}

/// The cost of every world, remembering nothing; or how it failed.
pub fn cost_batch<C: Controller<Lanes>, O: Objective<Lanes>>(
    worlds: Worlds<'_>,
    (controller, parameters): (impl Fn(&Model<Lanes>) -> C + Sync, &[f64]),
    objective: impl Fn(&Model<Lanes>) -> O + Sync,
) -> Vec<Result<f64, Error>> {
    let parameters: Vec<Lanes> = parameters.iter().map(|x| Lanes::splat(*x)).collect();
    let of = |worker: &mut Option<(C, O)>, number: usize| -> Vec<Result<f64, Error>> {
        let rolled = Rolled::new(worlds.own(number), |own| {
            let (model, start, inputs) = worlds.gathered(own);
            let (controller, objective) =
                worker.get_or_insert_with(|| (controller(&model), objective(&model)));
            let cost = cost_controlled(&model, &start, &inputs, (controller, &parameters), objective)?;
            finite(cost, || not_finite((inputs.len(), "the cost".to_owned())))?;
            Ok(cost)
        });
        worlds.own(number).map(|world| rolled.of(world, |cost, k| cost.lane(k))).collect()
    };
    let registers = (0..worlds.registers()).into_par_iter();
    registers.map_init(|| None, of).flatten_iter().collect()
}

/// Gradients of many worlds: one workspace for each thread, used again and again with its controller and its
/// objective, which take nothing but sizes from the model that they are made for.
#[derive(Debug)]
pub struct Batch<C, O> {
    workers: Vec<Option<Worker<C, O>>>,
    memory: Memory,
}

/// What a thread works with.
#[derive(Debug)]
struct Worker<C, O> {
    workspace: Workspace<Lanes>,
    controller: C,
    objective: O,
}

impl<C: Controller<Lanes> + Send, O: Objective<Lanes> + Send> Batch<C, O> {
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
        (controller, parameters): (impl Fn(&Model<Lanes>) -> C + Sync, &[f64]),
        objective: impl Fn(&Model<Lanes>) -> O + Sync,
    ) -> Batched {
        let lanes: Vec<Lanes> = parameters.iter().map(|x| Lanes::splat(*x)).collect();
        let (memory, threads) = (self.memory, self.workers.len());
        let of = |worker: &mut Option<Worker<C, O>>, number: usize| {
            let rolled = Rolled::new(worlds.own(number), |own| {
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
        let work = |(thread, worker): (usize, &mut Option<Worker<C, O>>)| -> Vec<Batched> {
            (thread..worlds.registers()).step_by(threads).map(|number| of(worker, number)).collect()
        };
        let all: Vec<Vec<Batched>> = self.workers.par_iter_mut().enumerate().map(work).collect();
        let mut all: Vec<_> = all.into_iter().map(Vec::into_iter).collect();
        let mut in_order =
            (0..worlds.registers()).map(|number| all[number % threads].next().expect("each has its share"));
        let mut out = in_order.next().expect("a batch has a world at least");
        in_order.for_each(|register| out.append(register));
        out
    }

    /// What the last gradient of the first thread met.
    pub fn health(&self) -> Option<Health> {
        self.workers.first().and_then(Option::as_ref).map(|worker| health(&worker.workspace))
    }

    /// What the last gradient of each thread kept, of eight worlds.
    pub fn remembered(&self) -> Vec<Remembered> {
        self.workers.iter().flatten().map(|worker| worker.workspace.remembered()).collect()
    }
}

impl<C: Controller<Lanes>, O: Objective<Lanes>> Worker<C, O> {
    /// The costs of a register, whose gradient stays in the workspace.
    fn roll(
        &mut self,
        (model, start, inputs): (&Model<Lanes>, &State<Lanes>, &[Input<Lanes>]),
        parameters: &[Lanes],
        memory: Memory,
    ) -> Result<Lanes, Error> {
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
    fn separated(
        &self,
        number: usize,
        rolled: &Rolled<Lanes>,
        workspace: &Workspace<Lanes>,
        parameters: usize,
    ) -> Batched {
        let (gradient, end) = (workspace.gradient(), workspace.end());
        let each = || self.own(number);
        let sum = |x: Lanes| (0..rolled.alive.len()).map(|k| x.lane(k)).sum::<f64>();
        let of = |world: usize| {
            let lane = rolled.lane(world);
            move |x: Lanes| lane.map_or(0.0, |k| x.lane(k))
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
