//! `inspect`: what a model is, and what its file asks for that is not done.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::subject::Subject;
use super::{Answer, Common, state_file, tree};
use crate::error::Error;
use crate::model::description::{Integrator, JointKind, Remark, Severity};
use crate::model::{Input, Model, State};
use crate::physics::articulated::mass_matrix;
use crate::physics::{Stage, acceleration, derive};
use crate::sense::{Senses, measure};

#[derive(Args, Debug)]
pub struct Inspect {
    /// A model (.xml, .urdf).
    #[arg(value_name = "MODEL")]
    path: PathBuf,
    /// JSON with qpos, qvel, act, ctrl, qfrc_applied, xfrc_applied, mocap_pos, mocap_quat: give the
    /// dynamics at this state.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Leave out joint limits, contacts and the like.
    #[arg(long)]
    without_constraints: bool,
    #[command(flatten)]
    common: Common,
}

impl Inspect {
    pub fn run(&self) -> Result<Answer, Error> {
        let subject = Subject::look(&self.path)?;
        let Some(file) = &self.state else {
            return Ok(Answer::new(
                &self.common,
                || summary(&subject),
                || tree::draw(&subject.description, &subject.model),
            ));
        };
        let (state, input) = state_file::read(file, &subject)?;
        let mut model = subject.model.clone();
        if self.without_constraints {
            std::sync::Arc::make_mut(&mut model.topology).flags.constraint = false;
        }
        let mut stage = Stage::new(&model);
        acceleration(&model, &state, &input, &mut stage);
        if !stage.constraint.converged {
            let message = "the search for the constraint forces at this state did not converge";
            return Err(Error::in_file(file.display().to_string(), message));
        }
        if !stage.a.iter().all(|a| a.is_finite()) {
            let message =
                "the acceleration at this state is not finite (look for huge or degenerate entries)";
            return Err(Error::in_file(file.display().to_string(), message));
        }
        let mut senses = Senses::new(&model);
        measure(&model, &state, &input, &stage, &mut senses);
        let answer = || dynamics(&subject.model, &state, &input, (&stage, &senses));
        Ok(Answer::new(&self.common, answer, || numbers(&subject.model, &stage)))
    }
}

/// The dynamics at one state, in the words of MuJoCo.
fn dynamics(
    model: &Model<f64>,
    state: &State<f64>,
    input: &Input<f64>,
    (stage, senses): (&Stage<f64>, &Senses<f64>),
) -> Value {
    let t = &model.topology;
    let links = &stage.links.bodies;
    json!({
        "nq": t.nq,
        "nv": t.nv,
        "nu": t.nu,
        "qpos": state.q,
        "qvel": state.v,
        "act": state.act,
        "ctrl": input.u,
        "mass_matrix": mass_matrix::dense(model, &stage.mass),
        "bias": stage.bias,
        "passive": stage.passive.total,
        "actuator_force": stage.actuation.total,
        "acceleration": stage.a,
        "sensor_name": t.names.sensors,
        "sensor_adr": t.sensors.iter().map(|s| s.first).collect::<Vec<_>>(),
        "sensordata": senses.values,
        "body_name": t.names.bodies,
        "body_position": links.iter().map(|l| l.position.to_array()).collect::<Vec<_>>(),
        "body_orientation": links.iter().map(|l| l.quat.to_array()).collect::<Vec<_>>(),
    })
}

/// The same for reading: a line for each degree of freedom, and one for each body.
fn numbers(model: &Model<f64>, stage: &Stage<f64>) -> String {
    let t = &model.topology;
    let mut out = format!(
        "{:<24} {:>13} {:>13} {:>13} {:>13}\n",
        "degree of freedom", "bias", "passive", "actuator", "acceleration"
    );
    for (i, dof) in t.dofs.iter().enumerate() {
        let at = &t.joints[dof.joint];
        let part = match at.kind {
            JointKind::Free | JointKind::Ball => format!("[{}]", i - at.v),
            _ => String::new(),
        };
        out += &format!(
            "{:<24} {:>13.6} {:>13.6} {:>13.6} {:>13.6}\n",
            t.names.joints[dof.joint].clone() + &part,
            stage.bias[i],
            stage.passive.total[i],
            stage.actuation.total[i],
            stage.a[i]
        );
    }
    out += &format!("\n{:<24} {:>41} {:>43}\n", "body", "position [m]", "orientation (w x y z)");
    for (name, link) in t.names.bodies.iter().zip(&stage.links.bodies) {
        let list = |x: &[f64]| x.iter().map(|x| format!("{x:>10.5}")).collect::<String>();
        let (p, q) = (link.position.to_array(), link.quat.to_array());
        out += &format!("{name:<24} {:>41} {:>43}\n", list(&p), list(&q));
    }
    out
}

/// The compiled model as JSON.
fn summary(subject: &Subject) -> Value {
    let (model, d, t) = (&subject.model, &subject.description, &subject.model.topology);
    let bodies = (0..t.bodies.len()).map(|b| {
        let body = &model.bodies[b];
        json!({
            "name": t.names.bodies[b],
            "parent": t.names.bodies[t.bodies[b].parent],
            "mass": body.mass,
            "center": body.center.to_array(),
            "inertia": body.inertia.to_array(),
        })
    });
    let joints = t.joints.iter().zip(&t.names.joints).map(|(j, name)| {
        json!({ "name": name, "kind": joint_kind(j.kind), "body": t.names.bodies[j.body], "qpos": j.q, "qvel": j.v })
    });
    json!({
        "model": d.name,
        "nq": t.nq,
        "nv": t.nv,
        "nu": t.nu,
        "na": t.na,
        "timestep": model.option.timestep,
        "gravity": model.option.gravity.to_array(),
        "integrator": integrator(t.integrator),
        "mass": model.bodies.iter().map(|b| b.mass).sum::<f64>(),
        "bodies": bodies.collect::<Vec<_>>(),
        "joints": joints.collect::<Vec<_>>(),
        "geoms": t.names.geoms,
        "sites": t.names.sites,
        "tendons": t.names.tendons,
        "actuators": t.names.actuators,
        "sensors": t.names.sensors,
        "keyframes": d.keyframes.iter().map(|k| k.name.clone()).collect::<Vec<_>>(),
        "parameters": derive::parameters(d).len(),
        "remarks": d.remarks.iter().map(remark).collect::<Vec<_>>(),
    })
}

fn remark(r: &Remark) -> Value {
    json!({ "severity": severity(r.severity), "what": r.what, "why": r.why, "file": r.file, "line": r.line })
}

pub fn severity(s: Severity) -> &'static str {
    match s {
        Severity::Solver => "solver",
        Severity::Constraint => "constraint",
        Severity::Motion => "motion",
    }
}

pub fn joint_kind(kind: JointKind) -> &'static str {
    match kind {
        JointKind::Free => "free",
        JointKind::Ball => "ball",
        JointKind::Slide => "slide",
        JointKind::Hinge => "hinge",
    }
}

pub fn integrator(kind: Integrator) -> &'static str {
    match kind {
        Integrator::Euler => "Euler",
        Integrator::RungeKutta4 => "RK4",
        Integrator::Implicit => "implicit",
        Integrator::ImplicitFast => "implicitfast",
    }
}
