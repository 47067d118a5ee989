//! Stop 10: A and B of a step, and a regulator made of them. `cargo run --release --example tour -- 10`
//!
//! Near a rest the world is linear, `x' = A x + B u`, and its best feedback is known: Riccati's recursion gives the
//! gains that minimize `Σ xᵀ Q x + uᵀ R u`. They hold the true pole upright, from further away than one would
//! think; the picture shows where they lose it.

use costate::model::{Input, State};
use costate::physics::{Record, derive, linearize, step};
use costate::report::Scale;
use costate::scene::mjcf;
use nalgebra::DMatrix;

use super::{Done, curves, figure, show};

const STEPS: usize = 300;

pub fn run() -> Done {
    let model = derive::compile(&mjcf::load("scenes/models/cartpole.xml".as_ref())?);
    // Everything is zero upright.
    let upright = State::reference(&model);
    let (a, b) = linearize(&model, &upright, &Input::zero(&model));
    let matrix = |rows: Vec<Vec<f64>>| DMatrix::from_fn(rows.len(), rows[0].len(), |i, j| rows[i][j]);
    let (a, b) = (matrix(a), matrix(b));
    let q = DMatrix::from_diagonal(&vec![1.0, 10.0, 0.1, 0.1].into());
    let r = DMatrix::from_element(1, 1, 0.01);
    let (mut p, mut gain) = (q.clone(), DMatrix::zeros(1, 4));
    for _ in 0..2000 {
        let inner = (&r + b.transpose() * &p * &b).try_inverse().ok_or("R + BᵀPB is singular")?;
        gain = inner * b.transpose() * &p * &a;
        p = &q + a.transpose() * &p * (&a - &b * &gain);
    }
    println!("u = −K x with K = {:.2?} (N per m, rad, m/s, rad/s)", gain.as_slice());
    let still = (&a - &b * &gain).complex_eigenvalues().iter().fold(0.0f64, |m, z| m.max(z.norm()));
    println!("of a small error {still:.4} is left after each step");

    let (mut times, mut lines) = (Vec::new(), Vec::new());
    for (label, angle) in
        [("from 0.1 rad", 0.1), ("from 0.3 rad", 0.3), ("from 0.5 rad", 0.5), ("from 0.7 rad", 0.7)]
    {
        let (mut state, mut next, mut record) = (upright.clone(), upright.clone(), Record::new(&model));
        state.q[1] = angle;
        let mut angles = vec![angle];
        for _ in 0..STEPS {
            let mut input = Input::zero(&model);
            let x = state.q.iter().chain(&state.v);
            input.u[0] = -gain.iter().zip(x).map(|(k, x)| k * x).sum::<f64>();
            step(&model, &state, &input, &mut record, &mut next);
            std::mem::swap(&mut state, &mut next);
            angles.push(state.q[1]);
        }
        times = (0..=STEPS).map(|k| k as f64 * model.option.timestep).collect();
        lines.push((label, angles));
    }
    show("10_regulator", &figure("time [s]", vec![curves("pole [rad]", Scale::Linear, &times, lines)]))
}
