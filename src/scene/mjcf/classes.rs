//! Default classes: nested collections of attributes that elements start from.

use std::collections::HashMap;

use super::layers::{Layers, did_you_mean};
use super::servo::Servo;
use super::xml::Element;
use crate::error::Error;

/// All classes of a file; the first is `main`.
pub(super) struct Classes<'a> {
    classes: Vec<Class<'a>>,
    numbers: HashMap<String, usize>,
}

struct Class<'a> {
    parent: Option<usize>,
    /// The elements that make up each kind's default, the weakest first.
    defaults: HashMap<&'a str, Vec<&'a Element>>,
    /// How the class's actuator default pushes.
    servo: Servo,
}

pub(super) const ACTUATORS: [&str; 12] = [
    "general",
    "motor",
    "position",
    "velocity",
    "intvelocity",
    "orientation",
    "pid",
    "damper",
    "cylinder",
    "muscle",
    "adhesion",
    "dcmotor",
];

/// The kind that a default is for: all actuators share one.
fn kind(tag: &str) -> &str {
    if ACTUATORS.contains(&tag) { "actuator" } else { tag }
}

impl<'a> Classes<'a> {
    pub fn read(root: &'a Element) -> Result<Self, Error> {
        let main = Class { parent: None, defaults: HashMap::new(), servo: Servo::default() };
        let mut result = Self { classes: vec![main], numbers: HashMap::from([("main".to_string(), 0)]) };
        for section in root.children.iter().filter(|s| s.tag == "default") {
            if section.get("class").is_some_and(|class| !class.is_empty() && class != "main") {
                return Err(section.error("the outermost default class is called \"main\" (nest the others)"));
            }
            result.fill(0, section)?;
        }
        Ok(result)
    }

    /// Adds what a `default` element states to a class, then its nested classes as copies of it.
    fn fill(&mut self, number: usize, section: &'a Element) -> Result<(), Error> {
        for element in section.children.iter().filter(|e| e.tag != "default") {
            if ACTUATORS.contains(&element.tag.as_str()) {
                let base = self.servo_base(number, &element.tag);
                self.classes[number].servo = base.overlaid(&Layers::new(&[], element))?;
            }
            self.classes[number].defaults.entry(kind(&element.tag)).or_default().push(element);
        }
        for nested in section.children.iter().filter(|e| e.tag == "default") {
            let name = nested.required("class")?;
            let copy = Class {
                parent: Some(number),
                defaults: self.classes[number].defaults.clone(),
                servo: self.classes[number].servo.clone(),
            };
            if self.numbers.insert(name.to_string(), self.classes.len()).is_some() {
                return Err(nested.error(format!("the default class \"{name}\" is defined twice")));
            }
            self.classes.push(copy);
            self.fill(self.classes.len() - 1, nested)?;
        }
        Ok(())
    }

    /// What an actuator element of this tag starts from: the nearest class that can say.
    fn servo_base(&self, number: usize, tag: &str) -> Servo {
        let mut class = Some(number);
        while let Some(number) = class {
            if let Some(base) = self.classes[number].servo.base_for(tag) {
                return base;
            }
            class = self.classes[number].parent;
        }
        Servo::of(tag)
    }

    /// The number of a class that an element names in one of its attributes.
    fn find(&self, name: &str, by: &Element) -> Result<usize, Error> {
        self.numbers.get(name).copied().ok_or_else(|| {
            let message = format!("{} names the unknown default class \"{name}\"", by.label());
            by.error(did_you_mean(message, name, self.numbers.keys().map(String::as_str)))
        })
    }

    /// The class that an element states, else the one around it.
    pub fn around(&self, element: &Element, outer: usize) -> Result<usize, Error> {
        match element.get("childclass").filter(|name| !name.is_empty()) {
            Some(name) => self.find(name, element),
            None => Ok(outer),
        }
    }

    fn of(&self, element: &Element, outer: usize) -> Result<usize, Error> {
        match element.get("class").filter(|name| !name.is_empty()) {
            Some(name) => self.find(name, element),
            None => Ok(outer),
        }
    }

    /// An element over its defaults; `outer` is the class of the nearest `childclass`, else 0.
    pub fn layers(&self, element: &'a Element, kind: &str, outer: usize) -> Result<Layers<'a>, Error> {
        let class = &self.classes[self.of(element, outer)?];
        let defaults = class.defaults.get(kind).map_or(&[][..], Vec::as_slice);
        Ok(Layers::new(defaults, element))
    }

    /// How an actuator pushes, with its class's defaults.
    pub fn servo(&self, element: &'a Element) -> Result<Servo, Error> {
        self.servo_base(self.of(element, 0)?, &element.tag).overlaid(&Layers::new(&[], element))
    }
}
