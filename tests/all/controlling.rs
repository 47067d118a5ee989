//! Plans, first weights, and scenes in which controllers decide.

use std::path::{Path, PathBuf};

use costate::control::{Activation, Initial, Law, Mlp, Plan, Scheme, Shape, initial_parameters};
use costate::model::Input;
use costate::optimize::{Settings, run};
use costate::scene::toml::{load, parse, variants};
use costate::sense::{Observation, Observer};
use nalgebra::DMatrix;

fn scenes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes")
}

#[test]
fn a_network_that_trains_on_drawn_starts_goes_on_from_its_checkpoint_to_the_same_bits() {
    let scene = load(&scenes().join("cartpole_network.toml")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = Some(folder.path().join("checkpoint.safetensors"));
    let go = |iterations, resume, checkpoint| {
        let settings = Settings { iterations: Some(iterations), seed: 3, resume, checkpoint };
        run(&scene.problem, &settings, &mut |_| {}).unwrap()
    };
    let whole = go(7, None, None);
    go(3, None, checkpoint.clone());
    let rest = go(7, checkpoint, None);
    assert_eq!(whole.solution, rest.solution);
    assert_eq!(whole.history.len(), rest.history.len());
    assert_eq!(whole.cost_last, rest.cost_last);
    // Sixteen starts for each gradient, one gradient for each iteration and one at the start.
    assert_eq!(whole.history.last().unwrap().rollouts, 8 * 16);
}

#[test]
fn a_saved_network_has_the_arrays_of_its_layers_and_decides_as_it_was_trained() {
    let scene = load(&scenes().join("cartpole_network.toml")).unwrap();
    let settings = Settings { iterations: Some(2), ..Settings::default() };
    let out = run(&scene.problem, &settings, &mut |_| {}).unwrap();
    let shape = |name: &str| out.solution.get(name).unwrap().shape.clone();
    assert_eq!(shape("network.0.weight"), [64, 5]);
    assert_eq!(shape("network.2.weight"), [64, 64]);
    assert_eq!(shape("network.4.bias"), [1]);
    assert_eq!(out.solution.get("network.scale").unwrap().data, [1.0, 1.0, 1.0, 2.0, 5.0]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("parameters.safetensors");
    out.solution.save(&file).unwrap();
    let loaded = costate::optimize::Solution::load(&file).unwrap();
    let rollout = scene.problem.rollout(&loaded).unwrap();
    let inputs: Vec<f64> = rollout.trajectory.inputs.iter().flat_map(|i| i.u.clone()).collect();
    assert_eq!(inputs, out.solution.get("inputs").unwrap().data);
    assert!(inputs.iter().any(|u| u.abs() > 1e-3), "the network does nothing");
}

/// A network with a layer norm that balances a pole from one start.
const NORMED: &str = "model = \"models/cartpole.xml\"\nsteps = 60\nstart = { position = { pole = 0.2 } }\n\
    optimize = [{ what = \"controllers\" }]\ncost = [{ quantity = \"joint.*.position\", weight = 1.0 }]\n\
    [[controller]]\nkind = \"network\"\nobserve = [\"joint.*\", \"site.tip.position\"]\nhidden = [8, 6]\n\
    layer_norm = true\n";

fn normed(more: &str) -> Result<costate::scene::toml::Scene, costate::Error> {
    parse(&format!("{NORMED}{more}\n"), &scenes().join("nowhere.toml"))
}

fn observed(scene: &costate::scene::toml::Scene) -> Vec<Observation> {
    match &scene.problem.parts[0].law {
        Law::Network(network) => network.observed.clone(),
        _ => Vec::new(),
    }
}

#[test]
fn normalized_observations_have_mean_zero_and_variance_one_before_training() {
    let scene = normed("normalize = true").unwrap();
    // The network as it begins, which does not see normalized numbers yet.
    let rollout = normed("").unwrap().problem.roll_initial().unwrap();
    let list = observed(&scene);
    let mut observer = Observer::new(&rollout.model, list.clone());
    let mut seen = vec![0.0; list.len()];
    let mut sums = vec![[0.0; 2]; list.len()];
    for state in &rollout.trajectory.states {
        observer.observe(&rollout.model, state, &mut seen);
        sums.iter_mut().zip(&seen).for_each(|(sum, x)| *sum = [sum[0] + x, sum[1] + x * x]);
    }
    let n = rollout.trajectory.states.len() as f64;
    for (o, [sum, squares]) in list.iter().zip(&sums) {
        assert!((sum / n).abs() < 1e-9, "{}: mean {}", o.name, sum / n);
        // The tip stays in its plane: what does not vary keeps its scale.
        let still = o.name == "site.tip.position.y";
        assert!((squares / n - if still { 0.0 } else { 1.0 }).abs() < 1e-9, "{}: {}", o.name, squares / n);
    }
}

#[test]
fn a_normalized_network_goes_on_and_replays_to_the_same_bits_and_can_be_loaded_elsewhere() {
    let scene = normed("normalize = true").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = Some(folder.path().join("checkpoint.safetensors"));
    let go = |iterations, resume, checkpoint| {
        let settings = Settings { iterations: Some(iterations), seed: 3, resume, checkpoint };
        run(&normed("normalize = true").unwrap().problem, &settings, &mut |_| {}).unwrap().solution
    };
    let whole = go(5, None, None);
    go(2, None, checkpoint.clone());
    assert_eq!(whole, go(5, checkpoint, None));
    let inputs: Vec<f64> =
        scene.problem.rollout(&whole).unwrap().trajectory.inputs.iter().flat_map(|i| i.u.clone()).collect();
    assert_eq!(inputs, whole.get("inputs").unwrap().data);
    assert_eq!(whole.get("network.1.weight").unwrap().shape, [8]);
    assert_eq!(whole.get("network.3.weight").unwrap().shape, [6, 8]);

    let file = folder.path().join("parameters.safetensors");
    whole.save(&file).unwrap();
    let other = normed(&format!("weights = {:?}", file.display().to_string())).unwrap();
    assert_eq!(observed(&other), observed(&scene));
    let replayed = other.problem.roll_initial().unwrap().trajectory;
    assert_eq!(replayed.inputs.iter().flat_map(|i| i.u.clone()).collect::<Vec<_>>(), inputs);
}

/// A scene whose network is to take over the weights that PyTorch stored.
fn foreign(
    hidden: &str,
    weights: &str,
    observe: &str,
) -> Result<costate::scene::toml::Scene, costate::Error> {
    let text = format!(
        "model = \"../../scenes/models/cartpole.xml\"\nsteps = 10\n[[controller]]\nkind = \"network\"\n\
         observe = [\"joint.cart.position\", \"sin(joint.pole.position)\", {observe}\"joint.*.velocity\"]\n\
         {hidden}\nactivation = \"silu\"\nsquash = false\nweights = {weights}\n"
    );
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data");
    parse(&text, &data.join("foreign.toml"))
}

const COSINE: &str = "\"cos(joint.pole.position)\", ";
const LAYERS: &str = "hidden = [32, 16]\nlayer_norm = true";

#[test]
fn a_network_of_pytorch_gives_the_outputs_that_pytorch_recorded() {
    let scene = foreign(LAYERS, "\"foreign_network.safetensors\"", COSINE).unwrap();
    let text = std::fs::read_to_string("examples/data/foreign_network.json").unwrap();
    let recorded: serde_json::Value = serde_json::from_str(&text).unwrap();
    let rows = |key: &str| serde_json::from_value::<Vec<Vec<f64>>>(recorded[key].clone()).unwrap();
    let Law::Network(network) = &scene.problem.parts[0].law else { panic!("no network") };
    let theta = initial_parameters(&scene.problem.parts);
    for (input, output) in rows("inputs").iter().zip(rows("outputs")) {
        let mut values = vec![0.0; network.mlp.width()];
        let mut slopes = values.clone();
        values[..input.len()].copy_from_slice(input);
        network.mlp.forward(&theta, (&mut values, &mut slopes), 0..1);
        let own = values[values.len() - 1];
        assert!((own - output[0]).abs() < 1e-12, "{own} is not {}", output[0]);
    }
}

#[test]
fn weights_that_do_not_fit_are_refused_with_the_array_and_what_the_network_asks_for() {
    let file = "\"foreign_network.safetensors\"";
    let cases = [
        (
            "hidden = [32, 8]\nlayer_norm = true",
            file,
            COSINE,
            "\"3.weight\" has the shape [16, 32], and the network asks for [8, 32]",
        ),
        (LAYERS, file, "", "\"0.weight\" has the shape [32, 5], and the network asks for [32, 4]"),
        ("hidden = [32, 16]", file, COSINE, "there is no array \"2.weight\" (did you mean \"0.weight\"?)"),
        ("hidden = [32]\nlayer_norm = true", file, COSINE, "\"3.weight\" has the shape"),
        (LAYERS, "\"nowhere.safetensors\"", COSINE, "nowhere.safetensors"),
        (LAYERS, "\"foreign_network.json\"", COSINE, "not a whole safetensors file"),
        (
            LAYERS,
            "{ file = \"foreign_network.safetensors\", prefix = \"actor.\" }",
            COSINE,
            "there is no array \"actor.0.weight\"",
        ),
        (
            LAYERS,
            "{ file = \"foreign_network.safetensors\", names = { 2 = \"fc2\" } }",
            COSINE,
            "the network has no layer 2 (it has 0, 1, 3, 4, 6)",
        ),
        (
            LAYERS,
            "{ file = \"foreign_network.safetensors\", names = { 3 = \"fc2\" } }",
            COSINE,
            "\"fc2.weight\"",
        ),
        (LAYERS, "{ path = \"foreign_network.safetensors\" }", COSINE, "weights are \"FILE\", or { file = "),
        (
            LAYERS,
            "\"foreign_network.safetensors\"\ninitial = { gain = 2.0 }",
            COSINE,
            "no meaning beside weights",
        ),
    ];
    for (hidden, weights, observe, expected) in cases {
        let refused = foreign(hidden, weights, observe).unwrap_err().to_string();
        assert!(refused.contains(expected), "{refused}\nlacks {expected}");
        assert!(refused.contains("foreign.toml:"), "{refused}");
        assert!(!refused.contains('\n'), "{refused}");
    }
}

#[test]
fn the_variants_of_a_scene_are_scenes_with_some_keys_replaced() {
    let all = variants(&scenes().join("cartpole_compare.toml")).unwrap();
    let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names[..5], ["plan, l-bfgs", "plan, adam", "plan, ilqr", "spline, l-bfgs", "network, adam"]);
    let counts: Vec<usize> =
        all.iter().map(|(_, s)| s.problem.groups.iter().map(|g| g.variables.len()).sum()).collect();
    assert_eq!(counts, [30, 30, 300, 12, 1281, 30, 30, 30]);
    assert!(all.iter().all(|(_, s)| s.problem.terms == all[0].1.problem.terms));
}

#[test]
fn a_scene_whose_controllers_make_no_sense_is_refused_with_its_line_and_the_nearest_right_answer() {
    let head = "model = \"models/cartpole.xml\"\nsteps = 10\n";
    let cases = [
        ("[[controller]]\nkind = \"netwrok\"", "did you mean \"network\""),
        ("[[controller]]\nkind = \"network\"", "what it sees"),
        (
            "[[controller]]\nkind = \"network\"\nobserve = [\"joint.pol.position\"]",
            "did you mean \"joint.pole.position\"",
        ),
        ("[[controller]]\nkind = \"network\"\nobserve = [\"control.push\"]", "only after the controls"),
        ("[[controller]]\nkind = \"rhythm\"\ngain = 2.0", "gain belongs to kind = \"feedback\""),
        ("[[controller]]\nkind = \"rhythm\"\nactuators = [\"pusch\"]", "did you mean \"push\""),
        ("[[controller]]\nkind = \"feedback\"\ngain = [1.0, 2.0]", "2 numbers for 1 actuators"),
        ("[[optimize]]\nwhat = \"controllers\"", "no [[controller]]"),
        (
            "[[controller]]\nkind = \"network\"\nobserve = [\"joint.*\"]\nmean = [1.0]",
            "mean has 1 numbers, and the network sees 4",
        ),
        (
            "[[controller]]\nkind = \"network\"\nobserve = [\"joint.pole.position\"]\nscale = [0.0]",
            "0 cannot be a scale",
        ),
        (
            "[[controller]]\nkind = \"network\"\nobserve = [\"joint.pole.position\"]\nmean = [0.1]\nnormalize = true",
            "either mean or normalize = true",
        ),
        (
            "[[controller]]\nkind = \"network\"\nobserve = [\"joint.*\"]\ninitial = { kind = \"ortogonal\" }",
            "unknown word \"ortogonal\" (did you mean \"orthogonal\"?)",
        ),
        (
            "[[controller]]\nkind = \"feedback\"\nlayer_norm = true",
            "layer_norm belongs to kind = \"network\"",
        ),
        ("[[controller]]\nkind = \"network\"\nobserve = [\"control_rate.push\"]", "only after the controls"),
        ("[[controller]]\nkind = \"network\"\nobserve = [\"phase(fast)\"]", "\"fast\" is no frequency in Hz"),
        (
            "[[cost]]\nquantity = \"site.tip.position - site.top.position\"\nweight = 1.0",
            "did you mean \"site.tip.position\"",
        ),
        (
            "[[cost]]\nquantity = \"site.tip.position - site.tip.position.x\"\nweight = 1.0",
            "no difference of two positions",
        ),
        ("[[cost]]\nquantity = \"energy.totl\"\nweight = 1.0", "did you mean \"energy.total\""),
        ("[[cost]]\nquantity = \"body.pole.upp.z\"\nweight = 1.0", "did you mean \"body.pole.up.z\""),
        (
            "[[cost]]\nquantity = \"control_rate.push\"\nweight = 1.0\nwhen = \"final\"",
            "the last state has no control",
        ),
        (
            "[[cost]]\nquantity = \"control_rate.push\"\nweight = 1.0\n[[optimize]]\nwhat = \"controls\"\n\
             [optimizer]\nkind = \"ilqr\"",
            "must not depend on the one before",
        ),
        ("[start.random]\nposition = { pol = 0.1 }", "did you mean \"pole\""),
        ("[start.random]\nbatch = 0\nposition = { pole = 0.1 }", "at least one start"),
        (
            "[start.random]\nposition = { pole = 0.1 }\n[[optimize]]\nwhat = \"start.velocity\"",
            "cannot be optimized as well",
        ),
        (
            "[[controller]]\nkind = \"rhythm\"\n[[optimize]]\nwhat = \"controls\"\n[optimizer]\nkind = \"ilqr\"",
            "knows no controllers",
        ),
    ];
    for (text, expected) in cases {
        let path = scenes().join("nowhere.toml");
        let refused = parse(&format!("{head}{text}\n"), &path).unwrap_err().to_string();
        assert!(refused.contains(expected), "{text}\n{refused}\nlacks {expected}");
        assert!(refused.contains("nowhere.toml"), "{refused}");
    }
}

fn inputs(steps: usize, actuators: usize) -> Vec<Input<f64>> {
    vec![Input { u: vec![0.0; actuators], force: Vec::new(), wrench: Vec::new(), push: Vec::new() }; steps]
}

#[test]
fn the_pullback_of_a_plan_is_its_transpose() {
    for shape in [Shape::Steps { hold: 1 }, Shape::Steps { hold: 3 }, Shape::Spline { knots: 7 }] {
        let plan = Plan::new(shape, 20, 2);
        let x: Vec<f64> = (0..plan.values()).map(|k| (1.3 * k as f64).sin()).collect();
        let mut u = inputs(20, 2);
        plan.inputs(&x, &mut u);
        let mut w = inputs(20, 2);
        for (k, w) in w.iter_mut().enumerate() {
            w.u = vec![(0.7 * k as f64).cos(), (2.1 * k as f64).sin()];
        }
        let mut pulled = vec![0.0; plan.values()];
        plan.inputs_pullback(&w, &mut pulled);
        let forward: f64 = u.iter().zip(&w).map(|(u, w)| u.u[0] * w.u[0] + u.u[1] * w.u[1]).sum();
        let backward: f64 = x.iter().zip(&pulled).map(|(x, w)| x * w).sum();
        assert!((forward - backward).abs() < 1e-13, "{shape:?}: {forward} is not {backward}");
    }
}

#[test]
fn a_spline_stays_between_its_control_points_and_meets_its_ends() {
    for knots in [4, 5, 9] {
        let plan = Plan::new(Shape::Spline { knots }, 51, 1);
        // What every control takes of each control point: (knots, steps).
        let weights: Vec<Vec<f64>> = (0..knots)
            .map(|j| {
                let mut one = vec![0.0; knots];
                one[j] = 1.0;
                let mut u = inputs(51, 1);
                plan.inputs(&one, &mut u);
                u.iter().map(|u| u.u[0]).collect()
            })
            .collect();
        for k in 0..=50 {
            let w: Vec<f64> = weights.iter().map(|w| w[k]).collect();
            let first = w.iter().position(|w| *w != 0.0).unwrap();
            assert!(w.iter().all(|w| *w >= 0.0) && w.iter().skip(first + 4).all(|w| *w == 0.0));
            assert!((w.iter().sum::<f64>() - 1.0).abs() < 1e-14);
        }
        for (k, met) in [(0, 0), (50, knots - 1)] {
            assert!((0..knots).all(|j| weights[j][k] == if j == met { 1.0 } else { 0.0 }));
        }
    }
}

#[test]
fn orthogonal_weights_have_orthonormal_rows_or_columns_times_the_gain() {
    for sizes in [vec![9, 4], vec![4, 9], vec![6, 6]] {
        let mlp = Mlp { sizes: sizes.clone(), activation: Activation::Tanh, norm: false };
        let initial = Initial { scheme: Scheme::Orthogonal, gain: 2.0, last: 0.5 };
        let drawn = initial.draw(&mlp, 3);
        let (n, m) = (sizes[0], sizes[1]);
        let w = DMatrix::from_row_slice(n, m, &drawn[..n * m]);
        let product = if n >= m { w.transpose() * &w } else { &w * w.transpose() };
        let error = (product - DMatrix::identity(n.min(m), n.min(m))).amax();
        assert!(error < 1e-14, "{sizes:?}: {error}");
        assert_eq!(drawn[n * m..], vec![0.0; m]);
    }
}

#[test]
fn weights_have_the_variance_of_their_scheme() {
    let mlp = Mlp { sizes: vec![300, 100, 50], activation: Activation::Tanh, norm: true };
    for (scheme, variance) in
        [(Scheme::LeCun, 1.0 / 300.0), (Scheme::Kaiming, 2.0 / 300.0), (Scheme::Xavier, 2.0 / 400.0)]
    {
        let drawn = Initial { scheme, gain: 3.0, last: 1.0 }.draw(&mlp, 0);
        let own = drawn[..30_000].iter().map(|x| x * x).sum::<f64>() / 30_000.0;
        assert!((own / (9.0 * variance) - 1.0).abs() < 0.02, "{scheme:?}");
        assert!(drawn[30_100..30_200].iter().all(|scale| *scale == 1.0));
    }
}
