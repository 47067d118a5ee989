//! The house: which room may use which, and how large a file may grow.

use std::path::{Path, PathBuf};

/// A room may use only the rooms before it in this list.
const ROOMS: [&str; 13] = [
    "error",
    "number",
    "spatial",
    "model",
    "physics",
    "sense",
    "control",
    "objective",
    "rollout",
    "optimize",
    "scene",
    "report",
    "cli",
];

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 4] = ["utils", "common", "helpers", "misc"];

/// More lines of code than this, comments and blank lines aside, belong into two files.
const MOST_LINES: usize = 520;

/// A source file: where it is below `src`, and its code without comments and without strings.
pub struct Source {
    pub path: PathBuf,
    pub code: String,
}

impl Source {
    fn new(path: impl Into<PathBuf>, text: &str) -> Self {
        Self { path: path.into(), code: code_of(text) }
    }
    /// The modules on the way from the crate to this file: `model/tree.rs` is `[model, tree]`.
    fn modules(&self) -> Vec<String> {
        let mut out: Vec<_> =
            self.path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if out.last().is_some_and(|last| last == "mod") {
            out.pop();
        }
        out
    }
    /// The room that the file belongs to; the crate and the binary themselves belong to none.
    fn room(&self) -> Option<String> {
        self.modules().into_iter().next().filter(|room| room != "lib" && room != "main")
    }
    fn lines_of_code(&self) -> usize {
        self.code.lines().filter(|line| !line.trim().is_empty()).count()
    }
}

/// Every file below `src`.
pub fn sources() -> Vec<Source> {
    fn visit(folder: &Path, root: &Path, out: &mut Vec<Source>) {
        let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                visit(&path, root, out);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                out.push(Source::new(path.strip_prefix(root).unwrap(), &text));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut out = Vec::new();
    visit(&root, &root, &mut out);
    out
}

/// The code without comments, and with empty strings; lines stay where they are.
fn code_of(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skip = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if rest.starts_with("r#\"") {
            rest.find("\"#").map_or(rest.len(), |end| end + 2)
        } else if c == '"' {
            string_length(rest)
        } else if rest.starts_with("'\"'") || rest.starts_with("'\\\"'") {
            // A quotation mark as a character opens no string.
            rest[1..].find('\'').map_or(rest.len(), |end| end + 2)
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        out.extend(rest[..skip].chars().filter(|&c| c == '\n'));
        rest = &rest[skip..];
    }
    out
}

fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The first names of what follows a path's `::`, which may be a list in braces.
fn first_names(after: &str) -> Vec<String> {
    let name = |text: &str| {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
    };
    let Some(list) = after.strip_prefix('{') else { return vec![name(after)] };
    let (mut depth, mut start, mut out) = (0, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' => {
                out.push(name(&list[start..at]));
                break;
            }
            ',' if depth == 0 => {
                out.push(name(&list[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    out
}

/// The rooms that a file speaks of, by `crate::room` or by climbing up with `super::`.
fn rooms_used(source: &Source) -> Vec<String> {
    let mut out = Vec::new();
    for (at, _) in source.code.match_indices("crate::") {
        let inside_a_name = source.code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        if !inside_a_name {
            out.extend(first_names(&source.code[at + "crate::".len()..]));
        }
    }
    let depth = source.modules().len();
    for (at, _) in source.code.match_indices("super::") {
        let after = &source.code[at..];
        let climbs = after.split("super::").take_while(|part| part.is_empty()).count();
        if climbs >= depth && !source.code[..at].ends_with("super::") {
            out.extend(first_names(&after[climbs * "super::".len()..]));
        }
    }
    out.retain(|room| ROOMS.contains(&room.as_str()));
    out
}

/// Arrows that point from a room to one below it.
fn wrong_arrows(source: &Source) -> Vec<String> {
    let place = |room: &str| ROOMS.iter().position(|r| *r == room);
    let Some(own) = source.room() else { return Vec::new() };
    let Some(own_place) = place(&own) else { return vec![format!("{own} is not on the list of rooms")] };
    rooms_used(source)
        .into_iter()
        .filter(|used| place(used).is_some_and(|p| p > own_place))
        .map(|used| format!("{}: {own} may not use {used}", source.path.display()))
        .collect()
}

#[test]
fn every_room_uses_only_the_rooms_above_it() {
    let wrong: Vec<_> = sources().iter().flat_map(wrong_arrows).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_wrong_arrow_is_found_in_every_form() {
    let found = |path: &str, text: &str| wrong_arrows(&Source::new(path, text)).len();
    assert_eq!(found("physics/step.rs", "use crate::rollout::Memory;"), 1);
    assert_eq!(found("physics/step.rs", "use crate::{model::Model, rollout::{Memory, cost}, cli};"), 2);
    assert_eq!(found("physics/step.rs", "fn f() { crate::scene::mjcf::load(\"crate::report\") }"), 1);
    assert_eq!(found("physics/articulated/line.rs", "use super::super::super::scene::mjcf;"), 1);
    assert_eq!(found("model/mod.rs", "use super::physics::step;"), 1);
    assert_eq!(found("garage/mod.rs", "use crate::number::Real;"), 1);
    // A room may use what is above it, itself, and the names of others in comments and strings.
    assert_eq!(found("physics/step.rs", "use crate::{model::Model, number::Real};"), 0);
    assert_eq!(found("physics/articulated/line.rs", "use super::super::step;"), 0);
    assert_eq!(
        found("physics/step.rs", "//! [`rollout`](crate::rollout)\nconst A: &str = \"crate::cli\";"),
        0
    );
    assert_eq!(found("physics/step.rs", "const Q: char = '\"'; /* crate::cli */ const A: u8 = b'\"';"), 0);
}

#[test]
fn every_folder_and_file_has_a_name_that_says_what_is_inside() {
    for source in sources() {
        for part in source.modules() {
            let path = source.path.display();
            assert!(
                !EMPTY_NAMES.contains(&part.as_str()),
                "{path}: {part} says nothing about what is inside"
            );
        }
    }
}

#[test]
fn no_file_is_too_long_to_read() {
    let long: Vec<_> = sources()
        .iter()
        .filter(|source| source.lines_of_code() > MOST_LINES)
        .map(|source| format!("{}: {} lines of code", source.path.display(), source.lines_of_code()))
        .collect();
    assert!(long.is_empty(), "\n{}", long.join("\n"));
}
