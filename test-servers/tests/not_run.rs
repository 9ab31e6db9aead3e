//! Tests that cannot run say so.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::{env, fs};

use cache_test_servers::{Flavour, cluster_or_return, sentinel_or_return, server_or_return};

/// Set in the process that can have no server: the test runs itself again.
const WITHOUT: &str = "CACHE_TEST_WITHOUT";

#[test]
fn a_test_without_its_server_is_noted() {
    if env::var_os(WITHOUT).is_some() {
        return ask_for_a_server();
    }
    let name = "a_test_without_its_server_is_noted";

    let notes = notes_of(name);

    assert!(notes.starts_with(&format!("binary {name}\t")), "{notes}");
    assert!(notes.contains("valkey"), "{notes}");
    assert_eq!(notes.lines().count(), 1);
}

#[test]
fn a_test_without_its_server_fails_where_nothing_is_noted() {
    if env::var_os(WITHOUT).is_some() {
        return ask_for_a_server();
    }
    let name = "a_test_without_its_server_fails_where_nothing_is_noted";

    let output = run_without_servers(name, "");

    assert!(!output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("cargo xtask test"), "{output:?}");
}

#[test]
fn a_test_without_its_cluster_is_noted_once() {
    if env::var_os(WITHOUT).is_some() {
        let _cluster = cluster_or_return!(Flavour::Redis);
        unreachable!("there is no cluster to be had");
    }
    assert_eq!(notes_of("a_test_without_its_cluster_is_noted_once").lines().count(), 1);
}

#[test]
fn a_test_without_its_sentinels_is_noted_once() {
    if env::var_os(WITHOUT).is_some() {
        let _set = sentinel_or_return!(Flavour::Container);
        unreachable!("there are no sentinels to be had");
    }
    assert_eq!(notes_of("a_test_without_its_sentinels_is_noted_once").lines().count(), 1);
}

fn ask_for_a_server() {
    let _server = server_or_return!(Flavour::Valkey);
    unreachable!("there is no server to be had");
}

/// Runs a test of this file that cannot have its servers, and returns what it noted.
fn notes_of(test: &str) -> String {
    let file = env::temp_dir().join(format!("cache-test-not-run-{test}-{}", std::process::id()));
    let output = run_without_servers(test, file.to_str().unwrap());
    assert!(output.status.success(), "{output:?}");
    let notes = fs::read_to_string(&file).unwrap();
    fs::remove_file(&file).unwrap();
    notes
}

/// Runs a test of this file where there are neither programs nor a Docker engine.
fn run_without_servers(test: &str, notes: &str) -> Output {
    let path = env::temp_dir().join(format!("cache-test-{test}-{}", std::process::id()));
    fs::create_dir(&path).unwrap();
    for needed in ["sh", "rm"] {
        symlink(on_path(needed), path.join(needed)).unwrap();
    }
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(WITHOUT, "1")
        .env("CACHE_ASIDE_NOT_RUN", notes)
        .env("DOCKER_HOST", "unix:///no/such/socket")
        .env("NEXTEST_BINARY_ID", "binary")
        .env("NEXTEST_TEST_NAME", test)
        .env("PATH", &path)
        .output()
        .unwrap();
    fs::remove_dir_all(path).unwrap();
    output
}

fn on_path(program: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap();
    let found = env::split_paths(&path).map(|folder| folder.join(program)).find(|p| p.is_file());
    found.unwrap()
}
