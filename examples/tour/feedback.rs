//! Stop 6: gains of a feedback, trained on random starts. `cargo run --release --example tour -- 6`
//!
//! A plan for one start is of no use at another; a rule that looks at the state is. Without hidden layers a network
//! is a linear feedback: a force for each of four observations. The gradient runs through rule and world together,
//! as the mean over a batch of starts; first over 0.8 s, in which a pole cannot fall far, then over three. The picture
//! shows starts of a choice of ours.

use costate::optimize::{self, Settings};
use costate::report::Scale;
use costate::scene::toml;

use super::{Done, curves, figure, show};

pub const SCENE: &str = r#"
model = "models/cartpole.xml"
horizon = 3.0
[start.random]
position = { pole = 0.3, cart = 0.3 }
velocity = { pole = 0.3 }
batch = 16
[[controller]]
kind = "network"
hidden = []
observe = [
    "joint.cart.position",
    { quantity = "joint.pole.position", scale = 0.1 },
    "joint.cart.velocity",
    { quantity = "joint.pole.velocity", scale = 0.5 },
]
[[cost]]
quantity = "joint.pole.position"
penalty = "wrapped"
weight = 10.0
[[cost]]
quantity = "joint.*.velocity"
weight = 0.1
[[cost]]
quantity = "joint.cart.position"
weight = 1.0
[[optimize]]
what = "controllers"
[optimizer]
kind = "adam"
rate = 0.02
clip = 5.0
schedule = "cosine"
iterations = 300
"#;

pub fn run() -> Done {
    let read = |text: &str| toml::parse(text, "scenes/balance.toml".as_ref()).map(|scene| scene.problem);
    let mut problem = read(SCENE)?;
    let mut rows = Vec::new();
    let mut known = None;
    for (name, seconds, iterations) in
        [("first guess", 0.8, 0), ("after 0.8 s", 0.8, 300), ("after 3 s", 3.0, 300)]
    {
        let mut lesson = read(&SCENE.replace("horizon = 3.0", &format!("horizon = {seconds}")))?;
        for (variable, start) in lesson.groups[0].variables.iter_mut().zip(known.into_iter().flatten()) {
            variable.start = start;
        }
        let settings = Settings { iterations: Some(iterations), ..Settings::default() };
        let found = optimize::run(&lesson, &settings, &mut |_| {})?;
        let gains = found.solution.natural(&lesson)?;
        println!("{name}: cost {:.4} in {:.1} s, with {gains:.2?}", found.cost_best, found.seconds);
        known = Some(gains);
        let (mut times, mut lines) = (Vec::new(), Vec::new());
        for (label, angle) in [("−0.3 rad", -0.3), ("−0.15 rad", -0.15), ("0.05 rad", 0.05), ("0.2 rad", 0.2)]
        {
            problem.start.q[1] = angle;
            let states = problem.rollout(&found.solution)?.trajectory.states;
            times = states.iter().map(|x| x.time).collect();
            lines.push((label, states.iter().map(|x| x.q[1]).collect()));
        }
        rows.push(curves(&format!("pole [rad], {name}"), Scale::Linear, &times, lines));
    }
    show("06_feedback", &figure("time [s]", rows))
}
