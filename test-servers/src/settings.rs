//! A server's settings, as its configuration file.

use std::fmt::{self, Write};
use std::path::Path;

use crate::certs::Certs;

/// Where a server listens and keeps its files, as it sees them itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) bind: &'a str,
    pub(crate) folder: &'a Path,
    pub(crate) plain_port: u16,
    pub(crate) tls_port: u16,
    /// The port of a cluster's bus; without one, the server is in no cluster.
    pub(crate) bus_port: Option<u16>,
    /// The name of a socket in the folder.
    pub(crate) socket: Option<&'a str>,
}

/// What a test asks of its server.
#[derive(Clone, Default)]
pub(crate) struct Settings {
    pub(crate) tls: bool,
    pub(crate) password: Option<String>,
    pub(crate) users: Vec<(String, String)>,
    pub(crate) more: Vec<(String, String)>,
}

impl Settings {
    /// Writes the configuration file; later lines win, so the test's own come last.
    pub(crate) fn file(&self, place: Place<'_>) -> String {
        let mut file = base(place);
        if self.tls {
            add_tls(&mut file, place);
        }
        if let Some(port) = place.bus_port {
            add_cluster(&mut file, port);
        }
        if let Some(password) = &self.password {
            add(&mut file, "requirepass", &quoted(password));
            add(&mut file, "masterauth", &quoted(password));
        }
        for (name, password) in &self.users {
            let secret = quoted(&format!(">{password}"));
            add(&mut file, "user", &format!("{} on {secret} ~* &* +@all", quoted(name)));
        }
        for (name, value) in &self.more {
            add(&mut file, name, if value.is_empty() { "\"\"" } else { value });
        }
        file
    }

    /// Returns the name and password to connect with: the last user's, else the default user's.
    pub(crate) fn credentials(&self) -> Option<(&str, &str)> {
        let default = self.password.as_deref().map(|password| ("", password));
        self.users.last().map(|(name, password)| (name.as_str(), password.as_str())).or(default)
    }
}

/// Shows no password.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("tls", &self.tls).finish_non_exhaustive()
    }
}

fn base(place: Place<'_>) -> String {
    let mut file = String::new();
    add(&mut file, "bind", place.bind);
    add(&mut file, "protected-mode", "no");
    add(&mut file, "port", &place.plain_port.to_string());
    add(&mut file, "dir", &quoted(&place.folder.to_string_lossy()));
    add(&mut file, "save", "\"\"");
    add(&mut file, "appendonly", "no");
    add(&mut file, "daemonize", "no");
    add(&mut file, "enable-debug-command", "yes");
    add(&mut file, "repl-diskless-sync-delay", "0");
    add(&mut file, "repl-ping-replica-period", "1");
    if let Some(name) = place.socket {
        add(&mut file, "unixsocket", &file_in(place, name));
    }
    file
}

fn add_tls(file: &mut String, place: Place<'_>) {
    add(file, "tls-port", &place.tls_port.to_string());
    add(file, "tls-ca-cert-file", &file_in(place, Certs::CA));
    add(file, "tls-cert-file", &file_in(place, Certs::SERVER));
    add(file, "tls-key-file", &file_in(place, Certs::SERVER_KEY));
    add(file, "tls-auth-clients", "optional");
    add(file, "tls-replication", "yes");
    add(file, "tls-cluster", "yes");
}

/// Adds a cluster in which replicas stay where they are put, and always take over.
fn add_cluster(file: &mut String, bus_port: u16) {
    add(file, "cluster-enabled", "yes");
    add(file, "cluster-port", &bus_port.to_string());
    add(file, "cluster-announce-ip", "127.0.0.1");
    add(file, "cluster-node-timeout", "1000");
    add(file, "cluster-allow-replica-migration", "no");
    add(file, "cluster-replica-validity-factor", "0");
}

fn file_in(place: Place<'_>, name: &str) -> String {
    quoted(&place.folder.join(name).to_string_lossy())
}

fn add(file: &mut String, name: &str, value: &str) {
    writeln!(file, "{name} {value}").expect("writing to a string does not fail");
}

/// Quotes a word so that the server reads back every byte of it.
pub(crate) fn quoted(word: &str) -> String {
    let escaped: String = word.bytes().map(escape).collect();
    format!("\"{escaped}\"")
}

fn escape(byte: u8) -> String {
    match byte {
        b'"' | b'\\' => format!("\\{}", char::from(byte)),
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_byte_by_byte() {
        assert_eq!(quoted("a \"b\\\nü"), r#""a \"b\\\x0a\xc3\xbc""#);
    }

    #[test]
    fn the_last_user_is_the_one_to_connect_as() {
        let mut settings = Settings { password: Some("p".into()), ..Settings::default() };
        assert_eq!(settings.credentials(), Some(("", "p")));

        settings.users.push(("app".into(), "secret".into()));
        assert_eq!(settings.credentials(), Some(("app", "secret")));
    }
}
