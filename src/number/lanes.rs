//! Eight worlds in one register, or sixteen in single precision.

use std::fmt::{self, Debug};
use std::ops::{Add, AddAssign, BitAnd, BitOr, Div, Mul, MulAssign, Neg, Not, Sub, SubAssign};

use wide::{f32x16, f64x8};

use super::real::alone;
use super::{Few, Mask, Real, Twice};

macro_rules! binary {
    ($lanes:ident: $($trait:ident $method:ident),*) => {$(
        impl $trait for $lanes {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self($trait::$method(self.0, other.0))
            }
        }
    )*};
}

macro_rules! lanes {
    ($(#[$about:meta])* $lanes:ident, $mask:ident: $count:literal of $single:ident in $register:ident, one in $finer:ident) => {
    $(#[$about])*
    #[derive(Clone, Copy)]
    pub struct $lanes($register);

    /// One truth value for each of the worlds.
    #[derive(Clone, Copy, Debug)]
    pub struct $mask($register);

    impl $lanes {
        /// The number of worlds.
        pub const COUNT: usize = $count;

        /// One number for each world.
        #[inline(always)]
        pub fn new(x: [$single; $count]) -> Self {
            Self($register::new(x))
        }
        /// The same number in every world.
        #[inline(always)]
        pub fn splat(x: $single) -> Self {
            Self($register::splat(x))
        }
        /// The numbers of all worlds.
        #[inline(always)]
        pub fn to_array(self) -> [$single; $count] {
            self.0.to_array()
        }
        /// Sets the number of world `k`.
        pub fn set_lane(&mut self, k: usize, x: $single) {
            let mut all = self.to_array();
            all[k] = x;
            *self = Self::new(all);
        }
        /// The sum over the worlds.
        #[inline(always)]
        pub fn sum(self) -> $single {
            self.0.reduce_add()
        }
    }

    impl Debug for $lanes {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.to_array().fmt(f)
        }
    }

    binary!($lanes: Add add, Sub sub, Mul mul, Div div);

    impl Neg for $lanes {
        type Output = Self;
        #[inline(always)]
        fn neg(self) -> Self {
            Self(-self.0)
        }
    }
    impl AddAssign for $lanes {
        #[inline(always)]
        fn add_assign(&mut self, other: Self) {
            self.0 += other.0;
        }
    }
    impl SubAssign for $lanes {
        #[inline(always)]
        fn sub_assign(&mut self, other: Self) {
            self.0 -= other.0;
        }
    }
    impl MulAssign for $lanes {
        #[inline(always)]
        fn mul_assign(&mut self, other: Self) {
            self.0 *= other.0;
        }
    }

    impl BitAnd for $mask {
        type Output = Self;
        #[inline(always)]
        fn bitand(self, other: Self) -> Self {
            Self(self.0 & other.0)
        }
    }
    impl BitOr for $mask {
        type Output = Self;
        #[inline(always)]
        fn bitor(self, other: Self) -> Self {
            Self(self.0 | other.0)
        }
    }
    impl Not for $mask {
        type Output = Self;
        #[inline(always)]
        fn not(self) -> Self {
            Self(!self.0)
        }
    }
    impl Mask for $mask {
        #[inline(always)]
        fn any(self) -> bool {
            self.0.any()
        }
        #[inline(always)]
        fn all(self) -> bool {
            self.0.all()
        }
    }

    impl Real for $lanes {
        type Mask = $mask;
        type Plain = Self;
        type Tangents = Few<Self, 4>;
        type Quad = Few<Self, 4>;
        type Row = $single;
        type Finer = $finer;
        const EPSILON: f64 = $single::EPSILON as f64;
        const ORDER: usize = 0;
        const LANES: usize = Self::COUNT;
        const ROWS: usize = Self::COUNT;

        alone!();
        #[inline(always)]
        fn row(self, k: usize) -> $single {
            self.to_array()[k]
        }
        #[inline(always)]
        fn from_rows(f: impl Fn(usize) -> $single) -> Self {
            Self::new(std::array::from_fn(f))
        }
        #[inline(always)]
        fn from_f64(x: f64) -> Self {
            Self::splat(x as $single)
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
            self.to_array()[k] as f64
        }
        fn finer(self, k: usize) -> $finer {
            $finer::from(self.to_array()[k])
        }
        fn set_from_finer(&mut self, k: usize, x: $finer) {
            self.set_lane(k, x.lane(0) as $single);
        }
        #[inline(always)]
        fn from_lanes(f: impl Fn(usize) -> f64) -> Self {
            Self::new(std::array::from_fn(|k| f(k) as $single))
        }
        #[inline(always)]
        fn lt(self, other: Self) -> $mask {
            $mask(self.0.simd_lt(other.0))
        }
        #[inline(always)]
        fn le(self, other: Self) -> $mask {
            $mask(self.0.simd_le(other.0))
        }
        #[inline(always)]
        fn is_finite(self) -> $mask {
            $mask(self.0.is_finite())
        }
        #[inline(always)]
        fn select(mask: $mask, yes: Self, no: Self) -> Self {
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
    };
}

lanes! {
    /// Eight numbers that move through the same arithmetic, one for each world.
    Lanes, LaneMask: 8 of f64 in f64x8, one in Twice
}
lanes! {
    /// Sixteen numbers in single precision, one for each world: for training, where half the digits are enough.
    ///
    /// Everything that has a tolerance takes it from [`Real::EPSILON`]; contact is found in double precision.
    LanesF32, LaneMaskF32: 16 of f32 in f32x16, one in f64
}
