//! No fault, to compare the others with.

use std::time::Duration;

use cache_test_servers::Server;

use crate::faults::stage::{Fault, Stage};

/// All is well.
pub const NOTHING: Fault = Fault {
    name: "(none)",
    lasts: Duration::from_secs(2),
    opens: false,
    stage: |flavour| {
        let server = Server::builder(flavour).start()?;
        Ok(Stage::new(&server.url(), server, |_| {}, |_| {}))
    },
    ..Fault::USUAL
};
