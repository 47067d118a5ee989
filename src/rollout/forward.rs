//! Rolling a world forward.

use super::adjoint::Workspace;
use crate::control::Controller;
use crate::error::Error;
use crate::model::description::JointKind;
use crate::model::{Input, Model, State};
use crate::number::{Mask, Real, dot};
use crate::objective::Objective;
use crate::physics::{Engine, Record, step};

/// The states of a rollout, the first included.
#[derive(Clone, Debug)]
pub struct Trajectory<R> {
    /// One more than there are steps.
    pub states: Vec<State<R>>,
    /// Those of every step, with what a controller added.
    pub inputs: Vec<Input<R>>,
}

/// Rolls out with one input for each step.
///
/// # Errors
/// A state that is not finite, with its step, its entry and a remedy.
pub fn simulate<R: Engine>(
    model: &Model<R>,
    start: &State<R>,
    inputs: &[Input<R>],
) -> Result<Trajectory<R>, Error> {
    simulate_controlled(model, start, inputs, (&mut (), &[]))
}

/// Rolls out with one input for each step, to which a controller with these parameters adds its own.
///
/// # Errors
/// As [`simulate`].
pub fn simulate_controlled<R: Engine>(
    model: &Model<R>,
    start: &State<R>,
    inputs: &[Input<R>],
    (controller, parameters): (&mut impl Controller<R>, &[R]),
) -> Result<Trajectory<R>, Error> {
    let mut record = Record::new(model);
    let mut states = vec![start.clone(); inputs.len() + 1];
    let mut inputs = inputs.to_vec();
    controller.start(parameters, inputs.len());
    for (k, input) in inputs.iter_mut().enumerate() {
        let (past, future) = states.split_at_mut(k + 1);
        controller.act(model, &past[k], k, input);
        step(model, &past[k], input, &mut record, &mut future[0]);
        sound(model, &record, &future[0], k + 1)?;
    }
    Ok(Trajectory { states, inputs })
}

/// The cost of a rollout, remembering nothing of it.
///
/// # Errors
/// As [`simulate`].
pub fn cost<R: Engine>(
    model: &Model<R>,
    start: &State<R>,
    inputs: &[Input<R>],
    objective: &mut impl Objective<R>,
) -> Result<R, Error> {
    cost_controlled(model, start, inputs, (&mut (), &[]), objective)
}

/// The same with a controller that adds its own controls.
///
/// # Errors
/// As [`simulate`].
pub fn cost_controlled<R: Engine>(
    model: &Model<R>,
    start: &State<R>,
    inputs: &[Input<R>],
    (controller, parameters): (&mut impl Controller<R>, &[R]),
    objective: &mut impl Objective<R>,
) -> Result<R, Error> {
    Workspace::new(model, start).cost(model, start, inputs, (controller, parameters), objective)
}

/// Refuses a state that is not finite, and one whose constraint forces were not found; of several worlds says
/// which.
pub(crate) fn sound<R: Real>(
    model: &Model<R>,
    record: &Record<R>,
    state: &State<R>,
    step: usize,
) -> Result<(), Error> {
    // One sum is not finite as soon as one entry is not, overflow aside.
    let all = state.v.iter().chain(&state.act).chain(&state.q);
    let sum = all.fold(dot(&state.particles, &state.particles), |sum, x| sum + *x);
    let solved = record.solved();
    if (sum.is_finite() & solved).all() {
        return Ok(());
    }
    let solved = R::select(solved, R::one(), R::zero());
    let lost = record.stages[0].swarm.as_ref().and_then(|swarm| swarm.lost);
    let of = |world: usize| match sum.lane(world).is_finite() {
        false => Some(diverged(model, (state, lost), world, step)),
        true => (solved.lane(world) == 0.0).then_some(Error::Unsolved { step }),
    };
    if R::LANES == 1 {
        return of(0).map_or(Ok(()), Err);
    }
    Err(Error::Worlds((0..R::LANES).filter_map(|world| Some((world, of(world)?))).collect()))
}

/// What is not finite in a world.
fn diverged<R: Real>(
    model: &Model<R>,
    (state, lost): (&State<R>, Option<usize>),
    world: usize,
    step: usize,
) -> Error {
    let t = &model.topology;
    if let Some(particle) = lost {
        let body = t.particles.matter.iter().find(|m| m.particles.contains(&particle));
        let name = body.map_or("", |body| &body.name);
        let quantity = format!("a particle of matter \"{name}\" that left the grid");
        let remedy = "make the grid larger, or take more substeps".to_owned();
        return Error::Diverged { step, quantity, remedy };
    }
    let bad = |x: &R| !x.lane(world).is_finite();
    let quantity = if let Some(i) = state.v.iter().position(bad) {
        let kind = t.joints[t.dofs[i].joint].kind;
        let part = if matches!(kind, JointKind::Free | JointKind::Ball) {
            format!("[{}]", i - t.joints[t.dofs[i].joint].v)
        } else {
            String::new()
        };
        format!("the velocity{part} of joint \"{}\"", t.names.joints[t.dofs[i].joint])
    } else if state.act.iter().any(bad) {
        "an activation".to_owned()
    } else if let Some(at) = state.particles.iter().position(bad) {
        match t.particles.count {
            n if at < 6 * n => {
                let point = at / 3 % n;
                let body = t.particles.body_of(point);
                let number = point - t.particles.points[body].points.start;
                format!("point {number} of \"{}\"", t.particles.names[body])
            }
            _ => "a particle of matter".to_owned(),
        }
    } else {
        "the configuration".to_owned()
    };
    let remedy = "choose a smaller time step, softer springs, or an implicit integrator".to_owned();
    Error::Diverged { step, quantity, remedy }
}
