//! How many absent answers are cached.

use std::time::Duration;

use crate::key::{Key, local_hash};
use crate::policy::Settings;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::many;

const STRIPES: usize = many(4096);

/// How many absent answers each user has cached; of keys without a user, each entity.
///
/// Whoever asks for ids that do not exist would otherwise fill the levels with "there is none". Those
/// who share a stripe share a budget.
#[derive(Debug)]
pub(crate) struct Nones {
    stripes: Box<[AtomicU64]>,
    limit: u64,
}

impl Nones {
    /// The shortest window: of short lives there may be more one after the other.
    const MINUTE: Duration = Duration::from_secs(60);

    /// The most that can be counted.
    pub(crate) const MAX: usize = u16::MAX as usize;

    pub(super) fn new(settings: &Settings) -> Self {
        let stripes = (0..STRIPES).map(|_| AtomicU64::new(0)).collect();
        Self { stripes, limit: settings.none_limit as u64 }
    }

    /// Whether one more may be cached under `key` for `ttl`; counts it if so.
    pub(super) fn admit(&self, key: &Key, ttl: Duration, now: Duration) -> bool {
        let whom = Some(key.user_bytes()).filter(|user| !user.is_empty());
        let whom = whom.unwrap_or_else(|| key.entity_name().as_bytes());
        let length = ttl.max(Self::MINUTE).as_millis();
        let window = u32::try_from(now.as_millis() / length).unwrap_or(u32::MAX);
        // Windows of different lengths cannot be counted in one stripe.
        let place = local_hash(whom) ^ local_hash(&length.to_le_bytes());
        let stripe = &self.stripes[(place % STRIPES as u64) as usize];
        let next = |tally| Tally::read(tally).next(window, self.limit).map(Tally::to_bits);
        stripe.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }
}

/// What was admitted in a window and in the one before it: all that can still be there.
#[derive(Clone, Copy, Debug)]
struct Tally {
    window: u32,
    before: u16,
    now: u16,
}

impl Tally {
    /// Returns what it is after one more; `None` if that is one too many.
    fn next(self, window: u32, limit: u64) -> Option<Self> {
        let (before, now) = match window.saturating_sub(self.window) {
            0 => (self.before, self.now),
            1 => (self.now, 0),
            _ => (0, 0),
        };
        let is_full = u64::from(before) + u64::from(now) >= limit;
        // A thread that was late is counted where the others are.
        let window = window.max(self.window);
        (!is_full).then(|| Self { window, before, now: now.saturating_add(1) })
    }

    fn read(bits: u64) -> Self {
        let [a, b, c, d, e, f, g, h] = bits.to_le_bytes();
        let window = u32::from_le_bytes([a, b, c, d]);
        Self { window, before: u16::from_le_bytes([e, f]), now: u16::from_le_bytes([g, h]) }
    }

    fn to_bits(self) -> u64 {
        u64::from(self.window) | u64::from(self.before) << 32 | u64::from(self.now) << 48
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::key;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn nones(limit: usize) -> Nones {
        Nones::new(&Settings { none_limit: limit, ..Settings::default() })
    }

    #[test]
    fn no_more_than_the_limit_are_there_at_any_time() {
        for (ttl, step) in [(60, 1), (60, 7), (300, 3), (90, 50)] {
            let (nones, key) = (nones(10), key("atlas", "profile").user(1));
            let mut admitted = Vec::new();
            for now in (0..3600).step_by(step) {
                if nones.admit(&key, secs(ttl), secs(now)) {
                    admitted.push(now);
                }
                let there = admitted.iter().filter(|then| **then + ttl > now).count();
                assert!(there <= 10, "{there} at {now}, ttl {ttl}");
            }
            // Half of what fits, at least: those of the window before count as there.
            let least = (3600 / ttl) as usize * 10 / 2;
            assert!(admitted.len() >= least.min(3600 / step), "{}, ttl {ttl}", admitted.len());
        }
    }

    #[test]
    fn short_lives_are_counted_by_the_minute() {
        let (nones, key) = (nones(10), key("atlas", "profile").user(1));
        let admitted = (0..60).filter(|now| nones.admit(&key, secs(1), secs(*now)));

        assert_eq!(admitted.count(), 10);
        assert!(nones.admit(&key, secs(1), secs(121)));
    }

    #[test]
    fn users_have_a_budget_each_and_entities_without_one() {
        let nones = nones(10);
        let count = |key: &Key| {
            let admits = |id: &u32| nones.admit(&key.clone().arg(*id), secs(60), secs(0));
            (0..1000).filter(admits).count()
        };
        let profile = key("atlas", "profile");

        // One of them may share a stripe with another.
        let counts: Vec<_> = (0..20).map(|user| count(&profile.clone().user(user))).collect();
        assert!(counts.iter().filter(|count| **count == 10).count() > 15, "{counts:?}");
        assert_eq!(count(&profile.clone().user(0).tenant("acme")), 0, "the same user");
        assert_eq!(count(&key("atlas", "page").user(0)), 0, "the same user");
        assert!(count(&profile) + count(&key("atlas", "page")) >= 10);
    }

    #[test]
    fn a_late_thread_is_counted_with_the_others() {
        let tally = Tally { window: 7, before: 2, now: 3 };
        for (window, expected) in [(6, (7, 2, 4)), (7, (7, 2, 4)), (8, (8, 3, 1)), (9, (9, 0, 1))] {
            let next = Tally::read(tally.to_bits()).next(window, 100).unwrap();
            assert_eq!((next.window, next.before, next.now), expected);
        }
        assert!(tally.next(7, 5).is_none() && tally.next(8, 3).is_none());
    }
}
