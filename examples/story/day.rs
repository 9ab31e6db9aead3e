//! One day of traffic, in six seconds. The same seed makes the same day.

use std::ops::Range;
use std::time::Duration;

use anyhow::Result;
use cache_aside_examples::visits::zipf;
use rand::distr::Distribution;
use rand::distr::weighted::WeightedIndex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// How long an hour takes.
pub(crate) const HOUR: Duration = Duration::from_millis(250);

/// How many servers the service has.
pub(crate) const INSTANCES: usize = 3;

/// How many articles are read all the time.
pub(crate) const ARTICLES: usize = 40;

/// How often those are read, on this day.
const READS: usize = 10_000;

/// How much rarer the second article is read than the first: `1 / rank^SKEW`.
const SKEW: f64 = 0.8;

/// When the editors work, in hours, and how much they change.
const EDITORS: Range<f64> = 12.0..20.0;
const EDITS: usize = 100;

/// When a new article is announced, which nobody has read before; who is told reads it at once.
pub(crate) const ANNOUNCEMENTS: [f64; 6] = [3.0, 6.0, 14.5, 16.5, 18.0, 23.0];
pub(crate) const TOLD: usize = 500;
const AT_ONCE: Duration = Duration::from_millis(5);

/// When every query fails.
const AWAY: Range<Duration> = time(9.0)..time(11.0);

/// When every query takes longer.
const SLOW: Range<Duration> = time(20.0)..time(22.0);

/// How the database is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Weather {
    Away,
    Slow,
    Well,
}

/// What somebody wants of an instance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) at: Duration,
    pub(crate) instance: usize,
    pub(crate) article: usize,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Edit,
    Read,
}

/// What happens to the servers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Event {
    RedisEnds,
    RedisReturns,
    /// The instance is replaced by a new one, whose memory is empty.
    Redeploy(usize),
}

/// Everything that happens, in order.
pub(crate) const EVENTS: [(Duration, Event); 5] = [
    (time(13.0), Event::Redeploy(0)),
    (time(14.0), Event::Redeploy(1)),
    (time(15.0), Event::Redeploy(2)),
    (time(15.5), Event::RedisEnds),
    (time(17.5), Event::RedisReturns),
];

/// Returns when an hour of the day is.
pub(crate) const fn time(hour: f64) -> Duration {
    Duration::from_micros((hour * HOUR.as_micros() as f64) as u64)
}

pub(crate) fn weather(at: Duration) -> Weather {
    match at {
        at if AWAY.contains(&at) => Weather::Away,
        at if SLOW.contains(&at) => Weather::Slow,
        _ => Weather::Well,
    }
}

/// Returns the requests of a day, in the order of their times.
pub(crate) fn requests(seed: u64) -> Result<Vec<Request>> {
    let mut crowd = Crowd { rng: StdRng::seed_from_u64(seed), by_rank: zipf(ARTICLES, SKEW)? };
    let mut requests = Vec::new();
    requests.extend((0..READS).map(|_| crowd.read()));
    requests.extend((0..EDITS).map(|_| crowd.edit()));
    for (number, hour) in ANNOUNCEMENTS.into_iter().enumerate() {
        requests.extend((0..TOLD).map(|_| crowd.told(ARTICLES + number, time(hour))));
    }
    requests.sort_by_key(|request| request.at);
    Ok(requests)
}

struct Crowd {
    rng: StdRng,
    by_rank: WeightedIndex<f64>,
}

impl Crowd {
    /// The last hour has three times as many readers as the first.
    fn read(&mut self) -> Request {
        let [one, two] = [self.rng.random::<f64>(), self.rng.random::<f64>()];
        let hour = 24.0 * if self.rng.random() { one } else { one.max(two) };
        let article = self.by_rank.sample(&mut self.rng);
        self.request(time(hour), article, Kind::Read)
    }

    fn edit(&mut self) -> Request {
        let (hour, article) = (self.rng.random_range(EDITORS), self.by_rank.sample(&mut self.rng));
        self.request(time(hour), article, Kind::Edit)
    }

    fn told(&mut self, article: usize, at: Duration) -> Request {
        let at = at + AT_ONCE.mul_f64(self.rng.random());
        self.request(at, article, Kind::Read)
    }

    /// The load balancer takes any instance.
    fn request(&mut self, at: Duration, article: usize, kind: Kind) -> Request {
        Request { at, instance: self.rng.random_range(0..INSTANCES), article, kind }
    }
}
