//! Wrong settings are errors at build that say what is right.

use std::time::Duration;

use cache_aside::{Cache, ErrorKind, Settings, Ttl, TtlTable};

use crate::common::memory;

#[test]
fn a_wrong_cache_is_not_built() {
    let wrong = [
        (Cache::builder("").near(memory()), "the namespace is empty"),
        (Cache::builder(&"x".repeat(65)).near(memory()), "longer than 64 bytes"),
        (Cache::builder("atlas"), "call `near` or `remote`"),
        (
            Cache::builder("atlas").near(memory()).settings({
                let mut settings = Settings::default();
                settings.remote_timeout = Duration::MAX;
                settings
            }),
            "`remote_timeout` is Duration::MAX",
        ),
        (
            Cache::builder("atlas").near(memory()).settings({
                let mut settings = Settings::default();
                settings.hold = Some(Duration::from_secs(1));
                settings
            }),
            "`hold` needs a remote level",
        ),
    ];
    for (builder, expected) in wrong {
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(expected), "{error}\nlacks {expected}");
    }
}

#[test]
fn an_absurd_ttl_is_refused_by_name() {
    for ttl in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        let error = TtlTable::new().with("free", "profile", Ttl::new(ttl)).unwrap_err();
        assert!(error.to_string().contains("tier \"free\", entity \"profile\""), "{error}");
        assert!(cache_aside::CallOptions::table().with_ttl(Ttl::new(ttl)).is_err());
    }
}

#[test]
fn debug_of_a_cache_shows_its_namespace_and_no_more() {
    let cache = Cache::builder("atlas").near(memory()).build().unwrap();

    assert_eq!(format!("{cache:?}"), "Cache { namespace: \"atlas:\", .. }");
}
