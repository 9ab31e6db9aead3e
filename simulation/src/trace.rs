//! What happened, written down if anybody wants to read it.

use std::sync::{Mutex, PoisonError};

/// What happened.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    is_kept: bool,
    notes: Mutex<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    all: Vec<String>,
    story: Vec<String>,
}

impl Trace {
    pub(crate) fn new(is_kept: bool) -> Self {
        Self { is_kept, notes: Mutex::default() }
    }

    /// Notes a detail.
    pub(crate) fn note(&self, text: impl FnOnce() -> String) {
        if self.is_kept {
            self.notes.lock().unwrap_or_else(PoisonError::into_inner).all.push(text());
        }
    }

    /// Notes what a reader wants to know.
    pub(crate) fn tell(&self, at: u64, text: impl FnOnce() -> String) {
        if self.is_kept {
            let line = format!("{at:6} ms  {}", text());
            let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
            notes.all.push(line.clone());
            notes.story.push(line);
        }
    }

    /// Takes what was noted: everything, and what a reader wants to know.
    pub(crate) fn take(&self) -> (Vec<String>, Vec<String>) {
        let notes = std::mem::take(&mut *self.notes.lock().unwrap_or_else(PoisonError::into_inner));
        (notes.all, notes.story)
    }
}
