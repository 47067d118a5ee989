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

#[cfg(test)]
mod tests {
    use super::super::table::{Entry, Group};
    use super::*;

    fn group(name: &str, adjoint: f64, dual: f64, difference: f64) -> Group {
        let entry = Entry { name: "entry".to_owned(), adjoint, dual, difference: Some(difference) };
        Group::new(name.to_owned(), vec![entry])
    }

    fn health(growth: f64) -> Health {
        Health { steps: 100, growth, switches: Vec::new(), broken: None, jumps: false, missing: Vec::new() }
    }

    #[test]
    fn gradients_that_are_off_are_never_called_healthy() {
        let sound = group("joint", 1.0, 1.0, 1.0);
        assert_eq!(advice(std::slice::from_ref(&sound), &health(1.0), (0, None)), None);
        let kink = [sound.clone(), group("geom", 1.0, 1.0, 2.0), group("controls", 3.0, 3.0, 1.0)];
        let said = advice(&kink, &health(1.0), (0, None)).unwrap();
        for words in ["distrust", "\"geom\" and \"controls\"", "differences do not", "--seed 1"] {
            assert!(said.contains(words), "{words} is not in: {said}");
        }
        let lonely = [group("geom", 1.0, 1.0, f64::NAN)];
        let said = advice(&lonely, &health(1.0), (0, Some(&Error::Unsolved { step: 7 }))).unwrap();
        assert!(said.contains("a rollout nearby failed") && said.contains("step 7"), "{said}");
        let wrong = [sound, group("geom", 1.0, 2.0, 1.0)];
        let said = advice(&wrong, &health(1.0), (4, None)).unwrap();
        assert!(said.contains("by \"geom\": adjoint and dual differ") && said.contains("--seed 5"), "{said}");
        assert_eq!(off(&wrong), ["geom"]);
    }

    #[test]
    fn a_gradient_that_grows_too_much_is_told_before_another_seed_is_tried() {
        let said = advice(&[group("geom", 1.0, 1.0, 2.0)], &health(2.0), (0, None)).unwrap();
        assert!(said.contains("choose a shorter horizon or a smaller step; then run again"), "{said}");
    }
}
