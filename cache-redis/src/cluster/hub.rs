//! Hears all primaries at once: one that is not heard makes the cluster one that is not.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use cache_core::backend::{ListenOptions, Listener, News};
use tokio::sync::Notify;

use crate::news::Feed;

/// Puts together what the primaries tell.
///
/// Changes are passed on always, each as it comes. That all of them are told is passed on while
/// every primary that serves something tells.
#[derive(Debug)]
pub(crate) struct Hub {
    /// Who wants to know.
    feed: Feed,
    hearing: Mutex<Hearing>,
    /// Wakes who looks after the topology, as a primary that is lost may be replaced.
    nudge: Arc<Notify>,
}

/// The number of a node, which no other ever has.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct NodeId(pub(crate) u64);

/// Which primaries tell, of those that should.
#[derive(Debug, Default)]
struct Hearing {
    /// `None` while nobody can say.
    expected: Option<HashSet<NodeId>>,
    /// What each node tells, if anything.
    heard: HashMap<NodeId, Heard>,
    /// Which primaries have slots, by the last map.
    serving: HashSet<NodeId>,
    /// Which nodes answered since that was told last.
    alive: HashSet<NodeId>,
    told: Option<Heard>,
}

/// What is told of changes, by one node or by all.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Heard {
    Some,
    All,
}

impl Hub {
    pub(crate) fn new(
        options: ListenOptions,
        listener: Weak<dyn Listener>,
        nudge: Arc<Notify>,
    ) -> Self {
        Self { feed: Feed::new(options, listener), hearing: Mutex::default(), nudge }
    }

    pub(crate) fn max_silence(&self) -> Duration {
        self.feed.max_silence()
    }

    /// Expects these nodes and no others to tell: those that have slots, and those that are about
    /// to. To be called before anybody reads from them.
    ///
    /// Another set than before is news of its own, even if all of them tell already: what one that
    /// left had to tell last was perhaps not heard. If others have slots, the cluster is another: who
    /// took them over may have forgotten something.
    pub(crate) fn expect(&self, serving: HashSet<NodeId>, guests: &HashSet<NodeId>) {
        let nodes = &serving | guests;
        let mut hearing = self.hearing();
        if hearing.serving != serving {
            hearing.serving = serving;
            self.feed.tell(News::Stranger);
        }
        if hearing.expected.as_ref() != Some(&nodes) {
            self.deafen(&mut hearing);
            hearing.heard.retain(|node, _| nodes.contains(node));
            hearing.alive.retain(|node| nodes.contains(node));
            hearing.expected = Some(nodes);
            self.judge(&mut hearing);
        }
    }

    /// Expects one more node to tell.
    pub(crate) fn expect_also(&self, node: NodeId) {
        let mut hearing = self.hearing();
        self.deafen(&mut hearing);
        hearing.expected.get_or_insert_default().insert(node);
    }

    /// Trusts nobody any more, as nobody says who the primaries are.
    pub(crate) fn lose_sight(&self) {
        let mut hearing = self.hearing();
        self.deafen(&mut hearing);
        hearing.expected = None;
    }

    /// Tells that anything may have changed.
    pub(crate) fn flush(&self) {
        self.feed.tell(News::Flushed);
    }

    fn heard(&self, node: NodeId, news: News<'_>) {
        match news {
            News::Alive => self.alive(node),
            News::Deaf => {
                self.hears(node, None);
                self.nudge.notify_one();
            }
            News::Listening => self.hears(node, Some(Heard::All)),
            News::Partly => self.hears(node, Some(Heard::Some)),
            News::Stranger => self.meets(node),
            news => self.feed.tell(news),
        }
    }

    fn hears(&self, node: NodeId, heard: Option<Heard>) {
        let mut hearing = self.hearing();
        match heard {
            Some(heard) => hearing.heard.insert(node, heard),
            None => hearing.heard.remove(&node),
        };
        self.judge(&mut hearing);
    }

    /// Passes on that a primary is another. One without slots is none of those that the cluster is.
    fn meets(&self, node: NodeId) {
        let hearing = self.hearing();
        if hearing.serving.contains(&node) {
            self.feed.tell(News::Stranger);
        }
    }

    /// Passes on that all are alive, once each has said so.
    fn alive(&self, node: NodeId) {
        let mut hearing = self.hearing();
        hearing.alive.insert(node);
        if hearing.expected.as_ref().is_some_and(|nodes| nodes.is_subset(&hearing.alive)) {
            hearing.alive.clear();
            self.feed.tell(News::Alive);
        }
    }

    /// Tells what changed about hearing. Under the lock, so that it is told in order.
    fn judge(&self, hearing: &mut Hearing) {
        let heard = hearing.heard();
        if heard == hearing.told {
            return;
        }
        hearing.told = heard;
        self.feed.tell(match heard {
            Some(Heard::All) => News::Listening,
            Some(Heard::Some) => News::Partly,
            None => News::Deaf,
        });
    }

    fn deafen(&self, hearing: &mut Hearing) {
        hearing.told = None;
        self.feed.tell(News::Deaf);
    }

    fn hearing(&self) -> MutexGuard<'_, Hearing> {
        self.hearing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hearing {
    /// Returns what is told by all: as much as by the one that tells least.
    fn heard(&self) -> Option<Heard> {
        let heard = self.expected.iter().flatten().map(|node| self.heard.get(node).copied());
        heard.min().flatten()
    }
}

/// Hears one node.
#[derive(Debug)]
pub(crate) struct Ear {
    hub: Arc<Hub>,
    node: NodeId,
}

impl Ear {
    pub(crate) fn new(hub: Arc<Hub>, node: NodeId) -> Arc<Self> {
        Arc::new(Self { hub, node })
    }

    /// Returns what a connection tells its news to.
    pub(crate) fn feed(self: &Arc<Self>) -> Feed {
        let listener: Weak<dyn Listener> = Arc::<Self>::downgrade(self);
        self.hub.feed.with_listener(listener)
    }
}

impl Listener for Ear {
    fn hear(&self, news: News<'_>) {
        self.hub.heard(self.node, news);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notes what it is told.
    #[derive(Debug, Default)]
    struct Log(Mutex<Vec<String>>);

    impl Listener for Log {
        fn hear(&self, news: News<'_>) {
            self.0.lock().unwrap().push(format!("{news:?}"));
        }
    }

    impl Log {
        fn taken(&self) -> Vec<String> {
            std::mem::take(&mut self.0.lock().unwrap())
        }
    }

    fn hub() -> (Arc<Log>, Arc<Hub>) {
        let log = Arc::<Log>::default();
        let listener: Weak<dyn Listener> = Arc::<Log>::downgrade(&log);
        let options = ListenOptions::new("test:", Duration::from_secs(2));
        (log, Arc::new(Hub::new(options, listener, Arc::default())))
    }

    fn ears<const N: usize>(hub: &Arc<Hub>) -> [Arc<Ear>; N] {
        std::array::from_fn(|node| Ear::new(Arc::clone(hub), NodeId(node as u64)))
    }

    fn set(nodes: &[u64]) -> HashSet<NodeId> {
        nodes.iter().copied().map(NodeId).collect()
    }

    /// Expects primaries with slots.
    fn expect(hub: &Hub, nodes: &[u64]) {
        hub.expect(set(nodes), &set(&[]));
    }

    #[test]
    fn it_listens_while_all_primaries_are_heard() {
        let (log, hub) = hub();
        let [one, two] = ears(&hub);

        expect(&hub, &[0, 1]);
        assert_eq!(log.taken(), ["Stranger", "Deaf"]);
        one.hear(News::Listening);
        assert!(log.taken().is_empty());
        two.hear(News::Listening);
        assert_eq!(log.taken(), ["Listening"]);

        one.hear(News::Deaf);
        one.hear(News::Deaf);
        assert_eq!(log.taken(), ["Deaf"]);
        two.hear(News::Changed(b"key"));
        assert_eq!(log.taken().len(), 1);
        one.hear(News::Listening);
        assert_eq!(log.taken(), ["Listening"]);
    }

    #[test]
    fn other_primaries_are_news_even_if_all_are_heard() {
        let (log, hub) = hub();
        let [one, two, three] = ears(&hub);
        expect(&hub, &[0, 1]);
        one.hear(News::Listening);
        two.hear(News::Listening);
        log.taken();

        expect(&hub, &[0, 1]);
        assert!(log.taken().is_empty());
        expect(&hub, &[0]);
        assert_eq!(log.taken(), ["Stranger", "Deaf", "Listening"]);
        expect(&hub, &[0, 2]);
        assert_eq!(log.taken(), ["Stranger", "Deaf"]);
        three.hear(News::Listening);
        assert_eq!(log.taken(), ["Listening"]);
        hub.expect_also(NodeId(3));
        assert_eq!(log.taken(), ["Deaf"]);
    }

    #[test]
    fn who_left_and_returns_is_heard_anew() {
        let (log, hub) = hub();
        let [one, two] = ears(&hub);
        expect(&hub, &[0, 1]);
        one.hear(News::Listening);
        two.hear(News::Listening);
        expect(&hub, &[0]);
        log.taken();

        expect(&hub, &[0, 1]);

        assert_eq!(log.taken(), ["Stranger", "Deaf"]);
    }

    /// As where a server refuses to tell, and instances tell each other.
    #[test]
    fn the_cluster_tells_as_much_as_the_node_that_tells_least() {
        let (log, hub) = hub();
        let [one, two] = ears(&hub);
        expect(&hub, &[0, 1]);
        one.hear(News::Listening);
        two.hear(News::Partly);
        assert_eq!(log.taken(), ["Stranger", "Deaf", "Partly"]);
        two.hear(News::Deaf);
        two.hear(News::Listening);
        assert_eq!(log.taken(), ["Deaf", "Listening"]);

        one.hear(News::Alive);
        one.hear(News::Alive);
        assert!(log.taken().is_empty());
        two.hear(News::Alive);
        assert_eq!(log.taken(), ["Alive"]);
    }

    #[test]
    fn who_left_is_forgotten_while_another_is_silent() {
        let (_log, hub) = hub();
        for node in 1..100 {
            expect(&hub, &[0, node]);
            Ear::new(Arc::clone(&hub), NodeId(node)).hear(News::Alive);
        }

        assert_eq!(hub.hearing().alive, set(&[99]));
    }

    #[test]
    fn the_cluster_is_another_if_a_primary_with_slots_is() {
        let (log, hub) = hub();
        let [one, guest] = ears(&hub);
        expect(&hub, &[0]);
        log.taken();

        one.hear(News::Stranger);
        assert_eq!(log.taken(), ["Stranger"]);
        hub.lose_sight();
        one.hear(News::Stranger);
        assert_eq!(log.taken(), ["Deaf", "Stranger"]);

        hub.expect_also(NodeId(1));
        guest.hear(News::Stranger);
        hub.expect(set(&[0]), &set(&[1]));
        assert!(!log.taken().contains(&"Stranger".to_owned()));
        expect(&hub, &[0, 1]);
        assert_eq!(log.taken(), ["Stranger"]);
    }

    #[test]
    fn without_a_map_nobody_is_trusted() {
        let (log, hub) = hub();
        let [one] = ears(&hub);
        one.hear(News::Listening);
        assert!(log.taken().is_empty());
        expect(&hub, &[0]);
        one.hear(News::Listening);
        log.taken();

        hub.lose_sight();
        assert_eq!(log.taken(), ["Deaf"]);
        one.hear(News::Listening);
        assert!(log.taken().is_empty());
        expect(&hub, &[0]);
        assert_eq!(log.taken(), ["Deaf", "Listening"]);
    }
}
