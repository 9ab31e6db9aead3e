//! What users do in a day. The same seed makes the same day.

use std::time::Duration;

use anyhow::Result;
use cache_aside_examples::visits::{Habits, Visits, zipf};
use rand::distr::Distribution;
use rand::distr::weighted::WeightedIndex;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};

use crate::fill::{FIRST_NAMES, LAST_NAMES, USERS, any_name};
use crate::model::Plan;

/// How many requests a day has.
pub(crate) const REQUESTS: usize = 60_000;

/// How the users of the service behave.
const HABITS: Habits =
    Habits { users: USERS, skew: SKEW, visit: 12.0, pause: Duration::from_secs(30) };

/// Of users and of words that are searched for.
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
    searches: Searches,
    visits: Visits,
}

impl Traffic {
    fn new(seed: u64) -> Result<Self> {
        let mut rng = StdRng::seed_from_u64(seed);
        let visits = Visits::new(HABITS, &mut rng)?;
        let searches = Searches::new(&mut rng)?;
        Ok(Self { rng, searches, visits })
    }

    /// Adds the requests of one visit.
    fn visit(&mut self, requests: &mut Vec<Request>) {
        let Self { rng, searches, visits } = self;
        visits.one(rng, |at, user, rng| {
            let action = action(searches, rng);
            requests.push(Request { at, user, action });
        });
    }
}

fn action(searches: &Searches, rng: &mut StdRng) -> Action {
    match rng.random_range(0..1000) {
        0..400 => Action::Profile,
        400..780 => Action::Conversations,
        780..930 => searches.one(rng),
        930..980 => Action::Send,
        980..997 => Action::Rename(any_name(rng)),
        _ => Action::ChangePlan(Plan::ALL.choose(rng).copied().unwrap_or(Plan::Free)),
    }
}

/// What is searched for.
struct Searches {
    terms: Vec<&'static str>,
    by_rank: WeightedIndex<f64>,
}

impl Searches {
    fn new(rng: &mut StdRng) -> Result<Self> {
        let mut terms = [&FIRST_NAMES[..], &LAST_NAMES[..]].concat();
        terms.shuffle(rng);
        Ok(Self { by_rank: zipf(terms.len(), SKEW)?, terms })
    }

    /// Makes a search. Last names find nobody: that is an answer, too.
    fn one(&self, rng: &mut StdRng) -> Action {
        let term = self.terms[self.by_rank.sample(rng)];
        let query = match rng.random_range(0..3) {
            0 => term.to_owned(),
            1 => term.to_lowercase(),
            _ => format!(" {term}"),
        };
        let page = u32::from(rng.random_bool(0.1));
        Action::Search { query, page }
    }
}
