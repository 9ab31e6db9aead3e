//! The tests that could not run, as `cache-test-servers` notes them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs, process};

/// A fresh file of notes: a test, a tab, what was missing.
#[derive(Debug)]
pub(crate) struct NotRun {
    file: PathBuf,
}

impl NotRun {
    /// The variable that names the file to the tests.
    pub(crate) const VARIABLE: &str = "CACHE_ASIDE_NOT_RUN";

    /// Creates an empty file.
    pub(crate) fn new() -> Result<Self, String> {
        let file = env::temp_dir().join(format!("cache-aside-not-run-{}", process::id()));
        fs::write(&file, "")
            .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
        Ok(Self { file })
    }

    /// Returns the file.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// Prints each test that could not run, and returns how many there are.
    pub(crate) fn report(&self) -> Result<usize, String> {
        let notes = fs::read_to_string(&self.file)
            .map_err(|error| format!("cannot read {}: {error}", self.file.display()))?;
        let tests = reasons(&notes);
        if !tests.is_empty() {
            println!("\ntests that could not run: {}", tests.len());
        }
        for (test, missing) in &tests {
            println!("  {test}: {missing}");
        }
        Ok(tests.len())
    }
}

impl Drop for NotRun {
    fn drop(&mut self) {
        // A left-over file in the system's temporary folder is no reason to fail.
        let _ = fs::remove_file(&self.file);
    }
}

/// Returns what each test missed first; a test may be noted more than once.
fn reasons(notes: &str) -> BTreeMap<&str, &str> {
    let mut reasons = BTreeMap::new();
    for (test, missing) in notes.lines().filter_map(|line| line.split_once('\t')) {
        reasons.entry(test).or_insert(missing);
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_counted_once() {
        let reasons = reasons("a\tno redis\nb\tno redis\na\tno valkey\n");

        assert_eq!(reasons, BTreeMap::from([("a", "no redis"), ("b", "no redis")]));
    }
}
