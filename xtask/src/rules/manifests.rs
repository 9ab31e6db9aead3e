//! That every package takes the workspace's lints, which forbid `unsafe`.

use std::path::Path;
use std::{fs, io};

use super::files;

/// Returns a line for each package that goes its own way.
pub(crate) fn check() -> io::Result<Vec<String>> {
    let mut violations = Vec::new();
    for file in files::all(|file| file.ends_with("Cargo.toml"))? {
        violations.extend(violation(&file, &fs::read_to_string(&file)?));
    }
    Ok(violations)
}

fn violation(file: &Path, text: &str) -> Option<String> {
    let is_root = file == Path::new("Cargo.toml");
    if is_root && !has(text, "[workspace.lints.rust]", "unsafe_code = \"forbid\"") {
        return Some("Cargo.toml: the workspace's lints must say unsafe_code = \"forbid\"".into());
    }
    let is_elsewhere = !is_root && text.lines().any(|line| line == "[workspace]");
    let is_package = text.lines().any(|line| line == "[package]");
    if is_elsewhere || !is_package || has(text, "[lints]", "workspace = true") {
        return None;
    }
    Some(format!("{}: add [lints] workspace = true; it forbids unsafe code", file.display()))
}

/// Tells whether a table of a manifest has a line.
fn has(text: &str, table: &str, wanted: &str) -> bool {
    let mut lines = text.lines().skip_while(|line| *line != table).skip(1);
    lines.by_ref().take_while(|line| !line.starts_with('[')).any(|line| line == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_without_the_lints_is_a_violation() {
        let with = "[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n";
        let without = "[package]\nname = \"a\"\n\n[dependencies]\nworkspace = true\n";

        assert_eq!(violation(Path::new("a/Cargo.toml"), with), None);
        assert!(violation(Path::new("a/Cargo.toml"), without).is_some());
    }

    #[test]
    fn the_root_must_forbid_unsafe_code() {
        let lax = "[workspace.lints.rust]\nunsafe_code = \"warn\"\n";

        assert!(violation(Path::new("Cargo.toml"), lax).is_some());
    }
}
