//! Sentinels: who knows which server is the primary now.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisConnectionInfo, Value, cmd};
use tokio::time::{Instant, sleep, timeout_at};

use crate::endpoint::{Address, Election, Host};
use crate::error::{self, down};
use crate::parts::is_host;
use crate::stream;
use crate::tls::Tls;
use crate::{Error, Result, reply};

/// The sentinels that watch over one primary.
pub(crate) struct Sentinels {
    election: Election,
    login: RedisConnectionInfo,
    tls: Option<Tls>,
    /// The one to ask first: it was right the last time.
    first: AtomicUsize,
}

/// How far the way through one sentinel led. Of several, the furthest says the most.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Stage {
    /// It does not answer.
    Reach,
    /// It refuses to answer.
    Ask,
    /// It does not know the primary's name.
    Know,
    /// It names a server that cannot be used.
    Use,
}

/// Why the way through one sentinel ended, and where.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) stage: Stage,
    pub(crate) error: Error,
}

impl Sentinels {
    pub(crate) fn new(election: Election, login: RedisConnectionInfo, tls: Option<Tls>) -> Self {
        Self { election, login, tls, first: AtomicUsize::new(0) }
    }

    /// Returns all sentinels in the order to ask them, each with the moment until which it may take:
    /// those after it have their share of the time too.
    pub(crate) fn in_turn(&self, deadline: Instant) -> impl Iterator<Item = (usize, Instant)> {
        let count = self.election.sentinels.len();
        let first = self.first.load(Ordering::Relaxed);
        (0..count).map(move |turn| {
            let now = Instant::now();
            let left = u32::try_from(count - turn).unwrap_or(u32::MAX);
            let share = deadline.saturating_duration_since(now) / left;
            ((first + turn) % count, now + share)
        })
    }

    /// Asks this sentinel first from now on.
    pub(crate) fn prefer(&self, index: usize) {
        self.first.store(index, Ordering::Relaxed);
    }

    /// Returns the server that one sentinel takes for the primary.
    pub(crate) async fn ask(&self, index: usize, deadline: Instant) -> Result<Host, Failure> {
        let answer = async {
            let line = self.open(index, deadline).await?;
            line.ask(&self.election.name).await
        };
        let late = |_| Err(Failure { stage: Stage::Reach, error: down(NO_ANSWER) });
        timeout_at(deadline, answer).await.unwrap_or_else(late).map(|(_, host)| host)
    }

    /// Waits until more sentinels name another server than name `host`.
    ///
    /// One of them alone may be cut off from the others together with an old primary.
    pub(crate) async fn replaced(&self, host: &Host, every: Duration) -> Error {
        let mut lines: Vec<_> = self.election.sentinels.iter().map(|_| None).collect();
        loop {
            sleep(every).await;
            let deadline = Instant::now() + every;
            let asked = lines.iter_mut().enumerate();
            let votes = asked.map(|(index, line)| self.vote(index, line, deadline));
            let votes = join_all(votes).await;
            if let Some(index) = outvoted(&votes, host) {
                self.prefer(index);
                return error::replaced();
            }
        }
    }

    /// Returns the replicas that hear their primary, as one sentinel lists them: over the line that is
    /// open, or else by whoever answers, whose line is left open.
    pub(crate) async fn replicas(
        &self,
        open: &mut Option<Line>,
        deadline: Instant,
    ) -> Option<Vec<Host>> {
        if let Some(line) = open.take()
            && let Ok(Ok((line, hosts))) =
                timeout_at(deadline, line.replicas(&self.election.name)).await
        {
            *open = Some(line);
            return Some(hosts);
        }
        for (index, deadline) in self.in_turn(deadline) {
            let answer = async {
                let line = self.open(index, deadline).await?;
                line.replicas(&self.election.name).await
            };
            if let Ok(Ok((line, hosts))) = timeout_at(deadline, answer).await {
                *open = Some(line);
                return Some(hosts);
            }
        }
        None
    }

    /// Asks over an open line, or a new one; leaves it open for the next time.
    async fn vote(&self, index: usize, open: &mut Option<Line>, deadline: Instant) -> Option<Host> {
        let answer = async {
            let line = match open.take() {
                Some(line) => line,
                None => self.open(index, deadline).await?,
            };
            line.ask(&self.election.name).await
        };
        let (line, host) = timeout_at(deadline, answer).await.ok()?.ok()?;
        *open = Some(line);
        Some(host)
    }

    async fn open(&self, index: usize, deadline: Instant) -> Result<Line, Failure> {
        let address = Address::Tcp(self.election.sentinels[index].clone());
        let unreachable = |error| Failure { stage: Stage::Reach, error };
        let stream = stream::open(&address, self.tls.as_ref(), deadline).await;
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let stream = stream.map_err(unreachable)?;
        let greeting = MultiplexedConnection::new_with_config(&self.login, stream, config).await;
        let (wire, driver) = greeting.map_err(|cause| match cause.code() {
            Some(code) => Failure { stage: Stage::Ask, error: error::no_sentinel(code) },
            None => unreachable(error::no_greeting(cause, self.tls.is_some())),
        })?;
        Ok(Line { wire, driver: Box::pin(driver) })
    }
}

const NO_ANSWER: &str = "it does not answer in its share of `connect_timeout`";

/// A connection to one sentinel. Works only while it is asked something.
pub(crate) struct Line {
    wire: MultiplexedConnection,
    driver: BoxFuture<'static, ()>,
}

impl Line {
    /// Asks for the primary; the line is gone if there is no answer.
    async fn ask(self, name: &str) -> Result<(Self, Host), Failure> {
        let (line, answer) = self.send("GET-MASTER-ADDR-BY-NAME", name).await?;
        Ok((line, named(&answer)?))
    }

    /// Asks for the replicas; the line is gone if there is no answer.
    async fn replicas(self, name: &str) -> Result<(Self, Vec<Host>), Failure> {
        let (line, answer) = self.send("REPLICAS", name).await?;
        match &answer {
            Value::Array(replicas) => Ok((line, replicas.iter().filter_map(replica).collect())),
            answer => Err(named(answer).err().unwrap_or_else(garbage)),
        }
    }

    async fn send(mut self, question: &str, name: &str) -> Result<(Self, Value), Failure> {
        let mut command = cmd("SENTINEL");
        command.arg(question).arg(name);
        let lost = || Failure { stage: Stage::Reach, error: error::lost() };
        let answer = tokio::select! {
            biased;
            answer = self.wire.send_packed_command(&command) => answer.map_err(|_| lost())?,
            () = &mut self.driver => return Err(lost()),
        };
        Ok((self, answer))
    }
}

/// Reads a sentinel's answer.
pub(crate) fn named(answer: &Value) -> Result<Host, Failure> {
    match answer {
        Value::Nil => Err(Failure { stage: Stage::Know, error: down(UNKNOWN) }),
        Value::ServerError(refusal) => {
            Err(Failure { stage: Stage::Ask, error: error::no_sentinel(refusal.code()) })
        }
        answer => address(answer).ok_or_else(garbage),
    }
}

fn garbage() -> Failure {
    Failure { stage: Stage::Ask, error: error::no_sentinel("") }
}

/// Reads one of the replicas that a sentinel lists; `None` if it does not hear its primary.
pub(crate) fn replica(answer: &Value) -> Option<Host> {
    let field = |name| reply::field(answer, name);
    let is_heard = field("master-link-status") == Some(b"ok");
    let (name, port) = (field("ip")?, field("port")?);
    let pair = [name, port].map(|bytes| Value::BulkString(bytes.to_vec()));
    address(&Value::Array(pair.into())).filter(|_| is_heard)
}

const UNKNOWN: &str = "the sentinels do not know a primary of that name: use the one of their \
                       `sentinel monitor`";

fn address(answer: &Value) -> Option<Host> {
    let Value::Array(fields) = answer else { return None };
    let [Value::BulkString(name), Value::BulkString(port)] = &fields[..] else { return None };
    let name = std::str::from_utf8(name).ok().filter(|name| is_host(name))?;
    let port = std::str::from_utf8(port).ok()?.parse().ok().filter(|port| *port > 0)?;
    Some(Host { name: name.to_owned(), port })
}

/// Returns a sentinel that names another server than `host`, if more agree with it than on `host`.
pub(crate) fn outvoted(votes: &[Option<Host>], host: &Host) -> Option<usize> {
    let mut counts: HashMap<(&str, u16), usize> = HashMap::new();
    let named = || votes.iter().flatten();
    named().for_each(|vote| *counts.entry((vote.name.as_str(), vote.port)).or_default() += 1);
    let count = |host: &Host| counts.get(&(host.name.as_str(), host.port)).copied().unwrap_or(0);
    let favourite = named().filter(|vote| *vote != host).max_by_key(|vote| count(vote))?;
    let is_outvoted = count(favourite) > count(host);
    votes.iter().position(|vote| vote.as_ref() == Some(favourite)).filter(|_| is_outvoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> Host {
        Host { name: name.into(), port: 6379 }
    }

    #[test]
    fn a_primary_is_left_when_more_sentinels_name_another_than_name_it() {
        for (votes, expected) in [
            (&[Some("old"), Some("old"), Some("new")][..], None),
            (&[Some("old"), Some("new"), Some("new")], Some(1)),
            (&[Some("old"), Some("new"), None], None),
            (&[None, Some("new"), None], Some(1)),
            (&[Some("a"), Some("new"), Some("new")], Some(1)),
            (&[None, None, None], None),
        ] {
            let votes: Vec<_> = votes.iter().map(|vote| vote.map(host)).collect();
            assert_eq!(outvoted(&votes, &host("old")), expected, "{votes:?}");
        }
    }

    #[test]
    fn the_time_is_shared_from_the_one_that_was_right_on() {
        let sentinels = vec![host("a"), host("b"), host("c"), host("d")];
        let election = Election { name: "main".into(), sentinels };
        let sentinels = Sentinels::new(election, RedisConnectionInfo::default(), None);
        sentinels.prefer(2);
        let started = Instant::now();

        let turns: Vec<_> = sentinels.in_turn(started + Duration::from_secs(4)).collect();

        let order: Vec<_> = turns.iter().map(|(index, _)| *index).collect();
        assert_eq!(order, [2, 3, 0, 1]);
        let share = turns[0].1 - started;
        assert!((900..1100).contains(&share.as_millis()), "{share:?}");
    }

    #[test]
    fn answers_that_name_no_address_are_refused() {
        let bulk = |text: &str| Value::BulkString(text.into());
        for answer in [
            Value::Okay,
            Value::Array(vec![]),
            Value::Array(vec![bulk("10.0.0.1"), bulk("0")]),
            Value::Array(vec![bulk("10.0.0.1"), bulk("99999")]),
            Value::Array(vec![bulk("a b"), bulk("6379")]),
            Value::Array(vec![bulk(""), bulk("6379")]),
        ] {
            assert_eq!(named(&answer).unwrap_err().stage, Stage::Ask, "{answer:?}");
        }
        assert_eq!(named(&Value::Nil).unwrap_err().stage, Stage::Know);
    }
}
