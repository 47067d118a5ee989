//! The `tendon` section.

use super::Reader;
use super::check::scalar_joint;
use super::geoms::color;
use super::layers::{Layers, counted, numbers};
use super::names::Kind;
use super::xml::{Element, section};
use crate::error::Error;
use crate::model::description::{DEFAULT_SOLIMP, DEFAULT_SOLREF, PathPoint, Severity, Tendon, TendonPath};

pub(super) fn read(reader: &mut Reader) -> Result<(), Error> {
    let root = reader.root;
    for element in section(root, "tendon") {
        let path = match element.tag.as_str() {
            "fixed" => fixed(reader, element)?,
            _ => spatial(reader, element)?,
        };
        let Some(path) = path else {
            let why = "its path refers to something that is left out: it is left out too";
            reader.remark(Severity::Motion, element, element.label(), why);
            reader.names.drop(Kind::Tendon, element.name());
            continue;
        };
        let layers = reader.classes.layers(element, "tendon", 0)?;
        let tendon = tendon(reader, element, &layers, path)?;
        reader.names.add(Kind::Tendon, tendon.name.clone(), reader.out.tendons.len(), element)?;
        reader.tendon_ranges.push(layers.exact::<2>("range")?.unwrap_or([0.0; 2]));
        reader.out.tendons.push(tendon);
    }
    Ok(())
}

fn tendon(
    reader: &mut Reader,
    element: &Element,
    layers: &Layers,
    path: TendonPath,
) -> Result<Tendon, Error> {
    let range = |switch: &str, name: &str| {
        let range = layers.exact::<2>(name)?.unwrap_or([0.0; 2]);
        Ok::<_, Error>(reader.compiler.limited(layers, switch, name, range)?.then_some(range))
    };
    let tendon = Tendon {
        name: element.name(),
        path,
        stiffness: layers.partial("stiffness", [0.0; 3])?,
        damping: layers.partial("damping", [0.0; 3])?,
        spring_length: spring_length(element, layers)?,
        armature: layers.number("armature", 0.0)?,
        range: range("limited", "range")?,
        margin: layers.number("margin", 0.0)?,
        frictionloss: layers.number("frictionloss", 0.0)?,
        solref_limit: layers.partial("solreflimit", DEFAULT_SOLREF)?,
        solimp_limit: layers.partial("solimplimit", DEFAULT_SOLIMP)?,
        solref_friction: layers.partial("solreffriction", DEFAULT_SOLREF)?,
        solimp_friction: layers.partial("solimpfriction", DEFAULT_SOLIMP)?,
        actuator_force_range: range("actuatorfrclimited", "actuatorfrcrange")?,
        width: layers.number("width", 0.003)?,
        color: color(reader, element, layers)?,
        line: element.line,
    };
    if let Some([low, high]) = tendon.actuator_force_range.filter(|[low, high]| *low > 0.0 || *high < 0.0) {
        return Err(element.error(format!(
            "the actuatorfrcrange of {} is {low} to {high} (it must contain zero)",
            element.label()
        )));
    }
    if tendon.width <= 0.0 {
        return Err(element.error(format!(
            "the width of {} is {} (it must be positive)",
            element.label(),
            tendon.width
        )));
    }
    if layers.number("springyield", 0.0)? > 0.0 {
        let what = format!("{} springyield", element.label());
        reader.remark(Severity::Motion, element, what, "springs do not yield: they stay elastic");
    }
    Ok(tendon)
}

/// The dead band of the spring; one number makes both ends.
fn spring_length(element: &Element, layers: &Layers) -> Result<Option<[f64; 2]>, Error> {
    let stated = layers.find(|e| e.get("springlength").filter(|text| !text.trim().is_empty()).map(|_| e));
    let Some(stating) = stated else { return Ok(None) };
    let values = numbers(stating, "springlength")?.unwrap_or_default();
    counted(stating, "springlength", values.len(), 1, 2)?;
    let (low, high) = (values[0], values[values.len() - 1]);
    if low > high {
        return Err(element.error(format!(
            "the springlength of {} is {low} {high} (the first number must be the smaller one)",
            element.label()
        )));
    }
    Ok((low != -1.0 || high != -1.0).then_some([low, high]))
}

fn fixed(reader: &Reader, element: &Element) -> Result<Option<TendonPath>, Error> {
    let mut terms: Vec<(usize, f64)> = Vec::new();
    for part in &element.children {
        part.required("coef")?;
        let coefficient = Layers::new(&[], part).number("coef", 0.0)?;
        let Some(joint) = reader.names.find(Kind::Joint, part.required("joint")?, part)? else {
            return Ok(None);
        };
        scalar_joint(reader, joint, part)?;
        if terms.iter().any(|(other, _)| *other == joint) {
            return Err(part.error(format!("{} names a joint twice", element.label())));
        }
        terms.push((joint, coefficient));
    }
    if terms.is_empty() {
        return Err(element.error(format!("{} has no joints (it needs at least one)", element.label())));
    }
    Ok(Some(TendonPath::Fixed(terms)))
}

fn spatial(reader: &mut Reader, element: &Element) -> Result<Option<TendonPath>, Error> {
    let mut points = Vec::new();
    for part in &element.children {
        match part.tag.as_str() {
            "pulley" => {
                part.required("divisor")?;
                let divisor = Layers::new(&[], part).number("divisor", 0.0)?;
                if divisor <= 0.0 {
                    return Err(
                        part.error(format!("the divisor of a pulley is {divisor} (it must be positive)"))
                    );
                }
                points.push(PathPoint::Pulley(divisor));
            }
            "site" => match reader.names.find(Kind::Site, part.required("site")?, part)? {
                Some(site) => points.push(PathPoint::Site(site)),
                None => return Ok(None),
            },
            _ => {
                let why = "tendons do not wrap around geoms: it goes straight from site to site";
                reader.remark(Severity::Motion, part, format!("{} geom", element.label()), why);
            }
        }
    }
    check_path(element, &points)?;
    Ok(Some(TendonPath::Spatial(points)))
}

/// Every site needs a neighbour in its branch, and not itself.
fn check_path(element: &Element, points: &[PathPoint]) -> Result<(), Error> {
    let wrong = |message: &str| Err(element.error(format!("{} {message}", element.label())));
    if points.len() < 2 {
        return wrong("has fewer than two points in its path");
    }
    if matches!(points.last(), Some(PathPoint::Pulley(_))) {
        return wrong("ends with a pulley (a pulley starts a branch)");
    }
    let site = |i: Option<usize>| match i.and_then(|i| points.get(i)) {
        Some(PathPoint::Site(site)) => Some(*site),
        _ => None,
    };
    for i in 0..points.len() {
        let (before, here, after) = (site(i.checked_sub(1)), site(Some(i)), site(Some(i + 1)));
        if here.is_some() && before.is_none() && after.is_none() {
            return wrong("has a branch with only one site");
        }
        if here.is_some() && here == after {
            return wrong("passes the same site twice in a row");
        }
    }
    Ok(())
}
