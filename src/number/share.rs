//! Work that several threads do at once, with the same bits as one.

use super::Real;

/// Work in parts that do not touch each other: done at once or part by part, the result is the same.
pub trait Work {
    /// The work over numbers `R`.
    type Of<'a, R: Real + 'a>;
    /// Does all of it.
    fn run<R: Real>(work: Self::Of<'_, R>);
    /// Its two halves, or itself when it is small.
    fn halves<'a, R: Real + 'a>(work: Self::Of<'a, R>) -> Result<[Self::Of<'a, R>; 2], Self::Of<'a, R>>;
}

/// [`Real::share`] for plain numbers: each half may find a thread of its own.
#[cfg(feature = "app")]
pub(super) fn share_f64<W: Work>(work: W::Of<'_, f64>)
where
    for<'a> W::Of<'a, f64>: Send,
{
    fn split<W: Work>(work: W::Of<'_, f64>, threads: usize)
    where
        for<'a> W::Of<'a, f64>: Send,
    {
        if threads < 2 {
            return W::run(work);
        }
        match W::halves(work) {
            Ok([a, b]) => {
                rayon::join(|| split::<W>(a, threads / 2), || split::<W>(b, threads - threads / 2));
            }
            Err(whole) => W::run(whole),
        }
    }
    let threads = rayon::current_num_threads();
    // Four parts for each thread even out what takes longer.
    split::<W>(work, if threads < 2 { 1 } else { 4 * threads });
}

/// The same on one thread.
#[cfg(not(feature = "app"))]
pub(super) fn share_f64<W: Work>(work: W::Of<'_, f64>) {
    W::run(work);
}
