//! Stop 5: the derivative through the threshold of contact. `cargo run --release --example tour -- 5`
//!
//! A force `f` pulls at a ball of 1 kg that rests on the floor. Below its weight the floor gives way a little
//! less; above, the ball flies. The derivative of its height after a while by the force is exact on both sides,
//! while a central difference and an average over random forces (the derivative of smoothed contact) see
//! both sides at once. The floor's recoil lets the ball go a little before its weight is reached; the
//! stairs above are the steps in which it leaves, one after the other.

use costate::model::{Input, Model, State};
use costate::number::{Tangent, Wide};
use costate::physics::{Engine, derive};
use costate::report::Scale;
use costate::rollout::simulate;
use costate::scene::mjcf;

use super::{Done, curves, figure, show};

const BALL: &str = r#"<mujoco><option timestep="0.002"/><worldbody><geom type="plane" size="1 1 1"/>
    <body pos="0 0 .1"><joint type="slide" axis="0 0 1"/><geom size=".1" mass="1"/></body></worldbody></mujoco>"#;
/// The time after which the height is read [steps], and the width of differences and of random forces [N].
const STEPS: usize = 100;
const WIDTH: f64 = 1.0;

/// The height [m] after a constant force [N] on the ball at rest.
fn height<R: Engine>(model: &Model<f64>, rest: &State<f64>, force: R) -> Result<R, costate::Error> {
    let (model, rest) = (model.map(R::from_f64), rest.map(R::from_f64));
    let input = Input { force: vec![force], ..Input::zero_applied(&model) };
    Ok(simulate(&model, &rest, &vec![input; STEPS])?.states[STEPS].q[0])
}

pub fn run() -> Done {
    let model = derive::compile(&mjcf::parse(BALL, "ball.xml".as_ref())?);
    let fall = simulate(&model, &State::reference(&model), &vec![Input::zero(&model); 2000])?;
    let rest = &fall.states[2000];
    let forces: Vec<f64> = (0..=400).map(|k| 5.0 + 0.025 * f64::from(k)).collect();
    let (mut heights, mut slopes) = (Vec::new(), vec![Vec::new(); 3]);
    for &f in &forces {
        let exact = height(&model, rest, Wide::variable(f, 0))?;
        heights.push(1e3 * exact.value);
        slopes[0].push(1e3 * exact.tangent.get(0));
        let [below, above] = [f - WIDTH, f + WIDTH].map(|f| height(&model, rest, f));
        slopes[1].push(1e3 * (above? - below?) / (2.0 * WIDTH));
        // The derivative of E h(f + σ w) over a normal w is E h(f + σ w) w / σ.
        let (mut sum, mut weight) = (0.0, 0.0);
        for k in -40..=40 {
            let w = 0.1 * f64::from(k);
            let density = (-0.5 * w * w).exp();
            sum += density * height(&model, rest, f + WIDTH * w)? * w / WIDTH;
            weight += density;
        }
        slopes[2].push(1e3 * sum / weight);
    }
    let named = || {
        ["exact", "central difference, ±1 N", "smoothed, σ = 1 N"].into_iter().zip(slopes.clone()).collect()
    };
    let rows = vec![
        curves("height [mm]", Scale::Linear, &forces, vec![("exact", heights)]),
        curves("derivative [mm/N]", Scale::Linear, &forces, named()),
        curves("derivative [mm/N]", Scale::Logarithmic, &forces, named()),
    ];
    show("05_contact_threshold", &figure("force [N]; the ball weighs 9.81 N", rows))
}
