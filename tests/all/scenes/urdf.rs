//! What the reader promises, sentence by sentence. Numbers marked so were recorded from MuJoCo 4.0.0.

use std::path::Path;

use costate::Error;
use costate::model::description::*;
use costate::scene::urdf::parse;

const INERTIAL: &str = "<inertial><origin xyz='0 0 .1'/><mass value='1'/>\
                        <inertia ixx='.1' iyy='.1' izz='.1' ixy='0' ixz='0' iyz='0'/></inertial>";

fn read(inside: &str) -> Result<Description, Error> {
    parse(&format!("<robot name='r'>{inside}</robot>"), Path::new("x.urdf"))
}

/// A link on the world by a joint of a type, with more inside the joint and the link.
fn hung(kind: &str, joint: &str, link: &str) -> Result<Description, Error> {
    read(&format!(
        "<link name='a'/><link name='b'>{INERTIAL}{link}</link>\n<joint name='j' type='{kind}'>\
         <parent link='a'/><child link='b'/>{joint}</joint>"
    ))
}

fn refused(result: Result<Description, Error>) -> String {
    result.unwrap_err().to_string()
}

fn motion(d: &Description) -> Vec<&str> {
    d.remarks.iter().filter(|r| r.severity == Severity::Motion).map(|r| r.what.as_str()).collect()
}

#[test]
fn a_range_limits_only_if_both_ends_are_given_in_order() {
    let range = |kind: &str, limit: &str| hung(kind, limit, "").unwrap().joints[0].range;
    assert_eq!(range("revolute", "<limit lower='-1' upper='2'/>"), Some([-1.0, 2.0]));
    assert_eq!(range("prismatic", "<limit lower='-1' upper='2'/>"), Some([-1.0, 2.0]));
    assert_eq!(range("continuous", "<limit lower='-1' upper='2'/>"), None);
    assert_eq!(range("revolute", "<limit lower='1' upper='-1'/>"), None);
    assert_eq!(range("revolute", "<limit lower='1' upper='1'/>"), None);
    assert_eq!(range("revolute", "<limit lower='-1'/>"), None);
    assert_eq!(range("revolute", ""), None);
}

#[test]
fn effort_bounds_what_actuators_push_together_whatever_its_sign() {
    let d = hung("revolute", "<limit effort='-5'/><dynamics damping='.1' friction='.2'/>", "").unwrap();
    let joint = &d.joints[0];
    assert_eq!(joint.actuator_force_range, Some([-5.0, 5.0]));
    assert_eq!((joint.damping[0], joint.frictionloss), (0.1, 0.2));
    assert!(d.actuators.is_empty());
    assert_eq!(hung("revolute", "<limit effort='0'/>", "").unwrap().joints[0].actuator_force_range, None);
}

#[test]
fn the_axis_is_x_unless_it_is_stated() {
    assert_eq!(hung("revolute", "", "").unwrap().joints[0].axis, [1.0, 0.0, 0.0]);
    assert_eq!(hung("revolute", "<axis xyz='0 2 0'/>", "").unwrap().joints[0].axis, [0.0, 2.0, 0.0]);
    assert_eq!(
        refused(hung("revolute", "<axis xyz='0 0 0'/>", "")),
        "x.urdf:2: the axis of joint \"j\" is zero"
    );
}

#[test]
fn a_planar_joint_is_two_slides_and_a_hinge_and_only_the_first_is_limited() {
    let inside = "<axis xyz='0 1 1'/><limit lower='-1' upper='1' effort='5'/><dynamics damping='.1'/>";
    let d = hung("planar", inside, "").unwrap();
    let names: Vec<_> = d.joints.iter().map(|j| j.name.as_deref().unwrap()).collect();
    assert_eq!(names, ["j_TX", "j_TY", "j_RZ"]);
    assert_eq!(d.joints.iter().map(|j| j.range.is_some()).collect::<Vec<_>>(), [true, false, false]);
    assert!(d.joints.iter().all(|j| j.damping[0] == 0.1));
    // Recorded.
    let half = std::f64::consts::FRAC_1_SQRT_2;
    for (axis, wanted) in d.joints.iter().map(|j| j.axis).zip([[1.0, 0.0, 0.0], [0.0, half, -half]]) {
        assert!(axis.iter().zip(wanted).all(|(a, w)| (a - w).abs() < 1e-15), "{axis:?}");
    }
}

#[test]
fn links_behind_fixed_joints_are_parts_of_their_parents() {
    let links = |compiler: &str| {
        read(&format!(
            "<mujoco><compiler {compiler}/></mujoco><link name='w'/><link name='a'>{INERTIAL}</link>\
             <link name='b'>{INERTIAL}<collision name='g'><geometry><sphere radius='1'/></geometry></collision></link>\
             <joint name='j' type='revolute'><parent link='w'/><child link='a'/></joint>\
             <joint name='k' type='fixed'><origin xyz='1 0 0'/><parent link='a'/><child link='b'/></joint>"
        ))
        .unwrap()
    };
    let d = links("");
    assert_eq!(d.bodies.iter().map(|b| b.name.as_deref().unwrap()).collect::<Vec<_>>(), ["world", "a"]);
    let Inertial::Full { mass, placement, tensor } = d.bodies[1].inertial else { panic!("a tensor") };
    assert_eq!((mass, placement.position), (2.0, [0.5, 0.0, 0.1]));
    assert!((tensor[0] - 0.2).abs() < 1e-15 && (tensor[1] - 0.7).abs() < 1e-15, "{tensor:?}");
    assert_eq!(d.geoms[0].body, 1);
    assert_eq!(links("fusestatic='false'").bodies.len(), 4);
}

#[test]
fn a_link_without_inertial_weighs_as_its_collisions() {
    let d = read(
        "<link name='world'/><link name='b'><collision><geometry><box size='.2 .2 .4'/></geometry></collision>\
         <visual><geometry><box size='9 9 9'/></geometry></visual></link>\
         <joint name='j' type='floating'><parent link='world'/><child link='b'/></joint>",
    )
    .unwrap();
    assert!(matches!(d.bodies[1].inertial, Inertial::FromGeoms));
    assert_eq!(d.joints[0].kind, JointKind::Free);
    assert_eq!((d.geoms.len(), d.geoms[0].size, d.geoms[0].weighs), (1, [0.1, 0.1, 0.2], true));
}

#[test]
fn visuals_are_kept_on_request_and_neither_touch_nor_weigh() {
    let d = hung(
        "revolute",
        "",
        "<visual><geometry><sphere radius='1'/></geometry><material name='m'><color rgba='1 0 0 1'/></material>\
         </visual><collision><geometry><cylinder radius='1' length='4'/></geometry></collision></link>\
         <mujoco><compiler discardvisual='false'/></mujoco><link name='c'>",
    )
    .unwrap();
    assert_eq!(d.geoms.iter().map(|g| (g.contact.contype, g.group)).collect::<Vec<_>>(), [(0, 1), (1, 0)]);
    assert_eq!((d.geoms[1].size, d.geoms[1].color), ([1.0, 2.0, 0.0], [1.0, 0.0, 0.0, 1.0]));
}

#[test]
fn a_mimic_is_an_equality_and_one_that_cannot_be_is_a_remark() {
    let mimic = |name: &str, kind: &str| {
        read(&format!(
            "<link name='w'/><link name='a'>{INERTIAL}</link><link name='b'>{INERTIAL}</link>\
             <joint name='j' type='{kind}'><parent link='w'/><child link='a'/></joint>\
             <joint name='k' type='revolute'><parent link='w'/><child link='b'/>\
             <mimic joint='{name}' multiplier='2' offset='.3'/></joint>"
        ))
        .unwrap()
    };
    let d = mimic("j", "prismatic");
    let EqualityKind::Joint { joints, polynomial } = d.constraints.equalities[0].kind else {
        panic!("a joint")
    };
    assert_eq!((joints, polynomial), ((1, Some(0)), [0.3, 2.0, 0.0, 0.0, 0.0]));
    assert!(motion(&d).is_empty());
    for d in [mimic("j", "floating"), mimic("i", "revolute")] {
        assert!(d.constraints.equalities.is_empty());
        assert_eq!(motion(&d), ["joint \"k\" mimic"]);
    }
}

#[test]
fn a_collada_mesh_is_left_out_with_a_remark_if_it_would_collide() {
    let d =
        hung("revolute", "", "<collision><geometry><mesh filename='a.DAE'/></geometry></collision>").unwrap();
    assert_eq!(motion(&d), ["collision of link \"b\""]);
    let d = hung("revolute", "", "<visual><geometry><mesh filename='a.dae'/></geometry></visual>").unwrap();
    assert!(d.remarks.is_empty());
}

#[test]
fn a_package_is_found_in_the_folders_above_the_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("arm/urdf")).unwrap();
    std::fs::create_dir_all(folder.path().join("arm/meshes")).unwrap();
    let corners = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 2 3 4\nf 1 4 3\n";
    std::fs::write(folder.path().join("arm/meshes/t.obj"), corners).unwrap();
    let path = folder.path().join("arm/urdf/x.urdf");
    let geoms = |file: &str| {
        let mesh = |scale: f64| {
            let mesh = format!("<mesh filename='{file}' scale='{scale} 1 1'/>");
            format!("<collision><geometry>{mesh}</geometry></collision>")
        };
        let link = format!("<link name='world'>{}{}{}</link>", mesh(1.0), mesh(2.0), mesh(1.0));
        parse(&format!("<robot>{link}</robot>"), &path)
    };
    let d = geoms("package://arm/meshes/t.obj").unwrap();
    assert_eq!(d.geoms.iter().map(|g| g.shape).collect::<Vec<_>>(), [0, 1, 0].map(Shape::Mesh));
    assert_eq!(geoms("../meshes/t.obj").unwrap().meshes.len(), 2);
    let message = refused(geoms("package://leg/meshes/t.obj"));
    assert!(message.contains("cannot find the mesh \"package://leg/meshes/t.obj\""), "{message}");
}

#[test]
fn bad_input_is_one_sentence_with_its_line_and_the_right_answer() {
    let joint =
        |ends: &str| read(&format!("<link name='hip'/>\n<joint name='j' type='fixed'>{ends}</joint>"));
    let shape =
        |shape: &str| hung("revolute", "", &format!("<collision><geometry>{shape}</geometry></collision>"));
    for (result, message) in [
        (parse("<robo/>", Path::new("x.urdf")), "x.urdf:1: the root element is robo (a URDF file has robot)"),
        (
            hung("revolut", "", ""),
            "x.urdf:2: joint \"j\" has the unknown type \"revolut\" (did you mean \"revolute\"?)",
        ),
        (
            joint("<parent link='hop'/><child link='hip'/>"),
            "x.urdf:2: the parent of joint \"j\" is the unknown link \"hop\" (did you mean \"hip\"?)",
        ),
        (joint("<child link='hip'/>"), "x.urdf:2: joint \"j\" lacks the element parent"),
        (
            joint("<parent link='hip'/><child link='hip'/>"),
            "x.urdf:2: link \"hip\" hangs on itself (joints must form a tree)",
        ),
        (read("<link name='a'/>\n<link name='a'/>"), "x.urdf:2: the name of link \"a\" is used twice"),
        (read("\n<link/>"), "x.urdf:2: link lacks the attribute name"),
        (
            hung("revolute", "<origin xyz='1 2'/>", ""),
            "x.urdf:2: the attribute xyz of origin has 2 numbers (it takes 3)",
        ),
        (
            hung("revolute", "<dynamics dampning='1'/>", ""),
            "x.urdf:2: dynamics has the unknown attribute dampning (did you mean \"damping\"?)",
        ),
        (hung("revolute", "<axis/>", ""), "x.urdf:2: axis lacks the attribute xyz"),
        (
            shape("<cone/>"),
            "x.urdf:1: geometry has no shape (known are: box, cylinder, sphere, capsule, mesh)",
        ),
        (
            shape("<sphere radius='-1'/>"),
            "x.urdf:1: size 1 of geom is -1 (a sphere needs a positive number there)",
        ),
        (shape("<cylinder radius='1'/>"), "x.urdf:1: cylinder lacks the attribute length"),
        (hung("revolute", "", INERTIAL), "x.urdf:1: link \"b\" has a second inertial (one is allowed)"),
    ] {
        assert_eq!(refused(result), message);
    }
}
