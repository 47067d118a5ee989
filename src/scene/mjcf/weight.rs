//! How heavy geoms and bodies are, in plain numbers, for what must be decided while reading.

use crate::model::description::{Extent, Geom, Inertial, Mesh, Placement, Shape, Weight};
use crate::scene::mesh::principal_axes;
use crate::spatial::{Pose, Quat, Sym3, Vec3, rotation_z_to};
use std::f64::consts::PI;

/// Geoms that are not heavier than this do not count in the inertia of their body [kg].
pub(super) const LEAST_MASS: f64 = 1e-14;

/// Mass, principal moments and their pose in the body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bulk {
    pub mass: f64,
    pub pose: Pose<f64>,
    pub moments: [f64; 3],
}

/// The size of a geom with the half-length that its two ends imply.
pub(super) fn full_size(geom: &Geom) -> [f64; 3] {
    let Extent::FromTo { ends, .. } = geom.extent else { return geom.size };
    let half = 0.5 * (0..3).map(|i| (ends[i + 3] - ends[i]).powi(2)).sum::<f64>().sqrt();
    match geom.shape {
        Shape::Capsule | Shape::Cylinder => [geom.size[0], half, 0.0],
        _ => [geom.size[0], geom.size[0], half],
    }
}

fn volume(geom: &Geom, meshes: &[Mesh]) -> f64 {
    let [a, b, c] = full_size(geom);
    match geom.shape {
        Shape::Plane => 0.0,
        Shape::Sphere => 4.0 / 3.0 * PI * a.powi(3),
        Shape::Capsule => PI * a * a * 2.0 * b + 4.0 / 3.0 * PI * a.powi(3),
        Shape::Cylinder => PI * a * a * 2.0 * b,
        Shape::Ellipsoid => 4.0 / 3.0 * PI * a * b * c,
        Shape::Box => 8.0 * a * b * c,
        Shape::Mesh(number) => meshes[number].volume,
    }
}

/// The mass of a geom; a plane has none.
pub(super) fn geom_mass(geom: &Geom, meshes: &[Mesh]) -> f64 {
    match geom.weight {
        _ if geom.shape == Shape::Plane => 0.0,
        Weight::Mass(mass) => mass,
        Weight::Density(density) => density * volume(geom, meshes),
    }
}

/// Principal moments for a mass `m` in the geom's own axes.
fn moments(geom: &Geom, m: f64, meshes: &[Mesh]) -> [f64; 3] {
    let [a, b, c] = full_size(geom);
    let brick = |f: f64| [b * b + c * c, a * a + c * c, a * a + b * b].map(|s| f * m * s);
    match geom.shape {
        Shape::Plane => [0.0; 3],
        Shape::Sphere => [0.4 * m * a * a; 3],
        Shape::Box => brick(1.0 / 3.0),
        Shape::Ellipsoid => brick(0.2),
        Shape::Cylinder => {
            let across = m * (3.0 * a * a + 4.0 * b * b) / 12.0;
            [across, across, 0.5 * m * a * a]
        }
        Shape::Capsule => {
            let height = 2.0 * b;
            let caps = m * (4.0 * a / 3.0) / (height + 4.0 * a / 3.0);
            let tube = m - caps;
            let across = tube * (3.0 * a * a + height * height) / 12.0
                + 0.4 * caps * a * a
                + caps * height * (3.0 * a + 2.0 * height) / 8.0;
            [across, across, 0.5 * tube * a * a + 0.4 * caps * a * a]
        }
        Shape::Mesh(number) => {
            let mesh = &meshes[number];
            mesh.moments.map(|moment| moment * m / mesh.volume)
        }
    }
}

/// The pose of a geom inside its body, with that of its mesh.
pub(super) fn geom_pose(geom: &Geom, meshes: &[Mesh]) -> Pose<f64> {
    let pose = match geom.extent {
        Extent::Pose(placement) => placement.pose(),
        Extent::FromTo { frame, ends } => {
            let (from, to) = (Vec3::new(ends[0], ends[1], ends[2]), Vec3::new(ends[3], ends[4], ends[5]));
            let own = Pose { position: (from + to) * 0.5, rotation: rotation_z_to(from - to) };
            frame.map_or(own, |frame| frame * own)
        }
    };
    match geom.shape {
        Shape::Mesh(number) => pose * meshes[number].pose,
        _ => pose,
    }
}

/// The inertia of a body, from its geoms if it states none.
pub(super) fn body_bulk<'g>(
    inertial: &Inertial,
    geoms: impl Iterator<Item = &'g Geom>,
    meshes: &[Mesh],
) -> Option<Bulk> {
    match *inertial {
        Inertial::FromGeoms => from_geoms(geoms, meshes),
        Inertial::Diagonal { mass, placement, moments } => {
            Some(Bulk { mass, pose: placement.pose(), moments })
        }
        Inertial::Full { mass, placement, tensor } => Some(principal(mass, placement, tensor)),
        Inertial::LogCholesky(_) => None,
    }
}

fn principal(mass: f64, placement: Placement, tensor: [f64; 6]) -> Bulk {
    let (values, turn) = principal_axes(Sym3::from(tensor));
    let pose = placement.pose();
    Bulk {
        mass,
        pose: Pose { position: pose.position, rotation: pose.rotation * turn },
        moments: values.to_array(),
    }
}

fn from_geoms<'g>(geoms: impl Iterator<Item = &'g Geom>, meshes: &[Mesh]) -> Option<Bulk> {
    let parts: Vec<Bulk> = geoms
        .filter(|g| g.weighs)
        .map(|g| {
            let mass = geom_mass(g, meshes);
            Bulk { mass, pose: geom_pose(g, meshes), moments: moments(g, mass, meshes) }
        })
        .filter(|part| part.mass > LEAST_MASS)
        .collect();
    if let [only] = parts[..] {
        return Some(only);
    }
    let mass: f64 = parts.iter().map(|p| p.mass).sum();
    if parts.is_empty() {
        return None;
    }
    let center = parts.iter().fold(Vec3::zero(), |sum, p| sum + p.pose.position * (p.mass / mass));
    let tensor = parts.iter().fold(Sym3::zero(), |sum, p| {
        let own = Sym3::congruence(p.pose.rotation.to_matrix(), Vec3::from(p.moments));
        sum + own + Sym3::point(p.pose.position - center).scale(p.mass)
    });
    let (values, rotation): (Vec3<f64>, Quat<f64>) = principal_axes(tensor);
    Some(Bulk { mass, pose: Pose { position: center, rotation }, moments: values.to_array() })
}
