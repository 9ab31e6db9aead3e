//! Looks who serves what, again and again.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::time::{sleep, timeout};

use super::map::Shard;
use super::view::View;
use super::{Shared, State};
use crate::Result;
use crate::dial::{Opened, Role};
use crate::endpoint::Host;
use crate::error::{lost, silent};
use crate::link::Link;

/// The one task that keeps the map, as long as it lives. Leaves the state idle when it ends in any
/// other way than by being closed, such as with its runtime.
pub(crate) struct Scout {
    pub(crate) shared: Arc<Shared>,
}

impl Scout {
    /// Between two looks, however much happens: moving slots redirects a great many calls.
    const PAUSE: Duration = Duration::from_millis(100);
    /// Until the next look, after the pause, while a primary is away: somebody may have taken its
    /// place.
    const AWAY: Duration = Duration::from_millis(100);
    /// Until the next look while nobody listens: redirections tell of what changes.
    const QUIET: Duration = Duration::from_secs(5);
    /// How long a node gets to say who serves what; others can be asked.
    const ANSWER: Duration = Duration::from_millis(500);

    pub(crate) async fn run(self) {
        let mut state = self.shared.state.subscribe();
        let closed = state.wait_for(|state| matches!(state, State::Closed)).map(drop);
        tokio::select! {
            () = closed => {}
            () = self.watch() => {}
        }
    }

    async fn watch(&self) {
        loop {
            let looked = self.look().await.and_then(|view| self.shared.adopt(view));
            if let Err(error) = looked {
                self.shared.lose_sight(error);
            }
            self.check_replicas().await;
            sleep(Self::PAUSE).await;
            let nudged = self.shared.nudge.notified();
            // Being late is one of the reasons to look.
            let _ = timeout(self.interval(), nudged).await;
        }
    }

    /// Asks whoever answers: a node that is connected, or else whoever can be connected to.
    async fn look(&self) -> Result<View> {
        let mut connected = self.shared.nodes.connected();
        let turn = self.shared.turn.fetch_add(1, Ordering::Relaxed);
        let first = turn % connected.len().max(1);
        connected.rotate_left(first); // a node that sees it wrong is not asked for ever
        for (host, link) in connected {
            if let Ok(view) = ask(&link, &host).await {
                return Ok(view);
            }
        }
        let mut problem = lost();
        for host in self.candidates() {
            match self.visit(&host).await {
                Ok(view) => return Ok(view),
                Err(error) => problem = error,
            }
        }
        Err(problem)
    }

    /// How long until the next look if nothing happens.
    fn interval(&self) -> Duration {
        let is_away = match &*self.shared.state.borrow() {
            State::Up(map) => map.shards().iter().any(Shard::is_settling),
            _ => true,
        };
        match self.shared.nodes.hub() {
            _ if is_away => Self::AWAY,
            Some(hub) => hub.max_silence() / 2,
            None => Self::QUIET,
        }
    }

    /// Returns whom to ask if nobody is connected: the seeds, then all others.
    fn candidates(&self) -> Vec<Host> {
        let mut hosts: Vec<_> = self.shared.seeds.iter().cloned().collect();
        for host in self.shared.nodes.hosts() {
            if !hosts.contains(&host) {
                hosts.push(host);
            }
        }
        hosts
    }

    /// Asks over a connection of its own.
    async fn visit(&self, host: &Host) -> Result<View> {
        let dialer = self.shared.nodes.template().at(host.clone(), Role::Member);
        let Opened { link, driver, .. } = dialer.dial().await?;
        tokio::select! {
            view = ask(&link, host) => view,
            () = driver => Err(lost()),
        }
    }

    async fn check_replicas(&self) {
        let replicas = self.shared.nodes.replicas();
        join_all(replicas.iter().map(|node| node.check(Self::ANSWER))).await;
    }
}

async fn ask(link: &Link, host: &Host) -> Result<View> {
    let answer = timeout(Scout::ANSWER, link.ask_one(View::request())).await;
    View::read(&answer.map_err(|_| silent())??, host)
}

impl Drop for Scout {
    fn drop(&mut self) {
        self.shared.idle();
    }
}
