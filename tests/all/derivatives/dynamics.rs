//! Poses, forces and their sweeps over the tree.

use costate::model::description::{Integrator, Transmission};
use costate::model::{SpatialPiece, TendonPath};
use costate::number::Real;
use costate::physics::articulated::actuation::{Actuation, actuation, actuation_pullback, bounds_pullback};
use costate::physics::articulated::inverse_dynamics::{self, Fields, inverse_dynamics_pullback};
use costate::physics::articulated::line::{self, Field, Pulling, SiteLine};
use costate::physics::articulated::passive::{Passive, body_forces_pullback, joint_forces_pullback, passive};
use costate::physics::articulated::{
    Links, LinksCotangent, fluid, kinematics, kinematics_pullback, mass_matrix, tendon,
};
use costate::physics::{Backward, Engine, Stage, forces, forces_pullback};
use costate::spatial::{Force, Motion, Vec3};

use super::Row;
use super::world::{Back, Operation, Place, World, ask, ask_all, turn_from};
use crate::recorded::{Recorded, all};

fn links_of<R: Real>(world: &World<R>) -> Links<R> {
    let mut links = Links::new(&world.model);
    kinematics(&world.model, &world.state, &mut links);
    links
}

/// A motion seen from a point that is held.
fn seen_from<R: Real>(m: Motion<R>, origin: Vec3<R>, held: Vec3<f64>) -> [R; 6] {
    let linear = m.at(held.map(R::from_f64) - origin);
    [m.angular.x, m.angular.y, m.angular.z, linear.x, linear.y, linear.z]
}

fn force(w: &[f64]) -> Force<f64> {
    Force::new(Vec3::new(w[0], w[1], w[2]), Vec3::new(w[3], w[4], w[5]))
}

/// Finishes a sweep: from the links to state and model.
fn finish(world: &World<f64>, place: &Place, links: &mut LinksCotangent<f64>, out: &mut Back) {
    kinematics_pullback(
        &world.model,
        &world.state,
        &place.links,
        links,
        &mut out.out.state,
        &mut out.out.model,
    );
}

/// Poses, velocities and accelerations of bodies, their axes, and the poses of sites.
struct Kinematics;

impl Operation for Kinematics {
    fn forward<R: Engine>(&self, world: &World<R>, place: &Place) -> Vec<R> {
        let links = links_of(world);
        let held = &place.links.bodies;
        let mut out = Vec::new();
        for (b, link) in links.bodies.iter().enumerate() {
            out.extend(link.position.to_array());
            out.extend(turn_from(link.quat, held[b].quat));
            out.extend(seen_from(link.velocity, link.origin, held[b].origin));
            out.extend(seen_from(link.acceleration, link.origin, held[b].origin));
        }
        for (i, axis) in links.axes.iter().enumerate() {
            let b = world.model.topology.dofs[i].body;
            out.extend(seen_from(axis.motion, links.bodies[b].origin, held[b].origin));
        }
        for s in 0..world.model.sites.len() {
            let (position, rotation) = links.site(&world.model, s);
            out.extend(position.to_array());
            out.extend(turn_from(rotation, place.links.site(&place.world.model, s).1));
        }
        out
    }
    fn pullback(&mut self, world: &World<f64>, place: &Place, w: &[f64], out: &mut Back) {
        let (model, links) = (&world.model, &place.links);
        let mut c = LinksCotangent::new(model);
        let mut rest = w.chunks(6);
        let mut next = || force(rest.next().unwrap());
        for b in 0..model.bodies.len() {
            let pose = next();
            c.add_point(links, b, links.bodies[b].position, pose.torque);
            c.wrench[b].torque += pose.force;
            c.velocity[b] = next();
            c.acceleration[b] = next();
        }
        for axis in &mut c.axis {
            *axis = next();
        }
        for s in 0..model.sites.len() {
            let pose = next();
            c.add_site(model, links, s, pose.torque, pose.force, &mut out.out.model);
        }
        finish(world, place, &mut c, out);
    }
}

/// `M a + c`, armature aside.
struct InverseDynamics;

impl Operation for InverseDynamics {
    fn forward<R: Engine>(&self, world: &World<R>, _: &Place) -> Vec<R> {
        let links = links_of(world);
        let mut field = vec![Motion::zero(); links.bodies.len()];
        links.field(&world.model, &world.fields[0], &mut field);
        let mut wrench: Vec<Force<R>> = links
            .bodies
            .iter()
            .zip(field)
            .map(|(l, a)| {
                l.inertia.mul(l.acceleration + a) + l.velocity.cross_force(l.inertia.mul(l.velocity))
            })
            .collect();
        let mut out = vec![R::zero(); world.model.topology.nv];
        inverse_dynamics::project(&world.model, &links, &mut wrench, &mut out);
        out
    }
    fn pullback(&mut self, world: &World<f64>, place: &Place, w: &[f64], out: &mut Back) {
        let mut links = LinksCotangent::new(&world.model);
        let mut fields = Fields::new(&world.model);
        let nan = f64::NAN;
        fields.weight.fill(Motion::new(Vec3::new(nan, nan, nan), Vec3::zero()));
        fields.acceleration.fill(Motion::new(Vec3::new(nan, nan, nan), Vec3::zero()));
        inverse_dynamics_pullback(
            &world.model,
            &place.links,
            (&world.fields[0], w),
            &mut fields,
            &mut links,
            &mut out.out.model,
        );
        finish(world, place, &mut links, out);
    }
}

/// `f_s − M a` and the rates of activations.
struct Forces {
    stage: Stage<f64>,
    back: Backward<f64>,
}

impl Forces {
    fn new(place: &Place) -> Self {
        let World { model, state, input, .. } = &place.world;
        let (mut stage, mut back) = (Stage::new(model), Backward::new(model));
        // A scratch that has seen a world full of NaN.
        let nan = |_| f64::NAN;
        let (bad_state, bad_input) = (state.map(nan), input.map(nan));
        forces(model, &bad_state, &bad_input, &mut stage);
        let t = &model.topology;
        let asked = (&vec![1.0; t.nv][..], &vec![1.0; t.nv][..], &vec![1.0; t.na][..]);
        let mut out = place.back(|_| 0.0).out;
        forces_pullback(model, &bad_state, &bad_input, &stage, asked, &mut back, &mut out);
        forces(model, state, input, &mut stage);
        Self { stage, back }
    }
}

impl Operation for Forces {
    fn forward<R: Engine>(&self, world: &World<R>, _: &Place) -> Vec<R> {
        let mut stage = Stage::new(&world.model);
        forces(&world.model, &world.state, &world.input, &mut stage);
        let mass = mass_matrix::dense(&world.model, &stage.mass);
        let dot = |row: &[R]| row.iter().zip(&world.fields[0]).fold(R::zero(), |sum, (m, a)| sum + *m * *a);
        let mut out: Vec<R> = stage.smooth.iter().zip(&mass).map(|(f, row)| *f - dot(row)).collect();
        out.extend(stage.actuation.act_rate);
        out
    }
    fn pullback(&mut self, world: &World<f64>, _: &Place, w: &[f64], out: &mut Back) {
        let (weight, act) = w.split_at(world.model.topology.nv);
        forces_pullback(
            &world.model,
            &world.state,
            &world.input,
            &self.stage,
            (&world.fields[0], weight, act),
            &mut self.back,
            &mut out.out,
        );
    }
}

/// Springs and dampers of joints.
struct JointForces;

impl Operation for JointForces {
    fn forward<R: Engine>(&self, world: &World<R>, _: &Place) -> Vec<R> {
        let mut out = Passive::new(&world.model);
        passive(&world.model, &world.state, &links_of(world), &mut out);
        [out.spring, out.damper].concat()
    }
    fn pullback(&mut self, world: &World<f64>, place: &Place, w: &[f64], out: &mut Back) {
        // Springs and dampers share one weight: each alone, with the other switched off.
        let n = world.model.topology.nv;
        for (spring, weight) in [(true, &w[..n]), (false, &w[n..])] {
            let mut alone = world.model.clone();
            let topology = std::sync::Arc::make_mut(&mut alone.topology);
            topology.flags.spring &= spring;
            topology.flags.damper &= !spring;
            let mut links = LinksCotangent::new(&alone);
            joint_forces_pullback(&mut pulling(world, &alone, place, &mut links, out), weight);
        }
    }
}

fn pulling<'a>(
    world: &'a World<f64>,
    model: &'a costate::model::Model<f64>,
    place: &'a Place,
    cotangent: &'a mut LinksCotangent<f64>,
    out: &'a mut Back,
) -> Pulling<'a, f64> {
    Pulling {
        model,
        state: &world.state,
        links: &place.links,
        cotangent,
        out: &mut out.out.state,
        out_model: &mut out.out.model,
    }
}

/// A field of a joint velocity at the world's own links.
fn field(world: &World<f64>, place: &Place, y: &[f64]) -> Field<f64> {
    let mut field = Field::new(&world.model);
    field.set(&world.model, &place.links, true, |i| y[i]);
    field
}

/// The medium and gravity compensation.
struct BodyForces;

impl Operation for BodyForces {
    fn forward<R: Engine>(&self, world: &World<R>, _: &Place) -> Vec<R> {
        let mut out = Passive::new(&world.model);
        passive(&world.model, &world.state, &links_of(world), &mut out);
        [out.fluid, out.gravcomp].concat()
    }
    fn pullback(&mut self, world: &World<f64>, place: &Place, w: &[f64], out: &mut Back) {
        let model = &world.model;
        let (by_fluid, by_lift) = w.split_at(model.topology.nv);
        let (mut medium, mut lift) = (field(world, place, by_fluid), field(world, place, by_lift));
        let mut links = LinksCotangent::new(model);
        body_forces_pullback(&mut pulling(world, model, place, &mut links, out), &mut medium, &mut lift);
        medium.finish(model, &place.links, &mut links);
        lift.finish(model, &place.links, &mut links);
        finish(world, place, &mut links, out);
    }
}

/// The medium alone.
struct Fluid;

impl Operation for Fluid {
    fn forward<R: Engine>(&self, world: &World<R>, _: &Place) -> Vec<R> {
        let links = links_of(world);
        let mut wrench = vec![Force::zero(); links.bodies.len()];
        fluid::fluid(&world.model, &links, &mut wrench);
        let mut out = vec![R::zero(); world.model.topology.nv];
        inverse_dynamics::project(&world.model, &links, &mut wrench, &mut out);
        out
    }
    fn pullback(&mut self, world: &World<f64>, place: &Place, w: &[f64], out: &mut Back) {
        let mut weight = field(world, place, w);
        let mut links = LinksCotangent::new(&world.model);
        fluid::fluid_pullback(&world.model, &place.links, &mut weight, &mut links, &mut out.out.model);
        weight.finish(&world.model, &place.links, &mut links);
        finish(world, place, &mut links, out);
    }
}

/// The generalized force of all actuators, within the joints' bounds, and the rates of activations.
struct Actuators(Actuation<f64>);

impl Actuators {
    fn new(place: &Place) -> Self {
        let World { model, state, input, .. } = &place.world;
        let mut out = Actuation::new(model);
        actuation(model, state, input, &place.links, &vec![0.0; model.topology.nv], &mut out);
        Self(out)
    }
}

impl Operation for Actuators {
    fn forward<R: Engine>(&self, world: &World<R>, _: &Place) -> Vec<R> {
        let mut out = Actuation::new(&world.model);
        let none = vec![R::zero(); world.model.topology.nv];
        actuation(&world.model, &world.state, &world.input, &links_of(world), &none, &mut out);
        [out.total, out.act_rate].concat()
    }
    fn pullback(&mut self, world: &World<f64>, place: &Place, w: &[f64], out: &mut Back) {
        let model = &world.model;
        let (weight, act) = w.split_at(model.topology.nv);
        let mut links = LinksCotangent::new(model);
        let mut by_u = vec![0.0; model.topology.nu];
        let mut bounded = vec![f64::NAN; model.topology.nv];
        let mut p = pulling(world, model, place, &mut links, out);
        bounds_pullback(&mut p, &self.0, weight, &mut bounded);
        let mut velocity = field(world, place, &world.state.v);
        let mut weight = field(world, place, &bounded);
        let none = vec![0.0; model.topology.nu];
        let asked = (act, &none[..], &none[..]);
        let fields = (&mut velocity, &mut weight);
        actuation_pullback(&mut p, &world.input, &self.0, asked, fields, &mut by_u);
        velocity.finish(model, &place.links, &mut links);
        weight.finish(model, &place.links, &mut links);
        let add = |own: &mut [f64], by: &[f64]| own.iter_mut().zip(by).for_each(|(own, by)| *own += by);
        add(&mut out.out.state.v, &velocity.y_cotangent);
        add(&mut out.out.input.u, &by_u);
        finish(world, place, &mut links, out);
    }
}

/// Lengths of tendons and their rates in a field.
struct Tendons;

impl Operation for Tendons {
    fn forward<R: Engine>(&self, world: &World<R>, _: &Place) -> Vec<R> {
        let (model, links, y) = (&world.model, links_of(world), &world.fields[0]);
        let mut bodies = vec![Motion::zero(); links.bodies.len()];
        links.field(model, y, &mut bodies);
        (0..model.tendons.len())
            .flat_map(|t| {
                let length = tendon::length(model, &world.state, &links, t);
                [length, tendon::rate(model, &links, t, y, |b| bodies[b])]
            })
            .collect()
    }
    fn pullback(&mut self, world: &World<f64>, place: &Place, w: &[f64], out: &mut Back) {
        let (model, links) = (&world.model, &place.links);
        let mut y = field(world, place, &world.fields[0]);
        let mut c = LinksCotangent::new(model);
        let mut p = pulling(world, model, place, &mut c, out);
        for t in 0..model.tendons.len() {
            tendon::pullback(&mut p, t, w[2 * t], &mut [(&mut y, w[2 * t + 1])]);
        }
        y.finish(model, links, &mut c);
        out.fields[0].iter_mut().zip(&y.y_cotangent).for_each(|(own, by)| *own += by);
        finish(world, place, &mut c, out);
    }
}

/// Every straight piece of every tendon: its length, and its rate in a field.
struct Pieces;

fn pieces(place: &Place) -> Vec<(usize, SpatialPiece)> {
    let tendons = place.world.model.topology.tendons.iter().enumerate();
    tendons
        .flat_map(|(t, path)| match path {
            TendonPath::Spatial(pieces) => pieces.iter().map(|p| (t, *p)).collect(),
            TendonPath::Fixed(_) => Vec::new(),
        })
        .collect()
}

/// The rate of a line in the second field.
fn rate<R: Real>(parts: &[(usize, Force<R>)], bodies: &[Motion<R>]) -> R {
    parts.iter().fold(R::zero(), |sum, &(b, g)| sum + bodies[b].dot(g))
}

impl Operation for Pieces {
    fn forward<R: Engine>(&self, world: &World<R>, place: &Place) -> Vec<R> {
        let (model, links) = (&world.model, links_of(world));
        let mut bodies = vec![Motion::zero(); links.bodies.len()];
        links.field(model, &world.fields[0], &mut bodies);
        pieces(place)
            .iter()
            .flat_map(|(t, piece)| {
                let divisor = model.tendons[*t].weights[piece.weight];
                let (length, parts) = line::piece(model, &links, piece, divisor);
                [length, rate(&parts, &bodies)]
            })
            .collect()
    }
    fn pullback(&mut self, world: &World<f64>, place: &Place, w: &[f64], out: &mut Back) {
        let model = &world.model;
        let mut y = field(world, place, &world.fields[0]);
        let mut c = LinksCotangent::new(model);
        for ((t, piece), w) in pieces(place).into_iter().zip(w.chunks(2)) {
            let divisor = model.tendons[t].weights[piece.weight];
            let mut p = pulling(world, model, place, &mut c, out);
            let by_divisor = line::piece_pullback(&mut p, &piece, divisor, w[0], &mut [(&mut y, w[1])]);
            out.out.model.tendons[t].weights[piece.weight] += by_divisor;
        }
        y.finish(model, &place.links, &mut c);
        out.fields[0].iter_mut().zip(&y.y_cotangent).for_each(|(own, by)| *own += by);
        finish(world, place, &mut c, out);
    }
}

/// Every site actuator: length, and rate in a field.
struct SiteLines;

fn site_lines(place: &Place) -> Vec<(usize, SiteLine)> {
    let actuators = place.world.model.topology.actuators.iter().enumerate();
    actuators
        .filter_map(|(k, layout)| match layout.transmission {
            Transmission::Site { site, reference } => Some((k, SiteLine { site, reference })),
            _ => None,
        })
        .collect()
}

impl Operation for SiteLines {
    fn forward<R: Engine>(&self, world: &World<R>, place: &Place) -> Vec<R> {
        let (model, links) = (&world.model, links_of(world));
        let mut bodies = vec![Motion::zero(); links.bodies.len()];
        links.field(model, &world.fields[0], &mut bodies);
        site_lines(place)
            .iter()
            .flat_map(|(k, line)| {
                let (length, parts) = line::site_line(model, &links, line, &model.actuators[*k].gear);
                [length, rate(&parts, &bodies)]
            })
            .collect()
    }
    fn pullback(&mut self, world: &World<f64>, place: &Place, w: &[f64], out: &mut Back) {
        let model = &world.model;
        let mut y = field(world, place, &world.fields[0]);
        let mut c = LinksCotangent::new(model);
        for ((k, line), w) in site_lines(place).into_iter().zip(w.chunks(2)) {
            let gear = &model.actuators[k].gear;
            let mut p = pulling(world, model, place, &mut c, out);
            let by_gear = line::site_line_pullback(&mut p, &line, gear, w[0], &mut [(&mut y, w[1])]);
            let own = &mut out.out.model.actuators[k].gear;
            own.iter_mut().zip(by_gear).for_each(|(own, by)| *own += by);
        }
        y.finish(model, &place.links, &mut c);
        out.fields[0].iter_mut().zip(&y.y_cotangent).for_each(|(own, by)| *own += by);
        finish(world, place, &mut c, out);
    }
}

fn models(names: &'static [&'static str]) -> Vec<Recorded> {
    all().into_iter().filter(|r| names.is_empty() || names.contains(&r.name.as_str())).collect()
}

const EULER: Integrator = Integrator::Euler;

pub fn rows() -> Vec<Row> {
    macro_rules! row {
        ($name:literal, $models:expr, $moving:literal, $operation:expr) => {
            Row::new($name, || ask_all(&models($models), EULER, $moving, $operation))
        };
    }
    let lines = &["spatial_tendons", "spatial_tendons_fast", "actuators_tendon"];
    let joints = &["springs", "ball", "free", "springdamper", "two_free", "hinge", "slide", "passive_off"];
    let medium = &["fluid", "fluid_fast", "gravcomp"];
    let all_actuators = &["actuators_body", "actuators_joint", "actuators_saturated", "actuators_tendon"];
    vec![
        row!("physics/articulated/kinematics.rs::kinematics_pullback", &[], false, |_| Kinematics),
        row!("physics/articulated/inverse_dynamics.rs::inverse_dynamics_pullback", &[], false, |_| {
            InverseDynamics
        }),
        row!("physics/step.rs::forces_pullback", &[], false, Forces::new),
        row!("physics/articulated/passive.rs::joint_forces_pullback", joints, false, |_| JointForces),
        row!("physics/articulated/passive.rs::body_forces_pullback", medium, false, |_| BodyForces),
        row!("physics/articulated/fluid.rs::fluid_pullback", medium, false, |_| Fluid),
        row!("physics/articulated/actuation.rs::actuation_pullback", all_actuators, false, Actuators::new),
        row!("physics/articulated/actuation.rs::bounds_pullback", all_actuators, false, Actuators::new),
        row!(
            "physics/articulated/tendon.rs::pullback",
            &["fixed_tendons", "spatial_tendons", "spatial_tendons_fast"],
            true,
            |_| Tendons
        ),
        row!("physics/articulated/line.rs::piece_pullback", lines, true, |_| Pieces),
        row!("physics/articulated/line.rs::site_line_pullback", &["actuators_body"], true, |_| SiteLines),
    ]
}

#[test]
fn a_wrong_sign_in_a_sweep_is_seen() {
    /// One cotangent with the wrong sign.
    struct Wrong;
    impl Operation for Wrong {
        fn forward<R: Engine>(&self, world: &World<R>, place: &Place) -> Vec<R> {
            Kinematics.forward(world, place)
        }
        fn pullback(&mut self, world: &World<f64>, place: &Place, w: &[f64], out: &mut Back) {
            let before = out.out.state.v[1];
            Kinematics.pullback(world, place, w, out);
            let share = out.out.state.v[1] - before;
            out.out.state.v[1] = before - share;
        }
    }
    let tree = models(&["tree"]).remove(0);
    let place = Place::new(&tree, EULER, 0).with_fixed_fields();
    assert!(ask(&mut Kinematics, &place).is_right());
    let answer = ask(&mut Wrong, &place);
    assert!(answer.dot > 1e-6, "{answer:?}");
}
