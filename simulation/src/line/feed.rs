//! Who is told what the server pushes.

use std::fmt;
use std::sync::{Arc, Weak};

use cache_aside::backend::{Listener, News};

use crate::catalogue::{Cover, Names};
use crate::history::Who;
use crate::judge::{Judge, Known};
use crate::net::Message;

/// Who is told what the server pushes.
#[derive(Clone)]
pub(crate) struct Feed {
    who: Who,
    listener: Weak<dyn Listener>,
    judge: Arc<Judge>,
    names: Arc<Names>,
    is_mute: bool,
}

impl Feed {
    pub(crate) fn new(
        who: Who,
        listener: Weak<dyn Listener>,
        judge: Arc<Judge>,
        names: Arc<Names>,
    ) -> Self {
        Self { who, listener, judge, names, is_mute: false }
    }

    /// Returns a feed that keeps changes to itself, if `is_mute`.
    pub(crate) fn muted(self, is_mute: bool) -> Self {
        Self { is_mute, ..self }
    }

    /// Passes on what the server pushed.
    pub(crate) fn pushed(&self, message: &Message) {
        match message {
            Message::Changed(names, known) => names.iter().for_each(|(name, has_ended)| {
                if !self.is_mute {
                    self.tell(News::Changed(name));
                }
                if let (true, Some(cover)) = (has_ended, self.names.cover(name)) {
                    self.judge.told(self.who, cover, known);
                }
            }),
            Message::Flushed(known) => {
                self.tell(News::Flushed);
                self.judge.told(self.who, Cover::All, known);
            }
            Message::Answer(..) | Message::Gone => {}
        }
    }

    /// Says that from now on everything is told, and what had ended before.
    pub(crate) fn listening(&self, known: &Known) {
        self.tell(News::Listening);
        self.judge.listening(self.who, known);
    }

    pub(crate) fn tell(&self, news: News<'_>) {
        self.judge.trace.note(|| format!("{} hears {news:?}", self.who));
        if let Some(listener) = self.listener.upgrade() {
            listener.hear(news);
        }
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Feed({})", self.who)
    }
}
