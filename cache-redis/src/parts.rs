//! What a URL or a set of variables says, before it is put together.

use std::net::Ipv6Addr;

use percent_encoding::percent_decode_str;
use url::Url;

use crate::Result;
use crate::config::RedisConfig;
use crate::endpoint::{Address, Host, Place};
use crate::error::wrong;
use crate::split;

/// What a URL or a set of variables says; `None` is what it leaves open.
///
/// Has no `Debug`, because it holds secrets.
#[derive(Default)]
pub(crate) struct Parts {
    /// A place that is not one host and its port.
    pub(crate) place: Option<Place>,
    pub(crate) host: Option<String>,
    pub(crate) port: Option<u16>,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) db: Option<u32>,
    pub(crate) tls: Option<bool>,
    pub(crate) sentinel_username: Option<String>,
    pub(crate) sentinel_password: Option<String>,
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
            "redis+cluster" | "valkey+cluster" => split::cluster(name, rest, false),
            "rediss+cluster" | "valkeys+cluster" => split::cluster(name, rest, true),
            "redis+sentinel" | "valkey+sentinel" => split::sentinels(name, rest, false),
            "rediss+sentinel" | "valkeys+sentinel" => split::sentinels(name, rest, true),
            _ => Self::from_host(name, text),
        }
    }

    fn from_host(name: &str, text: &str) -> Result<Self> {
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
            host: Some(host_of(name, &url)?),
            port: port_of(name, &url)?,
            username: decoded(name, Some(url.username()))?,
            password: decoded(name, url.password())?,
            db: db_of(name, &url)?,
            tls: Some(tls),
            ..Self::default()
        })
    }

    /// Takes what the URL of one of several sentinels says, and returns where that one is.
    pub(crate) fn add_sentinel(&mut self, name: &str, url: Self) -> Result<Host> {
        if url.db.is_some() || url.place.is_some() {
            return Err(wrong(name, "names more than a host: write `redis://host:26379`"));
        }
        let said = (url.tls, url.username, url.password);
        if self.tls.is_none() {
            (self.tls, self.sentinel_username, self.sentinel_password) = said;
        } else if said != (self.tls, self.sentinel_username.clone(), self.sentinel_password.clone())
        {
            return Err(wrong(name, ONE_FOR_ALL));
        }
        let host = url.host.ok_or_else(|| wrong(name, "names no host"))?;
        Ok(Host { name: host, port: url.port.unwrap_or(Host::SENTINEL_PORT) })
    }

    /// Takes what the URL of one of several nodes of a cluster says, and returns where that one is.
    pub(crate) fn add_node(&mut self, name: &str, url: Self) -> Result<Host> {
        let host = url.host.ok_or_else(|| wrong(name, "names no single node: list one in each"))?;
        let said = (url.tls, url.username, url.password, url.db);
        if self.tls.is_none() {
            (self.tls, self.username, self.password, self.db) = said;
        } else if said != (self.tls, self.username.clone(), self.password.clone(), self.db) {
            return Err(wrong(name, ONE_LOGIN));
        }
        Ok(Host { name: host, port: url.port.unwrap_or(Host::DEFAULT_PORT) })
    }

    /// Puts the parts together; `None` if no server is named.
    pub(crate) fn config(self) -> Option<RedisConfig> {
        let port = self.port.unwrap_or(Host::DEFAULT_PORT);
        let host = self.host.map(|name| Place::At(Address::Tcp(Host { name, port })));
        let mut config = RedisConfig::at(self.place.or(host)?).db(self.db.unwrap_or_default());
        config.tls = self.tls.unwrap_or_default();
        config.username = self.username;
        config.password = self.password;
        config.sentinel_username = self.sentinel_username;
        config.sentinel_password = self.sentinel_password;
        Some(config)
    }
}

const ONE_FOR_ALL: &str = "differs from that of another in its scheme or its credentials: all \
                           sentinels share them, and TLS goes for the servers too";

const ONE_LOGIN: &str = "differs from that of another in more than the host: all nodes of a cluster \
                         share the rest";

const NO_URL: &str = "is not a URL: write `redis://user:password@host:6379/0`, with a port from 1 \
                      to 65535 and special characters of the password percent-encoded (`#` as \
                      `%23`, `/` as `%2F`)";

const NO_SCHEME: &str = "must begin with `redis://`, or `rediss://` for TLS, or \
                         `redis+sentinel://`, or `redis+cluster://`, or `unix://` for a socket";

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
