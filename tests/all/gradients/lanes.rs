//! Eight worlds in one register against eight single worlds: the same bits.

use costate::model::{Model, Values, assemble};
use costate::number::{Lanes, Real};
use costate::physics::{Engine, derive};
use costate::rollout::{Memory, Workspace, value_and_gradient};
use costate::spatial::{Quat, Sym3, Vec3, symmetric_eigen};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::super::recorded::all;
use super::{INTEGRATORS, Rollout, flat};

/// Cost, derivatives by start and inputs, and derivatives by the compiled model's numbers.
pub fn everything<R: Engine>(rollout: &Rollout, vary: &mut impl FnMut(f64) -> R) -> Vec<R> {
    let (start, inputs, parameters) = rollout.varied(vary);
    let mut model: Model<R> = assemble(&rollout.description, &mut Values(parameters.iter()));
    derive::complete(&rollout.description, &mut model);
    let mut workspace = Workspace::new(&model, &start);
    let mut objective = rollout.objective.clone();
    let (cost, gradient) =
        value_and_gradient(&model, &start, &inputs, &mut objective, Memory::Full, &mut workspace).unwrap();
    [vec![cost], flat(gradient), gradient.model.numbers()].concat()
}

/// A world of its own for every lane: other state, other inputs, other parameters.
pub struct Worlds {
    random: [Pcg64; 8],
    next: usize,
    parameters_from: usize,
}

impl Worlds {
    pub fn new(rollout: &Rollout) -> Self {
        let random = std::array::from_fn(|k| Pcg64::seed_from_u64(100 + k as u64));
        Self { random, next: 0, parameters_from: rollout.parameters_from() }
    }
    pub fn vary(&mut self, x: f64) -> [f64; 8] {
        self.next += 1;
        let is_parameter = self.next > self.parameters_from;
        self.random.each_mut().map(|random| {
            let noise = random.random_range(-0.2..0.2);
            if is_parameter { x * (1.0 + 0.2 * noise) } else { x + noise }
        })
    }
}

#[test]
fn eight_lanes_equal_eight_single_worlds_to_the_last_bit() {
    let mut failed = false;
    for r in all() {
        for integrator in INTEGRATORS {
            let rollout = Rollout::new(&r, integrator, 3);
            let mut worlds = Worlds::new(&rollout);
            let together = everything(&rollout, &mut |x| Lanes::new(worlds.vary(x)));
            for lane in 0..Lanes::COUNT {
                let mut worlds = Worlds::new(&rollout);
                let alone = everything(&rollout, &mut |x| worlds.vary(x)[lane]);
                assert_eq!(together.len(), alone.len());
                let differs = |(a, b): (&Lanes, &f64)| a.lane(lane).to_bits() != b.to_bits();
                if let Some(at) = together.iter().zip(&alone).position(differs) {
                    failed = true;
                    let (ours, theirs) = (together[at].lane(lane), alone[at]);
                    println!("{:20} {integrator:?} lane {lane}, number {at}: {ours:e} {theirs:e}", r.name);
                }
            }
        }
    }
    assert!(!failed, "see the table above");
}

#[test]
fn principal_axes_of_eight_tensors_are_those_of_each_alone() {
    let mut random = Pcg64::seed_from_u64(3);
    // The last of the eight has two equal moments, the one before three, another is diagonal.
    let mut tensors = [[0.0; 6]; 8];
    for tensor in &mut tensors {
        *tensor = std::array::from_fn(|k| if k < 3 { 2.0 } else { 0.0 } + random.random_range(-1.0..1.0));
    }
    tensors[5] = [0.3, 0.7, 0.5, 0.0, 0.0, 0.0];
    tensors[6] = [1.1, 1.1, 1.1, 0.0, 0.0, 0.0];
    tensors[7] = [2.0, 1.0, 2.0, 0.0, 0.0, 0.0];
    let together = Sym3::from([0, 1, 2, 3, 4, 5].map(|k| Lanes::new(tensors.map(|t| t[k]))));
    let (values, frame) = symmetric_eigen(together);
    for (lane, tensor) in tensors.iter().enumerate() {
        let alone = Sym3::from(*tensor);
        let (moments, axes) = symmetric_eigen(alone);
        let bits = |x: [f64; 7]| x.map(f64::to_bits);
        let all = |v: Vec3<f64>, q: Quat<f64>| [v.x, v.y, v.z, q.w, q.v.x, q.v.y, q.v.z];
        let of_lane = all(values.map(|x| x.lane(lane)), frame.map(|x| x.lane(lane)));
        assert_eq!(bits(of_lane), bits(all(moments, axes)), "lane {lane}");
        assert!(moments.x >= moments.y && moments.y >= moments.z);
        let back = Sym3::congruence(axes.to_matrix(), moments).to_array();
        let error = back.iter().zip(tensor).fold(0.0, |m: f64, (a, b)| m.max((a - b).abs()));
        // A few roundings of entries up to three.
        assert!(error < 5e-15, "lane {lane}: {error:e}");
    }
}
