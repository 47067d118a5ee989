//! Bodies without joints become parts of their parents.

use super::weight::{Bulk, LEAST_MASS, body_bulk, together};
use super::{Reader, bodies, check};
use crate::error::Error;
use crate::model::description::{Extent, InertiaRule, Inertial, Placement};
use crate::spatial::Pose;

/// Fuses every body without joints with its parent, if the compiler element asks for it.
///
/// Nothing outside the tree may speak of bodies: their names and numbers are not found again.
pub(super) fn fuse_static_bodies(reader: &mut Reader) -> Result<(), Error> {
    if !reader.compiler.fuse {
        return Ok(());
    }
    for number in 1..reader.out.bodies.len() {
        check::explicit_inertia(reader, number)?;
    }
    let homes = homes(reader);
    add_inertias(reader, &homes);
    move_contents(reader, &homes);
    drop_bodies(reader, &homes);
    bodies::in_body_order(reader);
    if reader.compiler.from_geom == super::compiler::FromGeom::Always {
        // All geoms of the fused body count, and then nothing else does.
        bodies::decide_inertia(reader);
    }
    Ok(())
}

/// For every body: the body that it is part of, and its pose in there.
fn homes(reader: &Reader) -> Vec<(usize, Pose<f64>)> {
    let mut homes: Vec<(usize, Pose<f64>)> = vec![(0, Pose::identity())];
    for (number, body) in reader.out.bodies.iter().enumerate().skip(1) {
        let moves = body.mocap || reader.out.joints.iter().any(|j| j.body == number);
        let (home, pose) = homes[body.parent];
        homes.push(if moves { (number, Pose::identity()) } else { (home, pose * body.placement.pose()) });
    }
    homes
}

/// Gives the moving bodies the inertia of what is fused with them.
fn add_inertias(reader: &mut Reader, homes: &[(usize, Pose<f64>)]) {
    let mut parts: Vec<Vec<Bulk>> = vec![Vec::new(); homes.len()];
    let mut grown = vec![false; homes.len()];
    let rule = reader.compiler.rule;
    for (number, &(home, pose)) in homes.iter().enumerate().skip(1) {
        let none = Bulk { mass: 0.0, pose: Pose::identity(), moments: [0.0; 3] };
        let own = repaired(body_bulk(&reader.out, number).unwrap_or(none), &rule);
        if own.mass > LEAST_MASS {
            parts[home].push(Bulk { pose: pose * own.pose, ..own });
            grown[home] |= home != number;
        }
    }
    for number in (1..homes.len()).filter(|&n| grown[n]) {
        let Some((mass, center, tensor)) = together(&parts[number]) else { continue };
        let placement = Placement { position: center.to_array(), ..Placement::default() };
        reader.out.bodies[number].inertial = Inertial::Full { mass, placement, tensor: tensor.to_array() };
    }
    for geom in reader.out.geoms.iter_mut() {
        let home = homes[geom.body].0;
        geom.weighs &= home != 0 && !grown[home];
    }
}

/// The bounds and the balance hold for each part as they hold for a body.
fn repaired(own: Bulk, rule: &InertiaRule) -> Bulk {
    let [a, b, c] = own.moments.map(|m| m.max(rule.bound_inertia));
    let mean = (a + b + c) / 3.0;
    let possible = a + b >= c && b + c >= a && c + a >= b;
    let moments = if rule.balance && !possible { [mean; 3] } else { [a, b, c] };
    Bulk { mass: own.mass.max(rule.bound_mass), moments, ..own }
}

/// Puts what hangs on a body where the body went; frames keep the numbers of the file as they are.
fn move_contents(reader: &mut Reader, homes: &[(usize, Pose<f64>)]) {
    let out = &mut reader.out;
    for number in 1..homes.len() {
        let (parent, pose) = homes[out.bodies[number].parent];
        if parent != out.bodies[number].parent {
            let frame = &mut out.bodies[number].placement.frame;
            *frame = Some(frame.map_or(pose, |own| pose * own));
            out.bodies[number].parent = parent;
        }
    }
    let geoms = out.geoms.iter_mut().map(|g| (&mut g.body, &mut g.extent));
    let sites = out.sites.iter_mut().map(|s| (&mut s.body, &mut s.extent));
    for (body, extent) in geoms.chain(sites).filter(|(body, _)| homes[**body].0 != **body) {
        let (home, pose) = homes[*body];
        *body = home;
        let (Extent::Pose(Placement { frame, .. }) | Extent::FromTo { frame, .. }) = extent;
        *frame = Some(frame.map_or(pose, |own| pose * own));
    }
}

/// Takes the fused bodies out, and numbers the others anew.
fn drop_bodies(reader: &mut Reader, homes: &[(usize, Pose<f64>)]) {
    let stays = |number: usize| homes[number].0 == number;
    let numbers: Vec<usize> = (0..homes.len()).map(|n| (0..n).filter(|&m| stays(m)).count()).collect();
    let out = &mut reader.out;
    for body in &mut out.bodies {
        body.parent = numbers[body.parent];
    }
    let references = out.joints.iter_mut().map(|j| &mut j.body);
    let references = references.chain(out.geoms.iter_mut().map(|g| &mut g.body));
    for body in references.chain(out.sites.iter_mut().map(|s| &mut s.body)) {
        *body = numbers[*body];
    }
    let mut number = 0..;
    out.bodies.retain(|_| number.next().is_some_and(stays));
    let mut number = 0..;
    reader.body_files.retain(|_| number.next().is_some_and(stays));
}
