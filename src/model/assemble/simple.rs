//! Bodies that only slide.

use super::super::description::{Description, Inertial, JointKind, PathPoint, TendonPath, Transmission};
use super::super::parameter::Listing;
use super::constraint::Relevance;
use super::geom::geoms;
use super::in_frame;
use super::inertia::body;
use crate::spatial::{Pose, Quat, Vec3};

/// Whether a body is "simple" with slides only: for it the inverse weight is one over its mass.
pub(super) fn slides_alone(d: &Description, b: usize) -> bool {
    let body = &d.bodies[b];
    let mut joints = d.joints.iter().filter(|j| j.body == b).peekable();
    let one_entry = |axis: [f64; 3]| axis.iter().filter(|x| x.abs() > 1e-14).count() == 1;
    joints.peek().is_some()
        && joints.all(|j| {
            j.kind == JointKind::Slide
                && j.position.iter().all(|x| *x == 0.0)
                && j.frame.is_none()
                && one_entry(j.axis)
        })
        && !d.bodies.iter().skip(1).any(|child| child.parent == b)
        && (body.parent == 0
            || (d.bodies[body.parent].parent == 0 && !d.joints.iter().any(|j| j.body == body.parent)))
        && centred(d, b)
        && !touched_by_heavy_tendon(d, b)
}

/// Whether a tendon with armature runs over a body.
fn touched_by_heavy_tendon(d: &Description, b: usize) -> bool {
    d.tendons.iter().enumerate().any(|(t, tendon)| {
        let heavy = tendon.armature != 0.0
            || d.actuators.iter().any(|a| a.armature != 0.0 && a.transmission == Transmission::Tendon(t));
        heavy
            && match &tendon.path {
                TendonPath::Fixed(terms) => terms.iter().any(|&(j, _)| d.joints[j].body == b),
                TendonPath::Spatial(points) => {
                    points.iter().any(|p| matches!(p, PathPoint::Site(s) if d.sites[*s].body == b))
                }
            }
    })
}

/// Whether the inertial frame of a body is its own frame. The principal axes of a tensor are sorted by
/// descending moments; a single geom and stated moments keep the axes of the file, even those that are turned
/// by half a turn.
fn centred(d: &Description, b: usize) -> bool {
    let none = vec![Relevance::default(); d.geoms.len()];
    let (_, pieces) = geoms::<f64, _>(d, &none, &mut Listing::default());
    let body = body::<f64, _>(d, b, &pieces, &mut Listing::default());
    let mut own = pieces.iter().filter(|p| p.body == b);
    let frame = match (&d.bodies[b].inertial, own.next(), own.next()) {
        (Inertial::Diagonal { placement: p, .. }, ..) => {
            let stated = Pose { position: Vec3::zero(), rotation: Quat::from(p.rotation) };
            Some(in_frame(&p.frame, stated).rotation)
        }
        (Inertial::FromGeoms, Some(only), None) => Some(only.rotation),
        _ => None,
    };
    let i = body.inertia;
    let small = |x: f64, scale: f64| x.abs() <= 1e-6 * scale;
    let size = i.xx.max(i.yy).max(i.zz);
    let sorted = i.xx - i.yy >= -1e-6 * size && i.yy - i.zz >= -1e-6 * size;
    let diagonal = [i.xy, i.xz, i.yz].iter().all(|x| small(*x, size));
    body.center.to_array().iter().all(|x| small(*x, 1.0))
        && frame.map_or(sorted && diagonal, |q| small(1.0 - q.w.abs(), 1.0))
}
