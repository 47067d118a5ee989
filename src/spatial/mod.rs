//! The algebra of motion: vectors, rotations, poses, and the six-vectors of rigid bodies.
//!
//! A small layer of our own, every function inlined and generic over the number. nalgebra is the
//! language at the edges of the library; conversions are one `From` away.
//!
//! Six-vectors are seen from the world's axes at one reference point per kinematic tree, rotation
//! first: a twist `(angular, linear)` in [`Motion`], a wrench `(torque, force)` in [`Force`].

mod force;
mod inertia;
mod motion;
mod rotation;
mod transform;
mod vector;

pub use force::Force;
pub use inertia::{Inertia, symmetric_eigen};
pub use motion::Motion;
pub use rotation::{
    Quat, polar, rotation_z_to, slerp, so3_left_jacobian, so3_log_jacobian, so3_right_jacobian,
};
pub use transform::Pose;
pub use vector::{Mat3, Sym3, Vec3};
