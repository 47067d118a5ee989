//! Layers of neurons.

use crate::number::Real;

/// What a hidden neuron does to the sum of its inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// `tanh x`.
    #[default]
    Tanh,
    /// `x` above zero, `exp x − 1` below (Clevert, Unterthiner and Hochreiter 2016).
    Elu,
    /// `x / (1 + exp(−x))` (Elfwing, Uchibe and Doya 2018).
    Silu,
}

impl Activation {
    /// The value and the slope.
    #[inline(always)]
    fn value_and_slope<R: Real>(self, x: R) -> (R, R) {
        let one = R::one();
        match self {
            Self::Tanh => {
                let y = x.tanh();
                (y, one - y * y)
            }
            Self::Elu => {
                let below = x.lt(R::zero());
                let grown = R::select(below, x, R::zero()).exp();
                (R::select(below, grown - one, x), R::select(below, grown, one))
            }
            Self::Silu => {
                let share = ((x.times(0.5)).tanh() + one).times(0.5);
                (x * share, share * (one + x * (one - share)))
            }
        }
    }
}

/// A multilayer perceptron: `x_{l+1} = σ(W_lᵀ x_l + b_l)`, the last layer without `σ`.
///
/// Its parameters stand layer by layer: the weights, all those of one input side by side, `(inputs, outputs)`,
/// and then the biases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mlp {
    /// Of the inputs, of every hidden layer, and of the outputs.
    pub sizes: Vec<usize>,
    /// Of the hidden layers.
    pub activation: Activation,
}

impl Mlp {
    /// How many parameters it has.
    pub fn count(&self) -> usize {
        self.layers().map(|l| (l.inputs + 1) * l.outputs).sum()
    }
    /// How many values one evaluation keeps: inputs, hidden ones and outputs.
    pub fn width(&self) -> usize {
        self.sizes.iter().sum()
    }
    /// How many inputs it has.
    pub fn inputs(&self) -> usize {
        self.sizes.first().copied().unwrap_or(0)
    }
    /// How many outputs it has.
    pub fn outputs(&self) -> usize {
        self.sizes.last().copied().unwrap_or(0)
    }

    /// Its layers, with the places of their weights, and of their inputs among the values.
    pub(super) fn layers(&self) -> impl DoubleEndedIterator<Item = Layer> + '_ {
        let (mut weights, mut values, mut all) = (0, 0, Vec::with_capacity(self.sizes.len()));
        for (l, pair) in self.sizes.windows(2).enumerate() {
            let last = l + 2 == self.sizes.len();
            all.push(Layer { inputs: pair[0], outputs: pair[1], weights, values, last });
            weights += (pair[0] + 1) * pair[1];
            values += pair[0];
        }
        all.into_iter()
    }

    /// Finds all values behind the inputs, which stand first in `values`; `slopes` has the same places.
    pub fn forward<R: Real>(&self, parameters: &[R], values: &mut [R], slopes: &mut [R]) {
        for layer in self.layers() {
            let (weights, biases) = layer.parameters(parameters);
            let (before, after) = values.split_at_mut(layer.values + layer.inputs);
            let x = &before[layer.values..];
            let y = &mut after[..layer.outputs];
            y.copy_from_slice(biases);
            add_rows(weights, x, y);
            if !layer.last {
                let slopes = &mut slopes[layer.values + layer.inputs..][..layer.outputs];
                for (y, slope) in y.iter_mut().zip(slopes) {
                    (*y, *slope) = self.activation.value_and_slope(*y);
                }
            }
        }
    }

    /// The pullback of [`forward`](Mlp::forward) by the values: `cotangents` holds those of the outputs in
    /// their places, and gets those of the sums of all neurons, and of the inputs if they are `asked` for.
    pub fn pullback<R: Real>(&self, parameters: &[R], slopes: &[R], cotangents: &mut [R], asked: bool) {
        for layer in self.layers().rev() {
            let first = layer.values == 0;
            if first && !asked {
                return;
            }
            let (weights, _) = layer.parameters(parameters);
            let (before, after) = cotangents.split_at_mut(layer.values + layer.inputs);
            let w = &after[..layer.outputs];
            let own = &mut before[layer.values..];
            for (own, row) in own.iter_mut().zip(weights.chunks_exact(layer.outputs.max(1))) {
                *own = dot(row, w);
            }
            if !first {
                for (own, slope) in own.iter_mut().zip(&slopes[layer.values..]) {
                    *own *= *slope;
                }
            }
        }
    }

    /// Adds the cotangents of the parameters of many evaluations: with the cotangents `δ` that
    /// [`pullback`](Mlp::pullback) left, `W̄ = Σ x δᵀ`, `b̄ = Σ δ`, four evaluations at a time. Values and
    /// cotangents of one evaluation follow those of the one before.
    pub fn parameters_pullback<R: Real>(&self, values: &[R], cotangents: &[R], out: &mut [R]) {
        let width = self.width().max(1);
        for layer in self.layers() {
            let (weights, biases) = layer.parameters_mut(out);
            for (x, w) in values.chunks(4 * width).zip(cotangents.chunks(4 * width)) {
                let n = x.len() / width;
                let zero = &w[..0];
                let each: [&[R]; 4] = std::array::from_fn(|s| {
                    if s < n { &w[s * width + layer.values + layer.inputs..][..layer.outputs] } else { zero }
                });
                for w in &each[..n] {
                    biases.iter_mut().zip(*w).for_each(|(b, w)| *b += *w);
                }
                for (i, row) in weights.chunks_exact_mut(layer.outputs.max(1)).enumerate() {
                    let x = |s: usize| x[s * width + layer.values + i];
                    if n == 4 {
                        let [x0, x1, x2, x3] = [x(0), x(1), x(2), x(3)];
                        let [w0, w1, w2, w3] = each;
                        for (j, out) in row.iter_mut().enumerate() {
                            *out += (x0 * w0[j] + x1 * w1[j]) + (x2 * w2[j] + x3 * w3[j]);
                        }
                    } else {
                        for (s, w) in each[..n].iter().enumerate() {
                            row.iter_mut().zip(*w).for_each(|(out, w)| *out += x(s) * *w);
                        }
                    }
                }
            }
        }
    }
}

/// One layer of an [`Mlp`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Layer {
    pub inputs: usize,
    pub outputs: usize,
    /// Where its parameters begin.
    pub weights: usize,
    /// Where its inputs begin among the values.
    values: usize,
    last: bool,
}

impl Layer {
    fn parameters<'a, R>(&self, all: &'a [R]) -> (&'a [R], &'a [R]) {
        all[self.weights..][..(self.inputs + 1) * self.outputs].split_at(self.inputs * self.outputs)
    }
    fn parameters_mut<'a, R>(&self, all: &'a mut [R]) -> (&'a mut [R], &'a mut [R]) {
        all[self.weights..][..(self.inputs + 1) * self.outputs].split_at_mut(self.inputs * self.outputs)
    }
}

/// `y += Wᵀ x`, four rows of `W` at a time.
#[inline]
fn add_rows<R: Real>(weights: &[R], x: &[R], y: &mut [R]) {
    let n = y.len();
    if n == 0 {
        return;
    }
    let mut rows = weights.chunks_exact(4 * n);
    let mut inputs = x.chunks_exact(4);
    for (rows, x) in (&mut rows).zip(&mut inputs) {
        let (a, rest) = rows.split_at(n);
        let (b, rest) = rest.split_at(n);
        let (c, d) = rest.split_at(n);
        for ((((y, a), b), c), d) in y.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            *y += (x[0] * *a + x[1] * *b) + (x[2] * *c + x[3] * *d);
        }
    }
    let done = x.len() - inputs.remainder().len();
    for (row, x) in weights[done * n..].chunks_exact(n).zip(inputs.remainder()) {
        y.iter_mut().zip(row).for_each(|(y, w)| *y += *x * *w);
    }
}

/// `a · b` in eight sums, which fit into vector registers.
#[inline]
fn dot<R: Real>(a: &[R], b: &[R]) -> R {
    let mut sums = [R::zero(); 8];
    let (mut left, mut right) = (a.chunks_exact(8), b.chunks_exact(8));
    for (a, b) in (&mut left).zip(&mut right) {
        for k in 0..8 {
            sums[k] += a[k] * b[k];
        }
    }
    let rest = left.remainder().iter().zip(right.remainder());
    let tail = rest.fold(R::zero(), |sum, (a, b)| sum + *a * *b);
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + e) + (b + f)) + ((c + g) + (d + h)) + tail
}
