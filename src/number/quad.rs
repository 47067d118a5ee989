//! Four numbers side by side.

use std::ops::{Add, Neg, Sub};

use wide::f64x4;

use super::{Few, Real, Tangent, Twice};

/// Four numbers of one world: a small vector that moves as a whole.
pub trait Quad<R: Real>: Tangent<R> {
    /// From its numbers.
    fn new(numbers: [R; 4]) -> Self;
    /// Its numbers.
    fn to_array(self) -> [R; 4];
    /// The product number by number.
    fn product(self, other: Self) -> Self;
    /// The sum of its numbers.
    #[inline(always)]
    fn total(self) -> R {
        let [a, b, c, d] = self.to_array();
        (a + b) + (c + d)
    }
}

impl<R: Real> Quad<R> for Few<R, 4> {
    #[inline(always)]
    fn new(numbers: [R; 4]) -> Self {
        Self(numbers)
    }
    #[inline(always)]
    fn to_array(self) -> [R; 4] {
        self.0
    }
    #[inline(always)]
    fn product(self, other: Self) -> Self {
        let mut out = self.0;
        for (a, b) in out.iter_mut().zip(other.0) {
            *a *= b;
        }
        Self(out)
    }
}

/// Four plain numbers in one register.
#[derive(Clone, Copy, Debug)]
pub struct Register(f64x4);

impl Add for Register {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}
impl Sub for Register {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}
impl Neg for Register {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self(-self.0)
    }
}
impl Tangent<f64> for Register {
    type Finer = Few<Twice, 4>;
    const WIDTH: usize = 4;
    #[inline(always)]
    fn zeros() -> Self {
        Self(f64x4::splat(0.0))
    }
    #[inline(always)]
    fn scale(self, x: f64) -> Self {
        Self(self.0 * f64x4::splat(x))
    }
    #[inline(always)]
    fn get(&self, k: usize) -> f64 {
        self.0.to_array()[k]
    }
    #[inline(always)]
    fn set(&mut self, k: usize, x: f64) {
        let mut all = self.0.to_array();
        all[k] = x;
        self.0 = f64x4::new(all);
    }
    #[inline(always)]
    fn choose(mask: bool, yes: Self, no: Self) -> Self {
        if mask { yes } else { no }
    }
}
impl Quad<f64> for Register {
    #[inline(always)]
    fn new(numbers: [f64; 4]) -> Self {
        Self(f64x4::new(numbers))
    }
    #[inline(always)]
    fn to_array(self) -> [f64; 4] {
        self.0.to_array()
    }
    #[inline(always)]
    fn product(self, other: Self) -> Self {
        Self(self.0 * other.0)
    }
}
