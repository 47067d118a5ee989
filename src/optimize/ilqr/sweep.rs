//! The best small change of all controls, from the last step to the first.

use nalgebra::{DMatrix, DVector};

use super::box_qp::minimize;
use super::expansion::{Quadratic, Step};

/// What a step does about a change of its state: `δu = length × feedforward + gain δx`.
#[derive(Clone, Debug)]
pub struct Policy {
    /// (m)
    pub feedforward: DVector<f64>,
    /// (m, n)
    pub gain: DMatrix<f64>,
}

/// How the cost is expected to change with the length `α` of the step: `α slope + ½ α² bend`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Promise {
    /// Below zero.
    pub slope: f64,
    /// Above zero.
    pub bend: f64,
}

impl Promise {
    /// How far the cost is expected to fall.
    pub fn fall(self, length: f64) -> f64 {
        -length * (self.slope + 0.5 * length * self.bend)
    }
}

/// Minimizes the sum of all costs along the linear world, step by step backward (Riccati's recursion), with
/// `weight × |δu|² / 2` added to each and with `δu` in `reach: (steps × m)` (Tassa, Mansard and Todorov 2014).
///
/// `V(δx) = min_δu ℓ(δx, δu) + V'(A δx + B δu)`
///
/// `None` if some step has no minimum, which a greater weight mends.
pub fn sweep(
    steps: &[Step],
    last: &Quadratic,
    reach: &[[f64; 2]],
    weight: f64,
    policies: &mut [Policy],
) -> Option<Promise> {
    let (mut vx, mut vxx) = (last.x.clone(), last.xx.clone());
    let mut promise = Promise { slope: 0.0, bend: 0.0 };
    for (k, (Step { a, b, cost }, policy)) in steps.iter().zip(policies).enumerate().rev() {
        let m = b.ncols();
        let (va, vb) = (&vxx * a, &vxx * b);
        let (qx, qu) = (&cost.x + a.tr_mul(&vx), &cost.u + b.tr_mul(&vx));
        let (qxx, qux, quu) = (&cost.xx + a.tr_mul(&va), &cost.ux + b.tr_mul(&va), &cost.uu + b.tr_mul(&vb));
        let mut damped = quu.clone();
        for i in 0..m {
            damped[(i, i)] += weight;
        }
        let minimum = minimize(&damped, &qu, &reach[k * m..(k + 1) * m])?;
        policy.gain.fill(0.0);
        if let Some(factor) = &minimum.factor {
            let own = factor.solve(&qux.select_rows(&minimum.free));
            for (row, &i) in minimum.free.iter().enumerate() {
                policy.gain.set_row(i, &-own.row(row));
            }
        }
        policy.feedforward = minimum.d;
        let (d, gain) = (&policy.feedforward, &policy.gain);
        let bent = &quu * d;
        promise.slope += d.dot(&qu);
        promise.bend += d.dot(&bent);
        vx = qx + gain.tr_mul(&(bent + qu)) + qux.tr_mul(d);
        vxx = qxx + gain.tr_mul(&(quu * gain + &qux)) + qux.tr_mul(gain);
        // What rounding makes of a symmetric matrix would grow from step to step.
        vxx = (&vxx + vxx.transpose()) * 0.5;
    }
    Some(promise)
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert!(
                (up - down).abs() < 1e-9 * (up + down - 2.0 * cost).max(1.0),
                "control {i} is no minimum"
            );
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
}
