//! The physics compiled once for the numbers that worlds run on most.

use super::any;
use super::integrate::{Record, StepBackward};
use super::step::{Backward, Cotangents, Stage};
use crate::model::{Costate, Input, Model, State};
use crate::number::{Dual, Few, Lanes, LanesF32, Real, Tangent, Twice, Var, Wide};

/// The large functions of the physics, over the number `$number`: hands their heads to the macro `$write`.
macro_rules! heads {
    ($write:ident, $number:ty) => {
        $write! {
            /// Advances a world by one time step.
            fn step(
                model: &Model<$number>,
                state: &State<$number>,
                input: &Input<$number>,
                record: &mut Record<$number>,
                next: &mut State<$number>,
            );
            /// The pullback of [`step`]: adds the cotangents of state, input and model.
            fn step_pullback(
                model: &Model<$number>,
                state: &State<$number>,
                input: &Input<$number>,
                record: &Record<$number>,
                cotangent: &Costate<$number>,
                scratch: &mut StepBackward<$number>,
                out: &mut Cotangents<$number>,
            );
            /// The acceleration: `M a = f_s + Jᵀ f`.
            fn acceleration(
                model: &Model<$number>,
                state: &State<$number>,
                input: &Input<$number>,
                stage: &mut Stage<$number>,
            );
            /// The pullback of the acceleration, whose cotangent is in the scratch; as [`any`] says.
            fn optimum_pullback(
                model: &Model<$number>,
                state: &State<$number>,
                input: &Input<$number>,
                stage: &Stage<$number>,
                scratch: &mut StepBackward<$number>,
                out: &mut Cotangents<$number>,
            );
            /// Poses, mass matrix and the smooth force `f_s = τ_p + τ_u + τ_e − c`.
            fn forces(
                model: &Model<$number>,
                state: &State<$number>,
                input: &Input<$number>,
                stage: &mut Stage<$number>,
            );
            /// The pullback of [`forces`] for given accelerations, weights of forces and cotangents of activation
            /// rates, as [`any::forces_pullback`] says.
            fn forces_pullback(
                model: &Model<$number>,
                state: &State<$number>,
                input: &Input<$number>,
                stage: &Stage<$number>,
                given: (&[$number], &[$number], &[$number]),
                scratch: &mut Backward<$number>,
                out: &mut Cotangents<$number>,
            );
            /// Inverse dynamics: the generalized force `tau` (nv) [N, N m] with which, beside the input, the world
            /// has the acceleration `a` (nv); as [`any::inverse`] says.
            fn inverse(
                model: &Model<$number>,
                state: &State<$number>,
                input: &Input<$number>,
                a: &[$number],
                stage: &mut Stage<$number>,
                tau: &mut [$number],
            );
            /// The pullback of [`inverse`], after it: adds the derivatives by acceleration, state, input and model.
            fn inverse_pullback(
                model: &Model<$number>,
                state: &State<$number>,
                input: &Input<$number>,
                stage: &Stage<$number>,
                cotangent: &[$number],
                scratch: &mut StepBackward<$number>,
                out: (&mut [$number], &mut Cotangents<$number>),
            );
        }
    };
}

macro_rules! methods {
    ($($(#[$doc:meta])* fn $name:ident($($given:ident: $type:ty),* $(,)?);)*) => {$(
        #[doc = concat!("As the function `", stringify!($name), "`.")]
        fn $name($($given: $type),*) {
            any::$name($($given),*);
        }
    )*};
}

/// A number that worlds can run on.
///
/// The physics is generic, and large: whoever calls it with a number compiles all of it for that number. Each method
/// of this trait is one of its large functions. For `f64`, [`Lanes`], [`LanesF32`] and [`Wide<f64>`] the library has
/// compiled them, and its users link them. For every other number they are compiled where they are used; a number of
/// your own has them by `impl Engine for Mine {}`.
pub trait Engine: Real {
    heads!(methods, Self);
}

/// Not generic, and too large to be taken over by a caller: in this crate, and only here.
macro_rules! compiled {
    ($($(#[$doc:meta])* fn $name:ident($($given:ident: $type:ty),* $(,)?);)*) => {$(
        #[inline(never)]
        fn $name($($given: $type),*) {
            any::$name($($given),*);
        }
    )*};
}

impl Engine for f64 {
    heads!(compiled, Self);
}
impl Engine for Lanes {
    heads!(compiled, Self);
}
impl Engine for LanesF32 {
    heads!(compiled, Self);
}
impl Engine for Wide<f64> {
    heads!(compiled, Self);
}

impl Engine for f32 {}
impl Engine for Twice {}
impl<R: Real<Mask = bool>> Engine for Var<'_, R> {}
impl<const N: usize> Engine for Dual<f64, Few<f64, N>> {}
impl<T: Tangent<f32>> Engine for Dual<f32, T> {}
impl<T: Tangent<Twice>> Engine for Dual<Twice, T> {}
impl<T: Tangent<Lanes>> Engine for Dual<Lanes, T> {}
impl<T: Tangent<LanesF32>> Engine for Dual<LanesF32, T> {}
impl<'t, R: Real<Mask = bool>, T: Tangent<Var<'t, R>>> Engine for Dual<Var<'t, R>, T> {}
impl<R: Real, S: Tangent<R>, T: Tangent<Dual<R, S>>> Engine for Dual<Dual<R, S>, T> {}

macro_rules! functions {
    ($($(#[$doc:meta])* fn $name:ident($($given:ident: $type:ty),* $(,)?);)*) => {$(
        $(#[$doc])*
        pub fn $name<R: Engine>($($given: $type),*) {
            R::$name($($given),*);
        }
    )*};
}
heads!(functions, R);
