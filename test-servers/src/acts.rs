//! What else may be done to a server while it runs.

use std::fs;
use std::path::PathBuf;

use crate::certs::Certs;
use crate::{Error, Server, Session};

/// All that a server keeps, as of some moment.
#[derive(Clone, Debug)]
pub struct Snapshot(Vec<u8>);

impl Server {
    /// Opens a connection as the default user that stays open.
    ///
    /// # Panics
    ///
    /// If the server takes none.
    pub fn session(&self) -> Session {
        let entered = self.control().enter().map_err(Error::from).expect("the server answers");
        Session::new(entered.expect("the server lets its default user in"))
    }

    /// Ends the connections of all clients but those through the socket, as control's are.
    ///
    /// # Panics
    ///
    /// If the server does not answer.
    pub fn disconnect_clients(&self) {
        self.disconnect_clients_by(|words| self.cli(words));
    }

    /// As [`disconnect_clients`](Self::disconnect_clients), over a connection that is there.
    ///
    /// # Panics
    ///
    /// If the server does not answer.
    pub fn disconnect_clients_over(&self, session: &Session) {
        self.disconnect_clients_by(|words| session.cli(words));
    }

    fn disconnect_clients_by(&self, cli: impl Fn(&[&str]) -> String) {
        let address = format!("{}:{}", self.host(), self.port());
        cli(&["CLIENT", "KILL", "LADDR", &address]);
    }

    /// Gives the default user another password, or none; those who are connected stay.
    ///
    /// # Panics
    ///
    /// If the server does not answer.
    pub fn set_password(&self, password: &str) {
        self.cli(&["CONFIG", "SET", "requirepass", password]);
        self.control().set_password((!password.is_empty()).then(|| password.to_owned()));
    }

    /// Returns all that the server keeps now.
    ///
    /// # Panics
    ///
    /// If it cannot save, or runs in a container.
    pub fn snapshot(&self) -> Snapshot {
        self.cli(&["SAVE"]);
        Snapshot(fs::read(self.dump()).expect("a process has saved into its folder"))
    }

    /// Ends the server and starts it with what it kept at the time of a snapshot.
    ///
    /// # Panics
    ///
    /// If it does not come back.
    pub fn restart_from(&self, snapshot: &Snapshot) {
        self.kill();
        fs::write(self.dump(), &snapshot.0).expect("the folder of a server can be written");
        self.restart();
    }

    /// Shows a certificate that has expired to those who connect from now on.
    ///
    /// # Panics
    ///
    /// If the server was built without TLS, or does not answer.
    pub fn expire_certificate(&self) {
        self.show_certificate(Certs::EXPIRED);
    }

    /// Shows a certificate that is valid again.
    ///
    /// # Panics
    ///
    /// If the server was built without TLS, or does not answer.
    pub fn renew_certificate(&self) {
        self.show_certificate(Certs::SERVER);
    }

    fn show_certificate(&self, name: &str) {
        let file = self.folder().join(name);
        self.cli(&["CONFIG", "SET", "tls-cert-file", &file.to_string_lossy()]);
    }

    fn dump(&self) -> PathBuf {
        self.folder().join("dump.rdb")
    }
}
