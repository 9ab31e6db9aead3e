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

#[test]
fn no_answer_is_other_than_it_may_be() {
    keep_panics();
    for seed in 0..400 {
        let report = History::draw(seed).play();

        assert!(report.is_content(), "simulate --story {seed}");
    }
}
