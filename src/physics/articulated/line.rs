//! Lines of action: what a tendon or a site actuator pulls along.
//!
//! Every such transmission is a list of unit wrenches `G` on bodies. Its rate is `Σ G · Y_b` for a
//! field `Y` of body velocities, and a force `f` along it puts the wrench `f G` on each body: the
//! same numbers for velocity, for force and for their pullbacks.

use super::{Links, LinksCotangent};
use crate::model::{Costate, Model, SpatialPiece, State};
use crate::number::{Mask, Real};
use crate::spatial::{Force, Motion, Vec3, so3_log_jacobian};

/// One field of body velocities `Y_b = Σ S_i y_i`, and the cotangents that lines give it.
#[derive(Clone, Debug)]
pub struct Field<R> {
    /// The joint velocity (nv).
    pub y: Vec<R>,
    /// What it gives to each body.
    pub bodies: Vec<Motion<R>>,
    /// Of each body's velocity.
    pub cotangent: Vec<Force<R>>,
    /// Of the joint velocity (nv).
    pub y_cotangent: Vec<R>,
    /// Whether anything acts on bodies; otherwise only `y` counts.
    on_bodies: bool,
}

impl<R: Real> Field<R> {
    /// Room for one model.
    pub fn new(model: &Model<R>) -> Self {
        let (bodies, dofs) = (model.topology.bodies.len(), model.topology.nv);
        Self {
            y: vec![R::zero(); dofs],
            bodies: vec![Motion::zero(); bodies],
            cotangent: vec![Force::zero(); bodies],
            y_cotangent: vec![R::zero(); dofs],
            on_bodies: true,
        }
    }
    /// Starts over with a joint velocity; the bodies' velocities only if something acts on bodies.
    pub fn set(&mut self, model: &Model<R>, links: &Links<R>, on_bodies: bool, y: impl Fn(usize) -> R) {
        self.on_bodies = on_bodies;
        for (i, own) in self.y.iter_mut().enumerate() {
            *own = y(i);
        }
        self.y_cotangent.fill(R::zero());
        if on_bodies {
            links.field(model, &self.y, &mut self.bodies);
            self.cotangent.fill(Force::zero());
        }
    }
    /// Hands the collected cotangents of the bodies on to the joint axes and to `y`.
    pub fn finish(&mut self, model: &Model<R>, links: &Links<R>, cotangent: &mut LinksCotangent<R>) {
        if !self.on_bodies {
            return;
        }
        let own = &mut self.y_cotangent;
        cotangent.add_field(model, links, &self.y, &mut self.cotangent, |i, x| own[i] += x);
    }
}

/// What the pullbacks of forces work on and add to.
pub struct Pulling<'a, R> {
    /// The model.
    pub model: &'a Model<R>,
    /// The state.
    pub state: &'a State<R>,
    /// The bodies at this state.
    pub links: &'a Links<R>,
    /// Of the bodies: poses, velocities, axes.
    pub cotangent: &'a mut LinksCotangent<R>,
    /// Of the state.
    pub out: &'a mut Costate<R>,
    /// Of the model.
    pub out_model: &'a mut Model<R>,
}

/// A rate along a line that something depends on: in which field, and with which cotangent.
pub type Rates<'a, R> = [(&'a mut Field<R>, R)];

/// The shortest straight piece that has a direction [m].
const SHORTEST: f64 = 1e-15;
/// How long a shorter one is taken to be when its direction turns [m].
const STAND_IN: f64 = 1e-6;

/// The way `d` of a straight piece, and whether it is long enough to have a direction.
///
/// A shorter one stands along x, with the derivatives of `d`.
pub(super) fn way<R: Real>(d: Vec3<R>) -> (Vec3<R>, R::Mask) {
    let apart = d.dot(d).ge(R::from_f64(SHORTEST * SHORTEST));
    let more = R::select(apart, R::zero(), R::from_f64(STAND_IN));
    (Vec3::new(d.x + more, d.y, d.z), apart)
}

/// Whether the ends of a piece are on different bodies and lie on each other, in some world.
pub(super) fn vanishes<R: Real>(model: &Model<R>, links: &Links<R>, piece: &SpatialPiece) -> bool {
    let s = span(model, links, piece);
    s.bodies[0] != s.bodies[1] && !s.apart.all()
}

/// Where a piece of a spatial tendon runs.
struct Span<R: Real> {
    bodies: [usize; 2],
    offsets: [Vec3<R>; 2],
    direction: Vec3<R>,
    length: R,
    /// By how much the direction turns, for every length across.
    shortness: R,
    /// Whether it has a direction.
    apart: R::Mask,
}

fn span<R: Real>(model: &Model<R>, links: &Links<R>, piece: &SpatialPiece) -> Span<R> {
    let sites = [piece.from, piece.to];
    let bodies = sites.map(|s| model.topology.sites[s]);
    let places = [0, 1].map(|k| links.point(bodies[k], model.sites[sites[k]].position));
    let offsets = [0, 1].map(|k| places[k] - links.bodies[bodies[k]].origin);
    let (d, apart) = way(places[1] - places[0]);
    let length = d.dot(d).sqrt();
    let shortness = length.recip();
    let none = R::select(apart, R::zero(), R::from_plain(length.plain()));
    Span { bodies, offsets, direction: d * shortness, length: length - none, shortness, apart }
}

/// What a spring that is at rest pulls with at the ends of a piece without length: nothing, with a derivative.
///
/// The pull `F(|d|) û` of a spring with `F(0) = 0` and the slope `s` there is `s d`, which is smooth. Its part along
/// the direction is in the derivative of `F`; this is the part across, `s (1 − û ûᵀ) δd / divisor²`.
pub(super) fn pull_at_rest<R: Real>(
    model: &Model<R>,
    links: &Links<R>,
    piece: &SpatialPiece,
    (divisor, slope): (R, R),
) -> Option<[(usize, Force<R>); 2]> {
    if !vanishes(model, links, piece) {
        return None;
    }
    let s = span(model, links, piece);
    let turn = s.direction - s.direction.map(|x| R::from_plain(x.plain()));
    let pull = turn * R::select(s.apart, R::zero(), slope.times(STAND_IN) / (divisor * divisor));
    Some([(s.bodies[0], Force::at(s.offsets[0], -pull)), (s.bodies[1], Force::at(s.offsets[1], pull))])
}

/// The pullback of [`pull_at_rest`] for the velocity field that its forces are multiplied with.
pub(super) fn pull_at_rest_pullback<R: Real>(
    p: &mut Pulling<'_, R>,
    piece: &SpatialPiece,
    (divisor, slope): (R, R),
    field: &Field<R>,
) {
    if !vanishes(p.model, p.links, piece) {
        return;
    }
    let s = span(p.model, p.links, piece);
    let [a, b] = [0, 1].map(|k| field.bodies[s.bodies[k]].at(s.offsets[k]));
    let across = (b - a) - s.direction * s.direction.dot(b - a);
    let turn = across * R::select(s.apart, R::zero(), slope / (divisor * divisor));
    for (site, place) in [(piece.from, -turn), (piece.to, turn)] {
        p.cotangent.add_site(p.model, p.links, site, place, Vec3::zero(), p.out_model);
    }
}

/// Length and unit wrenches of one straight piece with this divisor; a piece inside one body has no
/// wrenches.
pub fn piece<R: Real>(
    model: &Model<R>,
    links: &Links<R>,
    piece: &SpatialPiece,
    divisor: R,
) -> (R, [(usize, Force<R>); 2]) {
    let s = span(model, links, piece);
    let inside = s.bodies[0] == s.bodies[1];
    let along = if inside { Vec3::zero() } else { s.direction * divisor.recip() };
    let part = |k: usize, f: Vec3<R>| (s.bodies[k], Force::at(s.offsets[k], f));
    (s.length / divisor, [part(0, -along), part(1, along)])
}

/// The pullback of [`piece`]: of its length, and of its rate in each of the fields. Returns the
/// cotangent of the divisor.
pub fn piece_pullback<R: Real>(
    p: &mut Pulling<'_, R>,
    piece: &SpatialPiece,
    divisor: R,
    length: R,
    rates: &mut Rates<'_, R>,
) -> R {
    let s = span(p.model, p.links, piece);
    let u = s.direction;
    let mut by_divisor = -(length * s.length) / (divisor * divisor);
    let mut by_place = [-u * (length / divisor), u * (length / divisor)];
    if s.bodies[0] != s.bodies[1] {
        for (field, weight) in rates.iter_mut() {
            let share = *weight / divisor;
            let y = s.bodies.map(|b| field.bodies[b]);
            let apart = y[1].at(s.offsets[1]) - y[0].at(s.offsets[0]);
            let rate = u.dot(apart);
            by_divisor -= share * rate / divisor;
            let turn = (apart - u * rate) * (share * s.shortness);
            by_place[0] += -turn - u.cross(y[0].angular) * share;
            by_place[1] += turn + u.cross(y[1].angular) * share;
            field.cotangent[s.bodies[0]] -= Force::at(s.offsets[0], u * share);
            field.cotangent[s.bodies[1]] += Force::at(s.offsets[1], u * share);
        }
    }
    for (site, place) in [piece.from, piece.to].into_iter().zip(by_place) {
        p.cotangent.add_site(p.model, p.links, site, place, Vec3::zero(), p.out_model);
    }
    by_divisor
}

/// The last body that two bodies have in common on their ways to the world.
fn common_ancestor<R>(model: &Model<R>, mut a: usize, mut b: usize) -> usize {
    while a != b {
        if a > b {
            a = model.topology.bodies[a].parent;
        } else {
            b = model.topology.bodies[b].parent;
        }
    }
    a
}

/// A wrench at a site in the axes of the site itself or of a reference site.
pub struct SiteLine {
    /// Where it acts.
    pub site: usize,
    /// Whose axes it is seen from, and which takes the reaction.
    pub reference: Option<usize>,
}

/// What a site line is made of, in the world.
struct Pull<R> {
    /// The body of the site, that of the reference, and their common ancestor.
    bodies: [usize; 3],
    offsets: [Vec3<R>; 2],
    force: Vec3<R>,
    torque: Vec3<R>,
}

fn pull<R: Real>(model: &Model<R>, links: &Links<R>, line: &SiteLine, gear: &[R; 6]) -> Pull<R> {
    let body = model.topology.sites[line.site];
    let other = line.reference.map_or(0, |r| model.topology.sites[r]);
    let (place, own) = links.site(model, line.site);
    let (place_of_reference, axes) = match line.reference {
        Some(r) => links.site(model, r),
        None => (Vec3::zero(), own),
    };
    let vector = |k: usize| axes.rotate(Vec3::new(gear[k], gear[k + 1], gear[k + 2]));
    let common = if line.reference.is_some() { common_ancestor(model, body, other) } else { 0 };
    Pull {
        bodies: [body, other, common],
        offsets: [place - links.bodies[body].origin, place_of_reference - links.bodies[other].origin],
        force: vector(0),
        torque: vector(3),
    }
}

impl<R: Real> Pull<R> {
    /// The unit wrenches on site body, reference body and common ancestor.
    fn wrenches(&self) -> [(usize, Force<R>); 3] {
        let twist = Force::new(self.torque, Vec3::zero());
        let a = Force::at(self.offsets[0], self.force) + twist;
        if self.bodies[1] == 0 && self.bodies[2] == 0 {
            return [(self.bodies[0], a), (0, Force::zero()), (0, Force::zero())];
        }
        let b = Force::at(self.offsets[1], self.force) + twist;
        [(self.bodies[0], a), (self.bodies[1], -b), (self.bodies[2], b - a)]
    }
}

/// Length and unit wrenches of a site line. The moment of a line with a reference leaves out the
/// joints that both sites hang on, and is by definition not the exact derivative of the length.
pub fn site_line<R: Real>(
    model: &Model<R>,
    links: &Links<R>,
    line: &SiteLine,
    gear: &[R; 6],
) -> (R, [(usize, Force<R>); 3]) {
    let pull = pull(model, links, line, gear);
    let length = line.reference.map_or(R::zero(), |reference| {
        let ((x, q), (x0, q0)) = (links.site(model, line.site), links.site(model, reference));
        let turn = (q0.conjugate() * q).log();
        pull.force.dot(x - x0) + Vec3::new(gear[3], gear[4], gear[5]).dot(turn)
    });
    (length, pull.wrenches())
}

/// The pullback of [`site_line`]; returns the cotangent of the gear.
pub fn site_line_pullback<R: Real>(
    pulling: &mut Pulling<'_, R>,
    line: &SiteLine,
    gear: &[R; 6],
    length: R,
    rates: &mut Rates<'_, R>,
) -> [R; 6] {
    let (model, links) = (pulling.model, pulling.links);
    let p = pull(model, links, line, gear);
    let axes = links.site(model, line.reference.unwrap_or(line.site)).1;
    let (mut by_force, mut by_torque) = (Vec3::zero(), Vec3::zero());
    let mut by_place = [Vec3::zero(), Vec3::zero()];
    for (field, weight) in rates.iter_mut() {
        let common = field.bodies[p.bodies[2]];
        let y = field.bodies[p.bodies[0]] - common;
        by_force += y.at(p.offsets[0]) * *weight;
        by_torque += y.angular * *weight;
        by_place[0] += p.force.cross(y.angular) * *weight;
        if line.reference.is_some() {
            let y = field.bodies[p.bodies[1]] - common;
            by_force += -(y.at(p.offsets[1]) * *weight);
            by_torque += -(y.angular * *weight);
            by_place[1] += -(p.force.cross(y.angular) * *weight);
        }
        for (b, g) in p.wrenches() {
            field.cotangent[b] += g * *weight;
        }
    }
    let mut turns = [Vec3::zero(), Vec3::zero()];
    let mut gear_turn = Vec3::zero();
    if let Some(reference) = line.reference {
        let ((x, q), (x0, q0)) = (links.site(model, line.site), links.site(model, reference));
        by_place[0] += p.force * length;
        by_place[1] += -(p.force * length);
        by_force += (x - x0) * length;
        let turn = (q0.conjugate() * q).log();
        let share = Vec3::new(gear[3], gear[4], gear[5]) * length;
        let jacobian = so3_log_jacobian(turn);
        turns[0] += q.rotate(jacobian.transpose_mul(share));
        turns[1] += -q0.rotate(jacobian * share);
        gear_turn = turn * length;
    }
    turns[usize::from(line.reference.is_some())] += p.force.cross(by_force) + p.torque.cross(by_torque);
    let (cotangent, out) = (&mut *pulling.cotangent, &mut *pulling.out_model);
    cotangent.add_site(model, links, line.site, by_place[0], turns[0], out);
    if let Some(reference) = line.reference {
        cotangent.add_site(model, links, reference, by_place[1], turns[1], out);
    }
    let back = axes.conjugate();
    let (f, t) = (back.rotate(by_force), back.rotate(by_torque) + gear_turn);
    [f.x, f.y, f.z, t.x, t.y, t.z]
}
