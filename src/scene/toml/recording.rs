//! Recordings and reference motions: columns over time, laid on the steps of a scene.

use std::path::Path;

use toml::Spanned;

use super::place::Source;
use crate::error::Error;
use crate::scene::Columns;

/// Columns whose rows stand at every so many steps.
#[derive(Clone, Debug)]
pub struct Recording {
    columns: Columns,
    /// The step of the first row.
    pub first: usize,
    /// Steps from one row to the next.
    pub every: usize,
}

/// How far from a whole step a row may stand, in steps.
const BESIDE: f64 = 1e-3;

impl Recording {
    /// Reads the file that a scene names; its times are those of the scene.
    ///
    /// # Errors
    /// As [`Columns::read`]; no column `time`, fewer than two rows, a gap, or a rate that does not fit the time
    /// step.
    pub fn read(source: &Source<'_>, name: &Spanned<String>, timestep: f64) -> Result<Self, Error> {
        let path = Path::new(source.file).parent().unwrap_or(Path::new("")).join(name.get_ref());
        if !path.is_file() {
            return Err(source.error(name.span(), format!("there is no file {}", path.display())));
        }
        let columns = Columns::read(&path)?;
        let time = columns.find("time")?;
        let at = |row: &(u32, Vec<f64>)| row.1[time];
        let [first, second, ..] = &columns.rows[..] else {
            return Err(Error::in_file(&columns.file, "a recording has two rows at least"));
        };
        let (start, spacing) = (at(first) / timestep, (at(second) - at(first)) / timestep);
        let every = spacing.round();
        if every < 1.0 || (spacing - every).abs() > BESIDE {
            let near = every.max(1.0) * timestep;
            let what = format!(
                "the rows stand {:.6} s apart, and the model's time step is {timestep} s: a row stands at every so many \
                 whole steps, the nearest {near:.6} s apart",
                spacing * timestep
            );
            return Err(Error::at(&columns.file, second.0, what));
        }
        if start < -BESIDE || (start - start.round()).abs() > BESIDE {
            let what = format!(
                "the first row is at {} s, and must be at a whole step of {timestep} s from the scene's start",
                at(first)
            );
            return Err(Error::at(&columns.file, first.0, what));
        }
        for (k, row) in columns.rows.iter().enumerate() {
            let due = (start + every * k as f64) * timestep;
            if (at(row) - due).abs() > BESIDE * timestep * (1.0 + k as f64 * 1e-3) {
                let what = format!(
                    "this row is at {} s, and {due:.6} s would follow the rows before: there is a gap, or the rate changes",
                    at(row)
                );
                return Err(Error::at(&columns.file, row.0, what));
            }
        }
        Ok(Self { first: start.round() as usize, every: every as usize, columns })
    }

    /// The step of the last row.
    pub fn last(&self) -> usize {
        self.first + self.every * (self.columns.rows.len() - 1)
    }

    /// Whether there is a column of this name.
    pub fn has(&self, name: &str) -> bool {
        self.columns.names.iter().any(|n| n == name)
    }

    /// What columns say at each step up to the last row, on straight lines between rows; before the first row
    /// as there.
    ///
    /// # Errors
    /// A name that is not there, with the nearest one.
    pub fn lines<const N: usize>(&self, names: [&str; N]) -> Result<Vec<[f64; N]>, Error> {
        let mut places = [0; N];
        for (place, name) in places.iter_mut().zip(names) {
            *place = self.columns.find(name)?;
        }
        let rows = &self.columns.rows;
        let at = |step: usize| {
            let since = step.saturating_sub(self.first);
            let (row, share) = (since / self.every, (since % self.every) as f64 / self.every as f64);
            let (a, b) = (&rows[row].1, &rows[(row + 1).min(rows.len() - 1)].1);
            places.map(|p| a[p] + share * (b[p] - a[p]))
        };
        Ok((0..=self.last()).map(at).collect())
    }

    /// What a column says at each step up to the last row, each row holding until the next.
    ///
    /// # Errors
    /// As [`Recording::lines`].
    pub fn steps(&self, name: &str) -> Result<Vec<f64>, Error> {
        let place = self.columns.find(name)?;
        let at = |step: usize| self.columns.rows[step.saturating_sub(self.first) / self.every].1[place];
        Ok((0..self.last()).map(at).collect())
    }

    /// Refuses a window of steps that reaches beyond the rows.
    ///
    /// # Errors
    /// The times of both.
    pub fn covers(&self, first: usize, last: usize, timestep: f64) -> Result<(), Error> {
        if self.first <= first && last <= self.last() {
            return Ok(());
        }
        let [a, b, c, d] = [self.first, self.last(), first, last].map(|k| k as f64 * timestep);
        let what =
            format!("the rows last from {a:.4} s to {b:.4} s, and are asked for from {c:.4} s to {d:.4} s");
        Err(Error::in_file(&self.columns.file, what))
    }
}
