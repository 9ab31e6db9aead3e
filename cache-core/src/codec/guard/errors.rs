//! What becomes of errors on the way through a guard.

use std::fmt::{self, Display};

use serde::de::Error;

/// What becomes of the errors of a deserializer on the way through a [`Guard`](super::Guard).
pub(in crate::codec) trait Errors {
    /// What an `E` is inside of the guard.
    type Of<E: Error>: Error;

    fn take<E: Error>(error: E) -> Self::Of<E>;

    fn give<E: Error>(error: Self::Of<E>) -> E;
}

/// Errors pass as they are, which costs nothing.
pub(in crate::codec) struct Keep;

impl Errors for Keep {
    type Of<E: Error> = E;

    fn take<E: Error>(error: E) -> E {
        error
    }

    fn give<E: Error>(error: E) -> E {
        error
    }
}

/// Errors lose their text.
///
/// Type erasure turns an error into text and back at every level. If the text then is in quotes and the
/// quotes are escaped, as by bincode, it doubles with every level: up to 128 times. The text may also
/// show the value.
pub(in crate::codec) struct Shorten;

impl Errors for Shorten {
    type Of<E: Error> = Unfit;

    fn take<E: Error>(_: E) -> Unfit {
        Unfit
    }

    fn give<E: Error>(error: Unfit) -> E {
        E::custom(error)
    }
}

/// The payload is not of this type, or exceeds the limits.
#[derive(Debug)]
pub(in crate::codec) struct Unfit;

impl Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the payload does not fit the type or its bounds")
    }
}

impl std::error::Error for Unfit {}

impl Error for Unfit {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}
