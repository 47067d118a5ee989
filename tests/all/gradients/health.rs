//! What a sweep back says about its own gradient.

use costate::model::{Input, Model, State};
use costate::objective::{Objective, RandomLinear};
use costate::physics::{Cotangents, derive};
use costate::rollout::{Health, Memory, Workspace, health, value_and_gradient};

use crate::ladder::described;

fn sweep(xml: &str, steps: usize, objective: impl Fn(&Model<f64>) -> Box<dyn Objective<f64>>) -> Health {
    struct Own(Box<dyn Objective<f64>>);
    impl Objective<f64> for Own {
        fn cost(&mut self, m: &Model<f64>, s: &State<f64>, i: Option<&Input<f64>>, k: usize) -> f64 {
            self.0.cost(m, s, i, k)
        }
        fn cost_pullback(
            &mut self,
            m: &Model<f64>,
            s: &State<f64>,
            i: Option<&Input<f64>>,
            k: usize,
            out: &mut Cotangents<f64>,
        ) {
            self.0.cost_pullback(m, s, i, k, out);
        }
    }
    let model = derive::compile(&described(xml));
    let start = State::reference(&model);
    let mut workspace = Workspace::new(&model, &start);
    let inputs = vec![Input::zero(&model); steps];
    let mut own = Own(objective(&model));
    value_and_gradient(&model, &start, &inputs, &mut own, Memory::Full, &mut workspace).unwrap();
    health(&workspace)
}

/// Counts the last state alone, and spoils the cotangent of one step.
struct Last {
    spoiled: Option<usize>,
}

impl Objective<f64> for Last {
    fn cost(&mut self, _: &Model<f64>, s: &State<f64>, input: Option<&Input<f64>>, _: usize) -> f64 {
        if input.is_none() { s.q[0] } else { 0.0 }
    }
    fn cost_pullback(
        &mut self,
        _: &Model<f64>,
        _: &State<f64>,
        input: Option<&Input<f64>>,
        k: usize,
        out: &mut Cotangents<f64>,
    ) {
        if input.is_none() {
            out.state.q[0] += 1.0;
        }
        if self.spoiled == Some(k) {
            out.state.v[0] = f64::NAN;
        }
    }
}

const UPRIGHT: &str = r#"<mujoco><option timestep=".01"/><worldbody><body><joint name="pivot" axis="0 1 0"/>
    <geom type="sphere" size=".001" pos="0 0 1" mass="1"/></body></worldbody></mujoco>"#;

#[test]
fn the_costate_of_an_upright_pendulum_grows_as_the_pendulum_falls() {
    let health = sweep(UPRIGHT, 600, |_| Box::new(Last { spoiled: None }));
    let expected = (0.01 * 9.81f64.sqrt()).exp();
    assert!((health.growth - expected).abs() < 2e-3, "{} and not {expected}", health.growth);
    assert!(health.advice().unwrap().contains("shorter horizon"));
    assert!(sweep(UPRIGHT, 100, |_| Box::new(Last { spoiled: None })).advice().is_none());
}

#[test]
fn a_ball_that_falls_switches_when_it_reaches_the_floor() {
    let ball = |onset: &str| {
        format!(
            r#"<mujoco><default><geom solimp="{onset} .95 .001"/></default><worldbody>
            <geom type="plane" size="1 1 1"/><body pos="0 0 .3"><freejoint/><geom size=".1"/></body>
            </worldbody></mujoco>"#
        )
    };
    let random = |m: &Model<f64>| -> Box<dyn Objective<f64>> { Box::new(RandomLinear::new(m, 150, 1)) };
    let hard = sweep(&ball(".9"), 150, random);
    // It falls 0.2 m in 0.202 s.
    assert!((99..=104).contains(&hard.switches[0]), "{:?}", hard.switches);
    assert!(hard.advice().unwrap().contains("solimp"), "{hard:?}");
    let soft = sweep(&ball("0"), 150, random);
    assert!(soft.advice().is_none() && !soft.switches.is_empty(), "{soft:?}");
}

#[test]
fn a_cotangent_that_is_not_finite_has_a_name_and_a_step() {
    let health = sweep(UPRIGHT, 10, |_| Box::new(Last { spoiled: Some(4) }));
    assert_eq!(health.broken, Some((4, "the velocity of joint \"pivot\"".to_owned())));
    assert!(health.advice().unwrap().contains("pivot"));
}
