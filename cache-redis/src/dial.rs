//! One attempt to connect.

use std::sync::OnceLock;
use std::time::Duration;

use futures_util::future::{BoxFuture, select_ok};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ProtocolVersion, PushInfo, RedisConnectionInfo, Value};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};

use crate::Result;
use crate::config::RedisConfig;
use crate::endpoint::Endpoint;
use crate::error;
use crate::link::Link;
use crate::news::Feed;
use crate::tls::Tls;

/// Connects to one server: name, TCP, TLS, greeting.
pub(crate) struct Dialer {
    pub(crate) endpoint: Endpoint,
    tls: Option<Tls>,
    login: RedisConnectionInfo,
    connect_timeout: Duration,
    response_timeout: Duration,
    feed: OnceLock<Feed>,
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
            feed: OnceLock::new(),
        })
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
        let socket = self.reach(deadline).await?;
        match &self.tls {
            None => within(deadline, NO_GREETING, self.greet(socket)).await,
            Some(tls) => {
                let stream = within(deadline, NO_HANDSHAKE, tls.wrap(socket)).await?;
                within(deadline, NO_GREETING, self.greet(stream)).await
            }
        }
    }

    /// Opens a TCP connection, to whichever address of the host answers first.
    async fn reach(&self, deadline: Instant) -> Result<TcpStream> {
        let Endpoint { host, port, .. } = &self.endpoint;
        let addresses = async {
            let found = lookup_host((host.as_str(), *port)).await.map_err(error::unresolved)?;
            Ok(found.map(|address| Box::pin(TcpStream::connect(address))).collect::<Vec<_>>())
        };
        let attempts = within(deadline, NO_ADDRESS, addresses).await?;
        if attempts.is_empty() {
            return Err(error::unresolved(std::io::ErrorKind::NotFound.into()));
        }
        let socket = async { select_ok(attempts).await.map_err(error::unreachable) };
        let (socket, _) = within(deadline, NO_CONNECTION, socket).await?;
        tune(&socket).map_err(error::unreachable)?;
        Ok(socket)
    }

    /// Authenticates, selects the database, and sees that the server is one to write to.
    async fn greet<S>(&self, stream: S) -> Result<Opened>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
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

    /// Sees that the server is one to write to, and asks it to tell what others change.
    async fn prepare(&self, link: Link) -> Result<Link> {
        if link.is_replica().await? {
            return Err(error::replica());
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
}

const NO_ADDRESS: &str = "the host name of redis took too long to resolve: check the DNS";
const NO_CONNECTION: &str =
    "redis did not take the connection within `connect_timeout`: check host, port and firewall";
const NO_HANDSHAKE: &str =
    "redis did not answer the TLS handshake in time: use `redis://` if it does not speak TLS there";
const NO_GREETING: &str =
    "redis took the connection but does not answer: it hangs, or it wants TLS (`rediss://`)";

/// Takes one step of several that share a deadline.
async fn within<T>(
    deadline: Instant,
    late: &str,
    step: impl Future<Output = Result<T>>,
) -> Result<T> {
    timeout_at(deadline, step).await.unwrap_or_else(|_| Err(error::down(late)))
}

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

/// Sends small commands at once, and notices a peer that went away without a word.
fn tune(socket: &TcpStream) -> std::io::Result<()> {
    const IDLE: Duration = Duration::from_secs(15);
    const BETWEEN: Duration = Duration::from_secs(5);
    socket.set_nodelay(true)?;
    let socket = SockRef::from(socket);
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(IDLE).with_interval(BETWEEN))?;
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    {
        const UNACKNOWLEDGED: Duration = Duration::from_secs(10);
        socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    }
    Ok(())
}
