//! Forward-mode differentiation: a number and its tangents.

use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

use super::Real;
use super::real::{alone, one_row};

/// Tangents of one number: a small vector space over `R`.
pub trait Tangent<R>:
    Copy + std::fmt::Debug + Add<Output = Self> + Sub<Output = Self> + Neg<Output = Self>
where
    R: Real,
{
    /// The same tangents of one world with more digits.
    type Finer: Tangent<R::Finer>;
    /// How many tangents are carried at once.
    const WIDTH: usize;
    /// The tangents of a constant.
    fn zeros() -> Self;
    /// Every tangent times a number.
    fn scale(self, x: R) -> Self;
    /// Tangent number `k`.
    fn get(&self, k: usize) -> R;
    /// Sets tangent number `k`.
    fn set(&mut self, k: usize, x: R);
    /// `yes` where the mask holds, `no` elsewhere.
    fn choose(mask: R::Mask, yes: Self, no: Self) -> Self;
}

/// `N` tangents, one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Few<R, const N: usize>(pub [R; N]);

macro_rules! few {
    ($($trait:ident $method:ident),*) => {$(
        impl<R: Real, const N: usize> $trait for Few<R, N> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                let mut out = self.0;
                for (a, b) in out.iter_mut().zip(other.0) {
                    *a = $trait::$method(*a, b);
                }
                Self(out)
            }
        }
    )*};
}
few!(Add add, Sub sub);

impl<R: Real, const N: usize> Neg for Few<R, N> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self(self.0.map(|x| -x))
    }
}

impl<R: Real, const N: usize> Tangent<R> for Few<R, N> {
    type Finer = Few<R::Finer, N>;
    const WIDTH: usize = N;
    #[inline(always)]
    fn zeros() -> Self {
        Self([R::zero(); N])
    }
    #[inline(always)]
    fn scale(self, x: R) -> Self {
        Self(self.0.map(|t| t * x))
    }
    fn get(&self, k: usize) -> R {
        self.0[k]
    }
    fn set(&mut self, k: usize, x: R) {
        self.0[k] = x;
    }
    #[inline(always)]
    fn choose(mask: R::Mask, yes: Self, no: Self) -> Self {
        let mut out = no.0;
        for (n, y) in out.iter_mut().zip(yes.0) {
            *n = R::select(mask, y, *n);
        }
        Self(out)
    }
}

/// A value and its tangents: `f(x + ε d) = f(x) + ε f'(x) d`, `ε² = 0`.
#[derive(Clone, Copy, Debug)]
pub struct Dual<R, T> {
    /// The value itself.
    pub value: R,
    /// The derivatives along each direction.
    pub tangent: T,
}

/// A dual number whose tangents fill the registers of `R`.
pub type Wide<R> = Dual<R, <R as Real>::Tangents>;
/// A dual number with one tangent.
pub type Single<R> = Dual<R, Few<R, 1>>;

impl<R: Real, T: Tangent<R>> Dual<R, T> {
    /// A number that depends on nothing.
    #[inline(always)]
    pub fn constant(value: R) -> Self {
        Self { value, tangent: T::zeros() }
    }
    /// The number with unit tangent number `k`.
    pub fn variable(value: R, k: usize) -> Self {
        let mut tangent = T::zeros();
        tangent.set(k, R::one());
        Self { value, tangent }
    }
    /// The chain rule: `value = f(x)`, `slope = f'(x)`.
    #[inline(always)]
    fn chain(self, value: R, slope: R) -> Self {
        Self { value, tangent: self.tangent.scale(slope) }
    }
}

impl<R: Real> Single<R> {
    /// A value with its tangent.
    #[inline(always)]
    pub fn new(value: R, tangent: R) -> Self {
        Self { value, tangent: Few([tangent]) }
    }
    /// The tangent.
    #[inline(always)]
    pub fn derivative(&self) -> R {
        self.tangent.0[0]
    }
}

impl<R: Real, T: Tangent<R>> Add for Dual<R, T> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self { value: self.value + other.value, tangent: self.tangent + other.tangent }
    }
}
impl<R: Real, T: Tangent<R>> Sub for Dual<R, T> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self { value: self.value - other.value, tangent: self.tangent - other.tangent }
    }
}
// The product rule.
impl<R: Real, T: Tangent<R>> Mul for Dual<R, T> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self {
            value: self.value * other.value,
            tangent: self.tangent.scale(other.value) + other.tangent.scale(self.value),
        }
    }
}
// The quotient rule.
impl<R: Real, T: Tangent<R>> Div for Dual<R, T> {
    type Output = Self;
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        let value = self.value / other.value;
        let slope = R::one() / other.value;
        Self { value, tangent: (self.tangent - other.tangent.scale(value)).scale(slope) }
    }
}
impl<R: Real, T: Tangent<R>> Neg for Dual<R, T> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self { value: -self.value, tangent: -self.tangent }
    }
}
impl<R: Real, T: Tangent<R>> AddAssign for Dual<R, T> {
    #[inline(always)]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}
impl<R: Real, T: Tangent<R>> SubAssign for Dual<R, T> {
    #[inline(always)]
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}
impl<R: Real, T: Tangent<R>> MulAssign for Dual<R, T> {
    #[inline(always)]
    fn mul_assign(&mut self, other: Self) {
        *self = *self * other;
    }
}

impl<R: Real, T: Tangent<R>> Real for Dual<R, T> {
    type Mask = R::Mask;
    type Plain = R::Plain;
    type Finer = Dual<R::Finer, T::Finer>;
    type Tangents = Few<Self, 2>;
    type Quad = Few<Self, 4>;
    const EPSILON: f64 = R::EPSILON;
    const ORDER: usize = R::ORDER + 1;
    const LANES: usize = R::LANES;

    alone!();
    one_row!();
    #[inline(always)]
    fn from_f64(x: f64) -> Self {
        Self::constant(R::from_f64(x))
    }
    #[inline(always)]
    fn from_plain(x: R::Plain) -> Self {
        Self::constant(R::from_plain(x))
    }
    #[inline(always)]
    fn plain(self) -> R::Plain {
        self.value.plain()
    }
    #[inline(always)]
    fn lane(self, k: usize) -> f64 {
        self.value.lane(k)
    }
    fn finer(self, lane: usize) -> Self::Finer {
        let mut out = Dual::<R::Finer, T::Finer>::constant(self.value.finer(lane));
        for k in 0..T::WIDTH {
            out.tangent.set(k, self.tangent.get(k).finer(lane));
        }
        out
    }
    fn set_from_finer(&mut self, lane: usize, x: Self::Finer) {
        self.value.set_from_finer(lane, x.value);
        for k in 0..T::WIDTH {
            let mut own = self.tangent.get(k);
            own.set_from_finer(lane, x.tangent.get(k));
            self.tangent.set(k, own);
        }
    }
    #[inline(always)]
    fn from_lanes(f: impl Fn(usize) -> f64) -> Self {
        Self::constant(R::from_lanes(f))
    }
    #[inline(always)]
    fn times(self, x: f64) -> Self {
        self.chain(self.value.times(x), R::from_f64(x))
    }
    #[inline(always)]
    fn lt(self, other: Self) -> R::Mask {
        self.value.lt(other.value)
    }
    #[inline(always)]
    fn le(self, other: Self) -> R::Mask {
        self.value.le(other.value)
    }
    /// Finite in value; tangents may still not be.
    #[inline(always)]
    fn is_finite(self) -> R::Mask {
        self.value.is_finite()
    }
    fn is_zero(self) -> R::Mask {
        (0..T::WIDTH).fold(self.value.is_zero(), |mask, k| mask & self.tangent.get(k).is_zero())
    }
    #[inline(always)]
    fn select(mask: R::Mask, yes: Self, no: Self) -> Self {
        Self {
            value: R::select(mask, yes.value, no.value),
            tangent: T::choose(mask, yes.tangent, no.tangent),
        }
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        let root = self.value.sqrt();
        self.chain(root, R::from_f64(0.5) / root)
    }
    #[inline(always)]
    fn abs(self) -> Self {
        let sign = R::select(self.value.lt(R::zero()), -R::one(), R::one());
        self.chain(self.value.abs(), sign)
    }
    #[inline(always)]
    fn round(self) -> Self {
        Self::constant(self.value.round())
    }
    #[inline(always)]
    fn sin_cos(self) -> (Self, Self) {
        let (s, c) = self.value.sin_cos();
        (self.chain(s, c), self.chain(c, -s))
    }
    #[inline(always)]
    fn exp(self) -> Self {
        let e = self.value.exp();
        self.chain(e, e)
    }
    #[inline(always)]
    fn ln(self) -> Self {
        self.chain(self.value.ln(), self.value.recip())
    }
    #[inline(always)]
    fn tanh(self) -> Self {
        let t = self.value.tanh();
        self.chain(t, R::one() - t * t)
    }
    #[inline(always)]
    fn atan2(self, x: Self) -> Self {
        let s = (self.value.square() + x.value.square()).recip();
        Self {
            value: self.value.atan2(x.value),
            tangent: self.tangent.scale(x.value * s) - x.tangent.scale(self.value * s),
        }
    }
    #[inline(always)]
    fn pow(self, p: Self) -> Self {
        let y = self.value.pow(p.value);
        let slope = p.value * self.value.pow(p.value - R::one());
        Self { value: y, tangent: self.tangent.scale(slope) + p.tangent.scale(y * self.value.ln()) }
    }
}
