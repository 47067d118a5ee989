//! What quantities are read from at one state.

use super::{Crowd, Quantity, Senses, measure, measure_motion, measure_motion_pullback, measure_pullback};
use crate::model::{Input, Model, State};
use crate::number::Real;
use crate::physics::articulated::line::Pulling;
use crate::physics::articulated::{Links, LinksCotangent, energy, kinematics, kinematics_pullback};
use crate::physics::{Cotangents, Engine, Stage, StepBackward, acceleration};
use crate::spatial::Vec3;

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
    /// The means against which particles are measured: one for all who ask.
    pub(super) means: Vec<(Crowd, Vec3<R>)>,
    /// The forces of this state, if a quantity asks for them.
    forces: Option<Box<(Stage<R>, StepBackward<R>)>>,
    /// What was looked at: the bodies, the sensors of motion, the sensors of forces.
    placed: bool,
    sensed: bool,
    felt: bool,
}

/// What quantities ask a [`View`] to look at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Needs {
    bodies: bool,
    sensors: bool,
    forces: bool,
    means: bool,
}

impl Needs {
    /// Of these quantities together.
    pub fn of(quantities: impl Iterator<Item = Quantity>) -> Self {
        let mut all = Self::default();
        for quantity in quantities {
            all.bodies |= quantity.needs_links();
            all.sensors |= quantity.is_sensor();
            all.forces |= quantity.needs_forces();
            all.means |= quantity.origin().is_some();
        }
        all
    }
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
    /// Of the means of particles that were asked for; those of the view come first.
    pub(super) means: Vec<(Crowd, Vec3<R>)>,
}

impl<R: Real> View<R> {
    /// Room for what these quantities of a model may ask.
    pub fn new(model: &Model<R>, quantities: impl Iterator<Item = Quantity>) -> Self {
        let (mut forces, mut means) = (false, Vec::new());
        for quantity in quantities {
            forces |= quantity.needs_forces();
            if let Some(crowd) = quantity.origin().filter(|crowd| means.iter().all(|(c, _)| c != crowd)) {
                means.push((crowd, Vec3::zero()));
            }
        }
        Self {
            links: Links::new(model),
            senses: Senses::new(model),
            step: 0,
            past: Vec::new(),
            controls: Vec::new(),
            means,
            forces: forces.then(|| Box::new((Stage::new(model), StepBackward::new(model)))),
            placed: false,
            sensed: false,
            felt: false,
        }
    }

    /// The mean of particles against which a quantity that was looked at is measured.
    pub(super) fn mean(&self, crowd: Crowd) -> Vec3<R> {
        self.means.iter().find(|(c, _)| *c == crowd).map_or(Vec3::zero(), |(_, mean)| *mean)
    }
}

impl<R: Engine> View<R> {
    /// Looks at what is needed. Forces are those of the step that starts here with this input.
    pub fn look(&mut self, model: &Model<R>, state: &State<R>, input: Option<&Input<R>>, needs: Needs) {
        self.controls.clear();
        self.controls.extend(input.iter().flat_map(|input| &input.u));
        (self.placed, self.sensed, self.felt) = (needs.bodies, needs.sensors, false);
        if needs.means {
            self.means.iter_mut().for_each(|(crowd, mean)| *mean = crowd.mean(&state.particles, None));
        }
        if self.placed {
            kinematics(model, state, &mut self.links);
        }
        match (&mut self.forces, input) {
            (Some(own), Some(input)) if needs.forces => {
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
        for (crowd, w) in &mut w.means {
            crowd.mean_pullback(std::mem::replace(w, Vec3::zero()), None, &mut out.state.particles);
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
            means: Vec::new(),
        }
    }

    /// No cotangent of what a view looks at, its means in their order.
    pub fn of(model: &Model<R>, view: &View<R>) -> Self {
        let means = view.means.iter().map(|(crowd, _)| (*crowd, Vec3::zero())).collect();
        Self { means, ..Self::new(model) }
    }

    /// Adds the cotangent of a mean.
    pub(super) fn add_mean(&mut self, crowd: Crowd, w: Vec3<R>) {
        match self.means.iter_mut().find(|(c, _)| *c == crowd) {
            Some((_, sum)) => *sum += w,
            None => self.means.push((crowd, w)),
        }
    }
}
