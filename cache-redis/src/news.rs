//! What the server tells without being asked: keys that others changed.
//!
//! By [client tracking](https://valkey.io/topics/client-side-caching/) in broadcasting mode, on the
//! data connection itself, so that news come in order with answers.
//!
//! Where that is refused, the instances tell each other, on the channel `<ns>:!news`. A message is
//! words: who sends it, and the keys that it changed.

use std::sync::{Mutex, PoisonError, Weak};
use std::time::Duration;

use cache_core::backend::{ListenOptions, Listener, News};
use redis::{Cmd, PushInfo, PushKind, Value, cmd};

/// Who wants to hear what.
#[derive(Debug)]
pub(crate) struct Feed {
    options: ListenOptions,
    listener: Weak<dyn Listener>,
    /// Who we are on the channel.
    sender: String,
    /// Who the server was that was connected last.
    met: Mutex<String>,
}

/// What a connection tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Hearing {
    /// Every change.
    Everything,
    Nothing,
    /// What other instances of this library publish.
    Published,
}

impl Feed {
    pub(crate) fn new(options: ListenOptions, listener: Weak<dyn Listener>) -> Self {
        let sender = format!("{:016x}", rand::random::<u64>());
        Self { options, listener, sender, met: Mutex::default() }
    }

    /// Returns a feed for another connection of the same instance.
    pub(crate) fn with_listener(&self, listener: Weak<dyn Listener>) -> Self {
        let (options, sender) = (self.options.clone(), self.sender.clone());
        Self { options, listener, sender, met: Mutex::default() }
    }

    /// Returns what the keys begin with.
    pub(crate) fn prefix(&self) -> &[u8] {
        &self.options.prefix
    }

    /// Returns the command that makes the server tell.
    ///
    /// `NOLOOP` keeps our own writes from coming back, but for those of scripts.
    pub(crate) fn request(&self) -> Cmd {
        let mut request = cmd("CLIENT");
        request.arg("TRACKING").arg("ON").arg("BCAST");
        request.arg("PREFIX").arg(&self.options.prefix).arg("NOLOOP");
        request
    }

    /// Returns the command that subscribes to what other instances publish.
    pub(crate) fn subscription(&self) -> Cmd {
        let mut subscription = cmd("SUBSCRIBE");
        subscription.arg(self.channel());
        subscription
    }

    /// Returns the command that publishes which keys changed.
    pub(crate) fn publication(&self, keys: &[&[u8]]) -> Cmd {
        let mut message = self.sender.clone().into_bytes();
        for key in keys {
            message.push(b' '); // no key has one
            message.extend_from_slice(key);
        }
        let mut publication = cmd("PUBLISH");
        publication.arg(self.channel()).arg(message);
        publication
    }

    fn channel(&self) -> Vec<u8> {
        [self.prefix(), b"!news"].concat()
    }

    pub(crate) fn max_silence(&self) -> Duration {
        self.options.max_silence
    }

    /// Tells of a stranger, unless the server is the one that was connected last. Before anybody reads
    /// from it.
    pub(crate) fn meet(&self, name: &str) {
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        if name.is_empty() || *met != name {
            name.clone_into(&mut met);
            self.tell(News::Stranger);
        }
    }

    pub(crate) fn tell(&self, news: News<'_>) {
        if let Some(listener) = self.listener.upgrade() {
            listener.hear(news);
        }
    }

    /// Passes on what the server pushed. Called by the reader of the connection, in order.
    pub(crate) fn pushed(&self, push: &PushInfo) {
        match (&push.kind, &push.data[..]) {
            (PushKind::Invalidate, [Value::Array(keys)]) => {
                keys.iter().for_each(|key| self.changed(key));
            }
            (PushKind::Message, [_, Value::BulkString(message)]) => self.published(message),
            // Null for everything; and whatever we do not understand may be everything too.
            (PushKind::Invalidate | PushKind::Message, _) => self.tell(News::Flushed),
            _ => {}
        }
    }

    /// Passes on what an instance published, unless that was this one.
    fn published(&self, message: &[u8]) {
        let mut words = message.split(|byte| *byte == b' ');
        if words.next() != Some(self.sender.as_bytes()) {
            words.for_each(|key| self.tell(News::Changed(key)));
        }
    }

    fn changed(&self, key: &Value) {
        match key {
            Value::BulkString(key) => self.tell(News::Changed(key)),
            _ => self.tell(News::Flushed),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Debug, Default)]
    struct Ear(Mutex<Vec<String>>);

    impl Listener for Ear {
        fn hear(&self, news: News<'_>) {
            self.0.lock().unwrap().push(format!("{news:?}"));
        }
    }

    #[test]
    fn a_push_that_is_not_understood_may_be_everything() {
        for kind in [PushKind::Invalidate, PushKind::Message] {
            for data in [vec![], vec![Value::Nil], vec![Value::Okay, Value::Int(1)]] {
                let ear = Arc::new(Ear::default());
                let listener: Arc<dyn Listener> = Arc::<Ear>::clone(&ear);
                let options = ListenOptions::new(*b"atlas:", Duration::from_secs(1));
                let feed = Feed::new(options, Arc::downgrade(&listener));

                feed.pushed(&PushInfo { kind: kind.clone(), data });

                assert_eq!(*ear.0.lock().unwrap(), ["Flushed"], "{kind:?}");
            }
        }
    }
}
