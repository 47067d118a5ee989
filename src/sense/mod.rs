//! What is measured: the sensors of a model, and their adjoint.
//!
//! Some sensors follow from configuration and velocity: [`measure_motion`] finds them from the bodies
//! alone. The others see accelerations and forces; they belong to the [`Stage`] that
//! [`acceleration`](crate::physics::acceleration) leaves, and [`measure`] finds all of them.
//!
//! Their values are those of MuJoCo's `sensordata`, in its order, without the sensors that are not
//! simulated (MuJoCo's documentation, "XML reference", sensor).

mod contact;
mod crowd;
mod forces;
mod frame;
mod motion;
mod observation;
mod quantity;
mod subtree;
mod view;
mod zone;

pub use contact::{contact_wrenches, contact_wrenches_pullback};
pub use crowd::Crowd;
pub use observation::{Form, Observation, Observer, observations};
pub use quantity::{Place, Quantity, Stored, known_quantities, matches, quantities};
pub use view::{Needs, View, ViewCotangent};

use crate::model::{Costate, Input, Measured, Model, State};
use crate::number::Real;
use crate::physics::articulated::line::Field;
use crate::physics::articulated::{Links, LinksCotangent, kinematics_pullback};
use crate::physics::{Cotangents, Engine, Stage, StepBackward};
use crate::spatial::{Force, Motion};

/// What the sensors say, and what it takes to find it and to pull it back; allocated once.
#[derive(Clone, Debug)]
pub struct Senses<R> {
    /// The values of all sensors, one after the other.
    pub values: Vec<R>,
    /// The cotangents of the values before their cutoff.
    cotangent: Vec<R>,
    /// Of each body, with gravity as `−g` of the world.
    acceleration: Vec<Motion<R>>,
    /// What its parent exerts on each body.
    wrench: Vec<Force<R>>,
    /// The motion of which the cotangent is asked, and what the forces on bodies are weighed with.
    velocity: Field<R>,
    weight: Field<R>,
    sums: Vec<Force<R>>,
}

impl<R: Real> Senses<R> {
    /// Room for one model.
    pub fn new(model: &Model<R>) -> Self {
        let (values, bodies) = (model.topology.sensed(), model.topology.bodies.len());
        Self {
            values: vec![R::zero(); values],
            cotangent: vec![R::zero(); values],
            acceleration: vec![Motion::zero(); bodies],
            wrench: vec![Force::zero(); bodies],
            velocity: Field::new(model),
            weight: Field::new(model),
            sums: vec![Force::zero(); bodies],
        }
    }

    /// Bounds the values of sensor by sensor.
    fn cut(&mut self, model: &Model<R>, motion_only: bool) {
        for s in model.topology.sensors.iter().filter(|s| s.measured.is_motion() || !motion_only) {
            let Some(cutoff) = s.cutoff.map(R::from_f64) else { continue };
            for x in &mut self.values[s.first..s.first + s.measured.count()] {
                *x = x.clamp(-cutoff, cutoff);
            }
        }
    }

    /// Takes the cotangents of the values; what is cut off has none.
    fn ask(&mut self, model: &Model<R>, w: &[R]) {
        self.cotangent.copy_from_slice(w);
        for s in &model.topology.sensors {
            let Some(cutoff) = s.cutoff.map(R::from_f64) else { continue };
            let range = s.first..s.first + s.measured.count();
            for (w, x) in self.cotangent[range.clone()].iter_mut().zip(&self.values[range]) {
                *w = R::select(x.lt(cutoff) & x.gt(-cutoff), *w, R::zero());
            }
        }
    }
}

/// Measures all that follows from configuration and velocity; the other values are left.
pub fn measure_motion<R: Real>(model: &Model<R>, state: &State<R>, links: &Links<R>, senses: &mut Senses<R>) {
    for s in &model.topology.sensors {
        motion::measure(model, state, links, &s.measured, &mut senses.values[s.first..]);
    }
    senses.cut(model, true);
}

/// The pullback of [`measure_motion`] for cotangents `w` of all values, those of forces and accelerations
/// left aside: adds to the cotangents of bodies, state and model.
pub fn measure_motion_pullback<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    links: &Links<R>,
    w: &[R],
    senses: &mut Senses<R>,
    (cotangent, out, out_model): (&mut LinksCotangent<R>, &mut Costate<R>, &mut Model<R>),
) {
    senses.ask(model, w);
    motion::pullback(model, state, links, senses, (cotangent, out, out_model));
}

/// Measures everything. The stage is as [`acceleration`](crate::physics::acceleration) left it.
pub fn measure<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    input: &Input<R>,
    stage: &Stage<R>,
    senses: &mut Senses<R>,
) {
    measure_motion(model, state, &stage.links, senses);
    if feels(model) {
        forces::prepare(model, state, input, stage, senses);
        for s in &model.topology.sensors {
            forces::measure(model, state, stage, &s.measured, (s.first, senses));
        }
        senses.cut(model, false);
    }
}

/// The pullback of [`measure`], after it: adds the derivatives of the values with cotangents `w` by state,
/// input and model.
///
/// Let `ā` and `f̄` be the cotangents of acceleration and constraint forces. The acceleration minimizes
/// `½ (a − a_s)ᵀ M (a − a_s) + s(J a − a_ref)` and the forces are `f = −∇s`, so that with `W = ∇²s`,
/// `H = M + Jᵀ W J`, `H λ = ā − Jᵀ W f̄` and `u = J λ + f̄` the rest is the derivative of
/// `λ·(f_s − M a) + f·(J λ) − (W u)·(J a − a_ref) + u·f` at fixed `λ`, `a`, `u`.
pub fn measure_pullback<R: Engine>(
    model: &Model<R>,
    state: &State<R>,
    input: &Input<R>,
    stage: &Stage<R>,
    w: &[R],
    senses: &mut Senses<R>,
    (scratch, out): (&mut StepBackward<R>, &mut Cotangents<R>),
) {
    let links = &mut scratch.forces.links;
    let own = (&mut *links, &mut out.state, &mut out.model);
    measure_motion_pullback(model, state, &stage.links, w, senses, own);
    if feels(model) {
        forces::pullback(model, state, input, stage, senses, (scratch, out));
    } else {
        kinematics_pullback(model, state, &stage.links, links, &mut out.state, &mut out.model);
        links.clear();
    }
}

/// Whether something is measured that does not follow from the motion alone.
fn feels<R>(model: &Model<R>) -> bool {
    model.topology.sensors.iter().any(|s: &crate::model::Sensor| !Measured::is_motion(&s.measured))
}
