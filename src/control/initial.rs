//! Where the weights of a network begin.

use nalgebra::DMatrix;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::{Layer, Mlp};
use crate::number::Real;

/// How weights are drawn, for a layer of `n` inputs and `m` outputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// Evenly with the variance `1/n` (LeCun et al. 1998).
    #[default]
    LeCun,
    /// Evenly with the variance `2/n` (He et al. 2015).
    Kaiming,
    /// Evenly with the variance `2/(n + m)` (Glorot and Bengio 2010).
    Xavier,
    /// An orthogonal matrix, all of them equally likely; of a matrix that is not square, the rows or the
    /// columns, whichever are fewer, are orthonormal (Saxe, McClelland and Ganguli 2014).
    Orthogonal,
}

/// Where the parameters of a network begin: biases are zero, norms do nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Initial {
    /// How weights are drawn.
    pub scheme: Scheme,
    /// Multiplies them.
    pub gain: f64,
    /// Multiplies those of the outputs once more: a small one lets the network begin by doing little.
    pub last: f64,
}

impl Default for Initial {
    fn default() -> Self {
        Self { scheme: Scheme::default(), gain: 1.0, last: 0.1 }
    }
}

impl Initial {
    /// Draws the parameters of a network.
    pub fn draw(&self, mlp: &Mlp, seed: u64) -> Vec<f64> {
        let mut random = Pcg64::seed_from_u64(seed);
        let (mut out, layers) = (Vec::with_capacity(mlp.count()), mlp.sizes.len().saturating_sub(1));
        for (l, layer) in mlp.layers().enumerate() {
            let gain = self.gain * if l + 1 == layers { self.last } else { 1.0 };
            out.extend(self.weights(&layer, gain, &mut random));
            out.resize(out.len() + layer.outputs, 0.0);
            if layer.norm {
                out.resize(out.len() + layer.outputs, 1.0);
                out.resize(out.len() + layer.outputs, 0.0);
            }
        }
        out
    }

    /// Those of one layer, all of one input side by side.
    fn weights(&self, layer: &Layer, gain: f64, random: &mut Pcg64) -> Vec<f64> {
        let (n, m) = (layer.inputs, layer.outputs);
        let variance = match self.scheme {
            Scheme::Orthogonal => return orthogonal(n, m, gain, random),
            Scheme::LeCun => 1.0 / n.max(1) as f64,
            Scheme::Kaiming => 2.0 / n.max(1) as f64,
            Scheme::Xavier => 2.0 / (n + m).max(1) as f64,
        };
        let half = (3.0 * variance).sqrt() * gain;
        (0..n * m).map(|_| half * random.random_range(-1.0..1.0)).collect()
    }
}

/// `Q` of a matrix of normal numbers, with the signs of `R`'s diagonal, so that all are equally likely
/// (Mezzadri 2007): (n, m), row by row.
fn orthogonal(n: usize, m: usize, gain: f64, random: &mut Pcg64) -> Vec<f64> {
    let mut normal = || {
        let (a, b): (f64, f64) = (random.random_range(0.0..1.0), random.random_range(-1.0..1.0));
        (Real::ln(1.0 - a).times(-2.0)).sqrt() * Real::cos(b * std::f64::consts::PI)
    };
    let tall = DMatrix::from_fn(n.max(m), n.min(m), |_, _| normal());
    let (mut q, r) = tall.qr().unpack();
    for (mut column, diagonal) in q.column_iter_mut().zip(r.diagonal().iter()) {
        column *= gain * diagonal.signum();
    }
    // A list of columns of the transposed matrix is a list of rows.
    if n >= m { q.transpose().as_slice().to_vec() } else { q.as_slice().to_vec() }
}
