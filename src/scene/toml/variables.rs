//! What a scene lets change.

use super::file;
use super::place::Source;
use crate::control::{Part, Plan};
use crate::error::{Error, nearest};
use crate::model::description::{Description, Inertial};
use crate::model::{LEAST_FRICTION, Model, Parameter, State, log_cholesky_of};
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
            pattern if pattern.starts_with("start.") => {
                let still = vec![0.0; start.v.len()];
                let (places, velocities) = of_start(pattern, model, "velocity", &start.v);
                let (turns, tangents) = of_start(pattern, model, "configuration", &still);
                if places.is_empty() && turns.is_empty() {
                    return Err(unknown(source, file, &listing, &deciding, model));
                }
                if turns.is_empty() {
                    (Subject::Velocity(places), velocities, 0.0)
                } else {
                    (Subject::Configuration(turns), tangents, 0.0)
                }
            }
            pattern if decides(pattern, &deciding).next().is_some() => {
                let places: Vec<usize> = decides(pattern, &deciding).collect();
                let variables = places.iter().map(|&p| of_controller(&deciding[p])).collect();
                (Subject::Controllers(places), variables, 0.0)
            }
            pattern => {
                let places = chosen(source, file, pattern, &listing, &deciding, model)?;
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
        Variable {
            name: format!("control.{}[{knot}]", names[actuator]),
            unit: "",
            start: *start,
            lower,
            upper,
            scale,
        }
    };
    Ok(controls.iter().enumerate().map(of).collect())
}

/// The entries of the start that a pattern means: all of them without more than the word.
fn of_start(pattern: &str, model: &Model<f64>, what: &str, start: &[f64]) -> (Vec<usize>, Vec<Variable>) {
    let all = pattern == format!("start.{what}");
    let names = start_names(model, what).into_iter().enumerate();
    let chosen = names.filter(|(_, name)| all || matches(pattern, name));
    let [lower, upper] = [f64::NEG_INFINITY, f64::INFINITY];
    let of = |(i, name)| (i, Variable { name, unit: "", start: start[i], lower, upper, scale: 1.0 });
    chosen.map(of).unzip()
}

fn start_names(model: &Model<f64>, what: &str) -> Vec<String> {
    let t = &model.topology;
    let of = |i: usize| {
        let joint = t.dofs[i].joint;
        format!("start.{what}.{}[{}]", t.names.joints[joint], i - t.joints[joint].v)
    };
    (0..t.nv).map(of).collect()
}

fn of_parameter(p: &Parameter) -> Variable {
    let scale = if p.value == 0.0 { 1.0 } else { p.value.abs() };
    // A friction below the least one changes nothing: an optimizer that went there would find no way back.
    let field = p.name.rsplit('.').next().unwrap_or_default();
    let rubs = field.starts_with("friction[") || field.starts_with("o_friction[");
    let lower = if rubs { p.lower.max(LEAST_FRICTION * (1.0 + 1e-9)) } else { p.lower };
    Variable { name: p.name.clone(), unit: p.unit, start: p.value, lower, upper: p.upper, scale }
}

/// The places of the controllers' parameters that a pattern means.
fn decides<'a>(pattern: &'a str, deciding: &'a [Parameter]) -> impl Iterator<Item = usize> + 'a {
    let all = pattern == "controllers";
    (0..deciding.len()).filter(move |&p| all || matches(pattern, &deciding[p].name))
}

fn of_controller(p: &Parameter) -> Variable {
    let scale = p.value.abs().max(1.0);
    Variable { name: p.name.clone(), unit: p.unit, start: p.value, lower: p.lower, upper: p.upper, scale }
}

/// The places of the parameters that a pattern means; `body.NAME.inertial` means all ten.
fn chosen(
    source: &Source<'_>,
    file: &file::Optimize,
    pattern: &str,
    listing: &[Parameter],
    deciding: &[Parameter],
    model: &Model<f64>,
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
    Err(unknown(source, file, listing, deciding, model))
}

/// Nothing has this name; the nearest one that something has.
fn unknown(
    source: &Source<'_>,
    file: &file::Optimize,
    listing: &[Parameter],
    deciding: &[Parameter],
    model: &Model<f64>,
) -> Error {
    let pattern = file.what.get_ref().as_str();
    let others = ["controls", "controllers", "start.velocity", "start.configuration"];
    let starts = [start_names(model, "velocity"), start_names(model, "configuration")].concat();
    let names =
        deciding.iter().chain(listing).map(|p| p.name.as_str()).chain(starts.iter().map(String::as_str));
    let near = nearest(pattern, others.into_iter().chain(names));
    let hint = near.map_or_else(
        || "inspect lists the parameters of a model".to_owned(),
        |name| format!("did you mean \"{name}\"?"),
    );
    source.error(file.what.span(), format!("nothing is called \"{pattern}\" ({hint})"))
}
