//! What state the remote level is in. Pure: no clock, no I/O, no locks.

/// What state the remote level is in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Phase {
    /// For good.
    Closed,
    /// It does not answer. Nothing is asked of it until the next probe.
    Down,
    /// A server that may not be the one of before must say who it is; operations wait for that.
    Greeting,
    Healthy,
    /// It could not be told of some invalidations, and is told as soon as it can be. What they
    /// ended is not read from it until then; all else is.
    Owing,
    /// It is asked whether it answers; by one probe, and nothing else.
    Probing,
    /// It answers after an outage, and is told what it missed before anything is read from it.
    Replaying,
}

/// What happens to the remote level.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Event {
    /// The probe was answered.
    Answered,
    Closed,
    /// Greeting, probing or replaying has failed.
    Failed,
    /// The server has said who it is.
    Greeted,
    /// So many operations failed, or were slow, that it counts as down.
    GivenUp,
    /// It could not be told of an invalidation.
    Owed,
    /// It is time for a probe.
    ProbeDue,
    /// It has said who it is, and owes nothing to what it missed.
    Settled,
    /// Another server answers, or one that may have forgotten.
    Stranger,
}

impl Phase {
    /// Every phase.
    #[cfg(test)]
    const ALL: [Self; 7] = [
        Self::Closed,
        Self::Down,
        Self::Greeting,
        Self::Healthy,
        Self::Owing,
        Self::Probing,
        Self::Replaying,
    ];

    /// Returns the phase after an event. What comes late, or twice, changes nothing.
    pub(crate) fn after(self, event: Event) -> Self {
        match (self, event) {
            (Self::Closed, _) | (_, Event::Closed) => Self::Closed,
            (Self::Healthy | Self::Owing, Event::GivenUp) => Self::Down,
            (Self::Healthy, Event::Owed) => Self::Owing,
            (Self::Healthy | Self::Owing, Event::Stranger) => Self::Greeting,
            (Self::Greeting, Event::Greeted) => Self::Owing,
            (Self::Owing | Self::Replaying, Event::Settled) => Self::Healthy,
            (Self::Greeting | Self::Probing | Self::Replaying, Event::Failed) => Self::Down,
            (Self::Down, Event::ProbeDue) => Self::Probing,
            (Self::Probing, Event::Answered) => Self::Replaying,
            (phase, _) => phase,
        }
    }

    /// Whether the remote level is looked after by the task that brings it back.
    pub(crate) fn is_unsettled(self) -> bool {
        !matches!(self, Self::Closed | Self::Healthy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All that an event can change; anything else changes nothing.
    const TABLE: [(Phase, Event, Phase); 15] = [
        (Phase::Healthy, Event::GivenUp, Phase::Down),
        (Phase::Healthy, Event::Owed, Phase::Owing),
        (Phase::Healthy, Event::Stranger, Phase::Greeting),
        (Phase::Owing, Event::GivenUp, Phase::Down),
        (Phase::Owing, Event::Settled, Phase::Healthy),
        (Phase::Owing, Event::Stranger, Phase::Greeting),
        (Phase::Greeting, Event::Greeted, Phase::Owing),
        (Phase::Greeting, Event::Failed, Phase::Down),
        (Phase::Down, Event::ProbeDue, Phase::Probing),
        (Phase::Probing, Event::Failed, Phase::Down),
        (Phase::Probing, Event::Answered, Phase::Replaying),
        (Phase::Replaying, Event::Settled, Phase::Healthy),
        (Phase::Replaying, Event::Failed, Phase::Down),
        (Phase::Closed, Event::Closed, Phase::Closed),
        (Phase::Closed, Event::Settled, Phase::Closed),
    ];

    const EVENTS: [Event; 9] = [
        Event::Answered,
        Event::Closed,
        Event::Failed,
        Event::Greeted,
        Event::GivenUp,
        Event::Owed,
        Event::ProbeDue,
        Event::Settled,
        Event::Stranger,
    ];

    #[test]
    fn every_event_leads_where_the_table_says() {
        for phase in Phase::ALL {
            for event in EVENTS {
                let line = TABLE.iter().find(|line| (line.0, line.1) == (phase, event));
                let expected = match (line, event) {
                    (Some((_, _, expected)), _) => *expected,
                    (None, Event::Closed) => Phase::Closed,
                    (None, _) => phase,
                };
                assert_eq!(phase.after(event), expected, "{phase:?}, {event:?}");
            }
        }
    }

    #[test]
    fn it_is_healthy_again_only_after_it_has_settled() {
        for phase in Phase::ALL.into_iter().filter(|phase| *phase != Phase::Healthy) {
            for event in EVENTS.into_iter().filter(|event| *event != Event::Settled) {
                assert_ne!(phase.after(event), Phase::Healthy, "{phase:?}, {event:?}");
            }
        }
        for phase in [Phase::Closed, Phase::Down, Phase::Greeting, Phase::Probing] {
            assert_eq!(phase.after(Event::Settled), phase, "it has not been told anything");
        }
    }
}
