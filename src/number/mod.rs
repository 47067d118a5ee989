//! Numbers that carry derivatives or worlds.
//!
//! All physics is written once, over [`Real`]. `f64` simulates, [`Dual`] carries tangents,
//! [`Lanes`] carries eight worlds, [`LanesF32`] sixteen in single precision, [`Twice`] has twice the digits, [`Var`] remembers
//! how it was made. For a function of your own, start
//! with [`gradient`] and [`jacobian`].

mod batch;
mod check;
mod dual;
mod gradient;
mod lanes;
mod leaf;
mod quad;
mod real;
mod share;
pub mod smooth;
mod tape;
mod twice;

pub use batch::{Pointwise, Strides, dot};
pub use check::{Check, derivative_check, dot_check, relative_error};
pub use dual::{Dual, Few, Single, Tangent, Wide};
pub use gradient::{gradient, jacobian};
pub use lanes::{Lanes, LanesF32};
pub use leaf::leaf_pullback;
pub use quad::Quad;
pub use real::{Mask, Real};
pub use share::Work;
pub use tape::{Tape, Var};
pub use twice::Twice;

/// Overwrites a list with another, entry by entry through `f`.
#[inline]
pub fn copy<R, S: Copy>(out: &mut [R], list: &[S], f: impl Fn(S) -> R) {
    for (out, x) in out.iter_mut().zip(list) {
        *out = f(*x);
    }
}
