//! What can happen.

use super::Who;
use crate::catalogue::{Cover, Item};

/// What can happen in one step.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Deed {
    /// An instance dies, and another takes its place.
    Crash(Who),
    /// The network ends the connection of an instance.
    Cut(Who),
    /// A writer guards a commit: what it changes, how long the commit takes.
    Guard(Who, Cover, u64, Fate),
    /// The server stands still.
    Hang(u64),
    Invalidate(Who, Cover, Fate),
    /// A call for one key.
    Load(Who, Item, Load, Fate),
    /// A call for several keys.
    LoadMany(Who, Vec<Item>, Load, Fate),
    /// Another program does something to the server.
    Meddle(Meddling),
    /// Nothing gets through to an instance, or from it.
    Partition(Who, Side, u64),
    /// A call without a loader.
    Peek(Who, Vec<Item>, Fate),
    /// The server refuses all commands.
    Refuse(u64),
    /// The server goes away, and another state of it comes back.
    Restart(Back, u64),
    /// A writer stores what it knows.
    Set(Who, Item, Fate),
    /// What goes to an instance and comes from it takes longer: for how long, and by how much.
    Slow(Who, u64, u64),
    /// Time passes.
    Wait,
    /// The wall clock of an instance is set.
    Wall(Who, i64),
}

/// What a loader does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Load {
    pub(crate) ms: u64,
    pub(crate) loading: Loading,
}

/// What a loader comes to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Loading {
    Fails,
    Panics,
    Returns,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fate {
    /// Its instance dies when it has been polled so often.
    CrashAt(u64),
    /// It is given up after this time.
    DropAfter(u64),
    /// It is given up when it has been polled so often.
    DropAt(u64),
    Ends,
}

/// What another program does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Meddling {
    /// Copies what is stored under one key to another.
    Copy(Item, Item),
    Flush,
    /// Overwrites what is stored under a key, or under a group's.
    Garbage(Cover),
    /// Puts something there that is no bytes.
    List(Cover),
    /// Removes, as an eviction does.
    Remove(Cover),
}

/// What a server has when it comes back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Back {
    /// What another one has, which stood behind the address before.
    Another,
    Empty,
    /// What it had so many milliseconds before it went.
    Old(u64),
    Same,
}

/// Which way nothing gets through.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Side {
    Both,
    From,
    To,
}

impl Deed {
    /// Returns the instance that does it, or that it is done to.
    pub(crate) fn who(&self) -> Option<Who> {
        match self {
            Self::Crash(who)
            | Self::Cut(who)
            | Self::Guard(who, ..)
            | Self::Invalidate(who, ..)
            | Self::Load(who, ..)
            | Self::LoadMany(who, ..)
            | Self::Partition(who, ..)
            | Self::Peek(who, ..)
            | Self::Set(who, ..)
            | Self::Slow(who, ..)
            | Self::Wall(who, _) => Some(*who),
            Self::Hang(_) | Self::Meddle(_) | Self::Refuse(_) | Self::Restart(..) | Self::Wait => {
                None
            }
        }
    }

    pub(crate) fn fate_mut(&mut self) -> Option<&mut Fate> {
        match self {
            Self::Guard(.., fate)
            | Self::Invalidate(.., fate)
            | Self::Load(.., fate)
            | Self::LoadMany(.., fate)
            | Self::Peek(.., fate)
            | Self::Set(.., fate) => Some(fate),
            _ => None,
        }
    }

    pub(crate) fn load_mut(&mut self) -> Option<&mut Load> {
        match self {
            Self::Load(_, _, load, _) | Self::LoadMany(_, _, load, _) => Some(load),
            _ => None,
        }
    }

    /// Whether nothing is wrong in it.
    pub(crate) fn is_calm(&self) -> bool {
        let is_fault = matches!(
            self,
            Self::Crash(_)
                | Self::Cut(_)
                | Self::Hang(_)
                | Self::Meddle(_)
                | Self::Partition(..)
                | Self::Refuse(_)
                | Self::Restart(..)
                | Self::Slow(..)
        );
        let mut copy = self.clone();
        let ends = copy.fate_mut().is_none_or(|fate| *fate == Fate::Ends);
        let returns = copy.load_mut().is_none_or(|load| load.loading == Loading::Returns);
        !is_fault && ends && returns
    }
}
