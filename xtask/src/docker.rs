//! The Docker engine, if there is one.

use std::process::Command;

use crate::shell;

/// Tells whether an engine answers.
pub(crate) fn answers() -> bool {
    shell::succeeds(&mut docker(&["info"]))
}

/// Tells whether the engine has an image, or could pull it just now.
pub(crate) fn provides(image: &str) -> bool {
    has(image) || {
        println!("xtask: pulling the image {image}");
        shell::succeeds(&mut docker(&["pull", image]))
    }
}

/// Tells whether the engine has an image.
pub(crate) fn has(image: &str) -> bool {
    shell::succeeds(&mut docker(&["image", "inspect", image]))
}

/// Returns a command of the engine's client.
pub(crate) fn docker(words: &[&str]) -> Command {
    let mut command = Command::new("docker");
    command.args(words);
    command
}
