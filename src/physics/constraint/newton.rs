//! The minimum of the constrained problem, by Newton's method with an exact line search.

use super::hessian::Hessian;
use super::law::MOST;
use super::rows::Rows;
use crate::model::Pattern;
use crate::number::{Mask, Real};
use crate::physics::articulated::mass_matrix;

/// More steps than any problem that has been seen needs.
const MOST_STEPS: usize = 200;
/// Steps without a better balance after which a search has stalled, and after which it is at its last digits if
/// the balance is level.
const PATIENCE: [f64; 2] = [12.0, 2.0];
/// A balance, in shares of the largest force, beyond which it need not be weighed.
const FAR: f64 = 1e-3;
/// A balance of forces to the last digits, in rounding errors of the forces that cancel in it.
const BALANCED: f64 = 64.0;
/// The worst balance that still counts where steps change nothing but last digits, in square roots of rounding
/// errors: stiff rows keep no more digits. The last number is judged as `f64` is: its answers are rounded to that.
const LEVEL: f64 = 0.125;
/// Steps that no digit of `f64` shows, in its rounding errors.
const UNSEEN: f64 = 1e-6;
/// Steps that change nothing but last digits, in rounding errors of the largest acceleration.
const LAST_DIGITS: f64 = 1024.0;

/// Accelerations are compared with no smaller one than this: a world at rest has none of its own [m/s², rad/s²].
const REST: f64 = 1e-6;

/// What is given: inertia, force and constraints.
pub struct Problem<'a, P> {
    /// Of the tree.
    pub pattern: &'a Pattern,
    /// `M`, in its rows.
    pub mass: &'a [P],
    /// `f_s` (nv).
    pub smooth: &'a [P],
    /// `a_s = M⁻¹ f_s` (nv).
    pub free: &'a [P],
    /// The constraints.
    pub rows: &'a Rows<P>,
}

/// The solver and its scratch, allocated once.
///
/// `a = argmin ½ (a − a_s)ᵀ M (a − a_s) + s(J a − a_ref)` is unique: the method changes nothing but the
/// last bits.
#[derive(Clone, Debug)]
pub struct Newton<P: Real> {
    /// The minimum (nv).
    pub a: Vec<P>,
    /// Steps that were made in the slowest world.
    pub steps: usize,
    /// Where the minimum was found.
    pub found: P::Mask,
    /// `H` of the last step, factored.
    pub hessian: Hessian<P>,
    /// `r`, of each row.
    residual: Vec<P>,
    /// `f`, of each row.
    force: Vec<P>,
    /// What is out of balance, in shares of the forces that cancel: the worst degree of freedom.
    imbalance: P,
    /// The largest change of the last step, in shares of the largest acceleration.
    moved: P,
    /// `M a − f_s`.
    momentum: Vec<P>,
    /// The sum of all that cancels, by size.
    size: Vec<P>,
    gradient: Vec<P>,
    step: Vec<P>,
    momentum_step: Vec<P>,
    residual_step: Vec<P>,
}

fn dot<P: Real>(a: &[P], b: &[P]) -> P {
    a.iter().zip(b).fold(P::zero(), |sum, (a, b)| sum + *a * *b)
}

impl<P: Real<Plain = P>> Newton<P> {
    /// Room for the degrees of freedom of a pattern.
    pub fn new(pattern: &Pattern) -> Self {
        let zero = || vec![P::zero(); pattern.rows()];
        Self {
            a: zero(),
            steps: 0,
            found: P::zero().is_zero(),
            hessian: Hessian::new(pattern),
            residual: Vec::new(),
            force: Vec::new(),
            imbalance: P::zero(),
            moved: P::one(),
            momentum: zero(),
            size: zero(),
            gradient: zero(),
            step: zero(),
            momentum_step: zero(),
            residual_step: Vec::new(),
        }
    }

    /// Finds the minimum from `warm` or from `a_s`, whichever costs less.
    pub fn solve(&mut self, p: &Problem<'_, P>, warm: &[P]) {
        let count = p.rows.count();
        for list in [&mut self.residual, &mut self.force, &mut self.residual_step] {
            list.clear();
            list.resize(count, P::zero());
        }
        self.hessian.analyze(p.rows, false);
        self.start(p, warm);
        let mut done = self.balance(p);
        let (mut best, mut waited) = (self.imbalance, P::zero());
        self.steps = 0;
        self.moved = P::one();
        if done.all() {
            // How precise it is, only the factor tells.
            self.hessian.set(p.pattern, p.mass, p.rows, &self.residual);
            self.hessian.factor();
        }
        while !done.all() && self.steps < MOST_STEPS {
            self.steps += 1;
            self.hessian.set(p.pattern, p.mass, p.rows, &self.residual);
            self.hessian.factor();
            for (step, g) in self.step.iter_mut().zip(&self.gradient) {
                *step = P::select(done, P::zero(), -*g);
            }
            self.hessian.solve(&mut self.step, |x| x);
            mass_matrix::times(p.pattern, p.mass, &self.step, &mut self.momentum_step);
            p.rows.times(&self.step, &mut self.residual_step);
            let way = self.search(p);
            let go = |own: &mut [P], step: &[P]| {
                for (own, step) in own.iter_mut().zip(step) {
                    *own += way * *step;
                }
            };
            go(&mut self.a, &self.step);
            go(&mut self.momentum, &self.momentum_step);
            p.rows.residual(&self.a, &mut self.residual);
            let moved = self.moved_by(way);
            self.moved = P::select(done, self.moved, moved);
            done = done | self.balance(p) | moved.le(P::from_f64(8.0 * P::EPSILON));
            let better = self.imbalance.lt(best.times(0.5));
            best = P::select(better, self.imbalance, best);
            waited = P::select(better, P::zero(), waited + P::one());
            let [stalled, last] = PATIENCE.map(|most| waited.ge(P::from_f64(most)));
            done = done | stalled | (last & self.is_level());
        }
        self.found = self.is_level();
    }

    fn is_level(&self) -> P::Mask {
        let level = P::from_f64(LEVEL * P::EPSILON.max(f64::EPSILON).sqrt());
        let level = self.imbalance.le(level);
        // Without more digits, the forces of the stiffest rows are known no better than this, which no digit of
        // an acceleration in `f64` shows.
        if P::FINEST { level | self.moved.le(P::from_f64(UNSEEN * f64::EPSILON)) } else { level }
    }

    /// Where the acceleration is right but for so many rounding errors of the largest one: by what is out of
    /// balance and the digits that the factor lost, or by what the last step still changed.
    pub fn sure(&self, most: f64) -> P::Mask {
        let limit = |x| P::from_f64(x * P::EPSILON);
        let strain = self.hessian.strain();
        let balanced = (strain * self.imbalance).le(limit(most));
        let settled = self.moved.le(limit(LAST_DIGITS)) & strain.le(P::from_f64(most));
        self.found & (balanced | settled)
    }

    /// Takes the cheaper of two starts in each world.
    fn start(&mut self, p: &Problem<'_, P>, warm: &[P]) {
        p.rows.residual(p.free, &mut self.residual);
        let cost_free = p.rows.cost(&self.residual);
        for ((step, warm), free) in self.step.iter_mut().zip(warm).zip(p.free) {
            *step = *warm - *free;
        }
        // Where no constraint acts, the answer is known.
        for i in self.hessian.left_out() {
            self.step[i] = P::zero();
        }
        mass_matrix::times(p.pattern, p.mass, &self.step, &mut self.momentum_step);
        p.rows.residual(warm, &mut self.residual_step);
        let cost_warm = p.rows.cost(&self.residual_step) + dot(&self.step, &self.momentum_step).times(0.5);
        let warmer = cost_warm.lt(cost_free);
        for i in 0..self.a.len() {
            self.a[i] = P::select(warmer, warm[i], p.free[i]);
            self.momentum[i] = P::select(warmer, self.momentum_step[i], P::zero());
        }
        for i in self.hessian.left_out() {
            self.a[i] = p.free[i];
        }
        for (own, warm) in self.residual.iter_mut().zip(&self.residual_step) {
            *own = P::select(warmer, *warm, *own);
        }
    }

    /// Forces and gradient at `a`; whether they balance up to rounding of what cancels in each of them.
    fn balance(&mut self, p: &Problem<'_, P>) -> P::Mask {
        p.rows.force(&self.residual, &mut self.force);
        self.gradient.fill(P::zero());
        p.rows.add_transposed(&self.force, &mut self.gradient);
        let (mut worst, mut scale) = (P::zero(), P::zero());
        for ((g, m), f) in self.gradient.iter_mut().zip(&self.momentum).zip(p.smooth) {
            scale = scale.max(g.abs()).max(f.abs());
            *g = *m - *g;
            worst = worst.max(g.abs());
        }
        let far = worst.gt(scale.times(FAR));
        self.imbalance = worst / P::select(scale.gt(P::zero()), scale, P::one());
        if !far.all() {
            let near = self.weighed(p);
            self.imbalance = P::select(far, self.imbalance, near);
        }
        self.imbalance.le(P::from_f64(BALANCED * P::EPSILON))
    }

    /// What is out of balance, in shares of the forces that cancel, of the worst degree of freedom.
    fn weighed(&mut self, p: &Problem<'_, P>) -> P {
        mass_matrix::times_and_size(p.pattern, p.mass, &self.a, &mut self.momentum, &mut self.size);
        for ((m, size), f) in self.momentum.iter_mut().zip(&mut self.size).zip(p.smooth) {
            *m -= *f;
            *size += f.abs();
        }
        for i in self.hessian.left_out() {
            self.momentum[i] = P::zero();
        }
        self.gradient.fill(P::zero());
        p.rows.add_transposed_and_size(&self.force, &mut self.gradient, &mut self.size);
        for (g, m) in self.gradient.iter_mut().zip(&self.momentum) {
            *g = *m - *g;
        }
        // Beside a large acceleration a small one counts as much as a force that makes it.
        let largest = self.a.iter().fold(P::from_f64(REST), |most, a| most.max(a.abs()));
        let (mut worst, mut finite) = (P::zero(), P::zero().is_zero());
        for (i, (g, size)) in self.gradient.iter().zip(&self.size).enumerate() {
            let size = size.max(p.mass[p.pattern.row(i).end - 1] * largest);
            worst = worst.max(g.abs() / P::select(size.gt(P::zero()), size, P::one()));
            finite = finite & g.is_finite();
        }
        P::select(finite, worst, P::from_f64(f64::MAX))
    }

    /// The largest change of the last step, in shares of the largest acceleration; of a step that was cut short, what it
    /// wanted to change.
    fn moved_by(&self, way: P) -> P {
        let largest = |list: &[P], least| list.iter().fold(P::from_f64(least), |most, x| most.max(x.abs()));
        largest(&self.step, 0.0) * way.max(P::one()) / largest(&self.a, REST)
    }

    /// Slope and curvature of the cost at `a + way · step`, constant and linear part of `M` included.
    fn along(&self, p: &Problem<'_, P>, way: P, (slope, curvature): (P, P)) -> (P, P) {
        let mut out = (slope + way * curvature, curvature);
        let mut r = [P::zero(); MOST];
        for block in &p.rows.blocks {
            let (residual, d) = (&self.residual[block.rows()], &self.residual_step[block.rows()]);
            for ((r, own), d) in r.iter_mut().zip(residual).zip(d) {
                *r = *own + way * *d;
            }
            let own = block.law.along(&r[..block.count], d);
            out = (out.0 + own.0, out.1 + own.1);
        }
        out
    }

    /// The way to the minimum along the step, by Newton's method inside a bracket.
    fn search(&self, p: &Problem<'_, P>) -> P {
        let base = (dot(&self.step, &self.momentum), dot(&self.step, &self.momentum_step));
        let start = dot(&self.gradient, &self.step);
        let goal = start.abs().times(1e-3);
        let (mut low, mut high) = (P::zero(), P::from_f64(f64::MAX));
        let mut way = P::one();
        for _ in 0..50 {
            let (slope, curvature) = self.along(p, way, base);
            let found = slope.abs().le(goal);
            if found.all() {
                break;
            }
            let beyond = slope.gt(P::zero());
            high = P::select(beyond & !found, way, high);
            low = P::select(beyond | found, low, way);
            let curved = curvature.gt(P::zero());
            let next = way - slope / P::select(curved, curvature, P::one());
            let inside = curved & next.gt(low) & next.lt(high);
            let unbounded = high.ge(P::from_f64(f64::MAX));
            let middle =
                P::select(unbounded, low.times(2.0), (low + P::select(unbounded, low, high)).times(0.5));
            way = P::select(found, way, P::select(inside, next, middle));
        }
        way
    }
}
