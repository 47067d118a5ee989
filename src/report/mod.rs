//! Pictures of what happened, and the folder that keeps them.
//!
//! Every picture is drawn once, as SVG; its PNG is the same drawing rasterized with a font that the
//! binary carries, so that a picture looks alike on every machine.

mod animation;
mod camera;
mod chart;
mod curves;
mod filmstrip;
mod fitted;
mod frame;
mod ground;
#[doc(hidden)]
pub mod lettering;
mod picture;
mod run_folder;
mod sheet;
mod solid;
mod swarm;
mod table;

pub use animation::animation;
pub use chart::{Figure, Panel, Row, Scale, Shape};
pub use curves::{controls, cost, descents, energies, states};
pub use filmstrip::{Filmstrip, filmstrip};
pub use fitted::fitted;
pub use picture::Picture;
pub use run_folder::{RunFolder, next_folder};
pub use table::{Table, control_table, state_table};

use crate::model::{Description, Input, Model, State};

/// A motion to report: one state more than there are inputs.
#[derive(Clone, Copy, Debug)]
pub struct Motion<'a> {
    /// The model's file.
    pub description: &'a Description,
    /// As it was simulated.
    pub model: &'a Model<f64>,
    /// All states.
    pub states: &'a [State<f64>],
    /// Of every step.
    pub inputs: &'a [Input<f64>],
}

impl Motion<'_> {
    /// The time of every state [s].
    fn times(&self) -> Vec<f64> {
        self.states.iter().map(|s| s.time).collect()
    }
}
