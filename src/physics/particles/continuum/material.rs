//! What materials do: the deformation that plastic flow leaves, and Kirchhoff's stress.

use super::isotropic::{Axes, axes, exp_slope, ln_slope};
use super::matrix::{Matrix, determinant, inner, matrix, plus, product, scalar, sum, trace, transpose};
use crate::model::continuum::{Constants, Kind};
use crate::number::{Real, leaf_pullback, smooth};

/// A deformation and the stress in it, or their cotangents.
#[derive(Clone, Copy, Debug)]
pub struct Response<R, const D: usize> {
    /// What remains of the trial deformation.
    pub deformation: Matrix<R, D>,
    /// Kirchhoff's stress `τ = J σ` [Pa].
    pub stress: Matrix<R, D>,
}

/// The response of a material to a trial deformation gradient `F`.
///
/// ```text
/// corotated:   τ = 2 μ (F − R) Fᵀ + λ (J − 1) J 1
/// neo-Hookean: τ = μ F Fᵀ + (λ ln J − μ) 1
/// fluid:       τ = K/γ (J − J^(1−γ)) 1,  F ← J^(1/D) 1
/// sand, plasticine: τ = U (2 μ ε + λ tr ε) Uᵀ,  F ← U exp(ε) Vᵀ,  ε = what flow leaves of ln σ
/// ```
#[inline]
pub fn respond<R: Real, const D: usize>(
    kind: Kind,
    c: &Constants<R>,
    trial: &Matrix<R, D>,
) -> Response<R, D> {
    match kind {
        Kind::Corotated if D == 2 => {
            let (volume, _) = determinant(trial);
            let (turn, _) = polar(trial);
            let shear = product(&plus(*trial, -R::one(), turn), &transpose(trial));
            let pressure = c.lambda * (volume - R::one()) * volume;
            Response { deformation: *trial, stress: plus(scalar(pressure), c.mu.times(2.0), shear) }
        }
        Kind::Corotated => {
            let axes = axes(trial);
            let stress = axes.one_sided(corotated(c, axes.values()), |i, j| shear(c, &axes, i, j));
            Response { deformation: *trial, stress }
        }
        Kind::NeoHookean => {
            let (volume, _) = determinant(trial);
            let pressure = c.lambda * volume.max(R::from_f64(SMALLEST)).ln() - c.mu;
            let stretch = product(trial, &transpose(trial));
            Response { deformation: *trial, stress: plus(scalar(pressure), c.mu, stretch) }
        }
        Kind::Fluid => {
            let (volume, _) = determinant(trial);
            let [side, stress] = fluid::<R, D>([volume, c.lambda, c.limit]);
            Response { deformation: scalar(side), stress: scalar(stress) }
        }
        Kind::Sand | Kind::Plasticine => {
            let axes = axes(trial);
            let flow = Flow::new(kind, axes.values(), [c.mu, c.lambda, c.limit]);
            let deformation = axes.two_sided(flow.strain.map(R::exp), |i, j| flow.slopes(i, j));
            let stress = axes.one_sided(flow.stress, |i, j| flow.shear(c.mu, i, j));
            Response { deformation, stress }
        }
    }
}

/// The cotangents of the trial deformation and of the constants.
#[inline]
pub fn respond_pullback<R: Real, const D: usize>(
    kind: Kind,
    c: &Constants<R>,
    trial: &Matrix<R, D>,
    cotangent: &Response<R, D>,
) -> (Matrix<R, D>, Constants<R>) {
    let Response { deformation: f_bar, stress: tau_bar } = cotangent;
    let mut c_bar = Constants::zero();
    let trial_bar = match kind {
        Kind::Corotated if D == 2 => {
            let (volume, cofactors) = determinant(trial);
            let (turn, length) = polar(trial);
            let strain = plus(*trial, -R::one(), turn);
            let pressure_bar = trace(tau_bar);
            c_bar.mu = inner(tau_bar, &product(&strain, &transpose(trial))).times(2.0);
            c_bar.lambda = pressure_bar * (volume - R::one()) * volume;
            // The stress is linear in F − R, in Fᵀ and in the pressure.
            let strain_bar = product(tau_bar, trial);
            let turn_bar = polar_pullback(&turn, length, &strain_bar);
            let both = product(&transpose(tau_bar), &strain);
            let shear_bar = matrix(|i, j| strain_bar[i][j] - turn_bar[i][j] + both[i][j]);
            let volume_bar = pressure_bar * c.lambda * (volume.times(2.0) - R::one());
            plus(plus(*f_bar, c.mu.times(2.0), shear_bar), volume_bar, cofactors)
        }
        Kind::Corotated => {
            let axes = axes(trial);
            let (t_bar, mut a) = axes.one_sided_pullback(|i, j| shear(c, &axes, i, j), tau_bar);
            let s_bar = corotated_pullback(c, axes.values(), t_bar, &mut c_bar);
            (0..D).for_each(|i| a[i][i] = s_bar[i]);
            plus(*f_bar, R::one(), axes.pullback(&a))
        }
        Kind::NeoHookean => {
            let (volume, cofactors) = determinant(trial);
            let floor = R::from_f64(SMALLEST);
            let safe = volume.max(floor);
            let pressure_bar = trace(tau_bar);
            c_bar.lambda = pressure_bar * safe.ln();
            c_bar.mu = inner(tau_bar, &product(trial, &transpose(trial))) - pressure_bar;
            let slope = R::select(volume.lt(floor), R::zero(), pressure_bar * c.lambda / safe);
            let both = matrix(|i, j| tau_bar[i][j] + tau_bar[j][i]);
            plus(plus(*f_bar, c.mu, product(&both, trial)), slope, cofactors)
        }
        Kind::Fluid => {
            let (volume, cofactors) = determinant(trial);
            let bar = [trace(f_bar), trace(tau_bar)];
            let bar = leaf_pullback(fluid::<_, D>, [volume, c.lambda, c.limit], bar);
            (c_bar.lambda, c_bar.limit) = (bar[1], bar[2]);
            plus(scalar(R::zero()), bar[0], cofactors)
        }
        Kind::Sand | Kind::Plasticine => {
            let axes = axes(trial);
            let s = axes.values();
            let flow = Flow::new(kind, s, [c.mu, c.lambda, c.limit]);
            let (g_bar, even) = axes.two_sided_pullback(|i, j| flow.slopes(i, j), f_bar);
            let (t_bar, odd) = axes.one_sided_pullback(|i, j| flow.shear(c.mu, i, j), tau_bar);
            let mut a = plus(even, R::one(), odd);
            let x = [s[0], s[1], s[D - 1], c.mu, c.lambda, c.limit];
            // In two dimensions the third place repeats the second and goes nowhere.
            let w = std::array::from_fn(|k| {
                let bar = if k < 3 { &g_bar } else { &t_bar };
                if k % 3 < D { bar[k % 3] } else { R::zero() }
            });
            let bar: [R; 6] = leaf_pullback(|x| principal::<_, D>(kind, x), x, w);
            (0..D).for_each(|i| a[i][i] = bar[i]);
            (c_bar.mu, c_bar.lambda, c_bar.limit) = (bar[3], bar[4], bar[5]);
            axes.pullback(&a)
        }
    };
    (trial_bar, c_bar)
}

/// The rotation nearest to a matrix of two rows, and the sum of its singular values: the plane needs no
/// axes for it.
#[inline(always)]
fn polar<R: Real, const D: usize>(f: &Matrix<R, D>) -> (Matrix<R, D>, R) {
    let (a, b) = (f[0][0] + f[1][1], f[1][0] - f[0][1]);
    let length = (a * a + b * b).max(R::from_f64(SMALLEST * SMALLEST)).sqrt();
    let over = length.recip();
    let (cos, sin) = (a * over, b * over);
    (matrix(|i, j| [[cos, -sin], [sin, cos]][i][j]), length)
}

/// A rotation changes only along its quarter turn.
#[inline(always)]
fn polar_pullback<R: Real, const D: usize>(
    turn: &Matrix<R, D>,
    length: R,
    cotangent: &Matrix<R, D>,
) -> Matrix<R, D> {
    let (cos, sin) = (turn[0][0], turn[1][0]);
    let cos_bar = cotangent[0][0] + cotangent[1][1];
    let sin_bar = cotangent[1][0] - cotangent[0][1];
    let angle = (cos * sin_bar - sin * cos_bar) / length;
    let (a_bar, b_bar) = (-(sin * angle), cos * angle);
    matrix(|i, j| [[a_bar, -b_bar], [b_bar, a_bar]][i][j])
}

/// Volumes and stretches below this count as this: an inverted element keeps a finite stress.
const SMALLEST: f64 = 1e-6;

/// `(t_i − t_j)/(σ_i² − σ_j²)` of the corotated stress.
#[inline(always)]
fn shear<R: Real, const D: usize>(c: &Constants<R>, axes: &Axes<R, D>, i: usize, j: usize) -> R {
    let total = (axes.stretch[i][i] + axes.stretch[j][j]).max(R::from_f64(SMALLEST));
    (c.mu - c.mu / total).times(2.0)
}

/// `t_i = 2 μ (σ_i − 1) σ_i + λ (J − 1) J`.
#[inline(always)]
fn corotated<R: Real, const D: usize>(c: &Constants<R>, s: [R; D]) -> [R; D] {
    let volume = s.iter().skip(1).fold(s[0], |j, s| j * *s);
    let pressure = c.lambda * (volume - R::one()) * volume;
    s.map(|s| (c.mu * (s - R::one()) * s).times(2.0) + pressure)
}

#[inline(always)]
fn corotated_pullback<R: Real, const D: usize>(
    c: &Constants<R>,
    s: [R; D],
    t_bar: [R; D],
    c_bar: &mut Constants<R>,
) -> [R; D] {
    let one = R::one();
    let volume = s.iter().skip(1).fold(s[0], |j, s| j * *s);
    let pressure_bar = sum(|i| t_bar[i], D);
    c_bar.mu = sum(|i| t_bar[i] * (s[i] - one) * s[i], D).times(2.0);
    c_bar.lambda = pressure_bar * (volume - one) * volume;
    let volume_bar = pressure_bar * c.lambda * (volume.times(2.0) - one);
    std::array::from_fn(|i| {
        let others = s.iter().enumerate().filter(|(k, _)| *k != i).fold(one, |j, (_, s)| j * *s);
        (t_bar[i] * c.mu * (s[i].times(2.0) - one)).times(2.0) + volume_bar * others
    })
}

/// The side and the stress of a cube of fluid from its volume, bulk modulus and exponent.
#[inline(always)]
fn fluid<R: Real, const D: usize>([volume, bulk, exponent]: [R; 3]) -> [R; 2] {
    let volume = volume.max(R::from_f64(SMALLEST));
    let side = if D == 2 { volume.sqrt() } else { volume.pow(R::from_f64(1.0 / 3.0)) };
    [side, bulk / exponent * (volume - volume.pow(R::one() - exponent))]
}

/// Plastic flow in logarithmic strain.
struct Flow<R, const D: usize> {
    /// The singular values and their logarithms.
    before: [[R; 2]; D],
    /// The strain that remains.
    strain: [R; D],
    /// The share of the deviatoric strain that remains.
    kept: R,
    /// `2 μ ε + λ tr ε`.
    stress: [R; D],
}

impl<R: Real, const D: usize> Flow<R, D> {
    /// With `ε = m + ε̂`, `m = tr ε/D`, what remains is `m + κ ε̂`:
    ///
    /// ```text
    /// plasticine: κ = min(1, limit/(2 μ |ε̂|))
    /// sand:       κ = min(1, −(D λ + 2 μ)/(2 μ) tr ε limit/|ε̂|), and nothing where tr ε > 0
    /// ```
    #[inline(always)]
    fn new(kind: Kind, s: [R; D], [mu, lambda, limit]: [R; 3]) -> Self {
        let one = R::one();
        let before = s.map(|s| {
            let s = s.max(R::from_f64(SMALLEST));
            [s, s.ln()]
        });
        let total = sum(|i| before[i][1], D);
        let mean = total.times(1.0 / D as f64);
        let shape = before.map(|[_, e]| e - mean);
        let size = smooth::safe_sqrt(sum(|i| shape[i] * shape[i], D));
        let opened = if kind == Kind::Sand { total.gt(R::zero()) } else { one.lt(R::zero()) };
        let bound = if kind == Kind::Sand {
            -(lambda.times(D as f64) + mu.times(2.0)) * total * limit
        } else {
            limit
        } / mu.times(2.0);
        let flows = bound.lt(size);
        let kept = R::select(flows, bound, one) / R::select(flows, size, one);
        let kept = R::select(opened, R::zero(), kept);
        let mean = R::select(opened, R::zero(), mean);
        let strain = shape.map(|e| mean + kept * e);
        let pressure = lambda * mean.times(D as f64);
        Self { before, strain, kept, stress: strain.map(|e| (mu * e).times(2.0) + pressure) }
    }
    /// `(g_i ∓ g_j)/(σ_i ∓ σ_j)` of the remaining stretch `g = exp ε`.
    #[inline(always)]
    fn slopes(&self, i: usize, j: usize) -> [R; 2] {
        let even = exp_slope(self.strain[i], self.strain[j]) * self.kept;
        let odd = self.strain[i].exp() + self.strain[j].exp();
        [even * ln_slope(self.before[i], self.before[j]), odd / (self.before[i][0] + self.before[j][0])]
    }
    /// `(t_i − t_j)/(σ_i² − σ_j²)` of the stress.
    #[inline(always)]
    fn shear(&self, mu: R, i: usize, j: usize) -> R {
        let slope = ln_slope(self.before[i], self.before[j]) * self.kept;
        (mu * slope).times(2.0) / (self.before[i][0] + self.before[j][0])
    }
}

/// The remaining stretches and the stresses of sand or plasticine along the axes.
#[inline(always)]
fn principal<R: Real, const D: usize>(kind: Kind, [a, b, c, mu, lambda, limit]: [R; 6]) -> [R; 6] {
    let s = std::array::from_fn(|i| [a, b, c][i]);
    let flow = Flow::<R, D>::new(kind, s, [mu, lambda, limit]);
    std::array::from_fn(|k| {
        let i = (k % 3).min(D - 1);
        if k < 3 { flow.strain[i].exp() } else { flow.stress[i] }
    })
}
