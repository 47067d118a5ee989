//! Files into worlds.

pub mod mesh;
pub mod mjcf;
