//! What takes a comparison and a write in one step.

use std::sync::LazyLock;

use cache_core::Key;
use cache_core::backend::SetOutcome;
use cache_core::wire::Stamp;
use redis::{Cmd, cmd};

use crate::servers::Servers;
use crate::{Result, reply};

/// Stores the first argument for as many milliseconds as the second says.
pub(crate) static FILL: LazyLock<Script> =
    LazyLock::new(|| Script::new("redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) return 1"));

/// Removes the key.
pub(crate) static RELEASE: LazyLock<Script> =
    LazyLock::new(|| Script::new("return redis.call('DEL', KEYS[1])"));

/// A Lua script that acts on one key if its value begins with a stamp.
pub(crate) struct Script {
    text: String,
    hash: String,
}

impl Script {
    /// A missing key reads as an empty one, which is also the value of some strangers.
    const COMPARE: &str = "\
        if redis.call('GETRANGE', KEYS[1], 0, LAST) ~= ARGV[1] then return 0 end
        if ARGV[1] == '' and redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
        ";

    fn new(action: &str) -> Self {
        let last = Stamp::LEN - 1;
        let text = Self::COMPARE.replace("LAST", &last.to_string()) + action;
        let hash = redis::Script::new(&text).get_hash().to_owned();
        Self { text, hash }
    }

    /// Acts on `key`; refused if something else than `stamp` is there.
    ///
    /// Sends the text only to a server that does not know it yet.
    pub(crate) async fn run(
        &self,
        servers: &Servers,
        (key, stamp): (&Key, &Stamp),
        arguments: &[&[u8]],
    ) -> Result<SetOutcome> {
        let key = key.as_bytes();
        let mut answer = servers.ask_one(self.by_hash(key, stamp, arguments)).await?;
        if reply::is_refused(&answer.value, "NOSCRIPT") {
            answer = servers.ask_one(self.by_text(key, stamp, arguments)).await?;
        }
        Ok(match reply::is_done(&answer.value)? {
            false => SetOutcome::Refused,
            true if answer.is_listening => SetOutcome::Echoed,
            true => SetOutcome::Stored,
        })
    }

    /// Returns the call for a server that knows the script.
    pub(crate) fn by_hash(&self, key: &[u8], stamp: &Stamp, arguments: &[&[u8]]) -> Cmd {
        call("EVALSHA", &self.hash, key, stamp).arg(arguments).take()
    }

    /// Returns the call for a server that may not; it does afterwards.
    pub(crate) fn by_text(&self, key: &[u8], stamp: &Stamp, arguments: &[&[u8]]) -> Cmd {
        call("EVAL", &self.text, key, stamp).arg(arguments).take()
    }
}

fn call(name: &str, script: &str, key: &[u8], stamp: &Stamp) -> Cmd {
    let mut command = cmd(name);
    command.arg(script).arg(1).arg(key).arg(stamp.as_bytes());
    command
}
