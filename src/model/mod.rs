//! What there is; fixed during a rollout, except the state.
//!
//! A file becomes a [`Description`], plain numbers as the file states them. [`assemble`] turns it
//! into a [`Model`] over any number, and names on the way every number that it reads: these are
//! the parameters. The derivative by a parameter is that of editing the file and loading again.

mod assemble;
mod constraint;
pub mod continuum;
pub mod description;
mod entries;
mod hull;
mod list;
mod parameter;
pub mod particle;
mod sensor;
mod state;
mod touch;
mod tree;

pub use assemble::{assemble, log_cholesky_of};
pub(crate) use assemble::{shell, solid};
pub use constraint::{Constants, Equality, EqualityLayout, FrictionLoss, Limit, Override, Pair, Tie};
pub use description::Description;
pub use hull::{Hull, HullFace};
pub use parameter::{Listing, Parameter, Source, Stated, Values};
pub use sensor::{Frame, Limited, Measured, Sensor, measured};
pub(crate) use state::copy_inputs;
pub use state::{Costate, Input, State, advance_configuration, advance_configuration_pullback};
pub use touch::{Candidate, LEAST_FRICTION, PairLayout, Touch, touch, touch_pullback};
pub use tree::{
    Actuator, Body, FluidBox, Geom, Joint, JointLayout, Model, Options, Pattern, Site, SpatialPiece, Tendon,
    TendonPath, Topology,
};
