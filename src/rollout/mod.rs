//! Many steps, and the sweep back through them.

mod adjoint;
#[cfg(feature = "app")]
mod batch;
#[doc(hidden)]
pub mod checkpoint;
mod forward;
mod health;

pub use adjoint::{
    Gradient, Memory, Remembered, Workspace, value_and_gradient, value_and_gradient_controlled,
};
#[cfg(feature = "app")]
pub use batch::{Batch, Batched, Share, World, Worlds, simulate_batch};
#[cfg(feature = "app")]
pub(crate) use forward::sound;
pub use forward::{Trajectory, cost, cost_controlled, simulate, simulate_controlled};
pub use health::{Health, Lacking, Missing, health};
