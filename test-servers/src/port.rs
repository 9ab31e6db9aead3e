//! Free loopback ports, claimed across processes.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::ops::Range;

/// Where ports are taken from: below the ephemeral ports of Linux and macOS.
///
/// Above, an outgoing connection could be given the port of a server that a test has just killed;
/// a client that keeps reconnecting to it can even connect to itself.
const RANGE: Range<u16> = 15_000..32_000;

/// A TCP port that no other test takes as long as this is held.
///
/// Holding the UDP port of the same number is the claim: the system gives it up when the process
/// ends in whatever way, and it stays while the server is down between `kill` and `restart`.
#[derive(Debug)]
pub(crate) struct Port {
    number: u16,
    _claim: UdpSocket,
}

impl Port {
    /// Claims a random free port.
    pub(crate) fn claim() -> io::Result<Self> {
        const TRIES: usize = 1_000;
        (0..TRIES).find_map(|_| Self::take(random_port())).ok_or_else(|| {
            io::Error::new(io::ErrorKind::AddrNotAvailable, "no free loopback port was found")
        })
    }

    /// Returns the number.
    pub(crate) fn number(&self) -> u16 {
        self.number
    }

    fn take(number: u16) -> Option<Self> {
        let claim = UdpSocket::bind((Ipv4Addr::LOCALHOST, number)).ok()?;
        TcpListener::bind((Ipv4Addr::LOCALHOST, number)).ok()?;
        Some(Self { number, _claim: claim })
    }
}

fn random_port() -> u16 {
    let random = RandomState::new().build_hasher().finish();
    let offset = random % u64::from(RANGE.end - RANGE.start);
    RANGE.start + u16::try_from(offset).expect("an offset within a range of u16 fits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claimed_port_is_not_given_twice() {
        let port = Port::claim().unwrap();

        assert!(Port::take(port.number()).is_none());

        let number = port.number();
        drop(port);
        assert!(Port::take(number).is_some());
    }

    #[test]
    fn a_port_in_use_is_not_given() {
        let port = Port::claim().unwrap().number();
        let _listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();

        assert!(Port::take(port).is_none());
    }
}
