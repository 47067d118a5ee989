//! A force of your own: one function, generic over the number, inside the adjoint; nobody writes its derivative.
//!
//! A ball flies through wind. From eight seen places of its flight, the strength of the drag and the wind are
//! found by gradient descent through the simulation. The picture shows the flight seen, guessed and found.

use costate::control::{Custom, Rule};
use costate::model::{Input, Model, State};
use costate::number::Real;
use costate::objective::{self, Law};
use costate::physics::derive;
use costate::report::{Figure, Panel, Row, Scale, Shape};
use costate::rollout::{Memory, Workspace, simulate_controlled, value_and_gradient_controlled};
use costate::scene::mjcf;

const STEPS: usize = 150;
const BALL: &str = "<mujoco><option timestep='0.01'/><worldbody><body>\
    <joint name='x' type='slide' axis='1 0 0'/><joint name='z' type='slide' axis='0 0 1'/>\
    <geom type='sphere' size='0.1' mass='0.3'/></body></worldbody></mujoco>";

/// Drag `−c |v − w| (v − w)` in a wind `w` along x; the parameters are `c` [kg/m] and `w` [m/s].
struct Drag;

impl Rule for Drag {
    fn count(&self) -> usize {
        2
    }
    fn decide<R: Real>(&self, _: &Model<R>, x: &State<R>, _: usize, theta: &[R], input: &mut Input<R>) {
        let against = [x.v[0] - theta[1], x.v[1]];
        // A little more than nothing under the root keeps its slope finite in still air.
        let speed = (against[0].square() + against[1].square() + R::from_f64(1e-9)).sqrt();
        input.force.iter_mut().zip(against).for_each(|(force, v)| *force -= theta[0] * speed * v);
    }
}

/// The squared distance from the seen places.
struct Seen(Vec<[f64; 2]>);

impl Law for Seen {
    fn cost<R: Real>(&self, _: &Model<R>, x: &State<R>, _: Option<&Input<R>>, k: usize) -> R {
        let [dx, dz] = [0, 1].map(|i| x.q[i] - R::from_f64(self.0[k][i]));
        if k.is_multiple_of(20) { dx.square() + dz.square() } else { R::zero() }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let model = derive::compile(&mjcf::parse(BALL, "ball.xml".as_ref())?);
    let mut start = State::reference(&model);
    start.v = vec![12.0, 9.0];
    let inputs = vec![Input::zero_applied(&model); STEPS]; // with room for forces
    let flight = |theta: &[f64]| -> Result<Vec<[f64; 2]>, costate::Error> {
        let rollout = simulate_controlled(&model, &start, &inputs, (&mut Custom::new(Drag), theta))?;
        Ok(rollout.states.iter().map(|x| [x.q[0], x.q[1]]).collect())
    };
    let mut theta = vec![0.01, 0.0];
    let (seen, guessed) = (flight(&[0.02, -4.0])?, flight(&theta)?);
    let (mut wish, mut workspace) = (objective::Custom(Seen(seen.clone())), Workspace::new(&model, &start));
    for iteration in 0..400 {
        let (mut rule, w) = (Custom::new(Drag), &mut workspace);
        let own = (&mut rule, &theta[..]);
        let found = value_and_gradient_controlled(&model, &start, &inputs, own, &mut wish, Memory::Full, w)?;
        // Steps of one length for each number, shorter and shorter: their slopes differ by thousands.
        let share = 0.98_f64.powi(iteration);
        for ((x, g), rate) in theta.iter_mut().zip(&found.1.controller).zip([5e-4, 0.2]) {
            *x -= rate * share * g.signum();
        }
    }
    println!("found {theta:.5?}, and the ball flew with [0.02, -4.0]");
    let flights = [seen, guessed, flight(&theta)?];
    let names = ["seen", "guessed", "found"].map(str::to_owned).to_vec();
    let rows = [(0, "x [m]"), (1, "z [m]")].map(|(i, vertical)| {
        let series = flights.iter().map(|flight| flight.iter().map(|p| p[i]).collect()).collect();
        let x = (0..=STEPS).map(|k| 0.01 * k as f64).collect();
        let (vertical, marks) = (vertical.to_owned(), vec![]);
        let panel = Panel { vertical, x, series, scale: Scale::Linear, shape: Shape::Line, marks };
        Row { names: names.clone(), panels: vec![panel] }
    });
    let figure = Figure { horizontal: "time [s]".to_owned(), rows: rows.to_vec() };
    Ok(std::fs::write("docs/own_force.png", figure.draw().png())?)
}
