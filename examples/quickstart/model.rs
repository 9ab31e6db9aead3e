//! What the service knows, and what it is asked.

use cache_aside::Tier;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::{Deserialize, Serialize};

/// What a user pays for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, Tier)]
pub(crate) enum Plan {
    Free,
    Core,
    Studio,
}

impl Plan {
    pub(crate) const ALL: [Self; 3] = [Self::Free, Self::Core, Self::Studio];
}

impl FromSql for Plan {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let name = value.as_str()?;
        Self::ALL.into_iter().find(|plan| plan.name() == name).ok_or(FromSqlError::InvalidType)
    }
}

impl ToSql for Plan {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.name().into())
    }
}

/// A user, as others see them.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Profile {
    pub(crate) name: String,
    pub(crate) email: String,
    /// How often the profile was edited: tells an old answer from a new one.
    pub(crate) edits: u32,
}

/// A conversation, as a list shows it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Conversation {
    pub(crate) id: u32,
    pub(crate) title: String,
    pub(crate) messages: u32,
}

/// A user whom a search found.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Hit {
    pub(crate) user: u32,
    pub(crate) name: String,
}

/// The kinds of questions, each a line of the report; all but the last are entities of the cache.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Plan,
    Profile,
    Conversations,
    Search,
    Write,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] =
        [Self::Plan, Self::Profile, Self::Conversations, Self::Search, Self::Write];

    /// Returns the name; for an entity the one that stands in its annotation.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Profile => "profile",
            Self::Conversations => "conversations",
            Self::Search => "search",
            Self::Write => "(writes)",
        }
    }
}
