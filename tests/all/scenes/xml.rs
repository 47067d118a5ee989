//! The text of an MJCF file: its lines, what it includes, and the words that it may use.

use std::path::Path;

use costate::scene::mjcf::{TABLE, parse};

/// What is said of a text that is refused.
fn message(text: &str) -> String {
    parse(text, Path::new("x.xml")).unwrap_err().to_string()
}

#[test]
fn an_element_knows_its_line_below_a_comment_with_dashes() {
    let told = message("<mujoco>\n<!-- a -- b\n -->\n<option pace=\"1\"/></mujoco>");
    assert!(told.starts_with("x.xml:4: option has the unknown attribute pace"), "{told}");
}

#[test]
fn malformed_xml_names_file_and_line() {
    let told = message("<mujoco>\n<option>\n</mujoco>");
    assert!(told.starts_with("x.xml:3: malformed XML"), "{told}");
}

#[test]
fn an_include_is_found_beside_the_file_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("sub")).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("sub/b.xml", "<x><include file=\"c.xml\"/></x>");
    write("sub/c.xml", "<x><option timestep=\".25\"/></x>");
    let main = folder.path().join("a.xml");
    let text = "<mujoco><include file=\"sub/b.xml\"/><worldbody><geom size=\"1\"/></worldbody></mujoco>";
    assert_eq!(parse(text, &main).unwrap().option.timestep, 0.25);
    write("sub/c.xml", "<x><include file=\"sub/b.xml\"/></x>");
    let error = parse(text, &main).unwrap_err();
    assert!(error.to_string().contains("included twice"), "{error}");
}

#[test]
fn every_rule_expands_and_every_child_has_a_rule() {
    for (context, rule) in TABLE.iter() {
        for (_, child, _) in &rule.children {
            assert!(TABLE.contains_key(child), "{child} inside {context} has no rule");
        }
    }
}

#[test]
fn a_misspelt_word_is_an_error_that_names_the_right_one() {
    let text = "<mujoco><worldbody><body><geom siz=\"1\"/></body></worldbody></mujoco>";
    assert_eq!(message(text), "x.xml:1: geom has the unknown attribute siz (did you mean \"size\"?)");
    let text = "<mujoco>\n<worldbody><bodi/></worldbody></mujoco>";
    assert_eq!(message(text), "x.xml:2: unknown element bodi inside worldbody (did you mean \"body\"?)");
    let text = "<mujoco><worldbody pos=\"0 0 1\"/></mujoco>";
    assert_eq!(message(text), "x.xml:1: worldbody has the attribute pos (it takes none)");
}
