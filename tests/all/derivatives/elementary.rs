//! Functions of single numbers.

use costate::number::{Dual, Few, Real, leaf_pullback, smooth};

use super::function::{Function, functions, rows as rows_of};
use super::{Answer, Row};

const ALL: (f64, f64) = (-3.0, 3.0);
const POSITIVE: (f64, f64) = (0.1, 4.0);

pub fn functions() -> Vec<Function> {
    functions! {
        "number/real.rs::add, sub, neg": 2 in ALL => |x| vec![x[0] + x[1], x[0] - x[1], -x[1]];
        "number/real.rs::mul, square, times": 2 in ALL => |x| vec![x[0] * x[1], x[0].square(), x[1].times(3.5)];
        "number/real.rs::div, recip": 2 in POSITIVE => |x| vec![x[0] / x[1], x[1].recip()];
        "number/real.rs::add_assign, sub_assign, mul_assign": 2 in ALL => |x| {
            let (mut a, mut b, mut c) = (x[0], x[0], x[0]);
            a += x[1];
            b -= x[1];
            c *= x[1];
            vec![a, b, c]
        };
        "number/real.rs::sqrt": 1 in POSITIVE => |x| vec![x[0].sqrt()];
        "number/real.rs::sin_cos": 1 in (-20.0, 20.0) => |x| {
            let (s, c) = x[0].sin_cos();
            vec![s, c, x[0].sin(), x[0].cos()]
        };
        "number/real.rs::exp": 1 in ALL => |x| vec![x[0].exp()];
        "number/real.rs::ln": 1 in POSITIVE => |x| vec![x[0].ln()];
        "number/real.rs::tanh": 1 in ALL => |x| vec![x[0].tanh()];
        "number/real.rs::atan2": 2 in ALL => |x| vec![x[0].atan2(x[1])];
        "number/real.rs::pow": 2 in POSITIVE => |x| vec![x[0].pow(x[1])];
        "number/real.rs::abs": 1 in ALL => |x| vec![x[0].abs()];
        "number/real.rs::round": 1 in ALL => |x| vec![(x[0] - x[0].round()).square()];
        "number/real.rs::min, max, clamp": 3 in ALL => |x| {
            vec![x[0].min(x[1]), x[0].max(x[1]), x[0].clamp(x[1].min(x[2]), x[1].max(x[2]))]
        };
        "number/real.rs::select": 3 in ALL => |x| vec![R::select(x[0].lt(x[1]), x[1] * x[2], x[0])];
        "number/smooth.rs::safe_sqrt": 1 in ALL => |x| vec![smooth::safe_sqrt(x[0])];
        "number/smooth.rs::safe_div": 2 in POSITIVE => |x| vec![smooth::safe_div(x[0], x[1])];
        "number/smooth.rs::smooth_abs": 2 in POSITIVE => |x| vec![smooth::smooth_abs(x[0] - x[1], x[1])];
        "number/smooth.rs::smooth_max": 3 in POSITIVE => |x| vec![smooth::smooth_max(x[0], x[1], x[2])];
        "number/tape.rs::pullback": 6 in POSITIVE => |x| {
            // A program of any shape: what was made is used again, several times.
            let mut y = x.to_vec();
            for k in 0..40 {
                let (a, b) = (y[(7 * k + 1) % 6], y[(3 * k + 2) % 6]);
                y[k % 6] = match k % 5 {
                    0 => (a * b).sin() + a,
                    1 => (a + b).tanh() - b.times(0.3),
                    2 => (a * a + R::one()).ln() + b,
                    3 => a.atan2(b * b + R::one()) + b.times(0.5),
                    _ => R::select(a.lt(b), a * b.cos(), b / (a * a + R::one())),
                };
            }
            y
        };
    }
}

/// The product of a matrix and a vector with a few bends, so that no two entries of `J` are equal.
fn leaf<R: Real>(x: [R; 11]) -> [R; 3] {
    std::array::from_fn(|i| {
        (0..11).fold(R::zero(), |sum, j| sum + (x[j].times((1 + i) as f64) + x[(j + i) % 11]).sin())
    })
}

/// Eleven inputs: more than one pass.
fn leaf_row() -> Answer {
    let x: [f64; 11] = std::array::from_fn(|k| (1.7 * k as f64).cos());
    let d: [f64; 11] = std::array::from_fn(|k| (0.9 * k as f64).sin());
    let w = [0.3, -1.1, 0.7];
    let dual: [Dual<f64, Few<f64, 1>>; 11] =
        std::array::from_fn(|k| Dual::<f64, Few<f64, 1>>::new(x[k], d[k]));
    let jd = leaf(dual).map(|y| y.derivative());
    let check = costate::number::dot_check(&w, &jd, &leaf_pullback(leaf, x, w), &d);
    let difference = costate::number::derivative_check(
        |x| leaf(std::array::from_fn(|k| x[k])).to_vec(),
        |x| leaf(std::array::from_fn(|k| x[k])).to_vec(),
        &x,
        &d,
    );
    Answer { difference: difference.error, dot: check.error }
}

pub fn rows() -> Vec<Row> {
    let mut rows = rows_of(functions());
    rows.push(Row::new("number/leaf.rs::leaf_pullback", leaf_row));
    rows
}

#[test]
fn a_wrong_sign_in_a_function_of_a_number_is_seen() {
    let mut cosine = functions! { "cos": 1 in ALL => |x| vec![x[0].cos()]; }.remove(0);
    assert!(cosine.ask().is_right());
    cosine.single = |x| {
        let (s, c) = x[0].value.sin_cos();
        vec![Dual { value: c, tangent: Few([s * x[0].derivative()]) }]
    };
    let answer = cosine.ask_alone();
    assert!(answer.difference > 0.1 && answer.dot > 0.1, "{answer:?}");
}
