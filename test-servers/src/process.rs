//! A server as a child process.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{fs, io};

use crate::Error;
use crate::guard::Guard;
use crate::host::Host;

/// Announces its own id to the guard, then becomes the server.
const SCRIPT: &str = r#"echo "process $$"; log=$1; shift; exec "$0" "$@" >>"$log" 2>&1"#;

/// A server program, its folder, and its process while it runs.
#[derive(Debug)]
pub(crate) struct Process {
    program: PathBuf,
    guard: Guard,
    options: &'static [&'static str],
    /// Waited for only when taken out: until then nobody else gets its id.
    child: Mutex<Option<Child>>,
}

impl Process {
    /// The settings file's name in the guard's folder.
    pub(crate) const SETTINGS: &str = "server.conf";

    /// Prepares a process; the guard's folder holds its settings, the options follow their name.
    pub(crate) fn new(program: PathBuf, guard: Guard, options: &'static [&'static str]) -> Self {
        Self { program, guard, options, child: Mutex::new(None) }
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log_file(&self) -> PathBuf {
        self.guard.folder().join("server.log")
    }

    /// Sends a signal through the shell's own `kill`, which is there on the smallest machine.
    fn signal(&self, name: &str) -> Result<(), Error> {
        let child = self.child();
        let Some(child) = child.as_ref() else {
            return Err(Error::Failed(format!("it is not running and cannot get SIG{name}")));
        };
        let sent = Command::new("sh")
            .args(["-c", r#"kill -s "$0" "$1""#, name, &child.id().to_string()])
            .status()?;
        if !sent.success() {
            return Err(Error::Failed(format!("it did not take SIG{name}")));
        }
        Ok(())
    }
}

impl Host for Process {
    fn start(&self) -> Result<(), Error> {
        let child = Command::new("sh")
            .args(["-c", SCRIPT])
            .args([&self.program, &self.log_file(), &self.guard.folder().join(Self::SETTINGS)])
            .args(self.options)
            .env("LC_ALL", "C") // Redis does not start in a locale that is not installed
            .stdin(Stdio::null())
            .stdout(self.guard.announcement()?)
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        *self.child() = Some(child);
        Ok(())
    }

    fn kill(&self) -> Result<(), Error> {
        let Some(mut child) = self.child().take() else { return Ok(()) };
        child.kill()?;
        child.wait()?;
        Ok(self.guard.forget()?)
    }

    fn stop(&self) -> Result<(), Error> {
        self.signal("STOP")
    }

    fn resume(&self) -> Result<(), Error> {
        self.signal("CONT")
    }

    fn has_ended(&self) -> Result<bool, Error> {
        let ended = match self.child().as_mut() {
            Some(child) => child.try_wait()?.is_some(),
            None => true,
        };
        if ended && self.log().contains("Address already in use") {
            return Err(io::Error::from(io::ErrorKind::AddrInUse).into());
        }
        Ok(ended)
    }

    fn folder(&self) -> &Path {
        self.guard.folder()
    }

    fn log(&self) -> String {
        let log = fs::read(self.log_file()).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // On failure the guard, dropped next, ends it.
        let _ = self.kill();
    }
}
