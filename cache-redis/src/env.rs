//! Redis by environment variables.

use std::env;

use crate::config::RedisConfig;
use crate::error::wrong;
use crate::parts::{Parts, digits, is_host};
use crate::{Error, Result};

impl RedisConfig {
    /// Reads the environment of this process; see [`RedisConfig::from_vars`].
    ///
    /// # Errors
    ///
    /// As [`RedisConfig::from_vars`].
    pub fn from_env() -> Result<Option<Self>> {
        Self::from_vars(|name| env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }

    /// Reads the variables that `look_up` knows; `None` means that Redis is not wanted.
    ///
    /// | variable | says | if it is missing |
    /// |---|---|---|
    /// | `USE_REDIS` | `true`, `1`, `yes`, `on`, or `false`, `0`, `no`, `off` | true if there is a URL or a host |
    /// | `REDIS_URL` | all of the following, as [`RedisConfig::new`] | |
    /// | `REDIS_HOST` | a name or an address | |
    /// | `REDIS_PORT` | 1 to 65535 | 6379 |
    /// | `REDIS_USERNAME` | an ACL user | the default user |
    /// | `REDIS_PASSWORD` | as it is, not percent-encoded | none |
    /// | `REDIS_DB` | the number of a database | 0 |
    /// | `REDIS_TLS` | as `USE_REDIS` | false |
    /// | `REDIS_SENTINEL_USERNAME` | an ACL user of the sentinels in the URL | the default user |
    /// | `REDIS_SENTINEL_PASSWORD` | the sentinels' password, as it is | none |
    ///
    /// With a URL the separate variables may repeat what it says and add what it leaves open. With
    /// `USE_REDIS=false` nothing else is looked at. A `REDIS_PORT` of `tcp://…` is ignored:
    /// Kubernetes sets it for a service that is called `redis`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if a variable is empty or malformed, or if
    /// two contradict each other; the text names them and shows no secret.
    pub fn from_vars(look_up: impl Fn(&str) -> Option<String>) -> Result<Option<Self>> {
        let variables = Variables(look_up);
        let wanted = variables.switch("USE_REDIS")?;
        if wanted == Some(false) {
            return Ok(None);
        }
        let parts = variables.parts()?;
        let problem = unaddressed(&parts);
        match (parts.config(), problem, wanted) {
            (Some(config), ..) => config.check().map(|()| Some(config)),
            (None, Some(name), _) => Err(wrong(name, NO_HOST)),
            (None, None, Some(_)) => Err(wrong("USE_REDIS is true, but neither", NO_SERVER)),
            (None, None, None) => Ok(None),
        }
    }
}

const NO_HOST: &str = "is set without a server: set REDIS_HOST or REDIS_URL too, or unset it";
const NO_SERVER: &str = "REDIS_URL nor REDIS_HOST is set: set one, or USE_REDIS=false";

/// Returns the name of a variable that means nothing without a host.
fn unaddressed(parts: &Parts) -> Option<&'static str> {
    let set = [
        (parts.password.is_some(), "REDIS_PASSWORD"),
        (parts.username.is_some(), "REDIS_USERNAME"),
        (parts.port.is_some(), "REDIS_PORT"),
        (parts.db.is_some(), "REDIS_DB"),
        (parts.tls.is_some(), "REDIS_TLS"),
        (parts.sentinel_password.is_some(), "REDIS_SENTINEL_PASSWORD"),
        (parts.sentinel_username.is_some(), "REDIS_SENTINEL_USERNAME"),
    ];
    set.into_iter().find_map(|(is_set, name)| is_set.then_some(name))
}

/// The variables, each checked as it is read.
struct Variables<F>(F);

impl<F: Fn(&str) -> Option<String>> Variables<F> {
    /// Reads all but the switch, and sees that they agree.
    fn parts(&self) -> Result<Parts> {
        let url = match self.text("REDIS_URL")? {
            Some(url) => Parts::from_url("REDIS_URL", &url)?,
            None => Parts::default(),
        };
        if url.place.is_some() {
            self.host()?.map_or(Ok(()), |_| Err(contradiction("REDIS_HOST")))?;
            self.port()?.map_or(Ok(()), |_| Err(contradiction("REDIS_PORT")))?;
        }
        Ok(Parts {
            place: url.place,
            host: agreed("REDIS_HOST", url.host, self.host()?)?,
            port: agreed("REDIS_PORT", url.port, self.port()?)?,
            username: agreed("REDIS_USERNAME", url.username, self.text("REDIS_USERNAME")?)?,
            password: agreed("REDIS_PASSWORD", url.password, self.text("REDIS_PASSWORD")?)?,
            db: agreed("REDIS_DB", url.db, self.db()?)?,
            tls: agreed("REDIS_TLS", url.tls, self.switch("REDIS_TLS")?)?,
            sentinel_username: self.text("REDIS_SENTINEL_USERNAME")?,
            sentinel_password: self.text("REDIS_SENTINEL_PASSWORD")?,
        })
    }

    fn host(&self) -> Result<Option<String>> {
        let problem = "is not a host name or address alone: the port belongs into REDIS_PORT, a \
                       whole URL into REDIS_URL";
        let Some(host) = self.text("REDIS_HOST")? else { return Ok(None) };
        if is_host(&host) { Ok(Some(host)) } else { Err(wrong("REDIS_HOST", problem)) }
    }

    fn port(&self) -> Result<Option<u16>> {
        let port = self.text("REDIS_PORT")?.filter(|port| !port.starts_with("tcp://"));
        let valid = |port: &str| digits(port)?.try_into().ok().filter(|port| *port > 0);
        parsed("REDIS_PORT", port, valid, "is not a port from 1 to 65535")
    }

    fn db(&self) -> Result<Option<u32>> {
        parsed("REDIS_DB", self.text("REDIS_DB")?, digits, "is not a database number such as 0")
    }

    fn switch(&self, name: &str) -> Result<Option<bool>> {
        let valid = |text: &str| match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Some(true),
            "false" | "0" | "no" | "off" => Some(false),
            _ => None,
        };
        parsed(name, self.text(name)?, valid, "is neither `true` nor `false`")
    }

    fn text(&self, name: &str) -> Result<Option<String>> {
        let Some(value) = (self.0)(name) else { return Ok(None) };
        if value.is_empty() {
            return Err(wrong(name, "is empty: unset it, or give it a value"));
        }
        if value.contains(char::REPLACEMENT_CHARACTER) {
            return Err(wrong(name, "is not UTF-8 text"));
        }
        if value.trim() != value {
            let problem = "begins or ends with white space, perhaps a file's line break: remove it";
            return Err(wrong(name, problem));
        }
        Ok(Some(value))
    }
}

/// Reads a value that is no secret; errors show it unless it is so long that it might be one after
/// all, in the wrong variable.
fn parsed<T>(
    name: &str,
    value: Option<String>,
    valid: impl Fn(&str) -> Option<T>,
    problem: &str,
) -> Result<Option<T>> {
    const LONGEST_SHOWN: usize = 5;
    let Some(value) = value else { return Ok(None) };
    match valid(&value) {
        Some(valid) => Ok(Some(valid)),
        None if value.len() > LONGEST_SHOWN => Err(wrong(name, problem)),
        None => Err(wrong(&format!("{name}={value}"), problem)),
    }
}

/// Sees that a variable repeats what the URL says, or adds what it leaves open.
fn agreed<T: PartialEq>(name: &str, url: Option<T>, variable: Option<T>) -> Result<Option<T>> {
    if url.is_some() && variable.is_some() && url != variable {
        return Err(contradiction(name));
    }
    Ok(url.or(variable))
}

fn contradiction(name: &str) -> Error {
    wrong(name, &format!("says something else than REDIS_URL: unset {name}, or {REPEAT}"))
}

const REPEAT: &str = "make both the same (TLS is `rediss://` in the URL)";
