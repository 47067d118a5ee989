//! How an actuator pushes: the gain, bias and dynamics behind `general` and its shortcuts.
//!
//! A class has one actuator default, written with any of the actuator elements. A shortcut takes
//! its parameters from a default of the same shortcut, or from a `general` one with its kind of
//! gain; other defaults only lend their ranges and gears.

use super::layers::Layers;
use crate::error::Error;
use crate::model::description::{Dynamics, Law};

/// The kind of a gain or bias; the ones that are not supported are told apart by their word only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Fixed,
    Affine,
    Other(&'static str),
}

/// The raw parameters of an actuator, as `general` states them.
#[derive(Clone, Debug)]
pub(super) struct Servo {
    tag: String,
    /// `Err` holds the word of dynamics that are not supported.
    pub dynamics: Result<Dynamics, &'static str>,
    pub dynamics_numbers: [f64; 10],
    pub gain: Shape,
    pub gains: [f64; 10],
    pub bias: Shape,
    pub biases: [f64; 10],
}

impl Default for Servo {
    fn default() -> Self {
        Self {
            tag: "general".to_string(),
            dynamics: Ok(Dynamics::None),
            dynamics_numbers: first(1.0),
            gain: Shape::Fixed,
            gains: first(1.0),
            bias: Shape::Fixed,
            biases: first(0.0),
        }
    }
}

fn first(x: f64) -> [f64; 10] {
    std::array::from_fn(|i| if i == 0 { x } else { 0.0 })
}

/// The kind of gain that a shortcut has.
fn gain_of(tag: &str) -> Shape {
    match tag {
        "damper" => Shape::Affine,
        "muscle" => Shape::Other("muscle"),
        "dcmotor" => Shape::Other("dcmotor"),
        "pid" => Shape::Other("pid"),
        "orientation" => Shape::Other("so3"),
        _ => Shape::Fixed,
    }
}

impl Servo {
    /// The documented defaults of an actuator element.
    pub fn of(tag: &str) -> Self {
        let gains = if tag == "damper" { first(0.0) } else { first(1.0) };
        Self { tag: tag.to_string(), gain: gain_of(tag), gains, ..Self::default() }
    }

    /// What an element of another tag takes from this default; nothing if it cannot.
    pub fn base_for(&self, tag: &str) -> Option<Self> {
        let readable =
            tag == "general" || self.tag == tag || (self.tag == "general" && self.gain == gain_of(tag));
        readable.then(|| self.clone())
    }

    /// This base with what an element states.
    pub fn overlaid(mut self, layers: &Layers) -> Result<Self, Error> {
        let own = layers.own().expect("an actuator element");
        let tag = own.tag.as_str();
        match tag {
            "general" | "plugin" => self.overlay_general(layers)?,
            "motor" | "adhesion" => self = Self::of(tag),
            "position" | "intvelocity" => self.overlay_servo(layers, tag)?,
            "velocity" => {
                self.affine_bias();
                let kv = layers.number("kv", self.gains[0])?;
                self.gains = first(kv);
                self.biases = [0.0, 0.0, -kv, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
                self.dynamics = Ok(Dynamics::None);
            }
            "damper" => {
                let kv = layers.number("kv", -self.gains[2])?;
                if kv < 0.0 {
                    return Err(
                        own.error(format!("the kv of {} is {kv} (it may not be negative)", own.label()))
                    );
                }
                self = Self { gain: Shape::Affine, ..Self::of(tag) };
                self.gains = [0.0, 0.0, -kv, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
            }
            "cylinder" => self.overlay_cylinder(layers)?,
            _ => {
                self = Self::of(tag);
                self.dynamics = Err(if tag == "muscle" { "muscle" } else { "other" });
            }
        }
        self.tag = tag.to_string();
        Ok(self)
    }

    fn affine_bias(&mut self) {
        self.gain = Shape::Fixed;
        self.bias = Shape::Affine;
    }

    fn overlay_general(&mut self, layers: &Layers) -> Result<(), Error> {
        let dynamics = [
            ("none", Ok(Dynamics::None)),
            ("integrator", Ok(Dynamics::Integrator)),
            ("filter", Ok(Dynamics::Filter)),
            ("filterexact", Ok(Dynamics::FilterExact)),
            ("muscle", Err("muscle")),
            ("dcmotor", Err("dcmotor")),
            ("pid", Err("pid")),
            ("user", Err("user")),
        ];
        let other = |word: &'static str| (word, Shape::Other(word));
        let affine = ("affine", Shape::Affine);
        let gains = [
            ("fixed", Shape::Fixed),
            affine,
            other("muscle"),
            other("dcmotor"),
            other("pid"),
            other("so3"),
            other("user"),
        ];
        let biases =
            [("none", Shape::Fixed), affine, other("muscle"), other("dcmotor"), other("so3"), other("user")];
        self.dynamics = layers.keyword("dyntype", &dynamics, self.dynamics)?;
        self.gain = layers.keyword("gaintype", &gains, self.gain)?;
        self.bias = layers.keyword("biastype", &biases, self.bias)?;
        self.dynamics_numbers = layers.partial("dynprm", self.dynamics_numbers)?;
        self.gains = layers.partial("gainprm", self.gains)?;
        self.biases = layers.partial("biasprm", self.biases)?;
        Ok(())
    }

    /// A position servo; a positive third bias is a damping ratio, which the model resolves.
    fn overlay_servo(&mut self, layers: &Layers, tag: &str) -> Result<(), Error> {
        let own = layers.own().expect("an actuator element");
        self.affine_bias();
        let kp = layers.number("kp", self.gains[0])?;
        let mut last = self.biases[2];
        for (name, sign) in [("kv", -1.0), ("dampratio", 1.0)] {
            if let Some([value]) = layers.exact::<1>(name)? {
                if value < 0.0 {
                    return Err(own.error(format!(
                        "the {name} of {} is {value} (it may not be negative)",
                        own.label()
                    )));
                }
                last = sign * value;
            }
        }
        if layers.text("kv").is_some() && layers.text("dampratio").is_some() {
            return Err(own.error(format!("{} has both kv and dampratio (state one)", own.label())));
        }
        self.gains = first(kp);
        self.biases = [0.0, -kp, last, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        if tag == "intvelocity" {
            self.dynamics = Ok(Dynamics::Integrator);
            return Ok(());
        }
        if let Some([time]) = layers.exact::<1>("timeconst")? {
            if time < 0.0 {
                return Err(
                    own.error(format!("the timeconst of {} is {time} (it may not be negative)", own.label()))
                );
            }
            self.dynamics_numbers = first(time);
            self.dynamics = Ok(if time > 0.0 { Dynamics::FilterExact } else { Dynamics::None });
        } else if self.dynamics != Ok(Dynamics::FilterExact) {
            self.dynamics = Ok(Dynamics::None);
        }
        Ok(())
    }

    fn overlay_cylinder(&mut self, layers: &Layers) -> Result<(), Error> {
        self.affine_bias();
        self.dynamics = Ok(Dynamics::Filter);
        self.dynamics_numbers = first(layers.number("timeconst", self.dynamics_numbers[0])?);
        let area = layers.number("area", self.gains[0])?;
        let diameter = layers.exact::<1>("diameter")?;
        self.gains = first(diameter.map_or(area, |[d]| std::f64::consts::FRAC_PI_4 * d * d));
        if let Some(bias) = layers.exact::<3>("bias")? {
            self.biases = first(0.0);
            self.biases[..3].copy_from_slice(&bias);
        }
        Ok(())
    }

    /// Whether it is a position servo, to which ranges and damping ratios apply.
    pub fn is_servo(&self) -> bool {
        self.gain == Shape::Fixed && self.bias == Shape::Affine && self.gains[0] == -self.biases[1]
    }

    /// Whether it has one control, and one activation if any.
    pub fn certain_size(&self) -> bool {
        let single = |shape| matches!(shape, Shape::Fixed | Shape::Affine | Shape::Other("muscle"));
        matches!(self.dynamics, Ok(_) | Err("muscle")) && single(self.gain)
    }

    /// Why it cannot be simulated, if so.
    pub fn unsupported(&self) -> Option<String> {
        match (self.dynamics, self.gain, self.bias) {
            (_, Shape::Other(word), _) => Some(format!("gains of type {word} are not supported")),
            (Err(word), ..) => Some(format!("dynamics of type {word} are not supported")),
            (_, _, Shape::Other(word)) => Some(format!("a bias of type {word} is not supported")),
            _ if self.is_servo() && self.biases[2] > 0.0 && self.biases[0] != 0.0 => {
                Some("a damping ratio beside a constant bias is not supported".to_string())
            }
            _ => None,
        }
    }

    pub fn law(&self) -> Law {
        let three = |numbers: &[f64; 10]| [numbers[0], numbers[1], numbers[2]];
        match self.tag.as_str() {
            "motor" => Law::Motor,
            "velocity" => Law::Velocity { kv: self.gains[0] },
            "damper" => Law::Damper { kv: -self.gains[2] },
            "cylinder" => Law::Cylinder { area: self.gains[0], bias: three(&self.biases) },
            // A general actuator of this form with a positive third bias has a damping ratio too.
            tag if tag != "general" || (self.is_servo() && self.biases[2] > 0.0) => Law::Servo {
                kp: self.gains[0],
                kv: (-self.biases[2]).max(0.0),
                damping_ratio: (self.biases[2] > 0.0).then_some(self.biases[2]),
            },
            _ => Law::General {
                gain: three(&self.gains),
                affine_gain: self.gain == Shape::Affine,
                bias: (self.bias == Shape::Affine).then(|| three(&self.biases)),
            },
        }
    }
}
