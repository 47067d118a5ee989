//! The least translation that parts two convex shapes.
//!
//! It leads from the origin to the nearest face of the difference of both shapes. A polytope inside the
//! difference grows where its nearest face is not yet one of the difference (van den Bergen 2001).

use super::closest::{Meeting, Vertex};
use crate::spatial::Vec3;

/// As many vertices as the polytope may have.
const VERTICES: usize = 128;
/// As many faces as that makes, and a few more while it grows.
const FACES: usize = 2 * VERTICES + 8;

/// A triangle of the polytope.
#[derive(Clone, Copy)]
struct Face {
    corners: [u8; 3],
    /// Outward.
    normal: Vec3<f64>,
    /// The distance of its plane from the origin.
    offset: f64,
}

struct Polytope {
    vertices: [Vertex; VERTICES],
    count: usize,
    faces: [Face; FACES],
    faced: usize,
}

impl Polytope {
    /// Four vertices that span a volume.
    fn new(farthest: &impl Fn(Vec3<f64>) -> Vertex) -> Option<Self> {
        let farther = |n: Vec3<f64>, from: Vertex| {
            let both = [farthest(n), farthest(-n)];
            let way = both.map(|v| n.dot(v.place - from.place).abs());
            if way[0] >= way[1] { (both[0], way[0]) } else { (both[1], way[1]) }
        };
        let a = farthest(Vec3::unit(0));
        let b = farthest(-Vec3::unit(0));
        let along = b.place - a.place;
        let least = [along.x, along.y, along.z].map(f64::abs);
        let k = (0..3).fold(0, |best, k| if least[k] < least[best] { k } else { best });
        let (c, _) = farther(along.cross(Vec3::unit(k)), a);
        let normal = along.cross(c.place - a.place);
        let (d, height) = farther(normal, a);
        if height <= 1e-12 * along.norm() * normal.norm() {
            return None;
        }
        let empty = Face { corners: [0; 3], normal: Vec3::zero(), offset: 0.0 };
        let mut p = Self { vertices: [a; VERTICES], count: 4, faces: [empty; FACES], faced: 0 };
        p.vertices[..4].copy_from_slice(&[a, b, c, d]);
        // The first triangle looks away from the fourth vertex.
        let above = normal.dot(d.place - a.place) > 0.0;
        for [i, j, k] in [[0, 1, 2], [0, 3, 1], [1, 3, 2], [2, 3, 0]] {
            p.add(if above { [i, k, j] } else { [i, j, k] });
        }
        Some(p)
    }
    /// Adds a triangle whose corners go round counter-clockwise seen from outside.
    fn add(&mut self, corners: [u8; 3]) {
        let [a, b, c] = corners.map(|k| self.vertices[k as usize].place);
        let across = (b - a).cross(c - a);
        let length = across.norm();
        let longest = (b - a).norm().max((c - a).norm()).max((c - b).norm());
        // A sliver has no normal, and its neighbours are as near to the origin.
        let sliver = length <= 1e-12 * longest * longest;
        let normal = across * (1.0 / length.max(f64::MIN_POSITIVE));
        let offset = if sliver { f64::INFINITY } else { normal.dot(a) };
        if self.faced < FACES {
            self.faces[self.faced] = Face { corners, normal, offset };
            self.faced += 1;
        }
    }
    fn nearest(&self) -> usize {
        (0..self.faced)
            .fold(0, |best, k| if self.faces[k].offset < self.faces[best].offset { k } else { best })
    }
    /// Replaces what the new vertex sees from a face on by triangles to it.
    fn grow(&mut self, face: usize, vertex: Vertex, scale: f64) {
        let new = self.count as u8;
        self.vertices[self.count] = vertex;
        self.count += 1;
        // What is seen hangs together, so that one ring of edges is around it: the horizon.
        let mut horizon = [[0u8; 2]; 2 * VERTICES];
        let mut edges = 0;
        let mut next = Some(face);
        while let Some(k) = next {
            let [a, b, c] = self.faces[k].corners;
            self.faced -= 1;
            self.faces[k] = self.faces[self.faced];
            for edge in [[a, b], [b, c], [c, a]] {
                // An edge between two triangles that both go is inside.
                match horizon[..edges].iter().position(|e| *e == [edge[1], edge[0]]) {
                    Some(twin) => {
                        edges -= 1;
                        horizon[twin] = horizon[edges];
                    }
                    None if edges < horizon.len() => {
                        horizon[edges] = edge;
                        edges += 1;
                    }
                    None => {}
                }
            }
            let ring = &horizon[..edges];
            next = self.faces[..self.faced].iter().position(|f| {
                let [a, b, c] = f.corners;
                f.normal.dot(vertex.place) > f.offset + 1e-12 * scale
                    && [[b, a], [c, b], [a, c]].iter().any(|edge| ring.contains(edge))
            });
        }
        for edge in &horizon[..edges] {
            self.add([edge[0], edge[1], new]);
        }
    }
    /// The nearest point of a face's plane to the origin, as weights of its corners.
    fn meeting(&self, face: &Face) -> Meeting {
        let corners = face.corners.map(|k| self.vertices[k as usize]);
        let [a, b, c] = corners.map(|v| v.place);
        let area = face.normal.dot((b - a).cross(c - a));
        let part = |x: Vec3<f64>, y: Vec3<f64>| face.normal.dot(x.cross(y)) / area;
        let weights = [part(b, c), part(c, a), part(a, b)];
        let all = std::array::from_fn(|k| (corners[k.min(2)], weights[k.min(2)]));
        Meeting { normal: -face.normal, vertices: all, count: 3 }
    }
}

/// The face of the difference of two shapes that is nearest to the origin; none if it has no volume.
pub(super) fn depth(farthest: &impl Fn(Vec3<f64>) -> Vertex) -> Option<Meeting> {
    let mut p = Polytope::new(farthest)?;
    let scale = p.vertices[..4].iter().fold(0.0, |m: f64, v| m.max(v.place.norm()));
    while p.count < VERTICES {
        let k = p.nearest();
        let face = p.faces[k];
        let next = farthest(face.normal);
        if face.normal.dot(next.place) - face.offset <= 1e-8 * scale {
            break;
        }
        p.grow(k, next, scale);
    }
    let least = p.faces[p.nearest()].offset;
    // Of triangles in one plane the one counts that has the nearest point inside.
    let beside = p.faces[..p.faced].iter().filter(|f| f.offset <= least + 1e-10 * scale);
    let inside = |m: &Meeting| m.vertices.iter().fold(f64::INFINITY, |least, v| least.min(v.1));
    beside.map(|f| p.meeting(f)).max_by(|a, b| inside(a).total_cmp(&inside(b)))
}
