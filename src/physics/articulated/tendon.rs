//! Tendons: lengths that are functions of the configuration, and the forces along them.

use super::Links;
use super::line::{self, Pulling};
use crate::model::{Model, State, TendonPath};
use crate::number::{Real, leaf_pullback};
use crate::spatial::{Force, Motion, Vec3};

/// The length of tendon `t` [m]: `Σ coef q`, or the sum of its pieces over their divisors.
pub fn length<R: Real>(model: &Model<R>, state: &State<R>, links: &Links<R>, t: usize) -> R {
    let weights = &model.tendons[t].weights;
    match &model.topology.tendons[t] {
        TendonPath::Fixed(terms) => {
            terms.iter().zip(weights).fold(R::zero(), |sum, (&(q, _), &w)| sum + w * state.q[q])
        }
        TendonPath::Spatial(pieces) => {
            pieces.iter().fold(R::zero(), |sum, p| sum + line::piece(model, links, p, weights[p.weight]).0)
        }
    }
}

/// The rate of tendon `t` for a joint velocity `y` with body velocities `field`.
pub fn rate<R: Real>(
    model: &Model<R>,
    links: &Links<R>,
    t: usize,
    y: &[R],
    field: impl Fn(usize) -> Motion<R>,
) -> R {
    let weights = &model.tendons[t].weights;
    match &model.topology.tendons[t] {
        TendonPath::Fixed(terms) => {
            terms.iter().zip(weights).fold(R::zero(), |sum, (&(_, v), &w)| sum + w * y[v])
        }
        TendonPath::Spatial(pieces) => pieces.iter().fold(R::zero(), |sum, p| {
            let (_, parts) = line::piece(model, links, p, weights[p.weight]);
            parts.iter().fold(sum, |sum, &(b, g)| sum + field(b).dot(g))
        }),
    }
}

/// Puts a force along tendon `t`: on the dofs of a fixed one, on the bodies of a spatial one.
pub fn apply<R: Real>(
    model: &Model<R>,
    links: &Links<R>,
    t: usize,
    force: R,
    tau: &mut [R],
    wrench: &mut [Force<R>],
) {
    let weights = &model.tendons[t].weights;
    match &model.topology.tendons[t] {
        TendonPath::Fixed(terms) => {
            for (&(_, v), &w) in terms.iter().zip(weights) {
                tau[v] += w * force;
            }
        }
        TendonPath::Spatial(pieces) => {
            for p in pieces {
                for (b, g) in line::piece(model, links, p, weights[p.weight]).1 {
                    wrench[b] += g * force;
                }
            }
        }
    }
}

/// Puts on the bodies what a spring along tendon `t` with this slope pulls with where a piece has no length, if it is
/// at rest: nothing, with a derivative.
pub(crate) fn apply_at_rest<R: Real>(
    model: &Model<R>,
    links: &Links<R>,
    t: usize,
    slope: R,
    wrench: &mut [Force<R>],
) {
    let TendonPath::Spatial(pieces) = &model.topology.tendons[t] else { return };
    for p in pieces {
        let numbers = (model.tendons[t].weights[p.weight], slope);
        for (b, pull) in line::pull_at_rest(model, links, p, numbers).into_iter().flatten() {
            wrench[b] += pull;
        }
    }
}

/// The pullback of [`apply_at_rest`] for the velocity field that its forces are multiplied with.
pub(crate) fn apply_at_rest_pullback<R: Real>(
    p: &mut Pulling<'_, R>,
    t: usize,
    slope: R,
    field: &line::Field<R>,
) {
    let TendonPath::Spatial(pieces) = &p.model.topology.tendons[t] else { return };
    for piece in pieces {
        let numbers = (p.model.tendons[t].weights[piece.weight], slope);
        line::pull_at_rest_pullback(p, piece, numbers, field);
    }
}

/// The pullback of [`length`] (cotangent `length`) and of [`rate`] in several fields at once.
pub fn pullback<R: Real>(p: &mut Pulling<'_, R>, t: usize, length: R, rates: &mut line::Rates<'_, R>) {
    let weights = &p.model.tendons[t].weights;
    match &p.model.topology.tendons[t] {
        TendonPath::Fixed(terms) => {
            for (k, (&(q, v), &w)) in terms.iter().zip(weights).enumerate() {
                // A fixed tendon runs over slides and hinges only.
                p.out.q[v] += w * length;
                let mut by_weight = p.state.q[q] * length;
                for (field, share) in rates.iter_mut() {
                    by_weight += field.y[v] * *share;
                    field.y_cotangent[v] += w * *share;
                }
                p.out_model.tendons[t].weights[k] += by_weight;
            }
        }
        TendonPath::Spatial(pieces) => {
            for piece in pieces {
                let share = line::piece_pullback(p, piece, weights[piece.weight], length, rates);
                p.out_model.tendons[t].weights[piece.weight] += share;
            }
        }
    }
}

/// `J_t`, dense (nv).
pub fn row<R: Real>(model: &Model<R>, links: &Links<R>, t: usize, out: &mut [R]) {
    out.fill(R::zero());
    let weights = &model.tendons[t].weights;
    match &model.topology.tendons[t] {
        TendonPath::Fixed(terms) => {
            for (&(_, v), &w) in terms.iter().zip(weights) {
                out[v] += w;
            }
        }
        TendonPath::Spatial(pieces) => {
            for p in pieces {
                for (b, g) in line::piece(model, links, p, weights[p.weight]).1 {
                    add_row(model, links, b, g, out);
                }
            }
        }
    }
}

/// Adds `S_i · G` for every dof that moves body `b`.
pub(super) fn add_row<R: Real>(model: &Model<R>, links: &Links<R>, b: usize, g: Force<R>, out: &mut [R]) {
    let mut next = model.topology.bodies[b].last_dof;
    while let Some(i) = next {
        out[i] += links.axes[i].motion.dot(g);
        next = model.topology.dofs[i].parent;
    }
}

/// Adds the entries of `α J_tᵀ J_t` inside the pattern, for every tendon with armature; `jacobian`
/// holds one dense row for each tendon.
pub(super) fn add_armature<R: Real>(model: &Model<R>, jacobian: &[R], rows: &mut [R]) {
    let pattern = &model.topology.pattern;
    for (tendon, j) in model.tendons.iter().zip(jacobian.chunks(model.topology.nv)) {
        for i in 0..model.topology.nv {
            let scaled = j[i] * tendon.armature;
            for k in pattern.row(i) {
                rows[k] += scaled * j[pattern.column[k]];
            }
        }
    }
}

/// `D y` of the entries inside the pattern of `J_tᵀ J_t`, as `J_i Σ_j J_j y_j` over related dofs: the
/// sums, without the leading factor.
pub(in crate::physics) fn related_sums<R: Real>(model: &Model<R>, row: &[R], y: &[R], out: &mut [R]) {
    let pattern = &model.topology.pattern;
    out.fill(R::zero());
    for i in 0..row.len() {
        let entries = pattern.row(i);
        for k in entries.start..entries.end - 1 {
            let j = pattern.column[k];
            out[i] += row[j] * y[j];
            out[j] += row[i] * y[i];
        }
        out[i] += row[i] * y[i];
    }
}

/// The pullback of `α (λᵀ J_tᵀ J_t a)` inside the pattern and of `α (J_t λ) J̇_t v`, the inertial
/// force of a tendon with armature; the second part only if it is `curved`. `field` and the sums (nv)
/// are scratch.
pub(in crate::physics) fn armature_pullback<R: Real>(
    p: &mut Pulling<'_, R>,
    t: usize,
    row: &[R],
    (a, weight): (&[R], &[R]),
    curved: bool,
    (field, [by_a, by_weight]): (&mut line::Field<R>, &mut [Vec<R>; 2]),
) {
    let model = p.model;
    let alpha = model.tendons[t].armature;
    let nv = model.topology.nv;
    related_sums(model, row, a, by_a);
    related_sums(model, row, weight, by_weight);
    let curve = if curved { rate_of_rate(model, p.links, t) } else { R::zero() };
    let along = (0..nv).fold(R::zero(), |sum, i| sum + row[i] * weight[i]);
    let share = (0..nv).fold(along * curve, |sum, i| sum + weight[i] * row[i] * by_a[i]);
    p.out_model.tendons[t].armature += share;
    if curved {
        // The curvature sees the acceleration for a = 0: take back what `a` would add to the axes.
        field.set(model, p.links, model.topology.acts_on_bodies(), |i| -a[i]);
        rate_of_rate_pullback(p, t, alpha * along, &mut field.cotangent);
        for (all, own) in p.cotangent.acceleration.iter_mut().zip(&field.cotangent) {
            *all += *own;
        }
        field.finish(model, p.links, p.cotangent);
    }
    // By J_t itself: the rate of the tendon for one more joint velocity.
    field.set(model, p.links, model.topology.acts_on_bodies(), |i| {
        alpha * (weight[i] * (by_a[i] + curve) + a[i] * by_weight[i])
    });
    let rates = &mut [(&mut *field, R::one())];
    pullback(p, t, R::zero(), rates);
    field.finish(model, p.links, p.cotangent);
}

/// `J̇_t v`: the second derivative of the length for `a = 0`.
///
/// The rate is `û · (ẋ₁ − ẋ₀) / divisor`; its own rate is the relative acceleration along the line
/// plus the square of the relative velocity across it over the length.
pub(in crate::physics) fn rate_of_rate<R: Real>(model: &Model<R>, links: &Links<R>, t: usize) -> R {
    let TendonPath::Spatial(pieces) = &model.topology.tendons[t] else { return R::zero() };
    pieces.iter().fold(R::zero(), |sum, p| {
        let sites = [p.from, p.to];
        let bodies = sites.map(|s| model.topology.sites[s]);
        if bodies[0] == bodies[1] {
            return sum;
        }
        let ends = [0, 1].map(|k| point_motion(model, links, bodies[k], sites[k]));
        let [d, v, a] = [0, 1, 2].map(|k| (ends[1][k] - ends[0][k]).to_array());
        let divisor = model.tendons[t].weights[p.weight];
        sum + curvature([d[0], d[1], d[2], v[0], v[1], v[2], a[0], a[1], a[2], divisor])
    })
}

/// The pullback of [`rate_of_rate`]; the bodies' accelerations get theirs in `acceleration`.
fn rate_of_rate_pullback<R: Real>(
    p: &mut Pulling<'_, R>,
    t: usize,
    weight: R,
    acceleration: &mut [Force<R>],
) {
    let (model, links) = (p.model, p.links);
    let (cotangent, out_model) = (&mut *p.cotangent, &mut *p.out_model);
    let TendonPath::Spatial(pieces) = &model.topology.tendons[t] else { return };
    for p in pieces {
        let sites = [p.from, p.to];
        let bodies = sites.map(|s| model.topology.sites[s]);
        if bodies[0] == bodies[1] {
            continue;
        }
        let divisor = model.tendons[t].weights[p.weight];
        let ends = [0, 1].map(|k| point_motion(model, links, bodies[k], sites[k]));
        let [d, v, a] = [0, 1, 2].map(|k| (ends[1][k] - ends[0][k]).to_array());
        let input = [d[0], d[1], d[2], v[0], v[1], v[2], a[0], a[1], a[2], divisor];
        let share = leaf_pullback(|x| [curvature(x)], input, [weight]);
        out_model.tendons[t].weights[p.weight] += share[9];
        for k in 0..2 {
            let sign = if k == 0 { -R::one() } else { R::one() };
            let by = |n: usize| Vec3::new(share[n], share[n + 1], share[n + 2]) * sign;
            let (by_place, by_velocity, by_acceleration) = (by(0), by(3), by(6));
            let link = &links.bodies[bodies[k]];
            let o = ends[k][0] - link.origin;
            let omega = link.velocity.angular;
            // a = A.at(o) + g + ω × v, v = V.at(o).
            let by_velocity_all = by_velocity + by_acceleration.cross(omega);
            acceleration[bodies[k]] += Force::at(o, by_acceleration);
            cotangent.velocity[bodies[k]] += Force::at(o, by_velocity_all);
            cotangent.velocity[bodies[k]].torque += ends[k][1].cross(by_acceleration);
            out_model.option.gravity += by_acceleration;
            let place =
                by_place + by_velocity_all.cross(omega) + by_acceleration.cross(link.acceleration.angular);
            cotangent.add_site(model, links, sites[k], place, Vec3::zero(), out_model);
        }
    }
}

/// Place, velocity and classical acceleration (for `a = 0`, without gravity) of a site.
fn point_motion<R: Real>(model: &Model<R>, links: &Links<R>, body: usize, site: usize) -> [Vec3<R>; 3] {
    let link = &links.bodies[body];
    let place = links.point(body, model.sites[site].position);
    let o = place - link.origin;
    let velocity = link.velocity.at(o);
    let acceleration = link.acceleration.at(o) + model.option.gravity + link.velocity.angular.cross(velocity);
    [place, velocity, acceleration]
}

/// `(û · a + |v⊥|²/|d|) / divisor` of relative place `d`, velocity `v` and acceleration `a`.
fn curvature<R: Real>(x: [R; 10]) -> R {
    let three = |k: usize| Vec3::new(x[k], x[k + 1], x[k + 2]);
    let (d, velocity, acceleration) = (three(0), three(3), three(6));
    let (d, apart) = line::way(d);
    let length = d.dot(d).sqrt();
    let u = d * length.recip();
    let across = velocity - u * u.dot(velocity);
    // Without a length the line turns at once and bends no more.
    let bend = R::select(apart, across.dot(across), R::zero()) / length;
    (u.dot(acceleration) + bend) / x[9]
}
