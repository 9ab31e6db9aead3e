//! How many tests passed and failed, read from what runners print.

use std::fmt;
use std::ops::Add;

/// What runs tests and prints a summary.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Runner {
    /// `cargo test`.
    Cargo,
    /// `cargo nextest run`.
    Nextest,
}

/// A count over several runs.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Totals {
    /// Tests that ran and passed, and, until [`Totals::skip`], those that could not run.
    pub(crate) passed: usize,
    /// Tests that failed, timed out or could not be executed.
    pub(crate) failed: usize,
    /// Tests that could not run.
    pub(crate) skipped: usize,
    /// Tests marked `#[ignore]`, which nobody asked to run.
    pub(crate) ignored: usize,
}

impl Totals {
    /// Adds a line of a runner's output, if it is a summary.
    pub(crate) fn read(&mut self, runner: Runner, line: &str) {
        let line = plain(line);
        let counts = match runner {
            Runner::Cargo => line.strip_prefix("test result: ").and_then(|line| after(line, ". ")),
            Runner::Nextest => {
                line.trim_start().strip_prefix("Summary [").and_then(|line| after(line, "run: "))
            }
        };
        let pairs = counts.into_iter().flat_map(pairs);
        pairs.for_each(|(number, word)| self.count(number, word));
    }

    /// Moves tests that could not run from the passed ones: to their runner they passed.
    pub(crate) fn skip(&mut self, count: usize) {
        self.passed = self.passed.saturating_sub(count);
        self.skipped += count;
    }

    fn count(&mut self, number: usize, word: &str) {
        match word {
            "passed" => self.passed += number,
            "failed" | "timed" | "exec" => self.failed += number,
            "ignored" | "skipped" => self.ignored += number,
            _ => {}
        }
    }
}

impl Add for Totals {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
            ignored: self.ignored + other.ignored,
        }
    }
}

/// The closing line of a run.
impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

fn after<'a>(line: &'a str, separator: &str) -> Option<&'a str> {
    line.split_once(separator).map(|(_, rest)| rest)
}

/// Splits counts such as `3 passed (1 slow), 1 timed out; 0 skipped` into pairs.
fn pairs(counts: &str) -> Vec<(usize, &str)> {
    let outside = counts.split(')').filter_map(|part| part.split('(').next());
    let parts = outside.flat_map(|part| part.split([',', ';']));
    parts
        .filter_map(|part| {
            let (number, words) = part.trim().split_once(' ')?;
            Some((number.parse().ok()?, words.split(' ').next()?))
        })
        .collect()
}

/// Removes colours.
fn plain(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    first + &parts.filter_map(|part| part.split_once('m')).map(|(_, text)| text).collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(runner: Runner, line: &str) -> (usize, usize, usize) {
        let mut totals = Totals::default();
        totals.read(runner, line);
        (totals.passed, totals.failed, totals.ignored)
    }

    #[test]
    fn summaries_of_both_runners_are_read() {
        let nextest = "     Summary [   2.892s] 15/32 tests run: 13 passed (1 slow, 1 leaky), \
            1 failed, 1 timed out, 4 skipped";
        let test = "test result: FAILED. 5 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; \
            finished in 0.01s";

        assert_eq!(read(Runner::Nextest, nextest), (13, 2, 4));
        assert_eq!(read(Runner::Cargo, test), (5, 1, 2));
    }

    #[test]
    fn colours_do_not_matter() {
        let line = "\u{1b}[32;1m     Summary\u{1b}[0m [   0.1s] \u{1b}[1m1\u{1b}[0m tests run: \
            \u{1b}[1m1\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, \u{1b}[1m0\u{1b}[0m skipped";

        assert_eq!(read(Runner::Nextest, line), (1, 0, 0));
    }

    #[test]
    fn other_lines_count_nothing() {
        let failed = "    test result: FAILED. 0 passed; 1 failed; 0 ignored";

        assert_eq!(read(Runner::Nextest, "        PASS [   0.005s] it says 3 passed"), (0, 0, 0));
        assert_eq!(read(Runner::Nextest, failed), (0, 0, 0));
        assert_eq!(read(Runner::Cargo, failed), (0, 0, 0));
    }

    #[test]
    fn a_test_that_could_not_run_did_not_pass() {
        let mut totals = Totals { passed: 5, ..Totals::default() };

        totals.skip(2);

        assert_eq!(totals.to_string(), "3 passed, 0 failed, 2 skipped");
    }

    #[test]
    fn runs_add_up() {
        let one = Totals { passed: 1, failed: 2, skipped: 3, ignored: 4 };
        let other = Totals { passed: 10, failed: 20, skipped: 30, ignored: 40 };

        let sum = Totals { passed: 11, failed: 22, skipped: 33, ignored: 44 };
        assert_eq!(one + other, sum);
    }
}
