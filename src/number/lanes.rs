//! Eight worlds in one register.

use std::fmt::{self, Debug};
use std::ops::{Add, AddAssign, BitAnd, BitOr, Div, Mul, MulAssign, Neg, Not, Sub, SubAssign};

use wide::f64x8;

use super::{Few, Mask, Real};

/// Eight numbers that move through the same arithmetic, one for each world.
#[derive(Clone, Copy)]
pub struct Lanes(f64x8);

/// One truth value for each of the eight worlds.
#[derive(Clone, Copy, Debug)]
pub struct LaneMask(f64x8);

impl Lanes {
    /// The number of worlds.
    pub const COUNT: usize = 8;

    /// One number for each world.
    #[inline(always)]
    pub fn new(x: [f64; 8]) -> Self {
        Self(f64x8::new(x))
    }
    /// The same number in every world.
    #[inline(always)]
    pub fn splat(x: f64) -> Self {
        Self(f64x8::splat(x))
    }
    /// The numbers of all worlds.
    #[inline(always)]
    pub fn to_array(self) -> [f64; 8] {
        self.0.to_array()
    }
    /// Sets the number of world `k`.
    pub fn set_lane(&mut self, k: usize, x: f64) {
        let mut all = self.to_array();
        all[k] = x;
        *self = Self::new(all);
    }
    /// The sum over the worlds.
    #[inline(always)]
    pub fn sum(self) -> f64 {
        self.0.reduce_add()
    }
}

impl Debug for Lanes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_array().fmt(f)
    }
}

macro_rules! binary {
    ($($trait:ident $method:ident),*) => {$(
        impl $trait for Lanes {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self($trait::$method(self.0, other.0))
            }
        }
    )*};
}
binary!(Add add, Sub sub, Mul mul, Div div);

impl Neg for Lanes {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self(-self.0)
    }
}
impl AddAssign for Lanes {
    #[inline(always)]
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}
impl SubAssign for Lanes {
    #[inline(always)]
    fn sub_assign(&mut self, other: Self) {
        self.0 -= other.0;
    }
}
impl MulAssign for Lanes {
    #[inline(always)]
    fn mul_assign(&mut self, other: Self) {
        self.0 *= other.0;
    }
}

impl BitAnd for LaneMask {
    type Output = Self;
    #[inline(always)]
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}
impl BitOr for LaneMask {
    type Output = Self;
    #[inline(always)]
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
impl Not for LaneMask {
    type Output = Self;
    #[inline(always)]
    fn not(self) -> Self {
        Self(!self.0)
    }
}
impl Mask for LaneMask {
    #[inline(always)]
    fn any(self) -> bool {
        self.0.any()
    }
    #[inline(always)]
    fn all(self) -> bool {
        self.0.all()
    }
}

impl Real for Lanes {
    type Mask = LaneMask;
    type Plain = Self;
    type Tangents = Few<Self, 4>;
    type Pack = Self;
    type Quad = Few<Self, 4>;
    const EPSILON: f64 = f64::EPSILON;
    const ORDER: usize = 0;
    const LANES: usize = Self::COUNT;

    #[inline(always)]
    fn splat(self) -> Self {
        self
    }
    #[inline(always)]
    fn load(list: &[Self]) -> Self {
        list[0]
    }
    #[inline(always)]
    fn store(pack: &Self, list: &mut [Self]) {
        list[0] = *pack;
    }

    #[inline(always)]
    fn from_f64(x: f64) -> Self {
        Self::splat(x)
    }
    #[inline(always)]
    fn from_plain(x: Self) -> Self {
        x
    }
    #[inline(always)]
    fn plain(self) -> Self {
        self
    }
    #[inline(always)]
    fn lane(self, k: usize) -> f64 {
        self.to_array()[k]
    }
    #[inline(always)]
    fn from_lanes(f: impl Fn(usize) -> f64) -> Self {
        Self::new(std::array::from_fn(f))
    }
    #[inline(always)]
    fn lt(self, other: Self) -> LaneMask {
        LaneMask(self.0.simd_lt(other.0))
    }
    #[inline(always)]
    fn le(self, other: Self) -> LaneMask {
        LaneMask(self.0.simd_le(other.0))
    }
    #[inline(always)]
    fn is_finite(self) -> LaneMask {
        LaneMask(self.0.is_finite())
    }
    #[inline(always)]
    fn select(mask: LaneMask, yes: Self, no: Self) -> Self {
        Self(mask.0.select(yes.0, no.0))
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(self.0.sqrt())
    }
    #[inline(always)]
    fn abs(self) -> Self {
        Self(self.0.abs())
    }
    #[inline(always)]
    fn round(self) -> Self {
        Self(self.0.round_ties_even())
    }
    #[inline]
    fn sin_cos(self) -> (Self, Self) {
        let (s, c) = self.0.sin_cos();
        (Self(s), Self(c))
    }
    #[inline]
    fn exp(self) -> Self {
        Self(self.0.exp())
    }
    #[inline]
    fn ln(self) -> Self {
        Self(self.0.ln())
    }
    #[inline]
    fn tanh(self) -> Self {
        Self(self.0.tanh())
    }
    #[inline]
    fn atan2(self, x: Self) -> Self {
        Self(self.0.atan2(x.0))
    }
    #[inline]
    fn pow(self, p: Self) -> Self {
        Self(self.0.powf_simd(p.0))
    }
}
