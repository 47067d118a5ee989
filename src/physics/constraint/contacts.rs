//! Contacts: which shapes touch, and the rows that keep them apart.

use super::impedance::{Answer, Firm, reference, reference_pullback};
use super::law::Law;
use super::rows::{Block, Origin, Rows};
use super::{Cut, Pull, safe_step};
use crate::model::description::Shape;
use crate::model::{self, Candidate, Hull, Model};
use crate::number::{Mask, Real};
use crate::physics::articulated::Links;
use crate::physics::contact::{Feature, Placed, Touch, features, touch, touch_pullback};
use crate::spatial::{Force, Vec3};

/// Two shapes that touch in one point.
#[derive(Clone, Copy, Debug)]
pub struct Contact<R> {
    /// Which geoms.
    pub candidate: Candidate,
    /// How they touch.
    pub feature: Feature,
    /// Where they touch.
    pub touch: Touch<R>,
    /// What the contact is like.
    pub numbers: model::Touch<R>,
    /// One in the worlds that have this contact, zero in the others.
    present: R,
    making: Making<R>,
}

/// About where a geom is in the world: its place and axes are found when something is near.
#[derive(Clone, Copy, Debug)]
struct Place<R: Real> {
    /// Of a plane.
    normal: Option<Vec3<R::Plain>>,
    /// The ball around the position that holds it, margins included.
    center: Vec3<R::Plain>,
    radius: R::Plain,
}

/// The lower and upper ends along the world's axes of the box that holds a geom in every world.
#[derive(Clone, Copy, Debug)]
struct Span {
    low: [f64; 3],
    high: [f64; 3],
    geom: usize,
}

/// All contacts of a world.
#[derive(Clone, Debug)]
pub struct Contacts<R: Real> {
    /// In MuJoCo's order.
    pub list: Vec<Contact<R>>,
    places: Vec<Place<R>>,
    found: Vec<Feature>,
    near: Vec<Candidate>,
    /// The box around each geom, and its number.
    spans: Vec<Span>,
    /// A margin for all pairs.
    extra: R::Plain,
}

/// The radius of a ball around a geom's own position that holds it [m]; of a plane, without bound.
fn radius<P: Real>(shape: Shape, size: Vec3<P>, hull: Option<&Hull>) -> P {
    match shape {
        Shape::Plane => P::from_f64(f64::INFINITY),
        Shape::Sphere => size.x,
        Shape::Capsule => size.x + size.y,
        Shape::Cylinder => (size.x.square() + size.y.square()).sqrt(),
        Shape::Ellipsoid => size.x.max(size.y).max(size.z),
        Shape::Box => size.dot(size).sqrt(),
        Shape::Mesh(_) => P::from_f64(hull.map_or(0.0, |h| h.radius)),
    }
}

impl<R: Real> Contacts<R> {
    /// Room for one model.
    pub fn new(model: &Model<R>) -> Self {
        let place = Place { normal: None, center: Vec3::zero(), radius: R::Plain::zero() };
        Self {
            list: Vec::new(),
            places: vec![place; model.geoms.len()],
            found: Vec::new(),
            near: Vec::new(),
            spans: Vec::new(),
            extra: R::Plain::zero(),
        }
    }

    /// Overwrites what has been found with the same over another number.
    pub fn copy_from<S: Real>(&mut self, other: &Contacts<S>, f: impl Fn(S) -> R + Copy) {
        self.list.clear();
        self.list.extend(other.list.iter().map(|x| Contact {
            candidate: x.candidate,
            feature: x.feature,
            touch: x.touch.map(f),
            numbers: x.numbers.map(f),
            present: f(x.present),
            making: Making {
                answer: x.making.answer.map(f),
                damping: x.making.damping.map(f),
                violation: f(x.making.violation),
                diagonal: f(x.making.diagonal),
            },
        }));
    }

    /// Exchanges what was found, and not what it was found with.
    pub fn exchange(&mut self, other: &mut Self) {
        std::mem::swap(&mut self.list, &mut other.list);
    }

    /// The same without room to find contacts.
    pub fn found_alone(&self) -> Self {
        let nothing = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (places, found, near, spans) = nothing;
        Self { list: self.list.clone(), places, found, near, spans, extra: self.extra }
    }

    /// How many contacts there are in all worlds, and how many places the worlds hold for them.
    pub fn places_used(&self) -> [usize; 2] {
        let worlds = |c: &Contact<R>| (0..R::LANES).filter(|&k| c.present.lane(k) > 0.0).count();
        [self.list.iter().map(worlds).sum(), R::LANES * self.list.len()]
    }

    /// Finds all contacts.
    pub fn detect(&mut self, model: &Model<R>, links: &Links<R>) {
        self.list.clear();
        if !model.topology.flags.contacts() {
            return;
        }
        for ((place, geom), at) in self.places.iter_mut().zip(&model.geoms).zip(&model.topology.geoms) {
            let link = &links.bodies[at.body];
            if at.shape == Shape::Plane {
                place.normal = Some((link.quat * geom.rotation).to_matrix().z.plain());
            }
            place.center = (link.position + link.rotation * geom.position).plain();
            place.radius =
                radius(at.shape, geom.size.plain(), at.hull.as_deref()) + (geom.margin + geom.gap).plain();
        }
        self.extra = model.option.overriding.map_or(R::Plain::zero(), |o| o.margin.plain());
        match &model.topology.candidates {
            Some(candidates) => {
                for candidate in candidates {
                    self.meet(model, links, candidate);
                }
            }
            None => {
                self.sweep(model);
                let near = std::mem::take(&mut self.near);
                for candidate in &near {
                    self.meet(model, links, candidate);
                }
                self.near = near;
            }
        }
    }

    /// Finds the pairs whose boxes overlap, in order: along the first axis by sorting.
    fn sweep(&mut self, model: &Model<R>) {
        let t = &model.topology;
        self.spans.clear();
        let may = |g: &usize| t.geoms[*g].contype != 0 || t.geoms[*g].conaffinity != 0;
        for geom in (0..t.geoms.len()).filter(may) {
            let Place { center, radius, .. } = self.places[geom];
            let mut span = Span { low: [f64::INFINITY; 3], high: [f64::NEG_INFINITY; 3], geom };
            for k in 0..R::LANES {
                let reach = (radius + self.extra).lane(k);
                for (axis, x) in center.to_array().into_iter().enumerate() {
                    span.low[axis] = span.low[axis].min(x.lane(k) - reach);
                    span.high[axis] = span.high[axis].max(x.lane(k) + reach);
                }
            }
            self.spans.push(span);
        }
        self.spans.sort_unstable_by(|a, b| a.low[0].total_cmp(&b.low[0]).then(a.geom.cmp(&b.geom)));
        let mut near = std::mem::take(&mut self.near);
        near.clear();
        near.extend(t.explicit_candidates());
        for (k, a) in self.spans.iter().enumerate() {
            let others = self.spans[k + 1..].iter().take_while(|b| b.low[0] <= a.high[0]);
            let beside = |b: &&Span| (1..3).all(|i| b.low[i] <= a.high[i] && a.low[i] <= b.high[i]);
            let close = |b: &&Span| self.balls_meet([a.geom, b.geom], self.extra.max(R::Plain::zero())).any();
            let pairs = others.filter(beside).filter(close);
            let candidates = pairs.filter_map(|b| t.candidate(a.geom, b.geom));
            near.extend(candidates.filter(|c| self.near(model, c).any()));
        }
        near.sort_unstable_by_key(|c| t.order(c));
        self.near = near;
    }

    /// Adds the contacts of two geoms.
    fn meet(&mut self, model: &Model<R>, links: &Links<R>, candidate: &Candidate) {
        let shapes = candidate.geoms.map(|g| model.topology.geoms[g].shape);
        let near = self.near(model, candidate);
        if !near.any() {
            return;
        }
        let near = R::Plain::select(near, R::Plain::one(), R::Plain::zero());
        let [first, second] = candidate.geoms.map(|g| placed(model, links, g));
        let mut mixed = None;
        let start = self.list.len();
        for k in (0..R::LANES).filter(|&k| near.lane(k) > 0.0) {
            let [a, b] = [&first, &second].map(|p| p.map(|x| x.lane(k)));
            let numbers = *mixed.get_or_insert_with(|| model::touch(model, candidate));
            self.found.clear();
            let reach = (numbers.margin + numbers.gap).lane(k);
            features((shapes[0], shapes[1]), &a, &b, reach, &mut self.found);
            for &feature in &self.found {
                let here = R::from_lanes(|lane| if lane == k { 1.0 } else { 0.0 });
                match self.list[start..].iter_mut().find(|c| c.feature == feature) {
                    Some(known) => known.present += here,
                    None => {
                        let touch = touch(feature, &first, &second);
                        let making = firm(model, candidate, &numbers, touch.distance).making(model, &numbers);
                        let candidate = *candidate;
                        self.list.push(Contact { candidate, feature, touch, numbers, present: here, making });
                    }
                }
            }
        }
    }

    /// The worlds in which two geoms may be within reach: a quick test that never says no wrongly.
    fn near(&self, model: &Model<R>, candidate: &Candidate) -> R::Mask {
        let [a, b] = candidate.geoms.map(|g| &self.places[g]);
        let pair = candidate.pair.map_or(R::Plain::zero(), |p| {
            (model.pairs[p].margin + model.pairs[p].gap).plain().max(R::Plain::zero())
        });
        let extra = pair + self.extra.max(R::Plain::zero());
        let apart = b.center - a.center;
        if let Some(normal) = a.normal {
            let own = &model.geoms[candidate.geoms[0]];
            let reach = b.radius + (own.margin + own.gap).plain() + extra;
            return apart.dot(normal).le(reach);
        }
        self.balls_meet(candidate.geoms, extra)
    }

    /// The worlds in which the balls around two geoms meet, with a margin.
    fn balls_meet(&self, geoms: [usize; 2], extra: R::Plain) -> R::Mask {
        let [a, b] = geoms.map(|g| &self.places[g]);
        let (apart, sum) = (b.center - a.center, a.radius + b.radius + extra);
        apart.dot(apart).le(sum * sum)
    }
}

/// The cotangents of a contact's place go to the bodies, and to placements and sizes of the geoms.
fn place_pullback<R: Real>(p: &mut Pull<'_, R>, contact: &Contact<R>, w: &Touch<R>) {
    let model = p.model;
    let [first, second] = contact.candidate.geoms.map(|g| placed(model, p.links, g));
    let shares = touch_pullback(contact.feature, &first, &second, w);
    for (g, share) in contact.candidate.geoms.into_iter().zip(shares) {
        let b = model.topology.geoms[g].body;
        let link = &p.links.bodies[b];
        let place = link.position + link.rotation * model.geoms[g].position;
        let Force { torque, force } = share.wrench;
        p.cotangent.add_point(p.links, b, place, force);
        p.cotangent.wrench[b].torque += torque;
        let own = &mut p.out_model.geoms[g];
        own.position += link.rotation.transpose_mul(force);
        own.rotation.v += link.rotation.transpose_mul(torque);
        own.size += share.size;
    }
}

/// Where a geom is in the world.
fn placed<'a, R: Real>(model: &'a Model<R>, links: &Links<R>, g: usize) -> Placed<'a, R> {
    let (at, geom) = (&model.topology.geoms[g], &model.geoms[g]);
    let link = &links.bodies[at.body];
    Placed {
        position: link.position + link.rotation * geom.position,
        rotation: (link.quat * geom.rotation).to_matrix(),
        size: geom.size,
        hull: at.hull.as_deref(),
    }
}

/// What the rows of a contact are made of.
#[derive(Clone, Copy, Debug)]
struct Making<R> {
    answer: Answer<R>,
    /// `B` of the normal, and of friction.
    damping: [R; 2],
    violation: R,
    /// From the approximate diagonal of the normal row to that of the law's rows.
    diagonal: R,
}

/// Whether the friction of a contact has a reference of its own.
fn own_reference<R: Real>(model: &Model<R>, numbers: &model::Touch<R>) -> R::Mask {
    let [s0, s1] = numbers.solref_friction;
    let stated = !(s0.is_zero() & s1.is_zero());
    if model.topology.elliptic { stated } else { stated & !stated }
}

fn firm<'a, R: Real>(
    model: &Model<R>,
    candidate: &Candidate,
    numbers: &'a model::Touch<R>,
    distance: R,
) -> Firm<'a, R> {
    let bodies = candidate.geoms.map(|g| model.topology.geoms[g].body);
    let [a, b] = bodies.map(|b| model.constants.body_invweight[b][0]);
    let pyramid = !model.topology.elliptic && candidate.condim > 1;
    let along = if pyramid { R::one() + numbers.friction[0].square() } else { R::one() };
    Firm {
        solref: &numbers.solref,
        solimp: &numbers.solimp,
        violation: distance - numbers.margin,
        diagonal: (a + b) * along,
        timestep: safe_step(model),
    }
}

impl<R: Real> Firm<'_, R> {
    fn making(&self, model: &Model<R>, numbers: &model::Touch<R>) -> Making<R> {
        let answer = self.answer();
        let own = own_reference(model, numbers);
        let mut friction = answer.damping;
        if own.any() {
            let stated = reference(&numbers.solref_friction, numbers.solimp[1], self.timestep)[1];
            friction = R::select(own, stated, friction);
        }
        Making {
            answer,
            damping: [answer.damping, friction],
            violation: self.violation,
            diagonal: self.diagonal,
        }
    }
}

/// How a contact answers: `D = 1/R₀` of the normal of a cone, `1/(2 μ² R₀)` of all edges of a pyramid,
/// `μ² = μ₁²/impratio` (MuJoCo's documentation, "Friction cones").
fn law<R: Real>(model: &Model<R>, contact: &Contact<R>) -> Law<R> {
    let (friction, ratio) = (contact.numbers.friction, model.option.impratio);
    let weight = contact.making.answer.weight;
    // Where it is absent, or beyond its margin, it has no weight.
    let touches = contact.touch.distance.lt(contact.numbers.margin);
    let weight = R::select(touches, weight, R::zero()) * contact.present;
    if contact.candidate.condim == 1 {
        Law::OneSided { weight }
    } else if model.topology.elliptic {
        Law::Elliptic { weight, ratio, friction }
    } else {
        Law::Pyramid { weight: weight * ratio / friction[0].square().times(2.0), friction }
    }
}

/// The dofs that move the second body of two without the first, and the other way round.
fn apart<R>(model: &Model<R>, bodies: [usize; 2]) -> [&[usize]; 2] {
    let pattern = &model.topology.pattern;
    let path = |b: usize| match model.topology.bodies[b].last_dof {
        Some(i) => &pattern.column[pattern.row(i)],
        None => &[][..],
    };
    let [a, b] = bodies.map(path);
    let shared = a.iter().zip(b).take_while(|(i, j)| i == j).count();
    [&a[shared..], &b[shared..]]
}

/// Adds the rows of contact `k`: along the normal, the tangents, and the turns about them.
pub fn push<R: Real>(model: &Model<R>, links: &Links<R>, contact: &Contact<R>, k: usize, rows: &mut Rows<R>) {
    let (bodies, count) =
        (contact.candidate.geoms.map(|g| model.topology.geoms[g].body), contact.candidate.condim);
    let law = law(model, contact);
    let [first, second] = apart(model, bodies);
    // Subtrees are numbered one after the other.
    let swapped = match (first.first(), second.first()) {
        (Some(i), Some(j)) => j < i,
        _ => false,
    };
    let lists = if swapped { [second, first] } else { [first, second] };
    let signs = if swapped { [1.0, -1.0] } else { [-1.0, 1.0] };
    let block = rows.push(Origin::Contact(k), law, count, lists[0].iter().chain(lists[1]).copied());
    let values = &mut rows.values[block.values()];
    let mut column = 0;
    for (list, sign) in lists.into_iter().zip(signs) {
        for &i in list {
            let body = model.topology.dofs[i].body;
            let axis = links.axes[i].motion;
            let speed = axis.at(contact.touch.point - links.bodies[body].origin).times(sign);
            for (row, t) in contact.touch.frame.iter().take(count).enumerate() {
                values[row * block.width + column] = t.dot(speed);
            }
            for (row, t) in contact.touch.frame.iter().take(count.saturating_sub(3)).enumerate() {
                values[(row + 3) * block.width + column] = t.dot(axis.angular).times(sign);
            }
            column += 1;
        }
    }
}

/// Sets `a_ref` of a contact's rows from their velocities `J v`.
pub fn refer<R: Real>(contact: &Contact<R>, velocity: &[R], out: &mut [R]) {
    let m = &contact.making;
    for (out, v) in out.iter_mut().zip(velocity) {
        *out = -(m.damping[1] * *v);
    }
    out[0] = -(m.damping[0] * velocity[0]) - m.answer.stiffness * m.answer.impedance * m.violation;
}

/// The pullback of a contact's rows.
pub(super) fn pullback<R: Real>(
    contacts: &Contacts<R>,
    p: &mut Pull<'_, R>,
    block: &Block<R>,
    k: usize,
    cut: &Cut<'_, R>,
) {
    let (model, contact) = (p.model, &contacts.list[k]);
    let m = &contact.making;
    let mut w = sliding(contact, block, p, cut, m.damping);
    // a_ref = −B J v − K I x.
    let y = cut.y[0];
    let friction: R = (1..block.count).fold(R::zero(), |sum, k| sum - cut.y[k] * cut.velocity[k]);
    let own = own_reference(model, &contact.numbers);
    let answer = Answer {
        weight: cut.law.log_weight,
        impedance: -(y * m.answer.stiffness * m.violation),
        stiffness: -(y * m.answer.impedance * m.violation),
        damping: R::select(own, R::zero(), friction) - y * cut.velocity[0],
    };
    let firm = firm(model, &contact.candidate, &contact.numbers, contact.touch.distance);
    let share = firm.pullback(&answer);
    let violation = share.violation - y * m.answer.stiffness * m.answer.impedance;
    w.distance += violation;
    let mut numbers = zero_numbers();
    numbers.margin = -violation;
    numbers.solref = share.solref;
    numbers.solimp = share.solimp;
    p.out_model.option.timestep += share.timestep;
    if own.any() {
        let by_friction = [R::zero(), R::select(own, friction, R::zero())];
        let (of, end) = (&contact.numbers.solref_friction, contact.numbers.solimp[1]);
        let (solref, end, timestep) = reference_pullback(of, end, firm.timestep, by_friction);
        numbers.solref_friction = solref;
        numbers.solimp[1] += end;
        p.out_model.option.timestep += timestep;
    }
    friction_numbers(p, contact, block, cut, (share.diagonal, m.diagonal), &mut numbers);
    model::touch_pullback(model, &contact.candidate, &numbers, p.out_model);
    place_pullback(p, contact, &w);
}

/// What the law, its weight and the diagonal ask of friction, of the ratio of impedances, and of the
/// bodies' inverse weights.
fn friction_numbers<R: Real>(
    p: &mut Pull<'_, R>,
    contact: &Contact<R>,
    block: &Block<R>,
    cut: &Cut<'_, R>,
    (by_diagonal, diagonal): (R, R),
    numbers: &mut model::Touch<R>,
) {
    let mut along = R::one();
    if block.count > 1 {
        numbers.friction = cut.law.friction;
        p.out_model.option.impratio += cut.law.ratio;
        if let Law::Pyramid { .. } = block.law {
            let slide = contact.numbers.friction[0];
            along = R::one() + slide.square();
            // D = impratio/(2 μ₁² R₀), R₀ in proportion to 1 + μ₁².
            p.out_model.option.impratio += cut.law.log_weight / p.model.option.impratio;
            numbers.friction[0] -= (cut.law.log_weight / slide).times(2.0);
            numbers.friction[0] += (by_diagonal * diagonal / along * slide).times(2.0);
        }
    }
    for g in contact.candidate.geoms {
        let b = p.model.topology.geoms[g].body;
        p.out_model.constants.body_invweight[b][0] += by_diagonal * along;
    }
}

/// What the products of `J` with the weight, the acceleration and the velocity ask of the bodies'
/// velocity fields, the frame and the point: `J x` is the velocity of the second body against the first at
/// the point, in the contact's frame.
fn sliding<R: Real>(
    contact: &Contact<R>,
    block: &Block<R>,
    p: &mut Pull<'_, R>,
    cut: &Cut<'_, R>,
    damping: [R; 2],
) -> Touch<R> {
    let bodies = contact.candidate.geoms.map(|g| p.model.topology.geoms[g].body);
    let Touch { point, frame, .. } = contact.touch;
    let offsets = bodies.map(|b| point - p.links.bodies[b].origin);
    let mut w = Touch { distance: R::zero(), point: Vec3::zero(), frame: [Vec3::zero(); 3] };
    for (number, field) in p.fields.iter_mut().enumerate() {
        let share = |k: usize| match number {
            0 => cut.f[k],
            1 => -cut.y[k],
            _ => -(cut.y[k] * damping[usize::from(k > 0)]),
        };
        let [a, b] = bodies.map(|b| field.bodies[b]);
        let speed = b.at(offsets[1]) - a.at(offsets[0]);
        let spin = b.angular - a.angular;
        let (mut push, mut twist) = (Vec3::zero(), Vec3::zero());
        for k in 0..block.count {
            let s = share(k);
            if k < 3 {
                push += frame[k] * s;
                w.frame[k] += speed * s;
            } else {
                twist += frame[k - 3] * s;
                w.frame[k - 3] += spin * s;
            }
        }
        w.point += push.cross(spin);
        let twist = Force::new(twist, Vec3::zero());
        field.cotangent[bodies[1]] += Force::at(offsets[1], push) + twist;
        field.cotangent[bodies[0]] -= Force::at(offsets[0], push) + twist;
    }
    w
}

fn zero_numbers<R: Real>() -> model::Touch<R> {
    let zero = R::zero();
    model::Touch {
        margin: zero,
        gap: zero,
        friction: [zero; 5],
        solref: [zero; 2],
        solref_friction: [zero; 2],
        solimp: [zero; 5],
    }
}
