//! What there is to draw of a motion at one time, and the window to draw it in.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;
use rayon::prelude::*;

use super::Motion;
use super::camera::Camera;
use super::ground::{Ground, Patch};
use super::picture::{Canvas, fine, text};
use super::sheet::{Sheet, Window};
use super::solid::{Seen, Solid, back_to_front, flat};
use super::swarm::{Swarm, walls};
use crate::model::description::Shape;
use crate::model::{State, TendonPath};
use crate::physics::articulated::{Links, kinematics};
use crate::spatial::{Pose, Vec3};

/// How many times its own size a robot goes before the windows follow it.
const FAR: f64 = 8.0;
/// Height of the time below a frame.
pub const CAPTION: f64 = 22.0;
/// Geoms of higher groups are not for looking at: collision shapes, most often.
const LAST_GROUP: i64 = 2;
const TRACE: [f64; 4] = [0.84, 0.37, 0.0, 1.0];

/// A motion at chosen times: every frame is seen by the same camera, in a window of the same size.
pub struct Frames<'m> {
    motion: &'m Motion<'m>,
    camera: Camera,
    chosen: Vec<usize>,
    trace: Vec<[f64; 2]>,
    windows: Vec<Window>,
    /// The floor lies under all frames at once, or it would jump from one to the next.
    floor: Option<Corners>,
}

/// The lowest and the highest corner of a box in world axes [m].
type Corners = [Vec3<f64>; 2];

/// What there is to draw at one time.
struct Frame {
    time: f64,
    solids: Vec<Seen>,
    /// Whether each solid moves.
    moves: Vec<bool>,
    swarm: Swarm,
    shadows: Vec<Vec<[f64; 2]>>,
    patches: Vec<Patch>,
    trace: Vec<[f64; 2]>,
    /// Around what moves.
    reach: Option<Corners>,
}

impl<'m> Frames<'m> {
    /// As many frames as asked, at most one for each state, evenly spaced, the first and the last state included;
    /// with the path of a site.
    pub fn spread(motion: &'m Motion<'m>, count: usize, site: Option<&str>) -> Self {
        let camera = Camera::choose(motion);
        let last = motion.states.len() - 1;
        let count = count.clamp(1, last + 1);
        let at = |k: usize| (k as f64 * last as f64 / (count.max(2) - 1) as f64).round() as usize;
        let chosen = (0..count).map(at).collect();
        let trace = traced(motion, site, &camera);
        let mut frames = Self { motion, camera, chosen, trace, windows: Vec::new(), floor: None };
        let looked = (0..count).into_par_iter().map(|k| frames.frame(k)).map(|f| (f.window(), f.reach));
        let (own, reaches): (Vec<_>, Vec<_>) = looked.unzip();
        frames.floor = reaches.into_iter().flatten().reduce(|a, b| around(a.into_iter().chain(b), a));
        frames.windows = windows(own, &frames.frame(0), &frames.trace);
        frames
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.chosen.len()
    }

    /// Width and height of all windows [m].
    pub fn size(&self) -> (f64, f64) {
        (self.windows[0].width, self.windows[0].height)
    }

    /// Draws a frame with its time below, at a place of the page and with so many of its units for each metre.
    pub fn draw(&self, k: usize, canvas: &Canvas<'_>, (left, top): (f64, f64), scale: f64) {
        let frame = self.frame(k);
        let window = self.windows[k];
        frame.draw(&Sheet { canvas, window, left, top, scale });
        let at = (left + 0.5 * window.width * scale, top + window.height * scale + 0.5 * CAPTION + 2.0);
        let label = format!("{:.2} s", frame.time);
        canvas
            .draw_text(&label, &text(12.0, HPos::Center), (fine(at.0), fine(at.1)))
            .expect("drawing into memory");
    }

    fn frame(&self, k: usize) -> Frame {
        let k = self.chosen[k];
        let until = self.trace.get(..=k).unwrap_or(&[]).to_vec();
        frame(self.motion, &self.camera, &self.motion.states[k], until, self.floor)
    }
}

/// The path of the traced site, a point for each state.
fn traced(motion: &Motion<'_>, site: Option<&str>, camera: &Camera) -> Vec<[f64; 2]> {
    let names = &motion.model.topology.names.sites;
    let site = site.and_then(|name| names.iter().position(|n| n == name));
    let Some(site) = site else { return Vec::new() };
    let mut links = Links::new(motion.model);
    let at = |state: &State<f64>| {
        kinematics(motion.model, state, &mut links);
        flat(camera.see(links.site(motion.model, site).0))
    };
    motion.states.iter().map(at).collect()
}

fn frame(
    motion: &Motion<'_>,
    camera: &Camera,
    state: &State<f64>,
    trace: Vec<[f64; 2]>,
    floor: Option<Corners>,
) -> Frame {
    let mut links = Links::new(motion.model);
    kinematics(motion.model, state, &mut links);
    let t = &motion.model.topology;
    let is_fixed = |b: usize| t.bodies[b].last_dof.is_none() && t.bodies[t.bodies[b].root].mocap.is_none();
    let mut solids: Vec<(Solid, bool)> = Vec::new();
    let mut grounds = walls(motion);
    let swarm = Swarm::new(motion, camera, state);
    let worst = t.geoms.iter().map(|g| g.group).min().unwrap_or(0).max(LAST_GROUP);
    for (at, geom) in t.geoms.iter().zip(&motion.model.geoms).filter(|(g, _)| g.group <= worst) {
        if at.color[3] <= 0.0 {
            continue;
        }
        let rotation = links.bodies[at.body].quat * geom.rotation;
        let pose = Pose { position: links.point(at.body, geom.position), rotation };
        match Solid::new(at.shape, geom.size, pose, at.color, &motion.description.meshes) {
            Some(solid) => solids.push((solid, !is_fixed(at.body))),
            None => grounds.push(Ground { pose, size: [geom.size.x, geom.size.y] }),
        }
    }
    solids.extend(marks(motion, &links, &is_fixed));
    let moving = solids.iter().filter(|(_, moves)| *moves).flat_map(|(s, _)| s.points());
    let mut moving = moving.chain(swarm.places.iter().copied());
    let reach = moving.next().map(|first| around(moving, [first, first]));
    let floor = floor.or(reach).map_or(Vec::new(), |[lo, hi]| {
        let end = |k: usize, axis: usize| if k >> axis & 1 == 0 { lo } else { hi }.to_array()[axis];
        (0..8).map(|k| Vec3::from([0, 1, 2].map(|axis| end(k, axis)))).collect()
    });
    let mut shadows = Vec::new();
    for ground in &grounds {
        let moving = solids.iter().filter(|(_, moves)| *moves);
        shadows.extend(moving.filter_map(|(s, _)| ground.shadow(camera, s)));
    }
    Frame {
        time: state.time,
        patches: grounds.iter().map(|g| g.patch(camera, &floor)).collect(),
        shadows,
        moves: solids.iter().map(|(_, moves)| *moves).collect(),
        solids: solids.iter().map(|(s, _)| s.seen(camera)).collect(),
        swarm,
        trace,
        reach,
    }
}

/// The box around points and a box.
fn around(points: impl Iterator<Item = Vec3<f64>>, first: Corners) -> Corners {
    points.fold(first, |[lo, hi], p| {
        let with = |c: Vec3<f64>, pick: fn(f64, f64) -> f64| {
            Vec3::new(pick(c.x, p.x), pick(c.y, p.y), pick(c.z, p.z))
        };
        [with(lo, f64::min), with(hi, f64::max)]
    })
}

/// Sites as small balls and tendons as thin rods.
fn marks(motion: &Motion<'_>, links: &Links<f64>, is_fixed: &dyn Fn(usize) -> bool) -> Vec<(Solid, bool)> {
    let (model, d) = (motion.model, motion.description);
    let mut out = Vec::new();
    for (s, site) in d.sites.iter().enumerate() {
        let (position, rotation) = links.site(model, s);
        let radius = site.size[0].clamp(0.004, 0.02);
        let pose = Pose { position, rotation };
        let size = Vec3::new(radius, radius, radius);
        let solid = Solid::new(Shape::Sphere, size, pose, site.color, &[]);
        out.extend(solid.map(|s| (s, !is_fixed(site.body))));
    }
    for (path, tendon) in model.topology.tendons.iter().zip(&d.tendons) {
        let TendonPath::Spatial(pieces) = path else { continue };
        for p in pieces {
            let ends = [p.from, p.to].map(|s| links.site(model, s).0);
            let rod = Solid::rod(ends[0], ends[1], tendon.width.max(0.003), tendon.color);
            out.extend(rod.map(|s| (s, true)));
        }
    }
    out
}

/// One window on the scene for each frame, all of one size: the same for all frames, or following the
/// robot if it goes far.
fn windows(own: Vec<Option<Window>>, first: &Frame, trace: &[[f64; 2]]) -> Vec<Window> {
    let empty = Window::around([[-0.5, -0.5], [0.5, 0.5]]);
    let count = own.len();
    let Some(own) = own.into_iter().collect::<Option<Vec<Window>>>() else { return vec![empty; count] };
    let mut all = own.iter().copied().reduce(Window::joined).unwrap_or(empty);
    let largest = own.iter().fold((0.0f64, 0.0f64), |(w, h), o| (w.max(o.width), h.max(o.height)));
    let goes_far = (all.width > FAR * largest.0, all.height > FAR * largest.1);
    if goes_far == (false, false) {
        all = trace.iter().fold(all, |all, p| all.joined(Window::at(*p)));
        // What stands still near by belongs to the scene; a wall or a long rail does not widen it.
        for (solid, moves) in first.solids.iter().zip(&first.moves) {
            let wider = all.joined(Window::around(solid.bounds));
            let grows = (wider.width / all.width.max(1e-9)).max(wider.height / all.height.max(1e-9));
            if !moves && grows < 1.6 {
                all = wider;
            }
        }
    }
    let size = (
        if goes_far.0 { 1.3 * largest.0 } else { all.width },
        if goes_far.1 { 1.3 * largest.1 } else { all.height },
    );
    let room = 0.06 * size.0.max(size.1).max(0.01);
    let size = ((size.0 + 2.0 * room).max(0.35 * size.1), (size.1 + 2.0 * room).max(0.25 * size.0));
    let centered = |o: &Window| {
        let middle = |follow: bool, own: f64, all: f64| if follow { own } else { all };
        let x = middle(goes_far.0, o.left + 0.5 * o.width, all.left + 0.5 * all.width);
        let y = middle(goes_far.1, o.bottom + 0.5 * o.height, all.bottom + 0.5 * all.height);
        Window { left: x - 0.5 * size.0, bottom: y - 0.5 * size.1, width: size.0, height: size.1 }
    };
    own.iter().map(centered).collect()
}

impl Frame {
    /// Around what moves, or around everything if nothing does.
    fn window(&self) -> Option<Window> {
        let swarm = self.swarm.window();
        let any_moves = self.moves.iter().any(|m| *m) || swarm.is_some();
        let all = self.solids.iter().zip(&self.moves).filter(|(_, m)| **m || !any_moves);
        let shadows = self.shadows.iter().flatten().map(|p| Window::at(*p));
        all.map(|(s, _)| Window::around(s.bounds)).chain(shadows).chain(swarm).reduce(Window::joined)
    }

    fn draw(&self, sheet: &Sheet<'_, '_>) {
        for patch in &self.patches {
            patch.draw(sheet);
        }
        for shadow in &self.shadows {
            sheet.fill(shadow, RGBColor(214, 217, 222));
        }
        let color = rgb(TRACE, 0.0);
        sheet.line(&self.trace, color, 1.1);
        for k in back_to_front(&self.solids) {
            self.solids[k].draw(sheet);
        }
        self.swarm.draw(sheet);
        sheet.dot(self.trace.last().copied(), color, 2.2);
    }
}

impl Seen {
    fn draw(&self, sheet: &Sheet<'_, '_>) {
        let [r, g, b, alpha] = self.color;
        let ink = rgb([0.3 * r, 0.3 * g, 0.3 * b, alpha], 0.0);
        let is_mesh = self.outline.is_empty();
        for region in &self.regions {
            let color = rgb(self.color, region.tone);
            sheet.fill(&region.polygon, color);
            if is_mesh {
                // Hides the seams between the triangles.
                sheet.closed(&region.polygon, color, 0.5);
            }
            for edge in &region.edges {
                sheet.line(edge, ink, if is_mesh { 0.8 } else { 0.5 });
            }
        }
        sheet.closed(&self.outline, ink, 0.9);
    }
}

/// A colour under a light that falls with the cosine `tone`.
pub fn rgb(color: [f64; 4], tone: f64) -> RGBColor {
    let shade = 0.80 + 0.30 * tone;
    let gloss = 0.35 * (tone - 0.55).max(0.0);
    // A see-through colour fades into the white of the page.
    let alpha = 0.25 + 0.75 * color[3];
    let channel = |c: f64| {
        let lit = (c * shade).min(1.0);
        let lit = lit + (1.0 - lit) * gloss;
        (255.0 * (alpha * lit + 1.0 - alpha)).round() as u8
    };
    RGBColor(channel(color[0]), channel(color[1]), channel(color[2]))
}
