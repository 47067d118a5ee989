//! How it moves. Start with [`step`].

pub mod articulated;
mod constants;
pub mod constraint;
pub mod contact;
pub mod derive;
mod engine;
mod implicit;
mod integrate;
mod inverse;
mod linearize;
mod numbers;
pub mod particles;
mod runge_kutta;
mod step;

pub(crate) use engine::optimum_pullback;
pub use engine::{
    Engine, acceleration, forces, forces_pullback, inverse, inverse_pullback, step, step_pullback,
};
pub use integrate::{Kept, Record, StepBackward};
pub use linearize::{Linearization, linearize};
pub(crate) use step::applied_pullback;
pub use step::{Backward, Cotangents, Stage};

/// The same for any number, compiled where it is used: for functions of your own that are generic over
/// [`Real`](crate::number::Real).
pub mod any {
    pub(crate) use super::integrate::optimum_pullback;
    pub use super::integrate::{step, step_pullback};
    pub use super::inverse::{inverse, inverse_pullback};
    pub use super::step::{acceleration, forces, forces_pullback};
}
