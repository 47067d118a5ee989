//! Particles: what they do during one step of the world, in substeps of their own.
//!
//! Robots stand at the start of the step and move on with their velocities while the particles advance; what the
//! particles push with acts on the robots during the same step.

pub mod continuum;
pub mod points;
mod touch;

use super::articulated::{Links, LinksCotangent, kinematics};
use crate::model::continuum::Obstacle;
use crate::model::{Input, Model, State};
use crate::number::{Real, copy};
use crate::spatial::{Force, Motion, Vec3};
use continuum::{Conditions, ConditionsBar, Lost};
use points::{Acting, Out};
use touch::Axes;

/// The particles during one step; allocated once and overwritten.
#[derive(Clone, Debug)]
pub struct Swarm<R: Real> {
    kept: KeptSwarm<R>,
    /// At the end of the step.
    end: Vec<R>,
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
    /// What particles gave to geoms in every substep.
    impulses: Vec<Vec<Force<R>>>,
    /// What particles push each body with, about the origin of its link [N m, N].
    wrench: Vec<Force<R>>,
}

impl<R> KeptSwarm<R> {
    /// The bytes of memory behind it.
    pub fn bytes(&self) -> usize {
        let between: usize = self.between.iter().map(|x| size_of_val(&x[..])).sum();
        let impulses: usize = self.impulses.iter().map(|x| size_of_val(&x[..])).sum();
        between + impulses + size_of_val(&self.wrench[..])
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
                wrench: vec![Force::zero(); model.topology.bodies.len()],
            },
            end: zero,
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
    /// What particles push each body with, about the origin of its link [N m, N].
    pub fn wrench(&self) -> &[Force<R>] {
        &self.kept.wrench
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
        let force = |w: Force<S>| Force::new(w.torque.map(f), w.force.map(f));
        for (own, x) in self.kept.impulses.iter_mut().zip(&other.kept.impulses) {
            copy(own, x, force);
        }
        copy(&mut self.kept.wrench, &other.kept.wrench, force);
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
    swarm.kept.wrench.fill(Force::zero());
    swarm.lost = None;
    for k in 0..layout.substeps {
        let (past, future) = swarm.kept.between.split_at_mut(k);
        let before = past.last().map_or(start, |last| &last[..]);
        let after = future.first_mut().unwrap_or(&mut swarm.end);
        let t = h.times(k as f64);
        touch::obstacles(model, links, t, &mut swarm.obstacles);
        let impulses = &mut swarm.kept.impulses[k];
        impulses.fill(Force::zero());
        let acting = Acting { force, input, obstacles: &swarm.obstacles };
        points::substep(model, h, acting, (before, &mut *after), impulses, &mut swarm.points);
        let first = layout.first_of_matter();
        let (before, after) = (&before[first..], &mut after[first..]);
        let done = advance_matter(
            model,
            (h, force),
            (before, after),
            (&mut swarm.obstacles, impulses),
            &mut swarm.continuum,
        );
        if let Err(lost) = done {
            swarm.lost = Some(lost.particle);
            swarm.end.fill(R::from_f64(f64::NAN));
            return;
        }
        touch::push(model, links, t, impulses, &mut swarm.kept.wrench);
    }
    let rate = model.option.timestep.recip();
    swarm.kept.wrench.iter_mut().for_each(|w| *w = *w * rate);
}

/// One substep of matter, if there is any; the obstacles end along the axes of its grid.
fn advance_matter<R: Real>(
    model: &Model<R>,
    (h, force): (R, &[R]),
    (before, after): (&[R], &mut [R]),
    (obstacles, impulses): (&mut [Obstacle<R>], &mut [Force<R>]),
    scratch: &mut continuum::Scratch<R>,
) -> Result<(), Lost> {
    let layout = &model.topology.particles;
    let (Some(numbers), Some(matter)) = (&model.particles.continuum, &layout.continuum) else {
        return Ok(());
    };
    if const { R::ORDER > 1 } {
        unreachable!("matter has first derivatives and no second ones");
    }
    let axes = Axes::of(layout);
    axes.obstacles_to_grid(obstacles);
    axes.impulses_to_grid(impulses);
    let conditions = conditions(model, h, force, obstacles);
    continuum::substep(numbers, matter, &conditions, before, after, impulses, scratch)?;
    axes.impulses_to_world(impulses);
    Ok(())
}

fn conditions<'a, R: Real>(
    model: &Model<R>,
    dt: R,
    controls: &'a [R],
    obstacles: &'a [Obstacle<R>],
) -> Conditions<'a, R> {
    let gravity = Axes::of(&model.topology.particles).to_grid(model.option.gravity);
    Conditions { gravity, dt, controls, obstacles }
}

/// The first mass point, fixed ones aside, whose ball reaches into a geom that it would meet: the point, the geom and
/// how deep [m].
pub fn first_inside(model: &Model<f64>, state: &State<f64>) -> Option<(usize, usize, f64)> {
    let layout = &model.topology.particles;
    let mut links = Links::new(model);
    kinematics(model, state, &mut links);
    let mut obstacles = Vec::new();
    touch::obstacles(model, &links, 0.0, &mut obstacles);
    let depth = |p: usize, radius: f64, o: &Obstacle<f64>| {
        let at = layout.position(p);
        let arm =
            Vec3::new(state.particles[at], state.particles[at + 1], state.particles[at + 2]) - o.position;
        radius - continuum::distance(o.form, o.rotation.conjugate().rotate(arm), o.size).0
    };
    let bodies = model.particles.points.iter().zip(&layout.points);
    let mut moving = bodies.flat_map(|(body, at)| {
        at.points.clone().zip(&at.fixed).filter(|(_, fixed)| !**fixed).map(|(p, _)| (p, body.radius))
    });
    moving.find_map(|(p, radius)| {
        let of = |(o, g): (&Obstacle<f64>, &usize)| (p, *g, depth(p, radius, o));
        obstacles.iter().zip(&layout.touching).map(of).find(|(_, _, depth)| *depth > 1e-9)
    })
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
    by_obstacle: Vec<Obstacle<R>>,
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
            by_obstacle: Vec::new(),
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
    for ((own, twist), wrench) in scratch.weight.iter_mut().zip(twists).zip(&swarm.kept.wrench) {
        *own = Force::new(twist.angular, twist.linear) * rate;
        out.model.option.timestep -= twist.dot(*wrench) * rate;
    }
    for k in (0..layout.substeps).rev() {
        let before = if k == 0 { start } else { &swarm.kept.between[k - 1] };
        let (t, impulses) = (h.times(k as f64), &swarm.kept.impulses[k]);
        touch::obstacles(model, links, t, &mut scratch.obstacles);
        scratch.by_obstacle.clear();
        scratch.by_obstacle.extend(scratch.obstacles.iter().map(|o| Obstacle::zero(o.form)));
        let given = (&mut scratch.by_impulse[..], &mut scratch.by_obstacle[..]);
        touch::push_pullback(model, links, t, impulses, &scratch.weight, given);
        // Matter overwrites its own part.
        scratch.earlier[..layout.first_of_matter()].fill(R::zero());
        by_h += points::substep_pullback(
            model,
            h,
            Acting { force, input, obstacles: &scratch.obstacles },
            (before, &mut scratch.again),
            (&scratch.end, &scratch.by_impulse),
            &mut scratch.points,
            Out {
                before: &mut scratch.earlier,
                force: &mut *out.force,
                push: &mut *out.push,
                obstacles: &mut scratch.by_obstacle,
                model: &mut *out.model,
            },
        );
        by_h += matter_pullback(model, (h, force), before, scratch, &mut out);
        let cotangents = (&mut *out.links, &mut *out.model);
        let by_t = touch::obstacles_pullback(model, links, t, &scratch.by_obstacle, cotangents);
        by_h += by_t.times(k as f64);
        std::mem::swap(&mut scratch.end, &mut scratch.earlier);
    }
    out.start.iter_mut().zip(&scratch.end).for_each(|(out, w)| *out += *w);
    out.model.option.timestep += by_h.times(1.0 / layout.substeps as f64);
}

/// The pullback of [`advance_matter`]; returns the cotangent of the length of a substep.
fn matter_pullback<R: Real>(
    model: &Model<R>,
    (h, force): (R, &[R]),
    before: &[R],
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
    let Some(share) = &mut out.model.particles.continuum else { return R::zero() };
    let (axes, first) = (Axes::of(layout), layout.first_of_matter());
    axes.obstacles_to_grid(&mut scratch.obstacles);
    axes.impulses_to_grid(&mut scratch.by_impulse);
    let conditions = conditions(model, h, force, &scratch.obstacles);
    let mut bar = ConditionsBar::zero(&conditions);
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
    out.model.option.gravity += axes.to_world(bar.gravity);
    out.force.iter_mut().zip(&bar.controls).for_each(|(own, w)| *own += *w);
    axes.obstacles_to_grid_pullback(&bar.obstacles, &mut scratch.by_obstacle);
    bar.dt
}
