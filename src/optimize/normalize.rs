//! What networks see, made small numbers around zero.

use super::Problem;
use crate::control::{Law, Policy, initial_parameters};
use crate::error::Error;
use crate::model::{Input, State};
use crate::physics::derive::compile;
use crate::rollout::simulate_controlled;
use crate::sense::Observer;

/// At least so many starts are rolled out, if starts are drawn.
const ROLLOUTS: usize = 16;

impl Problem {
    /// Gives the observations of the chosen networks mean zero and variance one in rollouts of the controllers
    /// as they begin; what does not vary keeps its scale. The same problem always gets the same numbers.
    ///
    /// # Errors
    /// All rollouts diverge.
    pub fn normalize(&mut self, chosen: &[bool]) -> Result<(), Error> {
        let model = compile(&self.description);
        let starts: Vec<State<f64>> = match &self.starts {
            None => vec![self.start.clone()],
            Some(starts) => {
                let batches = ROLLOUTS.div_ceil(starts.batch.max(1));
                // Numbers of batches that no training comes to.
                let draw = |k| starts.minibatch(&model, &self.start, (0, usize::MAX - k));
                (0..batches).flat_map(draw).map(|drawn| drawn.start).collect()
            }
        };
        let mut inputs = vec![Input::zero(&model); self.plan.steps()];
        self.plan.inputs(&self.controls, &mut inputs);
        let (mut policy, weights) = (Policy::new(&model, &self.parts), initial_parameters(&self.parts));
        let mut roll = |start| simulate_controlled(&model, start, &inputs, (&mut policy, &weights));
        let rollouts: Vec<_> = starts.iter().map(&mut roll).collect();
        if let (true, Some(Err(e))) = (rollouts.iter().all(Result::is_err), rollouts.first()) {
            return Err(e.clone());
        }
        let states: Vec<_> = rollouts.iter().flatten().flat_map(|r| r.states.iter().enumerate()).collect();
        for (part, _) in self.parts.iter_mut().zip(chosen).filter(|(_, chosen)| **chosen) {
            let Law::Network(network) = &mut part.law else { continue };
            let mut observer = Observer::new(&model, network.observed.clone());
            let count = network.observed.len();
            let mut seen = vec![0.0; states.len() * count];
            for (seen, (k, state)) in seen.chunks_exact_mut(count.max(1)).zip(&states) {
                observer.at(*k).observe(&model, state, seen);
            }
            for (i, o) in network.observed.iter_mut().enumerate() {
                let column = || seen.iter().skip(i).step_by(count);
                let share = 1.0 / states.len() as f64;
                let mean = column().sum::<f64>() * share;
                let deviation = (column().map(|x| (x - mean).powi(2)).sum::<f64>() * share).sqrt();
                o.center += mean * o.scale;
                o.scale *= if deviation > 1e-8 { deviation } else { 1.0 };
            }
        }
        Ok(())
    }
}
