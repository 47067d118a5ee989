//! From a description to a complete model, and back: constants that follow from the inertia at the
//! reference configuration, and the pullback of the whole compilation.

use super::articulated::{Links, actuation, kinematics, tendon};
use super::constants::Reference;
pub use super::constants::{constants, mean_inertia, settle, settle_pullback};
use crate::model::description::JointKind;
use crate::model::{Costate, Description, Listing, Model, Parameter, State, Values, assemble};
use crate::number::{Real, Tape, Var};

/// Compiles a description with the numbers that it states.
pub fn compile(d: &Description) -> Model<f64> {
    let mut model = assemble(d, &mut Listing::default());
    complete(d, &mut model);
    model
}

/// Every number of the file that the smooth dynamics reads, in the order of reading.
pub fn parameters(d: &Description) -> Vec<Parameter> {
    let mut listing = Listing::default();
    assemble::<f64, _>(d, &mut listing);
    listing.0
}

/// A model compiled from given values of its parameters, with the memory of how.
///
/// A compilation happens once per rollout, and has a shape of its own for every model: it runs on a
/// [`Tape`], whose sweep back costs a few nanoseconds for each operation. The constants of constraints
/// take many solves and stay off the tape: they have a pullback of their own.
#[derive(Debug)]
pub struct Compilation<R> {
    /// The compiled model.
    pub model: Model<R>,
    tape: Tape<R>,
    /// The place on the tape of each number of the model, if it depends on a parameter.
    nodes: Vec<Option<u32>>,
    parameters: usize,
}

impl<R: Real<Mask = bool>> Compilation<R> {
    /// `values` in the order of [`parameters`].
    pub fn new(d: &Description, values: &[R]) -> Self {
        let tape = Tape::default();
        let (mut model, nodes) = {
            let variables: Vec<Var<'_, R>> = values.iter().map(|&x| tape.variable(x)).collect();
            let mut model = assemble(d, &mut Values(variables.iter()));
            complete_forces(d, &mut model);
            (model.map(|x| x.value()), model.map(|x| x.node()).numbers())
        };
        settle(&mut model);
        Self { model, tape, nodes, parameters: values.len() }
    }

    /// The cotangents of the parameters from those of the model's numbers, and of the particles at the start,
    /// which stand where the model says.
    pub fn pullback_from(&self, cotangent: &Model<R>, start: &Costate<R>) -> Vec<R> {
        let mut cotangent = cotangent.clone();
        cotangent.particles.start_pullback(&self.model.topology.particles, &start.particles);
        self.pullback(&cotangent)
    }

    /// The cotangents of the parameters from those of the model's numbers.
    pub fn pullback(&self, cotangent: &Model<R>) -> Vec<R> {
        let mut cotangent = cotangent.clone();
        settle_pullback(&self.model, &mut cotangent);
        self.model.rotations_pullback(&mut cotangent);
        let seeds = self.nodes.iter().zip(cotangent.numbers()).filter_map(|(node, w)| node.map(|n| (n, w)));
        let mut all = self.tape.pullback(seeds);
        all.truncate(self.parameters);
        all
    }
}

/// Completes what waits for the inertia at the reference: stiffness and damping from a time constant,
/// the velocity gain of servos from a damping ratio, the rest length of tendons, and what constraints
/// need.
pub fn complete<R: Real>(d: &Description, model: &mut Model<R>) {
    complete_forces(d, model);
    settle(model);
}

/// What forces wait for.
fn complete_forces<R: Real>(d: &Description, model: &mut Model<R>) {
    complete_tendons(d, model);
    let waiting = model.joints.iter().any(|j| j.springdamper.is_some())
        || model.actuators.iter().any(|a| a.damping_ratio.is_some());
    if !waiting {
        return;
    }
    let reference = Reference::new(model);
    let weights = reference.dof_inverse_weights(model);
    let mut row = vec![R::zero(); model.topology.nv];
    let ratios: Vec<Option<R>> = (0..model.actuators.len())
        .map(|k| {
            let actuator = &model.actuators[k];
            let ratio = actuator.damping_ratio?;
            let places = (&reference.links, &reference.jacobian[..]);
            actuation::moment_row(model, &reference.state, places, k, &mut row);
            let mass = reference.inverse_weight(model, &row).recip();
            Some((ratio * (actuator.gain[0] * mass).sqrt()).times(2.0))
        })
        .collect();
    for (actuator, kv) in model.actuators.iter_mut().zip(ratios) {
        if let Some(kv) = kv {
            actuator.bias[2] = -kv;
        }
    }
    for (joint, at) in model.joints.iter_mut().zip(&model.topology.joints) {
        let Some([time, ratio]) = joint.springdamper else { continue };
        let n = at.kind.sizes().1;
        let sum = weights[at.v..at.v + n].iter().fold(R::zero(), |sum, w| sum + *w);
        let inertia = R::from_f64(n as f64) / sum;
        joint.stiffness[0] += inertia / (time * time * ratio * ratio);
        joint.damping[0] += inertia.times(2.0) / time;
    }
}

/// Gives every tendon without a stated spring length its length at the spring reference.
fn complete_tendons<R: Real>(d: &Description, model: &mut Model<R>) {
    if d.tendons.iter().all(|t| t.spring_length.is_some()) {
        return;
    }
    let mut state = State::reference(model);
    for (joint, at) in model.joints.iter().zip(&model.topology.joints) {
        if matches!(at.kind, JointKind::Slide | JointKind::Hinge) {
            state.q[at.q] = joint.spring_reference;
        }
    }
    let mut links = Links::new(model);
    if model.topology.any_lines {
        kinematics(model, &state, &mut links);
    }
    for (t, file) in d.tendons.iter().enumerate() {
        if file.spring_length.is_none() {
            model.tendons[t].spring_length = [tendon::length(model, &state, &links, t); 2];
        }
    }
}
