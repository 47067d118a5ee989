//! What a few particles side by side give to the grid, and its pullback.

use super::Scene;
use super::material::{Response, respond, respond_pullback};
use super::matrix::{Matrix, determinant, inner, matrix, plus, product, sum, transpose};
use crate::model::continuum::{Constants, ContinuumLayout, Kind};
use crate::number::Real;

/// All kinds, in the order of their numbers.
const KINDS: [Kind; 5] = [Kind::Corotated, Kind::NeoHookean, Kind::Fluid, Kind::Sand, Kind::Plasticine];

/// A few particles side by side, before a substep.
pub struct Matter<'a, R: Real, const D: usize> {
    layout: &'a ContinuumLayout,
    /// The material of each.
    material: &'a [usize],
    /// Their kind, if they are of one material.
    kind: Option<Kind>,
    constants: Constants<R::Pack>,
    volume: R::Pack,
    /// The stress of the muscle and its direction in the undeformed body.
    muscle: Option<(R::Pack, [R::Pack; D])>,
    velocity_gradient: Matrix<R::Pack, D>,
    deformation: Matrix<R::Pack, D>,
    dt: R::Pack,
    /// `4/Δx²`.
    stiffness: f64,
}

/// What they give, and what remains of their deformation.
#[derive(Clone, Copy, Debug)]
pub struct Given<R, const D: usize> {
    pub deformation: Matrix<R, D>,
    pub mass: R,
    /// The affine momentum `m C − dt V₀ 4/Δx² τ`.
    pub affine: Matrix<R, D>,
}

/// The cotangents of the numbers of a [`Matter`].
#[derive(Clone, Copy, Debug)]
pub struct MatterBar<R, const D: usize> {
    pub constants: Constants<R>,
    /// Of the muscle's stress.
    pub activation: R,
    pub velocity_gradient: Matrix<R, D>,
    pub deformation: Matrix<R, D>,
    pub dt: R,
}

impl<'a, R: Real, const D: usize> Matter<'a, R, D> {
    /// `width` particles from `first` on.
    #[inline(always)]
    pub fn new(scene: &Scene<'a, R, D>, first: usize, width: usize) -> Self {
        let layout = scene.layout;
        let material = &layout.material[first..first + width];
        let alike = material.iter().all(|m| *m == material[0]);
        let constants = if alike {
            scene.constants[material[0]].to_array().map(R::splat)
        } else {
            let constant = |n: usize, k: usize| scene.constants[material[k]].to_array()[n];
            std::array::from_fn(|n| Listed::new(width, |k| constant(n, k)).load())
        };
        Self {
            layout,
            material,
            kind: alike.then(|| layout.kinds[material[0]]),
            constants: Constants::from_array(constants),
            volume: Listed::new(width, |k| R::from_f64(layout.volume[first + k])).load(),
            muscle: muscle(scene, first, width),
            velocity_gradient: matrix(|i, j| scene.load(2 * D + i * D + j, first, width)),
            deformation: matrix(|i, j| scene.load(2 * D + D * D + i * D + j, first, width)),
            dt: scene.conditions.dt.splat(),
            stiffness: 4.0 / (layout.spacing * layout.spacing),
        }
    }

    /// One where particles are of a kind and zero elsewhere, if there are any.
    fn places(&self, kind: Kind) -> Option<R::Pack> {
        let is = |k: usize| self.layout.kinds[self.material[k]] == kind;
        let width = self.material.len();
        let share = |k: usize| if is(k) { R::one() } else { R::zero() };
        (0..width).any(is).then(|| Listed::new(width, share).load())
    }
    /// The material's response to `(1 + dt C) F`; each kind answers where it is.
    #[inline(always)]
    fn response(&self, trial: &Matrix<R::Pack, D>) -> Response<R::Pack, D> {
        match self.kind {
            Some(kind) => respond(kind, &self.constants, trial),
            None => self.responses(trial),
        }
    }
    #[inline(never)]
    fn responses(&self, trial: &Matrix<R::Pack, D>) -> Response<R::Pack, D> {
        let mut out = Response { deformation: *trial, stress: *trial };
        for kind in KINDS {
            let Some(share) = self.places(kind) else { continue };
            let response = respond(kind, &self.constants_where(share), trial);
            let mine = share.gt(R::from_f64(0.5).splat());
            let pick = |yes: Matrix<R::Pack, D>, no: Matrix<R::Pack, D>| {
                matrix(|i, j| R::Pack::select(mine, yes[i][j], no[i][j]))
            };
            out.deformation = pick(response.deformation, out.deformation);
            out.stress = pick(response.stress, out.stress);
        }
        out
    }
    #[inline(always)]
    fn response_pullback(
        &self,
        trial: &Matrix<R::Pack, D>,
        bar: &Response<R::Pack, D>,
    ) -> (Matrix<R::Pack, D>, Constants<R::Pack>) {
        match self.kind {
            Some(kind) => respond_pullback(kind, &self.constants, trial, bar),
            None => self.responses_pullback(trial, bar),
        }
    }
    #[inline(never)]
    fn responses_pullback(
        &self,
        trial: &Matrix<R::Pack, D>,
        bar: &Response<R::Pack, D>,
    ) -> (Matrix<R::Pack, D>, Constants<R::Pack>) {
        let zero = R::zero().splat();
        let (mut trial_bar, mut constants) = ([[zero; D]; D], Constants::zero());
        for kind in KINDS {
            let Some(share) = self.places(kind) else { continue };
            let mine = |m: &Matrix<R::Pack, D>| matrix(|i, j| share * m[i][j]);
            let bar = Response { deformation: mine(&bar.deformation), stress: mine(&bar.stress) };
            let (f, c) = respond_pullback(kind, &self.constants_where(share), trial, &bar);
            trial_bar = plus(trial_bar, R::one().splat(), f);
            let (all, c) = (constants.to_array(), c.to_array());
            constants = Constants::from_array(std::array::from_fn(|k| all[k] + c[k]));
        }
        (trial_bar, constants)
    }
    /// The constants where this kind is, and one elsewhere: what is not asked for must stay a number.
    #[inline(always)]
    fn constants_where(&self, share: R::Pack) -> Constants<R::Pack> {
        let mine = share.gt(R::from_f64(0.5).splat());
        let one = R::one().splat();
        Constants::from_array(self.constants.to_array().map(|c| R::Pack::select(mine, c, one)))
    }
    #[inline(always)]
    fn trial(&self) -> Matrix<R::Pack, D> {
        plus(self.deformation, self.dt, product(&self.velocity_gradient, &self.deformation))
    }
    /// Only a fluid is viscous.
    #[inline(always)]
    fn viscous(&self) -> bool {
        match self.kind {
            Some(kind) => kind == Kind::Fluid,
            None => self.places(Kind::Fluid).is_some(),
        }
    }

    /// The stress of the material, of viscosity `η J (C + Cᵀ)` and of the muscle `a (F d)(F d)ᵀ`.
    #[inline(always)]
    fn stress(&self, trial: &Matrix<R::Pack, D>, response: &Response<R::Pack, D>) -> Matrix<R::Pack, D> {
        let mut stress = response.stress;
        if self.viscous() {
            let both = matrix(|i, j| self.velocity_gradient[i][j] + self.velocity_gradient[j][i]);
            stress = plus(stress, self.constants.viscosity * determinant(trial).0, both);
        }
        if let Some((activation, direction)) = self.muscle {
            let f = along(&response.deformation, &direction);
            stress = plus(stress, activation, matrix(|i, j| f[i] * f[j]));
        }
        stress
    }

    /// What the particles give to the grid.
    #[inline(always)]
    pub fn give(&self) -> Given<R::Pack, D> {
        let trial = self.trial();
        let response = self.response(&trial);
        let stress = self.stress(&trial, &response);
        let mass = self.constants.density * self.volume;
        let pull = -(self.dt * self.volume).times(self.stiffness);
        let affine = matrix(|i, j| mass * self.velocity_gradient[i][j] + pull * stress[i][j]);
        Given { deformation: response.deformation, mass, affine }
    }

    #[inline(never)]
    pub(super) fn give_pullback(&self, bar: &Given<R::Pack, D>) -> MatterBar<R::Pack, D> {
        let trial = self.trial();
        let response = self.response(&trial);
        let stress = self.stress(&trial, &response);
        let mass = self.constants.density * self.volume;
        let pull = -(self.dt * self.volume).times(self.stiffness);
        let mass_bar = bar.mass + inner(&bar.affine, &self.velocity_gradient);
        let mut dt = -(inner(&bar.affine, &stress) * self.volume).times(self.stiffness);
        let mut gradient: Matrix<R::Pack, D> = matrix(|i, j| mass * bar.affine[i][j]);
        let stress_bar: Matrix<R::Pack, D> = matrix(|i, j| pull * bar.affine[i][j]);
        let both = matrix(|i, j| stress_bar[i][j] + stress_bar[j][i]);
        let (mut f_bar, mut activation_bar) = (bar.deformation, R::zero().splat());
        if let Some((activation, direction)) = self.muscle {
            let f = along(&response.deformation, &direction);
            activation_bar = sum(|i| f[i] * sum(|j| stress_bar[i][j] * f[j], D), D);
            let side = along(&both, &f);
            f_bar = plus(f_bar, activation, matrix(|i, j| side[i] * direction[j]));
        }
        let response_bar = Response { deformation: f_bar, stress: stress_bar };
        let (mut trial_bar, mut constants) = self.response_pullback(&trial, &response_bar);
        if self.viscous() {
            let (volume, cofactors) = determinant(&trial);
            let viscosity = self.constants.viscosity;
            gradient = plus(gradient, viscosity * volume, both);
            let strength_bar = inner(&both, &self.velocity_gradient);
            constants.viscosity += strength_bar * volume;
            trial_bar = plus(trial_bar, strength_bar * viscosity, cofactors);
        }
        constants.density += mass_bar * self.volume;
        let step = product(&trial_bar, &transpose(&self.deformation));
        dt += inner(&step, &self.velocity_gradient);
        let pulled = product(&transpose(&self.velocity_gradient), &trial_bar);
        MatterBar {
            constants,
            activation: activation_bar,
            velocity_gradient: plus(gradient, self.dt, step),
            deformation: plus(trial_bar, self.dt, pulled),
            dt,
        }
    }
}

/// A few numbers on their way into a pack.
struct Listed<R> {
    list: [R; 8],
    width: usize,
}

impl<R: Real> Listed<R> {
    #[inline(always)]
    fn new(width: usize, f: impl Fn(usize) -> R) -> Self {
        let mut list = [R::zero(); 8];
        if width == R::WIDTH {
            // As many as always: the compiler moves them together.
            (0..R::WIDTH).for_each(|k| list[k] = f(k));
        } else {
            (0..width).for_each(|k| list[k] = f(k));
        }
        Self { list, width }
    }
    #[inline(always)]
    fn load(&self) -> R::Pack {
        R::load(&self.list[..self.width])
    }
}

/// The stresses and directions of the muscles, if there are any.
#[inline(always)]
fn muscle<R: Real, const D: usize>(
    scene: &Scene<'_, R, D>,
    first: usize,
    width: usize,
) -> Option<(R::Pack, [R::Pack; D])> {
    let layout = scene.layout;
    let pulls = |k: usize| layout.muscle.get(first + k).copied().flatten();
    if (0..width).all(|k| pulls(k).is_none()) {
        return None;
    }
    let activation = Listed::new(width, |k| pulls(k).map_or(R::zero(), |m| scene.activation[m]));
    let along = |i: usize, k: usize| pulls(k).map_or(0.0, |m| layout.muscles[m].direction[i]);
    let direction = |i: usize| Listed::new(width, |k| R::from_f64(along(i, k))).load();
    Some((activation.load(), std::array::from_fn(direction)))
}

/// `A v`.
#[inline(always)]
fn along<P: Real, const D: usize>(a: &Matrix<P, D>, v: &[P; D]) -> [P; D] {
    std::array::from_fn(|i| sum(|j| a[i][j] * v[j], D))
}
