//! What sentinels promise.

use cache_test_servers::{Flavour, SentinelSet, sentinel_or_return};

#[test]
fn redis_sentinels_replace_a_killed_primary() {
    replace_a_killed_primary(sentinel_or_return!(Flavour::Redis));
}

#[test]
fn valkey_sentinels_replace_a_killed_primary() {
    replace_a_killed_primary(sentinel_or_return!(Flavour::Valkey));
}

fn replace_a_killed_primary(set: SentinelSet) {
    let (primary, replica) = (set.primary(), set.replica());
    primary.cli(&["SET", "key", "value"]);
    set.wait_until_copied();

    primary.kill();
    let new = set.wait_for_new_primary(primary);

    assert_eq!(new.port(), replica.port());
    assert_eq!(new.cli(&["GET", "key"]), "value");
    primary.restart();
    set.wait_until_ok();
    assert_eq!(set.replica().port(), primary.port());
}
