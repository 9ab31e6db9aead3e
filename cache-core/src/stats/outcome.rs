//! Where an answer came from.

use std::fmt;

use serde::Serialize;

/// Where an answer came from.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The loader, because the call could not be cached at all.
    Bypass,
    /// The loader: this call's own, or one it waited for.
    Loaded,
    /// The memory of this process.
    NearHit,
    /// Redis, or whatever the remote level is.
    RemoteHit,
    /// Near or remote, past its fresh time: it is refreshed behind the caller or by another, or that
    /// failed or took too long.
    Stale,
}

impl Outcome {
    /// Every outcome, in the order of their names.
    pub const ALL: [Self; 5] =
        [Self::Bypass, Self::Loaded, Self::NearHit, Self::RemoteHit, Self::Stale];

    /// Returns the name used in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Loaded => "loaded",
            Self::NearHit => "near_hit",
            Self::RemoteHit => "remote_hit",
            Self::Stale => "stale",
        }
    }

    /// Whether the loader was spared.
    pub const fn is_hit(self) -> bool {
        matches!(self, Self::NearHit | Self::RemoteHit | Self::Stale)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_lists_every_outcome_in_its_place() {
        let places = Outcome::ALL.iter().enumerate();
        places.for_each(|(place, outcome)| assert_eq!(*outcome as usize, place));
        assert!(Outcome::ALL.is_sorted_by_key(|outcome| outcome.as_str()));
    }
}
