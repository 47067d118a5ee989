//! The command line: exit codes, JSON, and what it says to bad input.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::recorded::numbers;

/// What a run of the binary said.
struct Said {
    code: i32,
    out: String,
    error: String,
}

impl Said {
    fn json(&self) -> Value {
        assert_eq!(self.error, "");
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}", self.out))
    }
    /// Refused as bad input: one sentence that contains some words, and nothing on standard output.
    fn refused(&self, words: &[&str]) {
        assert_eq!((self.code, self.out.as_str()), (2, ""), "{}", self.error);
        for word in words {
            assert!(self.error.contains(word), "\"{word}\" is not in: {}", self.error);
        }
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn model(name: &str) -> String {
    let folder = if name == "quadruped" { "tests/models" } else { "scenes/models" };
    root().join(folder).join(format!("{name}.xml")).display().to_string()
}

fn scene(name: &str) -> String {
    root().join("scenes").join(format!("{name}.toml")).display().to_string()
}

/// Runs the binary in a folder of its own.
fn run(place: &TempDir, arguments: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_costate"));
    let done = command.current_dir(place.path()).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: done.status.code().unwrap(), out: text(done.stdout), error: text(done.stderr) }
}

fn place() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn write(place: &TempDir, name: &str, text: &str) -> String {
    let path = place.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn a_missing_file_is_refused_by_every_verb() {
    let p = place();
    for verb in ["simulate", "optimize", "check", "inspect", "linearize", "profile"] {
        for file in ["nothing.xml", "nothing.toml"] {
            let said = run(&p, &[verb, file, "--json"]);
            said.refused(&[file, "cannot read"]);
            assert_eq!(said.error.trim_end().lines().count(), 1);
        }
    }
    assert_eq!(std::fs::read_dir(p.path()).unwrap().count(), 0, "nothing is half-written");
}

#[test]
fn simulate_gives_one_state_more_than_steps_and_writes_the_same_numbers() {
    let p = place();
    let arguments = ["simulate", &model("cartpole"), "--steps", "7", "--keyframe", "hanging", "--json"];
    let v = run(&p, &arguments).json();
    for key in ["time", "qpos", "qvel"] {
        assert_eq!(v[key].as_array().unwrap().len(), 8, "{key}");
    }
    let out = p.path().join(v["out"].as_str().unwrap());
    assert_eq!(out, p.path().join("runs/cartpole-1"));
    for file in [
        "cartpole.xml",
        "summary.json",
        "controls.csv",
        "states.svg",
        "states.png",
        "filmstrip.png",
        "motion.gif",
    ] {
        assert!(out.join(file).is_file(), "{file}");
    }
    let csv = std::fs::read_to_string(out.join("trajectory.csv")).unwrap();
    assert!(csv.starts_with("time [s],cart [m],pole [rad],cart' [m/s],pole' [rad/s],push [N]\n"), "{csv}");
    let last: Vec<f64> = csv.lines().last().unwrap().split(',').map(|x| x.parse().unwrap()).collect();
    assert_eq!(last[1..3], numbers(&v["qpos"][7])[..]);
    assert_eq!(last[3..5], numbers(&v["qvel"][7])[..]);
    let still = run(&p, &["simulate", &model("cartpole"), "--steps", "7", "--no-animation", "--json"]).json();
    let still = p.path().join(still["out"].as_str().unwrap());
    assert!(still.join("filmstrip.png").is_file() && !still.join("motion.gif").exists());
}

#[test]
fn controls_are_found_by_name_in_any_order() {
    let p = place();
    let straight = write(&p, "a.csv", "left,right\n0.5,-0.25\n0.125,1\n");
    let swapped = write(&p, "b.csv", "right, left\n-0.25, 0.5\n1, 0.125\n");
    let xml = write(&p, "two.xml", TWO_MOTORS);
    let runs =
        [straight, swapped].map(|file| run(&p, &["simulate", &xml, "--controls", &file, "--json"]).json());
    assert_eq!(runs[0]["qpos"], runs[1]["qpos"]);
    assert_eq!(runs[0]["time"].as_array().unwrap().len(), 3);
}

const TWO_MOTORS: &str = r#"<mujoco><worldbody>
  <body><joint name="a" axis="0 1 0"/><geom size=".1" pos="0 0 .3"/></body>
  <body><joint name="b" axis="0 1 0"/><geom size=".1" pos="0 0 .2"/></body>
</worldbody><actuator><motor name="left" joint="a"/><motor name="right" joint="b"/></actuator></mujoco>"#;

#[test]
fn wrong_controls_are_refused_with_line_and_nearest_name() {
    let p = place();
    let xml = write(&p, "two.xml", TWO_MOTORS);
    let cases = [
        ("left,rigth\n0,0\n", &["c.csv:1:", "\"rigth\"", "did you mean \"right\"?"][..]),
        ("left\n0\n", &["c.csv:1:", "\"right\" is missing"]),
        ("left,left\n0,0\n", &["c.csv:1:", "twice"]),
        ("left,right\n0,0\n0,0,0\n", &["c.csv:3:", "3 numbers", "2 columns"]),
        ("left,right\n0,much\n", &["c.csv:2:", "\"much\"", "right"]),
        ("left,right\n0,NaN\n", &["c.csv:2:", "not a finite number"]),
        ("", &["c.csv", "empty"]),
    ];
    for (text, words) in cases {
        let file = write(&p, "c.csv", text);
        run(&p, &["simulate", &xml, "--controls", &file]).refused(words);
    }
    let file = write(&p, "c.csv", "left,right\n0,0\n");
    run(&p, &["simulate", &xml, "--controls", &file, "--steps", "2"]).refused(&["1 rows", "2 steps"]);
    run(&p, &["simulate", &xml, "--keyframe", "home"]).refused(&["\"home\"", "no named keyframe"]);
    run(&p, &["simulate", &xml, "--seconds", "-1"]).refused(&["--seconds"]);
}

#[test]
fn inspect_gives_the_dynamics_that_mujoco_recorded() {
    let p = place();
    let path = root().join("tests/recorded/humanoid.json");
    let recorded: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let entry = &recorded["states"][3];
    let mut state = serde_json::Map::new();
    for key in ["qpos", "qvel", "act", "ctrl", "qfrc_applied", "xfrc_applied", "mocap_pos", "mocap_quat"] {
        state.insert(key.to_owned(), entry[key].clone());
    }
    let file = write(&p, "state.json", &Value::from(state).to_string());
    let v =
        run(&p, &["inspect", &model("humanoid"), "--state", &file, "--without-constraints", "--json"]).json();
    assert_eq!((v["nq"].as_u64(), v["nv"].as_u64(), v["nu"].as_u64()), (Some(28), Some(27), Some(21)));
    assert_eq!(numbers(&v["qpos"]), numbers(&entry["qpos"]));
    assert_eq!(v["mass_matrix"].as_array().unwrap().len(), 27);
    let pairs = [
        ("acceleration", "qacc"),
        ("bias", "qfrc_bias"),
        ("passive", "qfrc_passive"),
        ("actuator_force", "qfrc_actuator"),
    ];
    for (ours, theirs) in pairs {
        let (a, b) = (numbers(&v[ours]), numbers(&entry[theirs]));
        let scale = b.iter().fold(1e-9, |m: f64, x| m.max(x.abs()));
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() <= 1e-9 * scale), "{ours}");
    }
    assert_eq!(v["body_name"][0], "world");
    assert_eq!(v["body_orientation"][0].as_array().unwrap().len(), 4);
}

#[test]
fn a_wrong_state_file_is_refused() {
    let p = place();
    let cases = [
        ("{\"qpos\": [1, 2, 3]}", &["qpos has 3 numbers", "has 2"][..]),
        ("{\"qpso\": [1, 2]}", &["\"qpso\"", "did you mean \"qpos\"?"]),
        ("{\n\"qpos\": [1,\n", &["s.json:", "not JSON"]),
        ("[]", &["no JSON object"]),
        ("{\"qvel\": [1, \"x\"]}", &["qvel"]),
    ];
    for (text, words) in cases {
        let file = write(&p, "s.json", text);
        run(&p, &["inspect", &model("cartpole"), "--state", &file, "--json"]).refused(words);
        run(&p, &["linearize", &model("cartpole"), "--state", &file, "--json"]).refused(words);
    }
}

#[test]
fn inspect_shows_what_is_not_done_and_other_verbs_refuse_it() {
    let p = place();
    let text = TWO_MOTORS.replace("</actuator>", "\n<muscle name=\"biceps\" joint=\"a\"/></actuator>");
    let xml = write(&p, "muscle.xml", &text);
    let said = run(&p, &["inspect", &xml]);
    assert_eq!(said.code, 0);
    assert!(said.out.contains("muscle.xml:5") && said.out.contains("biceps"), "{}", said.out);
    for verb in ["simulate", "check", "linearize", "profile"] {
        run(&p, &[verb, &xml, "--json"]).refused(&["biceps", ":5:", "--ignore"]);
    }
    assert_eq!(run(&p, &["linearize", &xml, "--ignore", "biceps", "--json"]).code, 0);
}

#[test]
fn linearize_has_a_row_for_each_tangent_of_the_state() {
    let v = run(&place(), &["linearize", &model("quadruped"), "--json"]).json();
    let (a, b) = (v["A"].as_array().unwrap(), v["B"].as_array().unwrap());
    assert!(a.iter().all(|row| row.as_array().unwrap().len() == a.len()));
    assert_eq!(a.len(), b.len());
}

#[test]
fn check_agrees_on_models_and_scenes() {
    for file in [model("cartpole"), model("arm"), model("quadruped"), scene("cartpole_swingup")] {
        let said = run(&place(), &["check", &file, "--json"]);
        assert_eq!(said.code, 0, "{}{}", said.out, said.error);
        let v = said.json();
        assert_eq!(v["passed"], true);
        let names: Vec<&str> =
            v["groups"].as_array().unwrap().iter().map(|g| g["name"].as_str().unwrap()).collect();
        for name in ["initial configuration", "initial velocity", "controls", "geom", "joint", "option"] {
            assert!(names.contains(&name), "{name} is not among {names:?}");
        }
    }
}

#[test]
fn profile_says_what_it_measured() {
    let arguments = ["profile", &model("cartpole"), "--steps", "10", "--worlds", "2", "--json"];
    let v = run(&place(), &arguments).json();
    for key in ["forward_us_per_step", "gradient_us_per_step", "ratio", "bytes_per_step", "first_gradient_ms"]
    {
        assert!(v[key].as_f64().unwrap() > 0.0, "{key}");
    }
    assert_eq!(
        (v["horizon"].as_u64(), v["worlds"].as_u64(), v["threads"].as_u64()),
        (Some(10), Some(2), Some(1))
    );
    let light = [&arguments[..], &["--memory", "100"]].concat();
    assert!(run(&place(), &light).json()["bytes_per_step"].as_f64() < v["bytes_per_step"].as_f64());
}

#[test]
fn optimize_without_enough_budget_exits_with_three_and_leaves_a_run_folder() {
    let p = place();
    let arguments = ["optimize", &scene("cartpole_swingup"), "--iterations", "2", "--out", "run", "--json"];
    let said = run(&p, &arguments);
    assert_eq!(said.code, 3, "{}", said.error);
    let v = said.json();
    assert_eq!((v["iterations"].as_u64(), v["reached"].as_bool()), (Some(2), Some(false)));
    assert_eq!(v["goals"].as_array().unwrap().len(), 3, "a goal for each joint that the scene's * names");
    assert!(v["goals"][0]["measured"].is_f64());
    let files = [
        "scene.toml",
        "models/cartpole.xml",
        "parameters.safetensors",
        "trajectory.csv",
        "controls.csv",
        "metrics.csv",
        "summary.json",
        "cost.svg",
        "cost.png",
        "states.png",
        "controls.png",
        "energies.png",
        "filmstrip.png",
        "motion.gif",
        "checkpoint.safetensors",
    ];
    for file in files {
        assert!(p.path().join("run").join(file).is_file(), "{file}");
    }
    // The folder stands for itself: its copy of the scene loads its copy of the model.
    assert_eq!(run(&p, &["optimize", "run/scene.toml", "--iterations", "0", "--json"]).code, 3);
}

#[test]
fn a_run_that_stopped_goes_on_to_the_same_bits() {
    let p = place();
    let scene = scene("cartpole_swingup");
    let go = |arguments: &[&str]| run(&p, &[&["optimize", &scene, "--json"], arguments].concat()).json();
    let whole = go(&["--iterations", "6", "--out", "whole"]);
    go(&["--iterations", "3", "--out", "half"]);
    let resumed = go(&["--iterations", "6", "--resume", "half"]);
    for key in ["cost_first", "cost_last", "cost_best", "iterations"] {
        assert_eq!(whole[key], resumed[key], "{key}");
    }
    let controls = ["whole", "half"].map(|f| std::fs::read(p.path().join(f).join("controls.csv")).unwrap());
    assert!(controls[0] == controls[1]);
    run(&p, &["optimize", &scene, "--resume", "nothing"]).refused(&["no checkpoint"]);
}

#[test]
fn an_unwritable_run_folder_is_refused_before_the_work() {
    let p = place();
    let file = write(&p, "taken", "a file");
    run(&p, &["simulate", &model("cartpole"), "--out", &file]).refused(&["taken", "--out"]);
    run(&p, &["optimize", &scene("cartpole_swingup"), "--out", &file]).refused(&["taken"]);
    let below = Path::new(&file).join("run").display().to_string();
    run(&p, &["simulate", &model("cartpole"), "--out", &below]).refused(&["run folder cannot be created"]);
}

#[test]
fn a_rollout_that_diverges_says_when_and_what_helps() {
    let p = place();
    let text = r#"<mujoco><option timestep="0.1"/><worldbody><body>
        <joint name="a" axis="0 1 0" stiffness="1e9"/><geom size=".1" pos="0 0 .3"/>
      </body></worldbody><keyframe><key name="spin" qvel="3"/></keyframe></mujoco>"#;
    let xml = write(&p, "stiff.xml", text);
    let said = run(&p, &["simulate", &xml, "--seconds", "100", "--keyframe", "spin"]);
    said.refused(&["diverged at step", "joint \"a\"", "smaller time step"]);
    assert!(!p.path().join("runs/stiff-1").exists());
}

#[test]
fn a_urdf_file_is_a_model_for_every_verb_and_wrong_ones_are_refused() {
    let p = place();
    let arm = root().join("tests/models/urdf/arm7.urdf").display().to_string();
    let said = run(&p, &["simulate", &arm, "--steps", "5", "--json"]);
    assert_eq!(said.code, 0, "{}", said.error);
    assert_eq!(run(&p, &["inspect", &arm, "--json"]).json()["nq"], 9);
    let scene = format!("model = \"{arm}\"\nhorizon = 0.02\n");
    let scene = write(&p, "arm.toml", &scene);
    let said = run(&p, &["simulate", &scene, "--json"]);
    assert_eq!(said.code, 0, "{}", said.error);
    let collada = "<robot><link name=\"world\"><collision><geometry><mesh filename=\"a.dae\"/></geometry>\
                   </collision></link><link name=\"b\"/></robot>";
    let collada = write(&p, "collada.urdf", collada);
    run(&p, &["simulate", &collada]).refused(&["collada.urdf:1", "Collada", "--ignore"]);
    let wrong = write(&p, "wrong.urdf", "<robot>\n<link nam=\"a\"/></robot>");
    run(&p, &["simulate", &wrong]).refused(&["wrong.urdf:2", "did you mean \"name\"?"]);
}

/// A puck of 0.4 kg that hangs on a cord exactly where the cord has length 0.
fn zero_cord(attributes: &str) -> String {
    format!(
        r#"<mujoco><option gravity="0 0 0" timestep="0.01"/><worldbody><site name="peg"/><body>
        <joint name="x" type="slide" axis="1 0 0"/><joint name="y" type="slide" axis="0 1 0"/>
        <geom size="0.05" mass="0.4" contype="0" conaffinity="0"/><site name="eye"/></body></worldbody>
        <tendon><spatial name="cord" stiffness="60" springlength="0" {attributes}>
        <site site="peg"/><site site="eye"/></spatial></tendon></mujoco>"#
    )
}

#[test]
fn linearize_refuses_a_pull_whose_direction_is_undetermined() {
    let p = place();
    let smooth = write(&p, "smooth.xml", &zero_cord(""));
    let v = run(&p, &["linearize", &smooth, "--json"]).json();
    assert!((v["A"][2][0].as_f64().unwrap() + 1.5).abs() < 1e-9, "{v}");
    let damped = write(&p, "damped.xml", &zero_cord("damping=\"1\""));
    run(&p, &["linearize", &damped]).refused(&["\"cord\"", "length 0", "undetermined", "1e-6"]);
}

#[test]
fn check_never_calls_gradients_healthy_that_are_off_or_left_out() {
    let p = place();
    let cost = "steps = 3\ncost = [{ quantity = \"site.eye.position.x\", target = 1.0, weight = 1.0 }]\n";
    // Exactly at the end of its slack a cord has two derivatives, one on each side.
    let slack = zero_cord("").replace("springlength=\"0\"", "springlength=\"0 0.25\"");
    write(&p, "slack.xml", &slack.replace("<body>", "<body pos=\"0.25 0 0\">"));
    let scene = write(&p, "slack.toml", &("model = \"slack.xml\"\n".to_owned() + cost));
    let said = run(&p, &["check", &scene]);
    assert_eq!(said.code, 1, "{}{}", said.out, said.error);
    let last = said.out.trim_end().lines().last().unwrap();
    for words in ["distrust the gradients by", "\"initial configuration\"", "run again with --seed 1"] {
        assert!(last.contains(words), "\"{words}\" is not in: {last}");
    }
    assert!(!said.out.contains("healthy"), "{}", said.out);
    let v = run(&p, &["check", &scene, "--json"]).json();
    assert_eq!(v["passed"], false);
    assert!(v["gradients"]["advice"].as_str().unwrap().contains("distrust"), "{v}");
    assert!(v["gradients"]["distrust"].as_array().unwrap().contains(&"initial configuration".into()), "{v}");
    // A damper pulls along a direction that is none.
    write(&p, "damped.xml", &zero_cord("damping=\"1\""));
    let scene = write(&p, "damped.toml", &("model = \"damped.xml\"\n".to_owned() + cost));
    let said = run(&p, &["check", &scene]);
    assert!(
        said.out.contains("tendon \"cord\" was undetermined at") && !said.out.contains("healthy"),
        "{}",
        said.out
    );
}

#[test]
fn optimize_says_how_many_trials_failed_and_why() {
    let p = place();
    // Stiffer than four over the square of the time step, the spring throws its mass out of all numbers.
    let xml = r#"<mujoco><option gravity="0 0 0" timestep="0.1"/><worldbody><body>
        <joint name="a" type="slide" axis="1 0 0" stiffness="100" springref="1"/>
        <geom size=".1" mass="1"/><site name="s"/></body></worldbody></mujoco>"#;
    write(&p, "spring.xml", xml);
    let scene = r#"
model = "spring.xml"
steps = 200
[[cost]]
quantity = "site.s.position.x"
target = 100.0
weight = 1.0
[[optimize]]
what = "joint.a.stiffness"
[optimizer]
kind = "adam"
rate = 1e6
iterations = 1
"#;
    let scene = write(&p, "spring.toml", scene);
    let arguments = ["optimize", &scene, "--no-animation", "--json"];
    let said = run(&p, &arguments);
    let v: Value = serde_json::from_str(&said.out).unwrap_or_else(|e| panic!("{e}: {}", said.error));
    let failed = &v["failed_trials"];
    let count = failed["count"].as_u64().unwrap();
    assert!(count > 0 && failed["of"].as_u64().unwrap() > count, "{failed}");
    assert_eq!(failed["reasons"][0]["count"].as_u64(), Some(count), "{failed}");
    assert_eq!(failed["reasons"][0]["reason"], "the rollout diverged");
    assert!(failed["reasons"][0]["first_error"].as_str().unwrap().contains("joint \"a\""), "{failed}");
    let text = run(&p, &arguments[..3]).out;
    assert!(
        text.contains(&format!("{count} of "))
            && text.contains("trials failed, because the rollout diverged"),
        "{text}"
    );
}
