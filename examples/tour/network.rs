//! Stop 7: a neural network in the same place. `cargo run --release --example tour -- 7`
//!
//! With hidden layers the rule is a network of 1,200 weights. It trains from anywhere, so that it knows the way on
//! from wherever the first swings lead, and is judged where the pendulum hangs: its motor is too weak to lift it, and
//! the only way up is to swing. A quarter of a minute; the picture shows three starts before and after.

use costate::optimize::{self, Settings};
use costate::report::Scale;
use costate::scene::toml;

use super::{Done, curves, figure, show};

const SCENE: &str = r#"
model = "models/pendulum.xml"
horizon = 3.0
[start.random]
position = { pivot = 3.1416 }
velocity = { pivot = 4.0 }
batch = 16
[start.random.judged]
position = { pivot = 0.5 }
count = 50
share = 0.9
[[controller]]
kind = "network"
hidden = [32, 32]
observe = ["sin(joint.pivot.position)", "cos(joint.pivot.position)", { quantity = "joint.pivot.velocity", scale = 4.0 }]
[[cost]]
quantity = "joint.pivot.position"
target = 3.14159
penalty = "wrapped"
weight = 2.0
[[cost]]
quantity = "joint.pivot.velocity"
weight = 0.02
[[optimize]]
what = "controllers"
[optimizer]
kind = "adam"
rate = 0.004
clip = 5.0
iterations = 600
until = "goals"
[[goal]]
quantity = "site.tip.position.z"
at_least = 1.5
last = 0.1
"#;

pub fn run() -> Done {
    let mut problem = toml::parse(SCENE, "scenes/pendulum.toml".as_ref())?.problem;
    let mut rows = Vec::new();
    for (name, iterations) in [("first guess", 0), ("trained", 600)] {
        let settings = Settings { iterations: Some(iterations), ..Settings::default() };
        let found = optimize::run(&problem, &settings, &mut |p| {
            if p.iteration % 100 == 0 {
                println!("{:3}  cost {:.4}  {:.0} steps/s", p.iteration, p.cost, p.steps_per_second);
            }
        })?;
        let (mut times, mut lines) = (Vec::new(), Vec::new());
        for (label, angle) in [("from −0.4 rad", -0.4), ("from 0.1 rad", 0.1), ("from 0.3 rad", 0.3)] {
            problem.start.q = vec![angle];
            let states = problem.rollout(&found.solution)?.trajectory.states;
            times = states.iter().map(|x| x.time).collect();
            lines.push((label, states.iter().map(|x| x.q[0]).collect()));
        }
        problem.start.q = vec![0.0];
        rows.push(curves(&format!("angle [rad], {name}"), Scale::Linear, &times, lines));
    }
    show("07_network", &figure("time [s]; up is ±3.14 rad", rows))
}
