//! Speaks to a server as another program would, past TLS.

use std::io::{self, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
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
    password: Option<String>,
}

impl Control {
    /// Creates a way in as the default user.
    pub(crate) fn new(address: Address, password: Option<String>) -> Self {
        Self { address, password }
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
        let mut stream = BufReader::new(self.connect()?);
        if let Some(password) = &self.password {
            let reply = exchange(&mut stream, &["AUTH", password])?;
            if matches!(reply, Reply::Error(_)) {
                return Ok(reply);
            }
        }
        exchange(&mut stream, words)
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

trait Stream: Read + Write {}
impl<S: Read + Write> Stream for S {}

fn exchange(
    stream: &mut BufReader<Box<dyn Stream>>,
    words: &[impl AsRef<[u8]>],
) -> io::Result<Reply> {
    stream.get_mut().write_all(&encode(words))?;
    Reply::read(stream)
}

fn encode(words: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let mut wire = format!("*{}\r\n", words.len()).into_bytes();
    for word in words.iter().map(AsRef::as_ref) {
        wire.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        wire.extend_from_slice(word);
        wire.extend_from_slice(b"\r\n");
    }
    wire
}
