//! The `asset` section: meshes, and the colours of materials.

use std::path::Path;
use std::sync::Arc;

use super::Reader;
use super::layers::{Layers, counted, integers, numbers};
use super::names::Kind;
use super::orientation::unit_quat;
use super::xml::{Element, section};
use crate::error::Error;
use crate::model::description::{Description, Extent, Geom, Mesh, Placement, Severity, Shape};
use crate::scene::mesh::{self, MassMode, Surface};
use crate::spatial::{Quat, Vec3};

/// The colours of the materials, in the order of the file.
#[derive(Default)]
pub(super) struct Materials {
    pub colors: Vec<[f64; 4]>,
}

pub(super) fn read(reader: &mut Reader) -> Result<(), Error> {
    let root = reader.root;
    for element in section(root, "asset") {
        match element.tag.as_str() {
            "material" => {
                let layers = reader.classes.layers(element, "material", 0)?;
                let color = layers.exact::<4>("rgba")?.unwrap_or([1.0; 4]);
                let number = reader.materials.colors.len();
                reader.names.add(Kind::Material, element.name(), number, element)?;
                reader.materials.colors.push(color);
            }
            "hfield" => {
                let name = element.name().or_else(|| stem(element));
                reader.names.add(Kind::HeightField, name, 0, element)?;
            }
            "mesh" => mesh_asset(reader, element)?,
            _ => {}
        }
    }
    extensions(reader);
    Ok(())
}

/// Notes the sections of which nothing is read although they can make things move.
fn extensions(reader: &mut Reader) {
    let root = reader.root;
    for element in section(root, "deformable").filter(|e| e.tag == "flex") {
        reader.names.incomplete = true;
        let why = "flexible bodies are not supported: it is left out";
        reader.remark(Severity::Motion, element, element.label(), why);
    }
}

/// The name of a file without folder and ending.
fn stem(element: &Element) -> Option<String> {
    let file = element.get("file").filter(|file| !file.is_empty())?;
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    Path::new(name).file_stem().map(|stem| stem.to_string_lossy().into_owned())
}

fn mesh_asset<'a>(reader: &mut Reader<'a>, element: &'a Element) -> Result<(), Error> {
    let Some(name) = element.name().or_else(|| stem(element)) else {
        return Err(element.error("a mesh has neither name nor file"));
    };
    let made = element.get("builtin").is_some_and(|kind| kind != "none")
        || element.children.iter().any(|e| e.tag == "plugin");
    if made {
        let why = "meshes made by MuJoCo itself are not supported: it is left out";
        reader.remark(Severity::Motion, element, element.label(), why);
        reader.names.drop(Kind::Mesh, Some(name));
        return Ok(());
    }
    let layers = reader.classes.layers(element, "mesh", 0)?;
    let modes = [
        ("legacy", MassMode::Legacy),
        ("exact", MassMode::Exact),
        ("convex", MassMode::Convex),
        ("shell", MassMode::Shell),
    ];
    let mode = layers.keyword("inertia", &modes, MassMode::Legacy)?;
    let wrong = |e: String| element.error(format!("mesh \"{name}\": {e}"));
    let surface = surface(reader, element, &layers)?;
    let mesh = mesh::measured(&name, surface, mode).map_err(wrong)?;
    reader.names.add(Kind::Mesh, Some(name.clone()), reader.out.meshes.len(), element)?;
    reader.out.meshes.push(mesh);
    Ok(())
}

/// Finds the convex hulls of the meshes that may touch; what is only drawn may have very many vertices.
pub(super) fn find_hulls(d: &mut Description) {
    let pairs = &d.constraints.pairs;
    for (k, geom) in d.geoms.iter().enumerate() {
        let Shape::Mesh(mesh) = geom.shape else { continue };
        let alone = geom.contact.contype != 0 || geom.contact.conaffinity != 0;
        if alone || pairs.iter().any(|p| p.geoms.0 == k || p.geoms.1 == k) {
            let mesh = &mut d.meshes[mesh];
            if mesh.hull.is_none() {
                mesh.hull = Some(Arc::new(mesh::hull_of(mesh)));
            }
        }
    }
}

/// Vertices and triangles from the file or the attributes, scaled and turned.
fn surface(reader: &Reader, element: &Element, layers: &Layers) -> Result<Surface, Error> {
    let mut surface = match element.get("file").filter(|file| !file.is_empty()) {
        Some(_) if element.get("vertex").is_some() => {
            return Err(element.error(format!("{} has both file and vertex (state one)", element.label())));
        }
        Some(file) => {
            let path = reader.compiler.mesh_file(file, element);
            mesh::read(&path)
                .map_err(|e| element.error(format!("cannot read the mesh file {}: {e}", path.display())))?
        }
        None => written(element)?,
    };
    let scale = layers.exact::<3>("scale")?.unwrap_or([1.0; 3]);
    let center = Vec3::from(layers.exact::<3>("refpos")?.unwrap_or([0.0; 3]));
    let turn = match layers.exact::<4>("refquat")? {
        Some(q) => unit_quat(q)
            .ok_or_else(|| element.error(format!("the refquat of {} is zero", element.label())))?,
        None => Quat::identity(),
    };
    for vertex in &mut surface.vertices {
        let moved = turn.conjugate().rotate(Vec3::from(*vertex) - center).to_array();
        *vertex = [moved[0] * scale[0], moved[1] * scale[1], moved[2] * scale[2]];
    }
    if scale.iter().product::<f64>() < 0.0 {
        // A mirrored mesh would be inside out.
        surface.triangles.iter_mut().for_each(|t| t.swap(1, 2));
    }
    Ok(surface)
}

fn written(element: &Element) -> Result<Surface, Error> {
    let Some(values) = numbers(element, "vertex")? else {
        return Err(element.error(format!("{} has neither file nor vertex", element.label())));
    };
    if values.len() % 3 != 0 {
        return Err(element.error(format!(
            "the vertices of {} have {} numbers (it takes three each)",
            element.label(),
            values.len()
        )));
    }
    // MuJoCo stores vertices in 32 bits.
    let vertices: Vec<[f64; 3]> =
        values.chunks_exact(3).map(|v| std::array::from_fn(|i| f64::from(v[i] as f32))).collect();
    let indices = match element.get("face") {
        Some(text) => integers(element, "face", text)?,
        None => Vec::new(),
    };
    counted(element, "face", indices.len() % 3, 0, 0)?;
    if let Some(index) = indices.iter().find(|&&i| i < 0 || i as usize >= vertices.len()) {
        return Err(element.error(format!(
            "a face of {} uses vertex {index} (there are {})",
            element.label(),
            vertices.len()
        )));
    }
    let triangles = indices.chunks_exact(3).map(|t| std::array::from_fn(|i| t[i] as u32)).collect();
    Ok(Surface { vertices, triangles })
}

/// Gives a primitive geom the size and place of the mesh that it names; false if it is left out.
pub(super) fn fit(
    reader: &mut Reader,
    element: &Element,
    layers: &Layers,
    name: &str,
    geom: &mut Geom,
) -> Result<bool, Error> {
    let Some(number) = reader.names.find(Kind::Mesh, name, element)? else {
        reader.remark(Severity::Motion, element, element.label(), "its mesh is left out: it is left out too");
        return Ok(false);
    };
    let Extent::Pose(own) = geom.extent else {
        return Err(element.error(format!("{} has both mesh and fromto (state one)", element.label())));
    };
    let mesh = &reader.out.meshes[number];
    let bounding = reader.compiler.fit_box;
    let (center, half) = if bounding { bounding_box(mesh) } else { ([0.0; 3], equivalent_box(mesh)) };
    let Some(size) = fitted_size(geom.shape, half, bounding) else {
        return Err(element.error(format!("{} cannot be fitted to a mesh", element.label())));
    };
    let scale = layers.number("fitscale", 1.0)?;
    if scale <= 0.0 {
        return Err(
            element.error(format!("the fitscale of {} is {scale} (it must be positive)", element.label()))
        );
    }
    geom.size = size.map(|s| s * scale);
    geom.extent = Extent::Pose(Placement {
        frame: Some(own.pose()),
        position: mesh.pose.point(Vec3::from(center)).to_array(),
        rotation: mesh.pose.rotation.to_array(),
    });
    Ok(true)
}

/// The size of a primitive for a box of these half-sizes: around it, or of about its inertia.
fn fitted_size(shape: Shape, [x, y, z]: [f64; 3], around: bool) -> Option<[f64; 3]> {
    let radius = if around { x.max(y) } else { (x + y) / 2.0 };
    match shape {
        Shape::Sphere if around => Some([radius.max(z), 0.0, 0.0]),
        Shape::Sphere => Some([(x + y + z) / 3.0, 0.0, 0.0]),
        Shape::Capsule if around => Some([radius, (z - radius).max(0.0), 0.0]),
        Shape::Capsule => Some([radius, (z - radius / 2.0).max(0.0), 0.0]),
        Shape::Cylinder => Some([radius, z, 0.0]),
        Shape::Ellipsoid | Shape::Box => Some([x, y, z]),
        Shape::Plane | Shape::Mesh(_) => None,
    }
}

/// Centre and half-sizes of the box around a mesh along its own axes.
fn bounding_box(mesh: &Mesh) -> ([f64; 3], [f64; 3]) {
    let extreme = |pick: fn(f64, f64) -> f64| -> [f64; 3] {
        std::array::from_fn(|i| mesh.vertices.iter().map(|v| v[i]).reduce(pick).unwrap_or(0.0))
    };
    let (low, high) = (extreme(f64::min), extreme(f64::max));
    (std::array::from_fn(|i| 0.5 * (low[i] + high[i])), std::array::from_fn(|i| 0.5 * (high[i] - low[i])))
}

/// The half-sizes of the box with the mesh's inertia.
fn equivalent_box(mesh: &Mesh) -> [f64; 3] {
    let [x, y, z] = mesh.moments;
    let half = |sum: f64| 0.5 * (6.0 * sum.max(0.0) / mesh.volume).sqrt();
    [half(y + z - x), half(x + z - y), half(x + y - z)]
}
