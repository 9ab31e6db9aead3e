//! One attempt to connect.

use std::sync::OnceLock;
use std::time::Duration;

use futures_util::future::BoxFuture;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ProtocolVersion, PushInfo, RedisConnectionInfo, Value, cmd};
use tokio::time::Instant;

use crate::config::RedisConfig;
use crate::endpoint::{Address, Endpoint, Host};
use crate::error;
use crate::link::Link;
use crate::news::Feed;
use crate::stream::{self, Stream, within};
use crate::tls::Tls;
use crate::{Result, reply};

/// Connects to one server: a stream, and the greeting over it.
pub(crate) struct Dialer {
    pub(crate) endpoint: Endpoint,
    role: Role,
    tls: Option<Tls>,
    login: RedisConnectionInfo,
    connect_timeout: Duration,
    response_timeout: Duration,
    feed: OnceLock<Feed>,
}

/// What a server must be for a connection to it to be of use.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Role {
    /// A primary outside cluster mode.
    Alone,
    /// Any node of a cluster, to be asked about the others.
    Member,
    /// A primary of a cluster.
    Primary,
    /// A replica of a cluster, to read from.
    Replica,
}

/// A fresh connection, and what must be polled for it to work; that ends when it is lost.
pub(crate) struct Opened {
    pub(crate) link: Link,
    pub(crate) driver: BoxFuture<'static, ()>,
}

impl Dialer {
    pub(crate) fn new(config: RedisConfig) -> Result<Self> {
        config.check()?;
        Ok(Self {
            tls: config.tls.then(|| Tls::new(&config)).transpose()?,
            login: login(&config),
            connect_timeout: config.connect_timeout,
            response_timeout: config.response_timeout,
            endpoint: config.endpoint,
            role: Role::Alone,
            feed: OnceLock::new(),
        })
    }

    /// Returns a dialer for another server of the same owner.
    pub(crate) fn at(&self, host: Host, role: Role) -> Self {
        Self {
            endpoint: Endpoint { address: Address::Tcp(host), db: 0 },
            role,
            tls: self.tls.clone(),
            login: self.login.clone(),
            connect_timeout: self.connect_timeout,
            response_timeout: self.response_timeout,
            feed: OnceLock::new(),
        }
    }

    /// Makes connections opened from now on tell what others change.
    pub(crate) fn listen(&self, feed: Feed) {
        // The contract is one call; a second listener is not heard.
        let _ = self.feed.set(feed);
    }

    pub(crate) fn feed(&self) -> Option<&Feed> {
        self.feed.get()
    }

    /// Connects, or says which step failed.
    pub(crate) async fn dial(&self) -> Result<Opened> {
        let deadline = Instant::now() + self.connect_timeout;
        let stream = stream::open(&self.endpoint.address, self.tls.as_ref(), deadline).await?;
        within(deadline, NO_GREETING, self.greet(stream)).await
    }

    /// Authenticates, selects the database, and sees that the server is one to write to.
    async fn greet(&self, stream: Box<dyn Stream>) -> Result<Opened> {
        // The supervisor and the callers have their own deadlines.
        let mut config = AsyncConnectionConfig::new().set_response_timeout(None);
        if let Some(feed) = self.feed.get().cloned() {
            config = config.set_push_sender(move |push: PushInfo| {
                feed.pushed(&push);
                Ok::<(), ()>(())
            });
        }
        let greeting = MultiplexedConnection::new_with_config(&self.login, stream, config).await;
        let (wire, driver) =
            greeting.map_err(|cause| error::no_greeting(cause, self.tls.is_some()))?;
        let link = Link::new(wire, self.response_timeout);
        let mut driver: BoxFuture<'static, ()> = Box::pin(driver);
        tokio::select! {
            link = self.prepare(link) => Ok(Opened { link: link?, driver }),
            () = &mut driver => Err(error::lost()),
        }
    }

    /// Sees that the server is what it must be, and asks it to tell what others change.
    async fn prepare(&self, link: Link) -> Result<Link> {
        match self.role {
            Role::Alone | Role::Primary => self.check(&link.hello().await?)?,
            Role::Member => {}
            Role::Replica => reply::performed(&[link.ask_one(cmd("READONLY")).await?])?,
        }
        let Some(feed) = self.feed.get() else { return Ok(link) };
        match link.ask_one(feed.request()).await? {
            Value::ServerError(refusal) => {
                let code = refusal.code();
                tracing::warn!(server = %self.endpoint, code, "news of changes refused");
                Ok(link)
            }
            _ => Ok(link.listening()),
        }
    }

    /// Sees that the server is one to write to, from what it says of itself.
    fn check(&self, hello: &Value) -> Result<()> {
        if reply::field(hello, "role") == Some(b"replica") {
            return Err(error::replica());
        }
        if self.role == Role::Alone && reply::field(hello, "mode") == Some(b"cluster") {
            return Err(error::cluster_mode());
        }
        Ok(())
    }
}

const NO_GREETING: &str =
    "redis took the connection but does not answer: it hangs, or it wants TLS (`rediss://`)";

fn login(config: &RedisConfig) -> RedisConnectionInfo {
    let mut login = RedisConnectionInfo::default()
        .set_protocol(ProtocolVersion::RESP3)
        .set_lib_name("cache-aside", env!("CARGO_PKG_VERSION"))
        .set_db(config.endpoint.db.into());
    if let Some(username) = &config.username {
        login = login.set_username(username);
    }
    if let Some(password) = &config.password {
        login = login.set_password(password);
    }
    login
}
