//! URLs that no parser of URLs takes: a socket has no host.

use std::path::PathBuf;

use crate::Result;
use crate::endpoint::Address;
use crate::error::wrong;
use crate::parts::{Parts, decoded, digits};

/// Reads `user:password@/path?db=0`, what follows `unix://`.
pub(crate) fn socket(name: &str, rest: &str) -> Result<Parts> {
    let split = Split::of(name, rest)?;
    let path = decoded(name, Some(split.path).filter(|path| path.len() > 1))?;
    let Some(path) = path.filter(|_| split.hosts.is_empty()) else {
        return Err(wrong(name, NO_PATH));
    };
    let db = match split.query.map(|query| query.strip_prefix("db=").and_then(digits)) {
        Some(None) => return Err(wrong(name, NO_OPTION)),
        db => db.flatten(),
    };
    let place = Some(Address::Socket(PathBuf::from(path)));
    Ok(Parts { place, db, tls: Some(false), ..split.credentials(name)? })
}

const NO_PATH: &str = "names no socket: write `unix:///run/redis.sock`, with three slashes, and \
                       credentials before the third: `unix://user:password@/run/redis.sock`";

const NO_OPTION: &str = "has a `?` but takes no option other than `?db=0`, the number of a database: \
                         credentials go before the path, `unix://user:password@/run/redis.sock`";

/// A URL without its scheme, taken apart: `credentials@hosts/path?query`.
struct Split<'a> {
    credentials: Option<&'a str>,
    hosts: &'a str,
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Split<'a> {
    fn of(name: &str, rest: &'a str) -> Result<Self> {
        if rest.contains('#') {
            return Err(wrong(name, "has a `#`: remove it, or write `%23` for it"));
        }
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (rest, None),
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (credentials, hosts) = match authority.rsplit_once('@') {
            Some((credentials, hosts)) => (Some(credentials), hosts),
            None => (None, authority),
        };
        Ok(Self { credentials, hosts, path, query })
    }

    /// Reads `user:password`.
    fn credentials(&self, name: &str) -> Result<Parts> {
        let Some(credentials) = self.credentials else { return Ok(Parts::default()) };
        let (username, password) = match credentials.split_once(':') {
            Some((username, password)) => (username, Some(password)),
            None => (credentials, None),
        };
        let (username, password) = (decoded(name, Some(username))?, decoded(name, password)?);
        Ok(Parts { username, password, ..Parts::default() })
    }
}
