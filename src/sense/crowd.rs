//! What can be measured on particles.

use super::Quantity;
use crate::model::Topology;
use crate::number::Real;
use crate::number::smooth::{safe_div, safe_sqrt};
use crate::spatial::Vec3;

/// Some particles, by their numbers in the state: coordinate `c` of particle `k` is entry
/// `first + between k + apart axis`, with the axis of `c` in this world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crowd {
    /// Of the first coordinate of the first one.
    pub first: usize,
    /// How many they are.
    pub count: usize,
    /// From one to the next.
    pub between: usize,
    /// From one coordinate to the next.
    pub apart: usize,
    /// Whether there are but two coordinates, x and z.
    pub planar: bool,
}

impl Crowd {
    fn entry(&self, k: usize, axis: usize) -> usize {
        self.first + self.between * k + self.apart * axis
    }
    /// Which coordinates there are, or the only one that is asked for, and where.
    fn axes(&self, only: Option<usize>) -> impl Iterator<Item = (usize, usize)> + use<> {
        let planar = self.planar;
        let all =
            (0..if planar { 2 } else { 3 }).map(move |axis| (if planar { 2 * axis } else { axis }, axis));
        all.filter(move |(c, _)| only.is_none_or(|only| only == *c))
    }
    /// The entry of a coordinate if there is but one particle, as in most of what a network sees.
    #[inline(always)]
    pub(super) fn single(&self, only: Option<usize>) -> Option<(usize, usize)> {
        let c = only.filter(|_| self.count == 1 && !self.planar)?;
        Some((c, self.entry(0, c)))
    }
    /// The mean of all; a coordinate that is not there, or not asked for, is zero.
    pub(super) fn mean<R: Real>(&self, all: &[R], only: Option<usize>) -> Vec3<R> {
        let mut out = [R::zero(); 3];
        for (c, axis) in self.axes(only) {
            let sum = (0..self.count).fold(R::zero(), |sum, k| sum + all[self.entry(k, axis)]);
            out[c] = sum.times(1.0 / self.count as f64);
        }
        Vec3::from(out)
    }
    /// The pullback of [`Crowd::mean`]: adds to `out`.
    pub(super) fn mean_pullback<R: Real>(&self, w: Vec3<R>, only: Option<usize>, out: &mut [R]) {
        let share = w.times(1.0 / self.count as f64).to_array();
        for (c, axis) in self.axes(only) {
            (0..self.count).for_each(|k| out[self.entry(k, axis)] += share[c]);
        }
    }
    /// The standard deviation of each coordinate.
    pub(super) fn spread<R: Real>(&self, all: &[R], only: Option<usize>) -> Vec3<R> {
        let mean = self.mean(all, only).to_array();
        let mut out = [R::zero(); 3];
        for (c, axis) in self.axes(only) {
            let square = |sum: R, k: usize| sum + (all[self.entry(k, axis)] - mean[c]).square();
            let sum = (0..self.count).fold(R::zero(), square);
            out[c] = safe_sqrt(sum.times(1.0 / self.count as f64));
        }
        Vec3::from(out)
    }
    /// The pullback of [`Crowd::spread`]: adds to `out`.
    pub(super) fn spread_pullback<R: Real>(&self, all: &[R], w: Vec3<R>, only: Option<usize>, out: &mut [R]) {
        let (mean, spread) = (self.mean(all, only).to_array(), self.spread(all, only).to_array());
        for (c, axis) in self.axes(only) {
            let share = safe_div(w.to_array()[c].times(1.0 / self.count as f64), spread[c]);
            for k in 0..self.count {
                let entry = self.entry(k, axis);
                out[entry] += share * (all[entry] - mean[c]);
            }
        }
    }
    /// `½ Σ x_k z_{k+1} − x_{k+1} z_k`, of a polygon of points in the plane of x and z.
    pub(super) fn area<R: Real>(&self, all: &[R]) -> R {
        let corner = |k: usize| [0, 2].map(|axis| all[self.entry(k % self.count, axis)]);
        let part = |sum: R, k: usize| {
            let ([a, b], [c, d]) = (corner(k), corner(k + 1));
            sum + (a * d - c * b)
        };
        (0..self.count).fold(R::zero(), part).times(0.5)
    }
    /// The pullback of [`Crowd::area`]: adds to `out`.
    pub(super) fn area_pullback<R: Real>(&self, all: &[R], w: R, out: &mut [R]) {
        let half = w.times(0.5);
        let corner = |k: usize, axis: usize| all[self.entry(k % self.count, axis)];
        for k in 0..self.count {
            let (next, last) = (k + 1, k + self.count - 1);
            out[self.entry(k, 0)] += half * (corner(next, 2) - corner(last, 2));
            out[self.entry(k, 2)] += half * (corner(last, 0) - corner(next, 0));
        }
    }
}

/// Of bodies of particles: the centre, its velocity, each point, and the area of few points.
pub fn known_particles(t: &Topology) -> Vec<(String, Quantity)> {
    let layout = &t.particles;
    let mut out = Vec::new();
    let mut add = |name: String, crowd: Crowd| {
        for (coordinate, end) in [(None, ""), (Some(0), ".x"), (Some(1), ".y"), (Some(2), ".z")] {
            out.push((format!("{name}{end}"), Quantity::Particles { crowd, from: None, coordinate }));
        }
    };
    for (name, body) in layout.names.iter().zip(&layout.points) {
        let crowd = |first, count| Crowd { first, count, between: 3, apart: 1, planar: false };
        let (first, count) = (body.points.start, body.points.len());
        add(format!("points.{name}.center"), crowd(layout.position(first), count));
        add(format!("points.{name}.velocity"), crowd(layout.velocity(first), count));
        for p in 0..count {
            add(format!("points.{name}.position[{p}]"), crowd(layout.position(first + p), 1));
            add(format!("points.{name}.velocity[{p}]"), crowd(layout.velocity(first + p), 1));
        }
    }
    for (name, body) in layout.names.iter().zip(&layout.points).filter(|(_, body)| body.points.len() > 2) {
        let first = layout.position(body.points.start);
        let crowd = Crowd { first, count: body.points.len(), between: 3, apart: 1, planar: false };
        out.push((format!("points.{name}.area"), Quantity::Area(crowd)));
    }
    out.extend(known_matter(t));
    out
}

/// Of bodies of matter, and of all matter together: centre, velocity and spread.
fn known_matter(t: &Topology) -> Vec<(String, Quantity)> {
    let layout = &t.particles;
    let Some(continuum) = &layout.continuum else { return Vec::new() };
    let (n, d, first) = (continuum.count(), continuum.dimension, layout.first_of_matter());
    let bodies = layout.matter.iter().map(|m| (format!("matter.{}", m.name), m.particles.clone()));
    let all = std::iter::once(("matter".to_owned(), 0..n));
    let mut out = Vec::new();
    for (name, own) in bodies.chain(all) {
        let crowd = |component: usize| Crowd {
            first: first + component * n + own.start,
            count: own.len(),
            between: 1,
            apart: n,
            planar: d == 2,
        };
        for (coordinate, end) in [(None, ""), (Some(0), ".x"), (Some(1), ".y"), (Some(2), ".z")] {
            let of = |crowd| Quantity::Particles { crowd, from: None, coordinate };
            out.push((format!("{name}.center{end}"), of(crowd(0))));
            out.push((format!("{name}.velocity{end}"), of(crowd(d))));
            out.push((format!("{name}.spread{end}"), Quantity::Spread { crowd: crowd(0), coordinate }));
        }
    }
    out
}
