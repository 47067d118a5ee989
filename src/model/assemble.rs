//! From the numbers of a file to the numbers of a model.
//!
//! Written once over the number, so that the derivative of every compiled number by every number of
//! the file is to be had. What depends on the inertia at the reference configuration
//! (`springdamper`, `dampratio`) is completed by `physics::derive`.

use std::sync::Arc;

use super::description::{
    self as file, Description, Extent, Inertial, JointKind, Law, Placement, Shape, Weight,
};
use super::parameter::{Listing, Source, Stated};
use super::tree::{Actuator, Body, FluidBox, Geom, Joint, Model, Names, Options, Site, Tendon, Topology};
use crate::number::{Mask, Real};
use crate::spatial::{Inertia, Mat3, Pose, Quat, Sym3, Vec3, rotation_z_to, symmetric_eigen};

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
    let option = options(d, source);
    let (geoms, weights) = geoms(d, source);
    let mut bodies: Vec<Body<R>> =
        d.bodies.iter().enumerate().map(|(b, _)| body(d, b, &weights, source)).collect();
    scale_to_total_mass(d, &mut bodies);
    let mut joints: Vec<Joint<R>> = d.joints.iter().enumerate().map(|(k, j)| joint(k, j, source)).collect();
    let sites = d.sites.iter().enumerate().map(|(k, s)| site(k, s, source)).collect();
    let mut tendons: Vec<Tendon<R>> =
        d.tendons.iter().enumerate().map(|(k, t)| tendon(k, t, source)).collect();
    let actuators =
        (0..d.actuators.len()).map(|k| actuator(d, k, &mut joints, &mut tendons, source)).collect();
    Model { topology, option, bodies, joints, sites, geoms, tendons, actuators, queue: Vec::new() }
}

fn options<R: Real, S: Source<R>>(d: &Description, source: &mut S) -> Options<R> {
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
    Options {
        timestep,
        gravity: if o.flags.gravity { gravity } else { Vec3::zero() },
        wind,
        density,
        viscosity,
    }
}

/// What a geom adds to its body: mass, centre, and central inertia in body axes.
struct Piece<R> {
    body: usize,
    mass: R,
    center: Vec3<R>,
    rotation: Quat<R>,
    moments: Vec3<R>,
}

fn geoms<R: Real, S: Source<R>>(d: &Description, source: &mut S) -> (Vec<Geom<R>>, Vec<Piece<R>>) {
    let mut pieces = Vec::new();
    let geoms = d.geoms.iter().enumerate().map(|(k, g)| {
        let counts = g.weighs && matches!(d.bodies[g.body].inertial, Inertial::FromGeoms) && g.body != 0;
        if !counts {
            return geom(&mut Reader { source: &mut Listing::default(), kind: "geom", element: None }, d, g);
        }
        let mut read = Reader { source: &mut *source, kind: "geom", element: Some((&g.name, k)) };
        let (geom, mass, moments) = weighed_geom(&mut read, d, g);
        // Geoms lighter than this do not count, as in MuJoCo.
        if mass.gt(R::from_f64(1e-14)).any() {
            pieces.push(Piece {
                body: g.body,
                mass,
                center: geom.position,
                rotation: geom.rotation,
                moments,
            });
        }
        geom
    });
    let geoms = geoms.collect();
    (geoms, pieces)
}

/// The compiled shape of a geom.
fn geom<R: Real, S: Source<R>>(read: &mut Reader<'_, '_, S>, d: &Description, g: &file::Geom) -> Geom<R> {
    let (mut pose, half) = read.extent(&g.extent);
    let stated = match (g.shape, half.is_some()) {
        (Shape::Plane | Shape::Mesh(_), _) => 0,
        (Shape::Sphere, _) | (Shape::Capsule | Shape::Cylinder | Shape::Box | Shape::Ellipsoid, true) => 1,
        (Shape::Capsule | Shape::Cylinder, false) => 2,
        (Shape::Box | Shape::Ellipsoid, false) => 3,
    };
    let mut size = Vec3::<R>::from_f64(g.size).to_array();
    for (k, size) in size.iter_mut().enumerate().take(stated) {
        *size = read.entry("size", Some(k), "m", POSITIVE, g.size[k]);
    }
    match (g.shape, half) {
        (Shape::Capsule | Shape::Cylinder, Some(half)) => size[1] = half,
        (Shape::Box | Shape::Ellipsoid, Some(half)) => size = [size[0], size[0], half],
        _ => {}
    }
    if let Shape::Mesh(m) = g.shape {
        pose = pose * d.meshes[m].pose.map(R::from_f64);
    }
    Geom { position: pose.position, rotation: pose.rotation, size: Vec3::from(size) }
}

fn weighed_geom<R: Real, S: Source<R>>(
    read: &mut Reader<'_, '_, S>,
    d: &Description,
    g: &file::Geom,
) -> (Geom<R>, R, Vec3<R>) {
    let geom = geom(read, d, g);
    let (volume, per_mass) =
        if g.shell { shell(d, g.shape, geom.size) } else { solid(d, g.shape, geom.size) };
    let mass = match g.weight {
        Weight::Mass(mass) => read.number("mass", "kg", NOT_NEGATIVE, mass),
        Weight::Density(density) => volume * read.number("density", "kg/m³", NOT_NEGATIVE, density),
    };
    (geom, mass, per_mass * mass)
}

/// Volume, and principal moments for unit mass, of a solid shape.
pub(crate) fn solid<R: Real>(d: &Description, shape: Shape, size: Vec3<R>) -> (R, Vec3<R>) {
    use std::f64::consts::PI;
    let Vec3 { x, y, z } = size;
    let box_moments = |c: f64| {
        let (xx, yy, zz) = (x * x, y * y, z * z);
        Vec3::new((yy + zz).times(c), (xx + zz).times(c), (xx + yy).times(c))
    };
    match shape {
        Shape::Plane => (R::zero(), Vec3::zero()),
        Shape::Sphere => {
            let i = (x * x).times(0.4);
            ((x * x * x).times(4.0 * PI / 3.0), Vec3::new(i, i, i))
        }
        Shape::Box => ((x * y * z).times(8.0), box_moments(1.0 / 3.0)),
        Shape::Ellipsoid => ((x * y * z).times(4.0 * PI / 3.0), box_moments(0.2)),
        Shape::Cylinder => {
            let side = (x * x).times(0.25) + (y * y).times(1.0 / 3.0);
            ((x * x * y).times(2.0 * PI), Vec3::new(side, side, (x * x).times(0.5)))
        }
        Shape::Capsule => {
            let height = y.times(2.0);
            let (tube, ball) = ((x * x * height).times(PI), (x * x * x).times(4.0 * PI / 3.0));
            let volume = tube + ball;
            let (tube, ball) = (tube / volume, ball / volume);
            let side = tube * ((x * x).times(3.0) + height * height).times(1.0 / 12.0)
                + ball * ((x * x).times(0.4) + height * (x.times(3.0) + height.times(2.0)).times(0.125));
            (volume, Vec3::new(side, side, tube * (x * x).times(0.5) + ball * (x * x).times(0.4)))
        }
        Shape::Mesh(m) => {
            let mesh = &d.meshes[m];
            (R::from_f64(mesh.volume), Vec3::from_f64(mesh.moments.map(|i| i / mesh.volume)))
        }
    }
}

/// Area, and principal moments for unit mass, of the surface of a shape.
///
/// An ellipsoid's area is Thomsen's formula, and its moments are those of a layer by which all its
/// half-axes grow, as in MuJoCo; the others are exact.
pub(crate) fn shell<R: Real>(d: &Description, shape: Shape, size: Vec3<R>) -> (R, Vec3<R>) {
    use std::f64::consts::PI;
    let Vec3 { x, y, z } = size;
    match shape {
        Shape::Plane | Shape::Mesh(_) => solid(d, shape, size),
        Shape::Sphere => {
            let i = (x * x).times(2.0 / 3.0);
            ((x * x).times(4.0 * PI), Vec3::new(i, i, i))
        }
        Shape::Box => {
            let faces = Vec3::new(y * z, x * z, x * y);
            let sum = faces.x + faces.y + faces.z;
            let share = faces * sum.recip();
            let (xx, yy, zz) = (x * x, y * y, z * z);
            // The second moment along an axis: a face across it is at full distance.
            let along = |own: R, share: R| own * (share + (R::one() - share).times(1.0 / 3.0));
            let (a, b, c) = (along(xx, share.x), along(yy, share.y), along(zz, share.z));
            (sum.times(8.0), Vec3::new(b + c, a + c, a + b))
        }
        Shape::Ellipsoid => {
            const P: f64 = 1.6075;
            let power = |a: R| a.pow(R::from_f64(P));
            let mean = (power(x * y) + power(x * z) + power(y * z)).times(1.0 / 3.0);
            // MuJoCo's layer is a thousandth of a millimetre thick: seen in the sixth digit.
            let layer = R::from_f64(1e-6);
            let grown = (x + layer) * (y + layer) * (z + layer);
            let grow = grown / (x * y + y * z + z * x + (x + y + z + layer) * layer);
            let moment = |a: R, b: R| (a * a + b * b + (a + b + layer) * grow.times(2.0)).times(0.2);
            (
                mean.pow(R::from_f64(1.0 / P)).times(4.0 * PI),
                Vec3::new(moment(y, z), moment(x, z), moment(x, y)),
            )
        }
        Shape::Cylinder | Shape::Capsule => {
            let side = (x * y).times(4.0 * PI);
            let (ends, across, axial) = if shape == Shape::Cylinder {
                ((x * x).times(2.0 * PI), (x * x).times(0.25) + y * y, (x * x).times(0.5))
            } else {
                let far = y + x.times(0.5);
                ((x * x).times(4.0 * PI), (x * x).times(5.0 / 12.0) + far * far, (x * x).times(2.0 / 3.0))
            };
            let area = side + ends;
            let (side, ends) = (side / area, ends / area);
            let tube = (x * x).times(0.5) + (y * y).times(1.0 / 3.0);
            let i = side * tube + ends * across;
            (area, Vec3::new(i, i, side * (x * x) + ends * axial))
        }
    }
}

fn body<R: Real, S: Source<R>>(d: &Description, b: usize, pieces: &[Piece<R>], source: &mut S) -> Body<R> {
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
            // A body without geoms has its centre, to no consequence but for a lower bound of mass, where
            // MuJoCo puts it.
            body.center = if d.geoms.iter().any(|g| g.body == b) { body.center } else { body.position };
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

fn scale_to_total_mass<R: Real>(d: &Description, bodies: &mut [Body<R>]) {
    let Some(total) = d.rule.total_mass else { return };
    let sum = bodies.iter().fold(R::zero(), |sum, b| sum + b.mass);
    let factor = R::from_f64(total) / sum;
    for body in bodies {
        body.mass = body.mass * factor;
        body.inertia = body.inertia.scale(factor);
    }
}

fn joint<R: Real, S: Source<R>>(k: usize, j: &file::Joint, source: &mut S) -> Joint<R> {
    let mut read = Reader { source, kind: "joint", element: Some((&j.name, k)) };
    let scalar = matches!(j.kind, JointKind::Slide | JointKind::Hinge);
    let (length, rate) = match j.kind {
        JointKind::Slide => ("N/m", "N s/m"),
        _ => ("N m/rad", "N m s/rad"),
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
    }
}

fn site<R: Real, S: Source<R>>(k: usize, s: &file::Site, source: &mut S) -> Site<R> {
    let mut read = Reader { source, kind: "site", element: Some((&s.name, k)) };
    let (pose, _) = read.extent(&s.extent);
    Site { position: pose.position, rotation: pose.rotation }
}

fn tendon<R: Real, S: Source<R>>(k: usize, t: &file::Tendon, source: &mut S) -> Tendon<R> {
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
    }
}

fn actuator<R: Real, S: Source<R>>(
    d: &Description,
    k: usize,
    joints: &mut [Joint<R>],
    tendons: &mut [Tendon<R>],
    source: &mut S,
) -> Actuator<R> {
    let a = &d.actuators[k];
    let mut read = Reader { source, kind: "actuator", element: Some((&a.name, k)) };
    let gears = match a.transmission {
        file::Transmission::Tendon(_) => 1,
        file::Transmission::Site { .. } => 6,
        file::Transmission::Joint(j) | file::Transmission::JointInParent(j) => d.joints[j].kind.sizes().1,
    };
    let mut gear = a.gear.map(R::from_f64);
    for (i, gear) in gear.iter_mut().enumerate().take(gears) {
        *gear = read.entry("gear", Some(i), "–", ANY, a.gear[i]);
    }
    let (gain, bias, damping_ratio) = law(&mut read, &a.law);
    let own_damping: [R; 3] = read.array("damping", "N s/m", ANY, a.damping);
    let own_armature = read.number("armature", "kg", NOT_NEGATIVE, a.armature);
    let square = gear[0] * gear[0];
    let (damping, armature) = match a.transmission {
        file::Transmission::Joint(j) | file::Transmission::JointInParent(j) => {
            (Some(&mut joints[j].damping), Some(&mut joints[j].armature))
        }
        file::Transmission::Tendon(t) => (Some(&mut tendons[t].damping), Some(&mut tendons[t].armature)),
        file::Transmission::Site { .. } => (None, None),
    };
    for (sum, own) in damping.into_iter().flatten().zip(own_damping) {
        *sum += square * own;
    }
    if let Some(sum) = armature {
        *sum += square * own_armature;
    }
    let time_constant = match a.dynamics {
        file::Dynamics::Filter | file::Dynamics::FilterExact => {
            read.number("timeconst", "s", POSITIVE, a.time_constant)
        }
        _ => R::from_f64(a.time_constant),
    };
    Actuator {
        gear,
        gain,
        bias,
        damping_ratio,
        time_constant,
        ctrl_range: read.range("ctrlrange", "–", a.ctrl_range),
        force_range: read.range("forcerange", "N", a.force_range),
        act_range: read.range("actrange", "–", a.act_range),
    }
}

/// Gain, bias and damping ratio of an actuator law.
fn law<R: Real, S: Source<R>>(read: &mut Reader<'_, '_, S>, law: &Law) -> ([R; 3], [R; 3], Option<R>) {
    let o = R::zero();
    match *law {
        Law::General { gain, affine_gain, bias } => {
            let gain = if affine_gain {
                read.array("gainprm", "–", ANY, gain)
            } else {
                [read.entry("gainprm", Some(0), "–", ANY, gain[0]), o, o]
            };
            (gain, bias.map_or([o; 3], |bias| read.array("biasprm", "–", ANY, bias)), None)
        }
        Law::Motor => ([R::one(), o, o], [o; 3], None),
        Law::Servo { kp, kv, damping_ratio } => {
            let kp = read.number("kp", "N/m", ANY, kp);
            let ratio = damping_ratio.map(|z| read.number("dampratio", "–", NOT_NEGATIVE, z));
            let kv = if ratio.is_none() { read.number("kv", "N s/m", ANY, kv) } else { o };
            ([kp, o, o], [o, -kp, -kv], ratio)
        }
        Law::Velocity { kv } => {
            let kv = read.number("kv", "N s/m", ANY, kv);
            ([kv, o, o], [o, o, -kv], None)
        }
        Law::Damper { kv } => ([o, o, -read.number("kv", "N s/m", ANY, kv)], [o; 3], None),
        Law::Cylinder { area, bias } => {
            let area = read.number("area", "m²", ANY, area);
            ([area, o, o], read.array("bias", "–", ANY, bias), None)
        }
    }
}

/// Everything that is not a number: who hangs on whom, and where entries are.
fn topology(d: &Description) -> Topology {
    use super::tree::{ActuatorLayout, BodyLayout, DofLayout, GeomLayout, JointLayout, Pattern};
    let mut t = Topology {
        flags: d.option.flags,
        integrator: d.option.integrator,
        names: Names::new(d),
        ..Topology::default()
    };
    let mut next_joint = 0;
    for (b, body) in d.bodies.iter().enumerate() {
        let first = next_joint;
        let first_dof = t.nv;
        let above = if b == 0 { None } else { t.bodies[body.parent].last_dof };
        let mut last = above;
        while next_joint < d.joints.len() && d.joints[next_joint].body == b {
            let joint = &d.joints[next_joint];
            let (nq, nv) = joint.kind.sizes();
            t.joints.push(JointLayout {
                kind: joint.kind,
                body: b,
                q: t.nq,
                v: t.nv,
                has_spring: joint.springdamper.is_some() || joint.stiffness != [0.0; 3],
                actuator_gravcomp: joint.actuator_gravcomp,
            });
            for _ in 0..nv {
                t.dofs.push(DofLayout { joint: next_joint, body: b, parent: last });
                last = Some(t.dofs.len() - 1);
            }
            t.nq += nq;
            t.nv += nv;
            next_joint += 1;
        }
        let root = match b {
            0 => 0,
            _ if body.parent == 0 => b,
            _ => t.bodies[body.parent].root,
        };
        let mocap = body.mocap.then_some(t.mocap_bodies.len());
        if body.mocap {
            t.mocap_bodies.push(b);
        }
        t.bodies.push(BodyLayout {
            parent: body.parent,
            joints: first..next_joint,
            dofs: first_dof..t.nv,
            root,
            mocap,
            last_dof: last,
        });
    }
    t.sites = d.sites.iter().map(|s| s.body).collect();
    t.geoms = d
        .geoms
        .iter()
        .map(|g| GeomLayout { body: g.body, shape: g.shape, color: g.color, group: g.group })
        .collect();
    t.tendons = d.tendons.iter().map(|tendon| path(&t, &tendon.path)).collect();
    t.nu = d.actuators.len();
    for a in &d.actuators {
        let act = (a.dynamics != file::Dynamics::None).then_some(t.na);
        t.na += usize::from(act.is_some());
        t.actuators.push(ActuatorLayout {
            transmission: a.transmission,
            dynamics: a.dynamics,
            affine_gain: matches!(a.law, Law::General { affine_gain: true, .. } | Law::Damper { .. }),
            act,
            act_early: a.act_early,
            winds: winds(d, a),
            rate_dependent: !matches!(
                a.law,
                Law::Motor | Law::General { affine_gain: false, bias: None, .. }
            ),
            disabled: d.option.disabled_actuator_groups.contains(&a.group),
        });
    }
    t.any_fluid = d.option.density > 0.0 || d.option.viscosity > 0.0;
    t.any_gravcomp = d.bodies.iter().any(|b| b.gravcomp != 0.0);
    t.any_damping = d.joints.iter().any(|j| j.damping != [0.0; 3] || j.springdamper.is_some())
        || d.actuators
            .iter()
            .any(|a| a.damping != [0.0; 3] && !matches!(a.transmission, file::Transmission::Tendon(_)));
    let at_tendon = |a: &file::Actuator| matches!(a.transmission, file::Transmission::Tendon(_));
    t.tendon_armature = d.tendons.iter().any(|t| t.armature != 0.0)
        || d.actuators.iter().any(|a| a.armature != 0.0 && at_tendon(a));
    t.any_lines = d.tendons.iter().any(|t| matches!(t.path, file::TendonPath::Spatial(_)))
        || d.actuators.iter().any(|a| matches!(a.transmission, file::Transmission::Site { .. }));
    t.lone_free = (0..d.bodies.len())
        .map(|b| {
            let own = &t.bodies[b].dofs;
            let free = t.bodies[b].joints.clone().any(|j| t.joints[j].kind == JointKind::Free);
            free && !t
                .dofs
                .iter()
                .enumerate()
                .any(|(i, dof)| !own.contains(&i) && dof.parent.is_some_and(|p| own.contains(&p)))
        })
        .collect();
    t.pattern = Pattern::new(t.dofs.iter().map(|dof| dof.parent));
    t
}

/// Whether an actuator is a servo on a ball joint or on the rotation between two sites.
fn winds(d: &Description, a: &file::Actuator) -> bool {
    let servo = match a.law {
        Law::General { gain, affine_gain, bias: Some(bias) } => {
            !affine_gain && gain[0] == -bias[1] && gain[0] != 0.0
        }
        Law::Servo { kp, .. } => kp != 0.0,
        _ => false,
    };
    let turns = match a.transmission {
        file::Transmission::Joint(j) | file::Transmission::JointInParent(j) => {
            d.joints[j].kind == JointKind::Ball
        }
        file::Transmission::Site { reference, .. } => reference.is_some() && a.gear[..3] == [0.0; 3],
        file::Transmission::Tendon(_) => false,
    };
    servo && turns
}

fn path(t: &Topology, path: &file::TendonPath) -> super::tree::TendonPath {
    use super::tree::{SpatialPiece, TendonPath};
    match path {
        file::TendonPath::Fixed(terms) => {
            TendonPath::Fixed(terms.iter().map(|&(j, _)| (t.joints[j].q, t.joints[j].v)).collect())
        }
        file::TendonPath::Spatial(points) => {
            let mut pieces = Vec::new();
            let (mut last, mut weight) = (None, 0);
            for point in points {
                match *point {
                    file::PathPoint::Site(to) => {
                        if let Some(from) = last {
                            pieces.push(SpatialPiece { from, to, weight });
                        }
                        last = Some(to);
                    }
                    file::PathPoint::Pulley(_) => {
                        weight += 1;
                        last = None;
                    }
                }
            }
            TendonPath::Spatial(pieces)
        }
    }
}
