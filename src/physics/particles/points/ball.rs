//! Balls that collide.

use super::{Scratch, holds, three};
use crate::model::Model;
use crate::number::smooth::safe_div;
use crate::number::{Real, leaf_pullback};
use crate::spatial::Vec3;

/// Two balls that meet during a substep.
#[derive(Clone, Copy, Debug)]
pub struct Knock<R> {
    /// Their points.
    pub ends: [usize; 2],
    bodies: [usize; 2],
    /// Position and velocity of the first against the second.
    d: Vec3<R>,
    w: Vec3<R>,
}

/// The change of the relative velocity, `−(1 + e) (n·w) n`, and the time `t` of the impact: the smaller root of
/// `|d + t w| = r`, where `n = (d + t w)/r`; balls that overlap meet at once.
fn meet<R: Real>([dx, dy, dz, wx, wy, wz, r, e]: [R; 8]) -> [R; 4] {
    let (d, w) = (Vec3::new(dx, dy, dz), Vec3::new(wx, wy, wz));
    let (along, speed) = (d.dot(w), w.dot(w));
    let apart = d.dot(d) - r * r;
    let open = apart.gt(R::zero());
    let root = R::select(open, along * along - speed * apart, R::one()).sqrt();
    let t = R::select(open, safe_div(apart, root - along), R::zero());
    let at = d + w * t;
    let n = at * at.norm().recip();
    let [a, b, c] = (n * -((R::one() + e) * n.dot(w))).to_array();
    [a, b, c, t]
}

/// Of two balls the less bouncing one decides.
fn restitution<R: Real>(model: &Model<R>, [a, b]: [usize; 2]) -> (usize, R) {
    let of = |k: usize| model.particles.points[k].restitution;
    if holds(of(a).le(of(b))) { (a, of(a)) } else { (b, of(b)) }
}

/// Whether two balls meet within `h`: they approach each other, and either overlap or come to.
fn meets<R: Real>(d: Vec3<R>, w: Vec3<R>, r: R, h: R) -> bool {
    let (along, speed) = (d.dot(w), w.dot(w));
    let apart = d.dot(d) - r * r;
    let discriminant = along * along - speed * apart;
    if !holds(along.lt(R::zero()) & discriminant.gt(R::zero())) {
        return false;
    }
    holds(apart.le((discriminant.sqrt() - along) * h))
}

/// The shares of two balls in the change of their relative velocity: `m₂/(m₁ + m₂)` and `−m₁/(m₁ + m₂)`; one that
/// is fixed leaves all of it to the other.
fn shares<R: Real>(model: &Model<R>, knock: &Knock<R>) -> [R; 2] {
    let [a, b] = knock.bodies.map(|k| model.particles.points[k].mass);
    let (zero, one) = (R::zero(), R::one());
    match knock.fixed(model) {
        [false, false] => [b / (a + b), -(a / (a + b))],
        [false, true] => [one, zero],
        [true, false] => [zero, -one],
        [true, true] => [zero, zero],
    }
}

/// Finds all pairs of balls that meet, in the order of their points, and what it does to velocities and paths.
pub(super) fn knocks<R: Real>(model: &Model<R>, h: R, before: &[R], scratch: &mut Scratch<R>) {
    let layout = &model.topology.particles;
    scratch.knocks.clear();
    scratch.shift.fill(Vec3::zero());
    if !layout.points.iter().any(|body| body.collides) {
        return;
    }
    sweep(model, h, before, scratch);
    let pairs = std::mem::take(&mut scratch.knocks);
    for knock in &pairs {
        let r = knock.reach(model);
        let [d, w] = [knock.d, knock.w];
        let e = restitution(model, knock.bodies).1;
        let [x, y, z, t] = meet([d.x, d.y, d.z, w.x, w.y, w.z, r, e]);
        for (p, share) in knock.ends.iter().zip(shares(model, knock)) {
            let change = Vec3::new(x, y, z) * share;
            scratch.velocity[*p] += change;
            scratch.shift[*p] -= change * t;
        }
    }
    scratch.knocks = pairs;
}

/// Lists the pairs that meet; balls are swept along x.
fn sweep<R: Real>(model: &Model<R>, h: R, before: &[R], scratch: &mut Scratch<R>) {
    let layout = &model.topology.particles;
    scratch.order.clear();
    for (body, at) in model.particles.points.iter().zip(&layout.points).filter(|(_, at)| at.collides) {
        for p in at.points.clone() {
            let x = before[layout.position(p)].first();
            let (end, r) = (x + h.first() * scratch.velocity[p].x.first(), body.radius.first());
            scratch.order.push((x.min(end) - r, x.max(end) + r, p));
        }
    }
    scratch.order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.2.cmp(&b.2)));
    for k in 0..scratch.order.len() {
        let (_, end, p) = scratch.order[k];
        for &(start, _, other) in &scratch.order[k + 1..] {
            if start > end {
                break;
            }
            let ends = [p.min(other), p.max(other)];
            let bodies = ends.map(|p| layout.body_of(p));
            let [a, b] = ends.map(|p| three(before, layout.position(p)));
            let w = scratch.velocity[ends[0]] - scratch.velocity[ends[1]];
            let knock = Knock { ends, bodies, d: a - b, w };
            if meets(knock.d, w, knock.reach(model), h) {
                scratch.knocks.push(knock);
            }
        }
    }
    scratch.knocks.sort_unstable_by_key(|knock| knock.ends);
}

impl<R: Real> Knock<R> {
    /// Whether each ball stays where it is.
    fn fixed(&self, model: &Model<R>) -> [bool; 2] {
        [0, 1].map(|k| {
            let body = &model.topology.particles.points[self.bodies[k]];
            body.fixed[self.ends[k] - body.points.start]
        })
    }
    /// The sum of both radii.
    fn reach(&self, model: &Model<R>) -> R {
        let [a, b] = self.bodies.map(|k| model.particles.points[k].radius);
        a + b
    }
}

/// The pullback of one knock, with the cotangents of all velocities and shifts after it: those of `d`, `w` and
/// of nothing else that moves; adds those of the numbers.
pub(super) fn knock_pullback<R: Real>(
    model: &Model<R>,
    knock: &Knock<R>,
    (by_velocity, by_shift): (&[Vec3<R>], &[Vec3<R>]),
    out: &mut Model<R>,
) -> (Vec3<R>, Vec3<R>) {
    let [d, w] = [knock.d, knock.w];
    let (less, e) = restitution(model, knock.bodies);
    let input = [d.x, d.y, d.z, w.x, w.y, w.z, knock.reach(model), e];
    let [x, y, z, t] = meet(input);
    let change = Vec3::new(x, y, z);
    let (mut by_change, mut by_t, mut by_shares) = (Vec3::zero(), R::zero(), [R::zero(); 2]);
    for (k, (p, share)) in knock.ends.iter().zip(shares(model, knock)).enumerate() {
        let by = by_velocity[*p] - by_shift[*p] * t;
        by_change += by * share;
        by_t -= by_shift[*p].dot(change) * share;
        by_shares[k] = by.dot(change);
    }
    let [a, b, c] = by_change.to_array();
    let [dx, dy, dz, wx, wy, wz, by_reach, by_e] = leaf_pullback(meet, input, [a, b, c, by_t]);
    out.particles.points[less].restitution += by_e;
    knock.bodies.iter().for_each(|&body| out.particles.points[body].radius += by_reach);
    if knock.fixed(model) == [false, false] {
        // m₂/(m₁ + m₂) falls with m₁ as −m₁/(m₁ + m₂) falls with it, and both rise with m₂.
        let [first, second] = knock.bodies.map(|k| model.particles.points[k].mass);
        let both = (by_shares[0] + by_shares[1]) / ((first + second) * (first + second));
        out.particles.points[knock.bodies[0]].mass -= both * second;
        out.particles.points[knock.bodies[1]].mass += both * first;
    }
    (Vec3::new(dx, dy, dz), Vec3::new(wx, wy, wz))
}
