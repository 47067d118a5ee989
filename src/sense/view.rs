//! What quantities are read from at one state.

use super::{Quantity, Senses, measure, measure_motion, measure_motion_pullback, measure_pullback};
use crate::model::{Input, Model, State};
use crate::number::Real;
use crate::physics::articulated::{Links, LinksCotangent, kinematics, kinematics_pullback};
use crate::physics::{Cotangents, Stage, StepBackward, acceleration};

/// The bodies and the sensors of a world, as far as quantities ask; allocated once.
#[derive(Clone, Debug)]
pub struct View<R: Real> {
    /// Where the bodies are.
    pub links: Links<R>,
    /// What the sensors say.
    pub senses: Senses<R>,
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
}

impl<R: Real> View<R> {
    /// Room for what these quantities of a model may ask.
    pub fn new(model: &Model<R>, mut quantities: impl Iterator<Item = Quantity>) -> Self {
        let forces = quantities.any(Quantity::needs_forces);
        Self {
            links: Links::new(model),
            senses: Senses::new(model),
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
            kinematics_pullback(model, state, &self.links, &mut w.links, &mut out.state, &mut out.model);
            w.links.clear();
        }
        w.sensed.fill(R::zero());
    }
}

impl<R: Real> ViewCotangent<R> {
    /// No cotangent.
    pub fn new(model: &Model<R>) -> Self {
        Self { links: LinksCotangent::new(model), sensed: vec![R::zero(); model.topology.sensed()] }
    }
}
