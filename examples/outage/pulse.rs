//! How late this machine wakes a thread: nobody can answer earlier than that.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::clock::{Clock, Timed};

/// How long the thread sleeps at a time.
const BEAT: Duration = Duration::from_millis(1);

/// A thread of its own, so that a library that blocks the runtime is not excused by it.
#[derive(Debug)]
pub(crate) struct Pulse {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Timed>>,
}

impl Pulse {
    pub(crate) fn start(clock: Clock) -> Self {
        let over = Arc::<AtomicBool>::default();
        let is_over = Arc::clone(&over);
        let thread = thread::spawn(move || {
            let mut beats = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                let at = clock.now();
                thread::sleep(BEAT);
                beats.push(Timed { at, took: (clock.now() - at).saturating_sub(BEAT) });
            }
            beats
        });
        Self { over, thread }
    }

    /// Returns by how much each beat was late.
    pub(crate) fn stop(self) -> Vec<Timed> {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}
