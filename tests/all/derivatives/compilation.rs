//! From the numbers of a file to those of a model.

use costate::model::{Model, Values, assemble};
use costate::number::{Real, Wide, derivative_check, dot_check};
use costate::physics::derive::{self, Compilation};
use costate::spatial::{Quat, Sym3, Vec3};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::world::turn_from;
use super::{Answer, Row};
use crate::ladder::constraints::cases;
use crate::moving::{alone, moving, slope};
use crate::recorded::{Recorded, all};

/// A model's numbers, each rotation as a turn from a fixed one (and a zero in the place of `w`).
fn tangent<R: Real>(model: &Model<R>, base: &Model<f64>) -> Vec<R> {
    let (mut turned, mut base) = (model.clone(), base.clone());
    for (q, b) in turned.rotations().zip(base.rotations()) {
        *q = Quat { w: R::zero(), v: turn_from(*q, *b).into() };
    }
    turned.numbers()
}

/// What can be seen of a model: a rotation that is found from a direction, or from an inertia, jumps
/// where the direction itself does not.
fn visible<R: Real>(model: &Model<R>) -> Vec<R> {
    let mut seen = model.clone();
    let direction = |q: Quat<R>| Quat { w: R::zero(), v: q.rotate(Vec3::unit(2)) };
    for body in &mut seen.bodies {
        if let Some(b) = &mut body.fluid {
            let s = Sym3::congruence(b.rotation.to_matrix(), b.edges.product(b.edges));
            b.edges = Vec3::new(s.xx, s.yy, s.zz);
            b.rotation = Quat { w: R::zero(), v: Vec3::new(s.xy, s.xz, s.yz) };
        }
    }
    seen.sites.iter_mut().for_each(|s| s.rotation = direction(s.rotation));
    seen.geoms.iter_mut().for_each(|g| g.rotation = direction(g.rotation));
    seen.equalities.iter_mut().flat_map(|e| &mut e.frames).for_each(|f| f.rotation = direction(f.rotation));
    seen.numbers()
}

/// Values of all parameters, and a direction within their bounds.
fn parameters(r: &Recorded) -> (Vec<f64>, Vec<f64>) {
    let mut random = Pcg64::seed_from_u64(41);
    let all = derive::parameters(&r.description);
    let values = all.iter().map(|p| p.value).collect();
    let direction =
        all.iter()
            // A number at its bound stays there: a difference would leave the models.
            .map(|p| {
                if p.value <= p.lower {
                    0.0
                } else {
                    random.random_range(-0.3..0.3) * p.value.abs().max(0.03)
                }
            })
            .collect();
    (values, direction)
}

fn ask(r: &Recorded) -> Answer {
    let (values, d) = parameters(r);
    let compiled = Compilation::new(&r.description, &values);
    let base = &compiled.model;
    fn model<R: Real>(r: &Recorded, values: &[R]) -> Model<R> {
        let mut model = assemble(&r.description, &mut Values(values.iter()));
        derive::complete(&r.description, &mut model);
        model
    }
    fn seen<R: Real>(r: &Recorded, values: &[R]) -> Vec<R> {
        visible(&model(r, values))
    }
    let difference = derivative_check(alone(|x| seen(r, x)), |x| seen(r, x), &values, &d).error;
    let dual: Vec<_> = values.iter().zip(&d).map(|(&x, &d)| moving(x, d)).collect();
    let jd: Vec<f64> = tangent(&model(r, &dual), base).iter().map(slope).collect();
    // Weights for the tangent of a model; what stands in the place of `w` is written, not read.
    let mut random = Pcg64::seed_from_u64(43);
    let mut weight = base.map(|_| random.random_range(-1.0..1.0));
    let w = weight.numbers();
    poison(&mut weight);
    Answer { difference, dot: dot_check(&w, &jd, &compiled.pullback(&weight), &d).error }
}

/// NaN in the scalar part of every rotation.
fn poison(model: &mut Model<f64>) {
    model.rotations().for_each(|q| q.w = f64::NAN);
}

/// Turns of a model's rotations against the four numbers that they move.
fn ask_rotations(r: &Recorded) -> Answer {
    let base = &r.model;
    let mut random = Pcg64::seed_from_u64(47);
    let mut direction = base.map(|_| 0.0);
    let mut weight = base.map(|_| 0.0);
    for (d, w) in direction.bodies.iter_mut().zip(&mut weight.bodies) {
        let mut three = || Vec3::from([0; 3].map(|_| random.random_range(-1.0..1.0)));
        (d.rotation.v, w.rotation.v) = (three(), three());
    }
    fn rotations<R: Real>(base: &Model<f64>, d: &Model<f64>, t: R) -> Vec<R> {
        let moved = |(b, d): (&costate::model::Body<f64>, &costate::model::Body<f64>)| {
            let turn = Quat::exp(d.rotation.v.map(|w| t.times(w)));
            (turn * b.rotation.map(R::from_f64)).to_array()
        };
        base.bodies.iter().zip(&d.bodies).flat_map(moved).collect()
    }
    let along = |x: &[Wide<f64>]| rotations(base, &direction, x[0]);
    let difference =
        derivative_check(alone(along), |x| rotations(base, &direction, x[0]), &[0.0], &[1.0]).error;
    let moved: Vec<f64> = along(&[moving(0.0, 1.0)]).iter().map(slope).collect();
    let turns = |m: &Model<f64>| m.bodies.iter().flat_map(|b| b.rotation.v.to_array()).collect::<Vec<f64>>();
    let (t, d) = (turns(&weight), turns(&direction));
    poison(&mut weight);
    base.rotations_pullback(&mut weight);
    let pulled: Vec<f64> = weight.bodies.iter().flat_map(|b| b.rotation.to_array()).collect();
    Answer { difference, dot: dot_check(&t, &d, &pulled, &moved).error }
}

fn worst(ask: impl Fn(&Recorded) -> Answer) -> Answer {
    let constrained = cases().into_iter().map(|(name, description, values)| Recorded {
        name,
        model: derive::compile(&description),
        description,
        values,
    });
    all().into_iter().chain(constrained).fold(Answer::default(), |worst, r| {
        let answer = ask(&r);
        if !answer.is_right() {
            println!("{}: {answer:?}", r.name);
        }
        worst.worse(answer)
    })
}

pub fn rows() -> Vec<Row> {
    vec![
        Row::new("physics/derive.rs::pullback", || worst(ask)),
        Row::new("model/entries.rs::rotations_pullback", || worst(ask_rotations)),
    ]
}

#[test]
fn a_wrong_sign_in_a_compilation_is_seen() {
    let r = all().into_iter().find(|r| r.name == "inertia_shapes").unwrap();
    let (values, d) = parameters(&r);
    let compiled = Compilation::new(&r.description, &values);
    let weight = compiled.model.map(|_| 1.0);
    let right = compiled.pullback(&weight);
    // The largest product of the dot test, turned around.
    let k =
        (0..d.len()).max_by(|&a, &b| (right[a] * d[a]).abs().total_cmp(&(right[b] * d[b]).abs())).unwrap();
    let mut wrong = right.clone();
    wrong[k] = -wrong[k];
    assert!(dot_check(&d, &right, &right, &d).error <= Answer::DOT);
    assert!(dot_check(&d, &right, &wrong, &d).error > 1e-3);
}
