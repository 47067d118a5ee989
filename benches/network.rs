//! Prints how long layers 128 → 64 → 32 with tanh take for a batch of 64, in `f64` on one thread: forward, and
//! the pullback by inputs and parameters. `benches/peers/network.py` runs it beside PyTorch.

use std::hint::black_box;
use std::time::Instant;

use costate::control::{Activation, Initial, Mlp};

const BATCH: usize = 64;

/// The lowest mean of many rounds [µs]: what disturbs a measurement only adds.
fn fastest(mut work: impl FnMut()) -> f64 {
    let mut round = || {
        let start = Instant::now();
        (0..200).for_each(|_| work());
        start.elapsed().as_secs_f64() * 1e6 / 200.0
    };
    (0..30).map(|_| round()).fold(f64::INFINITY, f64::min)
}

fn main() {
    let mlp = Mlp { sizes: vec![128, 64, 32], activation: Activation::Tanh, norm: false };
    let parameters = Initial::default().draw(&mlp, 1);
    let n = BATCH * mlp.width();
    let (mut values, mut slopes, mut cotangents) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
    for (k, x) in values[..BATCH * mlp.inputs()].iter_mut().enumerate() {
        *x = (0.7 * k as f64).sin();
    }
    let forward = fastest(|| mlp.forward(black_box(&parameters), (&mut values, &mut slopes), 0..BATCH));
    let mut gradient = vec![0.0; parameters.len()];
    let pullback = fastest(|| {
        gradient.fill(0.0);
        let last = n - BATCH * mlp.outputs();
        cotangents[last..].fill(1.0);
        mlp.pullback(black_box(&parameters), (&values, &slopes), &mut cotangents, 0..BATCH);
        mlp.parameters_pullback(&values, &cotangents, &mut gradient);
    });
    println!("{{\"forward\": {forward}, \"pullback\": {pullback}}}");
}
