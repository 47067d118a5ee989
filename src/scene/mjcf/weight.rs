//! How heavy geoms and bodies are, in plain numbers, for what must be decided while reading.

use crate::model::description::{Description, Extent, Geom, Inertial, Placement, Shape, Weight};
use crate::model::{shell, solid};
use crate::scene::mesh::principal_axes;
use crate::spatial::{Pose, Quat, Sym3, Vec3, rotation_z_to};

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
fn full_size(geom: &Geom) -> [f64; 3] {
    let Extent::FromTo { ends, .. } = geom.extent else { return geom.size };
    let half = 0.5 * (0..3).map(|i| (ends[i + 3] - ends[i]).powi(2)).sum::<f64>().sqrt();
    match geom.shape {
        Shape::Capsule | Shape::Cylinder => [geom.size[0], half, 0.0],
        _ => [geom.size[0], geom.size[0], half],
    }
}

/// Volume or area, and principal moments for unit mass in the geom's own axes.
fn measures(out: &Description, geom: &Geom) -> (f64, [f64; 3]) {
    let size = Vec3::from(full_size(geom));
    let measure = if geom.shell { shell } else { solid };
    let (volume, moments) = measure(out, geom.shape, size);
    (volume, moments.to_array())
}

/// The mass of a geom; a plane has none.
pub(super) fn geom_mass(out: &Description, geom: &Geom) -> f64 {
    match geom.weight {
        _ if geom.shape == Shape::Plane => 0.0,
        Weight::Mass(mass) => mass,
        Weight::Density(density) => density * measures(out, geom).0,
    }
}

/// The pose of a geom inside its body, with that of its mesh.
fn geom_pose(out: &Description, geom: &Geom) -> Pose<f64> {
    let pose = match geom.extent {
        Extent::Pose(placement) => placement.pose(),
        Extent::FromTo { frame, ends } => {
            let (from, to) = (Vec3::new(ends[0], ends[1], ends[2]), Vec3::new(ends[3], ends[4], ends[5]));
            let own = Pose { position: (from + to) * 0.5, rotation: rotation_z_to(from - to) };
            frame.map_or(own, |frame| frame * own)
        }
    };
    match geom.shape {
        Shape::Mesh(number) => pose * out.meshes[number].pose,
        _ => pose,
    }
}

/// The inertia of a body, from its geoms if it states none.
pub(super) fn body_bulk(out: &Description, number: usize) -> Option<Bulk> {
    match out.bodies[number].inertial {
        Inertial::FromGeoms => from_geoms(out, number),
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

fn from_geoms(out: &Description, number: usize) -> Option<Bulk> {
    let parts: Vec<Bulk> = out
        .geoms
        .iter()
        .filter(|g| g.body == number && g.weighs)
        .map(|g| {
            let mass = geom_mass(out, g);
            let moments = measures(out, g).1.map(|moment| moment * mass);
            Bulk { mass, pose: geom_pose(out, g), moments }
        })
        .filter(|part| part.mass > LEAST_MASS)
        .collect();
    if let [only] = parts[..] {
        return Some(only);
    }
    let (mass, center, tensor) = together(&parts)?;
    let (values, rotation): (Vec3<f64>, Quat<f64>) = principal_axes(tensor);
    Some(Bulk { mass, pose: Pose { position: center, rotation }, moments: values.to_array() })
}

/// Mass, centre of mass, and inertia about it, of parts that move as one; none without parts.
pub(super) fn together(parts: &[Bulk]) -> Option<(f64, Vec3<f64>, Sym3<f64>)> {
    let mass: f64 = parts.iter().map(|p| p.mass).sum();
    if parts.is_empty() {
        return None;
    }
    let center = parts.iter().fold(Vec3::zero(), |sum, p| sum + p.pose.position * (p.mass / mass));
    let tensor = parts.iter().fold(Sym3::zero(), |sum, p| {
        let own = Sym3::congruence(p.pose.rotation.to_matrix(), Vec3::from(p.moments));
        sum + own + Sym3::point(p.pose.position - center).scale(p.mass)
    });
    Some((mass, center, tensor))
}
