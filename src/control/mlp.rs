//! Layers of neurons.

use std::ops::Range;

use crate::number::{Pointwise, Real, Strides};

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
    /// `max(0, x)`; the slope at zero is one.
    Relu,
}

impl Pointwise for Activation {
    #[inline(always)]
    fn value_and_slope<R: Real>(&self, x: R) -> (R, R) {
        let (zero, one) = (R::zero(), R::one());
        match self {
            Self::Tanh => {
                let y = x.tanh();
                (y, one - y * y)
            }
            Self::Elu => {
                let below = x.lt(zero);
                let grown = R::select(below, x, zero).exp();
                (R::select(below, grown - one, x), R::select(below, grown, one))
            }
            Self::Silu => {
                let share = ((x.times(0.5)).tanh() + one).times(0.5);
                (x * share, share * (one + x * (one - share)))
            }
            Self::Relu => {
                let below = x.lt(zero);
                (R::select(below, zero, x), R::select(below, zero, one))
            }
        }
    }
}

/// What is added to a variance before its root, as in PyTorch.
const EPSILON: f64 = 1e-5;

/// A multilayer perceptron: `x_{l+1} = σ(N(W_lᵀ x_l + b_l))`, the last layer without `σ` and `N`.
///
/// `N` is the identity, or a layer norm (Ba, Kiros and Hinton 2016): `γ (z − mean z) / √(var z + 10⁻⁵) + β`
/// over the neurons of the layer, entry by entry in `γ` and `β`.
///
/// Its parameters stand layer by layer: the weights, all those of one input side by side, `(inputs, outputs)`,
/// then the biases, and then `γ` and `β`.
///
/// All functions take the values of many evaluations, which stand in blocks `(evaluations, neurons)`: the inputs,
/// and for every layer what the norm leaves before `γ` and `β` if there is one, and the outputs. They work on some
/// of the evaluations, or on all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mlp {
    /// Of the inputs, of every hidden layer, and of the outputs.
    pub sizes: Vec<usize>,
    /// Of the hidden layers.
    pub activation: Activation,
    /// Whether hidden layers have a layer norm.
    pub norm: bool,
}

impl Mlp {
    /// How many parameters it has.
    pub fn count(&self) -> usize {
        self.layers().map(|l| l.count()).sum()
    }
    /// How many values one evaluation keeps.
    pub fn width(&self) -> usize {
        self.inputs() + self.layers().map(|l| l.end() - l.sums()).sum::<usize>()
    }
    /// How many inputs it has.
    pub fn inputs(&self) -> usize {
        self.sizes.first().copied().unwrap_or(0)
    }
    /// How many outputs it has.
    pub fn outputs(&self) -> usize {
        self.sizes.last().copied().unwrap_or(0)
    }

    /// Its layers, with the places of their parameters, and of their inputs among the values.
    pub fn layers(&self) -> impl DoubleEndedIterator<Item = Layer> + '_ {
        let (mut weights, mut values, mut all) = (0, 0, Vec::with_capacity(self.sizes.len()));
        for (l, pair) in self.sizes.windows(2).enumerate() {
            let last = l + 2 == self.sizes.len();
            let norm = self.norm && !last;
            let number = l * if self.norm { 3 } else { 2 };
            all.push(Layer { inputs: pair[0], outputs: pair[1], norm, number, weights, values, last });
            weights += all[l].count();
            values = all[l].end() - pair[1];
        }
        all.into_iter()
    }

    /// Its parameters as arrays, named and shaped as in the state of a PyTorch `Sequential`.
    pub fn arrays(&self) -> Vec<Named> {
        let mut out = Vec::new();
        for layer in self.layers() {
            let (n, m, first) = (layer.inputs, layer.outputs, layer.weights);
            let mut array = |number, what, shape, places| {
                out.push(Named { name: format!("{number}.{what}"), shape, places });
            };
            let weights = (0..m).flat_map(|o| (0..n).map(move |i| first + i * m + o)).collect();
            let run = |k: usize| (first + (n + k) * m..first + (n + k + 1) * m).collect::<Vec<_>>();
            array(layer.number, "weight", vec![m, n], weights);
            array(layer.number, "bias", vec![m], run(0));
            if layer.norm {
                array(layer.number + 1, "weight", vec![m], run(1));
                array(layer.number + 1, "bias", vec![m], run(2));
            }
        }
        out
    }

    /// Finds all values of some evaluations behind their inputs; `slopes` has the same places.
    pub fn forward<R: Real>(
        &self,
        parameters: &[R],
        (values, slopes): (&mut [R], &mut [R]),
        evaluations: Range<usize>,
    ) {
        let (all, some) = (values.len() / self.width().max(1), evaluations);
        for layer in self.layers() {
            let [weights, biases, scale, shift] = layer.parameters(parameters);
            let (x, rest) = values[layer.values * all..].split_at_mut(layer.inputs * all);
            let (sums, rest) = rest.split_at_mut(layer.outputs * all);
            let (inputs, outputs) = (layer.inputs, layer.outputs);
            let (x, sums) = (of(x, inputs, &some), of_mut(sums, outputs, &some));
            let (row, size) = (Strides::rows_of(outputs), [some.len(), inputs, outputs]);
            sums.chunks_exact_mut(outputs.max(1)).for_each(|row| row.copy_from_slice(biases));
            R::add_product(size, (x, Strides::rows_of(inputs)), (weights, row), (sums, row));
            let slopes = &mut slopes[layer.sums() * all..layer.end() * all];
            let (roots, slopes) = slopes.split_at_mut(if layer.norm { outputs * all } else { 0 });
            let y = if layer.norm {
                let y = of_mut(rest, outputs, &some);
                normalize(sums, (scale, shift), y, of_mut(roots, outputs, &some));
                y
            } else {
                sums
            };
            if !layer.last {
                R::apply(&self.activation, y, of_mut(slopes, outputs, &some));
            }
        }
    }

    /// The pullback of [`forward`](Mlp::forward) by the values: `cotangents` holds those of the outputs in
    /// their places, and gets those of what goes into each product, norm and activation, and of the inputs.
    pub fn pullback<R: Real>(
        &self,
        parameters: &[R],
        (values, slopes): (&[R], &[R]),
        cotangents: &mut [R],
        evaluations: Range<usize>,
    ) {
        let (all, some) = (values.len() / self.width().max(1), evaluations);
        for layer in self.layers().rev() {
            let [weights, _, scale, _] = layer.parameters(parameters);
            let (inputs, outputs) = (layer.inputs, layer.outputs);
            let (before, after) = cotangents.split_at_mut(layer.sums() * all);
            let (w, rest) = after.split_at_mut(outputs * all);
            let w = of_mut(w, outputs, &some);
            let slopes_of_y = of(&slopes[(layer.end() - outputs) * all..], outputs, &some);
            let multiply = |y: &mut [R]| y.iter_mut().zip(slopes_of_y).for_each(|(y, slope)| *y *= *slope);
            if layer.norm {
                let y = of_mut(rest, outputs, &some);
                multiply(y);
                let [n, roots] = [values, slopes].map(|list| of(&list[layer.sums() * all..], outputs, &some));
                normalize_pullback((n, roots), scale, y, w);
            } else if !layer.last {
                multiply(w);
            }
            let own = of_mut(&mut before[layer.values * all..], inputs, &some);
            own.fill(R::zero());
            let (row, size) = (Strides::rows_of(outputs), [some.len(), outputs, inputs]);
            R::add_product(size, (w, row), (weights, row.transposed()), (own, Strides::rows_of(inputs)));
        }
    }

    /// Adds the cotangents of the parameters of all evaluations: with the cotangents that
    /// [`pullback`](Mlp::pullback) left, `δ` of the sums and `η` of what the norms give, `W̄ = Σ x δᵀ`,
    /// `b̄ = Σ δ`, `γ̄ = Σ η (z − mean z)/√…`, `β̄ = Σ η`.
    pub fn parameters_pullback<R: Real>(&self, values: &[R], cotangents: &[R], out: &mut [R]) {
        let all = values.len() / self.width().max(1);
        for layer in self.layers() {
            let [weights, biases, scale, shift] = layer.parameters_mut(out);
            let n = layer.outputs;
            let block = |list| of(list, n, &(0..all));
            let w = block(&cotangents[layer.sums() * all..]);
            for w in w.chunks_exact(n.max(1)) {
                biases.iter_mut().zip(w).for_each(|(out, w)| *out += *w);
            }
            if layer.norm {
                let x = block(&values[layer.sums() * all..]);
                let w = block(&cotangents[(layer.end() - n) * all..]);
                for (w, x) in w.chunks_exact(n.max(1)).zip(x.chunks_exact(n.max(1))) {
                    for (((scale, shift), w), x) in scale.iter_mut().zip(&mut *shift).zip(w).zip(x) {
                        *scale += *w * *x;
                        *shift += *w;
                    }
                }
            }
            let x = (&values[layer.values * all..], Strides::rows_of(layer.inputs).transposed());
            let row = Strides::rows_of(n);
            R::add_product([layer.inputs, all, n], x, (w, row), (weights, row));
        }
    }
}

/// The rows of some evaluations in a block with so many neurons.
fn of<'a, R>(block: &'a [R], neurons: usize, evaluations: &Range<usize>) -> &'a [R] {
    &block[evaluations.start * neurons..evaluations.end * neurons]
}

fn of_mut<'a, R>(block: &'a mut [R], neurons: usize, evaluations: &Range<usize>) -> &'a mut [R] {
    &mut block[evaluations.start * neurons..evaluations.end * neurons]
}

/// Parameters that belong together, as a file of weights keeps them.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// What it holds.
    pub name: String,
    /// Sizes, the slowest first.
    pub shape: Vec<usize>,
    /// The place of every entry among the parameters.
    pub places: Vec<usize>,
}

/// One layer of an [`Mlp`].
#[derive(Clone, Copy, Debug)]
pub struct Layer {
    /// How many numbers go in.
    pub inputs: usize,
    /// How many neurons it has.
    pub outputs: usize,
    /// Whether a layer norm follows.
    pub norm: bool,
    /// Its place in a list of products, norms and activations, as PyTorch's `Sequential` counts.
    pub number: usize,
    /// Where its parameters begin.
    pub weights: usize,
    /// Where its inputs begin among the values.
    values: usize,
    last: bool,
}

impl Layer {
    /// How many parameters it has.
    pub fn count(&self) -> usize {
        (self.inputs + if self.norm { 3 } else { 1 }) * self.outputs
    }
    /// Where its sums stand among the values, or what the norm leaves of them.
    fn sums(&self) -> usize {
        self.values + self.inputs
    }
    /// Where its outputs end.
    fn end(&self) -> usize {
        self.sums() + if self.norm { 2 } else { 1 } * self.outputs
    }
    /// Weights, biases, and scale and shift of the norm, if there is one.
    fn parameters<'a, R>(&self, all: &'a [R]) -> [&'a [R]; 4] {
        let (weights, rest) = all[self.weights..][..self.count()].split_at(self.inputs * self.outputs);
        let (biases, rest) = rest.split_at(self.outputs);
        let (scale, shift) = rest.split_at(rest.len() / 2);
        [weights, biases, scale, shift]
    }
    fn parameters_mut<'a, R>(&self, all: &'a mut [R]) -> [&'a mut [R]; 4] {
        let (weights, rest) = all[self.weights..][..self.count()].split_at_mut(self.inputs * self.outputs);
        let (biases, rest) = rest.split_at_mut(self.outputs);
        let (scale, shift) = rest.split_at_mut(rest.len() / 2);
        [weights, biases, scale, shift]
    }
}

/// Replaces rows `z` by `n = (z − mean z) r` with `r = 1/√(var z + ε)`, notes `r` first in each row of `roots`,
/// and overwrites `y = γ n + β`.
fn normalize<R: Real>(z: &mut [R], (scale, shift): (&[R], &[R]), y: &mut [R], roots: &mut [R]) {
    let size = scale.len();
    let share = 1.0 / size as f64;
    for ((z, y), roots) in
        z.chunks_exact_mut(size).zip(y.chunks_exact_mut(size)).zip(roots.chunks_exact_mut(size))
    {
        let mean = z.iter().fold(R::zero(), |sum, z| sum + *z).times(share);
        let variance = z.iter().fold(R::zero(), |sum, z| sum + (*z - mean).square()).times(share);
        roots[0] = (variance + R::from_f64(EPSILON)).sqrt().recip();
        for (((z, y), scale), shift) in z.iter_mut().zip(y).zip(scale).zip(shift) {
            *z = (*z - mean) * roots[0];
            *y = *scale * *z + *shift;
        }
    }
}

/// The pullback of [`normalize`] by `z`: with `g = γ ȳ`, `z̄ = r (g − mean g − n mean(g n))`.
fn normalize_pullback<R: Real>((n, roots): (&[R], &[R]), scale: &[R], y: &[R], z: &mut [R]) {
    let size = scale.len();
    let share = 1.0 / size as f64;
    let each = y.chunks_exact(size).zip(z.chunks_exact_mut(size));
    for ((y, z), (n, roots)) in each.zip(n.chunks_exact(size).zip(roots.chunks_exact(size))) {
        let (mut mean, mut slope) = (R::zero(), R::zero());
        for (((z, y), scale), n) in z.iter_mut().zip(y).zip(scale).zip(n) {
            *z = *y * *scale;
            mean += *z;
            slope += *z * *n;
        }
        let (mean, slope) = (mean.times(share), slope.times(share));
        z.iter_mut().zip(n).for_each(|(z, n)| *z = roots[0] * (*z - mean - *n * slope));
    }
}
