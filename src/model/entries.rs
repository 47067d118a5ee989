//! Every number of a model, in one order.

use super::tree::{Actuator, Body, FluidBox, Geom, Joint, Model, Options, Site, Tendon};
use crate::number::{Real, Single};
use crate::spatial::{Quat, Sym3, Vec3};

fn three<R: Copy, S>(f: &mut impl FnMut(R) -> S, v: Vec3<R>) -> Vec3<S> {
    Vec3 { x: f(v.x), y: f(v.y), z: f(v.z) }
}

fn four<R: Copy, S>(f: &mut impl FnMut(R) -> S, q: Quat<R>) -> Quat<S> {
    Quat { w: f(q.w), v: three(f, q.v) }
}

fn pair<R: Copy, S>(f: &mut impl FnMut(R) -> S, range: Option<[R; 2]>) -> Option<[S; 2]> {
    range.map(|x| x.map(f))
}

fn option<R: Copy, S>(f: &mut impl FnMut(R) -> S, o: &Options<R>) -> Options<S> {
    Options {
        timestep: f(o.timestep),
        gravity: three(f, o.gravity),
        wind: three(f, o.wind),
        density: f(o.density),
        viscosity: f(o.viscosity),
    }
}

fn body<R: Copy, S>(f: &mut impl FnMut(R) -> S, b: &Body<R>) -> Body<S> {
    let Sym3 { xx, yy, zz, xy, xz, yz } = b.inertia;
    Body {
        position: three(f, b.position),
        rotation: four(f, b.rotation),
        mass: f(b.mass),
        center: three(f, b.center),
        inertia: Sym3::from([xx, yy, zz, xy, xz, yz].map(&mut *f)),
        gravcomp: f(b.gravcomp),
        fluid: b.fluid.map(|b| FluidBox { edges: three(f, b.edges), rotation: four(f, b.rotation) }),
    }
}

fn joint<R: Copy, S>(f: &mut impl FnMut(R) -> S, j: &Joint<R>) -> Joint<S> {
    Joint {
        axis: three(f, j.axis),
        anchor: three(f, j.anchor),
        reference: f(j.reference),
        spring_reference: f(j.spring_reference),
        stiffness: j.stiffness.map(&mut *f),
        damping: j.damping.map(&mut *f),
        armature: f(j.armature),
        springdamper: pair(f, j.springdamper),
        force_range: pair(f, j.force_range),
    }
}

fn tendon<R: Copy, S>(f: &mut impl FnMut(R) -> S, t: &Tendon<R>) -> Tendon<S> {
    Tendon {
        weights: t.weights.iter().map(|&w| f(w)).collect(),
        stiffness: t.stiffness.map(&mut *f),
        damping: t.damping.map(&mut *f),
        spring_length: t.spring_length.map(&mut *f),
        armature: f(t.armature),
        force_range: pair(f, t.force_range),
    }
}

fn actuator<R: Copy, S>(f: &mut impl FnMut(R) -> S, a: &Actuator<R>) -> Actuator<S> {
    Actuator {
        gear: a.gear.map(&mut *f),
        gain: a.gain.map(&mut *f),
        bias: a.bias.map(&mut *f),
        damping_ratio: a.damping_ratio.map(&mut *f),
        time_constant: f(a.time_constant),
        ctrl_range: pair(f, a.ctrl_range),
        force_range: pair(f, a.force_range),
        act_range: pair(f, a.act_range),
    }
}

impl<R: Copy> Model<R> {
    /// The same model over another number.
    pub fn map<S>(&self, mut f: impl FnMut(R) -> S) -> Model<S> {
        let f = &mut f;
        Model {
            topology: self.topology.clone(),
            queue: Vec::new(),
            option: option(f, &self.option),
            bodies: self.bodies.iter().map(|b| body(f, b)).collect(),
            joints: self.joints.iter().map(|j| joint(f, j)).collect(),
            sites: self
                .sites
                .iter()
                .map(|s| Site { position: three(f, s.position), rotation: four(f, s.rotation) })
                .collect(),
            geoms: self
                .geoms
                .iter()
                .map(|g| Geom {
                    position: three(f, g.position),
                    rotation: four(f, g.rotation),
                    size: three(f, g.size),
                })
                .collect(),
            tendons: self.tendons.iter().map(|t| tendon(f, t)).collect(),
            actuators: self.actuators.iter().map(|a| actuator(f, a)).collect(),
        }
    }

    /// All numbers, in the order of [`Model::map`].
    pub fn numbers(&self) -> Vec<R> {
        let mut out = Vec::new();
        self.map(|x| out.push(x));
        out
    }
}

impl<R: Copy> Model<R> {
    /// Visits all numbers in place.
    pub fn visit(&mut self, mut f: impl FnMut(&mut R)) {
        let f = &mut f;
        fn three<R>(f: &mut impl FnMut(&mut R), v: &mut Vec3<R>) {
            f(&mut v.x);
            f(&mut v.y);
            f(&mut v.z);
        }
        fn four<R>(f: &mut impl FnMut(&mut R), q: &mut Quat<R>) {
            f(&mut q.w);
            three(f, &mut q.v);
        }
        let o = &mut self.option;
        f(&mut o.timestep);
        three(f, &mut o.gravity);
        three(f, &mut o.wind);
        f(&mut o.density);
        f(&mut o.viscosity);
        for b in &mut self.bodies {
            three(f, &mut b.position);
            four(f, &mut b.rotation);
            f(&mut b.mass);
            three(f, &mut b.center);
            let Sym3 { xx, yy, zz, xy, xz, yz } = &mut b.inertia;
            [xx, yy, zz, xy, xz, yz].into_iter().for_each(&mut *f);
            f(&mut b.gravcomp);
            if let Some(b) = &mut b.fluid {
                three(f, &mut b.edges);
                four(f, &mut b.rotation);
            }
        }
        for j in &mut self.joints {
            three(f, &mut j.axis);
            three(f, &mut j.anchor);
            f(&mut j.reference);
            f(&mut j.spring_reference);
            j.stiffness.iter_mut().chain(&mut j.damping).for_each(&mut *f);
            f(&mut j.armature);
            j.springdamper.iter_mut().flatten().chain(j.force_range.iter_mut().flatten()).for_each(&mut *f);
        }
        for s in &mut self.sites {
            three(f, &mut s.position);
            four(f, &mut s.rotation);
        }
        for g in &mut self.geoms {
            three(f, &mut g.position);
            four(f, &mut g.rotation);
            three(f, &mut g.size);
        }
        for t in &mut self.tendons {
            let numbers = t.weights.iter_mut().chain(&mut t.stiffness).chain(&mut t.damping);
            numbers.chain(&mut t.spring_length).for_each(&mut *f);
            f(&mut t.armature);
            t.force_range.iter_mut().flatten().for_each(&mut *f);
        }
        for a in &mut self.actuators {
            a.gear.iter_mut().chain(&mut a.gain).chain(&mut a.bias).for_each(&mut *f);
            a.damping_ratio.iter_mut().for_each(&mut *f);
            f(&mut a.time_constant);
            for range in [&mut a.ctrl_range, &mut a.force_range, &mut a.act_range] {
                range.iter_mut().flatten().for_each(&mut *f);
            }
        }
    }
}

impl<R: Real> Model<R> {
    /// Adds the tangents of a cotangent on dual numbers, and sets that one back to zero.
    ///
    /// Tangents pass through a short queue, because both models are visited in the same order.
    pub fn add_tangents(&mut self, dual: &mut Model<Single<R>>) {
        let mut tangents = std::mem::take(&mut dual.queue);
        tangents.clear();
        dual.visit(|x| {
            tangents.push(*x);
            *x = Single::zero();
        });
        let mut next = tangents.iter();
        self.visit(|x| *x += next.next().expect("both models have the same shape").derivative());
        dual.queue = tangents;
    }
    /// A cotangent of this model: the same shape, every number zero.
    pub fn zeros(&self) -> Self {
        self.map(|_| R::zero())
    }

    /// Turns the cotangents of small turns, kept in the vector parts of `cotangent`'s rotations,
    /// into cotangents of the four numbers of this model's rotations.
    pub fn rotations_pullback(&self, cotangent: &mut Self) {
        let turn = |q: Quat<R>, w: &mut Quat<R>| *w = q.pullback_of_turn(w.v);
        for (m, c) in self.bodies.iter().zip(&mut cotangent.bodies) {
            turn(m.rotation, &mut c.rotation);
            if let (Some(m), Some(c)) = (&m.fluid, &mut c.fluid) {
                turn(m.rotation, &mut c.rotation);
            }
        }
        for (m, c) in self.sites.iter().zip(&mut cotangent.sites) {
            turn(m.rotation, &mut c.rotation);
        }
        for (m, c) in self.geoms.iter().zip(&mut cotangent.geoms) {
            turn(m.rotation, &mut c.rotation);
        }
    }
}
