//! The nearest points of two convex shapes that are apart.
//!
//! They are the point of the difference of both shapes that is nearest to the origin, and a simplex of
//! supporting points walks there (Gilbert, Johnson and Keerthi 1988).

use crate::spatial::Vec3;

/// A supporting point of the difference of two shapes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vertex {
    /// A point of the second minus a point of the first.
    pub place: Vec3<f64>,
    /// Their numbers.
    pub corners: [u32; 2],
}

/// Where two shapes are nearest, or overlap least, to a few digits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meeting {
    /// From the first shape to the second.
    pub normal: Vec3<f64>,
    /// The vertices around the point of the difference, and its weights.
    pub vertices: [(Vertex, f64); 4],
    /// How many of them count.
    pub count: usize,
}

/// The weights that make the nearest point to the origin out of all vertices of a set, without regard to
/// their signs.
fn weights(p: &[Vec3<f64>; 4], set: &[usize]) -> Option<[f64; 4]> {
    let mut out = [0.0; 4];
    match *set {
        [a] => out[a] = 1.0,
        [a, b] => {
            let along = p[b] - p[a];
            let square = along.dot(along);
            if square == 0.0 {
                return None;
            }
            out[b] = -p[a].dot(along) / square;
            out[a] = 1.0 - out[b];
        }
        [a, b, c] => {
            let normal = (p[b] - p[a]).cross(p[c] - p[a]);
            let square = normal.dot(normal);
            if square == 0.0 {
                return None;
            }
            for (k, i, j) in [(a, b, c), (b, c, a), (c, a, b)] {
                out[k] = normal.dot(p[i].cross(p[j])) / square;
            }
        }
        [a, b, c, d] => {
            let volume = (p[b] - p[a]).dot((p[c] - p[a]).cross(p[d] - p[a]));
            if volume == 0.0 {
                return None;
            }
            for (k, [i, j, l], sign) in
                [(a, [b, c, d], 1.0), (b, [a, c, d], -1.0), (c, [a, b, d], 1.0), (d, [a, b, c], -1.0)]
            {
                out[k] = sign * p[i].dot(p[j].cross(p[l])) / volume;
            }
        }
        _ => return None,
    }
    Some(out)
}

/// The nearest point of a simplex to the origin: its weights.
fn nearest(vertices: &[(Vertex, f64); 4], count: usize) -> ([f64; 4], Vec3<f64>) {
    let p = vertices.map(|v| v.0.place);
    let mut best = ([0.0; 4], Vec3::zero());
    let mut least = f64::INFINITY;
    for mask in 1u32..1 << count {
        let mut set = [0; 4];
        let mut size = 0;
        for k in (0..count).filter(|k| mask >> k & 1 == 1) {
            set[size] = k;
            size += 1;
        }
        let Some(w) = weights(&p, &set[..size]) else { continue };
        if set[..size].iter().any(|k| w[*k] < 0.0) {
            continue;
        }
        let x = (0..count).fold(Vec3::zero(), |x, k| x + p[k] * w[k]);
        if x.dot(x) < least {
            least = x.dot(x);
            best = (w, x);
        }
    }
    best
}

/// The nearest points; none if the shapes are farther apart than `reach`, and `Some(None)` if they touch.
pub(super) fn closest(
    farthest: &impl Fn(Vec3<f64>) -> Vertex,
    apart: Vec3<f64>,
    reach: f64,
) -> Option<Option<Meeting>> {
    let first = farthest(-apart);
    let mut m = Meeting { normal: Vec3::unit(2), vertices: [(first, 1.0); 4], count: 1 };
    let mut x = first.place;
    let mut scale = x.norm();
    for _ in 0..128 {
        let distance = x.norm();
        if distance <= 1e-10 * scale {
            return Some(None);
        }
        m.normal = x * (1.0 / distance);
        let next = farthest(-m.normal);
        scale = scale.max(next.place.norm());
        let at_least = m.normal.dot(next.place);
        if at_least > reach {
            return None;
        }
        let gap = distance - at_least;
        if gap <= 1e-10 * distance + 1e-15 * scale || m.count == 4 {
            return Some(Some(m));
        }
        let mut grown = m;
        grown.vertices[m.count] = (next, 0.0);
        let (w, y) = nearest(&grown.vertices, m.count + 1);
        // Rounding has the last word.
        if y.norm() >= distance {
            return Some(Some(m));
        }
        x = y;
        let all = m.count + 1;
        m.count = 0;
        for k in (0..all).filter(|k| w[*k] > 0.0) {
            m.vertices[m.count] = (grown.vertices[k].0, w[k]);
            m.count += 1;
        }
        if m.count == 4 {
            return Some(None);
        }
    }
    Some(Some(m))
}
