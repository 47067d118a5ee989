//! Rung 18: what sensors say.

use costate::model::{Frame, Measured};
use costate::physics::{Stage, acceleration, derive};
use costate::sense::{Senses, measure};
use serde_json::Value;

use super::super::recorded::{Recorded, difference, numbers, root, situation};
use super::described;

/// The recorded models, each with its states.
pub fn sensed() -> Vec<Recorded> {
    let path = root().join("tests/recorded/sensors.json");
    let all: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(all["mujoco"], "4.0.0");
    let case = |case: &Value| {
        let description = described(case["xml"].as_str().unwrap());
        let name = case["name"].as_str().unwrap().to_owned();
        Recorded { name, model: derive::compile(&description), description, values: case.clone() }
    };
    all["cases"].as_array().unwrap().iter().map(case).collect()
}

#[test]
fn sensors_say_what_those_of_mujoco_say() {
    let mut failed = false;
    let mut worst: std::collections::BTreeMap<String, (f64, String)> = Default::default();
    for r in sensed() {
        let sensors = &r.model.topology.sensors;
        let kinds = r.values["kinds"].as_array().unwrap();
        assert_eq!(sensors.len(), kinds.len(), "{}: {:?}", r.name, r.description.remarks);
        let states = r.values["states"].as_array().unwrap();
        let (mut stage, mut senses) = (Stage::new(&r.model), Senses::new(&r.model));
        let mut ours: Vec<Vec<f64>> = vec![Vec::new(); sensors.len()];
        let mut theirs = ours.clone();
        for v in states {
            let (state, input) = situation(&r.model, v);
            acceleration(&r.model, &state, &input, &mut stage);
            measure(&r.model, &state, &input, &stage, &mut senses);
            let expected = numbers(&v["sensordata"]);
            assert_eq!(expected.len(), senses.values.len(), "{}", r.name);
            for (k, s) in sensors.iter().enumerate() {
                let range = s.first..s.first + s.measured.count();
                let their = &expected[range.clone()];
                let mut own = senses.values[range].to_vec();
                if let Measured::Orientation(..) = s.measured {
                    // A quaternion and its opposite turn alike.
                    let sign = own.iter().zip(their).map(|(a, b)| a * b).sum::<f64>().signum();
                    own.iter_mut().for_each(|x| *x *= sign);
                }
                ours[k].extend(own);
                theirs[k].extend(their);
            }
        }
        for (k, kind) in kinds.iter().enumerate() {
            let kind = kind.as_str().unwrap();
            let error = difference(&ours[k], &theirs[k]);
            let place = format!("{} {:?}", r.name, sensors[k].measured);
            if error > 1e-9 {
                println!("{place}: {error:.1e}");
                failed = true;
            }
            let entry = worst.entry(kind.to_owned()).or_default();
            if error >= entry.0 {
                *entry = (error, place);
            }
        }
    }
    for (kind, (error, place)) in &worst {
        println!("{kind:20} {error:9.1e}  {place}");
    }
    assert!(!failed);
}

#[test]
fn sensors_that_are_not_simulated_are_named_and_left_out() {
    let d = described(
        r#"<mujoco><worldbody><body name="b"><joint name="j"/><geom size=".1"/><site name="s"/></body></worldbody>
        <sensor><rangefinder site="s"/><gyro name="spin" site="s"/><framequat objtype="body" objname="b"/>
        <framepos objtype="body" objname="b"/></sensor></mujoco>"#,
    );
    let told: Vec<&str> = d.remarks.iter().map(|r| r.what.as_str()).collect();
    assert_eq!(told, ["sensor rangefinder", "sensor framequat"]);
    let t = derive::compile(&d).topology;
    assert_eq!(t.names.sensors, ["spin", "sensor#3"]);
    assert_eq!((t.sensors[1].measured, t.sensed()), (Measured::Position(Frame::Center(1), None), 6));
}
