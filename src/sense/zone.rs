//! Whether a ray meets the shape of a site.

use crate::model::description::Shape;

/// Whether the ray from `x` along `d`, both seen from the shape's own frame, meets the shape; it does if it
/// starts inside.
pub fn meets(shape: Shape, size: [f64; 3], x: [f64; 3], d: [f64; 3]) -> bool {
    let [a, b, c] = size;
    match shape {
        Shape::Sphere => round([a, a, a], x, d).is_some(),
        Shape::Ellipsoid => round([a, b, c], x, d).is_some(),
        Shape::Box => slabs(&[(a, 0), (b, 1), (c, 2)], x, d).is_some(),
        Shape::Cylinder => overlap(tube(a, x, d), slabs(&[(b, 2)], x, d)).is_some(),
        Shape::Capsule => {
            let end = |z: f64| round([a, a, a], [x[0], x[1], x[2] - z], d).is_some();
            overlap(tube(a, x, d), slabs(&[(b, 2)], x, d)).is_some() || end(b) || end(-b)
        }
        Shape::Plane | Shape::Mesh(_) => false,
    }
}

type Span = Option<[f64; 2]>;

/// What two spans of a ray have in common.
fn overlap(a: Span, b: Span) -> Span {
    let ([a0, a1], [b0, b1]) = (a?, b?);
    let both = [a0.max(b0), a1.min(b1)];
    (both[0] <= both[1]).then_some(both)
}

/// Where `p t² + 2 q t + r ≤ 0` for `t ≥ 0`.
fn quadratic(p: f64, q: f64, r: f64) -> Span {
    if p < 1e-15 {
        return (r <= 0.0).then_some([0.0, f64::INFINITY]);
    }
    let root = q * q - p * r;
    if root < 0.0 {
        return None;
    }
    overlap(Some([(-q - root.sqrt()) / p, (-q + root.sqrt()) / p]), Some([0.0, f64::INFINITY]))
}

fn round(size: [f64; 3], x: [f64; 3], d: [f64; 3]) -> Span {
    let sum = |u: [f64; 3], v: [f64; 3]| (0..3).map(|k| u[k] * v[k] / (size[k] * size[k])).sum::<f64>();
    quadratic(sum(d, d), sum(x, d), sum(x, x) - 1.0)
}

/// A round tube without ends.
fn tube(radius: f64, x: [f64; 3], d: [f64; 3]) -> Span {
    let flat = |u: [f64; 3], v: [f64; 3]| u[0] * v[0] + u[1] * v[1];
    quadratic(flat(d, d), flat(x, d), flat(x, x) - radius * radius)
}

/// Between parallel planes.
fn slabs(sizes: &[(f64, usize)], x: [f64; 3], d: [f64; 3]) -> Span {
    sizes.iter().try_fold([0.0, f64::INFINITY], |span, &(size, k)| {
        let own = if d[k].abs() < 1e-15 {
            (x[k].abs() <= size).then_some([0.0, f64::INFINITY])
        } else {
            let (one, two) = ((-size - x[k]) / d[k], (size - x[k]) / d[k]);
            Some([one.min(two), one.max(two)])
        };
        overlap(Some(span), own)
    })
}
