//! Joints.

use super::Reader;
use super::bodies::Scope;
use super::layers::Layers;
use super::names::Kind;
use super::xml::Element;
use crate::error::Error;
use crate::model::description::{DEFAULT_SOLIMP, DEFAULT_SOLREF, Joint, JointKind, Severity};

const KINDS: [(&str, JointKind); 4] = [
    ("hinge", JointKind::Hinge),
    ("slide", JointKind::Slide),
    ("ball", JointKind::Ball),
    ("free", JointKind::Free),
];

/// Reads a `joint`, or a `freejoint`, which takes nothing from defaults.
pub(super) fn joint<'a>(reader: &mut Reader<'a>, element: &'a Element, scope: Scope) -> Result<(), Error> {
    let free = element.tag == "freejoint";
    let layers = if free {
        Layers::new(&[], element)
    } else {
        reader.classes.layers(element, "joint", scope.class)?
    };
    let kind = if free { JointKind::Free } else { layers.keyword("type", &KINDS, JointKind::Hinge)? };
    let (range, limits) = limits(reader, element, &layers, kind)?;
    let angle = if kind == JointKind::Hinge { reader.compiler.radians } else { 1.0 };
    let joint = Joint {
        name: element.name(),
        body: scope.body,
        kind,
        frame: scope.frame,
        axis: axis(element, &layers, kind)?,
        position: layers.exact::<3>("pos")?.unwrap_or([0.0; 3]),
        reference: angle * layers.number("ref", 0.0)?,
        spring_reference: angle * layers.number("springref", 0.0)?,
        stiffness: layers.partial("stiffness", [0.0; 3])?,
        damping: layers.partial("damping", [0.0; 3])?,
        springdamper: springdamper(element, &layers)?,
        armature: layers.number("armature", 0.0)?,
        range: limits,
        margin: layers.number("margin", 0.0)?,
        frictionloss: layers.number("frictionloss", 0.0)?,
        solref_limit: layers.partial("solreflimit", DEFAULT_SOLREF)?,
        solimp_limit: layers.partial("solimplimit", DEFAULT_SOLIMP)?,
        solref_friction: layers.partial("solreffriction", DEFAULT_SOLREF)?,
        solimp_friction: layers.partial("solimpfriction", DEFAULT_SOLIMP)?,
        actuator_force_range: force_range(reader, &layers, kind)?,
        actuator_gravcomp: layers.boolean("actuatorgravcomp", false)?,
        line: element.line,
    };
    layers.integer("group", 0)?;
    if layers.number("springyield", 0.0)? > 0.0 {
        let what = format!("{} springyield", element.label());
        reader.remark(Severity::Motion, element, what, "springs do not yield: they stay elastic");
    }
    reader.names.add(Kind::Joint, joint.name.clone(), reader.out.joints.len(), element)?;
    reader.joint_ranges.push(range);
    reader.aligned.push(if free {
        super::align::asked(reader, element)?
    } else {
        reader.compiler.align_free
    });
    reader.out.joints.push(joint);
    Ok(())
}

fn axis(element: &Element, layers: &Layers, kind: JointKind) -> Result<[f64; 3], Error> {
    let axis = layers.exact::<3>("axis")?.unwrap_or([0.0, 0.0, 1.0]);
    let turns = matches!(kind, JointKind::Hinge | JointKind::Slide);
    if turns && super::orientation::unit(axis).is_none() {
        return Err(element.error(format!("the axis of {} is zero", element.label())));
    }
    // Ball and free joints have no axis, and what a default says about one is not theirs.
    Ok(if turns { axis } else { [0.0, 0.0, 1.0] })
}

/// The range in radians or metres, and the same if it limits.
fn limits(
    reader: &Reader,
    element: &Element,
    layers: &Layers,
    kind: JointKind,
) -> Result<([f64; 2], Option<[f64; 2]>), Error> {
    let range = layers.exact::<2>("range")?.unwrap_or([0.0; 2]);
    if kind == JointKind::Free {
        return Ok((range, None));
    }
    if !reader.compiler.limited(layers, "limited", "range", range)? {
        return Ok((range, None));
    }
    if kind == JointKind::Ball && range[0] != 0.0 {
        return Err(element.error(format!(
            "the range of the ball {} starts at {} (it must start at 0)",
            element.label(),
            range[0]
        )));
    }
    let angle = if kind == JointKind::Slide { 1.0 } else { reader.compiler.radians };
    let range = range.map(|x| angle * x);
    Ok((range, Some(range)))
}

fn force_range(reader: &Reader, layers: &Layers, kind: JointKind) -> Result<Option<[f64; 2]>, Error> {
    if !matches!(kind, JointKind::Hinge | JointKind::Slide) {
        return Ok(None);
    }
    let range = layers.exact::<2>("actuatorfrcrange")?.unwrap_or([0.0; 2]);
    let limited = reader.compiler.limited(layers, "actuatorfrclimited", "actuatorfrcrange", range)?;
    Ok(limited.then_some(range))
}

fn springdamper(element: &Element, layers: &Layers) -> Result<Option<[f64; 2]>, Error> {
    match layers.exact::<2>("springdamper")? {
        None | Some([0.0, 0.0]) => Ok(None),
        Some([time, ratio]) if time > 0.0 && ratio > 0.0 => Ok(Some([time, ratio])),
        Some([time, ratio]) => Err(element.error(format!(
            "the springdamper of {} is {time} {ratio} (both must be positive)",
            element.label()
        ))),
    }
}
