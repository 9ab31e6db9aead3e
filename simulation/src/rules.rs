//! The settings of every instance, in milliseconds, and the bounds that follow from them.

use std::time::Duration;

use cache_aside::Settings;

pub(crate) const REMOTE_TIMEOUT: u64 = 50;
pub(crate) const DEGRADED_TTL: u64 = 400;
pub(crate) const MAX_SILENCE: u64 = 300;
pub(crate) const LEASE_TTL: u64 = 600;
pub(crate) const WAIT: u64 = 300;
pub(crate) const GUARD_TTL: u64 = 900;
pub(crate) const RETRY_MIN: u64 = 20;
pub(crate) const RETRY_MAX: u64 = 200;

/// How long an instance that cannot hear may serve what was invalidated elsewhere.
pub(crate) const BOUND: u64 = MAX_SILENCE + DEGRADED_TTL + 5;

/// How long after the last fault all is as if none had been.
pub(crate) const SETTLED: u64 = 3 * GUARD_TTL;

/// The most that a call may take beyond its own load: the steps of the remote level, and waiting for
/// loads of others, for twice as long the second time.
pub(crate) const LONGEST_CALL: u64 = 12 * REMOTE_TIMEOUT + 3 * WAIT + LEASE_TTL;

pub(crate) fn settings(hold: Option<u64>, journal: usize) -> Settings {
    let mut settings = Settings::default();
    settings.remote_timeout = Duration::from_millis(REMOTE_TIMEOUT);
    settings.degraded_ttl = Duration::from_millis(DEGRADED_TTL);
    settings.max_silence = Duration::from_millis(MAX_SILENCE);
    settings.lease_ttl = Duration::from_millis(LEASE_TTL);
    settings.wait = Duration::from_millis(WAIT);
    settings.guard_ttl = Duration::from_millis(GUARD_TTL);
    settings.retry_min = Duration::from_millis(RETRY_MIN);
    settings.retry_max = Duration::from_millis(RETRY_MAX);
    settings.journal_max = journal;
    settings.hold = hold.map(Duration::from_millis);
    settings
}
