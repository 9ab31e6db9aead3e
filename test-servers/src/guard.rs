//! Cleans up behind a server, whatever happens to the test.

use std::collections::hash_map::RandomState;
use std::fs::DirBuilder;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::{env, process};

/// Reads what to end, line by line; the last line counts when the pipe closes.
const SCRIPT: &str = r#"
while read -r kind name; do last_kind=$kind last_name=$name; done
case $last_kind in
    process) kill -9 "$last_name" ;;
    container) docker rm --force --volumes "$last_name" ;;
esac
rm -rf -- "$0"
"#;

/// A temporary folder, and a shell that ends the server in it and removes it.
///
/// The shell waits on a pipe that this process holds. The pipe closes when the guard is dropped and
/// when the process ends, a SIGKILL included. The shell is in a process group of its own, because
/// test runners kill the whole group of a test that takes too long.
#[derive(Debug)]
pub(crate) struct Guard {
    folder: PathBuf,
    shell: Child,
    pipe: Option<ChildStdin>,
}

impl Guard {
    /// Creates the folder and starts the shell.
    pub(crate) fn new() -> io::Result<Self> {
        let folder = new_folder_name();
        let mut shell = Command::new("sh")
            .args(["-c", SCRIPT])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let pipe = shell.stdin.take();
        let guard = Self { folder, shell, pipe };
        DirBuilder::new().mode(0o700).create(&guard.folder)?;
        Ok(guard)
    }

    /// Returns the folder, which only this user can read.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns an end of the pipe, for a `process PID` line.
    ///
    /// A process that announces itself before it becomes the server is known at every moment: the
    /// pipe does not close before the line is written.
    pub(crate) fn announcement(&self) -> io::Result<Stdio> {
        Ok(self.pipe().as_fd().try_clone_to_owned()?.into())
    }

    /// Has the container of this name removed.
    #[cfg(feature = "container")]
    pub(crate) fn watch_container(&self, name: &str) -> io::Result<()> {
        writeln!(self.pipe(), "container {name}")
    }

    /// Forgets what was watched, because it has ended.
    pub(crate) fn forget(&self) -> io::Result<()> {
        writeln!(self.pipe(), "nothing")
    }

    fn pipe(&self) -> &ChildStdin {
        self.pipe.as_ref().expect("the pipe is open until the guard is dropped")
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.pipe.take());
        // Nobody is left to tell; a failed wait leaves the shell to finish on its own.
        let _ = self.shell.wait();
    }
}

/// Chooses a short name: a socket's path in it must stay below some 100 bytes.
fn new_folder_name() -> PathBuf {
    let random = RandomState::new().build_hasher().finish();
    env::temp_dir().join(format!("cache-test-{}-{random:016x}", process::id()))
}
