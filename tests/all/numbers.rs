//! Numbers: lanes equal single numbers, elementary functions are accurate, `f32` simulates, products of matrices
//! are the same by every way.

use costate::model::{Input, Model, State};
use costate::number::{Dual, Lanes, LanesF32, Real, Strides, Twice, Wide, gradient, jacobian};
use costate::physics::{Engine, Record, derive, step};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use crate::recorded::all;

/// Numbers of every size and sign, and the special ones.
fn numbers() -> Vec<f64> {
    let mut random = Pcg64::seed_from_u64(3);
    let mut out = vec![0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5];
    out.extend([f64::MIN_POSITIVE, -f64::MIN_POSITIVE, 5e-324, 1e-300, -1e-300, 1e300, -1e300, f64::MAX]);
    out.extend([
        std::f64::consts::PI,
        -std::f64::consts::PI,
        std::f64::consts::FRAC_PI_2,
        709.0,
        -745.0,
        710.0,
    ]);
    out.extend([1e5, -1e5, 1e15, -1e15, 1e16, f64::INFINITY, f64::NEG_INFINITY]);
    for _ in 0..20_000 {
        let size: f64 = 10f64.powf(random.random_range(-18.0..18.0));
        out.push(if random.random_bool(0.5) { size } else { -size });
        out.push(random.random_range(-10.0..10.0));
    }
    while out.len() % 8 != 0 {
        out.push(1.0);
    }
    out
}

type One = fn(f64) -> f64;
type Eight = fn(Lanes) -> Lanes;

/// NaN equals NaN; zeros have signs.
fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

#[test]
fn eight_lanes_equal_eight_numbers_bit_for_bit_in_every_function() {
    let functions: [(&str, One, Eight); 13] = [
        ("sqrt", Real::sqrt, Real::sqrt),
        ("sin", Real::sin, Real::sin),
        ("cos", Real::cos, Real::cos),
        ("exp", Real::exp, Real::exp),
        ("ln", Real::ln, Real::ln),
        ("tanh", Real::tanh, Real::tanh),
        ("abs", Real::abs, Real::abs),
        ("round", Real::round, Real::round),
        ("recip", Real::recip, Real::recip),
        ("square", Real::square, Real::square),
        ("neg", |x| -x, |x| -x),
        ("times", |x| x.times(0.1), |x| x.times(0.1)),
        (
            "finite",
            |x| f64::select(x.is_finite(), 1.0, 0.0),
            |x| Lanes::select(x.is_finite(), Lanes::splat(1.0), Lanes::splat(0.0)),
        ),
    ];
    for (name, one, eight) in functions {
        for x in numbers().chunks(8) {
            let lanes = eight(Lanes::new(x.try_into().unwrap()));
            for (k, &x) in x.iter().enumerate() {
                let (a, b) = (lanes.lane(k), one(x));
                assert!(same(a, b), "{name} of {x:e}: {a:e} in lanes, {b:e} alone");
            }
        }
    }
}

#[test]
fn eight_lanes_equal_eight_numbers_bit_for_bit_in_functions_of_two() {
    type One = fn(f64, f64) -> f64;
    type Eight = fn(Lanes, Lanes) -> Lanes;
    let functions: [(&str, One, Eight); 9] = [
        ("add", |x, y| x + y, |x, y| x + y),
        ("sub", |x, y| x - y, |x, y| x - y),
        ("mul", |x, y| x * y, |x, y| x * y),
        ("div", |x, y| x / y, |x, y| x / y),
        ("atan2", Real::atan2, Real::atan2),
        ("pow", Real::pow, Real::pow),
        ("min", Real::min, Real::min),
        ("max", Real::max, Real::max),
        ("clamp", |x, y| x.clamp(y, y + 1.0), |x, y| Real::clamp(x, y, y + Lanes::splat(1.0))),
    ];
    let all = numbers();
    for (name, one, eight) in functions {
        for shift in [0, 1, 3, 5] {
            let mut other = all.clone();
            other.rotate_left(shift);
            for (x, y) in all.chunks(8).zip(other.chunks(8)) {
                let lanes = eight(Lanes::new(x.try_into().unwrap()), Lanes::new(y.try_into().unwrap()));
                for k in 0..8 {
                    // A power is meant for positive bases, a clamp for ordered bounds.
                    if name == "pow" && x[k] <= 0.0 || name == "clamp" && y[k].is_nan() {
                        continue;
                    }
                    let (a, b) = (lanes.lane(k), one(x[k], y[k]));
                    assert!(same(a, b), "{name} of {:e}, {:e}: {a:e} in lanes, {b:e} alone", x[k], y[k]);
                }
            }
        }
    }
}

/// The distance in units of the last place of the reference, or of `floor` if that is larger.
fn ulps(x: f64, reference: f64, floor: f64) -> f64 {
    let size = reference.abs().max(floor);
    let place = f64::from_bits(size.to_bits() + 1) - size;
    let error = (x - reference).abs() / place;
    if error.is_nan() { f64::INFINITY } else { error }
}

#[test]
fn elementary_functions_are_accurate_to_a_few_units_of_the_last_place() {
    let mut random = Pcg64::seed_from_u64(9);
    let mut worst = |name: &str,
                     range: (f64, f64),
                     own: fn(f64) -> f64,
                     std: fn(f64) -> f64,
                     floor: f64,
                     allowed: f64| {
        let (mut error, mut place) = (0.0, 0.0);
        for _ in 0..200_000 {
            let x = random.random_range(range.0..range.1);
            let e = ulps(own(x), std(x), floor);
            if e > error {
                (error, place) = (e, x);
            }
        }
        println!("{name:16} in {range:?}: {error:7.2} ulp at {place:e} (allowed {allowed})");
        assert!(error <= allowed, "{name} at {place:e}: {error} ulp");
    };
    // Near a zero of sine and cosine the error is absolute: one rounding of the reduced argument.
    worst("sin", (-3.2, 3.2), Real::sin, f64::sin, 1e-3, 2.0);
    worst("cos", (-3.2, 3.2), Real::cos, f64::cos, 1e-3, 2.0);
    worst("sin", (-1e3, 1e3), Real::sin, f64::sin, 1e-3, 2.0);
    worst("sin", (-1e5, 1e5), Real::sin, f64::sin, 0.5, 4.0);
    worst("cos", (-1e5, 1e5), Real::cos, f64::cos, 0.5, 4.0);
    worst("exp", (-50.0, 50.0), Real::exp, f64::exp, 0.0, 3.0);
    worst("exp", (-700.0, 700.0), Real::exp, f64::exp, 0.0, 3.0);
    worst("ln", (0.01, 100.0), Real::ln, f64::ln, 1e-3, 3.0);
    worst("ln", (1e-300, 1e300), Real::ln, f64::ln, 0.0, 3.0);
    worst("tanh", (-20.0, 20.0), Real::tanh, f64::tanh, 0.0, 4.0);
    worst("tanh", (-0.1, 0.1), Real::tanh, f64::tanh, 0.0, 4.0);
    worst("atan2(x, 1)", (-100.0, 100.0), |x| Real::atan2(x, 1.0), |x| x.atan2(1.0), 0.0, 3.0);
    worst("atan2(x, -1)", (-100.0, 100.0), |x| Real::atan2(x, -1.0), |x| x.atan2(-1.0), 0.0, 3.0);
    worst("atan2(1, x)", (-100.0, 100.0), |x| Real::atan2(1.0, x), |x| 1f64.atan2(x), 0.0, 3.0);
    worst("pow(x, 2.5)", (0.01, 100.0), |x| Real::pow(x, 2.5), |x| x.powf(2.5), 0.0, 8.0);
    worst("pow(x, -1.3)", (0.01, 100.0), |x| Real::pow(x, -1.3), |x| x.powf(-1.3), 0.0, 8.0);
    worst("pow(3, x)", (-20.0, 20.0), |x| Real::pow(3.0, x), |x| 3f64.powf(x), 0.0, 30.0);
}

#[test]
fn elementary_functions_are_right_at_special_points() {
    assert_eq!(Real::sin(0.0_f64), 0.0);
    assert_eq!(Real::cos(0.0_f64), 1.0);
    assert_eq!(Real::exp(0.0_f64), 1.0);
    assert_eq!(Real::exp(-1e4_f64), 0.0);
    assert_eq!(Real::exp(1e4_f64), f64::INFINITY);
    assert_eq!(Real::ln(1.0_f64), 0.0);
    assert_eq!(Real::tanh(0.0_f64), 0.0);
    assert_eq!(Real::tanh(1e3_f64), 1.0);
    assert_eq!(Real::tanh(-1e3_f64), -1.0);
    assert_eq!(Real::atan2(0.0_f64, 1.0), 0.0);
    assert_eq!(Real::atan2(0.0_f64, -1.0), std::f64::consts::PI);
    assert_eq!(Real::atan2(1.0_f64, 0.0), std::f64::consts::FRAC_PI_2);
    assert_eq!(Real::atan2(-1.0_f64, 0.0), -std::f64::consts::FRAC_PI_2);
    assert!(Real::ln(-1.0_f64).is_nan() && Real::sqrt(-1.0_f64).is_nan());
}

/// The position of a world after some steps.
fn swing<R: Engine>(model: &Model<R>, start: &State<R>, steps: usize) -> Vec<f64> {
    let (mut record, input) = (Record::new(model), Input::zero(model));
    let (mut state, mut next) = (start.clone(), start.clone());
    for _ in 0..steps {
        step(model, &state, &input, &mut record, &mut next);
        std::mem::swap(&mut state, &mut next);
    }
    state.q.iter().map(|q| q.first()).collect()
}

#[test]
fn single_precision_follows_double_precision() {
    let pendulum = all().into_iter().find(|r| r.name == "pendulum").unwrap();
    let mut description = pendulum.description.clone();
    description.option.timestep = 0.005;
    let model = derive::compile(&description);
    let mut start = State::reference(&model);
    start.q.fill(0.5);
    let double = swing(&model, &start, 100);
    let narrow = |x| LanesF32::splat(x as f32);
    let single = swing(&model.map(narrow), &start.map(narrow), 100);
    for (a, b) in double.iter().zip(&single) {
        println!("after half a second: {a} in double, {b} in single precision");
        assert!((a - 0.5).abs() > 0.05, "it moved");
        assert!((a - b).abs() < 1e-4);
    }
}

/// A program with loops and branches, over any number with a plain mask.
fn program<R: Real<Mask = bool>>(x: &[R]) -> R {
    let mut sum = R::zero();
    for k in 0..200 {
        let (a, b) = (x[(5 * k + 1) % x.len()], x[(7 * k + 3) % x.len()]);
        let term = match k % 4 {
            0 => (a * b).sin() * sum.tanh(),
            1 => (a - b).abs() + (a * a + R::one()).sqrt(),
            2 => a.atan2(b * b + R::one()) - sum.times(0.1),
            _ => (a * a + R::from_f64(0.5)).pow(b).ln(),
        };
        sum += if a.lt(b) { term } else { -term.times(0.5) };
    }
    sum
}

#[test]
fn the_tape_and_dual_numbers_agree_on_a_program_of_any_shape() {
    let mut random = Pcg64::seed_from_u64(1);
    for n in [1, 5, 23] {
        let x: Vec<f64> = (0..n).map(|_| random.random_range(-2.0..2.0)).collect();
        let (value, slope) = gradient(|x| program(x), &x);
        let (values, j) = jacobian(|x: &[Wide<f64>]| vec![program(x)], &x);
        assert_eq!(value, program(&x));
        assert_eq!(value, values[0]);
        let scale = slope.iter().fold(1.0, |m: f64, s| m.max(s.abs()));
        for (k, s) in slope.iter().enumerate() {
            assert!((s - j[(0, k)]).abs() <= 1e-13 * scale, "entry {k}: {s} is not {}", j[(0, k)]);
        }
    }
}

#[test]
fn a_result_that_depends_on_nothing_has_a_zero_gradient() {
    let (value, slope) = gradient(|_| Real::from_f64(3.0), &[1.0, 2.0]);
    assert_eq!((value, slope), (3.0, vec![0.0, 0.0]));
    let (values, j) = jacobian(|_| vec![Dual::constant(3.0)], &[]);
    assert_eq!((values.len(), j.shape()), (1, (1, 0)));
}

#[test]
fn a_product_is_the_same_with_any_strides_and_kernel() {
    let wave = |n: usize, a: f64| (0..n).map(|i| (a * (i + 1) as f64).sin()).collect::<Vec<f64>>();
    for [m, k, n] in [[1, 5, 3], [7, 9, 11], [17, 13, 40], [2, 0, 3]] {
        let (a, b) = (wave(m * k, 0.7), wave(k * n, 1.1));
        let wanted = |i: usize, j: usize| (0..k).map(|p| a[i * k + p] * b[p * n + j]).sum::<f64>() + 1.0;
        let flipped = |x: &[f64], rows: usize, columns: usize| -> Vec<f64> {
            (0..rows * columns).map(|e| x[e % rows * columns + e / rows]).collect()
        };
        let spread = |x: &[f64]| x.iter().map(|x| Lanes::splat(*x)).collect::<Vec<_>>();
        let (at, bt) = (flipped(&a, m, k), flipped(&b, k, n));
        let of = Strides::rows_of;
        for (a, sa) in [(&a, of(k)), (&at, of(m).transposed())] {
            for (b, sb) in [(&b, of(n)), (&bt, of(k).transposed())] {
                for sc in [of(n), of(m).transposed()] {
                    let (mut own, mut general) = (vec![1.0; m * n], vec![Lanes::splat(1.0); m * n]);
                    f64::add_product([m, k, n], (a, sa), (b, sb), (&mut own, sc));
                    // Only plain numbers have a kernel.
                    let (a, b) = (spread(a), spread(b));
                    Lanes::add_product([m, k, n], (&a, sa), (&b, sb), (&mut general, sc));
                    for (i, j) in (0..m).flat_map(|i| (0..n).map(move |j| (i, j))) {
                        let at = i * sc.rows + j * sc.columns;
                        assert!((own[at] - wanted(i, j)).abs() < 1e-13, "{m} {k} {n}");
                        assert!((general[at].first() - wanted(i, j)).abs() < 1e-13, "{m} {k} {n}");
                    }
                }
            }
        }
    }
}

/// Relative to the second, or to one.
fn apart(a: Twice, b: Twice) -> f64 {
    ((a - b).first() / b.first().abs().max(1.0)).abs()
}

fn twice(high: f64, low: f64) -> Twice {
    Twice::from(high) + Twice::from(low)
}

#[test]
fn thirty_one_digits_survive_every_operation() {
    let x = |a: f64| Twice::from(a) / Twice::from(7.0);
    for a in [-5.0, -0.3, 1e-3, 0.9, 2.0, 6.0, 11.0] {
        let t = x(a);
        let near = |what: &str, a: Twice, b: Twice| {
            assert!(apart(a, b) < 1e-30, "{what} of {t:?}: {a:?} {b:?}");
        };
        near("quotient", t * Twice::from(7.0), Twice::from(a));
        // Beside 1e8, eight digits fewer are left.
        near("sum", ((t + Twice::from(1e8)) - Twice::from(1e8) - t).times(1e-8), Twice::zero());
        let (s, c) = t.sin_cos();
        near("sine and cosine", s * s + c * c, Twice::one());
        let (s2, _) = (t + t).sin_cos();
        near("double angle", s2, (s * c).times(2.0));
        near("angle", s.atan2(c), t);
        near("exponential", t.exp() * (-t).exp(), Twice::one());
        near("logarithm", t.exp().ln(), t);
        let h = t.tanh();
        near("tangent", h * (t.exp() + (-t).exp()), t.exp() - (-t).exp());
        let root = t.abs().sqrt();
        near("root", root * root, t.abs());
        near("power", t.abs().pow(Twice::from(0.5)), root);
    }
}

#[test]
fn functions_have_their_known_digits() {
    let e = twice(std::f64::consts::E, 1.445_646_891_729_250_2e-16);
    assert!(apart(Twice::one().exp(), e) < 1e-31);
    let ten = twice(std::f64::consts::LN_10, -2.170_756_223_382_249_4e-16);
    assert!(apart(Twice::from(10.0).ln(), ten) < 1e-31);
    let root = twice(std::f64::consts::SQRT_2, -9.667_293_313_452_913e-17);
    assert!(apart(Twice::from(2.0).sqrt(), root) < 1e-31);
    let quarter = twice(std::f64::consts::FRAC_PI_4, 3.061_616_997_868_383e-17);
    assert!(apart(Twice::one().atan2(Twice::one()), quarter) < 1e-31);
}

#[test]
fn halves_round_by_both_parts() {
    let near = |x: f64, low: f64| twice(x, low).round().first();
    assert_eq!(
        [near(0.5, 1e-20), near(0.5, -1e-20), near(1.5, -1e-20), near(-0.5, -1e-20)],
        [1.0, 0.0, 1.0, -1.0]
    );
    assert_eq!([near(2.5, 0.0), near(3.0, 0.0), near(-1.5, 0.0)], [2.0, 3.0, -2.0]);
}
