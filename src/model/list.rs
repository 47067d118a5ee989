//! Lists of the numbers of a model.

/// A list made of another. Not collected from an iterator, of which a dozen functions are compiled for every closure.
pub(super) fn each<A, B>(list: &[A], mut of: impl FnMut(&A) -> B) -> Vec<B> {
    let mut out = Vec::with_capacity(list.len());
    for x in list {
        out.push(of(x));
    }
    out
}
