//! Files that MuJoCo refuses are refused here, with the line of the mistake.

use std::path::Path;

use costate::Error;
use costate::scene::mjcf;
use serde_json::Value;

use super::super::recorded::root;

#[test]
fn what_mujoco_refuses_is_refused_with_its_line() {
    let text = std::fs::read_to_string(root().join("tests/recorded/refused.json")).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let mut wrong = Vec::new();
    for entry in all["models"].as_array().unwrap() {
        let (name, reason) = (entry["name"].as_str().unwrap(), entry["reason"].as_str().unwrap());
        // A line of our own before the model shows that the line is counted.
        let xml = format!("\n\n{}", entry["xml"].as_str().unwrap());
        match mjcf::parse(&xml, Path::new("model.xml")) {
            Ok(_) => wrong.push(format!("{name} is read, although {reason}")),
            Err(Error::File { line: Some(3), .. }) => {}
            Err(other) => wrong.push(format!("{name}: \"{other}\" names another place")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
