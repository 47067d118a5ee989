//! Training on worlds that go on from gradient to gradient, and on worlds that fail.

use std::path::{Path, PathBuf};

use costate::Error;
use costate::objective::Terms;
use costate::optimize::{Evaluator, Problem, Settings, run, run_with};
use costate::physics::derive::compile;
use costate::scene::toml::parse;

/// A feedback that holds a cart, trained with next to no rate, so that its gains stay.
const HELD: &str = "model = \"models/cartpole.xml\"\nsteps = 40\n\
    optimize = [{ what = \"controllers\", noise = 0.0 }]\n\
    cost = [{ quantity = \"joint.*.position\", weight = 1.0 }]\n\
    optimizer = { kind = \"adam\", rate = 1e-14, iterations = 9, tolerance = 0.0 }\n\
    [[controller]]\nkind = \"feedback\"\ngain = 3.0\ndamping = 0.5\n[start.random]\nbatch = 11\n";

fn problem(more: &str) -> Result<Problem, Error> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes/nowhere.toml");
    Ok(parse(&format!("{HELD}{more}\n"), &path)?.problem)
}

const DRAWN: &str = "position = { pole = 0.3 }\nparameter = { \"joint.pole.damping[0]\" = [0.0, 0.02] }\n";

#[test]
fn the_windows_of_an_episode_cost_together_what_the_episode_costs_at_once() {
    let whole = problem(DRAWN).unwrap();
    let windows = problem(&format!("{DRAWN}window = 0.1\n")).unwrap();
    let out = run(&windows, &Settings::default(), &mut |_| {}).unwrap();
    assert_eq!(out.left_out, None);
    // Ten iterations of a quarter each: two whole episodes of every world.
    assert_eq!(out.episodes.len(), 22);
    let coordinates = whole.coordinates();
    let variables = whole.groups.iter().flat_map(|g| &g.variables);
    let x: Vec<f64> = variables.zip(&coordinates).map(|(v, c)| c.of(v.start)).collect();
    for (number, all) in out.episodes.chunks(11).enumerate() {
        let mut evaluator = Evaluator::of_terms(&whole);
        evaluator.draw(0, 4 * number);
        let expected = evaluator.value_and_gradient(&x, &mut vec![0.0; x.len()]).unwrap();
        let mean = all.iter().map(|e| e.cost).sum::<f64>() / 11.0;
        assert!((mean - expected).abs() < 1e-11 * expected, "{mean} is not {expected}");
        for (world, e) in all.iter().enumerate() {
            assert_eq!((e.iteration, e.world, e.steps, e.failed), (4 * number + 3, world, 40, false));
        }
    }
}

/// The cost of a problem's first minibatch where its variables start, and the gradient.
fn first(problem: &Problem) -> Vec<f64> {
    let coordinates = problem.coordinates();
    let variables = problem.groups.iter().flat_map(|g| &g.variables);
    let x: Vec<f64> = variables.zip(&coordinates).map(|(v, c)| c.of(v.start)).collect();
    let mut out = vec![0.0; x.len()];
    let cost = Evaluator::of_terms(problem).value_and_gradient(&x, &mut out).unwrap();
    out.push(cost);
    out
}

#[test]
fn a_small_memory_changes_no_bit_of_a_gradient_and_single_precision_keeps_its_first_digits() {
    let usual = first(&problem(DRAWN).unwrap());
    assert_eq!(usual, first(&problem(&format!("{DRAWN}[gradient]\nmemory = \"2kB\"\n")).unwrap()));
    let single = first(&problem(&format!("{DRAWN}[gradient]\nprecision = \"single\"\n")).unwrap());
    let scale = usual.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    let off = usual.iter().zip(&single).fold(0.0, |m: f64, (a, b)| m.max((a - b).abs() / scale));
    assert!(off > 0.0 && off < 1e-5, "{off:e}");
    // A rollout alone has the same budget.
    let scenes = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes");
    for scene in ["cartpole_swingup", "spring_triangle"] {
        let text = std::fs::read_to_string(scenes.join(format!("{scene}.toml"))).unwrap();
        let [whole, little] = ["", "[gradient]\nmemory = \"100kB\"\n"].map(|more| {
            let path = scenes.join("nowhere.toml");
            first(&parse(&format!("{text}\n{more}"), &path).unwrap().problem)
        });
        assert_eq!(whole, little, "{scene}");
    }
}

#[test]
fn episodes_go_on_from_a_checkpoint_to_the_same_bits_alone_and_eight_at_a_time() {
    let windows = problem(&format!("{DRAWN}window = 0.1\n")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = Some(folder.path().join("checkpoint.safetensors"));
    let go = |iterations, resume: Option<PathBuf>, checkpoint| {
        let settings = Settings { iterations: Some(iterations), seed: 3, resume, checkpoint };
        run(&windows, &settings, &mut |_| {}).unwrap()
    };
    let whole = go(9, None, None);
    go(5, None, checkpoint.clone());
    let rest = go(9, checkpoint, None);
    assert_eq!((&whole.solution, &whole.episodes), (&rest.solution, &rest.episodes));
    assert_eq!(whole.cost_last, rest.cost_last);
    let terms = Terms::new(&compile(&windows.description), windows.terms.clone());
    let alone = run_with(&windows, terms, &Settings { seed: 3, ..Settings::default() }, &mut |_| {}).unwrap();
    assert_eq!(alone.episodes.len(), whole.episodes.len());
    for (a, b) in alone.episodes.iter().zip(&whole.episodes) {
        assert!((a.cost - b.cost).abs() < 1e-11 * b.cost, "{} is not {}", a.cost, b.cost);
    }
}

#[test]
fn training_goes_on_without_the_worlds_that_fail_and_stops_where_all_do() {
    let stiff = |low: &str, high: &str| {
        let range = format!("{{ \"joint.cart.stiffness[0]\" = [{low}, {high}] }}");
        problem(&format!("position = {{ cart = 0.1 }}\nparameter = {range}\n"))
    };
    // On this cart the steps of a spring grow from 5·10⁴ N/m on.
    let out = run(&stiff("0", "1e5").unwrap(), &Settings::default(), &mut |_| {}).unwrap();
    assert!(out.cost_last.is_finite());
    assert_eq!(out.iterations, 9);
    let left_out = out.left_out.expect("some worlds fail");
    assert!(left_out.contains("were left out; the first at iteration 0: world "), "{left_out}");
    let failed = run(&stiff("1e20", "1e21").unwrap(), &Settings::default(), &mut |_| {}).unwrap_err();
    assert!(failed.is_of_rollout(), "{failed}");
    assert!(failed.to_string().contains("world 0: the rollout diverged at step"), "{failed}");
}

#[test]
fn what_hangs_on_the_time_is_refused_over_windows() {
    let window = "position = { pole = 0.3 }\nwindow = 0.1\n";
    let cases = [
        ("position = { pole = 0.3 }\nwindow = 7.0\n", "a window of 7 s is"),
        (&format!("{window}[[controller]]\nkind = \"rhythm\""), "no rhythm"),
        (&format!("{window}[[controller]]\nkind = \"feedback\"\nname = \"late\"\nfrom = 0.2"), "from or to"),
    ];
    for (text, expected) in cases {
        let refused = problem(text).unwrap_err().to_string();
        assert!(refused.contains(expected), "{refused}");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes/nowhere.toml");
    let text = format!("{HELD}{window}").replace("\"controllers\"", "\"controls\"");
    assert!(parse(&text, &path).unwrap_err().to_string().contains("let controllers decide"));
}
