//! A server of our own, and what can happen to one.

use std::sync::Arc;
use std::{env, fs};

use anyhow::{Result, bail};
use cache_test_servers::{Flavour, Server as Process};
use tokio::task::spawn_blocking;

/// The file that a server reads when it starts.
const SNAPSHOT: &str = "dump.rdb";

/// Redis or Valkey on a port of its own; it ends with this handle.
#[derive(Debug)]
pub struct Server {
    process: Arc<Process>,
    program: &'static str,
}

impl Server {
    /// Starts the first of the two that is installed.
    ///
    /// # Errors
    ///
    /// If neither is, or it does not start.
    pub async fn start() -> Result<Self> {
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

    /// Returns the name of the program.
    pub fn program(&self) -> &'static str {
        self.program
    }

    /// Returns the address.
    pub fn url(&self) -> String {
        self.process.url()
    }

    /// Has something happen to the server; returns once it is away, or answers again.
    ///
    /// # Errors
    ///
    /// If it cannot be done to this server.
    pub async fn suffer(&self, act: Act) -> Result<()> {
        let process = Arc::clone(&self.process);
        spawn_blocking(move || {
            match act {
                Act::Continue => go_on(&process),
                Act::Hang => process.stop(),
                Act::Kill => process.kill(),
                Act::Restart => process.restart(),
                Act::RestartEmpty => restart_empty(&process)?,
                Act::ShutDown => shut_down(&process)?,
            }
            Ok(())
        })
        .await?
    }
}

/// What can happen to a server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Act {
    /// It goes on after it hung (SIGCONT).
    Continue,
    /// It is frozen (SIGSTOP): connections stay open, and nothing answers.
    Hang,
    /// It is killed (SIGKILL).
    Kill,
    /// It starts again, with the data that it saved.
    Restart,
    /// It starts again, without any data.
    RestartEmpty,
    /// It saves its data and ends.
    ShutDown,
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
    let snapshot = process.folder().join(SNAPSHOT);
    if snapshot.exists() {
        fs::remove_file(snapshot)?;
    }
    process.restart();
    Ok(())
}
