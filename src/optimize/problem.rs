//! What is given, what is wished for, what may change, and how.

use super::adam::AdamSettings;
use super::cma_es::CmaesSettings;
use super::evaluate::together;
use super::gradient_descent::DescentSettings;
use super::solution::Solution;
use super::variable::{Coordinate, Group, Subject, ranges};
use crate::control::{Part, Plan, Policy, initial_parameters};
use crate::error::Error;
use crate::model::{Description, Input, Model, Parameter, State};
use crate::number::Real;
use crate::objective::goals::{Goal, Judged, judge};
use crate::objective::{Term, When};
use crate::physics::derive::{Compilation, parameters};
use crate::rollout::{Memory, Trajectory, Worlds, simulate_controlled};
use rand::{Rng, RngExt};
use rand_pcg::Pcg64;
use serde::Deserialize;

/// A whole job of optimization.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The model.
    pub description: Description,
    /// Where every rollout starts.
    pub start: State<f64>,
    /// How controls are made of few values.
    pub plan: Plan,
    /// The values of the plan at the start, and for good if controls do not change.
    pub controls: Vec<f64>,
    /// The controllers whose controls are added to those of the plan.
    pub parts: Vec<Part>,
    /// Where else rollouts start.
    pub starts: Option<Starts>,
    /// What is minimized.
    pub terms: Vec<Term>,
    /// What the solution is judged by.
    pub goals: Vec<Goal>,
    /// What is varied.
    pub groups: Vec<Group>,
    /// How.
    pub method: Method,
    /// What its gradients may cost.
    pub gradients: Gradients,
}

/// How gradients are computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gradients {
    /// Of the rollouts of all threads together; the result does not depend on it.
    pub memory: Memory,
    /// Of the rollouts from starts that are drawn at random; everything else is double.
    pub precision: Precision,
}

impl Default for Gradients {
    fn default() -> Self {
        Self { memory: Memory::Bytes(4_000_000_000), precision: Precision::Double }
    }
}

/// How many digits numbers have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// Sixteen, eight worlds to a register.
    #[default]
    Double,
    /// Seven, sixteen worlds to a register.
    Single,
}

/// Starts that are drawn at random around the stated one, evenly within half widths.
#[derive(Clone, Debug, PartialEq)]
pub struct Starts {
    /// Of those that gradients see.
    pub seen: Spread,
    /// Of those that the goals are judged at.
    pub unseen: Spread,
    /// How many each gradient is the mean of.
    pub batch: usize,
    /// How many steps each gradient sees, if worlds go on where the last gradient left them.
    pub window: Option<usize>,
    /// How many the goals are judged at; no gradient sees them.
    pub judged: usize,
    /// The seed of the judged ones.
    pub seed: u64,
    /// The share of them that is to reach each goal, and all goals together.
    pub share: f64,
}

/// Half widths around a start, and ranges of numbers of the model file.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// Of the tangent that moves the configuration (nv).
    pub configuration: Vec<f64>,
    /// Of what is added to the velocity (nv).
    pub velocity: Vec<f64>,
    /// Places among the parameters, each with its range: every world draws a model of its own.
    pub numbers: Vec<(usize, [f64; 2])>,
}

/// A world that was drawn: its start, and the numbers of the file that are its own.
#[derive(Clone, Debug)]
pub(super) struct Drawn {
    pub start: State<f64>,
    pub numbers: Vec<(usize, f64)>,
}

impl Spread {
    /// Draws one.
    fn draw(&self, model: &Model<f64>, start: &State<f64>, random: &mut impl Rng) -> Drawn {
        let mut within = |halves: &[f64]| -> Vec<f64> {
            halves.iter().map(|half| half * random.random_range(-1.0..1.0)).collect()
        };
        let (q, v) = (within(&self.configuration), within(&self.velocity));
        let start = start.moved(model, &q, &v, &vec![0.0; start.act.len()]);
        let number = |&(place, [low, high]): &(usize, [f64; 2])| (place, random.random_range(low..=high));
        Drawn { start, numbers: self.numbers.iter().map(number).collect() }
    }
}

impl Starts {
    /// The starts of a minibatch.
    pub(super) fn minibatch(
        &self,
        model: &Model<f64>,
        start: &State<f64>,
        (seed, iteration): (u64, usize),
    ) -> Vec<Drawn> {
        let mut random = Pcg64::new(u128::from(seed), iteration as u128);
        (0..self.batch).map(|_| self.seen.draw(model, start, &mut random)).collect()
    }

    fn judged_worlds(&self, model: &Model<f64>, start: &State<f64>) -> Vec<Drawn> {
        let mut random = Pcg64::new(u128::from(self.seed), u128::MAX);
        (0..self.judged).map(|_| self.unseen.draw(model, start, &mut random)).collect()
    }
}

/// The optimizer and when it stops.
#[derive(Clone, Debug, PartialEq)]
pub struct Method {
    /// Which optimizer.
    pub kind: Kind,
    /// How bounds are kept.
    pub bounds: Bounds,
    /// At most.
    pub iterations: usize,
    /// Of the gradient's norm in the optimizer's coordinates.
    pub tolerance: f64,
    /// Whether to stop as soon as all goals are reached.
    pub until_goals: bool,
}

impl Method {
    /// Whether every gradient has starts of its own; methods that compare costs see the same ones all the time.
    pub fn draws_anew(&self) -> bool {
        matches!(self.kind, Kind::Adam(_) | Kind::Descent(_))
    }
}

/// Which optimizer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Adaptive moments (Kingma and Ba 2015).
    Adam(AdamSettings),
    /// Gradient descent with momentum (Polyak 1964).
    Descent(DescentSettings),
    /// Iterative LQR on one control for every step (Tassa, Mansard and Todorov 2014).
    Ilqr,
    /// Levenberg and Marquardt's method on exact Jacobians (Marquardt 1963).
    LevenbergMarquardt,
    /// Quadratic models within a radius (Nocedal and Wright 2006).
    TrustRegion,
    /// A population without gradients (Hansen 2016).
    Cmaes(CmaesSettings),
    /// With this many remembered steps.
    Lbfgs {
        /// How many past steps it remembers.
        memory: usize,
    },
}

/// How bounds are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bounds {
    /// By clamping after every step.
    Projection,
    /// By a smooth change of variables.
    Smooth,
}

/// Everything that a rollout needs, for one choice of the variables.
#[derive(Debug)]
pub(super) struct Realized {
    pub compilation: Compilation<f64>,
    pub start: State<f64>,
}

impl Problem {
    /// How many steps each gradient sees.
    pub fn steps_seen(&self) -> usize {
        self.starts.as_ref().and_then(|starts| starts.window).unwrap_or(self.plan.steps())
    }

    /// The costs that each gradient sees: what counts at the end counts at the end of every window.
    pub(super) fn terms_seen(&self) -> Vec<Term> {
        let mut terms = self.terms.clone();
        for term in &mut terms {
            if term.when == When::At(self.plan.steps()) {
                term.when = When::At(self.steps_seen());
            }
        }
        terms
    }

    /// The coordinates of all variables, group by group.
    pub fn coordinates(&self) -> Vec<Coordinate> {
        let smooth = self.method.bounds == Bounds::Smooth;
        let variables = self.groups.iter().flat_map(|g| &g.variables);
        variables.map(|v| Coordinate::new(v, smooth)).collect()
    }

    /// The numbers of the file with the chosen ones replaced.
    pub(super) fn file_numbers<R: Real>(&self, listing: &[Parameter], natural: &[R]) -> Vec<R> {
        let mut numbers: Vec<R> = listing.iter().map(|p| R::from_f64(p.value)).collect();
        let mut rest = natural;
        for group in &self.groups {
            let (own, others) = rest.split_at(group.variables.len());
            if let Subject::Parameters(places) = &group.subject {
                for (place, value) in places.iter().zip(own) {
                    numbers[*place] = *value;
                }
            }
            rest = others;
        }
        numbers
    }

    /// The model, the start and the plan's values for the variables `natural`, in their own units.
    pub(super) fn realize(&self, natural: &[f64], controls: &mut Vec<f64>) -> Realized {
        let numbers = self.file_numbers(&parameters(&self.description), natural);
        let compilation = Compilation::new(&self.description, &numbers);
        controls.clone_from(&self.controls);
        let start = self.place(&compilation.model, natural, controls);
        Realized { compilation, start }
    }

    /// The start, and the plan's values.
    pub(super) fn place<R: Real>(&self, model: &Model<R>, natural: &[R], controls: &mut [R]) -> State<R> {
        let mut start = self.start.map(R::from_f64);
        let mut rest = natural;
        for group in &self.groups {
            let (own, others) = rest.split_at(group.variables.len());
            match &group.subject {
                Subject::Controls => controls.copy_from_slice(own),
                Subject::Velocity(places) => places.iter().zip(own).for_each(|(i, v)| start.v[*i] = *v),
                Subject::Configuration(_) | Subject::Parameters(_) | Subject::Controllers(_) => {}
            }
            rest = others;
        }
        start.particles = model.particles.start(&model.topology.particles);
        let still = (vec![R::zero(); start.v.len()], vec![R::zero(); start.act.len()]);
        match self.turn(natural) {
            Some(turn) => start.moved(model, &turn, &still.0, &still.1),
            None => start,
        }
    }

    /// The tangent that moves the configuration at the start, if it may change: (nv).
    pub(super) fn turn<R: Real>(&self, natural: &[R]) -> Option<Vec<R>> {
        let mut out: Option<Vec<R>> = None;
        for (group, range) in self.groups.iter().zip(ranges(&self.groups)) {
            if let Subject::Configuration(places) = &group.subject {
                let turn = out.get_or_insert_with(|| vec![R::zero(); self.start.v.len()]);
                places.iter().zip(&natural[range]).for_each(|(i, x)| turn[*i] = *x);
            }
        }
        out
    }

    /// The parameters of all controllers.
    pub(super) fn weights<R: Real>(&self, natural: &[R]) -> Vec<R> {
        let mut out: Vec<R> = initial_parameters(&self.parts).into_iter().map(R::from_f64).collect();
        for (group, range) in self.groups.iter().zip(ranges(&self.groups)) {
            if let Subject::Controllers(places) = &group.subject {
                places.iter().zip(&natural[range]).for_each(|(place, x)| out[*place] = *x);
            }
        }
        out
    }

    /// Rolls a solution out, from nothing but the solution itself.
    ///
    /// # Errors
    /// A solution of another problem, or a rollout that diverges.
    pub fn rollout(&self, solution: &Solution) -> Result<Rollout, Error> {
        self.roll(&solution.natural(self)?)
    }

    /// Rolls out what the scene states, with all variables at their starts.
    ///
    /// # Errors
    /// As [`Problem::rollout`].
    pub fn roll_initial(&self) -> Result<Rollout, Error> {
        let starts: Vec<f64> = self.groups.iter().flat_map(|g| &g.variables).map(|v| v.start).collect();
        self.roll(&starts)
    }

    pub(super) fn roll(&self, natural: &[f64]) -> Result<Rollout, Error> {
        let mut controls = Vec::new();
        let Realized { compilation, start } = self.realize(natural, &mut controls);
        let model = compilation.model;
        let (mut policy, weights) = (Policy::new(&model, &self.parts), self.weights(natural));
        let inputs = self.inputs(&model, &controls);
        let trajectory = simulate_controlled(&model, &start, &inputs, (&mut policy, &weights))?;
        Ok(Rollout { model, trajectory })
    }

    /// What the plan gives at every step.
    fn inputs(&self, model: &Model<f64>, controls: &[f64]) -> Vec<Input<f64>> {
        let mut inputs = vec![Input::zero(model); self.plan.steps()];
        self.plan.inputs(controls, &mut inputs);
        inputs
    }

    /// The models of worlds that were drawn, with the numbers of their own: compiled for each if it has some,
    /// otherwise none. Particles start where the own model puts them.
    pub(super) fn drawn_models(
        &self,
        listing: &[Parameter],
        natural: &[f64],
        drawn: &mut [Drawn],
    ) -> Vec<Compilation<f64>> {
        if drawn.iter().all(|d| d.numbers.is_empty()) {
            return Vec::new();
        }
        let of = |d: &mut Drawn| {
            let mut numbers = self.file_numbers(listing, natural);
            d.numbers.iter().for_each(|(place, x)| numbers[*place] = *x);
            let own = Compilation::new(&self.description, &numbers);
            d.start.particles = own.model.particles.start(&own.model.topology.particles);
            own
        };
        drawn.iter_mut().map(of).collect()
    }

    /// Judges the goals on a fresh rollout of a solution, or on many.
    ///
    /// # Errors
    /// As [`Problem::rollout`].
    pub fn judge(&self, solution: &Solution) -> Result<Vec<Judged>, Error> {
        self.judge_natural(&solution.natural(self)?)
    }

    pub(super) fn judge_natural(&self, natural: &[f64]) -> Result<Vec<Judged>, Error> {
        let mut controls = Vec::new();
        let Realized { compilation, start } = self.realize(natural, &mut controls);
        let model = &compilation.model;
        let judge = |t: &Trajectory<f64>| judge(model, &self.goals, &t.states, &t.inputs);
        let Some(starts) = &self.starts else {
            return Ok(judge(&self.roll(natural)?.trajectory));
        };
        let mut unseen = starts.judged_worlds(model, &start);
        let own: Vec<Model<f64>> = (self.drawn_models(&parameters(&self.description), natural, &mut unseen))
            .into_iter()
            .map(|compilation| compilation.model)
            .collect();
        let unseen: Vec<State<f64>> = unseen.into_iter().map(|drawn| drawn.start).collect();
        let worlds = Worlds {
            models: if own.is_empty() { std::slice::from_ref(model) } else { &own },
            starts: &unseen,
            inputs: &[self.inputs(model, &controls)],
        };
        // A world that fails reaches nothing.
        let rolled = together(self, Precision::Double).trajectories(worlds, self, &self.weights(natural));
        let each: Vec<Option<Vec<Judged>>> =
            rolled.iter().map(|world| world.as_ref().ok().map(judge)).collect();
        let judged = |name: String, count: usize| {
            let measured = count as f64 / unseen.len() as f64;
            let asked = format!("≥ {} of {} starts", starts.share, unseen.len());
            Judged { name, asked, measured, reached: measured >= starts.share }
        };
        let of = |(g, goal): (usize, &Goal)| {
            let count =
                each.iter().filter(|judged| judged.as_ref().is_some_and(|all| all[g].reached)).count();
            judged(goal.name.clone(), count)
        };
        let mut out: Vec<Judged> = self.goals.iter().enumerate().map(of).collect();
        let all = each.iter().flatten().filter(|judged| judged.iter().all(|j| j.reached)).count();
        out.push(judged("all goals together".to_owned(), all));
        Ok(out)
    }

    /// A number that another problem hardly has: of everything that the way of an optimizer depends
    /// on, where files lie and budgets left out.
    pub(super) fn fingerprint(&self) -> String {
        let description = Description { path: String::new(), ..self.description.clone() };
        let method = Method { iterations: 0, ..self.method.clone() };
        let all = (description, &self.start, &self.plan, &self.controls, &self.terms, &self.goals);
        let control = (&self.parts, &self.starts, self.gradients.precision);
        let text = format!("{all:?} {control:?} {:?} {method:?}", self.groups);
        // FNV-1a, which stays the same from build to build.
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        format!("{hash:016x}")
    }
}

/// A rolled out solution.
#[derive(Clone, Debug)]
pub struct Rollout {
    /// With the solution's parameters.
    pub model: Model<f64>,
    /// All states and inputs.
    pub trajectory: Trajectory<f64>,
}
