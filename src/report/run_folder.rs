//! The folder that keeps what a run did.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, TensorView};

use super::Picture;
use crate::error::Error;

/// A folder in the making: it has another name until everything is in it.
///
/// What is dropped before [`RunFolder::publish`] leaves nothing behind.
#[derive(Debug)]
pub struct RunFolder {
    target: PathBuf,
    draft: PathBuf,
    published: bool,
}

/// `runs/name-number`, with the first number that is free.
pub fn next_folder(name: &str) -> PathBuf {
    (1..)
        .map(|k| Path::new("runs").join(format!("{name}-{k}")))
        .find(|p| !p.exists())
        .expect("numbers do not end")
}

fn failed(path: &Path, what: &str, error: &std::io::Error) -> Error {
    Error::in_file(path.display().to_string(), format!("the run folder cannot be {what}: {error}"))
}

impl RunFolder {
    /// Begins a folder that will be at `target`.
    ///
    /// # Errors
    /// A place where nothing can be written, or a file that is there already.
    pub fn create(target: &Path) -> Result<Self, Error> {
        if target.exists() && !target.is_dir() {
            let message = "the run folder cannot be written: a file of this name is there already; choose \
                           another with --out";
            return Err(Error::in_file(target.display().to_string(), message));
        }
        let name = target.file_name().map_or("run".into(), |n| n.to_string_lossy().into_owned());
        let draft = target.with_file_name(format!(".{name}.{}", std::process::id()));
        fs::create_dir_all(&draft).map_err(|e| failed(target, "created", &e))?;
        Ok(Self { target: target.to_owned(), draft, published: false })
    }

    /// Puts a file into the folder.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        fs::write(self.draft.join(name), bytes).map_err(|e| failed(&self.target.join(name), "written", &e))
    }

    /// Puts a picture into the folder, as `name.svg` and `name.png`.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn picture(&self, name: &str, picture: &Picture) -> Result<(), Error> {
        self.write(&format!("{name}.svg"), picture.svg().as_bytes())?;
        self.write(&format!("{name}.png"), &picture.png())
    }

    /// Gives the folder its name. In a folder that is there already, files of the same names are
    /// replaced, each at once, and others stay.
    ///
    /// # Errors
    /// A name that cannot be given.
    pub fn publish(mut self) -> Result<PathBuf, Error> {
        if !self.target.exists() && fs::rename(&self.draft, &self.target).is_ok() {
            self.published = true;
            return Ok(self.target.clone());
        }
        let failed = |e: std::io::Error| failed(&self.target, "written", &e);
        fs::create_dir_all(&self.target).map_err(failed)?;
        for file in fs::read_dir(&self.draft).map_err(failed)? {
            let file = file.map_err(failed)?;
            fs::rename(file.path(), self.target.join(file.file_name())).map_err(failed)?;
        }
        Ok(self.target.clone())
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        if !self.published {
            // Nobody is left to be told that the rest could not be swept away.
            let _ = fs::remove_dir_all(&self.draft);
        }
    }
}

/// Named vectors of numbers as a safetensors file.
pub fn tensors(named: &BTreeMap<String, Vec<f64>>) -> Vec<u8> {
    let bytes: BTreeMap<&String, Vec<u8>> =
        named.iter().map(|(name, x)| (name, x.iter().flat_map(|x| x.to_le_bytes()).collect())).collect();
    let views = bytes.iter().map(|(name, b)| {
        let view = TensorView::new(Dtype::F64, vec![b.len() / 8], b).expect("eight bytes for each number");
        (*name, view)
    });
    safetensors::serialize(views, None).expect("serializing into memory")
}
