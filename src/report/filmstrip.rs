//! The robot at chosen times, side by side.

use super::frame::{CAPTION, Frames};
use super::{Motion, Picture};

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
const GAP: f64 = 6.0;
const MARGIN: f64 = 10.0;

/// Draws the robot from its geoms at evenly spaced times.
pub fn filmstrip(motion: &Motion<'_>, options: &Filmstrip) -> Picture {
    let frames = Frames::spread(motion, options.frames, options.trace.as_deref());
    let (width, height) = frames.size();
    let (columns, scale) = grid(frames.count(), width, height);
    let rows = frames.count().div_ceil(columns);
    let cell = (width * scale, height * scale + CAPTION);
    let page = (
        2.0 * MARGIN + columns as f64 * (cell.0 + GAP) - GAP,
        2.0 * MARGIN + rows as f64 * (cell.1 + GAP) - GAP,
    );
    Picture::draw(page.0, page.1, |canvas| {
        for k in 0..frames.count() {
            let left = MARGIN + (k % columns) as f64 * (cell.0 + GAP);
            let top = MARGIN + (k / columns) as f64 * (cell.1 + GAP);
            frames.draw(k, canvas, (left, top), scale);
        }
    })
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
