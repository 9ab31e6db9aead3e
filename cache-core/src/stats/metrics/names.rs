//! The names of all metrics, and what they say.

use ::metrics::Unit;

pub(super) const ANSWERS: &str = "cache_answers_total";
pub(super) const BACKGROUND_REFUSED: &str = "cache_background_refused_total";
pub(super) const COALESCED: &str = "cache_coalesced_total";
pub(super) const FENCED_FILLS: &str = "cache_fenced_fills_total";
pub(super) const FLAWS: &str = "cache_flaws_total";
pub(super) const HARD_TIMEOUTS: &str = "cache_hard_timeouts_total";
pub(super) const INVALIDATIONS: &str = "cache_invalidations_total";
pub(super) const INVALIDATIONS_JOURNALLED: &str = "cache_invalidations_journalled_total";
pub(super) const INVALIDATIONS_LOST: &str = "cache_invalidations_lost_total";
pub(super) const INVALIDATIONS_REPLAYED: &str = "cache_invalidations_replayed_total";
pub(super) const JOURNAL_OVERFLOWS: &str = "cache_journal_overflows_total";
pub(super) const KEYS_TOO_LONG: &str = "cache_keys_too_long_total";
pub(super) const LEASES_LEFT: &str = "cache_leases_left_total";
pub(super) const LOADS: &str = "cache_loads_total";
pub(super) const LOADS_OVER_LIMIT: &str = "cache_loads_over_limit_total";
pub(super) const LOADS_QUEUED: &str = "cache_loads_queued_total";
pub(super) const NEAR_FLUSHES: &str = "cache_near_flushes_total";
pub(super) const NONES_OVER_LIMIT: &str = "cache_nones_over_limit_total";
pub(super) const PAYLOAD_BYTES: &str = "cache_payload_bytes_total";
pub(super) const REMOTE_DOWNS: &str = "cache_remote_downs_total";
pub(super) const REMOTE_ERRORS: &str = "cache_remote_errors_total";
pub(super) const REMOTE_REJECTIONS: &str = "cache_remote_rejections_total";
pub(super) const REMOTE_SLOW: &str = "cache_remote_slow_total";
pub(super) const REMOTE_UPS: &str = "cache_remote_ups_total";
pub(super) const SERVER_CHANGES: &str = "cache_server_changes_total";
pub(super) const SOFT_TIMEOUTS: &str = "cache_soft_timeouts_total";
pub(super) const TTLS_UNKNOWN: &str = "cache_ttls_unknown_total";
pub(super) const STORED_BYTES: &str = "cache_stored_bytes_total";
pub(super) const VALUES_REFUSED: &str = "cache_values_refused_total";
pub(super) const WAITS_GIVEN_UP: &str = "cache_waits_given_up_total";
pub(super) const JOURNAL_DEPTH: &str = "cache_journal_depth";
pub(super) const LOADS_IN_BACKGROUND: &str = "cache_loads_in_background";
pub(super) const LOADS_IN_FLIGHT: &str = "cache_loads_in_flight";
pub(super) const NEAR_BYTES: &str = "cache_near_bytes";
pub(super) const NEAR_ENTRIES: &str = "cache_near_entries";
pub(super) const REMOTE_HEARD_AGE: &str = "cache_remote_heard_age_seconds";
pub(super) const REMOTE_HEARING: &str = "cache_remote_hearing";
pub(super) const REMOTE_UP: &str = "cache_remote_up";
pub(super) const CALL_DURATION: &str = "cache_call_duration_seconds";
pub(super) const LOAD_DURATION: &str = "cache_load_duration_seconds";

/// What is counted of an event, without a label.
pub(super) const EVENTS: &[&str] = &[
    BACKGROUND_REFUSED,
    HARD_TIMEOUTS,
    INVALIDATIONS,
    INVALIDATIONS_JOURNALLED,
    INVALIDATIONS_LOST,
    INVALIDATIONS_REPLAYED,
    JOURNAL_OVERFLOWS,
    KEYS_TOO_LONG,
    LEASES_LEFT,
    LOADS_OVER_LIMIT,
    LOADS_QUEUED,
    NEAR_FLUSHES,
    NONES_OVER_LIMIT,
    REMOTE_DOWNS,
    REMOTE_REJECTIONS,
    REMOTE_SLOW,
    REMOTE_UPS,
    SERVER_CHANGES,
    SOFT_TIMEOUTS,
    TTLS_UNKNOWN,
    WAITS_GIVEN_UP,
];

/// Counters, with their units.
pub(super) const COUNTERS: &[(&str, Unit, &str)] = &[
    (ANSWERS, Unit::Count, "Calls, by what they came to."),
    (
        BACKGROUND_REFUSED,
        Unit::Count,
        "Loads that could not go on without their callers, as there were too many.",
    ),
    (COALESCED, Unit::Count, "Calls that took what another's load came to."),
    (
        FENCED_FILLS,
        Unit::Count,
        "Fills refused as the key was invalidated, or its lease lost, during the load.",
    ),
    (FLAWS, Unit::Count, "Stored bytes that were a miss, by cause."),
    (
        HARD_TIMEOUTS,
        Unit::Count,
        "Callers given an error as their load took longer than `hard_timeout`.",
    ),
    (INVALIDATIONS, Unit::Count, "Invalidations asked for, of keys and of groups."),
    (
        INVALIDATIONS_JOURNALLED,
        Unit::Count,
        "Those of which the remote level could not be told at once.",
    ),
    (
        INVALIDATIONS_LOST,
        Unit::Count,
        "Those of annotated functions that could not be told, nor are owed.",
    ),
    (
        INVALIDATIONS_REPLAYED,
        Unit::Count,
        "Keys and groups that the remote level was owed and has been told of.",
    ),
    (
        JOURNAL_OVERFLOWS,
        Unit::Count,
        "How often more than `journal_max` was owed, so that everything was ended.",
    ),
    (KEYS_TOO_LONG, Unit::Count, "Calls under a key that is too long to be cached."),
    (
        LEASES_LEFT,
        Unit::Count,
        "Leases left to end by themselves, as there were too many to give back.",
    ),
    (
        LOADS,
        Unit::Count,
        "Loads that came to an end, by why they were made and whether they failed.",
    ),
    (
        LOADS_OVER_LIMIT,
        Unit::Count,
        "Loads that ran beyond `load_limit` while the remote level was down.",
    ),
    (
        LOADS_QUEUED,
        Unit::Count,
        "Loads that waited for their turn while the remote level was down.",
    ),
    (
        NEAR_FLUSHES,
        Unit::Count,
        "How often everything near ended at once, as changes may not have been told.",
    ),
    (PAYLOAD_BYTES, Unit::Bytes, "Values encoded for the remote level, as the codec wrote them."),
    (REMOTE_DOWNS, Unit::Count, "How often the remote level was given up as down."),
    (REMOTE_ERRORS, Unit::Count, "Remote operations that failed or took too long, by kind."),
    (
        REMOTE_REJECTIONS,
        Unit::Count,
        "Remote operations that were not tried as the remote level was down.",
    ),
    (REMOTE_SLOW, Unit::Count, "Remote operations that were answered later than `slow_after`."),
    (REMOTE_UPS, Unit::Count, "How often the remote level was in use again after an outage."),
    (
        SERVER_CHANGES,
        Unit::Count,
        "How often another server answered, or one that may have forgotten.",
    ),
    (
        SOFT_TIMEOUTS,
        Unit::Count,
        "Callers served a stale value as its load took longer than `soft_timeout`.",
    ),
    (NONES_OVER_LIMIT, Unit::Count, "Absent answers over `none_limit`: served, not cached."),
    (TTLS_UNKNOWN, Unit::Count, "Answers whose tier or entity the TTL table does not name."),
    (STORED_BYTES, Unit::Bytes, "The same values as they are stored."),
    (VALUES_REFUSED, Unit::Count, "Values that could not be stored, by cause."),
    (WAITS_GIVEN_UP, Unit::Count, "Waits for somebody else's load that were given up."),
];

/// Gauges, with their units.
pub(super) const GAUGES: &[(&str, Unit, &str)] = &[
    (JOURNAL_DEPTH, Unit::Count, "Keys and groups that the remote level is owed now."),
    (LOADS_IN_BACKGROUND, Unit::Count, "Loads that go on without their callers."),
    (LOADS_IN_FLIGHT, Unit::Count, "Loads under way that callers can share."),
    (NEAR_BYTES, Unit::Bytes, "What the near level holds, roughly."),
    (NEAR_ENTRIES, Unit::Count, "How many entries the near level holds, roughly."),
    (
        REMOTE_HEARD_AGE,
        Unit::Seconds,
        "How long ago the remote level was last heard; not set if it never was.",
    ),
    (REMOTE_HEARING, Unit::Count, "1 if every change by others is told, else 0."),
    (REMOTE_UP, Unit::Count, "1 if the remote level is in use, else 0."),
];

/// Times, in seconds.
pub(super) const HISTOGRAMS: &[(&str, &str)] = &[
    (CALL_DURATION, "How long calls took, near hits and those that found nothing left out."),
    (LOAD_DURATION, "How long loaders took, those that failed among them."),
];
