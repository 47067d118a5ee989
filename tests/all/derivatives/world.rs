//! A whole world that moves along one direction, over any number.

use costate::model::description::{Integrator, JointKind};
use costate::model::{Input, Model, State};
use costate::number::{Real, Wide, derivative_check, dot_check};
use costate::physics::articulated::{Links, kinematics};
use costate::physics::{Cotangents, Engine, derive};
use costate::spatial::{Force, Quat, Sym3, Vec3};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::Answer;
use crate::moving::{alone, moving, slope};
use crate::recorded::{Recorded, situation};

/// Everything that a pullback may have a cotangent for.
#[derive(Clone, Debug)]
pub struct World<R> {
    pub model: Model<R>,
    pub state: State<R>,
    pub input: Input<R>,
    /// Two joint velocities (nv).
    pub fields: [Vec<R>; 2],
}

/// The cotangent of a world.
#[derive(Clone, Debug)]
pub struct Back {
    pub out: Cotangents<f64>,
    pub fields: [Vec<f64>; 2],
}

/// A world and a direction in its tangent space.
pub struct Place {
    pub world: World<f64>,
    direction: Back,
    /// The links of the world itself: where reference points are held.
    pub links: Links<f64>,
}

/// A map from worlds to numbers, with its pullback.
pub trait Operation {
    fn forward<R: Engine>(&self, world: &World<R>, place: &Place) -> Vec<R>;
    /// Adds the cotangents for those of the results.
    fn pullback(&mut self, world: &World<f64>, place: &Place, w: &[f64], out: &mut Back);
}

fn three(random: &mut Pcg64) -> Vec3<f64> {
    Vec3::from(std::array::from_fn(|_| random.random_range(-1.0..1.0)))
}

impl Place {
    /// A recorded state, a random direction.
    pub fn new(recorded: &Recorded, integrator: Integrator, state: usize) -> Self {
        let mut description = recorded.description.clone();
        description.option.integrator = integrator;
        let model = derive::compile(&description);
        let (state, input) = situation(&model, &recorded.values["states"][state]);
        let mut random = Pcg64::seed_from_u64(17);
        let t = &model.topology;
        // Away from rest and from the bounds of ranges, where a difference would see two sides.
        let mut shift = |n: usize| -> Vec<f64> { (0..n).map(|_| random.random_range(-0.05..0.05)).collect() };
        let (q, v, act, u) = (shift(t.nv), shift(t.nv), shift(t.na), shift(t.nu));
        let mut state = state.moved(&model, &q, &v, &act);
        let mut input = input;
        input.u.iter_mut().zip(u).for_each(|(u, shift)| *u += shift);
        for at in &t.joints {
            if let Some(q) = rotation_entry(at.kind, at.q) {
                let unit = state.quat(q).normalized().to_array();
                state.q[q..q + 4].copy_from_slice(&unit);
            }
        }
        Self::along(model, state, input, random)
    }

    /// A state of any world, a random direction.
    pub fn of(model: Model<f64>, state: State<f64>, input: Input<f64>) -> Self {
        Self::along(model, state, input, Pcg64::seed_from_u64(18))
    }

    fn along(model: Model<f64>, state: State<f64>, input: Input<f64>, mut random: Pcg64) -> Self {
        let t = &model.topology;
        let mut vector = |n: usize| -> Vec<f64> { (0..n).map(|_| random.random_range(-1.0..1.0)).collect() };
        let fields = [vector(t.nv), vector(t.nv)];
        let moved = [vector(t.nv), vector(t.nv)];
        let direction = Back { out: direction(&model, &input, &mut random), fields: moved };
        let mut links = Links::new(&model);
        kinematics(&model, &state, &mut links);
        Self { world: World { model, state, input, fields }, direction, links }
    }

    /// Holds the fields still: an operation that has no cotangent for them.
    pub fn with_fixed_fields(mut self) -> Self {
        self.direction.fields.iter_mut().for_each(|y| y.fill(0.0));
        self
    }

    /// The world, moved by `t` along the direction.
    pub fn at<R: Real>(&self, t: R) -> World<R> {
        let (base, d) = (&self.world, &self.direction);
        let along = |x: &[f64], d: &[f64]| -> Vec<R> {
            x.iter().zip(d).map(|(&x, &d)| R::from_f64(x) + t.times(d)).collect()
        };
        let pushes = base.input.push.iter().zip(&d.out.input.push);
        let turn = |w: Vec3<f64>| Quat::exp(w.map(|w| t.times(w)));
        let model = self.model_at(t, turn);
        let times = |x: &[f64]| x.iter().map(|&x| t.times(x)).collect::<Vec<R>>();
        let start = base.state.map(R::from_f64);
        let own = &d.out.state;
        let mut state =
            start.moved(&base.model.map(R::from_f64), &times(&own.q), &times(&own.v), &times(&own.act));
        state.particles = along(&base.state.particles, &own.particles);
        for (pose, w) in state.mocap.iter_mut().zip(&own.mocap) {
            pose.rotation = turn(w.torque) * pose.rotation;
            pose.position += w.force.map(|x| t.times(x));
        }
        let wrench = base.input.wrench.iter().zip(&d.out.input.wrench);
        let moved = |x: Vec3<f64>, d: Vec3<f64>| x.map(R::from_f64) + d.map(|d| t.times(d));
        let input = Input {
            u: along(&base.input.u, &d.out.input.u),
            force: along(&base.input.force, &d.out.input.force),
            wrench: wrench
                .map(|(x, d)| Force::new(moved(x.torque, d.torque), moved(x.force, d.force)))
                .collect(),
            push: pushes.map(|(x, d)| moved(*x, *d)).collect(),
        };
        let fields = [0, 1].map(|k| along(&base.fields[k], &d.fields[k]));
        World { model, state, input, fields }
    }

    /// Numbers move along straight lines, rotations by turns on the left.
    fn model_at<R: Real>(&self, t: R, turn: impl Fn(Vec3<f64>) -> Quat<R>) -> Model<R> {
        let (base, d) = (&self.world.model, &self.direction.out.model);
        let mut shifts = d.numbers().into_iter();
        let mut model = base.map(|x| R::from_f64(x) + t.times(shifts.next().unwrap()));
        let (mut base, mut d) = (base.clone(), d.clone());
        for ((q, b), d) in model.rotations().zip(base.rotations()).zip(d.rotations()) {
            *q = turn(d.v) * b.map(R::from_f64);
        }
        model
    }

    /// `⟨c, d⟩` as two lists.
    pub fn pairs(&self, c: &Back) -> (Vec<f64>, Vec<f64>) {
        (c.flat(), self.direction.flat())
    }

    /// Prints which entries of `Jᵀ w` are not what dual numbers say.
    fn accuse(&self, operation: &mut impl Operation) {
        let results = operation.forward(&self.at(0.0), self).len();
        let w: Vec<f64> = (0..results).map(|k| (1.3 * k as f64).cos()).collect();
        let mut out = self.back(|_| 0.0);
        operation.pullback(&self.world, self, &w, &mut out);
        for (k, (own, d)) in out.flat().iter().zip(self.direction.flat()).enumerate() {
            let alone = self.direction.map_entries(|n, x| if n == k { x } else { 0.0 });
            let one = Self { world: self.world.clone(), direction: alone, links: self.links.clone() };
            let along = operation.forward(&one.at(moving(0.0, 1.0)), self);
            let dual: f64 = along.iter().zip(&w).map(|(y, w)| slope(y) * w).sum();
            if (own * d - dual).abs() > 1e-9 * dual.abs().max(1.0) {
                println!("    entry {k} ({}): {} and not {dual}", one.direction.name_of(k), own * d);
            }
        }
    }

    /// A cotangent of zeros, or of known numbers.
    pub fn back(&self, fill: impl Fn(usize) -> f64) -> Back {
        let w = &self.world;
        let mut out = Cotangents::zero(&w.model, &w.input);
        let mut k = 0;
        let mut next = |x: &mut f64| {
            *x = fill(k);
            k += 1;
        };
        out.state.q.iter_mut().chain(&mut out.state.v).chain(&mut out.state.act).for_each(&mut next);
        out.input.u.iter_mut().chain(&mut out.input.force).for_each(&mut next);
        out.model.visit(&mut next);
        out.state.particles.iter_mut().for_each(&mut next);
        for x in &mut out.input.push {
            [&mut x.x, &mut x.y, &mut x.z].into_iter().for_each(&mut next);
        }
        let mut fields = [vec![0.0; w.fields[0].len()], vec![0.0; w.fields[1].len()]];
        fields.iter_mut().flatten().for_each(&mut next);
        Back { out, fields }
    }
}

impl Back {
    /// The same with every entry of [`Back::flat`] replaced.
    fn map_entries(&self, f: impl Fn(usize, f64) -> f64) -> Self {
        let mut next = 0..;
        let mut each = |x: &mut f64| *x = f(next.next().unwrap(), *x);
        let mut out = self.clone();
        let o = &mut out.out;
        o.state.q.iter_mut().chain(&mut o.state.v).chain(&mut o.state.act).for_each(&mut each);
        o.input.u.iter_mut().chain(&mut o.input.force).for_each(&mut each);
        for w in o.state.mocap.iter_mut().chain(&mut o.input.wrench) {
            let (t, f) = (&mut w.torque, &mut w.force);
            [&mut t.x, &mut t.y, &mut t.z, &mut f.x, &mut f.y, &mut f.z].into_iter().for_each(&mut each);
        }
        o.model.visit(&mut each);
        out.fields.iter_mut().flatten().for_each(&mut each);
        out.out.state.particles.iter_mut().for_each(&mut each);
        for x in &mut out.out.input.push {
            [&mut x.x, &mut x.y, &mut x.z].into_iter().for_each(&mut each);
        }
        out
    }
    /// What entry `k` of [`Back::flat`] belongs to.
    fn name_of(&self, k: usize) -> String {
        let marked = self.map_entries(|n, _| if n == k { 1.0 } else { 0.0 });
        let hit = |x: &[f64]| x.iter().position(|x| *x == 1.0);
        let o = &marked.out;
        for (name, all) in [("q", &o.state.q), ("v", &o.state.v), ("act", &o.state.act), ("u", &o.input.u)] {
            if let Some(i) = hit(all) {
                return format!("{name}[{i}]");
            }
        }
        if let Some(i) = hit(&o.model.numbers()) {
            let text = |list: Vec<String>| list.into_iter().find(|s| s.contains("1.0"));
            let m = &o.model;
            let found = text(m.bodies.iter().map(|x| format!("{x:?}")).collect())
                .or(text(m.joints.iter().map(|x| format!("{x:?}")).collect()))
                .or(text(m.tendons.iter().map(|x| format!("{x:?}")).collect()))
                .or(text(m.actuators.iter().map(|x| format!("{x:?}")).collect()));
            return format!("number {i} of the model: {found:?}");
        }
        "another".to_owned()
    }
    pub fn flat(&self) -> Vec<f64> {
        let six = |w: &Force<f64>| [w.torque.to_array(), w.force.to_array()].concat();
        let o = &self.out;
        let mut all = [&o.state.q[..], &o.state.v, &o.state.act, &o.input.u, &o.input.force].concat();
        all.extend(o.state.mocap.iter().flat_map(six));
        all.extend(o.input.wrench.iter().flat_map(six));
        all.extend(o.model.numbers());
        all.extend(self.fields.concat());
        all.extend(&o.state.particles);
        all.extend(o.input.push.iter().flat_map(|x| x.to_array()));
        all
    }
}

/// The first entry of a rotation in space.
pub fn rotation_entry(kind: JointKind, q: usize) -> Option<usize> {
    match kind {
        JointKind::Free => Some(q + 3),
        JointKind::Ball => Some(q),
        _ => None,
    }
}

/// A direction in the tangent space of a world: about as large as the numbers themselves.
fn direction(model: &Model<f64>, input: &Input<f64>, random: &mut Pcg64) -> Cotangents<f64> {
    let mut out = Cotangents::zero(model, input);
    let mut one = || random.random_range(-1.0..1.0);
    for x in out.state.q.iter_mut().chain(&mut out.state.v).chain(&mut out.state.act) {
        *x = one();
    }
    out.input.u.iter_mut().chain(&mut out.input.force).for_each(|x| *x = one());
    // Steps that stay small beside the lightest inertia.
    out.model = model.map(|x| 0.3 * x.abs().max(0.02) * one());
    out.model.option.timestep = model.option.timestep * one();
    // A light body keeps its size in every direction.
    for (d, body) in out.model.bodies.iter_mut().zip(&model.bodies) {
        let size = 0.1 * (body.inertia.xx + body.inertia.yy + body.inertia.zz);
        d.inertia = Sym3::from([0; 6].map(|_| size * one()));
    }
    for w in out.state.mocap.iter_mut().chain(&mut out.input.wrench) {
        *w = Force::new(three(random), three(random));
    }
    out.model.rotations().for_each(|q| *q = Quat { w: 0.0, v: three(random) });
    // Less than particles are apart.
    out.state.particles.iter_mut().for_each(|x| *x = random.random_range(-0.01..0.01));
    out.input.push.iter_mut().for_each(|x| *x = three(random));
    // An axis stays a unit vector.
    for (d, joint) in out.model.joints.iter_mut().zip(&model.joints) {
        d.axis = d.axis - joint.axis * joint.axis.dot(d.axis);
    }
    out
}

/// Asks an operation at one place.
pub fn ask(operation: &mut impl Operation, place: &Place) -> Answer {
    let forward = |x: &[f64]| operation.forward(&place.at(x[0]), place);
    let dual = |x: &[Wide<f64>]| operation.forward(&place.at(x[0]), place);
    let difference = derivative_check(alone(dual), forward, &[0.0], &[1.0]).error;
    let jd: Vec<f64> = dual(&[moving(0.0, 1.0)]).iter().map(slope).collect();
    let mut random = Pcg64::seed_from_u64(23);
    let w: Vec<f64> = jd.iter().map(|_| random.random_range(-1.0..1.0)).collect();
    let mut out = place.back(|_| 0.0);
    operation.pullback(&place.world, place, &w, &mut out);
    let (jtw, d) = place.pairs(&out);
    let mut dot = dot_check(&w, &jd, &jtw, &d).error;
    // It adds to what is there, and a scratch that was used before changes nothing.
    let known = |k: usize| (0.7 * k as f64).sin();
    let mut again = place.back(known);
    operation.pullback(&place.world, place, &w, &mut again);
    let sizes = |x: f64| x.abs().max(1.0);
    for ((a, b), start) in again.flat().iter().zip(&jtw).zip(place.back(known).flat()) {
        let error = (a - (b + start)).abs() / sizes(*b);
        dot = if error.is_nan() { f64::INFINITY } else { dot.max(0.1 * error) };
    }
    Answer { difference, dot }
}

/// The worst answer at several recorded states of some models.
pub fn ask_all<O: Operation>(
    models: &[Recorded],
    integrator: Integrator,
    moving_fields: bool,
    operation: impl Fn(&Place) -> O,
) -> Answer {
    let mut worst = Answer::default();
    for recorded in models {
        for state in [0, 3, 7] {
            let mut place = Place::new(recorded, integrator, state);
            if !moving_fields {
                place = place.with_fixed_fields();
            }
            let answer = ask(&mut operation(&place), &place);
            if !answer.is_right() {
                println!("{} state {state}: {answer:?}", recorded.name);
                place.accuse(&mut operation(&place));
            }
            worst = worst.worse(answer);
        }
    }
    worst
}

/// Turns of rotations on the left against fixed ones, `2 (q q₀⁻¹)_v`: linear in the numbers of `q`.
pub fn turn_from<R: Real>(q: Quat<R>, base: Quat<f64>) -> [R; 3] {
    let square = base.w * base.w + base.v.dot(base.v);
    ((q * base.map(R::from_f64).conjugate()).v * R::from_f64(2.0 / square)).to_array()
}

/// A configuration's tangent from a fixed one.
pub fn configuration_from<R: Real>(model: &Model<R>, state: &State<R>, base: &State<f64>) -> Vec<R> {
    state.minus(&base.map(R::from_f64), model)
}
