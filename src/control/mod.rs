//! What decides.

mod open_loop;

pub use open_loop::{Plan, Shape};
