//! Mass points: springs, balls that collide, walls and geoms, with the time of impact inside a step.
//!
//! A substep of length `h` accelerates, lets balls collide, and travels:
//! `v₁ = e^(−drag h) v + h (g + f/m)`, `x' = x + Σ t (v − v') + h v'`, where each impact at the time `t` after
//! the start turns a velocity `v` into `v'`. With the time of impact the derivative of a bounce has the right
//! sign (Hu and others 2020, "DiffTaichi").

mod ball;
mod spring;
#[doc(hidden)]
pub mod surface;

use ball::{Knock, knock_pullback, knocks};
use spring::{spring, spring_pullback};
use surface::{Hit, Path, hit, hit_pullback};

use crate::model::continuum::Obstacle;
use crate::model::particle::{ParticleLayout, SpringLayout};
use crate::model::{Input, Model};
use crate::number::{Mask, Real};
use crate::spatial::{Force, Vec3};

/// What a substep of mass points remembers of its way, for the way back; allocated once.
#[derive(Clone, Debug)]
pub struct Scratch<R> {
    force: Vec<Vec3<R>>,
    acceleration: Vec<Vec3<R>>,
    velocity: Vec<Vec3<R>>,
    shift: Vec<Vec3<R>>,
    knocks: Vec<Knock<R>>,
    hits: Vec<Hit<R>>,
    order: Vec<(f64, f64, usize)>,
    by_velocity: Vec<Vec3<R>>,
    by_acceleration: Vec<Vec3<R>>,
    by_force: Vec<Vec3<R>>,
    impulses: Vec<Force<R>>,
}

impl<R: Real> Scratch<R> {
    /// Room for one model.
    pub fn new(model: &Model<R>) -> Self {
        let zero = vec![Vec3::zero(); model.topology.particles.count];
        Self {
            force: zero.clone(),
            acceleration: zero.clone(),
            velocity: zero.clone(),
            shift: zero.clone(),
            knocks: Vec::new(),
            hits: Vec::new(),
            order: Vec::new(),
            by_velocity: zero.clone(),
            by_acceleration: zero.clone(),
            by_force: zero,
            impulses: vec![Force::zero(); model.topology.particles.touching.len()],
        }
    }
}

#[inline(always)]
fn three<R: Real>(list: &[R], at: usize) -> Vec3<R> {
    Vec3::new(list[at], list[at + 1], list[at + 2])
}

#[inline(always)]
fn put<R: Real>(list: &mut [R], at: usize, x: Vec3<R>) {
    list[at..at + 3].copy_from_slice(&x.to_array());
}

#[inline(always)]
fn add<R: Real>(list: &mut [R], at: usize, x: Vec3<R>) {
    list[at] += x.x;
    list[at + 1] += x.y;
    list[at + 2] += x.z;
}

/// What acts on mass points from outside.
#[derive(Clone, Copy, Debug)]
pub struct Acting<'a, R> {
    /// Of the actuators, which lengthen springs (nu).
    pub force: &'a [R],
    /// Forces on points.
    pub input: &'a Input<R>,
    /// Geoms in the way, along the axes of the world.
    pub obstacles: &'a [Obstacle<R>],
}

/// Advances all mass points by a substep of `h`, and adds what they give to the geoms to `impulses`: the momentum
/// [N s] and the angular momentum [N m s] about each geom's origin.
pub fn substep<R: Real>(
    model: &Model<R>,
    h: R,
    acting: Acting<'_, R>,
    (before, after): (&[R], &mut [R]),
    impulses: &mut [Force<R>],
    scratch: &mut Scratch<R>,
) {
    let layout = &model.topology.particles;
    let (walls, surfaces) = (layout.walls.len(), layout.walls.len() + acting.obstacles.len());
    accelerate(model, h, acting, before, scratch);
    knocks(model, h, before, scratch);
    scratch.hits.clear();
    for (body, at) in layout.points.iter().enumerate() {
        for (point, fixed) in at.points.clone().zip(&at.fixed) {
            let x = three(before, layout.position(point)) + scratch.shift[point];
            let (mut v, mut shift) = (scratch.velocity[point], Vec3::zero());
            let a = scratch.acceleration[point];
            for surface in if *fixed { 0..0 } else { 0..surfaces } {
                let path = Path { point, body, surface, x: x + shift, v };
                let Some((met, t, change)) = hit(model, acting.obstacles, path, (h, a)) else { continue };
                shift -= change * t;
                v += change;
                if surface >= walls {
                    impulses[surface - walls] += met.impulse(model, change);
                }
                scratch.hits.push(met);
            }
            put(after, layout.position(point), x + shift + v * h);
            put(after, layout.velocity(point), v);
        }
    }
}

/// Forces, and the velocities that they lead to without impacts.
fn accelerate<R: Real>(
    model: &Model<R>,
    h: R,
    acting: Acting<'_, R>,
    before: &[R],
    scratch: &mut Scratch<R>,
) {
    let layout = &model.topology.particles;
    scratch.force.fill(Vec3::zero());
    scratch.force.iter_mut().zip(&acting.input.push).for_each(|(f, push)| *f += *push);
    for (body, at) in model.particles.points.iter().zip(&layout.points) {
        for (s, SpringLayout { ends, group, actuator }) in at.springs.iter().enumerate() {
            let [d, w] = between(layout, before, *ends);
            let signal = actuator.map_or(R::zero(), |k| acting.force[k]);
            let pull = spring(d, w, body.law((s, *group), signal));
            scratch.force[ends[0]] += pull;
            scratch.force[ends[1]] -= pull;
        }
    }
    let keep = decay(model, h);
    for (body, at) in model.particles.points.iter().zip(&layout.points) {
        let lightness = body.mass.recip();
        for (p, fixed) in at.points.clone().zip(&at.fixed) {
            let a = model.option.gravity + scratch.force[p] * lightness;
            let v = three(before, layout.velocity(p)) * keep + a * h;
            scratch.acceleration[p] = a;
            scratch.velocity[p] = if *fixed { Vec3::zero() } else { v };
        }
    }
}

/// `e^(−drag h)`.
fn decay<R: Real>(model: &Model<R>, h: R) -> R {
    model.particles.drag.map_or(R::one(), |drag| (-(drag * h)).exp())
}

/// Position and velocity of the first point of a spring against the second.
#[inline(always)]
fn between<R: Real>(layout: &ParticleLayout, before: &[R], [a, b]: [usize; 2]) -> [Vec3<R>; 2] {
    let against =
        |at: fn(&ParticleLayout, usize) -> usize| three(before, at(layout, a)) - three(before, at(layout, b));
    [against(|l, p| l.position(p)), against(|l, p| l.velocity(p))]
}

/// The cotangents that the pullback of a substep adds to.
pub struct Out<'a, R: Real> {
    /// Of the particles before the substep.
    pub before: &'a mut [R],
    /// Of the forces of the actuators.
    pub force: &'a mut [R],
    /// Of the forces on points.
    pub push: &'a mut [Vec3<R>],
    /// Of the geoms in the way.
    pub obstacles: &'a mut [Obstacle<R>],
    /// Of the numbers.
    pub model: &'a mut Model<R>,
}

/// The pullback of [`substep`], with the cotangents of the particles after it and of the impulses; returns that
/// of `h`.
pub fn substep_pullback<R: Real>(
    model: &Model<R>,
    h: R,
    acting: Acting<'_, R>,
    (before, after): (&[R], &mut [R]),
    (cotangent, by_impulse): (&[R], &[Force<R>]),
    scratch: &mut Scratch<R>,
    out: Out<'_, R>,
) -> R {
    let mut impulses = std::mem::take(&mut scratch.impulses);
    substep(model, h, acting, (before, after), &mut impulses, scratch);
    scratch.impulses = impulses;
    let layout = &model.topology.particles;
    let mut by_h = R::zero();
    let mut by_shift = std::mem::take(&mut scratch.shift);
    for p in 0..layout.count {
        let by_place = three(cotangent, layout.position(p));
        by_h += by_place.dot(three(after, layout.velocity(p)));
        scratch.by_velocity[p] = three(cotangent, layout.velocity(p)) + by_place * h;
        by_shift[p] = by_place;
        scratch.by_acceleration[p] = Vec3::zero();
    }
    for met in scratch.hits.iter().rev() {
        let p = met.path.point;
        let given = (by_shift[p], scratch.by_velocity[p], by_impulse);
        let a = scratch.acceleration[p];
        let ([by_x, by_v, by_a], more) =
            hit_pullback(model, acting.obstacles, met, (h, a), given, (&mut *out.obstacles, &mut *out.model));
        by_h += more;
        by_shift[p] += by_x;
        scratch.by_velocity[p] = by_v;
        scratch.by_acceleration[p] += by_a;
    }
    for p in 0..layout.count {
        add(out.before, layout.position(p), by_shift[p]);
    }
    // All knocks saw the same velocities: their shares are added at the end.
    scratch.by_force.copy_from_slice(&scratch.by_velocity);
    for knock in &scratch.knocks {
        let cotangents = (&scratch.by_force[..], &by_shift[..]);
        let (by_d, by_w) = knock_pullback(model, knock, cotangents, out.model);
        for (p, sign) in [(knock.ends[0], R::one()), (knock.ends[1], -R::one())] {
            add(out.before, layout.position(p), by_d * sign);
            scratch.by_velocity[p] += by_w * sign;
        }
    }
    scratch.shift = by_shift;
    by_h + accelerate_pullback(model, h, acting, before, scratch, out)
}

/// The pullback of [`accelerate`], with the cotangent of the velocities in the scratch.
fn accelerate_pullback<R: Real>(
    model: &Model<R>,
    h: R,
    acting: Acting<'_, R>,
    before: &[R],
    scratch: &mut Scratch<R>,
    out: Out<'_, R>,
) -> R {
    let layout = &model.topology.particles;
    let keep = decay(model, h);
    let (mut by_h, mut by_keep, mut by_gravity) = (R::zero(), R::zero(), Vec3::zero());
    for (b, (body, at)) in model.particles.points.iter().zip(&layout.points).enumerate() {
        let lightness = body.mass.recip();
        let mut by_lightness = R::zero();
        for (p, fixed) in at.points.clone().zip(&at.fixed) {
            let w = if *fixed { Vec3::zero() } else { scratch.by_velocity[p] };
            let by_a = w * h + scratch.by_acceleration[p];
            let v = three(before, layout.velocity(p));
            add(out.before, layout.velocity(p), w * keep);
            by_keep += w.dot(v);
            by_gravity += by_a;
            by_h += w.dot(scratch.acceleration[p]);
            by_lightness += by_a.dot(scratch.force[p]);
            scratch.by_force[p] = by_a * lightness;
        }
        out.model.particles.points[b].mass -= by_lightness * lightness * lightness;
    }
    out.model.option.gravity += by_gravity;
    if let (Some(drag), Some(share)) = (model.particles.drag, &mut out.model.particles.drag) {
        *share -= by_keep * keep * h;
        by_h -= by_keep * keep * drag;
    }
    out.push.iter_mut().zip(&scratch.by_force).for_each(|(push, w)| *push += *w);
    for (b, (body, at)) in model.particles.points.iter().zip(&layout.points).enumerate() {
        for (s, SpringLayout { ends, group, actuator }) in at.springs.iter().enumerate() {
            let [d, w] = between(layout, before, *ends);
            let signal = actuator.map_or(R::zero(), |k| acting.force[k]);
            let y = scratch.by_force[ends[0]] - scratch.by_force[ends[1]];
            let (by_d, by_w, by_law) = spring_pullback(d, w, body.law((s, *group), signal), y);
            for (p, sign) in [(ends[0], R::one()), (ends[1], -R::one())] {
                add(out.before, layout.position(p), by_d * sign);
                add(out.before, layout.velocity(p), by_w * sign);
            }
            let by_signal = out.model.particles.points[b].law_pullback(body, (s, *group), signal, by_law);
            if let Some(k) = actuator {
                out.force[*k] += by_signal;
            }
        }
    }
    by_h
}

/// The largest `ω²` of all springs as they are at the start [1/s²], with dampers counted as `2 c/h`: a substep
/// of `h` is stable up to `h² ω² = 4` without drag.
pub fn largest_rate(model: &Model<f64>, h: f64) -> f64 {
    let layout = &model.topology.particles;
    let x = model.particles.start(layout);
    let mut u: Vec<Vec3<f64>> = (0..layout.count)
        .map(|p| Vec3::new((1.3 * p as f64).sin(), (2.1 * p as f64).cos(), (0.7 * p as f64 + 1.0).sin()))
        .collect();
    let mut largest = 0.0;
    // Power iteration: the estimate grows toward the largest one.
    for _ in 0..100 {
        let mut next = vec![Vec3::zero(); layout.count];
        for (body, at) in model.particles.points.iter().zip(&layout.points) {
            for SpringLayout { ends: [a, b], group, .. } in &at.springs {
                let d = three(&x, layout.position(*a)) - three(&x, layout.position(*b));
                let n = d * d.norm().recip();
                let stiffness = body.stiffness[*group] + 2.0 * body.damping / h;
                let pull = n * (stiffness / body.mass * n.dot(u[*a] - u[*b]));
                next[*a] += pull;
                next[*b] -= pull;
            }
            for (p, _) in at.points.clone().zip(&at.fixed).filter(|(_, fixed)| **fixed) {
                next[p] = Vec3::zero();
            }
        }
        let size = next.iter().map(|v| v.dot(*v)).sum::<f64>().sqrt();
        if size <= f64::MIN_POSITIVE {
            return 0.0;
        }
        largest = size / u.iter().map(|v| v.dot(*v)).sum::<f64>().sqrt();
        u = next.into_iter().map(|v| v * (1.0 / size)).collect();
    }
    largest
}

/// Whether a condition holds; a number here is of one world.
#[inline(always)]
fn holds<M: Mask>(mask: M) -> bool {
    mask.any()
}
