//! Matter, and the grid that it is on.

use std::ops::Range;

use toml::Spanned;

use super::file;
use super::particles::{COLORS, magnitude, muscle, vector};
use super::place::Source;
use crate::error::Error;
use crate::model::Description;
use crate::model::continuum::{Kind, Material, Wall};
use crate::model::particle::{GridFile, MatterFile, MuscleFile};
use crate::physics::derive::compile;

/// The most particles of a world.
const MOST: f64 = 2e7;

/// Adds the matter of a scene to its world.
pub fn read(source: &Source<'_>, scene: &file::Scene, d: &mut Description) -> Result<(), Error> {
    let Some(first) = scene.matter.first() else {
        return match &scene.grid {
            Some(grid) => Err(source.error(grid.span(), "a grid without any [[matter]] on it")),
            None => Ok(()),
        };
    };
    let Some(file) = &scene.grid else {
        let what = "matter moves on a grid: add [grid] with lower, upper and cells";
        return Err(source.error(first.span(), what));
    };
    d.particles.grid = grid(source, file)?;
    for matter in &scene.matter {
        let own = Body { source, span: matter.span(), file: matter.get_ref() }.read(d)?;
        let taken = |other: &MatterFile| own.name.is_some() && other.name == own.name;
        if d.particles.matter.iter().any(taken) {
            let name = own.name.unwrap_or_default();
            return Err(source.error(matter.span(), format!("two bodies of matter are called \"{name}\"")));
        }
        d.particles.matter.push(own);
    }
    stable(source, first.span(), d)
}

fn grid(source: &Source<'_>, grid: &Spanned<file::Grid>) -> Result<GridFile, Error> {
    let (span, file) = (grid.span(), grid.get_ref());
    let refuse = |what: String| Err(source.error(span.clone(), what));
    let planar = file.lower.len() == 2;
    if file.upper.len() != file.lower.len() {
        return refuse("lower and upper have two entries each (x, z), or three".to_owned());
    }
    let lower = along(vector(source, span.clone(), &file.lower, "lower")?, planar);
    let upper = along(vector(source, span.clone(), &file.upper, "upper")?, planar);
    let axes = if planar { 2 } else { 3 };
    if (0..axes).any(|k| lower[k] >= upper[k]) {
        return refuse("the grid is empty: every entry of upper lies above that of lower".to_owned());
    }
    if !(8..=4096).contains(&file.cells) {
        return refuse(format!("{} cells along x: give 8 to 4096", file.cells));
    }
    let spacing = (upper[0] - lower[0]) / file.cells as f64;
    let count = |k: usize| if k < axes { ((upper[k] - lower[k]) / spacing).round() as usize } else { 0 };
    let cells = [0, 1, 2].map(count);
    let all = &cells[..axes];
    if all.iter().any(|n| *n < 8) || all.iter().map(|n| *n as f64).product::<f64>() > 1e8 {
        return refuse(format!("the grid has {all:?} cells: at least 8 along each axis, at most 10⁸ in all"));
    }
    let wall = |kind| match kind {
        file::WallKind::Slip => Wall::Slip,
        file::WallKind::Sticky => Wall::Sticky,
        file::WallKind::Friction => Wall::Friction,
    };
    let mut walls = [wall(file.walls); 6];
    walls[2 * (axes - 1)] = wall(file.floor.unwrap_or(file.walls));
    let rubs = walls.contains(&Wall::Friction);
    match &file.friction {
        Some(stray) if !rubs => {
            let what = "friction belongs to walls = \"friction\" or floor = \"friction\"";
            return Err(source.error(stray.span(), what));
        }
        None if rubs => return refuse("walls with friction need friction = …".to_owned()),
        _ => {}
    }
    let friction = magnitude(source, &file.friction, "friction", 0.0)?;
    Ok(GridFile { planar, spacing, lower, cells, border: 3, walls, friction })
}

/// The entries along the axes of the grid, which in a plane are x and z.
fn along([x, y, z]: [f64; 3], planar: bool) -> [f64; 3] {
    if planar { [x, z, 0.0] } else { [x, y, z] }
}

/// A `[[matter]]` of a scene.
struct Body<'a> {
    source: &'a Source<'a>,
    span: Range<usize>,
    file: &'a file::Matter,
}

/// What a body fills, along the axes of the grid: a box, or the ball with this centre and radius in it.
struct Filled {
    span: Range<usize>,
    lower: [f64; 3],
    upper: [f64; 3],
    ball: Option<([f64; 3], f64)>,
}

impl Body<'_> {
    fn refuse<T>(&self, span: Range<usize>, what: impl Into<String>) -> Result<T, Error> {
        Err(self.source.error(span, what))
    }

    fn read(&self, d: &mut Description) -> Result<MatterFile, Error> {
        let (source, file) = (self.source, self.file);
        let (places, volume) = self.places(&d.particles.grid)?;
        let velocity = match &file.velocity {
            Some(v) => vector(source, v.span(), v.get_ref(), "velocity")?,
            None => [0.0; 3],
        };
        let number = d.particles.matter.len();
        let name = file.name.clone().unwrap_or_else(|| format!("matter#{number}"));
        let muscle = file.muscle.as_ref().map(|m| self.muscle(m, &name, d)).transpose()?;
        let (kind, material) = self.material()?;
        let [r, g, b] = file.color.unwrap_or_else(|| color(kind, muscle.is_some(), number));
        Ok(MatterFile {
            name: file.name.clone(),
            kind,
            material,
            places,
            volume,
            position: [0.0; 3],
            velocity,
            muscle,
            color: [r, g, b, 1.0],
        })
    }

    fn muscle(
        &self,
        m: &Spanned<file::Muscle>,
        name: &str,
        d: &mut Description,
    ) -> Result<MuscleFile, Error> {
        let direction = vector(self.source, m.span(), &m.get_ref().direction, "direction")?;
        let length = direction.iter().map(|x| x * x).sum::<f64>().sqrt();
        if length < 1e-9 || !m.get_ref().strength.is_finite() {
            return self
                .refuse(m.span(), "a muscle needs a direction that is not zero, and a finite strength");
        }
        let actuator = d.actuators.len();
        d.actuators.push(muscle(name.to_owned()));
        let direction = along(direction.map(|x| x / length), d.particles.grid.planar);
        Ok(MuscleFile { actuator, direction, strength: m.get_ref().strength })
    }

    fn filled(&self, planar: bool) -> Result<Filled, Error> {
        let (source, file) = (self.source, self.file);
        match (&file.block, &file.ball) {
            (Some(block), None) => {
                let (span, file) = (block.span(), block.get_ref());
                let lower = along(vector(source, span.clone(), &file.lower, "lower")?, planar);
                let upper = along(vector(source, span.clone(), &file.upper, "upper")?, planar);
                Ok(Filled { span, lower, upper, ball: None })
            }
            (None, Some(ball)) => {
                let (span, file) = (ball.span(), ball.get_ref());
                let center = along(vector(source, span.clone(), &file.center, "center")?, planar);
                if !(file.radius > 0.0 && file.radius.is_finite()) {
                    return self.refuse(span, "the radius of a ball is above zero");
                }
                let [lower, upper] = [-1.0, 1.0].map(|side| center.map(|x| x + side * file.radius));
                Ok(Filled { span, lower, upper, ball: Some((center, file.radius)) })
            }
            _ => {
                let what = "matter fills a box = { lower, upper }, or a ball = { center, radius }";
                self.refuse(self.span.clone(), what)
            }
        }
    }

    /// Places on a lattice inside the body, and the volume of each.
    fn places(&self, grid: &GridFile) -> Result<(Vec<[f64; 3]>, f64), Error> {
        let axes = if grid.planar { 2 } else { 3 };
        let per_cell = &self.file.per_cell;
        let step =
            grid.spacing / per_cell.as_ref().map_or(Ok(2.0), |n| self.source.positive(n, "per_cell"))?;
        let Filled { span, lower, upper, ball } = self.filled(grid.planar)?;
        let count = |k: usize| if k < axes { ((upper[k] - lower[k]) / step).round() } else { 1.0 };
        let counts = [0, 1, 2].map(count);
        if counts.iter().any(|n| *n < 1.0) || counts.iter().product::<f64>() > MOST {
            let what = format!("{counts:?} particles along the axes: at least one, at most 2·10⁷ in all");
            return self.refuse(span, what);
        }
        let [nx, ny, nz] = counts.map(|n| n as usize);
        let place = |k: usize| {
            let index = [k / (ny * nz), k / nz % ny, k % nz];
            [0, 1, 2].map(|c| if c < axes { lower[c] + (index[c] as f64 + 0.5) * step } else { 0.0 })
        };
        let inside = |x: &[f64; 3]| {
            ball.is_none_or(|(c, r)| (0..axes).map(|k| (x[k] - c[k]).powi(2)).sum::<f64>() <= r * r)
        };
        let places: Vec<[f64; 3]> = (0..nx * ny * nz).map(place).filter(inside).collect();
        let on_grid = |x: &[f64; 3]| {
            (0..axes).all(|k| {
                let cell = (x[k] - grid.lower[k]) / grid.spacing;
                (1.0..=grid.cells[k] as f64 - 1.0).contains(&cell)
            })
        };
        if let Some(x) = places.iter().find(|x| !on_grid(x)) {
            let what =
                format!("a particle begins at {:.4?}, beyond the outermost cells of the grid", &x[..axes]);
            return self.refuse(span, what);
        }
        if places.is_empty() {
            return self.refuse(span, "there is no particle in it: make it larger, or per_cell");
        }
        Ok((places, step.powi(axes as i32)))
    }

    fn material(&self) -> Result<(Kind, Material<f64>), Error> {
        let file = self.file;
        let (kind, asked): (Kind, &[&str]) = match *file.material.get_ref() {
            file::Material::Corotated => (Kind::Corotated, &["young", "poisson"]),
            file::Material::NeoHookean => (Kind::NeoHookean, &["young", "poisson"]),
            file::Material::Fluid => (Kind::Fluid, &["bulk", "exponent", "viscosity"]),
            file::Material::Sand => (Kind::Sand, &["young", "poisson", "friction"]),
            file::Material::Plasticine => (Kind::Plasticine, &["young", "poisson", "yield"]),
        };
        let given = [
            ("young", &file.young, None),
            ("poisson", &file.poisson, Some(0.25)),
            ("friction", &file.friction, None),
            ("yield", &file.yield_stress, None),
            ("bulk", &file.bulk, None),
            ("exponent", &file.exponent, Some(7.0)),
            ("viscosity", &file.viscosity, Some(0.0)),
        ];
        let place = file.material.span();
        let mut numbers = [0.0; 7];
        for (own, (name, stated, usual)) in numbers.iter_mut().zip(given) {
            match (stated, asked.contains(&name), usual) {
                (Some(stray), false, _) => {
                    let what = format!("{name} means nothing to this material ({})", asked.join(", "));
                    return self.refuse(stray.span(), what);
                }
                (Some(x), true, _) => *own = self.source.finite(x, name)?,
                (None, true, Some(usual)) => *own = usual,
                (None, true, None) => return self.refuse(place, format!("this material needs {name} = …")),
                (None, false, _) => {}
            }
        }
        let [young, poisson, friction, yield_stress, bulk, exponent, viscosity] = numbers;
        let density = file.density.as_ref().map_or(Ok(1000.0), |x| self.source.positive(x, "density"))?;
        let positive = [("young", young), ("friction", friction), ("yield", yield_stress), ("bulk", bulk)];
        if let Some((name, x)) = positive.iter().find(|(name, x)| asked.contains(name) && *x <= 0.0) {
            return self.refuse(place, format!("{name} is {x}, and must be above zero"));
        }
        let fluid_without = kind == Kind::Fluid && exponent == 0.0;
        if !(0.0..0.5).contains(&poisson) || friction >= 80.0 || fluid_without || viscosity < 0.0 {
            let what = "poisson lies in [0, 0.5), friction below 80 degrees, exponent is not 0, and viscosity not \
                        negative";
            return self.refuse(place, what);
        }
        let friction = friction.to_radians();
        Ok((kind, Material { density, young, poisson, friction, yield_stress, bulk, exponent, viscosity }))
    }
}

fn color(kind: Kind, driven: bool, number: usize) -> [f64; 3] {
    let [r, g, b, _] = match kind {
        Kind::Fluid => [0.25, 0.56, 0.85, 1.0],
        Kind::Sand => [0.80, 0.66, 0.42, 1.0],
        Kind::Plasticine => [0.45, 0.62, 0.35, 1.0],
        _ if driven => [0.84, 0.45, 0.2, 1.0],
        _ => COLORS[number % COLORS.len()],
    };
    [r, g, b]
}

/// Refuses a substep in which a pressure wave crosses more than a cell.
fn stable(source: &Source<'_>, span: Range<usize>, d: &Description) -> Result<(), Error> {
    let model = compile(d);
    let layout = &model.topology.particles;
    let (Some(numbers), Some(matter)) = (&model.particles.continuum, &layout.continuum) else {
        return Ok(());
    };
    let (h, most) = (d.option.timestep / layout.substeps as f64, matter.longest_substep(numbers));
    if h <= most {
        return Ok(());
    }
    let needed = (d.option.timestep / most).ceil();
    let what = format!(
        "a pressure wave crosses a cell in {most:.2e} s, and a substep has {h:.2e} s: set substeps = {needed} in \
         [particles], or softer matter"
    );
    Err(source.error(span, what))
}
