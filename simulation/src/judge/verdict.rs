//! What is wrong, in words.

use std::fmt;

/// Why an answer may not be older.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Why {
    /// It was acknowledged so long ago that every instance must know.
    Acked {
        step: usize,
        at: u64,
    },
    /// The instance began to listen after it.
    Listening {
        at: u64,
    },
    Nothing,
    /// It happened on this instance.
    Returned {
        step: usize,
        at: u64,
    },
    /// All is quiet.
    Settled {
        step: usize,
    },
    /// The instance was told.
    Told {
        at: u64,
    },
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Acked { step, at } => {
                write!(f, "the invalidation of step {step}, acknowledged at {at} ms, was long ago")
            }
            Self::Listening { at } => {
                write!(f, "that had ended when it began to listen at {at} ms")
            }
            Self::Nothing => f.write_str("nothing has ended"),
            Self::Returned { step, at } => {
                write!(f, "step {step} ended that on this very instance at {at} ms")
            }
            Self::Settled { step } => {
                write!(f, "all is quiet, and the change of step {step} holds for everybody")
            }
            Self::Told { at } => write!(f, "it was told at {at} ms that this had ended"),
        }
    }
}

/// What is wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) promise: &'static str,
    pub(crate) text: String,
}

impl Verdict {
    pub(crate) fn new(promise: &'static str, text: String) -> Self {
        Self { promise, text }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.promise, self.text)
    }
}
