//! The minimum of the constrained problem, by Newton's method with an exact line search.

use super::hessian::Hessian;
use super::law::MOST;
use super::rows::Rows;
use crate::model::Pattern;
use crate::number::{Mask, Real};
use crate::physics::articulated::mass_matrix;

/// More steps than any problem that has been seen needs.
const MOST_STEPS: usize = 100;
/// Of the gradient, in rounding errors of the forces that it balances.
const TOLERANCE: f64 = 2048.0;

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
    /// Its residuals, one for each row.
    pub residual: Vec<P>,
    /// Its constraint forces, one for each row.
    pub force: Vec<P>,
    /// Steps that were made in the slowest world.
    pub steps: usize,
    /// Where the minimum was found.
    pub found: P::Mask,
    /// `H` of the last step, factored.
    pub hessian: Hessian<P>,
    /// `M a − f_s`.
    momentum: Vec<P>,
    gradient: Vec<P>,
    step: Vec<P>,
    momentum_step: Vec<P>,
    residual_step: Vec<P>,
}

fn dot<P: Real>(a: &[P], b: &[P]) -> P {
    a.iter().zip(b).fold(P::zero(), |sum, (a, b)| sum + *a * *b)
}

impl<P: Real> Newton<P> {
    /// Room for the degrees of freedom of a pattern.
    pub fn new(pattern: &Pattern) -> Self {
        let zero = || vec![P::zero(); pattern.rows()];
        Self {
            a: zero(),
            residual: Vec::new(),
            force: Vec::new(),
            steps: 0,
            found: P::zero().is_zero(),
            hessian: Hessian::new(pattern),
            momentum: zero(),
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
        self.steps = 0;
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
            let small = self.negligible(way);
            done = done | self.balance(p) | small;
        }
        self.found = done;
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

    /// Forces and gradient at `a`; whether they balance up to rounding.
    fn balance(&mut self, p: &Problem<'_, P>) -> P::Mask {
        p.rows.force(&self.residual, &mut self.force);
        self.gradient.fill(P::zero());
        p.rows.add_transposed(&self.force, &mut self.gradient);
        let (mut worst, mut scale) = (P::zero(), P::one());
        for ((g, m), f) in self.gradient.iter_mut().zip(&self.momentum).zip(p.smooth) {
            scale = scale.max(g.abs()).max(f.abs());
            *g = *m - *g;
            worst = worst.max(g.abs());
        }
        worst.le(scale.times(TOLERANCE * P::EPSILON))
    }

    /// Whether the last step changed nothing but last bits.
    fn negligible(&self, way: P) -> P::Mask {
        let (mut worst, mut scale) = (P::zero(), P::zero());
        for (step, a) in self.step.iter().zip(&self.a) {
            worst = worst.max((way * *step).abs());
            scale = scale.max(a.abs());
        }
        worst.le(scale.times(8.0 * P::EPSILON))
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
