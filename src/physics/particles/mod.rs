//! Particles: what they do during one step of the world, in substeps of their own.
//!
//! Robots stand at the start of the step and move on with their velocities while the particles advance; what the
//! particles push with acts on the robots during the same step.

pub mod points;

use crate::model::{Input, Model};
use crate::number::{Real, copy};
use crate::spatial::Vec3;
use points::{Acting, Out, Scratch};

/// The particles during one step; allocated once and overwritten.
#[derive(Clone, Debug)]
pub struct Swarm<R> {
    /// After every substep; the last are those at the end of the step.
    after: Vec<Vec<R>>,
    points: Scratch<R>,
}

/// The part of a [`Swarm`] that the pullback of its step needs: the particles between substeps.
#[derive(Clone, Debug)]
pub struct KeptSwarm<R>(Vec<Vec<R>>);

impl<R> KeptSwarm<R> {
    /// The bytes of memory behind it.
    pub fn bytes(&self) -> usize {
        self.0.iter().map(|x| size_of_val(&x[..])).sum()
    }
}

impl<R: Real> Swarm<R> {
    /// Room for one model.
    pub fn new(model: &Model<R>) -> Self {
        let layout = &model.topology.particles;
        Self { after: vec![vec![R::zero(); layout.numbers]; layout.substeps], points: Scratch::new(model) }
    }
    /// At the end of the step.
    pub fn end(&self) -> &[R] {
        self.after.last().map_or(&[], |last| last)
    }
    /// Room for what a pullback needs.
    pub fn kept(&self) -> KeptSwarm<R> {
        KeptSwarm(self.after[1.min(self.after.len())..].to_vec())
    }
    /// Exchanges what is remembered, without copying a number.
    pub fn exchange(&mut self, kept: &mut KeptSwarm<R>) {
        self.after.iter_mut().zip(&mut kept.0).for_each(|(own, kept)| std::mem::swap(own, kept));
    }
    /// The bytes that a [`KeptSwarm`] takes.
    pub fn kept_bytes(&self) -> usize {
        self.after.iter().skip(1).map(|x| size_of_val(&x[..])).sum()
    }
    /// Overwrites what the pullback needs with the same over another number.
    pub fn copy_from<S: Real>(&mut self, other: &Swarm<S>, f: impl Fn(S) -> R + Copy) {
        self.after.iter_mut().zip(&other.after).for_each(|(own, x)| copy(own, x, f));
    }
}

/// The length of a substep [s].
fn substep_length<R: Real>(model: &Model<R>) -> R {
    model.option.timestep.times(1.0 / model.topology.particles.substeps as f64)
}

/// Advances all particles by one step of the world, under the forces of the actuators (nu).
pub fn advance<R: Real>(model: &Model<R>, start: &[R], force: &[R], input: &Input<R>, swarm: &mut Swarm<R>) {
    let h = substep_length(model);
    for k in 0..swarm.after.len() {
        let (past, future) = swarm.after.split_at_mut(k);
        let before = past.last().map_or(start, |last| &last[..]);
        points::substep(model, h, Acting { force, input }, (before, &mut future[0]), &mut swarm.points);
    }
}

/// The cotangents that [`advance_pullback`] adds to.
pub struct ParticlesOut<'a, R: Real> {
    /// Of the particles at the start.
    pub start: &'a mut [R],
    /// Of the forces of the actuators (nu).
    pub force: &'a mut [R],
    /// Of the forces on points.
    pub push: &'a mut [Vec3<R>],
    /// Of the numbers.
    pub model: &'a mut Model<R>,
}

/// Scratch of [`advance_pullback`]; allocated once.
#[derive(Clone, Debug)]
pub struct SwarmBackward<R> {
    /// The cotangent of the particles at the end of the step, used up by the pullback.
    pub end: Vec<R>,
    earlier: Vec<R>,
    again: Vec<R>,
    points: Scratch<R>,
}

impl<R: Real> SwarmBackward<R> {
    /// Room for one model.
    pub fn new(model: &Model<R>) -> Self {
        let zero = vec![R::zero(); model.topology.particles.numbers];
        Self { end: zero.clone(), earlier: zero.clone(), again: zero, points: Scratch::new(model) }
    }
}

/// The pullback of [`advance`], with the cotangent of the particles at the end in the scratch.
pub fn advance_pullback<R: Real>(
    model: &Model<R>,
    start: &[R],
    force: &[R],
    input: &Input<R>,
    swarm: &Swarm<R>,
    scratch: &mut SwarmBackward<R>,
    out: ParticlesOut<'_, R>,
) {
    let h = substep_length(model);
    let mut by_h = R::zero();
    for k in (0..swarm.after.len()).rev() {
        let before = if k == 0 { start } else { &swarm.after[k - 1] };
        scratch.earlier.fill(R::zero());
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
        std::mem::swap(&mut scratch.end, &mut scratch.earlier);
    }
    out.start.iter_mut().zip(&scratch.end).for_each(|(out, w)| *out += *w);
    out.model.option.timestep += by_h.times(1.0 / model.topology.particles.substeps as f64);
}
