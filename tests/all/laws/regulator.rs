//! A linear system with a quadratic cost: the adjoint against the matrices of Riccati.

use nalgebra::{DMatrix, DVector};

use super::super::ladder::described;
use super::assert_close;
use costate::model::description::Description;
use costate::model::{Input, Model, State};
use costate::number::Real;
use costate::objective::Objective;
use costate::physics::articulated::mass_matrix;
use costate::physics::{Cotangents, Stage, acceleration, derive};
use costate::rollout::{Memory, Workspace, simulate, value_and_gradient};

/// Three carts, each on the one before, with springs, dampers and two motors; no gravity, and no contact.
const CARTS: &str = r#"<mujoco><option gravity="0 0 0" timestep="0.02"><flag contact="disable"/></option><worldbody>
    <body><joint name="a" type="slide" axis="1 0 0" stiffness="20" damping="1.5"/><geom size=".1" mass="2"/>
      <body><joint name="b" type="slide" axis="1 0 0" stiffness="10" damping=".4"/><geom size=".1" mass="1"/>
        <body><joint name="c" type="slide" axis="1 0 0" stiffness="15"/><geom size=".1" mass=".5"/></body>
      </body></body></worldbody>
    <actuator><motor joint="a" gear="2"/><motor joint="c" gear="-1"/></actuator></mujoco>"#;

const STEPS: usize = 60;

/// `½ Σ (q·Q q + v·V v) + ½ Σ u·U u` with diagonal weights.
struct Quadratic {
    place: [f64; 3],
    velocity: [f64; 3],
    control: [f64; 2],
}

const COST: Quadratic =
    Quadratic { place: [3.0, 1.0, 2.0], velocity: [0.5, 0.2, 0.1], control: [0.01, 0.03] };

impl<R: Real> Objective<R> for Quadratic {
    fn cost(&mut self, _: &Model<R>, state: &State<R>, input: Option<&Input<R>>, _: usize) -> R {
        let half =
            |x: &[R], w: &[f64]| x.iter().zip(w).fold(R::zero(), |s, (x, w)| s + (*x * *x).times(0.5 * w));
        let effort = input.map_or(R::zero(), |i| half(&i.u, &self.control));
        half(&state.q, &self.place) + half(&state.v, &self.velocity) + effort
    }
    fn cost_pullback(
        &mut self,
        _: &Model<R>,
        state: &State<R>,
        input: Option<&Input<R>>,
        _: usize,
        out: &mut Cotangents<R>,
    ) {
        let add = |own: &mut [R], x: &[R], w: &[f64]| {
            own.iter_mut().zip(x).zip(w).for_each(|((own, x), w)| *own += x.times(*w));
        };
        add(&mut out.state.q, &state.q, &self.place);
        add(&mut out.state.v, &state.v, &self.velocity);
        if let Some(input) = input {
            add(&mut out.input.u, &input.u, &self.control);
        }
    }
}

/// The matrices of the discrete system: `x' = A x + B u`, `x = (q, v)`, and the weights.
struct Linear {
    a: DMatrix<f64>,
    b: DMatrix<f64>,
    /// `−h (M + h D)⁻¹`: a change of force into a change of velocity.
    lever: DMatrix<f64>,
    q: DMatrix<f64>,
    r: DMatrix<f64>,
}

fn linear(d: &Description, model: &Model<f64>) -> Linear {
    let h = d.option.timestep;
    let mut stage = Stage::new(model);
    acceleration(model, &State::reference(model), &Input::zero(model), &mut stage);
    let rows = mass_matrix::dense(model, &stage.mass).concat();
    let mass = DMatrix::from_row_slice(3, 3, &rows);
    let diagonal = |of: &dyn Fn(usize) -> f64| DMatrix::from_diagonal(&DVector::from_fn(3, |i, _| of(i)));
    let (stiffness, damping) =
        (diagonal(&|i| d.joints[i].stiffness[0]), diagonal(&|i| d.joints[i].damping[0]));
    let push = DMatrix::from_row_slice(3, 2, &[2.0, 0.0, 0.0, 0.0, 0.0, -1.0]);
    let lever = (&mass + &damping * h).try_inverse().unwrap() * h;
    // v' = v + h (M + h D)⁻¹ (B u − K q − D v), q' = q + h v'.
    let one = DMatrix::<f64>::identity(3, 3);
    let (by_q, by_v) = (-&lever * &stiffness, &one - &lever * &damping);
    let mut a = DMatrix::zeros(6, 6);
    a.view_mut((0, 0), (3, 3)).copy_from(&(&one + &by_q * h));
    a.view_mut((0, 3), (3, 3)).copy_from(&(&by_v * h));
    a.view_mut((3, 0), (3, 3)).copy_from(&by_q);
    a.view_mut((3, 3), (3, 3)).copy_from(&by_v);
    let by_u = &lever * push;
    let mut b = DMatrix::zeros(6, 2);
    b.view_mut((0, 0), (3, 2)).copy_from(&(&by_u * h));
    b.view_mut((3, 0), (3, 2)).copy_from(&by_u);
    let weights = [COST.place, COST.velocity].concat();
    Linear {
        a,
        b,
        lever: -lever,
        q: DMatrix::from_diagonal(&DVector::from_vec(weights)),
        r: DMatrix::from_diagonal(&DVector::from_row_slice(&COST.control)),
    }
}

/// Cost, its derivatives by the start `(q, v)` and by the controls, and by the parameters.
fn by_adjoint(
    d: &Description,
    start: &[f64],
    controls: &[DVector<f64>],
) -> (f64, DVector<f64>, Vec<f64>, Vec<f64>) {
    let parameters: Vec<f64> = derive::parameters(d).iter().map(|p| p.value).collect();
    let compiled = derive::Compilation::new(d, &parameters);
    let model = &compiled.model;
    let mut state = State::reference(model);
    state.q.copy_from_slice(&start[..3]);
    state.v.copy_from_slice(&start[3..]);
    let input = |u: &DVector<f64>| Input { u: u.as_slice().to_vec(), ..Input::zero(model) };
    let inputs: Vec<_> = controls.iter().map(input).collect();
    let mut workspace = Workspace::new(model, &state);
    let (cost, gradient) =
        value_and_gradient(model, &state, &inputs, &mut { COST }, Memory::Full, &mut workspace).unwrap();
    let start = DVector::from_vec([&gradient.start.q[..], &gradient.start.v].concat());
    let controls = gradient.inputs.iter().flat_map(|i| i.u.clone()).collect();
    (cost, start, controls, compiled.pullback(&gradient.model))
}

const START: [f64; 6] = [0.5, -0.3, 0.2, 1.0, -2.0, 0.7];

#[test]
fn the_gradient_of_a_linear_system_is_the_one_of_its_matrices() {
    let d = described(CARTS);
    let system = linear(&d, &derive::compile(&d));
    let controls: Vec<_> =
        (0..STEPS).map(|k| DVector::from_vec(vec![(0.3 * k as f64).sin(), (0.5 * k as f64).cos()])).collect();
    let mut x = vec![DVector::from_row_slice(&START)];
    for u in &controls {
        x.push(&system.a * x.last().unwrap() + &system.b * u);
    }
    let mut p = &system.q * &x[STEPS];
    let mut by_controls = vec![DVector::zeros(2); STEPS];
    let mut by_stiffness = [0.0; 3];
    for k in (0..STEPS).rev() {
        by_controls[k] = &system.r * &controls[k] + system.b.transpose() * &p;
        // A stiffness changes the force by −q, which changes the new velocity and, h times, the new place.
        let force = system.lever.transpose() * (p.rows(3, 3) + p.rows(0, 3) * d.option.timestep);
        for (i, own) in by_stiffness.iter_mut().enumerate() {
            *own += force[i] * x[k][i];
        }
        p = &system.q * &x[k] + system.a.transpose() * p;
    }
    let (_, start, ours, parameters) = by_adjoint(&d, &START, &controls);
    let expected: Vec<f64> = by_controls.iter().flat_map(|u| u.as_slice().to_vec()).collect();
    let scale = expected.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    let worst = ours.iter().zip(&expected).fold(0.0, |m: f64, (a, b)| m.max((a - b).abs() / scale));
    assert_close("by the controls", worst, 0.0, 1e-12);
    assert_close("by the start", (start - &p).amax() / p.amax(), 0.0, 1e-12);
    let names = derive::parameters(&d);
    for (name, expected) in ["a", "b", "c"].iter().zip(by_stiffness) {
        let wanted = format!("joint.{name}.stiffness[0]");
        let at = names.iter().position(|p| p.name == wanted).unwrap();
        assert_close("by a stiffness", parameters[at] / expected, 1.0, 1e-12);
    }
}

#[test]
fn the_regulator_of_riccati_leaves_no_gradient() {
    let d = described(CARTS);
    let model = derive::compile(&d);
    let s = linear(&d, &model);
    // Backward: P = Q + Aᵀ P (A − B K), K = (R + Bᵀ P B)⁻¹ Bᵀ P A.
    let mut p = s.q.clone();
    let mut gains = vec![DMatrix::zeros(2, 6); STEPS];
    for gain in gains.iter_mut().rev() {
        let inside = (&s.r + s.b.transpose() * &p * &s.b).try_inverse().unwrap();
        *gain = inside * s.b.transpose() * &p * &s.a;
        p = &s.q + s.a.transpose() * &p * (&s.a - &s.b * &*gain);
    }
    let mut x = DVector::from_row_slice(&START);
    let mut controls = Vec::new();
    for gain in &gains {
        let u = -gain * &x;
        x = &s.a * &x + &s.b * &u;
        controls.push(u);
    }
    let (cost, start, by_controls, _) = by_adjoint(&d, &START, &controls);
    let x0 = DVector::from_row_slice(&START);
    assert_close("cost", cost, 0.5 * x0.dot(&(&p * &x0)), 1e-12);
    assert_close("by the start", (start - &p * &x0).amax() / (&p * &x0).amax(), 0.0, 1e-12);
    let worst = by_controls.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    assert_close("by the controls", worst, 0.0, 1e-12);
    // The simulation arrives where the matrices say.
    let inputs: Vec<_> =
        controls.iter().map(|u| Input { u: u.as_slice().to_vec(), ..Input::zero(&model) }).collect();
    let mut state = State::reference(&model);
    state.q.copy_from_slice(&START[..3]);
    state.v.copy_from_slice(&START[3..]);
    let end = simulate(&model, &state, &inputs).unwrap().states.pop().unwrap();
    let end = DVector::from_vec([end.q, end.v].concat());
    assert_close("last state", (end - x).amax(), 0.0, 1e-13);
}
