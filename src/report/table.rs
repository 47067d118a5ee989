//! Named columns of numbers that read back exactly.

use super::Motion;
use super::swarm::centers;
use crate::model::description::{JointKind, Law, Transmission};
use crate::model::{Description, State};

/// A table with one header line.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// Names with units.
    pub columns: Vec<String>,
    /// One number for each column.
    pub rows: Vec<Vec<f64>>,
}

impl Table {
    /// A table without rows.
    pub fn new(columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { columns: columns.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// The table as CSV; each number is the shortest that reads back to the same bits.
    pub fn csv(&self) -> Vec<u8> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&self.columns).expect("writing into memory");
        for row in &self.rows {
            writer.write_record(row.iter().map(|x| format!("{x:?}"))).expect("writing into memory");
        }
        writer.into_inner().expect("writing into memory")
    }
}

/// What one entry of the configuration, of the velocity or of the controls is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub unit: &'static str,
}

impl Entry {
    fn new(name: impl Into<String>, unit: &'static str) -> Self {
        Self { name: name.into(), unit }
    }
    fn heading(&self) -> String {
        if self.unit.is_empty() { self.name.clone() } else { format!("{} [{}]", self.name, self.unit) }
    }
}

/// The entries of the configuration (nq).
pub fn configuration_entries(motion: &Motion<'_>) -> Vec<Entry> {
    let t = &motion.model.topology;
    let mut out = Vec::new();
    for (at, name) in t.joints.iter().zip(&t.names.joints) {
        let mut parts = |parts: &[&str], unit| {
            out.extend(parts.iter().map(|p| Entry::new(format!("{name}.{p}"), unit)));
        };
        match at.kind {
            JointKind::Free => {
                parts(&["x", "y", "z"], "m");
                parts(&["qw", "qx", "qy", "qz"], "");
            }
            JointKind::Ball => parts(&["qw", "qx", "qy", "qz"], ""),
            JointKind::Slide => out.push(Entry::new(name, "m")),
            JointKind::Hinge => out.push(Entry::new(name, "rad")),
        }
    }
    out
}

/// The entries of the velocity (nv).
pub fn velocity_entries(motion: &Motion<'_>) -> Vec<Entry> {
    let t = &motion.model.topology;
    let mut out = Vec::new();
    for (at, name) in t.joints.iter().zip(&t.names.joints) {
        let mut parts = |parts: &[&str], unit| {
            out.extend(parts.iter().map(|p| Entry::new(format!("{name}.{p}'"), unit)));
        };
        match at.kind {
            JointKind::Free => {
                parts(&["x", "y", "z"], "m/s");
                parts(&["wx", "wy", "wz"], "rad/s");
            }
            JointKind::Ball => parts(&["wx", "wy", "wz"], "rad/s"),
            JointKind::Slide => out.push(Entry::new(format!("{name}'"), "m/s")),
            JointKind::Hinge => out.push(Entry::new(format!("{name}'"), "rad/s")),
        }
    }
    out
}

/// The entries of the controls (nu), with the unit that the control of each actuator has.
pub fn control_entries(d: &Description) -> Vec<Entry> {
    let name = |k: usize| d.actuators[k].name.clone().unwrap_or_else(|| format!("actuator#{k}"));
    (0..d.actuators.len()).map(|k| Entry::new(name(k), control_unit(d, k))).collect()
}

/// The unit of a control: of a force where it is one, of what a servo follows; none otherwise.
fn control_unit(d: &Description, k: usize) -> &'static str {
    let actuator = &d.actuators[k];
    let kind = match actuator.transmission {
        Transmission::Joint(j) | Transmission::JointInParent(j) => Some(d.joints[j].kind),
        Transmission::Tendon(_) => Some(JointKind::Slide),
        Transmission::Site { .. } | Transmission::Particles => None,
    };
    // A gear other than one makes the control a share of the force.
    let direct = actuator.gear[0] == 1.0;
    match (actuator.law, kind) {
        (Law::Motor, Some(JointKind::Slide)) if direct => "N",
        (Law::Motor, Some(JointKind::Hinge)) if direct => "N m",
        (Law::Servo { .. }, Some(JointKind::Slide)) if direct => "m",
        (Law::Servo { .. }, Some(JointKind::Hinge)) if direct => "rad",
        (Law::Velocity { .. }, Some(JointKind::Slide)) if direct => "m/s",
        (Law::Velocity { .. }, Some(JointKind::Hinge)) if direct => "rad/s",
        _ => "",
    }
}

/// Time, configuration, velocity, activations and controls of every state; the last has no control and
/// repeats the one before.
pub fn state_table(motion: &Motion<'_>) -> Table {
    let t = &motion.model.topology;
    let mut entries = vec![Entry::new("time", "s")];
    entries.extend(configuration_entries(motion));
    entries.extend(velocity_entries(motion));
    for (layout, name) in t.actuators.iter().zip(&t.names.actuators) {
        if layout.act.is_some() {
            entries.push(Entry::new(format!("{name}.activation"), ""));
        }
    }
    let bodies = centers(motion);
    for (name, _) in &bodies {
        for (part, unit) in [("center", "m"), ("velocity", "m/s")] {
            entries.extend(["x", "y", "z"].map(|axis| Entry::new(format!("{name}.{part}.{axis}"), unit)));
        }
    }
    entries.extend(control_entries(motion.description));
    let mut table = Table::new(entries.iter().map(Entry::heading));
    for (k, state) in motion.states.iter().enumerate() {
        let input = motion.inputs.get(k).or(motion.inputs.last());
        let controls = input.map_or(vec![0.0; t.nu], |i| i.u.clone());
        let own = bodies.iter().flat_map(|(_, both)| both.iter().flat_map(|list| list[k].to_array()));
        table.rows.push([numbers(state), own.collect(), controls].concat());
    }
    table
}

fn numbers(state: &State<f64>) -> Vec<f64> {
    [&[state.time][..], &state.q, &state.v, &state.act].concat()
}

/// The controls alone: a header of actuator names, a row for each step.
pub fn control_table(motion: &Motion<'_>) -> Table {
    let mut table = Table::new(&motion.model.topology.names.actuators);
    table.rows = motion.inputs.iter().map(|i| i.u.clone()).collect();
    table
}
