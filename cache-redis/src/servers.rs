//! Where commands go: to one server, or to the nodes of a cluster.

use std::fmt;
use std::sync::{Arc, Weak};

use cache_core::backend::{ListenOptions, Listener};
use redis::{Cmd, Pipeline, Value, cmd};

use crate::cluster::Cluster;
use crate::config::RedisConfig;
use crate::dial::Dialer;
use crate::endpoint::Place;
use crate::error::lost;
use crate::followers::Followers;
use crate::link::Link;
use crate::news::Feed;
use crate::supervisor::Supervisor;
use crate::{Result, reply};

/// Where commands go: to one server, or to the nodes of a cluster.
pub(crate) enum Servers {
    Cluster(Cluster),
    One(Supervisor),
    /// One to write to, and its replicas to read from.
    Replicated(Supervisor, Followers),
}

/// What a server answered, refusals included.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) value: Value,
    /// Whether this server tells what others change, and echoes what our scripts write.
    pub(crate) is_listening: bool,
}

/// What commands are for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    /// To take leases, which a server that is full refuses and any other does not.
    Lease,
    Other,
}

impl Servers {
    pub(crate) fn new(config: RedisConfig) -> Result<Self> {
        let with_replicas = config.read_from_replicas;
        let dialer = Dialer::new(config)?;
        Ok(match dialer.endpoint.place.clone() {
            Place::Cluster(seeds) => Self::Cluster(Cluster::new(dialer, seeds, with_replicas)),
            _ if with_replicas => {
                let server = Supervisor::new(dialer);
                let followers = Followers::new(Arc::clone(server.dialer()));
                Self::Replicated(server, followers)
            }
            _ => Self::One(Supervisor::new(dialer)),
        })
    }

    /// Sends commands with one key each, and returns an answer for each, in order.
    ///
    /// A server that cannot be reached fails its own commands only.
    pub(crate) async fn ask(&self, commands: &Pipeline, purpose: Purpose) -> Vec<Result<Answer>> {
        match self {
            Self::Cluster(cluster) => cluster.ask(commands, purpose).await,
            Self::One(server) | Self::Replicated(server, _) => {
                match ask(server, commands, purpose).await {
                    Ok(answers) => answers.into_iter().map(Ok).collect(),
                    Err(error) => vec![Err(error); commands.len()],
                }
            }
        }
    }

    /// Sends one command with one key, and returns its answer.
    pub(crate) async fn ask_one(&self, command: Cmd) -> Result<Answer> {
        let mut commands = Pipeline::with_capacity(1);
        commands.add_command(command);
        self.ask(&commands, Purpose::Other).await.pop().unwrap_or_else(|| Err(lost()))
    }

    /// Sends commands with one key each, each after the one before was performed, and returns their
    /// answers; in a cluster none after the first refusal.
    pub(crate) async fn ask_in_order(&self, commands: &Pipeline) -> Result<Vec<Value>> {
        if self.are_one() {
            let answers = self.ask(commands, Purpose::Other).await;
            return answers.into_iter().map(|answer| Ok(answer?.value)).collect();
        }
        let mut answers = Vec::with_capacity(commands.len());
        for command in commands.cmd_iter() {
            answers.push(self.ask_one(command.clone()).await?.value);
            if matches!(answers.last(), Some(Value::ServerError(_))) {
                break;
            }
        }
        Ok(answers)
    }

    /// Returns the connection to the server that has `key`, and who that is; in a cluster, who all
    /// primaries are together.
    pub(crate) async fn keeper(&self, key: &[u8]) -> Result<(Link, String)> {
        match self {
            Self::Cluster(cluster) => cluster.keeper(key).await,
            Self::One(server) | Self::Replicated(server, _) => {
                let link = server.link().await?;
                let name = link.name().to_owned();
                Ok((link, name))
            }
        }
    }

    /// Reads from replicas that are at hand, a command has no answer where there is none.
    pub(crate) async fn glance(&self, commands: &Pipeline) -> Vec<Option<Value>> {
        match self {
            Self::Cluster(cluster) => cluster.glance(commands).await,
            Self::One(_) => vec![None; commands.len()],
            Self::Replicated(_, followers) => followers.glance(commands).await,
        }
    }

    /// Whether answers may come from replicas.
    pub(crate) fn has_replicas(&self) -> bool {
        match self {
            Self::Cluster(cluster) => cluster.has_replicas(),
            Self::One(_) => false,
            Self::Replicated(..) => true,
        }
    }

    /// Whether all keys are on one server, so that one command can have many of them.
    pub(crate) fn are_one(&self) -> bool {
        !matches!(self, Self::Cluster(_))
    }

    /// Makes the servers tell what others change.
    pub(crate) fn listen(&self, options: &ListenOptions, listener: Weak<dyn Listener>) {
        match self {
            Self::Cluster(cluster) => cluster.listen(options.clone(), listener),
            Self::One(server) | Self::Replicated(server, _) => {
                server.dialer().listen(Feed::new(options.clone(), listener));
            }
        }
    }

    pub(crate) async fn ping(&self) -> Result<()> {
        match self {
            Self::Cluster(cluster) => cluster.ping().await,
            Self::One(server) | Self::Replicated(server, _) => {
                reply::performed(&[server.link().await?.ask_one(cmd("PING")).await?])
            }
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Cluster(cluster) => cluster.close().await,
            Self::One(server) => server.close().await,
            Self::Replicated(server, followers) => {
                followers.close().await;
                server.close().await;
            }
        }
    }
}

impl fmt::Display for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster(cluster) => cluster.endpoint().fmt(f),
            Self::One(server) | Self::Replicated(server, _) => server.dialer().endpoint.fmt(f),
        }
    }
}

async fn ask(server: &Supervisor, commands: &Pipeline, purpose: Purpose) -> Result<Vec<Answer>> {
    let link = server.link().await?;
    let values = link.ask(commands).await?;
    if purpose == Purpose::Lease {
        link.note_full(&server.dialer().endpoint, values.iter().any(reply::is_full));
    }
    let is_listening = link.is_listening();
    Ok(values.into_iter().map(|value| Answer { value, is_listening }).collect())
}
