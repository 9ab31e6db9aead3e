//! Byte streams to a server: TCP or a socket of this machine, and TLS.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use futures_util::future::select_ok;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, BufReader};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};

use crate::Result;
use crate::endpoint::{Address, Host};
use crate::error;
use crate::tls::Tls;

/// A byte stream of whatever kind.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Opens a stream, or says which step failed or took too long.
pub(crate) async fn open(
    address: &Address,
    tls: Option<&Tls>,
    deadline: Instant,
) -> Result<Box<dyn Stream>> {
    let host = match address {
        Address::Socket(path) => return within(deadline, NO_ANSWER, enter(path)).await,
        Address::Tcp(host) => host,
    };
    let socket = reach(host, deadline).await?;
    Ok(match tls {
        None => Box::new(socket),
        Some(tls) => Box::new(within(deadline, NO_HANDSHAKE, tls.wrap(socket, &host.name)).await?),
    })
}

/// Connects once more and returns the line that the server says at once, to whoever it is.
///
/// A server that is full says why and closes, perhaps before our greeting is there; what it said is
/// then lost with that connection.
pub(crate) async fn unasked(address: &Address, deadline: Instant) -> Option<String> {
    const AT_ONCE: Duration = Duration::from_millis(100);
    const LINE: u64 = 256;
    let deadline = deadline.min(Instant::now() + AT_ONCE);
    let mut stream = open(address, None, deadline).await.ok()?;
    let mut line = String::new();
    let read = async { Ok(BufReader::new(&mut stream).take(LINE).read_line(&mut line).await) };
    within(deadline, "", read).await.ok()?.ok()?;
    Some(line.trim_end().to_owned())
}

/// Takes one step of several that share a deadline.
pub(crate) async fn within<T>(
    deadline: Instant,
    late: &str,
    step: impl Future<Output = Result<T>>,
) -> Result<T> {
    timeout_at(deadline, step).await.unwrap_or_else(|_| Err(error::down(late)))
}

const NO_ADDRESS: &str = "the host name of redis took too long to resolve: check the DNS";
const NO_ANSWER: &str = "redis did not take the connection in time: its socket is overrun";
const NO_CONNECTION: &str =
    "redis did not take the connection within `connect_timeout`: check host, port and firewall";
const NO_HANDSHAKE: &str =
    "redis did not answer the TLS handshake in time: use `redis://` if it does not speak TLS there";

/// Opens a TCP connection, to whichever address of the host answers first.
async fn reach(host: &Host, deadline: Instant) -> Result<TcpStream> {
    let addresses = async {
        let found = lookup_host((host.name.as_str(), host.port)).await;
        let found = found.map_err(error::unresolved)?;
        Ok(tried(found).map(|address| Box::pin(TcpStream::connect(address))).collect::<Vec<_>>())
    };
    let attempts = within(deadline, NO_ADDRESS, addresses).await?;
    if attempts.is_empty() {
        return Err(error::unresolved(std::io::ErrorKind::NotFound.into()));
    }
    let socket = async { select_ok(attempts).await.map_err(error::unreachable) };
    let (socket, _) = within(deadline, NO_CONNECTION, socket).await?;
    tune(&socket).map_err(error::unreachable)?;
    Ok(socket)
}

/// Returns the addresses that are tried at once: the first, which the system takes for the best.
fn tried(found: impl Iterator<Item = SocketAddr>) -> impl Iterator<Item = SocketAddr> {
    const MOST: usize = 16;
    found.take(MOST)
}

#[cfg(unix)]
async fn enter(path: &Path) -> Result<Box<dyn Stream>> {
    let socket = tokio::net::UnixStream::connect(path).await;
    Ok(Box::new(socket.map_err(error::no_socket)?))
}

#[cfg(not(unix))]
async fn enter(_: &Path) -> Result<Box<dyn Stream>> {
    Err(error::no_socket(std::io::ErrorKind::Unsupported.into()))
}

/// Sends small commands at once, and notices a peer that went away without a word.
fn tune(socket: &TcpStream) -> std::io::Result<()> {
    const IDLE: Duration = Duration::from_secs(15);
    const BETWEEN: Duration = Duration::from_secs(5);
    socket.set_nodelay(true)?;
    let socket = SockRef::from(socket);
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(IDLE).with_interval(BETWEEN))?;
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    {
        const UNACKNOWLEDGED: Duration = Duration::from_secs(10);
        socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_name_with_many_addresses_the_first_are_tried() {
        let found = |count: u16| (0..count).map(|port| SocketAddr::from(([127, 0, 0, 1], port)));

        assert!(tried(found(100)).eq(found(16)));
        assert!(tried(found(2)).eq(found(2)));
    }
}
