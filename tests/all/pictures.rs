//! Pictures and run folders.

use std::path::Path;

use costate::model::{Description, Input, Model, State};
use costate::physics::derive;
use costate::report::lettering::outlined;
use costate::report::{self, Figure, Filmstrip, Motion, Panel, Picture, Row, RunFolder, Scale, Shape};
use costate::{rollout, scene::mjcf};
use resvg::usvg;

fn load(file: &str) -> (Description, Model<f64>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let description = mjcf::load(&path).unwrap_or_else(|e| panic!("{e}"));
    let model = derive::compile(&description);
    (description, model)
}

fn with_motion(file: &str, steps: usize, look: impl FnOnce(Motion<'_>)) {
    let (description, model) = load(file);
    let mut start = State::reference(&model);
    for (i, v) in start.v.iter_mut().enumerate() {
        *v = (1.0 + i as f64).sin();
    }
    let inputs = vec![Input::zero(&model); steps];
    let states = rollout::simulate(&model, &start, &inputs).unwrap().states;
    look(Motion { description: &description, model: &model, states: &states, inputs: &inputs });
}

/// Every text of the picture, with whether its letters lie inside the page.
fn texts(picture: &Picture) -> Vec<(String, bool)> {
    let svg = picture.svg();
    let (drawing, head) = (roxmltree::Document::parse(svg).unwrap(), svg.lines().next().unwrap());
    let texts = drawing.descendants().filter(|n| n.has_tag_name("text"));
    let look = |text: roxmltree::Node<'_, '_>| {
        let alone = outlined(&format!("{head}{}</svg>", &svg[text.range()]));
        let tree = usvg::Tree::from_str(&alone, &usvg::Options::default()).unwrap();
        let (b, size) = (tree.root().abs_bounding_box(), tree.size());
        let is_inside =
            b.left() >= 0.0 && b.top() >= 0.0 && b.right() <= size.width() && b.bottom() <= size.height();
        assert!(b.width() > 0.0, "no letters are drawn");
        (text.text().unwrap().trim().to_owned(), is_inside)
    };
    texts.map(look).collect()
}

fn assert_nothing_is_clipped(picture: &Picture) {
    let texts = texts(picture);
    assert!(!texts.is_empty());
    for (text, is_inside) in texts {
        assert!(is_inside, "\"{text}\" is clipped");
    }
}

#[test]
fn no_text_of_a_picture_is_clipped() {
    for file in ["scenes/models/cartpole.xml", "scenes/models/humanoid.xml", "tests/models/quadruped.xml"] {
        with_motion(file, 60, |motion| {
            for picture in [report::states(&motion), report::controls(&motion), report::energies(&motion)] {
                assert_nothing_is_clipped(&picture);
            }
            assert_nothing_is_clipped(&report::filmstrip(&motion, &Filmstrip::default()));
        });
    }
    let costs: Vec<f64> = (0..40).map(|k| 1e5 * 0.5f64.powi(k)).collect();
    assert_nothing_is_clipped(&report::cost(&costs, &costs));
}

#[test]
fn an_axis_is_labelled_by_quantity_and_unit() {
    with_motion("scenes/models/cartpole.xml", 20, |motion| {
        let labels: Vec<String> = texts(&report::states(&motion)).into_iter().map(|(t, _)| t).collect();
        for label in ["cart position [m]", "pole angle [rad]", "pole rate [rad/s]", "time [s]"] {
            assert!(labels.iter().any(|l| l == label), "{label} is not among {labels:?}");
        }
    });
}

#[test]
fn a_filmstrip_shows_as_many_times_as_asked() {
    with_motion("scenes/models/arm.xml", 50, |motion| {
        let strip = report::filmstrip(&motion, &Filmstrip { frames: 5, trace: None });
        assert_eq!(texts(&strip).len(), 5);
    });
}

/// The pixels of every frame as a viewer composes them, and how long each is shown [hundredths of a second].
fn played(gif: &[u8]) -> Vec<(Vec<u8>, u16)> {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut decoder = options.read_info(gif).unwrap();
    let width = usize::from(decoder.width());
    let mut page = vec![0; 4 * width * usize::from(decoder.height())];
    let mut out = Vec::new();
    while let Some(frame) = decoder.read_next_frame().unwrap() {
        let own = usize::from(frame.width);
        for (k, pixel) in frame.buffer.chunks(4).enumerate().filter(|(_, p)| p[3] > 0) {
            let (x, y) = (usize::from(frame.left) + k % own, usize::from(frame.top) + k / own);
            page[4 * (y * width + x)..][..4].copy_from_slice(pixel);
        }
        out.push((page.clone(), frame.delay));
    }
    out
}

#[test]
fn an_animation_lasts_as_long_as_the_motion_and_a_second_of_rest() {
    with_motion("scenes/models/cartpole.xml", 120, |motion| {
        let frames = played(&report::animation(&motion, Some("tip"), &|_, _| {}));
        assert_eq!(frames.len(), 31, "25 frames for each of 1.2 s, and the first");
        assert_eq!(frames.iter().map(|(_, delay)| usize::from(*delay)).sum::<usize>(), 120 + 100);
        assert!(frames.windows(2).all(|pair| pair[0].0 != pair[1].0), "a frame shows nothing new");
        assert!(frames.iter().all(|(page, _)| page.chunks(4).all(|p| p[3] == 255)), "the page has holes");
    });
    // A long motion has fewer frames for each second, and a state alone has one.
    with_motion("scenes/models/pendulum.xml", 1500, |motion| {
        let frames = played(&report::animation(&motion, None, &|_, _| {}));
        assert_eq!(frames.len(), 200);
        assert_eq!(frames.iter().map(|(_, delay)| usize::from(*delay)).sum::<usize>(), 1500 + 100);
        let alone = Motion { states: &motion.states[..1], inputs: &[], ..motion };
        assert_eq!(played(&report::animation(&alone, None, &|_, _| {})).len(), 1);
    });
}

#[test]
fn every_model_of_ours_can_be_drawn() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models");
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|e| e != "xml") {
            continue;
        }
        let (description, model) = load(path.to_str().unwrap());
        let states = [State::reference(&model)];
        let motion = Motion { description: &description, model: &model, states: &states, inputs: &[] };
        let options = Filmstrip { frames: 3, trace: None };
        let png = report::filmstrip(&motion, &options).png();
        assert!(png.starts_with(b"\x89PNG"), "{}", path.display());
    }
}

#[test]
fn a_curve_of_constants_infinities_and_zeros_is_drawn() {
    for scale in [Scale::Linear, Scale::Logarithmic] {
        for shape in [Shape::Line, Shape::Steps] {
            let panel = Panel {
                vertical: "odd".to_owned(),
                x: (0..6).map(f64::from).collect(),
                series: vec![vec![0.0; 6], vec![1.0, f64::NAN, f64::INFINITY, 0.0, -1.0, 2.0], Vec::new()],
                scale,
                shape,
                marks: vec![0.5],
            };
            let names = ["a", "b", "c"].map(str::to_owned).to_vec();
            let figure =
                Figure { horizontal: "step".to_owned(), rows: vec![Row { names, panels: vec![panel] }] };
            assert_nothing_is_clipped(&figure.draw());
        }
    }
}

#[test]
fn columns_of_a_trajectory_have_names_and_units() {
    with_motion("scenes/models/humanoid.xml", 2, |motion| {
        let table = report::state_table(&motion);
        assert_eq!(table.columns[..3], ["time [s]", "root.x [m]", "root.y [m]"]);
        assert_eq!(table.columns[4], "root.qw");
        assert!(table.columns.contains(&"left_knee' [rad/s]".to_owned()));
        assert!(table.rows.iter().all(|r| r.len() == table.columns.len()));
        // Numbers read back to the same bits.
        let csv = String::from_utf8(table.csv()).unwrap();
        let last: Vec<f64> = csv.lines().last().unwrap().split(',').map(|x| x.parse().unwrap()).collect();
        assert_eq!(&last, table.rows.last().unwrap());
    });
}

#[test]
fn a_run_folder_appears_whole_or_not_at_all() {
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("run");
    let folder = RunFolder::create(&target).unwrap();
    folder.write("summary.json", b"{}").unwrap();
    assert!(!target.exists());
    drop(folder);
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0, "a dropped folder leaves nothing");
    let folder = RunFolder::create(&target).unwrap();
    folder.write("models/a.xml", b"<mujoco/>").unwrap();
    folder.publish().unwrap();
    // What is not ours stays when the folder is written again.
    std::fs::write(target.join("notes.txt"), "mine").unwrap();
    let again = RunFolder::create(&target).unwrap();
    again.write("models/a.xml", b"<mujoco />").unwrap();
    again.publish().unwrap();
    assert_eq!(std::fs::read(target.join("models/a.xml")).unwrap(), b"<mujoco />");
    assert_eq!(std::fs::read(target.join("notes.txt")).unwrap(), b"mine");
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1);
}
