//! Stop 8: a sum of feedback and network, against each alone. `cargo run --release --example tour -- 8`
//!
//! The controls of all controllers of a scene add up. From starts as far as 0.8 rad a linear feedback stays in the
//! first valley that it comes to, a network searches long before it finds a better one, and their sum finds it
//! sooner. The picture shows the cost on the way, as the mean over twenty batches.

use costate::optimize::{self, Row, Settings};
use costate::report::descents;
use costate::scene::toml;

use super::feedback::SCENE;
use super::{Done, show};

const NETWORK: &str = r#"
[[controller]]
kind = "network"
name = "residual"
hidden = [16, 16]
observe = ["joint.cart.position", "sin(joint.pole.position)", "cos(joint.pole.position)", "joint.*.velocity"]
"#;

pub fn run() -> Done {
    // From further away than a line is good for.
    let linear = SCENE
        .replace("pole = 0.3, cart = 0.3", "pole = 0.8, cart = 0.3")
        .replace("horizon = 3.0", "horizon = 1.5");
    let (before, rest) = linear.split_once("[[controller]]").ok_or("no controller")?;
    let (_, after) = rest.split_once("[[cost]]").ok_or("no cost")?;
    let network = format!("{before}{NETWORK}[[cost]]{after}");
    let both = format!("{linear}{NETWORK}");
    let mut ways = Vec::new();
    for (name, text) in [("linear feedback", &linear), ("network", &network), ("their sum", &both)] {
        let problem = toml::parse(text, "scenes/balance.toml".as_ref())?.problem;
        let found = optimize::run(&problem, &Settings::default(), &mut |_| {})?;
        println!(
            "{name}: cost {:.4} after {} iterations, {:.1} s",
            found.cost_best, found.iterations, found.seconds
        );
        let mean = |rows: &[Row]| {
            (rows[0].iteration as f64, rows.iter().map(|r| r.cost).sum::<f64>() / rows.len() as f64)
        };
        ways.push((name.to_owned(), found.history.windows(20).map(mean).collect()));
    }
    show("08_mix", &descents("iterations", ways))
}
