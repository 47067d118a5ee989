//! What a recording says about parameters, for people and for programs.

use serde_json::{Value, json};

use crate::optimize::{Combination, Fit};

/// As an object; an infinite interval is null.
pub fn object(fit: &Fit) -> Value {
    let estimates = fit.estimates.iter().map(|e| {
        json!({ "name": e.name, "unit": e.unit, "start": e.start, "value": e.value, "half_width_95": e.half_width })
    });
    let undetermined = fit.undetermined.iter().map(|c| {
        let shares: Vec<_> =
            c.shares.iter().map(|(share, name)| json!({ "name": name, "share": share })).collect();
        json!({ "shares": shares, "relative_half_width_95": c.half_width })
    });
    json!({
        "numbers": fit.numbers,
        "errors_in_deviations": fit.errors,
        "estimates": estimates.collect::<Vec<_>>(),
        "undetermined": undetermined.collect::<Vec<_>>(),
    })
}

/// As a table, and a line for each combination that the recording leaves open.
pub fn table(fit: &Fit) -> String {
    let mut text = format!(
        "fitted to {} recorded numbers; the errors are {:.3} times the stated deviations\n",
        fit.numbers, fit.errors
    );
    let heading = ["parameter", "start", "fitted", "95 % interval", "unit"].map(str::to_owned);
    let mut rows = vec![heading];
    rows.extend(fit.estimates.iter().map(|e| {
        let interval =
            if e.half_width.is_finite() { format!("± {}", digits(e.half_width)) } else { "any".into() };
        [e.name.clone(), digits(e.start), digits(e.value), interval, e.unit.to_owned()]
    }));
    let widths: [usize; 4] =
        std::array::from_fn(|c| rows.iter().map(|row| row[c].chars().count()).max().unwrap_or(0));
    for [name, start, value, interval, unit] in rows {
        let [a, b, c, d] = widths;
        let line = format!("  {name:<a$}  {start:>b$}  {value:>c$}  {interval:>d$}  {unit}");
        text += &format!("{}\n", line.trim_end());
    }
    text + &fit.undetermined.iter().map(open).collect::<String>()
}

fn open(c: &Combination) -> String {
    let share = |(k, (share, name)): (usize, &(f64, String))| match (k, *share < 0.0) {
        (0, _) => format!("{share:.2} {name}"),
        (_, true) => format!(" − {:.2} {name}", -share),
        (_, false) => format!(" + {share:.2} {name}"),
    };
    let sum: String = c.shares.iter().enumerate().map(share).collect();
    let width = if c.half_width.is_finite() {
        format!("its interval is ± {} % of the values", digits(100.0 * c.half_width))
    } else {
        "it changes nothing".to_owned()
    };
    format!("not determined by the recording: {sum} (relative changes; {width})\n")
}

/// Four digits that count.
fn digits(x: f64) -> String {
    let places = if x == 0.0 { 0 } else { (3.0 - x.abs().log10().floor()).clamp(0.0, 12.0) as usize };
    if x != 0.0 && (x.abs() < 1e-6 || x.abs() >= 1e7) { format!("{x:.3e}") } else { format!("{x:.places$}") }
}
