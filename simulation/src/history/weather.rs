//! How the network and the instances are, all through a history.

/// How the network and the instances are, all through a history.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Weather {
    /// The most milliseconds that a message takes.
    pub(crate) latency: u64,
    /// How many messages in a thousand take far longer.
    pub(crate) spikes: u64,
    /// Whether the server tells what changes.
    pub(crate) tells: bool,
    /// How long after an invalidation nothing is kept; the source lags by half of it.
    pub(crate) hold: Option<u64>,
    /// The life of some rows, in milliseconds; the others live longer than any history.
    pub(crate) short: Option<u64>,
    /// After how many milliseconds rows of one tier are stale; they may be served all the same, and are
    /// loaded again.
    pub(crate) stale: Option<u64>,
    /// Whether loads may go on without their callers.
    pub(crate) is_owned: bool,
    /// How many entries fit near.
    pub(crate) places: usize,
    /// Whether instances pass on what they are told: a fault of theirs, to see it found.
    pub(crate) is_mute: bool,
    /// How many invalidations the journal keeps.
    pub(crate) journal: usize,
}

impl Weather {
    /// Nothing is wrong, and everything is fast.
    pub(crate) const FAIR: Self = Self {
        latency: 0,
        spikes: 0,
        tells: true,
        hold: None,
        short: None,
        stale: None,
        is_owned: false,
        places: 8,
        journal: 100,
        is_mute: false,
    };
}
