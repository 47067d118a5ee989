//! Costs: the pullback against dual numbers, on every model and quantity.

use costate::model::description::Description;
use costate::model::{Input, Model, State, Values, assemble};
use costate::number::{Dual, Real, Tangent, Wide, leaf_pullback};
use costate::objective::{Custom, Law, Objective, Penalty, Term, Terms, When};
use costate::physics::Cotangents;
use costate::physics::Engine;
use costate::physics::articulated::{Links, kinematics};
use costate::physics::derive::{self, Compilation};
use costate::rollout::{Memory, Workspace, value_and_gradient};
use costate::scene::mjcf;
use costate::sense::{Quantity, known_quantities, matches, quantities};
use costate::spatial::Vec3;

use crate::gradients::{moved, vary_input};
use crate::recorded::{all, situation};

type Number = Wide<f64>;

/// Every quantity with a name of its own, and of each form that takes others one or two.
pub fn quantities_of<R>(model: &Model<R>) -> Vec<(String, Quantity)> {
    let t = &model.topology;
    let (first, last) =
        (&t.names.bodies[1.min(t.names.bodies.len() - 1)], &t.names.bodies[t.names.bodies.len() - 1]);
    let mut out = known_quantities(t);
    out.extend(quantities(t, "phase(1.5)").unwrap());
    for end in ["", ".y"] {
        let pattern = format!("body.{last}.position{end} - body.{first}.position{end}");
        out.extend(quantities(t, &pattern).unwrap_or_default());
    }
    out
}

/// A term for every quantity of a model, with every kind of penalty in turn.
pub fn terms<R: Engine>(model: &Model<R>) -> Terms<R> {
    let penalties = [
        Penalty::Square,
        Penalty::Wrapped,
        Penalty::Distance { width: 0.3 },
        Penalty::Outside { lower: -0.1, upper: 0.2 },
        Penalty::Avoid { radius: 2.0 },
    ];
    let all = quantities_of(model).into_iter().enumerate();
    let terms = all.map(|(k, (name, quantity))| Term {
        name,
        quantity,
        // The cost is looked at two steps in: paths that went on, and one that ended.
        target: match quantity.is_vector() {
            true => vec![[0.0; 3], [0.0; 3], [0.1, -0.2, 0.3], [9.0; 3]],
            // No place that a model has: the distance from it bends where it is zero.
            false => vec![[0.3719, 0.0, 0.0]],
        },
        penalty: match (quantity, penalties[k % penalties.len()]) {
            (Quantity::Energy(_), _) => Penalty::Distance { width: 0.3 },
            // The cosine of a large force turns too fast for a difference quotient.
            (Quantity::JointPosition { .. } | Quantity::Phase { .. }, penalty) => penalty,
            (_, Penalty::Wrapped) => Penalty::Square,
            (_, penalty) => penalty,
        },
        weight: 1.0 + k as f64,
        when: if k % 3 == 0 { When::At(2) } else { When::Running(0..9) },
    });
    Terms::new(model, terms.collect())
}

/// A cost that uses a little of everything.
pub struct Everything;

impl Law for Everything {
    fn cost<R: Real>(&self, model: &Model<R>, state: &State<R>, input: Option<&Input<R>>, _: usize) -> R {
        let mut links = Links::new(model);
        kinematics(model, state, &mut links);
        let mut sum = model.option.timestep.sin();
        for s in 0..model.sites.len() {
            let (place, turn) = links.site(model, s);
            sum += place.dot(place) * turn.v.x.exp();
        }
        for link in &links.bodies {
            sum += link.velocity.linear.norm() * link.center.x;
        }
        let numbers = state.v.iter().chain(&state.act).chain(input.into_iter().flat_map(|i| &i.u));
        numbers.fold(sum, |sum, x| sum + x.tanh())
    }
}

fn dual(
    d: &Description,
    parameters: &[f64],
    state: &State<f64>,
    input: &Input<f64>,
    first: usize,
    law: bool,
) -> [f64; 8] {
    let mut next = 0;
    let mut vary = |x: f64| -> Number {
        let mut out: Number = Dual::constant(x);
        if (first..first + 8).contains(&next) {
            out.tangent.set(next - first, 1.0);
        }
        next += 1;
        out
    };
    let state = moved(&derive::compile(d), state, &mut vary);
    let input = vary_input(input, &mut vary);
    let parameters: Vec<Number> = parameters.iter().map(|&x| vary(x)).collect();
    let mut model: Model<Number> = assemble(d, &mut Values(parameters.iter()));
    derive::complete(d, &mut model);
    let cost = match law {
        true => Custom(Everything).cost(&model, &state, Some(&input), 2),
        false => terms(&model).cost(&model, &state, Some(&input), 2),
    };
    cost.tangent.to_array()
}

fn flat(out: &Cotangents<f64>) -> Vec<f64> {
    let mut all = [&out.state.q[..], &out.state.v, &out.state.act].concat();
    for w in &out.state.mocap {
        all.extend([w.torque.to_array(), w.force.to_array()].concat());
    }
    all.extend(&out.input.u);
    all.extend(&out.input.force);
    all.extend(out.input.wrench.iter().flat_map(|w| [w.torque.to_array(), w.force.to_array()].concat()));
    all
}

fn compare(law: bool) {
    for r in all() {
        let d = &r.description;
        let parameters: Vec<f64> = derive::parameters(d).iter().map(|p| p.value).collect();
        let compiled = Compilation::new(d, &parameters);
        let model = &compiled.model;
        let (state, input) = situation(model, &r.values["steps"][0]);
        let mut out = Cotangents::zero(model, &input);
        match law {
            true => Custom(Everything).cost_pullback(model, &state, Some(&input), 2, &mut out),
            false => terms(model).cost_pullback(model, &state, Some(&input), 2, &mut out),
        }
        let adjoint = [flat(&out), compiled.pullback(&out.model)].concat();
        let firsts = (0..adjoint.len()).step_by(8);
        let dual: Vec<f64> = firsts.flat_map(|k| dual(d, &parameters, &state, &input, k, law)).collect();
        let scale = dual.iter().fold(1.0, |m: f64, x| m.max(x.abs()));
        for (k, (a, b)) in adjoint.iter().zip(&dual).enumerate() {
            assert!((a - b).abs() <= 1e-12 * scale, "{}: entry {k} is {a} and not {b}", d.name);
        }
    }
}

#[test]
fn the_pullback_of_every_term_equals_dual_numbers_on_every_model() {
    compare(false);
}

#[test]
fn the_tape_differentiates_what_a_user_writes() {
    compare(true);
}

#[test]
fn the_rate_of_a_control_costs_and_pulls_as_the_difference_of_successive_controls_says() {
    const STEPS: usize = 7;
    let model = derive::compile(&mjcf::load("scenes/models/cartpole.xml".as_ref()).unwrap());
    let (start, dt) = (State::reference(&model), model.option.timestep);
    let u: Vec<f64> = (0..STEPS).map(|k| (1.7 * k as f64).sin()).collect();
    let inputs: Vec<_> = u.iter().map(|u| Input { u: vec![*u], ..Input::zero(&model) }).collect();
    let (name, quantity) = quantities(&model.topology, "control_rate.push").unwrap().remove(0);
    let when = When::Running(0..STEPS);
    let term = Term { name, quantity, target: vec![], penalty: Penalty::Square, weight: 0.7, when };
    let mut terms = Terms::new(&model, vec![term]);
    let mut workspace = Workspace::new(&model, &start);
    let jump = |k: usize| if (1..STEPS).contains(&k) { u[k] - u[k - 1] } else { 0.0 };
    // Twice, because what one rollout leaves must not touch the next.
    for memory in [Memory::Full, Memory::Bytes(1)] {
        let (cost, gradient) =
            value_and_gradient(&model, &start, &inputs, &mut terms, memory, &mut workspace).unwrap();
        let wanted = (0..STEPS).map(|k| 0.7 * jump(k).powi(2) / dt).sum::<f64>();
        assert!((cost - wanted).abs() < 1e-12 * wanted, "{cost} is not {wanted}");
        for k in 0..STEPS {
            let (own, wanted) = (gradient.inputs[k].u[0], 1.4 * (jump(k) - jump(k + 1)) / dt);
            assert!((own - wanted).abs() < 1e-10, "step {k}: {own} is not {wanted}");
        }
        let own = gradient.model.option.timestep;
        assert!((own + wanted / dt).abs() < 1e-9 * own.abs(), "{own} is not {}", -wanted / dt);
    }
}

#[test]
fn a_star_stands_for_any_text() {
    assert!(matches("joint.*.damping", "joint.hip.damping"));
    assert!(matches("*", "anything"));
    assert!(matches("geom.foot*.size[*]", "geom.foot_left.size[0]"));
    assert!(matches("control.push", "control.push"));
    assert!(!matches("joint.*.damping", "joint.hip.armature"));
    assert!(!matches("control.push", "control.pusher"));
    assert!(!matches("aa*aa", "aaa"));
}

#[test]
fn every_penalty_pulls_back_as_its_dual_does_and_is_the_square_of_its_residual() {
    let penalties = [
        Penalty::Square,
        Penalty::Wrapped,
        Penalty::Distance { width: 0.1 },
        Penalty::Outside { lower: -0.2, upper: 0.3 },
        Penalty::Avoid { radius: 0.8 },
    ];
    for penalty in penalties {
        for d in [[0.3, -0.4, 0.1], [-1.3, 2.0, 0.7], [0.1, 0.0, 0.0], [0.0, 0.0, 0.0]] {
            let dual = leaf_pullback(|d: [_; 3]| [penalty.cost(Vec3::from(d))], d, [1.7]);
            let own = penalty.pullback(Vec3::from(d), 1.7).to_array();
            for (a, b) in own.iter().zip(dual) {
                assert!((a - b).abs() < 1e-14, "{penalty:?} at {d:?}: {a} is not {b}");
            }
            let (cost, r) = (penalty.cost(Vec3::from(d)), penalty.residual(Vec3::from(d)));
            assert!((r.dot(r) - cost).abs() < 1e-15, "{penalty:?} at {d:?}: {r:?} is no root of {cost}");
        }
    }
}
