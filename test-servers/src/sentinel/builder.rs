//! Describes servers and their sentinels, then starts them.

use super::{SentinelSet, health};
use crate::group::{Group, Role};
use crate::settings::quoted;
use crate::wait::{self, GROUP_LIMIT};
use crate::{Builder, Error, Flavour, Server};

/// How many sentinels there are; two of them are a majority, and the quorum.
const SENTINELS: usize = 3;

/// A description of servers with sentinels.
#[derive(Clone, Debug)]
pub struct SentinelBuilder {
    servers: Builder,
    sentinels: Builder,
}

impl SentinelBuilder {
    /// Creates the description of servers and sentinels that are open to everybody.
    pub fn new(flavour: Flavour) -> Self {
        Self { servers: Builder::new(flavour), sentinels: Builder::new(flavour) }
    }

    /// Has all speak TLS, with certificates of one authority; those of clients are optional.
    pub fn tls(self) -> Self {
        Self { servers: self.servers.tls(), sentinels: self.sentinels.tls() }
    }

    /// Sets the password of the primary and of the replica.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.servers = self.servers.password(password);
        self
    }

    /// Sets the password of the sentinels, for clients and among themselves.
    pub fn sentinel_password(mut self, password: impl Into<String>) -> Self {
        self.sentinels = self.sentinels.password(password);
        self
    }

    /// Adds a line to the configuration file of the primary and of the replica.
    pub fn config(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.servers = self.servers.config(name, value);
        self
    }

    /// Starts everything and waits until a failover is possible.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if the program is missing and that was noted in the file named by
    /// `CACHE_ASIDE_NOT_RUN`, containers being no substitute; [`Error::Failed`] if the servers and
    /// sentinels do not find each other.
    ///
    /// # Panics
    ///
    /// If the program is missing and there is no file to note that in.
    pub fn start(self) -> Result<SentinelSet, Error> {
        let group = Group::new(Role::Member)?;
        let sentinels = self.sentinels.clone().group(group.with_role(Role::Sentinel));
        let member = self.servers.clone().group(group);
        let primary = member.clone().start()?;
        let target = format!("{} {}", primary.host(), primary.port());
        let replica = member.config("replicaof", target).start()?;
        let sentinels = self.watch(sentinels, &primary);
        let start = || {
            let sentinel = sentinels.clone().start()?;
            hurry(&sentinel).map(|()| sentinel)
        };
        let sentinels = (0..SENTINELS).map(|_| start()).collect::<Result<_, _>>()?;
        let set = SentinelSet { servers: [primary, replica], sentinels };
        wait::until(GROUP_LIMIT, || health::check(&set))?;
        Ok(set)
    }

    /// Has sentinels watch a primary.
    fn watch(&self, sentinels: Builder, primary: &Server) -> Builder {
        let (name, host, port) = (SentinelSet::NAME, primary.host(), primary.port());
        let mut lines = vec![
            format!("monitor {name} {host} {port} 2"),
            format!("down-after-milliseconds {name} 1000"),
            format!("failover-timeout {name} 2000"),
        ];
        let secret = self.servers.secret().map(quoted);
        lines.extend(secret.map(|secret| format!("auth-pass {name} {secret}")));
        let secret = self.sentinels.secret().map(quoted);
        lines.extend(secret.map(|secret| format!("sentinel-pass {secret}")));
        lines.into_iter().fold(sentinels, |sentinels, line| sentinels.config("sentinel", line))
    }
}

impl From<Flavour> for SentinelBuilder {
    fn from(flavour: Flavour) -> Self {
        Self::new(flavour)
    }
}

/// Has a sentinel look and tell more often, and not mind a machine that is busy for a while.
///
/// By default it tells others every two seconds and looks for replicas every ten, and a pause of two
/// seconds silences it for thirty. A server that changes its role drops its links; a sentinel is
/// back after a ping's period, which must be well below the time after which silence is death. But
/// replicas are asked once a second then, and are unfit after five pings' periods without an answer.
fn hurry(sentinel: &Server) -> Result<(), Error> {
    let periods = [
        ("ask-period", "300"),
        ("info-period", "500"),
        ("ping-period", "400"),
        ("publish-period", "400"),
        ("tilt-period", "1000"),
        ("tilt-trigger", "30000"),
    ];
    let words = ["SENTINEL", "DEBUG"].into_iter();
    let words: Vec<_> =
        words.chain(periods.into_iter().flat_map(|(name, time)| [name, time])).collect();
    sentinel.demand(&words)?;
    Ok(())
}
