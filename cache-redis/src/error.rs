//! What each failure says: what is wrong and what to change, without keys or secrets.
//!
//! Texts of the server are never passed on: they name users and keys.

use std::error::Error as _;
use std::io;

use redis::{RedisError, ServerError, Value};
use rustls::CertificateError;

use crate::sentinel::{Failure, Stage};
use crate::{Error, ErrorKind};

/// A setting that cannot be used.
pub(crate) fn wrong(subject: &str, problem: &str) -> Error {
    Error::new(ErrorKind::Config, format!("{subject} {problem}"))
}

/// A server that cannot be used for now.
pub(crate) fn down(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::Backend, text)
}

/// No answer to one call in time.
pub(crate) fn late() -> Error {
    Error::new(ErrorKind::Timeout, "redis did not answer within `response_timeout`")
}

/// A name without an address.
pub(crate) fn unresolved(cause: io::Error) -> Error {
    down("the host name of redis does not resolve: check it, or the DNS").with_source(cause)
}

/// No TCP connection.
pub(crate) fn unreachable(cause: io::Error) -> Error {
    let text = match cause.kind() {
        io::ErrorKind::ConnectionRefused => {
            "nothing listens at the address of redis: start it, or check host and port"
        }
        _ => "redis cannot be reached: check host, port and network",
    };
    down(text).with_source(cause)
}

/// No connection to a socket of this machine.
pub(crate) fn no_socket(cause: io::Error) -> Error {
    let text = match cause.kind() {
        io::ErrorKind::NotFound => {
            "there is no socket at the path of redis: start redis, or set its `unixsocket` to it"
        }
        io::ErrorKind::ConnectionRefused => {
            "nothing listens at the socket of redis, which is left from before: start redis"
        }
        io::ErrorKind::PermissionDenied => {
            "this user may not use the socket of redis: set the server's `unixsocketperm`, or join \
             its group"
        }
        io::ErrorKind::InvalidInput => {
            "the path of the socket of redis is too long for this system: use a shorter one"
        }
        io::ErrorKind::Unsupported => "there are no unix sockets on this system: use `redis://`",
        _ => "the socket of redis cannot be used: check its path",
    };
    down(text).with_source(cause)
}

/// No TLS over a TCP connection.
pub(crate) fn no_tls(cause: io::Error) -> Error {
    let reason = cause.get_ref().and_then(|reason| reason.downcast_ref::<rustls::Error>());
    let text = match reason {
        Some(rustls::Error::InvalidCertificate(reason)) => distrust(reason),
        Some(rustls::Error::InvalidMessage(_)) => {
            "redis does not speak TLS there: use `redis://`, or the port for TLS"
        }
        Some(rustls::Error::AlertReceived(_)) => {
            "redis refused the TLS handshake: if it asks for a certificate, set `client_cert`"
        }
        _ => "redis broke off the TLS handshake: use `redis://` if it does not speak TLS there",
    };
    down(text).with_source(cause)
}

fn distrust(reason: &CertificateError) -> &'static str {
    match reason {
        // A bad signature is that of another authority with the same name, such as its successor.
        CertificateError::BadSignature | CertificateError::UnknownIssuer => {
            "nobody we trust signed the TLS certificate of redis: set `ca_cert` to who did"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the TLS certificate of redis is for another host: connect by the name in it"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the TLS certificate of redis has expired: renew it"
        }
        _ => "the TLS certificate of redis cannot be used: replace it",
    }
}

/// A connection without a working greeting.
pub(crate) fn no_greeting(cause: RedisError, over_tls: bool) -> Error {
    if cause.detail().is_some_and(|detail| detail.contains("unknown command")) {
        return down(NO_HELLO);
    }
    if let Some(code) = cause.code() {
        return refused(code, cause.detail());
    }
    match cause.kind() {
        redis::ErrorKind::RESP3NotSupported => down(NO_HELLO),
        redis::ErrorKind::Io if over_tls => down(
            "redis closed the TLS connection at once: if it asks for a certificate, set \
             `client_cert`",
        )
        .with_source(cause),
        redis::ErrorKind::Io => {
            down("redis closed the connection at once: if it wants TLS, use `rediss://`")
                .with_source(cause)
        }
        _ => down("what listens at the address of redis is not redis: check host and port"),
    }
}

/// Whether a connection was closed before its greeting had an answer.
pub(crate) fn is_cut_short(error: &Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<RedisError>());
    cause.is_some_and(|cause| cause.kind() == redis::ErrorKind::Io)
}

/// What a server says to somebody whom it lets in no further.
pub(crate) fn said(line: &str) -> Option<Error> {
    let (code, detail) = line.strip_prefix('-')?.split_once(' ')?;
    known(code, detail).map(down)
}

const NO_HELLO: &str = "redis does not know HELLO 3: use Redis 7.0 or Valkey 7.2, without a proxy or \
                        a `rename-command` that hides it";

const TOO_OLD: &str = "redis is too old: Redis 7.0 or Valkey 7.2 is needed";

/// A connection that was there.
pub(crate) fn lost() -> Error {
    down("redis closed the connection")
}

/// A connection over which nothing comes any more.
pub(crate) fn silent() -> Error {
    down("redis does not answer any more: it hangs, or the network swallows everything")
}

/// A primary that is none any more.
pub(crate) fn replaced() -> Error {
    down("the sentinels name another primary")
}

/// No primary through any sentinel: why not through the one that came furthest.
pub(crate) fn no_primary(Failure { stage, error }: Failure) -> Error {
    let text = match stage {
        Stage::Reach => format!("no sentinel can be asked: {error}"),
        Stage::Ask | Stage::Know => error.to_string(),
        Stage::Use => format!("the server that the sentinels name cannot be used: {error}"),
    };
    down(text).with_source(error)
}

/// What a sentinel says instead of naming a server.
pub(crate) fn no_sentinel(code: &str) -> Error {
    down(match code {
        "NOAUTH" => {
            "the sentinels want a password (NOAUTH): set `sentinel_password`, or \
             REDIS_SENTINEL_PASSWORD"
        }
        "NOPERM" => {
            "the user of the sentinels lacks a right (NOPERM): allow it \
             `+hello +sentinel|get-master-addr-by-name`"
        }
        "WRONGPASS" => {
            "the sentinels refused the user name or the password (WRONGPASS): correct \
             `sentinel_password`, or REDIS_SENTINEL_PASSWORD"
        }
        _ => "what listens at the address of a sentinel is no sentinel: check host and port",
    })
}

/// A server that only repeats what another one says.
pub(crate) fn replica() -> Error {
    down("redis is a read-only replica: connect to its primary")
}

/// A server that is one of many.
pub(crate) fn cluster_mode() -> Error {
    down(CLUSTER_MODE)
}

const CLUSTER_MODE: &str = "redis is in cluster mode: write `redis+cluster://` in the URL, or use \
                            `RedisConfig::cluster`";

/// Nodes that were not made a cluster yet.
pub(crate) fn blank() -> Error {
    down("the redis cluster serves nothing yet: give its nodes their slots")
}

/// Nodes without end.
pub(crate) fn crowded() -> Error {
    down("the redis cluster names more than 1024 nodes: see its `CLUSTER NODES`")
}

/// A key that no node serves.
pub(crate) fn unserved() -> Error {
    down("the redis cluster does not serve a part of the keys: see its `CLUSTER INFO`")
}

/// A primary that was not there when we last looked.
pub(crate) fn unknown() -> Error {
    down("another node of the redis cluster serves this part of the keys now: looking which")
}

/// Nodes that do not agree on who serves a key.
pub(crate) fn circles() -> Error {
    down("the nodes of the redis cluster send us in circles: see the `CLUSTER NODES` of each")
}

/// Work after the end.
pub(crate) fn closed() -> Error {
    down("the redis backend is closed")
}

/// Work outside a runtime.
pub(crate) fn no_runtime() -> Error {
    Error::new(ErrorKind::Unsupported, "the redis backend needs a tokio runtime around its callers")
}

/// Work that needs scripts where they may not run.
pub(crate) fn no_scripts() -> Error {
    let text = "redis refuses scripts: allow its user `+eval +evalsha +getrange +exists`";
    Error::new(ErrorKind::Unsupported, text)
}

/// A connection that takes the server for stricter, or laxer, than it is.
pub(crate) fn rights_changed() -> Error {
    down("what the redis user may do has changed: connecting anew")
}

/// Whether a command was refused because it was a script.
pub(crate) fn is_about_scripts(error: &ServerError) -> bool {
    let command = forbidden(error.details().unwrap_or_default());
    error.code() == "NOPERM" && matches!(command, Some("eval" | "evalsha"))
}

/// An answer that is no answer to the question.
pub(crate) fn unexpected(answer: &Value) -> Error {
    match answer {
        Value::ServerError(error) => refusal(error),
        _ => down("redis answered something that does not fit: check what listens there"),
    }
}

/// What the server says instead of doing what it was asked.
pub(crate) fn refusal(error: &ServerError) -> Error {
    refused(error.code(), error.details())
}

fn refused(code: &str, detail: Option<&str>) -> Error {
    let detail = detail.unwrap_or_default();
    if let Some(command) = forbidden(detail).filter(|_| code == "NOPERM") {
        return down(format!("the redis user may not run {command} (NOPERM): add `+{command}`"));
    }
    match known(code, detail) {
        Some(text) => down(text),
        None if is_code(code) => down(format!("redis refused a command ({code}): see its log")),
        None => down("redis refused a command: see its log"),
    }
}

/// Finds the command that a user has no right to, in the text of the refusal.
fn forbidden(detail: &str) -> Option<&'static str> {
    const OURS: [&str; 14] = [
        "client|tracking",
        "del",
        "eval",
        "evalsha",
        "exists",
        "get",
        "getrange",
        "hello",
        "mget",
        "ping",
        "publish",
        "select",
        "set",
        "subscribe",
    ];
    let quoted = detail.split('\'').nth(1)?;
    OURS.into_iter().find(|command| *command == quoted)
}

/// Whether it can be shown: what a strange server sends here might be anything.
fn is_code(code: &str) -> bool {
    code.len() <= 16 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn known(code: &str, detail: &str) -> Option<&'static str> {
    Some(match code {
        "BUSY" => "redis is busy with a script of somebody else (BUSY)",
        "DENIED" => "redis is in protected mode (DENIED): give it a password",
        "ERR" if detail.contains("DB index") => {
            "redis has no database of that number: use another, or raise its `databases`"
        }
        "ERR" if detail.contains("max number of clients") => {
            "redis has as many clients as it allows: raise its `maxclients`"
        }
        "ERR" if detail == "syntax error" => TOO_OLD,
        "LOADING" => "redis is still loading its data (LOADING): it answers when it is done",
        "MASTERDOWN" => "redis is a replica without its primary (MASTERDOWN): connect to a primary",
        "MISCONF" => "redis cannot save and takes no writes (MISCONF): see its log",
        "ASK" | "CROSSSLOT" | "MOVED" => CLUSTER_MODE,
        "CLUSTERDOWN" => {
            "the redis cluster is down, or a part of it (CLUSTERDOWN): see its `CLUSTER INFO`"
        }
        "ERR" if detail.contains("cluster support disabled") => {
            "redis is not in cluster mode: write `redis://` without `+cluster`"
        }
        "NOAUTH" => "redis wants a password (NOAUTH): set one in the URL or REDIS_PASSWORD",
        "NOPERM" => {
            "the redis user lacks a right (NOPERM): allow it the keys of the namespace, \
                     and @read @write @scripting @connection"
        }
        "OOM" => {
            "redis is full (OOM): raise its `maxmemory`, or set its `maxmemory-policy` to one \
                  that evicts, such as `allkeys-lru`"
        }
        "READONLY" => "redis is a read-only replica (READONLY): connect to its primary",
        "WRONGPASS" => "redis refused the user name or the password (WRONGPASS): correct them",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strange_code_is_not_shown() {
        let shown = refused("EXOTIC", Some("user app, key k")).to_string();
        let hidden = refused("user:42", Some("user app, key k")).to_string();

        assert_eq!(shown, "redis refused a command (EXOTIC): see its log");
        assert_eq!(hidden, "redis refused a command: see its log");
    }
}
