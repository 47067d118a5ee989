//! The folder that keeps what a run did.

use std::fs;
use std::path::{Path, PathBuf};

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

    /// Where a file of the folder is until everything is in it.
    pub fn draft(&self, name: &str) -> PathBuf {
        self.draft.join(name)
    }

    /// Puts a file into the folder, or into a folder inside.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, name: impl AsRef<Path>, bytes: &[u8]) -> Result<(), Error> {
        let path = self.draft.join(&name);
        let inside = path.parent().map_or(Ok(()), fs::create_dir_all);
        inside
            .and_then(|()| fs::write(&path, bytes))
            .map_err(|e| failed(&self.target.join(name), "written", &e))
    }

    /// Puts a picture into the folder, as `name.svg` and `name.png`.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn picture(&self, name: &str, picture: &Picture) -> Result<(), Error> {
        self.write(format!("{name}.svg"), picture.svg().as_bytes())?;
        self.write(format!("{name}.png"), &picture.png())
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
        merge(&self.draft, &self.target).map_err(|e| failed(&self.target, "written", &e))?;
        Ok(self.target.clone())
    }
}

/// Moves every file of one folder into another.
fn merge(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for file in fs::read_dir(from)? {
        let file = file?;
        let target = to.join(file.file_name());
        if file.file_type()?.is_dir() {
            merge(&file.path(), &target)?;
        } else {
            fs::rename(file.path(), target)?;
        }
    }
    Ok(())
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        if !self.published {
            // Nobody is left to be told that the rest could not be swept away.
            let _ = fs::remove_dir_all(&self.draft);
        }
    }
}
