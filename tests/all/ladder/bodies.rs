//! Rung 0: what MuJoCo makes of small files, orientation by orientation, shape by shape.

use costate::model::Model;
use costate::model::State;
use costate::model::description::{
    Description, Dynamics, Geom, Integrator, JointKind, Law, Shape, Transmission,
};
use costate::physics::derive;
use costate::spatial::{Quat, Vec3};
use serde_json::Value;

use super::super::recorded::{Table, difference, numbers, root};
use super::described;

/// Compares what one file says with MuJoCo's constants, field by field.
struct Comparison<'a> {
    table: &'a mut Table,
    name: &'a str,
    theirs: &'a Value,
}

impl Comparison<'_> {
    fn field(&mut self, field: &'static str, ours: &[f64]) {
        let theirs = numbers(&self.theirs[field]);
        assert_eq!(ours.len(), theirs.len(), "{}: {field}", self.name);
        self.table.add(field, difference(ours, &theirs), self.name);
    }
    /// Fields that are whole numbers or words must be the same.
    fn exact<T: Into<f64> + Copy>(&mut self, field: &'static str, ours: &[T]) {
        let ours: Vec<f64> = ours.iter().map(|&x| x.into()).collect();
        assert_eq!(ours, numbers(&self.theirs[field]), "{}: {field}", self.name);
    }
    /// Rotations, up to the sign of their quaternions.
    fn rotations(&mut self, field: &'static str, ours: &[Quat<f64>]) {
        let theirs = numbers(&self.theirs[field]);
        let aligned = ours.iter().zip(theirs.chunks(4)).flat_map(|(ours, theirs)| {
            let ours = ours.to_array();
            let dot: f64 = ours.iter().zip(theirs).map(|(a, b)| a * b).sum();
            ours.map(|x| x * dot.signum())
        });
        self.field(field, &aligned.collect::<Vec<_>>());
    }
    /// Entries of a field for which `counts` holds.
    fn some(&mut self, field: &'static str, ours: &[Option<f64>]) {
        let theirs = numbers(&self.theirs[field]);
        assert_eq!(ours.len(), theirs.len(), "{}: {field}", self.name);
        let both = ours.iter().zip(theirs).filter_map(|(a, b)| a.map(|a| (a, b)));
        let (a, b): (Vec<f64>, Vec<f64>) = both.unzip();
        self.table.add(field, difference(&a, &b), self.name);
    }
}

fn vectors(all: impl Iterator<Item = Vec3<f64>>) -> Vec<f64> {
    all.flat_map(Vec3::to_array).collect()
}

/// The entries of a size that a shape uses.
fn used(shape: Shape, size: [f64; 3]) -> [Option<f64>; 3] {
    let count = match shape {
        Shape::Sphere => 1,
        Shape::Capsule | Shape::Cylinder => 2,
        Shape::Box | Shape::Ellipsoid => 3,
        Shape::Plane | Shape::Mesh(_) => 0,
    };
    [0, 1, 2].map(|k| (k < count).then_some(size[k]))
}

fn shape_number(shape: Shape) -> f64 {
    match shape {
        Shape::Plane => 0.0,
        Shape::Sphere => 2.0,
        Shape::Capsule => 3.0,
        Shape::Ellipsoid => 4.0,
        Shape::Cylinder => 5.0,
        Shape::Box => 6.0,
        Shape::Mesh(_) => 7.0,
    }
}

fn tree(c: &mut Comparison, d: &Description, model: &Model<f64>) {
    let t = &model.topology;
    for (field, ours) in [("nq", t.nq), ("nv", t.nv), ("nu", t.nu), ("na", t.na), ("nbody", t.bodies.len())] {
        assert_eq!(c.theirs[field].as_u64(), Some(ours as u64), "{}: {field}", c.name);
    }
    let parents: Vec<f64> = t.bodies.iter().map(|b| b.parent as f64).collect();
    c.exact("body_parentid", &parents);
    // A joint that is free places its body itself; MuJoCo aligns some bodies before.
    c.field("body_pos", &vectors(model.bodies.iter().map(|b| b.position)));
    c.rotations("body_quat", &model.bodies.iter().map(|b| b.rotation).collect::<Vec<_>>());
    c.field("body_mass", &model.bodies.iter().map(|b| b.mass).collect::<Vec<_>>());
    let center =
        |b: &costate::model::Body<f64>| if b.mass > 0.0 { b.center.to_array().map(Some) } else { [None; 3] };
    c.some("body_ipos", &model.bodies.iter().flat_map(center).collect::<Vec<_>>());
    let inertia = model.bodies.iter().flat_map(|b| {
        let m = b.inertia.to_mat3();
        (0..9).map(move |k| m.get(k / 3, k % 3))
    });
    c.field("inertia", &inertia.collect::<Vec<_>>());
    c.field("body_gravcomp", &d.bodies.iter().map(|b| b.gravcomp).collect::<Vec<_>>());
    let constants = derive::constants(model);
    c.field("body_invweight0", &constants.body_invweight.concat());
    c.field("dof_invweight0", &constants.dof_invweight);
}

fn geoms(c: &mut Comparison, d: &Description, model: &Model<f64>) {
    c.exact("geom_type", &d.geoms.iter().map(|g| shape_number(g.shape)).collect::<Vec<_>>());
    c.exact("geom_bodyid", &d.geoms.iter().map(|g| g.body as f64).collect::<Vec<_>>());
    c.field("geom_pos", &vectors(model.geoms.iter().map(|g| g.position)));
    c.rotations("geom_quat", &model.geoms.iter().map(|g| g.rotation).collect::<Vec<_>>());
    let sizes = d.geoms.iter().zip(&model.geoms).flat_map(|(d, g)| used(d.shape, g.size.to_array()));
    c.some("geom_size", &sizes.collect::<Vec<_>>());
    let mut each = |field: &'static str, of: &dyn Fn(&Geom) -> Vec<f64>| {
        c.field(field, &d.geoms.iter().flat_map(of).collect::<Vec<_>>());
    };
    each("geom_contype", &|g| vec![f64::from(g.contact.contype)]);
    each("geom_conaffinity", &|g| vec![f64::from(g.contact.conaffinity)]);
    each("geom_condim", &|g| vec![f64::from(g.contact.condim)]);
    each("geom_priority", &|g| vec![g.contact.priority as f64]);
    each("geom_group", &|g| vec![g.group as f64]);
    each("geom_friction", &|g| g.contact.friction.to_vec());
    each("geom_solref", &|g| g.contact.solref.to_vec());
    each("geom_solimp", &|g| g.contact.solimp.to_vec());
    each("geom_margin", &|g| vec![g.contact.margin]);
    c.exact("site_type", &d.sites.iter().map(|s| shape_number(s.shape)).collect::<Vec<_>>());
    c.exact("site_bodyid", &d.sites.iter().map(|s| s.body as f64).collect::<Vec<_>>());
    c.field("site_pos", &vectors(model.sites.iter().map(|s| s.position)));
    c.rotations("site_quat", &model.sites.iter().map(|s| s.rotation).collect::<Vec<_>>());
}

fn joints(c: &mut Comparison, d: &Description, model: &Model<f64>) {
    let kind = |k: JointKind| match k {
        JointKind::Free => 0.0,
        JointKind::Ball => 1.0,
        JointKind::Slide => 2.0,
        JointKind::Hinge => 3.0,
    };
    c.exact("jnt_type", &d.joints.iter().map(|j| kind(j.kind)).collect::<Vec<_>>());
    c.exact("jnt_bodyid", &d.joints.iter().map(|j| j.body as f64).collect::<Vec<_>>());
    c.exact(
        "jnt_limited",
        &d.joints.iter().map(|j| f64::from(u8::from(j.range.is_some()))).collect::<Vec<_>>(),
    );
    let of_kind = |all: &[JointKind], values: &dyn Fn(usize) -> Vec3<f64>| -> Vec<Option<f64>> {
        let joints = d.joints.iter().enumerate();
        joints.flat_map(|(k, j)| values(k).to_array().map(|x| all.contains(&j.kind).then_some(x))).collect()
    };
    use JointKind::{Ball, Hinge, Slide};
    c.some("jnt_axis", &of_kind(&[Slide, Hinge], &|k| model.joints[k].axis));
    c.some("jnt_pos", &of_kind(&[Ball, Hinge], &|k| model.joints[k].anchor));
    let range = d.joints.iter().flat_map(|j| j.range.map_or([None; 2], |r| r.map(Some)));
    c.some("jnt_range", &range.collect::<Vec<_>>());
    c.field("jnt_margin", &d.joints.iter().map(|j| j.margin).collect::<Vec<_>>());
    c.field("jnt_stiffness", &model.joints.iter().map(|j| j.stiffness[0]).collect::<Vec<_>>());
    c.field("jnt_solref", &d.joints.iter().flat_map(|j| j.solref_limit).collect::<Vec<_>>());
    c.field("jnt_solimp", &d.joints.iter().flat_map(|j| j.solimp_limit).collect::<Vec<_>>());
    let dofs = &model.topology.dofs;
    c.field("dof_damping", &dofs.iter().map(|i| model.joints[i.joint].damping[0]).collect::<Vec<_>>());
    c.field("dof_armature", &dofs.iter().map(|i| model.joints[i.joint].armature).collect::<Vec<_>>());
    c.field("dof_frictionloss", &dofs.iter().map(|i| d.joints[i.joint].frictionloss).collect::<Vec<_>>());
    let mut state = State::reference(model);
    c.field("qpos0", &state.q);
    for (joint, at) in model.joints.iter().zip(&model.topology.joints) {
        if matches!(at.kind, Slide | Hinge) {
            state.q[at.q] = joint.spring_reference;
        }
    }
    c.field("qpos_spring", &state.q);
}

fn actuators(c: &mut Comparison, d: &Description, model: &Model<f64>) {
    let ten = |first: [f64; 3]| {
        let mut all = [0.0; 10];
        all[..3].copy_from_slice(&first);
        all
    };
    c.field("actuator_gainprm", &model.actuators.iter().flat_map(|a| ten(a.gain)).collect::<Vec<_>>());
    c.field("actuator_biasprm", &model.actuators.iter().flat_map(|a| ten(a.bias)).collect::<Vec<_>>());
    c.field("actuator_gear", &d.actuators.iter().flat_map(|a| a.gear).collect::<Vec<_>>());
    let dynamics = |a: Dynamics| match a {
        Dynamics::None => 0.0,
        Dynamics::Integrator => 1.0,
        Dynamics::Filter => 2.0,
        Dynamics::FilterExact => 3.0,
    };
    c.exact("actuator_dyntype", &d.actuators.iter().map(|a| dynamics(a.dynamics)).collect::<Vec<_>>());
    let times = d.actuators.iter().flat_map(|a| {
        let mut all = [None; 10];
        all[0] = matches!(a.dynamics, Dynamics::Filter | Dynamics::FilterExact).then_some(a.time_constant);
        all
    });
    c.some("actuator_dynprm", &times.collect::<Vec<_>>());
    let affine = |a: &costate::model::description::Actuator| match a.law {
        Law::General { affine_gain, .. } => affine_gain,
        Law::Damper { .. } => true,
        _ => false,
    };
    c.exact(
        "actuator_gaintype",
        &d.actuators.iter().map(|a| f64::from(u8::from(affine(a)))).collect::<Vec<_>>(),
    );
    let zero = [0.0; 2];
    c.field(
        "actuator_ctrlrange",
        &d.actuators.iter().flat_map(|a| a.ctrl_range.unwrap_or(zero)).collect::<Vec<_>>(),
    );
    c.field(
        "actuator_forcerange",
        &d.actuators.iter().flat_map(|a| a.force_range.unwrap_or(zero)).collect::<Vec<_>>(),
    );
    assert!(d.actuators.iter().all(|a| matches!(a.transmission, Transmission::Joint(_))));
}

fn keyframes(c: &mut Comparison, d: &Description) {
    c.field("key_time", &d.keyframes.iter().map(|k| k.time).collect::<Vec<_>>());
    c.field("key_qpos", &d.keyframes.iter().flat_map(|k| k.qpos.clone()).collect::<Vec<_>>());
    c.field("key_qvel", &d.keyframes.iter().flat_map(|k| k.qvel.clone()).collect::<Vec<_>>());
    c.field("key_act", &d.keyframes.iter().flat_map(|k| k.act.clone()).collect::<Vec<_>>());
    c.field("key_ctrl", &d.keyframes.iter().flat_map(|k| k.ctrl.clone()).collect::<Vec<_>>());
    let poses = || d.keyframes.iter().flat_map(|k| &k.mocap);
    c.field("key_mpos", &vectors(poses().map(|p| p.position)));
    c.field("key_mquat", &poses().flat_map(|p| p.rotation.to_array()).collect::<Vec<_>>());
}

/// Bits of MuJoCo's `disableflags`, each with what we call it.
fn disabled(d: &Description) -> [(u64, bool); 9] {
    let f = &d.option.flags;
    [
        (0, f.constraint),
        (1, f.equality),
        (2, f.frictionloss),
        (3, f.limit),
        (4, f.contact),
        (5, f.spring),
        (6, f.damper),
        (7, f.gravity),
        (15, f.eulerdamp),
    ]
}

fn options(c: &Comparison, d: &Description) {
    let (o, theirs) = (&d.option, &c.theirs["option"]);
    let same = |field: &str, ours: &[f64]| assert_eq!(ours, numbers(&theirs[field]), "{}: {field}", c.name);
    same("timestep", &[o.timestep]);
    same("gravity", &o.gravity);
    same("wind", &o.wind);
    same("density", &[o.density]);
    same("viscosity", &[o.viscosity]);
    same("impratio", &[o.impratio]);
    same("cone", &[f64::from(u8::from(o.elliptic))]);
    let integrator = match o.integrator {
        Integrator::Euler => 0.0,
        Integrator::RungeKutta4 => 1.0,
        Integrator::Implicit => 2.0,
        Integrator::ImplicitFast => 3.0,
    };
    same("integrator", &[integrator]);
    let bits = theirs["disableflags"][0].as_u64().unwrap();
    for (bit, on) in disabled(d) {
        assert_eq!(bits >> bit & 1 == 0, on, "{}: disable flag {bit}", c.name);
    }
}

#[test]
fn small_files_compile_as_in_mujoco() {
    let text = std::fs::read_to_string(root().join("tests/recorded/bodies.json")).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(all["mujoco"], "4.0.0");
    let mut table = Table::default();
    for entry in all["models"].as_array().unwrap() {
        let d = described(entry["xml"].as_str().unwrap());
        let model = derive::compile(&d);
        let name = entry["name"].as_str().unwrap();
        let mut c = Comparison { table: &mut table, name, theirs: &entry["constants"] };
        tree(&mut c, &d, &model);
        geoms(&mut c, &d, &model);
        joints(&mut c, &d, &model);
        actuators(&mut c, &d, &model);
        keyframes(&mut c, &d);
        options(&c, &d);
    }
    table.check(|field| if field == "inertia" || field.ends_with("invweight0") { 1e-9 } else { 1e-12 });
}
