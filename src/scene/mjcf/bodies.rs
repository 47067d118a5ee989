//! The tree below `worldbody`: bodies, frames, and what hangs on them.

use super::Reader;
use super::compiler::FromGeom;
use super::layers::Layers;
use super::names::Kind;
use super::orientation::placement;
use super::xml::Element;
use super::{geoms, joints};
use crate::error::Error;
use crate::model::description::{Body, Inertial, Placement, Severity};
use crate::spatial::Pose;

/// Where an element stands.
#[derive(Clone, Copy)]
pub(super) struct Scope {
    pub body: usize,
    /// The pose of the frames around it inside the body.
    pub frame: Option<Pose<f64>>,
    /// The default class of the nearest `childclass`.
    pub class: usize,
}

pub(super) fn read(reader: &mut Reader) -> Result<(), Error> {
    let root = reader.root;
    world(reader)?;
    for section in root.children.iter().filter(|s| s.tag == "worldbody") {
        if let Some(wrong) =
            section.children.iter().find(|e| matches!(e.tag.as_str(), "joint" | "freejoint" | "inertial"))
        {
            return Err(
                wrong.error(format!("the world has {} (it can neither move nor weigh)", wrong.label()))
            );
        }
        contents(reader, section, Scope { body: 0, frame: None, class: 0 })?;
    }
    if reader.out.bodies.len() == 1 && reader.out.geoms.is_empty() {
        return Err(root.error("the model is empty (it needs a body or a geom)"));
    }
    in_body_order(reader);
    decide_inertia(reader);
    Ok(())
}

fn world(reader: &mut Reader) -> Result<(), Error> {
    let root = reader.root;
    reader.names.add(Kind::Body, Some("world".to_string()), 0, root)?;
    reader.out.bodies.push(Body {
        name: Some("world".to_string()),
        parent: 0,
        placement: Placement::default(),
        inertial: Inertial::FromGeoms,
        gravcomp: 0.0,
        mocap: false,
        line: root.line,
    });
    reader.body_files.push(root.file.clone());
    Ok(())
}

/// Reads what is inside a body or a frame.
fn contents<'a>(reader: &mut Reader<'a>, element: &'a Element, scope: Scope) -> Result<(), Error> {
    for child in &element.children {
        match child.tag.as_str() {
            "body" => body(reader, child, scope)?,
            "frame" => frame(reader, child, scope)?,
            "inertial" => inertial(reader, child, scope)?,
            "joint" | "freejoint" => joints::joint(reader, child, scope)?,
            "geom" => geoms::geom(reader, child, scope)?,
            "site" => geoms::site(reader, child, scope)?,
            "camera" => reader.names.add(Kind::Camera, child.name(), 0, child)?,
            "attach" | "flexcomp" => {
                reader.names.incomplete = true;
                let why = format!("{} is not supported: what it would make is left out", child.tag);
                reader.remark(Severity::Motion, child, child.label(), why);
            }
            "plugin" => {
                reader.remark(Severity::Motion, child, child.label(), "plugins are not supported");
            }
            _ => {}
        }
    }
    Ok(())
}

fn frame<'a>(reader: &mut Reader<'a>, element: &'a Element, scope: Scope) -> Result<(), Error> {
    let layers = Layers::new(&[], element);
    let own = placement(&layers, &reader.compiler, scope.frame)?;
    for name in ["scale", "massscale"] {
        if element.get(name).is_some_and(|text| text.split_whitespace().any(|x| x.parse() != Ok(1.0))) {
            let what = format!("{} {name}", element.label());
            reader.remark(Severity::Motion, element, what, "frames do not scale their contents");
        }
    }
    let class = reader.classes.around(element, scope.class)?;
    contents(reader, element, Scope { body: scope.body, frame: Some(own.pose()), class })
}

fn body<'a>(reader: &mut Reader<'a>, element: &'a Element, scope: Scope) -> Result<(), Error> {
    let layers = Layers::new(&[], element);
    let number = reader.out.bodies.len();
    let body = Body {
        name: element.name(),
        parent: scope.body,
        placement: placement(&layers, &reader.compiler, scope.frame)?,
        inertial: Inertial::FromGeoms,
        gravcomp: layers.number("gravcomp", 0.0)?,
        mocap: layers.boolean("mocap", false)?,
        line: element.line,
    };
    if body.mocap && scope.body != 0 {
        return Err(element.error(format!("{} is a mocap body inside another body", element.label())));
    }
    if !layers.keyword("simple", &[("false", false), ("auto", true)], true)? {
        let why = "whether a body is simple is always decided by its shape";
        reader.remark(Severity::Constraint, element, format!("{} simple", element.label()), why);
    }
    reader.names.add(Kind::Body, body.name.clone(), number, element)?;
    reader.out.bodies.push(body);
    reader.body_files.push(element.file.clone());
    let class = reader.classes.around(element, scope.class)?;
    contents(reader, element, Scope { body: number, frame: None, class })
}

fn inertial(reader: &mut Reader, element: &Element, scope: Scope) -> Result<(), Error> {
    let layers = Layers::new(&[], element);
    element.required("pos")?;
    element.required("mass")?;
    let mass = layers.number("mass", 0.0)?;
    let full = layers.exact::<6>("fullinertia")?;
    let diagonal = layers.exact::<3>("diaginertia")?;
    let placement = placement(&layers, &reader.compiler, scope.frame)?;
    if mass < 0.0 {
        return Err(element.error(format!("the mass is {mass} kg (it may not be negative)")));
    }
    if full.is_some() && diagonal.is_some_and(|d| d != [0.0; 3]) {
        return Err(element.error("the inertial has both diaginertia and fullinertia (state one)"));
    }
    if full.is_some() && super::orientation::WAYS.iter().any(|way| element.get(way).is_some()) {
        return Err(element.error("the inertial has fullinertia and an orientation (state one)"));
    }
    reader.out.bodies[scope.body].inertial = match full {
        Some(tensor) => Inertial::Full { mass, placement, tensor },
        None => Inertial::Diagonal { mass, placement, moments: diagonal.unwrap_or([0.0; 3]) },
    };
    Ok(())
}

/// Numbers joints, geoms and sites body by body.
pub(super) fn in_body_order(reader: &mut Reader) {
    fn sort<T>(list: &mut Vec<T>, body: impl Fn(&T) -> usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..list.len()).collect();
        order.sort_by_key(|&i| body(&list[i]));
        let mut taken: Vec<Option<T>> = list.drain(..).map(Some).collect();
        list.extend(order.iter().map(|&i| taken[i].take().expect("each number appears once")));
        order
    }
    let order = sort(&mut reader.out.joints, |j| j.body);
    reader.joint_ranges = order.iter().map(|&old| reader.joint_ranges[old]).collect();
    reader.aligned = order.iter().map(|&old| reader.aligned[old]).collect();
    reader.names.renumber(Kind::Joint, &order);
    let order = sort(&mut reader.out.geoms, |g| g.body);
    reader.names.renumber(Kind::Geom, &order);
    let order = sort(&mut reader.out.sites, |s| s.body);
    reader.names.renumber(Kind::Site, &order);
}

/// Decides for every body whether its inertia comes from its geoms.
pub(super) fn decide_inertia(reader: &mut Reader) {
    let rule = reader.compiler.from_geom;
    for number in 1..reader.out.bodies.len() {
        let explicit = !matches!(reader.out.bodies[number].inertial, Inertial::FromGeoms);
        let heavy = reader.out.geoms.iter().any(|g| {
            g.body == number
                && reader.compiler.counts(g.group)
                && super::weight::geom_mass(&reader.out, g) > super::weight::LEAST_MASS
        });
        let from_geoms = match rule {
            FromGeom::Never => false,
            FromGeom::Always => heavy || !explicit,
            FromGeom::IfMissing => !explicit,
        };
        if from_geoms {
            reader.out.bodies[number].inertial = Inertial::FromGeoms;
        }
        for geom in reader.out.geoms.iter_mut().filter(|g| g.body == number) {
            geom.weighs = from_geoms && reader.compiler.counts(geom.group);
        }
    }
    for geom in reader.out.geoms.iter_mut().filter(|g| g.body == 0) {
        geom.weighs = false;
    }
}
