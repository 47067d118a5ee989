//! Files into worlds.

pub mod mesh;
pub mod mjcf;
#[cfg(feature = "app")]
pub mod toml;
