//! A network in between that can be made worse.

mod door;
mod rule;
mod state;
mod wire;

use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

pub use rule::Rule;

use self::door::Door;
use self::state::State;
use crate::port::Port;
use crate::{Error, Server};

/// Passes bytes on between clients and a server, as well or as badly as its [`Rule`] says.
///
/// Its connections end when this is dropped. Works in threads of its own, so that a busy runtime
/// neither slows it down nor is slowed down by it.
#[derive(Debug)]
pub struct Proxy {
    port: Port,
    state: Arc<State>,
    door: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Listens on a loopback port of its own, in front of `server`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if there is no port.
    pub fn before(server: &Server) -> Result<Self, Error> {
        let port = Port::claim()?;
        let state = Arc::new(State::new(server.port()));
        let door = Door::open(port.number(), Arc::clone(&state))?;
        let door = thread::Builder::new().name("door".into()).spawn(move || door.watch())?;
        Ok(Self { port, state, door: Some(door) })
    }

    /// Returns the port to connect to.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Returns the address without credentials.
    pub fn url(&self) -> String {
        format!("redis://{}:{}", Ipv4Addr::LOCALHOST, self.port())
    }

    /// Goes by `rule` from now on, for the connections there are and for new ones.
    pub fn set(&self, rule: Rule) {
        self.state.set(rule);
        if rule == Rule::Refuse {
            self.knock();
        }
        self.state.wait_for_door();
    }

    /// Leaves the connections there are open, and passes nothing on any more; new ones work.
    pub fn freeze(&self) {
        self.state.each_wire(|wire| wire.freeze());
    }

    /// Resets the connections there are.
    pub fn reset(&self) {
        self.state.each_wire(|wire| wire.reset());
    }

    /// Leads to another server from now on; the connections to the old one are reset.
    pub fn lead_to(&self, server: &Server) {
        self.state.lead_to(server.port());
        self.reset();
    }

    /// Wakes the door, which waits for clients.
    fn knock(&self) {
        // A door that is closed is awake.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port()));
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.end();
        self.knock();
        if let Some(door) = self.door.take() {
            // A panic in it has been printed.
            let _ = door.join();
        }
        self.reset();
    }
}
