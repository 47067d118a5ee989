//! What constraints need to know about the inertia at the reference configuration: inverse weights
//! `j M⁻¹ jᵀ`, lengths of tendons, and the frames that equalities find there.

use super::articulated::factor::Factor;
use super::articulated::inverse_dynamics::inertia_pullback;
use super::articulated::line::{Field, Pulling};
use super::articulated::mass_matrix::mass_matrix;
use super::articulated::{Links, LinksCotangent, kinematics, kinematics_pullback, tendon};
use crate::model::description::JointKind;
use crate::model::{Constants, Costate, Model, State, Tie};
use crate::number::{Mask, Real};
use crate::spatial::{Force, Inertia, Motion, Quat, Vec3};

/// A model at its reference configuration, with the factor of its mass matrix.
pub(super) struct Reference<R> {
    pub state: State<R>,
    pub links: Links<R>,
    /// `J_t` of every tendon.
    pub jacobian: Vec<R>,
    mass: Vec<R>,
    factor: Factor<R>,
}

/// A row `j` of some Jacobian.
#[derive(Clone, Copy)]
enum Row {
    /// The velocity of a dof.
    Dof(usize),
    /// One component of the velocity of a body's centre of mass.
    Center(usize, usize),
    /// One component of the rotation of a body.
    Turn(usize, usize),
    /// The rate of a tendon.
    Tendon(usize),
}

impl<R: Real> Reference<R> {
    pub fn new(model: &Model<R>) -> Self {
        let t = &model.topology;
        let state = State::reference(model);
        let mut links = Links::new(model);
        kinematics(model, &state, &mut links);
        let mut jacobian = vec![R::zero(); t.nv * t.tendons.len()];
        for (k, row) in jacobian.chunks_mut(t.nv.max(1)).enumerate() {
            tendon::row(model, &links, k, row);
        }
        let mut mass = vec![R::zero(); t.pattern.entries()];
        mass_matrix(model, &links, &mut vec![Inertia::zero(); t.bodies.len()], &jacobian, &mut mass);
        let mut factor = Factor::new(&t.pattern);
        factor.compute(&t.pattern, &mass);
        Self { state, links, jacobian, mass, factor }
    }

    /// `j M⁻¹ jᵀ`.
    pub fn inverse_weight(&self, model: &Model<R>, row: &[R]) -> R {
        let mut x = row.to_vec();
        self.factor.solve(&model.topology.pattern, &mut x);
        row.iter().zip(&x).fold(R::zero(), |sum, (a, b)| sum + *a * *b)
    }

    /// Visits the entries of a row that are not zero.
    fn each(&self, model: &Model<R>, row: Row, mut visit: impl FnMut(usize, R)) {
        let t = &model.topology;
        let mut along = |b: usize, f: &dyn Fn(Motion<R>) -> R| {
            let mut next = t.bodies[b].last_dof;
            while let Some(i) = next {
                visit(i, f(self.links.axes[i].motion));
                next = t.dofs[i].parent;
            }
        };
        match row {
            Row::Dof(i) => visit(i, R::one()),
            Row::Center(b, k) => {
                let offset = self.links.bodies[b].center - self.links.bodies[b].origin;
                along(b, &|m| m.at(offset).to_array()[k]);
            }
            Row::Turn(b, k) => along(b, &|m| m.angular.to_array()[k]),
            Row::Tendon(k) => {
                self.jacobian[k * t.nv..(k + 1) * t.nv].iter().enumerate().for_each(|(i, x)| visit(i, *x));
            }
        }
    }

    /// `Σ j` of rows in different trees, solved: `M` has no entries between trees, so that one solve does
    /// for a row of each.
    fn solved_together(&self, model: &Model<R>, rows: impl Iterator<Item = Row>) -> Vec<R> {
        let mut x = vec![R::zero(); model.topology.nv];
        rows.for_each(|row| self.each(model, row, |i, j| x[i] += j));
        self.factor.solve(&model.topology.pattern, &mut x);
        x
    }

    /// `j M⁻¹ jᵀ` of each row.
    fn inverse_weights(&self, model: &Model<R>, rows: &[Row]) -> Vec<R> {
        let mut out = vec![R::zero(); rows.len()];
        for batch in batches(model, rows) {
            let x = self.solved_together(model, batch.iter().map(|&n| rows[n]));
            for n in batch {
                self.each(model, rows[n], |i, j| out[n] += j * x[i]);
            }
        }
        out
    }

    /// Of each dof; the three axes of a ball, and the translations and rotations of a free joint,
    /// share a mean.
    pub fn dof_inverse_weights(&self, model: &Model<R>) -> Vec<R> {
        let rows: Vec<Row> = (0..model.topology.nv).map(Row::Dof).collect();
        let mut out = self.inverse_weights(model, &rows);
        for at in &model.topology.joints {
            for start in threes(at.kind, at.v) {
                let mean = mean(&out[start..start + 3]);
                out[start..start + 3].fill(mean);
            }
        }
        out
    }
}

/// The mean of three.
fn mean<R: Real>(three: &[R]) -> R {
    (three[0] + three[1] + three[2]).times(1.0 / 3.0)
}

/// Batches of rows, by their numbers, that have no tree in common.
fn batches<R>(model: &Model<R>, rows: &[Row]) -> Vec<Vec<usize>> {
    let t = &model.topology;
    // The first entry of a dof's row is the root of its tree.
    let root = |i: usize| t.pattern.column[t.pattern.start[i]];
    let (mut count, mut out, mut alone) = (vec![0; t.nv], Vec::<Vec<usize>>::new(), Vec::new());
    for (n, row) in rows.iter().enumerate() {
        let tree = match *row {
            Row::Dof(i) => Some(root(i)),
            Row::Center(b, _) | Row::Turn(b, _) => t.bodies[b].last_dof.map(root),
            Row::Tendon(_) => None,
        };
        let Some(tree) = tree else {
            alone.push(vec![n]);
            continue;
        };
        if count[tree] == out.len() {
            out.push(Vec::new());
        }
        out[count[tree]].push(n);
        count[tree] += 1;
    }
    out.extend(alone);
    out
}

/// Where each group of three dofs that share a mean begins.
fn threes(kind: JointKind, v: usize) -> impl Iterator<Item = usize> {
    let groups = match kind {
        JointKind::Free => 2,
        JointKind::Ball => 1,
        JointKind::Slide | JointKind::Hinge => 0,
    };
    (0..groups).map(move |k| v + 3 * k)
}

/// The constants of constraints at the reference configuration.
///
/// Of a body: the means of the three translational and of the three rotational diagonal entries of
/// `J M⁻¹ Jᵀ` at its centre of mass; of a simple body that only slides, one over its mass and zero
/// (MuJoCo's documentation, `body_invweight0`, `dof_invweight0`, `tendon_invweight0`).
pub fn constants<R: Real>(model: &Model<R>) -> Constants<R> {
    at(model, &Reference::new(model))
}

fn at<R: Real>(model: &Model<R>, reference: &Reference<R>) -> Constants<R> {
    let t = &model.topology;
    let mut dof_invweight = reference.dof_inverse_weights(model);
    let mut body_invweight = vec![[R::zero(); 2]; t.bodies.len()];
    let moving = || t.bodies.iter().enumerate().filter(|(_, body)| body.last_dof.is_some());
    let rows: Vec<Row> =
        moving().filter(|(_, body)| !body.slides_alone).flat_map(|(b, _)| six_rows(b)).collect();
    let weights = reference.inverse_weights(model, &rows);
    let mut sixes = weights.chunks_exact(6);
    for (b, body) in moving() {
        if body.slides_alone {
            let inverse = model.bodies[b].mass.recip();
            dof_invweight[body.dofs.clone()].fill(inverse);
            body_invweight[b] = [inverse, R::zero()];
        } else if let Some(six) = sixes.next() {
            body_invweight[b] = [mean(&six[..3]), mean(&six[3..])];
        }
    }
    let rows: Vec<Row> = (0..t.tendons.len()).map(Row::Tendon).collect();
    let length = |k| tendon::length(model, &reference.state, &reference.links, k);
    Constants {
        body_invweight,
        dof_invweight,
        tendon_invweight: reference.inverse_weights(model, &rows),
        tendon_length: (0..t.tendons.len()).map(length).collect(),
    }
}

/// The translations and rotations of a body.
fn six_rows(b: usize) -> [Row; 6] {
    [0, 1, 2, 3, 4, 5].map(|k| if k < 3 { Row::Center(b, k) } else { Row::Turn(b, k - 3) })
}

/// The mean of the diagonal of the mass matrix at the reference configuration [kg, kg m²].
pub fn mean_inertia<R: Real>(model: &Model<R>) -> R {
    let (t, mass) = (&model.topology, Reference::new(model).mass);
    let sum = (0..t.nv).fold(R::zero(), |sum, i| sum + mass[t.pattern.start[i + 1] - 1]);
    sum.times(1.0 / t.nv.max(1) as f64)
}

/// Sets the constants of a model that has constraints, and the frames that its equalities find at the
/// reference configuration: of a connection the anchor in the second body,
/// `R₂ᵀ(x₁ + R₁ a − x₂)`, of a weld the frame in the first, `(R₁ᵀ(x₂ + R₂ a − x₁), q₁* ⊗ q₂)`.
pub fn settle<R: Real>(model: &mut Model<R>) {
    if !model.topology.constrained {
        return;
    }
    let reference = Reference::new(model);
    model.constants = at(model, &reference);
    for (e, layout) in model.equalities.iter_mut().zip(&model.topology.equalities) {
        let (Some(found), Tie::Point(bodies) | Tie::Frame(bodies)) = (layout.found, layout.tie) else {
            continue;
        };
        let given = 1 - found;
        let [own, other] = [found, given].map(|k| &reference.links.bodies[bodies[k]]);
        let place = other.position + other.rotation * e.frames[given].position;
        e.frames[found].position = own.rotation.transpose_mul(place - own.position);
        if let Tie::Frame(_) = layout.tie {
            e.frames[found].rotation = own.quat.conjugate() * other.quat;
        }
    }
}

/// The pullback of [`settle`]: takes the cotangents of what it sets, and adds what they come to for the
/// model's other numbers.
///
/// With `λ = M⁻¹ jᵀ`, `d(j M⁻¹ jᵀ) = 2 λ·δj − λᵀ δM λ`: the second term is twice the kinetic energy of
/// the velocity `λ`. Every row adds to the same cotangents of poses and axes, which one sweep hands on.
pub fn settle_pullback<R: Real>(model: &Model<R>, cotangent: &mut Model<R>) {
    let t = &model.topology;
    if !t.constrained {
        return;
    }
    let reference = &Reference::new(model);
    let none = Constants::zero(t);
    let w = std::mem::replace(&mut cotangent.constants, none);
    let mut back = Back::new(model, reference);
    back.rows(&w, cotangent);
    for (k, &share) in w.tendon_length.iter().enumerate() {
        let p = &mut pulling(reference, model, &mut back.links, &mut back.state, cotangent);
        tendon::pullback(p, k, share, &mut []);
    }
    back.frames(cotangent);
    let Back { mut links, mut state, .. } = back;
    kinematics_pullback(model, &reference.state, &reference.links, &mut links, &mut state, cotangent);
    reference_pullback(model, reference, &state, cotangent);
}

fn pulling<'a, R>(
    reference: &'a Reference<R>,
    model: &'a Model<R>,
    cotangent: &'a mut LinksCotangent<R>,
    out: &'a mut Costate<R>,
    out_model: &'a mut Model<R>,
) -> Pulling<'a, R> {
    Pulling { model, state: &reference.state, links: &reference.links, cotangent, out, out_model }
}

/// What the pullback collects.
struct Back<'a, R> {
    model: &'a Model<R>,
    reference: &'a Reference<R>,
    links: LinksCotangent<R>,
    state: Costate<R>,
    /// Of `λ`.
    field: Field<R>,
    /// Of what a tendon's armature asks of its row.
    second: Field<R>,
    sums: Vec<R>,
}

impl<'a, R: Real> Back<'a, R> {
    fn new(model: &'a Model<R>, reference: &'a Reference<R>) -> Self {
        Self {
            model,
            reference,
            links: LinksCotangent::new(model),
            state: Costate::zero(model),
            field: Field::new(model),
            second: Field::new(model),
            sums: vec![R::zero(); model.topology.nv],
        }
    }

    /// All inverse weights.
    fn rows(&mut self, w: &Constants<R>, out: &mut Model<R>) {
        let t = &self.model.topology;
        let mut asked: Vec<(Row, R)> = Vec::new();
        for (b, body) in t.bodies.iter().enumerate().filter(|(_, body)| body.last_dof.is_some()) {
            let [center, turn] = w.body_invweight[b];
            if body.slides_alone {
                let sum = w.dof_invweight[body.dofs.clone()].iter().fold(center, |sum, w| sum + *w);
                let mass = self.model.bodies[b].mass;
                out.bodies[b].mass -= sum / (mass * mass);
                continue;
            }
            let shares = [center, turn].map(|w| w.times(1.0 / 3.0));
            asked.extend(six_rows(b).into_iter().enumerate().map(|(k, row)| (row, shares[k / 3])));
        }
        for at in t.joints.iter().filter(|at| !t.bodies[at.body].slides_alone) {
            for start in threes(at.kind, at.v) {
                let share = mean(&w.dof_invweight[start..start + 3]);
                asked.extend((start..start + 3).map(|i| (Row::Dof(i), share)));
            }
            if matches!(at.kind, JointKind::Slide | JointKind::Hinge) {
                asked.push((Row::Dof(at.v), w.dof_invweight[at.v]));
            }
        }
        asked.extend(w.tendon_invweight.iter().enumerate().map(|(k, &share)| (Row::Tendon(k), share)));
        asked.retain(|(_, w)| !w.is_zero().all());
        let (rows, shares): (Vec<Row>, Vec<R>) = asked.into_iter().unzip();
        for batch in batches(self.model, &rows) {
            let batch: Vec<(Row, R)> = batch.into_iter().map(|n| (rows[n], shares[n])).collect();
            self.batch(&batch, out);
        }
    }

    /// Inverse weights of rows in different trees, with their cotangents.
    fn batch(&mut self, batch: &[(Row, R)], out: &mut Model<R>) {
        let (model, links) = (self.model, &self.reference.links);
        let y = self.reference.solved_together(model, batch.iter().map(|(row, _)| *row));
        self.field.set(model, links, true, |i| y[i]);
        // The weight of each dof is that of its tree's row; the rows of tendons come alone.
        let mut weight = vec![R::zero(); y.len()];
        for &(row, w) in batch {
            match row {
                Row::Tendon(_) => weight.fill(w),
                Row::Dof(i) => self.weigh_tree(i, w, &mut weight),
                Row::Center(b, _) | Row::Turn(b, _) => {
                    model.topology.bodies[b]
                        .last_dof
                        .iter()
                        .for_each(|&i| self.weigh_tree(i, w, &mut weight));
                }
            }
            self.row(row, w.times(2.0), out);
        }
        self.energy(&y, &weight, out);
        self.field.finish(model, links, &mut self.links);
    }

    /// Gives a weight to all dofs of the tree of dof `i`.
    fn weigh_tree(&self, i: usize, w: R, weight: &mut [R]) {
        let pattern = &self.model.topology.pattern;
        let root = |i: usize| pattern.column[pattern.start[i]];
        let first = root(i);
        // The dofs of a tree follow each other.
        let of_tree = |i: &usize| root(*i) == first;
        (first..weight.len()).take_while(of_tree).for_each(|i| weight[i] = w);
    }

    /// The share of a row `j` itself, `twice λ·δj`.
    fn row(&mut self, row: Row, twice: R, out: &mut Model<R>) {
        let (model, links) = (self.model, &self.reference.links);
        match row {
            Row::Dof(_) => {}
            Row::Center(b, k) => {
                let link = &links.bodies[b];
                let push = Vec3::unit(k) * twice;
                let place = push.cross(self.field.bodies[b].angular);
                self.field.cotangent[b] += Force::at(link.center - link.origin, push);
                self.links.add_point(links, b, link.center, place);
                out.bodies[b].center += link.rotation.transpose_mul(place);
            }
            Row::Turn(b, k) => {
                self.field.cotangent[b] += Force::new(Vec3::unit(k) * twice, Vec3::zero());
            }
            Row::Tendon(k) => {
                let p = &mut pulling(self.reference, model, &mut self.links, &mut self.state, out);
                tendon::pullback(p, k, R::zero(), &mut [(&mut self.field, twice)]);
            }
        }
    }

    /// Adds the derivative of `−w λᵀ M λ` at fixed `λ` but for the axes in its field.
    fn energy(&mut self, y: &[R], weight: &[R], out: &mut Model<R>) {
        let (model, links) = (self.model, &self.reference.links);
        let t = &model.topology;
        for (b, body) in t.bodies.iter().enumerate().skip(1) {
            let Some(w) = body.last_dof.map(|i| weight[i]) else { continue };
            let velocity = self.field.bodies[b];
            let momentum = links.bodies[b].inertia.mul(velocity) * w.times(2.0);
            self.field.cotangent[b] -= momentum;
            // The inertia moves rigidly with the body.
            self.links.wrench[b] += velocity.cross_force(momentum);
            inertia_pullback(model, links, b, Inertia::form(velocity, velocity * -w), out);
        }
        for (i, dof) in t.dofs.iter().enumerate() {
            out.joints[dof.joint].armature -= weight[i] * y[i] * y[i];
        }
        for k in 0..if t.tendon_armature { t.tendons.len() } else { 0 } {
            let row = &self.reference.jacobian[k * t.nv..(k + 1) * t.nv];
            tendon::related_sums(model, row, y, &mut self.sums);
            let sums = &self.sums;
            let square = (0..t.nv).fold(R::zero(), |sum, i| sum + weight[i] * y[i] * row[i] * sums[i]);
            out.tendons[k].armature -= square;
            let share = -model.tendons[k].armature.times(2.0);
            self.second.set(model, links, true, |i| weight[i] * y[i] * sums[i]);
            let p = &mut pulling(self.reference, model, &mut self.links, &mut self.state, out);
            tendon::pullback(p, k, R::zero(), &mut [(&mut self.second, share)]);
            self.second.finish(model, links, &mut self.links);
        }
    }

    /// The frames that equalities find.
    fn frames(&mut self, out: &mut Model<R>) {
        let links = &self.reference.links;
        for (k, layout) in self.model.topology.equalities.iter().enumerate() {
            let (Some(found), Tie::Point(bodies) | Tie::Frame(bodies)) = (layout.found, layout.tie) else {
                continue;
            };
            let given = 1 - found;
            let (own, other) = (bodies[found], bodies[given]);
            let position = &mut out.equalities[k].frames[found].position;
            let by_place = std::mem::replace(position, Vec3::zero());
            let (link, at) = (&links.bodies[own], self.model.equalities[k].frames[given].position);
            let place = links.point(other, at);
            // The point is fixed in the other body and seen from its own.
            let push = link.rotation * by_place;
            self.links.add_point(links, other, place, push);
            self.links.add_point(links, own, place, -push);
            let share = links.bodies[other].rotation.transpose_mul(push);
            out.equalities[k].frames[given].position += share;
            if let Tie::Frame(_) = layout.tie {
                let nothing = Quat { w: R::zero(), v: Vec3::zero() };
                let share = std::mem::replace(&mut out.equalities[k].frames[found].rotation, nothing);
                let turn = link.rotation * share.v;
                self.links.wrench[other].torque += turn;
                self.links.wrench[own].torque -= turn;
            }
        }
    }
}

/// The pullback of [`State::reference`]: adds to the model's cotangents.
fn reference_pullback<R: Real>(
    model: &Model<R>,
    reference: &Reference<R>,
    w: &Costate<R>,
    out: &mut Model<R>,
) {
    let t = &model.topology;
    let three = |v: usize| Vec3::new(w.q[v], w.q[v + 1], w.q[v + 2]);
    for (j, at) in t.joints.iter().enumerate() {
        match at.kind {
            JointKind::Free => {
                out.bodies[at.body].position += three(at.v);
                let turn = reference.links.bodies[at.body].rotation * three(at.v + 3);
                out.bodies[at.body].rotation.v += turn;
            }
            JointKind::Ball => {}
            JointKind::Slide | JointKind::Hinge => out.joints[j].reference += w.q[at.v],
        }
    }
    for (m, &b) in t.mocap_bodies.iter().enumerate() {
        out.bodies[b].position += w.mocap[m].force;
        out.bodies[b].rotation.v += w.mocap[m].torque;
    }
}
