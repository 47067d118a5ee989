//! How well a recording determines the variables.

use nalgebra::{DMatrix, DVector, SymmetricEigen};

use super::least_squares::jacobian;
use super::{Problem, Solution};
use crate::error::Error;
use crate::objective::When;

/// One variable after the fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// As the scene calls it.
    pub name: String,
    /// Of value and interval.
    pub unit: &'static str,
    /// Before the fit.
    pub start: f64,
    /// After it.
    pub value: f64,
    /// Half of the 95 % interval around the value; infinite if the recording says nothing about it.
    pub half_width: f64,
}

/// Variables that only count together.
#[derive(Clone, Debug, PartialEq)]
pub struct Combination {
    /// Shares and names, the largest first: relative changes of the variables, of length one.
    pub shares: Vec<(f64, String)>,
    /// Half of the 95 % interval along it, relative to the sizes of the variables.
    pub half_width: f64,
}

/// What a recording says about the variables of a problem.
///
/// With residuals `zᵢ = (measured − simulated)/σᵢ` (m), their Jacobian `J` by the variables (n) and
/// `s² = Σ zᵢ²/(m − n)`, the covariance is `s² (JᵀJ)⁻¹`, and an interval is `t √covariance` with Student's
/// `t` for 95 % (Bates and Watts 1988, "Nonlinear regression analysis", chapter 2).
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// One for each variable.
    pub estimates: Vec<Estimate>,
    /// Directions whose interval is wider than the variables are large.
    pub undetermined: Vec<Combination>,
    /// `s`: the errors, in stated deviations; one if model and deviations are right.
    pub errors: f64,
    /// How many numbers were compared.
    pub numbers: usize,
}

/// What is smaller than this part of the largest eigenvalue is rounding.
const ROUNDING: f64 = 1e-13;
/// Shares of a direction that are worth a word.
const WORTH_A_WORD: f64 = 0.15;

/// What the recordings of a problem say about its solution; `None` if its costs compare with none.
///
/// # Errors
/// A solution of another problem, or one that diverges.
pub fn fit(problem: &Problem, solution: &Solution) -> Result<Option<Fit>, Error> {
    let mut recorded = problem.clone();
    recorded.terms.retain(|term| matches!(term.when, When::Rows { .. }));
    if recorded.terms.is_empty() || recorded.starts.is_some() || problem.groups.is_empty() {
        return Ok(None);
    }
    let natural = solution.natural(problem)?;
    let (r, j) = jacobian(&recorded, &natural)?;
    // A cost ½ z² has the residual z/√2.
    let (z, j) = (r * 2f64.sqrt(), j * 2f64.sqrt());
    let (m, n) = j.shape();
    let freedom = m.saturating_sub(n);
    let errors = if freedom > 0 { (z.norm_squared() / freedom as f64).sqrt() } else { f64::INFINITY };
    let variables: Vec<_> = problem.groups.iter().flat_map(|g| &g.variables).collect();
    let size = |i: usize| if natural[i] == 0.0 { variables[i].scale } else { natural[i].abs() };
    let sizes = DVector::from_fn(n, |i, _| size(i));
    let scaled = DMatrix::from_fn(m, n, |i, k| j[(i, k)] * sizes[k]);
    let eigen = SymmetricEigen::new(scaled.tr_mul(&scaled));
    let largest = eigen.eigenvalues.max();
    let reach = student(freedom) * errors;
    let widths: Vec<f64> = (eigen.eigenvalues.iter())
        .map(|e| if *e > ROUNDING * largest { reach / e.sqrt() } else { f64::INFINITY })
        .collect();
    let half_width = |i: usize| -> f64 {
        let along = |(k, width): (usize, &f64)| {
            let share = eigen.eigenvectors[(i, k)].abs();
            if share > 1e-6 { (share * width).powi(2) } else { 0.0 }
        };
        sizes[i] * widths.iter().enumerate().map(along).sum::<f64>().sqrt()
    };
    let estimate = |(i, v): (usize, &&super::Variable)| Estimate {
        name: v.name.clone(),
        unit: v.unit,
        start: v.start,
        value: natural[i],
        half_width: half_width(i),
    };
    let combination = |(k, width): (usize, &f64)| {
        let column = eigen.eigenvectors.column(k);
        let mut shares: Vec<(f64, String)> = (column.iter().zip(&variables))
            .filter(|(share, _)| share.abs() > WORTH_A_WORD)
            .map(|(share, v)| (*share, v.name.clone()))
            .collect();
        shares.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()));
        // The sign of a direction has no meaning: its largest share is positive.
        let sign = shares.first().map_or(1.0, |s| s.0.signum());
        shares.iter_mut().for_each(|s| s.0 *= sign);
        Combination { shares, half_width: *width }
    };
    Ok(Some(Fit {
        estimates: variables.iter().enumerate().map(estimate).collect(),
        undetermined: widths.iter().enumerate().filter(|(_, w)| **w > 1.0).map(combination).collect(),
        errors,
        numbers: m,
    }))
}

/// The number that Student's `t` with this freedom exceeds on either side in 5 % of cases (the first three
/// terms of Abramowitz and Stegun 1964, 26.7.5).
fn student(freedom: usize) -> f64 {
    const X: f64 = 1.959_964;
    let n = freedom.max(1) as f64;
    let first = (X.powi(3) + X) / 4.0;
    let second = (5.0 * X.powi(5) + 16.0 * X.powi(3) + 3.0 * X) / 96.0;
    X + first / n + second / (n * n)
}
