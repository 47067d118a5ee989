//! The inertia of a rigid body, as ten numbers.

use std::ops::{Add, AddAssign};

use super::{Force, Mat3, Motion, Quat, Sym3, Vec3};
use crate::number::Real;

/// Mass, first moment `h = m d` and second moment (rotational inertia) about the reference point.
#[derive(Clone, Copy, Debug)]
pub struct Inertia<R> {
    pub mass: R,
    pub first: Vec3<R>,
    pub second: Sym3<R>,
}

impl<R: Real> Inertia<R> {
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
/// The decomposition is found in plain numbers; two first-order corrections in `R` then carry the
/// derivatives. At equal eigenvalues the vectors have none, and get zero.
pub fn symmetric_eigen<R: Real>(s: Sym3<R>) -> (Vec3<R>, Quat<R>) {
    let plain = s.map(R::first);
    let eigen = nalgebra::Matrix3::from(plain.to_mat3()).symmetric_eigen();
    let mut order = [0, 1, 2];
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    let column = |k: usize| Vec3::<f64>::from(eigen.eigenvectors.column(order[k]).into_owned());
    let (x, y) = (column(0), column(1));
    let frame = nalgebra::Rotation3::from_matrix_unchecked(Mat3::from_columns(x, y, x.cross(y)).into());
    let start: Quat<f64> = nalgebra::UnitQuaternion::from_rotation_matrix(&frame).into();
    let mut q = start.map(R::from_f64);
    let scale = plain.to_array().iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    let mut values = Vec3::zero();
    for _ in 0..3 {
        let b = s.rotated(q.to_matrix().transpose());
        values = Vec3::new(b.xx, b.yy, b.zz);
        let turn = |off: R, gap: R| {
            let tied = gap.abs().le(R::from_f64(1e-9 * scale));
            R::select(tied, R::zero(), off / R::select(tied, R::one(), gap))
        };
        // For S' = exp(−[w]) B exp([w]) the off-diagonal entries vanish to first order.
        let w = Vec3::new(turn(b.yz, b.yy - b.zz), turn(b.xz, b.zz - b.xx), turn(b.xy, b.xx - b.yy));
        q = (q * Quat::exp(w)).normalized();
    }
    (values, q)
}
