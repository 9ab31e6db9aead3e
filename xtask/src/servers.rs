//! The servers that tests need, and where each may come from.

use crate::{docker, install, shell};

/// A server program and what stands in for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Server {
    /// The program's name on `PATH`.
    pub(crate) program: &'static str,
    /// The image that `cache-test-servers` takes where the program is missing.
    pub(crate) image: &'static str,
}

/// Redis, the older one.
pub(crate) const REDIS: Server = Server { program: "redis-server", image: "redis:7.0" };
/// Valkey, which is also what containers are made of.
pub(crate) const VALKEY: Server = Server { program: "valkey-server", image: "valkey/valkey:8" };

/// Looks for each server on `PATH`, then among images, then installs it.
///
/// A server that cannot be had is no error here: the tests that need it will say so.
pub(crate) fn provide(engine_answers: bool) {
    for server in [REDIS, VALKEY] {
        if let Some(program) = shell::find(server.program) {
            println!("xtask: {} is {}", server.program, program.display());
        } else if engine_answers && docker::provides(server.image) {
            println!("xtask: {} is the image {}", server.program, server.image);
        } else if let Err(error) = install::install(server.program) {
            println!("xtask: {} cannot be had: {error}", server.program);
        }
    }
}
