//! A pair force of your own: gravity between mass points, written once and differentiable at once.
//!
//! A moon is to be where another one would be after a year, and its start is a little wrong: the gradient through
//! a thousand steps of three bodies puts it right. The picture shows the orbits wished, guessed and found.

use costate::control::{Custom, Rule};
use costate::model::{Input, Model, State};
use costate::number::Real;
use costate::objective::{self, Law};
use costate::physics::derive;
use costate::report::{Figure, Panel, Row, Scale, Shape};
use costate::rollout::{Memory, Workspace, simulate_controlled, value_and_gradient_controlled};
use costate::scene::toml;
use costate::spatial::Vec3;

const STEPS: usize = 1000;
const SKY: &str = r#"
    steps = 1000
    [world]
    timestep = 0.00628
    gravity = [0.0, 0.0, 0.0]
    [[points]]
    name = "sun"
    positions = [[0.0, 0.0, 0.0]]
    mass = 1.0
    [[points]]
    name = "planet"
    positions = [[1.0, 0.0, 0.0]]
    velocity = [0.0, 0.0, 1.0]
    mass = 0.02
    [[points]]
    name = "moon"
    positions = [[1.6, 0.0, 0.0]]
    velocity = [0.0, 0.0, 0.7]
    mass = 0.001
"#;

/// `f = G m₁ m₂ d/|d|³` between every two points; the parameter is `G` [m³/(kg s²)].
struct Gravity;

fn place<R: Real>(state: &State<R>, point: usize) -> Vec3<R> {
    Vec3::from([0, 1, 2].map(|c| state.particles[3 * point + c]))
}

impl Rule for Gravity {
    fn count(&self) -> usize {
        1
    }
    fn decide<R: Real>(
        &self,
        model: &Model<R>,
        state: &State<R>,
        _: usize,
        theta: &[R],
        input: &mut Input<R>,
    ) {
        let mass: Vec<R> = model.particles.points.iter().map(|body| body.mass).collect();
        for a in 0..mass.len() {
            for b in 0..a {
                let d = place(state, b) - place(state, a);
                let square = d.dot(d);
                let pull = d * (theta[0] * mass[a] * mass[b] / (square * square.sqrt()));
                input.push[a] += pull;
                input.push[b] -= pull;
            }
        }
    }
}

/// The squared distance of the moon from a place at the end.
struct Meeting(Vec3<f64>);

impl Law for Meeting {
    fn cost<R: Real>(&self, _: &Model<R>, state: &State<R>, _: Option<&Input<R>>, k: usize) -> R {
        let d = place(state, 2) - self.0.map(R::from_f64);
        if k == STEPS { d.dot(d) } else { R::zero() }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let model = derive::compile(&toml::parse(SKY, "sky.toml".as_ref())?.problem.description);
    let inputs = vec![Input::zero_applied(&model); STEPS]; // with room for forces
    let velocity = model.topology.particles.velocity(2);
    let start = |v: [f64; 2]| {
        let mut state = State::reference(&model);
        (state.particles[velocity], state.particles[velocity + 2]) = (v[0], v[1]);
        state
    };
    let orbit = |v: [f64; 2]| -> Result<Vec<Vec3<f64>>, costate::Error> {
        let rollout = simulate_controlled(&model, &start(v), &inputs, (&mut Custom::new(Gravity), &[1.0]))?;
        Ok(rollout.states.iter().map(|state| place(state, 2)).collect())
    };
    let (wished, mut v) = (orbit([0.02, 0.78])?, [0.0, 0.7]);
    let guessed = orbit(v)?;
    let mut wish = objective::Custom(Meeting(wished[STEPS]));
    let mut workspace = Workspace::new(&model, &start(v));
    let (mut last, mut rate) = (f64::INFINITY, 1e-3);
    let mut best = v;
    for _ in 0..200 {
        let mut rule = Custom::new(Gravity);
        let own = (&mut rule, &[1.0][..]);
        let from = start(v);
        let w = &mut workspace;
        let (cost, g) =
            value_and_gradient_controlled(&model, &from, &inputs, own, &mut wish, Memory::Full, w)?;
        // Longer steps while they help, shorter ones from the best place where they do not.
        if cost < last {
            (last, best, rate) = (cost, v, 1.3 * rate);
        } else {
            rate *= 0.3;
        }
        let g = [g.start.particles[velocity], g.start.particles[velocity + 2]];
        v = [best[0] - rate * g[0], best[1] - rate * g[1]];
        if last < 1e-10 {
            break;
        }
    }
    println!("found {best:.5?} m/s, {:.1e} m from where the other moon is", last.sqrt());
    let orbits = [wished, guessed, orbit(best)?];
    let names = ["wished", "guessed", "found"].map(str::to_owned).to_vec();
    let rows = [(0, "x [m]"), (2, "z [m]")].map(|(c, vertical)| {
        let series = orbits.iter().map(|o| o.iter().map(|p| p.to_array()[c]).collect()).collect();
        let x = (0..=STEPS).map(|k| 0.00628 * k as f64).collect();
        let vertical = vertical.to_owned();
        let panel =
            Panel { vertical, x, series, scale: Scale::Linear, shape: Shape::Line, marks: Vec::new() };
        Row { names: names.clone(), panels: vec![panel] }
    });
    let figure = Figure { horizontal: "time [s]".to_owned(), rows: rows.to_vec() };
    Ok(std::fs::write("docs/orbits.png", figure.draw().png())?)
}
