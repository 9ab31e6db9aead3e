//! Who comes when: visits of users, a few of whom come far more often than the rest.

use std::time::Duration;

use anyhow::Result;
use rand::Rng;
use rand::distr::Distribution;
use rand::distr::weighted::WeightedIndex;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

/// Midnight, when everyone goes to bed.
pub const END: Duration = Duration::from_secs(24 * 60 * 60);

/// How users behave.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    /// How many users there are, with ids from 1.
    pub users: u32,
    /// How much rarer the second user is than the first, the third than the second: `1 / rank^skew`.
    pub skew: f64,
    /// How many requests a visit has, on average.
    pub visit: f64,
    /// How long a user reads before the next request, on average.
    pub pause: Duration,
}

/// Makes visits. The same seed makes the same ones.
#[derive(Debug)]
pub struct Visits {
    habits: Habits,
    users: Vec<u32>,
    by_rank: WeightedIndex<f64>,
}

impl Visits {
    /// Decides who comes often and who does not.
    ///
    /// # Errors
    ///
    /// If there are no users.
    pub fn new(habits: Habits, rng: &mut StdRng) -> Result<Self> {
        let mut users: Vec<u32> = (1..=habits.users).collect();
        users.shuffle(rng);
        Ok(Self { habits, by_rank: zipf(users.len(), habits.skew)?, users })
    }

    /// Makes one visit, and gives each of its requests to `ask`: when, and by whom. The evening is busier than
    /// the morning.
    pub fn one(&self, rng: &mut StdRng, mut ask: impl FnMut(Duration, u32, &mut StdRng)) {
        let user = self.users[self.by_rank.sample(rng)];
        let mut at = END.mul_f64(rng.random::<f64>().max(rng.random()));
        while at < END {
            ask(at, user, rng);
            if rng.random_bool(1.0 / self.habits.visit) {
                return;
            }
            at += self.habits.pause.mul_f64(2.0 * rng.random::<f64>());
        }
    }
}

/// Returns ranks from 0, of which the nth is drawn with a weight of `1 / n^skew`.
///
/// # Errors
///
/// If there are no ranks.
pub fn zipf(ranks: usize, skew: f64) -> Result<WeightedIndex<f64>> {
    Ok(WeightedIndex::new((1..=ranks).map(|rank| (rank as f64).powf(-skew)))?)
}
