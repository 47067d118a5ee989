//! How constraints push bodies.

use super::rows::Origin;
use super::{Constraint, along, joined};
use crate::model::{Model, State, TendonPath, Tie};
use crate::number::Real;
use crate::physics::articulated::{Links, line};
use crate::spatial::{Force, Vec3};

impl<R: Real> Constraint<R> {
    /// Calls `visit(row, body, wrench)` with the wrench that a unit force of each row puts on each body:
    /// contacts, equalities of points and frames, and all that acts along spatial tendons. What acts on
    /// joints and along fixed tendons pushes no body.
    pub fn pushes(
        &self,
        model: &Model<R>,
        state: &State<R>,
        links: &Links<R>,
        mut visit: impl FnMut(usize, usize, Force<R>),
    ) {
        let one = R::one();
        for block in &self.rows.blocks {
            let visit = &mut |row: usize, b: usize, push: Force<R>| visit(block.row + row, b, push);
            match block.origin {
                Origin::Contact(k) => self.touch_pushes(model, links, (k, block.count), visit),
                Origin::Turn(k) => joined::pushes(model, links, k, true, visit),
                Origin::Equality(k) => match model.topology.equalities[k].tie {
                    Tie::Point(_) | Tie::Frame(_) => joined::pushes(model, links, k, false, visit),
                    _ => {
                        for (t, share) in along::tied_tendons(model, state, links, k).into_iter().flatten() {
                            tendon_pushes(model, links, t, share, visit);
                        }
                    }
                },
                Origin::TendonLoss(t) => tendon_pushes(model, links, t, one, visit),
                Origin::TendonLimit(t, end) => {
                    tendon_pushes(model, links, t, one.times(along::sign(end)), visit);
                }
                Origin::DofLoss(_) | Origin::JointLimit(..) => {}
            }
        }
    }

    /// The same of contacts alone.
    pub fn contact_pushes(
        &self,
        model: &Model<R>,
        links: &Links<R>,
        mut visit: impl FnMut(usize, usize, Force<R>),
    ) {
        for block in &self.rows.blocks {
            if let Origin::Contact(k) = block.origin {
                let visit = &mut |row: usize, b: usize, push: Force<R>| visit(block.row + row, b, push);
                self.touch_pushes(model, links, (k, block.count), visit);
            }
        }
    }

    fn touch_pushes(
        &self,
        model: &Model<R>,
        links: &Links<R>,
        (k, rows): (usize, usize),
        visit: &mut impl FnMut(usize, usize, Force<R>),
    ) {
        let contact = &self.contacts.list[k];
        let frame = contact.touch.frame;
        for (g, sign) in contact.candidate.geoms.into_iter().zip([-1.0, 1.0]) {
            let b = model.topology.geoms[g].body;
            let offset = contact.touch.point - links.bodies[b].origin;
            for row in 0..rows {
                let push = if row < 3 {
                    Force::at(offset, frame[row])
                } else {
                    Force::new(frame[row - 3], Vec3::zero())
                };
                visit(row, b, push * R::from_f64(sign));
            }
        }
    }

    /// How far inside a limit something is, beyond its margin: negative where the limit acts.
    pub fn violation(&self, model: &Model<R>, state: &State<R>, links: &Links<R>, origin: Origin) -> R {
        along::violation(model, state, links, origin)
    }
}

fn tendon_pushes<R: Real>(
    model: &Model<R>,
    links: &Links<R>,
    t: usize,
    share: R,
    visit: &mut impl FnMut(usize, usize, Force<R>),
) {
    let TendonPath::Spatial(pieces) = &model.topology.tendons[t] else { return };
    for p in pieces {
        for (b, g) in line::piece(model, links, p, model.tendons[t].weights[p.weight]).1 {
            visit(0, b, g * share);
        }
    }
}
