//! The ladder: from the numbers of small files to the derivatives of a step, each rung isolates what
//! is new. The rungs of forces and steps are in `recorded`.

mod bodies;
mod calls;
pub mod collision;
pub mod constraints;
pub mod convex;
mod deep;
mod forces;
mod golden;
mod linear;
mod refused;
mod resting;
pub mod sensors;

use std::path::Path;

use costate::model::description::{Description, Integrator};
use costate::scene::mjcf;

/// The four integrators with the names that MuJoCo gives them.
const INTEGRATORS: [(&str, Integrator); 4] = [
    ("Euler", Integrator::Euler),
    ("RK4", Integrator::RungeKutta4),
    ("implicit", Integrator::Implicit),
    ("implicitfast", Integrator::ImplicitFast),
];

/// A model written in the test itself.
pub fn described(xml: &str) -> Description {
    mjcf::parse(xml, Path::new("model.xml")).unwrap_or_else(|e| panic!("{e}"))
}
