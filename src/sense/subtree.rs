//! All that hangs on a body: centre of mass, its velocity, angular momentum about it.

use std::ops::Range;

use crate::model::{Model, Topology};
use crate::number::Real;
use crate::physics::articulated::inverse_dynamics::inertia_pullback;
use crate::physics::articulated::{Links, LinksCotangent};
use crate::spatial::{Inertia, Motion, Vec3};

/// The bodies that hang on a body, itself included: they are numbered one after the other.
pub fn subtree(t: &Topology, b: usize) -> Range<usize> {
    let more = t.bodies[b + 1..].iter().take_while(|body| body.parent >= b);
    b..b + 1 + more.count()
}

/// Mass and centre; without mass, the body's own centre.
pub fn center<R: Real>(model: &Model<R>, links: &Links<R>, b: usize) -> (R, Vec3<R>) {
    let (mut mass, mut sum) = (R::zero(), Vec3::zero());
    for k in subtree(&model.topology, b) {
        mass += model.bodies[k].mass;
        sum += links.bodies[k].center * model.bodies[k].mass;
    }
    let heavy = mass.gt(R::from_f64(1e-15));
    let mass = R::select(heavy, mass, R::one());
    (mass, Vec3::select(heavy, sum * mass.recip(), links.bodies[b].center))
}

/// The pullback of the centre.
pub(super) fn center_pullback<R: Real>(
    model: &Model<R>,
    links: &Links<R>,
    b: usize,
    w: Vec3<R>,
    (cotangent, out_model): (&mut LinksCotangent<R>, &mut Model<R>),
) {
    let (mass, middle) = center(model, links, b);
    let share = w * mass.recip();
    for k in subtree(&model.topology, b) {
        let link = &links.bodies[k];
        let by_center = share * model.bodies[k].mass;
        cotangent.add_point(links, k, link.center, by_center);
        out_model.bodies[k].center += link.rotation.transpose_mul(by_center);
        out_model.bodies[k].mass += share.dot(link.center - middle);
    }
}

/// The linear momentum, and the angular momentum about the centre.
fn momentum<R: Real>(model: &Model<R>, links: &Links<R>, b: usize) -> [Vec3<R>; 2] {
    let (_, middle) = center(model, links, b);
    let (mut linear, mut angular) = (Vec3::zero(), Vec3::zero());
    for k in subtree(&model.topology, b) {
        let link = &links.bodies[k];
        let h = link.inertia.mul(link.velocity);
        linear += h.force;
        angular += h.torque + (link.origin - middle).cross(h.force);
    }
    [linear, angular]
}

/// The velocity of the centre.
pub fn velocity<R: Real>(model: &Model<R>, links: &Links<R>, b: usize) -> Vec3<R> {
    momentum(model, links, b)[0] * center(model, links, b).0.recip()
}

/// The angular momentum about the centre.
pub fn angular_momentum<R: Real>(model: &Model<R>, links: &Links<R>, b: usize) -> Vec3<R> {
    momentum(model, links, b)[1]
}

/// The pullback of [`velocity`] and of [`angular_momentum`]: a momentum along `w` is `Σ X · I V` with the
/// twist `X` that moves all bodies along `w`, or turns them about the centre.
pub(super) fn momentum_pullback<R: Real>(
    model: &Model<R>,
    links: &Links<R>,
    b: usize,
    [by_velocity, by_angular]: [Vec3<R>; 2],
    (cotangent, out_model): (&mut LinksCotangent<R>, &mut Model<R>),
) {
    let (mass, middle) = center(model, links, b);
    let linear = momentum(model, links, b)[0];
    let push = by_velocity * mass.recip();
    let by_mass = -(push.dot(linear) / mass);
    for k in subtree(&model.topology, b) {
        let link = &links.bodies[k];
        let x = Motion::new(by_angular, push + by_angular.cross(link.origin - middle));
        let (ix, iv) = (link.inertia.mul(x), link.inertia.mul(link.velocity));
        cotangent.velocity[k] += ix;
        // The inertia moves rigidly with the body.
        cotangent.wrench[k] -= x.cross_force(iv) + link.velocity.cross_force(ix);
        if cotangent.parameters {
            inertia_pullback(model, links, k, Inertia::form(x, link.velocity), out_model);
        }
        out_model.bodies[k].mass += by_mass;
    }
    // The angular momentum is taken about the centre, which moves.
    center_pullback(model, links, b, by_angular.cross(linear), (cotangent, out_model));
}
