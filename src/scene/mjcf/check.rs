//! What must hold of a whole tree before it can move.

use super::Reader;
use super::weight::body_bulk;
use super::xml::Element;
use crate::error::Error;
use crate::model::description::{Body, Inertial, JointKind, Shape};

/// Masses and moments below this count as none.
const LEAST: f64 = 1e-15;

pub(super) fn check(reader: &Reader) -> Result<(), Error> {
    let out = &reader.out;
    for number in 1..out.bodies.len() {
        joints(reader, number)?;
        explicit_inertia(reader, number)?;
        if out.joints.iter().any(|j| j.body == number) && !heavy(reader, number) {
            let message = format!(
                "{} moves but has no mass or no inertia (give it an inertial or geoms that weigh)",
                label(&out.bodies[number])
            );
            return Err(error(reader, number, message));
        }
    }
    planes(reader)
}

fn label(body: &Body) -> String {
    body.name.as_ref().map_or("body".to_string(), |name| format!("body \"{name}\""))
}

fn error(reader: &Reader, number: usize, message: String) -> Error {
    let file = reader.body_files[number].to_string();
    Error::at(file, reader.out.bodies[number].line, message)
}

/// Which joints may be together in one body.
fn joints(reader: &Reader, number: usize) -> Result<(), Error> {
    let body = &reader.out.bodies[number];
    let joints: Vec<_> = reader.out.joints.iter().filter(|j| j.body == number).collect();
    let wrong = |message: &str| Err(error(reader, number, format!("{} has {message}", label(body))));
    let dofs: usize = joints.iter().map(|j| j.kind.sizes().1).sum();
    let free = joints.iter().any(|j| j.kind == JointKind::Free);
    if free && joints.len() > 1 {
        return wrong("a free joint and another joint (a free joint stands alone)");
    }
    if free && body.parent != 0 {
        return wrong("a free joint but is inside another body (only children of the world may be free)");
    }
    if dofs > 6 {
        return wrong("more than 6 degrees of freedom");
    }
    let ball = joints.iter().position(|j| j.kind == JointKind::Ball);
    let turns = |k: JointKind| matches!(k, JointKind::Ball | JointKind::Hinge);
    if ball.is_some_and(|ball| joints[ball + 1..].iter().any(|j| turns(j.kind))) {
        return wrong("a rotation after a ball joint (the ball joint must be the last rotation)");
    }
    if body.mocap && !joints.is_empty() {
        return wrong("joints although it is a mocap body");
    }
    Ok(())
}

/// An inertia that the file states must be one that a body can have.
pub(super) fn explicit_inertia(reader: &Reader, number: usize) -> Result<(), Error> {
    let (body, rule) = (&reader.out.bodies[number], &reader.compiler.rule);
    let full = matches!(body.inertial, Inertial::Full { .. });
    if matches!(body.inertial, Inertial::FromGeoms) {
        return Ok(());
    }
    let Some(bulk) = body_bulk(&reader.out, number) else { return Ok(()) };
    if full && bulk.moments.iter().any(|&m| m <= 0.0) {
        let message = format!("the fullinertia of {} is not positive definite", label(body));
        return Err(error(reader, number, message));
    }
    let [a, b, c] = bulk.moments.map(|m| m.max(rule.bound_inertia));
    let possible = [(a + b, c), (b + c, a), (c + a, b)].iter().all(|(sum, x)| *sum >= x * (1.0 - 1e-12));
    if !rule.balance && !possible {
        let message = format!(
            "the principal inertias {a} {b} {c} of {} belong to no body (two together must be at least \
             the third; balanceinertia of compiler repairs it)",
            label(body)
        );
        return Err(error(reader, number, message));
    }
    Ok(())
}

/// Whether a body, or a body fixed to it, has mass and inertia.
fn heavy(reader: &Reader, number: usize) -> bool {
    let out = &reader.out;
    let own = body_bulk(out, number).map_or((0.0, [0.0; 3]), |b| (b.mass, b.moments));
    let rule = &reader.compiler.rule;
    let mass = own.0.max(rule.bound_mass);
    if mass >= LEAST && own.1.iter().all(|m| m.max(rule.bound_inertia) >= LEAST) {
        return true;
    }
    let fixed =
        |child: usize| out.bodies[child].parent == number && !out.joints.iter().any(|j| j.body == child);
    (number + 1..out.bodies.len()).any(|child| fixed(child) && heavy(reader, child))
}

/// A plane is endless and may not move.
fn planes(reader: &Reader) -> Result<(), Error> {
    let out = &reader.out;
    for geom in out.geoms.iter().filter(|g| g.shape == Shape::Plane) {
        let mut body = geom.body;
        while body != 0 {
            if out.joints.iter().any(|j| j.body == body) {
                let name = geom.name.as_ref().map_or("a plane".to_string(), |n| format!("plane \"{n}\""));
                let message =
                    format!("{name} is in {}, which moves (planes must be static)", label(&out.bodies[body]));
                return Err(error(reader, geom.body, message));
            }
            body = out.bodies[body].parent;
        }
    }
    Ok(())
}

/// The error of a reference to the wrong kind of joint.
pub(super) fn scalar_joint(reader: &Reader, joint: usize, by: &Element) -> Result<(), Error> {
    match reader.out.joints[joint].kind {
        JointKind::Hinge | JointKind::Slide => Ok(()),
        _ => Err(
            by.error(format!("{} refers to a ball or free joint (it takes a hinge or a slide)", by.label()))
        ),
    }
}
