//! What a controller sees.

use super::{Needs, Quantity, View, ViewCotangent, known_quantities, quantities};
use crate::error::nearest;
use crate::model::{Model, State, Topology};
use crate::number::Real;
use crate::physics::{Cotangents, Engine};
use crate::spatial::Vec3;

/// How a number is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As it is.
    Value,
    /// Its sine: with the cosine, an angle without a jump.
    Sine,
    /// Its cosine.
    Cosine,
}

/// One number that a controller sees: `(form(quantity) − center) / scale`.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// As the scene calls it.
    pub name: String,
    /// What is measured.
    pub quantity: Quantity,
    /// Which of its numbers.
    pub part: usize,
    /// How it is shown.
    pub form: Form,
    /// What is subtracted.
    pub center: f64,
    /// What it is divided by.
    pub scale: f64,
}

/// The observations that a name means, such as `joint.*.velocity` or `sin(joint.pole.position)`; of a vector,
/// all three coordinates.
///
/// # Errors
/// A sentence with the nearest name, if there is none.
pub fn observations(t: &Topology, pattern: &str) -> Result<Vec<Observation>, String> {
    let inner = |name: &str| pattern.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
    let (form, name) = match (inner("sin"), inner("cos")) {
        (Some(name), _) => (Form::Sine, name),
        (_, Some(name)) => (Form::Cosine, name),
        _ => (Form::Value, pattern),
    };
    let found = match quantities(t, name) {
        Ok(found) => found,
        Err(what) if name.contains(" - ") || name.starts_with("phase(") => return Err(what),
        Err(_) => return Err(unknown(t, pattern, name)),
    };
    let mut out = Vec::new();
    for (own, quantity) in found.iter().filter(|(_, q)| !q.needs_input()) {
        let shown = |own: &str| match form {
            Form::Value => own.to_owned(),
            Form::Sine => format!("sin({own})"),
            Form::Cosine => format!("cos({own})"),
        };
        let parts = if quantity.is_vector() { 3 } else { 1 };
        out.extend((0..parts).map(|part| {
            let name = if parts == 3 { format!("{own}.{}", ["x", "y", "z"][part]) } else { own.clone() };
            Observation { name: shown(&name), quantity: *quantity, part, form, center: 0.0, scale: 1.0 }
        }));
    }
    // A pattern that means vectors and their coordinates shows each number once.
    let mut names = std::collections::BTreeSet::new();
    out.retain(|o| names.insert(o.name.clone()));
    if out.is_empty() {
        return Err(format!("\"{pattern}\" is known only after the controls; a controller sees the state"));
    }
    Ok(out)
}

fn unknown(t: &Topology, pattern: &str, name: &str) -> String {
    let all = known_quantities(t);
    let seen = all.iter().filter(|(_, q)| !q.needs_input()).map(|(own, _)| own.as_str());
    let hint = nearest(name, seen).map_or_else(String::new, |name| format!(" (did you mean \"{name}\"?)"));
    format!("the model has nothing to observe that is called \"{pattern}\"{hint}")
}

/// A coordinate of one particle, perhaps against a mean of the view: most of what a network sees of many points.
#[derive(Clone, Copy, Debug)]
struct Direct {
    /// Among the numbers of the particles.
    entry: usize,
    /// Which mean, and which coordinate of it.
    from: Option<(usize, usize)>,
}

impl Direct {
    fn of<R: Real>(observation: &Observation, view: &View<R>) -> Option<Self> {
        let Quantity::Particles { crowd, from, coordinate } = observation.quantity else { return None };
        let (c, entry) = crowd.single(coordinate).filter(|_| observation.form == Form::Value)?;
        let mean = |from| view.means.iter().position(|(crowd, _)| *crowd == from);
        Some(Self { entry, from: from.and_then(mean).map(|mean| (mean, c)) })
    }
    #[inline(always)]
    fn read<R: Real>(self, state: &State<R>, view: &View<R>) -> R {
        let x = state.particles[self.entry];
        self.from.map_or(x, |(mean, c)| x - view.means[mean].1.to_array()[c])
    }
    #[inline(always)]
    fn read_pullback<R: Real>(self, w: R, out_view: &mut ViewCotangent<R>, out: &mut Cotangents<R>) {
        out.state.particles[self.entry] += w;
        if let Some((mean, c)) = self.from {
            let sum = &mut out_view.means[mean].1;
            *[&mut sum.x, &mut sum.y, &mut sum.z][c] -= w;
        }
    }
}

/// Looks at observations, and pulls their cotangents back; allocated once.
#[derive(Clone, Debug)]
pub struct Observer<R: Real> {
    list: Vec<Observation>,
    /// Of each observation: where it is read directly, and the reciprocal of its scale.
    direct: Vec<(Option<Direct>, f64)>,
    needs: Needs,
    view: View<R>,
    cotangent: ViewCotangent<R>,
}

impl<R: Real> Observer<R> {
    /// Room for one model.
    pub fn new(model: &Model<R>, list: Vec<Observation>) -> Self {
        let view = View::new(model, list.iter().map(|o| o.quantity));
        let needs = Needs::of(list.iter().map(|o| o.quantity));
        let direct = list.iter().map(|o| (Direct::of(o, &view), 1.0 / o.scale)).collect();
        let cotangent = ViewCotangent::of(model, &view);
        Self { list, direct, needs, view, cotangent }
    }

    /// Says which step it is.
    pub fn at(&mut self, step: usize) -> &mut Self {
        self.view.step = step;
        self
    }
}

impl<R: Engine> Observer<R> {
    /// Overwrites the values of all observations.
    pub fn observe(&mut self, model: &Model<R>, state: &State<R>, out: &mut [R]) {
        self.view.look(model, state, None, self.needs);
        for ((out, o), (direct, scale)) in out.iter_mut().zip(&self.list).zip(&self.direct) {
            if let Some(direct) = direct {
                *out = (direct.read(state, &self.view) - R::from_f64(o.center)).times(*scale);
                continue;
            }
            let x = o.quantity.measure(model, state, None, &self.view).to_array()[o.part];
            let shown = match o.form {
                Form::Value => x,
                Form::Sine => x.sin(),
                Form::Cosine => x.cos(),
            };
            *out = (shown - R::from_f64(o.center)).times(*scale);
        }
    }

    /// The pullback of [`observe`](Observer::observe) at the same state.
    pub fn observe_pullback(&mut self, model: &Model<R>, state: &State<R>, w: &[R], out: &mut Cotangents<R>) {
        self.view.look(model, state, None, self.needs);
        for ((w, o), (direct, scale)) in w.iter().zip(&self.list).zip(&self.direct) {
            let w = w.times(*scale);
            if let Some(direct) = direct {
                direct.read_pullback(w, &mut self.cotangent, out);
                continue;
            }
            let x = || o.quantity.measure(model, state, None, &self.view).to_array()[o.part];
            let w = match o.form {
                Form::Value => w,
                Form::Sine => w * x().cos(),
                Form::Cosine => -(w * x().sin()),
            };
            let mut vector = [R::zero(); 3];
            vector[o.part] = w;
            let [x, y, z] = vector;
            o.quantity.measure_pullback(
                model,
                state,
                &self.view,
                Vec3::new(x, y, z),
                &mut self.cotangent,
                out,
            );
        }
        self.view.look_pullback(model, state, None, &mut self.cotangent, out);
    }
}
