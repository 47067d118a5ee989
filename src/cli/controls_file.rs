//! Controls as CSV: a header of actuator names in any order, a row for each step.

use std::path::Path;

use crate::error::{Error, nearest};
use crate::model::{Input, Model};
use crate::scene::Columns;

/// Reads one input for each row; what the file does not say is as in `idle`.
///
/// # Errors
/// As [`Columns::read`]; a column that is unknown or missing.
pub fn read(path: &Path, model: &Model<f64>, idle: &Input<f64>) -> Result<Vec<Input<f64>>, Error> {
    let columns = Columns::read(path)?;
    let order = order(&columns, &model.topology.names.actuators)?;
    let of = |(_, row): &(u32, Vec<f64>)| {
        let mut input = idle.clone();
        order.iter().zip(row).for_each(|(&k, x)| input.u[k] = *x);
        input
    };
    Ok(columns.rows.iter().map(of).collect())
}

/// Which actuator each column is.
fn order(columns: &Columns, actuators: &[String]) -> Result<Vec<usize>, Error> {
    let mut order = Vec::new();
    for name in &columns.names {
        let Some(k) = actuators.iter().position(|a| a == name) else {
            let hint = match nearest(name, actuators.iter().map(String::as_str)) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None if actuators.is_empty() => "the model has no actuator".to_owned(),
                None => format!("the model has {}", actuators.join(", ")),
            };
            return Err(Error::at(&columns.file, 1, format!("there is no actuator \"{name}\" ({hint})")));
        };
        order.push(k);
    }
    if let Some(missing) = (0..actuators.len()).find(|k| !order.contains(k)) {
        let (given, asked) = (order.len(), actuators.len());
        let message = format!("{given} columns for {asked} actuators: \"{}\" is missing", actuators[missing]);
        return Err(Error::at(&columns.file, 1, message));
    }
    Ok(order)
}
