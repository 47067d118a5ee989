//! Singular points: where a formula divides zero by zero, one lane of eight at a time.

use costate::number::smooth;
use costate::spatial::{
    Mat3, Quat, Sym3, Vec3, polar, rotation_z_to, slerp, so3_left_jacobian, so3_log_jacobian,
    so3_right_jacobian,
};

use super::algebra::{eigen, entries, quat, three};
use super::function::{Function, functions, nan_is_worst};

/// What the derivative is where the formula is singular.
#[derive(Clone, Copy, PartialEq)]
enum Expected {
    /// The function is smooth: the limit of differences.
    Smooth,
    /// Zero, by agreement.
    Zero,
}
use Expected::{Smooth, Zero};

const SIZE: (f64, f64) = (-1.0, 1.0);

fn points() -> Vec<(Function, Expected, Vec<f64>)> {
    let functions = functions! {
        "exp at zero": 3 in SIZE => |x| Quat::exp(three(x, 0)).to_array().to_vec();
        "log at the identity": 3 in SIZE => |x| Quat::exp(three(x, 0)).log().to_array().to_vec();
        "log of an unnormalized identity": 4 in SIZE => |x| quat(x, 0).normalized().log().to_array().to_vec();
        "slerp between equal rotations": 7 in SIZE => |x| {
            let q = quat(x, 0).normalized();
            slerp(q, q * Quat::exp(three(x, 4)), x[0]).to_array().to_vec()
        };
        "right jacobian at zero": 3 in SIZE => |x| entries(so3_right_jacobian(three(x, 0)));
        "left jacobian at zero": 3 in SIZE => |x| entries(so3_left_jacobian(three(x, 0)));
        "log jacobian at zero": 3 in SIZE => |x| entries(so3_log_jacobian(three(x, 0)));
        "z to z": 3 in SIZE => |x| rotation_z_to(three(x, 0)).to_array().to_vec();
        "polar of the identity": 9 in SIZE => |x| {
            entries(polar(Mat3::identity() + Mat3::from_columns(three(x, 0), three(x, 3), three(x, 6)).scale(R::from_f64(0.2))))
        };
        "eigenvalues' sum at a tie": 6 in SIZE => |x| {
            let out = eigen(Sym3::from([x[0], x[1], x[2], x[3], x[4], x[5]]));
            vec![out[0] + out[1] + out[2]]
        };
        "norm at zero": 3 in SIZE => |x| vec![three(x, 0).norm()];
        "safe root of zero": 1 in SIZE => |x| vec![smooth::safe_sqrt(x[0])];
        "safe division by zero": 2 in SIZE => |x| vec![smooth::safe_div(x[0], x[1])];
        "smooth abs at zero": 1 in SIZE => |x| vec![smooth::smooth_abs(x[0], R::from_f64(0.1))];
        "smooth max at a tie": 2 in SIZE => |x| vec![smooth::smooth_max(x[0], x[1], R::from_f64(0.1))];
        "unit quaternion of nothing": 4 in SIZE => |x| quat(x, 0).normalized().to_array().to_vec();
        "direction after z to −z": 3 in SIZE => |x| {
            rotation_z_to(three(x, 0)).rotate(Vec3::unit(2)).to_array().to_vec()
        };
        "direction of no vector": 3 in SIZE => |x| rotation_z_to(three(x, 0)).to_array().to_vec();
    };
    let place = |name: &str| match name {
        "log of an unnormalized identity" => (Smooth, vec![0.7, 0.0, 0.0, 0.0]),
        "slerp between equal rotations" => (Smooth, vec![0.5, -0.1, 0.3, 0.6, 0.0, 0.0, 0.0]),
        "z to z" => (Smooth, vec![0.0, 0.0, 0.8]),
        "eigenvalues' sum at a tie" => (Smooth, vec![0.6, 0.6, 0.6, 0.0, 0.0, 0.0]),
        "norm at zero" => (Zero, vec![0.0; 3]),
        "safe root of zero" => (Zero, vec![0.0]),
        "safe division by zero" => (Zero, vec![0.4, 0.0]),
        "smooth max at a tie" => (Smooth, vec![0.3, 0.3]),
        "unit quaternion of nothing" => (Zero, vec![0.0; 4]),
        "direction after z to −z" => (Smooth, vec![0.0, 0.0, -0.9]),
        "direction of no vector" => (Zero, vec![0.0; 3]),
        _ => (Smooth, Vec::new()),
    };
    functions
        .into_iter()
        .map(|f| {
            let (expected, mut at) = place(f.name);
            at.resize(f.inputs, 0.0);
            (f, expected, at)
        })
        .collect()
}

/// The derivative along `d` at `x`, by differences.
fn limit(f: &Function, x: &[f64], d: &[f64]) -> Vec<f64> {
    let shifted = |h: f64| (f.plain)(&x.iter().zip(d).map(|(x, d)| x + h * d).collect::<Vec<_>>());
    let central =
        |h: f64| shifted(h).iter().zip(shifted(-h)).map(|(a, b)| (a - b) / (2.0 * h)).collect::<Vec<_>>();
    central(1e-3).iter().zip(central(5e-4)).map(|(c, f)| (4.0 * f - c) / 3.0).collect()
}

#[test]
fn derivatives_at_singular_points_are_finite_and_right() {
    for (f, expected, at) in points() {
        for i in 0..f.inputs {
            let mut d = vec![0.0; f.inputs];
            d[i] = 1.0;
            let dual = f.along(&at, &d);
            let right = if expected == Zero { vec![0.0; dual.len()] } else { limit(&f, &at, &d) };
            let error = dual.iter().zip(&right).map(|(a, b)| (a - b).abs()).fold(0.0, nan_is_worst);
            assert!(error < 1e-8, "{} by input {i}: {dual:?} is not {right:?}", f.name);
        }
    }
}

#[test]
fn one_lane_at_a_singular_point_disturbs_no_other() {
    for (f, _, at) in points() {
        for lane in 0..8 {
            let usual = |k: usize| -> Vec<f64> {
                (0..f.inputs).map(|i| 0.3 + 0.1 * (1.9 * (k * f.inputs + i) as f64).sin()).collect()
            };
            let mut worlds: Vec<Vec<f64>> = (0..8).map(usual).collect();
            worlds[lane].clone_from(&at);
            f.assert_lanes_at(&worlds);
        }
    }
}

#[test]
fn the_second_derivative_of_the_exponential_is_right_at_zero() {
    use costate::number::{Dual, Single};
    // exp(t d) has w = cos(t |d|/2): its second derivative at zero is −|d|²/4.
    let d: [f64; 3] = [0.3, -0.4, 1.2];
    let w =
        Vec3::from(d.map(|d| Dual {
            value: Single::new(0.0, d),
            tangent: costate::number::Few([Single::constant(d)]),
        }));
    let second = Quat::exp(w).w.tangent.0[0].derivative();
    assert!((second + d.iter().map(|d| d * d).sum::<f64>() / 4.0).abs() < 1e-15, "{second}");
}
