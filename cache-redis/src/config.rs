//! How to reach Redis, checked when it is said.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Result;
use crate::endpoint::{Address, Endpoint};
use crate::error::wrong;
use crate::parts::Parts;

/// How to reach one Redis or Valkey server.
///
/// `Debug` and `Display` show the address and the database, never credentials.
#[derive(Clone)]
pub struct RedisConfig {
    pub(crate) endpoint: Endpoint,
    pub(crate) read_from_replicas: bool,
    pub(crate) tls: bool,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
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

    /// Reads `redis://user:password@host:port/db`; with TLS, `rediss://…`; for a unix socket,
    /// `unix://user:password@/path/to/redis.sock?db=0`; for a cluster, from some of its nodes,
    /// `redis+cluster://user:password@host1:port,host2:port`, with TLS `rediss+cluster://…`.
    ///
    /// Everything but the host or the path can be left out. `valkey://`, `valkeys://`,
    /// `redis+unix://` and `valkey+unix://` are the same. Special characters are percent-encoded,
    /// `#` as `%23`.
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
        Self::at(Endpoint { address: Address::Socket(path.into()), db: 0 })
    }

    /// Creates the configuration of a cluster from the URLs of some of its nodes.
    ///
    /// The others are found through whichever of these answers. What the first URL says besides the
    /// host counts for all nodes, those found later too; another may repeat it or leave it out.
    /// [`RedisConfig::new`] takes `redis+cluster://user:password@host1:7001,host2:7002` instead.
    ///
    /// ```
    /// use cache_redis::RedisConfig;
    ///
    /// let config = RedisConfig::cluster(["rediss://app:secret@a:7001", "rediss://b:7002"])?;
    /// assert_eq!(config.to_string(), "redis(cluster a:7001,b:7002)");
    /// # Ok::<(), cache_redis::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if there is no URL, or one that
    /// [`RedisConfig::new`] would not take, or if two contradict each other.
    pub fn cluster<U: AsRef<str>>(urls: impl IntoIterator<Item = U>) -> Result<Self> {
        let name = "a redis URL";
        let parts = urls.into_iter().map(|url| Parts::from_url(name, url.as_ref()));
        let parts = Parts::joined(name, parts.collect::<Result<_>>()?)?;
        parts.config().ok_or_else(|| wrong(name, "is missing: name a node of the cluster"))
    }

    /// Creates the configuration of a server without credentials.
    pub(crate) fn at(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            read_from_replicas: false,
            tls: false,
            username: None,
            password: None,
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

    /// Lets look-ups ask replicas first; only for a cluster.
    ///
    /// What a replica does not have yet, the primary is asked for. What it still has, though it was
    /// changed, is believed: see `docs/topologies.md` for what that weakens.
    #[must_use]
    pub fn read_from_replicas(mut self, wanted: bool) -> Self {
        self.read_from_replicas = wanted;
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
        let is_cluster = matches!(self.endpoint.address, Address::Cluster(_));
        if is_cluster && self.endpoint.db != 0 {
            return Err(wrong("a redis cluster", "has database 0 only: name no other"));
        }
        if self.read_from_replicas && !is_cluster {
            let problem = "needs a cluster, `redis+cluster://`: leave it out for one server";
            return Err(wrong("`read_from_replicas`", problem));
        }
        if let Address::Socket(path) = &self.endpoint.address {
            self.check_socket(path)?;
        }
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
