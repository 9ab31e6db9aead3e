//! What a server is told, and what it answers.

use bytes::Bytes;
use cache_aside::wire::Stamp;

/// A name in a store: a key's, a group's or another of the library's.
pub(crate) type Name = Box<[u8]>;

/// One command.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    Delete(Vec<Name>),
    /// A script: stores the bytes where `stamp` is.
    Fill(Name, Stamp, Bytes, u64),
    Get(Name),
    GetMany(Vec<Name>),
    /// As [`Set`](Self::Set), in the place of what cannot be read: nothing ends by it.
    Mend(Name, Bytes, u64),
    Ping,
    /// A script: removes what begins with `stamp`.
    Release(Name, Stamp),
    Set(Name, Bytes, u64),
    /// Stores the bytes where nothing is, and returns what was there.
    SetNew(Name, Bytes, u64),
    /// A script: stores two values if the second still is as it was.
    TakeOver(Box<TakeOver>),
    /// Asks to be told of changes.
    Track,
    WhoAreYou,
}

/// Gives a group another number and a store another identity, in one step.
#[derive(Clone, Debug)]
pub(crate) struct TakeOver {
    pub(crate) group: Name,
    pub(crate) number: Bytes,
    pub(crate) record: Name,
    pub(crate) compared: Bytes,
    pub(crate) next: Bytes,
    pub(crate) px: u64,
}

/// One answer.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Bytes(Bytes),
    Done(bool),
    Many(Vec<Option<Bytes>>),
    Nil,
    Okay,
    /// An error, such as `LOADING`.
    Refused,
    /// What is there is no bytes.
    WrongType,
}
