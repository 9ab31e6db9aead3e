//! The library without its features, which every other step has.

use crate::cargo::cargo;
use crate::shell;

/// What a service can choose, each checked by itself.
const CHOICES: [&str; 5] = ["", "json", "lz4", "metrics", "json lz4"];

/// Checks every choice, and tests the one that has nothing.
pub(crate) fn check() -> Result<(), String> {
    for package in ["cache-core", "cache-aside"] {
        for features in CHOICES {
            let words = ["clippy", "--package", package, "--no-default-features", "--features"];
            shell::run(cargo(&words).args([features, "--", "--deny", "warnings"]))?;
        }
    }
    shell::run(&mut cargo(&["test", "--package", "cache-core", "--lib", "--quiet"]))
}
