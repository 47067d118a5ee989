//! Names of elements, and what they refer to.

use std::collections::{HashMap, HashSet};

use super::layers::did_you_mean;
use super::xml::Element;
use crate::error::Error;

/// The kinds within which a name is unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Body,
    Joint,
    Geom,
    Site,
    Camera,
    Mesh,
    HeightField,
    Material,
    Tendon,
    Actuator,
    Equality,
    Pair,
    Exclude,
    Sensor,
    Keyframe,
}

impl Kind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Joint => "joint",
            Self::Geom => "geom",
            Self::Site => "site",
            Self::Camera => "camera",
            Self::Mesh => "mesh",
            Self::HeightField => "hfield",
            Self::Material => "material",
            Self::Tendon => "tendon",
            Self::Actuator => "actuator",
            Self::Equality => "equality",
            Self::Pair => "pair",
            Self::Exclude => "exclude",
            Self::Sensor => "sensor",
            Self::Keyframe => "keyframe",
        }
    }
}

#[derive(Default)]
pub(super) struct Names {
    numbers: HashMap<Kind, HashMap<String, usize>>,
    /// Elements that the file has and the description has not.
    dropped: HashSet<(Kind, String)>,
    /// Whether something was left out that may have brought elements with names of their own.
    pub incomplete: bool,
}

impl Names {
    /// Notes a new element; a name that is taken is an error.
    pub fn add(
        &mut self,
        kind: Kind,
        name: Option<String>,
        number: usize,
        element: &Element,
    ) -> Result<(), Error> {
        let Some(name) = name else { return Ok(()) };
        let taken = self.dropped.contains(&(kind, name.clone()));
        let message = format!("the {} name \"{name}\" is used twice", kind.word());
        if taken || self.numbers.entry(kind).or_default().insert(name, number).is_some() {
            return Err(element.error(message));
        }
        Ok(())
    }

    /// Notes an element that is left out, so that what refers to it is left out too.
    pub fn drop(&mut self, kind: Kind, name: Option<String>) {
        self.dropped.extend(name.map(|name| (kind, name)));
    }

    /// The number of a named element; none if it was left out.
    pub fn find(&self, kind: Kind, name: &str, by: &Element) -> Result<Option<usize>, Error> {
        let known = self.numbers.get(&kind);
        if let Some(number) = known.and_then(|numbers| numbers.get(name)) {
            return Ok(Some(*number));
        }
        if self.incomplete || self.dropped.contains(&(kind, name.to_string())) {
            return Ok(None);
        }
        let message = format!("{} refers to the unknown {} \"{name}\"", by.label(), kind.word());
        let known = known.into_iter().flat_map(|numbers| numbers.keys()).map(String::as_str);
        Err(by.error(did_you_mean(message, name, known)))
    }

    /// Renumbers a kind after sorting: `order[new] = old`.
    pub fn renumber(&mut self, kind: Kind, order: &[usize]) {
        let mut new = vec![0; order.len()];
        for (number, old) in order.iter().enumerate() {
            new[*old] = number;
        }
        for number in self.numbers.entry(kind).or_default().values_mut() {
            *number = new[*number];
        }
    }
}
