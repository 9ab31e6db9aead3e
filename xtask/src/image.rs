//! An image made of the installed server, for machines that cannot pull one.

use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::{env, fs, io};

use crate::docker::{self, docker};
use crate::servers::{REDIS, VALKEY};
use crate::shell;

/// Returns the image for the tests' containers, unless the caller or the public image decides.
pub(crate) fn choose() -> Option<String> {
    if env::var_os("CACHE_ASIDE_TEST_IMAGE").is_some() {
        return None;
    }
    if !crate::in_ci() && docker::provides(VALKEY.image) {
        return None;
    }
    match build() {
        Ok(image) => Some(image),
        Err(error) => {
            println!("xtask: no image for containers: {error}");
            None
        }
    }
}

/// Builds an image from a server on `PATH`, once for each version.
fn build() -> Result<String, String> {
    let program = [VALKEY, REDIS]
        .iter()
        .find_map(|server| shell::find(server.program))
        .ok_or("there is no installed server to make one from")?;
    let tag = tag(&program)?;
    if !docker::has(&tag) {
        println!("xtask: making the image {tag} of {}", program.display());
        let root = env::temp_dir().join(format!("cache-aside-image-{}", process::id()));
        let made = fill(&root, &program)
            .map_err(|error| format!("cannot fill {}: {error}", root.display()))
            .and_then(|()| import(&root, &program, &tag));
        // A left-over folder in the system's temporary one is no reason to fail.
        let _ = fs::remove_dir_all(&root);
        made?;
    }
    println!("xtask: containers are made of the image {tag}");
    Ok(tag)
}

/// Returns the image's name, from a version line such as `Valkey server v=8.0.1 sha=…`.
fn tag(program: &Path) -> Result<String, String> {
    let line = shell::output(Command::new(program).arg("--version"))?;
    let version = line
        .split_whitespace()
        .find_map(|word| word.strip_prefix("v="))
        .ok_or_else(|| format!("no version in {line:?}"))?;
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    Ok(format!("cache-aside-test-{}:{version}", name.trim_end_matches("-server")))
}

/// Copies the program and its libraries to the places where it looks for them.
fn fill(root: &Path, program: &Path) -> io::Result<()> {
    fs::create_dir_all(root.join("tmp"))?;
    fs::create_dir_all(root.join("etc"))?;
    fs::write(root.join("etc/passwd"), "root:x:0:0:root:/:/bin/false\n")?;
    let libraries = libraries(program)?;
    for file in libraries.iter().map(PathBuf::as_path).chain([program]) {
        let copy = root.join(file.strip_prefix("/").unwrap_or(file));
        fs::create_dir_all(copy.parent().unwrap_or(root))?;
        fs::copy(file, copy)?;
    }
    Ok(())
}

/// Returns the files that `ldd` names, the loader among them.
fn libraries(program: &Path) -> io::Result<Vec<PathBuf>> {
    let listing = shell::output(Command::new("ldd").arg(program)).map_err(io::Error::other)?;
    let words = listing.split_whitespace();
    Ok(words.filter(|word| word.starts_with('/')).map(PathBuf::from).collect())
}

/// Imports a folder as an image: needs no builder and nothing to start from.
fn import(root: &Path, program: &Path, tag: &str) -> Result<(), String> {
    let mut tar = Command::new("tar")
        .args(["-C", &root.to_string_lossy(), "-c", "."])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot run tar: {error}"))?;
    let archive = tar.stdout.take().ok_or("tar's output was piped")?;
    let imported = shell::run(
        docker(&["import", "--change", &format!("ENTRYPOINT [{:?}]", program.to_string_lossy())])
            .args(["--change", r#"CMD ["--protected-mode", "no", "--bind", "0.0.0.0", "-::1"]"#])
            .args(["--change", "EXPOSE 6379", "-", tag])
            .stdin(archive)
            .stdout(Stdio::null()),
    );
    let packed = tar.wait().map_err(|error| format!("tar was lost: {error}"))?;
    imported?;
    if packed.success() { Ok(()) } else { Err(format!("tar failed: {packed}")) }
}
