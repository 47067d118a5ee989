//! One binary: every binary compiles the engine for every number again.

mod allocations;
mod architecture;
mod command_line;
mod controlling;
mod derivatives;
mod energies;
mod episodes;
mod gradients;
mod identifying;
mod ladder;
mod laws;
mod moving;
mod numbers;
mod objectives;
mod optimizers;
mod optimizing;
mod pictures;
mod recorded;
mod scenes;
mod searching;
mod verdicts;
