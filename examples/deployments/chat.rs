//! The chat product: plans, profiles, conversations, and whole answers of its interface.

use std::time::Duration;

use anyhow::Result;
use cache_aside::{Key, Tier};
use cache_aside_examples::visits::{Habits, Visits, zipf};
use rand::distr::Distribution;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use crate::counts::Counts;
use crate::source::Source;

/// What is assumed of the users.
pub(crate) const ASSUMED: &str = "\
100,000 users, of whom 80 % are on `free`, 15 % on `core` and 5 % on `studio`. A day has 600,000 requests, in visits
of 12 on average with 30 s between them; some users come far more often than others (Zipf, 0.8), and more of them
in the evening. Each request looks up the plan of its user. Of 1,000 requests 400 read the own profile, 380 the
list of conversations, 150 one of 12 answers of the interface that are the user's own (Zipf, 0.8), 50 send a message,
17 change the profile and 3 the plan. A message ends the user's conversations and answers of the interface; the
other changes end all that is cached for the user.";

const REQUESTS: usize = 600_000;
const HABITS: Habits =
    Habits { users: 100_000, skew: 0.8, visit: 12.0, pause: Duration::from_secs(30) };
const PATHS: usize = 12;

/// What a user pays for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Tier)]
pub(crate) enum Plan {
    Free,
    Core,
    Studio,
}

impl Plan {
    pub(crate) const ALL: [Self; 3] = [Self::Free, Self::Core, Self::Studio];
    const SHARES: [(Self, u32); 3] = [(Self::Free, 80), (Self::Core, 15), (Self::Studio, 5)];

    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Core => "core",
            Self::Studio => "studio",
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Action {
    Api(usize),
    ChangePlan(Plan),
    ChangeProfile,
    Conversations,
    Profile,
    Send,
}

/// Lets the day pass, and returns what was asked for; and what the answers of the interface would come
/// to if they were the same for all on a plan.
pub(crate) async fn day(seed: u64) -> Result<(Counts, Counts)> {
    let mut rng = StdRng::seed_from_u64(seed);
    let plans = (0..=HABITS.users).map(|_| plan(&mut rng)).collect::<Vec<_>>();
    let source = || Source::new("atlas", include_str!("../data/atlas-production.toml"));
    let (source, shared) = (source()?, source()?);
    let counts = (source.counts.clone(), shared.counts.clone());
    let mut chat = Chat { source, shared, plans };
    for (at, user, action) in requests(&mut rng)? {
        chat.source.advance_to(at);
        chat.shared.advance_to(at);
        chat.answer(user, action).await?;
    }
    Ok(counts)
}

fn requests(rng: &mut StdRng) -> Result<Vec<(Duration, u32, Action)>> {
    let (visits, paths) = (Visits::new(HABITS, rng)?, zipf(PATHS, HABITS.skew)?);
    let mut requests = Vec::with_capacity(REQUESTS);
    while requests.len() < REQUESTS {
        visits.one(rng, |at, user, rng| {
            let action = match rng.random_range(0..1000) {
                0..400 => Action::Profile,
                400..780 => Action::Conversations,
                780..930 => Action::Api(paths.sample(rng)),
                930..980 => Action::Send,
                980..997 => Action::ChangeProfile,
                _ => Action::ChangePlan(plan(rng)),
            };
            requests.push((at, user, action));
        });
    }
    requests.sort_by_key(|(at, ..)| *at);
    Ok(requests)
}

fn plan(rng: &mut StdRng) -> Plan {
    let chosen = Plan::SHARES.choose_weighted(rng, |(_, share)| *share);
    chosen.map_or(Plan::Free, |(plan, _)| *plan)
}

struct Chat {
    source: Source,
    /// Beside it: answers of the interface that are the same for all on a plan.
    shared: Source,
    plans: Vec<Plan>,
}

impl Chat {
    async fn answer(&mut self, user: u32, action: Action) -> Result<()> {
        let (source, plan) = (&self.source, self.plans[user as usize]);
        let tier = plan.text();
        let key = |entity: &str| source.cache.key(entity).tier(plan).user(user);
        source.read("tier", tier, &key("tier")).await;
        match action {
            Action::Profile => source.read("userProfile", tier, &key("userProfile")).await,
            Action::Conversations => {
                source.read("conversations", tier, &key("conversations")).await;
            }
            // The table names the answers of the largest plan only.
            Action::Api(path) if plan == Plan::Studio => {
                let key = answer_of(key("apiResponses"), user, path);
                source.read("apiResponses", tier, &key).await;
                let key = self.shared.cache.key("apiResponses").tier(plan).arg(path);
                self.shared.read("apiResponses", tier, &key).await;
            }
            Action::Api(_) => {
                source.read_uncached("apiResponses", tier);
                self.shared.read_uncached("apiResponses", tier);
            }
            Action::Send => {
                source.counts.write();
                let changes = source.cache.changes().key(key("conversations"));
                changes.tag(&format!("api:{user}")).invalidate().await?;
            }
            Action::ChangeProfile => {
                source.counts.write();
                source.cache.invalidate_user(user).await?;
            }
            Action::ChangePlan(plan) => {
                source.counts.write();
                source.cache.invalidate_user(user).await?;
                self.plans[user as usize] = plan;
            }
        }
        Ok(())
    }
}

fn answer_of(key: Key, user: u32, path: usize) -> Key {
    key.arg(path).tag(&format!("api:{user}"))
}
