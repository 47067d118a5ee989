//! How stiff a constraint is: MuJoCo's `solref` and `solimp` (MuJoCo's documentation, "Solver
//! parameters").

use crate::number::{Mask, Real};

/// Bounds of an impedance.
const RANGE: [f64; 2] = [1e-4, 0.9999];
/// What a denominator is at least.
const LEAST: f64 = 1e-15;

/// Where a violation `x` lies on the curve of an impedance.
struct Curve<R: Real> {
    /// `d₀`, `d_width` and the midpoint, in their bounds, and the power.
    ends: [R; 2],
    power: R,
    width: R,
    /// `|x| / width`, in `(0, 1)` where the curve counts.
    place: R,
    /// No curve: the mean of both ends.
    flat: R::Mask,
    /// Where the curve counts.
    inside: R::Mask,
    /// Below the midpoint.
    lower: R::Mask,
    /// How far from its own end the place is, over the same of the midpoint.
    part: [R; 2],
    /// `y = (place^p)/(middle^(p−1))` below, one minus the same from the other end above.
    height: R,
}

fn clamped<R: Real>(x: R) -> R {
    x.clamp(R::from_f64(RANGE[0]), R::from_f64(RANGE[1]))
}

fn curve<R: Real>(solimp: &[R; 5], x: R) -> Curve<R> {
    let [start, end, width, middle, power] = *solimp;
    let (ends, middle) = ([clamped(start), clamped(end)], clamped(middle));
    let power = power.max(R::one());
    let equal = ends[0].le(ends[1]) & ends[1].le(ends[0]);
    let flat = equal | width.le(R::from_f64(LEAST));
    let place = x.abs() / R::select(flat, R::one(), width);
    let inside = !flat & place.gt(R::zero()) & place.lt(R::one());
    let place = R::select(inside, place, R::from_f64(0.5));
    let lower = place.le(middle);
    let part = [R::select(lower, place, R::one() - place), R::select(lower, middle, R::one() - middle)];
    let height = part[1] * raised(part[0] / part[1], power);
    Curve { ends, power, width, place, flat, inside, lower, part, height }
}

/// `x^p`; a square, the usual power, needs no logarithm unless derivatives by the power are carried along.
fn raised<R: Real>(x: R, power: R) -> R {
    if R::ORDER > 0 {
        return x.pow(power);
    }
    let two = R::from_f64(2.0);
    let square = power.ge(two) & power.le(two);
    if square.all() { x.square() } else { R::select(square, x.square(), x.pow(power)) }
}

/// The impedance `I` at the violation `x` [m, rad], and its derivative by `x`.
pub fn impedance<R: Real>(solimp: &[R; 5], x: R) -> (R, R) {
    on(&curve(solimp, x), x)
}

/// The same on a curve that is known.
fn on<R: Real>(c: &Curve<R>, x: R) -> (R, R) {
    let [start, end] = c.ends;
    let y = R::select(c.lower, c.height, R::one() - c.height);
    let at_end = R::select(x.abs().gt(R::zero()), end, start);
    let edge = R::select(c.flat, (start + end).times(0.5), at_end);
    let slope = (end - start) * c.power * c.height / (c.part[0] * R::select(c.inside, c.width, R::one()));
    let sign = R::select(x.lt(R::zero()), -R::one(), R::one());
    let value = R::select(c.inside, start + y * (end - start), edge);
    (value, R::select(c.inside, slope * sign, R::zero()))
}

/// The pullback of the impedance: cotangents of `solimp` and of `x`.
pub fn impedance_pullback<R: Real>(solimp: &[R; 5], x: R, w: R) -> ([R; 5], R) {
    curve_pullback(&curve(solimp, x), solimp, x, w)
}

fn curve_pullback<R: Real>(c: &Curve<R>, solimp: &[R; 5], x: R, w: R) -> ([R; 5], R) {
    let zero = R::zero();
    let y = R::select(c.lower, c.height, R::one() - c.height);
    let half = R::from_f64(0.5);
    let touched = R::select(x.abs().gt(zero), R::one(), zero);
    let by_end = R::select(c.inside, y, R::select(c.flat, half, touched));
    let rise = R::select(c.inside, w * (c.ends[1] - c.ends[0]), zero);
    let by_place = rise * c.power * c.height / c.part[0];
    let sign = R::select(c.lower, R::one(), -R::one());
    let width = R::select(c.inside, c.width, R::one());
    let by_middle = -(rise * (c.power - R::one()) * c.height / c.part[1]);
    let by_power = sign * rise * c.height * (c.part[0] / c.part[1]).ln();
    let free = |x: R| x.ge(R::from_f64(RANGE[0])) & x.le(R::from_f64(RANGE[1]));
    let pass = |mask: R::Mask, x: R| R::select(mask, x, zero);
    let by_solimp = [
        pass(free(solimp[0]), w * (R::one() - by_end)),
        pass(free(solimp[1]), w * by_end),
        -(by_place * c.place / width),
        pass(free(solimp[3]), by_middle),
        pass(solimp[4].ge(R::one()), by_power),
    ];
    let sign_x = R::select(x.lt(zero), -R::one(), R::one());
    (by_solimp, by_place * sign_x / width)
}

/// Which form a reference has.
struct Form<R: Real> {
    /// A time constant and a damping ratio.
    standard: R::Mask,
    /// Stiffness and damping, with their signs reversed.
    direct: R::Mask,
    /// Time constant and ratio; those of a reference with mixed signs are 0.02 and 1.
    time: R,
    ratio: R,
    /// Whether the time constant is not raised to two steps.
    own_time: R::Mask,
}

fn form<R: Real>(solref: &[R; 2], timestep: Option<R>) -> Form<R> {
    let [s0, s1] = *solref;
    let standard = s0.gt(R::zero()) & s1.gt(R::zero());
    let direct = s0.le(R::zero()) & s1.le(R::zero());
    let time = R::select(standard, s0, R::from_f64(0.02));
    let ratio = R::select(standard, s1, R::one());
    let least = timestep.map_or(R::zero(), |h| h.times(2.0));
    Form { standard, direct, time: time.max(least), ratio, own_time: time.ge(least) }
}

/// Stiffness `K` [1/s²] and damping `B` [1/s] of a reference, for the impedance `d_width` at full width.
/// Of a stated `timestep` the time constant is at least twice as long (flag `refsafe`).
pub fn reference<R: Real>(solref: &[R; 2], end: R, timestep: Option<R>) -> [R; 2] {
    let f = form(solref, timestep);
    let end = clamped(end);
    let least = R::from_f64(LEAST);
    let stiffness = (end * f.time * f.ratio).square().max(least).recip();
    let damping = R::from_f64(2.0) / (end * f.time).max(least);
    [
        R::select(f.direct, -(solref[0] / end.square()), stiffness),
        R::select(f.direct, -(solref[1] / end), damping),
    ]
}

/// The pullback of [`reference`]: cotangents of `solref`, of `d_width` and of the time step.
pub fn reference_pullback<R: Real>(
    solref: &[R; 2],
    end: R,
    timestep: Option<R>,
    [k, b]: [R; 2],
) -> ([R; 2], R, R) {
    let f = form(solref, timestep);
    let zero = R::zero();
    let [stiffness, damping] = reference(solref, end, timestep);
    let in_range = end.ge(R::from_f64(RANGE[0])) & end.le(R::from_f64(RANGE[1]));
    let d = clamped(end);
    let (by_k, by_b) = (k * stiffness, b * damping);
    let by_time = -(by_k.times(2.0) + by_b) / f.time;
    let by_ratio = -by_k.times(2.0) / f.ratio;
    let pass = |mask: R::Mask, x: R| R::select(mask, x, zero);
    let by_solref = [
        R::select(f.direct, -(k / d.square()), pass(f.standard & f.own_time, by_time)),
        R::select(f.direct, -(b / d), pass(f.standard, by_ratio)),
    ];
    let by_end = pass(in_range, -(by_k.times(2.0) + by_b) / d);
    let by_step = pass(!f.direct & !f.own_time, by_time.times(2.0));
    (by_solref, by_end, if (!f.own_time).any() { by_step } else { zero })
}

/// What sets the size of a row's force.
#[derive(Clone, Copy, Debug)]
pub struct Firm<'a, R> {
    /// Reference.
    pub solref: &'a [R; 2],
    /// Impedance.
    pub solimp: &'a [R; 5],
    /// How far the constraint is violated, margin included [m, rad].
    pub violation: R,
    /// The approximate diagonal of `J M⁻¹ Jᵀ`.
    pub diagonal: R,
    /// The time step, if it bounds the time constant.
    pub timestep: Option<R>,
}

/// Numbers of a row: `a_ref = −B J v − K I x`, `D = 1/R`.
#[derive(Clone, Copy, Debug)]
pub struct Answer<R> {
    /// `D`.
    pub weight: R,
    /// `I`.
    pub impedance: R,
    /// `K`.
    pub stiffness: R,
    /// `B`.
    pub damping: R,
}

impl<R> Answer<R> {
    /// The same over another number.
    pub fn map<S>(self, f: impl Fn(R) -> S) -> Answer<S> {
        Answer {
            weight: f(self.weight),
            impedance: f(self.impedance),
            stiffness: f(self.stiffness),
            damping: f(self.damping),
        }
    }
}

/// Cotangents of what a [`Firm`] is made of.
#[derive(Clone, Copy, Debug)]
pub struct FirmCotangent<R> {
    /// Reference.
    pub solref: [R; 2],
    /// Impedance.
    pub solimp: [R; 5],
    /// See [`Firm`].
    pub violation: R,
    /// See [`Firm`].
    pub diagonal: R,
    /// See [`Firm`].
    pub timestep: R,
}

impl<R: Real> Firm<'_, R> {
    /// `R = max(1e-15, diagonal (1 − I)/I)`, `D = 1/R`.
    pub fn answer(&self) -> Answer<R> {
        let (impedance, _) = impedance(self.solimp, self.violation);
        let [stiffness, damping] = reference(self.solref, self.solimp[1], self.timestep);
        let regularization = (self.diagonal * (R::one() - impedance) / impedance).max(R::from_f64(LEAST));
        Answer { weight: regularization.recip(), impedance, stiffness, damping }
    }

    /// The pullback of [`answer`](Self::answer); `w` holds the cotangents, of `log D` in place of `D`.
    pub fn pullback(&self, w: &Answer<R>) -> FirmCotangent<R> {
        let curve = curve(self.solimp, self.violation);
        let (i, _) = on(&curve, self.violation);
        let free = (self.diagonal * (R::one() - i) / i).gt(R::from_f64(LEAST));
        let log = R::select(free, w.weight, R::zero());
        let by_impedance = w.impedance + log / (i * (R::one() - i));
        let (mut solimp, violation) = curve_pullback(&curve, self.solimp, self.violation, by_impedance);
        let (solref, end, timestep) =
            reference_pullback(self.solref, self.solimp[1], self.timestep, [w.stiffness, w.damping]);
        solimp[1] += end;
        let diagonal = -(log / R::select(free, self.diagonal, R::one()));
        FirmCotangent { solref, solimp, violation, diagonal, timestep }
    }
}
