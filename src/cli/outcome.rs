//! What every run folder holds: the files that it came from, tables and pictures.

use std::path::{Component, Path, PathBuf};

use super::subject::Subject;
use crate::error::Error;
use crate::report::{self, Filmstrip, Motion, RunFolder};

/// Copies the scene as `scene.toml`, and its model and recordings to the places where the copy looks for them.
pub fn copy_files(folder: &RunFolder, subject: &Subject) -> Result<(), Error> {
    let copy = |from: &Path, to: &Path| {
        let bytes = std::fs::read(from)
            .map_err(|e| Error::in_file(from.display().to_string(), format!("cannot be copied: {e}")))?;
        folder.write(to, &bytes)
    };
    let model = Path::new(&subject.description.path);
    let own_name = PathBuf::from(model.file_name().unwrap_or("model.xml".as_ref()));
    let Some(scene) = &subject.scene else { return copy(model, &own_name) };
    copy(&subject.path, Path::new("scene.toml"))?;
    let beside = subject.path.parent().unwrap_or(Path::new(""));
    let inside = |p: &&Path| p.components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir));
    for file in scene.beside.iter().map(Path::new).filter(inside) {
        copy(&beside.join(file), file)?;
    }
    let model_beside = model.strip_prefix(beside).ok();
    copy(model, model_beside.filter(inside).unwrap_or(&own_name))
}

/// Writes tables and pictures of a motion.
pub fn write_motion(folder: &RunFolder, motion: &Motion<'_>) -> Result<(), Error> {
    folder.write("trajectory.csv", &report::state_table(motion).csv())?;
    let t = &motion.model.topology;
    if t.nu > 0 {
        folder.write("controls.csv", &report::control_table(motion).csv())?;
        folder.picture("controls", &report::controls(motion))?;
    }
    if t.nv > 0 {
        folder.picture("states", &report::states(motion))?;
        folder.picture("energies", &report::energies(motion))?;
    }
    // The last site is the tip of an arm or a pole, where a plane motion leaves a trace worth seeing.
    let trace = t.names.sites.last().filter(|_| t.nv <= 8).cloned();
    folder.picture("filmstrip", &report::filmstrip(motion, &Filmstrip { trace, ..Filmstrip::default() }))
}
