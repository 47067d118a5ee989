//! Controls as CSV: a header of actuator names in any order, a row for each step.

use std::path::Path;

use crate::error::{Error, nearest};
use crate::model::{Input, Model};

/// Reads one input for each row; what the file does not say is as in `idle`.
///
/// # Errors
/// A file that cannot be read, a column that is unknown, missing or there twice, a row of another
/// length, an entry that is not a finite number.
pub fn read(path: &Path, model: &Model<f64>, idle: &Input<f64>) -> Result<Vec<Input<f64>>, Error> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|e| Error::in_file(&file, format!("the controls cannot be read: {e}")))?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut records = reader.records();
    let line_of = |record: &csv::StringRecord| record.position().map_or(1, |p| p.line() as u32);
    let broken = |e: csv::Error| Error::in_file(&file, format!("the controls are not CSV: {e}"));
    let header = match records.next() {
        Some(header) => header.map_err(broken)?,
        None => {
            return Err(Error::in_file(
                &file,
                "the controls are empty (a header of actuator names comes first)",
            ));
        }
    };
    let order = columns(&file, &header, &model.topology.names.actuators)?;
    let mut out = Vec::new();
    for record in records {
        let record = record.map_err(broken)?;
        let line = line_of(&record);
        if record.len() != order.len() {
            let message = format!("a row of {} numbers (there are {} columns)", record.len(), order.len());
            return Err(Error::at(&file, line, message));
        }
        let mut input = idle.clone();
        for (entry, &k) in record.iter().zip(&order) {
            let number = entry.parse::<f64>().ok().filter(|x| x.is_finite());
            input.u[k] = number.ok_or_else(|| {
                let name = &model.topology.names.actuators[k];
                Error::at(&file, line, format!("\"{entry}\" for {name} is not a finite number"))
            })?;
        }
        out.push(input);
    }
    Ok(out)
}

/// Which actuator each column is.
fn columns(file: &str, header: &csv::StringRecord, actuators: &[String]) -> Result<Vec<usize>, Error> {
    let mut order = Vec::new();
    for name in header {
        let Some(k) = actuators.iter().position(|a| a == name) else {
            let hint = match nearest(name, actuators.iter().map(String::as_str)) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None if actuators.is_empty() => "the model has no actuator".to_owned(),
                None => format!("the model has {}", actuators.join(", ")),
            };
            return Err(Error::at(file, 1, format!("there is no actuator \"{name}\" ({hint})")));
        };
        if order.contains(&k) {
            return Err(Error::at(file, 1, format!("the column \"{name}\" is there twice")));
        }
        order.push(k);
    }
    if let Some(missing) = (0..actuators.len()).find(|k| !order.contains(k)) {
        let message = format!(
            "{} columns for {} actuators: \"{}\" is missing",
            order.len(),
            actuators.len(),
            actuators[missing]
        );
        return Err(Error::at(file, 1, message));
    }
    Ok(order)
}
