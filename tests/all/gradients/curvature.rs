//! Second derivatives: the adjoint swept on dual numbers is a Hessian times a vector.

use costate::physics::derive;
use costate::rollout::Memory;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::super::recorded::all;
use super::{INTEGRATORS, Rollout};
use crate::moving::moving;

/// A change of all variables; parameters change in proportion to their size.
fn direction(rollout: &Rollout) -> Vec<f64> {
    let mut random = Pcg64::seed_from_u64(17);
    let mut noise = || random.random_range(-1.0..1.0);
    let mut out: Vec<f64> = (0..rollout.parameters_from()).map(|_| noise()).collect();
    out.extend(rollout.parameters.iter().map(|p| noise() * if *p == 0.0 { 0.01 } else { p.abs() }));
    out
}

/// The gradient at a place along a direction.
fn gradient(rollout: &Rollout, direction: &[f64], way: f64) -> Vec<f64> {
    let mut next = direction.iter();
    rollout.gradient(Memory::Full, &mut |x| x + way * next.next().unwrap()).1
}

/// The derivative at zero of a vector function by central differences with ever smaller steps,
/// extrapolated; each entry is the one of its table that differs least from its neighbours (Ridders
/// 1982). The largest step suits smooth entries, the smallest suits entries that bend sharply.
fn slope(f: impl Fn(f64) -> Vec<f64>) -> Vec<f64> {
    const LEVELS: usize = 8;
    let quotient = |level: usize| -> Vec<f64> {
        let h = 4e-4 * 0.4f64.powi(level as i32);
        f(h).iter().zip(f(-h)).map(|(a, b)| (a - b) / (2.0 * h)).collect()
    };
    let quotients: Vec<Vec<f64>> = (0..LEVELS).map(quotient).collect();
    let entry = |k: usize| {
        let (mut best, mut error) = (f64::NAN, f64::INFINITY);
        let mut above: Vec<f64> = Vec::new();
        for q in &quotients {
            let mut row = vec![q[k]];
            for (order, old) in above.iter().enumerate() {
                let factor = 0.4f64.powi(-2 * (order as i32 + 1));
                let next = row[order] + (row[order] - old) / (factor - 1.0);
                let doubt = (next - row[order]).abs().max((next - old).abs());
                if doubt < error {
                    (best, error) = (next, doubt);
                }
                row.push(next);
            }
            above = row;
        }
        best
    };
    (0..quotients[0].len()).map(entry).collect()
}

/// An entry of a Hessian-vector product, and what the difference of exact gradients says.
pub struct Entry {
    pub error: f64,
    pub variable: usize,
    pub dual: f64,
    pub difference: f64,
}

/// The worst entry, relative to the largest one of its kind.
pub fn worst(rollout: &Rollout) -> Entry {
    let direction = direction(rollout);
    let mut next = direction.iter();
    let dual = rollout.gradient(Memory::Light, &mut |x| moving(x, *next.next().unwrap())).1;
    let expected = slope(|way| gradient(rollout, &direction, way));
    let split = rollout.parameters_from();
    let scale =
        |range: std::ops::Range<usize>| expected[range].iter().fold(f64::MIN_POSITIVE, |m, x| m.max(x.abs()));
    let scales = [scale(0..split), scale(split..expected.len())];
    let entry = |variable: usize| {
        let (dual, difference) = (crate::moving::slope(&dual[variable]), expected[variable]);
        let error = (dual - difference).abs() / scales[usize::from(variable >= split)];
        Entry { error: if error.is_nan() { f64::INFINITY } else { error }, variable, dual, difference }
    };
    (0..expected.len()).map(entry).max_by(|a, b| a.error.total_cmp(&b.error)).unwrap()
}

/// What a variable is called.
pub fn name(rollout: &Rollout, variable: usize) -> String {
    match variable.checked_sub(rollout.parameters_from()) {
        Some(k) => derive::parameters(&rollout.description)[k].name.clone(),
        None => format!("input {variable}"),
    }
}

/// The medium drags a round body in a frame that equal moments leave open: it jumps as the capsule of
/// the weed tilts, and the gradient with it. The arm is so stiff that the quotient itself is good to
/// 3e-7 only.
const LEFT_OUT: [&str; 3] = ["fluid", "fluid_fast", "arm"];

#[test]
fn a_hessian_times_a_vector_is_the_difference_of_exact_gradients() {
    let mut largest: f64 = 0.0;
    for r in all().into_iter().filter(|r| !LEFT_OUT.contains(&r.name.as_str())) {
        for integrator in INTEGRATORS {
            let rollout = Rollout::new(&r, integrator, 4);
            let Entry { error, variable, dual, difference } = worst(&rollout);
            largest = largest.max(error);
            if error > 1e-7 {
                let name = name(&rollout, variable);
                println!("{:20} {integrator:?} {error:.1e} {name}: {dual} instead of {difference}", r.name);
            }
        }
    }
    println!("worst error of a Hessian-vector product: {largest:.1e}");
    assert!(largest <= 1e-7, "see the table above");
}
