//! Cost terms and goals of a scene.

use toml::Spanned;

use super::file;
use super::place::Source;
use super::recording::Recording;
use crate::error::Error;
use crate::model::Model;
use crate::objective::goals::{Bound, Goal, MeasuredAs};
use crate::objective::{Penalty, Term, When};
use crate::sense::{Quantity, quantities};

/// From seconds to steps.
#[derive(Clone, Copy)]
pub struct Clock {
    pub timestep: f64,
    pub steps: usize,
}

impl Clock {
    fn step(self, source: &Source<'_>, time: &Spanned<f64>, key: &str) -> Result<usize, Error> {
        let end = self.timestep * self.steps as f64;
        let step = (source.finite(time, key)? / self.timestep).round();
        if step < 0.0 || step > self.steps as f64 {
            let what = format!("{key} is {} s, and the scene lasts from 0 to {end} s", time.get_ref());
            return Err(source.error(time.span(), what));
        }
        Ok(step as usize)
    }
    pub fn span(
        self,
        source: &Source<'_>,
        from: Option<&Spanned<f64>>,
        to: Option<&Spanned<f64>>,
    ) -> Result<(usize, usize), Error> {
        let first = from.map_or(Ok(0), |t| self.step(source, t, "from"))?;
        let last = to.map_or(Ok(self.steps), |t| self.step(source, t, "to"))?;
        match from.or(to) {
            Some(given) if first >= last => Err(source.error(given.span(), "from must come before to")),
            _ => Ok((first, last)),
        }
    }
}

pub fn terms(
    source: &Source<'_>,
    files: &[file::Cost],
    model: &Model<f64>,
    clock: Clock,
) -> Result<Vec<Term>, Error> {
    let mut out = Vec::new();
    for file in files {
        let recording =
            file.reference.as_ref().map(|r| Recording::read(source, r, clock.timestep)).transpose()?;
        let (weight, when) = weighing(source, file, recording.as_ref(), clock)?;
        for (name, quantity) in named(source, &file.quantity, file.quantity.get_ref(), model)? {
            let penalty = penalty(source, file, quantity)?;
            if quantity.needs_input() && when == When::At(clock.steps) {
                let what = "the last state has no control and no forces any more: give it when = \"running\" or a time";
                return Err(source.error(file.quantity.span(), what));
            }
            let given =
                Asked { name: &name, target: &file.target, path: &file.path, recording: recording.as_ref() };
            let target = given.places(source, quantity, clock)?.unwrap_or_default();
            out.push(Term { name, quantity, target, penalty, weight, when: when.clone() });
        }
    }
    Ok(out)
}

/// The weight of a cost, and when it counts: a recorded one at every row by its deviation.
fn weighing(
    source: &Source<'_>,
    file: &file::Cost,
    recording: Option<&Recording>,
    clock: Clock,
) -> Result<(f64, When), Error> {
    let deviation = match (&file.weight, &file.deviation) {
        (Some(weight), None) => {
            let when = when(source, file, clock)?;
            if let Some(recording) = recording {
                let (first, last) = match &when {
                    When::Running(steps) => (steps.start, steps.end - 1),
                    When::At(step) => (*step, *step),
                    When::Rows { states, .. } => (*states.start(), *states.end()),
                };
                recording.covers(first, last, clock.timestep)?;
            }
            return Ok((source.finite(weight, "weight")?, when));
        }
        (None, Some(deviation)) => deviation,
        (Some(_), Some(deviation)) => {
            return Err(source.error(deviation.span(), "give either weight or deviation, not both"));
        }
        (None, None) => return Err(source.error(file.quantity.span(), "a cost needs a weight")),
    };
    let refuse = |what: &str| Err(source.error(deviation.span(), what));
    let Some(recording) = recording else {
        return refuse("deviation is that of a recording: give reference = \"FILE.csv\", or a weight");
    };
    if file.penalty != file::Penalty::Square || file.when != file::When::Running || file.at.is_some() {
        return refuse("a deviation makes squares of all rows: penalty, when and at have no place beside it");
    }
    let (from, to) = clock.span(source, file.from.as_ref(), file.to.as_ref())?;
    let every = recording.every;
    let first = recording.first + from.saturating_sub(recording.first).div_ceil(every) * every;
    let last = to.min(recording.last());
    if first > last {
        return refuse("no row of the reference lies in the time that counts");
    }
    let deviation = source.positive(deviation, "deviation")?;
    Ok((0.5 / (deviation * deviation), When::Rows { states: first..=last, every }))
}

fn named(
    source: &Source<'_>,
    place: &Spanned<String>,
    pattern: &str,
    model: &Model<f64>,
) -> Result<Vec<(String, Quantity)>, Error> {
    quantities(&model.topology, pattern).map_err(|e| source.error(place.span(), e))
}

fn when(source: &Source<'_>, file: &file::Cost, clock: Clock) -> Result<When, Error> {
    match (file.when, &file.at) {
        (_, Some(at)) => {
            if let Some(stray) = file.from.as_ref().or(file.to.as_ref()) {
                return Err(
                    source.error(stray.span(), "at is one time: from and to have no meaning beside it")
                );
            }
            Ok(When::At(clock.step(source, at, "at")?))
        }
        (file::When::Final, None) => match file.from.as_ref().or(file.to.as_ref()) {
            Some(stray) => Err(source.error(stray.span(), "from and to belong to when = \"running\"")),
            None => Ok(When::At(clock.steps)),
        },
        (file::When::Running, None) => {
            let (first, last) = clock.span(source, file.from.as_ref(), file.to.as_ref())?;
            Ok(When::Running(first..last))
        }
    }
}

fn penalty(source: &Source<'_>, file: &file::Cost, quantity: Quantity) -> Result<Penalty, Error> {
    use file::Penalty as P;
    let stray = [
        (&file.width, file.penalty == P::Distance, "width belongs to penalty = \"distance\""),
        (&file.lower, file.penalty == P::Outside, "lower belongs to penalty = \"outside\""),
        (&file.upper, file.penalty == P::Outside, "upper belongs to penalty = \"outside\""),
        (&file.radius, file.penalty == P::Avoid, "radius belongs to penalty = \"avoid\""),
    ];
    for (given, fits, what) in stray {
        if let (Some(given), false) = (given, fits) {
            return Err(source.error(given.span(), what));
        }
    }
    let refuse = |what: &str| Err(source.error(file.quantity.span(), what.to_owned()));
    Ok(match file.penalty {
        P::Square => Penalty::Square,
        P::Linear if quantity.is_vector() => return refuse("the penalty \"linear\" is for single numbers"),
        P::Linear => Penalty::Linear,
        P::Wrapped if quantity.is_vector() => return refuse("the penalty \"wrapped\" is for single numbers"),
        P::Wrapped => Penalty::Wrapped,
        P::Distance => Penalty::Distance {
            width: file.width.as_ref().map_or(Ok(0.01), |width| source.positive(width, "width"))?,
        },
        P::Outside if quantity.is_vector() => return refuse("the penalty \"outside\" is for single numbers"),
        P::Outside => {
            let bound =
                |x: &Option<Spanned<f64>>, key, free| x.as_ref().map_or(Ok(free), |x| source.finite(x, key));
            let lower = bound(&file.lower, "lower", f64::NEG_INFINITY)?;
            let upper = bound(&file.upper, "upper", f64::INFINITY)?;
            if lower > upper || lower == -upper && lower.is_infinite() {
                return refuse("the penalty \"outside\" needs lower, or upper, or both in this order");
            }
            Penalty::Outside { lower, upper }
        }
        P::Avoid => match &file.radius {
            Some(radius) => Penalty::Avoid { radius: source.positive(radius, "radius")? },
            None => return refuse("the penalty \"avoid\" needs the radius around the target"),
        },
    })
}

/// What is asked of a quantity: at all states the same, or at each its place on a path or in a recording.
struct Asked<'a> {
    name: &'a str,
    target: &'a Option<Spanned<file::Numbers>>,
    path: &'a Option<Spanned<Vec<Vec<f64>>>>,
    recording: Option<&'a Recording>,
}

impl Asked<'_> {
    fn places(
        &self,
        source: &Source<'_>,
        quantity: Quantity,
        clock: Clock,
    ) -> Result<Option<Vec<[f64; 3]>>, Error> {
        let span = |path: &Spanned<Vec<Vec<f64>>>| path.span();
        match (self.target, self.path, self.recording) {
            (None, None, None) => Ok(None),
            (Some(target), None, None) => Ok(Some(vec![point(source, target, quantity, "target")?])),
            (None, Some(path), None) => along(source, path, quantity, clock).map(Some),
            (None, None, Some(recording)) if quantity.is_vector() => {
                let names = ["x", "y", "z"].map(|axis| format!("{}.{axis}", self.name));
                recording.lines(names.each_ref().map(String::as_str)).map(Some)
            }
            (None, None, Some(recording)) => {
                let numbers = recording.lines([self.name])?;
                Ok(Some(numbers.into_iter().map(|[x]| [x, 0.0, 0.0]).collect()))
            }
            (target, path, _) => {
                let place =
                    path.as_ref().map(span).or(target.as_ref().map(Spanned::span)).unwrap_or_default();
                Err(source.error(place, "give one of target, path and reference"))
            }
        }
    }
}

/// The places on a path of corners `[time, …]`, state by state.
fn along(
    source: &Source<'_>,
    path: &Spanned<Vec<Vec<f64>>>,
    quantity: Quantity,
    clock: Clock,
) -> Result<Vec<[f64; 3]>, Error> {
    let mut corners = Vec::new();
    for row in path.get_ref() {
        let [time, place @ ..] = row.as_slice() else { continue };
        let place = Spanned::new(path.span(), file::Numbers::Many(place.to_vec()));
        let time = source.finite(&Spanned::new(path.span(), *time), "path")?;
        corners.push((time, point(source, &place, quantity, "path")?));
    }
    if corners.len() < path.get_ref().len().max(1) || corners.windows(2).any(|c| c[0].0 >= c[1].0) {
        return Err(source.error(path.span(), "a path is a list of [time, …] with rising times"));
    }
    let at = |step: usize| {
        let time = step as f64 * clock.timestep;
        let next = corners.partition_point(|c| c.0 <= time);
        let (a, b) = (corners[next.max(1) - 1], corners[next.min(corners.len() - 1)]);
        let share = if a.0 < b.0 { (time - a.0) / (b.0 - a.0) } else { 0.0 };
        std::array::from_fn(|i| a.1[i] + share * (b.1[i] - a.1[i]))
    };
    Ok((0..=clock.steps).map(at).collect())
}

fn point(
    source: &Source<'_>,
    given: &Spanned<file::Numbers>,
    quantity: Quantity,
    key: &str,
) -> Result<[f64; 3], Error> {
    let list = given.get_ref().list();
    let asked = if quantity.is_vector() { 3 } else { 1 };
    if list.len() != asked {
        let what = format!("{key} has {} numbers (the quantity has {asked})", list.len());
        return Err(source.error(given.span(), what));
    }
    let mut out = [0.0; 3];
    for (out, x) in out.iter_mut().zip(list) {
        *out = source.finite(&Spanned::new(given.span(), *x), key)?;
    }
    Ok(out)
}

pub fn goals(
    source: &Source<'_>,
    files: &[file::Goal],
    model: &Model<f64>,
    clock: Clock,
) -> Result<Vec<Goal>, Error> {
    let mut out = Vec::new();
    for file in files {
        let text = file.quantity.get_ref().as_str();
        let inner = text.strip_prefix("abs(").and_then(|t| t.strip_suffix(')'));
        let asked = match (&file.at_most, &file.at_least) {
            (Some(x), None) => Bound::AtMost(source.finite(x, "at_most")?),
            (None, Some(x)) => Bound::AtLeast(source.finite(x, "at_least")?),
            _ => return Err(source.error(file.quantity.span(), "a goal needs either at_most or at_least")),
        };
        let window = window(source, file, clock)?;
        let recording =
            file.reference.as_ref().map(|r| Recording::read(source, r, clock.timestep)).transpose()?;
        if let Some(recording) = &recording {
            recording.covers(window.0, window.1, clock.timestep)?;
        }
        for (name, quantity) in named(source, &file.quantity, inner.unwrap_or(text), model)? {
            let given =
                Asked { name: &name, target: &file.target, path: &file.path, recording: recording.as_ref() };
            let measured_as = match given.places(source, quantity, clock)? {
                Some(target) => MeasuredAs::DistanceTo(target),
                None if inner.is_some() || quantity.is_vector() => MeasuredAs::Size,
                None => MeasuredAs::Itself,
            };
            let name = if inner.is_some() { format!("abs({name})") } else { name };
            out.push(Goal { name, quantity, measured_as, asked, window: window.0..=window.1 });
        }
    }
    Ok(out)
}

/// The first and the last state that count; the last one alone if the file does not say.
fn window(source: &Source<'_>, file: &file::Goal, clock: Clock) -> Result<(usize, usize), Error> {
    match (&file.last, &file.from, &file.to) {
        (Some(last), None, None) => Ok((clock.steps - clock.step(source, last, "last")?, clock.steps)),
        (Some(last), ..) => Err(source.error(last.span(), "give either last, or from and to")),
        (None, None, None) => Ok((clock.steps, clock.steps)),
        (None, from, to) => clock.span(source, from.as_ref(), to.as_ref()),
    }
}
