//! URLs that no parser of URLs takes: a socket has no host, sentinels and clusters have
//! several.

use std::net::Ipv6Addr;
use std::path::PathBuf;

use crate::Result;
use crate::endpoint::{Address, Election, Host, Place, Seeds};
use crate::error::wrong;
use crate::parts::{Parts, decoded, digits, is_host};

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
    let place = Some(Place::At(Address::Socket(PathBuf::from(path))));
    Ok(Parts { place, db, tls: Some(false), ..split.credentials(name)? })
}

const NO_PATH: &str = "names no socket: write `unix:///run/redis.sock`, with three slashes, and \
                       credentials before the third: `unix://user:password@/run/redis.sock`";

const NO_OPTION: &str = "has a `?` but takes no option other than `?db=0`, the number of a database: \
                         credentials go before the path, `unix://user:password@/run/redis.sock`";

/// Reads `user:password@host:port,host:port/name/0`, what follows `redis+sentinel://`.
pub(crate) fn sentinels(name: &str, rest: &str, tls: bool) -> Result<Parts> {
    let split = Split::of(name, rest)?;
    if split.query.is_some() {
        return Err(wrong(name, "has a `?`, but takes no options: remove them, or write `%3F`"));
    }
    let hosts = split.hosts.split(',').map(|text| host(text, Host::SENTINEL_PORT));
    let sentinels: Option<Vec<_>> = hosts.collect();
    let sentinels = sentinels.ok_or_else(|| wrong(name, NO_SENTINELS))?;
    let path = split.path.strip_prefix('/').unwrap_or_default();
    let (primary, db) = match path.split_once('/') {
        Some((primary, "")) => (primary, None),
        Some((primary, db)) => (primary, Some(digits(db).ok_or_else(|| wrong(name, NO_DB))?)),
        None => (path, None),
    };
    let election = Election { name: primary_name(name, primary)?, sentinels };
    let place = Some(Place::Elected(election));
    Ok(Parts { place, db, tls: Some(tls), ..split.credentials(name)? })
}

/// Reads `user:password@host:port,host:port`, what follows `redis+cluster://`.
pub(crate) fn cluster(name: &str, rest: &str, tls: bool) -> Result<Parts> {
    let split = Split::of(name, rest)?;
    if split.query.is_some() || !matches!(split.path, "" | "/" | "/0") {
        return Err(wrong(name, NO_MORE));
    }
    let hosts = split.hosts.split(',').map(|text| host(text, Host::DEFAULT_PORT));
    let seeds = hosts.collect::<Option<Vec<_>>>().and_then(Seeds::new);
    let place = Place::Cluster(seeds.ok_or_else(|| wrong(name, NO_NODES))?);
    Ok(Parts { place: Some(place), tls: Some(tls), ..split.credentials(name)? })
}

const NO_NODES: &str = "names no nodes: write `redis+cluster://host1:7001,host2:7002`, with ports from \
                        1 to 65535";

const NO_MORE: &str = "has something after the hosts, but a cluster has database 0 only and takes no \
                       options: remove it";

/// Reads what sentinels call a primary; they take no other characters either.
pub(crate) fn primary_name(subject: &str, text: &str) -> Result<String> {
    let is_valid = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    if text.is_empty() || !text.chars().all(is_valid) {
        return Err(wrong(subject, NO_PRIMARY));
    }
    Ok(text.to_owned())
}

const NO_SENTINELS: &str = "names no sentinels: write `redis+sentinel://host1:26379,host2:26379/main`, \
                            with ports from 1 to 65535";

const NO_PRIMARY: &str = "does not say what the sentinels call the primary: it is the second word of \
                          their `sentinel monitor` and goes behind the hosts, as in `/main/0`";

const NO_DB: &str = "has something after the primary's name that is not a database number such as \
                     `/main/0`";

/// Reads `name:port`, `name`, `[::1]:port` or `[::1]`.
fn host(text: &str, default_port: u16) -> Option<Host> {
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').filter(|(name, _)| name.parse::<Ipv6Addr>().is_ok())?,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port = match port.strip_prefix(':') {
        Some(port) => u16::try_from(digits(port)?).ok().filter(|port| *port > 0)?,
        None => Some(default_port).filter(|_| port.is_empty())?,
    };
    is_host(name).then(|| Host { name: name.to_owned(), port })
}

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
