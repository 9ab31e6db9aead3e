//! The files of this workspace.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// Returns the wanted files under the workspace's root, outside build folders and hidden ones.
pub(crate) fn all(wanted: fn(&Path) -> bool) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let here = if folder == Path::new("") { Path::new(".") } else { &folder };
        for entry in fs::read_dir(here)? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                folders.extend(is_ours(&path).then_some(path));
            } else if wanted(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn is_ours(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    name != "target" && !name.starts_with('.')
}
