//! From where to look.

use super::Motion;
use crate::model::State;
use crate::model::description::JointKind;
use crate::physics::articulated::{Links, kinematics};
use crate::spatial::Vec3;

type Point = Vec3<f64>;

/// An orthographic camera.
#[derive(Clone, Copy, Debug)]
pub struct Camera {
    pub right: Point,
    pub up: Point,
    /// From the scene to the viewer.
    pub toward: Point,
}

impl Camera {
    /// A camera that stands in a direction, upright unless it looks straight down.
    fn from(toward: Point) -> Self {
        let toward = toward * (1.0 / toward.norm());
        let vertical = if toward.z.abs() > 0.999 { Vec3::unit(1) } else { Vec3::unit(2) };
        let right = vertical.cross(toward);
        let right = right * (1.0 / right.norm());
        Self { right, up: toward.cross(right), toward }
    }
    /// A place as seen: to the right, upward, toward the viewer [m].
    pub fn see(&self, p: Point) -> Point {
        Vec3::new(self.right.dot(p), self.up.dot(p), self.toward.dot(p))
    }
    /// A direction as seen.
    pub fn turn(&self, v: Point) -> Point {
        self.see(v)
    }

    /// Looks at the plane of a planar motion, and from three quarters at any other.
    pub fn choose(motion: &Motion<'_>) -> Self {
        match plane(motion) {
            // A side of the plane that has the viewer in front (−y) or above.
            Some(n) => {
                Self::from(if n.z > 0.5 || n.y < -1e-9 || (n.y <= 1e-9 && n.x > 0.0) { n } else { -n })
            }
            None => Self::three_quarters(motion),
        }
    }

    /// Mostly across the way that the bodies go, a little from above.
    fn three_quarters(motion: &Motion<'_>) -> Self {
        let way = heading(motion);
        let across = Vec3::new(way.y, -way.x, 0.0);
        let across = if across.y > 0.0 { -across } else { across };
        let side = across * 0.83 + way * (0.45 * if way.x >= 0.0 { 1.0 } else { -1.0 });
        Self::from(Vec3::new(side.x, side.y, 0.33))
    }
}

/// The horizontal direction in which the bodies move most; x if they hardly move.
fn heading(motion: &Motion<'_>) -> Point {
    let mut links = Links::new(motion.model);
    let mut start = Vec::new();
    let mut spread = [0.0; 3];
    for state in motion.states {
        kinematics(motion.model, state, &mut links);
        let places: Vec<Point> = links.bodies.iter().map(|b| b.position).collect();
        if start.is_empty() {
            start = places.clone();
        }
        for (p, s) in places.iter().zip(&start) {
            let d = *p - *s;
            spread[0] += d.x * d.x;
            spread[1] += d.y * d.y;
            spread[2] += d.x * d.y;
        }
    }
    let [xx, yy, xy] = spread;
    if xx + yy < 1e-12 {
        return Vec3::unit(0);
    }
    let angle = 0.5 * (2.0 * xy).atan2(xx - yy);
    Vec3::new(angle.cos(), angle.sin(), 0.0)
}

/// The direction across the plane of x and z, if no mass point leaves it.
fn particles_plane(motion: &Motion<'_>) -> Option<Point> {
    let layout = &motion.model.topology.particles;
    let stays = |s: &State<f64>| (0..layout.count).all(|p| s.particles[layout.position(p) + 1].abs() < 1e-9);
    if layout.continuum.as_ref().is_some_and(|c| c.dimension == 2) {
        return Some(-Vec3::unit(1));
    }
    let ends = [motion.states.first()?, motion.states.last()?];
    (motion.model.topology.joints.is_empty() && ends.into_iter().all(stays)).then(|| -Vec3::unit(1))
}

/// The normal of the plane in which all bodies move, if there is one.
fn plane(motion: &Motion<'_>) -> Option<Point> {
    let t = &motion.model.topology;
    if !t.particles.is_empty() {
        return particles_plane(motion);
    }
    let mut links = Links::new(motion.model);
    kinematics(motion.model, motion.states.first()?, &mut links);
    let parallel = |a: Point, b: Point| a.cross(b).norm() < 1e-6;
    let mut normal: Option<Point> = None;
    let mut slides = Vec::new();
    for (at, axis) in t.joints.iter().map(|j| (j, &links.axes[j.v])) {
        match at.kind {
            JointKind::Hinge => {
                let n = axis.motion.angular;
                if normal.is_some_and(|m| !parallel(m, n)) {
                    return None;
                }
                normal = Some(n);
            }
            JointKind::Slide => slides.push(axis.motion.linear),
            _ => return None,
        }
    }
    let normal = normal.or_else(|| {
        let first = *slides.first()?;
        let n = slides.iter().map(|s| first.cross(*s)).find(|n| n.norm() > 1e-6);
        // One slide moves in many planes: the upright one, or the one that the viewer faces.
        n.or_else(|| {
            let n = first.cross(Vec3::unit(2));
            Some(if n.norm() > 1e-6 { n } else { Vec3::unit(1) })
        })
    })?;
    let normal = normal * (1.0 / normal.norm());
    slides.iter().all(|s| s.dot(normal).abs() < 1e-6).then_some(normal)
}
