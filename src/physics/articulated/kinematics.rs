//! Poses, velocities and joint axes of all bodies.

use crate::model::description::JointKind;
use crate::model::{Costate, Model, State};
use crate::number::Real;
use crate::spatial::{Force, Inertia, Mat3, Motion, Pose, Quat, Vec3};

/// Where a body is and how it moves.
#[derive(Clone, Copy, Debug)]
pub struct Link<R> {
    /// Of the body's frame in the world.
    pub position: Vec3<R>,
    /// From body axes to world axes.
    pub quat: Quat<R>,
    /// The same as a matrix.
    pub rotation: Mat3<R>,
    /// The reference point of its tree.
    pub origin: Vec3<R>,
    /// The centre of mass in the world.
    pub center: Vec3<R>,
    /// About the reference point, in world axes.
    pub inertia: Inertia<R>,
    /// At the reference point.
    pub velocity: Motion<R>,
    /// The acceleration for `a = 0`, gravity included as `−g` of the world.
    pub acceleration: Motion<R>,
}

/// A degree of freedom: its axis, and the rate of change of the axis.
#[derive(Clone, Copy, Debug)]
pub struct Axis<R> {
    /// The twist of the bodies below for a unit rate.
    pub motion: Motion<R>,
    /// How the axis itself moves.
    pub rate: Motion<R>,
}

/// All bodies of a world and their joint axes, at one state.
#[derive(Clone, Debug)]
pub struct Links<R> {
    /// The world first.
    pub bodies: Vec<Link<R>>,
    /// One for each dof.
    pub axes: Vec<Axis<R>>,
    /// The body just before each joint's own motion.
    before: Vec<Before<R>>,
}

/// How a body is turned before a joint moves it, and the joint's axis and anchor in the world.
#[derive(Clone, Copy, Debug)]
struct Before<R> {
    quat: Quat<R>,
    axis: Vec3<R>,
    anchor: Vec3<R>,
    /// `sin φ` and `1 − cos φ` of a hinge.
    turn: [R; 2],
}

/// The cotangent of [`Links`].
#[derive(Clone, Debug)]
pub struct LinksCotangent<R> {
    /// Of each body's pose, as a wrench: the power of a twist that displaces the body.
    pub wrench: Vec<Force<R>>,
    /// Of each body's velocity.
    pub velocity: Vec<Force<R>>,
    /// Of each body's bias acceleration.
    pub acceleration: Vec<Force<R>>,
    /// Of each joint axis.
    pub axis: Vec<Force<R>>,
    /// A joint acceleration that the bodies' accelerations contain too: `A_b = … + Σ S_i a_i`.
    pub a: Vec<R>,
    /// Whether the model's numbers are asked for too.
    pub parameters: bool,
}

impl<R: Real> Links<R> {
    /// Room for one model.
    pub fn new(model: &Model<R>) -> Self {
        let world = Link {
            position: Vec3::zero(),
            quat: Quat::identity(),
            rotation: Mat3::identity(),
            origin: Vec3::zero(),
            center: Vec3::zero(),
            inertia: Inertia::zero(),
            velocity: Motion::zero(),
            acceleration: Motion::zero(),
        };
        let t = &model.topology;
        Self {
            bodies: vec![world; t.bodies.len()],
            axes: vec![Axis { motion: Motion::zero(), rate: Motion::zero() }; t.nv],
            before: vec![
                Before {
                    quat: Quat::identity(),
                    axis: Vec3::zero(),
                    anchor: Vec3::zero(),
                    turn: [R::zero(); 2]
                };
                t.joints.len()
            ],
        }
    }
    /// Overwrites these links with those over another number.
    pub fn copy_from<S: Real>(&mut self, other: &Links<S>, f: impl Fn(S) -> R + Copy) {
        for (own, x) in self.bodies.iter_mut().zip(&other.bodies) {
            *own = Link {
                position: x.position.map(f),
                quat: x.quat.map(f),
                rotation: x.rotation.map(f),
                origin: x.origin.map(f),
                center: x.center.map(f),
                inertia: x.inertia.map(f),
                velocity: x.velocity.map(f),
                acceleration: x.acceleration.map(f),
            };
        }
        for (own, x) in self.axes.iter_mut().zip(&other.axes) {
            *own = Axis { motion: x.motion.map(f), rate: x.rate.map(f) };
        }
        for (own, x) in self.before.iter_mut().zip(&other.before) {
            *own = Before {
                quat: x.quat.map(f),
                axis: x.axis.map(f),
                anchor: x.anchor.map(f),
                turn: x.turn.map(f),
            };
        }
    }
    /// The bytes of memory behind it.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.bodies[..]) + size_of_val(&self.axes[..]) + size_of_val(&self.before[..])
    }
    /// The velocities `Y_b = Σ S_i y_i` that a joint velocity `y` gives to the bodies.
    pub fn field(&self, model: &Model<R>, y: &[R], out: &mut [Motion<R>]) {
        out[0] = Motion::zero();
        for (b, body) in model.topology.bodies.iter().enumerate().skip(1) {
            let mut sum = out[body.parent];
            for i in body.dofs.clone() {
                sum += self.axes[i].motion * y[i];
            }
            out[b] = sum;
        }
    }
    /// The place of a point fixed in a body.
    pub fn point(&self, body: usize, local: Vec3<R>) -> Vec3<R> {
        self.bodies[body].position + self.bodies[body].rotation * local
    }
    /// The pose of a site.
    pub fn site(&self, model: &Model<R>, site: usize) -> (Vec3<R>, Quat<R>) {
        let (b, s) = (model.topology.sites[site], &model.sites[site]);
        (self.point(b, s.position), self.bodies[b].quat * s.rotation)
    }
}

impl<R: Real> LinksCotangent<R> {
    /// No cotangent.
    pub fn new(model: &Model<R>) -> Self {
        let (bodies, dofs) = (model.topology.bodies.len(), model.topology.nv);
        let zero = |n| vec![Force::zero(); n];
        Self {
            wrench: zero(bodies),
            velocity: zero(bodies),
            acceleration: zero(bodies),
            axis: zero(dofs),
            a: vec![R::zero(); dofs],
            parameters: true,
        }
    }
    /// Sets all entries to zero.
    pub fn clear(&mut self) {
        for all in [&mut self.wrench, &mut self.velocity, &mut self.acceleration, &mut self.axis] {
            all.fill(Force::zero());
        }
        self.a.fill(R::zero());
    }
    /// Adds the cotangent of the place of a point of a body.
    #[inline(always)]
    pub fn add_point(&mut self, links: &Links<R>, body: usize, place: Vec3<R>, cotangent: Vec3<R>) {
        self.wrench[body] += Force::at(place - links.bodies[body].origin, cotangent);
    }
    /// Adds the cotangent of a site's place and of a small turn of it in world axes, and gives the
    /// site's own pose its share.
    pub fn add_site(
        &mut self,
        model: &Model<R>,
        links: &Links<R>,
        site: usize,
        place: Vec3<R>,
        turn: Vec3<R>,
        out: &mut Model<R>,
    ) {
        let b = model.topology.sites[site];
        let at = links.point(b, model.sites[site].position);
        self.add_point(links, b, at, place);
        self.wrench[b].torque += turn;
        out.sites[site].position += links.bodies[b].rotation.transpose_mul(place);
        out.sites[site].rotation.v += links.bodies[b].rotation.transpose_mul(turn);
    }
    /// Adds what a field `Y_b = Σ S_i y_i` with cotangents `field` of each body asks of the axes;
    /// `field` is summed over subtrees in place. Returns through `y` the cotangent of `y`.
    pub fn add_field(
        &mut self,
        model: &Model<R>,
        links: &Links<R>,
        y: &[R],
        field: &mut [Force<R>],
        mut out: impl FnMut(usize, R),
    ) {
        for (b, body) in model.topology.bodies.iter().enumerate().skip(1).rev() {
            let sum = field[b];
            for i in body.dofs.clone() {
                self.axis[i] += sum * y[i];
                out(i, links.axes[i].motion.dot(sum));
            }
            field[body.parent] += sum;
        }
    }
}

/// Poses, joint axes, spatial inertias, velocities and bias accelerations of all bodies
/// (`physics` of trees: Featherstone 2008, chapters 4 and 5).
pub fn kinematics<R: Real>(model: &Model<R>, state: &State<R>, links: &mut Links<R>) {
    links.bodies[0].acceleration = Motion::new(Vec3::zero(), -model.option.gravity);
    // From the root to the leaves.
    for b in 1..model.bodies.len() {
        let layout = &model.topology.bodies[b];
        let pose = place(model, state, links, b);
        let rotation = pose.rotation.to_matrix();
        let position = pose.position;
        let origin = if layout.root == b { position } else { links.bodies[layout.root].position };
        axes(model, links, b, origin, position, rotation);
        let body = &model.bodies[b];
        let center = position + rotation * body.center;
        let inertia = Inertia::about(body.mass, center - origin, body.inertia.rotated(rotation));
        let parent = &links.bodies[layout.parent];
        let (mut velocity, mut acceleration) = (parent.velocity, parent.acceleration);
        for j in layout.joints.clone() {
            let joint = &model.topology.joints[j];
            let (start, count) = (joint.v, joint.kind.sizes().1);
            let mut first = start;
            if joint.kind == JointKind::Free {
                // The translations of a free joint move along fixed axes.
                for i in start..start + 3 {
                    links.axes[i].rate = Motion::zero();
                    velocity += links.axes[i].motion * state.v[i];
                }
                first = start + 3;
            }
            let mut after = velocity;
            for i in first..start + count {
                let axis = &mut links.axes[i];
                axis.rate = velocity.cross(axis.motion);
                acceleration += axis.rate * state.v[i];
                after += axis.motion * state.v[i];
            }
            velocity = after;
        }
        links.bodies[b] =
            Link { position, quat: pose.rotation, rotation, origin, center, inertia, velocity, acceleration };
    }
}

/// The pose of a body, from its parent's pose and its own joints.
fn place<R: Real>(model: &Model<R>, state: &State<R>, links: &mut Links<R>, b: usize) -> Pose<R> {
    let (layout, body) = (&model.topology.bodies[b], &model.bodies[b]);
    let parent = &links.bodies[layout.parent];
    let mut pose = match layout.mocap {
        Some(m) => Pose { rotation: state.mocap[m].rotation.normalized(), ..state.mocap[m] },
        None => Pose {
            position: parent.position + parent.rotation * body.position,
            rotation: parent.quat * body.rotation,
        },
    };
    for j in layout.joints.clone() {
        let (joint, at) = (&model.joints[j], &model.topology.joints[j]);
        if at.kind == JointKind::Free {
            pose.position = Vec3::new(state.q[at.q], state.q[at.q + 1], state.q[at.q + 2]);
            pose.rotation = state.quat(at.q + 3).normalized();
            continue;
        }
        let axis = pose.rotation.rotate(joint.axis);
        let anchor = pose.position + pose.rotation.rotate(joint.anchor);
        links.before[j] = Before { quat: pose.rotation, axis, anchor, turn: [R::zero(); 2] };
        match at.kind {
            JointKind::Slide => pose.position += axis * (state.q[at.q] - joint.reference),
            JointKind::Hinge => {
                let (s, c) = (state.q[at.q] - joint.reference).times(0.5).sin_cos();
                links.before[j].turn = [(s * c).times(2.0), (s * s).times(2.0)];
                pose.rotation = pose.rotation * Quat { w: c, v: joint.axis * s };
                pose.position = anchor - pose.rotation.rotate(joint.anchor);
            }
            _ => {
                pose.rotation = pose.rotation * state.quat(at.q).normalized();
                pose.position = anchor - pose.rotation.rotate(joint.anchor);
            }
        }
    }
    pose
}

/// The motion axes of a body's joints at the reference point.
fn axes<R: Real>(
    model: &Model<R>,
    links: &mut Links<R>,
    b: usize,
    origin: Vec3<R>,
    position: Vec3<R>,
    rotation: Mat3<R>,
) {
    for j in model.topology.bodies[b].joints.clone() {
        let at = &model.topology.joints[j];
        let Before { axis, anchor, .. } = links.before[j];
        let mut set = |k: usize, m: Motion<R>| links.axes[at.v + k].motion = m;
        let about = |e: Vec3<R>, point: Vec3<R>| Motion::new(e, e.cross(origin - point));
        match at.kind {
            JointKind::Slide => set(0, Motion::new(Vec3::zero(), axis)),
            JointKind::Hinge => set(0, about(axis, anchor)),
            JointKind::Ball => {
                for (k, e) in rotation.columns().into_iter().enumerate() {
                    set(k, about(e, anchor));
                }
            }
            JointKind::Free => {
                for (k, e) in rotation.columns().into_iter().enumerate() {
                    set(k, Motion::new(Vec3::zero(), Vec3::unit(k)));
                    set(k + 3, about(e, position));
                }
            }
        }
    }
}

/// The pullback of [`kinematics`]: adds to the cotangents of state and model.
///
/// `cotangent` is used up: its sums over subtrees remain in it. The spatial inertias' cotangents
/// are expected in `wrench` (their rigid motion) and in the model already.
pub fn kinematics_pullback<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    links: &Links<R>,
    cotangent: &mut LinksCotangent<R>,
    out: &mut Costate<R>,
    out_model: &mut Model<R>,
) {
    // From the leaves to the root.
    for b in (1..model.bodies.len()).rev() {
        let layout = &model.topology.bodies[b];
        velocity_pullback(model, state, links, b, cotangent, out);
        let mut wrench = cotangent.wrench[b];
        for j in layout.joints.clone().rev() {
            wrench = joint_pullback(model, state, links, (b, j), wrench, cotangent, (out, out_model));
        }
        // What is left displaces the body before its joints moved.
        let free = layout.joints.clone().any(|j| model.topology.joints[j].kind == JointKind::Free);
        if let Some(m) = layout.mocap {
            let offset = state.mocap[m].position - links.bodies[b].origin;
            out.mocap[m] += Force::new(wrench.torque - offset.cross(wrench.force), wrench.force);
        } else if !free {
            let (parent, body) = (&links.bodies[layout.parent], &model.bodies[b]);
            cotangent.wrench[layout.parent] += wrench;
            if !cotangent.parameters {
                continue;
            }
            let placed = parent.position + parent.rotation * body.position;
            let turn = wrench.torque - (placed - links.bodies[b].origin).cross(wrench.force);
            let share = &mut out_model.bodies[b];
            share.position += parent.rotation.transpose_mul(wrench.force);
            share.rotation.v += parent.rotation.transpose_mul(turn);
        }
    }
    out_model.option.gravity -= cotangent.acceleration[0].force;
}

/// Velocities and accelerations of one body: `V = V_parent + Σ S v`, `A = A_parent + Σ Ṡ v`.
fn velocity_pullback<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    links: &Links<R>,
    b: usize,
    cotangent: &mut LinksCotangent<R>,
    out: &mut Costate<R>,
) {
    let layout = &model.topology.bodies[b];
    let acceleration = cotangent.acceleration[b];
    let mut velocity = cotangent.velocity[b];
    for j in layout.joints.clone().rev() {
        let joint = &model.topology.joints[j];
        let (start, count) = (joint.v, joint.kind.sizes().1);
        let first = if joint.kind == JointKind::Free { start + 3 } else { start };
        let before = velocity_before(model, state, links, b, j);
        let mut upward = Force::zero();
        for i in first..start + count {
            let (axis, v) = (&links.axes[i], state.v[i]);
            out.v[i] += axis.motion.dot(velocity) + axis.rate.dot(acceleration);
            // rate = before × axis: its cotangent is v A.
            cotangent.axis[i] +=
                (velocity - before.cross_force(acceleration)) * v + acceleration * cotangent.a[i];
            upward += axis.motion.cross_force(acceleration) * v;
        }
        velocity += upward;
        for i in start..first {
            out.v[i] += links.axes[i].motion.dot(velocity);
            cotangent.axis[i] += velocity * state.v[i] + acceleration * cotangent.a[i];
        }
    }
    cotangent.velocity[layout.parent] += velocity;
    cotangent.acceleration[layout.parent] += acceleration;
}

/// The velocity of body `b` before the motion of its joint `j`, translations of a free joint included.
#[inline(always)]
fn velocity_before<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    links: &Links<R>,
    b: usize,
    j: usize,
) -> Motion<R> {
    let layout = &model.topology.bodies[b];
    let mut velocity = links.bodies[layout.parent].velocity;
    let joint = &model.topology.joints[j];
    let end = if joint.kind == JointKind::Free { joint.v + 3 } else { joint.v };
    for i in layout.dofs.start..end {
        velocity += links.axes[i].motion * state.v[i];
    }
    velocity
}

/// One joint: takes the wrench that displaces all that comes after it, and returns the wrench that
/// displaces all that comes before.
fn joint_pullback<R: Real>(
    model: &Model<R>,
    state: &State<R>,
    links: &Links<R>,
    (b, j): (usize, usize),
    mut wrench: Force<R>,
    cotangent: &LinksCotangent<R>,
    (out, out_model): (&mut Costate<R>, &mut Model<R>),
) -> Force<R> {
    let (joint, at) = (&model.joints[j], &model.topology.joints[j]);
    let before = links.before[j].quat.conjugate();
    let last_joint = j + 1 == model.topology.bodies[b].joints.end;
    let after = if last_joint { links.bodies[b].quat } else { links.before[j + 1].quat };
    let axis = |i: usize| links.axes[i].motion;
    let moved = |i: usize| axis(i).cross_force(cotangent.axis[i]);
    let last = at.v + at.kind.sizes().1;
    match at.kind {
        JointKind::Free => {
            // The rotation axes move with the body; the translations are fixed in the world.
            for i in at.v + 3..last {
                wrench += moved(i);
            }
            for i in at.v..last {
                out.q[i] += axis(i).dot(wrench);
            }
            wrench
        }
        JointKind::Ball => {
            let below = wrench.force;
            for i in at.v..last {
                wrench += moved(i);
            }
            let mut lever = Vec3::zero();
            for i in at.v..last {
                out.q[i] += axis(i).dot(wrench);
                lever += axis(i).angular.cross(cotangent.axis[i].force);
            }
            // The anchor is fixed before the joint and in the body: p = A − R pos, A = p₀ + R₀ pos.
            out_model.joints[j].anchor += before.rotate(lever + below) - after.conjugate().rotate(below);
            wrench
        }
        JointKind::Slide => {
            let push = axis(at.v).dot(wrench);
            out.q[at.v] += push;
            let share = &mut out_model.joints[j];
            share.reference -= push;
            let shift = state.q[at.q] - joint.reference;
            share.axis += before.rotate(cotangent.axis[at.v].force + wrench.force * shift);
            wrench + moved(at.v)
        }
        JointKind::Hinge => {
            let push = axis(at.v).dot(wrench);
            out.q[at.v] += push;
            if !cotangent.parameters {
                return wrench + moved(at.v);
            }
            let share = &mut out_model.joints[j];
            share.reference -= push;
            let own = cotangent.axis[at.v];
            // S = (â, â × o) with o = origin − anchor.
            let offset = links.before[j].anchor - links.bodies[b].origin;
            let direct = own.torque - offset.cross(own.force);
            // The axis also turns what comes after: δθ = sin φ δ + (1 − cos φ) axis × δ.
            let torque = wrench.torque - offset.cross(wrench.force);
            let [sin, versine] = links.before[j].turn;
            let bent = torque.cross(axis(at.v).angular);
            share.axis += before.rotate(direct + torque * sin + bent * versine);
            let lever = axis(at.v).angular.cross(own.force);
            share.anchor += before.rotate(lever + wrench.force) - after.conjugate().rotate(wrench.force);
            wrench + moved(at.v)
        }
    }
}
