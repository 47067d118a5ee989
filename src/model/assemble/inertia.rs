//! Bodies: where they hang, and the inertia that is stated or collected from geoms.

use super::super::description::{self as file, Description, Inertial};
use super::super::parameter::Source;
use super::super::tree::{Body, FluidBox};
use super::geom::Piece;
use super::{ANY, NOT_NEGATIVE, Reader, in_frame};
use crate::number::Real;
use crate::spatial::{Inertia, Mat3, Pose, Quat, Sym3, Vec3, symmetric_eigen};

pub(super) fn body<R: Real, S: Source<R>>(
    d: &Description,
    b: usize,
    pieces: &[Piece<R>],
    source: &mut S,
) -> Body<R> {
    let file = &d.bodies[b];
    let mut read = Reader { source, kind: "body", element: Some((&file.name, b)) };
    let mut body = Body {
        position: Vec3::zero(),
        rotation: Quat::identity(),
        mass: R::zero(),
        center: Vec3::zero(),
        inertia: Sym3::zero(),
        gravcomp: R::zero(),
        fluid: None,
    };
    if b == 0 {
        return body;
    }
    let pose = read.pose("pos", "rotation", &file.placement);
    (body.position, body.rotation) = (pose.position, pose.rotation);
    if file.gravcomp != 0.0 {
        body.gravcomp = read.number("gravcomp", "–", ANY, file.gravcomp);
    }
    let frame = match &file.inertial {
        Inertial::FromGeoms => {
            // A body that nothing weighs has its centre, to no consequence but for lower bounds and inverse
            // weights, where MuJoCo puts it.
            let weightless = !pieces.iter().any(|p| p.body == b);
            body.center = if weightless { body.position } else { body.center };
            collect(&mut body, pieces.iter().filter(|p| p.body == b))
        }
        Inertial::Diagonal { mass, placement, moments } => {
            body.mass = read.number("mass", "kg", NOT_NEGATIVE, *mass);
            let pose = read.pose("ipos", "irotation", placement);
            let moments = Vec3::from(read.array("diaginertia", "kg m²", NOT_NEGATIVE, *moments));
            body.center = pose.position;
            body.inertia = Sym3::congruence(pose.rotation.to_matrix(), moments);
            Some((pose.rotation, moments))
        }
        Inertial::Full { mass, placement, tensor } => {
            body.mass = read.number("mass", "kg", NOT_NEGATIVE, *mass);
            let position = Vec3::from(read.array("ipos", "m", ANY, placement.position));
            let tensor = Sym3::from(read.array("fullinertia", "kg m²", ANY, *tensor));
            let own = Pose { position, rotation: Quat::from_f64(placement.rotation) };
            let pose = in_frame(&placement.frame, own);
            body.center = pose.position;
            body.inertia = tensor.rotated(pose.rotation.to_matrix());
            None
        }
        Inertial::LogCholesky(factor) => {
            log_cholesky(&mut body, read.array("inertial", "–", ANY, *factor));
            None
        }
    };
    bound(&mut body, frame, &d.rule);
    if d.option.density > 0.0 || d.option.viscosity > 0.0 {
        body.fluid = fluid_box(&body, frame);
    }
    body
}

/// Adds the geoms of a body. A single one keeps its frame and unsorted moments.
fn collect<'p, R: Real + 'p>(
    body: &mut Body<R>,
    pieces: impl Iterator<Item = &'p Piece<R>> + Clone,
) -> Option<(Quat<R>, Vec3<R>)> {
    let mut sum = Inertia::zero();
    for p in pieces.clone() {
        let central = Sym3::congruence(p.rotation.to_matrix(), p.moments);
        sum += Inertia::about(p.mass, p.center, central);
    }
    let mut all = pieces.clone();
    match (all.next(), all.next()) {
        (None, _) => None,
        (Some(p), None) => {
            (body.mass, body.center) = (p.mass, p.center);
            body.inertia = Sym3::congruence(p.rotation.to_matrix(), p.moments);
            Some((p.rotation, p.moments))
        }
        _ => {
            body.mass = sum.mass;
            body.center = sum.first * sum.mass.recip();
            // Sum about the centre, not about the origin: no cancellation for distant geoms.
            for p in pieces {
                let central = Sym3::congruence(p.rotation.to_matrix(), p.moments);
                body.inertia += Inertia::about(p.mass, p.center - body.center, central).second;
            }
            None
        }
    }
}

/// The body of `e^α [[e^d₁ s₁₂ s₁₃ t₁] [0 e^d₂ s₂₃ t₂] [0 0 e^d₃ t₃] [0 0 0 1]]`, the factor `U` of
/// the pseudo-inertia `U Uᵀ`; `factor = (α, d, s₁₂, s₂₃, s₁₃, t)` (Rucker and Wensing 2022, eq. 9).
fn log_cholesky<R: Real>(body: &mut Body<R>, factor: [R; 10]) {
    let [alpha, d1, d2, d3, s12, s23, s13, t1, t2, t3] = factor;
    let scale = alpha.times(2.0).exp();
    let o = R::zero();
    let u = Mat3::from_columns(
        Vec3::new(d1.exp(), o, o),
        Vec3::new(s12, d2.exp(), o),
        Vec3::new(s13, s23, d3.exp()),
    );
    // The central second moments are m U₃ U₃ᵀ, since the column t carries the centre alone.
    let moments = u * u.transpose();
    let trace = moments.get(0, 0) + moments.get(1, 1) + moments.get(2, 2);
    let inertia = Mat3::identity().scale(trace) - moments;
    body.mass = scale;
    body.center = Vec3::new(t1, t2, t3);
    let e = |i, j| inertia.get(i, j) * scale;
    body.inertia = Sym3::from([e(0, 0), e(1, 1), e(2, 2), e(0, 1), e(0, 2), e(1, 2)]);
}

/// The inverse of [`log_cholesky`] in plain numbers, for a body with positive mass and moments.
pub fn log_cholesky_of(body: &Body<f64>) -> [f64; 10] {
    let inertia: nalgebra::Matrix3<f64> = body.inertia.to_mat3().into();
    let moments = (nalgebra::Matrix3::identity() * (0.5 * inertia.trace()) - inertia) / body.mass;
    // An upper factor from the lower one of the matrix with reversed axes.
    let flip = nalgebra::Matrix3::new(0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0);
    let floor = nalgebra::Matrix3::identity() * (1e-9 * moments.trace());
    let lower = (flip * moments * flip)
        .cholesky()
        .or_else(|| (flip * (moments + floor) * flip).cholesky())
        .map_or(nalgebra::Matrix3::identity(), |c| c.l());
    let u = flip * lower * flip;
    let c = body.center;
    let alpha = 0.5 * body.mass.ln();
    [alpha, u[(0, 0)].ln(), u[(1, 1)].ln(), u[(2, 2)].ln(), u[(0, 1)], u[(1, 2)], u[(0, 2)], c.x, c.y, c.z]
}

/// Lower bounds of mass and inertia, and balance of impossible moments; whether they act is decided
/// in plain numbers, and where they act the number of the file has no influence.
fn bound<R: Real>(body: &mut Body<R>, frame: Option<(Quat<R>, Vec3<R>)>, rule: &file::InertiaRule) {
    body.mass = body.mass.max(R::from_f64(rule.bound_mass));
    if rule.bound_inertia <= 0.0 && !rule.balance {
        return;
    }
    let (rotation, mut moments) = match frame {
        Some(frame) => frame,
        None => {
            let (moments, rotation) = symmetric_eigen(body.inertia);
            (rotation, moments)
        }
    };
    let floor = R::from_f64(rule.bound_inertia);
    moments = moments.map(|i| i.max(floor));
    let Vec3 { x, y, z } = moments.map(R::first);
    if rule.balance && (x + y < z || x + z < y || y + z < x) {
        let mean = (moments.x + moments.y + moments.z).times(1.0 / 3.0);
        moments = Vec3::new(mean, mean, mean);
    }
    body.inertia = Sym3::congruence(rotation.to_matrix(), moments);
}

fn fluid_box<R: Real>(body: &Body<R>, frame: Option<(Quat<R>, Vec3<R>)>) -> Option<FluidBox<R>> {
    if body.mass.first() <= 0.0 {
        return None;
    }
    let (rotation, i) = match frame {
        Some(frame) => frame,
        None => {
            let (moments, rotation) = symmetric_eigen(body.inertia);
            (rotation, moments)
        }
    };
    let edge = |a: R, b: R, c: R| (((a + b - c).max(R::from_f64(1e-15))).times(6.0) / body.mass).sqrt();
    Some(FluidBox {
        edges: Vec3::new(edge(i.y, i.z, i.x), edge(i.x, i.z, i.y), edge(i.x, i.y, i.z)),
        rotation,
    })
}

pub(super) fn scale_to_total_mass<R: Real>(d: &Description, bodies: &mut [Body<R>]) {
    let Some(total) = d.rule.total_mass else { return };
    let sum = bodies.iter().fold(R::zero(), |sum, b| sum + b.mass);
    let factor = R::from_f64(total) / sum;
    for body in bodies {
        body.mass *= factor;
        body.inertia = body.inertia.scale(factor);
    }
}
