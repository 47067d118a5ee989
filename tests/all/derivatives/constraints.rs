//! What constraints need of a model: inverse weights, frames of equalities, numbers of contacts.

use costate::model::{Constants, Model, Tie, Touch, touch, touch_pullback};
use costate::number::{Real, Wide, derivative_check, dot_check};
use costate::physics::derive;
use costate::spatial::{Quat, Vec3};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::world::turn_from;
use super::{Answer, Row};
use crate::ladder::constraints::cases;
use crate::moving::{alone, moving, slope};
use crate::recorded::all;

/// A model that moves along a direction: numbers along lines, rotations by turns on the left.
struct Moving {
    base: Model<f64>,
    direction: Model<f64>,
}

impl Moving {
    fn new(base: Model<f64>) -> Self {
        let mut random = Pcg64::seed_from_u64(53);
        let mut direction = base.map(|x| 0.3 * x.abs().max(0.02) * random.random_range(-1.0..1.0));
        for q in direction.rotations() {
            *q = Quat { w: 0.0, v: Vec3::from([0; 3].map(|_| random.random_range(-1.0..1.0))) };
        }
        // A weight of zero gives way to any other: it stays.
        for (d, geom) in direction.geoms.iter_mut().zip(&base.geoms) {
            d.solmix = if geom.solmix == 0.0 { 0.0 } else { d.solmix };
        }
        // An axis stays a unit vector.
        for (d, joint) in direction.joints.iter_mut().zip(&base.joints) {
            d.axis = d.axis - joint.axis * joint.axis.dot(d.axis);
        }
        Self { base, direction }
    }
    fn at<R: Real>(&self, t: R) -> Model<R> {
        let mut shifts = self.direction.numbers().into_iter();
        let mut model = self.base.map(|x| R::from_f64(x) + t.times(shifts.next().unwrap()));
        let (mut base, mut direction) = (self.base.clone(), self.direction.clone());
        for ((q, b), d) in model.rotations().zip(base.rotations()).zip(direction.rotations()) {
            *q = Quat::exp(d.v.map(|w| t.times(w))) * b.map(R::from_f64);
        }
        model
    }
    /// Asks a function of models and its pullback, which adds to known numbers.
    fn ask(
        &self,
        dual: impl Fn(&Model<Wide<f64>>) -> Vec<Wide<f64>>,
        plain: impl Fn(&Model<f64>) -> Vec<f64>,
        pullback: impl Fn(&[f64], &mut Model<f64>),
    ) -> Answer {
        let along = |x: &[Wide<f64>]| dual(&self.at(x[0]));
        let difference = derivative_check(alone(along), |x| plain(&self.at(x[0])), &[0.0], &[1.0]).error;
        let jd: Vec<f64> = along(&[moving(0.0, 1.0)]).iter().map(slope).collect();
        let mut random = Pcg64::seed_from_u64(59);
        let w: Vec<f64> = jd.iter().map(|_| random.random_range(-1.0..1.0)).collect();
        let mut out = self.base.zeros();
        pullback(&w, &mut out);
        let dot = dot_check(&w, &jd, &out.numbers(), &self.direction.numbers()).error;
        Answer { difference, dot }
    }
}

/// Every number of every contact.
fn touches<R: Real>(model: &Model<R>) -> Vec<R> {
    let each = |t: Touch<R>| {
        let scalars = [t.margin, t.gap];
        [&scalars[..], &t.friction, &t.solref, &t.solref_friction, &t.solimp].concat()
    };
    model.topology.candidates.iter().flatten().flat_map(|c| each(touch(model, c))).collect()
}

fn touches_pullback(model: &Model<f64>, w: &[f64], out: &mut Model<f64>) {
    for (c, w) in model.topology.candidates.iter().flatten().zip(w.chunks(16)) {
        let part = |k: usize| std::array::from_fn(|i| w[k + i]);
        let friction: [f64; 5] = std::array::from_fn(|i| w[2 + i]);
        let solimp: [f64; 5] = std::array::from_fn(|i| w[11 + i]);
        let w =
            Touch { margin: w[0], gap: w[1], friction, solref: part(7), solref_friction: part(9), solimp };
        touch_pullback(model, c, &w, out);
    }
}

/// The constants, and the frames that are found, as turns from those of a fixed model.
fn settled<R: Real>(model: &Model<R>, base: &Model<f64>) -> Vec<R> {
    let mut model = model.clone();
    derive::settle(&mut model);
    let c = &model.constants;
    let mut out = [&c.body_invweight.concat()[..], &c.dof_invweight, &c.tendon_invweight].concat();
    out.extend(&c.tendon_length);
    for (k, layout) in model.topology.equalities.iter().enumerate() {
        if let Some(found) = layout.found {
            let (own, base) = (&model.equalities[k].frames[found], &base.equalities[k].frames[found]);
            out.extend(own.position.to_array());
            out.extend(turn_from(own.rotation, base.rotation));
        }
    }
    out
}

fn settled_pullback(model: &Model<f64>, w: &[f64], out: &mut Model<f64>) {
    let t = &model.topology;
    let mut next = w.iter().copied();
    let mut take = |n: usize| -> Vec<f64> { next.by_ref().take(n).collect() };
    let bodies = take(2 * t.bodies.len());
    out.constants = Constants {
        body_invweight: bodies.chunks(2).map(|w| [w[0], w[1]]).collect(),
        dof_invweight: take(t.nv),
        tendon_invweight: take(t.tendons.len()),
        tendon_length: take(t.tendons.len()),
    };
    for (e, layout) in out.equalities.iter_mut().zip(&t.equalities) {
        if let Some(found) = layout.found {
            let w = take(6);
            e.frames[found].position = Vec3::new(w[0], w[1], w[2]);
            // What stands in the place of the scalar part is written, not read.
            e.frames[found].rotation = Quat::new(f64::NAN, w[3], w[4], w[5]);
        }
    }
    derive::settle_pullback(model, out);
    // What was taken is gone.
    assert!(out.constants.dof_invweight.iter().all(|w| *w == 0.0));
    for (e, layout) in out.equalities.iter_mut().zip(&t.equalities) {
        let kept = matches!(layout.tie, Tie::Point(_));
        for f in &mut e.frames {
            assert!(kept || !f.rotation.w.is_nan());
            f.rotation.w = 0.0;
        }
    }
}

fn worst(ask: impl Fn(&Moving) -> Answer) -> Answer {
    let recorded = all().into_iter().map(|r| (r.name, r.model));
    let more = cases().into_iter().map(|(name, d, _)| (name, derive::compile(&d)));
    recorded.chain(more).filter(|(_, m)| m.topology.constrained).fold(
        Answer::default(),
        |worst, (name, m)| {
            let answer = ask(&Moving::new(m));
            if !answer.is_right() {
                println!("{name}: {answer:?}");
            }
            worst.worse(answer)
        },
    )
}

pub fn rows() -> Vec<Row> {
    vec![
        Row::new("model/touch.rs::touch_pullback", || {
            worst(|m| m.ask(touches, touches, |w, out| touches_pullback(&m.base, w, out)))
        }),
        Row::new("physics/constants.rs::settle_pullback", || {
            worst(|m| {
                let base = &m.base;
                m.ask(|x| settled(x, base), |x| settled(x, base), |w, out| settled_pullback(base, w, out))
            })
        }),
    ]
}

#[test]
fn a_wrong_sign_in_a_mixture_or_an_inverse_weight_is_seen() {
    let (_, d, _) = cases().into_iter().find(|(name, ..)| name == "weld_as_placed").unwrap();
    let m = Moving::new(derive::compile(&d));
    let base = &m.base;
    let wrong = m.ask(
        |x| settled(x, base),
        |x| settled(x, base),
        |w, out| {
            settled_pullback(base, w, out);
            out.bodies[1].mass = -out.bodies[1].mass;
        },
    );
    assert!(wrong.dot > 1e-6);
    let (_, d, _) = cases().into_iter().find(|(name, ..)| name == "touching_1").unwrap();
    let m = Moving::new(derive::compile(&d));
    let wrong = m.ask(touches, touches, |w, out| {
        touches_pullback(&m.base, w, out);
        out.geoms.iter_mut().for_each(|g| g.solref[0] = -g.solref[0]);
    });
    assert!(wrong.dot > 1e-6);
}
