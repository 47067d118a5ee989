//! A compiled model as a tree to read.

use super::inspect::{integrator, joint_kind};
use crate::model::description::{JointKind, Severity, Shape, Transmission};
use crate::model::{Description, Model};
use crate::physics::derive;

/// Totals, the tree of bodies, the actuators, and the remarks on the file.
pub fn draw(d: &Description, model: &Model<f64>) -> String {
    let t = &model.topology;
    let mass: f64 = model.bodies.iter().map(|b| b.mass).sum();
    let gravity = list(&model.option.gravity.to_array());
    let mut out = format!("{}\n", if d.name.is_empty() { &d.path } else { &d.name });
    out += &format!(
        "{} s per step, {}, gravity {gravity} m/s²\n",
        short(model.option.timestep),
        integrator(t.integrator)
    );
    let counts = [
        (t.bodies.len() - 1, "body", "bodies"),
        (t.joints.len(), "joint", "joints"),
        (t.nv, "degree of freedom", "degrees of freedom"),
        (t.nu, "actuator", "actuators"),
        (derive::parameters(d).len(), "parameter", "parameters"),
    ];
    let counts = counts.map(|(n, one, many)| format!("{n} {}", if n == 1 { one } else { many }));
    out += &format!("{}, {} kg\n\n", counts.join(", "), short(mass));
    body(model, 0, "", "", &mut out);
    particles(model, &mut out);
    actuators(model, &mut out);
    remarks(d, &mut out);
    out
}

/// A body, what is fixed to it, and the bodies below it.
fn body(model: &Model<f64>, b: usize, branch: &str, below: &str, out: &mut String) {
    let t = &model.topology;
    let mass = model.bodies[b].mass;
    let weight = if mass > 0.0 { format!("  {} kg", short(mass)) } else { String::new() };
    let mocap = if t.bodies[b].mocap.is_some() { "  (mocap)" } else { "" };
    *out += &format!("{branch}{}{weight}{mocap}\n", t.names.bodies[b]);
    let children: Vec<usize> = (1..t.bodies.len()).filter(|&c| t.bodies[c].parent == b).collect();
    let bar = if children.is_empty() { format!("{below}   ") } else { format!("{below}│  ") };
    for j in t.bodies[b].joints.clone() {
        *out += &format!("{bar}joint {}: {}\n", t.names.joints[j], joint(model, j));
    }
    for (g, layout) in t.geoms.iter().enumerate().filter(|(_, g)| g.body == b) {
        *out += &format!(
            "{bar}geom {}: {}\n",
            t.names.geoms[g],
            geom(layout.shape, &model.geoms[g].size.to_array())
        );
    }
    for (k, child) in children.iter().enumerate() {
        let is_last = k + 1 == children.len();
        let (branch, indent) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        body(model, *child, &format!("{below}{branch}"), &format!("{below}{indent}"), out);
    }
}

fn joint(model: &Model<f64>, j: usize) -> String {
    let (joint, at) = (&model.joints[j], &model.topology.joints[j]);
    let mut out = joint_kind(at.kind).to_owned();
    if matches!(at.kind, JointKind::Slide | JointKind::Hinge) {
        out += &format!(" along {}", list(&joint.axis.to_array()))
            .replace("along", if at.kind == JointKind::Hinge { "about" } else { "along" });
    }
    let parts =
        [("stiffness", joint.stiffness[0]), ("damping", joint.damping[0]), ("armature", joint.armature)];
    for (name, x) in parts.into_iter().filter(|(_, x)| *x != 0.0) {
        out += &format!(", {name} {}", short(x));
    }
    out
}

fn geom(shape: Shape, size: &[f64]) -> String {
    let (name, sizes) = match shape {
        Shape::Plane => ("plane", 0),
        Shape::Sphere => ("sphere", 1),
        Shape::Capsule => ("capsule", 2),
        Shape::Ellipsoid => ("ellipsoid", 3),
        Shape::Cylinder => ("cylinder", 2),
        Shape::Box => ("box", 3),
        Shape::Mesh(_) => ("mesh", 0),
    };
    format!("{name} {}", list(&size[..sizes])).trim_end().to_owned()
}

fn particles(model: &Model<f64>, out: &mut String) {
    let layout = &model.topology.particles;
    if layout.is_empty() {
        return;
    }
    *out += "\nparticles\n";
    for (name, body) in layout.names.iter().zip(&layout.points) {
        *out += &format!("   {name}: {} points, {} springs\n", body.points.len(), body.springs.len());
    }
    if let Some(continuum) = &layout.continuum {
        for (matter, kind) in layout.matter.iter().zip(&continuum.kinds) {
            *out += &format!("   {}: {} particles, {kind:?}\n", matter.name, matter.particles.len());
        }
        let cells: Vec<String> =
            continuum.cells[..continuum.dimension].iter().map(usize::to_string).collect();
        *out += &format!("   a grid of {} cells of {} m\n", cells.join(" by "), short(continuum.spacing));
    }
}

fn actuators(model: &Model<f64>, out: &mut String) {
    let t = &model.topology;
    if t.nu > 0 {
        *out += "\nactuators\n";
    }
    for ((layout, actuator), name) in t.actuators.iter().zip(&model.actuators).zip(&t.names.actuators) {
        let target = match layout.transmission {
            Transmission::Joint(j) | Transmission::JointInParent(j) => format!("joint {}", t.names.joints[j]),
            Transmission::Tendon(k) => format!("tendon {}", t.names.tendons[k]),
            Transmission::Site { site, .. } => format!("site {}", t.names.sites[site]),
            Transmission::Particles => "particles".to_owned(),
        };
        let range = actuator
            .ctrl_range
            .map_or(String::new(), |[lo, hi]| format!(", control from {} to {}", short(lo), short(hi)));
        *out += &format!("   {name}: {target}, gear {}{range}\n", short(actuator.gear[0]));
    }
}

fn remarks(d: &Description, out: &mut String) {
    let kinds = [
        (
            Severity::Motion,
            "asked for and not done; every other verb refuses the model unless told to --ignore it",
        ),
        (Severity::Constraint, "kept, not yet simulated"),
        (Severity::Solver, "not needed: it steers only how a solver finds its solution"),
    ];
    for (severity, title) in kinds {
        let mut all = d.remarks.iter().filter(|r| r.severity == severity).peekable();
        if all.peek().is_some() {
            *out += &format!("\n{title}\n");
        }
        for r in all {
            *out += &format!("   {}:{}: {}: {}\n", r.file, r.line, r.what, r.why);
        }
    }
}

/// A number with six significant digits at most.
fn short(x: f64) -> String {
    if x == 0.0 {
        return "0".to_owned();
    }
    let digits = (5.0 - x.abs().log10().floor()).clamp(0.0, 12.0) as usize;
    let text = format!("{x:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn list(x: &[f64]) -> String {
    x.iter().map(|x| short(*x)).collect::<Vec<_>>().join(" ")
}
