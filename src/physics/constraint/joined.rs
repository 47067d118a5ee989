//! Points and frames of two bodies that stay together.

use super::along::add;
use super::impedance::{Answer, Firm};
use super::law::Law;
use super::rows::{Origin, Rows};
use super::{Cut, Pull, safe_step};
use crate::model::{Model, Tie};
use crate::number::{Dual, Real, Wide, leaf_pullback};
use crate::physics::articulated::Links;
use crate::spatial::{Force, Motion, Quat, Vec3};

/// Two points, and perhaps frames, that should be one.
struct Joined<R> {
    bodies: [usize; 2],
    points: [Vec3<R>; 2],
    /// From each tree's reference point.
    offsets: [Vec3<R>; 2],
    /// `x₁ − x₂`.
    error: Vec3<R>,
    /// In the world.
    frames: [Quat<R>; 2],
    /// `s vec(q₂* ⊗ q₁)`; zero of points alone.
    turn: Vec3<R>,
    /// The norm of all errors together.
    size: R,
}

fn joined<R: Real>(model: &Model<R>, links: &Links<R>, k: usize) -> Option<Joined<R>> {
    let e = &model.equalities[k];
    let (bodies, framed) = match model.topology.equalities[k].tie {
        Tie::Point(bodies) => (bodies, false),
        Tie::Frame(bodies) => (bodies, true),
        _ => return None,
    };
    let points = [0, 1].map(|n| links.point(bodies[n], e.frames[n].position));
    let offsets = [0, 1].map(|n| points[n] - links.bodies[bodies[n]].origin);
    let frames = [0, 1].map(|n| links.bodies[bodies[n]].quat * e.frames[n].rotation);
    let error = points[0] - points[1];
    let turn = if framed { (frames[1].conjugate() * frames[0]).v * e.torque_scale } else { Vec3::zero() };
    let square = error.dot(error) + turn.dot(turn);
    let apart = square.gt(R::zero());
    let size = R::select(apart, R::select(apart, square, R::one()).sqrt(), R::zero());
    Some(Joined { bodies, points, offsets, error, frames, turn, size })
}

fn firm<'a, R: Real>(model: &'a Model<R>, k: usize, turns: bool, j: &Joined<R>) -> Firm<'a, R> {
    let e = &model.equalities[k];
    let weight = |b: usize| model.constants.body_invweight[b][usize::from(turns)];
    Firm {
        solref: &e.solref,
        solimp: &e.solimp,
        violation: j.size,
        diagonal: weight(j.bodies[0]) + weight(j.bodies[1]),
        timestep: safe_step(model),
    }
}

/// `w ↦ ½ s vec(q₂* ⊗ (0, w) ⊗ q₁)`: the rate of the turn's error for a difference of rotations.
fn turned<R: Real>([q1, q2]: [Quat<R>; 2], scale: R, w: Vec3<R>) -> Vec3<R> {
    (q2.conjugate() * Quat { w: R::zero(), v: w } * q1).v * scale.times(0.5)
}

/// What the pullback of a turn needs: its rates for three differences of rotations, the last with the
/// change of the frames themselves, and its error. `omega` are the velocities of both bodies.
fn turn_rates<R: Real>(
    frames: [Quat<R>; 2],
    scale: R,
    [weight, acceleration]: [Vec3<R>; 2],
    omega: [Vec3<R>; 2],
) -> [Vec3<R>; 4] {
    let moving = |n: usize| {
        let q = Quat { w: R::zero(), v: omega[n] } * frames[n];
        Quat { w: q.w.times(0.5), v: q.v * R::from_f64(0.5) }
    };
    let [q1, q2] = frames;
    let spin = omega[0] - omega[1];
    let bent = turned([q1, moving(1)], scale, spin) + turned([moving(0), q2], scale, spin);
    [
        turned(frames, scale, weight),
        turned(frames, scale, acceleration) + bent,
        turned(frames, scale, spin),
        (q2.conjugate() * q1).v * scale,
    ]
}

/// The acceleration of the point at `offset` of a body that moves with `v` and accelerates with `a`.
fn point_acceleration<R: Real>(a: Motion<R>, v: Motion<R>, offset: Vec3<R>) -> Vec3<R> {
    a.at(offset) + v.angular.cross(v.at(offset))
}

/// Adds the rows of two points or frames.
pub fn push<R: Real>(model: &Model<R>, links: &Links<R>, k: usize, rows: &mut Rows<R>) {
    let Some(j) = joined(model, links, k) else { return };
    let pattern = &model.topology.pattern;
    let path = |n: usize| match model.topology.bodies[j.bodies[n]].last_dof {
        Some(i) => &pattern.column[pattern.row(i)],
        None => &[][..],
    };
    let paths = [path(0), path(1)];
    let shared = paths[0].iter().zip(paths[1]).take_while(|(a, b)| a == b).count();
    let [a, b] = [&paths[0][shared..], &paths[1][shared..]];
    let swapped = matches!((a.first(), b.first()), (Some(a), Some(b)) if b < a);
    let (near, far) = if swapped { (b, a) } else { (a, b) };
    let dofs = || paths[0][..shared].iter().chain(near).chain(far).copied();
    let mut add = |origin: Origin, turns: bool| {
        let law = Law::Quadratic { weight: firm(model, k, turns, &j).answer().weight };
        let block = rows.push(origin, law, 3, dofs());
        for (column, i) in dofs().enumerate() {
            let axis = links.axes[i].motion;
            let moves = [0, 1].map(|n| paths[n].contains(&i));
            let mut value = Vec3::zero();
            for (n, sign) in [(0, 1.0), (1, -1.0)] {
                if moves[n] {
                    let own = if turns { axis.angular } else { axis.at(j.offsets[n]) };
                    value += own.times(sign);
                }
            }
            if turns {
                value = turned(j.frames, model.equalities[k].torque_scale, value);
            }
            for (row, x) in value.to_array().into_iter().enumerate() {
                rows.values[block.value + row * block.width + column] = x;
            }
        }
    };
    add(Origin::Equality(k), false);
    if let Tie::Frame(_) = model.topology.equalities[k].tie {
        add(Origin::Turn(k), true);
    }
}

/// The unit wrenches with which the rows of the points or of the turn of equality `k` push its bodies:
/// `visit(row, body, wrench)`.
pub fn pushes<R: Real>(
    model: &Model<R>,
    links: &Links<R>,
    k: usize,
    turns: bool,
    mut visit: impl FnMut(usize, usize, Force<R>),
) {
    let Some(j) = joined(model, links, k) else { return };
    let columns = [0, 1, 2].map(|n| turned(j.frames, model.equalities[k].torque_scale, Vec3::unit(n)));
    for row in 0..3 {
        let [x, y, z] = columns.map(|c| c.to_array()[row]);
        for (n, sign) in [(0, 1.0), (1, -1.0)] {
            let push = if turns {
                Force::new(Vec3::new(x, y, z), Vec3::zero())
            } else {
                Force::at(j.offsets[n], Vec3::unit(row))
            };
            visit(row, j.bodies[n], push * R::from_f64(sign));
        }
    }
}

/// `a_ref = −B J v − K I x − J̇ v` of the points or of the turn of equality `k`; `J̇ v` from the bodies'
/// accelerations for `a = 0`, in which gravity cancels.
pub fn refer<R: Real>(
    model: &Model<R>,
    links: &Links<R>,
    k: usize,
    turns: bool,
    velocity: &[R],
    out: &mut [R],
) {
    let Some(j) = joined(model, links, k) else { return };
    let a = firm(model, k, turns, &j).answer();
    let [first, second] = j.bodies.map(|b| &links.bodies[b]);
    let (bias, error) = if turns {
        let difference = first.acceleration.angular - second.acceleration.angular;
        let omega = [first.velocity.angular, second.velocity.angular];
        let scale = model.equalities[k].torque_scale;
        (turn_rates(j.frames, scale, [Vec3::zero(), difference], omega)[1], j.turn)
    } else {
        let of = |n: usize| {
            let link = &links.bodies[j.bodies[n]];
            point_acceleration(link.acceleration, link.velocity, j.offsets[n])
        };
        (of(0) - of(1), j.error)
    };
    let (bias, error) = (bias.to_array(), error.to_array());
    for n in 0..3 {
        out[n] = -(a.damping * velocity[n]) - a.stiffness * a.impedance * error[n] - bias[n];
    }
}

/// The pullback of the rows of the points or of the turn of equality `k`.
pub(super) fn pullback<R: Real>(p: &mut Pull<'_, R>, k: usize, turns: bool, cut: &Cut<'_, R>) {
    let model = p.model;
    let Some(j) = joined(model, p.links, k) else { return };
    let firm = firm(model, k, turns, &j);
    let a = firm.answer();
    let three = |x: &[R]| Vec3::new(x[0], x[1], x[2]);
    let (f, y, velocity) = (three(cut.f), three(cut.y), three(cut.velocity));
    let error = if turns { j.turn } else { j.error };
    let share = firm.pullback(&Answer {
        weight: cut.law.log_weight,
        impedance: -(y.dot(error) * a.stiffness),
        stiffness: -(y.dot(error) * a.impedance),
        damping: -y.dot(velocity),
    });
    p.out_model.option.timestep += share.timestep;
    let own = &mut p.out_model.equalities[k];
    add(&mut own.solref, share.solref);
    add(&mut own.solimp, share.solimp);
    for b in j.bodies {
        p.out_model.constants.body_invweight[b][usize::from(turns)] += share.diagonal;
    }
    // The norm of all errors sets the impedance of every row.
    let apart = j.size.gt(R::zero());
    let size = R::select(apart, share.violation, R::zero()) / R::select(apart, j.size, R::one());
    let direct = -(y * (a.stiffness * a.impedance));
    let (mut by_error, mut by_turn) = (j.error * size, j.turn * size);
    if turns {
        by_turn += direct;
        turn_pullback(p, k, &j, [f, -y, -(y * a.damping), by_turn]);
        points_pullback(p, k, &j, [Vec3::zero(), Vec3::zero(), Vec3::zero(), by_error]);
    } else {
        by_error += direct;
        points_pullback(p, k, &j, [f, -y, -(y * a.damping), by_error]);
        if let Tie::Frame(_) = model.topology.equalities[k].tie {
            turn_pullback(p, k, &j, [Vec3::zero(), Vec3::zero(), Vec3::zero(), by_turn]);
        }
    }
}

/// The pullback of the difference of two points' velocities in the weight's field, of their accelerations,
/// of their velocities, and of their places.
fn points_pullback<R: Real>(p: &mut Pull<'_, R>, k: usize, j: &Joined<R>, [f, w, s, error]: [Vec3<R>; 4]) {
    for (n, sign) in [(0, 1.0), (1, -1.0)] {
        let [f, w, s, error] = [f, w, s, error].map(|x| x.times(sign));
        let (b, r) = (j.bodies[n], j.offsets[n]);
        let link = &p.links.bodies[b];
        let v = link.velocity;
        let acceleration = link.acceleration.angular + p.fields[1].bodies[b].angular;
        // The acceleration of the point is A(r) + ω × V(r).
        let by_speed = w.cross(v.angular);
        let place = error
            + f.cross(p.fields[0].bodies[b].angular)
            + w.cross(acceleration)
            + (by_speed + s).cross(v.angular);
        p.fields[0].cotangent[b] += Force::at(r, f);
        p.cotangent.acceleration[b] += Force::at(r, w);
        let turn = Force::new(v.at(r).cross(w), Vec3::zero());
        p.cotangent.velocity[b] += Force::at(r, by_speed + s) + turn;
        p.cotangent.add_point(p.links, b, j.points[n], place);
        p.out_model.equalities[k].frames[n].position += link.rotation.transpose_mul(place);
    }
}

/// The pullback of [`turn_rates`].
fn turn_pullback<R: Real>(p: &mut Pull<'_, R>, k: usize, j: &Joined<R>, weights: [Vec3<R>; 4]) {
    let [first, second] = j.bodies;
    let scale = p.model.equalities[k].torque_scale;
    let omega = j.bodies.map(|b| p.links.bodies[b].velocity.angular);
    let weight = p.fields[0].bodies[first].angular - p.fields[0].bodies[second].angular;
    let whole = |b: usize| p.links.bodies[b].acceleration.angular + p.fields[1].bodies[b].angular;
    let acceleration = whole(first) - whole(second);
    let mut inputs = [R::zero(); 19];
    let vectors = [Vec3::zero(), Vec3::zero(), weight, acceleration, omega[0], omega[1]];
    for (n, v) in vectors.into_iter().enumerate() {
        inputs[3 * n..3 * n + 3].copy_from_slice(&v.to_array());
    }
    inputs[18] = scale;
    let rates = |x: [Wide<R>; 19]| {
        let v = |n: usize| Vec3::new(x[3 * n], x[3 * n + 1], x[3 * n + 2]);
        let frame = |n: usize| {
            let turn = Quat { w: Dual::constant(R::one()), v: v(n) * Dual::constant(R::from_f64(0.5)) };
            turn * j.frames[n].map(Dual::constant)
        };
        let all = turn_rates([frame(0), frame(1)], x[18], [v(2), v(3)], [v(4), v(5)]);
        let mut out = [Dual::constant(R::zero()); 12];
        for (n, v) in all.into_iter().enumerate() {
            out[3 * n..3 * n + 3].copy_from_slice(&v.to_array());
        }
        out
    };
    let mut cotangent = [R::zero(); 12];
    for (n, w) in weights.into_iter().enumerate() {
        cotangent[3 * n..3 * n + 3].copy_from_slice(&w.to_array());
    }
    let out = leaf_pullback(rates, inputs, cotangent);
    let v = |n: usize| Vec3::new(out[3 * n], out[3 * n + 1], out[3 * n + 2]);
    let torque = |v: Vec3<R>| Force::new(v, Vec3::zero());
    for (n, b) in j.bodies.into_iter().enumerate() {
        let sign = if n == 0 { 1.0 } else { -1.0 };
        p.cotangent.wrench[b].torque += v(n);
        p.out_model.equalities[k].frames[n].rotation.v += p.links.bodies[b].rotation.transpose_mul(v(n));
        p.fields[0].cotangent[b] += torque(v(2).times(sign));
        p.cotangent.acceleration[b] += torque(v(3).times(sign));
        p.cotangent.velocity[b] += torque(v(4 + n));
    }
    p.out_model.equalities[k].torque_scale += out[18];
}
