//! The TTL table: tier × entity.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Ttl;
use super::ttl::Cell;
use crate::key::escaped;
use crate::{Error, ErrorKind, Result};

/// TTLs by tier (rows) and entity (columns), checked when it is made.
///
/// ```toml
/// default = "1m"                     # whatever the rest does not name
///
/// [entities]                         # one entity, whatever the tier
/// search = { fresh = "30s", none = "5s" }
///
/// [tiers.free]                       # one tier: `default` is for the entities it does not name
/// default = "2m"
/// profile = "5m"
///
/// [tiers.studio]
/// profile = "30m"
/// ```
///
/// The most specific line wins: tier and entity, then `entities`, then the tier's `default`, then
/// `default`, then [`TtlTable::FALLBACK`], of which there is a warning, once for each tier and entity.
///
/// With `strict = true` at the top there is no fallback: an answer of which neither the table nor the
/// call nor its loader says how long it lives is served and not cached, and
/// [`Cache::set`](crate::Cache::set) is an error. In a strict table that has any `tiers`, a tier
/// without a row of its own is unknown, whatever `entities` and `default` say: it may be misspelt.
///
/// As a part of a service's own configuration it is read by serde, in the same structure.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "Sheet")]
pub struct TtlTable {
    cells: BTreeMap<String, BTreeMap<String, Ttl>>,
    entities: BTreeMap<String, Ttl>,
    rows: BTreeMap<String, Ttl>,
    default: Option<Ttl>,
    strict: bool,
}

impl TtlTable {
    /// What an answer lives if the table says nothing about it.
    pub const FALLBACK: Ttl = Ttl::new(std::time::Duration::from_secs(60));

    /// Creates an empty table, in which everything lives for [`TtlTable::FALLBACK`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a table from TOML.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] with line and column, if the text is not TOML or has an unknown field,
    /// and with tier and entity, if a TTL is not one between [`Ttl::MIN`] and [`Ttl::MAX`] or
    /// contradicts itself. The error does not repeat the text, which may be that of a wrong file.
    pub fn from_toml(text: &str) -> Result<Self> {
        let sheet: Sheet = toml::from_str(text).map_err(|error| unread(text, error))?;
        sheet.try_into()
    }

    /// Reads a table from JSON, of the same structure: `{"tiers": {"free": {"profile": "5m"}}}`.
    ///
    /// Needs the feature `json`.
    ///
    /// # Errors
    ///
    /// As [`from_toml`](Self::from_toml).
    #[cfg(feature = "json")]
    pub fn from_json(text: &str) -> Result<Self> {
        let sheet: Sheet = serde_json::from_str(text).map_err(|error| {
            Error::new(ErrorKind::Config, format!("the TTL table does not read: {error}"))
        })?;
        sheet.try_into()
    }

    /// Sets the TTL of one entity for one tier.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the TTL is out of bounds.
    pub fn with(mut self, tier: &str, entity: &str, ttl: Ttl) -> Result<Self> {
        let ttl = ttl.checked(&format!("the TTL of tier {tier:?}, entity {entity:?}"))?;
        self.cells.entry(escaped(tier)).or_default().insert(escaped(entity), ttl);
        Ok(self)
    }

    /// Sets the TTL of one entity for tiers that do not name it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the TTL is out of bounds.
    pub fn with_entity(mut self, entity: &str, ttl: Ttl) -> Result<Self> {
        let ttl = ttl.checked(&format!("the TTL of entity {entity:?}"))?;
        self.entities.insert(escaped(entity), ttl);
        Ok(self)
    }

    /// Sets the TTL of a tier's entities that nothing else names.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the TTL is out of bounds.
    pub fn with_tier(mut self, tier: &str, ttl: Ttl) -> Result<Self> {
        let ttl = ttl.checked(&format!("the default TTL of tier {tier:?}"))?;
        self.rows.insert(escaped(tier), ttl);
        Ok(self)
    }

    /// Sets the TTL of everything that nothing else names.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the TTL is out of bounds.
    pub fn with_default(mut self, ttl: Ttl) -> Result<Self> {
        self.default = Some(ttl.checked("the default TTL")?);
        Ok(self)
    }

    /// Has only what it names cached.
    #[must_use]
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// Returns what the table says of an entity, for a tier or without one; `None` if it does not name
    /// it.
    pub fn ttl(&self, tier: Option<&str>, entity: &str) -> Option<Ttl> {
        self.find(tier.map(escaped).as_deref(), &escaped(entity))
    }

    pub(crate) fn is_strict(&self) -> bool {
        self.strict
    }

    /// Returns the TTL for names in their escaped form; `None` if the table does not name them.
    pub(crate) fn find(&self, tier: Option<&str>, entity: &str) -> Option<Ttl> {
        if self.strict && tier.is_some_and(|tier| self.lacks_tier(tier)) {
            return None;
        }
        let cell = tier.and_then(|tier| self.cells.get(tier)).and_then(|row| row.get(entity));
        cell.or_else(|| self.entities.get(entity))
            .or_else(|| tier.and_then(|tier| self.rows.get(tier)))
            .or(self.default.as_ref())
            .copied()
    }

    /// Whether there are rows, and none is for this tier.
    fn lacks_tier(&self, tier: &str) -> bool {
        let has_rows = !self.cells.is_empty() || !self.rows.is_empty();
        has_rows && !self.cells.contains_key(tier) && !self.rows.contains_key(tier)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }

    /// Returns the shortest time for which values are fresh.
    pub(crate) fn shortest(&self) -> std::time::Duration {
        self.all().map(|ttl| ttl.fresh).min().unwrap_or(Self::FALLBACK.fresh)
    }

    fn all(&self) -> impl Iterator<Item = &Ttl> {
        let cells = self.cells.values().flat_map(BTreeMap::values);
        cells.chain(self.entities.values()).chain(self.rows.values()).chain(&self.default)
    }

    /// Returns the longest TTL of the table.
    pub(crate) fn longest(&self) -> std::time::Duration {
        self.all()
            .flat_map(|ttl| [Some(ttl.fresh), ttl.stale, ttl.none])
            .flatten()
            .fold(Self::FALLBACK.fresh, std::time::Duration::max)
    }
}

/// The table as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sheet {
    #[serde(default)]
    strict: bool,
    default: Option<Cell>,
    #[serde(default)]
    entities: BTreeMap<String, Cell>,
    #[serde(default)]
    tiers: BTreeMap<String, BTreeMap<String, Cell>>,
}

impl TryFrom<Sheet> for TtlTable {
    type Error = Error;

    fn try_from(sheet: Sheet) -> Result<Self> {
        let mut table = Self { strict: sheet.strict, ..Self::new() };
        if let Some(cell) = sheet.default {
            table = table.with_default(cell.into())?;
        }
        for (entity, cell) in sheet.entities {
            table = table.with_entity(&entity, cell.into())?;
        }
        for (tier, row) in sheet.tiers {
            // A row makes its tier known, also an empty one.
            table.cells.entry(escaped(&tier)).or_default();
            for (entity, cell) in row {
                table = match entity.as_str() {
                    "default" => table.with_tier(&tier, cell.into())?,
                    entity => table.with(&tier, entity, cell.into())?,
                };
            }
        }
        Ok(table)
    }
}

/// Says where and why a text does not read, without repeating it.
fn unread(text: &str, mut error: toml::de::Error) -> Error {
    const MOST: usize = 400;
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let (line, column) =
        (before.split('\n').count(), before.chars().rev().take_while(|it| *it != '\n').count() + 1);
    error.set_input(None);
    let why: String = error.to_string().trim().replace('\n', " ").chars().take(MOST).collect();
    let text = format!("the TTL table does not read: line {line}, column {column}: {why}");
    Error::new(ErrorKind::Config, text)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const TABLE: &str = r#"
        default = "1m"
        [entities]
        search = { fresh = "30s", none = "5s" }
        [tiers.free]
        default = "2m"
        profile = "5m"
        [tiers.studio]
        profile = "30m"
    "#;

    #[test]
    fn the_most_specific_line_wins() {
        let table = TtlTable::from_toml(TABLE).unwrap();
        let fresh = |tier, entity| table.find(tier, entity).unwrap().fresh.as_secs();

        assert_eq!(fresh(Some("free"), "profile"), 300);
        assert_eq!(fresh(Some("studio"), "profile"), 1800);
        assert_eq!(fresh(Some("free"), "search"), 30);
        assert_eq!(fresh(Some("free"), "other"), 120);
        assert_eq!(fresh(Some("core"), "other"), 60);
        assert_eq!(fresh(None, "profile"), 60);
        assert_eq!(table.find(None, "search").unwrap().none, Some(Duration::from_secs(5)));
    }

    #[test]
    fn a_strict_table_knows_what_it_names_and_no_tier_without_a_row() {
        let knows = |text: &str, tier, entity| {
            let strict = TtlTable::from_toml(&format!("strict = true\n{text}")).unwrap();
            let lax = TtlTable::from_toml(text).unwrap();
            assert_eq!(lax.clone().strict().find(tier, entity), strict.find(tier, entity));
            (strict.find(tier, entity).is_some(), lax.find(tier, entity).is_some())
        };
        for (tier, entity, expected) in [
            (Some("free"), "profile", (true, true)),
            (Some("free"), "other", (true, true)),
            (Some("core"), "search", (false, true)),
            (Some("core"), "profile", (false, true)),
            (None, "search", (true, true)),
        ] {
            assert_eq!(knows(TABLE, tier, entity), expected, "{tier:?} {entity}");
        }
        assert_eq!(knows("default = '1m'", Some("core"), "profile"), (true, true));
        assert_eq!(knows("[entities]\nx = '1m'\n[tiers.core]", Some("core"), "x"), (true, true));
        assert_eq!(knows("[tiers.free]\nprofile = '5m'", None, "profile"), (false, false));
    }

    #[test]
    fn a_wrong_table_says_where_and_what() {
        let wrong = [
            (
                "[tiers.free]\nprofile = '5m'\n[tiers.core]\nprofile = '5 parsecs'",
                "line 4, column 11: a TTL is a duration",
            ),
            ("tiers.free.profile = '5 parsecs'", "in `tiers.free.profile`"),
            (
                "[tiers.free]\nprofile = { fresh = '5m', stale = '1m' }",
                "tier \"free\", entity \"profile\": `stale` (1m) is below `fresh` (5m)",
            ),
            (
                "[entities]\nsearch = { fresh = '5m', jitter = '5m' }",
                "entity \"search\": `jitter` (5m) is not below `fresh`",
            ),
            (
                "[tiers.free]\ndefault = { fresh = '5m', near = '6m' }",
                "tier \"free\": `near` (6m) is above",
            ),
            ("[tier.free]\nprofile = \"5m\"", "unknown field `tier`"),
            ("[tiers.free]\nprofile = { fresh = \"5m\", stael = \"1m\" }", "a TTL is a duration"),
            ("[tiers.free]\nprofile = \"0s\"", "tier \"free\", entity \"profile\" is 0s"),
            ("default = \"9000 years\"", "between 1ms and 366 days"),
            ("default = 300", "such as \"5m\""),
            ("default = ", "line 1"),
        ];
        for (text, expected) in wrong {
            let error = TtlTable::from_toml(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(expected), "{error}\nlacks {expected}");
        }
        assert!(TtlTable::new().with_default(Ttl::new(Duration::MAX)).is_err());
    }

    #[test]
    fn a_table_within_a_configuration_is_read_and_checked() {
        #[derive(Debug, Deserialize)]
        struct Service {
            ttls: TtlTable,
        }
        let read = |text| toml::from_str::<Service>(text);

        let service = read("[ttls.tiers.free]\nprofile = '5m'").unwrap();
        let error = read("[ttls.tiers.free]\nprofile = '0s'").unwrap_err();

        assert_eq!(service.ttls.find(Some("free"), "profile").unwrap().fresh.as_secs(), 300);
        assert!(error.to_string().contains("tier \"free\", entity \"profile\" is 0s"), "{error}");
    }

    #[cfg(feature = "json")]
    #[test]
    fn json_says_the_same_as_toml() {
        let json = r#"{
            "default": "1m",
            "entities": {"search": {"fresh": "30s", "none": "5s"}},
            "tiers": {
                "free": {"default": "2m", "profile": "5m"},
                "studio": {"profile": {"fresh": "30m", "none": null}}
            }
        }"#;

        let (json, toml) = (TtlTable::from_json(json), TtlTable::from_toml(TABLE));

        assert_eq!(format!("{json:?}"), format!("{toml:?}"));
    }

    #[cfg(feature = "json")]
    #[test]
    fn wrong_json_says_where_and_what() {
        let wrong = [
            (r#"{"tier": {"free": {"profile": "5m"}}}"#, "unknown field `tier`"),
            (r#"{"tiers": {"free": {"profile": {"fresh": "5m", "stael": "1m"}}}}"#, "a TTL is a"),
            (
                r#"{"tiers": {"free": {"profile": "0s"}}}"#,
                "tier \"free\", entity \"profile\" is 0s",
            ),
            (r#"{"default": 300}"#, "such as \"5m\""),
            ("{\n\"default\": ", "line 2"),
            ("{} {}", "line 1"),
        ];
        for (text, expected) in wrong {
            let error = TtlTable::from_json(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(expected), "{error}\nlacks {expected}");
        }
    }
}
