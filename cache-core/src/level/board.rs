//! Where advice stands.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::policy::Advice;
use crate::stats::TARGET;

/// What there is to say now, each logged once, however often it is said.
#[derive(Debug)]
pub(crate) struct Board {
    list: Mutex<List>,
    is_loud: bool,
}

#[derive(Debug, Default)]
struct List {
    advice: Vec<Advice>,
    logged: HashSet<&'static str>,
}

impl Board {
    pub(crate) fn new(is_loud: bool) -> Self {
        Self { list: Mutex::default(), is_loud }
    }

    /// Puts up `advice`, in the place of what was there.
    pub(crate) fn put(&self, advice: Vec<Advice>) {
        let mut list = self.list();
        for Advice { code, text } in &advice {
            if list.logged.insert(code) && self.is_loud {
                let text = &**text;
                tracing::warn!(name: "cache.advice", target: TARGET, code, text, "advice");
            }
        }
        list.advice = advice;
    }

    pub(crate) fn read(&self) -> Vec<Advice> {
        self.list().advice.clone()
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tracing::span::{Attributes, Id, Record};
    use tracing::subscriber::with_default;
    use tracing::{Event, Metadata, Subscriber};

    use super::*;

    /// Counts what is logged.
    #[derive(Clone, Debug, Default)]
    struct Lines(Arc<AtomicU32>);

    impl Subscriber for Lines {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, _: &Event<'_>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn advice_is_logged_once_and_that_of_the_last_server_counts() {
        let one = || vec![Advice::new("one", "first"), Advice::new("two", "second")];
        for (is_loud, expected) in [(true, [2, 2, 3]), (false, [0, 0, 0])] {
            let (board, lines) = (Board::new(is_loud), Lines::default());
            let puts = [one(), one(), vec![Advice::new("three", "third")]];

            let logged = puts.map(|advice| {
                with_default(lines.clone(), || board.put(advice.clone()));
                assert_eq!(board.read(), advice);
                lines.0.load(Ordering::SeqCst)
            });

            assert_eq!(logged, expected, "loud: {is_loud}");
        }
    }
}
