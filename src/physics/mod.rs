//! How it moves. Start with [`step`].

pub mod articulated;
mod constants;
pub mod constraint;
pub mod contact;
pub mod derive;
mod implicit;
mod integrate;
mod inverse;
mod linearize;
mod numbers;
pub mod particles;
mod runge_kutta;
mod step;

pub(crate) use integrate::optimum_pullback;
pub use integrate::{Kept, Record, StepBackward, step, step_pullback};
pub use inverse::{inverse, inverse_pullback};
pub use linearize::{Linearization, linearize};
pub(crate) use step::applied_pullback;
pub use step::{Backward, Cotangents, Stage, acceleration, forces, forces_pullback};
