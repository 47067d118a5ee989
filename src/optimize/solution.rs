//! What was found, as named tensors.

use std::path::Path;

use super::checkpoint;
use super::problem::Problem;
use super::variable::Subject;
use crate::control::Law;
use crate::error::Error;
use crate::model::Input;
use crate::physics::derive::compile;
use crate::sense::Observation;

/// A named array of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// What it holds.
    pub name: String,
    /// Sizes, the slowest first.
    pub shape: Vec<usize>,
    /// All entries.
    pub data: Vec<f64>,
}

impl Tensor {
    /// A tensor of this shape.
    pub fn new(name: impl Into<String>, shape: Vec<usize>, data: Vec<f64>) -> Self {
        Self { name: name.into(), shape, data }
    }
    /// A tensor with one axis.
    pub fn row(name: impl Into<String>, data: Vec<f64>) -> Self {
        Self::new(name, vec![data.len()], data)
    }
}

/// The variables of a problem in their own units, and what follows from them.
///
/// - `controls` (knots, actuators): the values of the plan; `inputs` (steps, actuators): the controls
///   of every step that follow from them;
/// - `start.velocity` (nv), and `start.configuration` (nv), a tangent at the scene's start;
/// - the parameters of every controller: of a network the [arrays](crate::control::Part::arrays) of its layers,
///   `NAME.0.weight` (outputs, inputs), `NAME.0.bias` (outputs) and so on, with `NAME.mean` and `NAME.scale` of
///   what it sees, `(x − mean)/scale`; of others `NAME`, all in one;
/// - every parameter by its name, and for `body.NAME.inertial` also `body.NAME.mass` [kg],
///   `body.NAME.center` [m] and `body.NAME.inertia` (xx yy zz xy xz yz, about the centre) [kg m²].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Solution {
    /// All that was optimized.
    pub tensors: Vec<Tensor>,
}

impl Solution {
    /// The tensor of this name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.tensors.iter().find(|t| t.name == name)
    }

    /// The solution that these variables are.
    pub fn of(problem: &Problem, natural: &[f64]) -> Self {
        let mut tensors = Vec::new();
        let mut controls = Vec::new();
        let realized = problem.realize(natural, &mut controls);
        let mut rest = natural;
        for group in &problem.groups {
            let (own, others) = rest.split_at(group.variables.len());
            match group.subject {
                Subject::Controls => {
                    let shape = vec![problem.plan.knots(), problem.plan.actuators];
                    tensors.push(Tensor::new("controls", shape, own.to_vec()));
                }
                Subject::Velocity(_) | Subject::Configuration(_) | Subject::Controllers(_) => {}
                Subject::Parameters(_) => {
                    let each = group.variables.iter().zip(own);
                    tensors.extend(each.map(|(v, p)| Tensor::new(v.name.clone(), vec![], vec![*p])));
                }
            }
            rest = others;
        }
        if problem.groups.iter().any(|g| matches!(g.subject, Subject::Velocity(_))) {
            tensors.push(Tensor::row("start.velocity", realized.start.v.clone()));
        }
        tensors.extend(problem.turn(natural).map(|turn| Tensor::row("start.configuration", turn)));
        let model = &realized.compilation.model;
        tensors.extend(inertias(problem, model));
        tensors.extend(weights(problem, &problem.weights(natural)));
        let mut inputs = vec![Input::zero(model); problem.plan.steps()];
        problem.plan.inputs(&controls, &mut inputs);
        if !problem.parts.is_empty()
            && let Ok(rollout) = problem.roll(natural)
        {
            inputs = rollout.trajectory.inputs;
        }
        let shape = vec![inputs.len(), problem.plan.actuators];
        tensors.push(Tensor::new("inputs", shape, inputs.into_iter().flat_map(|i| i.u).collect()));
        Self { tensors }
    }

    /// The variables of a problem, in its order.
    ///
    /// # Errors
    /// A tensor that is missing or has the wrong size.
    pub fn natural(&self, problem: &Problem) -> Result<Vec<f64>, Error> {
        let take = |name: &str, count: usize| match self.get(name) {
            Some(t) if t.data.len() == count => Ok(t.data.clone()),
            Some(t) => Err(Error::message(format!(
                "the solution's \"{name}\" has {} numbers and the scene asks for {count}",
                t.data.len()
            ))),
            None => Err(Error::message(format!("the solution has no \"{name}\", which the scene asks for"))),
        };
        let mut out = Vec::new();
        for group in &problem.groups {
            let count = group.variables.len();
            match group.subject {
                Subject::Controls => out.extend(take("controls", count)?),
                Subject::Velocity(ref places) => {
                    let all = take("start.velocity", problem.start.v.len())?;
                    out.extend(places.iter().map(|i| all[*i]));
                }
                Subject::Configuration(ref places) => {
                    let all = take("start.configuration", problem.start.v.len())?;
                    out.extend(places.iter().map(|i| all[*i]));
                }
                Subject::Controllers(ref places) => {
                    let mut all = Vec::new();
                    for part in &problem.parts {
                        let mut own = vec![0.0; part.parameters.len()];
                        for array in part.arrays() {
                            let data = take(&array.name, array.places.len())?;
                            array.places.iter().zip(data).for_each(|(place, x)| own[*place] = x);
                        }
                        all.extend(own);
                    }
                    out.extend(places.iter().map(|place| all[*place]));
                }
                Subject::Parameters(_) => {
                    for v in &group.variables {
                        out.extend(take(&v.name, 1)?);
                    }
                }
            }
        }
        Ok(out)
    }

    /// Writes a safetensors file, whole or not at all.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        checkpoint::write(path, &self.tensors, &[])
    }

    /// Reads what [`Solution::save`] wrote.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn load(path: &Path) -> Result<Self, Error> {
        Ok(Self { tensors: checkpoint::read(path)?.0 })
    }
}

/// The parameters of all controllers, as arrays.
fn weights(problem: &Problem, all: &[f64]) -> Vec<Tensor> {
    let (mut out, mut rest) = (Vec::new(), all);
    for part in &problem.parts {
        let (own, others) = rest.split_at(part.parameters.len());
        out.extend(part.arrays().into_iter().map(|array| {
            let data = array.places.iter().map(|place| own[*place]).collect();
            Tensor::new(array.name, array.shape, data)
        }));
        if let Law::Network(network) = &part.law {
            let all = |what: fn(&Observation) -> f64| network.observed.iter().map(what).collect();
            out.push(Tensor::row(format!("{}.mean", part.name), all(|o| o.center)));
            out.push(Tensor::row(format!("{}.scale", part.name), all(|o| o.scale)));
        }
        rest = others;
    }
    out
}

/// Mass, centre and inertia of bodies whose inertia is among the variables.
fn inertias(problem: &Problem, model: &crate::model::Model<f64>) -> Vec<Tensor> {
    let names = &compile(&problem.description).topology.names.bodies;
    let mut out = Vec::new();
    for (name, body) in names.iter().zip(&model.bodies) {
        let own = format!("body.{name}.inertial[");
        if !problem.groups.iter().flat_map(|g| &g.variables).any(|v| v.name.starts_with(&own)) {
            continue;
        }
        let i = body.inertia;
        out.push(Tensor::new(format!("body.{name}.mass"), vec![], vec![body.mass]));
        out.push(Tensor::row(format!("body.{name}.center"), body.center.to_array().to_vec()));
        out.push(Tensor::row(format!("body.{name}.inertia"), vec![i.xx, i.yy, i.zz, i.xy, i.xz, i.yz]));
    }
    out
}
