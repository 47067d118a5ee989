//! How a point of a body moves when the joints do.

use super::{Links, LinksCotangent};
use crate::model::Model;
use crate::number::Real;
use crate::spatial::{Force, Motion, Vec3};

/// The Jacobian of a point fixed in a body, in world axes: `ẋ = Σ J_t,i v_i` and `ω = Σ J_r,i v_i`.
///
/// `local`: the point in the axes of the body [m]; zero is its origin, `model.bodies[b].center` its centre
/// of mass, `model.sites[s].position` a site. `out` (nv): column `i` of both matrices, `linear` that of
/// `J_t` [m/s per unit of `v_i`], `angular` that of `J_r` [rad/s per unit]; the rows of MuJoCo's `mj_jac`
/// (3 × nv each) are `out[i].linear.x` over all `i`, and so on. Columns of joints that do not move the body
/// are zero.
pub fn jacobian<R: Real>(
    model: &Model<R>,
    links: &Links<R>,
    body: usize,
    local: Vec3<R>,
    out: &mut [Motion<R>],
) {
    out.fill(Motion::zero());
    let offset = links.point(body, local) - links.bodies[body].origin;
    for i in dofs(model, body) {
        let axis = links.axes[i].motion;
        out[i] = Motion::new(axis.angular, axis.at(offset));
    }
}

/// The pullback of [`jacobian`]: adds to the cotangent of the links and returns that of `local`.
///
/// `w` (nv): of column `i`, `force` for `J_t` and `torque` for `J_r`. With `r` from the reference point of the
/// tree to the point, the scalar is `Σ w_f·(s + ω × r) + w_t·ω` of the axes `(ω, s)`.
pub fn jacobian_pullback<R: Real>(
    model: &Model<R>,
    links: &Links<R>,
    body: usize,
    local: Vec3<R>,
    w: &[Force<R>],
    cotangent: &mut LinksCotangent<R>,
) -> Vec3<R> {
    let place = links.point(body, local);
    let offset = place - links.bodies[body].origin;
    let mut by_place = Vec3::zero();
    for i in dofs(model, body) {
        cotangent.axis[i] += Force::at(offset, w[i].force) + Force::new(w[i].torque, Vec3::zero());
        by_place += w[i].force.cross(links.axes[i].motion.angular);
    }
    cotangent.add_point(links, body, place, by_place);
    links.bodies[body].rotation.transpose_mul(by_place)
}

/// The degrees of freedom that move a body.
fn dofs<R>(model: &Model<R>, body: usize) -> impl Iterator<Item = usize> {
    let bodies = &model.topology.bodies;
    let way = std::iter::successors(Some(body), |&b| (b > 0).then(|| bodies[b].parent));
    way.flat_map(|b| bodies[b].dofs.clone())
}
