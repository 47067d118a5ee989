//! The balance of all rows, its derivatives, and what its pullback is weighed with.
//!
//! Everything here sees rows with a law each, over plain arrays, and not what they stand for. A search that
//! stalls at its last digits goes on with more of them, one world after the other: single precision in double,
//! double in twice the precision. A body that is hinged at its own centre has rows of `D = 5e14`, whose forces
//! hang on the sixteenth digit of an acceleration.

use super::hessian::Hessian;
use super::law::{Curvature, LawCotangent, MOST};
use super::newton::{Newton, Problem};
use super::rows::Rows;
use crate::model::Pattern;
use crate::number::{Mask, Real};
use crate::physics::articulated::mass_matrix;

/// Estimated errors, in rounding errors of one, from which on more digits are needed: 2e-10 of the largest
/// acceleration in double precision, an eighth in single precision.
const MOST_ERROR: f64 = (1u64 << 20) as f64;

/// Where a search with soft rows begins, in shares of their own `D`, and by how much it goes on at most.
const SOFTEST: f64 = 1e-18;
const STRIDE: f64 = 32.0;

/// Inertia, rows and other lists over another number.
#[derive(Clone, Debug)]
struct Lifted<R> {
    mass: Vec<R>,
    rows: Rows<R>,
    lists: [Vec<R>; 3],
}

impl<R: Real> Lifted<R> {
    fn new() -> Self {
        Self { mass: Vec::new(), rows: Rows::default(), lists: [const { Vec::new() }; 3] }
    }
    fn take<S: Real>(&mut self, mass: &[S], rows: &Rows<S>, lists: [&[S]; 3], lift: impl Fn(S) -> R + Copy) {
        self.rows.copy_from(rows, lift);
        for (own, list) in std::iter::once((&mut self.mass, mass)).chain(self.lists.iter_mut().zip(lists)) {
            own.clear();
            own.extend(list.iter().map(|x| lift(*x)));
        }
    }
}

/// The search for the optimum, and its answer; allocated once.
#[derive(Clone, Debug)]
pub struct Optimum<R: Real> {
    /// The acceleration at which the forces balance (nv).
    pub a: Vec<R>,
    /// `r = J a − a_ref`, of each row.
    pub residual: Vec<R>,
    /// What is lost of `r` in its rounding where the search went on with more digits; empty where it nowhere did.
    /// On which side of a cone's edge a residual lies may be in digits that it does not have.
    pub low: Vec<R>,
    /// `f`, of each row.
    pub force: Vec<R>,
    /// The worlds in which the forces balance.
    pub found: R::Mask,
    /// In how many worlds the search went on with more digits.
    pub refined: usize,
    newton: Newton<R::Plain>,
    plain: Lifted<R::Plain>,
    rest: Vec<R>,
}

impl<R: Real> Optimum<R> {
    /// Room for the degrees of freedom of a pattern.
    pub fn new(pattern: &Pattern) -> Self {
        let zero = || vec![R::zero(); pattern.rows()];
        Self {
            a: zero(),
            residual: Vec::new(),
            low: Vec::new(),
            force: Vec::new(),
            found: R::zero().is_zero(),
            refined: 0,
            newton: Newton::new(pattern),
            plain: Lifted::new(),
            rest: zero(),
        }
    }

    /// How many steps the last search took, in the slowest world.
    pub fn steps(&self) -> usize {
        self.newton.steps
    }

    /// Finds `a = argmin ½ (a − a_s)ᵀ M (a − a_s) + s(J a − a_ref)` with residuals and forces, and every
    /// derivative that the numbers carry. `smooth` is `f_s`, `free` is `a_s = M⁻¹ f_s`.
    pub fn solve(&mut self, pattern: &Pattern, (mass, rows): (&[R], &Rows<R>), lists: [&[R]; 3]) {
        self.plain.take(mass, rows, lists, R::plain);
        let [smooth, free, warm] = &self.plain.lists;
        let problem = Problem { pattern, mass: &self.plain.mass, smooth, free, rows: &self.plain.rows };
        self.newton.solve(&problem, warm);
        if R::FINEST && !self.newton.found.all() {
            self.stiffen(pattern);
        }
        self.a.clear();
        self.a.extend(self.newton.a.iter().map(|a| R::from_plain(*a)));
        answer(rows, &self.a, &mut self.residual, &mut self.force);
        if R::ORDER > 0 {
            self.differentiate(pattern, (mass, rows), lists[0]);
        }
        self.refined = 0;
        self.low.clear();
        self.found = self.newton.found;
        let sure = self.newton.sure(MOST_ERROR);
        if !R::FINEST && !sure.all() {
            let as_number = |mask| R::Plain::select(mask, R::Plain::one(), R::Plain::zero());
            let (sure, found) = (as_number(sure), as_number(self.found));
            let refined: Vec<f64> = (0..R::LANES)
                .map(|lane| match sure.lane(lane) > 0.0 {
                    true => found.lane(lane),
                    false => self.refine(pattern, (mass, rows), lists, lane),
                })
                .collect();
            self.found = R::Plain::from_lanes(|lane| refined[lane]).gt(R::Plain::zero());
        }
    }

    /// Finds the optimum of soft rows, and follows it while they become as stiff as they are. Where stiff cones
    /// are slid along, the cost has curved valleys, on which Newton's method takes short steps only.
    fn stiffen(&mut self, pattern: &Pattern) {
        let mut rows = self.plain.rows.clone();
        let [smooth, free, warm] = &mut self.plain.lists;
        let (mut reached, mut stride) = (0.0, STRIDE);
        while reached < 1.0 && stride > 1.01 {
            let next = (reached * stride).clamp(SOFTEST, 1.0);
            for (own, block) in rows.blocks.iter_mut().zip(&self.plain.rows.blocks) {
                own.law = block.law.scaled(R::Plain::from_f64(next));
            }
            let problem = Problem { pattern, mass: &self.plain.mass, smooth, free, rows: &rows };
            self.newton.solve(&problem, warm);
            if self.newton.found.all() {
                warm.copy_from_slice(&self.newton.a);
                (reached, stride) = (next, (stride * stride).min(STRIDE));
            } else {
                stride = stride.sqrt();
            }
        }
    }

    /// Each further step of Newton's method at the minimum makes one more derivative right.
    fn differentiate(&mut self, pattern: &Pattern, (mass, rows): (&[R], &Rows<R>), smooth: &[R]) {
        let hessian = &mut self.newton.hessian;
        hessian.analyze(rows, true);
        hessian.set(pattern, mass, rows, &self.residual);
        hessian.factor();
        for _ in 0..R::ORDER {
            mass_matrix::times(pattern, mass, &self.a, &mut self.rest);
            for (rest, f) in self.rest.iter_mut().zip(smooth) {
                *rest = *f - *rest;
            }
            rows.add_transposed(&self.force, &mut self.rest);
            hessian.solve(&mut self.rest, R::from_plain);
            for (a, step) in self.a.iter_mut().zip(&self.rest) {
                *a += *step;
            }
            answer(rows, &self.a, &mut self.residual, &mut self.force);
        }
    }

    /// Searches on in one world with more digits; one where it found the optimum, zero elsewhere.
    fn refine(
        &mut self,
        pattern: &Pattern,
        (mass, rows): (&[R], &Rows<R>),
        [smooth, free, _]: [&[R]; 3],
        lane: usize,
    ) -> f64 {
        self.refined += 1;
        let (mut lifted, mut finer) = (Lifted::new(), Optimum::<R::Finer>::new(pattern));
        lifted.take(mass, rows, [smooth, free, &self.a], |x| x.finer(lane));
        finer.solve(pattern, (&lifted.mass, &lifted.rows), lifted.lists.each_ref().map(|l| &l[..]));
        let lists =
            [(&mut self.a, &finer.a), (&mut self.residual, &finer.residual), (&mut self.force, &finer.force)];
        for (own, finer) in lists {
            own.iter_mut().zip(finer).for_each(|(own, x)| own.set_from_finer(lane, *x));
        }
        self.low.resize(rows.count(), R::zero());
        for ((low, own), x) in self.low.iter_mut().zip(&self.residual).zip(&finer.residual) {
            low.set_from_finer(lane, *x - own.finer(lane));
        }
        if finer.found.all() { 1.0 } else { 0.0 }
    }
}

/// Residuals and forces at an acceleration.
pub fn answer<R: Real>(rows: &Rows<R>, a: &[R], residual: &mut Vec<R>, force: &mut Vec<R>) {
    for list in [&mut *residual, &mut *force] {
        list.clear();
        list.resize(rows.count(), R::zero());
    }
    rows.residual(a, residual);
    rows.force(residual, force);
}

/// The weights of a pullback: with `H = M + Jᵀ W J` it solves `H λ = ā − Jᵀ W f̄` for the cotangents `ā` of
/// the acceleration and `f̄` of the forces; allocated once.
#[derive(Clone, Debug)]
pub struct Weights<R: Real> {
    /// `λ` (nv).
    pub weight: Vec<R>,
    /// `u = J λ + f̄`, of each row.
    pub u: Vec<R>,
    /// `y = W u`, of each row.
    pub y: Vec<R>,
    /// Of the laws' numbers, for the scalar `u · f(r)`, of each block.
    pub laws: Vec<LawCotangent<R>>,
    /// Whether the factor is already that of the rows at hand: all cotangents of one step share it.
    pub factored: bool,
    hessian: Hessian<R::Plain>,
    rest: Vec<R>,
}

impl<R: Real> Weights<R> {
    /// Room for the degrees of freedom of a pattern.
    pub fn new(pattern: &Pattern) -> Self {
        let zero = || vec![R::zero(); pattern.rows()];
        Self {
            weight: zero(),
            u: Vec::new(),
            y: Vec::new(),
            laws: Vec::new(),
            factored: false,
            hessian: Hessian::new(pattern),
            rest: zero(),
        }
    }

    /// Solves at an optimum with these residuals, what was lost of them, and forces. `by_force` is `f̄`; empty for
    /// none.
    pub fn solve(
        &mut self,
        pattern: &Pattern,
        (mass, rows): (&[R], &Rows<R>),
        [residual, low, force]: [&[R]; 3],
        [by_a, by_force]: [&[R]; 2],
    ) {
        if !self.factored {
            self.hessian.analyze(rows, true);
            self.hessian.set(pattern, mass, rows, residual);
            self.hessian.factor();
        }
        self.weight.clear();
        self.weight.resize(by_a.len(), R::zero());
        if !by_force.is_empty() {
            self.bend(rows, residual, by_force);
        }
        // Once in plain numbers, and once more for every derivative that the numbers carry.
        for pass in 0..=R::ORDER {
            if pass > 0 {
                mass_matrix::times(pattern, mass, &self.weight, &mut self.rest);
            } else {
                self.rest.fill(R::zero());
            }
            if pass > 0 || !by_force.is_empty() {
                rows.add_transposed(&self.y, &mut self.rest);
            }
            for (rest, b) in self.rest.iter_mut().zip(by_a) {
                *rest = *b - *rest;
            }
            self.hessian.solve(&mut self.rest, R::from_plain);
            for (own, step) in self.weight.iter_mut().zip(&self.rest) {
                *own += *step;
            }
            self.bend(rows, residual, by_force);
        }
        self.finish(rows, residual, force);
        if R::FINEST {
            return;
        }
        let strain = self.hessian.strain();
        for lane in 0..R::LANES {
            let lost = low.iter().any(|x| x.lane(lane) != 0.0);
            // Numbers that are none are strained, too.
            let sound = strain.lane(lane) <= MOST_ERROR;
            if lost || !sound {
                self.refine(pattern, (mass, rows), [residual, low, force], [by_a, by_force], lane);
            }
        }
    }

    /// The weights of rows at an acceleration that is given: `λ` is what it is.
    pub fn set(&mut self, rows: &Rows<R>, [residual, force]: [&[R]; 2], weight: &[R], by_force: &[R]) {
        self.weight.copy_from_slice(weight);
        self.bend(rows, residual, by_force);
        self.finish(rows, residual, force);
    }

    /// What `u · f` asks of the laws.
    fn finish(&mut self, rows: &Rows<R>, residual: &[R], force: &[R]) {
        self.laws.clear();
        self.laws.extend(rows.blocks.iter().map(|block| {
            let [r, f, u] = [residual, force, &self.u].map(|list| &list[block.rows()]);
            block.law.pullback(r, f, u)
        }));
    }

    /// Takes `Jᵀ y` away.
    pub fn subtract(&mut self, rows: &Rows<R>, out: &mut [R]) {
        self.rest.fill(R::zero());
        rows.add_transposed(&self.y, &mut self.rest);
        out.iter_mut().zip(&self.rest).for_each(|(out, x)| *out -= *x);
    }

    /// `u = J λ + f̄` and `y = W u`.
    fn bend(&mut self, rows: &Rows<R>, residual: &[R], by_force: &[R]) {
        for list in [&mut self.u, &mut self.y] {
            list.clear();
            list.resize(rows.count(), R::zero());
        }
        rows.times(&self.weight, &mut self.u);
        self.u.iter_mut().zip(by_force).for_each(|(u, w)| *u += *w);
        let mut w: Curvature<R> = [[R::zero(); MOST]; MOST];
        for block in &rows.blocks {
            let at = block.rows();
            block.law.curvature(&residual[at.clone()], &mut w);
            for (k, i) in at.clone().enumerate() {
                self.y[i] = at.clone().enumerate().fold(R::zero(), |sum, (l, j)| sum + w[k][l] * self.u[j]);
            }
        }
    }

    /// Solves again in one world with more digits.
    fn refine(
        &mut self,
        pattern: &Pattern,
        (mass, rows): (&[R], &Rows<R>),
        answer: [&[R]; 3],
        asked: [&[R]; 2],
        lane: usize,
    ) {
        let (mut lifted, mut finer) = (Lifted::new(), Weights::<R::Finer>::new(pattern));
        lifted.take(mass, rows, answer, |x| x.finer(lane));
        let [residual, low, force] = &mut lifted.lists;
        residual.iter_mut().zip(&*low).for_each(|(own, low)| *own += *low);
        let asked = asked.map(|list| list.iter().map(|x| x.finer(lane)).collect::<Vec<_>>());
        let asked = asked.each_ref().map(|list| &list[..]);
        finer.solve(pattern, (&lifted.mass, &lifted.rows), [residual, &[], force], asked);
        let lists = [(&mut self.weight, &finer.weight), (&mut self.u, &finer.u), (&mut self.y, &finer.y)];
        for (own, finer) in lists {
            own.iter_mut().zip(finer).for_each(|(own, x)| own.set_from_finer(lane, *x));
        }
        for (own, finer) in self.laws.iter_mut().zip(&finer.laws) {
            own.set_from_finer(lane, finer);
        }
    }
}
