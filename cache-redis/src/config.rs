//! How to reach Redis, checked when it is said.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Result;
use crate::endpoint::{Address, Election, Endpoint, Place, Seeds};
use crate::error::wrong;
use crate::parts::Parts;
use crate::split;

/// How to reach a Redis or Valkey server.
///
/// `Debug` and `Display` show the address and the database, never credentials.
#[derive(Clone)]
pub struct RedisConfig {
    pub(crate) endpoint: Endpoint,
    pub(crate) read_from_replicas: bool,
    pub(crate) tls: bool,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) sentinel_username: Option<String>,
    pub(crate) sentinel_password: Option<String>,
    pub(crate) ca_cert: Option<Vec<u8>>,
    pub(crate) client_cert: Option<ClientCert>,
    pub(crate) connect_timeout: Duration,
    pub(crate) response_timeout: Duration,
}

/// A certificate that says who we are, and its key.
#[derive(Clone)]
pub(crate) struct ClientCert {
    pub(crate) chain: Vec<u8>,
    pub(crate) key: Vec<u8>,
}

impl RedisConfig {
    /// Long enough for a handshake across a continent.
    const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
    /// For callers without a deadline of their own: beyond any answer that is worth waiting for.
    const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);

    /// Reads a URL:
    ///
    /// | | |
    /// |---|---|
    /// | `redis://user:password@host:port/db` | one server; with TLS, `rediss://…` |
    /// | `unix://user:password@/path/to/redis.sock?db=0` | one server at a unix socket |
    /// | `redis+cluster://user:password@host1:7001,host2:7002` | a cluster, from some of its nodes; with TLS, `rediss+cluster://…` |
    /// | `redis+sentinel://user:password@host1:26379,host2:26379/name/db` | the primary that sentinels call `name`; with TLS to all of them, `rediss+sentinel://…` |
    ///
    /// Everything but hosts, path and `name` can be left out. `valkey` may stand for `redis`, and
    /// `redis+unix` for `unix`. Special characters are percent-encoded, `#` as `%23`. Sentinels have
    /// credentials of their own, see [`sentinel_password`](Self::sentinel_password).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the URL says something else, or something
    /// that is not supported, such as a query. The text never shows the URL.
    pub fn new(url: &str) -> Result<Self> {
        let name = "the redis URL";
        let parts = Parts::from_url(name, url)?;
        parts.config().ok_or_else(|| wrong(name, "names no host"))
    }

    /// Creates the configuration of a server that listens at a unix socket.
    ///
    /// ```
    /// use cache_redis::RedisConfig;
    ///
    /// let config = RedisConfig::unix("/run/redis/redis.sock").db(2).password("secret");
    /// assert_eq!(config.to_string(), "redis(unix:/run/redis/redis.sock/2)");
    /// ```
    pub fn unix(path: impl Into<PathBuf>) -> Self {
        Self::at(Place::At(Address::Socket(path.into())))
    }

    /// Creates the configuration of the primary that sentinels call `name`, with the URLs of some or
    /// all of them: `redis://host:26379`, or all `rediss://…` if they and the servers speak TLS.
    ///
    /// Credentials in these URLs are for the sentinels, and the same in all;
    /// [`username`](Self::username) and [`password`](Self::password) are for the servers. One attempt
    /// to connect asks the sentinels in turn, each within its share of
    /// [`connect_timeout`](Self::connect_timeout).
    ///
    /// ```
    /// use cache_redis::RedisConfig;
    ///
    /// let sentinels = ["redis://10.0.0.1:26379", "redis://10.0.0.2:26379"];
    /// let config = RedisConfig::sentinel("main", sentinels)?.password("secret");
    /// assert_eq!(config.to_string(), "redis(main@10.0.0.1:26379,10.0.0.2:26379/0)");
    /// # Ok::<(), cache_redis::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if there is no URL, if one cannot be used, or
    /// if they contradict each other.
    pub fn sentinel(name: &str, urls: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self> {
        let name = split::primary_name("the name of the redis primary", name)?;
        let urls = urls.into_iter().map(|url| Parts::from_url(SENTINEL, url.as_ref()));
        let mut parts = Parts::default();
        let mut sentinels = Vec::new();
        for url in urls {
            sentinels.push(parts.add_sentinel(SENTINEL, url?)?);
        }
        if sentinels.is_empty() {
            return Err(wrong("the list of sentinels", "is empty: name at least one"));
        }
        parts.place = Some(Place::Elected(Election { name, sentinels }));
        parts.config().ok_or_else(|| wrong(SENTINEL, "names no host"))
    }

    /// Creates the configuration of a cluster from the URLs of some of its nodes.
    ///
    /// The others are found through whichever of these answers. All share user, password and TLS,
    /// which the URLs say alike, or [`username`](Self::username) and [`password`](Self::password).
    ///
    /// ```
    /// use cache_redis::RedisConfig;
    ///
    /// let nodes = ["redis://10.0.0.1:7001", "redis://10.0.0.2:7002"];
    /// let config = RedisConfig::cluster(nodes)?.password("secret");
    /// assert_eq!(config.to_string(), "redis(cluster 10.0.0.1:7001,10.0.0.2:7002)");
    /// # Ok::<(), cache_redis::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if there is no URL, if one cannot be used, or
    /// if they contradict each other.
    pub fn cluster(urls: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self> {
        let mut parts = Parts::default();
        let mut nodes = Vec::new();
        for url in urls {
            let url = Parts::from_url(NODE, url.as_ref())?;
            nodes.push(parts.add_node(NODE, url)?);
        }
        let missing = || wrong("the list of nodes", "is empty: name at least one");
        parts.place = Some(Place::Cluster(Seeds::new(nodes).ok_or_else(missing)?));
        parts.config().ok_or_else(missing)
    }

    /// Creates the configuration of a server without credentials.
    pub(crate) fn at(place: Place) -> Self {
        Self {
            endpoint: Endpoint { place, db: 0 },
            read_from_replicas: false,
            tls: false,
            username: None,
            password: None,
            sentinel_username: None,
            sentinel_password: None,
            ca_cert: None,
            client_cert: None,
            connect_timeout: Self::CONNECT_TIMEOUT,
            response_timeout: Self::RESPONSE_TIMEOUT,
        }
    }

    /// Sets the number of the database; 0.
    #[must_use]
    pub fn db(mut self, number: u32) -> Self {
        self.endpoint.db = number;
        self
    }

    /// Sets the ACL user to authenticate as; the default user if there is none.
    #[must_use]
    pub fn username(mut self, username: impl Into<String>) -> Self {
        self.username = Some(username.into());
        self
    }

    /// Sets the password, as it is: not percent-encoded.
    #[must_use]
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// Lets look-ups ask replicas first; for a cluster only, and off unless said otherwise.
    ///
    /// What a replica does not have, its primary is asked for. What it still has is believed, also if
    /// it was changed a moment ago: `docs/topologies.md` says what that weakens.
    #[must_use]
    pub fn read_from_replicas(mut self, wanted: bool) -> Self {
        self.read_from_replicas = wanted;
        self
    }

    /// Sets the ACL user to authenticate as to the sentinels; the default user if there is none.
    #[must_use]
    pub fn sentinel_username(mut self, username: impl Into<String>) -> Self {
        self.sentinel_username = Some(username.into());
        self
    }

    /// Sets the password of the sentinels, as it is: not percent-encoded.
    #[must_use]
    pub fn sentinel_password(mut self, password: impl Into<String>) -> Self {
        self.sentinel_password = Some(password.into());
        self
    }

    /// Sets the authorities to trust, as PEM, in the place of those of the system.
    #[must_use]
    pub fn ca_cert(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca_cert = Some(pem.into());
        self
    }

    /// Sets the certificate to show to the server, with its chain, and its key, both as PEM.
    #[must_use]
    pub fn client_cert(mut self, chain: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.client_cert = Some(ClientCert { chain: chain.into(), key: key.into() });
        self
    }

    /// Sets how long one attempt to connect may take, from the name to the greeting; 1 s.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how long a call waits for its answer if its caller waits that long; 2 s.
    #[must_use]
    pub fn response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }

    /// Checks what depends on more than one setting.
    pub(crate) fn check(&self) -> Result<()> {
        if self.username.is_some() && self.password.is_none() {
            return Err(wrong(
                "the redis user name",
                "has no password: add it, or remove the name",
            ));
        }
        match &self.endpoint.place {
            Place::At(Address::Socket(path)) => self.check_socket(path)?,
            Place::Cluster(_) if self.endpoint.db != 0 => {
                return Err(wrong("a redis cluster", "has database 0 only: name no other"));
            }
            Place::At(Address::Tcp(_)) | Place::Cluster(_) | Place::Elected(_) => {}
        }
        if self.read_from_replicas && !matches!(self.endpoint.place, Place::Cluster(_)) {
            let problem = "needs a cluster, `redis+cluster://`: leave it out for one server";
            return Err(wrong("`read_from_replicas`", problem));
        }
        self.check_sentinels()?;
        if !self.tls && (self.ca_cert.is_some() || self.client_cert.is_some()) {
            let problem = "needs TLS: write `rediss://` in the redis URL, or set REDIS_TLS=true";
            return Err(wrong("a `ca_cert` or `client_cert`", problem));
        }
        if self.connect_timeout.is_zero() || self.response_timeout.is_zero() {
            let problem = "of zero leaves no time at all: leave it out, or set a second";
            return Err(wrong("a `connect_timeout` or `response_timeout`", problem));
        }
        Ok(())
    }

    fn check_sentinels(&self) -> Result<()> {
        let is_set = self.sentinel_username.is_some() || self.sentinel_password.is_some();
        if is_set && !matches!(self.endpoint.place, Place::Elected(_)) {
            let problem = "is of no use without sentinels: remove it, or use `redis+sentinel://`";
            return Err(wrong("a user name or password of sentinels", problem));
        }
        if self.sentinel_username.is_some() && self.sentinel_password.is_none() {
            let problem = "has no password: add it, or remove the name";
            return Err(wrong("the user name of the sentinels", problem));
        }
        Ok(())
    }

    fn check_socket(&self, path: &Path) -> Result<()> {
        if !path.is_absolute() {
            let problem = "is not absolute, such as `/run/redis/redis.sock`: write all of it";
            return Err(wrong("the path of the redis socket", problem));
        }
        if self.ca_cert.is_some() || self.client_cert.is_some() {
            let problem = "is of no use with a unix socket, which has no TLS: remove it";
            return Err(wrong("a `ca_cert` or `client_cert`", problem));
        }
        Ok(())
    }
}

/// What errors call one of several URLs.
const SENTINEL: &str = "the URL of a sentinel";
const NODE: &str = "the URL of a node";

impl fmt::Display for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.endpoint.fmt(f)
    }
}

impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
