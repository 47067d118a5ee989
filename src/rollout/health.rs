//! How far a gradient can be trusted: the growth of the costate, and the steps at which contacts switch.
//!
//! A costate that grows from step to step, on its way back, says that the end of the rollout hangs on its
//! beginning more and more finely: at some length the gradient is right and of no use (Metz and others 2021,
//! "Gradients are not all you need").

use super::adjoint::Workspace;
use crate::error::Error;
use crate::model::description::JointKind;
use crate::model::{Costate, Input, Model, State};
use crate::number::{Mask, Real, dot};
use crate::physics::Record;
use crate::physics::articulated::direction::undetermined;
use crate::physics::constraint::Origin;

/// More growth over a rollout than this leaves little of a gradient.
const MOST_GROWTH: f64 = 1e6;
/// An impedance that begins above this jumps where a contact begins.
const SMOOTH_ONSET: f64 = 0.01;

/// What the last sweep back met.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    /// How many steps the rollout has.
    pub steps: usize,
    /// The factor by which the norm of the costate grows with each step back, fitted over all steps.
    pub growth: f64,
    /// The steps whose limits, ties and contacts with a force are not those of the step before.
    pub switches: Vec<usize>,
    /// The step and the name of the first cotangent on the way back that is not finite.
    pub broken: Option<(usize, String)>,
    /// Whether contacts and limits begin to act with a jump of their stiffness.
    pub jumps: bool,
    /// The derivatives that the gradient is without.
    pub missing: Vec<Missing>,
    /// At how many steps the search for the constraint forces went on with more digits than the number has.
    pub refined: usize,
}

/// A derivative that a gradient is without at some steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Missing {
    /// Of what.
    pub of: Lacking,
    /// At how many steps.
    pub steps: usize,
}

/// What has no derivative, or none that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lacking {
    /// The normal of these two geoms: the search for it did not converge, and it was held where it was.
    Normal([String; 2]),
    /// The direction of this tendon: a piece of it had no length.
    Direction(String),
}

impl Health {
    /// The growth over the whole rollout.
    pub fn total_growth(&self) -> f64 {
        self.growth.powf(self.steps as f64)
    }

    /// What to know and to do, in one sentence; nothing where the gradient looks healthy.
    pub fn advice(&self) -> Option<String> {
        let mut all: Vec<String> = self.spoiled().into_iter().collect();
        all.extend(self.missing.iter().map(|m| m.tell(self.steps)));
        let said = (!all.is_empty()).then(|| all.join("; "));
        said.or_else(|| self.rough())
    }

    /// What makes the whole gradient useless.
    fn spoiled(&self) -> Option<String> {
        if let Some((step, quantity)) = &self.broken {
            return Some(format!(
                "the cotangent of {quantity} is not finite at step {step}: choose a smaller step or a shorter horizon"
            ));
        }
        (self.total_growth() > MOST_GROWTH).then(|| {
            format!(
                "the gradient grows {:.0e} times over {} steps: choose a shorter horizon or a smaller step",
                self.total_growth(),
                self.steps
            )
        })
    }

    /// What makes the cost rough.
    fn rough(&self) -> Option<String> {
        (self.jumps && !self.switches.is_empty()).then(|| {
            format!(
                "contacts or limits switch at {} of {} steps: solimp[0] = 0 makes their onset smooth",
                self.switches.len(),
                self.steps
            )
        })
    }

    /// The error of a cost or a gradient that is not finite.
    pub fn failure(&self) -> Error {
        let whole = (self.steps, "the cost or its gradient".to_owned());
        not_finite(self.broken.clone().map_or(whole, |(step, of)| (step, format!("the cotangent of {of}"))))
    }

    /// Growth and switches in two lines.
    pub fn tell(&self) -> String {
        let first: Vec<String> = self.switches.iter().take(5).map(usize::to_string).collect();
        let switches = match self.switches.len() {
            0 => "no contact or limit switches".to_owned(),
            n => {
                let more = if n > first.len() { ", …" } else { "" };
                format!(
                    "contacts or limits switch at {n} of {} steps: {}{more}",
                    self.steps,
                    first.join(", ")
                )
            }
        };
        let refined = match self.refined {
            0 => String::new(),
            n => format!(
                "the search for the constraint forces needed more digits at {n} of {} steps\n",
                self.steps
            ),
        };
        format!(
            "the costate grows {:.4} times with each step back, {:.1e} times over the rollout\n{switches}\n{refined}",
            self.growth,
            self.total_growth()
        )
    }
}

impl Missing {
    /// In a sentence, for a rollout with so many steps.
    pub fn tell(&self, steps: usize) -> String {
        let at = format!("at {} of {steps} steps", self.steps);
        match &self.of {
            Lacking::Normal([a, b]) => {
                format!("the normal of geoms \"{a}\" and \"{b}\" was frozen {at}: its derivative is left out")
            }
            Lacking::Direction(tendon) => format!(
                "the direction of tendon \"{tendon}\" was undetermined {at}, where a piece of it has length 0: the \
                 pull along it has no derivative there, begin a little beside"
            ),
        }
    }
}

/// What is not finite at a step, with what to do for an optimizer.
pub(super) fn not_finite((step, quantity): (usize, String)) -> Error {
    let remedy = "choose a smaller learning rate, a smaller time step or smaller weights".to_owned();
    Error::Diverged { step, quantity, remedy }
}

/// What the sweep keeps of every step; allocated once.
#[derive(Clone, Debug, Default)]
pub(super) struct Pulse {
    /// Of the costate at the start of each step; of several worlds the largest.
    norms: Vec<f64>,
    /// A number for the set of all that acts during each step.
    acting: Vec<u64>,
    broken: Option<(usize, String)>,
    jumps: bool,
    /// The names and steps of derivatives that are left out.
    missing: Vec<Missing>,
    refined: usize,
}

impl Pulse {
    /// Room for a rollout, without a memory of the last one.
    pub fn prepare<R: Real>(&mut self, model: &Model<R>, steps: usize) {
        self.norms.clear();
        self.norms.resize(steps, 0.0);
        self.acting.clear();
        self.acting.resize(steps, 0);
        self.broken = None;
        self.missing.clear();
        self.refined = 0;
        let joints = model.joints.iter().filter_map(|j| j.limit.as_ref()).map(|l| l.solimp[0]);
        let first = joints.chain(model.geoms.iter().map(|g| g.solimp[0]));
        self.jumps = first.into_iter().any(|d| d.first() > SMOOTH_ONSET);
    }

    /// Takes note of a step, with the costate at its start.
    pub fn note<R: Real>(
        &mut self,
        model: &Model<R>,
        (k, state): (usize, &State<R>),
        record: &Record<R>,
        costate: &Costate<R>,
        input: &Input<R>,
    ) {
        let all = costate.q.iter().chain(&costate.v).chain(&costate.act);
        let particles = dot(&costate.particles, &costate.particles);
        let square = all.fold(particles, |sum, x| sum + x.square());
        self.norms[k] = (0..R::LANES).map(|lane| square.lane(lane).sqrt()).fold(0.0, f64::max);
        self.acting[k] = acting(record);
        self.note_missing(model, (k, state), record);
        self.refined += usize::from(record.stages.iter().any(|stage| stage.constraint.refined()));
        let sum = input.u.iter().fold(square, |sum, x| sum + x.square());
        if self.broken.is_none() && !sum.is_finite().all() {
            self.broken = Some((k, broken(model, costate, input)));
        }
    }
}

impl Pulse {
    /// Takes note of the derivatives that a step is without.
    fn note_missing<R: Real>(
        &mut self,
        model: &Model<R>,
        (k, state): (usize, &State<R>),
        record: &Record<R>,
    ) {
        let (names, stage) = (&model.topology.names, &record.stages[0]);
        for t in 0..model.tendons.len() {
            if undetermined(model, state, &stage.links, t) {
                // Its costate says nothing of how the others grow.
                self.norms[k] = f64::NAN;
                self.count(Lacking::Direction(names.tendons[t].clone()));
            }
        }
        let mut last = None;
        for contact in stage.constraint.contacts.list.iter().filter(|c| c.feature.is_frozen()) {
            // A pair counts once in a step.
            if last.replace(contact.candidate.geoms) != Some(contact.candidate.geoms) {
                self.count(Lacking::Normal(contact.candidate.geoms.map(|g| names.geoms[g].clone())));
            }
        }
    }

    fn count(&mut self, of: Lacking) {
        match self.missing.iter_mut().find(|m| m.of == of) {
            Some(missing) => missing.steps += 1,
            None => self.missing.push(Missing { of, steps: 1 }),
        }
    }
}

/// A number for the set of blocks that have a force: the hash of Fowler, Noll and Vo of their origins.
fn acting<R: Real>(record: &Record<R>) -> u64 {
    let c = &record.stages[0].constraint;
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    let mut mix = |x: usize| hash = (hash ^ x as u64).wrapping_mul(0x0100_0000_01b3);
    for block in &c.rows.blocks {
        let force = &c.force[block.rows()];
        if force.iter().all(|f| f.plain().is_zero().all()) {
            continue;
        }
        match block.origin {
            Origin::Contact(k) => {
                let [a, b] = c.contacts.list[k].candidate.geoms;
                mix(1);
                mix(a);
                mix(b);
            }
            Origin::JointLimit(j, end) => {
                mix(2);
                mix(2 * j + end as usize);
            }
            Origin::TendonLimit(t, end) => {
                mix(3);
                mix(2 * t + end as usize);
            }
            // Ties and friction always act.
            _ => {}
        }
    }
    hash
}

/// The first cotangent that is not finite, by name.
fn broken<R: Real>(model: &Model<R>, costate: &Costate<R>, input: &Input<R>) -> String {
    let t = &model.topology;
    let bad = |x: &R| !x.is_finite().all();
    for (what, list) in [("position", &costate.q), ("velocity", &costate.v)] {
        if let Some(i) = list.iter().position(bad) {
            let at = &t.joints[t.dofs[i].joint];
            let part = match at.kind {
                JointKind::Free | JointKind::Ball => format!("[{}]", i - at.v),
                _ => String::new(),
            };
            return format!("the {what}{part} of joint \"{}\"", t.names.joints[t.dofs[i].joint]);
        }
    }
    match input.u.iter().position(bad) {
        Some(k) => format!("the control of actuator \"{}\"", t.names.actuators[k]),
        None if costate.act.iter().any(bad) => "an activation".to_owned(),
        None => "the state".to_owned(),
    }
}

/// What the last gradient of a workspace met on its way back.
pub fn health<R: Real>(workspace: &Workspace<R>) -> Health {
    let pulse = &workspace.pulse;
    let pairs = pulse.acting.windows(2).enumerate();
    Health {
        steps: pulse.norms.len(),
        growth: growth(&pulse.norms),
        switches: pairs.filter(|(_, w)| w[0] != w[1]).map(|(k, _)| k + 1).collect(),
        broken: pulse.broken.clone(),
        jumps: pulse.jumps,
        missing: pulse.missing.clone(),
        refined: pulse.refined,
    }
}

/// `e^(−slope)` of the line through the logarithms of the norms, by least squares.
fn growth(norms: &[f64]) -> f64 {
    let points = norms.iter().enumerate().filter(|(_, x)| x.is_finite() && **x > 0.0);
    let (mut n, mut x, mut y, mut xx, mut xy) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (k, norm) in points {
        let (a, b) = (k as f64, norm.ln());
        n += 1.0;
        x += a;
        y += b;
        xx += a * a;
        xy += a * b;
    }
    let spread = n * xx - x * x;
    if spread > 0.0 { (-(n * xy - x * y) / spread).exp() } else { 1.0 }
}
