//! From the numbers of a file to the numbers of a model.
//!
//! Written once over the number, so that the derivative of every compiled number by every number of
//! the file is to be had. What depends on the inertia at the reference configuration
//! (`springdamper`, `dampratio`) is completed by `physics::derive`.

mod actuator;
mod constraint;
mod geom;
mod inertia;
mod particle;
mod simple;
mod topology;

use std::sync::Arc;

use super::constraint::Constants;
use super::description::{self as file, Description, Extent, JointKind, Placement};
use super::parameter::{Source, Stated};
use super::tree::{Body, Joint, Model, Options, Site, Tendon, Topology};
use crate::number::Real;
use crate::spatial::{Pose, Quat, Vec3, rotation_z_to};
use actuator::actuator;
use constraint::{equality, friction_loss, joint_limit, overriding, pair, relevance, tendon_limit};
use geom::geoms;
pub(crate) use geom::{shell, solid};
pub use inertia::log_cholesky_of;
use inertia::{body, scale_to_total_mass};
use particle::particles;
use topology::topology;

/// Reads the numbers of one element from the source.
struct Reader<'a, 's, S> {
    source: &'s mut S,
    kind: &'static str,
    element: Option<(&'a Option<String>, usize)>,
}

const ANY: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);
const NOT_NEGATIVE: (f64, f64) = (0.0, f64::INFINITY);
const POSITIVE: (f64, f64) = (1e-9, f64::INFINITY);

impl<S> Reader<'_, '_, S> {
    fn entry<R>(
        &mut self,
        field: &'static str,
        index: Option<usize>,
        unit: &'static str,
        bounds: (f64, f64),
        value: f64,
    ) -> R
    where
        S: Source<R>,
    {
        let (lower, upper) = bounds;
        self.source.number(Stated {
            kind: self.kind,
            element: self.element,
            field,
            index,
            unit,
            lower,
            upper,
            value,
        })
    }
    fn number<R>(&mut self, field: &'static str, unit: &'static str, bounds: (f64, f64), value: f64) -> R
    where
        S: Source<R>,
    {
        self.entry(field, None, unit, bounds, value)
    }
    fn array<R, const N: usize>(
        &mut self,
        field: &'static str,
        unit: &'static str,
        bounds: (f64, f64),
        value: [f64; N],
    ) -> [R; N]
    where
        S: Source<R>,
    {
        let mut k = 0;
        value.map(|value| {
            k += 1;
            self.entry(field, Some(k - 1), unit, bounds, value)
        })
    }
    fn range<R: Real>(
        &mut self,
        field: &'static str,
        unit: &'static str,
        value: Option<[f64; 2]>,
    ) -> Option<[R; 2]>
    where
        S: Source<R>,
    {
        value.map(|value| self.array(field, unit, ANY, value))
    }
    /// A pose: three lengths, and three angles of a small turn after the stated orientation.
    fn pose<R: Real>(&mut self, position: &'static str, rotation: &'static str, p: &Placement) -> Pose<R>
    where
        S: Source<R>,
    {
        let at = Vec3::from(self.array(position, "m", ANY, p.position));
        let turn = Vec3::from(self.array(rotation, "rad", ANY, [0.0; 3]));
        in_frame(&p.frame, Pose { position: at, rotation: Quat::from_f64(p.rotation) * Quat::exp(turn) })
    }
    /// The pose of a geom or site, and the half-length that two points state.
    fn extent<R: Real>(&mut self, extent: &Extent) -> (Pose<R>, Option<R>)
    where
        S: Source<R>,
    {
        match extent {
            Extent::Pose(p) => (self.pose("pos", "rotation", p), None),
            Extent::FromTo { frame, ends } => {
                let [a, b, c, d, e, f] = self.array("fromto", "m", ANY, *ends);
                let (from, to) = (Vec3::new(a, b, c), Vec3::new(d, e, f));
                let half = |v: Vec3<R>| v * R::from_f64(0.5);
                let pose = Pose { position: half(from + to), rotation: rotation_z_to(from - to) };
                (in_frame(frame, pose), Some((from - to).norm().times(0.5)))
            }
        }
    }
}

fn in_frame<R: Real>(frame: &Option<Pose<f64>>, pose: Pose<R>) -> Pose<R> {
    frame.map_or(pose, |f| f.map(R::from_f64) * pose)
}

/// Compiles a description into a model over `R`, reading every number from `source`.
pub fn assemble<R: Real, S: Source<R>>(d: &Description, source: &mut S) -> Model<R> {
    let topology = Arc::new(topology(d));
    let t: &Topology = &topology;
    let option = options(d, t, source);
    let (geoms, weights) = geoms(d, &relevance(t), source);
    let mut bodies: Vec<Body<R>> =
        d.bodies.iter().enumerate().map(|(b, _)| body(d, b, &weights, source)).collect();
    scale_to_total_mass(d, &mut bodies);
    let flags = &d.option.flags;
    let mut joints: Vec<Joint<R>> =
        d.joints.iter().enumerate().map(|(k, j)| joint(k, j, flags, source)).collect();
    let sites: Vec<Site<R>> = d.sites.iter().enumerate().map(|(k, s)| site(k, s, source)).collect();
    let mut tendons: Vec<Tendon<R>> =
        d.tendons.iter().enumerate().map(|(k, t)| tendon(k, t, flags, source)).collect();
    let actuators =
        (0..d.actuators.len()).map(|k| actuator(d, k, &mut joints, &mut tendons, source)).collect();
    let c = &d.constraints;
    let equalities =
        c.equalities.iter().enumerate().map(|(k, e)| equality(t, k, e, &sites, source)).collect();
    let pairs = c.pairs.iter().enumerate().map(|(k, p)| pair(t, k, p, source)).collect();
    let constants = Constants::zero(t);
    let particles = particles(d, source);
    Model {
        option,
        bodies,
        joints,
        sites,
        geoms,
        tendons,
        actuators,
        equalities,
        pairs,
        constants,
        particles,
        topology,
        queue: Vec::new(),
    }
}

fn options<R: Real, S: Source<R>>(d: &Description, t: &Topology, source: &mut S) -> Options<R> {
    let mut read = Reader { source, kind: "option", element: None };
    let o = &d.option;
    let medium = o.density > 0.0 || o.viscosity > 0.0;
    let timestep = read.number("timestep", "s", POSITIVE, o.timestep);
    let gravity = Vec3::from(read.array("gravity", "m/s²", ANY, o.gravity));
    let mut wind = Vec3::zero();
    let (mut density, mut viscosity) = (R::zero(), R::zero());
    if medium {
        wind = Vec3::from(read.array("wind", "m/s", ANY, o.wind));
        density = read.number("density", "kg/m³", NOT_NEGATIVE, o.density);
        viscosity = read.number("viscosity", "Pa s", NOT_NEGATIVE, o.viscosity);
    }
    let mut impratio = R::from_f64(o.impratio);
    if t.candidates.as_ref().is_none_or(|c| c.iter().any(|c| c.condim > 1)) {
        impratio = read.number("impratio", "–", POSITIVE, o.impratio);
    }
    Options {
        timestep,
        gravity: if o.flags.gravity { gravity } else { Vec3::zero() },
        wind,
        density,
        viscosity,
        impratio,
        overriding: overriding(&mut read, t, o),
    }
}

fn joint<R: Real, S: Source<R>>(k: usize, j: &file::Joint, flags: &file::Flags, source: &mut S) -> Joint<R> {
    let mut read = Reader { source, kind: "joint", element: Some((&j.name, k)) };
    let scalar = matches!(j.kind, JointKind::Slide | JointKind::Hinge);
    let (length, rate, force) = match j.kind {
        JointKind::Slide => ("N/m", "N s/m", "N"),
        _ => ("N m/rad", "N m s/rad", "N m"),
    };
    let frame = j.frame.map(|f| f.map(R::from_f64));
    let mut axis = Vec3::from_f64([0.0, 0.0, 1.0]);
    if scalar {
        axis = Vec3::from(read.array("axis", "–", ANY, j.axis));
        axis = frame.map_or(axis, |f| f.rotation.rotate(axis));
        axis = axis * axis.norm().recip();
    }
    let mut anchor = Vec3::zero();
    if matches!(j.kind, JointKind::Ball | JointKind::Hinge) {
        anchor = Vec3::from(read.array("pos", "m", ANY, j.position));
        anchor = frame.map_or(anchor, |f| f.point(anchor));
    }
    let angle = if j.kind == JointKind::Slide { "m" } else { "rad" };
    let (mut reference, mut spring_reference) = (R::zero(), R::zero());
    if scalar {
        reference = read.number("ref", angle, ANY, j.reference);
        spring_reference = read.number("springref", angle, ANY, j.spring_reference);
    }
    let springdamper = j.springdamper.map(|x| read.array("springdamper", "s, –", POSITIVE, x));
    let (mut stiffness, mut damping) = ([R::zero(); 3], [R::zero(); 3]);
    if springdamper.is_none() {
        // A spring in space that is absent is left out, not computed with a stiffness of zero.
        if scalar || j.stiffness != [0.0; 3] {
            stiffness = read.array("stiffness", length, ANY, j.stiffness);
        }
        damping = read.array("damping", rate, ANY, j.damping);
    }
    let armature = read.number("armature", "kg m²", NOT_NEGATIVE, j.armature);
    let force_range =
        if scalar { read.range("actuatorfrcrange", "N m", j.actuator_force_range) } else { None };
    Joint {
        axis,
        anchor,
        reference,
        spring_reference,
        stiffness,
        damping,
        armature,
        springdamper,
        force_range,
        limit: joint_limit(&mut read, flags, j),
        friction_loss: friction_loss(
            &mut read,
            flags,
            (j.frictionloss, force),
            (j.solref_friction, j.solimp_friction),
        ),
    }
}

fn site<R: Real, S: Source<R>>(k: usize, s: &file::Site, source: &mut S) -> Site<R> {
    let mut read = Reader { source, kind: "site", element: Some((&s.name, k)) };
    let (pose, _) = read.extent(&s.extent);
    Site { position: pose.position, rotation: pose.rotation }
}

fn tendon<R: Real, S: Source<R>>(
    k: usize,
    t: &file::Tendon,
    flags: &file::Flags,
    source: &mut S,
) -> Tendon<R> {
    let mut read = Reader { source, kind: "tendon", element: Some((&t.name, k)) };
    let weights = match &t.path {
        file::TendonPath::Fixed(terms) => {
            terms.iter().enumerate().map(|(i, &(_, c))| read.entry("coef", Some(i), "m", ANY, c)).collect()
        }
        file::TendonPath::Spatial(points) => {
            let divisors = points.iter().filter_map(|p| match p {
                file::PathPoint::Pulley(divisor) => Some(*divisor),
                file::PathPoint::Site(_) => None,
            });
            let read = |(i, c)| read.entry("divisor", Some(i), "–", POSITIVE, c);
            std::iter::once(R::one()).chain(divisors.enumerate().map(read)).collect()
        }
    };
    Tendon {
        weights,
        stiffness: read.array("stiffness", "N/m", ANY, t.stiffness),
        damping: read.array("damping", "N s/m", ANY, t.damping),
        // The length at the spring reference is completed by `physics::derive`.
        spring_length: match t.spring_length {
            Some(ends) => read.array("springlength", "m", ANY, ends),
            None => [R::from_f64(-1.0); 2],
        },
        armature: read.number("armature", "kg", NOT_NEGATIVE, t.armature),
        force_range: read.range("actuatorfrcrange", "N", t.actuator_force_range),
        limit: tendon_limit(&mut read, flags, t),
        friction_loss: friction_loss(
            &mut read,
            flags,
            (t.frictionloss, "N"),
            (t.solref_friction, t.solimp_friction),
        ),
    }
}
