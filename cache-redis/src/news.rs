//! What the server tells without being asked: keys that others changed.
//!
//! By [client tracking](https://valkey.io/topics/client-side-caching/) in broadcasting mode, on the
//! data connection itself, so that news come in order with answers.

use std::sync::Weak;
use std::time::Duration;

use cache_core::backend::{ListenOptions, Listener, News};
use redis::{Cmd, PushInfo, PushKind, Value, cmd};

/// Who wants to hear what.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    options: ListenOptions,
    listener: Weak<dyn Listener>,
}

impl Feed {
    pub(crate) fn new(options: ListenOptions, listener: Weak<dyn Listener>) -> Self {
        Self { options, listener }
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

    pub(crate) fn max_silence(&self) -> Duration {
        self.options.max_silence
    }

    pub(crate) fn tell(&self, news: News<'_>) {
        if let Some(listener) = self.listener.upgrade() {
            listener.hear(news);
        }
    }

    /// Passes on what the server pushed. Called by the reader of the connection, in order.
    pub(crate) fn pushed(&self, push: &PushInfo) {
        if push.kind != PushKind::Invalidate {
            return;
        }
        match &push.data[..] {
            [Value::Array(keys)] => keys.iter().for_each(|key| self.changed(key)),
            // Null for everything; and whatever we do not understand may be everything too.
            _ => self.tell(News::Flushed),
        }
    }

    fn changed(&self, key: &Value) {
        match key {
            Value::BulkString(key) => self.tell(News::Changed(key)),
            _ => self.tell(News::Flushed),
        }
    }
}
