//! Contacts: which shapes touch, and the rows that keep them apart.

use super::impedance::{Answer, Firm, reference, reference_pullback};
use super::law::Law;
use super::rows::{Block, Origin, Rows};
use super::{Cut, Pull};
use crate::model::description::Shape;
use crate::model::{self, Candidate, Model};
use crate::number::Real;
use crate::physics::articulated::Links;
use crate::physics::contact::{Feature, Placed, Touch, features, touch, touch_pullback};
use crate::spatial::{Force, Mat3, Vec3};

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
}

/// Where a geom is in the world.
#[derive(Clone, Copy, Debug)]
struct Place<R> {
    position: Vec3<R>,
    rotation: Mat3<R>,
}

/// All contacts of a world.
#[derive(Clone, Debug)]
pub struct Contacts<R> {
    /// In MuJoCo's order.
    pub list: Vec<Contact<R>>,
    places: Vec<Place<R>>,
    found: Vec<Feature>,
    near: Vec<Candidate>,
    /// Lower and upper end of each geom along the first axis, and its number.
    spans: Vec<(f64, f64, usize)>,
}

/// The radius of a ball around a geom's own position that holds it [m]; of a plane, without bound.
fn radius(shape: Shape, placed: &Placed<'_, f64>) -> f64 {
    let size = placed.size.to_array();
    let norm = |v: &[f64]| v.iter().fold(0.0, |sum, x| sum + x * x).sqrt();
    match shape {
        Shape::Plane => f64::INFINITY,
        Shape::Sphere => size[0],
        Shape::Capsule => size[0] + size[1],
        Shape::Cylinder => norm(&size[..2]),
        Shape::Ellipsoid => size.iter().fold(0.0, |m: f64, x| m.max(*x)),
        Shape::Box => norm(&size),
        Shape::Mesh(_) => placed.hull.map_or(0.0, |h| h.radius),
    }
}

impl<R: Real> Contacts<R> {
    /// Room for one model.
    pub fn new(model: &Model<R>) -> Self {
        let place = Place { position: Vec3::zero(), rotation: Mat3::identity() };
        Self {
            list: Vec::new(),
            places: vec![place; model.geoms.len()],
            found: Vec::new(),
            near: Vec::new(),
            spans: Vec::new(),
        }
    }

    fn placed<'a>(&self, model: &'a Model<R>, g: usize) -> Placed<'a, R> {
        let Place { position, rotation } = self.places[g];
        let hull = model.topology.geoms[g].hull.as_deref();
        Placed { position, rotation, size: model.geoms[g].size, hull }
    }

    /// Finds all contacts.
    pub fn detect(&mut self, model: &Model<R>, links: &Links<R>) {
        self.list.clear();
        if !model.topology.flags.contacts() {
            return;
        }
        for ((place, geom), at) in self.places.iter_mut().zip(&model.geoms).zip(&model.topology.geoms) {
            let link = &links.bodies[at.body];
            place.position = link.position + link.rotation * geom.position;
            place.rotation = (link.quat * geom.rotation).to_matrix();
        }
        match &model.topology.candidates {
            Some(candidates) => {
                for candidate in candidates {
                    self.meet(model, candidate);
                }
            }
            None => {
                self.sweep(model);
                let near = std::mem::take(&mut self.near);
                for candidate in &near {
                    self.meet(model, candidate);
                }
                self.near = near;
            }
        }
    }

    /// Finds the pairs whose balls overlap along the first axis, in order.
    fn sweep(&mut self, model: &Model<R>) {
        let t = &model.topology;
        self.spans.clear();
        for (g, at) in t.geoms.iter().enumerate().filter(|(_, at)| at.contype != 0 || at.conaffinity != 0) {
            let placed = self.placed(model, g);
            let geom = &model.geoms[g];
            let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
            for k in 0..R::LANES {
                let here = placed.map(|x| x.lane(k));
                let reach = radius(at.shape, &here) + (geom.margin + geom.gap).lane(k);
                low = low.min(here.position.x - reach);
                high = high.max(here.position.x + reach);
            }
            self.spans.push((low, high, g));
        }
        self.spans.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.2.cmp(&b.2)));
        self.near.clear();
        self.near.extend(t.explicit_candidates());
        for (k, &(_, high, a)) in self.spans.iter().enumerate() {
            let others = self.spans[k + 1..].iter().take_while(|other| other.0 <= high);
            self.near.extend(others.filter_map(|&(_, _, b)| t.candidate(a, b)));
        }
        self.near.sort_by_key(|c| t.order(c));
    }

    /// Adds the contacts of two geoms.
    fn meet(&mut self, model: &Model<R>, candidate: &Candidate) {
        let shapes = candidate.geoms.map(|g| model.topology.geoms[g].shape);
        let [first, second] = candidate.geoms.map(|g| self.placed(model, g));
        let mut mixed = None;
        let start = self.list.len();
        for k in 0..R::LANES {
            let [a, b] = [&first, &second].map(|p| p.map(|x| x.lane(k)));
            let margins = match candidate.pair {
                Some(p) => (model.pairs[p].margin + model.pairs[p].gap).lane(k),
                None => {
                    let [a, b] = candidate.geoms.map(|g| &model.geoms[g]);
                    (a.margin + a.gap + b.margin + b.gap).lane(k)
                }
            };
            let margins = match &model.option.overriding {
                Some(o) => margins.max(o.margin.lane(k)),
                None => margins,
            };
            if !near(shapes, &a, &b, margins) {
                continue;
            }
            let numbers = *mixed.get_or_insert_with(|| model::touch(model, candidate));
            self.found.clear();
            let reach = (numbers.margin + numbers.gap).lane(k);
            features((shapes[0], shapes[1]), &a, &b, reach, &mut self.found);
            for &feature in &self.found {
                let here = R::from_lanes(|lane| if lane == k { 1.0 } else { 0.0 });
                match self.list[start..].iter_mut().find(|c| c.feature == feature) {
                    Some(known) => known.present += here,
                    None => self.list.push(Contact {
                        candidate: *candidate,
                        feature,
                        touch: touch(feature, &first, &second),
                        numbers,
                        present: here,
                    }),
                }
            }
        }
    }

    /// The cotangents of a contact's place go to the bodies, and to placements and sizes of the geoms.
    fn place_pullback(&self, p: &mut Pull<'_, R>, contact: &Contact<R>, w: &Touch<R>) {
        let model = p.model;
        let [first, second] = contact.candidate.geoms.map(|g| self.placed(model, g));
        let shares = touch_pullback(contact.feature, &first, &second, w);
        for (g, share) in contact.candidate.geoms.into_iter().zip(shares) {
            let b = model.topology.geoms[g].body;
            let (link, place) = (&p.links.bodies[b], self.places[g].position);
            let Force { torque, force } = share.wrench;
            p.cotangent.add_point(p.links, b, place, force);
            p.cotangent.wrench[b].torque += torque;
            let own = &mut p.out_model.geoms[g];
            own.position += link.rotation.transpose_mul(force);
            own.rotation.v += link.rotation.transpose_mul(torque);
            own.size += share.size;
        }
    }
}

/// Whether two shapes may be within reach: a quick test that never says no wrongly.
fn near(shapes: [Shape; 2], a: &Placed<'_, f64>, b: &Placed<'_, f64>, reach: f64) -> bool {
    let second = radius(shapes[1], b);
    let apart = b.position - a.position;
    if shapes[0] == Shape::Plane {
        return apart.dot(a.rotation.z) <= reach + second;
    }
    let sum = radius(shapes[0], a) + second + reach;
    apart.dot(apart) <= sum * sum
}

/// What the rows of a contact are made of.
struct Making<R> {
    answer: Answer<R>,
    /// `B` of the normal, and of friction.
    damping: [R; 2],
    violation: R,
    /// From the approximate diagonal of the normal row to that of the law's rows.
    diagonal: R,
}

/// Whether the friction of a contact has a reference of its own.
fn own_reference<R: Real>(model: &Model<R>, contact: &Contact<R>) -> R::Mask {
    let [s0, s1] = contact.numbers.solref_friction;
    let stated = !(s0.is_zero() & s1.is_zero());
    if model.topology.elliptic { stated } else { stated & !stated }
}

fn safe_step<R: Real>(model: &Model<R>) -> Option<R> {
    model.topology.flags.refsafe.then_some(model.option.timestep)
}

fn firm<'a, R: Real>(model: &Model<R>, contact: &'a Contact<R>) -> Firm<'a, R> {
    let bodies = contact.candidate.geoms.map(|g| model.topology.geoms[g].body);
    let [a, b] = bodies.map(|b| model.constants.body_invweight[b][0]);
    let slide = contact.numbers.friction[0];
    let pyramid = !model.topology.elliptic && contact.candidate.condim > 1;
    let along = if pyramid { R::one() + slide.square() } else { R::one() };
    Firm {
        solref: &contact.numbers.solref,
        solimp: &contact.numbers.solimp,
        violation: contact.touch.distance - contact.numbers.margin,
        diagonal: (a + b) * along,
        timestep: safe_step(model),
    }
}

fn making<R: Real>(model: &Model<R>, contact: &Contact<R>) -> Making<R> {
    let firm = firm(model, contact);
    let answer = firm.answer();
    let own = reference(&contact.numbers.solref_friction, contact.numbers.solimp[1], firm.timestep)[1];
    let friction = R::select(own_reference(model, contact), own, answer.damping);
    Making { answer, damping: [answer.damping, friction], violation: firm.violation, diagonal: firm.diagonal }
}

/// How a contact answers: `D = 1/R₀` of the normal of a cone, `1/(2 μ² R₀)` of all edges of a pyramid,
/// `μ² = μ₁²/impratio` (MuJoCo's documentation, "Friction cones").
fn law<R: Real>(model: &Model<R>, contact: &Contact<R>, weight: R) -> Law<R> {
    let (friction, ratio) = (contact.numbers.friction, model.option.impratio);
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
    let law = law(model, contact, making(model, contact).answer.weight);
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
pub fn refer<R: Real>(model: &Model<R>, contact: &Contact<R>, velocity: &[R], out: &mut [R]) {
    let m = making(model, contact);
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
    let m = making(model, contact);
    let mut w = sliding(contact, block, p, cut, m.damping);
    // a_ref = −B J v − K I x.
    let y = cut.y[0];
    let friction: R = (1..block.count).fold(R::zero(), |sum, k| sum - cut.y[k] * cut.velocity[k]);
    let own = own_reference(model, contact);
    let answer = Answer {
        weight: cut.law.log_weight,
        impedance: -(y * m.answer.stiffness * m.violation),
        stiffness: -(y * m.answer.impedance * m.violation),
        damping: R::select(own, R::zero(), friction) - y * cut.velocity[0],
    };
    let share = firm(model, contact).pullback(&answer);
    let violation = share.violation - y * m.answer.stiffness * m.answer.impedance;
    w.distance += violation;
    let mut numbers = zero_numbers();
    numbers.margin = -violation;
    numbers.solref = share.solref;
    numbers.solimp = share.solimp;
    let by_friction = [R::zero(), R::select(own, friction, R::zero())];
    let (solref, end, timestep) = reference_pullback(
        &contact.numbers.solref_friction,
        contact.numbers.solimp[1],
        safe_step(model),
        by_friction,
    );
    numbers.solref_friction = solref;
    numbers.solimp[1] += end;
    p.out_model.option.timestep += share.timestep + timestep;
    friction_numbers(p, contact, block, cut, (share.diagonal, m.diagonal), &mut numbers);
    model::touch_pullback(model, &contact.candidate, &numbers, p.out_model);
    contacts.place_pullback(p, contact, &w);
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
