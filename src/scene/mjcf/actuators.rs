//! The `actuator` section: transmissions, ranges and laws.

use super::Reader;
use super::layers::Layers;
use super::names::Kind;
use super::servo::Servo;
use super::xml::{Element, section};
use crate::error::Error;
use crate::model::description::{Actuator, Dynamics, JointKind, Severity, Transmission};

/// How many controls and activations an element has in keyframes, and whether it was kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Footprint {
    pub kept: bool,
    /// Whether the numbers below are known.
    pub certain: bool,
    pub controls: usize,
    pub activations: usize,
}

pub(super) fn read(reader: &mut Reader) -> Result<(), Error> {
    let root = reader.root;
    for element in section(root, "actuator") {
        let name = element.name();
        let kept = actuator(reader, element)?;
        let footprint = match &kept {
            Ok(actuator) => Footprint {
                kept: true,
                certain: true,
                controls: 1,
                activations: usize::from(actuator.dynamics != Dynamics::None),
            },
            Err(lost) => *lost,
        };
        reader.footprints.push(footprint);
        match kept {
            Ok(actuator) => {
                reader.names.add(Kind::Actuator, name, reader.out.actuators.len(), element)?;
                reader.out.actuators.push(actuator);
            }
            Err(_) => reader.names.drop(Kind::Actuator, name),
        }
    }
    Ok(())
}

/// The actuator, or what it takes in keyframes if it cannot be simulated.
fn actuator<'a>(reader: &mut Reader<'a>, element: &'a Element) -> Result<Result<Actuator, Footprint>, Error> {
    let layers = reader.classes.layers(element, "actuator", 0)?;
    let servo = reader.classes.servo(element)?;
    let lost = Footprint {
        kept: false,
        certain: servo.certain_size(),
        controls: 1,
        activations: usize::from(servo.dynamics != Ok(Dynamics::None)),
    };
    if let Some(why) = refusal(element, &layers, &servo)? {
        reader.remark(Severity::Motion, element, element.label(), format!("{why}: it is left out"));
        return Ok(Err(lost));
    }
    let Some(transmission) = transmission(reader, element)? else {
        reader.remark(Severity::Motion, element, element.label(), LEFT_OUT_TARGET);
        return Ok(Err(lost));
    };
    let actuator = assembled(reader, element, &layers, &servo, transmission)?;
    Ok(Ok(actuator))
}

const LEFT_OUT_TARGET: &str = "it acts on something that is left out: it is left out too";

/// Why an actuator cannot be simulated, if so.
fn refusal(element: &Element, layers: &Layers, servo: &Servo) -> Result<Option<String>, Error> {
    if matches!(element.tag.as_str(), "muscle" | "adhesion" | "pid" | "orientation" | "dcmotor" | "plugin") {
        return Ok(Some(format!("{} actuators are not supported", element.tag)));
    }
    if let Some(why) = servo.unsupported() {
        return Ok(Some(why));
    }
    if element.get("slidersite").is_some() || element.get("cranksite").is_some() {
        return Ok(Some("slider-crank transmissions are not supported".to_string()));
    }
    if element.get("body").is_some() {
        return Ok(Some("body transmissions are not supported".to_string()));
    }
    if layers.number("delay", 0.0)? > 0.0 {
        return Ok(Some("delayed controls are not supported".to_string()));
    }
    Ok(None)
}

/// What the actuator pulls at; none if that was left out.
fn transmission(reader: &Reader, element: &Element) -> Result<Option<Transmission>, Error> {
    let stated = |name: &str| element.get(name).filter(|value| !value.is_empty());
    if stated("refsite").is_some() && stated("site").is_none() {
        return Err(element.error(format!("{} has a refsite without a site", element.label())));
    }
    let find = |kind, name: &str| reader.names.find(kind, name, element);
    if let Some(name) = stated("site") {
        let reference = stated("refsite").map(|name| find(Kind::Site, name)).transpose()?;
        if reference == Some(None) {
            return Ok(None);
        }
        let reference = reference.flatten();
        return Ok(find(Kind::Site, name)?.map(|site| Transmission::Site { site, reference }));
    }
    if let Some(name) = stated("tendon") {
        return Ok(find(Kind::Tendon, name)?.map(Transmission::Tendon));
    }
    if let Some(name) = stated("jointinparent") {
        return Ok(find(Kind::Joint, name)?.map(Transmission::JointInParent));
    }
    if let Some(name) = stated("joint") {
        return Ok(find(Kind::Joint, name)?.map(Transmission::Joint));
    }
    Err(element.error(format!("{} acts on nothing (state a joint, tendon or site)", element.label())))
}

fn assembled(
    reader: &Reader,
    element: &Element,
    layers: &Layers,
    servo: &Servo,
    transmission: Transmission,
) -> Result<Actuator, Error> {
    let dynamics = servo.dynamics.unwrap_or(Dynamics::None);
    let into_activation = dynamics == Dynamics::Integrator;
    let inherited = inherited_range(reader, element, layers, servo, transmission)?;
    let own_range = |replaced: bool, switch, name| match inherited {
        Some(range) if replaced => Ok(Some(range)),
        _ if name == "ctrlrange" => control_range(reader, element, layers),
        _ => range(reader, layers, switch, name),
    };
    let actuator = Actuator {
        name: element.name(),
        transmission,
        gear: layers.partial("gear", [1.0, 0.0, 0.0, 0.0, 0.0, 0.0])?,
        law: servo.law(),
        dynamics,
        time_constant: servo.dynamics_numbers[0],
        act_early: layers.boolean("actearly", false)?,
        ctrl_range: own_range(!into_activation, "ctrllimited", "ctrlrange")?,
        force_range: range(reader, layers, "forcelimited", "forcerange")?,
        act_range: own_range(into_activation, "actlimited", "actrange")?,
        damping: layers.partial("damping", [0.0; 3])?,
        armature: layers.number("armature", 0.0)?,
        group: layers.integer("group", 0)?,
        line: element.line,
    };
    if actuator.act_range.is_some() && actuator.dynamics == Dynamics::None {
        return Err(element.error(format!("{} has an actrange but no activation", element.label())));
    }
    let reflected = actuator.damping != [0.0; 3] || actuator.armature != 0.0;
    if reflected && matches!(actuator.transmission, Transmission::Site { .. }) {
        return Err(element.error(format!(
            "{} has damping or armature at a site (they need a joint or a tendon)",
            element.label()
        )));
    }
    Ok(actuator)
}

fn range(reader: &Reader, layers: &Layers, switch: &str, name: &str) -> Result<Option<[f64; 2]>, Error> {
    let range = layers.exact::<2>(name)?.unwrap_or([0.0; 2]);
    Ok(reader.compiler.limited(layers, switch, name, range)?.then_some(range))
}

fn control_range(reader: &Reader, element: &Element, layers: &Layers) -> Result<Option<[f64; 2]>, Error> {
    if element.tag != "damper" {
        return range(reader, layers, "ctrllimited", "ctrlrange");
    }
    match layers.exact::<2>("ctrlrange")? {
        Some([low, high]) if 0.0 <= low && low < high => Ok(Some([low, high])),
        _ => Err(element.error(format!(
            "{} has no ascending ctrlrange of numbers that are not negative (a damper needs one)",
            element.label()
        ))),
    }
}

/// The range that a servo takes from its target for its control or activation.
fn inherited_range(
    reader: &Reader,
    element: &Element,
    layers: &Layers,
    servo: &Servo,
    transmission: Transmission,
) -> Result<Option<[f64; 2]>, Error> {
    let into_activation = servo.dynamics == Ok(Dynamics::Integrator);
    let replaced = if into_activation { "actrange" } else { "ctrlrange" };
    let states = |e: &Element, name: &str| e.get(name).is_some_and(|text| !text.is_empty());
    if element.tag != "general" && states(element, replaced) && states(element, "inheritrange") {
        return Err(
            element.error(format!("{} has both {replaced} and inheritrange (state one)", element.label()))
        );
    }
    // An explicit range in a stronger layer wins over inheritance in a weaker one.
    let inherits = layers
        .find(|e| if states(e, "inheritrange") { Some(true) } else { states(e, replaced).then_some(false) });
    let factor = layers.number("inheritrange", 0.0)?;
    if inherits != Some(true) || factor <= 0.0 || !servo.is_servo() {
        return Ok(None);
    }
    let target = match transmission {
        Transmission::Joint(j) | Transmission::JointInParent(j)
            if matches!(reader.out.joints[j].kind, JointKind::Hinge | JointKind::Slide) =>
        {
            reader.joint_ranges[j]
        }
        Transmission::Tendon(t) => reader.tendon_ranges[t],
        _ => {
            return Err(element.error(format!(
                "{} inherits a range (only hinges, slides and tendons have one)",
                element.label()
            )));
        }
    };
    if target[0] >= target[1] {
        return Err(element.error(format!("{} inherits a range from a target without one", element.label())));
    }
    let (middle, half) = (0.5 * (target[0] + target[1]), 0.5 * factor * (target[1] - target[0]));
    Ok(Some([middle - half, middle + half]))
}
