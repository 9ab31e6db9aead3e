//! How tests went.

use std::process::ExitCode;

use crate::totals::Totals;

/// How one or more runs of tests went.
#[must_use]
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) passed: bool,
    pub(crate) totals: Totals,
}

impl Outcome {
    /// Returns how both went.
    pub(crate) fn and(self, other: Self) -> Self {
        Self { passed: self.passed && other.passed, totals: self.totals + other.totals }
    }

    /// Prints the total, as the last line of all.
    pub(crate) fn close(&self) -> ExitCode {
        println!("{}", self.totals);
        if self.passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
