//! MuJoCo's recorded numbers for our own models without constraints, made by `tests/recorded/record.py`.

use std::path::{Path, PathBuf};

use costate::model::description::{Description, Integrator};
use costate::model::{Input, Model, State};
use costate::number::relative_error;
use costate::physics::articulated::{mass_matrix, tendon};
use costate::physics::{Record, Stage, acceleration, derive, step};
use costate::scene::load_model;
use costate::spatial::{Force, Pose, Quat, Vec3};
use serde_json::Value;

/// A recorded file and the model that it speaks of.
pub struct Recorded {
    pub name: String,
    pub description: Description,
    pub model: Model<f64>,
    pub values: Value,
}

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The 64-bit hash of Fowler, Noll and Vo, variant 1a.
fn hash(bytes: &[u8]) -> String {
    let h = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3));
    format!("{h:016x}")
}

/// Every model that is recorded without constraints, and compiled without them.
pub fn all() -> Vec<Recorded> {
    read("tests/recorded", |d| d.option.flags.constraint = false)
}

/// Every model that is recorded with constraints by `tests/recorded/record_constraints.py`.
pub fn constrained() -> Vec<Recorded> {
    read("tests/recorded/constraints", |_| {})
}

impl Recorded {
    /// The model with the friction cone and the integrator of a recorded entry.
    pub fn with(&self, v: &Value) -> Description {
        let mut d = self.description.clone();
        d.option.elliptic = v["elliptic"] == 1;
        d.option.impratio = v["impratio"].as_f64().unwrap();
        match v["integrator"].as_str() {
            Some("Euler") => d.option.integrator = Integrator::Euler,
            Some("RK4") => d.option.integrator = Integrator::RungeKutta4,
            Some("implicit") => d.option.integrator = Integrator::Implicit,
            Some("implicitfast") => d.option.integrator = Integrator::ImplicitFast,
            _ => {}
        }
        d
    }
}

/// The recorded models of a folder; refuses one whose file has changed since.
fn read(folder: &str, change: impl Fn(&mut Description)) -> Vec<Recorded> {
    let mut paths: Vec<_> =
        std::fs::read_dir(root().join(folder)).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    let mut out = Vec::new();
    for path in paths.iter().filter(|p| p.extension().is_some_and(|e| e == "json")) {
        let values: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let Some(model) = values["model"].as_str() else { continue };
        let file = root().join(model);
        let found = hash(&std::fs::read(&file).unwrap());
        assert_eq!(values["hash"], found, "{model} has changed since it was recorded");
        assert_eq!(values["mujoco"], "4.0.0");
        let mut description = load_model(Path::new(&file)).unwrap_or_else(|e| panic!("{e}"));
        change(&mut description);
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        out.push(Recorded { name, model: derive::compile(&description), description, values });
    }
    out
}

pub fn numbers(v: &Value) -> Vec<f64> {
    v.as_array().unwrap_or_else(|| panic!("{v} is no list")).iter().map(|x| x.as_f64().unwrap()).collect()
}

/// State and input of a recorded entry.
pub fn situation(model: &Model<f64>, v: &Value) -> (State<f64>, Input<f64>) {
    let mut state = State::reference(model);
    state.q = numbers(&v["qpos"]);
    state.v = numbers(&v["qvel"]);
    state.act = numbers(&v["act"]);
    let (p, q) = (numbers(&v["mocap_pos"]), numbers(&v["mocap_quat"]));
    for (k, pose) in state.mocap.iter_mut().enumerate() {
        let rotation = Quat::new(q[4 * k], q[4 * k + 1], q[4 * k + 2], q[4 * k + 3]);
        *pose = Pose { position: Vec3::new(p[3 * k], p[3 * k + 1], p[3 * k + 2]), rotation };
    }
    let mut input = Input::zero_applied(model);
    input.u = numbers(&v["ctrl"]);
    input.force = numbers(&v["qfrc_applied"]);
    // MuJoCo writes the force first.
    for (w, x) in input.wrench.iter_mut().zip(numbers(&v["xfrc_applied"]).chunks(6)) {
        *w = Force::new(Vec3::new(x[3], x[4], x[5]), Vec3::new(x[0], x[1], x[2]));
    }
    (state, input)
}

/// The largest difference, relative to the largest entry.
pub fn difference(ours: &[f64], theirs: &[f64]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let scale = theirs.iter().fold(0.0, |m: f64, x| m.max(x.abs())).max(1e-3);
    let worst = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs() / scale);
    worst.fold(0.0, |m, e| if e.is_nan() { f64::INFINITY } else { m.max(e) })
}

/// Collects the worst difference of each field over all models, and prints the table.
#[derive(Default)]
pub struct Table(std::collections::BTreeMap<&'static str, (f64, String)>);

impl Table {
    /// A mesh counts for a millionth: MuJoCo rounds its vertices to single precision once more.
    pub fn add(&mut self, field: &'static str, error: f64, place: impl Into<String>) {
        let place = place.into();
        let error = if place.starts_with("mesh") { error * 1e-6 } else { error };
        let entry = self.0.entry(field).or_default();
        if error >= entry.0 {
            *entry = (error, place);
        }
    }
    pub fn check(&self, tolerance: impl Fn(&str) -> f64) {
        let mut failed = false;
        for (field, (error, place)) in &self.0 {
            let allowed = tolerance(field);
            println!("{field:20} {error:9.2e}  (allowed {allowed:.0e})  {place}");
            failed |= *error > allowed;
        }
        assert!(!failed, "see the table above");
    }
}

fn flat(v: Vec3<f64>) -> [f64; 3] {
    v.to_array()
}

#[test]
fn forces_and_accelerations_are_those_of_mujoco() {
    let mut table = Table::default();
    for r in all() {
        let model = &r.model;
        let t = &model.topology;
        let mut stage = Stage::new(model);
        for (k, v) in r.values["states"].as_array().unwrap().iter().enumerate() {
            let (state, input) = situation(model, v);
            acceleration(model, &state, &input, &mut stage);
            let place = format!("{} state {k}", r.name);
            let mut compare = |field: &'static str, ours: &[f64]| {
                table.add(field, difference(ours, &numbers(&v[field])), place.clone());
            };
            let links = &stage.links.bodies;
            compare("xpos", &links.iter().flat_map(|l| flat(l.position)).collect::<Vec<_>>());
            let signs: Vec<f64> = links
                .iter()
                .zip(numbers(&v["xquat"]).chunks(4))
                .flat_map(|(l, theirs)| {
                    let ours = l.quat.to_array();
                    let dot: f64 = ours.iter().zip(theirs).map(|(a, b)| a * b).sum();
                    ours.map(|x| x * dot.signum())
                })
                .collect();
            compare("xquat", &signs);
            compare("qfrc_bias", &stage.bias);
            compare("qfrc_passive", &stage.passive.total);
            compare("qfrc_spring", &stage.passive.spring);
            compare("qfrc_damper", &stage.passive.damper);
            compare("qfrc_gravcomp", &stage.passive.gravcomp);
            compare("qfrc_fluid", &stage.passive.fluid);
            compare("actuator_length", &stage.actuation.length);
            compare("actuator_velocity", &stage.actuation.rate);
            compare("actuator_force", &stage.actuation.force);
            compare("act_dot", &stage.actuation.act_rate);
            compare("qfrc_actuator", &stage.actuation.total);
            compare("qacc", &stage.a);
            let lengths: Vec<f64> =
                (0..t.tendons.len()).map(|k| tendon::length(model, &state, &stage.links, k)).collect();
            compare("ten_length", &lengths);
            if v.get("M").is_some() {
                compare("M", &mass_matrix::dense(model, &stage.mass).concat());
                let velocity = links.iter().flat_map(|l| {
                    let at = l.velocity.at(l.position - l.origin);
                    [flat(l.velocity.angular), flat(at)].concat()
                });
                compare("body_velocity", &velocity.collect::<Vec<_>>());
            }
        }
    }
    table.check(|field| match field {
        "qacc" => 1e-10,
        _ => 1e-11,
    });
}

#[test]
fn steps_of_every_integrator_are_those_of_mujoco() {
    let mut table = Table::default();
    for r in all() {
        for v in r.values["steps"].as_array().unwrap() {
            let (field, fields, integrator) = match v["integrator"].as_str().unwrap() {
                "Euler" => ("Euler", "Euler ×100", Integrator::Euler),
                "RK4" => ("RK4", "RK4 ×100", Integrator::RungeKutta4),
                "implicit" => ("implicit", "implicit ×100", Integrator::Implicit),
                _ => ("implicitfast", "implicitfast ×100", Integrator::ImplicitFast),
            };
            let mut description = r.description.clone();
            description.option.integrator = integrator;
            let model = derive::compile(&description);
            let (mut state, input) = situation(&model, v);
            let (mut record, mut next) = (Record::new(&model), state.clone());
            for k in 1..=100 {
                step(&model, &state, &input, &mut record, &mut next);
                std::mem::swap(&mut state, &mut next);
                let after = if k == 1 { &v["after1"] } else { &v["after100"] };
                if (k == 1 || k == 100) && !after.is_null() {
                    let ours = [&state.q[..], &state.v, &state.act].concat();
                    let theirs =
                        ["qpos", "qvel", "act"].iter().flat_map(|f| numbers(&after[*f])).collect::<Vec<_>>();
                    let growth = if k == 1 { 1.0 } else { v["growth"].as_f64().unwrap_or(1.0).max(1.0) };
                    let error = difference(&ours, &theirs) / growth;
                    table.add(if k == 1 { field } else { fields }, error, r.name.clone());
                }
            }
        }
    }
    table.check(|field| if field.ends_with("100") { 1e-10 } else { 1e-12 });
}

#[test]
fn derived_constants_are_those_of_mujoco() {
    let mut table = Table::default();
    for r in all() {
        let ours = derive::constants(&r.model);
        let theirs = &r.values["constants"];
        // A body without a name is empty there and numbered here.
        for (own, name) in r.model.topology.names.bodies.iter().zip(theirs["body_name"].as_array().unwrap()) {
            assert!(name == "" || name == own, "{own} is {name} in {}", r.name);
        }
        let mut compare = |field: &'static str, ours: &[f64]| {
            table.add(field, difference(ours, &numbers(&theirs[field])), r.name.clone());
        };
        compare("body_invweight0", &ours.body_invweight.concat());
        compare("dof_invweight0", &ours.dof_invweight);
        compare("tendon_invweight0", &ours.tendon_invweight);
        compare("tendon_length0", &ours.tendon_length);
        compare("body_mass", &r.model.bodies.iter().map(|b| b.mass).collect::<Vec<_>>());
        let inertia = r.model.bodies.iter().flat_map(|b| {
            let m = b.inertia.to_mat3();
            (0..9).map(move |k| m.get(k / 3, k % 3))
        });
        compare("inertia", &inertia.collect::<Vec<_>>());
        let mean = theirs["meaninertia"].as_f64().unwrap();
        // MuJoCo says 1 for a model that cannot move.
        if r.model.topology.nv > 0 {
            table.add("meaninertia", relative_error(derive::mean_inertia(&r.model), mean), r.name.clone());
        }
    }
    table.check(|_| 1e-11);
}
