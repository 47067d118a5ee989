//! Springs.

use crate::model::particle::Points;
use crate::number::Real;
use crate::number::smooth::{safe_div, safe_sqrt};
use crate::spatial::Vec3;

/// Stiffness [N/m], damping [N s/m] and rest length [m] of a spring.
pub type Law<R> = [R; 3];

impl<R: Real> Points<R> {
    /// The law of spring `s`, which its actuator lengthens: `L = L₀ (1 + actuation · signal)`.
    #[inline(always)]
    pub(super) fn law(&self, (s, group): (usize, usize), signal: R) -> Law<R> {
        let length = self.rest_length[s] * (R::one() + self.actuation * signal);
        [self.stiffness[group], self.damping, length]
    }

    /// The pullback of [`Points::law`] of `body`: adds to `self`, and returns the cotangent of the signal.
    #[inline(always)]
    pub(super) fn law_pullback(
        &mut self,
        body: &Self,
        (s, group): (usize, usize),
        signal: R,
        w: Law<R>,
    ) -> R {
        self.stiffness[group] += w[0];
        self.damping += w[1];
        self.rest_length[s] += w[2] * (R::one() + body.actuation * signal);
        let by_share = w[2] * body.rest_length[s];
        self.actuation += by_share * signal;
        by_share * body.actuation
    }
}

/// The force on the first end of a spring, `f = −(k (|d| − L) + c n·w) n`, `n = d/|d|`, for position `d` and
/// velocity `w` of the first end against the second. Ends that lie on each other feel nothing.
#[inline(always)]
pub(super) fn spring<R: Real>(d: Vec3<R>, w: Vec3<R>, [k, c, rest]: Law<R>) -> Vec3<R> {
    let length = safe_sqrt(d.dot(d));
    let n = d * safe_div(R::one(), length);
    n * -(k * (length - rest) + c * n.dot(w))
}

/// The pullback of [`spring`], with the cotangent `y` of the force.
#[inline(always)]
pub(super) fn spring_pullback<R: Real>(
    d: Vec3<R>,
    w: Vec3<R>,
    [k, c, rest]: Law<R>,
    y: Vec3<R>,
) -> (Vec3<R>, Vec3<R>, Law<R>) {
    let length = safe_sqrt(d.dot(d));
    let shortness = safe_div(R::one(), length);
    let n = d * shortness;
    let rate = n.dot(w);
    let pull = k * (length - rest) + c * rate;
    let by_pull = -n.dot(y);
    let by_rate = c * by_pull;
    let by_n = w * by_rate - y * pull;
    let by_d = n * (k * by_pull) + (by_n - n * n.dot(by_n)) * shortness;
    (by_d, n * by_rate, [(length - rest) * by_pull, rate * by_pull, -(k * by_pull)])
}
