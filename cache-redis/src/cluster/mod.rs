//! Redis Cluster: many primaries, each with a part of the keys.

pub(crate) mod hub;
mod map;
pub(crate) mod node;
mod nodes;
pub(crate) mod route;
mod scout;
pub(crate) mod slot;
pub(crate) mod view;

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Weak};
use std::time::Duration;

use cache_core::backend::{ListenOptions, Listener};
use futures_util::future::join_all;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use self::hub::Hub;
use self::map::Map;
use self::node::Node;
use self::nodes::Nodes;
use self::scout::Scout;
use self::slot::Slot;
use self::view::{Redirect, View};
use crate::dial::Dialer;
use crate::endpoint::{Endpoint, Seeds};
use crate::error::{closed, lost, no_runtime, unknown, unserved};
use crate::link::Link;
use crate::{Error, Result, identity};

/// A cluster: who serves what, and a connection to each of them.
///
/// One task, on the runtime of the first caller, looks who serves what; it ends with this handle. If
/// that runtime goes away, the next caller starts another.
pub(crate) struct Cluster {
    shared: Arc<Shared>,
}

/// What the task and the callers have in common.
struct Shared {
    seeds: Seeds,
    nodes: Nodes,
    state: watch::Sender<State>,
    /// Wakes the task.
    nudge: Arc<Notify>,
    /// Counts, so that work goes round.
    turn: AtomicUsize,
}

#[derive(Default)]
enum State {
    /// For ever.
    Closed,
    /// Why nobody ever said who serves what; the next look comes by itself.
    Down(Error),
    /// Nobody has asked yet.
    #[default]
    Idle,
    /// The very first look, for whose end callers wait.
    Opening,
    Up(Arc<Map>),
}

impl Cluster {
    /// How long `close` waits for the task, which may be on a runtime that nobody drives.
    const CLOSE: Duration = Duration::from_secs(1);

    pub(crate) fn new(template: Dialer, seeds: Seeds, with_replicas: bool) -> Self {
        let shared = Shared {
            seeds,
            nodes: Nodes::new(template, with_replicas),
            state: watch::Sender::default(),
            nudge: Arc::default(),
            turn: AtomicUsize::new(0),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Whether replicas are read from.
    pub(crate) fn has_replicas(&self) -> bool {
        self.shared.nodes.has_replicas()
    }

    /// Returns what may be shown of where it is.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.shared.nodes.template().endpoint
    }

    /// Makes connections opened from now on tell what others change.
    pub(crate) fn listen(&self, options: ListenOptions, listener: Weak<dyn Listener>) {
        let nudge = Arc::clone(&self.shared.nudge);
        self.shared.nodes.listen(Hub::new(options, listener, nudge));
    }

    /// Sees that every primary answers.
    pub(crate) async fn ping(&self) -> Result<()> {
        let map = self.map().await?;
        let pings = join_all(map.shards().iter().map(|shard| shard.primary.ping()));
        pings.await.into_iter().collect()
    }

    /// Returns the connection to the primary that serves `key`, and who all primaries are together.
    pub(crate) async fn keeper(&self, key: &[u8]) -> Result<(Link, String)> {
        let map = self.map().await?;
        let keeper = map.shard(Slot::of(key)).ok_or_else(unserved)?.primary.id;
        let links = map.shards().iter().map(|shard| async {
            let primary = &shard.primary;
            primary.link().await.map(|link| (primary.id, link))
        });
        let links: Vec<_> = join_all(links).await.into_iter().collect::<Result<_>>()?;
        let name = identity::joint_name(links.iter().map(|(_, link)| link.name()));
        let link = links.into_iter().find(|(id, _)| *id == keeper).ok_or_else(unserved)?.1;
        Ok((link, name))
    }

    /// Ends the connections and the tasks.
    pub(crate) async fn close(&self) {
        self.shared.state.send_replace(State::Closed);
        self.shared.nodes.close().await;
        // The task holds a receiver as long as it lives.
        let _ = timeout(Self::CLOSE, self.shared.state.closed()).await;
    }

    /// Returns who serves what.
    ///
    /// # Errors
    ///
    /// Why nobody ever said so, at once; only the very first look is waited for.
    async fn map(&self) -> Result<Arc<Map>> {
        if let Some(map) = self.known() {
            return map;
        }
        self.start()?;
        let mut state = self.shared.state.subscribe();
        // Cannot fail: the sender is ours.
        let _ = state.wait_for(|state| !matches!(state, State::Opening)).await;
        self.known().unwrap_or_else(|| Err(lost()))
    }

    fn known(&self) -> Option<Result<Arc<Map>>> {
        match &*self.shared.state.borrow() {
            State::Closed => Some(Err(closed())),
            State::Down(error) => Some(Err(error.clone())),
            State::Idle | State::Opening => None,
            State::Up(map) => Some(Ok(Arc::clone(map))),
        }
    }

    fn start(&self) -> Result<()> {
        let runtime = Handle::try_current().map_err(|_| no_runtime())?;
        let is_ours = self.shared.state.send_if_modified(|state| {
            let is_idle = matches!(state, State::Idle);
            if is_idle {
                *state = State::Opening;
            }
            is_idle
        });
        if is_ours {
            runtime.spawn(Scout { shared: Arc::clone(&self.shared) }.run());
        }
        Ok(())
    }

    /// Has somebody look who serves what.
    fn nudge(&self) {
        self.shared.nudge.notify_one();
    }

    /// Returns the node that a redirection leads to.
    ///
    /// Whoever is said to have taken a slot over must be in the map before anything is read from it:
    /// it may have forgotten something. A slot that is moved to one brings all that it has along.
    fn guest(&self, redirect: Redirect) -> Result<Arc<Node>> {
        let is_known = |map: &Map| map.shards().iter().any(|it| it.primary.host == redirect.host);
        match redirect.asking || self.known().is_some_and(|map| map.is_ok_and(|map| is_known(&map)))
        {
            true => self.shared.nodes.guest(redirect.host),
            false => Err(unknown()),
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.shared.state.send_replace(State::Closed);
        self.shared.nodes.abandon();
    }
}

impl Shared {
    fn adopt(&self, view: View) -> Result<()> {
        let map = Arc::new(self.nodes.adopt(view)?);
        let mut has_moved = false;
        self.change(|state| {
            has_moved = matches!(state, State::Up(before) if map.differs(before));
            *state = State::Up(Arc::clone(&map));
        });
        // A slot that was taken from a node leaves keys behind that some servers drop in silence.
        if has_moved && let Some(hub) = self.nodes.hub() {
            hub.flush();
        }
        Ok(())
    }

    /// Goes on with what was known, if anything was. Warns once for each reason, not for each look.
    fn lose_sight(&self, error: Error) {
        if let Some(hub) = self.nodes.hub() {
            hub.lose_sight();
        }
        let reason = error.to_string();
        let mut is_news = false;
        self.change(|state| {
            is_news = match state {
                State::Down(old) => old.to_string() != reason,
                State::Idle | State::Opening => true,
                State::Closed | State::Up(_) => return,
            };
            *state = State::Down(error);
        });
        if is_news {
            let server = &self.nodes.template().endpoint;
            tracing::warn!(
                name: "redis.not_connected",
                target: crate::TARGET,
                %server,
                reason,
                "not connected",
            );
        }
    }

    fn idle(&self) {
        if let Some(hub) = self.nodes.hub() {
            hub.lose_sight();
        }
        self.change(|state| *state = State::Idle);
    }

    /// Changes the state unless it is closed.
    fn change(&self, change: impl FnOnce(&mut State)) {
        self.state.send_if_modified(|state| {
            let is_open = !matches!(state, State::Closed);
            if is_open {
                change(state);
            }
            is_open
        });
    }
}
