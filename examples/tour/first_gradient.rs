//! Stop 1: a first gradient. `cargo run --release --example tour -- 1`
//!
//! A ball is thrown against the wind at a basket. One rollout and one sweep back give the derivative of how far it
//! misses by its velocity at the start. A difference quotient needs two rollouts for each number, and at best half
//! of the digits are right: the picture shows by how much it is off, whatever its width.

use costate::model::{Input, Model, State};
use costate::number::Real;
use costate::objective::{Custom, Law};
use costate::physics::derive;
use costate::report::Scale;
use costate::rollout::{Memory, Workspace, cost, value_and_gradient};
use costate::scene::mjcf;

use super::{Done, curves, figure, show};

pub const BALL: &str = r#"<mujoco><option timestep="0.01" density="1.2" wind="-4 0 0"/><worldbody>
    <geom name="basket" type="cylinder" pos="4 0 1.58" size=".35 .02" rgba=".86 .36 .2 1" contype="0"/>
    <body name="ball" pos="0 0 1.5">
      <joint name="x" type="slide" axis="1 0 0"/><joint name="z" type="slide" axis="0 0 1"/>
      <geom size=".3" mass="2" rgba=".2 .45 .7 1" contype="0"/><site name="ball"/>
    </body></worldbody></mujoco>"#;
pub const STEPS: usize = 120;
const BASKET: [f64; 2] = [4.0, 0.4];

/// Half the squared distance from the basket in the end [m²], from where the ball starts.
pub struct Miss;

impl Law for Miss {
    fn cost<R: Real>(&self, _: &Model<R>, x: &State<R>, _: Option<&Input<R>>, step: usize) -> R {
        let off = [0, 1].map(|k| x.q[k] - R::from_f64(BASKET[k]));
        if step == STEPS { (off[0] * off[0] + off[1] * off[1]).times(0.5) } else { R::zero() }
    }
}

pub fn run() -> Done {
    let model = derive::compile(&mjcf::parse(BALL, "ball.xml".as_ref())?);
    let mut start = State::reference(&model);
    start.v = vec![3.0, 5.0];
    let inputs = vec![Input::zero(&model); STEPS];
    let mut workspace = Workspace::new(&model, &start);
    let (value, gradient) =
        value_and_gradient(&model, &start, &inputs, &mut Custom(Miss), Memory::Full, &mut workspace)?;
    println!("cost {value:.4} m²; by the velocity {:.4?} m² per m/s", gradient.start.v);

    let moved = |h: f64| {
        let mut start = start.clone();
        start.v[0] += h;
        cost(&model, &start, &inputs, &mut Custom(Miss))
    };
    let exact = gradient.start.v[0];
    let exponents: Vec<f64> = (0..=56).map(|k| -14.0 + 0.25 * f64::from(k)).collect();
    let (mut forward, mut central) = (Vec::new(), Vec::new());
    for h in exponents.iter().map(|e| 10f64.powf(*e)) {
        forward.push((((moved(h)? - value) / h - exact) / exact).abs());
        central.push((((moved(h)? - moved(-h)?) / (2.0 * h) - exact) / exact).abs());
    }
    let best = central.iter().copied().fold(f64::INFINITY, f64::min);
    println!("the best of {} central quotients is off by {best:.0e} of the derivative", central.len());
    let errors = vec![("forward quotient", forward), ("central quotient", central)];
    let row = curves("relative error", Scale::Logarithmic, &exponents, errors);
    show("01_first_gradient", &figure("width of the quotient, power of ten [m/s]", vec![row]))
}
