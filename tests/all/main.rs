//! One binary: every binary compiles the engine for every number again.

mod gradients;
mod objectives;
mod optimizing;
mod recorded;
