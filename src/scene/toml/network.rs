//! What a scene says about a network: what it sees, its layers, where its weights come from.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;

use super::controllers::{FREE, parameter};
use super::file;
use super::place::{Source, suggestion};
use crate::control::{Activation, Initial, Law, Mlp, Network, Scheme};
use crate::error::Error;
use crate::model::{Model, Parameter};
use crate::optimize::{Solution, Tensor};
use crate::sense::{Observation, observations};

/// More than this take gigabytes, with names and gradients.
const MOST_WEIGHTS: usize = 4_000_000;

/// A network, and its parameters.
pub fn network(
    source: &Source<'_>,
    file: &file::Controller,
    model: &Model<f64>,
    name: &str,
    (actuators, span): (Vec<usize>, Range<usize>),
) -> Result<(Law, Vec<Parameter>), Error> {
    let mut observed = observed(source, file, model, span.clone())?;
    let mlp = layers(source, file, (observed.len(), actuators.len()), span)?;
    let mut values = initial(source, file)?.draw(&mlp, file.seed.as_ref().map_or(0, |s| *s.get_ref()));
    if let Some(weights) = &file.weights {
        let given = Given::open(source, weights, name)?;
        given.weights(&mlp, &mut values)?;
        given.normalization(file, &mut observed)?;
    }
    let names = mlp.arrays().into_iter().flat_map(|array| {
        let columns = array.shape.get(1).copied().unwrap_or(1);
        let (label, flat) = (array.name, array.shape.len() == 1);
        let place =
            move |e: usize| if flat { e.to_string() } else { format!("{},{}", e / columns, e % columns) };
        array.places.into_iter().enumerate().map(move |(e, at)| (at, format!("{label}[{}]", place(e))))
    });
    let mut names: Vec<(usize, String)> = names.collect();
    names.sort_unstable_by_key(|(at, _)| *at);
    let parameters = names.into_iter().zip(values);
    let parameters =
        parameters.map(|((_, own), x)| parameter(format!("{name}.{own}"), "", FREE, x)).collect();
    let squash = file.squash.as_ref().is_none_or(|s| *s.get_ref());
    let bounded = |k: &usize| model.actuators[*k].ctrl_range.filter(|_| squash);
    let range = |k: &usize| bounded(k).map(|[lo, hi]| [0.5 * (lo + hi), 0.5 * (hi - lo)]);
    let ranges = actuators.iter().map(range).collect();
    Ok((Law::Network(Network { actuators, ranges, observed, mlp }), parameters))
}

/// What it sees, with the mean and the scale that the scene states.
fn observed(
    source: &Source<'_>,
    file: &file::Controller,
    model: &Model<f64>,
    span: Range<usize>,
) -> Result<Vec<Observation>, Error> {
    let mut out = Vec::new();
    let Some(observe) = &file.observe else {
        let what = "a network needs to know what it sees: observe = [\"joint.*.position\", …]";
        return Err(source.error(span, what));
    };
    for entry in observe.get_ref() {
        let (pattern, center, scale) = match entry.get_ref() {
            file::Observe::Name(name) => (name, 0.0, 1.0),
            file::Observe::Scaled { quantity, center, scale } => (quantity, *center, *scale),
        };
        if !(center.is_finite() && scale.is_finite() && scale != 0.0) {
            let what = "center and scale are finite numbers, and scale is not zero";
            return Err(source.error(entry.span(), what));
        }
        let own = observations(&model.topology, pattern).map_err(|what| source.error(entry.span(), what))?;
        out.extend(own.into_iter().map(|o| Observation { center, scale, ..o }));
    }
    let listed = [("mean", &file.mean), ("scale", &file.scale)];
    for (key, list) in listed.into_iter().filter_map(|(key, list)| Some((key, list.as_ref()?))) {
        let fits = |x: &f64| x.is_finite() && (key == "mean" || *x != 0.0);
        if list.get_ref().len() != out.len() {
            let what =
                format!("{key} has {} numbers, and the network sees {}", list.get_ref().len(), out.len());
            return Err(source.error(list.span(), what));
        }
        if let Some(bad) = list.get_ref().iter().find(|x| !fits(x)) {
            let what = format!("{bad} cannot be a {key}: give finite numbers, and scales that are not zero");
            return Err(source.error(list.span(), what));
        }
        if file.normalize.as_ref().is_some_and(|n| *n.get_ref()) {
            let what = format!("give either {key} or normalize = true, not both");
            return Err(source.error(list.span(), what));
        }
        for (o, x) in out.iter_mut().zip(list.get_ref()) {
            *(if key == "mean" { &mut o.center } else { &mut o.scale }) = *x;
        }
    }
    Ok(out)
}

fn layers(
    source: &Source<'_>,
    file: &file::Controller,
    (inputs, outputs): (usize, usize),
    span: Range<usize>,
) -> Result<Mlp, Error> {
    let hidden = file.hidden.as_ref().map_or(vec![32, 32], |h| h.get_ref().clone());
    if let Some(bad) = hidden.iter().find(|n| !(1..=4096).contains(*n)) {
        let span = file.hidden.as_ref().map_or(span, Spanned::span);
        return Err(source.error(span, format!("a hidden layer has 1 to 4096 neurons, not {bad}")));
    }
    let activation = match file.activation.as_ref().map(|a| *a.get_ref()).unwrap_or_default() {
        file::Activation::Tanh => Activation::Tanh,
        file::Activation::Elu => Activation::Elu,
        file::Activation::Silu => Activation::Silu,
        file::Activation::Relu => Activation::Relu,
    };
    let norm = file.layer_norm.as_ref().is_some_and(|n| *n.get_ref());
    let mlp = Mlp { sizes: [&[inputs], &hidden[..], &[outputs]].concat(), activation, norm };
    if mlp.count() > MOST_WEIGHTS {
        let span = file.hidden.as_ref().map_or(span, Spanned::span);
        let what = format!("a network has at most {MOST_WEIGHTS} weights, not {}", mlp.count());
        return Err(source.error(span, what));
    }
    Ok(mlp)
}

fn initial(source: &Source<'_>, file: &file::Controller) -> Result<Initial, Error> {
    let mut out = Initial::default();
    let Some(given) = &file.initial else { return Ok(out) };
    if file.weights.is_some() {
        return Err(
            source.error(given.span(), "initial has no meaning beside weights, which come from a file")
        );
    }
    let given = given.get_ref();
    out.scheme = match given.kind {
        file::Scheme::LeCun => Scheme::LeCun,
        file::Scheme::Kaiming => Scheme::Kaiming,
        file::Scheme::Xavier => Scheme::Xavier,
        file::Scheme::Orthogonal => Scheme::Orthogonal,
    };
    for (key, given, own) in [("gain", &given.gain, &mut out.gain), ("last", &given.last, &mut out.last)] {
        if let Some(x) = given {
            *own = source.finite(x, key)?;
        }
    }
    Ok(out)
}

/// A file of weights that a scene names.
struct Given<'a> {
    source: &'a Source<'a>,
    span: Range<usize>,
    file: &'a str,
    /// Before the names of all arrays.
    prefix: String,
    /// The number of a layer, and what the file calls it.
    names: Vec<(&'a str, &'a str)>,
    tensors: Vec<Tensor>,
}

impl<'a> Given<'a> {
    /// Without a prefix, the arrays are those of a controller of the same name, or stand alone.
    fn open(source: &'a Source<'a>, weights: &'a Spanned<file::Weights>, name: &str) -> Result<Self, Error> {
        let (file, prefix, names) = match weights.get_ref() {
            file::Weights::File(file) => (file, None, Vec::new()),
            file::Weights::Named { file, prefix, names } => {
                (file, prefix.clone(), names.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect())
            }
        };
        let span = weights.span();
        let path = Path::new(source.file).parent().unwrap_or(Path::new("")).join(file);
        let tensors = Solution::load(&path).map_err(|e| source.error(span.clone(), e.to_string()))?.tensors;
        let usual = format!("{name}.");
        let owns = tensors.iter().any(|t| t.name.starts_with(&usual));
        let prefix = prefix.unwrap_or(if owns { usual } else { String::new() });
        Ok(Self { source, span, file, prefix, names, tensors })
    }

    fn error(&self, what: impl std::fmt::Display) -> Error {
        self.source.error(self.span.clone(), format!("weights \"{}\": {what}", self.file))
    }

    /// What the file calls an array, such as `2.weight`.
    fn name(&self, array: &str) -> String {
        let (number, rest) = array.split_once('.').unwrap_or((array, ""));
        let layer = self.names.iter().find(|(own, _)| *own == number).map_or(number, |(_, theirs)| theirs);
        format!("{}{layer}.{rest}", self.prefix)
    }

    /// Takes the parameters of all layers over.
    fn weights(&self, mlp: &Mlp, out: &mut [f64]) -> Result<(), Error> {
        let known: Vec<&str> = self.tensors.iter().map(|t| t.name.as_str()).collect();
        let arrays = mlp.arrays();
        if let Some((stray, _)) =
            self.names.iter().find(|(own, _)| !arrays.iter().any(|a| a.name.starts_with(&format!("{own}."))))
        {
            let numbers: std::collections::BTreeSet<&str> =
                arrays.iter().filter_map(|a| a.name.split('.').next()).collect();
            let numbers: Vec<&str> = numbers.into_iter().collect();
            return Err(
                self.error(format!("the network has no layer {stray} (it has {})", numbers.join(", ")))
            );
        }
        for array in &arrays {
            let name = self.name(&array.name);
            let Some(tensor) = self.tensors.iter().find(|t| t.name == name) else {
                let what = format!("there is no array \"{name}\" ({})", suggestion(&name, &known));
                return Err(self.error(what));
            };
            if tensor.shape != array.shape {
                let what = format!(
                    "\"{name}\" has the shape {:?}, and the network asks for {:?} (its layers are {:?})",
                    tensor.shape, array.shape, mlp.sizes
                );
                return Err(self.error(what));
            }
            array.places.iter().zip(&tensor.data).for_each(|(place, x)| out[*place] = *x);
        }
        let taken: Vec<String> = arrays.iter().map(|a| self.name(&a.name)).collect();
        let layer = |name: &str| {
            let number = name.strip_prefix(&self.prefix)?.split('.').next()?;
            number.parse::<usize>().ok()
        };
        match known.iter().find(|name| layer(name).is_some() && !taken.iter().any(|t| t == *name)) {
            Some(more) => Err(self.error(format!(
                "the network has no place for \"{more}\" (its layers are {:?}, layer_norm = {}: see hidden)",
                mlp.sizes, mlp.norm
            ))),
            None => Ok(()),
        }
    }

    /// Takes over by which mean and scale the network was trained, unless the scene states its own.
    fn normalization(&self, file: &file::Controller, observed: &mut [Observation]) -> Result<(), Error> {
        if file.mean.is_some() || file.scale.is_some() || file.normalize.is_some() {
            return Ok(());
        }
        for what in ["mean", "scale"] {
            let name = format!("{}{what}", self.prefix);
            let Some(tensor) = self.tensors.iter().find(|t| t.name == name) else { continue };
            if tensor.data.len() != observed.len() {
                let (n, m) = (tensor.data.len(), observed.len());
                return Err(self.error(format!("\"{name}\" has {n} numbers, and the network sees {m}")));
            }
            for (o, x) in observed.iter_mut().zip(&tensor.data) {
                *(if what == "mean" { &mut o.center } else { &mut o.scale }) = *x;
            }
        }
        Ok(())
    }
}
