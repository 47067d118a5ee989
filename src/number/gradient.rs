//! Derivatives of what a person writes, in one call.

use nalgebra::{DMatrix, DVector};

use super::{Dual, Tangent, Tape, Var, Wide};

/// The value and the gradient of a function of many numbers: `(f(x), ∂f/∂x)`.
///
/// The function runs once, on a tape that remembers every operation, and the sweep back costs a few
/// times as much, whatever the number of inputs. It may branch and loop as it likes.
///
/// ```
/// use costate::number::{Real, gradient};
///
/// let (value, slope) = gradient(|x| x[0] * x[1].sin() + x[2].exp(), &[2.0, 0.0, 0.0]);
/// assert_eq!(value, 1.0);
/// assert_eq!(slope, [0.0, 2.0, 1.0]);
/// ```
pub fn gradient<F>(f: F, x: &[f64]) -> (f64, Vec<f64>)
where
    F: for<'t> FnOnce(&[Var<'t, f64>]) -> Var<'t, f64>,
{
    let tape = Tape::default();
    let variables: Vec<_> = x.iter().map(|&x| tape.variable(x)).collect();
    let y = f(&variables);
    // A result that depends on nothing has no place on the tape, and no seed.
    let mut slope = tape.pullback(y.node().map(|node| (node, 1.0)));
    slope.truncate(x.len());
    (y.value(), slope)
}

/// The values and the Jacobian of a function of few numbers: `(f(x), J)`, `J: (outputs, inputs)`.
///
/// The function runs on dual numbers, once for every eight inputs. For one output of many inputs
/// [`gradient`] is cheaper.
///
/// ```
/// use costate::number::{Real, jacobian};
///
/// let (value, j) = jacobian(|x| vec![x[0] * x[1], x[0].square()], &[3.0, 2.0]);
/// assert_eq!(value.as_slice(), [6.0, 9.0]);
/// assert_eq!((j[(0, 0)], j[(0, 1)], j[(1, 0)], j[(1, 1)]), (2.0, 3.0, 6.0, 0.0));
/// ```
pub fn jacobian<F>(f: F, x: &[f64]) -> (DVector<f64>, DMatrix<f64>)
where
    F: Fn(&[Wide<f64>]) -> Vec<Wide<f64>>,
{
    let width = <super::Lanes as Tangent<f64>>::WIDTH;
    // The values and up to eight columns, from the input number `first` on.
    let pass = |first: usize| {
        let seeded = |(i, &x): (usize, &f64)| match i.checked_sub(first) {
            Some(k) if k < width => Dual::variable(x, k),
            _ => Dual::constant(x),
        };
        f(&x.iter().enumerate().map(seeded).collect::<Vec<_>>())
    };
    let y = pass(0);
    let value = DVector::from_iterator(y.len(), y.iter().map(|y| y.value));
    let mut jacobian = DMatrix::zeros(y.len(), x.len());
    let rest = (width..x.len()).step_by(width).map(|first| (first, pass(first)));
    for (first, y) in std::iter::once((0, y)).chain(rest) {
        for column in first..(first + width).min(x.len()) {
            for (row, y) in y.iter().enumerate() {
                jacobian[(row, column)] = y.tangent.get(column - first);
            }
        }
    }
    (value, jacobian)
}
