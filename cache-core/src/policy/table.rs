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
/// `default`, then [`TtlTable::FALLBACK`].
///
/// As a part of a service's own configuration it is read by serde, in the same structure.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "Sheet")]
pub struct TtlTable {
    cells: BTreeMap<String, BTreeMap<String, Ttl>>,
    entities: BTreeMap<String, Ttl>,
    rows: BTreeMap<String, Ttl>,
    default: Option<Ttl>,
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
    /// [`ErrorKind::Config`] with line and column, if the text is not TOML, has an unknown field,
    /// or a TTL is not between [`Ttl::MIN`] and [`Ttl::MAX`].
    pub fn from_toml(text: &str) -> Result<Self> {
        let sheet: Sheet = toml::from_str(text).map_err(|error| {
            Error::new(ErrorKind::Config, format!("the TTL table does not read: {error}"))
        })?;
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

    /// Returns the TTL for names in their escaped form, and whether the table names them at all.
    pub(crate) fn find(&self, tier: Option<&str>, entity: &str) -> Option<Ttl> {
        let cell = tier.and_then(|tier| self.cells.get(tier)).and_then(|row| row.get(entity));
        cell.or_else(|| self.entities.get(entity))
            .or_else(|| tier.and_then(|tier| self.rows.get(tier)))
            .or(self.default.as_ref())
            .copied()
    }

    /// Returns the longest TTL of the table.
    pub(crate) fn longest(&self) -> std::time::Duration {
        let cells = self.cells.values().flat_map(BTreeMap::values);
        cells
            .chain(self.entities.values())
            .chain(self.rows.values())
            .chain(&self.default)
            .flat_map(|ttl| [Some(ttl.fresh), ttl.stale, ttl.none])
            .flatten()
            .fold(Self::FALLBACK.fresh, std::time::Duration::max)
    }
}

/// The table as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sheet {
    default: Option<Cell>,
    #[serde(default)]
    entities: BTreeMap<String, Cell>,
    #[serde(default)]
    tiers: BTreeMap<String, BTreeMap<String, Cell>>,
}

impl TryFrom<Sheet> for TtlTable {
    type Error = Error;

    fn try_from(sheet: Sheet) -> Result<Self> {
        let mut table = Self::new();
        if let Some(cell) = sheet.default {
            table = table.with_default(cell.into())?;
        }
        for (entity, cell) in sheet.entities {
            table = table.with_entity(&entity, cell.into())?;
        }
        for (tier, row) in sheet.tiers {
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
    fn a_wrong_table_says_where_and_what() {
        let wrong = [
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
