//! The replicas of a primary that sentinels watch over.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use redis::{Pipeline, Value};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::cluster::hub::NodeId;
use crate::cluster::node::Node;
use crate::cluster::route::PATIENCE;
use crate::dial::{Dialer, Role};
use crate::endpoint::Host;

/// The replicas of a primary, to read from.
///
/// One task, on the runtime of the first look-up, asks the sentinels which there are; it ends with
/// this handle. If that runtime goes away, the next look-up starts another.
pub(crate) struct Followers {
    shared: Arc<Shared>,
    task: Mutex<Task>,
}

struct Shared {
    dialer: Arc<Dialer>,
    nodes: Mutex<HashMap<Host, Arc<Node>>>,
    next: AtomicU64,
    /// Counts, so that reads go round.
    turn: AtomicUsize,
}

enum Task {
    Closed,
    Idle,
    Running(JoinHandle<()>),
}

impl Followers {
    /// How long a replica gets to say whether it hears its primary.
    const ANSWER: Duration = Duration::from_millis(500);
    /// More than anybody has; bounds what a sentinel can make us open.
    const MOST: usize = 64;
    /// For new ones to be connected before they are asked.
    const PAUSE: Duration = Duration::from_millis(100);

    pub(crate) fn new(dialer: Arc<Dialer>) -> Self {
        let (nodes, next, turn) = (Mutex::default(), AtomicU64::new(0), AtomicUsize::new(0));
        let shared = Shared { dialer, nodes, next, turn };
        Self { shared: Arc::new(shared), task: Mutex::new(Task::Idle) }
    }

    /// Reads from a replica that is at hand; no answers if there is none, or none in time.
    pub(crate) async fn glance(&self, commands: &Pipeline) -> Vec<Option<Value>> {
        self.start();
        let link = self.shared.readable().and_then(|node| node.current());
        let answers = match link {
            Some(link) => timeout(PATIENCE, link.ask(commands)).await.ok().and_then(Result::ok),
            None => None,
        };
        match answers {
            Some(answers) => answers.into_iter().map(Some).collect(),
            None => vec![None; commands.len()],
        }
    }

    /// Ends the connections and the task.
    pub(crate) async fn close(&self) {
        let task = std::mem::replace(&mut *self.task(), Task::Closed);
        if let Task::Running(task) = task {
            task.abort();
            // Fails, because it was aborted.
            let _ = task.await;
        }
        let nodes: Vec<_> = self.shared.nodes().drain().map(|(_, node)| node).collect();
        join_all(nodes.iter().map(|node| node.close())).await;
    }

    fn start(&self) {
        let mut task = self.task();
        let is_needed = match &*task {
            Task::Closed => false,
            Task::Idle => true,
            Task::Running(task) => task.is_finished(),
        };
        if is_needed && let Ok(runtime) = Handle::try_current() {
            *task = Task::Running(runtime.spawn(watch(Arc::clone(&self.shared))));
        }
    }

    fn task(&self) -> MutexGuard<'_, Task> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Followers {
    fn drop(&mut self) {
        if let Task::Running(task) = &*self.task() {
            task.abort();
        }
    }
}

/// Asks which replicas there are, and whether they hear their primary, for ever.
async fn watch(shared: Arc<Shared>) {
    let Some(sentinels) = shared.dialer.sentinels() else { return };
    let (every, mut line) = (shared.dialer.every(), None);
    loop {
        // Without an answer those that are known go on, as long as they hear their primary.
        if let Some(hosts) = sentinels.replicas(&mut line, Instant::now() + every).await {
            shared.adopt(hosts);
        }
        sleep(Followers::PAUSE).await;
        let nodes: Vec<_> = shared.nodes().values().cloned().collect();
        join_all(nodes.iter().map(|node| node.check(Followers::ANSWER))).await;
        sleep(every).await;
    }
}

impl Shared {
    fn adopt(&self, mut hosts: Vec<Host>) {
        hosts.truncate(Followers::MOST);
        let mut nodes = self.nodes();
        nodes.retain(|host, _| hosts.contains(host));
        for host in hosts {
            let node = nodes.entry(host).or_insert_with_key(|host| {
                let id = NodeId(self.next.fetch_add(1, Ordering::Relaxed));
                Arc::new(Node::replica(id, host.clone(), &self.dialer, Role::Follower))
            });
            node.open();
        }
    }

    /// Returns a replica that can be read from, another at each call.
    fn readable(&self) -> Option<Arc<Node>> {
        let nodes = self.nodes();
        let readable: Vec<_> = nodes.values().filter(|node| node.is_readable()).collect();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % readable.len().max(1);
        readable.get(turn).map(|node| Arc::clone(node))
    }

    fn nodes(&self) -> MutexGuard<'_, HashMap<Host, Arc<Node>>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
