//! A part of the page that shows a window on the scene: what is outside is cut off.

use plotters::prelude::*;

use super::picture::{Canvas, fine};

/// A rectangle in the picture plane of a camera [m].
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub left: f64,
    pub bottom: f64,
    pub width: f64,
    pub height: f64,
}

/// Where a window lies on the page.
pub struct Sheet<'a, 'c> {
    pub canvas: &'a Canvas<'c>,
    pub window: Window,
    pub left: f64,
    pub top: f64,
    /// Units of the page for each metre.
    pub scale: f64,
}

impl Window {
    pub fn around([lo, hi]: [[f64; 2]; 2]) -> Self {
        Self { left: lo[0], bottom: lo[1], width: hi[0] - lo[0], height: hi[1] - lo[1] }
    }
    pub fn at(p: [f64; 2]) -> Self {
        Self::around([p, p])
    }
    pub fn joined(self, o: Self) -> Self {
        let (right, top) = (self.left + self.width, self.bottom + self.height);
        let lo = [self.left.min(o.left), self.bottom.min(o.bottom)];
        Self::around([lo, [right.max(o.left + o.width), top.max(o.bottom + o.height)]])
    }
    /// The sides as half-planes: a coordinate, its bound, and the sign of the inside.
    fn sides(self) -> [(usize, f64, f64); 4] {
        let (right, top) = (self.left + self.width, self.bottom + self.height);
        [(0, self.left, 1.0), (0, right, -1.0), (1, self.bottom, 1.0), (1, top, -1.0)]
    }
    /// The part of a polygon inside the window (Sutherland and Hodgman).
    fn cut(self, polygon: &[[f64; 2]]) -> Vec<[f64; 2]> {
        let mut out = polygon.to_vec();
        for (k, bound, sign) in self.sides() {
            let inside = |p: [f64; 2]| sign * (p[k] - bound);
            let mut next = Vec::with_capacity(out.len() + 2);
            for i in 0..out.len() {
                let (a, b) = (out[i], out[(i + 1) % out.len()]);
                let (da, db) = (inside(a), inside(b));
                if da >= 0.0 {
                    next.push(a);
                }
                if (da >= 0.0) != (db >= 0.0) {
                    let s = da / (da - db);
                    next.push([a[0] + s * (b[0] - a[0]), a[1] + s * (b[1] - a[1])]);
                }
            }
            out = next;
        }
        out
    }
    /// The part of a straight line inside the window (Liang and Barsky).
    fn cut_line(self, [a, b]: [[f64; 2]; 2]) -> Option<[[f64; 2]; 2]> {
        let (mut from, mut to) = (0.0f64, 1.0f64);
        for (k, bound, sign) in self.sides() {
            let (da, db) = (sign * (a[k] - bound), sign * (b[k] - bound));
            match (da >= 0.0, db >= 0.0) {
                (true, true) => {}
                (false, false) => return None,
                (false, true) => from = from.max(da / (da - db)),
                (true, false) => to = to.min(da / (da - db)),
            }
        }
        let at = |s: f64| [a[0] + s * (b[0] - a[0]), a[1] + s * (b[1] - a[1])];
        (from < to).then(|| [at(from), at(to)])
    }
}

impl Sheet<'_, '_> {
    fn place(&self, p: [f64; 2]) -> (i32, i32) {
        let x = self.left + (p[0] - self.window.left) * self.scale;
        let y = self.top + (self.window.bottom + self.window.height - p[1]) * self.scale;
        (fine(x), fine(y))
    }

    pub fn fill(&self, polygon: &[[f64; 2]], color: RGBColor) {
        let points: Vec<_> = self.window.cut(polygon).into_iter().map(|p| self.place(p)).collect();
        if points.len() > 2 {
            self.canvas.draw(&Polygon::new(points, color.filled())).expect("drawing into memory");
        }
    }

    /// A line through points, in as many pieces as the window leaves.
    pub fn line(&self, points: &[[f64; 2]], color: RGBColor, width: f64) {
        let style = ShapeStyle { color: color.to_rgba(), filled: false, stroke_width: fine(width) as u32 };
        let mut run: Vec<(i32, i32)> = Vec::new();
        let draw = |run: &mut Vec<(i32, i32)>| {
            if run.len() > 1 {
                self.canvas.draw(&PathElement::new(run.clone(), style)).expect("drawing into memory");
            }
            run.clear();
        };
        for pair in points.windows(2) {
            let Some([a, b]) = self.window.cut_line([pair[0], pair[1]]) else { continue };
            let (a, b) = (self.place(a), self.place(b));
            if run.last() != Some(&a) {
                draw(&mut run);
                run.push(a);
            }
            run.push(b);
        }
        draw(&mut run);
    }

    /// The border of a polygon.
    pub fn closed(&self, polygon: &[[f64; 2]], color: RGBColor, width: f64) {
        // Two points more than there are corners: the last joint is round as well.
        let round: Vec<_> = polygon.iter().chain(polygon.iter().take(2)).copied().collect();
        self.line(&round, color, width);
    }

    pub fn dot(&self, at: Option<[f64; 2]>, color: RGBColor, radius: f64) {
        let Some(at) = at.filter(|p| self.window.sides().iter().all(|(k, b, s)| s * (p[*k] - b) >= 0.0))
        else {
            return;
        };
        let dot = Circle::new(self.place(at), fine(radius), color.filled());
        self.canvas.draw(&dot).expect("drawing into memory");
    }
}
