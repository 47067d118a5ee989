//! The words of URDF, so that a misspelt one is an error and not silence.

use crate::error::{Error, nearest};
use crate::scene::mjcf::xml::Element;

/// Element, attributes, children.
const WORDS: &[(&str, &str, &str)] = &[
    ("robot", "name version", "link joint material transmission gazebo mujoco sensor"),
    ("link", "name type", "inertial visual collision sensor gazebo"),
    ("joint", "name type", "origin parent child axis limit dynamics mimic calibration safety_controller"),
    ("inertial", "", "origin mass inertia"),
    ("visual", "name", "origin geometry material"),
    ("collision", "name", "origin geometry material"),
    ("geometry", "", "box cylinder sphere capsule mesh"),
    ("material", "name", "color texture"),
    ("origin", "xyz rpy", ""),
    ("mass", "value", ""),
    ("inertia", "ixx iyy izz ixy ixz iyz", ""),
    ("box", "size", ""),
    ("cylinder", "radius length", ""),
    ("sphere", "radius", ""),
    ("capsule", "radius length", ""),
    ("mesh", "filename scale", ""),
    ("color", "rgba", ""),
    ("parent", "link", ""),
    ("child", "link", ""),
    ("axis", "xyz", ""),
    ("limit", "lower upper effort velocity", ""),
    ("dynamics", "damping friction", ""),
    ("mimic", "joint multiplier offset", ""),
];

/// Checks an element and what is below it.
///
/// Robots carry extensions of many programs, so an unknown word is an error only if it is nearly a
/// known one that is missing.
pub(super) fn check(element: &Element, tag: &str) -> Result<(), Error> {
    let Some((_, attributes, children)) = WORDS.iter().find(|(known, ..)| *known == tag) else {
        return Ok(());
    };
    let near = |word: &str, known: &'static str, has: &dyn Fn(&str) -> bool| {
        let known = || known.split(' ').filter(|known| !known.is_empty());
        let missing = known().filter(|known| !has(known));
        if known().any(|known| known == word) { None } else { nearest(word, missing) }
    };
    for (name, _) in &element.attributes {
        if let Some(right) = near(name, attributes, &|known| element.get(known).is_some()) {
            let label = element.label();
            let message = format!("{label} has the unknown attribute {name} (did you mean \"{right}\"?)");
            return Err(element.error(message));
        }
    }
    for child in &element.children {
        let several = ["robot", "link", "geometry"].contains(&tag);
        let has = |known: &str| !several && element.children.iter().any(|e| e.tag == known);
        if let Some(right) = near(&child.tag, children, &has) {
            let (word, label) = (&child.tag, element.label());
            let message = format!("unknown element {word} inside {label} (did you mean \"{right}\"?)");
            return Err(child.error(message));
        }
        if children.split(' ').any(|known| known == child.tag) {
            check(child, &child.tag)?;
        }
    }
    Ok(())
}
