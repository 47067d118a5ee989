//! Files into worlds.

#[cfg(feature = "app")]
mod columns;
pub mod mesh;
pub mod mjcf;
#[cfg(feature = "app")]
pub mod toml;
pub mod urdf;

use std::path::Path;

#[cfg(feature = "app")]
pub use columns::Columns;

use crate::error::Error;
use crate::model::Description;

/// The text of a file.
fn text_of(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path)
        .map_err(|e| Error::in_file(path.display().to_string(), format!("cannot read the file: {e}")))
}

/// Reads a model: a URDF file if its name ends in `.urdf`, an MJCF file otherwise.
pub fn load_model(path: &Path) -> Result<Description, Error> {
    match path.extension() {
        Some(ending) if ending.eq_ignore_ascii_case("urdf") => urdf::load(path),
        _ => mjcf::load(path),
    }
}
