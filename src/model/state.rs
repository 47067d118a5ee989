//! What changes during a rollout, and its cotangent.

use super::Model;
use super::description::JointKind;
use super::list::each;
use crate::number::{Real, copy};
use crate::spatial::{Force, Pose, Quat, Vec3, so3_right_jacobian};

/// The state of a world: nothing in it is derived, but for where a search starts.
#[derive(Clone, Debug)]
pub struct State<R> {
    /// Configuration (nq): free joints as position and quaternion, ball joints as quaternion,
    /// slides and hinges as one number [m, rad].
    pub q: Vec<R>,
    /// Velocity (nv), in the tangent space of the configuration [m/s, rad/s].
    pub v: Vec<R>,
    /// Activations (na), one for each actuator with dynamics.
    pub act: Vec<R>,
    /// [s]
    pub time: R,
    /// Poses of the mocap bodies in the world.
    pub mocap: Vec<Pose<R>>,
    /// Where the search for the constrained acceleration starts: the last one, or nothing if the model has
    /// no constraints. It decides on last bits only, and has no cotangent.
    pub warm: Vec<R>,
    /// Positions, velocities and deformations of all particles, as the layout orders them.
    pub particles: Vec<R>,
}

/// What acts on a world during one step.
#[derive(Clone, Debug)]
pub struct Input<R> {
    /// Controls (nu).
    pub u: Vec<R>,
    /// Applied generalized force (nv) [N, N m], or empty for none.
    pub force: Vec<R>,
    /// Applied wrench of each body: torque and force in world axes at its centre of mass [N m, N], or
    /// empty for none.
    pub wrench: Vec<Force<R>>,
    /// Applied force on each mass point [N], or empty for none.
    pub push: Vec<Vec3<R>>,
}

/// The cotangent of a state, in its tangent space: rotations of free and ball joints in body axes.
#[derive(Clone, Debug)]
pub struct Costate<R> {
    /// (nv)
    pub q: Vec<R>,
    /// (nv)
    pub v: Vec<R>,
    /// (na)
    pub act: Vec<R>,
    /// Of each mocap pose: a turn on the left about its own origin, and the position.
    pub mocap: Vec<Force<R>>,
    /// One for each number of the particles.
    pub particles: Vec<R>,
}

impl<R: Real> State<R> {
    /// The reference configuration at rest.
    pub fn reference(model: &Model<R>) -> Self {
        let t = &model.topology;
        let mut q = vec![R::zero(); t.nq];
        for (joint, layout) in model.joints.iter().zip(&t.joints) {
            let body = &model.bodies[layout.body];
            match layout.kind {
                JointKind::Free => {
                    q[layout.q..layout.q + 3].copy_from_slice(&body.position.to_array());
                    q[layout.q + 3..layout.q + 7].copy_from_slice(&body.rotation.to_array());
                }
                JointKind::Ball => q[layout.q] = R::one(),
                _ => q[layout.q] = joint.reference,
            }
        }
        let warm = vec![R::zero(); if t.constrained { t.nv } else { 0 }];
        let mocap = t.mocap_bodies.iter().map(|&b| model.bodies[b].pose()).collect();
        Self {
            q,
            v: vec![R::zero(); t.nv],
            act: vec![R::zero(); t.na],
            time: R::zero(),
            mocap,
            warm,
            particles: model.particles.start(&t.particles),
        }
    }

    /// The same state over another number.
    pub fn map<S>(&self, f: impl Fn(R) -> S + Copy) -> State<S> {
        self.map_by(&f)
    }

    fn map_by<S>(&self, f: &dyn Fn(R) -> S) -> State<S> {
        let all = |x: &[R]| each(x, |&x| f(x));
        State {
            q: all(&self.q),
            v: all(&self.v),
            act: all(&self.act),
            time: f(self.time),
            mocap: each(&self.mocap, |p| p.map(f)),
            warm: all(&self.warm),
            particles: all(&self.particles),
        }
    }

    /// Overwrites this state without allocating.
    pub fn copy_from(&mut self, other: &Self) {
        self.copy_as(other, |x| x);
    }

    /// Overwrites this state with that over another number.
    pub fn copy_as<S: Real>(&mut self, other: &State<S>, f: impl Fn(S) -> R + Copy) {
        copy(&mut self.q, &other.q, f);
        copy(&mut self.v, &other.v, f);
        copy(&mut self.act, &other.act, f);
        self.time = f(other.time);
        copy(&mut self.mocap, &other.mocap, |x| x.map(f));
        copy(&mut self.warm, &other.warm, f);
        copy(&mut self.particles, &other.particles, f);
    }

    /// The quaternion of `q` at entry `at`, as stored.
    pub fn quat(&self, at: usize) -> Quat<R> {
        Quat::new(self.q[at], self.q[at + 1], self.q[at + 2], self.q[at + 3])
    }

    /// `self ⊞ w`: moves along a tangent of (q, v, act), translations and scalars by addition,
    /// rotations by `q ⊗ exp(w)`.
    pub fn moved(&self, model: &Model<R>, q: &[R], v: &[R], act: &[R]) -> Self {
        let mut out = self.clone();
        advance_configuration(model, &self.q, q, R::one(), &mut out.q);
        for (out, d) in out.v.iter_mut().zip(v) {
            *out += *d;
        }
        for (out, d) in out.act.iter_mut().zip(act) {
            *out += *d;
        }
        out
    }

    /// `self ⊟ base`: the tangent of the configuration that moves `base` to `self`.
    pub fn minus(&self, base: &Self, model: &Model<R>) -> Vec<R> {
        let mut out = vec![R::zero(); model.topology.nv];
        for layout in &model.topology.joints {
            let (q, v) = (layout.q, layout.v);
            let mut turn = |q: usize, v: usize| {
                let w = (base.quat(q).normalized().conjugate() * self.quat(q).normalized()).log();
                out[v..v + 3].copy_from_slice(&w.to_array());
            };
            match layout.kind {
                JointKind::Free => {
                    turn(q + 3, v + 3);
                    for k in 0..3 {
                        out[v + k] = self.q[q + k] - base.q[q + k];
                    }
                }
                JointKind::Ball => turn(q, v),
                _ => out[v] = self.q[q] - base.q[q],
            }
        }
        out
    }
}

/// `out = q ⊞ h v`.
pub fn advance_configuration<R: Real>(model: &Model<R>, q: &[R], v: &[R], h: R, out: &mut [R]) {
    for layout in &model.topology.joints {
        let (a, b) = (layout.q, layout.v);
        let turn = |at: usize, v: &[R]| {
            let old = Quat::new(q[at], q[at + 1], q[at + 2], q[at + 3]).normalized();
            (old * Quat::exp(Vec3::new(v[0], v[1], v[2]) * h)).to_array()
        };
        match layout.kind {
            JointKind::Free => {
                for k in 0..3 {
                    out[a + k] = q[a + k] + h * v[b + k];
                }
                out[a + 3..a + 7].copy_from_slice(&turn(a + 3, &v[b + 3..b + 6]));
            }
            JointKind::Ball => out[a..a + 4].copy_from_slice(&turn(a, &v[b..b + 3])),
            _ => out[a] = q[a] + h * v[b],
        }
    }
}

/// The pullback of [`advance_configuration`] in the tangent space: adds to the cotangents of the old
/// configuration and of the velocity, and returns that of `h`.
///
/// Rotations: `δθ' = exp(φ)ᵀ δθ + h J_r(φ) δω`, `φ = h ω`.
pub fn advance_configuration_pullback<R: Real>(
    model: &Model<R>,
    velocity: impl Fn(usize) -> R,
    h: R,
    cotangent: &[R],
    (out_q, out_v): (&mut [R], &mut [R]),
) -> R {
    let mut by_h = R::zero();
    for layout in &model.topology.joints {
        let start = layout.v;
        let (scalars, turn) = match layout.kind {
            JointKind::Free => (start..start + 3, Some(start + 3)),
            JointKind::Ball => (start..start, Some(start)),
            _ => (start..start + 1, None),
        };
        for i in scalars {
            out_q[i] += cotangent[i];
            out_v[i] += h * cotangent[i];
            by_h += velocity(i) * cotangent[i];
        }
        if let Some(at) = turn {
            let omega = Vec3::new(velocity(at), velocity(at + 1), velocity(at + 2));
            let w = Vec3::new(cotangent[at], cotangent[at + 1], cotangent[at + 2]);
            let phi = omega * h;
            by_h += omega.dot(w);
            let by_q = Quat::exp(phi).rotate(w).to_array();
            let by_v = (so3_right_jacobian(phi).transpose_mul(w) * h).to_array();
            for k in 0..3 {
                out_q[at + k] += by_q[k];
                out_v[at + k] += by_v[k];
            }
        }
    }
    by_h
}

impl<R: Real> Input<R> {
    /// No control, and nothing applied.
    pub fn zero(model: &Model<R>) -> Self {
        Self {
            u: vec![R::zero(); model.topology.nu],
            force: Vec::new(),
            wrench: Vec::new(),
            push: Vec::new(),
        }
    }
    /// No control, and room for applied forces.
    pub fn zero_applied(model: &Model<R>) -> Self {
        let t = &model.topology;
        let wrench = vec![Force::zero(); t.bodies.len()];
        let push = vec![Vec3::zero(); t.particles.count];
        Self { force: vec![R::zero(); t.nv], wrench, push, ..Self::zero(model) }
    }
    /// The same input over another number.
    pub fn map<S: Real>(&self, f: impl Fn(R) -> S + Copy) -> Input<S> {
        self.map_by(&f)
    }

    fn map_by<S: Real>(&self, f: &dyn Fn(R) -> S) -> Input<S> {
        Input {
            u: each(&self.u, |&x| f(x)),
            force: each(&self.force, |&x| f(x)),
            wrench: each(&self.wrench, |w| Force::new(w.torque.map(f), w.force.map(f))),
            push: each(&self.push, |x| x.map(f)),
        }
    }
}

impl<R: Real> Input<R> {
    /// Sets all entries to zero.
    pub fn clear(&mut self) {
        self.u.fill(R::zero());
        self.force.fill(R::zero());
        self.wrench.fill(Force::zero());
        self.push.fill(Vec3::zero());
    }
    /// Overwrites this input without allocating.
    pub fn copy_from(&mut self, other: &Self) {
        self.copy_as(other, |x| x);
    }
    /// Overwrites this input with that over another number.
    pub fn copy_as<S: Real>(&mut self, other: &Input<S>, f: impl Fn(S) -> R + Copy) {
        copy(&mut self.u, &other.u, f);
        copy(&mut self.force, &other.force, f);
        copy(&mut self.wrench, &other.wrench, |w| Force::new(w.torque.map(f), w.force.map(f)));
        copy(&mut self.push, &other.push, |x| x.map(f));
    }
    /// Adds another input, entry by entry.
    pub fn add(&mut self, other: &Self) {
        self.u.iter_mut().zip(&other.u).for_each(|(a, b)| *a += *b);
        self.force.iter_mut().zip(&other.force).for_each(|(a, b)| *a += *b);
        self.wrench.iter_mut().zip(&other.wrench).for_each(|(a, b)| *a += *b);
        self.push.iter_mut().zip(&other.push).for_each(|(a, b)| *a += *b);
    }
    /// How many controls, forces, wrenches and pushes it has.
    fn sizes(&self) -> [usize; 4] {
        [self.u.len(), self.force.len(), self.wrench.len(), self.push.len()]
    }
}

/// Overwrites inputs with those over another number; allocates only where sizes differ.
pub(crate) fn copy_inputs<R: Real, S: Real>(
    own: &mut Vec<Input<R>>,
    new: &[Input<S>],
    f: impl Fn(S) -> R + Copy,
) {
    own.truncate(new.len());
    let known = own.len();
    for (own, new) in own.iter_mut().zip(new) {
        if own.sizes() == new.sizes() {
            own.copy_as(new, f);
        } else {
            *own = new.map(f);
        }
    }
    own.extend(new[known..].iter().map(|new| new.map(f)));
}

impl<R: Real> Costate<R> {
    /// The same costate over another number.
    pub fn map<S: Real>(&self, f: impl Fn(R) -> S + Copy) -> Costate<S> {
        let all = |x: &[R]| x.iter().map(|&x| f(x)).collect();
        let force = |w: &Force<R>| Force::new(w.torque.map(f), w.force.map(f));
        let mocap = self.mocap.iter().map(force).collect();
        Costate {
            q: all(&self.q),
            v: all(&self.v),
            act: all(&self.act),
            mocap,
            particles: all(&self.particles),
        }
    }
    /// Sets all entries to zero.
    pub fn clear(&mut self) {
        for all in [&mut self.q, &mut self.v, &mut self.act, &mut self.particles] {
            all.fill(R::zero());
        }
        self.mocap.fill(Force::zero());
    }
    /// No cotangent.
    pub fn zero(model: &Model<R>) -> Self {
        let t = &model.topology;
        Self {
            q: vec![R::zero(); t.nv],
            v: vec![R::zero(); t.nv],
            act: vec![R::zero(); t.na],
            mocap: vec![Force::zero(); t.mocap_bodies.len()],
            particles: vec![R::zero(); t.particles.numbers],
        }
    }
    /// Overwrites this costate without allocating.
    pub fn copy_from(&mut self, other: &Self) {
        self.copy_as(other, |x| x);
    }
    /// Overwrites this costate with that over another number.
    pub fn copy_as<S: Real>(&mut self, other: &Costate<S>, f: impl Fn(S) -> R + Copy) {
        copy(&mut self.q, &other.q, f);
        copy(&mut self.v, &other.v, f);
        copy(&mut self.act, &other.act, f);
        copy(&mut self.mocap, &other.mocap, |w| Force::new(w.torque.map(f), w.force.map(f)));
        copy(&mut self.particles, &other.particles, f);
    }
}
