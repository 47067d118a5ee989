//! A policy of thousands of weights written by hand, as one generic function: its derivative comes from the tape.
//!
//! The same network also exists built in. This prints how far apart the two gradients are, and what they cost; the
//! picture shows the cost against the number of weights.

use std::time::Instant;

use costate::control::{Controller, Custom, Policy, Rule, initial_parameters};
use costate::model::{Input, Model, State};
use costate::number::Real;
use costate::objective::RandomLinear;
use costate::physics::derive::compile;
use costate::report::{Figure, Panel, Row, Scale, Shape};
use costate::rollout::{Memory, Workspace, value_and_gradient_controlled};
use costate::scene::toml::parse;

const STEPS: usize = 100;
const SCENE: &str = r#"
model = "models/cartpole.xml"
horizon = 1.0
[[controller]]
kind = "network"
observe = ["joint.*.position", "sin(joint.pole.position)", "joint.*.velocity"]
"#;

/// Layers of `tanh(Wᵀ x + b)` from five inputs to the force within its range; behind the weights of a layer, one
/// input after the other, stand its biases.
struct Layers([usize; 4]);

impl Rule for Layers {
    fn count(&self) -> usize {
        self.0.windows(2).map(|pair| (pair[0] + 1) * pair[1]).sum()
    }
    fn decide<R: Real>(&self, _: &Model<R>, s: &State<R>, _: usize, theta: &[R], input: &mut Input<R>) {
        let mut x = vec![s.q[0], s.q[1], s.q[1].sin(), s.v[0], s.v[1]];
        let mut rest = theta;
        for pair in self.0.windows(2) {
            let (weights, more) = rest.split_at(pair[0] * pair[1]);
            let (biases, more) = more.split_at(pair[1]);
            let sum = |o: usize| (0..pair[0]).fold(biases[o], |sum, i| sum + weights[i * pair[1] + o] * x[i]);
            x = (0..pair[1]).map(|o| sum(o).tanh()).collect();
            rest = more;
        }
        input.u[0] += x[0].times(10.0);
    }
}

/// The gradient by the weights, and how long it takes [s].
fn gradient(
    (model, start): (&Model<f64>, &State<f64>),
    controller: &mut impl Controller<f64>,
    theta: &[f64],
) -> Result<(Vec<f64>, f64), costate::Error> {
    let inputs = vec![Input::zero(model); STEPS];
    let (mut loss, mut workspace) = (RandomLinear::new(model, STEPS, 1), Workspace::new(model, start));
    let mut seconds = f64::INFINITY;
    for _ in 0..5 {
        let (now, own) = (Instant::now(), (&mut *controller, theta));
        value_and_gradient_controlled(model, start, &inputs, own, &mut loss, Memory::Full, &mut workspace)?;
        seconds = seconds.min(now.elapsed().as_secs_f64());
    }
    let own = (controller, theta);
    let (_, g) =
        value_and_gradient_controlled(model, start, &inputs, own, &mut loss, Memory::Full, &mut workspace)?;
    Ok((g.controller.clone(), seconds))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut counts, mut series) = (Vec::new(), vec![Vec::new(); 2]);
    for hidden in [8, 16, 32, 64, 96] {
        let text = format!("{SCENE}hidden = [{hidden}, {hidden}]\n");
        let problem = parse(&text, "scenes/own_network.toml".as_ref())?.problem;
        let (model, theta) = (compile(&problem.description), initial_parameters(&problem.parts));
        let world = (&model, &problem.start);
        let (built_in, fast) = gradient(world, &mut Policy::new(&model, &problem.parts), &theta)?;
        let (own, slow) = gradient(world, &mut Custom::new(Layers([5, hidden, hidden, 1])), &theta)?;
        let size = built_in.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        let apart = own.iter().zip(&built_in).fold(0.0, |m: f64, (a, b)| m.max((a - b).abs())) / size;
        println!(
            "{:6} weights: gradients {apart:.1e} apart; {:8.2} ms by hand, {:6.2} ms built in ({:.0} times)",
            theta.len(),
            1e3 * slow,
            1e3 * fast,
            slow / fast
        );
        counts.push(theta.len() as f64);
        series[0].push(1e3 * slow);
        series[1].push(1e3 * fast);
    }
    let names = ["own rule, by the tape", "built in"].map(str::to_owned).to_vec();
    let vertical = format!("gradient of {STEPS} steps [ms]");
    let scale = Scale::Logarithmic;
    let panel = Panel { vertical, x: counts, series, scale, shape: Shape::Line, marks: vec![] };
    let figure = Figure { horizontal: "weights".to_owned(), rows: vec![Row { names, panels: vec![panel] }] };
    Ok(std::fs::write("docs/own_network.png", figure.draw().png())?)
}
