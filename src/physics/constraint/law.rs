//! The force that a constraint answers with, as a function of its residual.
//!
//! A block of rows that belong together has the residual `r = J a − a_ref` and pays the convex cost `s(r)`;
//! its force is `f = −∇s(r)` and its curvature `W = ∇²s(r)`. A contact has one row along its normal and one
//! for each direction of friction, with pyramids as well as with cones: the edges of a pyramid have the
//! residuals `r₀ ± μ_k r_k` (Todorov 2014; MuJoCo's documentation, "Constraint model").

use crate::number::Real;

/// The most rows that a block has.
pub const MOST: usize = 6;

/// `W` of a block.
pub type Curvature<R> = [[R; MOST]; MOST];

/// How a block of rows answers.
#[derive(Clone, Copy, Debug)]
pub enum Law<R> {
    /// An equality: `f = −D r`.
    Quadratic {
        /// `D`.
        weight: R,
    },
    /// Dry friction: `f = −D r`, but never more than the loss.
    Friction {
        /// `D`.
        weight: R,
        /// `η` [N, N m].
        loss: R,
    },
    /// A limit, or a contact without friction: `f = −D min(0, r)`.
    OneSided {
        /// `D`.
        weight: R,
    },
    /// A contact whose friction cone is a pyramid: each edge is one-sided.
    Pyramid {
        /// `D` of every edge.
        weight: R,
        /// `μ_k`.
        friction: [R; 5],
    },
    /// A contact with an elliptic friction cone.
    Elliptic {
        /// `D` of the normal.
        weight: R,
        /// Of frictional to normal impedance.
        ratio: R,
        /// `μ_k`.
        friction: [R; 5],
    },
}

/// The cotangent of a law's numbers.
#[derive(Clone, Copy, Debug)]
pub struct LawCotangent<R> {
    /// Of `log D`.
    pub log_weight: R,
    /// Of `η`.
    pub loss: R,
    /// Of `μ_k`.
    pub friction: [R; 5],
    /// Of the ratio of impedances.
    pub ratio: R,
}

impl<R: Real> LawCotangent<R> {
    /// Rounds one with more digits into world `lane`.
    pub fn set_from_finer(&mut self, lane: usize, x: &LawCotangent<R::Finer>) {
        self.log_weight.set_from_finer(lane, x.log_weight);
        self.loss.set_from_finer(lane, x.loss);
        self.ratio.set_from_finer(lane, x.ratio);
        for (own, x) in self.friction.iter_mut().zip(x.friction) {
            own.set_from_finer(lane, x);
        }
    }
}

/// Where the residual of an elliptic contact lies, and what its zones need.
struct Cone<R: Real> {
    /// No force.
    top: R::Mask,
    /// The force is inside the cone: it sticks.
    bottom: R::Mask,
    /// `T = |μ_k r_k|`, or one where it is not needed.
    slip: R,
    /// `κ = D/(1 + μ²)`.
    stiffness: R,
    /// `μ² = μ₁²/ratio`.
    square: R,
}

fn cone<R: Real>(weight: R, ratio: R, friction: &[R; 5], r: &[R]) -> Cone<R> {
    let square = friction[0] * friction[0] / ratio;
    let sum = r[1..].iter().zip(friction).fold(R::zero(), |sum, (r, mu)| sum + (*mu * *r).square());
    let slides = sum.gt(R::zero());
    let slip = R::select(slides, sum, R::one()).sqrt();
    let true_slip = R::select(slides, slip, R::zero());
    Cone {
        top: r[0].ge(true_slip),
        bottom: (square * r[0] + true_slip).le(R::zero()),
        slip,
        stiffness: weight / (R::one() + square),
        square,
    }
}

impl<R: Real> Law<R> {
    /// The same law over another number.
    pub fn map<S>(&self, f: impl Fn(R) -> S + Copy) -> Law<S> {
        match *self {
            Self::Quadratic { weight } => Law::Quadratic { weight: f(weight) },
            Self::Friction { weight, loss } => Law::Friction { weight: f(weight), loss: f(loss) },
            Self::OneSided { weight } => Law::OneSided { weight: f(weight) },
            Self::Pyramid { weight, friction } => {
                Law::Pyramid { weight: f(weight), friction: friction.map(f) }
            }
            Self::Elliptic { weight, ratio, friction } => {
                Law::Elliptic { weight: f(weight), ratio: f(ratio), friction: friction.map(f) }
            }
        }
    }

    /// The same law with `D` times a factor.
    pub fn scaled(mut self, factor: R) -> Self {
        let (Self::Quadratic { weight }
        | Self::Friction { weight, .. }
        | Self::OneSided { weight }
        | Self::Pyramid { weight, .. }
        | Self::Elliptic { weight, .. }) = &mut self;
        *weight *= factor;
        self
    }

    /// `s(r)`.
    pub fn cost(&self, r: &[R]) -> R {
        let squares = |r: &[R]| r.iter().fold(R::zero(), |sum, r| sum + r.square());
        let half = match self {
            Self::Quadratic { weight } => *weight * squares(r),
            Self::Friction { weight, loss } => {
                let size = r[0].abs();
                let present = weight.gt(R::zero());
                let edge = *loss / R::select(present, *weight, R::one());
                let beyond = *loss * (size.times(2.0) - edge);
                R::select(present, R::select(size.le(edge), *weight * r[0].square(), beyond), R::zero())
            }
            Self::OneSided { weight } => *weight * r[0].min(R::zero()).square(),
            Self::Pyramid { weight, friction } => {
                let edges = r[1..].iter().zip(friction).fold(R::zero(), |sum, (rk, mu)| {
                    let side = *mu * *rk;
                    sum + (r[0] + side).min(R::zero()).square() + (r[0] - side).min(R::zero()).square()
                });
                *weight * edges
            }
            Self::Elliptic { weight, ratio, friction } => {
                let c = cone(*weight, *ratio, friction, r);
                let sides =
                    r[1..].iter().zip(friction).fold(R::zero(), |sum, (r, mu)| sum + (*mu * *r).square());
                let stick = *weight * (r[0].square() + sides / c.square);
                let slide = c.stiffness * (r[0] - c.slip).square();
                R::select(c.top, R::zero(), R::select(c.bottom, stick, slide))
            }
        };
        half.times(0.5)
    }

    /// `f = −∇s(r)`.
    #[inline]
    pub fn force(&self, r: &[R], f: &mut [R]) {
        match self {
            Self::Quadratic { weight } => {
                for (f, r) in f.iter_mut().zip(r) {
                    *f = -(*weight * *r);
                }
            }
            Self::Friction { weight, loss } => f[0] = (-(*weight * r[0])).clamp(-*loss, *loss),
            Self::OneSided { weight } => f[0] = -(*weight * r[0].min(R::zero())),
            Self::Pyramid { weight, friction } => {
                let mut normal = R::zero();
                for ((f, rk), mu) in f[1..].iter_mut().zip(&r[1..]).zip(friction) {
                    let side = *mu * *rk;
                    let (plus, minus) = (r[0] + side, r[0] - side);
                    // Where both edges push, what they share cancels before it is rounded.
                    let both = plus.lt(R::zero()) & minus.lt(R::zero());
                    let (plus, minus) = (plus.min(R::zero()), minus.min(R::zero()));
                    normal += R::select(both, r[0].times(2.0), plus + minus);
                    *f = -(*weight * *mu * R::select(both, side.times(2.0), plus - minus));
                }
                f[0] = -(*weight * normal);
            }
            Self::Elliptic { weight, ratio, friction } => {
                let c = cone(*weight, *ratio, friction, r);
                let push = -(c.stiffness * (r[0] - c.slip));
                let sticking = *weight / c.square;
                let sliding = push / c.slip;
                f[0] = R::select(c.top, R::zero(), R::select(c.bottom, -(*weight * r[0]), push));
                let share = R::select(c.top, R::zero(), R::select(c.bottom, sticking, sliding));
                for ((f, rk), mu) in f[1..].iter_mut().zip(&r[1..]).zip(friction) {
                    *f = -(share * mu.square() * *rk);
                }
            }
        }
    }

    /// `W = ∇²s(r)`, in the first rows and columns.
    #[inline]
    pub fn curvature(&self, r: &[R], w: &mut Curvature<R>) {
        let count = r.len();
        for row in &mut w[..count] {
            row[..count].fill(R::zero());
        }
        let step = |x: R| R::select(x.lt(R::zero()), R::one(), R::zero());
        match self {
            Self::Quadratic { weight } => {
                for k in 0..count {
                    w[k][k] = *weight;
                }
            }
            Self::Friction { weight, loss } => {
                let inside = (*weight * r[0]).abs().le(*loss);
                w[0][0] = R::select(inside, *weight, R::zero());
            }
            Self::OneSided { weight } => w[0][0] = *weight * step(r[0]),
            Self::Pyramid { weight, friction } => {
                for k in 1..count {
                    let mu = friction[k - 1];
                    let side = mu * r[k];
                    let (plus, minus) = (step(r[0] + side), step(r[0] - side));
                    w[0][0] += *weight * (plus + minus);
                    w[0][k] = *weight * mu * (plus - minus);
                    w[k][0] = w[0][k];
                    w[k][k] = *weight * mu.square() * (plus + minus);
                }
            }
            Self::Elliptic { weight, ratio, friction } => {
                let c = cone(*weight, *ratio, friction, r);
                // Of the middle zone: t_k = μ_k r_k / T, and the gradient (1, −μ_k t_k) of r₀ − T.
                let per_slip = c.slip.recip();
                let (mut t, mut g) = ([R::zero(); MOST], [R::one(); MOST]);
                for k in 1..count {
                    let mu = friction[k - 1];
                    t[k] = mu * r[k] * per_slip;
                    g[k] = -(mu * t[k]);
                }
                let gap = (r[0] - c.slip) * per_slip;
                let sticking = *weight / c.square;
                let zone = |stick: R, slide: R| {
                    let here = R::select(c.bottom, stick, c.stiffness * slide);
                    R::select(c.top, R::zero(), here)
                };
                w[0][0] = zone(*weight, R::one());
                for i in 1..count {
                    let a = friction[i - 1];
                    w[i][0] = zone(R::zero(), g[i]);
                    w[0][i] = w[i][0];
                    for j in 1..i {
                        let turn = g[i] * g[j] + gap * a * friction[j - 1] * t[i] * t[j];
                        w[i][j] = zone(R::zero(), turn);
                        w[j][i] = w[i][j];
                    }
                    let bend = gap * a.square() * (R::one() - t[i].square());
                    w[i][i] = zone(sticking * a.square(), g[i].square() - bend);
                }
            }
        }
    }

    /// `∇s(r) · d` and `dᵀ W d`: slope and curvature of the cost along a line.
    #[inline]
    pub fn along(&self, r: &[R], d: &[R]) -> (R, R) {
        let step = |x: R| R::select(x.lt(R::zero()), R::one(), R::zero());
        match self {
            Self::Quadratic { weight } => {
                let all = r.iter().zip(d);
                let sums = all.fold((R::zero(), R::zero()), |s, (r, d)| (s.0 + *r * *d, s.1 + d.square()));
                (*weight * sums.0, *weight * sums.1)
            }
            Self::Friction { weight, loss } => {
                let push = *weight * r[0];
                let inside = R::select(push.abs().le(*loss), *weight, R::zero());
                (push.clamp(-*loss, *loss) * d[0], inside * d[0].square())
            }
            Self::OneSided { weight } => {
                (*weight * r[0].min(R::zero()) * d[0], *weight * step(r[0]) * d[0].square())
            }
            Self::Pyramid { weight, friction } => {
                let mut out = (R::zero(), R::zero());
                for ((rk, dk), mu) in r[1..].iter().zip(&d[1..]).zip(friction) {
                    let (side, turn) = (*mu * *rk, *mu * *dk);
                    for (r, d) in [(r[0] + side, d[0] + turn), (r[0] - side, d[0] - turn)] {
                        out.0 += r.min(R::zero()) * d;
                        out.1 += step(r) * d.square();
                    }
                }
                (*weight * out.0, *weight * out.1)
            }
            Self::Elliptic { weight, ratio, friction } => {
                let c = cone(*weight, *ratio, friction, r);
                let (mut along, mut across) = (R::zero(), R::zero());
                for ((rk, dk), mu) in r[1..].iter().zip(&d[1..]).zip(friction) {
                    let square = mu.square();
                    along += square * *rk * *dk;
                    across += square * dk.square();
                }
                let sticking = *weight / c.square;
                let stick =
                    (*weight * r[0] * d[0] + sticking * along, *weight * d[0].square() + sticking * across);
                // T′ and T T″ of the slip along the line.
                let rate = along / c.slip;
                let (gap, rise) = (r[0] - c.slip, d[0] - rate);
                let bend = gap * (across - rate.square()) / c.slip;
                let slide = (c.stiffness * gap * rise, c.stiffness * (rise.square() - bend));
                let zone = |stick, slide| R::select(c.top, R::zero(), R::select(c.bottom, stick, slide));
                (zone(stick.0, slide.0), zone(stick.1, slide.1))
            }
        }
    }

    /// Adds the cotangent of the law's numbers for the scalar `u · f(r)` at fixed `r`; `f` is the force.
    pub fn pullback(&self, r: &[R], f: &[R], u: &[R]) -> LawCotangent<R> {
        let zero = R::zero();
        let power = u.iter().zip(f).fold(zero, |sum, (u, f)| sum + *u * *f);
        let mut out = LawCotangent { log_weight: power, loss: zero, friction: [zero; 5], ratio: zero };
        match self {
            Self::Quadratic { .. } | Self::OneSided { .. } => {}
            Self::Friction { weight, loss } => {
                let slides = (*weight * r[0]).abs().gt(*loss);
                let sign = R::select(r[0].lt(zero), R::one(), -R::one());
                out.loss = R::select(slides, u[0] * sign, zero);
                out.log_weight = R::select(slides, zero, power);
            }
            Self::Pyramid { weight, friction } => {
                for k in 1..r.len() {
                    let mu = friction[k - 1];
                    let side = mu * r[k];
                    let step = |x: R| R::select(x.lt(zero), *weight, zero);
                    let (plus, minus) = (step(r[0] + side), step(r[0] - side));
                    out.friction[k - 1] =
                        u[k] * (f[k] / mu - mu * r[k] * (plus + minus)) - u[0] * r[k] * (plus - minus);
                }
            }
            Self::Elliptic { weight, ratio, friction } => {
                let c = cone(*weight, *ratio, friction, r);
                let tangential = power - u[0] * f[0];
                let along =
                    (1..r.len()).fold(u[0], |sum, k| sum - u[k] * friction[k - 1].square() * r[k] / c.slip);
                let by_square =
                    R::select(c.bottom, -(tangential / c.square), -(power / (R::one() + c.square)));
                let by_square = R::select(c.top, zero, by_square);
                for k in 1..r.len() {
                    let mu = friction[k - 1];
                    let by_slip = mu * r[k].square() / c.slip;
                    let sliding = by_slip * (c.stiffness * along - tangential / c.slip);
                    let sliding = R::select(c.top | c.bottom, zero, sliding);
                    out.friction[k - 1] = sliding + (u[k] * f[k] / mu).times(2.0);
                }
                out.friction[0] += (by_square * friction[0] / *ratio).times(2.0);
                out.ratio = -(by_square * c.square / *ratio);
            }
        }
        out
    }
}
