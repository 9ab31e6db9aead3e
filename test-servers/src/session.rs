//! A connection to a server that stays.

use std::sync::{Mutex, PoisonError};

use crate::control::Entered;

/// A connection as the default user that stays open, for servers that take no more of them.
#[derive(Debug)]
pub struct Session(Mutex<Entered>);

impl Session {
    pub(crate) fn new(entered: Entered) -> Self {
        Self(Mutex::new(entered))
    }

    /// Runs a command; nil is the empty string.
    ///
    /// # Panics
    ///
    /// If the server refuses the command or does not answer within ten seconds.
    pub fn cli(&self, words: &[impl AsRef<[u8]>]) -> String {
        let reply = self.0.lock().unwrap_or_else(PoisonError::into_inner).command(words);
        match reply.expect("the server answers") {
            crate::Reply::Error(text) => panic!("the server refused: {text}"),
            reply => reply.to_string(),
        }
    }
}
