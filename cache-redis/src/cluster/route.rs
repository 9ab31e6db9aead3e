//! Sends each command to the node that serves its key.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::join_all;
use redis::{Arg, Cmd, Pipeline, Value, cmd};
use tokio::time::timeout;

use super::Cluster;
use super::map::Map;
use super::node::Node;
use super::slot::Slot;
use super::view::{self, Redirect};
use crate::error::{circles, lost, unserved};
use crate::servers::{Answer, Purpose};
use crate::{Error, Result, reply};

/// How often a command is sent on. Two are needed for a slot that moves while we hear of another's
/// move; nodes that do not agree would send us round for ever.
const HOPS: usize = 4;

/// How long replicas get before their primaries are asked, whose callers wait no longer than
/// `remote_timeout`, 100 ms unless said otherwise.
pub(crate) const PATIENCE: Duration = Duration::from_millis(30);

impl Cluster {
    /// Sends commands with one key each to the nodes that serve them, side by side, each node's in
    /// one go; returns an answer for each, in order.
    ///
    /// A node that cannot be reached fails its own commands. Redirections are followed.
    pub(crate) async fn ask(&self, commands: &Pipeline, purpose: Purpose) -> Vec<Result<Answer>> {
        let map = match self.map().await {
            Ok(map) => map,
            Err(error) => return vec![Err(error); commands.len()],
        };
        let batch = Batch::new(commands);
        let mut answers: Vec<_> = batch.commands.iter().map(|_| Err(lost())).collect();
        let mut errands = self.errands(&map, &batch, &mut answers);
        for hop in 0..=HOPS {
            let mut redirected = Vec::new();
            for (place, node, answer) in self.send(&batch, errands, purpose).await {
                answers[place] = match self.follow(&answer, &node) {
                    None => answer,
                    Some(_) if hop == HOPS => Err(circles()),
                    Some(Err(error)) => Err(error),
                    Some(Ok((node, asking))) => {
                        redirected.push(Errand { place, node, asking });
                        continue;
                    }
                }
            }
            if redirected.is_empty() {
                break;
            }
            errands = redirected;
        }
        answers
    }

    /// Reads from replicas that are at hand; `None` where there is none, or no answer.
    pub(crate) async fn glance(&self, commands: &Pipeline) -> Vec<Option<Value>> {
        let mut answers = vec![None; commands.len()];
        let Ok(map) = self.map().await else { return answers };
        let turn = self.shared.turn.fetch_add(1, Ordering::Relaxed);
        let batch = Batch::new(commands);
        let errands = batch.commands.iter().enumerate().filter_map(|(place, command)| {
            let node = map.shard(Slot::of(key_of(command)))?.replica(turn)?;
            Some(Errand { place, node: Arc::clone(node), asking: false })
        });
        let told = self.send(&batch, errands.collect(), Purpose::Other);
        for (place, _, answer) in timeout(PATIENCE, told).await.unwrap_or_default() {
            answers[place] = answer.ok().map(|answer| answer.value);
        }
        answers
    }

    /// Finds out where each command goes; notes an error for those that nobody serves.
    fn errands(&self, map: &Map, batch: &Batch<'_>, answers: &mut [Result<Answer>]) -> Vec<Errand> {
        let mut errands = Vec::with_capacity(batch.commands.len());
        for (place, command) in batch.commands.iter().enumerate() {
            match map.shard(Slot::of(key_of(command))) {
                Some(shard) => {
                    let node = Arc::clone(&shard.primary);
                    errands.push(Errand { place, node, asking: false });
                }
                None => {
                    answers[place] = Err(unserved());
                    self.nudge();
                }
            }
        }
        errands
    }

    async fn send(
        &self,
        batch: &Batch<'_>,
        errands: Vec<Errand>,
        purpose: Purpose,
    ) -> Vec<(usize, Arc<Node>, Result<Answer>)> {
        let groups = grouped(errands);
        let told = join_all(groups.iter().map(|group| group.send(batch, purpose))).await;
        let told = groups.iter().zip(told).flat_map(|(group, answers)| {
            let answers = group.places.iter().zip(answers);
            answers.map(|(place, answer)| (*place, Arc::clone(&group.node), answer))
        });
        let told: Vec<_> = told.collect();
        if told.iter().any(|(.., answer)| is_unsettling(answer)) {
            self.nudge();
        }
        told
    }

    /// Returns where an answer leads to, and whether only this once; `None` if it is one.
    fn follow(&self, answer: &Result<Answer>, from: &Node) -> Option<Result<(Arc<Node>, bool)>> {
        let redirect = Redirect::read(&answer.as_ref().ok()?.value, &from.host)?;
        let asking = redirect.asking;
        Some(self.guest(redirect).map(|node| (node, asking)))
    }
}

/// What was asked for.
struct Batch<'a> {
    whole: &'a Pipeline,
    commands: Vec<&'a Cmd>,
}

impl<'a> Batch<'a> {
    fn new(whole: &'a Pipeline) -> Self {
        Self { whole, commands: whole.cmd_iter().collect() }
    }
}

/// One command, and the node that it goes to.
struct Errand {
    place: usize,
    node: Arc<Node>,
    asking: bool,
}

/// What goes to one node in one go.
struct Group {
    node: Arc<Node>,
    asking: bool,
    places: Vec<usize>,
}

fn grouped(errands: Vec<Errand>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for Errand { place, node, asking } in errands {
        let belongs = |group: &&mut Group| group.node.id == node.id && group.asking == asking;
        match groups.iter_mut().find(belongs) {
            Some(group) => group.places.push(place),
            None => groups.push(Group { node, asking, places: vec![place] }),
        }
    }
    groups
}

impl Group {
    /// Sends this group's share of a batch, and returns an answer for each of its commands.
    async fn send(&self, batch: &Batch<'_>, purpose: Purpose) -> Vec<Result<Answer>> {
        let answers = async {
            let link = self.node.link().await?;
            let values = link.ask(&self.share(batch)).await?;
            let is_listening = link.is_listening();
            let values = values.into_iter().skip(self.step() - 1).step_by(self.step());
            let answers: Vec<_> = values.map(|value| Answer { value, is_listening }).collect();
            if purpose == Purpose::Lease {
                link.note_full(&self.node.host, answers.iter().any(|a| reply::is_full(&a.value)));
            }
            Ok(answers.into_iter().map(Ok).collect())
        };
        answers.await.unwrap_or_else(|error: Error| vec![Err(error); self.places.len()])
    }

    fn share<'a>(&self, batch: &'a Batch<'_>) -> Cow<'a, Pipeline> {
        if !self.asking && self.places.iter().copied().eq(0..batch.commands.len()) {
            return Cow::Borrowed(batch.whole);
        }
        let mut share = Pipeline::with_capacity(self.places.len() * self.step());
        for place in &self.places {
            if self.asking {
                share.add_command(cmd("ASKING"));
            }
            share.add_command(batch.commands[*place].clone());
        }
        Cow::Owned(share)
    }

    /// How many answers each command has: asking has one of its own.
    fn step(&self) -> usize {
        if self.asking { 2 } else { 1 }
    }
}

/// Whether an answer is a reason to look who serves what.
fn is_unsettling(answer: &Result<Answer>) -> bool {
    answer.as_ref().map_or(true, |answer| view::is_unsettling(&answer.value))
}

/// Returns the key of a command: the first word after its name, or for a script the third.
fn key_of(command: &Cmd) -> &[u8] {
    let mut words = command.args_iter().filter_map(|word| match word {
        Arg::Simple(word) => Some(word),
        _ => None,
    });
    let is_script = words.next().is_some_and(|name| name.starts_with(b"EVAL"));
    words.nth(if is_script { 2 } else { 0 }).unwrap_or_default()
}
