//! The floor: a patch with a grid, the shadows on it, or a line where it is seen from the side.

use plotters::style::RGBColor;

use super::camera::Camera;
use super::sheet::Sheet;
use super::solid::{Solid, flat, hull};
use crate::spatial::{Pose, Vec3};

type Point = Vec3<f64>;

/// A plane geom.
pub struct Ground {
    pub pose: Pose<f64>,
    /// Half-sizes; zero for a plane without end.
    pub size: [f64; 2],
}

/// What is seen of a plane.
pub enum Patch {
    /// From above: a piece under the robot, and the lines of its grid.
    Tile { border: Vec<[f64; 2]>, lines: Vec<[[f64; 2]; 2]> },
    /// From the side: the height of its surface and the ends.
    Edge { height: f64, left: f64, right: f64 },
    /// From below, or upright and edge-on.
    Nothing,
}

const TILE: RGBColor = RGBColor(240, 241, 243);
const GRID: RGBColor = RGBColor(222, 224, 228);
const EDGE: RGBColor = RGBColor(110, 114, 120);

impl Ground {
    fn normal(&self) -> Point {
        self.pose.rotation.rotate(Vec3::unit(2))
    }

    /// The piece of the plane under some points.
    pub fn patch(&self, camera: &Camera, points: &[Point]) -> Patch {
        let facing = self.normal().dot(camera.toward);
        if facing.abs() < 0.05 {
            return self.edge(camera);
        }
        if facing < 0.0 {
            return Patch::Nothing;
        }
        let local: Vec<Point> = points.iter().map(|p| self.pose.inverse().point(*p)).collect();
        let bounds = |k: usize| {
            let all = local.iter().map(|p| p.to_array()[k]);
            let (lo, hi) = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
            if lo > hi { (-0.5, 0.5) } else { (lo, hi) }
        };
        let (x, y) = (bounds(0), bounds(1));
        let reach = 0.5 * (x.1 - x.0).max(y.1 - y.0).max(0.1);
        let step = [0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0]
            .into_iter()
            .find(|s| 6.0 * s >= 2.0 * reach)
            .unwrap_or(10.0);
        let side = |(lo, hi): (f64, f64), half: f64| {
            let grown = (((lo - step) / step).floor() * step, ((hi + step) / step).ceil() * step);
            if half > 0.0 { (grown.0.max(-half), grown.1.min(half)) } else { grown }
        };
        let (x, y) = (side(x, self.size[0]), side(y, self.size[1]));
        if x.0 >= x.1 || y.0 >= y.1 {
            return Patch::Nothing;
        }
        let at = |u: f64, v: f64| flat(camera.see(self.pose.point(Vec3::new(u, v, 0.0))));
        let steps = |(lo, hi): (f64, f64)| {
            let first = (lo / step).ceil() as i64;
            (first..=(hi / step).floor() as i64).map(move |k| k as f64 * step)
        };
        let mut lines: Vec<_> = steps(x).map(|u| [at(u, y.0), at(u, y.1)]).collect();
        lines.extend(steps(y).map(|v| [at(x.0, v), at(x.1, v)]));
        Patch::Tile { border: vec![at(x.0, y.0), at(x.1, y.0), at(x.1, y.1), at(x.0, y.1)], lines }
    }

    fn edge(&self, camera: &Camera) -> Patch {
        let normal = camera.see(self.normal());
        if normal.y < 0.9 {
            return Patch::Nothing;
        }
        let middle = camera.see(self.pose.position);
        let half = if self.size[0] > 0.0 { self.size[0] } else { f64::INFINITY };
        Patch::Edge { height: middle.y, left: middle.x - half, right: middle.x + half }
    }

    /// What a solid shades under a light from straight above the plane.
    pub fn shadow(&self, camera: &Camera, solid: &Solid) -> Option<Vec<[f64; 2]>> {
        let (normal, origin) = (self.normal(), self.pose.position);
        if normal.z < 0.7 || normal.dot(camera.toward) < 0.05 {
            return None;
        }
        let drop = |p: Point| p - normal * normal.dot(p - origin);
        let is_above = solid.points().all(|p| normal.dot(p - origin) > -0.2);
        let is_on = |p: Point| {
            let local = self.pose.inverse().point(p).to_array();
            (0..2).all(|k| self.size[k] <= 0.0 || local[k].abs() <= self.size[k])
        };
        let all: Vec<Point> = solid.points().map(drop).collect();
        (is_above && all.iter().all(|p| is_on(*p)))
            .then(|| hull(all.into_iter().map(|p| flat(camera.see(p))).collect()))
    }
}

impl Patch {
    pub fn draw(&self, sheet: &Sheet<'_, '_>) {
        match self {
            Self::Tile { border, lines } => {
                sheet.fill(border, TILE);
                for line in lines {
                    sheet.line(line, GRID, 0.7);
                }
            }
            Self::Edge { height, left, right } => {
                let (lo, hi) = (sheet.window.left, sheet.window.left + sheet.window.width);
                let (left, right) = (left.max(lo), right.min(hi));
                let deep = height - 0.03 * sheet.window.height;
                sheet.fill(&[[left, *height], [right, *height], [right, deep], [left, deep]], TILE);
                sheet.line(&[[left, *height], [right, *height]], EDGE, 1.1);
            }
            Self::Nothing => {}
        }
    }
}
