//! Numbers with twice the digits of `f64`: what a solver that stalls goes on with.
//!
//! A number is the sum of two of `f64` that do not overlap, about 32 digits (Dekker 1971); the algorithms and
//! their error bounds are those of Joldes, Muller and Popescu 2017, "Tight and rigorous error bounds for basic
//! building blocks of double-word arithmetic". Slow, and meant for the few worlds that need it.

use std::f64::consts;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

use super::real::{alone, one_row};
use super::{Few, Real};

/// `high + low`, with `low` at most half of the last bit of `high`.
#[derive(Clone, Copy, Debug)]
pub struct Twice {
    high: f64,
    low: f64,
}

/// `a + b` and its rounding error (Knuth 1969).
fn sum(a: f64, b: f64) -> Twice {
    let high = a + b;
    let part = high - a;
    Twice { high, low: (a - (high - part)) + (b - part) }
}

/// The same for `|a| ≥ |b|`.
fn fast_sum(a: f64, b: f64) -> Twice {
    let high = a + b;
    Twice { high, low: b - (high - a) }
}

/// `a b` and its rounding error.
fn product(a: f64, b: f64) -> Twice {
    let high = a * b;
    Twice { high, low: a.mul_add(b, -high) }
}

impl Twice {
    /// `ln 2`.
    const LN_2: Self = Self { high: consts::LN_2, low: 2.319_046_813_846_299_6e-17 };
    /// `π/2`.
    const HALF_TURN: Self = Self { high: consts::FRAC_PI_2, low: 6.123_233_995_736_766e-17 };

    /// `self · 2^k`.
    fn scaled(self, k: i32) -> Self {
        // In two steps, since 2^k alone may not be a number.
        let (a, b) = (2f64.powi(k / 2), 2f64.powi(k - k / 2));
        Self { high: self.high * a * b, low: self.low * a * b }
    }

    /// `eˣ − 1` as `2^k (p + 1) − 1`: returns `p` and `k`.
    fn exponential(self) -> (Self, i32) {
        let k = (self.high * consts::LOG2_E).round_ties_even().clamp(-1100.0, 1100.0);
        let x = (self - Self::LN_2 * Self::from(k)).scaled(-9);
        // |x| < 7e-4: ten terms are enough; then e^{2x} − 1 = p (p + 2), nine times.
        let series =
            (2..=10).rev().fold(Self::one(), |sum, n| Self::one() + sum * x / Self::from(f64::from(n)));
        let p = (0..9).fold(series * x, |p, _| p * (p + Self::from(2.0)));
        (p, k as i32)
    }
}

impl From<f64> for Twice {
    fn from(high: f64) -> Self {
        Self { high, low: 0.0 }
    }
}

impl Add for Twice {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        let (s, t) = (sum(self.high, other.high), sum(self.low, other.low));
        let v = fast_sum(s.high, s.low + t.high);
        fast_sum(v.high, t.low + v.low)
    }
}
impl Sub for Twice {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}
impl Mul for Twice {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let p = product(self.high, other.high);
        fast_sum(p.high, p.low + (self.high * other.low + self.low * other.high))
    }
}
impl Div for Twice {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        let quotient = self.high / other.high;
        if !quotient.is_finite() {
            return Self::from(quotient);
        }
        let rest = self - other * Self::from(quotient);
        fast_sum(quotient, rest.high / other.high)
    }
}
impl Neg for Twice {
    type Output = Self;
    fn neg(self) -> Self {
        Self { high: -self.high, low: -self.low }
    }
}
impl AddAssign for Twice {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}
impl SubAssign for Twice {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}
impl MulAssign for Twice {
    fn mul_assign(&mut self, other: Self) {
        *self = *self * other;
    }
}

impl Real for Twice {
    type Mask = bool;
    type Plain = Self;
    type Finer = Self;
    type Tangents = Few<Self, 8>;
    type Quad = Few<Self, 4>;
    // 2⁻¹⁰⁴.
    const EPSILON: f64 = f64::EPSILON * f64::EPSILON;
    const ORDER: usize = 0;

    alone!();
    one_row!();
    fn from_f64(x: f64) -> Self {
        Self::from(x)
    }
    fn from_plain(x: Self) -> Self {
        x
    }
    fn plain(self) -> Self {
        self
    }
    fn lane(self, _: usize) -> f64 {
        self.high
    }
    fn finer(self, _: usize) -> Self {
        self
    }
    fn set_from_finer(&mut self, _: usize, x: Self) {
        *self = x;
    }
    fn lt(self, other: Self) -> bool {
        self.high < other.high || (self.high == other.high && self.low < other.low)
    }
    fn le(self, other: Self) -> bool {
        self.high < other.high || (self.high == other.high && self.low <= other.low)
    }
    fn is_finite(self) -> bool {
        self.high.is_finite()
    }
    fn select(mask: bool, yes: Self, no: Self) -> Self {
        if mask { yes } else { no }
    }
    fn sqrt(self) -> Self {
        let root = self.high.sqrt();
        if root == 0.0 || !root.is_finite() {
            return Self::from(root);
        }
        let rest = self - product(root, root);
        fast_sum(root, rest.high / (2.0 * root))
    }
    fn sin_cos(self) -> (Self, Self) {
        let turns = (self.high / consts::FRAC_PI_2).round_ties_even();
        let x = self - Self::HALF_TURN * Self::from(turns);
        let minus_square = -(x * x);
        // The series in Horner's form: 1 − x²/(n (n + 1)) (1 − …), from the last term on.
        let series = |first: u32| {
            (first..28).step_by(2).collect::<Vec<_>>().into_iter().rev().fold(Self::one(), |sum, n| {
                Self::one() + sum * minus_square / Self::from(f64::from(n * (n + 1)))
            })
        };
        let (s, c) = (series(2) * x, series(1));
        match turns.rem_euclid(4.0) as u8 {
            0 => (s, c),
            1 => (c, -s),
            2 => (-s, -c),
            _ => (-c, s),
        }
    }
    fn exp(self) -> Self {
        let (p, k) = self.exponential();
        (p + Self::one()).scaled(k)
    }
    fn ln(self) -> Self {
        // One step of Newton's method from the logarithm of f64: e^{−y} x = 1 + d.
        let y = Self::from(self.high.ln());
        let d = self * (-y).exp() - Self::one();
        y + d - (d * d).times(0.5)
    }
    fn tanh(self) -> Self {
        if self.high.abs() > 40.0 {
            return Self::from(self.high.signum());
        }
        let (p, k) = (self + self).exponential();
        let m = p.scaled(k) + Self::from(2f64.powi(k) - 1.0);
        m / (m + Self::from(2.0))
    }
    fn atan2(self, x: Self) -> Self {
        // From the angle of f64, turned by what is left.
        let angle = Self::from(self.high.atan2(x.high));
        let (s, c) = angle.sin_cos();
        let along = x * c + self * s;
        if along.high == 0.0 || !along.is_finite() {
            return angle;
        }
        angle + (self * c - x * s) / along
    }
    fn pow(self, p: Self) -> Self {
        (self.ln() * p).exp()
    }
    fn abs(self) -> Self {
        if self.lt(Self::zero()) { -self } else { self }
    }
    fn round(self) -> Self {
        let high = self.high.round_ties_even();
        match self.high - high {
            0.0 => sum(high, self.low.round_ties_even()),
            // Half way by the first number alone: the second one decides.
            0.5 if self.low > 0.0 => Self::from(high + 1.0),
            -0.5 if self.low < 0.0 => Self::from(high - 1.0),
            _ => Self::from(high),
        }
    }
}
