//! Files into worlds.

pub mod mesh;
pub mod mjcf;
#[cfg(feature = "app")]
pub mod toml;
pub mod urdf;

use std::path::Path;

use crate::error::Error;
use crate::model::Description;

/// Reads a model: a URDF file if its name ends in `.urdf`, an MJCF file otherwise.
pub fn load_model(path: &Path) -> Result<Description, Error> {
    match path.extension() {
        Some(ending) if ending.eq_ignore_ascii_case("urdf") => urdf::load(path),
        _ => mjcf::load(path),
    }
}
