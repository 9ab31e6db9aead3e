//! One attempt to connect.

use std::future::pending;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Pipeline, ProtocolVersion, PushInfo, RedisConnectionInfo, Value, cmd,
};
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::config::RedisConfig;
use crate::endpoint::{Address, Endpoint, Host, Place};
use crate::error;
use crate::link::Link;
use crate::news::Feed;
use crate::sentinel::{Failure, Sentinels, Stage};
use crate::stream::{self, Stream, within};
use crate::tls::Tls;
use crate::{Error, Result, identity, reply, rights};

/// Connects to one server: its address, a stream, and the greeting over it.
pub(crate) struct Dialer {
    pub(crate) endpoint: Endpoint,
    role: Role,
    route: Route,
    tls: Option<Tls>,
    login: RedisConnectionInfo,
    connect_timeout: Duration,
    response_timeout: Duration,
    feed: OnceLock<Arc<Feed>>,
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
    /// A replica outside cluster mode, to read from.
    Follower,
}

/// The way to the server.
enum Route {
    At(Address),
    Through(Sentinels),
}

impl Route {
    fn new(config: &RedisConfig, tls: Option<&Tls>) -> Self {
        match &config.endpoint.place {
            Place::At(address) => Self::At(address.clone()),
            // For those who ask no more than who the others are.
            Place::Cluster(seeds) => Self::At(Address::Tcp(seeds.first.clone())),
            Place::Elected(election) => {
                let login = login(&config.sentinel_username, &config.sentinel_password);
                Self::Through(Sentinels::new(election.clone(), login, tls.cloned()))
            }
        }
    }
}

/// A fresh connection, and what must be polled for it to work; that ends when it is lost.
pub(crate) struct Opened {
    pub(crate) link: Link,
    pub(crate) driver: BoxFuture<'static, ()>,
    /// What sentinels take for the primary, if that is it.
    pub(crate) elected: Option<Host>,
}

impl Dialer {
    pub(crate) fn new(config: RedisConfig) -> Result<Self> {
        config.check()?;
        let tls = config.tls.then(|| Tls::new(&config)).transpose()?;
        Ok(Self {
            route: Route::new(&config, tls.as_ref()),
            tls,
            login: login(&config.username, &config.password).set_db(config.endpoint.db.into()),
            connect_timeout: config.connect_timeout,
            response_timeout: config.response_timeout,
            endpoint: config.endpoint,
            role: Role::Alone,
            feed: OnceLock::new(),
        })
    }

    /// Returns a dialer for another server of the same owner.
    pub(crate) fn at(&self, host: Host, role: Role) -> Self {
        let address = Address::Tcp(host);
        Self {
            endpoint: Endpoint { place: Place::At(address.clone()), db: self.endpoint.db },
            role,
            route: Route::At(address),
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
        let _ = self.feed.set(Arc::new(feed));
    }

    pub(crate) fn feed(&self) -> Option<&Feed> {
        self.feed.get().map(|feed| &**feed)
    }

    /// Connects, or says which step failed.
    pub(crate) async fn dial(&self) -> Result<Opened> {
        let deadline = Instant::now() + self.connect_timeout;
        match &self.route {
            Route::At(address) => self.connect(address, deadline).await,
            Route::Through(sentinels) => self.elect(sentinels, deadline).await,
        }
    }

    /// Returns the longest pause between two attempts.
    pub(crate) fn longest_pause(&self) -> Duration {
        match self.route {
            Route::At(_) => Backoff::LONGEST,
            Route::Through(_) => Backoff::LONGEST_BY_SENTINELS,
        }
    }

    /// Returns the sentinels, if they know the server.
    pub(crate) fn sentinels(&self) -> Option<&Sentinels> {
        match &self.route {
            Route::At(_) => None,
            Route::Through(sentinels) => Some(sentinels),
        }
    }

    /// Returns how often to ask who is there, so that changes are noticed in time.
    pub(crate) fn every(&self) -> Duration {
        const OFTEN: Duration = Duration::from_secs(1);
        self.feed().map_or(OFTEN, |feed| feed.max_silence() / 2)
    }

    /// Waits until the sentinels name another server than the one that is connected.
    pub(crate) async fn replaced(&self, elected: Option<&Host>) -> Error {
        match (&self.route, elected) {
            (Route::Through(sentinels), Some(host)) => sentinels.replaced(host, self.every()).await,
            _ => pending().await,
        }
    }

    /// Connects to the server that a sentinel names, if that says itself that it is a primary.
    async fn elect(&self, sentinels: &Sentinels, deadline: Instant) -> Result<Opened> {
        let (mut tried, mut furthest) = (Vec::new(), None::<Failure>);
        for (index, deadline) in sentinels.in_turn(deadline) {
            let failure = match sentinels.ask(index, deadline).await {
                Ok(host) if tried.contains(&host) => continue,
                Ok(host) => match self.connect(&Address::Tcp(host.clone()), deadline).await {
                    Ok(opened) => {
                        sentinels.prefer(index);
                        return Ok(Opened { elected: Some(host), ..opened });
                    }
                    Err(error) => {
                        tried.push(host);
                        Failure { stage: Stage::Use, error }
                    }
                },
                Err(failure) => failure,
            };
            if furthest.as_ref().is_none_or(|furthest| furthest.stage < failure.stage) {
                furthest = Some(failure);
            }
        }
        Err(furthest.map_or_else(error::lost, error::no_primary))
    }

    async fn connect(&self, address: &Address, deadline: Instant) -> Result<Opened> {
        let stream = stream::open(address, self.tls.as_ref(), deadline).await?;
        let greeting = within(deadline, NO_GREETING, self.greet(stream)).await;
        let Err(error) = greeting else { return greeting };
        if self.tls.is_none() && error::is_cut_short(&error) {
            let said = stream::unasked(address, deadline).await;
            return Err(said.and_then(|line| error::said(&line)).unwrap_or(error));
        }
        Err(error)
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
            link = self.prepare(link) => Ok(Opened { link: link?, driver, elected: None }),
            () = &mut driver => Err(error::lost()),
        }
    }

    /// Sees that the server is what it must be, and asks it to tell what others change.
    async fn prepare(&self, mut link: Link) -> Result<Link> {
        match self.role {
            Role::Alone | Role::Primary => link = self.meet(link).await?,
            Role::Follower | Role::Member => {}
            Role::Replica => reply::performed(&[link.ask_one(cmd("READONLY")).await?])?,
        }
        let Some(feed) = self.feed.get() else { return Ok(link) };
        let link = self.test_scripts(link, feed).await?;
        match link.ask_one(feed.request()).await? {
            Value::ServerError(refusal) => self.subscribe(link, feed, refusal.code()).await,
            _ => Ok(link.listening()),
        }
    }

    /// Sees that the server is one to write to, and asks who it is.
    async fn meet(&self, link: Link) -> Result<Link> {
        let mut questions = Pipeline::with_capacity(2);
        questions.add_command(cmd("HELLO"));
        questions.add_command(identity::question());
        let answers = link.ask(&questions).await?;
        let [hello, info] = &answers[..] else { return Err(error::lost()) };
        self.check(hello)?;
        let name = identity::name(info);
        if name.is_empty() {
            let code = rights::refusal(info).unwrap_or("-");
            let effect = "each new connection ends everything: allow the user `+info`";
            tracing::warn!(
                name: "redis.nameless",
                target: crate::TARGET,
                server = %self.endpoint,
                code,
                effect,
                "it does not say who it is",
            );
        }
        Ok(link.named(name).advised(identity::advice(info)))
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

    async fn test_scripts(&self, link: Link, feed: &Feed) -> Result<Link> {
        let Some(code) = link.refusal_of_scripts(feed).await? else { return Ok(link) };
        let effect = "nothing is filled: allow the user `+eval +evalsha +getrange +exists`";
        tracing::warn!(
            name: "redis.scripts_refused",
            target: crate::TARGET,
            server = %self.endpoint,
            code,
            effect,
            "scripts refused",
        );
        Ok(link.without_scripts())
    }

    /// Makes do with what other instances publish, where the server does not tell by itself.
    async fn subscribe(&self, link: Link, feed: &Arc<Feed>, code: &str) -> Result<Link> {
        let answers =
            [link.ask_one(feed.subscription()).await?, link.ask_one(feed.publication(&[])).await?];
        let is_done = answers.each_ref().map(|answer| !matches!(answer, Value::ServerError(_)));
        let effect = match is_done {
            [true, true] => "only changes by instances of this library are heard",
            [true, false] => "other instances do not hear this one: allow the user `+publish`",
            [false, true] => "this instance hears of no changes: allow the user `+subscribe`",
            [false, false] => "no changes are heard: allow the user `+client|tracking`",
        };
        tracing::warn!(
            name: "redis.news_refused",
            target: crate::TARGET,
            server = %self.endpoint,
            code,
            effect,
            "news of changes refused",
        );
        let link = if is_done[0] { link.subscribed() } else { link };
        Ok(if is_done[1] { link.publishing(Arc::clone(feed)) } else { link })
    }
}

const NO_GREETING: &str =
    "redis took the connection but does not answer: it hangs, or it wants TLS (`rediss://`)";

fn login(username: &Option<String>, password: &Option<String>) -> RedisConnectionInfo {
    let mut login = RedisConnectionInfo::default()
        .set_protocol(ProtocolVersion::RESP3)
        .set_lib_name("cache-aside", env!("CARGO_PKG_VERSION"));
    if let Some(username) = username {
        login = login.set_username(username);
    }
    if let Some(password) = password {
        login = login.set_password(password);
    }
    login
}
