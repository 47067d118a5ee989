//! Bodies of particles: their numbers, as the file states them.

use super::super::continuum::{self, Continuum, Kind, Material};
use super::super::description::Description;
use super::super::parameter::Source;
use super::super::particle::{
    MatterFile, Particles, ParticlesFile, Placed, Points, PointsFile, Wall, WallFile,
};
use super::{ANY, NOT_NEGATIVE, POSITIVE, Reader};
use crate::number::Real;
use crate::spatial::Vec3;

const SHARE: (f64, f64) = (0.0, 1.0);

pub(super) fn particles<R: Real, S: Source<R>>(d: &Description, source: &mut S) -> Particles<R> {
    let file = &d.particles;
    let mut read = Reader { source, kind: "particles", element: None };
    let drag = (file.drag != 0.0).then(|| read.number("drag", "1/s", NOT_NEGATIVE, file.drag));
    let walls = file.walls.iter().enumerate().map(|(k, w)| wall(k, w, source)).collect();
    let points = file.points.iter().enumerate().map(|(k, p)| points(k, p, source)).collect();
    let matter = file.matter.iter().enumerate().map(|(k, m)| placed(k, m, source)).collect();
    let continuum = (!file.matter.is_empty()).then(|| continuum(file, source));
    Particles { drag, walls, points, continuum, matter }
}

fn placed<R: Real, S: Source<R>>(k: usize, m: &MatterFile, source: &mut S) -> Placed<R> {
    let mut read = Reader { source, kind: "matter", element: Some((&m.name, k)) };
    let position = Vec3::from(read.array("position", "m", ANY, m.position));
    Placed { position, velocity: Vec3::from(read.array("velocity", "m/s", ANY, m.velocity)) }
}

fn continuum<R: Real, S: Source<R>>(file: &ParticlesFile, source: &mut S) -> Continuum<R> {
    let mut strength = Vec::new();
    let mut materials = Vec::new();
    for (k, m) in file.matter.iter().enumerate() {
        let mut read = Reader { source, kind: "matter", element: Some((&m.name, k)) };
        materials.push(material(&mut read, m));
        if let Some(muscle) = &m.muscle {
            strength.push(read.number("strength", "Pa", ANY, muscle.strength));
        }
    }
    let mut wall_friction = [R::zero(); 6];
    if file.grid.walls.contains(&continuum::Wall::Friction) {
        let mut read = Reader { source, kind: "grid", element: None };
        wall_friction = [read.number("friction", "–", NOT_NEGATIVE, file.grid.friction); 6];
    }
    Continuum { materials, wall_friction, strength }
}

/// The numbers that a kind of material reads; the others are not parameters.
fn material<R: Real, S: Source<R>>(read: &mut Reader<'_, '_, S>, m: &MatterFile) -> Material<R> {
    let file = &m.material;
    let mut out = Material::from_array(file.to_array().map(R::from_f64));
    out.density = read.number("density", "kg/m³", POSITIVE, file.density);
    if m.kind == Kind::Fluid {
        out.bulk = read.number("bulk", "Pa", POSITIVE, file.bulk);
        out.exponent = read.number("exponent", "–", ANY, file.exponent);
        out.viscosity = read.number("viscosity", "Pa s", NOT_NEGATIVE, file.viscosity);
        return out;
    }
    out.young = read.number("young", "Pa", POSITIVE, file.young);
    out.poisson = read.number("poisson", "–", (0.0, 0.499), file.poisson);
    match m.kind {
        Kind::Sand => out.friction = read.number("friction", "rad", (0.0, 1.5), file.friction),
        Kind::Plasticine => out.yield_stress = read.number("yield", "Pa", POSITIVE, file.yield_stress),
        _ => {}
    }
    out
}

fn wall<R: Real, S: Source<R>>(k: usize, w: &WallFile, source: &mut S) -> Wall<R> {
    let mut read = Reader { source, kind: "wall", element: Some((&w.name, k)) };
    let offset = read.number("offset", "m", ANY, w.offset);
    let (mut friction, mut restitution) = (R::zero(), R::zero());
    if let Some(stated) = w.friction {
        friction = read.number("friction", "–", NOT_NEGATIVE, stated);
        restitution = read.number("restitution", "–", SHARE, w.restitution);
    }
    Wall { offset, friction, restitution }
}

fn points<R: Real, S: Source<R>>(k: usize, p: &PointsFile, source: &mut S) -> Points<R> {
    let mut read = Reader { source, kind: "points", element: Some((&p.name, k)) };
    let position = |(i, x): (usize, &[f64; 3])| {
        Vec3::from([0, 1, 2].map(|c| read.entry("position", Some(3 * i + c), "m", ANY, x[c])))
    };
    let positions = p.positions.iter().enumerate().map(position).collect();
    let velocity = |(i, v): (usize, &[f64; 3])| {
        Vec3::from([0, 1, 2].map(|c| read.entry("velocity", Some(3 * i + c), "m/s", ANY, v[c])))
    };
    let velocity = p.velocity.iter().enumerate().map(velocity).collect();
    let mass = read.number("mass", "kg", POSITIVE, p.mass);
    let (mut radius, mut restitution) = (R::zero(), R::zero());
    if p.radius > 0.0 {
        radius = read.number("radius", "m", POSITIVE, p.radius);
    }
    if p.radius > 0.0 || p.restitution > 0.0 {
        restitution = read.number("restitution", "–", SHARE, p.restitution);
    }
    let (mut stiffness, mut rest_length) = (Vec::new(), Vec::new());
    let (mut damping, mut actuation) = (R::zero(), R::zero());
    if !p.springs.is_empty() {
        let each = |read: &mut Reader<'_, '_, S>, field, unit, bounds, list: &[f64]| -> Vec<R> {
            let one = list.len() == 1;
            let entry = |(i, x): (usize, &f64)| read.entry(field, (!one).then_some(i), unit, bounds, *x);
            list.iter().enumerate().map(entry).collect()
        };
        stiffness = each(&mut read, "stiffness", "N/m", NOT_NEGATIVE, &p.stiffness);
        damping = read.number("damping", "N s/m", NOT_NEGATIVE, p.damping);
        rest_length = each(&mut read, "rest_length", "m", NOT_NEGATIVE, &p.rest_length);
    }
    if !p.actuated.is_empty() {
        actuation = read.number("actuation", "–", ANY, p.actuation);
    }
    Points { positions, velocity, mass, radius, restitution, stiffness, damping, rest_length, actuation }
}
