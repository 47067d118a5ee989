//! The force that an acceleration asks for.

use super::articulated::mass_matrix;
use super::integrate::StepBackward;
use super::step::{Cotangents, Stage, forces, forces_pullback};
use crate::model::{Input, Model, State};
use crate::number::Real;

/// Inverse dynamics: the generalized force `tau` (nv) [N, N m] with which, beside the input, the world has
/// the acceleration `a` (nv).
///
/// `tau = M a − f_s − Jᵀ f(J a − a_ref)`: at a given acceleration the constraint forces are an explicit
/// function, so that nothing is solved. The forces of the input and of the actuators are in `f_s`; MuJoCo's
/// `qfrc_inverse` is `tau` plus them, `stage.actuation.total` and what is applied (Todorov 2014; MuJoCo's
/// documentation, "Computation", inverse dynamics). The stage is left as
/// [`acceleration`](super::acceleration) leaves it, so that sensors can be read from it, but for the factor.
///
/// ```
/// use costate::model::{Input, State};
/// use costate::physics::{Stage, acceleration, articulated::jacobian::jacobian, derive, inverse};
/// use costate::scene::mjcf;
/// use costate::sense::contact_wrenches;
/// use costate::spatial::{Force, Motion, Vec3};
///
/// let ball = r#"<mujoco><worldbody><geom type="plane" size="1 1 1"/>
///     <body pos="0 0 .099"><freejoint/><geom size=".1"/></body></worldbody></mujoco>"#;
/// let model = derive::compile(&mjcf::parse(ball, "ball.xml".as_ref())?);
/// let (state, input) = (State::reference(&model), Input::zero_applied(&model));
/// let mut stage = Stage::new(&model);
///
/// // What must pull so that the ball keeps its speed: its weight, but for what the floor bears.
/// let mut tau = vec![0.0; 6];
/// inverse(&model, &state, &input, &[0.0; 6], &mut stage, &mut tau);
/// let mut wrenches = vec![Force::zero(); 2];
/// contact_wrenches(&model, &stage, false, &mut wrenches);
/// let weight = model.bodies[1].mass * 9.81;
/// assert!((tau[2] + wrenches[1].force.z - weight).abs() < 1e-12 * weight);
///
/// // With this force the world has that acceleration.
/// let pulled = Input { force: tau, ..input };
/// acceleration(&model, &state, &pulled, &mut stage);
/// assert!(stage.a.iter().all(|a| a.abs() < 1e-9));
///
/// // A spin about the vertical moves a point of the ball sideways.
/// let mut columns = vec![Motion::zero(); 6];
/// jacobian(&model, &stage.links, 1, Vec3::new(0.1, 0.0, 0.0), &mut columns);
/// assert_eq!(columns[5].linear.to_array(), [0.0, 0.1, 0.0]);
/// # Ok::<(), costate::Error>(())
/// ```
pub fn inverse<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    input: &Input<R>,
    a: &[R],
    stage: &mut Stage<R>,
    tau: &mut [R],
) {
    forces(model, state, input, stage);
    stage.a.copy_from_slice(a);
    stage.total.copy_from_slice(&stage.smooth);
    stage.constraint.assemble(model, state, &stage.links, &mut stage.solver);
    if stage.constraint.acts() {
        stage.constraint.answer_to(a);
        stage.constraint.rows.add_transposed(&stage.constraint.force, &mut stage.total);
    }
    mass_matrix::times(&model.topology.pattern, &stage.mass, a, tau);
    for (tau, f) in tau.iter_mut().zip(&stage.total) {
        *tau -= *f;
    }
}

/// The pullback of [`inverse`], after it: adds the derivatives by acceleration, state, input and model.
///
/// With the weight `m = −tau̅` the scalar is that of a step's adjoint, `m·(f_s + Jᵀ f − M a)`, here at a given
/// acceleration, whose cotangent is `(M + Jᵀ W J) tau̅`.
pub fn inverse_pullback<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    input: &Input<R>,
    stage: &Stage<R>,
    cotangent: &[R],
    scratch: &mut StepBackward<R>,
    (by_a, out): (&mut [R], &mut Cotangents<R>),
) {
    mass_matrix::times(&model.topology.pattern, &stage.mass, cotangent, &mut scratch.velocity);
    for (own, x) in by_a.iter_mut().zip(&scratch.velocity) {
        *own += *x;
    }
    for (m, w) in scratch.weight.iter_mut().zip(cotangent) {
        *m = -*w;
    }
    scratch.act.fill(R::zero());
    if stage.constraint.acts() {
        scratch.constraint.weigh_given(&stage.constraint, &scratch.weight, by_a);
        let own = (&mut scratch.forces.links, &mut out.state, &mut out.model);
        scratch.constraint.pull(model, state, &stage.links, &stage.constraint, own);
    }
    let asked = (&stage.a[..], &scratch.weight[..], &scratch.act[..]);
    forces_pullback(model, state, input, stage, asked, &mut scratch.forces, out);
}
