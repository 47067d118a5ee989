//! Reverse-mode differentiation for code of any shape, at the price of a memory of every operation.
//!
//! General and slow: for custom policies, for the compilation of a model, for networks written by
//! hand. The hot paths have pullbacks of their own.

use std::cell::RefCell;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

use super::real::{alone, one_row};
use super::{Few, Real};

/// One operation: up to two arguments and the derivatives by them.
#[derive(Clone, Copy, Debug)]
struct Node<R> {
    argument: [u32; 2],
    slope: [R; 2],
}

/// The memory of a computation on [`Var`]s.
#[derive(Debug)]
pub struct Tape<R> {
    nodes: RefCell<Vec<Node<R>>>,
}

impl<R> Default for Tape<R> {
    fn default() -> Self {
        Self { nodes: RefCell::new(Vec::new()) }
    }
}

/// A number that remembers how it was made. Constants have no tape.
#[derive(Clone, Copy, Debug)]
pub struct Var<'t, R> {
    value: R,
    node: u32,
    tape: Option<&'t Tape<R>>,
}

impl<R: Real> Tape<R> {
    /// A new independent variable.
    pub fn variable(&self, value: R) -> Var<'_, R> {
        self.push(value, [None, None], [R::zero(); 2])
    }

    /// An argument that is missing is the operation itself, with slope zero: the sweep need not ask,
    /// and operations that follow each other do not wait for the same place in memory.
    fn push(&self, value: R, argument: [Option<u32>; 2], slope: [R; 2]) -> Var<'_, R> {
        let mut nodes = self.nodes.borrow_mut();
        let node = u32::try_from(nodes.len()).expect("a tape holds fewer than 2^32 operations");
        nodes.push(Node { argument: argument.map(|a| a.unwrap_or(node)), slope });
        Var { value, node, tape: Some(self) }
    }

    /// Sweeps back from the seeds `(node, cotangent)` and returns the cotangent of every node.
    pub fn pullback(&self, seeds: impl IntoIterator<Item = (u32, R)>) -> Vec<R> {
        let nodes = self.nodes.borrow();
        let mut cotangent = vec![R::zero(); nodes.len()];
        for (node, seed) in seeds {
            cotangent[node as usize] += seed;
        }
        for (k, node) in nodes.iter().enumerate().rev() {
            let w = cotangent[k];
            for (argument, slope) in node.argument.iter().zip(node.slope) {
                cotangent[*argument as usize] += slope * w;
            }
        }
        cotangent
    }
}

impl<'t, R: Real> Var<'t, R> {
    /// The number itself.
    pub fn value(&self) -> R {
        self.value
    }
    /// The place of this number on its tape; a constant has none.
    pub fn node(&self) -> Option<u32> {
        self.tape.map(|_| self.node)
    }
    #[inline]
    fn unary(self, value: R, slope: R) -> Self {
        match self.tape {
            Some(tape) => tape.push(value, [Some(self.node), None], [slope, R::zero()]),
            None => Self { value, node: 0, tape: None },
        }
    }
    #[inline]
    fn binary(self, other: Self, value: R, slope: [R; 2]) -> Self {
        match (self.tape, other.tape) {
            (Some(tape), Some(_)) => tape.push(value, [Some(self.node), Some(other.node)], slope),
            (Some(_), None) => self.unary(value, slope[0]),
            (None, Some(_)) => other.unary(value, slope[1]),
            (None, None) => Self { value, node: 0, tape: None },
        }
    }
}

impl<R: Real> Add for Var<'_, R> {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        self.binary(other, self.value + other.value, [R::one(), R::one()])
    }
}
impl<R: Real> Sub for Var<'_, R> {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self.binary(other, self.value - other.value, [R::one(), -R::one()])
    }
}
impl<R: Real> Mul for Var<'_, R> {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        self.binary(other, self.value * other.value, [other.value, self.value])
    }
}
impl<R: Real> Div for Var<'_, R> {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        let value = self.value / other.value;
        let slope = other.value.recip();
        self.binary(other, value, [slope, -(value * slope)])
    }
}
impl<R: Real> Neg for Var<'_, R> {
    type Output = Self;
    fn neg(self) -> Self {
        self.unary(-self.value, -R::one())
    }
}
impl<R: Real> AddAssign for Var<'_, R> {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}
impl<R: Real> SubAssign for Var<'_, R> {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}
impl<R: Real> MulAssign for Var<'_, R> {
    fn mul_assign(&mut self, other: Self) {
        *self = *self * other;
    }
}

impl<R: Real<Mask = bool>> Real for Var<'_, R> {
    type Mask = bool;
    type Plain = R::Plain;
    // Nothing is solved on a tape.
    type Finer = Self;
    type Tangents = Few<Self, 2>;
    type Quad = Few<Self, 4>;
    const EPSILON: f64 = R::EPSILON;
    const ORDER: usize = R::ORDER + 1;

    alone!();
    one_row!();
    fn from_f64(x: f64) -> Self {
        Self { value: R::from_f64(x), node: 0, tape: None }
    }
    fn from_plain(x: R::Plain) -> Self {
        Self { value: R::from_plain(x), node: 0, tape: None }
    }
    fn plain(self) -> R::Plain {
        self.value.plain()
    }
    fn lane(self, k: usize) -> f64 {
        self.value.lane(k)
    }
    fn finer(self, _: usize) -> Self {
        self
    }
    fn set_from_finer(&mut self, _: usize, x: Self) {
        *self = x;
    }
    fn lt(self, other: Self) -> bool {
        self.value.lt(other.value)
    }
    fn le(self, other: Self) -> bool {
        self.value.le(other.value)
    }
    fn is_finite(self) -> bool {
        self.value.is_finite()
    }
    /// A variable may become another number.
    fn is_zero(self) -> bool {
        self.tape.is_none() && self.value.is_zero()
    }
    fn select(mask: bool, yes: Self, no: Self) -> Self {
        if mask { yes } else { no }
    }
    fn sqrt(self) -> Self {
        let root = self.value.sqrt();
        self.unary(root, R::from_f64(0.5) / root)
    }
    fn abs(self) -> Self {
        let sign = R::select(self.value.lt(R::zero()), -R::one(), R::one());
        self.unary(self.value.abs(), sign)
    }
    fn round(self) -> Self {
        Self { value: self.value.round(), node: 0, tape: None }
    }
    fn sin_cos(self) -> (Self, Self) {
        let (s, c) = self.value.sin_cos();
        (self.unary(s, c), self.unary(c, -s))
    }
    fn exp(self) -> Self {
        let e = self.value.exp();
        self.unary(e, e)
    }
    fn ln(self) -> Self {
        self.unary(self.value.ln(), self.value.recip())
    }
    fn tanh(self) -> Self {
        let t = self.value.tanh();
        self.unary(t, R::one() - t * t)
    }
    fn atan2(self, x: Self) -> Self {
        let s = (self.value.square() + x.value.square()).recip();
        self.binary(x, self.value.atan2(x.value), [x.value * s, -(self.value * s)])
    }
    fn pow(self, p: Self) -> Self {
        let y = self.value.pow(p.value);
        let slope = p.value * self.value.pow(p.value - R::one());
        self.binary(p, y, [slope, y * self.value.ln()])
    }
}
