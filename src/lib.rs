//! Costate: a differentiable physics simulator.
