use proptest::prelude::*;

use super::*;

fn key(namespace: &str, entity: &str) -> Key {
    let mut prefix = KeyWriter::new();
    prefix.name(namespace);
    prefix.mark(b':');
    Key::new(prefix.as_bytes(), |text| text.name(entity))
}

#[test]
fn a_key_reads_as_what_it_is_for() {
    let key = key("atlas", "profile");

    assert_eq!(key.as_str(), "atlas:profile:-:-");
    let key = key.tier("studio").user(42).arg("en").arg(7).arg(Some("x"));
    assert_eq!(key.as_str(), "atlas:profile:studio:@42:en:7:=x");
    assert_eq!(key.entity(), "profile");
    assert_eq!(key.tier_name(), Some("studio"));
}

#[test]
fn tags_without_end_take_no_memory_and_change_no_address() {
    let plain = key("atlas", "profile");
    let full = (0..255).fold(plain.clone(), |key, tag| key.tag(&tag.to_string()));
    let over = (0..1000).fold(plain.clone(), |key, tag| key.tag(&tag.to_string()));

    assert_eq!((full.tags().len(), full.clone().tag("0").tags().len()), (255, 255));
    assert!(!full.is_overtagged() && over.is_overtagged());
    assert_eq!(over.tags().len(), 256);
    assert!(over == plain && !over.is_too_long());
}

#[test]
fn the_order_of_tier_user_and_tenant_does_not_matter() {
    let base = key("atlas", "profile");
    let one = base.clone().tier("free").tenant("acme").user(1).arg("x");

    assert_eq!(one.as_str(), "atlas:profile:free:acme/@1:x");
    assert_eq!(base.clone().arg("x").user(1).tenant("acme").tier("free"), one);
    assert_eq!(base.clone().user(9).user(1).tier("core").tier("free").tenant("acme").arg("x"), one);
}

#[test]
fn a_user_is_one_user_as_number_and_as_text() {
    let base = key("atlas", "profile");

    assert_eq!(base.clone().user(42), base.clone().user("42"));
    assert_eq!(base.clone().user(Some(42)), base.clone().user(42));
    assert_eq!(base.clone().user(-1), base.clone().user("-1"));
    assert_ne!(base.clone().user(None::<u64>), base);
    assert_ne!(base.clone().user(""), base);
}

#[test]
fn arguments_that_look_alike_are_different_keys() {
    let base = key("atlas", "search");
    let keys = [
        base.clone(),
        base.clone().arg(""),
        base.clone().arg("").arg(""),
        base.clone().arg("a:b"),
        base.clone().arg("a").arg("b"),
        base.clone().arg("a%3Ab"),
        base.clone().arg(1),
        base.clone().arg("1"),
        base.clone().arg(-1),
        base.clone().arg("-1"),
        base.clone().arg("-"),
        base.clone().arg(true),
        base.clone().arg("true"),
        base.clone().arg(None::<&str>),
        base.clone().arg(Some("")),
        base.clone().arg(Some(None::<&str>)),
        base.clone().arg("~"),
        base.clone().arg("="),
        base.clone().arg(".Free"),
        base.clone().arg(Variant),
        base.clone().arg(1.0),
        base.clone().arg("1.0"),
        base.clone().arg(Vec::<&str>::new()),
        base.clone().arg(vec![""]),
        base.clone().arg(vec!["", ""]),
        base.clone().arg(vec!["a,b"]),
        base.clone().arg(vec!["a", "b"]),
        base.clone().arg((("a",), "b")),
        base.clone().arg("é"),
        base.clone().arg("e\u{301}"),
        base.clone().tier("a"),
        base.clone().tier("-"),
        base.clone().tier(""),
        base.clone().user("a"),
        base.clone().tenant("a"),
        base.clone().tenant("@a"),
        base.clone().tenant("a").user(""),
        base.tenant("a/").user("a"),
    ];
    for (index, one) in keys.iter().enumerate() {
        for other in &keys[index + 1..] {
            assert_ne!(one.as_str(), other.as_str());
        }
    }
}

struct Variant;

impl KeyPart for Variant {
    fn write(&self, out: &mut KeyWriter) {
        out.variant("Free", &[]);
    }
}

#[test]
fn zero_has_no_sign_and_all_nan_are_one() {
    let base = key("atlas", "price");

    assert_eq!(base.clone().arg(-0.0), base.clone().arg(0.0));
    assert_eq!(base.clone().arg(f64::NAN), base.clone().arg(-f64::NAN));
    assert_eq!(base.clone().arg(0.5_f32), base.arg(0.5_f64));
}

#[test]
fn a_namespace_that_is_a_prefix_of_another_stays_apart() {
    let (short, long) = (key("at", "las"), key("atlas", "x"));

    assert!(!long.as_str().starts_with("at:"));
    assert!(!key("at:las", "x").as_str().starts_with("at:"));
    assert!(short.as_str().starts_with("at:"));
}

#[test]
fn a_key_of_64_kib_is_marked_and_bounded() {
    let key = key("atlas", "search").arg("x".repeat(64 << 10)).arg(1).user(7).tier("free");

    assert!(key.is_too_long());
    assert!(key.as_bytes().len() <= Key::MAX_LEN);
    assert!(self::key("atlas", &"é".repeat(64 << 10)).tenant(1).user(1).is_too_long());
    assert!(self::key("atlas", "x").tier("y".repeat(1020)).user("z".repeat(99)).is_too_long());
}

#[test]
fn whether_a_key_is_too_long_does_not_depend_on_the_order() {
    let (long, user) = ("x".repeat(500), "u".repeat(300));
    let first = key("atlas", "search").tier("free").tenant("acme").user(&user).arg(&long);
    let last =
        key("atlas", "search").arg(&long).user(&user).user(&user).tenant("acme").tier("free");

    assert!(!first.is_too_long());
    assert_eq!(first, last);
}

#[test]
fn debug_shows_no_user_and_no_argument() {
    let shown = format!("{:?}", key("atlas", "profile").user("bob@example.com").arg("secret"));

    assert!(shown.contains("profile"));
    assert!(!shown.contains("bob") && !shown.contains("secret"));
}

#[test]
fn a_key_is_in_the_groups_of_its_entity_tier_and_user() {
    let names = |key: &Key| -> Vec<String> {
        key.groups().map(|group| String::from_utf8_lossy(group.as_bytes()).into_owned()).collect()
    };
    let base = key("atlas", "profile");

    assert_eq!(names(&base), ["atlas:!all", "atlas:!entity:profile"]);
    assert_eq!(
        names(&base.tenant("acme").user(1).tier("free")),
        ["atlas:!all", "atlas:!entity:profile", "atlas:!tier:free", "atlas:!user:@1"]
    );
}

#[test]
fn a_path_is_grouped_by_its_last_name() {
    let path = |path: &str| Key::new(b"ns:", |text| text.path(path));

    assert_eq!(path("shop::repo::Profiles::profile").as_str(), "ns:shop/repo/Profiles/profile:-:-");
    assert_eq!(path("shop::repo::Profiles::profile").entity_name(), "profile");
    assert_eq!(path("a::profile<b::C>").entity_name(), "profile");
    assert_ne!(key("ns", "a/b").as_str(), path("a::b").as_str());
}

#[derive(Clone, Debug, PartialEq)]
struct Parts {
    namespace: String,
    entity: String,
    tier: Option<String>,
    tenant: Option<String>,
    user: Option<String>,
    args: Vec<Option<String>>,
}

impl Parts {
    fn key(&self) -> Key {
        let mut key = key(&self.namespace, &self.entity);
        key = self.tier.iter().fold(key, |key, tier| key.tier(tier));
        key = self.tenant.iter().fold(key, |key, tenant| key.tenant(tenant));
        key = self.user.iter().fold(key, |key, user| key.user(user));
        self.args.iter().fold(key, |key, arg| key.arg(arg))
    }
}

fn parts() -> impl Strategy<Value = Parts> {
    let text = || proptest::string::string_regex("[-ab1:@/~=%(,é]{0,3}").unwrap();
    let maybe = move || proptest::option::of(text());
    let args = proptest::collection::vec(maybe(), 0..3);
    (text(), text(), maybe(), maybe(), maybe(), args).prop_map(
        |(namespace, entity, tier, tenant, user, args)| Parts {
            namespace,
            entity,
            tier,
            tenant,
            user,
            args,
        },
    )
}

/// Reads a key back: what can be read back was written by nothing else.
fn parts_of(key: &Key) -> Parts {
    let mut segments = key.as_str().split(':');
    let mut next = || segments.next().unwrap().to_owned();
    let (namespace, entity, tier, scope) = (unescape(&next()), unescape(&next()), next(), next());
    let (tenant, user) = match scope.split_once('/') {
        Some((tenant, user)) => (Some(unescape(tenant)), user),
        None => (None, scope.as_str()),
    };
    Parts {
        namespace,
        entity,
        tier: (tier != "-").then(|| unescape(&tier)),
        tenant,
        user: user.strip_prefix('@').map(unescape),
        args: segments.map(|arg| arg.strip_prefix('=').map(unescape)).collect(),
    }
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, more)) = rest.split_first() {
        let escaped = first == b'%';
        let code = std::str::from_utf8(more.get(..2).unwrap_or_default());
        bytes.push(if escaped { u8::from_str_radix(code.unwrap(), 16).unwrap() } else { first });
        rest = if escaped { &more[2..] } else { more };
    }
    String::from_utf8(bytes).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn every_key_can_be_read_back(parts in parts()) {
        prop_assert_eq!(parts_of(&parts.key()), parts);
    }
}
