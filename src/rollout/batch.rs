//! Many worlds: eight to a register, and registers shared out among threads.

use std::ops::Range;

use rayon::prelude::*;

use super::adjoint::{Gradient, Memory, Workspace, value_and_gradient_controlled};
use super::forward::{Trajectory, cost_controlled, simulate_controlled};
use super::health::{Health, health};
use crate::control::Controller;
use crate::error::Error;
use crate::model::{Costate, Input, Model, State};
use crate::number::{Lanes, Real};
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

/// Costs and gradients of all worlds.
#[derive(Clone, Debug)]
pub struct Batched {
    /// Of each world.
    pub costs: Vec<f64>,
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

    /// The worlds of a register; the last one stands in for those that are missing.
    fn group(&self, number: usize) -> [usize; Lanes::COUNT] {
        std::array::from_fn(|k| (number * Lanes::COUNT + k).min(self.count() - 1))
    }

    /// The lanes of a register whose worlds count.
    fn own(&self, number: usize) -> Range<usize> {
        0..self.count().min((number + 1) * Lanes::COUNT) - number * Lanes::COUNT
    }

    fn groups(&self) -> usize {
        self.count().div_ceil(Lanes::COUNT)
    }

    fn gathered(&self, group: [usize; Lanes::COUNT]) -> (Model<Lanes>, State<Lanes>, Vec<Input<Lanes>>) {
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
/// for any number of threads.
///
/// # Errors
/// As [`simulate_controlled`], for the first world that diverges.
pub fn simulate_batch<C: Controller<Lanes>>(
    worlds: Worlds<'_>,
    (controller, parameters): (impl Fn(&Model<Lanes>) -> C + Sync, &[f64]),
) -> Result<Vec<Trajectory<f64>>, Error> {
    let parameters: Vec<Lanes> = parameters.iter().map(|x| Lanes::splat(*x)).collect();
    let of = |number: usize| -> Result<Vec<Trajectory<f64>>, Error> {
        let group = worlds.group(number);
        let (model, start, inputs) = worlds.gathered(group);
        let rollout = simulate_controlled(&model, &start, &inputs, (&mut controller(&model), &parameters))?;
        let lane = |k: usize| Trajectory {
            states: rollout.states.iter().map(|s| s.map(|x| x.lane(k))).collect(),
            inputs: rollout.inputs.iter().map(|u| u.map(|x| x.lane(k))).collect(),
        };
        Ok(worlds.own(number).map(lane).collect())
    };
    let groups: Vec<_> = (0..worlds.groups()).into_par_iter().map(of).collect::<Result<_, _>>()?;
    Ok(groups.into_iter().flatten().collect())
}

/// The cost of every world, remembering nothing.
///
/// # Errors
/// As [`simulate_batch`].
pub fn cost_batch<C: Controller<Lanes>, O: Objective<Lanes>>(
    worlds: Worlds<'_>,
    (controller, parameters): (impl Fn(&Model<Lanes>) -> C + Sync, &[f64]),
    objective: impl Fn(&Model<Lanes>) -> O + Sync,
) -> Result<Vec<f64>, Error> {
    let parameters: Vec<Lanes> = parameters.iter().map(|x| Lanes::splat(*x)).collect();
    let of = |number: usize| {
        let (model, start, inputs) = worlds.gathered(worlds.group(number));
        let controller = (&mut controller(&model), &parameters[..]);
        cost_controlled(&model, &start, &inputs, controller, &mut objective(&model))
    };
    let groups: Vec<Lanes> = (0..worlds.groups()).into_par_iter().map(of).collect::<Result<_, _>>()?;
    Ok(groups.into_iter().flat_map(Lanes::to_array).take(worlds.count()).collect())
}

/// Gradients of many worlds: one workspace for each thread, used again and again.
#[derive(Debug)]
pub struct Batch {
    workers: Vec<Option<Workspace<Lanes>>>,
    memory: Memory,
}

impl Batch {
    /// Room for as many threads as there are; a memory in bytes is that of all of them together.
    pub fn new(memory: Memory) -> Self {
        let threads = rayon::current_num_threads();
        let memory = match memory {
            Memory::Bytes(bytes) => Memory::Bytes(bytes / threads),
            other => other,
        };
        Self { workers: vec![None; threads], memory }
    }

    /// Cost and gradient of every world; those of what worlds share are summed in the order of the worlds, so that
    /// the bits do not depend on the number of threads.
    ///
    /// # Errors
    /// As [`value_and_gradient_controlled`], for the first world that diverges.
    pub fn value_and_gradient<C: Controller<Lanes>, O: Objective<Lanes>>(
        &mut self,
        worlds: Worlds<'_>,
        (controller, parameters): (impl Fn(&Model<Lanes>) -> C + Sync, &[f64]),
        objective: impl Fn(&Model<Lanes>) -> O + Sync,
    ) -> Result<Batched, Error> {
        let lanes: Vec<Lanes> = parameters.iter().map(|x| Lanes::splat(*x)).collect();
        let (memory, threads) = (self.memory, self.workers.len());
        let work = |(thread, worker): (usize, &mut Option<Workspace<Lanes>>)| {
            let mut own = Vec::new();
            for number in (thread..worlds.groups()).step_by(threads) {
                let (model, start, inputs) = worlds.gathered(worlds.group(number));
                let workspace = worker.get_or_insert_with(|| Workspace::new(&model, &start));
                let (mut controller, mut objective) = (controller(&model), objective(&model));
                controller.worlds(worlds.own(number).len());
                let found = value_and_gradient_controlled(
                    &model,
                    &start,
                    &inputs,
                    (&mut controller, &lanes),
                    &mut objective,
                    memory,
                    workspace,
                );
                own.push(found.map(|(cost, gradient)| worlds.separated(number, cost, gradient)));
            }
            own
        };
        let all: Vec<Vec<Result<Batched, Error>>> =
            self.workers.par_iter_mut().enumerate().map(work).collect();
        let mut all: Vec<_> = all.into_iter().map(Vec::into_iter).collect();
        let mut in_order =
            (0..worlds.groups()).map(|number| all[number % threads].next().expect("each has its share"));
        let mut out = in_order.next().expect("a batch has a world at least")?;
        in_order.try_for_each(|group| {
            out.append(group?);
            Ok(())
        })?;
        Ok(out)
    }

    /// What the last gradient of the first thread met.
    pub fn health(&self) -> Option<Health> {
        self.workers.first().and_then(Option::as_ref).map(health)
    }
}

impl Worlds<'_> {
    /// What a register holds, world by world; what the worlds share is summed.
    fn separated(&self, number: usize, cost: Lanes, gradient: &Gradient<Lanes>) -> Batched {
        let each = || self.own(number);
        let sum = |x: Lanes| each().map(|k| x.lane(k)).sum::<f64>();
        let models = match self.models {
            [_] => vec![gradient.model.map(sum)],
            _ => each().map(|k| gradient.model.map(|x| x.lane(k))).collect(),
        };
        let of_inputs = |k: usize| gradient.inputs.iter().map(|u| u.map(|x| x.lane(k))).collect();
        Batched {
            costs: each().map(|k| cost.lane(k)).collect(),
            starts: each().map(|k| gradient.start.map(|x| x.lane(k))).collect(),
            inputs: each().map(of_inputs).collect(),
            models,
            controller: gradient.controller.iter().map(|x| sum(*x)).collect(),
            shared: self.models.len() == 1,
        }
    }
}

impl Batched {
    fn append(&mut self, other: Self) {
        self.costs.extend(other.costs);
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
