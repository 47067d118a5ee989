//! Elements of the file with their place, and how attributes become numbers.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::Error;

/// One element, detached from its document, so that files can be spliced and trees copied.
#[derive(Clone, Debug)]
pub(in crate::scene) struct Element {
    pub tag: String,
    pub attributes: Vec<(String, String)>,
    pub children: Vec<Element>,
    pub file: Arc<str>,
    pub line: u32,
}

impl Element {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
    pub fn set(&mut self, name: &str, value: String) {
        match self.attributes.iter_mut().find(|(key, _)| key == name) {
            Some(slot) => slot.1 = value,
            None => self.attributes.push((name.to_string(), value)),
        }
    }
    /// The name, unless it is missing or empty.
    pub fn name(&self) -> Option<String> {
        self.get("name").filter(|name| !name.is_empty()).map(str::to_string)
    }
    /// How messages call it: `geom "foot"`.
    pub fn label(&self) -> String {
        match self.name() {
            Some(name) => format!("{} \"{name}\"", self.tag),
            None => self.tag.clone(),
        }
    }
    pub fn error(&self, message: impl Into<String>) -> Error {
        Error::at(self.file.to_string(), self.line, message)
    }
    /// The value of an attribute that must be there.
    pub fn required(&self, name: &str) -> Result<&str, Error> {
        self.get(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| self.error(format!("{} lacks the attribute {name}", self.label())))
    }
    /// An element of another tag at the same place in the file.
    pub fn beside(&self, tag: &str) -> Self {
        Self {
            tag: tag.to_string(),
            attributes: Vec::new(),
            children: Vec::new(),
            file: self.file.clone(),
            line: self.line,
        }
    }
}

/// Reads a document and splices the files that it includes.
pub(super) fn read(text: &str, path: &Path) -> Result<Element, Error> {
    let directory = path.parent().unwrap_or(Path::new("")).to_path_buf();
    let mut seen = HashSet::from([identity(path)]);
    let mut root = parse(text, path)?;
    splice(&mut root, &directory, &mut seen)?;
    Ok(root)
}

/// What makes two spellings of a path the same file.
fn identity(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

/// Reads a document as it stands.
pub(in crate::scene) fn parse(text: &str, path: &Path) -> Result<Element, Error> {
    let label: Arc<str> = path.display().to_string().into();
    let text = without_comments(text.trim_start_matches('\u{feff}'));
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let document = roxmltree::Document::parse_with_options(&text, options)
        .map_err(|e| Error::at(label.to_string(), e.pos().row, format!("malformed XML: {e}")))?;
    detached(document.root_element(), &label, 0)
}

/// Blanks comments, because many model files have two dashes inside them, which XML forbids.
fn without_comments(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("<!--") {
        result.push_str(&rest[..start]);
        let length = rest[start + 4..].find("-->").map_or(rest.len() - start, |end| end + 7);
        result.extend(rest[start..start + length].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &rest[start + length..];
    }
    result.push_str(rest);
    result
}

/// How deep elements may be nested: far deeper than any robot, and safe for the stack.
pub(in crate::scene) const DEEPEST: usize = 400;

fn detached(node: roxmltree::Node, file: &Arc<str>, depth: usize) -> Result<Element, Error> {
    let line = node.document().text_pos_at(node.range().start).row;
    if depth > DEEPEST {
        let message = format!("elements are nested more than {DEEPEST} deep");
        return Err(Error::at(file.to_string(), line, message));
    }
    // Attributes with a namespace only point at schemas for editors.
    let attributes = node
        .attributes()
        .filter(|a| a.namespace().is_none())
        .map(|a| (a.name().to_string(), a.value().to_string()))
        .collect();
    let children = node.children().filter(|n| n.is_element());
    Ok(Element {
        tag: node.tag_name().name().to_string(),
        attributes,
        children: children.map(|n| detached(n, file, depth + 1)).collect::<Result<_, _>>()?,
        file: file.clone(),
        line,
    })
}

/// Replaces every `include` by the children of the root of its file.
fn splice(element: &mut Element, directory: &Path, seen: &mut HashSet<PathBuf>) -> Result<(), Error> {
    let mut children = Vec::with_capacity(element.children.len());
    for mut child in std::mem::take(&mut element.children) {
        if child.tag == "include" {
            children.extend(included(&child, directory, seen)?);
        } else {
            splice(&mut child, directory, seen)?;
            children.push(child);
        }
    }
    element.children = children;
    Ok(())
}

fn included(include: &Element, directory: &Path, seen: &mut HashSet<PathBuf>) -> Result<Vec<Element>, Error> {
    let file = include.required("file")?;
    let path = beside_main_or_includer(file, directory, &include.file);
    if !seen.insert(identity(&path)) {
        return Err(include.error(format!("\"{file}\" is included twice (a file may be included once)")));
    }
    let text = std::fs::read_to_string(&path)
        .map_err(|e| include.error(format!("cannot read the included file {}: {e}", path.display())))?;
    let mut root = parse(&text, &path)?;
    splice(&mut root, directory, seen)?;
    if root.children.is_empty() {
        return Err(include.error(format!("the included file \"{file}\" is empty")));
    }
    Ok(root.children)
}

/// Where a file named in an element is: relative to the main file, else to the file that names it.
pub(super) fn beside_main_or_includer(file: &str, directory: &Path, includer: &str) -> PathBuf {
    let beside_main = directory.join(file);
    let beside_includer = Path::new(includer).parent().unwrap_or(Path::new("")).join(file);
    if !beside_main.exists() && beside_includer.exists() { beside_includer } else { beside_main }
}

/// All children of all sections of one name; sections may be repeated.
pub(in crate::scene) fn section<'a>(root: &'a Element, tag: &'a str) -> impl Iterator<Item = &'a Element> {
    root.children.iter().filter(move |s| s.tag == tag).flat_map(|s| s.children.iter())
}
