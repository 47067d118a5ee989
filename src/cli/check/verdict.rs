//! The last word of a check: which gradients to distrust, and what to do next.

use super::table::{DUAL_TOLERANCE, Group};
use crate::error::Error;
use crate::rollout::Health;

/// The names of the groups that are off.
pub fn off(groups: &[Group]) -> Vec<&str> {
    groups.iter().filter(|g| !g.passed()).map(|g| g.name.as_str()).collect()
}

/// What to distrust and what to do next, in one sentence; nothing where all agrees and looks healthy.
pub fn advice(groups: &[Group], health: &Health, (seed, refused): (u64, Option<&Error>)) -> Option<String> {
    let names = off(groups);
    if names.is_empty() {
        return health.advice();
    }
    let by_dual = groups.iter().any(|g| g.error > DUAL_TOLERANCE);
    let failed = refused.filter(|_| groups.iter().any(|g| g.difference_error == f64::MAX));
    let (finding, suspicion) = if by_dual {
        (
            "adjoint and dual differ, which the same derivative computed twice never does",
            "what stays off is an error of costate",
        )
    } else if failed.is_some() {
        (
            "adjoint and dual agree and differences do not exist",
            "what stays off has nothing to be compared with",
        )
    } else {
        (
            "adjoint and dual agree and differences do not, as at a kink or where a small change grows too much",
            "what stays off has no derivative there, or has one that costate leaves out",
        )
    };
    let why = failed.map_or(String::new(), |error| format!(", because a rollout nearby failed: {error}"));
    let again = format!("run again with --seed {}", seed.wrapping_add(1));
    let next = match health.advice() {
        Some(advice) => format!("{advice}; then {again}"),
        None => again,
    };
    Some(format!("distrust the gradients by {}: {finding}{why}; {next}: {suspicion}", listed(&names)))
}

/// `"a", "b" and "c"`.
fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    match &quoted[..] {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => quoted.concat(),
    }
}
