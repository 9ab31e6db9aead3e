//! URLs and variables that say where Redis is.

use cache_core::fuzz::Source;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{SECRET, check_error};
use crate::{RedisConfig, Result};

/// Reads a URL, or variables, or a URL made of parts.
///
/// # Panics
///
/// If an error or the text of a configuration shows a password, or if a URL made of parts does not read
/// as those parts.
pub fn connection(data: &[u8]) {
    let mut source = Source::new(data);
    match source.byte() {
        0 => check_url(&String::from_utf8_lossy(source.rest())),
        1 => whole(&mut source),
        2 => check_variables(&variables(&mut source)),
        _ => check_url(&pieces(&mut source)),
    }
}

fn check_url(url: &str) {
    check(RedisConfig::new(url), url);
}

fn check(read: Result<RedisConfig>, text: &str) {
    let config = match read {
        Ok(config) => config,
        Err(error) => return check_error(&error),
    };
    if let Err(error) = config.check() {
        check_error(&error);
    }
    let passwords = [&config.password, &config.sentinel_password];
    let is_secret = passwords.into_iter().flatten().any(|password| password.contains(SECRET));
    // Somebody may give a host, or a file, the name of the password.
    if is_secret && text.matches(SECRET).count() == 1 {
        assert!(!format!("{config} {config:?}").contains(SECRET), "{text}");
    }
}

/// A URL that is right: with its credentials percent-encoded, it reads as what it was made of.
fn whole(source: &mut Source<'_>) {
    let (user, password) = (source.text(&USERS), source.text(&PASSWORDS));
    let db = source.below(20) as u32;
    let [user_text, password_text] =
        [&user, &password].map(|text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string());
    let credentials = format!("{user_text}:{password_text}@");
    for (url, shown) in [
        (format!("redis://{credentials}a:7/{db}"), format!("redis(a:7/{db})")),
        (format!("rediss://{credentials}[::1]/{db}"), format!("redis([::1]:6379/{db})")),
        (format!("redis+sentinel://{credentials}a,b:7/m/{db}"), {
            format!("redis(m@a:26379,b:7/{db})")
        }),
        (format!("redis+cluster://{credentials}a,b:7"), "redis(cluster a:6379,b:7)".into()),
        (format!("unix://{credentials}/r.sock?db={db}"), format!("redis(unix:/r.sock/{db})")),
    ] {
        let config = RedisConfig::new(&url).expect("the URL is right");
        let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        assert_eq!((&config.username, &config.password), (&some(&user), &some(&password)));
        assert_eq!(config.to_string(), shown);
    }
}

/// A URL of pieces that need not fit.
fn pieces(source: &mut Source<'_>) -> String {
    (0..source.below(12)).map(|_| source.text(&PIECES)).collect()
}

fn variables(source: &mut Source<'_>) -> Vec<(&'static str, String)> {
    let value = |source: &mut Source<'_>| match source.below(3) {
        0 => source.text(&VALUES),
        1 => pieces(source),
        _ => source.pick(&VALUES).to_owned(),
    };
    (0..source.below(12)).map(|_| (source.pick(&NAMES), value(source))).collect()
}

fn check_variables(variables: &[(&str, String)]) {
    let find = |name: &str| variables.iter().find(|(known, _)| *known == name);
    match RedisConfig::from_vars(|name| find(name).map(|(_, value)| value.clone())) {
        Ok(Some(config)) => check(Ok(config), &format!("{variables:?}")),
        Ok(None) => {}
        Err(error) => check_error(&error),
    }
}

const USERS: [&str; 4] = ["", "app", "a:b", "é@/"];

const PASSWORDS: [&str; 6] = [SECRET, "p@ss", "a:b/c?d#e", "%2F", " \t\n", "é"];

const PIECES: [&str; 36] = [
    "redis://",
    "rediss://",
    "valkey://",
    "unix://",
    "redis+sentinel://",
    "redis+cluster://",
    "valkeys+cluster://",
    "://",
    "app",
    ":",
    "@",
    "/",
    "?",
    "#",
    ",",
    "[::1]",
    "[",
    "]",
    "a",
    "b.c",
    "127.0.0.1",
    "6379",
    "0",
    "65536",
    "99999999999",
    "?db=1",
    "/run/redis.sock",
    "main",
    "%",
    "%2F",
    "%ff",
    "é",
    " ",
    "\n",
    SECRET,
    "CANARYpw@a",
];

const NAMES: [&str; 10] = [
    "USE_REDIS",
    "REDIS_URL",
    "REDIS_HOST",
    "REDIS_PORT",
    "REDIS_USERNAME",
    "REDIS_PASSWORD",
    "REDIS_DB",
    "REDIS_TLS",
    "REDIS_SENTINEL_USERNAME",
    "REDIS_SENTINEL_PASSWORD",
];

const VALUES: [&str; 18] = [
    "true",
    "false",
    "1",
    "0",
    "on",
    "",
    " ",
    "a",
    "::1",
    "6379",
    "65536",
    "tcp://10.0.0.1:6379",
    "redis://a",
    "redis://app:CANARYpw@a:6379/0",
    "unix://:CANARYpw@/run/redis.sock",
    "redis+cluster://:CANARYpw@a",
    SECRET,
    "\u{FFFD}",
];
