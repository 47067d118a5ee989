//! A network trained in PyTorch, at work here: it balances a pole from a file of weights.
//!
//! `examples/data/foreign_network.py` trained it and recorded its outputs; this prints the worst difference from
//! them. The picture shows the pole from three starts, and the force that the network asks for.

use costate::control::{Law, Network, Policy, initial_parameters};
use costate::model::Input;
use costate::physics::derive::compile;
use costate::report::{Figure, Panel, Row, Scale, Shape};
use costate::rollout::simulate_controlled;
use costate::scene::toml::parse;

const SCENE: &str = r#"
model = "../../scenes/models/cartpole.xml"
horizon = 6.0
[[controller]]
kind = "network"
observe = [
    "joint.cart.position", "sin(joint.pole.position)", "cos(joint.pole.position)",
    "joint.cart.velocity", "joint.pole.velocity",
]
hidden = [32, 16]
layer_norm = true
activation = "silu"
squash = false                            # its output is the force [N]
weights = "foreign_network.safetensors"   # 0.weight, 0.bias, 1.weight, …: as a Sequential stores them
"#;

/// The worst difference from the outputs that PyTorch recorded.
fn worst_difference(network: &Network, parameters: &[f64]) -> Result<f64, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string("examples/data/foreign_network.json")?;
    let recorded: serde_json::Value = serde_json::from_str(&text)?;
    let rows = |key: &str| -> Result<Vec<Vec<f64>>, _> { serde_json::from_value(recorded[key].clone()) };
    let (inputs, outputs) = (rows("inputs")?.concat(), rows("outputs")?.concat());
    let batch = inputs.len() / network.mlp.inputs();
    let mut values = vec![0.0; batch * network.mlp.width()];
    let mut slopes = values.clone();
    values[..inputs.len()].copy_from_slice(&inputs);
    network.mlp.forward(parameters, (&mut values, &mut slopes), 0..batch);
    let own = &values[values.len() - outputs.len()..];
    Ok(own.iter().zip(&outputs).fold(0.0, |worst, (a, b)| f64::max(worst, (a - b).abs())))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let problem = parse(SCENE, "examples/data/foreign_network.toml".as_ref())?.problem;
    let weights = initial_parameters(&problem.parts);
    if let Law::Network(network) = &problem.parts[0].law {
        println!("worst difference from PyTorch: {:.1e} N", worst_difference(network, &weights)?);
    }
    let model = compile(&problem.description);
    let inputs = vec![Input::zero(&model); problem.plan.steps()];
    let (mut poles, mut forces, mut names) = (Vec::new(), Vec::new(), Vec::new());
    for angle in [0.1, 0.3, 0.5] {
        let (mut start, mut policy) = (problem.start.clone(), Policy::new(&model, &problem.parts));
        start.q[1] = angle;
        let rollout = simulate_controlled(&model, &start, &inputs, (&mut policy, &weights))?;
        poles.push(rollout.states.iter().map(|x| x.q[1]).collect());
        forces.push(rollout.inputs.iter().map(|i| i.u[0]).collect());
        names.push(format!("from {angle} rad"));
    }
    let panel = |vertical: &str, series: Vec<Vec<f64>>, shape, marks| Panel {
        vertical: vertical.to_owned(),
        x: (0..series[0].len()).map(|k| k as f64 * model.option.timestep).collect(),
        series,
        scale: Scale::Linear,
        shape,
        marks,
    };
    let row = |panel| Row { names: names.clone(), panels: vec![panel] };
    let rows = vec![
        row(panel("pole [rad]", poles, Shape::Line, vec![])),
        row(panel("force [N]", forces, Shape::Steps, vec![-10.0, 10.0])),
    ];
    let figure = Figure { horizontal: "time [s]".to_owned(), rows };
    Ok(std::fs::write("docs/foreign_network.png", figure.draw().png())?)
}
