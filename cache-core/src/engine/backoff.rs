//! Keys that are left alone for a while: their loads fail, or somebody else refreshes them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::policy::Settings;

const SHARDS: usize = 16;

/// Which keys are left alone, and until when. Times are those of the monotonic clock.
///
/// Keys are known by their hashes: two that share one leave each other alone.
#[derive(Debug)]
pub(super) struct Backoff {
    shards: [Mutex<HashMap<u64, Rest>>; SHARDS],
    first: Duration,
    longest: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Rest {
    until: Duration,
    failures: u32,
}

impl Backoff {
    /// How many keys are known at most. Those beyond are not left alone.
    pub(super) const MAX: usize = 16 * 1024;

    /// How long a key is left alone that somebody else refreshes.
    const ELSEWHERE: Duration = Duration::from_millis(250);

    pub(super) fn new(settings: &Settings) -> Self {
        let (first, longest) = (settings.backoff_min, settings.backoff_max);
        Self { shards: std::array::from_fn(|_| Mutex::default()), first, longest }
    }

    /// Returns how much longer a key is left alone.
    pub(super) fn left(&self, key: u64, now: Duration) -> Option<Duration> {
        let rest = self.shard(key).get(&key).copied()?;
        rest.until.checked_sub(now).filter(|left| !left.is_zero())
    }

    /// As [`left`](Self::left), for one whose loads fail.
    pub(super) fn left_of_failure(&self, key: u64, now: Duration) -> Option<Duration> {
        let failures = self.shard(key).get(&key).map_or(0, |rest| rest.failures);
        if failures == 0 { None } else { self.left(key, now) }
    }

    /// Notes that a load failed; returns how long the key is left alone, each time twice as long.
    pub(super) fn failed(&self, key: u64, now: Duration) -> Duration {
        let mut shard = self.shard(key);
        let failures = shard.get(&key).map_or(0, |rest| rest.failures).saturating_add(1);
        let pause = self.first.saturating_mul(1 << (failures - 1).min(20)).min(self.longest);
        put(&mut shard, key, Rest { until: now.saturating_add(pause), failures }, now);
        pause
    }

    /// Notes that somebody else refreshes a key.
    pub(super) fn elsewhere(&self, key: u64, now: Duration) {
        let mut shard = self.shard(key);
        let failures = shard.get(&key).map_or(0, |rest| rest.failures);
        put(&mut shard, key, Rest { until: now.saturating_add(Self::ELSEWHERE), failures }, now);
    }

    /// Notes that a load succeeded.
    pub(super) fn succeeded(&self, key: u64) {
        self.shard(key).remove(&key);
    }

    fn shard(&self, key: u64) -> MutexGuard<'_, HashMap<u64, Rest>> {
        let shard = &self.shards[(key % SHARDS as u64) as usize];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn put(shard: &mut HashMap<u64, Rest>, key: u64, rest: Rest, now: Duration) {
    const MAX: usize = Backoff::MAX / SHARDS;
    if shard.len() >= MAX && !shard.contains_key(&key) {
        shard.retain(|_, rest| now < rest.until);
    }
    if shard.len() < MAX || shard.contains_key(&key) {
        shard.insert(key, rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn backoff() -> Backoff {
        let mut settings = Settings::default();
        (settings.backoff_min, settings.backoff_max) = (ms(100), ms(1000));
        Backoff::new(&settings)
    }

    #[test]
    fn a_key_is_left_alone_twice_as_long_each_time_it_fails() {
        let backoff = backoff();

        let pauses: Vec<_> = (0..6).map(|_| backoff.failed(1, ms(0)).as_millis()).collect();

        assert_eq!(pauses, [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(backoff.left(1, ms(400)), Some(ms(600)));
        assert_eq!((backoff.left(1, ms(1000)), backoff.left(2, ms(0))), (None, None));
        backoff.succeeded(1);
        assert_eq!(backoff.left(1, ms(400)), None);
        assert_eq!(backoff.failed(1, ms(0)), ms(100));
    }

    #[test]
    fn keys_beyond_the_bound_are_not_left_alone_until_others_are_over() {
        let backoff = backoff();
        for key in 0..2 * Backoff::MAX as u64 {
            backoff.failed(key, ms(0));
        }
        let keys = 0..2 * Backoff::MAX as u64;
        let known = keys.filter(|key| backoff.left(*key, ms(50)).is_some());

        assert_eq!(known.count(), Backoff::MAX);
        backoff.failed(u64::MAX, ms(200));

        assert_eq!(backoff.left(u64::MAX, ms(250)), Some(ms(50)));
    }
}
