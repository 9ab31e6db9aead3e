//! Keeps the list of tests that could not run.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::{env, thread};

/// Appends this test to the file in `CACHE_ASIDE_NOT_RUN`.
///
/// # Panics
///
/// If the variable is not set, or its file cannot be written: nothing is skipped silently.
pub(crate) fn note(missing: &str) {
    let test = test_name();
    let Some(path) = env::var_os("CACHE_ASIDE_NOT_RUN").filter(|path| !path.is_empty()) else {
        panic!("{test} needs a server: {missing}; run `cargo xtask test`, which installs one");
    };
    append(Path::new(&path), &format!("{test}\t{}\n", missing.replace(['\n', '\t'], " ")))
        .expect("the file named by CACHE_ASIDE_NOT_RUN can be appended to");
}

/// Returns the test's binary and name; nextest may run a test on the main thread.
fn test_name() -> String {
    let program = env::current_exe().unwrap_or_default();
    let binary = program.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let thread = thread::current().name().unwrap_or("unnamed").to_owned();
    let binary = env::var("NEXTEST_BINARY_ID").unwrap_or(binary);
    format!("{binary} {}", env::var("NEXTEST_TEST_NAME").unwrap_or(thread))
}

fn append(path: &Path, line: &str) -> io::Result<()> {
    OpenOptions::new().append(true).create(true).open(path)?.write_all(line.as_bytes())
}
