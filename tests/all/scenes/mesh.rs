//! Triangle meshes: hulls, weights and principal axes.

use costate::scene::mesh::{MassMode, Surface, hull, measured, principal_axes};
use costate::spatial::Sym3;

fn cube() -> Vec<[f64; 3]> {
    (0..8).map(|i| [i & 1, i >> 1 & 1, i >> 2 & 1].map(f64::from)).collect()
}

#[test]
fn the_hull_of_a_cube_with_points_inside_has_twelve_triangles_and_unit_volume() {
    let mut points = cube();
    points.extend((0..50).map(|i| [0.5, 0.3 + 0.01 * f64::from(i % 7), 0.02 * f64::from(i)]));
    let hull = hull(&points).unwrap();
    assert_eq!(hull.len(), 12);
    let mesh = measured("m", Surface { vertices: points, triangles: hull }, MassMode::Exact).unwrap();
    assert!((mesh.volume - 1.0).abs() < 1e-12);
    // All principal moments are the same, so those about every axis are.
    assert!(mesh.moments.iter().all(|m| (m - 1.0 / 6.0).abs() < 1e-12), "{:?}", mesh.moments);
}

#[test]
fn principal_axes_are_sorted_and_turn_the_tensor_into_a_diagonal() {
    let tensor = Sym3::from([2.0, 3.0, 2.5, 0.4, -0.7, 0.3]);
    let (values, rotation) = principal_axes(tensor);
    assert!(values.x >= values.y && values.y >= values.z);
    let back = Sym3::congruence(rotation.to_matrix(), values).to_array();
    let worst = back.iter().zip(tensor.to_array()).fold(0.0, |m: f64, (a, b)| m.max((a - b).abs()));
    assert!(worst < 1e-14, "{worst}");
}

#[test]
fn points_in_a_plane_have_no_hull() {
    let flat: Vec<[f64; 3]> = cube().into_iter().map(|[x, y, _]| [x, y, x + y]).collect();
    assert!(hull(&flat).is_none());
}

#[test]
fn a_shell_weighs_its_area() {
    let surface = Surface { triangles: hull(&cube()).unwrap(), vertices: cube() };
    let mesh = measured("m", surface, MassMode::Shell).unwrap();
    assert!((mesh.volume - 6.0).abs() < 1e-12);
    // A hollow cube of mass m and side a has m a² 5/18.
    assert!((mesh.moments[0] - 6.0 * 5.0 / 18.0).abs() < 1e-9, "{:?}", mesh.moments);
}
