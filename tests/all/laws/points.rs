//! What mass points, springs, walls and balls obey.

use std::collections::BTreeMap;
use std::path::Path;

use costate::model::{Input, Model, State};
use costate::number::Real;
use costate::objective::Terms;
use costate::physics::derive::{Compilation, parameters};
use costate::rollout::{Memory, Workspace, simulate, value_and_gradient};
use costate::scene::toml;
use costate::spatial::Vec3;

fn scene(text: &str) -> toml::Scene {
    toml::parse(text, Path::new("scene.toml")).unwrap()
}

/// The cost of a scene and its derivative by every number of the file.
fn value_and_slopes(text: &str) -> (f64, BTreeMap<String, f64>) {
    let problem = scene(text).problem;
    let listing = parameters(&problem.description);
    let values: Vec<f64> = listing.iter().map(|p| p.value).collect();
    let compilation = Compilation::new(&problem.description, &values);
    let model = &compilation.model;
    let start = State::reference(model);
    let inputs = vec![Input::zero(model); problem.plan.steps()];
    let mut terms = Terms::new(model, problem.terms);
    let mut workspace = Workspace::new(model, &start);
    let (cost, gradient) =
        value_and_gradient(model, &start, &inputs, &mut terms, Memory::Full, &mut workspace).unwrap();
    let slopes = compilation.pullback_from(&gradient.model, &gradient.start);
    (cost, listing.into_iter().map(|p| p.name).zip(slopes).collect())
}

fn close(a: f64, b: f64, tolerance: f64, what: &str) {
    assert!((a - b).abs() <= tolerance, "{what}: {a} is not {b}");
}

/// One ball over a floor, and its height at the end as the cost.
fn bounce(timestep: f64, steps: usize, gravity: f64, height: f64, velocity: [f64; 2], e: f64) -> String {
    let [vx, vz] = velocity;
    format!(
        "steps = {steps}\n[world]\ntimestep = {timestep}\ngravity = [0.0, {gravity}]\n\
         [[wall]]\nname = \"floor\"\nfriction = 0.0\nrestitution = {e}\n\
         [[points]]\nname = \"ball\"\npositions = [[-1.0, {height}]]\nvelocity = [{vx:?}, {vz:?}]\nradius = 0.1\n\
         [[cost]]\nquantity = \"points.ball.center.z\"\npenalty = \"linear\"\nweight = 1.0\nwhen = \"final\"\n"
    )
}

#[test]
fn a_ball_that_starts_higher_ends_lower_after_a_bounce_with_the_exact_slope() {
    for steps in [480, 97] {
        let text = bounce(1.0 / steps as f64, steps, 0.0, 1.0, [2.0, -2.0], 1.0);
        let (height, slope) = value_and_slopes(&text);
        close(height, 2.0 * 0.1 - (1.0 - 2.0), 1e-12, "height");
        close(slope["points.ball.position[2]"], -1.0, 1e-12, "by the height");
        close(slope["points.ball.velocity[2]"], -1.0, 1e-12, "by the velocity");
        close(slope["points.ball.radius"], 2.0, 1e-12, "by the radius");
        close(slope["wall.floor.offset"], 2.0, 1e-12, "by the floor");
    }
}

#[test]
fn a_bounce_under_gravity_has_the_slopes_of_its_closed_form_the_better_the_shorter_the_step() {
    // g 9.81, e 0.8, h 1, v₀ 0.3, T 0.8.
    let (g, e, h, v, time) = (9.81, 0.8, 1.0, 0.3, 0.8);
    let u = f64::sqrt(v * v + 2.0 * g * h);
    let tau = time - (v + u) / g;
    let wanted = [
        e * u * tau - 0.5 * g * tau * tau,
        (1.0 + e) * g * tau / u - e,
        e * v * tau / u - (e * u - g * tau) * (1.0 + v / u) / g,
        u * tau,
    ];
    let error = |steps: usize| {
        let text = bounce(time / steps as f64, steps, -g, h + 0.1, [0.0, v], e);
        let (height, slope) = value_and_slopes(&text);
        let names = ["points.ball.position[2]", "points.ball.velocity[2]", "wall.floor.restitution"];
        let found = [height - 0.1, slope[names[0]], slope[names[1]], slope[names[2]]];
        found.iter().zip(wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    };
    let (coarse, fine) = (error(400), error(3200));
    assert!(coarse < 0.05 && fine < coarse / 6.0, "{coarse:.2e} and {fine:.2e}");
}

#[test]
fn a_ball_hands_its_place_and_its_velocity_on_to_the_one_that_it_meets() {
    let text = |ball: &str| {
        format!(
            "steps = 300\n[world]\ntimestep = 0.01\ngravity = [0.0, 0.0]\n\
             [[points]]\nname = \"a\"\npositions = [[0.0, 0.0]]\nvelocity = [1.0, 0.0]\nradius = 0.1\n\
             [[points]]\nname = \"b\"\npositions = [[1.0, 0.0]]\nradius = 0.1\n\
             [[cost]]\nquantity = \"points.{ball}.center.x\"\npenalty = \"linear\"\nweight = 1.0\nwhen = \"final\"\n"
        )
    };
    // The first ball stops where it met the second one, which goes on from there.
    for (ball, place, by) in [("a", 0.8, [0.0, 1.0, 0.0, 3.0]), ("b", 3.2, [1.0, 0.0, 3.0, 0.0])] {
        let (x, slope) = value_and_slopes(&text(ball));
        close(x, place, 1e-12, ball);
        let names =
            ["points.a.position[0]", "points.b.position[0]", "points.a.velocity[0]", "points.b.velocity[0]"];
        for (name, by) in names.into_iter().zip(by) {
            close(slope[name], by, 1e-12, name);
        }
    }
}

#[test]
fn a_spring_swings_as_the_discrete_oscillator_does_and_so_does_its_slope_by_the_stiffness() {
    // A point on a spring to a fixed one: x_k = x₀ cos(k φ) + …, with cos φ = 1 − (ω h)²/2.
    let (k, mass, h, steps) = (40.0, 0.5, 0.01, 173);
    let text = |k: f64| {
        format!(
            "steps = {steps}\n[world]\ntimestep = {h}\ngravity = [0.0, 0.0]\n\
             [[points]]\nname = \"p\"\npositions = [[0.0, 0.0], [1.1, 0.0]]\nsprings = [[0, 1]]\nrest_length = [1.0]\n\
             mass = {mass}\nstiffness = {k}\nfixed = [0]\n\
             [[cost]]\nquantity = \"points.p.position[1].x\"\npenalty = \"linear\"\nweight = 1.0\nwhen = \"final\"\n"
        )
    };
    // From rest the first step is v₁ = −ω² h x₀: the swing leads its cosine by half a step.
    let closed = |k: f64| {
        let square = k / mass * h * h;
        let phi = (1.0 - 0.5 * square).acos();
        1.0 + 0.1 * ((steps as f64 + 0.5) * phi).cos() / (0.5 * phi).cos()
    };
    let (x, slope) = value_and_slopes(&text(k));
    close(x, closed(k), 1e-10, "place");
    let by = (closed(k + 1e-5) - closed(k - 1e-5)) / 2e-5;
    close(slope["points.p.stiffness"], by, 1e-8, "by the stiffness");
}

#[test]
fn springs_dampers_and_collisions_keep_the_momentum() {
    let text = "steps = 200\n[world]\ntimestep = 0.005\ngravity = [0.0, 0.0, 0.0]\n\
         [[points]]\nname = \"net\"\ncloth = { corner = [0.0, 0.0, 0.0], edges = [[0.4, 0.0, 0.1], [0.0, 0.4, 0.0]], \
         points = [4, 4] }\nmass = 0.1\nstiffness = [30.0, 20.0, 5.0]\ndamping = 0.05\nvelocity = [0.1, 0.0, 0.6]\n\
         radius = 0.04\nrestitution = 0.5\n\
         [[points]]\nname = \"shot\"\npositions = [[0.21, 0.19, 0.3]]\nmass = 0.3\nradius = 0.06\n\
         velocity = [-0.1, 0.3, -1.5]\n";
    let problem = scene(text).problem;
    let model = costate::physics::derive::compile(&problem.description);
    let rollout = simulate(&model, &problem.start, &vec![Input::zero(&model); 200]).unwrap();
    let layout = &model.topology.particles;
    let momentum = |state: &State<f64>| {
        let mut sum = [0.0; 3];
        for p in 0..layout.count {
            let mass = model.particles.points[layout.body_of(p)].mass;
            (0..3).for_each(|c| sum[c] += mass * state.particles[layout.velocity(p) + c]);
        }
        sum
    };
    let (first, last) = (momentum(&rollout.states[0]), momentum(&rollout.states[200]));
    (0..3).for_each(|c| close(last[c], first[c], 1e-13, "momentum"));
    // The shot did meet the net.
    let speed = |state: &State<f64>| state.particles[layout.velocity(16) + 2];
    assert!((speed(&rollout.states[200]) - speed(&rollout.states[0])).abs() > 0.1);
}

#[test]
fn a_point_slides_as_far_as_friction_lets_it_and_a_rougher_floor_shortens_the_way() {
    let (mu, speed, g, h) = (0.4, 2.0, 9.81, 5e-4);
    let text = format!(
        "steps = 1400\n[world]\ntimestep = {h}\ngravity = [0.0, -{g}]\n\
         [[wall]]\nname = \"floor\"\nfriction = {mu}\n\
         [[points]]\nname = \"p\"\npositions = [[0.0, 0.0]]\nvelocity = [{speed:?}, 0.0]\n\
         [[cost]]\nquantity = \"points.p.center.x\"\npenalty = \"linear\"\nweight = 1.0\nwhen = \"final\"\n"
    );
    let (x, slope) = value_and_slopes(&text);
    close(x, speed * speed / (2.0 * mu * g), 2.0 * speed * h, "way");
    close(slope["points.p.velocity[0]"], speed / (mu * g), 0.01, "by the speed");
    close(slope["wall.floor.friction"], -speed * speed / (2.0 * mu * mu * g), 0.02, "by the friction");
}

/// Gravity between every two points, with `G = 1`.
struct Gravity;

impl costate::control::Rule for Gravity {
    fn count(&self) -> usize {
        0
    }
    fn decide<R: Real>(&self, model: &Model<R>, state: &State<R>, _: usize, _: &[R], input: &mut Input<R>) {
        let place = |p: usize| Vec3::from([0, 1, 2].map(|c| state.particles[3 * p + c]));
        let d = place(1) - place(0);
        let square = d.dot(d);
        let [a, b] = [0, 1].map(|k| model.particles.points[k].mass);
        let pull = d * (a * b / (square * square.sqrt()));
        input.push[0] += pull;
        input.push[1] -= pull;
    }
}

#[test]
fn two_bodies_under_their_own_gravity_keep_energy_and_angular_momentum_and_come_back_after_their_period() {
    let text = "steps = 1\n[world]\ntimestep = 0.001\ngravity = [0.0, 0.0]\n\
         [[points]]\nname = \"sun\"\npositions = [[0.0, 0.0]]\nmass = 0.75\nvelocity = [0.0, -0.2]\n\
         [[points]]\nname = \"planet\"\npositions = [[1.0, 0.0]]\nmass = 0.25\nvelocity = [0.0, 0.6]\n";
    let model = costate::physics::derive::compile(&scene(text).problem.description);
    // μ = 1, r = 1, |w| = 0.8: a = 1/(2/r − w²), e = 1 − r/a, T = 2π a^1.5.
    let a: f64 = 1.0 / (2.0 - 0.64);
    let period = 2.0 * std::f64::consts::PI * a.powf(1.5);
    let steps = (period / 0.001).round() as usize;
    let inputs = vec![Input::zero_applied(&model); steps];
    let mut rule = costate::control::Custom::new(Gravity);
    let rollout =
        costate::rollout::simulate_controlled(&model, &State::reference(&model), &inputs, (&mut rule, &[]));
    let states = rollout.unwrap().states;
    let relative = |s: &State<f64>| [0, 2, 6, 8].map(|i| s.particles[i + 3] - s.particles[i]);
    let energy = |s: &State<f64>| {
        let [x, z, vx, vz] = relative(s);
        0.5 * (vx * vx + vz * vz) - 1.0 / (x * x + z * z).sqrt()
    };
    let turning = |s: &State<f64>| {
        let [x, z, vx, vz] = relative(s);
        x * vz - z * vx
    };
    for state in &states {
        close(energy(state), energy(&states[0]), 2e-3, "energy");
        close(turning(state), turning(&states[0]), 1e-12, "angular momentum");
    }
    let (first, last) = (relative(&states[0]), relative(&states[steps]));
    (0..2).for_each(|i| close(last[i], first[i], 6e-3, "place after a period"));
    close(energy(&states[0]), -1.0 / (2.0 * a), 1e-12, "energy of the orbit");
}

#[test]
fn a_ball_comes_back_from_one_that_is_fixed() {
    let text = "steps = 300\n[world]\ntimestep = 0.01\ngravity = [0.0, 0.0]\n\
         [[points]]\nname = \"a\"\npositions = [[0.0, 0.0]]\nvelocity = [1.0, 0.0]\nradius = 0.1\n\
         [[points]]\nname = \"b\"\npositions = [[1.0, 0.0]]\nradius = 0.1\nfixed = [0]\n\
         [[cost]]\nquantity = \"points.a.center.x - points.b.center.x\"\npenalty = \"linear\"\nweight = 1.0\n\
         when = \"final\"\n";
    let (x, slope) = value_and_slopes(text);
    close(x, 2.0 * 0.8 - 3.0 - 1.0, 1e-12, "place");
    close(slope["points.a.position[0]"], -1.0, 1e-12, "by its own place");
    close(slope["points.b.position[0]"], 2.0 - 1.0, 1e-12, "by the place of the other");
    close(slope["points.b.mass"], 0.0, 1e-12, "by a mass that does not move");
}
