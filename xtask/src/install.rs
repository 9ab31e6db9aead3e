//! Installing a server with the system's own package manager.

use std::process::Command;

use crate::shell;

/// A package manager and how it installs; the package's name is added.
struct Manager {
    program: &'static str,
    words: &'static [&'static str],
    needs_root: bool,
}

/// Debian's is a script, which CI uses too: it knows backports and services.
const MANAGERS: [Manager; 5] = [
    Manager { program: "apt-get", words: &["bash", ".ci/install-servers"], needs_root: true },
    Manager { program: "dnf", words: &["dnf", "install", "--assumeyes"], needs_root: true },
    Manager { program: "apk", words: &["apk", "add"], needs_root: true },
    Manager { program: "pacman", words: &["pacman", "-S", "--noconfirm"], needs_root: true },
    Manager { program: "brew", words: &["brew", "install"], needs_root: false },
];

/// Installs the package of a server program, and says so.
pub(crate) fn install(server: &str) -> Result<(), String> {
    let manager = MANAGERS
        .iter()
        .find(|manager| shell::find(manager.program).is_some())
        .ok_or("none of apt-get, dnf, apk, pacman, brew is here: install it by hand")?;
    let mut words: Vec<&str> = manager.words.to_vec();
    if manager.needs_root && !is_root() {
        shell::find("sudo").ok_or("installing needs root or sudo: install it by hand")?;
        words.insert(0, "sudo");
    }
    words.push(package(manager, server));
    println!("xtask: {server} is missing; running {}", words.join(" "));
    shell::run(Command::new(words[0]).args(&words[1..]))
}

/// Returns the package's name; only Debian's has the program's.
fn package<'a>(manager: &Manager, server: &'a str) -> &'a str {
    match manager.program {
        "apt-get" => server,
        _ => server.trim_end_matches("-server"),
    }
}

fn is_root() -> bool {
    shell::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}
