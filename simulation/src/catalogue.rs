//! What is cached: a few rows, under the keys of two tiers each.

use std::fmt;

use cache_aside::testing;
use cache_aside::{Cache, Changes, Key, TtlTable};

use crate::history::Weather;

/// The namespace of every instance.
pub(crate) const NAMESPACE: &str = "sim";
pub(crate) const ROWS: usize = 4;
pub(crate) const TIERS: [&str; 2] = ["free", "studio"];
/// Each row under each tier.
pub(crate) const KEYS: usize = ROWS * TIERS.len();

const ENTITIES: [&str; 2] = ["profile", "order"];
const TAGS: [&str; 2] = ["red", "blue"];

/// Returns the rows' life: long, but for some of one tier if the weather says so.
pub(crate) fn table(weather: Weather) -> TtlTable {
    let mut text = "default = '1h'\n".to_owned();
    if let Some(ms) = weather.short {
        text += &format!("tiers.studio.order = '{ms}ms'\n");
    }
    if let Some(ms) = weather.stale {
        text += &format!("tiers.studio.default = {{ fresh = '{ms}ms', stale = '1h' }}\n");
    }
    TtlTable::from_toml(&text).expect("the table is right")
}

/// One key, by its place.
#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Item(pub(crate) usize);

impl Item {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..KEYS).map(Self)
    }

    pub(crate) fn of(row: usize, tier: usize) -> Self {
        Self(row * TIERS.len() + tier)
    }

    pub(crate) fn row(self) -> usize {
        self.0 / TIERS.len()
    }

    pub(crate) fn tier(self) -> usize {
        self.0 % TIERS.len()
    }

    fn user(self) -> usize {
        self.row() % 2
    }

    fn entity(self) -> usize {
        self.row() / 2
    }

    /// The tag that the key names, or that its loader does.
    fn tag(self) -> Option<usize> {
        [Some(0), Some(0), Some(1), None][self.row()]
    }

    /// The tag that only its loader knows.
    pub(crate) fn late_tag(self) -> Option<&'static str> {
        (self.row() == 1).then_some(TAGS[0])
    }

    pub(crate) fn key(self) -> Key {
        let key = testing::key(NAMESPACE, ENTITIES[self.entity()]);
        let key = key.tier(TIERS[self.tier()]).user(self.user()).arg(self.row());
        match self.tag() {
            Some(tag) if self.late_tag().is_none() => key.tag(TAGS[tag]),
            _ => key,
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} of {}", TIERS[self.tier()], ENTITIES[self.entity()], self.row())
    }
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A set of keys that end together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Cover {
    All,
    Entity(usize),
    Item(Item),
    Row(usize),
    Tag(usize),
    Tier(usize),
    User(usize),
}

impl Cover {
    pub(crate) fn has(self, item: Item) -> bool {
        match self {
            Self::All => true,
            Self::Entity(entity) => item.entity() == entity,
            Self::Item(one) => item == one,
            Self::Row(row) => item.row() == row,
            Self::Tag(tag) => item.tag() == Some(tag),
            Self::Tier(tier) => item.tier() == tier,
            Self::User(user) => item.user() == user,
        }
    }

    pub(crate) fn items(self) -> impl Iterator<Item = Item> {
        Item::all().filter(move |item| self.has(*item))
    }

    pub(crate) fn meets(self, other: Self) -> bool {
        self.items().any(|item| other.has(item))
    }

    /// Returns the list of changes that ends it.
    pub(crate) fn changes(self, cache: &Cache) -> Changes {
        let changes = cache.changes();
        match self {
            Self::All => changes.all(),
            Self::Entity(entity) => changes.entity(ENTITIES[entity]),
            Self::Item(item) => changes.key(item.key()),
            Self::Row(_) => self.items().fold(changes, |changes, item| changes.key(item.key())),
            Self::Tag(tag) => changes.tag(TAGS[tag]),
            Self::Tier(tier) => changes.tier(TIERS[tier]),
            Self::User(user) => changes.user(user),
        }
    }

    /// Returns the name under which a store keeps the number of the group; none for single keys.
    pub(crate) fn group(self) -> Option<Vec<u8>> {
        let group = match self {
            Self::All => "!all".to_owned(),
            Self::Entity(entity) => format!("!entity:{}", ENTITIES[entity]),
            Self::Tag(tag) => format!("!tag:{}", TAGS[tag]),
            Self::Tier(tier) => format!("!tier:{}", TIERS[tier]),
            Self::User(user) => format!("!user:@{user}"),
            Self::Item(_) | Self::Row(_) => return None,
        };
        Some(format!("{NAMESPACE}:{group}").into_bytes())
    }

    fn groups() -> impl Iterator<Item = Self> {
        let each = |make: fn(usize) -> Self| (0..2).map(make);
        let named = each(Self::Entity).chain(each(Self::Tag)).chain(each(Self::Tier));
        named.chain(each(Self::User)).chain([Self::All])
    }
}

impl fmt::Display for Cover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("everything"),
            Self::Entity(entity) => write!(f, "every {}", ENTITIES[*entity]),
            Self::Item(item) => write!(f, "{item}"),
            Self::Row(row) => write!(f, "row {row}"),
            Self::Tag(tag) => write!(f, "tag {}", TAGS[*tag]),
            Self::Tier(tier) => write!(f, "tier {}", TIERS[*tier]),
            Self::User(user) => write!(f, "user {user}"),
        }
    }
}

/// What the names in a store stand for.
#[derive(Debug)]
pub(crate) struct Names(Vec<(Vec<u8>, Cover)>);

impl Names {
    pub(crate) fn new() -> Self {
        let items = Item::all().map(|item| (item.key().as_bytes().to_vec(), Cover::Item(item)));
        let groups = Cover::groups().filter_map(|cover| Some((cover.group()?, cover)));
        let mut names: Vec<_> = items.chain(groups).collect();
        names.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        Self(names)
    }

    /// Returns what ends when what is stored under `name` does; none for the library's other names.
    pub(crate) fn cover(&self, name: &[u8]) -> Option<Cover> {
        let place = self.0.binary_search_by(|(known, _)| known.as_slice().cmp(name)).ok()?;
        Some(self.0[place].1)
    }
}
