//! URLs that no parser of URLs takes: a socket has no host.

use std::path::PathBuf;

use crate::Result;
use crate::endpoint::{Address, Host};
use crate::error::wrong;
use crate::parts::{Parts, decoded, digits, seeds_of};

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

/// Reads `user:password@host1:7001,host2:7002`, what follows `redis+cluster://`.
pub(crate) fn cluster(name: &str, tls: bool, rest: &str) -> Result<Parts> {
    let split = Split::of(name, rest)?;
    if split.query.is_some() || !matches!(split.path, "" | "/" | "/0") {
        return Err(wrong(name, NO_MORE));
    }
    let hosts = split.hosts.split(',').map(|host| {
        let Parts { host, port, .. } = Parts::from_host(name, &format!("redis://{host}"))?;
        let port = port.unwrap_or(Host::DEFAULT_PORT);
        Ok(Host { name: host.unwrap_or_default(), port })
    });
    let place = seeds_of(hosts.collect::<Result<_>>()?);
    Ok(Parts { place, tls: Some(tls), ..split.credentials(name)? })
}

const NO_MORE: &str = "has something after the hosts, but a cluster has database 0 only and takes no \
                       options: remove it";

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
