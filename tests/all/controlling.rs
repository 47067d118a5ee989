//! Scenes in which controllers decide.

use std::path::{Path, PathBuf};

use costate::optimize::{Settings, run};
use costate::scene::toml::{load, parse, variants};

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
    assert_eq!(shape("network.1.weight"), [64, 64]);
    assert_eq!(shape("network.2.bias"), [1]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("parameters.safetensors");
    out.solution.save(&file).unwrap();
    let loaded = costate::optimize::Solution::load(&file).unwrap();
    let rollout = scene.problem.rollout(&loaded).unwrap();
    let inputs: Vec<f64> = rollout.trajectory.inputs.iter().flat_map(|i| i.u.clone()).collect();
    assert_eq!(inputs, out.solution.get("inputs").unwrap().data);
    assert!(inputs.iter().any(|u| u.abs() > 1e-3), "the network does nothing");
}

#[test]
fn the_variants_of_a_scene_are_scenes_with_some_keys_replaced() {
    let all = variants(&scenes().join("cartpole_compare.toml")).unwrap();
    let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["plan, l-bfgs", "plan, adam", "plan, ilqr", "spline, l-bfgs", "network, adam"]);
    let counts: Vec<usize> =
        all.iter().map(|(_, s)| s.problem.groups.iter().map(|g| g.variables.len()).sum()).collect();
    assert_eq!(counts, [30, 30, 300, 12, 1281]);
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
