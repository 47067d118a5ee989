//! How fast each integrator converges.

use super::super::ladder::described;
use costate::model::description::Integrator;
use costate::model::{Input, Model, State};
use costate::physics::{Record, derive, step};

/// A damped arm on a ball joint, with a spring, a servo with an activation, and a free neighbour.
const ARM: &str = r#"<mujoco><worldbody>
    <body pos="0 0 1"><joint type="ball" damping=".05"/><geom type="capsule" fromto="0 0 0 .05 .05 -.4" size=".04"/>
      <body pos=".05 .05 -.4"><joint name="elbow" axis="0 1 0" damping=".1" stiffness="1"/>
        <geom type="capsule" fromto="0 0 0 .3 0 0" size=".03"/></body></body>
    <body><freejoint/><geom type="box" size=".1 .2 .3" pos=".05 0 0" density="100"/></body>
    </worldbody><actuator><general joint="elbow" dyntype="filter" dynprm=".1" biastype="affine" biasprm="0 -1 -.1"/></actuator></mujoco>"#;

fn model(integrator: Integrator, seconds: f64, steps: usize) -> Model<f64> {
    let mut d = described(ARM);
    d.option.integrator = integrator;
    d.option.timestep = seconds / steps as f64;
    derive::compile(&d)
}

fn rolled(model: &Model<f64>, steps: usize) -> State<f64> {
    let mut state = State::reference(model);
    for (k, v) in state.v.iter_mut().enumerate() {
        *v = 2.0 * (1.1 * k as f64 + 0.3).sin();
    }
    let mut input = Input::zero(model);
    input.u[0] = 0.5;
    let (mut record, mut next) = (Record::new(model), state.clone());
    for _ in 0..steps {
        step(model, &state, &input, &mut record, &mut next);
        std::mem::swap(&mut state, &mut next);
    }
    state
}

/// The distance of two states of one model.
fn distance(model: &Model<f64>, a: &State<f64>, b: &State<f64>) -> f64 {
    let velocity = a.v.iter().zip(&b.v).chain(a.act.iter().zip(&b.act)).map(|(a, b)| a - b);
    let all = a.minus(b, model).into_iter().chain(velocity);
    all.map(|x| x * x).sum::<f64>().sqrt()
}

#[test]
fn every_integrator_converges_with_its_order_on_rotations_too() {
    let seconds = 0.4;
    let exact = model(Integrator::RungeKutta4, seconds, 8000);
    let exact_end = rolled(&exact, 8000);
    for (integrator, order, steps) in [
        (Integrator::Euler, 1, 2000),
        (Integrator::Implicit, 1, 2000),
        (Integrator::ImplicitFast, 1, 2000),
        (Integrator::RungeKutta4, 4, 80),
    ] {
        let error = |steps| {
            let model = model(integrator, seconds, steps);
            distance(&model, &rolled(&model, steps), &exact_end)
        };
        let measured = (error(steps) / error(2 * steps)).log2();
        println!("{integrator:?}: order {measured:.3}");
        assert!((measured - f64::from(order)).abs() < 0.15, "{integrator:?} has order {measured}");
    }
}
