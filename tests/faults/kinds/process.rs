//! Faults of the server's process.

use std::time::Duration;

use cache_test_servers::Server;

use crate::faults::stage::{Fault, Stage};

/// Connections stay open and nothing answers.
pub const HUNG: Fault = Fault {
    name: "server hangs (`SIGSTOP`) for 5 s",
    lasts: Duration::from_secs(5),
    reason: Some("answer"),
    stage: |flavour| {
        let server = Server::builder(flavour).start()?;
        Ok(Stage::new(&server.url(), server, Server::stop, Server::resume))
    },
    ..Fault::USUAL
};

/// The server is gone, and comes back with nothing.
pub const KILLED: Fault = Fault {
    name: "server killed (`SIGKILL`), restarted empty",
    reason: Some("nothing listens at the address of redis"),
    stage: |flavour| {
        let server = Server::builder(flavour).start()?;
        Ok(Stage::new(&server.url(), server, Server::kill, Server::restart))
    },
    ..Fault::USUAL
};

/// The server takes its time to read what it saved, none of which is ours.
pub const LOADING: Fault = Fault {
    name: "server restarted, loads its data for seconds (`LOADING`)",
    lasts: Duration::ZERO, // until it has
    stage: |flavour| {
        let builder = Server::builder(flavour).config("key-load-delay", "200");
        let builder = builder.config("loading-process-events-interval-bytes", "1024");
        let server = builder.start()?;
        server.cli(&["DEBUG", "POPULATE", "8000"]);
        server.cli(&["SAVE"]);
        let url = server.url();
        Ok(Stage::new(&url, server, Server::begin_restart, Server::wait_until_answering))
    },
    ..Fault::USUAL
};
