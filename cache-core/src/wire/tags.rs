//! The names of tags, in front of the payload: their number, then the length and bytes of each.

use super::{FLAG_TAGS, FLAGS, Flaw, GROUP_LEN, HEADER_LEN, decode};
use crate::{Error, ErrorKind, Result};

/// The most bytes that names can take.
pub(super) const MAX_LEN: usize = 1 + 255 * 256;

/// Appends the names, if there are some.
pub(super) fn put(out: &mut Vec<u8>, tags: &[Box<[u8]>]) -> Result<()> {
    if tags.is_empty() {
        return Ok(());
    }
    out.push(length(tags.len())?);
    for tag in tags {
        out.push(length(tag.len())?);
        out.extend_from_slice(tag);
    }
    Ok(())
}

/// Returns how many bytes the names take.
pub(super) fn len(tags: &[Box<[u8]>]) -> usize {
    if tags.is_empty() { 0 } else { 1 + tags.iter().map(|tag| 1 + tag.len()).sum::<usize>() }
}

/// Takes the names from the front of what stands behind the groups.
pub(super) fn take(bytes: &[u8]) -> Result<(Vec<&[u8]>, &[u8]), Flaw> {
    let (count, mut rest) = bytes.split_first().ok_or(Flaw::Truncated)?;
    let mut names = Vec::new();
    for _ in 0..*count {
        let (len, behind) = rest.split_first().ok_or(Flaw::Truncated)?;
        let (name, behind) = behind.split_at_checked(usize::from(*len)).ok_or(Flaw::Truncated)?;
        names.push(name);
        rest = behind;
    }
    Ok((names, rest))
}

/// Returns the names of the tags of an entry; none for bytes that are no entry, as a number would be
/// kept in the store for whatever they seem to name.
pub(crate) fn tag_names(stored: &[u8]) -> Vec<&[u8]> {
    let (Some(flags), Some(groups)) = (stored.get(FLAGS), stored.get(FLAGS + 1)) else {
        return Vec::new();
    };
    if flags & FLAG_TAGS == 0 || decode(stored, usize::MAX).is_err() {
        return Vec::new();
    }
    let tags = stored.get(HEADER_LEN + usize::from(*groups) * GROUP_LEN..).unwrap_or_default();
    take(tags).map(|(names, _)| names).unwrap_or_default()
}

fn length(len: usize) -> Result<u8> {
    u8::try_from(len).map_err(|_| {
        let text = "an entry has at most 255 tags, of 255 bytes each: use fewer or shorter ones";
        Error::new(ErrorKind::InvalidInput, text)
    })
}
