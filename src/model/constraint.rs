//! What limits, ties and touches: the numbers of constraints, and what they act on.
//!
//! Every constraint has a reference and an impedance in MuJoCo's form. `solref` is a time constant and a
//! damping ratio, or, both not positive, minus a stiffness and minus a damping per unit of inertia;
//! `solimp` is `d₀, d_width, width, midpoint, power` (MuJoCo's documentation, "Solver parameters").

use super::tree::Topology;
use crate::number::Real;
use crate::spatial::Pose;

/// A range that a joint or tendon does not leave.
#[derive(Clone, Copy, Debug)]
pub struct Limit<R> {
    /// Lower and upper end [m, rad]; of a ball joint the second is the largest angle.
    pub range: [R; 2],
    /// How far from an end it begins to act [m, rad].
    pub margin: R,
    /// Reference.
    pub solref: [R; 2],
    /// Impedance.
    pub solimp: [R; 5],
}

/// Dry friction of each dof of a joint, or along a tendon.
#[derive(Clone, Copy, Debug)]
pub struct FrictionLoss<R> {
    /// The largest force [N, N m].
    pub force: R,
    /// Reference.
    pub solref: [R; 2],
    /// Impedance.
    pub solimp: [R; 5],
}

/// The numbers of an equality constraint; what its kind does not use stands still.
#[derive(Clone, Copy, Debug)]
pub struct Equality<R> {
    /// Reference.
    pub solref: [R; 2],
    /// Impedance.
    pub solimp: [R; 5],
    /// The frames in both bodies that meet; of a connection only their origins count.
    pub frames: [Pose<R>; 2],
    /// Weighs rotations against translations [m].
    pub torque_scale: R,
    /// Five coefficients, from the constant on: `x = P(y)`.
    pub polynomial: [R; 5],
}

/// What an equality ties together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tie {
    /// The origins of the two frames.
    Point([usize; 2]),
    /// The two frames.
    Frame([usize; 2]),
    /// A joint to a polynomial of another, or to a constant; both measured from the reference.
    Joints(usize, Option<usize>),
    /// A tendon to a polynomial of another, or to a constant; both measured from the reference.
    Tendons(usize, Option<usize>),
}

/// What an equality constraint acts on.
#[derive(Clone, Copy, Debug)]
pub struct EqualityLayout {
    /// What it ties together.
    pub tie: Tie,
    /// Whether it acts.
    pub active: bool,
    /// The frame that is found at the reference configuration, where it meets the other one.
    pub found: Option<usize>,
}

/// The numbers of an explicit pair of geoms.
#[derive(Clone, Copy, Debug)]
pub struct Pair<R> {
    /// Two sliding, one torsional [m], two rolling [m].
    pub friction: [R; 5],
    /// Reference along the normal.
    pub solref: [R; 2],
    /// Reference of the friction; zero: that of the normal.
    pub solref_friction: [R; 2],
    /// Impedance.
    pub solimp: [R; 5],
    /// The distance at which the contact acts [m].
    pub margin: R,
    /// How much earlier the contact is listed [m]; without effect on the motion.
    pub gap: R,
}

/// Numbers that replace those of every contact.
#[derive(Clone, Copy, Debug)]
pub struct Override<R> {
    /// The distance at which a contact acts [m].
    pub margin: R,
    /// Reference, of the friction too.
    pub solref: [R; 2],
    /// Impedance.
    pub solimp: [R; 5],
    /// Two sliding, one torsional [m], two rolling [m].
    pub friction: [R; 5],
}

/// What follows from the inertia at the reference configuration and sets the size of constraint forces.
///
/// All lists are empty in a model without constraints.
#[derive(Clone, Debug)]
pub struct Constants<R> {
    /// Translational and rotational, of each body [1/kg, 1/(kg m²)].
    pub body_invweight: Vec<[R; 2]>,
    /// Of each dof (nv).
    pub dof_invweight: Vec<R>,
    /// Of each tendon [1/kg].
    pub tendon_invweight: Vec<R>,
    /// The length of each tendon [m].
    pub tendon_length: Vec<R>,
}

impl<R: Real> Constants<R> {
    /// Room for one model.
    pub fn zero(t: &Topology) -> Self {
        let zero = |n| vec![R::zero(); if t.constrained { n } else { 0 }];
        let bodies = if t.constrained { t.bodies.len() } else { 0 };
        Self {
            body_invweight: vec![[R::zero(); 2]; bodies],
            dof_invweight: zero(t.nv),
            tendon_invweight: zero(t.tendons.len()),
            tendon_length: zero(t.tendons.len()),
        }
    }
}
