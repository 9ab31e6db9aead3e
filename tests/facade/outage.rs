//! P4: whatever is wrong with the remote level, the caller gets the loader's answer.

use std::sync::Arc;
use std::time::Duration;

use cache_aside::testing::{Fault, Faulty, ManualClock, Operation, Recorder};
use cache_aside::{Cache, MemoryBackend, Outcome, RemoteState};
use tokio::time::Instant;

use crate::common::{Source, builder, memory, settings, until};

const FAULTS: [Fault; 3] = [Fault::Fail, Fault::Hang, Fault::DropReply];

/// A cache whose remote level can be broken, with short time-outs.
fn breakable() -> (Faulty<MemoryBackend>, Recorder<Faulty<MemoryBackend>>, Cache) {
    let faulty = Faulty::new(memory());
    let recorder = Recorder::new(faulty.clone());
    let mut settings = settings();
    settings.remote_timeout = Duration::from_millis(100);
    settings.degraded_ttl = Duration::from_millis(1);
    let cache = builder().settings(settings).remote(recorder.clone()).build().unwrap();
    (faulty, recorder, cache)
}

#[tokio::test(start_paused = true)]
async fn a_broken_remote_level_costs_one_time_out_and_never_an_error() {
    for fault in FAULTS {
        let (faulty, _, cache) = breakable();
        let (key, source) = (cache.key("profile"), Source::default());
        faulty.set_fault(fault);

        for expected in 1..=20 {
            let started = Instant::now();
            assert_eq!(*cache.get_or_load(&key, || source.load()).await.unwrap(), expected);
            let waited = started.elapsed();
            let limit = if expected <= 3 { 101 } else { 0 };
            assert!(waited.as_millis() <= limit, "{fault:?}, call {expected}: {waited:?}");
        }

        assert_eq!(cache.health().await.remote.unwrap().state, RemoteState::Down);
        assert_eq!(cache.stats().breaker_openings, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn while_it_is_down_only_the_probe_asks_and_it_asks_for_ever() {
    let (faulty, recorder, cache) = breakable();
    let (key, source) = (cache.key("profile"), Source::default());
    faulty.set_fault(Fault::Fail);
    until("the breaker opens", async || {
        cache.get_or_load(&key, || source.load()).await.unwrap();
        !cache.health().await.is_complete()
    })
    .await;
    recorder.take();

    for _ in 0..100 {
        cache.get_or_load(&key, || source.load()).await.unwrap();
        tokio::time::sleep(Duration::from_secs(36)).await;
    }

    let asked = recorder.take();
    assert!(asked.iter().all(|operation| *operation == Operation::Ping));
    assert!(asked.len() > 3000, "about one a second for an hour: {}", asked.len());
}

#[tokio::test(start_paused = true)]
async fn it_is_used_again_within_a_second_of_its_return() {
    for fault in FAULTS {
        let (faulty, _, cache) = breakable();
        let (key, source) = (cache.key("profile"), Source::default());
        cache.get_or_load(&key, || source.load()).await.unwrap();
        faulty.set_fault(fault);
        tokio::time::sleep(Duration::from_millis(2)).await;
        for _ in 0..10 {
            cache.get_or_load(&key, || source.load()).await.unwrap();
        }
        tokio::time::sleep(Duration::from_secs(3600)).await;

        faulty.set_fault(None);
        tokio::time::sleep(Duration::from_millis(1100)).await;

        assert!(cache.health().await.is_complete(), "{fault:?}");
        let options = cache_aside::CallOptions::table();
        cache.get_or_load(&key, || source.load()).await.unwrap();
        let answer = cache.fetch(&key, &options, || source.load()).await.unwrap();
        assert_eq!(answer.outcome, Outcome::RemoteHit);
    }
}

/// Flushing near when the remote level is back: FusionCache, BentoCache and others do not.
#[tokio::test(start_paused = true)]
async fn near_entries_from_an_outage_are_not_trusted_after_it() {
    let faulty = Faulty::new(memory());
    let cache = builder().near(memory()).remote(faulty.clone()).build().unwrap();
    let (key, source) = (cache.key("profile"), Source::default());
    cache.get_or_load(&key, || source.load()).await.unwrap();
    faulty.set_fault(Fault::Fail);
    let other = cache.key("other");
    until("the breaker opens", async || {
        cache.get_or_load(&other, || source.load()).await.unwrap();
        cache.get::<u32>(&cache.key("third")).await.unwrap();
        !cache.health().await.is_complete()
    })
    .await;
    let options = cache_aside::CallOptions::table();
    let kept = cache.fetch(&key, &options, || source.load()).await.unwrap();
    assert_eq!(kept.outcome, Outcome::NearHit);

    faulty.set_fault(None);
    until("it is used again", async || cache.health().await.is_complete()).await;

    let answer = cache.fetch(&key, &options, || source.load()).await.unwrap();
    assert_eq!(answer.outcome, Outcome::RemoteHit);
}

#[tokio::test(start_paused = true)]
async fn however_long_it_is_down_it_is_probed_about_once_a_second() {
    let (faulty, recorder, cache) = breakable();
    faulty.set_fault(Fault::Fail);
    for _ in 0..3 {
        cache.get::<u32>(&cache.key("profile")).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    recorder.take();

    tokio::time::sleep(Duration::from_secs(60)).await;

    let probes = recorder.take().len();
    assert!((60..=80).contains(&probes), "{probes} probes in a minute");
}

/// Who tells it what it missed is done then, and must see that there is more to do.
#[tokio::test(start_paused = true)]
async fn it_comes_back_by_itself_if_it_was_given_up_while_it_was_told_what_it_missed() {
    let (faulty, _, cache) = breakable();
    let (key, source) = (cache.key("profile"), Source::default());
    let mut told = 0;
    faulty.set_rule(move |operation| match operation {
        Operation::Get => Some(Fault::Fail),
        Operation::Invalidate if told == 0 => {
            told += 1;
            Some(Fault::Fail)
        }
        Operation::Invalidate => Some(Fault::Delay(Duration::from_millis(50))),
        _ => None,
    });

    cache.invalidate(&key).await.unwrap();
    tokio::time::sleep(Duration::from_millis(10)).await;
    for user in 0..2 {
        cache.get_or_load(&key.clone().user(user), || source.load()).await.unwrap();
    }
    assert_eq!(cache.health().await.remote.unwrap().state, RemoteState::Down);

    until("it is used", async || cache.health().await.is_complete()).await;
}

#[tokio::test]
async fn an_error_of_the_remote_level_is_counted_as_an_error() {
    let (faulty, _, cache) = breakable();
    let (key, source) = (cache.key("profile"), Source::default());
    faulty.set_fault(Fault::Fail);

    cache.get_or_load(&key, || source.load()).await.unwrap();

    assert_eq!((cache.stats().remote_errors, cache.stats().remote_timeouts), (1, 0));
    assert!(cache.health().await.remote.unwrap().problem.unwrap().contains("told to fail"));
}

#[tokio::test]
async fn a_slow_remote_level_is_waited_for_within_its_time_out() {
    let (faulty, _, cache) = breakable();
    let (key, source) = (cache.key("profile"), Source::default());
    cache.get_or_load(&key, || source.load()).await.unwrap();
    faulty.set_fault(Fault::Delay(Duration::from_millis(5)));

    assert_eq!(*cache.get_or_load(&key, || source.load()).await.unwrap(), 1);

    assert!(cache.health().await.is_complete());
}

/// A server out of memory with an entry that cannot be used: the entry's place cannot be taken.
#[tokio::test(start_paused = true)]
async fn a_full_remote_level_does_not_hold_calls_up() {
    let (faulty, _, cache) = breakable();
    let (key, source) = (cache.key("profile").user(1), Source::default());
    cache.get_or_load(&key, || source.load()).await.unwrap();
    cache.invalidate_user(1).await.unwrap();
    faulty.set_fault(Fault::Full);

    let started = Instant::now();
    for expected in 2..10 {
        assert_eq!(*cache.get_or_load(&key, || source.load()).await.unwrap(), expected);
    }

    assert_eq!(started.elapsed(), Duration::ZERO);
}

/// Leases that were taken before the replies were lost are given back after the outage.
#[tokio::test(start_paused = true)]
async fn leases_from_before_an_outage_block_nothing_after_it() {
    let (faulty, _, cache) = breakable();
    let source = Source::default();
    let keys: Vec<_> = (0..5).map(|user| cache.key("profile").user(user)).collect();
    faulty.set_fault(Fault::DropReply);
    let calls = keys.iter().map(|key| cache.get_or_load(key, || source.load()));
    futures_util::future::join_all(calls).await;

    faulty.set_fault(None);
    until("it is used again", async || cache.health().await.is_complete()).await;
    tokio::time::sleep(Duration::from_millis(200)).await;

    for key in &keys {
        let started = Instant::now();
        cache.get_or_load(key, || source.load()).await.unwrap();
        assert!(started.elapsed() < Duration::from_millis(10), "{:?}", started.elapsed());
    }
}

#[test]
fn a_probe_on_a_runtime_that_nobody_drives_is_replaced() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let faulty = Faulty::new(memory());
    let settings = "remote_timeout = '20ms'\nretry_min = '10ms'\nretry_max = '20ms'";
    let settings = cache_aside::Settings::from_toml(settings).unwrap();
    let cache = builder().settings(settings).remote(faulty.clone()).build().unwrap();
    let (key, source) = (cache.key("profile"), Source::default());
    let (helper, main) = (runtime(), runtime());
    faulty.set_fault(Fault::Fail);
    helper.block_on(async {
        for _ in 0..5 {
            cache.get_or_load(&key, || source.load()).await.unwrap();
        }
    });

    faulty.set_fault(None);

    main.block_on(until("it is used again", async || {
        cache.get_or_load(&key, || source.load()).await.unwrap();
        cache.health().await.is_complete()
    }));
}

#[tokio::test]
async fn after_close_calls_go_past_the_remote_level() {
    let recorder = Recorder::new(memory());
    let cache = builder().remote(recorder.clone()).build().unwrap();
    let (key, source) = (cache.key("profile"), Source::default());
    cache.close().await;
    assert_eq!(recorder.take(), [Operation::Close]);

    for expected in 1..=10 {
        assert_eq!(*cache.get_or_load(&key, || source.load()).await.unwrap(), expected);
    }

    assert_eq!(recorder.take(), []);
}

/// What others changed during the load may not have been told either.
#[tokio::test]
async fn what_took_long_to_load_is_kept_for_less_while_nobody_tells_of_changes() {
    let clock = ManualClock::new();
    let mut settings = settings();
    settings.degraded_ttl = Duration::from_secs(5);
    let cache = builder().settings(settings).clock(Arc::new(clock.clone()));
    let cache = cache.near(memory()).remote(memory()).build().unwrap();
    let (key, options) = (cache.key("profile"), cache_aside::CallOptions::table());
    let load = || async {
        clock.advance(Duration::from_secs(4));
        Ok::<_, std::convert::Infallible>(1_u32)
    };
    cache.get_or_load(&key, load).await.unwrap();

    let soon = cache.fetch(&key, &options, load).await.unwrap();
    clock.advance(Duration::from_millis(1100));
    let later = cache.fetch(&key, &options, load).await.unwrap();

    assert_eq!((soon.outcome, later.outcome), (Outcome::NearHit, Outcome::RemoteHit));
}
