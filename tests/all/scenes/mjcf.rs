//! What the reader promises, file by file. Numbers marked so were recorded from MuJoCo 4.0.0.

use std::path::Path;

use costate::Error;
use costate::model::description::*;
use costate::scene::mjcf::{load, parse};

fn read(inside: &str) -> Result<Description, Error> {
    parse(&format!("<mujoco>{inside}</mujoco>"), Path::new("x.xml"))
}

/// A model with one body that holds the given elements.
fn body(inside: &str) -> Description {
    read(&format!("<worldbody><body name=\"b\">{inside}</body></worldbody>")).unwrap()
}

fn close(found: &[f64], wanted: &[f64]) {
    assert_eq!(found.len(), wanted.len(), "{found:?} {wanted:?}");
    for (f, w) in found.iter().zip(wanted) {
        assert!((f - w).abs() < 1e-12, "{found:?} is not {wanted:?}");
    }
}

fn placement(geom: &Geom) -> Placement {
    match geom.extent {
        Extent::Pose(placement) => placement,
        Extent::FromTo { .. } => panic!("the geom has two ends"),
    }
}

const HALF: f64 = std::f64::consts::FRAC_1_SQRT_2;

#[test]
fn every_way_to_write_a_quarter_turn_about_x_is_the_same_quaternion() {
    for way in [
        "quat=\"2 2 0 0\"",
        "axisangle=\"3 0 0 90\"",
        "euler=\"90 0 0\"",
        "xyaxes=\"2 0 0 1 0 3\"",
        "zaxis=\"0 -5 0\"",
    ] {
        let model = body(&format!("<geom size=\"1\" {way}/>"));
        close(&placement(&model.geoms[0]).rotation, &[HALF, HALF, 0.0, 0.0]);
    }
}

#[test]
fn euler_letters_in_lower_case_turn_about_the_moving_axis() {
    let turned = |sequence: &str| {
        let compiler = format!("<compiler eulerseq=\"{sequence}\" angle=\"radian\"/>");
        let geom = "<geom size=\"1\" euler=\".3 -.4 .5\"/>";
        let model = read(&format!("{compiler}<worldbody><body>{geom}</body></worldbody>")).unwrap();
        placement(&model.geoms[0]).rotation
    };
    // Recorded.
    let (w, v) = (0.9462808319656861, 0.9315905916115894);
    close(&turned("xyz"), &[w, 0.0933065937729005, -0.2265663068902134, 0.2109838268563661]);
    close(&turned("ZYX"), &[w, 0.2109838268563661, -0.2265663068902134, 0.0933065937729005]);
    close(&turned("zyx"), &[v, 0.2685154702459379, -0.1540970760638575, 0.190505913314892]);
    close(&turned("xYz"), &[v, 0.0933065937729005, -0.2265663068902134, 0.2685154702459379]);
}

#[test]
fn frames_dissolve_into_what_they_hold() {
    let model = body(
        "<frame pos=\"1 0 0\" euler=\"0 0 90\"><frame pos=\"0 1 0\">\
         <joint axis=\"1 0 0\" pos=\"0 0 1\"/><geom size=\"1\" pos=\"1 0 0\"/></frame></frame>",
    );
    close(&placement(&model.geoms[0]).pose().position.to_array(), &[0.0, 1.0, 0.0]);
    let frame = model.joints[0].frame.unwrap();
    close(&frame.position.to_array(), &[0.0, 0.0, 0.0]);
    close(&frame.rotation.to_array(), &[HALF, 0.0, 0.0, HALF]);
}

#[test]
fn classes_nest_by_copy_and_the_nearest_childclass_holds() {
    let model = read(
        "<default><geom size=\"1\"/><default class=\"a\"><geom density=\"1\"/><default class=\"b\">\
         <geom friction=\".5\"/></default></default></default><worldbody><body childclass=\"a\"><geom/>\
         <frame childclass=\"b\"><geom/><body><geom class=\"main\"/></body></frame><geom/></body></worldbody>",
    )
    .unwrap();
    let densities: Vec<f64> = model
        .geoms
        .iter()
        .map(|g| match g.weight {
            Weight::Density(d) => d,
            Weight::Mass(_) => panic!("no mass is stated"),
        })
        .collect();
    assert_eq!(densities, [1.0, 1.0, 1.0, 1000.0]);
    assert_eq!(model.geoms[1].contact.friction, [0.5, 0.005, 0.0001]);
    assert_eq!(model.geoms[2].contact.friction, [1.0, 0.005, 0.0001]);
}

#[test]
fn partial_arrays_keep_the_tail_of_the_layer_below() {
    let model = read(
        "<default><joint stiffness=\"1 2 3\" solimplimit=\".1 .2 .3 .4 .5\"/></default>\
         <worldbody><body><joint stiffness=\"7\" solreflimit=\".5\" solimplimit=\".8 .9\"/>\
         <geom size=\"1\"/></body></worldbody>",
    )
    .unwrap();
    let joint = &model.joints[0];
    assert_eq!(joint.stiffness, [7.0, 2.0, 3.0]);
    assert_eq!(joint.solref_limit, [0.5, 1.0]);
    assert_eq!(joint.solimp_limit, [0.8, 0.9, 0.3, 0.4, 0.5]);
}

#[test]
fn a_freejoint_takes_nothing_from_defaults_and_a_free_joint_everything() {
    let model = read(
        "<default><joint damping=\"3\" armature=\"2\"/></default><worldbody>\
         <body><freejoint/><geom size=\"1\"/></body>\
         <body><joint type=\"free\"/><geom size=\"1\"/></body></worldbody>",
    )
    .unwrap();
    assert_eq!((model.joints[0].damping[0], model.joints[0].armature), (0.0, 0.0));
    assert_eq!((model.joints[1].damping[0], model.joints[1].armature), (3.0, 2.0));
}

#[test]
fn degrees_become_radians_only_where_an_angle_is_meant() {
    let model = body(
        "<joint range=\"-90 90\" ref=\"180\" springref=\"90\" margin=\"5\"/>\
         <joint type=\"slide\" range=\"-90 90\" ref=\"180\"/>\
         <joint range=\"-90 90\" limited=\"false\"/><geom size=\"1\"/>",
    );
    let half = std::f64::consts::FRAC_PI_2;
    let [hinge, slide, free] = &model.joints[..] else { panic!("three joints") };
    close(&hinge.range.unwrap(), &[-half, half]);
    close(&[hinge.reference, hinge.spring_reference, hinge.margin], &[2.0 * half, half, 5.0]);
    assert_eq!(slide.range, Some([-90.0, 90.0]));
    assert_eq!((slide.reference, free.range), (180.0, None));
}

#[test]
fn a_range_limits_only_if_it_ascends() {
    for (range, limits) in [("-1 1", true), ("1 -1", false), ("0 0", false)] {
        let model = body(&format!("<joint range=\"{range}\"/><geom size=\"1\"/>"));
        assert_eq!(model.joints[0].range.is_some(), limits, "{range}");
    }
}

/// The gains and biases of actuators under a default, recorded from MuJoCo.
#[test]
fn shortcuts_inherit_from_their_own_kind_or_from_general() {
    let laws = |default: &str, actuators: &str| -> Vec<Law> {
        let model = read(&format!(
            "<default>{default}</default><worldbody><body><joint name=\"j\"/><geom size=\"1\"/></body>\
             </worldbody><actuator>{actuators}</actuator>"
        ));
        model.unwrap().actuators.iter().map(|a| a.law).collect()
    };
    let all = "<general joint=\"j\"/><motor joint=\"j\"/><position joint=\"j\"/><velocity joint=\"j\"/>";
    let found = laws("<position kp=\"20\" kv=\"3\"/>", all);
    assert!(matches!(found[0], Law::General { gain: [20.0, ..], bias: Some([_, -20.0, -3.0]), .. }));
    assert!(matches!(found[1], Law::Motor));
    assert!(matches!(found[2], Law::Servo { kp: 20.0, kv: 3.0, damping_ratio: None }));
    assert!(matches!(found[3], Law::Velocity { kv: 1.0 }));
    let found = laws("<general gainprm=\"400\" biasprm=\"0 -5 -6\" biastype=\"affine\"/>", all);
    assert!(matches!(found[2], Law::Servo { kp: 400.0, kv: 6.0, .. }));
    assert!(matches!(found[3], Law::Velocity { kv: 400.0 }));
    let nested = "<position kp=\"7\" kv=\"2\"/><default class=\"c\"><velocity kv=\"5\"/></default>";
    let found = laws(nested, "<position joint=\"j\" class=\"c\"/><velocity joint=\"j\" class=\"c\"/>");
    assert!(matches!(found[0], Law::Servo { kp: 7.0, kv: 2.0, .. }));
    assert!(matches!(found[1], Law::Velocity { kv: 5.0 }));
}

#[test]
fn a_servo_inherits_the_range_of_its_joint() {
    let model = read(
        "<compiler angle=\"radian\"/><worldbody><body><joint name=\"j\" range=\"-1 3\"/><geom size=\"1\"/></body>\
         </worldbody><actuator><position joint=\"j\" inheritrange=\".5\"/>\
         <intvelocity joint=\"j\" inheritrange=\"2\"/></actuator>",
    )
    .unwrap();
    assert_eq!(model.actuators[0].ctrl_range, Some([0.0, 2.0]));
    assert_eq!(model.actuators[1].act_range, Some([-3.0, 5.0]));
    assert_eq!(model.actuators[1].dynamics, Dynamics::Integrator);
}

#[test]
fn a_site_wins_over_a_tendon_and_a_tendon_over_a_joint() {
    let model = read(
        "<worldbody><body><joint name=\"j\"/><geom size=\"1\"/><site name=\"s\"/></body></worldbody>\
         <tendon><fixed name=\"t\"><joint joint=\"j\" coef=\"2\"/></fixed></tendon>\
         <actuator><motor joint=\"j\" site=\"s\"/><motor tendon=\"t\" joint=\"j\"/></actuator>",
    )
    .unwrap();
    assert_eq!(model.actuators[0].transmission, Transmission::Site { site: 0, reference: None });
    assert_eq!(model.actuators[1].transmission, Transmission::Tendon(0));
}

#[test]
fn keyframes_are_filled_up_and_their_quaternions_normalized() {
    let model = read(
        "<worldbody><body pos=\"0 0 9\"><freejoint/><geom size=\"1\"/></body>\
         <body mocap=\"true\" pos=\"1 2 3\"><geom size=\"1\"/></body></worldbody>\
         <keyframe><key name=\"k\" qpos=\"1 2 3 2 0 0 0\" qvel=\"5\"/><key/></keyframe>",
    )
    .unwrap();
    assert_eq!(model.keyframes[0].qpos, [1.0, 2.0, 3.0, 1.0, 0.0, 0.0, 0.0]);
    assert_eq!(model.keyframes[0].qvel, [5.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(model.keyframes[1].qpos, [0.0, 0.0, 9.0, 1.0, 0.0, 0.0, 0.0]);
    assert_eq!(model.keyframes[1].mocap[0].position.to_array(), [1.0, 2.0, 3.0]);
}

#[test]
fn replicas_have_numbered_names_and_growing_poses() {
    let model = read(
        "<worldbody><replicate count=\"2\" offset=\"0 1 0\" euler=\"90 0 0\">\
         <replicate count=\"2\" sep=\"-\" offset=\"1 0 0\" euler=\"0 90 0\"><body name=\"Bob\">\
         <joint name=\"j\"/><geom size=\".1\"/></body></replicate></replicate></worldbody>\
         <actuator><motor name=\"m\" joint=\"j\"/></actuator>",
    )
    .unwrap();
    let names: Vec<&str> = model.bodies.iter().filter_map(|b| b.name.as_deref()).collect();
    assert_eq!(names, ["world", "Bob-00", "Bob-10", "Bob-01", "Bob-11"]);
    let actuators: Vec<&str> = model.actuators.iter().filter_map(|a| a.name.as_deref()).collect();
    assert_eq!(actuators, ["m-00", "m-10", "m-01", "m-11"]);
    let last = model.bodies[4].placement.pose();
    close(&last.position.to_array(), &[1.0, 1.0, 0.0]);
    close(&last.rotation.to_array(), &[0.5, 0.5, 0.5, 0.5]);
}

#[test]
fn inertia_comes_from_geoms_by_the_rules_of_the_compiler() {
    let weighs = |compiler: &str, inertial: &str| {
        let model = read(&format!(
            "<compiler {compiler}/><worldbody><body><geom size=\".1\" group=\"1\"/><geom size=\".1\"/>\
             {inertial}</body></worldbody>"
        ));
        let model = model.unwrap();
        let from_geoms = matches!(model.bodies[1].inertial, Inertial::FromGeoms);
        (from_geoms, model.geoms.iter().filter(|g| g.weighs).count())
    };
    let stated = "<inertial pos=\"0 0 0\" mass=\"1\" diaginertia=\"1 1 1\"/>";
    assert_eq!(weighs("", ""), (true, 2));
    assert_eq!(weighs("", stated), (false, 0));
    assert_eq!(weighs("inertiafromgeom=\"true\"", stated), (true, 2));
    assert_eq!(weighs("inertiafromgeom=\"true\" inertiagrouprange=\"1 1\"", stated), (true, 1));
    assert_eq!(weighs("inertiafromgeom=\"true\" inertiagrouprange=\"4 5\"", stated), (false, 0));
    assert_eq!(weighs("inertiafromgeom=\"false\"", ""), (true, 0));
}

#[test]
fn an_aligned_free_body_sits_in_its_inertial_frame() {
    let model = body(
        "<freejoint align=\"true\"/><geom type=\"box\" size=\".1 .2 .3\" pos=\"1 2 3\" euler=\"0 0 90\"/>",
    );
    close(&model.bodies[1].placement.position, &[1.0, 2.0, 3.0]);
    close(&placement(&model.geoms[0]).pose().position.to_array(), &[0.0; 3]);
    close(&placement(&model.geoms[0]).pose().rotation.to_array(), &[1.0, 0.0, 0.0, 0.0]);
}

/// An L of two bricks; volumes and moments recorded from MuJoCo.
#[test]
fn the_four_ways_to_weigh_a_mesh_agree_with_mujoco_on_a_shape_that_is_not_convex() {
    let vertices = "0 0 0 2 0 0 2 1 0 1 1 0 1 3 0 0 3 0 0 0 1 2 0 1 2 1 1 1 1 1 1 3 1 0 3 1";
    let faces = "0 3 1 1 3 2 0 5 3 3 5 4 6 7 9 7 8 9 6 9 11 9 10 11 0 1 7 0 7 6 1 2 8 1 8 7 2 3 9 2 9 8 \
                 3 4 10 3 10 9 4 5 11 4 11 10 5 0 6 5 6 11";
    let recorded = [
        ("legacy", 4.161340544083907, [0.77519666, 1.24201082, 0.5], [4.23405342, 3.69726899, 1.21958515]),
        ("exact", 4.0, [0.75, 1.25, 0.5], [4.16666667, 3.66666667, 1.16666667]),
        ("convex", 5.0, [0.86666667, 1.33333333, 0.5], [4.85555556, 4.03064337, 1.65824551]),
        ("shell", 18.0, [0.77777778, 1.27777778, 0.5], [24.38888889, 21.42806953, 8.62748602]),
    ];
    for (mode, volume, center, moments) in recorded {
        let asset = format!("<mesh name=\"m\" vertex=\"{vertices}\" face=\"{faces}\" inertia=\"{mode}\"/>");
        let geom = "<geom type=\"mesh\" mesh=\"m\"/>";
        let model = read(&format!("<asset>{asset}</asset><worldbody>{geom}</worldbody>")).unwrap();
        let mesh = &model.meshes[0];
        // The recorded numbers have nine digits.
        let near =
            |found: f64, wanted: f64| assert!((found - wanted).abs() < 2e-8, "{mode}: {found} {wanted}");
        near(mesh.volume, volume);
        (0..3).for_each(|i| near(mesh.pose.position.to_array()[i], center[i]));
        (0..3).for_each(|i| near(mesh.moments[i], moments[i]));
    }
}

#[test]
fn meshes_are_read_from_text_stl_and_from_obj_with_quads() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let corner = |v: &[&str; 3]| {
        let vertices: Vec<String> = v.iter().map(|p| format!("vertex {p}")).collect();
        format!("facet normal 0 0 0 outer loop {} endloop endfacet", vertices.join(" ")).replace(" v", "\nv")
    };
    let (o, x, y, z) = ("0 0 0", "1 0 0", "0 1 0", "0 0 1");
    let faces: Vec<String> = [[o, y, x], [o, x, z], [o, z, y], [x, y, z]].iter().map(corner).collect();
    let stl = format!("solid t\n{}\nendsolid t\n", faces.join("\n"))
        .replace(" outer", "\nouter")
        .replace(" endloop", "\nendloop")
        .replace(" endfacet", "\nendfacet");
    write("tetra.stl", &stl);
    let corners = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nv 0 0 1\nv 1 0 1\nv 1 1 1\nv 0 1 1\n";
    write(
        "cube.obj",
        &format!("{corners}f 4 3 2 1\nf 5 6 7 8\nf 1 2 6 5\nf 2 3 7 6\nf 3 4 8 7\nf 4 1 5 8\n"),
    );
    let main = folder.path().join("main.xml");
    let text = "<mujoco><asset><mesh file=\"tetra.stl\"/><mesh name=\"c\" file=\"cube.obj\" scale=\"2 1 -1\"/></asset>\
                <worldbody><geom type=\"mesh\" mesh=\"c\"/></worldbody></mujoco>";
    std::fs::write(&main, text).unwrap();
    let model = load(&main).unwrap();
    assert_eq!(model.meshes[0].name, "tetra");
    close(&[model.meshes[0].volume, model.meshes[1].volume], &[1.0 / 6.0, 2.0]);
    let error = parse(&text.replace("cube.obj", "cub.obj"), &main).unwrap_err().to_string();
    assert!(error.contains("cannot read the mesh file") && error.contains("main.xml:1"), "{error}");
}

#[test]
fn what_is_not_simulated_is_remarked_and_left_out() {
    let model = read(
        "<option solver=\"CG\" iterations=\"7\"/><asset><hfield name=\"h\" nrow=\"2\" ncol=\"2\" size=\"1 1 1 1\"/></asset>\
         <worldbody><geom name=\"g\" type=\"hfield\" hfield=\"h\"/><body><joint name=\"j\"/><geom size=\"1\"/></body>\
         </worldbody><actuator><muscle joint=\"j\"/><motor name=\"m\" joint=\"j\"/></actuator>\
         <sensor><e_kinetic/><actuatorfrc actuator=\"m\"/></sensor><keyframe><key act=\"5\" ctrl=\"1 2\"/></keyframe>",
    )
    .unwrap();
    let told: Vec<(Severity, &str)> = model.remarks.iter().map(|r| (r.severity, r.what.as_str())).collect();
    assert_eq!(
        told,
        [
            (Severity::Solver, "option iterations"),
            (Severity::Solver, "option solver"),
            (Severity::Motion, "geom \"g\""),
            (Severity::Motion, "muscle"),
            (Severity::Constraint, "sensor e_kinetic"),
        ]
    );
    assert_eq!((model.geoms.len(), model.actuators.len()), (1, 1));
    assert_eq!((model.keyframes[0].ctrl.as_slice(), model.keyframes[0].act.len()), (&[2.0][..], 0));
}

#[test]
fn a_tendon_that_wraps_around_a_geom_goes_straight_and_says_so() {
    let model = read(
        "<worldbody><site name=\"a\"/><geom name=\"g\" size=\".1\"/><site name=\"b\" pos=\"1 0 0\"/></worldbody>\
         <tendon><spatial name=\"t\"><site site=\"a\"/><geom geom=\"g\"/><site site=\"b\"/></spatial></tendon>",
    )
    .unwrap();
    assert!(matches!(&model.tendons[0].path, TendonPath::Spatial(points) if points.len() == 2));
    assert_eq!(model.remarks[0].what, "spatial \"t\" geom");
    assert_eq!(model.remarks[0].severity, Severity::Motion);
}

#[test]
fn the_root_must_be_mujoco_and_the_model_not_empty() {
    let error = parse("<robot name=\"r\"/>", Path::new("x.xml")).unwrap_err().to_string();
    assert!(error.contains("the root element is robot"), "{error}");
    assert!(read("<option/>").unwrap_err().to_string().contains("the model is empty"));
}

/// Each of these is refused, with a message that names the trouble.
#[test]
fn what_is_wrong_in_a_file_is_an_error_with_its_line() {
    let cases = [
        ("<geom size=\"0\"/>", "size 1 of geom is 0"),
        ("<geom type=\"box\" size=\"1 1\"/>", "size 3 of geom is 0"),
        ("<geom size=\"1\" quat=\"0 0 0 0\"/>", "the quat of geom is zero"),
        ("<geom size=\"1\" quat=\"1 0 0 0\" euler=\"0 0 0\"/>", "2 times: quat, euler"),
        ("<geom size=\"1\" xyaxes=\"1 0 0 2 0 0\"/>", "y axis across the x axis"),
        ("<geom size=\"1 2 3 4\"/>", "has 4 numbers (it takes 1 to 3)"),
        ("<geom size=\"1\" pos=\"1 nan 0\"/>", "\"nan\" in the attribute pos"),
        ("<geom size=\"1\" pos=\"1,0,0\"/>", "\"1,0,0\" in the attribute pos"),
        ("<geom size=\"1\" mass=\"-1\"/>", "the mass of geom is -1"),
        ("<geom size=\"1\" condim=\"2\"/>", "the condim of geom is 2"),
        ("<geom size=\"1\" type=\"Box\"/>", "the unknown type \"Box\""),
        ("<geom size=\"1\" class=\"x\"/>", "the unknown default class \"x\""),
        ("<geom size=\".1\" type=\"capsule\" pos=\"1 0 0\" fromto=\"0 0 0 0 0 1\"/>", "both pos and fromto"),
        ("<geom size=\".1\" type=\"capsule\" fromto=\"0 0 1 0 0 1\"/>", "the two ends of geom coincide"),
        ("<geom size=\".1\" fromto=\"0 0 0 0 0 1\"/>", "geom has fromto"),
        ("<geom name=\"a\" size=\"1\"/><geom name=\"a\" size=\"1\"/>", "\"a\" is used twice"),
        ("<joint axis=\"0 0 0\"/><geom size=\"1\"/>", "the axis of joint is zero"),
        ("<joint/>", "moves but has no mass or no inertia"),
        ("<joint range=\"1 0\" limited=\"true\"/><geom size=\"1\"/>", "the range of joint is 1 to 0"),
        ("<joint type=\"ball\" range=\"-5 9\"/><geom size=\"1\"/>", "it must start at 0"),
        ("<joint type=\"ball\"/><joint/><geom size=\"1\"/>", "a rotation after a ball joint"),
        ("<freejoint/><joint/><geom size=\"1\"/>", "a free joint stands alone"),
        ("<joint/><joint/><joint/><joint/><joint/><joint/><joint/><geom size=\"1\"/>", "more than 6"),
        ("<body><freejoint/><geom size=\"1\"/></body>", "inside another body"),
        ("<joint/><geom size=\"1\"/><geom type=\"plane\" size=\"1 1 1\"/>", "planes must be static"),
        ("<inertial pos=\"0 0 0\" mass=\"1\" diaginertia=\"1 1 3\"/>", "belong to no body"),
        ("<inertial pos=\"0 0 0\" mass=\"1\" fullinertia=\"1 1 1 3 0 0\"/>", "not positive definite"),
        ("<inertial mass=\"1\"/>", "inertial lacks the attribute pos"),
        ("<replicate count=\"2\"><joint/></replicate>", "directly inside replicate"),
    ];
    for (inside, wanted) in cases {
        let text = format!("<mujoco>\n<worldbody><body>{inside}</body></worldbody></mujoco>");
        let message = parse(&text, Path::new("x.xml")).unwrap_err().to_string();
        assert!(message.starts_with("x.xml:2: ") && message.contains(wanted), "{inside}: {message}");
    }
}

#[test]
fn replicas_that_would_fill_the_memory_are_refused() {
    let nested = |count: i64, inside: &str| format!("<replicate count=\"{count}\">{inside}</replicate>");
    let geom = "<geom name=\"g\" size=\"1\"/>";
    let refused = |inside: String| read(&format!("<worldbody>{inside}</worldbody>")).unwrap_err().to_string();
    let many = "copies are too many (all replicates together write at most 200000 elements)";
    assert_eq!(refused(nested(1_000_000_000, geom)), format!("x.xml:1: 1000000000 {many}"));
    assert_eq!(refused(nested(1000, &nested(1000, &nested(1000, geom)))), format!("x.xml:1: 1000 {many}"));
    assert_eq!(
        refused(nested(90_000, "<body name=\"b\"/>") + &nested(90_000, geom)),
        format!("x.xml:1: 90000 {many}")
    );
    assert_eq!(refused(nested(-1, geom)), "x.xml:1: the count of replicate is -1 (it is zero or more)");
}

#[test]
fn a_reference_to_an_unknown_name_suggests_the_nearest() {
    let error = read(
        "<worldbody><body><joint name=\"elbow\"/><geom size=\"1\"/></body></worldbody>\
         <actuator><motor joint=\"elbo\"/></actuator>",
    );
    let message = error.unwrap_err().to_string();
    assert_eq!(message, "x.xml:1: motor refers to the unknown joint \"elbo\" (did you mean \"elbow\"?)");
}

#[test]
fn autolimits_off_asks_for_an_explicit_switch() {
    let error = read(
        "<compiler autolimits=\"false\"/><worldbody><body><joint range=\"-1 1\"/><geom size=\"1\"/></body></worldbody>",
    );
    assert!(error.unwrap_err().to_string().contains("range without limited"));
}
