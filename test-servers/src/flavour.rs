//! Which server a test asks for, and where it is found.

use std::env;
use std::path::PathBuf;

/// Which server a test asks for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Flavour {
    /// A container of the image named by `CACHE_ASIDE_TEST_IMAGE`, or of Valkey 8.
    Container,
    /// The `redis-server` on `PATH`, or a container of Redis 7.0.
    Redis,
    /// The `valkey-server` on `PATH`, or a container of Valkey 8.
    Valkey,
}

impl Flavour {
    /// Returns the program on `PATH`; containers and missing programs have none.
    pub(crate) fn program(self) -> Option<PathBuf> {
        let name = self.program_name()?;
        let path = env::var_os("PATH")?;
        env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
    }

    /// Returns the image to make a container of.
    #[cfg(feature = "container")]
    pub(crate) fn image(self) -> String {
        const VALKEY: &str = "valkey/valkey:8";
        match self {
            Self::Container => {
                env::var("CACHE_ASIDE_TEST_IMAGE").unwrap_or_else(|_| VALKEY.to_owned())
            }
            Self::Redis => "redis:7.0".to_owned(),
            Self::Valkey => VALKEY.to_owned(),
        }
    }

    /// Returns what was looked for on `PATH`, for messages.
    pub(crate) fn program_name(self) -> Option<&'static str> {
        match self {
            Self::Container => None,
            Self::Redis => Some("redis-server"),
            Self::Valkey => Some("valkey-server"),
        }
    }
}
