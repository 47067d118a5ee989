//! Sensors of accelerations and forces.

use super::Senses;
use super::frame::{SeenCotangent, point_acceleration, seen, seen_pullback};
use super::subtree::subtree;
use super::zone::meets;
use crate::model::description::{Shape, Transmission};
use crate::model::{Frame, Input, Limited, Measured, Model, State, TendonPath};
use crate::number::Real;
use crate::physics::articulated::inverse_dynamics::{project, wrench_pullback};
use crate::physics::articulated::line::Pulling;
use crate::physics::articulated::{passive, tendon};
use crate::physics::constraint::{Contact, Origin, law::Law};
use crate::physics::{Cotangents, Engine, Stage, StepBackward, applied_pullback, optimum_pullback};
use crate::spatial::{Force, Motion, Vec3};

/// Whether the force between a body and its parent is measured somewhere.
fn loaded<R>(model: &Model<R>) -> bool {
    let of = |m: &Measured| matches!(m, Measured::Force(_) | Measured::Torque(_));
    model.topology.sensors.iter().any(|s| of(&s.measured))
}

/// The accelerations of all bodies, and what their parents exert on them:
/// `F = Σ (I A + V ×* I V − external)` over all that hangs on a body.
///
/// External are applied wrenches, contacts, ties of points and frames, and spatial tendons; what acts on
/// joints, weight, and the medium are not.
pub fn prepare<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    input: &Input<R>,
    stage: &Stage<R>,
    senses: &mut Senses<R>,
) {
    let (links, t) = (&stage.links, &model.topology);
    links.field(model, &stage.a, &mut senses.acceleration);
    for (a, link) in senses.acceleration.iter_mut().zip(&links.bodies) {
        *a += link.acceleration;
    }
    if !loaded(model) {
        return;
    }
    let wrench = &mut senses.wrench;
    for ((f, a), link) in wrench.iter_mut().zip(&senses.acceleration).zip(&links.bodies) {
        *f = link.inertia.mul(*a) + link.velocity.cross_force(link.inertia.mul(link.velocity));
    }
    for ((f, w), link) in wrench.iter_mut().zip(&input.wrench).zip(&links.bodies) {
        *f -= Force::at(link.center - link.origin, w.force) + Force::new(w.torque, Vec3::zero());
    }
    for k in 0..t.tendons.len() {
        if let TendonPath::Spatial(_) = t.tendons[k] {
            let force = tension(model, state, stage, k);
            tendon::apply(model, links, k, -force, &mut [], wrench);
            let slope = passive::tendon_slope(model, k, tendon::length(model, state, links, k));
            tendon::apply_at_rest(model, links, k, -slope, wrench);
        }
    }
    let force = &stage.constraint.force;
    stage.constraint.pushes(model, state, links, |row, b, push| wrench[b] -= push * force[row]);
    for b in (1..t.bodies.len()).rev() {
        let own = wrench[b];
        wrench[t.bodies[b].parent] += own;
    }
}

/// What springs, dampers and actuators exert along a tendon.
fn tension<R: Real>(model: &Model<R>, state: &State<R>, stage: &Stage<R>, k: usize) -> R {
    let links = &stage.links;
    let length = tendon::length(model, state, links, k);
    let rate = tendon::rate(model, links, k, &state.v, |b| links.bodies[b].velocity);
    let mut force = passive::tendon_force(model, k, length, rate);
    for (a, layout) in model.topology.actuators.iter().enumerate() {
        if layout.transmission == Transmission::Tendon(k) {
            force += model.actuators[a].gear[0] * stage.actuation.force[a];
        }
    }
    force
}

/// Writes the values of one sensor; nothing if it measures motion.
pub fn measure<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    stage: &Stage<R>,
    measured: &Measured,
    (first, senses): (usize, &mut Senses<R>),
) {
    let links = &stage.links;
    let site = |s: usize| seen(model, links, Frame::Site(s));
    let vector = match *measured {
        Measured::LinearAcceleration(f) => {
            let s = seen(model, links, f);
            point_acceleration(&s, senses.acceleration[s.body])
        }
        Measured::AngularAcceleration(f) => senses.acceleration[seen(model, links, f).body].angular,
        Measured::Accelerometer(s) => {
            let s = site(s);
            s.rotation.transpose_mul(point_acceleration(&s, senses.acceleration[s.body]))
        }
        Measured::Force(s) => site(s).rotation.transpose_mul(senses.wrench[site(s).body].force),
        Measured::Torque(s) => {
            let s = site(s);
            s.rotation.transpose_mul(about(senses.wrench[s.body], s.offset))
        }
        Measured::ActuatorForce(k) => {
            senses.values[first] = stage.actuation.force[k];
            return;
        }
        Measured::Touch { .. }
        | Measured::LimitPosition(_)
        | Measured::LimitVelocity(_)
        | Measured::LimitForce(_) => {
            let mut sum = R::zero();
            rows(model, state, stage, measured, |_, counts, value| {
                sum += R::select(counts, value, R::zero());
            });
            senses.values[first] = sum;
            return;
        }
        _ => return,
    };
    senses.values[first..first + 3].copy_from_slice(&vector.to_array());
}

/// The torque of a wrench about another point.
fn about<R: Real>(f: Force<R>, offset: Vec3<R>) -> Vec3<R> {
    f.torque - offset.cross(f.force)
}

/// Calls `visit(row, where it counts, value)` for the rows of constraints that a sensor adds up.
fn rows<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    stage: &Stage<R>,
    measured: &Measured,
    mut visit: impl FnMut(usize, R::Mask, R),
) {
    let (c, links) = (&stage.constraint, &stage.links);
    let limited = match *measured {
        Measured::LimitPosition(l) | Measured::LimitVelocity(l) | Measured::LimitForce(l) => Some(l),
        _ => None,
    };
    let mut free = R::zero().le(R::zero());
    for block in &c.rows.blocks {
        match (block.origin, *measured) {
            (Origin::Contact(k), Measured::Touch { site, shape, size }) => {
                let contact = &c.contacts.list[k];
                let b = model.topology.sites[site];
                if contact.candidate.geoms.iter().any(|&g| model.topology.geoms[g].body == b) {
                    let felt = feels(model, stage, contact, (site, shape, size));
                    visit(block.row, felt, c.force[block.row]);
                }
            }
            (Origin::JointLimit(..) | Origin::TendonLimit(..), _) => {
                let own = match block.origin {
                    Origin::JointLimit(j, _) => Limited::Joint(j),
                    Origin::TendonLimit(k, _) => Limited::Tendon(k),
                    _ => continue,
                };
                let Law::OneSided { weight } = block.law else { continue };
                if limited != Some(own) {
                    continue;
                }
                let value = match measured {
                    Measured::LimitPosition(_) => c.violation(model, state, links, block.origin),
                    Measured::LimitForce(_) => c.force[block.row],
                    _ => {
                        let mut speed = [R::zero()];
                        c.rows.block_times(block, &state.v, &mut speed);
                        speed[0]
                    }
                };
                // Of two ends that are reached the first one counts.
                let acts = weight.gt(R::zero());
                visit(block.row, acts & free, value);
                free = free & !acts;
            }
            _ => {}
        }
    }
}

/// Whether the ray from a contact along its force on the other body meets the shape of a site.
fn feels<R: Real>(
    model: &Model<R>,
    stage: &Stage<R>,
    contact: &Contact<R>,
    (site, shape, size): (usize, Shape, [f64; 3]),
) -> R::Mask {
    let s = seen(model, &stage.links, Frame::Site(site));
    let second = model.topology.geoms[contact.candidate.geoms[1]].body == s.body;
    let sign = if second { -1.0 } else { 1.0 };
    let x = s.rotation.transpose_mul(contact.touch.point - s.place).to_array();
    let d = s.rotation.transpose_mul(contact.touch.frame[0].times(sign)).to_array();
    let felt = |lane: usize| meets(shape, size, x.map(|x| x.lane(lane)), d.map(|d| d.lane(lane)));
    R::from_lanes(|lane| if felt(lane) { 1.0 } else { 0.0 }).gt(R::zero())
}

/// The pullback of [`measure`] of all sensors; takes what others left among the cotangents of the links.
pub(super) fn pullback<R: Engine>(
    model: &Model<R>,
    state: &State<R>,
    input: &Input<R>,
    stage: &Stage<R>,
    senses: &mut Senses<R>,
    (scratch, out): (&mut StepBackward<R>, &mut Cotangents<R>),
) {
    let rows = stage.constraint.rows.count();
    scratch.constraint.asked.start(rows, model.topology.bodies.len());
    scratch.forces.by_force.fill(R::zero());
    senses.weight.bodies.fill(Motion::zero());
    for s in &model.topology.sensors {
        sensor_pullback(model, state, stage, &s.measured, (s.first, senses), (scratch, out));
    }
    if loaded(model) {
        bodies_pullback(model, state, input, stage, senses, (scratch, out));
    }
    // ā: the accelerations of the bodies contain Σ S a.
    let links = &mut scratch.forces.links;
    senses.sums.copy_from_slice(&links.acceleration);
    project(model, &stage.links, &mut senses.sums, &mut scratch.weight);
    scratch.act.fill(R::zero());
    optimum_pullback(model, state, input, stage, scratch, out);
    scratch.constraint.asked.clear();
    scratch.forces.by_force.fill(R::zero());
}

/// What one sensor asks of frames, rows, actuators and of the wrenches between bodies, whose weights are
/// collected as a twist of every body.
fn sensor_pullback<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    stage: &Stage<R>,
    measured: &Measured,
    (first, senses): (usize, &mut Senses<R>),
    (scratch, out): (&mut StepBackward<R>, &mut Cotangents<R>),
) {
    let all = &senses.cotangent[first..first + measured.count()];
    let asked = &mut scratch.constraint.asked;
    let list = match *measured {
        Measured::ActuatorForce(k) => {
            scratch.forces.by_force[k] += all[0];
            return;
        }
        Measured::Touch { .. } | Measured::LimitForce(_) => &mut asked.force,
        Measured::LimitPosition(_) => &mut asked.violation,
        _ => &mut asked.speed,
    };
    if measured.count() == 1 {
        return rows(model, state, stage, measured, |row, counts, _| {
            list[row] += R::select(counts, all[0], R::zero());
        });
    }
    let (frame, w) = match *measured {
        Measured::LinearAcceleration(f) | Measured::AngularAcceleration(f) => {
            (f, Vec3::new(all[0], all[1], all[2]))
        }
        Measured::Accelerometer(s) | Measured::Force(s) | Measured::Torque(s) => {
            (Frame::Site(s), Vec3::new(all[0], all[1], all[2]))
        }
        _ => return,
    };
    let s = seen(model, &stage.links, frame);
    let a = senses.acceleration[s.body];
    let f = senses.wrench[s.body];
    let turned = s.rotation * w;
    let mut by = SeenCotangent::zero();
    let (mut push, mut twist) = (Vec3::zero(), Vec3::zero());
    match *measured {
        Measured::LinearAcceleration(_) => by.linear_acceleration = w,
        Measured::AngularAcceleration(_) => by.angular_acceleration = w,
        Measured::Accelerometer(_) => {
            by.linear_acceleration = turned;
            by.turn = turned.cross(point_acceleration(&s, a));
        }
        Measured::Force(_) => {
            push = turned;
            by.turn = turned.cross(f.force);
        }
        _ => {
            twist = turned;
            by.turn = turned.cross(about(f, s.offset));
            by.place = turned.cross(f.force);
        }
    }
    let links = (&mut scratch.forces.links, &mut out.model);
    seen_pullback(model, &stage.links, frame, a, &by, links);
    if let Measured::Force(_) | Measured::Torque(_) = measured {
        let weight = Motion::new(twist, push + s.offset.cross(twist));
        for b in subtree(&model.topology, s.body) {
            senses.weight.bodies[b] += weight;
        }
    }
}

/// The pullback of `Σ X·(I A + V ×* I V − external)` at fixed twists `X`.
fn bodies_pullback<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    input: &Input<R>,
    stage: &Stage<R>,
    senses: &mut Senses<R>,
    (scratch, out): (&mut StepBackward<R>, &mut Cotangents<R>),
) {
    let links = &stage.links;
    let Senses { weight, velocity, acceleration, .. } = senses;
    for b in 1..model.topology.bodies.len() {
        let given = (weight.bodies[b], acceleration[b]);
        wrench_pullback(model, links, b, given, &mut scratch.forces.links, &mut out.model);
        weight.bodies[b] = -weight.bodies[b];
    }
    let bodies = &weight.bodies;
    scratch.constraint.asked.twist.copy_from_slice(bodies);
    let by_row = &mut scratch.constraint.asked.force;
    let pushes = |row: usize, b: usize, push: Force<R>| by_row[row] += bodies[b].dot(push);
    stage.constraint.pushes(model, state, links, pushes);
    let mut p = Pulling {
        model,
        state,
        links,
        cotangent: &mut scratch.forces.links,
        out: &mut out.state,
        out_model: &mut out.model,
    };
    applied_pullback(&mut p, input, weight, &mut out.input);
    velocity.set(model, links, true, |i| state.v[i]);
    for k in 0..model.topology.tendons.len() {
        if let TendonPath::Fixed(_) = model.topology.tendons[k] {
            continue;
        }
        let length = tendon::length(model, state, links, k);
        let rate = tendon::rate(model, links, k, &state.v, |b| links.bodies[b].velocity);
        let along = tendon::rate(model, links, k, &[], |b| weight.bodies[b]);
        let (mut force, by_length, by_rate) = passive::tendon_force_pullback(&mut p, k, length, rate, along);
        for (a, layout) in model.topology.actuators.iter().enumerate() {
            if layout.transmission == Transmission::Tendon(k) {
                let (gear, own) = (model.actuators[a].gear[0], stage.actuation.force[a]);
                force += gear * own;
                scratch.forces.by_force[a] += gear * along;
                p.out_model.actuators[a].gear[0] += own * along;
            }
        }
        tendon::pullback(&mut p, k, by_length, &mut [(&mut *velocity, by_rate), (&mut *weight, force)]);
        tendon::apply_at_rest_pullback(&mut p, k, passive::tendon_slope(model, k, length), weight);
    }
    velocity.finish(model, links, p.cotangent);
    for (v, own) in p.out.v.iter_mut().zip(&velocity.y_cotangent) {
        *v += *own;
    }
}
