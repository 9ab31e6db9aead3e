//! What the process and the server hold at one moment.

use std::time::Duration;
use std::{fmt, fs};

use cache_aside::Stats;
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::service::Service;

/// One second's figures, in the order of [`Reading::NAMES`]; `None` where nobody answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading(pub(crate) [Option<u64>; 7]);

impl Reading {
    /// How many of them are held, and may not grow. The others follow the work, which comes and goes
    /// with the faults; they must be gone at the end.
    pub(crate) const HELD: usize = 4;

    pub(crate) const NAMES: [&str; 7] = [
        "memory (KiB)",
        "tasks",
        "file descriptors",
        "connections",
        "loads in flight",
        "near entries",
        "owed to the server",
    ];

    /// Reads everything. The server may be away: it is not waited for.
    pub(crate) async fn take(service: &Service, runtimes: &[Handle], server: &str) -> Self {
        let stats = service.stats();
        let sum = |of: fn(&Stats) -> u64| Some(stats.iter().map(of).sum());
        Self([
            memory(),
            Some(tasks(runtimes)),
            descriptors(),
            connections(server).await,
            sum(|stats| stats.in_flight),
            sum(|stats| stats.near.entries),
            sum(|stats| stats.journal_depth),
        ])
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in Self::NAMES.iter().zip(self.0) {
            match value {
                Some(value) => write!(f, "  {name} {value}")?,
                None => write!(f, "  {name} -")?,
            }
        }
        Ok(())
    }
}

/// Returns how many tasks there are.
pub(crate) fn tasks(runtimes: &[Handle]) -> u64 {
    runtimes.iter().map(|it| it.metrics().num_alive_tasks() as u64).sum()
}

/// Returns what of this process is in memory (`VmRSS`).
fn memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

fn descriptors() -> Option<u64> {
    Some(fs::read_dir("/proc/self/fd").ok()?.count() as u64)
}

/// Asks the server itself how many clients it has, this one left out.
pub(crate) async fn connections(server: &str) -> Option<u64> {
    const PATIENCE: Duration = Duration::from_millis(200);
    let ask = async {
        let client = redis::Client::open(server).ok()?;
        let mut connection = client.get_multiplexed_async_connection().await.ok()?;
        let info: String =
            redis::cmd("INFO").arg("clients").query_async(&mut connection).await.ok()?;
        let count = info.lines().find_map(|line| line.strip_prefix("connected_clients:"))?;
        count.trim().parse::<u64>().ok()
    };
    timeout(PATIENCE, ask).await.ok().flatten().map(|count| count.saturating_sub(1))
}
