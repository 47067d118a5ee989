//! An element over the defaults of its class: the strongest layer that states an attribute wins.

use super::xml::Element;
use crate::error::{Error, nearest};

/// Elements that state the same attributes, the weakest first; the last is the element itself.
pub(in crate::scene) struct Layers<'a> {
    layers: Vec<&'a Element>,
}

impl<'a> Layers<'a> {
    pub fn new(defaults: &[&'a Element], own: &'a Element) -> Self {
        Self { layers: defaults.iter().copied().chain([own]).collect() }
    }
    /// Repeated sections that act as one.
    pub fn sections(root: &'a Element, tag: &str) -> Self {
        Self { layers: root.children.iter().filter(|s| s.tag == tag).collect() }
    }
    /// The same layers without the element itself.
    pub fn own(&self) -> Option<&'a Element> {
        self.layers.last().copied()
    }
    /// The strongest layer for which the question has an answer.
    pub fn find<T>(&self, question: impl Fn(&'a Element) -> Option<T>) -> Option<T> {
        self.layers.iter().rev().find_map(|layer| question(layer))
    }
    /// The text of an attribute; an empty one counts as missing.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.stated(name).map(|(_, text)| text)
    }
    fn stated(&self, name: &str) -> Option<(&'a Element, &'a str)> {
        self.find(|layer| layer.get(name).filter(|text| !text.trim().is_empty()).map(|text| (layer, text)))
    }

    /// Numbers of which a layer may state only the first few and keep the tail of a weaker one.
    pub fn partial<const N: usize>(&self, name: &str, default: [f64; N]) -> Result<[f64; N], Error> {
        let mut result = default;
        for layer in &self.layers {
            if let Some(values) = numbers(layer, name)? {
                counted(layer, name, values.len(), 1, N)?;
                result[..values.len()].copy_from_slice(&values);
            }
        }
        Ok(result)
    }
    /// Exactly `N` numbers, if any layer states them.
    pub fn exact<const N: usize>(&self, name: &str) -> Result<Option<[f64; N]>, Error> {
        let Some((layer, _)) = self.stated(name) else { return Ok(None) };
        let values = numbers(layer, name)?.unwrap_or_default();
        counted(layer, name, values.len(), N, N)?;
        let mut result = [0.0; N];
        result.copy_from_slice(&values);
        Ok(Some(result))
    }
    pub fn number(&self, name: &str, default: f64) -> Result<f64, Error> {
        Ok(self.exact::<1>(name)?.map_or(default, |[x]| x))
    }
    pub fn integer(&self, name: &str, default: i64) -> Result<i64, Error> {
        let Some((layer, text)) = self.stated(name) else { return Ok(default) };
        match integers(layer, name, text)?[..] {
            [value] => Ok(value),
            ref values => {
                counted(layer, name, values.len(), 1, 1)?;
                Ok(default)
            }
        }
    }
    pub fn boolean(&self, name: &str, default: bool) -> Result<bool, Error> {
        self.keyword(name, &[("true", true), ("false", false)], default)
    }
    pub fn keyword<T: Copy>(&self, name: &str, known: &[(&str, T)], default: T) -> Result<T, Error> {
        let Some((layer, text)) = self.find(|layer| layer.get(name).map(|text| (layer, text))) else {
            return Ok(default);
        };
        known.iter().find(|(key, _)| *key == text).map(|(_, value)| *value).ok_or_else(|| {
            let keys: Vec<&str> = known.iter().map(|(key, _)| *key).collect();
            layer.error(format!(
                "{} has the unknown {name} \"{text}\" (known are: {})",
                layer.label(),
                keys.join(", ")
            ))
        })
    }
}

/// The numbers of one attribute of one element, if it states any.
pub(super) fn numbers(element: &Element, name: &str) -> Result<Option<Vec<f64>>, Error> {
    let Some(text) = element.get(name).filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    let parse = |word: &str| match word.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(element.error(format!(
            "\"{word}\" in the attribute {name} of {} is not a number (all numbers must be finite)",
            element.label()
        ))),
    };
    text.split_whitespace().map(parse).collect::<Result<Vec<f64>, Error>>().map(Some)
}

/// The integers of an attribute of 32-bit range.
pub(super) fn integers(element: &Element, name: &str, text: &str) -> Result<Vec<i64>, Error> {
    let parse = |word: &str| {
        word.parse::<i32>().map(i64::from).map_err(|_| {
            element.error(format!(
                "\"{word}\" in the attribute {name} of {} is not an integer of 32 bits",
                element.label()
            ))
        })
    };
    text.split_whitespace().map(parse).collect()
}

/// Checks how many numbers an attribute has.
pub(super) fn counted(
    element: &Element,
    name: &str,
    found: usize,
    least: usize,
    most: usize,
) -> Result<(), Error> {
    if (least..=most).contains(&found) {
        return Ok(());
    }
    let wanted = if least == most { format!("{most}") } else { format!("{least} to {most}") };
    Err(element.error(format!(
        "the attribute {name} of {} has {found} numbers (it takes {wanted})",
        element.label()
    )))
}

/// A sentence that ends in the nearest known name.
pub(in crate::scene) fn did_you_mean<'k>(
    message: String,
    name: &str,
    known: impl IntoIterator<Item = &'k str>,
) -> String {
    match nearest(name, known) {
        Some(near) => format!("{message} (did you mean \"{near}\"?)"),
        None => message,
    }
}
