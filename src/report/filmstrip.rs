//! The robot at chosen times, side by side.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::Motion;
use super::camera::Camera;
use super::ground::{Ground, Patch};
use super::picture::{Canvas, Picture, fine, text};
use super::sheet::{Sheet, Window};
use super::solid::{Seen, Solid, back_to_front, flat};
use crate::model::description::Shape;
use crate::model::{State, TendonPath};
use crate::physics::articulated::{Links, kinematics};
use crate::spatial::{Pose, Vec3};

/// What a filmstrip shows.
#[derive(Clone, Debug)]
pub struct Filmstrip {
    /// How many times, the first and the last included.
    pub frames: usize,
    /// The name of a site whose path is drawn.
    pub trace: Option<String>,
}

impl Default for Filmstrip {
    fn default() -> Self {
        Self { frames: 8, trace: None }
    }
}

/// Width of the page and the most height that frames may take.
const PAGE: (f64, f64) = (1120.0, 820.0);
/// How many times its own size a robot goes before the windows follow it.
const FAR: f64 = 8.0;
const GAP: f64 = 6.0;
const CAPTION: f64 = 22.0;
const MARGIN: f64 = 10.0;
/// Geoms of higher groups are not for looking at: collision shapes, most often.
const LAST_GROUP: i64 = 2;
const TRACE: [f64; 4] = [0.84, 0.37, 0.0, 1.0];

/// What there is to draw at one time.
struct Frame {
    time: f64,
    solids: Vec<Seen>,
    /// Whether each solid moves.
    moves: Vec<bool>,
    shadows: Vec<Vec<[f64; 2]>>,
    patches: Vec<Patch>,
    trace: Vec<[f64; 2]>,
}

/// Draws the robot from its geoms at evenly spaced times.
pub fn filmstrip(motion: &Motion<'_>, options: &Filmstrip) -> Picture {
    let camera = Camera::choose(motion);
    let last = motion.states.len() - 1;
    let count = options.frames.clamp(1, last + 1);
    let chosen: Vec<usize> =
        (0..count).map(|k| (k as f64 * last as f64 / (count.max(2) - 1) as f64).round() as usize).collect();
    let trace = traced(motion, options, &camera);
    let frames: Vec<Frame> = chosen
        .iter()
        .map(|&k| {
            let until = trace.get(..=k).unwrap_or(&[]).to_vec();
            frame(motion, &camera, &motion.states[k], until)
        })
        .collect();
    let windows = windows(&frames, &trace);
    let (width, height) = (windows[0].width, windows[0].height);
    let (columns, scale) = grid(frames.len(), width, height);
    let rows = frames.len().div_ceil(columns);
    let cell = (width * scale, height * scale + CAPTION);
    let page = (
        2.0 * MARGIN + columns as f64 * (cell.0 + GAP) - GAP,
        2.0 * MARGIN + rows as f64 * (cell.1 + GAP) - GAP,
    );
    Picture::draw(page.0, page.1, |canvas| {
        for (k, (frame, window)) in frames.iter().zip(&windows).enumerate() {
            let left = MARGIN + (k % columns) as f64 * (cell.0 + GAP);
            let top = MARGIN + (k / columns) as f64 * (cell.1 + GAP);
            frame.draw(&Sheet { canvas, window: *window, left, top, scale });
            caption(canvas, frame.time, left + 0.5 * cell.0, top + height * scale + 0.5 * CAPTION + 2.0);
        }
    })
}

fn caption(canvas: &Canvas<'_>, time: f64, x: f64, y: f64) {
    let label = format!("{time:.2} s");
    canvas.draw_text(&label, &text(12.0, HPos::Center), (fine(x), fine(y))).expect("drawing into memory");
}

/// The path of the traced site, a point for each state.
fn traced(motion: &Motion<'_>, options: &Filmstrip, camera: &Camera) -> Vec<[f64; 2]> {
    let names = &motion.model.topology.names.sites;
    let site = options.trace.as_ref().and_then(|name| names.iter().position(|n| n == name));
    let Some(site) = site else { return Vec::new() };
    let mut links = Links::new(motion.model);
    let at = |state: &State<f64>| {
        kinematics(motion.model, state, &mut links);
        flat(camera.see(links.site(motion.model, site).0))
    };
    motion.states.iter().map(at).collect()
}

fn frame(motion: &Motion<'_>, camera: &Camera, state: &State<f64>, trace: Vec<[f64; 2]>) -> Frame {
    let mut links = Links::new(motion.model);
    kinematics(motion.model, state, &mut links);
    let t = &motion.model.topology;
    let is_fixed = |b: usize| t.bodies[b].last_dof.is_none() && t.bodies[t.bodies[b].root].mocap.is_none();
    let mut solids: Vec<(Solid, bool)> = Vec::new();
    let mut grounds = Vec::new();
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
    let moving: Vec<Vec3<f64>> =
        solids.iter().filter(|(_, moves)| *moves).flat_map(|(s, _)| s.points()).collect();
    let mut shadows = Vec::new();
    for ground in &grounds {
        let moving = solids.iter().filter(|(_, moves)| *moves);
        shadows.extend(moving.filter_map(|(s, _)| ground.shadow(camera, s)));
    }
    Frame {
        time: state.time,
        patches: grounds.iter().map(|g| g.patch(camera, &moving)).collect(),
        shadows,
        moves: solids.iter().map(|(_, moves)| *moves).collect(),
        solids: solids.iter().map(|(s, _)| s.seen(camera)).collect(),
        trace,
    }
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
fn windows(frames: &[Frame], trace: &[[f64; 2]]) -> Vec<Window> {
    let of_frame = |f: &Frame| {
        let any_moves = f.moves.iter().any(|m| *m);
        let all = f.solids.iter().zip(&f.moves).filter(|(_, m)| **m || !any_moves);
        let shadows = f.shadows.iter().flatten().map(|p| Window::at(*p));
        all.map(|(s, _)| Window::around(s.bounds)).chain(shadows).reduce(Window::joined)
    };
    let own: Vec<Window> = frames.iter().filter_map(of_frame).collect();
    let empty = Window::around([[-0.5, -0.5], [0.5, 0.5]]);
    if own.len() < frames.len() {
        return vec![empty; frames.len()];
    }
    let mut all = own.iter().copied().reduce(Window::joined).unwrap_or(empty);
    let largest = own.iter().fold((0.0f64, 0.0f64), |(w, h), o| (w.max(o.width), h.max(o.height)));
    let goes_far = (all.width > FAR * largest.0, all.height > FAR * largest.1);
    if goes_far == (false, false) {
        all = trace.iter().fold(all, |all, p| all.joined(Window::at(*p)));
        // What stands still near by belongs to the scene; a wall or a long rail does not widen it.
        for (solid, moves) in frames[0].solids.iter().zip(&frames[0].moves) {
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

/// The number of columns that lets frames be largest, and the units of the page for each metre.
fn grid(frames: usize, width: f64, height: f64) -> (usize, f64) {
    let scale = |columns: usize| {
        let rows = frames.div_ceil(columns) as f64;
        let across = (PAGE.0 - 2.0 * MARGIN - GAP * (columns - 1) as f64) / columns as f64;
        let down = PAGE.1 / rows - CAPTION - GAP;
        (across / width).min(down / height)
    };
    let even = (1..=frames).rev().filter(|c| frames.is_multiple_of(*c));
    even.map(|c| (c, scale(c))).reduce(|a, b| if b.1 > 1.02 * a.1 { b } else { a }).unwrap_or((1, 1.0))
}

impl Frame {
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
fn rgb(color: [f64; 4], tone: f64) -> RGBColor {
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
