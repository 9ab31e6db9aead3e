//! What is left of a server whose test was killed.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use cache_test_servers::{
    Flavour, Server, cluster_or_return, sentinel_or_return, server_or_return,
};

/// Set in the process that is to be killed: the test runs itself again.
const VICTIM: &str = "CACHE_TEST_VICTIM";

#[test]
fn a_server_and_its_folder_do_not_outlive_a_killed_test() {
    let server = server_or_return!(Flavour::Redis);
    if is_victim() {
        return wait_to_be_killed(&server);
    }

    let left = left_by_victim("a_server_and_its_folder_do_not_outlive_a_killed_test");

    assert_gone(&left);
}

#[test]
fn a_stopped_server_does_not_outlive_a_killed_test() {
    let server = server_or_return!(Flavour::Valkey);
    if is_victim() {
        server.stop();
        return wait_to_be_killed(&server);
    }

    let left = left_by_victim("a_stopped_server_does_not_outlive_a_killed_test");

    assert_gone(&left);
}

#[test]
fn a_killed_server_leaves_no_folder_behind_a_killed_test() {
    let server = server_or_return!(Flavour::Redis);
    if is_victim() {
        server.restart();
        server.kill();
        return wait_to_be_killed(&server);
    }

    let left = left_by_victim("a_killed_server_leaves_no_folder_behind_a_killed_test");

    assert_gone(&left);
}

#[test]
fn a_cluster_does_not_outlive_a_killed_test() {
    let cluster = cluster_or_return!(Flavour::Redis);
    if is_victim() {
        return wait_to_be_killed(&cluster.nodes()[5]);
    }

    let left = left_by_victim("a_cluster_does_not_outlive_a_killed_test");

    assert_gone(&left);
}

#[test]
fn sentinels_do_not_outlive_a_killed_test() {
    let set = sentinel_or_return!(Flavour::Valkey);
    if is_victim() {
        return wait_to_be_killed(&set.sentinels()[2]);
    }

    let left = left_by_victim("sentinels_do_not_outlive_a_killed_test");

    assert_gone(&left);
}

#[test]
#[cfg(feature = "container")]
fn a_container_does_not_outlive_a_killed_test() {
    let server = server_or_return!(Flavour::Container);
    if is_victim() {
        return wait_to_be_killed(&server);
    }

    let left = left_by_victim("a_container_does_not_outlive_a_killed_test");

    assert_gone(&left);
}

#[test]
fn a_dropped_server_leaves_nothing() {
    let server = server_or_return!(Flavour::Redis);
    let left = Left { port: server.port(), folder: server.folder().to_owned() };
    assert!(left.folder.exists());

    drop(server);

    assert!(!left.folder.exists());
    assert!(!is_listening(left.port));
}

/// What a server leaves if nobody cleans up.
struct Left {
    port: u16,
    folder: PathBuf,
}

fn is_victim() -> bool {
    env::var_os(VICTIM).is_some()
}

/// Holds a server until the process is killed, as nextest kills slow tests.
fn wait_to_be_killed(server: &Server) {
    println!("\nserver {} {}", server.port(), server.folder().display());
    thread::sleep(Duration::from_secs(60));
}

/// Runs a test in its own process group, and kills the group.
fn left_by_victim(test: &str) -> Left {
    let mut victim = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(VICTIM, "1")
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap();
    let left = read_left(&mut victim);
    assert!(left.folder.exists());
    let kill = format!("kill -KILL -{}", victim.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    victim.wait().unwrap();
    left
}

fn read_left(victim: &mut Child) -> Left {
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.find(|line| line.starts_with("server ")).unwrap();
    let words: Vec<_> = line.splitn(3, ' ').collect();
    Left { port: words[1].parse().unwrap(), folder: words[2].into() }
}

fn assert_gone(left: &Left) {
    assert!(soon(|| !is_listening(left.port)), "the server lives");
    assert!(soon(|| !left.folder.exists()), "{} is still there", left.folder.display());
}

fn is_listening(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

fn soon(done: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !done() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(10));
    }
    done()
}
