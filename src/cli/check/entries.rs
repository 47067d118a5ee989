//! Every input of a rollout as one long vector, and the gradient by it in three ways.

use std::cell::RefCell;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::table::{DIFFERENCE_TOLERANCE, Entry, Group};
use crate::cli::loss::Loss;
use crate::cli::subject::Subject;
use crate::control::Policy;
use crate::error::Error;
use crate::model::description::JointKind;
use crate::model::{Input, Model, Parameter, Values, assemble};
use crate::number::{Dual, Real, Tangent, Wide};
use crate::physics::{Engine, derive};
use crate::rollout::{Health, Memory, Workspace, cost_controlled, health, value_and_gradient_controlled};
use crate::spatial::{Force, Vec3};

type Tangents = <f64 as Real>::Tangents;

/// At most this many entries of a group are compared one by one, the worst by dual among those by
/// difference.
const MOST_DUALS: usize = 400;
const MOST_DIFFERENCES: usize = 60;
/// Steps tried one after the other where a difference is off: near a small number, or a kink.
const STEP_SHARES: [f64; 6] = [1.0, 0.1, 0.01, 0.001, 0.0001, 10.0];

/// A rollout as a function of all its inputs.
pub struct Rollout<'a> {
    subject: &'a Subject,
    inputs: Vec<Input<f64>>,
    loss: Loss,
    parameters: Vec<Parameter>,
    /// Of the controllers.
    weights: Vec<f64>,
    /// Why the first rollout beside this one failed, if some did.
    refused: RefCell<Option<Error>>,
}

/// The names of a group and where its entries are in the long vector.
struct Part {
    name: String,
    entries: Vec<(usize, String)>,
}

impl<'a> Rollout<'a> {
    pub fn new(subject: &'a Subject, inputs: Vec<Input<f64>>, loss: Loss) -> Self {
        let (parameters, weights) = (derive::parameters(&subject.description), subject.weights());
        Self { subject, inputs, loss, parameters, weights, refused: RefCell::default() }
    }

    /// Compares all groups, and says what the sweep back met.
    pub fn compare(&self, seed: u64) -> Result<(Vec<Group>, Health), Error> {
        let (adjoint, health) = self.adjoint()?;
        let mut random = Pcg64::seed_from_u64(seed ^ 0x5eed);
        let parts = self.parts().into_iter().filter(|p| !p.entries.is_empty());
        let groups: Result<_, Error> =
            parts.map(|part| self.compare_part(part, &adjoint, &mut random)).collect();
        Ok((groups?, health))
    }

    /// Why a rollout beside this one failed, if one did.
    pub fn refused(&self) -> Option<Error> {
        self.refused.borrow().clone()
    }

    fn compare_part(&self, mut part: Part, adjoint: &[f64], random: &mut Pcg64) -> Result<Group, Error> {
        let everything: Vec<usize> = part.entries.iter().map(|(i, _)| *i).collect();
        shuffle(&mut part.entries, random);
        part.entries.truncate(MOST_DUALS);
        let mut entries = self.duals(&part, adjoint)?;
        // The worst by dual come first; the rest stay in random order.
        let off = |e: &Entry| (e.adjoint - e.dual).abs();
        let mut order: Vec<usize> = (0..entries.len()).collect();
        order.sort_by(|&a, &b| off(&entries[b]).total_cmp(&off(&entries[a])));
        let scale = entries.iter().map(|e| e.dual.abs()).fold(1e-9, f64::max);
        for &k in order.iter().take(MOST_DIFFERENCES) {
            let direction = [(part.entries[k].0, 1.0)];
            entries[k].difference = Some(self.difference(&direction, entries[k].dual, scale));
        }
        if part.name.starts_with("applied") || entries.len() > MOST_DIFFERENCES {
            entries.push(self.random_direction(&everything, adjoint, random)?);
        }
        Ok(Group::new(part.name, entries))
    }

    /// One entry more: the derivative along a random direction of the whole group.
    fn random_direction(&self, all: &[usize], adjoint: &[f64], random: &mut Pcg64) -> Result<Entry, Error> {
        let direction: Vec<(usize, f64)> =
            all.iter().map(|&i| (i, random.random_range(-1.0..1.0) * self.size(i))).collect();
        let along = direction.iter().map(|(i, d)| adjoint[*i] * d).sum();
        let mut x = self.constants();
        for &(i, d) in &direction {
            x[i].tangent.set(0, d);
        }
        let dual = self.cost(&x, self.is_parameter(all[0]))?.tangent.get(0);
        let difference = self.difference(&direction, dual, dual.abs().max(1e-9));
        Ok(Entry {
            name: "a random direction".to_owned(),
            adjoint: along,
            dual,
            difference: Some(difference),
        })
    }

    /// Entries with their duals, eight at a time.
    fn duals(&self, part: &Part, adjoint: &[f64]) -> Result<Vec<Entry>, Error> {
        let mut out = Vec::new();
        for chunk in part.entries.chunks(<Tangents as Tangent<f64>>::WIDTH) {
            let mut x = self.constants();
            for (k, (at, _)) in chunk.iter().enumerate() {
                x[*at].tangent.set(k, 1.0);
            }
            let tangent = self.cost(&x, self.is_parameter(chunk[0].0))?.tangent;
            out.extend(chunk.iter().enumerate().map(|(k, (at, name))| Entry {
                name: name.clone(),
                adjoint: adjoint[*at],
                dual: tangent.get(k),
                difference: None,
            }));
        }
        Ok(out)
    }

    /// The central difference along a direction, with Richardson's extrapolation; of several steps the
    /// one that comes nearest to `expected`.
    fn difference(&self, direction: &[(usize, f64)], expected: f64, scale: f64) -> f64 {
        let x = self.numbers();
        let size = match direction {
            [(i, _)] => self.size(*i),
            _ => 1.0,
        };
        let mut best = f64::NAN;
        for share in STEP_SHARES {
            let h = 1e-3 * share * size;
            let at = |h: f64| -> Result<f64, Error> {
                let mut x = x.clone();
                for (i, d) in direction {
                    x[*i] += h * d;
                }
                self.cost(&x, self.is_parameter(direction[0].0))
            };
            // A step that leads out of what the model can be is too large, not an error.
            let at = |h: f64| {
                at(h).unwrap_or_else(|error| {
                    self.refused.borrow_mut().get_or_insert(error);
                    f64::NAN
                })
            };
            let central = |h: f64| (at(h) - at(-h)) / (2.0 * h);
            let found = (4.0 * central(0.5 * h) - central(h)) / 3.0;
            if best.is_nan() || (found - expected).abs() < (best - expected).abs() {
                best = found;
            }
            if (best - expected).abs() <= 0.1 * DIFFERENCE_TOLERANCE * scale {
                break;
            }
        }
        best
    }

    /// The scale on which an entry matters: its own size for a number of the file that is not zero.
    fn size(&self, i: usize) -> f64 {
        let first = self.first_parameter();
        match i.checked_sub(first).map(|k| self.parameters.get(k).map_or(1.0, |p| p.value.abs())) {
            Some(value) if value > 0.0 => value.clamp(1e-6, 1.0),
            Some(_) => 1e-2,
            None => 1.0,
        }
    }

    fn is_parameter(&self, i: usize) -> bool {
        (self.first_parameter()..self.first_weight()).contains(&i)
    }

    fn first_weight(&self) -> usize {
        self.first_parameter() + self.parameters.len()
    }

    fn first_parameter(&self) -> usize {
        let t = &self.subject.model.topology;
        2 * t.nv + t.na + self.inputs.len() * (t.nu + t.nv + 6 * t.bodies.len())
    }

    /// The long vector: tangent of the start (q, v, act), then controls, forces and wrenches step by
    /// step, then the parameters of the file, then those of the controllers.
    fn numbers(&self) -> Vec<f64> {
        let t = &self.subject.model.topology;
        let mut x = vec![0.0; 2 * t.nv + t.na];
        for input in &self.inputs {
            x.extend(flat(input));
        }
        x.extend(self.parameters.iter().map(|p| p.value));
        x.extend(&self.weights);
        x
    }

    fn constants(&self) -> Vec<Wide<f64>> {
        self.numbers().into_iter().map(Dual::constant).collect()
    }

    /// The cost as a function of the long vector, over any number.
    fn cost<R: Engine>(&self, x: &[R], with_parameters: bool) -> Result<R, Error> {
        let d = &self.subject.description;
        let first = self.first_parameter();
        let model: Model<R> = if with_parameters {
            let mut model = assemble(d, &mut Values(x[first..self.first_weight()].iter()));
            derive::complete(d, &mut model);
            model
        } else {
            self.subject.model.map(R::from_f64)
        };
        let t = &model.topology;
        let (v, act, start) = (t.nv, 2 * t.nv, 2 * t.nv + t.na);
        let mut state =
            self.subject.start.map(R::from_f64).moved(&model, &x[..v], &x[v..act], &x[act..start]);
        state.particles = model.particles.start(&model.topology.particles);
        let stride = t.nu + t.nv + 6 * t.bodies.len();
        let input = |x: &[R]| {
            let (u, rest) = x.split_at(t.nu);
            let (force, wrench) = rest.split_at(t.nv);
            let vector = |x: &[R]| Vec3::new(x[0], x[1], x[2]);
            let wrench = wrench.chunks(6).map(|w| Force::new(vector(&w[..3]), vector(&w[3..]))).collect();
            Input { u: u.to_vec(), force: force.to_vec(), wrench, push: Vec::new() }
        };
        let inputs: Vec<Input<R>> = x[start..first].chunks(stride).map(input).collect();
        let mut policy = Policy::new(&model, self.subject.parts());
        let controller = (&mut policy, &x[self.first_weight()..]);
        cost_controlled(&model, &state, &inputs, controller, &mut self.loss.over(&model))
    }

    /// The gradient by one sweep back, in the order of the long vector.
    fn adjoint(&self) -> Result<(Vec<f64>, Health), Error> {
        let values: Vec<f64> = self.parameters.iter().map(|p| p.value).collect();
        let compiled = derive::Compilation::new(&self.subject.description, &values);
        let start = &self.subject.start;
        let mut workspace = Workspace::new(&compiled.model, start);
        let mut objective = self.loss.over(&compiled.model);
        let mut policy = Policy::new(&compiled.model, self.subject.parts());
        let (_, gradient) = value_and_gradient_controlled(
            &compiled.model,
            start,
            &self.inputs,
            (&mut policy, &self.weights),
            &mut objective,
            Memory::Full,
            &mut workspace,
        )?;
        let mut out = [&gradient.start.q[..], &gradient.start.v, &gradient.start.act].concat();
        for input in &gradient.inputs {
            out.extend(flat(input));
        }
        out.extend(compiled.pullback_from(&gradient.model, &gradient.start));
        out.extend(&gradient.controller);
        Ok((out, health(&workspace)))
    }

    fn parts(&self) -> Vec<Part> {
        let t = &self.subject.model.topology;
        let named = |name: &str, start: usize, names: Vec<String>| Part {
            name: name.to_owned(),
            entries: names.into_iter().enumerate().map(|(k, n)| (start + k, n)).collect(),
        };
        let dofs: Vec<String> = (0..t.nv).map(|i| self.dof_name(i)).collect();
        let rates = dofs.iter().map(|n| format!("{n}'")).collect();
        let with_act = t.actuators.iter().zip(&t.names.actuators).filter(|(a, _)| a.act.is_some());
        let acts = with_act.map(|(_, n)| n.clone()).collect();
        let mut parts = vec![
            named("initial configuration", 0, dofs.clone()),
            named("initial velocity", t.nv, rates),
            named("initial activation", 2 * t.nv, acts),
        ];
        let stride = t.nu + t.nv + 6 * t.bodies.len();
        let mut each_step = |name: &str, offset: usize, names: &[String]| {
            let entry = |k: usize, i: usize| {
                (2 * t.nv + t.na + k * stride + offset + i, format!("{} at step {k}", names[i]))
            };
            let all = (0..self.inputs.len()).flat_map(|k| (0..names.len()).map(move |i| (k, i)));
            parts.push(Part { name: name.to_owned(), entries: all.map(|(k, i)| entry(k, i)).collect() });
        };
        each_step("controls", 0, &t.names.actuators);
        each_step("applied forces", t.nu, &dofs);
        let axes = ["torque.x", "torque.y", "torque.z", "force.x", "force.y", "force.z"];
        let wrenches: Vec<String> =
            t.names.bodies.iter().flat_map(|b| axes.iter().map(move |a| format!("{b}.{a}"))).collect();
        // The world does not move: what pulls at it changes nothing.
        each_step("applied wrenches", t.nu + t.nv, &wrenches);
        parts.extend(self.parameter_parts());
        let deciding = self.subject.parts().iter().flat_map(|part| &part.parameters);
        parts.push(named("controllers", self.first_weight(), deciding.map(|p| p.name.clone()).collect()));
        parts
    }

    /// A part for each kind of parameter, in the order of reading.
    fn parameter_parts(&self) -> Vec<Part> {
        let first = self.first_parameter();
        let mut parts: Vec<Part> = Vec::new();
        for (k, p) in self.parameters.iter().enumerate() {
            let kind = p.name.split(['.', '#']).next().unwrap_or(&p.name);
            let part = match parts.iter().position(|part| part.name == kind) {
                Some(at) => &mut parts[at],
                None => {
                    parts.push(Part { name: kind.to_owned(), entries: Vec::new() });
                    parts.last_mut().expect("just pushed")
                }
            };
            part.entries.push((first + k, p.name.clone()));
        }
        parts
    }

    fn dof_name(&self, i: usize) -> String {
        let t = &self.subject.model.topology;
        let dof = &t.dofs[i];
        let (at, name) = (&t.joints[dof.joint], &t.names.joints[dof.joint]);
        match at.kind {
            JointKind::Free | JointKind::Ball => format!("{name}[{}]", i - at.v),
            _ => name.clone(),
        }
    }
}

/// Controls, forces and wrenches of one step.
fn flat(input: &Input<f64>) -> impl Iterator<Item = f64> {
    let wrenches = input.wrench.iter().flat_map(|w| [w.torque.to_array(), w.force.to_array()].concat());
    input.u.iter().chain(&input.force).copied().chain(wrenches)
}

/// Fisher and Yates' shuffle.
fn shuffle<T>(all: &mut [T], random: &mut Pcg64) {
    for k in (1..all.len()).rev() {
        all.swap(k, random.random_range(0..=k));
    }
}
