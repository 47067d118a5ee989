//! What a scene says, and what it is told when it makes no sense.

use std::path::Path;

use costate::Error;
use costate::optimize::{Kind, Solution};
use costate::scene::toml::{Scene, parse};

const GOOD: &str = r#"model = "models/cartpole.xml"
horizon = 3.0
[start]
keyframe = "hanging"
position = { cart = 0.5 }
[[cost]]
quantity = "joint.pole.position"
weight = 1.0
[[optimize]]
what = "controls"
[optimizer]
kind = "adam"
[[goal]]
quantity = "abs(joint.*.velocity)"
at_most = 0.1
last = 0.5
"#;

fn read(text: &str) -> Result<Scene, Error> {
    let scenes = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes");
    parse(text, &scenes.join("test.toml"))
}

/// The message for the good scene with one part replaced.
fn refused(part: &str, by: &str) -> String {
    assert!(GOOD.contains(part));
    let text = GOOD.replacen(part, by, 1);
    let message = read(&text).expect_err(by).to_string();
    message.rsplit('/').next().unwrap_or_default().to_owned()
}

#[test]
fn a_scene_says_what_is_given_and_what_is_wished_for() {
    let problem = read(GOOD).unwrap().problem;
    assert_eq!(problem.plan.steps(), 300);
    assert_eq!(problem.start.q, [0.5, std::f64::consts::PI]);
    assert_eq!(problem.terms.len(), 1);
    assert_eq!(problem.goals.len(), 2);
    assert_eq!(problem.goals[0].window, 250..=300);
    assert_eq!(problem.groups[0].variables.len(), 300);
    assert_eq!(problem.groups[0].variables[0].upper, 10.0);
}

#[test]
fn a_mistake_in_a_scene_is_one_sentence_with_its_line_and_the_nearest_right_answer() {
    let cases = [
        ("horizon", "horizont", "test.toml:2: unknown key \"horizont\" (did you mean \"horizon\"?)"),
        ("\"adam\"", "\"adan\"", "test.toml:12: unknown word \"adan\" (did you mean \"adam\"?)"),
        (
            "\"hanging\"",
            "\"hangin\"",
            "test.toml:4: the model has no keyframe \"hangin\" (did you mean \"hanging\"?)",
        ),
        (
            "joint.pole.position",
            "joint.poll.position",
            "test.toml:7: the model has no quantity \"joint.poll.position\" (did you mean \"joint.pole.position\"?)",
        ),
        ("{ cart =", "{ card =", "test.toml:5: the model has no joint \"card\" (did you mean \"cart\"?)"),
        ("cart = 0.5", "cart = [1, 2]", "test.toml:5: cart has 2 numbers (the model asks for 1)"),
        ("weight = 1.0", "weight = nan", "test.toml:8: weight is NaN, and must be a finite number"),
        ("weight = 1.0\n", "", "test.toml:7: a cost needs a weight"),
        (
            "\"controls\"",
            "\"control\"",
            "test.toml:10: nothing is called \"control\" (did you mean \"controls\"?)",
        ),
        (
            "weight = 1.0",
            "weight = 1.0\npath = [[1.0, 0.0], [1.0, 2.0]]",
            "test.toml:9: a path is a list of [time, …] with rising times",
        ),
        (
            "weight = 1.0",
            "weight = 1.0\npath = [[1.0, 0.0, 2.0]]",
            "test.toml:9: path has 2 numbers (the quantity has 1)",
        ),
        ("last = 0.5", "last = 5.0", "test.toml:16: last is 5 s, and the scene lasts from 0 to 3 s"),
        ("at_most = 0.1\n", "", "test.toml:14: a goal needs either at_most or at_least"),
        (
            "horizon = 3.0",
            "horizon = -3.0",
            "test.toml:2: the horizon of -3 s is -300 steps (1 to 10 million)",
        ),
        ("[start]", "[start", "test.toml:3: "),
        ("\"adam\"", "\"ilqt\"", "test.toml:12: unknown word \"ilqt\" (did you mean \"ilqr\"?)"),
        (
            "\"adam\"",
            "\"ilqr\"\nrate = 0.1",
            "test.toml:13: rate belongs to kind = \"adam\" or kind = \"descent\"",
        ),
        ("\"adam\"", "\"adam\"\nmemory = 5", "test.toml:13: memory belongs to kind = \"l-bfgs\""),
        ("\"adam\"", "\"adam\"\nmomentum = 0.9", "test.toml:13: momentum belongs to kind = \"descent\""),
        (
            "\"adam\"",
            "\"descent\"\nmomentum = 1.0",
            "test.toml:13: momentum is 1, and must be at least zero and below one",
        ),
        (
            "\"adam\"",
            "\"descent\"\nclip = 1.0\nnormalize = true",
            "test.toml:13: clip has no meaning beside normalize = true: every gradient has length one",
        ),
        (
            "\"adam\"",
            "\"adam\"\nschedule = \"cosin\"",
            "test.toml:13: unknown word \"cosin\" (did you mean \"cosine\"?)",
        ),
        (
            "\"adam\"",
            "\"adam\"\ndecay = 0.1",
            "test.toml:13: decay belongs to schedule = \"cosine\" or schedule = \"exponential\"",
        ),
        (
            "\"adam\"",
            "\"adam\"\ndecay = 0.0\nschedule = \"exponential\"",
            "test.toml:13: decay is 0, and must be above zero and below one",
        ),
        (
            "\"adam\"",
            "\"adam\"\n[gradient]\nmemory = \"much\"",
            "test.toml:14: \"much\" is no memory: write full, light, or 500MB, for instance",
        ),
        (
            "\"adam\"",
            "\"adam\"\n[gradient]\nprecision = \"single\"",
            "test.toml:14: single precision rolls sixteen worlds out at once: it needs [start.random]",
        ),
        (
            "\"adam\"",
            "\"adam\"\n[gradient]\nprecision = \"singel\"",
            "test.toml:14: unknown word \"singel\" (did you mean \"single\"?)",
        ),
    ];
    for (part, by, message) in cases {
        let said = refused(part, by);
        assert!(said.starts_with(message), "{said}\nand not\n{message}");
        assert!(!said.contains('\n'), "{said}");
    }
    assert!(
        refused("cartpole.xml", "cartpool.xml").starts_with("cartpool.xml"),
        "the missing model is named"
    );
}

#[test]
fn a_scene_that_would_fill_the_memory_is_refused() {
    let steps = refused("horizon = 3.0", "steps = 9000000000000000000");
    assert_eq!(steps, "test.toml:2: a scene lasts 1 to 10 million steps, not 9000000000000000000");
    let network = "[[controller]]\nkind = \"network\"\nobserve = [\"joint.*.position\"]\nhidden = [4096, 4096]\n[[cost]]";
    let large = refused("[[cost]]", network);
    assert_eq!(large, "test.toml:9: a network has at most 4000000 weights, not 16797697");
}

#[test]
fn iterative_lqr_refuses_all_but_one_control_for_every_step() {
    let good = GOOD.replace("\"adam\"", "\"ilqr\"");
    assert_eq!(read(&good).unwrap().problem.method.kind, Kind::Ilqr);
    let cases = [
        (
            "[[cost]]",
            "[control]\nhold = 2\n[[cost]]",
            "7: kind = \"ilqr\" finds one control for every step: give hold = 1",
        ),
        (
            "[[cost]]",
            "[control]\nkind = \"spline\"\nknots = 9\n[[cost]]",
            "8: kind = \"ilqr\" finds one control for every step, and not the knots of a spline",
        ),
        (
            "\"controls\"",
            "\"start.velocity\"",
            "10: kind = \"ilqr\" finds one control for every step and nothing else: give what = \"controls\" alone",
        ),
        (
            "\"ilqr\"",
            "\"ilqr\"\nbounds = \"smooth\"",
            "13: kind = \"ilqr\" finds one control for every step within bounds that it knows",
        ),
        ("what = \"controls\"", "what = \"controls\"\nrate = 2.0", "11: kind = \"ilqr\" finds"),
    ];
    for (part, by, message) in cases {
        let said = read(&good.replacen(part, by, 1)).expect_err(by).to_string();
        assert!(said.contains(&format!("test.toml:{message}")), "{said}\nand not\n{message}");
    }
    let nothing = good.replace("[[optimize]]\nwhat = \"controls\"\n", "");
    assert!(read(&nothing).unwrap_err().to_string().contains("give [[optimize]] what = \"controls\""));
}

#[test]
fn a_path_has_straight_lines_between_its_times_and_rests_at_its_ends() {
    let text = GOOD.replace("weight = 1.0", "weight = 1.0\npath = [[1.0, 0.0], [2.0, 3.0], [2.5, 1.0]]");
    let target = &read(&text).unwrap().problem.terms[0].target;
    let wanted = [0, 100, 150, 200, 225, 300].map(|k| target[k][0]);
    for (own, asked) in wanted.into_iter().zip([0.0, 0.0, 1.5, 3.0, 2.0, 1.0]) {
        assert!((own - asked).abs() < 1e-12, "{wanted:?}");
    }
}

#[test]
fn a_guess_can_hold_the_arm_against_its_weight() {
    let text = "model = \"models/arm.xml\"\nsteps = 100\nstart = { keyframe = \"ready\" }\n\
                control = { guess = \"hold\" }";
    let scene = read(text).unwrap();
    let trajectory = scene.rollout(&Solution::default()).unwrap();
    let last = &trajectory.states[100];
    assert!(last.v.iter().all(|v| v.abs() < 1e-6), "{:?}", last.v);
}

const NET: &str = r#"steps = 10
[world]
timestep = 0.01
[[wall]]
name = "floor"
[[points]]
name = "net"
positions = [[0.0, 0.3], [0.1, 0.3], [0.1, 0.4]]
springs = [[0, 1], [1, 2]]
stiffness = 100.0
[[points]]
name = "ball"
positions = [[0.5, 0.5]]
radius = 0.1
"#;

const JELLY: &str = r#"steps = 10
[world]
timestep = 0.001
[grid]
lower = [0.0, 0.0]
upper = [1.0, 1.0]
cells = 32
[[matter]]
name = "jelly"
material = "corotated"
box = { lower = [0.3, 0.3], upper = [0.5, 0.5] }
young = 1e4
"#;

#[test]
fn particles_that_cannot_be_are_refused_in_one_sentence() {
    let cases = [
        (
            NET,
            "100.0",
            "1e6",
            "6: the springs need a time step below 1.41e-3 s, and a substep has 1.00e-2 s: set substeps = 8 in [particles], or softer springs",
        ),
        (NET, "[1, 2]", "[1, 7]", "9: the spring [1, 7] ends at a point that is not there (0 to 2)"),
        (NET, "[0.1, 0.4]", "[0.1, -0.4]", "6: point 2 begins 0.4000 m inside wall \"floor\": move it out"),
        (NET, "[[0.5, 0.5]]", "[]", "11: a body of points needs at least one"),
        (NET, "[[0.0, 0.3]", "[[0.1, 0.3]", "9: the spring [0, 1] has both ends at one place"),
        (
            NET,
            "stiffness = 100.0\n",
            "stiffness = 100.0\nradius = 0.01\nfixed = [5]\n",
            "12: there is no point 5 to fix (0 to 2)",
        ),
        (
            NET,
            "[0.1, 0.4]]",
            "[0.45, 0.5]]\nradius = 0.01",
            "12: ball 0 of \"ball\" and ball 2 of \"net\" overlap by 0.0600 m at the start",
        ),
        (NET, "[world]\ntimestep = 0.01", "", "a scene needs a model file, or a [world] for particles alone"),
        (
            JELLY,
            "0.5, 0.5",
            "0.5, 1.5",
            "11: a particle begins at [0.3078, 0.9797], beyond the outermost cells of the grid",
        ),
        (
            JELLY,
            "1e4",
            "1e9",
            "8: a pressure wave crosses a cell in 2.85e-5 s, and a substep has 1.00e-3 s: set substeps = 36 in [particles], or softer matter",
        ),
        (JELLY, "young = 1e4\n", "", "10: this material needs young = …"),
        (
            JELLY,
            "young = 1e4",
            "young = 1e4\nyield = 3.0",
            "13: yield means nothing to this material (young, poisson)",
        ),
        (
            JELLY,
            "upper = [0.5",
            "upper = [0.3",
            "11: [0.0, 13.0, 1.0] particles along the axes: at least one, at most 2·10⁷ in all",
        ),
        (
            JELLY,
            "\"corotated\"",
            "\"corotatet\"",
            "10: unknown word \"corotatet\" (did you mean \"corotated\"?)",
        ),
    ];
    for (good, part, by, said) in cases {
        assert!(read(good).is_ok() && good.contains(part), "{part}");
        let message = read(&good.replacen(part, by, 1)).expect_err(by).to_string();
        assert!(
            message.ends_with(&format!("test.toml:{said}")) || message.ends_with(said),
            "{message}\nis not\n{said}"
        );
    }
}
