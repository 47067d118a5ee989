//! Errors of scene files: the line, the rule, the nearest right answer.

use std::ops::Range;

use toml::Spanned;

use crate::error::{Error, nearest};

/// The text of a scene, to say where something stands.
pub struct Source<'a> {
    pub file: &'a str,
    pub text: &'a str,
}

impl Source<'_> {
    pub fn error(&self, span: Range<usize>, message: impl Into<String>) -> Error {
        let before = &self.text.as_bytes()[..span.start.min(self.text.len())];
        let line = 1 + before.iter().filter(|b| **b == b'\n').count();
        Error::at(self.file, line as u32, message)
    }

    /// What the parser did not like, in our words where it has a list of names.
    pub fn refused(&self, e: &toml::de::Error) -> Error {
        let message = e.message();
        let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
        let said = match (message, names.split_first()) {
            (m, Some((key, known))) if m.starts_with("unknown field") => {
                format!("unknown key \"{key}\" ({})", suggestion(key, known))
            }
            (m, Some((word, known))) if m.starts_with("unknown variant") => {
                format!("unknown word \"{word}\" ({})", suggestion(word, known))
            }
            (m, Some((key, _))) if m.starts_with("missing field") => {
                format!("the key \"{key}\" is missing here")
            }
            (m, _) => m.lines().collect::<Vec<_>>().join("; "),
        };
        match e.span() {
            Some(span) => self.error(span, said),
            None => Error::in_file(self.file, said),
        }
    }

    /// A number that is finite.
    pub fn finite(&self, x: &Spanned<f64>, key: &str) -> Result<f64, Error> {
        let value = *x.get_ref();
        if value.is_finite() {
            return Ok(value);
        }
        Err(self.error(x.span(), format!("{key} is {value}, and must be a finite number")))
    }
    /// A number above zero.
    pub fn positive(&self, x: &Spanned<f64>, key: &str) -> Result<f64, Error> {
        let value = self.finite(x, key)?;
        if value > 0.0 {
            return Ok(value);
        }
        Err(self.error(x.span(), format!("{key} is {value}, and must be above zero")))
    }
    /// A name among known ones, by its place.
    pub fn find(&self, span: Range<usize>, kind: &str, name: &str, known: &[String]) -> Result<usize, Error> {
        known.iter().position(|k| k == name).ok_or_else(|| {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            self.error(span, format!("the model has no {kind} \"{name}\" ({})", suggestion(name, &known)))
        })
    }
}

/// The nearest name, or all of them.
pub fn suggestion(name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None if known.is_empty() => "there is none".to_owned(),
        None => format!("known are {}", known.join(", ")),
    }
}
