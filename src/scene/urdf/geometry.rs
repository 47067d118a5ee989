//! Collisions and visuals, and their colours.

use std::collections::HashMap;

use super::{Writer, needed, only, place, remark, text};
use crate::error::Error;
use crate::scene::mjcf::layers::Layers;
use crate::scene::mjcf::xml::Element;

/// The colours of the named materials.
pub(super) type Colors<'a> = HashMap<&'a str, &'a Element>;

const SHAPES: [&str; 5] = ["box", "cylinder", "sphere", "capsule", "mesh"];

/// Finds the materials that state a colour, wherever they stand; the first of a name counts.
pub(super) fn colors(element: &Element) -> Colors<'_> {
    let mut found = Colors::new();
    for child in &element.children {
        if let (Some(name), Some(color)) =
            (child.get("name"), child.children.iter().find(|e| e.tag == "color"))
            && child.tag == "material"
        {
            found.entry(name).or_insert(color);
        }
        for (name, color) in colors(child) {
            found.entry(name).or_insert(color);
        }
    }
    found
}

impl Writer<'_> {
    /// Writes the collisions of a link, and its visuals if they are kept, in the order of the file.
    ///
    /// A collision has the colour of the last visual before it.
    pub(super) fn geoms(&mut self, link: &Element, body: &mut Element) -> Result<(), Error> {
        let mut color = None;
        for element in &link.children {
            let visual = match element.tag.as_str() {
                "visual" => true,
                "collision" => false,
                _ => continue,
            };
            if visual {
                color = self.color(element)?.or(color);
            }
            if visual && !self.visuals {
                continue;
            }
            let Some(mut geom) = self.shape(link, element, visual)? else { continue };
            place(element, &mut geom)?;
            if let Some(color) = color {
                geom.set("rgba", text(&color));
            }
            if visual {
                for (name, value) in
                    [("contype", "0"), ("conaffinity", "0"), ("group", "1"), ("density", "0")]
                {
                    geom.set(name, value.to_string());
                }
            }
            // Only the first geom of a name has it.
            if let Some(name) = element.name().filter(|name| self.geoms.insert(name.clone())) {
                geom.set("name", name);
            }
            body.children.push(geom);
        }
        Ok(())
    }

    fn color(&self, visual: &Element) -> Result<Option<[f64; 4]>, Error> {
        let Some(material) = only(visual, "material")? else { return Ok(None) };
        let named = || material.get("name").and_then(|name| self.colors.get(name)).copied();
        match only(material, "color")?.or_else(named) {
            Some(color) => Layers::new(&[], color).exact::<4>("rgba"),
            None => Ok(None),
        }
    }

    /// The geom without its place; none if it is left out.
    fn shape(&mut self, link: &Element, element: &Element, visual: bool) -> Result<Option<Element>, Error> {
        let geometry = needed(element, "geometry")?;
        let Some(shape) = geometry.children.iter().find(|e| SHAPES.contains(&e.tag.as_str())) else {
            return Err(geometry.error(format!("geometry has no shape (known are: {})", SHAPES.join(", "))));
        };
        let layers = Layers::new(&[], shape);
        let number = |name: &str| shape.required(name).and(layers.number(name, 0.0));
        let mut geom = element.beside("geom");
        geom.set("type", shape.tag.clone());
        match shape.tag.as_str() {
            "box" => {
                shape.required("size")?;
                let size = layers.exact::<3>("size")?.unwrap_or_default();
                geom.set("size", text(&size.map(|edge| edge / 2.0)));
            }
            "sphere" => geom.set("size", text(&[number("radius")?])),
            "mesh" => {
                let file = shape.required("filename")?;
                if file.to_ascii_lowercase().ends_with(".dae") {
                    if !visual {
                        let what = format!("collision of {}", link.label());
                        let why = format!(
                            "Collada meshes such as \"{file}\" are only drawn: it is left out (stl and obj \
                             files collide)"
                        );
                        self.remarks.push(remark(shape, &what, why));
                    }
                    return Ok(None);
                }
                let scale = layers.exact::<3>("scale")?.unwrap_or([1.0; 3]);
                geom.set("mesh", self.meshes.asset(shape, file, scale)?);
            }
            _ => geom.set("size", text(&[number("radius")?, number("length")? / 2.0])),
        }
        Ok(Some(geom))
    }
}
