//! Particles and their springs, as a camera sees them.

use super::Motion;
use super::camera::Camera;
use super::frame::rgb;
use super::ground::Ground;
use super::sheet::{Sheet, Window};
use super::solid::flat;
use crate::model::State;
use crate::model::particle::{MatterLayout, Wall};
use crate::sense::{Quantity, View, known_quantities};
use crate::spatial::{Pose, Quat, Vec3, rotation_z_to};

const MUSCLE: [f64; 4] = [0.84, 0.37, 0.0, 1.0];
/// What a spring leaves of its body's colour.
const PALE: f64 = 0.55;
/// The least radius of a dot on the page.
const LEAST: f64 = 1.1;

/// Dots and lines, far ones first.
#[derive(Clone, Debug, Default)]
pub struct Swarm {
    rods: Vec<([[f64; 2]; 2], [f64; 4])>,
    /// Place, radius [m], colour.
    dots: Vec<([f64; 2], f64, [f64; 4])>,
    /// The places in the world.
    pub places: Vec<Vec3<f64>>,
}

impl Swarm {
    /// All particles of a state.
    pub fn new(motion: &Motion<'_>, camera: &Camera, state: &State<f64>) -> Self {
        let layout = &motion.model.topology.particles;
        let mut out = Self::default();
        let mut dots = Vec::new();
        let at = |p: usize| Vec3::from([0, 1, 2].map(|c| state.particles[layout.position(p) + c]));
        for (body, numbers) in layout.points.iter().zip(&motion.model.particles.points) {
            let [r, g, b, alpha] = body.color;
            let pale = [r, g, b].map(|c| 1.0 - PALE + PALE * c);
            for spring in &body.springs {
                let ends = spring.ends.map(|p| flat(camera.see(at(p))));
                let color =
                    if spring.actuator.is_some() { MUSCLE } else { [pale[0], pale[1], pale[2], alpha] };
                out.rods.push((ends, color));
            }
            let lengths = &numbers.rest_length;
            let usual = 0.1 * lengths.iter().sum::<f64>() / lengths.len().max(1) as f64;
            let radius = if body.collides { numbers.radius } else { usual.min(0.02) };
            dots.extend(body.points.clone().map(|p| (at(p), radius, body.color)));
        }
        dots.extend(matter(motion, state));
        dots.sort_by(|a, b| camera.see(a.0).z.total_cmp(&camera.see(b.0).z));
        out.places = dots.iter().map(|(place, ..)| *place).collect();
        out.dots = dots.into_iter().map(|(place, r, color)| (flat(camera.see(place)), r, color)).collect();
        out
    }

    /// Around everything.
    pub fn window(&self) -> Option<Window> {
        let dot = |(p, r, _): &([f64; 2], f64, [f64; 4])| {
            Window::around([[p[0] - r, p[1] - r], [p[0] + r, p[1] + r]])
        };
        self.dots.iter().map(dot).reduce(Window::joined)
    }

    pub fn draw(&self, sheet: &Sheet<'_, '_>) {
        for (ends, color) in &self.rods {
            sheet.line(ends, rgb(*color, 0.6), if *color == MUSCLE { 1.8 } else { 1.0 });
        }
        for (place, radius, color) in &self.dots {
            sheet.dot(Some(*place), rgb(*color, 0.6), (radius * sheet.scale).max(LEAST));
        }
    }
}

/// Of every body of particles its name, and over all states the centre and its velocity.
pub fn centers(motion: &Motion<'_>) -> Vec<(String, [Vec<Vec3<f64>>; 2])> {
    let all = known_quantities(&motion.model.topology);
    let view = View::new(motion.model, std::iter::empty());
    let of = |quantity: Quantity| -> Vec<Vec3<f64>> {
        motion.states.iter().map(|s| quantity.measure(motion.model, s, None, &view)).collect()
    };
    let named = |name: &str| all.iter().find(|(own, _)| own == name).map(|(_, quantity)| of(*quantity));
    let layout = &motion.model.topology.particles;
    let points = layout.names.iter().map(|name| format!("points.{name}"));
    let bodies = points.chain(layout.matter.iter().map(|m| format!("matter.{}", m.name)));
    let both = |name: String| {
        let places = named(&format!("{name}.center"))?;
        Some((name.clone(), [places, named(&format!("{name}.velocity"))?]))
    };
    bodies.filter_map(both).collect()
}

/// The particles of matter: place, radius, colour.
fn matter(motion: &Motion<'_>, state: &State<f64>) -> Vec<(Vec3<f64>, f64, [f64; 4])> {
    let layout = &motion.model.topology.particles;
    let Some(continuum) = &layout.continuum else { return Vec::new() };
    let (n, first) = (continuum.count(), layout.first_of_matter());
    let place = |p: usize| {
        let mut x = [0.0; 3];
        (0..continuum.dimension).for_each(|k| x[continuum.axis(k)] = state.particles[first + k * n + p]);
        Vec3::from(x)
    };
    let radius = |p: usize| 0.55 * continuum.volume[p].powf(1.0 / continuum.dimension as f64);
    let of = |m: &MatterLayout| -> Vec<_> {
        m.particles.clone().map(|p| (place(p), radius(p), m.color)).collect()
    };
    layout.matter.iter().flat_map(of).collect()
}

/// The walls, as grounds without end.
pub fn walls(motion: &Motion<'_>) -> Vec<Ground> {
    let layout = &motion.model.topology.particles;
    let of = |((normal, _), wall): (&([f64; 3], bool), &Wall<f64>)| {
        let n = Vec3::from(*normal);
        Ground { pose: Pose { position: n * wall.offset, rotation: rotation_z_to(n) }, size: [0.0; 2] }
    };
    let mut out: Vec<Ground> = layout.walls.iter().zip(&motion.model.particles.walls).map(of).collect();
    if let Some(continuum) = &layout.continuum {
        // Matter rests on the innermost nodes of the border.
        let up = continuum.dimension - 1;
        let height = continuum.lower[up] + continuum.border as f64 * continuum.spacing;
        let pose = Pose { position: Vec3::unit(2) * height, rotation: Quat::identity() };
        out.push(Ground { pose, size: [0.0; 2] });
    }
    out
}
