//! One binary: each one compiles for itself what is generic over the number and is no entry of the engine.

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
