//! What a scene says about controllers.

use toml::Spanned;

use super::aims::Clock;
use super::file;
use super::network::network;
use super::place::Source;
use super::recording::Recording;
use crate::control::{Feedback, Law, Part, Rhythm};
use crate::error::Error;
use crate::model::description::Transmission;
use crate::model::{Model, Parameter};
use crate::sense::{Form, Observation, Quantity, matches};

/// All controllers of a scene.
pub fn parts(
    source: &Source<'_>,
    files: &[Spanned<file::Controller>],
    model: &Model<f64>,
    clock: Clock,
) -> Result<Vec<Part>, Error> {
    let mut out: Vec<Part> = Vec::new();
    for spanned in files {
        let file = spanned.get_ref();
        let name = file.name.clone().unwrap_or_else(|| file.kind.name().to_owned());
        if out.iter().any(|part| part.name == name) {
            let what = format!("two controllers are called \"{name}\"; give them names of their own");
            return Err(source.error(spanned.span(), what));
        }
        stray(source, file)?;
        let actuators = actuators(source, file, model, spanned.span())?;
        let (law, parameters) = match file.kind {
            file::ControllerKind::Feedback => feedback(source, file, model, &name, actuators, clock)?,
            file::ControllerKind::Rhythm => rhythm(source, file, model, &name, actuators)?,
            file::ControllerKind::Network => {
                network(source, file, model, &name, (actuators, spanned.span()))?
            }
        };
        let (first, last) = clock.span(source, file.from.as_ref(), file.to.as_ref())?;
        out.push(Part { name, law, steps: first..last, parameters });
    }
    Ok(out)
}

/// Refuses a key that another kind of controller has.
fn stray(source: &Source<'_>, file: &file::Controller) -> Result<(), Error> {
    use file::ControllerKind as K;
    let keys = [
        ("observe", file.observe.as_ref().map(Spanned::span), K::Network),
        ("hidden", file.hidden.as_ref().map(Spanned::span), K::Network),
        ("activation", file.activation.as_ref().map(Spanned::span), K::Network),
        ("seed", file.seed.as_ref().map(Spanned::span), K::Network),
        ("layer_norm", file.layer_norm.as_ref().map(Spanned::span), K::Network),
        ("initial", file.initial.as_ref().map(Spanned::span), K::Network),
        ("weights", file.weights.as_ref().map(Spanned::span), K::Network),
        ("mean", file.mean.as_ref().map(Spanned::span), K::Network),
        ("scale", file.scale.as_ref().map(Spanned::span), K::Network),
        ("normalize", file.normalize.as_ref().map(Spanned::span), K::Network),
        ("squash", file.squash.as_ref().map(Spanned::span), K::Network),
        ("gain", file.gain.as_ref().map(Spanned::span), K::Feedback),
        ("damping", file.damping.as_ref().map(Spanned::span), K::Feedback),
        ("reference", file.reference.as_ref().map(Spanned::span), K::Feedback),
        ("target", file.target.as_ref().map(Spanned::span), K::Feedback),
        ("frequency", file.frequency.as_ref().map(Spanned::span), K::Rhythm),
        ("amplitude", file.amplitude.as_ref().map(Spanned::span), K::Rhythm),
        ("phase", file.phase.as_ref().map(Spanned::span), K::Rhythm),
        ("offset", file.offset.as_ref().map(Spanned::span), K::Rhythm),
    ];
    for (key, span, kind) in keys {
        if let Some(span) = span.filter(|_| kind != file.kind) {
            let what =
                format!("{key} belongs to kind = \"{}\", not to \"{}\"", kind.name(), file.kind.name());
            return Err(source.error(span, what));
        }
    }
    Ok(())
}

fn actuators(
    source: &Source<'_>,
    file: &file::Controller,
    model: &Model<f64>,
    span: std::ops::Range<usize>,
) -> Result<Vec<usize>, Error> {
    let names = &model.topology.names.actuators;
    let patterns = match &file.actuators {
        None if names.is_empty() => {
            return Err(source.error(span, "the model has no actuators to control"));
        }
        None => return Ok((0..names.len()).collect()),
        Some(patterns) => patterns,
    };
    let mut out = Vec::new();
    for pattern in patterns {
        let own: Vec<usize> = (0..names.len()).filter(|&k| matches(pattern.get_ref(), &names[k])).collect();
        if own.is_empty() {
            source.find(pattern.span(), "actuator", pattern.get_ref(), names)?;
        }
        out.extend(own.into_iter().filter(|k| !out.contains(k)).collect::<Vec<_>>());
    }
    Ok(out)
}

pub(super) const FREE: [f64; 2] = [f64::NEG_INFINITY, f64::INFINITY];
const POSITIVE: [f64; 2] = [0.0, f64::INFINITY];

pub(super) fn parameter(name: String, unit: &'static str, [lower, upper]: [f64; 2], value: f64) -> Parameter {
    Parameter { name, unit, lower, upper, value }
}

/// One number for every actuator: the same for all, or a list.
fn each(
    source: &Source<'_>,
    file: Option<&Spanned<file::Numbers>>,
    count: usize,
    usual: f64,
) -> Result<Vec<f64>, Error> {
    let Some(numbers) = file else { return Ok(vec![usual; count]) };
    let list = numbers.get_ref().list();
    if let Some(bad) = list.iter().find(|x| !x.is_finite()) {
        return Err(source.error(numbers.span(), format!("{bad} is not a finite number")));
    }
    match list {
        [one] => Ok(vec![*one; count]),
        many if many.len() == count => Ok(many.to_vec()),
        many => {
            let what = format!("{} numbers for {count} actuators; give one, or one for each", many.len());
            Err(source.error(numbers.span(), what))
        }
    }
}

fn feedback(
    source: &Source<'_>,
    file: &file::Controller,
    model: &Model<f64>,
    name: &str,
    actuators: Vec<usize>,
    clock: Clock,
) -> Result<(Law, Vec<Parameter>), Error> {
    let n = actuators.len();
    let gain = each(source, file.gain.as_ref(), n, 1.0)?;
    let damping = each(source, file.damping.as_ref(), n, 0.1)?;
    let target = each(source, file.target.as_ref(), n, 0.0)?;
    let t = &model.topology;
    let (mut positions, mut rates, mut parameters) = (Vec::new(), Vec::new(), Vec::new());
    for (i, &k) in actuators.iter().enumerate() {
        let own = &t.names.actuators[k];
        let (Transmission::Joint(j) | Transmission::JointInParent(j)) = t.actuators[k].transmission else {
            let what = format!("actuator \"{own}\" drives no joint, and feedback holds joints");
            return Err(Error::in_file(source.file, what));
        };
        let at = &t.joints[j];
        if at.kind.sizes() != (1, 1) {
            let what =
                format!("actuator \"{own}\" drives \"{}\", which is no slide or hinge", t.names.joints[j]);
            return Err(Error::in_file(source.file, what));
        }
        let seen = |quantity| Observation {
            name: t.names.joints[j].clone(),
            quantity,
            part: 0,
            form: Form::Value,
            center: 0.0,
            scale: 1.0,
        };
        positions.push(seen(Quantity::JointPosition { q: at.q, v: at.v }));
        rates.push(seen(Quantity::JointVelocity { v: at.v }));
        parameters.extend([
            parameter(format!("{name}.{own}.gain"), "control per m or rad", POSITIVE, gain[i]),
            parameter(format!("{name}.{own}.damping"), "control per m/s or rad/s", POSITIVE, damping[i]),
            parameter(format!("{name}.{own}.target"), "m or rad", FREE, target[i]),
        ]);
    }
    let joints: Vec<&str> = positions.iter().map(|o| o.name.as_str()).collect();
    let reference = file.reference.as_ref().map_or(Ok(Vec::new()), |r| motion(source, r, &joints, clock))?;
    positions.extend(rates);
    Ok((Law::Feedback(Feedback { actuators, observed: positions, reference }), parameters))
}

/// Positions of joints and their rates at each step, from columns `joint.NAME.position`; rates from columns
/// `joint.NAME.velocity` where they are there, and otherwise from the slope to the next step.
fn motion(
    source: &Source<'_>,
    name: &Spanned<String>,
    joints: &[&str],
    clock: Clock,
) -> Result<Vec<Vec<f64>>, Error> {
    let recording = Recording::read(source, name, clock.timestep)?;
    recording.covers(0, clock.steps, clock.timestep)?;
    let mut columns = Vec::new();
    for joint in joints {
        columns.push(recording.lines([&format!("joint.{joint}.position")])?);
    }
    for (i, joint) in joints.iter().enumerate() {
        let rate = format!("joint.{joint}.velocity");
        if recording.has(&rate) {
            columns.push(recording.lines([&rate])?);
        } else {
            let slopes = columns[i].windows(2).map(|x| [(x[1][0] - x[0][0]) / clock.timestep]);
            columns.push(slopes.collect());
        }
    }
    Ok((0..clock.steps).map(|k| columns.iter().map(|column| column[k][0]).collect()).collect())
}

fn rhythm(
    source: &Source<'_>,
    file: &file::Controller,
    model: &Model<f64>,
    name: &str,
    actuators: Vec<usize>,
) -> Result<(Law, Vec<Parameter>), Error> {
    let n = actuators.len();
    let frequency = match &file.frequency {
        Some(f) => source.positive(f, "frequency")?,
        None => 1.0,
    };
    let offset = each(source, file.offset.as_ref(), n, 0.0)?;
    let amplitude = each(source, file.amplitude.as_ref(), n, 0.1)?;
    let phase = each(source, file.phase.as_ref(), n, 0.0)?;
    let mut parameters = vec![parameter(format!("{name}.frequency"), "Hz", POSITIVE, frequency)];
    for (i, &k) in actuators.iter().enumerate() {
        let own = &model.topology.names.actuators[k];
        parameters.extend([
            parameter(format!("{name}.{own}.offset"), "control", FREE, offset[i]),
            parameter(format!("{name}.{own}.amplitude"), "control", FREE, amplitude[i]),
            parameter(format!("{name}.{own}.phase"), "rad", FREE, phase[i]),
        ]);
    }
    Ok((Law::Rhythm(Rhythm { actuators }), parameters))
}
