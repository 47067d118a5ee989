//! Bodies of particles on a grid: elastic, fluid, sand, plasticine.
//!
//! The state of a continuum of `n` particles in `D` dimensions is one list, a component of all
//! particles after the other: positions (`D` components), velocities (`D`), affine velocity matrices
//! (`D²`, row by row) and deformation gradients (`D²`, row by row).

use super::description::Shape;
use super::list::each;
use crate::number::{Real, leaf_pullback};
use crate::spatial::{Quat, Vec3};

/// How a material answers to a deformation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Fixed corotated elasticity (Stomakhin et al. 2012).
    Corotated,
    /// Neo-Hookean elasticity.
    NeoHookean,
    /// A weakly compressible fluid with Tait's equation of state.
    Fluid,
    /// Drucker–Prager elastoplasticity in logarithmic strain (Klar et al. 2016).
    Sand,
    /// Von Mises elastoplasticity in logarithmic strain.
    Plasticine,
}

/// The numbers of one material; each kind reads those that it needs.
#[derive(Clone, Copy, Debug)]
pub struct Material<R> {
    /// Mass per initial volume [kg/m³; in two dimensions kg/m²].
    pub density: R,
    /// Young's modulus of a solid [Pa; in two dimensions N/m].
    pub young: R,
    /// Poisson's ratio of a solid; two dimensions are plane strain.
    pub poisson: R,
    /// The angle of internal friction of sand [rad].
    pub friction: R,
    /// The stress at which a bar of plasticine yields [Pa].
    pub yield_stress: R,
    /// The bulk modulus of a fluid [Pa].
    pub bulk: R,
    /// The exponent γ of a fluid: `p = K/γ (J^−γ − 1)`.
    pub exponent: R,
    /// The viscosity of a fluid [Pa s].
    pub viscosity: R,
}

impl<R> Material<R> {
    /// Its numbers in the order of the fields.
    pub fn to_array(self) -> [R; 8] {
        let solid = [self.density, self.young, self.poisson, self.friction, self.yield_stress];
        let [density, young, poisson, friction, yield_stress] = solid;
        [density, young, poisson, friction, yield_stress, self.bulk, self.exponent, self.viscosity]
    }
    /// From its numbers in the order of the fields.
    pub fn from_array(numbers: [R; 8]) -> Self {
        let [density, young, poisson, friction, yield_stress, bulk, exponent, viscosity] = numbers;
        Self { density, young, poisson, friction, yield_stress, bulk, exponent, viscosity }
    }
}

impl<R: Real> Material<R> {
    /// Every number zero: where cotangents start.
    pub fn zero() -> Self {
        Self::from_array([R::zero(); 8])
    }

    /// What the particles read.
    ///
    /// ```text
    /// solids:     μ = E / (2 (1 + ν)),  λ = E ν / ((1 + ν) (1 − 2 ν))
    /// fluid:      λ = K,  limit = γ
    /// sand:       limit = √(2/3) 2 sin φ / (3 − sin φ)
    /// plasticine: limit = √(2/3) σ_y
    /// ```
    pub fn constants(self, kind: Kind) -> Constants<R> {
        let one = R::one();
        let mu = self.young / (one + self.poisson).times(2.0);
        let lambda = self.young * self.poisson / ((one + self.poisson) * (one - self.poisson.times(2.0)));
        let third = (2.0_f64 / 3.0).sqrt();
        let sine = self.friction.sin();
        let (mu, lambda, limit, viscosity) = match kind {
            Kind::Corotated | Kind::NeoHookean => (mu, lambda, R::zero(), R::zero()),
            Kind::Fluid => (R::zero(), self.bulk, self.exponent, self.viscosity),
            Kind::Sand => (mu, lambda, sine.times(2.0 * third) / (R::from_f64(3.0) - sine), R::zero()),
            Kind::Plasticine => (mu, lambda, self.yield_stress.times(third), R::zero()),
        };
        Constants { density: self.density, mu, lambda, limit, viscosity }
    }
    /// The cotangent of the numbers from that of [`Material::constants`].
    pub fn constants_pullback(self, kind: Kind, cotangent: Constants<R>) -> Self {
        let f = |x| Material::from_array(x).constants(kind).to_array();
        Self::from_array(leaf_pullback(f, self.to_array(), cotangent.to_array()))
    }
    /// The speed of pressure waves at rest, `√((λ + 2 μ)/ρ)` [m/s].
    pub fn sound_speed(self, kind: Kind) -> R {
        let c = self.constants(kind);
        ((c.lambda + c.mu.times(2.0)) / c.density).sqrt()
    }
}

/// The numbers of a material as its particles read them.
#[derive(Clone, Copy, Debug)]
pub struct Constants<R> {
    /// Mass per initial volume.
    pub density: R,
    /// Lamé's second modulus, of shear.
    pub mu: R,
    /// Lamé's first modulus, or the bulk modulus of a fluid.
    pub lambda: R,
    /// Where plastic flow begins, or the exponent of a fluid.
    pub limit: R,
    /// Of a fluid.
    pub viscosity: R,
}

impl<R: Real> Constants<R> {
    /// In the order of the fields.
    #[inline(always)]
    pub fn to_array(self) -> [R; 5] {
        [self.density, self.mu, self.lambda, self.limit, self.viscosity]
    }
    /// From the numbers in the order of the fields.
    #[inline(always)]
    pub fn from_array([density, mu, lambda, limit, viscosity]: [R; 5]) -> Self {
        Self { density, mu, lambda, limit, viscosity }
    }
    /// Every number zero.
    #[inline(always)]
    pub fn zero() -> Self {
        Self::from_array([R::zero(); 5])
    }
}

/// The numbers of a continuum, or their cotangents.
#[derive(Clone, Debug)]
pub struct Continuum<R> {
    /// One for each kind of [`ContinuumLayout::kinds`].
    pub materials: Vec<Material<R>>,
    /// Coulomb's coefficient of each wall; only frictional walls read it.
    pub wall_friction: [R; 6],
    /// The stress of a muscle at a control of one [Pa], one for each of [`ContinuumLayout::muscles`].
    pub strength: Vec<R>,
}

impl<R: Copy> Continuum<R> {
    /// The same over another number.
    pub fn map<S>(&self, mut f: impl FnMut(R) -> S) -> Continuum<S> {
        Continuum {
            materials: each(&self.materials, |m| Material::from_array(m.to_array().map(&mut f))),
            wall_friction: self.wall_friction.map(&mut f),
            strength: each(&self.strength, |s| f(*s)),
        }
    }

    /// Visits all numbers in place, in the order of [`Continuum::map`].
    pub(super) fn visit(&mut self, f: &mut impl FnMut(&mut R)) {
        for m in &mut self.materials {
            let mut all = m.to_array();
            all.iter_mut().for_each(&mut *f);
            *m = Material::from_array(all);
        }
        self.wall_friction.iter_mut().chain(&mut self.strength).for_each(f);
    }
}

/// What a wall does to matter that moves into it; matter may always leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wall {
    /// The velocity along the wall stays.
    Slip,
    /// All velocity ends.
    Sticky,
    /// Coulomb's law with the coefficient of the wall.
    Friction,
}

/// A group of particles that pulls itself along a direction fixed in the material.
#[derive(Clone, Copy, Debug)]
pub struct Muscle {
    /// The control that it listens to.
    pub control: usize,
    /// A unit vector of the undeformed body.
    pub direction: [f64; 3],
}

/// Everything about a continuum that is not a differentiable number.
#[derive(Clone, Debug)]
pub struct ContinuumLayout {
    /// Two (the x-y plane) or three.
    pub dimension: usize,
    /// The side of a cell [m].
    pub spacing: f64,
    /// The lower corner of the grid [m].
    pub lower: [f64; 3],
    /// The number of cells along each axis; one more node.
    pub cells: [usize; 3],
    /// Walls act on this many layers of nodes.
    pub border: usize,
    /// At the low and the high end of x, then of y, then of z.
    pub walls: [Wall; 6],
    /// The kind of each material.
    pub kinds: Vec<Kind>,
    /// The material of each particle.
    pub material: Vec<usize>,
    /// The initial volume of each particle [m³ or m²].
    pub volume: Vec<f64>,
    /// The groups of actuated particles.
    pub muscles: Vec<Muscle>,
    /// The muscle of each particle; empty when there are no muscles.
    pub muscle: Vec<Option<usize>>,
}

impl ContinuumLayout {
    /// The axis of the world along an axis of the grid: a plane is that of x and z.
    pub fn axis(&self, k: usize) -> usize {
        if self.dimension == 2 { 2 * k } else { k }
    }
    /// The number of particles.
    pub fn count(&self) -> usize {
        self.material.len()
    }
    /// The length of the state: `2 (D + D²) n`.
    pub fn state_len(&self) -> usize {
        2 * (self.dimension + self.dimension * self.dimension) * self.count()
    }
    /// The time in which a pressure wave crosses a cell, `Δx √(ρ/(λ + 2 μ))`, or viscosity evens out its
    /// velocities, `ρ Δx²/(4 η)`; the shortest of all materials [s]: a longer substep explodes.
    pub fn longest_substep<R: Real>(&self, numbers: &Continuum<R>) -> f64 {
        let times = self.kinds.iter().zip(&numbers.materials).map(|(kind, material)| {
            let c = material.constants(*kind);
            let evened = 0.25 * c.density.first() * self.spacing / c.viscosity.first().max(f64::MIN_POSITIVE);
            self.spacing * evened.min(1.0 / material.sound_speed(*kind).first())
        });
        times.fold(f64::INFINITY, f64::min)
    }
}

/// The form of an obstacle, about its own origin and axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The half-space below `z = 0`.
    Plane,
    /// Radius `size.x`.
    Sphere,
    /// Along z: radius `size.x`, half length of the middle part `size.y`.
    Capsule,
    /// Half lengths `size`.
    Box,
    /// Along z: radius `size.x`, half length `size.y`.
    Cylinder,
    /// Half axes `size`.
    Ellipsoid,
}

impl Form {
    /// Of a shape as matter sees it; meshes have none.
    pub fn of(shape: Shape) -> Option<Self> {
        match shape {
            Shape::Plane => Some(Self::Plane),
            Shape::Sphere => Some(Self::Sphere),
            Shape::Capsule => Some(Self::Capsule),
            Shape::Box => Some(Self::Box),
            Shape::Cylinder => Some(Self::Cylinder),
            Shape::Ellipsoid => Some(Self::Ellipsoid),
            Shape::Mesh(_) => None,
        }
    }
}

/// A rigid body in the way of the particles, or the cotangent of its numbers.
#[derive(Clone, Copy, Debug)]
pub struct Obstacle<R> {
    /// Its form.
    pub form: Form,
    /// The lengths of the form [m].
    pub size: Vec3<R>,
    /// Of its origin in the world [m].
    pub position: Vec3<R>,
    /// From its axes to the world's.
    pub rotation: Quat<R>,
    /// In world axes [rad/s].
    pub angular_velocity: Vec3<R>,
    /// Of its origin, in world axes [m/s].
    pub velocity: Vec3<R>,
    /// Coulomb's coefficient.
    pub friction: R,
}

impl<R: Real> Obstacle<R> {
    /// Every number zero: where the cotangent of an obstacle of this form starts.
    pub fn zero(form: Form) -> Self {
        let zero = Vec3::zero();
        Self {
            form,
            size: zero,
            position: zero,
            rotation: Quat { w: R::zero(), v: zero },
            angular_velocity: zero,
            velocity: zero,
            friction: R::zero(),
        }
    }
    /// The same over another number.
    pub fn map<S: Real>(&self, f: impl Fn(R) -> S) -> Obstacle<S> {
        Obstacle {
            form: self.form,
            size: self.size.map(&f),
            position: self.position.map(&f),
            rotation: self.rotation.map(&f),
            angular_velocity: self.angular_velocity.map(&f),
            velocity: self.velocity.map(&f),
            friction: f(self.friction),
        }
    }
}
