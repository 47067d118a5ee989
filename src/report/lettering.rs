//! Letters as outlines, in the font that the binary carries.
//!
//! The SVG keeps its text, which can be searched and changed; the PNG needs letters that look alike on every
//! machine. Labels are single lines of letters, digits and signs: they need no shaping beyond one glyph after the
//! other.

use std::fmt::Write;
use std::sync::OnceLock;

use ttf_parser::{Face, OutlineBuilder};

/// The drawing with each `<text>` replaced by the `<path>` of its letters.
pub fn outlined(svg: &str) -> String {
    let drawing = roxmltree::Document::parse(svg).expect("our own SVG is valid");
    let (mut out, mut end) = (String::with_capacity(svg.len()), 0);
    for text in drawing.descendants().filter(|n| n.has_tag_name("text")) {
        out.push_str(&svg[end..text.range().start]);
        out.push_str(&path(text));
        end = text.range().end;
    }
    out.push_str(&svg[end..]);
    out
}

/// One line of text as a path, at its place.
fn path(text: roxmltree::Node<'_, '_>) -> String {
    let attribute = |name| text.attribute(name).unwrap_or("");
    let number = |name| attribute(name).parse::<f64>().unwrap_or(0.0);
    let size = number("font-size");
    // An ex is half an em.
    let units = [("em", size), ("ex", 0.5 * size), ("", 1.0)];
    let shift = units.iter().find_map(|(unit, scale)| {
        attribute("dy").strip_suffix(unit).and_then(|x| x.parse::<f64>().ok()).map(|x| x * scale)
    });
    let face = face();
    let scale = size / f64::from(face.units_per_em());
    let label = text.text().unwrap_or("").trim();
    let glyphs = || label.chars().map(|c| face.glyph_index(c).unwrap_or_default());
    let advance = |glyph| scale * f64::from(face.glyph_hor_advance(glyph).unwrap_or(0));
    let width: f64 = glyphs().map(advance).sum();
    let before = match attribute("text-anchor") {
        "middle" => 0.5 * width,
        "end" => width,
        _ => 0.0,
    };
    let mut pen =
        Pen { path: String::new(), x: number("x") - before, y: number("y") + shift.unwrap_or(0.0), scale };
    for glyph in glyphs() {
        face.outline_glyph(glyph, &mut pen);
        pen.x += advance(glyph);
    }
    let kept = ["fill", "opacity", "transform"]
        .iter()
        .filter_map(|name| text.attribute(*name).map(|value| format!(" {name}=\"{value}\"")));
    format!("<path d=\"{}\"{}/>", pen.path, kept.collect::<String>())
}

fn face() -> &'static Face<'static> {
    static FACE: OnceLock<Face<'static>> = OnceLock::new();
    FACE.get_or_init(|| Face::parse(dejavu::sans::regular(), 0).expect("the font that the binary carries"))
}

/// Writes outlines where the pen is; the heights of a font grow upward.
struct Pen {
    path: String,
    x: f64,
    y: f64,
    scale: f64,
}

impl Pen {
    fn write(&mut self, command: char, points: &[(f32, f32)]) {
        self.path.push(command);
        for (x, y) in points {
            let (x, y) = (self.x + self.scale * f64::from(*x), self.y - self.scale * f64::from(*y));
            let _ = write!(self.path, "{x:.2} {y:.2} ");
        }
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.write('M', &[(x, y)]);
    }
    fn line_to(&mut self, x: f32, y: f32) {
        self.write('L', &[(x, y)]);
    }
    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.write('Q', &[(x1, y1), (x, y)]);
    }
    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.write('C', &[(x1, y1), (x2, y2), (x, y)]);
    }
    fn close(&mut self) {
        self.path.push('Z');
    }
}
