//! Texts as settings and as TTL tables.

use std::time::Duration;

use super::Source;
use crate::policy::{CallOptions, Settings, Ttl, TtlTable};
use crate::{ErrorKind, Result};

/// Reads a text as settings and as a TTL table, and a part of it as a duration.
///
/// # Panics
///
/// If what is read is out of its bounds, or an error is not about the text.
pub fn settings(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(settings) = told(Settings::from_toml(&text)) {
        check(&settings);
    }
    if let Some(table) = told(TtlTable::from_toml(&text)) {
        check_table(&table, &text);
    }
    #[cfg(feature = "json")]
    {
        if let Some(settings) = told(Settings::from_json(&text)) {
            check(&settings);
        }
        if let Some(table) = told(TtlTable::from_json(&text)) {
            check_table(&table, &text);
        }
    }
    duration(&text);
    let mut source = Source::new(data);
    let number = u64::from_le_bytes(source.array());
    call(Duration::new(number, u32::from_le_bytes(source.array()) % 1_000_000_000));
}

fn check(settings: &Settings) {
    if told(settings.check()).is_none() {
        return;
    }
    let times = [
        settings.remote_timeout,
        settings.degraded_ttl,
        settings.max_silence,
        settings.lease_ttl,
        settings.wait,
        settings.hold.unwrap_or(settings.wait),
        settings.guard_ttl,
        settings.retry_min,
        settings.retry_max,
    ];
    let bounds = Duration::from_millis(1)..=Duration::from_secs(24 * 60 * 60);
    assert!(times.iter().all(|time| bounds.contains(time)), "{settings:?}");
    assert!(settings.remote_timeout < settings.lease_ttl);
    assert!(settings.retry_min <= settings.retry_max);
    assert!(settings.failures_to_open > 0);
    assert!((1..=16 << 20).contains(&settings.max_value_bytes));
}

fn check_table(table: &TtlTable, text: &str) {
    let is_right = |time: Duration| (Ttl::MIN..=Ttl::MAX).contains(&time);
    assert!(is_right(table.longest()));
    let words = || text.split(|c: char| !c.is_alphanumeric()).take(16);
    for (tier, entity) in words().zip(words().skip(1)) {
        let found = table.find(Some(tier), entity).into_iter().chain(table.find(None, entity));
        for ttl in found {
            assert!(is_right(ttl.fresh) && ttl.none.is_none_or(is_right), "{ttl:?}");
        }
    }
}

/// Reads a duration wherever one can stand; all agree on what is one.
fn duration(text: &str) {
    let text = text.lines().next().unwrap_or_default();
    if text.contains(|c: char| c == '\'' || c.is_control()) {
        return;
    }
    let read = |line: String| told(Settings::from_toml(&line));
    let wait = read(format!("wait = '{text}'")).map(|settings| settings.wait);
    let hold = read(format!("hold = '{text}'")).and_then(|settings| settings.hold);
    assert_eq!(wait, hold);
    let bounds = Ttl::MIN..=Ttl::MAX;
    for cell in [format!("'{text}'"), format!("{{ fresh = '{text}' }}")] {
        let table = told(TtlTable::from_toml(&format!("default = {cell}")));
        let fresh = table.and_then(|table| table.find(None, "x")).map(|ttl| ttl.fresh);
        assert_eq!(fresh, wait.filter(|wait| bounds.contains(wait)));
    }
}

fn call(fresh: Duration) {
    let read = CallOptions::table().with_ttl(Ttl::new(fresh).with_none(fresh));
    assert_eq!(told(read).is_some(), (Ttl::MIN..=Ttl::MAX).contains(&fresh));
}

/// Returns what was read; an error must be one of the settings, and have a text.
fn told<T>(read: Result<T>) -> Option<T> {
    match read {
        Ok(read) => Some(read),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(!error.to_string().is_empty());
            None
        }
    }
}
