//! Costate: a differentiable physics simulator.
//!
//! A room may use only the rooms above it in this list; a test reads every `use`.

#[cfg(feature = "app")]
pub mod cli;
pub mod control;
pub mod error;
pub mod model;
pub mod number;
pub mod objective;
#[cfg(feature = "app")]
pub mod optimize;
pub mod physics;
#[cfg(feature = "app")]
pub mod report;
pub mod rollout;
pub mod scene;
pub mod spatial;

pub use error::Error;
