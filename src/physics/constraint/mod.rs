//! What limits, ties and touches: the constraint forces, and their adjoint.
//!
//! The acceleration is the one that minimizes `½ (a − a_s)ᵀ M (a − a_s) + s(J a − a_ref)`; then
//! `M a = f_s + Jᵀ f` with `f = −∇s` (Todorov 2014). The minimum is found in plain numbers. Its
//! derivative follows from that equation: in duals, by further steps of Newton's method at the minimum; in
//! reverse, by one solve with `H = M + Jᵀ W J`.

mod along;
mod contacts;
mod hessian;
pub mod impedance;
mod joined;
pub mod law;
mod newton;
mod optimum;
mod pushes;
mod rows;

pub use contacts::{Contact, Contacts};
pub use rows::{Block, End, Origin, Rows};

use super::articulated::inverse_dynamics::inertia_pullback;
use super::articulated::line::{Field, Pulling};
use super::articulated::{Links, LinksCotangent, mass_matrix, tendon};
use super::step::{Cotangents, Stage};
use crate::model::{Costate, Model, Pattern, State, Tie};
use crate::number::{Mask, Real, copy};
use crate::spatial::{Inertia, Motion};
use law::{LawCotangent, MOST};
use optimum::{Optimum, Weights, answer};

/// The constraints of a world at one state, and the forces with which they answer.
#[derive(Clone, Debug)]
pub struct Constraint<R: Real> {
    /// Their rows.
    pub rows: Rows<R>,
    /// What touches.
    pub contacts: Contacts<R>,
    /// The acceleration at which the forces are found (nv).
    pub a: Vec<R>,
    /// `r = J a − a_ref`, of each row.
    pub residual: Vec<R>,
    /// What is lost of `r` in its rounding; empty where the search needed no more digits.
    low: Vec<R>,
    /// `f`, of each row.
    pub force: Vec<R>,
    /// Whether the minimum was found in every world.
    pub converged: bool,
}

/// The solver and other scratch, allocated once.
#[derive(Clone, Debug)]
pub struct Solver<R: Real> {
    optimum: Optimum<R>,
    dense: [Vec<R>; 2],
}

impl<R: Real> Solver<R> {
    /// Room for one model.
    pub fn new(model: &Model<R>) -> Self {
        let t = &model.topology;
        let n = if t.constrained { t.nv } else { 0 };
        let zero = || vec![R::zero(); n];
        Self { optimum: Optimum::new(&pattern(model)), dense: [zero(), zero()] }
    }
    /// How many steps the last solution took, in the slowest world.
    pub fn steps(&self) -> usize {
        self.optimum.steps()
    }
    /// The worlds in which the last solution was found.
    pub fn found(&self) -> R::Mask {
        self.optimum.found
    }
    /// In how many worlds the last search went on with more digits.
    pub fn refined(&self) -> usize {
        self.optimum.refined
    }
}

/// The pattern of the degrees of freedom that constraints may act on.
fn pattern<R>(model: &Model<R>) -> Pattern {
    let t = &model.topology;
    if t.constrained { t.pattern.clone() } else { Pattern::new(std::iter::empty()) }
}

impl<R: Real> Constraint<R> {
    /// Room for one model.
    pub fn new(model: &Model<R>) -> Self {
        let n = if model.topology.constrained { model.topology.nv } else { 0 };
        Self {
            rows: Rows::default(),
            contacts: Contacts::new(model),
            a: vec![R::zero(); n],
            residual: Vec::new(),
            low: Vec::new(),
            force: Vec::new(),
            converged: true,
        }
    }
    /// Whether anything acts.
    pub fn acts(&self) -> bool {
        !self.rows.blocks.is_empty()
    }
    /// Overwrites this with the same over another number.
    pub fn copy_from<S: Real>(&mut self, other: &Constraint<S>, f: impl Fn(S) -> R + Copy) {
        self.rows.copy_from(&other.rows, f);
        self.contacts.copy_from(&other.contacts, f);
        self.converged = other.converged;
        for list in [&mut self.residual, &mut self.force] {
            list.resize(other.rows.count(), R::zero());
        }
        copy(&mut self.a, &other.a, f);
        copy(&mut self.residual, &other.residual, f);
        self.low.clear();
        self.low.extend(other.low.iter().map(|x| f(*x)));
        copy(&mut self.force, &other.force, f);
    }
    /// Whether the search went on with more digits in some world.
    pub fn refined(&self) -> bool {
        !self.low.is_empty()
    }
    /// Residuals, what was lost of them, and forces.
    fn answer(&self) -> [&[R]; 3] {
        [&self.residual, &self.low, &self.force]
    }
    /// The same without the room that only a step needs.
    pub fn kept(&self) -> Self {
        Self { contacts: self.contacts.found_alone(), ..self.clone() }
    }
    /// Exchanges what the pullback needs, and not the room that only a step needs.
    pub fn exchange(&mut self, other: &mut Self) {
        self.contacts.exchange(&mut other.contacts);
        std::mem::swap(&mut self.rows, &mut other.rows);
        std::mem::swap(&mut self.a, &mut other.a);
        std::mem::swap(&mut self.residual, &mut other.residual);
        std::mem::swap(&mut self.low, &mut other.low);
        std::mem::swap(&mut self.force, &mut other.force);
        std::mem::swap(&mut self.converged, &mut other.converged);
    }
    /// The bytes of memory behind it.
    pub fn bytes(&self) -> usize {
        let rows = &self.rows;
        size_of_val(&rows.blocks[..])
            + size_of_val(&rows.dofs[..])
            + size_of_val(&rows.values[..])
            + size_of_val(&rows.reference[..])
            + size_of_val(&self.contacts.list[..])
            + size_of_val(&self.residual[..])
            + size_of_val(&self.low[..])
            + size_of_val(&self.force[..])
            + size_of_val(&self.a[..])
    }

    /// Finds what touches, and makes all rows with their references.
    pub fn assemble(&mut self, model: &Model<R>, state: &State<R>, links: &Links<R>, solver: &mut Solver<R>) {
        let t = &model.topology;
        self.rows.clear();
        self.converged = true;
        if !t.constrained || !t.flags.constraint {
            return;
        }
        let [row, scratch] = &mut solver.dense;
        for (k, layout) in t.equalities.iter().enumerate() {
            if !layout.active || !t.flags.equality {
                continue;
            }
            match layout.tie {
                Tie::Point(_) | Tie::Frame(_) => joined::push(model, links, k, &mut self.rows),
                _ => along::push_tie(model, state, links, k, &mut self.rows, [row, scratch]),
            }
        }
        along::push_losses(model, links, &mut self.rows, [row, scratch]);
        along::push_limits(model, state, links, &mut self.rows, [row, scratch]);
        self.contacts.detect(model, links);
        for (k, contact) in self.contacts.list.iter().enumerate() {
            contacts::push(model, links, contact, k, &mut self.rows);
        }
        self.refer(model, state, links);
    }

    /// Sets the references of all rows.
    fn refer(&mut self, model: &Model<R>, state: &State<R>, links: &Links<R>) {
        let (rows, mut velocity) = (&mut self.rows, [R::zero(); MOST]);
        for k in 0..rows.blocks.len() {
            let block = rows.blocks[k];
            let v = &mut velocity[..block.count];
            rows.block_times(&block, &state.v, v);
            let out = &mut rows.reference[block.rows()];
            match block.origin {
                Origin::Equality(k) => match model.topology.equalities[k].tie {
                    Tie::Point(_) | Tie::Frame(_) => joined::refer(model, links, k, false, v, out),
                    _ => out[0] = along::refer_tie(model, state, links, k, v[0]),
                },
                Origin::Turn(k) => joined::refer(model, links, k, true, v, out),
                Origin::DofLoss(_) | Origin::TendonLoss(_) => {
                    out[0] = along::refer_loss(model, block.origin, v[0]);
                }
                Origin::JointLimit(..) | Origin::TendonLimit(..) => {
                    out[0] = along::refer_limit(model, state, links, block.origin, v[0]);
                }
                Origin::Contact(k) => contacts::refer(&self.contacts.list[k], v, out),
            }
        }
    }

    /// Finds acceleration and forces. `mass` is `M`, `smooth` is `f_s`, `free` is `M⁻¹ f_s`.
    pub fn solve(
        &mut self,
        model: &Model<R>,
        (mass, smooth, free): (&[R], &[R], &[R]),
        warm: &[R],
        solver: &mut Solver<R>,
    ) {
        let optimum = &mut solver.optimum;
        optimum.solve(&model.topology.pattern, (mass, &self.rows), [smooth, free, warm]);
        self.converged = optimum.found.all();
        for (own, found) in [
            (&mut self.a, &mut optimum.a),
            (&mut self.residual, &mut optimum.residual),
            (&mut self.low, &mut optimum.low),
            (&mut self.force, &mut optimum.force),
        ] {
            std::mem::swap(own, found);
        }
    }

    /// Residuals and forces at an acceleration that is given.
    pub fn answer_to(&mut self, a: &[R]) {
        self.a.copy_from_slice(a);
        self.low.clear();
        answer(&self.rows, &self.a, &mut self.residual, &mut self.force);
    }
}

/// Whether the time constant of a reference is at least two steps, and the step.
fn safe_step<R: Real>(model: &Model<R>) -> Option<R> {
    model.topology.flags.refsafe.then_some(model.option.timestep)
}

/// Cotangents of what a constraint does, for who measures it; empty lists ask nothing.
#[derive(Clone, Debug)]
pub struct Asked<R> {
    /// Of the force of each row.
    pub force: Vec<R>,
    /// Of the violation of each limit, `x` of its only row.
    pub violation: Vec<R>,
    /// Of `J v` of each row of a limit.
    pub speed: Vec<R>,
    /// What is measured contains `f·(J Y)` of this velocity `Y` of each body: its forces see rows that push
    /// bodies, and its own cotangent is taken elsewhere.
    pub twist: Vec<Motion<R>>,
    /// The same of what is measured of contacts alone.
    pub touch: Vec<Motion<R>>,
}

impl<R> Default for Asked<R> {
    /// Nothing.
    fn default() -> Self {
        let (force, violation, speed) = (Vec::new(), Vec::new(), Vec::new());
        Self { force, violation, speed, twist: Vec::new(), touch: Vec::new() }
    }
}

impl<R: Real> Asked<R> {
    /// Asks nothing of so many rows, and of all bodies.
    pub fn start(&mut self, rows: usize, bodies: usize) {
        for list in [&mut self.force, &mut self.violation, &mut self.speed] {
            list.clear();
            list.resize(rows, R::zero());
        }
        for list in [&mut self.twist, &mut self.touch] {
            list.clear();
            list.resize(bodies, Motion::zero());
        }
    }
    /// Asks nothing any more.
    pub fn clear(&mut self) {
        for list in [&mut self.force, &mut self.violation, &mut self.speed] {
            list.clear();
        }
        self.twist.clear();
        self.touch.clear();
    }
}

/// Cotangents of one block of rows: what they pull back is
/// `f·(J λ) − y·(J a − a_ref) + u·∂f` of the law's numbers.
pub struct Cut<'a, R> {
    f: &'a [R],
    y: &'a [R],
    /// `J v`.
    velocity: &'a [R],
    law: LawCotangent<R>,
    /// Cotangents of the violation and of `J v` of a limit.
    limit: [R; 2],
}

/// What the pullbacks of rows work on and add to.
pub struct Pull<'a, R> {
    model: &'a Model<R>,
    state: &'a State<R>,
    links: &'a Links<R>,
    cotangent: &'a mut LinksCotangent<R>,
    out: &'a mut Costate<R>,
    out_model: &'a mut Model<R>,
    /// Of the weight `λ`, of the acceleration `a`, of the velocity `v`.
    fields: &'a mut [Field<R>; 3],
}

impl<R> Pull<'_, R> {
    /// The same for what acts along tendons, and the three fields.
    fn pulling(&mut self) -> (Pulling<'_, R>, [&mut Field<R>; 3]) {
        let pulling = Pulling {
            model: self.model,
            state: self.state,
            links: self.links,
            cotangent: &mut *self.cotangent,
            out: &mut *self.out,
            out_model: &mut *self.out_model,
        };
        (pulling, self.fields.each_mut())
    }
}

/// Scratch of the adjoint; allocated once.
#[derive(Clone, Debug)]
pub struct ConstraintBackward<R: Real> {
    /// `λ`, or `m`, and what it does to the rows.
    pub weights: Weights<R>,
    /// What else is asked.
    pub asked: Asked<R>,
    fields: [Field<R>; 3],
    velocity: Vec<R>,
    /// `M η`.
    by_a: Vec<R>,
    /// Of tendons with armature.
    sums: [Vec<R>; 3],
}

impl<R: Real> ConstraintBackward<R> {
    /// Room for one model.
    pub fn new(model: &Model<R>) -> Self {
        let n = if model.topology.constrained { model.topology.nv } else { 0 };
        Self {
            weights: Weights::new(&pattern(model)),
            asked: Asked::default(),
            fields: [Field::new(model), Field::new(model), Field::new(model)],
            velocity: Vec::new(),
            by_a: vec![R::zero(); n],
            sums: [(); 3].map(|()| vec![R::zero(); n]),
        }
    }

    /// Solves `H λ = ā − Jᵀ W f̄`: the weight of everything that enters the minimum, for the cotangent `ā` of
    /// its acceleration, and for `f̄` where the forces `f = −∇s(J a − a_ref)` are asked for themselves.
    pub fn weigh(&mut self, model: &Model<R>, mass: &[R], c: &Constraint<R>, cotangent: &[R]) {
        let asked = [cotangent, &self.asked.force[..]];
        self.weights.solve(&model.topology.pattern, (mass, &c.rows), c.answer(), asked);
    }

    /// The same for the cotangent `η` of `f_s + Jᵀ f`: leaves `m = η − H⁻¹ Jᵀ W J η`, which is `H⁻¹ M η` and
    /// loses no digits so.
    pub fn weigh_force(&mut self, model: &Model<R>, mass: &[R], c: &Constraint<R>, eta: &[R]) {
        mass_matrix::times(&model.topology.pattern, mass, eta, &mut self.by_a);
        let asked = [&self.by_a[..], &[]];
        self.weights.solve(&model.topology.pattern, (mass, &c.rows), c.answer(), asked);
    }

    /// Takes the weight `m` of forces at an acceleration that is given, and adds `−Jᵀ W (J m + f̄)` to `out`.
    pub fn weigh_given(&mut self, c: &Constraint<R>, weight: &[R], out: &mut [R]) {
        self.weights.set(&c.rows, [&c.residual, &c.force], weight, &self.asked.force);
        self.weights.subtract(&c.rows, out);
    }

    /// Adds what the constraints ask of state, bodies and model: the derivative of
    /// `f·(J m) − y·(J a − a_ref) + …` at fixed `m`, `a`, `f` and `y = W u`, `u = J m + f̄`, `f̄` the
    /// cotangent of the forces themselves.
    pub fn pull(
        &mut self,
        model: &Model<R>,
        state: &State<R>,
        links: &Links<R>,
        c: &Constraint<R>,
        (cotangent, out, out_model): (&mut LinksCotangent<R>, &mut Costate<R>, &mut Model<R>),
    ) {
        let (Weights { weight, y, laws, .. }, velocity) = (&self.weights, &mut self.velocity);
        velocity.clear();
        velocity.resize(c.rows.count(), R::zero());
        c.rows.times(&state.v, velocity);
        for (field, x) in self.fields.iter_mut().zip([weight, &c.a, &state.v]) {
            field.set(model, links, true, |i| x[i]);
        }
        let own = self.fields[0].bodies.iter_mut();
        own.zip(&self.asked.twist).for_each(|(own, y)| *own += *y);
        let mut p = Pull { model, state, links, cotangent, out, out_model, fields: &mut self.fields };
        let first_contact = c.rows.blocks.iter().position(|b| matches!(b.origin, Origin::Contact(_)));
        for (n, block) in c.rows.blocks.iter().enumerate() {
            if first_contact == Some(n) {
                // The contacts come last, so that what is asked of them alone can join in here.
                let own = p.fields[0].bodies.iter_mut();
                own.zip(&self.asked.touch).for_each(|(own, y)| *own += *y);
            }
            let rows = block.rows();
            let f = &c.force[rows.clone()];
            let of = |list: &[R]| list.get(block.row).copied().unwrap_or(R::zero());
            let limit = [of(&self.asked.violation), of(&self.asked.speed)];
            let cut = Cut { f, y: &y[rows.clone()], velocity: &velocity[rows], law: laws[n], limit };
            match block.origin {
                Origin::Equality(k) => match model.topology.equalities[k].tie {
                    Tie::Point(_) | Tie::Frame(_) => joined::pullback(&mut p, k, false, &cut),
                    _ => along::tie_pullback(&mut p, k, &cut),
                },
                Origin::Turn(k) => joined::pullback(&mut p, k, true, &cut),
                Origin::DofLoss(_) | Origin::TendonLoss(_) => {
                    along::loss_pullback(&mut p, block.origin, &cut)
                }
                Origin::JointLimit(..) | Origin::TendonLimit(..) => {
                    along::limit_pullback(&mut p, block.origin, &cut);
                }
                Origin::Contact(k) => contacts::pullback(&c.contacts, &mut p, block, k, &cut),
            }
        }
        for field in &mut self.fields {
            field.finish(model, links, cotangent);
        }
        for (v, own) in out.v.iter_mut().zip(&self.fields[2].y_cotangent) {
            *v += *own;
        }
    }

    /// Adds the derivative of `−η·M δ` at fixed `η` and `δ`, armature included.
    pub fn pull_mass(
        &mut self,
        model: &Model<R>,
        state: &State<R>,
        stage: &Stage<R>,
        (eta, delta): (&[R], &[R]),
        (cotangent, out): (&mut LinksCotangent<R>, &mut Cotangents<R>),
    ) {
        let links = &stage.links;
        let [first, second, _] = &mut self.fields;
        first.set(model, links, true, |i| -eta[i]);
        second.set(model, links, true, |i| delta[i]);
        for b in 1..links.bodies.len() {
            let inertia = &links.bodies[b].inertia;
            let (x, y) = (first.bodies[b], second.bodies[b]);
            let (ix, iy) = (inertia.mul(x), inertia.mul(y));
            first.cotangent[b] += iy;
            second.cotangent[b] += ix;
            // The inertia moves rigidly with the body.
            cotangent.wrench[b] -= x.cross_force(iy) + y.cross_force(ix);
            if cotangent.parameters {
                inertia_pullback(model, links, b, Inertia::form(x, y), &mut out.model);
            }
        }
        first.finish(model, links, cotangent);
        second.finish(model, links, cotangent);
        for (i, dof) in model.topology.dofs.iter().enumerate() {
            out.model.joints[dof.joint].armature -= eta[i] * delta[i];
        }
        if !model.topology.tendon_armature {
            return;
        }
        let [_, _, scratch] = &mut self.fields;
        let [negative, sums @ ..] = &mut self.sums;
        negative.iter_mut().zip(eta).for_each(|(own, eta)| *own = -*eta);
        let mut p =
            Pulling { model, state, links, cotangent, out: &mut out.state, out_model: &mut out.model };
        for (t, row) in stage.jacobian.chunks(model.topology.nv).enumerate() {
            let weights = (delta, &negative[..]);
            tendon::armature_pullback(&mut p, t, row, weights, false, (&mut *scratch, &mut *sums));
        }
    }
}
