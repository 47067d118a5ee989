//! Answers worlds from standard input, a line of JSON each, for `benches/peers/worlds.py`.
//!
//! A world is `{"xml": "...", "qpos": [...], "qvel": [...]}`. Its answer is the acceleration, whether and in how
//! many steps the constraint forces were found, and distances and points of all contacts that act. The gradient of a random
//! `w · a` by configuration, velocity and applied force is compared with that by dual numbers: `adjoint` is the
//! difference in parts of the largest entry, `dual`; `strain` is what rounding errors of the largest force do to it.
//! With `"single": true` sixteen copies of the world in single precision answer too; with `"steps": n` the world
//! also moves. Nothing in a world ends the program: what fails is an `error`.

use std::io::{BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use serde_json::{Value, json};

use costate::model::description::Severity;
use costate::model::{Input, Model, State};
use costate::number::{Dual, LanesF32, Mask, Real, Tangent, Twice, Wide};
use costate::physics::constraint::{Constraint, ConstraintBackward, Contact, Solver};
use costate::physics::{Backward, Cotangents, Record, Stage, acceleration, derive, forces_pullback, step};
use costate::scene::mjcf;

fn numbers(world: &Value, key: &str, out: &mut [f64]) -> Result<(), String> {
    let list: Option<Vec<f64>> = world[key].as_array().and_then(|l| l.iter().map(Value::as_f64).collect());
    match list {
        Some(list) if list.len() == out.len() => out.copy_from_slice(&list),
        _ => return Err(format!("{key} is no list of {} numbers", out.len())),
    }
    Ok(())
}

fn load(world: &Value) -> Result<(Model<f64>, State<f64>), String> {
    let xml = world["xml"].as_str().ok_or("xml is no text")?;
    let description = mjcf::parse(xml, "world.xml".as_ref()).map_err(|e| e.to_string())?;
    if let Some(r) = description.remarks.iter().find(|r| r.severity == Severity::Motion) {
        return Err(format!("refused: {}: {}", r.what, r.why));
    }
    let model = derive::compile(&description);
    let mut state = State::reference(&model);
    numbers(world, "qpos", &mut state.q)?;
    numbers(world, "qvel", &mut state.v)?;
    // Unit quaternions, as the dual numbers below have them.
    let state = state.moved(&model, &vec![0.0; state.v.len()], &[], &[]);
    Ok((model, state))
}

/// The gradient of `w · a` by the tangent of `q`, by `v` and by the applied force, in reverse; and the largest
/// entry of the weight `λ` of all forces.
fn by_adjoint(
    model: &Model<f64>,
    (state, input): (&State<f64>, &Input<f64>),
    stage: &Stage<f64>,
    w: &[f64],
) -> (Vec<f64>, f64) {
    let (mut forces, mut out) = (Backward::of_step(model), Cotangents::zero(model, input));
    let c = &stage.constraint;
    let weight = if c.acts() {
        let mut back = ConstraintBackward::new(model);
        back.weigh(model, &stage.mass, c, w);
        let own = (&mut forces.links, &mut out.state, &mut out.model);
        back.pull(model, state, &stage.links, c, own);
        back.weights.weight
    } else {
        let mut weight = w.to_vec();
        stage.factor.solve(&model.topology.pattern, &mut weight);
        weight
    };
    let rates = vec![0.0; model.topology.na];
    forces_pullback(model, state, input, stage, (&stage.a, &weight, &rates), &mut forces, &mut out);
    ([out.state.q, out.state.v, out.input.force].concat(), largest(weight.iter().copied()))
}

/// The same by dual numbers, and whether each of their searches ended at the optimum.
fn by_duals(model: &Model<f64>, (state, input): (&State<f64>, &Input<f64>), w: &[f64]) -> (Vec<f64>, bool) {
    let nv = model.topology.nv;
    let dual = model.map(Dual::constant);
    let mut stage: Stage<Wide<f64>> = Stage::new(&dual);
    let (mut all, mut found) = (Vec::new(), true);
    let width = <<f64 as Real>::Tangents as Tangent<f64>>::WIDTH;
    for first in (0..3 * nv).step_by(width) {
        // The entries of (q tangent, v, force), of which a few vary.
        let mut entries = vec![Wide::<f64>::zero(); 3 * nv];
        for (k, x) in entries[first..].iter_mut().take(width).enumerate() {
            x.tangent.set(k, 1.0);
        }
        let mut x = state.map(Dual::constant).moved(&dual, &entries[..nv], &entries[nv..2 * nv], &[]);
        // The same place to the last bit: where boxes lie flat on each other, it decides on the side of a kink.
        x.q.iter_mut().zip(&state.q).for_each(|(x, q)| x.value = *q);
        let mut u = input.map(Dual::constant);
        u.force.copy_from_slice(&entries[2 * nv..]);
        acceleration(&dual, &x, &u, &mut stage);
        found &= stage.solved();
        let slope = |k| stage.a.iter().zip(w).map(|(a, w)| w * a.tangent.get(k)).sum::<f64>();
        all.extend((0..width.min(3 * nv - first)).map(slope));
    }
    (all, found)
}

/// The largest entry; not a number if any is not.
fn largest(list: impl Iterator<Item = f64>) -> f64 {
    list.fold(0.0, |most, x| if x.is_nan() || x.abs() > most { x.abs() } else { most })
}

fn in_single_precision(model: &Model<f64>, state: &State<f64>) -> Value {
    let model = model.map(|x| LanesF32::splat(x as f32));
    let state = state.map(|x| LanesF32::splat(x as f32));
    let mut stage = Stage::new(&model);
    acceleration(&model, &state, &Input::zero(&model), &mut stage);
    let a: Vec<f64> = stage.a.iter().map(|a| a.lane(0)).collect();
    json!({ "acceleration": a, "found": stage.solved().all() })
}

/// The acceleration by a search in twice the precision, over the same rows, from the free acceleration.
fn in_twice_the_precision(model: &Model<f64>, stage: &Stage<f64>) -> Vec<f64> {
    let lifted = |list: &[f64]| list.iter().map(|&x| Twice::from(x)).collect::<Vec<_>>();
    let mut free = stage.smooth.clone();
    stage.factor.solve(&model.topology.pattern, &mut free);
    let model = model.map(Twice::from);
    let (mut constraint, mut solver) = (Constraint::new(&model), Solver::new(&model));
    constraint.copy_from(&stage.constraint, Twice::from);
    let given = [&stage.mass, &stage.smooth, &free].map(|list| lifted(list));
    constraint.solve(&model, (&given[0], &given[1], &given[2]), &given[2], &mut solver);
    constraint.a.iter().map(|a| a.first()).collect()
}

/// What ends a motion of so many steps, if anything does.
fn stopped(model: &Model<f64>, state: &State<f64>, steps: u64) -> Option<String> {
    let (mut state, mut next) = (state.clone(), state.clone());
    let (input, mut record) = (Input::zero(model), Record::new(model));
    (0..steps).find_map(|k| {
        step(model, &state, &input, &mut record, &mut next);
        std::mem::swap(&mut state, &mut next);
        let finite = state.q.iter().chain(&state.v).all(|x| x.is_finite());
        let why = if !record.solved() { "not found" } else { "not finite" };
        (!record.solved() || !finite).then(|| format!("{why} in step {k}"))
    })
}

fn answer(world: &Value) -> Result<Value, String> {
    let (model, mut state) = load(world)?;
    let input = Input::zero_applied(&model);
    let mut stage = Stage::new(&model);
    acceleration(&model, &state, &input, &mut stage);
    let place = |c: &Contact<f64>| {
        let [x, y, z] = c.touch.point.to_array();
        [c.touch.distance, x, y, z]
    };
    let active = stage.constraint.contacts.list.iter().filter(|c| c.touch.distance < c.numbers.margin);
    let mut out = json!({
        "acceleration": stage.a,
        "found": stage.solved(),
        "steps": stage.solver_steps(),
        "touching": active.map(place).collect::<Vec<_>>(),
    });
    out["refined"] = json!(stage.refined());
    if stage.constraint.acts() {
        out["twice"] = json!(in_twice_the_precision(&model, &stage));
    }
    if world["single"] == true {
        out["single"] = in_single_precision(&model, &state);
    }
    if let Some(steps) = world["steps"].as_u64() {
        out["stopped"] = json!(stopped(&model, &state, steps));
    }
    if stage.solved() && stage.a.iter().all(|a| a.is_finite()) {
        let mut rng = Pcg64::seed_from_u64(model.topology.nv as u64);
        let w: Vec<f64> = (0..model.topology.nv).map(|_| rng.random_range(-1.0..1.0)).collect();
        let (own, weight) = by_adjoint(&model, (&state, &input), &stage, &w);
        if !state.warm.is_empty() {
            state.warm.copy_from_slice(&stage.a);
        }
        let (dual, found) = by_duals(&model, (&state, &input), &w);
        let size = largest(dual.iter().copied());
        out["adjoint"] = json!(largest(own.iter().zip(&dual).map(|(x, y)| x - y)) / size);
        out["dual"] = json!(size);
        out["dual_found"] = json!(found);
        let force = largest(stage.constraint.force.iter().copied());
        out["strain"] = json!(f64::EPSILON * force * weight / size);
    }
    Ok(out)
}

fn main() {
    std::panic::set_hook(Box::new(|_| {}));
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let attempt = || answer(&serde_json::from_str(&line).map_err(|e| e.to_string())?);
        let own = catch_unwind(AssertUnwindSafe(attempt)).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_string()));
            Err(format!("panicked: {}", text.unwrap_or_default()))
        });
        let own = own.unwrap_or_else(|error| json!({ "found": false, "error": error }));
        if writeln!(out, "{own}").and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}
