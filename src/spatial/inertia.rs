//! The inertia of a rigid body, as ten numbers.

use std::ops::{Add, AddAssign};

use super::{Force, Mat3, Motion, Quat, Sym3, Vec3};
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
/// derivatives, each twice as many orders. At equal eigenvalues the vectors have none, and get zero.
pub fn symmetric_eigen<R: Real>(s: Sym3<R>) -> (Vec3<R>, Quat<R>) {
    let plain = s.map(R::plain);
    let mut q = principal_frame(plain).map(R::from_plain);
    let largest = plain.to_array().into_iter().fold(R::Plain::zero(), |m, x| m.max(x.abs()));
    let tie = R::from_plain(largest.times(1e-9));
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

/// The principal axes of a symmetric matrix, that of the largest eigenvalue first, by Jacobi's
/// rotations (1846).
///
/// Every world does the same fixed work, far beyond the quadratic convergence of three axes.
fn principal_frame<P: Real>(s: Sym3<P>) -> Quat<P> {
    const SWEEPS: usize = 8;
    let mut a = [[s.xx, s.xy, s.xz], [s.xy, s.yy, s.yz], [s.xz, s.yz, s.zz]];
    let mut axes = Mat3::<P>::identity().columns();
    for _ in 0..SWEEPS {
        for (p, q) in [(0, 1), (0, 2), (1, 2)] {
            let off = a[p][q];
            let done = off.abs().le(P::zero());
            let x = (a[q][q] - a[p][p]) / P::select(done, P::one(), off).times(2.0);
            let t = (x.abs() + (x * x + P::one()).sqrt()).recip();
            let t = P::select(done, P::zero(), P::select(x.lt(P::zero()), -t, t));
            let c = (t * t + P::one()).sqrt().recip();
            let s = t * c;
            a[p][p] -= t * off;
            a[q][q] += t * off;
            (a[p][q], a[q][p]) = (P::zero(), P::zero());
            let r = 3 - p - q;
            let (u, v) = (a[r][p], a[r][q]);
            (a[r][p], a[r][q]) = (c * u - s * v, s * u + c * v);
            (a[p][r], a[q][r]) = (a[r][p], a[r][q]);
            let (u, v) = (axes[p], axes[q]);
            (axes[p], axes[q]) = (u * c - v * s, u * s + v * c);
        }
    }
    let mut values = [a[0][0], a[1][1], a[2][2]];
    for (i, j) in [(0, 1), (1, 2), (0, 1)] {
        let wrong = values[i].lt(values[j]);
        let (x, y) = (values[i], values[j]);
        (values[i], values[j]) = (P::select(wrong, y, x), P::select(wrong, x, y));
        let (x, y) = (axes[i], axes[j]);
        (axes[i], axes[j]) = (Vec3::select(wrong, y, x), Vec3::select(wrong, x, y));
    }
    Quat::of_axes(axes[0], axes[1], axes[0].cross(axes[1]))
}
