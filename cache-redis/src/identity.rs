//! Who the server is, and who it was when its data was written.
//!
//! The key `<ns>:!server:{<ns>:!all}` keeps the turn and the `run_id` of the server that served the
//! namespace last; a server that finds another there has forgotten something, or is another.

use std::time::Duration;

use cache_core::backend::Identity;
use cache_core::{Generation, Group};
use redis::{Cmd, Value, cmd};

use crate::error::unexpected;
use crate::servers::Servers;
use crate::{Result, reply, ttl};

/// Begins another turn, if what is stored is still what was compared.
const TAKE_OVER: &str = "\
    if (redis.call('GET', KEYS[2]) or '') ~= ARGV[1] then return 0 end
    redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
    redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[4])
    return 1";

/// Finds out who the server is; ends everything of the namespace if it may have forgotten something.
pub(crate) async fn identify(
    servers: &Servers,
    all: &Group,
    seen: Option<&Identity>,
) -> Result<Identity> {
    let record = record(all);
    let name = name(servers).await?;
    loop {
        let stored = match servers.ask_one(cmd("GET").arg(&record).take()).await?.value {
            Value::Nil => Vec::new(),
            Value::BulkString(stored) => stored,
            answer => return Err(unexpected(&answer)),
        };
        let known = Identity::from_stored(&stored);
        if let Some(known) = known.as_ref().filter(|known| known.succeeds(seen, &name)) {
            return Ok(known.clone());
        }
        let next = Identity::successor(known.as_ref(), seen, &name);
        let answer = servers.ask_one(take_over(all, &record, &stored, &next)).await?;
        if reply::is_done(&answer.value)? {
            return Ok(next);
        }
    }
}

fn take_over(all: &Group, record: &[u8], stored: &[u8], next: &Identity) -> Cmd {
    let number = Generation::fresh().to_stored();
    let mut call = cmd("EVAL");
    call.arg(TAKE_OVER).arg(2).arg(all.as_bytes()).arg(record);
    call.arg(stored).arg(next.to_stored()).arg(number);
    call.arg(ttl::milliseconds(all.keep_for(Duration::ZERO))).take()
}

/// Returns the key of the record: in the slot of the group's own, so that one script reaches both.
fn record(all: &Group) -> Vec<u8> {
    let all = all.as_bytes();
    let namespace = all.strip_suffix(b"!all").unwrap_or(all);
    [namespace, b"!server:{", all, b"}"].concat()
}

async fn name(servers: &Servers) -> Result<String> {
    let mut info = cmd("INFO");
    info.arg("server");
    match servers.ask_one(info).await?.value {
        Value::BulkString(text) => Ok(run_id(&String::from_utf8_lossy(&text))),
        Value::VerbatimString { text, .. } => Ok(run_id(&text)),
        Value::ServerError(_) => Ok(String::new()),
        answer => Err(unexpected(&answer)),
    }
}

fn run_id(info: &str) -> String {
    let id = info.lines().find_map(|line| line.strip_prefix("run_id:"));
    id.unwrap_or_default().trim().to_owned()
}
