//! Costate: a differentiable physics simulator.
//!
//! The map of the house. A room may use only the rooms above it in this list; a test reads every
//! `use` and fails on an arrow that points the other way.
//!
//! | room | what it is |
//! | --- | --- |
//! | [`error`] | the one error |
//! | [`number`] | numbers that carry derivatives or worlds |
//! | [`spatial`] | the algebra of motion |
//! | [`model`] | what there is; fixed during a rollout, except the state |
//! | [`physics`] | how it moves: start with [`physics::step`] |
//! | [`sense`] | what is measured |
//! | [`control`] | what decides |
//! | [`objective`] | what is wished for |
//! | [`rollout`] | many steps, and the sweep back through them |
//! | `optimize` | getting there |
//! | [`scene`] | files into worlds |
//! | `report` | pictures of what happened |
//! | `cli` | the command line, one file per verb |
//!
//! The last three and `optimize` come with the feature `app`, which is on by default; without it the
//! crate is the physics and its derivatives alone.

#![warn(missing_docs)]

pub mod error;

pub mod number;

pub mod spatial;

pub mod model;

pub mod physics;

pub mod sense;

pub mod control;

pub mod objective;

pub mod rollout;

#[cfg(feature = "app")]
pub mod optimize;

pub mod scene;

#[cfg(feature = "app")]
pub mod report;

#[cfg(feature = "app")]
pub mod cli;

pub use error::Error;

/// The examples of the README are compiled and run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
