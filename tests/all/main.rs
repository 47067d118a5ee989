//! One binary: every binary compiles the engine for every number again.

mod command_line;
mod energies;
mod gradients;
mod ladder;
mod laws;
mod objectives;
mod optimizing;
mod pictures;
mod recorded;
