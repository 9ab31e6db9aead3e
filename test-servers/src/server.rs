//! A running server, and what a test may do to it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::builder::Seat;
use crate::certs::{Certs, Pem};
use crate::control::Control;
use crate::port::Port;
use crate::settings::Settings;
use crate::{Builder, Error, Flavour, Reply};

/// How long a server may take to start, on a very busy machine.
const START_LIMIT: Duration = Duration::from_secs(20);

/// A real server on a port of its own, ended when this is dropped.
///
/// Methods take `&self`, so that one task can kill the server while others use it. They block the
/// calling thread.
#[derive(Debug)]
pub struct Server {
    settings: Settings,
    frozen: AtomicBool,
    seat: Seat, // before the port: the server ends before the port is given up
    port: Port,
    certs: Option<Certs>,
}

impl Server {
    /// Describes a server.
    pub fn builder(flavour: Flavour) -> Builder {
        Builder::new(flavour)
    }

    pub(crate) fn start(
        settings: Settings,
        seat: Seat,
        port: Port,
        certs: Option<Certs>,
    ) -> Result<Self, Error> {
        let server = Self { settings, frozen: AtomicBool::new(false), seat, port, certs };
        server.seat.host.start()?;
        server.wait_until_ready()?;
        Ok(server)
    }

    /// Returns the address with the credentials to use: `redis://…`, or `rediss://…` with TLS.
    pub fn url(&self) -> String {
        match self.settings.credentials() {
            Some((name, password)) => self.url_as(name, password),
            None => format!("{}://{}:{}", self.scheme(), self.host(), self.port()),
        }
    }

    /// Returns the address with other credentials, for a test of wrong ones.
    pub fn url_as(&self, name: &str, password: &str) -> String {
        let (name, password) = (percent_encoded(name), percent_encoded(password));
        format!("{}://{name}:{password}@{}:{}", self.scheme(), self.host(), self.port())
    }

    /// Returns the host's address.
    pub fn host(&self) -> &'static str {
        "127.0.0.1"
    }

    /// Returns the port, which stays the same over a restart.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Returns the unix socket, which never speaks TLS; a container has none.
    pub fn socket(&self) -> Option<&Path> {
        self.seat.control.socket()
    }

    /// Returns the certificate that clients must trust.
    ///
    /// # Panics
    ///
    /// If the server was built without TLS.
    pub fn ca_cert_pem(&self) -> &Pem {
        &self.certs().ca
    }

    /// Returns a certificate for a client, signed by the same authority as the server's.
    ///
    /// # Panics
    ///
    /// If the server was built without TLS.
    pub fn client_cert_pem(&self) -> &Pem {
        &self.certs().client
    }

    /// Returns the key of [`Server::client_cert_pem`].
    ///
    /// # Panics
    ///
    /// If the server was built without TLS.
    pub fn client_key_pem(&self) -> &Pem {
        &self.certs().client_key
    }

    /// Runs a command as the default user; nil is the empty string.
    ///
    /// # Panics
    ///
    /// If the server refuses the command or does not answer within ten seconds.
    pub fn cli(&self, words: &[impl AsRef<[u8]>]) -> String {
        match self.command(words) {
            Ok(Reply::Error(text)) => panic!("the server refused {}: {text}", name(words)),
            Ok(reply) => reply.to_string(),
            Err(error) => panic!("the server did not answer {}: {error:?}", name(words)),
        }
    }

    /// Runs a command like [`Server::cli`], and returns whatever the server answers.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the server does not answer within ten seconds.
    pub fn command(&self, words: &[impl AsRef<[u8]>]) -> Result<Reply, Error> {
        Ok(self.seat.control.command(words)?)
    }

    /// Ends the server at once, as a power cut would; its port stays claimed.
    ///
    /// # Panics
    ///
    /// If it cannot be ended.
    pub fn kill(&self) {
        self.seat.host.kill().expect("a server of ours can be killed");
        self.frozen.store(false, Ordering::SeqCst);
    }

    /// Freezes the server: connections stay open, new ones are accepted, and nothing answers.
    ///
    /// # Panics
    ///
    /// If the server is not running.
    pub fn stop(&self) {
        self.seat.host.stop().expect("a running server can be stopped");
        self.frozen.store(true, Ordering::SeqCst);
    }

    /// Lets the server go on after [`Server::stop`].
    ///
    /// # Panics
    ///
    /// If the server is not running.
    pub fn resume(&self) {
        self.seat.host.resume().expect("a stopped server can go on");
        self.frozen.store(false, Ordering::SeqCst);
    }

    /// Ends the server, starts it on the same port and waits until it answers.
    ///
    /// What it had saved (`cli(&["SAVE"])`) is there again, everything else is not.
    ///
    /// # Panics
    ///
    /// If it does not come back.
    pub fn restart(&self) {
        self.begin_restart();
        self.wait_until_answering();
    }

    /// Ends the server and starts it on the same port; it may refuse, or load, for a while.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    pub fn begin_restart(&self) {
        self.kill();
        self.seat.host.start().expect("a server that ran can be started again");
    }

    /// Waits until the server answers, its data loaded.
    ///
    /// # Panics
    ///
    /// If it does not.
    pub fn wait_until_answering(&self) {
        self.wait_until_ready().expect("a server that ran answers after a restart");
    }

    /// Returns the folder that goes with the server.
    ///
    /// A process keeps its data and its log there; a container only has its certificates there.
    pub fn folder(&self) -> &Path {
        self.seat.host.folder()
    }

    /// Returns what the server has logged so far.
    pub fn log(&self) -> String {
        self.seat.host.log()
    }

    /// Tells whether the server is neither killed, nor ended by itself, nor stopped.
    pub(crate) fn is_running(&self) -> bool {
        !self.frozen.load(Ordering::SeqCst) && matches!(self.seat.host.has_ended(), Ok(false))
    }

    /// Returns the port of the cluster's bus, for a node of a cluster.
    pub(crate) fn bus_port(&self) -> Option<u16> {
        self.seat.second_port.as_ref().map(Port::number)
    }

    /// Returns the way in for control.
    pub(crate) fn control(&self) -> &Control {
        &self.seat.control
    }

    /// Runs a command for somebody who waits: whatever is no answer is a reason to wait on.
    pub(crate) fn ask(&self, words: &[impl AsRef<[u8]>]) -> Result<Reply, String> {
        match self.command(words) {
            Ok(Reply::Error(text)) => Err(format!("{} refuses: {text}", self.port())),
            Ok(reply) => Ok(reply),
            Err(error) => Err(format!("{} does not answer: {error:?}", self.port())),
        }
    }

    /// Runs a command that a server of ours takes at once.
    pub(crate) fn demand(&self, words: &[impl AsRef<[u8]>]) -> Result<Reply, Error> {
        self.ask(words).map_err(Error::Failed)
    }

    fn scheme(&self) -> &'static str {
        if self.settings.tls { "rediss" } else { "redis" }
    }

    fn certs(&self) -> &Certs {
        self.certs.as_ref().expect("the server was built with `.tls()`")
    }

    fn wait_until_ready(&self) -> Result<(), Error> {
        const PAUSE: Duration = Duration::from_millis(1);
        let deadline = Instant::now() + START_LIMIT;
        loop {
            let answer = self.command(&["PING"]);
            if is_pong(&answer)? {
                return Ok(());
            }
            if self.seat.host.has_ended()? {
                return Err(Error::Failed(last_lines(&self.log())));
            }
            if Instant::now() > deadline {
                return Err(Error::Failed(format!("{answer:?}; {}", last_lines(&self.log()))));
            }
            thread::sleep(PAUSE);
        }
    }
}

/// Tells a ready server from a loading one; any other refusal lasts.
fn is_pong(answer: &Result<Reply, Error>) -> Result<bool, Error> {
    match answer {
        Ok(Reply::Error(text)) if text.starts_with("LOADING") => Ok(false),
        Ok(Reply::Error(text)) => Err(Error::Failed(text.clone())),
        Ok(_) => Ok(true),
        Err(_) => Ok(false),
    }
}

fn last_lines(log: &str) -> String {
    let lines: Vec<_> = log.lines().rev().take(5).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}

/// Returns a command's first word; the others may be a user's data.
fn name(words: &[impl AsRef<[u8]>]) -> String {
    words
        .first()
        .map(|word| String::from_utf8_lossy(word.as_ref()).into_owned())
        .unwrap_or_default()
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
