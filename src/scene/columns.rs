//! Named columns of numbers from a CSV file.

use std::path::Path;

use crate::error::{Error, nearest};

/// A header of names and rows of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Columns {
    /// Where they came from.
    pub file: String,
    /// The header; a unit in brackets at the end is left out.
    pub names: Vec<String>,
    /// One number for each name, and the line where it stands.
    pub rows: Vec<(u32, Vec<f64>)>,
}

impl Columns {
    /// Reads a CSV file.
    ///
    /// # Errors
    /// A file that cannot be read, a name that is there twice, a row of another length, an entry that is not
    /// a finite number.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let file = path.display().to_string();
        let text = super::text_of(path)?;
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .comment(Some(b'#'))
            .from_reader(text.as_bytes());
        let mut records = reader.records();
        let broken = |e: csv::Error| Error::in_file(&file, format!("this is not CSV: {e}"));
        let header = records.next().transpose().map_err(broken)?;
        let header = header
            .ok_or_else(|| Error::in_file(&file, "the file is empty (a header of names comes first)"))?;
        let mut names: Vec<String> = Vec::new();
        for name in &header {
            let bare = name.rsplit_once(" [").map_or(name, |(bare, _)| bare).to_owned();
            if names.contains(&bare) {
                return Err(Error::at(&file, 1, format!("the column \"{bare}\" is there twice")));
            }
            names.push(bare);
        }
        let mut rows = Vec::new();
        for record in records {
            let record = record.map_err(broken)?;
            let line = record.position().map_or(1, |p| p.line() as u32);
            if record.len() != names.len() {
                let message =
                    format!("a row of {} numbers (there are {} columns)", record.len(), names.len());
                return Err(Error::at(&file, line, message));
            }
            let number = |(entry, name): (&str, &String)| {
                entry.parse::<f64>().ok().filter(|x| x.is_finite()).ok_or_else(|| {
                    Error::at(&file, line, format!("\"{entry}\" for {name} is not a finite number"))
                })
            };
            rows.push((line, record.iter().zip(&names).map(number).collect::<Result<_, _>>()?));
        }
        Ok(Self { file, names, rows })
    }

    /// The place of a column.
    ///
    /// # Errors
    /// A name that is not there, with the nearest one.
    pub fn find(&self, name: &str) -> Result<usize, Error> {
        self.names.iter().position(|n| n == name).ok_or_else(|| {
            let names = || self.names.iter().map(String::as_str);
            let hint = nearest(name, names()).map_or_else(
                || format!("the columns are {}", names().collect::<Vec<_>>().join(", ")),
                |near| format!("did you mean \"{near}\"?"),
            );
            Error::at(&self.file, 1, format!("there is no column \"{name}\" ({hint})"))
        })
    }
}
