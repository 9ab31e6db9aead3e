//! Fills a new database.

use std::path::Path;

use anyhow::Result;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rusqlite::{Connection, Transaction, params};

use crate::model::Plan;
use crate::progress::Progress;

/// How many users there are, with ids from 1.
pub(crate) const USERS: u32 = 10_000;

/// The most conversations of one user; most have a few.
const MAX_CONVERSATIONS: f64 = 20.0;

/// How many of 100 users are on each plan.
const PLANS: [(Plan, u32); 3] = [(Plan::Free, 80), (Plan::Core, 15), (Plan::Studio, 5)];

pub(crate) const FIRST_NAMES: [&str; 24] = [
    "Ada",
    "Alan",
    "Barbara",
    "Claude",
    "Dennis",
    "Donald",
    "Dorothy",
    "Edsger",
    "Frances",
    "Grace",
    "Hedy",
    "John",
    "Karen",
    "Katherine",
    "Ken",
    "Leslie",
    "Margaret",
    "Mary",
    "Niklaus",
    "Radia",
    "Robin",
    "Shafi",
    "Sophie",
    "Tony",
];

pub(crate) const LAST_NAMES: [&str; 16] = [
    "Allen", "Backus", "Dijkstra", "Hamilton", "Hoare", "Hopper", "Johnson", "Knuth", "Lamarr",
    "Lamport", "Liskov", "Lovelace", "Milner", "Perlman", "Turing", "Wilson",
];

const SCHEMA: &str = "
    PRAGMA journal_mode = wal;
    CREATE TABLE users (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE, email TEXT NOT NULL,
        plan TEXT NOT NULL, edits INTEGER NOT NULL DEFAULT 0);
    CREATE INDEX users_name ON users (name);
    CREATE TABLE conversations (
        id INTEGER PRIMARY KEY, user INTEGER NOT NULL REFERENCES users, title TEXT NOT NULL,
        messages INTEGER NOT NULL);
    CREATE INDEX conversations_user ON conversations (user);";

/// Makes a database at `path`: the users and their conversations, in one transaction.
pub(crate) fn fill(path: &Path, seed: u64) -> Result<()> {
    let progress = Progress::new("Filling the database", USERS.into(), "users");
    let mut rng = StdRng::seed_from_u64(seed);
    let mut connection = Connection::open(path)?;
    connection.execute_batch(SCHEMA)?;
    let transaction = connection.transaction()?;
    for user in 1..=USERS {
        add_user(&transaction, user, &mut rng)?;
        add_conversations(&transaction, user, &mut rng)?;
        progress.step();
    }
    transaction.commit()?;
    progress.finish();
    Ok(())
}

fn add_user(db: &Transaction<'_>, user: u32, rng: &mut StdRng) -> Result<()> {
    let mut sql =
        db.prepare_cached("INSERT INTO users (id, name, email, plan) VALUES (?, ?, ?, ?)")?;
    let (plan, _) = PLANS.choose_weighted(rng, |(_, share)| *share)?;
    sql.execute(params![user, any_name(rng), format!("user{user}@example.com"), plan])?;
    Ok(())
}

fn add_conversations(db: &Transaction<'_>, user: u32, rng: &mut StdRng) -> Result<()> {
    let sql = "INSERT INTO conversations (user, title, messages) VALUES (?, ?, ?)";
    let mut sql = db.prepare_cached(sql)?;
    let count = (MAX_CONVERSATIONS * rng.random::<f64>().powi(3)).ceil() as u32;
    for number in 1..=count {
        let title = format!("{number}: a talk with {}", any_name(rng));
        sql.execute(params![user, title, rng.random_range(1..200)])?;
    }
    Ok(())
}

/// Makes up a name.
pub(crate) fn any_name(rng: &mut StdRng) -> String {
    let (first, last) = (FIRST_NAMES.choose(rng), LAST_NAMES.choose(rng));
    [first, last].into_iter().flatten().copied().collect::<Vec<_>>().join(" ")
}
