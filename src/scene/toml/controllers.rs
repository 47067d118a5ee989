//! What a scene says about controllers.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use toml::Spanned;

use super::aims::Clock;
use super::file;
use super::place::Source;
use crate::control::{Activation, Feedback, Law, Mlp, Network, Part, Rhythm};
use crate::error::Error;
use crate::model::description::Transmission;
use crate::model::{Model, Parameter};
use crate::sense::{Form, Observation, Quantity, matches, observations};

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
            file::ControllerKind::Feedback => feedback(source, file, model, &name, actuators)?,
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
        ("gain", file.gain.as_ref().map(Spanned::span), K::Feedback),
        ("damping", file.damping.as_ref().map(Spanned::span), K::Feedback),
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

/// More than this take gigabytes, with names and gradients.
const MOST_WEIGHTS: usize = 4_000_000;

const FREE: [f64; 2] = [f64::NEG_INFINITY, f64::INFINITY];
const POSITIVE: [f64; 2] = [0.0, f64::INFINITY];

fn parameter(name: String, unit: &'static str, [lower, upper]: [f64; 2], value: f64) -> Parameter {
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
    positions.extend(rates);
    Ok((Law::Feedback(Feedback { actuators, observed: positions, reference: Vec::new() }), parameters))
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

fn network(
    source: &Source<'_>,
    file: &file::Controller,
    model: &Model<f64>,
    name: &str,
    (actuators, span): (Vec<usize>, std::ops::Range<usize>),
) -> Result<(Law, Vec<Parameter>), Error> {
    let mut observed = Vec::new();
    let Some(observe) = &file.observe else {
        return Err(
            source.error(span, "a network needs to know what it sees: observe = [\"joint.*.position\", …]")
        );
    };
    for entry in observe.get_ref() {
        let (pattern, center, scale) = match entry.get_ref() {
            file::Observe::Name(name) => (name, 0.0, 1.0),
            file::Observe::Scaled { quantity, center, scale } => (quantity, *center, *scale),
        };
        if !(center.is_finite() && scale.is_finite() && scale != 0.0) {
            return Err(
                source.error(entry.span(), "center and scale are finite numbers, and scale is not zero")
            );
        }
        let own = observations(&model.topology, pattern).map_err(|what| source.error(entry.span(), what))?;
        observed.extend(own.into_iter().map(|o| Observation { center, scale, ..o }));
    }
    let hidden = file.hidden.as_ref().map_or(vec![32, 32], |h| h.get_ref().clone());
    if let Some(bad) = hidden.iter().find(|n| !(1..=4096).contains(*n)) {
        let span = file.hidden.as_ref().map_or(span, Spanned::span);
        return Err(source.error(span, format!("a hidden layer has 1 to 4096 neurons, not {bad}")));
    }
    let sizes = [&[observed.len()], &hidden[..], &[actuators.len()]].concat();
    let activation = match file.activation.as_ref().map(|a| *a.get_ref()).unwrap_or_default() {
        file::Activation::Tanh => Activation::Tanh,
        file::Activation::Elu => Activation::Elu,
        file::Activation::Silu => Activation::Silu,
    };
    let mlp = Mlp { sizes, activation };
    if mlp.count() > MOST_WEIGHTS {
        let span = file.hidden.as_ref().map_or(span, Spanned::span);
        let what = format!("a network has at most {MOST_WEIGHTS} weights, not {}", mlp.count());
        return Err(source.error(span, what));
    }
    let parameters = initial(&mlp, name, file.seed.as_ref().map_or(0, |s| *s.get_ref()));
    let range = |&k: &usize| model.actuators[k].ctrl_range.map(|[lo, hi]| [0.5 * (lo + hi), 0.5 * (hi - lo)]);
    let ranges = actuators.iter().map(range).collect();
    Ok((Law::Network(Network { actuators, ranges, observed, mlp }), parameters))
}

/// Weights drawn evenly with the variance `1/n` for `n` inputs (LeCun et al. 1998), those of the outputs a
/// tenth as large, so that the network begins by doing little; biases are zero.
fn initial(mlp: &Mlp, name: &str, seed: u64) -> Vec<Parameter> {
    let mut random = Pcg64::seed_from_u64(seed);
    let mut out = Vec::with_capacity(mlp.count());
    for (l, pair) in mlp.sizes.windows(2).enumerate() {
        let last = l + 2 == mlp.sizes.len();
        let half = (3.0 / pair[0].max(1) as f64).sqrt() * if last { 0.1 } else { 1.0 };
        for i in 0..pair[0] {
            for o in 0..pair[1] {
                let x = half * random.random_range(-1.0..1.0);
                out.push(parameter(format!("{name}.{l}.weight[{o},{i}]"), "", FREE, x));
            }
        }
        out.extend((0..pair[1]).map(|o| parameter(format!("{name}.{l}.bias[{o}]"), "", FREE, 0.0)));
    }
    out
}
