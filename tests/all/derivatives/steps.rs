//! Steps of every integrator.

use costate::model::description::Integrator;
use costate::model::{Costate, State, advance_configuration, advance_configuration_pullback};
use costate::number::Real;
use costate::physics::{Engine, Record, StepBackward, step, step_pullback};
use costate::spatial::{Force, Vec3};

use super::world::{Back, Operation, Place, World, ask, ask_all, configuration_from, turn_from};
use super::{Answer, Row};
use crate::recorded::all;

/// A step: the tangent of the next state.
pub struct Step {
    next: State<f64>,
    record: Record<f64>,
    back: StepBackward<f64>,
}

impl Step {
    pub fn new(place: &Place) -> Self {
        let World { model, state, input, .. } = &place.world;
        let (mut record, mut back) = (Record::new(model), StepBackward::new(model));
        // Record, scratch and next state have seen a world full of NaN.
        let nan = |_| f64::NAN;
        let (bad_state, bad_input) = (state.map(nan), input.map(nan));
        let mut next = bad_state.clone();
        step(model, &bad_state, &bad_input, &mut record, &mut next);
        let mut out = place.back(|_| 0.0).out;
        step_pullback(model, &bad_state, &bad_input, &record, &Costate::zero(model), &mut back, &mut out);
        step(model, state, input, &mut record, &mut next);
        assert!(next.q.iter().chain(&next.v).chain(&next.act).all(|x| x.is_finite()));
        Self { next, record, back }
    }
}

impl Operation for Step {
    fn forward<R: Engine>(&self, world: &World<R>, _: &Place) -> Vec<R> {
        let mut next = world.state.clone();
        step(&world.model, &world.state, &world.input, &mut Record::new(&world.model), &mut next);
        let mut out = configuration_from(&world.model, &next, &self.next);
        out.extend(next.v);
        out.extend(next.act);
        out.extend(next.particles);
        for (pose, base) in next.mocap.iter().zip(&self.next.mocap) {
            out.extend(turn_from(pose.rotation, base.rotation));
            out.extend(pose.position.to_array());
        }
        out
    }
    fn pullback(&mut self, world: &World<f64>, _: &Place, w: &[f64], out: &mut Back) {
        let mut cotangent = Costate::zero(&world.model);
        let mut rest = w.iter();
        let mut next = || *rest.next().unwrap();
        let c = &mut cotangent;
        c.q.iter_mut().chain(&mut c.v).chain(&mut c.act).for_each(|x| *x = next());
        c.particles.iter_mut().for_each(|x| *x = next());
        for force in &mut c.mocap {
            let mut three = || Vec3::new(next(), next(), next());
            *force = Force::new(three(), three());
        }
        let (record, back) = (&self.record, &mut self.back);
        step_pullback(&world.model, &world.state, &world.input, record, &cotangent, back, &mut out.out);
    }
}

/// `q ⊞ h y`, with the time step as `h` and the first field as `y`.
struct Advance(Vec<f64>);

impl Advance {
    fn new(place: &Place) -> Self {
        Self(advanced(&place.world))
    }
}

fn advanced<R: Real>(world: &World<R>) -> Vec<R> {
    let mut out = world.state.q.clone();
    // A long step: the rotations' Jacobians count.
    let h = world.model.option.timestep.times(100.0);
    advance_configuration(&world.model, &world.state.q, &world.fields[0], h, &mut out);
    out
}

impl Operation for Advance {
    fn forward<R: Engine>(&self, world: &World<R>, place: &Place) -> Vec<R> {
        let at = |q: Vec<R>| State { q, ..world.state.clone() };
        let base = State { q: self.0.clone(), ..place.world.state.clone() };
        configuration_from(&world.model, &at(advanced(world)), &base)
    }
    fn pullback(&mut self, world: &World<f64>, _: &Place, w: &[f64], out: &mut Back) {
        let (model, y) = (&world.model, &world.fields[0]);
        let h = 100.0 * model.option.timestep;
        let own = (&mut out.out.state.q[..], &mut out.fields[0][..]);
        out.out.model.option.timestep += 100.0 * advance_configuration_pullback(model, |i| y[i], h, w, own);
    }
}

fn ask_steps(integrator: Integrator) -> Answer {
    ask_all(&all(), integrator, false, Step::new)
}

pub fn rows() -> Vec<Row> {
    let integrators =
        [Integrator::Euler, Integrator::RungeKutta4, Integrator::Implicit, Integrator::ImplicitFast];
    let mut rows: Vec<Row> = integrators
        .into_iter()
        .map(|i| Row::new("physics/integrate.rs::step_pullback", move || ask_steps(i)))
        .collect();
    rows.push(Row::new("model/state.rs::advance_configuration_pullback", || {
        ask_all(&all(), Integrator::Euler, true, Advance::new)
    }));
    rows
}

#[test]
fn a_wrong_sign_in_a_step_is_seen() {
    /// The share of one damping has the wrong sign.
    struct Wrong(Step);
    impl Operation for Wrong {
        fn forward<R: Engine>(&self, world: &World<R>, place: &Place) -> Vec<R> {
            self.0.forward(world, place)
        }
        fn pullback(&mut self, world: &World<f64>, place: &Place, w: &[f64], out: &mut Back) {
            let before = out.out.model.joints[0].damping[0];
            self.0.pullback(world, place, w, out);
            let own = &mut out.out.model.joints[0].damping[0];
            *own = before - (*own - before);
        }
    }
    let hinge = all().into_iter().find(|r| r.name == "hinge").unwrap();
    for integrator in [Integrator::Euler, Integrator::RungeKutta4, Integrator::Implicit] {
        let place = Place::new(&hinge, integrator, 0).with_fixed_fields();
        assert!(ask(&mut Step::new(&place), &place).is_right());
        let answer = ask(&mut Wrong(Step::new(&place)), &place);
        assert!(answer.dot > 1e-9, "{integrator:?}: {answer:?}");
    }
}
