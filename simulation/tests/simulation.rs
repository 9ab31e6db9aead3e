//! Histories as they are played: the same each time, and with nothing wrong in them.

use cache_aside_simulation::{History, keep_panics};

#[test]
fn the_same_seed_plays_the_same_history() {
    keep_panics();
    for seed in 0..40 {
        let history = History::draw(seed);
        let (one, other) = (history.tell(), history.tell());

        assert!(one.log().len() > 10, "seed {seed} says nothing");
        assert_eq!(one.log(), other.log(), "seed {seed}");
    }
}

/// Instances that do not listen are a fault that is easy to see, if it is told in few words.
#[test]
fn a_history_that_fails_is_made_short() {
    keep_panics();
    let failing = (0..2000).map(|seed| History::draw(seed).muted());
    let failing = failing.filter(|history| !history.play().is_content()).take(5);

    let short: Vec<History> = failing.map(|history| history.shrunk()).collect();

    assert_eq!(short.len(), 5, "hardly any history fails");
    for short in short {
        assert!(short.steps() <= 8, "seed {}, {} steps", short.seed(), short.steps());
        assert!(!short.play().is_content(), "seed {}", short.seed());
    }
}

#[test]
fn no_answer_is_other_than_it_may_be() {
    keep_panics();
    for seed in 0..400 {
        let report = History::draw(seed).play();

        assert!(report.is_content(), "simulate --story {seed}");
    }
}
