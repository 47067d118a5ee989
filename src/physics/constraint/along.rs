//! Constraints along a joint or a tendon: dry friction, limits, and polynomials that tie two of them.

use super::impedance::{Answer, Firm, reference};
use super::law::Law;
use super::rows::{Block, End, Origin, Rows};
use super::{Cut, Pull, safe_step};
use crate::model::description::JointKind;
use crate::model::{Limit, Model, State, Tie};
use crate::number::{Mask, Real};
use crate::physics::articulated::{Links, tendon};
use crate::spatial::{Vec3, so3_log_jacobian};

/// What has a position and a velocity along it.
#[derive(Clone, Copy, Debug)]
enum Along {
    /// A slide or hinge.
    Joint(usize),
    /// A tendon.
    Tendon(usize),
}

impl Along {
    fn position<R: Real>(self, model: &Model<R>, state: &State<R>, links: &Links<R>) -> R {
        match self {
            Self::Joint(j) => state.q[model.topology.joints[j].q],
            Self::Tendon(t) => tendon::length(model, state, links, t),
        }
    }
    /// The position from which a tie measures.
    fn reference<R: Real>(self, model: &Model<R>) -> R {
        match self {
            Self::Joint(j) => model.joints[j].reference,
            Self::Tendon(t) => model.constants.tendon_length[t],
        }
    }
    fn inverse_weight<R: Real>(self, model: &Model<R>) -> R {
        match self {
            Self::Joint(j) => model.constants.dof_invweight[model.topology.joints[j].v],
            Self::Tendon(t) => model.constants.tendon_invweight[t],
        }
    }
    fn add_inverse_weight<R: Real>(self, model: &Model<R>, w: R, out: &mut Model<R>) {
        match self {
            Self::Joint(j) => out.constants.dof_invweight[model.topology.joints[j].v] += w,
            Self::Tendon(t) => out.constants.tendon_invweight[t] += w,
        }
    }
    /// Adds `scale` times the derivative by every dof to a dense row.
    fn add_row<R: Real>(
        self,
        model: &Model<R>,
        links: &Links<R>,
        scale: R,
        row: &mut [R],
        scratch: &mut [R],
    ) {
        match self {
            Self::Joint(j) => row[model.topology.joints[j].v] += scale,
            Self::Tendon(t) => {
                tendon::row(model, links, t, scratch);
                for (row, x) in row.iter_mut().zip(scratch) {
                    *row += scale * *x;
                }
            }
        }
    }
    /// The velocity along it in field `k`.
    fn rate<R: Real>(self, p: &Pull<'_, R>, k: usize) -> R {
        match self {
            Self::Joint(j) => p.fields[k].y[p.model.topology.joints[j].v],
            Self::Tendon(t) => {
                let field = &p.fields[k];
                tendon::rate(p.model, p.links, t, &field.y, |b| field.bodies[b])
            }
        }
    }
    /// The pullback of position and of the rates in all three fields.
    fn pullback<R: Real>(self, p: &mut Pull<'_, R>, position: R, [a, b, c]: [R; 3]) {
        match self {
            Self::Joint(j) => {
                let v = p.model.topology.joints[j].v;
                p.out.q[v] += position;
                p.fields[2].y_cotangent[v] += c;
            }
            Self::Tendon(t) => {
                let (mut pulling, [weight, acceleration, velocity]) = p.pulling();
                let rates = &mut [(weight, a), (acceleration, b), (velocity, c)];
                tendon::pullback(&mut pulling, t, position, rates);
            }
        }
    }
}

/// Pushes a dense row without its zeros, and returns its block.
fn push_row<R: Real>(rows: &mut Rows<R>, origin: Origin, law: Law<R>, row: &[R]) -> Block<R> {
    let present = || row.iter().enumerate().filter(|(_, x)| !x.is_zero().all());
    let block = rows.push(origin, law, 1, present().map(|(i, _)| i));
    for (value, (_, x)) in rows.values[block.values()].iter_mut().zip(present()) {
        *value = *x;
    }
    block
}

/// Dense rows that are written before they are pushed.
pub type Scratch<'a, R> = [&'a mut [R]; 2];

/// Adds the rows of dry friction.
pub fn push_losses<R: Real>(
    model: &Model<R>,
    links: &Links<R>,
    rows: &mut Rows<R>,
    [row, scratch]: Scratch<'_, R>,
) {
    if !model.topology.flags.frictionloss {
        return;
    }
    for (i, dof) in model.topology.dofs.iter().enumerate() {
        if let Some(loss) = &model.joints[dof.joint].friction_loss {
            let law = Law::Friction {
                weight: loss_firm(model, Origin::DofLoss(i)).answer().weight,
                loss: loss.force,
            };
            let block = rows.push(Origin::DofLoss(i), law, 1, [i]);
            rows.values[block.value] = R::one();
        }
    }
    for t in 0..model.tendons.len() {
        if let Some(loss) = &model.tendons[t].friction_loss {
            let origin = Origin::TendonLoss(t);
            let law = Law::Friction { weight: loss_firm(model, origin).answer().weight, loss: loss.force };
            row.fill(R::zero());
            Along::Tendon(t).add_row(model, links, R::one(), row, scratch);
            push_row(rows, origin, law, row);
        }
    }
}

fn loss_firm<R: Real>(model: &Model<R>, origin: Origin) -> Firm<'_, R> {
    let (loss, diagonal) = match origin {
        Origin::DofLoss(i) => {
            (&model.joints[model.topology.dofs[i].joint].friction_loss, model.constants.dof_invweight[i])
        }
        Origin::TendonLoss(t) => (&model.tendons[t].friction_loss, model.constants.tendon_invweight[t]),
        _ => (&None, R::one()),
    };
    let loss = loss.as_ref().expect("a row of friction comes from a friction loss");
    Firm {
        solref: &loss.solref,
        solimp: &loss.solimp,
        violation: R::zero(),
        diagonal,
        timestep: safe_step(model),
    }
}

/// `a_ref = −B J v` of dry friction.
pub fn refer_loss<R: Real>(model: &Model<R>, origin: Origin, velocity: R) -> R {
    -(loss_firm(model, origin).answer().damping * velocity)
}

/// The pullback of a row of dry friction.
pub(super) fn loss_pullback<R: Real>(p: &mut Pull<'_, R>, origin: Origin, cut: &Cut<'_, R>) {
    let model = p.model;
    let firm = loss_firm(model, origin);
    let [_, damping] = reference(firm.solref, firm.solimp[1], firm.timestep);
    let y = cut.y[0];
    let zero = R::zero();
    match origin {
        Origin::DofLoss(i) => p.fields[2].y_cotangent[i] -= damping * y,
        Origin::TendonLoss(t) => Along::Tendon(t).pullback(p, zero, [cut.f[0], -y, -(damping * y)]),
        _ => {}
    }
    if !p.cotangent.parameters {
        return;
    }
    let share = firm.pullback(&Answer {
        weight: cut.law.log_weight,
        impedance: zero,
        stiffness: zero,
        damping: -(y * cut.velocity[0]),
    });
    p.out_model.option.timestep += share.timestep;
    let own = match origin {
        Origin::DofLoss(i) => {
            p.out_model.constants.dof_invweight[i] += share.diagonal;
            &mut p.out_model.joints[model.topology.dofs[i].joint].friction_loss
        }
        Origin::TendonLoss(t) => {
            p.out_model.constants.tendon_invweight[t] += share.diagonal;
            &mut p.out_model.tendons[t].friction_loss
        }
        _ => return,
    };
    if let Some(own) = own {
        own.force += cut.law.loss;
        add(&mut own.solref, share.solref);
        add(&mut own.solimp, share.solimp);
    }
}

pub(super) fn add<R: Real, const N: usize>(own: &mut [R; N], w: [R; N]) {
    own.iter_mut().zip(w).for_each(|(own, w)| *own += w);
}

/// How far inside its limit something is: `q − lo` or `hi − q`; of a ball joint the angle counts, and the
/// direction in which it falls is returned too.
fn inside<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    links: &Links<R>,
    origin: Origin,
    limit: &Limit<R>,
) -> (R, Option<Vec3<R>>) {
    let (along, end) = match origin {
        Origin::JointLimit(j, end) => {
            let at = &model.topology.joints[j];
            if at.kind == JointKind::Ball {
                let (angle, axis) = turn(state, at.q);
                return (limit.range[1] - angle, Some(axis));
            }
            (Along::Joint(j), end)
        }
        Origin::TendonLimit(t, end) => (Along::Tendon(t), end),
        _ => return (R::zero(), None),
    };
    let x = along.position(model, state, links);
    (if end == End::Lower { x - limit.range[0] } else { limit.range[1] - x }, None)
}

/// Angle and axis of a ball joint.
fn turn<R: Real>(state: &State<R>, q: usize) -> (R, Vec3<R>) {
    let w = state.quat(q).normalized().log();
    let square = w.dot(w);
    let turned = square.gt(R::from_f64(1e-30));
    let angle = R::select(turned, square, R::one()).sqrt();
    (R::select(turned, angle, R::zero()), Vec3::select(turned, w * angle.recip(), Vec3::unit(2)))
}

fn limit_of<R>(model: &Model<R>, origin: Origin) -> Option<&Limit<R>> {
    match origin {
        Origin::JointLimit(j, _) => model.joints[j].limit.as_ref(),
        Origin::TendonLimit(t, _) => model.tendons[t].limit.as_ref(),
        _ => None,
    }
}

fn limit_firm<'a, R: Real>(model: &Model<R>, origin: Origin, limit: &'a Limit<R>, inside: R) -> Firm<'a, R> {
    let diagonal = match origin {
        Origin::TendonLimit(t, _) => model.constants.tendon_invweight[t],
        Origin::JointLimit(j, _) => model.constants.dof_invweight[model.topology.joints[j].v],
        _ => R::one(),
    };
    Firm {
        solref: &limit.solref,
        solimp: &limit.solimp,
        violation: inside - limit.margin,
        diagonal,
        timestep: safe_step(model),
    }
}

/// Adds the rows of limits that are reached.
pub fn push_limits<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    links: &Links<R>,
    rows: &mut Rows<R>,
    [row, scratch]: Scratch<'_, R>,
) {
    if !model.topology.flags.limit {
        return;
    }
    // Most joints are far from their ends.
    let joints = (0..model.joints.len()).filter(|&j| {
        model.joints[j].limit.as_ref().is_some_and(|limit| {
            let at = &model.topology.joints[j];
            let x = state.q[at.q];
            let near = (x - limit.range[0]).min(limit.range[1] - x).lt(limit.margin);
            at.kind == JointKind::Ball || near.any()
        })
    });
    let tendons = (0..model.tendons.len()).filter(|&t| model.tendons[t].limit.is_some());
    let both = [End::Lower, End::Upper];
    let origins = joints
        .flat_map(|j| both.map(|end| Origin::JointLimit(j, end)))
        .chain(tendons.flat_map(|t| both.map(|end| Origin::TendonLimit(t, end))));
    for origin in origins {
        let Some(limit) = limit_of(model, origin) else { continue };
        let ball =
            matches!(origin, Origin::JointLimit(j, _) if model.topology.joints[j].kind == JointKind::Ball);
        if ball && matches!(origin, Origin::JointLimit(_, End::Lower)) {
            continue;
        }
        let (room, axis) = inside(model, state, links, origin, limit);
        let reached = room.lt(limit.margin);
        if !reached.any() {
            continue;
        }
        let weight = limit_firm(model, origin, limit, room).answer().weight;
        let law = Law::OneSided { weight: R::select(reached, weight, R::zero()) };
        match (origin, axis) {
            (Origin::JointLimit(j, _), Some(axis)) => {
                let v = model.topology.joints[j].v;
                let block = rows.push(origin, law, 1, v..v + 3);
                rows.values[block.values()].copy_from_slice(&(-axis).to_array());
            }
            (Origin::JointLimit(j, end), None) => {
                let block = rows.push(origin, law, 1, [model.topology.joints[j].v]);
                rows.values[block.value] = R::from_f64(sign(end));
            }
            (Origin::TendonLimit(t, end), _) => {
                row.fill(R::zero());
                Along::Tendon(t).add_row(model, links, R::from_f64(sign(end)), row, scratch);
                push_row(rows, origin, law, row);
            }
            _ => {}
        }
    }
}

/// Of the row: a lower limit pushes up.
pub(super) fn sign(end: End) -> f64 {
    if end == End::Lower { 1.0 } else { -1.0 }
}

/// `x` of a limit: how far inside it is, beyond its margin.
pub fn violation<R: Real>(model: &Model<R>, state: &State<R>, links: &Links<R>, origin: Origin) -> R {
    limit_of(model, origin).map_or(R::zero(), |l| inside(model, state, links, origin, l).0 - l.margin)
}

/// `a_ref = −B J v − K I x` of a limit.
pub fn refer_limit<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    links: &Links<R>,
    origin: Origin,
    velocity: R,
) -> R {
    let Some(limit) = limit_of(model, origin) else { return R::zero() };
    let firm = limit_firm(model, origin, limit, inside(model, state, links, origin, limit).0);
    let a = firm.answer();
    -(a.damping * velocity) - a.stiffness * a.impedance * firm.violation
}

/// The cotangents of [`Answer`] and of the violation for `y · a_ref` of one row along `−B J v − K I x`.
pub(super) fn reference_cotangents<R: Real>(a: &Answer<R>, x: R, cut: &Cut<'_, R>) -> (Answer<R>, R) {
    let y = cut.y[0];
    let answer = Answer {
        weight: cut.law.log_weight,
        impedance: -(y * a.stiffness * x),
        stiffness: -(y * a.impedance * x),
        damping: -(y * cut.velocity[0]),
    };
    (answer, -(y * a.stiffness * a.impedance))
}

/// The pullback of a limit's row.
pub(super) fn limit_pullback<R: Real>(p: &mut Pull<'_, R>, origin: Origin, cut: &Cut<'_, R>) {
    let (model, state) = (p.model, p.state);
    let Some(limit) = limit_of(model, origin) else { return };
    let (room, axis) = inside(model, state, p.links, origin, limit);
    let firm = limit_firm(model, origin, limit, room);
    let a = firm.answer();
    let (w, by_x) = reference_cotangents(&a, firm.violation, cut);
    let share = firm.pullback(&w);
    p.out_model.option.timestep += share.timestep;
    let [by_violation, by_speed] = cut.limit;
    let by_room = by_x + share.violation + by_violation;
    let rates = [cut.f[0], -cut.y[0], by_speed - a.damping * cut.y[0]];
    let (own, end) = match origin {
        Origin::JointLimit(j, end) => {
            let v = model.topology.joints[j].v;
            match axis {
                Some(axis) => ball_pullback(p, j, axis, by_room, rates),
                None => {
                    Along::Joint(j).pullback(p, by_room.times(sign(end)), rates.map(|x| x.times(sign(end))))
                }
            }
            p.out_model.constants.dof_invweight[v] += share.diagonal;
            (&mut p.out_model.joints[j].limit, end)
        }
        Origin::TendonLimit(t, end) => {
            Along::Tendon(t).pullback(p, by_room.times(sign(end)), rates.map(|x| x.times(sign(end))));
            p.out_model.constants.tendon_invweight[t] += share.diagonal;
            (&mut p.out_model.tendons[t].limit, end)
        }
        _ => return,
    };
    if let Some(own) = own {
        own.range[usize::from(end == End::Upper)] -= by_room.times(sign(end));
        own.margin -= by_room;
        add(&mut own.solref, share.solref);
        add(&mut own.solimp, share.solimp);
    }
}

/// The limit of a ball joint: `x = hi − |w|`, `J = −axis`, `axis = w/|w|`, `w = log q`.
fn ball_pullback<R: Real>(p: &mut Pull<'_, R>, j: usize, axis: Vec3<R>, by_room: R, rates: [R; 3]) {
    let at = &p.model.topology.joints[j];
    let mut by_axis = Vec3::zero();
    for (k, rate) in rates.into_iter().enumerate() {
        let y = &p.fields[k].y;
        by_axis -= Vec3::new(y[at.v], y[at.v + 1], y[at.v + 2]) * rate;
    }
    for (k, x) in axis.to_array().into_iter().enumerate() {
        p.fields[2].y_cotangent[at.v + k] -= x * rates[2];
    }
    let w = p.state.quat(at.q).normalized().log();
    let (angle, _) = turn(p.state, at.q);
    let turned = angle.gt(R::zero());
    let inverse = R::select(turned, R::one(), R::zero()) / R::select(turned, angle, R::one());
    let by_w = (by_axis - axis * axis.dot(by_axis)) * inverse - axis * by_room;
    for (k, x) in so3_log_jacobian(w).transpose_mul(by_w).to_array().into_iter().enumerate() {
        p.out.q[at.v + k] += x;
    }
}

/// What a tie of joints or tendons is about: `x − P(y)`, both from their references.
struct Polynomial<R> {
    first: Along,
    second: Option<Along>,
    x: R,
    /// `P'(y)`, `P''(y)` and the powers of `y`.
    slope: R,
    bend: R,
    powers: [R; 5],
}

fn polynomial<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    links: &Links<R>,
    k: usize,
) -> Option<Polynomial<R>> {
    let (first, second) = match model.topology.equalities[k].tie {
        Tie::Joints(a, b) => (Along::Joint(a), b.map(Along::Joint)),
        Tie::Tendons(a, b) => (Along::Tendon(a), b.map(Along::Tendon)),
        _ => return None,
    };
    let moved = |a: Along| a.position(model, state, links) - a.reference(model);
    let y = second.map_or(R::zero(), moved);
    let c = &model.equalities[k].polynomial;
    let mut powers = [R::one(); 5];
    for n in 1..5 {
        powers[n] = powers[n - 1] * y;
    }
    let sum = |from: usize, f: &dyn Fn(usize) -> R| (from..5).fold(R::zero(), |sum, n| sum + f(n));
    Some(Polynomial {
        first,
        second,
        x: moved(first) - sum(0, &|n| c[n] * powers[n]),
        slope: sum(1, &|n| (c[n] * powers[n - 1]).times(n as f64)),
        bend: sum(2, &|n| (c[n] * powers[n - 2]).times((n * (n - 1)) as f64)),
        powers,
    })
}

fn tie_firm<'a, R: Real>(model: &'a Model<R>, k: usize, tie: &Polynomial<R>) -> Firm<'a, R> {
    let e = &model.equalities[k];
    let second = tie.second.map_or(R::zero(), |a| a.inverse_weight(model));
    Firm {
        solref: &e.solref,
        solimp: &e.solimp,
        violation: tie.x,
        diagonal: tie.first.inverse_weight(model) + second,
        timestep: safe_step(model),
    }
}

/// The tendons of a tie, with their share of its row.
pub fn tied_tendons<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    links: &Links<R>,
    k: usize,
) -> [Option<(usize, R)>; 2] {
    let Some(tie) = polynomial(model, state, links, k) else { return [None, None] };
    let of = |along: Option<Along>, share: R| match along {
        Some(Along::Tendon(t)) => Some((t, share)),
        _ => None,
    };
    [of(Some(tie.first), R::one()), of(tie.second, -tie.slope)]
}

/// Adds the row of a tie of joints or tendons, with its reference but for `J v`.
pub fn push_tie<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    links: &Links<R>,
    k: usize,
    rows: &mut Rows<R>,
    [row, scratch]: Scratch<'_, R>,
) {
    let Some(tie) = polynomial(model, state, links, k) else { return };
    let law = Law::Quadratic { weight: tie_firm(model, k, &tie).answer().weight };
    row.fill(R::zero());
    tie.first.add_row(model, links, R::one(), row, scratch);
    if let Some(second) = tie.second {
        second.add_row(model, links, -tie.slope, row, scratch);
    }
    push_row(rows, Origin::Equality(k), law, row);
}

/// `a_ref = −B J v − K I x` of a tie.
pub fn refer_tie<R: Real>(model: &Model<R>, state: &State<R>, links: &Links<R>, k: usize, velocity: R) -> R {
    let Some(tie) = polynomial(model, state, links, k) else { return R::zero() };
    let a = tie_firm(model, k, &tie).answer();
    -(a.damping * velocity) - a.stiffness * a.impedance * tie.x
}

/// The pullback of the row of a tie.
pub(super) fn tie_pullback<R: Real>(p: &mut Pull<'_, R>, k: usize, cut: &Cut<'_, R>) {
    let model = p.model;
    let Some(tie) = polynomial(model, p.state, p.links, k) else { return };
    let firm = tie_firm(model, k, &tie);
    let a = firm.answer();
    let (w, by_x) = reference_cotangents(&a, tie.x, cut);
    let share = firm.pullback(&w);
    let by_x = by_x + share.violation;
    let rates = [cut.f[0], -cut.y[0], -(a.damping * cut.y[0])];
    p.out_model.option.timestep += share.timestep;
    tie.first.add_inverse_weight(model, share.diagonal, p.out_model);
    let mut by_slope = R::zero();
    let by_reference = |along: Along, w: R, out: &mut Model<R>| match along {
        Along::Joint(j) => out.joints[j].reference -= w,
        Along::Tendon(t) => out.constants.tendon_length[t] -= w,
    };
    tie.first.pullback(p, by_x, rates);
    by_reference(tie.first, by_x, p.out_model);
    if let Some(second) = tie.second {
        for (n, rate) in rates.into_iter().enumerate() {
            by_slope -= second.rate(p, n) * rate;
        }
        let by_y = by_slope * tie.bend - by_x * tie.slope;
        second.add_inverse_weight(model, share.diagonal, p.out_model);
        second.pullback(p, by_y, rates.map(|x| -(x * tie.slope)));
        by_reference(second, by_y, p.out_model);
    }
    let own = &mut p.out_model.equalities[k];
    for n in 0..5 {
        own.polynomial[n] -= by_x * tie.powers[n];
        if n > 0 {
            own.polynomial[n] += (by_slope * tie.powers[n - 1]).times(n as f64);
        }
    }
    add(&mut own.solref, share.solref);
    add(&mut own.solimp, share.solimp);
}
