//! Shapes as they look from one side: outline, tones of light, and what hides what.

use std::collections::HashSet;
use std::f64::consts::{PI, TAU};

use super::camera::Camera;
use crate::model::description::{Mesh, Shape};
use crate::spatial::{Pose, Vec3};

type Point = Vec3<f64>;

/// A shape before it is looked at: points with outward normals, and flat faces.
#[derive(Clone, Debug)]
pub struct Solid {
    /// Red, green, blue, opacity.
    pub color: [f64; 4],
    round: Vec<(Point, Point)>,
    faces: Vec<Vec<Point>>,
    /// Whether a face of it can hide another.
    hollow: bool,
    /// Whether only the nearer side takes tones: true of shapes whose tones are not nested ovals.
    banded: bool,
}

/// A solid as a camera sees it. Third coordinates point at the viewer.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The silhouette, counter-clockwise; empty for a mesh.
    pub outline: Vec<[f64; 2]>,
    /// From the first to the last to be drawn.
    pub regions: Vec<Region>,
    pub color: [f64; 4],
    /// Lowest and highest corner.
    pub bounds: [[f64; 2]; 2],
    planes: Vec<(Point, f64)>,
    triangles: Vec<[Point; 3]>,
}

/// A polygon of one tone.
#[derive(Clone, Debug)]
pub struct Region {
    pub polygon: Vec<[f64; 2]>,
    /// The cosine between its normal and the light.
    pub tone: f64,
    /// Those of its sides that are drawn as lines.
    pub edges: Vec<[[f64; 2]; 2]>,
}

/// Steps round a circle.
const ROUND: usize = 32;
/// How many tones a round shape takes.
const TONES: usize = 14;
/// The most triangles drawn of a mesh; finer ones are merged.
const MOST_TRIANGLES: usize = 2500;

/// Where the light comes from, as the viewer sees it: from above, left, and behind the viewer.
fn light() -> Point {
    let l = Vec3::new(-0.4, 0.6, 0.7);
    l * (1.0 / l.norm())
}

impl Solid {
    /// The solid of a geom; none for a plane.
    pub fn new(shape: Shape, size: Point, pose: Pose<f64>, color: [f64; 4], meshes: &[Mesh]) -> Option<Self> {
        let mut solid = Self { color, round: Vec::new(), faces: Vec::new(), hollow: false, banded: false };
        match shape {
            Shape::Plane => return None,
            Shape::Sphere => solid.round = ball(Vec3::new(size.x, size.x, size.x), 0.0),
            Shape::Ellipsoid => solid.round = ball(size, 0.0),
            Shape::Capsule => solid.round = ball(Vec3::new(size.x, size.x, size.x), size.y),
            Shape::Cylinder => {
                let rim = |z: f64| circle().map(move |(c, s)| Vec3::new(size.x * c, size.x * s, z));
                solid.round = circle().flat_map(|(c, s)| side(size.x, size.y, c, s)).collect();
                let top = rim(size.y).collect();
                let bottom: Vec<Point> = rim(-size.y).collect();
                solid.faces = vec![top, bottom.into_iter().rev().collect()];
                solid.banded = true;
            }
            Shape::Box => solid.faces = box_faces(size),
            Shape::Mesh(m) => {
                solid.faces = mesh_faces(&meshes[m]);
                solid.hollow = true;
            }
        }
        for (p, n) in &mut solid.round {
            (*p, *n) = (pose.point(*p), pose.rotation.rotate(*n));
        }
        for p in solid.faces.iter_mut().flatten() {
            *p = pose.point(*p);
        }
        Some(solid)
    }

    /// A thin rod between two points: a piece of a tendon.
    pub fn rod(from: Point, to: Point, radius: f64, color: [f64; 4]) -> Option<Self> {
        let along = to - from;
        let length = along.norm();
        let pose = Pose { position: (from + to) * 0.5, rotation: crate::spatial::rotation_z_to(along) };
        let size = Vec3::new(radius, 0.5 * length, 0.0);
        if length > 0.0 { Self::new(Shape::Capsule, size, pose, color, &[]) } else { None }
    }

    pub fn points(&self) -> impl Iterator<Item = Point> {
        self.round.iter().map(|(p, _)| *p).chain(self.faces.iter().flatten().copied())
    }

    pub fn seen(&self, camera: &Camera) -> Seen {
        let round: Vec<_> = self.round.iter().map(|(p, n)| (camera.see(*p), camera.turn(*n))).collect();
        let faces: Vec<Vec<Point>> =
            self.faces.iter().map(|f| f.iter().map(|p| camera.see(*p)).collect()).collect();
        let all: Vec<[f64; 2]> =
            round.iter().map(|(p, _)| flat(*p)).chain(faces.iter().flatten().map(|p| flat(*p))).collect();
        let fold = |f: fn(f64, f64) -> f64, k: usize| all.iter().map(|p| p[k]).reduce(f).unwrap_or(0.0);
        let bounds = [[fold(f64::min, 0), fold(f64::min, 1)], [fold(f64::max, 0), fold(f64::max, 1)]];
        let mut regions = Vec::new();
        let outline = if self.hollow { Vec::new() } else { hull(all) };
        if !round.is_empty() {
            regions.extend(self.round_regions(&round, &outline));
        }
        regions.extend(self.face_regions(&faces));
        let mut planes = Vec::new();
        let mut triangles = Vec::new();
        if self.hollow {
            triangles = faces.iter().map(|f| [f[0], f[1], f[2]]).collect();
        } else {
            planes.extend(round.iter().map(|(p, n)| (*n, n.dot(*p))));
            planes.extend(faces.iter().map(|f| (normal(f), normal(f).dot(f[0]))));
        }
        Seen { outline, regions, color: self.color, bounds, planes, triangles }
    }

    /// Nested regions, each nearer to the light.
    ///
    /// The part of a ball that the light meets at more than a given slope is a cap, and its image is
    /// convex: the hull of its points.
    fn round_regions(&self, round: &[(Point, Point)], outline: &[[f64; 2]]) -> Vec<Region> {
        let region = |polygon, tone| Region { polygon, tone, edges: Vec::new() };
        let mut out = vec![region(outline.to_vec(), -0.3)];
        for k in 1..TONES {
            let slope = -0.3 + 1.27 * k as f64 / TONES as f64;
            let lit = round.iter().filter(|(_, n)| n.dot(light()) >= slope && (!self.banded || n.z >= 0.0));
            let polygon = hull(lit.map(|(p, _)| flat(*p)).collect());
            if polygon.len() > 2 {
                out.push(region(polygon, slope));
            }
        }
        out
    }

    /// The faces that look at the viewer, from the farthest to the nearest. A mesh shows only those
    /// edges beyond which nothing of it looks at the viewer; any other solid shows all.
    fn face_regions(&self, faces: &[Vec<Point>]) -> Vec<Region> {
        let depth = |f: &[Point]| f.iter().map(|p| p.z).sum::<f64>() / f.len() as f64;
        let mut shown: Vec<&Vec<Point>> = faces.iter().filter(|f| normal(f).z > 1e-9).collect();
        shown.sort_by(|a, b| depth(a).total_cmp(&depth(b)));
        let shared = if self.hollow { shared_edges(&shown) } else { HashSet::new() };
        let region = |face: &Vec<Point>| Region {
            polygon: face.iter().map(|p| flat(*p)).collect(),
            tone: normal(face).dot(light()),
            edges: sides(face)
                .filter(|(a, b)| !shared.contains(&edge_name(*a, *b)))
                .map(|(a, b)| [flat(a), flat(b)])
                .collect(),
        };
        shown.into_iter().map(region).collect()
    }
}

impl Seen {
    /// How near to the viewer its surface is at a point of the picture, if it is there.
    pub fn front(&self, at: [f64; 2]) -> Option<f64> {
        if !self.triangles.is_empty() {
            let depths = self.triangles.iter().filter_map(|t| depth_in(t, at));
            return depths.reduce(f64::max);
        }
        let (mut front, mut back) = (f64::INFINITY, f64::NEG_INFINITY);
        for (n, d) in &self.planes {
            let rest = d - n.x * at[0] - n.y * at[1];
            if n.z > 1e-9 {
                front = front.min(rest / n.z);
            } else if n.z < -1e-9 {
                back = back.max(rest / n.z);
            } else if rest < 0.0 {
                return None;
            }
        }
        (front >= back).then_some(front)
    }

    /// How much nearer to the viewer it is than another where both are, summed over a grid: above zero if it hides
    /// a part of the other, below zero if the other hides a part of it.
    pub fn nearer(&self, other: &Self) -> f64 {
        let lo = [0, 1].map(|k| self.bounds[0][k].max(other.bounds[0][k]));
        let hi = [0, 1].map(|k| self.bounds[1][k].min(other.bounds[1][k]));
        if lo[0] >= hi[0] || lo[1] >= hi[1] {
            return 0.0;
        }
        const GRID: usize = 7;
        let mut balance = 0.0;
        for i in 0..GRID * GRID {
            let u = [(i % GRID) as f64 + 0.5, (i / GRID) as f64 + 0.5].map(|x| x / GRID as f64);
            let at = [0, 1].map(|k| lo[k] + u[k] * (hi[k] - lo[k]));
            if let Some(own) = self.front(at)
                && let Some(others) = other.front(at)
            {
                balance += own - others;
            }
        }
        balance
    }
}

/// The order in which to draw solids so that nearer ones cover farther ones.
pub fn back_to_front(all: &[Seen]) -> Vec<usize> {
    let mut hidden_by: Vec<Vec<usize>> = vec![Vec::new(); all.len()];
    for a in 0..all.len() {
        for b in 0..a {
            let nearer = all[a].nearer(&all[b]);
            if nearer > 0.0 {
                hidden_by[b].push(a);
            } else if nearer < 0.0 {
                hidden_by[a].push(b);
            }
        }
    }
    let mut waiting: Vec<usize> = hidden_by.iter().map(Vec::len).collect();
    let mut order = Vec::new();
    // From the nearest to the farthest; a ring of solids that hide each other is cut anywhere.
    while order.len() < all.len() {
        let next =
            (0..all.len()).filter(|k| !order.contains(k)).min_by_key(|&k| waiting[k]).expect("one is left");
        order.push(next);
        for (k, by) in hidden_by.iter().enumerate() {
            if by.contains(&next) {
                waiting[k] = waiting[k].saturating_sub(1);
            }
        }
    }
    order.reverse();
    order
}

pub fn flat(p: Point) -> [f64; 2] {
    [p.x, p.y]
}

fn circle() -> impl Iterator<Item = (f64, f64)> {
    (0..ROUND).map(|k| (TAU * k as f64 / ROUND as f64).sin_cos()).map(|(s, c)| (c, s))
}

/// Points and normals of an ellipsoid whose halves are drawn apart by `half` along z.
fn ball(size: Point, half: f64) -> Vec<(Point, Point)> {
    let mut out = Vec::new();
    let rings = ROUND / 2;
    for ring in 0..=rings {
        let (s, c) = (PI * ring as f64 / rings as f64).sin_cos();
        let shifts = if half == 0.0 { vec![0.0] } else { vec![half, -half] };
        // The two halves of a capsule share the rings of its waist only.
        for shift in shifts.into_iter().filter(|shift| shift * c >= -1e-12) {
            for (x, y) in circle() {
                let unit = Vec3::new(s * x, s * y, c);
                let n = Vec3::new(unit.x / size.x, unit.y / size.y, unit.z / size.z);
                let p = Vec3::new(size.x * unit.x, size.y * unit.y, size.z * unit.z + shift);
                out.push((p, n * (1.0 / n.norm())));
            }
        }
    }
    out
}

fn side(radius: f64, half: f64, c: f64, s: f64) -> [(Point, Point); 2] {
    [half, -half].map(|z| (Vec3::new(radius * c, radius * s, z), Vec3::new(c, s, 0.0)))
}

fn box_faces(size: Point) -> Vec<Vec<Point>> {
    let size = size.to_array();
    let corner = |axis: usize, sign: f64, u: f64, v: f64| {
        let mut p = [0.0; 3];
        p[axis] = sign * size[axis];
        p[(axis + 1) % 3] = u * size[(axis + 1) % 3];
        p[(axis + 2) % 3] = v * size[(axis + 2) % 3];
        Vec3::from(p)
    };
    let face = |axis: usize, sign: f64| {
        let mut f = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]
            .map(|(u, v)| corner(axis, sign, u, v))
            .to_vec();
        if sign < 0.0 {
            f.reverse();
        }
        f
    };
    (0..3).flat_map(|axis| [face(axis, 1.0), face(axis, -1.0)]).collect()
}

/// The triangles of a mesh, merged on a grid if there are too many to draw.
fn mesh_faces(mesh: &Mesh) -> Vec<Vec<Point>> {
    let place = |vertices: &[Point]| -> Vec<Vec<Point>> {
        let corner = |t: &[u32; 3]| t.map(|k| vertices[k as usize]).to_vec();
        let area = |f: &Vec<Point>| (f[1] - f[0]).cross(f[2] - f[0]).norm();
        mesh.triangles.iter().map(corner).filter(|f| area(f) > 0.0).collect()
    };
    let exact: Vec<Point> = mesh.vertices.iter().map(|v| Vec3::from(*v)).collect();
    let mut faces = place(&exact);
    let size = exact.iter().flat_map(|v| v.to_array()).fold(0.0, |m: f64, x| m.max(x.abs()));
    let mut cells = 48.0;
    while faces.len() > MOST_TRIANGLES && cells > 4.0 {
        let grid = size / cells;
        let merged: Vec<Point> = exact.iter().map(|v| v.map(|x| (x / grid).round() * grid)).collect();
        faces = place(&merged);
        cells *= 0.75;
    }
    faces
}

fn normal(face: &[Point]) -> Point {
    let n = (face[1] - face[0]).cross(face[2] - face[0]);
    n * (1.0 / n.norm().max(1e-300))
}

/// The ends of an edge, whichever way it goes.
type EdgeName = [[u64; 3]; 2];

fn edge_name(a: Point, b: Point) -> EdgeName {
    let mut ends = [a, b].map(|p| p.to_array().map(f64::to_bits));
    ends.sort_unstable();
    ends
}

fn sides(face: &[Point]) -> impl Iterator<Item = (Point, Point)> {
    (0..face.len()).map(|k| (face[k], face[(k + 1) % face.len()]))
}

/// Edges with one of the faces on either side.
fn shared_edges(faces: &[&Vec<Point>]) -> HashSet<EdgeName> {
    let (mut once, mut twice) = (HashSet::new(), HashSet::new());
    for (a, b) in faces.iter().flat_map(|f| sides(f)) {
        let name = edge_name(a, b);
        if !once.insert(name) {
            twice.insert(name);
        }
    }
    twice
}

/// The depth of a triangle at a point of the picture inside it.
fn depth_in(t: &[Point; 3], at: [f64; 2]) -> Option<f64> {
    let cross = |a: Point, b: Point| (b.x - a.x) * (at[1] - a.y) - (b.y - a.y) * (at[0] - a.x);
    let w = [cross(t[1], t[2]), cross(t[2], t[0]), cross(t[0], t[1])];
    let sum: f64 = w.iter().sum();
    let inside = sum > 0.0 && w.iter().all(|x| *x >= 0.0);
    inside.then(|| (w[0] * t[0].z + w[1] * t[1].z + w[2] * t[2].z) / sum)
}

/// The convex hull of points, counter-clockwise (Andrew's monotone chain).
pub fn hull(mut points: Vec<[f64; 2]>) -> Vec<[f64; 2]> {
    points.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    points.dedup();
    if points.len() < 3 {
        return points;
    }
    let turn =
        |a: [f64; 2], b: [f64; 2], c: [f64; 2]| (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
    let chain = |points: &mut dyn Iterator<Item = [f64; 2]>| {
        let mut out: Vec<[f64; 2]> = Vec::new();
        for p in points {
            while out.len() > 1 && turn(out[out.len() - 2], out[out.len() - 1], p) <= 0.0 {
                out.pop();
            }
            out.push(p);
        }
        out.pop();
        out
    };
    let mut out = chain(&mut points.iter().copied());
    out.extend(chain(&mut points.iter().rev().copied()));
    out
}
