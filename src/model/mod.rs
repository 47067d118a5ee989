//! What there is; fixed during a rollout, except the state.

pub mod description;

pub use description::Description;
