//! The one error: what failed, with which value, where, the rule, the nearest right answer.

use std::fmt;

/// What can go wrong. Each message is one sentence in lower case, without a full stop.
#[derive(Debug, Clone, PartialEq)]
pub enum Error {
    /// Something in a file; the line counts from 1.
    File {
        /// As the person named it.
        file: String,
        /// If it is known.
        line: Option<u32>,
        /// What failed, the rule, and the nearest right answer.
        message: String,
    },
    /// Something that belongs to no file.
    Message(String),
    /// A rollout left the finite numbers.
    Diverged {
        /// The first state that is not finite.
        step: usize,
        /// What is not finite there.
        quantity: String,
        /// What to try.
        remedy: String,
    },
    /// The constraint forces of a step were not found.
    Unsolved {
        /// The step.
        step: usize,
    },
    /// Some of many worlds failed: which, and how.
    Worlds(Vec<(usize, Error)>),
}

impl Error {
    /// An error in a line of a file.
    pub fn at(file: impl Into<String>, line: u32, message: impl Into<String>) -> Self {
        Self::File { file: file.into(), line: Some(line), message: message.into() }
    }
    /// An error in a file as a whole.
    pub fn in_file(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self::File { file: file.into(), line: None, message: message.into() }
    }
    /// Whether a rollout failed, which another choice of what varies may mend.
    pub fn is_of_rollout(&self) -> bool {
        matches!(self, Self::Diverged { .. } | Self::Unsolved { .. } | Self::Worlds(_))
    }
    /// What went wrong, without where and when: errors of one kind are counted together.
    pub fn kind(&self) -> String {
        match self {
            Self::Diverged { .. } => "the rollout diverged".to_owned(),
            Self::Unsolved { .. } => "the search for the constraint forces did not converge".to_owned(),
            Self::Worlds(all) => all.first().map_or_else(|| self.to_string(), |(_, first)| first.kind()),
            _ => self.to_string(),
        }
    }
    /// An error that belongs to no file.
    pub fn message(message: impl Into<String>) -> Self {
        Self::Message(message.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, line: Some(line), message } => write!(f, "{file}:{line}: {message}"),
            Self::File { file, line: None, message } => write!(f, "{file}: {message}"),
            Self::Message(message) => f.write_str(message),
            Self::Diverged { step, quantity, remedy } => {
                write!(f, "the rollout diverged at step {step}: {quantity} is not finite ({remedy})")
            }
            Self::Unsolved { step } => write!(
                f,
                "the search for the constraint forces did not converge at step {step} (choose a smaller time \
                 step, or softer constraints)"
            ),
            Self::Worlds(all) => {
                let [(world, first), others @ ..] = &all[..] else { return f.write_str("no world failed") };
                write!(f, "world {world}: {first}")?;
                if others.is_empty() { Ok(()) } else { write!(f, "; {} more worlds failed", others.len()) }
            }
        }
    }
}

impl std::error::Error for Error {}

/// The known name nearest to a misspelt one, for "did you mean".
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|k| (strsim::damerau_levenshtein(name, k), k))
        .min()
        .filter(|(distance, k)| *distance <= 1 + k.len().max(name.len()) / 3)
        .map(|(_, k)| k)
}
