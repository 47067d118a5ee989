//! Free bodies whose frame is moved to their inertial frame.

use super::Reader;
use super::layers::Layers;
use super::weight::body_bulk;
use super::xml::Element;
use crate::error::Error;
use crate::model::description::{Extent, Inertial, JointKind, Placement};
use crate::spatial::Pose;

/// Moves the frames of the free bodies that ask for it and have no children.
pub(super) fn align_free_bodies(reader: &mut Reader) -> Result<(), Error> {
    for joint in 0..reader.out.joints.len() {
        let number = reader.out.joints[joint].body;
        let childless = reader.out.bodies.iter().skip(1).all(|b| b.parent != number);
        if reader.out.joints[joint].kind == JointKind::Free && childless && reader.aligned[joint] {
            align(reader, number);
        }
    }
    Ok(())
}

/// Whether a `freejoint` asks for alignment, or the compiler for it.
pub(super) fn asked(reader: &Reader, element: &Element) -> Result<bool, Error> {
    let words = [("true", true), ("false", false), ("auto", reader.compiler.align_free)];
    Layers::new(&[], element).keyword("align", &words, reader.compiler.align_free)
}

fn align(reader: &mut Reader, number: usize) {
    let Some(bulk) = body_bulk(&reader.out, number) else { return };
    let back = bulk.pose.inverse();
    let moved = |frame: Option<Pose<f64>>| Some(frame.map_or(back, |frame| back * frame));
    let out = &mut reader.out;
    let place = &mut out.bodies[number].placement;
    let pose = place.pose() * bulk.pose;
    *place = Placement {
        frame: None,
        position: pose.position.to_array(),
        rotation: pose.rotation.normalized().to_array(),
    };
    let inertial = &mut out.bodies[number].inertial;
    if !matches!(inertial, Inertial::FromGeoms) {
        let placement = Placement::default();
        *inertial = Inertial::Diagonal { mass: bulk.mass, placement, moments: bulk.moments };
    }
    let geoms = out.geoms.iter_mut().filter(|g| g.body == number).map(|g| &mut g.extent);
    let sites = out.sites.iter_mut().filter(|s| s.body == number).map(|s| &mut s.extent);
    for extent in geoms.chain(sites) {
        match extent {
            Extent::Pose(placement) => placement.frame = moved(placement.frame),
            Extent::FromTo { frame, .. } => *frame = moved(*frame),
        }
    }
}
