//! The physics compiled once for the numbers that worlds run on most.

use super::any;
use super::integrate::{Kept, Record, StepBackward};
use super::step::{Backward, Cotangents, Stage};
use crate::model::{Costate, Input, Model, State};
use crate::number::{Dual, Few, Lanes, LanesF32, Real, Tangent, Twice, Var, Wide};

/// The large functions of the physics over the number `$number`: hands their heads to the macro `$write`.
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
            /// The acceleration: `M a = f_s + Jᵀ f`.
            fn acceleration(
                model: &Model<$number>,
                state: &State<$number>,
                input: &Input<$number>,
                stage: &mut Stage<$number>,
            );
            /// Poses, mass matrix and the smooth force `f_s = τ_p + τ_u + τ_e − c`.
            fn forces(
                model: &Model<$number>,
                state: &State<$number>,
                input: &Input<$number>,
                stage: &mut Stage<$number>,
            );
        }
    };
}

/// The same for pullbacks, and what nobody asks of duals but tests.
macro_rules! back_heads {
    ($write:ident, $number:ty) => {
        $write! {
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
            /// The pullback of the acceleration, whose cotangent is in the scratch; as [`any`] says.
            fn optimum_pullback(
                model: &Model<$number>,
                state: &State<$number>,
                input: &Input<$number>,
                stage: &Stage<$number>,
                scratch: &mut StepBackward<$number>,
                out: &mut Cotangents<$number>,
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

/// The same for what steps write into.
macro_rules! room_heads {
    ($write:ident, $number:ty) => {
        $write! {
            fn stage(model: &Model<$number>) -> Stage<$number>;
            fn record(model: &Model<$number>) -> Record<$number>;
            fn kept(model: &Model<$number>) -> Kept<$number>;
            fn step_backward(model: &Model<$number>) -> StepBackward<$number>;
            fn exchange(record: &mut Record<$number>, kept: &mut Kept<$number>);
            fn recall(
                record: &mut Record<$number>,
                model: &Model<$number>,
                state: &State<$number>,
                kept: &mut Kept<$number>,
            );
            fn refresh(scratch: &mut StepBackward<$number>, model: &Model<$number>);
        }
    };
}

macro_rules! methods {
    ($($(#[$doc:meta])* fn $name:ident($($given:ident: $type:ty),* $(,)?) $(-> $result:ty)?;)*) => {$(
        #[doc = concat!("As the function `any::", stringify!($name), "`.")]
        fn $name($($given: $type),*) $(-> $result)? {
            any::$name($($given),*)
        }
    )*};
}

/// A number that worlds can run on.
///
/// The physics is generic, and large: whoever calls it with a number compiles all of it for that number. Each method
/// of this trait is one of its large functions. For `f64`, [`Lanes`] and [`LanesF32`] the library has compiled
/// them, and those that go forward for [`Wide<f64>`], and its users link them. For every other number they are compiled where they are used; a number of
/// your own has them by `impl Engine for Mine {}`.
pub trait Engine: Real {
    heads!(methods, Self);
    back_heads!(methods, Self);
    room_heads!(methods, Self);
}

/// Not generic, and never a part of its caller: compiled in this crate, and only here.
macro_rules! compiled {
    ($($(#[$doc:meta])* fn $name:ident($($given:ident: $type:ty),* $(,)?) $(-> $result:ty)?;)*) => {$(
        #[inline(never)]
        fn $name($($given: $type),*) $(-> $result)? {
            any::$name($($given),*)
        }
    )*};
}

macro_rules! compiled_for {
    ($($number:ty),*) => {$(
        impl Engine for $number {
            heads!(compiled, Self);
            back_heads!(compiled, Self);
            room_heads!(compiled, Self);
        }
    )*};
}
compiled_for!(f64, Lanes, LanesF32);

/// Forward alone: a sweep back over duals is a Hessian, compiled by who asks for one.
impl Engine for Wide<f64> {
    heads!(compiled, Self);
    room_heads!(compiled, Self);
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
back_heads!(functions, R);

impl<R: Engine> Stage<R> {
    /// Room for one model.
    pub fn new(model: &Model<R>) -> Self {
        R::stage(model)
    }
}

impl<R: Engine> Record<R> {
    /// Room for one model.
    pub fn new(model: &Model<R>) -> Self {
        R::record(model)
    }
    /// Exchanges what this record remembers with `kept`, without copying a number.
    pub fn exchange(&mut self, kept: &mut Kept<R>) {
        R::exchange(self, kept);
    }
    /// Takes back what [`exchange`](Record::exchange) kept of the step from this state, and finds what was not kept.
    pub fn recall(&mut self, model: &Model<R>, state: &State<R>, kept: &mut Kept<R>) {
        R::recall(self, model, state, kept);
    }
}

impl<R: Engine> Kept<R> {
    /// Room for one model.
    pub fn new(model: &Model<R>) -> Self {
        R::kept(model)
    }
}

impl<R: Engine> StepBackward<R> {
    /// Room for one model.
    pub fn new(model: &Model<R>) -> Self {
        R::step_backward(model)
    }
    /// Takes over the numbers of a model that changed.
    pub fn refresh(&mut self, model: &Model<R>) {
        R::refresh(self, model);
    }
}
