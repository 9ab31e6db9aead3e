//! A fault: where it happens, and how it begins and ends.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cache_aside::{Clock, RedisConfig};
use cache_test_servers::{Error, Flavour};

/// A fault that is put right again, and what must be seen of it.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// What it is called in the table.
    pub name: &'static str,
    /// When it begins.
    pub onset: Onset,
    /// How long it lasts in the table.
    pub lasts: Duration,
    /// Whether both instances must leave the server alone in the meantime.
    pub opens: bool,
    /// What health must say of it at some moment.
    pub reason: Option<&'static str>,
    /// How long a caller may wait for somebody who is gone: where a lease of the past is back, `wait`.
    pub waits: Duration,
    /// Builds the place where it happens.
    pub stage: fn(Flavour) -> Result<Stage, Error>,
}

/// When a fault begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Onset {
    /// Before the instances start.
    AtStart,
    /// As [`AtStart`](Self::AtStart), and it never ends.
    ForEver,
    /// Under traffic.
    Later,
}

type Act = Box<dyn Fn() + Send + Sync>;

/// Servers and what is between them and the instances.
pub struct Stage {
    /// How instances reach the server.
    pub config: RedisConfig,
    pub(super) clock: Option<Arc<dyn Clock>>,
    pub(super) prepare: Act,
    pub(super) begin: Act,
    pub(super) end: Act,
}

impl Stage {
    /// Creates the stage of a fault of `subject`, that `begin` begins and `end` puts right.
    ///
    /// # Panics
    ///
    /// If the address cannot be used.
    pub fn new<S: Send + Sync + 'static>(
        url: &str,
        subject: S,
        begin: fn(&S),
        end: fn(&S),
    ) -> Self {
        let config = RedisConfig::new(url).expect("the address is right");
        let subject = Arc::new(subject);
        let other = Arc::clone(&subject);
        Self {
            config,
            clock: None,
            prepare: Box::new(|| {}),
            begin: Box::new(move || begin(&subject)),
            end: Box::new(move || end(&other)),
        }
    }

    /// Sets what happens some time before the fault.
    #[must_use]
    pub fn prepare(mut self, prepare: impl Fn() + Send + Sync + 'static) -> Self {
        self.prepare = Box::new(prepare);
        self
    }

    /// Sets by which clock one of the instances goes.
    #[must_use]
    pub(super) fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage").field("config", &self.config).finish_non_exhaustive()
    }
}
