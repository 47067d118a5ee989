//! Costs, penalties, quantities and plans.

use costate::control::{Plan, Shape};
use costate::model::Input;
use costate::model::description::Integrator;
use costate::number::{Dual, Real, Single, derivative_check, dot_check};
use costate::objective::{Custom, Law, Objective, Penalty, RandomLinear};
use costate::physics::Engine;
use costate::sense::{Needs, Quantity, View, ViewCotangent};
use costate::spatial::Vec3;

use super::world::{Back, Operation, Place, World, ask, ask_all};
use super::{Answer, Row};
use crate::ladder::sensors::sensed;
use crate::objectives::{Everything, quantities_of, terms};
use crate::recorded::{Recorded, all};

/// At the state where every term acts.
const STATE: usize = 2;

macro_rules! cost {
    ($name:ident, |$world:ident| $cost:expr, $own:expr) => {
        struct $name;
        impl Operation for $name {
            fn forward<R: Engine>(&self, $world: &World<R>, _: &Place) -> Vec<R> {
                vec![$cost]
            }
            fn pullback(&mut self, $world: &World<f64>, _: &Place, w: &[f64], out: &mut Back) {
                // A cost has the cotangent one: weigh what it adds.
                let World { model, state, input, .. } = $world;
                let mut one = costate::physics::Cotangents::zero(model, input);
                let mut twice = one.clone();
                $own.cost_pullback(model, state, Some(input), STATE, &mut one);
                // It adds: once more gives twice as much.
                $own.cost_pullback(model, state, Some(input), STATE, &mut twice);
                $own.cost_pullback(model, state, Some(input), STATE, &mut twice);
                add(&one, w[0], out);
                add(&twice, 1.0, out);
                add(&one, -2.0, out);
            }
        }
    };
}

/// Adds a multiple of cotangents.
fn add(one: &costate::physics::Cotangents<f64>, w: f64, out: &mut Back) {
    let sum = |own: &mut [f64], by: &[f64]| own.iter_mut().zip(by).for_each(|(own, by)| *own += w * by);
    let o = &mut out.out;
    sum(&mut o.state.q, &one.state.q);
    sum(&mut o.state.v, &one.state.v);
    sum(&mut o.state.act, &one.state.act);
    sum(&mut o.input.u, &one.input.u);
    sum(&mut o.input.force, &one.input.force);
    let forces = |own: &mut [costate::spatial::Force<f64>], by: &[costate::spatial::Force<f64>]| {
        own.iter_mut().zip(by).for_each(|(own, by)| *own += *by * w);
    };
    forces(&mut o.state.mocap, &one.state.mocap);
    forces(&mut o.input.wrench, &one.input.wrench);
    let mut numbers = one.model.numbers().into_iter();
    o.model.visit(|x| *x += w * numbers.next().unwrap());
}

cost!(
    OfTerms,
    |world| terms(&world.model).cost(&world.model, &world.state, Some(&world.input), STATE),
    terms(&world.model)
);
cost!(
    OfRandom,
    |world| RandomLinear::new(&world.model, 3, 5).cost(&world.model, &world.state, Some(&world.input), STATE),
    RandomLinear::new(&world.model, 3, 5)
);
cost!(
    OfPair,
    |world| {
        let mut pair = (terms(&world.model), RandomLinear::new(&world.model, 3, 5));
        pair.cost(&world.model, &world.state, Some(&world.input), STATE)
    },
    (terms(&world.model), RandomLinear::new(&world.model, 3, 5))
);
cost!(
    OfLaw,
    |world| Everything.cost(&world.model, &world.state, Some(&world.input), STATE),
    Custom(Everything)
);

/// Every quantity of a model, and a look at all of them.
fn seen<R: Engine>(world: &World<R>) -> (View<R>, Vec<Quantity>) {
    let all: Vec<_> = quantities_of(&world.model).into_iter().map(|(_, q)| q).collect();
    let mut view = View::new(&world.model, all.iter().copied());
    (view.step, view.past) = (STATE, vec![R::from_f64(0.3); world.model.topology.nu]);
    view.look(&world.model, &world.state, Some(&world.input), Needs::of(all.iter().copied()));
    (view, all)
}

/// Every quantity of a model.
struct Quantities;

impl Operation for Quantities {
    fn forward<R: Engine>(&self, world: &World<R>, _: &Place) -> Vec<R> {
        let (view, all) = seen(world);
        let measure = |q: &Quantity| q.measure(&world.model, &world.state, Some(&world.input), &view);
        all.iter().flat_map(|q| measure(q).to_array()).collect()
    }
    fn pullback(&mut self, world: &World<f64>, _: &Place, w: &[f64], out: &mut Back) {
        let mut c = ViewCotangent::new(&world.model);
        let (mut view, all) = seen(world);
        for (q, w) in all.iter().zip(w.chunks(3)) {
            let w = Vec3::new(w[0], w[1], w[2]);
            q.measure_pullback(&world.model, &world.state, &view, w, &mut c, &mut out.out);
        }
        view.look_pullback(&world.model, &world.state, Some(&world.input), &mut c, &mut out.out);
    }
}

/// Every penalty of a vector.
fn penalties() -> Answer {
    let all = [
        Penalty::Square,
        Penalty::Wrapped,
        Penalty::Distance { width: 0.3 },
        Penalty::Outside { lower: -0.1, upper: 0.2 },
        Penalty::Avoid { radius: 2.0 },
    ];
    fn cost<R: Real>(p: Penalty, x: &[R]) -> Vec<R> {
        vec![p.cost(Vec3::new(x[0], x[1], x[2]))]
    }
    let mut worst = Answer::default();
    for p in all {
        for k in 0..20 {
            let wave = |a: f64| (a * f64::from(k + 1)).sin();
            let (x, d) = ([wave(1.3), wave(2.1), wave(0.7)], [wave(3.1), wave(0.2), wave(1.9)]);
            let difference = derivative_check(|x| cost(p, x), |x| cost(p, x), &x, &d).error;
            let dual: Vec<_> = x.iter().zip(d).map(|(&x, d)| Single::new(x, d)).collect();
            let jd: Vec<f64> = cost(p, &dual).iter().map(Dual::derivative).collect();
            let by = p.pullback(Vec3::from(x), 0.7).to_array();
            worst = worst.worse(Answer { difference, dot: dot_check(&[0.7], &jd, &by, &d).error });
        }
    }
    worst
}

/// A plan is linear: its values themselves are the direction.
fn plans() -> Answer {
    let mut worst = Answer::default();
    for shape in [Shape::Steps { hold: 1 }, Shape::Steps { hold: 3 }, Shape::Spline { knots: 7 }] {
        let plan = Plan::new(shape, 20, 3);
        let wave = |n: usize, a: f64| (0..n).map(|k| (a * (k + 1) as f64).sin()).collect::<Vec<f64>>();
        let run = |x: &[f64]| -> Vec<f64> {
            let blank =
                Input { u: vec![f64::NAN; 3], force: Vec::new(), wrench: Vec::new(), push: Vec::new() };
            let mut out = vec![blank; 20];
            plan.inputs(x, &mut out);
            out.into_iter().flat_map(|i| i.u).collect()
        };
        let (x, d, w) = (wave(plan.values(), 1.1), wave(plan.values(), 0.7), wave(60, 2.3));
        let dual = |x: &[Single<f64>]| -> Vec<Single<f64>> {
            let mut out = vec![
                Input {
                    u: vec![Single::zero(); 3],
                    force: Vec::new(),
                    wrench: Vec::new(),
                    push: Vec::new()
                };
                20
            ];
            plan.inputs(x, &mut out);
            out.into_iter().flat_map(|i| i.u).collect()
        };
        let difference = derivative_check(dual, run, &x, &d).error;
        let cotangent: Vec<_> = w
            .chunks(3)
            .map(|u| Input { u: u.to_vec(), force: Vec::new(), wrench: Vec::new(), push: Vec::new() })
            .collect();
        let mut by = x.clone();
        plan.inputs_pullback(&cotangent, &mut by);
        by.iter_mut().zip(&x).for_each(|(by, x)| *by -= x);
        worst = worst.worse(Answer { difference, dot: dot_check(&w, &run(&d), &by, &d).error });
    }
    worst
}

/// A model with every sensor, and without constraints.
fn sensing() -> Vec<Recorded> {
    sensed().into_iter().filter(|r| r.name == "free").collect()
}

pub fn rows() -> Vec<Row> {
    macro_rules! row {
        ($name:literal, $operation:expr) => {
            Row::new($name, || ask_all(&all(), Integrator::Euler, false, |_| $operation))
        };
    }
    vec![
        row!("objective/terms.rs::cost_pullback", OfTerms),
        row!("objective/random.rs::cost_pullback", OfRandom),
        row!("objective/mod.rs::cost_pullback", OfPair),
        row!("objective/custom.rs::cost_pullback", OfLaw),
        row!("sense/quantity.rs::measure_pullback", Quantities),
        row!("sense/view.rs::look_pullback", Quantities),
        Row::new("sense/view.rs::look_pullback", || {
            ask_all(&sensing(), Integrator::Euler, false, |_| Quantities)
        }),
        Row::new("objective/terms.rs::cost_pullback", || {
            ask_all(&sensing(), Integrator::Euler, false, |_| OfTerms)
        }),
        Row::new("objective/penalty.rs::pullback", penalties),
        Row::new("control/open_loop.rs::inputs_pullback", plans),
    ]
}

#[test]
fn a_wrong_sign_in_a_cost_is_seen() {
    /// The costs' share of the velocities has the wrong sign.
    struct Wrong;
    impl Operation for Wrong {
        fn forward<R: Engine>(&self, world: &World<R>, place: &Place) -> Vec<R> {
            OfTerms.forward(world, place)
        }
        fn pullback(&mut self, world: &World<f64>, place: &Place, w: &[f64], out: &mut Back) {
            let before = out.out.state.v.clone();
            OfTerms.pullback(world, place, w, out);
            for (own, start) in out.out.state.v.iter_mut().zip(before) {
                *own = start - (*own - start);
            }
        }
    }
    let tree = all().into_iter().find(|r| r.name == "tree").unwrap();
    let place = Place::new(&tree, Integrator::Euler, 0).with_fixed_fields();
    assert!(ask(&mut OfTerms, &place).is_right());
    let answer = ask(&mut Wrong, &place);
    assert!(answer.dot > 1e-6, "{answer:?}");
}
