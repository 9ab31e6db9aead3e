//! Where commands go: to one server, or to the nodes of a cluster.

use std::fmt;
use std::sync::Weak;

use cache_core::backend::{ListenOptions, Listener};
use redis::{Cmd, Pipeline, Value, cmd};

use crate::cluster::Cluster;
use crate::config::RedisConfig;
use crate::dial::Dialer;
use crate::endpoint::Place;
use crate::error::lost;
use crate::news::Feed;
use crate::supervisor::Supervisor;
use crate::{Result, reply};

/// Where commands go: to one server, or to the nodes of a cluster.
pub(crate) enum Servers {
    Cluster(Cluster),
    One(Supervisor),
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
            _ => Self::One(Supervisor::new(dialer)),
        })
    }

    /// Sends commands with one key each, and returns an answer for each, in order.
    ///
    /// A server that cannot be reached fails its own commands only.
    pub(crate) async fn ask(&self, commands: &Pipeline, purpose: Purpose) -> Vec<Result<Answer>> {
        match self {
            Self::Cluster(cluster) => cluster.ask(commands, purpose).await,
            Self::One(server) => match ask(server, commands, purpose).await {
                Ok(answers) => answers.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error); commands.len()],
            },
        }
    }

    /// Sends one command with one key, and returns its answer.
    pub(crate) async fn ask_one(&self, command: Cmd) -> Result<Answer> {
        let mut commands = Pipeline::with_capacity(1);
        commands.add_command(command);
        self.ask(&commands, Purpose::Other).await.pop().unwrap_or_else(|| Err(lost()))
    }

    /// Sends commands with one key each, and sees that each is performed before the next.
    pub(crate) async fn perform(&self, commands: &Pipeline) -> Result<()> {
        let Self::Cluster(cluster) = self else {
            let answers = self.ask(commands, Purpose::Other).await;
            return answers.into_iter().try_for_each(|answer| reply::performed(&[answer?.value]));
        };
        for command in commands.cmd_iter() {
            let mut one = Pipeline::with_capacity(1);
            one.add_command(command.clone());
            let answers = cluster.ask(&one, Purpose::Other).await;
            answers.into_iter().try_for_each(|answer| reply::performed(&[answer?.value]))?;
        }
        Ok(())
    }

    /// Reads from replicas that are at hand, a command has no answer where there is none.
    pub(crate) async fn glance(&self, commands: &Pipeline) -> Vec<Option<Value>> {
        match self {
            Self::Cluster(cluster) => cluster.glance(commands).await,
            Self::One(_) => vec![None; commands.len()],
        }
    }

    /// Whether answers may come from replicas.
    pub(crate) fn has_replicas(&self) -> bool {
        matches!(self, Self::Cluster(cluster) if cluster.has_replicas())
    }

    /// Whether all keys are on one server, so that one command can have many of them.
    pub(crate) fn are_one(&self) -> bool {
        matches!(self, Self::One(_))
    }

    /// Makes the servers tell what others change.
    pub(crate) fn listen(&self, options: &ListenOptions, listener: Weak<dyn Listener>) {
        match self {
            Self::Cluster(cluster) => cluster.listen(options.clone(), listener),
            Self::One(server) => server.dialer().listen(Feed::new(options.clone(), listener)),
        }
    }

    pub(crate) async fn ping(&self) -> Result<()> {
        match self {
            Self::Cluster(cluster) => cluster.ping().await,
            Self::One(server) => {
                reply::performed(&[server.link().await?.ask_one(cmd("PING")).await?])
            }
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Cluster(cluster) => cluster.close().await,
            Self::One(server) => server.close().await,
        }
    }
}

impl fmt::Display for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster(cluster) => cluster.endpoint().fmt(f),
            Self::One(server) => server.dialer().endpoint.fmt(f),
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
