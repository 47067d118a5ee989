//! Limits, dry friction, equalities and contacts: the numbers of what pushes back.
//!
//! A number that cannot change the motion is no parameter: the impedance of a joint without a limit, the
//! rolling friction of a geom whose contacts do not resist rolling.

use super::super::constraint::{Equality, FrictionLoss, Limit, Override, Pair};
use super::super::description::{self as file, EqualityKind, JointKind};
use super::super::parameter::{Listing, Source};
use super::super::tree::{Geom, Site, Topology};
use super::{ANY, NOT_NEGATIVE, POSITIVE, Reader};
use crate::number::Real;
use crate::spatial::{Pose, Quat, Vec3};

/// Shares between zero and one, as far as an impedance goes.
const SHARE: (f64, f64) = (0.0001, 0.9999);
const NOT_POSITIVE: (f64, f64) = (f64::NEG_INFINITY, 0.0);

impl<S> Reader<'_, '_, S> {
    /// A reference: time constant and damping ratio, or, both negative, stiffness and damping.
    fn solref<R: Real>(&mut self, field: &'static str, value: [f64; 2]) -> [R; 2]
    where
        S: Source<R>,
    {
        [0, 1].map(|k| self.solref_entry(field, k, value))
    }
    fn solref_entry<R: Real>(&mut self, field: &'static str, k: usize, value: [f64; 2]) -> R
    where
        S: Source<R>,
    {
        let (units, bounds) = match value {
            [a, b] if a > 0.0 && b > 0.0 => (["s", "–"], POSITIVE),
            [a, b] if a <= 0.0 && b <= 0.0 => (["1/s²", "1/s"], NOT_POSITIVE),
            _ => (["–", "–"], ANY),
        };
        self.entry(field, Some(k), units[k], bounds, value[k])
    }
    /// An impedance; `unit` is that of the width.
    fn solimp<R: Real>(&mut self, field: &'static str, unit: &'static str, value: [f64; 5]) -> [R; 5]
    where
        S: Source<R>,
    {
        let units = ["–", "–", unit, "–", "–"];
        let bounds = [SHARE, SHARE, NOT_NEGATIVE, SHARE, (1.0, f64::INFINITY)];
        std::array::from_fn(|k| self.entry(field, Some(k), units[k], bounds[k], value[k]))
    }
    /// The first `count` friction coefficients: of three the first is sliding, of five the first two.
    fn friction<R: Real, const N: usize>(
        &mut self,
        field: &'static str,
        count: usize,
        value: [f64; N],
    ) -> [R; N]
    where
        S: Source<R>,
    {
        let unit = |k: usize| if k < N / 2 { "–" } else { "m" };
        let mut out = value.map(R::from_f64);
        for (k, out) in out.iter_mut().enumerate().take(count) {
            *out = self.entry(field, Some(k), unit(k), NOT_NEGATIVE, value[k]);
        }
        out
    }
}

/// The limit of a joint, if it acts.
pub(super) fn joint_limit<R: Real, S: Source<R>>(
    read: &mut Reader<'_, '_, S>,
    flags: &file::Flags,
    j: &file::Joint,
) -> Option<Limit<R>> {
    let range = j.range.filter(|_| flags.limits())?;
    let unit = if j.kind == JointKind::Slide { "m" } else { "rad" };
    let range = match j.kind {
        // A ball joint is limited by its angle alone.
        JointKind::Ball => [R::zero(), read.entry("range", Some(1), unit, NOT_NEGATIVE, range[1])],
        _ => read.array("range", unit, ANY, range),
    };
    Some(Limit {
        range,
        margin: read.number("margin", unit, ANY, j.margin),
        solref: read.solref("solreflimit", j.solref_limit),
        solimp: read.solimp("solimplimit", unit, j.solimp_limit),
    })
}

/// The limit of a tendon, if it acts.
pub(super) fn tendon_limit<R: Real, S: Source<R>>(
    read: &mut Reader<'_, '_, S>,
    flags: &file::Flags,
    t: &file::Tendon,
) -> Option<Limit<R>> {
    let range = t.range.filter(|_| flags.limits())?;
    Some(Limit {
        range: read.array("range", "m", ANY, range),
        margin: read.number("margin", "m", ANY, t.margin),
        solref: read.solref("solreflimit", t.solref_limit),
        solimp: read.solimp("solimplimit", "m", t.solimp_limit),
    })
}

/// Dry friction, if it acts.
pub(super) fn friction_loss<R: Real, S: Source<R>>(
    read: &mut Reader<'_, '_, S>,
    flags: &file::Flags,
    (force, unit): (f64, &'static str),
    (solref, solimp): ([f64; 2], [f64; 5]),
) -> Option<FrictionLoss<R>> {
    if force <= 0.0 || !flags.friction_losses() {
        return None;
    }
    let force = read.number("frictionloss", unit, NOT_NEGATIVE, force);
    // Friction has no place: of its reference only the damping counts, of its impedance the two ends.
    let damping = usize::from(solref.iter().all(|x| *x <= 0.0));
    let mut reference = solref.map(R::from_f64);
    reference[damping] = read.solref_entry("solreffriction", damping, solref);
    let mut impedance = solimp.map(R::from_f64);
    for (k, own) in impedance.iter_mut().enumerate().take(2) {
        *own = read.entry("solimpfriction", Some(k), "–", SHARE, solimp[k]);
    }
    Some(FrictionLoss { force, solref: reference, solimp: impedance })
}

/// What of a geom's contact numbers matters.
#[derive(Clone, Copy, Default)]
pub(super) struct Relevance {
    /// Whether it touches anything.
    pub touches: bool,
    /// How many of its three friction coefficients.
    friction: usize,
    /// Its reference and impedance.
    solver: bool,
    /// Its weight.
    solmix: bool,
    margin: bool,
}

/// What matters of each geom. In a model with too many candidates for a list, everything that may.
pub(super) fn relevance(t: &Topology) -> Vec<Relevance> {
    let mut out = vec![Relevance::default(); t.geoms.len()];
    let Some(candidates) = &t.candidates else {
        let all = Relevance { touches: true, friction: 3, solver: true, solmix: true, margin: true };
        return vec![all; t.geoms.len()];
    };
    for c in candidates {
        let [a, b] = c.geoms.map(|g| t.geoms[g].priority);
        for (g, decides) in c.geoms.into_iter().zip([a >= b, b >= a]) {
            let own = &mut out[g];
            own.touches = true;
            if c.pair.is_some() || t.flags.override_contacts {
                continue;
            }
            own.margin = true;
            if decides {
                own.solver = true;
                own.solmix |= a == b;
                own.friction = own.friction.max(sliding_spinning_rolling(c.condim));
            }
        }
    }
    out
}

/// How many kinds of friction a contact has.
fn sliding_spinning_rolling(condim: usize) -> usize {
    match condim {
        0..3 => 0,
        3 => 1,
        4 => 2,
        _ => 3,
    }
}

/// Reads the contact numbers of a geom.
pub(super) fn surface<R: Real, S: Source<R>>(
    read: &mut Reader<'_, '_, S>,
    relevance: Relevance,
    c: &file::ContactProperties,
    out: &mut Geom<R>,
) {
    if relevance.friction > 0 {
        out.friction = read.friction("friction", relevance.friction, c.friction);
    }
    if relevance.solmix {
        out.solmix = read.number("solmix", "–", NOT_NEGATIVE, c.solmix);
    }
    if relevance.solver {
        out.solref = read.solref("solref", c.solref);
        out.solimp = read.solimp("solimp", "m", c.solimp);
    }
    if relevance.margin {
        out.margin = read.number("margin", "m", ANY, c.margin);
    }
}

/// What replaces the numbers of every contact.
pub(super) fn overriding<R: Real, S: Source<R>>(
    read: &mut Reader<'_, '_, S>,
    t: &Topology,
    o: &file::Options,
) -> Option<Override<R>> {
    let touching = t.candidates.as_ref().is_none_or(|c| !c.is_empty());
    if !o.flags.override_contacts || !touching {
        return None;
    }
    let friction = t.candidates.iter().flatten().map(|c| c.condim - 1).max().unwrap_or(5);
    Some(Override {
        margin: read.number("o_margin", "m", ANY, o.override_margin),
        solref: read.solref("o_solref", o.override_solref),
        solimp: read.solimp("o_solimp", "m", o.override_solimp),
        friction: read.friction("o_friction", friction, o.override_friction),
    })
}

/// An explicit pair; if it never touches, or all contacts are overridden, none of its numbers matter.
pub(super) fn pair<R: Real, S: Source<R>>(t: &Topology, k: usize, p: &file::Pair, source: &mut S) -> Pair<R> {
    let mut pair = Pair {
        friction: p.friction.map(R::from_f64),
        solref: p.solref.map(R::from_f64),
        solref_friction: p.solref_friction.map(R::from_f64),
        solimp: p.solimp.map(R::from_f64),
        margin: R::from_f64(p.margin),
        gap: R::from_f64(p.gap),
    };
    let Some(candidate) = t.explicit_candidates().find(|c| c.pair == Some(k)) else { return pair };
    if t.flags.override_contacts {
        return pair;
    }
    let mut read = Reader { source, kind: "pair", element: Some((&p.name, k)) };
    pair.friction = read.friction("friction", candidate.condim - 1, p.friction);
    pair.solref = read.solref("solref", p.solref);
    // Friction follows the reference of the normal unless the file states another one, and only on
    // elliptic cones.
    if t.elliptic && candidate.condim > 1 && p.solref_friction != [0.0; 2] {
        pair.solref_friction = read.solref("solreffriction", p.solref_friction);
    }
    pair.solimp = read.solimp("solimp", "m", p.solimp);
    pair.margin = read.number("margin", "m", ANY, p.margin);
    pair
}

/// An equality; a frame that is found at the reference configuration waits for `physics::derive`.
pub(super) fn equality<R: Real, S: Source<R>>(
    t: &Topology,
    k: usize,
    e: &file::Equality,
    sites: &[Site<R>],
    source: &mut S,
) -> Equality<R> {
    let element = Some((&e.name, k));
    if t.equalities[k].active {
        tie(&mut Reader { source, kind: "equality", element }, e, sites)
    } else {
        tie(&mut Reader { source: &mut Listing::default(), kind: "equality", element }, e, sites)
    }
}

fn tie<R: Real, S: Source<R>>(
    read: &mut Reader<'_, '_, S>,
    e: &file::Equality,
    sites: &[Site<R>],
) -> Equality<R> {
    let mut frames = [Pose::identity(); 2];
    let mut torque_scale = R::one();
    let mut polynomial = [R::zero(); 5];
    let frame = |s: usize| Pose { position: sites[s].position, rotation: sites[s].rotation };
    match e.kind {
        EqualityKind::Connect { anchor, .. } => {
            frames[0].position = Vec3::from(read.array("anchor", "m", ANY, anchor));
        }
        EqualityKind::Weld { anchor, relative_pose, torque_scale: scale, .. } => {
            frames[1].position = Vec3::from(read.array("anchor", "m", ANY, anchor));
            if let Some([x, y, z, q @ ..]) = relative_pose {
                let placement = file::Placement {
                    frame: None,
                    position: [x, y, z],
                    rotation: Quat::from(q).normalized().to_array(),
                };
                frames[0] = read.pose("relpos", "relrotation", &placement);
            }
            torque_scale = read.number("torquescale", "m", ANY, scale);
        }
        EqualityKind::ConnectSites { sites: (a, b) } => frames = [frame(a), frame(b)],
        EqualityKind::WeldSites { sites: (a, b), torque_scale: scale } => {
            frames = [frame(a), frame(b)];
            torque_scale = read.number("torquescale", "m", ANY, scale);
        }
        EqualityKind::Joint { joints: (_, second), polynomial: p }
        | EqualityKind::Tendon { tendons: (_, second), polynomial: p } => {
            polynomial = p.map(R::from_f64);
            // Without a second one only the constant counts.
            let count = if second.is_some() { 5 } else { 1 };
            for (k, own) in polynomial.iter_mut().enumerate().take(count) {
                *own = read.entry("polycoef", Some(k), "–", ANY, p[k]);
            }
        }
    }
    Equality {
        solref: read.solref("solref", e.solref),
        solimp: read.solimp("solimp", "m", e.solimp),
        frames,
        torque_scale,
        polynomial,
    }
}
