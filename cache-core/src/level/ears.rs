//! The ears: what other instances change is heard here.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use tokio::sync::Notify;

use super::gate::Gate;
use super::near::{Near, NearEntry};
use super::recovery;
use crate::backend::{Listener, News};
use crate::clock::Clock;
use crate::engine::fence::Fences;
use crate::key::{Key, local_hash};
use crate::stats::{CacheCounters, Event, Hearing};

/// How many groups of waiting callers there are. Two keys that share one wake each other in vain.
const WAITERS: usize = 256;

/// Turns news of the remote level into bumped fences, and knows whether there would be any.
///
/// While changes are told, near entries live as long as their values. When that ends, they are
/// served for `degraded_ttl` more, and none of them again once changes are told anew.
pub(crate) struct Ears {
    prefix: Box<[u8]>,
    degraded_ttl: Duration,
    /// Until when entries that rely on news may be served, in milliseconds of the monotonic clock.
    trusted_until: AtomicU64,
    /// Whether some changes are told where not all are.
    partly: AtomicBool,
    /// When the store was last heard, in milliseconds of the monotonic clock.
    heard_at: AtomicU64,
    waiters: Box<[Notify]>,
    /// Wakes the one who waits for the store's return.
    returned: Arc<Notify>,
    /// How often the store turned out to be another.
    strangers: AtomicU64,
    /// Greets strangers, once there is one.
    gate: OnceLock<Weak<Gate>>,
    /// Whether the store is known to echo what it says it does.
    echoing: AtomicBool,
    fences: Arc<Fences>,
    near: Option<Arc<dyn Near>>,
    clock: Arc<dyn Clock>,
    counters: Arc<CacheCounters>,
}

/// What bumps since a write that is echoed were.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Echo {
    /// The echo and nothing else.
    Heard,
    /// There were none, and no echo will come.
    None,
    /// News of somebody else.
    Other,
    /// The echo or news of somebody else: if the write is still there, it was the echo.
    Unsure,
}

impl Ears {
    const NEVER: u64 = u64::MAX;

    /// Changes are told, until further notice.
    const LISTENING: u64 = u64::MAX;

    pub(crate) fn new(
        prefix: &[u8],
        degraded_ttl: Duration,
        fences: Arc<Fences>,
        near: Option<Arc<dyn Near>>,
        clock: Arc<dyn Clock>,
        counters: Arc<CacheCounters>,
    ) -> Self {
        Self {
            prefix: prefix.into(),
            degraded_ttl,
            trusted_until: AtomicU64::new(0),
            partly: AtomicBool::new(false),
            heard_at: AtomicU64::new(Self::NEVER),
            waiters: (0..WAITERS).map(|_| Notify::new()).collect(),
            returned: Arc::default(),
            strangers: AtomicU64::new(0),
            gate: OnceLock::new(),
            echoing: AtomicBool::new(false),
            fences,
            near,
            clock,
            counters,
        }
    }

    /// Tells `gate` of strangers from now on.
    pub(super) fn tell(&self, gate: &Arc<Gate>) {
        // The first one stays, and there is no other.
        let _ = self.gate.set(Arc::downgrade(gate));
    }

    /// Returns what the keys begin with whose news count.
    pub(crate) fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// Whether changes are told at present.
    pub(crate) fn are_listening(&self) -> bool {
        self.trusted_until.load(Ordering::SeqCst) == Self::LISTENING
    }

    /// Returns which changes are told at present.
    pub(crate) fn hearing(&self) -> Hearing {
        match (self.are_listening(), self.partly.load(Ordering::SeqCst)) {
            (true, _) => Hearing::Everything,
            (false, true) => Hearing::Published,
            (false, false) => Hearing::Nothing,
        }
    }

    /// Returns how long ago the store was last heard; `None` if it never was.
    pub(crate) fn heard_ago(&self) -> Option<Duration> {
        let heard_at = self.heard_at.load(Ordering::Relaxed);
        let heard_at = (heard_at != Self::NEVER).then(|| Duration::from_millis(heard_at))?;
        Some(self.clock.monotonic().saturating_sub(heard_at))
    }

    /// Returns what wakes the one who waits for the store's return, at a new connection.
    pub(super) fn returned(&self) -> Arc<Notify> {
        Arc::clone(&self.returned)
    }

    /// Returns how often the store turned out to be another.
    pub(crate) fn strangers(&self) -> u64 {
        self.strangers.load(Ordering::SeqCst)
    }

    /// Whether an entry may be served as far as news are concerned.
    pub(crate) fn trust(&self, entry: &NearEntry, now: Duration) -> bool {
        if !entry.heard {
            return true;
        }
        let until = self.trusted_until.load(Ordering::SeqCst);
        until == Self::LISTENING || now < Duration::from_millis(until)
    }

    /// Returns what wakes those who wait for news of a key. To be enabled before they look.
    pub(crate) fn waiter(&self, key: &[u8]) -> &Notify {
        &self.waiters[(local_hash(key) % WAITERS as u64) as usize]
    }

    /// Tells what `heard` bumps were, where as many as `expected` may be echoes, once the store has
    /// said that the write is still there; `again`, if it has said so a second time.
    ///
    /// A server may stop to echo what scripts write, in a version to come. Then a first bump would
    /// be taken for an echo and be somebody else's. So after each connect it is found out: a write
    /// that is still there *after* the bump was heard was not ended by it.
    pub(crate) fn judge_echo(&self, heard: u64, expected: u64, again: bool) -> Echo {
        match heard {
            0 => Echo::None,
            heard if heard != expected => Echo::Other,
            _ if again || self.echoing.load(Ordering::SeqCst) => {
                self.echoing.store(true, Ordering::SeqCst);
                Echo::Heard
            }
            _ => Echo::Unsure,
        }
    }

    fn changed(&self, key: &[u8]) {
        let Some(name) = key.strip_prefix(&*self.prefix) else { return };
        if name.starts_with(Key::REFRESHING) {
            return;
        }
        if name.starts_with(b"!") {
            return self.fences.bump_group(key);
        }
        self.forget(key);
        self.waiter(key).notify_waiters();
    }

    /// Ends what is near under `key`, and stops what is on its way there.
    pub(crate) fn forget(&self, key: &[u8]) {
        self.fences.bump_key_heard(key);
        self.near.iter().for_each(|near| near.remove(key));
    }

    fn meet(&self) {
        self.strangers.fetch_add(1, Ordering::SeqCst);
        if let Some(gate) = self.gate.get() {
            recovery::begin(gate);
        }
    }

    fn deafen(&self) {
        self.partly.store(false, Ordering::SeqCst);
        let until = self.clock.monotonic() + self.degraded_ttl;
        let until = u64::try_from(until.as_millis()).unwrap_or(Self::LISTENING - 1);
        // Only the first time: being told twice of one silence does not lengthen the trust.
        let _ = self.trusted_until.compare_exchange(
            Self::LISTENING,
            until,
            Ordering::SeqCst,
            Ordering::SeqCst,
        );
        self.wake_all();
    }

    fn listen(&self) {
        // Before the trust: what was read so far may be old.
        self.flush();
        self.echoing.store(false, Ordering::SeqCst);
        self.trusted_until.store(Self::LISTENING, Ordering::SeqCst);
        self.wake_all();
    }

    fn listen_partly(&self) {
        self.deafen();
        // What was read so far may be old, and would otherwise end only with `degraded_ttl`.
        self.flush();
        self.partly.store(true, Ordering::SeqCst);
    }

    /// Ends everything near.
    fn flush(&self) {
        self.fences.bump_all();
        self.counters.note(Event::NearFlushed);
    }

    fn wake_all(&self) {
        self.waiters.iter().for_each(Notify::notify_waiters);
    }
}

impl Listener for Ears {
    fn hear(&self, news: News<'_>) {
        if news != News::Deaf {
            let now = u64::try_from(self.clock.monotonic().as_millis());
            self.heard_at.store(now.unwrap_or(Self::NEVER - 1), Ordering::Relaxed);
        }
        if news != News::Alive {
            self.counters.news.add_one();
        }
        // A new connection; what one that is slow tells must not have it probed all the time.
        if matches!(news, News::Listening | News::Partly | News::Stranger) {
            self.returned.notify_one();
        }
        match news {
            News::Alive => {}
            News::Changed(key) => self.changed(key),
            News::Deaf => self.deafen(),
            News::Flushed => self.flush(),
            News::Listening => self.listen(),
            News::Partly => self.listen_partly(),
            News::Stranger => self.meet(),
        }
    }
}

impl fmt::Debug for Ears {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ears").field("listening", &self.are_listening()).finish_non_exhaustive()
    }
}
