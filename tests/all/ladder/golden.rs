//! Golden numbers: small models whose every number is written here, to be compared without any file.

use costate::model::description::Description;
use costate::model::{Input, Model, State};
use costate::physics::articulated::mass_matrix;
use costate::physics::constraint::{Block, law::Law};
use costate::physics::{Record, Stage, acceleration, derive, step};

use super::super::recorded::difference;
use super::{INTEGRATORS, described};

fn assert_close(what: &str, ours: &[f64], golden: &[f64]) {
    let error = difference(ours, golden);
    // The golden numbers have fifteen digits.
    assert!(error <= 5e-14, "{what}: {ours:?} instead of {golden:?}, relative error {error:.1e}");
}

fn at(model: &Model<f64>, q: &[f64], v: &[f64]) -> (State<f64>, Stage<f64>) {
    let mut state = State::reference(model);
    state.q.copy_from_slice(q);
    state.v.copy_from_slice(v);
    let mut stage = Stage::new(model);
    acceleration(model, &state, &Input::zero(model), &mut stage);
    (state, stage)
}

fn after(model: &Model<f64>, start: &State<f64>, steps: usize) -> State<f64> {
    let (mut record, input) = (Record::new(model), Input::zero(model));
    let (mut state, mut next) = (start.clone(), start.clone());
    for _ in 0..steps {
        step(model, &state, &input, &mut record, &mut next);
        std::mem::swap(&mut state, &mut next);
    }
    state
}

fn with(d: &Description, integrator: costate::model::description::Integrator) -> Model<f64> {
    let mut d = d.clone();
    d.option.integrator = integrator;
    derive::compile(&d)
}

#[test]
fn the_golden_pendulum_swings() {
    let model = derive::compile(&described(
        r#"<mujoco><option timestep="0.002"/><worldbody><body pos="0 0 1"><joint axis="0 1 0" damping="0.1" armature="0.01"/>
        <geom type="capsule" fromto="0 0 0 0 0 -0.5" size="0.05" mass="1"/></body></worldbody></mujoco>"#,
    ));
    let body = &model.bodies[1];
    assert_close(
        "inertia",
        &body.inertia.to_array(),
        &[0.0275073529411765, 0.0275073529411765, 0.00122058823529412, 0.0, 0.0, 0.0],
    );
    assert_close("center", &body.center.to_array(), &[0.0, 0.0, -0.25]);
    let (state, stage) = at(&model, &[0.5], &[1.0]);
    assert_close("M", &mass_matrix::dense(&model, &stage.mass)[0], &[0.100007352941176]);
    assert_close("bias", &stage.bias, &[1.17579113342681]);
    assert_close("passive", &stage.passive.total, &[-0.1]);
    assert_close("acceleration", &stage.a, &[-12.7569733215238]);
    let one = after(&model, &state, 1);
    assert_close("one step", &[one.q[0], one.v[0]], &[0.501949073951323, 0.974536975661343]);
    let hundred = after(&model, &state, 100);
    assert_close("100 steps", &[hundred.q[0], hundred.v[0]], &[0.449606300141888, -1.36440296539411]);
}

/// Configuration and velocity of the golden box after a hundred steps.
const SPIN: [(&str, [f64; 7], [f64; 6]); 3] = [
    (
        "Euler",
        [
            0.138991609190227,
            0.359203315085264,
            0.152602775817571,
            -0.189359485640275,
            0.782105215962486,
            0.0196686399262749,
            0.593352813228161,
        ],
        [
            -0.0251238092097455,
            0.461400374394561,
            0.259208106604972,
            1.10036901970148,
            -1.94147756178322,
            3.05006229799198,
        ],
    ),
    (
        "RK4",
        [
            0.136079948986916,
            0.359112798053146,
            0.152849293161555,
            -0.185362391624189,
            0.777715427538744,
            0.0258573607334254,
            0.60010906878291,
        ],
        [
            -0.0279770529623426,
            0.461239049721925,
            0.259281104893808,
            1.0861004454293,
            -1.90431155807952,
            3.04634175981836,
        ],
    ),
    (
        "implicit",
        [
            0.139604816480446,
            0.358985170924553,
            0.151834241215927,
            -0.181512464026065,
            0.773588714501768,
            0.0185878045032952,
            0.606851068815436,
        ],
        [
            -0.0221891731286716,
            0.464274303802937,
            0.254206119422575,
            1.07255688564798,
            -1.86754728001009,
            3.04297409926244,
        ],
    ),
];

#[test]
fn the_golden_box_spins_with_every_integrator() {
    let d = described(
        r#"<mujoco><option timestep="0.01" gravity="0 0 0"/><worldbody><body><freejoint/>
        <geom type="box" size=".1 .2 .3" pos=".05 0 0" density="100"/></body></worldbody></mujoco>"#,
    );
    let v = [0.1, 0.2, 0.3, 1.0, 2.0, 3.0];
    let q = [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0];
    for (name, integrator) in INTEGRATORS {
        let model = with(&d, integrator);
        assert_close("mass", &[model.bodies[1].mass], &[4.8]);
        assert_close("inertia", &model.bodies[1].inertia.to_array(), &[0.208, 0.16, 0.08, 0.0, 0.0, 0.0]);
        let (start, stage) = at(&model, &q, &v);
        assert_close("bias", &stage.bias, &[-3.12, 0.48, 0.72, -0.48, 0.348, -0.072]);
        assert_close("acceleration", &stage.a, &[0.65, -0.16, -0.27, 2.30769230769231, -2.4, 1.2]);
        // The fast implicit step of a lone free body is the full one.
        let golden = if name == "implicitfast" { "implicit" } else { name };
        let (_, q, v) = SPIN.iter().find(|(n, ..)| *n == golden).unwrap();
        let end = after(&model, &start, 100);
        assert_close(&format!("{name} configuration"), &end.q, q);
        assert_close(&format!("{name} velocity"), &end.v, v);
    }
}

#[test]
fn the_golden_sphere_weighs_as_its_volume() {
    let d = described(
        r#"<mujoco><worldbody><geom type="plane" size="1 1 1" friction="0.8 0.02 0.001"/>
        <body pos="0 0 0.099"><freejoint/><geom size="0.1" density="1000" condim="6" friction="0.5 0.01 0.002"/></body>
        </worldbody></mujoco>"#,
    );
    let model = derive::compile(&d);
    assert_close("mass", &[model.bodies[1].mass], &[4.18879020478639]);
    let constants = derive::constants(&model);
    assert_close("inverse weight", &constants.body_invweight[1], &[0.238732414637843, 59.6831036594607]);
}

/// References, forces and inverse weights of all rows.
fn rows(stage: &Stage<f64>) -> [Vec<f64>; 3] {
    let c = &stage.constraint;
    let inverse = |b: &Block<f64>| match b.law {
        Law::Quadratic { weight }
        | Law::Friction { weight, .. }
        | Law::OneSided { weight }
        | Law::Pyramid { weight, .. }
        | Law::Elliptic { weight, .. } => vec![weight.recip(); b.count],
    };
    let regularization = c.rows.blocks.iter().flat_map(inverse).collect();
    [c.rows.reference.clone(), c.force.clone(), regularization]
}

#[test]
fn the_golden_limited_lever_feels_both_ends_and_its_dry_friction() {
    let d = described(
        r#"<mujoco><worldbody><body pos="0 0 1"><joint axis="0 1 0" range="-30 30" frictionloss="0.3" margin="2"/>
        <geom type="capsule" fromto="0 0 0 0.4 0 0" size="0.03" mass="2"/></body></worldbody></mujoco>"#,
    );
    let model = derive::compile(&d);
    assert_close(
        "range",
        &d.joints[0].range.unwrap(),
        &[-std::f64::consts::FRAC_PI_6, std::f64::consts::FRAC_PI_6],
    );
    assert_close("margin", &[d.joints[0].margin], &[2.0]);
    assert_close("inverse weight", &derive::constants(&model).dof_invweight, &[8.86462905556779]);
    let (_, stage) = at(&model, &[29.5_f64.to_radians()], &[2.0]);
    assert_close("smooth force", &[stage.smooth[0] / stage.mass[0]], &[30.2751526539221]);
    let [reference, force, regularization] = rows(&stage);
    assert_close("reference", &reference, &[-210.526315789474, 2319.81340806151, 5450.71935194744]);
    assert_close("force", &force, &[0.3, 8239.64084150348, 8415.3281949548]);
    assert_close("R", &regularization, &[0.984958783951976, 0.466559423977253, 0.466559423977253]);
    assert_close("acceleration", &stage.a, &[-1524.4686767298]);
}

#[test]
fn the_golden_chain_has_its_mass_matrix_and_closes() {
    let d = described(
        r#"<mujoco><worldbody><body name="a" pos="0 0 1"><joint axis="0 1 0"/>
        <geom type="capsule" fromto="0 0 0 .4 0 0" size=".03" mass="1"/><body name="b" pos=".4 0 0"><joint axis="0 1 0"/>
        <geom type="capsule" fromto="0 0 0 .3 0 0" size=".03" mass=".5"/></body></body></worldbody>
        <equality><connect body1="b" anchor=".3 0 0"/></equality></mujoco>"#,
    );
    let model = derive::compile(&d);
    let (_, stage) = at(&model, &[0.1, -0.25], &[0.5, -1.0]);
    let m = mass_matrix::dense(&model, &stage.mass);
    assert_close(
        "M",
        &[m[0][0], m[0][1], m[1][1]],
        &[0.21074000822599, 0.0452686961807311, 0.0162013235294118],
    );
    assert_close("bias", &stage.bias, &[-4.63188466514242, -0.729343850285852]);
    let constants = derive::constants(&model);
    assert_close("inverse weight", &constants.body_invweight[2], &[0.524534208572592, 34.710385909332]);
    let [reference, force, regularization] = rows(&stage);
    assert_close("reference", &reference, &[18.7586757105129, 0.0, -7.55316029420442]);
    assert_close("force", &force, &[145.18449547339, 0.0, 26.2100450473098]);
    assert_close("R", &regularization, &[0.0276070636090838; 3]);
    assert_close("acceleration", &stage.a, &[-134.881271842028, 343.759123611599]);
}

/// A ball in a plane, with the given option and geom attributes.
fn ball(option: &str, condim: usize) -> Model<f64> {
    derive::compile(&described(&format!(
        r#"<mujoco><option {option}/><worldbody><geom type="plane" size="1 1 1" friction="0.8 0.02 0.001"/>
        <body pos="0 0 0.099"><freejoint/><geom size="0.1" density="1000" condim="{condim}" friction="0.5 0.01 0.002"/></body>
        </worldbody></mujoco>"#
    )))
}

const BALL: ([f64; 7], [f64; 6]) = ([0.0, 0.0, 0.099, 1.0, 0.0, 0.0, 0.0], [0.3, 0.1, -0.2, 1.0, 2.0, 3.0]);

#[test]
fn the_golden_ball_slides_on_a_pyramid() {
    let model = ball("", 3);
    let (state, stage) = at(&model, &BALL.0, &BALL.1);
    let [reference, _, regularization] = rows(&stage);
    // The edges of the pyramid.
    let edges = |x: &[f64]| [x[0] + 0.8 * x[1], x[0] - 0.8 * x[1], x[0] + 0.8 * x[2], x[0] - 0.8 * x[2]];
    let golden = [6.88421052631579, 40.4842105263158, 32.1894736842105, 15.1789473684211];
    assert_close("reference", &edges(&reference), &golden);
    assert_close("R", &regularization[..1], &[0.0263761623583032]);
    let force = edges(&stage.constraint.residual).map(|r| -r.min(0.0) / regularization[0]);
    assert_close("force", &force, &[18.695039955295, 49.5695312163434, 41.9476329977638, 26.3169381738746]);
    let golden =
        [-2.98524281421944, -5.89659347957205, 22.7839318200443, -146.677762804355, 74.2579150037085, 0.0];
    assert_close("acceleration", &stage.a, &golden);
    let next = after(&model, &state, 1);
    let golden =
        [0.294029514371561, 0.0882068130408559, -0.154432136359912, 0.70664447439129, 2.14851583000742, 3.0];
    assert_close("velocity", &next.v, &golden);
    let golden = [
        0.000588059028743122,
        0.000176413626081712,
        0.0986911357272802,
        0.999992942274959,
        0.000706642811956374,
        0.00214851077546038,
        0.00299999294227164,
    ];
    assert_close("configuration", &next.q, &golden);
}

#[test]
fn the_golden_ball_slides_rolls_and_spins_on_a_cone() {
    let model = ball(r#"cone="elliptic" impratio="3""#, 6);
    let (state, stage) = at(&model, &BALL.0, &BALL.1);
    let contact = &stage.constraint.contacts.list[0];
    assert_close("distance", &[contact.touch.distance], &[-0.001]);
    assert_close("point", &contact.touch.point.to_array(), &[0.0, 0.0, -0.0005]);
    assert_close("friction", &contact.numbers.friction, &[0.8, 0.8, 0.02, 0.002, 0.002]);
    let [reference, force, regularization] = rows(&stage);
    assert_close("R", &regularization[..1], &[0.0125648639283075]);
    let golden =
        [23.6842105263158, -21.0, 10.6315789473684, -315.789473684211, -210.526315789474, 105.263157894737];
    assert_close("reference", &reference, &golden);
    let golden = [
        144.361248251577,
        -24.3564531984187,
        12.6600039386517,
        -2.75591714932159,
        -0.0514790718804092,
        -0.00709497042016002,
    ];
    assert_close("force", &force, &golden);
    let golden = [
        -3.02235330959893,
        -5.81467488407212,
        24.6537093752321,
        -144.216587886247,
        72.1086077929422,
        -164.481688899846,
    ];
    assert_close("acceleration", &stage.a, &golden);
    let next = after(&model, &state, 1);
    let golden = [
        0.293955293380802,
        0.0883706502318558,
        -0.150692581249536,
        0.711566824227506,
        2.14421721558588,
        2.67103662220031,
    ];
    assert_close("velocity", &next.v, &golden);
    let golden = [
        0.000587910586761604,
        0.000176741300463712,
        0.0986986148375009,
        0.999993880790516,
        0.000711565372818094,
        0.00214421284194599,
        0.00267103117398721,
    ];
    assert_close("configuration", &next.q, &golden);
}
