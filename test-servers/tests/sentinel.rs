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

#[test]
fn redis_sentinels_fail_over_when_asked_and_back_again() {
    fail_over_and_back(sentinel_or_return!(Flavour::Redis));
}

#[test]
fn valkey_sentinels_fail_over_when_asked_and_back_again() {
    fail_over_and_back(sentinel_or_return!(Flavour::Valkey));
}

#[test]
fn sentinels_and_servers_have_passwords_of_their_own() {
    let builder = SentinelSet::builder(Flavour::Redis);
    let set = sentinel_or_return!(builder.password("da\"ta").sentinel_password("wat ch"));

    assert!(set.primary().url().starts_with("redis://:da%22ta@"));
    assert_eq!(set.primary().cli(&["AUTH", "da\"ta"]), "OK");
    assert_eq!(set.sentinels()[0].cli(&["AUTH", "wat ch"]), "OK");
    replace_a_killed_primary(set);
}

#[test]
fn sentinels_and_servers_speak_tls() {
    let set = sentinel_or_return!(SentinelSet::builder(Flavour::Redis).tls().password("secret"));

    assert!(set.primary().url().starts_with("rediss://"));
    assert_eq!(set.primary().ca_cert_pem().text(), set.sentinels()[0].ca_cert_pem().text());
    replace_a_killed_primary(set);
}

#[test]
fn two_sentinels_replace_a_stopped_primary() {
    let set = sentinel_or_return!(Flavour::Valkey);
    let primary = set.primary();

    set.sentinels()[0].kill();
    primary.stop();
    set.wait_for_new_primary(primary);

    primary.resume();
    set.wait_until_ok();
    assert_eq!(set.replica().port(), primary.port());
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

fn fail_over_and_back(set: SentinelSet) {
    let (first, second) = (&set.servers()[0], &set.servers()[1]);
    assert_eq!(set.addresses().len(), 3);
    assert_eq!(set.primary().port(), first.port());

    set.fail_over();
    assert_eq!(set.wait_for_new_primary(first).port(), second.port());
    set.wait_until_ok();
    set.fail_over();
    assert_eq!(set.wait_for_new_primary(second).port(), first.port());
}
