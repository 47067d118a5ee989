//! Small multiples: rows of panels that share a legend.

use std::ops::Range;

use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::picture::{Canvas, INK, Picture, fine, text, text_width};

/// Rows of panels above one horizontal axis.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What runs from left to right, with its unit.
    pub horizontal: String,
    /// From top to bottom.
    pub rows: Vec<Row>,
}

/// Panels side by side whose series have the same names, colours and dashes.
#[derive(Clone, Debug)]
pub struct Row {
    /// One for each curve.
    pub names: Vec<String>,
    /// From top to bottom.
    pub panels: Vec<Panel>,
}

/// One pair of axes.
#[derive(Clone, Debug)]
pub struct Panel {
    /// What goes upward, with its unit.
    pub vertical: String,
    /// Common to all curves.
    pub x: Vec<f64>,
    /// One series for each name of the row.
    pub series: Vec<Vec<f64>>,
    /// Of the vertical axis.
    pub scale: Scale,
    /// How curves are drawn.
    pub shape: Shape,
    /// Values marked by a thin line across: the limits of a control.
    pub marks: Vec<f64>,
}

/// How numbers become heights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// Straight from point to point.
    #[default]
    Linear,
    /// Equal distances for equal ratios.
    Logarithmic,
}

/// How a series goes from one value to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// Straight from point to point.
    #[default]
    Line,
    /// A value holds until the next.
    Steps,
    /// The first series is dots, the others are lines.
    Dots,
}

/// The most series that one panel shows legibly.
pub const MOST_SERIES: usize = 6;

/// Width and height of a panel with its labels.
const PANEL: (f64, f64) = (444.0, 190.0);
/// Room to the right of a panel, for half of its last number and a gap.
const RIGHT: f64 = 24.0;
const FOOT: f64 = 46.0;
const LEFT: f64 = 70.0;
const TEXT: f64 = 11.0;
const LABEL: f64 = 12.0;

/// A colour, a dash and a gap (0: a whole line), and a width.
struct Stroke(RGBColor, f64, f64, f64);

/// Okabe and Ito's colours in an order that alternates in brightness, each with its own dash, so that
/// series differ in grey and for eyes that see few colours.
const STROKES: [Stroke; MOST_SERIES] = [
    Stroke(RGBColor(0, 114, 178), 0.0, 0.0, 1.7),
    Stroke(RGBColor(230, 159, 0), 0.0, 0.0, 2.3),
    Stroke(RGBColor(0, 0, 0), 6.0, 3.0, 1.3),
    Stroke(RGBColor(0, 158, 115), 11.0, 3.0, 1.9),
    Stroke(RGBColor(213, 94, 0), 2.2, 2.2, 1.9),
    Stroke(RGBColor(204, 121, 167), 4.5, 1.8, 2.3),
];

impl Figure {
    /// The picture.
    pub fn draw(&self) -> Picture {
        let columns = self.rows.iter().map(|r| r.panels.len()).max().unwrap_or(1);
        let names = self.rows.iter().filter(|r| r.has_legend()).flat_map(|r| &r.names);
        let legend = names.map(|n| text_width(n, TEXT) + 52.0).fold(14.0, f64::max);
        let width = 8.0 + columns as f64 * PANEL.0 + legend;
        let height = 12.0 + self.rows.len() as f64 * PANEL.1 + (FOOT - 14.0);
        Picture::draw(width, height, |canvas| {
            for (r, row) in self.rows.iter().enumerate() {
                let last = r + 1 == self.rows.len();
                let top = 12.0 + r as f64 * PANEL.1;
                for (c, panel) in row.panels.iter().enumerate() {
                    let foot = if last { FOOT } else { 20.0 };
                    let area = (8.0 + c as f64 * PANEL.0, top, PANEL.0, PANEL.1 - 20.0 + foot - 6.0);
                    panel.draw(canvas, area, foot, last.then_some(&self.horizontal));
                }
                if row.has_legend() {
                    row.draw_legend(canvas, 8.0 + columns as f64 * PANEL.0 + 8.0, top + 8.0);
                }
            }
        })
    }
}

impl Row {
    /// A single series is named by its axis already.
    fn has_legend(&self) -> bool {
        self.names.len() > 1
    }

    fn draw_legend(&self, canvas: &Canvas<'_>, left: f64, top: f64) {
        for (k, name) in self.names.iter().enumerate() {
            let y = top + 4.0 + 17.0 * k as f64;
            if k == 0 && self.panels.iter().all(|panel| panel.shape == Shape::Dots) {
                draw_dot(canvas, left + 14.0, y);
            } else {
                STROKES[k % MOST_SERIES].draw(canvas, &[(left, y), (left + 28.0, y)]);
            }
            let at = (fine(left + 35.0), fine(y));
            canvas.draw_text(name, &text(TEXT, HPos::Left), at).expect("drawing into memory");
        }
    }
}

impl Stroke {
    fn style(&self) -> ShapeStyle {
        ShapeStyle { color: self.0.to_rgba(), filled: false, stroke_width: fine(self.3) as u32 }
    }
    /// A line through points of the canvas.
    fn draw(&self, canvas: &Canvas<'_>, points: &[(f64, f64)]) {
        let points: Vec<_> = points.iter().map(|&(x, y)| (fine(x), fine(y))).collect();
        let drawn = if self.1 > 0.0 {
            let dashed = DashedPathElement::new(points, fine(self.1), fine(self.2), self.style());
            canvas.draw(&dashed)
        } else {
            canvas.draw(&PathElement::new(points, self.style()))
        };
        drawn.expect("drawing into memory");
    }
}

/// Where a panel's numbers lie on the page.
struct Frame {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
    across: Range<f64>,
    upward: Range<f64>,
}

impl Frame {
    fn x(&self, x: f64) -> f64 {
        self.left + (x - self.across.start) / (self.across.end - self.across.start) * self.width
    }
    fn y(&self, y: f64) -> f64 {
        self.top + (self.upward.end - y) / (self.upward.end - self.upward.start) * self.height
    }
}

impl Panel {
    /// Draws into `area` (left, top, width, height), of which `foot` holds the numbers below.
    fn draw(
        &self,
        canvas: &Canvas<'_>,
        (left, top, width, height): (f64, f64, f64, f64),
        foot: f64,
        horizontal: Option<&String>,
    ) {
        let heights = self.series.iter().flatten().copied().filter(|y| y.is_finite());
        let upward = match self.scale {
            Scale::Linear => span(heights.chain(self.marks.iter().copied()), 0.06),
            Scale::Logarithmic => span(heights.filter(|y| *y > 0.0).map(f64::log10), 0.06),
        };
        let frame = Frame {
            left: left + LEFT,
            top: top + 6.0,
            width: width - LEFT - RIGHT,
            height: height - foot - 6.0,
            across: span(self.x.iter().copied(), 0.0),
            upward,
        };
        self.draw_axes(canvas, &frame);
        let middle = (fine(left + 11.0), fine(frame.top + 0.5 * frame.height));
        let turned = text(LABEL, HPos::Center).transform(FontTransform::Rotate270);
        canvas.draw_text(&self.vertical, &turned, middle).expect("drawing into memory");
        if let Some(name) = horizontal {
            let at = (fine(frame.left + 0.5 * frame.width), fine(frame.top + frame.height + 34.0));
            canvas.draw_text(name, &text(LABEL, HPos::Center), at).expect("drawing into memory");
        }
        for &mark in &self.marks {
            let ends = [frame.across.start, frame.across.end].map(|x| (frame.x(x), frame.y(mark)));
            Stroke(RGBColor(150, 150, 150), 2.0, 3.0, 0.8).draw(canvas, &ends);
        }
        for (k, series) in self.series.iter().enumerate() {
            if self.shape == Shape::Dots && k == 0 {
                self.draw_dots(canvas, &frame, series);
                continue;
            }
            for run in self.runs(series) {
                let height = |y: f64| if self.is_logarithmic() { y.log10() } else { y };
                let points: Vec<_> = run.into_iter().map(|(x, y)| (frame.x(x), frame.y(height(y)))).collect();
                STROKES[k % MOST_SERIES].draw(canvas, &thinned(&points));
            }
        }
    }

    fn draw_dots(&self, canvas: &Canvas<'_>, frame: &Frame, series: &[f64]) {
        for (x, y) in self.x.iter().zip(series).filter(|(_, y)| y.is_finite()) {
            draw_dot(canvas, frame.x(*x), frame.y(*y));
        }
    }

    /// Two axes with their numbers, and faint lines behind the curves.
    fn draw_axes(&self, canvas: &Canvas<'_>, frame: &Frame) {
        let (right, bottom) = (frame.left + frame.width, frame.top + frame.height);
        let (grid, axis) = (Stroke(RGBColor(230, 230, 230), 0.0, 0.0, 0.7), Stroke(INK, 0.0, 0.0, 0.9));
        let write = |label: String, across: HPos, x: f64, y: f64| {
            let at = (fine(x), fine(y));
            canvas.draw_text(&minus(&label), &text(TEXT, across), at).expect("drawing into memory");
        };
        let across = ticks(&frame.across, 7, false);
        let places = decimals(&across);
        for &tick in &across {
            let x = frame.x(tick);
            grid.draw(canvas, &[(x, frame.top), (x, bottom)]);
            axis.draw(canvas, &[(x, bottom), (x, bottom + 4.0)]);
            write(format!("{:.places$}", tick + 0.0), HPos::Center, x, bottom + 13.0);
        }
        let upward = ticks(&frame.upward, 5, self.is_logarithmic());
        let places = decimals(&upward);
        for &tick in &upward {
            let y = frame.y(tick);
            grid.draw(canvas, &[(frame.left, y), (right, y)]);
            axis.draw(canvas, &[(frame.left - 4.0, y), (frame.left, y)]);
            let label =
                if self.is_logarithmic() { power_of_ten(tick) } else { format!("{:.places$}", tick + 0.0) };
            write(label, HPos::Right, frame.left - 7.0, y);
        }
        axis.draw(canvas, &[(frame.left, frame.top), (frame.left, bottom), (right, bottom)]);
    }

    fn is_logarithmic(&self) -> bool {
        self.scale == Scale::Logarithmic
    }

    /// The points of a series, cut where a number is not finite (or has no logarithm).
    fn runs(&self, series: &[f64]) -> Vec<Vec<(f64, f64)>> {
        let drawable = |y: f64| y.is_finite() && !(self.is_logarithmic() && y <= 0.0);
        let mut runs = vec![Vec::new()];
        for (k, (&x, &y)) in self.x.iter().zip(series).enumerate() {
            let run = runs.last_mut().expect("one run at least");
            if !drawable(y) {
                runs.push(Vec::new());
                continue;
            }
            run.push((x, y));
            let next = self.x.get(k + 1);
            if let (Shape::Steps, Some(&next)) = (self.shape, next) {
                run.push((next, y));
            }
        }
        runs.retain(|run| run.len() > 1);
        runs
    }
}

/// A dot in the colour of the first series.
fn draw_dot(canvas: &Canvas<'_>, x: f64, y: f64) {
    let Stroke(color, ..) = STROKES[0];
    let dot = Circle::new((fine(x), fine(y)), fine(1.6), color.filled());
    canvas.draw(&dot).expect("drawing into memory");
}

/// The range of some numbers, widened by a share on both sides, never empty.
fn span(values: impl Iterator<Item = f64>, margin: f64) -> Range<f64> {
    let (lo, hi) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
    if lo > hi {
        return 0.0..1.0;
    }
    // A constant gets room in proportion to its size: what is rounding must not look like motion.
    let least = 1e-6 * lo.abs().max(hi.abs()).max(1e-3);
    let (lo, hi) = if hi - lo < least { (lo - 0.5, hi + 0.5) } else { (lo, hi) };
    let room = margin * (hi - lo);
    lo - room..hi + room
}

/// Round numbers inside a range; whole powers on a logarithmic axis.
fn ticks(range: &Range<f64>, most: usize, whole: bool) -> Vec<f64> {
    let rough = (range.end - range.start) / most as f64;
    let power = 10f64.powf(rough.log10().floor());
    let mut step = [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|s| *s >= rough).unwrap_or(1.0);
    if whole {
        step = step.max(1.0).round();
    }
    // A sum of time steps ends a little beside a round number.
    let first = (range.start / step - 1e-6).ceil() as i64;
    let last = (range.end / step + 1e-6).floor() as i64;
    (first..=last).map(|k| k as f64 * step).collect()
}

/// How many decimals tell ticks apart.
fn decimals(ticks: &[f64]) -> usize {
    let step = ticks.windows(2).map(|w| w[1] - w[0]).fold(f64::INFINITY, f64::min);
    if step.is_finite() { (-(step.log10() + 1e-9).floor()).clamp(0.0, 9.0) as usize } else { 1 }
}

/// A number with the typographic minus.
fn minus(number: &str) -> String {
    number.replace('-', "\u{2212}")
}

/// A power of ten by its exponent.
fn power_of_ten(exponent: f64) -> String {
    let digit = |c: char| match c {
        '-' => '⁻',
        c => "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(c as usize - '0' as usize).unwrap_or(c),
    };
    let exponent = format!("{}", exponent.round() as i32);
    format!("10{}", exponent.chars().map(digit).collect::<String>())
}

/// At most a few points for each unit of width: of every bin its first, lowest, highest and last.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    const BINS: usize = 600;
    if points.len() <= 4 * BINS {
        return points.to_vec();
    }
    let mut out = Vec::new();
    for bin in points.chunks(points.len().div_ceil(BINS)) {
        let by_height = |a: &usize, b: &usize| bin[*a].1.total_cmp(&bin[*b].1);
        let lowest = (0..bin.len()).min_by(by_height).unwrap_or(0);
        let highest = (0..bin.len()).max_by(by_height).unwrap_or(0);
        let mut kept = [0, lowest, highest, bin.len() - 1];
        kept.sort_unstable();
        out.extend(kept.map(|k| bin[k]));
    }
    out.dedup();
    out
}
