//! From a description to a complete model, and back: constants that follow from the inertia at the
//! reference configuration, and the pullback of the whole compilation.

use super::articulated::mass_matrix::mass_matrix;
use super::articulated::{Links, actuation, factor::Factor, kinematics, tendon};
use crate::model::description::JointKind;
use crate::model::{Description, Listing, Model, Parameter, State, Values, assemble};
use crate::number::{Real, Tape, Var};
use crate::spatial::{Inertia, Motion};

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
/// [`Tape`], whose sweep back costs a few nanoseconds for each operation.
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
        let (numbers, nodes) = {
            let variables: Vec<Var<'_, R>> = values.iter().map(|&x| tape.variable(x)).collect();
            let mut model = assemble(d, &mut Values(variables.iter()));
            complete(d, &mut model);
            (model.map(|x| x.value()), model.map(|x| x.node()).numbers())
        };
        Self { model: numbers, tape, nodes, parameters: values.len() }
    }

    /// The cotangents of the parameters from those of the model's numbers.
    pub fn pullback(&self, cotangent: &Model<R>) -> Vec<R> {
        let mut cotangent = cotangent.clone();
        self.model.rotations_pullback(&mut cotangent);
        let seeds = self.nodes.iter().zip(cotangent.numbers()).filter_map(|(node, w)| node.map(|n| (n, w)));
        let mut all = self.tape.pullback(seeds);
        all.truncate(self.parameters);
        all
    }
}

/// Inverse weights and lengths at the reference configuration, as constraints need them.
#[derive(Clone, Debug)]
pub struct Constants<R> {
    /// Translational and rotational, of each body.
    pub body_invweight: Vec<[R; 2]>,
    /// Of each dof (nv).
    pub dof_invweight: Vec<R>,
    /// Of each tendon.
    pub tendon_invweight: Vec<R>,
    /// Of each tendon [m].
    pub tendon_length: Vec<R>,
    /// The mean of the diagonal of the mass matrix.
    pub mean_inertia: R,
}

/// A model at its reference configuration, with the factor of its mass matrix.
struct Reference<R> {
    state: State<R>,
    links: Links<R>,
    jacobian: Vec<R>,
    mass: Vec<R>,
    factor: Factor<R>,
}

fn at_reference<R: Real>(model: &Model<R>) -> Reference<R> {
    let t = &model.topology;
    let state = State::reference(model);
    let mut links = Links::new(model);
    kinematics(model, &state, &mut links);
    let mut jacobian = vec![R::zero(); t.nv * t.tendons.len()];
    for (k, row) in jacobian.chunks_mut(t.nv.max(1)).enumerate() {
        tendon::row(model, &links, k, row);
    }
    let mut mass = vec![R::zero(); t.pattern.entries()];
    mass_matrix(model, &links, &mut vec![Inertia::zero(); t.bodies.len()], &jacobian, &mut mass);
    let mut factor = Factor::new(&t.pattern);
    factor.compute(&t.pattern, &mass);
    Reference { state, links, jacobian, mass, factor }
}

impl<R: Real> Reference<R> {
    /// `J M⁻¹ Jᵀ` of one row.
    fn inverse_weight(&self, model: &Model<R>, row: &[R]) -> R {
        let mut x = row.to_vec();
        self.factor.solve(&model.topology.pattern, &mut x);
        row.iter().zip(&x).fold(R::zero(), |sum, (a, b)| sum + *a * *b)
    }
    fn dof_inverse_weights(&self, model: &Model<R>) -> Vec<R> {
        let n = model.topology.nv;
        let own = |i: usize| {
            let mut row = vec![R::zero(); n];
            row[i] = R::one();
            self.inverse_weight(model, &row)
        };
        let mut out: Vec<R> = (0..n).map(own).collect();
        // The three axes of a ball, and the translations and rotations of a free joint, share a mean.
        for at in &model.topology.joints {
            let groups = match at.kind {
                JointKind::Free => vec![at.v, at.v + 3],
                JointKind::Ball => vec![at.v],
                _ => vec![],
            };
            for start in groups {
                let mean = (out[start] + out[start + 1] + out[start + 2]).times(1.0 / 3.0);
                out[start..start + 3].fill(mean);
            }
        }
        out
    }
}

/// Completes what waits for the inertia at the reference: stiffness and damping from a time constant,
/// the velocity gain of servos from a damping ratio, and the rest length of tendons.
pub fn complete<R: Real>(d: &Description, model: &mut Model<R>) {
    complete_tendons(d, model);
    let waiting = model.joints.iter().any(|j| j.springdamper.is_some())
        || model.actuators.iter().any(|a| a.damping_ratio.is_some());
    if !waiting {
        return;
    }
    let reference = at_reference(model);
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

/// The constants of constraints at the reference configuration.
pub fn constants<R: Real>(d: &Description, model: &Model<R>) -> Constants<R> {
    let t = &model.topology;
    let reference = at_reference(model);
    let mut dof_invweight = reference.dof_inverse_weights(model);
    let mut body_invweight: Vec<[R; 2]> =
        (0..t.bodies.len()).map(|b| body_inverse_weight(model, &reference, b)).collect();
    for b in (1..t.bodies.len()).filter(|&b| slides_alone(d, b)) {
        let inverse = model.bodies[b].mass.recip();
        body_invweight[b] = [inverse, R::zero()];
        for i in t.bodies[b].dofs.clone() {
            dof_invweight[i] = inverse;
        }
    }
    let mut row = vec![R::zero(); t.nv];
    let tendon_invweight = (0..t.tendons.len())
        .map(|k| {
            tendon::row(model, &reference.links, k, &mut row);
            reference.inverse_weight(model, &row)
        })
        .collect();
    let length = |k| tendon::length(model, &reference.state, &reference.links, k);
    let diagonal = (0..t.nv).map(|i| reference.mass[t.pattern.start[i + 1] - 1]);
    let sum = diagonal.fold(R::zero(), |sum, m| sum + m);
    Constants {
        body_invweight,
        dof_invweight,
        tendon_invweight,
        tendon_length: (0..t.tendons.len()).map(length).collect(),
        mean_inertia: sum.times(1.0 / t.nv.max(1) as f64),
    }
}

/// The means of the translational and of the rotational diagonal entries of `J M⁻¹ Jᵀ` at the centre
/// of mass.
fn body_inverse_weight<R: Real>(model: &Model<R>, reference: &Reference<R>, b: usize) -> [R; 2] {
    let link = &reference.links.bodies[b];
    let offset = link.center - link.origin;
    let dofs = |f: &dyn Fn(Motion<R>) -> R| {
        let mut row = vec![R::zero(); model.topology.nv];
        let mut next = model.topology.bodies[b].last_dof;
        while let Some(i) = next {
            row[i] = f(reference.links.axes[i].motion);
            next = model.topology.dofs[i].parent;
        }
        reference.inverse_weight(model, &row)
    };
    let mut out = [R::zero(); 2];
    for k in 0..3 {
        out[0] += dofs(&|m| m.at(offset).to_array()[k]);
        out[1] += dofs(&|m| m.angular.to_array()[k]);
    }
    out.map(|x| x.times(1.0 / 3.0))
}

/// Whether a body is "simple" with slides only: for it the inverse weight is one over its mass.
fn slides_alone(d: &Description, b: usize) -> bool {
    let body = &d.bodies[b];
    let mut joints = d.joints.iter().filter(|j| j.body == b).peekable();
    let one_entry = |axis: [f64; 3]| axis.iter().filter(|x| x.abs() > 1e-14).count() == 1;
    joints.peek().is_some()
        && joints.all(|j| {
            j.kind == JointKind::Slide
                && j.position.iter().all(|x| *x == 0.0)
                && j.frame.is_none()
                && one_entry(j.axis)
        })
        && !d.bodies.iter().skip(1).any(|child| child.parent == b)
        && (body.parent == 0
            || (d.bodies[body.parent].parent == 0 && !d.joints.iter().any(|j| j.body == body.parent)))
        && centred(d, b)
        && !touched_by_heavy_tendon(d, b)
}

/// Whether a tendon with armature runs over a body.
fn touched_by_heavy_tendon(d: &Description, b: usize) -> bool {
    use crate::model::description::{PathPoint, TendonPath, Transmission};
    d.tendons.iter().enumerate().any(|(t, tendon)| {
        let heavy = tendon.armature != 0.0
            || d.actuators.iter().any(|a| a.armature != 0.0 && a.transmission == Transmission::Tendon(t));
        heavy
            && match &tendon.path {
                TendonPath::Fixed(terms) => terms.iter().any(|&(j, _)| d.joints[j].body == b),
                TendonPath::Spatial(points) => {
                    points.iter().any(|p| matches!(p, PathPoint::Site(s) if d.sites[*s].body == b))
                }
            }
    })
}

/// Whether the inertial frame of a body is its own frame.
fn centred(d: &Description, b: usize) -> bool {
    let model: Model<f64> = assemble(d, &mut Listing::default());
    let body = &model.bodies[b];
    let i = body.inertia;
    let small = |x: f64, scale: f64| x.abs() <= 1e-6 * scale;
    let size = i.xx.max(i.yy).max(i.zz);
    body.center.to_array().iter().all(|x| small(*x, 1.0))
        && [i.xy, i.xz, i.yz].iter().all(|x| small(*x, size))
}
