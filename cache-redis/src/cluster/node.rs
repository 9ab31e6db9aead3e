//! One node of a cluster, and the connection to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::{Value, cmd};
use tokio::time::timeout;

use super::hub::{Ear, Hub, NodeId};
use crate::dial::{Dialer, Role};
use crate::endpoint::Host;
use crate::link::Link;
use crate::supervisor::Supervisor;
use crate::{Result, reply};

/// One node of a cluster. Its connection ends with it.
pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) host: Host,
    supervisor: Supervisor,
    /// Held here, because the connection must not keep it alive.
    _ear: Option<Arc<Ear>>,
    /// Whether a redirection led here since the last look at the topology.
    wanted: AtomicBool,
    /// Whether what it repeats is what its primary says.
    in_step: AtomicBool,
}

impl Node {
    /// Creates a primary. Does not connect.
    pub(crate) fn primary(
        id: NodeId,
        host: Host,
        template: &Dialer,
        hub: Option<&Arc<Hub>>,
    ) -> Self {
        let dialer = template.at(host.clone(), Role::Primary);
        let ear = hub.map(|hub| Ear::new(Arc::clone(hub), id));
        if let Some(ear) = &ear {
            dialer.listen(ear.feed());
        }
        Self::new(id, host, dialer, ear)
    }

    /// Creates a replica. Does not connect.
    pub(crate) fn replica(id: NodeId, host: Host, template: &Dialer) -> Self {
        let dialer = template.at(host.clone(), Role::Replica);
        Self::new(id, host, dialer, None)
    }

    fn new(id: NodeId, host: Host, dialer: Dialer, ear: Option<Arc<Ear>>) -> Self {
        let (wanted, in_step) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { id, host, supervisor: Supervisor::new(dialer), _ear: ear, wanted, in_step }
    }

    /// Connects in the background, if nobody began to.
    pub(crate) fn open(&self) {
        // Fails outside a runtime only, and then the next call says so.
        let _ = self.supervisor.start();
    }

    /// Returns the connection, as [`Supervisor::link`].
    pub(crate) async fn link(&self) -> Result<Link> {
        self.supervisor.link().await
    }

    /// Returns the connection if there is one.
    pub(crate) fn current(&self) -> Option<Link> {
        self.supervisor.current()
    }

    pub(crate) async fn ping(&self) -> Result<()> {
        reply::performed(&[self.link().await?.ask_one(cmd("PING")).await?])
    }

    pub(crate) async fn close(&self) {
        self.supervisor.close().await;
    }

    /// Notes that a redirection leads here.
    pub(crate) fn want(&self) {
        self.wanted.store(true, Ordering::Relaxed);
    }

    /// Whether a redirection led here since the last call of this.
    pub(crate) fn was_wanted(&self) -> bool {
        self.wanted.swap(false, Ordering::Relaxed)
    }

    /// Whether this replica can be read from at present.
    pub(crate) fn is_readable(&self) -> bool {
        self.in_step.load(Ordering::Relaxed) && self.supervisor.current().is_some()
    }

    /// Asks a replica whether its primary talks to it.
    pub(crate) async fn check(&self, limit: Duration) {
        let Some(link) = self.current() else { return };
        let role = timeout(limit, link.ask_one(cmd("ROLE"))).await;
        let in_step = matches!(role, Ok(Ok(role)) if is_in_step(&role));
        self.in_step.store(in_step, Ordering::Relaxed);
    }
}

/// Reads `slave, host, port, connected, offset`.
fn is_in_step(role: &Value) -> bool {
    let Value::Array(fields) = role else { return false };
    matches!(&fields[..], [_, _, _, Value::BulkString(state), ..] if state == b"connected")
}
