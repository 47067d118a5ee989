//! Joints, and what they mimic.

use super::{Writer, only, remark, text};
use crate::error::{Error, nearest};
use crate::scene::mjcf::layers::{Layers, did_you_mean};
use crate::scene::mjcf::xml::Element;
use crate::spatial::{Vec3, rotation_z_to};

/// The types, and what they are in MJCF; a planar joint is three, and a fixed one none.
const TYPES: [(&str, &str); 7] = [
    ("revolute", "hinge"),
    ("continuous", "hinge"),
    ("prismatic", "slide"),
    ("fixed", ""),
    ("floating", "free"),
    ("planar", ""),
    ("spherical", "ball"),
];

impl Writer<'_> {
    /// Writes a joint into the body that it moves.
    pub(super) fn joint(&mut self, joint: &Element, body: &mut Element) -> Result<(), Error> {
        let kind = kind(joint)?;
        if kind.0 == "fixed" {
            return Ok(());
        }
        let axis = match only(joint, "axis")? {
            Some(axis) => axis.required("xyz").and(Layers::new(&[], axis).exact::<3>("xyz"))?,
            None => None,
        };
        let axis = axis.unwrap_or([1.0, 0.0, 0.0]);
        let mut first = joint.beside("joint");
        dynamics(joint, &mut first)?;
        let rubbed = first.clone();
        limits(joint, kind.0, &mut first)?;
        let mut add = |element: Element, name: &str, kind: &str, axis: [f64; 3]| {
            let mut element = element;
            element.set("name", name.to_string());
            element.set("type", kind.to_string());
            element.set("axis", text(&axis));
            body.children.push(element);
        };
        let name = joint.required("name")?;
        if kind.0 == "planar" {
            let normal = Vec3::from(axis);
            if normal.norm() < 1e-14 {
                return Err(joint.error(format!("the axis of {} is zero", joint.label())));
            }
            let turn = rotation_z_to(normal * (1.0 / normal.norm()));
            let along = |k: usize| turn.rotate(Vec3::unit(k)).to_array();
            add(first, &format!("{name}_TX"), "slide", along(0));
            add(rubbed.clone(), &format!("{name}_TY"), "slide", along(1));
            add(rubbed, &format!("{name}_RZ"), "hinge", axis);
        } else {
            add(first, name, kind.1, axis);
        }
        self.mimic(joint)
    }

    /// Ties a joint to the one that it mimics.
    fn mimic(&mut self, joint: &Element) -> Result<(), Error> {
        let Some(mimic) = only(joint, "mimic")? else { return Ok(()) };
        let leader = mimic.required("joint")?;
        let layers = Layers::new(&[], mimic);
        let line = [layers.number("offset", 0.0)?, layers.number("multiplier", 1.0)?, 0.0, 0.0, 0.0];
        let what = format!("{} mimic", joint.label());
        let Some(other) = self.joints.get(leader) else {
            let message = format!("there is no joint \"{leader}\"");
            let why = did_you_mean(message, leader, self.joints.keys().copied()) + ": it moves on its own";
            self.remarks.push(remark(mimic, &what, why));
            return Ok(());
        };
        let scalar = |joint: &Element| Ok::<_, Error>(matches!(kind(joint)?.1, "hinge" | "slide"));
        if !scalar(joint)? || !scalar(other)? {
            let why = "only revolute, continuous and prismatic joints mimic each other: it moves on its own";
            self.remarks.push(remark(mimic, &what, why.to_string()));
            return Ok(());
        }
        if joint.get("name") == Some(leader) {
            return Err(mimic.error(format!("{} mimics itself", joint.label())));
        }
        let mut tie = mimic.beside("joint");
        tie.set("joint1", joint.required("name")?.to_string());
        tie.set("joint2", leader.to_string());
        tie.set("polycoef", text(&line));
        self.ties.push(tie);
        Ok(())
    }
}

fn kind(joint: &Element) -> Result<(&'static str, &'static str), Error> {
    let stated = joint.required("type")?;
    TYPES.into_iter().find(|(name, _)| *name == stated).ok_or_else(|| {
        let names = TYPES.map(|(name, _)| name);
        let hint = match nearest(stated, names) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("known are: {}", names.join(", ")),
        };
        joint.error(format!("{} has the unknown type \"{stated}\" ({hint})", joint.label()))
    })
}

fn dynamics(joint: &Element, out: &mut Element) -> Result<(), Error> {
    let Some(dynamics) = only(joint, "dynamics")? else { return Ok(()) };
    let layers = Layers::new(&[], dynamics);
    for (theirs, ours) in [("damping", "damping"), ("friction", "frictionloss")] {
        out.set(ours, text(&[layers.number(theirs, 0.0)?]));
    }
    Ok(())
}

/// The range, if both ends are given in order, and how hard actuators may push together.
fn limits(joint: &Element, kind: &str, out: &mut Element) -> Result<(), Error> {
    let Some(limit) = only(joint, "limit")? else { return Ok(()) };
    let layers = Layers::new(&[], limit);
    let [lower, upper] = [layers.exact::<1>("lower")?, layers.exact::<1>("upper")?];
    let effort = layers.number("effort", 0.0)?.abs();
    if let (Some([lower]), Some([upper])) = (lower, upper)
        && lower < upper
        && !matches!(kind, "continuous" | "floating")
    {
        out.set("range", text(&[lower, upper]));
        out.set("limited", "true".to_string());
    }
    if effort > 0.0 && !matches!(kind, "floating" | "spherical") {
        out.set("actuatorfrcrange", text(&[-effort, effort]));
        out.set("actuatorfrclimited", "true".to_string());
    }
    Ok(())
}
