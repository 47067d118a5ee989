//! Where a scene starts.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;

use super::file;
use super::place::Source;
use crate::control::{Law, Part};
use crate::error::Error;
use crate::model::description::{Description, JointKind};
use crate::model::{Input, Model, State};
use crate::objective::{Term, When};
use crate::optimize::{Problem, Spread, Starts, Subject};
use crate::physics::derive::{compile, parameters};
use crate::physics::{Stage, acceleration};
use crate::sense::{Quantity, matches};
use crate::spatial::Quat;

/// The state at the start, and the controls that a keyframe or the scene holds there.
pub fn read(
    source: &Source<'_>,
    file: &file::Start,
    d: &Description,
    model: &Model<f64>,
) -> Result<(State<f64>, Vec<f64>), Error> {
    let t = &model.topology;
    let mut state = State::reference(model);
    let mut controls = vec![0.0; t.nu];
    if let Some(name) = &file.keyframe {
        let names = d.keyframes.iter().enumerate();
        let names: Vec<_> =
            names.map(|(k, f)| f.name.clone().unwrap_or_else(|| format!("keyframe#{k}"))).collect();
        let key = &d.keyframes[source.find(name.span(), "keyframe", name.get_ref(), &names)?];
        state.q.copy_from_slice(&key.qpos);
        state.v.copy_from_slice(&key.qvel);
        state.act.copy_from_slice(&key.act);
        state.mocap.copy_from_slice(&key.mocap);
        state.time = key.time;
        controls.copy_from_slice(&key.ctrl);
    }
    for (list, own, key) in [(&file.qpos, &mut state.q, "qpos"), (&file.qvel, &mut state.v, "qvel")] {
        if let Some(list) = list {
            fill(source, list.span(), list.get_ref(), own, key)?;
        }
    }
    for (name, numbers) in &file.position {
        let at = &t.joints[source.find(numbers.span(), "joint", name, &t.names.joints)?];
        let own = &mut state.q[at.q..at.q + at.kind.sizes().0];
        fill(source, numbers.span(), numbers.get_ref().list(), own, name)?;
    }
    for (name, numbers) in &file.velocity {
        let at = &t.joints[source.find(numbers.span(), "joint", name, &t.names.joints)?];
        let own = &mut state.v[at.v..at.v + at.kind.sizes().1];
        fill(source, numbers.span(), numbers.get_ref().list(), own, name)?;
    }
    for (name, number) in &file.control {
        let k = source.find(number.span(), "actuator", name, &t.names.actuators)?;
        controls[k] = source.finite(number, name)?;
    }
    normalize(model, &mut state);
    Ok((state, controls))
}

/// The starts around the stated one.
pub fn random(
    source: &Source<'_>,
    file: &file::Start,
    optimized: &[file::Optimize],
    (d, model): (&Description, &Model<f64>),
) -> Result<Option<Starts>, Error> {
    let Some(random) = &file.random else { return Ok(None) };
    if let Some(stray) = optimized.iter().find(|o| o.what.get_ref().starts_with("start.")) {
        let what = "a start that is drawn at random cannot be optimized as well";
        return Err(source.error(stray.what.span(), what));
    }
    let (span, random) = (random.span(), random.get_ref());
    let mut seen = spread(source, [&random.position, &random.velocity], model)?;
    seen.numbers = ranges(source, &random.parameter, d)?;
    if seen.numbers.is_empty() && seen.configuration.iter().chain(&seen.velocity).all(|half| *half == 0.0) {
        let what = "give half widths by joint: position = { hip = 0.2 }, or velocity, or ranges of numbers of the file: \
                    parameter = { \"geom.foot.friction[0]\" = [0.6, 1.2] }";
        return Err(source.error(span, what));
    }
    let judged = &random.judged;
    let mut unseen = if judged.position.is_empty() && judged.velocity.is_empty() {
        seen.clone()
    } else {
        spread(source, [&judged.position, &judged.velocity], model)?
    };
    unseen.numbers = match judged.parameter.is_empty() {
        true => seen.numbers.clone(),
        false => ranges(source, &judged.parameter, d)?,
    };
    let count = |given: &Option<Spanned<usize>>, usual: usize| match given {
        Some(n) if *n.get_ref() == 0 => Err(source.error(n.span(), "at least one start is needed")),
        Some(n) => Ok(*n.get_ref()),
        None => Ok(usual),
    };
    let share = match &judged.share {
        Some(share) if (0.0..=1.0).contains(share.get_ref()) => *share.get_ref(),
        Some(share) => return Err(source.error(share.span(), "a share lies between 0 and 1")),
        None => 1.0,
    };
    let (batch, judged) = (count(&random.batch, 8)?, (count(&judged.count, 100)?, judged.seed));
    Ok(Some(Starts { seen, unseen, batch, window: None, judged: judged.0, seed: judged.1, share }))
}

/// How many steps each gradient sees, if worlds go on where the last gradient left them.
///
/// What such a window sees does not know how old its episode is: nothing may hang on the time.
pub fn window(source: &Source<'_>, file: &file::Start, problem: &Problem) -> Result<Option<usize>, Error> {
    let random = file.random.as_ref().map(Spanned::get_ref);
    let Some(window) = random.and_then(|random| random.window.as_ref()) else { return Ok(None) };
    let refuse = |what: &str| Err(source.error(window.span(), what.to_owned()));
    if !problem.description.particles.is_empty() {
        return refuse("episodes of worlds with particles are seen as a whole: leave the window out");
    }
    let (all, timestep) = (problem.plan.steps(), compile(&problem.description).option.timestep);
    let steps = (window.get_ref() / timestep).round();
    if !(1.0..=all as f64).contains(&steps) {
        let what = format!("a window of {} s is {steps} steps, of a scene of {all}", window.get_ref());
        return refuse(&what);
    }
    if !problem.method.draws_anew() {
        return refuse("gradients that see windows of their own are for kind = \"adam\" or \"descent\"");
    }
    let planned = problem.controls.chunks(problem.plan.actuators.max(1));
    let moving = planned.clone().zip(planned.skip(1)).any(|(a, b)| a != b);
    if moving || problem.groups.iter().any(|group| matches!(group.subject, Subject::Controls)) {
        return refuse("over windows no controls may hang on the time: let controllers decide");
    }
    let sees_time = |part: &Part| match &part.law {
        Law::Rhythm(_) => true,
        Law::Network(network) => {
            network.observed.iter().any(|o| matches!(o.quantity, Quantity::Phase { .. }))
        }
        Law::Feedback(law) => !law.reference.is_empty(),
    };
    if problem.parts.iter().any(|part| part.steps != (0..all) || sees_time(part)) {
        return refuse(
            "over windows no controller may hang on the time: no rhythm, phase, reference, from or to",
        );
    }
    let timeless = |term: &Term| {
        term.target.len() <= 1 && (term.when == When::Running(0..all) || term.when == When::At(all))
    };
    match problem.terms.iter().all(timeless) {
        true => Ok(Some(steps as usize)),
        false => refuse("over windows no cost may hang on the time: no path, reference, at, from or to"),
    }
}

/// Half widths by joint, of positions and of velocities.
fn spread(
    source: &Source<'_>,
    files: [&BTreeMap<String, Spanned<file::Numbers>>; 2],
    model: &Model<f64>,
) -> Result<Spread, Error> {
    let t = &model.topology;
    let mut halves = [vec![0.0; t.nv], vec![0.0; t.nv]];
    for (all, own) in files.into_iter().zip(&mut halves) {
        for (name, numbers) in all {
            let at = &t.joints[source.find(numbers.span(), "joint", name, &t.names.joints)?];
            let own = &mut own[at.v..at.v + at.kind.sizes().1];
            fill(source, numbers.span(), numbers.get_ref().list(), own, name)?;
        }
    }
    let [configuration, velocity] = halves;
    Ok(Spread { configuration, velocity, numbers: Vec::new() })
}

/// The places and ranges of numbers of the file that every world draws for itself.
fn ranges(
    source: &Source<'_>,
    files: &BTreeMap<String, Spanned<[f64; 2]>>,
    d: &Description,
) -> Result<Vec<(usize, [f64; 2])>, Error> {
    let listing = parameters(d);
    let names: Vec<String> = listing.iter().map(|p| p.name.clone()).collect();
    let mut out: Vec<(usize, [f64; 2])> = Vec::new();
    for (pattern, range) in files {
        let [low, high] = *range.get_ref();
        let mut places: Vec<usize> = (0..names.len()).filter(|&p| matches(pattern, &names[p])).collect();
        if places.is_empty() {
            places.push(source.find(range.span(), "parameter", pattern, &names)?);
        }
        for place in places {
            let p = &listing[place];
            if !(low.is_finite() && high.is_finite() && p.lower <= low && low <= high && high <= p.upper) {
                let what = format!(
                    "the range of {} is [{low}, {high}], and must rise within {} and {}",
                    p.name, p.lower, p.upper
                );
                return Err(source.error(range.span(), what));
            }
            if out.iter().any(|(other, _)| *other == place) {
                return Err(source.error(range.span(), format!("\"{}\" has two ranges", p.name)));
            }
            out.push((place, [low, high]));
        }
    }
    Ok(out)
}

fn fill(
    source: &Source<'_>,
    span: Range<usize>,
    from: &[f64],
    to: &mut [f64],
    key: &str,
) -> Result<(), Error> {
    if from.len() != to.len() {
        let (given, asked) = (from.len(), to.len());
        return Err(source.error(span, format!("{key} has {given} numbers (the model asks for {asked})")));
    }
    for x in from {
        source.finite(&Spanned::new(span.clone(), *x), key)?;
    }
    to.copy_from_slice(from);
    Ok(())
}

/// Quaternions of length one.
fn normalize(model: &Model<f64>, state: &mut State<f64>) {
    for at in &model.topology.joints {
        let q = match at.kind {
            JointKind::Free => at.q + 3,
            JointKind::Ball => at.q,
            _ => continue,
        };
        let Quat { w, v } = state.quat(q).normalized();
        state.q[q..q + 4].copy_from_slice(&[w, v.x, v.y, v.z]);
    }
}

/// The controls that keep a state as still as they can: they minimize `|a(u)|²`, with `a` affine in `u`.
pub fn holding(model: &Model<f64>, state: &State<f64>) -> Vec<f64> {
    let t = &model.topology;
    let mut stage = Stage::new(model);
    let still = State { v: vec![0.0; t.nv], ..state.clone() };
    let mut of = |input: &Input<f64>| {
        acceleration(model, &still, input, &mut stage);
        nalgebra::DVector::from_column_slice(&stage.a)
    };
    let mut input = Input::zero(model);
    let free = of(&input);
    let mut by_control = nalgebra::DMatrix::zeros(t.nv, t.nu);
    for k in 0..t.nu {
        // A control that moves by its range stays clear of the rounding of the rest.
        let unit = model.actuators[k].ctrl_range.map_or(1.0, |[lower, upper]| 0.5 * (upper - lower));
        input.u[k] = unit;
        by_control.set_column(k, &((of(&input) - &free) / unit));
        input.u[k] = 0.0;
    }
    let solved = by_control.svd(true, true).solve(&-free, 1e-9);
    let u = solved.map_or_else(|_| vec![0.0; t.nu], |u| u.as_slice().to_vec());
    let bounded = u.iter().zip(&model.actuators);
    bounded.map(|(u, a)| a.ctrl_range.map_or(*u, |[lower, upper]| u.max(lower).min(upper))).collect()
}
