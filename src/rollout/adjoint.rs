//! The costate swept backward: value and gradient of a rollout.

use super::checkpoint::{Action, schedule};
use super::forward::finite;
use crate::error::Error;
use crate::model::{Costate, Input, Model, State};
use crate::number::Real;
use crate::objective::Objective;
use crate::physics::{Cotangents, Kept, Record, StepBackward, step, step_pullback};

/// The derivative of a rollout's cost.
#[derive(Clone, Debug)]
pub struct Gradient<R> {
    /// By the initial state, in its tangent space.
    pub start: Costate<R>,
    /// By the input of every step.
    pub inputs: Vec<Input<R>>,
    /// By the numbers of the compiled model.
    pub model: Model<R>,
}

/// How much of the rollout is remembered for the sweep back. The result is the same to the last bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Memory {
    /// Every state with poses, forces and factor.
    #[default]
    Full,
    /// Every state.
    Light,
    /// As much as fits into this many bytes, at least one state.
    Bytes(usize),
}

/// Everything that a gradient needs, allocated once and used again.
#[derive(Clone, Debug)]
pub struct Workspace<R> {
    record: Record<R>,
    states: Vec<State<R>>,
    current: State<R>,
    next: State<R>,
    kept: Vec<Kept<R>>,
    backward: StepBackward<R>,
    out: Cotangents<R>,
    costate: Costate<R>,
    gradient: Gradient<R>,
}

/// What a memory comes to for one model and horizon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Full,
    Light,
    Checkpoints(usize),
}

impl<R: Real> Workspace<R> {
    /// Room for rollouts of one model.
    pub fn new(model: &Model<R>, start: &State<R>) -> Self {
        let input = Input::zero(model);
        Self {
            record: Record::new(model),
            states: Vec::new(),
            current: start.clone(),
            next: start.clone(),
            kept: Vec::new(),
            backward: StepBackward::new(model),
            out: Cotangents::zero(model, &input),
            costate: Costate::zero(model),
            gradient: Gradient { start: Costate::zero(model), inputs: Vec::new(), model: model.zeros() },
        }
    }

    /// Bytes kept for each step under a memory.
    pub fn bytes_per_step(&self, model: &Model<R>, steps: usize, memory: Memory) -> f64 {
        let state = self.state_bytes(model) as f64;
        match self.form(model, steps, memory) {
            Form::Full => state + self.record.kept_bytes() as f64,
            Form::Light => state,
            Form::Checkpoints(slots) => state * slots as f64 / steps.max(1) as f64,
        }
    }

    fn state_bytes(&self, model: &Model<R>) -> usize {
        let t = &model.topology;
        (t.nq + t.nv + t.na + 1 + 7 * t.mocap_bodies.len()) * size_of::<R>()
    }

    fn form(&self, model: &Model<R>, steps: usize, memory: Memory) -> Form {
        let state = self.state_bytes(model);
        match memory {
            Memory::Full => Form::Full,
            Memory::Light => Form::Light,
            Memory::Bytes(bytes) if bytes >= steps * (state + self.record.kept_bytes()) => Form::Full,
            Memory::Bytes(bytes) if bytes >= steps * state => Form::Light,
            Memory::Bytes(bytes) => Form::Checkpoints((bytes / state.max(1)).max(1)),
        }
    }

    fn prepare(&mut self, model: &Model<R>, start: &State<R>, inputs: &[Input<R>], form: Form) {
        let states = match form {
            Form::Checkpoints(slots) => slots.min(inputs.len().max(1)),
            _ => inputs.len() + 1,
        };
        if self.states.len() < states {
            self.states.resize_with(states, || start.clone());
        }
        if form == Form::Full && self.kept.len() < inputs.len() {
            self.kept.resize_with(inputs.len(), || Kept::new(model));
        }
        if self.gradient.inputs.len() != inputs.len() {
            self.gradient.inputs = inputs.iter().map(|i| i.map(|_| R::zero())).collect();
        }
        self.backward.refresh(model);
        self.gradient.model = model.zeros();
        if let Some(input) = inputs.first() {
            self.out = Cotangents::zero(model, input);
        }
    }

    /// The pullback of one step and of the cost at its start; the record holds the step.
    fn reverse(&mut self, model: &Model<R>, k: usize, input: &Input<R>, objective: &mut impl Objective<R>) {
        self.out.clear_step();
        std::mem::swap(&mut self.out.model, &mut self.gradient.model);
        step_pullback(
            model,
            &self.current,
            input,
            &self.record,
            &self.costate,
            &mut self.backward,
            &mut self.out,
        );
        objective.cost_pullback(model, &self.current, Some(input), k, &mut self.out);
        std::mem::swap(&mut self.out.model, &mut self.gradient.model);
        std::mem::swap(&mut self.costate, &mut self.out.state);
        self.gradient.inputs[k].copy_from(&self.out.input);
    }
}

/// The cost of a rollout and its derivative by the start, every input and every number of the model.
///
/// The gradient stays in the workspace, which is used again without allocating.
///
/// # Errors
/// A state that is not finite, with its step, its entry and a remedy.
pub fn value_and_gradient<'w, R: Real>(
    model: &Model<R>,
    start: &State<R>,
    inputs: &[Input<R>],
    objective: &mut impl Objective<R>,
    memory: Memory,
    workspace: &'w mut Workspace<R>,
) -> Result<(R, &'w Gradient<R>), Error> {
    let w = workspace;
    let form = w.form(model, inputs.len(), memory);
    w.prepare(model, start, inputs, form);
    let steps = inputs.len();
    let mut cost = R::zero();
    // Forward: the whole rollout once, for its cost.
    w.current.copy_from(start);
    let actions = match form {
        Form::Checkpoints(slots) => schedule(steps, slots),
        _ => Vec::new(),
    };
    for (k, input) in inputs.iter().enumerate() {
        cost += objective.cost(model, &w.current, Some(input), k);
        step(model, &w.current, input, &mut w.record, &mut w.next);
        finite(model, &w.next, k + 1)?;
        match form {
            Form::Full => {
                w.states[k].copy_from(&w.current);
                w.record.exchange(&mut w.kept[k]);
            }
            Form::Light => w.states[k].copy_from(&w.current),
            Form::Checkpoints(_) => {}
        }
        std::mem::swap(&mut w.current, &mut w.next);
    }
    cost += objective.cost(model, &w.current, None, steps);
    // Backward: the last state's cost, then step by step.
    w.out.clear_step();
    std::mem::swap(&mut w.out.model, &mut w.gradient.model);
    objective.cost_pullback(model, &w.current, None, steps, &mut w.out);
    std::mem::swap(&mut w.out.model, &mut w.gradient.model);
    w.costate.copy_from(&w.out.state);
    match form {
        Form::Checkpoints(_) => backward_by_checkpoints(model, start, inputs, objective, &actions, w),
        _ => {
            for (k, input) in inputs.iter().enumerate().rev() {
                w.current.copy_from(&w.states[k]);
                if form == Form::Full {
                    w.record.exchange(&mut w.kept[k]);
                } else {
                    step(model, &w.current, input, &mut w.record, &mut w.next);
                }
                w.reverse(model, k, input, objective);
            }
        }
    }
    w.gradient.start.copy_from(&w.costate);
    Ok((cost, &w.gradient))
}

fn backward_by_checkpoints<R: Real>(
    model: &Model<R>,
    start: &State<R>,
    inputs: &[Input<R>],
    objective: &mut impl Objective<R>,
    actions: &[Action],
    w: &mut Workspace<R>,
) {
    w.current.copy_from(start);
    for action in actions {
        match *action {
            Action::Keep { slot, .. } => w.states[slot].copy_from(&w.current),
            Action::Take { slot, .. } => w.current.copy_from(&w.states[slot]),
            Action::Advance { from, to } => {
                for input in &inputs[from..to] {
                    step(model, &w.current, input, &mut w.record, &mut w.next);
                    std::mem::swap(&mut w.current, &mut w.next);
                }
            }
            Action::Reverse { step: k } => {
                step(model, &w.current, &inputs[k], &mut w.record, &mut w.next);
                w.reverse(model, k, &inputs[k], objective);
            }
        }
    }
}
