//! The `option` element and its flags.

use super::Reader;
use super::layers::{Layers, counted, integers};
use super::xml::{Element, section};
use crate::error::Error;
use crate::model::description::{Integrator, Options, Severity};

pub(super) fn read(reader: &mut Reader) -> Result<(), Error> {
    let root = reader.root;
    let layers = Layers::sections(root, "option");
    if layers.own().is_some() {
        reader.out.option = physics(&layers)?;
        integrator(reader, &layers)?;
        solver_settings(reader, &layers)?;
    }
    let compiler = Layers::sections(root, "compiler");
    if compiler.boolean("fusestatic", false)? && !reader.compiler.fuse {
        let why = "static bodies stay bodies of their own: they move the same";
        let own = compiler.own().unwrap_or(root);
        reader.remark(Severity::Constraint, own, "compiler fusestatic", why);
    }
    for flag in section(root, "option").filter(|e| e.tag == "flag") {
        flags(reader, flag)?;
    }
    Ok(())
}

fn physics(layers: &Layers) -> Result<Options, Error> {
    let default = Options::default();
    let vector = |name: &str, or: [f64; 3]| Ok::<_, Error>(layers.exact::<3>(name)?.unwrap_or(or));
    let options = Options {
        timestep: layers.number("timestep", default.timestep)?,
        gravity: vector("gravity", default.gravity)?,
        wind: vector("wind", default.wind)?,
        density: layers.number("density", 0.0)?,
        viscosity: layers.number("viscosity", 0.0)?,
        elliptic: layers.keyword("cone", &[("pyramidal", false), ("elliptic", true)], false)?,
        impratio: layers.number("impratio", 1.0)?,
        disabled_actuator_groups: disabled_groups(layers)?,
        override_margin: layers.number("o_margin", 0.0)?,
        override_solref: layers.partial("o_solref", default.override_solref)?,
        override_solimp: layers.partial("o_solimp", default.override_solimp)?,
        override_friction: layers.partial("o_friction", default.override_friction)?,
        integrator: default.integrator,
        flags: default.flags,
    };
    for (name, value) in [("timestep", options.timestep), ("impratio", options.impratio)] {
        if value <= 0.0 {
            let own = layers.own().expect("an option element");
            return Err(own.error(format!("the {name} is {value} (it must be positive)")));
        }
    }
    Ok(options)
}

fn disabled_groups(layers: &Layers) -> Result<Vec<i64>, Error> {
    let Some((element, text)) = layers.find(|e| e.get("actuatorgroupdisable").map(|text| (e, text))) else {
        return Ok(Vec::new());
    };
    let groups = integers(element, "actuatorgroupdisable", text)?;
    counted(element, "actuatorgroupdisable", groups.len(), 0, 31)?;
    match groups.iter().find(|g| !(0..=30).contains(*g)) {
        Some(g) => Err(element.error(format!("actuatorgroupdisable lists {g} (groups are 0 to 30)"))),
        None => Ok(groups),
    }
}

fn integrator(reader: &mut Reader, layers: &Layers) -> Result<(), Error> {
    let words = [
        ("Euler", Some(Integrator::Euler)),
        ("RK4", Some(Integrator::RungeKutta4)),
        ("implicit", Some(Integrator::Implicit)),
        ("implicitfast", Some(Integrator::ImplicitFast)),
        ("discrete", None),
    ];
    let chosen = layers.keyword("integrator", &words, Some(Integrator::Euler))?;
    reader.out.option.integrator = chosen.unwrap_or(Integrator::ImplicitFast);
    if chosen.is_none() {
        let own = layers.own().expect("an option element");
        let why = "the discrete integrator is not supported, implicitfast steps instead";
        reader.remark(Severity::Motion, own, "option integrator", why);
    }
    Ok(())
}

/// Lists the settings that only steer MuJoCo's iteration, where they are not the default.
fn solver_settings(reader: &mut Reader, layers: &Layers) -> Result<(), Error> {
    const NUMBERS: [(&str, f64); 11] = [
        ("iterations", 100.0),
        ("tolerance", 1e-8),
        ("ls_iterations", 50.0),
        ("ls_tolerance", 0.01),
        ("noslip_iterations", 0.0),
        ("noslip_tolerance", 1e-6),
        ("ccd_iterations", 35.0),
        ("ccd_tolerance", 1e-6),
        ("sdf_iterations", 10.0),
        ("sdf_initpoints", 40.0),
        ("sleep_tolerance", 1e-3),
    ];
    const SOLVERS: [(&str, &str); 3] = [("PGS", "PGS"), ("CG", "CG"), ("Newton", "Newton")];
    const JACOBIANS: [(&str, &str); 3] = [("dense", "dense"), ("sparse", "sparse"), ("auto", "auto")];
    let own = layers.own().expect("an option element");
    let why = "it steers only the path of MuJoCo's solver: the optimum is found to rounding here";
    layers.exact::<3>("magnetic")?;
    for (name, usual) in NUMBERS {
        if layers.number(name, usual)? != usual {
            reader.remark(Severity::Solver, own, format!("option {name}"), why);
        }
    }
    for (name, usual, known) in [("solver", "Newton", SOLVERS), ("jacobian", "auto", JACOBIANS)] {
        if layers.keyword(name, &known, usual)? != usual {
            reader.remark(Severity::Solver, own, format!("option {name}"), why);
        }
    }
    Ok(())
}

fn flags(reader: &mut Reader, flag: &Element) -> Result<(), Error> {
    let layers = Layers::new(&[], flag);
    for (name, _) in &flag.attributes {
        let on = layers.keyword(name, &[("enable", true), ("disable", false)], true)?;
        if !set_flag(reader, name, on) {
            other_flag(reader, flag, name, on);
        }
    }
    Ok(())
}

fn set_flag(reader: &mut Reader, name: &str, on: bool) -> bool {
    let flags = &mut reader.out.option.flags;
    let slot = match name {
        "constraint" => &mut flags.constraint,
        "equality" => &mut flags.equality,
        "frictionloss" => &mut flags.frictionloss,
        "limit" => &mut flags.limit,
        "contact" => &mut flags.contact,
        "spring" => &mut flags.spring,
        "damper" => &mut flags.damper,
        "gravity" => &mut flags.gravity,
        "clampctrl" => &mut flags.clampctrl,
        "filterparent" => &mut flags.filterparent,
        "actuation" => &mut flags.actuation,
        "refsafe" => &mut flags.refsafe,
        "eulerdamp" => &mut flags.eulerdamp,
        "override" => &mut flags.override_contacts,
        _ => return false,
    };
    *slot = on;
    true
}

/// Flags that have no field: most steer only how, not what, MuJoCo computes.
fn other_flag(reader: &mut Reader, flag: &Element, name: &str, on: bool) {
    let what = format!("flag {name}");
    match name {
        "warmstart" | "midphase" | "nativeccd" | "island" | "multiccd" if !on => {
            reader.remark(Severity::Solver, flag, what, "it steers only how MuJoCo finds its solution");
        }
        "sleep" if on => {
            reader.remark(Severity::Solver, flag, what, "bodies never sleep here, they rest");
        }
        "diagexact" if on => {
            let why = "constraints keep the approximate diagonal of their inertia";
            reader.remark(Severity::Motion, flag, what, why);
        }
        "speculative" | "ipc" if on => {
            reader.remark(Severity::Motion, flag, what, "this kind of contact is not supported");
        }
        _ => {}
    }
}
