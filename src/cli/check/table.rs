//! The verdict on every group of inputs.

/// The error of the adjoint against duals, relative to the largest entry of the group, above which it
/// is off.
pub const DUAL_TOLERANCE: f64 = 1e-8;
/// The same against differences, which are exact to about seven digits.
pub const DIFFERENCE_TOLERANCE: f64 = 1e-5;

/// One entry of a gradient, three times.
#[derive(Clone, Debug)]
pub struct Entry {
    pub name: String,
    pub adjoint: f64,
    pub dual: f64,
    /// Of a large group, only some entries are differenced: the worst by dual among them.
    pub difference: Option<f64>,
}

/// Inputs of one kind.
#[derive(Clone, Debug)]
pub struct Group {
    pub name: String,
    /// How many entries were compared.
    pub entries: usize,
    pub worst: Entry,
    /// Of the adjoint against the dual, the worst relative to the largest entry.
    pub error: f64,
    /// Of the adjoint against differences.
    pub difference_error: f64,
}

impl Group {
    /// Judges entries by a common scale; the worst is the one that uses up most of its tolerance.
    pub fn new(name: String, entries: Vec<Entry>) -> Self {
        let scale = entries
            .iter()
            .flat_map(|e| [e.adjoint.abs(), e.dual.abs()])
            .fold(f64::MIN_POSITIVE, f64::max)
            // Gradients that vanish up to rounding have no digits to compare.
            .max(1e-9);
        let error = |e: &Entry| never_nan((e.adjoint - e.dual).abs() / scale);
        let difference_error =
            |e: &Entry| e.difference.map_or(0.0, |d| never_nan((e.adjoint - d).abs() / scale));
        let share = |e: &Entry| (error(e) / DUAL_TOLERANCE).max(difference_error(e) / DIFFERENCE_TOLERANCE);
        let worst = entries.iter().max_by(|a, b| share(a).total_cmp(&share(b))).expect("a group has entries");
        Self {
            name,
            entries: entries.len(),
            worst: worst.clone(),
            error: entries.iter().map(error).fold(0.0, f64::max),
            difference_error: entries.iter().map(difference_error).fold(0.0, f64::max),
        }
    }

    pub fn passed(&self) -> bool {
        self.error <= DUAL_TOLERANCE && self.difference_error <= DIFFERENCE_TOLERANCE
    }
}

/// A NaN must never look like a small error.
fn never_nan(x: f64) -> f64 {
    if x.is_nan() { f64::MAX } else { x }
}

pub fn draw(groups: &[Group]) -> String {
    let width =
        |f: fn(&Group) -> &String| groups.iter().map(|g| f(g).chars().count()).max().unwrap_or(0).max(11);
    let (first, second) = (width(|g| &g.name), width(|g| &g.worst.name));
    let mut out = format!(
        "{:<first$}  {:>7}  {:<second$}  {:>14}  {:>14}  {:>14}  {:>9}  {:>9}\n",
        "group", "entries", "worst entry", "adjoint", "dual", "difference", "by dual", "by diff."
    );
    for g in groups {
        let w = &g.worst;
        out += &format!(
            "{:<first$}  {:>7}  {:<second$}  {:>14.7e}  {:>14.7e}  {:>14.7e}  {:>9.1e}  {:>9.1e}  {}\n",
            g.name,
            g.entries,
            w.name,
            w.adjoint,
            w.dual,
            w.difference.unwrap_or(f64::NAN),
            g.error,
            g.difference_error,
            if g.passed() { "ok" } else { "OFF" }
        );
    }
    let off = groups.iter().filter(|g| !g.passed()).count();
    out + &match off {
        0 => "all gradients agree\n".to_owned(),
        1 => "one group is off\n".to_owned(),
        n => format!("{n} groups are off\n"),
    }
}
