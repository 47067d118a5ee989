//! The one trait that physics is generic over.

use std::fmt::Debug;
use std::ops::{Add, AddAssign, BitAnd, BitOr, Div, Mul, MulAssign, Neg, Not, Sub, SubAssign};

use wide::{f32x4, f64x2};

use super::batch::{self, Pointwise, Strides};
use super::{Few, Lanes, LanesF32, Twice, quad};

/// The answer of a comparison: one truth value per world.
pub trait Mask: Copy + Debug + BitAnd<Output = Self> + BitOr<Output = Self> + Not<Output = Self> {
    /// Whether it holds in some world.
    fn any(self) -> bool;
    /// Whether it holds in every world.
    fn all(self) -> bool;
}

impl Mask for bool {
    #[inline(always)]
    fn any(self) -> bool {
        self
    }
    #[inline(always)]
    fn all(self) -> bool {
        self
    }
}

/// A real number, perhaps of several worlds at once, perhaps with derivatives.
///
/// It has no order and no equality: a comparison returns a [`Mask`], so that `if a < b` does not
/// compile in physics. Guard the *input* of a root, a division or a logarithm with
/// [`select`](Real::select); selecting the output afterwards lets NaN into the tangents.
pub trait Real:
    Copy
    + Debug
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
{
    /// What a comparison answers.
    type Mask: Mask;
    /// The same number without derivatives, on which solvers iterate.
    type Plain: Real<Mask = Self::Mask, Plain = Self::Plain>;
    /// A small fixed number of tangents for a [`Dual`](super::Dual) over this number.
    type Tangents: super::Tangent<Self>;
    /// Several of this number side by side in one register; itself where there is no such register.
    type Pack: Real;
    /// Four of this number that move as a whole.
    type Quad: super::Quad<Self>;
    /// The number of one world, where worlds are the rows of a matrix; itself if it carries derivatives.
    type Row: Real;
    /// The number of one world with more digits and the same derivatives: what a solver goes on with where
    /// these digits are too few. The last is its own.
    type Finer: Real<Mask = bool>;

    /// The distance from one to the next number.
    const EPSILON: f64;
    /// How many derivatives, one inside the other, it carries.
    const ORDER: usize;
    /// How many worlds it holds.
    const LANES: usize = 1;
    /// How many numbers a [`Pack`](Real::Pack) holds.
    const WIDTH: usize = 1;
    /// Whether no other number has more digits.
    const FINEST: bool = Self::Finer::EPSILON >= Self::EPSILON;
    /// How many [rows](Real::Row) it falls into.
    const ROWS: usize = 1;

    /// The constant with this value in every world.
    fn from_f64(x: f64) -> Self;
    /// The constant with this value.
    fn from_plain(x: Self::Plain) -> Self;
    /// The value without derivatives.
    fn plain(self) -> Self::Plain;
    /// The number in world `k`, without derivatives: for decisions that each world makes for itself.
    fn lane(self, k: usize) -> f64;
    /// World `k` with more digits.
    fn finer(self, k: usize) -> Self::Finer;
    /// Rounds a number with more digits into world `k`.
    fn set_from_finer(&mut self, k: usize, x: Self::Finer);
    /// The constant with the value `f(k)` in world `k`.
    #[inline(always)]
    fn from_lanes(f: impl Fn(usize) -> f64) -> Self {
        Self::from_f64(f(0))
    }
    /// The number in the first world, without derivatives: for messages and pictures.
    #[inline(always)]
    fn first(self) -> f64 {
        self.lane(0)
    }

    /// `self < other`, by value.
    fn lt(self, other: Self) -> Self::Mask;
    /// `self ≤ other`, by value.
    fn le(self, other: Self) -> Self::Mask;
    /// Whether the value is finite.
    fn is_finite(self) -> Self::Mask;
    /// Whether the number and all its derivatives are zero: what it multiplies can be skipped.
    #[inline(always)]
    fn is_zero(self) -> Self::Mask {
        self.le(Self::zero()) & Self::zero().le(self)
    }
    /// `yes` where the mask holds, `no` elsewhere.
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self;

    /// The square root; guard the input against zero.
    fn sqrt(self) -> Self;
    /// Sine and cosine [rad]; accurate to a few rounding errors for `|x| ≤ 10⁵`.
    fn sin_cos(self) -> (Self, Self);
    /// `eˣ`.
    fn exp(self) -> Self;
    /// The natural logarithm, of a positive number.
    fn ln(self) -> Self;
    /// The hyperbolic tangent.
    fn tanh(self) -> Self;
    /// The angle of the point `(x, self)` in `[−π, π]`; without derivative at the origin.
    fn atan2(self, x: Self) -> Self;
    /// `self` to the power `p`, for a positive `self`.
    fn pow(self, p: Self) -> Self;
    /// The absolute value; its derivative at zero is one.
    fn abs(self) -> Self;
    /// The nearest whole number; its derivative is zero.
    fn round(self) -> Self;

    /// Adds a product of matrices, `C += A B` with `A: (m, k)`, `B: (k, n)`. A large one of `f64` or `f32` goes to a
    /// kernel that sums in another order and fuses: to rounding the same as any other number's, not to the bit.
    #[inline]
    fn add_product(
        size: [usize; 3],
        a: (&[Self], Strides),
        b: (&[Self], Strides),
        c: (&mut [Self], Strides),
    ) {
        batch::add_product(size, a, b, c);
    }
    /// Replaces every `x` by `f(x)`, and overwrites the slopes; a pack at a time, with the same bits as one by one.
    #[inline]
    fn apply(f: &impl Pointwise, x: &mut [Self], slopes: &mut [Self]) {
        for (x, slopes) in x.chunks_mut(Self::WIDTH).zip(slopes.chunks_mut(Self::WIDTH)) {
            let (y, s) = f.value_and_slope(Self::load(x));
            Self::store(&y, x);
            Self::store(&s, slopes);
        }
    }
    /// Row `k`.
    fn row(self, k: usize) -> Self::Row;
    /// The number with these rows.
    fn from_rows(f: impl Fn(usize) -> Self::Row) -> Self;
    /// The pack of this number alone.
    fn splat(self) -> Self::Pack;
    /// The pack of at most [`WIDTH`](Real::WIDTH) numbers; in the places that are left the last is repeated.
    fn load(list: &[Self]) -> Self::Pack;
    /// Writes as many numbers of a pack as the list holds.
    fn store(pack: &Self::Pack, list: &mut [Self]);
    /// Does work that falls into parts; a plain number does them on several threads.
    #[inline]
    fn share<W: super::Work>(work: W::Of<'_, Self>)
    where
        for<'a> W::Of<'a, f64>: Send,
    {
        W::run(work);
    }
    /// The product with a plain number.
    #[inline(always)]
    fn times(self, x: f64) -> Self {
        self * Self::from_f64(x)
    }
    /// The constant zero.
    #[inline(always)]
    fn zero() -> Self {
        Self::from_f64(0.0)
    }
    /// The constant one.
    #[inline(always)]
    fn one() -> Self {
        Self::from_f64(1.0)
    }
    /// `self > other`, by value.
    #[inline(always)]
    fn gt(self, other: Self) -> Self::Mask {
        other.lt(self)
    }
    /// `self ≥ other`, by value.
    #[inline(always)]
    fn ge(self, other: Self) -> Self::Mask {
        other.le(self)
    }
    /// `x²`.
    #[inline(always)]
    fn square(self) -> Self {
        self * self
    }
    /// `1/x`.
    #[inline(always)]
    fn recip(self) -> Self {
        Self::one() / self
    }
    /// The sine [rad].
    #[inline(always)]
    fn sin(self) -> Self {
        self.sin_cos().0
    }
    /// The cosine [rad].
    #[inline(always)]
    fn cos(self) -> Self {
        self.sin_cos().1
    }
    /// The smaller of two; its derivative is that of the chosen one (of `self` at a tie).
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        Self::select(self.le(other), self, other)
    }
    /// The larger of two; its derivative is that of the chosen one (of `self` at a tie).
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        Self::select(other.le(self), self, other)
    }
    /// The nearest number in `[lo, hi]`; its derivative by `self` is one inside, bounds included,
    /// and zero outside.
    #[inline(always)]
    fn clamp(self, lo: Self, hi: Self) -> Self {
        self.max(lo).min(hi)
    }
}

/// For a number without a register for several of it.
macro_rules! alone {
    () => {
        type Pack = Self;
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
    };
}
pub(super) use alone;

/// For a number that is its own row.
macro_rules! one_row {
    () => {
        type Row = Self;
        #[inline(always)]
        fn row(self, _: usize) -> Self {
            self
        }
        #[inline(always)]
        fn from_rows(f: impl Fn(usize) -> Self) -> Self {
            f(0)
        }
    };
}
pub(super) use one_row;

/// One implementation of the transcendental functions serves every number, so that eight lanes
/// equal eight single worlds bit for bit: a single world goes through a short vector.
macro_rules! single {
    ($t:ty, $finer:ty, $v:ident, $lanes:ident, $tangents:ty, $quad:ty, { $($more:item)* }) => {
        impl Real for $t {
            type Mask = bool;
            type Plain = $t;
            type Tangents = $tangents;
            type Quad = $quad;
            type Pack = $lanes;
            type Finer = $finer;
            const EPSILON: f64 = <$t>::EPSILON as f64;
            const ORDER: usize = 0;
            const WIDTH: usize = $lanes::COUNT;

            one_row!();
            #[inline(always)]
            fn splat(self) -> $lanes {
                $lanes::splat(self)
            }
            #[inline(always)]
            fn load(list: &[$t]) -> $lanes {
                match list.first_chunk::<{ $lanes::COUNT }>() {
                    Some(all) => $lanes::new(*all),
                    None => $lanes::new(std::array::from_fn(|k| list[k.min(list.len() - 1)])),
                }
            }
            #[inline(always)]
            fn store(pack: &$lanes, list: &mut [$t]) {
                match list.first_chunk_mut::<{ $lanes::COUNT }>() {
                    Some(all) => *all = pack.to_array(),
                    None => list.copy_from_slice(&pack.to_array()[..list.len()]),
                }
            }
            fn add_product(size: [usize; 3], a: (&[$t], Strides), b: (&[$t], Strides), c: (&mut [$t], Strides)) {
                batch::add_product_by_kernel(size, a, b, c);
            }

            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as $t
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
            fn lane(self, _: usize) -> f64 {
                self as f64
            }
            #[inline(always)]
            fn finer(self, _: usize) -> $finer {
                <$finer>::from(self)
            }
            #[inline(always)]
            fn set_from_finer(&mut self, _: usize, x: $finer) {
                *self = x.lane(0) as $t;
            }
            #[inline(always)]
            fn lt(self, other: Self) -> bool {
                self < other
            }
            #[inline(always)]
            fn le(self, other: Self) -> bool {
                self <= other
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                <$t>::is_finite(self)
            }
            #[inline(always)]
            fn select(mask: bool, yes: Self, no: Self) -> Self {
                if mask { yes } else { no }
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                <$t>::sqrt(self)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                <$t>::abs(self)
            }
            #[inline(always)]
            fn round(self) -> Self {
                <$t>::round_ties_even(self)
            }
            #[inline]
            fn sin_cos(self) -> (Self, Self) {
                let (s, c) = $v::splat(self).sin_cos();
                (s.to_array()[0], c.to_array()[0])
            }
            #[inline]
            fn exp(self) -> Self {
                $v::splat(self).exp().to_array()[0]
            }
            #[inline]
            fn ln(self) -> Self {
                $v::splat(self).ln().to_array()[0]
            }
            #[inline]
            fn tanh(self) -> Self {
                $v::splat(self).tanh().to_array()[0]
            }
            #[inline]
            fn atan2(self, x: Self) -> Self {
                $v::splat(self).atan2($v::splat(x)).to_array()[0]
            }
            #[inline]
            fn pow(self, p: Self) -> Self {
                $v::splat(self).powf_simd($v::splat(p)).to_array()[0]
            }
            $($more)*
        }
    };
}

single!(f64, Twice, f64x2, Lanes, Lanes, quad::Register, {
    fn share<W: super::Work>(work: W::Of<'_, f64>)
    where
        for<'a> W::Of<'a, f64>: Send,
    {
        super::share::share_f64::<W>(work);
    }
});
single!(f32, f64, f32x4, LanesF32, Few<f32, 4>, Few<f32, 4>, {});

impl super::Tangent<f64> for Lanes {
    type Finer = Few<Twice, 8>;
    const WIDTH: usize = 8;
    #[inline(always)]
    fn scale(self, x: f64) -> Self {
        self * Lanes::splat(x)
    }
    fn get(&self, k: usize) -> f64 {
        self.lane(k)
    }
    fn set(&mut self, k: usize, x: f64) {
        self.set_lane(k, x);
    }
    #[inline(always)]
    fn zeros() -> Self {
        Self::splat(0.0)
    }
    #[inline(always)]
    fn choose(mask: bool, yes: Self, no: Self) -> Self {
        if mask { yes } else { no }
    }
}
