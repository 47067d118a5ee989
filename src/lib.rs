//! Costate: a differentiable physics simulator.
pub mod number;
pub mod spatial;
