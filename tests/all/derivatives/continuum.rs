//! Matter on a grid: materials, and whole substeps with walls, muscles and obstacles.

use costate::model::continuum::{
    Constants, Continuum, ContinuumLayout, Form, Kind, Material, Muscle, Obstacle, Wall,
};
use costate::number::{Real, Single, derivative_check, dot_check};
use costate::physics::particles::continuum::material::{Response, respond, respond_pullback};
use costate::physics::particles::continuum::matrix::{Matrix, matrix};
use costate::physics::particles::continuum::{Conditions, ConditionsBar, Scratch, substep, substep_pullback};
use costate::spatial::{Force, Quat, Vec3};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::{Answer, Row};

pub const KINDS: [Kind; 5] = [Kind::Corotated, Kind::NeoHookean, Kind::Fluid, Kind::Sand, Kind::Plasticine];
const FORMS: [Form; 6] =
    [Form::Plane, Form::Sphere, Form::Capsule, Form::Box, Form::Cylinder, Form::Ellipsoid];

fn random(n: usize, seed: u64) -> Vec<f64> {
    let mut random = Pcg64::seed_from_u64(seed);
    (0..n).map(|_| random.random_range(-1.0..1.0)).collect()
}

/// Both questions at `x` along `d`, and for a random cotangent of the results.
fn ask(
    dual: impl Fn(&[Single<f64>]) -> Vec<Single<f64>>,
    plain: impl Fn(&[f64]) -> Vec<f64>,
    pullback: impl Fn(&[f64], &[f64]) -> Vec<f64>,
    x: &[f64],
    d: &[f64],
) -> Answer {
    let difference = derivative_check(&dual, &plain, x, d).error;
    let input: Vec<_> = x.iter().zip(d).map(|(x, d)| Single::new(*x, *d)).collect();
    let jd: Vec<f64> = dual(&input).iter().map(|y| y.derivative()).collect();
    let w = random(jd.len(), 77);
    Answer { difference, dot: dot_check(&w, &jd, &pullback(x, &w), d).error }
}

fn constants_of<R: Real>(kind: Kind, x: &[R]) -> Vec<R> {
    Material::from_array(std::array::from_fn(|k| x[k])).constants(kind).to_array().to_vec()
}

fn constants(kind: Kind) -> Answer {
    let x = [2.0, 70.0, 0.3, 0.5, 4.0, 60.0, 3.0, 0.2];
    let material = Material::from_array(x);
    let back = |_: &[f64], w: &[f64]| {
        let w = Constants::from_array(std::array::from_fn(|k| w[k]));
        material.constants_pullback(kind, w).to_array().to_vec()
    };
    ask(|x| constants_of(kind, x), |x| constants_of(kind, x), back, &x, &random(8, 5))
}

fn response_of<R: Real, const D: usize>(kind: Kind, x: &[R]) -> Vec<R> {
    let trial: Matrix<R, D> = matrix(|i, j| x[i * D + j]);
    let constants = Constants::from_array(std::array::from_fn(|k| x[D * D + k]));
    let Response { deformation, stress } = respond(kind, &constants, &trial);
    deformation.into_iter().chain(stress).flatten().collect()
}

/// A material at a stretch with noise: at rest, close to rest, with equal singular values, in plastic flow.
fn response<const D: usize>(kind: Kind, stretch: f64, noise: f64) -> Answer {
    let mut worst = Answer::default();
    let limit = if kind == Kind::Fluid { 7.0 } else { 0.3 };
    for seed in 0..10 {
        let turns = random(D * D, seed);
        let unit = |k: usize| if k.is_multiple_of(D + 1) { stretch } else { 0.0 };
        let mut x: Vec<f64> = (0..D * D).map(|k| unit(k) + noise * turns[k]).collect();
        x.extend([1.0, 1.3, 2.1, limit, 0.1]);
        let back = |x: &[f64], w: &[f64]| {
            let trial: Matrix<f64, D> = matrix(|i, j| x[i * D + j]);
            let constants = Constants::from_array(std::array::from_fn(|k| x[D * D + k]));
            let deformation = matrix(|i, j| w[i * D + j]);
            let stress = matrix(|i, j| w[D * D + i * D + j]);
            let (trial_bar, constants_bar) =
                respond_pullback(kind, &constants, &trial, &Response { deformation, stress });
            trial_bar.into_iter().flatten().chain(constants_bar.to_array()).collect()
        };
        let d = random(x.len(), 100 + seed);
        let plain = |x: &[f64]| response_of::<_, D>(kind, x);
        worst = worst.worse(ask(|x| response_of::<_, D>(kind, x), plain, back, &x, &d));
    }
    worst
}

/// A small world of matter whose every number is an input.
pub struct World {
    pub layout: ContinuumLayout,
    /// The forms of the obstacles, and how they are turned.
    forms: Vec<Form>,
}

const TURNED: [f64; 3] = [0.3, -0.4, 0.9];

impl World {
    /// `sorted`: particles of a material stand together.
    pub fn new(dimension: usize, count: usize, kinds: &[Kind], forms: &[Form], sorted: bool) -> Self {
        let material = |p: usize| if sorted { p * kinds.len() / count } else { p % kinds.len() };
        let layout = ContinuumLayout {
            dimension,
            spacing: 0.1,
            lower: [-0.2, -0.1, 0.3],
            cells: [10, 9, 8],
            border: 3,
            walls: [Wall::Slip, Wall::Sticky, Wall::Friction, Wall::Friction, Wall::Friction, Wall::Slip],
            kinds: kinds.to_vec(),
            material: (0..count).map(material).collect(),
            volume: random(count, 1).iter().map(|x| 7e-4 + 2e-4 * x).collect(),
            muscles: vec![
                Muscle { control: 1, direction: [0.6, 0.8, 0.0] },
                Muscle { control: 0, direction: [0.0, 1.0, 0.0] },
            ],
            muscle: (0..count).map(|p| (p % 3 == 0).then_some(p % 2)).collect(),
        };
        Self { layout, forms: forms.to_vec() }
    }

    /// Every number of the world, around sensible ones.
    pub fn input(&self, seed: u64) -> Vec<f64> {
        let (layout, d, n) = (&self.layout, self.layout.dimension, self.layout.count());
        let mut random = Pcg64::seed_from_u64(seed);
        let mut between = |low: f64, high: f64| random.random_range(low..high);
        let mut x = Vec::new();
        for k in 0..d {
            let side = layout.spacing * layout.cells[k] as f64;
            x.extend((0..n).map(|_| layout.lower[k] + between(0.16, side - 0.16)));
        }
        x.extend((0..(d + d * d) * n).map(|_| between(-1.0, 1.0)));
        for k in 0..d * d {
            let unit = if k % (d + 1) == 0 { 0.97 } else { 0.0 };
            x.extend((0..n).map(|_| unit + between(-0.1, 0.1)));
        }
        for _ in &layout.kinds {
            let ranges = [
                (0.5, 1.0),
                (50.0, 100.0),
                (0.1, 0.4),
                (0.3, 0.7),
                (2.0, 8.0),
                (50.0, 80.0),
                (1.0, 4.0),
                (0.1, 0.3),
            ];
            x.extend(ranges.map(|(low, high)| between(low, high)));
        }
        x.extend((0..6).map(|_| between(0.1, 0.5)));
        x.extend((0..layout.muscles.len()).map(|_| between(3.0, 8.0)));
        x.extend([
            between(-1.0, 1.0),
            -9.8,
            between(-1.0, 1.0),
            1e-2,
            between(-1.0, 1.0),
            between(-1.0, 1.0),
        ]);
        for _ in &self.forms {
            x.extend((0..3).map(|_| between(0.1, 0.2)));
            for k in 0..3 {
                let middle = layout.lower[k] + 0.5 * layout.spacing * layout.cells[k] as f64;
                x.push(if d == 2 && k == 2 { 0.0 } else { middle } + between(-0.15, 0.15));
            }
            x.extend([0.0; 3]);
            x.extend((0..6).map(|_| between(-1.0, 1.0)));
            x.push(between(0.1, 0.5));
        }
        x
    }

    /// The state, the numbers, gravity and substep, controls, obstacles.
    #[allow(clippy::type_complexity)]
    pub fn parts<R: Real>(&self, x: &[R]) -> (Vec<R>, Continuum<R>, (Vec3<R>, R), Vec<R>, Vec<Obstacle<R>>) {
        let mut rest = x;
        let mut take = |n: usize| {
            let (list, after) = rest.split_at(n);
            rest = after;
            list
        };
        let vector = |list: &[R]| Vec3::new(list[0], list[1], list[2]);
        let state = take(self.layout.state_len()).to_vec();
        let mut material = |_: &Kind| Material::from_array(take(8).try_into().unwrap());
        let materials = self.layout.kinds.iter().map(&mut material).collect();
        let wall_friction: [R; 6] = take(6).try_into().unwrap();
        let strength = take(self.layout.muscles.len()).to_vec();
        let common = (vector(take(3)), take(1)[0]);
        let controls = take(2).to_vec();
        let turned = Quat::exp(Vec3::from_f64(TURNED));
        let mut obstacle = |form: &Form| {
            let list = take(16);
            Obstacle {
                form: *form,
                size: vector(list),
                position: vector(&list[3..]),
                rotation: Quat::exp(vector(&list[6..])) * turned,
                angular_velocity: vector(&list[9..]),
                velocity: vector(&list[12..]),
                friction: list[15],
            }
        };
        let obstacles = self.forms.iter().map(&mut obstacle).collect();
        (state, Continuum { materials, wall_friction, strength }, common, controls, obstacles)
    }

    /// The next state and the impulses on the obstacles.
    pub fn step<R: Real>(&self, x: &[R]) -> Vec<R> {
        let (state, numbers, (gravity, dt), controls, obstacles) = self.parts(x);
        let conditions = Conditions { gravity, dt, controls: &controls, obstacles: &obstacles };
        let mut next = vec![R::from_f64(f64::NAN); state.len()];
        let (mut impulses, mut scratch) = (vec![Force::zero(); obstacles.len()], Scratch::default());
        substep(&numbers, &self.layout, &conditions, &state, &mut next, &mut impulses, &mut scratch).unwrap();
        next.extend(impulses.iter().flat_map(|i| i.torque.to_array().into_iter().chain(i.force.to_array())));
        next
    }

    /// The cotangent of every number.
    pub fn back(&self, x: &[f64], w: &[f64]) -> Vec<f64> {
        let (state, numbers, (gravity, dt), controls, obstacles) = self.parts(x);
        let conditions = Conditions { gravity, dt, controls: &controls, obstacles: &obstacles };
        let (next, impulses) = w.split_at(state.len());
        let vector = |list: &[f64]| Vec3::new(list[0], list[1], list[2]);
        let impulses: Vec<_> =
            impulses.chunks(6).map(|list| Force::new(vector(list), vector(&list[3..]))).collect();
        let mut scratch = Scratch::default();
        let mut run = |next: &[f64]| {
            let mut out = vec![f64::NAN; state.len()];
            let (mut numbers_bar, mut bar) = (numbers.map(|_| 1.0), ConditionsBar::zero(&conditions));
            bar.dt = 1.0;
            let bars = (&mut numbers_bar, &mut bar);
            let cotangent = (next, &impulses[..]);
            substep_pullback(
                (&numbers, &self.layout),
                &conditions,
                &state,
                cotangent,
                &mut out,
                bars,
                &mut scratch,
            )
            .unwrap();
            (out, numbers_bar, bar)
        };
        // What a world full of NaN leaves in the scratch must not matter.
        run(&vec![f64::NAN; next.len()]);
        let (mut out, numbers_bar, bar) = run(next);
        let known = |x: &f64| x - 1.0;
        out.extend(numbers_bar.materials.iter().flat_map(|m| m.to_array()).map(|x| known(&x)));
        out.extend(numbers_bar.wall_friction.iter().map(known));
        out.extend(numbers_bar.strength.iter().map(known));
        out.extend(bar.gravity.to_array());
        out.push(bar.dt - 1.0);
        out.extend(bar.controls);
        for (obstacle, bar) in obstacles.iter().zip(&bar.obstacles) {
            // A small turn moves the quaternion by half of itself.
            let turn = (bar.rotation * obstacle.rotation.conjugate()).v.times(0.5);
            let vectors = [bar.size, bar.position, turn, bar.angular_velocity, bar.velocity];
            out.extend(vectors.iter().flat_map(|v| v.to_array()));
            out.push(bar.friction);
        }
        out
    }

    /// Both questions, along random directions of all numbers together.
    fn ask(&self, seed: u64) -> Answer {
        let x = self.input(seed);
        let d: Vec<f64> =
            random(x.len(), seed).iter().zip(&x).map(|(d, x)| d * x.abs().clamp(0.01, 1.0)).collect();
        let answer = ask(|x| self.step(x), |x| self.step(x), |x, w| self.back(x, w), &x, &d);
        // Apart, so that a small cotangent does not hide behind the others.
        let particles = self.layout.state_len();
        let mut common = d;
        common[..particles].fill(0.0);
        answer.worse(ask(|x| self.step(x), |x| self.step(x), |x, w| self.back(x, w), &x, &common))
    }
}

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for kind in KINDS {
        rows.push(Row::new("model/continuum.rs::constants_pullback", move || constants(kind)));
        // Sand at rest stands on the tip of its cone, where nothing has a derivative.
        for (stretch, noise) in [(1.0, 0.0), (0.9, 0.0), (1.1, 0.0), (0.95, 0.01), (0.95, 1e-9), (1.0, 0.3)] {
            if kind != Kind::Sand || (stretch, noise) != (1.0, 0.0) {
                let name = "physics/particles/continuum/material.rs::respond_pullback";
                rows.push(Row::new(name, move || response::<2>(kind, stretch, noise)));
                rows.push(Row::new(name, move || response::<3>(kind, stretch, noise)));
            }
        }
    }
    // Seeds at which nothing begins to yield, to slide or to meet a wall between the points of a difference.
    let name = "physics/particles/continuum/mod.rs::substep_pullback";
    for dimension in [2, 3] {
        for (n, kind) in KINDS.into_iter().enumerate() {
            let world = World::new(dimension, 30, &[kind], &[], true);
            rows.push(Row::new(name, move || world.ask(61 + n as u64)));
        }
        for (n, form) in FORMS.into_iter().enumerate() {
            let world = World::new(dimension, 60, &[Kind::Corotated], &[form], true);
            rows.push(Row::new(name, move || world.ask(581 + n as u64)));
        }
        for sorted in [true, false] {
            let world = World::new(dimension, 60, &KINDS, &[Form::Sphere, Form::Box, Form::Capsule], sorted);
            rows.push(Row::new(name, move || world.ask(21)));
        }
    }
    rows
}

#[test]
fn a_wrong_sign_in_a_substep_is_seen() {
    let world = World::new(2, 30, &[Kind::Corotated], &[Form::Sphere], true);
    let (x, n) = (world.input(10), world.layout.count());
    let d = random(x.len(), 3);
    let wrong = |x: &[f64], w: &[f64]| {
        let mut out = world.back(x, w);
        out[2 * n..4 * n].iter_mut().for_each(|v| *v = -*v);
        out
    };
    let answer = ask(|x| world.step(x), |x| world.step(x), wrong, &x, &d);
    assert!(answer.dot > 1e-3, "{answer:?}");
}
