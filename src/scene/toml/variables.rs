//! What a scene lets change.

use super::file;
use super::place::Source;
use crate::control::{Part, Plan};
use crate::error::{Error, nearest};
use crate::model::description::{Description, Inertial};
use crate::model::{Model, Parameter, State, log_cholesky_of};
use crate::optimize::{Group, Subject, Variable};
use crate::physics::derive::{compile, parameters};
use crate::sense::matches;

/// Gives bodies whose `inertial` is to change an inertia of their own, at its compiled value.
pub fn make_inertias_explicit(
    source: &Source<'_>,
    files: &[file::Optimize],
    d: &mut Description,
) -> Result<(), Error> {
    for file in files.iter().filter(|f| f.what.get_ref().ends_with(".inertial")) {
        let model = compile(d);
        let names = &model.topology.names.bodies;
        let chosen: Vec<usize> = (1..names.len())
            .filter(|&b| matches(file.what.get_ref(), &format!("body.{}.inertial", names[b])))
            .collect();
        if chosen.is_empty() {
            let what = file.what.get_ref();
            return Err(source.error(file.what.span(), format!("the model has no body for \"{what}\"")));
        }
        for b in chosen {
            if model.bodies[b].mass <= 0.0 {
                let what = format!("body \"{}\" has no mass, and its inertia no coordinates", names[b]);
                return Err(source.error(file.what.span(), what));
            }
            d.bodies[b].inertial = Inertial::LogCholesky(log_cholesky_of(&model.bodies[b]));
        }
    }
    Ok(())
}

/// What a scene says about a rollout before anything changes.
pub struct Given<'a> {
    pub model: &'a Model<f64>,
    pub plan: &'a Plan,
    pub start: &'a State<f64>,
    pub controls: &'a [f64],
    pub parts: &'a [Part],
}

pub fn groups(
    source: &Source<'_>,
    files: &[file::Optimize],
    d: &Description,
    &Given { model, plan, start, controls, parts }: &Given<'_>,
) -> Result<Vec<Group>, Error> {
    let listing = parameters(d);
    let deciding: Vec<Parameter> = parts.iter().flat_map(|part| part.parameters.clone()).collect();
    let mut out: Vec<Group> = Vec::new();
    for file in files {
        let (subject, variables, noise) = match file.what.get_ref().as_str() {
            "controls" => (Subject::Controls, of_plan(source, file, model, plan, controls)?, 0.02),
            "start.velocity" => (Subject::Velocity, of_start(model, "velocity", &start.v), 0.0),
            "start.configuration" => {
                let still = vec![0.0; start.v.len()];
                (Subject::Configuration, of_start(model, "configuration", &still), 0.0)
            }
            pattern if decides(pattern, &deciding).next().is_some() => {
                let places: Vec<usize> = decides(pattern, &deciding).collect();
                let variables = places.iter().map(|&p| of_controller(&deciding[p])).collect();
                (Subject::Controllers(places), variables, 0.0)
            }
            pattern => {
                let places = chosen(source, file, pattern, &listing, &deciding)?;
                let variables = places.iter().map(|&p| of_parameter(&listing[p])).collect();
                (Subject::Parameters(places), variables, 0.0)
            }
        };
        let mut group = Group { name: file.what.get_ref().clone(), subject, rate: 1.0, noise, variables };
        adjust(source, file, &mut group)?;
        let names = |g: &Group| g.variables.iter().map(|v| v.name.clone()).collect::<Vec<_>>();
        let taken: Vec<String> = out.iter().flat_map(names).collect();
        if let Some(twice) = group.variables.iter().find(|v| taken.contains(&v.name)) {
            return Err(
                source.error(file.what.span(), format!("\"{}\" is to be optimized twice", twice.name))
            );
        }
        out.push(group);
    }
    Ok(out)
}

/// What the entry of the file says about all its variables.
fn adjust(source: &Source<'_>, file: &file::Optimize, group: &mut Group) -> Result<(), Error> {
    if let Some(rate) = &file.rate {
        group.rate = source.positive(rate, "rate")?;
    }
    if let Some(noise) = &file.noise {
        group.noise = source.finite(noise, "noise")?;
    }
    for v in &mut group.variables {
        if let Some(scale) = &file.scale {
            v.scale = source.positive(scale, "scale")?;
        }
        if let Some(lower) = &file.lower {
            v.lower = v.lower.max(source.finite(lower, "lower")?);
        }
        if let Some(upper) = &file.upper {
            v.upper = v.upper.min(source.finite(upper, "upper")?);
        }
        if v.lower >= v.upper {
            let what = format!("no value of {} is between {} and {}", v.name, v.lower, v.upper);
            return Err(source.error(file.what.span(), what));
        }
    }
    Ok(())
}

fn of_plan(
    source: &Source<'_>,
    file: &file::Optimize,
    model: &Model<f64>,
    plan: &Plan,
    controls: &[f64],
) -> Result<Vec<Variable>, Error> {
    if plan.actuators == 0 {
        return Err(source.error(file.what.span(), "the model has no actuators, and thus no controls"));
    }
    let names = &model.topology.names.actuators;
    let of = |(k, start): (usize, &f64)| {
        let (knot, actuator) = (k / plan.actuators, k % plan.actuators);
        let range = model.actuators[actuator].ctrl_range;
        let [lower, upper] = range.unwrap_or([f64::NEG_INFINITY, f64::INFINITY]);
        let scale = range.map_or(1.0, |[lower, upper]| 0.5 * (upper - lower));
        let scale = if scale > 0.0 { scale } else { 1.0 };
        Variable { name: format!("control.{}[{knot}]", names[actuator]), start: *start, lower, upper, scale }
    };
    Ok(controls.iter().enumerate().map(of).collect())
}

fn of_start(model: &Model<f64>, what: &str, start: &[f64]) -> Vec<Variable> {
    let t = &model.topology;
    let of = |(i, start): (usize, &f64)| {
        let joint = t.dofs[i].joint;
        let name = format!("start.{what}.{}[{}]", t.names.joints[joint], i - t.joints[joint].v);
        Variable { name, start: *start, lower: f64::NEG_INFINITY, upper: f64::INFINITY, scale: 1.0 }
    };
    start.iter().enumerate().map(of).collect()
}

fn of_parameter(p: &Parameter) -> Variable {
    let scale = if p.value == 0.0 { 1.0 } else { p.value.abs() };
    Variable { name: p.name.clone(), start: p.value, lower: p.lower, upper: p.upper, scale }
}

/// The places of the controllers' parameters that a pattern means.
fn decides<'a>(pattern: &'a str, deciding: &'a [Parameter]) -> impl Iterator<Item = usize> + 'a {
    let all = pattern == "controllers";
    (0..deciding.len()).filter(move |&p| all || matches(pattern, &deciding[p].name))
}

fn of_controller(p: &Parameter) -> Variable {
    let scale = p.value.abs().max(1.0);
    Variable { name: p.name.clone(), start: p.value, lower: p.lower, upper: p.upper, scale }
}

/// The places of the parameters that a pattern means; `body.NAME.inertial` means all ten.
fn chosen(
    source: &Source<'_>,
    file: &file::Optimize,
    pattern: &str,
    listing: &[Parameter],
    deciding: &[Parameter],
) -> Result<Vec<usize>, Error> {
    let fits = |name: &str| {
        matches(pattern, name) || name.rsplit_once('[').is_some_and(|(field, _)| matches(pattern, field))
    };
    let places: Vec<usize> = (0..listing.len()).filter(|&p| fits(&listing[p].name)).collect();
    if !places.is_empty() {
        return Ok(places);
    }
    if pattern == "controllers" {
        return Err(source.error(file.what.span(), "the scene has no [[controller]] to optimize"));
    }
    let others = ["controls", "controllers", "start.velocity", "start.configuration"];
    let names = deciding.iter().chain(listing).map(|p| p.name.as_str());
    let near = nearest(pattern, others.into_iter().chain(names));
    let hint = near.map_or_else(
        || "inspect lists the parameters of a model".to_owned(),
        |name| format!("did you mean \"{name}\"?"),
    );
    Err(source.error(file.what.span(), format!("nothing is called \"{pattern}\" ({hint})")))
}
