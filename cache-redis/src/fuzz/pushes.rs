//! What a server pushes, and what instances publish.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cache_core::backend::{ListenOptions, Listener, News};
use cache_core::fuzz::Source;
use redis::{Arg, PushInfo, PushKind, Value};

use super::values::{grown, kind, row, value};
use crate::news::Feed;

/// Hands a push to a feed, or what another feed publishes.
///
/// # Panics
///
/// If a key in it is neither told nor everything flushed, or something is told that is not in it.
pub fn pushes(data: &[u8]) {
    let mut source = Source::new(data);
    if source.clone().byte() == 2 {
        source.byte();
        return published(&mut source);
    }
    let push = match value(&mut source) {
        Value::Push { kind, data } => PushInfo { kind, data },
        other => PushInfo { kind: kind(&mut source), data: vec![other] },
    };
    check(&push);
    // Some more of the shape that matters, as most bytes do not make one.
    let keys = vec![Value::Array(row(&mut source, 1))];
    check(&PushInfo { kind: PushKind::Invalidate, data: keys });
    let message = vec![grown(&mut source, 0), grown(&mut source, 0)];
    check(&PushInfo { kind: PushKind::Message, data: message });
}

fn check(push: &PushInfo) {
    let ear = Arc::new(Ear::default());
    feed(&ear).pushed(push);
    let told = ear.told();
    match push.kind {
        PushKind::Invalidate => check_keys(&push.data, &told),
        PushKind::Message => check_message(&push.data, &told),
        _ => assert!(told.is_empty(), "{push:?}"),
    }
}

/// Every key is told or everything flushed; what is no list of keys flushes.
fn check_keys(data: &[Value], told: &[Told]) {
    let mut keys = Vec::new();
    let all_understood = match data {
        [Value::Array(answers)] => {
            answers.iter().all(|answer| matches!(answer, Value::BulkString(_)))
        }
        _ => false,
    };
    data.iter().for_each(|value| leaves(value, &mut keys));
    let flushed = told.contains(&Told::Flushed);
    assert_eq!(flushed, !all_understood, "{data:?}");
    let is_told = |key: &Vec<u8>| told.contains(&Told::Changed(key.clone()));
    assert!(flushed || keys.iter().all(is_told), "{data:?}");
    assert!(told.iter().all(|told| match told {
        Told::Changed(key) => keys.contains(key),
        Told::Flushed => true,
    }));
}

/// Every word of a message is told, but for the first; what is no message flushes.
fn check_message(data: &[Value], told: &[Told]) {
    let [_, Value::BulkString(message)] = data else {
        return assert_eq!(told, [Told::Flushed], "{data:?}");
    };
    let words = message.split(|byte| *byte == b' ').skip(1);
    let words: Vec<_> = words.map(|word| Told::Changed(word.to_vec())).collect();
    assert_eq!(told, words);
}

/// One feed publishes keys; another tells them, and the one itself does not.
fn published(source: &mut Source<'_>) {
    let (here, there) = (Arc::new(Ear::default()), Arc::new(Ear::default()));
    let (sender, receiver) = (feed(&here), feed(&there));
    let keys: Vec<Vec<u8>> = (0..source.below(6)).map(|_| key(source)).collect();
    let publication = sender.publication(&keys.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let words = publication.args_iter().filter_map(|word| match word {
        Arg::Simple(word) => Some(Value::BulkString(word.to_vec())),
        _ => None,
    });
    let push = PushInfo { kind: PushKind::Message, data: words.skip(1).collect() };
    sender.pushed(&push);
    receiver.pushed(&push);
    assert!(here.told().is_empty());
    assert_eq!(there.told(), keys.into_iter().map(Told::Changed).collect::<Vec<_>>());
}

/// Takes a key as they are: of any bytes but spaces.
fn key(source: &mut Source<'_>) -> Vec<u8> {
    let length = source.below(32);
    source.bytes(length).iter().map(|byte| if *byte == b' ' { b'_' } else { *byte }).collect()
}

/// Collects the strings of a tree.
fn leaves(value: &Value, found: &mut Vec<Vec<u8>>) {
    match value {
        Value::BulkString(key) => found.push(key.clone()),
        Value::Array(values) | Value::Set(values) | Value::Push { data: values, .. } => {
            values.iter().for_each(|value| leaves(value, found));
        }
        Value::Map(pairs) => pairs.iter().for_each(|(key, value)| {
            leaves(key, found);
            leaves(value, found);
        }),
        Value::Attribute { data, .. } => leaves(data, found),
        _ => {}
    }
}

fn feed(ear: &Arc<Ear>) -> Feed {
    let listener: Arc<dyn Listener> = Arc::<Ear>::clone(ear);
    let options = ListenOptions::new(*b"atlas:", Duration::from_secs(1));
    Feed::new(options, Arc::downgrade(&listener))
}

/// What was told, in order.
#[derive(Debug, Default)]
struct Ear(Mutex<Vec<Told>>);

#[derive(Clone, Debug, PartialEq)]
enum Told {
    Changed(Vec<u8>),
    Flushed,
}

impl Ear {
    fn told(&self) -> Vec<Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Listener for Ear {
    fn hear(&self, news: News<'_>) {
        let told = match news {
            News::Changed(key) => Told::Changed(key.to_vec()),
            News::Flushed => Told::Flushed,
            other => panic!("no push says {other:?}"),
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(told);
    }
}
