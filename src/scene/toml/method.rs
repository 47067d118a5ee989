//! What a scene says about its optimizer.

use std::ops::Range;

use toml::Spanned;

use super::file::{self, OptimizerKind, ScheduleKind};
use super::place::Source;
use crate::error::Error;
use crate::optimize::{
    AdamSettings, Bounds, CmaesSettings, DescentSettings, Gradients, Kind, Method, Precision, Schedule,
};

pub fn method(source: &Source<'_>, scene: &file::Scene) -> Result<Method, Error> {
    let file = &scene.optimizer;
    refuse_strays(source, file)?;
    let rate = |usual: f64| file.rate.as_ref().map_or(Ok(usual), |rate| source.positive(rate, "rate"));
    let clip = file.clip.as_ref().map(|clip| source.positive(clip, "clip")).transpose()?;
    let schedule = schedule(source, file)?;
    let (kind, bounds) = match file.kind {
        OptimizerKind::Adam => {
            let usual = AdamSettings::default();
            let settings = AdamSettings { rate: rate(usual.rate)?, schedule, clip, ..usual };
            (Kind::Adam(settings), Bounds::Projection)
        }
        OptimizerKind::Descent => {
            let usual = DescentSettings::default();
            let momentum = match &file.momentum {
                Some(x) => share(source, x, "momentum", 0.0..1.0)?,
                None => usual.momentum,
            };
            let normalize = file.normalize.as_ref().is_some_and(|n| *n.get_ref());
            if let (true, Some(clip)) = (normalize, &file.clip) {
                let what = "clip has no meaning beside normalize = true: every gradient has length one";
                return Err(source.error(clip.span(), what));
            }
            let rate = rate(usual.rate)?;
            let settings = DescentSettings { rate, schedule, momentum, normalize, clip };
            (Kind::Descent(settings), Bounds::Projection)
        }
        OptimizerKind::Lbfgs => {
            let memory = file.memory.as_ref().map_or(20, |memory| *memory.get_ref());
            (Kind::Lbfgs { memory: memory.max(1) }, Bounds::Smooth)
        }
        OptimizerKind::LevenbergMarquardt => {
            refuse_for_squares(source, scene)?;
            (Kind::LevenbergMarquardt, Bounds::Projection)
        }
        OptimizerKind::TrustRegion => (Kind::TrustRegion, Bounds::Smooth),
        OptimizerKind::Cmaes => {
            let step = file.step.as_ref().map_or(Ok(0.3), |step| source.positive(step, "step"))?;
            let population = file.population.as_ref().map(|population| *population.get_ref());
            (Kind::Cmaes(CmaesSettings { step, population }), Bounds::Projection)
        }
        OptimizerKind::Ilqr => {
            refuse_for_ilqr(source, scene)?;
            (Kind::Ilqr, Bounds::Projection)
        }
    };
    let bounds = match file.bounds.as_ref().map(|b| *b.get_ref()) {
        Some(file::Bounds::Projection) => Bounds::Projection,
        Some(file::Bounds::Smooth) => Bounds::Smooth,
        None => bounds,
    };
    Ok(Method {
        kind,
        bounds,
        iterations: file.iterations,
        tolerance: file.tolerance,
        until_goals: file.until == file::Until::Goals,
    })
}

/// How its gradients are computed.
pub fn gradients(source: &Source<'_>, scene: &file::Scene) -> Result<Gradients, Error> {
    let (file, usual) = (&scene.gradient, Gradients::default());
    let memory = match &file.memory {
        Some(memory) => memory.get_ref().parse().map_err(|e: String| source.error(memory.span(), e))?,
        None => usual.memory,
    };
    let Some(precision) = &file.precision else { return Ok(Gradients { memory, ..usual }) };
    let refuse = |what: &str| Err(source.error(precision.span(), what));
    match (precision.get_ref(), &scene.start.random) {
        (Precision::Single, None) => {
            refuse("single precision rolls sixteen worlds out at once: it needs [start.random]")
        }
        (Precision::Single, _) if !(scene.points.is_empty() && scene.matter.is_empty()) => {
            refuse("worlds with particles are rolled out in double precision")
        }
        (precision, _) => Ok(Gradients { memory, precision: *precision }),
    }
}

/// Refuses keys that belong to other optimizers.
fn refuse_strays(source: &Source<'_>, file: &file::Optimizer) -> Result<(), Error> {
    use OptimizerKind::{Adam, Cmaes, Descent, Lbfgs};
    let span = |x: &Option<Spanned<f64>>| x.as_ref().map(Spanned::span);
    let paced: &[OptimizerKind] = &[Adam, Descent];
    let keys = [
        ("rate", span(&file.rate), paced),
        ("clip", span(&file.clip), paced),
        ("schedule", file.schedule.as_ref().map(Spanned::span), paced),
        ("decay", span(&file.decay), paced),
        ("momentum", span(&file.momentum), &[Descent][..]),
        ("normalize", file.normalize.as_ref().map(Spanned::span), &[Descent][..]),
        ("step", span(&file.step), &[Cmaes][..]),
        ("population", file.population.as_ref().map(Spanned::span), &[Cmaes][..]),
        ("memory", file.memory.as_ref().map(Spanned::span), &[Lbfgs][..]),
    ];
    for (key, span, owners) in keys {
        if let Some(span) = span.filter(|_| !owners.contains(&file.kind)) {
            let owners: Vec<_> = owners.iter().map(|kind| format!("kind = \"{}\"", kind.word())).collect();
            return Err(source.error(span, format!("{key} belongs to {}", owners.join(" or "))));
        }
    }
    Ok(())
}

fn schedule(source: &Source<'_>, file: &file::Optimizer) -> Result<Schedule, Error> {
    let kind = file.schedule.as_ref().map_or(ScheduleKind::Constant, |s| *s.get_ref());
    let steps = file.iterations;
    let decay = |usual: f64, range| {
        file.decay.as_ref().map_or(Ok(usual), |decay| share(source, decay, "decay", range))
    };
    Ok(match kind {
        ScheduleKind::Constant => match &file.decay {
            Some(stray) => {
                let what = "decay belongs to schedule = \"cosine\" or schedule = \"exponential\"";
                return Err(source.error(stray.span(), what));
            }
            None => Schedule::Constant,
        },
        ScheduleKind::Cosine => Schedule::Cosine { decay: decay(0.0, 0.0..1.0)?, steps },
        // No power of a number reaches zero.
        ScheduleKind::Exponential => {
            Schedule::Exponential { decay: decay(0.01, f64::MIN_POSITIVE..1.0)?, steps }
        }
    })
}

/// A number below one that is at least zero, or above it.
fn share(source: &Source<'_>, x: &Spanned<f64>, key: &str, range: Range<f64>) -> Result<f64, Error> {
    let value = source.finite(x, key)?;
    if range.contains(&value) {
        return Ok(value);
    }
    let least = if range.start > 0.0 { "above" } else { "at least" };
    Err(source.error(x.span(), format!("{key} is {value}, and must be {least} zero and below one")))
}

/// Least squares have no negative squares, and no minibatches.
fn refuse_for_squares(source: &Source<'_>, scene: &file::Scene) -> Result<(), Error> {
    let what = "kind = \"levenberg-marquardt\" adds up squares";
    let weights = scene.cost.iter().filter_map(|cost| cost.weight.as_ref());
    if let Some(weight) = weights.into_iter().find(|weight| *weight.get_ref() < 0.0) {
        return Err(source.error(weight.span(), format!("{what}: no weight is negative")));
    }
    match &scene.start.random {
        Some(random) => {
            Err(source
                .error(random.span(), format!("{what} of one rollout, and not of many: choose \"adam\"")))
        }
        None => Ok(()),
    }
}

/// Iterative LQR optimizes one control for every step, and nothing else.
fn refuse_for_ilqr(source: &Source<'_>, scene: &file::Scene) -> Result<(), Error> {
    let what = "kind = \"ilqr\" finds one control for every step";
    let refuse = |span, more: &str| Err(source.error(span, format!("{what}{more}")));
    if let Some(knots) = &scene.control.knots {
        return refuse(knots.span(), ", and not the knots of a spline: give [control] kind = \"steps\"");
    }
    if let Some(hold) = scene.control.hold.as_ref().filter(|hold| *hold.get_ref() != 1) {
        return refuse(hold.span(), ": give hold = 1");
    }
    if let Some(controller) = scene.controller.first() {
        return refuse(controller.span(), ", and knows no controllers: choose \"adam\" or \"l-bfgs\"");
    }
    if let Some(random) = &scene.start.random {
        return refuse(random.span(), " of one rollout, and not of many: choose \"adam\"");
    }
    if let Some(other) = scene.optimize.iter().find(|o| o.what.get_ref() != "controls") {
        return refuse(other.what.span(), " and nothing else: give what = \"controls\" alone");
    }
    if let Some(rate) = scene.optimize.iter().find_map(|o| o.rate.as_ref()) {
        return refuse(rate.span(), " without a learning rate");
    }
    if let Some(bounds) = scene.optimizer.bounds.as_ref().filter(|b| *b.get_ref() == file::Bounds::Smooth) {
        return refuse(bounds.span(), " within bounds that it knows: give bounds = \"projection\", or none");
    }
    if let Some(rate) = scene.cost.iter().find(|c| c.quantity.get_ref().starts_with("control_rate")) {
        return refuse(
            rate.quantity.span(),
            ", whose cost must not depend on the one before: choose \"l-bfgs\"",
        );
    }
    if scene.optimize.is_empty() {
        return Err(Error::in_file(source.file, format!("{what}: give [[optimize]] what = \"controls\"")));
    }
    Ok(())
}
