//! Where clients come in.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use super::state::State;
use super::wire::Wire;

/// Where clients come in, unless it is closed.
#[derive(Debug)]
pub(super) struct Door {
    port: u16,
    listener: TcpListener,
    state: Arc<State>,
}

impl Door {
    pub(super) fn open(port: u16, state: Arc<State>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        Ok(Self { port, listener, state })
    }

    /// Lets clients in until all ends.
    pub(super) fn watch(self) {
        let Self { port, mut listener, state } = self;
        loop {
            let client = listener.accept();
            if state.wants_open() {
                client.into_iter().for_each(|(client, _)| let_in(client, &state));
                continue;
            }
            drop((client, listener));
            state.each_wire(Wire::reset);
            state.note_door(false);
            match reopen(port, &state) {
                Some(opened) => listener = opened,
                None => return,
            }
            state.note_door(true);
        }
    }
}

/// Listens again as soon as that is wanted; `None` at the end.
fn reopen(port: u16, state: &State) -> Option<TcpListener> {
    const LONG: Duration = Duration::from_millis(100);
    loop {
        if state.has_ended() {
            return None;
        }
        if state.wants_open()
            && let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        {
            return Some(listener);
        }
        state.wait(LONG);
    }
}

fn let_in(client: TcpStream, state: &Arc<State>) {
    // A server that refuses is one that closes at once.
    if let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, state.upstream())) {
        Wire::start(client, server, state);
    }
}
