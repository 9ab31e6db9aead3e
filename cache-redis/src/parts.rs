//! What a URL or a set of variables says, before it is put together.

use std::net::Ipv6Addr;

use percent_encoding::percent_decode_str;
use url::Url;

use crate::Result;
use crate::config::RedisConfig;
use crate::endpoint::{Address, Endpoint, Host, Seeds};
use crate::error::wrong;
use crate::split;

/// What a URL or a set of variables says; `None` is what it leaves open.
///
/// Has no `Debug`, because it holds secrets.
#[derive(Default)]
pub(crate) struct Parts {
    /// A place that is not one host and its port.
    pub(crate) place: Option<Address>,
    pub(crate) host: Option<String>,
    pub(crate) port: Option<u16>,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) db: Option<u32>,
    pub(crate) tls: Option<bool>,
}

impl Parts {
    /// Reads a URL, which errors call `name` and never show.
    pub(crate) fn from_url(name: &str, text: &str) -> Result<Self> {
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(wrong(name, "contains white space, perhaps a line break: remove it"));
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Self::from_host(name, text);
        };
        match scheme.to_ascii_lowercase().as_str() {
            "unix" | "redis+unix" | "valkey+unix" => split::socket(name, rest),
            "redis+cluster" | "valkey+cluster" => split::cluster(name, false, rest),
            "rediss+cluster" | "valkeys+cluster" => split::cluster(name, true, rest),
            _ => Self::from_host(name, text),
        }
    }

    /// Makes one of several, of which each names a node of the same cluster.
    pub(crate) fn joined(name: &str, all: Vec<Self>) -> Result<Self> {
        let mut seeds = Vec::new();
        let mut whole = Self::default();
        for part in all {
            let (port, host) = (part.port.unwrap_or(Host::DEFAULT_PORT), part.host);
            let host =
                host.ok_or_else(|| wrong(name, "is not that of one node: list one in each"))?;
            seeds.push(Host { name: host, port });
            whole.username = agreed(name, whole.username, part.username)?;
            whole.password = agreed(name, whole.password, part.password)?;
            whole.db = agreed(name, whole.db, part.db)?;
            whole.tls = agreed(name, whole.tls, part.tls)?;
        }
        whole.place = seeds_of(seeds);
        Ok(whole)
    }

    pub(crate) fn from_host(name: &str, text: &str) -> Result<Self> {
        let url = Url::parse(text).map_err(|_| wrong(name, NO_URL))?;
        let tls = match url.scheme() {
            "redis" | "valkey" => false,
            "rediss" | "valkeys" => true,
            _ => return Err(wrong(name, NO_SCHEME)),
        };
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong(name, NO_OPTIONS));
        }
        Ok(Self {
            place: None,
            host: Some(host_of(name, &url)?),
            port: port_of(name, &url)?,
            username: decoded(name, Some(url.username()))?,
            password: decoded(name, url.password())?,
            db: db_of(name, &url)?,
            tls: Some(tls),
        })
    }

    /// Puts the parts together; `None` if no server is named.
    pub(crate) fn config(self) -> Option<RedisConfig> {
        let port = self.port.unwrap_or(Host::DEFAULT_PORT);
        let host = self.host.map(|name| Address::Tcp(Host { name, port }));
        let address = self.place.or(host)?;
        let mut config = RedisConfig::at(Endpoint { address, db: self.db.unwrap_or_default() });
        config.tls = self.tls.unwrap_or_default();
        config.username = self.username;
        config.password = self.password;
        Some(config)
    }
}

const NO_URL: &str = "is not a URL: write `redis://user:password@host:6379/0`, with a port from 1 \
                      to 65535 and special characters of the password percent-encoded (`#` as \
                      `%23`, `/` as `%2F`)";

const NO_SCHEME: &str = "must begin with `redis://`, or `rediss://` for TLS, or `unix://` for a socket, or \
     `redis+cluster://` for a cluster";

const NO_OPTIONS: &str = "has a `?` or `#`, but takes no options: remove them, or write `%3F` and \
                          `%23` if they belong to the password";

/// Whether a text is a host name or an address, rather than a URL or `host:port`.
pub(crate) fn is_host(text: &str) -> bool {
    let is_part_of_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let is_name = !text.is_empty() && text.chars().all(is_part_of_name);
    is_name || text.parse::<Ipv6Addr>().is_ok()
}

/// Reads a number as people write them: digits and nothing else.
pub(crate) fn digits(text: &str) -> Option<u32> {
    let all_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| all_digits)
}

fn host_of(name: &str, url: &Url) -> Result<String> {
    let host = match url.host() {
        Some(url::Host::Domain(domain)) => domain.to_owned(),
        Some(url::Host::Ipv4(address)) => address.to_string(),
        Some(url::Host::Ipv6(address)) => address.to_string(),
        None => String::new(),
    };
    let problem = "names no host after `//` and the credentials";
    Some(host).filter(|host| is_host(host)).ok_or_else(|| wrong(name, problem))
}

fn port_of(name: &str, url: &Url) -> Result<Option<u16>> {
    match url.port() {
        Some(0) => Err(wrong(name, "has port 0: a port is from 1 to 65535")),
        port => Ok(port),
    }
}

/// Returns the place of a cluster; `None` without a node.
pub(crate) fn seeds_of(hosts: Vec<Host>) -> Option<Address> {
    let mut hosts = hosts.into_iter();
    Some(Address::Cluster(Seeds { first: hosts.next()?, others: hosts.collect() }))
}

/// Sees that two URLs do not contradict each other.
fn agreed<T: PartialEq>(name: &str, one: Option<T>, other: Option<T>) -> Result<Option<T>> {
    if one.is_some() && other.is_some() && one != other {
        let problem = "says something else than another: nodes of a cluster share user, password \
                       and TLS";
        return Err(wrong(name, problem));
    }
    Ok(one.or(other))
}

pub(crate) fn decoded(name: &str, text: Option<&str>) -> Result<Option<String>> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let problem = "has text that is not UTF-8 once percent-decoded";
    let text = percent_decode_str(text).decode_utf8().map_err(|_| wrong(name, problem))?;
    Ok(Some(text.into_owned()))
}

fn db_of(name: &str, url: &Url) -> Result<Option<u32>> {
    match url.path().trim_matches('/') {
        "" => Ok(None),
        path => digits(path).map(Some).ok_or_else(|| wrong(name, NO_DB)),
    }
}

const NO_DB: &str = "has something after the host that is not a database number such as `/0`; a \
                     `/` in the password is written `%2F`";
