//! `replicate` elements, written out as frames with renamed copies.
//!
//! Every name inside gets a suffix, and so does every element outside the tree that refers to
//! a name inside: it is copied once per replica, behind its other siblings.

use std::collections::HashSet;

use super::compiler::Compiler;
use super::layers::Layers;
use super::orientation::euler;
use super::xml::Element;
use crate::error::Error;
use crate::spatial::Vec3;

/// Writes out all `replicate` elements below the root.
pub(super) fn expand(root: &mut Element, compiler: &Compiler) -> Result<(), Error> {
    let mut suffixes = Vec::new();
    let mut room = MOST;
    for section in root.children.iter_mut().filter(|s| s.tag == "worldbody") {
        expand_in(section, compiler, &mut suffixes, &mut room)?;
    }
    for replicated in suffixes {
        copy_references(root, &replicated, &mut room)?;
    }
    Ok(())
}

/// More elements than this, in all copies together, are a slip of the pen, and would fill the memory.
const MOST: usize = 200_000;

/// Takes the room of copies, as long as there is some.
fn take(room: &mut usize, count: usize, size: usize, by: &Element) -> Result<(), Error> {
    *room = room.checked_sub(count.saturating_mul(size)).ok_or_else(|| {
        by.error(format!(
            "{count} copies are too many (all replicates together write at most {MOST} elements)"
        ))
    })?;
    Ok(())
}

/// How many elements it is, with those inside.
fn size(element: &Element) -> usize {
    1 + element.children.iter().map(size).sum::<usize>()
}

/// The names inside a `replicate`, and what its copies append to them.
struct Replicated {
    names: HashSet<(String, String)>,
    suffixes: Vec<String>,
}

/// Expands from the inside out, so that inner suffixes come first.
fn expand_in(
    element: &mut Element,
    compiler: &Compiler,
    done: &mut Vec<Replicated>,
    room: &mut usize,
) -> Result<(), Error> {
    for child in &mut element.children {
        expand_in(child, compiler, done, room)?;
    }
    if element.tag != "replicate" {
        return Ok(());
    }
    if let Some(joint) = element.children.iter().find(|c| matches!(c.tag.as_str(), "joint" | "freejoint")) {
        return Err(joint.error("a joint stands directly inside replicate (put it into a body)"));
    }
    let layers = Layers::new(&[], element);
    element.required("count")?;
    let count = layers.integer("count", 0)?;
    let count = usize::try_from(count)
        .map_err(|_| element.error(format!("the count of replicate is {count} (it is zero or more)")))?;
    take(room, count, size(element), element)?;
    let offset = Vec3::from(layers.exact::<3>("offset")?.unwrap_or([0.0; 3]));
    let angles = layers.exact::<3>("euler")?.unwrap_or([0.0; 3]);
    let suffixes = suffixes(count, element.get("sep").unwrap_or(""));
    let mut names = HashSet::new();
    element.children.iter().for_each(|c| collect_names(c, &mut names));
    let mut copies = Vec::with_capacity(suffixes.len());
    let mut position = Vec3::zero();
    for (number, suffix) in suffixes.iter().enumerate() {
        // The angles grow, not the rotation: the same if they turn about one axis.
        let rotation = euler(angles.map(|angle| number as f64 * angle), compiler);
        let mut frame = element.beside("frame");
        frame.set("pos", spelled(&position.to_array()));
        frame.set("quat", spelled(&rotation.to_array()));
        frame.children = element.children.clone();
        frame.children.iter_mut().for_each(|c| rename(c, &names, suffix));
        copies.push(frame);
        position += rotation.rotate(offset);
    }
    let mut outer = element.beside("frame");
    outer.attributes.extend(element.get("childclass").map(|c| ("childclass".to_string(), c.to_string())));
    outer.children = copies;
    *element = outer;
    done.push(Replicated { names, suffixes });
    Ok(())
}

/// `00`, `01`, … with as many digits as the number of the last replica needs.
fn suffixes(count: usize, separator: &str) -> Vec<String> {
    let digits = count.saturating_sub(1).to_string().len();
    (0..count).map(|i| format!("{separator}{i:0digits$}")).collect()
}

fn spelled(numbers: &[f64]) -> String {
    numbers.iter().map(|x| format!("{x:?}")).collect::<Vec<_>>().join(" ")
}

/// The kind under which an element's name is unique.
fn kind_of(tag: &str) -> &str {
    if tag == "freejoint" { "joint" } else { tag }
}

fn collect_names(element: &Element, names: &mut HashSet<(String, String)>) {
    if let Some(name) = element.name() {
        names.insert((kind_of(&element.tag).to_string(), name));
    }
    element.children.iter().for_each(|c| collect_names(c, names));
}

/// Appends the suffix to the names inside a copy, and to the references among them.
fn rename(element: &mut Element, names: &HashSet<(String, String)>, suffix: &str) {
    if let Some(name) = element.name() {
        element.set("name", format!("{name}{suffix}"));
    }
    if matches!(element.tag.as_str(), "camera" | "light") {
        rename_reference(element, "target", "body", names, suffix);
    }
    element.children.iter_mut().for_each(|c| rename(c, names, suffix));
}

fn rename_reference(
    element: &mut Element,
    attribute: &str,
    kind: &str,
    names: &HashSet<(String, String)>,
    suffix: &str,
) {
    let Some(name) = element.get(attribute) else { return };
    if names.contains(&(kind.to_string(), name.to_string())) {
        let renamed = format!("{name}{suffix}");
        element.set(attribute, renamed);
    }
}

/// The kind of element that an attribute of an outside element names, if it names one.
fn referred(element: &Element, section: &str, attribute: &str) -> Option<String> {
    let kind = match attribute {
        "joint" | "jointinparent" | "joint1" | "joint2" => "joint",
        "site" | "refsite" | "site1" | "site2" | "cranksite" | "slidersite" | "sidesite" => "site",
        "body" | "body1" | "body2" | "subtree1" | "subtree2" => "body",
        "geom" | "geom1" | "geom2" => "geom",
        "tendon" | "tendon1" | "tendon2" => "tendon",
        "actuator" if section == "sensor" => "actuator",
        "camera" => "camera",
        "objname" => element.get("objtype")?,
        "refname" => element.get("reftype")?,
        _ => return None,
    };
    Some(if kind == "xbody" { "body".to_string() } else { kind.to_string() })
}

/// Copies the outside elements that refer to replicated names, once per replica.
fn copy_references(root: &mut Element, replicated: &Replicated, room: &mut usize) -> Result<(), Error> {
    let mut names = replicated.names.clone();
    // Tendons come before what refers to them, so one pass in this order is enough.
    for tag in ["tendon", "contact", "equality", "actuator", "sensor"] {
        let mut moved = Vec::new();
        for section in root.children.iter_mut().filter(|s| s.tag == tag) {
            let (inside, outside) = std::mem::take(&mut section.children)
                .into_iter()
                .partition(|e| refers_inside(e, tag, &names));
            section.children = outside;
            moved.extend::<Vec<Element>>(inside);
        }
        for element in &moved {
            take(room, replicated.suffixes.len(), size(element), element)?;
            let kind = if matches!(tag, "tendon" | "actuator") { tag } else { element.tag.as_str() };
            names.extend(element.name().map(|name| (kind.to_string(), name)));
        }
        let copies = replicated.suffixes.iter().flat_map(|suffix| {
            moved.iter().map(|element| {
                let mut copy = element.clone();
                rename_outside(&mut copy, tag, &names, suffix);
                copy
            })
        });
        let copies: Vec<Element> = copies.collect();
        if let Some(last) = root.children.iter_mut().rfind(|s| s.tag == tag) {
            last.children.extend(copies);
        }
    }
    Ok(())
}

/// Whether an element refers to a name inside.
fn refers_inside(element: &Element, section: &str, names: &HashSet<(String, String)>) -> bool {
    fn references(element: &Element, section: &str, found: &mut Vec<(String, String)>) {
        for (attribute, value) in element.attributes.iter().filter(|(_, value)| !value.is_empty()) {
            found.extend(referred(element, section, attribute).map(|kind| (kind, value.clone())));
        }
        element.children.iter().for_each(|c| references(c, section, found));
    }
    let mut found = Vec::new();
    references(element, section, &mut found);
    found.iter().any(|reference| names.contains(reference))
}

fn rename_outside(element: &mut Element, section: &str, names: &HashSet<(String, String)>, suffix: &str) {
    let attributes: Vec<String> = element.attributes.iter().map(|(name, _)| name.clone()).collect();
    for attribute in attributes {
        if let Some(kind) = referred(element, section, &attribute) {
            rename_reference(element, &attribute, &kind, names, suffix);
        }
    }
    if let Some(name) = element.name() {
        element.set("name", format!("{name}{suffix}"));
    }
    element.children.iter_mut().for_each(|c| rename_outside(c, section, names, suffix));
}
