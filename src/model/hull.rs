//! The convex hull of a mesh, as collision needs it.

use crate::spatial::Vec3;

/// A convex polyhedron in the axes of its mesh.
#[derive(Clone, Debug, Default)]
pub struct Hull {
    /// Its vertices, and perhaps others inside [m].
    pub vertices: Vec<[f64; 3]>,
    /// Its faces.
    pub faces: Vec<HullFace>,
    /// The farthest vertex from the origin of the axes [m].
    pub radius: f64,
}

/// A flat face of a hull.
#[derive(Clone, Debug)]
pub struct HullFace {
    /// Outward, of length one.
    pub normal: Vec3<f64>,
    /// Numbers of its vertices, counter-clockwise seen from outside.
    pub corners: Vec<u32>,
}

/// Faces whose normals differ by less than this are one face [rad].
const FLAT: f64 = 1e-4;

impl Hull {
    /// From vertices and polygons, counter-clockwise seen from outside.
    ///
    /// The normal of a polygon is `Σ x_k × x_{k+1}`, twice its area (Newell).
    pub fn new(vertices: Vec<[f64; 3]>, polygons: Vec<Vec<u32>>) -> Self {
        let normal = |corners: &[u32]| {
            let at = |k: usize| Vec3::from(vertices[corners[k % corners.len()] as usize]);
            let area =
                (0..corners.len()).fold(Vec3::zero(), |n, k| n + (at(k) - at(0)).cross(at(k + 1) - at(0)));
            let norm = area.norm();
            if norm > 0.0 { area * norm.recip() } else { area }
        };
        let faces =
            polygons.into_iter().map(|corners| HullFace { normal: normal(&corners), corners }).collect();
        let radius = vertices.iter().fold(0.0, |m: f64, &v| m.max(Vec3::from(v).norm()));
        Self { vertices, faces, radius }
    }
    /// From the triangles of a convex hull: neighbours in one plane become one face.
    pub fn from_triangles(vertices: Vec<[f64; 3]>, triangles: &[[u32; 3]]) -> Self {
        let single = Self::new(vertices, triangles.iter().map(|t| t.to_vec()).collect());
        let mut owner: std::collections::HashMap<[u32; 2], usize> = Default::default();
        let edges = |k: usize| {
            let [a, b, c] = triangles[k];
            [[a, b], [b, c], [c, a]]
        };
        for k in 0..triangles.len() {
            owner.extend(edges(k).map(|edge| (edge, k)));
        }
        let mut face = vec![usize::MAX; triangles.len()];
        let mut polygons = Vec::new();
        for seed in 0..triangles.len() {
            if face[seed] != usize::MAX {
                continue;
            }
            // All triangles that hang together in the plane of the seed, and the edges around them.
            face[seed] = seed;
            let mut open = vec![seed];
            let mut next: std::collections::BTreeMap<u32, u32> = Default::default();
            while let Some(k) = open.pop() {
                for [a, b] in edges(k) {
                    let beside = owner.get(&[b, a]).copied();
                    let flat = |j: &usize| {
                        let across = single.faces[*j].normal.cross(single.faces[seed].normal);
                        across.norm() < FLAT && single.faces[*j].normal.dot(single.faces[seed].normal) > 0.0
                    };
                    match beside.filter(flat) {
                        Some(j) if face[j] == seed => {}
                        Some(j) if face[j] == usize::MAX => {
                            face[j] = seed;
                            open.push(j);
                        }
                        _ => {
                            next.insert(a, b);
                        }
                    }
                }
            }
            polygons.push(around(&next));
        }
        Self::new(single.vertices, polygons)
    }
}

/// The corners of a polygon in turn, given what follows each of them.
fn around(next: &std::collections::BTreeMap<u32, u32>) -> Vec<u32> {
    let mut corners = Vec::new();
    let mut at = next.keys().next().copied();
    while let Some(k) = at {
        corners.push(k);
        at = next.get(&k).copied().filter(|k| !corners.contains(k));
    }
    corners
}
