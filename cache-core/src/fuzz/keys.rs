//! Keys of two sets of arguments.

use super::Source;
use super::shape::{Shape, TEXTS, escaped_len, word};
use crate::cache::builder::prefix;
use crate::key::Key;

/// Makes the keys of two sets of arguments, and reads them back.
///
/// # Panics
///
/// If two sets make one key, if what is read back is something else than what was written, or if a key is
/// longer than it may be, or marked as too long and is not.
pub fn keys(data: &[u8]) {
    let mut source = Source::new(data);
    let one = Address::take(&mut source);
    let other = if source.coin() { one.varied(&mut source) } else { Address::take(&mut source) };
    let (Some(first), Some(second)) = (one.checked(), other.checked()) else { return };
    assert_eq!(one == other, first == second, "{one:?} and {other:?}");
    assert!(one == other || first.as_bytes() != second.as_bytes());
    numbers(&mut source, &first);
}

/// What a key is made of.
#[derive(Clone, Debug, PartialEq)]
struct Address {
    namespace: String,
    entity: String,
    tier: Option<String>,
    tenant: Option<String>,
    user: Option<String>,
    arguments: Vec<Shape>,
}

impl Address {
    fn take(source: &mut Source<'_>) -> Self {
        let maybe = |source: &mut Source<'_>| source.coin().then(|| source.text(&TEXTS));
        Self {
            namespace: source.text(&TEXTS),
            entity: source.text(&TEXTS),
            tier: maybe(source),
            tenant: maybe(source),
            user: maybe(source),
            arguments: (0..source.below(4)).map(|_| Shape::take(source, 3)).collect(),
        }
    }

    /// Returns a copy of which one part is another, as a rule.
    fn varied(&self, source: &mut Source<'_>) -> Self {
        let (new, part) = (Self::take(source), source.below(6));
        let mut varied = self.clone();
        match part {
            0 => varied.namespace = new.namespace,
            1 => varied.entity = new.entity,
            2 => varied.tier = new.tier,
            3 => varied.tenant = new.tenant,
            4 => varied.user = new.user,
            _ => varied.arguments = new.arguments,
        }
        varied
    }

    /// Returns the key, checked; `None` if the namespace or the key is refused.
    fn checked(&self) -> Option<Key> {
        let is_right = (1..=64).contains(&name_len(&self.namespace));
        let prefix = prefix(&self.namespace).ok();
        assert_eq!(prefix.is_some(), is_right, "the namespace {:?}", self.namespace);
        let prefix = prefix?;
        let key = self.key(&prefix);
        assert_eq!(key.is_too_long(), self.len() > Key::MAX_LEN, "{} bytes", self.len());
        assert!(key.as_bytes().len() <= Key::MAX_LEN);
        self.check_views(&key, &prefix);
        if key.is_too_long() {
            return None;
        }
        assert_eq!(key.as_bytes().len(), self.len());
        assert_eq!(read(key.as_str()).as_ref(), Some(self), "{}", key.as_str());
        // On its way there it is longer, by "first", and may be too long for a moment: that sticks.
        let other = self.key_in_another_order(&prefix);
        assert!(other == key || other.is_too_long() && self.len() + 8 > Key::MAX_LEN, "{other:?}");
        Some(key)
    }

    fn key(&self, prefix: &[u8]) -> Key {
        let key = Key::new(prefix, |text| text.name(&self.entity));
        let key = self.tier.iter().fold(key, |key, tier| key.tier(tier.as_str()));
        let key = self.tenant.iter().fold(key, |key, tenant| key.tenant(tenant));
        let key = self.user.iter().fold(key, |key, user| key.user(user));
        self.arguments.iter().fold(key, |key, argument| key.arg(argument))
    }

    fn key_in_another_order(&self, prefix: &[u8]) -> Key {
        let key = Key::new(prefix, |text| text.name(&self.entity));
        let key = self.arguments.iter().fold(key, |key, argument| key.arg(argument));
        let key = self.user.iter().fold(key, |key, user| key.user("first").user(user));
        let key = self.tenant.iter().fold(key, |key, tenant| key.tenant(tenant));
        self.tier.iter().fold(key, |key, tier| key.tier("first").tier(tier.as_str()))
    }

    /// Looks at a key from all sides: no one is too short for that, and none shows its arguments.
    fn check_views(&self, key: &Key, prefix: &[u8]) {
        assert!(format!("{key:?}").starts_with("Key("));
        assert!(key.groups().all(|group| group.as_bytes().starts_with(prefix)));
        if !key.is_too_long() {
            assert_eq!(word(key.entity()), Some((self.entity.clone(), "")));
            let tier = key.tier_name().and_then(word).map(|(tier, _)| tier);
            assert_eq!(tier, self.tier);
        }
    }

    fn len(&self) -> usize {
        let scope = match (&self.tenant, &self.user) {
            (None, None) => 1,
            (tenant, user) => {
                let tenant = tenant.as_ref().map_or(0, |tenant| escaped_len(tenant) + 1);
                tenant + user.as_ref().map_or(0, |user| escaped_len(user) + 1)
            }
        };
        let tier = self.tier.as_ref().map_or(1, |tier| name_len(tier));
        let arguments = self.arguments.iter().map(|argument| argument.len() + 1).sum::<usize>();
        name_len(&self.namespace) + name_len(&self.entity) + tier + scope + 3 + arguments
    }
}

/// How many bytes a name takes; its first must not be taken for "none".
fn name_len(name: &str) -> usize {
    escaped_len(name) + if name.starts_with('-') { 2 } else { 0 }
}

/// Reads a key by the grammar of `docs/keys.md`.
fn read(key: &str) -> Option<Address> {
    let (namespace, rest) = word(key)?;
    let (entity, rest) = word(rest.strip_prefix(':')?)?;
    let (tier, rest) = rest.strip_prefix(':')?.split_once(':')?;
    let (scope, mut rest) = rest.split_at(rest.find(':').unwrap_or(rest.len()));
    let (tenant, user) = match scope.split_once('/') {
        Some((tenant, user)) => (Some(word(tenant)?.0), user),
        None => (None, scope),
    };
    let mut arguments = Vec::new();
    while let Some(argument) = rest.strip_prefix(':') {
        let (argument, behind) = Shape::read(argument)?;
        arguments.push(argument);
        rest = behind;
    }
    let tier = if tier == "-" { None } else { Some(word(tier)?.0) };
    let user = user.strip_prefix('@').and_then(word).map(|(user, _)| user);
    rest.is_empty().then_some(Address { namespace, entity, tier, tenant, user, arguments })
}

/// Checks that numbers are one argument where they are equal, and only there.
fn numbers(source: &mut Source<'_>, base: &Key) {
    let key = |number: f64| base.clone().arg(number);
    let [one, other] = [(); 2].map(|()| f64::from_bits(u64::from_le_bytes(source.array())));
    let equal = one == other || one.is_nan() && other.is_nan();
    assert!(key(one).is_too_long() || equal == (key(one) == key(other)), "{one} and {other}");
    let number = u64::from_le_bytes(source.array());
    assert_eq!(base.clone().arg(number), base.clone().arg(u128::from(number)));
    assert_eq!(base.clone().user(number), base.clone().user(number.to_string()));
}
