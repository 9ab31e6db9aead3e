//! A server of our own, and what can happen to one.

use std::sync::Arc;
use std::{env, fs};

use anyhow::{Result, bail};
use cache_test_servers::{Flavour, Server as Process};
use tokio::task::spawn_blocking;

use crate::phase::Phase;

/// The file that a server reads when it starts.
const SNAPSHOT: &str = "dump.rdb";

/// Redis or Valkey on a port of its own; it ends with this handle.
#[derive(Debug)]
pub(crate) struct Server {
    process: Arc<Process>,
    program: &'static str,
}

impl Server {
    /// Starts the first of the two that is installed.
    pub(crate) async fn start() -> Result<Self> {
        let programs = [("redis-server", Flavour::Redis), ("valkey-server", Flavour::Valkey)];
        let Some((program, flavour)) = programs.into_iter().find(|(name, _)| is_installed(name))
        else {
            bail!("neither redis-server nor valkey-server is on the PATH: install one of them");
        };
        let started = spawn_blocking(move || Process::builder(flavour).start()).await?;
        match started {
            Ok(process) => Ok(Self { process: Arc::new(process), program }),
            Err(error) => bail!("{program} does not start: {error:?}"),
        }
    }

    pub(crate) fn program(&self) -> &'static str {
        self.program
    }

    pub(crate) fn url(&self) -> String {
        self.process.url()
    }

    /// Has happen what begins a phase; returns once the server is away, or answers again.
    pub(crate) async fn enter(&self, phase: Phase) -> Result<()> {
        let process = Arc::clone(&self.process);
        spawn_blocking(move || {
            match phase {
                Phase::Healthy => {}
                Phase::Stopped => shut_down(&process)?,
                Phase::Back => process.restart(),
                Phase::Hung => process.stop(),
                Phase::Continued => go_on(&process),
                Phase::Killed => process.kill(),
                Phase::Restarted => restart_empty(&process)?,
            }
            Ok(())
        })
        .await?
    }
}

fn is_installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Ends the server as SIGTERM does where it keeps a snapshot: it saves what it has.
fn shut_down(process: &Process) -> Result<()> {
    match process.command(&["SHUTDOWN", "SAVE"]) {
        Err(_) => Ok(()), // it ended without an answer
        Ok(refusal) => bail!("the server does not end: {refusal}"),
    }
}

fn go_on(process: &Process) {
    process.resume();
    process.cli(&["PING"]);
}

fn restart_empty(process: &Process) -> Result<()> {
    fs::remove_file(process.folder().join(SNAPSHOT))?;
    process.restart();
    Ok(())
}
