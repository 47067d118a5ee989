//! URDF files, the robot descriptions of ROS, with the meaning that MuJoCo 4.0.0 gives them.
//!
//! The links and joints of the file are written down as the MJCF elements that mean the same, each
//! with the line that it comes from, and read as such. The root link is a part of the world, links
//! behind fixed joints are parts of their parents, and visuals are left out, unless the compiler
//! element inside a `mujoco` element says otherwise. The format: <http://wiki.ros.org/urdf/XML>.

mod geometry;
mod joints;
mod meshes;
mod words;

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::mjcf;
use super::mjcf::layers::{Layers, did_you_mean};
use super::mjcf::xml::{self, DEEPEST, Element};
use crate::error::Error;
use crate::model::description::{Description, Remark, Severity};

use geometry::Colors;
use meshes::Meshes;

/// Reads a URDF file; meshes are looked for as [`parse`] says.
pub fn load(path: &Path) -> Result<Description, Error> {
    parse(&super::text_of(path)?, path)
}

/// Reads URDF text; `path` is where it would be, for messages and for the meshes that it names.
///
/// The package of a `package://` path is looked for in the folders above the file, then in those of
/// the environment's `ROS_PACKAGE_PATH`.
pub fn parse(text: &str, path: &Path) -> Result<Description, Error> {
    let robot = xml::parse(text, path)?;
    if robot.tag != "robot" {
        return Err(robot.error(format!("the root element is {} (a URDF file has robot)", robot.tag)));
    }
    words::check(&robot, "robot")?;
    let mut writer = Writer::new(&robot, path)?;
    let mut world = robot.beside("worldbody");
    for link in 0..writer.links.len() {
        if writer.above[link].is_none() {
            writer.link(link, &mut world, 0)?;
        }
    }
    writer.no_loop()?;
    let mut root = robot.beside("mujoco");
    root.set("model", robot.name().unwrap_or_else(|| "MuJoCo Model".to_string()));
    root.children = settings(&robot, &mut writer.remarks);
    for (tag, children) in [("asset", writer.meshes.assets), ("equality", writer.ties)] {
        root.children.push(Element { children, ..robot.beside(tag) });
    }
    root.children.push(world);
    let mut description = mjcf::describe(&mut root, path, true)?;
    description.remarks.append(&mut writer.remarks);
    Ok(description)
}

/// The compiler and option elements inside `mujoco`, with what always holds for URDF.
fn settings(robot: &Element, remarks: &mut Vec<Remark>) -> Vec<Element> {
    let mut compiler = robot.beside("compiler");
    compiler.set("fusestatic", "true".to_string());
    let mut options = Vec::new();
    for section in xml::section(robot, "mujoco") {
        match section.tag.as_str() {
            "compiler" => {
                compiler.line = section.line;
                section.attributes.iter().for_each(|(name, value)| compiler.set(name, value.clone()));
            }
            "option" => options.push(section.clone()),
            "size" => {}
            _ => {
                let why = "the mujoco element of a URDF file takes compiler, option and size: it is left out";
                remarks.push(remark(section, &section.label(), why.to_string()));
            }
        }
    }
    // Angles are radians about fixed axes; where meshes are is settled before.
    for (name, value) in [("angle", "radian"), ("eulerseq", "XYZ"), ("strippath", "false")] {
        compiler.set(name, value.to_string());
    }
    options.insert(0, compiler);
    options
}

fn remark(element: &Element, what: &str, why: String) -> Remark {
    let (file, line) = (element.file.to_string(), element.line);
    Remark { severity: Severity::Motion, what: what.to_string(), why, file, line }
}

/// Turns links and joints into the elements of a tree.
struct Writer<'a> {
    links: Vec<&'a Element>,
    joints: HashMap<&'a str, &'a Element>,
    /// The joint that each link hangs on.
    above: Vec<Option<&'a Element>>,
    /// The joints that hang on each link, and their links, in the order of the file.
    below: Vec<Vec<(&'a Element, usize)>>,
    written: Vec<bool>,
    colors: Colors<'a>,
    meshes: Meshes,
    /// The names of geoms, which may appear only once.
    geoms: HashSet<String>,
    /// Whether visuals are kept.
    visuals: bool,
    /// What mimic elements tie.
    ties: Vec<Element>,
    remarks: Vec<Remark>,
}

impl<'a> Writer<'a> {
    fn new(robot: &'a Element, path: &Path) -> Result<Self, Error> {
        let children = |tag: &'static str| robot.children.iter().filter(move |e| e.tag == tag);
        let mut numbers = HashMap::new();
        let links: Vec<&Element> = children("link").collect();
        for (number, link) in links.iter().enumerate() {
            if numbers.insert(link.required("name")?, number).is_some() {
                return Err(link.error(format!("the name of {} is used twice", link.label())));
            }
        }
        let mut joints = HashMap::new();
        let (mut above, mut below) = (vec![None::<&Element>; links.len()], vec![Vec::new(); links.len()]);
        for joint in children("joint") {
            if joints.insert(joint.required("name")?, joint).is_some() {
                return Err(joint.error(format!("the name of {} is used twice", joint.label())));
            }
            let [parent, child] = [end(joint, "parent", &numbers)?, end(joint, "child", &numbers)?];
            if let Some(other) = above[child].replace(joint) {
                let link = links[child].label();
                let message =
                    format!("{link} hangs on {} and on {} (it hangs on one)", other.label(), joint.label());
                return Err(joint.error(message));
            }
            below[parent].push((joint, child));
        }
        let settings: Element =
            Element { children: xml::section(robot, "mujoco").cloned().collect(), ..robot.beside("mujoco") };
        let compiler = Layers::sections(&settings, "compiler");
        Ok(Self {
            written: vec![false; links.len()],
            colors: geometry::colors(robot),
            meshes: Meshes::new(&compiler, path)?,
            visuals: !compiler.boolean("discardvisual", true)?,
            geoms: HashSet::new(),
            ties: Vec::new(),
            remarks: Vec::new(),
            links,
            joints,
            above,
            below,
        })
    }

    /// Writes a link, and the tree that hangs on it, into the element of its parent.
    fn link(&mut self, number: usize, into: &mut Element, depth: usize) -> Result<(), Error> {
        let link = self.links[number];
        if depth > DEEPEST {
            let message = format!("{} hangs below more than {DEEPEST} others", link.label());
            return Err(link.error(message));
        }
        self.written[number] = true;
        let mut body = link.beside("body");
        body.set("name", link.required("name")?.to_string());
        let world = body.get("name") == Some("world");
        if let Some(joint) = self.above[number] {
            if world {
                return Err(link.error("the link \"world\" hangs on a joint (it can only be the root)"));
            }
            place(joint, &mut body)?;
            self.joint(joint, &mut body)?;
        }
        if let Some(inertial) = only(link, "inertial")?.filter(|_| !world) {
            body.children.push(inertia(inertial)?);
        }
        self.geoms(link, &mut body)?;
        for (_, child) in self.below[number].clone() {
            self.link(child, &mut body, depth + 1)?;
        }
        if world {
            into.children.append(&mut body.children);
        } else {
            into.children.push(body);
        }
        Ok(())
    }

    /// A link that no root leads to hangs on itself.
    fn no_loop(&self) -> Result<(), Error> {
        match self.written.iter().position(|written| !written) {
            Some(number) => {
                let link = self.links[number];
                let message = format!("{} hangs on itself (joints must form a tree)", link.label());
                Err(self.above[number].unwrap_or(link).error(message))
            }
            None => Ok(()),
        }
    }
}

/// The number of the link at one end of a joint.
fn end(joint: &Element, tag: &str, links: &HashMap<&str, usize>) -> Result<usize, Error> {
    let element = needed(joint, tag)?;
    let name = element.required("link")?;
    links.get(name).copied().ok_or_else(|| {
        let message = format!("the {tag} of {} is the unknown link \"{name}\"", joint.label());
        element.error(did_you_mean(message, name, links.keys().copied()))
    })
}

/// The inertial of a body; a tensor of zeros is none, but the mass counts.
fn inertia(inertial: &Element) -> Result<Element, Error> {
    let mass = needed(inertial, "mass")?;
    mass.required("value")?;
    let tensor = needed(inertial, "inertia")?;
    let layers = Layers::new(&[], tensor);
    let mut entries = [0.0; 6];
    for (entry, name) in entries.iter_mut().zip(["ixx", "iyy", "izz", "ixy", "ixz", "iyz"]) {
        tensor.required(name)?;
        *entry = layers.number(name, 0.0)?;
    }
    let mut out = inertial.beside("inertial");
    out.set("mass", text(&[Layers::new(&[], mass).number("value", 0.0)?]));
    let way =
        if entries == [0.0; 6] { ("diaginertia", &entries[..3]) } else { ("fullinertia", &entries[..]) };
    out.set(way.0, text(way.1));
    // The tensor is given in the axes of the origin, for which MJCF needs a frame around it.
    let mut frame = inertial.beside("frame");
    place(inertial, &mut frame)?;
    let turned = frame.get("euler").is_some();
    let position = if turned { text(&[0.0; 3]) } else { frame.get("pos").unwrap_or("0 0 0").to_string() };
    out.set("pos", position);
    Ok(if turned { Element { children: vec![out], ..frame } } else { out })
}

/// Gives an element the pose that the origin of another one states.
fn place(from: &Element, to: &mut Element) -> Result<(), Error> {
    let Some(origin) = only(from, "origin")? else { return Ok(()) };
    let layers = Layers::new(&[], origin);
    for (theirs, ours) in [("xyz", "pos"), ("rpy", "euler")] {
        if let Some(values) = layers.exact::<3>(theirs)?.filter(|values| *values != [0.0; 3]) {
            to.set(ours, text(&values));
        }
    }
    Ok(())
}

/// The child of a tag that may appear once.
fn only<'a>(element: &'a Element, tag: &str) -> Result<Option<&'a Element>, Error> {
    let mut found = element.children.iter().filter(|e| e.tag == tag);
    let first = found.next();
    match found.next() {
        Some(second) => Err(second.error(format!("{} has a second {tag} (one is allowed)", element.label()))),
        None => Ok(first),
    }
}

/// The child of a tag that must appear once.
fn needed<'a>(element: &'a Element, tag: &str) -> Result<&'a Element, Error> {
    only(element, tag)?.ok_or_else(|| element.error(format!("{} lacks the element {tag}", element.label())))
}

/// Numbers as an attribute; they read back exactly.
fn text(values: &[f64]) -> String {
    values.iter().map(f64::to_string).collect::<Vec<_>>().join(" ")
}
