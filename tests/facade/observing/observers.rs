//! What observers are told.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cache_aside::testing::{Fault, Faulty};
use cache_aside::{
    CacheBuilder, CallOptions, ErrorKind, Event, LineEvent, LineObserver, LoadKind, Observer,
    Outcome,
};

use crate::common::{Source, builder, memory, settings, timed, until};

/// Writes down what it is told.
#[derive(Clone, Debug, Default)]
struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn write(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn read(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Observer for Diary {
    fn line(&self, entity: &str, tier: Option<&str>) -> Arc<dyn LineObserver> {
        let name = format!("{entity}/{}", tier.unwrap_or("-"));
        self.write(format!("line {name}"));
        Arc::new(Line(self.clone(), name))
    }

    fn note(&self, event: &Event<'_>) {
        self.write(match event {
            Event::Flawed { entity, flaw } => format!("flawed {entity} {flaw}"),
            Event::RemoteDown { error, .. } => format!("down: {}", error.unwrap().kind()),
            Event::RemoteFailed { kind } => format!("failed: {kind}"),
            Event::RemoteUp { backend } => format!("up: {backend}"),
            other => format!("{other:?}"),
        });
    }
}

#[derive(Debug)]
struct Line(Diary, String);

impl LineObserver for Line {
    fn note(&self, event: &LineEvent) {
        self.0.write(format!("{} {event:?}", self.1));
    }
}

fn observed(builder: CacheBuilder) -> (Diary, CacheBuilder) {
    let diary = Diary::default();
    (diary.clone(), builder.observer(diary))
}

#[tokio::test]
async fn an_observer_is_told_what_stats_count_and_asked_for_a_line_once() {
    let (clock, builder) = timed();
    let (diary, builder) = observed(builder.near(memory()));
    let cache = builder.build().unwrap();
    assert_eq!(diary.read(), ["line (other)/-"]);
    let key = |user: u32| cache.key("profile").tier("free").user(user);
    let load = || async {
        clock.advance(Duration::from_millis(5));
        Ok::<_, Infallible>(1)
    };

    cache.get_or_load(&key(1), load).await.unwrap();
    cache.get_or_load(&key(1), load).await.unwrap();
    cache.get_or_load(&key(2), async || Err::<i32, _>("no")).await.unwrap_err();
    cache.get::<i32>(&key(3)).await.unwrap();

    let (kind, zero) = (LoadKind::First, Some(Duration::ZERO));
    let took = Duration::from_millis(5);
    let (outcome, near) = (Outcome::Loaded, Outcome::NearHit);
    let events = [
        LineEvent::Loading { kind },
        LineEvent::Loaded { kind, took },
        LineEvent::Answered { outcome, took: Some(took) },
        LineEvent::Answered { outcome: near, took: None },
        LineEvent::Loading { kind },
        LineEvent::LoadFailed { kind, took: Duration::ZERO },
        LineEvent::Failed { took: zero },
        LineEvent::Missed,
    ];
    let expected: Vec<_> = events.iter().map(|event| format!("profile/free {event:?}")).collect();
    let told = diary.read();
    assert_eq!(told[0], "line profile/free");
    assert_eq!(told[1..], expected);
}

#[tokio::test]
async fn an_observer_is_told_of_an_outage_and_its_end() {
    let remote = Faulty::new(memory());
    let mut settings = settings();
    (settings.failures_to_open, settings.retry_min) = (2, Duration::from_millis(1));
    let (diary, builder) = observed(builder().settings(settings).remote(remote.clone()));
    let cache = builder.build().unwrap();
    remote.set_fault(Fault::Fail);

    for _ in 0..2 {
        cache.get::<u32>(&cache.key("a")).await.unwrap();
    }
    cache.invalidate(&cache.key("a")).await.unwrap();
    remote.set_fault(None);
    until("it is back", async || cache.health().await.is_complete()).await;

    let told = diary.read();
    let of = |start: &str| told.iter().filter(|line| line.starts_with(start)).count();
    let kind = ErrorKind::Backend;
    assert_eq!(of(&format!("down: {kind}")), 1, "{told:?}");
    assert_eq!((of("Invalidated"), of("Journalled"), of("RemoteRejected")), (1, 1, 1), "{told:?}");
    assert_eq!((of("Replayed { count: 1 }"), of("NearFlushed")), (1, 1), "{told:?}");
    assert_eq!(of("up: "), 1, "{told:?}");
    let stats = cache.stats();
    assert_eq!(of("failed: backend") as u64, stats.remote_errors);
    assert_eq!((stats.breaker_openings, stats.invalidations_replayed), (1, 1));
}

#[tokio::test]
async fn every_observer_is_told_and_there_are_eight_at_most() {
    let diaries = [(); CacheBuilder::MAX_OBSERVERS].map(|()| Diary::default());
    let add = |builder: CacheBuilder, diary: &Diary| builder.observer(diary.clone());
    let full = diaries.iter().fold(builder().near(memory()), add);
    let (cache, source) = (full.build().unwrap(), Source::default());
    let options = CallOptions::table();

    cache.fetch(&cache.key("a"), &options, || source.load()).await.unwrap();

    assert!(diaries.iter().all(|diary| diary.read().len() == 5));
    let more = diaries.iter().fold(builder().near(memory()), add).observer(Diary::default());
    let error = more.build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains('8'), "{error}");
}
