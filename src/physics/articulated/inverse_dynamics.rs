//! Newton and Euler on the tree: the generalized force that a motion needs.

use super::{Links, LinksCotangent};
use crate::model::Model;
use crate::number::Real;
use crate::spatial::{Force, Inertia, Mat3, Motion, Sym3, Vec3};

/// The bias force `c` (nv) [N, N m]: what the motion with `a = 0` needs, Coriolis, centrifugal and
/// gravity. `scratch` holds one wrench per body.
///
/// `F_b = I_b A_b + V_b ×* I_b V_b`, summed from the leaves; `c_i = S_i · F` (Featherstone 2008,
/// table 5.1).
pub fn bias<R: Real>(model: &Model<R>, links: &Links<R>, scratch: &mut [Force<R>], out: &mut [R]) {
    for (force, link) in scratch.iter_mut().zip(&links.bodies) {
        *force =
            link.inertia.mul(link.acceleration) + link.velocity.cross_force(link.inertia.mul(link.velocity));
    }
    project(model, links, scratch, out);
}

/// `J^T F`: the generalized force of one wrench per body; the wrenches are summed in place.
pub fn project<R: Real>(model: &Model<R>, links: &Links<R>, wrench: &mut [Force<R>], out: &mut [R]) {
    // From the leaves to the root: collect wrenches.
    for (b, body) in model.topology.bodies.iter().enumerate().skip(1).rev() {
        let sum = wrench[b];
        for i in body.dofs.clone() {
            out[i] = links.axes[i].motion.dot(sum);
        }
        wrench[body.parent] += sum;
    }
}

/// Fields that [`inverse_dynamics_pullback`] works in, one entry per body.
#[derive(Clone, Debug)]
pub struct Fields<R> {
    /// Of the weight: `L_b = Σ S_i λ_i`.
    pub weight: Vec<Motion<R>>,
    /// Of the acceleration: `Σ S_i a_i`.
    pub acceleration: Vec<Motion<R>>,
    /// The cotangent of the weight's field.
    pub weight_cotangent: Vec<Force<R>>,
}

impl<R: Real> Fields<R> {
    /// Room for one model.
    pub fn new(model: &Model<R>) -> Self {
        let n = model.topology.bodies.len();
        Self {
            weight: vec![Motion::zero(); n],
            acceleration: vec![Motion::zero(); n],
            weight_cotangent: vec![Force::zero(); n],
        }
    }
}

/// The pullback of inverse dynamics: adds the derivative of `λ · (M a + c)` at fixed `a`, armature
/// aside, to the cotangents of links and model.
///
/// With the fields `L` of `λ` and `A` of `a`, the scalar is `Σ_b L·(I A + V ×* I V)
/// = Σ_b L·I A − B·I V`, `B = V × L`: bilinear forms in the inertias, which move with the bodies.
pub fn inverse_dynamics_pullback<R: Real>(
    model: &Model<R>,
    links: &Links<R>,
    (a, weight): (&[R], &[R]),
    fields: &mut Fields<R>,
    cotangent: &mut LinksCotangent<R>,
    out_model: &mut Model<R>,
) {
    let t = &model.topology;
    fields.weight[0] = Motion::zero();
    fields.acceleration[0] = Motion::zero();
    for b in 1..t.bodies.len() {
        let layout = &t.bodies[b];
        let (mut l, mut rise) = (fields.weight[layout.parent], fields.acceleration[layout.parent]);
        for i in layout.dofs.clone() {
            l += links.axes[i].motion * weight[i];
            rise += links.axes[i].motion * a[i];
        }
        (fields.weight[b], fields.acceleration[b]) = (l, rise);
        let acceleration = rise + links.bodies[b].acceleration;
        fields.weight_cotangent[b] =
            wrench_pullback(model, links, b, (l, acceleration), cotangent, out_model);
    }
    // From the leaves to the root: what the field of the weight asks of the axes.
    for (b, body) in t.bodies.iter().enumerate().skip(1).rev() {
        let l = fields.weight_cotangent[b];
        for i in body.dofs.clone() {
            cotangent.axis[i] += l * weight[i];
        }
        fields.weight_cotangent[body.parent] += l;
    }
    // The axes' share of A is collected with the bodies' accelerations.
    for (own, a) in cotangent.a.iter_mut().zip(a) {
        *own += *a;
    }
}

/// The pullback of `L·(I A + V ×* I V)` of one body at a fixed twist `L`; returns the cotangent of `L`: the
/// wrench itself.
#[inline(always)]
pub(crate) fn wrench_pullback<R: Real>(
    model: &Model<R>,
    links: &Links<R>,
    b: usize,
    (l, acceleration): (Motion<R>, Motion<R>),
    cotangent: &mut LinksCotangent<R>,
    out_model: &mut Model<R>,
) -> Force<R> {
    let link = &links.bodies[b];
    let v = link.velocity;
    let twist = v.cross(l);
    let inertia = &link.inertia;
    let (il, ia) = (inertia.mul(l), inertia.mul(acceleration));
    let (iv, it) = (inertia.mul(v), inertia.mul(twist));
    // L·I A − B·I V: by A, by V (both through I V and through B = V × L).
    cotangent.acceleration[b] += il;
    cotangent.velocity[b] += -(l.cross_force(iv) + it);
    // The inertia moves rigidly with the body.
    cotangent.wrench[b] +=
        -(l.cross_force(ia) + acceleration.cross_force(il)) + twist.cross_force(iv) + v.cross_force(it);
    if cotangent.parameters {
        let form = Inertia::form(l, acceleration) + negative(Inertia::form(twist, v));
        inertia_pullback(model, links, b, form, out_model);
    }
    ia + v.cross_force(iv)
}

#[inline(always)]
fn negative<R: Real>(i: Inertia<R>) -> Inertia<R> {
    Inertia { mass: -i.mass, first: -i.first, second: i.second.scale(-R::one()) }
}

/// From the cotangent of a body's spatial inertia, about the reference point in world axes, to those
/// of its mass, centre and central inertia.
#[inline(always)]
pub(crate) fn inertia_pullback<R: Real>(
    model: &Model<R>,
    links: &Links<R>,
    b: usize,
    form: Inertia<R>,
    out: &mut Model<R>,
) {
    let (link, body) = (&links.bodies[b], &model.bodies[b]);
    let d = link.center - link.origin;
    let s = form.second;
    let point = Sym3::point(d);
    let dot = |a: [R; 6], b: [R; 6]| a.iter().zip(b).fold(R::zero(), |sum, (a, b)| sum + *a * b);
    let share = &mut out.bodies[b];
    share.mass += form.mass + form.first.dot(d) + dot(s.to_array(), point.to_array());
    let by_d = Vec3::new(
        (d.x * (s.yy + s.zz)).times(2.0) - s.xy * d.y - s.xz * d.z,
        (d.y * (s.xx + s.zz)).times(2.0) - s.xy * d.x - s.yz * d.z,
        (d.z * (s.xx + s.yy)).times(2.0) - s.xz * d.x - s.yz * d.y,
    );
    share.center += link.rotation.transpose_mul((form.first + by_d) * body.mass);
    share.inertia += turned_form(s, link.rotation);
}

/// `Rᵀ S R` for the cotangent of a symmetric matrix, whose off-diagonal entries count twice.
#[inline(always)]
fn turned_form<R: Real>(s: Sym3<R>, r: Mat3<R>) -> Sym3<R> {
    let half = |x: R| x.times(0.5);
    let full = Sym3 { xy: half(s.xy), xz: half(s.xz), yz: half(s.yz), ..s };
    let out = full.rotated(r.transpose());
    Sym3 { xy: out.xy + out.xy, xz: out.xz + out.xz, yz: out.yz + out.yz, ..out }
}
