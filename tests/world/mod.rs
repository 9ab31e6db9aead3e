//! Instances under random use, a truth that only grows, and a judge of every answer.
//!
//! After an invalidation has returned on an instance, that instance may not answer with an older
//! version any more (P2). When all is quiet, every instance comes to the truth by itself (P3).

mod dice;
mod truth;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cache_aside::{
    Cache, CallOptions, Invalidation, Key, Loaded, MemoryBackend, RedisBackend, Result, Settings,
    TtlTable,
};
use futures_util::future::join_all;
use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;
use tokio::time::sleep;

pub use dice::Dice;
pub use truth::Truth;

/// How many users there are, each with a plan.
pub const USERS: usize = 4;
/// How many keys there are, three of each user.
pub const KEYS: usize = 12;
/// How many tasks of a process do things at once.
const TASKS: u64 = 8;
/// How many rows the truth has: one for each key, and the plan of each user.
pub const ROWS: usize = KEYS + USERS;

/// The instances of one process, the truth, and what each instance may not forget.
#[derive(Debug)]
pub struct World {
    instances: Vec<Cache>,
    truth: Truth,
    redis: String,
    /// By instance and key: the version that an invalidation there has made known.
    floors: Vec<Vec<AtomicU64>>,
}

impl World {
    /// Creates instances that share the server at `redis`.
    ///
    /// # Panics
    ///
    /// If the address cannot be used.
    pub fn new(redis: &str, truth: Truth, instances: usize) -> Self {
        let floors = || (0..KEYS).map(|_| AtomicU64::new(0)).collect();
        Self {
            instances: (0..instances).map(|_| instance(redis)).collect(),
            truth,
            redis: redis.to_owned(),
            floors: (0..instances).map(|_| floors()).collect(),
        }
    }

    /// Does `operations` things in some tasks at once, and then cuts an instance off while rows change.
    ///
    /// # Panics
    ///
    /// If an answer is older than it may be.
    pub async fn play(self: &Arc<Self>, seed: u64, operations: u64) {
        let tasks = (1..=TASKS).map(|task| {
            let (world, mut dice) = (Arc::clone(self), Dice::new(seed ^ task));
            tokio::spawn(async move {
                for _ in 0..operations / TASKS {
                    world.step(&mut dice).await;
                }
            })
        });
        join_all(tasks).await.into_iter().for_each(|task| task.expect("the judge is content"));
        self.cut_off(&mut Dice::new(seed)).await;
    }

    /// Changes all rows at once while one of the instances, with everything near, is not connected.
    async fn cut_off(&self, dice: &mut Dice) {
        for (at, index) in
            (0..self.instances.len()).flat_map(|at| all().into_iter().map(move |index| (at, index)))
        {
            for _ in 0..3 {
                self.read(at, index, 0).await;
            }
        }
        self.kill_one(dice).await;
        let at = dice.place(self.instances.len());
        let edits = all().into_iter().map(|index| self.edit_alone(at, index));
        join_all(edits).await;
    }

    async fn edit_alone(&self, at: usize, index: usize) {
        self.edit(at, &[index], Change::Key(index)).await;
    }

    /// Ends one connection of an instance, here or in another process.
    async fn kill_one(&self, dice: &mut Dice) {
        let mut connection = connect(&self.redis).await;
        let clients = redis::cmd("CLIENT").arg("LIST").query_async::<String>(&mut connection).await;
        let clients = clients.unwrap_or_default();
        let ours: Vec<&str> = clients.lines().filter(|client| client.contains(" resp=3")).collect();
        if ours.is_empty() {
            return;
        }
        let id = ours[dice.place(ours.len())].split(' ').next().unwrap_or_default();
        let kill = ["CLIENT", "KILL", "ID", id.trim_start_matches("id=")];
        self.foreign(&kill).await;
    }

    /// Does something: mostly reads, sometimes an edit with its invalidation, now and then what
    /// another program might do.
    ///
    /// # Panics
    ///
    /// If an answer is older than it may be.
    pub async fn step(&self, dice: &mut Dice) {
        let (at, key) = (dice.place(self.instances.len()), dice.place(KEYS));
        match dice.below(2000) {
            0..=39 => self.edit(at, &[key], Change::Key(key)).await,
            40..=49 => self.edit(at, &of_user(user(key)), Change::User(user(key))).await,
            50..=59 => self.move_user(at, user(key)).await,
            60..=69 => self.edit(at, &of_tag(key % 2), Change::Tag(key % 2)).await,
            70..=73 => self.edit(at, &all(), Change::Entity).await,
            74..=75 => self.edit(at, &all(), Change::All).await,
            76..=79 => self.edit(at, &all(), Change::Tiers).await,
            80..=89 => self.guarded(at, key).await,
            90..=99 => self.foreign(&["DEL", self.key(key).await.as_str()]).await,
            100..=101 => self.foreign(&["FLUSHALL"]).await,
            102 => self.kill_one(dice).await,
            103 if dice.below(8) == 0 => self.foreign(&["CLIENT", "KILL", "TYPE", "normal"]).await,
            104..=150 => self.read_many(at, dice).await,
            151..=170 => self.read_only(at, key).await,
            _ => drop(self.read(at, key, dice.below(3)).await),
        }
    }

    /// Asks an instance, whose answer must be at least as new as what it was told before.
    async fn read(&self, at: usize, index: usize, slowness: u64) -> u64 {
        let floor = self.floors[at][index].load(Ordering::SeqCst);
        let key = self.key(index).await;
        let load = || async {
            let version = self.truth.read(index).await;
            if slowness > 0 {
                sleep(Duration::from_millis(slowness)).await;
            }
            let tag = index.is_multiple_of(3).then(|| tag(index % 2));
            let loaded = Loaded::new(version);
            Ok::<_, Infallible>(tag.into_iter().fold(loaded, |loaded, tag| loaded.tag(tag)))
        };
        let answer = self.instances[at].fetch_loaded(&key, &CallOptions::table(), load).await;
        let seen = answer.map_or_else(|never| match never {}, |answer| *answer.value);
        judge(at, index, seen, floor);
        seen
    }

    async fn read_only(&self, at: usize, index: usize) {
        let floor = self.floors[at][index].load(Ordering::SeqCst);
        let found = self.instances[at].get::<u64>(&self.key(index).await).await;
        if let Some(seen) = found.expect("`get` does not fail") {
            judge(at, index, *seen, floor);
        }
    }

    /// Asks for some keys at once. Those whose tags only their loader knows have to be left out.
    async fn read_many(&self, at: usize, dice: &mut Dice) {
        let indices: Vec<usize> =
            (0..4).map(|_| dice.place(KEYS)).filter(|it| it % 3 > 0).collect();
        let floor = |index: &usize| self.floors[at][*index].load(Ordering::SeqCst);
        let floors: Vec<u64> = indices.iter().map(floor).collect();
        let mut keys = Vec::new();
        for index in &indices {
            keys.push(self.key(*index).await);
        }
        let load = |missing: Vec<usize>| {
            let rows: Vec<usize> = missing.into_iter().map(|place| indices[place]).collect();
            async move {
                let mut versions = Vec::new();
                for row in rows {
                    versions.push(Some(self.truth.read(row).await));
                }
                sleep(Duration::from_millis(1)).await;
                Ok::<_, Infallible>(versions)
            }
        };
        let seen = self.instances[at].get_or_load_many::<u64, _, _, _>(&keys, load).await;
        let seen = seen.unwrap_or_else(|never| match never {});
        for ((index, floor), seen) in indices.iter().zip(floors).zip(seen) {
            judge(at, *index, *seen.expect("the loader knows all"), floor);
        }
    }

    /// Changes rows, then ends what is cached of them.
    async fn edit(&self, at: usize, indices: &[usize], change: Change) {
        let edits = self.change(indices).await;
        let told = self.tell(at, change).await;
        self.know(at, &edits, told);
    }

    async fn move_user(&self, at: usize, user: usize) {
        self.truth.edit(KEYS + user).await;
        self.edit(at, &of_user(user), Change::User(user)).await;
    }

    /// Changes a row under a guard.
    async fn guarded(&self, at: usize, index: usize) {
        let changes = self.instances[at].changes();
        let keys = [0, 1].map(|plan| self.key_under(index, plan));
        let changes = keys.iter().fold(changes, |changes, key| changes.key(key));
        let Ok(guard) = changes.begin().await else { return };
        let edits = self.change(&[index]).await;
        let told = guard.finish().await;
        self.know(at, &edits, told);
    }

    async fn change(&self, indices: &[usize]) -> Vec<(usize, u64)> {
        let mut edits = Vec::new();
        for index in indices {
            edits.push((*index, self.truth.edit(*index).await));
        }
        edits
    }

    async fn tell(&self, at: usize, change: Change) -> Result<Invalidation> {
        let cache = &self.instances[at];
        match change {
            Change::All => cache.clear().await,
            Change::Entity => cache.invalidate_entity("truth").await,
            Change::Key(index) => {
                // Under whichever plan it may be cached.
                let keys = [0, 1].map(|plan| self.key_under(index, plan));
                cache.invalidate_many(&keys).await
            }
            Change::Tag(tag_of) => cache.invalidate_tag(tag(tag_of)).await,
            Change::Tiers => {
                cache.invalidate_tier(tier(0)).await?;
                cache.invalidate_tier(tier(1)).await
            }
            Change::User(user) => cache.invalidate_user(user).await,
        }
    }

    /// From now on this instance answers with no less; what Redis could not be told of is told
    /// before this instance reads from it again.
    fn know(&self, at: usize, edits: &[(usize, u64)], told: Result<Invalidation>) {
        told.expect("an invalidation that cannot be told is journalled");
        for (key, version) in edits {
            self.floors[at][*key].fetch_max(*version, Ordering::SeqCst);
        }
    }

    /// With nobody editing any more, sees every instance come to the truth and stay there.
    ///
    /// # Panics
    ///
    /// If one does not.
    pub async fn settle(&self) {
        let newcomer = instance(&self.redis);
        for index in 0..KEYS {
            let truth = self.truth.read(index).await;
            for at in 0..self.instances.len() {
                until("the truth", async || self.read(at, index, 0).await == truth).await;
                assert_eq!(self.read(at, index, 0).await, truth);
            }
            let found = newcomer.get::<u64>(&self.key(index).await).await.expect("`get` answers");
            assert!(found.is_none_or(|version| *version == truth), "Redis has an old version");
        }
    }

    /// Returns how many calls were answered from memory.
    pub fn near_hits(&self) -> u64 {
        self.instances.iter().map(|cache| cache.stats().total().near_hits).sum()
    }

    /// Does what another program might do. It may itself be hit by a `CLIENT KILL`.
    async fn foreign(&self, command: &[&str]) {
        let mut connection = connect(&self.redis).await;
        let mut command_line = redis::cmd(command[0]);
        command_line.arg(&command[1..]);
        let _ = command_line.query_async::<redis::Value>(&mut connection).await;
    }

    async fn key(&self, index: usize) -> Key {
        self.key_under(index, self.truth.read(KEYS + user(index)).await)
    }

    fn key_under(&self, index: usize, plan: u64) -> Key {
        let key = self.instances[0].key("truth").tier(tier(plan)).user(user(index)).arg(index);
        if index % 3 == 1 { key.tag(tag(index % 2)) } else { key }
    }
}

/// What is ended.
#[derive(Clone, Copy, Debug)]
enum Change {
    All,
    Entity,
    Key(usize),
    Tag(usize),
    Tiers,
    User(usize),
}

fn judge(at: usize, index: usize, seen: u64, floor: u64) {
    assert!(seen >= floor, "instance {at}, key {index}: {seen} after {floor}");
}

fn user(index: usize) -> usize {
    index % USERS
}

fn tier(plan: u64) -> &'static str {
    if plan.is_multiple_of(2) { "free" } else { "studio" }
}

fn tag(parity: usize) -> &'static str {
    if parity == 0 { "even" } else { "odd" }
}

fn all() -> Vec<usize> {
    (0..KEYS).collect()
}

fn of_user(user_of: usize) -> Vec<usize> {
    (0..KEYS).filter(|index| user(*index) == user_of).collect()
}

/// One key in three has a tag from the start, one is given it by its loader, one has none.
fn of_tag(parity: usize) -> Vec<usize> {
    (0..KEYS).filter(|index| index % 3 < 2 && index % 2 == parity).collect()
}

fn instance(redis: &str) -> Cache {
    let settings = "remote_timeout = '2s'\ndegraded_ttl = '1h'\nretry_min = '1ms'";
    Cache::builder("oracle")
        .ttl_table(TtlTable::from_toml("default = '1h'").expect("the table is right"))
        .settings(Settings::from_toml(settings).expect("the settings are right"))
        .near(MemoryBackend::with_max_bytes(16 << 20))
        .remote(RedisBackend::new(redis).expect("the address is right"))
        .build()
        .expect("all is right")
}

/// Waits until `condition` holds.
///
/// # Panics
///
/// If it never does.
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let mut tries = 0;
    while !condition().await {
        tries += 1;
        assert!(tries < 10_000, "never happened: {what}");
        sleep(Duration::from_millis(1)).await;
    }
}

/// Connects as another program would, however often that is cut off.
pub(crate) async fn connect(url: &str) -> MultiplexedConnection {
    let client = redis::Client::open(url).expect("a right address");
    // The default of half a second is less than a busy machine takes now and then.
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(Duration::from_secs(30)));
    for _ in 0..1000 {
        if let Ok(connection) = client.get_multiplexed_async_connection_with_config(&config).await {
            return connection;
        }
        sleep(Duration::from_millis(1)).await;
    }
    panic!("the server does not answer");
}
