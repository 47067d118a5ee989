//! Contact pairs, exclusions, equalities and sensors, kept as the file states them.

use super::Reader;
use super::layers::Layers;
use super::names::Kind;
use super::xml::{Element, section};
use crate::error::Error;
use crate::model::description::{
    DEFAULT_SOLIMP, DEFAULT_SOLREF, Equality, EqualityKind, Pair, Sensor, Severity,
};
use crate::model::measured;

const NOT_MEASURED: &str = "it is not measured; the motion does not depend on it";
const LEFT_OUT: &str = "it refers to something that is left out: it is left out too";

pub(super) fn read(reader: &mut Reader) -> Result<(), Error> {
    let root = reader.root;
    for element in section(root, "contact") {
        match element.tag.as_str() {
            "pair" => pair(reader, element)?,
            _ => exclude(reader, element)?,
        }
    }
    for element in section(root, "equality") {
        equality(reader, element)?;
    }
    for element in section(root, "sensor") {
        sensor(reader, element)?;
    }
    remark_each_kind(reader);
    Ok(())
}

/// One remark for each kind of sensor that is not measured.
fn remark_each_kind(reader: &mut Reader) {
    let mut kinds: Vec<&str> = Vec::new();
    for element in section(reader.root, "sensor") {
        let (kind, line) = (element.tag.as_str(), element.line);
        let mut sensors = reader.out.constraints.sensors.iter().filter(|s| s.kind == kind && s.line == line);
        let missing = sensors.any(|s| measured(&reader.out, s).is_none());
        if missing && !kinds.contains(&kind) {
            kinds.push(kind);
            reader.remark(Severity::Constraint, element, format!("sensor {kind}"), NOT_MEASURED);
        }
    }
}

fn left_out(reader: &mut Reader, element: &Element) {
    reader.remark(Severity::Motion, element, element.label(), LEFT_OUT);
}

fn pair<'a>(reader: &mut Reader<'a>, element: &'a Element) -> Result<(), Error> {
    let first = reader.names.find(Kind::Geom, element.required("geom1")?, element)?;
    let second = reader.names.find(Kind::Geom, element.required("geom2")?, element)?;
    let (Some(first), Some(second)) = (first, second) else {
        left_out(reader, element);
        return Ok(());
    };
    let layers = reader.classes.layers(element, "pair", 0)?;
    let condim = layers.integer("condim", 3)?;
    if ![1, 3, 4, 6].contains(&condim) {
        return Err(
            element.error(format!("the condim of {} is {condim} (it is 1, 3, 4 or 6)", element.label()))
        );
    }
    if first == second {
        return Err(element.error(format!("{} names a geom twice (two geoms touch)", element.label())));
    }
    let pair = Pair {
        name: element.name(),
        geoms: (first, second),
        condim: condim as u32,
        friction: layers.partial("friction", [1.0, 1.0, 0.005, 0.0001, 0.0001])?,
        solref: layers.partial("solref", DEFAULT_SOLREF)?,
        solref_friction: layers.partial("solreffriction", [0.0; 2])?,
        solimp: layers.partial("solimp", DEFAULT_SOLIMP)?,
        margin: layers.number("margin", 0.0)?,
        gap: layers.number("gap", 0.0)?,
        line: element.line,
    };
    if layers.number("adhesion", 0.0)? != 0.0 {
        let what = format!("{} adhesion", element.label());
        reader.remark(Severity::Motion, element, what, "adhesion is not supported: it does not stick");
    }
    reader.names.add(Kind::Pair, pair.name.clone(), reader.out.constraints.pairs.len(), element)?;
    reader.out.constraints.pairs.push(pair);
    Ok(())
}

fn exclude(reader: &mut Reader, element: &Element) -> Result<(), Error> {
    let first = reader.names.find(Kind::Body, element.required("body1")?, element)?;
    let second = reader.names.find(Kind::Body, element.required("body2")?, element)?;
    match (first, second) {
        (Some(first), Some(second)) => {
            let number = reader.out.constraints.excludes.len();
            reader.names.add(Kind::Exclude, element.name(), number, element)?;
            reader.out.constraints.excludes.push((first, second));
        }
        _ => left_out(reader, element),
    }
    Ok(())
}

fn equality<'a>(reader: &mut Reader<'a>, element: &'a Element) -> Result<(), Error> {
    let layers = reader.classes.layers(element, "equality", 0)?;
    let kind = match element.tag.as_str() {
        "connect" | "weld" => between_bodies(reader, element, &layers)?,
        "joint" | "tendon" => coupling(reader, element, &layers)?,
        _ => {
            let why = "flexible bodies are not supported: it is left out";
            reader.remark(Severity::Motion, element, format!("equality {}", element.label()), why);
            return Ok(());
        }
    };
    let Some(kind) = kind else {
        left_out(reader, element);
        return Ok(());
    };
    if ties_to_itself(&kind) {
        return Err(element.error(format!("{} ties an element to itself (name two)", element.label())));
    }
    let equality = Equality {
        name: element.name(),
        kind,
        active: layers.boolean("active", true)?,
        solref: layers.partial("solref", DEFAULT_SOLREF)?,
        solimp: layers.partial("solimp", DEFAULT_SOLIMP)?,
        line: element.line,
    };
    let number = reader.out.constraints.equalities.len();
    reader.names.add(Kind::Equality, equality.name.clone(), number, element)?;
    reader.out.constraints.equalities.push(equality);
    Ok(())
}

fn ties_to_itself(kind: &EqualityKind) -> bool {
    match *kind {
        EqualityKind::Connect { bodies: (a, b), .. }
        | EqualityKind::Weld { bodies: (a, b), .. }
        | EqualityKind::ConnectSites { sites: (a, b) }
        | EqualityKind::WeldSites { sites: (a, b), .. } => a == b,
        EqualityKind::Joint { joints: (a, b), .. } | EqualityKind::Tendon { tendons: (a, b), .. } => {
            b == Some(a)
        }
    }
}

/// A connect or weld of two bodies or of two sites.
fn between_bodies(
    reader: &Reader,
    element: &Element,
    layers: &Layers,
) -> Result<Option<EqualityKind>, Error> {
    let stated = |name: &str| element.get(name).filter(|value| !value.is_empty());
    let connect = element.tag == "connect";
    let torque_scale = layers.number("torquescale", 1.0)?;
    let anchor = layers.exact::<3>("anchor")?;
    if stated("site1").is_some() || stated("site2").is_some() {
        if stated("body1").is_some() || stated("body2").is_some() {
            return Err(element.error(format!("{} ties both bodies and sites (state one)", element.label())));
        }
        let first = reader.names.find(Kind::Site, element.required("site1")?, element)?;
        let second = reader.names.find(Kind::Site, element.required("site2")?, element)?;
        return Ok(first.zip(second).map(|sites| match connect {
            true => EqualityKind::ConnectSites { sites },
            false => EqualityKind::WeldSites { sites, torque_scale },
        }));
    }
    let first = reader.names.find(Kind::Body, element.required("body1")?, element)?;
    let second = match stated("body2") {
        Some(name) => reader.names.find(Kind::Body, name, element)?,
        None => Some(0),
    };
    if connect && anchor.is_none() {
        return Err(element.error(format!("{} lacks the attribute anchor", element.label())));
    }
    let anchor = anchor.unwrap_or([0.0; 3]);
    let relative_pose = layers.exact::<7>("relpose")?.filter(|pose| pose[3..] != [0.0; 4]);
    Ok(first.zip(second).map(|bodies| match connect {
        true => EqualityKind::Connect { bodies, anchor },
        false => EqualityKind::Weld { bodies, anchor, relative_pose, torque_scale },
    }))
}

/// A polynomial between two joints or two tendons.
fn coupling(reader: &Reader, element: &Element, layers: &Layers) -> Result<Option<EqualityKind>, Error> {
    let joint = element.tag == "joint";
    let (kind, one, two) =
        if joint { (Kind::Joint, "joint1", "joint2") } else { (Kind::Tendon, "tendon1", "tendon2") };
    let first = reader.names.find(kind, element.required(one)?, element)?;
    let second = match element.get(two).filter(|name| !name.is_empty()) {
        Some(name) => match reader.names.find(kind, name, element)? {
            Some(number) => Some(number),
            None => return Ok(None),
        },
        None => None,
    };
    let polynomial = layers.partial("polycoef", [0.0, 1.0, 0.0, 0.0, 0.0])?;
    let Some(first) = first else { return Ok(None) };
    if joint {
        for joint in [Some(first), second].into_iter().flatten() {
            super::check::scalar_joint(reader, joint, element)?;
        }
    }
    Ok(Some(match joint {
        true => EqualityKind::Joint { joints: (first, second), polynomial },
        false => EqualityKind::Tendon { tendons: (first, second), polynomial },
    }))
}

/// What each attribute of a sensor refers to.
const REFERENCES: [(&str, Kind); 10] = [
    ("site", Kind::Site),
    ("joint", Kind::Joint),
    ("tendon", Kind::Tendon),
    ("actuator", Kind::Actuator),
    ("body", Kind::Body),
    ("camera", Kind::Camera),
    ("geom1", Kind::Geom),
    ("geom2", Kind::Geom),
    ("body1", Kind::Body),
    ("body2", Kind::Body),
];

fn sensor(reader: &mut Reader, element: &Element) -> Result<(), Error> {
    let objects = [("objtype", "objname"), ("reftype", "refname")].into_iter().filter_map(|(kind, name)| {
        let kind = match element.get(kind)? {
            "body" | "xbody" => Kind::Body,
            "geom" => Kind::Geom,
            "site" => Kind::Site,
            "camera" => Kind::Camera,
            _ => return None,
        };
        Some((name, kind))
    });
    let mut complete = true;
    for (attribute, kind) in REFERENCES.into_iter().chain(objects) {
        if let Some(name) = element.get(attribute).filter(|name| !name.is_empty()) {
            complete &= reader.names.find(kind, name, element)?.is_some();
        }
    }
    if !complete {
        reader.remark(Severity::Constraint, element, element.label(), LEFT_OUT);
        return Ok(());
    }
    let sensor = Sensor {
        kind: element.tag.clone(),
        name: element.name(),
        attributes: element.attributes.clone(),
        line: element.line,
    };
    let number = reader.out.constraints.sensors.len();
    reader.names.add(Kind::Sensor, sensor.name.clone(), number, element)?;
    reader.out.constraints.sensors.push(sensor);
    Ok(())
}
