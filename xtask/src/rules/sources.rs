//! What must not be in source files.

use std::ffi::OsStr;
use std::path::Path;
use std::{fs, io};

use super::files;

/// The libraries whose sources must not enumerate or flush a server's keys.
const LIBRARIES: [&str; 6] = [
    "src",
    "cache-core/src",
    "cache-derive/src",
    "cache-memory/src",
    "cache-redis/src",
    "cache-tower/src",
];

/// Commands that touch others' keys, or slow down with the number of keys.
const COMMANDS: [&str; 4] = ["FLUSHALL", "FLUSHDB", "KEYS", "SCAN"];

/// The most lines a file may have.
const MAX_LINES: usize = 400;

/// Returns a line for each thing that must not be.
pub(crate) fn check() -> io::Result<Vec<String>> {
    let mut violations = Vec::new();
    for file in files::all(is_source)? {
        let text = fs::read_to_string(&file)?;
        violations.extend(too_long(&file, &text));
        if is_library(&file) {
            violations.extend(commands(&file, &text));
        }
    }
    Ok(violations)
}

fn is_source(file: &Path) -> bool {
    file.extension().is_some_and(|kind| kind == "rs" || kind == "lua")
}

/// Tells a library's own sources from its tests.
fn is_library(file: &Path) -> bool {
    let is_test = |part: &OsStr| part == "testing" || part == "tests" || part == "tests.rs";
    LIBRARIES.iter().any(|library| file.starts_with(library)) && !file.iter().any(is_test)
}

fn too_long(file: &Path, text: &str) -> Option<String> {
    let lines = text.lines().count();
    (lines > MAX_LINES).then(|| {
        format!("{}: {lines} lines; split it by noun, at most {MAX_LINES}", file.display())
    })
}

/// Finds the commands as Rust or Lua literals, above the file's own tests.
fn commands(file: &Path, text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
    lines
        .filter_map(|(index, line)| {
            let command = COMMANDS.iter().find(|command| {
                line.contains(&format!("\"{command}\"")) || line.contains(&format!("'{command}'"))
            })?;
            let place = format!("{}:{}", file.display(), index + 1);
            Some(format!("{place}: sends {command}; use generations, no key is ever enumerated"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forbidden_command_is_found_in_rust_and_in_lua() {
        let text = "// \"SCAN\" is banned\ncmd(\"KEYS\")\nredis.call('SCAN', 0)\nKEYS[1]\n";

        let found = commands(Path::new("a.rs"), text);

        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("a.rs:2: sends KEYS"), "{found:?}");
    }

    #[test]
    fn tests_may_play_another_program() {
        let text = "fn f() {}\n#[cfg(test)]\nmod tests {\n    cli(\"FLUSHALL\");\n}\n";

        assert!(commands(Path::new("a.rs"), text).is_empty());
        assert!(!is_library(Path::new("cache-core/src/testing/faulty.rs")));
        assert!(is_library(Path::new("cache-core/src/backend/mod.rs")));
    }

    #[test]
    fn a_long_file_is_found() {
        assert!(too_long(Path::new("a.rs"), &"x\n".repeat(400)).is_none());
        assert!(too_long(Path::new("a.rs"), &"x\n".repeat(401)).is_some());
    }
}
