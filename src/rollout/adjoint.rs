//! The costate swept backward: value and gradient of a rollout.

use std::str::FromStr;

use super::checkpoint::{Action, schedule};
use super::forward::sound;
use super::health::Pulse;
use crate::control::Controller;
use crate::error::Error;
use crate::model::{Costate, Input, Model, State, copy_inputs};
use crate::number::Real;
use crate::objective::Objective;
use crate::physics::{Cotangents, Engine, Kept, Record, StepBackward, step, step_pullback};

/// The derivative of a rollout's cost.
#[derive(Clone, Debug)]
pub struct Gradient<R> {
    /// By the initial state, in its tangent space.
    pub start: Costate<R>,
    /// By the input of every step.
    pub inputs: Vec<Input<R>>,
    /// By the numbers of the compiled model.
    pub model: Model<R>,
    /// By the parameters of the controller.
    pub controller: Vec<R>,
}

/// How much of the rollout is remembered for the sweep back. The result is the same to the last bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Memory {
    /// Every state with poses, forces and factor.
    #[default]
    Full,
    /// Every state.
    Light,
    /// As much as fits into this many bytes: every state, with poses, forces and factor of as many steps as
    /// there is room for; or fewer states, at least one.
    Bytes(usize),
}

/// Everything that a gradient needs, allocated once and used again.
#[derive(Clone, Debug)]
pub struct Workspace<R: Real> {
    record: Record<R>,
    states: Vec<State<R>>,
    /// Of every step, with what the controller added.
    inputs: Vec<Input<R>>,
    current: State<R>,
    next: State<R>,
    end: State<R>,
    kept: Vec<Kept<R>>,
    /// How many steps of the last rollout are kept.
    records: usize,
    backward: StepBackward<R>,
    out: Cotangents<R>,
    costate: Costate<R>,
    gradient: Gradient<R>,
    pub(super) pulse: Pulse,
    /// Of the steps that were done so far, and how many they are.
    cost: R,
    done: usize,
}

/// `full`, `light`, or a number of bytes, perhaps with `kB`, `MB` or `GB`.
impl FromStr for Memory {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "full" => return Ok(Self::Full),
            "light" => return Ok(Self::Light),
            _ => {}
        }
        let units = [("kB", 1e3), ("MB", 1e6), ("GB", 1e9)];
        let unit = units.iter().find_map(|(unit, size)| Some((text.strip_suffix(unit)?, *size)));
        let (number, size) = unit.unwrap_or((text, 1.0));
        match number.trim().parse::<f64>() {
            Ok(number) if number >= 0.0 => Ok(Self::Bytes((number * size) as usize)),
            _ => Err(format!("\"{text}\" is no memory: write full, light, or 500MB, for instance")),
        }
    }
}

/// The bytes of memory behind a state.
fn state_bytes<R>(state: &State<R>) -> usize {
    let numbers =
        [&state.q, &state.v, &state.act, &state.warm, &state.particles].map(Vec::len).iter().sum::<usize>();
    (numbers + 7 * state.mocap.len() + 1) * size_of::<R>()
}

/// What was kept of a rollout, for its sweep back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// How many states.
    pub states: usize,
    /// How many steps with poses, forces and factor.
    pub records: usize,
    /// What all of it takes.
    pub bytes: usize,
}

/// What a memory comes to for one model and horizon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Every state, and so many bytes for poses, forces and factors.
    States(usize),
    /// So many states.
    Checkpoints(usize),
}

impl<R: Engine> Workspace<R> {
    /// Room for rollouts of one model.
    pub fn new(model: &Model<R>, start: &State<R>) -> Self {
        let input = Input::zero(model);
        Self {
            record: Record::new(model),
            states: Vec::new(),
            inputs: Vec::new(),
            current: start.clone(),
            next: start.clone(),
            end: start.clone(),
            kept: Vec::new(),
            records: 0,
            backward: StepBackward::new(model),
            out: Cotangents::zero(model, &input),
            costate: Costate::zero(model),
            gradient: Gradient {
                start: Costate::zero(model),
                inputs: Vec::new(),
                model: model.zeros(),
                controller: Vec::new(),
            },
            pulse: Pulse::default(),
            cost: R::zero(),
            done: 0,
        }
    }

    /// Where the last rollout ended.
    pub fn end(&self) -> &State<R> {
        &self.end
    }

    /// What the last sweep back found.
    pub fn gradient(&self) -> &Gradient<R> {
        &self.gradient
    }

    /// What the last gradient kept.
    pub fn remembered(&self) -> Remembered {
        let records = self.kept[..self.records].iter().map(Kept::bytes).sum::<usize>();
        Remembered {
            states: self.states.len(),
            records: self.records,
            bytes: self.states.len() * state_bytes(&self.current) + records,
        }
    }

    fn form(&self, steps: usize, memory: Memory) -> Form {
        let state = state_bytes(&self.current);
        match memory {
            Memory::Full => Form::States(usize::MAX),
            Memory::Light => Form::States(0),
            Memory::Bytes(bytes) if bytes >= steps * state => Form::States(bytes - steps * state),
            Memory::Bytes(bytes) => Form::Checkpoints((bytes / state).max(1)),
        }
    }

    fn prepare(&mut self, model: &Model<R>, start: &State<R>, inputs: &[Input<R>], form: Form) {
        let states = match form {
            Form::Checkpoints(slots) => slots.min(inputs.len().max(1)),
            Form::States(_) => inputs.len(),
        };
        self.states.resize_with(states, || start.clone());
        self.records = 0;
        copy_inputs(&mut self.gradient.inputs, inputs, |_| R::zero());
        self.backward.refresh(model);
        self.pulse.prepare(model, inputs.len());
        self.gradient.model = model.zeros();
        if let Some(input) = inputs.first() {
            self.out = Cotangents::zero(model, input);
        }
        self.begin(start, inputs);
    }

    fn begin(&mut self, start: &State<R>, inputs: &[Input<R>]) {
        copy_inputs(&mut self.inputs, inputs, |x| x);
        self.current.copy_from(start);
        (self.cost, self.done) = (R::zero(), 0);
    }

    /// The cost of a rollout, as [`cost_controlled`](super::cost_controlled) finds it.
    ///
    /// # Errors
    /// A state that is not finite, with its step, its entry and a remedy.
    pub fn cost(
        &mut self,
        model: &Model<R>,
        start: &State<R>,
        inputs: &[Input<R>],
        (controller, parameters): (&mut impl Controller<R>, &[R]),
        objective: &mut impl Objective<R>,
    ) -> Result<R, Error> {
        self.begin(start, inputs);
        controller.start(parameters, inputs.len());
        for k in 0..inputs.len() {
            self.forward(model, k, (controller, objective))?;
            std::mem::swap(&mut self.current, &mut self.next);
        }
        Ok(self.cost + objective.cost(model, &self.current, None, inputs.len()))
    }

    /// Does step `k` from the current state to the next one; the first time, adds its cost.
    fn forward(
        &mut self,
        model: &Model<R>,
        k: usize,
        (controller, objective): (&mut impl Controller<R>, &mut impl Objective<R>),
    ) -> Result<(), Error> {
        let first_time = k == self.done;
        if first_time {
            controller.act(model, &self.current, k, &mut self.inputs[k]);
            self.cost += objective.cost(model, &self.current, Some(&self.inputs[k]), k);
        }
        step(model, &self.current, &self.inputs[k], &mut self.record, &mut self.next);
        if first_time {
            sound(model, &self.record, &self.next, k + 1)?;
            self.done += 1;
        }
        Ok(())
    }

    /// Keeps what the pullback of step `k` needs, if there is room [bytes] and all steps before were kept; returns
    /// the room that is left.
    fn keep(&mut self, model: &Model<R>, k: usize, room: usize) -> usize {
        let bytes = self.record.kept_bytes();
        if self.records < k || room < bytes {
            return room;
        }
        if self.kept.len() == k {
            self.kept.push(Kept::new(model));
        }
        self.record.exchange(&mut self.kept[k]);
        self.records += 1;
        room - bytes
    }

    /// The cost of the last state and its cotangent.
    fn finish(&mut self, model: &Model<R>, steps: usize, objective: &mut impl Objective<R>) {
        self.end.copy_from(if steps == 0 { &self.current } else { &self.next });
        let last = &self.end;
        self.cost += objective.cost(model, last, None, steps);
        self.out.clear_step();
        std::mem::swap(&mut self.out.model, &mut self.gradient.model);
        objective.cost_pullback(model, last, None, steps, &mut self.out);
        std::mem::swap(&mut self.out.model, &mut self.gradient.model);
        self.costate.copy_from(&self.out.state);
    }

    /// The pullback of one step, of the cost at its start, and of the controls that were decided there; the
    /// record holds the step.
    fn reverse(
        &mut self,
        model: &Model<R>,
        k: usize,
        (controller, objective): (&mut impl Controller<R>, &mut impl Objective<R>),
    ) {
        let input = &self.inputs[k];
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
        self.gradient.inputs[k].copy_from(&self.out.input);
        controller.act_pullback(model, &self.current, k, &self.gradient.inputs[k], &mut self.out);
        std::mem::swap(&mut self.out.model, &mut self.gradient.model);
        std::mem::swap(&mut self.costate, &mut self.out.state);
        self.pulse.note(model, (k, &self.current), &self.record, &self.costate, &self.out.input);
    }
}

/// The cost of a rollout and its derivative by the start, every input and every number of the model.
///
/// The gradient stays in the workspace, which is used again without allocating.
///
/// # Errors
/// A state that is not finite, with its step, its entry and a remedy.
pub fn value_and_gradient<'w, R: Engine>(
    model: &Model<R>,
    start: &State<R>,
    inputs: &[Input<R>],
    objective: &mut impl Objective<R>,
    memory: Memory,
    workspace: &'w mut Workspace<R>,
) -> Result<(R, &'w Gradient<R>), Error> {
    value_and_gradient_controlled(model, start, inputs, (&mut (), &[]), objective, memory, workspace)
}

/// The same with a controller that adds its own controls, and by its parameters too.
///
/// # Errors
/// As [`value_and_gradient`].
pub fn value_and_gradient_controlled<'w, R: Engine>(
    model: &Model<R>,
    start: &State<R>,
    inputs: &[Input<R>],
    (controller, parameters): (&mut impl Controller<R>, &[R]),
    objective: &mut impl Objective<R>,
    memory: Memory,
    workspace: &'w mut Workspace<R>,
) -> Result<(R, &'w Gradient<R>), Error> {
    let (w, steps) = (workspace, inputs.len());
    let form = w.form(steps, memory);
    w.prepare(model, start, inputs, form);
    controller.start(parameters, steps);
    match form {
        _ if steps == 0 => w.finish(model, steps, objective),
        Form::Checkpoints(slots) => by_checkpoints(model, (controller, objective), slots, w)?,
        Form::States(room) => by_record(model, (controller, objective), room, w)?,
    }
    w.gradient.start.copy_from(&w.costate);
    w.gradient.controller.clear();
    w.gradient.controller.resize(parameters.len(), R::zero());
    controller.finish(&mut w.gradient.controller);
    Ok((w.cost, &w.gradient))
}

/// Forward, keeping every state, and all that the pullback needs as long as there is room [bytes]; then backward.
fn by_record<R: Engine>(
    model: &Model<R>,
    (controller, objective): (&mut impl Controller<R>, &mut impl Objective<R>),
    mut room: usize,
    w: &mut Workspace<R>,
) -> Result<(), Error> {
    let steps = w.inputs.len();
    for k in 0..steps {
        w.forward(model, k, (controller, objective))?;
        w.states[k].copy_from(&w.current);
        room = w.keep(model, k, room);
        std::mem::swap(&mut w.current, &mut w.next);
    }
    std::mem::swap(&mut w.current, &mut w.next);
    w.finish(model, steps, objective);
    for k in (0..steps).rev() {
        w.current.copy_from(&w.states[k]);
        if k < w.records {
            w.record.recall(model, &w.current, &mut w.kept[k]);
        } else {
            step(model, &w.current, &w.inputs[k], &mut w.record, &mut w.next);
        }
        w.reverse(model, k, (controller, objective));
    }
    Ok(())
}

/// Forward and backward as the schedule says; its first way forward also finds the cost.
fn by_checkpoints<R: Engine>(
    model: &Model<R>,
    (controller, objective): (&mut impl Controller<R>, &mut impl Objective<R>),
    slots: usize,
    w: &mut Workspace<R>,
) -> Result<(), Error> {
    let steps = w.inputs.len();
    for action in schedule(steps, slots) {
        match action {
            Action::Keep { slot, .. } => w.states[slot].copy_from(&w.current),
            Action::Take { slot, .. } => w.current.copy_from(&w.states[slot]),
            Action::Advance { from, to } => {
                for k in from..to {
                    w.forward(model, k, (controller, objective))?;
                    std::mem::swap(&mut w.current, &mut w.next);
                }
            }
            Action::Reverse { step: k } => {
                w.forward(model, k, (controller, objective))?;
                if k + 1 == steps {
                    w.finish(model, k + 1, objective);
                }
                w.reverse(model, k, (controller, objective));
            }
        }
    }
    Ok(())
}
