//! Recordings beside the rollouts that were fitted to them.

use super::Motion;
use super::chart::{Figure, Panel, Row, Scale, Shape};
use super::curves::TIME;
use super::picture::Picture;
use crate::objective::{Term, When};
use crate::sense::{Needs, View};

/// The most rows of the picture.
const MOST_ROWS: usize = 12;

/// Recorded dots and the simulated line of every quantity that is compared with a recording, and their
/// difference in stated deviations; dotted lines hold 95 % of the differences if model and deviations are
/// right. `None` if nothing is compared.
pub fn fitted(motion: &Motion<'_>, terms: &[Term]) -> Option<Picture> {
    let rows: Vec<Row> = terms.iter().flat_map(|term| compared(motion, term)).take(MOST_ROWS).collect();
    (!rows.is_empty()).then(|| Figure { horizontal: TIME.to_owned(), rows }.draw())
}

/// A row for each number of a term.
fn compared(motion: &Motion<'_>, term: &Term) -> Vec<Row> {
    let When::Rows { states, every } = &term.when else { return Vec::new() };
    let steps: Vec<usize> = states.clone().step_by(*every).filter(|&k| k < motion.states.len()).collect();
    let mut view = View::new(motion.model, std::iter::once(term.quantity));
    let mut measure = |k: usize| {
        let (state, input) = (&motion.states[k], motion.inputs.get(k));
        view.step = k;
        view.past = k.checked_sub(1).map_or(Vec::new(), |past| motion.inputs[past].u.clone());
        view.look(motion.model, state, input, Needs::of(std::iter::once(term.quantity)));
        term.quantity.measure(motion.model, state, input, &view).to_array()
    };
    let simulated: Vec<[f64; 3]> = steps.iter().map(|&k| measure(k)).collect();
    let recorded = |k: usize| term.target.get(k).or(term.target.last()).copied().unwrap_or_default();
    let deviation = (0.5 / term.weight).sqrt();
    let times = motion.times();
    let x: Vec<f64> = steps.iter().map(|&k| times[k]).collect();
    let count = if term.quantity.is_vector() { 3 } else { 1 };
    let row = |i: usize| {
        let dots: Vec<f64> = steps.iter().map(|&k| recorded(k)[i]).collect();
        let line: Vec<f64> = simulated.iter().map(|s| s[i]).collect();
        let off = dots.iter().zip(&line).map(|(a, b)| (a - b) / deviation).collect();
        let name =
            if count == 3 { format!("{}.{}", term.name, ["x", "y", "z"][i]) } else { term.name.clone() };
        let panel = |vertical: String, series, marks| Panel {
            vertical,
            x: x.clone(),
            series,
            scale: Scale::Linear,
            shape: Shape::Dots,
            marks,
        };
        let error = panel("error [deviations]".to_owned(), vec![off], vec![-1.96, 1.96]);
        Row {
            names: vec!["recorded".to_owned(), "simulated".to_owned()],
            panels: vec![panel(name, vec![dots, line], Vec::new()), error],
        }
    };
    (0..count).map(row).collect()
}
