//! Settings: data that is checked once, when the cache is built.

use std::time::Duration;

use serde::Deserialize;

use super::duration::{optional, shown, text};
use crate::codec::MAX_PAYLOAD;
use crate::engine::nones::Nones;
use crate::wire::COMPRESSES;
use crate::{Error, ErrorKind, Result};

/// What is compressed unless a setting says otherwise.
///
/// Smaller ones are sent in a few packets anyway.
const COMPRESS_OVER: usize = 4096;

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
    /// The largest encoded value that is stored, in bytes before compression; larger ones are served
    /// uncached.
    pub max_value_bytes: usize,
    /// Encoded values of more bytes than this are stored compressed, if that makes them smaller.
    ///
    /// Unless set, 4,096 with the feature `lz4`, and nothing is compressed without it; `0` compresses
    /// everything, `max_value_bytes` nothing. Set without the feature, it is an error at build.
    /// Instances without the feature take compressed entries for misses.
    pub compress_over: Option<usize>,
    /// How many absent answers of one user are cached at most; of keys without a user, of one entity.
    /// Those beyond it are served, and not cached.
    pub none_limit: usize,
    /// How many failures in a row make the remote level count as down.
    pub failures_to_open: u32,
    /// The time over which operations are judged together: if `failure_percent` of them, and at
    /// least `calls_to_judge`, failed or were slow, the remote level counts as down too.
    #[serde(with = "text")]
    pub failure_window: Duration,
    /// See `failure_window`.
    pub failure_percent: u8,
    /// See `failure_window`.
    pub calls_to_judge: u32,
    /// How long an answer may take that is not slow; half of `remote_timeout` unless set.
    #[serde(with = "optional")]
    pub slow_after: Option<Duration>,
    /// How long a remote level that is down is left alone at first; doubles up to `retry_max`.
    #[serde(with = "text")]
    pub retry_min: Duration,
    /// The longest time between two probes of a remote level that is down.
    #[serde(with = "text")]
    pub retry_max: Duration,
    /// What an invalidation comes to that the remote level cannot be told of now.
    pub invalidate_policy: InvalidatePolicy,
    /// How many invalidations are kept for a remote level that is down. Beyond it everything of the
    /// namespace is ended at its return instead.
    pub journal_max: usize,
    /// How many loads run at once while the remote level is down; others wait for their turn.
    pub load_limit: usize,
    /// How many loads wait for their turn; those beyond do not wait.
    pub load_queue: usize,
    /// How long a load waits for its turn at most; then it runs all the same.
    #[serde(with = "text")]
    pub load_wait: Duration,
    /// How long a caller waits for the loader where a stale value is at hand; then it is served that,
    /// and the load goes on if it can. Not at all unless set: it is refreshed behind the caller.
    #[serde(with = "text")]
    pub soft_timeout: Duration,
    /// How long a caller of [`Cache::fetch_within`](crate::Cache::fetch_within) waits for the loader
    /// at all. Above `soft_timeout`.
    #[serde(with = "optional")]
    pub hard_timeout: Option<Duration>,
    /// How early values are refreshed, before they are stale: this many times what their load took,
    /// on average (`XFetch`). 0 for not at all.
    pub refresh_ahead: f64,
    /// How long a stale value is served before its loader is asked again, after it failed; doubles
    /// up to `backoff_max`.
    #[serde(with = "text")]
    pub backoff_min: Duration,
    /// See `backoff_min`.
    #[serde(with = "text")]
    pub backoff_max: Duration,
    /// How long a call waits at most before it asks a loader that failed for its key, where there is
    /// nothing that it could be served. Not at all unless set: a loader may fail for good reasons.
    #[serde(with = "text")]
    pub backoff_wait: Duration,
    /// How many loads go on without their callers at once. Beyond it stale values are not refreshed
    /// yet, and loads end with their callers.
    pub background_limit: usize,
    /// How long a load that goes on without its callers may take. Above `hard_timeout`.
    #[serde(with = "text")]
    pub background_timeout: Duration,
    /// How long [`Cache::close`](crate::Cache::close) takes at most to tell the remote level what it
    /// is owed.
    #[serde(with = "text")]
    pub close_timeout: Duration,
    /// Whether [`Advice`](crate::Advice) is logged. It can be asked for in either case.
    pub advice: bool,
}

/// What an invalidation comes to that the remote level cannot be told of now.
///
/// In either case this instance has forgotten what was invalidated, and tells the remote level
/// before it reads from it what has ended.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum InvalidatePolicy {
    /// [`Invalidation::Journalled`](crate::Invalidation::Journalled). The writer has succeeded, and
    /// there is nothing that it could do.
    #[default]
    Journal,
    /// An error, so that the writer knows that other instances may serve what was before.
    Strict,
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
            compress_over: None,
            none_limit: 1000,
            failures_to_open: 3,
            failure_window: Duration::from_secs(10),
            failure_percent: 50,
            calls_to_judge: 20,
            slow_after: None,
            retry_min: Duration::from_millis(100),
            retry_max: Duration::from_secs(1),
            invalidate_policy: InvalidatePolicy::default(),
            journal_max: 10_000,
            load_limit: 256,
            load_queue: 4096,
            load_wait: Duration::from_secs(1),
            soft_timeout: Duration::ZERO,
            hard_timeout: None,
            refresh_ahead: 1.0,
            backoff_min: Duration::from_secs(1),
            backoff_max: Duration::from_secs(30),
            backoff_wait: Duration::ZERO,
            background_limit: 256,
            background_timeout: Duration::from_secs(30),
            close_timeout: Duration::from_secs(5),
            advice: true,
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

    /// Reads settings from JSON, of the same structure: `{"remote_timeout": "100ms"}`.
    ///
    /// Needs the feature `json`.
    ///
    /// # Errors
    ///
    /// As [`from_toml`](Self::from_toml).
    #[cfg(feature = "json")]
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str(text)
            .map_err(|error| config(format!("the settings do not read: {error}")))
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
            ("failure_window", self.failure_window),
            ("slow_after", self.slow_after.unwrap_or(self.wait)),
            ("load_wait", self.load_wait),
            ("soft_timeout", self.soft_timeout.max(Duration::from_millis(1))),
            ("hard_timeout", self.hard_timeout.unwrap_or(self.wait)),
            ("backoff_min", self.backoff_min),
            ("backoff_max", self.backoff_max),
            ("backoff_wait", self.backoff_wait.max(Duration::from_millis(1))),
            ("background_timeout", self.background_timeout),
            ("close_timeout", self.close_timeout),
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

    /// Returns how long an answer may take that is not slow.
    pub(crate) fn slow_after(&self) -> Duration {
        self.slow_after.unwrap_or(self.remote_timeout / 2)
    }

    /// Returns how large a payload may be that is not compressed.
    pub(crate) fn compress_over(&self) -> usize {
        self.compress_over.unwrap_or(COMPRESS_OVER)
    }

    fn check_pairs(&self) -> Result<()> {
        let (retry, lease) = (("retry_max", self.retry_max), ("lease_ttl", self.lease_ttl));
        let (timeout, backoff) =
            (("remote_timeout", self.remote_timeout), ("backoff_max", self.backoff_max));
        let background = ("background_timeout", self.background_timeout);
        at_most(("retry_min", self.retry_min), retry, "")?;
        below(timeout, lease, ": a fill could never be in time")?;
        at_most(("slow_after", self.slow_after()), timeout, ": nothing would be slow")?;
        at_most(("backoff_min", self.backoff_min), backoff, "")?;
        let soft = ("soft_timeout", self.soft_timeout);
        at_most(soft, background, ": the load would have ended before")?;
        if let Some(hard) = self.hard_timeout {
            let hard = ("hard_timeout", hard);
            below(soft, hard, ": nobody would wait that long")?;
            at_most(hard, background, ": the load would have ended before")?;
        }
        self.check_counts()
    }

    fn check_counts(&self) -> Result<()> {
        for (name, value, most) in [
            ("none_limit", self.none_limit, Nones::MAX),
            ("failures_to_open", self.failures_to_open as usize, usize::MAX),
            ("calls_to_judge", self.calls_to_judge as usize, usize::MAX),
            ("failure_percent", self.failure_percent.into(), 100),
            ("journal_max", self.journal_max, 100_000),
            ("load_limit", self.load_limit, 1_000_000),
            ("background_limit", self.background_limit, 1_000_000),
        ] {
            if value == 0 {
                return Err(config(format!("`{name}` is 0: it is at least 1")));
            }
            if value > most {
                return Err(config(format!("`{name}` is {value}: it is at most {most}")));
            }
        }
        if !(0.0..=100.0).contains(&self.refresh_ahead) {
            let ahead = self.refresh_ahead;
            return Err(config(format!("`refresh_ahead` is {ahead}: it lies between 0 and 100")));
        }
        if let (Some(bytes), false) = (self.compress_over, COMPRESSES) {
            return Err(config(format!(
                "`compress_over` is {bytes}, and this build cannot compress: enable the feature `lz4` \
                 of cache-aside, or leave `compress_over` out"
            )));
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

/// A setting that is a time, and its name.
type Named = (&'static str, Duration);

fn at_most((name, value): Named, (other, bound): Named, why: &str) -> Result<()> {
    if value <= bound {
        return Ok(());
    }
    let (value, bound) = (shown(value), shown(bound));
    Err(config(format!("`{name}` ({value}) is above `{other}` ({bound}){why}")))
}

fn below((name, value): Named, (other, bound): Named, why: &str) -> Result<()> {
    if value < bound {
        return Ok(());
    }
    let (value, bound) = (shown(value), shown(bound));
    Err(config(format!("`{name}` ({value}) is not below `{other}` ({bound}){why}")))
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
            ("none_limit = 0", "`none_limit` is 0"),
            ("none_limit = 65536", "at most 65535"),
            ("failures_to_open = 0", "`failures_to_open`"),
            ("failure_percent = 101", "`failure_percent` is 101"),
            ("journal_max = 0", "`journal_max` is 0"),
            ("slow_after = \"1s\"", "`remote_timeout` (100ms)"),
            ("soft_timeout = \"2s\"\nhard_timeout = \"2s\"", "`hard_timeout` (2s)"),
            ("hard_timeout = \"31s\"", "`background_timeout` (30s)"),
            ("soft_timeout = \"31s\"", "`background_timeout` (30s)"),
            ("backoff_min = \"31s\"", "`backoff_max` (30s)"),
            ("refresh_ahead = -1.0", "`refresh_ahead` is -1"),
            ("background_limit = 0", "`background_limit` is 0"),
            #[cfg(not(feature = "lz4"))]
            ("compress_over = 0", "enable the feature `lz4`"),
            ("invalidate_policy = \"loud\"", "`journal` or `strict`"),
        ];
        for (text, expected) in wrong {
            let error = read(text).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}\nlacks {expected}");
        }
    }

    #[cfg(feature = "json")]
    #[test]
    fn json_says_the_same_as_toml() {
        let toml = "wait = '1m'\nhold = '2s'\nload_limit = 7\ninvalidate_policy = 'strict'";
        let json = r#"{"wait": "1m", "hold": "2s", "slow_after": null, "load_limit": 7,
                       "compress_over": null, "invalidate_policy": "strict"}"#;

        let (json, toml) = (Settings::from_json(json), Settings::from_toml(toml));

        assert_eq!(format!("{json:?}"), format!("{toml:?}"));
        for (text, expected) in [
            (r#"{"remote_timout": "1s"}"#, "unknown field `remote_timout`"),
            (r#"{"wait": 5}"#, "a duration with its unit"),
            ("{\n\"wait\": ", "line 2"),
        ] {
            let error = Settings::from_json(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(expected), "{error}\nlacks {expected}");
        }
    }
}
