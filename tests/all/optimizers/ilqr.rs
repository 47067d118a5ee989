//! The parts of iterative LQR.

use costate::optimize::ilqr::{Policy, Quadratic, Step, Weight, make_convex, minimize, sweep};
use nalgebra::{DMatrix, DVector};

#[test]
fn the_weight_grows_and_shrinks_ever_faster_and_vanishes() {
    let mut weight = Weight::FIRST;
    weight.grow();
    let once = weight.value / Weight::FIRST.value;
    let before = weight.value;
    weight.grow();
    assert!(weight.value / before > once);
    for _ in 0..20 {
        weight.shrink();
    }
    assert_eq!(weight.value, 0.0);
    weight.grow();
    assert!(weight.value >= Weight::LEAST);
}

#[test]
fn no_entry_of_the_minimum_in_a_box_can_move_and_lower_the_cost() {
    for case in 0..200 {
        let m = 1 + case % 6;
        let random = |k: usize| (1.7 * k as f64 + 0.9 * case as f64).sin();
        let root = DMatrix::from_fn(m, m, |i, j| random(3 + i + m * j));
        let h = &root * root.transpose() + DMatrix::identity(m, m) * 0.05;
        let g = DVector::from_fn(m, |i, _| 2.0 * random(50 + 3 * i));
        let side = |i: usize, s: f64| if (i + case).is_multiple_of(4) { 0.0 } else { s };
        let reach: Vec<_> =
            (0..m).map(|i| [-side(i, 0.1 + random(i).abs()), side(i + 1, f64::INFINITY)]).collect();
        let minimum = minimize(&h, &g, &reach).expect("the matrix is positive definite");
        let slope = &g + &h * &minimum.d;
        for i in 0..m {
            let (d, [lower, upper]) = (minimum.d[i], reach[i]);
            assert!(d >= lower && d <= upper, "case {case}: {d} is not in {lower} … {upper}");
            let small = 1e-9 * (1.0 + g.amax());
            let settled =
                slope[i].abs() < small || d == lower && slope[i] > 0.0 || d == upper && slope[i] < 0.0;
            assert!(settled, "case {case}: entry {i} at {d} has the slope {}", slope[i]);
            assert!(!minimum.free.contains(&i) || slope[i].abs() < small);
        }
    }
}

#[test]
fn a_matrix_that_is_not_positive_definite_has_no_minimum() {
    let h = DMatrix::from_diagonal(&DVector::from_vec(vec![1.0, -1.0]));
    let g = DVector::from_vec(vec![1.0, 1.0]);
    let reach = [[f64::NEG_INFINITY, f64::INFINITY]; 2];
    assert!(minimize(&h, &g, &reach).is_none());
}

#[test]
fn the_convex_part_of_a_matrix_keeps_what_bends_up() {
    // Along (1, 1) it bends up by 4, along (1, −1) down by 2; the third entry stands alone.
    let mut h = DMatrix::from_row_slice(3, 3, &[1.0, 3.0, 0.0, 3.0, 1.0, 0.0, 0.0, 0.0, -5.0]);
    make_convex(&mut h);
    let expected = DMatrix::from_row_slice(3, 3, &[2.0, 2.0, 0.0, 2.0, 2.0, 0.0, 0.0, 0.0, 0.0]);
    assert!((&h - expected).amax() < 1e-14, "{h}");
    let kept = h.clone();
    make_convex(&mut h);
    assert!((h - kept).amax() < 1e-14);
    let mut apart = DMatrix::from_diagonal(&DVector::from_vec(vec![2.0, -1.0]));
    make_convex(&mut apart);
    assert_eq!(apart.as_slice(), [2.0, 0.0, 0.0, 0.0]);
}

#[test]
fn a_matrix_without_eigenvalues_keeps_its_diagonal() {
    let mut h = DMatrix::from_row_slice(2, 2, &[3.0, f64::NAN, f64::NAN, -1.0]);
    make_convex(&mut h);
    assert_eq!(h.as_slice(), [3.0, 0.0, 0.0, 0.0]);
}

const N: usize = 3;
const M: usize = 2;
const STEPS: usize = 5;

/// Steps with unlike numbers and convex costs.
fn world() -> (Vec<Step>, Quadratic) {
    let random = |k: usize| (1.3 * k as f64 + 0.4).sin();
    let cost = |k: usize| {
        let root = DMatrix::from_fn(N + M, N + M, |i, j| random(7 * k + i + 5 * j));
        let h = &root * root.transpose() + DMatrix::identity(N + M, N + M) * 0.1;
        Quadratic {
            x: DVector::from_fn(N, |i, _| random(11 * k + i)),
            u: DVector::from_fn(M, |i, _| random(13 * k + i + 3)),
            xx: h.view((0, 0), (N, N)).into(),
            ux: h.view((N, 0), (M, N)).into(),
            uu: h.view((N, N), (M, M)).into(),
        }
    };
    let step = |k: usize| Step {
        a: DMatrix::from_fn(N, N, |i, j| random(17 * k + i + 3 * j)),
        b: DMatrix::from_fn(N, M, |i, j| random(19 * k + i + 2 * j)),
        cost: cost(k),
    };
    ((0..STEPS).map(step).collect(), cost(STEPS))
}

/// The cost of following the policies from `δx = 0`, and the controls.
fn followed(steps: &[Step], last: &Quadratic, policies: &[Policy]) -> (f64, Vec<f64>) {
    let of = |c: &Quadratic, x: &DVector<f64>, u: &DVector<f64>| {
        let curved = 0.5 * x.dot(&(&c.xx * x)) + u.dot(&(&c.ux * x)) + 0.5 * u.dot(&(&c.uu * u));
        c.x.dot(x) + c.u.dot(u) + curved
    };
    let (mut x, mut cost, mut controls) = (DVector::zeros(N), 0.0, Vec::new());
    for (step, policy) in steps.iter().zip(policies) {
        let u = &policy.feedforward + &policy.gain * &x;
        cost += of(&step.cost, &x, &u);
        x = &step.a * x + &step.b * &u;
        controls.extend(u.iter());
    }
    (cost + of(last, &x, &DVector::zeros(M)), controls)
}

fn policies() -> Vec<Policy> {
    vec![Policy { feedforward: DVector::zeros(M), gain: DMatrix::zeros(M, N) }; STEPS]
}

#[test]
fn the_sweep_finds_the_best_controls_of_a_linear_world_and_promises_their_cost() {
    let (steps, last) = world();
    let mut own = policies();
    let reach = [[f64::NEG_INFINITY, f64::INFINITY]; M * STEPS];
    let promise = sweep(&steps, &last, &reach, 0.0, &mut own).expect("the costs are convex");
    let (cost, controls) = followed(&steps, &last, &own);
    assert!((cost + promise.fall(1.0)).abs() < 1e-12 * cost.abs(), "{cost} is not {promise:?}");
    // No other controls do better.
    let fixed = |controls: &[f64]| {
        let mut plain = policies();
        for (policy, u) in plain.iter_mut().zip(controls.chunks(M)) {
            policy.feedforward.copy_from_slice(u);
        }
        followed(&steps, &last, &plain).0
    };
    assert!((fixed(&controls) - cost).abs() < 1e-12 * cost.abs());
    for i in 0..controls.len() {
        let moved = |h: f64| {
            let mut controls = controls.clone();
            controls[i] += h;
            fixed(&controls)
        };
        let (up, down) = (moved(1e-3), moved(-1e-3));
        assert!(up > cost && down > cost);
        assert!((up - down).abs() < 1e-9 * (up + down - 2.0 * cost).max(1.0), "control {i} is no minimum");
    }
}

#[test]
fn the_sweep_keeps_controls_in_reach_and_asks_for_weight_where_there_is_no_minimum() {
    let (mut steps, last) = world();
    let mut own = policies();
    let reach = [[-0.05, 0.01]; M * STEPS];
    let promise = sweep(&steps, &last, &reach, 0.3, &mut own).expect("the costs are convex");
    assert!(promise.fall(1.0) > 0.0);
    assert!(own.iter().all(|p| p.feedforward.iter().all(|u| (-0.05..=0.01).contains(u))));
    // What a bound holds does not answer to the state.
    for policy in &own {
        for (i, u) in policy.feedforward.iter().enumerate() {
            let held = *u == -0.05 || *u == 0.01;
            assert_eq!(held, policy.gain.row(i).iter().all(|g| *g == 0.0));
        }
    }
    steps[2].cost.uu *= -100.0;
    assert_eq!(sweep(&steps, &last, &reach, 0.0, &mut own), None);
}
