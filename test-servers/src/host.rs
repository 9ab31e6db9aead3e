//! What a server runs in.

use std::fmt::Debug;
use std::path::Path;

use crate::Error;

/// A process or a container: something that can be started again after it was killed.
pub(crate) trait Host: Debug + Send + Sync {
    /// Starts the server; it need not be ready on return.
    ///
    /// Answers [`std::io::ErrorKind::AddrInUse`] if somebody else has taken the port.
    fn start(&self) -> Result<(), Error>;

    /// Ends the server at once; ending it twice is no error.
    fn kill(&self) -> Result<(), Error>;

    /// Freezes the server: its sockets stay open, and nothing answers.
    fn stop(&self) -> Result<(), Error>;

    /// Goes on after [`Host::stop`].
    fn resume(&self) -> Result<(), Error>;

    /// Tells whether the server has ended on its own.
    fn has_ended(&self) -> Result<bool, Error>;

    /// Returns the server's folder on this machine.
    fn folder(&self) -> &Path;

    /// Returns what the server has logged so far.
    fn log(&self) -> String;
}
