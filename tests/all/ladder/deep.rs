//! Convex shapes in poses that are hard: deep in each other, of unlike size, exactly aligned.

use costate::model::description::Shape;
use costate::physics::contact::{Feature, Placed, features, touch};
use costate::spatial::{Quat, Vec3};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

const SMOOTH: [Shape; 4] = [Shape::Sphere, Shape::Capsule, Shape::Ellipsoid, Shape::Cylinder];
const POSES: usize = 150;

fn found(shapes: (Shape, Shape), placed: &[Placed<'_, f64>; 2], reach: f64) -> Vec<Feature> {
    let mut out = Vec::new();
    features(shapes, &placed[0], &placed[1], reach, &mut out);
    out
}

/// Two shapes of random sizes within one decade, the second so many times larger; turned at random, or by right
/// angles with the centers on an axis.
fn pose(random: &mut Pcg64, ratio: f64, aligned: bool) -> [Placed<'static, f64>; 2] {
    let mut draw = |low: f64, high: f64| random.random_range(low..high);
    let mut size = |scale: f64| [0; 3].map(|_| scale * 10f64.powf(draw(-0.7, 0.0)));
    let sizes = [size(0.1), size(0.1 * ratio)].map(Vec3::from);
    let mut turn = || match aligned {
        true => (0..3).fold(Quat::identity(), |q, k| {
            let quarters = draw(0.0, 4.0).floor();
            q * Quat::from_axis_angle(Vec3::unit(k), quarters * std::f64::consts::FRAC_PI_2)
        }),
        false => Quat::exp(Vec3::new(draw(-2.0, 2.0), draw(-2.0, 2.0), draw(-2.0, 2.0))),
    };
    let rotations = [turn(), turn()].map(|q| q.to_matrix());
    let towards = match aligned {
        true => Vec3::unit(draw(0.0, 3.0) as usize),
        false => Vec3::new(draw(-1.0, 1.0), draw(-1.0, 1.0), draw(-1.0, 1.0)),
    };
    // From far inside to apart.
    let away = towards * (draw(0.02, 1.2) * 0.1 * ratio / towards.norm());
    [0, 1].map(|k| Placed {
        position: if k == 0 { Vec3::zero() } else { away },
        rotation: rotations[k],
        size: sizes[k],
        hull: None,
    })
}

#[test]
fn the_normal_of_two_smooth_shapes_is_found_however_deep_they_are_in_each_other() {
    let mut random = Pcg64::seed_from_u64(5);
    let (mut all, mut frozen) = (0, Vec::new());
    for ratio in [1.0, 10.0, 100.0] {
        for aligned in [false, true] {
            for (i, &first) in SMOOTH.iter().enumerate() {
                for &second in &SMOOTH[i..] {
                    for _ in 0..POSES {
                        let placed = pose(&mut random, ratio, aligned);
                        let features = found((first, second), &placed, 0.0);
                        all += features.len();
                        if features.iter().any(Feature::is_frozen) {
                            frozen.push((first, second, placed));
                        }
                        let reach = ratio + 1.0;
                        for feature in features {
                            let distance = touch(feature, &placed[0], &placed[1]).distance;
                            assert!(distance.abs() < reach, "{first:?} {second:?} {distance:e} {placed:?}");
                        }
                    }
                }
            }
        }
    }
    assert!(all > 4000 && frozen.is_empty(), "{} of {all} are frozen: {:?}", frozen.len(), frozen.first());
}

#[test]
fn a_rod_across_the_middle_of_a_can_is_as_deep_as_it_lies() {
    // Its side runs through two corners of the polygon that the can's edge counts as.
    let lying = Quat::from_axis_angle(Vec3::unit(0), std::f64::consts::FRAC_PI_2);
    for first in [Shape::Capsule, Shape::Cylinder] {
        for turns in 0..16 {
            let about = Quat::from_axis_angle(Vec3::unit(2), f64::from(turns) * std::f64::consts::PI / 8.0);
            let placed = |position, rotation: Quat<f64>, size| Placed {
                position,
                rotation: rotation.to_matrix(),
                size,
                hull: None,
            };
            let rod = placed(Vec3::new(0.0, 0.0, 0.118), about * lying, Vec3::new(0.02, 0.3, 0.0));
            let can = placed(Vec3::zero(), Quat::identity(), Vec3::new(0.07, 0.1, 0.0));
            let placed = [rod, can];
            let all = found((first, Shape::Cylinder), &placed, 0.0);
            assert!((2..=4).contains(&all.len()), "{first:?}, {turns} turns: {all:?}");
            for feature in all {
                let distance = touch(feature, &placed[0], &placed[1]).distance;
                assert!((distance + 0.002).abs() < 1e-9, "{first:?}, {turns} turns: {distance} {feature:?}");
            }
        }
    }
}
