//! Entries, leases and generations, in the commands of a server.

use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use cache_aside::backend::{
    AdvanceOptions, Capabilities, Identity, InvalidateOptions, LeaseRequest, ListenOptions,
    Listener, SetMode, SetOptions, SetOutcome, Slot,
};
use cache_aside::wire::{Mark, Stamp};
use cache_aside::{Backend, Error, Generation, Group, Key, Result};

use super::{Feed, Line, refused};
use crate::catalogue::Names;
use crate::server::{Command, Name, Reply, TakeOver};

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Backend for Line {
    fn capabilities(&self) -> Capabilities {
        Capabilities::shared()
    }

    async fn get(&self, keys: &[Key], lease: Option<&LeaseRequest>) -> Vec<Result<Slot>> {
        let command = |key: &Key| match lease {
            None => Command::Get(name(key)),
            Some(lease) => Command::SetNew(name(key), stamped(&lease.stamp), px(lease.ttl)),
        };
        match self.ask(keys.iter().map(command).collect()).await {
            Ok(replies) => replies.into_iter().map(|reply| slot(reply, lease)).collect(),
            Err(error) => all(keys, &error),
        }
    }

    async fn set(&self, key: &Key, entry: Bytes, options: &SetOptions) -> Result<SetOutcome> {
        let px = px(options.ttl);
        match options.mode {
            SetMode::Always => {
                done(&self.ask_one(Command::Set(name(key), entry, px)).await?)?;
                Ok(SetOutcome::Stored)
            }
            SetMode::IfStamp(stamp) => {
                match self.ask_one(Command::Fill(name(key), stamp, entry, px)).await? {
                    Reply::Done(false) => Ok(SetOutcome::Refused),
                    Reply::Done(true) if self.0.net.tells() => Ok(SetOutcome::Echoed),
                    Reply::Done(true) => Ok(SetOutcome::Stored),
                    _ => Err(refused()),
                }
            }
        }
    }

    async fn holds(&self, key: &Key, stamp: &Stamp) -> Result<bool> {
        match self.ask_one(Command::Get(name(key))).await? {
            Reply::Bytes(bytes) => Ok(Stamp::of(&bytes) == *stamp),
            Reply::Nil | Reply::WrongType => Ok(false),
            _ => Err(refused()),
        }
    }

    async fn invalidate(&self, keys: &[Key], options: &InvalidateOptions) -> Vec<Result<()>> {
        let commands = match &options.hold {
            None => vec![Command::Delete(keys.iter().map(name).collect())],
            Some(hold) => {
                let tombstone = |key| Command::Set(name(key), stamped(&hold.stamp), px(hold.ttl));
                keys.iter().map(tombstone).collect()
            }
        };
        match self.ask(commands).await {
            Ok(replies) => {
                let mut results: Vec<_> = replies.iter().map(done).collect();
                results.resize(keys.len(), results[0].clone());
                results
            }
            Err(error) => all(keys, &error),
        }
    }

    async fn release(&self, key: &Key, stamp: &Stamp) -> Result<()> {
        match self.ask_one(Command::Release(name(key), *stamp)).await? {
            Reply::Done(_) => Ok(()),
            _ => Err(refused()),
        }
    }

    async fn generations(&self, groups: &[Group], ttl: Duration) -> Result<Vec<Generation>> {
        if groups.is_empty() {
            return Ok(Vec::new());
        }
        let names = groups.iter().map(group_name).collect();
        let Reply::Many(stored) = self.ask_one(Command::GetMany(names)).await? else {
            return Err(refused());
        };
        let missing: Vec<&Group> = groups
            .iter()
            .zip(&stored)
            .filter_map(|(group, stored)| stored.is_none().then_some(group))
            .collect();
        let mut created = self.create(&missing, ttl).await?.into_iter();
        let number = |stored: Option<Bytes>| match stored {
            Some(stored) => Some(Generation::from_stored(&stored)),
            None => created.next(),
        };
        Ok(stored.into_iter().filter_map(number).collect())
    }

    async fn advance(&self, groups: &[Group], options: &AdvanceOptions) -> Result<()> {
        let set = |group: &Group| {
            let (number, ttl) = options.next(group);
            Command::Set(group_name(group), number.to_stored().into(), px(ttl))
        };
        let replies = self.ask(groups.iter().map(set).collect()).await?;
        replies.iter().try_for_each(done)
    }

    async fn identify(&self, all: &Group, seen: Option<&Identity>) -> Result<Identity> {
        let own = match self.ask_one(Command::WhoAreYou).await? {
            Reply::Bytes(own) => String::from_utf8_lossy(&own).into_owned(),
            _ => return Err(refused()),
        };
        let record: Name = [all.as_bytes(), b":server"].concat().into();
        loop {
            let stored = match self.ask_one(Command::Get(record.clone())).await? {
                Reply::Bytes(stored) => stored,
                Reply::Nil => Bytes::new(),
                _ => return Err(refused()),
            };
            let known = Identity::from_stored(&stored);
            if let Some(known) = known.as_ref().filter(|known| known.succeeds(seen, &own)) {
                return Ok(known.clone());
            }
            let next = Identity::successor(known.as_ref(), seen, &own);
            let step = TakeOver {
                group: group_name(all),
                number: Generation::fresh().to_stored().into(),
                record: record.clone(),
                compared: stored,
                next: next.to_stored().into(),
                px: px(all.keep_for(Duration::ZERO)),
            };
            match self.ask_one(Command::TakeOver(Box::new(step))).await? {
                Reply::Done(true) => return Ok(next),
                Reply::Done(false) => {}
                _ => return Err(refused()),
            }
        }
    }

    fn listen(&self, _options: &ListenOptions, listener: Weak<dyn Listener>) {
        let (judge, names) = (Arc::clone(self.0.net.judge()), Arc::new(Names::new()));
        let feed = Feed::new(self.0.who, listener, judge, names);
        // The contract is one call; a second listener is not heard.
        let _ = self.0.feed.set(feed.muted(self.0.net.is_mute()));
    }

    async fn ping(&self) -> Result<()> {
        done(&self.ask_one(Command::Ping).await?)
    }

    async fn close(&self) {
        self.stop();
    }
}

impl Line {
    /// Stores numbers where there are none; returns those that are there then.
    async fn create(&self, missing: &[&Group], ttl: Duration) -> Result<Vec<Generation>> {
        if missing.is_empty() {
            return Ok(Vec::new());
        }
        let fresh: Vec<Generation> = missing.iter().map(|_| Generation::fresh()).collect();
        let set = |(group, fresh): (&&Group, &Generation)| {
            let bytes = fresh.to_stored().into();
            Command::SetNew(group_name(group), bytes, px(group.keep_for(ttl)))
        };
        let replies = self.ask(missing.iter().zip(&fresh).map(set).collect()).await?;
        let mut created = Vec::new();
        for ((group, fresh), reply) in missing.iter().zip(fresh).zip(replies) {
            created.push(match reply {
                Reply::Nil => fresh,
                Reply::Bytes(stored) => Generation::from_stored(&stored),
                Reply::WrongType => {
                    let bytes = fresh.to_stored().into();
                    let mend = Command::Mend(group_name(group), bytes, px(group.keep_for(ttl)));
                    done(&self.ask_one(mend).await?)?;
                    fresh
                }
                _ => return Err(refused()),
            });
        }
        Ok(created)
    }
}

fn slot(reply: Reply, lease: Option<&LeaseRequest>) -> Result<Slot> {
    let stored = match reply {
        Reply::Bytes(stored) => stored,
        Reply::Nil if lease.is_some() => return Ok(Slot::Leased),
        Reply::Nil => return Ok(Slot::Missing),
        Reply::WrongType => return Ok(Slot::Alien),
        _ => return Err(refused()),
    };
    Ok(match (Mark::of(&stored), lease) {
        (Mark::Entry | Mark::Foreign, _) => Slot::Entry(stored),
        (Mark::Lease | Mark::Tombstone, None) => Slot::Missing,
        (Mark::Lease, Some(lease)) if Stamp::of(&stored) == lease.stamp => Slot::Leased,
        (Mark::Lease, Some(_)) => Slot::Busy,
        (Mark::Tombstone, Some(_)) => Slot::Held,
    })
}

fn done(reply: &Reply) -> Result<()> {
    if matches!(reply, Reply::Okay) { Ok(()) } else { Err(refused()) }
}

fn all<T>(keys: &[Key], error: &Error) -> Vec<Result<T>> {
    keys.iter().map(|_| Err(error.clone())).collect()
}

fn name(key: &Key) -> Name {
    key.as_bytes().into()
}

fn group_name(group: &Group) -> Name {
    group.as_bytes().into()
}

fn stamped(stamp: &Stamp) -> Bytes {
    Bytes::copy_from_slice(stamp.as_bytes())
}

fn px(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1)
}
