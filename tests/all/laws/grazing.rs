//! Balls that pass close by a geom.

use costate::model::continuum::Form;
use costate::physics::particles::points::surface::{first_touch, gap_and_rate};
use costate::spatial::Vec3;

const H: f64 = 0.01;
const RADIUS: f64 = 0.02;

/// The first touch of a path that passes the axis of `form` at a distance, across it; and where the ball is then.
fn touch(form: Form, size: Vec3<f64>, beside: f64, begin: f64) -> Option<(f64, f64)> {
    let (x, u) = (Vec3::new(begin, beside, 0.003), Vec3::new(20.0, 0.0, 0.0));
    let t = first_touch(form, (x, u, size), RADIUS, H)?;
    Some((t, gap_and_rate(form, (x + u * t, u), size, RADIUS).0))
}

#[test]
fn a_path_that_grazes_a_round_body_touches_it_exactly_when_it_comes_as_near_as_the_radii() {
    let size = Vec3::new(0.05, 0.05, 0.3);
    let reach = 0.05 + RADIUS;
    for form in [Form::Capsule, Form::Cylinder] {
        for depth in (0..30).map(|k| 0.07 * 0.3f64.powi(k)) {
            let (t, gap) = touch(form, size, reach - depth, -0.1).expect("it touches");
            assert!(gap.abs() < 1e-13, "{form:?} {depth:e}: {gap:e} away");
            let chord = (depth * (2.0 * reach - depth)).sqrt();
            // At small depth the time is the root of a small difference.
            let tolerance = 1e-15 / chord.max(1e-8) + 1e-13;
            assert!((t - (0.1 - chord) / 20.0).abs() < tolerance, "{form:?} {depth:e}: {t}");
            assert_eq!(touch(form, size, reach + depth + 1e-15, -0.1), None, "{form:?} {depth:e}");
        }
    }
}

#[test]
fn a_ball_never_touches_where_it_is_not_at_the_surface() {
    let size = Vec3::new(0.05, 0.03, 0.02);
    for form in [Form::Sphere, Form::Capsule, Form::Box, Form::Cylinder, Form::Ellipsoid] {
        for k in 0..400 {
            let (beside, begin) = (0.08 * (k as f64 * 0.37).sin(), -0.1 + 0.0005 * k as f64);
            if let Some((t, gap)) = touch(form, size, beside, begin) {
                assert!(
                    gap.abs() < 1e-11 || (t == -H && gap < 0.0),
                    "{form:?} {beside} {begin}: {t} {gap:e}"
                );
            }
        }
    }
}
