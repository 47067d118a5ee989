//! Any two convex shapes: one system of equations for every pair of parts of their surfaces.
//!
//! Each shape is a core with a ball rolled around it: a point, a segment, an ellipsoid, a cylinder, a box, a
//! hull. Along the normal `n` from the first core to the second a part of a core has the supporting point
//! `p(n)` and the flat directions `e_k` in which it goes on: an edge has one, a face two. The signed
//! distance `d` of the cores is then stationary,
//!
//! `p₂(−n) − p₁(n) + Σ ± t_k e_k = d n`,   `n·n = 1`,   `n·e_k = 0`,
//!
//! which has as many equations as unknowns `n, d, t` (the conditions of Karush, Kuhn and Tucker for the
//! distance if `d > 0`, for the least translation that parts the cores if `d < 0`).

use super::{Approach, Placed, Side, corner, direction, plane};
use crate::model::description::Shape;
use crate::number::{Dual, Real, Tangent, Wide};
use crate::spatial::Vec3;

/// The unknowns: three of `n`, then `d`, then two of `t`.
const SIZE: usize = 6;
/// As many worlds as a number may hold.
const WORLDS: usize = 16;
/// A solution has converged when its last step is shorter than this: the next would be its square.
const STEP: f64 = 1e-9;
/// A part of the surface of a core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A vertex, or a point of an edge or of a face: one, two or three corners.
    Corners(Corners),
    /// The surface of an ellipsoid.
    Ellipsoid,
    /// The edge of a cylinder's cap.
    Rim(Side),
    /// A cylinder's cap.
    Cap(Side),
    /// The side of a cylinder.
    Barrel,
}

/// Which body of corners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Solid {
    /// The center of a sphere.
    Point,
    /// The axis of a capsule: its lower end, its upper end.
    Segment,
    /// A box: bit `k` of a corner says that coordinate `k` is positive.
    Box,
    /// The vertices of a hull.
    Hull,
}

/// Up to three corners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corners {
    /// Of what.
    pub of: Solid,
    /// Their numbers.
    pub corners: [u32; 3],
    /// How many count.
    pub count: u8,
}

/// Parts of two cores that face each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facing {
    /// Of the first and of the second core.
    pub parts: [Part; 2],
    /// Nearly along the normal: from here the normal is found.
    pub towards: [i32; 3],
    /// Whether the normal solves the equations; otherwise it is that direction itself, and constant.
    pub solved: bool,
}

impl Solid {
    /// A corner in the axes of the shape.
    #[inline(always)]
    pub(super) fn corner<R: Real>(self, k: u32, shape: &Placed<R>) -> Vec3<R> {
        match self {
            Self::Point => Vec3::zero(),
            Self::Segment => Vec3::unit(2) * shape.size.y.times(if k == 0 { -1.0 } else { 1.0 }),
            Self::Box => corner(k as u8, shape.size),
            Self::Hull => plane::vertex(shape, k),
        }
    }
    /// The corner that is farthest along a direction in the axes of the shape.
    pub(super) fn farthest(self, along: Vec3<f64>, shape: &Placed<f64>) -> u32 {
        let sign = |x: f64, k: u32| u32::from(x > 0.0) << k;
        match self {
            Self::Point => 0,
            Self::Segment => sign(along.z, 0),
            Self::Box => sign(along.x, 0) | sign(along.y, 1) | sign(along.z, 2),
            Self::Hull => {
                let vertices = shape.hull.map_or(&[][..], |hull| &hull.vertices);
                let height = |v: &[f64; 3]| along.dot(Vec3::from(*v));
                let mut best = (f64::NEG_INFINITY, 0);
                for (k, v) in vertices.iter().enumerate() {
                    let h = height(v);
                    if h > best.0 {
                        best = (h, k as u32);
                    }
                }
                best.1
            }
        }
    }
}

impl Part {
    /// The supporting point for an outward normal, from the position of the shape.
    #[inline]
    pub(super) fn point<R: Real>(self, n: Vec3<R>, shape: &Placed<R>) -> Vec3<R> {
        let axis = shape.rotation.z;
        // In the axes of the shape: almost along its own axis, a difference of two vectors would lean.
        let radial = || {
            let [x, y, _] = shape.rotation.columns();
            let u = direction(Vec3::new(x.dot(n), y.dot(n), R::zero()), Vec3::unit(0));
            (x * u.x + y * u.y) * shape.size.x
        };
        let end = |side: Side| axis * shape.size.y.times(side.sign());
        match self {
            Self::Corners(c) => shape.rotation * c.of.corner(c.corners[0], shape),
            Self::Ellipsoid => {
                let u = shape.size.product(shape.rotation.transpose_mul(n));
                shape.rotation * shape.size.product(direction(u, Vec3::unit(2)))
            }
            Self::Rim(side) => end(side) + radial(),
            Self::Cap(side) => end(side),
            Self::Barrel => radial(),
        }
    }
    /// How many flat directions it has.
    pub(super) fn flats(self) -> usize {
        match self {
            Self::Corners(c) => c.count as usize - 1,
            Self::Ellipsoid | Self::Rim(_) => 0,
            Self::Cap(_) => 2,
            Self::Barrel => 1,
        }
    }
    /// Flat direction `k`.
    #[inline]
    fn flat<R: Real>(self, k: usize, shape: &Placed<R>) -> Vec3<R> {
        match self {
            Self::Corners(c) => {
                let at = |k: usize| c.of.corner(c.corners[k], shape);
                shape.rotation * (at(k + 1) - at(0))
            }
            Self::Barrel => shape.rotation.z,
            _ => shape.rotation.columns()[k],
        }
    }
    /// The radius of the ball around the core.
    #[inline(always)]
    fn radius<R: Real>(self, shape: &Placed<R>) -> R {
        match self {
            Self::Corners(Corners { of: Solid::Point | Solid::Segment, .. }) => shape.size.x,
            _ => R::zero(),
        }
    }
    /// How far beyond the part its point is that has these coordinates along the flat directions [m].
    pub(super) fn beyond(self, t: &[f64], shape: &Placed<f64>) -> f64 {
        match self {
            Self::Corners(c) => {
                let length = |k: usize| self.flat(k, shape).norm();
                let count = c.count as usize - 1;
                let rest = 1.0 - t[..count].iter().sum::<f64>();
                let short = |k: usize| -t[k] * length(k);
                let longest = (0..count).map(length).fold(0.0, f64::max);
                (0..count).map(short).fold(-rest * longest, f64::max)
            }
            Self::Cap(_) => (t[0] * t[0] + t[1] * t[1]).sqrt() - shape.size.x,
            Self::Barrel => t[0].abs() - shape.size.y,
            Self::Ellipsoid | Self::Rim(_) => 0.0,
        }
    }
}

/// The part of a core that supports it in a general direction.
pub(super) fn supporting(shape: Shape, n: Vec3<f64>, placed: &Placed<f64>) -> Part {
    match shape {
        Shape::Ellipsoid => Part::Ellipsoid,
        Shape::Cylinder => Part::Rim(Side::of(placed.rotation.z.dot(n))),
        _ => {
            let of = solid(shape);
            let k = of.farthest(placed.rotation.transpose_mul(n), placed);
            Part::Corners(Corners { of, corners: [k; 3], count: 1 })
        }
    }
}

/// The supporting point of a core with the number of its corner.
pub(super) fn extreme(shape: Shape, n: Vec3<f64>, placed: &Placed<f64>) -> (Vec3<f64>, u32) {
    let part = supporting(shape, n, placed);
    let number = if let Part::Corners(c) = part { c.corners[0] } else { 0 };
    (part.point(n, placed), number)
}

/// The corners of a core.
pub(super) fn solid(shape: Shape) -> Solid {
    match shape {
        Shape::Capsule => Solid::Segment,
        Shape::Box => Solid::Box,
        Shape::Mesh(_) => Solid::Hull,
        _ => Solid::Point,
    }
}

/// The two cores, over any number.
pub(super) struct System<'a, R> {
    parts: [Part; 2],
    first: Placed<'a, R>,
    second: Placed<'a, R>,
    pub apart: Vec3<R>,
    /// Those of the first with the opposite sign.
    flats: [Vec3<R>; 2],
    count: usize,
}

impl<'a, R: Real> System<'a, R> {
    pub(super) fn new(parts: [Part; 2], first: &Placed<'a, R>, second: &Placed<'a, R>) -> Self {
        let mut flats = [Vec3::zero(); 2];
        let own = parts.map(Part::flats);
        for (k, flat) in flats.iter_mut().enumerate().take(own[0] + own[1]) {
            *flat = match k < own[0] {
                true => -parts[0].flat(k, first),
                false => parts[1].flat(k - own[0], second),
            };
        }
        let apart = second.position - first.position;
        Self { parts, first: *first, second: *second, apart, flats, count: own[0] + own[1] }
    }
    /// The points on the cores, from the position of the first shape.
    pub(super) fn points(&self, n: Vec3<R>, t: [R; 2]) -> [Vec3<R>; 2] {
        let mut points =
            [self.parts[0].point(n, &self.first), self.apart + self.parts[1].point(-n, &self.second)];
        for k in 0..self.count {
            let step = self.flats[k] * t[k];
            match k < self.parts[0].flats() {
                true => points[0] -= step,
                false => points[1] += step,
            }
        }
        points
    }
    /// What the equations leave over.
    fn residual(&self, x: &[R; SIZE]) -> [R; SIZE] {
        let (n, d, t) = unpack(x);
        let [a, b] = self.points(n, t);
        let [x, y, z] = (b - a - n * d).to_array();
        let mut out = [x, y, z, (n.dot(n) - R::one()).times(0.5), t[0], t[1]];
        for k in 0..self.count {
            out[4 + k] = n.dot(self.flats[k]);
        }
        out
    }
}

#[inline(always)]
pub(super) fn unpack<R: Real>(x: &[R; SIZE]) -> (Vec3<R>, R, [R; 2]) {
    (Vec3::new(x[0], x[1], x[2]), x[3], [x[4], x[5]])
}

/// The inverse of a matrix by elimination with the largest pivots; a direction that the equations leave open
/// is left alone.
fn inverse(mut m: [[f64; SIZE]; SIZE]) -> [[f64; SIZE]; SIZE] {
    let mut out = [[0.0; SIZE]; SIZE];
    let mut work: [[f64; SIZE]; SIZE] = std::array::from_fn(|i| std::array::from_fn(|j| f64::from(i == j)));
    let mut free = [(true, true); SIZE];
    let mut found = [(0, 0); SIZE];
    let mut rank = 0;
    let mut largest = 0.0;
    while rank < SIZE {
        let mut best = (0.0, 0, 0);
        for i in (0..SIZE).filter(|i| free[*i].0) {
            for j in (0..SIZE).filter(|j| free[*j].1) {
                if m[i][j].abs() > best.0 {
                    best = (m[i][j].abs(), i, j);
                }
            }
        }
        let (size, i, j) = best;
        largest = f64::max(largest, size);
        if size <= 1e-13 * largest {
            break;
        }
        (free[i].0, free[j].1) = (false, false);
        let scale = 1.0 / m[i][j];
        m[i] = m[i].map(|x| x * scale);
        work[i] = work[i].map(|x| x * scale);
        let (pivot, right) = (m[i], work[i]);
        for k in (0..SIZE).filter(|k| *k != i) {
            let factor = m[k][j];
            for c in 0..SIZE {
                m[k][c] -= factor * pivot[c];
                work[k][c] -= factor * right[c];
            }
        }
        found[rank] = (i, j);
        rank += 1;
    }
    for (i, j) in &found[..rank] {
        out[*j] = work[*i];
    }
    out
}

/// The solution near a direction in one world, or the direction itself where there is none.
pub(super) struct Solution {
    pub x: [f64; SIZE],
    pub converged: bool,
}

impl System<'_, f64> {
    /// Residual and Jacobian.
    fn linear(&self, x: &[f64; SIZE]) -> ([f64; SIZE], [[f64; SIZE]; SIZE]) {
        let wide = System {
            parts: self.parts,
            first: self.first.map(Wide::<f64>::constant),
            second: self.second.map(Dual::constant),
            apart: self.apart.map(Dual::constant),
            flats: self.flats.map(|e| e.map(Dual::constant)),
            count: self.count,
        };
        let y = wide.residual(&std::array::from_fn(|k| Dual::variable(x[k], k)));
        (y.map(|y| y.value), y.map(|y| std::array::from_fn(|k| y.tangent.get(k))))
    }
    /// The unknowns for a direction, as nearly across all flat directions as it can be.
    fn start(&self, towards: Vec3<f64>) -> [f64; SIZE] {
        let [e, f] = self.flats;
        let across = match self.count {
            0 => towards,
            1 => towards - e * (e.dot(towards) / e.dot(e).max(f64::MIN_POSITIVE)),
            _ => e.cross(f) * f64::copysign(1.0, e.cross(f).dot(towards)),
        };
        // Parallel flat directions leave the normal open.
        let flat = self.count == 2 && across.dot(across) <= 1e-24 * e.dot(e) * f.dot(f);
        let across = if flat { towards - e * (e.dot(towards) / e.dot(e)) } else { across };
        let n = direction(across, direction(towards, Vec3::unit(2)));
        let [a, b] = self.points(n, [0.0; 2]);
        let [n0, n1, n2] = n.to_array();
        [n0, n1, n2, n.dot(b - a), 0.0, 0.0]
    }
    /// Newton's method.
    pub(super) fn solve(&self, towards: Vec3<f64>) -> Solution {
        let start = self.start(towards);
        let mut x = start;
        for _ in 0..16 {
            let (r, jacobian) = self.linear(&x);
            let step = product(&inverse(jacobian), &r);
            for (x, s) in x.iter_mut().zip(step) {
                *x -= s;
            }
            let size = step.iter().fold(0.0, |m: f64, s| m.max(s.abs()));
            if size < STEP {
                return Solution { x, converged: true };
            }
        }
        Solution { x: start, converged: false }
    }
}

fn product<R: Real>(m: &[[R; SIZE]; SIZE], x: &[R; SIZE]) -> [R; SIZE] {
    m.map(|row| row.iter().zip(x).fold(R::zero(), |sum, (m, x)| sum + *m * *x))
}

/// The solution on any number: in every world its own, then one step per level of derivatives with the
/// plain inverse, each of which makes one more level right.
fn solution<R: Real>(facing: &Facing, system: &System<'_, R>) -> [R; SIZE] {
    let towards = Vec3::from(facing.towards.map(f64::from));
    let (mut x, mut inverses) = ([[0.0; SIZE]; WORLDS], [[[0.0; SIZE]; SIZE]; WORLDS]);
    for k in 0..R::LANES.min(WORLDS) {
        let [first, second] = [&system.first, &system.second].map(|p| p.map(|x| x.lane(k)));
        let own = System::new(facing.parts, &first, &second);
        let towards = direction(towards, Vec3::unit(2));
        let found = match facing.solved {
            true => own.solve(towards),
            false => Solution { x: own.start(towards), converged: false },
        };
        x[k] = found.x;
        if R::ORDER > 0 && found.converged {
            inverses[k] = inverse(own.linear(&found.x).1);
        }
    }
    let mut out: [R; SIZE] = std::array::from_fn(|i| R::from_lanes(|k| x[k][i]));
    if R::ORDER > 0 {
        let inverse = std::array::from_fn(|i| std::array::from_fn(|j| R::from_lanes(|k| inverses[k][i][j])));
        for _ in 0..R::ORDER {
            let step = product(&inverse, &system.residual(&out));
            for (x, s) in out.iter_mut().zip(step) {
                *x -= s;
            }
        }
    }
    out
}

/// Distance, point and normal of two parts.
pub(super) fn approach<R: Real>(facing: &Facing, first: &Placed<R>, second: &Placed<R>) -> Approach<R> {
    let system = System::new(facing.parts, first, second);
    let (normal, _, t) = unpack(&solution(facing, &system));
    let [a, b] = system.points(normal, t);
    // What `d` is too, but also right along a fixed direction where no solution was found.
    let d = normal.dot(b - a);
    let radii = [facing.parts[0].radius(first), facing.parts[1].radius(second)];
    let point = first.position + (a + b + normal * (radii[0] - radii[1])).times(0.5);
    Approach { distance: d - radii[0] - radii[1], point, normal }
}
