//! Functions of a few numbers, over every number at once.

use costate::number::Real as _;
use costate::number::{Dual, Few, Lanes, Single, Tangent, Tape, Var, Wide, derivative_check, dot_check};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::{Answer, Row};

/// A number with a second derivative.
type Twice = Single<Single<f64>>;

/// A function and its instances over the numbers that the table needs.
#[derive(Clone, Copy)]
pub struct Function {
    pub name: &'static str,
    pub inputs: usize,
    /// Where the inputs are drawn from.
    pub range: (f64, f64),
    pub plain: fn(&[f64]) -> Vec<f64>,
    pub single: fn(&[Single<f64>]) -> Vec<Single<f64>>,
    pub wide: fn(&[Wide<f64>]) -> Vec<Wide<f64>>,
    pub twice: fn(&[Twice]) -> Vec<Twice>,
    pub lanes: fn(&[Lanes]) -> Vec<Lanes>,
    pub wide_lanes: fn(&[Wide<Lanes>]) -> Vec<Wide<Lanes>>,
    /// `Jᵀ w` by the tape.
    pub tape: fn(&[f64], &[f64]) -> Vec<f64>,
}

/// Functions given once, as `"name": inputs in range => |x| body`.
macro_rules! functions {
    ($($name:literal: $inputs:literal in $range:expr => |$x:ident| $body:expr;)*) => {
        vec![$({
            fn f<R: costate::number::Real>($x: &[R]) -> Vec<R> { $body }
            $crate::derivatives::function::Function {
                name: $name,
                inputs: $inputs,
                range: $range,
                plain: f,
                single: f,
                wide: f,
                twice: f,
                lanes: f,
                wide_lanes: f,
                tape: |x, w| $crate::derivatives::function::by_tape(|tape, x| {
                    let x: Vec<_> = x.iter().map(|&x| tape.variable(x)).collect();
                    f(&x)
                }, x, w),
            }
        }),*]
    };
}
pub(super) use functions;

/// `Jᵀ w` of what a program wrote on a tape; the variables come first.
pub fn by_tape(
    program: impl for<'t> Fn(&'t Tape<f64>, &[f64]) -> Vec<Var<'t, f64>>,
    x: &[f64],
    w: &[f64],
) -> Vec<f64> {
    let tape = Tape::default();
    let seeds: Vec<_> =
        program(&tape, x).iter().zip(w).filter_map(|(y, &w)| y.node().map(|n| (n, w))).collect();
    tape.pullback(seeds)[..x.len()].to_vec()
}

impl Function {
    fn draw(&self, random: &mut Pcg64) -> Vec<f64> {
        (0..self.inputs).map(|_| random.random_range(self.range.0..self.range.1)).collect()
    }

    /// `J d` on dual numbers.
    pub fn along(&self, x: &[f64], d: &[f64]) -> Vec<f64> {
        let x: Vec<_> = x.iter().zip(d).map(|(&x, &d)| Single::new(x, d)).collect();
        (self.single)(&x).iter().map(Dual::derivative).collect()
    }

    /// `Jᵀ w` by eight tangents at a time.
    pub fn by_leaf(&self, x: &[f64], w: &[f64]) -> Vec<f64> {
        let mut out = Vec::new();
        for first in (0..x.len()).step_by(8) {
            let mut input: Vec<Wide<f64>> = x.iter().map(|&x| Dual::constant(x)).collect();
            for (k, x) in input.iter_mut().skip(first).take(8).enumerate() {
                x.tangent.set(k, 1.0);
            }
            let y = (self.wide)(&input);
            out.extend(
                (0..8.min(x.len() - first))
                    .map(|k| y.iter().zip(w).map(|(y, w)| y.tangent.get(k) * w).sum::<f64>()),
            );
        }
        out
    }

    /// Whether the second derivative along `d` is the difference of the first.
    fn second(&self, x: &[f64], d: &[f64]) -> f64 {
        let input: Vec<Twice> = x
            .iter()
            .zip(d)
            .map(|(&x, &d)| Dual { value: Single::new(x, d), tangent: Few([Single::constant(d)]) })
            .collect();
        let exact: Vec<f64> = (self.twice)(&input).iter().map(|y| y.tangent.0[0].derivative()).collect();
        let at = |t: f64| {
            let shifted: Vec<f64> = x.iter().zip(d).map(|(x, d)| x + t * d).collect();
            self.along(&shifted, d)
        };
        let difference =
            |h: f64| -> Vec<f64> { at(h).iter().zip(at(-h)).map(|(a, b)| (a - b) / (2.0 * h)).collect() };
        let (coarse, fine) = (difference(2e-4), difference(1e-4));
        let scale = exact.iter().fold(1.0, |m: f64, x| m.max(x.abs()));
        let error = |(e, (c, f)): (&f64, (&f64, &f64))| (e - (4.0 * f - c) / 3.0).abs() / scale;
        exact.iter().zip(coarse.iter().zip(&fine)).map(error).fold(0.0, nan_is_worst)
    }

    /// All questions at seeded random inputs.
    pub fn ask(&self) -> Answer {
        let mut random = Pcg64::seed_from_u64(5);
        for _ in 0..20 {
            let worlds: Vec<Vec<f64>> = (0..8).map(|_| self.draw(&mut random)).collect();
            self.assert_lanes_at(&worlds);
        }
        self.ask_alone()
    }

    /// All questions but those on lanes.
    pub fn ask_alone(&self) -> Answer {
        let mut random = Pcg64::seed_from_u64(11);
        let mut worst = Answer::default();
        for _ in 0..20 {
            let (x, mut d) = (self.draw(&mut random), self.draw(&mut random));
            let size = d.iter().fold(1e-300, |m: f64, x| m.max(x.abs()));
            d.iter_mut().for_each(|d| *d /= size);
            let first = derivative_check(self.single, self.plain, &x, &d).error;
            let jd = self.along(&x, &d);
            let w: Vec<f64> = jd.iter().map(|_| random.random_range(-1.0..1.0)).collect();
            let leaf = dot_check(&w, &jd, &self.by_leaf(&x, &w), &d).error;
            let tape = dot_check(&w, &jd, &(self.tape)(&x, &w), &d).error;
            let difference = first.max(self.second(&x, &d));
            worst = worst.worse(Answer { difference, dot: leaf.max(tape) });
        }
        worst
    }

    /// Eight lanes equal eight single numbers to the last bit, tangents included.
    pub fn assert_lanes_at(&self, worlds: &[Vec<f64>]) {
        let gather = |i: usize| Lanes::new(std::array::from_fn(|k| worlds[k][i]));
        let x: Vec<Lanes> = (0..self.inputs).map(gather).collect();
        let y = (self.lanes)(&x);
        for (i, x_i) in x.iter().enumerate() {
            let mut input: Vec<Wide<Lanes>> = x.iter().map(|&x| Dual::constant(x)).collect();
            input[i] = Dual::variable(*x_i, 1);
            let dual = (self.wide_lanes)(&input);
            for (k, world) in worlds.iter().enumerate() {
                let alone = (self.plain)(world);
                let mut unit = vec![0.0; self.inputs];
                unit[i] = 1.0;
                let slope = self.along(world, &unit);
                for n in 0..y.len() {
                    let bits = |x: f64| if x.is_nan() { f64::NAN.to_bits() } else { (x + 0.0).to_bits() };
                    let pairs = [(y[n].lane(k), alone[n]), (dual[n].tangent.get(1).lane(k), slope[n])];
                    for (lane, single) in pairs {
                        let name = self.name;
                        assert_eq!(bits(lane), bits(single), "{name} of {world:?}: {lane:e}, {single:e}");
                    }
                }
            }
        }
    }
}

pub fn nan_is_worst(a: f64, b: f64) -> f64 {
    if b.is_nan() { f64::INFINITY } else { a.max(b) }
}

pub fn rows(functions: Vec<Function>) -> Vec<Row> {
    functions.into_iter().map(|f| Row::new(f.name, move || f.ask())).collect()
}
