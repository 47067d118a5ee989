//! A sphere on a cylinder: on its side, on a cap, or on the edge between them.

use super::{Along, Approach, Place, Placed, Side, balls, direction};
use crate::number::Real;
use crate::spatial::Vec3;

/// Which of the three it is.
///
/// A center inside the cylinder belongs to what is nearer, the cap or the side.
pub(super) fn place(sphere: &Placed<f64>, cylinder: &Placed<f64>) -> Place {
    let x = cylinder.local(sphere.position);
    let (radius, half) = (cylinder.size.x, cylinder.size.y);
    let radial = (x.x * x.x + x.y * x.y).sqrt();
    let (beside, above) = (x.z.abs() < half, radial < radius);
    if above && (!beside || half - x.z.abs() < radius - radial) {
        Place::SphereCap(Side::of(x.z))
    } else if beside {
        Place::Axes(Along::Center, Along::Foot)
    } else {
        Place::SphereRim(Side::of(x.z))
    }
}

/// The cap is a plane that faces the sphere.
pub(super) fn cap<R: Real>(side: Side, sphere: &Placed<R>, cylinder: &Placed<R>) -> Approach<R> {
    let normal = cylinder.rotation.z * R::from_f64(-side.sign());
    let cap = cylinder.position - normal * cylinder.size.y;
    let radius = sphere.size.x;
    let distance = normal.dot(cap - sphere.position) - radius;
    Approach { distance, point: sphere.position + normal * (radius + distance.times(0.5)), normal }
}

/// The nearest point of a cap's edge, with no ball around it.
pub(super) fn rim<R: Real>(side: Side, sphere: &Placed<R>, cylinder: &Placed<R>) -> Approach<R> {
    let a = cylinder.rotation.z;
    let from_center = sphere.position - cylinder.position;
    let radial = direction(from_center - a * a.dot(from_center), cylinder.rotation.x);
    let point = a * cylinder.size.y.times(side.sign()) + radial * cylinder.size.x;
    let across = direction(sphere.rotation.z.plain().cross(a.plain()), Vec3::unit(0));
    balls(sphere.position, point - from_center, [sphere.size.x, R::zero()], across)
}
