//! Tendons of length zero, and at the rest length of their spring.

use costate::model::{Costate, Input, Model, State};
use costate::number::{Dual, Lanes, Real, Tangent, Wide};
use costate::physics::articulated::direction::undetermined;
use costate::physics::articulated::{Links, kinematics};
use costate::physics::{Cotangents, Record, StepBackward, derive, linearize, step, step_pullback};

use crate::ladder::described;

const STEP: f64 = 0.01;

/// A puck of 0.4 kg on three slides, where it may be, and a tendon from a peg to its eye.
fn puck(place: &str, tendon: &str, more: &str) -> Model<f64> {
    let xml = format!(
        r#"<mujoco><option gravity="0 0 0" timestep="{STEP}"/><worldbody>
        <site name="peg" pos="0.3 0.2 1"/><site name="far" pos="1.3 0.2 1"/>
        <body pos="{place}">
          <joint name="x" type="slide" axis="1 0 0"/><joint name="y" type="slide" axis="0 1 0"/>
          <joint name="z" type="slide" axis="0 0 1"/>
          <geom size="0.05" mass="0.4" contype="0" conaffinity="0"/><site name="eye"/><site name="ear" pos="0 0 .2"/>
        </body></worldbody><tendon>{tendon}</tendon>{more}</mujoco>"#
    );
    derive::compile(&described(&xml))
}

const PEG: &str = "0.3 0.2 1";
const BETWEEN: &str = r#"<site site="peg"/><site site="eye"/></spatial>"#;

fn spatial(attributes: &str, path: &str) -> String {
    format!(r#"<spatial name="cord" {attributes}>{path}"#)
}

/// `∂v'/∂q` of a step by the adjoint.
fn stiffness(model: &Model<f64>) -> [[f64; 3]; 3] {
    let (a, _) = linearize(model, &State::reference(model), &Input::zero(model));
    [0, 1, 2].map(|i| [0, 1, 2].map(|j| a[3 + i][j]))
}

/// The same by dual numbers.
fn stiffness_by_duals(model: &Model<f64>) -> [[f64; 3]; 3] {
    let wide: Model<Wide<f64>> = model.map(Dual::constant);
    let mut q: Vec<Wide<f64>> = vec![Dual::constant(0.0); 3];
    (0..3).for_each(|k| q[k].tangent.set(k, 1.0));
    let still = vec![Dual::constant(0.0); 3];
    let start = State::reference(&wide).moved(&wide, &q, &still, &[]);
    let (mut record, mut next) = (Record::new(&wide), start.clone());
    step(&wide, &start, &Input::zero(&wide), &mut record, &mut next);
    [0, 1, 2].map(|i| [0, 1, 2].map(|j| next.v[i].tangent.get(j)))
}

/// The same on lanes, for a cotangent of each velocity at a time.
fn stiffness_on_lanes(model: &Model<f64>) -> [[f64; 3]; 3] {
    let wide = model.map(Lanes::splat);
    let (state, input) = (State::reference(&wide), Input::zero(&wide));
    let (mut record, mut next) = (Record::new(&wide), state.clone());
    step(&wide, &state, &input, &mut record, &mut next);
    let mut cotangent = Costate::zero(&wide);
    for k in 0..3 {
        cotangent.v[k] = Lanes::from_lanes(|lane| f64::from(lane == k));
    }
    let mut out = Cotangents::zero(&wide, &input);
    let mut backward = StepBackward::new(&wide);
    step_pullback(&wide, &state, &input, &record, &cotangent, &mut backward, &mut out);
    [0, 1, 2].map(|i| [0, 1, 2].map(|j| out.state.q[j].lane(i)))
}

fn same(found: [[f64; 3]; 3], expected: f64, what: &str) {
    for i in 0..3 {
        for j in 0..3 {
            let right = if i == j { expected } else { 0.0 };
            assert!((found[i][j] - right).abs() < 1e-9 * expected.abs(), "{what}: {found:?} is not {right}");
        }
    }
}

#[test]
fn an_elastic_cord_of_rest_length_zero_is_as_stiff_in_all_directions_at_length_zero() {
    // The polynomial's higher terms vanish there, and a pulley of 2 halves length and pull.
    let pulley = r#"<site site="peg"/><site site="far"/><pulley divisor="2"/><site site="peg"/><site site="eye"/></spatial>"#;
    let cases = [
        (spatial(r#"stiffness="60" springlength="0""#, BETWEEN), 60.0),
        (spatial(r#"stiffness="60 7 900" springlength="0""#, BETWEEN), 60.0),
        // Without a spring length, it is at rest as the file stands.
        (spatial(r#"stiffness="60""#, BETWEEN), 60.0),
        (spatial(r#"stiffness="60" springlength="1""#, pulley), 60.0 / 4.0),
    ];
    for (tendon, k) in cases {
        let expected = -k / 0.4 * STEP;
        let model = puck(PEG, &tendon, "");
        same(stiffness(&model), expected, &tendon);
        same(stiffness_by_duals(&model), expected, &tendon);
        same(stiffness_on_lanes(&model), expected, &tendon);
    }
}

#[test]
fn a_slack_cord_at_length_zero_has_no_stiffness() {
    let model = puck(PEG, &spatial(r#"stiffness="60" springlength="0 0.3""#, BETWEEN), "");
    assert_eq!(stiffness(&model), [[0.0; 3]; 3]);
    assert!(!lacks_direction(&model));
}

#[test]
fn a_tendon_exactly_at_the_rest_length_of_its_spring_has_its_stiffness() {
    let fixed = r#"<fixed name="band" stiffness="60"><joint joint="x" coef="1"/></fixed>"#;
    let cord = spatial(r#"stiffness="60""#, r#"<site site="far"/><site site="eye"/></spatial>"#);
    for tendon in [fixed, &cord] {
        let model = puck(PEG, tendon, "");
        let expected = -60.0 / 0.4 * STEP;
        for found in [stiffness(&model), stiffness_by_duals(&model), stiffness_on_lanes(&model)] {
            assert!((found[0][0] - expected).abs() < 1e-12, "{tendon}: {found:?}");
            assert!(found[1][1].abs() < 1e-12, "{tendon}: {found:?}");
        }
    }
}

fn lacks_direction(model: &Model<f64>) -> bool {
    let state = State::reference(model);
    let mut links = Links::new(model);
    kinematics(model, &state, &mut links);
    undetermined(model, &state, &links, 0)
}

#[test]
fn at_length_zero_only_a_spring_at_rest_pulls_without_a_direction() {
    let motor = r#"<actuator><motor name="winch" tendon="cord"/></actuator>"#;
    let bent = r#"<site site="peg"/><site site="eye"/><site site="far"/></spatial>"#;
    let cases = [
        (r#"stiffness="60" springlength="0""#, BETWEEN, "", false),
        (r#"stiffness="60""#, BETWEEN, "", false),
        ("", BETWEEN, "", false),
        (r#"stiffness="60" springlength="0.1""#, BETWEEN, "", true),
        (r#"damping="2""#, BETWEEN, "", true),
        (r#"armature="0.1""#, BETWEEN, "", true),
        (r#"frictionloss="0.1""#, BETWEEN, "", true),
        ("", BETWEEN, motor, true),
        // The other piece pulls too, by a length that has a corner.
        (r#"stiffness="60" springlength="1""#, bent, "", true),
        (r#"stiffness="60" springlength="0 1.1""#, bent, "", false),
    ];
    for (attributes, path, more, expected) in cases {
        let here = puck(PEG, &spatial(attributes, path), more);
        assert_eq!(lacks_direction(&here), expected, "{attributes} {path} {more}");
        let beside = puck("0.3 0.2 1.000001", &spatial(attributes, path), more);
        assert!(!lacks_direction(&beside), "{attributes} {path} {more}");
    }
}

#[test]
fn a_tendon_with_inertia_moves_on_from_length_zero() {
    for integrator in ["Euler", "RK4", "implicitfast"] {
        let tendon = spatial(r#"stiffness="60" springlength="0" armature="0.1""#, BETWEEN);
        let option = format!(r#"<option integrator="{integrator}"/>"#);
        let model = puck(PEG, &tendon, &option);
        let mut state = State::reference(&model);
        state.v = vec![0.3, -0.2, 0.1];
        let mut next = state.clone();
        step(&model, &state, &Input::zero(&model), &mut Record::new(&model), &mut next);
        assert!(next.q.iter().chain(&next.v).all(|x| x.is_finite()), "{integrator}: {next:?}");
    }
}
