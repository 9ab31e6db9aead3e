//! What users do in a day. The same seed makes the same day.

use std::time::Duration;

use anyhow::Result;
use rand::distr::Distribution;
use rand::distr::weighted::WeightedIndex;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};

use crate::fill::{FIRST_NAMES, LAST_NAMES, USERS, any_name};
use crate::model::Plan;

/// How many requests a day has.
pub(crate) const REQUESTS: usize = 60_000;

/// How many requests a visit has, on average.
const VISIT: f64 = 12.0;

/// How long a user reads before the next request, on average.
const PAUSE: Duration = Duration::from_secs(30);

/// Midnight, when everyone goes to bed.
pub(crate) const END: Duration = Duration::from_secs(24 * 60 * 60);

/// How much rarer the second user is than the first, the third than the second: `1 / rank^SKEW`.
const SKEW: f64 = 0.8;

/// What one user wants at one time.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) at: Duration,
    pub(crate) user: u32,
    pub(crate) action: Action,
}

/// What a user wants.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    ChangePlan(Plan),
    Conversations,
    Profile,
    Rename(String),
    Search { query: String, page: u32 },
    Send,
}

impl Action {
    /// Whether it changes nothing.
    pub(crate) const fn is_read(&self) -> bool {
        matches!(self, Self::Conversations | Self::Profile | Self::Search { .. })
    }
}

/// Returns the requests of a day, in the order of their times.
pub(crate) fn requests(seed: u64) -> Result<Vec<Request>> {
    let mut traffic = Traffic::new(seed)?;
    let mut requests = Vec::with_capacity(REQUESTS);
    while requests.len() < REQUESTS {
        traffic.visit(&mut requests);
    }
    requests.truncate(REQUESTS);
    requests.sort_by_key(|request| request.at);
    Ok(requests)
}

/// Who comes, when, and what for.
struct Traffic {
    rng: StdRng,
    terms: Vec<&'static str>,
    terms_by_rank: WeightedIndex<f64>,
    users: Vec<u32>,
    users_by_rank: WeightedIndex<f64>,
}

impl Traffic {
    fn new(seed: u64) -> Result<Self> {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut users: Vec<u32> = (1..=USERS).collect();
        let mut terms = [&FIRST_NAMES[..], &LAST_NAMES[..]].concat();
        users.shuffle(&mut rng);
        terms.shuffle(&mut rng);
        let (users_by_rank, terms_by_rank) = (zipf(users.len())?, zipf(terms.len())?);
        Ok(Self { rng, terms, terms_by_rank, users, users_by_rank })
    }

    /// Adds the requests of one visit. The evening is busier than the morning.
    fn visit(&mut self, requests: &mut Vec<Request>) {
        let user = self.users[self.users_by_rank.sample(&mut self.rng)];
        let mut at = END.mul_f64(self.rng.random::<f64>().max(self.rng.random()));
        while at < END {
            requests.push(Request { at, user, action: self.action() });
            if self.rng.random_bool(1.0 / VISIT) {
                return;
            }
            at += PAUSE.mul_f64(2.0 * self.rng.random::<f64>());
        }
    }

    fn action(&mut self) -> Action {
        match self.rng.random_range(0..1000) {
            0..400 => Action::Profile,
            400..780 => Action::Conversations,
            780..930 => self.search(),
            930..980 => Action::Send,
            980..997 => Action::Rename(any_name(&mut self.rng)),
            _ => Action::ChangePlan(self.plan()),
        }
    }

    /// Makes a search. Last names find nobody: that is an answer, too.
    fn search(&mut self) -> Action {
        let term = self.terms[self.terms_by_rank.sample(&mut self.rng)];
        let query = match self.rng.random_range(0..3) {
            0 => term.to_owned(),
            1 => term.to_lowercase(),
            _ => format!(" {term}"),
        };
        let page = u32::from(self.rng.random_bool(0.1));
        Action::Search { query, page }
    }

    fn plan(&mut self) -> Plan {
        Plan::ALL.choose(&mut self.rng).copied().unwrap_or(Plan::Free)
    }
}

fn zipf(ranks: usize) -> Result<WeightedIndex<f64>> {
    Ok(WeightedIndex::new((1..=ranks).map(|rank| (rank as f64).powf(-SKEW)))?)
}
