//! Servers that are there and refuse.

use cache_test_servers::{Builder, Error, Server, Session};

use crate::faults::stage::{Fault, Stage};

/// The server takes no writes.
pub const FULL: Fault = Fault {
    name: "out of memory with `noeviction` (`OOM`)",
    opens: false,
    reason: Some("redis is full (OOM)"),
    stage: |flavour| {
        let begin = |server: &Server| drop(server.cli(&["CONFIG", "SET", "maxmemory", "1"]));
        let end = |server: &Server| drop(server.cli(&["CONFIG", "SET", "maxmemory", "0"]));
        refusing(Server::builder(flavour), begin, end)
    },
    ..Fault::USUAL
};

/// The user's password is another one, and the service was not told.
pub const PASSWORD_CHANGED: Fault = Fault {
    name: "password rotated (`WRONGPASS`)",
    reason: Some("redis refused the user name or the password (WRONGPASS)"),
    stage: |flavour| {
        let begin = |server: &Server| {
            server.cli(&["ACL", "SETUSER", "app", "resetpass", ">rotated"]);
            server.disconnect_clients();
        };
        let end = |server: &Server| {
            server.cli(&["ACL", "SETUSER", "app", "resetpass", ">secret"]);
        };
        refusing(Server::builder(flavour).user("app", "secret"), begin, end)
    },
    ..Fault::USUAL
};

/// There is a password where there was none.
pub const PASSWORD_SET: Fault = Fault {
    name: "password set where there was none (`NOAUTH`)",
    reason: Some("redis wants a password (NOAUTH)"),
    stage: |flavour| {
        let begin = |server: &Server| {
            server.set_password("rotated");
            server.disconnect_clients();
        };
        refusing(Server::builder(flavour), begin, |server| server.set_password(""))
    },
    ..Fault::USUAL
};

/// Nobody renewed it in time.
pub const CERTIFICATE_EXPIRED: Fault = Fault {
    name: "expired certificate",
    reason: Some("the TLS certificate of redis has expired: renew it"),
    stage: |flavour| {
        let server = Server::builder(flavour).tls().start()?;
        let (url, ca) = (server.url(), server.ca_cert_pem().text().to_owned());
        let begin = |server: &Server| {
            server.expire_certificate();
            server.disconnect_clients();
        };
        let mut stage = Stage::new(&url, server, begin, Server::renew_certificate);
        stage.config = stage.config.ca_cert(ca);
        Ok(stage)
    },
    ..Fault::USUAL
};

/// Others have taken all connections.
pub const NO_CLIENTS: Fault = Fault {
    name: "`maxclients` reached",
    reason: Some("redis has as many clients as it allows"),
    stage: |flavour| {
        let server = Server::builder(flavour).start()?;
        let (url, session) = (server.url(), server.session());
        let begin = |(session, server): &(Session, Server)| {
            session.cli(&["CONFIG", "SET", "maxclients", "1"]);
            server.disconnect_clients_over(session);
        };
        let end = |(session, _): &(Session, Server)| {
            session.cli(&["CONFIG", "SET", "maxclients", "1000"]);
        };
        Ok(Stage::new(&url, (session, server), begin, end))
    },
    ..Fault::USUAL
};

/// The user loses a right without which nothing works, on the connection that it has.
pub const COMMAND_FORBIDDEN: Fault = Fault {
    name: "ACL loses `set` while running (`NOPERM`)",
    opens: false, // for long: a `PING` is allowed
    reason: Some("the redis user may not run set (NOPERM): add `+set`"),
    stage: |flavour| {
        let begin = |server: &Server| drop(server.cli(&["ACL", "SETUSER", "app", "-set"]));
        let end = |server: &Server| drop(server.cli(&["ACL", "SETUSER", "app", "+set"]));
        refusing(Server::builder(flavour).user("app", "secret"), begin, end)
    },
    ..Fault::USUAL
};

/// The user loses a right without which nothing can be filled.
///
/// The log says so. Health does until the next answer, which comes too soon to be relied on.
pub const SCRIPTS_FORBIDDEN: Fault = Fault {
    name: "ACL loses `eval` and `evalsha` while running (`NOPERM`)",
    opens: false,
    stage: |flavour| {
        let begin =
            |server: &Server| drop(server.cli(&["ACL", "SETUSER", "app", "-eval", "-evalsha"]));
        let end =
            |server: &Server| drop(server.cli(&["ACL", "SETUSER", "app", "+eval", "+evalsha"]));
        refusing(Server::builder(flavour).user("app", "secret"), begin, end)
    },
    ..Fault::USUAL
};

fn refusing(builder: Builder, begin: fn(&Server), end: fn(&Server)) -> Result<Stage, Error> {
    let server = builder.start()?;
    Ok(Stage::new(&server.url(), server, begin, end))
}
