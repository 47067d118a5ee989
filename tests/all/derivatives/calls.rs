//! Inverse dynamics, Jacobians of points, and what contacts do to bodies.

use costate::model::description::Integrator;
use costate::number::Real;
use costate::physics::articulated::jacobian::{jacobian, jacobian_pullback};
use costate::physics::articulated::{Links, LinksCotangent, kinematics, kinematics_pullback};
use costate::physics::{Engine, Stage, StepBackward, acceleration, inverse, inverse_pullback};
use costate::sense::{contact_wrenches, contact_wrenches_pullback};
use costate::spatial::{Force, Motion, Vec3};

use super::world::{Back, Operation, Place, World, ask, ask_all};
use super::{Answer, Row};
use crate::ladder::sensors::sensed;
use crate::recorded::{Recorded, all};

/// The force that the first field asks for as an acceleration.
struct Inverse {
    stage: Stage<f64>,
    back: StepBackward<f64>,
}

impl Inverse {
    fn new(place: &Place) -> Self {
        let World { model, state, input, fields } = &place.world;
        let mut stage = Stage::new(model);
        inverse(model, state, input, &fields[0], &mut stage, &mut vec![f64::NAN; model.topology.nv]);
        Self { stage, back: StepBackward::new(model) }
    }
}

impl Operation for Inverse {
    fn forward<R: Engine>(&self, world: &World<R>, _: &Place) -> Vec<R> {
        let World { model, state, input, fields } = world;
        let mut tau = vec![R::zero(); model.topology.nv];
        inverse(model, state, input, &fields[0], &mut Stage::new(model), &mut tau);
        tau
    }
    fn pullback(&mut self, world: &World<f64>, _: &Place, w: &[f64], out: &mut Back) {
        let World { model, state, input, .. } = world;
        let own = (&mut out.fields[0][..], &mut out.out);
        inverse_pullback(model, state, input, &self.stage, w, &mut self.back, own);
    }
}

/// The Jacobians of a point of every body; the first entries of the first field move it.
struct Jacobians;

fn point<R: Real>(model: &costate::model::Model<R>, body: usize, field: &[R]) -> Vec3<R> {
    model.bodies[body].center + Vec3::from([0, 1, 2].map(|k| field[k % field.len()]))
}

impl Operation for Jacobians {
    fn forward<R: Engine>(&self, world: &World<R>, _: &Place) -> Vec<R> {
        let (model, mut links) = (&world.model, Links::new(&world.model));
        kinematics(model, &world.state, &mut links);
        let mut columns = vec![Motion::zero(); model.topology.nv];
        let mut out = Vec::new();
        for b in 0..model.bodies.len() {
            jacobian(model, &links, b, point(model, b, &world.fields[0]), &mut columns);
            out.extend(columns.iter().flat_map(|c| [c.angular.to_array(), c.linear.to_array()].concat()));
        }
        out
    }
    fn pullback(&mut self, world: &World<f64>, place: &Place, w: &[f64], out: &mut Back) {
        let (model, nv) = (&world.model, world.model.topology.nv);
        let mut links = LinksCotangent::new(model);
        for (b, w) in w.chunks(6 * nv).enumerate() {
            let w: Vec<_> = w.chunks(6).map(force).collect();
            let local = point(model, b, &world.fields[0]);
            let by = jacobian_pullback(model, &place.links, b, local, &w, &mut links);
            out.out.model.bodies[b].center += by;
            for (k, by) in by.to_array().into_iter().enumerate() {
                out.fields[0][k % nv] += by;
            }
        }
        let (state, own) = (&mut out.out.state, &mut out.out.model);
        kinematics_pullback(model, &world.state, &place.links, &mut links, state, own);
    }
}

fn force(w: &[f64]) -> Force<f64> {
    Force::new(Vec3::new(w[0], w[1], w[2]), Vec3::new(w[3], w[4], w[5]))
}

/// What contacts do to every body, alone and with all that hangs on it.
struct Wrenches {
    stage: Stage<f64>,
    back: StepBackward<f64>,
}

fn wrenches<R: Real>(world: &World<R>, stage: &Stage<R>) -> [Vec<Force<R>>; 2] {
    [false, true].map(|subtrees| {
        let mut out = vec![Force::zero(); world.model.bodies.len()];
        contact_wrenches(&world.model, stage, subtrees, &mut out);
        out
    })
}

impl Wrenches {
    fn new(place: &Place) -> Self {
        let World { model, state, input, .. } = &place.world;
        let mut stage = Stage::new(model);
        acceleration(model, state, input, &mut stage);
        assert!(stage.constraint.converged);
        Self { stage, back: StepBackward::new(model) }
    }
}

impl Operation for Wrenches {
    fn forward<R: Engine>(&self, world: &World<R>, _: &Place) -> Vec<R> {
        let mut stage = Stage::new(&world.model);
        acceleration(&world.model, &world.state, &world.input, &mut stage);
        let flat = |w: &Force<R>| [w.torque.to_array(), w.force.to_array()].concat();
        wrenches(world, &stage).concat().iter().flat_map(flat).collect()
    }
    fn pullback(&mut self, world: &World<f64>, _: &Place, w: &[f64], out: &mut Back) {
        let World { model, state, input, .. } = world;
        let found = wrenches(world, &self.stage);
        let w: Vec<_> = w.chunks(6).map(force).collect();
        for (k, w) in w.chunks(model.bodies.len()).enumerate() {
            let own = (&mut self.back, &mut out.out);
            contact_wrenches_pullback(model, state, input, &self.stage, k == 1, (&found[k], w), own);
        }
    }
}

const EULER: Integrator = Integrator::Euler;

fn cases(names: &[&str]) -> Vec<Recorded> {
    sensed().into_iter().filter(|r| names.contains(&r.name.as_str())).collect()
}

/// Everything that touches, ties and limits, and every model without constraints.
fn ask_inverse() -> Answer {
    let touching = cases(&["pyramids", "cones", "ties", "humanoid"]);
    ask_all(&all(), EULER, true, Inverse::new).worse(ask_all(&touching, EULER, true, Inverse::new))
}

pub fn rows() -> Vec<Row> {
    vec![
        Row::new("physics/inverse.rs::inverse_pullback", ask_inverse),
        Row::new("physics/articulated/jacobian.rs::jacobian_pullback", || {
            ask_all(&all(), EULER, true, |_| Jacobians)
        }),
        Row::new("sense/contact.rs::contact_wrenches_pullback", || {
            ask_all(&cases(&["pyramids", "cones"]), EULER, false, Wrenches::new)
        }),
    ]
}

#[test]
fn a_wrong_sign_in_a_call_is_seen() {
    /// The acceleration's cotangent with the wrong sign.
    struct Wrong(Inverse);
    impl Operation for Wrong {
        fn forward<R: Engine>(&self, world: &World<R>, place: &Place) -> Vec<R> {
            self.0.forward(world, place)
        }
        fn pullback(&mut self, world: &World<f64>, place: &Place, w: &[f64], out: &mut Back) {
            let before = out.fields[0].clone();
            self.0.pullback(world, place, w, out);
            out.fields[0].iter_mut().zip(before).for_each(|(own, before)| *own = 2.0 * before - *own);
        }
    }
    let place = Place::new(&cases(&["cones"])[0], EULER, 3);
    assert!(ask(&mut Inverse::new(&place), &place).is_right());
    assert!(ask(&mut Wrong(Inverse::new(&place)), &place).dot > 1e-6);
}
