//! Rigid bodies on a kinematic tree: where they are, what they weigh, what pulls at them.
//!
//! All six-vectors are seen from the world's axes at the origin of the root body of each tree. No
//! result depends on the choice of that point, so pullbacks hold it fixed. With every quantity in
//! world axes, turning joint `i` moves all that hangs below it rigidly by the twist `S_i δq_i`:
//! the cotangent of `q_i` is `S_i` times one wrench, summed over the subtree.

pub mod actuation;
pub mod direction;
pub mod energy;
pub mod factor;
pub mod fluid;
pub mod inverse_dynamics;
pub mod jacobian;
pub mod kinematics;
pub mod line;
pub mod mass_matrix;
pub mod passive;
pub mod tendon;

pub use kinematics::{Links, LinksCotangent, kinematics, kinematics_pullback};
