//! Matter on a grid: momentum, threads, closed forms, and a public task.

use std::f64::consts::PI;

use costate::model::continuum::{Continuum, ContinuumLayout, Form, Kind, Material, Obstacle, Wall};
use costate::physics::particles::continuum::material::respond;
use costate::physics::particles::continuum::matrix::{Matrix, matrix, scalar};
use costate::physics::particles::continuum::{
    Conditions, ConditionsBar, Lost, Scratch, substep, substep_pullback,
};
use costate::spatial::{Force, Quat, Vec3};

/// A lattice of particles of one material in a plane with slip walls.
struct Block {
    layout: ContinuumLayout,
    numbers: Continuum<f64>,
    state: Vec<f64>,
}

impl Block {
    /// `counts` particles along x and y, `gap` cells apart, the first at `corner` in cells.
    fn new(
        kind: Kind,
        material: Material<f64>,
        spacing: f64,
        cells: [usize; 2],
        counts: [usize; 2],
        gap: f64,
        corner: [f64; 2],
    ) -> Self {
        let n = counts[0] * counts[1];
        let layout = ContinuumLayout {
            dimension: 2,
            spacing,
            lower: [0.0; 3],
            cells: [cells[0], cells[1], 1],
            border: 3,
            walls: [Wall::Slip; 6],
            kinds: vec![kind],
            material: vec![0; n],
            volume: vec![(gap * spacing).powi(2); n],
            muscles: Vec::new(),
            muscle: Vec::new(),
        };
        let numbers = Continuum { materials: vec![material], wall_friction: [0.0; 6], strength: Vec::new() };
        let mut state = vec![0.0; layout.state_len()];
        for p in 0..n {
            state[p] = spacing * ((p / counts[1]) as f64 * gap + corner[0]);
            state[n + p] = spacing * ((p % counts[1]) as f64 * gap + corner[1]);
            (state[8 * n + p], state[11 * n + p]) = (1.0, 1.0);
        }
        Self { layout, numbers, state }
    }
    fn count(&self) -> usize {
        self.layout.count()
    }
    /// Moves `state` by substeps.
    fn after(&self, state: &[f64], conditions: &Conditions<'_, f64>, steps: usize) -> Vec<f64> {
        let (mut state, mut next, mut scratch) = (state.to_vec(), state.to_vec(), Scratch::default());
        let mut impulses = vec![Force::zero(); conditions.obstacles.len()];
        for _ in 0..steps {
            let (numbers, layout) = (&self.numbers, &self.layout);
            substep(numbers, layout, conditions, &state, &mut next, &mut impulses, &mut scratch).unwrap();
            std::mem::swap(&mut state, &mut next);
        }
        state
    }
}

fn under(gravity: f64, dt: f64) -> Conditions<'static, f64> {
    Conditions { gravity: Vec3::new(0.0, -gravity, 0.0), dt, controls: &[], obstacles: &[] }
}

fn elastic(density: f64, young: f64, poisson: f64) -> Material<f64> {
    Material { density, young, poisson, ..Material::zero() }
}

fn mean(list: &[f64]) -> f64 {
    list.iter().sum::<f64>() / list.len() as f64
}

/// Momentum and angular momentum about the origin; an affine velocity turns about its particle.
fn momenta(block: &Block, state: &[f64]) -> [f64; 3] {
    let n = block.count();
    let quarter = 0.25 * block.layout.spacing.powi(2);
    let mut sum = [0.0; 3];
    for p in 0..n {
        let mass = block.numbers.materials[0].density * block.layout.volume[p];
        let at = |k: usize| state[k * n + p];
        sum[0] += mass * at(2);
        sum[1] += mass * at(3);
        sum[2] += mass * (at(0) * at(3) - at(1) * at(2) + quarter * (at(6) - at(5)));
    }
    sum
}

/// A jelly with a wild motion.
fn wild() -> Block {
    let mut block =
        Block::new(Kind::Corotated, elastic(2.0, 50.0, 0.3), 0.05, [40, 40], [50, 50], 0.5, [7.3, 6.8]);
    let n = block.count();
    for k in 2 * n..8 * n {
        block.state[k] = (1.7 * k as f64).sin();
    }
    for k in 8 * n..12 * n {
        block.state[k] += 0.1 * (2.3 * k as f64).sin();
    }
    block
}

fn ball() -> Obstacle<f64> {
    Obstacle {
        form: Form::Sphere,
        size: Vec3::new(0.3, 0.0, 0.0),
        position: Vec3::new(0.9, 0.7, 0.0),
        rotation: Quat::identity(),
        angular_velocity: Vec3::new(0.0, 0.0, 2.0),
        velocity: Vec3::new(1.0, 0.5, 0.0),
        friction: 0.4,
    }
}

#[test]
fn matter_keeps_its_momentum_but_for_what_an_obstacle_takes() {
    let (block, obstacles) = (wild(), [ball()]);
    for obstacles in [&obstacles[..], &[]] {
        let conditions = Conditions { obstacles, ..under(0.0, 1e-3) };
        let mut next = block.state.clone();
        let mut impulses = vec![Force::zero(); obstacles.len()];
        let (numbers, layout) = (&block.numbers, &block.layout);
        let mut scratch = Scratch::default();
        substep(numbers, layout, &conditions, &block.state, &mut next, &mut impulses, &mut scratch).unwrap();
        let mut taken = [0.0; 3];
        for (obstacle, impulse) in obstacles.iter().zip(&impulses) {
            assert!(impulse.force.norm() > 1e-3, "the ball is not touched");
            taken[0] += impulse.force.x;
            taken[1] += impulse.force.y;
            taken[2] += (impulse.torque + obstacle.position.cross(impulse.force)).z;
        }
        let (before, after) = (momenta(&block, &block.state), momenta(&block, &next));
        for k in 0..3 {
            assert!((before[k] - after[k] - taken[k]).abs() < 1e-13, "{before:?} {after:?} {taken:?}");
        }
    }
}

#[test]
fn matter_moves_by_the_same_bits_on_any_number_of_threads() {
    let (block, obstacles) = (wild(), [ball()]);
    let conditions = Conditions { obstacles: &obstacles, ..under(9.8, 1e-3) };
    let bits = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let next = block.after(&block.state, &conditions, 3);
            let mut bar = vec![f64::NAN; next.len()];
            let mut numbers_bar = block.numbers.map(|_| 0.0);
            let mut common = ConditionsBar::zero(&conditions);
            let bars = (&mut numbers_bar, &mut common);
            let cotangent = (&next[..], &[Force::at(Vec3::unit(0), Vec3::unit(1))][..]);
            let (numbers, layout) = (&block.numbers, &block.layout);
            let mut scratch = Scratch::default();
            substep_pullback(
                (numbers, layout),
                &conditions,
                &block.state,
                cotangent,
                &mut bar,
                bars,
                &mut scratch,
            )
            .unwrap();
            let obstacle = common.obstacles[0];
            let common = [common.dt, common.gravity.y, obstacle.size.x, obstacle.position.y];
            let young = [numbers_bar.materials[0].young];
            next.into_iter().chain(bar).chain(common).chain(young).map(f64::to_bits).collect::<Vec<_>>()
        })
    };
    let one = bits(1);
    for threads in [2, 3, 7] {
        assert!(bits(threads) == one, "{threads} threads");
    }
}

#[test]
fn a_body_that_only_travels_is_not_deformed() {
    let mut block =
        Block::new(Kind::Corotated, elastic(1.0, 100.0, 0.3), 0.05, [40, 40], [20, 20], 0.5, [7.3, 6.8]);
    let n = block.count();
    block.state[2 * n..3 * n].fill(0.7);
    block.state[3 * n..4 * n].fill(0.4);
    let end = block.after(&block.state, &under(0.0, 1e-3), 200);
    for k in 8 * n..12 * n {
        assert!((end[k] - block.state[k]).abs() < 1e-12, "{k}: {}", end[k]);
    }
    assert!((end[0] - block.state[0] - 0.7 * 0.2).abs() < 1e-12);
}

#[test]
fn a_particle_that_leaves_the_grid_is_named() {
    let mut block =
        Block::new(Kind::Fluid, elastic(1.0, 100.0, 0.3), 0.05, [20, 20], [4, 4], 0.5, [7.3, 6.8]);
    (block.numbers.materials[0].bulk, block.numbers.materials[0].exponent) = (10.0, 1.0);
    for place in [5.0, -1.0, f64::NAN] {
        let mut state = block.state.clone();
        state[9] = place;
        let mut next = state.clone();
        let (numbers, layout) = (&block.numbers, &block.layout);
        let conditions = under(0.0, 1e-3);
        let mut scratch = Scratch::default();
        let answer = substep(numbers, layout, &conditions, &state, &mut next, &mut [], &mut scratch);
        assert_eq!(answer, Err(Lost { particle: 9 }));
    }
}

/// The frequency of a free bar of length one that is stretched along its first mode, over `½ √(E/ρ)`.
fn ringing(cells_per_length: usize) -> f64 {
    let (spacing, young) = (1.0 / cells_per_length as f64, 100.0);
    let n = cells_per_length;
    let corner = [n as f64 * 0.25 + 0.25, n as f64 * 0.25 + 0.25];
    let material = elastic(1.0, young, 0.0);
    let mut bar = Block::new(Kind::Corotated, material, spacing, [n + n / 2, n], [2 * n, n / 2], 0.5, corner);
    let count = bar.count();
    let shape: Vec<f64> = (0..count).map(|p| (PI * (bar.state[p] - 0.25)).cos()).collect();
    for p in 0..count {
        bar.state[2 * count + p] = 1e-3 * shape[p];
    }
    let (dt, start) = (0.2 * spacing / young.sqrt(), bar.state.clone());
    let (mut state, mut before, mut time) = (start.clone(), 0.0, 0.0);
    loop {
        state = bar.after(&state, &under(0.0, dt), 1);
        time += dt;
        let now: f64 = (0..count).map(|p| (state[p] - start[p]) * shape[p]).sum();
        if now < 0.0 {
            // Half a period ends between the last two steps.
            let half = time - dt * now / (now - before);
            return 1.0 / (2.0 * half) / (0.5 * young.sqrt());
        }
        before = now;
    }
}

#[test]
fn a_bar_rings_at_half_the_speed_of_sound_over_its_length_the_better_the_finer_the_grid() {
    let errors = [16, 32, 64].map(|cells| (ringing(cells) - 1.0).abs());
    println!("relative errors of the frequency: {errors:?}");
    assert!(errors[0] < 6e-3 && errors[1] < 1.5e-3 && errors[2] < 4e-4, "{errors:?}");
}

#[test]
fn a_resting_fluid_carries_what_stands_above_it() {
    // Between walls at three cells, as deep as wide, compressed as at rest.
    let (spacing, bulk, gravity) = (0.025, 100.0, 2.0);
    let material = Material { density: 1.0, bulk, exponent: 7.0, viscosity: 0.05, ..Material::zero() };
    let mut pool = Block::new(Kind::Fluid, material, spacing, [26, 40], [40, 40], 0.5, [3.25, 3.25]);
    let n = pool.count();
    let surface = 23.0 * spacing;
    let pressure_at = |y: f64| gravity * (surface - y);
    for p in 0..n {
        let volume = (1.0 + 7.0 * pressure_at(pool.state[n + p]) / bulk).powf(-1.0 / 7.0);
        (pool.state[8 * n + p], pool.state[11 * n + p]) = (volume.sqrt(), volume.sqrt());
    }
    let mut state = pool.after(&pool.state, &under(gravity, 1e-3), 1500);
    let (mut error, rounds) = (0.0, 20);
    for _ in 0..rounds {
        state = pool.after(&state, &under(gravity, 1e-3), 10);
        let pressure = |p: usize| {
            let volume: f64 = state[8 * n + p] * state[11 * n + p];
            bulk / 7.0 * (volume.powi(-7) - 1.0)
        };
        let deep: Vec<usize> = (0..n).filter(|p| state[n + p] < 13.0 * spacing).collect();
        let found = mean(&deep.iter().map(|p| pressure(*p)).collect::<Vec<_>>());
        let wanted = mean(&deep.iter().map(|p| pressure_at(state[n + p])).collect::<Vec<_>>());
        error += (found / wanted - 1.0) / f64::from(rounds);
    }
    println!("relative error of the pressure: {error:.4}");
    assert!(error.abs() < 0.05, "{error}");
}

/// The public task "launch": 3,600 particles for 1,023 substeps; the loss `½ |mean x − target|²` and its slope by
/// the common initial velocity.
#[test]
fn a_launched_jelly_has_the_published_loss_and_slope() {
    let mut jelly = Block::new(
        Kind::Corotated,
        elastic(1.0, 250.0, 0.25),
        1.0 / 120.0,
        [120, 120],
        [60, 60],
        0.7,
        [10.0, 25.0],
    );
    let (n, steps, dt) = (jelly.count(), 1023, 3e-4);
    jelly.layout.volume.fill(1.0);
    let conditions = under(9.8, dt);
    // The states of one stretch at a time; the others start again from where they began.
    let stretch = 32;
    let mut starts = vec![jelly.state.clone()];
    for first in (0..steps).step_by(stretch) {
        let count = stretch.min(steps - first);
        starts.push(jelly.after(starts.last().unwrap(), &conditions, count));
    }
    let end = starts.pop().unwrap();
    let apart = [mean(&end[..n]) - 0.3, mean(&end[n..2 * n]) - 0.6];
    let loss = 0.5 * (apart[0] * apart[0] + apart[1] * apart[1]);
    let mut bar = vec![0.0; end.len()];
    for p in 0..n {
        (bar[p], bar[n + p]) = (apart[0] / n as f64, apart[1] / n as f64);
    }
    let (mut before, mut scratch) = (bar.clone(), Scratch::default());
    let (mut numbers_bar, mut common) = (jelly.numbers.map(|_| 0.0), ConditionsBar::zero(&conditions));
    for (part, first) in (0..steps).step_by(stretch).enumerate().rev() {
        let mut path = vec![starts[part].clone()];
        for _ in 1..stretch.min(steps - first) {
            path.push(jelly.after(path.last().unwrap(), &conditions, 1));
        }
        for state in path.iter().rev() {
            let bars = (&mut numbers_bar, &mut common);
            let (numbers, layout, cotangent) = (&jelly.numbers, &jelly.layout, (&bar[..], &[][..]));
            substep_pullback(
                (numbers, layout),
                &conditions,
                state,
                cotangent,
                &mut before,
                bars,
                &mut scratch,
            )
            .unwrap();
            std::mem::swap(&mut bar, &mut before);
        }
    }
    let slope: [f64; 2] = std::array::from_fn(|k| bar[(2 + k) * n..(3 + k) * n].iter().sum());
    println!("loss {loss:.5}, slope {slope:?}");
    assert!((loss - 0.0505).abs() < 5e-5, "{loss}");
    // The published numbers come from 32-bit arithmetic.
    assert!((slope[0] + 0.013699).abs() < 5e-5 && (slope[1] - 0.031245).abs() < 5e-5, "{slope:?}");
}

/// Shear over normal stress of sand that shears along x on a plane across y, at constant volume.
fn friction_of_flow<const D: usize>(degrees: f64) -> f64 {
    let material = Material { friction: degrees.to_radians(), ..elastic(1.0, 1.0, 0.3) };
    let constants = material.constants(Kind::Sand);
    let (step, mut f) = (1e-6, scalar::<f64, D>(1.0 - 1e-4));
    let mut ratio = 0.0;
    for _ in 0..2000 {
        let trial: Matrix<f64, D> = matrix(|i, j| f[i][j] + if i == 0 { step * f[1][j] } else { 0.0 });
        let after = respond(Kind::Sand, &constants, &trial);
        f = after.deformation;
        ratio = -after.stress[0][1] / after.stress[1][1];
    }
    ratio
}

/// `μ = D 2/√3 sin φ/(3 − sin φ)`: the cone touches Mohr and Coulomb's law where a cylinder is pressed, and flow
/// without a change of volume has its largest shear along the plane.
fn friction_of_slope(dimension: f64, degrees: f64) -> f64 {
    let sine = degrees.to_radians().sin();
    dimension * 2.0 / 3.0_f64.sqrt() * sine / (3.0 - sine)
}

#[test]
fn sand_that_shears_has_the_friction_of_its_cone() {
    for degrees in [20.0, 30.0, 40.0] {
        for (found, dimension) in
            [(friction_of_flow::<2>(degrees), 2.0), (friction_of_flow::<3>(degrees), 3.0)]
        {
            let error = found / friction_of_slope(dimension, degrees) - 1.0;
            println!("{degrees}° in {dimension} dimensions: {found:.5}, relative error {error:.1e}");
            assert!(error.abs() < 1e-3, "{degrees}° in {dimension} dimensions: {error}");
        }
    }
}

/// The slope of the straight line nearest to these points.
fn slope(points: &[[f64; 2]]) -> f64 {
    let [x, y] = [0, 1].map(|k| mean(&points.iter().map(|p| p[k]).collect::<Vec<_>>()));
    let product: f64 = points.iter().map(|p| (p[0] - x) * (p[1] - y)).sum();
    product / points.iter().map(|p| (p[0] - x).powi(2)).sum::<f64>()
}

/// A layer of sand of 16 cm by 3.84 m with free ends, on a rough floor that slopes: the speed of its middle quarter
/// down the slope [s, m/s], every hundredth of a second.
fn speeds_down_a_slope(degrees: f64, cells: usize, hundredths: usize) -> Vec<[f64; 2]> {
    let (spacing, length, gravity) = (0.16 / cells as f64, 24 * cells, 9.81);
    let material = Material { friction: 30.0_f64.to_radians(), ..elastic(1500.0, 1e6, 0.3) };
    let corner = [2.0 * cells as f64 + 4.25, 3.25];
    let (grid, counts) = ([30 * cells + 8, cells + 12], [2 * length, 2 * cells]);
    let mut layer = Block::new(Kind::Sand, material, spacing, grid, counts, 0.5, corner);
    layer.layout.walls[2] = Wall::Sticky;
    let (sin, cos) = degrees.to_radians().sin_cos();
    let down = Vec3::new(gravity * sin, -gravity * cos, 0.0);
    let steps = 5 * cells / 2;
    let conditions = Conditions { gravity: down, ..under(0.0, 0.01 / steps as f64) };
    let (n, middle) = (layer.count(), 3 * length / 4 * counts[1]..5 * length / 4 * counts[1]);
    let (mut state, mut out) = (layer.state.clone(), Vec::new());
    for hundredth in 1..=hundredths {
        state = layer.after(&state, &conditions, steps);
        let velocities = &state[2 * n..3 * n];
        out.push([0.01 * hundredth as f64, mean(&velocities[middle.clone()])]);
    }
    out
}

/// The friction that explains how the layer gains speed from 0.1 s to 0.4 s, `a = g (sin θ − μ cos θ)`.
fn friction_on_a_slope(degrees: f64, cells: usize) -> f64 {
    let gain = slope(&speeds_down_a_slope(degrees, cells, 40)[9..]);
    let (sin, cos) = degrees.to_radians().sin_cos();
    (sin - gain / 9.81) / cos
}

/// In a plane, sand of 30° rests below a slope of 24.79°, `tan θ = μ`, and slides above it. It starts without stress,
/// and slides until it feels its weight.
#[test]
fn sand_rests_on_a_slope_below_its_friction_and_slides_above_it() {
    let wanted = friction_of_slope(2.0, 30.0);
    let error = |degrees, cells| friction_on_a_slope(degrees, cells) / wanted - 1.0;
    let errors = [26.0, 30.0, 36.0].map(|degrees| error(degrees, 8));
    let coarse = error(36.0, 4);
    let ends = [20.0, 23.0].map(|degrees| {
        let late = &speeds_down_a_slope(degrees, 8, 60)[50..];
        late.iter().map(|[_, v]| v.abs()).fold(0.0, f64::max)
    });
    println!("relative errors of the friction at 26°, 30°, 36°: {errors:.4?}; on half the cells {coarse:.4}");
    println!("speeds at 20° and 23° after half a second: {ends:.5?} m/s");
    // The floor holds half a cell of the layer back: the error grows with the speed, and shrinks with the grid.
    assert!(errors[0].abs() < 0.01 && errors[1].abs() < 0.035 && errors[2].abs() < 0.07, "{errors:?}");
    assert!(errors[2] < 0.8 * coarse, "{errors:?} {coarse}");
    assert!(ends[0] < 3e-3 && ends[1] < 0.015, "{ends:?}");
}

/// Water of depth `H` = 32 cm behind a dam that is gone at once, on a dry bed without friction: what flows past the
/// dam, over `H √(g H)`, and how fast the farthest parcel of side `H/8` goes, over `√(g H)`; from 2 and from 3 to
/// 4.2 times `√(H/g)`.
fn dam_break(cells: usize) -> [f64; 2] {
    let (depth, gravity, density, sound): (f64, f64, f64, f64) = (0.32, 9.81, 1000.0, 15.0);
    let material = Material { density, bulk: density * sound * sound, exponent: 7.0, ..Material::zero() };
    let spacing = depth / cells as f64;
    let (grid, counts) = ([14 * cells + 6, cells + 12], [10 * cells, 2 * cells]);
    let water = Block::new(Kind::Fluid, material, spacing, grid, counts, 0.5, [3.25, 3.25]);
    let dam = spacing * (5 * cells + 3) as f64;
    let tenth = 0.1 * (depth / gravity).sqrt();
    let steps = (tenth * cells as f64 / 0.008).round() as usize;
    let conditions = under(gravity, tenth / steps as f64);
    let (mut state, n, side) = (water.state.clone(), water.count(), cells / 4);
    let (mut passed, mut fronts) = (Vec::new(), Vec::new());
    for round in 1..=42 {
        state = water.after(&state, &conditions, steps);
        let (time, x) = (0.1 * f64::from(round), &state[..n]);
        let share = (0.5 / cells as f64).powi(2);
        passed.push([time, share * x.iter().filter(|x| **x > dam).count() as f64]);
        let mut parcels = vec![0.0; 8 * counts[0] / side];
        for (p, x) in x.iter().enumerate() {
            parcels[p / counts[1] / side * 8 + p % counts[1] / side] += x / (side * side) as f64;
        }
        fronts.push([time, parcels.into_iter().fold(0.0, f64::max) / depth]);
    }
    [slope(&passed[19..]), slope(&fronts[29..])]
}

/// Ritter's solution for shallow water: `8/27 H √(g H)` flows past the dam, and the front goes at `2 √(g H)`.
#[test]
fn a_broken_dam_lets_eight_parts_in_twenty_seven_flow() {
    let errors = [8, 16].map(|cells| {
        let [flow, front] = dam_break(cells);
        [flow * 27.0 / 8.0 - 1.0, front / 2.0 - 1.0]
    });
    println!("relative errors of the flow and of the front: {errors:.4?}");
    let [[coarse, coarse_front], [fine, fine_front]] = errors;
    assert!(coarse.abs() < 0.055 && fine.abs() < 0.03 && fine.abs() < 0.7 * coarse.abs(), "{errors:?}");
    // On a coarse grid the thin tip runs ahead.
    assert!(fine_front.abs() < 0.07 && fine_front.abs() < 0.6 * coarse_front.abs(), "{errors:?}");
}
