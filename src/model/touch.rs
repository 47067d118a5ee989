//! Which geoms may touch, and what their contacts are like.

use std::cmp::Ordering;

use super::Model;
use super::constraint::Override;
use super::description::Shape;
use super::tree::{Geom, Topology};
use crate::number::Real;

/// The smallest friction coefficient of a contact, as in MuJoCo.
pub const LEAST_FRICTION: f64 = 1e-5;
/// Weights below this count as none, as in MuJoCo.
const LEAST_WEIGHT: f64 = 1e-15;
/// Lists of candidates longer than this are not made: a broad phase asks for each pair.
const MOST_CANDIDATES: usize = 4096;

/// An explicit pair of geoms.
#[derive(Clone, Copy, Debug)]
pub struct PairLayout {
    /// In the order of their bodies.
    pub geoms: [usize; 2],
    /// How many directions friction acts in: 1, 3, 4 or 6; a normal alone counts as 1.
    pub condim: usize,
}

/// Two geoms that may touch, the simpler shape first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The normal of a contact points from the first to the second.
    pub geoms: [usize; 2],
    /// The explicit pair, if the file states one.
    pub pair: Option<usize>,
    /// How many directions the contact has: 1, 3, 4 or 6, the normal counted.
    pub condim: usize,
}

/// The place of a shape in MuJoCo's order from simple to general.
fn rank(shape: Shape) -> usize {
    match shape {
        Shape::Plane => 0,
        Shape::Sphere => 1,
        Shape::Capsule => 2,
        Shape::Ellipsoid => 3,
        Shape::Cylinder => 4,
        Shape::Box => 5,
        Shape::Mesh(_) => 6,
    }
}

impl Topology {
    fn simpler_first(&self, [a, b]: [usize; 2]) -> [usize; 2] {
        let rank = |g: usize| rank(self.geoms[g].shape);
        if rank(a) <= rank(b) { [a, b] } else { [b, a] }
    }

    /// Planes do not touch planes.
    fn both_planes(&self, geoms: [usize; 2]) -> bool {
        geoms.iter().all(|&g| self.geoms[g].shape == Shape::Plane)
    }

    /// Whether geoms of two bodies may touch without being an explicit pair.
    ///
    /// Not if they move as one, if neither can move, if one hangs on the other (unless that one is
    /// the world), or if the file excludes them.
    pub fn bodies_may_touch(&self, a: usize, b: usize) -> bool {
        let weld = [a, b].map(|b| self.bodies[b].weld);
        let moves = |w: usize| !self.bodies[w].dofs.is_empty();
        let above = weld.map(|w| self.bodies[self.bodies[w].parent].weld);
        let hangs = !weld.contains(&0) && (weld[0] == above[1] || weld[1] == above[0]);
        weld[0] != weld[1]
            && (moves(weld[0]) || moves(weld[1]))
            && !(hangs && self.flags.filterparent)
            && !self.excludes.contains(&[a.min(b), a.max(b)])
    }

    /// The candidate of two geoms that are not an explicit pair, if they may touch.
    pub fn candidate(&self, a: usize, b: usize) -> Option<Candidate> {
        let geoms = self.simpler_first([a.min(b), a.max(b)]);
        let [first, second] = geoms.map(|g| &self.geoms[g]);
        let touches = first.contype & second.conaffinity != 0 || second.contype & first.conaffinity != 0;
        let explicit = || self.pairs.iter().any(|p| self.simpler_first(p.geoms) == geoms);
        let may = touches
            && self.flags.contacts()
            && !self.both_planes(geoms)
            && self.bodies_may_touch(first.body, second.body)
            && !explicit();
        let condim = match first.priority.cmp(&second.priority) {
            Ordering::Less => second.condim,
            Ordering::Greater => first.condim,
            Ordering::Equal => first.condim.max(second.condim),
        };
        may.then_some(Candidate { geoms, pair: None, condim })
    }

    /// The explicit pairs that can touch.
    pub fn explicit_candidates(&self) -> impl Iterator<Item = Candidate> {
        let some = if self.flags.contacts() { &self.pairs[..] } else { &[] };
        some.iter().enumerate().filter(|(_, p)| !self.both_planes(p.geoms)).map(|(k, p)| Candidate {
            geoms: self.simpler_first(p.geoms),
            pair: Some(k),
            condim: p.condim,
        })
    }

    /// Sorting candidates by this key brings their contacts into MuJoCo's order: by bodies, then
    /// explicit pairs as the file states them, then by geoms.
    pub fn order(&self, c: &Candidate) -> ([usize; 2], [usize; 3]) {
        let [a, b] = c.geoms.map(|g| self.geoms[g].body);
        let within = match c.pair {
            Some(k) => [0, k, 0],
            None => [1, c.geoms[0], c.geoms[1]],
        };
        ([a.min(b), a.max(b)], within)
    }

    /// All candidates in order, or none if they are more than a list is good for.
    pub(super) fn list_candidates(&self) -> Option<Vec<Candidate>> {
        let mut out: Vec<Candidate> = self.explicit_candidates().collect();
        let may: Vec<usize> = (0..self.geoms.len())
            .filter(|&g| self.geoms[g].contype != 0 || self.geoms[g].conaffinity != 0)
            .collect();
        for (k, &a) in may.iter().enumerate() {
            out.extend(may[k + 1..].iter().filter_map(|&b| self.candidate(a, b)));
            if out.len() > MOST_CANDIDATES {
                return None;
            }
        }
        out.sort_by_key(|c| self.order(c));
        Some(out)
    }
}

/// What a contact of two geoms is like.
#[derive(Clone, Copy, Debug)]
pub struct Touch<R> {
    /// The distance below which it acts [m].
    pub margin: R,
    /// How much earlier it is listed [m]; without effect on the motion.
    pub gap: R,
    /// Two sliding, one torsional [m], two rolling [m].
    pub friction: [R; 5],
    /// Reference along the normal.
    pub solref: [R; 2],
    /// Reference of the friction; zero: that of the normal.
    pub solref_friction: [R; 2],
    /// Impedance.
    pub solimp: [R; 5],
}

impl<R> Touch<R> {
    /// The same over another number.
    pub fn map<S>(self, f: impl Fn(R) -> S + Copy) -> Touch<S> {
        Touch {
            margin: f(self.margin),
            gap: f(self.gap),
            friction: self.friction.map(f),
            solref: self.solref.map(f),
            solref_friction: self.solref_friction.map(f),
            solimp: self.solimp.map(f),
        }
    }
}

/// The numbers of a contact: those of the explicit pair, or mixed from both geoms; replaced by the
/// overriding ones if the file says so (MuJoCo's documentation, "Contact parameters").
pub fn touch<R: Real>(model: &Model<R>, c: &Candidate) -> Touch<R> {
    let mut out = match c.pair {
        Some(k) => {
            let p = &model.pairs[k];
            Touch {
                margin: p.margin,
                gap: p.gap,
                friction: p.friction,
                solref: p.solref,
                solref_friction: p.solref_friction,
                solimp: p.solimp,
            }
        }
        None => mixed(c.geoms.map(|g| &model.geoms[g]), preferred(model, c)),
    };
    if let Some(o) = &model.option.overriding {
        let Override { margin, solref, solimp, friction } = *o;
        out = Touch { margin, gap: out.gap, friction, solref, solref_friction: solref, solimp };
    }
    let least = R::from_f64(LEAST_FRICTION);
    Touch { friction: out.friction.map(|f| f.max(least)), ..out }
}

/// The pullback of [`touch`]: adds to the cotangents of geoms, pairs and options.
pub fn touch_pullback<R: Real>(model: &Model<R>, c: &Candidate, w: &Touch<R>, out: &mut Model<R>) {
    let friction = match (&model.option.overriding, c.pair) {
        (Some(o), _) => o.friction,
        (None, Some(k)) => model.pairs[k].friction,
        (None, None) => mixed(c.geoms.map(|g| &model.geoms[g]), preferred(model, c)).friction,
    };
    // What lies below the least friction does not matter.
    let mut w = *w;
    for (w, f) in w.friction.iter_mut().zip(friction) {
        *w = R::select(f.ge(R::from_f64(LEAST_FRICTION)), *w, R::zero());
    }
    if let Some(o) = &mut out.option.overriding {
        o.margin += w.margin;
        add(&mut o.solref, w.solref);
        add(&mut o.solref, w.solref_friction);
        add(&mut o.solimp, w.solimp);
        add(&mut o.friction, w.friction);
        let zero = R::zero();
        w = Touch {
            margin: zero,
            gap: w.gap,
            friction: [zero; 5],
            solref: [zero; 2],
            solref_friction: [zero; 2],
            solimp: [zero; 5],
        };
    }
    match c.pair {
        Some(k) => {
            let p = &mut out.pairs[k];
            p.margin += w.margin;
            p.gap += w.gap;
            add(&mut p.friction, w.friction);
            add(&mut p.solref, w.solref);
            add(&mut p.solref_friction, w.solref_friction);
            add(&mut p.solimp, w.solimp);
        }
        None => mixed_pullback(model, c, &w, out),
    }
}

fn add<R: Real, const N: usize>(own: &mut [R; N], w: [R; N]) {
    own.iter_mut().zip(w).for_each(|(own, w)| *own += w);
}

/// Which of two geoms alone decides, by its priority.
fn preferred<R>(model: &Model<R>, c: &Candidate) -> Option<usize> {
    let [a, b] = c.geoms.map(|g| model.topology.geoms[g].priority);
    match a.cmp(&b) {
        Ordering::Less => Some(1),
        Ordering::Greater => Some(0),
        Ordering::Equal => None,
    }
}

/// How much the first of two geoms counts, `s₁/(s₁ + s₂)`, and the derivative by both weights. A
/// weight that is as good as zero leaves everything to the other; two of them share.
fn share<R: Real>(a: R, b: R) -> (R, [R; 2]) {
    let least = R::from_f64(LEAST_WEIGHT);
    let (first, second) = (a.ge(least), b.ge(least));
    let both = first & second;
    let sum = R::select(both, a + b, R::one());
    let constant = (R::one() + R::select(first, R::one(), R::zero())
        - R::select(second, R::one(), R::zero()))
    .times(0.5);
    let square = R::select(both, R::one(), R::zero()) / (sum * sum);
    (R::select(both, a / sum, constant), [b * square, -(a * square)])
}

/// The shares of two numbers in the one that `first_wins` chooses: at a tie both count half, which is the
/// mean of the derivatives on either side.
fn chosen<R: Real>(first_wins: R::Mask, second_wins: R::Mask) -> [R; 2] {
    let half = R::from_f64(0.5);
    let tie = first_wins & second_wins;
    let a = R::select(tie, half, R::select(first_wins, R::one(), R::zero()));
    [a, R::one() - a]
}

fn weighted<R: Real>([a, b]: [R; 2], [x, y]: [R; 2]) -> R {
    a * x + b * y
}

/// The numbers of two geoms, mixed or those of the preferred one.
fn mixed<R: Real>([a, b]: [&Geom<R>; 2], preferred: Option<usize>) -> Touch<R> {
    let (friction, solref, solimp) = match preferred {
        Some(k) => {
            let g = [a, b][k];
            (g.friction, g.solref, g.solimp)
        }
        None => {
            let w = share(a.solmix, b.solmix).0;
            let w = [w, R::one() - w];
            let largest = |k: usize| {
                let x = [a.friction[k], b.friction[k]];
                weighted(chosen(x[0].ge(x[1]), x[1].ge(x[0])), x)
            };
            let both = is_time(a) & is_time(b);
            let reference = |k: usize| {
                let x = [a.solref[k], b.solref[k]];
                let least = weighted(chosen(x[0].le(x[1]), x[1].le(x[0])), x);
                R::select(both, weighted(w, x), least)
            };
            (
                [0, 1, 2].map(largest),
                [0, 1].map(reference),
                std::array::from_fn(|k| weighted(w, [a.solimp[k], b.solimp[k]])),
            )
        }
    };
    let [slide, spin, roll] = friction;
    Touch {
        margin: a.margin + b.margin,
        gap: a.gap + b.gap,
        friction: [slide, slide, spin, roll, roll],
        solref,
        solref_friction: [R::zero(); 2],
        solimp,
    }
}

/// Whether the reference of a geom is a time constant and a damping ratio.
fn is_time<R: Real>(g: &Geom<R>) -> R::Mask {
    g.solref[0].gt(R::zero())
}

/// The pullback of [`mixed`].
fn mixed_pullback<R: Real>(model: &Model<R>, c: &Candidate, w: &Touch<R>, out: &mut Model<R>) {
    let friction = [w.friction[0] + w.friction[1], w.friction[2], w.friction[3] + w.friction[4]];
    for g in c.geoms {
        out.geoms[g].margin += w.margin;
        out.geoms[g].gap += w.gap;
    }
    if let Some(k) = preferred(model, c) {
        let own = &mut out.geoms[c.geoms[k]];
        add(&mut own.friction, friction);
        add(&mut own.solref, w.solref);
        add(&mut own.solimp, w.solimp);
        return;
    }
    let [a, b] = c.geoms.map(|g| &model.geoms[g]);
    let (s, by_weight) = share(a.solmix, b.solmix);
    let s = [s, R::one() - s];
    let both = is_time(a) & is_time(b);
    let mut by_share = R::zero();
    for k in 0..3 {
        let x = [a.friction[k], b.friction[k]];
        let part: [R; 2] = chosen(x[0].ge(x[1]), x[1].ge(x[0]));
        for n in 0..2 {
            out.geoms[c.geoms[n]].friction[k] += part[n] * friction[k];
        }
    }
    for k in 0..2 {
        let x = [a.solref[k], b.solref[k]];
        let part: [R; 2] = chosen(x[0].le(x[1]), x[1].le(x[0]));
        for n in 0..2 {
            out.geoms[c.geoms[n]].solref[k] += R::select(both, s[n], part[n]) * w.solref[k];
        }
        by_share += R::select(both, w.solref[k] * (x[0] - x[1]), R::zero());
    }
    for k in 0..5 {
        for n in 0..2 {
            out.geoms[c.geoms[n]].solimp[k] += s[n] * w.solimp[k];
        }
        by_share += w.solimp[k] * (a.solimp[k] - b.solimp[k]);
    }
    for n in 0..2 {
        out.geoms[c.geoms[n]].solmix += by_weight[n] * by_share;
    }
}
