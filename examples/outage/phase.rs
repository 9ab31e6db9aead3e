//! What happens to the server, in order.

use std::time::Duration;

use cache_aside_examples::server::Act;

/// A time in which the server is well, or away in one way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Phase {
    Healthy,
    /// Shut down after it had saved its data; its port refuses.
    Stopped,
    /// Started again, with the data of before.
    Back,
    /// Connections stay open, new ones are accepted, and nothing answers.
    Hung,
    Continued,
    /// Ended in the middle of whatever it did.
    Killed,
    /// Started again, with no data.
    Restarted,
}

impl Phase {
    pub(crate) const ALL: [Self; 7] = [
        Self::Healthy,
        Self::Stopped,
        Self::Back,
        Self::Hung,
        Self::Continued,
        Self::Killed,
        Self::Restarted,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Stopped => "stopped",
            Self::Back => "back",
            Self::Hung => "hung",
            Self::Continued => "continued",
            Self::Killed => "killed",
            Self::Restarted => "back, empty",
        }
    }

    /// Says what happens to the server when the phase begins.
    pub(crate) const fn event(self) -> &'static str {
        match self {
            Self::Healthy => "memory and the server are in use",
            Self::Stopped => "shut down, its data saved (SHUTDOWN SAVE); the port refuses",
            Self::Back => "started with the data of before",
            Self::Hung => "frozen (SIGSTOP): connections stay open, and nothing answers",
            Self::Continued => "goes on (SIGCONT)",
            Self::Killed => "killed (SIGKILL); the port refuses",
            Self::Restarted => "started without any data",
        }
    }

    /// Returns what happens to the server when the phase begins.
    pub(crate) const fn act(self) -> Option<Act> {
        match self {
            Self::Healthy => None,
            Self::Stopped => Some(Act::ShutDown),
            Self::Back => Some(Act::Restart),
            Self::Hung => Some(Act::Hang),
            Self::Continued => Some(Act::Continue),
            Self::Killed => Some(Act::Kill),
            Self::Restarted => Some(Act::RestartEmpty),
        }
    }

    pub(crate) const fn is_outage(self) -> bool {
        matches!(self, Self::Stopped | Self::Hung | Self::Killed)
    }

    /// Whether the server has just come back.
    pub(crate) const fn is_return(self) -> bool {
        matches!(self, Self::Back | Self::Continued | Self::Restarted)
    }

    /// Outages last longer than memory is trusted without news (`degraded_ttl`, 5 s).
    pub(crate) const fn lasts(self) -> Duration {
        Duration::from_secs(if self.is_outage() { 7 } else { 5 })
    }
}
