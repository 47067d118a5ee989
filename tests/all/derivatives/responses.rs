//! How constraints answer: impedance, reference, and the law of every kind of row in every zone.

use costate::number::{Dual, Single, dot_check};
use costate::physics::constraint::impedance::{
    Answer as Firmness, Firm, impedance, impedance_pullback, reference, reference_pullback,
};
use costate::physics::constraint::law::Law;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::{Answer, Row};

type Number = Single<f64>;

/// Asks a function of a few numbers and its pullback at one place.
fn ask(
    x: &[f64],
    dual: impl Fn(&[Number]) -> Vec<Number>,
    plain: impl Fn(&[f64]) -> Vec<f64>,
    pullback: impl Fn(&[f64], &[f64]) -> Vec<f64>,
    random: &mut Pcg64,
) -> Answer {
    // Each number changes in proportion to its size: a finite step stays on its side of every edge.
    let d: Vec<f64> = x.iter().map(|x| 0.1 * x.abs().min(1.0) * random.random_range(-1.0..1.0)).collect();
    let along: Vec<Number> = x.iter().zip(&d).map(|(&x, &d)| Single::new(x, d)).collect();
    let jd: Vec<f64> = dual(&along).iter().map(Dual::derivative).collect();
    let at = |h: f64| plain(&x.iter().zip(&d).map(|(x, d)| x + h * d).collect::<Vec<_>>());
    let central = |h: f64| at(h).iter().zip(at(-h)).map(|(a, b)| (a - b) / (2.0 * h)).collect::<Vec<f64>>();
    let (coarse, fine) = (central(2e-4), central(1e-4));
    let scale = jd.iter().fold(1.0, |m: f64, x| m.max(x.abs()));
    let error = (0..jd.len()).map(|k| (jd[k] - (4.0 * fine[k] - coarse[k]) / 3.0).abs() / scale);
    let difference = error.fold(0.0, |m: f64, e| if e.is_nan() { f64::INFINITY } else { m.max(e) });
    let w: Vec<f64> = jd.iter().map(|_| random.random_range(-1.0..1.0)).collect();
    let dot = dot_check(&w, &jd, &pullback(x, &w), &d).error;
    Answer { difference, dot }
}

/// The worst answer at many drawn places.
fn worst(count: usize, mut one: impl FnMut(&mut Pcg64) -> Answer) -> Answer {
    let mut random = Pcg64::seed_from_u64(23);
    (0..count).fold(Answer::default(), |worst, _| worst.worse(one(&mut random)))
}

/// An impedance and a violation on every part of its curve.
fn curve(random: &mut Pcg64) -> [f64; 6] {
    let [start, end] = [0, 1].map(|_| random.random_range(0.1..0.95));
    let (middle, power) = (random.random_range(0.2..0.8), random.random_range(1.1..4.0));
    let place: f64 = [-1.3, -0.9, -0.1, 0.1, 0.9, 1.3][random.random_range(0..6)];
    [start, end, 0.01, middle, power, place * 0.01]
}

fn ask_impedance() -> Answer {
    worst(200, |random| {
        let x = curve(random);
        ask(
            &x,
            |x| vec![impedance(&[x[0], x[1], x[2], x[3], x[4]], x[5]).0],
            |x| vec![impedance(&[x[0], x[1], x[2], x[3], x[4]], x[5]).0],
            |x, w| {
                let (by, violation) = impedance_pullback(&[x[0], x[1], x[2], x[3], x[4]], x[5], w[0]);
                [&by[..], &[violation]].concat()
            },
            random,
        )
    })
}

/// Standard, direct and mixed references, with and without a bound by the time step.
fn solref(random: &mut Pcg64) -> [f64; 4] {
    let x = [random.random_range(0.005..0.1), random.random_range(0.3..1.5)];
    let [s0, s1] = [[x[0], x[1]], [-900.0 * x[1], -90.0 * x[1]], [x[0], -x[1]]][random.random_range(0..3)];
    [s0, s1, random.random_range(0.1..0.95), [0.001, 0.08][random.random_range(0..2)]]
}

fn ask_reference() -> Answer {
    worst(200, |random| {
        let x = solref(random);
        ask(
            &x,
            |x| reference(&[x[0], x[1]], x[2], Some(x[3])).to_vec(),
            |x| reference(&[x[0], x[1]], x[2], Some(x[3])).to_vec(),
            |x, w| {
                let (by, end, step) = reference_pullback(&[x[0], x[1]], x[2], Some(x[3]), [w[0], w[1]]);
                vec![by[0], by[1], end, step]
            },
            random,
        )
    })
}

/// The answer of a row; `log D` in place of `D`.
fn firm<R: costate::number::Real>(x: &[R]) -> Vec<R> {
    let (solref, solimp) = ([x[0], x[1]], [x[2], x[3], x[4], x[5], x[6]]);
    let firm =
        Firm { solref: &solref, solimp: &solimp, violation: x[7], diagonal: x[8], timestep: Some(x[9]) };
    let a = firm.answer();
    vec![a.weight.ln(), a.impedance, a.stiffness, a.damping]
}

fn ask_firm() -> Answer {
    worst(200, |random| {
        let (r, c) = (solref(random), curve(random));
        let x = [r[0], r[1], c[0], c[1], c[2], c[3], c[4], c[5], random.random_range(0.1..9.0), r[3]];
        ask(
            &x,
            firm,
            firm,
            |x, w| {
                let (solref, solimp) = ([x[0], x[1]], [x[2], x[3], x[4], x[5], x[6]]);
                let firm = Firm {
                    solref: &solref,
                    solimp: &solimp,
                    violation: x[7],
                    diagonal: x[8],
                    timestep: Some(x[9]),
                };
                let w = Firmness { weight: w[0], impedance: w[1], stiffness: w[2], damping: w[3] };
                let by = firm.pullback(&w);
                [&by.solref[..], &by.solimp, &[by.violation, by.diagonal, by.timestep]].concat()
            },
            random,
        )
    })
}

/// A law of each kind, from `D`, `η`, the ratio and five frictions.
fn law<R: costate::number::Real>(kind: usize, x: &[R]) -> Law<R> {
    let friction = [x[3], x[4], x[5], x[6], x[7]];
    match kind {
        0 => Law::Quadratic { weight: x[0] },
        1 => Law::Friction { weight: x[0], loss: x[1] },
        2 => Law::OneSided { weight: x[0] },
        3 => Law::Pyramid { weight: x[0], friction },
        _ => Law::Elliptic { weight: x[0], ratio: x[2], friction },
    }
}

const ROWS: [usize; 5] = [3, 1, 1, 6, 6];

fn force<R: costate::number::Real>(kind: usize, x: &[R]) -> Vec<R> {
    let mut f = vec![R::zero(); ROWS[kind]];
    law(kind, x).force(&x[8..], &mut f);
    f
}

/// Cotangents of the law's numbers, and of the residual by the curvature.
fn force_pullback(kind: usize, x: &[f64], u: &[f64]) -> Vec<f64> {
    let (law, r) = (law(kind, x), &x[8..]);
    let f = force(kind, x);
    let by = law.pullback(r, &f, u);
    let mut w = [[f64::NAN; 6]; 6];
    law.curvature(r, &mut w);
    let by_residual = (0..r.len()).map(|i| -(0..r.len()).map(|j| w[i][j] * u[j]).sum::<f64>());
    let mut out = vec![by.log_weight / x[0], by.loss, by.ratio];
    out.extend(by.friction);
    out.extend(by_residual);
    out
}

/// Numbers of a law and a residual; `lift` moves the residual through the zones of a cone.
fn place(random: &mut Pcg64, rows: usize, lift: f64) -> Vec<f64> {
    let mut x: Vec<f64> = (0..8).map(|_| random.random_range(0.3..1.5)).collect();
    x.extend((0..rows).map(|_| random.random_range(-1.0..1.0)));
    let slip = (1..rows).map(|k| (x[2 + k] * x[8 + k]).powi(2)).sum::<f64>().sqrt();
    if rows > 1 {
        x[8] = lift * slip;
    }
    x
}

fn ask_law() -> Answer {
    // The top, the middle and the bottom: the last begins below −T/μ².
    [2.0, 0.5, -0.05, -0.3, -40.0].into_iter().fold(Answer::default(), |all, lift| {
        (0..5).fold(all, |all, kind| {
            all.worse(worst(60, |random| {
                let x = place(random, ROWS[kind], lift);
                ask(&x, |x| force(kind, x), |x| force(kind, x), |x, u| force_pullback(kind, x, u), random)
            }))
        })
    })
}

pub fn rows() -> Vec<Row> {
    vec![
        Row::new("physics/constraint/impedance.rs::impedance_pullback", ask_impedance),
        Row::new("physics/constraint/impedance.rs::reference_pullback", ask_reference),
        Row::new("physics/constraint/impedance.rs::pullback", ask_firm),
        Row::new("physics/constraint/law.rs::pullback", ask_law),
    ]
}

#[test]
fn answers_at_singular_points_are_finite() {
    // At the margin, at full width, without width, with equal ends.
    for solimp in [[0.9, 0.95, 0.001, 0.5, 2.0], [0.9, 0.95, 0.0, 0.5, 2.0], [0.9, 0.9, 0.001, 0.5, 1.0]] {
        for x in [0.0, 0.001, -0.001, 1.0_f64] {
            let (by, violation) = impedance_pullback(&solimp, x, 1.0);
            assert!(by.iter().all(|b| b.is_finite()) && violation.is_finite(), "{solimp:?} at {x}");
            let dual = impedance(&solimp.map(|s| Single::new(s, 1.0)), Single::new(x, 1.0));
            assert!(dual.0.derivative().is_finite() && dual.1.derivative().is_finite());
        }
    }
    // Without slip, at the apex, in every zone; without weight.
    let mut random = Pcg64::seed_from_u64(2);
    for kind in 0..5 {
        for (normal, weight) in [(-1.0, 1.0), (0.0, 1.0), (1.0, 1.0), (-1.0, 0.0)] {
            let mut x = place(&mut random, ROWS[kind], 0.0);
            x[8..].fill(0.0);
            (x[8], x[0]) = (normal, weight);
            let dual: Vec<Number> = x.iter().map(|x| Single::new(*x, 1.0)).collect();
            assert!(force(kind, &dual).iter().all(|f| f.derivative().is_finite()), "{kind} {normal}");
            let by = law(kind, &x).pullback(&x[8..], &force(kind, &x), &[1.0; 6][..ROWS[kind]]);
            let all = [&by.friction[..], &[by.log_weight, by.loss, by.ratio]].concat();
            assert!(all.iter().all(|b| b.is_finite()), "{kind} {normal}: {by:?}");
        }
    }
}

#[test]
fn a_wrong_sign_in_a_law_is_seen() {
    let mut random = Pcg64::seed_from_u64(9);
    let x = place(&mut random, 6, 0.5);
    let wrong = |x: &[f64], u: &[f64]| {
        let mut out = force_pullback(4, x, u);
        out[3] = -out[3];
        out
    };
    let answer = ask(&x, |x| force(4, x), |x| force(4, x), wrong, &mut random);
    assert!(answer.dot > 1e-6);
}
