//! Keys: who and what an entry is for, in one escaped text.

mod part;
mod text;

use std::fmt;
use std::sync::LazyLock;

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed, xxh3_128};

pub use part::KeyPart;
pub use text::KeyWriter;

use crate::group::Group;
use crate::random;
use crate::tier::Tier;
use crate::wire::Header;

/// Makes hashes of this process differ from those of others, so that nobody can aim at a bucket.
static SEED: LazyLock<u64> = LazyLock::new(random::once);

const NONE: u8 = b'-';

/// The address of one entry: `namespace:entity:tier:scope[:argument…]`.
///
/// Made by [`Cache::key`](crate::Cache::key). The order of `tier`, `user` and `tenant` calls does
/// not matter, that of `arg` calls does. The encoding is injective: different namespaces, entities,
/// tiers, scopes or arguments never make the same key. Building one allocates nothing while it is
/// shorter than 112 bytes.
///
/// A key longer than [`Key::MAX_LEN`] is kept in a shortened form that [`is_too_long`] tells: such
/// a key is never looked up nor stored, and a load under it goes straight to the loader. Two such keys
/// that begin alike compare as equal: do not use them in maps of your own.
///
/// `Debug` shows the entity and a hash, never the arguments.
///
/// [`is_too_long`]: Key::is_too_long
#[derive(Clone)]
pub struct Key {
    text: KeyWriter,
    entity: u16,
    entity_end: u16,
    tier_end: u16,
    scope_end: u16,
    /// Not part of the address. One more than [`MAX_TAGS`](Self::MAX_TAGS) stands for all the rest.
    tags: Vec<Group>,
}

impl Key {
    /// The longest key, in bytes of its escaped text.
    ///
    /// Far above what a key of ids needs, and small enough that a key never costs more than the
    /// value it stands for.
    pub const MAX_LEN: usize = 1024;

    /// The most tags of an entry that is kept: no envelope holds more groups.
    const MAX_TAGS: usize = Header::MAX_GROUPS;

    /// What the names of leases begin with that keep others from refreshing an entry.
    pub(crate) const REFRESHING: &[u8] = b"!refresh:";

    /// Starts a key from an escaped `namespace:` and an entity.
    pub(crate) fn new(prefix: &[u8], entity: impl FnOnce(&mut KeyWriter)) -> Self {
        let mut text = KeyWriter::new();
        text.raw(prefix);
        let start = text.len();
        entity(&mut text);
        let entity_end = text.len();
        text.raw(&[b':', NONE]);
        let tier_end = text.len();
        text.raw(&[b':', NONE]);
        let scope_end = text.len();
        Self {
            text,
            entity: short(start),
            entity_end: short(entity_end),
            tier_end: short(tier_end),
            scope_end: short(scope_end),
            tags: Vec::new(),
        }
    }

    /// Sets the subscription tier the entry is for.
    #[must_use]
    pub fn tier(mut self, tier: impl Tier) -> Self {
        let (start, end) = (usize::from(self.entity_end) + 1, usize::from(self.tier_end));
        let new_end = self.text.splice(start, end, |text| text.name(tier.name()));
        self.scope_end = short(usize::from(self.scope_end) + new_end - end);
        self.tier_end = short(new_end);
        self
    }

    /// Sets the user the entry is for. Ids compare as text: `42` and `"42"` are one user.
    #[must_use]
    pub fn user(self, user: impl KeyPart) -> Self {
        let start = self.scope_start() + self.tenant_len();
        self.scope(start, |text| {
            text.mark(b'@');
            text.plainly(|text| user.write(text));
        })
    }

    /// Sets the tenant the entry is for. Ids compare as text.
    #[must_use]
    pub fn tenant(self, tenant: impl KeyPart) -> Self {
        let start = self.scope_start();
        let user = self.user_bytes().to_vec();
        self.scope(start, |text| {
            text.plainly(|text| tenant.write(text));
            text.mark(b'/');
            text.raw(&user);
        })
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, part: impl KeyPart) -> Self {
        self.text.mark(b':');
        part.write(&mut self.text);
        self
    }

    /// Adds a tag, a group of your own: [`Cache::invalidate_tag`](crate::Cache::invalidate_tag)
    /// ends every entry that was loaded under a key with the tag.
    ///
    /// Tags are no part of the address: keys that differ in their tags only are equal, and find each
    /// other's entries, which keep the tags that they were loaded under.
    ///
    /// What is loaded under a key with more than 255 tags is not kept anywhere.
    #[must_use]
    pub fn tag(mut self, name: &str) -> Self {
        if self.is_overtagged() {
            return self;
        }
        let tag = Group::tag(self.prefix(), escaped(name).as_bytes());
        if !self.tags.iter().any(|other| other.id() == tag.id()) {
            self.tags.push(tag);
        }
        self
    }

    /// Returns the key as it is sent to a backend.
    pub fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// Returns the key as text. It may hold user ids: do not log it.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.text.as_bytes()).unwrap_or_default()
    }

    /// Returns the name of the lease that keeps others from refreshing the entry.
    pub(crate) fn refreshing(&self) -> Self {
        Self::new(self.prefix(), |text| {
            text.raw(Self::REFRESHING);
            text.raw(format!("{:032x}", xxh3_128(self.as_bytes())).as_bytes());
        })
    }

    /// Whether the key is longer than [`Key::MAX_LEN`] and so cannot be cached.
    pub fn is_too_long(&self) -> bool {
        self.text.is_too_long()
    }

    /// Returns the escaped entity: the name given, or module, type and function as a path.
    pub fn entity(&self) -> &str {
        self.segment(self.entity, self.entity_end)
    }

    /// Returns the last name of the entity, by which tables and groups know it.
    pub fn entity_name(&self) -> &str {
        let entity = self.entity();
        let plain = entity.split("%3C").next().unwrap_or(entity);
        plain.rsplit('/').next().unwrap_or(plain)
    }

    /// Returns the escaped tier, if the key has one.
    pub fn tier_name(&self) -> Option<&str> {
        let tier = self.segment(self.entity_end + 1, self.tier_end);
        (tier != "-").then_some(tier)
    }

    /// Returns entity and tier as they stand in the key, `entity:tier`: what calls are counted by.
    pub(crate) fn line(&self) -> &str {
        self.segment(self.entity, self.tier_end)
    }

    /// Returns the groups the entry belongs to: all, its entity, its tier, its user, its tags.
    pub fn groups(&self) -> impl Iterator<Item = Group> + '_ {
        self.groups_but_tags().chain(self.tags.iter().cloned())
    }

    pub(crate) fn groups_but_tags(&self) -> impl Iterator<Item = Group> + '_ {
        let prefix = self.prefix();
        let user = self.user_bytes();
        let user = (!user.is_empty()).then(|| Group::user(prefix, user));
        let tier = self.tier_name().map(|tier| Group::tier(prefix, tier.as_bytes()));
        let entity = Group::entity(prefix, self.entity_name().as_bytes());
        [Some(Group::all(prefix)), Some(entity), tier, user].into_iter().flatten()
    }

    pub(crate) fn tags(&self) -> &[Group] {
        &self.tags
    }

    /// Whether there are too many tags to know them all, so that nothing may be kept by them.
    pub(crate) fn is_overtagged(&self) -> bool {
        self.tags.len() > Self::MAX_TAGS
    }

    /// Returns the escaped namespace and its `:`.
    pub(crate) fn prefix(&self) -> &[u8] {
        &self.as_bytes()[..usize::from(self.entity)]
    }

    /// Returns the hash under which this process files the key; other processes have others.
    pub fn local_hash(&self) -> u64 {
        local_hash(self.as_bytes())
    }

    /// As [`local_hash`](Self::local_hash), for a key or group of which only the bytes are there.
    pub fn local_hash_of(bytes: &[u8]) -> u64 {
        local_hash(bytes)
    }

    /// Returns the hash that an envelope repeats; the same in every process.
    pub fn echo(&self) -> u64 {
        xxh3_64(self.as_bytes())
    }

    fn scope(mut self, start: usize, write: impl FnOnce(&mut KeyWriter)) -> Self {
        self.scope_end = short(self.text.splice(start, usize::from(self.scope_end), write));
        self
    }

    fn scope_start(&self) -> usize {
        usize::from(self.tier_end) + 1
    }

    fn scope_bytes(&self) -> &[u8] {
        self.as_bytes().get(self.scope_start()..usize::from(self.scope_end)).unwrap_or_default()
    }

    fn tenant_len(&self) -> usize {
        self.scope_bytes().iter().position(|&byte| byte == b'/').map_or(0, |slash| slash + 1)
    }

    pub(crate) fn user_bytes(&self) -> &[u8] {
        let rest = &self.scope_bytes()[self.tenant_len()..];
        if rest.starts_with(b"@") { rest } else { &[] }
    }

    fn segment(&self, start: u16, end: u16) -> &str {
        self.as_str().get(usize::from(start)..usize::from(end)).unwrap_or_default()
    }
}

/// Escapes a name as it stands in keys.
pub(crate) fn escaped(name: &str) -> String {
    let mut text = KeyWriter::new();
    text.name(name);
    String::from_utf8_lossy(text.as_bytes()).into_owned()
}

/// Hashes the bytes of a key or group for the tables of this process.
pub(crate) fn local_hash(bytes: &[u8]) -> u64 {
    xxh3_64_with_seed(bytes, *SEED)
}

/// Positions fit: nothing is written past [`Key::MAX_LEN`].
fn short(position: usize) -> u16 {
    u16::try_from(position).unwrap_or(u16::MAX)
}

impl AsRef<Self> for Key {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl Eq for Key {}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes() && self.is_too_long() == other.is_too_long()
    }
}

impl std::hash::Hash for Key {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({} #{:016x})", self.entity(), self.echo())
    }
}

#[cfg(test)]
mod tests;
