//! The table of derivatives: a row for every operation that has one.
//!
//! A row asks at seeded random inputs whether the tangent on dual numbers equals a central difference,
//! and whether `⟨w, J d⟩ = ⟨Jᵀ w, d⟩` to rounding. What a pullback writes is NaN beforehand; where it
//! adds, it starts from known numbers and from a scratch that has seen a world full of NaN.

mod algebra;
mod calls;
mod compilation;
mod constraints;
mod contact;
mod continuum;
pub mod deciding;
mod dynamics;
mod elementary;
mod function;
mod particles;
mod responses;
mod sensors;
mod singular;
mod steps;
mod wishes;
mod world;

use std::collections::BTreeMap;

use super::architecture::sources;

/// What a row found.
#[derive(Clone, Copy, Debug, Default)]
pub struct Answer {
    /// Dual against central difference, relative to the largest entry.
    pub difference: f64,
    /// The two sides of the dot test, relative to the sum of their terms' sizes.
    pub dot: f64,
}

impl Answer {
    /// What a difference is good for near a bend of a damper, or with a stiff polynomial; functions of a
    /// few numbers do a thousand times better.
    const DIFFERENCE: f64 = 1e-5;
    const DOT: f64 = 2e-13;

    pub fn worse(self, other: Self) -> Self {
        Self { difference: self.difference.max(other.difference), dot: self.dot.max(other.dot) }
    }
    pub fn is_right(self) -> bool {
        self.difference <= Self::DIFFERENCE && self.dot <= Self::DOT
    }
}

/// One operation: `file::function`, and the question.
pub struct Row {
    name: &'static str,
    ask: Box<dyn Fn() -> Answer>,
}

impl Row {
    pub fn new(name: &'static str, ask: impl Fn() -> Answer + 'static) -> Self {
        Self { name, ask: Box::new(ask) }
    }
}

fn rows() -> Vec<Row> {
    let mut rows = elementary::rows();
    rows.extend(algebra::rows());
    rows.extend(calls::rows());
    rows.extend(compilation::rows());
    rows.extend(constraints::rows());
    rows.extend(contact::rows());
    rows.extend(continuum::rows());
    rows.extend(dynamics::rows());
    rows.extend(particles::rows());
    rows.extend(responses::rows());
    rows.extend(sensors::rows());
    rows.extend(steps::rows());
    rows.extend(wishes::rows());
    rows.extend(deciding::rows());
    rows
}

#[test]
fn every_derivative_is_the_limit_of_differences_and_the_transpose_of_its_pullback() {
    let mut failed = Vec::new();
    let mut table: BTreeMap<&str, Answer> = BTreeMap::new();
    for row in rows() {
        let answer = (row.ask)();
        let entry = table.entry(row.name).or_default();
        *entry = entry.worse(answer);
    }
    println!("{:68} {:>10} {:>10}", "operation", "difference", "dot");
    for (name, answer) in table {
        let right = answer.is_right();
        let mark = if right { "" } else { "  ← wrong" };
        println!("{name:68} {:10.1e} {:10.1e}{mark}", answer.difference, answer.dot);
        if !right {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "{failed:?}: see the table above");
}

/// The public pullbacks in the code: functions with `pullback` in their name, and the pullbacks of
/// costs and controllers, which are public through their traits.
fn pullbacks() -> Vec<String> {
    let mut out = Vec::new();
    for source in sources() {
        let path = source.path.to_string_lossy().replace('\\', "/");
        for line in source.code.lines() {
            let line = line.trim_start();
            let of_trait = line.starts_with("fn cost_pullback") || line.starts_with("fn act_pullback");
            let public = line.strip_prefix("pub fn ");
            let Some(rest) = public.or(of_trait.then(|| &line[3..])) else { continue };
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            // The command line hands the costs of others on.
            if name.contains("pullback") && !path.starts_with("cli/") {
                out.push(format!("{path}::{name}"));
            }
        }
    }
    out.sort();
    out.dedup();
    out
}

#[test]
fn every_public_pullback_has_a_row_and_every_row_its_pullback() {
    let found = pullbacks();
    assert!(found.len() >= 20, "only {} pullbacks found: does the search still work?", found.len());
    let rows = rows();
    let missing: Vec<_> = found.iter().filter(|name| !rows.iter().any(|r| r.name == *name)).collect();
    assert!(missing.is_empty(), "these have no row: {missing:#?}");
    let stale: Vec<_> = rows
        .iter()
        .map(|r| r.name)
        .filter(|n| n.contains("pullback") && !found.iter().any(|f| f == n))
        .collect();
    assert!(stale.is_empty(), "these rows have no function: {stale:#?}");
}
