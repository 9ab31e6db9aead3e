//! The layers that say how long, put together.

use std::time::Duration;

use super::Ttl;
use crate::engine::decide::Left;

/// What one layer says; where it says nothing, the layer below counts.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Times {
    pub(crate) fresh: Option<Duration>,
    pub(crate) stale: Option<Duration>,
    pub(crate) none: Option<Duration>,
    pub(crate) jitter: Option<Duration>,
    pub(crate) near: Option<Duration>,
}

impl Times {
    /// A layer that says nothing.
    pub(crate) const NONE: Self =
        Self { fresh: None, stale: None, none: None, jitter: None, near: None };

    /// Returns what these layers say together.
    pub(crate) fn over(self, lower: Self) -> Self {
        Self {
            fresh: self.fresh.or(lower.fresh),
            stale: self.stale.or(lower.stale),
            none: self.none.or(lower.none),
            jitter: self.jitter.or(lower.jitter),
            near: self.near.or(lower.near),
        }
    }

    /// Returns how long a value lives; `chance` lies between 0 and 1.
    pub(crate) fn of_value(self, chance: f64) -> Option<Lifetime> {
        let fresh = bounded(self.fresh?);
        let jitter = self.jitter.unwrap_or_default().min(fresh);
        let fresh = bounded(fresh - jitter.mul_f64(chance));
        let stale = self.stale.map_or(fresh, |stale| bounded(stale).max(fresh));
        let near = self.near.map_or(stale, |near| bounded(near).min(stale));
        Some(Lifetime { fresh, stale, near })
    }

    /// Returns how long "there is none" lives; `None` if it is not cached.
    pub(crate) fn of_none(self) -> Option<Lifetime> {
        let none = bounded(self.none?);
        let near = self.near.map_or(none, |near| bounded(near).min(none));
        Some(Lifetime { fresh: none, stale: none, near })
    }
}

impl From<Ttl> for Times {
    fn from(Ttl { fresh, stale, none, jitter, near }: Ttl) -> Self {
        Self { fresh: Some(fresh), stale, none, jitter, near }
    }
}

fn bounded(time: Duration) -> Duration {
    time.clamp(Ttl::MIN, Ttl::MAX)
}

/// How long one answer lives, counted from its load.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Lifetime {
    pub(crate) fresh: Duration,
    /// At least `fresh`: how long it may be served at all.
    pub(crate) stale: Duration,
    /// At most `stale`: how long the near level keeps it.
    pub(crate) near: Duration,
}

impl Lifetime {
    /// Returns one that is fresh for as long as `time`.
    pub(crate) fn at_least(self, time: Duration) -> Self {
        let (fresh, stale) = (self.fresh.max(time), self.stale.max(time));
        // One that is as long as the whole is no cap.
        let near = if self.near == self.stale { stale } else { self.near };
        Self { fresh, stale, near }
    }

    /// Returns how long a near copy may be served that is made at once.
    pub(crate) fn near_left(self) -> Left {
        Left { fresh: self.fresh, stale: self.stale }.at_most(self.near)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn a_layer_counts_where_it_says_something() {
        let table = Times::from(Ttl::new(secs(60)).with_stale(secs(600)).with_near(secs(30)));
        let call = Times { fresh: Some(secs(10)), none: Some(secs(5)), ..Times::NONE };

        let both = call.over(table);

        let expected = Lifetime { fresh: secs(10), stale: secs(600), near: secs(30) };
        assert_eq!(both.of_value(0.5), Some(expected));
        let none = Lifetime { fresh: secs(5), stale: secs(5), near: secs(5) };
        assert_eq!(both.of_none(), Some(none));
        assert_eq!(table.of_none(), None);
        assert_eq!(Times::NONE.of_value(0.0), None);
    }

    #[test]
    fn layers_that_contradict_each_other_give_way_to_fresh() {
        let table = Times::from(Ttl::new(secs(60)).with_stale(secs(90)).with_jitter(secs(30)));
        let longer = Times { fresh: Some(secs(120)), ..Times::NONE }.over(table);
        let shorter = Times { fresh: Some(secs(1)), near: Some(secs(500)), ..Times::NONE };

        let expected = Lifetime { fresh: secs(120), stale: secs(120), near: secs(120) };
        assert_eq!(longer.of_value(0.0), Some(expected));
        let expected = Lifetime { fresh: Ttl::MIN, stale: secs(90), near: secs(90) };
        assert_eq!(shorter.over(table).of_value(1.0), Some(expected));
    }

    #[test]
    fn jitter_only_shortens_and_by_as_much_as_is_said() {
        let times = Times::from(Ttl::new(secs(60)).with_jitter(secs(20)));

        for (chance, fresh) in [(0.0, secs(60)), (0.5, secs(50)), (1.0, secs(40))] {
            let expected = Lifetime { fresh, stale: fresh, near: fresh };
            assert_eq!(times.of_value(chance), Some(expected), "nothing is stale unasked");
        }
    }
}
