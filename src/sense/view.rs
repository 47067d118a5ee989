//! What quantities are read from at one state.

use super::{Quantity, Senses, measure, measure_motion, measure_motion_pullback, measure_pullback};
use crate::model::{Input, Model, State};
use crate::number::Real;
use crate::physics::articulated::line::Pulling;
use crate::physics::articulated::{Links, LinksCotangent, energy, kinematics, kinematics_pullback};
use crate::physics::{Cotangents, Stage, StepBackward, acceleration};

/// The bodies and the sensors of a world, as far as quantities ask; allocated once.
#[derive(Clone, Debug)]
pub struct View<R: Real> {
    /// Where the bodies are.
    pub links: Links<R>,
    /// What the sensors say.
    pub senses: Senses<R>,
    /// How many steps the rollout has done; whoever looks sets it.
    pub step: usize,
    /// The controls of the step before, or empty; whoever looks sets them.
    pub past: Vec<R>,
    /// The controls of this step, or empty.
    pub controls: Vec<R>,
    /// The forces of this state, if a quantity asks for them.
    forces: Option<Box<(Stage<R>, StepBackward<R>)>>,
    /// What was looked at: the bodies, the sensors of motion, the sensors of forces.
    placed: bool,
    sensed: bool,
    felt: bool,
}

/// The cotangent of a [`View`].
#[derive(Clone, Debug)]
pub struct ViewCotangent<R> {
    /// Of the bodies.
    pub links: LinksCotangent<R>,
    /// Of the values of all sensors.
    pub sensed: Vec<R>,
    /// Of the energies of motion, and of height and springs.
    pub energies: [R; 2],
    /// Of the controls of the step before.
    pub past: Vec<R>,
}

impl<R: Real> View<R> {
    /// Room for what these quantities of a model may ask.
    pub fn new(model: &Model<R>, mut quantities: impl Iterator<Item = Quantity>) -> Self {
        let forces = quantities.any(Quantity::needs_forces);
        Self {
            links: Links::new(model),
            senses: Senses::new(model),
            step: 0,
            past: Vec::new(),
            controls: Vec::new(),
            forces: forces.then(|| Box::new((Stage::new(model), StepBackward::new(model)))),
            placed: false,
            sensed: false,
            felt: false,
        }
    }

    /// Looks at what these quantities ask for. Forces are those of the step that starts here with this
    /// input.
    pub fn look(
        &mut self,
        model: &Model<R>,
        state: &State<R>,
        input: Option<&Input<R>>,
        quantities: impl Iterator<Item = Quantity>,
    ) {
        let mut forces = false;
        self.controls.clear();
        self.controls.extend(input.iter().flat_map(|input| &input.u));
        (self.placed, self.sensed, self.felt) = (false, false, false);
        for quantity in quantities {
            self.placed |= quantity.needs_links();
            self.sensed |= quantity.is_sensor();
            forces |= quantity.needs_forces();
        }
        if self.placed {
            kinematics(model, state, &mut self.links);
        }
        match (&mut self.forces, input) {
            (Some(own), Some(input)) if forces => {
                acceleration(model, state, input, &mut own.0);
                measure(model, state, input, &own.0, &mut self.senses);
                self.felt = true;
            }
            _ if self.sensed => measure_motion(model, state, &self.links, &mut self.senses),
            _ => {}
        }
    }

    /// The pullback of [`look`](View::look) at the same state; uses the cotangent up.
    pub fn look_pullback(
        &mut self,
        model: &Model<R>,
        state: &State<R>,
        input: Option<&Input<R>>,
        w: &mut ViewCotangent<R>,
        out: &mut Cotangents<R>,
    ) {
        match (&mut self.forces, input) {
            (Some(own), Some(input)) if self.felt => {
                let (stage, scratch) = own.as_mut();
                let own = (scratch, &mut *out);
                measure_pullback(model, state, input, stage, &w.sensed, &mut self.senses, own);
            }
            _ if self.sensed => {
                let own = (&mut w.links, &mut out.state, &mut out.model);
                measure_motion_pullback(model, state, &self.links, &w.sensed, &mut self.senses, own);
            }
            _ => {}
        }
        if self.placed {
            let p = Pulling {
                model,
                state,
                links: &self.links,
                cotangent: &mut w.links,
                out: &mut out.state,
                out_model: &mut out.model,
            };
            energy::pullback(p, std::mem::replace(&mut w.energies, [R::zero(); 2]));
            kinematics_pullback(model, state, &self.links, &mut w.links, &mut out.state, &mut out.model);
            w.links.clear();
        }
        w.sensed.fill(R::zero());
    }
}

impl<R: Real> ViewCotangent<R> {
    /// No cotangent.
    pub fn new(model: &Model<R>) -> Self {
        let zero = |n| vec![R::zero(); n];
        Self {
            links: LinksCotangent::new(model),
            sensed: zero(model.topology.sensed()),
            energies: [R::zero(); 2],
            past: zero(model.topology.nu),
        }
    }
}
