//! Files into worlds: what the readers promise.

mod mesh;
mod mjcf;
mod toml;
mod urdf;
mod xml;
