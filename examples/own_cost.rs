//! A cost of your own: one function, generic over the number; nobody writes its derivative.
//!
//! The tool of an arm is to go round on a ring, one turn per second. The picture shows where the tool is, seen
//! from the centre of the ring, before and after the torques of 2 s are optimized: from rest it makes a good turn,
//! 6 mm from the ring at most.

use costate::model::{Input, Model, State};
use costate::number::Real;
use costate::objective::{Custom, Law};
use costate::optimize::{Settings, run_with};
use costate::physics::articulated::{Links, kinematics};
use costate::report::{Figure, Panel, Row, Scale, Shape};
use costate::scene::toml::parse;
use costate::spatial::Vec3;

const SCENE: &str = r#"
model = "models/arm_free.xml"
horizon = 2.0
start = { keyframe = "ready" }
control = { kind = "spline", knots = 30, guess = "hold" }
optimize = [{ what = "controls", noise = 0.0 }]
optimizer = { kind = "l-bfgs", iterations = 300 }
"#;

const RADIUS: f64 = 0.12;

/// The place of the tool, and its velocity.
fn tool<R: Real>(model: &Model<R>, x: &State<R>) -> (Vec3<R>, Vec3<R>) {
    let mut links = Links::new(model);
    kinematics(model, x, &mut links);
    let (place, body) = (links.site(model, 0).0, &links.bodies[model.topology.sites[0]]);
    (place, body.velocity.at(place - body.origin))
}

/// `(|r|² − R²)²/R²` of the tool's place `r` around the centre, and how far its velocity is from that of one
/// turn per second.
struct Ring {
    center: [f64; 3],
}

impl Law for Ring {
    fn cost<R: Real>(&self, model: &Model<R>, x: &State<R>, input: Option<&Input<R>>, _: usize) -> R {
        let (place, velocity) = tool(model, x);
        let r = place - Vec3::from_f64(self.center);
        let off = (r.y.square() + r.z.square() - R::from_f64(RADIUS * RADIUS)).times(1.0 / RADIUS);
        let slip = velocity - Vec3::new(R::zero(), -r.z, r.y) * R::from_f64(std::f64::consts::TAU);
        let effort = input.map_or(R::zero(), |i| i.u.iter().fold(R::zero(), |sum, u| sum + u.square()));
        (off.square() + r.x.square()).times(100.0) + slip.dot(slip).times(0.3) + effort.times(1e-6)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let scene = parse(SCENE, "scenes/own_cost.toml".as_ref())?;
    let before = scene.problem.roll_initial()?;
    // The tool starts at the top of the ring.
    let start = tool(&before.model, &scene.problem.start).0;
    let center = [start.x, start.y, start.z - RADIUS];
    let out = run_with(&scene.problem, Custom(Ring { center }), &Settings::default(), &mut |_| {})?;
    println!("cost {:.2} → {:.4}, {} in {:.1} s", out.cost_first, out.cost_best, out.stop, out.seconds);
    let after = scene.rollout(&out.solution)?;
    let panel = |vertical: &str, show: fn(Vec3<f64>) -> f64, marks| Panel {
        vertical: vertical.to_owned(),
        x: after.states.iter().map(|x| x.time).collect(),
        series: [&before.trajectory, &after]
            .map(|t| t.states.iter().map(|x| show(tool(&before.model, x).0 - Vec3::from(center))).collect())
            .to_vec(),
        scale: Scale::Linear,
        shape: Shape::Line,
        marks,
    };
    let row = |panel| Row { names: vec!["held".to_owned(), "optimized".to_owned()], panels: vec![panel] };
    let rows = vec![
        row(panel("tool, y [m]", |r| r.y, vec![])),
        row(panel("tool, z [m]", |r| r.z, vec![])),
        row(panel("distance [m]", |r| r.y.hypot(r.z), vec![RADIUS])),
    ];
    let figure = Figure { horizontal: "time [s]".to_owned(), rows };
    Ok(std::fs::write("docs/own_cost.png", figure.draw().png())?)
}
