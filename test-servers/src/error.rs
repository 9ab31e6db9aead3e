//! Why there is no server.

use std::{error, fmt, io};

/// Why a server could not be started or reached.
#[non_exhaustive]
#[derive(Debug)]
pub enum Error {
    /// The server ended, or did not become ready; holds the end of its log.
    Failed(String),
    /// A file, a socket or a process could not be used.
    Io(io::Error),
    /// The server can be had in no way here; holds what is missing.
    Unavailable(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(log) => write!(f, "the server did not start: {log}"),
            Self::Io(_) => f.write_str("a file, a socket or a process could not be used"),
            Self::Unavailable(missing) => write!(f, "the server can be had in no way: {missing}"),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Failed(_) | Self::Unavailable(_) => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
