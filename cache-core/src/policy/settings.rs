//! Settings: data that is checked once, when the cache is built.

use std::time::Duration;

use serde::Deserialize;

use super::duration::{optional, shown, text};
use crate::codec::MAX_PAYLOAD;
use crate::{Error, ErrorKind, Result};

/// Limits and time-outs of a cache.
///
/// All fields have defaults, so that a file need only name what differs; durations are text such
/// as `"250ms"`.
#[non_exhaustive]
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How long one operation of the remote level may take before the loader is asked instead.
    #[serde(with = "text")]
    pub remote_timeout: Duration,
    /// How long near entries are served while nobody tells us of changes by other instances.
    #[serde(with = "text")]
    pub degraded_ttl: Duration,
    /// How long the remote level may be silent before we count as cut off from it.
    #[serde(with = "text")]
    pub max_silence: Duration,
    /// How long the right to fill a missing key lasts. A load that takes longer is not cached.
    #[serde(with = "text")]
    pub lease_ttl: Duration,
    /// How long a caller waits for somebody else's load before it loads for itself.
    #[serde(with = "text")]
    pub wait: Duration,
    /// How long after an invalidation nothing of what it ended is kept, where reads of the source
    /// may be behind its writes, such as those of a replica. Loaders are asked in that time. None
    /// unless set. Needs a remote level.
    #[serde(with = "optional")]
    pub hold: Option<Duration>,
    /// How long the entries of a [`WriteGuard`](crate::WriteGuard) that is not finished are not
    /// kept: longer than any commit takes.
    #[serde(with = "text")]
    pub guard_ttl: Duration,
    /// The largest encoded value that is stored; larger ones are served uncached.
    pub max_value_bytes: usize,
    /// How many failures in a row make the remote level count as down.
    pub failures_to_open: u32,
    /// How long a remote level that is down is left alone at first; doubles up to `retry_max`.
    #[serde(with = "text")]
    pub retry_min: Duration,
    /// The longest time between two probes of a remote level that is down.
    #[serde(with = "text")]
    pub retry_max: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            remote_timeout: Duration::from_millis(100),
            degraded_ttl: Duration::from_secs(5),
            max_silence: Duration::from_secs(2),
            lease_ttl: Duration::from_secs(10),
            wait: Duration::from_secs(5),
            hold: None,
            guard_ttl: Duration::from_secs(30),
            max_value_bytes: 1 << 20,
            failures_to_open: 3,
            retry_min: Duration::from_millis(100),
            retry_max: Duration::from_secs(1),
        }
    }
}

impl Settings {
    /// Reads settings from TOML.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] with line and column, if the text is not TOML or has an unknown
    /// field.
    pub fn from_toml(text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|error| {
            Error::new(ErrorKind::Config, format!("the settings do not read: {error}"))
        })
    }

    pub(crate) fn check(&self) -> Result<()> {
        let longest = Duration::from_secs(24 * 60 * 60);
        for (name, value) in [
            ("remote_timeout", self.remote_timeout),
            ("degraded_ttl", self.degraded_ttl),
            ("max_silence", self.max_silence),
            ("lease_ttl", self.lease_ttl),
            ("wait", self.wait),
            ("hold", self.hold.unwrap_or(self.wait)),
            ("guard_ttl", self.guard_ttl),
            ("retry_min", self.retry_min),
            ("retry_max", self.retry_max),
        ] {
            if value < Duration::from_millis(1) || value > longest {
                return Err(config(format!(
                    "`{name}` is {}: it lies between 1ms and 24h",
                    shown(value)
                )));
            }
        }
        self.check_pairs()
    }

    fn check_pairs(&self) -> Result<()> {
        if self.retry_min > self.retry_max {
            return Err(config(format!(
                "`retry_min` ({}) is above `retry_max` ({})",
                shown(self.retry_min),
                shown(self.retry_max)
            )));
        }
        if self.remote_timeout >= self.lease_ttl {
            return Err(config(format!(
                "`remote_timeout` ({}) is not below `lease_ttl` ({}): a fill could never be in time",
                shown(self.remote_timeout),
                shown(self.lease_ttl)
            )));
        }
        if self.failures_to_open == 0 {
            return Err(config("`failures_to_open` is 0: it is at least 1".into()));
        }
        if self.max_value_bytes == 0 || self.max_value_bytes > MAX_PAYLOAD {
            return Err(config(format!(
                "`max_value_bytes` is {}: it lies between 1 and {MAX_PAYLOAD}",
                self.max_value_bytes
            )));
        }
        Ok(())
    }
}

fn config(text: String) -> Error {
    Error::new(ErrorKind::Config, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_right() {
        assert!(Settings::default().check().is_ok());
    }

    #[test]
    fn wrong_settings_name_themselves() {
        let read = |text| Settings::from_toml(text).and_then(|settings| settings.check());
        let wrong = [
            ("remote_timout = \"1s\"", "unknown field `remote_timout`"),
            ("wait = \"0s\"", "`wait` is 0s"),
            ("remote_timeout = \"1m\"", "`lease_ttl` (10s)"),
            ("retry_min = \"2s\"", "`retry_max` (1s)"),
            ("max_value_bytes = 0", "`max_value_bytes` is 0"),
            ("failures_to_open = 0", "`failures_to_open`"),
        ];
        for (text, expected) in wrong {
            let error = read(text).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}\nlacks {expected}");
        }
    }
}
