//! MJCF files, the format of MuJoCo, read as MuJoCo 4.0.0 reads them.
//!
//! [`load`] turns a file into a [`Description`]: includes are spliced, defaults resolved, angles
//! are radians, orientations unit quaternions, `frame` and `replicate` elements dissolved. What
//! the file asks for and is not simulated becomes a remark; what is wrong in it is an error with
//! its line.

mod actuators;
mod align;
mod assets;
mod bodies;
mod check;
mod classes;
mod compiler;
mod constraints;
mod fuse;
mod geoms;
mod joints;
mod keyframes;
pub(super) mod layers;
mod names;
mod option;
mod orientation;
mod replicate;
mod schema;
mod servo;
mod tendons;
mod weight;
pub(super) mod xml;

use std::path::Path;
use std::sync::Arc;

use crate::error::Error;
use crate::model::description::{Constraints, Description, Options, Remark, Severity};

use actuators::Footprint;
use assets::Materials;
use classes::Classes;
use compiler::Compiler;
use names::Names;
use xml::Element;

// A test looks for rules that are missing.
#[doc(hidden)]
pub use schema::TABLE;

/// Reads an MJCF file with everything it includes.
pub fn load(path: &Path) -> Result<Description, Error> {
    parse(&super::text_of(path)?, path)
}

/// Reads MJCF text; `path` is where it would be, for messages and for the files that it names.
pub fn parse(text: &str, path: &Path) -> Result<Description, Error> {
    let mut root = xml::read(text, path)?;
    if root.tag != "mujoco" {
        return Err(root.error(format!("the root element is {} (an MJCF file has mujoco)", root.tag)));
    }
    describe(&mut root, path, false)
}

/// Reads the elements of a file that is, or could be, MJCF.
///
/// Bodies without joints are made parts of their parents if the compiler element asks for it and
/// `fuse` allows it, which is right where nothing outside the tree speaks of bodies.
pub(super) fn describe(root: &mut Element, path: &Path, fuse: bool) -> Result<Description, Error> {
    schema::check(root)?;
    let mut compiler = Compiler::read(root, path)?;
    compiler.fuse &= fuse;
    replicate::expand(root, &compiler)?;
    let mut reader = Reader::new(root, compiler, path)?;
    reader.read()?;
    Ok(reader.out)
}

/// What is known while a file is read.
struct Reader<'a> {
    root: &'a Element,
    compiler: Compiler,
    classes: Classes<'a>,
    names: Names,
    materials: Materials,
    /// The ranges of joints and tendons, also of those that they do not limit.
    joint_ranges: Vec<[f64; 2]>,
    tendon_ranges: Vec<[f64; 2]>,
    /// Whether a free joint asks to move its body's frame to the inertial frame.
    aligned: Vec<bool>,
    footprints: Vec<Footprint>,
    /// The file in which each body stands.
    body_files: Vec<Arc<str>>,
    out: Description,
}

impl<'a> Reader<'a> {
    fn new(root: &'a Element, compiler: Compiler, path: &Path) -> Result<Self, Error> {
        let out = Description {
            name: root.get("model").unwrap_or("MuJoCo Model").to_string(),
            path: path.display().to_string(),
            option: Options::default(),
            rule: compiler.rule,
            bodies: Vec::new(),
            joints: Vec::new(),
            geoms: Vec::new(),
            sites: Vec::new(),
            meshes: Vec::new(),
            tendons: Vec::new(),
            actuators: Vec::new(),
            keyframes: Vec::new(),
            constraints: Constraints::default(),
            particles: Default::default(),
            remarks: Vec::new(),
        };
        Ok(Self {
            root,
            compiler,
            classes: Classes::read(root)?,
            names: Names::default(),
            materials: Materials::default(),
            joint_ranges: Vec::new(),
            tendon_ranges: Vec::new(),
            aligned: Vec::new(),
            footprints: Vec::new(),
            body_files: Vec::new(),
            out,
        })
    }

    fn read(&mut self) -> Result<(), Error> {
        option::read(self)?;
        assets::read(self)?;
        bodies::read(self)?;
        fuse::fuse_static_bodies(self)?;
        align::align_free_bodies(self)?;
        check::check(self)?;
        tendons::read(self)?;
        actuators::read(self)?;
        constraints::read(self)?;
        assets::find_hulls(&mut self.out);
        keyframes::read(self)
    }

    /// Notes something that the file asks for and that is not done.
    fn remark(
        &mut self,
        severity: Severity,
        element: &Element,
        what: impl Into<String>,
        why: impl Into<String>,
    ) {
        self.out.remarks.push(Remark {
            severity,
            what: what.into(),
            why: why.into(),
            file: element.file.to_string(),
            line: element.line,
        });
    }
}
