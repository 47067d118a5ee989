//! Matter as particles that exchange momentum over a grid: the material point method.
pub mod isotropic;
pub mod material;
pub mod matrix;
