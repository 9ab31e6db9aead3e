//! One connection through a proxy.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::rule::Rule;
use super::state::State;

/// One connection: a client's end and a server's, with two threads each way.
#[derive(Debug)]
pub(super) struct Wire {
    client: TcpStream,
    server: TcpStream,
    state: Arc<State>,
    is_frozen: AtomicBool,
    is_reset: AtomicBool,
}

/// How many bytes pass at once where the network is narrow.
const FEW: usize = 64;

/// Bytes on their way, and when they came.
type Chunk = (Instant, Vec<u8>);

/// Which way bytes go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Way {
    Reply,
    Request,
}

impl Wire {
    pub(super) fn start(client: TcpStream, server: TcpStream, state: &Arc<State>) {
        // Only speed is lost where that cannot be set.
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let (is_frozen, is_reset) = (AtomicBool::new(false), AtomicBool::new(false));
        let state = Arc::clone(state);
        let wire = Arc::new(Self { client, server, state, is_frozen, is_reset });
        wire.state.add(&wire);
        for way in [Way::Request, Way::Reply] {
            let (sender, receiver) = channel();
            let (reader, writer) = (Arc::clone(&wire), Arc::clone(&wire));
            thread::spawn(move || reader.read(way, &sender));
            thread::spawn(move || writer.write(way, &receiver));
        }
    }

    /// Passes nothing on from now on.
    pub(super) fn freeze(&self) {
        self.is_frozen.store(true, Ordering::SeqCst);
    }

    /// Ends both ends without a farewell, once the threads have let go of them.
    pub(super) fn reset(&self) {
        self.is_reset.store(true, Ordering::SeqCst);
        for end in [&self.client, &self.server] {
            // Both fail only for an end that has gone already. Shut for reading alone, which wakes
            // the reader and sends nothing.
            let _ = SockRef::from(end).set_linger(Some(Duration::ZERO));
            let _ = end.shutdown(Shutdown::Read);
        }
    }

    fn read(&self, way: Way, sender: &Sender<Chunk>) {
        let mut buffer = [0; 16 << 10];
        let mut from = self.source(way);
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if sender.send((Instant::now(), buffer[..count].to_vec())).is_err() {
                return;
            }
        }
    }

    fn write(&self, way: Way, receiver: &Receiver<Chunk>) {
        let mut meter = Meter::default();
        for chunk in receiver {
            if self.pass(way, chunk, &mut meter).is_err() {
                return self.reset();
            }
        }
        if !self.is_reset.load(Ordering::SeqCst) {
            // The other end may have gone already.
            let _ = self.target(way).shutdown(Shutdown::Write);
        }
    }

    /// Passes a chunk on as the rule says; an error ends the connection.
    fn pass(&self, way: Way, (came, mut bytes): Chunk, meter: &mut Meter) -> io::Result<()> {
        let mut target = self.target(way);
        let mut rest = &mut bytes[..];
        while !rest.is_empty() {
            let (rule, age) = self.rule()?;
            let mut count = rest.len();
            match (rule, way) {
                (Rule::Cut(limit), Way::Reply) => {
                    count = count.min(meter.left(limit, age));
                    if count < rest.len() {
                        target.write_all(&rest[..count])?;
                        return Err(io::ErrorKind::ConnectionReset.into());
                    }
                }
                (Rule::Delay(by), Way::Reply) => {
                    thread::sleep((came + by).saturating_duration_since(Instant::now()));
                }
                (Rule::Garble, Way::Reply) => meter.garble(rest),
                (Rule::Limit(rate), _) => {
                    if !self.wait_for_turn(rate, age)? {
                        continue;
                    }
                    count = count.min(FEW);
                }
                _ => {}
            }
            let (now, later) = rest.split_at_mut(count);
            target.write_all(now)?;
            meter.passed += count;
            rest = later;
        }
        Ok(())
    }

    /// Returns the rule, once there is one to pass bytes under.
    fn rule(&self) -> io::Result<(Rule, u64)> {
        const LONG: Duration = Duration::from_millis(20);
        loop {
            let (rule, age) = self.state.rule();
            if self.is_reset.load(Ordering::SeqCst) || rule == Rule::Refuse {
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            if rule != Rule::Stall && !self.is_frozen.load(Ordering::SeqCst) {
                return Ok((rule, age));
            }
            self.state.wait(LONG);
        }
    }

    /// Waits as long as a few bytes take; false if the rule of this age ended before.
    fn wait_for_turn(&self, rate: u32, age: u64) -> io::Result<bool> {
        let turn = Instant::now() + Duration::from_secs(FEW as u64) / rate.max(1);
        while Instant::now() < turn {
            if self.rule()?.1 != age {
                return Ok(false);
            }
            self.state.wait(turn.saturating_duration_since(Instant::now()));
        }
        Ok(true)
    }

    fn source(&self, way: Way) -> &TcpStream {
        if way == Way::Request { &self.client } else { &self.server }
    }

    fn target(&self, way: Way) -> &TcpStream {
        if way == Way::Request { &self.server } else { &self.client }
    }
}

/// What has gone one way.
#[derive(Debug, Default)]
struct Meter {
    passed: usize,
    /// What had gone when a rule began, and which one that was.
    begun: (u64, usize),
    noise: u64,
}

impl Meter {
    /// Returns how much of `limit` is left under the rule of this age.
    fn left(&mut self, limit: usize, age: u64) -> usize {
        if self.begun.0 != age {
            self.begun = (age, self.passed);
        }
        limit.saturating_sub(self.passed - self.begun.1)
    }

    /// Overwrites bytes with noise: xorshift, by Marsaglia (2003).
    fn garble(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            let mut noise = self.noise | 1;
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            self.noise = noise;
            *byte = noise.to_le_bytes()[3];
        }
    }
}
