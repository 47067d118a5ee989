//! Everything that is not a number: who hangs on whom, and where entries are.

use super::super::constraint::{EqualityLayout, Tie};
use super::super::description::{self as file, Description, EqualityKind, JointKind, Law};
use super::super::particle::ParticleLayout;
use super::super::sensor::sensors;
use super::super::touch::PairLayout;
use super::super::tree::{
    ActuatorLayout, BodyLayout, DofLayout, GeomLayout, JointLayout, Names, Pattern, SpatialPiece, TendonPath,
    Topology,
};
use super::simple::slides_alone;

/// Everything that is not a number: who hangs on whom, and where entries are.
pub(super) fn topology(d: &Description) -> Topology {
    let mut t = Topology {
        flags: d.option.flags,
        integrator: d.option.integrator,
        names: Names::new(d),
        ..Topology::default()
    };
    tree(d, &mut t);
    t.sites = d.sites.iter().map(|s| s.body).collect();
    t.geoms = d.geoms.iter().map(|g| geom(d, g)).collect();
    t.tendons = d.tendons.iter().map(|tendon| path(&t, &tendon.path)).collect();
    actuators(d, &mut t);
    contacts(d, &mut t);
    equalities(d, &mut t);
    what_is_there(d, &mut t);
    (t.sensors, t.names.sensors) = sensors(d);
    t.particles = ParticleLayout::new(&d.particles, &t.geoms);
    t.pattern = Pattern::new(t.dofs.iter().map(|dof| dof.parent));
    t
}

/// Bodies, joints and dofs, in the order of the file.
fn tree(d: &Description, t: &mut Topology) {
    let mut next_joint = 0;
    for (b, body) in d.bodies.iter().enumerate() {
        let first = next_joint;
        let first_dof = t.nv;
        let above = if b == 0 { None } else { t.bodies[body.parent].last_dof };
        let mut last = above;
        while next_joint < d.joints.len() && d.joints[next_joint].body == b {
            let joint = &d.joints[next_joint];
            let (nq, nv) = joint.kind.sizes();
            t.joints.push(JointLayout {
                kind: joint.kind,
                body: b,
                q: t.nq,
                v: t.nv,
                has_spring: joint.springdamper.is_some() || joint.stiffness != [0.0; 3],
                actuator_gravcomp: joint.actuator_gravcomp,
            });
            for _ in 0..nv {
                t.dofs.push(DofLayout { joint: next_joint, body: b, parent: last });
                last = Some(t.dofs.len() - 1);
            }
            t.nq += nq;
            t.nv += nv;
            next_joint += 1;
        }
        let root = match b {
            0 => 0,
            _ if body.parent == 0 => b,
            _ => t.bodies[body.parent].root,
        };
        let stands = b == 0 || first < next_joint || body.mocap;
        let weld = if stands { b } else { t.bodies[body.parent].weld };
        let mocap = body.mocap.then_some(t.mocap_bodies.len());
        if body.mocap {
            t.mocap_bodies.push(b);
        }
        t.bodies.push(BodyLayout {
            parent: body.parent,
            joints: first..next_joint,
            dofs: first_dof..t.nv,
            root,
            mocap,
            last_dof: last,
            weld,
            slides_alone: slides_alone(d, b),
        });
    }
}

fn geom(d: &Description, g: &file::Geom) -> GeomLayout {
    let c = &g.contact;
    GeomLayout {
        body: g.body,
        shape: g.shape,
        color: g.color,
        group: g.group,
        contype: c.contype,
        conaffinity: c.conaffinity,
        condim: c.condim as usize,
        priority: c.priority,
        hull: match g.shape {
            file::Shape::Mesh(m) => d.meshes[m].hull.clone(),
            _ => None,
        },
    }
}

/// Which geoms may touch.
fn contacts(d: &Description, t: &mut Topology) {
    t.elliptic = d.option.elliptic;
    t.excludes = d.constraints.excludes.iter().map(|&(a, b)| [a.min(b), a.max(b)]).collect();
    let in_order = |(a, b): (usize, usize)| {
        if d.geoms[a].body <= d.geoms[b].body { [a, b] } else { [b, a] }
    };
    let pairs = d.constraints.pairs.iter();
    t.pairs = pairs.map(|p| PairLayout { geoms: in_order(p.geoms), condim: p.condim as usize }).collect();
    t.candidates = t.list_candidates();
}

fn equalities(d: &Description, t: &mut Topology) {
    let on = d.option.flags.equalities();
    let of_sites = |(a, b): (usize, usize)| [d.sites[a].body, d.sites[b].body];
    let layout = |e: &file::Equality| {
        let (tie, found) = match e.kind {
            EqualityKind::Connect { bodies: (a, b), .. } => (Tie::Point([a, b]), Some(1)),
            EqualityKind::ConnectSites { sites } => (Tie::Point(of_sites(sites)), None),
            EqualityKind::Weld { bodies: (a, b), relative_pose, .. } => {
                (Tie::Frame([a, b]), relative_pose.is_none().then_some(0))
            }
            EqualityKind::WeldSites { sites, .. } => (Tie::Frame(of_sites(sites)), None),
            EqualityKind::Joint { joints: (a, b), .. } => (Tie::Joints(a, b), None),
            EqualityKind::Tendon { tendons: (a, b), .. } => (Tie::Tendons(a, b), None),
        };
        EqualityLayout { tie, active: e.active && on, found }
    };
    t.equalities = d.constraints.equalities.iter().map(layout).collect();
}

fn actuators(d: &Description, t: &mut Topology) {
    t.nu = d.actuators.len();
    for a in &d.actuators {
        let act = (a.dynamics != file::Dynamics::None).then_some(t.na);
        t.na += usize::from(act.is_some());
        t.actuators.push(ActuatorLayout {
            transmission: a.transmission,
            dynamics: a.dynamics,
            affine_gain: matches!(a.law, Law::General { affine_gain: true, .. } | Law::Damper { .. }),
            act,
            act_early: a.act_early,
            winds: winds(d, a),
            rate_dependent: !matches!(
                a.law,
                Law::Motor | Law::General { affine_gain: false, bias: None, .. }
            ),
            disabled: d.option.disabled_actuator_groups.contains(&a.group),
        });
    }
}

/// What is absent is skipped in every step.
fn what_is_there(d: &Description, t: &mut Topology) {
    let flags = &d.option.flags;
    let ranges = d.joints.iter().map(|j| j.range).chain(d.tendons.iter().map(|t| t.range));
    let losses = d.joints.iter().map(|j| j.frictionloss).chain(d.tendons.iter().map(|t| t.frictionloss));
    t.constrained = flags.limits() && ranges.flatten().next().is_some()
        || flags.friction_losses() && losses.into_iter().any(|f| f > 0.0)
        || t.candidates.as_ref().is_none_or(|c| !c.is_empty())
        || !t.equalities.is_empty();
    t.any_fluid = d.option.density > 0.0 || d.option.viscosity > 0.0;
    t.any_gravcomp = d.bodies.iter().any(|b| b.gravcomp != 0.0);
    t.any_damping = d.joints.iter().any(|j| j.damping != [0.0; 3] || j.springdamper.is_some())
        || d.actuators
            .iter()
            .any(|a| a.damping != [0.0; 3] && !matches!(a.transmission, file::Transmission::Tendon(_)));
    let at_tendon = |a: &file::Actuator| matches!(a.transmission, file::Transmission::Tendon(_));
    t.tendon_armature = d.tendons.iter().any(|t| t.armature != 0.0)
        || d.actuators.iter().any(|a| a.armature != 0.0 && at_tendon(a));
    t.any_lines = d.tendons.iter().any(|t| matches!(t.path, file::TendonPath::Spatial(_)))
        || d.actuators.iter().any(|a| matches!(a.transmission, file::Transmission::Site { .. }));
    t.lone_free = (0..d.bodies.len())
        .map(|b| {
            let own = &t.bodies[b].dofs;
            let free = t.bodies[b].joints.clone().any(|j| t.joints[j].kind == JointKind::Free);
            free && !t
                .dofs
                .iter()
                .enumerate()
                .any(|(i, dof)| !own.contains(&i) && dof.parent.is_some_and(|p| own.contains(&p)))
        })
        .collect();
}

/// Whether an actuator is a servo on a ball joint or on the rotation between two sites.
fn winds(d: &Description, a: &file::Actuator) -> bool {
    let servo = match a.law {
        Law::General { gain, affine_gain, bias: Some(bias) } => {
            !affine_gain && gain[0] == -bias[1] && gain[0] != 0.0
        }
        Law::Servo { kp, .. } => kp != 0.0,
        _ => false,
    };
    let turns = match a.transmission {
        file::Transmission::Joint(j) | file::Transmission::JointInParent(j) => {
            d.joints[j].kind == JointKind::Ball
        }
        file::Transmission::Site { reference, .. } => reference.is_some() && a.gear[..3] == [0.0; 3],
        file::Transmission::Tendon(_) | file::Transmission::Particles => false,
    };
    servo && turns
}

fn path(t: &Topology, path: &file::TendonPath) -> TendonPath {
    match path {
        file::TendonPath::Fixed(terms) => {
            TendonPath::Fixed(terms.iter().map(|&(j, _)| (t.joints[j].q, t.joints[j].v)).collect())
        }
        file::TendonPath::Spatial(points) => {
            let mut pieces = Vec::new();
            let (mut last, mut weight) = (None, 0);
            for point in points {
                match *point {
                    file::PathPoint::Site(to) => {
                        if let Some(from) = last {
                            pieces.push(SpatialPiece { from, to, weight });
                        }
                        last = Some(to);
                    }
                    file::PathPoint::Pulley(_) => {
                        weight += 1;
                        last = None;
                    }
                }
            }
            TendonPath::Spatial(pieces)
        }
    }
}
