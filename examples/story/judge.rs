//! Whether an answer is older than an edit that was acknowledged, and by how much.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cache_aside::Invalidation;
use tokio::time::Instant;

/// What a caller got.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    Error,
    /// Older than an edit whose function had returned this long before the call began.
    Old(Duration),
    /// As above, but the editor was told that Redis is away, so that others may not know yet.
    Owed(Duration),
    Right,
}

/// An edit whose function has returned.
#[derive(Clone, Copy, Debug)]
struct Edit {
    at: Instant,
    told: Invalidation,
}

/// By article, its edits; the first is at place 0.
#[derive(Debug)]
pub(crate) struct Judge(Vec<Mutex<Vec<Option<Edit>>>>);

impl Judge {
    pub(crate) fn new(articles: usize) -> Self {
        Self((0..articles).map(|_| Mutex::default()).collect())
    }

    /// Notes that the edit with this number has returned now.
    pub(crate) fn acknowledge(&self, article: usize, number: usize, told: Invalidation) {
        let mut edits = self.0[article].lock().unwrap_or_else(PoisonError::into_inner);
        if edits.len() < number {
            edits.resize(number, None);
        }
        edits[number - 1] = Some(Edit { at: Instant::now(), told });
    }

    /// Judges a call that began at `began` and was answered as of the edit with this number.
    pub(crate) fn verdict(&self, article: usize, number: usize, began: Instant) -> Verdict {
        let edits = self.0[article].lock().unwrap_or_else(PoisonError::into_inner);
        let missing = edits.iter().skip(number).flatten().filter(|edit| edit.at < began);
        let oldest = |told: bool| {
            let all =
                missing.clone().filter(|edit| (edit.told == Invalidation::Everywhere) == told);
            all.map(|edit| began - edit.at).max()
        };
        match (oldest(true), oldest(false)) {
            (Some(time), _) => Verdict::Old(time),
            (None, Some(time)) => Verdict::Owed(time),
            (None, None) => Verdict::Right,
        }
    }
}
