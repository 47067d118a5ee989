//! What can be measured on a state, and how it is called.

use std::f64::consts::TAU;

use super::crowd::{Crowd, known_particles};
use super::frame::{SeenCotangent, seen, seen_pullback};
use super::{View, ViewCotangent};
use crate::error::nearest;
use crate::model::description::JointKind;
use crate::model::{Frame, Input, Model, State, Topology};
use crate::number::Real;
use crate::physics::Cotangents;
use crate::physics::articulated::{Links, LinksCotangent, energy};
use crate::spatial::{Force, Motion, Vec3};

/// Something with a position in the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The origin of a body's frame.
    Body(usize),
    /// Of a site.
    Site(usize),
}

/// A share of the energy that a world stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// Of motion.
    Kinetic,
    /// Of height and of springs.
    Potential,
    /// Both.
    Total,
}

/// Something measured on a state and on the input that acts there: one number (in the first entry), or
/// a vector of three.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Quantity {
    /// Of a slide or hinge, by its entry in the configuration and in the velocity [m, rad].
    JointPosition {
        /// Entry of the configuration.
        q: usize,
        /// Entry of the velocity.
        v: usize,
    },
    /// By its entry in the velocity [m/s, rad/s].
    JointVelocity {
        /// Entry of the velocity.
        v: usize,
    },
    /// In the world, or one of its coordinates [m].
    Position {
        /// Whose.
        place: Place,
        /// One of x, y, z; all three if none.
        coordinate: Option<usize>,
    },
    /// In the world, or one of its coordinates [m/s].
    Velocity {
        /// Whose.
        place: Place,
        /// One of x, y, z; all three if none.
        coordinate: Option<usize>,
    },
    /// Against the origin of another place, in the axes of the world, or one of its coordinates [m].
    Relative {
        /// Whose.
        place: Place,
        /// From where.
        from: Place,
        /// One of x, y, z; all three if none.
        coordinate: Option<usize>,
    },
    /// The cosines of the angles of a place's own axes with the world's upward axis: the last one of a body is
    /// 1 where it stands upright; or one of them.
    Up {
        /// Whose.
        place: Place,
        /// One of x, y, z; all three if none.
        coordinate: Option<usize>,
    },
    /// The mean position or velocity of particles, or one of its coordinates; against the mean of others, if
    /// there are any [m, m/s].
    Particles {
        /// Whose.
        crowd: Crowd,
        /// From where.
        from: Option<Crowd>,
        /// One of x, y, z; all three if none.
        coordinate: Option<usize>,
    },
    /// The standard deviation of the coordinates of particles, or of one of them [m].
    Spread {
        /// Whose.
        crowd: Crowd,
        /// One of x, y, z; all three if none.
        coordinate: Option<usize>,
    },
    /// Of the polygon of points in the plane of x and z, counter-clockwise as seen from −y [m²].
    Area(Crowd),
    /// Of the whole world [J].
    Energy(Stored),
    /// `2π (f t + p)` at the time `t` since the rollout's start [rad].
    Phase {
        /// `f` [Hz].
        hertz: f64,
        /// `p` [turns].
        ahead: f64,
    },
    /// Of an actuator.
    Control {
        /// Its number.
        actuator: usize,
    },
    /// `(u_k − u_{k−1})/dt` of an actuator; zero in the first step.
    ControlRate {
        /// Its number.
        actuator: usize,
    },
    /// Of a sensor, or one of its numbers.
    Sensor {
        /// The first of these among the values of all sensors.
        first: usize,
        /// Whether there are three of them.
        vector: bool,
        /// Whether it measures forces or accelerations: those of the step that starts at the state.
        forces: bool,
    },
}

impl Quantity {
    /// Whether it is a vector of three.
    pub fn is_vector(self) -> bool {
        matches!(
            self,
            Self::Position { coordinate: None, .. }
                | Self::Velocity { coordinate: None, .. }
                | Self::Relative { coordinate: None, .. }
                | Self::Up { coordinate: None, .. }
                | Self::Particles { coordinate: None, .. }
                | Self::Spread { coordinate: None, .. }
                | Self::Sensor { vector: true, .. }
        )
    }
    /// Whether it asks where bodies are.
    pub fn needs_links(self) -> bool {
        matches!(self, Self::Position { .. } | Self::Relative { .. } | Self::Up { .. }) || self.needs_speeds()
    }
    /// Whether it asks how bodies move.
    pub fn needs_speeds(self) -> bool {
        matches!(self, Self::Velocity { .. } | Self::Sensor { .. } | Self::Energy(_))
    }
    /// Whether it asks for the control of the step before.
    pub fn needs_past(self) -> bool {
        matches!(self, Self::ControlRate { .. })
    }
    /// Whether it needs an input: the last state has none.
    pub fn needs_input(self) -> bool {
        matches!(self, Self::Control { .. } | Self::ControlRate { .. }) || self.needs_forces()
    }
    /// The particles against whose mean it is measured.
    pub(super) fn origin(self) -> Option<Crowd> {
        match self {
            Self::Particles { from, .. } => from,
            _ => None,
        }
    }
    /// Whether it is what a sensor says.
    pub fn is_sensor(self) -> bool {
        matches!(self, Self::Sensor { .. })
    }
    /// Whether it is known only with the forces that act.
    pub fn needs_forces(self) -> bool {
        matches!(self, Self::Sensor { forces: true, .. })
    }

    /// The value; what is not used of the vector is zero.
    #[inline]
    pub fn measure<R: Real>(
        self,
        model: &Model<R>,
        state: &State<R>,
        input: Option<&Input<R>>,
        view: &View<R>,
    ) -> Vec3<R> {
        let links = &view.links;
        let single = |x: R| Vec3::new(x, R::zero(), R::zero());
        match self {
            Self::JointPosition { q, .. } => single(state.q[q]),
            Self::JointVelocity { v } => single(state.v[v]),
            Self::Control { actuator } => single(input.map_or(R::zero(), |i| i.u[actuator])),
            Self::ControlRate { actuator } => match (input, view.past.get(actuator)) {
                (Some(input), Some(past)) => single((input.u[actuator] - *past) / model.option.timestep),
                _ => Vec3::zero(),
            },
            Self::Phase { hertz, ahead } => {
                let turned = model.option.timestep.times(TAU * hertz * view.step as f64);
                single(turned + R::from_f64(TAU * ahead))
            }
            Self::Energy(stored) => single(match stored {
                Stored::Kinetic => energy::of_motion(model, state, links),
                Stored::Potential => energy::potential(model, state, links),
                Stored::Total => {
                    energy::of_motion(model, state, links) + energy::potential(model, state, links)
                }
            }),
            Self::Particles { crowd, from, coordinate } => {
                let origin = from.map_or(Vec3::zero(), |from| view.mean(from));
                pick(crowd.mean(&state.particles, coordinate) - origin, coordinate)
            }
            Self::Spread { crowd, coordinate } => {
                pick(crowd.spread(&state.particles, coordinate), coordinate)
            }
            Self::Area(crowd) => single(crowd.area(&state.particles)),
            Self::Relative { place, from, coordinate } => {
                pick(place.position(model, links) - from.position(model, links), coordinate)
            }
            Self::Up { place, coordinate } => {
                pick(seen(model, links, place.frame()).rotation.transpose_mul(Vec3::unit(2)), coordinate)
            }
            Self::Sensor { first, vector: false, .. } => single(view.senses.values[first]),
            Self::Sensor { first, .. } => {
                let x = &view.senses.values[first..];
                Vec3::new(x[0], x[1], x[2])
            }
            Self::Position { place, coordinate } => pick(place.position(model, links), coordinate),
            Self::Velocity { place, coordinate } => {
                let b = place.body(model);
                let offset = place.position(model, links) - links.bodies[b].origin;
                pick(links.bodies[b].velocity.at(offset), coordinate)
            }
        }
    }

    /// Adds the cotangent `w` of the value to those of what it was measured on.
    #[inline]
    pub fn measure_pullback<R: Real>(
        self,
        model: &Model<R>,
        state: &State<R>,
        view: &View<R>,
        w: Vec3<R>,
        out_view: &mut ViewCotangent<R>,
        out: &mut Cotangents<R>,
    ) {
        let (links, out_links) = (&view.links, &mut out_view.links);
        let out_model = &mut out.model;
        match self {
            Self::JointPosition { v, .. } => out.state.q[v] += w.x,
            Self::JointVelocity { v } => out.state.v[v] += w.x,
            Self::Control { actuator } => out.input.u[actuator] += w.x,
            Self::ControlRate { actuator } => {
                if let (Some(past), Some(u)) = (view.past.get(actuator), out.input.u.get_mut(actuator)) {
                    let share = w.x / model.option.timestep;
                    let rate = (view.controls[actuator] - *past) / model.option.timestep;
                    *u += share;
                    out_view.past[actuator] -= share;
                    out_model.option.timestep -= share * rate;
                }
            }
            Self::Phase { hertz, .. } => {
                out_model.option.timestep += w.x.times(TAU * hertz * view.step as f64)
            }
            Self::Energy(stored) => {
                let [kinetic, potential] = &mut out_view.energies;
                if stored != Stored::Potential {
                    *kinetic += w.x;
                }
                if stored != Stored::Kinetic {
                    *potential += w.x;
                }
            }
            Self::Particles { crowd, from, coordinate } => {
                let w = unpick(w, coordinate);
                crowd.mean_pullback(w, coordinate, &mut out.state.particles);
                if let Some(from) = from {
                    out_view.add_mean(from, -w);
                }
            }
            Self::Spread { crowd, coordinate } => {
                let w = unpick(w, coordinate);
                crowd.spread_pullback(&state.particles, w, coordinate, &mut out.state.particles);
            }
            Self::Area(crowd) => crowd.area_pullback(&state.particles, w.x, &mut out.state.particles),
            Self::Relative { place, from, coordinate } => {
                let w = unpick(w, coordinate);
                place.position_pullback(model, links, w, out_links, out_model);
                from.position_pullback(model, links, -w, out_links, out_model);
            }
            Self::Up { place, coordinate } => {
                let own = seen(model, links, place.frame()).rotation * unpick(w, coordinate);
                let mut by_turn = SeenCotangent::zero();
                by_turn.turn = own.cross(Vec3::unit(2));
                let out = (out_links, out_model);
                seen_pullback(model, links, place.frame(), Motion::zero(), &by_turn, out);
            }
            Self::Sensor { first, vector, .. } => {
                let count = if vector { 3 } else { 1 };
                for (own, w) in out_view.sensed[first..first + count].iter_mut().zip(w.to_array()) {
                    *own += w;
                }
            }
            Self::Position { place, coordinate } => {
                place.position_pullback(model, links, unpick(w, coordinate), out_links, out_model);
            }
            Self::Velocity { place, coordinate } => {
                let w = unpick(w, coordinate);
                let b = place.body(model);
                let offset = place.position(model, links) - links.bodies[b].origin;
                out_links.velocity[b] += Force::at(offset, w);
                let at = w.cross(links.bodies[b].velocity.angular);
                place.position_pullback(model, links, at, out_links, out_model);
            }
        }
    }
}

impl Place {
    fn body<R>(self, model: &Model<R>) -> usize {
        match self {
            Self::Body(b) => b,
            Self::Site(s) => model.topology.sites[s],
        }
    }
    fn frame(self) -> Frame {
        match self {
            Self::Body(b) => Frame::Body(b),
            Self::Site(s) => Frame::Site(s),
        }
    }
    fn position<R: Real>(self, model: &Model<R>, links: &Links<R>) -> Vec3<R> {
        match self {
            Self::Body(b) => links.bodies[b].position,
            Self::Site(s) => links.point(model.topology.sites[s], model.sites[s].position),
        }
    }
    fn position_pullback<R: Real>(
        self,
        model: &Model<R>,
        links: &Links<R>,
        w: Vec3<R>,
        out: &mut LinksCotangent<R>,
        out_model: &mut Model<R>,
    ) {
        match self {
            Self::Body(b) => out.add_point(links, b, links.bodies[b].position, w),
            Self::Site(s) => out.add_site(model, links, s, w, Vec3::zero(), out_model),
        }
    }
}

fn pick<R: Real>(x: Vec3<R>, coordinate: Option<usize>) -> Vec3<R> {
    coordinate.map_or(x, |k| Vec3::new(x.to_array()[k], R::zero(), R::zero()))
}

fn unpick<R: Real>(w: Vec3<R>, coordinate: Option<usize>) -> Vec3<R> {
    coordinate.map_or(w, |k| Vec3::unit(k) * w.x)
}

/// Every quantity of a model with its name.
pub fn known_quantities(t: &Topology) -> Vec<(String, Quantity)> {
    let mut out = Vec::new();
    for (name, at) in t.names.joints.iter().zip(&t.joints) {
        match at.kind {
            JointKind::Slide | JointKind::Hinge => {
                out.push((format!("joint.{name}.position"), Quantity::JointPosition { q: at.q, v: at.v }));
                out.push((format!("joint.{name}.velocity"), Quantity::JointVelocity { v: at.v }));
            }
            _ => {
                let all = (0..at.kind.sizes().1).map(|k| {
                    (format!("joint.{name}.velocity[{k}]"), Quantity::JointVelocity { v: at.v + k })
                });
                out.extend(all);
            }
        }
    }
    let sites = t.names.sites.iter().enumerate().map(|(s, n)| (format!("site.{n}"), Place::Site(s)));
    let bodies =
        t.names.bodies.iter().enumerate().skip(1).map(|(b, n)| (format!("body.{n}"), Place::Body(b)));
    for (name, place) in sites.chain(bodies) {
        for (coordinate, end) in [(None, ""), (Some(0), ".x"), (Some(1), ".y"), (Some(2), ".z")] {
            out.push((format!("{name}.position{end}"), Quantity::Position { place, coordinate }));
            out.push((format!("{name}.velocity{end}"), Quantity::Velocity { place, coordinate }));
            out.push((format!("{name}.up{end}"), Quantity::Up { place, coordinate }));
        }
    }
    out.extend(known_particles(t));
    for (name, s) in t.names.sensors.iter().zip(&t.sensors) {
        let (count, forces) = (s.measured.count(), !s.measured.is_motion());
        let one = |k: usize| Quantity::Sensor { first: s.first + k, vector: false, forces };
        match count {
            1 => out.push((format!("sensor.{name}"), one(0))),
            3 => {
                let all = Quantity::Sensor { first: s.first, vector: true, forces };
                out.push((format!("sensor.{name}"), all));
                let each = ["x", "y", "z"].into_iter().enumerate();
                out.extend(each.map(|(k, axis)| (format!("sensor.{name}.{axis}"), one(k))));
            }
            _ => out.extend((0..count).map(|k| (format!("sensor.{name}[{k}]"), one(k)))),
        }
    }
    for (actuator, name) in t.names.actuators.iter().enumerate() {
        out.push((format!("control.{name}"), Quantity::Control { actuator }));
        out.push((format!("control_rate.{name}"), Quantity::ControlRate { actuator }));
    }
    let energies = [("kinetic", Stored::Kinetic), ("potential", Stored::Potential), ("total", Stored::Total)];
    out.extend(energies.map(|(name, stored)| (format!("energy.{name}"), Quantity::Energy(stored))));
    out
}

/// The quantities that a name or a pattern with `*` means, with their names: those of
/// [`known_quantities`], `phase(1.5)` with a frequency [Hz], and the difference of two positions such as
/// `site.hand.position - site.cup.position`.
///
/// # Errors
/// A sentence with the nearest name, if there is none.
pub fn quantities(t: &Topology, pattern: &str) -> Result<Vec<(String, Quantity)>, String> {
    if let Some((left, right)) = pattern.split_once(" - ") {
        return differences(t, (left.trim(), right.trim()));
    }
    if let Some(hertz) = pattern.strip_prefix("phase(").and_then(|rest| rest.strip_suffix(')')) {
        let (hertz, ahead) = hertz.split_once(',').unwrap_or((hertz, "0"));
        return match (hertz.trim().parse::<f64>(), ahead.trim().parse::<f64>()) {
            (Ok(hertz), Ok(ahead)) if hertz.is_finite() && ahead.is_finite() => {
                Ok(vec![(pattern.to_owned(), Quantity::Phase { hertz, ahead })])
            }
            _ => Err(format!(
                "\"{hertz}\" is no frequency in Hz: write phase(1.5), or phase(1.5, 0.25) for a quarter turn ahead"
            )),
        };
    }
    let all = known_quantities(t);
    let found: Vec<_> = all.iter().filter(|(name, _)| matches(pattern, name)).cloned().collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let hint = nearest(pattern, all.iter().map(|(name, _)| name.as_str())).map_or_else(
        || {
            "known are joint.NAME.position, joint.NAME.velocity, site.NAME.position, site.NAME.velocity, \
            site.NAME.up, the same of a body, sensor.NAME, control.NAME, control_rate.NAME, energy.total and \
            phase(FREQUENCY)"
                .to_owned()
        },
        |name| format!("did you mean \"{name}\"?"),
    );
    Err(format!("the model has no quantity \"{pattern}\" ({hint})"))
}

/// The differences of positions, all of the left side with all of the right.
fn differences(t: &Topology, (left, right): (&str, &str)) -> Result<Vec<(String, Quantity)>, String> {
    let (left, right) = (quantities(t, left)?, quantities(t, right)?);
    let mut out = Vec::new();
    for ((a, x), (b, y)) in left.iter().flat_map(|x| right.iter().map(move |y| (x, y))) {
        if let (
            Quantity::Particles { crowd, from: None, coordinate },
            Quantity::Particles { crowd: from, from: None, coordinate: other },
        ) = (*x, *y)
            && coordinate == other
        {
            let from = Some(from);
            out.push((format!("{a} - {b}"), Quantity::Particles { crowd, from, coordinate }));
        }
        if let (
            Quantity::Position { place, coordinate },
            Quantity::Position { place: from, coordinate: other },
        ) = (*x, *y)
            && coordinate == other
        {
            out.push((format!("{a} - {b}"), Quantity::Relative { place, from, coordinate }));
        }
    }
    if out.is_empty() {
        let what = "is no difference of two positions: write site.A.position - site.B.position, or one coordinate of both";
        return Err(format!("\"{} - {}\" {what}", left[0].0, right[0].0));
    }
    Ok(out)
}

/// Whether a name is that of a pattern in which `*` stands for any text.
pub fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let Some(last) = pattern.rsplit_once('*').map(|(_, last)| last) else { return rest.is_empty() };
    let middle: Vec<&str> = parts.collect();
    for part in &middle[..middle.len().saturating_sub(1)] {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}
