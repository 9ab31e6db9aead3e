//! Who the server is, and who it was when its data was written.
//!
//! The key `<ns>:!server:{<ns>:!all}` keeps the turn and the name of the server that served the
//! namespace last; a server that finds another there has forgotten something, or is another.

use std::time::Duration;

use cache_core::backend::Identity;
use cache_core::{Advice, ErrorKind, Generation, Group};
use redis::{Cmd, Value, cmd};
use xxhash_rust::xxh3::xxh3_128;

use crate::error::unexpected;
use crate::link::Link;
use crate::servers::Servers;
use crate::{Result, reply, ttl};

/// Begins another turn, if what is stored is still what was compared; a stranger's list is nothing.
const TAKE_OVER: &str = "\
    local stored = redis.pcall('GET', KEYS[2])
    if type(stored) ~= 'string' then stored = '' end
    if stored ~= ARGV[1] then return 0 end
    redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
    redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[4])
    return 1";

/// Finds out who the server is; ends everything of the namespace if it may have forgotten something.
///
/// All is asked over one connection, whose server was asked for its name when it was opened: of
/// two, one may lead to somebody else.
pub(crate) async fn identify(
    servers: &Servers,
    all: &Group,
    seen: Option<&Identity>,
) -> Result<Identity> {
    let (link, name) = servers.keeper(all.as_bytes()).await?;
    let advice = link.advice().cloned();
    let record = Record { key: key(all), all, link };
    loop {
        let stored = record.read().await?;
        let known = Identity::from_stored(&stored);
        if let Some(known) = known.as_ref().filter(|known| known.succeeds(seen, &name)) {
            return Ok(known.clone().with_advice(advice));
        }
        let next = Identity::successor(known.as_ref(), seen, &name);
        if record.replace(&stored, &next).await? {
            return Ok(next.with_advice(advice));
        }
    }
}

/// Where a server keeps who it is.
struct Record<'a> {
    key: Vec<u8>,
    all: &'a Group,
    link: Link,
}

impl Record<'_> {
    async fn read(&self) -> Result<Vec<u8>> {
        match self.link.ask_one(cmd("GET").arg(&self.key).take()).await? {
            Value::Nil => Ok(Vec::new()),
            Value::BulkString(stored) => Ok(stored),
            answer if reply::is_refused(&answer, reply::WRONG_TYPE) => Ok(Vec::new()),
            answer => Err(unexpected(&answer)),
        }
    }

    /// Gives everything another number and keeps who the server is, unless that was changed since.
    async fn replace(&self, stored: &[u8], next: &Identity) -> Result<bool> {
        let number = Generation::fresh().to_stored();
        let mut call = cmd("EVAL");
        call.arg(TAKE_OVER).arg(2).arg(self.all.as_bytes()).arg(&self.key);
        call.arg(stored).arg(next.to_stored()).arg(&number).arg(self.life());
        match self.link.ask_one(call).await {
            Ok(answer) => reply::is_done(&answer),
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                self.overwrite(&number, next).await.map(|()| true)
            }
            Err(error) => Err(error),
        }
    }

    /// As [`replace`](Self::replace) without a script: several who do it at once each end everything.
    async fn overwrite(&self, number: &str, next: &Identity) -> Result<()> {
        // The number first, and seen to be there: with the record alone nothing would have ended.
        let number = self.set(self.all.as_bytes(), number);
        reply::performed(&[self.link.ask_one(number).await?])?;
        reply::performed(&[self.link.ask_one(self.set(&self.key, &next.to_stored())).await?])
    }

    fn set(&self, key: &[u8], value: &str) -> Cmd {
        cmd("SET").arg(key).arg(value).arg("PX").arg(self.life()).take()
    }

    fn life(&self) -> u64 {
        ttl::milliseconds(self.all.keep_for(Duration::ZERO))
    }
}

/// Returns the key of the record: in the slot of the group's own, so that one script reaches both.
///
/// The text of a namespace has no braces, so those are the only ones.
fn key(all: &Group) -> Vec<u8> {
    let all = all.as_bytes();
    let namespace = all.strip_suffix(b"!all").unwrap_or(all);
    [namespace, b"!server:{", all, b"}"].concat()
}

/// Returns the command whose answer says who a server is, and how it is set up.
pub(crate) fn question() -> Cmd {
    cmd("INFO").arg("server").arg("replication").arg("memory").take()
}

/// Reads who a server is, which nobody else ever was; empty if it does not say, or goes on and on.
///
/// That is its process, and the time since it became a primary: what it was told before may have been
/// lost while it was a replica of another.
pub(crate) fn name(answer: &Value) -> String {
    let field = |name| field(answer, name);
    let (process, reign) = match (field("run_id:"), field("master_replid:")) {
        (Some(process), Some(reign)) if !process.is_empty() => (process, reign),
        _ => return String::new(),
    };
    if process.len() + 1 + reign.len() > Identity::MAX_NAME {
        return String::new();
    }
    format!("{process}:{reign}")
}

/// Returns what is known to go wrong with how a server is set up.
pub(crate) fn advice(answer: &Value) -> Option<Advice> {
    let limit = field(answer, "maxmemory:").and_then(|limit| limit.parse::<u64>().ok());
    match field(answer, "maxmemory_policy:")? {
        _ if limit.unwrap_or_default() == 0 => None,
        "noeviction" => Some(Advice::new("maxmemory_noeviction", NO_EVICTION)),
        "volatile-ttl" => Some(Advice::new("maxmemory_volatile_ttl", VOLATILE_TTL)),
        _ => None,
    }
}

const NO_EVICTION: &str = "the server has a `maxmemory` and evicts nothing: once it is full it refuses \
                           every write, and nothing is cached. Set its `maxmemory-policy` to \
                           `allkeys-lru` or `volatile-lru`";

const VOLATILE_TTL: &str = "the server evicts first what is about to end, and that is leases: loads under \
                            way then fill nothing. Set its `maxmemory-policy` to `allkeys-lru` or \
                            `volatile-lru`";

fn field<'a>(answer: &'a Value, name: &str) -> Option<&'a str> {
    let text = match answer {
        Value::BulkString(text) => std::str::from_utf8(text).unwrap_or_default(),
        Value::VerbatimString { text, .. } => text,
        _ => "",
    };
    text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

/// Returns the name of servers that are one together; empty if one of them does not say its own.
pub(crate) fn joint_name<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<_> = names.collect();
    if names.contains(&"") {
        return String::new();
    }
    names.sort_unstable();
    format!("{:032x}", xxh3_128(names.join(",").as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    #[test]
    fn a_server_that_does_not_say_all_of_its_name_has_none() {
        let whole = "# Server\r\nrun_id:0a\r\n\r\n# Replication\r\nmaster_replid:1b\r\n";
        assert_eq!(name(&bulk(whole)), "0a:1b");
        for text in ["", "run_id:0a\r\n", "master_replid:1b\r\n", "run_id:\r\nmaster_replid:1b\r\n"]
        {
            assert_eq!(name(&bulk(text)), "", "{text:?}");
        }
        assert_eq!(name(&Value::Okay), "");
    }

    #[test]
    fn a_server_with_a_name_without_end_has_none() {
        let of = |len| name(&bulk(&format!("run_id:{}\r\nmaster_replid:1b\r\n", "0".repeat(len))));

        assert_eq!(of(Identity::MAX_NAME - 3).len(), Identity::MAX_NAME);
        assert_eq!(of(Identity::MAX_NAME - 2), "");
    }

    #[test]
    fn a_server_that_refuses_writes_when_it_is_full_or_evicts_leases_is_told_of() {
        let of = |limit: &str, policy: &str| {
            let text = format!("# Memory\r\nmaxmemory:{limit}\r\nmaxmemory_policy:{policy}\r\n");
            advice(&bulk(&text)).map(|advice| advice.code)
        };
        assert_eq!(of("1048576", "noeviction"), Some("maxmemory_noeviction"));
        assert_eq!(of("1048576", "volatile-ttl"), Some("maxmemory_volatile_ttl"));
        for (limit, policy) in [("0", "noeviction"), ("1", "allkeys-lru"), ("-1", "noeviction")] {
            assert_eq!(of(limit, policy), None, "{limit} {policy}");
        }
        assert_eq!(advice(&Value::Okay), None);
    }

    #[test]
    fn a_joint_name_is_that_of_all_in_any_order() {
        let of = |names: &[&str]| joint_name(names.iter().copied());
        assert_eq!(of(&["a", "b"]), of(&["b", "a"]));
        assert_ne!(of(&["a", "b"]), of(&["a", "c"]));
        assert_ne!(of(&["a", "b"]), of(&["a"]));
        assert_eq!(of(&["a", ""]), "");
    }
}
