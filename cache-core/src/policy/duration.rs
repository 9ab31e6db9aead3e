//! Durations as people write them.

use std::fmt;
use std::time::Duration;

use serde::de::{self, Deserialize, Deserializer, Visitor};

/// A duration written as text: `"250ms"`, `"5m"`, `"1h 30m"`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text(pub(super) Duration);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor).map(Self)
    }
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration with its unit, such as \"250ms\", \"5m\" or \"1h 30m\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
        humantime::parse_duration(text)
            .map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

/// For `#[serde(with)]` on settings.
pub(super) mod text {
    use super::{Deserialize, Deserializer, Duration, Text};

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        Text::deserialize(deserializer).map(|text| text.0)
    }
}

/// As [`text`], for settings that can be left out.
pub(super) mod optional {
    use super::{Deserialize, Deserializer, Duration, Text};

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Option::<Text>::deserialize(deserializer).map(|text| text.map(|text| text.0))
    }
}

/// Writes a duration as a person would.
pub(crate) fn shown(duration: Duration) -> String {
    if duration == Duration::MAX {
        return "Duration::MAX".to_owned();
    }
    humantime::format_duration(duration).to_string()
}
