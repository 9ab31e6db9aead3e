//! The platform for creative work: profiles, project lists, search, public pages.

use std::time::Duration;

use anyhow::Result;
use cache_aside_examples::visits::{Habits, Visits, zipf};
use rand::distr::Distribution;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::counts::Counts;
use crate::source::Source;

/// What is assumed of the users.
pub(crate) const ASSUMED: &str = "\
20,000 users in teams of 5. A day has 1,440,000 requests, in visits of 20 on average with 30 s between them, so that
500 users are there at a time, and 1,000 in the evening; some come far more often than others (Zipf, 0.8). Each
request looks at the profile of its user. Of 100 requests 45 read the project list of the team, 20 search for one of
2,000 words (Zipf, 1), 30 open one of 500 public pages (Zipf, 1), 4 change something in a project and 1 the profile.
A change ends the list of the team, or the profile; searches and pages end by time.";

/// What is asked for.
pub(crate) const ENTITIES: [&str; 4] = ["profile", "projects", "search", "page"];

const REQUESTS: usize = 1_440_000;
const HABITS: Habits =
    Habits { users: 20_000, skew: 0.8, visit: 20.0, pause: Duration::from_secs(30) };
const TEAM: u32 = 5;
const WORDS: usize = 2_000;
const PAGES: usize = 500;

#[derive(Clone, Copy, Debug)]
enum Action {
    ChangeProfile,
    ChangeProject,
    Page(usize),
    Projects,
    Search(usize),
}

/// Lets the day pass, and returns what was asked for.
pub(crate) async fn day(seed: u64) -> Result<Counts> {
    let mut rng = StdRng::seed_from_u64(seed);
    let source = Source::new("atelier", include_str!("../data/atelier.toml"))?;
    for (at, user, action) in requests(&mut rng)? {
        source.advance_to(at);
        answer(&source, user, action).await?;
    }
    Ok(source.counts.clone())
}

fn requests(rng: &mut StdRng) -> Result<Vec<(Duration, u32, Action)>> {
    let (visits, words, pages) = (Visits::new(HABITS, rng)?, zipf(WORDS, 1.0)?, zipf(PAGES, 1.0)?);
    let mut requests = Vec::with_capacity(REQUESTS);
    while requests.len() < REQUESTS {
        visits.one(rng, |at, user, rng| {
            let action = match rng.random_range(0..100) {
                0..45 => Action::Projects,
                45..65 => Action::Search(words.sample(rng)),
                65..95 => Action::Page(pages.sample(rng)),
                95..99 => Action::ChangeProject,
                _ => Action::ChangeProfile,
            };
            requests.push((at, user, action));
        });
    }
    requests.sort_by_key(|(at, ..)| *at);
    Ok(requests)
}

async fn answer(source: &Source, user: u32, action: Action) -> Result<()> {
    let cache = &source.cache;
    let profile = cache.key("profile").user(user);
    let projects = cache.key("projects").arg(user / TEAM);
    source.read("profile", "", &profile).await;
    match action {
        Action::Projects => source.read("projects", "", &projects).await,
        Action::Search(word) => source.read("search", "", &cache.key("search").arg(word)).await,
        Action::Page(page) => source.read("page", "", &cache.key("page").arg(page)).await,
        Action::ChangeProject => {
            source.counts.write();
            cache.invalidate(&projects).await?;
        }
        Action::ChangeProfile => {
            source.counts.write();
            cache.invalidate(&profile).await?;
        }
    }
    Ok(())
}
