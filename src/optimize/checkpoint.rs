//! Numbers in files that are whole or not there at all.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, View, serialize};

use super::solution::Tensor;
use crate::error::Error;

/// A tensor as the file keeps it.
struct Stored<'a> {
    shape: &'a [usize],
    bytes: Vec<u8>,
}

impl View for Stored<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F64
    }
    fn shape(&self) -> &[usize] {
        self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }
    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

/// Writes tensors and notes to a safetensors file.
pub fn write(path: &Path, tensors: &[Tensor], notes: &[(&str, String)]) -> Result<(), Error> {
    let name = path.display().to_string();
    let stored = tensors.iter().map(|t| {
        let bytes = t.data.iter().flat_map(|x| x.to_le_bytes()).collect();
        (t.name.as_str(), Stored { shape: &t.shape, bytes })
    });
    let notes: HashMap<String, String> = notes.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
    let notes = (!notes.is_empty()).then_some(notes);
    let bytes = serialize(stored, notes)
        .map_err(|e| Error::in_file(&name, format!("the tensors cannot be stored ({e})")))?;
    // A reader, or a kill, finds the old file or the new one, never half of one.
    let draft = path.with_extension("draft");
    let whole = File::create(&draft).and_then(|mut file| {
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&draft, path)
    });
    whole.map_err(|e| Error::in_file(&name, format!("the file cannot be written ({e})")))
}

/// Reads tensors, ordered by name, and notes.
pub fn read(path: &Path) -> Result<(Vec<Tensor>, HashMap<String, String>), Error> {
    let name = path.display().to_string();
    let bytes =
        fs::read(path).map_err(|e| Error::in_file(&name, format!("the file cannot be read ({e})")))?;
    let refused = |e: &dyn std::fmt::Display| {
        Error::in_file(&name, format!("the file is not a whole safetensors file ({e})"))
    };
    let (_, head) = SafeTensors::read_metadata(&bytes).map_err(|e| refused(&e))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|e| refused(&e))?;
    let mut tensors = Vec::new();
    for (tensor, view) in file.tensors() {
        let data = match view.dtype() {
            Dtype::F64 => view.data().as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect(),
            Dtype::F32 => view.data().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b).into()).collect(),
            other => {
                let what =
                    format!("tensor \"{tensor}\" has numbers of kind {other:?}: store it as F64 or F32");
                return Err(Error::in_file(&name, what));
            }
        };
        tensors.push(Tensor::new(tensor, view.shape().to_vec(), data));
    }
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((tensors, head.metadata().clone().unwrap_or_default()))
}
