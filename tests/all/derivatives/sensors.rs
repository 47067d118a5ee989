//! What sensors say, by state, input and model.

use costate::model::description::Integrator;
use costate::physics::articulated::{Links, LinksCotangent, kinematics, kinematics_pullback};
use costate::physics::{Engine, Stage, StepBackward, acceleration};
use costate::sense::{Senses, measure, measure_motion, measure_motion_pullback, measure_pullback};

use super::world::{Back, Operation, Place, World, ask, ask_all};
use super::{Answer, Row};
use crate::ladder::sensors::sensed;

/// What follows from the motion.
struct Motion;

impl Operation for Motion {
    fn forward<R: Engine>(&self, world: &World<R>, _: &Place) -> Vec<R> {
        let (mut links, mut senses) = (Links::new(&world.model), Senses::new(&world.model));
        kinematics(&world.model, &world.state, &mut links);
        measure_motion(&world.model, &world.state, &links, &mut senses);
        senses.values
    }
    fn pullback(&mut self, world: &World<f64>, place: &Place, w: &[f64], out: &mut Back) {
        let World { model, state, .. } = world;
        let (mut c, mut senses) = (LinksCotangent::new(model), Senses::new(model));
        measure_motion(model, state, &place.links, &mut senses);
        let (by_state, by_model) = (&mut out.out.state, &mut out.out.model);
        let own = (&mut c, &mut *by_state, &mut *by_model);
        measure_motion_pullback(model, state, &place.links, w, &mut senses, own);
        kinematics_pullback(model, state, &place.links, &mut c, by_state, by_model);
    }
}

/// Everything.
pub struct All {
    stage: Stage<f64>,
    senses: Senses<f64>,
    back: StepBackward<f64>,
    wrong: bool,
}

impl All {
    pub fn new(place: &Place) -> Self {
        let World { model, state, input, .. } = &place.world;
        let (mut stage, mut senses) = (Stage::new(model), Senses::new(model));
        acceleration(model, state, input, &mut stage);
        assert!(stage.constraint.converged);
        measure(model, state, input, &stage, &mut senses);
        Self { stage, senses, back: StepBackward::new(model), wrong: false }
    }
}

impl Operation for All {
    fn forward<R: Engine>(&self, world: &World<R>, _: &Place) -> Vec<R> {
        let World { model, state, input, .. } = world;
        let (mut stage, mut senses) = (Stage::new(model), Senses::new(model));
        acceleration(model, state, input, &mut stage);
        measure(model, state, input, &stage, &mut senses);
        senses.values
    }
    fn pullback(&mut self, world: &World<f64>, _: &Place, w: &[f64], out: &mut Back) {
        let World { model, state, input, .. } = world;
        let mut w = w.to_vec();
        if self.wrong {
            w.iter_mut().take(20).for_each(|w| *w = -*w);
        }
        let own = (&mut self.back, &mut out.out);
        measure_pullback(model, state, input, &self.stage, &w, &mut self.senses, own);
    }
}

fn cases(names: &[&str]) -> Vec<crate::recorded::Recorded> {
    sensed().into_iter().filter(|r| names.contains(&r.name.as_str())).collect()
}

pub fn rows() -> Vec<Row> {
    let all = ["free", "pyramids", "cones", "ties", "humanoid", "quadruped"];
    vec![
        Row::new("sense/mod.rs::measure_motion_pullback", move || {
            ask_all(&cases(&all), Integrator::Euler, false, |_| Motion)
        }),
        Row::new("sense/mod.rs::measure_pullback", || {
            ask_all(&cases(&["free"]), Integrator::Euler, false, All::new)
        }),
    ]
}

/// One sensor at a time: the adjoint of each against its dual, with everything that limits, ties and touches.
#[test]
fn what_contacts_limits_and_ties_do_to_sensors_has_the_derivative_of_dual_numbers() {
    use crate::moving::{moving, slope};
    use costate::number::dot_check;
    let mut worst = 0.0f64;
    for r in cases(&["pyramids", "cones", "ties", "humanoid", "quadruped"]) {
        for state in [1, 3, 7] {
            let place = Place::new(&r, Integrator::Euler, state).with_fixed_fields();
            let mut all = All::new(&place);
            let t = &place.world.model.topology;
            let dual = all.forward(&place.at(moving(0.0, 1.0)), &place);
            let jd: Vec<f64> = dual.iter().map(slope).collect();
            for s in &t.sensors {
                let mut w = vec![0.0; jd.len()];
                for k in 0..s.measured.count() {
                    w[s.first + k] = 1.0 - 0.3 * k as f64;
                }
                let mut out = place.back(|_| 0.0);
                all.pullback(&place.world, &place, &w, &mut out);
                let (jtw, d) = place.pairs(&out);
                let error = dot_check(&w, &jd, &jtw, &d).error;
                if error.is_nan() || error >= 1e-9 {
                    println!("{} state {state} {:?}: {error:.1e}", r.name, s.measured);
                }
                worst = if error.is_nan() { f64::INFINITY } else { worst.max(error) };
            }
        }
    }
    println!("worst {worst:.1e}");
    assert!(worst < 1e-9);
}

#[test]
fn a_wrong_sign_in_a_sensor_is_seen() {
    let zoo = cases(&["free"]).remove(0);
    let place = Place::new(&zoo, Integrator::Euler, 3).with_fixed_fields();
    let mut all = All::new(&place);
    let right: Answer = ask(&mut all, &place);
    assert!(right.dot < 2e-13, "{right:?}");
    all.wrong = true;
    assert!(ask(&mut all, &place).dot > 1e-6);
}
