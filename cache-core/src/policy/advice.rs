//! What is known to go wrong with settings that are right by themselves. Pure: says, and logs nothing.

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;

use super::duration::shown;
use super::{Settings, TtlTable};
use crate::backend::Capabilities;

/// A setting that is allowed, and known to go wrong: what it leads to, and what to change.
///
/// Returned by [`Cache::advice`](crate::Cache::advice). `docs/advice.md` has a section for each code.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Advice {
    /// What it is about; the same in every release. One of [`Advice::CODES`], unless a backend of your
    /// own says something else.
    pub code: &'static str,
    /// What it leads to and what to change, in a sentence or two.
    pub text: Cow<'static, str>,
}

impl Advice {
    /// Every code of this library.
    pub const CODES: [&'static str; 10] = [
        "namespace_common",
        "remote_without_near",
        "ttl_table_empty",
        "lagging_without_hold",
        "degraded_ttl_idle",
        "degraded_ttl_long",
        "lease_ttl_short",
        "wait_long",
        "maxmemory_noeviction",
        "maxmemory_volatile_ttl",
    ];

    /// Creates an advice.
    pub fn new(code: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self { code, text: text.into() }
    }
}

/// What is known of a cache when it is built.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) settings: &'a Settings,
    pub(crate) table: &'a TtlTable,
    pub(crate) has_near: bool,
    /// Of the remote level, if there is one.
    pub(crate) remote: Option<Capabilities>,
}

impl Facts<'_> {
    /// Returns what can be said before the remote level was ever asked.
    pub(crate) fn advice(self) -> Vec<Advice> {
        let everywhere = [self.empty_table()];
        let Some(remote) = self.remote else { return everywhere.into_iter().flatten().collect() };
        let shared = [
            self.common_namespace(remote),
            self.no_near(remote),
            self.no_hold(remote),
            self.idle_degraded_ttl(),
            self.long_degraded_ttl(),
            self.short_lease(),
            self.long_wait(),
        ];
        everywhere.into_iter().chain(shared).flatten().collect()
    }

    fn empty_table(self) -> Option<Advice> {
        const TEXT: &str = "there is no TTL table: what neither a call nor a loader says the TTL of \
                            lives for a minute. Give the builder a `ttl_table`, with a `default` at \
                            least";
        self.table.is_empty().then(|| Advice::new("ttl_table_empty", TEXT))
    }

    fn common_namespace(self, remote: Capabilities) -> Option<Advice> {
        const COMMON: [&str; 7] = ["app", "cache", "default", "dev", "myapp", "service", "test"];
        let name = self.namespace.to_ascii_lowercase();
        let is_common = name.chars().count() == 1 || COMMON.contains(&&*name);
        (remote.shared && is_common).then(|| {
            let text = format!(
                "another application may use the namespace {name:?} too, in the same store, and end \
                 what is cached here: name this application",
            );
            Advice::new("namespace_common", text)
        })
    }

    fn no_near(self, remote: Capabilities) -> Option<Advice> {
        const TEXT: &str = "every hit asks the shared remote level, and while that is away nothing is \
                            cached at all: give the builder a `near` level";
        (remote.shared && !self.has_near).then(|| Advice::new("remote_without_near", TEXT))
    }

    fn no_hold(self, remote: Capabilities) -> Option<Advice> {
        const TEXT: &str = "the remote level is read from replicas, which may be behind: where the \
                            source has replicas too, a load may keep what an invalidation has ended. \
                            Set `hold` to longer than they are behind, or read from primaries";
        let is_held = self.settings.hold.is_some();
        (remote.lagging && !is_held).then(|| Advice::new("lagging_without_hold", TEXT))
    }

    fn idle_degraded_ttl(self) -> Option<Advice> {
        let (degraded, shortest) = (self.settings.degraded_ttl, self.table.shortest());
        let is_idle = self.has_near && !self.is_default(degraded) && degraded > shortest;
        is_idle.then(|| {
            let text = format!(
                "`degraded_ttl` ({}) is above the shortest TTL of the table ({}), and has no effect on \
                 what lives that long: lower it",
                shown(degraded),
                shown(shortest)
            );
            Advice::new("degraded_ttl_idle", text)
        })
    }

    fn long_degraded_ttl(self) -> Option<Advice> {
        let degraded = self.settings.degraded_ttl;
        (self.has_near && degraded > Duration::from_secs(60)).then(|| {
            let text = format!(
                "`degraded_ttl` is {}: as long is served what others have changed while the remote \
                 level cannot be heard. Lower it to what users can bear",
                shown(degraded)
            );
            Advice::new("degraded_ttl_long", text)
        })
    }

    /// The default of `background_timeout` is above that of `lease_ttl`: loads of that length are rare.
    fn short_lease(self) -> Option<Advice> {
        let Settings { lease_ttl, hard_timeout, background_timeout, .. } = *self.settings;
        let background =
            Some(background_timeout).filter(|time| *time != Settings::default().background_timeout);
        let (name, time) = [("hard_timeout", hard_timeout), ("background_timeout", background)]
            .into_iter()
            .find_map(|(name, time)| Some((name, time.filter(|time| *time > lease_ttl)?)))?;
        let text = format!(
            "loads may take `{name}` ({}), and what takes longer than `lease_ttl` ({}) is not cached: \
             raise `lease_ttl` above it",
            shown(time),
            shown(lease_ttl)
        );
        Some(Advice::new("lease_ttl_short", text))
    }

    fn long_wait(self) -> Option<Advice> {
        let Settings { wait, lease_ttl, .. } = *self.settings;
        (wait > lease_ttl).then(|| {
            let text = format!(
                "callers wait for the loads of others for `wait` ({}), and after `lease_ttl` ({}) those \
                 can fill nothing any more: lower `wait`",
                shown(wait),
                shown(lease_ttl)
            );
            Advice::new("wait_long", text)
        })
    }

    fn is_default(self, degraded_ttl: Duration) -> bool {
        degraded_ttl == Settings::default().degraded_ttl
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARED: Option<Capabilities> = Some(Capabilities::shared());

    fn codes(facts: Facts<'_>) -> Vec<&'static str> {
        let advice = facts.advice();
        assert!(advice.iter().all(|it| Advice::CODES.contains(&it.code) && it.text.len() > 40));
        advice.into_iter().map(|advice| advice.code).collect()
    }

    /// What is said of settings, beside a right rest.
    fn of_settings(settings: &str, table: &str) -> Vec<&'static str> {
        let settings = Settings::from_toml(settings).unwrap();
        assert!(settings.check().is_ok());
        let table = &TtlTable::from_toml(table).unwrap();
        let namespace = "atlas";
        codes(Facts { namespace, settings: &settings, table, has_near: true, remote: SHARED })
    }

    #[test]
    fn of_right_settings_there_is_nothing_to_say() {
        assert!(of_settings("", "default = '1m'").is_empty());
        assert!(of_settings("hard_timeout = '2s'", "default = '1s'").is_empty());
    }

    #[test]
    fn each_setting_that_is_known_to_go_wrong_is_told() {
        for (settings, table, expected) in [
            ("", "", "ttl_table_empty"),
            ("degraded_ttl = '31s'", "default = '1m'\nentities.x = '30s'", "degraded_ttl_idle"),
            ("degraded_ttl = '61s'", "default = '1h'", "degraded_ttl_long"),
            ("hard_timeout = '11s'", "default = '1m'", "lease_ttl_short"),
            ("background_timeout = '11s'", "default = '1m'", "lease_ttl_short"),
            ("wait = '11s'", "default = '1m'", "wait_long"),
        ] {
            assert_eq!(of_settings(settings, table), [expected], "{settings}");
        }
    }

    #[test]
    fn each_way_to_build_it_that_is_known_to_go_wrong_is_told() {
        let (settings, table) =
            (Settings::default(), TtlTable::from_toml("default = '1m'").unwrap());
        let (settings, table) = (&settings, &table);
        let right = Facts { namespace: "atlas", settings, table, has_near: true, remote: SHARED };

        for namespace in ["app", "Cache", "default", "test", "myapp", "a", "ä"] {
            assert_eq!(codes(Facts { namespace, ..right }), ["namespace_common"]);
            let local = Some(Capabilities::local());
            assert!(codes(Facts { namespace, remote: local, ..right }).is_empty());
            assert!(codes(Facts { namespace, remote: None, ..right }).is_empty());
        }
        assert_eq!(codes(Facts { has_near: false, ..right }), ["remote_without_near"]);
        let lagging = Some(Capabilities::shared().lagging());
        assert_eq!(codes(Facts { remote: lagging, ..right }), ["lagging_without_hold"]);
    }
}
