//! Geoms: shapes and what they weigh.

use super::super::description::{self as file, Description, Inertial, Shape, Weight};
use super::super::parameter::{Listing, Source};
use super::super::tree::Geom;
use super::constraint::{Relevance, surface};
use super::{NOT_NEGATIVE, POSITIVE, Reader};
use crate::number::{Mask, Real};
use crate::spatial::{Quat, Vec3};

/// What a geom adds to its body: mass, centre, and central inertia in body axes.
pub(super) struct Piece<R> {
    pub body: usize,
    pub mass: R,
    pub center: Vec3<R>,
    pub rotation: Quat<R>,
    pub moments: Vec3<R>,
}

/// All geoms, and the pieces that they add to bodies. Only what weighs or touches is read.
pub(super) fn geoms<R: Real, S: Source<R>>(
    d: &Description,
    relevance: &[Relevance],
    source: &mut S,
) -> (Vec<Geom<R>>, Vec<Piece<R>>) {
    let mut pieces = Vec::new();
    let geoms = d.geoms.iter().zip(relevance).enumerate().map(|(k, (g, &relevance))| {
        let counts = g.weighs && matches!(d.bodies[g.body].inertial, Inertial::FromGeoms) && g.body != 0;
        if !counts && !relevance.touches {
            return geom(&mut Reader { source: &mut Listing::default(), kind: "geom", element: None }, d, g);
        }
        let mut read = Reader { source: &mut *source, kind: "geom", element: Some((&g.name, k)) };
        let mut geom = geom(&mut read, d, g);
        surface(&mut read, relevance, &g.contact, &mut geom);
        if !counts {
            return geom;
        }
        let (mass, moments) = weigh(&mut read, d, g, &geom);
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
    let c = &g.contact;
    Geom {
        position: pose.position,
        rotation: pose.rotation,
        size: Vec3::from(size),
        friction: c.friction.map(R::from_f64),
        solmix: R::from_f64(c.solmix),
        solref: c.solref.map(R::from_f64),
        solimp: c.solimp.map(R::from_f64),
        margin: R::from_f64(c.margin),
        gap: R::from_f64(c.gap),
    }
}

/// Mass and principal moments.
fn weigh<R: Real, S: Source<R>>(
    read: &mut Reader<'_, '_, S>,
    d: &Description,
    g: &file::Geom,
    geom: &Geom<R>,
) -> (R, Vec3<R>) {
    let (volume, per_mass) =
        if g.shell { shell(d, g.shape, geom.size) } else { solid(d, g.shape, geom.size) };
    let mass = match g.weight {
        Weight::Mass(mass) => read.number("mass", "kg", NOT_NEGATIVE, mass),
        Weight::Density(density) => volume * read.number("density", "kg/m³", NOT_NEGATIVE, density),
    };
    (mass, per_mass * mass)
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
