//! The five ways to write an orientation, as one unit quaternion.

use super::compiler::Compiler;
use super::layers::{Layers, numbers};
use super::xml::Element;
use crate::error::Error;
use crate::model::description::Placement;
use crate::spatial::{Mat3, Pose, Quat, Vec3, rotation_z_to};

pub(super) const WAYS: [&str; 5] = ["quat", "axisangle", "euler", "xyaxes", "zaxis"];

/// Lengths below this count as zero.
const TINY: f64 = 1e-14;

/// Position and orientation inside the dissolved frames.
pub(super) fn placement(
    layers: &Layers,
    compiler: &Compiler,
    frame: Option<Pose<f64>>,
) -> Result<Placement, Error> {
    let position = layers.exact::<3>("pos")?.unwrap_or([0.0; 3]);
    Ok(Placement { frame, position, rotation: rotation(layers, compiler)?.to_array() })
}

/// The orientation that the strongest layer states; none means no turn.
pub(super) fn rotation(layers: &Layers, compiler: &Compiler) -> Result<Quat<f64>, Error> {
    let states = |e: &Element| WAYS.iter().any(|way| e.get(way).is_some_and(|t| !t.trim().is_empty()));
    match layers.find(|e| states(e).then_some(e)) {
        Some(element) => stated(element, compiler),
        None => Ok(Quat::identity()),
    }
}

fn stated(element: &Element, compiler: &Compiler) -> Result<Quat<f64>, Error> {
    let ways: Vec<&str> =
        WAYS.into_iter().filter(|way| element.get(way).is_some_and(|text| !text.trim().is_empty())).collect();
    let [way] = ways[..] else {
        return Err(element.error(format!(
            "{} states its orientation {} times: {} (once is allowed)",
            element.label(),
            ways.len(),
            ways.join(", ")
        )));
    };
    let values = numbers(element, way)?.unwrap_or_default();
    let zero = |part: &str| {
        element.error(format!("the {part} of {} is zero (it must have a direction)", element.label()))
    };
    match (way, &values[..]) {
        ("quat", &[w, x, y, z]) => unit_quat([w, x, y, z]).ok_or_else(|| zero("quat")),
        ("axisangle", &[x, y, z, angle]) => {
            let axis = unit([x, y, z]).ok_or_else(|| zero("axisangle"))?;
            Ok(Quat::from_axis_angle(axis, angle * compiler.radians))
        }
        ("euler", &[a, b, c]) => Ok(euler([a, b, c], compiler)),
        ("xyaxes", &[a, b, c, d, e, f]) => {
            let x = unit([a, b, c]).ok_or_else(|| zero("x axis"))?;
            let y = Vec3::new(d, e, f);
            let y = unit((y - x * x.dot(y)).to_array()).ok_or_else(|| zero("y axis across the x axis"))?;
            Ok(from_axes(x, y))
        }
        ("zaxis", &[x, y, z]) => Ok(rotation_z_to(unit([x, y, z]).ok_or_else(|| zero("zaxis"))?)),
        _ => {
            let wanted = [("quat", 4), ("axisangle", 4), ("euler", 3), ("xyaxes", 6), ("zaxis", 3)];
            let count = wanted.iter().find(|(name, _)| *name == way).map_or(0, |(_, count)| *count);
            super::layers::counted(element, way, values.len(), count, count)?;
            Ok(Quat::identity())
        }
    }
}

/// The rotation of three angles in the sequence of the compiler.
///
/// A lower-case letter turns about the moving axis, an upper-case one about the fixed axis.
pub(super) fn euler(angles: [f64; 3], compiler: &Compiler) -> Quat<f64> {
    let mut result = Quat::identity();
    for (angle, letter) in angles.into_iter().zip(compiler.euler) {
        let axis = match letter.to_ascii_lowercase() {
            'x' => 0,
            'y' => 1,
            _ => 2,
        };
        let turn = Quat::from_axis_angle(Vec3::unit(axis), angle * compiler.radians);
        result = if letter.is_ascii_lowercase() { result * turn } else { turn * result };
    }
    result.normalized()
}

pub(super) fn unit(v: [f64; 3]) -> Option<Vec3<f64>> {
    // Scaled first, so that a tiny vector keeps all its digits.
    let largest = v.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    let length = largest * v.iter().map(|x| (x / largest.max(TINY)).powi(2)).sum::<f64>().sqrt();
    (length >= TINY).then(|| Vec3::from(v) * (1.0 / length))
}

pub(super) fn unit_quat(q: [f64; 4]) -> Option<Quat<f64>> {
    let length = q.iter().map(|x| x * x).sum::<f64>().sqrt();
    (length >= TINY).then(|| Quat::from(q.map(|x| x / length)))
}

/// The rotation whose first two columns are the unit vectors `x` and `y`, orthogonal to each other.
fn from_axes(x: Vec3<f64>, y: Vec3<f64>) -> Quat<f64> {
    let matrix: nalgebra::Matrix3<f64> = Mat3::from_columns(x, y, x.cross(y)).into();
    let rotation = nalgebra::Rotation3::from_matrix_unchecked(matrix);
    Quat::from(nalgebra::UnitQuaternion::from_rotation_matrix(&rotation)).normalized()
}
