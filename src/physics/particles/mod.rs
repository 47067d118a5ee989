//! Particles: what they do during one step of the world, in substeps of their own.
//!
//! Robots stand at the start of the step and move on with their velocities while the particles advance; what the
//! particles push with acts on the robots during the same step.

pub mod continuum;
pub mod points;
mod touch;

use super::articulated::{Links, LinksCotangent};
use crate::model::continuum::Obstacle;
use crate::model::{Input, Model};
use crate::number::{Real, copy};
use crate::spatial::{Force, Motion, Vec3};
use continuum::{Conditions, ConditionsBar};
use points::{Acting, Out};

/// The particles during one step; allocated once and overwritten.
#[derive(Clone, Debug)]
pub struct Swarm<R: Real> {
    kept: KeptSwarm<R>,
    /// At the end of the step.
    end: Vec<R>,
    /// What matter pushes each body with, about the origin of its link [N m, N].
    pub wrench: Vec<Force<R>>,
    /// A particle of matter that left the grid.
    pub lost: Option<usize>,
    obstacles: Vec<Obstacle<R>>,
    points: points::Scratch<R>,
    continuum: continuum::Scratch<R>,
}

/// The part of a [`Swarm`] that the pullback of its step needs.
#[derive(Clone, Debug)]
pub struct KeptSwarm<R> {
    /// Between one substep and the next.
    between: Vec<Vec<R>>,
    /// What matter gave to geoms in every substep.
    impulses: Vec<Vec<Force<R>>>,
}

impl<R> KeptSwarm<R> {
    /// The bytes of memory behind it.
    pub fn bytes(&self) -> usize {
        let between: usize = self.between.iter().map(|x| size_of_val(&x[..])).sum();
        between + self.impulses.iter().map(|x| size_of_val(&x[..])).sum::<usize>()
    }
}

impl<R: Real> Swarm<R> {
    /// Room for one model.
    pub fn new(model: &Model<R>) -> Self {
        let layout = &model.topology.particles;
        let zero = vec![R::zero(); layout.numbers];
        Self {
            kept: KeptSwarm {
                between: vec![zero.clone(); layout.substeps - 1],
                impulses: vec![vec![Force::zero(); layout.touching.len()]; layout.substeps],
            },
            end: zero,
            wrench: vec![Force::zero(); model.topology.bodies.len()],
            lost: None,
            obstacles: Vec::new(),
            points: points::Scratch::new(model),
            continuum: continuum::Scratch::default(),
        }
    }
    /// At the end of the step.
    pub fn end(&self) -> &[R] {
        &self.end
    }
    /// What a pullback needs.
    pub fn kept(&self) -> &KeptSwarm<R> {
        &self.kept
    }
    /// Exchanges what is remembered, without copying a number.
    pub fn exchange(&mut self, kept: &mut KeptSwarm<R>) {
        std::mem::swap(&mut self.kept, kept);
    }
    /// Overwrites what the pullback needs with the same over another number.
    pub fn copy_from<S: Real>(&mut self, other: &Swarm<S>, f: impl Fn(S) -> R + Copy) {
        for (own, x) in self.kept.between.iter_mut().zip(&other.kept.between) {
            copy(own, x, f);
        }
        for (own, x) in self.kept.impulses.iter_mut().zip(&other.kept.impulses) {
            copy(own, x, |w| Force::new(w.torque.map(f), w.force.map(f)));
        }
    }
}

/// The length of a substep [s].
fn substep_length<R: Real>(model: &Model<R>) -> R {
    model.option.timestep.times(1.0 / model.topology.particles.substeps as f64)
}

/// Advances all particles by one step of the world, under the forces of the actuators (nu) and past moving
/// bodies. If a particle of matter leaves the grid, the particles at the end are no numbers.
pub fn advance<R: Real>(
    model: &Model<R>,
    links: &Links<R>,
    start: &[R],
    force: &[R],
    input: &Input<R>,
    swarm: &mut Swarm<R>,
) {
    if const { R::LANES > 1 } {
        unreachable!("worlds with particles do not share a register");
    }
    let layout = &model.topology.particles;
    let h = substep_length(model);
    swarm.wrench.fill(Force::zero());
    swarm.lost = None;
    for k in 0..layout.substeps {
        let (past, future) = swarm.kept.between.split_at_mut(k);
        let before = past.last().map_or(start, |last| &last[..]);
        let after = future.first_mut().unwrap_or(&mut swarm.end);
        points::substep(model, h, Acting { force, input }, (before, after), &mut swarm.points);
        let (Some(numbers), Some(matter)) = (&model.particles.continuum, &layout.continuum) else { continue };
        if const { R::ORDER > 1 } {
            unreachable!("matter has first derivatives and no second ones");
        }
        let t = h.times(k as f64);
        touch::obstacles(model, links, t, &mut swarm.obstacles);
        let conditions = conditions(model, h, force, &swarm.obstacles);
        let first = layout.first_of_matter();
        let impulses = &mut swarm.kept.impulses[k];
        impulses.fill(Force::zero());
        let (before, after) = (&before[first..], &mut after[first..]);
        let scratch = &mut swarm.continuum;
        let done = continuum::substep(numbers, matter, &conditions, before, after, impulses, scratch);
        if let Err(lost) = done {
            swarm.lost = Some(lost.particle);
            swarm.end.fill(R::from_f64(f64::NAN));
            return;
        }
        touch::push(model, links, t, impulses, &mut swarm.wrench);
    }
    let rate = model.option.timestep.recip();
    swarm.wrench.iter_mut().for_each(|w| *w = *w * rate);
}

fn conditions<'a, R: Real>(
    model: &Model<R>,
    dt: R,
    controls: &'a [R],
    obstacles: &'a [Obstacle<R>],
) -> Conditions<'a, R> {
    let gravity = touch::along_grid(&model.topology.particles, model.option.gravity);
    Conditions { gravity, dt, controls, obstacles }
}

/// The cotangents that [`advance_pullback`] adds to.
pub struct ParticlesOut<'a, R: Real> {
    /// Of the particles at the start.
    pub start: &'a mut [R],
    /// Of the forces of the actuators (nu).
    pub force: &'a mut [R],
    /// Of the forces on points.
    pub push: &'a mut [Vec3<R>],
    /// Of the bodies.
    pub links: &'a mut LinksCotangent<R>,
    /// Of the numbers.
    pub model: &'a mut Model<R>,
}

/// Scratch of [`advance_pullback`]; allocated once.
#[derive(Clone, Debug)]
pub struct SwarmBackward<R: Real> {
    /// The cotangent of the particles at the end of the step, used up by the pullback.
    pub end: Vec<R>,
    earlier: Vec<R>,
    again: Vec<R>,
    weight: Vec<Force<R>>,
    by_impulse: Vec<Force<R>>,
    obstacles: Vec<Obstacle<R>>,
    points: points::Scratch<R>,
    continuum: continuum::Scratch<R>,
}

impl<R: Real> SwarmBackward<R> {
    /// Room for one model.
    pub fn new(model: &Model<R>) -> Self {
        let layout = &model.topology.particles;
        let zero = vec![R::zero(); layout.numbers];
        Self {
            end: zero.clone(),
            earlier: zero.clone(),
            again: zero,
            weight: vec![Force::zero(); model.topology.bodies.len()],
            by_impulse: vec![Force::zero(); layout.touching.len()],
            obstacles: Vec::new(),
            points: points::Scratch::new(model),
            continuum: continuum::Scratch::default(),
        }
    }
}

/// The pullback of [`advance`], with the cotangent of the particles at the end in the scratch, and that of the
/// wrenches as twists of the bodies.
pub fn advance_pullback<R: Real>(
    model: &Model<R>,
    (links, start): (&Links<R>, &[R]),
    (force, input): (&[R], &Input<R>),
    swarm: &Swarm<R>,
    twists: &[Motion<R>],
    scratch: &mut SwarmBackward<R>,
    mut out: ParticlesOut<'_, R>,
) {
    if const { R::LANES > 1 } {
        unreachable!("worlds with particles do not share a register");
    }
    let layout = &model.topology.particles;
    let h = substep_length(model);
    let rate = model.option.timestep.recip();
    let mut by_h = R::zero();
    for ((own, twist), wrench) in scratch.weight.iter_mut().zip(twists).zip(&swarm.wrench) {
        *own = Force::new(twist.angular, twist.linear) * rate;
        out.model.option.timestep -= twist.dot(*wrench) * rate;
    }
    for k in (0..layout.substeps).rev() {
        let before = if k == 0 { start } else { &swarm.kept.between[k - 1] };
        // Matter overwrites its own part.
        scratch.earlier[..layout.first_of_matter()].fill(R::zero());
        by_h += points::substep_pullback(
            model,
            h,
            Acting { force, input },
            (before, &mut scratch.again),
            &scratch.end,
            &mut scratch.points,
            Out {
                before: &mut scratch.earlier,
                force: &mut *out.force,
                push: &mut *out.push,
                model: &mut *out.model,
            },
        );
        by_h += matter_pullback(model, links, (before, force, &swarm.kept.impulses[k]), k, scratch, &mut out);
        std::mem::swap(&mut scratch.end, &mut scratch.earlier);
    }
    out.start.iter_mut().zip(&scratch.end).for_each(|(out, w)| *out += *w);
    out.model.option.timestep += by_h.times(1.0 / layout.substeps as f64);
}

/// The pullback of substep `k` of matter; returns the cotangent of the length of a substep.
fn matter_pullback<R: Real>(
    model: &Model<R>,
    links: &Links<R>,
    (before, force, impulses): (&[R], &[R], &[Force<R>]),
    k: usize,
    scratch: &mut SwarmBackward<R>,
    out: &mut ParticlesOut<'_, R>,
) -> R {
    let layout = &model.topology.particles;
    let (Some(numbers), Some(matter)) = (&model.particles.continuum, &layout.continuum) else {
        return R::zero();
    };
    if const { R::ORDER > 0 } {
        unreachable!("matter has first derivatives and no second ones");
    }
    let h = substep_length(model);
    let (t, first) = (h.times(k as f64), layout.first_of_matter());
    touch::obstacles(model, links, t, &mut scratch.obstacles);
    let conditions = conditions(model, h, force, &scratch.obstacles);
    let mut bar = ConditionsBar::zero(&conditions);
    let given = (&mut scratch.by_impulse[..], &mut bar.obstacles[..]);
    touch::push_pullback(model, links, t, impulses, &scratch.weight, given);
    let Some(share) = &mut out.model.particles.continuum else { return R::zero() };
    let done = continuum::substep_pullback(
        (numbers, matter),
        &conditions,
        &before[first..],
        (&scratch.end[first..], &scratch.by_impulse),
        &mut scratch.earlier[first..],
        (share, &mut bar),
        &mut scratch.continuum,
    );
    if done.is_err() {
        // The way forward has ended here already.
        scratch.earlier.fill(R::from_f64(f64::NAN));
    }
    out.model.option.gravity += touch::along_world(layout, bar.gravity);
    out.force.iter_mut().zip(&bar.controls).for_each(|(own, w)| *own += *w);
    let by_t = touch::obstacles_pullback(model, links, t, &bar.obstacles, (&mut *out.links, &mut *out.model));
    bar.dt + by_t.times(k as f64)
}
