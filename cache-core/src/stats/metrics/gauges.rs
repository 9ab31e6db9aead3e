//! What is read rather than counted.

use std::time::Duration;

use ::metrics::gauge;

use super::names;
use crate::stats::{Health, RemoteState, Stats};

/// Sets every gauge; those of the remote level only if there is one.
pub(crate) fn record_gauges(stats: &Stats, health: &Health) {
    gauge!(names::JOURNAL_DEPTH).set(stats.journal_depth as f64);
    gauge!(names::LOADS_IN_BACKGROUND).set(stats.in_background as f64);
    gauge!(names::LOADS_IN_FLIGHT).set(stats.in_flight as f64);
    gauge!(names::NEAR_BYTES).set(stats.near.bytes as f64);
    gauge!(names::NEAR_ENTRIES).set(stats.near.entries as f64);
    let Some(remote) = &health.remote else { return };
    gauge!(names::REMOTE_HEARING).set(f64::from(remote.is_listening()));
    gauge!(names::REMOTE_UP).set(f64::from(remote.state == RemoteState::Up));
    if let Some(age) = remote.heard_ms_ago {
        gauge!(names::REMOTE_HEARD_AGE).set(Duration::from_millis(age).as_secs_f64());
    }
}
