//! What a server answers, as each thing that is asked.

use std::time::Duration;

use cache_core::backend::{self, LeaseRequest};
use cache_core::fuzz::Source;
use cache_core::wire::{Mark, Stamp};
use redis::Value;

use super::check_error;
use super::values::value;
use crate::cluster::slot::Slot;
use crate::cluster::view::{Redirect, View, is_unsettling};
use crate::endpoint::Host;
use crate::parts::is_host;
use crate::{error, reply, rights, sentinel};

/// Reads a tree as the answer to everything that we ask.
///
/// # Panics
///
/// If an address or a slot is taken that is none, or an error shows what the server said.
pub fn answers(data: &[u8]) {
    slot(data);
    let mut source = Source::new(data);
    let answer = value(&mut source);
    cluster(&answer);
    sentinels(&answer);
    votes(&mut source);
    values(answer);
}

fn cluster(answer: &Value) {
    let asked = Host { name: "asked".into(), port: 1 };
    match View::read(answer, &asked) {
        Ok(view) => {
            assert!(view.ranges.iter().all(|range| *range.slots.end() < Slot::COUNT));
            assert!(view.hosts().iter().all(is_address), "{view:?}");
        }
        Err(error) => check_error(&error),
    }
    if let Some(redirect) = Redirect::read(answer, &asked) {
        assert!(is_address(&redirect.host), "{redirect:?}");
        assert!(redirect.asking || is_unsettling(answer));
    }
}

fn sentinels(answer: &Value) {
    match sentinel::named(answer) {
        Ok(host) => assert!(is_address(&host), "{host:?}"),
        Err(failure) => check_error(&error::no_primary(failure)),
    }
    if let Some(host) = sentinel::replica(answer) {
        assert!(is_address(&host), "{host:?}");
        assert_eq!(reply::field(answer, "master-link-status"), Some(&b"ok"[..]));
    }
}

/// A primary is left only for one that more sentinels name.
fn votes(source: &mut Source<'_>) {
    let host = |byte: u8| Host { name: "a".repeat(usize::from(byte)), port: 1 };
    let vote = |source: &mut Source<'_>| match source.below(4) {
        0 => None,
        name => Some(host(name as u8)),
    };
    let votes: Vec<_> = (0..source.below(8)).map(|_| vote(source)).collect();
    let count = |host: &Host| votes.iter().flatten().filter(|vote| *vote == host).count();
    let most = votes.iter().flatten().map(count).max().unwrap_or_default();
    let winner = sentinel::outvoted(&votes, &host(1)).and_then(|index| votes[index].clone());
    assert_eq!(winner.as_ref().map(count), Some(most).filter(|most| *most > count(&host(1))));
}

fn values(answer: Value) {
    let told = [
        reply::generation(&answer).err(),
        reply::is_done(&answer).err(),
        reply::performed(std::slice::from_ref(&answer)).err(),
        Some(error::unexpected(&answer)),
    ];
    told.iter().flatten().for_each(check_error);
    assert!(rights::refusal(&answer).is_none_or(|code| ["ERR", "NOPERM"].contains(&code)));
    let mut lease = LeaseRequest::new(Duration::from_secs(1));
    lease.stamp = Stamp::lease(7);
    for lease in [None, Some(&lease)] {
        match reply::slot(answer.clone(), lease) {
            Ok(backend::Slot::Entry(bytes)) => {
                assert!(matches!(Mark::of(&bytes), Mark::Entry | Mark::Foreign));
            }
            Ok(_) => {}
            Err(error) => check_error(&error),
        }
    }
}

/// Keys with one tag are in one slot.
fn slot(data: &[u8]) {
    assert!(Slot::of(data).index() < Slot::COUNT);
    let tag: Vec<u8> = data.iter().copied().filter(|byte| !b"{}".contains(byte)).collect();
    if !tag.is_empty() {
        assert_eq!(Slot::of(&[b"x{", &tag[..], b"}", data].concat()), Slot::of(&tag));
    }
}

fn is_address(host: &Host) -> bool {
    host.port > 0 && is_host(&host.name)
}
