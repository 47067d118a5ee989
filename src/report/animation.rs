//! The robot in motion, as a GIF.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use gif::{DisposalMethod, Encoder, Repeat};
use rayon::prelude::*;

use super::frame::{CAPTION, Frames};
use super::{Motion, Picture};

/// Between two frames [s], unless that makes too many of them.
const INTERVAL: f64 = 0.04;
const MOST_FRAMES: usize = 200;
/// Hundredths of a second that the end stays in view, and the fewest that viewers honour.
const REST: u16 = 100;
const SHORTEST: u16 = 2;
/// The most width and height that a frame takes [pixels].
const PAGE: (f64, f64) = (480.0, 360.0);
const MARGIN: f64 = 6.0;
/// What has not changed since the last frame is see-through; the other entries of the palette are colours.
const UNCHANGED: u8 = 255;
/// How many frames the palette is made from.
const SAMPLES: usize = 8;

type Color = [u8; 3];

/// Draws the robot from its geoms in real time, with the path of a site; `progress` hears how many frames of how
/// many are drawn, and from any thread.
pub fn animation(
    motion: &Motion<'_>,
    trace: Option<&str>,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Vec<u8> {
    let seconds = motion.states.last().map_or(0.0, |s| s.time) - motion.states[0].time;
    let wanted = ((seconds / INTERVAL).round() as usize + 1).clamp(2, MOST_FRAMES);
    let frames = Frames::spread(motion, wanted, trace);
    let count = frames.count();
    let samples: Vec<usize> = (0..SAMPLES).map(|k| k * (count - 1) / (SAMPLES - 1)).collect();
    let palette = Palette::new(samples.into_par_iter().map(|k| paint(&frames, k).colors).collect());
    let done = AtomicUsize::new(0);
    let images: Vec<Image<u8>> = (0..count)
        .into_par_iter()
        .map(|k| {
            let image = palette.indices(&paint(&frames, k));
            progress(1 + done.fetch_add(1, Ordering::Relaxed), count);
            image
        })
        .collect();
    let hundredths = |k: usize| (100.0 * seconds * k as f64 / (count.max(2) - 1) as f64).round();
    let delay = |k: usize| match k + 1 {
        end if end == count => REST,
        next => ((hundredths(next) - hundredths(k)) as u16).max(SHORTEST),
    };
    encode(&images, &palette, delay).expect("encoding into memory")
}

/// Pixels, line by line.
struct Image<T> {
    width: usize,
    colors: Vec<T>,
}

fn paint(frames: &Frames<'_>, k: usize) -> Image<Color> {
    let (width, height) = frames.size();
    let scale = ((PAGE.0 - 2.0 * MARGIN) / width).min((PAGE.1 - 2.0 * MARGIN - CAPTION) / height);
    let page = (width * scale + 2.0 * MARGIN, height * scale + 2.0 * MARGIN + CAPTION);
    let picture = Picture::draw(page.0.round(), page.1.round(), |canvas| {
        frames.draw(k, canvas, (MARGIN, MARGIN), scale);
    });
    let pixels = picture.pixels(1.0);
    // The page is opaque.
    let colors = pixels.pixels().iter().map(|p| [p.red(), p.green(), p.blue()]).collect();
    Image { width: pixels.width() as usize, colors }
}

/// The colours that most pixels have: drawings are made of few, and blends along edges may be a little off.
struct Palette(Vec<Color>);

impl Palette {
    fn new(samples: Vec<Vec<Color>>) -> Self {
        let mut counts: HashMap<Color, usize> = HashMap::new();
        samples.into_iter().flatten().for_each(|color| *counts.entry(color).or_default() += 1);
        let mut all: Vec<(usize, Color)> = counts.into_iter().map(|(color, count)| (count, color)).collect();
        all.sort_unstable_by(|a, b| b.cmp(a));
        Self(all.into_iter().take(usize::from(UNCHANGED)).map(|(_, color)| color).collect())
    }

    fn nearest(&self, color: Color) -> u8 {
        let far = |c: &Color| (0..3).map(|i| (i32::from(c[i]) - i32::from(color[i])).pow(2)).sum::<i32>();
        (0..self.0.len()).min_by_key(|&i| far(&self.0[i])).unwrap_or(0) as u8
    }

    fn indices(&self, image: &Image<Color>) -> Image<u8> {
        let mut known: HashMap<Color, u8> = HashMap::new();
        let mut index = |color: &Color| *known.entry(*color).or_insert_with(|| self.nearest(*color));
        Image { width: image.width, colors: image.colors.iter().map(&mut index).collect() }
    }
}

fn encode(
    images: &[Image<u8>],
    palette: &Palette,
    delay: impl Fn(usize) -> u16,
) -> Result<Vec<u8>, gif::EncodingError> {
    let width = images[0].width;
    let size = [width, images[0].colors.len() / width].map(|x| x as u16);
    let mut out = Vec::new();
    let mut colors = palette.0.concat();
    colors.resize(3 * 256, 0);
    let mut encoder = Encoder::new(&mut out, size[0], size[1], &colors)?;
    encoder.set_repeat(Repeat::Infinite)?;
    for (k, image) in images.iter().enumerate() {
        let frame = match k {
            0 => {
                gif::Frame { width: size[0], height: size[1], buffer: (&image.colors[..]).into(), ..plain() }
            }
            _ => changed(&images[k - 1], image),
        };
        encoder.write_frame(&gif::Frame { delay: delay(k), ..frame })?;
    }
    drop(encoder);
    Ok(out)
}

fn plain() -> gif::Frame<'static> {
    gif::Frame { dispose: DisposalMethod::Keep, transparent: Some(UNCHANGED), ..gif::Frame::default() }
}

/// The rectangle in which one image differs from the last.
fn changed(last: &Image<u8>, next: &Image<u8>) -> gif::Frame<'static> {
    let width = next.width;
    let differs = |i: usize| last.colors[i] != next.colors[i];
    let places = || (0..next.colors.len()).filter(|&i| differs(i));
    let (mut left, mut right) = (width - 1, 0);
    for i in places() {
        left = left.min(i % width);
        right = right.max(i % width);
    }
    let (top, bottom) = (places().next().unwrap_or(0) / width, places().next_back().unwrap_or(0) / width);
    let (left, right) = if left > right { (0, 0) } else { (left, right) };
    let pixel = |i: usize| if differs(i) { next.colors[i] } else { UNCHANGED };
    let line = |y: usize| (left..=right).map(move |x| y * width + x);
    let [left_edge, top_edge, wide, high] = [left, top, right + 1 - left, bottom + 1 - top].map(|x| x as u16);
    gif::Frame {
        left: left_edge,
        top: top_edge,
        width: wide,
        height: high,
        buffer: (top..=bottom).flat_map(line).map(pixel).collect::<Vec<u8>>().into(),
        ..plain()
    }
}
