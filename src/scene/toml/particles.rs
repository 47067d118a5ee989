//! Bodies of particles.

use toml::Spanned;

use super::file;
use super::matter;
use super::place::Source;
use crate::error::Error;
use crate::model::description::{Actuator, Dynamics, Integrator, Law, Transmission};
use crate::model::particle::{PointsFile, WallFile};
use crate::model::{Description, Model};
use crate::optimize::Problem;
use crate::physics::derive::compile;
use crate::physics::particles::first_inside;
use crate::physics::particles::points::largest_rate;
use crate::scene::mjcf;

pub(super) const COLORS: [[f64; 4]; 4] =
    [[0.16, 0.47, 0.71, 1.0], [0.84, 0.37, 0.0, 1.0], [0.0, 0.62, 0.45, 1.0], [0.8, 0.47, 0.65, 1.0]];

/// A world without bodies.
pub fn empty_world(source: &Source<'_>, world: &file::World) -> Result<Description, Error> {
    // A model file without anything is refused: this one has a shape, which nobody will miss.
    let one = "<mujoco><worldbody><geom size='1'/></worldbody></mujoco>";
    let mut d = mjcf::parse(one, source.file.as_ref())?;
    d.geoms.clear();
    if let Some(timestep) = &world.timestep {
        d.option.timestep = source.positive(timestep, "timestep")?;
    }
    if let Some(gravity) = &world.gravity {
        d.option.gravity = vector(source, gravity.span(), gravity.get_ref(), "gravity")?;
    }
    Ok(d)
}

/// Adds the particles of a scene to its world.
pub fn read(source: &Source<'_>, scene: &file::Scene, d: &mut Description) -> Result<(), Error> {
    let all = &scene.particles;
    if let Some(substeps) = &all.substeps {
        if !(1..=10_000).contains(substeps.get_ref()) {
            let what = format!("a step has 1 to 10000 substeps, not {}", substeps.get_ref());
            return Err(source.error(substeps.span(), what));
        }
        d.particles.substeps = *substeps.get_ref();
    }
    d.particles.drag = match &all.drag {
        Some(drag) if *drag.get_ref() == 0.0 => 0.0,
        Some(drag) => source.positive(drag, "drag")?,
        None => 0.0,
    };
    for wall in &scene.wall {
        d.particles.walls.push(read_wall(source, wall)?);
    }
    for points in &scene.points {
        let own = Bodies { source, span: points.span(), file: points.get_ref() }.read(d)?;
        d.particles.points.push(own);
    }
    matter::read(source, scene, d)?;
    let first = scene.points.first().map(Spanned::span);
    let Some(first) = first.or(scene.matter.first().map(Spanned::span)) else { return Ok(()) };
    if d.option.integrator == Integrator::RungeKutta4 {
        let what =
            "particles move once in a step, and RK4 evaluates forces four times: choose the integrator Euler";
        return Err(source.error(first, what));
    }
    names_differ(source, scene, d)?;
    outside_walls(source, scene, d)?;
    apart(source, scene, d)?;
    stable(source, scene, d)
}

fn names_differ(source: &Source<'_>, scene: &file::Scene, d: &Description) -> Result<(), Error> {
    let named = |k: usize| d.particles.points[k].name.as_ref();
    for k in 0..d.particles.points.len() {
        if let Some(name) = named(k)
            && (0..k).any(|other| named(other) == Some(name))
        {
            let what = format!("two bodies of particles are called \"{name}\"");
            return Err(source.error(scene.points[k].span(), what));
        }
    }
    Ok(())
}

/// Three numbers, or two for a world in the plane of x and z.
pub(super) fn vector(
    source: &Source<'_>,
    span: std::ops::Range<usize>,
    list: &[f64],
    key: &str,
) -> Result<[f64; 3], Error> {
    if let Some(bad) = list.iter().find(|x| !x.is_finite()) {
        return Err(source.error(span, format!("{key} has the entry {bad}, and needs finite numbers")));
    }
    match *list {
        [x, z] => Ok([x, 0.0, z]),
        [x, y, z] => Ok([x, y, z]),
        _ => {
            let what = format!("{key} has {} entries: give x, y and z, or x and z in a plane", list.len());
            Err(source.error(span, what))
        }
    }
}

/// A number that is not negative, or a usual one.
pub(super) fn magnitude(
    source: &Source<'_>,
    x: &Option<Spanned<f64>>,
    key: &str,
    usual: f64,
) -> Result<f64, Error> {
    match x {
        Some(x) if *x.get_ref() < 0.0 => {
            Err(source.error(x.span(), format!("{key} is {}, and cannot be negative", x.get_ref())))
        }
        Some(x) => source.finite(x, key),
        None => Ok(usual),
    }
}

fn read_wall(source: &Source<'_>, wall: &Spanned<file::Wall>) -> Result<WallFile, Error> {
    let (span, file) = (wall.span(), wall.get_ref());
    let normal = match &file.normal {
        Some(normal) => vector(source, normal.span(), normal.get_ref(), "normal")?,
        None => [0.0, 0.0, 1.0],
    };
    let length = normal.iter().map(|x| x * x).sum::<f64>().sqrt();
    if length < 1e-9 || !file.offset.is_finite() {
        return Err(source.error(span, "a wall needs a normal that is not zero, and a finite offset"));
    }
    let restitution = magnitude(source, &file.restitution, "restitution", 0.0)?;
    if let Some(stray) = file.restitution.as_ref().filter(|_| file.friction.is_none() || restitution > 1.0) {
        let what = match file.friction {
            None => "particles stick to a wall without friction = …, and nothing comes back from it",
            Some(_) => "no more comes back than came: restitution is at most 1",
        };
        return Err(source.error(stray.span(), what));
    }
    let friction = file.friction.as_ref().map(|_| magnitude(source, &file.friction, "friction", 0.0));
    Ok(WallFile {
        name: file.name.clone(),
        normal: normal.map(|x| x / length),
        offset: file.offset,
        friction: friction.transpose()?,
        restitution,
    })
}

/// Places, and springs between them with the group of each.
type Net = (Vec<[f64; 3]>, Vec<([usize; 2], usize)>);

/// A `[[points]]` of a scene.
struct Bodies<'a> {
    source: &'a Source<'a>,
    span: std::ops::Range<usize>,
    file: &'a file::Points,
}

impl Bodies<'_> {
    fn refuse<T>(&self, span: Option<std::ops::Range<usize>>, what: impl Into<String>) -> Result<T, Error> {
        Err(self.source.error(span.unwrap_or(self.span.clone()), what))
    }

    /// Positions, and springs with their groups, as listed or as made.
    fn shape(&self) -> Result<Net, Error> {
        let (source, file) = (self.source, self.file);
        match (&file.positions, &file.rope, &file.cloth) {
            (Some(positions), None, None) => {
                let of = |x: &Vec<f64>| vector(source, positions.span(), x, "a position");
                let all: Vec<_> = positions.get_ref().iter().map(of).collect::<Result<_, _>>()?;
                Ok((all, file.springs.iter().map(|s| (*s.get_ref(), 0)).collect()))
            }
            (None, Some(rope), None) => {
                let (span, rope) = (rope.span(), rope.get_ref());
                let from = vector(source, span.clone(), &rope.from, "from")?;
                let to = vector(source, span.clone(), &rope.to, "to")?;
                self.grid(span, (from, [to, from]), [rope.points, 1])
            }
            (None, None, Some(cloth)) => {
                let (span, cloth) = (cloth.span(), cloth.get_ref());
                let corner = vector(source, span.clone(), &cloth.corner, "corner")?;
                let mut ends = [corner; 2];
                for (end, edge) in ends.iter_mut().zip(&cloth.edges) {
                    let edge = vector(source, span.clone(), edge, "an edge")?;
                    end.iter_mut().zip(edge).for_each(|(x, d)| *x += d);
                }
                self.grid(span, (corner, ends), cloth.points)
            }
            _ => self.refuse(None, "a body of points has positions, or a rope, or a cloth: one of them"),
        }
    }

    /// Points in a rectangle from a corner to two ends; springs of three groups: along the edges, along the
    /// diagonals, and over two points.
    fn grid(
        &self,
        span: std::ops::Range<usize>,
        (corner, ends): ([f64; 3], [[f64; 3]; 2]),
        [m, n]: [usize; 2],
    ) -> Result<Net, Error> {
        if m < 2 || n < 1 || m.saturating_mul(n) > 1_000_000 {
            return self.refuse(Some(span), format!("{m} by {n} points: give 2 to a million in all"));
        }
        if let Some(stray) = self.file.springs.first() {
            return self.refuse(Some(stray.span()), "a rope or a cloth makes its own springs");
        }
        let share = |k: usize, n: usize| k as f64 / (n.max(2) - 1) as f64;
        let place = |k: usize| {
            let (a, b) = (share(k / n, m), share(k % n, n));
            [0, 1, 2].map(|c| corner[c] + a * (ends[0][c] - corner[c]) + b * (ends[1][c] - corner[c]))
        };
        // Steps in the rectangle: along the edges, along the diagonals, over two points.
        let steps = [(1, 0, 0), (0, 1, 0), (1, 1, 1), (1, -1, 1), (2, 0, 2), (0, 2, 2)];
        let mut springs = Vec::new();
        for (i, j) in (0..m).flat_map(|i| (0..n).map(move |j| (i, j))) {
            for (di, dj, group) in steps {
                let (a, b) = (i + di as usize, j as isize + dj);
                if a < m && (0..n as isize).contains(&b) {
                    springs.push(([i * n + j, a * n + b as usize], group));
                }
            }
        }
        let kinds = if n == 1 { vec![0, 2] } else { vec![0, 1, 2] };
        let stated = self.file.stiffness.as_ref().map_or(1, |s| s.get_ref().list().len());
        if stated > kinds.len() {
            let what = format!(
                "give at most {} stiffnesses: along edges, against {}bending",
                kinds.len(),
                if n == 1 { "" } else { "shear, against " }
            );
            return self.refuse(self.file.stiffness.as_ref().map(Spanned::span), what);
        }
        // What has no stiffness of its own is left out.
        let group = |g: usize| kinds.iter().position(|k| *k == g).filter(|k| *k < stated);
        let springs = springs.into_iter().filter_map(|(ends, g)| group(g).map(|g| (ends, g))).collect();
        Ok(((0..m * n).map(place).collect(), springs))
    }

    fn read(&self, d: &mut Description) -> Result<PointsFile, Error> {
        let (source, file) = (self.source, self.file);
        let (positions, mut springs) = self.shape()?;
        if positions.is_empty() {
            return self.refuse(None, "a body of points needs at least one");
        }
        self.check_springs(&positions, &springs)?;
        let stiffness = match &file.stiffness {
            Some(k) if k.get_ref().list().iter().any(|k| !k.is_finite() || *k < 0.0) => {
                return self.refuse(Some(k.span()), "a stiffness is finite and not negative [N/m]");
            }
            Some(k) => k.get_ref().list().to_vec(),
            None if springs.is_empty() => Vec::new(),
            None => return self.refuse(None, "springs need a stiffness [N/m]"),
        };
        if file.positions.is_some() && stiffness.len() > 1 {
            if stiffness.len() != springs.len() {
                let what = format!(
                    "{} stiffnesses for {} springs: give one, or one for each",
                    stiffness.len(),
                    springs.len()
                );
                return self.refuse(file.stiffness.as_ref().map(Spanned::span), what);
            }
            springs.iter_mut().enumerate().for_each(|(s, (_, group))| *group = s);
        }
        let velocity = match &file.velocity {
            Some(v) => vector(source, v.span(), v.get_ref(), "velocity")?,
            None => [0.0; 3],
        };
        if let Some(e) = file.restitution.as_ref().filter(|e| *e.get_ref() > 1.0) {
            return self.refuse(Some(e.span()), "no more comes back than came: restitution is at most 1");
        }
        let number = d.particles.points.len();
        let radius = magnitude(source, &file.radius, "radius", 0.0)?;
        // Balls are elastic, threads and cloth lie where they fall, unless the file says otherwise.
        let usual = if radius > 0.0 { 1.0 } else { 0.0 };
        let mut own = PointsFile {
            name: file.name.clone(),
            rest_length: self.rest_lengths(&positions, &springs)?,
            velocity: vec![velocity; if file.velocity_of_each { positions.len() } else { 1 }],
            positions,
            mass: file.mass.as_ref().map_or(Ok(1.0), |m| source.positive(m, "mass"))?,
            radius,
            restitution: magnitude(source, &file.restitution, "restitution", usual)?,
            springs,
            stiffness,
            damping: magnitude(source, &file.damping, "damping", 0.0)?,
            actuation: file.actuation.as_ref().map_or(Ok(0.1), |a| source.finite(a, "actuation"))?,
            actuated: Vec::new(),
            fixed: file.fixed.as_ref().map_or(Vec::new(), |fixed| fixed.get_ref().clone()),
            color: file.color.map_or(COLORS[number % COLORS.len()], |[r, g, b]| [r, g, b, 1.0]),
        };
        self.actuate(&mut own, number, d)?;
        Ok(own)
    }

    fn check_springs(&self, positions: &[[f64; 3]], springs: &[([usize; 2], usize)]) -> Result<(), Error> {
        for (s, ([a, b], _)) in springs.iter().enumerate() {
            let span = self.file.springs.get(s).map(Spanned::span);
            if a.max(b) >= &positions.len() {
                let what = format!(
                    "the spring [{a}, {b}] ends at a point that is not there (0 to {})",
                    positions.len() - 1
                );
                return self.refuse(span, what);
            }
            if positions[*a] == positions[*b] {
                return self.refuse(span, format!("the spring [{a}, {b}] has both ends at one place"));
            }
        }
        Ok(())
    }

    /// As stated, or as the springs are at the start.
    fn rest_lengths(&self, x: &[[f64; 3]], springs: &[([usize; 2], usize)]) -> Result<Vec<f64>, Error> {
        let Some(stated) = &self.file.rest_length else {
            let length = |[a, b]: [usize; 2]| (0..3).map(|c| (x[a][c] - x[b][c]).powi(2)).sum::<f64>().sqrt();
            return Ok(springs.iter().map(|(ends, _)| length(*ends)).collect());
        };
        let list = stated.get_ref().list();
        if list.len() != springs.len() || list.iter().any(|l| !l.is_finite() || *l < 0.0) {
            let what = format!(
                "rest_length needs {} lengths that are not negative, one for each spring",
                springs.len()
            );
            return self.refuse(Some(stated.span()), what);
        }
        Ok(list.to_vec())
    }

    /// Gives every actuated spring an actuator of its own.
    fn actuate(&self, own: &mut PointsFile, number: usize, d: &mut Description) -> Result<(), Error> {
        if let Some(fixed) = &self.file.fixed
            && let Some(stray) = fixed.get_ref().iter().find(|p| **p >= own.positions.len())
        {
            let what = format!("there is no point {stray} to fix (0 to {})", own.positions.len() - 1);
            return self.refuse(Some(fixed.span()), what);
        }
        let Some(actuated) = &self.file.actuated else { return Ok(()) };
        let body = own.name.clone().unwrap_or_else(|| format!("points#{number}"));
        for &spring in actuated.get_ref() {
            if spring >= own.springs.len() {
                let what =
                    format!("there is no spring {spring} to drive ({} springs, from 0)", own.springs.len());
                return self.refuse(Some(actuated.span()), what);
            }
            own.actuated.push((spring, d.actuators.len()));
            d.actuators.push(muscle(format!("{body}.{spring}")));
        }
        Ok(())
    }
}

/// What acts on particles: a control from −1 to 1, and no more.
pub(super) fn muscle(name: String) -> Actuator {
    Actuator {
        name: Some(name),
        transmission: Transmission::Particles,
        gear: [1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        law: Law::Motor,
        dynamics: Dynamics::None,
        time_constant: 1.0,
        act_early: false,
        ctrl_range: Some([-1.0, 1.0]),
        force_range: None,
        act_range: None,
        damping: [0.0; 3],
        armature: 0.0,
        group: 0,
        line: 0,
    }
}

fn outside_walls(source: &Source<'_>, scene: &file::Scene, d: &Description) -> Result<(), Error> {
    for (body, file) in d.particles.points.iter().zip(&scene.points) {
        for (k, wall) in d.particles.walls.iter().enumerate() {
            let gap =
                |x: &[f64; 3]| (0..3).map(|c| wall.normal[c] * x[c]).sum::<f64>() - wall.offset - body.radius;
            if let Some(p) = body.positions.iter().position(|x| gap(x) < -1e-9) {
                let name = wall.name.clone().unwrap_or_else(|| format!("wall#{k}"));
                let depth = -gap(&body.positions[p]);
                let what = format!("point {p} begins {depth:.4} m inside wall \"{name}\": move it out");
                return Err(source.error(file.span(), what));
            }
        }
    }
    Ok(())
}

/// Refuses points that begin inside of geoms, fixed ones aside.
pub(super) fn outside_geoms(
    source: &Source<'_>,
    scene: &file::Scene,
    problem: &Problem,
    model: &Model<f64>,
) -> Result<(), Error> {
    let Some((point, g, depth)) = first_inside(model, &problem.start) else { return Ok(()) };
    let layout = &model.topology.particles;
    let body = layout.body_of(point);
    let (p, name) = (point - layout.points[body].points.start, &layout.names[body]);
    let geom = problem.description.geoms[g].name.clone().unwrap_or_else(|| format!("geom#{g}"));
    let what = format!("point {p} of \"{name}\" begins {depth:.4} m inside geom \"{geom}\": move it out");
    Err(source.error(scene.points[body].span(), what))
}

/// Refuses balls that overlap at the start, unless they are of one body.
fn apart(source: &Source<'_>, scene: &file::Scene, d: &Description) -> Result<(), Error> {
    let balls = d.particles.points.iter().enumerate().filter(|(_, body)| body.radius > 0.0);
    let mut all: Vec<(usize, usize, [f64; 3], f64)> = balls
        .flat_map(|(b, body)| body.positions.iter().enumerate().map(move |(p, x)| (b, p, *x, body.radius)))
        .collect();
    all.sort_by(|a, b| (a.2[0] - a.3).total_cmp(&(b.2[0] - b.3)));
    for (k, (b, p, x, r)) in all.iter().enumerate() {
        for (other, q, y, s) in all[k + 1..].iter().take_while(|o| o.2[0] - o.3 < x[0] + r) {
            let distance = (0..3).map(|c| (x[c] - y[c]).powi(2)).sum::<f64>().sqrt();
            if b != other && distance < r + s - 1e-9 {
                let name =
                    |b: usize| d.particles.points[b].name.clone().unwrap_or_else(|| format!("points#{b}"));
                let what = format!(
                    "ball {p} of \"{}\" and ball {q} of \"{}\" overlap by {:.4} m at the start",
                    name(*b),
                    name(*other),
                    r + s - distance
                );
                return Err(source.error(scene.points[*b.max(other)].span(), what));
            }
        }
    }
    Ok(())
}

/// Refuses a time step that springs do not survive: `h² ω² ≤ 2 (1 + e^(−drag h))`.
fn stable(source: &Source<'_>, scene: &file::Scene, d: &Description) -> Result<(), Error> {
    let Some(place) = scene.points.first().map(Spanned::span) else { return Ok(()) };
    let substeps = d.particles.substeps.max(1) as f64;
    let h = d.option.timestep / substeps;
    let square = largest_rate(&compile(d), h);
    let most = 2.0 * (1.0 + (-d.particles.drag * h).exp());
    if h * h * square > 1.02 * most {
        let needed = (h * square.sqrt() / most.sqrt() * substeps).ceil();
        let what = format!(
            "the springs need a time step below {:.2e} s, and a substep has {h:.2e} s: set substeps = {needed} in \
             [particles], or softer springs",
            (most / square).sqrt()
        );
        return Err(source.error(place, what));
    }
    Ok(())
}
