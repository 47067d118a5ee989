//! The inertia of a rigid body, as ten numbers.

use std::ops::{Add, AddAssign};

use super::{Force, Motion, Quat, Sym3, Vec3};
use crate::number::Real;

/// Mass, first moment `h = m d` and second moment (rotational inertia) about the reference point.
#[derive(Clone, Copy, Debug)]
pub struct Inertia<R> {
    /// [kg]
    pub mass: R,
    /// `h = m d` [kg m].
    pub first: Vec3<R>,
    /// About the reference point [kg m²].
    pub second: Sym3<R>,
}

impl<R: Real> Inertia<R> {
    /// Nothing.
    #[inline(always)]
    pub fn zero() -> Self {
        Self { mass: R::zero(), first: Vec3::zero(), second: Sym3::zero() }
    }
    /// The inertia about the reference point of a body with centre of mass at `d` from it and
    /// `central` inertia about that centre, in the same axes: `I = I_c + m (|d|² 1 − d dᵀ)`.
    #[inline(always)]
    pub fn about(mass: R, d: Vec3<R>, central: Sym3<R>) -> Self {
        Self { mass, first: d * mass, second: central + Sym3::point(d).scale(mass) }
    }
    /// The momentum of a body that moves with `m`.
    #[inline(always)]
    pub fn mul(&self, m: Motion<R>) -> Force<R> {
        Force::new(
            self.second * m.angular + self.first.cross(m.linear),
            m.linear * self.mass - self.first.cross(m.angular),
        )
    }
    /// The cotangent of the ten numbers from that of the form `x · I y`.
    #[inline(always)]
    pub fn form(x: Motion<R>, y: Motion<R>) -> Self {
        // x·I y = m xl·yl + h·(yl × xa + xl × ya) + xa · S ya.
        Self {
            mass: x.linear.dot(y.linear),
            first: y.linear.cross(x.angular) + x.linear.cross(y.angular),
            second: Sym3::form(x.angular, y.angular),
        }
    }
    /// The same over another number.
    #[inline(always)]
    pub fn map<S>(self, f: impl Fn(R) -> S) -> Inertia<S> {
        Inertia { mass: f(self.mass), first: self.first.map(&f), second: self.second.map(f) }
    }
}

impl<R: Real> Add for Inertia<R> {
    type Output = Self;
    #[inline(always)]
    fn add(self, o: Self) -> Self {
        Self { mass: self.mass + o.mass, first: self.first + o.first, second: self.second + o.second }
    }
}
impl<R: Real> AddAssign for Inertia<R> {
    #[inline(always)]
    fn add_assign(&mut self, o: Self) {
        *self = *self + o;
    }
}

/// Eigenvalues in descending order and right-handed eigenvectors of a symmetric matrix.
///
/// The decomposition is found in plain numbers; first-order corrections in `R` then carry the
/// derivatives, each one order more. At equal eigenvalues the vectors have none, and get zero.
pub fn symmetric_eigen<R: Real>(s: Sym3<R>) -> (Vec3<R>, Quat<R>) {
    let plain = s.map(R::plain);
    let mut q = diagonalizing(plain).map(R::from_plain);
    let zero = <R::Plain as Real>::zero();
    let scale = plain.to_array().into_iter().fold(zero, |m, x| m.max(x.abs()));
    let tie = R::from_plain(scale.times(1e-9));
    let mut values = Vec3::zero();
    for _ in 0..3 {
        let b = s.rotated(q.to_matrix().transpose());
        values = Vec3::new(b.xx, b.yy, b.zz);
        let turn = |off: R, gap: R| {
            let tied = gap.abs().le(tie);
            R::select(tied, R::zero(), off / R::select(tied, R::one(), gap))
        };
        // For S' = exp(−[w]) B exp([w]) the off-diagonal entries vanish to first order.
        let w = Vec3::new(turn(b.yz, b.yy - b.zz), turn(b.xz, b.zz - b.xx), turn(b.xy, b.xx - b.yy));
        q = (q * Quat::exp(w)).normalized();
    }
    (values, q)
}

/// The rotation `R` for which `Rᵀ S R` is diagonal and descends: Jacobi's method (Golub and Van Loan
/// 2013, section 8.5), the same number of turns for every matrix.
fn diagonalizing<P: Real>(s: Sym3<P>) -> Quat<P> {
    // It converges quadratically: off-diagonal entries vanish to rounding after five sweeps.
    const SWEEPS: usize = 7;
    let mut q = Quat::identity();
    let seen = |q: Quat<P>| s.rotated(q.to_matrix().transpose());
    let turned = |q: Quat<P>, k: usize, w: P, x: P| (q * Quat { w, v: Vec3::unit(k) * x }).normalized();
    for k in (0..3).cycle().take(3 * SWEEPS) {
        let b = seen(q);
        let (gap, off) = match k {
            0 => (b.yy - b.zz, b.yz.times(2.0)),
            1 => (b.zz - b.xx, b.xz.times(2.0)),
            _ => (b.xx - b.yy, b.xy.times(2.0)),
        };
        // tan 2θ = off/gap, |θ| ≤ π/4.
        let size = gap.abs() + (gap * gap + off * off).sqrt();
        let none = size.le(P::zero());
        let sign = P::select(gap.lt(P::zero()), -P::one(), P::one());
        let tan = P::select(none, P::zero(), sign * off / P::select(none, P::one(), size));
        let cos = (P::one() + tan * tan).sqrt().recip();
        let half = ((P::one() + cos).times(0.5)).sqrt();
        q = turned(q, k, half, (tan * cos / half).times(0.5));
    }
    // A quarter turn exchanges two axes.
    for k in [2, 0, 2] {
        let b = seen(q);
        let (first, second) = if k == 2 { (b.xx, b.yy) } else { (b.yy, b.zz) };
        let wrong = first.lt(second);
        let root = P::from_f64(std::f64::consts::FRAC_1_SQRT_2);
        q = turned(q, k, P::select(wrong, root, P::one()), P::select(wrong, root, P::zero()));
    }
    q
}
