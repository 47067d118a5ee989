//! Drag and viscosity of the medium, each body as the box with its mass and inertia.

use super::line::Field;
use super::{Links, LinksCotangent};
use crate::model::Model;
use crate::number::{Real, Single, leaf_pullback};
use crate::spatial::{Force, Mat3, Motion, Vec3};

/// Torque and force in principal axes from angular and linear velocity there (relative to the
/// medium), box edges, density and viscosity (MuJoCo documentation, "Fluid forces").
fn drag<R: Real>(x: [R; 11]) -> [R; 6] {
    use std::f64::consts::PI;
    let b = [x[6], x[7], x[8]];
    let (density, viscosity) = (x[9], x[10]);
    let mean = (b[0] + b[1] + b[2]).times(1.0 / 3.0);
    let (spin, slide) = ((mean * mean * mean * viscosity).times(PI), (mean * viscosity).times(3.0 * PI));
    let mut out = [R::zero(); 6];
    for i in 0..3 {
        let (j, k) = ((i + 1) % 3, (i + 2) % 3);
        let (w, u) = (x[i], x[3 + i]);
        let fourth = |b: R| b.square().square();
        let turning = (density * b[i] * (fourth(b[j]) + fourth(b[k]))).times(1.0 / 64.0);
        out[i] = -(spin * w) - turning * w.abs() * w;
        out[3 + i] = -(slide * u) - (density * b[j] * b[k]).times(0.5) * u.abs() * u;
    }
    out
}

/// The inputs of [`drag`] for body `b`, and the axes in which they are given.
fn inputs<R: Real>(model: &Model<R>, links: &Links<R>, b: usize) -> Option<([R; 11], Mat3<R>, Vec3<R>)> {
    let fluid = model.bodies[b].fluid?;
    let link = &links.bodies[b];
    let axes = (link.quat * fluid.rotation).to_matrix();
    let offset = link.center - link.origin;
    let w = axes.transpose_mul(link.velocity.angular);
    let u = axes.transpose_mul(link.velocity.at(offset) - model.option.wind);
    let e = fluid.edges;
    let o = &model.option;
    Some(([w.x, w.y, w.z, u.x, u.y, u.z, e.x, e.y, e.z, o.density, o.viscosity], axes, offset))
}

/// The derivative of the wrench on body `b` by its velocity, by columns.
pub(in crate::physics) fn drag_matrix<R: Real>(
    model: &Model<R>,
    links: &Links<R>,
    b: usize,
) -> [Force<R>; 6] {
    let Some((x, axes, offset)) = inputs(model, links, b) else { return [Force::zero(); 6] };
    // In principal axes the derivative is diagonal: one dual pass in all six directions.
    let slopes: [R; 6] = std::array::from_fn(|k| {
        let mut dual = x.map(Single::constant);
        dual[k] = Single::new(x[k], R::one());
        drag(dual)[k].derivative()
    });
    let three = |k: usize| Vec3::new(slopes[k], slopes[k + 1], slopes[k + 2]);
    std::array::from_fn(|k| {
        let unit = if k < 3 {
            Motion::new(Vec3::unit(k), Vec3::zero())
        } else {
            Motion::new(Vec3::zero(), Vec3::unit(k - 3))
        };
        let torque = axes * axes.transpose_mul(unit.angular).product(three(0));
        let force = axes * axes.transpose_mul(unit.at(offset)).product(three(3));
        Force::new(torque, Vec3::zero()) + Force::at(offset, force)
    })
}

/// Adds the wrench of the medium on every body.
pub fn fluid<R: Real>(model: &Model<R>, links: &Links<R>, wrench: &mut [Force<R>]) {
    for b in 1..model.bodies.len() {
        let Some((x, axes, offset)) = inputs(model, links, b) else { continue };
        let [a, b2, c, d, e, f] = drag(x);
        let (torque, force) = (axes * Vec3::new(a, b2, c), axes * Vec3::new(d, e, f));
        wrench[b] += Force::new(torque, Vec3::zero()) + Force::at(offset, force);
    }
}

/// The pullback of [`fluid`], weighted with the field of body velocities `weight`.
pub fn fluid_pullback<R: Real>(
    model: &Model<R>,
    links: &Links<R>,
    weight: &mut Field<R>,
    cotangent: &mut LinksCotangent<R>,
    out: &mut Model<R>,
) {
    for b in 1..model.bodies.len() {
        let Some((x, axes, offset)) = inputs(model, links, b) else { continue };
        let link = &links.bodies[b];
        let y = weight.bodies[b];
        let (spin, slide) = (axes.transpose_mul(y.angular), axes.transpose_mul(y.at(offset)));
        let result = drag(x);
        let share = leaf_pullback(drag, x, [spin.x, spin.y, spin.z, slide.x, slide.y, slide.z]);
        let three = |a: &[R]| axes * Vec3::new(a[0], a[1], a[2]);
        let (torque, force) = (three(&result[0..3]), three(&result[3..6]));
        let (by_w, by_u) = (three(&share[0..3]), three(&share[3..6]));
        let through = link.velocity.at(offset) - model.option.wind;
        // Each vector that was seen from the axes turns with them.
        let turn = torque.cross(y.angular)
            + force.cross(y.at(offset))
            + by_w.cross(link.velocity.angular)
            + by_u.cross(through);
        let place = force.cross(y.angular) + by_u.cross(link.velocity.angular);
        weight.cotangent[b] += Force::new(torque, Vec3::zero()) + Force::at(offset, force);
        cotangent.velocity[b] += Force::new(by_w, Vec3::zero()) + Force::at(offset, by_u);
        cotangent.add_point(links, b, link.center, place);
        cotangent.wrench[b].torque += turn;
        let to_body = |v: Vec3<R>| link.rotation.transpose_mul(v);
        out.bodies[b].center += to_body(place);
        if let Some(fluid) = &mut out.bodies[b].fluid {
            fluid.rotation.v += to_body(turn);
            fluid.edges += Vec3::new(share[6], share[7], share[8]);
        }
        out.option.wind -= by_u;
        out.option.density += share[9];
        out.option.viscosity += share[10];
    }
}
