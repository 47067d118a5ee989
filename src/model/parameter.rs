//! Names, units and bounds of everything that can be differentiated.

use crate::number::Real;

/// A number of the model file.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// `kind.name.field[i]`; nameless elements are `kind#number`.
    pub name: String,
    /// As written in messages.
    pub unit: &'static str,
    /// The smallest value that makes sense.
    pub lower: f64,
    /// The largest value that makes sense.
    pub upper: f64,
    /// As the file states it.
    pub value: f64,
}

/// A number of the file at the moment when the compiler reads it.
#[derive(Clone, Copy, Debug)]
pub struct Stated<'a> {
    /// The kind of element: `geom`, `joint`, ….
    pub kind: &'static str,
    /// The element's name, or its number.
    pub element: Option<(&'a Option<String>, usize)>,
    /// The attribute.
    pub field: &'static str,
    /// Which entry of the attribute.
    pub index: Option<usize>,
    /// As written in messages.
    pub unit: &'static str,
    /// The smallest value that makes sense.
    pub lower: f64,
    /// The largest value that makes sense.
    pub upper: f64,
    /// As the file states it.
    pub value: f64,
}

impl Stated<'_> {
    fn parameter(&self) -> Parameter {
        let element = match self.element {
            None => String::new(),
            Some((Some(name), _)) => format!(".{name}"),
            Some((None, number)) => format!("#{number}"),
        };
        let index = self.index.map_or(String::new(), |i| format!("[{i}]"));
        Parameter {
            name: format!("{}{element}.{}{index}", self.kind, self.field),
            unit: self.unit,
            lower: self.lower,
            upper: self.upper,
            value: self.value,
        }
    }
}

/// Where the compiler takes the numbers of the file from, one after the other.
///
/// The compiler is the only list of the parameters: it reads them in one fixed order.
pub trait Source<R> {
    /// The number to use for a stated one.
    fn number(&mut self, stated: Stated<'_>) -> R;
}

/// Takes the numbers as the file states them, and writes down what they are.
#[derive(Debug, Default)]
pub struct Listing(pub Vec<Parameter>);

impl<R: Real> Source<R> for Listing {
    fn number(&mut self, stated: Stated<'_>) -> R {
        self.0.push(stated.parameter());
        R::from_f64(stated.value)
    }
}

/// Takes the numbers from a vector in the order of the [`Listing`].
#[derive(Debug)]
pub struct Values<'a, R>(pub std::slice::Iter<'a, R>);

impl<R: Real> Source<R> for Values<'_, R> {
    fn number(&mut self, _: Stated<'_>) -> R {
        *self.0.next().expect("one value for every parameter of the listing")
    }
}
