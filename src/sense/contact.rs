//! What contacts do to bodies.

use crate::model::{Input, Model, State};
use crate::number::Real;
use crate::physics::{Cotangents, Engine, Stage, StepBackward, optimum_pullback};
use crate::spatial::{Force, Motion};

/// The sum of all contact forces on each body, or on each body with all that hangs on it: force [N], and
/// torque [N m] about the body's own centre of mass, both in world axes.
///
/// `F_b = Σ ± f_k` and `n_b = Σ (x_k − c_b) × ± f_k ± n_k` over the contacts `k` at `x_k`, of which the second
/// body feels the force and the first its opposite: the sums of MuJoCo's `mj_contactForce`, turned into
/// world axes. Contacts between two bodies of one subtree cancel; on the world with all that hangs on it
/// nothing acts. `out` has one entry per body, the world first; the stage is as
/// [`acceleration`](crate::physics::acceleration) or [`inverse`](crate::physics::inverse) left it.
pub fn contact_wrenches<R: Real>(model: &Model<R>, stage: &Stage<R>, subtrees: bool, out: &mut [Force<R>]) {
    let (c, links) = (&stage.constraint, &stage.links.bodies);
    out.fill(Force::zero());
    c.contact_pushes(model, &stage.links, |row, b, push| out[b] += push * c.force[row]);
    if subtrees {
        // From the leaves to the root: the bodies of one tree share their reference point.
        for b in (1..out.len()).rev() {
            let own = out[b];
            out[model.topology.bodies[b].parent] += own;
        }
        out[0] = Force::zero();
    }
    for (f, link) in out.iter_mut().zip(links) {
        f.torque -= (link.center - link.origin).cross(f.force);
    }
}

/// The pullback of [`contact_wrenches`] after [`acceleration`](crate::physics::acceleration): adds the
/// derivatives by state, input and model.
///
/// `wrenches`: what was found; `w`: of each entry, `torque` for the torque and `force` for the force. The
/// cotangents of the constraint forces go the way of [`measure_pullback`](super::measure_pullback): one
/// solve.
pub fn contact_wrenches_pullback<R: Engine>(
    model: &Model<R>,
    state: &State<R>,
    input: &Input<R>,
    stage: &Stage<R>,
    subtrees: bool,
    (wrenches, w): (&[Force<R>], &[Force<R>]),
    (scratch, out): (&mut StepBackward<R>, &mut Cotangents<R>),
) {
    let (c, links) = (&stage.constraint, &stage.links);
    if !c.acts() {
        return;
    }
    let asked = &mut scratch.constraint.asked;
    asked.start(c.rows.count(), links.bodies.len());
    for (b, link) in links.bodies.iter().enumerate().skip(usize::from(subtrees)) {
        let lever = link.center - link.origin;
        asked.touch[b] = Motion::new(w[b].torque, w[b].force + lever.cross(w[b].torque));
        // The world stays where it is.
        if b > 0 {
            let by_center = w[b].torque.cross(wrenches[b].force);
            scratch.forces.links.add_point(links, b, link.center, by_center);
            out.model.bodies[b].center += link.rotation.transpose_mul(by_center);
        }
    }
    if subtrees {
        // From the root to the leaves: what hangs on a body feels for it.
        for b in 1..links.bodies.len() {
            let above = asked.touch[model.topology.bodies[b].parent];
            asked.touch[b] += above;
        }
    }
    let (by_row, twist) = (&mut asked.force, &asked.touch);
    c.contact_pushes(model, links, |row, b, push| by_row[row] += twist[b].dot(push));
    scratch.weight.fill(R::zero());
    scratch.act.fill(R::zero());
    optimum_pullback(model, state, input, stage, scratch, out);
    scratch.constraint.asked.clear();
}
