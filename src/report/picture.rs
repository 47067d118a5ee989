//! One drawing, as SVG and as PNG.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use resvg::{tiny_skia, usvg};

use super::lettering::outlined;
use crate::error::Error;

/// Drawing happens this much larger: the backend rounds to whole numbers, and curves need finer ones.
const FINE: f64 = 10.0;
/// Pixels of the PNG for each unit of the SVG.
const PNG_SCALE: f32 = 2.0;
const FONT: &str = "DejaVu Sans, sans-serif";
/// The colour of text and axes.
pub const INK: RGBColor = RGBColor(38, 38, 38);

pub type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A finished drawing.
#[derive(Clone, Debug)]
pub struct Picture {
    svg: String,
}

/// A length of the drawing in the backend's whole numbers.
pub fn fine(x: f64) -> i32 {
    (x * FINE).round() as i32
}

/// A text style of a size in units of the drawing, anchored by its middle height.
pub fn text(size: f64, across: HPos) -> TextStyle<'static> {
    // The backend divides sizes by 1.24.
    (FONT, size * 1.24 * FINE).into_font().color(&INK).pos(Pos::new(across, VPos::Center))
}

/// The width of a text in DejaVu Sans, a little generous.
pub fn text_width(text: &str, size: f64) -> f64 {
    let narrow = |c: char| "ijltfrI.,:;'|()[] ".contains(c);
    text.chars().map(|c| if narrow(c) { 0.42 } else { 0.66 }).sum::<f64>() * size
}

impl Picture {
    /// Draws on a white canvas of the given width and height.
    pub fn draw(width: f64, height: f64, draw: impl FnOnce(&Canvas<'_>)) -> Self {
        let mut svg = String::new();
        let size = (fine(width) as u32, fine(height) as u32);
        {
            let canvas = SVGBackend::with_string(&mut svg, size).into_drawing_area();
            canvas.fill(&WHITE).expect("drawing into memory");
            draw(&canvas);
            canvas.present().expect("drawing into memory");
        }
        let body = svg.split_once('\n').map_or("", |(_, body)| body);
        // Round joins, or the mitres of steep curves stand out like thorns.
        let head = format!(
            "<svg width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {} {}\" stroke-linejoin=\"round\" \
             xmlns=\"http://www.w3.org/2000/svg\">\n",
            size.0, size.1
        );
        Self { svg: head + body }
    }

    /// The text of the picture.
    pub fn svg(&self) -> &str {
        &self.svg
    }

    /// The drawing as a PNG file.
    pub fn png(&self) -> Vec<u8> {
        self.pixels(PNG_SCALE).encode_png().expect("encoding into memory")
    }

    /// The drawing with so many pixels for each of its units.
    pub(super) fn pixels(&self, scale: f32) -> tiny_skia::Pixmap {
        let tree = usvg::Tree::from_str(&outlined(&self.svg), &usvg::Options::default())
            .expect("our own SVG is valid");
        let size = tree.size();
        let (width, height) = (size.width() * scale, size.height() * scale);
        let mut pixels =
            tiny_skia::Pixmap::new(width.ceil() as u32, height.ceil() as u32).expect("a picture has a size");
        resvg::render(&tree, tiny_skia::Transform::from_scale(scale, scale), &mut pixels.as_mut());
        pixels
    }

    /// Writes `name.svg` and `name.png` into a folder.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, folder: &Path, name: &str) -> Result<(), Error> {
        for (ending, bytes) in [("svg", self.svg.as_bytes()), ("png", &self.png()[..])] {
            let path = folder.join(format!("{name}.{ending}"));
            std::fs::write(&path, bytes)
                .map_err(|e| Error::in_file(path.display().to_string(), format!("cannot be written: {e}")))?;
        }
        Ok(())
    }
}
