//! Rollouts in which controllers decide.

use costate::control::{Policy, initial_parameters};
use costate::model::{Input, Model, State};
use costate::number::Dual;
use costate::objective::RandomLinear;
use costate::physics::derive;
use costate::rollout::{Memory, Workspace, cost_controlled, value_and_gradient_controlled};
use costate::scene::mjcf;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use crate::derivatives::deciding::parts;
use crate::moving::{moving, slope};

const STEPS: usize = 30;

fn model(name: &str) -> Model<f64> {
    derive::compile(&mjcf::load(format!("scenes/models/{name}.xml").as_ref()).unwrap())
}

#[test]
fn the_adjoint_through_feedback_rhythm_and_network_equals_dual_numbers() {
    for name in ["cartpole", "hopper", "quadruped", "humanoid"] {
        let model = model(name);
        let (start, inputs) = (State::reference(&model), vec![Input::zero(&model); STEPS]);
        let (parts, mut loss) = (parts(&model), RandomLinear::new(&model, STEPS, 3));
        let theta: Vec<f64> = initial_parameters(&parts).iter().map(|x| 0.2 * x).collect();
        let gradient = |memory| {
            let (mut policy, mut w) = (Policy::new(&model, &parts), Workspace::new(&model, &start));
            let controller = (&mut policy, &theta[..]);
            let mut own = loss.clone();
            let (cost, g) =
                value_and_gradient_controlled(&model, &start, &inputs, controller, &mut own, memory, &mut w)
                    .unwrap();
            (cost, g.start.v.clone(), g.controller.clone())
        };
        let full = gradient(Memory::Full);
        assert_eq!(full, gradient(Memory::Light), "{name}");
        assert_eq!(full, gradient(Memory::Bytes(20_000)), "{name}");

        let mut random = Pcg64::seed_from_u64(5);
        let mut draw = |n: usize| -> Vec<f64> { (0..n).map(|_| random.random_range(-1.0..1.0)).collect() };
        for _ in 0..3 {
            let (dv, dtheta) = (draw(start.v.len()), draw(theta.len()));
            let lifted = model.map(Dual::constant);
            let mut moved = start.map(Dual::constant);
            moved.v.iter_mut().zip(&dv).for_each(|(v, d)| *v = moving(v.value, *d));
            let theta: Vec<_> = theta.iter().zip(&dtheta).map(|(&x, &d)| moving(x, d)).collect();
            let inputs = vec![Input::zero(&lifted); STEPS];
            let mut policy = Policy::new(&lifted, &parts);
            let cost = cost_controlled(&lifted, &moved, &inputs, (&mut policy, &theta), &mut loss).unwrap();
            let (_, by_v, by_theta) = &full;
            let terms = by_v.iter().chain(by_theta).zip(dv.iter().chain(&dtheta));
            let (sum, size) =
                terms.fold((0.0, 0.0), |(sum, size), (g, d)| (sum + g * d, f64::max(size, (g * d).abs())));
            let error = (sum - slope(&cost)).abs() / size.max(1.0);
            println!("{name}: {error:.1e}");
            assert!(error < 1e-9, "{name}: {sum} is not {}", slope(&cost));
        }
    }
}
