//! Three-vectors and 3×3 matrices.

use std::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};

use crate::number::{Real, smooth};

/// A vector of three numbers.
#[derive(Clone, Copy, Debug)]
pub struct Vec3<R> {
    /// First entry.
    pub x: R,
    /// Second entry.
    pub y: R,
    /// Third entry.
    pub z: R,
}

impl<R: Real> Vec3<R> {
    /// From three numbers.
    #[inline(always)]
    pub fn new(x: R, y: R, z: R) -> Self {
        Self { x, y, z }
    }
    /// The zero vector.
    #[inline(always)]
    pub fn zero() -> Self {
        Self::new(R::zero(), R::zero(), R::zero())
    }
    /// The unit vector along axis `k`.
    #[inline(always)]
    pub fn unit(k: usize) -> Self {
        let e = |j| if j == k { R::one() } else { R::zero() };
        Self::new(e(0), e(1), e(2))
    }
    /// From three plain numbers.
    #[inline(always)]
    pub fn from_f64(v: [f64; 3]) -> Self {
        Self::from(v.map(R::from_f64))
    }
    /// Its entries.
    #[inline(always)]
    pub fn to_array(self) -> [R; 3] {
        [self.x, self.y, self.z]
    }
    /// `a · b`.
    #[inline(always)]
    pub fn dot(self, o: Self) -> R {
        self.x * o.x + self.y * o.y + self.z * o.z
    }
    /// `a × b`.
    #[inline(always)]
    pub fn cross(self, o: Self) -> Self {
        Self::new(self.y * o.z - self.z * o.y, self.z * o.x - self.x * o.z, self.x * o.y - self.y * o.x)
    }
    /// The product entry by entry.
    #[inline(always)]
    pub fn product(self, o: Self) -> Self {
        Self::new(self.x * o.x, self.y * o.y, self.z * o.z)
    }
    /// The Euclidean norm, with derivative zero at the origin.
    #[inline(always)]
    pub fn norm(self) -> R {
        smooth::safe_sqrt(self.dot(self))
    }
    /// The product with a plain number.
    #[inline(always)]
    pub fn times(self, s: f64) -> Self {
        Self::new(self.x.times(s), self.y.times(s), self.z.times(s))
    }
    /// The same over another number.
    #[inline(always)]
    pub fn map<S>(self, f: impl Fn(R) -> S) -> Vec3<S> {
        Vec3 { x: f(self.x), y: f(self.y), z: f(self.z) }
    }
    /// `yes` in the worlds where the mask holds, `no` in the others.
    #[inline(always)]
    pub fn select(mask: R::Mask, yes: Self, no: Self) -> Self {
        Self::new(R::select(mask, yes.x, no.x), R::select(mask, yes.y, no.y), R::select(mask, yes.z, no.z))
    }
    /// The same without derivatives.
    #[inline(always)]
    pub fn plain(self) -> Vec3<R::Plain> {
        self.map(R::plain)
    }
}

impl<R> From<[R; 3]> for Vec3<R> {
    #[inline(always)]
    fn from([x, y, z]: [R; 3]) -> Self {
        Self { x, y, z }
    }
}
impl From<Vec3<f64>> for nalgebra::Vector3<f64> {
    fn from(v: Vec3<f64>) -> Self {
        Self::new(v.x, v.y, v.z)
    }
}
impl From<nalgebra::Vector3<f64>> for Vec3<f64> {
    fn from(v: nalgebra::Vector3<f64>) -> Self {
        Self::new(v.x, v.y, v.z)
    }
}
impl<R: Real> Add for Vec3<R> {
    type Output = Self;
    #[inline(always)]
    fn add(self, o: Self) -> Self {
        Self::new(self.x + o.x, self.y + o.y, self.z + o.z)
    }
}
impl<R: Real> Sub for Vec3<R> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, o: Self) -> Self {
        Self::new(self.x - o.x, self.y - o.y, self.z - o.z)
    }
}
impl<R: Real> Neg for Vec3<R> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self::new(-self.x, -self.y, -self.z)
    }
}
impl<R: Real> Mul<R> for Vec3<R> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, s: R) -> Self {
        Self::new(self.x * s, self.y * s, self.z * s)
    }
}
impl<R: Real> AddAssign for Vec3<R> {
    #[inline(always)]
    fn add_assign(&mut self, o: Self) {
        *self = *self + o;
    }
}
impl<R: Real> SubAssign for Vec3<R> {
    #[inline(always)]
    fn sub_assign(&mut self, o: Self) {
        *self = *self - o;
    }
}

/// A 3×3 matrix, by its columns.
#[derive(Clone, Copy, Debug)]
pub struct Mat3<R> {
    /// First column.
    pub x: Vec3<R>,
    /// Second column.
    pub y: Vec3<R>,
    /// Third column.
    pub z: Vec3<R>,
}

impl<R: Real> Mat3<R> {
    /// From its columns.
    #[inline(always)]
    pub fn from_columns(x: Vec3<R>, y: Vec3<R>, z: Vec3<R>) -> Self {
        Self { x, y, z }
    }
    /// The zero matrix.
    #[inline(always)]
    pub fn zero() -> Self {
        Self::from_columns(Vec3::zero(), Vec3::zero(), Vec3::zero())
    }
    /// The identity.
    #[inline(always)]
    pub fn identity() -> Self {
        Self::from_columns(Vec3::unit(0), Vec3::unit(1), Vec3::unit(2))
    }
    /// `[v]`: `[v] w = v × w`.
    #[inline(always)]
    pub fn skew(v: Vec3<R>) -> Self {
        let o = R::zero();
        Self::from_columns(Vec3::new(o, v.z, -v.y), Vec3::new(-v.z, o, v.x), Vec3::new(v.y, -v.x, o))
    }
    /// Its columns.
    #[inline(always)]
    pub fn columns(self) -> [Vec3<R>; 3] {
        [self.x, self.y, self.z]
    }
    /// `Mᵀ`.
    #[inline(always)]
    pub fn transpose(self) -> Self {
        Self::from_columns(
            Vec3::new(self.x.x, self.y.x, self.z.x),
            Vec3::new(self.x.y, self.y.y, self.z.y),
            Vec3::new(self.x.z, self.y.z, self.z.z),
        )
    }
    /// `Mᵀ v`.
    #[inline(always)]
    pub fn transpose_mul(self, v: Vec3<R>) -> Vec3<R> {
        Vec3::new(self.x.dot(v), self.y.dot(v), self.z.dot(v))
    }
    /// Every entry times a number.
    #[inline(always)]
    pub fn scale(self, s: R) -> Self {
        Self::from_columns(self.x * s, self.y * s, self.z * s)
    }
    /// The same over another number.
    #[inline(always)]
    pub fn map<S: Real>(self, f: impl Fn(R) -> S) -> Mat3<S> {
        Mat3 { x: self.x.map(&f), y: self.y.map(&f), z: self.z.map(&f) }
    }
    /// `yes` in the worlds where the mask holds, `no` in the others.
    #[inline(always)]
    pub fn select(mask: R::Mask, yes: Self, no: Self) -> Self {
        let pick = |yes, no| Vec3::select(mask, yes, no);
        Self::from_columns(pick(yes.x, no.x), pick(yes.y, no.y), pick(yes.z, no.z))
    }
    /// The entry in row `i`, column `j`.
    #[inline(always)]
    pub fn get(self, i: usize, j: usize) -> R {
        self.columns()[j].to_array()[i]
    }
    /// The volume that its columns span.
    pub fn determinant(self) -> R {
        self.x.dot(self.y.cross(self.z))
    }
    /// The inverse by cofactors; the determinant must not be zero.
    pub fn inverse(self) -> Self {
        let s = self.determinant().recip();
        Self::from_columns(self.y.cross(self.z) * s, self.z.cross(self.x) * s, self.x.cross(self.y) * s)
            .transpose()
    }
}

impl<R: Real> Mul<Vec3<R>> for Mat3<R> {
    type Output = Vec3<R>;
    #[inline(always)]
    fn mul(self, v: Vec3<R>) -> Vec3<R> {
        self.x * v.x + self.y * v.y + self.z * v.z
    }
}
impl<R: Real> Mul for Mat3<R> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, o: Self) -> Self {
        Self::from_columns(self * o.x, self * o.y, self * o.z)
    }
}
impl<R: Real> Add for Mat3<R> {
    type Output = Self;
    #[inline(always)]
    fn add(self, o: Self) -> Self {
        Self::from_columns(self.x + o.x, self.y + o.y, self.z + o.z)
    }
}
impl<R: Real> Sub for Mat3<R> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, o: Self) -> Self {
        Self::from_columns(self.x - o.x, self.y - o.y, self.z - o.z)
    }
}
impl<R: Real> AddAssign for Mat3<R> {
    #[inline(always)]
    fn add_assign(&mut self, o: Self) {
        *self = *self + o;
    }
}
impl From<Mat3<f64>> for nalgebra::Matrix3<f64> {
    fn from(m: Mat3<f64>) -> Self {
        Self::from_columns(&[m.x.into(), m.y.into(), m.z.into()])
    }
}
impl From<nalgebra::Matrix3<f64>> for Mat3<f64> {
    fn from(m: nalgebra::Matrix3<f64>) -> Self {
        Self::from_columns(
            m.column(0).into_owned().into(),
            m.column(1).into_owned().into(),
            m.column(2).into_owned().into(),
        )
    }
}

/// A symmetric 3×3 matrix.
#[derive(Clone, Copy, Debug)]
pub struct Sym3<R> {
    /// On the diagonal.
    pub xx: R,
    /// On the diagonal.
    pub yy: R,
    /// On the diagonal.
    pub zz: R,
    /// Off the diagonal.
    pub xy: R,
    /// Off the diagonal.
    pub xz: R,
    /// Off the diagonal.
    pub yz: R,
}

impl<R: Real> Sym3<R> {
    /// The zero matrix.
    #[inline(always)]
    pub fn zero() -> Self {
        Self::from([R::zero(); 6])
    }
    /// With these diagonal entries.
    #[inline(always)]
    pub fn diagonal(d: Vec3<R>) -> Self {
        let o = R::zero();
        Self::from([d.x, d.y, d.z, o, o, o])
    }
    /// `R diag(d) Rᵀ`.
    #[inline(always)]
    pub fn congruence(r: Mat3<R>, d: Vec3<R>) -> Self {
        let (a, b, c) = (r.x * d.x, r.y * d.y, r.z * d.z);
        let f = |i: usize, j: usize| {
            a.to_array()[i] * r.x.to_array()[j]
                + b.to_array()[i] * r.y.to_array()[j]
                + c.to_array()[i] * r.z.to_array()[j]
        };
        Self { xx: f(0, 0), yy: f(1, 1), zz: f(2, 2), xy: f(0, 1), xz: f(0, 2), yz: f(1, 2) }
    }
    /// `R S Rᵀ`.
    #[inline(always)]
    pub fn rotated(self, r: Mat3<R>) -> Self {
        // The rows of `R S`, one column of `S Rᵀ` at a time.
        let rt = r.transpose();
        let (a, b, c) = (self * rt.x, self * rt.y, self * rt.z);
        Self {
            xx: rt.x.dot(a),
            yy: rt.y.dot(b),
            zz: rt.z.dot(c),
            xy: rt.x.dot(b),
            xz: rt.x.dot(c),
            yz: rt.y.dot(c),
        }
    }
    /// `|d|² 1 − d dᵀ`: the inertia of a unit mass at `d`.
    #[inline(always)]
    pub fn point(d: Vec3<R>) -> Self {
        let (x, y, z) = (d.x * d.x, d.y * d.y, d.z * d.z);
        Self { xx: y + z, yy: x + z, zz: x + y, xy: -(d.x * d.y), xz: -(d.x * d.z), yz: -(d.y * d.z) }
    }
    /// `½ (a bᵀ + b aᵀ)` with the off-diagonal entries doubled: the cotangent of a symmetric matrix
    /// from that of the form `a · S b`.
    #[inline(always)]
    pub fn form(a: Vec3<R>, b: Vec3<R>) -> Self {
        Self {
            xx: a.x * b.x,
            yy: a.y * b.y,
            zz: a.z * b.z,
            xy: a.x * b.y + a.y * b.x,
            xz: a.x * b.z + a.z * b.x,
            yz: a.y * b.z + a.z * b.y,
        }
    }
    /// Every entry times a number.
    #[inline(always)]
    pub fn scale(self, s: R) -> Self {
        Self::from(self.to_array().map(|x| x * s))
    }
    /// `xx, yy, zz, xy, xz, yz`.
    #[inline(always)]
    pub fn to_array(self) -> [R; 6] {
        [self.xx, self.yy, self.zz, self.xy, self.xz, self.yz]
    }
    /// As a full matrix.
    #[inline(always)]
    pub fn to_mat3(self) -> Mat3<R> {
        Mat3::from_columns(
            Vec3::new(self.xx, self.xy, self.xz),
            Vec3::new(self.xy, self.yy, self.yz),
            Vec3::new(self.xz, self.yz, self.zz),
        )
    }
    /// The same over another number.
    #[inline(always)]
    pub fn map<S>(self, f: impl Fn(R) -> S) -> Sym3<S> {
        Sym3::from(self.to_array().map(f))
    }
}

impl<R> From<[R; 6]> for Sym3<R> {
    #[inline(always)]
    fn from([xx, yy, zz, xy, xz, yz]: [R; 6]) -> Self {
        Self { xx, yy, zz, xy, xz, yz }
    }
}
impl<R: Real> Mul<Vec3<R>> for Sym3<R> {
    type Output = Vec3<R>;
    #[inline(always)]
    fn mul(self, v: Vec3<R>) -> Vec3<R> {
        Vec3::new(
            self.xx * v.x + self.xy * v.y + self.xz * v.z,
            self.xy * v.x + self.yy * v.y + self.yz * v.z,
            self.xz * v.x + self.yz * v.y + self.zz * v.z,
        )
    }
}
impl<R: Real> Add for Sym3<R> {
    type Output = Self;
    #[inline(always)]
    fn add(self, o: Self) -> Self {
        Self {
            xx: self.xx + o.xx,
            yy: self.yy + o.yy,
            zz: self.zz + o.zz,
            xy: self.xy + o.xy,
            xz: self.xz + o.xz,
            yz: self.yz + o.yz,
        }
    }
}
impl<R: Real> AddAssign for Sym3<R> {
    #[inline(always)]
    fn add_assign(&mut self, o: Self) {
        *self = *self + o;
    }
}
