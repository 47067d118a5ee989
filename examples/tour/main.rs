//! A tour of the library, one idea further with each number; every stop ends in a picture.
//!
//! `cargo run --release --example tour` lists the stops, `cargo run --release --example tour -- 3` visits one.

mod contact_threshold;
mod curvature;
mod feedback;
mod first_gradient;
mod mix;
mod network;
mod numbers_of_the_file;
mod own_controller;
mod regulator;
mod swing_up;
mod throw;

use std::error::Error;
use std::path::{Path, PathBuf};

use costate::report::{Figure, Panel, Picture, Row, Scale, Shape};

type Done = Result<(), Box<dyn Error>>;
type Stop = (&'static str, fn() -> Done);

const STOPS: [Stop; 11] = [
    ("a first gradient, against difference quotients", first_gradient::run),
    ("a throw that hits, by descent in ten lines", throw::run),
    ("the controls of a swing-up, by the library's optimizer", swing_up::run),
    ("derivatives by the numbers of the model's file", numbers_of_the_file::run),
    ("the derivative through the threshold of contact", contact_threshold::run),
    ("gains of a feedback, trained on random starts", feedback::run),
    ("a neural network in the same place", network::run),
    ("a sum of feedback and network, against each alone", mix::run),
    ("a controller of your own", own_controller::run),
    ("A and B of a step, and a regulator made of them", regulator::run),
    ("Hessian times vector, and Newton's method", curvature::run),
];

fn main() -> Done {
    let number = std::env::args().nth(1).and_then(|n| n.parse::<usize>().ok());
    match number.and_then(|n| STOPS.get(n.checked_sub(1)?)) {
        Some((what, run)) => {
            println!("{what}");
            run()
        }
        None => {
            STOPS.iter().enumerate().for_each(|(k, (what, _))| println!("{:2}  {what}", k + 1));
            Ok(())
        }
    }
}

/// Where the picture of a stop goes: into `target/tour`, beside the build.
fn show(name: &str, picture: &Picture) -> Done {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tour");
    std::fs::create_dir_all(&folder)?;
    picture.write(&folder, name)?;
    println!("see {}", folder.join(name).with_extension("png").display());
    Ok(())
}

/// A panel of named curves.
fn curves(vertical: &str, scale: Scale, x: &[f64], curves: Vec<(&str, Vec<f64>)>) -> Row {
    let (names, series) = curves.into_iter().map(|(name, values)| (name.to_owned(), values)).unzip();
    let (x, vertical, marks) = (x.to_vec(), vertical.to_owned(), Vec::new());
    Row { names, panels: vec![Panel { vertical, x, series, scale, shape: Shape::Line, marks }] }
}

fn figure(horizontal: &str, rows: Vec<Row>) -> Picture {
    Figure { horizontal: horizontal.to_owned(), rows }.draw()
}
