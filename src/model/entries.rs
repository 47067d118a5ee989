//! Every number of a model, in one order.

use super::constraint::{Constants, Equality, FrictionLoss, Limit, Override, Pair};
use super::tree::{Actuator, Body, FluidBox, Geom, Joint, Model, Options, Site, Tendon};
use crate::number::{Real, Single};
use crate::spatial::{Pose, Quat, Sym3, Vec3};

fn three<R: Copy, S>(f: &mut dyn FnMut(R) -> S, v: Vec3<R>) -> Vec3<S> {
    Vec3 { x: f(v.x), y: f(v.y), z: f(v.z) }
}

fn four<R: Copy, S>(f: &mut dyn FnMut(R) -> S, q: Quat<R>) -> Quat<S> {
    Quat { w: f(q.w), v: three(f, q.v) }
}

fn pair<R: Copy, S>(f: &mut dyn FnMut(R) -> S, range: Option<[R; 2]>) -> Option<[S; 2]> {
    range.map(|x| x.map(f))
}

fn option<R: Copy, S>(f: &mut dyn FnMut(R) -> S, o: &Options<R>) -> Options<S> {
    Options {
        timestep: f(o.timestep),
        gravity: three(f, o.gravity),
        wind: three(f, o.wind),
        density: f(o.density),
        viscosity: f(o.viscosity),
        impratio: f(o.impratio),
        overriding: o.overriding.map(|o| Override {
            margin: f(o.margin),
            solref: o.solref.map(&mut *f),
            solimp: o.solimp.map(&mut *f),
            friction: o.friction.map(&mut *f),
        }),
    }
}

fn body<R: Copy, S>(f: &mut dyn FnMut(R) -> S, b: &Body<R>) -> Body<S> {
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

fn joint<R: Copy, S>(f: &mut dyn FnMut(R) -> S, j: &Joint<R>) -> Joint<S> {
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
        limit: j.limit.map(|l| limit(f, &l)),
        friction_loss: j.friction_loss.map(|l| friction_loss(f, &l)),
    }
}

fn limit<R: Copy, S>(f: &mut dyn FnMut(R) -> S, l: &Limit<R>) -> Limit<S> {
    Limit {
        range: l.range.map(&mut *f),
        margin: f(l.margin),
        solref: l.solref.map(&mut *f),
        solimp: l.solimp.map(&mut *f),
    }
}

fn friction_loss<R: Copy, S>(f: &mut dyn FnMut(R) -> S, l: &FrictionLoss<R>) -> FrictionLoss<S> {
    FrictionLoss { force: f(l.force), solref: l.solref.map(&mut *f), solimp: l.solimp.map(&mut *f) }
}

fn geom<R: Copy, S>(f: &mut dyn FnMut(R) -> S, g: &Geom<R>) -> Geom<S> {
    Geom {
        position: three(f, g.position),
        rotation: four(f, g.rotation),
        size: three(f, g.size),
        friction: g.friction.map(&mut *f),
        solmix: f(g.solmix),
        solref: g.solref.map(&mut *f),
        solimp: g.solimp.map(&mut *f),
        margin: f(g.margin),
        gap: f(g.gap),
    }
}

fn tendon<R: Copy, S>(f: &mut dyn FnMut(R) -> S, t: &Tendon<R>) -> Tendon<S> {
    Tendon {
        weights: t.weights.iter().map(|&w| f(w)).collect(),
        stiffness: t.stiffness.map(&mut *f),
        damping: t.damping.map(&mut *f),
        spring_length: t.spring_length.map(&mut *f),
        armature: f(t.armature),
        force_range: pair(f, t.force_range),
        limit: t.limit.map(|l| limit(f, &l)),
        friction_loss: t.friction_loss.map(|l| friction_loss(f, &l)),
    }
}

fn actuator<R: Copy, S>(f: &mut dyn FnMut(R) -> S, a: &Actuator<R>) -> Actuator<S> {
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

fn equality<R: Copy, S>(f: &mut dyn FnMut(R) -> S, e: &Equality<R>) -> Equality<S> {
    Equality {
        solref: e.solref.map(&mut *f),
        solimp: e.solimp.map(&mut *f),
        frames: e.frames.map(|p| Pose { position: three(f, p.position), rotation: four(f, p.rotation) }),
        torque_scale: f(e.torque_scale),
        polynomial: e.polynomial.map(&mut *f),
    }
}

fn explicit_pair<R: Copy, S>(f: &mut dyn FnMut(R) -> S, p: &Pair<R>) -> Pair<S> {
    Pair {
        friction: p.friction.map(&mut *f),
        solref: p.solref.map(&mut *f),
        solref_friction: p.solref_friction.map(&mut *f),
        solimp: p.solimp.map(&mut *f),
        margin: f(p.margin),
        gap: f(p.gap),
    }
}

fn constants<R: Copy, S>(f: &mut dyn FnMut(R) -> S, c: &Constants<R>) -> Constants<S> {
    Constants {
        body_invweight: c.body_invweight.iter().map(|w| w.map(&mut *f)).collect(),
        dof_invweight: c.dof_invweight.iter().map(|&w| f(w)).collect(),
        tendon_invweight: c.tendon_invweight.iter().map(|&w| f(w)).collect(),
        tendon_length: c.tendon_length.iter().map(|&w| f(w)).collect(),
    }
}

impl<R: Copy> Model<R> {
    /// The same model over another number.
    pub fn map<S>(&self, mut f: impl FnMut(R) -> S) -> Model<S> {
        self.map_by(&mut f)
    }

    /// One copy for each pair of numbers, whatever is done to them.
    fn map_by<S>(&self, f: &mut dyn FnMut(R) -> S) -> Model<S> {
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
            geoms: self.geoms.iter().map(|g| geom(f, g)).collect(),
            tendons: self.tendons.iter().map(|t| tendon(f, t)).collect(),
            actuators: self.actuators.iter().map(|a| actuator(f, a)).collect(),
            equalities: self.equalities.iter().map(|e| equality(f, e)).collect(),
            pairs: self.pairs.iter().map(|p| explicit_pair(f, p)).collect(),
            constants: constants(f, &self.constants),
            particles: self.particles.map(f),
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
        let mut f: &mut dyn FnMut(&mut R) = &mut f;
        self.visit_by(&mut f);
    }

    /// One copy for each visitor, for those who come at every step.
    fn visit_by(&mut self, f: &mut impl FnMut(&mut R)) {
        visit_option(f, &mut self.option);
        for b in &mut self.bodies {
            visit_three(f, &mut b.position);
            visit_four(f, &mut b.rotation);
            f(&mut b.mass);
            visit_three(f, &mut b.center);
            let Sym3 { xx, yy, zz, xy, xz, yz } = &mut b.inertia;
            [xx, yy, zz, xy, xz, yz].into_iter().for_each(&mut *f);
            f(&mut b.gravcomp);
            if let Some(b) = &mut b.fluid {
                visit_three(f, &mut b.edges);
                visit_four(f, &mut b.rotation);
            }
        }
        for j in &mut self.joints {
            visit_three(f, &mut j.axis);
            visit_three(f, &mut j.anchor);
            f(&mut j.reference);
            f(&mut j.spring_reference);
            j.stiffness.iter_mut().chain(&mut j.damping).for_each(&mut *f);
            f(&mut j.armature);
            j.springdamper.iter_mut().flatten().chain(j.force_range.iter_mut().flatten()).for_each(&mut *f);
            visit_bounds(f, &mut j.limit, &mut j.friction_loss);
        }
        for s in &mut self.sites {
            visit_three(f, &mut s.position);
            visit_four(f, &mut s.rotation);
        }
        for g in &mut self.geoms {
            visit_three(f, &mut g.position);
            visit_four(f, &mut g.rotation);
            visit_three(f, &mut g.size);
            g.friction.iter_mut().for_each(&mut *f);
            f(&mut g.solmix);
            g.solref.iter_mut().chain(&mut g.solimp).for_each(&mut *f);
            f(&mut g.margin);
            f(&mut g.gap);
        }
        for t in &mut self.tendons {
            let numbers = t.weights.iter_mut().chain(&mut t.stiffness).chain(&mut t.damping);
            numbers.chain(&mut t.spring_length).for_each(&mut *f);
            f(&mut t.armature);
            t.force_range.iter_mut().flatten().for_each(&mut *f);
            visit_bounds(f, &mut t.limit, &mut t.friction_loss);
        }
        for a in &mut self.actuators {
            a.gear.iter_mut().chain(&mut a.gain).chain(&mut a.bias).for_each(&mut *f);
            a.damping_ratio.iter_mut().for_each(&mut *f);
            f(&mut a.time_constant);
            for range in [&mut a.ctrl_range, &mut a.force_range, &mut a.act_range] {
                range.iter_mut().flatten().for_each(&mut *f);
            }
        }
        visit_constraints(f, &mut self.equalities, &mut self.pairs);
        let c = &mut self.constants;
        c.body_invweight.iter_mut().flatten().for_each(&mut *f);
        for list in [&mut c.dof_invweight, &mut c.tendon_invweight, &mut c.tendon_length] {
            list.iter_mut().for_each(&mut *f);
        }
        self.particles.visit(f);
    }

    /// All rotations, in one order.
    pub fn rotations(&mut self) -> impl Iterator<Item = &mut Quat<R>> {
        let bodies = self
            .bodies
            .iter_mut()
            .flat_map(|b| [Some(&mut b.rotation), b.fluid.as_mut().map(|b| &mut b.rotation)]);
        let frames = self.equalities.iter_mut().flat_map(|e| &mut e.frames).map(|p| &mut p.rotation);
        bodies
            .flatten()
            .chain(self.sites.iter_mut().map(|s| &mut s.rotation))
            .chain(self.geoms.iter_mut().map(|g| &mut g.rotation))
            .chain(frames)
    }
}

fn visit_three<R>(f: &mut impl FnMut(&mut R), v: &mut Vec3<R>) {
    f(&mut v.x);
    f(&mut v.y);
    f(&mut v.z);
}

fn visit_four<R>(f: &mut impl FnMut(&mut R), q: &mut Quat<R>) {
    f(&mut q.w);
    visit_three(f, &mut q.v);
}

fn visit_option<R>(f: &mut impl FnMut(&mut R), o: &mut Options<R>) {
    f(&mut o.timestep);
    visit_three(f, &mut o.gravity);
    visit_three(f, &mut o.wind);
    f(&mut o.density);
    f(&mut o.viscosity);
    f(&mut o.impratio);
    if let Some(o) = &mut o.overriding {
        f(&mut o.margin);
        o.solref.iter_mut().chain(&mut o.solimp).chain(&mut o.friction).for_each(&mut *f);
    }
}

fn visit_bounds<R>(
    f: &mut impl FnMut(&mut R),
    limit: &mut Option<Limit<R>>,
    loss: &mut Option<FrictionLoss<R>>,
) {
    if let Some(l) = limit {
        l.range.iter_mut().for_each(&mut *f);
        f(&mut l.margin);
        l.solref.iter_mut().chain(&mut l.solimp).for_each(&mut *f);
    }
    if let Some(l) = loss {
        f(&mut l.force);
        l.solref.iter_mut().chain(&mut l.solimp).for_each(&mut *f);
    }
}

fn visit_constraints<R>(f: &mut impl FnMut(&mut R), equalities: &mut [Equality<R>], pairs: &mut [Pair<R>]) {
    for e in equalities {
        e.solref.iter_mut().chain(&mut e.solimp).for_each(&mut *f);
        for frame in &mut e.frames {
            visit_three(f, &mut frame.position);
            visit_four(f, &mut frame.rotation);
        }
        f(&mut e.torque_scale);
        e.polynomial.iter_mut().for_each(&mut *f);
    }
    for p in pairs {
        let numbers = p.friction.iter_mut().chain(&mut p.solref).chain(&mut p.solref_friction);
        numbers.chain(&mut p.solimp).for_each(&mut *f);
        f(&mut p.margin);
        f(&mut p.gap);
    }
}

impl<R: Real> Model<R> {
    /// Adds the tangents of a cotangent on dual numbers, and sets that one back to zero.
    ///
    /// Tangents pass through a short queue, because both models are visited in the same order.
    pub fn add_tangents(&mut self, dual: &mut Model<Single<R>>) {
        let mut tangents = std::mem::take(&mut dual.queue);
        tangents.clear();
        dual.visit_by(&mut |x| {
            tangents.push(*x);
            *x = Single::zero();
        });
        let mut next = tangents.iter();
        self.visit_by(&mut |x| *x += next.next().expect("both models have the same shape").derivative());
        dual.queue = tangents;
    }
    /// A cotangent of this model: the same shape, every number zero.
    pub fn zeros(&self) -> Self {
        self.map(|_| R::zero())
    }

    /// Turns the cotangents of small turns, kept in the vector parts of `cotangent`'s rotations,
    /// into cotangents of the four numbers of this model's rotations.
    pub fn rotations_pullback(&self, cotangent: &mut Self) {
        let mut own = self.clone();
        for (q, w) in own.rotations().zip(cotangent.rotations()) {
            *w = q.pullback_of_turn(w.v);
        }
    }
}
