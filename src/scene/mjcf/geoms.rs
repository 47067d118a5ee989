//! Geoms and sites.

use super::Reader;
use super::bodies::Scope;
use super::layers::{Layers, numbers};
use super::names::Kind;
use super::orientation::placement;
use super::xml::Element;
use crate::error::Error;
use crate::model::description::{
    ContactProperties, DEFAULT_SOLIMP, DEFAULT_SOLREF, Extent, Geom, Severity, Shape, Site, Weight,
};

/// The words for shapes; a mesh needs its number too.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Primitive(Shape),
    Mesh,
    HeightField,
    DistanceField,
}

const WORDS: [(&str, Word); 9] = [
    ("sphere", Word::Primitive(Shape::Sphere)),
    ("capsule", Word::Primitive(Shape::Capsule)),
    ("ellipsoid", Word::Primitive(Shape::Ellipsoid)),
    ("cylinder", Word::Primitive(Shape::Cylinder)),
    ("box", Word::Primitive(Shape::Box)),
    ("mesh", Word::Mesh),
    ("plane", Word::Primitive(Shape::Plane)),
    ("hfield", Word::HeightField),
    ("sdf", Word::DistanceField),
];

/// The shapes that a site may have stand first in the list.
const SITE_WORDS: usize = 6;

const GREY: [f64; 4] = [0.5, 0.5, 0.5, 1.0];

pub(super) fn geom<'a>(reader: &mut Reader<'a>, element: &'a Element, scope: Scope) -> Result<(), Error> {
    let layers = reader.classes.layers(element, "geom", scope.class)?;
    let word = layers.keyword("type", &WORDS, Word::Primitive(Shape::Sphere))?;
    let Some(shape) = shape(reader, element, &layers, word)? else {
        reader.names.drop(Kind::Geom, element.name());
        return Ok(());
    };
    let color = color(reader, element, &layers)?;
    let mut geom = Geom {
        name: element.name(),
        body: scope.body,
        shape,
        size: layers.partial("size", [0.0; 3])?,
        extent: extent(reader, element, &layers, shape, scope)?,
        weight: weight(element, &layers)?,
        weighs: false,
        shell: layers.boolean("shellinertia", false)?,
        contact: contact(element, &layers)?,
        color,
        group: layers.integer("group", 0)?,
        line: element.line,
    };
    match layers.text("mesh") {
        Some(mesh) if !matches!(shape, Shape::Mesh(_)) => {
            if !super::assets::fit(reader, element, &layers, mesh, &mut geom)? {
                reader.names.drop(Kind::Geom, element.name());
                return Ok(());
            }
        }
        _ => check_size(element, shape, geom.size, &geom.extent)?,
    }
    note_unsupported(reader, element, &layers)?;
    reader.names.add(Kind::Geom, geom.name.clone(), reader.out.geoms.len(), element)?;
    reader.out.geoms.push(geom);
    Ok(())
}

/// The shape; none if it is one that is left out.
fn shape(
    reader: &mut Reader,
    element: &Element,
    layers: &Layers,
    word: Word,
) -> Result<Option<Shape>, Error> {
    match word {
        Word::Primitive(shape) => Ok(Some(shape)),
        Word::Mesh => {
            let Some(name) = layers.text("mesh") else {
                return Err(element.error(format!("{} is a mesh but names none", element.label())));
            };
            let found = reader.names.find(Kind::Mesh, name, element)?;
            if found.is_none() {
                let why = "its mesh is left out: it is left out too";
                reader.remark(Severity::Motion, element, element.label(), why);
            }
            Ok(found.map(Shape::Mesh))
        }
        Word::HeightField => {
            let Some(name) = layers.text("hfield") else {
                return Err(element.error(format!("{} is a height field but names none", element.label())));
            };
            reader.names.find(Kind::HeightField, name, element)?;
            let why = "height fields are left out: nothing touches them";
            reader.remark(Severity::Motion, element, element.label(), why);
            Ok(None)
        }
        Word::DistanceField => {
            let why = "signed distance fields are not supported: it is left out";
            reader.remark(Severity::Motion, element, element.label(), why);
            Ok(None)
        }
    }
}

/// Where it is: a pose, or two ends.
fn extent(
    reader: &Reader,
    element: &Element,
    layers: &Layers,
    shape: Shape,
    scope: Scope,
) -> Result<Extent, Error> {
    let Some(ends) = layers.exact::<6>("fromto")? else {
        return Ok(Extent::Pose(placement(layers, &reader.compiler, scope.frame)?));
    };
    if !matches!(shape, Shape::Capsule | Shape::Cylinder | Shape::Box | Shape::Ellipsoid) {
        return Err(element.error(format!(
            "{} has fromto (only capsules, cylinders, boxes and ellipsoids have two ends)",
            element.label()
        )));
    }
    if layers.exact::<3>("pos")?.is_some_and(|p| p != [0.0; 3]) {
        return Err(element.error(format!("{} has both pos and fromto (state one)", element.label())));
    }
    let length = (0..3).map(|i| (ends[i + 3] - ends[i]).powi(2)).sum::<f64>().sqrt();
    if length < 1e-14 {
        return Err(element.error(format!("the two ends of {} coincide", element.label())));
    }
    Ok(Extent::FromTo { frame: scope.frame, ends })
}

fn check_size(element: &Element, shape: Shape, size: [f64; 3], extent: &Extent) -> Result<(), Error> {
    let needed: &[usize] = match (shape, extent) {
        (Shape::Mesh(_), _) => &[],
        (Shape::Plane, _) => &[2],
        (Shape::Sphere, _) | (_, Extent::FromTo { .. }) => &[0],
        (Shape::Capsule | Shape::Cylinder, _) => &[0, 1],
        (Shape::Box | Shape::Ellipsoid, _) => &[0, 1, 2],
    };
    match needed.iter().find(|&&i| size[i] <= 0.0) {
        Some(i) => Err(element.error(format!(
            "size {} of {} is {} (a {} needs a positive number there)",
            i + 1,
            element.label(),
            size[*i],
            WORDS.iter().find(|(_, w)| *w == Word::Primitive(shape)).map_or("mesh", |(word, _)| word)
        ))),
        None => Ok(()),
    }
}

fn weight(element: &Element, layers: &Layers) -> Result<Weight, Error> {
    let density = layers.number("density", 1000.0)?;
    let (name, value, weight) = match layers.exact::<1>("mass")? {
        Some([mass]) => ("mass", mass, Weight::Mass(mass)),
        None => ("density", density, Weight::Density(density)),
    };
    if value < 0.0 {
        return Err(
            element.error(format!("the {name} of {} is {value} (it may not be negative)", element.label()))
        );
    }
    Ok(weight)
}

fn contact(element: &Element, layers: &Layers) -> Result<ContactProperties, Error> {
    let condim = layers.integer("condim", 3)?;
    if ![1, 3, 4, 6].contains(&condim) {
        return Err(
            element.error(format!("the condim of {} is {condim} (it is 1, 3, 4 or 6)", element.label()))
        );
    }
    Ok(ContactProperties {
        contype: layers.integer("contype", 1)? as u32,
        conaffinity: layers.integer("conaffinity", 1)? as u32,
        condim: condim as u32,
        priority: layers.integer("priority", 0)?,
        friction: layers.partial("friction", [1.0, 0.005, 0.0001])?,
        solmix: layers.number("solmix", 1.0)?,
        solref: layers.partial("solref", DEFAULT_SOLREF)?,
        solimp: layers.partial("solimp", DEFAULT_SOLIMP)?,
        margin: layers.number("margin", 0.0)?,
        gap: layers.number("gap", 0.0)?,
    })
}

/// The colour: stated itself, else that of the material, else grey.
pub(super) fn color(reader: &Reader, element: &Element, layers: &Layers) -> Result<[f64; 4], Error> {
    let stated = layers.exact::<4>("rgba")?.unwrap_or(GREY);
    let material = match layers.text("material") {
        Some(name) => reader.names.find(Kind::Material, name, element)?,
        None => None,
    };
    match material {
        Some(number) if stated == GREY => Ok(reader.materials.colors[number]),
        _ => Ok(stated),
    }
}

/// Notes what a geom asks for beyond its shape, weight and contact.
fn note_unsupported(reader: &mut Reader, element: &Element, layers: &Layers) -> Result<(), Error> {
    let option = &reader.out.option;
    let fluid = option.density != 0.0 || option.viscosity != 0.0;
    let ellipsoid = layers.keyword("fluidshape", &[("none", false), ("ellipsoid", true)], false)?;
    let mut asked = Vec::new();
    if ellipsoid && fluid {
        asked.push(("fluidshape", "the fluid acts on the box of the body's inertia instead"));
    }
    if layers.partial("surfacevel", [0.0; 6])? != [0.0; 6] {
        asked.push(("surfacevel", "moving surfaces are not supported: it stands still"));
    }
    if layers.number("adhesion", 0.0)? != 0.0 {
        asked.push(("adhesion", "adhesion is not supported: it does not stick"));
    }
    if element.children.iter().any(|e| e.tag == "plugin") {
        asked.push(("plugin", "plugins are not supported"));
    }
    for (name, why) in asked {
        reader.remark(Severity::Motion, element, format!("{} {name}", element.label()), why);
    }
    Ok(())
}

pub(super) fn site<'a>(reader: &mut Reader<'a>, element: &'a Element, scope: Scope) -> Result<(), Error> {
    let layers = reader.classes.layers(element, "site", scope.class)?;
    let word = layers.keyword("type", &WORDS[..SITE_WORDS], Word::Primitive(Shape::Sphere))?;
    let shape = match word {
        Word::Primitive(shape) => shape,
        _ => match layers.text("mesh").map(|name| reader.names.find(Kind::Mesh, name, element)) {
            Some(found) => found?.map_or(Shape::Sphere, Shape::Mesh),
            None => return Err(element.error(format!("{} is a mesh but names none", element.label()))),
        },
    };
    let site = Site {
        name: element.name(),
        body: scope.body,
        extent: extent(reader, element, &layers, shape, scope)?,
        shape,
        size: layers.partial("size", [0.005; 3])?,
        color: color(reader, element, &layers)?,
        line: element.line,
    };
    if numbers(element, "size")?.is_some() {
        check_size(element, shape, site.size, &site.extent)?;
    }
    reader.names.add(Kind::Site, site.name.clone(), reader.out.sites.len(), element)?;
    reader.out.sites.push(site);
    Ok(())
}
