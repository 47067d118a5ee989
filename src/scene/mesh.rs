//! Triangle meshes: reading files, mass properties, convex hulls.

use std::collections::HashMap;
use std::io::Cursor;
use std::path::Path;

use crate::model::Hull as ConvexHull;
use crate::model::description::Mesh;
use crate::spatial::{Pose, Quat, Sym3, Vec3};

/// Vertices and triangles as a file has them; no triangles means a cloud of points.
#[derive(Clone, Debug, Default)]
pub struct Surface {
    /// [m]
    pub vertices: Vec<[f64; 3]>,
    /// Three vertices each, counterclockwise from outside.
    pub triangles: Vec<[u32; 3]>,
}

/// How a mesh weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MassMode {
    /// Every pyramid over a triangle counts, also where it should be subtracted.
    Legacy,
    /// Pyramids count with their sign.
    Exact,
    /// The convex hull.
    Convex,
    /// The surface alone.
    Shell,
}

/// Reads an STL (binary or text), OBJ or MSH file.
pub fn read(path: &Path) -> Result<Surface, String> {
    let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
    let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    match ending.as_str() {
        "stl" => stl(&bytes),
        "obj" => obj(&bytes),
        "msh" => msh(&bytes),
        _ => Err(format!("files that end in \"{ending}\" are not meshes (known are stl, obj and msh)")),
    }
}

fn stl(bytes: &[u8]) -> Result<Surface, String> {
    let mesh = stl_io::read_stl(&mut Cursor::new(bytes)).map_err(|e| e.to_string())?;
    let vertices = mesh.vertices.iter().map(|v| std::array::from_fn(|i| f64::from(v[i]))).collect();
    let triangles = mesh.faces.iter().map(|f| f.vertices.map(|i| i as u32)).collect();
    finite(Surface { vertices, triangles })
}

fn obj(bytes: &[u8]) -> Result<Surface, String> {
    let options = tobj::LoadOptions { triangulate: true, ..Default::default() };
    // Materials are of no use here, so none is ever found.
    let none = |_: &Path| Err(tobj::LoadError::OpenFileFailed);
    let (models, _) =
        tobj::load_obj_buf(&mut Cursor::new(bytes), &options, none).map_err(|e| e.to_string())?;
    let mut surface = Surface::default();
    for model in models {
        let start = surface.vertices.len() as u32;
        let points = model.mesh.positions.chunks_exact(3);
        surface.vertices.extend(points.map(|v| std::array::from_fn(|i| f64::from(v[i]))));
        let corners = model.mesh.indices.chunks_exact(3);
        surface.triangles.extend(corners.map(|t| std::array::from_fn(|i| start + t[i])));
    }
    finite(surface)
}

/// MuJoCo's old binary format: four counts, vertices, normals, texture coordinates, triangles.
fn msh(bytes: &[u8]) -> Result<Surface, String> {
    let word = |i: usize| bytes.get(4 * i..4 * i + 4).map(|b| [b[0], b[1], b[2], b[3]]);
    let count = |i: usize| {
        let number = word(i).map(i32::from_le_bytes).unwrap_or(-1);
        usize::try_from(number).map_err(|_| "the header is damaged".to_string())
    };
    let (vertex, normal, texture, face) = (count(0)?, count(1)?, count(2)?, count(3)?);
    if bytes.len() != 16 + 12 * (vertex + normal + face) + 8 * texture {
        return Err("its size does not match its header".to_string());
    }
    let real = |i: usize| word(4 + i).map_or(0.0, |b| f64::from(f32::from_le_bytes(b)));
    let index = |i: usize| word(4 + 3 * vertex + 3 * normal + 2 * texture + i).map_or(0, u32::from_le_bytes);
    let vertices = (0..vertex).map(|v| std::array::from_fn(|i| real(3 * v + i))).collect();
    let triangles: Vec<[u32; 3]> = (0..face).map(|f| std::array::from_fn(|i| index(3 * f + i))).collect();
    if triangles.iter().flatten().any(|&i| i as usize >= vertex) {
        return Err("a triangle uses a vertex that is not there".to_string());
    }
    finite(Surface { vertices, triangles })
}

fn finite(surface: Surface) -> Result<Surface, String> {
    match surface.vertices.iter().flatten().all(|x| x.is_finite()) {
        true => Ok(surface),
        false => Err("a vertex is not finite".to_string()),
    }
}

/// Centres a mesh, turns it to its principal axes and measures it for unit density.
pub fn measured(name: &str, surface: Surface, mode: MassMode) -> Result<Mesh, String> {
    let Surface { vertices, mut triangles } = surface;
    if vertices.len() < 4 {
        return Err(format!("it has {} vertices (a mesh needs four)", vertices.len()));
    }
    let convex = || hull(&vertices).ok_or_else(|| "its vertices lie in one plane".to_string());
    if triangles.is_empty() {
        triangles = convex()?;
    }
    let bulk = match mode {
        MassMode::Convex => bulk(&vertices, &convex()?, MassMode::Exact)?,
        _ => bulk(&vertices, &triangles, mode)?,
    };
    let (moments, rotation) = principal_axes(bulk.tensor);
    let pose = Pose { position: bulk.center, rotation };
    let back = pose.inverse();
    // The engine keeps vertices in 32 bits.
    let rounded = |v: &[f64; 3]| back.point(Vec3::from(*v)).to_array().map(|x| f64::from(x as f32));
    Ok(Mesh {
        name: name.to_string(),
        vertices: vertices.iter().map(rounded).collect(),
        triangles,
        volume: bulk.volume,
        moments: moments.to_array(),
        pose,
        hull: None,
    })
}

/// Volume (or area), centre of mass, and inertia about it.
struct Bulk {
    volume: f64,
    center: Vec3<f64>,
    tensor: Sym3<f64>,
}

const SMALLEST: f64 = 1e-14;

fn bulk(vertices: &[[f64; 3]], triangles: &[[u32; 3]], mode: MassMode) -> Result<Bulk, String> {
    let shell = mode == MassMode::Shell;
    let corners = |t: &[u32; 3]| t.map(|i| Vec3::from(vertices[i as usize]));
    let area = |[a, b, c]: [Vec3<f64>; 3]| 0.5 * (b - a).cross(c - a).norm();
    let middle = |[a, b, c]: [Vec3<f64>; 3]| (a + b + c) * (1.0 / 3.0);
    let mut surface = 0.0;
    let mut facet = Vec3::zero();
    for t in triangles {
        let corners = corners(t);
        surface += area(corners);
        facet += middle(corners) * area(corners);
    }
    if surface < SMALLEST {
        return Err("its area is zero".to_string());
    }
    let facet = facet * (1.0 / surface);
    let weight = |c: [Vec3<f64>; 3], apex: Vec3<f64>| {
        let signed = (c[1] - c[0]).cross(c[2] - c[0]).dot(c[0] - apex) / 6.0;
        match mode {
            MassMode::Shell => area(c),
            MassMode::Legacy => signed.abs(),
            MassMode::Exact | MassMode::Convex => signed,
        }
    };
    let volume: f64 = triangles.iter().map(|t| weight(corners(t), facet)).sum();
    if volume < SMALLEST {
        return Err("its volume is zero or negative (inertia=\"shell\" weighs the surface)".to_string());
    }
    let lean = if shell { 1.0 } else { 0.75 };
    let center = triangles.iter().map(corners).fold(Vec3::zero(), |sum, c| {
        sum + (middle(c) * lean + facet * (1.0 - lean)) * (weight(c, facet) / volume)
    });
    // The second moments are those of pyramids over the triangles with their apex at the centre.
    let divisor = if shell { 12.0 } else { 20.0 };
    let (mut second, mut volume) = ([[0.0; 3]; 3], 0.0);
    for c in triangles.iter().map(corners) {
        let c = c.map(|p| p - center);
        let own = weight(c, Vec3::zero());
        volume += own;
        add_products(&mut second, &c.map(Vec3::to_array), own / divisor);
    }
    Ok(Bulk { volume, center, tensor: inertia(second) })
}

/// Adds `w (Σᵢ pᵢ pᵢᵀ + (Σᵢ pᵢ)(Σᵢ pᵢ)ᵀ)` over the corners of a triangle; the apex is the origin.
fn add_products(sum: &mut [[f64; 3]; 3], corners: &[[f64; 3]; 3], w: f64) {
    let total: [f64; 3] = std::array::from_fn(|k| corners.iter().map(|p| p[k]).sum());
    for a in 0..3 {
        for b in 0..3 {
            let squares: f64 = corners.iter().map(|p| p[a] * p[b]).sum();
            sum[a][b] += w * (squares + total[a] * total[b]);
        }
    }
}

fn inertia(p: [[f64; 3]; 3]) -> Sym3<f64> {
    Sym3::from([p[1][1] + p[2][2], p[0][0] + p[2][2], p[0][0] + p[1][1], -p[0][1], -p[0][2], -p[1][2]])
}

/// Descending principal moments and the rotation to their axes.
///
/// Jacobi's method from no turn at all, the largest off-diagonal entry first, then quarter turns
/// that sort. MuJoCo goes the same way, and which of the equally right axes are chosen shows in
/// the poses of meshes and aligned bodies (Golub, Van Loan 2013, section 8.5).
pub fn principal_axes(tensor: Sym3<f64>) -> (Vec3<f64>, Quat<f64>) {
    let mut rotation = Quat::identity();
    let turn = |axis: usize, angle: f64| Quat::from_axis_angle(Vec3::unit(axis), angle);
    let scale = tensor.to_array().iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    let turned = |q: Quat<f64>| tensor.rotated(q.to_matrix().transpose());
    for _ in 0..100 {
        let t = turned(rotation);
        // The entry, its two diagonal partners, and the axis across both with its sense.
        let entries = [(t.xy, t.xx, t.yy, 2, -1.0), (t.xz, t.xx, t.zz, 1, 1.0), (t.yz, t.yy, t.zz, 0, -1.0)];
        let first = if t.xy.abs() >= t.xz.abs() { entries[0] } else { entries[1] };
        let (off, a, b, axis, sense) = if t.yz.abs() > first.0.abs() { entries[2] } else { first };
        if off.abs() <= 1e-15 * scale {
            break;
        }
        let slope = (b - a) / (2.0 * off);
        let tangent = 1.0f64.copysign(slope) / (slope.abs() + (1.0 + slope * slope).sqrt());
        rotation = (rotation * turn(axis, sense * tangent.atan())).normalized();
    }
    let t = turned(rotation);
    let mut values = [t.xx, t.yy, t.zz];
    for first in [0, 1, 0] {
        if values[first] + 1e-12 * scale < values[first + 1] {
            values.swap(first, first + 1);
            rotation = (rotation * turn((first + 2) % 3, std::f64::consts::FRAC_PI_2)).normalized();
        }
    }
    (Vec3::from(values), rotation)
}

/// The triangles of the convex hull of points, seen counter-clockwise from outside.
///
/// None if the points lie in one plane. Quickhull (Barber, Dobkin, Huhdanpaa 1996).
pub fn hull(points: &[[f64; 3]]) -> Option<Vec<[u32; 3]>> {
    let points: Vec<Vec3<f64>> = points.iter().map(|&p| Vec3::from(p)).collect();
    let mut hull = Hull::tetrahedron(&points)?;
    while let Some(face) = hull.faces.iter().position(|f| f.alive && !f.outside.is_empty()) {
        hull.grow(face);
    }
    Some(hull.faces.iter().filter(|f| f.alive).map(|f| f.corners).collect())
}

/// The convex hull of a mesh: its corners, and its faces.
pub fn hull_of(mesh: &Mesh) -> ConvexHull {
    let Some(mut triangles) = hull(&mesh.vertices) else {
        return ConvexHull::new(mesh.vertices.clone(), Vec::new());
    };
    let mut places = vec![None; mesh.vertices.len()];
    let mut vertices = Vec::new();
    for corner in triangles.iter_mut().flatten() {
        let old = *corner as usize;
        *corner = *places[old].get_or_insert_with(|| {
            vertices.push(mesh.vertices[old]);
            vertices.len() as u32 - 1
        });
    }
    ConvexHull::from_triangles(vertices, &triangles)
}

struct Facet {
    corners: [u32; 3],
    normal: Vec3<f64>,
    offset: f64,
    /// Points above this facet, each in the list of one facet only.
    outside: Vec<u32>,
    alive: bool,
}

struct Hull<'a> {
    points: &'a [Vec3<f64>],
    faces: Vec<Facet>,
    /// The facet to the left of each directed edge.
    edges: HashMap<(u32, u32), usize>,
    tolerance: f64,
}

impl<'a> Hull<'a> {
    /// Starts with four points that span a volume.
    fn tetrahedron(points: &'a [Vec3<f64>]) -> Option<Self> {
        let farthest = |measure: &dyn Fn(Vec3<f64>) -> f64| {
            (0..points.len()).max_by(|&i, &j| measure(points[i]).total_cmp(&measure(points[j])))
        };
        let a = farthest(&|p| -p.x)?;
        let b = farthest(&|p| (p - points[a]).norm())?;
        let along = points[b] - points[a];
        let c = farthest(&|p| along.cross(p - points[a]).norm())?;
        let normal = along.cross(points[c] - points[a]);
        let d = farthest(&|p| normal.dot(p - points[a]).abs())?;
        let scale = along.norm();
        let height = normal.dot(points[d] - points[a]) / normal.norm();
        let tolerance = 1e-10 * scale;
        if !(normal.norm() > tolerance * scale && height.abs() > tolerance) {
            return None;
        }
        let mut hull = Self { points, faces: Vec::new(), edges: HashMap::new(), tolerance };
        let [a, b, c, d] = [a, b, c, d].map(|i| i as u32);
        // The first triangle looks away from the fourth point.
        let (b, c) = if height < 0.0 { (b, c) } else { (c, b) };
        for corners in [[a, b, c], [a, d, b], [b, d, c], [c, d, a]] {
            hull.add(corners);
        }
        hull.hand_out((0..points.len() as u32).collect(), 0);
        Some(hull)
    }

    fn add(&mut self, corners: [u32; 3]) {
        let [a, b, c] = corners.map(|i| self.points[i as usize]);
        let normal = (b - a).cross(c - a);
        let normal = normal * (1.0 / normal.norm().max(f64::MIN_POSITIVE));
        for i in 0..3 {
            self.edges.insert((corners[i], corners[(i + 1) % 3]), self.faces.len());
        }
        let offset = normal.dot(a);
        self.faces.push(Facet { corners, normal, offset, outside: Vec::new(), alive: true });
    }

    fn height(&self, face: usize, point: u32) -> f64 {
        self.faces[face].normal.dot(self.points[point as usize]) - self.faces[face].offset
    }

    /// Gives each point to a facet from `start` on that sees it; the others are inside.
    fn hand_out(&mut self, points: Vec<u32>, start: usize) {
        for point in points {
            let seen = (start..self.faces.len()).find(|&f| self.height(f, point) > self.tolerance);
            if let Some(face) = seen {
                self.faces[face].outside.push(point);
            }
        }
    }

    /// Replaces what the farthest point above a facet sees by triangles to that point.
    fn grow(&mut self, face: usize) {
        let heights = self.faces[face].outside.iter().map(|&p| (self.height(face, p), p));
        let Some((_, eye)) = heights.max_by(|x, y| x.0.total_cmp(&y.0)) else { return };
        let (seen, horizon) = self.seen_from(face, eye);
        let mut loose = Vec::new();
        for &face in &seen {
            self.faces[face].alive = false;
            loose.append(&mut self.faces[face].outside);
            let corners = self.faces[face].corners;
            for i in 0..3 {
                self.edges.remove(&(corners[i], corners[(i + 1) % 3]));
            }
        }
        let start = self.faces.len();
        for (from, to) in horizon {
            self.add([from, to, eye]);
        }
        loose.retain(|&p| p != eye);
        self.hand_out(loose, start);
    }

    /// The connected facets that a point sees, and the directed edges around them.
    fn seen_from(&self, face: usize, eye: u32) -> (Vec<usize>, Vec<(u32, u32)>) {
        let (mut seen, mut horizon) = (vec![face], Vec::new());
        let mut next = 0;
        while next < seen.len() {
            let corners = self.faces[seen[next]].corners;
            for i in 0..3 {
                let edge = (corners[i], corners[(i + 1) % 3]);
                let other = self.edges[&(edge.1, edge.0)];
                if seen.contains(&other) {
                    continue;
                }
                if self.height(other, eye) > self.tolerance {
                    seen.push(other);
                } else {
                    horizon.push(edge);
                }
            }
            next += 1;
        }
        // A facet that was found late may have been counted as beyond the horizon.
        horizon.retain(|(from, to)| !seen.contains(&self.edges[&(*to, *from)]));
        (seen, horizon)
    }
}
