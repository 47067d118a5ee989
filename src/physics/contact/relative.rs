//! The automatic pullback of an approach.

use super::{Approach, Place, Placed, PlacedCotangent, approach};
use crate::number::{Dual, Real, Wide, leaf_pullback};
use crate::spatial::{Force, Vec3};

/// Pullback of an approach that depends on the motion of the second shape relative to the first, on
/// `split` sizes of the first shape and on the `N − 6 − split` sizes of the second.
///
/// Moving both shapes together by `(ω, v)` moves the point `x` by `v + ω × x`, turns the normal `n` by `ω`
/// and leaves the distance. So the two wrenches add up to the force `x̄` at `x` and the torque `n × n̄`,
/// and only the second needs duals.
pub(super) fn pullback<R: Real, const N: usize>(
    place: Place,
    first: &Placed<R>,
    second: &Placed<R>,
    split: usize,
    cotangent: &Approach<R>,
) -> [PlacedCotangent<R>; 2] {
    let mut inputs = [R::zero(); N];
    inputs[6..6 + split].copy_from_slice(&first.size.to_array()[..split]);
    inputs[6 + split..].copy_from_slice(&second.size.to_array()[..N - 6 - split]);
    let sizes = |inputs: &[R]| {
        let mut out = [R::zero(); 3];
        out[..inputs.len()].copy_from_slice(inputs);
        Vec3::from(out)
    };
    let moved = |x: [Wide<R>; N]| {
        let mut placed = [first.map(Dual::constant), second.map(Dual::constant)];
        let [a, b] = &mut placed;
        let turn = Vec3::new(x[0], x[1], x[2]);
        b.position += Vec3::new(x[3], x[4], x[5]);
        for column in [&mut b.rotation.x, &mut b.rotation.y, &mut b.rotation.z] {
            *column += turn.cross(*column);
        }
        for (k, x) in x[6..].iter().enumerate() {
            let (size, k) = if k < split { (&mut a.size, k) } else { (&mut b.size, k - split) };
            *[&mut size.x, &mut size.y, &mut size.z][k] = *x;
        }
        let y = approach(place, a, b);
        let ([px, py, pz], [nx, ny, nz]) = (y.point.to_array(), y.normal.to_array());
        [y.distance, px, py, pz, nx, ny, nz]
    };
    let ([px, py, pz], [nx, ny, nz]) = (cotangent.point.to_array(), cotangent.normal.to_array());
    let weights = [cotangent.distance, px, py, pz, nx, ny, nz];
    let out = leaf_pullback(moved, inputs, weights);
    let on_second = Force::new(Vec3::new(out[0], out[1], out[2]), Vec3::new(out[3], out[4], out[5]));
    let value = approach(place, first, second);
    let together = Force::at(value.point - first.position, cotangent.point)
        + Force::new(value.normal.cross(cotangent.normal), Vec3::zero());
    let shifted =
        on_second + Force::new((second.position - first.position).cross(on_second.force), Vec3::zero());
    [
        PlacedCotangent { wrench: together - shifted, size: sizes(&out[6..6 + split]) },
        PlacedCotangent { wrench: on_second, size: sizes(&out[6 + split..]) },
    ]
}
