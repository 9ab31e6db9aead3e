//! The one error type of the project.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// The result of an operation of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in terms a caller can act on.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ErrorKind {
    /// The backend could not be reached or answered with a fault.
    Backend,
    /// A setting is wrong or contradicts another; the message names both.
    Config,
    /// Stored bytes could not be understood; the caller should treat this as a miss.
    Corrupt,
    /// An argument cannot be used, such as a key that is too long.
    InvalidInput,
    /// The backend did not answer in time.
    Timeout,
    /// A value is over the size limit.
    TooLarge,
    /// The backend, the codec or the type cannot do what was asked.
    Unsupported,
}

impl ErrorKind {
    /// Every kind, in the order of their names.
    pub const ALL: [Self; 7] = [
        Self::Backend,
        Self::Config,
        Self::Corrupt,
        Self::InvalidInput,
        Self::Timeout,
        Self::TooLarge,
        Self::Unsupported,
    ];

    /// Returns the name used in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Backend => "backend",
            Self::Config => "config",
            Self::Corrupt => "corrupt",
            Self::InvalidInput => "invalid_input",
            Self::Timeout => "timeout",
            Self::TooLarge => "too_large",
            Self::Unsupported => "unsupported",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error of the cache, cheap to clone.
///
/// The text says what to change and never shows a value, a key or a secret. The cause, where there
/// is one, is in [`source`](StdError::source).
#[derive(Clone)]
pub struct Error {
    kind: ErrorKind,
    message: Arc<str>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Creates an error from its kind and a text that says what to change.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into().into(), source: None }
    }

    /// Returns this error with its cause attached.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// Returns what went wrong, for a caller that decides on it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.message)?;
        self.source.as_ref().map_or(Ok(()), |source| write!(f, ": {source}"))
    }
}
