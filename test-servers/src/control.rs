//! Speaks to a server as another program would, past TLS.

use std::fmt;
use std::io::{self, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::Reply;

/// How long a reply may take; shorter than a test runner's patience.
const REPLY_LIMIT: Duration = Duration::from_secs(10);

/// Where a server takes commands without TLS.
///
/// A process has a socket in its own folder, so that whoever answers there is that process and not
/// another one that was quicker to take the port.
#[derive(Debug)]
pub(crate) enum Address {
    /// A socket's file.
    File(PathBuf),
    /// A loopback port.
    #[cfg_attr(not(feature = "container"), expect(dead_code, reason = "for containers"))]
    Port(u16),
}

/// A way in; each command takes a connection of its own.
#[derive(Debug)]
pub(crate) struct Control {
    address: Address,
    password: Mutex<Option<String>>,
}

impl Control {
    /// Creates a way in as the default user.
    pub(crate) fn new(address: Address, password: Option<String>) -> Self {
        Self { address, password: Mutex::new(password) }
    }

    /// Uses another password from now on.
    pub(crate) fn set_password(&self, password: Option<String>) {
        *self.password.lock().unwrap_or_else(PoisonError::into_inner) = password;
    }

    /// Returns the socket's file.
    pub(crate) fn socket(&self) -> Option<&Path> {
        match &self.address {
            Address::File(path) => Some(path),
            Address::Port(_) => None,
        }
    }

    /// Sends one command and reads its reply.
    pub(crate) fn command(&self, words: &[impl AsRef<[u8]>]) -> io::Result<Reply> {
        match self.enter()? {
            Ok(mut entered) => entered.command(words),
            Err(refusal) => Ok(refusal),
        }
    }

    /// Connects and says who we are; the server may refuse that.
    pub(crate) fn enter(&self) -> io::Result<Result<Entered, Reply>> {
        let mut entered = Entered(BufReader::new(self.connect()?));
        let password = self.password.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(password) = password {
            let reply = entered.command(&["AUTH", &password])?;
            if matches!(reply, Reply::Error(_)) {
                return Ok(Err(reply));
            }
        }
        Ok(Ok(entered))
    }

    fn connect(&self) -> io::Result<Box<dyn Stream>> {
        match &self.address {
            Address::File(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(REPLY_LIMIT))?;
                stream.set_write_timeout(Some(REPLY_LIMIT))?;
                Ok(Box::new(stream))
            }
            Address::Port(port) => {
                let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, *port))?;
                stream.set_read_timeout(Some(REPLY_LIMIT))?;
                stream.set_write_timeout(Some(REPLY_LIMIT))?;
                Ok(Box::new(stream))
            }
        }
    }
}

/// A connection over which commands are taken.
pub(crate) struct Entered(BufReader<Box<dyn Stream>>);

impl Entered {
    /// Sends one command and reads its reply.
    pub(crate) fn command(&mut self, words: &[impl AsRef<[u8]>]) -> io::Result<Reply> {
        self.0.get_mut().write_all(&encode(words))?;
        Reply::read(&mut self.0)
    }
}

impl fmt::Debug for Entered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entered").finish_non_exhaustive()
    }
}

trait Stream: Read + Send + Write {}
impl<S: Read + Send + Write> Stream for S {}

fn encode(words: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let mut wire = format!("*{}\r\n", words.len()).into_bytes();
    for word in words.iter().map(AsRef::as_ref) {
        wire.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        wire.extend_from_slice(word);
        wire.extend_from_slice(b"\r\n");
    }
    wire
}
