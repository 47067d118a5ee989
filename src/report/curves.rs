//! What a motion looks like over time.

use super::Motion;
use super::chart::{Figure, MOST_SERIES, Panel, Row, Scale, Shape};
use super::picture::Picture;
use super::swarm::centers;
use super::table::{Entry, control_entries};
use crate::model::description::JointKind;
use crate::physics::Stage;
use crate::physics::articulated::{energy, kinematics, mass_matrix, tendon};
use crate::spatial::{Inertia, Vec3};

pub(super) const TIME: &str = "time [s]";

/// The cost and the norm of its gradient, by iteration.
pub fn cost(costs: &[f64], gradient_norms: &[f64]) -> Picture {
    let panel = |vertical: &str, values: &[f64]| Panel {
        vertical: vertical.to_owned(),
        x: (0..values.len()).map(|k| k as f64).collect(),
        series: vec![values.to_vec()],
        scale: scale_of(values),
        shape: Shape::Line,
        marks: Vec::new(),
    };
    let mut panels = vec![panel("cost", costs)];
    if !gradient_norms.is_empty() {
        panels.push(panel("gradient norm", gradient_norms));
    }
    let rows = vec![Row { names: vec!["cost".to_owned()], panels }];
    Figure { horizontal: "iteration".to_owned(), rows }.draw()
}

/// How many places a common axis has.
const PLACES: usize = 400;

/// The lowest costs of several ways, each with its own places `(x, cost)`; a cost holds until the next.
pub fn descents(horizontal: &str, ways: Vec<(String, Vec<(f64, f64)>)>) -> Picture {
    let end = ways.iter().filter_map(|(_, points)| points.last()).fold(0.0f64, |end, (x, _)| end.max(*x));
    let x: Vec<f64> = (0..=PLACES).map(|k| end * k as f64 / PLACES as f64).collect();
    let held = |points: &[(f64, f64)]| -> Vec<f64> {
        let at = |x: &f64| points.iter().take_while(|(own, _)| own <= x).last().or(points.first());
        x.iter().map(|x| at(x).map_or(f64::NAN, |(_, cost)| *cost)).collect()
    };
    let rows = ways.chunks(MOST_SERIES).map(|ways| {
        let series: Vec<Vec<f64>> = ways.iter().map(|(_, points)| held(points)).collect();
        let panel = Panel {
            vertical: "lowest cost".to_owned(),
            x: x.clone(),
            scale: scale_of(&series.concat()),
            series,
            shape: Shape::Steps,
            marks: Vec::new(),
        };
        Row { names: ways.iter().map(|(name, _)| name.clone()).collect(), panels: vec![panel] }
    });
    Figure { horizontal: horizontal.to_owned(), rows: rows.collect() }.draw()
}

/// A logarithmic scale where values are positive and spread over more than a factor of thirty.
fn scale_of(values: &[f64]) -> Scale {
    let (lo, hi) = values.iter().fold((f64::INFINITY, 0.0f64), |(lo, hi), &x| (lo.min(x), hi.max(x)));
    if lo > 0.0 && hi > 30.0 * lo { Scale::Logarithmic } else { Scale::Linear }
}

/// Some joints of one kind, with their first entries in configuration and velocity.
struct Group {
    kind: JointKind,
    joints: Vec<usize>,
}

/// The most rows of a picture of the states.
const MOST_ROWS: usize = 40;

/// Positions and velocities of all joints, a row for a few joints of one kind; then activations.
pub fn states(motion: &Motion<'_>) -> Picture {
    let mut rows: Vec<Row> = groups(motion).iter().flat_map(|g| joint_rows(motion, g)).collect();
    // A heap of a thousand boxes has more to show than a page.
    rows.truncate(MOST_ROWS);
    let t = &motion.model.topology;
    let names = t.actuators.iter().zip(&t.names.actuators).filter(|(a, _)| a.act.is_some());
    let names: Vec<&String> = names.map(|(_, n)| n).collect();
    for (start, names) in chunks(&names) {
        let columns: Vec<usize> = (start..start + names.len()).collect();
        let panel = panel(motion, "activation", &columns, |k, i| motion.states[k].act[i]);
        rows.push(Row { names: names.into_iter().cloned().collect(), panels: vec![panel] });
    }
    for (name, [places, speeds]) in centers(motion).into_iter().take(MOST_ROWS) {
        let of = |label: &str, list: Vec<Vec3<f64>>| {
            panel(motion, label, &[0, 1, 2], move |k, i| list[k].to_array()[i])
        };
        rows.push(Row {
            names: ["x", "y", "z"].map(|axis| format!("{name} {axis}")).to_vec(),
            panels: vec![of("centre [m]", places), of("velocity [m/s]", speeds)],
        });
    }
    Figure { horizontal: TIME.to_owned(), rows }.draw()
}

/// Joints of one kind together, at most as many as a panel shows.
fn groups(motion: &Motion<'_>) -> Vec<Group> {
    let joints = &motion.model.topology.joints;
    let mut out = Vec::new();
    for kind in [JointKind::Free, JointKind::Ball, JointKind::Slide, JointKind::Hinge] {
        let all: Vec<usize> = (0..joints.len()).filter(|&j| joints[j].kind == kind).collect();
        let most = if matches!(kind, JointKind::Slide | JointKind::Hinge) { MOST_SERIES } else { 1 };
        let count = all.len().div_ceil(most).max(1);
        for part in all.chunks(all.len().div_ceil(count).max(1)) {
            out.push(Group { kind, joints: part.to_vec() });
        }
    }
    out
}

fn joint_rows(motion: &Motion<'_>, group: &Group) -> Vec<Row> {
    let t = &motion.model.topology;
    let first = &t.joints[group.joints[0]];
    let (q, v) = (first.q, first.v);
    let name = &t.names.joints[group.joints[0]];
    let row = |names: &[String], left: (String, Vec<usize>), right: (String, Vec<usize>)| Row {
        names: names.to_vec(),
        panels: vec![
            panel(motion, &left.0, &left.1, |k, i| motion.states[k].q[i]),
            panel(motion, &right.0, &right.1, |k, i| motion.states[k].v[i]),
        ],
    };
    let part = |parts: &[&str]| -> Vec<String> { parts.iter().map(|p| format!("{name} {p}")).collect() };
    let range = |start: usize, n: usize| (start..start + n).collect::<Vec<_>>();
    let turning = |q: usize, v: usize| {
        let orientation = panel(motion, "orientation", &range(q, 4), |k, i| motion.states[k].q[i]);
        let mut rate = panel(motion, "turning rate [rad/s]", &range(v, 3), |k, i| motion.states[k].v[i]);
        // The real part of the quaternion has no rate of its own.
        rate.series.insert(0, Vec::new());
        Row { names: part(&["w", "x", "y", "z"]), panels: vec![orientation, rate] }
    };
    let entries = |f: fn(&crate::model::Topology, usize) -> usize| -> Vec<usize> {
        group.joints.iter().map(|&j| f(t, j)).collect()
    };
    let names: Vec<String> = group.joints.iter().map(|&j| t.names.joints[j].clone()).collect();
    let (all_q, all_v) = (entries(|t, j| t.joints[j].q), entries(|t, j| t.joints[j].v));
    match group.kind {
        JointKind::Free => vec![
            row(
                &part(&["x", "y", "z"]),
                ("position [m]".into(), range(q, 3)),
                ("velocity [m/s]".into(), range(v, 3)),
            ),
            turning(q + 3, v + 3),
        ],
        JointKind::Ball => vec![turning(q, v)],
        JointKind::Slide => vec![row(
            &names,
            (titled(&names, "position [m]"), all_q),
            (titled(&names, "velocity [m/s]"), all_v),
        )],
        JointKind::Hinge => {
            vec![row(&names, (titled(&names, "angle [rad]"), all_q), (titled(&names, "rate [rad/s]"), all_v))]
        }
    }
}

/// An axis of one series is named after it; of several, after what they share.
fn titled(names: &[String], quantity: &str) -> String {
    match names {
        [one] => format!("{one} {quantity}"),
        _ => quantity.to_owned(),
    }
}

fn panel(
    motion: &Motion<'_>,
    vertical: &str,
    entries: &[usize],
    value: impl Fn(usize, usize) -> f64,
) -> Panel {
    let series = |&i: &usize| (0..motion.states.len()).map(|k| value(k, i)).collect();
    Panel {
        vertical: vertical.to_owned(),
        x: motion.times(),
        series: entries.iter().map(series).collect(),
        scale: Scale::Linear,
        shape: Shape::Line,
        marks: Vec::new(),
    }
}

/// Items in parts of nearly equal size that a panel can show, with the number of each part's first.
fn chunks<T: Clone>(all: &[T]) -> Vec<(usize, Vec<T>)> {
    let count = all.len().div_ceil(MOST_SERIES).max(1);
    let size = all.len().div_ceil(count).max(1);
    all.chunks(size).enumerate().map(|(k, part)| (k * size, part.to_vec())).collect()
}

/// The controls, a row for a few actuators of one unit; their limits where all in a row share them.
pub fn controls(motion: &Motion<'_>) -> Picture {
    let entries = control_entries(motion.description);
    let mut units: Vec<&str> = entries.iter().map(|e| e.unit).collect();
    units.sort_unstable();
    units.dedup();
    let mut rows = Vec::new();
    for unit in units {
        let of_unit: Vec<usize> = (0..entries.len()).filter(|&k| entries[k].unit == unit).collect();
        for (_, part) in chunks(&of_unit) {
            rows.push(control_row(motion, &entries, &part));
        }
    }
    Figure { horizontal: TIME.to_owned(), rows }.draw()
}

fn control_row(motion: &Motion<'_>, entries: &[Entry], part: &[usize]) -> Row {
    let names: Vec<String> = part.iter().map(|&k| entries[k].name.clone()).collect();
    let unit = entries[part[0]].unit;
    let unit = if unit.is_empty() { String::new() } else { format!(" [{unit}]") };
    let series = |&k: &usize| -> Vec<f64> {
        let last = motion.inputs.last();
        motion.inputs.iter().chain(last).map(|i| i.u[k]).collect()
    };
    let limits = |k: usize| motion.model.actuators[k].ctrl_range;
    let shared = limits(part[0]).filter(|r| part.iter().all(|&k| limits(k) == Some(*r)));
    let panel = Panel {
        vertical: titled(&names, &format!("control{unit}")),
        x: motion.times(),
        series: part.iter().map(series).collect(),
        scale: Scale::Linear,
        shape: Shape::Steps,
        marks: shared.map_or(Vec::new(), |r| r.to_vec()),
    };
    Row { names, panels: vec![panel] }
}

/// Kinetic and potential energy and their sum.
pub fn energies(motion: &Motion<'_>) -> Picture {
    let (kinetic, potential): (Vec<f64>, Vec<f64>) = energies_of(motion).into_iter().unzip();
    let total = kinetic.iter().zip(&potential).map(|(a, b)| a + b).collect();
    let panel = Panel {
        vertical: "energy [J]".to_owned(),
        x: motion.times(),
        series: vec![kinetic, potential, total],
        scale: Scale::Linear,
        shape: Shape::Line,
        marks: Vec::new(),
    };
    let names = ["kinetic", "potential", "total"].map(str::to_owned).to_vec();
    Figure { horizontal: TIME.to_owned(), rows: vec![Row { names, panels: vec![panel] }] }.draw()
}

/// Kinetic and potential energy [J] of every state.
fn energies_of(motion: &Motion<'_>) -> Vec<(f64, f64)> {
    let model = motion.model;
    let t = &model.topology;
    let mut stage = Stage::new(model);
    let mut composite = vec![Inertia::zero(); t.bodies.len()];
    let at = |state| {
        kinematics(model, state, &mut stage.links);
        for (k, row) in stage.jacobian.chunks_mut(t.nv.max(1)).enumerate() {
            tendon::row(model, &stage.links, k, row);
        }
        mass_matrix::mass_matrix(model, &stage.links, &mut composite, &stage.jacobian, &mut stage.mass);
        let kinetic = energy::kinetic(model, &stage.mass, &state.v);
        (kinetic, energy::potential(model, state, &stage.links))
    };
    motion.states.iter().map(at).collect()
}
