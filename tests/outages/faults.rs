//! P2 and P4 under every fault of the table in `docs/outages.md`. On real servers, default settings.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use std::time::Duration;

use cache_aside_tests::faults::{
    ANOTHER_SERVER, CERTIFICATE_EXPIRED, CLOCK_STEPPED_BACK, COMMAND_FORBIDDEN, CONNECTION_REFUSED,
    CUT_REPLIES, DEMOTED, FAILED_OVER, FULL, Fault, Figures, GARBAGE, HUNG, KILLED,
    LAGGING_REPLICA, LOADING, NAME_UNRESOLVED, NARROW_NETWORK, NO_CLIENTS, NOTHING, Onset,
    PASSWORD_CHANGED, PASSWORD_SET, Pace, RESTORED, SCRIPTS_FORBIDDEN, SLOW_NETWORK, run,
};
use cache_test_servers::{Error, Flavour};

/// Nothing that works takes this long, on the busiest machine.
const STALL: Duration = Duration::from_secs(2);

/// Runs a test for each fault, against one of the two kinds of servers.
macro_rules! faults {
    ($($flavour:ident: $($name:ident = $fault:ident)*;)*) => {
        $($(#[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            hold(&$fault, Flavour::$flavour).await;
        })*)*
    };
}

mod callers_do_not_notice {
    use super::*;

    faults! {
        Redis:
            a_certificate_that_expires = CERTIFICATE_EXPIRED
            a_clock_that_steps_back_an_hour = CLOCK_STEPPED_BACK
            a_connection_that_is_reset_in_the_middle_of_a_reply = CUT_REPLIES
            a_full_server = FULL
            a_password_that_is_rotated = PASSWORD_CHANGED
            a_replica_without_its_primary = DEMOTED
            a_right_that_is_lost = COMMAND_FORBIDDEN
            a_server_that_comes_back_from_an_old_snapshot = RESTORED
            a_server_that_hangs = HUNG
            a_server_that_is_loading = LOADING
            garbage_instead_of_replies = GARBAGE
            that_all_is_well = NOTHING;
        Valkey:
            a_failover_and_back = FAILED_OVER
            a_name_that_does_not_resolve = NAME_UNRESOLVED
            a_narrow_network = NARROW_NETWORK
            a_password_that_is_set = PASSWORD_SET
            a_promoted_replica_that_lagged = LAGGING_REPLICA
            a_refused_connection = CONNECTION_REFUSED
            a_server_that_is_killed = KILLED
            a_server_without_room_for_clients = NO_CLIENTS
            a_slow_network = SLOW_NETWORK
            another_server_at_the_address = ANOTHER_SERVER
            scripts_that_are_forbidden = SCRIPTS_FORBIDDEN;
    }
}

#[test]
fn every_fault_of_the_table_has_a_test() {
    let here = include_str!("faults.rs");
    let kinds = include_str!("../faults/kinds/mod.rs");
    let (_, list) = kinds.split_once("vec![").unwrap();
    let (list, _) = list.split_once(']').unwrap();
    let rows: Vec<_> = list.split(',').map(str::trim).filter(|row| !row.is_empty()).collect();

    assert_eq!(rows.len(), Fault::all().len());
    for row in rows {
        assert!(
            here.contains(&format!(" = {row}\n")) || here.contains(&format!(" = {row};")),
            "{row}"
        );
    }
}

async fn hold(fault: &Fault, flavour: Flavour) {
    match run(fault, flavour, Pace::TEST).await {
        Ok(figures) => judge(fault, &figures),
        Err(Error::Unavailable(_)) => {}
        Err(error) => panic!("{error:?}"),
    }
}

fn judge(fault: &Fault, figures: &Figures) {
    println!("{figures:?}");
    let [from_memory, ..] = figures.got;
    assert!(figures.calls > 0, "nobody called");
    assert_eq!(figures.errors, 0, "no caller gets an error");
    assert_eq!(figures.stale, Vec::<String>::new(), "no answer is old");
    assert!(figures.longest < STALL + fault.waits, "a call took {:?}", figures.longest);
    assert!(figures.longest_write < STALL, "an invalidation took {:?}", figures.longest_write);
    assert!(from_memory > figures.calls / 2, "most are answered from memory: {from_memory}");
    assert!(figures.opened.is_some() || !fault.opens, "the server is left alone");
    let recovers = fault.onset != Onset::ForEver;
    assert_eq!(figures.recovered.is_some(), recovers, "Redis is used again");
    check_reasons(fault, &figures.problems);
}

fn check_reasons(fault: &Fault, problems: &[String]) {
    if let Some(reason) = fault.reason {
        assert!(problems.iter().any(|problem| problem.contains(reason)), "{problems:?}");
    }
    for secret in ["app", "secret", "rotated", "profile", "search"] {
        let tells = |problem: &String| {
            problem.split(|c: char| !c.is_alphanumeric()).any(|word| word == secret)
        };
        assert!(!problems.iter().any(tells), "{secret} is in {problems:?}");
    }
}
