//! What a verb works on: a model file, or a scene and its model.

use std::path::{Path, PathBuf};

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::Common;
use crate::control::{Part, initial_parameters};
use crate::error::{Error, nearest};
use crate::model::description::{Remark, Severity};
use crate::model::{Description, Input, Model, State};
use crate::physics::derive;
use crate::scene::load_model;
use crate::scene::toml::{self, Scene};

/// A compiled model with a start, and the file that it comes from.
pub struct Subject {
    pub path: PathBuf,
    /// If the file is a scene and not a model.
    pub scene: Option<Scene>,
    pub description: Description,
    pub model: Model<f64>,
    pub start: State<f64>,
    /// The input before anything is said about controls.
    pub idle: Input<f64>,
}

impl Subject {
    /// Loads what a verb that moves the model needs: refuses a file that asks for motion that is not
    /// done, unless told to ignore it.
    pub fn load(path: &Path, common: &Common) -> Result<Self, Error> {
        let subject = Self::look(path)?;
        let refused: Vec<&Remark> = subject
            .description
            .remarks
            .iter()
            .filter(|r| r.severity == Severity::Motion && !common.ignore.iter().any(|n| names(r, n)))
            .collect();
        if refused.is_empty() { Ok(subject) } else { Err(refusal(path, &refused)) }
    }

    /// Loads a scene or a model to look at it.
    pub fn look(path: &Path) -> Result<Self, Error> {
        let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        match ending.as_deref() {
            Some("toml") => {
                let scene = toml::load(path)?;
                let start = scene.problem.start.clone();
                let description = scene.problem.description.clone();
                Ok(Self { start, scene: Some(scene), ..Self::of_model(path, description) })
            }
            Some("xml" | "mjcf" | "urdf") => Ok(Self::of_model(path, load_model(path)?)),
            _ => {
                let message = "not a file that can be read (a scene ends in .toml, a model in .xml or .urdf)";
                Err(Error::in_file(path.display().to_string(), message))
            }
        }
    }

    fn of_model(path: &Path, description: Description) -> Self {
        let model = derive::compile(&description);
        let (start, idle) = (State::reference(&model), Input::zero(&model));
        Self { path: path.to_owned(), scene: None, description, model, start, idle }
    }

    /// The inputs that a scene begins with, one for each step.
    pub fn planned(&self) -> Option<Vec<Input<f64>>> {
        let problem = &self.scene.as_ref()?.problem;
        let mut inputs = vec![self.idle.clone(); problem.plan.steps()];
        problem.plan.inputs(&problem.controls, &mut inputs);
        Some(inputs)
    }

    /// The controllers of a scene.
    pub fn parts(&self) -> &[Part] {
        self.scene.as_ref().map_or(&[], |s| &s.problem.parts)
    }

    /// The parameters of all controllers.
    pub fn weights(&self) -> Vec<f64> {
        initial_parameters(self.parts())
    }

    /// The file's name without its ending: run folders are called after it.
    pub fn name(&self) -> String {
        self.path.file_stem().map_or("run".into(), |n| n.to_string_lossy().into_owned())
    }

    /// Starts from a keyframe of the model.
    pub fn start_at(&mut self, keyframe: &str) -> Result<(), Error> {
        let all = &self.description.keyframes;
        let found = all.iter().enumerate().find(|(k, key)| match &key.name {
            Some(name) => name == keyframe,
            None => keyframe == format!("key#{k}"),
        });
        let Some((_, key)) = found else {
            let known: Vec<&str> = all.iter().filter_map(|k| k.name.as_deref()).collect();
            let hint = match (nearest(keyframe, known.iter().copied()), known.is_empty()) {
                (Some(near), _) => format!("did you mean \"{near}\"?"),
                (None, true) => "the model has no named keyframe".to_owned(),
                (None, false) => format!("the model has {}", known.join(", ")),
            };
            let message = format!("there is no keyframe \"{keyframe}\" ({hint})");
            return Err(Error::in_file(self.path.display().to_string(), message));
        };
        self.start.time = key.time;
        self.start.q.copy_from_slice(&key.qpos);
        self.start.v.copy_from_slice(&key.qvel);
        self.start.act.copy_from_slice(&key.act);
        self.start.mocap.copy_from_slice(&key.mocap);
        self.idle.u.copy_from_slice(&key.ctrl);
        Ok(())
    }

    /// Seeded controls, evenly from the range of each actuator or else from a normal distribution.
    pub fn random_controls(&self, steps: usize, seed: u64) -> Vec<Input<f64>> {
        let mut random = Pcg64::seed_from_u64(seed);
        let mut draw = |range: &Option<[f64; 2]>| match range {
            Some([lo, hi]) if lo < hi => random.random_range(*lo..*hi),
            _ => normal(&mut random),
        };
        let mut input = || {
            let u = self.model.actuators.iter().map(|a| draw(&a.ctrl_range)).collect();
            Input { u, ..self.idle.clone() }
        };
        (0..steps).map(|_| input()).collect()
    }
}

/// A number from the standard normal distribution (Box and Muller 1958).
pub fn normal(random: &mut Pcg64) -> f64 {
    let radius = (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.random::<f64>()).cos()
}

/// Whether a remark is meant by a name: the whole of it, its kind of element, or the element's name.
fn names(remark: &Remark, name: &str) -> bool {
    let what = &remark.what;
    what == name || what.split(' ').next() == Some(name) || what.contains(&format!("\"{name}\""))
}

fn refusal(path: &Path, refused: &[&Remark]) -> Error {
    let list: String =
        refused.iter().map(|r| format!("\n  {}:{}: {}: {}", r.file, r.line, r.what, r.why)).collect();
    Error::in_file(
        path.display().to_string(),
        format!("the model asks for motion that is not simulated (pass --ignore NAME to run without):{list}"),
    )
}
