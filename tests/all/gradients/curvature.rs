//! Second derivatives: the adjoint swept on dual numbers is a Hessian times a vector.

use costate::number::Single;
use costate::physics::derive;
use costate::rollout::Memory;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::super::recorded::all;
use super::{INTEGRATORS, Rollout};

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

/// An entry of a Hessian-vector product, and what the difference of exact gradients says.
struct Entry {
    error: f64,
    variable: usize,
    dual: f64,
    difference: f64,
}

/// The worst entry, relative to the largest one of its kind.
fn worst(rollout: &Rollout) -> Entry {
    let direction = direction(rollout);
    let mut next = direction.iter();
    let dual = rollout.gradient(Memory::Light, &mut |x| Single::new(x, *next.next().unwrap())).1;
    // Richardson's extrapolation of two central differences: an error of order h⁴.
    let h = 2e-4;
    let difference = |h: f64| -> Vec<f64> {
        let (ahead, behind) = (gradient(rollout, &direction, h), gradient(rollout, &direction, -h));
        ahead.iter().zip(behind).map(|(a, b)| (a - b) / (2.0 * h)).collect()
    };
    let (coarse, fine) = (difference(h), difference(0.5 * h));
    let expected: Vec<f64> = coarse.iter().zip(&fine).map(|(c, f)| (4.0 * f - c) / 3.0).collect();
    let split = rollout.parameters_from();
    let scale =
        |range: std::ops::Range<usize>| expected[range].iter().fold(f64::MIN_POSITIVE, |m, x| m.max(x.abs()));
    let scales = [scale(0..split), scale(split..expected.len())];
    let entry = |variable: usize| {
        let (dual, difference) = (dual[variable].derivative(), expected[variable]);
        let error = (dual - difference).abs() / scales[usize::from(variable >= split)];
        Entry { error: if error.is_nan() { f64::INFINITY } else { error }, variable, dual, difference }
    };
    (0..expected.len()).map(entry).max_by(|a, b| a.error.total_cmp(&b.error)).unwrap()
}

/// What a variable is called.
fn name(rollout: &Rollout, variable: usize) -> String {
    match variable.checked_sub(rollout.parameters_from()) {
        Some(k) => derive::parameters(&rollout.description)[k].name.clone(),
        None => format!("input {variable}"),
    }
}

/// Where the difference quotient itself is worse than a ten-millionth: polynomial dampers with huge third
/// derivatives, tensors near equal moments, and capsules that point straight up or down.
const ROUGH: [&str; 10] = [
    "actuators_body",
    "actuators_tendon",
    "arm",
    "fluid",
    "fluid_fast",
    "humanoid",
    "inertia_shapes",
    "springless",
    "springs",
    "tree",
];

#[test]
fn a_hessian_times_a_vector_is_the_difference_of_exact_gradients() {
    let mut largest: f64 = 0.0;
    for r in all().into_iter().filter(|r| !ROUGH.contains(&r.name.as_str())) {
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
