//! The direction that parts two convex shapes farthest, from directions all around.
//!
//! Slow and sure: for the few pairs, deep in each other or nearly round, in which the quick search ends too far from
//! the answer.

use super::Placed;
use super::convex::extreme;
use crate::model::description::Shape;
use crate::spatial::Vec3;

/// Directions all around, besides the axes of both shapes.
const AROUND: usize = 96;
/// As many of them are followed uphill.
const FOLLOWED: usize = 3;
/// The first and the last turn of that [rad], and as many looks at most.
const TURNS: [f64; 2] = [0.15, 1e-7];
const LOOKS: usize = 300;

/// Two cores.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    pub shapes: [Shape; 2],
    pub placed: [&'a Placed<'a, f64>; 2],
}

impl Pair<'_> {
    /// How far the direction `n` parts the cores: `n · (p₂(−n) − p₁(n))` [m].
    pub fn parting(&self, n: Vec3<f64>) -> f64 {
        let [one, two] = self.placed;
        let a = extreme(self.shapes[0], n, one).0;
        let b = two.position - one.position + extreme(self.shapes[1], -n, two).0;
        n.dot(b - a)
    }

    /// The direction that parts them farthest, to a few digits.
    pub fn farthest(&self, near: Vec3<f64>) -> Vec3<f64> {
        let [one, two] = self.placed;
        let apart = two.position - one.position;
        let axes = one.rotation.columns().into_iter().chain(two.rotation.columns());
        let special = axes.chain([apart, near]).flat_map(|n| [n, -n]);
        let all = special.chain((0..AROUND).map(spiral)).filter(|n| n.dot(*n) > 1e-24);
        let mut best = [(f64::NEG_INFINITY, near); FOLLOWED];
        for n in all {
            let n = n * (1.0 / n.norm());
            let found = (self.parting(n), n);
            if let Some(k) = best.iter().position(|b| found.0 > b.0) {
                best[k..].rotate_right(1);
                best[k] = found;
            }
        }
        let risen = best.map(|(value, n)| self.uphill(value, n));
        risen.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)).map_or(near, |(_, n)| n)
    }

    /// A compass search: turns to whatever is higher, by less and less.
    fn uphill(&self, mut value: f64, mut n: Vec3<f64>) -> (f64, Vec3<f64>) {
        let (mut turn, mut looks) = (TURNS[0], 0);
        while turn > TURNS[1] && looks < LOOKS {
            let [t1, t2] = tangents(n);
            let around = [t1, -t1, t2, -t2].map(|t| {
                let to = n + t * turn;
                let to = to * (1.0 / to.norm());
                (self.parting(to), to)
            });
            looks += 4;
            let highest = around.into_iter().max_by(|a, b| a.0.total_cmp(&b.0));
            match highest.filter(|h| h.0 > value) {
                Some(higher) => {
                    (value, n) = higher;
                    turn *= 1.5;
                }
                None => turn *= 0.4,
            }
        }
        (value, n)
    }
}

/// A direction and four close to it, whose corners surround it.
pub(super) fn around(n: Vec3<f64>) -> [Vec3<f64>; 5] {
    let [t1, t2] = tangents(n).map(|t| t * 1e-3);
    [n, n + t1, n - t1, n + t2, n - t2]
}

/// Two directions across another.
fn tangents(n: Vec3<f64>) -> [Vec3<f64>; 2] {
    let other = if n.x.abs() < 0.6 { Vec3::unit(0) } else { Vec3::unit(1) };
    let t = n.cross(other);
    let t = t * (1.0 / t.norm());
    [t, n.cross(t)]
}

/// Direction `k` of a spiral around the sphere, by golden sections of its turns.
fn spiral(k: usize) -> Vec3<f64> {
    let z = 1.0 - (2 * k + 1) as f64 / AROUND as f64;
    let (sin, cos) = (k as f64 * std::f64::consts::PI * (3.0 - 5f64.sqrt())).sin_cos();
    let r = (1.0 - z * z).sqrt();
    Vec3::new(r * cos, r * sin, z)
}
