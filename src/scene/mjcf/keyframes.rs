//! Keyframes, with what the file leaves out filled in.

use super::Reader;
use super::layers::{Layers, numbers};
use super::names::Kind;
use super::orientation::unit_quat;
use super::xml::{Element, section};
use crate::error::Error;
use crate::model::description::{JointKind, Keyframe, Severity};
use crate::spatial::{Pose, Quat, Vec3};

pub(super) fn read(reader: &mut Reader) -> Result<(), Error> {
    let root = reader.root;
    for element in section(root, "keyframe") {
        // What is left out may have had entries of its own, so the vectors cannot be understood.
        if reader.names.incomplete || reader.footprints.iter().any(|p| !p.certain) {
            let why = "parts of the model are left out: the keyframe is left out too";
            reader.remark(Severity::Constraint, element, element.label(), why);
            continue;
        }
        let keyframe = keyframe(reader, element)?;
        let number = reader.out.keyframes.len();
        reader.names.add(Kind::Keyframe, keyframe.name.clone(), number, element)?;
        reader.out.keyframes.push(keyframe);
    }
    Ok(())
}

fn keyframe(reader: &Reader, element: &Element) -> Result<Keyframe, Error> {
    let mut qpos = filled(element, "qpos", initial_configuration(reader))?;
    normalize(reader, &mut qpos);
    let velocities = reader.out.joints.iter().map(|j| j.kind.sizes().1).sum();
    let prints = &reader.footprints;
    Ok(Keyframe {
        name: element.name(),
        time: Layers::new(&[], element).number("time", 0.0)?,
        qpos,
        qvel: filled(element, "qvel", vec![0.0; velocities])?,
        act: of_kept(element, "act", &mut prints.iter().map(|p| (p.activations, p.kept)))?,
        ctrl: of_kept(element, "ctrl", &mut prints.iter().map(|p| (p.controls, p.kept)))?,
        mocap: mocap(reader, element)?,
    })
}

/// The numbers of an attribute, and for those that are missing at its end the default.
fn filled(element: &Element, name: &str, mut default: Vec<f64>) -> Result<Vec<f64>, Error> {
    let values = numbers(element, name)?.unwrap_or_default();
    if values.len() > default.len() {
        return Err(element.error(format!(
            "the {name} of {} has {} numbers (the model has {})",
            element.label(),
            values.len(),
            default.len()
        )));
    }
    default[..values.len()].copy_from_slice(&values);
    Ok(default)
}

/// The entries of the actuators that were kept.
fn of_kept(
    element: &Element,
    name: &str,
    sizes: &mut dyn Iterator<Item = (usize, bool)>,
) -> Result<Vec<f64>, Error> {
    let kept: Vec<bool> = sizes.flat_map(|(size, kept)| std::iter::repeat_n(kept, size)).collect();
    let all = filled(element, name, vec![0.0; kept.len()])?;
    Ok(all.into_iter().zip(kept).filter_map(|(value, kept)| kept.then_some(value)).collect())
}

fn initial_configuration(reader: &Reader) -> Vec<f64> {
    let mut result = Vec::new();
    for joint in &reader.out.joints {
        match joint.kind {
            JointKind::Free => {
                let pose = reader.out.bodies[joint.body].placement.pose();
                result.extend(pose.position.to_array());
                result.extend(pose.rotation.to_array());
            }
            JointKind::Ball => result.extend([1.0, 0.0, 0.0, 0.0]),
            JointKind::Slide | JointKind::Hinge => result.push(joint.reference),
        }
    }
    result
}

/// Makes the quaternions of a configuration unit ones; a zero one becomes no turn.
fn normalize(reader: &Reader, qpos: &mut [f64]) {
    let mut start = 0;
    for joint in &reader.out.joints {
        let size = joint.kind.sizes().0;
        if size >= 4 {
            let quat = &mut qpos[start + size - 4..start + size];
            let q = [quat[0], quat[1], quat[2], quat[3]];
            quat.copy_from_slice(&unit_quat(q).unwrap_or(Quat::identity()).to_array());
        }
        start += size;
    }
}

fn mocap(reader: &Reader, element: &Element) -> Result<Vec<Pose<f64>>, Error> {
    let poses: Vec<Pose<f64>> =
        reader.out.bodies.iter().filter(|b| b.mocap).map(|b| b.placement.pose()).collect();
    let positions = poses.iter().flat_map(|p| p.position.to_array()).collect();
    let rotations = poses.iter().flat_map(|p| p.rotation.to_array()).collect();
    let positions = filled(element, "mpos", positions)?;
    let rotations = filled(element, "mquat", rotations)?;
    let pose = |(p, q): (&[f64], &[f64])| Pose {
        position: Vec3::new(p[0], p[1], p[2]),
        rotation: unit_quat([q[0], q[1], q[2], q[3]]).unwrap_or(Quat::identity()),
    };
    Ok(positions.chunks_exact(3).zip(rotations.chunks_exact(4)).map(pose).collect())
}
