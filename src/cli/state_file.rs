//! A state and its inputs as JSON, in MuJoCo's layout; what is absent is zero, `qpos` the reference.

use std::path::Path;

use serde_json::Value;

use super::subject::Subject;
use crate::error::{Error, nearest};
use crate::model::{Input, State};
use crate::spatial::{Force, Quat, Vec3};

const KEYS: [&str; 9] =
    ["qpos", "qvel", "act", "ctrl", "qfrc_applied", "xfrc_applied", "mocap_pos", "mocap_quat", "time"];

/// Reads a state and what acts on it.
///
/// # Errors
/// A file that cannot be read, an unknown key, a list of the wrong length, an entry that is no number.
pub fn read(path: &Path, subject: &Subject) -> Result<(State<f64>, Input<f64>), Error> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|e| Error::in_file(&file, format!("the state cannot be read: {e}")))?;
    let value: Value = serde_json::from_str(&text)
        .map_err(|e| Error::at(&file, e.line() as u32, format!("the state is not JSON: {e}")))?;
    let Some(object) = value.as_object() else {
        return Err(Error::in_file(&file, "the state is no JSON object"));
    };
    if let Some(key) = object.keys().find(|k| !KEYS.contains(&k.as_str())) {
        let hint =
            nearest(key, KEYS).map_or_else(|| KEYS.join(", "), |near| format!("did you mean \"{near}\"?"));
        return Err(Error::in_file(&file, format!("unknown key \"{key}\" ({hint})")));
    }
    let list = |key: &str, count: usize| -> Result<Option<Vec<f64>>, Error> {
        let Some(value) = object.get(key) else { return Ok(None) };
        let numbers =
            numbers(value).ok_or_else(|| Error::in_file(&file, format!("{key} is no list of numbers")))?;
        if numbers.len() != count {
            let message = format!("{key} has {} numbers (the model has {count})", numbers.len());
            return Err(Error::in_file(&file, message));
        }
        Ok(Some(numbers))
    };
    let (model, t) = (&subject.model, &subject.model.topology);
    let mut state = State::reference(model);
    let mut input = Input::zero_applied(model);
    let fill = |out: &mut Vec<f64>, key: &str| -> Result<(), Error> {
        if let Some(numbers) = list(key, out.len())? {
            *out = numbers;
        }
        Ok(())
    };
    fill(&mut state.q, "qpos")?;
    fill(&mut state.v, "qvel")?;
    fill(&mut state.act, "act")?;
    fill(&mut input.u, "ctrl")?;
    fill(&mut input.force, "qfrc_applied")?;
    if let Some(time) = object.get("time") {
        state.time = time.as_f64().ok_or_else(|| Error::in_file(&file, "time is no number"))?;
    }
    if let Some(wrenches) = list("xfrc_applied", 6 * t.bodies.len())? {
        // The file has the force first, a wrench here its torque.
        for (w, x) in input.wrench.iter_mut().zip(wrenches.chunks(6)) {
            *w = Force::new(Vec3::new(x[3], x[4], x[5]), Vec3::new(x[0], x[1], x[2]));
        }
    }
    let count = t.mocap_bodies.len();
    let (places, turns) = (list("mocap_pos", 3 * count)?, list("mocap_quat", 4 * count)?);
    for (m, pose) in state.mocap.iter_mut().enumerate() {
        if let Some(p) = &places {
            pose.position = Vec3::new(p[3 * m], p[3 * m + 1], p[3 * m + 2]);
        }
        if let Some(q) = &turns {
            pose.rotation = Quat::new(q[4 * m], q[4 * m + 1], q[4 * m + 2], q[4 * m + 3]);
        }
    }
    Ok((state, input))
}

/// The numbers of a list, or of a list of lists, one after the other.
fn numbers(value: &Value) -> Option<Vec<f64>> {
    let mut out = Vec::new();
    for entry in value.as_array()? {
        match entry {
            Value::Array(_) => out.extend(numbers(entry)?),
            _ => out.push(entry.as_f64()?),
        }
    }
    Some(out)
}
