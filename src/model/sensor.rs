//! Sensors: what is measured, and where.

use super::description::{self as file, Description, Extent, JointKind, Shape};
use crate::spatial::Vec3;

/// A frame in the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Of a body.
    Body(usize),
    /// At the centre of mass of a body; only its place is known, not how it is turned.
    Center(usize),
    /// Of a geom.
    Geom(usize),
    /// Of a site.
    Site(usize),
}

/// What a limit does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limited {
    /// Of this joint.
    Joint(usize),
    /// Of this tendon.
    Tendon(usize),
}

/// What a sensor measures. A frame that is seen from another one stands first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measured {
    /// [s]
    Clock,
    /// Of a slide or hinge [m, rad].
    JointPosition(usize),
    /// Of a slide or hinge [m/s, rad/s].
    JointVelocity(usize),
    /// Of a ball joint, of unit length.
    BallPosition(usize),
    /// Of a ball joint, in the axes of its child [rad/s].
    BallVelocity(usize),
    /// The length of a tendon [m].
    TendonPosition(usize),
    /// The rate of a tendon's length [m/s].
    TendonVelocity(usize),
    /// The length of an actuator's transmission.
    ActuatorPosition(usize),
    /// The rate of the length of an actuator's transmission.
    ActuatorVelocity(usize),
    /// `x − x₀` in the axes of the second [m].
    Position(Frame, Option<Frame>),
    /// From the axes of the first to those of the second.
    Orientation(Frame, Option<Frame>),
    /// One of the axes of the first, seen from the second.
    Axis(Frame, Option<Frame>, usize),
    /// As the second sees it, which turns itself [m/s].
    LinearVelocity(Frame, Option<Frame>),
    /// In the axes of the second [rad/s].
    AngularVelocity(Frame, Option<Frame>),
    /// The velocity of a site in its own axes [m/s].
    Velocimeter(usize),
    /// The angular velocity of a site in its own axes [rad/s].
    Gyro(usize),
    /// The centre of mass of all that hangs on a body [m].
    SubtreeCenter(usize),
    /// Of this centre [m/s].
    SubtreeVelocity(usize),
    /// The angular momentum of all that hangs on a body, about this centre [kg m²/s].
    SubtreeMomentum(usize),
    /// [N, N m]
    ActuatorForce(usize),
    /// Of a point in the world, as a weight in free fall sees it [m/s²].
    LinearAcceleration(Frame),
    /// In the world [rad/s²].
    AngularAcceleration(Frame),
    /// The acceleration of a site in its own axes, as a weight in free fall sees it [m/s²].
    Accelerometer(usize),
    /// The force that its parent exerts on a body, in the axes of this site [N].
    Force(usize),
    /// The torque that its parent exerts on a body about this site, in its axes [N m].
    Torque(usize),
    /// The normal forces of all contacts of the site's body that the site's shape sees [N].
    Touch {
        /// Where the shape is.
        site: usize,
        /// The shape itself.
        shape: Shape,
        /// Its half-sizes [m].
        size: [f64; 3],
    },
    /// How far inside a limit something is beyond its margin, zero where it is not reached [m, rad].
    LimitPosition(Limited),
    /// The rate of this distance [m/s, rad/s].
    LimitVelocity(Limited),
    /// The force of the limit [N, N m].
    LimitForce(Limited),
}

/// A sensor of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Sensor {
    /// What it measures.
    pub measured: Measured,
    /// Its first value among those of all sensors.
    pub first: usize,
    /// The largest size of its values, if there is one.
    pub cutoff: Option<f64>,
}

impl Measured {
    /// How many numbers it has.
    pub fn count(&self) -> usize {
        match self {
            Self::Clock
            | Self::JointPosition(_)
            | Self::JointVelocity(_)
            | Self::TendonPosition(_)
            | Self::TendonVelocity(_)
            | Self::ActuatorPosition(_)
            | Self::ActuatorVelocity(_)
            | Self::ActuatorForce(_)
            | Self::Touch { .. }
            | Self::LimitPosition(_)
            | Self::LimitVelocity(_)
            | Self::LimitForce(_) => 1,
            Self::BallPosition(_) | Self::Orientation(..) => 4,
            _ => 3,
        }
    }

    /// Whether it follows from configuration and velocity; otherwise from what acts, too.
    pub fn is_motion(&self) -> bool {
        !matches!(
            self,
            Self::ActuatorForce(_)
                | Self::LinearAcceleration(_)
                | Self::AngularAcceleration(_)
                | Self::Accelerometer(_)
                | Self::Force(_)
                | Self::Torque(_)
                | Self::Touch { .. }
                | Self::LimitPosition(_)
                | Self::LimitVelocity(_)
                | Self::LimitForce(_)
        )
    }
}

/// What a sensor of the file measures; none if that is not simulated.
pub fn measured(d: &Description, sensor: &file::Sensor) -> Option<Measured> {
    let text = |key: &str| sensor.attributes.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str());
    let named = |key: &str, names: &mut dyn Iterator<Item = &Option<String>>| {
        let name = text(key)?;
        names.enumerate().find(|(_, n)| n.as_deref() == Some(name)).map(|(number, _)| number)
    };
    // What is measured late, or now and then, is not the state's.
    if text("delay").or(text("interval")).is_some() {
        return None;
    }
    let site = || named("site", &mut d.sites.iter().map(|x| &x.name));
    let actuator = || named("actuator", &mut d.actuators.iter().map(|x| &x.name));
    let tendon = || named("tendon", &mut d.tendons.iter().map(|x| &x.name));
    let body = |key: &str| named(key, &mut d.bodies.iter().map(|x| &x.name));
    let joint = |kinds: &[JointKind]| {
        let j = named("joint", &mut d.joints.iter().map(|x| &x.name))?;
        kinds.contains(&d.joints[j].kind).then_some(j)
    };
    let scalar = || joint(&[JointKind::Slide, JointKind::Hinge]);
    let limited = || joint(&[JointKind::Slide, JointKind::Hinge, JointKind::Ball]).map(Limited::Joint);
    let frame = |kind: &str, name: &str| match text(kind)? {
        "body" => body(name).map(Frame::Center),
        "xbody" => body(name).map(Frame::Body),
        "geom" => named(name, &mut d.geoms.iter().map(|x| &x.name)).map(Frame::Geom),
        "site" => named(name, &mut d.sites.iter().map(|x| &x.name)).map(Frame::Site),
        _ => None,
    };
    // How the principal axes of a body are turned is nothing that a model knows.
    let turned = |f: Frame| (!matches!(f, Frame::Center(_))).then_some(f);
    let object = || frame("objtype", "objname");
    let reference = || match text("reftype").or(text("refname")) {
        None => Some(None),
        Some(_) => frame("reftype", "refname").and_then(turned).map(Some),
    };
    // What tendons with inertia pull at a body is not measured.
    let light = !d.tendons.iter().any(|t| t.armature > 0.0) && !d.actuators.iter().any(|a| a.armature > 0.0);
    let loaded = || site().filter(|&s| d.sites[s].body > 0 && (light || d.tendons.is_empty()));
    Some(match sensor.kind.as_str() {
        "clock" => Measured::Clock,
        "jointpos" => Measured::JointPosition(scalar()?),
        "jointvel" => Measured::JointVelocity(scalar()?),
        "ballquat" => Measured::BallPosition(joint(&[JointKind::Ball])?),
        "ballangvel" => Measured::BallVelocity(joint(&[JointKind::Ball])?),
        "tendonpos" => Measured::TendonPosition(tendon()?),
        "tendonvel" => Measured::TendonVelocity(tendon()?),
        "actuatorpos" => Measured::ActuatorPosition(actuator()?),
        "actuatorvel" => Measured::ActuatorVelocity(actuator()?),
        "actuatorfrc" => Measured::ActuatorForce(actuator()?),
        "framepos" => Measured::Position(object()?, reference()?),
        "framequat" => Measured::Orientation(turned(object()?)?, reference()?),
        "framexaxis" => Measured::Axis(turned(object()?)?, reference()?, 0),
        "frameyaxis" => Measured::Axis(turned(object()?)?, reference()?, 1),
        "framezaxis" => Measured::Axis(turned(object()?)?, reference()?, 2),
        "framelinvel" => Measured::LinearVelocity(object()?, reference()?),
        "frameangvel" => Measured::AngularVelocity(object()?, reference()?),
        "framelinacc" => Measured::LinearAcceleration(object()?),
        "frameangacc" => Measured::AngularAcceleration(object()?),
        "velocimeter" => Measured::Velocimeter(site()?),
        "gyro" => Measured::Gyro(site()?),
        "accelerometer" => Measured::Accelerometer(site()?),
        "force" => Measured::Force(loaded()?),
        "torque" => Measured::Torque(loaded()?),
        "touch" => touch(d, site()?)?,
        "subtreecom" => Measured::SubtreeCenter(body("body")?),
        "subtreelinvel" => Measured::SubtreeVelocity(body("body")?),
        "subtreeangmom" => Measured::SubtreeMomentum(body("body")?),
        "jointlimitpos" => Measured::LimitPosition(limited()?),
        "jointlimitvel" => Measured::LimitVelocity(limited()?),
        "jointlimitfrc" => Measured::LimitForce(limited()?),
        "tendonlimitpos" => Measured::LimitPosition(Limited::Tendon(tendon()?)),
        "tendonlimitvel" => Measured::LimitVelocity(Limited::Tendon(tendon()?)),
        "tendonlimitfrc" => Measured::LimitForce(Limited::Tendon(tendon()?)),
        _ => return None,
    })
}

/// A site that feels, with its shape.
fn touch(d: &Description, site: usize) -> Option<Measured> {
    let s = &d.sites[site];
    let mut size = s.size;
    if let Extent::FromTo { ends, .. } = &s.extent {
        let [from, to] = [0, 3].map(|k| Vec3::new(ends[k], ends[k + 1], ends[k + 2]));
        let half = 0.5 * (from - to).norm();
        size[if matches!(s.shape, Shape::Capsule | Shape::Cylinder) { 1 } else { 2 }] = half;
    }
    (!matches!(s.shape, Shape::Plane | Shape::Mesh(_))).then_some(Measured::Touch {
        site,
        shape: s.shape,
        size,
    })
}

/// The sensors of a file that are simulated, in its order, with the names that they have there.
pub fn sensors(d: &Description) -> (Vec<Sensor>, Vec<String>) {
    let (mut out, mut names, mut first) = (Vec::new(), Vec::new(), 0);
    for (k, sensor) in d.constraints.sensors.iter().enumerate() {
        let Some(measured) = measured(d, sensor) else { continue };
        let text = sensor.attributes.iter().find(|(key, _)| key == "cutoff");
        let cutoff = text.and_then(|(_, x)| x.trim().parse().ok()).filter(|x| *x > 0.0);
        let turns =
            matches!(measured, Measured::Orientation(..) | Measured::BallPosition(_) | Measured::Axis(..));
        out.push(Sensor { measured, first, cutoff: if turns { None } else { cutoff } });
        names.push(sensor.name.clone().unwrap_or_else(|| format!("sensor#{k}")));
        first += measured.count();
    }
    (out, names)
}
