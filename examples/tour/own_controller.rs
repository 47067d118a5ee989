//! Stop 9: a controller of your own, one function, generic over the number; nobody writes its derivative.
//! `cargo run --release --example tour -- 9`
//!
//! It pumps energy into a pendulum whose motor is too weak to lift it, and holds it upright; five numbers
//! are trained through 4 s of simulation. The picture shows the angle before and after.

use costate::control::{Custom, Rule};
use costate::model::{Input, Model, State};
use costate::number::Real;
use costate::objective::{self, Law};
use costate::physics::derive;
use costate::report::Scale;
use costate::rollout::{Memory, Workspace, simulate_controlled, value_and_gradient_controlled};
use costate::scene::mjcf;

use super::{Done, curves, figure, show};

const STEPS: usize = 400;

/// Far from upright a push along the velocity that brings the energy to a level, `p ω (e − E)`; near it a spring and a damper, `k sin q − d ω`; in
/// between a smooth share of both. The torque stays within its bounds.
struct Pump;

impl Rule for Pump {
    fn count(&self) -> usize {
        5
    }
    fn decide<R: Real>(&self, _: &Model<R>, x: &State<R>, _: usize, theta: &[R], input: &mut Input<R>) {
        let (angle, rate) = (x.q[0], x.v[0]);
        // One near upright, where the cosine is below −3/4, and zero far from it.
        let above = -angle.cos().times(4.0) - R::from_f64(3.0);
        let near = (theta[3] * above).tanh().times(0.5) + R::from_f64(0.5);
        // Kinetic and potential energy, in units of that of the arm held level.
        let energy = (rate * rate).times(0.029) - angle.cos();
        let pump = theta[0] * rate * (theta[4] - energy);
        let hold = theta[1] * angle.sin() - theta[2] * rate;
        input.u[0] += (near * hold + (R::one() - near) * pump).tanh().times(2.0);
    }
}

struct Upright;

impl Law for Upright {
    fn cost<R: Real>(&self, _: &Model<R>, x: &State<R>, _: Option<&Input<R>>, k: usize) -> R {
        if k < STEPS / 2 { R::zero() } else { R::one() + x.q[0].cos() + (x.v[0] * x.v[0]).times(0.05) }
    }
}

pub fn run() -> Done {
    let model = derive::compile(&mjcf::load("scenes/models/pendulum.xml".as_ref())?);
    let mut start = State::reference(&model);
    start.q[0] = 0.1;
    let inputs = vec![Input::zero(&model); STEPS];
    let mut workspace = Workspace::new(&model, &start);
    let mut theta = vec![0.5, 5.0, 0.5, 1.0, 1.0];
    let angles = |theta: &[f64]| -> Result<Vec<f64>, costate::Error> {
        let controller = (&mut Custom::new(Pump), theta);
        let rollout = simulate_controlled(&model, &start, &inputs, controller)?;
        Ok(rollout.states.iter().map(|x| x.q[0]).collect())
    };
    let before = angles(&theta)?;
    for iteration in 0..400 {
        let controller = (&mut Custom::new(Pump), &theta[..]);
        let mut wish = objective::Custom(Upright);
        let (cost, gradient) = value_and_gradient_controlled(
            &model,
            &start,
            &inputs,
            controller,
            &mut wish,
            Memory::Full,
            &mut workspace,
        )?;
        if iteration % 50 == 0 {
            println!("{iteration:4}  cost {cost:8.3}  theta {theta:.3?}");
        }
        // Steps of one length for each number, shorter and shorter: their slopes differ by thousands.
        let rate = 0.05 * (1.0 - f64::from(iteration) / 400.0);
        theta.iter_mut().zip(&gradient.controller).for_each(|(x, g)| *x -= rate * g.signum());
    }
    let times: Vec<f64> = (0..=STEPS).map(|k| k as f64 * model.option.timestep).collect();
    let angles = vec![("before", before), ("trained", angles(&theta)?)];
    let row = curves("angle [rad]; up is ±3.14", Scale::Linear, &times, angles);
    show("09_own_controller", &figure("time [s]", vec![row]))
}
