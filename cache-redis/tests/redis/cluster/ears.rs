//! What a backend tells of what others change.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use cache_core::Key;
use cache_core::backend::{Backend, ListenOptions, Listener, News};
use cache_redis::RedisBackend;

use crate::common::eventually;

/// Hears, and remembers.
#[derive(Debug, Default)]
pub(crate) struct Ears {
    changed: Mutex<Vec<Vec<u8>>>,
    flushes: AtomicUsize,
    /// Odd while changes are told.
    turns: AtomicUsize,
}

impl Ears {
    /// Listens; the backend must not have been used yet.
    pub(crate) fn of(backend: &RedisBackend, max_silence: Duration) -> Arc<Self> {
        let ears = Arc::<Self>::default();
        let listener: Weak<dyn Listener> = Arc::<Self>::downgrade(&ears);
        backend.listen(&ListenOptions::new("test:", max_silence), listener);
        ears
    }

    pub(crate) fn are_listening(&self) -> bool {
        self.turns() % 2 == 1
    }

    /// Returns how often it began or ended that changes are told.
    pub(crate) fn turns(&self) -> usize {
        self.turns.load(Ordering::SeqCst)
    }

    pub(crate) fn flushes(&self) -> usize {
        self.flushes.load(Ordering::SeqCst)
    }

    pub(crate) async fn listening(&self) -> Duration {
        eventually(|| async { self.are_listening() }).await
    }

    /// Waits for news of a key, and forgets all news.
    pub(crate) async fn heard(&self, key: &Key) {
        let is_told = || self.changed.lock().unwrap().iter().any(|told| told == key.as_bytes());
        eventually(|| async { is_told() }).await;
        self.changed.lock().unwrap().clear();
    }
}

impl Listener for Ears {
    fn hear(&self, news: News<'_>) {
        match news {
            News::Changed(key) => self.changed.lock().unwrap().push(key.to_vec()),
            News::Flushed => {
                self.flushes.fetch_add(1, Ordering::SeqCst);
            }
            News::Listening => {
                self.turns.fetch_or(1, Ordering::SeqCst);
            }
            // Odd becomes even, even stays.
            News::Deaf => {
                let turns = self.turns();
                self.turns.store(turns + turns % 2, Ordering::SeqCst);
            }
            _ => {}
        }
    }
}
